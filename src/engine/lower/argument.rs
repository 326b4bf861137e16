//! Command arguments: parameters, switches, positional values, splatted maps.

use super::fault::Fault;
use super::frame::{Header, Kind};
use super::output::count_lines;
use super::pipeline::Target;
use super::report::{Argument, Command, Literal, Value};
use super::scan::Lowerer;
use super::words::{Parameter, ParameterLookup};
use crate::error::ErrorId;

/// The key under which a command's named arguments hold what is splatted.
const SPLAT: &str = "@";

/// One argument's pieces in the output.
struct Emitted<'a> {
    parameter: Option<&'a str>,
    from: usize,
    to: usize,
}

/// A command while its arguments are read.
pub(super) struct Stage<'a> {
    pub(super) verb: &'a str,
    start: usize,
    site: usize,
    emitted: Vec<Emitted<'a>>,
    /// The line ends that were owed before the command.
    owed: u32,
    /// `<…>` words that the operator was to replace.
    pub(super) placeholders: Vec<(usize, usize)>,
    /// An argument was wrong, so that the others are not judged by their number.
    pub(super) faulty: bool,
}

impl<'a> Lowerer<'a> {
    /// A verb with its arguments: puts `"Verb", site, [positional], #{named})`.
    pub(super) fn stage(&mut self, target: Target<'a>, piped: bool) {
        let (start, end, verb) = target.parts();
        let site = self.commands.len();
        let span = (start as u32, end as u32);
        self.commands.push(Command { verb, span, piped, splats: false, arguments: Vec::new() });
        self.pos = end;
        self.out.drop_to(end);
        let base = self.out.len();
        let mut stage =
            Stage { verb, start, site, emitted: Vec::new(), owed: self.owed, placeholders: Vec::new(), faulty: false };
        while self.argument(&mut stage) {}
        self.report_placeholders(&stage);
        self.check_positions(&stage);
        self.arrange(base, &stage);
    }

    /// Reads one argument; tells whether there may be another.
    fn argument(&mut self, stage: &mut Stage<'a>) -> bool {
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
                        self.pos += blank.len_utf8()
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
        if stage.emitted.iter().any(|other| other.parameter == Some(parameter.name)) {
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
            vec![Value { literal: Some(Literal::Bool(true)), span }]
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

    fn record(
        &mut self,
        stage: &mut Stage<'a>,
        parameter: Option<&'a str>,
        from: usize,
        span: (u32, u32),
        mut values: Vec<Value>,
        secret: bool,
    ) {
        let to = self.out.len();
        stage.emitted.push(Emitted { parameter, from, to });
        if secret {
            for value in &mut values {
                value.literal = None;
            }
        }
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.arguments.push(Argument { parameter, span, values });
        }
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

    fn splat(&mut self, stage: &mut Stage<'a>) {
        let at = self.pos;
        let end = self.word_end(at + 1);
        let from = self.out.len();
        self.out.drop_to(at + 1);
        self.put_variable(at + 1, end);
        self.pos = end;
        let to = self.out.len();
        stage.emitted.push(Emitted { parameter: Some(SPLAT), from, to });
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.splats = true;
        }
    }

    /// `Cmd -?` asks for help on the command.
    fn help(&mut self, stage: &mut Stage<'a>, at: usize, end: usize) {
        self.pos = end;
        let words = self.words;
        let Some(help) = words.verb("Get-Help") else {
            self.refuse(at, end, "there is no help here", "`Get-Command` lists the verbs");
            return;
        };
        let verb = std::mem::replace(&mut stage.verb, help);
        stage.emitted.clear();
        // What stood before goes, but for its line ends.
        self.owed = stage.owed + count_lines(self.slice(stage.start, end));
        let from = self.out.len();
        self.out.make(stage.start, |text| super::quoted::write_literal(text, verb));
        stage.emitted.push(Emitted { parameter: None, from, to: self.out.len() });
        let span = (stage.start as u32, (stage.start + verb.len()) as u32);
        let literal = Some(Literal::Text(verb.to_owned()));
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.verb = help;
            command.arguments = vec![Argument { parameter: None, span, values: vec![Value { literal, span }] }];
        }
    }

