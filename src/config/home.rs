//! A home folder as the world of a session: every backend is named here, and made when it is first needed.

mod authorities;
mod sites;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::sites::listened;
use self::trust::{certificates_in, configured_roots, read, system_roots};
use super::{Configuration, SecretLookup, SecretSource, StateStore, read_certlet_toml};
use crate::ca::{Authority, KeyStore};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ChainTo, Clock, Secret, ServerSettings, Topology};
use crate::probe::ProofSettings;
use crate::servers::{KeySource, Serving};
use crate::session::{Keys, Policy, Site, StepWatch, World};
use crate::state::{AuditCopier, MemoryState, SqliteOptions, SqliteState, State};

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

fn fetch(source: &SecretSource, secrets: &dyn SecretLookup) -> Result<Secret> {
    source.resolve(secrets).map(|text| Secret::new(text.as_str().to_owned()))
}
