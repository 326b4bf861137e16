//! Secrets in a text that somebody typed: which words mean one, and which stretches are not shown.

use std::ops::Range;

/// What is known of verbs and secrets.
pub(crate) trait Secrets {
    /// The secret parameters of all verbs, without their dash, and other names that mean a secret.
    fn names(&self) -> &[&str];

    /// Whether a word is a registered verb, in any case.
    fn is_verb(&self, word: &str) -> bool;

    /// Whether a word is, in full, the name of a parameter of the verb that is no secret.
    fn is_open(&self, verb: &str, word: &str) -> bool;
}

/// The stretches of a text that are given to a word that is, abbreviates or nearly matches a secret name.
///
/// A word counts with a dash before it (`-Password x`, `-Pa:x`, `-Pasword x`), and, spelled in full or nearly so, with
/// `:` or `=` after it (`password: "x"`, `$password = 'x'`). Nearly is up to two letters, of a long name one in three,
/// wrong, missing, extra or swapped. The full name of another parameter of the verb that stands before it never counts:
/// `-CA` is one, though it begins `-CaPassword`. The text need not be a valid one; what is never closed is secret to
/// its end.
#[must_use]
pub(crate) fn secret_arguments(text: &str, secrets: &dyn Secrets) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut scan = Scan::new(text, secrets);
    while let Some(word) = scan.next() {
        let Some(argument) = scan.argument_of(&word) else { continue };
        let stop = arguments_end(text, argument);
        if stop > argument {
            found.push(argument..stop);
            scan.at = stop;
        }
    }
    found
}

/// Whether a text has a word that is, abbreviates or nearly matches a secret name, with or without an argument.
#[must_use]
pub(crate) fn has_secret_word(text: &str, secrets: &dyn Secrets) -> bool {
    let mut scan = Scan::new(text, secrets);
    while let Some(word) = scan.next() {
        if scan.argument_of(&word).is_some() {
            return true;
        }
    }
    false
}

/// The words of a text in their order, and the verb before each, bracket by bracket.
struct Scan<'a> {
    text: &'a str,
    secrets: &'a dyn Secrets,
    at: usize,
    /// How far brackets are counted.
    counted: usize,
    /// The last verb in each open bracket.
    verbs: Vec<Option<Range<usize>>>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, secrets: &'a dyn Secrets) -> Self {
        Self { text, secrets, at: 0, counted: 0, verbs: vec![None] }
    }

    fn next(&mut self) -> Option<Range<usize>> {
        let (start, end) = next_word(self.text, self.at)?;
        self.count(start);
        self.at = end;
        let verb_end = verb_end(self.text, start);
        if verb_end > end && self.secrets.is_verb(self.text.get(start..verb_end)?) {
            if let Some(last) = self.verbs.last_mut() {
                *last = Some(start..verb_end);
            }
            self.at = verb_end;
        }
        Some(start..end)
    }

    /// Follows the brackets up to a place; what stands in quotes may mislead it, and then a word is a secret too many.
    fn count(&mut self, to: usize) {
        for character in self.text.get(self.counted..to).unwrap_or_default().chars() {
            match character {
                '(' | '[' | '{' => self.verbs.push(None),
                ')' | ']' | '}' if self.verbs.len() > 1 => {
                    self.verbs.pop();
                }
                _ => {}
            }
        }
        self.counted = self.counted.max(to);
    }

    fn argument_of(&self, word: &Range<usize>) -> Option<usize> {
        let verb = self.verbs.last().cloned().flatten().and_then(|verb| self.text.get(verb));
        let is_open = |name: &str| verb.is_some_and(|verb| self.secrets.is_open(verb, name));
        argument_of(self.text, word.start, word.end, self.secrets.names(), &is_open)
    }
}

