//! Encryption and integrity under a password: PBES2 (RFC 8018) and the older schedule of PKCS#12 (RFC 7292).

use std::cell::Cell;

use aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY as SHA1;
use aws_lc_rs::{digest, hmac};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use pkcs5::{EncryptionScheme, der::ErrorKind, pbes2};
use zeroize::Zeroizing;

use super::der::{self, Malformed, Tlv};
use super::random;
use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;

const PBES2: &str = "1.2.840.113549.1.5.13";
const TRIPLE_DES: &str = "1.2.840.113549.1.12.1.3";
/// Most rounds of one password derivation that are carried out; NSS and `GnuTLS` use 600,000.
const MAX_ROUNDS: u32 = 1_000_000;
/// Most rounds for all parts of one file: some seconds of work.
const MAX_WORK: u64 = 20_000_000;
/// Most memory of one derivation by scrypt, in octets.
const MAX_MEMORY: u64 = 1 << 30;

/// Why something protected by a password is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The password does not fit, or the bytes were damaged: ciphers cannot tell.
    Wrong,
    /// The algorithm is none that is known here: its name or identifier.
    Unsupported(String),
    /// The derivation asks for too much.
    Costly,
    /// It is not built as it has to be.
    Malformed(Malformed),
}

impl From<Malformed> for Fault {
    fn from(reason: Malformed) -> Self {
        Self::Malformed(reason)
    }
}

/// A password in the two spellings that the schemes ask for.
pub(super) struct Passphrase {
    /// UTF-8, for PBES2.
    text: Zeroizing<Vec<u8>>,
    /// UTF-16 with a final zero (RFC 7292 appendix B.1), for PKCS#12's own schedule; nothing at all for no password.
    wide: Zeroizing<Vec<u8>>,
}

impl Passphrase {
    /// The spellings of a password, likeliest first: an empty one is written as an empty text or as nothing.
    pub(super) fn spellings(password: &Secret) -> Vec<Self> {
        let text = || Zeroizing::new(password.expose().as_bytes().to_vec());
        let mut wide: Zeroizing<Vec<u8>> =
            Zeroizing::new(password.expose().encode_utf16().flat_map(u16::to_be_bytes).collect());
        wide.extend([0, 0]);
        let mut all = vec![Self { text: text(), wide }];
        if password.is_empty() {
            all.push(Self { text: text(), wide: Zeroizing::default() });
        }
        all
    }
}

/// How many rounds the derivations of one file may still take.
pub(super) struct Work(Cell<u64>);

impl Work {
    pub(super) fn new() -> Self {
        Self(Cell::new(MAX_WORK))
    }

    fn take(&self, rounds: u32) -> Result<(), Fault> {
        let left = self.0.get().checked_sub(u64::from(rounds)).filter(|_| rounds <= MAX_ROUNDS).ok_or(Fault::Costly)?;
        self.0.set(left);
        Ok(())
    }
}

/// Decrypts what an `AlgorithmIdentifier` says how.
pub(super) fn decrypt(
    algorithm: Tlv<'_>,
    ciphertext: &[u8],
    passphrase: &Passphrase,
    work: &Work,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut reader = algorithm.inside();
    let oid = der::oid_text(reader.expect(der::OID)?.content).ok_or(Malformed("an algorithm has no identifier"))?;
    if oid == PBES2 {
        return decrypt_pbes2(algorithm.whole, ciphertext, passphrase, work);
    }
    let scheme = Scheme::of(&oid)?;
    let mut parameters = reader.expect(der::SEQUENCE)?.inside();
    let salt = parameters.expect(der::OCTET_STRING)?.content;
    let rounds = rounds(parameters.expect(der::INTEGER)?)?;
    work.take(rounds)?;
    let key = derive(&SHA1, 1, &passphrase.wide, salt, rounds, scheme.key_length());
    let iv = derive(&SHA1, 2, &passphrase.wide, salt, rounds, 8);
    match scheme {
        Scheme::TripleDes3 => decrypt_cbc::<des::TdesEde3>(&key, &iv, ciphertext),
        Scheme::TripleDes2 => decrypt_cbc::<des::TdesEde2>(&key, &iv, ciphertext),
        Scheme::Rc2Bits128 | Scheme::Rc2Bits40 => decrypt_cbc::<rc2::Rc2>(&key, &iv, ciphertext),
    }
}

fn decrypt_pbes2(
    algorithm: &[u8],
    ciphertext: &[u8],
    passphrase: &Passphrase,
    work: &Work,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let scheme = EncryptionScheme::try_from(algorithm).map_err(|error| match error.kind() {
        ErrorKind::OidUnknown { oid } => Fault::Unsupported(oid.to_string()),
        _ => Fault::Malformed(Malformed("the parameters of its encryption are malformed")),
    })?;
    let parameters = scheme.pbes2().ok_or_else(|| Fault::Unsupported(PBES2.to_owned()))?;
    match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(kdf) => work.take(kdf.iteration_count)?,
        pbes2::Kdf::Scrypt(kdf) => {
            let memory = kdf.cost_parameter.saturating_mul(u64::from(kdf.block_size)).saturating_mul(128);
            if kdf.parallelization > 16 || memory > MAX_MEMORY {
                return Err(Fault::Costly);
            }
            // Ten derivations of this kind in one file at most.
            work.take(MAX_ROUNDS)?;
            work.take(MAX_ROUNDS)?;
        }
        _ => return Err(Fault::Unsupported("a key derivation that is not known".to_owned())),
    }
    match parameters.decrypt(&passphrase.text, ciphertext) {
        Ok(plain) => Ok(Zeroizing::new(plain)),
        Err(pkcs5::Error::UnsupportedAlgorithm { oid }) => Err(Fault::Unsupported(oid.to_string())),
        Err(_) => Err(Fault::Wrong),
    }
}

