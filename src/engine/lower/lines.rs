//! Where lines, statements and entries end.

use super::frame::{Frame, Header, Kind, Prev};
use super::scan::Lowerer;

impl Lowerer<'_> {
    pub(super) fn newline(&mut self) {
        if self.top.prev == Prev::Operand && self.pos >= self.settled {
            if self.line_ends_here() {
                return;
            }
            if self.top.prev == Prev::Operand {
                self.settled = self.after_trivia(self.pos);
            }
        }
        self.pos += 1;
    }

    /// Ends what ends with the line; tells whether the scanner is to look again.
    pub(super) fn line_ends_here(&mut self) -> bool {
        let kind = self.top.kind;
        match kind {
            Kind::Line | Kind::Body => {
                if self.goes_on(self.pos) {
                    return false;
                }
                self.end_line();
                true
            }
            Kind::Entries | Kind::Elements if self.top.header == Header::None => {
                if !self.goes_on(self.pos) {
                    self.separate(self.pos);
                }
                false
            }
            _ if kind.has_statements()
                && (self.top.ps || self.top.dollar || self.top.command)
                && self.top.header == Header::None =>
            {
                if self.next_line_begins_statement() {
                    self.offer_value();
                    self.put_at_end(";");
                    self.next_statement();
                }
                false
            }
            _ => false,
        }
    }

    /// Whether the line after `at` continues this one: it begins with `|` and a command, or with `else`.
    pub(super) fn goes_on(&self, at: usize) -> bool {
        let next = self.after_trivia(at);
        if self.byte_at(next) == b'|' {
            return self.pipe_target(next).is_some();
        }
        matches!(self.slice(next, self.word_end(next)), "else" | "elseif" | "catch")
    }

    pub(super) fn next_line_begins_statement(&self) -> bool {
        self.statement_begins_at(self.after_trivia(self.pos))
    }

    /// Whether what stands at `next` begins a statement, and goes on with none.
    pub(super) fn statement_begins_at(&self, next: usize) -> bool {
        match self.byte_at(next) {
            b'$' | b'"' | b'\'' | b'@' | b'0'..=b'9' => true,
            b'(' => self.top.ps,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                !matches!(self.slice(next, self.word_end(next)), "else" | "elseif" | "catch" | "in" | "as")
            }
            _ => false,
        }
    }

    /// Puts the `;` that a line of PowerShell does without, unless something follows that needs none.
    pub(super) fn end_statement_at_line(&mut self) {
        if !self.top.kind.has_statements() || self.top.header != Header::None {
            return;
        }
        let next = self.after_trivia(self.pos);
        if next >= self.src.len() || matches!(self.byte_at(next), b'}' | b')' | b']' | b',' | b';') {
            return;
        }
        self.offer_value();
        self.put_at_end(";");
        self.next_statement();
    }

    /// Opens the right side of `$x =`, which ends with the line.
    pub(super) fn push_line(&mut self) {
        self.push(Frame::new(Kind::Line, true, self.pos, 0));
    }

    /// Leaves a bracket that has no closing byte.
    pub(super) fn end_line(&mut self) {
        let line = self.top.kind == Kind::Line;
        self.end_expression();
        let end = self.top.end;
        self.pop();
        self.top.prev = Prev::Operand;
        self.top.end = end;
        if line && !matches!(self.byte(0), b';' | b')' | b']' | b'}') && self.pos < self.src.len() {
            self.end_statement_at_line();
        }
    }

    pub(super) fn semicolon(&mut self) {
        match self.top.kind {
            Kind::Line | Kind::Body => self.end_line(),
            Kind::Entries | Kind::Elements => {
                let at = self.pos;
                self.end_expression();
                self.out.cut(at, at + 1);
                self.pos += 1;
                self.separate(at + 1);
            }
            _ => {
                self.pos += 1;
                self.next_statement();
            }
        }
    }

    /// Puts a comma between two entries of `@{ }` or elements of `@( )`, unless the bracket closes next.
    pub(super) fn separate(&mut self, at: usize) {
        let next = self.after_trivia(at);
        if self.top.prev == Prev::Start || matches!(self.byte_at(next), b')' | b'}' | b';') || next >= self.src.len() {
            return;
        }
        self.end_expression();
        self.put_at_end(",");
        self.next_statement();
        self.top.key = self.top.kind == Kind::Entries;
    }

    pub(super) fn comma(&mut self) {
        if self.top.kind == Kind::Body {
            self.end_line();
            return;
        }
        self.begin();
        if self.comma_lists() {
            self.list_comma();
            return;
        }
        self.pos += 1;
        self.next_expression();
        self.top.key = matches!(self.top.kind, Kind::Map | Kind::Switch);
    }
}
