//! What an embedded authority is told: plain data, as the configuration declares it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Result;
use crate::model::{KeyAlgorithm, Purpose, Secret};

/// An embedded authority as it is declared.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// `host\instance`.
    pub config: String,
    /// Its name, most specific step first: `CN=contoso-DC01-CA, DC=contoso, DC=net`.
    pub subject: String,
    /// The algorithm of its key.
    pub key: KeyAlgorithm,
    /// How long its own certificate lives.
    pub validity_days: u32,
    /// The number of the first request; the state counts afterwards.
    pub next_request_id: u32,
    /// Whether it is born without name constraints.
    pub unconstrained: bool,
    /// The DNS suffixes and computer names that it is born for; each permits itself and what is below.
    pub permitted: Vec<String>,
    /// Who may do what; `None` gives the administrators every right and others none.
    pub permissions: Option<Permissions>,
    /// The administrators of this computer.
    pub administrators: Vec<String>,
    /// The passwords of other accounts that may be asked as.
    pub accounts: Vec<(String, SecretResolver)>,
    /// Its templates; the first is the one for requests that name none, unless there is a `WebServer`.
    pub templates: Vec<Template>,
    /// Who signs its own certificate.
    pub parent: Parent,
    /// Where its revocation list is published; certificates carry the address then.
    pub crl: Option<Publication>,
}

/// Who signs an embedded authority's own certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// The authority itself: it is a root.
    Itself,
    /// An authority elsewhere, which is handed a request file and gives a certificate file.
    Offline,
}

/// Where a revocation list is published, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The address that certificates carry.
    pub url: String,
    /// The file that some web server offers there.
    pub file: PathBuf,
    /// How many days a list is good for.
    pub days: u32,
    /// How many hours before its end the next one is published.
    pub overlap_hours: u32,
}

impl Publication {
    /// How many days a list is good for where nobody says.
    pub const DAYS: u32 = 7;

    /// The hours of overlap where nobody says: a third of the days.
    #[must_use]
    pub fn default_overlap(days: u32) -> u32 {
        days.saturating_mul(8)
    }
}

/// A kind of certificate that an embedded authority issues.
#[derive(Clone, Debug)]
pub struct Template {
    /// The name that requests give; case does not matter.
    pub name: String,
    /// The name for people, never taken in a request.
    pub display_name: String,
    /// The smallest RSA key, in bits; elliptic keys always suffice.
    pub minimum_key_size: u32,
    /// The extended key usages that its certificates get, whatever was asked for.
    pub purposes: Vec<Purpose>,
    /// Where subject and names come from.
    pub subject: SubjectSource,
    /// Whether the key may be exportable.
    pub exportable: bool,
    /// Whether servers whose configuration is files may be given the key.
    pub deploy: bool,
    /// Whether requests wait.
    pub approval: Approval,
    /// How long its certificates live, at most until the authority's own ends.
    pub validity_days: u32,
    /// Who may enroll; `None` is whoever may enroll at the authority.
    pub permissions: Option<Permissions>,
    /// Whether it makes authorities: path length 0, constrained as requested within the issuer's constraints.
    pub authority: bool,
}

impl Template {
    /// The template that an authority has when none is declared: `WebServer`.
    #[must_use]
    pub fn web_server() -> Self {
        Self {
            name: DEFAULT_TEMPLATE.to_owned(),
            display_name: "Web Server".to_owned(),
            minimum_key_size: 2048,
            purposes: vec![Purpose::ServerAuth],
            subject: SubjectSource::Request,
            exportable: false,
            deploy: true,
            approval: Approval::Automatic,
            validity_days: 730,
            permissions: None,
            authority: false,
        }
    }
}

/// The template of requests that name none.
pub(super) const DEFAULT_TEMPLATE: &str = "WebServer";

/// Where a certificate's subject and names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectSource {
    /// From the request.
    Request,
    /// From the directory: the computer's own name takes their place.
    Directory,
}

/// Whether a request waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It is issued at once.
    Automatic,
    /// It waits until somebody else than the requester approves.
    Manager,
}

/// Rights by principal; a principal that stands there twice has both rows' rights.
pub type Permissions = Vec<(String, Vec<Right>)>;

/// What somebody may do at an authority or with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See it.
    Read,
    /// Request certificates.
    Enroll,
    /// Approve, deny and revoke.
    Issue,
}

/// Fetches a password when it is needed; never shown.
#[derive(Clone)]
pub struct SecretResolver(Arc<dyn Fn() -> Result<Secret> + Send + Sync>);

impl SecretResolver {
    /// Takes what fetches the password.
    pub fn new(fetch: impl Fn() -> Result<Secret> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    /// Fetches it.
    pub(in crate::ca) fn resolve(&self) -> Result<Secret> {
        (self.0)()
    }
}

impl fmt::Debug for SecretResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretResolver([elided])")
    }
}
