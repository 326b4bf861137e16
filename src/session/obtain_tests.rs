//! Requests to authorities across a wire: errors, waits and interruptions lose neither key nor request.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Enrollment, Obtained, Policy, Session};
use crate::ca::{Answer, Authority, Context, Inquiry, Progress, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, Certificate, Clock, KeyAlgorithm, Moment, Purpose, Zone, parse_rdns};
use crate::state::{
    CertificateQuery, CertificateRow, KeyRow, NameWishes, RequestRow, RequestStatus, Row, RowKey, State, Store, Write,
};
use crate::x509::{AuthorityProfile, Issuer, PrivateKey, Profile, RequestDetails, issue, parse_request, self_signed};

/// What the authority does next.
enum Act {
    Fail,
    Work,
    Wait(i64),
    Issue,
    /// Somebody drops the request while it is asked about, for good or not.
    Dropped(bool),
    /// Its answer comes in by another way.
    Answered,
}

struct Remote {
    acts: Mutex<VecDeque<Act>>,
    begun: AtomicUsize,
    csr: Mutex<Vec<u8>>,
    key: PrivateKey,
    root: Certificate,
}

impl Remote {
    fn new(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let authority = AuthorityProfile { path_len: None, constraints: None };
        let subject = Some(parse_rdns("CN=Remote").unwrap());
        let profile = Profile { subject, ..Profile::authority(BEGIN.plus_days(-1), BEGIN.plus_days(99), authority) };
        let root = self_signed(&key, &profile).unwrap();
        let acts = Mutex::new(acts.into_iter().collect());
        Arc::new(Self { acts, begun: AtomicUsize::new(0), csr: Mutex::default(), key, root })
    }

    fn act(&self, cx: &Context<'_>) -> Result<Answer> {
        let answer = |progress| {
            Ok(Answer {
                ticket: "ticket".into(),
                request_id: None,
                progress,
                message: "so it is".into(),
                writes: Vec::new(),
            })
        };
        let mut act = self.acts.lock().unwrap().pop_front();
        while let Some(Act::Dropped(_) | Act::Answered) = act {
            meddle(cx.state, act.as_ref());
            act = self.acts.lock().unwrap().pop_front();
        }
        match act {
            Some(Act::Dropped(_) | Act::Answered) => unreachable!("done above"),
            None | Some(Act::Fail) => Err(Error::new(ErrorId::CaUnreachable, "no answer")),
            Some(Act::Work) => answer(Progress::Working),
            Some(Act::Wait(seconds)) => answer(Progress::Waiting(Some(cx.now.plus_seconds(seconds)))),
            Some(Act::Issue) => {
                let request = parse_request(&self.csr.lock().unwrap()).unwrap();
                let issuer = Issuer { certificate: &self.root, signer: &self.key };
                let leaf = issue(&request, &issuer, &Profile::server(BEGIN.plus_days(-1), BEGIN.plus_days(9))).unwrap();
                answer(Progress::Issued(vec![leaf]))
            }
        }
    }
}

/// What another process does meanwhile to the newest request.
fn meddle(state: &dyn State, act: Option<&Act>) {
    let row = state.requests().unwrap().pop().unwrap();
    let key = RowKey::Key(row.key);
    if let Some(Act::Dropped(is_final)) = act {
        let Some(Row::Key(kept)) = state.row(&key).unwrap() else { panic!("no key") };
        let until = Some(BEGIN.plus_days(30));
        let kept = (!is_final).then_some(Row::Key(KeyRow { quarantined_until: until, ..kept }));
        let key = kept.map_or_else(|| Write::remove(key.clone()), |kept| Write::put(key.clone(), kept));
        return state.write(&[Write::remove(RowKey::Request(row.id)), key]).unwrap();
    }
    let leaf = self_signed(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(), &{
        let subject = Some(parse_rdns("CN=By another way").unwrap());
        Profile { subject, ..Profile::server(BEGIN, BEGIN.plus_days(9)) }
    });
    let leaf = leaf.unwrap();
    let stored = CertificateRow::of(&leaf, Store::My, "another way", BEGIN);
    let id = row.id;
    let row = RequestRow { status: RequestStatus::Issued, certificate: Some(leaf.fingerprint()), ..row };
    let writes = [
        Write::put(RowKey::Certificate(leaf.fingerprint()), Row::Certificate(stored)),
        Write::put(RowKey::Request(id), Row::Request(row)),
    ];
    state.write(&writes).unwrap();
}

impl Authority for Remote {
    fn config(&self) -> &'static str {
        r"remote\ca"
    }

    fn preflight(&self, _: &Context<'_>, _: &Inquiry<'_>) -> Result<()> {
        Ok(())
    }

    fn begin(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        submission.csr.clone_into(&mut self.csr.lock().unwrap());
        self.act(cx)
    }

    fn advance(&self, cx: &Context<'_>, ticket: &str) -> Result<Answer> {
        assert_eq!(ticket, "ticket");
        self.act(cx)
    }

    fn chain(&self, _: &Context<'_>) -> Result<Vec<Certificate>> {
        Ok(Vec::new())
    }
}

