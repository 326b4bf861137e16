//! One line of source with a row of marks under a word.

use std::ops::Range;

use super::text::{char_width, is_harmful};

/// What stands in place of a secret; its length says nothing.
const MASK: &str = "***";

/// What stands for the parts of a long line that are not shown.
const GAP: &str = "...";

/// A source line as shown, and the row of marks under its word.
pub(super) struct Snippet {
    pub(super) line: String,
    pub(super) marks: String,
}

/// One character of the source as it is shown.
struct Piece {
    text: String,
    width: usize,
    marked: bool,
}

/// Finds a line, counted from 1, and its first byte.
pub(super) fn find_line(text: &str, number: u32) -> Option<(usize, &str)> {
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        if index + 1 == number as usize {
            return Some((start, line.strip_suffix('\r').unwrap_or(line)));
        }
        start += line.len() + 1;
    }
    None
}

impl Snippet {
    /// Draws a line with the word at a column (in characters, from 1) marked, the byte ranges of
    /// secrets masked, and around the word as much of the line as fits.
    pub(super) fn new(line: &str, column: u32, length: u32, secrets: &[Range<usize>], mark: char, room: usize) -> Self {
        let word = column.saturating_sub(1) as usize..(column.saturating_sub(1) as usize + length.max(1) as usize);
        let mut pieces = pieces(line, &word, secrets);
        if !pieces.iter().any(|piece| piece.marked) {
            pieces.push(Piece { text: " ".into(), width: 1, marked: true });
        }
        draw(&pieces, mark, room.max(24))
    }
}

fn pieces(line: &str, word: &Range<usize>, secrets: &[Range<usize>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut hiding: Option<usize> = None;
    for (index, (byte, c)) in line.char_indices().enumerate() {
        let marked = word.contains(&index);
        let end = byte + c.len_utf8();
        if let Some(secret) = secrets.iter().position(|s| s.start < end && byte < s.end) {
            match pieces.last_mut().filter(|_| hiding == Some(secret)) {
                Some(mask) => mask.marked |= marked,
                None => pieces.push(Piece { text: MASK.into(), width: MASK.len(), marked }),
            }
            hiding = Some(secret);
            continue;
        }
        hiding = None;
        let (text, width) = match c {
            '\t' => ("    ".to_owned(), 4),
            '\u{FEFF}' if index == 0 => (String::new(), 0),
            c if is_harmful(c) => {
                let spelt = c.escape_default().to_string();
                let width = spelt.len();
                (spelt, width)
            }
            c => (c.to_string(), char_width(c)),
        };
        pieces.push(Piece { text, width, marked });
    }
    pieces
}

fn draw(pieces: &[Piece], mark: char, room: usize) -> Snippet {
    let shown = window(pieces, room);
    let mut line = String::new();
    let mut marks = String::new();
    if shown.start > 0 {
        line.push_str(GAP);
        marks.push_str(&" ".repeat(GAP.len()));
    }
    for piece in &pieces[shown.clone()] {
        line.push_str(&piece.text);
        let sign = if piece.marked { mark } else { ' ' };
        marks.extend(std::iter::repeat_n(sign, piece.width));
    }
    if shown.end < pieces.len() {
        line.push_str(GAP);
    }
    if !marks.contains(mark) {
        marks.push(mark);
    }
    line.truncate(line.trim_end().len());
    marks.truncate(marks.trim_end().len());
    Snippet { line, marks }
}

/// The run of pieces that fits and holds the beginning of the word, with some of what stands before it.
fn window(pieces: &[Piece], room: usize) -> Range<usize> {
    if pieces.iter().map(|p| p.width).sum::<usize>() <= room {
        return 0..pieces.len();
    }
    let room = room - 2 * GAP.len();
    let first = pieces.iter().position(|p| p.marked).unwrap_or(0);
    let marked: usize = pieces.iter().filter(|p| p.marked).map(|p| p.width).sum();
    let mut before = room.saturating_sub(marked.max(1)).max(room / 3) * 2 / 3;
    let mut start = first;
    while start > 0 && pieces[start - 1].width <= before {
        start -= 1;
        before -= pieces[start].width;
    }
    let mut left = room;
    let mut end = start;
    while end < pieces.len() && pieces[end].width <= left {
        left -= pieces[end].width;
        end += 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(line: &str, column: u32, length: u32) -> (String, String) {
        let snippet = Snippet::new(line, column, length, &[], '^', 80);
        (snippet.line, snippet.marks)
    }

    #[test]
    fn the_marks_stand_under_the_word() {
        assert_eq!(under("Get-X -A 00", 10, 2), ("Get-X -A 00".into(), "         ^^".into()));
        assert_eq!(under("\tGet-X", 2, 5), ("    Get-X".into(), "    ^^^^^".into()));
        assert_eq!(under("東京 -A", 4, 2), ("東京 -A".into(), "     ^^".into()));
        assert_eq!(under("a\u{1b}b", 3, 1), ("a\\u{1b}b".into(), "       ^".into()));
        assert_eq!(under("Get-X", 6, 1), ("Get-X".into(), "     ^".into()));
        assert_eq!(under("", 900, 1), (String::new(), "^".into()));
    }

    #[test]
    fn secrets_are_masked_and_the_marks_follow() {
        let line = "Get-X -Password hunter2 -A 00";
        let secret = 16..23;
        let snippet = Snippet::new(line, 28, 2, std::slice::from_ref(&secret), '^', 80);
        assert_eq!(snippet.line, "Get-X -Password *** -A 00");
        assert_eq!(snippet.marks, "                       ^^");
        let inside = Snippet::new(line, 17, 7, &[secret], '^', 80);
        assert_eq!(inside.marks, "                ^^^");
    }

    #[test]
    fn long_lines_are_shown_around_the_word() {
        let line = format!("{}WORD{}", "a ".repeat(200), " b".repeat(200));
        let snippet = Snippet::new(&line, 401, 4, &[], '^', 40);
        let at = snippet.marks.find('^').unwrap();
        assert_eq!(snippet.line.get(at..at + 4), Some("WORD"));
        assert!(snippet.line.starts_with("...") && snippet.line.ends_with("...") && snippet.line.len() <= 40);
    }

    #[test]
    fn lines_are_found_in_crlf_texts() {
        assert_eq!(find_line("a\r\nbc\r\n", 2), Some((3, "bc")));
        assert_eq!(find_line("a", 2), None);
    }
}
