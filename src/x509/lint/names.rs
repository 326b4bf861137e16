//! Rules about subject and alternative names.

use std::net::IpAddr;

use super::raw::Raw;
use super::{LintContext, Report, Severity, is_server};
use crate::model::{AlternativeName, COMMON_NAME, Certificate, HostName};
use crate::x509::der::{self, Malformed};
use crate::x509::extensions::ALTERNATIVE_NAMES;

/// Most characters of an attribute (RFC 5280 appendix A).
const LENGTHS: [(&str, &str, usize); 9] = [
    ("2.5.4.3", "CN", 64),
    ("2.5.4.10", "O", 64),
    ("2.5.4.11", "OU", 64),
    ("2.5.4.7", "L", 128),
    ("2.5.4.8", "S", 128),
    ("2.5.4.5", "serialNumber", 64),
    ("2.5.4.12", "title", 64),
    ("2.5.4.4", "SN", 40),
    ("1.2.840.113549.1.9.1", "E", 255),
];
/// Top-level domains that no public authority may certify (RFC 6761, RFC 6762, and custom).
const INTERNAL: [&str; 9] = ["local", "localhost", "internal", "intranet", "lan", "corp", "home", "test", "invalid"];
const COUNTRY: &str = "2.5.4.6";

pub(super) fn check(certificate: &Certificate, raw: &Raw<'_>, context: LintContext, report: &mut Report) {
    for (which, name) in [("subject", raw.subject), ("issuer", raw.issuer)] {
        if attributes(name, which, report).is_err() {
            report.error("name-encoding", "RFC 5280 4.1.2.4", format!("the {which} cannot be taken apart"));
        }
    }
    let has_subject = !certificate.subject().is_empty();
    if certificate.is_ca() && !has_subject {
        report.error("subject-ca", "RFC 5280 4.1.2.6", "an authority's certificate without a name");
    }
    let extension = raw.extension(ALTERNATIVE_NAMES);
    match extension {
        Some(extension) if !has_subject && !extension.critical => {
            let text = "the subject is empty, and the alternative names are not critical";
            report.error("san-critical", "RFC 5280 4.2.1.6", text);
        }
        Some(extension) if has_subject && extension.critical && !certificate.is_ca() => {
            report.info("san-critical", "RFC 5280 4.2.1.6", "the alternative names are critical beside a subject");
        }
        None if !has_subject && !certificate.is_ca() => {
            report.error("san-present", "RFC 5280 4.2.1.6", "it has neither subject nor alternative names");
        }
        None if is_server(certificate) => {
            report.error(
                "san-present",
                "RFC 9525 2",
                "a server's certificate without alternative names: clients ignore CN",
            );
        }
        _ => {}
    }
    if extension.is_some() && certificate.alternative_names().is_empty() {
        report.error("san-empty", "RFC 5280 4.2.1.6", "the list of alternative names is empty");
    }
    let mut seen: Vec<String> = Vec::new();
    for name in certificate.alternative_names() {
        let text = name.to_string().to_ascii_lowercase();
        if seen.contains(&text) {
            report.info("san-duplicate", "RFC 5280 4.2.1.6", format!("`{name}` stands twice"));
        }
        seen.push(text);
        match name {
            AlternativeName::Dns(dns) => host(dns, context, report),
            AlternativeName::Ip(address) => network(*address, context, report),
            other if context.is_public => {
                let text = format!("`{other}` is neither host name nor address");
                report.error("san-kind", "CA/B BR 7.1.2.7.12", text);
            }
            _ => {}
        }
    }
    common_names(certificate, context, report);
}

/// The common name is a copy of an alternative name, where it looks like one.
fn common_names(certificate: &Certificate, context: LintContext, report: &mut Report) {
    let names: Vec<&str> = certificate.subject().texts(COMMON_NAME).collect();
    if names.len() > 1 {
        report.warn("cn-single", "CA/B BR 7.1.4.3", format!("the subject has {} common names", names.len()));
    }
    if !is_server(certificate) {
        return;
    }
    for name in names {
        let is_known = certificate.alternative_names().iter().any(|n| n.to_string().eq_ignore_ascii_case(name));
        let is_host = name.parse::<IpAddr>().is_ok() || HostName::with_underscores(name).is_ok();
        if is_known || certificate.alternative_names().is_empty() {
            continue;
        }
        let severity = match (context.is_public, is_host) {
            (true, _) => Severity::Error,
            (false, true) => Severity::Warning,
            (false, false) => continue,
        };
        let text =
            format!("the common name `{name}` is not among the alternative names, and clients look at those alone");
        report.add(severity, "cn-in-san", "CA/B BR 7.1.4.3", text);
    }
}

