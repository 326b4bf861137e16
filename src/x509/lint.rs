//! What is against the rules in a certificate, rule by rule, beside what a peer would refuse.

mod extensions;
mod key;
mod names;
mod raw;
#[cfg(test)]
mod tests;

use std::fmt;

use raw::{Raw, Time};

use crate::model::{Certificate, Purpose};

/// One rule that a certificate does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lint {
    /// The rule's name, stable.
    pub(crate) rule: &'static str,
    /// Where it is written.
    pub(crate) source: &'static str,
    /// How grave it is.
    pub(crate) severity: Severity,
    /// What was found.
    pub(crate) what: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth knowing.
    Info,
    /// Advice is not followed (SHOULD), or some clients refuse it.
    Warning,
    /// A duty is not kept (MUST).
    Error,
}

/// What is known of a certificate beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LintContext {
    /// Whether a public authority issued it, whose rules are stricter (CA/Browser Forum Baseline Requirements).
    pub(crate) is_public: bool,
    /// Whether it serves a use that needs to know where the revocation list is.
    pub(crate) wants_crl: bool,
}

impl fmt::Display for Lint {
    /// `warning: key-usage-critical (RFC 5280 4.2.1.3): the key usage is not critical`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {} ({}): {}", self.rule, self.source, self.what)
    }
}

/// Checks a certificate against the rules of RFC 5280 and its successors, and those of public authorities where it is
/// of one; gravest first.
///
/// What the strict reader refuses never comes here: bytes that are no DER, extensions that stand twice, inner and outer
/// algorithms that differ, serial numbers of more than 20 octets, extensions in old versions.
pub(crate) fn lint(certificate: &Certificate, context: LintContext) -> Vec<Lint> {
    let mut report = Report::default();
    let Ok(raw) = Raw::of(certificate.der()) else {
        report.error("encoding", "X.690", "its elements cannot be taken apart".to_owned());
        return report.found;
    };
    fields(certificate, &raw, context, &mut report);
    validity(certificate, &raw, context, &mut report);
    key::check(certificate, &raw, context, &mut report);
    names::check(certificate, &raw, context, &mut report);
    extensions::check(certificate, &raw, context, &mut report);
    report.found.sort_by_key(|lint| std::cmp::Reverse(lint.severity));
    report.found
}

/// Collects findings.
#[derive(Default)]
struct Report {
    found: Vec<Lint>,
}

impl Report {
    fn error(&mut self, rule: &'static str, source: &'static str, what: impl Into<String>) {
        self.add(Severity::Error, rule, source, what);
    }

    fn warn(&mut self, rule: &'static str, source: &'static str, what: impl Into<String>) {
        self.add(Severity::Warning, rule, source, what);
    }

    fn info(&mut self, rule: &'static str, source: &'static str, what: impl Into<String>) {
        self.add(Severity::Info, rule, source, what);
    }

    fn add(&mut self, severity: Severity, rule: &'static str, source: &'static str, what: impl Into<String>) {
        self.found.push(Lint { rule, source, severity, what: what.into() });
    }
}

/// Whether a certificate is one that TLS servers present.
fn is_server(certificate: &Certificate) -> bool {
    !certificate.is_ca() && certificate.allows(&Purpose::ServerAuth)
}

