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
pub(crate) fn parse_certificate(der: &[u8]) -> Result<Certificate> {
    read(der).map(Certificate::from_facts).map_err(|reason| {
        Error::new(ErrorId::BadCertificateFile, format!("the certificate is refused: {reason}"))
    })
}

fn read(bytes: &[u8]) -> Result<CertificateFacts, String> {
    if bytes.len() > MAX_LENGTH {
        return Err(format!("it has {} bytes", bytes.len()));
    }
    let outer = der::only(bytes, der::SEQUENCE).map_err(|e| e.to_string())?;
    der::well_formed(outer.whole).map_err(|e| e.to_string())?;
    let (_, x509) = X509Certificate::from_der(bytes).map_err(|e| format!("it is no X.509 certificate ({})", plain(&e)))?;
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
        X509Version::V3 => Ok(()),
        X509Version(version @ 0..=1) if !tbs.extensions().is_empty() => {
            Err(format!("it is of version {} and yet has extensions", version + 1))
        }
        X509Version::V1 if tbs.issuer_uid.is_some() || tbs.subject_uid.is_some() => {
            Err("it is of version 1 and yet has unique identifiers".to_owned())
        }
        X509Version(0..=1) => Ok(()),
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
