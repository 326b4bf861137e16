//! `Import-PfxCertificate`: certificates with their private keys.

use super::import_certificate::{FILE_PATH, LOCATION, store};
use crate::cmdlets::cert_drive::{STORE_ITEM, StoreItem};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Secret};
use crate::session::{Intake, Session, read_artefact};
use crate::state::{Row, RowKey, Store};
use crate::x509::read_any;

static PASSWORD: Param<Secret> = Param::named("Password", "The password of the file").secret();
static EXPORTABLE: Param<Switch> = Param::named("Exportable", "The private key may leave the store again");

pub(crate) static SPEC: Spec = Spec {
    name: "Import-PfxCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Store the certificates of a PFX file with their private keys",
    description: "Every certificate whose private key is in the file goes to the personal store, authorities that come along go to \
                  CA and Root; all in one step, or nothing. What is stored already is left as it is, also whether a key may leave. \
                  A PEM file that holds a key is taken too. Nothing is assigned, and no root is trusted for it.\n\nFiles of Windows, \
                  OpenSSL 1 to 3, Java, NSS and GnuTLS are read, with AES, Triple DES or RC2, also without integrity check; RC4, \
                  PBMAC1 and files that Windows protected for a user or group (-ProtectTo) are refused.",
    sets: &[],
    parameters: &[&FILE_PATH.spec, &LOCATION.spec, &PASSWORD.spec, &EXPORTABLE.spec],
    input: Input::EachObject,
    emits: Some(&STORE_ITEM),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "New-SelfSignedCertificate -DnsName a.contoso.com | Export-PfxCertificate -FilePath C:\\a.pfx -Password s3cret | \
                   Import-PfxCertificate -Password s3cret",
            says: "Finds that certificate and key are stored already",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Import-PfxCertificate -FilePath C:\\Certificates\\WebServer.pfx -Exportable",
            says: "Says so when the file is not there",
            expect: Expect::Fails(ErrorId::FileNotFound),
        },
    ],
    related: &["Export-PfxCertificate", "Get-PfxData", "Import-CsCertificate", "Import-Certificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let shown = args.need(&FILE_PATH, session)?;
    if store(session, args)? != Store::My {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "a certificate with a private key belongs to the personal store")
            .about("CertStoreLocation")
            .hint(r"leave it away, or write `Cert:\LocalMachine\My`; authorities find their place by themselves"));
    }
    session.policy()?.check_change()?;
    let password = args.get(&PASSWORD, session)?;
    let bytes = read_artefact(&session.resolve_path(&shown)?, &shown)?;
    let contents = read_any(&bytes, password.as_ref()).map_err(|e| e.about(shown.clone()))?;
    let with_key: Vec<_> = contents.certificates().iter().filter(|c| contents.key_of(c).is_some()).collect();
    if let Some(key) = contents.keys().first().filter(|_| with_key.is_empty()) {
        return Err(Error::new(ErrorId::KeyMismatch, format!("`{shown}` holds a private key without its certificate"))
            .about(crate::x509::Signer::key_id(key).to_string()));
    }
    for certificate in contents.certificates() {
        let action = if contents.key_of(certificate).is_some() { "Import certificate and private key" } else { "Import certificate" };
        let target = format!("{} ({})", certificate.thumbprint(), certificate.subject());
        if cx.what_if() {
            cx.tell_what_if(action, &target)?;
        }
    }
    if cx.what_if() || !cx.confirm("Import the certificates and private keys", &shown)? {
        return Ok(());
    }
    for certificate in &with_key {
        // A key that is stored keeps what was said of it first.
        let exportable = is_exportable(session, certificate)?;
        if exportable.is_some_and(|known| known != args.on(&EXPORTABLE)) {
            let (thumbprint, can) = (certificate.thumbprint(), if exportable == Some(true) { "may" } else { "may not" });
            let text = format!(
                r"the private key of {thumbprint} is stored already and {can} leave the store, as before; `Remove-Item Cert:\LocalMachine\My\{thumbprint} -DeleteKey` first lets it be imported anew"
            );
            cx.warn_as("KeyKept", text)?;
        }
    }
    let has_identity = !with_key.is_empty();
    let mut intake = Intake::begin(session, SPEC.name, &shown)?;
    let taken = intake.store_identities(&contents, args.on(&EXPORTABLE))?;
    if !has_identity {
        cx.warn_as("NoPrivateKey", format!("`{shown}` holds no private key"))?;
    }
    for one in taken {
        let state = if one.is_new { "stored" } else { "is stored already" };
        cx.verbose(format!("{} ({}) {state}, in {}", one.row.thumbprint, one.row.subject, one.row.store.name()))?;
        // The authorities that came along are not what was asked for.
        if one.has_key || !has_identity {
            cx.emit(Value::object(StoreItem::with_key(session, one.fingerprint, one.row, one.has_key)))?;
        }
    }
    Ok(())
}

