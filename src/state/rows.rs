//! The rows of the state: what is remembered, as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, KeyId, Moment, Slot, Thumbprint};

/// Which row: a table and its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowKey {
    /// A stored certificate.
    Certificate(Fingerprint),
    /// A sealed private key.
    Key(KeyId),
    /// The sealed content of a file before a change: `OPERATION/OBJECT`, see [`RowKey::before_image`].
    BeforeImage(String),
    /// A request, by its local id.
    Request(u64),
    /// What a use is served with: scope (`global` or a computer), use, slot.
    Assignment(AssignmentKey),
    /// What is bound at a binding.
    Bound(BindingKey),
    /// What the built-in listener is to serve at a binding.
    Listener(BindingKey),
    /// An embedded authority, by its `host\instance` in lower case.
    Authority(String),
    /// A request in the database of an embedded authority: authority and request id.
    Submission(String, u32),
    /// A setting of the state itself (`machine`, `store-secret`, …).
    Setting(String),
    /// A counter, by name; see [`next_number`](super::next_number).
    Counter(String),
}

impl RowKey {
    /// The before-image of an object in an operation; [`close`](super::State::close) removes all of its operation.
    pub fn before_image(operation: u64, object: &str) -> Self {
        Self::BeforeImage(format!("{operation}/{object}"))
    }
}

impl fmt::Display for RowKey {
    /// The row in an operator's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fingerprint) => write!(f, "certificate {fingerprint}"),
            Self::Key(key) => write!(f, "private key {key}"),
            Self::BeforeImage(object) => write!(f, "before-image {object}"),
            Self::Request(id) => write!(f, "request {id}"),
            Self::Assignment(key) => write!(f, "assignment of {} ({})", key.use_name, key.scope),
            Self::Bound(key) => write!(f, "binding {key}"),
            Self::Listener(key) => write!(f, "listener binding {key}"),
            Self::Authority(name) => write!(f, "authority {name}"),
            Self::Submission(authority, id) => write!(f, "request {id} at {authority}"),
            Self::Setting(name) => write!(f, "setting {name}"),
            Self::Counter(name) => write!(f, "counter {name}"),
        }
    }
}

/// A row; `Debug` shows no secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Row {
    /// See [`RowKey::Certificate`].
    Certificate(CertificateRow),
    /// See [`RowKey::Key`].
    Key(KeyRow),
    /// See [`RowKey::BeforeImage`]: sealed bytes.
    BeforeImage(Sealed),
    /// See [`RowKey::Request`].
    Request(RequestRow),
    /// See [`RowKey::Assignment`].
    Assignment(AssignmentRow),
    /// See [`RowKey::Bound`].
    Bound(BoundRow),
    /// See [`RowKey::Listener`].
    Listener(BoundRow),
    /// See [`RowKey::Authority`].
    Authority(AuthorityRow),
    /// See [`RowKey::Submission`].
    Submission(SubmissionRow),
    /// See [`RowKey::Setting`].
    Setting(String),
    /// See [`RowKey::Counter`]: the number that was given last.
    Counter(u64),
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(row) => row.fmt(f),
            Self::Key(row) => row.fmt(f),
            Self::BeforeImage(row) => write!(f, "BeforeImage({row:?})"),
            Self::Request(row) => row.fmt(f),
            Self::Assignment(row) => row.fmt(f),
            Self::Bound(row) | Self::Listener(row) => row.fmt(f),
            Self::Authority(row) => row.fmt(f),
            Self::Submission(row) => row.fmt(f),
            // One of the settings is the store secret.
            Self::Setting(value) => write!(f, "Setting({} bytes)", value.len()),
            Self::Counter(last) => write!(f, "Counter({last})"),
        }
    }
}

/// One change of one row; all of a batch happen or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// Which row.
    pub key: RowKey,
    /// What must be there now.
    pub expect: Expectation,
    /// What is to be there; `None` removes the row.
    pub row: Option<Row>,
}

/// What a write expects to find, the writes before it in the batch included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expectation {
    /// Anything.
    Anything,
    /// No row.
    Absent,
    /// Just this row.
    Exactly(Box<Row>),
}

