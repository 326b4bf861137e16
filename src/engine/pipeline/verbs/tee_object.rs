//! `Tee-Object`: passes objects on and keeps them in a variable or writes them to a file.

use super::super::run::{Down, Run, too_many};
use super::super::stage::{Stage, outside};
use super::text_file::TextFile;
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Values, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};
use crate::format::Formatter;

static FILE: Param<String> = Param::named("FilePath", "The file that also gets them, as the screen would show them")
    .at(0)
    .aliases(&["Path"])
    .sets(&["File"])
    .mandatory()
    .values(Values::Files);
static APPEND: Param<Switch> = Param::named("Append", "Add to the file").sets(&["File"]);
static VARIABLE: Param<String> =
    Param::named("Variable", "The variable that also gets them, without `$`").sets(&["Variable"]).mandatory();

pub(super) static SPEC: Spec = Spec {
    name: "Tee-Object",
    twin: None,
    aliases: &["tee"],
    functions: &[],
    synopsis: "Pass objects on and keep them in a variable or a file",
    description: "Each object is passed on at once. The variable holds a list, the one object where only one came, `$null` where none \
                  did. The file is put in place whole at the end, and not at all when the pipeline fails.",
    sets: &["File", "Variable"],
    parameters: &[&FILE.spec, &APPEND.spec, &VARIABLE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "1..=3 | Tee-Object -Variable all | Select-Object -First 1",
            says: "`$all` has what was passed on",
            expect: Expect::Emits(1),
        },
        Example {
            line: "1..=3 | Tee-Object numbers.txt -WhatIf",
            says: "Says what would be written",
            expect: Expect::Emits(3),
        },
    ],
    related: &["Out-File", "Select-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

enum Tee {
    Variable { name: String, kept: Vec<Value> },
    File { file: Box<TextFile>, formatter: Box<Formatter> },
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    if let Some(name) = args.get(&VARIABLE, session)? {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || name.starts_with("__") {
            let error = Error::new(ErrorId::ParameterArgumentValidationError, format!("`{name}` names no variable"));
            return Err(error.about(name).hint("write the name without `$`: `-Variable found`"));
        }
        return Ok(Box::new(Tee::Variable { name, kept: Vec::new() }));
    }
    let file = TextFile::new(args.need(&FILE, session)?, args.on(&APPEND), false);
    let formatter = Formatter::new(super::out_file::WIDTH_DEFAULT, run.state.zone());
    Ok(Box::new(Tee::File { file: Box::new(file), formatter: Box::new(formatter) }))
}

impl Stage for Tee {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        match self {
            Self::Variable { kept, .. } => {
                let limit = down.run.state.limits.array_size;
                if limit > 0 && kept.len() >= limit {
                    return Err(too_many(limit));
                }
                kept.push(value.clone());
            }
            Self::File { file, formatter } => {
                file.open(down)?;
                file.write(|text| formatter.push(&value, text).map_err(super::out_file::unwritten))?;
            }
        }
        let passed = down.emit(value);
        // A later stage that has enough ends this one: what was passed on until then counts.
        if passed.is_err() && !down.run.has_failed() {
            self.settle(down)?;
        }
        passed
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        if let Self::File { file, .. } = self {
            file.open(down)?;
        }
        self.settle(down)
    }
}

impl Tee {
    fn settle(&mut self, down: &mut Down<'_>) -> Result<()> {
        match self {
            Self::Variable { name, kept } => {
                let value = crate::engine::values::collected(std::mem::take(kept));
                down.run.state.set_cell(name, &value);
                Ok(())
            }
            Self::File { file, formatter } => {
                file.write(|text| formatter.finish(text).map_err(super::out_file::unwritten))?;
                file.finish()
            }
        }
    }
}
