//! Which key to make: algorithm and size, in the words of Windows and of our own.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorId, Result};

/// A key algorithm with its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of so many bits.
    Rsa(u32),
    /// ECDSA over NIST P-256 (`secp256r1`).
    EcdsaP256,
    /// ECDSA over NIST P-384 (`secp384r1`).
    EcdsaP384,
    /// ECDSA over NIST P-521 (`secp521r1`).
    EcdsaP521,
}

impl KeyAlgorithm {
    /// Combines `-KeyAlg` and `-KeySize`: `RSA` with 2048 where no size is given, `ECDH_P256` and the like.
    ///
    /// # Errors
    /// `ParameterArgumentValidationError` for an unknown word, or a size that is not the curve's.
    pub fn named(word: &str, bits: Option<u32>) -> Result<Self> {
        let algorithm: Self = word.parse()?;
        match (algorithm, bits) {
            (Self::Rsa(_), Some(bits)) if (1024..=16384).contains(&bits) && bits.is_multiple_of(8) => {
                Ok(Self::Rsa(bits))
            }
            (Self::Rsa(_), Some(bits)) => {
                Err(refused(format!("an RSA key of {bits} bits cannot be made")).about(bits.to_string()))
            }
            (curve, Some(bits)) if curve.bits() != bits => {
                Err(refused(format!("a key over `{word}` has {} bits, not {bits}", curve.bits()))
                    .about(bits.to_string()))
            }
            (algorithm, _) => Ok(algorithm),
        }
    }

    /// Size in bits: the modulus of RSA, the field of a curve.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa(bits) => bits,
            Self::EcdsaP256 => 256,
            Self::EcdsaP384 => 384,
            Self::EcdsaP521 => 521,
        }
    }

    /// Whether the key lies on an elliptic curve.
    #[must_use]
    pub const fn is_elliptic(self) -> bool {
        !matches!(self, Self::Rsa(_))
    }

    /// The word as `-KeyAlg` takes it: `RSA`, `ECDH_P256`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::EcdsaP256 => "ECDH_P256",
            Self::EcdsaP384 => "ECDH_P384",
            Self::EcdsaP521 => "ECDH_P521",
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            curve => write!(f, "ECDSA P-{}", curve.bits()),
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = Error;

    /// Reads `RSA`, `RSA 3072`, `ECDH_P256`, `ECDSA_P384`, `ECDSA P-521`, `P256`, `ECDSA_nistP256`,
    /// `nistP256`, `secp256r1`; case is ignored.
    fn from_str(text: &str) -> Result<Self> {
        let word: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        if let Some(size) = word.strip_prefix("RSA") {
            return match size {
                "" => Ok(Self::Rsa(2048)),
                size => size
                    .parse()
                    .ok()
                    .filter(|bits: &u32| (1024..=16384).contains(bits) && bits.is_multiple_of(8))
                    .map(Self::Rsa)
                    .ok_or_else(|| unknown(text)),
            };
        }
        let family = ["ECDSA", "ECDH"].iter().find_map(|p| word.strip_prefix(p)).unwrap_or(&word);
        let curve = family.strip_prefix("NIST").unwrap_or(family);
        match curve {
            "P256" | "SECP256R1" | "PRIME256V1" => Ok(Self::EcdsaP256),
            "P384" | "SECP384R1" => Ok(Self::EcdsaP384),
            "P521" | "SECP521R1" => Ok(Self::EcdsaP521),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Error {
    refused(format!("`{text}` is no key algorithm that is known here"))
        .about(text)
        .hint("write `RSA`, `ECDH_P256`, `ECDH_P384` or `ECDH_P521`")
}

fn refused(message: String) -> Error {
    Error::new(ErrorId::ParameterArgumentValidationError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_words_and_sizes_are_read() {
        assert_eq!(KeyAlgorithm::named("RSA", None).unwrap(), KeyAlgorithm::Rsa(2048));
        assert_eq!(KeyAlgorithm::named("rsa", Some(4096)).unwrap(), KeyAlgorithm::Rsa(4096));
        assert_eq!(KeyAlgorithm::named("ECDH_P384", Some(384)).unwrap(), KeyAlgorithm::EcdsaP384);
        assert_eq!(KeyAlgorithm::named("ECDSA_nistP256", None).unwrap(), KeyAlgorithm::EcdsaP256);
        for (word, bits) in
            [("RSA", Some(1000)), ("ECDH_P256", Some(2048)), ("DSA", None), ("", None), ("RSA999999", None)]
        {
            assert_eq!(
                KeyAlgorithm::named(word, bits).unwrap_err().id(),
                ErrorId::ParameterArgumentValidationError,
                "{word}"
            );
        }
    }

    #[test]
    fn what_is_shown_is_read() {
        use KeyAlgorithm::*;
        for algorithm in [Rsa(2048), Rsa(3072), EcdsaP256, EcdsaP384, EcdsaP521] {
            assert_eq!(algorithm.to_string().parse::<KeyAlgorithm>().unwrap(), algorithm);
        }
    }
}
