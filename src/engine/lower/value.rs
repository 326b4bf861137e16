//! The value of a command argument: a bareword, quoted text, a variable, a bracket, a block.

use super::dollar::{Special, special};
use super::frame::{Frame, Kind};
use super::output::count_lines;
use super::quoted::{Expansion, is_placeholder};
use super::report::{Literal, Value};
use super::scan::Lowerer;
use super::stage::Stage;
use super::text;

/// Words of operator characters that are no value.
const OPERATORS: [&str; 24] = [
    "==", "!=", "<=", "&&", "=", "+=", "-=", "*=", "/=", "%=", "??", "=>", "+", "-", "**", "^", "&", "->", "::", "!",
    "===", "!==", "--", "++",
];

impl<'a> Lowerer<'a> {
    /// Reads one value at `pos` and puts it; none if nothing stands here that could be one.
    pub(super) fn value(&mut self, stage: &mut Stage<'a>) -> Option<Value> {
        let at = self.pos;
        self.out.drop_to(at);
        let block = matches!(self.byte(0), b'{' | b'|');
        let literal = match (self.byte(0), self.byte(1)) {
            (b'(', _) => {
                let mut frame = Frame::new(Kind::Group, self.top.ps, at, b')');
                frame.listing = true;
                self.bracket(1, frame);
                self.postfix();
                None
            }
            (b'{', _) => {
                self.script_block();
                None
            }
            (b'|', _) => {
                self.closure();
                None
            }
            (b'@', b'(') => {
                let frame = self.elements(at);
                self.run(frame);
                self.out.flush(self.pos);
                self.postfix();
                None
            }
            (b'@', b'{') => {
                self.out.put("#");
                self.out.drop_to(at + 1);
                self.bracket(2, Frame::new(Kind::Entries, true, at, b'}'));
                None
            }
            (b'#', b'{') => {
                self.bracket(2, Frame::new(Kind::Map, self.top.ps, at, b'}'));
                None
            }
            (b'#', _) if text::raw_quote(self.src, at).is_some() => {
                self.raw_string_or_map();
                self.out.flush(self.pos);
                None
            }
            (b'$', b'(' | b'{') => {
                self.dollar_value();
                self.postfix();
                None
            }
            (b'$', _) if self.is_plain_variable(at) => self.variable(at),
            (b'[', _) if self.type_name(at).is_some() => {
                let end = self.type_name(at).unwrap_or(at + 1);
                let name = self.slice(at, end);
                self.refuse(
                    at,
                    end,
                    format!("`{name}` does not exist here"),
                    "a parameter converts its value by itself",
                );
                self.pos = end;
                None
            }
            _ => self.text(stage)?,
        };
        self.out.drop_to(self.pos);
        Some(Value { literal, block, span: (at as u32, self.pos as u32) })
    }

    /// Scans the bracket whose opening of `length` bytes stands at `pos`.
    fn bracket(&mut self, length: usize, frame: Frame) {
        self.pos += length;
        self.run(frame);
        self.out.flush(self.pos);
    }

    fn script_block(&mut self) {
        let at = self.pos;
        self.out.put("|__it| ");
        self.pos += 1;
        self.refuse_block_parameters();
        self.run(Frame::new(Kind::ScriptBlock, true, at, b'}'));
        self.out.flush(self.pos);
    }

    /// `|c| c.z < 3`, which ends with the line, at `;`, at `,` or before the next bar and command.
    fn closure(&mut self) {
        let at = self.pos;
        self.run(Frame::new(Kind::Body, self.top.ps, at, 0));
        self.out.flush(self.top.end as usize);
        self.owed += count_lines(self.slice(self.out.reached(), self.pos));
        self.out.drop_to(self.pos);
    }

    /// Whether the bar at `pos` opens the parameters of a closure: names, none of them a command, and a bar.
    pub(super) fn closure_begins(&self, verb: &str) -> bool {
        let mut at = self.pos + 1;
        let mut names = 0;
        loop {
            at = self.after_blanks(at);
            let end = self.word_end(at);
            if end == at || self.byte_at(at).is_ascii_digit() {
                return false;
            }
            let word = self.slice(at, end);
            let is_command = self.words.alias(word).is_some() && self.names.find(word) != Some(word);
            if is_command || !self.words.takes_block(verb) {
                return false;
            }
            names += 1;
            at = self.after_blanks(end);
            match self.byte_at(at) {
                b',' => at += 1,
                b'|' => return names > 0 && self.byte_at(at + 1) != b'|',
                _ => return false,
            }
        }
    }

    fn variable(&mut self, at: usize) -> Option<Literal> {
        let end = self.word_end(at + 1);
        let name = self.slice(at + 1, end);
        self.dollar_value();
        self.postfix();
        if self.pos != end {
            return None;
        }
        match special(name) {
            Special::Constant("true") => Some(Literal::Bool(true)),
            Special::Constant("false") => Some(Literal::Bool(false)),
            Special::Constant(_) => Some(Literal::Null),
            _ => None,
        }
    }

