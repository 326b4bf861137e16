//! Where words and comments end and what an operator is: the facts that the lowering and the line editor share.

use super::operators::COMPARISONS;

/// The end of the identifier at `start`.
#[inline]
pub(crate) fn word_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = start;
    while bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        end += 1;
    }
    end
}

/// The end of the line that holds `at`, before its line end.
#[inline]
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| *byte == b'\n' || *byte == b'\r').unwrap_or(rest.len())
}

/// The end of the `/* … */` at `at`, which nests; the end of the text when it is not closed.
pub(crate) fn block_comment_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let byte = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut depth = 1_u32;
    let mut at = at + 2;
    while depth > 0 && at < bytes.len() {
        match (byte(at), byte(at + 1)) {
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
            }
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    at.min(bytes.len())
}

/// The place of the quote that opens a raw string whose `#`s begin at `at`.
pub(crate) fn raw_quote(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = at;
    while bytes.get(end) == Some(&b'#') {
        end += 1;
    }
    (end > at && bytes.get(end) == Some(&b'"')).then_some(end)
}

/// Whether a word after a dash is one of PowerShell's operators, in any case.
pub(crate) fn is_operator(word: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(word);
    ["and", "or", "not"].into_iter().any(is) || COMPARISONS.iter().any(|(name, _)| is(name))
}
