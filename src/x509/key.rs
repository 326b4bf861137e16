//! Private keys: made, read, exported, and used only through [`Signer`].

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
#[cfg(test)]
use pkcs8::pkcs5::pbes2;
use zeroize::Zeroizing;

use super::der::{self, Malformed};
use super::pbe::{self, Fault, Passphrase, Work};
#[cfg(test)]
use super::random;
use super::{pem, spki};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, KeyAlgorithm, KeyId, Secret};

/// PBKDF2 rounds wherever certlet derives a key from a password (OWASP's advice for HMAC-SHA-256).
pub(super) const ROUNDS: u32 = 600_000;

/// Whoever can sign with a private key: a key in memory here, a token or a service elsewhere.
///
/// `sign` uses RSASSA-PKCS1-v1_5 with SHA-256 for RSA and ECDSA with the digest of the curve's size; it may be slow and
/// may fail, and is called from several threads.
pub(crate) trait Signer: Send + Sync {
    /// The key's algorithm and size.
    fn algorithm(&self) -> KeyAlgorithm;

    /// The encoded `SubjectPublicKeyInfo`.
    fn spki(&self) -> &[u8];

    /// Signs the SHA-2 digest of a message; ECDSA signatures are in DER.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;

    /// SHA-256 of the public key.
    fn key_id(&self) -> KeyId {
        spki::key_id(self.spki())
    }
}

/// A private key in memory; overwritten when the last clone is dropped, elided in `Debug`, without `Display`.
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    pair: Pair,
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
    key_id: KeyId,
}

