//! `Approve-CertificateRequest`: let an authority issue what waits for a manager.

use std::sync::Arc;

use serde_json::json;

use crate::ca::{Authority, Context, Database};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::session::Session;
use crate::state::Write;

/// `-RequestId`, for the verbs that decide about a request.
pub(super) static REQUEST_ID: Param<i64> =
    Param::named("RequestId", "The authority's number of the request").at(0).mandatory().from_pipeline(Pipeline::ByPropertyName);

/// `-CA`, for the verbs that act on one authority's database.
pub(super) static CA: Param<String> = Param::named("CA", "The authority as `host\\instance`; a short host name is enough")
    .aliases(&["Config"])
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Authorities)
    .default_text("the only embedded one");

/// `-CA`, for the verbs among these that read no pipeline.
pub(super) static ONE_CA: Param<String> = Param::named("CA", "The authority as `host\\instance`; a short host name is enough")
    .aliases(&["Config"])
    .values(Values::Authorities)
    .default_text("the only embedded one");

pub(crate) static SPEC: Spec = Spec {
    name: "Approve-CertificateRequest",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Approve a request that waits at an embedded authority",
    description: "Issues the certificate of a pending request. It needs the right `Issue` at the authority, and whoever asked \
                  cannot approve: that is for somebody else. The requester fetches the certificate with \
                  `Request-CsCertificate -Retrieve` or waits for it with `Wait-CertificateRequest`.\n\nThat is a guard rail \
                  between people who mean well and share this home, no boundary: whoever runs certlet here holds the \
                  authority's key.",
    sets: &[],
    parameters: &[&REQUEST_ID.spec, &CA.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Approve-CertificateRequest -RequestId 7",
            says: "Is refused when no request of this number is pending",
            expect: Expect::Fails(ErrorId::RequestNotFound),
        },
        Example {
            line: "Approve-CertificateRequest -RequestId 41 -CA dc01.contoso.net\\contoso-DC01-CA -WhatIf",
            says: "Shows what would be approved, and that it is not pending",
            expect: Expect::Fails(ErrorId::RequestNotFound),
        },
    ],
    related: &["Get-CertificateRequest", "Deny-CertificateRequest", "Revoke-Certificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let number = number(session, args)?;
    let authority = one_database(session, args)?;
    let target = format!("request {number} at {}", authority.config());
    let change = json!([{"approve": number, "authority": authority.config()}]);
    decide(cx, &*authority, "Approve the request", &target, change, false, |database, context, principal| {
        database.approve(context, principal, number)
    })?;
    Ok(())
}

/// The number of `-RequestId`.
///
/// # Errors
/// `RequestNotFound` for one that no authority gives.
pub(super) fn number(session: &Session, args: &Args) -> Result<u32> {
    let number = args.need(&REQUEST_ID, session)?;
    u32::try_from(number).map_err(|_| {
        Error::new(ErrorId::RequestNotFound, format!("`{number}` is no number of a request")).about(number.to_string())
    })
}

/// The authority of `-CA`, else the only one whose database is here.
///
/// # Errors
/// `CaConfigMalformed`, `CaUnreachable`; `CaNotSpecified` where there is none, or several and none is named;
/// `CaAccessDenied` for one across a network.
pub(super) fn one_database(session: &Session, args: &Args) -> Result<Arc<dyn Authority>> {
    if let Some(config) = args.get(&CA, session)? {
        let authority = session.authority(&config)?;
        if authority.as_database().is_some() {
            return Ok(authority);
        }
        return Err(Error::new(
            ErrorId::CaAccessDenied,
            format!("the database of `{}` is not here: its own tools decide about its requests", authority.config()),
        )
        .about(config)
        .hint("`Get-CertificationAuthority` shows which authorities are embedded"));
    }
    let mut known: Vec<Arc<dyn Authority>> =
        session.authorities()?.into_iter().filter(|a| a.as_database().is_some()).collect();
    let names: Vec<String> = known.iter().map(|a| format!("`{}`", a.config())).collect();
    match known.pop() {
        Some(only) if known.is_empty() => Ok(only),
        None => Err(Error::new(ErrorId::CaNotSpecified, "no embedded authority is configured")
            .hint("add a `[[ca]]` of the kind `embedded` to `certlet.toml`")),
        Some(_) => Err(Error::new(ErrorId::CaNotSpecified, "several embedded authorities are configured, and `-CA` names none")
            .hint(format!("name one: {}", names.join(", ")))),
    }
}

