//! Quoted text, and what stands in it.

use super::scan::{Frame, Lexer, Prev, Within};
use super::{Kind, Upstream};

impl Lexer<'_> {
    fn end_text(&mut self) {
        let index = self.tokens.len().saturating_sub(1);
        let among_arguments = self.top().stage.is_some();
        let top = self.top_mut();
        top.prev = Prev::Operand;
        top.after_bar = false;
        if !among_arguments {
            top.last = Some(Upstream::Value(index));
        }
    }

    /// PowerShell's `"…"`: backtick escapes, doubled quotes, `$x` inside.
    pub(super) fn double_quoted(&mut self, at: usize) {
        self.double_quoted_rest(at, at + self.char_at(at).map_or(1, char::len_utf8));
    }

    /// The rest of such a text from `next` on, to its end or to the next `$(`; what is not yet a part begins at `start`.
    pub(super) fn double_quoted_rest(&mut self, mut start: usize, mut next: usize) {
        let place = self.here();
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            match c {
                '`' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '"' | '\u{201c}'..='\u{201e}' => {
                    next += c.len_utf8();
                    if self.byte(next) == b'"' {
                        next += 1;
                        continue;
                    }
                    open = false;
                    break;
                }
                '$' if self.byte(next + 1) == b'(' => {
                    if next > start {
                        self.put(Kind::Text, start, next, true);
                    }
                    self.pos = next;
                    let mut frame = Frame::new(b')', true);
                    frame.within = Within::DoubleQuotes;
                    self.open(2, frame);
                    return;
                }
                '$' if self.byte(next + 1) == b'_' || self.byte(next + 1).is_ascii_alphabetic() => {
                    let end = self.word_end(next + 1);
                    if next > start {
                        self.push(Kind::Text, start, next);
                    }
                    self.push(Kind::Variable, next, end);
                    start = end;
                    next = end;
                }
                _ => next += c.len_utf8(),
            }
        }
        if next > start {
            self.put(Kind::Text, start, next, open);
        }
        self.place = place;
        self.end_text();
    }

    /// `'…'` with doubled quotes, or Rhai's `'\''`.
    pub(super) fn single_quoted(&mut self, at: usize) {
        let place = self.here();
        let rhai = !self.ps() && self.top().stage.is_none();
        let mut next = at + self.char_at(at).map_or(1, char::len_utf8);
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            next += c.len_utf8();
            match c {
                '\\' if rhai => next += self.char_at(next).map_or(0, char::len_utf8),
                '\'' | '\u{2018}'..='\u{201b}' if self.byte(next) == b'\'' => next += 1,
                '\'' | '\u{2018}'..='\u{201b}' => {
                    open = false;
                    break;
                }
                _ => {}
            }
        }
        self.put(Kind::Text, at, next, open);
        self.place = place;
        self.end_text();
    }

    /// Rhai's `"…"`, which ends with its line.
    pub(super) fn rhai_text(&mut self, at: usize) {
        let place = self.here();
        let mut next = at + 1;
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            match c {
                '\\' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '\n' => break,
                '"' => {
                    next += 1;
                    open = false;
                    break;
                }
                _ => next += c.len_utf8(),
            }
        }
        let next = next.min(self.text.len());
        self.put(Kind::Text, at, next, open);
        self.place = place;
        self.end_text();
    }

    pub(super) fn raw_text(&mut self, at: usize) {
        let rest = self.text.get(at..).unwrap_or_default();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let closing = format!("\"{}", "#".repeat(hashes));
        let body = at + hashes + 1;
        let end = self.text.get(body..).and_then(|t| t.find(&closing)).map(|n| body + n + closing.len());
        let place = self.here();
        self.put(Kind::Text, at, end.unwrap_or(self.text.len()), end.is_none());
        self.place = place;
        self.end_text();
    }

    /// A string between backticks from `from` on, to its end or to the next `${`.
    pub(super) fn backtick_text(&mut self, from: usize) {
        let place = self.here();
        let mut next = from;
        while let Some(c) = self.char_at(next) {
            match c {
                '\\' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '`' => {
                    self.put(Kind::Text, from, next + 1, false);
                    self.place = place;
                    self.end_text();
                    return;
                }
                '$' if self.byte(next + 1) == b'{' => {
                    if next > from {
                        self.put(Kind::Text, from, next, true);
                    }
                    self.pos = next;
                    let mut frame = Frame::new(b'}', false);
                    frame.within = Within::Backticks;
                    self.open(2, frame);
                    return;
                }
                _ => next += c.len_utf8(),
            }
        }
        let next = next.min(self.text.len());
        self.put(Kind::Text, from, next, true);
        self.place = place;
        self.end_text();
    }
}
