//! Which parts of a source line are not shown, because a secret parameter was given them.

use std::ops::Range;

use crate::cmdlets;
use crate::engine::lower::mask_secrets;

/// Keys of the configuration whose values may be secrets that somebody wrote there by mistake.
const CONFIGURATION: &[&str] = &["passphrase", "password", "hmac"];

/// The byte ranges of a text that are not to be shown: in each line, from the first secret to its end.
pub(super) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let registry = cmdlets::registry();
    let names = |is_secret: bool| {
        let parameters = registry.verbs().iter().flat_map(|verb| verb.spec.parameters.iter());
        parameters.filter(move |parameter| parameter.secret == is_secret).map(|parameter| parameter.name)
    };
    let secret: Vec<&str> = names(true).chain(CONFIGURATION.iter().copied()).collect();
    let open: Vec<&str> = names(false).collect();
    let mut ranges = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let line_text = without_open_names(line.trim_end_matches(['\r', '\n']), &open);
        let masked = mask_secrets(&line_text, &secret);
        if masked != line_text {
            let differs = line_text.char_indices().zip(masked.chars()).find(|((_, a), b)| a != b);
            let from = differs.map_or_else(|| masked.len().min(line_text.len()), |((at, _), _)| at);
            ranges.push(start + from..start + line_text.len());
        }
        start += line.len();
    }
    ranges
}

/// The line with the full names of parameters that are no secrets blotted out, at the same places:
/// `-CA` is one, though it abbreviates `-CaPassword`.
fn without_open_names(line: &str, open: &[&str]) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(dash) = rest.find('-') {
        let (before, word) = rest.split_at(dash + 1);
        shown.push_str(before);
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        let is_open = open.iter().any(|open| open.eq_ignore_ascii_case(name));
        shown.push_str(&if is_open { "_".repeat(name.len()) } else { name.to_owned() });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_hidden_from_the_secret_on() {
        let text = "Get-X\nImport-CsCertificate -Path a.pfx -Password hunter2 -Force\npassphrase = \"hunter3\"\n";
        let text = format!("{text}-CA x -CaPass hunter4\n");
        let mut shown = text.clone();
        for range in secret_ranges(&text).into_iter().rev() {
            shown.replace_range(range, "#");
        }
        assert_eq!(shown, "Get-X\nImport-CsCertificate -Path a.pfx -Password #\npassphrase = #\n-CA x -CaPass #\n");
    }
}
