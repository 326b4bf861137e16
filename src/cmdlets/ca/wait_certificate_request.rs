//! `Wait-CertificateRequest`: wait until an authority has decided, and take what it issues.

use std::time::Duration;

use crate::cmdlets::lookup::{request_number, requests_named};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::session::Obtained;
use crate::state::{RequestRow, RequestStatus};

static REQUEST_ID: Param<i64> = Param::named("RequestId", "The number of a request made from here")
    .at(0)
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName);
static CA: Param<String> = Param::named("CA", "The authority, where several gave this number")
    .aliases(&["Config"])
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Authorities);
static TIMEOUT: Param<i64> = Param::named("Timeout", "So many seconds at most").default_text("until it is decided");

/// The wish to stop is looked at so often.
const SLICE: Duration = Duration::from_millis(50);
/// How long after an answer the next question comes, where the authority does not say: one in this home, one elsewhere.
const NEAR: Duration = Duration::from_secs(1);
const FAR: Duration = Duration::from_secs(30);
/// An authority that names a moment which is past is not asked in a tight circle.
const SHORTEST: Duration = Duration::from_millis(500);

pub(crate) static SPEC: Spec = Spec {
    name: "Wait-CertificateRequest",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Wait until a pending request is decided",
    description: "Asks the authority again and again, at the times that it names, until the request is issued or refused; what is \
                  issued is stored with its key, as `Request-CsCertificate -Retrieve` does. Ctrl-C and the time limit of the run \
                  end the waiting and lose nothing: the request stays pending.",
    sets: &[],
    parameters: &[&REQUEST_ID.spec, &CA.spec, &TIMEOUT.spec],
    input: Input::EachObject,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Wait-CertificateRequest -RequestId 7 -Timeout 600",
        says: "Is an error when no request of this number was made from here",
        expect: Expect::Fails(ErrorId::RequestNotFound),
    }],
    related: &["Request-CsCertificate", "Get-CertificateRequest", "Approve-CertificateRequest"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let limit = match args.get(&TIMEOUT, session)? {
        None => None,
        Some(seconds) => Some(Duration::from_secs(u64::try_from(seconds).map_err(|_| {
            Error::new(ErrorId::ParameterArgumentValidationError, "`-Timeout` is a number of seconds").about(seconds.to_string())
        })?)),
    };
    let wanted = args.need(&REQUEST_ID, session)?;
    let found = requests_named(session, args.get(&CA, session)?.as_deref(), Some(wanted))?;
    let Some(mut row) = found.into_iter().next() else { return Ok(()) };
    let number = request_number(&row);
    if row.ca.is_empty() {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("request {number} is a file, and nobody here can be asked about it"),
        )
        .about(number)
        .hint("its answer comes in with `Import-CsCertificate -Path FILE`"));
    }
    if cx.what_if() {
        return cx.tell_what_if("Wait for the request", &format!("{number} at {}", row.ca));
    }
    let clock = session.clock().clone();
    let begun = clock.elapsed();
    let cancel = cx.cancel();
    let has_passed = |limit: Duration| clock.elapsed().saturating_sub(begun) >= limit;
    loop {
        match row.status {
            RequestStatus::Denied => {
                let text = format!("request {number} was denied: {}", row.message);
                return cx.report_error(Error::new(ErrorId::RequestDenied, text).about(number));
            }
            RequestStatus::Revoked => {
                let text = format!("request {number} was revoked at `{}`", row.ca);
                return cx.report_error(Error::new(ErrorId::RequestRevoked, text).about(number));
            }
            RequestStatus::Issued => return issued(cx, &row),
            RequestStatus::Pending | RequestStatus::Submitting => {}
        }
        let is_near = session.authority(&row.ca)?.is_inside();
        row = match session.retrieve(row.clone(), None, &|| cancel.is_cancelled()) {
            Ok(Obtained::Issued(_, row)) => return issued(cx, &row),
            Ok(Obtained::Pending(row)) => row,
            Err(error) if matches!(error.id(), ErrorId::RequestDenied | ErrorId::RequestRevoked) => {
                return cx.report_error(error);
            }
            // It may answer again: a long wait does not end with a short outage.
            Err(error) if error.id() == ErrorId::CaUnreachable => {
                cx.verbose(error.message().to_owned())?;
                RequestRow { retry_at: None, ..row }
            }
            Err(error) => return Err(error),
        };
        cx.progress(format!("request {number} is pending at {}: {}", row.ca, row.message))?;
        let named = row.retry_at.map(|at| Duration::from_secs(u64::try_from(at.since(session.now())).unwrap_or(0)));
        let pause = named.map_or(if is_near { NEAR } else { FAR }, |named| named.max(SHORTEST));
        let asked = clock.elapsed();
        loop {
            cx.check_cancelled()?;
            if limit.is_some_and(has_passed) {
                let text = format!("request {number} is still pending at `{}`: {}", row.ca, row.message);
                return cx.report_error(Error::new(ErrorId::RequestPending, text).about(number));
            }
            let waited = clock.elapsed().saturating_sub(asked);
            if waited >= pause {
                break;
            }
            clock.sleep(SLICE.min(pause.saturating_sub(waited)));
        }
    }
}

