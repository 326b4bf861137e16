//! What a file holds, whatever it is: PEM, DER, base64, PKCS#7, PKCS#12.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::der::{self, Reader};
use super::key::{PrivateKey, Signer};
use super::request::{CertificateRequest, parse_request};
use super::{RevocationList, parse_certificate, parse_crl, pem, pfx, pkcs7};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, KeyId, Secret};

/// Longest file that is looked at, in octets.
const MAX_LENGTH: usize = 16 << 20;

/// Everything that was found, in the order of the file; a certificate that stands twice counts once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    certificates: Vec<Certificate>,
    requests: Vec<CertificateRequest>,
    keys: Vec<PrivateKey>,
    revocation_lists: Vec<RevocationList>,
    friendly_names: HashMap<KeyId, String>,
}

impl Contents {
    /// The certificates.
    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificates, taken out.
    pub(crate) fn into_certificates(self) -> Vec<Certificate> {
        self.certificates
    }

    /// The certificate requests.
    pub(crate) fn requests(&self) -> &[CertificateRequest] {
        &self.requests
    }

    /// The revocation lists.
    pub(crate) fn revocation_lists(&self) -> &[RevocationList] {
        &self.revocation_lists
    }

    /// The private keys.
    pub(crate) fn keys(&self) -> &[PrivateKey] {
        &self.keys
    }

    /// The private key of a certificate.
    pub(crate) fn key_of(&self, certificate: &Certificate) -> Option<&PrivateKey> {
        self.keys.iter().find(|key| super::check_pair(certificate, *key).is_ok())
    }

    /// The first certificate whose key is here too.
    pub(crate) fn identity(&self) -> Option<(&Certificate, &PrivateKey)> {
        self.certificates.iter().find_map(|c| self.key_of(c).map(|key| (c, key)))
    }

    /// The friendly name that a PFX gives a certificate or its key.
    pub(crate) fn friendly_name(&self, certificate: &Certificate) -> Option<&str> {
        self.friendly_names.get(&certificate.key_id()).map(String::as_str)
    }

    pub(super) fn set_friendly_name(&mut self, key: KeyId, name: &str) {
        self.friendly_names.entry(key).or_insert_with(|| name.to_owned());
    }

    pub(super) fn add_certificate(&mut self, certificate: Certificate) {
        if !self.certificates.contains(&certificate) {
            self.certificates.push(certificate);
        }
    }

    pub(super) fn add_key(&mut self, key: PrivateKey) {
        if !self.keys.iter().any(|k| k.key_id() == key.key_id()) {
            self.keys.push(key);
        }
    }

    fn is_empty(&self) -> bool {
        self.certificates.is_empty()
            && self.requests.is_empty()
            && self.keys.is_empty()
            && self.revocation_lists.is_empty()
    }
}

/// Reads what people hand over: PEM with text around it, DER, bare base64, PKCS#7, PKCS#12, with or without BOM,
/// UTF-16 as Windows editors save it.
///
/// The password opens a PFX or an encrypted key; without one, a PFX is tried with the empty password.
///
/// # Errors
/// `BadPassword` when one is missing or wrong; `BadCertificateFile` with the reason.
pub(crate) fn read_any(bytes: &[u8], password: Option<&Secret>) -> Result<Contents> {
    if bytes.len() > MAX_LENGTH {
        return Err(bad(&format!("it has {} bytes", bytes.len())));
    }
    let mut contents = Contents::default();
    if bytes.first() == Some(&der::SEQUENCE) && std::str::from_utf8(bytes).map_or(true, |t| pem_start(t).is_none()) {
        recognised(&mut contents, bytes, password)?;
        return Ok(contents);
    }
    let text = decode_text(bytes).ok_or_else(|| bad("it is neither text nor DER"))?;
    if pem_start(&text).is_none() {
        let der = pem::decode_base64(&text)
            .filter(|d| d.first() == Some(&der::SEQUENCE))
            .ok_or_else(|| bad("it is neither PEM nor DER nor base64"))?;
        recognised(&mut contents, &der, password)?;
        return Ok(contents);
    }
    let mut passed = Vec::new();
    for block in pem::decode(&text).map_err(|reason| bad(&reason))? {
        if block.has_headers && block.label.ends_with("PRIVATE KEY") {
            return Err(bad(&format!("its `{}` is encrypted in the way of old OpenSSL", block.label))
                .hint("convert it: `openssl pkcs8 -topk8 -in OLD.key -out NEW.key`"));
        }
        match block.label.as_str() {
            "EC PARAMETERS" | "DH PARAMETERS" | "PUBLIC KEY" | "RSA PUBLIC KEY" => passed.push(block.label),
            _ => labelled(&mut contents, &block.label, &block.der, password)?,
        }
    }
    if contents.is_empty() {
        return Err(bad(&format!("it holds nothing of use, only `{}`", passed.join("`, `"))));
    }
    Ok(contents)
}

