//! The scanner outside of command arguments: Rhai, copied as it stands, and PowerShell's expressions.

use super::frame::{Frame, Fresh, Header, Kind, NONE, Prev};
use super::scan::Lowerer;
use super::text;

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
            0x80.. if self.pasted_blank() => {}
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
                b'i' if self.top.prev == Prev::Operand
                    && self.byte(2) == b'n'
                    && self.word_end(self.pos + 1) == self.pos + 3 =>
                {
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
            b'/' | b'%' | b'^' if next == b'=' => self.assign(2),
            b'/' | b'%' => self.binary(180, 1),
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

    pub(super) fn raw_string_or_map(&mut self) {
        if self.byte(1) == b'{' {
            self.push(Frame::new(Kind::Map, self.top.ps, self.pos, b'}'));
            self.pos += 2;
            return;
        }
        let Some(quote) = text::raw_quote(self.src, self.pos) else {
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
        } else if self.byte_at(end) == b'.' && !matches!(self.byte_at(end + 1), b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z')
        {
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
        self.refuse(
            self.pos,
            self.pos + 1,
            "the call operator `&` does not exist here",
            "type the command's name, or call a function: `f(x)`",
        );
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

    /// Blanks that come with text pasted from documents, and the byte-order mark.
    fn pasted_blank(&mut self) -> bool {
        let at = self.pos;
        let Some(character) = self.char_at(at) else { return false };
        if !matches!(character, '\u{a0}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}') {
            return false;
        }
        self.pos += character.len_utf8();
        self.out.cut(at, self.pos);
        if character == '\u{a0}' {
            self.out.put(" ");
        }
        true
    }

    /// Quotes and dashes that come with text pasted from documents.
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
            _ => self.pos += length,
        }
    }
}
