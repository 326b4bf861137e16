//! Short names of verbs where an expression begins: `gci Cert:\LocalMachine\My`, `gcm -Noun CsCertificate`.
//!
//! After a bar an alias is always the verb. At the head of a line the same word may be a variable or a function of
//! Rhai's, so that it is the verb only where Rhai could make nothing of it: the name is not declared, and what follows
//! is a value without an operator between them, or nothing at all.

use super::frame::{Fresh, Kind};
use super::names::is_reserved;
use super::scan::Lowerer;
use super::words::ParameterLookup;

impl Lowerer<'_> {
    /// Runs the verb of the alias at `at..end` if Rhai could make nothing of the word; tells whether it did.
    pub(super) fn alias_command(&mut self, at: usize, end: usize) -> bool {
        if self.top.key || self.top.fresh == Fresh::No || !self.ends_verb(end) {
            return false;
        }
        let word = self.slice(at, end);
        let words = self.words;
        let Some(verb) = words.alias(word) else { return false };
        if is_reserved(word) || self.names.find(word).is_some() || !self.is_head(end, verb) {
            return false;
        }
        self.command_at(at, end, verb);
        true
    }

    /// Whether what follows an alias makes it the head of a command.
    fn is_head(&self, end: usize, verb: &str) -> bool {
        let next = self.after_blanks(end);
        let glued = |index: usize| !matches!(self.byte_at(index), b' ' | b'\t' | b'\r' | b'\n' | b'=' | 0);
        match self.byte_at(next) {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                !matches!(self.slice(next, self.word_end(next)), "in" | "is" | "as" | "if" | "else")
            }
            b'0'..=b'9' | b'"' | b'\'' | b'$' | b'@' | b'\\' | b'~' => next > end,
            b'.' => next > end && matches!(self.byte_at(next + 1), b'.' | b'/' | b'\\'),
            b'*' => next > end && glued(next + 1) && self.byte_at(next + 1) != b'*',
            b'-' => next > end && self.is_parameter(next + 1, verb),
            b'`' => matches!(self.byte_at(next + 1), b'\n' | b'\r'),
            b'|' => self.pipe_target(next).is_some() && self.stands_alone(),
            b')' if self.top.kind == Kind::Group => true,
            b';' | b'\n' | b'\r' | b')' | b'}' => self.stands_alone(),
            b'#' => self.comment_end(next).is_some() && self.stands_alone(),
            0 => next >= self.src.len() && self.stands_alone(),
            _ => false,
        }
    }

    /// Whether a word after a dash is, or begins, a parameter of the verb.
    fn is_parameter(&self, start: usize, verb: &str) -> bool {
        let end = self.word_end(start);
        if self.byte_at(start) == b'?' {
            return self.ends_argument(start + 1);
        }
        self.byte_at(start).is_ascii_alphabetic()
            && !matches!(self.words.parameter(verb, self.slice(start, end)), ParameterLookup::Unknown { .. })
    }

    /// Whether a word alone would be a statement, or stands between PowerShell's brackets.
    fn stands_alone(&self) -> bool {
        let statement = self.top.fresh == Fresh::Statement && self.top.kind.has_statements();
        statement || (self.top.ps && !matches!(self.top.kind, Kind::Call | Kind::Index | Kind::Array | Kind::Map))
    }
}
