//! Plain data: what certlet talks about, without I/O.

mod algorithm;
mod certificate;
pub mod hex;
mod key_usage;
mod moment;
mod name;
mod position;
mod secret;
mod thumbprint;

pub use algorithm::KeyAlgorithm;
pub(crate) use certificate::CertificateFacts;
pub use certificate::{AlternativeName, Certificate, ExtensionEntry, KeyId, SerialNumber};
pub use key_usage::{KeyUsage, Purpose};
pub use moment::{Clock, Moment, Zone};
pub use name::{COMMON_NAME, DistinguishedName, NameAttribute, NameValue, RelativeName, parse_rdns};
pub use position::Position;
pub use secret::Secret;
pub use thumbprint::{CertificateSelector, Fingerprint, Thumbprint};
