//! From CSV records to objects: the first record names the properties unless `-Header` does.

use std::sync::Arc;

use super::super::run::Down;
use super::csv_reader::CsvReader;
use super::row::{Row, kind};
use crate::command::{Args, Facts, Kind, Param, Value};
use crate::error::{Error, ErrorId, Result};

/// The parameter of the delimiter, where a verb has one.
pub(super) static DELIMITER: Param<String> =
    Param::named("Delimiter", "What parts the values; one character").at(1).default_text(",");

/// The parameter of the names, where a verb reads.
pub(super) static HEADER: Param<Vec<String>> =
    Param::named("Header", "The names of the properties, where the text has no line of them");

/// Reads text and emits an object for each record.
pub(super) struct CsvRows {
    reader: CsvReader,
    given: Option<Vec<String>>,
    kind: Option<Arc<Kind>>,
}

impl CsvRows {
    /// As the parameters have it.
    ///
    /// # Errors
    /// Those of [`delimiter`].
    pub(super) fn new(args: &Args, facts: &dyn Facts) -> Result<Self> {
        let reader = CsvReader::new(delimiter(args, facts)?);
        Ok(Self { reader, given: args.get(&HEADER, facts)?, kind: None })
    }

    /// The same for another text.
    pub(super) fn afresh(&self, delimiter: char) -> Self {
        Self { reader: CsvReader::new(delimiter), given: self.given.clone(), kind: None }
    }

    /// Takes a piece of text.
    ///
    /// # Errors
    /// `CannotConvertArgument` for names that are given twice, `LimitExceeded`; what later stages fail with.
    pub(super) fn push(&mut self, text: &str, down: &mut Down<'_>) -> Result<()> {
        let Self { reader, given, kind } = self;
        reader.push(text, &mut |record| emit(record, given, kind, down))
    }

    /// No more text comes.
    ///
    /// # Errors
    /// As [`CsvRows::push`]; `CannotConvertArgument` for a quote that is never closed.
    pub(super) fn finish(&mut self, down: &mut Down<'_>) -> Result<()> {
        let Self { reader, given, kind } = self;
        reader.finish(&mut |record| emit(record, given, kind, down))
    }
}

/// The delimiter that was given, or a comma.
///
/// # Errors
/// `ParameterArgumentValidationError` for what is not one character, or is one that has a meaning.
pub(super) fn delimiter(args: &Args, facts: &dyn Facts) -> Result<char> {
    let Some(text) = args.get(&DELIMITER, facts)? else { return Ok(',') };
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(one), None) if !matches!(one, '"' | '\r' | '\n') => Ok(one),
        _ => Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("`{text}` is no delimiter: it is one character"),
        )
        .about(text)
        .hint("write `-Delimiter ';'`, or \"`t\" for a tabulator")),
    }
}

fn emit(
    record: Vec<String>,
    given: &mut Option<Vec<String>>,
    shared: &mut Option<Arc<Kind>>,
    down: &mut Down<'_>,
) -> Result<()> {
    let of_type = record.first().is_some_and(|field| field.starts_with("#TYPE "));
    let row_kind = match (&*shared, given.take()) {
        (Some(kind), _) => Arc::clone(kind),
        // Older exports begin with a line that names the type.
        (None, names) if of_type => {
            *given = names;
            return Ok(());
        }
        (None, Some(names)) => Arc::clone(shared.insert(kind(names)?)),
        (None, None) => {
            *shared = Some(kind(named(record))?);
            return Ok(());
        }
    };
    down.emit(Value::object(Row::new(row_kind, record.into_iter().map(Value::from).collect())))
}

/// A column without a name is called `H1`, `H2`…, as PowerShell does.
fn named(record: Vec<String>) -> Vec<String> {
    let mut number = 0;
    record
        .into_iter()
        .map(|name| {
            if !name.trim().is_empty() {
                return name;
            }
            number += 1;
            format!("H{number}")
        })
        .collect()
}
