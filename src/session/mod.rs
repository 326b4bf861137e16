//! Everything that a verb may touch, and the executor of changes.

mod artefacts;
mod assign;
mod assigned;
mod builder;
mod changes;
mod clock;
mod executor;
mod fitness;
mod inventory;
mod kept;
mod keys;
mod lists;
mod members;
mod obtain;
#[cfg(test)]
mod obtain_tests;
mod plan;
mod policy;
mod promote;
mod proofs;
mod quarantine;
mod renewal;
mod revocation;
mod sites;
mod undo;
mod world;
mod worth;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use artefacts::{Artefact, open as open_artefact, read as read_artefact};
pub(crate) use assign::{Assigning, GLOBAL};
pub(crate) use assigned::{Assigned, find_certificate};
pub use builder::SessionBuilder;
pub(crate) use changes::Change;
pub use clock::SystemClock;
pub use executor::OnFailure;
pub(crate) use executor::{RecoverOrder, Recovered};
pub(crate) use fitness::{Candidate, Wish, candidate_fitness, fitness, names_of, rarest_host, wish_fitness};
pub(crate) use inventory::Intake;
pub(crate) use keys::Keys;
pub(crate) use lists::{ListState, PublishedList};
pub(crate) use obtain::{Enrollment, Obtained};
pub use plan::{Deployment, Plan, Receipt, exit_of};
pub use policy::Policy;
pub(crate) use promote::Promotion;
pub(crate) use proofs::LastProof;
pub(crate) use quarantine::{QUARANTINE_DAYS, is_over};
pub(crate) use renewal::{RenewalGroup, Renewed, Source};
pub(crate) use sites::Place;
pub use world::{Nowhere, Site, StepWatch, World};

use crate::ca::{Authority, KeyStore};
use crate::command::Facts;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ChainTo, Clock, Moment, Topology, Zone};
use crate::probe::{Prober, RustlsProber};
use crate::state::{AuditDraft, State, Write};
use crate::x509;

/// Everything that a verb may touch; a cheap clone, safe to share between threads.
///
/// No lock is held while a script block or the network runs.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    world: Arc<dyn World>,
    clock: Arc<dyn Clock>,
}

impl Session {
    /// A session of parts that a host brings along.
    ///
    /// ```
    /// use certlet::{Engine, Session};
    ///
    /// let session = Session::builder().build();
    /// let engine = Engine::new(session);
    /// let outcome = engine.eval("40 + 2").unwrap();
    /// assert_eq!(format!("{:?}", outcome.last), "42");
    /// ```
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// A session of a world.
    pub fn of(world: Arc<dyn World>, clock: Arc<dyn Clock>) -> Self {
        Self { inner: Arc::new(Inner { world, clock }) }
    }

    /// The present moment of the session's clock.
    pub fn now(&self) -> Moment {
        self.inner.clock.now()
    }

    /// The zone of dates on screen and on the command line.
    pub fn zone(&self) -> Zone {
        self.inner.clock.zone()
    }

    /// The session's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Where the session takes its parts from.
    pub fn world(&self) -> &Arc<dyn World> {
        &self.inner.world
    }

    /// What is remembered.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`, `StoreTooNew`.
    pub fn state(&self) -> Result<Arc<dyn State>> {
        self.inner.world.state()
    }

