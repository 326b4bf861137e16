//! `Submit-CertificateRequest`: hand a request file of somebody else's key in at an embedded authority.

use serde_json::json;

use super::approve_certificate_request::{ONE_CA, one_database};
use super::get_certificate_request::{SUBMITTED_REQUEST, Submitted};
use crate::ca::{Answer, Authority, Context, Progress, Submission};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::session::{Artefact, Session, read_artefact};
use crate::x509::read_request;

static PATH: Param<String> = Param::named("Path", "The request file: PKCS#10, PEM or DER")
    .at(0)
    .aliases(&["FilePath"])
    .mandatory()
    .values(Values::Files);
static TEMPLATE: Param<String> =
    Param::named("Template", "The template's name, not its display name").default_text("WebServer");
static COMPUTER: Param<String> =
    Param::named("ComputerFqdn", "The computer it is for, where the template builds the subject from the directory");
static OUTPUT: Param<String> =
    Param::named("Output", "Write what is issued to this file: PEM, with every certificate above it").values(Values::Files);

pub(crate) static SPEC: Spec = Spec {
    name: "Submit-CertificateRequest",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Hand a request file in at an embedded authority",
    description: "The authority's side of a request file whose key is elsewhere: another computer's, an appliance's, or another \
                  authority's. It needs the rights `Read` and `Enroll`, and the template decides as for any request; what is \
                  issued goes into the file of -Output, nothing into the store.\n\nA template with `authority = true` signs the \
                  request of an authority below (`Request-CACertificate` writes one): path length 0, its name constraints \
                  inside those of the authority that signs. So an offline root is a home on a machine without network: \
                  carry the request there, and the answer back to `Install-CACertificate`.\n\nA request that waits for approval is \
                  fetched later: `Get-CertificateRequest -RequestId N | Select-Object -ExpandProperty CertificateChain`.",
    sets: &[],
    parameters: &[&PATH.spec, &TEMPLATE.spec, &COMPUTER.spec, &ONE_CA.spec, &OUTPUT.spec],
    input: Input::None,
    emits: Some(&SUBMITTED_REQUEST),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Submit-CertificateRequest -Path C:\\Certificates\\appliance.csr -Output C:\\Certificates\\appliance.cer",
        says: "Is an error when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Get-CertificateRequest", "Install-CACertificate", "Get-CATemplate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let policy = session.policy()?;
    policy.check_change()?;
    let shown = args.need(&PATH, session)?;
    let request = read_request(&read_artefact(&session.resolve_path(&shown)?, &shown)?).map_err(|e| e.about(&shown))?;
    let authority = one_database(session, args)?;
    let submission = Submission {
        csr: request.der().to_vec(),
        is_own: false,
        template: args.get(&TEMPLATE, session)?.unwrap_or_else(|| "WebServer".into()),
        exportable: false,
        computer: args.get(&COMPUTER, session)?.unwrap_or_default(),
        requester: policy.principal,
        account: None,
        replaces: None,
    };
    let target = format!("{} at {} by `{}`", request.subject(), authority.config(), submission.template);
    if cx.what_if() {
        return cx.tell_what_if("Hand the request in", &target);
    }
    if !cx.confirm("Hand the request in", &target)? {
        return Ok(());
    }
    let output = args.get(&OUTPUT, session)?;
    let file = match &output {
        Some(shown) => Some(Artefact::create(&session.resolve_path(shown)?, shown)?),
        None => None,
    };
    let answer = hand_in(session, &*authority, &submission)?;
    let number = answer.request_id.unwrap_or_default();
    if let Progress::Denied(error) = answer.progress {
        return Err(error);
    }
    let Some(entry) = Submitted::of(session, &*authority, Some(number.into()))?.pop() else { return Ok(()) };
    match (entry.bundle(), file) {
        (Some(bundle), Some(file)) => {
            let path = file.finish(bundle.as_bytes(), false)?;
            cx.verbose(format!("the certificate and those above it are in {}", path.display()))?;
        }
        (None, _) => cx.warn_as(
            ErrorId::RequestPending.name(),
            format!(
                "request {number} is pending at `{}`: {}; `Get-CertificateRequest -RequestId {number}` shows what becomes of it",
                authority.config(),
                answer.message
            ),
        )?,
        (Some(_), None) => {}
    }
    cx.emit(Value::object(entry))
}

/// Hands in and writes what came back in one transaction; another request may take the number in between.
fn hand_in(session: &Session, authority: &dyn Authority, submission: &Submission) -> Result<Answer> {
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    for _ in 0..64 {
        let answer = authority.begin(&context, submission)?;
        let outcome = match &answer.progress {
            Progress::Issued(_) => "Issued",
            Progress::Denied(_) => "Denied",
            _ => "Pending",
        };
        let change = json!([{
            "requestId": answer.request_id, "ca": authority.config(), "template": submission.template,
            "certificate": match &answer.progress {
                Progress::Issued(chain) => chain.first().map(|leaf| leaf.fingerprint().to_string()),
                _ => None,
            },
        }]);
        match session.record(SPEC.name, outcome, change, &answer.writes) {
            Ok(()) => return Ok(answer),
            Err(error) if error.id() == ErrorId::PlanStale => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorId::Busy, format!("`{}` is busy with other requests", authority.config())))
}
