//! Staged certificates and their takeover, on a sample world whose clock the test moves on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::Home;
use super::home_tests::{TestHost, call, sample_session};
use crate::command::{Impact, Input, Invocation, Spec, Value};
use crate::error::ErrorId;
use crate::model::{Clock, Moment, Zone};
use crate::session::{Promotion, Session, SystemClock, World};
use crate::state::{CertificateRow, Row, RowKey, Write};

const EXTERNAL: &str = "WebServicesExternal";

/// The clock of the system, moved on by the test.
struct Shifted {
    clock: SystemClock,
    seconds: AtomicI64,
}

impl Clock for Shifted {
    fn now(&self) -> Moment {
        self.clock.now().plus_seconds(self.seconds.load(Ordering::Relaxed))
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn sleep(&self, time: Duration) {
        self.clock.sleep(time);
    }
}

struct Staged {
    session: Session,
    clock: Arc<Shifted>,
    _home: Arc<Home>,
}

static SPEC: Spec = Spec {
    name: "Invoke-Promotion",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "",
    description: "",
    sets: &[],
    parameters: &[],
    input: Input::None,
    emits: None,
    changes: Impact::Medium,
    examples: &[],
    related: &[],
};

impl Staged {
    fn new(folder: &Path) -> Self {
        let (home, _) = sample_session(folder);
        let clock = Arc::new(Shifted { clock: SystemClock::default(), seconds: AtomicI64::new(0) });
        let session = Session::of(Arc::clone(&home) as Arc<dyn World>, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { session, clock, _home: home }
    }

    fn pass(&self, days: i64, seconds: i64) {
        self.clock.seconds.fetch_add(days * 86_400 + seconds, Ordering::Relaxed);
    }

    fn request(&self) -> String {
        let arguments = [("New", Value::Bool(true)), ("Type", EXTERNAL.into()), ("KeyAlg", "ECDH_P256".into())];
        let (host, outcome) = call(&self.session, "Request-CsCertificate", "ByNew", &arguments);
        outcome.unwrap();
        self.text(&host.emitted[0], "Thumbprint")
    }

    /// Stages a certificate for the external web services, in so many days; what was said.
    #[track_caller]
    fn stage(&self, thumbprint: &str, days: i64) -> TestHost {
        let date = self.session.now().plus_days(days);
        let arguments = [
            ("Type", EXTERNAL.into()),
            ("Thumbprint", thumbprint.into()),
            ("Roll", Value::Bool(true)),
            ("EffectiveDate", date.into()),
        ];
        let (host, outcome) = call(&self.session, "Set-CsCertificate", "Thumbprint", &arguments);
        outcome.unwrap();
        host
    }

    fn promote(&self) -> Vec<Promotion> {
        let mut host = TestHost::default();
        self.session.promote_due(&mut Invocation::new(&SPEC, &self.session, &mut host)).unwrap()
    }

    /// What the view says of a use.
    fn record(&self) -> Value {
        let (host, outcome) = call(&self.session, "Get-CsCertificate", "", &[("Type", EXTERNAL.into())]);
        outcome.unwrap();
        host.emitted[0].clone()
    }

    fn text(&self, record: &Value, property: &str) -> String {
        record.property(property).unwrap().display(&self.session.zone())
    }

    fn ban(&self, thumbprint: &str, banned: Option<&str>) {
        let (key, row) = crate::session::find_certificate(&self.session, &thumbprint.parse().unwrap()).unwrap();
        let row = CertificateRow { banned: banned.map(str::to_owned), ..row };
        self.session.state().unwrap().write(&[Write::put(RowKey::Certificate(key), Row::Certificate(row))]).unwrap();
    }
}

#[test]
fn what_is_staged_takes_over_when_it_is_due_and_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let world = Staged::new(folder.path());
    let old = world.text(&world.record(), "Thumbprint");
    let new = world.request();
    world.stage(&new, 7);
    let seen = |record: &Value| {
        (
            world.text(record, "Thumbprint"),
            world.text(record, "PreviousThumbprint"),
            world.text(record, "StagedThumbprint"),
        )
    };
    assert_eq!(seen(&world.record()), (old.clone(), String::new(), new.clone()));
    assert!(!world.text(&world.record(), "EffectiveDate").is_empty());

