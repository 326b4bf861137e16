//! Certificates out of DER, strictly: what is malformed is refused, with the reason.

use sha1::{Digest, Sha1};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

use super::extensions::{self, ExtensionFacts};
use super::{der, name, spki};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, CertificateFacts, DistinguishedName, Fingerprint, Moment, SerialNumber, Thumbprint};

/// Longest certificate that is looked at, in octets; real ones stay below 20,000.
const MAX_LENGTH: usize = 1 << 20;

/// Reads one certificate (RFC 5280 section 4.1).
///
/// # Errors
/// `BadCertificateFile` with the reason: not DER, trailing bytes, a duplicate or unreadable extension, a name that is
/// no valid text, inner and outer signature algorithms that differ, extensions in a certificate older than version 3,
/// a negative or overlong serial number. Self-signed authorities may have odd serial numbers, as real roots do.
pub fn parse_certificate(der: &[u8]) -> Result<Certificate> {
    read(der)
        .map(Certificate::from_facts)
        .map_err(|reason| Error::new(ErrorId::BadCertificateFile, format!("the certificate is refused: {reason}")))
}

/// Takes certificates apart that stand one after another, DER.
///
/// # Errors
/// `BadCertificateFile` when something else stands between or behind them.
pub(crate) fn split_certificates(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let mut reader = der::Reader::new(bytes);
    let mut certificates = Vec::new();
    while !reader.is_empty() {
        let one = reader.expect(der::SEQUENCE).map_err(|e| {
            Error::new(ErrorId::BadCertificateFile, format!("a list of certificates cannot be read: {e}"))
        })?;
        certificates.push(one.whole);
    }
    Ok(certificates)
}

fn read(bytes: &[u8]) -> Result<CertificateFacts, String> {
    if bytes.len() > MAX_LENGTH {
        return Err(format!("it has {} bytes", bytes.len()));
    }
    let outer = der::only(bytes, der::SEQUENCE).map_err(|e| e.to_string())?;
    der::well_formed(outer.whole).map_err(|e| e.to_string())?;
    let (_, x509) =
        X509Certificate::from_der(bytes).map_err(|e| format!("it is no X.509 certificate ({})", plain(&e)))?;
    let tbs = &x509.tbs_certificate;
    if tbs.signature != x509.signature_algorithm {
        return Err("its inner and outer signature algorithms differ".to_owned());
    }
    check_version(&x509)?;
    let subject = read_name(tbs.subject.as_raw(), "subject")?;
    let issuer = read_name(tbs.issuer.as_raw(), "issuer")?;
    check_serial(tbs.raw_serial(), subject == issuer)?;
    let key = spki::read(tbs.subject_pki.raw).map_err(|e| format!("its public key is malformed: {e}"))?;
    let ExtensionFacts {
        alternative_names,
        key_usage,
        purposes,
        is_ca,
        path_len,
        crl_urls,
        must_staple,
        has_acme_identifier,
        subject_key_identifier,
        authority_key_identifier,
        name_constraints: _,
        entries,
    } = extensions::read(tbs.extensions())?;
    let (signature_algorithm, pss) = signature_name(&x509.signature_algorithm.algorithm.to_id_string());
    Ok(CertificateFacts {
        der: bytes.into(),
        fingerprint: Fingerprint::from_bytes(spki::sha256(bytes)),
        thumbprint: Thumbprint::from_bytes(Sha1::digest(bytes).into()),
        version: tbs.version.0 + 1,
        subject,
        issuer,
        serial: SerialNumber::from_der_content(tbs.raw_serial()),
        not_before: Moment::from_unix(tbs.validity.not_before.timestamp()),
        not_after: Moment::from_unix(tbs.validity.not_after.timestamp()),
        alternative_names,
        key_id: key.key_id,
        spki: tbs.subject_pki.raw.into(),
        key_algorithm: key.algorithm,
        key_algorithm_name: key.name,
        key_bits: key.bits,
        signature_algorithm,
        is_pss: pss || key.oid == spki::RSA_PSS,
        key_usage,
        purposes,
        is_ca,
        path_len,
        crl_urls,
        must_staple,
        has_acme_identifier,
        subject_key_identifier,
        authority_key_identifier,
        extensions: entries,
    })
}

