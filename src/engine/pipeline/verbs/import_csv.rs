//! `Import-Csv`: the objects of a CSV file.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use super::csv_rows::{CsvRows, DELIMITER, HEADER, delimiter};
use super::text_file::{ENCODINGS, read_text};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Value, Values, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};

static PATH: Param<Vec<String>> = Param::named("Path", "The files to read; none where their names are piped")
    .at(0)
    .aliases(&["LiteralPath", "PSPath"])
    .values(Values::Files);
static ENCODING: Param<String> = Param::named("Encoding", "Accepted for compatibility")
    .values(Values::Choice(ENCODINGS))
    .compat("files are read as UTF-8");

pub(super) static SPEC: Spec = Spec {
    name: "Import-Csv",
    twin: None,
    aliases: &["ipcsv"],
    functions: &[],
    synopsis: "Read objects from a CSV file",
    description: "The first line names the properties, unless `-Header` does. All values are text; one that a line lacks is `$null`. \
                  The file is UTF-8.",
    sets: &[],
    parameters: &[&PATH.spec, &DELIMITER.spec, &HEADER.spec, &ENCODING.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "Import-Csv no-such-file.csv | ForEach-Object { $_.Name }",
        says: "A file that is not there is an error",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Export-Csv", "ConvertFrom-Csv"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Import {
    rows: CsvRows,
    delimiter: char,
    paths: Option<Vec<String>>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    Ok(Box::new(Import {
        rows: CsvRows::new(&args, session)?,
        delimiter: delimiter(&args, session)?,
        paths: args.get(&PATH, session)?,
    }))
}

impl Stage for Import {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        let Some(paths) = self.paths.take() else {
            return Err(Error::new(ErrorId::MissingMandatoryParameter, "the mandatory parameter `-Path` is missing")
                .about("Path"));
        };
        paths.iter().try_for_each(|path| self.file(path, down))
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.paths.is_some() {
            return Err(super::input_twice());
        }
        match value {
            Value::Text(path) => self.file(&path, down),
            other => Err(crate::command::cannot_convert(&other, "String").hint("pipe the names of files")),
        }
    }
}

impl Import {
    fn file(&self, shown: &str, down: &mut Down<'_>) -> Result<()> {
        let text = read_text(down, shown)?;
        let mut rows = self.rows.afresh(self.delimiter);
        let named = |error: Error| if error.target().is_some() { error } else { error.about(shown) };
        rows.push(&text, down).map_err(named)?;
        rows.finish(down).map_err(named)
    }
}
