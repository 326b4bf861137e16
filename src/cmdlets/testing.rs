//! A small world for tests of verbs: Contoso's sample, certificates, a server and a prober that do as told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::ca;
use crate::command::{Args, Cancel, Facts, Host, Invocation, Message, Registry, Stream, Value, Verb};
use crate::config::{read_certlet_toml, sample};
use crate::error::{Error, ExitCode, Result};
use crate::model::{
    Binding, Certificate, Endpoint, KeyAlgorithm, KeyFamily, Moment, SiteState, Slot, Topology, Website, Zone,
};
use crate::probe::testing::{Authority, FakeClock, Issued, Oddities, WallClock};
use crate::probe::{Miss, Prober, Sighting, Target, TlsVersion};
use crate::servers::{Image, Material, ObjectId, ObjectState, Server};
use crate::session::{Policy, Session};
use crate::state::{
    AssignmentKey, AssignmentRow, BindingKey, BoundRow, CertificateRow, KeyRow, MemoryState, Row, RowKey, Sealed,
    State, Store, SubmissionRow, Write,
};

/// The computer on which the tests work.
pub(super) const COMPUTER: &str = "fe01.contoso.net";

/// The names that the three uses of the sample ask for together.
pub(super) const NAMES: [&str; 8] = [
    "pool01.contoso.net",
    "fe01.contoso.net",
    "sip.contoso.com",
    "webpool01.contoso.net",
    "meet.contoso.com",
    "dialin.contoso.com",
    "admin.contoso.com",
    "webpool01.contoso.com",
];

/// Contoso's sample: the certificate `old` is stored, assigned to the three uses, bound and served.
pub(super) struct TestWorld {
    topology: Topology,
    websites: Vec<Website>,
    pub(super) state: Arc<MemoryState>,
    pub(super) authority: Authority,
    certificates: BTreeMap<&'static str, Issued>,
    pub(super) prober: Arc<FakeProber>,
    clock: Arc<FakeClock>,
    authorities: Vec<Arc<dyn ca::Authority>>,
    registry: Registry,
}

/// What a verb did.
pub(super) struct Done {
    result: Result<()>,
    values: Vec<Value>,
    pub(super) messages: Vec<Message>,
    pub(super) exit: ExitCode,
}

impl Done {
    /// What was emitted by a verb that did not fail.
    #[track_caller]
    pub(super) fn emitted(self) -> Vec<Value> {
        if let Err(error) = &self.result {
            panic!("{}: {error} {:?}", error.id(), error.hints());
        }
        self.values
    }

    /// What the verb failed with.
    #[track_caller]
    pub(super) fn error(self) -> Error {
        self.result.expect_err("it did not fail")
    }

    /// The errors that did not end it.
    pub(super) fn errors(&self) -> Vec<&Error> {
        self.messages.iter().filter_map(|message| message.error.as_ref()).collect()
    }

    /// The messages of a stream.
    pub(super) fn said(&self, stream: Stream) -> Vec<&str> {
        self.messages.iter().filter(|m| m.stream == stream).map(|m| m.text.as_str()).collect()
    }
}

/// A property of each object, as text.
#[track_caller]
pub(super) fn texts(values: &[Value], property: &str) -> Vec<String> {
    values
        .iter()
        .map(|v| v.property(property).unwrap_or_else(|| panic!("`{}` has no `{property}`", v.type_name())))
        .map(|v| v.display(&Zone::utc()))
        .collect()
}