fn read_name(raw: &[u8], which: &str) -> Result<DistinguishedName, String> {
    name::read_name(raw).map_err(|e| format!("its {which} is malformed: {e}"))
}

fn check_version(x509: &X509Certificate<'_>) -> Result<(), String> {
    let tbs = &x509.tbs_certificate;
    match tbs.version {
        X509Version(version @ 0..=1) if !tbs.extensions().is_empty() => {
            Err(format!("it is of version {} and yet has extensions", version + 1))
        }
        X509Version::V1 if tbs.issuer_uid.is_some() || tbs.subject_uid.is_some() => {
            Err("it is of version 1 and yet has unique identifiers".to_owned())
        }
        X509Version(0..=2) => Ok(()),
        X509Version(version) => Err(format!("it is of the unknown version {}", u64::from(version) + 1)),
    }
}

/// At most 20 octets and not negative (RFC 5280 section 4.1.2.2); zero occurs in good roots and leaves.
fn check_serial(serial: &[u8], self_issued: bool) -> Result<(), String> {
    match serial {
        [] => Err("its serial number is empty".to_owned()),
        _ if serial.len() > 21 || (serial.len() == 21 && serial[0] != 0) => {
            Err(format!("its serial number has {} octets", serial.len()))
        }
        [first, ..] if first & 0x80 != 0 && !self_issued => Err("its serial number is negative".to_owned()),
        _ => Ok(()),
    }
}

/// The name that Windows shows, and whether it is RSASSA-PSS.
pub(super) fn signature_name(oid: &str) -> (String, bool) {
    let name = match oid {
        "1.2.840.113549.1.1.2" => "md2RSA",
        "1.2.840.113549.1.1.4" => "md5RSA",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "sha1RSA",
        "1.2.840.113549.1.1.11" => "sha256RSA",
        "1.2.840.113549.1.1.12" => "sha384RSA",
        "1.2.840.113549.1.1.13" => "sha512RSA",
        "1.2.840.113549.1.1.10" => return ("RSASSA-PSS".to_owned(), true),
        "1.2.840.10045.4.1" => "sha1ECDSA",
        "1.2.840.10045.4.3.2" => "sha256ECDSA",
        "1.2.840.10045.4.3.3" => "sha384ECDSA",
        "1.2.840.10045.4.3.4" => "sha512ECDSA",
        "1.3.101.112" => "ed25519",
        other => other,
    };
    (name.to_owned(), false)
}

