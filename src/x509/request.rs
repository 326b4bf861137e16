//! Certificate requests (PKCS#10, RFC 2986): written for our keys, read from everybody.

use rcgen::CertificateParams;
use x509_parser::extensions::X509Extension;
use x509_parser::prelude::FromDer;
use x509_parser::x509::AlgorithmIdentifier;

use super::der::{self, Malformed, Reader};
use super::extensions::{self, ExtensionFacts};
use super::key::Signer;
use super::template::{self, Template};
use super::{AuthorityProfile, NameSpace, constraints, name, signature, spki};
use crate::error::{Error, ErrorId, Result};
#[cfg(test)]
use crate::model::ExtensionEntry;
use crate::model::{AlternativeName, DistinguishedName, KeyAlgorithm, KeyId, KeyUsage, Purpose, RelativeName};

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
/// What older Windows programs use instead.
const WINDOWS_EXTENSION_REQUEST: &str = "1.3.6.1.4.1.311.2.1.14";

/// What to ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestDetails {
    /// The subject, most general step first, as [`crate::model::parse_rdns`] returns it.
    pub(crate) subject: Vec<RelativeName>,
    /// The alternative names.
    pub(crate) alternative_names: Vec<AlternativeName>,
    /// The extended key usages; none asks for no such extension.
    pub(crate) purposes: Vec<Purpose>,
    /// The key usage; `None` is what TLS needs of this kind of key.
    pub(crate) key_usage: Option<KeyUsage>,
    /// Whether to ask for the TLS feature `status_request` (RFC 7633).
    pub(crate) must_staple: bool,
}

/// A request that was made here, or whose signature has been verified: whoever made it holds the private key.
#[derive(Clone, Debug)]
pub(crate) struct CertificateRequest {
    der: Vec<u8>,
    subject: DistinguishedName,
    spki: Vec<u8>,
    key: spki::PublicKeyFacts,
    facts: ExtensionFacts,
}

impl CertificateRequest {
    /// The encoded request.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM.
    pub(crate) fn to_pem(&self) -> String {
        super::pem::encode(super::pem::REQUEST, &self.der).to_string()
    }

    /// The subject as asked for; may be empty.
    pub(crate) fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The encoded `SubjectPublicKeyInfo` as it stands in the request.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the public key.
    pub(crate) fn key_id(&self) -> KeyId {
        self.key.key_id
    }

    /// The key's algorithm, from the key itself, never from the signature; `None` for one that is not known here.
    pub(crate) fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        self.key.algorithm
    }

    /// The key algorithm's name.
    pub(crate) fn key_algorithm_name(&self) -> &str {
        &self.key.name
    }

    /// The alternative names asked for.
    pub(crate) fn alternative_names(&self) -> &[AlternativeName] {
        &self.facts.alternative_names
    }

    /// The extended key usages asked for.
    pub(crate) fn purposes(&self) -> Option<&[Purpose]> {
        self.facts.purposes.as_deref()
    }

    #[cfg(test)]
    /// The key usage asked for.
    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        self.facts.key_usage
    }

    /// Whether it asks for an authority's certificate.
    pub(crate) fn asks_for_ca(&self) -> bool {
        self.facts.is_ca
    }

    /// The name constraints asked for, where it asks for an authority's certificate with such.
    ///
    /// # Errors
    /// `BadCertificateFile` when they are malformed.
    pub(crate) fn name_space(&self) -> Result<Option<NameSpace>> {
        let Some(value) = &self.facts.name_constraints else { return Ok(None) };
        constraints::read(value).map(Some).map_err(|e| {
            Error::new(
                ErrorId::BadCertificateFile,
                format!("the request is refused: its name constraints cannot be read: {e}"),
            )
        })
    }

    /// Whether it asks for the TLS feature `status_request`.
    pub(crate) fn must_staple(&self) -> bool {
        self.facts.must_staple
    }

    #[cfg(test)]
    /// Every extension asked for, known or not.
    pub(crate) fn extensions(&self) -> &[ExtensionEntry] {
        &self.facts.entries
    }

    /// The octets of the key's BIT STRING.
    pub(super) fn key_octets(&self) -> &[u8] {
        &self.key.key
    }
}

