//! Certification authorities: one contract for the embedded one and those across a wire.

#[cfg(feature = "acme")]
mod acme;
#[cfg(feature = "adcs")]
mod adcs;
#[cfg(test)]
mod contract;
mod down;
mod embedded;
#[cfg(any(feature = "acme", feature = "adcs"))]
mod http;
#[cfg(test)]
mod testing;

#[cfg(feature = "acme")]
pub use acme::{Acme, AcmeLimits, AcmeMethod, AcmeSettings, DnsMethod, RootSource, RunCommand};
#[cfg(feature = "adcs")]
pub use adcs::{Adcs, AdcsRoots, AdcsSettings, LogOn};
pub use down::Down;
pub use embedded::{
    Approval, Embedded, EmbeddedSettings, Parent, Permissions, Publication, Right, SecretResolver, SubjectSource,
    Template,
};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Moment, Secret};
use crate::state::{Sealed, State, SubmissionRow, Write};

/// An authority that issues certificates, addressed `host\instance`.
///
/// Contract, the same for every implementation (one suite of tests runs on all):
/// - `begin` hands a request in; `advance` asks on with the ticket of the last answer. The caller stores
///   the ticket after every answer and before the next call, so that a crash loses nothing; advancing the
///   same ticket twice is harmless.
/// - A refusal by the authority is `Progress::Denied`; an error means that the authority did not decide
///   (`CaUnreachable`, `CaAccessDenied`, `TemplateNotFound`, `KeyTooSmall`…).
/// - An authority inside the same state writes nothing itself: its rows come back as `Answer::writes` and
///   are written by the caller in the one transaction that stores request, certificate and key. When that
///   transaction fails with `PlanStale` (another process took the number), the caller begins again.
/// - An authority across a wire returns no writes, and the key and the request are durable before `begin`. What it must
///   remember beside the ticket (its account, its ledger of orders) it keeps itself, as settings under its own name.
pub trait Authority: Send + Sync {
    /// `host\instance`, as given to `-CA`.
    fn config(&self) -> &str;

    /// Whether it keeps its database in the session's own state.
    fn is_inside(&self) -> bool {
        false
    }

    /// Whether its certificates are for everybody's clients, so that public rules bind its names.
    fn is_public(&self) -> bool {
        false
    }

    /// Whether it is worth asking at all: an authority that is known and never answers is not.
    fn can_issue(&self) -> bool {
        true
    }

