//! The objects that several verbs emit.

use std::any::Any;

use crate::command::{Kind, Property, Record, Value, View};
use crate::error::Result;
use crate::model::{Certificate, Fingerprint, Moment, Slot};
use crate::session::{Assigned, Session};
use crate::state::{CertificateRow, RequestRow};
use crate::x509::pem;

/// What Get-, Request- and Set-CsCertificate emit: a certificate, and the use it is assigned to.
#[derive(Clone, Debug)]
pub(crate) struct CertificateReference {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) issuer: String,
    pub(crate) not_after: Moment,
    pub(crate) not_before: Moment,
    pub(crate) serial: String,
    pub(crate) subject: String,
    pub(crate) names: Vec<String>,
    pub(crate) thumbprint: String,
    pub(crate) effective: Option<Moment>,
    pub(crate) previous: Option<String>,
    pub(crate) updated: Option<Moment>,
    pub(crate) use_name: Option<String>,
    pub(crate) scope: Option<&'static str>,
    pub(crate) friendly_name: String,
    pub(crate) has_key: bool,
    pub(crate) key_algorithm: String,
    pub(crate) key_size: i64,
    pub(crate) signature: String,
    pub(crate) purposes: Vec<String>,
    pub(crate) origin: String,
    pub(crate) store: &'static str,
    pub(crate) slot: Slot,
    pub(crate) days_left: i64,
    pub(crate) staged: Option<Staged>,
}

/// A certificate that is to take over.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    thumbprint: String,
    /// `staged, due …, overdue by …`.
    text: String,
    is_overdue: bool,
}

/// The kind of [`CertificateReference`].
pub(crate) static CERTIFICATE_REFERENCE: Kind =
    Kind::new("CertificateReference", const { &properties(false) }, View::List);

/// The same where a certificate is staged: the properties that tell of it are shown.
static STAGED_CERTIFICATE_REFERENCE: Kind = Kind::new("CertificateReference", const { &properties(true) }, View::List);

const fn shown_if(is_shown: bool, name: &'static str) -> Property {
    if is_shown { Property::new(name) } else { Property::hidden(name) }
}

const fn properties(is_staged: bool) -> [Property; 25] {
    [
        Property::new("Issuer"),
        Property::new("NotAfter"),
        Property::new("NotBefore"),
        Property::new("SerialNumber"),
        Property::new("Subject"),
        Property::new("AlternativeNames"),
        Property::new("Thumbprint"),
        Property::new("EffectiveDate"),
        Property::new("PreviousThumbprint"),
        Property::new("UpdateTime"),
        Property::new("Use"),
        Property::new("SourceScope"),
        shown_if(is_staged, "StagedThumbprint"),
        shown_if(is_staged, "Staged"),
        Property::hidden("FriendlyName"),
        Property::hidden("HasPrivateKey"),
        Property::hidden("KeyAlgorithm"),
        Property::hidden("KeySize"),
        Property::hidden("SignatureAlgorithm"),
        Property::hidden("EnhancedKeyUsage"),
        Property::hidden("Origin"),
        Property::hidden("Store"),
        Property::hidden("Slot"),
        Property::hidden("DaysLeft"),
        Property::hidden("Fingerprint"),
    ]
}

impl Record for CertificateReference {
    fn kind(&self) -> &Kind {
        if self.staged.is_some() { &STAGED_CERTIFICATE_REFERENCE } else { &CERTIFICATE_REFERENCE }
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.issuer),
            1 => self.not_after.into(),
            2 => self.not_before.into(),
            3 => Value::text(&self.serial),
            4 => Value::text(&self.subject),
            5 => Value::list(self.names.iter().map(Value::text)),
            6 => Value::text(&self.thumbprint),
            7 => self.effective.into(),
            8 => Value::optional_text(self.previous.as_ref()),
            9 => self.updated.into(),
            10 => Value::optional_text(self.use_name.as_ref()),
            11 => Value::optional_text(self.scope),
            12 => Value::optional_text(self.staged.as_ref().map(|s| &s.thumbprint)),
            13 => Value::optional_text(self.staged.as_ref().map(|s| &s.text)),
            14 => Value::text(&self.friendly_name),
            15 => self.has_key.into(),
            16 => Value::text(&self.key_algorithm),
            17 => self.key_size.into(),
            18 => Value::text(&self.signature),
            19 => Value::list(self.purposes.iter().map(Value::text)),
            20 => Value::text(&self.origin),
            21 => self.store.into(),
            22 => Value::from(self.slot.to_string()),
            23 => self.days_left.into(),
            24 => Value::from(self.fingerprint.to_string()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.thumbprint.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CertificateReference {
    /// A stored certificate that is assigned to nothing here.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn stored(session: &Session, fingerprint: Fingerprint, row: &CertificateRow) -> Result<Self> {
        Ok(Self { fingerprint, ..Self::parsed(session, row, &session.certificate_of(row)?)? })
    }

    /// The same of a row whose certificate is parsed already.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn parsed(session: &Session, row: &CertificateRow, certificate: &Certificate) -> Result<Self> {
        Ok(Self {
            fingerprint: certificate.fingerprint(),
            issuer: row.issuer.clone(),
            not_after: row.not_after,
            not_before: row.not_before,
            serial: row.serial.clone(),
            subject: row.subject.clone(),
            names: certificate.alternative_names().iter().map(ToString::to_string).collect(),
            thumbprint: row.thumbprint.to_string(),
            effective: None,
            previous: None,
            updated: None,
            use_name: None,
            scope: None,
            friendly_name: row.friendly_name.clone(),
            has_key: session.has_key(row)?,
            key_algorithm: certificate.key_algorithm_name().to_owned(),
            key_size: i64::from(certificate.key_bits()),
            signature: certificate.signature_algorithm().to_owned(),
            purposes: certificate.purposes().unwrap_or_default().iter().map(ToString::to_string).collect(),
            origin: row.origin.clone(),
            store: row.store.name(),
            slot: Slot::Any,
            days_left: row.not_after.since(session.now()).div_euclid(86_400),
            staged: None,
        })
    }

