//! The main job on a fresh sample world, without the engine: list, request, assign, prove.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Home, HomeOptions, SecretLookup, sample};
use crate::command::{Args, Cancel, Host, Invocation, Message, Registry, Value};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::Clock;
use crate::session::{Session, StepWatch, SystemClock, World};

struct NoSecrets;

impl SecretLookup for NoSecrets {
    fn file(&self, path: &Path) -> Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, format!("`{}`", path.display())))
    }

    fn environment(&self, name: &str) -> Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::ConfigInvalid, format!("`{name}` is not set")))
    }
}

#[derive(Default)]
pub(super) struct TestHost {
    pub(super) emitted: Vec<Value>,
    pub(super) said: Vec<String>,
    pub(super) exit: Option<ExitCode>,
}

impl Host for TestHost {
    fn emit(&mut self, value: Value) -> Result<()> {
        self.emitted.push(value);
        Ok(())
    }

    fn next_input(&mut self) -> Result<Option<Value>> {
        Ok(None)
    }

    fn say(&mut self, message: Message) -> Result<()> {
        self.said.push(format!("{}: {}", message.stream.name(), message.text));
        Ok(())
    }

    fn report(&mut self, error: Error) -> Result<()> {
        self.said.push(format!("error: {error}"));
        Ok(())
    }

    fn note_exit(&mut self, exit: ExitCode) {
        self.exit = Some(self.exit.unwrap_or(ExitCode::Done).gravest(exit));
    }

    fn what_if(&self) -> bool {
        false
    }

    fn confirm(&mut self, _: &str, _: &str) -> Result<bool> {
        Ok(true)
    }

    fn is_verbose(&self) -> bool {
        true
    }

    fn cancel(&self) -> Cancel {
        Cancel::new()
    }

    fn registry(&self) -> Registry {
        crate::cmdlets::registry()
    }
}

pub(super) fn call(
    session: &Session,
    verb: &str,
    set: &'static str,
    arguments: &[(&'static str, Value)],
) -> (TestHost, Result<()>) {
    let registry = crate::cmdlets::registry();
    let verb = registry.verb(verb).unwrap();
    let mut args = Args::new(set);
    for (name, value) in arguments {
        let spec = verb.spec.parameters.iter().find(|p| p.name == *name).unwrap();
        args.bind(spec.name, (spec.check)(value, session).unwrap());
    }
    let mut host = TestHost::default();
    let outcome = verb.run(&mut Invocation::new(verb.spec, session, &mut host), &args);
    (host, outcome)
}

pub(super) fn sample_session(dir: &Path) -> (Arc<Home>, Session) {
    for (name, text) in sample::files(&sample::Sample::Contoso) {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (home, session) = open(dir, None);
    home.populate_sample(&clock).unwrap();
    (home, session)
}

pub(super) fn open(dir: &Path, on_step: Option<StepWatch>) -> (Arc<Home>, Session) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let options = HomeOptions {
        user: "operator".into(),
        owner: "operator".into(),
        machine: "here".into(),
        secrets: Arc::new(NoSecrets),
        lease_wait: Duration::from_secs(5),
        label: Some("sample".into()),
        on_step,
    };
    let home = Arc::new(Home::new(dir, options, Arc::clone(&clock)));
    let session = Session::of(Arc::clone(&home) as Arc<dyn World>, clock);
    (home, session)
}

#[test]
fn list_request_assign_and_prove() {
    let dir = tempfile::tempdir().unwrap();
    let (_home, session) = sample_session(dir.path());
    let (listed, outcome) = call(&session, "Get-CsCertificate", "", &[]);
    outcome.unwrap();
    assert_eq!(listed.emitted.len(), 3, "{:?}", listed.said);
    let old = listed.emitted[0].property("Thumbprint").unwrap().display(&session.zone());

    let (requested, outcome) = call(
        &session,
        "Request-CsCertificate",
        "ByNew",
        &[
            ("New", Value::Bool(true)),
            ("Type", Value::text("Default,WebServicesInternal,WebServicesExternal")),
            ("CA", Value::text(r"dc01.contoso.net\contoso-DC01-CA")),
            ("DomainName", Value::text("LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com")),
        ],
    );
    outcome.unwrap();
    assert_eq!(requested.emitted.len(), 1, "{:?}", requested.said);
    let names = requested.emitted[0].property("AlternativeNames").unwrap();
    assert_eq!(names.items().len(), 10, "{names:?}");
    let new = requested.emitted[0].property("Thumbprint").unwrap();

    let types = Value::text("Default,WebServicesInternal,WebServicesExternal");
    let (assigned, outcome) =
        call(&session, "Set-CsCertificate", "Thumbprint", &[("Type", types.clone()), ("Thumbprint", new.clone())]);
    if let Err(error) = &outcome {
        panic!("{error} {:?} {:?}", error.hints(), assigned.said);
    }
    assert_eq!(assigned.emitted.len(), 3, "{:?}", assigned.said);
    assert_eq!(assigned.exit.unwrap_or(ExitCode::Done), ExitCode::Done, "{:?}", assigned.said);
    for record in &assigned.emitted {
        assert_eq!(record.property("PreviousThumbprint").unwrap().display(&session.zone()), old);
    }
    let state = session.state().unwrap();
    let before = state.data_version().unwrap();
    let (again, outcome) = call(&session, "Set-CsCertificate", "Thumbprint", &[("Type", types), ("Thumbprint", new)]);
    outcome.unwrap();
    assert_eq!(again.emitted.len(), 3);
    assert_eq!(state.data_version().unwrap(), before, "a second identical Set writes nothing");
    assert!(state.open_operations().unwrap().is_empty());

    let (removed, outcome) =
        call(&session, "Remove-CsCertificate", "", &[("Type", Value::text("WebServicesExternal"))]);
    if let Err(error) = &outcome {
        panic!("{error} {:?} {:?}", error.hints(), removed.said);
    }
    let (listed, _) = call(&session, "Get-CsCertificate", "", &[]);
    assert_eq!(listed.emitted.len(), 2);
}