impl Write {
    /// Puts a row whatever was there.
    pub fn put(key: RowKey, row: Row) -> Self {
        Self { key, expect: Expectation::Anything, row: Some(row) }
    }

    /// Puts a row where none is.
    pub fn insert(key: RowKey, row: Row) -> Self {
        Self { key, expect: Expectation::Absent, row: Some(row) }
    }

    /// Replaces just this row.
    pub fn replace(key: RowKey, old: Option<Row>, new: Option<Row>) -> Self {
        let expect = old.map_or(Expectation::Absent, |row| Expectation::Exactly(Box::new(row)));
        Self { key, expect, row: new }
    }

    /// Removes a row whatever it is.
    pub fn remove(key: RowKey) -> Self {
        Self { key, expect: Expectation::Anything, row: None }
    }

    /// Refuses a row that does not belong to its key.
    ///
    /// # Errors
    /// `StoreUnavailable`: whoever built the batch is wrong, not the operator.
    pub fn check(&self) -> Result<()> {
        let fits = match (&self.key, &self.row) {
            (_, None)
            | (RowKey::Certificate(_), Some(Row::Certificate(_)))
            | (RowKey::Key(_), Some(Row::Key(_)))
            | (RowKey::BeforeImage(_), Some(Row::BeforeImage(_)))
            | (RowKey::Assignment(_), Some(Row::Assignment(_)))
            | (RowKey::Bound(_), Some(Row::Bound(_)))
            | (RowKey::Listener(_), Some(Row::Listener(_)))
            | (RowKey::Authority(_), Some(Row::Authority(_)))
            | (RowKey::Submission(..), Some(Row::Submission(_)))
            | (RowKey::Setting(_), Some(Row::Setting(_)))
            | (RowKey::Counter(_), Some(Row::Counter(_))) => true,
            (RowKey::Request(id), Some(Row::Request(row))) => *id == row.id,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(
            ErrorId::StoreUnavailable,
            format!("the {} was to be written with another row's content", self.key),
        ))
    }

    /// Whether it would put just the row that it expects: a plan that relies on a row without changing it.
    pub fn changes_nothing(&self) -> bool {
        match (&self.expect, &self.row) {
            (Expectation::Exactly(old), Some(new)) => **old == *new,
            (Expectation::Absent, None) => true,
            _ => false,
        }
    }

    /// Refuses what is there now when something else was expected.
    ///
    /// # Errors
    /// `PlanStale`, naming the row.
    pub fn admit(&self, found: Option<&Row>) -> Result<()> {
        let wrong = match &self.expect {
            Expectation::Anything => return Ok(()),
            Expectation::Absent if found.is_none() => return Ok(()),
            Expectation::Exactly(row) if found == Some(row) => return Ok(()),
            Expectation::Absent => "there is one already",
            Expectation::Exactly(_) if found.is_none() => "it is gone",
            Expectation::Exactly(_) => "it has another content",
        };
        Err(Error::new(ErrorId::PlanStale, format!("the {} is not as the change expects: {wrong}", self.key))
            .about(self.key.to_string())
            .hint("somebody else changed it meanwhile: run the command again"))
    }
}

/// A stored certificate: its DER and what is remembered beside it.
///
/// `thumbprint … names` repeat what stands in `der`, so that the state can index them without parsing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// The certificate, DER.
    #[serde(with = "bytes")]
    pub der: Vec<u8>,
    /// SHA-1 of `der`.
    pub thumbprint: Thumbprint,
    /// Subject as shown.
    pub subject: String,
    /// Issuer as shown.
    pub issuer: String,
    /// Serial number, upper-case hexadecimal.
    pub serial: String,
    /// Begin of validity.
    pub not_before: Moment,
    /// End of validity.
    pub not_after: Moment,
    /// The DNS names, lower case.
    pub names: Vec<String>,
    /// SHA-256 of the public key: finds the private one.
    pub key: KeyId,
    /// Which store it stands in.
    pub store: Store,
    /// The name that the operator gave.
    pub friendly_name: String,
    /// Certificates below the root that came with it, nearest first, by fingerprint.
    pub chain: Vec<Fingerprint>,
    /// Where it came from: `request 41 at dc01…`, `import of C:\…`.
    pub origin: String,
    /// When it was stored.
    pub added: Moment,
    /// When and why it was banned (key compromise).
    pub banned: Option<String>,
}

