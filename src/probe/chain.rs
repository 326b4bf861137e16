//! The judgement over what was served: chain, path to the roots, names, purposes, dates, staple.

use std::net::IpAddr;

use super::Sighting;
use super::judge::Trouble;
use super::task::{EndpointTask, sent_name};
use crate::model::{AskedName, Certificate, KeyRule, KeyUsage, Moment, Purpose, Remedy};
use crate::x509::{Usage, certificate_covers, is_wildcard, validate_path};

/// So many names are listed in one sentence.
const SHOWN_NAMES: usize = 5;

/// What is wrong with what was served, and what merely deserves a word.
#[derive(Debug, Default)]
pub(super) struct Opinion {
    pub(super) troubles: Vec<Trouble>,
    pub(super) warnings: Vec<String>,
}

/// Judges one sighting of the assigned certificate at the moment it was made; clients whose clocks are late by `skew`
/// seconds must accept it too.
pub(super) fn judge(task: &EndpointTask, sighting: &Sighting, skew: i64) -> Opinion {
    let mut opinion = Opinion::default();
    judge_order(task, sighting, &mut opinion);
    judge_dates(&sighting.leaf, sighting.ended, skew, &mut opinion);
    judge_needs(task, &sighting.leaf, &mut opinion);
    if opinion.troubles.is_empty() {
        judge_path(task, sighting, skew, &mut opinion);
    }
    if sighting.leaf.must_staple() && sighting.staple.is_none() {
        opinion.troubles.push(Trouble::new(
            "the certificate demands a stapled OCSP response (RFC 7633) and none is served",
            Remedy::Staple,
        ));
    }
    opinion
}

/// How a certificate fails a published name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uncovered {
    /// No alternative name covers it.
    Wholly,
    /// Only a wildcard covers it, which the use does not allow.
    ButByWildcard,
}

/// Whether a certificate fails a published name (RFC 9525 section 6.3).
pub(super) fn uncovered(task: &EndpointTask, leaf: &Certificate, name: &AskedName) -> Option<Uncovered> {
    let AskedName::Published(published) = name else { return None };
    let asked = sent_name(name).unwrap_or_else(|| published.clone());
    let by_name =
        |host: &str| leaf.dns_names().any(|name| name.eq_ignore_ascii_case(host)) || host.parse::<IpAddr>().is_ok();
    match certificate_covers(leaf, &asked) {
        true if task.needs.wildcard || is_wildcard(published) || by_name(&asked) => None,
        true => Some(Uncovered::ButByWildcard),
        false => Some(Uncovered::Wholly),
    }
}

/// What is wrong with a certificate that fails these names, in one sentence; `None` when it fails none.
pub(super) fn names_trouble(failed: &[(AskedName, Uncovered)]) -> Option<Trouble> {
    let names = |how: Uncovered| {
        let all: Vec<String> = failed
            .iter()
            .filter_map(|(name, is)| match name {
                AskedName::Published(name) if *is == how => Some(format!("`{name}`")),
                _ => None,
            })
            .collect();
        let shown = all.iter().take(SHOWN_NAMES).cloned().collect::<Vec<_>>().join(", ");
        match all.len().saturating_sub(SHOWN_NAMES) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    };
    let problem = match (names(Uncovered::Wholly), names(Uncovered::ButByWildcard)) {
        (none, wild) if none.is_empty() && wild.is_empty() => return None,
        (none, wild) if wild.is_empty() => format!("the certificate does not cover {none}"),
        (none, wild) if none.is_empty() => {
            format!("the certificate covers {wild} only by a wildcard, which the use does not allow")
        }
        (none, wild) => format!(
            "the certificate does not cover {none}, and {wild} only by a wildcard, which the use does not allow"
        ),
    };
    Some(Trouble::new(problem, Remedy::Replace))
}

