//! Issuing: rcgen drafts the certificate, the raw names and keys are spliced in, the issuer signs.

use rcgen::{BasicConstraints, CertificateParams, CidrSubnet, CrlDistributionPoint, GeneralSubtree, IsCa, KeyIdMethod};
use time::OffsetDateTime;

use super::chain::{Usage, validate_path};
use super::der::{self, Malformed};
use super::key::{Signer, check_pair};
use super::problem::ChainProblem;
use super::request::CertificateRequest;
use super::template::{self, Template, Unsigned};
use super::{name_space, parse_certificate, random, spki};
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
/// `ParameterArgumentValidationError` for a key that is not certified here; `PolicyRefused` for a name outside the issuer's
/// own name constraints; `InvalidName`.
pub(crate) fn issue(request: &CertificateRequest, issuer: &Issuer<'_>, profile: &Profile) -> Result<Certificate> {
    check_issuer(issuer, profile)?;
    let algorithm = request.key_algorithm().ok_or_else(|| {
        let name = request.key_algorithm_name();
        Error::new(ErrorId::ParameterArgumentValidationError, format!("a key `{name}` is not certified here"))
            .about(name)
    })?;
    let authority = issuer.certificate;
    let identifier = identifier_of(authority)?;
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
    let above = Some((authority.subject().der(), identifier));
    let leaf = write(&key, &fitted, &profile, above, issuer.signer, Vec::new())?;
    check_constraints(&leaf, authority)?;
    Ok(leaf)
}

/// The subject key identifier of an authority, or the one it would have.
pub(super) fn identifier_of(authority: &Certificate) -> Result<Vec<u8>> {
    match authority.subject_key_identifier() {
        Some(identifier) => Ok(identifier.to_vec()),
        None => Ok(template::key_identifier(&spki::read(authority.spki()).map_err(template::unexpected)?.key)),
    }
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
    write(&key, &fitted, profile, None, signer, Vec::new())
}

/// Writes the certificate that answers `tls-alpn-01`: one name, and the digest of the key authorization in a critical
/// `acmeIdentifier` (RFC 8737 section 3). It is good for a day and for nothing else.
///
/// # Errors
/// `InvalidName`.
#[cfg(feature = "acme")]
pub(crate) fn acme_challenge(
    signer: &dyn Signer,
    name: &AlternativeName,
    digest: [u8; 32],
    now: Moment,
) -> Result<Certificate> {
    let subject = [vec![crate::model::NameAttribute::named("CN", "ACME challenge")?]];
    let fitted = template::fit(&subject, std::slice::from_ref(name))?;
    let facts = spki::read(signer.spki()).map_err(template::unexpected)?;
    let key = Key { algorithm: signer.algorithm(), octets: &facts.key, spki: signer.spki() };
    let profile = Profile::server(now.plus_days(-1), now.plus_days(1));
    write(&key, &fitted, &profile, None, signer, vec![rcgen::CustomExtension::new_acme_identifier(&digest)])
}

/// Draws a serial number: 16 random octets, the top bit clear, never zero (RFC 5280 section 4.1.2.2).
pub(crate) fn random_serial() -> Result<SerialNumber> {
    let mut octets = random::<16>()?;
    octets[0] = octets[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_der_content(&octets))
}

