//! Keys at rest: one random store secret, wrapped by a passphrase, under which each thing is sealed.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::key::{PrivateKey, ROUNDS, Signer};
use super::random;
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyId, Secret};

/// First octets of a wrapped secret: name and version of the form.
const WRAPPED: &[u8; 8] = b"certlet\x01";
/// First octet of a sealed thing.
const SEALED: u8 = 1;
const SALT_LEN: usize = 16;
const SECRET_LEN: usize = 32;
/// Most rounds that a wrapped secret may ask for: about 20 s of work.
const MAX_ROUNDS: u32 = 100_000_000;

/// The secret of a store: 32 random octets, overwritten when dropped, elided in `Debug`.
///
/// Wrapped form: 8 octets of name and version, rounds (32 bits, big end first), 16 octets of salt, 12 of nonce, then the
/// secret under AES-256-GCM with the PBKDF2-HMAC-SHA-256 of the passphrase as key. Sealed form: 1 octet of version,
/// 12 octets of random nonce, then AES-256-GCM. A store seals far fewer things than the 2^32 at which random nonces of
/// one key begin to meet (NIST SP 800-38D section 8.3).
pub(crate) struct StoreSecret(Zeroizing<[u8; SECRET_LEN]>);

impl StoreSecret {
    /// Draws a new secret.
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self(Zeroizing::new(random()?)))
    }

    /// Takes a secret that is kept as it is, in a private file.
    ///
    /// # Errors
    /// `StoreLocked` when it does not have 32 octets.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let secret = <[u8; SECRET_LEN]>::try_from(bytes)
            .map_err(|_| locked(&format!("the store secret has {} octets instead of 32", bytes.len())))?;
        Ok(Self(Zeroizing::new(secret)))
    }

    /// The secret itself, for the private file.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// Wraps the secret with a passphrase; takes 600,000 rounds of PBKDF2.
    pub(crate) fn wrap(&self, passphrase: &Secret) -> Result<Vec<u8>> {
        let mut blob = WRAPPED.to_vec();
        blob.extend(ROUNDS.to_be_bytes());
        let salt = random::<SALT_LEN>()?;
        blob.extend(salt);
        let key = derive(passphrase, &salt, ROUNDS);
        let context = blob.clone();
        seal(&key, &context, &*self.0, &mut blob)?;
        Ok(blob)
    }

    /// Opens a wrapped secret; takes as many rounds as it was wrapped with.
    ///
    /// # Errors
    /// `StoreLocked` when the passphrase is wrong or the blob is damaged.
    pub(crate) fn unwrap(blob: &[u8], passphrase: &Secret) -> Result<Self> {
        let damaged = || locked("the wrapped store secret is damaged");
        let (context, sealed) = blob.split_at_checked(WRAPPED.len() + 4 + SALT_LEN).ok_or_else(damaged)?;
        let (name, rest) = context.split_at(WRAPPED.len());
        let (rounds, salt) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let rounds = u32::from_be_bytes(*rounds);
        if name != WRAPPED || !(1..=MAX_ROUNDS).contains(&rounds) {
            return Err(damaged());
        }
        let key = derive(passphrase, salt, rounds);
        let secret =
            open(&key, context, sealed).ok_or_else(|| locked("the passphrase does not open the sealed keys"))?;
        Self::from_bytes(&secret)
    }

    /// Seals a private key, bound to its key id and public key.
    pub(crate) fn seal_key(&self, key: &PrivateKey) -> Result<Vec<u8>> {
        let mut context = key_context(key.key_id());
        context.extend_from_slice(key.spki());
        let mut sealed = (key.spki().len() as u32).to_be_bytes().to_vec();
        sealed.extend_from_slice(key.spki());
        let plain = key.to_pkcs8_der()?;
        sealed.push(SEALED);
        seal(&self.0, &context, &plain, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens a sealed private key, which must be the one that is named.
    ///
    /// # Errors
    /// `StoreLocked` when it was sealed under another secret, is another key's, or was changed.
    pub(crate) fn open_key(&self, sealed: &[u8], key_id: KeyId) -> Result<PrivateKey> {
        let damaged =
            || locked("a sealed private key does not open: it is another's, or damaged").about(key_id.to_string());
        let (length, rest) = sealed.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (spki, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
        let (version, rest) = rest.split_first().ok_or_else(damaged)?;
        if *version != SEALED {
            return Err(damaged());
        }
        let mut context = key_context(key_id);
        context.extend_from_slice(spki);
        let plain = open(&self.0, &context, rest).ok_or_else(damaged)?;
        let key = PrivateKey::from_der(&plain)?;
        if key.key_id() == key_id { Ok(key) } else { Err(damaged()) }
    }

    /// Seals any octets, bound to a context such as the object and operation that they belong to.
    pub(crate) fn seal_bytes(&self, context: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = vec![SEALED];
        seal(&self.0, &bytes_context(context), bytes, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens octets sealed by [`Self::seal_bytes`] with the same context.
    ///
    /// # Errors
    /// `StoreLocked`.
    pub(crate) fn open_bytes(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || locked("sealed content does not open: it belongs elsewhere, or is damaged").about(context);
        match sealed.split_first() {
            Some((&SEALED, rest)) => open(&self.0, &bytes_context(context), rest).ok_or_else(damaged),
            _ => Err(damaged()),
        }
    }
}

impl fmt::Debug for StoreSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreSecret([elided])")
    }
}

fn key_context(key_id: KeyId) -> Vec<u8> {
    [b"key\0".as_slice(), key_id.as_bytes()].concat()
}

fn bytes_context(context: &str) -> Vec<u8> {
    [b"bytes\0".as_slice(), context.as_bytes()].concat()
}

fn derive(passphrase: &Secret, salt: &[u8], rounds: u32) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, passphrase.expose().as_bytes(), &mut *key);
    key
}