fn fields(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    if certificate.version() != 3 && !certificate.is_self_issued() {
        let version = certificate.version();
        report.error("version", "RFC 5280 4.1.2.1", format!("it is of version {version} and can hold no extensions"));
    }
    let is_root = certificate.is_self_issued();
    let serial = raw.serial;
    let grave = if is_root { Severity::Warning } else { Severity::Error };
    if serial.iter().all(|octet| *octet == 0) {
        report.add(grave, "serial-positive", "RFC 5280 4.1.2.2", "the serial number is zero");
    } else if serial.first().is_some_and(|octet| octet & 0x80 != 0) {
        report.add(grave, "serial-positive", "RFC 5280 4.1.2.2", "the serial number is negative");
    }
    if serial.len() > 20 {
        let text = format!("the serial number is encoded in {} octets, with its sign", serial.len());
        report.error("serial-length", "RFC 5280 4.1.2.2", text);
    }
    if let [first, second, ..] = serial
        && (*first == 0 && second & 0x80 == 0 || *first == 0xff && second & 0x80 != 0)
    {
        report.error("serial-encoding", "X.690 8.3.2", "the serial number is not written in its shortest form");
    }
    if serial.len() < 8 && !is_root {
        let text =
            format!("the serial number has {} octets: 64 random bits keep forgers from guessing it", serial.len());
        let severity = if context.is_public { Severity::Error } else { Severity::Info };
        report.add(severity, "serial-entropy", "CA/B BR 7.1", text);
    }
    if certificate.issuer().is_empty() {
        report.error("issuer-present", "RFC 5280 4.1.2.4", "the issuer has no name");
    }
    if raw.has_unique_ids {
        report.error("unique-identifiers", "RFC 5280 4.1.2.8", "it holds a unique identifier of issuer or subject");
    }
    let algorithm = certificate.signature_algorithm();
    if ["md2", "md5", "sha1"].iter().any(|weak| algorithm.starts_with(weak)) {
        let severity = if is_root { Severity::Info } else { Severity::Error };
        report.add(
            severity,
            "signature-algorithm",
            "RFC 9155",
            format!("it is signed with `{algorithm}`, which is broken"),
        );
    } else if certificate.is_pss() {
        let text = "it is signed with RSASSA-PSS, which older Windows programs cannot check";
        report.info("signature-algorithm", "RFC 4055 3", text);
    }
}

/// Since when public authorities may not issue for longer than so many days (CA/B ballots SC-31 and SC-081).
const PUBLIC_LIMITS: [(i64, i64); 5] = [
    (1_868_227_200, 47),  // 2029-03-15
    (1_805_068_800, 100), // 2027-03-15
    (1_773_532_800, 200), // 2026-03-15
    (1_598_918_400, 398), // 2020-09-01
    (i64::MIN, 825),
];

fn validity(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    for (which, time) in [("begin", &raw.not_before), ("end", &raw.not_after)] {
        match time.fault() {
            Some(fault) => report.error("time-encoding", "RFC 5280 4.1.2.5", format!("its {which} {fault}")),
            None if time.content == b"99991231235959Z" => {
                report.info("no-end", "RFC 5280 4.1.2.5", "it says of itself that it has no end");
            }
            None => {}
        }
    }
    if begin >= end {
        report.error("validity-order", "RFC 5280 4.1.2.5", format!("it ends ({end}) before it begins ({begin})"));
        return;
    }
    if !is_server(certificate) {
        return;
    }
    // The last second counts as well.
    let days = (end.since(begin) + 86_400) / 86_400;
    let limit = PUBLIC_LIMITS.iter().find(|(since, _)| begin.unix() >= *since).map_or(825, |(_, days)| *days);
    if context.is_public && end.since(begin) + 1 > limit * 86_400 {
        let text = format!("it lives {days} days, and public authorities may not give more than {limit}");
        report.error("validity-length", "CA/B BR 6.3.2", text);
    } else if end.since(begin) + 1 > 825 * 86_400 {
        let text = format!("it lives {days} days: Apple's systems take no server's certificate of more than 825");
        report.info("validity-length", "Apple HT210176", text);
    } else if end.since(begin) + 1 > 398 * 86_400 {
        let text = format!("it lives {days} days: browsers take no public certificate of more than 398");
        report.info("validity-length", "CA/B BR 6.3.2", text);
    }
}

impl Time<'_> {
    /// What is wrong with how it is written.
    fn fault(&self) -> Option<String> {
        let digits = |count: usize| {
            self.content.len() == count + 1
                && self.content.ends_with(b"Z")
                && self.content[..count].iter().all(u8::is_ascii_digit)
        };
        if self.is_utc {
            return (!digits(12)).then(|| "is not written YYMMDDHHMMSSZ".to_owned());
        }
        if !digits(14) {
            return Some("is not written YYYYMMDDHHMMSSZ".to_owned());
        }
        (self.content[..4] < b"2050"[..]).then(|| "is before 2050 and yet no UTCTime".to_owned())
    }
}
