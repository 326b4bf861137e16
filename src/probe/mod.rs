//! TLS handshakes, and the verdict over what they show.

use std::time::Duration;

use crate::model::{Certificate, Moment};
pub use crate::model::{KeyFamily, TlsVersion};

mod capture;
mod chain;
mod control;
mod judge;
mod look;
mod proof;
#[cfg(test)]
mod proof_tests;
mod rustls_prober;
mod task;
#[cfg(test)]
pub(crate) mod testing;

pub use control::{Control, check_begun, negative_control};
pub use look::observe;
pub(crate) use look::side_by_side;
pub use proof::prove;
pub use rustls_prober::RustlsProber;
pub use task::{EndpointTask, Expectation, Look, NAME_LIMIT, ProofSettings};

/// Makes one TLS handshake; the seam for tests and other stacks.
///
/// Contract: each call is a full handshake on a new connection from a new source port, with resumption
/// and early data off. The peer's `CertificateVerify` signature is really checked; what the chain is worth
/// is judged afterwards by others. A success has seen one read, write or clean close. It returns within
/// `timeout`, and within 50 ms after `cancelled` turns true.
pub trait Prober: Send + Sync {
    /// Shakes hands once.
    fn handshake(&self, target: &Target, cancelled: &dyn Fn() -> bool) -> Result<Sighting, Miss>;
}

/// Whom to shake hands with, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `host:port` to connect to.
    pub address: String,
    /// The server name to send; `None` sends none.
    pub server_name: Option<String>,
    /// The only TLS version offered.
    pub version: TlsVersion,
    /// The only family of signatures offered.
    pub family: KeyFamily,
    /// The protocols offered (ALPN), in order.
    pub alpn: Vec<String>,
    /// How long the whole handshake may take.
    pub timeout: Duration,
}

/// What one handshake showed.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The certificate served.
    pub leaf: Certificate,
    /// What was served after it, in the order served.
    pub chain: Vec<Certificate>,
    /// The version agreed on.
    pub version: TlsVersion,
    /// The signature scheme of the `CertificateVerify`: `ECDSA_NISTP256_SHA256`.
    pub scheme: String,
    /// The protocol agreed on.
    pub alpn: Option<String>,
    /// The stapled OCSP response, DER.
    pub staple: Option<Vec<u8>>,
    /// The address it was seen from.
    pub local_address: String,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Moment,
}

/// Why a handshake showed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Nobody answers there (refused, unreachable, time over).
    Down(String),
    /// Somebody answers, but not with what was offered: this version or family is off there.
    Off(String),
    /// The peer speaks TLS 1.0 or 1.1 only.
    TooOld,
    /// The peer signed with another key than its certificate's.
    WrongKey(String),
    /// The peer does not speak TLS, or breaks it.
    Broken(String),
    /// The run is to end.
    Cancelled,
}
