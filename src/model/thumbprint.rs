//! The two digests that name a certificate: SHA-1 for operators, SHA-256 for us.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{KeyId, hex};
use crate::error::{Error, ErrorId};

/// The SHA-1 of a certificate's DER, as Windows shows it: an index, not an identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 20]);

/// The SHA-256 of a certificate's DER: its identity in state, plans and proofs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// What an operator may write where a thumbprint is asked for: 40 or 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateSelector {
    /// SHA-1; may fit two certificates.
    Thumbprint(Thumbprint),
    /// SHA-256.
    Fingerprint(Fingerprint),
}

macro_rules! serde_as_hex {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let bytes = hex::read(&text).and_then(|b| b.try_into().ok());
                bytes.map(Self::from_bytes).ok_or_else(|| serde::de::Error::custom("not the digest's digits"))
            }
        }
    };
}

macro_rules! digest {
    ($name:ident, $len:literal) => {
        impl $name {
            /// Takes the digest's bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The digest's bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::upper(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads the digest; blanks, colons and U+200E, which Windows dialogs copy, are dropped.
            fn from_str(text: &str) -> Result<Self, Error> {
                let bytes = normalised(text).and_then(|t| hex::read(&t)).and_then(|b| b.try_into().ok());
                bytes.map(Self).ok_or_else(|| invalid(text))
            }
        }

        serde_as_hex!($name);
    };
}

serde_as_hex!(KeyId);
digest!(Thumbprint, 20);
digest!(Fingerprint, 32);

impl Fingerprint {
    /// The SHA-256 of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl FromStr for CertificateSelector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(thumbprint) = text.parse() {
            return Ok(Self::Thumbprint(thumbprint));
        }
        text.parse().map(Self::Fingerprint).map_err(|_| invalid(text))
    }
}

impl fmt::Display for CertificateSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thumbprint(t) => fmt::Display::fmt(t, f),
            Self::Fingerprint(t) => fmt::Display::fmt(t, f),
        }
    }
}

fn normalised(text: &str) -> Option<String> {
    let digits: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '\u{200e}' | '\u{a0}')).collect();
    digits.is_ascii().then_some(digits)
}

fn invalid(text: &str) -> Error {
    if text.contains('<') && text.contains('>') {
        return Error::new(
            ErrorId::PlaceholderNotReplaced,
            format!("`{text}` is the manual's placeholder: put the thumbprint in its place"),
        )
        .about(text)
        .hint("`Find-TlsCertificate` lists the stored certificates with their thumbprints");
    }
    let digits = normalised(text).map_or(0, |t| t.chars().count());
    let what = if normalised(text).is_some_and(|t| t.bytes().all(|b| b.is_ascii_hexdigit())) {
        format!("it has {digits} hexadecimal digits")
    } else {
        "it holds something else than hexadecimal digits".to_owned()
    };
    Error::new(ErrorId::InvalidThumbprint, format!("`{text}` is no thumbprint: {what}")).about(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_copies_is_read() {
        let pasted = "\u{200e}46 6d 9b b0 e8 b9 28 b6 5a f3 8f a2 d9 f4 1e 1b 30 1e ce 9d";
        let read: Thumbprint = pasted.parse().unwrap();
        assert_eq!(read.to_string(), "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D");
    }

    #[test]
    fn a_wrong_length_is_invalid() {
        for text in ["", "00", "B142918E463981A76503828BB1278391B716280987B", "zz", "ü", &"0".repeat(63)] {
            let error = text.parse::<CertificateSelector>().unwrap_err();
            assert_eq!(error.id(), ErrorId::InvalidThumbprint, "{text}");
        }
        let error = "<Thumbprint of certificate to use>".parse::<CertificateSelector>().unwrap_err();
        assert_eq!(error.id(), ErrorId::PlaceholderNotReplaced);
    }
}
