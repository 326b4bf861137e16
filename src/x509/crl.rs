//! Revocation lists (RFC 5280 section 5).

use std::collections::HashMap;

use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::issue::{Issuer, identifier_of, instant};
use super::key::check_pair;
use super::{der, extensions, name, parse, signature, spki, template};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, DistinguishedName, KeyUsage, Moment, SerialNumber};

/// A parsed revocation list; its signature is checked by [`RevocationList::check_signature`].
#[derive(Clone, Debug)]
pub(crate) struct RevocationList {
    der: Vec<u8>,
    issuer: DistinguishedName,
    number: Option<u64>,
    this_update: Moment,
    next_update: Option<Moment>,
    revoked: HashMap<SerialNumber, Revocation>,
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// The moment of the revocation.
    pub(crate) at: Moment,
    /// The reason code (RFC 5280 section 5.3.1): 1 is a compromised key, 4 superseded, 6 on hold.
    pub(crate) reason: Option<u8>,
}

impl RevocationList {
    /// The encoded list.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Who revokes.
    pub(crate) fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// The list's number (RFC 5280 section 5.2.3), where it has one that fits.
    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }

    /// When the list was made.
    pub(crate) fn this_update(&self) -> Moment {
        self.this_update
    }

    /// When the next list is due.
    pub(crate) fn next_update(&self) -> Option<Moment> {
        self.next_update
    }

    /// How many certificates it names.
    pub(crate) fn len(&self) -> usize {
        self.revoked.len()
    }

    /// What the list says about a serial number of its issuer.
    pub(crate) fn is_revoked(&self, serial: &SerialNumber) -> Option<Revocation> {
        self.revoked.get(serial).copied()
    }

    /// Checks that the list is the issuer's.
    ///
    /// # Errors
    /// `BadCertificateFile` when name or signature are another's.
    pub(crate) fn check_signature(&self, issuer: &Certificate) -> Result<()> {
        let refused = |reason: &str| {
            Error::new(ErrorId::BadCertificateFile, format!("the revocation list is refused: {reason}"))
                .about(issuer.subject().to_string())
        };
        if &self.issuer != issuer.subject() {
            return Err(refused(&format!("its issuer is `{}`", self.issuer)));
        }
        let key = spki::read(issuer.spki()).map_err(|e| refused(&e.to_string()))?;
        let mut outer = der::only(&self.der, der::SEQUENCE).map_err(|e| refused(&e.to_string()))?.inside();
        let signed = outer.expect(der::SEQUENCE).map_err(|e| refused(&e.to_string()))?.whole;
        let (_, list) = CertificateRevocationList::from_der(&self.der).map_err(|e| refused(&parse::plain(&e)))?;
        signature::verify(&key, &list.signature_algorithm, signed, &list.signature_value.data)
            .map_err(|_| refused("its signature is not by its issuer's key"))
    }
}

/// Writes and signs a revocation list; `number` must grow from list to list (RFC 5280 section 5.2.3).
///
/// # Errors
/// `KeyMismatch`; `BadCertificateFile` when the issuer may not sign lists; `InvalidDate` when the next update is not later.
pub(crate) fn build_crl(
    issuer: &Issuer<'_>,
    number: u64,
    (this_update, next_update): (Moment, Moment),
    revoked: &[(SerialNumber, Revocation)],
) -> Result<RevocationList> {
    let authority = issuer.certificate;
    check_pair(authority, issuer.signer)?;
    if !authority.is_ca() || authority.key_usage().is_some_and(|u| !u.contains(KeyUsage::CRL_SIGN)) {
        let name = authority.short_name();
        return Err(Error::new(ErrorId::BadCertificateFile, format!("`{name}` may not sign revocation lists")));
    }
    if next_update <= this_update {
        return Err(Error::new(ErrorId::InvalidDate, "the next revocation list would be due before this one"));
    }
    let mut revoked_certs = Vec::with_capacity(revoked.len());
    for (serial, revocation) in revoked {
        revoked_certs.push(rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from_slice(serial.as_bytes()),
            revocation_time: instant(revocation.at)?,
            reason_code: revocation.reason.and_then(reason),
            invalidity_date: None,
        });
    }
    let params = rcgen::CertificateRevocationListParams {
        this_update: instant(this_update)?,
        next_update: instant(next_update)?,
        crl_number: rcgen::SerialNumber::from_slice(&number.to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: rcgen::KeyIdMethod::PreSpecified(identifier_of(authority)?),
    };
    let above = rcgen::Issuer::new(rcgen::CertificateParams::default(), template::Unsigned::of(issuer.signer)?);
    let draft = params
        .signed_by(&above)
        .map_err(|e| Error::new(ErrorId::BadCertificateFile, "the revocation list cannot be encoded").because(e))?;
    let (list, algorithm) = splice(draft.der(), authority.subject().der()).map_err(template::unexpected)?;
    parse_crl(&template::signed(&list, &algorithm, issuer.signer)?)
}

