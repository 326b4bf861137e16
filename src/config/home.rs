//! A home folder as the world of a session: every backend is named here, and made when it is first needed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(feature = "adcs")]
use super::AdcsAuth;
#[cfg(feature = "acme")]
use super::{AcmeAuthority, AcmeChallenge};
use super::{
    AdcsAuthority, AuthorityClass, AuthorityKind, AuthoritySettings, Configuration, EmbeddedAuthority, SecretLookup,
    SecretSource, StateStore, TemplateApproval, TemplateSubject, read_certlet_toml,
};
#[cfg(feature = "acme")]
use crate::ca::{Acme, AcmeLimits, AcmeMethod, AcmeSettings, DnsMethod};
#[cfg(feature = "adcs")]
use crate::ca::{Adcs, AdcsSettings, LogOn};
use crate::ca::{
    Approval, Authority, Down, Embedded, EmbeddedSettings, KeyStore, Parent, Permissions, Publication, Right,
    SecretResolver, SubjectSource, Template,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{
    Certificate, ChainTo, Clock, KeyAlgorithm, Purpose, Secret, ServerSettings, Slot, Topology, Website,
};
use crate::probe::ProofSettings;
use crate::servers::{
    Children, FilesServer, KeySource, ListenerBinding, ListenerServer, ServedListener, Server, Serving, Unbuilt,
};
use crate::session::{Keys, Policy, Site, StepWatch, World};
use crate::state::{AuditCopier, BindingKey, MemoryState, SqliteOptions, SqliteState, State};
use crate::x509;

/// How long a test or reload command may run.
const CHILD_LIMIT: Duration = Duration::from_secs(60);
/// How long one request to an authority across a wire may take.
#[cfg(feature = "adcs")]
const WIRE_LIMIT: Duration = Duration::from_secs(30);

/// What the host knows of the machine and its user, which the library itself does not look up.
#[derive(Clone)]
pub struct HomeOptions {
    /// The operating-system user who runs this process.
    pub user: String,
    /// Who owns the home folder.
    pub owner: String,
    /// A name of this machine that stays the same over reboots.
    pub machine: String,
    /// Where secrets are fetched.
    pub secrets: Arc<dyn SecretLookup>,
    /// How long a writer waits for the change lease.
    pub lease_wait: Duration,
    /// `[sample]` for a throw-away world.
    pub label: Option<String>,
    /// Told before each step of a change.
    pub on_step: Option<StepWatch>,
}

/// How often the copy of the audit log is made durable at most.
const COPY_INTERVAL: Duration = Duration::from_secs(1);

/// A home folder; opening it reads nothing.
pub struct Home {
    dir: PathBuf,
    options: HomeOptions,
    clock: Arc<dyn Clock>,
    configuration: OnceLock<Result<Arc<Configuration>>>,
    topology: OnceLock<Arc<Topology>>,
    state: OnceLock<Result<Arc<dyn State>>>,
    keys: OnceLock<Result<Arc<Keys>>>,
    sites: OnceLock<Result<Vec<Arc<Site>>>>,
    serving: OnceLock<Result<Arc<Serving>>>,
    authorities: OnceLock<Result<Vec<Arc<dyn Authority>>>>,
    audit_copy: AuditCopier,
    /// When the copy of the audit log was last made durable, on the clock of this run.
    synchronised: Mutex<Option<Duration>>,
    cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Home {
    /// The home in a folder.
    pub fn new(dir: impl Into<PathBuf>, options: HomeOptions, clock: Arc<dyn Clock>) -> Self {
        let dir = dir.into();
        Self {
            audit_copy: AuditCopier::new(dir.join("audit.jsonl")),
            dir,
            options,
            clock,
            configuration: OnceLock::new(),
            topology: OnceLock::new(),
            state: OnceLock::new(),
            keys: OnceLock::new(),
            sites: OnceLock::new(),
            serving: OnceLock::new(),
            authorities: OnceLock::new(),
            synchronised: Mutex::default(),
            cancelled: Arc::new(|| false),
        }
    }

    /// Cuts the test commands of server programs short when the run is to end; reloads are never cut short.
    #[must_use]
    pub fn heeding(mut self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.cancelled = Arc::new(cancelled);
        self
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What `certlet.toml` and the topology say.
    ///
    /// # Errors
    /// `ConfigInvalid`, `TopologyInvalid`.
    pub fn configuration(&self) -> Result<Arc<Configuration>> {
        self.configuration.get_or_init(|| read_certlet_toml(&self.dir.join("certlet.toml")).map(Arc::new)).clone()
    }

    /// Who serves the sites of the built-in listener.
    ///
    /// # Errors
    /// `ConfigInvalid`, `StoreUnavailable`.
    pub(crate) fn serving(&self) -> Result<Arc<Serving>> {
        self.serving
            .get_or_init(|| {
                let configuration = self.configuration()?;
                let bindings =
                    configuration.sites.iter().filter(|s| s.server == ServerSettings::Listener).flat_map(listened);
                Ok(Arc::new(Serving::new(self.state()?, self.key_source()?, bindings.collect())))
            })
            .clone()
    }

    /// Serves the listener's sites from this process; `host:port` and site of each.
    ///
    /// # Errors
    /// `Busy` when another process serves, `EndpointInUse`, `ConfigInvalid`.
    pub fn start_serving(&self) -> Result<Vec<(String, String)>> {
        let mut shown = Vec::new();
        for (binding, addresses) in self.serving()?.start()? {
            for address in addresses {
                shown.push((
                    address.to_string(),
                    format!("{} {} on {}", binding.site, binding.information, binding.computer),
                ));
            }
        }
        Ok(shown)
    }

    /// Stops serving.
    pub fn stop_serving(&self) {
        if let Some(Ok(serving)) = self.serving.get() {
            serving.stop();
        }
    }

    fn stored_keys(&self) -> Result<Arc<Keys>> {
        self.keys
            .get_or_init(|| {
                let configuration = self.configuration()?;
                let secrets = Arc::clone(&self.options.secrets);
                let source = configuration.state.passphrase.clone();
                let passphrase = move || source.as_ref().map(|s| fetch(s, &*secrets)).transpose();
                Ok(Arc::new(Keys::new(self.state()?, Box::new(passphrase))))
            })
            .clone()
    }

    fn key_source(&self) -> Result<KeySource> {
        let keys = self.stored_keys()?;
        Ok(Arc::new(move |id| keys.open(id)))
    }

    fn administrators(&self, configuration: &Configuration) -> Vec<String> {
        configuration.administrators.clone().unwrap_or_else(|| vec![self.options.owner.clone()])
    }

    fn make_site(&self, website: &Website) -> Result<Arc<Site>> {
        let server: Arc<dyn Server> = match &website.server {
            ServerSettings::Listener => {
                let serving = self.serving()?;
                let wake = Arc::clone(&serving);
                let bindings: Vec<BindingKey> = website
                    .bindings
                    .iter()
                    .filter(|b| b.protocol.is_secure())
                    .map(|b| BindingKey {
                        computer: website.computer.as_str().to_ascii_lowercase(),
                        site: website.name.clone(),
                        information: b.information.to_string(),
                        slot: Slot::Any,
                    })
                    .collect();
                let is_loopback =
                    website.bindings.iter().flat_map(|b| &b.endpoints).all(crate::model::Endpoint::is_loopback);
                let listener = ListenerServer::new(
                    self.state()?,
                    self.key_source()?,
                    Arc::clone(&self.clock),
                    bindings,
                    is_loopback,
                    Arc::new(move || wake.wake()),
                );
                Arc::new(ServedListener::new(listener, serving))
            }
            ServerSettings::Files(files) => Arc::new(FilesServer::new(files.clone(), self.children())?),
            ServerSettings::Haproxy(haproxy) if haproxy.socket.is_none() => {
                Arc::new(FilesServer::new(haproxy.files.clone(), self.children())?)
            }
            other => Arc::new(Unbuilt::new(other.kind().name())),
        };
        Ok(Arc::new(Site { website: website.clone(), server }))
    }

    fn children(&self) -> Children {
        Children::new(CHILD_LIMIT, Arc::clone(&self.cancelled))
    }

    fn make_authority(
        &self,
        settings: &AuthoritySettings,
        configuration: &Configuration,
    ) -> Result<Arc<dyn Authority>> {
        let config = settings.name.as_str().to_owned();
        Ok(match &settings.kind {
            AuthorityKind::Embedded(embedded) => {
                Arc::new(Embedded::new(self.embedded(config, settings, embedded, configuration)?)?)
            }
            AuthorityKind::Down => Arc::new(Down::new(config)),
            #[cfg(feature = "acme")]
            AuthorityKind::Acme(acme) => Arc::new(Acme::new(self.acme(config, settings, acme)?)),
            #[cfg(not(feature = "acme"))]
            AuthorityKind::Acme(_) => Arc::new(Down::because(config, "ACME authorities are not part of this build")),
            AuthorityKind::Adcs(adcs) => self.adcs(config, settings, adcs)?,
        })
    }

    #[cfg(feature = "adcs")]
    fn adcs(&self, config: String, settings: &AuthoritySettings, adcs: &AdcsAuthority) -> Result<Arc<dyn Authority>> {
        let log_on = match adcs.auth {
            AdcsAuth::Basic => LogOn::Basic,
            #[cfg(feature = "ntlm")]
            AdcsAuth::Ntlm => LogOn::Ntlm,
            #[cfg(not(feature = "ntlm"))]
            AdcsAuth::Ntlm => return Ok(Arc::new(Down::because(config, "NTLM is not part of this build"))),
        };
        let (configuration, own) = (self.configuration()?, adcs.roots.clone());
        let account = adcs.account.as_ref().map(|(user, source)| {
            let (source, secrets) = (source.clone(), Arc::clone(&self.options.secrets));
            (user.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
        });
        Ok(Arc::new(Adcs::new(AdcsSettings {
            config,
            is_public: settings.class == AuthorityClass::Public,
            url: adcs.url.clone(),
            roots: Arc::new(move || {
                let mut roots = configured_roots(&configuration)?;
                for path in &own {
                    roots.extend(certificates_in(path)?);
                }
                Ok(roots)
            }),
            log_on,
            account,
            limit: WIRE_LIMIT,
        })?))
    }

    #[cfg(not(feature = "adcs"))]
    #[expect(clippy::unused_self, reason = "the same call whether it is built in or not")]
    fn adcs(&self, config: String, _: &AuthoritySettings, _: &AdcsAuthority) -> Result<Arc<dyn Authority>> {
        Ok(Arc::new(Down::because(config, "AD CS authorities are not part of this build")))
    }

    #[cfg(feature = "acme")]
    fn acme(&self, config: String, settings: &AuthoritySettings, acme: &AcmeAuthority) -> Result<AcmeSettings> {
        let is_public = settings.class == AuthorityClass::Public;
        let (configuration, own) = (self.configuration()?, acme.roots.clone());
        let challenge = match &acme.challenge {
            AcmeChallenge::HttpListen(address) => AcmeMethod::HttpListen(address.clone()),
            AcmeChallenge::HttpWebroot(root) => AcmeMethod::HttpWebroot(root.clone()),
            AcmeChallenge::TlsAlpn(address) => AcmeMethod::TlsAlpn(address.clone()),
            AcmeChallenge::Dns { set, clear, resolver, wait } => {
                // A record that is being set is not cut short: the time limit bounds it.
                let children = Children::new(CHILD_LIMIT, Arc::new(|| false));
                AcmeMethod::Dns(DnsMethod {
                    set: set.clone(),
                    clear: clear.clone(),
                    run: Arc::new(move |words| children.run(words)),
                    resolver: *resolver,
                    wait: *wait,
                })
            }
        };
        let default = if is_public { AcmeLimits::PUBLIC } else { AcmeLimits::NONE };
        let limit = |own: Option<u32>, default| own.map_or(default, |n| Some(n).filter(|n| *n > 0));
        Ok(AcmeSettings {
            config,
            is_public,
            directory: acme.directory.clone(),
            roots: Arc::new(move || {
                let mut roots = configured_roots(&configuration)?;
                for path in &own {
                    roots.extend(certificates_in(path)?);
                }
                // Public authorities are trusted as the operating system trusts them, unless their roots are named.
                if is_public && own.is_empty() && !configuration.trust.system {
                    roots.extend(system_roots()?);
                }
                Ok(roots)
            }),
            contact: acme.contact.clone(),
            challenge,
            external_account: acme.external_account.as_ref().map(|account| {
                let (source, secrets) = (account.hmac.clone(), Arc::clone(&self.options.secrets));
                (account.key_id.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
            }),
            preferred_chain: acme.preferred_chain.clone(),
            profile: acme.profile.clone(),
            limits: AcmeLimits {
                duplicates_per_week: limit(acme.limits.duplicates_per_week, default.duplicates_per_week),
                failures_per_hour: limit(acme.limits.failures_per_hour, default.failures_per_hour),
                orders_per_3h: limit(acme.limits.orders_per_3h, default.orders_per_3h),
            },
            permissions: settings.permissions.as_ref().map(rights),
        })
    }

    /// The first embedded authority of the configuration.
    ///
    /// # Errors
    /// `ConfigInvalid` where there is none.
    pub(super) fn first_embedded(&self) -> Result<Embedded> {
        let configuration = self.configuration()?;
        for settings in &configuration.authorities {
            if let AuthorityKind::Embedded(embedded) = &settings.kind {
                let config = settings.name.as_str().to_owned();
                return Embedded::new(self.embedded(config, settings, embedded, &configuration)?);
            }
        }
        Err(Error::new(ErrorId::ConfigInvalid, "no embedded authority is declared"))
    }

    fn embedded(
        &self,
        config: String,
        settings: &AuthoritySettings,
        embedded: &EmbeddedAuthority,
        configuration: &Configuration,
    ) -> Result<EmbeddedSettings> {
        let suffixes = configuration.topology.suffixes();
        let mut permitted: Vec<String> = suffixes.iter().map(ToString::to_string).collect();
        permitted.extend(configuration.topology.computers().map(|c| c.first_label().to_owned()));
        let accounts = embedded.accounts.iter().map(|(name, source)| {
            let (source, secrets) = (source.clone(), Arc::clone(&self.options.secrets));
            (name.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
        });
        Ok(EmbeddedSettings {
            config,
            subject: embedded.subject.clone(),
            key: KeyAlgorithm::named(&embedded.key_algorithm, embedded.key_size)?,
            validity_days: embedded.validity_days,
            next_request_id: u32::try_from(embedded.next_request_id).unwrap_or(1),
            unconstrained: embedded.unconstrained || settings.class == AuthorityClass::Public,
            permitted,
            permissions: settings.permissions.as_ref().map(rights),
            administrators: self.administrators(configuration),
            accounts: accounts.collect(),
            templates: embedded.templates.iter().map(template).collect(),
            parent: if embedded.offline_parent { Parent::Offline } else { Parent::Itself },
            crl: embedded.crl.as_ref().map(|crl| Publication {
                url: crl.url.clone(),
                file: crl.file.clone(),
                days: crl.days,
                overlap_hours: crl.overlap_hours,
            }),
        })
    }
}

impl World for Home {
    fn state(&self) -> Result<Arc<dyn State>> {
        self.state
            .get_or_init(|| {
                let configuration = self.configuration()?;
                Ok(match &configuration.state.store {
                    StateStore::Memory => Arc::new(MemoryState::new()) as Arc<dyn State>,
                    StateStore::Sqlite(path) => Arc::new(SqliteState::open(path, SqliteOptions::in_home(&self.dir))?),
                })
            })
            .clone()
    }

    fn existing_state(&self) -> Option<Arc<dyn State>> {
        let is_there = match &self.configuration().ok()?.state.store {
            StateStore::Memory => true,
            StateStore::Sqlite(path) => path.is_file(),
        };
        is_there.then(|| self.state().ok()).flatten()
    }

    fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        Ok(self.stored_keys()?)
    }

    fn topology(&self) -> Result<Arc<Topology>> {
        let configuration = self.configuration()?;
        Ok(Arc::clone(self.topology.get_or_init(|| Arc::new(configuration.topology.clone()))))
    }

    fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>> {
        self.authorities
            .get_or_init(|| {
                let configuration = self.configuration()?;
                configuration.authorities.iter().map(|a| self.make_authority(a, &configuration)).collect()
            })
            .clone()
    }

    fn sites(&self) -> Result<Vec<Arc<Site>>> {
        self.sites
            .get_or_init(|| self.configuration()?.sites.iter().map(|website| self.make_site(website)).collect())
            .clone()
    }

    fn roots(&self, clients: &ChainTo) -> Result<Vec<Certificate>> {
        let configuration = self.configuration()?;
        match clients {
            ChainTo::System => system_roots(),
            ChainTo::File(path) => certificates_in(path),
            ChainTo::Configured => configured_roots(&configuration),
        }
    }

    fn crls(&self) -> Result<Vec<Vec<u8>>> {
        self.configuration()?.trust.crls.iter().map(|path| read(path)).collect()
    }

    fn policy(&self) -> Result<Policy> {
        let configuration = self.configuration()?;
        let user = self.options.user.clone();
        let principal = configuration.principal.clone().unwrap_or_else(|| user.clone());
        let is_believed =
            configuration.trust_principal || self.options.label.is_some() || principal.eq_ignore_ascii_case(&user);
        if !is_believed {
            return Err(Error::new(
                ErrorId::ConfigInvalid,
                format!("`principal` says `{principal}`, and the operating system says `{user}`"),
            )
            .about("principal")
            .hint("take `principal` out of `certlet.toml`, or add `trust_principal = true`"));
        }
        Ok(Policy {
            user,
            principal,
            administrators: self.administrators(&configuration),
            machine: self.options.machine.clone(),
            read_only: false,
        })
    }

    fn proof(&self) -> Result<ProofSettings> {
        let proof = &self.configuration()?.proof;
        Ok(ProofSettings {
            matches: proof.matches,
            window: proof.window,
            deadline: proof.deadline,
            probe_timeout: proof.timeout,
            skew: proof.skew,
        })
    }

    fn resolve_path(&self, path: &str) -> Result<PathBuf> {
        let configuration = self.configuration()?;
        // A relative path is the operator's own: it starts from the folder of the process.
        Ok(configuration.paths.resolve(path, Path::new("."))?.path)
    }

    fn lease_wait(&self) -> Duration {
        self.options.lease_wait
    }

    fn recover_max_age(&self) -> Duration {
        self.configuration().map_or(Duration::from_secs(3600), |c| c.proof.recover_max_age)
    }

    fn proof_max_age(&self) -> Duration {
        self.configuration().map_or(Duration::from_secs(24 * 3600), |c| c.proof.max_age)
    }

    fn label(&self) -> Option<String> {
        self.options.label.clone()
    }

    fn on_step(&self, step: &str) {
        if let Some(watch) = &self.options.on_step {
            watch(step);
        }
    }

    fn after_commit(&self) -> Result<()> {
        let now = self.clock.elapsed();
        let last = *self.synchronised.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state()?;
        // The log itself is durable; of a run of many changes the copy is made so once a second.
        if last.is_some_and(|last| now.saturating_sub(last) < COPY_INTERVAL) {
            return self.audit_copy.copy_soon(&*state).map(|_| ());
        }
        self.audit_copy.copy(&*state)?;
        *self.synchronised.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}

fn listened(website: &Website) -> Vec<ListenerBinding> {
    let of = |b: &crate::model::Binding| ListenerBinding {
        computer: website.computer.as_str().to_ascii_lowercase(),
        site: website.name.clone(),
        information: b.information.to_string(),
        protocol: b.protocol,
        endpoints: b.endpoints.clone(),
    };
    website.bindings.iter().map(of).collect()
}

fn rights(settings: &super::Permissions) -> Permissions {
    let right = |r: &super::Right| match r {
        super::Right::Read => Right::Read,
        super::Right::Enroll => Right::Enroll,
        super::Right::Issue => Right::Issue,
    };
    settings.iter().map(|(who, rights)| (who.clone(), rights.iter().map(right).collect())).collect()
}

fn template(settings: &super::TemplateSettings) -> Template {
    Template {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        minimum_key_size: settings.minimum_key_size,
        purposes: settings.eku.iter().map(|oid| Purpose::from_oid(oid)).collect(),
        subject: match settings.subject {
            TemplateSubject::Request => SubjectSource::Request,
            TemplateSubject::Directory => SubjectSource::Directory,
        },
        exportable: settings.exportable,
        deploy: settings.deploy,
        approval: match settings.approval {
            TemplateApproval::Automatic => Approval::Automatic,
            TemplateApproval::Manager => Approval::Manager,
        },
        validity_days: settings.validity_days,
        permissions: settings.permissions.as_ref().map(rights),
        authority: settings.authority,
    }
}

fn fetch(source: &SecretSource, secrets: &dyn SecretLookup) -> Result<Secret> {
    source.resolve(secrets).map(|text| Secret::new(text.as_str().to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    crate::session::read_artefact(path, &path.display().to_string())
}

fn certificates_in(path: &Path) -> Result<Vec<Certificate>> {
    let shown = path.display().to_string();
    let contents = x509::read_any(&read(path)?, None).map_err(|e| e.about(shown))?;
    Ok(contents.certificates().to_vec())
}

/// The roots of `[trust]`.
fn configured_roots(configuration: &Configuration) -> Result<Vec<Certificate>> {
    let mut roots = Vec::new();
    for path in &configuration.trust.roots {
        roots.extend(certificates_in(path)?);
    }
    if configuration.trust.system {
        roots.extend(system_roots()?);
    }
    Ok(roots)
}

/// The roots of the operating system; those that our strict reader refuses are left out.
fn system_roots() -> Result<Vec<Certificate>> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Error::new(ErrorId::ConfigInvalid, "the operating system's root certificates were not found"));
    }
    Ok(found.certs.iter().filter_map(|der| x509::parse_certificate(der).ok()).collect())
}
