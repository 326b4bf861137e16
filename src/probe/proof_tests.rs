//! The proof, tried on a scripted prober with a clock that nobody waits for, and on real handshakes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::testing::{Authority, FakeClock, Issued, Oddities, TestServer, WallClock};
use super::{
    Control, EndpointTask, Expectation, KeyFamily, Look, Miss, Prober, ProofSettings, RustlsProber, Sighting, Target,
    TlsVersion, check_begun, negative_control, observe, prove,
};
use crate::error::ErrorId;
use crate::model::{BindingProtocol, Clock, EndpointProof, KeyRule, Needs, ProofScope, Remedy, Snapshot, Verdict};
use crate::state::Slot;

type Answer = dyn Fn(&Target, usize) -> Result<Issued, Miss> + Send + Sync;

/// Answers by a script that sees the offer and how many came before.
struct Scripted {
    clock: Arc<FakeClock>,
    asked: AtomicUsize,
    seen: Mutex<Vec<Target>>,
    staple: bool,
    answer: Box<Answer>,
}

impl Prober for Scripted {
    fn handshake(&self, target: &Target, _: &dyn Fn() -> bool) -> Result<Sighting, Miss> {
        self.seen.lock().unwrap().push(target.clone());
        let issued = (self.answer)(target, self.asked.fetch_add(1, Ordering::SeqCst))?;
        Ok(Sighting {
            leaf: issued.leaf,
            chain: issued.chain,
            version: target.version,
            scheme: "ECDSA_NISTP256_SHA256".to_owned(),
            alpn: None,
            staple: self.staple.then(|| vec![1]),
            local_address: "127.0.0.1:40000".to_owned(),
            started: self.clock.now(),
            ended: self.clock.now(),
        })
    }
}

struct World {
    clock: Arc<FakeClock>,
    authority: Authority,
    new: Issued,
    old: Issued,
}

fn world() -> World {
    let authority = Authority::new("Proof");
    let clock = Arc::new(FakeClock::at(WallClock::new().now()));
    World { clock, new: authority.issue(&["a.example", "b.example"]), old: authority.issue(&["a.example"]), authority }
}

impl World {
    fn task(&self) -> EndpointTask {
        EndpointTask {
            computer: "fe01".to_owned(),
            site: "Site".to_owned(),
            information: "*:443:".to_owned(),
            use_name: "Default".to_owned(),
            protocol: BindingProtocol::Https,
            endpoint: Some("10.0.0.1:443".to_owned()),
            server_name: Some("a.example".to_owned()),
            published_names: vec!["a.example".to_owned(), "b.example".to_owned()],
            slots: vec![(Slot::Any, self.new.leaf.clone())],
            roots: vec![self.authority.root.clone()],
            needs: Needs::default(),
            scope: None,
            loopback_is_whole: false,
            stopped: false,
            expectation: Expectation::Serves,
        }
    }

    fn prober(&self, answer: impl Fn(&Target, usize) -> Result<Issued, Miss> + Send + Sync + 'static) -> Scripted {
        Scripted {
            clock: Arc::clone(&self.clock),
            asked: AtomicUsize::new(0),
            seen: Mutex::default(),
            staple: false,
            answer: Box::new(answer),
        }
    }

    /// A server with one ECDSA certificate.
    fn serving(&self, issued: &Issued) -> Scripted {
        let issued = issued.clone();
        self.prober(move |target, _| if target.family == KeyFamily::Rsa { off() } else { Ok(issued.clone()) })
    }

    fn prove(&self, prober: &Scripted, task: &EndpointTask, before: Option<&[Snapshot]>) -> EndpointProof {
        let cancelled = || false;
        let look = Look { clock: &*self.clock, cancelled: &cancelled, threads: 2, host: "here" };
        prove(prober, std::slice::from_ref(task), before, &ProofSettings::default(), &look).remove(0)
    }

    fn observe(&self, prober: &Scripted, task: &EndpointTask) -> Vec<Snapshot> {
        let cancelled = || false;
        let look = Look { clock: &*self.clock, cancelled: &cancelled, threads: 1, host: "here" };
        observe(prober, std::slice::from_ref(task), Duration::from_secs(1), &look)
    }
}

fn off() -> Result<Issued, Miss> {
    Err(Miss::Off("alert `handshake_failure`".to_owned()))
}

fn down() -> Result<Issued, Miss> {
    Err(Miss::Down("the connection is refused".to_owned()))
}