impl TestWorld {
    pub(super) fn contoso() -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in sample::files(&sample::Sample::Contoso) {
            std::fs::write(home.path().join(name), text).unwrap();
        }
        let configuration = read_certlet_toml(&home.path().join("certlet.toml")).unwrap();
        let clock = FakeClock::at(crate::model::Clock::now(&WallClock::new()));
        let world = Self {
            topology: configuration.topology,
            websites: configuration.sites,
            state: Arc::new(MemoryState::default()),
            authority: Authority::new("Contoso"),
            certificates: BTreeMap::new(),
            prober: Arc::default(),
            clock: Arc::new(clock),
            authorities: Vec::new(),
            registry: super::registry(),
        };
        world
            .with("old", &NAMES)
            .assigned("Default", "old")
            .assigned("WebServicesInternal", "old")
            .assigned("WebServicesExternal", "old")
            .bound("*:443:", "old")
            .bound("*:4443:", "old")
            .bound("*:5061:", "old")
            .serving("127.0.0.1:443", "old")
            .serving("127.0.0.1:4443", "old")
            .serving("127.0.0.1:5061", "old")
    }

    /// Stores a certificate of the test authority with its key.
    pub(super) fn with(self, name: &'static str, names: &[&str]) -> Self {
        self.with_odd(name, names, &Oddities::default())
    }

    pub(super) fn with_odd(mut self, name: &'static str, names: &[&str], odd: &Oddities) -> Self {
        let issued = self.authority.issue_odd(names, odd);
        let now = self.session().now();
        let key = KeyRow { sealed: Sealed(Vec::new()), exportable: false, added: now, quarantined_until: None };
        let mut row = CertificateRow::of(&issued.leaf, Store::My, "a test", now);
        row.chain = vec![self.authority.intermediate.fingerprint()];
        let above = CertificateRow::of(&self.authority.intermediate, Store::Ca, "a test", now);
        self.write(&[
            Write::put(RowKey::Certificate(self.authority.intermediate.fingerprint()), Row::Certificate(above)),
            Write::put(RowKey::Key(row.key), Row::Key(key)),
            Write::put(RowKey::Certificate(issued.leaf.fingerprint()), Row::Certificate(row)),
        ]);
        self.certificates.insert(name, issued);
        self
    }

    /// Takes the private key of a certificate away.
    pub(super) fn without_key(self, name: &str) -> Self {
        self.write(&[Write::remove(RowKey::Key(self.leaf(name).key_id()))]);
        self
    }

    /// Takes a certificate out of the store.
    pub(super) fn vanished(self, name: &str) -> Self {
        self.write(&[Write::remove(RowKey::Certificate(self.leaf(name).fingerprint()))]);
        self
    }

    pub(super) fn assigned(self, use_name: &str, name: &str) -> Self {
        let updated = self.session().now();
        let row =
            AssignmentRow { certificate: Some(self.leaf(name).fingerprint()), previous: None, staged: None, updated };
        self.write(&[Write::put(assignment(use_name), Row::Assignment(row))]);
        self
    }

    pub(super) fn unassigned(self, use_name: &str) -> Self {
        self.write(&[Write::remove(assignment(use_name))]);
        self
    }

    pub(super) fn bound(self, information: &str, name: &str) -> Self {
        let row = BoundRow { certificate: self.leaf(name).fingerprint(), since: self.session().now() };
        self.write(&[Write::put(RowKey::Bound(self.binding_key(information)), Row::Bound(row))]);
        self
    }

    pub(super) fn unbound(self, information: &str) -> Self {
        self.write(&[Write::remove(RowKey::Bound(self.binding_key(information)))]);
        self
    }

    /// Makes an endpoint serve a certificate.
    pub(super) fn serving(self, address: &str, name: &str) -> Self {
        self.prober.0.lock().unwrap().insert(address.to_owned(), Ok(self.certificates[name].clone()));
        self
    }

    /// Makes an endpoint answer with a failure.
    pub(super) fn failing(self, address: &str, miss: Miss) -> Self {
        self.prober.0.lock().unwrap().insert(address.to_owned(), Err(miss));
        self
    }

    /// Changes a binding of the configuration.
    pub(super) fn binding(mut self, information: &str, change: impl FnOnce(&mut Binding)) -> Self {
        let binding =
            self.websites.iter_mut().flat_map(|w| &mut w.bindings).find(|b| b.information.to_string() == information);
        change(binding.unwrap());
        self
    }

    /// Takes a site out of the configuration.
    pub(super) fn without_site(mut self, name: &str) -> Self {
        self.websites.retain(|w| w.name != name);
        self
    }

    pub(super) fn stopped(mut self, name: &str) -> Self {
        self.websites.iter_mut().find(|w| w.name == name).unwrap().state = SiteState::Stopped;
        self
    }

    pub(super) fn topology(mut self, change: impl FnOnce(&mut Topology)) -> Self {
        change(&mut self.topology);
        self
    }

    pub(super) fn with_authority(mut self, authority: Arc<dyn ca::Authority>) -> Self {
        self.authorities.push(authority);
        self
    }

    pub(super) fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    pub(super) fn leaf(&self, name: &str) -> &Certificate {
        &self.certificates[name].leaf
    }

    pub(super) fn thumbprint(&self, name: &str) -> String {
        self.leaf(name).thumbprint().to_string()
    }

    pub(super) fn session(&self) -> Session {
        let mut builder = Session::builder()
            .clock(Arc::clone(&self.clock) as Arc<dyn crate::model::Clock>)
            .state(Arc::clone(&self.state) as Arc<dyn State>)
            .topology(self.topology.clone())
            .roots(vec![self.authority.root.clone()])
            .prober(Arc::clone(&self.prober) as Arc<dyn Prober>)
            .policy(Policy {
                user: "kenmyer".into(),
                principal: r"contoso\kenmyer".into(),
                administrators: vec![r"contoso\kenmyer".into()],
                machine: "test".into(),
                read_only: false,
            });
        for website in &self.websites {
            builder = builder.site(website.clone(), Arc::new(FakeServer));
        }
        for authority in &self.authorities {
            builder = builder.authority(Arc::clone(authority));
        }
        builder.build()
    }

    /// Runs a verb with these parameters; switches are given `true`.
    pub(super) fn run(&self, verb: &Verb, parameters: &[(&str, Value)]) -> Done {
        self.run_with(verb, parameters, Vec::new())
    }

    /// Runs a verb that reads these objects itself.
    pub(super) fn run_with(&self, verb: &Verb, parameters: &[(&str, Value)], input: Vec<Value>) -> Done {
        run(&self.session(), &self.registry, verb, parameters, input)
    }

    fn binding_key(&self, information: &str) -> BindingKey {
        let has = |w: &&Website| w.bindings.iter().any(|b| b.information.to_string() == information);
        let site = self.websites.iter().find(has).unwrap().name.clone();
        BindingKey { computer: COMPUTER.into(), site, information: information.into(), slot: Slot::Any }
    }

    fn write(&self, batch: &[Write]) {
        self.state.write(batch).unwrap();
    }
}

