//! What an ACME server says of orders, authorizations and challenges (RFC 8555 section 7.1).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::ca::acme::wire::Problem;

/// A name that is certified (RFC 8555 section 7.1.3, RFC 8738).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::ca::acme) struct Identifier {
    /// `dns` or `ip`.
    #[serde(rename = "type")]
    pub(in crate::ca::acme) kind: String,
    pub(in crate::ca::acme) value: String,
}

impl Identifier {
    /// Kind and value as they are compared: names and addresses in one spelling.
    pub(super) fn canonical(&self) -> (String, String) {
        let value = self.value.trim_end_matches('.').to_ascii_lowercase();
        let value = value.parse::<IpAddr>().map_or(value, |address| address.to_string());
        (self.kind.to_ascii_lowercase(), value)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) status: Status,
    #[serde(default)]
    pub(super) identifiers: Vec<Identifier>,
    #[serde(default)]
    pub(super) authorizations: Vec<String>,
    pub(super) finalize: String,
    pub(super) certificate: Option<String>,
    pub(super) error: Option<Problem>,
}

/// The status of an order, an authorization or a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pending,
    Ready,
    Processing,
    Valid,
    Invalid,
    /// `deactivated`, `expired`, `revoked`, and whatever comes.
    #[serde(other)]
    Ended,
}

#[derive(Debug, Deserialize)]
pub(super) struct Authorization {
    pub(super) identifier: Identifier,
    pub(super) status: Status,
    #[serde(default)]
    pub(super) challenges: Vec<Challenge>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Challenge {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: String,
    #[serde(default = "pending")]
    pub(super) status: Status,
    pub(super) token: Option<String>,
    pub(super) error: Option<Problem>,
}

fn pending() -> Status {
    Status::Pending
}
