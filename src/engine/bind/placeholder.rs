//! The `<…>` of a manual that still stand in a line.

use crate::error::{Error, ErrorId};

/// The placeholders in a text: `<FQDN entries>`, not `<` as a comparison or an empty pair.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        rest = &rest[open..];
        let Some(close) = rest.find(['>', '\n']) else { break };
        let word = &rest[..=close];
        let inner = &word[1..word.len() - 1];
        if word.ends_with('>') && inner.starts_with(|c: char| c.is_alphabetic()) && !inner.contains('<') {
            found.push(word);
        }
        rest = &rest[1..];
    }
    found
}

/// Says which words are to be replaced.
pub(crate) fn not_replaced(words: &[&str]) -> Error {
    let named: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    let verb = if words.len() == 1 { "is a placeholder" } else { "are placeholders" };
    Error::new(ErrorId::PlaceholderNotReplaced, format!("{} {verb} of the manual", named.join(", ")))
        .about(words.first().copied().unwrap_or_default())
        .hint(format!("put your own value in place of {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_comparisons() {
        assert_eq!(placeholders("-CA <CA Server FQDN\\CA Instance> -Verbose"), ["<CA Server FQDN\\CA Instance>"]);
        assert_eq!(placeholders("\"<FQDN entries to be added>\""), ["<FQDN entries to be added>"]);
        assert!(placeholders("{ $_.x -lt 3 } a < b > c <> < b >").is_empty());
        assert_eq!(placeholders("<a> <b"), ["<a>"]);
        assert!(placeholders("<é").is_empty());
    }
}
