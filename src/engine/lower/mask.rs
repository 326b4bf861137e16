//! Secrets in a line of source: what a secret parameter was given is not shown.

use std::borrow::Cow;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Replaces, in a line of source, the argument of every word that is, abbreviates or nearly matches a secret name.
///
/// `secret_names` are the secret parameters of all verbs, without their dash. A word counts with a dash before it
/// (`-Password x`, `-Pa:x`, `-Pasword x`), and, spelled in full or nearly so, with `:` or `=` after it
/// (`password: "x"`, `$password = 'x'`). Nearly is up to two letters wrong, missing, extra or swapped.
/// The line need not be a valid one; what is never closed is masked to its end.
#[must_use]
pub(crate) fn mask_secrets<'a>(line: &'a str, secret_names: &[&str]) -> Cow<'a, str> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some((word, end)) = next_word(line, at) {
        at = end;
        let Some(argument) = argument_of(line, word, end, secret_names) else { continue };
        let stop = arguments_end(line, argument);
        if stop > argument {
            masked.push_str(line.get(copied..argument).unwrap_or_default());
            masked.push_str(MASK);
            copied = stop;
            at = stop;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    masked.push_str(line.get(copied..).unwrap_or_default());
    Cow::Owned(masked)
}

/// The next identifier from `at` on: its start and end.
fn next_word(line: &str, at: usize) -> Option<(usize, usize)> {
    let rest = line.get(at..)?;
    let start = at + rest.find(is_name)?;
    let length = line.get(start..)?.find(|c| !is_name(c)).unwrap_or(line.len() - start);
    Some((start, start + length))
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Where the secret argument of the word begins, if it has one.
fn argument_of(line: &str, word: usize, end: usize, secret_names: &[&str]) -> Option<usize> {
    let name = line.get(word..end)?;
    let before = line.get(..word)?.chars().next_back();
    let dashed = matches!(before, Some('-' | '\u{2013}'..='\u{2015}'));
    let next = skip_blanks(line, end);
    let follows = line.get(next..)?;
    if dashed && secret_names.iter().any(|secret| abbreviates(name, secret) || nearly(name, secret)) {
        let value = if follows.starts_with(':') { skip_blanks(line, next + 1) } else { next };
        return Some(value);
    }
    let quote = follows.strip_prefix(['"', '\'']).map_or(follows, str::trim_start);
    let assigned =
        (quote.starts_with(':') && !quote.starts_with("::")) || (quote.starts_with('=') && !quote.starts_with("=="));
    if assigned && secret_names.iter().any(|secret| ends_with(name, secret) || nearly(name, secret)) {
        return Some(skip_blanks(line, line.len() - quote.len() + 1));
    }
    None
}

fn skip_blanks(line: &str, at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_start_matches([' ', '\t', '\u{a0}', '\u{200e}', '`', '\r', '\n']).len())
}

/// The end of the value at `at`, and of those that a comma adds to it.
fn arguments_end(line: &str, at: usize) -> usize {
    let mut end = value_end(line, at);
    loop {
        let comma = skip_blanks(line, end);
        if end == at || !line.get(comma..).unwrap_or_default().starts_with(',') {
            return end;
        }
        let next = skip_blanks(line, comma + 1);
        // A named entry after the comma is no further value: `password: "x", user: "y"`.
        let entry = next_word(line, next).is_some_and(|(start, stop)| {
            let after = line.get(skip_blanks(line, stop)..).unwrap_or_default();
            start == next && after.starts_with([':', '=']) && !after.starts_with("::")
        });
        if entry {
            return end;
        }
        end = value_end(line, next);
    }
}

