//! Every finding provoked, one by one.

use std::sync::Arc;
use std::time::Duration;

use super::VERB;
use crate::cmdlets::testing::{COMPUTER, Done, NAMES, TestWorld, texts};
use crate::cmdlets::tls::test_tls_binding;
use crate::command::Value;
use crate::error::ExitCode;
use crate::model::{Moment, Slot};
use crate::probe::testing::Oddities;
use crate::state::{
    AssignmentKey, AssignmentRow, CertificateRow, NameWishes, RequestRow, RequestStatus, Row, RowKey, State, Write,
};

const DAY: u64 = 86_400;

/// What was found, as `Red Expired`, the gravest first.
#[track_caller]
fn found(done: Done) -> Vec<String> {
    let values = done.emitted();
    texts(&values, "State").into_iter().zip(texts(&values, "Check")).map(|(s, c)| format!("{s} {c}")).collect()
}

fn status(world: &TestWorld) -> Done {
    world.run(&VERB, &[])
}

#[track_caller]
fn has(world: &TestWorld, finding: &str) -> Value {
    let done = status(world);
    let exit = done.exit;
    let values = done.emitted();
    let shown: Vec<String> =
        texts(&values, "State").into_iter().zip(texts(&values, "Check")).map(|(s, c)| format!("{s} {c}")).collect();
    let at = shown.iter().position(|s| s == finding).unwrap_or_else(|| panic!("no `{finding}` in {shown:?}"));
    let is_red = shown.iter().any(|s| s.starts_with("Red"));
    assert_eq!(exit, if is_red { ExitCode::Failed } else { ExitCode::Done }, "{shown:?}");
    values[at].clone()
}

fn text(value: &Value, property: &str) -> String {
    texts(std::slice::from_ref(value), property).remove(0)
}

fn later(world: &TestWorld, days: u64) {
    world.session().clock().sleep(Duration::from_secs(days * DAY));
}

/// Proves every binding, so that nothing is left to be said of them.
fn proven() -> TestWorld {
    let world = TestWorld::contoso();
    world.run(&test_tls_binding::VERB, &[]).emitted();
    world
}

fn write(world: &TestWorld, key: RowKey, row: Row) {
    world.state.write(&[Write::put(key, row)]).unwrap();
}

fn assignment(world: &TestWorld, use_name: &str) -> (RowKey, AssignmentRow) {
    let key = RowKey::Assignment(AssignmentKey { scope: COMPUTER.into(), use_name: use_name.into(), slot: Slot::Any });
    let Some(Row::Assignment(row)) = world.state.row(&key).unwrap() else { panic!("nothing for {use_name}") };
    (key, row)
}

fn request(world: &TestWorld, status: RequestStatus, certificate: Option<&str>) -> RequestRow {
    RequestRow {
        id: 7,
        ca: r"dc01.contoso.net\contoso-DC01-CA".into(),
        request_id: Some(41),
        status,
        ticket: String::new(),
        csr: Vec::new(),
        key: world.leaf("old").key_id(),
        requester: String::new(),
        template: String::new(),
        uses: vec!["Default".into(), "WebServicesInternal".into(), "WebServicesExternal".into()],
        subject: String::new(),
        names: Vec::new(),
        friendly_name: String::new(),
        submitted: world.session().now(),
        retry_at: Some(Moment::from_unix(5_000_000_000)),
        message: "somebody must approve".into(),
        certificate: certificate.map(|name| world.leaf(name).fingerprint()),
        exportable: false,
        computer: COMPUTER.into(),
        replaces: None,
        wishes: NameWishes::default(),
    }
}

#[test]
fn when_all_is_well_it_is_green() {
    assert_eq!(found(status(&proven())), ["Green Well"]);
}

#[test]
fn what_was_never_proven_is_amber_and_a_look_mends_it() {
    let world = TestWorld::contoso();
    assert_eq!(found(status(&world)), ["Amber NotProven", "Amber NotProven", "Amber NotProven", "Green Well"]);
    assert_eq!(found(world.run(&VERB, &[("Probe", true.into())])), ["Green Well"]);
    // The look is remembered.
    assert_eq!(found(status(&world)), ["Green Well"]);
}

#[test]
fn a_proof_goes_stale() {
    let world = proven();
    // The proof itself takes its time.
    world.session().clock().sleep(Duration::from_secs(DAY - 3600));
    assert_eq!(found(status(&world)), ["Green Well"]);
    later(&world, 1);
    assert_eq!(found(status(&world))[0], "Amber ProofStale");
    // What nobody serves proves nothing.
    assert_eq!(text(&has(&world, "Amber ProofStale"), "Remedy"), "certlet serve");
    let _serves = world.state.lease(crate::servers::LISTENER_LEASE, "a test", Duration::ZERO).unwrap();
    assert!(text(&has(&world, "Amber ProofStale"), "Remedy").starts_with("Test-TlsBinding"));
}

