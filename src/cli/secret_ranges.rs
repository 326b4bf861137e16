//! Which parts of a source line are not shown, because a secret parameter was given them.

use std::ops::Range;

use crate::cmdlets;
use crate::engine::lower::mask_secrets;

/// Keys of the configuration whose values may be secrets that somebody wrote there by mistake.
const CONFIGURATION: &[&str] = &["passphrase", "password", "hmac"];

/// The byte ranges of a text that are not to be shown: in each line, from the first secret to its end.
pub(super) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let registry = cmdlets::registry();
    let parameters = registry.verbs().iter().flat_map(|verb| verb.spec.parameters.iter());
    let names: Vec<&str> = parameters.filter(|p| p.secret).map(|p| p.name).chain(CONFIGURATION.iter().copied()).collect();
    let mut ranges = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end_matches(['\r', '\n']);
        let masked = mask_secrets(shown, &names);
        if masked != shown {
            let same = shown.char_indices().zip(masked.chars()).find(|((_, a), b)| a != b);
            let from = same.map_or_else(|| masked.len().min(shown.len()), |((at, _), _)| at);
            ranges.push(start + from..start + shown.len());
        }
        start += line.len();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_hidden_from_the_secret_on() {
        let text = "Get-X\nImport-CsCertificate -Path a.pfx -Password hunter2 -Force\npassphrase = \"hunter3\"\n";
        let mut shown = text.to_owned();
        for range in secret_ranges(text).into_iter().rev() {
            shown.replace_range(range, "#");
        }
        assert_eq!(shown, "Get-X\nImport-CsCertificate -Path a.pfx -Password #\npassphrase = #\n");
    }
}
