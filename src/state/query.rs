//! Which certificates are asked for.

use super::{CertificateRow, Store};
use crate::model::{Fingerprint, KeyId, Moment, Thumbprint};

/// Which certificates: every criterion given must hold.
#[derive(Clone, Debug, Default)]
pub struct CertificateQuery {
    /// Of this store.
    pub store: Option<Store>,
    /// With this SHA-1.
    pub thumbprint: Option<Thumbprint>,
    /// With this public key.
    pub key: Option<KeyId>,
    /// With this serial number, upper-case hexadecimal.
    pub serial: Option<String>,
    /// With this subject, as [`CertificateRow::subject`] writes it; an index answers it for the stores of authorities.
    pub subject: Option<String>,
    /// Ending at this moment or before.
    pub ends_by: Option<Moment>,
    /// Naming this host exactly (lower case), or, where the text has a `*`, by wildcard match of the text:
    /// `*` stands for any characters, dots included, so that `*.contoso.com` finds `www.contoso.com`,
    /// `a.b.contoso.com` and the wildcard name `*.contoso.com` itself.
    pub name: Option<String>,
    /// Good for this host (lower case): naming it, or the wildcard that stands for it, `*.contoso.com` for
    /// `www.contoso.com`.
    pub host: Option<String>,
    /// With a private key that is here and not in quarantine.
    pub with_key: bool,
    /// With this friendly name.
    pub friendly_name: Option<String>,
    /// The latest end first; without it rows come ordered by (end of validity, fingerprint).
    pub latest_first: bool,
    /// Continue after this one, in the order that is asked for.
    pub after: Option<(Moment, Fingerprint)>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Of a stored certificate what a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// Its SHA-1.
    pub thumbprint: Thumbprint,
    /// The subject, as [`CertificateRow::subject`] writes it.
    pub subject: String,
    /// End of validity.
    pub not_after: Moment,
    /// The store.
    pub store: Store,
}

impl Listed {
    /// Takes it from the whole row.
    pub fn of(fingerprint: Fingerprint, row: &CertificateRow) -> Self {
        let CertificateRow { thumbprint, subject, not_after, store, .. } = row;
        Self { fingerprint, thumbprint: *thumbprint, subject: subject.clone(), not_after: *not_after, store: *store }
    }
}

impl CertificateQuery {
    /// Whether a certificate fits every criterion and stands behind `after`; `limit` and `with_key` are the caller's.
    pub fn fits(&self, fingerprint: &Fingerprint, row: &CertificateRow) -> bool {
        wanted(self.store.as_ref(), &row.store)
            && wanted(self.thumbprint.as_ref(), &row.thumbprint)
            && wanted(self.key.as_ref(), &row.key)
            && wanted(self.serial.as_ref(), &row.serial)
            && wanted(self.subject.as_ref(), &row.subject)
            && wanted(self.friendly_name.as_ref(), &row.friendly_name)
            && self.ends_by.is_none_or(|end| row.not_after <= end)
            && self.after.is_none_or(|after| {
                let here = (row.not_after, *fingerprint);
                if self.latest_first { here < after } else { here > after }
            })
            && self.name.as_ref().is_none_or(|name| row.names.iter().any(|has| wildcard(name, has)))
            && self.host.as_ref().is_none_or(|host| names_for(host).iter().any(|name| row.names.contains(name)))
    }
}

/// The names that are good for a host: its own, and the wildcard that stands for it where there can be one.
pub(super) fn names_for(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned()];
    if let Some((_, domain)) = host.split_once('.').filter(|(label, _)| *label != "*") {
        names.push(format!("*.{domain}"));
    }
    names
}

fn wanted<T: PartialEq>(criterion: Option<&T>, found: &T) -> bool {
    criterion.is_none_or(|c| c == found)
}

/// Whether `*` in the pattern can be filled so that it equals the text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut between) = text.strip_prefix(first).and_then(|t| t.strip_suffix(last)) else {
        return false;
    };
    for part in middle.split('*') {
        let Some((_, behind)) = between.split_once(part) else {
            return part.is_empty();
        };
        between = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*.contoso.com", "www.contoso.com", true),
            ("*.contoso.com", "*.contoso.com", true),
            ("*.contoso.com", "contoso.com", false),
            ("www.*", "www.contoso.com", true),
            ("a*a", "a", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
            ("**b**", "abc", true),
            ("*é*", "é", true),
            ("?", "a", false),
            ("[a]*", "a", false),
        ] {
            assert_eq!(wildcard(pattern, text), fits, "{pattern} {text}");
        }
    }
}
