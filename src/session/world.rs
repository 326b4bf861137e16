//! Where a session takes its parts from: each is asked for when it is first needed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::policy::Policy;
use crate::ca::{Authority, KeyStore};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ChainTo, Topology, Website};
use crate::probe::{Prober, ProofSettings};
use crate::servers::Server;
use crate::state::State;

/// The parts of a session; each method is asked when a verb first needs the part, and gives the same
/// part every time.
///
/// Whoever has no such part answers `NoHome` with the places looked at.
pub trait World: Send + Sync {
    /// What is remembered.
    fn state(&self) -> Result<Arc<dyn State>>;

    /// What is remembered, where there is such a thing already: for prompts and completion, which make nothing.
    fn existing_state(&self) -> Option<Arc<dyn State>> {
        self.state().ok()
    }

    /// Where private keys are sealed and opened.
    fn keys(&self) -> Result<Arc<dyn KeyStore>>;

    /// The facts from which names are computed.
    fn topology(&self) -> Result<Arc<Topology>>;

    /// The authorities that can be asked.
    fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>>;

    /// The sites of the server programs, in the order of the configuration.
    fn sites(&self) -> Result<Vec<Arc<Site>>>;

    /// The roots that the clients of a use trust, beside those of embedded authorities.
    fn roots(&self, clients: &ChainTo) -> Result<Vec<Certificate>>;

    /// Certificate revocation lists, DER.
    fn crls(&self) -> Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    /// Who acts, and what is allowed.
    fn policy(&self) -> Result<Policy>;

    /// Who looks at endpoints; rustls where nobody else is named.
    fn prober(&self) -> Option<Arc<dyn Prober>> {
        None
    }

    /// How a proof is made.
    fn proof(&self) -> Result<ProofSettings>;

    /// The file that a path of the operator means, on this machine.
    ///
    /// # Errors
    /// `PathNotAllowed` for a path outside the allowed folders.
    fn resolve_path(&self, path: &str) -> Result<PathBuf>;

    /// How long a writer waits for the change lease.
    fn lease_wait(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// How long a crash may be past for the next change to mend it by itself.
    fn recover_max_age(&self) -> Duration {
        Duration::from_secs(3600)
    }

    /// How old a proof may be before it says nothing any more.
    fn proof_max_age(&self) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    /// What to put before the names of a simulated or sample world, `[sample]`.
    fn label(&self) -> Option<String> {
        None
    }

    /// Told before each step of a change, by the step's name; hosts watch, tests kill.
    fn on_step(&self, _step: &str) {}

    /// After a commit: copies the audit log where it is read by others.
    ///
    /// # Errors
    /// `FileNotWritable`, `DiskFull`.
    fn after_commit(&self) -> Result<()> {
        Ok(())
    }
}

/// Told before each step of a change, by the step's name.
pub type StepWatch = std::sync::Arc<dyn Fn(&str) + Send + Sync>;

/// A site with the program that serves it.
pub struct Site {
    /// What `certlet.toml` says of it.
    pub website: Website,
    /// The program's side.
    pub server: Arc<dyn Server>,
}

/// A world without a home: every part that needs one is `NoHome`.
#[derive(Clone, Debug, Default)]
pub struct Nowhere {
    /// The places looked at, for the message.
    pub looked_at: Vec<PathBuf>,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
}

impl Nowhere {
    fn no_home<T>(&self) -> Result<T> {
        let places: Vec<String> = self.looked_at.iter().map(|p| format!("`{}`", p.display())).collect();
        let looked = if places.is_empty() { String::new() } else { format!(" (looked at {})", places.join(", ")) };
        Err(Error::new(ErrorId::NoHome, format!("no home folder with a `certlet.toml`{looked}")))
    }
}

impl World for Nowhere {
    fn state(&self) -> Result<Arc<dyn State>> {
        self.no_home()
    }

    fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        self.no_home()
    }

    fn topology(&self) -> Result<Arc<Topology>> {
        self.no_home()
    }

    fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>> {
        self.no_home()
    }

    fn sites(&self) -> Result<Vec<Arc<Site>>> {
        self.no_home()
    }

    fn roots(&self, _: &ChainTo) -> Result<Vec<Certificate>> {
        self.no_home()
    }

    fn policy(&self) -> Result<Policy> {
        self.no_home()
    }

    fn proof(&self) -> Result<ProofSettings> {
        Ok(ProofSettings::default())
    }

    fn resolve_path(&self, path: &str) -> Result<PathBuf> {
        Ok(self.folder.join(path))
    }
}
