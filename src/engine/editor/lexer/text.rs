//! What the lexer asks of the characters before it.

use super::Kind;
use super::scan::Lexer;
use crate::engine::lower::text;

impl Lexer<'_> {
    pub(super) fn word_end(&self, start: usize) -> usize {
        text::word_end(self.text, start)
    }

    /// The end of a word that may be a verb: names around single dashes; a dash at the end of the text belongs to it.
    pub(super) fn verb_end(&self, start: usize) -> usize {
        let mut end = self.word_end(start);
        while self.byte(end) == b'-' && (self.byte(end + 1).is_ascii_alphabetic() || end + 1 == self.text.len()) {
            end = self.word_end(end + 1);
        }
        end
    }

    pub(super) fn after_blanks(&self, mut at: usize) -> usize {
        while let Some(blank) = self.char_at(at).filter(|c| is_blank(*c)) {
            at += blank.len_utf8();
        }
        at
    }

    /// The next place that is neither blank, line end nor comment.
    pub(super) fn after_trivia(&self, mut at: usize) -> usize {
        loop {
            at = self.after_blanks(at);
            if matches!(self.byte(at), b'\n' | b'\r') {
                at += 1;
                continue;
            }
            match self.comment_end(at) {
                Some(end) if end > at => at = end,
                _ => return at,
            }
        }
    }

    fn comment_end(&self, at: usize) -> Option<usize> {
        let angle_end = || self.text.get(at + 2..).and_then(|t| t.find("#>")).map_or(self.text.len(), |n| at + n + 4);
        match (self.byte(at), self.byte(at + 1)) {
            (b'/', b'/') => Some(text::line_end(self.text, at)),
            (b'/', b'*') => Some(text::block_comment_end(self.text, at)),
            (b'<', b'#') if !matches!(self.byte(at + 2), b'"' | b'{') => Some(angle_end()),
            (b'#', next) if next != b'{' && text::raw_quote(self.text, at).is_none() => {
                Some(text::line_end(self.text, at))
            }
            _ => None,
        }
    }

    pub(super) fn comment(&mut self) -> bool {
        let start = self.pos;
        let Some(end) = self.comment_end(start).filter(|end| *end > start) else { return false };
        self.push(Kind::Comment, start, end);
        true
    }

    /// Whether a verb may end at `at`.
    pub(super) fn ends_verb(&self, at: usize) -> bool {
        match self.char_at(at) {
            None => true,
            Some(c) => is_blank(c) || matches!(c, '\r' | '\n' | ';' | ')' | ']' | '}' | ',' | '|' | '`'),
        }
    }

    pub(super) fn ends_argument(&self, at: usize) -> bool {
        match self.char_at(at) {
            None => true,
            Some('`') => matches!(self.byte(at + 1), b'\n' | b'\r'),
            Some(c) => is_blank(c) || matches!(c, '\r' | '\n' | ';' | ')' | ']' | '}' | ',' | '|' | '(' | '{'),
        }
    }

    pub(super) fn dash(&self, at: usize) -> Option<usize> {
        self.char_at(at).filter(|c| DASHES.contains(c)).map(char::len_utf8)
    }
}

/// A dash, and what documents make of it.
pub(in crate::engine::editor) const DASHES: [char; 4] = ['-', '\u{2013}', '\u{2014}', '\u{2015}'];

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}