    /// Refuses before a key is made what `begin` would refuse anyway, as far as can be known.
    ///
    /// # Errors
    /// `CaUnreachable`, `CaAccessDenied`, `TemplateNotFound`, `TemplateAccessDenied`, `KeyTooSmall`; `RequestDenied` where
    /// the template does not let the key be exported.
    fn preflight(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Result<()>;

    /// The ticket that is stored with the key before `begin`: where a request that may have been handed in must not be
    /// handed in again, `advance` says what is to be done about it. Empty where `begin` may be repeated.
    fn first_ticket(&self) -> String {
        String::new()
    }

    /// Hands a request in.
    fn begin(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer>;

    /// Asks on.
    fn advance(&self, cx: &Context<'_>, ticket: &str) -> Result<Answer>;

    /// Asks on in the name of another account; where nobody logs on, an account is refused.
    ///
    /// # Errors
    /// `CaAccessDenied`, and those of `advance`.
    fn advance_as(&self, _cx: &Context<'_>, _ticket: &str, (account, _): &(String, Secret)) -> Result<Answer> {
        let text = format!("nobody logs on at `{}`: `-CaAccount` means nothing there", self.config());
        Err(Error::new(ErrorId::CaAccessDenied, text).about(account).hint("leave `-CaAccount` and `-CaPassword` out"))
    }

    /// The authority's own certificates, nearest the leaf first, root last.
    fn chain(&self, cx: &Context<'_>) -> Result<Vec<Certificate>>;

    /// What an operator is to be warned of at each use; none for most authorities.
    ///
    /// # Errors
    /// Those of the state.
    fn warnings(&self, _cx: &Context<'_>) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Whether `revoke_certificate` can be asked for by whoever holds the certificate.
    fn can_revoke(&self) -> bool {
        false
    }

    /// Revokes a certificate across a wire; `reason` is the `CRLReason` of RFC 5280 section 5.3.1.
    ///
    /// # Errors
    /// `PolicyRefused` where the authority offers no such thing; what the authority refuses with.
    fn revoke_certificate(&self, _cx: &Context<'_>, _certificate: &Certificate, _reason: u8) -> Result<()> {
        Err(Error::new(ErrorId::PolicyRefused, format!("`{}` lets nobody revoke through certlet", self.config())))
    }

    /// When the authority wants a certificate renewed (RFC 9773); `None` where it does not say.
    ///
    /// # Errors
    /// `CaUnreachable`.
    fn renewal_window(&self, _cx: &Context<'_>, _certificate: &Certificate) -> Result<Option<RenewalWindow>> {
        Ok(None)
    }

    /// Looks whether the authority could be asked now, and asks for nothing: one finding for each thing looked at.
    fn examine(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
        vec![Finding { subject: "Request", fault: self.preflight(cx, inquiry).err(), note: String::new() }]
    }

    /// The database side, where certlet is the authority.
    fn as_database(&self) -> Option<&dyn Database> {
        None
    }
}

/// What an authority may use of the session while it answers.
pub struct Context<'a> {
    /// The state, for an authority inside it.
    pub state: &'a dyn State,
    /// The keys of the session, for an authority inside it.
    pub keys: &'a dyn KeyStore,
    /// The present moment.
    pub now: Moment,
    /// Whether the run is to end.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// Where sealed keys are opened and new ones are sealed; nothing is written by it.
pub trait KeyStore: Send + Sync {
    /// Opens a stored key.
    ///
    /// # Errors
    /// `NoPrivateKey`, `StoreLocked`.
    fn open(&self, key: &crate::model::KeyId) -> Result<crate::x509::PrivateKey>;

    /// The write that stores a key, sealed.
    ///
    /// # Errors
    /// `StoreLocked`.
    fn seal(&self, key: &crate::x509::PrivateKey, exportable: bool, now: Moment) -> Result<Write>;

    /// Seals bytes that may hold a key (the before-image of a file), bound to a context.
    ///
    /// # Errors
    /// `StoreLocked`.
    fn seal_bytes(&self, context: &str, bytes: &[u8]) -> Result<Sealed>;

    /// Opens what `seal_bytes` sealed for the same context.
    ///
    /// # Errors
    /// `StoreLocked`.
    fn open_bytes(&self, context: &str, sealed: &Sealed) -> Result<zeroize::Zeroizing<Vec<u8>>>;
}

/// What will be asked of an authority, before there is a key.
#[derive(Clone, Debug)]
pub struct Inquiry<'a> {
    /// The template, by name; empty for the authority's own choice.
    pub template: &'a str,
    /// The key's algorithm and size.
    pub key: crate::model::KeyAlgorithm,
    /// Whether the requester wants to export the key.
    pub exportable: bool,
    /// Who asks.
    pub requester: &'a str,
    /// Another account to ask as, with its password.
    pub account: Option<&'a (String, Secret)>,
    /// The names that the certificate is to carry, each with the rule that asks for it.
    pub names: &'a [(String, String)],
}

/// What is asked of an authority.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The PKCS#10 request, DER.
    pub csr: Vec<u8>,
    /// Whether the request was made here, with its key at hand: nobody else has to show that it has the key.
    pub is_own: bool,
    /// The template, by name; empty for the authority's own choice.
    pub template: String,
    /// Whether the requester wants to export the key.
    pub exportable: bool,
    /// The computer it is for, whose own name a directory template puts in.
    pub computer: String,
    /// Who asks.
    pub requester: String,
    /// Another account to ask as, with its password.
    pub account: Option<(String, Secret)>,
    /// The certificate that it is to take the place of, where it is a renewal.
    pub replaces: Option<Certificate>,
}

/// When an authority wants a certificate renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalWindow {
    /// Not before this moment.
    pub start: Moment,
    /// Not after this one.
    pub end: Moment,
    /// Where the authority explains itself.
    pub explanation: Option<String>,
    /// When it may be asked again.
    pub ask_again: Option<Moment>,
}

/// One thing that was looked at to see whether an authority could be asked.
#[derive(Debug)]
pub struct Finding {
    /// What: `Reachable`, `Clock`, `Template`, `Right`, `Limits`…
    pub subject: &'static str,
    /// What is wrong; `None` when it is well.
    pub fault: Option<Error>,
    /// What was seen.
    pub note: String,
}

/// What an authority answers.
#[derive(Debug)]
pub struct Answer {
    /// The backend's own state, to be given to `advance`.
    pub ticket: String,
    /// The authority's number of the request, where it has one.
    pub request_id: Option<u32>,
    /// How far it is.
    pub progress: Progress,
    /// The authority's last words.
    pub message: String,
    /// Rows of an authority inside the same state.
    pub writes: Vec<Write>,
}

/// How far a request is at its authority.
#[derive(Debug)]
pub enum Progress {
    /// Ask on at once.
    Working,
    /// Ask again at this moment, or when somebody has approved.
    ///
    /// A moment within a minute is waited for in the same run: an authority that waits for a person names none, or a later
    /// one.
    Waiting(Option<Moment>),
    /// Issued: the certificate first, then the authorities above it, without the root where it is known.
    Issued(Vec<Certificate>),
    /// Refused, with the error that says why.
    Denied(Error),
    /// Revoked since.
    Revoked,
}

/// The database side of an authority that certlet itself is.
///
/// Nothing is written here either: the rows come back, each expecting the row that was read, so that of two
/// decisions about one request the second fails with `PlanStale`.
pub trait Database: Send + Sync {
    /// The templates it publishes.
    fn templates(&self) -> Vec<TemplateFacts>;

    /// Whether somebody may enroll for a template here; false for one that is not published.
    fn may_enroll(&self, principal: &str, template: &str) -> bool;

    /// Approves a pending request; by somebody else than who asked.
    ///
    /// # Errors
    /// `CaAccessDenied` without the right to issue, `RequestNotFound` when none is pending under this number,
    /// `PolicyRefused` for one's own request, `RequestDenied` when the policy has changed against it since.
    fn approve(&self, cx: &Context<'_>, principal: &str, request_id: u32) -> Result<Vec<Write>>;

    /// Denies a pending request.
    ///
    /// # Errors
    /// `CaAccessDenied`, `RequestNotFound`.
    fn deny(&self, cx: &Context<'_>, principal: &str, request_id: u32, reason: &str) -> Result<Vec<Write>>;

    /// Revokes an issued certificate; `reason` is the `CRLReason` of RFC 5280 section 5.3.1, 0 to 6.
    ///
    /// A second time with the same reason changes nothing; another reason takes the place of the first, only a hold
    /// takes the place of no other.
    ///
    /// # Errors
    /// `CaAccessDenied`, `CertificateNotFound`, `ParameterArgumentValidationError`, `PolicyRefused`.
    fn revoke(&self, cx: &Context<'_>, principal: &str, serial: &str, reason: u8) -> Result<Vec<Write>>;

    /// Signs a new revocation list, DER, with the rows that count it.
    ///
    /// # Errors
    /// Those of the state and of the key store.
    fn revocation_list(&self, cx: &Context<'_>) -> Result<(Vec<u8>, Vec<Write>)>;

    /// Where the revocation list is published, and how often; `None` where it is not.
    fn publication(&self) -> Option<&Publication>;

    /// Judges the list that lies where it is published, DER; gives its end.
    ///
    /// # Errors
    /// `BadCertificateFile` when it is not this authority's, is out of date, or does not tell of a revocation;
    /// `CaUnreachable` while there is no authority yet.
    fn check_list(&self, cx: &Context<'_>, published: &[u8]) -> Result<Moment>;

    /// The requests that were handed in, ordered by number; one, with a number.
    ///
    /// # Errors
    /// `CaAccessDenied` without the right to read.
    fn requests(&self, cx: &Context<'_>, principal: &str, number: Option<u32>) -> Result<Vec<(u32, SubmissionRow)>>;

    /// Fails while the authority waits for its own certificate from a parent elsewhere.
    ///
    /// # Errors
    /// `CaUnreachable`.
    fn check_certified(&self, cx: &Context<'_>) -> Result<()>;

    /// The request for the authority's own certificate, where that is signed elsewhere: PKCS#10, DER. The key is made
    /// with the first one, and kept for every later one.
    ///
    /// # Errors
    /// `CaAccessDenied`, `PolicyRefused` for a root, `StoreLocked`.
    fn request_own(&self, cx: &Context<'_>, principal: &str) -> Result<(Vec<u8>, Vec<Write>)>;

    /// Takes the authority's own certificate out of those that came from its parent, with those above it up to a root
    /// among them or among `roots`. Gives the path that it found, its own certificate first.
    ///
    /// # Errors
    /// `CaAccessDenied`, `PolicyRefused` for a root, `CaUnreachable` before it was asked for, `KeyMismatch`,
    /// `BadCertificateFile`, `InvalidName`, `CertificateExpired`, `CertificateNotYetValid`, `UntrustedChain`.
    fn install_own(
        &self,
        cx: &Context<'_>,
        principal: &str,
        found: &[Certificate],
        roots: &[Certificate],
    ) -> Result<(Vec<Certificate>, Vec<Write>)>;

    /// Renews the certificate of a root with the same key, as it is declared now; `force` also where certificates that
    /// still run would lie outside the new name constraints.
    ///
    /// # Errors
    /// `CaAccessDenied`, `PolicyRefused`, `StoreLocked`.
    fn renew_own(&self, cx: &Context<'_>, principal: &str, force: bool) -> Result<(Certificate, Vec<Write>)>;
}

/// A template as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each a column")]
pub struct TemplateFacts {
    /// The name to give to `-Template`.
    pub name: String,
    /// The name that dialogs show.
    pub display_name: String,
    /// The smallest RSA key.
    pub minimum_key_size: u32,
    /// The extended key usages that it grants, as dotted object identifiers.
    pub purposes: Vec<String>,
    /// Whether the authority puts the computer's own name in place of subject and names.
    pub subject_from_directory: bool,
    /// Whether the key may be exportable.
    pub exportable: bool,
    /// Whether servers whose configuration is files may be given the key.
    pub deploy: bool,
    /// Whether requests wait for approval.
    pub needs_approval: bool,
    /// How long its certificates live.
    pub validity_days: u32,
    /// Whether it makes authorities.
    #[serde(default)]
    pub authority: bool,
}