// aws-lc overwrites what it frees.
enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `ParameterArgumentValidationError` for an RSA size other than 2048, 3072, 4096 and 8192 bits.
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self> {
        let pair = match algorithm {
            KeyAlgorithm::Rsa(bits) => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    8192 => KeySize::Rsa8192,
                    _ => {
                        return Err(Error::new(
                            ErrorId::ParameterArgumentValidationError,
                            format!("an RSA key of {bits} bits is not made here"),
                        )
                        .about(bits.to_string())
                        .hint("give a size of 2048, 3072, 4096 or 8192 bits"));
                    }
                };
                RsaKeyPair::generate(size).map(Pair::Rsa)
            }
            curve => EcdsaKeyPair::generate(signing_algorithm(curve)).map(Pair::Ecdsa),
        };
        Self::from_pair(pair.map_err(|e| refused("it could not be made").because(e))?)
    }

    /// Reads a key in PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915) DER, without password.
    ///
    /// # Errors
    /// `BadCertificateFile` with the reason.
    pub(crate) fn from_der(bytes: &[u8]) -> Result<Self> {
        let (kind, curve, body) = dissect(bytes).map_err(|e| refused(&e.to_string()))?;
        match kind {
            Kind::Rsa => {
                let pair = RsaKeyPair::from_der(body)
                    .map_err(|e| refused("it is no sound RSA key of 2048 to 8192 bits").because(e))?;
                Self::from_pair(Pair::Rsa(pair))
            }
            Kind::Ecdsa => {
                let curves = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521];
                let named = curve.as_deref().map(|oid| match oid {
                    "1.2.840.10045.3.1.7" => Ok(KeyAlgorithm::EcdsaP256),
                    "1.3.132.0.34" => Ok(KeyAlgorithm::EcdsaP384),
                    "1.3.132.0.35" => Ok(KeyAlgorithm::EcdsaP521),
                    other => Err(refused(&format!("its curve `{other}` is none of P-256, P-384 and P-521"))),
                });
                let candidates = match named.transpose()? {
                    Some(curve) => vec![curve],
                    None => curves.to_vec(),
                };
                let pair = candidates
                    .into_iter()
                    .find_map(|c| EcdsaKeyPair::from_private_key_der(signing_algorithm(c), body).ok())
                    .ok_or_else(|| refused("it is no sound key over a named curve P-256, P-384 or P-521"))?;
                Self::from_pair(Pair::Ecdsa(pair))
            }
        }
    }

    /// Reads a key in encrypted PKCS#8 (RFC 5958 section 3): PBES2 with PBKDF2 or scrypt, and the older ways of PKCS#12
    /// (RFC 7292 appendix C), as `openssl pkcs8 -v1 PBE-SHA1-3DES` and Java write them.
    ///
    /// # Errors
    /// `BadPassword` when the password does not open it, `BadCertificateFile` for an encryption that is not supported.
    pub(crate) fn from_encrypted_der(bytes: &[u8], password: &Secret) -> Result<Self> {
        let malformed = |reason: Malformed| refused(&reason.to_string());
        let mut info = der::only(bytes, der::SEQUENCE).map_err(malformed)?.inside();
        let algorithm = info.expect(der::SEQUENCE).map_err(malformed)?;
        let ciphertext = info.expect(der::OCTET_STRING).map_err(malformed)?.content;
        info.end().map_err(malformed)?;
        let work = Work::new();
        for passphrase in Passphrase::spellings(password) {
            let opened = match pbe::decrypt(algorithm, ciphertext, &passphrase, &work) {
                Ok(opened) => opened,
                Err(Fault::Wrong) => continue,
                Err(Fault::Unsupported(what)) => {
                    return Err(refused(&format!("its encryption is not supported: {what}"))
                        .hint("convert it: `openssl pkcs8 -topk8 -in OLD -out NEW`"));
                }
                Err(Fault::Costly) => {
                    return Err(refused("its password derivation asks for more work than any honest file does"));
                }
                Err(Fault::Malformed(reason)) => return Err(malformed(reason)),
            };
            // Padding fits by chance once in 256 wrong passwords: what comes out must be one structure at least. When it
            // is, the password was right, and what is wrong with the key is said.
            let is_whole = der::only(&opened, der::SEQUENCE).is_ok_and(|outer| der::well_formed(outer.whole).is_ok());
            match Self::from_der(&opened) {
                Err(_) if !is_whole => {}
                read => return read,
            }
        }
        Err(Error::new(ErrorId::BadPassword, "the password does not open the private key"))
    }

    /// The key as PKCS#8 version 1.
    pub(crate) fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        let failed = |e| refused("it could not be encoded").because(e);
        Ok(match &self.0.pair {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Pair::Ecdsa(pair) => Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()),
        })
    }

    /// The key as an unprotected PEM block `PRIVATE KEY`.
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        Ok(pem::encode("PRIVATE KEY", &self.to_pkcs8_der()?))
    }

    #[cfg(test)]
    /// The key as a PEM block `ENCRYPTED PRIVATE KEY`: PBES2, PBKDF2-HMAC-SHA-256 with 600,000 rounds, AES-256-CBC.
    pub(crate) fn to_encrypted_pem(&self, password: &Secret) -> Result<Zeroizing<String>> {
        let failed = || refused("it could not be encrypted");
        let plain = self.to_pkcs8_der()?;
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &random::<32>()?, random::<16>()?)
            .map_err(|e| failed().because(e))?;
        let sealed = pkcs8::PrivateKeyInfoRef::try_from(plain.as_slice())
            .and_then(|info| info.encrypt_with_params(parameters, password.expose()))
            .map_err(|e| failed().because(e))?;
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", sealed.as_bytes()))
    }

    fn from_pair(pair: Pair) -> Result<Self> {
        let spki: PublicKeyX509Der<'_> = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
        }
        .map_err(|e| refused("its public key could not be encoded").because(e))?;
        let facts = spki::read(spki.as_ref()).map_err(|e| refused(&e.to_string()))?;
        let algorithm = facts.algorithm.ok_or_else(|| refused("its algorithm is not known"))?;
        Ok(Self(Arc::new(Inner { pair, algorithm, spki: spki.as_ref().to_vec(), key_id: facts.key_id })))
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |e| refused("it could not sign").because(e);
        match &self.0.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec()),
        }
    }

    fn key_id(&self) -> KeyId {
        self.0.key_id
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, [elided])", self.0.algorithm)
    }
}

