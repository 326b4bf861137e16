//! What handshakes showed, and the verdict over it, as plain data that is kept with an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Moment, Thumbprint};

/// A TLS version that the prober speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "tls1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "tls1.3")]
    Tls13,
}

impl TlsVersion {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// The family of the peer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyFamily {
    /// Either.
    Any,
    /// ECDSA signatures only.
    Ecdsa,
    /// RSA signatures only.
    Rsa,
}

impl fmt::Display for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Any => "any key",
            Self::Ecdsa => "ECDSA",
            Self::Rsa => "RSA",
        })
    }
}

/// What the handshakes with an endpoint amount to. Only `Proven` is a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// There is nothing to prove: no binding, or one that declares it.
    NotApplicable,
    /// Everything asked for was seen.
    Proven,
    /// Nothing else was seen, but not everything was looked at.
    Partial,
    /// It could not be looked at.
    Unproven,
    /// Something else was seen.
    Contradicted,
}

impl Verdict {
    /// The word as records and JSON show it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "NotApplicable",
            Self::Proven => "Proven",
            Self::Partial => "Partial",
            Self::Unproven => "Unproven",
            Self::Contradicted => "Contradicted",
        }
    }

    /// The graver of two.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The proof of one endpoint of one binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointProof {
    /// The computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// The use whose certificate belongs here; empty when none is declared.
    pub use_name: String,
    /// `host:port` that was connected to; empty when none is declared.
    pub endpoint: String,
    /// The server name that was sent first.
    pub server_name: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// What is wrong or missing, in a sentence; `None` when proven.
    pub problem: Option<String>,
    /// What would mend it.
    pub remedy: Option<Remedy>,
    /// The certificate that was to be seen, of the first slot.
    pub expected: Option<Thumbprint>,
    /// The certificate that was seen: the one that contradicts, else the one that matches.
    pub actual: Option<Thumbprint>,
    /// What was not looked at, each in a few words.
    pub not_covered: Vec<String>,
    /// What an operator should know although it does not spoil the proof.
    pub warnings: Vec<String>,
    /// The handshakes that count: the last one of each kind.
    pub evidence: Vec<Evidence>,
    /// When the last handshake ended: proofs go stale.
    pub proven_at: Moment,
}

/// What would mend a proof that failed; whoever shows it turns it into a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Remedy {
    /// Put the assigned certificate on the binding.
    Bind,
    /// Start the server, or mark the site as stopped.
    Start,
    /// Name an endpoint in the configuration.
    DeclareEndpoint,
    /// Request another certificate and assign it.
    Replace,
    /// Serve the chain as it was issued.
    MendChain,
    /// Make the server staple an OCSP answer.
    Staple,
    /// Look at the server's configuration.
    Configure,
    /// Declare an endpoint that is not on loopback, or a smaller scope.
    WidenEndpoints,
    /// Try again later.
    Retry,
}

/// One handshake, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `host:port` that was connected to.
    pub address: String,
    /// The server name that was sent.
    pub server_name: Option<String>,
    /// The only version offered.
    pub version: TlsVersion,
    /// The only family of signatures offered.
    pub family: KeyFamily,
    /// What came of it.
    pub outcome: Outcome,
    /// The protocol agreed on.
    pub alpn: Option<String>,
    /// The signature scheme.
    pub scheme: Option<String>,
    /// SHA-256 of what was served after the leaf, in the order served.
    pub chain: Vec<Fingerprint>,
    /// Whether an OCSP response was stapled.
    pub stapled: bool,
    /// The address it was seen from.
    pub local_address: String,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Moment,
    /// The computer it was seen from.
    pub host: String,
}

/// What came of a handshake, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// This certificate was served.
    Served {
        /// SHA-256 of the leaf.
        fingerprint: Fingerprint,
        /// SHA-1 of the leaf.
        thumbprint: Thumbprint,
        /// Until when it is valid.
        not_after: Moment,
        /// What to call it.
        name: String,
    },
    /// Somebody answers, but not with what was offered.
    Off(String),
    /// Nobody answers.
    Down(String),
    /// The server speaks TLS 1.0 or 1.1 only.
    TooOldForProber,
    /// The server signed with another key than its certificate's.
    WrongKey(String),
    /// The server does not speak TLS, or breaks it.
    Broken(String),
}

