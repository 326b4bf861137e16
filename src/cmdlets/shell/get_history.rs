//! `Get-History`: what was run in this session.

use std::any::Any;

use crate::command::{
    Args, Column, Example, Expect, HistoryEntry, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec,
    Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};

static ID: Param<Vec<i64>> =
    Param::named("Id", "Only the entries with these numbers").at(0).from_pipeline(Pipeline::ByValue);
static COUNT: Param<i64> = Param::named("Count", "Only so many, the newest ones").at(1);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-History",
    twin: None,
    aliases: &["ghy", "history"],
    functions: &[],
    synopsis: "List the entries of this session",
    description: "Lists what was typed in this interactive session and run, the oldest first. An entry with a word that is, \
                  abbreviates or nearly matches a secret parameter of any verb is not kept: neither here nor in the file \
                  `history` of the home, which the arrow keys and Ctrl-R go through and which earlier sessions have written. \
                  In a script there is nothing to list.",
    sets: &[],
    parameters: &[&ID.spec, &COUNT.spec],
    input: Input::EachObject,
    emits: Some(&HISTORY_INFO),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-History", says: "Lists all entries of the session; a script has none", expect: Expect::Emits(0) },
        Example { line: "Get-History -Count 5", says: "Lists the last five entries", expect: Expect::Emits(0) },
    ],
    related: &["Get-Command", "about_command_mode"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let mut entries = cx.history();
    if let Some(ids) = args.get(&ID, cx)? {
        for id in &ids {
            if !entries.iter().any(|entry| i64::try_from(entry.id) == Ok(*id)) {
                let error = Error::new(ErrorId::PathNotFound, format!("the history has no entry {id}"));
                cx.report_error(error.about(id.to_string()).hint("`Get-History` lists the entries"))?;
            }
        }
        entries.retain(|entry| ids.iter().any(|id| i64::try_from(entry.id) == Ok(*id)));
    }
    if let Some(count) = args.get(&COUNT, cx)? {
        let Ok(count) = usize::try_from(count) else {
            let message = format!("`-Count` takes no negative number: {count}");
            return Err(Error::new(ErrorId::ParameterArgumentValidationError, message).about(count.to_string()));
        };
        entries.drain(..entries.len().saturating_sub(count));
    }
    for entry in entries {
        cx.emit(Value::object(HistoryInfo(entry)))?;
    }
    Ok(())
}

/// One entry as operators see it.
struct HistoryInfo(HistoryEntry);

static HISTORY_INFO: Kind = Kind::new(
    "HistoryInfo",
    const {
        &[
            Property::new("Id"),
            Property::new("CommandLine"),
            Property::hidden("ExecutionStatus"),
            Property::hidden("StartExecutionTime"),
            Property::hidden("EndExecutionTime"),
        ]
    },
    View::Table(const { &[Column::of("Id"), Column::of("CommandLine")] }),
);

impl Record for HistoryInfo {
    fn kind(&self) -> &Kind {
        &HISTORY_INFO
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => i64::try_from(self.0.id).map_or(Value::Null, Value::Int),
            1 => Value::text(&*self.0.line),
            2 => if self.0.completed { "Completed" } else { "Failed" }.into(),
            3 => self.0.started.into(),
            4 => self.0.ended.into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.line.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
