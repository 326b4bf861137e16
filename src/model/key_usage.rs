//! What a key may be used for: key usage bits and extended key usages.

use std::fmt;
use std::ops::BitOr;

/// The key usage bits of RFC 5280 section 4.2.1.3; bit 0 is `digitalSignature`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

const USAGES: [(KeyUsage, &str); 9] = [
    (KeyUsage::DIGITAL_SIGNATURE, "Digital Signature"),
    (KeyUsage::NON_REPUDIATION, "Non-Repudiation"),
    (KeyUsage::KEY_ENCIPHERMENT, "Key Encipherment"),
    (KeyUsage::DATA_ENCIPHERMENT, "Data Encipherment"),
    (KeyUsage::KEY_AGREEMENT, "Key Agreement"),
    (KeyUsage::CERT_SIGN, "Certificate Signing"),
    (KeyUsage::CRL_SIGN, "CRL Signing"),
    (KeyUsage::ENCIPHER_ONLY, "Encipher Only"),
    (KeyUsage::DECIPHER_ONLY, "Decipher Only"),
];

impl KeyUsage {
    /// Signing handshakes and the like.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// Signatures meant to bind (`contentCommitment`).
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// Encrypting keys: RSA key transport.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encrypting data.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Diffie-Hellman.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signing certificates.
    pub const CERT_SIGN: Self = Self(1 << 5);
    /// Signing revocation lists.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// With `keyAgreement`: only to encipher.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// With `keyAgreement`: only to decipher.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    /// Takes the bits, bit 0 being `digitalSignature`; unknown ones are dropped.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for KeyUsage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyUsage {
    /// `Digital Signature, Key Encipherment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = USAGES.iter().filter(|(bit, _)| self.contains(*bit)).map(|(_, name)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

/// An extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Any purpose.
    Any,
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signed programs.
    CodeSigning,
    /// S/MIME.
    EmailProtection,
    /// Time stamps.
    TimeStamping,
    /// Answers about revocation.
    OcspSigning,
    /// Windows smart-card logon.
    SmartCardLogon,
    /// Any other, by its dotted object identifier.
    Other(String),
}

const PURPOSES: [(Purpose, &str, &str); 8] = [
    (Purpose::Any, "2.5.29.37.0", "Any Purpose"),
    (Purpose::ServerAuth, "1.3.6.1.5.5.7.3.1", "Server Authentication"),
    (Purpose::ClientAuth, "1.3.6.1.5.5.7.3.2", "Client Authentication"),
    (Purpose::CodeSigning, "1.3.6.1.5.5.7.3.3", "Code Signing"),
    (Purpose::EmailProtection, "1.3.6.1.5.5.7.3.4", "Secure Email"),
    (Purpose::TimeStamping, "1.3.6.1.5.5.7.3.8", "Time Stamping"),
    (Purpose::OcspSigning, "1.3.6.1.5.5.7.3.9", "OCSP Signing"),
    (Purpose::SmartCardLogon, "1.3.6.1.4.1.311.20.2.2", "Smart Card Logon"),
];

impl Purpose {
    /// Takes a dotted object identifier.
    #[must_use]
    pub fn from_oid(oid: &str) -> Self {
        PURPOSES
            .iter()
            .find(|(_, known, _)| *known == oid)
            .map_or_else(|| Self::Other(oid.to_owned()), |(purpose, _, _)| purpose.clone())
    }

    /// The dotted object identifier.
    #[must_use]
    pub fn oid(&self) -> &str {
        match self {
            Self::Other(oid) => oid,
            known => PURPOSES.iter().find(|(purpose, _, _)| purpose == known).map_or("", |(_, oid, _)| oid),
        }
    }
}

impl fmt::Display for Purpose {
    /// Windows' words: `Server Authentication (1.3.6.1.5.5.7.3.1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PURPOSES.iter().find(|(purpose, _, _)| purpose == self) {
            Some((_, oid, name)) => write!(f, "{name} ({oid})"),
            None => write!(f, "Unknown Key Usage ({})", self.oid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_keep_their_identifier() {
        for (purpose, oid, _) in PURPOSES {
            assert_eq!(Purpose::from_oid(oid), purpose);
            assert_eq!(purpose.oid(), oid);
        }
        assert_eq!(Purpose::from_oid("1.2.3").oid(), "1.2.3");
    }

    #[test]
    fn usages_are_listed_in_order() {
        let usage = KeyUsage::KEY_ENCIPHERMENT | KeyUsage::DIGITAL_SIGNATURE;
        assert_eq!(usage.to_string(), "Digital Signature, Key Encipherment");
        assert!(!usage.contains(KeyUsage::CERT_SIGN));
    }
}
