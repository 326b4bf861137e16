//! `Get-PfxCertificate`: what a certificate file holds, without importing it.

use std::any::Any;

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values, Verb, View};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Moment, Secret};
use crate::session::{Session, read_artefact};
use crate::x509::read_any;

static FILE_PATH: Param<String> = Param::named("FilePath", "The file: PFX, PEM, DER or P7B")
    .at(0)
    .aliases(&["FullName", "Path"])
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Files);
pub(super) static PASSWORD: Param<Secret> = Param::named("Password", "The password of the file").secret();

pub(crate) static SPEC: Spec = Spec {
    name: "Get-PfxCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show the certificates of a file without importing them",
    description: "Reads a PFX, PEM, DER or P7B file and emits one record for each certificate, in the order of the file. Nothing \
                  is stored, no home is needed, and private keys are only counted: HasPrivateKey tells whether the key of a \
                  certificate is in the file. `Test-Certificate` takes the records.",
    sets: &[],
    parameters: &[&FILE_PATH.spec, &PASSWORD.spec],
    input: Input::EachObject,
    emits: Some(&FILE_CERTIFICATE),
    changes: Impact::Reads,
    examples: &[Example {
        line: "Get-PfxCertificate -FilePath C:\\Certificates\\WebServer.pfx",
        says: "Says so when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Import-CsCertificate", "Test-Certificate", "Export-PfxCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let (shown, password) = (args.need(&FILE_PATH, session)?, args.get(&PASSWORD, session)?);
    for certificate in certificates_of(session, &shown, password.as_ref())? {
        cx.emit(Value::object(certificate))?;
    }
    Ok(())
}

/// The certificates of a file, in its order; a file without any is `BadCertificateFile`.
pub(super) fn certificates_of(session: &Session, shown: &str, password: Option<&Secret>) -> Result<Vec<FileCertificate>> {
    let bytes = read_artefact(&session.resolve_path(shown)?, shown)?;
    let contents = read_any(&bytes, password).map_err(|e| e.about(shown))?;
    let all = contents.certificates();
    if all.is_empty() {
        return Err(Error::new(ErrorId::BadCertificateFile, format!("`{shown}` holds no certificate")).about(shown));
    }
    let of = |certificate: &Certificate| FileCertificate {
        certificate: certificate.clone(),
        others: all.iter().filter(|c| *c != certificate).cloned().collect(),
        friendly_name: contents.friendly_name(certificate).unwrap_or_default().to_owned(),
        has_key: contents.key_of(certificate).is_some(),
        file: shown.to_owned(),
        now: session.now(),
    };
    Ok(all.iter().map(of).collect())
}

/// A certificate of a file, with what stands beside it there.
pub(super) struct FileCertificate {
    pub(super) certificate: Certificate,
    /// The other certificates of the file.
    pub(super) others: Vec<Certificate>,
    pub(super) friendly_name: String,
    pub(super) has_key: bool,
    pub(super) file: String,
    pub(super) now: Moment,
}

static FILE_CERTIFICATE: Kind = Kind::new(
    "FileCertificate",
    const {
        &[
            Property::new("Thumbprint"),
            Property::new("Subject"),
            Property::new("Issuer"),
            Property::new("NotBefore"),
            Property::new("NotAfter"),
            Property::new("AlternativeNames"),
            Property::new("FriendlyName"),
            Property::new("HasPrivateKey"),
            Property::new("EnhancedKeyUsage"),
            Property::hidden("SerialNumber"),
            Property::hidden("KeyAlgorithm"),
            Property::hidden("KeySize"),
            Property::hidden("SignatureAlgorithm"),
            Property::hidden("KeyUsage"),
            Property::hidden("DaysLeft"),
            Property::hidden("Fingerprint"),
            Property::hidden("FilePath"),
        ]
    },
    View::List,
);

impl Record for FileCertificate {
    fn kind(&self) -> &Kind {
        &FILE_CERTIFICATE
    }

    fn value(&self, index: usize) -> Value {
        let c = &self.certificate;
        match index {
            0 => Value::from(c.thumbprint().to_string()),
            1 => Value::from(c.subject().to_string()),
            2 => Value::from(c.issuer().to_string()),
            3 => c.not_before().into(),
            4 => c.not_after().into(),
            5 => Value::list(c.alternative_names().iter().map(|n| Value::from(n.to_string()))),
            6 => Value::text(&self.friendly_name),
            7 => self.has_key.into(),
            8 => Value::list(c.purposes().unwrap_or_default().iter().map(|p| Value::from(p.to_string()))),
            9 => Value::from(c.serial().to_string()),
            10 => Value::text(c.key_algorithm_name()),
            11 => i64::from(c.key_bits()).into(),
            12 => Value::text(c.signature_algorithm()),
            13 => Value::optional_text(c.key_usage().map(|u| u.to_string())),
            14 => c.not_after().since(self.now).div_euclid(86_400).into(),
            15 => Value::from(c.fingerprint().to_string()),
            16 => Value::text(&self.file),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.certificate.thumbprint().to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{run as run_in, texts};
    use crate::command::Registry;
    use crate::model::KeyAlgorithm;
    use crate::x509::{PfxIdentity, PfxProtection, PrivateKey, Profile, pem, self_signed, write_pfx};

    #[test]
    fn every_kind_of_file_is_read_without_a_home() {
        let folder = tempfile::tempdir().unwrap();
        let session = Session::builder().folder(folder.path()).build();
        let now = session.now();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let names = Some(vec![crate::model::AlternativeName::host("a.contoso.net")]);
        let profile = Profile { alternative_names: names, ..Profile::server(now.plus_days(-1), now.plus_days(30).plus_seconds(3600)) };
        let certificate = self_signed(&key, &profile).unwrap();
        let identity = [PfxIdentity { key: &key, certificate: &certificate, friendly_name: "Shop" }];
        let pfx = write_pfx(&identity, &[], &Secret::from("a"), PfxProtection::Aes256Sha256).unwrap();
        std::fs::write(folder.path().join("a.pfx"), &*pfx).unwrap();
        std::fs::write(folder.path().join("a.cer"), certificate.der()).unwrap();
        std::fs::write(folder.path().join("a.pem"), pem::encode(pem::CERTIFICATE, certificate.der()).as_str()).unwrap();
        std::fs::write(folder.path().join("empty.pem"), key.to_pem().unwrap().as_str()).unwrap();
        let get = |file: &str, password: Option<&str>| {
            let mut parameters = vec![("FilePath", Value::from(file))];
            parameters.extend(password.map(|p| ("Password", Value::from(p))));
            run_in(&session, &Registry::new([]), &VERB, &parameters, Vec::new())
        };
        for (file, password, has_key, name) in
            [("a.pfx", Some("a"), "True", "Shop"), ("a.cer", None, "False", ""), ("a.pem", None, "False", "")]
        {
            let found = get(file, password).emitted();
            assert_eq!(texts(&found, "Thumbprint"), [certificate.thumbprint().to_string()], "{file}");
            assert_eq!((texts(&found, "HasPrivateKey"), texts(&found, "FriendlyName")), (vec![has_key.into()], vec![name.into()]));
            assert_eq!((texts(&found, "DaysLeft"), texts(&found, "AlternativeNames")), (vec!["30".into()], vec!["a.contoso.net".into()]));
        }
        assert_eq!(get("a.pfx", Some("b")).error().id(), ErrorId::BadPassword);
        assert_eq!(get("a.pfx", None).error().id(), ErrorId::BadPassword);
        assert_eq!(get("empty.pem", None).error().id(), ErrorId::BadCertificateFile);
        assert_eq!(get("gone.pem", None).error().id(), ErrorId::FileNotFound);
    }
}
