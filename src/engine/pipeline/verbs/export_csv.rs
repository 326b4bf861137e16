//! `Export-Csv`: objects as a CSV file.

use std::sync::Arc;

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use super::convert_to_csv::{NO_TYPE, plain};
use super::csv_reader::CsvReader;
use super::csv_rows::{DELIMITER, delimiter};
use super::row::{Row, kind};
use super::text_file::{ENCODINGS, TextFile};
use crate::command::{Example, Expect, Impact, Input, Kind, Param, Spec, Switch, Value, Values, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};
use crate::format::CsvWriter;

static PATH: Param<String> = Param::named("Path", "The file to write")
    .at(0)
    .aliases(&["LiteralPath", "PSPath"])
    .mandatory()
    .values(Values::Files);
static APPEND: Param<Switch> = Param::named("Append", "Add to the file, under the columns that it has");
static NO_CLOBBER: Param<Switch> =
    Param::named("NoClobber", "Fail where the file is there already").aliases(&["NoOverwrite"]);
static FORCE: Param<Switch> =
    Param::named("Force", "With `-Append`, leave empty what an object lacks of the file's columns");
static ENCODING: Param<String> = Param::named("Encoding", "Accepted for compatibility")
    .values(Values::Choice(ENCODINGS))
    .compat("files are written in UTF-8");

pub(super) static SPEC: Spec = Spec {
    name: "Export-Csv",
    twin: None,
    aliases: &["epcsv"],
    functions: &[],
    synopsis: "Write objects to a CSV file",
    description: "The first object's visible properties are the columns; choose others with `Select-Object`. The file is UTF-8 and is \
                  put in place whole at the end; when the pipeline fails the old one stays. It holds 64 MiB at most.",
    sets: &[],
    parameters: &[
        &PATH.spec,
        &DELIMITER.spec,
        &APPEND.spec,
        &NO_CLOBBER.spec,
        &FORCE.spec,
        &NO_TYPE.spec,
        &ENCODING.spec,
    ],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[Example {
        line: "@('pool01', 'pool02') | Select-Object @{ n = 'Pool'; e = { $_ } } | Export-Csv pools.csv -NoTypeInformation -WhatIf",
        says: "Says what would be written; without `-WhatIf` the file is written",
        expect: Expect::Emits(0),
    }],
    related: &["Import-Csv", "ConvertTo-Csv", "Out-File"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Export {
    file: TextFile,
    csv: CsvWriter,
    delimiter: char,
    lenient: bool,
    /// The columns of a file that is appended to.
    columns: Option<Arc<Kind>>,
    headed: bool,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    let delimiter = delimiter(&args, session)?;
    Ok(Box::new(Export {
        file: TextFile::new(args.need(&PATH, session)?, args.on(&APPEND), args.on(&NO_CLOBBER)),
        csv: CsvWriter::new(delimiter, run.state.zone()),
        delimiter,
        lenient: args.on(&FORCE),
        columns: None,
        headed: false,
    }))
}

impl Stage for Export {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        self.open(down)?;
        let value = plain(&value);
        let lines = match &self.columns {
            None => self.csv.push(value),
            Some(columns) => {
                let mut lines = self.csv.push(&under(columns, value, self.lenient)?);
                if !std::mem::replace(&mut self.headed, true) {
                    lines.remove(0);
                }
                lines
            }
        };
        self.file.write(|text| {
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
            Ok(())
        })
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        self.open(down)?;
        self.file.finish()
    }
}

impl Export {
    fn open(&mut self, down: &mut Down<'_>) -> Result<()> {
        let Some(before) = self.file.open(down)? else { return Ok(()) };
        self.columns = first_record(&before, self.delimiter)?.map(kind).transpose()?;
        Ok(())
    }
}

/// The names of the columns that a text begins with.
fn first_record(text: &str, delimiter: char) -> Result<Option<Vec<String>>> {
    let mut reader = CsvReader::new(delimiter);
    let mut first = None;
    let mut keep = |record: Vec<String>| {
        let of_type = record.first().is_some_and(|field| field.starts_with("#TYPE "));
        if first.is_none() && !of_type {
            first = Some(record);
        }
        Ok(())
    };
    for line in text.split_inclusive('\n') {
        reader.push(line, &mut keep)?;
    }
    reader.finish(&mut keep)?;
    Ok(first)
}

/// An object as one of the file's own columns.
fn under(columns: &Arc<Kind>, value: &Value, lenient: bool) -> Result<Value> {
    let mut values = Vec::with_capacity(columns.properties.len());
    for column in columns.properties.iter() {
        let found = match value {
            Value::Object(_) | Value::Map(_) => value.property(&column.name),
            plain => column.name.eq_ignore_ascii_case("Value").then(|| plain.clone()),
        };
        if found.is_none() && !lenient {
            let message = format!("`{}` has no property for the file's column `{}`", value.type_name(), column.name);
            return Err(Error::new(ErrorId::CannotConvertArgument, message)
                .about(column.name.to_string())
                .hint("`-Force` leaves it empty; without `-Append` the file gets columns of its own"));
        }
        values.push(found.unwrap_or_default());
    }
    Ok(Value::object(Row::new(Arc::clone(columns), values)))
}