    /// The certificate of an assignment; `None` where the assignment only has a staged one.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn assigned(session: &Session, assigned: &Assigned) -> Result<Option<Self>> {
        let row = &assigned.row;
        let Some(fingerprint) = row.certificate.or(row.staged.map(|(f, _)| f)) else { return Ok(None) };
        let mut reference = match session.stored(&fingerprint)? {
            Some(stored) => Self::stored(session, fingerprint, &stored)?,
            None => Self::vanished(fingerprint),
        };
        reference.use_name = Some(assigned.key.use_name.clone());
        reference.scope = Some(if assigned.key.scope == "global" { "Global" } else { "Local" });
        reference.slot = assigned.key.slot;
        reference.effective = row.staged.map(|(_, at)| at);
        reference.updated = Some(row.updated);
        reference.staged = row.staged.map(|staged| Staged::of(session, staged)).transpose()?;
        if let Some(previous) = &row.previous {
            reference.previous = Some(match session.stored(previous)? {
                Some(stored) => stored.thumbprint.to_string(),
                None => previous.to_string(),
            });
        }
        Ok(Some(reference))
    }

    /// An assignment whose certificate is not in the store any more.
    fn vanished(fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint,
            issuer: String::new(),
            not_after: Moment::from_unix(0),
            not_before: Moment::from_unix(0),
            serial: String::new(),
            subject: String::new(),
            names: Vec::new(),
            thumbprint: fingerprint.to_string(),
            effective: None,
            previous: None,
            updated: None,
            use_name: None,
            scope: None,
            friendly_name: String::new(),
            has_key: false,
            key_algorithm: String::new(),
            key_size: 0,
            signature: String::new(),
            purposes: Vec::new(),
            origin: String::new(),
            store: "",
            slot: Slot::Any,
            days_left: 0,
            staged: None,
        }
    }

    /// What is to be said of a staged certificate that should have taken over.
    pub(crate) fn overdue(&self) -> Option<&str> {
        self.staged.as_ref().filter(|s| s.is_overdue).map(|s| s.text.as_str())
    }

    /// Whether the certificate itself has vanished from the store.
    pub(crate) fn is_vanished(&self) -> bool {
        self.store.is_empty()
    }
}

impl Staged {
    fn of(session: &Session, (fingerprint, due): (Fingerprint, Moment)) -> Result<Self> {
        let late = session.now().since(due);
        let shown = due.in_zone(&session.zone());
        let text = if late > 0 {
            format!("staged, due {shown}, overdue by {}", Value::Span(late).display(&session.zone()))
        } else {
            format!("staged, due {shown}")
        };
        let thumbprint = match session.stored(&fingerprint)? {
            Some(row) => row.thumbprint.to_string(),
            None => fingerprint.to_string(),
        };
        Ok(Self { thumbprint, text, is_overdue: late > 0 })
    }
}

/// What `Request-CsCertificate -List` emits, and `-New` for a request that is not decided.
#[derive(Clone, Debug)]
pub(crate) struct RequestRecord(RequestRow);

/// The kind of [`RequestRecord`].
pub(crate) static REQUEST_RECORD: Kind =
    Kind::new("CertificateRequest", const { &request_properties(false) }, View::List);

/// The same where the authority gave no number: the local one is shown, which `-RequestId` takes too.
static NUMBERED_HERE: Kind = Kind::new("CertificateRequest", const { &request_properties(true) }, View::List);

const fn request_properties(is_numbered_here: bool) -> [Property; 14] {
    [
        Property::new("RequestId"),
        shown_if(is_numbered_here, "Id"),
        Property::new("CA"),
        Property::new("CertificateUses"),
        Property::new("Status"),
        Property::new("Subject"),
        Property::new("AlternativeNames"),
        Property::new("FriendlyName"),
        Property::new("SubmittedAt"),
        Property::new("Message"),
        Property::hidden("Template"),
        Property::hidden("Requester"),
        Property::hidden("RetryAt"),
        Property::hidden("Request"),
    ]
}

impl RequestRecord {
    /// The record of a row.
    pub(crate) fn of(row: &RequestRow) -> Self {
        Self(row.clone())
    }
}

impl Record for RequestRecord {
    fn kind(&self) -> &Kind {
        if self.0.request_id.is_none() { &NUMBERED_HERE } else { &REQUEST_RECORD }
    }

    fn value(&self, index: usize) -> Value {
        let row = &self.0;
        match index {
            0 => row.request_id.map(i64::from).into(),
            1 => Value::Int(row.id as i64),
            2 => Value::text(if row.ca.is_empty() { "(offline)" } else { &row.ca }),
            3 => Value::list(row.uses.iter().map(Value::text)),
            4 => row.status.name().into(),
            5 => Value::text(&row.subject),
            6 => Value::list(row.names.iter().map(|(name, _)| Value::text(name))),
            7 => Value::text(&row.friendly_name),
            8 => row.submitted.into(),
            9 => Value::text(&row.message),
            10 => Value::text(&row.template),
            11 => Value::text(&row.requester),
            12 => row.retry_at.into(),
            13 => Value::text(pem::encode(pem::REQUEST, &row.csr)),
            _ => Value::Null,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
