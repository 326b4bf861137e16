//! A few small verbs, a fixed clock and a console that listens: what the tests of the engine run on.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::command::{
    Args, Console, Facts, Impact, Input, Invocation, Kind, Message, Param, Pipeline, Property, Question, Record,
    Registry, Spec, Stream, Switch, Value, Values, Verb, View,
};
use crate::engine::{Engine, EngineBuilder, Outcome};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::{Clock, Moment, Zone};
use crate::session::Session;

pub(super) const OLD: &str = "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
const USES: &[&str] = &["Default", "WebServicesInternal", "WebServicesExternal", "OAuthTokenIssuer"];
const NAMES: &[&str] = &["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"];

struct Certificate {
    used_for: &'static str,
    thumbprint: String,
}

const PROPERTIES: &[Property] = &[
    Property::new("Issuer"),
    Property::new("NotAfter"),
    Property::new("AlternativeNames"),
    Property::new("Thumbprint"),
    Property::new("Use"),
    Property::hidden("Type"),
];

static CERTIFICATE: Kind = Kind::new("CertificateReference", PROPERTIES, View::List);

impl Record for Certificate {
    fn kind(&self) -> &Kind {
        &CERTIFICATE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => "CN=contoso-DC01-CA, DC=contoso, DC=net".into(),
            1 => Moment::parse("2026-12-31T18:00:00Z", &Zone::utc()).unwrap().into(),
            2 => Value::list(NAMES.iter().map(Value::text)),
            3 => Value::text(&self.thumbprint),
            _ => self.used_for.into(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

static TYPE: Param<Vec<String>> = Param::named("Type", "The uses").values(Values::Choice(USES));
static IDENTITY: Param<String> = Param::named("Identity", "The scope").at(0);

static GET: Spec = Spec {
    name: "Get-CsCertificate",
    twin: Some("Get-TlsCertificate"),
    functions: &["get_certificate"],
    parameters: &[&TYPE.spec, &IDENTITY.spec],
    ..plain("Get-CsCertificate")
};

const fn plain(name: &'static str) -> Spec {
    Spec {
        name,
        twin: None,
        aliases: &[],
        functions: &[],
        synopsis: "",
        description: "",
        sets: &[],
        parameters: &[],
        input: Input::None,
        emits: None,
        changes: Impact::Reads,
        examples: &[],
        related: &[],
    }
}

fn get(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let wanted = args.get(&TYPE, cx)?;
    for used_for in &USES[..3] {
        if wanted.as_ref().is_none_or(|w| w.iter().any(|w| w == used_for)) {
            cx.emit(Value::object(Certificate { used_for, thumbprint: OLD.into() }))?;
        }
    }
    Ok(())
}

static SET_TYPE: Param<Vec<String>> = Param::named("Type", "The uses").values(Values::Choice(USES));
static THUMBPRINT: Param<String> = Param::named("Thumbprint", "The certificate")
    .sets(&["Thumbprint"])
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName);
static REFERENCE: Param<Arc<dyn Record>> = Param::named("Reference", "The certificate")
    .sets(&["CertificateReference"])
    .mandatory()
    .from_pipeline(Pipeline::ByValue);
static EFFECTIVE: Param<Moment> = Param::named("EffectiveDate", "When").aliases(&["EffectiveTime"]);
static FORCE: Param<Switch> = Param::named("Force", "Do not ask");

static SET: Spec = Spec {
    twin: Some("Set-TlsCertificate"),
    sets: &["CertificateReference", "Thumbprint"],
    parameters: &[&SET_TYPE.spec, &THUMBPRINT.spec, &REFERENCE.spec, &EFFECTIVE.spec, &FORCE.spec],
    input: Input::EachObject,
    changes: Impact::Medium,
    ..plain("Set-CsCertificate")
};

fn set(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let thumbprint = match args.set {
        "CertificateReference" => {
            Value::Object(args.need(&REFERENCE, cx)?).property("Thumbprint").unwrap_or_default().display(&cx.zone())
        }
        _ => args.need(&THUMBPRINT, cx)?,
    };
    if thumbprint.len() != 40 {
        return Err(Error::new(ErrorId::InvalidThumbprint, "this is no thumbprint").about(thumbprint));
    }
    for used_for in args.get(&SET_TYPE, cx)?.unwrap_or_default() {
        if cx.what_if() {
            cx.tell_what_if("Set-CsCertificate", &used_for)?;
            continue;
        }
        if !cx.confirm("Set-CsCertificate", &used_for)? {
            continue;
        }
        cx.verbose(format!("assigned to {used_for}"))?;
        let used_for = USES.iter().find(|u| **u == used_for).copied().unwrap_or("");
        cx.emit(Value::object(Certificate { used_for, thumbprint: thumbprint.clone() }))?;
    }
    Ok(())
}

static NEW: Param<Switch> = Param::named("New", "").sets(&["ByNew"]).at(0).mandatory();
static LIST: Param<Switch> = Param::named("List", "").sets(&["ByList"]).at(0).mandatory();
static REQUEST_TYPE: Param<Vec<String>> =
    Param::named("Type", "The uses").sets(&["ByNew"]).mandatory().values(Values::Choice(USES));
static CA: Param<String> = Param::named("CA", "").sets(&["ByNew"]);
static CA_ACCOUNT: Param<String> = Param::named("CaAccount", "").sets(&["ByNew"]);
static DOMAIN: Param<crate::command::CommaList> = Param::named("DomainName", "").sets(&["ByNew"]);
static PRIVATE: Param<bool> = Param::named("PrivateKeyExportable", "").sets(&["ByNew"]);

static REQUEST: Spec = Spec {
    sets: &["ByNew", "ByList"],
    parameters: &[&NEW.spec, &LIST.spec, &REQUEST_TYPE.spec, &CA.spec, &CA_ACCOUNT.spec, &DOMAIN.spec, &PRIVATE.spec],
    changes: Impact::Medium,
    ..plain("Request-CsCertificate")
};

fn request(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    cx.verbose("asked")?;
    let names = args.get(&DOMAIN, cx)?.map_or_else(Vec::new, |d| d.0);
    cx.emit(format!("{} {} [{}]", args.set, args.get(&CA, cx)?.unwrap_or_default(), names.join("|")))
}

static ECHO_TYPE: Param<Vec<Value>> = Param::named("Type", "").at(0).from_pipeline(Pipeline::ByValue);
static ECHO_PATH: Param<String> = Param::named("Path", "").from_pipeline(Pipeline::ByPropertyName);
static ECHO_FILTER: Param<String> = Param::named("Filter", "");
static ECHO_COUNT: Param<i64> = Param::named("Count", "");
static ECHO_FLAG: Param<Switch> = Param::named("Flag", "");
static ECHO_NETPORT: Param<String> = Param::named("NetportId", "").compat("it is reserved");

/// Emits each of its arguments as text: what came through binding.
static ECHO: Spec = Spec {
    parameters: &[
        &ECHO_TYPE.spec,
        &ECHO_PATH.spec,
        &ECHO_FILTER.spec,
        &ECHO_COUNT.spec,
        &ECHO_FLAG.spec,
        &ECHO_NETPORT.spec,
    ],
    input: Input::EachObject,
    ..plain("Get-X")
};

fn echo(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let zone = cx.zone();
    let texts: Vec<String> = args.iter().map(|(name, value)| format!("{name}={}", value.display(&zone))).collect();
    cx.emit(texts.join(";"))
}

static FAIL_ID: Param<String> = Param::named("Id", "").at(0);
static REPORTED: Param<Switch> = Param::named("Reported", "");
static EXIT: Param<i64> = Param::named("Exit", "");

/// Fails with an error of choice, or reports it and emits `after`.
static FAIL: Spec = Spec { parameters: &[&FAIL_ID.spec, &REPORTED.spec, &EXIT.spec], ..plain("Test-Failure") };

fn fail(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    if let Some(code) = args.get(&EXIT, cx)? {
        cx.note_exit(if code == 6 { ExitCode::Unproven } else { ExitCode::PutBack });
        return Ok(());
    }
    let name = args.get(&FAIL_ID, cx)?.unwrap_or_else(|| "CertificateNotFound".into());
    let id = ErrorId::ALL.iter().find(|id| id.name() == name).copied().unwrap_or(ErrorId::ScriptError);
    let error = Error::new(id, "it failed").about("thing");
    if !args.on(&REPORTED) {
        return Err(error);
    }
    cx.report_error(error)?;
    cx.emit("after")
}

static WARN: Spec = Spec { ..plain("Test-Warning") };

static REMOVE: Spec =
    Spec { parameters: &[&FORCE.spec], changes: Impact::High, input: Input::EachObject, ..plain("Remove-X") };

static MANY_COUNT: Param<i64> = Param::named("Count", "").at(0);
static MANY: Spec = Spec { parameters: &[&MANY_COUNT.spec], ..plain("Get-Many") };

static WAIT: Spec = Spec { ..plain("Wait-Long") };

/// What the console heard.
#[derive(Default)]
pub(super) struct Ear {
    heard: Mutex<Vec<Message>>,
    /// Answers to questions, the next one last; nobody can be asked when there is none.
    answers: Mutex<Vec<String>>,
    /// What was asked.
    asked: Mutex<Vec<String>>,
    interactive: bool,
}

impl Ear {
    pub(super) fn texts(&self, stream: Stream) -> Vec<String> {
        self.heard.lock().unwrap().iter().filter(|m| m.stream == stream).map(|m| m.text.clone()).collect()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn errors(&self) -> Vec<Error> {
        self.heard.lock().unwrap().iter().filter_map(|m| m.error.clone()).collect()
    }

    fn answer(&self) -> Result<String> {
        let next = self.answers.lock().unwrap().pop();
        next.ok_or_else(|| Error::new(ErrorId::NonInteractivePrompt, "nobody is here"))
    }
}

impl Console for Ear {
    fn message(&self, message: &Message) {
        self.heard.lock().unwrap().push(message.clone());
    }

    fn interactive(&self) -> bool {
        self.interactive
    }

    fn choose(&self, question: &Question) -> Result<usize> {
        self.asked.lock().unwrap().push(question.text.clone());
        let answer = self.answer()?;
        Ok(question.answers.iter().position(|(key, _)| key.to_string() == answer).unwrap_or(0))
    }

    fn read_line(&self, _: &str) -> Result<String> {
        self.answer()
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment::parse("2026-11-23T20:50:00Z", &Zone::utc()).unwrap()
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) {}
}

/// An engine on the small verbs, with all that it said.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) ear: Arc<Ear>,
    pub(super) made: Arc<AtomicUsize>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(&[], |builder| builder)
    }

    /// Somebody sits there and gives these answers.
    pub(super) fn asked(answers: &[&str]) -> Self {
        Self::with(answers, |builder| builder)
    }

    pub(super) fn with(answers: &[&str], set_up: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Self {
        let ear = Arc::new(Ear {
            answers: Mutex::new(answers.iter().rev().map(|a| (*a).to_owned()).collect()),
            interactive: !answers.is_empty(),
            ..Ear::default()
        });
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let many = Verb::with(&MANY, move |cx, args| {
            for number in 0..args.get(&MANY_COUNT, cx)?.unwrap_or(3) {
                counter.fetch_add(1, Ordering::SeqCst);
                cx.emit(number)?;
            }
            Ok(())
        });
        let wait = Verb::with(&WAIT, |cx, _| {
            loop {
                cx.check_cancelled()?;
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let registry = Registry::new([
            Verb::new(&GET, get),
            Verb::new(&SET, set),
            Verb::new(&REQUEST, request),
            Verb::new(&ECHO, echo),
            Verb::new(&FAIL, fail),
            Verb::new(&WARN, |cx, _| cx.warn_as("Careful", "mind the gap")),
            Verb::new(&REMOVE, |cx, _| {
                let done = cx.confirm("Remove-X", "the thing")?;
                cx.emit(done)
            }),
            many,
            wait,
        ]);
        let session = Session::builder().clock(Arc::new(Fixed)).build();
        let builder = Engine::builder(session).registry(registry).console(ear.clone());
        Self { engine: set_up(builder).build(), ear, made }
    }

    pub(super) fn run(&self, text: &str) -> Outcome {
        self.engine.eval(text).unwrap_or_else(|e| {
            panic!("{text}\n{}: {} {:?} {:?}", e.id(), e.message(), e.position(), self.ear.errors())
        })
    }

    pub(super) fn fails(&self, text: &str) -> Error {
        match self.engine.eval(text) {
            Ok(outcome) => panic!("{text}: {outcome:?}"),
            Err(error) => error,
        }
    }

    /// What a text emits, as text.
    pub(super) fn out(&self, text: &str) -> Vec<String> {
        self.run(text).objects.iter().map(|v| v.display(&Zone::utc())).collect()
    }
}

/// What a text emits in a fresh world.
pub(super) fn out(text: &str) -> Vec<String> {
    World::new().out(text)
}

/// The error of a text in a fresh world.
pub(super) fn fails(text: &str) -> Error {
    World::new().fails(text)
}