fn judge_order(task: &EndpointTask, sighting: &Sighting, opinion: &mut Opinion) {
    let mut above: Vec<&Certificate> = vec![&sighting.leaf];
    for certificate in &sighting.chain {
        if above.contains(&certificate) {
            let problem = format!("the certificate of `{}` is served twice", certificate.short_name());
            opinion.troubles.push(Trouble::new(problem, Remedy::MendChain));
            return;
        }
        let below = above.last().copied().unwrap_or(&sighting.leaf);
        let is_issuer = below.issuer() == certificate.subject()
            && match (below.authority_key_identifier(), certificate.subject_key_identifier()) {
                (Some(wanted), Some(is)) => wanted == is,
                _ => true,
            };
        if !is_issuer {
            let problem = format!(
                "the chain is out of order or holds a foreign certificate: `{}` did not issue `{}`",
                certificate.short_name(),
                below.short_name()
            );
            opinion.troubles.push(Trouble::new(problem, Remedy::MendChain));
            return;
        }
        above.push(certificate);
    }
    if let Some(root) = sighting.chain.iter().find(|c| c.is_self_issued()) {
        let known = if task.roots.contains(root) { "" } else { ", which the clients do not have" };
        opinion.warnings.push(format!("the root `{}`{known} is served too: it only costs time", root.short_name()));
    }
}

/// From the served certificates alone: nothing is fetched and nothing is remembered.
fn judge_path(task: &EndpointTask, sighting: &Sighting, skew: i64, opinion: &mut Opinion) {
    for at in [sighting.ended, sighting.ended.plus_seconds(-skew)] {
        if let Err(why) = validate_path(&sighting.leaf, &sighting.chain, &task.roots, at, Usage::Server) {
            let problem = format!("what is served makes no path to the roots that the clients have: {why}");
            opinion.troubles.push(Trouble::new(problem, Remedy::MendChain));
            return;
        }
    }
}

fn judge_dates(leaf: &Certificate, at: Moment, skew: i64, opinion: &mut Opinion) {
    if at > leaf.not_after() {
        let problem = format!("the certificate ended at {}", leaf.not_after());
        opinion.troubles.push(Trouble::new(problem, Remedy::Replace));
    } else if at.plus_seconds(-skew) < leaf.not_before() {
        let problem = format!(
            "the certificate begins at {}: clients whose clock is late by {skew} s refuse it",
            leaf.not_before()
        );
        opinion.troubles.push(Trouble::new(problem, Remedy::Retry));
    }
}

fn judge_needs(task: &EndpointTask, leaf: &Certificate, opinion: &mut Opinion) {
    let mut lacks = Vec::new();
    if leaf.has_acme_identifier() {
        lacks.push("it answers an ACME challenge and is for no other client (RFC 8737)".to_owned());
    }
    let asked = task.needs.eku.iter().map(|oid| Purpose::from_oid(oid));
    for purpose in std::iter::once(Purpose::ServerAuth).chain(asked.filter(|p| *p != Purpose::ServerAuth)) {
        if !leaf.allows(&purpose) {
            lacks.push(format!("its extended key usage lacks {purpose}"));
        }
    }
    if leaf.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::DIGITAL_SIGNATURE)) {
        lacks.push("its key usage lacks Digital Signature".to_owned());
    }
    let elliptic = leaf.key_algorithm().is_some_and(crate::model::KeyAlgorithm::is_elliptic);
    if !task.needs.keys.is_empty() && !task.needs.keys.iter().any(|rule| rule.allows(elliptic, leaf.key_bits())) {
        let rules: Vec<String> = task.needs.keys.iter().map(KeyRule::to_string).collect();
        lacks.push(format!("its key ({}) is none of {}", leaf.key_algorithm_name(), rules.join(", ")));
    }
    if task.needs.no_pss && leaf.is_pss() {
        lacks.push("it is signed with RSASSA-PSS, which clients of the use refuse".to_owned());
    }
    // A missing CRL distribution point is a finding of Find-TlsCertificate, and no fault of what is served.
    for lack in lacks {
        let problem = format!("the certificate `{}` does not fit the use: {lack}", leaf.thumbprint());
        opinion.troubles.push(Trouble::new(problem, Remedy::Replace));
    }
}