/// Puts the issuer's name into the draft as it stands in its certificate.
fn splice(draft: &[u8], issuer: &[u8]) -> Result<(Vec<u8>, Vec<u8>), der::Malformed> {
    let mut outer = der::only(draft, der::SEQUENCE)?.inside();
    let mut list = outer.expect(der::SEQUENCE)?.inside();
    let algorithm = outer.expect(der::SEQUENCE)?.whole.to_vec();
    let mut content = [list.expect(der::INTEGER)?.whole, list.expect(der::SEQUENCE)?.whole, issuer].concat();
    list.expect(der::SEQUENCE)?;
    while !list.is_empty() {
        content.extend_from_slice(list.any()?.whole);
    }
    Ok((der::tlv(der::SEQUENCE, &content), algorithm))
}

/// The reason in rcgen's words; 0, unspecified, is left out as RFC 5280 section 5.3.1 asks.
fn reason(code: u8) -> Option<rcgen::RevocationReason> {
    use rcgen::RevocationReason as R;
    Some(match code {
        1 => R::KeyCompromise,
        2 => R::CaCompromise,
        3 => R::AffiliationChanged,
        4 => R::Superseded,
        5 => R::CessationOfOperation,
        6 => R::CertificateHold,
        8 => R::RemoveFromCrl,
        9 => R::PrivilegeWithdrawn,
        10 => R::AaCompromise,
        _ => return None,
    })
}

/// Reads a revocation list.
///
/// # Errors
/// `BadCertificateFile` with the reason: not DER, differing algorithms, an unknown critical extension (the list may then
/// speak of fewer certificates than it seems).
pub(crate) fn parse_crl(bytes: &[u8]) -> Result<RevocationList> {
    read(bytes)
        .map_err(|reason| Error::new(ErrorId::BadCertificateFile, format!("the revocation list is refused: {reason}")))
}