impl std::fmt::Debug for CertificateRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertificateRow({} {})", self.thumbprint, self.subject)
    }
}

impl CertificateRow {
    /// The row of a certificate that has just come.
    pub fn of(certificate: &Certificate, store: Store, origin: &str, added: Moment) -> Self {
        Self {
            der: certificate.der().to_vec(),
            thumbprint: certificate.thumbprint(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            names: certificate.dns_names().map(str::to_ascii_lowercase).collect(),
            key: certificate.key_id(),
            store,
            friendly_name: String::new(),
            chain: Vec::new(),
            origin: origin.to_owned(),
            added,
            banned: None,
        }
    }
}

/// The certificate stores, under their Windows names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Store {
    /// Personal: certificates that can be assigned.
    My,
    /// Intermediate authorities.
    #[serde(rename = "CA")]
    Ca,
    /// Trusted roots.
    Root,
}

impl Store {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::My, Self::Ca, Self::Root];

    /// The name in `Cert:\LocalMachine\NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::My => "My",
            Self::Ca => "CA",
            Self::Root => "Root",
        }
    }
}

/// A sealed private key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRow {
    /// The sealed PKCS#8.
    pub sealed: Sealed,
    /// Whether it may leave the store.
    pub exportable: bool,
    /// When it was made or imported.
    pub added: Moment,
    /// Until when it is kept although its request was cleared.
    pub quarantined_until: Option<Moment>,
}

/// Bytes that only the store secret opens; `Debug` shows their length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(#[serde(with = "bytes")] pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What was asked of an authority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    /// The local id, unique in this state.
    pub id: u64,
    /// The authority, `host\instance`; empty for a request file.
    pub ca: String,
    /// The authority's own number, where it has one.
    pub request_id: Option<u32>,
    /// How far it is.
    pub status: RequestStatus,
    /// The backend's own state, as it serialised it; empty before the first answer.
    pub ticket: String,
    /// The PKCS#10, DER.
    #[serde(with = "bytes")]
    pub csr: Vec<u8>,
    /// The key it was made with.
    pub key: KeyId,
    /// Who asked, at the authority.
    pub requester: String,
    /// The template asked for; may be empty.
    pub template: String,
    /// The uses it is for.
    pub uses: Vec<String>,
    /// The subject asked for, as shown.
    pub subject: String,
    /// The names computed: name, and the rule that asks for it.
    pub names: Vec<(String, String)>,
    /// The friendly name to give to the certificate.
    pub friendly_name: String,
    /// When it was made.
    pub submitted: Moment,
    /// When the authority wants to be asked again.
    pub retry_at: Option<Moment>,
    /// The authority's last words.
    pub message: String,
    /// The certificate that came.
    pub certificate: Option<Fingerprint>,
    /// Whether the key was asked for as exportable.
    #[serde(default)]
    pub exportable: bool,
    /// The computer it is for.
    #[serde(default)]
    pub computer: String,
    /// The certificate that it is to take the place of, where it is a renewal.
    #[serde(default)]
    pub replaces: Option<Fingerprint>,
    /// How the names were asked for beside the uses; a renewal asks for them in the same way.
    #[serde(default)]
    pub wishes: NameWishes,
}

/// What was asked for beside the names that uses ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameWishes {
    /// Whether every SIP domain contributes its names (`-AllSipDomain`).
    pub all_sip_domain: bool,
    /// Names that were added (`-DomainName`).
    pub added: Vec<String>,
    /// Computed names that were left out (`-ExcludeComputedName`).
    pub excluded: Vec<String>,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RequestStatus {
    /// Key and request are stored, the authority's answer is not: ask on with the ticket.
    Submitting,
    /// The authority has it and has not decided.
    Pending,
    /// The certificate is stored.
    Issued,
    /// The authority refused.
    Denied,
    /// The authority revoked it.
    Revoked,
}