    fn report_placeholders(&mut self, stage: &Stage<'a>) {
        let Some((start, end)) = stage.placeholders.first().copied() else { return };
        let words: Vec<&str> = stage.placeholders.iter().map(|(start, end)| self.slice(*start, *end)).collect();
        let listed = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" and ");
        let (stand, values) = if words.len() == 1 { ("stands", "a value") } else { ("stand", "values") };
        let fault = Fault::new(
            ErrorId::PlaceholderNotReplaced,
            format!("{listed} {stand} for {values} of your own"),
            start,
            end,
        );
        let first = words.first().copied().unwrap_or_default();
        self.fault(fault.about(first).hint("replace each `<…>`, its angle brackets too"));
    }

    fn check_positions(&mut self, stage: &Stage<'a>) {
        let Some(most) = self.words.positions(stage.verb) else { return };
        if stage.faulty || !stage.placeholders.is_empty() {
            return;
        }
        let Some(command) = self.commands.get(stage.site) else { return };
        let stray = command.arguments.iter().filter(|argument| argument.parameter.is_none()).nth(most);
        let Some(&Argument { span: (start, end), .. }) = stray else { return };
        let word = self.slice(start as usize, end as usize);
        let verb = stage.verb;
        let message = if most == 0 {
            format!("`{verb}` takes no value without a parameter's name: `{word}`")
        } else {
            format!("`{verb}` takes no further value: `{word}`")
        };
        let fault = Fault::new(ErrorId::PositionalParameterNotFound, message, start as usize, end as usize);
        self.fault(fault.about(word).hint(format!("name the parameter before it; `Get-Help {verb}` lists them")));
    }

    /// Puts the arguments in the order in which `__cmd` takes them: positional ones, then named ones.
    fn arrange(&mut self, base: usize, stage: &Stage<'a>) {
        let pieces = self.out.take(base);
        let (verb, site) = (stage.verb, stage.site);
        self.out.make(stage.start, |text| {
            use std::fmt::Write as _;
            let _ = write!(text, "\"{verb}\", {site}, [");
        });
        self.put_arguments(&pieces, base, stage, |argument| argument.parameter.is_none());
        self.out.put("], #{");
        let mut comma =
            self.put_arguments(&pieces, base, stage, |argument| argument.parameter.is_some_and(|name| name != SPLAT));
        if stage.emitted.iter().any(|argument| argument.parameter == Some(SPLAT)) {
            self.out.put(if std::mem::take(&mut comma) { ", \"@\": [" } else { "\"@\": [" });
            self.put_arguments(&pieces, base, stage, |argument| argument.parameter == Some(SPLAT));
            self.out.put("]");
        }
        let owed = std::mem::take(&mut self.owed);
        self.out.newlines(owed);
        self.out.put("})");
    }

    fn put_arguments(
        &mut self,
        pieces: &[super::output::Piece],
        base: usize,
        stage: &Stage<'a>,
        wanted: impl Fn(&Emitted<'a>) -> bool,
    ) -> bool {
        let mut comma = false;
        for argument in stage.emitted.iter().filter(|argument| wanted(argument)) {
            if comma {
                self.out.put(", ");
            }
            comma = true;
            if let Some(name) = argument.parameter.filter(|name| *name != SPLAT) {
                self.out.make(stage.start, |text| {
                    super::quoted::write_literal(text, name);
                    text.push_str(": ");
                });
            }
            self.out.put_back(pieces.get(argument.from - base..argument.to - base).unwrap_or_default());
        }
        comma
    }
}

fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn dashed(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`-{name}`")).collect::<Vec<_>>().join(between)
}
