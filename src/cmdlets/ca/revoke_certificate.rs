//! `Revoke-Certificate`: tell the authority that a certificate is no longer good.

use std::sync::Arc;

use serde_json::json;

use super::approve_certificate_request::{CA, decide, one_database};
use crate::ca::{Authority, Context};
use crate::cmdlets::assigning::say_proofs;
use crate::cmdlets::params::FORCE;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Values, Verb, choice,
};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::{CertificateSelector, Fingerprint, SerialNumber};
use crate::session::{Renewed, Session, find_certificate};
use crate::state::{CertificateQuery, CertificateRow, RequestRow, RequestStatus, Row, RowKey, Write};

static THUMBPRINT: Param<CertificateSelector> = Param::named("Thumbprint", "The stored certificate's SHA-1 or SHA-256")
    .sets(&["Thumbprint"])
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName);
static SERIAL: Param<String> =
    Param::named("SerialNumber", "The serial number at the authority, hexadecimal").sets(&["SerialNumber"]).mandatory();
static REASON: Param<String> = Param::named("Reason", "Why: a hold can be changed later, every other reason is final")
    .values(Values::Choice(REASONS))
    .mandatory();

/// In the order of RFC 5280 section 5.3.1, `CRLReason` 0 to 6.
const REASONS: &[&str] = &[
    "Unspecified",
    "KeyCompromise",
    "CACompromise",
    "AffiliationChanged",
    "Superseded",
    "CessationOfOperation",
    "CertificateHold",
];

static REPLACE: Param<Switch> =
    Param::named("Replace", "Renew it first where it is in use, and revoke it when the new one is proven");