#[track_caller]
fn assert_proof(proof: &EndpointProof, verdict: Verdict, words: &str) {
    let problem = proof.problem.clone().unwrap_or_default();
    assert!(proof.verdict == verdict && problem.contains(words), "{}: {problem}", proof.verdict);
}

#[test]
fn what_is_served_everywhere_is_proven() {
    let w = world();
    let prober = w.serving(&w.new);
    let proof = w.prove(&prober, &w.task(), None);
    assert_proof(&proof, Verdict::Proven, "");
    assert_eq!((proof.problem, proof.remedy, proof.actual), (None, None, Some(w.new.leaf.thumbprint())));
    assert!(w.clock.elapsed() >= Duration::from_millis(500), "the window was kept");
    let seen = prober.seen.lock().unwrap();
    assert!(seen.len() >= 20);
    let names: Vec<_> = seen.iter().map(|t| t.server_name.as_deref()).collect();
    for name in [Some("a.example"), Some("b.example"), Some("no-such-site.invalid"), None] {
        assert!(names.contains(&name), "{name:?}");
    }
    assert!(seen.iter().all(|t| t.alpn == ["h2", "http/1.1"]));
    let evidence = proof.evidence.iter().find(|e| e.outcome.fingerprint().is_some()).unwrap();
    assert_eq!((evidence.host.as_str(), evidence.chain.len()), ("here", 1));
    let json = serde_json::to_string(&proof.evidence).unwrap();
    assert_eq!(serde_json::from_str::<Vec<crate::model::Evidence>>(&json).unwrap(), proof.evidence);
}

#[test]
fn an_old_worker_only_delays_the_proof() {
    let w = world();
    let (old, new) = (w.old.clone(), w.new.clone());
    let prober = w.prober(move |target, asked| match asked {
        _ if target.family == KeyFamily::Rsa => off(),
        0..=2 | 5 | 17 => Ok(old.clone()),
        9 => down(),
        _ => Ok(new.clone()),
    });
    assert_proof(&w.prove(&prober, &w.task(), None), Verdict::Proven, "");
    let consecutive = prober.asked.load(Ordering::SeqCst);
    assert!(consecutive > 17 + 20, "{consecutive}");
}

#[test]
fn another_certificate_is_a_contradiction_that_is_named() {
    let w = world();
    let proof = w.prove(&w.serving(&w.old), &w.task(), None);
    assert_proof(&proof, Verdict::Contradicted, &w.old.leaf.thumbprint().to_string());
    assert_eq!((proof.remedy, proof.actual), (Some(Remedy::Bind), Some(w.old.leaf.thumbprint())));
    assert!(w.clock.elapsed() >= Duration::from_secs(15), "it had until the deadline");
}

#[test]
fn one_name_or_one_slot_that_lags_spoils_it() {
    let w = world();
    let (old, new) = (w.old.clone(), w.new.clone());
    let lagging = w.prober(move |target, _| match (target.family, target.server_name.as_deref()) {
        (KeyFamily::Rsa, _) => off(),
        (_, Some("b.example")) => Ok(old.clone()),
        _ => Ok(new.clone()),
    });
    assert_proof(&w.prove(&lagging, &w.task(), None), Verdict::Contradicted, "b.example");

    let rsa = w.authority.issue_odd(&["a.example"], &Oddities { rsa: true, ..Oddities::default() });
    let new = w.new.clone();
    let both = w.prober(move |target, _| Ok(if target.family == KeyFamily::Rsa { rsa.clone() } else { new.clone() }));
    let proof = w.prove(&both, &w.task(), None);
    assert_proof(&proof, Verdict::Contradicted, "no certificate is assigned for that");
    assert!(proof.problem.unwrap().contains("until "));
}

#[test]
fn two_slots_are_both_to_be_seen() {
    let w = world();
    let rsa = w.authority.issue_odd(&["a.example", "b.example"], &Oddities { rsa: true, ..Oddities::default() });
    let task =
        EndpointTask { slots: vec![(Slot::Ecdsa, w.new.leaf.clone()), (Slot::Rsa, rsa.leaf.clone())], ..w.task() };
    assert_proof(
        &w.prove(&w.serving(&w.new), &task, None),
        Verdict::Contradicted,
        "the certificate for RSA is not served",
    );
    let new = w.new.clone();
    let both = w.prober(move |target, _| Ok(if target.family == KeyFamily::Rsa { rsa.clone() } else { new.clone() }));
    assert_proof(&w.prove(&both, &task, None), Verdict::Proven, "");
}

