//! Quoted text: Rhai's strings, copied, and PowerShell's, turned into Rhai's.

use super::fault::Fault;
use super::frame::{Frame, Header, Kind, Prev};
use super::scan::Lowerer;
use crate::error::ErrorId;

/// Text that is being put together for a value: constant stretches and expressions between them.
#[derive(Default)]
pub(super) struct Expansion {
    /// The constant text since the last expression.
    pub(super) text: String,
    /// An expression was put.
    pub(super) expands: bool,
    /// Line ends inside, which the caller gives back.
    pub(super) lines: u32,
    comma: bool,
}

impl Lowerer<'_> {
    /// A straight or curly quote at `at`: whether it is a double one, and its length.
    pub(super) fn quote_at(&self, at: usize) -> Option<(bool, usize)> {
        match self.byte_at(at) {
            b'"' => Some((true, 1)),
            b'\'' => Some((false, 1)),
            0xe2 => match self.char_at(at)? {
                '\u{2018}'..='\u{201b}' => Some((false, 3)),
                '\u{201c}'..='\u{201e}' => Some((true, 3)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `"` outside of command arguments.
    pub(super) fn double_quote(&mut self, first: bool) {
        if self.top.ps || self.byte(0) != b'"' || (first && self.heads_pipeline()) {
            self.powershell_text();
            return;
        }
        if first && self.stands_alone_as_text() {
            self.top.dollar = true;
            self.powershell_text();
            return;
        }
        let at = self.pos;
        let bytes = self.src.as_bytes();
        let mut end = at + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'"' if self.byte_at(end + 1) == b'"' => end += 2,
                b'"' => {
                    self.operand(end + 1);
                    return;
                }
                b'\\' => end += 2,
                b'\n' => break,
                _ => end += 1,
            }
        }
        // Rhai reports the string that its line leaves open.
        self.operand(end.min(bytes.len()));
    }

    /// `'` outside of command arguments: one character of Rhai's, or a text of PowerShell's.
    pub(super) fn single_quote(&mut self, first: bool) {
        let powershell = self.top.ps || self.follows_powershell_operator() || (first && self.heads_pipeline());
        if !powershell
            && self.byte(0) == b'\''
            && let Some(end) = self.character_end()
        {
            self.operand(end);
            return;
        }
        // Nothing in Rhai, so that it is shown as a line of its own.
        if first && !self.top.ps && self.stands_alone_as_text() {
            self.top.dollar = true;
        }
        self.powershell_text();
    }

    /// The end of a character literal of Rhai at `pos`.
    fn character_end(&self) -> Option<usize> {
        let start = self.pos + 1;
        let end = match self.byte_at(start) {
            b'\'' | b'\n' | 0 => return None,
            b'\\' => {
                let digits = match self.byte_at(start + 1) {
                    b'x' => 2,
                    b'u' => 4,
                    b'U' => 8,
                    b'n' | b'r' | b't' | b'\\' | b'\'' => 0,
                    _ => return None,
                };
                let end = start + 2 + digits;
                let hexadecimal = self.src.as_bytes().get(start + 2..end)?.iter().all(u8::is_ascii_hexdigit);
                hexadecimal.then_some(end)?
            }
            _ => start + self.char_at(start)?.len_utf8(),
        };
        (self.byte_at(end) == b'\'' && self.byte_at(end + 1) != b'\'').then_some(end + 1)
    }

    /// Whether the quoted text at `pos`, or a list of such, is piped into a command.
    fn heads_pipeline(&self) -> bool {
        let mut at = self.pos;
        loop {
            let Some(end) = self.quoted_end(at) else { return false };
            at = self.after_blanks(end);
            if self.byte_at(at) != b',' || !self.top.statement {
                break;
            }
            at = self.after_blanks(at + 1);
        }
        self.byte_at(at) == b'|' && self.pipe_target(at).is_some()
    }

    /// Whether the quoted text at `pos` is a whole statement that Rhai could make nothing of: it fills in a variable
    /// that is declared, or another statement stands on the next line without a `;` between them.
    fn stands_alone_as_text(&self) -> bool {
        if !self.top.statement || !self.top.kind.has_statements() || self.top.header != Header::None {
            return false;
        }
        let Some(end) = self.quoted_end(self.pos) else { return false };
        let text = self.slice(self.pos, end);
        // Rhai's escapes and PowerShell's mean different things.
        if text.contains('\\') {
            return false;
        }
        let fills_in = text.starts_with('"') && self.fills_in(self.pos, end);
        let next = self.after_blanks(end);
        match self.byte_at(next) {
            b';' | b'}' => fills_in,
            b'\n' | b'\r' => fills_in || self.statement_begins_at(self.after_trivia(next)),
            b'#' => fills_in && self.comment_end(next).is_some(),
            0 => fills_in && next >= self.src.len(),
            _ => false,
        }
    }

    /// Whether a text in double quotes holds `$(…)`, `$_`, `$?` or a variable that is declared.
    fn fills_in(&self, start: usize, end: usize) -> bool {
        let mut at = start;
        while at < end {
            match self.byte_at(at) {
                b'`' => at += 1,
                b'$' => match self.byte_at(at + 1) {
                    b'(' | b'{' | b'?' => return true,
                    _ => {
                        let name = self.slice(at + 1, self.word_end(at + 1));
                        if name == "_" || (!name.is_empty() && self.names.find(name).is_some()) {
                            return true;
                        }
                    }
                },
                _ => {}
            }
            at += 1;
        }
        false
    }

    /// The end of PowerShell's quoted text at `at`, if it ends on its line.
    fn quoted_end(&self, at: usize) -> Option<usize> {
        let (double, length) = self.quote_at(at)?;
        let mut end = at + length;
        loop {
            match self.byte_at(end) {
                0 | b'\n' => return None,
                b'`' if double => end += 2,
                _ => match self.quote_at(end) {
                    Some((same, length)) if same == double => {
                        end += length;
                        match self.quote_at(end) {
                            Some((again, length)) if again == double => end += length,
                            _ => return Some(end),
                        }
                    }
                    _ => end += 1,
                },
            }
        }
    }

    /// PowerShell's quoted text outside of command arguments; a list of them at the head of a pipeline.
    fn powershell_text(&mut self) {
        let lists = !self.top.ps && self.heads_pipeline();
        loop {
            let at = self.pos;
            self.out.flush(at);
            let mut expansion = Expansion::default();
            if !self.quoted(&mut expansion) {
                return;
            }
            if self.top.kind == Kind::Entries && is_placeholder(&expansion.text) {
                let message = format!("`{}` stands for a value of your own", expansion.text);
                let fault = Fault::new(ErrorId::PlaceholderNotReplaced, message, at, self.pos).about(&*expansion.text);
                self.fault(fault.hint("replace it, its angle brackets too"));
            }
            self.put_expansion(at, expansion);
            self.operand(self.pos);
            let comma = self.after_blanks(self.pos);
            if !lists || self.byte_at(comma) != b',' {
                return;
            }
            self.pos = comma;
            self.list_comma();
            self.pos = self.after_blanks(self.pos);
        }
    }

    /// Reads the quoted text at `pos` into `expansion`; tells whether it is closed.
    pub(super) fn quoted(&mut self, expansion: &mut Expansion) -> bool {
        let at = self.pos;
        let Some((double, length)) = self.quote_at(at) else { return false };
        self.pos += length;
        while self.pos < self.src.len() {
            if let Some((same, length)) = self.quote_at(self.pos)
                && same == double
            {
                let again = self.pos + length;
                match self.quote_at(again) {
                    Some((twice, more)) if twice == double => {
                        expansion.text.push(if double { '"' } else { '\'' });
                        self.pos = again + more;
                        continue;
                    }
                    _ => {
                        self.pos = again;
                        self.out.drop_to(again);
                        return true;
                    }
                }
            }
            match self.byte(0) {
                b'`' if double => self.escape(expansion),
                b'$' if double && self.expandable(self.pos) => self.expand(expansion),
                _ => self.plain(expansion),
            }
        }
        self.incomplete("the text that opens here is never closed", at, at + length);
        false
    }

    /// Takes one character as it is.
    pub(super) fn plain(&mut self, expansion: &mut Expansion) {
        let Some(character) = self.char_at(self.pos) else {
            self.pos += 1;
            return;
        };
        expansion.lines += u32::from(character == '\n');
        expansion.text.push(character);
        self.pos += character.len_utf8();
    }

    /// A backtick and the character after it.
    pub(super) fn escape(&mut self, expansion: &mut Expansion) {
        let at = self.pos;
        self.pos += 1;
        let Some(character) = self.char_at(self.pos) else { return };
        self.pos += character.len_utf8();
        let escaped = match character {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'u' if self.byte(0) == b'{' => {
                let digits = self.rest().find('}').map_or("", |end| self.slice(self.pos + 1, self.pos + end));
                match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                    Some(character) if digits.len() <= 6 => {
                        self.pos += digits.len() + 2;
                        character
                    }
                    _ => {
                        self.refuse(
                            at,
                            self.pos,
                            "`` `u{…} `` holds no character",
                            "write the number in hexadecimal digits: `` `u{2013} ``",
                        );
                        'u'
                    }
                }
            }
            other => other,
        };
        expansion.lines += u32::from(character == '\n');
        expansion.text.push(escaped);
    }

    /// Whether the `$` at `at` begins something to expand.
    pub(super) fn expandable(&self, at: usize) -> bool {
        matches!(self.byte_at(at + 1), b'(' | b'{' | b'_' | b'?' | b'a'..=b'z' | b'A'..=b'Z')
    }

    /// Puts `$x`, `$(…)` or `${…}` between the constant stretches.
    pub(super) fn expand(&mut self, expansion: &mut Expansion) {
        if !expansion.expands {
            expansion.expands = true;
            self.out.drop_to(self.pos);
            self.out.put("__expand([");
        }
        self.put_stretch(expansion);
        if expansion.comma {
            self.out.put(", ");
        }
        expansion.comma = true;
        self.dollar_value();
        self.out.drop_to(self.pos);
    }

    fn put_stretch(&mut self, expansion: &mut Expansion) {
        if expansion.text.is_empty() {
            return;
        }
        if expansion.comma {
            self.out.put(", ");
        }
        expansion.comma = true;
        self.out.make(self.pos, |made| write_literal(made, &expansion.text));
        expansion.text.clear();
    }

    /// Puts the text that was put together; `pos` is after it.
    pub(super) fn put_expansion(&mut self, at: usize, mut expansion: Expansion) {
        if expansion.expands {
            self.put_stretch(&mut expansion);
            self.out.put("])");
        } else {
            self.out.make(at, |made| write_literal(made, &expansion.text));
        }
        self.out.drop_to(self.pos);
        self.out.newlines(expansion.lines);
    }

    /// The quoted text at `at` if it has nothing to expand, and its end.
    pub(super) fn constant_quoted(&mut self, at: usize) -> Option<(String, usize)> {
        let end = self.quoted_end(at)?;
        let (double, _) = self.quote_at(at)?;
        if double && self.slice(at, end).contains('$') {
            return None;
        }
        let before = self.pos;
        self.pos = at;
        let mut expansion = Expansion::default();
        let closed = self.quoted(&mut expansion);
        let end = self.pos;
        self.pos = before;
        self.out.drop_to(at);
        closed.then_some((expansion.text, end))
    }

    /// A backtick outside of command arguments: Rhai's text with `${…}`, or a continued line of PowerShell's.
    pub(super) fn backtick(&mut self) {
        let at = self.pos;
        if self.top.ps {
            let next = if self.byte(1) == b'\r' { at + 2 } else { at + 1 };
            if self.byte_at(next) == b'\n' {
                self.out.cut(at, next);
                self.pos = next + 1;
                return;
            }
        }
        self.pos += 1;
        self.backtick_rest();
    }

    /// Goes on in a backtick text up to its end or its next `${`.
    pub(super) fn backtick_rest(&mut self) {
        let start = self.pos;
        let bytes = self.src.as_bytes();
        let mut at = start;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'`' if self.byte_at(at + 1) == b'`' => at += 2,
                b'`' => {
                    self.operand(at + 1);
                    return;
                }
                b'\\' if self.byte_at(at + 1) == b'$' => at += 2,
                b'$' if self.byte_at(at + 1) == b'{' => {
                    self.pos = at + 2;
                    self.top.prev = Prev::Operand;
                    let frame = Frame::new(Kind::Interpolation, false, at + 1, b'}');
                    self.push(frame);
                    return;
                }
                _ => at += 1,
            }
        }
        self.incomplete("the text that opens here is never closed", start.saturating_sub(1), start);
    }
}

/// Whether a quoted text is a single `<…>` of a manual.
pub(super) fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inner.is_some_and(|inner| inner.starts_with(char::is_alphabetic) && !inner.contains(['<', '>']))
}

/// Writes a text as a string literal of Rhai.
pub(super) fn write_literal(made: &mut String, text: &str) {
    made.push('"');
    for character in text.chars() {
        match character {
            '"' => made.push_str("\\\""),
            '\\' => made.push_str("\\\\"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\0' => made.push_str("\\x00"),
            _ => made.push(character),
        }
    }
    made.push('"');
}
