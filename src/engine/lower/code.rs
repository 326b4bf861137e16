//! The scanner outside of command arguments: Rhai, copied as it stands, and PowerShell's expressions.

use super::fault::Fault;
use super::frame::{Frame, Fresh, Header, Kind, NONE, Prev, Tail};
use super::scan::Lowerer;
use crate::error::ErrorId;

impl Lowerer<'_> {
    /// Scans one token; always moves on.
    pub(super) fn token(&mut self) {
        let byte = self.byte(0);
        match byte {
            b' ' | b'\t' | b'\r' => self.pos += 1,
            b'\n' => self.newline(),
            b'#' | b'/' | b'<' if self.comment() => {}
            b';' => self.semicolon(),
            b')' | b']' | b'}' => self.close(byte),
            _ if self.top.key && self.top.kind == Kind::Entries => self.entry_key(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b',' => self.comma(),
            b'{' => self.brace(),
            _ => {
                let first = self.begin();
                self.symbol(byte, first);
            }
        }
    }

    fn symbol(&mut self, byte: u8, first: bool) {
        let next = self.byte(1);
        match byte {
            b'0'..=b'9' => self.number(),
            b'"' => self.double_quote(first),
            b'\'' => self.single_quote(first),
            b'`' => self.backtick(),
            b'$' => self.dollar(),
            b'@' => self.at_sign(),
            b'(' => self.parenthesis(),
            b'[' => self.square(),
            b'|' => self.bar(),
            b'#' => self.raw_string_or_map(),
            b'.' => self.dot(),
            b':' => self.colon(),
            b'-' => self.dash(1),
            b'=' => match next {
                b'=' => self.binary(90, 2),
                b'>' => self.arrow(),
                _ => self.assign(1),
            },
            b'!' => match next {
                b'=' => self.binary(90, 2),
                b'i' if self.top.prev == Prev::Operand && self.byte(2) == b'n' && self.word_end(self.pos + 1) == self.pos + 3 => {
                    self.binary(110, 3);
                }
                _ => self.bang(),
            },
            b'&' => match next {
                b'&' => self.binary_logic(60),
                b'=' => self.assign(2),
                _ => self.ampersand(),
            },
            b'?' => match (next, self.byte(2)) {
                (b'?', b'=') => self.assign(3),
                (b'?', _) => self.binary(135, 2),
                (b'.', _) => self.access(2),
                (b'[', _) if self.top.prev == Prev::Operand => {
                    self.pos += 1;
                    self.square();
                }
                _ => self.pos += 1,
            },
            b'+' => match next {
                b'=' => self.assign(2),
                _ => self.binary(150, 1),
            },
            b'*' => match (next, self.byte(2)) {
                (b'*', b'=') => self.assign(3),
                (b'*', _) => self.binary(190, 2),
                (b'=', _) => self.assign(2),
                _ => self.binary(180, 1),
            },
            b'/' | b'%' if next == b'=' => self.assign(2),
            b'/' | b'%' => self.binary(180, 1),
            b'^' if next == b'=' => self.assign(2),
            b'^' => self.binary(30, 1),
            b'<' | b'>' => match (next, self.byte(2)) {
                (b'=', _) => self.binary(130, 2),
                (second, b'=') if second == byte => self.assign(3),
                (second, _) if second == byte => self.binary(210, 2),
                _ => self.binary(130, 1),
            },
            0x80.. => self.non_ascii(first),
            _ => self.pos += 1,
        }
    }

    /// Copies a comment, or turns one of PowerShell's into Rhai's; tells whether there was one.
    fn comment(&mut self) -> bool {
        let at = self.pos;
        if at == 0 && self.byte(0) == b'#' && self.byte(1) == b'!' {
            let end = self.comment_end(at).unwrap_or(at + 2);
            self.out.cut(0, 2);
            self.out.put("//");
            self.pos = end;
            return true;
        }
        let Some(end) = self.comment_end(at) else { return false };
        match self.byte(0) {
            b'#' => {
                self.out.cut(at, at + 1);
                self.out.put("//");
            }
            b'<' => self.out.cut(at, end),
            _ if self.byte(1) == b'*' && end == self.src.len() && !self.slice(at, end).ends_with("*/") => {
                self.incomplete("the comment that opens here is never closed", at, at + 2);
            }
            _ => {}
        }
        self.pos = end.max(self.pos);
        true
    }

    fn newline(&mut self) {
        if self.top.prev == Prev::Operand && self.line_ends_here() {
            return;
        }
        self.pos += 1;
    }

    /// Ends what ends with the line; tells whether the scanner is to look again.
    fn line_ends_here(&mut self) -> bool {
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
            _ if kind.has_statements() && (self.top.ps || self.top.dollar) && self.top.header == Header::None => {
                if self.next_line_begins_statement() {
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

    fn next_line_begins_statement(&self) -> bool {
        let next = self.after_trivia(self.pos);
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

    fn semicolon(&mut self) {
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
    fn separate(&mut self, at: usize) {
        let next = self.after_trivia(at);
        if self.top.prev == Prev::Start || matches!(self.byte_at(next), b')' | b'}' | b';') || next >= self.src.len() {
            return;
        }
        self.end_expression();
        self.put_at_end(",");
        self.next_statement();
        self.top.key = self.top.kind == Kind::Entries;
    }

    fn comma(&mut self) {
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

    fn close(&mut self, byte: u8) {
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
    fn brace(&mut self) {
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

    fn header_block(&mut self, at: usize) {
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
        let mut frame = Frame::new(kind, self.top.ps, at, b'}');
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

    fn parenthesis(&mut self) {
        let call = self.top.prev == Prev::Operand;
        let kind = if call { Kind::Call } else { Kind::Group };
        let mut frame = Frame::new(kind, self.top.ps, self.pos, b')');
        frame.listing = kind == Kind::Group && (self.top.ps || self.top.listing);
        self.push(frame);
        self.pos += 1;
    }

    fn square(&mut self) {
        if let Some(end) = self.type_name(self.pos) {
            let name = self.slice(self.pos, end);
            self.refuse(self.pos, end, format!("`{name}` does not exist here"), "a parameter converts its value by itself; Rhai has `parse_int(x)` and `x.to_string()`");
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

    pub(super) fn raw_string_or_map(&mut self) {
        if self.byte(1) == b'{' {
            self.push(Frame::new(Kind::Map, self.top.ps, self.pos, b'}'));
            self.pos += 2;
            return;
        }
        let Some(quote) = self.raw_string_quote(self.pos) else {
            self.pos += 1;
            return;
        };
        let at = self.pos;
        let hashes = quote - at;
        let bytes = self.src.as_bytes();
        let mut end = quote + 1;
        while end < bytes.len() {
            if self.byte_at(end) == b'"' && self.src.get(end + 1..end + 1 + hashes) == self.src.get(at..quote) {
                self.operand(end + 1 + hashes);
                return;
            }
            end += 1;
        }
        self.incomplete("the string that opens here is never closed", at, quote + 1);
    }

    fn number(&mut self) {
        let mut end = self.word_end(self.pos);
        if self.byte_at(end) == b'.' && self.byte_at(end + 1).is_ascii_digit() {
            end = self.word_end(end + 1);
        } else if self.byte_at(end) == b'.' && !matches!(self.byte_at(end + 1), b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z') {
            end += 1;
        }
        let decimal = !matches!(self.byte(1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B');
        if decimal && matches!(self.byte_at(end - 1), b'e' | b'E') && matches!(self.byte_at(end), b'+' | b'-') {
            end = self.word_end(end + 1);
        }
        self.operand(end);
    }

    fn dot(&mut self) {
        if self.byte(1) != b'.' {
            self.access(1);
            return;
        }
        let inclusive = self.byte(2) == b'=';
        // PowerShell's range holds its end; in the header of Rhai's `for` the range is Rhai's.
        if self.top.ps && !inclusive && self.top.prev == Prev::Operand && self.top.header != Header::For {
            let at = self.pos;
            self.out.flush(at + 2);
            self.out.put("=");
        }
        self.binary(140, if inclusive { 3 } else { 2 });
    }

    /// `.`, `?.` or `::` before a name.
    fn access(&mut self, length: usize) {
        self.pos += length;
        if self.top.prev == Prev::Operand {
            self.top.prev = Prev::Dot;
        }
    }

    fn colon(&mut self) {
        if self.byte(1) == b':' {
            self.access(2);
            return;
        }
        self.pos += 1;
        if self.top.kind == Kind::Map && self.top.key {
            self.next_expression();
            self.top.key = false;
        }
    }

    /// `=>` of a `switch` arm.
    fn arrow(&mut self) {
        self.pos += 2;
        self.next_expression();
        if self.top.kind == Kind::Switch {
            self.top.key = false;
            self.top.fresh = Fresh::Arm;
        }
    }

    fn ampersand(&mut self) {
        if self.top.prev == Prev::Operand {
            self.binary(60, 1);
            return;
        }
        self.refuse(self.pos, self.pos + 1, "the call operator `&` does not exist here", "type the command's name, or call a function: `f(x)`");
        self.pos += 1;
    }

    /// `|`: closure parameters, a pipe into a command, or an operator.
    fn bar(&mut self) {
        if self.top.prev != Prev::Operand {
            self.closure_parameters();
            return;
        }
        if self.byte(1) == b'|' {
            self.binary_logic(30);
            return;
        }
        if self.byte(1) == b'=' {
            self.assign(2);
            return;
        }
        let pattern = self.top.kind == Kind::Switch && self.top.key;
        match self.pipe_target(self.pos) {
            Some(_) if self.top.kind == Kind::Body => self.end_line(),
            Some(target) if !pattern => self.pipe_into(target),
            _ => self.binary(30, 1),
        }
    }

    /// `|a, b|`, whose names live to the end of the expression.
    fn closure_parameters(&mut self) {
        let before = self.names.len();
        self.pos += 1;
        loop {
            self.pos = self.after_space(self.pos);
            let end = self.word_end(self.pos);
            if end == self.pos {
                break;
            }
            self.check_name(self.pos, end);
            self.names.declare(self.slice(self.pos, end));
            self.pos = self.after_space(end);
            if self.byte(0) != b',' {
                break;
            }
            self.pos += 1;
        }
        if self.byte(0) == b'|' {
            self.pos += 1;
        }
        if self.top.closure == NONE {
            self.top.closure = before;
        }
        self.top.prev = Prev::Closure;
    }

    /// Characters that come with text pasted from documents.
    fn non_ascii(&mut self, first: bool) {
        let at = self.pos;
        let Some(character) = self.char_at(at) else {
            self.pos += 1;
            return;
        };
        let length = character.len_utf8();
        match character {
            '\u{2018}'..='\u{201b}' => self.single_quote(first),
            '\u{201c}'..='\u{201e}' => self.double_quote(first),
            '\u{2013}'..='\u{2015}' => self.dash(length),
            '\u{a0}' => {
                self.out.cut(at, at + length);
                self.out.put(" ");
                self.pos += length;
            }
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => {
                self.out.cut(at, at + length);
                self.pos += length;
            }
            _ => self.pos += length,
        }
    }
}