/// Writes and signs a request.
///
/// A common name of more than 64 characters is left out (RFC 5280 appendix A), added to the alternative names where it
/// is missing there, and the alternative names become critical.
///
/// # Errors
/// `InvalidName` for a name that cannot be encoded, or when neither subject nor alternative name is left.
pub(crate) fn build_request(signer: &dyn Signer, details: &RequestDetails) -> Result<CertificateRequest> {
    write(signer, details, None)
}

/// Writes and signs a request for an authority's certificate, with the limits that it wishes.
///
/// # Errors
/// `InvalidName` for a name that cannot be encoded.
pub(crate) fn build_authority_request(
    signer: &dyn Signer,
    details: &RequestDetails,
    authority: &AuthorityProfile,
) -> Result<CertificateRequest> {
    write(signer, details, Some(authority))
}

fn write(
    signer: &dyn Signer,
    details: &RequestDetails,
    authority: Option<&AuthorityProfile>,
) -> Result<CertificateRequest> {
    let Template { subject, alternative_names, names_critical } =
        template::fit(&details.subject, &details.alternative_names)?;
    let usage = details.key_usage.unwrap_or_else(|| template::default_usage(signer.algorithm(), authority.is_some()));
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.key_usages = template::usages(signer.algorithm(), usage);
    params.extended_key_usages = details.purposes.iter().map(template::purpose).collect::<Result<_>>()?;
    params.custom_extensions.extend(template::names_extension(&alternative_names, names_critical)?);
    if details.must_staple {
        params.custom_extensions.push(template::staple_extension());
    }
    if let Some(authority) = authority {
        params.custom_extensions.extend(template::authority_extensions(authority));
    }
    let draft = params
        .serialize_request(&template::Unsigned::of(signer)?)
        .map_err(|e| Error::new(ErrorId::InvalidName, "the request cannot be encoded").because(e))?;
    let der = splice(draft.der(), subject.der(), signer)?;
    own_request(&der)
}

/// Reads a request that was made here; its signature is not verified again.
///
/// # Errors
/// `BadCertificateFile` where the state is damaged.
pub(crate) fn own_request(bytes: &[u8]) -> Result<CertificateRequest> {
    read(bytes, |_, _, _, _| Ok(())).map_err(|reason| refused(&reason))
}

/// Reads a request and verifies its signature.
///
/// Unknown extensions and attributes are kept aside, as requests of IIS and of Windows templates carry them.
///
/// # Errors
/// `BadCertificateFile` with the reason.
pub(crate) fn parse_request(bytes: &[u8]) -> Result<CertificateRequest> {
    read(bytes, check_signature).map_err(|reason| refused(&reason))
}

fn refused(reason: &str) -> Error {
    Error::new(ErrorId::BadCertificateFile, format!("the request is refused: {reason}"))
}

type Check = fn(&spki::PublicKeyFacts, &AlgorithmIdentifier<'_>, &[u8], &[u8]) -> Result<(), String>;

fn check_signature(
    key: &spki::PublicKeyFacts,
    algorithm: &AlgorithmIdentifier<'_>,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    signature::verify(key, algorithm, signed, signature).map_err(|fault| match fault {
        signature::Fault::Unsupported => {
            format!("its signature algorithm `{}` with a key `{}` is not supported", algorithm.algorithm, key.name)
        }
        signature::Fault::Wrong => "its signature is not by its own key".to_owned(),
    })
}