fn read(bytes: &[u8]) -> Result<RevocationList, String> {
    let outer = der::only(bytes, der::SEQUENCE).map_err(|e| e.to_string())?;
    der::well_formed(outer.whole).map_err(|e| e.to_string())?;
    let (_, list) =
        CertificateRevocationList::from_der(bytes).map_err(|e| format!("it is none ({})", parse::plain(&e)))?;
    let tbs = &list.tbs_cert_list;
    if tbs.signature != list.signature_algorithm {
        return Err("its inner and outer signature algorithms differ".to_owned());
    }
    let facts = extensions::read(tbs.extensions())?;
    if let Some(unknown) = facts.entries.iter().find(|e| e.critical) {
        return Err(format!("it has the critical extension `{}`, which is not supported", unknown.oid));
    }
    let issuer = name::read_name(tbs.issuer.as_raw()).map_err(|e| format!("its issuer is malformed: {e}"))?;
    let mut revoked = HashMap::new();
    for entry in list.iter_revoked_certificates() {
        if let Some(unknown) = entry.extensions().iter().find(|e| e.critical) {
            let oid = unknown.oid.to_id_string();
            return Err(format!("an entry has the critical extension `{oid}`, which is not supported"));
        }
        let serial = SerialNumber::from_der_content(entry.raw_serial());
        let reason = entry.reason_code().map(|(_, code)| code.0);
        revoked.insert(serial, Revocation { at: Moment::from_unix(entry.revocation_date.timestamp()), reason });
    }
    let number = list.crl_number().and_then(|number| {
        let octets = number.to_bytes_be();
        (octets.len() <= 8).then(|| octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet)))
    });
    Ok(RevocationList {
        der: bytes.to_vec(),
        issuer,
        number,
        this_update: Moment::from_unix(list.last_update().timestamp()),
        next_update: list.next_update().map(|t| Moment::from_unix(t.timestamp())),
        revoked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::issue::tests::at;
    use crate::x509::issue::tests::{request, root, server};
    use crate::x509::key::tests::{P256, P384};
    use crate::x509::{AuthorityProfile, issue, pem, testing};

    #[test]
    fn openssl_reads_what_is_written() {
        let Some(bench) = testing::bench("openssl_reads_what_is_written") else { return };
        let authority = root(&*P384, "CN=CA, DC=contoso, DC=net", AuthorityProfile::default());
        let issuer = Issuer { certificate: &authority, signer: &*P384 };
        let leaf = issue(&request(&P256, "CN=a", &["a"]), &issuer, &server()).unwrap();
        let other = issue(&request(&P256, "CN=b", &["b"]), &issuer, &server()).unwrap();
        let now = Moment::from_unix(
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64,
        );
        let gone = [(leaf.serial().clone(), Revocation { at: now.plus_days(-1), reason: Some(4) })];
        let list = build_crl(&issuer, 7, (now.plus_days(-1), now.plus_days(30)), &gone).unwrap();
        list.check_signature(&authority).unwrap();
        assert_eq!(list.number(), Some(7));
        assert_eq!(list.is_revoked(leaf.serial()), Some(gone[0].1));
        bench.write("ca.pem", pem::encode_certificates([&authority]).as_bytes());
        bench.write("crl.pem", pem::encode("X509 CRL", list.der()).as_bytes());
        bench.write("gone.pem", pem::encode_certificates([&leaf]).as_bytes());
        bench.write("good.pem", pem::encode_certificates([&other]).as_bytes());
        let verify = "verify -crl_check -CAfile ca.pem -CRLfile crl.pem";
        bench.run(&format!("{verify} good.pem")).unwrap();
        assert!(bench.run(&format!("{verify} gone.pem")).unwrap_err().contains("certificate revoked"));
        let empty = build_crl(&issuer, 8, (at("2026-01-01"), at("2026-02-01")), &[]).unwrap();
        assert_eq!(empty.len(), 0);
        assert_eq!(
            build_crl(&issuer, 9, (at("2026-02-01"), at("2026-02-01")), &[]).unwrap_err().id(),
            ErrorId::InvalidDate
        );
    }

    #[test]
    fn openssls_lists_are_read() {
        let Some(bench) = testing::bench("openssls_lists_are_read") else { return };
        let authority = root(&*P256, "CN=CA", AuthorityProfile::default());
        let issuer = Issuer { certificate: &authority, signer: &*P256 };
        let mut profile = server();
        profile.serial = Some("F0DD".parse().unwrap());
        let leaf = issue(&request(&P384, "CN=a", &["a"]), &issuer, &profile).unwrap();
        bench.write("ca.pem", pem::encode_certificates([&authority]).as_bytes());
        bench.write("ca.key", P256.to_pem().unwrap().as_bytes());
        bench.write("leaf.pem", pem::encode_certificates([&leaf]).as_bytes());
        bench.write("index.txt", b"");
        bench.write("ca.cnf", b"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n");
        bench.run("ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke leaf.pem -crl_reason keyCompromise").unwrap();
        bench.run("ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out crl.pem").unwrap();
        bench.run("crl -in crl.pem -outform DER -out crl.der").unwrap();
        let list = parse_crl(&bench.read("crl.der")).unwrap();
        assert_eq!((list.issuer(), list.len()), (authority.subject(), 1));
        assert_eq!(list.is_revoked(leaf.serial()).unwrap().reason, Some(1));
        assert!(list.is_revoked(authority.serial()).is_none());
        assert_eq!(list.next_update().unwrap().since(list.this_update()), 30 * 86_400);
        list.check_signature(&authority).unwrap();
        let other = root(&*P384, "CN=CA", AuthorityProfile::default());
        assert!(list.check_signature(&other).unwrap_err().message().contains("not by its issuer's key"));
        assert!(list.check_signature(&leaf).is_err());
    }
}