    /// Where private keys are sealed and opened.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`.
    pub fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        self.inner.world.keys()
    }

    /// The topology.
    ///
    /// # Errors
    /// `NoHome`, `TopologyInvalid`.
    pub fn topology(&self) -> Result<Arc<Topology>> {
        self.inner.world.topology()
    }

    /// The sites of the server programs.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub fn sites(&self) -> Result<Vec<Arc<Site>>> {
        self.inner.world.sites()
    }

    /// Who acts, and what is allowed.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub fn policy(&self) -> Result<Policy> {
        self.inner.world.policy()
    }

    /// The authorities that can be asked.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>> {
        self.inner.world.authorities()
    }

    /// The authority with this `host\instance`.
    ///
    /// # Errors
    /// `CaConfigMalformed`, `CaUnreachable` for one that is not configured.
    pub fn authority(&self, config: &str) -> Result<Arc<dyn Authority>> {
        let parts: Vec<&str> = config.split('\\').collect();
        if parts.len() != 2 || parts.iter().any(|p| p.trim().is_empty()) {
            return Err(
                Error::new(ErrorId::CaConfigMalformed, format!("`{config}` is not `host\\instance`")).about(config)
            );
        }
        let known = self.authorities()?;
        let fits = |a: &&Arc<dyn Authority>| {
            let (host, instance) = a.config().split_once('\\').unwrap_or((a.config(), ""));
            let short = host.split('.').next().unwrap_or(host);
            instance.eq_ignore_ascii_case(parts[1])
                && (host.eq_ignore_ascii_case(parts[0]) || short.eq_ignore_ascii_case(parts[0]))
        };
        if let Some(authority) = known.iter().find(fits) {
            return Ok(Arc::clone(authority));
        }
        let names: Vec<String> = known.iter().map(|a| format!("`{}`", a.config())).collect();
        Err(Error::new(
            ErrorId::CaUnreachable,
            format!("no authority `{config}` is configured: the RPC server is unavailable (0x800706BA)"),
        )
        .about(config)
        .hint(if names.is_empty() {
            "add a `[[ca]]` to `certlet.toml`".to_owned()
        } else {
            format!("the configured ones are {}", names.join(", "))
        }))
    }

    /// The roots that the clients of a use trust: those of the world, and, unless they have the operating
    /// system's, those of embedded authorities.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub fn roots(&self, clients: &ChainTo) -> Result<Vec<Certificate>> {
        let mut roots = self.inner.world.roots(clients)?;
        if *clients != ChainTo::Configured {
            return Ok(roots);
        }
        for authority in self.authorities()?.iter().filter(|a| a.is_inside()) {
            let (state, keys) = (self.state()?, self.keys()?);
            let cx = crate::ca::Context { state: &*state, keys: &*keys, now: self.now(), cancelled: &|| false };
            roots.extend(authority.chain(&cx)?.into_iter().filter(Certificate::is_self_issued));
        }
        Ok(roots)
    }

    /// Who looks at endpoints.
    pub fn prober(&self) -> Arc<dyn Prober> {
        self.inner.world.prober().unwrap_or_else(|| Arc::new(RustlsProber::new(Arc::clone(&self.inner.clock))))
    }

    /// The file that a path of the operator means.
    ///
    /// # Errors
    /// `PathNotAllowed`.
    pub fn resolve_path(&self, path: &str) -> Result<PathBuf> {
        self.inner.world.resolve_path(path)
    }

    /// A certificate from its DER, parsed strictly.
    ///
    /// # Errors
    /// `BadCertificateFile`.
    pub fn parse_certificate(&self, der: &[u8]) -> Result<Certificate> {
        x509::parse_certificate(der)
    }

    /// Writes rows that belong to no server program, with their line in the audit log.
    ///
    /// # Errors
    /// `NotAdministrator`, `PlanStale`, `DiskFull`, `StoreUnavailable`.
    pub(crate) fn record(&self, verb: &str, outcome: &str, changes: serde_json::Value, rows: &[Write]) -> Result<()> {
        self.policy()?.check_change()?;
        self.state()?.record(rows, &self.audit_draft(verb, outcome, changes, serde_json::Value::Null))?;
        self.after_commit()
    }

    /// After a commit: lets the world copy the audit log.
    fn after_commit(&self) -> Result<()> {
        self.inner.world.after_commit()
    }

    fn audit_draft(
        &self,
        verb: &str,
        outcome: &str,
        changes: serde_json::Value,
        proof: serde_json::Value,
    ) -> AuditDraft {
        let policy = self.policy().ok();
        AuditDraft {
            time: self.now(),
            user: policy.as_ref().map_or_else(String::new, |p| p.user.clone()),
            principal: policy.as_ref().map_or_else(String::new, |p| p.principal.clone()),
            verb: verb.to_owned(),
            outcome: outcome.to_owned(),
            changes,
            proof,
            more: std::collections::BTreeMap::new(),
        }
    }
}

impl Facts for Session {
    fn now(&self) -> Moment {
        Self::now(self)
    }

    fn zone(&self) -> Zone {
        Self::zone(self)
    }

    fn uses(&self) -> Result<Vec<String>> {
        Ok(self.topology()?.uses.iter().map(|u| u.name.as_str().to_owned()).collect())
    }
}
