//! What stands open: changes that were cut off, requests that wait, lists and authorities that end.

use super::{Finding, Light};
use crate::ca::Context;
use crate::error::Result;
use crate::model::Moment;
use crate::session::{ListState, Session, read_artefact};
use crate::state::{RequestRow, RequestStatus};
use crate::x509::parse_crl;

/// Changes that a crash left open; one whose lease is held is somebody's work.
pub(super) fn open_changes(session: &Session) -> Result<Vec<Finding>> {
    let state = session.state()?;
    let open = state.open_operations()?;
    if open.is_empty() || state.lease_holder("change")?.is_some() {
        return Ok(Vec::new());
    }
    let zone = session.zone();
    let finding = |id: u64, opened: Moment| {
        let why = format!("it began on {} and was cut off before its end", opened.in_zone(&zone));
        Finding::new(Light::Red, "OpenChange", format!("change {id}"), why).remedy("certlet recover")
    };
    Ok(open.iter().map(|o| finding(o.id, o.opened)).collect())
}

/// Requests that are not decided.
pub(super) fn requests(session: &Session) -> Result<Vec<Finding>> {
    let zone = session.zone();
    let one = |row: &RequestRow| {
        let number = row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string());
        let (what, at) = (format!("request {number} for {}", row.uses.join(", ")), row.submitted.in_zone(&zone));
        let ask = format!("Request-CsCertificate -Retrieve -RequestId {number}");
        match row.status {
            RequestStatus::Pending if row.ca.is_empty() => {
                let why = format!("the request file of {at} waits for its answer");
                Some(Finding::new(Light::Amber, "RequestPending", what, why).remedy("Import-CsCertificate -Path FILE"))
            }
            RequestStatus::Pending => {
                let why = format!("`{}` has not decided since {at}: {}", row.ca, row.message);
                Some(Finding::new(Light::Amber, "RequestPending", what, why).by(row.retry_at).remedy(ask))
            }
            RequestStatus::Submitting => {
                let why = format!("`{}` was asked on {at}, and its answer is not here: under way, or cut off", row.ca);
                Some(Finding::new(Light::Amber, "RequestCutOff", what, why).remedy(ask))
            }
            RequestStatus::Issued | RequestStatus::Denied | RequestStatus::Revoked => None,
        }
    };
    Ok(session.state()?.requests()?.iter().filter_map(one).collect())
}

/// Revocation lists that end: from then on nobody can say what is revoked.
pub(super) fn revocation_lists(session: &Session) -> Result<Vec<Finding>> {
    let (now, zone) = (session.now(), session.zone());
    let mut findings = Vec::new();
    for der in session.world().crls()? {
        let list = parse_crl(&der)?;
        let Some(end) = list.next_update() else { continue };
        let left = end.since(now);
        // The last quarter of its life.
        if left > end.since(list.this_update()) / 4 {
            continue;
        }
        let what = format!("revocation list of {}", list.issuer());
        let at = end.in_zone(&zone);
        let finding = if left < 0 {
            Finding::new(Light::Red, "CrlEnded", what, format!("it ended on {at}: what is revoked is not known"))
        } else {
            Finding::new(Light::Amber, "CrlEnds", what, format!("it ends on {at}"))
        };
        findings.push(finding.by(end).remedy("put the authority's newest list where `[trust] crls` in certlet.toml says"));
    }
    findings.extend(own_lists(session)?);
    Ok(findings)
}

/// The lists that embedded authorities publish.
fn own_lists(session: &Session) -> Result<Vec<Finding>> {
    let now = session.now();
    let mut findings = Vec::new();
    for authority in session.authorities()? {
        let Ok(ListState::Due(why)) = session.list_of(&*authority) else { continue };
        let file = authority.as_database().and_then(|d| d.publication()).map(|p| p.file.clone());
        let found = file.and_then(|path| read_artefact(&path, "").ok()).and_then(|der| parse_crl(&der).ok());
        let end = found.and_then(|list| list.next_update());
        let (light, check) =
            if end.is_some_and(|end| end < now) { (Light::Red, "CrlEnded") } else { (Light::Amber, "CrlDue") };
        let what = format!("revocation list of {}", authority.config());
        let remedy = format!("Publish-CertificateRevocationList -CA '{}'", authority.config());
        findings.push(Finding::new(light, check, what, why.to_string()).by(end).remedy(remedy));
    }
    Ok(findings)
}

/// Embedded authorities whose own certificate ends: what they issue ends with it.
pub(super) fn authorities(session: &Session) -> Result<Vec<Finding>> {
    let (state, keys) = (session.state()?, session.keys()?);
    let (now, zone) = (session.now(), session.zone());
    let cx = Context { state: &*state, keys: &*keys, now, cancelled: &|| false };
    let mut findings = Vec::new();
    for authority in session.authorities()?.iter().filter(|a| a.is_inside()) {
        let Some(own) = authority.chain(&cx)?.into_iter().next() else { continue };
        let (end, life) = (own.not_after(), own.not_after().since(own.not_before()));
        if end.since(now) > life / 6 {
            continue;
        }
        let light = if end < now { Light::Red } else { Light::Amber };
        let why = format!("its own certificate ends on {}: what it issues ends with it", end.in_zone(&zone));
        findings.push(
            Finding::new(light, "AuthorityEnds", format!("authority {}", authority.config()), why)
                .by(end)
                .remedy("declare a new authority under another `config` in certlet.toml"),
        );
    }
    Ok(findings)
}