const BEGIN: Moment = Moment::from_unix(1_900_000_000);

/// Time passes only while somebody sleeps.
#[derive(Default)]
struct Sleeper(AtomicI64);

impl Clock for Sleeper {
    fn now(&self) -> Moment {
        BEGIN.plus_seconds(self.0.load(Ordering::SeqCst) / 1000)
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    fn sleep(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

fn session(remote: &Arc<Remote>) -> (Session, Arc<Sleeper>) {
    let clock = Arc::new(Sleeper::default());
    let session = Session::builder()
        .clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .authority(Arc::clone(remote) as Arc<dyn Authority>)
        .policy(Policy::everything("operator"))
        .build();
    (session, clock)
}

fn enrollment(remote: &Arc<Remote>, name: &str) -> Enrollment {
    Enrollment {
        authority: Some(Arc::clone(remote) as Arc<dyn Authority>),
        details: RequestDetails {
            subject: parse_rdns(&format!("CN={name}")).unwrap(),
            alternative_names: vec![AlternativeName::host(name)],
            purposes: vec![Purpose::ServerAuth],
            ..RequestDetails::default()
        },
        key: KeyAlgorithm::EcdsaP256,
        exportable: false,
        template: String::new(),
        computer: "fe01".into(),
        account: None,
        uses: vec!["Default".into()],
        names: vec![(name.to_owned(), "rule".to_owned())],
        friendly_name: name.to_owned(),
        replaces: None,
        wishes: NameWishes::default(),
    }
}

fn rows(session: &Session) -> Vec<RequestRow> {
    let rows = session.state().unwrap().requests().unwrap();
    for row in &rows {
        assert!(session.state().unwrap().row(&RowKey::Key(row.key)).unwrap().is_some(), "a key is lost");
    }
    rows
}

#[test]
fn seconds_are_waited_for_and_hours_are_not() {
    let remote = Remote::new([Act::Work, Act::Wait(1), Act::Wait(40), Act::Issue, Act::Wait(3600)]);
    let (session, clock) = session(&remote);
    let obtained = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap();
    assert!(matches!(obtained, Obtained::Issued(..)));
    assert_eq!(clock.elapsed(), Duration::from_secs(41));
    let obtained = session.obtain(&enrollment(&remote, "b.test"), &|| false).unwrap();
    let Obtained::Pending(row) = obtained else { panic!("{obtained:?}") };
    assert_eq!((row.status, row.retry_at), (RequestStatus::Pending, Some(session.now().plus_seconds(3600))));
    assert_eq!(clock.elapsed(), Duration::from_secs(41));
}

#[test]
fn an_authority_that_never_comes_to_an_end_is_left_after_minutes() {
    let remote = Remote::new((0..1000).map(|i| Act::Wait(i % 60 - 3)));
    let (session, clock) = session(&remote);
    let obtained = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap();
    assert!(matches!(obtained, Obtained::Pending(_)));
    assert!((240..=300).contains(&clock.elapsed().as_secs()), "{:?}", clock.elapsed());
}

#[test]
fn an_error_keeps_key_and_request_and_the_next_run_goes_on_with_them() {
    let remote = Remote::new([Act::Fail, Act::Fail, Act::Work, Act::Fail, Act::Issue, Act::Issue]);
    let (session, _) = session(&remote);
    let wanted = enrollment(&remote, "a.test");
    for _ in 0..3 {
        let error = session.obtain(&wanted, &|| false).unwrap_err();
        assert_eq!(error.id(), ErrorId::CaUnreachable);
        assert!(error.hints().iter().any(|h| h.contains("-Retrieve -RequestId 1")), "{error:?}");
        let rows = rows(&session);
        assert_eq!((rows.len(), rows[0].status), (1, RequestStatus::Submitting));
    }
    // It had a ticket by then: nobody began once more.
    assert_eq!((remote.begun.load(Ordering::SeqCst), rows(&session)[0].ticket.as_str()), (3, "ticket"));
    let Obtained::Issued(leaf, row) = session.obtain(&wanted, &|| false).unwrap() else { panic!() };
    assert_eq!((leaf.key_id(), row.id, rows(&session).len()), (row.key, 1, 1));
    // What is issued is done with: the same again is another request.
    session.obtain(&wanted, &|| false).unwrap();
    assert_eq!(rows(&session).len(), 2);
}

#[test]
fn another_request_is_not_gone_on_with() {
    let remote = Remote::new((0..20).map(|_| Act::Fail));
    let (session, clock) = session(&remote);
    let mut count = 0;
    let mut ask = |change: &dyn Fn(&mut Enrollment)| {
        let mut other = enrollment(&remote, "a.test");
        change(&mut other);
        session.obtain(&other, &|| false).unwrap_err();
        count += 1;
        assert_eq!(rows(&session).len(), count);
    };
    ask(&|_| {});
    ask(&|e| e.names.push(("b.test".into(), String::new())));
    ask(&|e| e.key = KeyAlgorithm::EcdsaP384);
    ask(&|e| e.exportable = true);
    ask(&|e| e.details.purposes.push(Purpose::ClientAuth));
    ask(&|e| e.details.subject = parse_rdns("CN=b.test").unwrap());
    ask(&|e| e.uses.push("Other".into()));
    ask(&|e| e.computer = "fe02".into());
    ask(&|e| e.template = "short".into());
    // A day later the order has run out, in all likelihood.
    clock.sleep(Duration::from_secs(25 * 3600));
    ask(&|_| {});
}

#[test]
fn an_interrupted_wait_is_gone_on_with() {
    let remote = Remote::new([Act::Work, Act::Wait(30), Act::Issue]);
    let (session, clock) = session(&remote);
    let wanted = enrollment(&remote, "a.test");
    let error = session.obtain(&wanted, &|| clock.elapsed() >= Duration::from_secs(2)).unwrap_err();
    assert_eq!(error.id(), ErrorId::Interrupted);
    assert!(clock.elapsed() < Duration::from_secs(3));
    let row = rows(&session).remove(0);
    assert!(matches!(session.retrieve(row, None, &|| false).unwrap(), Obtained::Issued(..)));
    assert_eq!((remote.begun.load(Ordering::SeqCst), rows(&session).len()), (1, 1));
}

#[test]
fn a_request_that_is_dropped_while_it_is_asked_about_stays_dropped() {
    for last in [Act::Work, Act::Wait(3600)] {
        let remote = Remote::new([Act::Dropped(false), last]);
        let (session, _) = session(&remote);
        let error = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap_err();
        assert_eq!(error.id(), ErrorId::RequestNotFound);
        assert!(error.hints().iter().any(|h| h.contains("Import-CsCertificate")), "{error:?}");
        assert_eq!((rows(&session).len(), session.state().unwrap().quarantined().unwrap().len()), (0, 1));
    }
}

#[test]
fn what_is_issued_to_a_dropped_request_is_kept_with_its_key() {
    let remote = Remote::new([Act::Work, Act::Dropped(false), Act::Issue]);
    let (session, _) = session(&remote);
    let Obtained::Issued(leaf, _) = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap() else {
        panic!("it is issued")
    };
    let stored = session.stored(&leaf.fingerprint()).unwrap().unwrap();
    assert!(session.has_key(&stored).unwrap());
    assert_eq!((rows(&session).len(), session.state().unwrap().quarantined().unwrap().len()), (1, 0));
}

#[test]
fn what_is_issued_to_a_request_that_was_dropped_for_good_is_of_no_use() {
    let remote = Remote::new([Act::Work, Act::Dropped(true), Act::Issue]);
    let (session, _) = session(&remote);
    let error = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap_err();
    assert_eq!((error.id(), rows(&session).len()), (ErrorId::RequestNotFound, 0));
    let all = session.state().unwrap().certificates(&CertificateQuery::default()).unwrap();
    assert!(all.is_empty(), "a certificate without its key is stored");
}

#[test]
fn an_answer_that_came_by_another_way_stands() {
    for last in [Act::Work, Act::Wait(3600), Act::Wait(1)] {
        let remote = Remote::new([Act::Answered, last]);
        let (session, _) = session(&remote);
        let Obtained::Issued(leaf, row) = session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap() else {
            panic!("it is answered")
        };
        assert_eq!((row.status, row.certificate), (RequestStatus::Issued, Some(leaf.fingerprint())));
        assert_eq!(rows(&session)[0].status, RequestStatus::Issued);
    }
}

#[test]
fn a_key_that_a_certificate_needs_leaves_quarantine_alive() {
    let remote = Remote::new([Act::Dropped(false), Act::Issue]);
    let (session, clock) = session(&remote);
    session.obtain(&enrollment(&remote, "a.test"), &|| false).unwrap();
    let (row, state) = (rows(&session).remove(0), session.state().unwrap());
    let Some(Row::Key(kept)) = state.row(&RowKey::Key(row.key)).unwrap() else { panic!("no key") };
    let quarantined_until = Some(session.now().plus_days(1));
    state.write(&[Write::put(RowKey::Key(row.key), Row::Key(KeyRow { quarantined_until, ..kept }))]).unwrap();
    assert_eq!((session.end_quarantines().unwrap(), state.quarantined().unwrap().len()), (0, 1));
    clock.sleep(Duration::from_secs(2 * 86_400));
    assert_eq!((session.end_quarantines().unwrap(), state.quarantined().unwrap().len()), (0, 0));
    assert_eq!(rows(&session).len(), 1);
}
