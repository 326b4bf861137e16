//! The authorities of `certlet.toml`: `[[ca]]`, a settings type for each kind.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::reader::{At, Document, Table};
use super::secrets::read_secret;
use super::settings::SecretSource;
use super::uses::read_eku;
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
            _ => Err(Error::new(ErrorId::CaConfigMalformed, format!("`{text}` is not of the form `host\\instance`")).about(text)),
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

const RIGHTS: [(&str, Right); 3] = [("Read", Right::Read), ("Enroll", Right::Enroll), ("Issue", Right::Issue)];

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

/// Reads one `[[ca]]`; `home` is the folder of relative paths.
pub(super) fn read_authority(table: Table<'_>, home: &Path) -> Option<AuthoritySettings> {
    const KINDS: [(&str, u8); 4] = [("embedded", 0), ("acme", 1), ("adcs", 2), ("down", 3)];
    let document = table.document;
    let name = table.required_parsed::<AuthorityName>("config");
    let kind = table.required("kind").and_then(|item| item.word(&KINDS));
    let classes = [("public", AuthorityClass::Public), ("private", AuthorityClass::Private)];
    let default = if kind == Some(1) { AuthorityClass::Public } else { AuthorityClass::Private };
    let class = table.word("class", &classes).unwrap_or(default);
    let permissions = read_permissions(&table);
    let kind = match kind {
        // Without a kind nobody knows which keys there may be.
        None => return None,
        Some(0) => read_embedded(&table, home).map(AuthorityKind::Embedded),
        Some(1) => read_acme(&table, home).map(AuthorityKind::Acme),
        Some(2) => read_adcs(&table, home).map(AuthorityKind::Adcs),
        Some(_) => Some(AuthorityKind::Down),
    };
    table.finish();
    let name = name?;
    let position = document.position(&name.span);
    Some(AuthoritySettings { name: name.value, class, permissions, kind: kind?, position })
}

fn read_permissions(table: &Table<'_>) -> Option<Permissions> {
    let entries = table.table("permissions")?;
    let rights = entries.entries().into_iter().map(|(principal, item)| {
        let rights = item.list().into_iter().filter_map(|right| right.word(&RIGHTS)).collect();
        (principal.value.to_owned(), rights)
    });
    Some(rights.collect())
}

fn read_embedded(table: &Table<'_>, home: &Path) -> Option<EmbeddedAuthority> {
    let subject = table.required_text("subject");
    let key_algorithm = table.text("key_algorithm").map_or_else(|| "ECDH_P256".to_owned(), |text| {
        const WORDS: [&str; 4] = ["RSA", "ECDH_P256", "ECDH_P384", "ECDH_P521"];
        if let Some(word) = WORDS.iter().find(|word| word.eq_ignore_ascii_case(&text.value)) {
            return (*word).to_owned();
        }
        let hint = crate::model::nearest(&text.value, WORDS).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` is none of `RSA`, `ECDH_P256`, `ECDH_P384`, `ECDH_P521`", text.value);
        table.document.problem(&text.span, message, hint);
        text.value
    });
    let key_size = table.number("key_size", 2048..=16384);
    if let Some(item) = table.item("key_size")
        && key_algorithm != "RSA"
    {
        table.document.problem(&item.span(), "`key_size` belongs to `key_algorithm = \"RSA\"`; a curve has its size", None);
    }
    let accounts = table.table("accounts").map_or_else(Vec::new, |accounts| {
        let read = accounts.entries().into_iter().filter_map(|(name, item)| Some((name.value.to_owned(), read_secret(item, home)?)));
        read.collect()
    });
    let mut templates: Vec<TemplateSettings> = Vec::new();
    for At { value, span } in table.tables("template").into_iter().filter_map(read_template) {
        if templates.iter().any(|known| known.name.eq_ignore_ascii_case(&value.name)) {
            table.document.problem(&span, format!("the template `{}` is declared twice", value.name), None);
        }
        templates.push(value);
    }
    if templates.is_empty() {
        templates.push(TemplateSettings::web_server());
    }
    let crl = table.table("crl").and_then(|crl| {
        let (url, file) = (crl.required_text("url"), crl.required_text("file"));
        crl.finish();
        Some(CrlPublisher { url: url?.value, file: home.join(file?.value) })
    });
    Some(EmbeddedAuthority {
        key_algorithm,
        key_size,
        validity_days: table.number("validity_days", 1..=36500).unwrap_or(3650),
        next_request_id: table.number("next_request_id", 1..=i64::from(u32::MAX)).unwrap_or(1),
        unconstrained: table.flag("unconstrained", false),
        crl,
        accounts,
        templates,
        subject: subject?.value,
    })
}

fn read_template(table: Table<'_>) -> Option<At<TemplateSettings>> {
    let default = TemplateSettings::web_server();
    let name = table.required_text("name");
    let display_name = table.text("display_name");
    let eku = table.item("eku").map(|item| item.list().into_iter().filter_map(read_eku).collect());
    let subjects = [("Request", TemplateSubject::Request), ("Directory", TemplateSubject::Directory)];
    let approvals = [("Automatic", TemplateApproval::Automatic), ("Manager", TemplateApproval::Manager)];
    let minimum_key_size = table.number("minimum_key_size", 1024..=16384).unwrap_or(default.minimum_key_size);
    let subject = table.word("subject", &subjects).unwrap_or(default.subject);
    let exportable = table.flag("exportable", default.exportable);
    let deploy = table.flag("deploy", default.deploy);
    let approval = table.word("approval", &approvals).unwrap_or(default.approval);
    let validity_days = table.number("validity_days", 1..=36500).unwrap_or(default.validity_days);
    let permissions = read_permissions(&table);
    table.finish();
    let At { value: name, span } = name?;
    let value = TemplateSettings {
        display_name: display_name.map_or_else(|| name.clone(), |t| t.value),
        name,
        minimum_key_size,
        eku: eku.unwrap_or(default.eku),
        subject,
        exportable,
        deploy,
        approval,
        validity_days,
        permissions,
    };
    Some(At { value, span })
}

