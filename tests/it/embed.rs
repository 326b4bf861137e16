//! certlet in another Rust program: its own clock, authority, verb and output, two sessions, and a tokio runtime.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use certlet::ca::{Answer, Authority, Context, Inquiry, Progress, Submission};
use certlet::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use certlet::model::{Certificate, Clock, Moment, Zone};
use certlet::session::Policy;
use certlet::{Engine, ErrorId, Output, Result, Session};
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};

const TOPOLOGY: &str = r#"
version = 1
[forest]
local_computer = "web1.example.net"
[[use]]
name = "Shop"
names = ["shop.example.com", "www.shop.example.com"]
needs = { eku = ["ServerAuth"], wildcard = false }
[[pool]]
fqdn = "shop.example.com"
role = "Service"
uses = ["Shop"]
computers = ["web1.example.net"]
"#;

/// It is always noon on the first day of 2030.
struct Noon(Instant);

impl Clock for Noon {
    fn now(&self) -> Moment {
        Moment::parse("2030-01-01T12:00:00Z", &Zone::utc()).unwrap()
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// An authority of the host's: pending at first, issued when asked again.
struct Own {
    issuer: Issuer<'static, KeyPair>,
    root: Certificate,
}

impl Own {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Host CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2029, 1, 1);
        params.not_after = rcgen::date_time_ymd(2039, 1, 1);
        let root = params.self_signed(&key).unwrap();
        let root = certlet::parse_certificate(root.der()).unwrap();
        Self { issuer: Issuer::new(params, key), root }
    }
}

impl Authority for Own {
    fn config(&self) -> &'static str {
        r"host\Own"
    }

    fn preflight(&self, _: &Context<'_>, _: &Inquiry<'_>) -> Result<()> {
        Ok(())
    }

    fn begin(&self, _: &Context<'_>, submission: &Submission) -> Result<Answer> {
        let ticket = certlet::model::hex::upper(&submission.csr);
        Ok(Answer {
            ticket,
            request_id: Some(7),
            progress: Progress::Waiting(None),
            message: "somebody must approve".into(),
            writes: Vec::new(),
        })
    }

    fn advance(&self, _: &Context<'_>, ticket: &str) -> Result<Answer> {
        let der = certlet::model::hex::read(ticket).unwrap();
        let mut request = CertificateSigningRequestParams::from_der(&der.into()).unwrap();
        request.params.not_before = rcgen::date_time_ymd(2029, 12, 1);
        request.params.not_after = rcgen::date_time_ymd(2031, 1, 1);
        let leaf = request.signed_by(&self.issuer).unwrap();
        Ok(Answer {
            ticket: ticket.to_owned(),
            request_id: Some(7),
            progress: Progress::Issued(vec![certlet::parse_certificate(leaf.der())?]),
            message: "issued".into(),
            writes: Vec::new(),
        })
    }

    fn chain(&self, _: &Context<'_>) -> Result<Vec<Certificate>> {
        Ok(vec![self.root.clone()])
    }
}

/// A sink of the host's.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

impl Output for Seen {
    fn object(&mut self, value: Value) -> Result<()> {
        self.0.lock().unwrap().push(value);
        Ok(())
    }
}

fn session() -> Session {
    let policy = Policy {
        user: "host".into(),
        principal: "host".into(),
        administrators: vec!["host".into()],
        machine: "here".into(),
        read_only: false,
    };
    Session::builder()
        .clock(Arc::new(Noon(Instant::now())))
        .topology(certlet::config::topology_of_text("topology.toml", TOPOLOGY).unwrap())
        .authority(Arc::new(Own::new()))
        .policy(policy)
        .build()
}

static TIMES: Param<i64> = Param::named("Times", "How often to greet").at(0);

static GREETING: Spec = Spec {
    name: "Get-Greeting",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Greet from the host",
    description: "Emits the host's greeting.",
    sets: &[],
    parameters: &[&TIMES.spec],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "Get-Greeting 2", says: "Greets twice", expect: Expect::Emits(2) }],
    related: &[],
};

#[test]
fn own_clock_authority_verb_and_sink() {
    let word = String::from("hello from the host");
    let verb = Verb::with(&GREETING, move |cx: &mut Invocation<'_>, args: &Args| {
        for _ in 0..args.get(&TIMES, cx.session())?.unwrap_or(1) {
            cx.emit(word.as_str())?;
        }
        Ok(())
    });
    let seen = Seen::default();
    let base = Engine::new(session());
    let engine = Engine::builder(session()).registry(base.registry().with(verb)).output(seen.clone()).build();
    engine.eval("Get-Greeting -Times 2").unwrap();
    assert_eq!(seen.0.lock().unwrap().len(), 2);
    engine.eval("get_greeting(1) | Out-Null").unwrap();

    let pending = engine.eval("Request-TlsCertificate -New -Type Shop -KeyAlg ECDH_P256").unwrap();
    assert_eq!(pending.last.property("Status").map(|s| format!("{s:?}")), Some("\"Pending\"".into()));
    let issued = engine.eval("Request-TlsCertificate -Retrieve -RequestId 7").unwrap();
    let names = issued.last.property("AlternativeNames").unwrap();
    assert_eq!(names.items().len(), 2, "{names:?}");
    let year = engine.eval("(Get-Date).Year").unwrap();
    assert_eq!(format!("{:?}", year.last), "2030");
}

#[test]
fn two_sessions_in_one_process_know_nothing_of_each_other() {
    let (one, two) = (Engine::new(session()), Engine::new(session()));
    one.eval("Request-TlsCertificate -New -Type Shop -KeyAlg ECDH_P256 | Out-Null").unwrap();
    let count = |engine: &Engine| engine.eval("@(Request-TlsCertificate -List).len()").unwrap().last;
    assert_eq!(format!("{:?}", count(&one)), "1");
    assert_eq!(format!("{:?}", count(&two)), "0");
    let error = two.eval("Set-TlsCertificate -Type Shop -Thumbprint 00").unwrap_err();
    assert_eq!(error.id(), ErrorId::InvalidThumbprint);
}

#[test]
fn it_runs_inside_a_tokio_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sum = runtime.block_on(async {
        let engine = Engine::new(session());
        engine.eval("Request-TlsCertificate -New -Type Shop -KeyAlg ECDH_P256 | Out-Null").unwrap();
        engine.eval("Get-TlsServed 127.0.0.1:1 | Out-Null").unwrap();
        engine.eval("40 + 2").unwrap().last
    });
    assert_eq!(format!("{sum:?}"), "42");
}
