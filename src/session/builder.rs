//! A session of parts that an embedding program brings along.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::world::{Nowhere, Site, StepWatch, World};
use super::{Keys, Policy, Session, SystemClock};
use crate::ca::{Authority, KeyStore};
use crate::error::Result;
use crate::model::{Certificate, ChainTo, Clock, Secret, Topology, Website};
use crate::probe::{Prober, ProofSettings};
use crate::servers::Server;
use crate::state::{MemoryState, State};

/// Puts a [`Session`] together; every part has a default that opens nothing.
///
/// Without a topology and a policy the session has no home: verbs that need one fail with `NoHome`.
#[derive(Default)]
pub struct SessionBuilder {
    clock: Option<Arc<dyn Clock>>,
    state: Option<Arc<dyn State>>,
    passphrase: Option<Secret>,
    topology: Option<Topology>,
    authorities: Vec<Arc<dyn Authority>>,
    sites: Vec<Arc<Site>>,
    roots: Vec<Certificate>,
    policy: Option<Policy>,
    prober: Option<Arc<dyn Prober>>,
    proof: Option<ProofSettings>,
    folder: PathBuf,
    lease_wait: Option<Duration>,
    on_step: Option<StepWatch>,
}

impl SessionBuilder {
    /// Where the session takes the time from; the operating system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What is remembered; in memory by default.
    #[must_use]
    pub fn state(mut self, state: Arc<dyn State>) -> Self {
        self.state = Some(state);
        self
    }

    /// The passphrase that wraps the private keys of the state.
    #[must_use]
    pub fn passphrase(mut self, passphrase: Secret) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// The facts from which names are computed.
    #[must_use]
    pub fn topology(mut self, topology: Topology) -> Self {
        self.topology = Some(topology);
        self
    }

    /// One more authority.
    #[must_use]
    pub fn authority(mut self, authority: Arc<dyn Authority>) -> Self {
        self.authorities.push(authority);
        self
    }

    /// One more site, with the server program that serves it.
    #[must_use]
    pub fn site(mut self, website: Website, server: Arc<dyn Server>) -> Self {
        self.sites.push(Arc::new(Site { website, server }));
        self
    }

    /// Trusted roots.
    #[must_use]
    pub fn roots(mut self, roots: Vec<Certificate>) -> Self {
        self.roots = roots;
        self
    }

    /// Who acts, and what is allowed.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Who looks at endpoints; rustls by default.
    #[must_use]
    pub fn prober(mut self, prober: Arc<dyn Prober>) -> Self {
        self.prober = Some(prober);
        self
    }

    /// How a proof is made.
    #[must_use]
    pub fn proof(mut self, proof: ProofSettings) -> Self {
        self.proof = Some(proof);
        self
    }

    /// The folder that relative paths start from.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// How long a change waits for another one.
    #[must_use]
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = Some(wait);
        self
    }

    /// Told before each step of a change.
    #[must_use]
    pub fn on_step(mut self, watch: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_step = Some(Arc::new(watch));
        self
    }

    /// The session.
    #[must_use]
    pub fn build(self) -> Session {
        let state = self.state.unwrap_or_else(|| Arc::new(MemoryState::default()));
        let passphrase = self.passphrase;
        let keys = Keys::new(Arc::clone(&state), Box::new(move || Ok(passphrase.clone())));
        let parts = Parts {
            state,
            keys: Arc::new(keys),
            nowhere: Nowhere { looked_at: Vec::new(), folder: self.folder },
            topology: self.topology.map(Arc::new),
            authorities: self.authorities,
            sites: self.sites,
            roots: self.roots,
            policy: self.policy,
            prober: self.prober,
            proof: self.proof.unwrap_or_default(),
            lease_wait: self.lease_wait.unwrap_or(Duration::from_secs(30)),
            on_step: self.on_step,
        };
        Session::of(Arc::new(parts), self.clock.unwrap_or_else(|| Arc::new(SystemClock::default())))
    }
}

struct Parts {
    state: Arc<dyn State>,
    keys: Arc<Keys>,
    nowhere: Nowhere,
    topology: Option<Arc<Topology>>,
    authorities: Vec<Arc<dyn Authority>>,
    sites: Vec<Arc<Site>>,
    roots: Vec<Certificate>,
    policy: Option<Policy>,
    prober: Option<Arc<dyn Prober>>,
    proof: ProofSettings,
    lease_wait: Duration,
    on_step: Option<StepWatch>,
}

impl World for Parts {
    fn state(&self) -> Result<Arc<dyn State>> {
        Ok(Arc::clone(&self.state))
    }

    fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        Ok(Arc::clone(&self.keys) as Arc<dyn KeyStore>)
    }

    fn topology(&self) -> Result<Arc<Topology>> {
        self.topology.clone().map_or_else(|| self.nowhere.topology(), Ok)
    }

    fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>> {
        Ok(self.authorities.clone())
    }

    fn sites(&self) -> Result<Vec<Arc<Site>>> {
        Ok(self.sites.clone())
    }

    fn roots(&self, _: &ChainTo) -> Result<Vec<Certificate>> {
        Ok(self.roots.clone())
    }

    fn policy(&self) -> Result<Policy> {
        self.policy.clone().map_or_else(|| self.nowhere.policy(), Ok)
    }

    fn prober(&self) -> Option<Arc<dyn Prober>> {
        self.prober.clone()
    }

    fn proof(&self) -> Result<ProofSettings> {
        Ok(self.proof)
    }

    fn resolve_path(&self, path: &str) -> Result<PathBuf> {
        self.nowhere.resolve_path(path)
    }

    fn lease_wait(&self) -> Duration {
        self.lease_wait
    }

    fn on_step(&self, step: &str) {
        if let Some(watch) = &self.on_step {
            watch(step);
        }
    }
}