/// The end of one value: quoted text, a bracket with all it holds, or a word with what is glued to it.
fn value_end(line: &str, at: usize) -> usize {
    let mut open = 0_u32;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (offset, character) in line.get(at..).unwrap_or_default().char_indices() {
        let here = at + offset;
        if let Some(closing) = quote {
            if !escaped && same_quote(closing, character) {
                quote = None;
            }
            escaped = character == '`' && !escaped;
            continue;
        }
        if std::mem::take(&mut escaped) {
            continue;
        }
        match character {
            '"' | '\'' | '\u{2018}'..='\u{201e}' => quote = Some(character),
            '`' => escaped = true,
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' | ' ' | '\t' | '\n' | '\r' | '\u{a0}' | ',' | ';' | '|' if open == 0 => return here,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
    }
    line.len()
}

fn same_quote(open: char, character: char) -> bool {
    let double = |c| matches!(c, '"' | '\u{201c}'..='\u{201e}');
    let single = |c| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    double(open) && double(character) || single(open) && single(character)
}

fn abbreviates(name: &str, secret: &str) -> bool {
    secret.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn ends_with(name: &str, secret: &str) -> bool {
    name.len()
        .checked_sub(secret.len())
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(secret))
}

/// Whether two letters at most are to be changed, added, taken away or swapped to make one name of the other.
fn nearly(name: &str, secret: &str) -> bool {
    const LONGEST: usize = 64;
    let (a, b) = (name.as_bytes(), secret.as_bytes());
    if a.len().abs_diff(b.len()) > 2 || a.len() > LONGEST || b.len() > LONGEST || a.len() < 3 {
        return name.eq_ignore_ascii_case(secret);
    }
    let mut earlier = [0_usize; LONGEST + 1];
    let mut previous: [usize; LONGEST + 1] = std::array::from_fn(|i| i);
    for (i, x) in a.iter().enumerate() {
        let mut current = [i + 1; LONGEST + 1];
        for (j, y) in b.iter().enumerate() {
            let change = previous[j] + usize::from(!x.eq_ignore_ascii_case(y));
            let mut best = change.min(previous[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && x.eq_ignore_ascii_case(&b[j - 1]) && a[i - 1].eq_ignore_ascii_case(y) {
                best = best.min(earlier[j - 1] + 1);
            }
            current[j + 1] = best;
        }
        earlier = previous;
        previous = current;
    }
    previous[b.len()] <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(line: &str) -> String {
        mask_secrets(line, &["Password", "PfxPassword"]).into_owned()
    }

    #[test]
    fn a_line_without_secrets_is_borrowed() {
        let line = "Set-CsCertificate -Type Default -Path C:\\x -Thumbprint 00";
        assert!(matches!(mask_secrets(line, &["Password"]), Cow::Borrowed(_)));
    }

    #[test]
    fn the_argument_of_a_secret_word_is_masked() {
        for (line, masked) in [
            ("Import-X -Password hunter2 -Path a", "Import-X -Password *** -Path a"),
            ("Import-X -password:hunter2", "Import-X -password:***"),
            ("Import-X -Pass 'it''s secret' -Path a", "Import-X -Pass *** -Path a"),
            ("Import-X -P hunter2", "Import-X -P ***"),
            ("Import-X -Pasword \"a b\"", "Import-X -Pasword ***"),
            ("Import-X -Passwrod x", "Import-X -Passwrod ***"),
            ("Import-X \u{2013}Password x", "Import-X \u{2013}Password ***"),
            ("Import-X -Password \"never closed", "Import-X -Password ***"),
            ("Import-X -Password a, b -Path c", "Import-X -Password *** -Path c"),
            ("Import-X -Password (ConvertTo-SecureString 'x' -AsPlainText) -Path c", "Import-X -Password *** -Path c"),
            ("Import-X -Password \u{201c}a b\u{201d} -Path c", "Import-X -Password *** -Path c"),
            ("import_x(#{ password: \"x y\", path: \"a\" });", "import_x(#{ password: ***, path: \"a\" });"),
            ("$pfxPassword = 'x'; Get-X", "$pfxPassword = ***; Get-X"),
            ("@{ Password = 'x'; Path = 'a' }", "@{ Password = ***; Path = 'a' }"),
            ("#{ \"Password\": \"x\" }", "#{ \"Password\": *** }"),
            ("let password = \"x\";", "let password = ***;"),
        ] {
            assert_eq!(mask(line), masked);
        }
    }

    #[test]
    fn other_words_stay() {
        for line in [
            "Get-X -Path a -Port 5",
            "password == x",
            "names::password::x",
            "Import-X -Password",
            "the password is gone",
        ] {
            assert_eq!(mask(line), line);
        }
    }
}
