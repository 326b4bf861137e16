//! The server programs that serve certificates, and what must be known of each.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which of a server's certificates: most servers have one for all clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Slot {
    /// The only one.
    #[default]
    Any,
    /// The one with an RSA key.
    #[serde(rename = "RSA")]
    Rsa,
    /// The one with an elliptic-curve key.
    #[serde(rename = "ECDSA")]
    Ecdsa,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Any => "Any",
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        })
    }
}

/// The server programs that certlet knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the programs' own names")]
pub enum ServerKind {
    /// The one that is built in.
    Listener,
    Nginx,
    Apache,
    Haproxy,
    Caddy,
    Hitch,
    Stunnel,
    /// Any program that reads certificate files.
    Files,
    Iis,
}

impl ServerKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Listener,
        Self::Nginx,
        Self::Apache,
        Self::Haproxy,
        Self::Caddy,
        Self::Hitch,
        Self::Stunnel,
        Self::Files,
        Self::Iis,
    ];

    /// The word of `host = "…"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
            Self::Hitch => "hitch",
            Self::Stunnel => "stunnel",
            Self::Files => "files",
            Self::Iis => "iis",
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What certlet must know of a site's server program; all paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerSettings {
    /// certlet itself.
    Listener,
    /// nginx, Apache, hitch, stunnel, or any program that reads certificate files.
    Files(FileServer),
    /// `HAProxy`, through its runtime API and its file.
    Haproxy(HaproxyServer),
    /// Caddy, through its admin API.
    Caddy(CaddyServer),
    /// IIS, through its configuration and http.sys.
    Iis(IisServer),
}

impl ServerSettings {
    /// Which program it is.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        match self {
            Self::Listener => ServerKind::Listener,
            Self::Files(files) => files.preset,
            Self::Haproxy(_) => ServerKind::Haproxy,
            Self::Caddy(_) => ServerKind::Caddy,
            Self::Iis(_) => ServerKind::Iis,
        }
    }

    /// The certificate slots that the program has.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        match self {
            Self::Files(files) => files.slots.iter().map(|s| s.slot).collect(),
            Self::Haproxy(haproxy) => haproxy.files.slots.iter().map(|s| s.slot).collect(),
            Self::Listener | Self::Caddy(_) | Self::Iis(_) => vec![Slot::Any],
        }
    }
}

/// A program that reads certificate files when told to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileServer {
    /// Which program, for its habits: never `Listener`, `Caddy` or `Iis`.
    pub preset: ServerKind,
    /// The files of each certificate, at least one.
    pub slots: Vec<SlotFiles>,
    /// Who owns the files; unchanged when absent.
    pub owner: Option<String>,
    /// The mode of files that hold a key; 0600 when absent.
    pub mode: Option<u32>,
    /// Run before the reload; empty means none. An argument vector, never a shell.
    pub test: Vec<String>,
    /// Makes the program read its files again; empty means none.
    pub reload: Vec<String>,
}

/// The files of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotFiles {
    /// The slot.
    pub slot: Slot,
    /// Its files.
    pub files: CertificateFiles,
}

/// Where a certificate, its key and its chain lie, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// Leaf, and the chain unless `chain` is given.
    pub certificate: PathBuf,
    /// The key; in `certificate` when absent.
    pub key: Option<PathBuf>,
    /// The intermediate certificates, when they have a file of their own.
    pub chain: Option<PathBuf>,
}

/// `HAProxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxyServer {
    /// Its files; `test` and `reload` are run only where there is no socket.
    pub files: FileServer,
    /// The runtime API: a Unix socket's path.
    pub socket: Option<PathBuf>,
}

/// Caddy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaddyServer {
    /// The admin API's URL.
    pub admin: String,
    /// The files that its configuration loads.
    pub files: CertificateFiles,
    /// Who owns the files; unchanged when absent.
    pub owner: Option<String>,
    /// The mode of files that hold a key; 0600 when absent.
    pub mode: Option<u32>,
}

/// IIS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IisServer {
    /// `applicationHost.config`; the system's own when absent.
    pub configuration: Option<PathBuf>,
    /// The output of `netsh http show sslcert`, for reading where no Windows is.
    pub sslcert: Option<PathBuf>,
}