fn host(name: &str, context: LintContext, report: &mut Report) {
    const SOURCE: &str = "RFC 5280 4.2.1.6";
    if name.trim().is_empty() {
        return report.error("san-host", SOURCE, "a host name is empty");
    }
    if name.parse::<IpAddr>().is_ok() {
        return report.error("san-host", "RFC 9525 3.1", format!("the address `{name}` is written as a host name"));
    }
    if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
        return report.error("san-host", "RFC 1034 3.1", format!("`{name}` is too long for a host name"));
    }
    if let Some(rest) = name.strip_prefix("*.")
        && !rest.contains('*')
    {
        if !rest.contains('.') {
            return report.warn(
                "san-wildcard",
                "RFC 9525 6.3",
                format!("`{name}` stands for a whole top-level domain"),
            );
        }
    } else if name.contains('*') {
        let text = format!("`{name}`: a wildcard is the whole left-most label, or clients ignore it");
        return report.error("san-wildcard", "RFC 9525 6.3", text);
    }
    if name.contains('_') {
        let severity = if context.is_public { Severity::Error } else { Severity::Warning };
        return report.add(severity, "san-underscore", "RFC 1034 3.5", format!("`{name}` has an underscore"));
    }
    if HostName::with_underscores(name).is_err() {
        return report.error("san-host", "RFC 1034 3.5", format!("`{name}` is no host name"));
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if context.is_public && (!name.contains('.') || INTERNAL.iter().any(|one| last.eq_ignore_ascii_case(one))) {
        report.error("san-internal", "CA/B BR 4.2.2", format!("`{name}` is an internal name"));
    }
}

fn network(address: IpAddr, context: LintContext, report: &mut Report) {
    let is_internal = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if context.is_public && is_internal {
        report.error("san-internal", "CA/B BR 4.2.2", format!("`{address}` is an internal address"));
    }
}

/// String types and lengths of a name, attribute by attribute.
fn attributes(name: &[u8], which: &str, report: &mut Report) -> Result<(), Malformed> {
    const PRINTABLE: u8 = 0x13;
    let mut steps = der::only(name, der::SEQUENCE)?.inside();
    while !steps.is_empty() {
        let mut step = steps.expect(der::SET)?.inside();
        while !step.is_empty() {
            let mut attribute = step.expect(der::SEQUENCE)?.inside();
            let oid = der::oid_text(attribute.expect(der::OID)?.content).unwrap_or_default();
            let value = attribute.any()?;
            let shown = LENGTHS.iter().find(|(known, ..)| *known == oid).map_or(oid.as_str(), |(_, short, _)| *short);
            let old = match value.tag {
                0x14 => Some("TeletexString"),
                0x1c => Some("UniversalString"),
                0x1e => Some("BMPString"),
                _ => None,
            };
            if let Some(kind) = old {
                report.warn("name-string", "RFC 5280 4.1.2.4", format!("{shown} of the {which} is a {kind}"));
            }
            let length = match value.tag {
                0x1e => value.content.len() / 2,
                0x1c => value.content.len() / 4,
                0x0c => String::from_utf8_lossy(value.content).chars().count(),
                _ => value.content.len(),
            };
            if length == 0 {
                report.warn("name-empty", "RFC 5280 A.1", format!("{shown} of the {which} is empty"));
            }
            if let Some((_, short, most)) = LENGTHS.iter().find(|(known, ..)| *known == oid)
                && length > *most
            {
                let text = format!("{short} of the {which} has {length} characters, more than {most}");
                report.error("name-length", "RFC 5280 A.1", text);
            }
            if oid == COUNTRY && (length != 2 || value.tag != PRINTABLE) {
                let text = format!("C of the {which} is not two letters in a PrintableString");
                report.error("name-country", "RFC 5280 A.1", text);
            }
        }
    }
    Ok(())
}
