//! Command arguments: parameters, switches, positional values.

use super::fault::Fault;
use super::frame::{Header, Kind};
use super::output::count_lines;
use super::report::{Literal, Value};
use super::scan::Lowerer;
use super::stage::Stage;
use super::words::{Parameter, ParameterLookup};
use crate::error::ErrorId;

impl<'a> Lowerer<'a> {
    /// Reads one argument; tells whether there may be another.
    pub(super) fn argument(&mut self, stage: &mut Stage<'a>) -> bool {
        let (before, owed) = (self.pos, self.owed);
        self.skip_blanks();
        if self.ends_command(stage.verb) {
            // Blanks before what ends the command are copied, unless a line was continued among them.
            if self.owed == owed {
                self.pos = before;
                self.out.drop_to(before);
            }
            return false;
        }
        let at = self.pos;
        match self.byte(0) {
            b',' => {
                self.refuse(
                    at,
                    at + 1,
                    "a value is missing before `,`",
                    "text that holds a comma stands in quotes: `'a,b'`",
                );
                stage.faulty = true;
                self.pos += 1;
            }
            b'@' if self.byte(1) == b'_' || self.byte(1).is_ascii_alphabetic() => self.splat(stage),
            b'@' if matches!(self.byte(1), b'"' | b'\'') => self.refuse_here_string(at),
            _ => match self.dash_at(at) {
                Some(length) if self.byte_at(at + length) == b'?' && self.ends_argument(at + length + 1) => {
                    self.help(stage, at, at + length + 1);
                }
                Some(length) if is_name_start(self.byte_at(at + length)) => self.parameter(stage, at + length),
                _ => self.positional(stage),
            },
        }
        if self.pos == at {
            self.pos += self.char_at(at).map_or(1, char::len_utf8);
        }
        true
    }

    /// Whether what stands at `pos` is no argument of the command any more.
    fn ends_command(&self, verb: &str) -> bool {
        match self.byte(0) {
            0 => self.pos >= self.src.len(),
            b'\n' | b'\r' | b';' | b')' | b']' | b'}' => true,
            b'#' | b'/' => self.comment_end(self.pos).is_some(),
            b'|' => !self.closure_begins(verb),
            b'{' => self.top.header != Header::None,
            b',' => self.top.kind.comma_separates() || self.top.kind == Kind::Body,
            _ => false,
        }
    }

