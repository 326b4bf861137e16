//! What requests and certificates have in common when rcgen drafts them and we sign.

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm, SigningKey};

use super::der::{self, Malformed};
use super::key::Signer;
use super::{AuthorityProfile, constraints, extensions, name, spki};
use crate::error::{Error, ErrorId, Result};
use crate::model::{
    AlternativeName, COMMON_NAME, DistinguishedName, KeyAlgorithm, KeyUsage, NameValue, Purpose, RelativeName,
};

/// Most characters a common name may have (RFC 5280 appendix A, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// Subject and names as they go into a request or certificate.
pub(super) struct Template {
    pub(super) subject: DistinguishedName,
    pub(super) alternative_names: Vec<AlternativeName>,
    pub(super) names_critical: bool,
}

/// Leaves out an overlong common name; without any, the alternative names count alone and are critical.
pub(super) fn fit(subject: &[RelativeName], names: &[AlternativeName]) -> Result<Template> {
    let mut alternative_names = names.to_vec();
    let mut kept = Vec::new();
    for rdn in subject {
        let (long, short): (Vec<_>, Vec<_>) = rdn.iter().cloned().partition(|a| {
            a.oid() == COMMON_NAME && matches!(a.value(), NameValue::Text(t) if t.chars().count() > MAX_COMMON_NAME)
        });
        for attribute in long {
            let NameValue::Text(text) = attribute.value() else { continue };
            let name = AlternativeName::host(text);
            let known = alternative_names.iter().any(|n| n.to_string().eq_ignore_ascii_case(text));
            if !known && text.is_ascii() && !text.contains(' ') {
                alternative_names.insert(0, name);
            }
        }
        if !short.is_empty() {
            kept.push(short);
        }
    }
    let encoded = name::encode_name(&kept).ok_or_else(|| {
        Error::new(ErrorId::InvalidName, "the subject cannot be encoded: an attribute type is no object identifier")
    })?;
    if encoded.is_empty() && alternative_names.is_empty() {
        return Err(Error::new(ErrorId::InvalidName, "neither a subject nor an alternative name is asked for"));
    }
    let names_critical = encoded.common_name().is_none();
    Ok(Template { subject: encoded, alternative_names, names_critical })
}

/// What TLS needs: signing, and key transport for RSA only (RFC 8813 section 3); authorities sign certificates and lists.
pub(super) fn default_usage(algorithm: KeyAlgorithm, ca: bool) -> KeyUsage {
    if ca {
        return KeyUsage::CERT_SIGN | KeyUsage::CRL_SIGN;
    }
    if algorithm.is_elliptic() {
        return KeyUsage::DIGITAL_SIGNATURE;
    }
    KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT
}

/// The bits in rcgen's words, without encipherment for elliptic keys (RFC 8813 section 3).
pub(super) fn usages(algorithm: KeyAlgorithm, usage: KeyUsage) -> Vec<KeyUsagePurpose> {
    let usage = allowed_usage(algorithm, usage);
    [
        (KeyUsage::DIGITAL_SIGNATURE, KeyUsagePurpose::DigitalSignature),
        (KeyUsage::NON_REPUDIATION, KeyUsagePurpose::ContentCommitment),
        (KeyUsage::KEY_ENCIPHERMENT, KeyUsagePurpose::KeyEncipherment),
        (KeyUsage::DATA_ENCIPHERMENT, KeyUsagePurpose::DataEncipherment),
        (KeyUsage::KEY_AGREEMENT, KeyUsagePurpose::KeyAgreement),
        (KeyUsage::CERT_SIGN, KeyUsagePurpose::KeyCertSign),
        (KeyUsage::CRL_SIGN, KeyUsagePurpose::CrlSign),
        (KeyUsage::ENCIPHER_ONLY, KeyUsagePurpose::EncipherOnly),
        (KeyUsage::DECIPHER_ONLY, KeyUsagePurpose::DecipherOnly),
    ]
    .into_iter()
    .filter(|(bit, _)| usage.contains(*bit))
    .map(|(_, purpose)| purpose)
    .collect()
}

fn allowed_usage(algorithm: KeyAlgorithm, usage: KeyUsage) -> KeyUsage {
    if !algorithm.is_elliptic() {
        return usage;
    }
    let never = KeyUsage::KEY_ENCIPHERMENT | KeyUsage::DATA_ENCIPHERMENT;
    KeyUsage::from_bits(usage.bits() & !never.bits())
}

