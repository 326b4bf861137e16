//! `ConvertTo-Csv`: objects as comma-separated lines.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use super::csv_rows::{DELIMITER, delimiter};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;
use crate::format::{CsvWriter, Formatted};

static INPUT: Param<Vec<Value>> = Param::named("InputObject", "The objects to convert, where none are piped").at(0);

/// Windows PowerShell writes the type first unless this is given; no line of it is ever written here.
pub(super) static NO_TYPE: Param<Switch> = Param::named("NoTypeInformation", "Accepted for compatibility")
    .aliases(&["NTI"])
    .compat("no line with the type is written");

pub(super) static SPEC: Spec = Spec {
    name: "ConvertTo-Csv",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn objects into comma-separated lines",
    description: "The first object's visible properties are the columns; choose others with `Select-Object`. Every value is quoted, \
                  those of a list are joined by `; `, and `$null` is nothing at all. What has no properties is one column, `Value`.",
    sets: &[],
    parameters: &[&INPUT.spec, &DELIMITER.spec, &NO_TYPE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "@('pool01', 'pool02') | Select-Object @{ n = 'Pool'; e = { $_ } } | ConvertTo-Csv",
        says: "The line of names and one for each object",
        expect: Expect::Emits(3),
    }],
    related: &["Export-Csv", "ConvertFrom-Csv", "ConvertTo-Json"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct ConvertTo {
    csv: CsvWriter,
    given: Option<Vec<Value>>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    let csv = CsvWriter::new(delimiter(&args, session)?, run.state.zone());
    Ok(Box::new(ConvertTo { csv, given: args.get(&INPUT, session)? }))
}

impl Stage for ConvertTo {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        self.given.take().unwrap_or_default().iter().try_for_each(|value| self.line(value, down))
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.given.is_some() {
            return Err(super::input_twice());
        }
        self.line(&value, down)
    }
}

impl ConvertTo {
    fn line(&mut self, value: &Value, down: &mut Down<'_>) -> Result<()> {
        self.csv.push(plain(value)).into_iter().try_for_each(|line| down.emit(Value::from(line)))
    }
}

/// The object itself, where a `Format-…` verb has said how it is to be shown.
pub(super) fn plain(value: &Value) -> &Value {
    match value {
        Value::Object(record) => {
            record.as_any().downcast_ref::<Formatted>().map_or(value, |formatted| &formatted.value)
        }
        other => other,
    }
}
