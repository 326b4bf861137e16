//! Issuing: rcgen drafts the certificate, the raw names and keys are spliced in, the issuer signs.

use rcgen::{BasicConstraints, CertificateParams, CidrSubnet, CrlDistributionPoint, GeneralSubtree, IsCa, KeyIdMethod};
use time::OffsetDateTime;

use super::der::{self, Malformed};
use super::key::{Signer, check_pair};
use super::request::CertificateRequest;
use super::template::{self, Template, Unsigned};
use super::{parse_certificate, random, spki};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, Certificate, KeyAlgorithm, KeyUsage, Moment, Purpose, RelativeName, SerialNumber};

/// Who signs: an authority's certificate and its key.
#[derive(Clone, Copy)]
pub(crate) struct Issuer<'a> {
    /// The authority's certificate.
    pub(crate) certificate: &'a Certificate,
    /// Its key.
    pub(crate) signer: &'a dyn Signer,
}

/// What the certificate is to say, where it does not follow the request.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The serial number; `None` draws 16 random octets.
    pub(crate) serial: Option<SerialNumber>,
    /// Start; moved up to the issuer's.
    pub(crate) not_before: Moment,
    /// End; cut to the issuer's.
    pub(crate) not_after: Moment,
    /// Another subject than the request's, most general step first.
    pub(crate) subject: Option<Vec<RelativeName>>,
    /// Other alternative names than the request's.
    pub(crate) alternative_names: Option<Vec<AlternativeName>>,
    /// The extended key usages; none writes no such extension.
    pub(crate) purposes: Vec<Purpose>,
    /// The key usage; `None` is what the kind of key and certificate needs.
    pub(crate) key_usage: Option<KeyUsage>,
    /// Makes it an authority's certificate.
    pub(crate) authority: Option<AuthorityProfile>,
    /// Where the issuer's revocation list is.
    pub(crate) crl_urls: Vec<String>,
    /// Whether to write the TLS feature `status_request`.
    pub(crate) must_staple: bool,
}

/// What an authority below may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthorityProfile {
    /// How many authorities may stand below it; `None` is no limit.
    pub(crate) path_len: Option<u8>,
    /// What it may certify; `None` is everything.
    pub(crate) constraints: Option<NameConstraints>,
}

/// What an authority may certify (RFC 5280 section 4.2.1.10), written critical.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameConstraints {
    /// DNS suffixes without leading dot; each permits itself and everything below. None permits no DNS name at all.
    pub(crate) dns: Vec<String>,
    /// Networks as address and prefix length. None permits no address at all.
    pub(crate) networks: Vec<(std::net::IpAddr, u8)>,
}

impl Profile {
    /// A TLS server's certificate between two moments, names as requested.
    pub(crate) fn server(not_before: Moment, not_after: Moment) -> Self {
        Self {
            serial: None,
            not_before,
            not_after,
            subject: None,
            alternative_names: None,
            purposes: vec![Purpose::ServerAuth],
            key_usage: None,
            authority: None,
            crl_urls: Vec::new(),
            must_staple: false,
        }
    }

    /// An authority's certificate between two moments.
    pub(crate) fn authority(not_before: Moment, not_after: Moment, authority: AuthorityProfile) -> Self {
        Self { authority: Some(authority), ..Self::server(not_before, not_after) }
    }
}

/// Issues a certificate for a request's key.
///
/// # Errors
/// `KeyMismatch` when the issuer's key is another certificate's; `BadCertificateFile` when the issuer is no authority or
/// may have none below; `CertificateExpired` or `CertificateNotYetValid` when nothing is left of the validity;
/// `ParameterArgumentValidationError` for a key that is not certified here; `InvalidName`.
pub(crate) fn issue(request: &CertificateRequest, issuer: &Issuer<'_>, profile: &Profile) -> Result<Certificate> {
    check_issuer(issuer, profile)?;
    let algorithm = request.key_algorithm().ok_or_else(|| {
        let name = request.key_algorithm_name();
        Error::new(ErrorId::ParameterArgumentValidationError, format!("a key `{name}` is not certified here"))
            .about(name)
    })?;
    let authority = issuer.certificate;
    let identifier = match authority.subject_key_identifier() {
        Some(identifier) => identifier.to_vec(),
        None => template::key_identifier(&spki::read(authority.spki()).map_err(template::unexpected)?.key),
    };
    let mut profile = profile.clone();
    profile.not_before = profile.not_before.max(authority.not_before());
    profile.not_after = profile.not_after.min(authority.not_after());
    let subject = profile.subject.clone().unwrap_or_else(|| request.subject().rdns().to_vec());
    let names = profile.alternative_names.clone().unwrap_or_else(|| request.alternative_names().to_vec());
    let mut fitted = template::fit(&subject, &names)?;
    if profile.subject.is_none() && fitted.subject.rdns() == request.subject().rdns() {
        // The request's own encoding: string types and order are the requester's business.
        fitted.subject = request.subject().clone();
    }
    let key = Key { algorithm, octets: request.key_octets(), spki: request.spki() };
    write(&key, &fitted, &profile, Some((authority.subject().der(), identifier)), issuer.signer)
}