/// Checks that a certificate is of this key.
///
/// # Errors
/// `KeyMismatch`. Keys are compared as algorithm and key bits, so that two spellings of one key fit.
pub(crate) fn check_pair(certificate: &Certificate, key: &dyn Signer) -> Result<()> {
    let same = certificate.key_id() == key.key_id()
        || match (spki::read(certificate.spki()), spki::read(key.spki())) {
            (Ok(a), Ok(b)) => a.algorithm.is_some() && a.algorithm == b.algorithm && a.key == b.key,
            _ => false,
        };
    if same {
        return Ok(());
    }
    Err(Error::new(
        ErrorId::KeyMismatch,
        format!("the private key is not that of the certificate `{}`", certificate.short_name()),
    )
    .about(certificate.thumbprint().to_string()))
}

enum Kind {
    Rsa,
    Ecdsa,
}

/// Tells the three forms apart and finds the algorithm's own structure; Windows' attributes are passed over.
fn dissect(bytes: &[u8]) -> Result<(Kind, Option<String>, &[u8]), Malformed> {
    let outer = der::only(bytes, der::SEQUENCE)?;
    let mut reader = outer.inside();
    reader.expect(der::INTEGER)?;
    match reader.peek() {
        Some(der::INTEGER) => Ok((Kind::Rsa, None, bytes)),
        Some(der::OCTET_STRING) => {
            reader.any()?;
            let curve = match reader.optional(0xa0)? {
                Some(parameters) => Some(curve(parameters.inside())?),
                None => None,
            };
            Ok((Kind::Ecdsa, curve, bytes))
        }
        Some(der::SEQUENCE) => {
            let mut algorithm = reader.any()?.inside();
            let oid =
                der::oid_text(algorithm.expect(der::OID)?.content).ok_or(Malformed("its algorithm is malformed"))?;
            let body = reader.expect(der::OCTET_STRING)?.content;
            match oid.as_str() {
                spki::RSA => Ok((Kind::Rsa, None, body)),
                spki::EC => Ok((Kind::Ecdsa, Some(curve(algorithm)?), body)),
                spki::RSA_PSS => {
                    Err(Malformed("it may only be used for RSASSA-PSS, which TLS servers here do not take"))
                }
                _ => Err(Malformed("its algorithm is neither RSA nor ECDSA")),
            }
        }
        _ => Err(Malformed("it is neither PKCS#8 nor PKCS#1 nor SEC 1")),
    }
}

fn curve(mut reader: der::Reader<'_>) -> Result<String, Malformed> {
    let oid = reader.optional(der::OID)?.ok_or(Malformed("its curve is spelled out instead of named"))?;
    der::oid_text(oid.content).ok_or(Malformed("its curve is malformed"))
}

