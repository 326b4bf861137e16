//! Plain data: what certlet talks about, without I/O.

pub mod hex;
mod host_name;
mod moment;
mod nearest;
mod position;
mod thumbprint;

pub use host_name::{HostName, RequestedName};
pub use moment::{Clock, Moment, Zone};
pub use nearest::nearest;
pub use position::Position;
pub use thumbprint::{CertificateSelector, Fingerprint, Thumbprint};
