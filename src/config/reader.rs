//! A typed reader over TOML that knows where every word stands and which keys there are.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, ErrorId, Result};
use crate::model::{Position, nearest};

/// More problems than this say no more about a file.
const MOST_PROBLEMS: usize = 20;

/// A file's text and what was found wrong with it so far.
pub(super) struct Document {
    file: Arc<str>,
    text: String,
    id: ErrorId,
    problems: RefCell<Vec<Problem>>,
}

/// Something wrong at a place.
pub(super) struct Problem {
    pub(super) position: Position,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Makes one error of all problems: the first in the file is the error, the others are hints.
pub(super) fn raise(id: ErrorId, problems: Vec<Problem>) -> Option<Error> {
    let mut problems = problems;
    problems.sort_by_key(|p| (p.position.file.clone(), p.position.line, p.position.column));
    let mut problems = problems.into_iter();
    let first = problems.next()?;
    let about = first.position.file.as_deref().unwrap_or("").to_owned();
    let error = Error::new(id, format!("{}: {}", first.position, first.message)).about(about).at(first.position);
    let error = first.hint.into_iter().fold(error, Error::hint);
    Some(problems.fold(error, |error, p| {
        let hint = p.hint.map_or_else(String::new, |h| format!("; {h}"));
        error.hint(format!("also {}: {}{hint}", p.position, p.message))
    }))
}

/// A value with the place where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl Document {
    /// Takes the text of a file; problems become errors with this id.
    pub(super) fn new(file: &str, text: String, id: ErrorId) -> Self {
        Self { file: file.into(), text, id, problems: RefCell::default() }
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Parses the text.
    ///
    /// # Errors
    /// The document's id, at the first place that is no TOML.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>> {
        DeTable::parse(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            Error::new(self.id, format!("{}: no TOML: {}", self.position(&span), one_line(error.message())))
                .about(&*self.file)
                .at(self.position(&span))
        })
    }

    /// The place of a range of bytes.
    pub(super) fn position(&self, span: &Range<usize>) -> Position {
        Position::of_span(Some(self.file.clone()), &self.text, span.clone())
    }

    /// Notes something wrong.
    pub(super) fn problem(&self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST_PROBLEMS {
            problems.push(Problem { position: self.position(span), message: message.into(), hint });
        }
    }

    /// Notes something wrong at a place that was found before.
    pub(super) fn problem_at(&self, position: &Position, message: impl Into<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST_PROBLEMS {
            problems.push(Problem { position: position.clone(), message: message.into(), hint: None });
        }
    }

    /// Notes an error that a word of the file raised.
    pub(super) fn refuse(&self, span: &Range<usize>, error: &Error) {
        self.problem(span, error.message(), error.hints().into_iter().next());
    }

    /// The value, unless something was wrong.
    ///
    /// # Errors
    /// The first problem of the file with its place; the others are hints.
    pub(super) fn outcome<T>(&self, value: Option<T>) -> Result<T> {
        match (raise(self.id, self.problems.take()), value) {
            (Some(error), _) => Err(error),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(Error::new(self.id, format!("`{}` cannot be used", self.file)).about(&*self.file)),
        }
    }
}

/// A table that is being read: each question names a key; [`Table::finish`] refuses the keys not asked for.
pub(super) struct Table<'a> {
    pub(super) document: &'a Document,
    rows: &'a DeTable<'a>,
    /// Where the table stands.
    pub(super) span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    /// The document's own table.
    pub(super) fn root(document: &'a Document, root: &'a Spanned<DeTable<'a>>) -> Self {
        // The root's span is the whole text; a problem of the whole is shown at its start.
        Self { document, rows: root.get_ref(), span: 0..0, asked: RefCell::default() }
    }

    fn of(document: &'a Document, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let rows = value.get_ref().as_table()?;
        Some(Self { document, rows, span: value.span(), asked: RefCell::default() })
    }

    /// The entries in the order of the file, for tables whose keys are names; asks for nothing more.
    pub(super) fn entries(&self) -> Vec<(At<&'a str>, Item<'a>)> {
        let entry = |(key, value): (&'a Spanned<_>, _)| {
            let key: &'a Spanned<std::borrow::Cow<'a, str>> = key;
            (At { value: key.get_ref().as_ref(), span: key.span() }, Item { document: self.document, value })
        };
        let mut entries: Vec<_> = self.rows.iter().map(entry).collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// The value of a key.
    pub(super) fn item(&self, key: &'static str) -> Option<Item<'a>> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        self.rows.get(key).map(|value| Item { document: self.document, value })
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &'static str) -> Option<Item<'a>> {
        let item = self.item(key);
        if item.is_none() {
            self.missing(key);
        }
        item
    }

    /// Notes that a key is missing.
    pub(super) fn missing(&self, key: &'static str) {
        let near: Vec<&str> =
            self.rows.keys().map(|k| k.get_ref().as_ref()).filter(|k| nearest(k, [key]).is_some()).collect();
        // A misspelt key is reported as such; to call its twin missing as well would only be noise.
        if near.iter().all(|k| self.asked.borrow().contains(k)) {
            self.document.problem(&self.span, format!("`{key}` is missing here"), None);
        }
    }

    /// Text of a key.
    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.item(key)?.text()
    }

    /// Text of a key that must be there.
    pub(super) fn required_text(&self, key: &'static str) -> Option<At<String>> {
        self.required(key)?.text()
    }

    /// `true` or `false`; the default when the key is absent.
    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(item) = self.item(key) else { return default };
        item.value.get_ref().as_bool().unwrap_or_else(|| {
            item.wrong("`true` or `false`");
            default
        })
    }

    /// A whole number in a range.
    pub(super) fn number<T: TryFrom<i64>>(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<T> {
        let item = self.item(key)?;
        let read = item.value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let number = read.filter(|n| range.contains(n)).and_then(|n| T::try_from(n).ok());
        if number.is_none() {
            item.wrong(&format!("a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// Something that is written as text and read with `FromStr`.
    pub(super) fn parsed<T: FromStr<Err = Error>>(&self, key: &'static str) -> Option<At<T>> {
        self.item(key)?.parsed()
    }

    /// The same of a key that must be there.
    pub(super) fn required_parsed<T: FromStr<Err = Error>>(&self, key: &'static str) -> Option<At<T>> {
        self.required(key)?.parsed()
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.item(key)?.word(words)
    }

    /// A list of texts; empty when the key is absent. One text alone stands for a list of one.
    pub(super) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        self.item(key).map_or_else(Vec::new, |item| item.list()).into_iter().filter_map(|i| i.text()).collect()
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let DeValue::Array(array) = item.value.get_ref() else {
            item.document.problem(&item.span(), format!("`{key}` is a list of tables: write `[[{key}]]`"), None);
            return Vec::new();
        };
        array.iter().filter_map(|value| Item { document: self.document, value }.table()).collect()
    }

    /// The table of a key.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.item(key)?.table()
    }

    /// Refuses every key that was not asked for, naming the nearest that was.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.rows.keys() {
            let word = key.get_ref().as_ref();
            if asked.contains(&word) {
                continue;
            }
            let hint = match nearest(word, asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the keys here are {}",
                    asked.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
                ),
            };
            self.document.problem(&key.span(), format!("`{word}` is no key here"), Some(hint));
        }
    }
}

