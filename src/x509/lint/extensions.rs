//! Rules about extensions: which there must be, which may be critical, what they may say together.

use super::raw::Raw;
use super::{LintContext, Report, Severity, is_server};
use crate::model::{Certificate, KeyUsage, Purpose};
use crate::x509::extensions::{
    ALTERNATIVE_NAMES, AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, CRL_POINTS, EXTENDED_KEY_USAGE, KEY_USAGE,
    NAME_CONSTRAINTS, SUBJECT_KEY_IDENTIFIER,
};

const POLICIES: &str = "2.5.29.32";
const POLICY_CONSTRAINTS: &str = "2.5.29.36";
const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
const POLICY_MAPPINGS: &str = "2.5.29.33";
const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const PRECERTIFICATE_POISON: &str = "1.3.6.1.4.1.11129.2.4.3";

/// Must be critical.
const CRITICAL: [(&str, &str, &str); 3] = [
    (NAME_CONSTRAINTS, "the name constraints", "RFC 5280 4.2.1.10"),
    (POLICY_CONSTRAINTS, "the policy constraints", "RFC 5280 4.2.1.11"),
    (INHIBIT_ANY_POLICY, "`inhibitAnyPolicy`", "RFC 5280 4.2.1.14"),
];
/// Must not be critical.
const NOT_CRITICAL: [(&str, &str, &str); 6] = [
    (AUTHORITY_KEY_IDENTIFIER, "the authority key identifier", "RFC 5280 4.2.1.1"),
    (SUBJECT_KEY_IDENTIFIER, "the subject key identifier", "RFC 5280 4.2.1.2"),
    ("2.5.29.9", "the directory attributes", "RFC 5280 4.2.1.8"),
    ("2.5.29.46", "the freshest revocation list", "RFC 5280 4.2.1.15"),
    (AUTHORITY_ACCESS, "the authority information access", "RFC 5280 4.2.2.1"),
    ("1.3.6.1.5.5.7.1.11", "the subject information access", "RFC 5280 4.2.2.2"),
];
/// What peers understand when it is critical.
const KNOWN: [&str; 9] = [
    KEY_USAGE,
    ALTERNATIVE_NAMES,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    POLICIES,
    POLICY_MAPPINGS,
    POLICY_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    INHIBIT_ANY_POLICY,
];

pub(super) fn check(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    criticality(raw, report);
    constraints(certificate, raw, report);
    identifiers(certificate, report);
    purposes(certificate, raw, context, report);
    revocation(certificate, raw, context, report);
}

fn criticality(raw: &Raw<'_>, report: &mut Report) {
    for extension in &raw.extensions {
        let oid = extension.oid.as_str();
        if extension.writes_default {
            report.warn(
                "default-written",
                "X.690 11.5",
                format!("the extension `{oid}` writes out `critical = FALSE`"),
            );
        }
        if let Some((_, name, source)) = CRITICAL.iter().find(|(known, ..)| *known == oid)
            && !extension.critical
        {
            report.error("extension-critical", source, format!("{name} must be critical"));
        }
        if let Some((_, name, source)) = NOT_CRITICAL.iter().find(|(known, ..)| *known == oid)
            && extension.critical
        {
            report.error("extension-not-critical", source, format!("{name} must not be critical"));
        } else if oid == PRECERTIFICATE_POISON {
            report.error(
                "precertificate",
                "RFC 6962 3.1",
                "it is a precertificate for transparency logs, never to be used",
            );
        } else if extension.critical && oid == CRL_POINTS {
            report.warn("extension-not-critical", "RFC 5280 4.2.1.13", "the CRL distribution points are critical");
        } else if extension.critical && !KNOWN.contains(&oid) {
            report.warn(
                "unknown-critical",
                "RFC 5280 4.2",
                format!("clients that do not know the critical extension `{oid}` refuse it"),
            );
        }
    }
}

