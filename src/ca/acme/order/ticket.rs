//! What is remembered of a request between two steps of its order.

use std::collections::BTreeSet;

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

    /// Whether an order is for just these names; one that does not tell its names is taken for the right one.
    pub(super) fn is_for(&self, identifiers: &[Identifier]) -> bool {
        let set = |list: &[Identifier]| list.iter().map(Identifier::canonical).collect::<BTreeSet<_>>();
        identifiers.is_empty() || set(identifiers) == set(&self.names)
    }

    /// Whether a name may have to be shown for this request: one of its own, or a domain above one (RFC 8555 section
    /// 7.1.3 leaves to the server which).
    pub(super) fn may_need(&self, shown: &Identifier) -> bool {
        let (kind, shown) = shown.canonical();
        let shown = shown.strip_prefix("*.").unwrap_or(&shown);
        self.names.iter().map(Identifier::canonical).any(|(own_kind, own)| {
            let own = own.strip_prefix("*.").unwrap_or(&own);
            let is_below = || own.strip_suffix(shown).is_some_and(|head| head.ends_with('.'));
            own_kind == kind && (own == shown || (kind == "dns" && shown.contains('.') && is_below()))
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::testing::submission;

    fn dns(value: &str) -> Identifier {
        Identifier { kind: "dns".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn names_are_those_of_the_request() {
        let wanted = submission("", &["www.shop.test", "*.shop.test", "2001:db8::7"]);
        let ticket = Ticket::new(&wanted, None, None).unwrap();
        let v6 = Identifier { kind: "ip".to_owned(), value: "2001:DB8:0:0:0:0:0:7".to_owned() };
        assert!(ticket.is_for(&[dns("*.SHOP.test"), v6.clone(), dns("www.shop.test")]) && ticket.is_for(&[]));
        assert!(!ticket.is_for(&[dns("www.shop.test")]));
        assert!(!ticket.is_for(&[dns("*.shop.test"), v6.clone(), dns("www.shop.test"), dns("more.shop.test")]));
        for own in [dns("www.shop.test"), dns("shop.test"), dns("Shop.Test"), v6] {
            assert!(ticket.may_need(&own), "{own:?}");
        }
        for foreign in ["test", "", "op.test", "bank.test", "x.www.shop.test", "7", "-rf"] {
            assert!(!ticket.may_need(&dns(foreign)), "{foreign}");
        }
    }
}