/// The end of names around single dashes.
fn verb_end(text: &str, start: usize) -> usize {
    let mut end = start;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        end += rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let mut after = text.get(end..).unwrap_or_default().chars();
        if after.next() != Some('-') || !after.next().is_some_and(|c| c.is_ascii_alphabetic()) {
            return end;
        }
        end += 1;
    }
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
fn argument_of(
    line: &str,
    word: usize,
    end: usize,
    secret_names: &[&str],
    is_open: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    let name = line.get(word..end)?;
    let before = line.get(..word)?.chars().next_back();
    let dashed = matches!(before, Some('-' | '\u{2013}'..='\u{2015}'));
    let next = skip_blanks(line, end);
    let follows = line.get(next..)?;
    let is_secret = |secret: &&str| abbreviates(name, secret) || nearly(name, secret);
    if dashed && secret_names.iter().any(is_secret) && !is_open(name) {
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

/// Whether two letters at most, or one in three, are to be changed, added, taken away or swapped to make one name of
/// the other.
fn nearly(name: &str, secret: &str) -> bool {
    const LONGEST: usize = 64;
    let (a, b) = (name.as_bytes(), secret.as_bytes());
    let allowed = (b.len() / 3).max(2);
    if a.len().abs_diff(b.len()) > allowed || a.len() > LONGEST || b.len() > LONGEST || a.len() < 3 {
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
    previous[b.len()] <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Import-X` has `-Path` and `-CA`, `Export-X` has neither.
    struct Known;

    impl Secrets for Known {
        fn names(&self) -> &[&str] {
            &["Password", "PfxPassword", "CaPassword"]
        }

        fn is_verb(&self, word: &str) -> bool {
            ["Import-X", "Export-X", "ConvertTo-SecureString"].iter().any(|verb| verb.eq_ignore_ascii_case(word))
        }

        fn is_open(&self, verb: &str, word: &str) -> bool {
            verb.eq_ignore_ascii_case("Import-X") && ["Path", "CA"].iter().any(|name| name.eq_ignore_ascii_case(word))
        }
    }

    fn mask(line: &str) -> String {
        let mut masked = line.to_owned();
        for range in secret_arguments(line, &Known).into_iter().rev() {
            masked.replace_range(range, "***");
        }
        masked
    }

    #[test]
    fn the_full_name_of_another_parameter_is_no_abbreviation() {
        for (line, masked) in [
            ("Import-X -CA dc01\\ca -Path a", "Import-X -CA dc01\\ca -Path a"),
            ("import-x -ca dc01\\contoso-DC01-CA -CaPass x", "import-x -ca dc01\\contoso-DC01-CA -CaPass ***"),
            // A verb that has no `-CA` is given the beginning of a secret's name.
            ("Export-X -CA hunter2", "Export-X -CA ***"),
            ("-CA hunter2", "-CA ***"),
            ("Import-X -CA a; Export-X -CA hunter2", "Import-X -CA a; Export-X -CA ***"),
            ("Import-X -Password (ConvertTo-SecureString x) -CA b", "Import-X -Password *** -CA b"),
            ("Import-X -Path (Export-X -CA hunter2) -CA b", "Import-X -Path (Export-X -CA ***) -CA b"),
            ("Import-X `\n  -CA b `\n  -CaPassword c", "Import-X `\n  -CA b `\n  -CaPassword ***"),
        ] {
            assert_eq!(mask(line), masked);
        }
    }

    #[test]
    fn a_secret_word_counts_without_its_argument() {
        for line in
            ["Import-X -Password", "Import-X -Pasword", "Import-X -P x", "$pfxPassword = Get-X", "#{ password: x }"]
        {
            assert!(has_secret_word(line, &Known), "{line}");
        }
        for line in ["Import-X -CA x -Path y", "the password is gone", "Export-X -Port 5", "password == x"] {
            assert!(!has_secret_word(line, &Known), "{line}");
        }
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
            ("Import-X -PfxPaswd x", "Import-X -PfxPaswd ***"),
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