#[test]
fn a_proof_that_was_contradicted_is_red_until_it_is_proven_again() {
    let world = proven().with("other", &NAMES).serving("127.0.0.1:4443", "other");
    // Nothing is connected to.
    assert_eq!(found(status(&world)), ["Green Well"]);
    let probed = world.run(&VERB, &[("Probe", true.into())]);
    assert_eq!(probed.exit, ExitCode::Failed);
    assert_eq!(found(probed), ["Red Contradicted", "Green Well"]);
    assert!(text(&has(&world, "Red Contradicted"), "What").contains("External"));
    let world = world.serving("127.0.0.1:4443", "old");
    world.run(&test_tls_binding::VERB, &[]).emitted();
    assert_eq!(found(status(&world)), ["Green Well"]);
}

#[test]
fn a_certificate_that_ends_is_amber_then_red_then_expired() {
    let world = TestWorld::contoso();
    // It lives 91 days, of which one is over.
    later(&world, 59);
    assert!(!found(status(&world)).iter().any(|f| f.ends_with("EndsSoon")));
    later(&world, 1);
    assert!(found(status(&world)).contains(&"Amber EndsSoon".to_owned()));
    assert_eq!(text(&has(&world, "Amber EndsSoon"), "Remedy"), "Invoke-TlsRenewal");
    later(&world, 24);
    has(&world, "Red EndsSoon");
    later(&world, 7);
    let expired = has(&world, "Red Expired");
    assert!(matches!(expired.property("By"), Some(Value::Moment(_))));
    assert!(text(&expired, "What").contains("WebServicesExternal"));
}

#[test]
fn what_cannot_be_served_with_is_red() {
    has(&TestWorld::contoso().vanished("old"), "Red Vanished");
    has(&TestWorld::contoso().without_key("old"), "Red NoKey");
    let world = TestWorld::contoso();
    let fingerprint = world.leaf("old").fingerprint();
    let row = world.session().stored(&fingerprint).unwrap().unwrap();
    let banned = CertificateRow { banned: Some("KeyCompromise".into()), ..row };
    write(&world, RowKey::Certificate(fingerprint), Row::Certificate(banned));
    let found = has(&world, "Red Banned");
    assert_eq!(text(&found, "Remedy"), "Invoke-TlsRenewal -Type Default,WebServicesInternal,WebServicesExternal");
    assert_eq!(text(&found, "Thumbprint"), world.thumbprint("old"));
}

#[test]
fn one_that_was_revoked_is_red() {
    use crate::cmdlets::ca::approve_certificate_request::tests as ca;
    let (world, authority) = ca::world(&[crate::ca::Right::Issue]);
    let (_, serial) = ca::submit(&world, &authority, "WebServer", ca::OTHER);
    // The certificate that the authority issued becomes that of a use.
    let rows = world.state.submissions(&ca::CONFIG.to_ascii_lowercase(), Some(&serial)).unwrap();
    let leaf = crate::x509::parse_certificate(&rows[0].1.certificate).unwrap();
    let now = world.session().now();
    let stored = CertificateRow::of(&leaf, crate::state::Store::My, "a test", now);
    write(&world, RowKey::Certificate(leaf.fingerprint()), Row::Certificate(stored));
    let key = crate::state::KeyRow {
        sealed: crate::state::Sealed(Vec::new()),
        exportable: false,
        added: now,
        quarantined_until: None,
    };
    write(&world, RowKey::Key(leaf.key_id()), Row::Key(key));
    let (key, row) = assignment(&world, "Default");
    write(&world, key, Row::Assignment(AssignmentRow { certificate: Some(leaf.fingerprint()), ..row }));
    assert!(!found(status(&world)).contains(&"Red Revoked".to_owned()));
    let session = world.session();
    let (state, keys) = (session.state().unwrap(), session.keys().unwrap());
    let cx = crate::ca::Context { state: &*state, keys: &*keys, now, cancelled: &|| false };
    let database = crate::ca::Authority::as_database(&*authority).unwrap();
    state.write(&database.revoke(&cx, ca::OPERATOR, &serial, 4).unwrap()).unwrap();
    assert_eq!(text(&has(&world, "Red Revoked"), "What"), "Default");
}

