//! Brackets outside of command arguments: what opens, and what becomes of it when it closes.

use super::fault::Fault;
use super::frame::{Frame, Fresh, Header, Kind, NONE, Prev, Tail};
use super::scan::Lowerer;
use crate::error::ErrorId;

impl Lowerer<'_> {
    pub(super) fn close(&mut self, byte: u8) {
        if matches!(self.top.kind, Kind::Line | Kind::Body) {
            self.end_line();
            return;
        }
        if self.outer.is_empty() {
            self.operand(self.pos + 1);
            return;
        }
        if self.top.close != byte {
            let opener = self.char_at(self.top.open as usize).unwrap_or('{');
            let message = format!("`{}` does not close the `{opener}` that is open here", byte as char);
            self.fault(Fault::new(ErrorId::ParseError, message, self.pos, self.pos + 1));
            self.stop();
            return;
        }
        let at = self.pos;
        let frame = self.top;
        self.offer_value();
        self.end_expression();
        match frame.kind {
            Kind::Elements => {
                let (open, close) = match frame.elements {
                    0 => ("[", "]"),
                    1 => ("__array(", ")"),
                    _ => ("__concat([", "])"),
                };
                self.out.fill(frame.hole, open);
                self.out.cut(at, at + 1);
                self.out.put(close);
            }
            Kind::Sub => {
                self.out.cut(at, at + 1);
                self.out.put("}");
            }
            Kind::Braced => {
                self.out.cut(at, at + 1);
                self.out.put(")");
            }
            _ => {}
        }
        self.pop();
        self.operand(at + 1);
        match frame.kind {
            Kind::Interpolation => self.backtick_rest(),
            Kind::Block | Kind::Switch if frame.tail != Tail::Value => self.top.prev = Prev::Block,
            Kind::Function if frame.floor != NONE => self.top.prev = Prev::Block,
            Kind::Subject => {
                // The subject is wrapped already.
                self.top.dollar = false;
                self.top.command = false;
            }
            _ => {}
        }
    }

    /// `{`: the block of a header, of a closure, of its own, or a script block.
    pub(super) fn brace(&mut self) {
        let at = self.pos;
        if self.top.header != Header::None {
            self.header_block(at);
            return;
        }
        if self.top.kind == Kind::Body && self.top.prev == Prev::Operand {
            self.end_line();
            return;
        }
        if self.top.kind == Kind::Switch && self.top.key && self.top.prev == Prev::Operand {
            self.refuse(at, at + 1, "this is PowerShell's `switch`", "write `switch x { \"a\" => { … }, _ => { … } }`");
            self.stop();
            return;
        }
        let closure = self.top.prev == Prev::Closure;
        self.begin();
        let first = self.top.start.at as usize == at;
        let mut frame = Frame::new(Kind::Block, self.top.ps, at, b'}');
        if closure {
            frame.kind = Kind::Function;
        } else if first && self.top.statement && (self.top.kind.has_statements() || self.top.kind == Kind::Switch) {
            frame.tail = Tail::Inherit;
        } else if self.top.ps && self.top.prev == Prev::Start {
            frame.kind = Kind::ScriptBlock;
            self.out.flush(at);
            self.out.put("|__it| ");
        }
        self.push(frame);
        self.pos += 1;
        if frame.kind == Kind::ScriptBlock {
            self.refuse_block_parameters();
        }
    }

    /// PowerShell's `param( … )` at the head of a script block.
    pub(super) fn refuse_block_parameters(&mut self) {
        let next = self.after_trivia(self.pos);
        let end = self.word_end(next);
        if self.slice(next, end).eq_ignore_ascii_case("param") && self.byte_at(self.after_blanks(end)) == b'(' {
            self.refuse(next, end, "a script block here has no `param(…)`", "write `|a, b| { … }`");
        }
    }

    pub(super) fn header_block(&mut self, at: usize) {
        let header = self.top.header;
        self.end_expression();
        if self.top.fresh == Fresh::No && self.top.prev == Prev::Operand {
            let wrap = match header {
                Header::If | Header::While if self.top.ps || self.top.dollar || self.top.command => "__true(",
                Header::For if self.top.dollar || self.top.command => "__each(",
                _ => "",
            };
            if !wrap.is_empty() {
                let start = self.top.start;
                self.out.insert(start, wrap);
                self.put_at_end(")");
            }
        }
        let kind = match header {
            Header::Switch => Kind::Switch,
            Header::Fn => Kind::Function,
            _ => Kind::Block,
        };
        let ps = self.top.ps || std::mem::take(&mut self.top.ps_block);
        let mut frame = Frame::new(kind, ps, at, b'}');
        frame.tail = match header {
            Header::If | Header::Else | Header::Switch => self.top.block_tail,
            Header::Fn => Tail::Value,
            _ => Tail::Emit,
        };
        frame.hole = self.top.hole;
        self.top.hole = NONE;
        self.top.header = Header::None;
        self.top.after_do = header == Header::Do;
        self.top.dollar = false;
        self.top.command = false;
        self.top.fresh = Fresh::No;
        let declared = std::mem::replace(&mut self.top.header_names, NONE);
        self.push(frame);
        if declared != NONE {
            self.top.names = declared;
        }
        if header == Header::Fn {
            self.top.floor = self.names.floor();
            self.names.set_floor(self.top.names);
        }
        self.pos += 1;
    }

    pub(super) fn parenthesis(&mut self) {
        let call = self.top.prev == Prev::Operand;
        let kind = if call { Kind::Call } else { Kind::Group };
        let mut frame = Frame::new(kind, self.top.ps, self.pos, b')');
        frame.listing = kind == Kind::Group && (self.top.ps || self.top.listing);
        self.push(frame);
        self.pos += 1;
    }

    pub(super) fn square(&mut self) {
        if let Some(end) = self.type_name(self.pos) {
            let name = self.slice(self.pos, end);
            let hint = match name.to_ascii_lowercase().as_str() {
                "[pscustomobject]" | "[ordered]" | "[hashtable]" => {
                    "leave it away: `@{ Name = 'value' }` holds named values"
                }
                "[datetime]" => "`Get-Date` is this moment, `(Get-Date '2026-12-31')` another one",
                _ => "a parameter converts its value by itself; Rhai has `parse_int(x)` and `x.to_string()`",
            };
            self.refuse(self.pos, end, format!("`{name}` does not exist here"), hint);
            self.out.cut(self.pos, end);
            self.pos = end;
            return;
        }
        let kind = if self.top.prev == Prev::Operand { Kind::Index } else { Kind::Array };
        self.push(Frame::new(kind, self.top.ps, self.pos, b']'));
        self.pos += 1;
    }

    /// The end of `[type]` at `at` if it stands before a value or `::`, where it can only be PowerShell's.
    pub(super) fn type_name(&self, at: usize) -> Option<usize> {
        if !self.byte_at(at + 1).is_ascii_alphabetic() {
            return None;
        }
        let mut end = self.word_end(at + 1);
        while self.byte_at(end) == b'.' {
            end = self.word_end(end + 1);
        }
        if self.slice(end, end + 2) == "[]" {
            end += 2;
        }
        if self.byte_at(end) != b']' {
            return None;
        }
        let own = self.top.ps && self.top.prev != Prev::Operand;
        match (self.byte_at(end + 1), self.byte_at(end + 2)) {
            (b'$' | b'@', _) | (b':', b':') => Some(end + 1),
            (b'"' | b'\'' | b'(', _) if own => Some(end + 1),
            _ => None,
        }
    }
}