/// A value that is being read.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) document: &'a Document,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Item<'a> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    fn wrong(&self, expected: &str) {
        self.document.problem(
            &self.span(),
            format!("{expected} is expected here, not {}", kind(self.value.get_ref())),
            None,
        );
    }

    /// The text, when it is one; a problem otherwise.
    pub(super) fn text(&self) -> Option<At<String>> {
        let Some(text) = self.as_text() else {
            self.wrong("text in quotes");
            return None;
        };
        Some(At { value: text.to_owned(), span: self.span() })
    }

    /// The text without a problem when it is something else.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.get_ref().as_str()
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(super) fn parsed<T: FromStr<Err = Error>>(&self) -> Option<At<T>> {
        let text = self.text()?;
        match text.value.parse() {
            Ok(value) => Some(At { value, span: text.span }),
            Err(error) => {
                self.document.refuse(&text.span, &error);
                None
            }
        }
    }

    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text.value));
        if found.is_none() {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let near =
                nearest(&text.value, words.iter().map(|(word, _)| *word)).map(|near| format!("did you mean `{near}`?"));
            self.document.problem(&text.span, format!("`{}` is none of {}", text.value, all.join(", ")), near);
        }
        found.map(|(_, value)| *value)
    }

    /// The elements of a list; one value alone stands for a list of one.
    pub(super) fn list(&self) -> Vec<Item<'a>> {
        match self.value.get_ref() {
            DeValue::Array(array) => array.iter().map(|value| Item { document: self.document, value }).collect(),
            _ => vec![*self],
        }
    }

    pub(super) fn table(&self) -> Option<Table<'a>> {
        let table = Table::of(self.document, self.value);
        if table.is_none() {
            self.wrong("a table");
        }
        table
    }
}

/// Reads a file of at most 16 MiB as UTF-8.
///
/// # Errors
/// The given id, naming the file as the operator did.
pub(super) fn read_file(path: &Path, shown: &str, id: ErrorId) -> Result<String> {
    String::from_utf8(read_bytes(path, shown, id)?).map_err(|_| unreadable(shown, id, "it is no UTF-8 text"))
}

/// The same of a file that Windows may have written: UTF-16 with a byte order mark is text too, and the mark is taken
/// away.
///
/// # Errors
/// As [`read_file`].
pub(super) fn read_unicode_file(path: &Path, shown: &str, id: ErrorId) -> Result<String> {
    let bytes = read_bytes(path, shown, id)?;
    let wide = |of: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (units, rest) = bytes.as_chunks::<2>();
        if rest.is_empty() { String::from_utf16(&units.iter().map(|u| of(*u)).collect::<Vec<_>>()).ok() } else { None }
    };
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes).ok(),
    };
    text.ok_or_else(|| unreadable(shown, id, "it is no UTF-8 or UTF-16 text"))
}

fn unreadable(shown: &str, id: ErrorId, why: &str) -> Error {
    Error::new(id, format!("`{shown}` cannot be read: {why}")).about(shown)
}

fn read_bytes(path: &Path, shown: &str, id: ErrorId) -> Result<Vec<u8>> {
    const LIMIT: u64 = 16 << 20;
    let fail = |why: &str| unreadable(shown, id, why);
    let size = std::fs::metadata(path).map_err(|e| fail(&why(&e)).because(e))?;
    if !size.is_file() {
        return Err(fail("it is no file"));
    }
    if size.len() > LIMIT {
        return Err(fail("it is larger than 16 MiB"));
    }
    std::fs::read(path).map_err(|e| fail(&why(&e)).because(e))
}

fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        _ => error.to_string(),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
