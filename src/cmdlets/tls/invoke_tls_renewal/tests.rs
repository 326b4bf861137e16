//! When an authority says when (RFC 9773).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::VERB;
use crate::ca::{Answer, Authority, Context, Inquiry, RenewalWindow, Submission};
use crate::cmdlets::testing::{COMPUTER, Done, NAMES, TestWorld};
use crate::cmdlets::tls::get_tls_status;
use crate::command::Stream;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Moment};
use crate::state::{NameWishes, RequestRow, RequestStatus, Row, RowKey, State, Write};

const CONFIG: &str = r"acme\shop";

/// An authority that says when, and issues nothing: whoever asks it finds the certificate due.
#[derive(Default)]
struct Timely {
    window: Mutex<Option<RenewalWindow>>,
    is_silent: Mutex<bool>,
    asked: AtomicUsize,
}

impl Timely {
    fn says(&self, start: Moment, end: Moment) {
        *self.window.lock().unwrap() =
            Some(RenewalWindow { start, end, explanation: Some("https://example.com/why".into()), ask_again: None });
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

fn silence<T>() -> Result<T> {
    Err(Error::new(ErrorId::CaUnreachable, "it does not answer"))
}

impl Authority for Timely {
    fn config(&self) -> &str {
        CONFIG
    }

    fn preflight(&self, _: &Context<'_>, _: &Inquiry<'_>) -> Result<()> {
        silence()
    }

    fn begin(&self, _: &Context<'_>, _: &Submission) -> Result<Answer> {
        silence()
    }

    fn advance(&self, _: &Context<'_>, _: &str) -> Result<Answer> {
        silence()
    }

    fn chain(&self, _: &Context<'_>) -> Result<Vec<Certificate>> {
        silence()
    }

    fn renewal_window(&self, _: &Context<'_>, _: &Certificate) -> Result<Option<RenewalWindow>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if *self.is_silent.lock().unwrap() { silence() } else { Ok(self.window.lock().unwrap().clone()) }
    }
}

/// Contoso's world, whose certificate came from such an authority.
fn world() -> (TestWorld, Arc<Timely>) {
    let authority = Arc::new(Timely::default());
    let world = TestWorld::contoso().with_authority(Arc::clone(&authority) as Arc<dyn Authority>);
    let request = RequestRow {
        id: 1,
        ca: CONFIG.into(),
        request_id: None,
        status: RequestStatus::Issued,
        ticket: String::new(),
        csr: Vec::new(),
        key: world.leaf("old").key_id(),
        requester: String::new(),
        template: String::new(),
        uses: vec!["Default".into(), "WebServicesInternal".into(), "WebServicesExternal".into()],
        subject: String::new(),
        names: NAMES.iter().map(|n| ((*n).to_owned(), String::new())).collect(),
        friendly_name: String::new(),
        submitted: world.session().now(),
        retry_at: None,
        message: String::new(),
        certificate: Some(world.leaf("old").fingerprint()),
        exportable: false,
        computer: COMPUTER.into(),
        replaces: None,
        wishes: NameWishes::default(),
    };
    world.state.write(&[Write::put(RowKey::Request(1), Row::Request(request))]).unwrap();
    (world, authority)
}

/// Whether it was found to be due, as the attempt to renew it shows.
#[track_caller]
fn is_due(done: &Done) -> bool {
    let errors: Vec<ErrorId> = done.messages.iter().filter_map(|m| m.error.as_ref()).map(Error::id).collect();
    assert!(errors.is_empty() || errors == [ErrorId::CaUnreachable], "{errors:?}");
    !errors.is_empty()
}

#[test]
fn the_authority_says_when_and_is_asked_seldom() {
    let (world, authority) = world();
    let now = world.session().now();
    let days = |n: i64| now.plus_days(n);
    authority.says(days(10), days(12));
    assert!(!is_due(&world.run(&VERB, &[])));
    // The same run once more takes what it said.
    assert!(!is_due(&world.run(&VERB, &[])));
    assert_eq!(authority.asked(), 1);
    // The status knows it without asking.
    let status = world.run(&get_tls_status::VERB, &[]);
    assert_eq!(authority.asked(), 0);
    assert!(!status.emitted().is_empty());
    // Something has happened at the authority: it wants it renewed at once.
    authority.says(days(-2), days(-1));
    assert!(!is_due(&world.run(&VERB, &[])));
    world.session().clock().sleep(Duration::from_secs(6 * 3600));
    assert!(is_due(&world.run(&VERB, &[])));
    assert_eq!(authority.asked(), 1);
    let early = world.run(&get_tls_status::VERB, &[]).emitted();
    assert!(crate::cmdlets::testing::texts(&early, "Check").contains(&"EndsSoon".to_owned()));
}

#[test]
fn the_moment_lies_in_the_window() {
    let (world, authority) = world();
    let now = world.session().now();
    authority.says(now.plus_days(10), now.plus_days(12));
    assert!(!is_due(&world.run(&VERB, &[])));
    world.session().clock().sleep(Duration::from_secs(10 * 86_400 - 60));
    assert!(!is_due(&world.run(&VERB, &[])));
    world.session().clock().sleep(Duration::from_secs(2 * 86_400 + 120));
    assert!(is_due(&world.run(&VERB, &[])));
}

#[test]
fn whatever_it_says_the_last_sixth_of_a_life_is_for_mending() {
    let (world, authority) = world();
    let end = world.leaf("old").not_after();
    authority.says(end.plus_days(1), end.plus_days(2));
    world.session().clock().sleep(Duration::from_secs(70 * 86_400));
    assert!(!is_due(&world.run(&VERB, &[])));
    world.session().clock().sleep(Duration::from_secs(6 * 86_400));
    assert!(is_due(&world.run(&VERB, &[])));
}

#[test]
fn one_that_does_not_answer_is_warned_of_and_a_third_of_the_life_counts() {
    let (world, authority) = world();
    *authority.is_silent.lock().unwrap() = true;
    let done = world.run(&VERB, &[]);
    assert!(!is_due(&done));
    assert_eq!(done.said(Stream::Warning).len(), 1);
    world.session().clock().sleep(Duration::from_secs(62 * 86_400));
    assert!(is_due(&world.run(&VERB, &[])));
    // It does not say.
    *authority.is_silent.lock().unwrap() = false;
    assert!(is_due(&world.run(&VERB, &[])));
}
