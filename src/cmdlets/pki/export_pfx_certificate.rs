//! `Export-PfxCertificate`: a certificate with its private key, to carry elsewhere.

use std::any::Any;
use std::path::PathBuf;

use serde_json::json;

use super::test_certificate::CertPath;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Switch, Value, Values, Verb, View,
};
use crate::cmdlets::params::FORCE;
use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;
use crate::session::{Artefact, Session, find_certificate};
use crate::state::{CertificateRow, KeyRow, Row, RowKey};
use crate::x509::write_pfx;

static CERT: Param<CertPath> = Param::named("Cert", "The certificate: its thumbprint, or a record of it")
    .at(0)
    .aliases(&["PsPath", "Thumbprint"])
    .mandatory()
    .from_pipeline(Pipeline::ByValue);
static FILE_PATH: Param<String> = Param::named("FilePath", "The file to write").at(1).aliases(&["FullName"]).mandatory().values(Values::Files);
static PASSWORD: Param<Secret> = Param::named("Password", "The password that protects the file").mandatory().secret();
static CHAIN: Param<String> = Param::named("ChainOption", "Whether the authorities above it go along")
    .values(Values::Choice(&["BuildChain", "EndEntityCertOnly"]))
    .default_text("BuildChain");
/// `-NoClobber`, for the verbs that write certificates to files.
pub(super) static NO_CLOBBER: Param<Switch> = Param::named("NoClobber", "Do not replace a file that is there; stronger than -Force");

pub(crate) static SPEC: Spec = Spec {
    name: "Export-PfxCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write a certificate with its private key to a PFX file",
    description: "Only a key that was requested, imported or made as exportable leaves the store. The file is encrypted with \
                  AES-256 under the password and readable by its owner alone, and the audit log tells who took the key where \
                  before the file is there.",
    sets: &[],
    parameters: &[&CERT.spec, &FILE_PATH.spec, &PASSWORD.spec, &CHAIN.spec, &NO_CLOBBER.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: Some(&EXPORTED_FILE),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "New-SelfSignedCertificate -DnsName www.contoso.com | Export-PfxCertificate -FilePath C:\\Certificates\\www.pfx \
                   -Password s3cret",
            says: "Writes a new certificate and its key to a file",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Get-CsCertificate -Type Default | Export-PfxCertificate -FilePath C:\\Certificates\\old.pfx -Password s3cret",
            says: "Is refused when the key may not leave the store",
            expect: Expect::Fails(ErrorId::PrivateKeyNotExportable),
        },
    ],
    related: &["Get-PfxCertificate", "Import-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let CertPath::Stored(selector) = args.need(&CERT, session)? else {
        return Err(Error::new(ErrorId::CertificateNotFound, "the certificate stands in a file and not in the store")
            .hint("`Import-CsCertificate` brings it into the store"));
    };
    let password = args.need(&PASSWORD, session)?;
    if password.expose().is_empty() {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "the password is empty: the private key would lie open")
            .about("Password"));
    }
    let shown = args.need(&FILE_PATH, session)?;
    session.policy()?.check_change()?;
    let (fingerprint, row) = find_certificate(session, &selector)?;
    let key_row = exportable(session, &row)?;
    let path = target(session, &shown, args.on(&NO_CLOBBER))?;
    let action = format!("Export certificate {} with its private key", row.thumbprint);
    if cx.what_if() {
        return cx.tell_what_if(&action, &shown);
    }
    if !args.on(&FORCE) && !cx.confirm(&action, &shown)? {
        return Ok(());
    }
    let mut chain = vec![session.certificate_of(&row)?];
    if args.get(&CHAIN, session)?.is_none_or(|word| word.eq_ignore_ascii_case("BuildChain")) {
        chain.extend(session.chain_of(&row)?);
    }
    let key = session.keys()?.open(&key_row)?;
    let content = write_pfx(&key, &chain, &row.friendly_name, &password)?;
    let artefact = Artefact::create(&path, &shown)?;
    // The line comes first: no key leaves without one, even when the machine stops in between.
    let change = json!([{"export": shown, "certificate": fingerprint.to_string(), "privateKey": true}]);
    session.record(SPEC.name, "Done", change, &[])?;
    let path = artefact.finish(&content, true)?;
    cx.emit(Value::object(ExportedFile { path, length: content.len() }))
}

