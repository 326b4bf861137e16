//! `Get-PfxData`: the certificates of a PFX, parted into those with a key and the others.

use std::any::Any;

use super::get_pfx_certificate::{FileCertificate, PASSWORD, certificates_of};
use super::import_certificate::FILE_PATH;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Kind, Property, Record, Spec, Value, Verb, View};
use crate::error::{ErrorId, Result};

pub(crate) static SPEC: Spec = Spec {
    name: "Get-PfxData",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show what a PFX file holds without importing it",
    description: "Emits one record: EndEntityCertificates are those whose private key is in the file, OtherCertificates the rest. \
                  Nothing is stored, and no home is needed.",
    sets: &[],
    parameters: &[&FILE_PATH.spec, &PASSWORD.spec],
    input: Input::EachObject,
    emits: Some(&PFX_DATA),
    changes: Impact::Reads,
    examples: &[Example {
        line: "(Get-PfxData -FilePath C:\\Certificates\\WebServer.pfx).EndEntityCertificates",
        says: "Says so when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Get-PfxCertificate", "Import-PfxCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let (shown, password) = (args.need(&FILE_PATH, session)?, args.get(&PASSWORD, session)?);
    let all = certificates_of(session, &shown, password.as_ref())?;
    let (ends, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|c| c.has_key);
    let records = |all: Vec<FileCertificate>| all.into_iter().map(Value::object).collect();
    cx.emit(Value::object(PfxData { ends: records(ends), others: records(others) }))
}

struct PfxData {
    ends: Vec<Value>,
    others: Vec<Value>,
}

static PFX_DATA: Kind =
    Kind::new("PFXData", const { &[Property::new("EndEntityCertificates"), Property::new("OtherCertificates")] }, View::List);

impl Record for PfxData {
    fn kind(&self) -> &Kind {
        &PFX_DATA
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::list(self.ends.iter().cloned()),
            1 => Value::list(self.others.iter().cloned()),
            _ => Value::Null,
        }
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
    use crate::model::{KeyAlgorithm, Secret};
    use crate::session::Session;
    use crate::x509::{PfxIdentity, PfxProtection, PrivateKey, Profile, self_signed, write_pfx};

    #[test]
    fn those_with_a_key_stand_apart() {
        let folder = tempfile::tempdir().unwrap();
        let session = Session::builder().folder(folder.path()).build();
        let now = session.now();
        let keys = [(); 2].map(|()| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
        let names = Some(vec![crate::model::AlternativeName::host("a.example.com")]);
        let profile = Profile { alternative_names: names, ..Profile::server(now, now.plus_days(30)) };
        let made = |key| self_signed(key, &profile).unwrap();
        let (own, other) = (made(&keys[0]), made(&keys[1]));
        let identity = [PfxIdentity { key: &keys[0], certificate: &own, friendly_name: "" }];
        let pfx = write_pfx(&identity, std::slice::from_ref(&other), &Secret::from("a"), PfxProtection::TripleDesSha1).unwrap();
        std::fs::write(folder.path().join("a.pfx"), &*pfx).unwrap();
        let get = |password: &str| {
            let parameters = [("FilePath", Value::from("a.pfx")), ("Password", password.into())];
            run_in(&session, &Registry::new([]), &VERB, &parameters, Vec::new())
        };
        let data = get("a").emitted().remove(0);
        let of = |property: &str| texts(data.property(property).unwrap().items(), "Thumbprint");
        assert_eq!(of("EndEntityCertificates"), [own.thumbprint().to_string()]);
        assert_eq!(of("OtherCertificates"), [other.thumbprint().to_string()]);
        assert_eq!(get("b").error().id(), ErrorId::BadPassword);
    }
}
