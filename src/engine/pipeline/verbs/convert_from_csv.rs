//! `ConvertFrom-Csv`: comma-separated lines as objects.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use super::csv_rows::{CsvRows, DELIMITER, HEADER};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Value, Verb, cannot_convert};
use crate::engine::bind::Bound;
use crate::error::Result;

static INPUT: Param<Vec<String>> = Param::named("InputObject", "The lines, where none are piped").at(0);

pub(super) static SPEC: Spec = Spec {
    name: "ConvertFrom-Csv",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn comma-separated lines into objects",
    description: "The first line names the properties, unless `-Header` does. All values are text; one that a line lacks is `$null`. \
                  Each object is emitted as soon as its line is whole.",
    sets: &[],
    parameters: &[&INPUT.spec, &DELIMITER.spec, &HEADER.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "@('Name,Port', 'pool01,443', 'pool02,4443') | ConvertFrom-Csv | Where-Object Port -eq 443",
        says: "Two objects are read, one is passed on",
        expect: Expect::Emits(1),
    }],
    related: &["Import-Csv", "ConvertTo-Csv"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct ConvertFrom {
    rows: CsvRows,
    given: Option<Vec<String>>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    Ok(Box::new(ConvertFrom { rows: CsvRows::new(&args, session)?, given: args.get(&INPUT, session)? }))
}

impl Stage for ConvertFrom {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        for text in self.given.take().unwrap_or_default() {
            self.line(&text, down)?;
        }
        Ok(())
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.given.is_some() {
            return Err(super::input_twice());
        }
        match value {
            Value::Text(text) => self.line(&text, down),
            other => Err(cannot_convert(&other, "String").hint("pipe lines of text; `Import-Csv` reads a file")),
        }
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        self.rows.finish(down)
    }
}

impl ConvertFrom {
    fn line(&mut self, text: &str, down: &mut Down<'_>) -> Result<()> {
        self.rows.push(text, down)?;
        self.rows.push("\n", down)
    }
}