#[test]
fn a_version_may_be_off_unless_it_was_on_or_is_demanded() {
    let w = world();
    let new = w.new.clone();
    let modern = w.prober(move |target, _| match (target.version, target.family) {
        (TlsVersion::Tls13, KeyFamily::Ecdsa) => Ok(new.clone()),
        _ => off(),
    });
    let proof = w.prove(&modern, &w.task(), None);
    assert_proof(&proof, Verdict::Proven, "");
    assert!(proof.evidence.iter().any(|e| e.version == TlsVersion::Tls12 && e.outcome.to_string().contains("refuses")));
    let before = w.observe(&w.serving(&w.old), &w.task());
    assert_proof(&w.prove(&modern, &w.task(), Some(&before)), Verdict::Contradicted, "TLS 1.2 answered before");
    let task = EndpointTask { scope: Some(vec![ProofScope::Tls12]), ..w.task() };
    assert_proof(&w.prove(&modern, &task, None), Verdict::Contradicted, "TLS 1.2 is to be proven");
    let task = EndpointTask { scope: Some(vec![ProofScope::Tls13]), ..w.task() };
    assert_proof(&w.prove(&modern, &task, Some(&before)), Verdict::Proven, "");
}

#[test]
fn who_cannot_look_says_so() {
    let w = world();
    let nobody = w.prober(|_, _| down());
    let proof = w.prove(&nobody, &w.task(), None);
    assert_proof(&proof, Verdict::Unproven, "does not answer");
    assert_eq!(proof.remedy, Some(Remedy::Start));
    let before = w.observe(&w.serving(&w.old), &w.task());
    assert_proof(&w.prove(&nobody, &w.task(), Some(&before)), Verdict::Contradicted, "before the change it answered");
    let old = w.prober(|_, _| Err(Miss::TooOld));
    assert_proof(&w.prove(&old, &w.task(), None), Verdict::Unproven, "TooOldForProber");
    let impostor = w.prober(|_, _| Err(Miss::WrongKey("bad signature".to_owned())));
    assert_proof(&w.prove(&impostor, &w.task(), None), Verdict::Contradicted, "another key");

    for (task, verdict, words) in [
        (EndpointTask { endpoint: None, ..w.task() }, Verdict::Unproven, "no endpoint declared"),
        (EndpointTask { stopped: true, ..w.task() }, Verdict::Unproven, "stopped"),
        (EndpointTask { scope: Some(Vec::new()), ..w.task() }, Verdict::NotApplicable, "prove = []"),
        (EndpointTask { scope: Some(vec![ProofScope::Rsa]), ..w.task() }, Verdict::Unproven, "leaves out"),
        (EndpointTask { protocol: BindingProtocol::Http, ..w.task() }, Verdict::NotApplicable, "does not speak TLS"),
        (EndpointTask { slots: Vec::new(), ..w.task() }, Verdict::NotApplicable, "no certificate is assigned"),
    ] {
        assert_proof(&w.prove(&w.serving(&w.new), &task, None), verdict, words);
    }
}

#[test]
fn what_is_not_covered_is_partial() {
    let w = world();
    let task = EndpointTask { endpoint: Some("127.0.0.1:443".to_owned()), ..w.task() };
    let proof = w.prove(&w.serving(&w.new), &task, None);
    assert_proof(&proof, Verdict::Partial, "loopback");
    assert_eq!(proof.not_covered.len(), 1);
    for task in [
        EndpointTask { loopback_is_whole: true, ..task.clone() },
        EndpointTask { scope: Some(vec![ProofScope::Loopback]), ..task.clone() },
        EndpointTask { information: "127.0.0.1:443:".to_owned(), ..task.clone() },
    ] {
        assert_proof(&w.prove(&w.serving(&w.new), &task, None), Verdict::Proven, "");
    }
    let many = w.authority.issue(&["*.w.example", "a.example"]);
    let task = EndpointTask {
        published_names: (0..130).map(|i| format!("n{i}.w.example")).collect(),
        slots: vec![(Slot::Any, many.leaf.clone())],
        needs: Needs { wildcard: true, ..Needs::default() },
        ..w.task()
    };
    assert_proof(&w.prove(&w.serving(&many), &task, None), Verdict::Partial, "30 published names beyond");

    let new = w.new.clone();
    let half = w.prober(move |target, _| match (target.version, target.family) {
        (_, KeyFamily::Rsa) => off(),
        (TlsVersion::Tls12, _) => Err(Miss::Broken("it may ask for a client certificate".to_owned())),
        _ => Ok(new.clone()),
    });
    assert_proof(&w.prove(&half, &w.task(), None), Verdict::Partial, "client certificate");
}