/// Reads a file that is to hold one certificate request.
///
/// # Errors
/// `BadCertificateFile` when it holds none, or several.
pub(crate) fn read_request(bytes: &[u8]) -> Result<CertificateRequest> {
    let mut contents = read_any(bytes, None)?;
    match (contents.requests.pop(), contents.requests.len()) {
        (Some(request), 0) => Ok(request),
        (None, _) => Err(bad("it holds no certificate request")),
        (Some(_), more) => Err(bad(&format!("it holds {} certificate requests", more + 1))),
    }
}

/// What one block of a PEM text holds.
///
/// # Errors
/// As [`read_any`].
pub(super) fn take(label: &str, der: &[u8]) -> Result<Contents> {
    let mut contents = Contents::default();
    labelled(&mut contents, label, der, None)?;
    Ok(contents)
}

fn labelled(contents: &mut Contents, label: &str, der: &[u8], password: Option<&Secret>) -> Result<()> {
    if label != "TRUSTED CERTIFICATE" {
        return recognised(contents, der, password);
    }
    // OpenSSL's own form appends trust settings to the certificate.
    let first = Reader::new(der).any().map_err(|e| bad(&e.to_string()))?;
    recognised(contents, first.whole, password)
}

/// Recognises one DER structure by its shape: labels lie (`certutil` calls PKCS#7 a `CERTIFICATE`).
fn recognised(contents: &mut Contents, bytes: &[u8], password: Option<&Secret>) -> Result<()> {
    match recognise(bytes) {
        Shape::Certificate => contents.add_certificate(parse_certificate(bytes)?),
        Shape::Request => contents.requests.push(parse_request(bytes)?),
        Shape::RevocationList => contents.revocation_lists.push(parse_crl(bytes)?),
        Shape::Key => contents.add_key(PrivateKey::from_der(bytes)?),
        Shape::EncryptedKey => {
            let password = password.ok_or_else(|| needs_password("private key"))?;
            contents.add_key(PrivateKey::from_encrypted_der(bytes, password)?);
        }
        Shape::Pkcs7 => {
            for one in pkcs7::certificates(bytes).map_err(|e| bad(&e.to_string()))? {
                contents.add_certificate(parse_certificate(&one)?);
            }
        }
        Shape::Pfx => {
            let read = match password {
                Some(password) => pfx::read_pfx(bytes, password)?,
                None => pfx::read_pfx(bytes, &Secret::from(""))
                    .map_err(|e| if e.id() == ErrorId::BadPassword { needs_password("PFX file") } else { e })?,
            };
            read.certificates.into_iter().for_each(|c| contents.add_certificate(c));
            read.keys.into_iter().for_each(|k| contents.add_key(k));
            contents.friendly_names.extend(read.friendly_names);
        }
        Shape::Unknown => return Err(bad("it is DER, and yet no certificate, request, key, PKCS#7 or PFX")),
        Shape::Cut => return Err(bad("it ends too early, or bytes follow its end")),
    }
    Ok(())
}

enum Shape {
    Certificate,
    Request,
    RevocationList,
    Key,
    EncryptedKey,
    Pkcs7,
    Pfx,
    Unknown,
    Cut,
}

fn recognise(bytes: &[u8]) -> Shape {
    // Only PKCS#7 and PKCS#12 occur in BER.
    if let [0x30, 0x80, first, ..] = bytes {
        return match *first {
            der::OID => Shape::Pkcs7,
            der::INTEGER => Shape::Pfx,
            _ => Shape::Unknown,
        };
    }
    let Ok(outer) = der::only(bytes, der::SEQUENCE) else { return Shape::Cut };
    let tags = |reader: Reader<'_>| -> Vec<u8> {
        let mut reader = reader;
        std::iter::from_fn(|| reader.any().ok().map(|t| t.tag)).take(9).collect()
    };
    let mut inside = outer.inside();
    let outer_tags = tags(inside);
    match outer_tags.as_slice() {
        [der::OID, ..] => Shape::Pkcs7,
        [der::INTEGER, der::SEQUENCE, ..] if inside.any().is_ok_and(|v| v.content == [3]) => Shape::Pfx,
        [der::INTEGER, ..] => Shape::Key,
        [der::SEQUENCE, der::OCTET_STRING] => Shape::EncryptedKey,
        [der::SEQUENCE, der::SEQUENCE, der::BIT_STRING] => {
            let Ok(body) = inside.any() else { return Shape::Cut };
            match tags(body.inside()).as_slice() {
                [der::INTEGER, der::SEQUENCE, der::SEQUENCE] | [der::INTEGER, der::SEQUENCE, der::SEQUENCE, 0xa0] => {
                    Shape::Request
                }
                [der::SEQUENCE, der::SEQUENCE, 0x17 | 0x18, ..]
                | [der::INTEGER, der::SEQUENCE, der::SEQUENCE, 0x17 | 0x18, ..] => Shape::RevocationList,
                _ => Shape::Certificate,
            }
        }
        _ => Shape::Unknown,
    }
}

fn pem_start(text: &str) -> Option<usize> {
    text.find("-----BEGIN ")
}

/// UTF-8 or UTF-16 with or without BOM; a text that is no UTF-8 (Latin-1 in a comment) is taken with its letters lost.
fn decode_text(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(bytes.chunks_exact(2).map(|u| read([u[0], u[1]])).collect());
        String::from_utf16(&units).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8_lossy(rest).into_owned(),
    };
    Some(Zeroizing::new(text))
}