/// The id of the private key of a certificate, where it may leave the store.
fn exportable(session: &Session, row: &CertificateRow) -> Result<crate::model::KeyId> {
    let found = session.state()?.row(&RowKey::Key(row.key))?;
    match found {
        Some(Row::Key(KeyRow { quarantined_until: None, exportable: true, .. })) => Ok(row.key),
        Some(Row::Key(KeyRow { quarantined_until: None, .. })) => Err(Error::new(
            ErrorId::PrivateKeyNotExportable,
            format!("the private key of certificate `{}` may not leave the store", row.thumbprint),
        )
        .about(row.thumbprint.to_string())
        .hint("request a new one with `Request-CsCertificate -New -PrivateKeyExportable $true`")),
        _ => Err(Error::new(ErrorId::NoPrivateKey, format!("certificate `{}` has no private key here", row.thumbprint))
            .about(row.thumbprint.to_string())),
    }
}

/// The file to write to; with `keep`, only one that is not there yet.
///
/// # Errors
/// `PathNotAllowed`, `FileNotWritable`.
pub(super) fn target(session: &Session, shown: &str, keep: bool) -> Result<PathBuf> {
    let path = session.resolve_path(shown)?;
    if keep && path.exists() {
        return Err(Error::new(ErrorId::FileNotWritable, format!("`{shown}` is there already, and `-NoClobber` keeps it")).about(shown));
    }
    Ok(path)
}

/// A file that was written.
pub(super) struct ExportedFile {
    pub(super) path: PathBuf,
    /// In octets.
    pub(super) length: usize,
}

pub(super) static EXPORTED_FILE: Kind =
    Kind::new("FileInfo", const { &[Property::new("FullName"), Property::new("Length")] }, View::ByCount);

impl Record for ExportedFile {
    fn kind(&self) -> &Kind {
        &EXPORTED_FILE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.path.display().to_string()),
            1 => i64::try_from(self.length).unwrap_or(i64::MAX).into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.path.display().to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::pki::new_self_signed_certificate;
    use crate::cmdlets::testing::{TestWorld, texts};
    use crate::state::State;
    use crate::x509::read_any;

    #[test]
    fn an_exportable_key_leaves_with_a_line_in_the_audit_log() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pfx");
        let world = TestWorld::contoso();
        let new = [("DnsName", "a.contoso.com".into()), ("KeyAlgorithm", "ECDSA_nistP256".into())];
        let made = world.run(&new_self_signed_certificate::VERB, &new).emitted();
        let export = |more: &[(&str, Value)]| {
            let mut parameters =
                vec![("Cert", made[0].clone()), ("FilePath", file.to_str().unwrap().into()), ("Password", "s3cret".into())];
            parameters.extend(more.iter().cloned());
            world.run(&VERB, &parameters)
        };
        assert_eq!(texts(&export(&[]).emitted(), "FullName"), [file.display().to_string()]);
        let contents = read_any(&std::fs::read(&file).unwrap(), Some(&Secret::from("s3cret"))).unwrap();
        let (leaf, _) = contents.identity().unwrap();
        assert_eq!(texts(&made, "Thumbprint"), [leaf.thumbprint().to_string()]);
        let lines = world.state.audit_after(0, 10).unwrap();
        let last = &lines.last().unwrap().line;
        assert!(last.contains("Export-PfxCertificate") && last.contains(r#""privateKey":true"#) && !last.contains("s3cret"), "{last}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(export(&[("NoClobber", true.into())]).error().id(), ErrorId::FileNotWritable);
        assert_eq!(export(&[("Password", "".into())]).error().id(), ErrorId::ParameterArgumentValidationError);
        assert_eq!(world.state.audit_after(0, 10).unwrap().len(), lines.len());
    }

    #[test]
    fn other_keys_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pfx");
        let export = |world: &TestWorld| {
            let parameters = [
                ("Cert", Value::from(world.thumbprint("old"))),
                ("FilePath", file.to_str().unwrap().into()),
                ("Password", "s3cret".into()),
            ];
            world.run(&VERB, &parameters).error().id()
        };
        assert_eq!(export(&TestWorld::contoso()), ErrorId::PrivateKeyNotExportable);
        assert_eq!(export(&TestWorld::contoso().without_key("old")), ErrorId::NoPrivateKey);
        assert!(!file.exists());
    }
}
