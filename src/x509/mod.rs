//! The one door to certificate libraries: reading, writing, signing, sealing.

mod der;
mod extensions;
mod name;
mod parse;
mod spki;

pub(crate) use parse::parse_certificate;

use crate::model::Fingerprint;

/// A private key; elided in `Debug`.
pub struct PrivateKey(zeroize::Zeroizing<Vec<u8>>);

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Fingerprint {
    use sha2::Digest;
    Fingerprint::from_bytes(sha2::Sha256::digest(bytes).into())
}
