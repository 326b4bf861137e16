//! Comma-separated values piece by piece: records come out as soon as they are whole (RFC 4180).

use crate::error::{Error, ErrorId, Result};

/// So many bytes may one record have.
const MAX_RECORD: usize = 16 << 20;

/// Takes text apart into records.
///
/// Blanks before a field do not count, line breaks within quotes do, empty lines are left out.
pub(super) struct CsvReader {
    delimiter: char,
    fields: Vec<String>,
    field: String,
    place: Place,
    bytes: usize,
    line: usize,
    opened: usize,
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing of the field was seen.
    Before,
    Plain,
    Quoted,
    /// A quote within quotes: the end, or the first of two.
    AfterQuote,
}

impl CsvReader {
    /// A reader at the start of a text.
    pub(super) fn new(delimiter: char) -> Self {
        Self {
            delimiter,
            fields: Vec::new(),
            field: String::new(),
            place: Place::Before,
            bytes: 0,
            line: 1,
            opened: 0,
            after_return: false,
        }
    }

    /// Takes a piece of text and hands on each record that it completes.
    ///
    /// # Errors
    /// `LimitExceeded` for a record without end, and what `sink` fails with.
    pub(super) fn push(&mut self, text: &str, sink: &mut dyn FnMut(Vec<String>) -> Result<()>) -> Result<()> {
        for c in text.chars() {
            let pair = std::mem::replace(&mut self.after_return, c == '\r') && c == '\n';
            if c == '\n' && !pair || c == '\r' {
                self.line += 1;
            }
            self.bytes += c.len_utf8();
            if self.bytes > MAX_RECORD {
                let message = format!("the record before line {} is larger than 16 MiB", self.line);
                return Err(Error::new(ErrorId::LimitExceeded, message));
            }
            self.take(c, pair, sink)?;
        }
        Ok(())
    }

    /// No more text comes: hands on the last record.
    ///
    /// # Errors
    /// `CannotConvertArgument` for a quote that is never closed, and what `sink` fails with.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Vec<String>) -> Result<()>) -> Result<()> {
        if self.place == Place::Quoted {
            let message = format!("the quote that opens in line {} is never closed", self.opened);
            return Err(Error::new(ErrorId::CannotConvertArgument, message));
        }
        self.end_record(sink)
    }

    fn take(&mut self, c: char, pair: bool, sink: &mut dyn FnMut(Vec<String>) -> Result<()>) -> Result<()> {
        match (self.place, c) {
            (Place::Quoted, '"') => self.place = Place::AfterQuote,
            (Place::Quoted, c) => self.field.push(c),
            (Place::AfterQuote, '"') => {
                self.field.push('"');
                self.place = Place::Quoted;
            }
            (_, c) if c == self.delimiter => self.end_field(),
            (_, '\n') if pair => {}
            (_, '\n' | '\r') => self.end_record(sink)?,
            (Place::Before, '"') => {
                self.place = Place::Quoted;
                self.opened = self.line;
            }
            (Place::Before | Place::AfterQuote, ' ' | '\t') => {}
            (_, c) => {
                self.field.push(c);
                self.place = Place::Plain;
            }
        }
        Ok(())
    }

    fn end_field(&mut self) {
        self.fields.push(std::mem::take(&mut self.field));
        self.place = Place::Before;
    }

    fn end_record(&mut self, sink: &mut dyn FnMut(Vec<String>) -> Result<()>) -> Result<()> {
        self.bytes = 0;
        if self.fields.is_empty() && self.place == Place::Before {
            return Ok(());
        }
        self.end_field();
        sink(std::mem::take(&mut self.fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(pieces: &[&str]) -> Result<Vec<Vec<String>>> {
        let mut reader = CsvReader::new(',');
        let mut found = Vec::new();
        let mut sink = |record| {
            found.push(record);
            Ok(())
        };
        for piece in pieces {
            reader.push(piece, &mut sink)?;
        }
        reader.finish(&mut sink)?;
        Ok(found)
    }

    #[test]
    fn records_are_read_however_the_text_is_cut() {
        let text = "a, b ,\"c \"\"d\"\"\r\ne\" \r\n\r\n,\n\"\"\nlast \"x\"";
        let wanted = [vec!["a", "b ", "c \"d\"\r\ne"], vec!["", ""], vec![""], vec!["last \"x\""]];
        assert_eq!(records(&[text]).unwrap(), wanted);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(records(&letters).unwrap(), wanted);
        assert!(records(&["", "\n"]).unwrap().is_empty());
    }

    #[test]
    fn an_open_quote_and_an_endless_record_are_told() {
        let error = records(&["a\r\nb\n\"c\n\n"]).unwrap_err();
        assert_eq!(error.id(), ErrorId::CannotConvertArgument);
        assert!(error.message().contains("line 3"), "{}", error.message());
        let long = format!("\"{}", "x".repeat(MAX_RECORD));
        assert_eq!(records(&[&long]).unwrap_err().id(), ErrorId::LimitExceeded);
    }
}
