//! Plain data: what certlet talks about, without I/O.

pub mod hex;
mod moment;
mod position;
mod secret;
mod thumbprint;

pub use moment::{Clock, Moment, Zone};
pub use position::Position;
pub use secret::Secret;
pub use thumbprint::{CertificateSelector, Fingerprint, Thumbprint};