#[test]
fn a_chain_name_or_purpose_that_clients_refuse_spoils_it() {
    let w = world();
    let stranger = Authority::new("Stranger");
    let served = |chain: Vec<crate::model::Certificate>| Issued { chain, ..w.new.clone() };
    let intermediate = w.authority.intermediate.clone();
    for (chain, words) in [
        (Vec::new(), "no path"),
        (vec![intermediate.clone(), intermediate.clone()], "twice"),
        (vec![stranger.intermediate.clone(), intermediate.clone()], "out of order"),
    ] {
        let proof = w.prove(&w.serving(&served(chain)), &w.task(), None);
        assert_proof(&proof, Verdict::Contradicted, words);
        assert_eq!(proof.remedy, Some(Remedy::MendChain));
    }
    let with_root = served(vec![intermediate.clone(), w.authority.root.clone()]);
    let proof = w.prove(&w.serving(&with_root), &w.task(), None);
    assert_proof(&proof, Verdict::Proven, "");
    assert!(proof.warnings[0].contains("root"), "{:?}", proof.warnings);
    let task = EndpointTask { roots: vec![stranger.root.clone()], ..w.task() };
    assert_proof(&w.prove(&w.serving(&w.new), &task, None), Verdict::Contradicted, "no path");

    let odd = |odd: Oddities| w.authority.issue_odd(&["a.example", "b.example"], &odd);
    for (issued, words) in [
        (odd(Oddities { client_only: true, ..Oddities::default() }), "Server Authentication"),
        (odd(Oddities { ended: true, ..Oddities::default() }), "ended at"),
        (odd(Oddities { must_staple: true, ..Oddities::default() }), "stapled"),
        (w.authority.issue(&["a.example"]), "does not cover `b.example`"),
    ] {
        let task = EndpointTask { slots: vec![(Slot::Any, issued.leaf.clone())], ..w.task() };
        assert_proof(&w.prove(&w.serving(&issued), &task, None), Verdict::Contradicted, words);
    }
    let wild = w.authority.issue(&["*.w.example"]);
    let task = EndpointTask {
        server_name: Some("a.w.example".to_owned()),
        published_names: vec!["b.w.example".to_owned(), "*.w.example".to_owned()],
        slots: vec![(Slot::Any, wild.leaf.clone())],
        ..w.task()
    };
    let problem = "covers `a.w.example`, `b.w.example` only by a wildcard";
    assert_proof(&w.prove(&w.serving(&wild), &task, None), Verdict::Contradicted, problem);
    let task = EndpointTask { needs: Needs { wildcard: true, ..Needs::default() }, ..task };
    assert_proof(&w.prove(&w.serving(&wild), &task, None), Verdict::Proven, "");

    let stapled = odd(Oddities { must_staple: true, ..Oddities::default() });
    let task = EndpointTask { slots: vec![(Slot::Any, stapled.leaf.clone())], ..w.task() };
    let prober = Scripted { staple: true, ..w.serving(&stapled) };
    assert_proof(&w.prove(&prober, &task, None), Verdict::Proven, "");
    let task = EndpointTask { needs: Needs { keys: vec![KeyRule::RsaAtLeast(2048)], ..Needs::default() }, ..w.task() };
    assert_proof(&w.prove(&w.serving(&w.new), &task, None), Verdict::Contradicted, "RSA>=2048");
}

#[test]
fn nothing_served_and_as_before_are_proven_too() {
    let w = world();
    let nothing = EndpointTask { expectation: Expectation::ServesNothing, slots: Vec::new(), ..w.task() };
    let refusing = w.prober(|_, _| off());
    assert_proof(&w.prove(&refusing, &nothing, None), Verdict::Proven, "");
    assert_proof(&w.prove(&w.prober(|_, _| down()), &nothing, None), Verdict::Proven, "");
    assert_proof(&w.prove(&w.serving(&w.old), &nothing, None), Verdict::Contradicted, "no certificate is assigned");

    let before = w.observe(&w.serving(&w.old), &w.task()).remove(0);
    let json = serde_json::to_string(&before).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), before);
    let again = EndpointTask { expectation: Expectation::AsBefore(Box::new(before)), ..w.task() };
    assert_proof(&w.prove(&w.serving(&w.old), &again, None), Verdict::Proven, "");
    assert_proof(
        &w.prove(&w.serving(&w.new), &again, None),
        Verdict::Contradicted,
        "before the change it was otherwise",
    );
}