fn issued(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    let session = cx.session();
    let Some(fingerprint) = row.certificate else { return Ok(()) };
    match session.stored(&fingerprint)? {
        Some(stored) => cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &stored)?)),
        None => cx.report_error(
            Error::new(ErrorId::CertificateNotFound, format!("the certificate of the request is no longer stored: `{fingerprint}`"))
                .about(fingerprint.to_string()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ca::{Embedded, Right};
    use crate::cmdlets::ca::approve_certificate_request::tests::{CONFIG, world_with};
    use crate::cmdlets::cs::request_cs_certificate;
    use crate::cmdlets::testing::TestWorld;
    use crate::state::State;

    /// A world with a request that waits for a manager, its number 41.
    fn pending() -> (TestWorld, Arc<Embedded>) {
        let rights = [Right::Read, Right::Enroll, Right::Issue];
        let (world, authority) = world_with(&rights, |settings| settings.permitted.push("contoso.com".into()));
        let asked = [
            ("New", true.into()),
            ("Type", "Default".into()),
            ("CA", CONFIG.into()),
            ("Template", "Approval".into()),
            ("KeyAlg", "ECDH_P256".into()),
        ];
        world.run(&request_cs_certificate::VERB, &asked).emitted();
        (world, authority)
    }

    #[test]
    fn waiting_ends_in_time_and_leaves_no_trace() {
        let (world, _) = pending();
        let before = world.state.audit_after(0, 50).unwrap().len();
        for wait in [0, 90] {
            let begun = world.session().clock().elapsed();
            let done = world.run(&VERB, &[("RequestId", 41.into()), ("Timeout", wait.into())]);
            assert_eq!(done.errors()[0].id(), ErrorId::RequestPending);
            assert!(done.emitted().is_empty());
            let waited = world.session().clock().elapsed().saturating_sub(begun);
            assert!(waited >= Duration::from_secs(wait as u64) && waited < Duration::from_secs(wait as u64 + 1), "{waited:?}");
        }
        assert_eq!(world.state.audit_after(0, 50).unwrap().len(), before, "a line in the log for each time it asked");
        let bad = world.run(&VERB, &[("RequestId", 41.into()), ("Timeout", (-1).into())]);
        assert_eq!(bad.error().id(), ErrorId::ParameterArgumentValidationError);
    }

    #[test]
    fn a_request_of_nobody_and_one_of_another_authority_are_refused() {
        let (world, _) = pending();
        assert_eq!(world.run(&VERB, &[("RequestId", 42.into())]).error().id(), ErrorId::RequestNotFound);
        let other = [("RequestId", 41.into()), ("CA", r"dc09\x".into())];
        assert_eq!(world.run(&VERB, &other).error().id(), ErrorId::CaUnreachable);
    }
}
