//! PowerShell's wildcards: `*`, `?`, `[a-z]`, a backtick before a literal one.

/// Whether a text fits a wildcard pattern as a whole.
pub(super) fn fits(pattern: &str, text: &str, match_case: bool) -> bool {
    Pattern::new(pattern, match_case).fits(text)
}

/// A pattern that is read once and met by many texts.
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    match_case: bool,
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(pattern: &str, match_case: bool) -> Self {
        let pieces = if match_case { parse(pattern) } else { parse(&pattern.to_lowercase()) };
        Self { pieces, match_case }
    }

    /// Whether a text fits as a whole.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = match self.match_case {
            true => text.chars().collect(),
            false if text.is_ascii() => text.chars().map(|c| c.to_ascii_lowercase()).collect(),
            false => text.to_lowercase().chars().collect(),
        };
        matches(&self.pieces, &text)
    }
}

/// Whether a text contains a wildcard at all.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

enum Piece {
    Any,
    One,
    Letter(char),
    Class(Vec<(char, char)>),
}

fn parse(pattern: &str) -> Vec<Piece> {
    let letters: Vec<char> = pattern.chars().collect();
    let mut pieces = Vec::with_capacity(letters.len());
    let mut i = 0;
    while let Some(&letter) = letters.get(i) {
        i += 1;
        match letter {
            '*' => pieces.push(Piece::Any),
            '?' => pieces.push(Piece::One),
            '`' => {
                pieces.push(Piece::Letter(letters.get(i).copied().unwrap_or('`')));
                i += 1;
            }
            '[' => match class(&letters, i) {
                Some((ranges, next)) => {
                    pieces.push(Piece::Class(ranges));
                    i = next;
                }
                None => pieces.push(Piece::Letter('[')),
            },
            other => pieces.push(Piece::Letter(other)),
        }
    }
    pieces
}

fn class(letters: &[char], start: usize) -> Option<(Vec<(char, char)>, usize)> {
    let len = letters.get(start..)?.iter().position(|c| *c == ']')?;
    let inner = letters.get(start..start + len)?;
    if inner.is_empty() {
        return None;
    }
    let mut ranges = Vec::new();
    let mut i = 0;
    while let Some(&from) = inner.get(i) {
        if let (Some('-'), Some(&to)) = (inner.get(i + 1), inner.get(i + 2)) {
            ranges.push((from, to));
            i += 3;
        } else {
            ranges.push((from, from));
            i += 1;
        }
    }
    Some((ranges, start + len + 1))
}

/// Greedy with one point of return: linear in the text for each `*`.
fn matches(pattern: &[Piece], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&letter) = text.get(t) {
        let fits = match pattern.get(p) {
            Some(Piece::Any) => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Letter(wanted)) => *wanted == letter,
            Some(Piece::Class(ranges)) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)),
            None => false,
        };
        if fits {
            p += 1;
            t += 1;
            continue;
        }
        match back {
            Some((after, from)) => {
                p = after;
                t = from + 1;
                back = Some((after, t));
            }
            None => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|piece| matches!(piece, Piece::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_powershell_has_them() {
        for (pattern, text, fit) in [
            ("*EdgeExternal", "AccessEdgeExternal", true),
            ("cn=*", "CN=pool01", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "Bx", true),
            ("[a-c]x", "dx", false),
            ("a`*", "a*", true),
            ("a`*", "ab", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("[", "[", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text, false), fit, "{pattern} {text}");
        }
        assert!(!fits("CN=*", "cn=x", true));
    }

    #[test]
    fn many_stars_stay_quick() {
        assert!(!fits(&"*a".repeat(50), &"a".repeat(49), false));
        assert!(!fits(&format!("{}b", "*a".repeat(50)), &"a".repeat(20_000), false));
    }
}