/// Appends nonce, ciphertext and tag.
fn seal(key: &[u8; 32], context: &[u8], plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let failed = |e| locked("something could not be sealed").because(e);
    let nonce = random::<NONCE_LEN>()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(failed)?);
    // Sealed in place: what held the plain octets holds the ciphertext in the end.
    let mut body = plain.to_vec();
    body.reserve_exact(AES_256_GCM.tag_len());
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
        .map_err(failed)?;
    out.extend(nonce);
    out.extend(body);
    out.extend(tag.as_ref());
    Ok(())
}

fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut plain = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::from(context), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn locked(message: &str) -> Error {
    Error::new(ErrorId::StoreLocked, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::tests::{P256, P384, kinds};

    #[test]
    fn a_secret_opens_with_its_passphrase_alone() {
        let secret = StoreSecret::generate().unwrap();
        let passphrase = Secret::from("correct horse");
        let blob = secret.wrap(&passphrase).unwrap();
        assert!(!blob.windows(16).any(|w| secret.as_bytes().windows(16).any(|s| s == w)));
        assert_eq!(StoreSecret::unwrap(&blob, &passphrase).unwrap().as_bytes(), secret.as_bytes());
        let error = StoreSecret::unwrap(&blob, &Secret::from("wrong")).unwrap_err();
        assert_eq!(error.id(), ErrorId::StoreLocked);
        assert_eq!(format!("{secret:?}"), "StoreSecret([elided])");
    }

    #[test]
    fn damaged_wrappings_are_refused_without_work() {
        let secret = StoreSecret::generate().unwrap();
        let mut blob = WRAPPED.to_vec();
        blob.extend(1u32.to_be_bytes());
        blob.extend([7; SALT_LEN]);
        let key = derive(&Secret::from("a"), &[7; SALT_LEN], 1);
        let context = blob.clone();
        seal(&key, &context, secret.as_bytes(), &mut blob).unwrap();
        assert!(StoreSecret::unwrap(&blob, &Secret::from("a")).is_ok());
        for i in 0..blob.len() {
            assert!(StoreSecret::unwrap(&blob[..i], &Secret::from("a")).is_err());
            // Octets 8 to 11 are the rounds; a changed one must not cost minutes.
            if !(8..12).contains(&i) {
                let mut changed = blob.clone();
                changed[i] ^= 1;
                assert_eq!(StoreSecret::unwrap(&changed, &Secret::from("a")).unwrap_err().id(), ErrorId::StoreLocked);
            }
        }
        blob[8] = 0xff;
        assert!(StoreSecret::unwrap(&blob, &Secret::from("a")).unwrap_err().message().contains("damaged"));
    }

    #[test]
    fn keys_are_bound_to_themselves() {
        let secret = StoreSecret::generate().unwrap();
        for key in kinds() {
            let sealed = secret.seal_key(key).unwrap();
            let plain = key.to_pkcs8_der().unwrap();
            // A third of the way in, every form holds private octets; the public key stands in clear.
            let private = &plain[plain.len() / 3..][..16];
            assert!(!sealed.windows(16).any(|w| w == private));
            assert_eq!(secret.open_key(&sealed, key.key_id()).unwrap().key_id(), key.key_id());
            assert_ne!(sealed, secret.seal_key(key).unwrap(), "the nonce is fresh");
        }
        let sealed = secret.seal_key(&P256).unwrap();
        assert_eq!(secret.open_key(&sealed, P384.key_id()).unwrap_err().id(), ErrorId::StoreLocked);
        let other = StoreSecret::generate().unwrap();
        assert_eq!(other.open_key(&sealed, P256.key_id()).unwrap_err().id(), ErrorId::StoreLocked);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(secret.open_key(&changed, P256.key_id()).is_err(), "octet {i}");
            assert!(secret.open_key(&sealed[..i], P256.key_id()).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn octets_are_bound_to_their_context() {
        let secret = StoreSecret::generate().unwrap();
        let sealed = secret.seal_bytes("operation 7: /etc/nginx/key.pem", b"before").unwrap();
        assert_eq!(secret.open_bytes("operation 7: /etc/nginx/key.pem", &sealed).unwrap().as_slice(), b"before");
        assert_eq!(secret.open_bytes("operation 8", &sealed).unwrap_err().id(), ErrorId::StoreLocked);
        assert!(secret.open_bytes("", &[]).is_err());
        // A sealed key is no sealed octets, and the other way round.
        assert!(secret.open_key(&sealed, P256.key_id()).is_err());
    }
}
