//! Does a certificate stand for this host (RFC 9525 section 6.3)?

use std::net::IpAddr;

use crate::model::{AlternativeName, Certificate};

/// Whether one alternative name stands for a host.
///
/// An address literal fits only an address of the same value; a host name fits only a DNS name, letter case and one final
/// dot aside. A wildcard is one whole left-most label, stands for exactly one label, and needs two labels behind it.
/// International names must come as A-labels.
pub(crate) fn covers(name: &AlternativeName, host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    match (name, host.parse::<IpAddr>()) {
        (AlternativeName::Ip(address), Ok(wanted)) => *address == wanted,
        (AlternativeName::Dns(pattern), Err(_)) => dns_covers(pattern, host),
        _ => false,
    }
}

/// Whether any alternative name of a certificate stands for a host; the common name never counts.
pub(crate) fn certificate_covers(certificate: &Certificate, host: &str) -> bool {
    certificate.alternative_names().iter().any(|name| covers(name, host))
}

/// Whether a DNS name is a wildcard in its left-most label.
pub(crate) fn is_wildcard(name: &str) -> bool {
    name.starts_with("*.")
}

fn dns_covers(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    if !is_host_name(host) {
        return false;
    }
    let Some(suffix) = pattern.strip_prefix("*.") else {
        return is_host_name(pattern) && pattern.eq_ignore_ascii_case(host);
    };
    let Some((_, parent)) = host.split_once('.') else { return false };
    is_host_name(suffix) && suffix.contains('.') && suffix.eq_ignore_ascii_case(parent)
}

fn is_host_name(text: &str) -> bool {
    let label =
        |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, host: &str) -> bool {
        covers(&AlternativeName::Dns(pattern.to_owned()), host)
    }

    #[test]
    fn names_fit_as_the_standard_says() {
        for (pattern, host, expected) in [
            ("pool01.contoso.net", "POOL01.Contoso.NET", true),
            ("pool01.contoso.net", "pool01.contoso.net.", true),
            ("pool01.contoso.net.", "pool01.contoso.net", false),
            ("pool01", "pool01", true),
            ("*.contoso.net", "a.contoso.net", true),
            ("*.contoso.net", "xn--bcher-kva.contoso.net", true),
            ("*.contoso.net", "contoso.net", false),
            ("*.contoso.net", "a.b.contoso.net", false),
            ("*.net", "contoso.net", false),
            ("*", "contoso", false),
            ("*.", "a.", false),
            ("a*.contoso.net", "ab.contoso.net", false),
            ("*a.contoso.net", "ba.contoso.net", false),
            ("a.*.net", "a.b.net", false),
            ("*.*.net", "a.b.net", false),
            ("*.contoso.net", "*.contoso.net", false),
            ("*.contoso.net", ".contoso.net", false),
            ("10.0.0.1", "10.0.0.1", false),
            ("*.0.0.1", "10.0.0.1", false),
            ("", "", false),
        ] {
            assert_eq!(fits(pattern, host), expected, "{pattern} {host}");
        }
        assert!(covers(&AlternativeName::host("::1"), "[0:0:0:0:0:0:0:1]"));
        assert!(!covers(&AlternativeName::host("10.0.0.1"), "host"));
        assert!(!covers(&AlternativeName::Uri("a.b".into()), "a.b"));
    }

    proptest! {
        #[test]
        fn a_wildcard_stands_for_exactly_one_label(
            label in "[a-z0-9]{1,10}", more in "[a-z]{1,5}", parent in "[a-z]{1,8}\\.[a-z]{2,5}",
        ) {
            let pattern = format!("*.{parent}");
            let one = format!("{label}.{parent}");
            let two = format!("{more}.{label}.{parent}");
            let glued = format!("{label}{parent}");
            prop_assert!(fits(&pattern, &one) && fits(&one, &one.to_uppercase()));
            prop_assert!(!fits(&pattern, &two));
            prop_assert!(!fits(&pattern, &parent));
            prop_assert!(!fits(&pattern, &glued));
        }

        #[test]
        fn a_plain_name_fits_itself_alone(a in "[a-z0-9]([a-z0-9-]{0,5})(\\.[a-z]{1,5}){0,3}", b in "\\PC{0,20}") {
            prop_assert_eq!(fits(&a, &b), b.strip_suffix('.').unwrap_or(&b).eq_ignore_ascii_case(&a) && b.parse::<IpAddr>().is_err());
        }
    }
}