fn needs_password(what: &str) -> Error {
    Error::new(ErrorId::BadPassword, format!("the {what} is protected by a password, and none was given"))
        .hint("add `-Password`")
}

fn bad(reason: &str) -> Error {
    Error::new(ErrorId::BadCertificateFile, format!("the file cannot be read: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::issue::tests::request;
    use crate::x509::key::tests::{P256, RSA};
    use crate::x509::pfx::tests::materials;
    use crate::x509::testing;

    fn one(bytes: &[u8]) -> Contents {
        read_any(bytes, None).unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(bytes)))
    }

    #[test]
    fn certificates_in_every_dress_are_read() {
        let Some(bench) = testing::bench("certificates_in_every_dress_are_read") else { return };
        let [leaf, authority] = materials(&bench, &P256);
        bench.run("crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -outform DER -out b.p7b").unwrap();
        bench.run("crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -out b.pem").unwrap();
        bench.run("x509 -in leaf.pem -trustout -addtrust serverAuth -out trusted.pem").unwrap();
        let pem = String::from_utf8(bench.read("leaf.pem")).unwrap();
        let p7b = String::from_utf8(bench.read("b.pem")).unwrap();
        let both = format!("{pem}{}", pem::encode(pem::CERTIFICATE, authority.der()).as_str());
        let bare: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
        let wide: Vec<u8> = [0xfeff].into_iter().chain(pem.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (count, bytes) in [
            (1, leaf.der().to_vec()),
            (1, pem.clone().into_bytes()),
            (1, format!("\u{feff}\r\n \r\nsubject=CN = a.b\r\n{}", pem.replace('\n', "\r\n")).into_bytes()),
            (1, [b"# K\xfcche\n", pem.as_bytes()].concat()),
            (1, bare.into_bytes()),
            (1, wide),
            (1, bench.read("trusted.pem")),
            (2, both.clone().into_bytes()),
            (2, both.repeat(2).into_bytes()),
            (2, bench.read("b.p7b")),
            (2, super::super::ber::tests::to_ber(&bench.read("b.p7b"))),
            (2, p7b.clone().into_bytes()),
            (2, p7b.replace("PKCS7", "CERTIFICATE").into_bytes()),
        ] {
            let read = one(&bytes);
            assert_eq!(read.certificates().len(), count);
            assert!(read.certificates().contains(&leaf));
        }
    }

    #[test]
    fn keys_and_requests_are_read() {
        let Some(bench) = testing::bench("keys_and_requests_are_read") else { return };
        for key in [&*RSA, &*P256] {
            let [leaf, _] = materials(&bench, key);
            bench.run("pkey -in key.pem -traditional -out old.pem").unwrap();
            bench.run("pkcs8 -topk8 -in key.pem -passout pass:a -out sealed.pem").unwrap();
            bench.run("pkcs12 -export -inkey key.pem -in leaf.pem -passout pass:a -out a.p12").unwrap();
            let together = [bench.read("leaf.pem"), bench.read("old.pem")].concat();
            for bytes in [bench.read("key.pem"), bench.read("old.pem"), key.to_pkcs8_der().unwrap().to_vec(), together]
            {
                assert_eq!(one(&bytes).keys()[0].key_id(), key.key_id());
            }
            for file in ["sealed.pem", "a.p12"] {
                let missing = read_any(&bench.read(file), None).unwrap_err();
                assert_eq!(missing.id(), ErrorId::BadPassword);
                assert!(missing.message().contains("none was given"), "{missing}");
                let opened = read_any(&bench.read(file), Some(&Secret::from("a"))).unwrap();
                assert_eq!(opened.key_of(&leaf).unwrap().key_id(), key.key_id());
            }
        }
        bench.run("rsa -in key.pem -aes128 -passout pass:abcd -traditional -out x.pem").ok();
        bench.run("ec -in key.pem -aes128 -passout pass:abcd -out cipher.pem").unwrap();
        let error = read_any(&bench.read("cipher.pem"), Some(&Secret::from("abcd"))).unwrap_err();
        assert!(error.message().contains("old OpenSSL") && error.hints()[0].contains("pkcs8 -topk8"));
        let asked = request(&P256, "CN=a", &["a"]);
        for bytes in [
            asked.der().to_vec(),
            asked.to_pem().replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST").into_bytes(),
        ] {
            assert_eq!(one(&bytes).requests()[0].der(), asked.der());
        }
    }

    #[test]
    fn what_holds_nothing_is_refused() {
        for (bytes, reason) in [
            (&b""[..], "neither PEM"),
            (b"hello", "neither PEM"),
            (&[0x30, 0x03, 1, 1, 1], "no certificate"),
            (&[0x30, 0x82, 1, 1], "too early"),
            (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "only `PUBLIC KEY`"),
            (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "no `-----END`"),
        ] {
            let error = read_any(bytes, None).unwrap_err();
            assert_eq!(error.id(), ErrorId::BadCertificateFile);
            assert!(error.message().contains(reason), "{error}");
        }
    }
}