/// A parser's error without the bytes it stands on.
pub(super) fn plain<E: std::fmt::Display>(error: &x509_parser::nom::Err<E>) -> String {
    match error {
        x509_parser::nom::Err::Error(e) | x509_parser::nom::Err::Failure(e) => e.to_string(),
        x509_parser::nom::Err::Incomplete(_) => "it ends too early".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::AuthorityProfile;
    use crate::x509::issue::tests::root;
    use crate::x509::key::tests::P256;

    const SERIAL: usize = 1;
    const ISSUER: usize = 3;
    const SUBJECT: usize = 5;
    const EXTENSIONS: usize = 7;

    /// A good certificate, its TBS elements and the rest, to be put together wrongly; signatures are not looked at.
    fn good() -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
        let der = root(&*P256, "CN=Root, O=Contoso", AuthorityProfile::default()).der().to_vec();
        let mut outer = der::only(&der, der::SEQUENCE).unwrap().inside();
        let mut tbs = outer.any().unwrap().inside();
        let parts: Vec<_> = std::iter::from_fn(|| tbs.any().ok().map(|t| t.whole.to_vec())).collect();
        let rest = [outer.any().unwrap().whole, outer.any().unwrap().whole].concat();
        (der, parts, rest)
    }

    fn assemble(parts: &[Vec<u8>], rest: &[u8]) -> Vec<u8> {
        der::sequence(&[&der::tlv(der::SEQUENCE, &parts.concat()), rest])
    }

    fn reason(der: &[u8]) -> String {
        let error = parse_certificate(der).unwrap_err();
        assert_eq!(error.id(), ErrorId::BadCertificateFile);
        error.message().to_owned()
    }

    fn changed(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let (_, mut parts, rest) = good();
        change(&mut parts);
        assemble(&parts, &rest)
    }

    #[test]
    fn facts_are_read() {
        let (der, parts, rest) = good();
        assert_eq!(assemble(&parts, &rest), der);
        let read = parse_certificate(&der).unwrap();
        assert_eq!(read.subject().to_string(), "CN=Root, O=Contoso");
        assert_eq!((read.version(), read.key_algorithm_name(), read.key_bits()), (3, "ECDSA P-256", 256));
        assert!(read.is_ca() && !read.is_pss() && read.is_self_issued());
        assert_eq!(read.not_after().rfc3339(), "2040-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_reason() {
        let (der, _, rest) = good();
        assert!(reason(&[&der[..], &[0]].concat()).contains("bytes follow"));
        assert!(reason(&der[..der.len() - 1]).contains("ends too early"));
        assert!(reason(&[]).contains("expected type"));
        assert!(reason(&der::sequence(&[&rest])).contains("no X.509 certificate"));
        // ecdsa-with-SHA256 outside becomes ecdsa-with-SHA384.
        let (_, parts, mut rest) = good();
        let at = rest.windows(8).position(|w| w == [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]).unwrap();
        rest[at + 7] = 3;
        assert!(reason(&assemble(&parts, &rest)).contains("algorithms differ"));

        let twice = changed(|p| {
            let list = der::only(&p[EXTENSIONS], 0xa3).unwrap().inside().any().unwrap();
            let first = list.inside().any().unwrap().whole;
            p[EXTENSIONS] = der::tlv(0xa3, &der::sequence(&[list.content, first]));
        });
        assert!(reason(&twice).contains("twice"));
        assert!(reason(&changed(|p| drop(p.remove(0)))).contains("version 1 and yet has extensions"));
        let broken = changed(|p| {
            let at = p[SUBJECT].windows(4).position(|w| w == b"Root").unwrap();
            p[SUBJECT][at] = 0xff;
        });
        assert!(reason(&broken).contains("subject is malformed: a string"));
        let padded = changed(|p| {
            let list = der::only(&p[EXTENSIONS], 0xa3).unwrap().inside().any().unwrap();
            let names = der::sequence(&[
                &der::oid(extensions::ALTERNATIVE_NAMES).unwrap(),
                &der::tlv(4, &[0x30, 3, 0x82, 1, b'a', 0]),
            ]);
            p[EXTENSIONS] = der::tlv(0xa3, &der::sequence(&[list.content, &names]));
        });
        assert!(reason(&padded).contains("`2.5.29.17` is malformed: bytes follow"));
    }

    #[test]
    fn serial_numbers_are_checked_except_in_roots() {
        let foreign = |serial: &[u8]| {
            changed(|p| {
                p[SERIAL] = der::tlv(der::INTEGER, serial);
                let other = name::encode_name(&crate::model::parse_rdns("CN=Other").unwrap()).unwrap();
                p[ISSUER] = other.der().to_vec();
            })
        };
        assert!(reason(&foreign(&[0x80])).contains("negative"));
        assert!(reason(&foreign(&[1; 21])).contains("21 octets"));
        assert!(parse_certificate(&foreign(&[0])).is_ok());
        assert!(parse_certificate(&foreign(&[0x7f; 20])).is_ok());
        assert!(parse_certificate(&changed(|p| p[SERIAL] = der::tlv(der::INTEGER, &[0x80]))).is_ok());
    }
}