/// Runs a verb in any session.
pub(super) fn run(
    session: &Session,
    registry: &Registry,
    verb: &Verb,
    parameters: &[(&str, Value)],
    input: Vec<Value>,
) -> Done {
    let mut host = TestHost {
        values: Vec::new(),
        messages: Vec::new(),
        exit: ExitCode::Done,
        input: input.into_iter(),
        registry: registry.clone(),
    };
    let result = bind(verb, parameters, session).and_then(|args| {
        let mut invocation = Invocation::new(verb.spec, session, &mut host);
        verb.run(&mut invocation, &args)
    });
    Done { result, values: host.values, messages: host.messages, exit: host.exit }
}

fn bind(verb: &Verb, parameters: &[(&str, Value)], facts: &dyn Facts) -> Result<Args> {
    let specs = || verb.spec.parameters.iter();
    let set = parameters
        .iter()
        .filter_map(|(name, _)| specs().find(|p| p.name == *name))
        .find_map(|p| p.sets.first())
        .unwrap_or(&verb.spec.parameter_sets()[0]);
    let mut args = Args::new(set);
    for (name, value) in parameters {
        let spec = specs().find(|p| p.name == *name).unwrap_or_else(|| panic!("`{}` has no -{name}", verb.spec.name));
        args.bind(spec.name, (spec.check)(value, facts)?);
    }
    Ok(args)
}

