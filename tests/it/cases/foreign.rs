//! Certificates that are not of the sample's authority, and a second opinion on what is written.

use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use crate::world::COMPUTED;

/// An authority outside the product.
pub(crate) struct Foreign {
    /// Its certificate.
    pub(crate) root: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Made {
    /// Both in one file.
    pub(crate) fn both(&self) -> Vec<u8> {
        format!("{}{}", self.certificate, self.key).into_bytes()
    }
}

impl Foreign {
    pub(crate) fn new() -> Self {
        let mut params = params("Other Root", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// A server certificate with every computed name.
    pub(crate) fn server(&self) -> Made {
        self.made(|_| {})
    }

    /// One that ended yesterday.
    pub(crate) fn expired(&self) -> Made {
        self.made(|params| params.not_after = OffsetDateTime::now_utc() - Duration::DAY)
    }

    /// One for clients alone.
    pub(crate) fn client(&self) -> Made {
        self.made(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
    }

    /// The certificate that answers a request file.
    #[track_caller]
    pub(crate) fn answer(&self, request: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        let now = OffsetDateTime::now_utc();
        (request.params.not_before, request.params.not_after) = (now - Duration::HOUR, now + Duration::days(90));
        request.signed_by(&self.issuer).unwrap().pem()
    }

    /// The same with other names than were asked for.
    #[track_caller]
    pub(crate) fn answer_for(&self, request: &str, names: &[&str]) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        let now = OffsetDateTime::now_utc();
        (request.params.not_before, request.params.not_after) = (now - Duration::HOUR, now + Duration::days(90));
        request.params.subject_alt_names =
            names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())).collect();
        request.signed_by(&self.issuer).unwrap().pem()
    }

    /// A server certificate that differs in what `change` does to it.
    pub(super) fn made(&self, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = params("pool01.contoso.net", &COMPUTED);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Made { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// A server certificate that nobody vouches for.
pub(crate) fn self_signed() -> Made {
    let key = KeyPair::generate().unwrap();
    Made {
        certificate: params("pool01.contoso.net", &COMPUTED).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// Runs `openssl` in a folder; it must end well.
#[track_caller]
pub(crate) fn openssl(folder: &Path, arguments: &str) -> String {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap_or_default()
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::days(30), now + Duration::days(365));
    if !names.is_empty() {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
    }
    params
}
