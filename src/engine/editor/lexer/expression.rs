//! Outside of the arguments of a command: Rhai, and PowerShell's expressions.

use super::scan::{Frame, Lexer, Prev};
use super::text::is_blank;
use super::{Kind, Upstream};
use crate::engine::lower::text;

const KEYWORDS: &[&str] = &[
    "let", "const", "if", "else", "elseif", "while", "until", "loop", "do", "for", "foreach", "in", "switch", "fn",
    "return", "throw", "try", "catch", "import", "export", "as", "break", "continue", "private", "true", "false",
];

impl Lexer<'_> {
    pub(super) fn expression(&mut self) {
        let at = self.pos;
        let Some(character) = self.char_at(at) else { return };
        match character {
            c if is_blank(c) => self.pos += c.len_utf8(),
            '\r' => self.pos += 1,
            '\n' => self.line_end(),
            '#' | '/' | '<' if self.comment() => {}
            c if c.is_ascii_alphabetic() || c == '_' => self.word(at),
            '%' | '?' if self.top().after_bar => self.aliased_symbol(at),
            c if c.is_ascii_digit() => self.number(at),
            '"' => {
                let ps = self.ps() || (self.top().prev == Prev::Start && self.top().last.is_none());
                if ps { self.double_quoted(at) } else { self.rhai_text(at) }
            }
            '\u{201c}'..='\u{201e}' => self.double_quoted(at),
            '\'' | '\u{2018}'..='\u{201b}' => self.single_quoted(at),
            '`' if self.ps() => self.pos += 1,
            '`' => {
                self.put(Kind::Text, at, at + 1, true);
                self.backtick_text(at + 1);
            }
            '$' => self.dollar(),
            '@' if matches!(self.byte(at + 1), b'(' | b'{') => self.open_at_sign(),
            '#' if self.byte(at + 1) == b'{' => {
                let mut frame = Frame::new(b'}', false);
                frame.separates = true;
                self.open(2, frame);
            }
            '#' => self.raw_text(at),
            '(' | '[' => {
                let mut frame = Frame::new(if character == '(' { b')' } else { b']' }, false);
                // A call, an index and an array part their elements with commas.
                frame.separates = character == '[' || self.top().prev == Prev::Operand;
                self.open(1, frame);
            }
            '{' => {
                let mut frame = Frame::new(b'}', false);
                let top = self.top();
                if top.after_bar || top.ps {
                    frame.ps = true;
                }
                self.open(1, frame);
            }
            ')' | ']' | '}' => self.close(character as u8),
            ';' => {
                self.leave_body();
                self.begin_statement();
                self.pos += 1;
            }
            ',' => {
                if self.top().close == b'\n' {
                    self.leave_body();
                    self.step();
                    return;
                }
                self.push(Kind::Comma, at, at + 1);
                let top = self.top_mut();
                top.prev = Prev::Start;
                top.last = None;
            }
            '|' => self.bar(at),
            '.' => self.dot(),
            ':' if self.byte(at + 1) == b':' => {
                self.operator(2);
                self.top_mut().prev = Prev::Dot;
            }
            '-' | '\u{2013}'..='\u{2015}' => self.dash_operator(at, character.len_utf8()),
            '=' if self.byte(at + 1) != b'=' && self.byte(at + 1) != b'>' => {
                let ps = self.tokens.last().is_some_and(|t| t.kind == Kind::Variable);
                if let Some(last) = self.tokens.last().filter(|_| ps).copied() {
                    self.declared.push((last.start + 1, last.end));
                }
                self.operator(1);
                self.top_mut().ps_line |= ps;
            }
            _ => self.operator(character.len_utf8()),
        }
    }

    pub(super) fn ps(&self) -> bool {
        self.top().ps || self.top().ps_line
    }

    fn line_end(&mut self) {
        let next = self.after_trivia(self.pos);
        self.pos += 1;
        if self.top().after_bar {
            return;
        }
        // A line that begins with a bar or a dot goes on with the one before it.
        if matches!(self.byte(next), b'|' | b'.') && self.top().prev == Prev::Operand {
            return;
        }
        if self.top().close == b'\n' {
            self.leave_body();
        }
        if self.top().prev == Prev::Operand || self.top().stage.is_some() {
            self.begin_statement();
        }
    }

    fn word(&mut self, at: usize) {
        if self.top().prev == Prev::Dot {
            let end = self.word_end(at);
            self.operand(Kind::Property, at, end);
            return;
        }
        let end = self.verb_end(at);
        let word = self.slice(at, end).to_owned();
        let last = self.tokens.last().copied();
        let declares =
            last.is_some_and(|t| t.kind == Kind::Keyword && matches!(self.slice(t.start, t.end), "let" | "const"));
        if self.top().prev == Prev::Start && !declares {
            let upstream = match (self.top().after_bar, self.top().last) {
                (true, Some(upstream)) => upstream,
                _ => Upstream::Nothing,
            };
            let found = match self.words.verb(&word) {
                Some(verb) => Some(verb.to_owned()),
                None if self.top().after_bar => self.words.alias(&word).map(str::to_owned),
                None => None,
            };
            if let Some(verb) = found
                && (self.ends_verb(end) || self.byte(end) == b'{')
            {
                self.begin_stage(at, end, verb, upstream);
                return;
            }
            if word.contains('-') || self.top().after_bar {
                let after_bar = self.top().after_bar;
                let kind = if word.contains('-') { Kind::Unregistered } else { Kind::Name };
                let upstream = self.top().last;
                self.operand(kind, at, end);
                if after_bar {
                    // What may still become a command keeps what is piped into it.
                    self.top_mut().last = upstream;
                }
                return;
            }
        }
        let end = self.word_end(at);
        let word = self.slice(at, end).to_owned();
        if KEYWORDS.contains(&word.as_str()) {
            self.keyword(&word, at, end);
            return;
        }
        if declares {
            self.declared.push((at, end));
        }
        self.operand(Kind::Name, at, end);
    }

    fn keyword(&mut self, word: &str, at: usize, end: usize) {
        self.push(Kind::Keyword, at, end);
        let top = self.top_mut();
        top.last = None;
        top.after_bar = false;
        top.prev = Prev::Start;
        match word {
            "true" | "false" | "break" | "continue" => top.prev = Prev::Operand,
            "if" | "elseif" | "while" | "until" | "catch" => top.header = true,
            "switch" => {
                top.header = true;
                top.arms = true;
            }
            "for" | "foreach" | "fn" => {
                top.header = true;
                self.header_names(word == "fn", end);
            }
            _ => {}
        }
    }

    /// Remembers the names that `for x in`, `foreach ($x in` and `fn f(a, b)` declare.
    fn header_names(&mut self, function: bool, end: usize) {
        let line = self.text.get(end..).and_then(|t| t.find(['{', '\n'])).map_or(self.text.len(), |n| end + n);
        let mut at = end;
        while at < line {
            let Some(c) = self.char_at(at) else { return };
            if !(c.is_ascii_alphabetic() || c == '_') {
                at += c.len_utf8();
                continue;
            }
            let stop = self.word_end(at);
            if self.slice(at, stop) == "in" && !function {
                return;
            }
            self.declared.push((at, stop));
            at = stop;
        }
    }

    fn aliased_symbol(&mut self, at: usize) {
        let upstream = self.top().last.unwrap_or(Upstream::Nothing);
        match self.words.alias(self.slice(at, at + 1)).map(str::to_owned) {
            Some(verb) => self.begin_stage(at, at + 1, verb, upstream),
            None => self.operator(1),
        }
    }

    fn number(&mut self, at: usize) {
        let mut end = self.word_end(at);
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = self.word_end(end + 1);
        }
        self.operand(Kind::Number, at, end);
    }

    fn bar(&mut self, at: usize) {
        if self.byte(at + 1) == b'|' {
            self.operator(2);
            return;
        }
        if self.top().prev == Prev::Operand {
            let next = self.after_trivia(at + 1);
            let end = self.verb_end(next);
            let word = self.slice(next, end);
            let command = self.words.verb(word).is_some()
                || self.words.alias(word).is_some()
                || matches!(self.byte(next), b'%' | b'?')
                || end == self.text.len();
            if !command {
                self.operator(1);
                return;
            }
            let upstream = self.top().last.unwrap_or(Upstream::Nothing);
            self.leave_closure_for_pipe();
            let upstream = match self.top().stage {
                Some(stage) => Upstream::Stage(stage),
                None => upstream,
            };
            self.pipe(upstream);
            return;
        }
        // The parameters of a closure.
        self.operator(1);
        let mut names = Vec::new();
        let mut next = self.after_blanks(self.pos);
        while self.word_end(next) > next {
            let end = self.word_end(next);
            self.push(Kind::Name, next, end);
            names.push((next, end));
            next = self.after_blanks(end);
            if self.byte(next) != b',' {
                break;
            }
            next = self.after_blanks(next + 1);
        }
        if self.byte(next) == b'|' {
            self.push(Kind::Operator, next, next + 1);
        }
        self.declared.extend(names);
        self.top_mut().prev = Prev::Start;
    }

    /// A bar and a command after a closure's body pipe the command that the closure belongs to.
    fn leave_closure_for_pipe(&mut self) {
        if self.top().close == b'\n' {
            self.frames.pop();
        }
    }

    pub(super) fn dot(&mut self) {
        if self.byte(self.pos + 1) == b'.' {
            self.operator(2);
            return;
        }
        let operand = self.top().prev == Prev::Operand;
        let last = self.top().last;
        let start = self.pos;
        self.push(Kind::Operator, start, start + 1);
        let top = self.top_mut();
        top.prev = if operand { Prev::Dot } else { Prev::Start };
        top.last = last;
    }

    fn dash_operator(&mut self, at: usize, length: usize) {
        let end = self.word_end(at + length);
        let named = end > at + length && (self.ps() || self.top().prev == Prev::Operand);
        let operator = named && text::is_operator(self.slice(at + length, end));
        self.operator(if operator { end - at } else { length });
    }

    pub(super) fn open_at_sign(&mut self) {
        let close = if self.byte(self.pos + 1) == b'(' { b')' } else { b'}' };
        self.open(2, Frame::new(close, true));
    }

    pub(super) fn dollar(&mut self) {
        let at = self.pos;
        match self.byte(at + 1) {
            b'(' => self.open(2, Frame::new(b')', true)),
            b'{' => self.open(2, Frame::new(b'}', false)),
            _ => {
                let end = self.word_end(at + 1);
                if self.top().stage.is_some() {
                    self.push(Kind::Variable, at, end);
                    self.top_mut().prev = Prev::Operand;
                } else {
                    self.operand(Kind::Variable, at, end);
                }
            }
        }
    }
}
