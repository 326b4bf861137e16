//! Rules about the public key and what it may be used for.

use super::raw::Raw;
use super::{LintContext, Report, Severity};
use crate::model::{Certificate, KeyAlgorithm, KeyUsage};
use crate::x509::extensions::KEY_USAGE;
use crate::x509::{der, spki};

pub(super) fn check(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    strength(certificate, raw, report);
    usage(certificate, raw, context, report);
}

fn strength(certificate: &Certificate, raw: &Raw<'_>, report: &mut Report) {
    let (name, bits) = (certificate.key_algorithm_name(), certificate.key_bits());
    let is_rsa = name.starts_with("RSA");
    if is_rsa && bits < 2048 {
        report.error("key-strength", "CA/B BR 6.1.5", format!("its RSA key has {bits} bits, fewer than 2048"));
    }
    if is_rsa && !bits.is_multiple_of(8) {
        report.warn("key-strength", "CA/B BR 6.1.5", format!("its RSA key has {bits} bits, no multiple of 8"));
    }
    if is_rsa && let Some(exponent) = exponent(raw.spki) {
        match exponent {
            [one] if *one < 3 => report.error("key-exponent", "RFC 8017 3.1", format!("its RSA exponent is {one}")),
            [.., last] if last & 1 == 0 => report.error("key-exponent", "RFC 8017 3.1", "its RSA exponent is even"),
            [..] if exponent.len() < 3 => {
                report.warn("key-exponent", "CA/B BR 6.1.6", "its RSA exponent is smaller than 65537");
            }
            _ => {}
        }
    }
    if !is_rsa && certificate.key_algorithm().is_none() && !name.starts_with("Ed") {
        report.warn("key-algorithm", "CA/B BR 6.1.5", format!("TLS clients do not take a key `{name}`"));
    }
}

/// The public exponent of an RSA key, without leading zeros.
fn exponent(bytes: &[u8]) -> Option<&[u8]> {
    let mut outer = der::only(bytes, der::SEQUENCE).ok()?.inside();
    outer.any().ok()?;
    let octets = outer.expect(der::BIT_STRING).ok()?.content.get(1..)?;
    let mut key = der::only(octets, der::SEQUENCE).ok()?.inside();
    key.expect(der::INTEGER).ok()?;
    let exponent = key.expect(der::INTEGER).ok()?.content;
    let start = exponent.iter().position(|octet| *octet != 0)?;
    exponent.get(start..)
}

fn usage(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    const SOURCE: &str = "RFC 5280 4.2.1.3";
    let is_ca = certificate.is_ca();
    let Some(usage) = certificate.key_usage() else {
        if is_ca {
            let severity = if certificate.is_self_issued() { Severity::Warning } else { Severity::Error };
            report.add(severity, "key-usage-present", SOURCE, "an authority's certificate without key usage");
        }
        return;
    };
    if usage.bits() == 0 {
        report.error("key-usage-empty", SOURCE, "the key usage allows nothing");
    }
    if raw.extension(KEY_USAGE).is_some_and(|extension| !extension.critical) {
        let severity = if context.is_public && is_ca { Severity::Error } else { Severity::Warning };
        report.add(severity, "key-usage-critical", SOURCE, "the key usage is not critical");
    }
    let signs = usage.contains(KeyUsage::CERT_SIGN);
    if signs && !is_ca {
        report.error("key-usage-ca", "RFC 5280 4.2.1.9", "the key may sign certificates, and it is no authority's");
    }
    if !signs && is_ca {
        report.error("key-usage-ca", "RFC 5280 4.2.1.9", "an authority's key may not sign certificates");
    }
    if !is_ca && usage.contains(KeyUsage::CRL_SIGN) {
        report.warn("key-usage-crl", SOURCE, "the key may sign revocation lists, and it is no authority's");
    }
    let enciphers = usage.contains(KeyUsage::KEY_ENCIPHERMENT) || usage.contains(KeyUsage::DATA_ENCIPHERMENT);
    let is_elliptic = certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic);
    if enciphers && (is_elliptic || spki::read(raw.spki).is_ok_and(|key| key.name.starts_with("Ed"))) {
        report.error("key-usage-elliptic", "RFC 8813 3", "an elliptic key is said to encipher");
    }
    if certificate.key_algorithm_name().starts_with("RSA") && usage.contains(KeyUsage::KEY_AGREEMENT) {
        report.warn("key-usage-rsa", "RFC 3279 2.3.1", "an RSA key is said to agree on keys");
    }
    let halves = usage.contains(KeyUsage::ENCIPHER_ONLY) || usage.contains(KeyUsage::DECIPHER_ONLY);
    if halves && !usage.contains(KeyUsage::KEY_AGREEMENT) {
        report.warn(
            "key-usage-agreement",
            SOURCE,
            "`encipherOnly` or `decipherOnly` without `keyAgreement` means nothing",
        );
    }
    let serves = usage.contains(KeyUsage::DIGITAL_SIGNATURE) || enciphers;
    if super::is_server(certificate) && !serves {
        report.error("key-usage-server", "RFC 8446 4.4.2.2", "the key usage allows no TLS handshake");
    }
}
