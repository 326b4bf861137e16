//! Among the arguments of a command.

use super::scan::{Frame, Lexer, Prev};
use super::text::is_blank;
use super::{Kind, Upstream};

impl Lexer<'_> {
    pub(super) fn argument(&mut self, stage: usize) {
        let at = self.pos;
        let Some(character) = self.char_at(at) else { return };
        match character {
            c if is_blank(c) => self.pos += c.len_utf8(),
            '\r' => self.pos += 1,
            '`' if matches!(self.byte(at + 1), b'\n' | b'\r' | 0) => {
                self.pos = at + 1;
                if self.byte(self.pos) == b'\r' {
                    self.pos += 1;
                }
                if self.byte(self.pos) == b'\n' {
                    self.pos += 1;
                }
            }
            '\n' => {
                let goes_on = self.tokens.last().is_some_and(|t| t.kind == Kind::Comma)
                    || (self.byte(self.after_trivia(at)) == b'|');
                self.pos += 1;
                if !goes_on {
                    self.leave_body();
                    self.begin_statement();
                }
            }
            ';' => {
                self.leave_body();
                self.begin_statement();
                self.pos += 1;
            }
            ')' | ']' | '}' => {
                self.top_mut().stage = None;
                self.close(character as u8);
            }
            '#' | '/' | '<' if self.comment() => {}
            '|' => self.bar_after(stage),
            ',' => {
                let ends = self.top().separates && self.byte(at + 1) != 0 && self.char_at(at + 1).is_some_and(is_blank);
                self.push(Kind::Comma, at, at + 1);
                if ends {
                    self.begin_statement();
                }
            }
            '(' => self.open(1, Frame::new(b')', false)),
            '{' if self.top().header => {
                self.top_mut().stage = None;
                self.expression();
            }
            '{' => {
                let mut frame = Frame::new(b'}', true);
                frame.piped = Some(self.stages.get(stage).map_or(Upstream::Nothing, |s| s.upstream));
                self.open(1, frame);
            }
            '@' if matches!(self.byte(at + 1), b'(' | b'{') => self.open_at_sign(),
            '#' if self.byte(at + 1) == b'{' => self.open(2, Frame::new(b'}', false)),
            '$' => self.dollar(),
            '"' | '\u{201c}'..='\u{201e}' => self.double_quoted(at),
            '\'' | '\u{2018}'..='\u{201b}' => self.single_quoted(at),
            '.' if self.top().prev == Prev::Operand && self.glued_to_operand(at) => self.dot(),
            _ => self.word_of_arguments(at),
        }
    }

    /// Whether a dot at `at` asks for a property of what ends there: `$x.`, `(…).`.
    fn glued_to_operand(&self, at: usize) -> bool {
        self.tokens.last().is_some_and(|t| {
            t.end == at
                && (matches!(t.kind, Kind::Variable | Kind::Property)
                    || (t.kind == Kind::Bracket && matches!(self.byte(t.start), b')' | b']')))
        })
    }

    fn word_of_arguments(&mut self, at: usize) {
        if self.top().prev == Prev::Dot && self.tokens.last().is_some_and(|t| t.end == at) {
            let end = self.word_end(at);
            if end > at {
                self.push(Kind::Property, at, end);
                self.top_mut().prev = Prev::Operand;
                return;
            }
        }
        if let Some(length) = self.dash(at) {
            let name = at + length;
            let first = self.char_at(name);
            if first.is_none_or(|c| c.is_ascii_alphabetic() || c == '_' || c == '?') {
                let mut end = self.word_end(name);
                if self.byte(end) == b':' {
                    end += 1;
                } else {
                    while !self.ends_argument(end) {
                        end += self.char_at(end).map_or(1, char::len_utf8);
                    }
                }
                self.push(Kind::Parameter, at, end);
                return;
            }
        }
        let mut end = at + self.char_at(at).map_or(1, char::len_utf8);
        while !self.ends_argument(end) {
            end += self.char_at(end).map_or(1, char::len_utf8);
        }
        let word = self.slice(at, end);
        let kind = if word.parse::<f64>().is_ok() && word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            Kind::Number
        } else {
            Kind::Bareword
        };
        self.push(kind, at, end);
        self.top_mut().prev = Prev::Operand;
    }

    /// A bar after a command: "or", a closure, or the way to the next command.
    fn bar_after(&mut self, stage: usize) {
        let at = self.pos;
        if self.byte(at + 1) == b'|' {
            self.top_mut().stage = None;
            self.operator(2);
            return;
        }
        if let Some(names) = self.closure(stage, at) {
            let end = names.last().map_or(at + 1, |last| last.1);
            let close = self.after_blanks(end);
            self.push(Kind::Operator, at, at + 1);
            for (start, end) in &names {
                self.push(Kind::Name, *start, *end);
            }
            self.push(Kind::Operator, close, close + 1);
            self.declared.extend(names.iter().copied());
            let mut frame = Frame::new(b'\n', self.top().ps);
            frame.piped = Some(self.stages.get(stage).map_or(Upstream::Nothing, |s| s.upstream));
            frame.parameters = names;
            self.frames.push(frame);
            return;
        }
        self.pipe(Upstream::Stage(stage));
    }

    /// The names between two bars, if a command's closure begins at `at`.
    fn closure(&self, stage: usize, at: usize) -> Option<Vec<(usize, usize)>> {
        let verb = &self.stages.get(stage)?.verb;
        if !self.words.takes_block(verb) {
            return None;
        }
        let mut names = Vec::new();
        let mut next = at + 1;
        loop {
            next = self.after_blanks(next);
            let end = self.word_end(next);
            if end == next || self.words.alias(self.slice(next, end)).is_some() {
                return None;
            }
            names.push((next, end));
            next = self.after_blanks(end);
            match self.byte(next) {
                b',' => next += 1,
                b'|' if self.byte(next + 1) != b'|' => return Some(names),
                _ => return None,
            }
        }
    }
}
