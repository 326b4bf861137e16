//! `Update-CACertificate`: renew an embedded root's own certificate with the same key.

use serde_json::json;

use super::approve_certificate_request::{ONE_CA, one_database};
use super::get_certification_authority::{CERTIFICATION_AUTHORITY, Shown};
use crate::ca::Context;
use crate::cmdlets::params::FORCE;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

pub(crate) static SPEC: Spec = Spec {
    name: "Update-CACertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Renew the certificate of an embedded root, with the same key",
    description: "An authority's name constraints, usages and path length are fixed in its certificate, from the configuration of \
                  the day on which it was made. This makes that certificate anew, with the same key and name, from the \
                  configuration of today, and for a new term: certificates that it issued chain to it as before.\n\nThis home \
                  trusts the new certificate at once. Clients elsewhere take what lies inside the old constraints as before, \
                  and need the new certificate for names that are new, and after the old one has ended. Constraints that \
                  would leave out certificates which still run are refused; -Force lifts that.\n\nAn authority whose parent is \
                  elsewhere asks that one: `Request-CACertificate`.",
    sets: &[],
    parameters: &[&ONE_CA.spec, &FORCE.spec],
    input: Input::None,
    emits: Some(&CERTIFICATION_AUTHORITY),
    changes: Impact::High,
    examples: &[
        Example {
            line: "Update-CACertificate -CA dc01.contoso.net\\contoso-DC01-CA -Force",
            says: "Renews the certificate of an authority, with the names that the topology has now",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Update-CACertificate -CA dc09\\Nobody",
            says: "Is an error for an authority that is not configured",
            expect: Expect::Fails(ErrorId::CaUnreachable),
        },
    ],
    related: &["Get-CertificationAuthority", "Request-CACertificate", "Test-CertificationAuthority"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let policy = session.policy()?;
    policy.check_change()?;
    let authority = one_database(session, args)?;
    let Some(database) = authority.as_database() else { return Ok(()) };
    let force = args.on(&FORCE);
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let old = authority.chain(&context)?.first().map(|own| own.fingerprint().to_string());
    let (certificate, writes) = database.renew_own(&context, &policy.principal, force)?;
    let target = format!("{} until {}", authority.config(), certificate.not_after().in_zone(&session.zone()));
    if cx.what_if() {
        return cx.tell_what_if("Renew the authority's certificate", &target);
    }
    if !force && !cx.confirm("Renew the authority's certificate", &target)? {
        return Ok(());
    }
    let change = json!([{
        "caCertificate": certificate.fingerprint().to_string(), "before": old, "authority": authority.config(),
    }]);
    session.record(SPEC.name, "Done", change, &writes)?;
    cx.verbose(format!("give clients the new root: `{}` (SHA-256 {})", certificate.thumbprint(), certificate.fingerprint()))?;
    for caution in authority.warnings(&context)? {
        cx.warn(caution)?;
    }
    cx.emit(Value::object(Shown::of(session, &*authority)?))
}
