//! What certlet must know of an authority: a settings type for each kind.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::settings::SecretSource;
use crate::error::{Error, ErrorId, Result};
use crate::model::Position;

/// How an authority is addressed: `host\instance`; the case of ASCII letters does not count.
#[derive(Clone)]
pub struct AuthorityName {
    text: String,
    backslash: usize,
}

impl AuthorityName {
    /// The computer, or whatever stands for it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.get(..self.backslash).unwrap_or_default()
    }

    /// The authority's own name there.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.text.get(self.backslash + 1..).unwrap_or_default()
    }

    /// The whole.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for AuthorityName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        match text.split_once('\\') {
            Some((host, instance)) if !host.is_empty() && !instance.is_empty() && !instance.contains('\\') => {
                Ok(Self { backslash: host.len(), text: text.to_owned() })
            }
            _ => Err(Error::new(ErrorId::CaConfigMalformed, format!("`{text}` is not of the form `host\\instance`"))
                .about(text)),
        }
    }
}

impl PartialEq for AuthorityName {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for AuthorityName {}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An authority.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// Its address.
    pub name: AuthorityName,
    /// Whether the whole world trusts it, and restricts it accordingly.
    pub class: AuthorityClass,
    /// Who may do what there; absent: the administrators may do all.
    pub permissions: Option<Permissions>,
    /// What it is.
    pub kind: AuthorityKind,
    /// Where it is declared.
    pub position: Position,
}

/// Whether an authority is trusted by the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityClass {
    /// By browsers and operating systems: names are public and go to transparency logs.
    Public,
    /// By those who were told to.
    Private,
}

/// What an authority is.
#[derive(Clone, Debug)]
pub enum AuthorityKind {
    /// A certificate authority in the state of this home.
    Embedded(EmbeddedAuthority),
    /// An ACME server (RFC 8555).
    Acme(AcmeAuthority),
    /// AD CS web enrolment.
    Adcs(AdcsAuthority),
    /// Known, never answers.
    Down,
}

/// Rights by principal, in the order of the file.
pub type Permissions = Vec<(String, Vec<Right>)>;

/// What somebody may do at an authority or with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See it.
    Read,
    /// Request certificates.
    Enroll,
    /// Approve, deny, revoke.
    Issue,
}

/// An authority in the state of this home.
#[derive(Clone, Debug)]
pub struct EmbeddedAuthority {
    /// Its distinguished name in Windows' order.
    pub subject: String,
    /// `RSA`, `ECDH_P256`, `ECDH_P384` or `ECDH_P521`.
    pub key_algorithm: String,
    /// Bits of an RSA key.
    pub key_size: Option<u32>,
    /// How long its own certificate lives.
    pub validity_days: u32,
    /// The first request's number.
    pub next_request_id: u64,
    /// Born without name constraints.
    pub unconstrained: bool,
    /// Whether its own certificate is signed by an authority elsewhere.
    pub offline_parent: bool,
    /// Where its revocation list is published; certificates carry the address then.
    pub crl: Option<CrlPublisher>,
    /// Accounts for `-CaAccount`, with their passwords.
    pub accounts: Vec<(String, SecretSource)>,
    /// Its templates in their order.
    pub templates: Vec<TemplateSettings>,
}

/// Where a revocation list is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlPublisher {
    /// The address that certificates carry.
    pub url: String,
    /// The file that some web server offers there.
    pub file: PathBuf,
    /// How many days a list is good for.
    pub days: u32,
    /// How many hours before its end the next one is published.
    pub overlap_hours: u32,
}

/// A template of an embedded authority.
#[derive(Clone, Debug)]
pub struct TemplateSettings {
    /// Its name, which requests use.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// The least size of an RSA key.
    pub minimum_key_size: u32,
    /// Extended key usages, as dotted object identifiers.
    pub eku: Vec<String>,
    /// Where subject and names come from.
    pub subject: TemplateSubject,
    /// Whether the key may be exportable.
    pub exportable: bool,
    /// Whether servers whose configuration is files may be given the key.
    pub deploy: bool,
    /// Whether somebody else must approve.
    pub approval: TemplateApproval,
    /// How long its certificates live; at most as long as the authority's own.
    pub validity_days: u32,
    /// Who may use it; absent: whoever may enroll at the authority.
    pub permissions: Option<Permissions>,
    /// Whether it makes authorities.
    pub authority: bool,
}