/// Whether the stored key of a certificate may leave; `None` where none is stored that can be used.
fn is_exportable(session: &Session, certificate: &Certificate) -> Result<Option<bool>> {
    Ok(match session.state()?.row(&RowKey::Key(certificate.key_id()))? {
        Some(Row::Key(key)) if key.quarantined_until.is_none() => Some(key.exportable),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};
    use crate::command::Stream;
    use crate::model::KeyAlgorithm;
    use crate::state::State;
    use crate::x509::{PfxIdentity, PfxProtection, PrivateKey, Profile, Signer, pem, self_signed, write_pfx};

    struct File {
        folder: tempfile::TempDir,
        keys: [PrivateKey; 2],
        certificates: [crate::model::Certificate; 2],
    }

    impl File {
        fn new(world: &TestWorld) -> Self {
            let now = world.session().now();
            let keys = [(); 2].map(|()| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
            let names = Some(vec![crate::model::AlternativeName::host("a.example.com")]);
            let profile = Profile { alternative_names: names, ..Profile::server(now.plus_days(-1), now.plus_days(9)) };
            let made = |key| self_signed(key, &profile).unwrap();
            let certificates = [made(&keys[0]), made(&keys[1])];
            Self { folder: tempfile::tempdir().unwrap(), keys, certificates }
        }

        fn write(&self, bytes: &[u8]) -> Value {
            let path = self.folder.path().join("a.pfx");
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().into()
        }

        fn pfx(&self, authority: &crate::model::Certificate) -> Value {
            let identity = |i: usize| PfxIdentity { key: &self.keys[i], certificate: &self.certificates[i], friendly_name: "Shop" };
            let password = Secret::from("s3cret");
            let others = [authority.clone()];
            self.write(&write_pfx(&[identity(0), identity(1)], &others, &password, PfxProtection::Aes256Sha256).unwrap())
        }
    }

    #[test]
    fn keys_and_certificates_come_in_together_or_not_at_all() {
        let donor = TestWorld::contoso();
        let world = TestWorld::contoso();
        let file = File::new(&world);
        let path = file.pfx(&donor.authority.intermediate);
        let import = |more: &[(&str, Value)]| {
            let mut parameters = vec![("FilePath", path.clone())];
            parameters.extend(more.iter().cloned());
            world.run(&VERB, &parameters)
        };
        assert_eq!(import(&[("Password", "wrong".into())]).error().id(), ErrorId::BadPassword);
        assert_eq!(import(&[]).error().id(), ErrorId::BadPassword);
        let elsewhere = [("Password", "s3cret".into()), ("CertStoreLocation", r"Cert:\LocalMachine\CA".into())];
        assert_eq!(import(&elsewhere).error().id(), ErrorId::ParameterArgumentValidationError);
        assert!(world.state.audit_after(0, 10).unwrap().is_empty());
        let done = import(&[("Password", "s3cret".into()), ("Exportable", true.into())]);
        let found = done.emitted();
        assert_eq!(texts(&found, "HasPrivateKey"), ["True", "True"]);
        assert_eq!(texts(&found, "FriendlyName"), ["Shop", "Shop"]);
        let mut thumbprints = texts(&found, "Thumbprint");
        let mut wanted = file.certificates.iter().map(|c| c.thumbprint().to_string()).collect::<Vec<_>>();
        thumbprints.sort();
        wanted.sort();
        assert_eq!(thumbprints, wanted);
        for key in &file.keys {
            assert!(matches!(world.state.row(&RowKey::Key(key.key_id())).unwrap(), Some(Row::Key(row)) if row.exportable));
        }
        let above = RowKey::Certificate(donor.authority.intermediate.fingerprint());
        assert!(matches!(world.state.row(&above).unwrap(), Some(Row::Certificate(row)) if row.store == Store::Ca));
        let lines = world.state.audit_after(0, 10).unwrap();
        assert!(lines.len() == 1 && !lines[0].line.contains("s3cret"));
        // Once more, and nothing changes: also not what may be done with the keys, which is told.
        let same = import(&[("Password", "s3cret".into()), ("Exportable", true.into())]);
        assert!(same.said(Stream::Warning).is_empty());
        let stricter = import(&[("Password", "s3cret".into())]);
        assert_eq!((stricter.said(Stream::Warning).len(), stricter.emitted().len()), (2, 2));
        assert_eq!(world.state.audit_after(0, 10).unwrap().len(), 1);
    }

    #[test]
    fn a_pem_file_with_a_key_is_taken_and_a_key_alone_is_not() {
        let world = TestWorld::contoso();
        let file = File::new(&world);
        let certificate = pem::encode(pem::CERTIFICATE, file.certificates[0].der());
        let key = file.keys[0].to_pem().unwrap();
        let import = |text: &str| world.run(&VERB, &[("FilePath", file.write(text.as_bytes()))]);
        assert_eq!(import(&key).error().id(), ErrorId::KeyMismatch);
        let stranger = file.keys[1].to_pem().unwrap();
        assert_eq!(import(&format!("{}{}", *certificate, *stranger)).error().id(), ErrorId::KeyMismatch);
        assert!(world.state.audit_after(0, 10).unwrap().is_empty());
        assert_eq!(texts(&import(&format!("{}{}", *key, *certificate)).emitted(), "HasPrivateKey"), ["True"]);
        assert!(matches!(world.state.row(&RowKey::Key(file.keys[0].key_id())).unwrap(), Some(Row::Key(row)) if !row.exportable));
        let done = import(&certificate);
        assert!(done.said(Stream::Warning).iter().any(|w| w.contains("no private key")));
        assert_eq!(done.emitted().len(), 1);
    }
}
