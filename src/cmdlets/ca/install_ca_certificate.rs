//! `Install-CACertificate`: take what a parent signed as an embedded authority's own certificate.

use serde_json::json;

use super::approve_certificate_request::{ONE_CA, one_database};
use super::get_certification_authority::{CERTIFICATION_AUTHORITY, Shown};
use crate::ca::Context;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::ChainTo;
use crate::session::read_artefact;
use crate::x509::read_any;

static PATH: Param<String> = Param::named("Path", "The parent's answer: PEM, DER or P7B, best with every certificate above it")
    .at(0)
    .aliases(&["FilePath"])
    .mandatory()
    .values(Values::Files);

pub(crate) static SPEC: Spec = Spec {
    name: "Install-CACertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Take the certificate that a parent signed for an embedded authority",
    description: "For an embedded authority with `parent = \"offline\"`. The file must hold a certificate for the authority's key \
                  and name that is in date and may sign certificates; the certificates above it, up to a root, are taken from \
                  the same file or from `[trust] roots`. A root that comes with the file is trusted in this home from then on: \
                  -Confirm names it.",
    sets: &[],
    parameters: &[&PATH.spec, &ONE_CA.spec],
    input: Input::None,
    emits: Some(&CERTIFICATION_AUTHORITY),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Install-CACertificate -Path C:\\Certificates\\ca.cer",
        says: "Is an error when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Request-CACertificate", "Get-CertificationAuthority", "Test-CertificationAuthority"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let policy = session.policy()?;
    policy.check_change()?;
    let shown = args.need(&PATH, session)?;
    let found = read_any(&read_artefact(&session.resolve_path(&shown)?, &shown)?, None).map_err(|e| e.about(&shown))?;
    if found.certificates().is_empty() {
        let error = Error::new(ErrorId::BadCertificateFile, format!("`{shown}` holds no certificate")).about(shown);
        return Err(match found.requests() {
            [] => error,
            _ => error.hint("it holds a request: hand it to the parent, and install what that gives back"),
        });
    }
    let authority = one_database(session, args)?;
    let Some(database) = authority.as_database() else { return Ok(()) };
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let roots = session.roots(&ChainTo::Configured)?;
    let (path, writes) = database.install_own(&context, &policy.principal, found.certificates(), &roots)?;
    let (Some(own), Some(root)) = (path.first(), path.last()) else { return Ok(()) };
    let target = format!(
        "{}: `{}` until {}, below the root `{}` (SHA-256 {})",
        authority.config(),
        own.thumbprint(),
        own.not_after().in_zone(&session.zone()),
        root.subject(),
        root.fingerprint()
    );
    if cx.what_if() {
        return cx.tell_what_if("Install the authority's certificate", &target);
    }
    if !writes.is_empty() {
        if !cx.confirm("Install the authority's certificate", &target)? {
            return Ok(());
        }
        let change = json!([{
            "caCertificate": own.fingerprint().to_string(), "root": root.fingerprint().to_string(),
            "authority": authority.config(),
        }]);
        session.record(SPEC.name, "Done", change, &writes)?;
    }
    cx.verbose(target)?;
    for caution in authority.warnings(&context)? {
        cx.warn(caution)?;
    }
    cx.emit(Value::object(Shown::of(session, &*authority)?))
}
