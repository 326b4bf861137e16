//! `Export-Certificate`: certificates without their keys, to give away.

use super::export_pfx_certificate::{CERT, EXPORTED_FILE, ExportedFile, FILE_PATH, NO_CLOBBER, named, target};
use crate::cmdlets::params::FORCE;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Values, Verb, choice};
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;
use crate::session::Artefact;
use crate::x509::{encode_pkcs7, pem};

static TYPE: Param<String> = Param::named("Type", "The kind of file: DER, PEM or PKCS#7")
    .values(Values::Choice(TYPES))
    .default_text("by the file's name: PEM for .pem, P7B for .p7b and .p7c; else CERT for one certificate, P7B for several");

const TYPES: &[&str] = &["CERT", "PEM", "P7B"];

pub(crate) static SPEC: Spec = Spec {
    name: "Export-Certificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write certificates to a file, without private keys",
    description: "CERT is one certificate in DER, PEM one or several as text, P7B one or several as PKCS#7 in DER. Windows' own \
                  format for stores (SST) is not written. What is written is public; the file can be read by all.",
    sets: &[],
    parameters: &[&CERT.spec, &FILE_PATH.spec, &TYPE.spec, &NO_CLOBBER.spec, &FORCE.spec],
    input: Input::Whole,
    emits: Some(&EXPORTED_FILE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsCertificate -Type Default | Export-Certificate -FilePath C:\\Certificates\\pool.cer",
            says: "Writes the certificate of a use to a file",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-ChildItem Cert:\\LocalMachine -Recurse | Export-Certificate -FilePath C:\\Certificates\\all.p7b",
            says: "Writes all stored certificates to one file",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Import-Certificate", "Export-PfxCertificate", "Get-ChildItem"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let named = named(cx, args)?;
    let shown = args.need(&FILE_PATH, session)?;
    let kind = match args.get(&TYPE, session)? {
        Some(word) => choice(&word, TYPES, "kind of file")?,
        None => kind_of(&shown, named.len()),
    };
    if kind == "CERT" && named.len() > 1 {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("a file of type CERT holds one certificate, and {} are given", named.len()),
        )
        .about("Type")
        .hint("write `-Type P7B` or `-Type PEM`"));
    }
    let mut certificates: Vec<Certificate> = Vec::new();
    for (_, row) in &named {
        certificates.push(session.certificate_of(row)?);
    }
    let path = target(session, &shown, args.on(&NO_CLOBBER))?;
    let content = match kind {
        "PEM" => pem::encode_certificates(&certificates).into_bytes(),
        "P7B" => encode_pkcs7(&certificates),
        _ => certificates.first().map(|c| c.der().to_vec()).unwrap_or_default(),
    };
    let path = Artefact::create(&path, &shown)?.finish(&content, false)?;
    cx.emit(Value::object(ExportedFile { path, length: content.len() }))
}

fn kind_of(file: &str, count: usize) -> &'static str {
    let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("pem") => "PEM",
        Some("p7b" | "p7c") => "P7B",
        _ if count == 1 => "CERT",
        _ => "P7B",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};
    use crate::x509::read_any;

    #[test]
    fn each_kind_of_file_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let world = TestWorld::contoso().with("shop", &["shop.example.com"]);
        let (old, shop) = (Value::from(world.thumbprint("old")), Value::from(world.thumbprint("shop")));
        let export = |file: &str, kind: Option<&str>, certs: &[&Value]| {
            let path = folder.path().join(file);
            let mut parameters = vec![("FilePath", Value::from(path.to_str().unwrap()))];
            parameters.extend(kind.map(|kind| ("Type", kind.into())));
            let done = world.run_with(&VERB, &parameters, certs.iter().map(|v| (*v).clone()).collect());
            (path, done)
        };
        for (file, kind, certs, begins) in [
            ("a.cer", None, vec![&old], "\u{30}"),
            ("a.pem", None, vec![&old, &shop], "-----BEGIN CERTIFICATE"),
            ("b.crt", Some("pem"), vec![&shop], "-----BEGIN CERTIFICATE"),
            ("c.p7b", None, vec![&old], "\u{30}"),
            ("d.bin", None, vec![&old, &shop, &old], "\u{30}"),
        ] {
            let (path, done) = export(file, kind, &certs);
            assert_eq!(texts(&done.emitted(), "FullName"), [path.display().to_string()]);
            let bytes = std::fs::read(&path).unwrap();
            assert!(bytes.starts_with(begins.as_bytes()), "{file}");
            let read = read_any(&bytes, None).unwrap();
            assert_eq!(read.certificates().len(), certs.len().min(2), "{file}");
            assert_eq!(read.certificates().contains(world.leaf("old")), certs.iter().any(|c| c.to_string() == world.thumbprint("old")), "{file}");
            assert!(read.keys().is_empty());
        }
        let refused = export("e.cer", Some("CERT"), &[&old, &shop]);
        assert_eq!(refused.1.error().id(), ErrorId::ParameterArgumentValidationError);
        assert_eq!(export("f.cer", None, &[]).1.error().id(), ErrorId::MissingMandatoryParameter);
        assert_eq!(export("f.cer", Some("SST"), &[&old]).1.error().id(), ErrorId::CannotConvertArgument);
    }
}