fn signing_algorithm(curve: KeyAlgorithm) -> &'static EcdsaSigningAlgorithm {
    match curve {
        KeyAlgorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyAlgorithm::EcdsaP521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Rsa(_) => &ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

fn refused(reason: &str) -> Error {
    Error::new(ErrorId::BadCertificateFile, format!("the private key is refused: {reason}"))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::x509::testing;

    pub(in crate::x509) static RSA: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::Rsa(2048)).unwrap());
    pub(in crate::x509) static P256: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
    pub(in crate::x509) static P384: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::EcdsaP384).unwrap());
    pub(in crate::x509) static P521: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::EcdsaP521).unwrap());

    pub(in crate::x509) fn kinds() -> [&'static PrivateKey; 4] {
        [&RSA, &P256, &P384, &P521]
    }

    #[test]
    fn keys_read_back_and_stay_hidden() {
        for key in kinds() {
            let der = key.to_pkcs8_der().unwrap();
            let again = PrivateKey::from_der(&der).unwrap();
            assert_eq!((again.key_id(), again.algorithm()), (key.key_id(), key.algorithm()));
            assert!(format!("{key:?}").ends_with("[elided])"));
        }
    }

    #[test]
    fn openssl_reads_what_is_written_and_its_forms_are_read() {
        let Some(bench) = testing::bench("openssl_reads_what_is_written_and_its_forms_are_read") else { return };
        let password = Secret::from("Passw0rd€");
        for key in kinds() {
            bench.write("key.pem", key.to_encrypted_pem(&password).unwrap().as_bytes());
            bench.run("pkey -in key.pem -passin pass:Passw0rd€ -pubout -outform DER -out pub.der").unwrap();
            assert_eq!(bench.read("pub.der"), key.spki());
            assert!(bench.run("pkey -in key.pem -passin pass:wrong -noout").is_err());
            // PKCS#1 and SEC 1, and SEC 1 without its public key.
            bench.run("pkey -in key.pem -passin pass:Passw0rd€ -traditional -outform DER -out old.der").unwrap();
            assert_eq!(PrivateKey::from_der(&bench.read("old.der")).unwrap().key_id(), key.key_id());
            if key.algorithm().is_elliptic() {
                bench.run("ec -inform DER -in old.der -no_public -outform DER -out short.der").unwrap();
                assert_eq!(PrivateKey::from_der(&bench.read("short.der")).unwrap().key_id(), key.key_id());
            }
        }
    }

    #[test]
    fn encrypted_keys_of_openssl_are_read() {
        let Some(bench) = testing::bench("encrypted_keys_of_openssl_are_read") else { return };
        bench.write("plain.pem", P256.to_pem().unwrap().as_bytes());
        for options in [
            "-v2 aes-256-cbc",
            "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 5000",
            "-v2 des3",
            "-scrypt",
            "-v1 PBE-SHA1-3DES",
        ] {
            bench
                .run(&format!("pkcs8 -topk8 -in plain.pem -passout pass:a {options} -outform DER -out sealed.der"))
                .unwrap();
            let sealed = bench.read("sealed.der");
            let opened = PrivateKey::from_encrypted_der(&sealed, &Secret::from("a"));
            assert_eq!(opened.unwrap().key_id(), P256.key_id(), "{options}");
            let error = PrivateKey::from_encrypted_der(&sealed, &Secret::from("b")).unwrap_err();
            assert_eq!(error.id(), ErrorId::BadPassword, "{options}");
        }
        // PKCS#12 takes the password as UTF-16, and has no fewer rounds of its own for an empty one.
        for password in ["", "Pä€wörd"] {
            bench
                .run(&format!(
                    "pkcs8 -topk8 -in plain.pem -passout pass:{password} -v1 PBE-SHA1-2DES -outform DER -out sealed.der"
                ))
                .unwrap();
            let opened = PrivateKey::from_encrypted_der(&bench.read("sealed.der"), &Secret::from(password));
            assert_eq!(opened.unwrap().key_id(), P256.key_id(), "{password}");
        }
        bench
            .run("pkcs8 -topk8 -in plain.pem -passout pass:a -provider legacy -provider default -v1 PBE-MD5-DES -outform DER -out sealed.der")
            .unwrap();
        let error = PrivateKey::from_encrypted_der(&bench.read("sealed.der"), &Secret::from("a")).unwrap_err();
        assert_eq!(error.id(), ErrorId::BadCertificateFile, "{error}");
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        assert_eq!(
            PrivateKey::generate(KeyAlgorithm::Rsa(1024)).unwrap_err().id(),
            ErrorId::ParameterArgumentValidationError
        );
        let Some(bench) = testing::bench("weak_and_foreign_keys_are_refused") else { return };
        for (options, reason) in [
            ("-algorithm ed25519", "neither RSA nor ECDSA"),
            ("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "2048 to 8192"),
            ("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "1.3.132.0.10"),
            ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", "spelled out"),
        ] {
            bench.run(&format!("genpkey {options} -outform DER -out k.der")).unwrap();
            let error = PrivateKey::from_der(&bench.read("k.der")).unwrap_err();
            assert!(error.message().contains(reason), "{options}: {error}");
        }
    }
}
