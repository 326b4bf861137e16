//! A place in a text that somebody wrote.

use std::fmt;
use std::sync::Arc;

/// File (or `None` for a typed line), line and column, both from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file as the operator named it.
    pub file: Option<Arc<str>>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters the word has, at least 1.
    pub width: u32,
}

impl Position {
    /// A word of `width` characters.
    #[must_use]
    pub fn new(file: Option<Arc<str>>, line: u32, column: u32, width: u32) -> Self {
        Self { file, line, column, width: width.max(1) }
    }

    /// Finds the line and column of a byte range in a text.
    #[must_use]
    pub fn of_span(file: Option<Arc<str>>, text: &str, span: std::ops::Range<usize>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let before = &text[..start];
        let line = before.matches('\n').count() as u32 + 1;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = text[line_start..start].chars().count() as u32 + 1;
        let first_line = text[start..end].split('\n').next().unwrap_or("");
        Self::new(file, line, column, first_line.chars().count() as u32)
    }
}

fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}:{}:{}", self.line, self.column),
            None => write!(f, "line {}, column {}", self.line, self.column),
        }
    }
}
