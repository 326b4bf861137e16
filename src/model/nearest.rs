//! The known word that a misspelt one was probably meant to be.

/// Finds the candidate nearest to `word`, letters' case aside; `None` when none is near.
///
/// Near means: it differs by at most one edit in three letters (a swap of neighbours is one edit),
/// or one of the two begins with the other.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A hostile word may be as long as a file; nothing that long was meant to be a known one.
    if word.is_empty() || word.len() > 256 {
        return None;
    }
    let wanted: Vec<char> = word.to_lowercase().chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let known: Vec<char> = candidate.to_lowercase().chars().take(256).collect();
        let allowed = wanted.len().max(known.len()).div_ceil(3);
        let distance =
            if wanted.len() >= 3 && known.len() >= 3 && (known.starts_with(&wanted) || wanted.starts_with(&known)) {
                1
            } else {
                edits(&wanted, &known)
            };
        if distance <= allowed && distance < known.len() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Damerau's distance with adjacent swaps (optimal string alignment), over three rows.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                cost = cost.min(before[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        before = above;
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_seen_through() {
        let keys = ["endpoint", "server_name", "use", "protocol"];
        assert_eq!(nearest("endpiont", keys), Some("endpoint"));
        assert_eq!(nearest("Endpoints", keys), Some("endpoint"));
        assert_eq!(nearest("servername", keys), Some("server_name"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