fn assignment(use_name: &str) -> RowKey {
    RowKey::Assignment(AssignmentKey { scope: COMPUTER.into(), use_name: use_name.into(), slot: Slot::Any })
}

/// A host that collects.
struct TestHost {
    values: Vec<Value>,
    messages: Vec<Message>,
    exit: ExitCode,
    input: std::vec::IntoIter<Value>,
    registry: Registry,
}

impl Host for TestHost {
    fn emit(&mut self, value: Value) -> Result<()> {
        self.values.push(value);
        Ok(())
    }

    fn next_input(&mut self) -> Result<Option<Value>> {
        Ok(self.input.next())
    }

    fn say(&mut self, message: Message) -> Result<()> {
        self.messages.push(message);
        Ok(())
    }

    fn report(&mut self, error: Error) -> Result<()> {
        let mut message = Message::new(Stream::Error, error.message());
        message.error = Some(error);
        self.messages.push(message);
        Ok(())
    }

    fn note_exit(&mut self, exit: ExitCode) {
        self.exit = self.exit.gravest(exit);
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
        self.registry.clone()
    }
}

/// Answers for each address with a certificate or a failure; nobody is at the others.
#[derive(Default)]
pub(super) struct FakeProber(Mutex<BTreeMap<String, Result<Issued, Miss>>>);

impl Prober for FakeProber {
    fn handshake(&self, target: &Target, cancelled: &dyn Fn() -> bool) -> Result<Sighting, Miss> {
        if cancelled() {
            return Err(Miss::Cancelled);
        }
        let issued = match self.0.lock().unwrap().get(&target.address) {
            None => return Err(Miss::Down("the connection is refused".into())),
            Some(answer) => answer.clone()?,
        };
        let is_elliptic = issued.leaf.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic);
        let family = if is_elliptic { KeyFamily::Ecdsa } else { KeyFamily::Rsa };
        if target.family != KeyFamily::Any && target.family != family {
            return Err(Miss::Off("alert `handshake_failure`".into()));
        }
        let now = crate::model::Clock::now(&WallClock::new());
        Ok(Sighting {
            leaf: issued.leaf,
            chain: issued.chain,
            version: target.version,
            scheme: match family {
                KeyFamily::Rsa => "RSA_PSS_SHA256".into(),
                _ => "ECDSA_NISTP256_SHA256".into(),
            },
            alpn: target.alpn.first().filter(|_| target.version == TlsVersion::Tls13).cloned(),
            staple: None,
            local_address: "127.0.0.1:50000".into(),
            started: now,
            ended: now,
        })
    }
}

/// The built-in listener's manners: on loopback alone, its port 0 is the binding's own port.
struct FakeServer;

impl Server for FakeServer {
    fn images(&self, _: &BindingKey, _: &Material<'_>) -> Result<Vec<(ObjectId, Image)>> {
        Ok(Vec::new())
    }

    fn objects(&self, _: &BindingKey) -> Vec<ObjectId> {
        Vec::new()
    }

    fn observe(&self, _: &ObjectId) -> Result<ObjectState> {
        Ok(ObjectState::Absent)
    }

    fn read(&self, _: &ObjectId) -> Result<Option<Image>> {
        Ok(None)
    }

    fn put(&self, _: &ObjectId, _: Option<&Image>) -> Result<()> {
        Ok(())
    }

    fn activation(&self) -> String {
        String::new()
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn activate(&self) -> Result<()> {
        Ok(())
    }

    fn endpoints(&self, binding: &BindingKey, declared: &[Endpoint]) -> Result<Vec<String>> {
        let port = binding.information.split(':').nth(1).unwrap_or_default();
        Ok(declared.iter().map(|e| e.to_string().replace(":0", &format!(":{port}"))).collect())
    }

    fn is_loopback_only(&self) -> bool {
        true
    }
}

/// An authority that shows itself and issues nothing.
pub(super) struct FakeAuthority {
    config: String,
    /// Its certificates, where it is inside.
    chain: Option<Vec<Certificate>>,
}

impl FakeAuthority {
    /// One that certlet itself is, with two templates.
    pub(super) fn inside(config: &str, authority: &Authority) -> Self {
        Self { config: config.to_owned(), chain: Some(vec![authority.intermediate.clone(), authority.root.clone()]) }
    }