    /// A bareword, quoted text, or both glued together; the outer `None` if there is nothing.
    #[allow(clippy::option_option, reason = "no value, a value that is not constant, a constant")]
    fn text(&mut self, stage: &mut Stage<'a>) -> Option<Option<Literal>> {
        let at = self.pos;
        let mut expansion = Expansion::default();
        let mut quoted = false;
        let mut brackets = 0_u32;
        while self.pos < self.src.len() {
            match self.byte(0) {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b')' | b'}' | b',' | b'|' | b'(' | b'{' => break,
                b'[' => {
                    brackets += 1;
                    self.plain(&mut expansion);
                }
                b']' if brackets == 0 => break,
                b']' => {
                    brackets -= 1;
                    self.plain(&mut expansion);
                }
                b'`' if self.backtick_ends_line() => break,
                b'`' => self.escape(&mut expansion),
                b'"' | b'\'' => {
                    quoted = true;
                    if !self.quoted_word(stage, &mut expansion) {
                        return Some(None);
                    }
                }
                b'$' if self.expandable(self.pos) => self.expand(&mut expansion),
                b'<' | b'>' => {
                    if !self.angle(stage, &mut expansion) {
                        return Some(None);
                    }
                }
                0x80.. => match self.char_at(self.pos) {
                    Some('\u{a0}') => break,
                    Some(nothing @ ('\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')) => {
                        self.pos += nothing.len_utf8();
                    }
                    Some('\u{2018}'..='\u{201e}') => {
                        quoted = true;
                        if !self.quoted_word(stage, &mut expansion) {
                            return Some(None);
                        }
                    }
                    _ => self.plain(&mut expansion),
                },
                _ => self.plain_run(&mut expansion),
            }
        }
        if self.pos == at {
            return None;
        }
        if quoted || expansion.expands {
            let literal = (!expansion.expands).then(|| Literal::Text(expansion.text.clone()));
            self.put_expansion(at, expansion);
            return Some(literal);
        }
        Some(Some(self.bareword(stage, at, expansion)))
    }

    /// Takes the characters up to the next that means something in a bareword.
    fn plain_run(&mut self, expansion: &mut Expansion) {
        let start = self.pos;
        self.plain(expansion);
        let bytes = self.src.as_bytes();
        let first = self.pos;
        while let Some(byte) = bytes.get(self.pos) {
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'\\' | b':' | b'/' | b'=' | b'*'))
            {
                break;
            }
            self.pos += 1;
        }
        debug_assert!(self.pos > start);
        expansion.text.push_str(self.slice(first, self.pos));
    }

    fn bareword(&mut self, stage: &mut Stage<'a>, at: usize, expansion: Expansion) -> Literal {
        let text = expansion.text.clone();
        if OPERATORS.contains(&text.as_str()) {
            stage.faulty = true;
            self.refuse(
                at,
                self.pos,
                format!("`{text}` is no value"),
                "put the command in parentheses: `(Get-… ) == x`; quote text: `'='`",
            );
        }
        if self.slice(at, self.pos) == text
            && let Some(number) = number(&text)
        {
            self.out.drop_to(at);
            self.out.flush(self.pos);
            return number;
        }
        self.put_expansion(at, expansion);
        Literal::Text(text)
    }

    /// A quoted part of a value; one that is a single `<…>` is a placeholder of a manual.
    fn quoted_word(&mut self, stage: &mut Stage<'a>, expansion: &mut Expansion) -> bool {
        let at = self.pos;
        let before = expansion.text.len();
        if !self.quoted(expansion) {
            return false;
        }
        let text = expansion.text.get(before..).unwrap_or_default();
        if is_placeholder(text) {
            let length = self.quote_at(at).map_or(1, |(_, length)| length);
            stage.placeholders.push((at + length, self.pos - length));
        }
        true
    }

    /// `<` and `>` in a value: a placeholder, or a redirection, which is refused.
    fn angle(&mut self, stage: &mut Stage<'a>, expansion: &mut Expansion) -> bool {
        let at = self.pos;
        if self.byte(0) == b'<' && self.char_at(at + 1).is_some_and(char::is_alphabetic) {
            let line = self.rest().split('\n').next().unwrap_or_default();
            if let Some(length) = line.find('>') {
                let end = at + length + 1;
                stage.placeholders.push((at, end));
                expansion.text.push_str(self.slice(at, end));
                self.pos = end;
                return true;
            }
        }
        let start = self.word_start(at);
        let end = self.pos + self.rest().find(['\n', ';', ')', '}']).unwrap_or(self.rest().len());
        let word = self.slice(start, end).trim_end();
        let hint = if self.slice(start, end).contains("2>") {
            "`-ErrorAction SilentlyContinue` silences errors; `try { … } catch { $_ }` takes them"
        } else {
            "write to a file with `… | Out-File -FilePath FILE`"
        };
        let length = word.len();
        self.refuse(start, start + length.max(1), format!("redirection does not exist here: `{word}`"), hint);
        stage.faulty = true;
        self.stop();
        false
    }

    /// The start of the word in which `at` lies.
    fn word_start(&self, at: usize) -> usize {
        let before = self.src.get(..at).unwrap_or_default();
        before.rfind([' ', '\t', '\n', ';', '(', '{', ',']).map_or(0, |i| i + 1)
    }

    /// Whether nothing but blanks stands between the backtick at `pos` and the end of its line.
    fn backtick_ends_line(&self) -> bool {
        let next = self.after_blanks(self.pos + 1);
        matches!(self.byte_at(next), b'\n' | b'\r') || self.pos + 1 >= self.src.len()
    }
}

/// A bareword that is a number: only if printing the number gives the same text.
fn number(text: &str) -> Option<Literal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || !digits.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    if let Ok(int) = text.parse::<i64>() {
        // The least number has no literal: Rhai reads its digits first and its sign after.
        return (int.to_string() == text && int != i64::MIN).then_some(Literal::Int(int));
    }
    let float = text.parse::<f64>().ok()?;
    (text.contains('.') && float.to_string() == text).then_some(Literal::Float(float))
}
