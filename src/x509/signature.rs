//! Are these octets signed by that public key?

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::spki::{self, PublicKeyFacts};
use crate::model::KeyAlgorithm;

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The algorithm is unknown, or does not go with the key.
    Unsupported,
    /// It is another message's or another key's signature.
    Wrong,
}

/// Verifies a signature over `message`; sizes and digests that are merely weak are taken: policy is somebody else's.
pub(super) fn verify(
    key: &PublicKeyFacts,
    algorithm: &AlgorithmIdentifier<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Fault> {
    let algorithm = choose(key, algorithm).ok_or(Fault::Unsupported)?;
    UnparsedPublicKey::new(algorithm, &key.key).verify(message, signature).map_err(|_| Fault::Wrong)
}

fn choose(key: &PublicKeyFacts, identifier: &AlgorithmIdentifier<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    use KeyAlgorithm::{EcdsaP256, EcdsaP384, EcdsaP521, Rsa};
    let oid = identifier.algorithm.to_id_string();
    Some(match (oid.as_str(), key.algorithm) {
        ("1.2.840.113549.1.1.5", Some(Rsa(_))) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.11", Some(Rsa(_))) => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.12", Some(Rsa(_))) => &RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", Some(Rsa(_))) => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (spki::RSA_PSS, Some(Rsa(_))) => return pss(identifier),
        (spki::RSA_PSS, None) if key.oid == spki::RSA_PSS => return pss(identifier),
        ("1.2.840.10045.4.3.2", Some(EcdsaP256)) => &ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", Some(EcdsaP256)) => &ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", Some(EcdsaP256)) => &ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", Some(EcdsaP384)) => &ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", Some(EcdsaP384)) => &ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", Some(EcdsaP384)) => &ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", Some(EcdsaP521)) => &ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", Some(EcdsaP521)) => &ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", Some(EcdsaP521)) => &ECDSA_P521_SHA512_ASN1,
        ("1.3.101.112", None) if key.oid == "1.3.101.112" => &signature::ED25519,
        _ => return None,
    })
}

fn pss(identifier: &AlgorithmIdentifier<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    let parameters = RsaSsaPssParams::try_from(identifier.parameters.as_ref()?).ok()?;
    Some(match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => &RSA_PSS_2048_8192_SHA256,
        "2.16.840.1.101.3.4.2.2" => &RSA_PSS_2048_8192_SHA384,
        "2.16.840.1.101.3.4.2.3" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
