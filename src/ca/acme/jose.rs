//! Signed messages: JSON Web Signatures as ACME wants them (RFC 8555 section 6.2), and base64url.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorId, Result};
use crate::x509::{PrivateKey, Signer};

/// The key of an account: P-256, signing with `ES256`, which every ACME server must take (RFC 8555 section 6.2).
pub(super) struct AccountKey {
    pair: EcdsaKeyPair,
    /// The coordinates of the public point.
    point: [String; 2],
}

/// Who a message is from: before there is an account its whole key, later its address.
#[derive(Clone, Copy)]
pub(super) enum From<'a> {
    Key,
    Account(&'a str),
}

impl AccountKey {
    /// Takes a P-256 key.
    ///
    /// # Errors
    /// `NoPrivateKey` for a key of another kind.
    pub(super) fn of(key: &PrivateKey) -> Result<Self> {
        let refused = || Error::new(ErrorId::NoPrivateKey, "the key of the ACME account is no P-256 key");
        let pkcs8 = key.to_pkcs8_der()?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|e| refused().because(e))?;
        // The uncompressed point stands at the end of the public key: 04, x, y.
        let point = key.spki().last_chunk::<64>().ok_or_else(refused)?;
        let (x, y) = point.split_at(32);
        Ok(Self { pair, point: [base64url(x), base64url(y)] })
    }

    /// The public key, members in the order of RFC 7638 section 3.2.
    fn jwk(&self) -> Value {
        let [x, y] = &self.point;
        json!({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    }

    /// What answers a challenge: its token and the key's thumbprint (RFC 8555 section 8.1, RFC 7638).
    pub(super) fn key_authorization(&self, token: &str) -> String {
        format!("{token}.{}", base64url(&sha256(self.jwk().to_string().as_bytes())))
    }

    /// A signed message to an address; an empty payload asks for what is there (RFC 8555 section 6.3).
    ///
    /// # Errors
    /// `NoPrivateKey` when the key cannot sign.
    pub(super) fn sign(&self, from: From<'_>, nonce: &str, url: &str, payload: &str) -> Result<Vec<u8>> {
        let mut header = json!({"alg": "ES256", "nonce": nonce, "url": url});
        match from {
            From::Key => header["jwk"] = self.jwk(),
            From::Account(address) => header["kid"] = address.into(),
        }
        let message = message(&header, payload.as_bytes());
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message.as_bytes())
            .map_err(|e| Error::new(ErrorId::NoPrivateKey, "the key of the ACME account cannot sign").because(e))?;
        Ok(serialized(&message, signature.as_ref()).to_string().into_bytes())
    }

    /// Binds the key to an account elsewhere (RFC 8555 section 7.3.4); `secret` is the key that the operator was given.
    pub(super) fn bind(&self, url: &str, key_id: &str, secret: &[u8]) -> Value {
        let header = json!({"alg": "HS256", "kid": key_id, "url": url});
        let message = message(&header, self.jwk().to_string().as_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        serialized(&message, tag.as_ref())
    }
}

fn message(header: &Value, payload: &[u8]) -> String {
    format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload))
}

/// The flattened form (RFC 7515 section 7.2.2).
fn serialized(message: &str, signature: &[u8]) -> Value {
    let (protected, payload) = message.split_once('.').unwrap_or_default();
    json!({"protected": protected, "payload": payload, "signature": base64url(signature)})
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    digest
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding (RFC 4648 section 5).
pub(super) fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = bits >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// Reads base64url; padding and the other alphabet's `+` and `/` are tolerated, as operators paste them.
pub(super) fn read_base64url(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim().trim_end_matches('=');
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.bytes() {
        let letter = match letter {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        };
        bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|l| *l == letter)?).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).ok()?);
        }
    }
    (text.len() % 4 != 1).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyAlgorithm;

    #[test]
    fn base64url_reads_back_and_tolerates_padding() {
        for length in 0..70u8 {
            let bytes: Vec<u8> = (0..length).map(|i| i.wrapping_mul(37) ^ 0xa5).collect();
            assert_eq!(*read_base64url(&base64url(&bytes)).unwrap(), bytes);
        }
        assert_eq!(base64url(b"\xfb\xff\xfe"), "-__-");
        assert_eq!(*read_base64url(" +//+ \n").unwrap(), b"\xfb\xff\xfe");
        assert_eq!(*read_base64url("Zg==").unwrap(), b"f");
        for bad in ["a", "a b", "ä", "aaaaa", "a=b"] {
            assert!(read_base64url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_message_can_be_verified_by_its_own_key() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let account = AccountKey::of(&key).unwrap();
        let signed = account.sign(From::Key, "n-1", "https://ca.test/new", "{}").unwrap();
        let signed: Value = serde_json::from_slice(&signed).unwrap();
        let text = |name: &str| signed[name].as_str().unwrap().to_owned();
        let header: Value = serde_json::from_slice(&read_base64url(&text("protected")).unwrap()).unwrap();
        assert_eq!(
            (&header["alg"], &header["nonce"], &header["url"]),
            (&"ES256".into(), &"n-1".into(), &"https://ca.test/new".into())
        );
        let mut point = vec![4];
        for axis in ["x", "y"] {
            point.extend(read_base64url(header["jwk"][axis].as_str().unwrap()).unwrap().iter());
        }
        let public =
            aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED, &point);
        let message = format!("{}.{}", text("protected"), text("payload"));
        let signature = read_base64url(&text("signature")).unwrap();
        public.verify(message.as_bytes(), &signature).unwrap();
        assert!(public.verify(b"other", &signature).is_err());
        assert!(AccountKey::of(&PrivateKey::generate(KeyAlgorithm::EcdsaP384).unwrap()).is_err());
    }

    #[test]
    fn the_thumbprint_is_that_of_the_canonical_key() {
        let key = AccountKey::of(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).unwrap();
        let [x, y] = &key.point;
        let canonical = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
        assert_eq!(key.key_authorization("tok"), format!("tok.{}", base64url(&sha256(canonical.as_bytes()))));
    }

    #[test]
    fn a_binding_shows_no_secret() {
        let key = AccountKey::of(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).unwrap();
        let bound = key.bind("https://ca.test/new", "kid-1", b"a secret of thirty-two octets...").to_string();
        assert!(!bound.contains("secret") && !bound.contains(&base64url(b"a secret of thirty-two octets...")));
    }
}
