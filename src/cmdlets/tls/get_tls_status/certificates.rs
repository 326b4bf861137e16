//! The certificates in use, those that are to take over, and those that wait in vain.

use super::{Finding, Light};
use crate::error::{ErrorId, Result};
use crate::model::{Certificate, Fingerprint, Moment};
use crate::session::{RenewalGroup, Session};
use crate::state::{RequestRow, RequestStatus};

const DAY: i64 = 86_400;

/// Each certificate in use: what is wrong with it, else when it will be renewed.
pub(super) fn in_use(session: &Session) -> Result<Vec<Finding>> {
    session.renewal_groups()?.iter().map(|group| one(session, group)).collect()
}

fn one(session: &Session, group: &RenewalGroup) -> Result<Finding> {
    let (uses, types, shown) = (group.uses().join(", "), group.uses().join(","), group.shown());
    let Some((_, certificate)) = &group.old else {
        return Ok(Finding::new(Light::Red, "Vanished", uses, format!("its certificate `{shown}` is not stored any more"))
            .about(shown)
            .remedy(format!("Request-CsCertificate -New -Type {types} | Set-CsCertificate -Type {types}")));
    };
    let (now, zone) = (session.now(), session.zone());
    let end = certificate.not_after();
    let finding = |light, check, why: String| Finding::new(light, check, &uses, why).about(&shown);
    let renew = format!("Invoke-TlsRenewal -Type {types}");
    if let Some(error) = session.spoiled(&group.fingerprint)? {
        let check = match error.id() {
            ErrorId::CertificateBanned => "Banned",
            ErrorId::NoPrivateKey => "NoKey",
            _ => "Revoked",
        };
        return Ok(finding(Light::Red, check, error.to_string()).remedy(renew));
    }
    if end < now {
        let why = format!("certificate `{shown}` ended on {}", end.in_zone(&zone));
        return Ok(finding(Light::Red, "Expired", why).by(end).remedy(renew));
    }
    if certificate.not_before() > now {
        let why = format!("certificate `{shown}` begins on {}", certificate.not_before().in_zone(&zone));
        return Ok(finding(Light::Red, "NotYetValid", why).remedy("Get-TlsChange"));
    }
    let Some(due) = session.renewal_due(group, false, false, &|| false)? else {
        return Ok(finding(Light::Red, "Vanished", "its certificate is not stored any more".to_owned()));
    };
    if due.at > now {
        let (until, from) = (end.in_zone(&zone), due.at.in_zone(&zone));
        let why = format!("certificate `{shown}` is good until {until}, and due for renewal from {from} on");
        return Ok(finding(Light::Green, "Well", why));
    }
    let light = if end.since(now) <= grave(certificate) { Light::Red } else { Light::Amber };
    let why = format!(
        "certificate `{shown}` ends on {}, and its renewal is due since {}",
        end.in_zone(&zone),
        due.at.in_zone(&zone)
    );
    Ok(finding(light, "EndsSoon", why).by(end).remedy("Invoke-TlsRenewal"))
}

/// How much time is so little that somebody must be woken: a week, of a short life a sixth.
fn grave(certificate: &Certificate) -> i64 {
    (certificate.not_after().since(certificate.not_before()) / 6).min(7 * DAY)
}

/// Certificates that are to take over at a moment.
pub(super) fn staged(session: &Session) -> Result<Vec<Finding>> {
    let (now, zone) = (session.now(), session.zone());
    let mut findings = Vec::new();
    let staged = session.staged()?;
    if !staged.is_empty() && !session.has_promoter()? {
        let why = "neither `certlet serve` nor a renewal timer has run for a day: what is staged will not take over";
        let by = staged.iter().filter_map(|a| a.row.staged).map(|(_, at)| at).min();
        findings.push(Finding::new(Light::Amber, "NobodyPromotes", "staged certificates", why).by(by).remedy("certlet serve"));
    }
    for assigned in staged {
        let Some((fingerprint, at)) = assigned.row.staged else { continue };
        let name = &assigned.key.use_name;
        let shown = crate::cmdlets::lookup::thumbprint_of(session, &fingerprint)?;
        let due = at.in_zone(&zone);
        let finding = if let Some(error) = session.unworthy(&fingerprint)? {
            let why = format!("what is to take over on {due} cannot: {error}");
            Finding::new(Light::Red, "StagedUnfit", name, why)
                .remedy(format!("Request-CsCertificate -New -Type {name}"))
        } else if at <= now {
            Finding::new(Light::Amber, "StagedOverdue", name, format!("certificate `{shown}` was to take over on {due}"))
                .remedy("Invoke-TlsRenewal")
        } else {
            Finding::new(Light::Green, "Staged", name, format!("certificate `{shown}` takes over on {due}"))
        };
        findings.push(finding.by(at).about(shown));
    }
    Ok(findings)
}

/// Certificates that were issued for uses which still have an older one.
pub(super) fn not_deployed(session: &Session) -> Result<Vec<Finding>> {
    let assigned = session.assigned(None)?;
    let everywhere = session.state()?.assignments()?;
    let is_known = |f: Fingerprint| {
        everywhere.iter().any(|(_, row)| {
            // One that was there before was taken away again.
            row.certificate == Some(f) || row.previous == Some(f) || row.staged.is_some_and(|(s, _)| s == f)
        })
    };
    let mut findings: Vec<Finding> = Vec::new();
    let mut told: Vec<Vec<String>> = Vec::new();
    for request in session.state()?.requests()?.into_iter().rev() {
        let Some(fingerprint) = request.certificate.filter(|f| !is_known(*f)) else { continue };
        if request.status != RequestStatus::Issued || told.contains(&request.uses) {
            continue;
        }
        let Some(end) = older(session, &request, fingerprint, &assigned)? else { continue };
        told.push(request.uses.clone());
        let shown = crate::cmdlets::lookup::thumbprint_of(session, &fingerprint)?;
        let why = format!("certificate `{shown}` was issued and is not deployed");
        let types = request.uses.join(",");
        let remedy = match request.replaces {
            Some(_) => format!("Invoke-TlsRenewal -Type {types}"),
            None => format!("Set-CsCertificate -Type {types} -Thumbprint {shown}"),
        };
        let what = request.uses.join(", ");
        findings.push(Finding::new(Light::Amber, "NotDeployed", what, why).by(end).remedy(remedy).about(shown));
    }
    Ok(findings)
}

/// The end of the certificate that the first use of a request has, where the requested one would be its successor.
fn older(
    session: &Session,
    request: &RequestRow,
    fingerprint: Fingerprint,
    assigned: &[crate::session::Assigned],
) -> Result<Option<Moment>> {
    let Some(new) = session.stored(&fingerprint)? else { return Ok(None) };
    if session.unworthy(&fingerprint)?.is_some() {
        return Ok(None);
    }
    for member in assigned.iter().filter(|a| request.uses.contains(&a.key.use_name)) {
        let Some(at) = member.row.certificate else { continue };
        let Some(old) = session.stored(&at)? else { continue };
        let is_successor = old.not_after < new.not_after || request.replaces == Some(at);
        if is_successor && old.added <= new.added {
            return Ok(Some(old.not_after));
        }
    }
    Ok(None)
}