/// Carries a decision out: its rows are made first, so that a refusal comes under `-WhatIf` too; then it asks, unless
/// `force` is on, and writes. Tells whether anything was written.
///
/// # Errors
/// `CaAccessDenied`, `PolicyRefused` and what else the decision is refused with; `PlanStale` when somebody else decided
/// in between.
pub(super) fn decide(
    cx: &mut Invocation<'_>,
    authority: &dyn Authority,
    action: &str,
    target: &str,
    change: serde_json::Value,
    force: bool,
    decision: impl FnOnce(&dyn Database, &Context<'_>, &str) -> Result<Vec<Write>>,
) -> Result<bool> {
    let session = cx.session();
    let policy = session.policy()?;
    policy.check_change()?;
    let Some(database) = authority.as_database() else { return Ok(false) };
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let writes = decision(database, &context, &policy.principal)?;
    if cx.what_if() {
        cx.tell_what_if(action, target)?;
        return Ok(false);
    }
    if writes.is_empty() || !(force || cx.confirm(action, target)?) {
        return Ok(false);
    }
    session.record(cx.spec().name, "Done", change, &writes)?;
    cx.verbose(format!("{action}: {target}"))?;
    // What was revoked is told at once; that the list cannot be written takes nothing back.
    for list in session.publish_due_lists() {
        match list {
            Ok(list) => cx.verbose(format!("revocation list {} is in {}", list.number, list.file.display()))?,
            Err(error) => {
                let done = "what was decided stands; `Publish-CertificateRevocationList` writes the list when that is mended";
                cx.report_error(error.hint(done))?;
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
pub(in crate::cmdlets) mod tests {
    use super::*;
    use crate::ca::{Approval, Embedded, EmbeddedSettings, Parent, Progress, Right, Submission, Template};
    use crate::cmdlets::testing::{FakeAuthority, TestWorld};
    use crate::model::{AlternativeName, KeyAlgorithm, Purpose, parse_rdns};
    use crate::state::State;
    use crate::x509::{PrivateKey, RequestDetails, build_request};

    pub(in crate::cmdlets) const CONFIG: &str = r"dc01.contoso.net\contoso-DC01-CA";
    pub(in crate::cmdlets) const OPERATOR: &str = r"contoso\kenmyer";
    pub(in crate::cmdlets) const OTHER: &str = r"contoso\svc";

    /// A world with an embedded authority whose template `Approval` waits, and these rights of the operator.
    pub(in crate::cmdlets) fn world(rights: &[Right]) -> (TestWorld, Arc<Embedded>) {
        world_with(rights, |_| ())
    }

    /// The same with an authority that is declared otherwise.
    pub(in crate::cmdlets) fn world_with(
        rights: &[Right],
        change: impl FnOnce(&mut EmbeddedSettings),
    ) -> (TestWorld, Arc<Embedded>) {
        let enroll = vec![Right::Read, Right::Enroll];
        let mut settings = EmbeddedSettings {
                config: CONFIG.into(),
                subject: "CN=contoso-DC01-CA".into(),
                key: KeyAlgorithm::EcdsaP256,
                validity_days: 3650,
                next_request_id: 41,
                unconstrained: false,
                permitted: vec!["contoso.net".into()],
                permissions: Some(vec![(OPERATOR.into(), rights.to_vec()), (OTHER.into(), enroll)]),
                administrators: Vec::new(),
                accounts: Vec::new(),
                templates: vec![
                    Template::web_server(),
                    Template { name: "Approval".into(), approval: Approval::Manager, ..Template::web_server() },
                ],
                parent: Parent::Itself,
                crl: None,
        };
        change(&mut settings);
        let authority = Arc::new(Embedded::new(settings).unwrap());
        (TestWorld::contoso().with_authority(Arc::clone(&authority) as Arc<dyn Authority>), authority)
    }

    /// Hands a request in; its number, and the serial number where it was issued.
    pub(in crate::cmdlets) fn submit(world: &TestWorld, authority: &Embedded, template: &str, who: &str) -> (i64, String) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let details = RequestDetails {
            subject: parse_rdns("CN=a.contoso.net").unwrap(),
            alternative_names: vec![AlternativeName::host("a.contoso.net")],
            purposes: vec![Purpose::ServerAuth],
            ..RequestDetails::default()
        };
        let submission = Submission {
            csr: build_request(&key, &details).unwrap().der().to_vec(),
            is_own: false,
            template: template.into(),
            exportable: false,
            computer: "fe01.contoso.net".into(),
            requester: who.into(),
            account: None,
            replaces: None,
        };
        let session = world.session();
        let (state, keys) = (session.state().unwrap(), session.keys().unwrap());
        let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
        let answer = authority.begin(&context, &submission).unwrap();
        state.write(&answer.writes).unwrap();
        let serial = match &answer.progress {
            Progress::Issued(chain) => chain[0].serial().to_string(),
            _ => String::new(),
        };
        (answer.request_id.unwrap().into(), serial)
    }

    /// The disposition and message of a request in the authority's database.
    pub(in crate::cmdlets) fn disposition(world: &TestWorld, number: i64) -> (u8, String) {
        let rows = world.session().state().unwrap().submissions(&CONFIG.to_ascii_lowercase(), None).unwrap();
        let (_, row) = rows.into_iter().find(|(id, _)| i64::from(*id) == number).unwrap();
        (row.disposition, row.message)
    }

    #[test]
    fn somebody_elses_request_is_approved_once() {
        let (world, authority) = world(&[Right::Read, Right::Issue]);
        let (number, _) = submit(&world, &authority, "Approval", OTHER);
        assert_eq!(disposition(&world, number).0, 9);
        world.run(&VERB, &[("RequestId", number.into())]).emitted();
        let (code, message) = disposition(&world, number);
        assert_eq!(code, 20);
        assert!(message.contains(OPERATOR), "{message}");
        let lines = world.state.audit_after(0, 10).unwrap();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].line.contains("Approve-CertificateRequest") && lines[0].line.contains(r#""approve":41"#), "{}", lines[0].line);
        assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::RequestNotFound);
    }

    #[test]
    fn ones_own_request_is_refused() {
        let (world, authority) = world(&[Right::Read, Right::Enroll, Right::Issue]);
        let (number, _) = submit(&world, &authority, "Approval", OPERATOR);
        assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::PolicyRefused);
        assert_eq!(disposition(&world, number).0, 9);
        assert!(world.state.audit_after(0, 10).unwrap().is_empty());
    }

    #[test]
    fn without_the_right_nothing_is_decided() {
        let (world, authority) = world(&[Right::Read, Right::Enroll]);
        let (number, _) = submit(&world, &authority, "Approval", OTHER);
        assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::CaAccessDenied);
        assert_eq!(disposition(&world, number).0, 9);
        assert_eq!(world.run(&VERB, &[("RequestId", (-1).into())]).error().id(), ErrorId::RequestNotFound);
    }

    #[test]
    fn the_authority_must_be_an_embedded_one() {
        let (world, _) = world(&[Right::Issue]);
        let world = world.with_authority(Arc::new(FakeAuthority::remote(r"acme\shop")));
        let done = |ca: &str| world.run(&VERB, &[("RequestId", 41.into()), ("CA", ca.into())]).error().id();
        assert_eq!(done(r"acme\shop"), ErrorId::CaAccessDenied);
        assert_eq!(done(r"dc01\contoso-DC01-CA"), ErrorId::RequestNotFound);
        assert_eq!(TestWorld::contoso().run(&VERB, &[("RequestId", 41.into())]).error().id(), ErrorId::CaNotSpecified);
        let second = FakeAuthority::inside(r"dc02.contoso.net\other", &world.authority);
        let world = world.with_authority(Arc::new(second));
        let error = world.run(&VERB, &[("RequestId", 41.into())]).error();
        assert_eq!(error.id(), ErrorId::CaNotSpecified);
        assert!(error.hints()[0].contains(r"dc02.contoso.net\other"), "{:?}", error.hints());
    }
}
