//! `Deny-CertificateRequest`: turn down what waits for a manager.

use serde_json::json;

use super::approve_certificate_request::{CA, REQUEST_ID, decide, number, one_database};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Verb};
use crate::error::{ErrorId, Result};

static REASON: Param<String> = Param::named("Reason", "Why, in a sentence that the requester sees");

pub(crate) static SPEC: Spec = Spec {
    name: "Deny-CertificateRequest",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Deny a request that waits at an embedded authority",
    description: "Closes a pending request without a certificate. It needs the right `Issue` at the authority; one's own request \
                  may be denied too. The requester is told with the next `Request-CsCertificate -Retrieve`.",
    sets: &[],
    parameters: &[&REQUEST_ID.spec, &CA.spec, &REASON.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[Example {
        line: "Deny-CertificateRequest -RequestId 7 -Reason \"the name is another department's\"",
        says: "Is refused when no request of this number is pending",
        expect: Expect::Fails(ErrorId::RequestNotFound),
    }],
    related: &["Approve-CertificateRequest", "Revoke-Certificate", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let number = number(session, args)?;
    let reason = args.get(&REASON, session)?.unwrap_or_default();
    let authority = one_database(session, args)?;
    let target = format!("request {number} at {}", authority.config());
    let change = json!([{"deny": number, "authority": authority.config(), "reason": reason}]);
    decide(cx, &*authority, "Deny the request", &target, change, false, |database, context, principal| {
        database.deny(context, principal, number, &reason)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::Right;
    use crate::cmdlets::ca::approve_certificate_request::tests::{OTHER, disposition, submit, world};
    use crate::state::State;

    #[test]
    fn a_denied_request_bears_its_reason() {
        let (world, authority) = world(&[Right::Issue]);
        let (number, _) = submit(&world, &authority, "Approval", OTHER);
        world.run(&VERB, &[("RequestId", number.into()), ("Reason", "not ours".into())]).emitted();
        let (code, message) = disposition(&world, number);
        assert_eq!(code, 31);
        assert!(message.contains("not ours"), "{message}");
        assert!(world.state.audit_after(0, 10).unwrap()[0].line.contains(r#""reason":"not ours""#));
        assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::RequestNotFound);
    }

    #[test]
    fn without_the_right_nothing_is_decided() {
        let (world, authority) = world(&[Right::Read]);
        let (number, _) = submit(&world, &authority, "Approval", OTHER);
        assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::CaAccessDenied);
        assert_eq!(disposition(&world, number).0, 9);
    }
}
