//! Facts of a public key, from its `SubjectPublicKeyInfo`.

use aws_lc_rs::digest;

use super::der::{self, Malformed};
use crate::model::{KeyAlgorithm, KeyId};

pub(super) const RSA: &str = "1.2.840.113549.1.1.1";
pub(super) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(super) const EC: &str = "1.2.840.10045.2.1";

/// What a public key is.
#[derive(Clone, Debug)]
pub(super) struct PublicKeyFacts {
    pub(super) key_id: KeyId,
    /// Dotted object identifier of the algorithm.
    pub(super) oid: String,
    pub(super) algorithm: Option<KeyAlgorithm>,
    pub(super) name: String,
    pub(super) bits: u32,
    /// The content of the BIT STRING without the count of unused bits.
    pub(super) key: Vec<u8>,
}

/// Reads a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7, RFC 5480).
pub(super) fn read(spki: &[u8]) -> Result<PublicKeyFacts, Malformed> {
    let mut outer = der::only(spki, der::SEQUENCE)?.inside();
    let mut algorithm = outer.expect(der::SEQUENCE)?.inside();
    let bits = outer.expect(der::BIT_STRING)?;
    outer.end()?;
    let oid = der::oid_text(algorithm.expect(der::OID)?.content).ok_or(Malformed("the key algorithm is malformed"))?;
    let Some((0, key)) = bits.content.split_first() else {
        return Err(Malformed("the public key is no whole number of octets"));
    };
    let (known, name, size) = match oid.as_str() {
        RSA | RSA_PSS => {
            let size = modulus_bits(key)?;
            let known = (oid == RSA).then_some(KeyAlgorithm::Rsa(size));
            (known, if oid == RSA { "RSA" } else { "RSASSA-PSS" }.to_owned(), size)
        }
        EC => {
            let curve = algorithm.optional(der::OID)?.ok_or(Malformed("the curve of the key is not named"))?;
            let curve = der::oid_text(curve.content).ok_or(Malformed("the curve of the key is malformed"))?;
            let known = match curve.as_str() {
                "1.2.840.10045.3.1.7" => Some(KeyAlgorithm::EcdsaP256),
                "1.3.132.0.34" => Some(KeyAlgorithm::EcdsaP384),
                "1.3.132.0.35" => Some(KeyAlgorithm::EcdsaP521),
                _ => None,
            };
            let name = known.map_or_else(|| format!("ECDSA {curve}"), |k| k.to_string());
            (known, name, known.map_or(0, KeyAlgorithm::bits))
        }
        "1.3.101.112" => (None, "Ed25519".to_owned(), 256),
        "1.3.101.113" => (None, "Ed448".to_owned(), 456),
        "1.2.840.10040.4.1" => (None, "DSA".to_owned(), 0),
        other => (None, other.to_owned(), 0),
    };
    Ok(PublicKeyFacts { key_id: key_id(spki), oid, algorithm: known, name, bits: size, key: key.to_vec() })
}

/// SHA-256 of an encoded `SubjectPublicKeyInfo`.
pub(super) fn key_id(spki: &[u8]) -> KeyId {
    KeyId::from_bytes(sha256(spki))
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

fn modulus_bits(key: &[u8]) -> Result<u32, Malformed> {
    let mut reader = der::only(key, der::SEQUENCE)?.inside();
    let modulus = reader.expect(der::INTEGER)?.content;
    let _exponent = reader.expect(der::INTEGER)?;
    reader.end()?;
    let start = modulus.iter().position(|b| *b != 0).ok_or(Malformed("the modulus of the key is zero"))?;
    let magnitude = &modulus[start..];
    Ok(magnitude.len() as u32 * 8 - magnitude[0].leading_zeros())
}