pub(crate) static SPEC: Spec = Spec {
    name: "Revoke-Certificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Revoke a certificate at the authority that issued it",
    description: "Has the authority revoke the certificate: an embedded one, where that needs the right `Issue`, or one across a \
                  network that lets whoever holds the certificate do so. A second time with the same reason changes nothing.\n\n\
                  A certificate that is in use is refused: its clients would be shut out. With -Replace it is renewed for all \
                  its uses first, and revoked once the new one is proven to be served; -Force revokes it as it is.\n\nThe reason \
                  `KeyCompromise` bans the certificate as well: no command, undo or recovery assigns it again.",
    sets: &["Thumbprint", "SerialNumber"],
    parameters: &[&THUMBPRINT.spec, &SERIAL.spec, &CA.spec, &REASON.spec, &REPLACE.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::High,
    examples: &[
        Example {
            line: "Get-CsCertificate -Type Default | Revoke-Certificate -Reason KeyCompromise -Replace -Force",
            says: "Renews the certificate of a use, proves the new one, and revokes and bans the old one without asking",
            expect: Expect::Changes(0),
        },
        Example {
            line: "Get-CsCertificate -Type Default | Revoke-Certificate -Reason Superseded -Confirm:$false",
            says: "Is refused while the certificate is in use",
            expect: Expect::Fails(ErrorId::PolicyRefused),
        },
        Example {
            line: "Revoke-Certificate -SerialNumber 6100000002 -Reason KeyCompromise -Force",
            says: "Is refused when the authority issued no certificate with this number",
            expect: Expect::Fails(ErrorId::CertificateNotFound),
        },
    ],
    related: &["Set-CsCertificate", "Invoke-TlsRenewal", "Get-CertificationAuthority", "Deny-CertificateRequest"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

/// What is to be revoked, and by whom.
struct Target {
    authority: Arc<dyn Authority>,
    serial: String,
    stored: Option<(Fingerprint, CertificateRow)>,
    reason: &'static str,
    code: u8,
}

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let reason = choice(&args.need(&REASON, session)?, REASONS, "reason")?;
    let code = REASONS.iter().zip(0_u8..).find_map(|(known, code)| (*known == reason).then_some(code)).unwrap_or_default();
    let target = if let Some(selector) = args.get(&THUMBPRINT, session)? {
        let (fingerprint, row) = find_certificate(session, &selector)?;
        let authority = authority_of(session, args, &fingerprint, &row)?;
        Target { authority, serial: row.serial.clone(), stored: Some((fingerprint, row)), reason, code }
    } else {
        let authority = one_database(session, args)?;
        let serial = args.need(&SERIAL, session)?;
        let stored = stored_by_serial(session, &*authority, &serial)?;
        Target { authority, serial, stored, reason, code }
    };
    let force = args.on(&FORCE);
    if let Some((fingerprint, row)) = &target.stored {
        let replaces = args.on(&REPLACE);
        if replaces {
            replace(cx, *fingerprint, row, reason)?;
        }
        // Under `-WhatIf` it would have been replaced by now.
        let may_be_in_use = if replaces { cx.what_if() } else { force };
        if !may_be_in_use {
            check_unused(session, *fingerprint, row, reason)?;
        }
    }
    revoke(cx, &target, force)
}

/// Whom to ask about a stored certificate: the authority of `-CA`, else the one that was asked for it, else the embedded
/// one that bears the issuer's name.
fn authority_of(
    session: &Session,
    args: &Args,
    fingerprint: &Fingerprint,
    row: &CertificateRow,
) -> Result<Arc<dyn Authority>> {
    let wired = if let Some(config) = args.get(&CA, session)? {
        Some(session.authority(&config)?)
    } else {
        let asked = session.state()?.requests()?.into_iter().rfind(|r| r.certificate == Some(*fingerprint));
        asked.filter(|r| !r.ca.is_empty()).and_then(|r| session.authority(&r.ca).ok())
    };
    if let Some(authority) = wired.filter(|a| a.can_revoke() && a.as_database().is_none()) {
        return Ok(authority);
    }
    if !args.has(&CA)
        && let Some(authority) = session.embedded_issuer(&session.certificate_of(row)?)?
        && authority.as_database().is_some()
    {
        return Ok(authority);
    }
    let authority = one_database(session, args)?;
    check_issuer(session, &authority, &row.issuer)?;
    Ok(authority)
}

/// The stored certificate that an embedded authority issued under a number, where it is stored here.
fn stored_by_serial(
    session: &Session,
    authority: &dyn Authority,
    serial: &str,
) -> Result<Option<(Fingerprint, CertificateRow)>> {
    let Ok(number) = serial.parse::<SerialNumber>() else { return Ok(None) };
    let query = CertificateQuery { serial: Some(number.to_string()), ..CertificateQuery::default() };
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let Some(own) = authority.chain(&context)?.into_iter().next() else { return Ok(None) };
    let issuer = own.subject().to_string();
    Ok(state.certificates(&query)?.into_iter().find(|(_, row)| row.issuer == issuer))
}

/// Renews a certificate for all uses that share it; the new one must be wholly proven.
fn replace(cx: &mut Invocation<'_>, old: Fingerprint, row: &CertificateRow, reason: &str) -> Result<()> {
    let session = cx.session();
    let again = format!("then `Revoke-Certificate -Thumbprint {} -Reason {reason}`", row.thumbprint);
    let _lease = if cx.what_if() { None } else { Some(session.renewal_lease(SPEC.name, &cx.cancel())?) };
    for group in session.renewal_groups()?.into_iter().filter(|g| g.fingerprint == old) {
        let uses = group.uses().join(", ");
        match session.renew(&group, None, cx)? {
            Renewed::Not if cx.what_if() => {}
            Renewed::Not => return Err(Error::new(ErrorId::PolicyRefused, format!("{uses} was not renewed: nothing is revoked"))),
            Renewed::Pending(request) => {
                let number = request.request_id.map_or_else(|| request.id.to_string(), |id| id.to_string());
                let message = format!("the new certificate of {uses} waits at `{}` as request {number}: nothing is revoked", request.ca);
                return Err(Error::new(ErrorId::RequestPending, message).hint(format!("when it is decided: `Invoke-TlsRenewal`, {again}")));
            }
            Renewed::Deployed(new, receipt, _) => {
                say_proofs(cx, &receipt)?;
                if receipt.exit() != ExitCode::Done {
                    let message = format!(
                        "`{}` is deployed for {uses}, and that could not be wholly proven: `{}` is not revoked",
                        new.thumbprint(),
                        row.thumbprint
                    );
                    return Err(Error::new(ErrorId::PolicyRefused, message)
                        .exits(receipt.exit())
                        .hint(format!("`Test-TlsBinding` shows what is missing; {again}")));
                }
                cx.verbose(format!("{uses}: `{}` is proven to be served", new.thumbprint()))?;
            }
        }
    }
    Ok(())
}

/// Refuses a certificate that somebody is served with, or is to be.
fn check_unused(session: &Session, fingerprint: Fingerprint, row: &CertificateRow, reason: &str) -> Result<()> {
    let state = session.state()?;
    let mut serves: Vec<String> = Vec::new();
    for (key, assigned) in state.assignments()? {
        if assigned.certificate == Some(fingerprint) || assigned.staged.is_some_and(|(staged, _)| staged == fingerprint) {
            serves.push(format!("{} ({})", key.use_name, key.scope));
        }
    }
    if serves.is_empty() {
        let bound = state.bound()?.into_iter().filter(|(_, bound)| bound.certificate == fingerprint);
        serves.extend(bound.map(|(key, _)| format!("{} {}", key.site, key.information)));
    }
    if serves.is_empty() {
        return Ok(());
    }
    let shown = row.thumbprint.to_string();
    Err(Error::new(ErrorId::PolicyRefused, format!("certificate `{shown}` is in use: {}", serves.join(", ")))
        .about(shown.clone())
        .hint(format!("replace it first: `Revoke-Certificate -Thumbprint {shown} -Reason {reason} -Replace`")))
}

fn revoke(cx: &mut Invocation<'_>, target: &Target, force: bool) -> Result<()> {
    let (authority, reason) = (&target.authority, target.reason);
    let shown = format!("serial number {} at {} ({reason})", target.serial, authority.config());
    let change = json!([{"revoke": target.serial, "authority": authority.config(), "reason": reason}]);
    let done = if authority.as_database().is_some() {
        let ban = if reason == "KeyCompromise" { target.ban(reason) } else { None };
        decide(cx, &**authority, "Revoke the certificate", &shown, change, force, |database, context, principal| {
            let mut writes = database.revoke(context, principal, &target.serial, target.code)?;
            writes.extend(ban);
            Ok(writes)
        })?
    } else {
        revoke_across(cx, target, &shown, change, force)?
    };
    if !done && !cx.what_if() {
        cx.verbose(format!("nothing was changed: {shown}"))?;
    }
    Ok(())
}

/// Has an authority across a network revoke; nobody here publishes what it revoked, so that the certificate is banned
/// for every final reason.
fn revoke_across(
    cx: &mut Invocation<'_>,
    target: &Target,
    shown: &str,
    change: serde_json::Value,
    force: bool,
) -> Result<bool> {
    let session = cx.session();
    session.policy()?.check_change()?;
    let Some((fingerprint, row)) = &target.stored else { return Ok(false) };
    if cx.what_if() {
        cx.tell_what_if("Revoke the certificate", shown)?;
        return Ok(false);
    }
    if !(force || cx.confirm("Revoke the certificate", shown)?) {
        return Ok(false);
    }
    let certificate = session.certificate_of(row)?;
    let (state, keys) = (session.state()?, session.keys()?);
    let cancel = cx.cancel();
    let cancelled = || cancel.is_cancelled();
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &cancelled };
    target.authority.revoke_certificate(&context, &certificate, target.code)?;
    let mut writes: Vec<Write> = target.ban(&format!("revoked ({})", target.reason)).into_iter().collect();
    for request in state.requests()?.into_iter().filter(|r| r.certificate == Some(*fingerprint)) {
        let revoked = RequestRow { status: RequestStatus::Revoked, ..request.clone() };
        let key = RowKey::Request(request.id);
        writes.push(Write::replace(key, Some(Row::Request(request)), Some(Row::Request(revoked))));
    }
    session.record(SPEC.name, "Done", change, &writes)?;
    cx.verbose(format!("Revoke the certificate: {shown}"))?;
    Ok(true)
}

impl Target {
    /// The write that bans the certificate, where it is stored and not banned yet.
    fn ban(&self, why: &str) -> Option<Write> {
        let (fingerprint, row) = self.stored.as_ref()?;
        if row.banned.is_some() || self.reason == "CertificateHold" {
            return None;
        }
        let banned = CertificateRow { banned: Some(why.to_owned()), ..row.clone() };
        let key = RowKey::Certificate(*fingerprint);
        Some(Write::replace(key, Some(Row::Certificate(row.clone())), Some(Row::Certificate(banned))))
    }
}

/// Serial numbers are unique at one authority only: a stored certificate must be of the one that is asked.
fn check_issuer(session: &Session, authority: &Arc<dyn Authority>, issuer: &str) -> Result<()> {
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let chain = authority.chain(&context)?;
    match chain.first() {
        Some(own) if own.subject().to_string() == issuer => Ok(()),
        _ => Err(Error::new(
            ErrorId::CertificateNotFound,
            format!("the certificate was issued by `{issuer}`, not by the authority `{}` (0x80092004)", authority.config()),
        )
        .about(issuer)
        .hint("only who issued a certificate can revoke it; `Get-CertificationAuthority` lists the authorities")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::Right;
    use crate::cmdlets::ca::approve_certificate_request::tests::{CONFIG, OTHER, disposition, submit, world};
    use crate::cmdlets::testing::TestWorld;
    use crate::state::State;

    fn revoked(world: &TestWorld) -> Vec<u8> {
        let rows = world.session().state().unwrap().submissions(&CONFIG.to_ascii_lowercase(), None).unwrap();
        rows.into_iter().filter_map(|(_, row)| row.revoked.map(|(_, reason)| reason)).collect()
    }

    #[test]
    fn an_issued_certificate_is_revoked_once() {
        let (world, authority) = world(&[Right::Issue]);
        let (number, serial) = submit(&world, &authority, "WebServer", OTHER);
        let revoke = |reason: &str| world.run(&VERB, &[("SerialNumber", serial.as_str().into()), ("Reason", reason.into())]);
        revoke("certificatehold").emitted();
        assert_eq!((disposition(&world, number).0, revoked(&world)), (21, vec![6]));
        revoke("KeyCompromise").emitted();
        assert_eq!(revoked(&world), [1]);
        assert_eq!(world.state.audit_after(0, 10).unwrap().len(), 2);
        revoke("KeyCompromise").emitted();
        assert_eq!(world.state.audit_after(0, 10).unwrap().len(), 2);
        assert_eq!(revoke("CertificateHold").error().id(), ErrorId::PolicyRefused);
        assert_eq!(revoke("Boredom").error().id(), ErrorId::CannotConvertArgument);
        assert_eq!(revoked(&world), [1]);
    }

    #[test]
    fn a_stored_certificate_of_another_authority_is_refused() {
        let (world, _) = world(&[Right::Issue]);
        let done = world.run(&VERB, &[("Thumbprint", world.thumbprint("old").into()), ("Reason", "Superseded".into())]);
        let error = done.error();
        assert_eq!(error.id(), ErrorId::CertificateNotFound);
        assert!(error.message().contains("was issued by"), "{error}");
    }

    #[test]
    fn without_the_right_nothing_is_revoked() {
        let (world, authority) = world(&[Right::Read]);
        let (_, serial) = submit(&world, &authority, "WebServer", OTHER);
        let done = world.run(&VERB, &[("SerialNumber", serial.into()), ("Reason", "Superseded".into())]);
        assert_eq!(done.error().id(), ErrorId::CaAccessDenied);
        assert!(revoked(&world).is_empty());
    }
}