fn constraints(certificate: &Certificate, raw: &Raw<'_>, report: &mut Report) {
    const SOURCE: &str = "RFC 5280 4.2.1.9";
    let basic = raw.extension(BASIC_CONSTRAINTS);
    if certificate.is_ca() && basic.is_some_and(|basic| !basic.critical) {
        report.error("basic-constraints-critical", SOURCE, "an authority's basic constraints are not critical");
    }
    // SEQUENCE { BOOLEAN FALSE … }: the default is left away in DER.
    if basic.is_some_and(|basic| basic.value.starts_with(&[0x30]) && basic.value.get(2..5) == Some(&[1, 1, 0])) {
        report.warn("default-written", "X.690 11.5", "the basic constraints write out `cA = FALSE`");
    }
    if certificate.path_len().is_some() {
        if !certificate.is_ca() {
            report.error("path-length", SOURCE, "a path length in a certificate that is no authority's");
        } else if certificate.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::CERT_SIGN)) {
            report.error("path-length", SOURCE, "a path length beside a key that may not sign certificates");
        }
    }
    if raw.extension(NAME_CONSTRAINTS).is_some() && !certificate.is_ca() {
        report.error(
            "name-constraints",
            "RFC 5280 4.2.1.10",
            "name constraints in a certificate that is no authority's",
        );
    }
}

fn identifiers(certificate: &Certificate, report: &mut Report) {
    if certificate.version() < 3 {
        return;
    }
    let own = certificate.subject_key_identifier();
    if own.is_none() {
        let severity = if certificate.is_ca() { Severity::Error } else { Severity::Info };
        report.add(severity, "subject-key-identifier", "RFC 5280 4.2.1.2", "the subject key identifier is missing");
    }
    match certificate.authority_key_identifier() {
        None if !certificate.is_self_issued() => {
            report.error("authority-key-identifier", "RFC 5280 4.2.1.1", "the authority key identifier is missing");
        }
        Some(above) if certificate.is_self_issued() && certificate.is_ca() && own.is_some_and(|own| own != above) => {
            report.info(
                "authority-key-identifier",
                "RFC 5280 4.2.1.1",
                "its own name and another key above it: a roll-over",
            );
        }
        _ => {}
    }
}

fn purposes(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    const SOURCE: &str = "RFC 5280 4.2.1.12";
    let Some(purposes) = certificate.purposes() else {
        if !certificate.is_ca() {
            let severity = if context.is_public { Severity::Error } else { Severity::Warning };
            report.add(severity, "purpose-present", "CA/B BR 7.1.2.7.10", "it does not say what it is for");
        }
        return;
    };
    let has_any = purposes.contains(&Purpose::Any);
    if has_any && !certificate.is_ca() {
        let severity = if context.is_public { Severity::Error } else { Severity::Warning };
        report.add(severity, "purpose-any", "CA/B BR 7.1.2.7.10", "it is for any purpose");
    }
    if has_any && raw.extension(EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical) {
        report.warn("purpose-any", SOURCE, "any purpose, and yet critical");
    }
    let mut seen: Vec<&Purpose> = Vec::new();
    for purpose in purposes {
        if seen.contains(&purpose) {
            report.info("purpose-duplicate", SOURCE, format!("{purpose} stands twice"));
        }
        seen.push(purpose);
    }
}

fn revocation(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    const SOURCE: &str = "RFC 5280 4.2.1.13";
    let urls = certificate.crl_urls();
    if context.wants_crl && urls.is_empty() {
        report.warn(
            "crl-distribution-point",
            SOURCE,
            "it does not say where the revocation list is, and its use expects that",
        );
    }
    for url in urls.iter().filter(|url| url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))) {
        let text = format!("`{url}` needs a certificate to be checked before this one can be");
        report.warn("crl-distribution-point", "RFC 5280 8", text);
    }
    let has_access = raw.extension(AUTHORITY_ACCESS).is_some();
    if context.is_public && is_server(certificate) {
        if urls.is_empty() && !has_access {
            report.error(
                "revocation-source",
                "CA/B BR 7.1.2.7.6",
                "it names neither a revocation list nor an OCSP responder",
            );
        }
        if raw.extension(POLICIES).is_none() {
            report.error("policies", "CA/B BR 7.1.2.7.9", "the certificate policies are missing");
        }
    }
    if certificate.must_staple() && !has_access {
        report.warn("must-staple", "RFC 7633 4.2.3", "it demands a stapled OCSP answer and names no responder");
    }
    if certificate.has_acme_identifier() {
        report.error("acme-challenge", "RFC 8737 3", "it answers an ACME challenge and is never to be served");
    }
}