impl Outcome {
    /// The leaf served.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Served { fingerprint, .. } => Some(*fingerprint),
            _ => None,
        }
    }

    /// Whether it amounts to the same, wording aside.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Served { fingerprint: a, .. }, Self::Served { fingerprint: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Served { thumbprint, not_after, name, .. } => {
                write!(f, "serves `{thumbprint}` (`{name}`, until {not_after})")
            }
            Self::Off(why) => write!(f, "refuses the handshake: {why}"),
            Self::Down(why) => write!(f, "does not answer: {why}"),
            Self::TooOldForProber => f.write_str("speaks TLS 1.0 or 1.1 only, which the prober does not"),
            Self::WrongKey(why) => write!(f, "signs with another key than its certificate's: {why}"),
            Self::Broken(why) => write!(f, "breaks the handshake: {why}"),
        }
    }
}

/// Which server name a handshake sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AskedName {
    /// A name that is published on the binding.
    Published(String),
    /// A name that nobody has.
    Unknown,
    /// No name at all.
    Absent,
}

impl fmt::Display for AskedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published(name) => write!(f, "server name `{name}`"),
            Self::Unknown => f.write_str("an unknown server name"),
            Self::Absent => f.write_str("no server name"),
        }
    }
}

/// What an endpoint served at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// `host:port`; empty when none is declared.
    pub endpoint: String,
    /// When it was taken.
    pub taken: Moment,
    /// What each kind of handshake showed; empty when the site is stopped or nothing is declared.
    pub cells: Vec<Cell>,
}

impl Snapshot {
    /// The outcome of one kind of handshake.
    #[must_use]
    pub fn outcome(&self, name: &AskedName, version: TlsVersion, family: KeyFamily) -> Option<&Outcome> {
        self.cells.iter().find(|c| c.name == *name && c.version == version && c.family == family).map(|c| &c.outcome)
    }

    /// The leaves served to the binding's own names, each once; without such names, to whatever was sent first.
    #[must_use]
    pub fn served(&self) -> Vec<Fingerprint> {
        let first = self.cells.first().map(|c| &c.name);
        let own = |c: &&Cell| matches!(c.name, AskedName::Published(_)) || Some(&c.name) == first;
        let mut found = Vec::new();
        for cell in self.cells.iter().filter(own) {
            if let Some(leaf) = cell.outcome.fingerprint().filter(|leaf| !found.contains(leaf)) {
                found.push(leaf);
            }
        }
        found
    }

    /// Whether nobody answers there at all.
    #[must_use]
    pub fn is_down(&self) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|c| matches!(c.outcome, Outcome::Down(_)))
    }

    /// Whether no certificate is served, to whatever name: nothing is bound yet, or nobody answers.
    #[must_use]
    pub fn serves_nothing(&self) -> bool {
        self.cells.iter().all(|c| matches!(c.outcome, Outcome::Off(_) | Outcome::Down(_) | Outcome::Broken(_)))
    }

    /// Whether it is of the same endpoint of the same binding.
    #[must_use]
    pub fn is_of_same_endpoint(&self, other: &Self) -> bool {
        (&self.computer, &self.site, &self.information, &self.endpoint)
            == (&other.computer, &other.site, &other.information, &other.endpoint)
    }
}

/// One kind of handshake with an endpoint, and what it showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The server name sent.
    pub name: AskedName,
    /// The version offered.
    pub version: TlsVersion,
    /// The family offered.
    pub family: KeyFamily,
    /// What came of it.
    pub outcome: Outcome,
}

/// An endpoint that did not serve what state says before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// `host:port`.
    pub endpoint: String,
    /// What state says is served; empty when nothing is.
    pub recorded: Vec<Fingerprint>,
    /// What was served.
    pub seen: Vec<Fingerprint>,
}