/// Writes a certificate that its own key signs: a root, or a stand-in for a server.
///
/// # Errors
/// `InvalidName`, `CertificateExpired`.
pub(crate) fn self_signed(signer: &dyn Signer, profile: &Profile) -> Result<Certificate> {
    let subject = profile.subject.as_deref().unwrap_or_default();
    let fitted = template::fit(subject, profile.alternative_names.as_deref().unwrap_or_default())?;
    let facts = spki::read(signer.spki()).map_err(template::unexpected)?;
    let key = Key { algorithm: signer.algorithm(), octets: &facts.key, spki: signer.spki() };
    write(&key, &fitted, profile, None, signer)
}

/// Draws a serial number: 16 random octets, the top bit clear, never zero (RFC 5280 section 4.1.2.2).
pub(crate) fn random_serial() -> Result<SerialNumber> {
    let mut octets = random::<16>()?;
    octets[0] = octets[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_der_content(&octets))
}

struct Key<'a> {
    algorithm: KeyAlgorithm,
    octets: &'a [u8],
    spki: &'a [u8],
}

fn check_issuer(issuer: &Issuer<'_>, profile: &Profile) -> Result<()> {
    let certificate = issuer.certificate;
    check_pair(certificate, issuer.signer)?;
    let refused = |reason: &str| {
        let name = certificate.short_name();
        Err(Error::new(ErrorId::BadCertificateFile, format!("`{name}` cannot issue certificates: {reason}"))
            .about(certificate.thumbprint().to_string()))
    };
    if !certificate.is_ca() {
        return refused("its basic constraints do not say that it is an authority");
    }
    if certificate.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::CERT_SIGN)) {
        return refused("its key usage lacks certificate signing");
    }
    if profile.authority.is_some() && certificate.path_len() == Some(0) {
        return refused("it may have no authority below it");
    }
    Ok(())
}