#[test]
fn a_default_site_that_moves_is_warned_of() {
    let w = world();
    let default = w.authority.issue(&["default.example"]);
    let site = |own: &Issued, other: &Issued| {
        let (own, other) = (own.clone(), other.clone());
        w.prober(move |target, _| match (target.family, target.server_name.as_deref()) {
            (KeyFamily::Rsa, _) => off(),
            (_, Some("a.example" | "b.example")) => Ok(own.clone()),
            _ => Ok(other.clone()),
        })
    };
    let apart = w.observe(&site(&w.old, &default), &w.task());
    let proof = w.prove(&site(&w.new, &w.new), &w.task(), Some(&apart));
    assert_proof(&proof, Verdict::Proven, "");
    assert_eq!(proof.warnings.len(), 2, "{:?}", proof.warnings);
    assert_eq!(w.prove(&site(&w.new, &default), &w.task(), Some(&apart)).warnings, Vec::<String>::new());
    // The changed site was the default itself: it moves along.
    let same = w.observe(&site(&w.old, &w.old), &w.task());
    assert_eq!(w.prove(&site(&w.new, &w.new), &w.task(), Some(&same)).warnings, Vec::<String>::new());
}

#[test]
fn the_negative_control_stops_a_probe_that_looks_elsewhere() {
    let w = world();
    let task = w.task();
    let (old, new) = (w.old.leaf.fingerprint(), w.new.leaf.fingerprint());
    let check = |prober: &Scripted, recorded: &[crate::model::Fingerprint]| {
        let before = w.observe(prober, &task).remove(0);
        negative_control(&[Control { task: &task, before: &before, recorded }])
    };
    assert_eq!(check(&w.serving(&w.old), &[old]).unwrap(), Vec::new());
    assert_eq!(check(&w.serving(&w.new), &[old]).unwrap_err().id(), ErrorId::PlanStale);
    assert_eq!(check(&w.serving(&w.new), &[new]).unwrap(), Vec::new(), "an empty plan is proved");
    assert_eq!(check(&w.prober(|_, _| down()), &[old]).unwrap_err().id(), ErrorId::EndpointDown);
    assert_eq!(check(&w.prober(|_, _| down()), &[]).unwrap(), Vec::new(), "nothing is served yet");
    let other = w.authority.issue(&["a.example"]);
    let drift = check(&w.serving(&other), &[old]).unwrap();
    assert_eq!((&drift[0].recorded, &drift[0].seen), (&vec![old], &vec![other.leaf.fingerprint()]));

    let begin = w.new.leaf.not_before();
    assert!(check_begun(&w.new.leaf, begin.plus_seconds(300), 300).is_ok());
    assert_eq!(
        check_begun(&w.new.leaf, begin.plus_seconds(299), 300).unwrap_err().id(),
        ErrorId::CertificateNotYetValid
    );
}

#[test]
fn an_interrupted_proof_is_unproven() {
    let w = world();
    let cancelled = || w.clock.elapsed() > Duration::from_millis(100);
    let look = Look { clock: &*w.clock, cancelled: &cancelled, threads: 1, host: "here" };
    let proofs = prove(&w.serving(&w.new), &[w.task()], None, &ProofSettings::default(), &look);
    assert_proof(&proofs[0], Verdict::Unproven, "interrupted");
}

#[test]
fn real_handshakes_are_proven_side_by_side() {
    let w = world();
    let clock = Arc::new(WallClock::new());
    let servers = [
        TestServer::start(vec![w.new.certified()]),
        TestServer::start(vec![w.old.certified()]),
        TestServer::start(vec![w.new.with_key_of(&w.old)]),
    ];
    let tasks: Vec<_> = servers
        .iter()
        .map(|s| EndpointTask { endpoint: Some(s.address.clone()), loopback_is_whole: true, ..w.task() })
        .collect();
    let prober = RustlsProber::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let cancelled = || false;
    let look = Look { clock: &*clock, cancelled: &cancelled, threads: 4, host: "here" };
    let settings = ProofSettings { deadline: Duration::from_secs(2), ..ProofSettings::default() };
    let proofs = prove(&prober, &tasks, None, &settings, &look);
    assert_proof(&proofs[0], Verdict::Proven, "");
    assert_proof(&proofs[1], Verdict::Contradicted, &w.old.leaf.thumbprint().to_string());
    assert_proof(&proofs[2], Verdict::Contradicted, "signs with another key");
    let ports: std::collections::HashSet<_> =
        proofs[0].evidence.iter().filter(|e| e.scheme.is_some()).map(|e| &e.local_address).collect();
    assert!(ports.len() >= 4, "{ports:?}");
}