impl TemplateSettings {
    /// The template that an authority has when none is declared: `WebServer`.
    #[must_use]
    pub fn web_server() -> Self {
        Self {
            name: "WebServer".to_owned(),
            display_name: "Web Server".to_owned(),
            minimum_key_size: 2048,
            eku: vec!["1.3.6.1.5.5.7.3.1".to_owned()],
            subject: TemplateSubject::Request,
            exportable: false,
            deploy: true,
            approval: TemplateApproval::Automatic,
            validity_days: 730,
            permissions: None,
            authority: false,
        }
    }
}

/// Where subject and names of a certificate come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateSubject {
    /// From the request.
    Request,
    /// From the directory: the computer's own name takes their place.
    Directory,
}

/// Whether a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateApproval {
    /// It is issued at once.
    Automatic,
    /// It waits until somebody else than the requester approves.
    Manager,
}

/// An ACME server.
#[derive(Clone, Debug)]
pub struct AcmeAuthority {
    /// The directory's URL.
    pub directory: String,
    /// Trust for the server's own TLS, beside `[trust]`.
    pub roots: Vec<PathBuf>,
    /// Contact URLs, `mailto:…`.
    pub contact: Vec<String>,
    /// How control over a name is shown.
    pub challenge: AcmeChallenge,
    /// The account elsewhere that the ACME account belongs to.
    pub external_account: Option<ExternalAccount>,
    /// The common name of the topmost issuer of the chain that is preferred.
    pub preferred_chain: Option<String>,
    /// The certificate profile.
    pub profile: Option<String>,
    /// How many requests it takes before it would refuse, where that is not the default of its class.
    pub limits: AcmeLimitSettings,
}

/// Limits of an ACME server; zero counts nothing, absent is the default of its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcmeLimitSettings {
    /// Certificates with the same set of names in seven days.
    pub duplicates_per_week: Option<u32>,
    /// Validations of one name that failed in an hour.
    pub failures_per_hour: Option<u32>,
    /// Orders in three hours.
    pub orders_per_3h: Option<u32>,
}

/// How control over a name is shown (RFC 8555 §8, RFC 8737).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcmeChallenge {
    /// An HTTP server of our own, at this address.
    HttpListen(String),
    /// A file below the root of an HTTP server that runs already.
    HttpWebroot(PathBuf),
    /// A TLS server of our own, at this address.
    TlsAlpn(String),
    /// TXT records, set and cleared by commands whose words may hold `{name}` and `{value}`.
    Dns {
        /// Sets a record.
        set: Vec<String>,
        /// Clears it.
        clear: Vec<String>,
        /// The one name server to be asked for the record, instead of the authoritative ones.
        resolver: Option<SocketAddr>,
        /// How long it is waited until the name servers answer with the record.
        wait: Duration,
    },
}

/// External account binding (RFC 8555 §7.3.4).
#[derive(Clone, Debug)]
pub struct ExternalAccount {
    /// The key's id.
    pub key_id: String,
    /// The key, base64url.
    pub hmac: SecretSource,
}

/// AD CS web enrolment.
#[derive(Clone, Debug)]
pub struct AdcsAuthority {
    /// `https://host/certsrv`.
    pub url: String,
    /// Trust for the server's TLS, beside `[trust]`.
    pub roots: Vec<PathBuf>,
    /// How one logs on.
    pub auth: AdcsAuth,
    /// Who logs on when no `-CaAccount` is given.
    pub account: Option<(String, SecretSource)>,
}

/// How one logs on to AD CS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdcsAuth {
    /// HTTP basic authentication.
    Basic,
    /// NTLM.
    Ntlm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_host_and_instance() {
        let name: AuthorityName = r"dc01.contoso.net\contoso-DC01-CA".parse().unwrap();
        assert_eq!((name.host(), name.instance()), ("dc01.contoso.net", "contoso-DC01-CA"));
        assert_eq!(name, r"DC01.contoso.net\CONTOSO-dc01-ca".parse().unwrap());
        for text in ["", "dc01.contoso.net", r"\x", r"x\", r"a\b\c"] {
            assert_eq!(text.parse::<AuthorityName>().unwrap_err().id(), ErrorId::CaConfigMalformed, "{text}");
        }
    }
}
