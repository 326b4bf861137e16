//! Text on a terminal of fixed-width cells: what is shown of it, how wide it is, where it breaks.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// The mark of what was left out, as Windows PowerShell writes it.
pub(super) const ELLIPSIS: &str = "...";

/// One line of foreign text made harmless: control characters and those that turn the writing
/// direction become `\u{…}`, so that a certificate's name cannot drive the terminal. Tabs stay.
pub fn visible(line: &str) -> Cow<'_, str> {
    if is_plain(line) || !line.chars().any(is_harmful) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        push_visible(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// The width of a text in terminal cells: wide East Asian characters take two, combining marks none.
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    text.chars().map(char_width).sum()
}

/// Whether each octet is a character of one cell that harms nobody: nearly every text is, and most of a long listing's
/// time would go into finding out.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
}

pub(super) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

pub(super) fn push_visible(to: &mut String, c: char) {
    if is_harmful(c) {
        to.extend(c.escape_default());
    } else {
        to.push(c);
    }
}

/// The lines of a text, made harmless and with blanks for tabs: what may stand in a column.
pub(super) fn column_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    lines(text).map(|line| match visible(line) {
        tabbed if tabbed.contains('\t') => tabbed.replace('\t', "    "),
        plain => plain.into_owned(),
    })
}

/// The lines of a text, at `\n` or `\r\n`; always at least one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// A text of any number of lines for the plain stream: harmless, each line ended.
pub(super) fn plain_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 1);
    for line in lines(text) {
        shown.push_str(&visible(line));
        shown.push('\n');
    }
    shown
}

/// The text cut to a width, its end replaced by `...` where something was lost; in a narrow
/// place only the dots are left, so that nothing short is taken for the whole.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let mark = ELLIPSIS.get(..limit).unwrap_or(ELLIPSIS);
    let mut kept = String::new();
    let mut used = mark.len();
    for c in text.chars() {
        used += char_width(c);
        if used > limit {
            break;
        }
        kept.push(c);
    }
    kept.push_str(mark);
    Cow::Owned(kept)
}

/// The same of a text that is not needed otherwise.
pub(super) fn shortened(text: String, limit: usize) -> String {
    let cut = match cut(&text, limit) {
        Cow::Owned(cut) => Some(cut),
        Cow::Borrowed(_) => None,
    };
    cut.unwrap_or(text)
}

/// One line broken at blanks to a width of at least 2; a longer word is broken where the line ends.
pub(super) fn wrap(line: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2);
    let mut done = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    for piece in line.split_inclusive(' ') {
        let word = piece.strip_suffix(' ').unwrap_or(piece);
        let size = width(word);
        if used > 0 && used + size > limit {
            done.push(ended(&mut current));
            used = 0;
        }
        for c in word.chars() {
            let size = char_width(c);
            if used + size > limit {
                done.push(ended(&mut current));
                used = 0;
            }
            current.push(c);
            used += size;
        }
        if word.len() < piece.len() && used < limit {
            current.push(' ');
            used += 1;
        }
    }
    done.push(ended(&mut current));
    done
}

fn ended(line: &mut String) -> String {
    line.truncate(line.trim_end_matches(' ').len());
    std::mem::take(line)
}

/// C0, DEL, C1, the marks that turn the writing direction (UAX #9 §2), line and paragraph separators,
/// and marks that show nothing at all.
pub(super) fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_spelt_out() {
        assert_eq!(visible("a\u{1b}[2J\u{202e}b\u{9b}c\rd"), "a\\u{1b}[2J\\u{202e}b\\u{9b}c\\rd");
        assert!(matches!(visible("pool01.contoso.net, Zürich, 東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!(width("a東京"), 5);
        assert_eq!(cut("東京東京", 7), "東京...");
        assert_eq!(cut("東京東京", 8), "東京東京");
        assert_eq!(cut("abcdef", 2), "..");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("  one two", 5), ["  one", "two"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
