//! `Get-CsCertificate`: what is assigned.

use crate::cmdlets::params::{CertTypes, IDENTITY, NETPORT_ID, REPORT, Scope, scope, warn_of_open_change};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::cmdlets::report::reported;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::Result;
use crate::session::GLOBAL;

static TYPE: Param<CertTypes> = Param::named("Type", "Only these uses");
static SCOPE: Param<String> = Param::named("Identity", IDENTITY.spec.help).at(0);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsCertificate",
    twin: Some("Get-TlsCertificate"),
    aliases: &[],
    functions: &["get_certificate"],
    synopsis: "List the certificates that are assigned on this computer",
    description: "Emits one record for each use, in the order of the uses. A certificate that serves three uses comes \
                  three times, with the same Thumbprint. Global assignments that this computer inherits are listed with \
                  SourceScope `Global`. Certificates that are stored and not assigned are not listed: \
                  `Find-TlsCertificate` shows them.\n\nWhere a certificate is staged, EffectiveDate is the moment at which it \
                  takes over, StagedThumbprint names it, and Staged says how long it is overdue.",
    sets: &[],
    parameters: &[&TYPE.spec, &SCOPE.spec, &NETPORT_ID.spec, &REPORT.spec],
    input: Input::None,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-CsCertificate", says: "Lists what is assigned, one record a use", expect: Expect::Emits(3) },
        Example {
            line: "Get-CsCertificate -Type WebServicesInternal",
            says: "Shows the certificate of one use",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsCertificate | Select-Object Use, SerialNumber, NotAfter | Sort-Object NotAfter",
            says: "Shows which certificate ends first",
            expect: Expect::Emits(3),
        },
    ],
    related: &["Set-CsCertificate", "Request-CsCertificate", "Find-TlsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, list)
}

fn list(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let types = args.get(&TYPE, session)?;
    let found = match scope(session, args.get(&SCOPE, session)?.as_deref())? {
        Scope::Unsaid => session.assigned(None)?,
        Scope::Computer(computer) => session.assigned(Some(&computer.as_str().to_ascii_lowercase()))?,
        Scope::Global => session.assigned(Some(GLOBAL))?,
    };
    warn_of_open_change(session, cx)?;
    for assigned in found {
        if types.as_ref().is_some_and(|t| !t.0.iter().any(|u| u.as_str() == assigned.key.use_name)) {
            continue;
        }
        let Some(reference) = CertificateReference::assigned(session, &assigned)? else { continue };
        if reference.is_vanished() {
            cx.warn(format!(
                "the certificate assigned to `{}` is not in the store any more: {}",
                assigned.key.use_name, reference.thumbprint
            ))?;
        }
        if let Some(late) = reference.overdue() {
            let text = format!(
                "the certificate staged for `{}` is {late}: `certlet serve` or `Invoke-TlsRenewal` lets it take over",
                assigned.key.use_name
            );
            cx.warn_as("StagedOverdue", text)?;
        }
        cx.emit(Value::object(reference))?;
    }
    Ok(())
}
