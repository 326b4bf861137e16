//! Whether what was served, and nothing else, makes a path to given roots; and whether a certificate covers a name.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::model::{AlternativeName, Certificate, Moment};

/// Checks the path of RFC 5280 from a leaf over the served certificates to a root, at a moment; nothing is fetched.
pub(super) fn reaches_roots(leaf: &Certificate, chain: &[Certificate], roots: &[Certificate], at: Moment) -> Result<(), String> {
    let der = |c: &Certificate| CertificateDer::from(c.der().to_vec());
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(der).collect();
    let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
    let between: Vec<CertificateDer<'_>> = chain.iter().map(der).collect();
    let leaf = der(leaf);
    let leaf = EndEntityCert::try_from(&leaf).map_err(|e| e.to_string())?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at.unix().max(0) as u64));
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &between, time, KeyUsage::server_auth(), None, None)
        .map(|_| ())
        .map_err(|e| e.to_string())
}

/// Whether the alternative names cover a host (RFC 9525 section 6): a wildcard is the whole leftmost label and stands for
/// one label; the common name does not count.
pub(super) fn covers(leaf: &Certificate, host: &str, wildcard: bool) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    leaf.alternative_names().iter().any(|name| match name {
        AlternativeName::Dns(name) => match name.strip_prefix("*.") {
            Some(parent) => wildcard && host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        },
        AlternativeName::Ip(address) => host.parse() == Ok(*address),
        _ => false,
    })
}
