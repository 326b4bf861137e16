//! `Revoke-Certificate`: tell the authority that a certificate is no longer good.

use std::sync::Arc;

use serde_json::json;

use super::approve_certificate_request::{CA, decide, one_database};
use crate::ca::Authority;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Values, Verb, choice};
use crate::cmdlets::params::FORCE;
use crate::error::{Error, ErrorId, Result};
use crate::model::CertificateSelector;
use crate::session::{Session, find_certificate};

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

pub(crate) static SPEC: Spec = Spec {
    name: "Revoke-Certificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Revoke a certificate at the embedded authority that issued it",
    description: "Marks the certificate as revoked in the database of the authority; it needs the right `Issue` there. Bindings \
                  and assignments are left as they are: put another certificate there first. A second time with the same reason \
                  changes nothing.",
    sets: &["Thumbprint", "SerialNumber"],
    parameters: &[&THUMBPRINT.spec, &SERIAL.spec, &CA.spec, &REASON.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::High,
    examples: &[
        Example {
            line: "Get-CsCertificate -Type Default | Revoke-Certificate -Reason Superseded -Force",
            says: "Revokes the certificate of a use without asking",
            expect: Expect::Changes(0),
        },
        Example {
            line: "Revoke-Certificate -SerialNumber 6100000002 -Reason KeyCompromise -Force",
            says: "Is refused when the authority issued no certificate with this number",
            expect: Expect::Fails(ErrorId::CertificateNotFound),
        },
    ],
    related: &["Set-CsCertificate", "Get-CertificationAuthority", "Deny-CertificateRequest"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let word = choice(&args.need(&REASON, session)?, REASONS, "reason")?;
    let reason = REASONS.iter().zip(0_u8..).find_map(|(known, code)| (*known == word).then_some(code)).unwrap_or_default();
    let (serial, issuer) = match args.get(&THUMBPRINT, session)? {
        Some(selector) => {
            let (_, row) = find_certificate(session, &selector)?;
            (row.serial, Some(row.issuer))
        }
        None => (args.need(&SERIAL, session)?, None),
    };
    let authority = one_database(session, args)?;
    if let Some(issuer) = issuer {
        check_issuer(session, &authority, &issuer)?;
    }
    let force = args.on(&FORCE);
    let target = format!("serial number {serial} at {} ({word})", authority.config());
    let change = json!([{"revoke": serial, "authority": authority.config(), "reason": word}]);
    let done = decide(cx, &*authority, "Revoke the certificate", &target, change, force, |database, context, principal| {
        database.revoke(context, principal, &serial, reason)
    })?;
    if !done && !cx.what_if() {
        cx.verbose(format!("nothing was changed: {target}"))?;
    }
    Ok(())
}

/// Serial numbers are unique at one authority only: a stored certificate must be of the one that is asked.
fn check_issuer(session: &Session, authority: &Arc<dyn Authority>, issuer: &str) -> Result<()> {
    let (state, keys) = (session.state()?, session.keys()?);
    let context = crate::ca::Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
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
