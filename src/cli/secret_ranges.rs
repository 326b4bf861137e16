//! Which parts of a source text are not shown, because a secret parameter was given them.

use std::ops::Range;

use crate::cmdlets;
use crate::engine::bind::secrets::RegistrySecrets;
use crate::engine::lower::secret_arguments;

/// The byte ranges of a text that are not to be shown: from each secret to the end of its line, and all of one that
/// goes over several lines.
pub(super) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let registry = cmdlets::registry();
    let to_line_end = |range: Range<usize>| {
        let rest = text.get(range.end..).unwrap_or_default();
        range.start..range.end + rest.find(['\r', '\n']).unwrap_or(rest.len())
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for range in secret_arguments(text, &RegistrySecrets::of(&registry)).into_iter().map(to_line_end) {
        if ranges.last().is_none_or(|last| last.end <= range.start) {
            ranges.push(range);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_hidden_from_the_secret_on() {
        let text = "Get-X\nImport-CsCertificate -Path a.pfx -Password hunter2 -Force\npassphrase = \"hunter3\"\n";
        let text = format!("{text}Request-CsCertificate -CA x `\n  -CaPass hunter4\n");
        let mut shown = text.clone();
        for range in secret_ranges(&text).into_iter().rev() {
            shown.replace_range(range, "#");
        }
        let hidden = "Get-X\nImport-CsCertificate -Path a.pfx -Password #\npassphrase = #\n";
        assert_eq!(shown, format!("{hidden}Request-CsCertificate -CA x `\n  -CaPass #\n"));
    }
}