fn write(
    key: &Key<'_>,
    template: &Template,
    profile: &Profile,
    issuer: Option<(&[u8], Vec<u8>)>,
    signer: &dyn Signer,
) -> Result<Certificate> {
    if profile.not_before >= profile.not_after {
        return Err(no_validity(profile));
    }
    let serial = match &profile.serial {
        Some(serial) => serial.clone(),
        None => random_serial()?,
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.serial_number = Some(rcgen::SerialNumber::from_slice(serial.as_bytes()));
    params.not_before = instant(profile.not_before)?;
    params.not_after = instant(profile.not_after)?;
    params.key_identifier_method = KeyIdMethod::PreSpecified(template::key_identifier(key.octets));
    let usage = profile.key_usage.unwrap_or_else(|| template::default_usage(key.algorithm, profile.authority.is_some()));
    params.key_usages = template::usages(allowed_usage(key.algorithm, usage));
    params.extended_key_usages = profile.purposes.iter().map(template::purpose).collect::<Result<_>>()?;
    params.crl_distribution_points =
        profile.crl_urls.iter().map(|url| CrlDistributionPoint { uris: vec![url.clone()] }).collect();
    if profile.crl_urls.iter().any(|url| !url.is_ascii() || url.is_empty()) {
        return Err(Error::new(ErrorId::InvalidName, "the address of the revocation list is not ASCII"));
    }
    params.is_ca = IsCa::ExplicitNoCa;
    if let Some(authority) = &profile.authority {
        params.is_ca = IsCa::Ca(authority.path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
        params.name_constraints = authority.constraints.as_ref().map(constraints);
    }
    params
        .custom_extensions
        .extend(template::names_extension(&template.alternative_names, template.names_critical)?);
    if profile.must_staple {
        params.custom_extensions.push(template::staple_extension());
    }
    params.use_authority_key_identifier_extension = issuer.is_some();

    let mut above = CertificateParams::default();
    let issuer_name = match issuer {
        Some((name, identifier)) => {
            above.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
            name
        }
        None => template.subject.der(),
    };
    let above = rcgen::Issuer::new(above, Unsigned::of(signer)?);
    let draft = params
        .signed_by(&Unsigned::new(key.algorithm, key.octets), &above)
        .map_err(|e| Error::new(ErrorId::InvalidName, "the certificate cannot be encoded").because(e))?;
    let (tbs, algorithm) =
        splice(draft.der(), issuer_name, template.subject.der(), key.spki).map_err(template::unexpected)?;
    parse_certificate(&template::signed(&tbs, &algorithm, signer)?)
}

/// Puts issuer, subject and public key into the draft as they stand in their own documents.
///
/// rcgen's names are a map keyed by attribute type: two `DC` or `OU` collapse, and the leaf would not chain.
fn splice(draft: &[u8], issuer: &[u8], subject: &[u8], spki: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
    let mut outer = der::only(draft, der::SEQUENCE)?.inside();
    let mut tbs = outer.expect(der::SEQUENCE)?.inside();
    let algorithm = outer.expect(der::SEQUENCE)?.whole.to_vec();
    let version = tbs.expect(0xa0)?.whole;
    let serial = tbs.expect(der::INTEGER)?.whole;
    let inner = tbs.expect(der::SEQUENCE)?.whole;
    tbs.expect(der::SEQUENCE)?;
    let validity = tbs.expect(der::SEQUENCE)?.whole;
    tbs.expect(der::SEQUENCE)?;
    tbs.expect(der::SEQUENCE)?;
    let extensions = tbs.expect(0xa3)?.whole;
    tbs.end()?;
    Ok((der::sequence(&[version, serial, inner, issuer, validity, subject, spki, extensions]), algorithm))
}

/// Takes encipherment from elliptic keys (RFC 8813 section 3).
fn allowed_usage(algorithm: KeyAlgorithm, usage: KeyUsage) -> KeyUsage {
    if !algorithm.is_elliptic() {
        return usage;
    }
    let never = KeyUsage::KEY_ENCIPHERMENT | KeyUsage::DATA_ENCIPHERMENT;
    KeyUsage::from_bits(usage.bits() & !never.bits())
}

fn constraints(constraints: &NameConstraints) -> rcgen::NameConstraints {
    let whole = [CidrSubnet::from_v4_prefix([0; 4], 0), CidrSubnet::from_v6_prefix([0; 16], 0)];
    let mut out = rcgen::NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: Vec::new() };
    for suffix in &constraints.dns {
        out.permitted_subtrees.push(GeneralSubtree::DnsName(suffix.trim_start_matches('.').to_ascii_lowercase()));
    }
    if constraints.dns.is_empty() {
        // The empty suffix is every name.
        out.excluded_subtrees.push(GeneralSubtree::DnsName(String::new()));
    }
    for (address, prefix) in &constraints.networks {
        out.permitted_subtrees.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, *prefix)));
    }
    let [v4, v6] = whole;
    // A kind of name that no permitted subtree mentions is unrestricted: exclude what is not meant.
    if !constraints.networks.iter().any(|(address, _)| address.is_ipv4()) {
        out.excluded_subtrees.push(GeneralSubtree::IpAddress(v4));
    }
    if !constraints.networks.iter().any(|(address, _)| address.is_ipv6()) {
        out.excluded_subtrees.push(GeneralSubtree::IpAddress(v6));
    }
    out
}

fn instant(moment: Moment) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(moment.unix())
        .ok()
        .filter(|t| (1950..=9999).contains(&t.year()))
        .ok_or_else(|| Error::new(ErrorId::InvalidDate, format!("`{moment}` cannot be written into a certificate")))
}

fn no_validity(profile: &Profile) -> Error {
    Error::new(
        ErrorId::CertificateExpired,
        format!("nothing is left of the validity: it would run from {} to {}", profile.not_before, profile.not_after),
    )
    .hint("renew the issuing authority's certificate first")
}
