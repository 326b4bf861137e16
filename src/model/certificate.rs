//! A certificate as certlet speaks of it: parsed facts and the DER they come from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::{DistinguishedName, Fingerprint, KeyAlgorithm, KeyUsage, Moment, Purpose, Thumbprint, hex};
use crate::error::{Error, ErrorId};

/// A parsed X.509 certificate; a clone shares the facts.
///
/// Equal means: the same bytes (SHA-256).
#[derive(Clone)]
pub struct Certificate(Arc<CertificateFacts>);

/// What the parser found; only `x509` builds one.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct CertificateFacts {
    pub(crate) der: Box<[u8]>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) thumbprint: Thumbprint,
    pub(crate) version: u32,
    pub(crate) subject: DistinguishedName,
    pub(crate) issuer: DistinguishedName,
    pub(crate) serial: SerialNumber,
    pub(crate) not_before: Moment,
    pub(crate) not_after: Moment,
    pub(crate) alternative_names: Vec<AlternativeName>,
    pub(crate) key_id: KeyId,
    pub(crate) spki: Box<[u8]>,
    pub(crate) key_algorithm: Option<KeyAlgorithm>,
    pub(crate) key_algorithm_name: String,
    pub(crate) key_bits: u32,
    pub(crate) signature_algorithm: String,
    pub(crate) is_pss: bool,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) purposes: Option<Vec<Purpose>>,
    pub(crate) is_ca: bool,
    pub(crate) path_len: Option<u32>,
    pub(crate) crl_urls: Vec<String>,
    pub(crate) must_staple: bool,
    pub(crate) has_acme_identifier: bool,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
    pub(crate) extensions: Vec<ExtensionEntry>,
}

/// An extension that a certificate carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionEntry {
    /// Dotted object identifier.
    pub oid: String,
    /// Whether whoever does not know it must refuse the certificate.
    pub critical: bool,
}

impl Certificate {
    pub(crate) fn from_facts(facts: CertificateFacts) -> Self {
        Self(Arc::new(facts))
    }

    /// The encoded certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the DER: the identity.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// SHA-1 of the DER, as Windows names certificates.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.0.thumbprint
    }

    /// The version people say: 1 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// Whom the certificate speaks of.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Who signed it.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// The serial number at its issuer.
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        &self.0.serial
    }

    /// Start of the validity, included.
    #[must_use]
    pub fn not_before(&self) -> Moment {
        self.0.not_before
    }

    /// End of the validity, included.
    #[must_use]
    pub fn not_after(&self) -> Moment {
        self.0.not_after
    }

    /// Whether the validity covers a moment.
    #[must_use]
    pub fn is_valid_at(&self, moment: Moment) -> bool {
        self.0.not_before <= moment && moment <= self.0.not_after
    }

    /// The subject alternative names in their order.
    #[must_use]
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.0.alternative_names
    }

    /// The DNS names among the alternative names.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.0.alternative_names.iter().filter_map(|name| match name {
            AlternativeName::Dns(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// SHA-256 of the public key's `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.0.key_id
    }

    /// The encoded `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    /// The key algorithm, when it is one that certlet can make itself.
    #[must_use]
    pub fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        self.0.key_algorithm
    }

    /// The key algorithm's name: `RSA`, `ECDSA P-256`, `Ed25519`, or an object identifier.
    #[must_use]
    pub fn key_algorithm_name(&self) -> &str {
        &self.0.key_algorithm_name
    }

    /// Size of the key in bits; 0 when unknown.
    #[must_use]
    pub fn key_bits(&self) -> u32 {
        self.0.key_bits
    }

    /// The signature algorithm as Windows names it: `sha256RSA`, `sha384ECDSA`, `RSASSA-PSS`.
    #[must_use]
    pub fn signature_algorithm(&self) -> &str {
        &self.0.signature_algorithm
    }

    /// Whether the signature, or the key itself, is RSASSA-PSS.
    #[must_use]
    pub fn is_pss(&self) -> bool {
        self.0.is_pss
    }

    /// The key usage, when the extension is there.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.key_usage
    }

    /// The extended key usages, when the extension is there; absent means unrestricted.
    #[must_use]
    pub fn purposes(&self) -> Option<&[Purpose]> {
        self.0.purposes.as_deref()
    }

    /// Whether the extended key usage allows a purpose, by naming it or by `any`; an absent extension allows all.
    #[must_use]
    pub fn allows(&self, purpose: &Purpose) -> bool {
        self.0.purposes.as_ref().is_none_or(|list| list.contains(purpose) || list.contains(&Purpose::Any))
    }

    /// Whether the basic constraints say that it is an authority's certificate.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// How many intermediate authorities may stand below.
    #[must_use]
    pub fn path_len(&self) -> Option<u32> {
        self.0.path_len
    }

    /// Where the issuer says that its revocation list is (CDP).
    #[must_use]
    pub fn crl_urls(&self) -> &[String] {
        &self.0.crl_urls
    }

    /// Whether the TLS feature extension asks for a stapled OCSP answer (RFC 7633).
    #[must_use]
    pub fn must_staple(&self) -> bool {
        self.0.must_staple
    }

    /// Whether it answers a `tls-alpn-01` challenge (RFC 8737): never to be deployed.
    #[must_use]
    pub fn has_acme_identifier(&self) -> bool {
        self.0.has_acme_identifier
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.subject_key_identifier.as_deref()
    }

    /// The issuer's key identifier.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.authority_key_identifier.as_deref()
    }

    /// Whether subject and issuer are the same name; a root, or one that looks like it.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.0.subject == self.0.issuer
    }

    /// Every extension in its order.
    #[must_use]
    pub fn extensions(&self) -> &[ExtensionEntry] {
        &self.0.extensions
    }

    /// What to call it in one word: the common name, else the first alternative name, else the subject.
    #[must_use]
    pub fn short_name(&self) -> String {
        let first = || self.0.alternative_names.first().map(ToString::to_string);
        self.subject().common_name().map(str::to_owned).or_else(first).unwrap_or_else(|| self.subject().to_string())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.fingerprint == other.0.fingerprint
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.fingerprint.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.0.thumbprint, self.0.subject)
    }
}