#[test]
fn what_is_to_take_over_is_told_and_told_when_it_is_overdue() {
    let world = proven().with("next", &NAMES);
    let (key, row) = assignment(&world, "Default");
    let next = world.leaf("next").fingerprint();
    let at = |seconds: i64| Some((next, world.session().now().plus_seconds(seconds)));
    write(&world, key.clone(), Row::Assignment(AssignmentRow { staged: at(3600), ..row.clone() }));
    // Nobody would let it take over: who looks for what is due does not run.
    assert_eq!(found(status(&world)), ["Amber NobodyPromotes", "Green Well", "Green Staged"]);
    world.run(&crate::cmdlets::tls::invoke_tls_renewal::VERB, &[]).emitted();
    assert_eq!(found(status(&world)), ["Green Well", "Green Staged"]);
    write(&world, key, Row::Assignment(AssignmentRow { staged: at(-3600), ..row }));
    has(&world, "Amber StagedOverdue");
    let world = world.without_key("next");
    has(&world, "Red StagedUnfit");
    later(&world, 2);
    has(&world, "Amber NobodyPromotes");
}

#[test]
fn a_change_that_was_cut_off_is_red_and_one_under_way_is_not() {
    let world = proven();
    world.state.open(world.session().now(), "test", "{}").unwrap();
    assert_eq!(text(&has(&world, "Red OpenChange"), "Remedy"), "certlet recover");
    let lease = world.state.lease("change", "somebody", Duration::ZERO).unwrap();
    assert_eq!(found(status(&world)), ["Green Well"]);
    drop(lease);
}

#[test]
fn bindings_that_are_not_as_assigned() {
    has(&proven().unbound("*:4443:"), "Red NotBound");
    has(&proven().with("other", &NAMES).bound("*:4443:", "other"), "Red OtherBound");
    has(&proven().unassigned("WebServicesExternal"), "Amber NothingAssigned");
    has(&proven().without_site("Lync Server External Web Site"), "Amber NoBinding");
    has(&proven().binding("*:4443:", |b| b.endpoints.clear()), "Amber NoEndpoint");
    // What the operator has declared needs nobody.
    let declared = TestWorld::contoso().binding("*:4443:", |b| b.prove = Some(Vec::new()));
    assert_eq!(found(status(&declared)), ["Amber NotProven", "Amber NotProven", "Green Well"]);
    let stopped = TestWorld::contoso().stopped("Lync Server External Web Site");
    assert_eq!(found(status(&stopped)), ["Amber NotProven", "Amber NotProven", "Green Well"]);
}

#[test]
fn requests_that_wait() {
    let world = proven();
    write(&world, RowKey::Request(7), Row::Request(request(&world, RequestStatus::Pending, None)));
    let pending = has(&world, "Amber RequestPending");
    assert_eq!(text(&pending, "Remedy"), "Request-CsCertificate -Retrieve -RequestId 41");
    assert!(matches!(pending.property("By"), Some(Value::Moment(_))));
    let cut_off = RequestRow { request_id: None, ..request(&world, RequestStatus::Submitting, None) };
    write(&world, RowKey::Request(7), Row::Request(cut_off));
    assert_eq!(text(&has(&world, "Amber RequestCutOff"), "Remedy"), "Request-CsCertificate -Retrieve -RequestId 7");
    write(&world, RowKey::Request(7), Row::Request(request(&world, RequestStatus::Denied, None)));
    assert_eq!(found(status(&world)), ["Green Well"]);
}

#[test]
fn what_was_issued_and_is_not_deployed() {
    let world = proven();
    later(&world, 1);
    // It ends one second later than the old one, or more.
    let world = world.with_odd("new", &NAMES, &Oddities { rsa: true, ..Oddities::default() });
    let (old, new) = (world.leaf("old").fingerprint(), world.leaf("new").fingerprint());
    let row = world.session().stored(&old).unwrap().unwrap();
    write(
        &world,
        RowKey::Certificate(old),
        Row::Certificate(CertificateRow { not_after: row.not_after.plus_days(-1), ..row }),
    );
    write(&world, RowKey::Request(7), Row::Request(request(&world, RequestStatus::Issued, Some("new"))));
    let remedy = text(&has(&world, "Amber NotDeployed"), "Remedy");
    let thumbprint = world.thumbprint("new");
    assert_eq!(
        remedy,
        format!("Set-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal -Thumbprint {thumbprint}")
    );
    // One that was taken away again is not waiting.
    let (key, row) = assignment(&world, "Default");
    write(&world, key, Row::Assignment(AssignmentRow { previous: Some(new), ..row }));
    assert!(!found(status(&world)).contains(&"Amber NotDeployed".to_owned()));
}

#[test]
fn an_authority_that_ends() {
    use crate::cmdlets::testing::FakeAuthority;
    let world = proven();
    let authority = FakeAuthority::inside(r"dc01.contoso.net\contoso-DC01-CA", &world.authority);
    let world = world.with_authority(Arc::new(authority));
    // It lives from 400 days ago to 400 days ahead.
    assert_eq!(found(status(&world)), ["Green Well"]);
    later(&world, 280);
    has(&world, "Amber AuthorityEnds");
    later(&world, 130);
    has(&world, "Red AuthorityEnds");
}