/// Looks whether the issuer may certify these names, so that no useless certificate leaves.
///
/// Host names and addresses are compared with the issuer's constraints; the path validator, which verifies the new
/// signature too, is asked about all else, and for the reason.
fn check_constraints(issued: &Certificate, authority: &Certificate) -> Result<()> {
    let names = issued.alternative_names();
    let is_plain = |name: &AlternativeName| matches!(name, AlternativeName::Dns(_) | AlternativeName::Ip(_));
    if !names.is_empty()
        && names.iter().all(is_plain)
        && let Ok(space) = name_space(authority)
        && space.is_none_or(|space| names.iter().all(|name| space.permits(name)))
    {
        return Ok(());
    }
    let usage = if issued.allows(&Purpose::ServerAuth) { Usage::Server } else { Usage::Client };
    let judged = validate_path(issued, &[], std::slice::from_ref(authority), issued.not_before(), usage);
    match judged {
        Err(problem @ ChainProblem::NameNotPermitted(_)) => Err(Error::new(
            ErrorId::PolicyRefused,
            format!("the authority `{}` may not certify this", authority.short_name()),
        )
        .about(issued.alternative_names().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        .hint("ask for names below the suffixes that the authority was made for")
        .because(problem)),
        _ => Ok(()),
    }
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
    extensions: Vec<rcgen::CustomExtension>,
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
    let usage =
        profile.key_usage.unwrap_or_else(|| template::default_usage(key.algorithm, profile.authority.is_some()));
    params.key_usages = template::usages(key.algorithm, usage);
    params.extended_key_usages = profile.purposes.iter().map(template::purpose).collect::<Result<_>>()?;
    params.crl_distribution_points =
        profile.crl_urls.iter().map(|url| CrlDistributionPoint { uris: vec![url.clone()] }).collect();
    if profile.crl_urls.iter().any(|url| !url.is_ascii() || url.is_empty()) {
        return Err(Error::new(ErrorId::InvalidName, "the address of the revocation list is not ASCII"));
    }
    params.is_ca = IsCa::ExplicitNoCa;
    if let Some(authority) = &profile.authority {
        params.is_ca =
            IsCa::Ca(authority.path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
        params.name_constraints = authority.constraints.as_ref().map(constraints);
    }
    params.custom_extensions.extend(template::names_extension(&template.alternative_names, template.names_critical)?);
    if profile.must_staple {
        params.custom_extensions.push(template::staple_extension());
    }
    params.custom_extensions.extend(extensions);
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

pub(super) fn instant(moment: Moment) -> Result<OffsetDateTime> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::parse_rdns;
    use crate::x509::key::PrivateKey;
    use crate::x509::key::tests::{P256, P384, RSA, kinds};
    use crate::x509::request::{RequestDetails, build_request, parse_request};
    use crate::x509::testing;

    pub(in crate::x509) fn at(text: &str) -> Moment {
        Moment::parse(text, &crate::model::Zone::utc()).unwrap()
    }

    pub(in crate::x509) fn root(signer: &dyn Signer, subject: &str, authority: AuthorityProfile) -> Certificate {
        let mut profile = Profile::authority(at("2020-01-01"), at("2040-01-01"), authority);
        profile.purposes = Vec::new();
        profile.subject = Some(parse_rdns(subject).unwrap());
        self_signed(signer, &profile).unwrap()
    }

    pub(in crate::x509) fn request(key: &PrivateKey, subject: &str, names: &[&str]) -> CertificateRequest {
        let details = RequestDetails {
            subject: parse_rdns(subject).unwrap(),
            alternative_names: names.iter().map(|n| AlternativeName::host(n)).collect(),
            ..RequestDetails::default()
        };
        build_request(key, &details).unwrap()
    }

    pub(in crate::x509) fn server() -> Profile {
        Profile::server(at("2024-01-01"), at("2034-01-01"))
    }

    const SUBJECTS: [&str; 5] = [
        "CN=Plain CA, O=Contoso, C=US",
        "CN=contoso-DC01-CA, DC=contoso, DC=net",
        "CN=Units, OU=A, OU=B, OU=C, O=Contoso",
        "CN=Multi + OU=Valued, O=Contoso + L=Redmond",
        "CN=Prüfstelle €, O=\"Contöso, Ltd.\", S=Île-de-France",
    ];

    /// rcgen alone mis-issues several of these; OpenSSL is the judge.
    #[test]
    fn every_name_with_every_key_verifies_in_openssl() {
        let Some(bench) = testing::bench("every_name_with_every_key_verifies_in_openssl") else { return };
        for (i, key) in kinds().iter().enumerate() {
            bench.write(&format!("{i}.pem"), key.to_pem().unwrap().as_bytes());
        }
        // The fifth kind: a P-384 key whose request is signed with SHA-256.
        let requests = ["-key 0.pem", "-key 1.pem", "-key 2.pem", "-key 3.pem", "-key 2.pem -sha256"];
        let mut count = 0;
        for (i, subject) in SUBJECTS.iter().enumerate() {
            let signer = kinds()[i % 4];
            let authority = root(signer, subject, AuthorityProfile::default());
            bench.write("ca.pem", crate::x509::pem::encode_certificates([&authority]).as_bytes());
            for (j, options) in requests.iter().enumerate() {
                let asked = [
                    "/DC=net/DC=contoso/CN=a.b",
                    "/O=X/OU=1/OU=2/CN=a.b",
                    "/O=X+L=Y/CN=a.b+OU=Z",
                    "/CN=a.b/O=Contöso",
                    "/C=US/CN=a.b",
                ][(i + j) % 5];
                let mut words: Vec<&str> =
                    "req -new -utf8 -outform DER -out r.der -addext subjectAltName=DNS:a.b".split(' ').collect();
                words.extend(options.split(' '));
                words.extend(["-subj", asked]);
                bench.words(&words).unwrap();
                let request = parse_request(&bench.read("r.der")).unwrap();
                let issuer = Issuer { certificate: &authority, signer };
                let leaf = issue(&request, &issuer, &server()).unwrap();
                assert_eq!(leaf.subject(), request.subject());
                assert_eq!((leaf.issuer(), leaf.spki()), (authority.subject(), request.spki()));
                bench.write("leaf.pem", crate::x509::pem::encode_certificates([&leaf]).as_bytes());
                bench
                    .run("verify -x509_strict -check_ss_sig -purpose sslserver -verify_hostname a.b -CAfile ca.pem leaf.pem")
                    .unwrap_or_else(|e| panic!("{subject} {options} {asked}: {e}"));
                count += 1;
            }
        }
        assert_eq!(count, 25);
    }

    #[test]
    fn certificates_keep_manners() {
        let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
        assert!(authority.is_ca() && authority.path_len() == Some(0) && authority.is_self_issued());
        let issuer = Issuer { certificate: &authority, signer: &*P256 };
        let mut profile = server();
        profile.not_before = at("2000-01-01");
        profile.not_after = at("2090-01-01");
        profile.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT);
        profile.crl_urls = vec!["http://pki.contoso.net/ca.crl".into()];
        profile.must_staple = true;
        let leaf = issue(&request(&P384, "CN=a.b", &["a.b", "10.0.0.1"]), &issuer, &profile).unwrap();
        assert_eq!((leaf.not_before(), leaf.not_after()), (authority.not_before(), authority.not_after()));
        assert_eq!(leaf.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE));
        assert_eq!(leaf.authority_key_identifier(), authority.subject_key_identifier());
        assert_eq!(leaf.crl_urls(), ["http://pki.contoso.net/ca.crl"]);
        assert!(leaf.must_staple() && !leaf.is_ca() && leaf.serial().as_bytes().len() == 16);
        assert_eq!(leaf.alternative_names().len(), 2);
        assert_eq!(leaf.signature_algorithm(), "sha256ECDSA");
        check_pair(&leaf, &*P384).unwrap();
        assert_eq!(check_pair(&leaf, &*P256).unwrap_err().id(), ErrorId::KeyMismatch);

        let wanted: SerialNumber = "F00D".parse().unwrap();
        profile.serial = Some(wanted.clone());
        let rsa = issue(&request(&RSA, "CN=a.b", &["a.b"]), &issuer, &profile).unwrap();
        assert_eq!(rsa.serial(), &wanted);
        assert!(rsa.key_usage().unwrap().contains(KeyUsage::KEY_ENCIPHERMENT));
    }

    #[test]
    fn a_certificate_without_common_name_has_critical_names() {
        let authority = root(&*P256, "CN=CA", AuthorityProfile::default());
        let long = format!("{}.contoso.net", "a".repeat(60));
        let request = request(&P256, &format!("CN={long}"), &[]);
        let leaf = issue(&request, &Issuer { certificate: &authority, signer: &*P256 }, &server()).unwrap();
        assert!(leaf.subject().is_empty());
        assert!(leaf.extensions().iter().any(|e| e.oid == "2.5.29.17" && e.critical));
        assert_eq!(leaf.dns_names().collect::<Vec<_>>(), [long.as_str()]);
    }

    #[test]
    fn a_wrong_issuer_is_refused() {
        let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
        let asked = request(&P384, "CN=a.b", &["a.b"]);
        let by = |certificate, signer| Issuer { certificate, signer };
        let error = issue(&asked, &by(&authority, &*P384), &server()).unwrap_err();
        assert_eq!(error.id(), ErrorId::KeyMismatch);
        let leaf = issue(&asked, &by(&authority, &*P256), &server()).unwrap();
        let error = issue(&asked, &by(&leaf, &*P384), &server()).unwrap_err();
        assert!(error.message().contains("basic constraints"), "{error}");
        let below = Profile::authority(at("2024-01-01"), at("2030-01-01"), AuthorityProfile::default());
        let error = issue(&asked, &by(&authority, &*P256), &below).unwrap_err();
        assert!(error.message().contains("no authority below"), "{error}");
        let late = Profile::server(at("2041-01-01"), at("2042-01-01"));
        let error = issue(&asked, &by(&authority, &*P256), &late).unwrap_err();
        assert_eq!(error.id(), ErrorId::CertificateExpired);
    }

    #[test]
    fn openssl_enforces_the_constraints() {
        let Some(bench) = testing::bench("openssl_enforces_the_constraints") else { return };
        let constraints = NameConstraints { dns: vec![".contoso.net".into()], networks: Vec::new() };
        let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: Some(constraints) });
        // The same name and key without constraints, to issue what the first refuses.
        let free = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
        bench.write("ca.pem", crate::x509::pem::encode_certificates([&authority]).as_bytes());
        assert!(authority.extensions().iter().any(|e| e.oid == "2.5.29.30" && e.critical));
        for (name, good) in [
            ("a.contoso.net", true),
            ("contoso.net", true),
            ("a.fabrikam.com", false),
            ("10.0.0.1", false),
            ("::1", false),
        ] {
            let asked = request(&P384, "O=X", &[name]);
            let outcome = issue(&asked, &Issuer { certificate: &authority, signer: &*P256 }, &server());
            assert_eq!(outcome.map_err(|e| e.id()).err(), (!good).then_some(ErrorId::PolicyRefused), "{name}");
            let leaf = issue(&asked, &Issuer { certificate: &free, signer: &*P256 }, &server()).unwrap();
            bench.write("leaf.pem", crate::x509::pem::encode_certificates([&leaf]).as_bytes());
            assert_eq!(bench.run("verify -x509_strict -CAfile ca.pem leaf.pem").is_ok(), good, "{name}");
        }
    }

    #[test]
    fn serial_numbers_are_sixteen_positive_octets() {
        for _ in 0..200 {
            let serial = random_serial().unwrap();
            assert!(serial.as_bytes().len() == 16 && (1..0x80).contains(&serial.as_bytes()[0]));
        }
    }
}