/// An extended key usage in rcgen's words.
pub(super) fn purpose(purpose: &Purpose) -> Result<ExtendedKeyUsagePurpose> {
    let arcs: Option<Vec<u64>> = purpose.oid().split('.').map(|a| a.parse().ok()).collect();
    arcs.filter(|_| der::oid(purpose.oid()).is_some()).map(ExtendedKeyUsagePurpose::Other).ok_or_else(|| {
        Error::new(ErrorId::ParameterArgumentValidationError, format!("`{}` is no object identifier", purpose.oid()))
            .about(purpose.oid())
    })
}

/// The extension of the alternative names; rcgen's own can neither be critical beside a subject nor hold every kind.
pub(super) fn names_extension(names: &[AlternativeName], critical: bool) -> Result<Option<CustomExtension>> {
    if names.is_empty() {
        return Ok(None);
    }
    let content = name::encode_general_names(names).ok_or_else(|| {
        Error::new(ErrorId::InvalidName, "an alternative name is not ASCII")
            .hint("write international host names as A-labels: `xn--…`")
    })?;
    Ok(Some(custom(extensions::ALTERNATIVE_NAMES, content, critical)))
}

/// The TLS feature `status_request` (RFC 7633).
pub(super) fn staple_extension() -> CustomExtension {
    custom(extensions::TLS_FEATURE, der::sequence(&[&der::tlv(der::INTEGER, &[5])]), false)
}

/// What a request for an authority's certificate carries: basic constraints and name constraints, both critical.
pub(super) fn authority_extensions(authority: &AuthorityProfile) -> Vec<CustomExtension> {
    let mut limits = der::tlv(BOOLEAN, &[0xff]);
    if let Some(most) = authority.path_len {
        // Two octets where the first bit would be read as a sign.
        let number: &[u8] = if most < 0x80 { &[most] } else { &[0, most] };
        limits.extend(der::tlv(der::INTEGER, number));
    }
    let mut extensions = vec![custom(extensions::BASIC_CONSTRAINTS, der::tlv(der::SEQUENCE, &limits), true)];
    if let Some(space) = &authority.constraints {
        extensions.push(custom(extensions::NAME_CONSTRAINTS, constraints::encode(space), true));
    }
    extensions
}

/// BOOLEAN.
const BOOLEAN: u8 = 0x01;

/// RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256 over the key's octets.
pub(super) fn key_identifier(key_octets: &[u8]) -> Vec<u8> {
    spki::sha256(key_octets)[..20].to_vec()
}

/// Signs what stands between the outer brackets and closes them.
pub(super) fn signed(content: &[u8], algorithm: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let mut bits = vec![0];
    bits.extend(signer.sign(content)?);
    Ok(der::sequence(&[content, algorithm, &der::tlv(der::BIT_STRING, &bits)]))
}

/// A draft of rcgen's that does not have the expected shape.
pub(super) fn unexpected(malformed: Malformed) -> Error {
    Error::new(ErrorId::BadCertificateFile, format!("the draft has an unexpected shape: {malformed}"))
}

/// A public key for rcgen whose signature stays empty: the real one is made after the splice.
pub(super) struct Unsigned {
    algorithm: &'static SignatureAlgorithm,
    octets: Vec<u8>,
}

impl Unsigned {
    pub(super) fn of(signer: &dyn Signer) -> Result<Self> {
        let facts = spki::read(signer.spki()).map_err(unexpected)?;
        Ok(Self::new(signer.algorithm(), &facts.key))
    }

    pub(super) fn new(algorithm: KeyAlgorithm, octets: &[u8]) -> Self {
        let algorithm = match algorithm {
            KeyAlgorithm::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
            KeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::EcdsaP521 => &rcgen::PKCS_ECDSA_P521_SHA512,
        };
        Self { algorithm, octets: octets.to_vec() }
    }
}

impl PublicKeyData for Unsigned {
    fn der_bytes(&self) -> &[u8] {
        &self.octets
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Unsigned {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

fn custom(oid: &str, content: Vec<u8>, critical: bool) -> CustomExtension {
    let arcs: Vec<u64> = oid.split('.').filter_map(|a| a.parse().ok()).collect();
    let mut extension = CustomExtension::from_oid_content(&arcs, content);
    extension.set_criticality(critical);
    extension
}