fn read(bytes: &[u8], check: Check) -> Result<CertificateRequest, String> {
    let text = |e: Malformed| e.to_string();
    let outer = der::only(bytes, der::SEQUENCE).map_err(text)?;
    der::well_formed(outer.whole).map_err(text)?;
    let mut outer = outer.inside();
    let info = outer.expect(der::SEQUENCE).map_err(text)?;
    let algorithm = outer.expect(der::SEQUENCE).map_err(text)?;
    let signed = outer.expect(der::BIT_STRING).map_err(text)?;
    outer.end().map_err(text)?;

    let mut reader = info.inside();
    if reader.expect(der::INTEGER).map_err(text)?.content != [0] {
        return Err("it is of an unknown version".to_owned());
    }
    let subject = reader.expect(der::SEQUENCE).map_err(text)?;
    let subject = name::read_name(subject.whole).map_err(|e| format!("its subject is malformed: {e}"))?;
    let spki = reader.expect(der::SEQUENCE).map_err(text)?.whole;
    let key = spki::read(spki).map_err(|e| format!("its public key is malformed: {e}"))?;
    let attributes = reader.optional(0xa0).map_err(text)?;
    reader.end().map_err(text)?;

    let mut found = Vec::new();
    if let Some(attributes) = attributes {
        requested(attributes.inside(), &mut found).map_err(|e| format!("its attributes are malformed: {e}"))?;
    }
    let facts = extensions::read(&found)?;

    let (_, identifier) = AlgorithmIdentifier::from_der(algorithm.whole).map_err(|e| super::parse::plain(&e))?;
    let Some((0, octets)) = signed.content.split_first() else {
        return Err("its signature is malformed".to_owned());
    };
    check(&key, &identifier, info.whole, octets)?;
    Ok(CertificateRequest { der: bytes.to_vec(), subject, spki: spki.to_vec(), key, facts })
}

/// Collects the extensions of both attribute types.
fn requested<'a>(mut attributes: Reader<'a>, found: &mut Vec<X509Extension<'a>>) -> Result<(), Malformed> {
    while !attributes.is_empty() {
        let mut attribute = attributes.expect(der::SEQUENCE)?.inside();
        let kind = der::oid_text(attribute.expect(der::OID)?.content).ok_or(Malformed("a type is malformed"))?;
        let mut values = attribute.expect(der::SET)?.inside();
        attribute.end()?;
        if kind != EXTENSION_REQUEST && kind != WINDOWS_EXTENSION_REQUEST {
            continue;
        }
        let mut list = values.expect(der::SEQUENCE)?.inside();
        values.end()?;
        while !list.is_empty() {
            let one = list.expect(der::SEQUENCE)?.whole;
            let (_, extension) = X509Extension::from_der(one).map_err(|_| Malformed("an extension cannot be read"))?;
            found.push(extension);
        }
    }
    Ok(())
}

