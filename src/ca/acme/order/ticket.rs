//! What is remembered of a request between two steps of its order.

use serde::{Deserialize, Serialize};

use super::Identifier;
use crate::ca::acme::AcmeSettings;
use crate::ca::acme::challenge::Chosen;
use crate::ca::acme::jose::sha256;
use crate::ca::{Answer, Progress, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, hex};
use crate::x509;

/// All that is needed to go on with a request; it holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ca::acme) struct Ticket {
    /// The PKCS#10 request, DER, hexadecimal.
    pub(super) csr: String,
    pub(super) names: Vec<Identifier>,
    pub(super) profile: Option<String>,
    /// The identifier of the certificate to be replaced (RFC 9773 section 4.1).
    pub(super) replaces: Option<String>,
    /// The order's address; none before the authority has given it.
    pub(super) order: Option<String>,
    /// The challenges that are answered, or were when a crash came.
    #[serde(default)]
    pub(super) challenges: Vec<Chosen>,
    /// Why the authority does not issue it.
    pub(super) refused: Option<String>,
}

impl Ticket {
    /// The ticket of a request that nobody has heard of yet.
    ///
    /// # Errors
    /// `RequestDenied` for a name that is neither a host name nor an address.
    pub(in crate::ca::acme) fn new(
        submission: &Submission,
        profile: Option<String>,
        replaces: Option<String>,
    ) -> Result<Self> {
        Ok(Self {
            csr: hex::upper(&submission.csr),
            names: names_of(&submission.csr)?,
            profile,
            replaces,
            order: None,
            challenges: Vec::new(),
            refused: None,
        })
    }

    /// # Errors
    /// `StoreUnavailable` for a ticket that is not ours.
    pub(in crate::ca::acme) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|e| Error::new(ErrorId::StoreUnavailable, "the ticket of the request is damaged").because(e))
    }

    /// Why the request has ended in a refusal, if it has.
    pub(in crate::ca::acme) fn refused(&self, settings: &AcmeSettings) -> Option<Error> {
        let why = self.refused.clone()?;
        Some(Error::new(ErrorId::RequestDenied, why).about(settings.config.clone()))
    }

    /// What names the request in the ledger.
    pub(super) fn request(&self) -> String {
        hex::upper(&sha256(self.csr.as_bytes()))
    }

    pub(super) fn values(&self) -> Vec<String> {
        self.names.iter().map(|n| n.value.clone()).collect()
    }

    pub(super) fn answer(&self, progress: Progress, message: impl Into<String>) -> Answer {
        Answer {
            ticket: serde_json::to_string(self).unwrap_or_default(),
            request_id: None,
            progress,
            message: message.into(),
            writes: Vec::new(),
        }
    }

    /// Ends the request: from now on every step says the same.
    pub(in crate::ca::acme) fn denied(mut self, error: Error) -> Answer {
        self.refused = Some(error.message().to_owned());
        let message = error.message().to_owned();
        self.answer(Progress::Denied(error), message)
    }
}

/// The names of a request, as the authority will compare them: the alternative names, and a common name that is not among
/// them.
fn names_of(csr: &[u8]) -> Result<Vec<Identifier>> {
    let request = x509::parse_request(csr)?;
    let mut names = Vec::new();
    let mut add = |name: &AlternativeName| {
        let (kind, value) = match name {
            AlternativeName::Dns(host) => ("dns", host.to_ascii_lowercase()),
            AlternativeName::Ip(address) => ("ip", address.to_string()),
            other => {
                let message = format!("`{other}` is neither a host name nor an address: ACME certifies nothing else");
                return Err(Error::new(ErrorId::RequestDenied, message).about(other.to_string()));
            }
        };
        let name = Identifier { kind: kind.to_owned(), value };
        if !names.contains(&name) {
            names.push(name);
        }
        Ok(())
    };
    for name in request.alternative_names() {
        add(name)?;
    }
    if let Some(name) = request.subject().common_name() {
        add(&AlternativeName::host(name))?;
    }
    Ok(names)
}
