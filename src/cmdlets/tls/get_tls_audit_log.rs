//! `Get-TlsAuditLog`: who changed what, and when.

use std::any::Any;
use std::collections::VecDeque;

use serde_json::Value as Json;

use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Zone};
use crate::state::AuditLine;

static LAST: Param<i64> = Param::named("Last", "Only so many of the newest lines").at(0).default_text("all");

/// How many lines are read at a time.
const PAGE: usize = 500;

pub(crate) static SPEC: Spec = Spec {
    name: "Get-TlsAuditLog",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the changes that were made, oldest first",
    description: "Emits one record for each line of the audit log: when, who, which verb, how it ended; Changes and Proof hold \
                  the details as JSON text, Line the line as it is chained. `Test-TlsAuditLog` tells whether the log is whole.",
    sets: &[],
    parameters: &[&LAST.spec],
    input: Input::None,
    emits: Some(&AUDIT_ENTRY),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-TlsAuditLog -Last 1", says: "Shows the newest change", expect: Expect::Emits(1) },
        Example {
            line: "Get-TlsAuditLog -Last 0",
            says: "Is refused: there is no such number of lines",
            expect: Expect::Fails(ErrorId::ParameterArgumentValidationError),
        },
    ],
    related: &["Test-TlsAuditLog"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let last = match args.get(&LAST, session)? {
        None => None,
        Some(number) => match usize::try_from(number) {
            Ok(number) if number > 0 => Some(number),
            _ => {
                return Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`{number}` is no number of lines: 1 or more"))
                    .about(number.to_string()));
            }
        },
    };
    let state = session.state()?;
    let mut newest: VecDeque<AuditLine> = VecDeque::new();
    let mut seq = 0;
    loop {
        cx.check_cancelled()?;
        let page = state.audit_after(seq, PAGE)?;
        let Some(end) = page.last() else { break };
        seq = end.seq;
        for line in page {
            let Some(last) = last else {
                cx.emit(Value::object(Entry::of(line)))?;
                continue;
            };
            if newest.len() == last {
                newest.pop_front();
            }
            newest.push_back(line);
        }
    }
    for line in newest {
        cx.emit(Value::object(Entry::of(line)))?;
    }
    Ok(())
}

/// A line of the log, read; a damaged one keeps its text alone.
struct Entry {
    line: AuditLine,
    read: Json,
}

impl Entry {
    fn of(line: AuditLine) -> Self {
        Self { read: serde_json::from_str(&line.line).unwrap_or(Json::Null), line }
    }

    fn word(&self, name: &str) -> Value {
        Value::optional_text(self.read.get(name).and_then(Json::as_str))
    }

    fn json(&self, name: &str) -> Value {
        Value::optional_text(self.read.get(name).filter(|v| !v.is_null()).map(ToString::to_string))
    }
}

static AUDIT_ENTRY: Kind = Kind::new(
    "AuditEntry",
    const {
        &[
            Property::new("Seq"),
            Property::new("Time"),
            Property::new("Principal"),
            Property::new("Verb"),
            Property::new("Outcome"),
            Property::new("Changes"),
            Property::hidden("User"),
            Property::hidden("Proof"),
            Property::hidden("Previous"),
            Property::hidden("Line"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Seq"),
                Column::of("Time"),
                Column::of("Principal"),
                Column::of("Verb"),
                Column::of("Outcome"),
                Column::of("Changes"),
            ]
        },
    ),
);

impl Record for Entry {
    fn kind(&self) -> &Kind {
        &AUDIT_ENTRY
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::Int(i64::try_from(self.line.seq).unwrap_or(i64::MAX)),
            1 => self.read.get("time").and_then(Json::as_str).and_then(|t| Moment::parse(t, &Zone::utc()).ok()).into(),
            2 => self.word("principal"),
            3 => self.word("verb"),
            4 => self.word("outcome"),
            5 => self.json("changes"),
            6 => self.word("user"),
            7 => self.json("proof"),
            8 => self.word("previous"),
            9 => Value::text(&self.line.line),
            _ => Value::Null,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};

    #[test]
    fn the_newest_lines_come_in_their_order() {
        let world = TestWorld::contoso();
        assert!(world.run(&VERB, &[]).emitted().is_empty());
        for number in 1..=3 {
            world.session().record(&format!("Test-{number}"), "Done", serde_json::json!([number]), &[]).unwrap();
        }
        assert_eq!(texts(&world.run(&VERB, &[]).emitted(), "Seq"), ["1", "2", "3"]);
        let found = world.run(&VERB, &[("Last", 2.into())]).emitted();
        assert_eq!(texts(&found, "Verb"), ["Test-2", "Test-3"]);
        assert_eq!(texts(&found, "Changes"), ["[2]", "[3]"]);
        assert_eq!(texts(&found, "Principal")[0], r"contoso\kenmyer");
        assert!(matches!(found[0].property("Time"), Some(Value::Moment(_))));
        assert_eq!(world.run(&VERB, &[("Last", 9.into())]).emitted().len(), 3);
        assert_eq!(world.run(&VERB, &[("Last", (-1).into())]).error().id(), ErrorId::ParameterArgumentValidationError);
    }
}