    /// Skips blanks, what pasted text brings along, block comments and continued lines.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' => self.pos += 1,
                b'\r' if self.byte(1) != b'\n' => self.pos += 1,
                b'`' if self.continued_line() => {}
                b'/' if self.byte(1) == b'*' => self.skip_comment(),
                b'<' if self.byte(1) == b'#' && self.comment_end(self.pos).is_some() => self.skip_comment(),
                0x80.. => match self.char_at(self.pos) {
                    Some(blank @ ('\u{a0}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')) => {
                        self.pos += blank.len_utf8();
                    }
                    _ => break,
                },
                _ => break,
            }
        }
        self.out.drop_to(self.pos);
    }

    fn skip_comment(&mut self) {
        let at = self.pos;
        let end = self.comment_end(at).unwrap_or(at + 2);
        if self.byte(0) == b'/' && !self.slice(at + 2, end).ends_with("*/") {
            self.incomplete("the comment that opens here is never closed", at, at + 2);
            return;
        }
        self.owed += count_lines(self.slice(at, end));
        self.pos = end;
    }

    /// A backtick at the end of a line; tells whether it was one.
    fn continued_line(&mut self) -> bool {
        let at = self.pos;
        let next = self.after_blanks(at + 1);
        if at + 1 >= self.src.len() {
            self.incomplete("the line goes on after the backtick", at, at + 1);
            return true;
        }
        let end = if self.byte_at(next) == b'\r' { next + 1 } else { next };
        if self.byte_at(end) != b'\n' {
            return false;
        }
        if next > at + 1 {
            self.refuse(
                at + 1,
                next,
                "a blank stands between the backtick and the end of its line",
                "take the blank away: the backtick must be the last character",
            );
        }
        self.owed += 1;
        self.pos = end + 1;
        if self.pos >= self.src.len() {
            self.incomplete("the line goes on after the backtick", at, at + 1);
        }
        true
    }

    /// Whether a value or a parameter word ends at `index`.
    pub(super) fn ends_argument(&self, index: usize) -> bool {
        match self.byte_at(index) {
            0 => index >= self.src.len(),
            b' ' | b'\t' | b'\r' | b'\n' | b';' | b')' | b']' | b'}' | b',' | b'|' | b'(' | b'{' => true,
            b'`' => matches!(self.byte_at(index + 1), b'\n' | b'\r'),
            0x80.. => matches!(self.char_at(index), Some('\u{a0}' | '\u{200e}')),
            _ => false,
        }
    }

    /// The length of the dash at `at`: `-` or one that a document made of it.
    fn dash_at(&self, at: usize) -> Option<usize> {
        match self.byte_at(at) {
            b'-' => Some(1),
            0xe2 if matches!(self.char_at(at), Some('\u{2013}'..='\u{2015}')) => Some(3),
            _ => None,
        }
    }

    fn parameter(&mut self, stage: &mut Stage<'a>, start: usize) {
        let at = self.pos;
        let mut end = self.word_end(start);
        let colon = self.byte_at(end) == b':';
        if !colon {
            while !self.ends_argument(end) {
                end += self.char_at(end).map_or(1, char::len_utf8);
            }
        }
        let name = self.slice(start, end);
        self.pos = if colon { end + 1 } else { end };
        self.out.drop_to(self.pos);
        let words = self.words;
        match words.parameter(stage.verb, name) {
            ParameterLookup::Found(parameter) => self.bind(stage, parameter, (at, end), colon),
            ParameterLookup::Unknown { near } => {
                stage.faulty = true;
                let message = format!("`{}` has no parameter `-{name}`", stage.verb);
                let fault = Fault::new(ErrorId::NamedParameterNotFound, message, at, end).about(format!("-{name}"));
                self.fault(match near.as_slice() {
                    [] => fault.hint(format!("`Get-Help {}` lists its parameters", stage.verb)),
                    near => fault.hint(format!("did you mean {}?", dashed(near, " or "))),
                });
            }
            ParameterLookup::Ambiguous { candidates } => {
                stage.faulty = true;
                let message = format!("`-{name}` of `{}` may be {}", stage.verb, dashed(&candidates, ", "));
                let fault = Fault::new(ErrorId::AmbiguousParameter, message, at, end).about(format!("-{name}"));
                self.fault(fault.hint("write one more letter"));
            }
        }
    }

    fn bind(&mut self, stage: &mut Stage<'a>, parameter: Parameter<'a>, word: (usize, usize), colon: bool) {
        let (at, end) = word;
        if stage.has(parameter.name) {
            stage.faulty = true;
            let message = format!("`-{}` is given twice", parameter.name);
            self.fault(
                Fault::new(ErrorId::ParameterAlreadyBound, message, at, end).about(format!("-{}", parameter.name)),
            );
        }
        let from = self.out.len();
        let span = (at as u32, end as u32);
        let values = if parameter.switch && !colon {
            self.out.put("true");
            vec![Value { literal: Some(Literal::Bool(true)), block: false, span }]
        } else {
            self.skip_blanks();
            let values = if self.value_follows(stage.verb, colon) { self.values(stage) } else { Vec::new() };
            if values.is_empty() && self.pos < self.src.len() || values.is_empty() && self.open.is_none() {
                stage.faulty = true;
                let message = format!("`-{}` needs a value", parameter.name);
                self.fault(
                    Fault::new(ErrorId::MissingArgument, message, at, end).about(format!("-{}", parameter.name)),
                );
            }
            values
        };
        self.record(stage, Some(parameter.name), from, span, values, parameter.secret);
    }

    /// Whether a value stands here, and not the end of the command or the next parameter.
    fn value_follows(&self, verb: &str, colon: bool) -> bool {
        match self.byte(0) {
            0 => self.pos < self.src.len(),
            b'\n' | b'\r' | b';' | b')' | b']' | b'}' | b',' => false,
            b'#' | b'/' => self.comment_end(self.pos).is_none(),
            b'|' => self.closure_begins(verb),
            b'{' => self.top.header == Header::None,
            b'@' => !is_name_start(self.byte(1)),
            _ => colon || self.dash_at(self.pos).is_none_or(|length| !is_name_start(self.byte(length))),
        }
    }

    fn positional(&mut self, stage: &mut Stage<'a>) {
        let at = self.pos;
        let from = self.out.len();
        let values = self.values(stage);
        if values.is_empty() {
            return;
        }
        let end = values.last().map_or(at as u32, |value| value.span.1);
        self.record(stage, None, from, (at as u32, end), values, false);
    }

    /// One value, or several with commas between them.
    fn values(&mut self, stage: &mut Stage<'a>) -> Vec<Value> {
        let from = self.out.len();
        let mut values = Vec::new();
        while let Some(value) = self.value(stage) {
            values.push(value);
            let (after, owed) = (self.pos, self.owed);
            self.skip_blanks();
            if self.byte(0) != b',' || !self.comma_continues() {
                if self.owed == owed {
                    self.pos = after;
                    self.out.drop_to(after);
                }
                break;
            }
            let comma = self.pos;
            self.pos += 1;
            self.skip_lines();
            self.out.put(", ");
            self.out.drop_to(self.pos);
            if self.pos >= self.src.len() {
                self.incomplete("a value is expected after `,`", comma, comma + 1);
                break;
            }
            if matches!(self.byte(0), b',' | b';' | b')' | b'}' | b'|') {
                self.refuse(
                    comma,
                    comma + 1,
                    "a value is missing after `,`",
                    "take the comma away, or name the next value",
                );
                stage.faulty = true;
                break;
            }
        }
        if values.len() > 1 {
            self.out.insert_at(from, "[");
            self.out.put("]");
        }
        values
    }

    /// Whether the comma at `pos` belongs to the command: inside of calls and arrays only a glued one does.
    fn comma_continues(&self) -> bool {
        match self.top.kind {
            Kind::Body => false,
            kind if kind.comma_separates() => !matches!(self.byte(1), b' ' | b'\t' | b'\r' | b'\n' | 0),
            _ => true,
        }
    }

    /// Skips blanks and line ends, for a line that an open comma continues.
    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.byte(0) {
                b'\n' => {
                    self.owed += 1;
                    self.pos += 1;
                }
                b'\r' => self.pos += 1,
                b'#' | b'/' => match self.comment_end(self.pos) {
                    Some(end) => self.pos = end,
                    None => return,
                },
                _ => return,
            }
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn dashed(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`-{name}`")).collect::<Vec<_>>().join(between)
}
