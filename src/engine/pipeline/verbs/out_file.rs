//! `Out-File`: the text that the screen would show, in a file.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use super::text_file::{ENCODINGS, TextFile};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Values, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};
use crate::format::Formatter;

/// The width of a file's text where none is asked for.
pub(super) const WIDTH_DEFAULT: usize = 120;

static FILE: Param<String> = Param::named("FilePath", "The file to write")
    .at(0)
    .aliases(&["Path", "LiteralPath"])
    .mandatory()
    .values(Values::Files);
static APPEND: Param<Switch> = Param::named("Append", "Add to the file");
static NO_CLOBBER: Param<Switch> =
    Param::named("NoClobber", "Fail where the file is there already").aliases(&["NoOverwrite"]);
static WIDTH: Param<i64> = Param::named("Width", "The width in characters").default_text("120");
static ENCODING: Param<String> = Param::named("Encoding", "Accepted for compatibility")
    .values(Values::Choice(ENCODINGS))
    .compat("files are written in UTF-8");
static FORCE: Param<Switch> =
    Param::named("Force", "Accepted for compatibility").compat("a file is replaced without it");

pub(super) static SPEC: Spec = Spec {
    name: "Out-File",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write the text that the screen would show to a file",
    description: "The file is UTF-8 and is put in place whole at the end; when the pipeline fails the old one stays. It holds 64 MiB at most.",
    sets: &[],
    parameters: &[&FILE.spec, &APPEND.spec, &NO_CLOBBER.spec, &WIDTH.spec, &ENCODING.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[Example {
        line: "Get-Date | Out-File today.txt -WhatIf",
        says: "Says what would be written; without `-WhatIf` the file is written",
        expect: Expect::Emits(0),
    }],
    related: &["Tee-Object", "Export-Csv", "Out-String"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct OutFile {
    file: TextFile,
    formatter: Formatter,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    let width = match args.get(&WIDTH, session)? {
        Some(width) => width.clamp(20, 10_000) as usize,
        None => WIDTH_DEFAULT,
    };
    let file = TextFile::new(args.need(&FILE, session)?, args.on(&APPEND), args.on(&NO_CLOBBER));
    Ok(Box::new(OutFile { file, formatter: Formatter::new(width, run.state.zone()) }))
}

impl Stage for OutFile {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        self.file.open(down)?;
        let formatter = &mut self.formatter;
        self.file.write(|text| formatter.push(&value, text).map_err(unwritten))
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        self.file.open(down)?;
        let formatter = &mut self.formatter;
        self.file.write(|text| formatter.finish(text).map_err(unwritten))?;
        self.file.finish()
    }
}

pub(super) fn unwritten(_: std::fmt::Error) -> Error {
    Error::new(ErrorId::LimitExceeded, "the text cannot be put together")
}