/// How a file is protected: the two ways of `Export-PfxCertificate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PfxProtection {
    /// PBES2 with AES-256-CBC, PBKDF2 and HMAC of SHA-256; what every program of the last ten years reads.
    Aes256Sha256,
    /// PKCS#12's own schedule with Triple DES and HMAC of SHA-1, for Windows before 10 (1709), Java before 8u301 and the like.
    TripleDesSha1,
}

impl PfxProtection {
    /// Rounds of a derivation for encryption, and of the one for the check.
    fn rounds(self) -> (u32, u32) {
        match self {
            // As many as GnuTLS and NSS; the rounds of the check cost a third of those of the encryption.
            Self::Aes256Sha256 => (super::key::ROUNDS, 100_000),
            Self::TripleDesSha1 => (100_000, 100_000),
        }
    }
}

/// Encrypts; gives the `AlgorithmIdentifier` and the ciphertext.
///
/// # Errors
/// `StoreUnavailable` when the system gives no random octets.
pub(super) fn encrypt(protection: PfxProtection, plain: &[u8], passphrase: &Passphrase) -> Result<(Vec<u8>, Vec<u8>)> {
    let failed = |reason: &str| Error::new(ErrorId::BadCertificateFile, format!("the PFX cannot be made: {reason}"));
    let (rounds, _) = protection.rounds();
    if protection == PfxProtection::TripleDesSha1 {
        let salt = random::<20>()?;
        let key = derive(&SHA1, 1, &passphrase.wide, &salt, rounds, 24);
        let iv = derive(&SHA1, 2, &passphrase.wide, &salt, rounds, 8);
        let cipher = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &iv);
        let sealed = cipher.map_err(|e| failed("its key is refused").because(e))?.encrypt_padded_vec::<Pkcs7>(plain);
        let parameters = der::sequence(&[&der::tlv(der::OCTET_STRING, &salt), &integer(rounds)]);
        return Ok((der::sequence(&[&der::oid(TRIPLE_DES).unwrap_or_default(), &parameters]), sealed));
    }
    let (salt, iv) = (random::<32>()?, random::<16>()?);
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(rounds, &salt, iv)
        .map_err(|e| failed("its parameters are refused").because(e))?;
    let sealed = parameters.encrypt(&passphrase.text, plain).map_err(|e| failed("encryption failed").because(e))?;
    let scheme = pkcs5::der::Encode::to_der(&EncryptionScheme::from(parameters))
        .map_err(|e| failed("its parameters cannot be written").because(e))?;
    Ok((scheme, sealed))
}

/// The integrity check of a file (`MacData`, RFC 7292 section 4).
pub(super) struct Mac {
    digest: String,
    value: Vec<u8>,
    salt: Vec<u8>,
    rounds: u32,
}

impl Mac {
    /// Reads `MacData`.
    pub(super) fn read(data: Tlv<'_>) -> Result<Self, Fault> {
        let mut data = data.inside();
        let mut info = data.expect(der::SEQUENCE)?.inside();
        let mut algorithm = info.expect(der::SEQUENCE)?.inside();
        let digest = der::oid_text(algorithm.expect(der::OID)?.content).ok_or(Malformed("its check is malformed"))?;
        let value = info.expect(der::OCTET_STRING)?.content.to_vec();
        let salt = data.expect(der::OCTET_STRING)?.content.to_vec();
        let rounds = match data.optional(der::INTEGER)? {
            None => 1,
            Some(count) => rounds(count)?,
        };
        Ok(Self { digest, value, salt, rounds })
    }