/// Puts the subject into rcgen's draft, whose names cannot repeat an attribute type, and signs.
fn splice(draft: &[u8], subject: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let parts = || -> Result<(Vec<u8>, Vec<u8>), Malformed> {
        let mut outer = der::only(draft, der::SEQUENCE)?.inside();
        let mut info = outer.expect(der::SEQUENCE)?.inside();
        let algorithm = outer.expect(der::SEQUENCE)?.whole.to_vec();
        let version = info.expect(der::INTEGER)?.whole;
        info.expect(der::SEQUENCE)?;
        let _spki = info.expect(der::SEQUENCE)?;
        let attributes = info.expect(0xa0)?.whole;
        Ok((der::sequence(&[version, subject, signer.spki(), attributes]), algorithm))
    };
    let (info, algorithm) = parts().map_err(template::unexpected)?;
    template::signed(&info, &algorithm, signer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NameAttribute, parse_rdns};
    use crate::x509::key::tests::{P256, RSA, kinds};
    use crate::x509::testing;

    fn details(subject: &str, names: &[&str]) -> RequestDetails {
        RequestDetails {
            subject: parse_rdns(subject).unwrap(),
            alternative_names: names.iter().map(|n| AlternativeName::host(n)).collect(),
            purposes: vec![Purpose::ServerAuth, Purpose::Other("1.3.6.1.4.1.311.21.8.1".into())],
            key_usage: None,
            must_staple: true,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let subject = "CN=pool01.contoso.net, OU=A, OU=B, O=\"Contoso, Ltd.\", L=Redmond, S=WA, C=US";
        for key in kinds() {
            let request = build_request(key, &details(subject, &["pool01.contoso.net", "10.0.0.1"])).unwrap();
            assert_eq!(request.subject().to_string(), subject);
            assert_eq!(request.alternative_names().len(), 2);
            assert_eq!((request.key_id(), request.key_algorithm()), (key.key_id(), Some(key.algorithm())));
            assert!(request.must_staple() && !request.asks_for_ca());
            let transport = request.key_usage().unwrap().contains(KeyUsage::KEY_ENCIPHERMENT);
            assert_eq!(transport, !key.algorithm().is_elliptic());
        }
    }

    #[test]
    fn a_long_common_name_moves_to_critical_names() {
        let long = format!("{}.contoso.net", "a".repeat(60));
        let request = build_request(&*P256, &details(&format!("CN={long}, O=Contoso"), &[])).unwrap();
        assert_eq!(request.subject().to_string(), "O=Contoso");
        assert_eq!(request.alternative_names(), [AlternativeName::Dns(long)]);
        let names = request.extensions().iter().find(|e| e.oid == extensions::ALTERNATIVE_NAMES).unwrap();
        assert!(names.critical);
    }

    #[test]
    fn nothing_to_certify_is_refused() {
        let error = build_request(&*P256, &RequestDetails::default()).unwrap_err();
        assert_eq!(error.id(), ErrorId::InvalidName);
        let bad = RequestDetails {
            subject: vec![vec![NameAttribute::new("2.5.4.3", "a")]],
            alternative_names: vec![AlternativeName::Dns("bücher.example".into())],
            ..RequestDetails::default()
        };
        assert_eq!(build_request(&*P256, &bad).unwrap_err().id(), ErrorId::InvalidName);
    }

    #[test]
    fn a_changed_request_is_refused() {
        let request = build_request(&*P256, &details("CN=aaaa", &["aaaa"])).unwrap();
        let mut forged = request.der().to_vec();
        let at = forged.windows(4).position(|w| w == b"aaaa").unwrap();
        forged[at] = b'b';
        assert!(parse_request(&forged).unwrap_err().message().contains("not by its own key"));
        let mut longer = request.der().to_vec();
        longer.push(0);
        assert!(parse_request(&longer).unwrap_err().message().contains("bytes follow"));
    }

    #[test]
    fn openssl_agrees() {
        let Some(bench) = testing::bench("openssl_agrees") else { return };
        for key in kinds() {
            let request = build_request(key, &details("CN=pool01.contoso.net, OU=Ä, OU=B", &["a.b", "::1"])).unwrap();
            bench.write("r.pem", request.to_pem().as_bytes());
            let text = bench.run("req -in r.pem -verify -noout -text -nameopt utf8").unwrap();
            for needle in [
                "DNS:a.b, IP Address:0:0:0:0:0:0:0:1",
                "TLS Web Server Authentication, 1.3.6.1.4.1.311.21.8.1",
                "OU=B, OU=Ä, CN=pool01",
                "status_request",
            ] {
                assert!(text.contains(needle), "{needle}: {text}");
            }
        }
    }

    #[test]
    fn requests_of_other_programs_are_read() {
        let Some(bench) = testing::bench("requests_of_other_programs_are_read") else { return };
        bench.write("key.pem", RSA.to_pem().unwrap().as_bytes());
        bench.write(
            "c.cnf",
            b"[req]\ndistinguished_name=dn\nattributes=at\nprompt=no\nreq_extensions=ext\n[dn]\nO=Contoso\nCN=iis01\n\
              [at]\nchallengePassword=secret12\nunstructuredName=x\n\
              [ext]\nsubjectKeyIdentifier=hash\ncertificatePolicies=1.2.3.4\nextendedKeyUsage=serverAuth,1.2.3.4.5\n\
              tlsfeature=status_request\nsubjectAltName=DNS:iis01,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@x\n\
              1.3.6.1.4.1.311.20.2=DER:1e:12:00:57:00:65:00:62:00:53:00:65:00:72:00:76:00:65:00:72\n\
              1.3.6.1.4.1.311.21.7=DER:30:06:06:04:2a:03:04:05\n",
        );
        for digest in [
            "-sha1",
            "-sha256",
            "-sha384",
            "-sha512",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32",
        ] {
            bench.run(&format!("req -new -config c.cnf -key key.pem {digest} -outform DER -out r.der")).unwrap();
            let request = parse_request(&bench.read("r.der")).unwrap();
            assert_eq!(request.extensions().len(), 7, "{digest}");
            assert_eq!(request.purposes().unwrap().len(), 2);
            assert_eq!(request.alternative_names()[1], AlternativeName::Upn("u@x".into()));
        }
    }
}