impl RequestStatus {
    /// The word that operators see; a request under way is pending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submitting | Self::Pending => "Pending",
            Self::Issued => "Issued",
            Self::Denied => "Denied",
            Self::Revoked => "Revoked",
        }
    }
}

/// Which certificate a use is served with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssignmentKey {
    /// `global`, or the computer in lower case.
    pub scope: String,
    /// The use's canonical name.
    pub use_name: String,
    /// Which key family it is for.
    pub slot: Slot,
}

/// The key that sorts before all others.
pub(super) fn lowest_assignment() -> AssignmentKey {
    AssignmentKey { scope: String::new(), use_name: String::new(), slot: Slot::Any }
}

/// The key that sorts before all others.
pub(super) fn lowest_binding() -> BindingKey {
    BindingKey { computer: String::new(), site: String::new(), information: String::new(), slot: Slot::Any }
}

/// See [`RowKey::Assignment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRow {
    /// The certificate in force; `None` while only a staged one is there.
    pub certificate: Option<Fingerprint>,
    /// The one before.
    pub previous: Option<Fingerprint>,
    /// The one that takes over, and when.
    pub staged: Option<(Fingerprint, Moment)>,
    /// When the row was written.
    pub updated: Moment,
}

/// A binding of a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BindingKey {
    /// The computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// Which key family.
    pub slot: Slot,
}

impl fmt::Display for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} on {}", self.information, self.site, self.computer)
    }
}

/// See [`RowKey::Bound`] and [`RowKey::Listener`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundRow {
    /// What is bound.
    pub certificate: Fingerprint,
    /// Since when.
    pub since: Moment,
}

/// An embedded authority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorityRow {
    /// Its certificate, DER; empty while it waits for one that is signed elsewhere.
    #[serde(with = "bytes")]
    pub certificate: Vec<u8>,
    /// The certificates above it, DER one after another, nearest first; none above one that signed itself.
    #[serde(default, with = "bytes")]
    pub above: Vec<u8>,
    /// Its key.
    pub key: KeyId,
    /// The number of the next request.
    pub next_request_id: u32,
    /// The number of the next CRL.
    pub next_crl: u64,
}

/// A request in the database of an embedded authority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubmissionRow {
    /// Who asked.
    pub requester: String,
    /// The computer it is for, whose own name a directory template puts in.
    #[serde(default)]
    pub computer: String,
    /// The template.
    pub template: String,
    /// The PKCS#10, DER.
    #[serde(with = "bytes")]
    pub csr: Vec<u8>,
    /// The disposition of the authority's database: 9 pending, 20 issued, 21 revoked, 30 failed, 31 denied.
    pub disposition: u8,
    /// The disposition message.
    pub message: String,
    /// The certificate, DER; empty before issue.
    #[serde(with = "bytes")]
    pub certificate: Vec<u8>,
    /// Its serial number, upper-case hexadecimal.
    pub serial: String,
    /// When it came.
    pub submitted: Moment,
    /// When it was decided.
    pub resolved: Option<Moment>,
    /// When and why it was revoked (RFC 5280 §5.3.1, `CRLReason`).
    pub revoked: Option<(Moment, u8)>,
}

/// A change under way, as the journal holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOperation {
    /// Its number.
    pub id: u64,
    /// When it began.
    pub opened: Moment,
    /// The machine on which it began.
    pub machine: String,
    /// The operation as it was opened (JSON).
    pub body: String,
    /// What was journaled since, in order (JSON each).
    pub entries: Vec<String>,
}

/// Bytes as Base64-free hexadecimal text in JSON.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::hex;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::upper(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::read(&text).ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, RowKey, Sealed, Write};

    #[test]
    fn debug_and_errors_show_no_secret() {
        for row in [Row::Setting("s3cret".to_owned()), Row::BeforeImage(Sealed(b"s3cret".to_vec()))] {
            assert!(!format!("{row:?}").contains("s3cret"));
            let write = Write::replace(RowKey::Setting("store-secret".to_owned()), Some(row.clone()), Some(row));
            let error = write.admit(None).unwrap_err();
            assert!(!format!("{write:?} {error:?} {error}").contains("s3cret"));
        }
    }
}