    world.pass(6, 0);
    assert!(world.promote().is_empty(), "it is not due");
    assert!(!world.text(&world.record(), "Staged").contains("overdue"));
    world.pass(1, 7200);
    assert!(world.text(&world.record(), "Staged").contains("overdue by 02:00:"), "{:?}", world.record());

    let promotions = world.promote();
    assert_eq!(promotions.len(), 1, "{promotions:?}");
    let receipt = promotions[0].outcome.as_ref().unwrap();
    assert!(receipt.changed && receipt.proofs.len() == 1, "{receipt:?}");
    assert_eq!(receipt.proofs[0].verdict, crate::model::Verdict::Proven, "{receipt:?}");
    assert_eq!(seen(&world.record()), (new.clone(), old.clone(), String::new()));
    assert!(world.text(&world.record(), "EffectiveDate").is_empty());
    assert!(world.promote().is_empty(), "nothing is due any more");

    let arguments = [("Type", EXTERNAL.into()), ("Previous", Value::Bool(true))];
    call(&world.session, "Remove-CsCertificate", "", &arguments).1.unwrap();
    assert_eq!(seen(&world.record()), (new, String::new(), String::new()));
}

#[test]
fn what_does_not_come_through_stays_staged_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let world = Staged::new(folder.path());
    let old = world.text(&world.record(), "Thumbprint");
    let new = world.request();
    world.stage(&new, 1);
    world.ban(&new, Some("a test"));
    world.pass(2, 0);
    let promotions = world.promote();
    assert_eq!(promotions[0].outcome.as_ref().unwrap_err().id(), ErrorId::CertificateBanned);
    let record = world.record();
    assert_eq!((world.text(&record, "Thumbprint"), world.text(&record, "StagedThumbprint")), (old, new.clone()));
    // Once it is mended the next look lets it take over.
    world.ban(&new, None);
    assert!(world.promote()[0].outcome.is_ok());
    assert_eq!(world.text(&world.record(), "Thumbprint"), new);
}

#[test]
fn staging_warns_unless_somebody_promotes() {
    let folder = tempfile::tempdir().unwrap();
    let world = Staged::new(folder.path());
    let new = world.request();
    let warns = |host: &TestHost| host.said.iter().any(|line| line.contains("none takes over by itself"));
    assert!(warns(&world.stage(&new, 7)), "nobody ever looked");
    world.promote();
    world.pass(0, 23 * 3600);
    assert!(!warns(&world.stage(&new, 6)), "somebody looked today");
    world.pass(0, 2 * 3600);
    assert!(warns(&world.stage(&new, 5)), "that was yesterday");
}

#[test]
fn certificates_staged_apart_take_over_apart() {
    let folder = tempfile::tempdir().unwrap();
    let world = Staged::new(folder.path());
    let good = world.request();
    world.stage(&good, 2);
    let arguments = [("New", Value::Bool(true)), ("Type", "Default".into()), ("KeyAlg", "ECDH_P256".into())];
    let (host, outcome) = call(&world.session, "Request-CsCertificate", "ByNew", &arguments);
    outcome.unwrap();
    let bad = world.text(&host.emitted[0], "Thumbprint");
    let date = world.session.now().plus_days(1);
    let arguments = [("Type", "Default".into()), ("Thumbprint", bad.as_str().into()), ("EffectiveDate", date.into())];
    call(&world.session, "Set-CsCertificate", "Thumbprint", &arguments).1.unwrap();
    world.ban(&bad, Some("a test"));
    world.pass(3, 0);
    let outcomes: Vec<bool> = world.promote().iter().map(|p| p.outcome.is_ok()).collect();
    assert_eq!(outcomes, [false, true], "the longest due first, and one failure stops no other");
    assert_eq!(world.text(&world.record(), "Thumbprint"), good);
}