/// A name that a certificate stands for (`GeneralName`, RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AlternativeName {
    /// A host name, an A-label where it is international; may begin with `*.`.
    Dns(String),
    /// An address literal.
    Ip(IpAddr),
    /// A mailbox.
    Email(String),
    /// A URI.
    Uri(String),
    /// A directory name.
    Directory(DistinguishedName),
    /// A Windows user principal name (`otherName` 1.3.6.1.4.1.311.20.2.3).
    Upn(String),
    /// Anything else: the whole encoded `GeneralName`.
    Other(Vec<u8>),
}

impl AlternativeName {
    /// Reads an address literal as [`AlternativeName::Ip`], anything else as a host name, which is not checked.
    #[must_use]
    pub fn host(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Dns(text.to_owned()), Self::Ip)
    }
}

impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) | Self::Upn(text) => f.write_str(text),
            Self::Ip(address) => fmt::Display::fmt(address, f),
            Self::Directory(name) => fmt::Display::fmt(name, f),
            Self::Other(der) => write!(f, "#{}", hex::upper(der)),
        }
    }
}

/// A certificate's serial number as encoded, two's complement, big end first.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber(Box<[u8]>);

impl SerialNumber {
    /// Takes the content octets of the INTEGER.
    pub(crate) fn from_der_content(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The content octets of the INTEGER, with the sign octet where the encoding has one.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    /// Upper-case hexadecimal digits, no separators, no sign octet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &*self.0 {
            [0, rest @ ..] if !rest.is_empty() => rest,
            bytes => bytes,
        };
        f.write_str(&hex::upper(bytes))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SerialNumber {
    type Err = Error;

    /// Reads hexadecimal digits; blanks and colons are dropped, a leading `0x` too.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
        let bytes = hex::read(&even).filter(|b| !b.is_empty() && b.len() <= 21).ok_or_else(|| {
            Error::new(
                ErrorId::CannotConvertArgument,
                format!("`{text}` is no serial number: hexadecimal digits are expected"),
            )
            .about(text)
        })?;
        let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len() - 1);
        let magnitude = &bytes[start..];
        let mut content = Vec::with_capacity(magnitude.len() + 1);
        if magnitude[0] & 0x80 != 0 {
            content.push(0);
        }
        content.extend_from_slice(magnitude);
        Ok(Self(content.into()))
    }
}

/// SHA-256 of a public key's `SubjectPublicKeyInfo`: it names a key, private or public.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Takes the digest's bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::upper(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        hex::read(text).and_then(|b| b.try_into().ok()).map(Self).ok_or_else(|| {
            Error::new(
                ErrorId::CannotConvertArgument,
                format!("`{text}` is no key id: 64 hexadecimal digits are expected"),
            )
            .about(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_read_back() {
        for (text, shown, len) in [("0x0a", "0A", 1), ("61:00:ff", "6100FF", 3), ("F000", "F000", 3), ("0", "00", 1)] {
            let serial: SerialNumber = text.parse().unwrap();
            assert_eq!((serial.to_string().as_str(), serial.as_bytes().len()), (shown, len), "{text}");
            assert_eq!(serial.to_string().parse::<SerialNumber>().unwrap(), serial);
        }
        for text in ["", "xyz", &"1".repeat(60)] {
            assert!(text.parse::<SerialNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn address_literals_are_addresses() {
        assert_eq!(AlternativeName::host("10.0.0.1"), AlternativeName::Ip("10.0.0.1".parse().unwrap()));
        assert_eq!(AlternativeName::host("2001:db8::1").to_string(), "2001:db8::1");
        assert_eq!(AlternativeName::host("a.b"), AlternativeName::Dns("a.b".to_owned()));
    }
}
