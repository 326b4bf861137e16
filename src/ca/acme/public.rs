//! Names that no public authority certifies, each with the rule that asked for it.

use std::net::IpAddr;

use crate::error::{Error, ErrorId, Result};

/// Endings that are not delegated in the public DNS: RFC 6761, 6762, 7686, 8375, 9476, and ICANN's `internal`; the others
/// are what private networks are called (RFC 6762 appendix G, and the delegations that ICANN deferred for good).
const PRIVATE_ENDINGS: [&str; 16] = [
    "local",
    "internal",
    "test",
    "example",
    "invalid",
    "localhost",
    "localdomain",
    "onion",
    "alt",
    "home.arpa",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "mail",
];
/// Names for documentation (RFC 2606 section 3): nobody can show control over them.
const DOCUMENTATION: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Refuses the names that a public authority may not certify (CA/Browser Forum Baseline Requirements 4.2.2, 7.1.4.2.1).
///
/// # Errors
/// `NameNotPublic`, with each name, why it is not public, and the rule that asks for it.
pub(super) fn check(authority: &str, names: &[(String, String)]) -> Result<()> {
    let bad: Vec<(&str, String)> = names
        .iter()
        .filter_map(|(name, rule)| {
            let rule = if rule.is_empty() { String::new() } else { format!("; asked for by: {rule}") };
            Some((name.as_str(), format!("`{name}` ({}{rule})", fault(name)?)))
        })
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    let (names, reasons): (Vec<&str>, Vec<String>) = bad.into_iter().unzip();
    Err(Error::new(
        ErrorId::NameNotPublic,
        format!("`{authority}` is a public authority and may not certify {}", reasons.join(", ")),
    )
    .about(names.join(","))
    .hint(format!("`-ExcludeComputedName \"{}\"` takes them out", names.join(",")))
    .hint("an authority of your own certifies them: `Get-CertificationAuthority` lists the configured ones"))
}

/// Why a name is not public; `None` for one that may be.
fn fault(name: &str) -> Option<&'static str> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return (!is_public_address(address)).then_some("a private or reserved address");
    }
    let name = name.strip_prefix("*.").unwrap_or(name).to_ascii_lowercase();
    if !name.contains('.') {
        return Some("a single label");
    }
    if name.contains('_') {
        return Some("an underscore");
    }
    let within = |ending: &str| name.strip_suffix(ending).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    if PRIVATE_ENDINGS.iter().any(|e| within(e)) {
        return Some("an internal or reserved ending");
    }
    DOCUMENTATION.iter().any(|e| within(e)).then_some("a name for documentation")
}

/// Whether an address is of the public internet (IANA special-purpose registries, RFC 6890 and its updates).
fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a == 192 && b == 0 && c == 0))
        }
        // Global unicast is 2000::/3, without the addresses for documentation and benchmarks.
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            (0x2000..0x4000).contains(&a) && !(a == 0x2001 && (b == 0xdb8 || b < 0x200)) && !(a == 0x3fff && b < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_not_public_is_listed_with_its_rule() {
        let names = |list: &[&str]| list.iter().map(|n| ((*n).to_owned(), format!("rule of {n}"))).collect::<Vec<_>>();
        let good = ["www.contoso.com", "*.contoso.com", "localnet.com", "mylocal.net", "8.8.8.8", "2606:4700::1111"];
        check(r"le\acme", &names(&good)).unwrap();
        let bad = [
            "pool01",
            "pool01.contoso.local",
            "lync_1.contoso.com",
            "dc.internal",
            "x.test",
            "*.corp",
            "a.home.arpa",
            "10.0.0.5",
            "192.168.1.1",
            "127.0.0.1",
            "100.64.0.1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "www.example.com",
            "LOCALHOST",
            "SIP.Contoso.LOCAL",
        ];
        for name in bad {
            let error = check(r"le\acme", &names(&["www.contoso.com", name])).unwrap_err();
            assert_eq!((error.id(), error.target()), (ErrorId::NameNotPublic, Some(name)));
            assert!(
                error.message().contains(&format!("rule of {name}")) && !error.message().contains("www.contoso.com")
            );
        }
        let all = check(r"le\acme", &names(&bad)).unwrap_err();
        assert_eq!(all.target().unwrap().split(',').count(), bad.len());
    }
}