    /// Whether the check holds over a content.
    pub(super) fn fits(&self, content: &[u8], passphrase: &Passphrase, work: &Work) -> Result<bool, Fault> {
        let (digest, hmac) = match self.digest.as_str() {
            "1.3.14.3.2.26" => (&SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            "2.16.840.1.101.3.4.2.4" => (&digest::SHA224, hmac::HMAC_SHA224),
            "2.16.840.1.101.3.4.2.1" => (&digest::SHA256, hmac::HMAC_SHA256),
            "2.16.840.1.101.3.4.2.2" => (&digest::SHA384, hmac::HMAC_SHA384),
            "2.16.840.1.101.3.4.2.3" => (&digest::SHA512, hmac::HMAC_SHA512),
            "1.2.840.113549.1.5.14" => return Err(Fault::Unsupported("PBMAC1 (RFC 9579)".to_owned())),
            other => return Err(Fault::Unsupported(other.to_owned())),
        };
        work.take(self.rounds)?;
        let key = derive(digest, 3, &passphrase.wide, &self.salt, self.rounds, digest.output_len());
        Ok(hmac::verify(&hmac::Key::new(hmac, &key), content, &self.value).is_ok())
    }

    /// Makes the check of a content, encoded.
    ///
    /// # Errors
    /// `StoreUnavailable` when the system gives no random octets.
    pub(super) fn make(protection: PfxProtection, content: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>> {
        let (digest, hmac, oid) = match protection {
            PfxProtection::Aes256Sha256 => (&digest::SHA256, hmac::HMAC_SHA256, "2.16.840.1.101.3.4.2.1"),
            PfxProtection::TripleDesSha1 => (&SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "1.3.14.3.2.26"),
        };
        let (_, rounds) = protection.rounds();
        let salt = random::<20>()?;
        let key = derive(digest, 3, &passphrase.wide, &salt, rounds, digest.output_len());
        let value = hmac::sign(&hmac::Key::new(hmac, &key), content);
        let algorithm = der::sequence(&[&der::oid(oid).unwrap_or_default(), &der::tlv(NULL, &[])]);
        let info = der::sequence(&[&algorithm, &der::tlv(der::OCTET_STRING, value.as_ref())]);
        Ok(der::sequence(&[&info, &der::tlv(der::OCTET_STRING, &salt), &integer(rounds)]))
    }
}

/// The ciphers of PKCS#12's own schedule (RFC 7292 appendix C); its two with RC4 are not read.
#[derive(Clone, Copy)]
enum Scheme {
    TripleDes3,
    TripleDes2,
    Rc2Bits128,
    Rc2Bits40,
}

impl Scheme {
    fn of(oid: &str) -> Result<Self, Fault> {
        match oid {
            TRIPLE_DES => Ok(Self::TripleDes3),
            "1.2.840.113549.1.12.1.4" => Ok(Self::TripleDes2),
            "1.2.840.113549.1.12.1.5" => Ok(Self::Rc2Bits128),
            "1.2.840.113549.1.12.1.6" => Ok(Self::Rc2Bits40),
            "1.2.840.113549.1.12.1.1" | "1.2.840.113549.1.12.1.2" => Err(Fault::Unsupported("RC4".to_owned())),
            other => Err(Fault::Unsupported(other.to_owned())),
        }
    }

    fn key_length(self) -> usize {
        match self {
            Self::TripleDes3 => 24,
            Self::TripleDes2 | Self::Rc2Bits128 => 16,
            Self::Rc2Bits40 => 5,
        }
    }
}

const NULL: u8 = 0x05;

fn rounds(count: Tlv<'_>) -> Result<u32, Fault> {
    if count.content.is_empty() || count.content.len() > 5 || count.content[0] & 0x80 != 0 {
        return Err(Fault::Costly);
    }
    let rounds = count.content.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    match u32::try_from(rounds) {
        Ok(0) => Err(Malformed("its password derivation has no rounds").into()),
        Ok(rounds) => Ok(rounds),
        Err(_) => Err(Fault::Costly),
    }
}

fn integer(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let first = octets.iter().position(|b| *b != 0).unwrap_or(3);
    // A leading zero keeps a number positive.
    let sign: &[u8] = if octets[first] & 0x80 != 0 { &[0] } else { &[] };
    der::constructed(der::INTEGER, &[sign, &octets[first..]])
}

/// Octets out of a password (RFC 7292 appendix B.2): for encryption (1), as initial value (2), for the check (3).
fn derive(
    algorithm: &'static digest::Algorithm,
    purpose: u8,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = algorithm.block_len();
    let fill =
        |bytes: &[u8]| bytes.iter().copied().cycle().take(bytes.len().div_ceil(block) * block).collect::<Vec<u8>>();
    let mut input = Zeroizing::new([fill(salt), fill(password)].concat());
    let mut out = Zeroizing::new(Vec::with_capacity(length + algorithm.output_len()));
    loop {
        let mut context = digest::Context::new(algorithm);
        context.update(&vec![purpose; block]);
        context.update(&input);
        let mut turn = context.finish();
        for _ in 1..rounds {
            turn = digest::digest(algorithm, turn.as_ref());
        }
        out.extend_from_slice(turn.as_ref());
        if out.len() >= length {
            out.truncate(length);
            return out;
        }
        // Each block of the input, as a number, grows by the digest and one.
        let addend = Zeroizing::new(fill_to(turn.as_ref(), block));
        for number in input.chunks_mut(block) {
            let mut carry = 1u16;
            for (octet, more) in number.iter_mut().zip(addend.iter()).rev() {
                carry += u16::from(*octet) + u16::from(*more);
                *octet = (carry & 0xff) as u8;
                carry >>= 8;
            }
        }
    }
}

fn fill_to(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

fn decrypt_cbc<C: KeyInit + BlockCipherDecrypt>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| Fault::Wrong)?;
    cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).map(Zeroizing::new).map_err(|_| Fault::Wrong)
}