    /// A public one across a network, which must not be asked.
    pub(super) fn remote(config: &str) -> Self {
        Self { config: config.to_owned(), chain: None }
    }
}

impl ca::Authority for FakeAuthority {
    fn config(&self) -> &str {
        &self.config
    }

    fn is_inside(&self) -> bool {
        self.chain.is_some()
    }

    fn is_public(&self) -> bool {
        self.chain.is_none()
    }

    fn preflight(&self, _: &ca::Context<'_>, _: &ca::Inquiry<'_>) -> Result<()> {
        Err(unreachable())
    }

    fn begin(&self, _: &ca::Context<'_>, _: &ca::Submission) -> Result<ca::Answer> {
        Err(unreachable())
    }

    fn advance(&self, _: &ca::Context<'_>, _: &str) -> Result<ca::Answer> {
        Err(unreachable())
    }

    fn chain(&self, _: &ca::Context<'_>) -> Result<Vec<Certificate>> {
        self.chain.clone().ok_or_else(unreachable)
    }

    fn as_database(&self) -> Option<&dyn ca::Database> {
        self.chain.as_ref().map(|_| self as &dyn ca::Database)
    }
}

impl ca::Database for FakeAuthority {
    fn templates(&self) -> Vec<ca::TemplateFacts> {
        let template = |name: &str, needs_approval| ca::TemplateFacts {
            name: name.to_owned(),
            display_name: name.to_owned(),
            minimum_key_size: 2048,
            purposes: vec!["1.3.6.1.5.5.7.3.1".to_owned()],
            subject_from_directory: false,
            exportable: false,
            deploy: true,
            needs_approval,
            validity_days: 730,
            authority: false,
        };
        vec![template("WebServer", false), template("Approval", true)]
    }

    fn may_enroll(&self, _: &str, template: &str) -> bool {
        template == "WebServer"
    }

    fn approve(&self, _: &ca::Context<'_>, _: &str, _: u32) -> Result<Vec<Write>> {
        Err(unreachable())
    }

    fn deny(&self, _: &ca::Context<'_>, _: &str, _: u32, _: &str) -> Result<Vec<Write>> {
        Err(unreachable())
    }

    fn revoke(&self, _: &ca::Context<'_>, _: &str, _: &str, _: u8) -> Result<Vec<Write>> {
        Err(unreachable())
    }

    fn revocation_list(&self, _: &ca::Context<'_>) -> Result<(Vec<u8>, Vec<Write>)> {
        Err(unreachable())
    }

    fn publication(&self) -> Option<&ca::Publication> {
        None
    }

    fn check_list(&self, _: &ca::Context<'_>, _: &[u8]) -> Result<Moment> {
        Err(unreachable())
    }

    fn requests(&self, _: &ca::Context<'_>, _: &str, _: Option<u32>) -> Result<Vec<(u32, SubmissionRow)>> {
        Err(unreachable())
    }

    fn check_certified(&self, _: &ca::Context<'_>) -> Result<()> {
        Ok(())
    }

    fn request_own(&self, _: &ca::Context<'_>, _: &str) -> Result<(Vec<u8>, Vec<Write>)> {
        Err(unreachable())
    }

    fn install_own(
        &self,
        _: &ca::Context<'_>,
        _: &str,
        _: &[Certificate],
        _: &[Certificate],
    ) -> Result<(Vec<Certificate>, Vec<Write>)> {
        Err(unreachable())
    }

    fn renew_own(&self, _: &ca::Context<'_>, _: &str, _: bool) -> Result<(Certificate, Vec<Write>)> {
        Err(unreachable())
    }
}

fn unreachable() -> Error {
    Error::new(crate::error::ErrorId::CaUnreachable, "it does not answer")
}