fn read_acme(table: &Table<'_>, home: &Path) -> Option<AcmeAuthority> {
    let directory = required_https(table, "directory");
    let roots = files(table, "roots", home);
    let contact = table.texts("contact").into_iter().map(|t| t.value).collect();
    let challenge = table.required("challenge").and_then(|item| item.table()).and_then(|t| read_challenge(t, home));
    let external_account = table.table("external_account").and_then(|account| {
        let key_id = account.required_text("key_id");
        let hmac = account.required("hmac").and_then(|item| read_secret(item, home));
        account.finish();
        Some(ExternalAccount { key_id: key_id?.value, hmac: hmac? })
    });
    let preferred_chain = table.text("preferred_chain").map(|t| t.value);
    let profile = table.text("profile").map(|t| t.value);
    Some(AcmeAuthority { directory: directory?, roots, contact, challenge: challenge?, external_account, preferred_chain, profile })
}

fn read_challenge(table: Table<'_>, home: &Path) -> Option<AcmeChallenge> {
    const KINDS: [(&str, u8); 3] = [("http-01", 0), ("tls-alpn-01", 1), ("dns-01", 2)];
    let challenge = match table.required("kind").and_then(|item| item.word(&KINDS))? {
        0 => match (table.parsed::<crate::model::Endpoint>("listen"), table.text("webroot")) {
            (Some(listen), None) => Some(AcmeChallenge::HttpListen(listen.value.to_string())),
            (None, Some(webroot)) => Some(AcmeChallenge::HttpWebroot(home.join(webroot.value))),
            (Some(_), Some(webroot)) => {
                table.document.problem(&webroot.span, "either `listen` or `webroot`, not both", None);
                None
            }
            (None, None) => {
                table.missing("listen");
                None
            }
        },
        1 => table.required_parsed::<crate::model::Endpoint>("listen").map(|l| AcmeChallenge::TlsAlpn(l.value.to_string())),
        _ => {
            let (set, clear) = (required_command(&table, "set", home), required_command(&table, "clear", home));
            Some(AcmeChallenge::Dns { set: set?, clear: clear? })
        }
    };
    table.finish();
    challenge
}

fn read_adcs(table: &Table<'_>, home: &Path) -> Option<AdcsAuthority> {
    let url = required_https(table, "url");
    let roots = files(table, "roots", home);
    let auth = table.word("auth", &[("basic", AdcsAuth::Basic), ("ntlm", AdcsAuth::Ntlm)]).unwrap_or(AdcsAuth::Basic);
    let account = table.table("account").and_then(|account| {
        let user = account.required_text("user");
        let password = account.required("password").and_then(|item| read_secret(item, home));
        account.finish();
        Some((user?.value, password?))
    });
    Some(AdcsAuthority { url: url?, roots, auth, account })
}

fn required_https(table: &Table<'_>, key: &'static str) -> Option<String> {
    let text = table.required_text(key)?;
    if text.value.get(..8).is_some_and(|p| p.eq_ignore_ascii_case("https://")) && text.value.len() > 8 {
        return Some(text.value);
    }
    let message = format!("`{}` does not start with `https://`: what is sent there must be protected", text.value);
    table.document.problem(&text.span, message, None);
    None
}

/// Files that must be there.
pub(super) fn files(table: &Table<'_>, key: &'static str, home: &Path) -> Vec<PathBuf> {
    table.texts(key).into_iter().map(|text| existing(table.document, &text, home)).collect()
}

/// A file that must be there; a problem otherwise.
pub(super) fn existing(document: &Document, text: &At<String>, home: &Path) -> PathBuf {
    let path = home.join(&text.value);
    if !path.is_file() {
        document.problem(&text.span, format!("there is no file `{}`", text.value), Some(format!("looked for `{}`", path.display())));
    }
    path
}

/// An argument vector; a program written with a slash is relative to the home.
pub(super) fn command(table: &Table<'_>, key: &'static str, home: &Path) -> Option<Vec<String>> {
    let item = table.item(key)?;
    if item.as_text().is_some() {
        let hint = "write it as a list of words: `[\"/usr/sbin/nginx\", \"-t\"]`".to_owned();
        table.document.problem(&item.span(), "commands are run without a shell", Some(hint));
        return None;
    }
    let mut words: Vec<String> = item.list().into_iter().filter_map(|i| i.text()).map(|t| t.value).collect();
    if let Some(program) = words.first_mut()
        && program.contains('/')
    {
        *program = home.join(&*program).to_string_lossy().into_owned();
    }
    Some(words)
}

fn required_command(table: &Table<'_>, key: &'static str, home: &Path) -> Option<Vec<String>> {
    let words = command(table, key, home);
    match table.item(key) {
        None => table.missing(key),
        Some(item) if words.as_ref().is_some_and(Vec::is_empty) => {
            table.document.problem(&item.span(), format!("`{key}` names no program"), None);
        }
        Some(_) => {}
    }
    words
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
