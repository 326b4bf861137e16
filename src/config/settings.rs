//! What `certlet.toml` says, as plain values; nothing here is opened or resolved.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::authorities::AuthoritySettings;
use super::windows_paths::WindowsPaths;
use crate::error::Result;
use crate::model::{Topology, Website};

/// The whole configuration of a home; all paths are absolute or relative to the working folder as the home is.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `certlet.toml` itself.
    pub file: PathBuf,
    /// The folder it lies in, to which its paths are relative.
    pub home: PathBuf,
    /// The topology's files, in the order in which they are merged.
    pub topology_files: Vec<PathBuf>,
    /// What they say.
    pub topology: Topology,
    /// Who acts, instead of the operating system's user.
    pub principal: Option<String>,
    /// Whether another principal than the operating system's user is believed outside samples and simulations.
    pub trust_principal: bool,
    /// Who may change this computer; the owner of the home when absent.
    pub administrators: Option<Vec<String>>,
    /// Where the state is kept.
    pub state: StateSettings,
    /// Whom chains may end at, and what is revoked.
    pub trust: TrustSettings,
    /// How much a proof asks for.
    pub proof: ProofSettings,
    /// The authorities in their order.
    pub authorities: Vec<AuthoritySettings>,
    /// The sites in their order.
    pub sites: Vec<Website>,
    /// What Windows' drives mean here.
    pub paths: WindowsPaths,
}

/// Where the state is kept.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// The store.
    pub store: StateStore,
    /// What wraps the store's secret; absent: the file's mode alone protects keys.
    pub passphrase: Option<SecretSource>,
}

/// The kind of store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateStore {
    /// A file.
    Sqlite(PathBuf),
    /// Nothing that outlives the process.
    Memory,
}

/// Whom chains may end at, and what is revoked; the embedded authorities' own certificates come on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustSettings {
    /// PEM files of roots.
    pub roots: Vec<PathBuf>,
    /// Whether the operating system's roots are trusted too.
    pub system: bool,
    /// Revocation lists, PEM or DER.
    pub crls: Vec<PathBuf>,
}

/// How much a proof asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofSettings {
    /// Consecutive handshakes that must match.
    pub matches: u32,
    /// The time over which they must spread.
    pub window: Duration,
    /// When the proof gives up.
    pub deadline: Duration,
    /// How long one handshake may take.
    pub timeout: Duration,
    /// How late the clocks of clients may be, in whole seconds.
    pub skew: Duration,
    /// When a proof has gone stale.
    pub max_age: Duration,
    /// How old an interrupted operation may be for recovery to act on its own.
    pub recover_max_age: Duration,
}

impl Default for ProofSettings {
    fn default() -> Self {
        Self {
            matches: 20,
            window: Duration::from_millis(500),
            deadline: Duration::from_secs(15),
            timeout: Duration::from_secs(5),
            skew: Duration::from_secs(300),
            max_age: Duration::from_secs(24 * 3600),
            recover_max_age: Duration::from_secs(3600),
        }
    }
}

/// Where a secret is to be had; the secret itself never stands in the configuration.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The content of a file, without its last line end.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
}

impl SecretSource {
    /// Fetches the secret.
    ///
    /// # Errors
    /// Those of the look-up.
    pub fn resolve(&self, secrets: &dyn SecretLookup) -> Result<Zeroizing<String>> {
        let mut text = match self {
            Self::File(path) => secrets.file(path)?,
            Self::Environment(name) => return secrets.environment(name),
        };
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Ok(text)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Environment(name) => write!(f, "the environment variable `{name}`"),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fetches secrets for the library, which itself reads neither environment nor secret files.
pub trait SecretLookup: Send + Sync {
    /// The content of a file.
    ///
    /// # Errors
    /// `FileNotFound` and the like, naming the file and never its content.
    fn file(&self, path: &Path) -> Result<Zeroizing<String>>;

    /// The value of a variable; it is hidden from child processes from then on.
    ///
    /// # Errors
    /// `ConfigInvalid` when it is not set.
    fn environment(&self, name: &str) -> Result<Zeroizing<String>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl SecretLookup for Fixed {
        fn file(&self, _: &Path) -> Result<Zeroizing<String>> {
            Ok(Zeroizing::new("first\nsecond \r\n".to_owned()))
        }

        fn environment(&self, name: &str) -> Result<Zeroizing<String>> {
            Ok(Zeroizing::new(format!("{name}\n")))
        }
    }

    #[test]
    fn only_the_last_line_end_of_a_file_is_dropped() {
        assert_eq!(*SecretSource::File("x".into()).resolve(&Fixed).unwrap(), "first\nsecond ");
        assert_eq!(*SecretSource::Environment("X".into()).resolve(&Fixed).unwrap(), "X\n");
    }
}
