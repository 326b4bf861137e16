//! `Export-PfxCertificate`: a certificate with its private key, to carry elsewhere.

use std::any::Any;
use std::path::PathBuf;

use serde_json::json;

use crate::cmdlets::cert_drive::StoredCertificate;
use crate::cmdlets::params::FORCE;
use crate::command::{
    Args, Example, Expect, FromValue, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Values, Verb, View,
    choice,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, Secret};
use crate::session::{Artefact, Session};
use crate::state::{CertificateRow, KeyRow, Row, RowKey};
use crate::x509::{PfxIdentity, PfxProtection, PrivateKey, write_pfx};

/// `-Cert`, for the verbs that write certificates to files; more may come by pipeline.
pub(super) static CERT: Param<Vec<StoredCertificate>> =
    Param::named("Cert", "The certificates: thumbprints, paths on the drive `Cert:`, or objects, also by pipeline")
        .at(0)
        .aliases(&["PsPath", "Thumbprint"]);
/// `-FilePath`, for the verbs that write certificates to files.
pub(super) static FILE_PATH: Param<String> =
    Param::named("FilePath", "The file to write").at(1).aliases(&["FullName"]).mandatory().values(Values::Files);
static PASSWORD: Param<Secret> = Param::named("Password", "The password that protects the file").mandatory().secret();
static CHAIN: Param<String> = Param::named("ChainOption", "Whether the authorities above go along")
    .values(Values::Choice(CHAINS))
    .default_text("BuildChain");
static CRYPTO: Param<String> = Param::named("CryptoAlgorithmOption", "How the file is encrypted")
    .values(Values::Choice(FORMS))
    .default_text("AES256_SHA256");
static NO_PROPERTIES: Param<Switch> = Param::named("NoProperties", "Leave the friendly name out");
/// `-NoClobber`, for the verbs that write certificates to files.
pub(super) static NO_CLOBBER: Param<Switch> = Param::named("NoClobber", "Do not replace a file that is there; stronger than -Force");

const CHAINS: &[&str] = &["BuildChain", "EndEntityCertOnly"];
const FORMS: &[&str] = &["AES256_SHA256", "TripleDES_SHA1"];

pub(crate) static SPEC: Spec = Spec {
    name: "Export-PfxCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write a certificate with its private key to a PFX file",
    description: "Only a key that was requested, imported or made as exportable leaves the store. The file is encrypted under the \
                  password and readable by its owner alone. Several certificates go into one file; the root does not go along.\n\n\
                  AES256_SHA256 (with 600,000 rounds) is read by Windows 10 and later, Java 8u301 and later, OpenSSL, NSS and \
                  GnuTLS of the last ten years; TripleDES_SHA1, the default of Windows, is for what is older and protects less.\n\n\
                  The audit log has a line before the file gets its name, so that no key leaves unseen, and one that tells \
                  whether it did.",
    sets: &[],
    parameters: &[
        &CERT.spec, &FILE_PATH.spec, &PASSWORD.spec, &CHAIN.spec, &CRYPTO.spec, &NO_PROPERTIES.spec, &NO_CLOBBER.spec, &FORCE.spec,
    ],
    input: Input::Whole,
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
    related: &["Import-PfxCertificate", "Get-PfxCertificate", "Export-Certificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

/// A certificate that is to leave with its key.
struct Leaving {
    fingerprint: Fingerprint,
    row: CertificateRow,
    certificate: Certificate,
    key: PrivateKey,
}

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let named = named(cx, args)?;
    let password = args.need(&PASSWORD, session)?;
    if password.expose().is_empty() {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "the password is empty: the private key would lie open")
            .about("Password"));
    }
    let chain = choice(&args.get(&CHAIN, session)?.unwrap_or_else(|| CHAINS[0].into()), CHAINS, "chain option")?;
    let protection = match choice(&args.get(&CRYPTO, session)?.unwrap_or_else(|| FORMS[0].into()), FORMS, "way of encryption")? {
        "TripleDES_SHA1" => PfxProtection::TripleDesSha1,
        _ => PfxProtection::Aes256Sha256,
    };
    let shown = args.need(&FILE_PATH, session)?;
    session.policy()?.check_change()?;
    for (_, row) in &named {
        check_exportable(session, row)?;
    }
    let path = target(session, &shown, args.on(&NO_CLOBBER))?;
    let thumbprints: Vec<String> = named.iter().map(|(_, row)| row.thumbprint.to_string()).collect();
    let action = format!("Export {} with private key", thumbprints.join(", "));
    if cx.what_if() {
        return cx.tell_what_if(&action, &shown);
    }
    if !args.on(&FORCE) && !cx.confirm(&action, &shown)? {
        return Ok(());
    }
    let (mut leaving, mut above) = (Vec::new(), Vec::new());
    for (fingerprint, row) in named {
        if chain == "BuildChain" {
            above.extend(session.chain_of(&row)?);
        }
        let (certificate, key) = (session.certificate_of(&row)?, session.keys()?.open(&row.key)?);
        leaving.push(Leaving { fingerprint, row, certificate, key });
    }
    above.sort_by_key(Certificate::fingerprint);
    above.dedup();
    let with_names = !args.on(&NO_PROPERTIES);
    let identities: Vec<PfxIdentity<'_>> = leaving
        .iter()
        .map(|one| PfxIdentity {
            key: &one.key,
            certificate: &one.certificate,
            friendly_name: if with_names { &one.row.friendly_name } else { "" },
        })
        .collect();
    let content = write_pfx(&identities, &above, &password, protection)?;
    let staged = Artefact::create(&path, &shown)?.stage(&content, true)?;
    let change = || {
        let one = |one: &Leaving| json!({"export": shown, "certificate": one.fingerprint.to_string(), "privateKey": true});
        leaving.iter().map(one).collect::<Vec<_>>().into()
    };
    // A line comes first: no key leaves without one, even when the machine stops in between.
    session.record(SPEC.name, "Begun", change(), &[])?;
    let placed = staged.place();
    session.record(SPEC.name, if placed.is_ok() { "Done" } else { "Failed" }, change(), &[])?;
    cx.emit(Value::object(ExportedFile { path: placed?, length: content.len() }))
}

/// The certificates of `-Cert` and those that are piped, each once.
///
/// # Errors
/// `MissingMandatoryParameter` without any; `CertificateNotFound`, `PathNotFound`, `AmbiguousThumbprint`.
pub(super) fn named(cx: &mut Invocation<'_>, args: &Args) -> Result<Vec<(Fingerprint, CertificateRow)>> {
    let session = cx.session();
    let mut wanted = args.get(&CERT, session)?.unwrap_or_default();
    while let Some(piped) = cx.next_input()? {
        wanted.extend(Vec::<StoredCertificate>::from_value(&piped, session)?);
    }
    if wanted.is_empty() {
        return Err(Error::new(ErrorId::MissingMandatoryParameter, "no certificate is given").about("Cert")
            .hint(r"name it as `-Cert Cert:\LocalMachine\My\THUMBPRINT`, or pipe it"));
    }
    let mut found: Vec<(Fingerprint, CertificateRow)> = Vec::new();
    for one in &wanted {
        let (fingerprint, row) = one.find(session)?;
        if !found.iter().any(|(known, _)| *known == fingerprint) {
            found.push((fingerprint, row));
        }
    }
    Ok(found)
}

/// Refuses a certificate whose private key may not leave the store, or is not there.
fn check_exportable(session: &Session, row: &CertificateRow) -> Result<()> {
    let found = session.state()?.row(&RowKey::Key(row.key))?;
    match found {
        Some(Row::Key(KeyRow { quarantined_until: None, exportable: true, .. })) => Ok(()),
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
        assert_eq!(lines.len(), 3, "the making, the begin and the end of the export");
        assert!(lines[1].line.contains(r#""Begun""#) && last.contains(r#""Done""#), "{lines:?}");
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
    fn several_go_into_one_file_in_either_form() {
        let folder = tempfile::tempdir().unwrap();
        let world = TestWorld::contoso();
        let mut made = Vec::new();
        for (name, kind) in [("a.contoso.com", "ECDSA_nistP256"), ("b.contoso.com", "ECDSA_nistP384")] {
            let new = [("DnsName", name.into()), ("KeyAlgorithm", kind.into()), ("FriendlyName", name.into())];
            made.extend(world.run(&new_self_signed_certificate::VERB, &new).emitted());
        }
        for (form, is_named) in [("AES256_SHA256", true), ("tripledes_sha1", false)] {
            let file = folder.path().join(form);
            let parameters = [
                ("FilePath", Value::from(file.to_str().unwrap())),
                ("Password", "s3cret".into()),
                ("CryptoAlgorithmOption", form.into()),
                ("NoProperties", (!is_named).into()),
            ];
            assert_eq!(world.run_with(&VERB, &parameters, made.clone()).emitted().len(), 1);
            let contents = read_any(&std::fs::read(&file).unwrap(), Some(&Secret::from("s3cret"))).unwrap();
            assert_eq!((contents.certificates().len(), contents.keys().len()), (2, 2), "{form}");
            for certificate in contents.certificates() {
                assert!(contents.key_of(certificate).is_some());
                let name = certificate.dns_names().next();
                assert_eq!(contents.friendly_name(certificate), name.filter(|_| is_named), "{form}");
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_placed_is_no_export() {
        let folder = tempfile::tempdir().unwrap();
        let world = TestWorld::contoso();
        let new = [("DnsName", "a.contoso.com".into()), ("KeyAlgorithm", "ECDSA_nistP256".into())];
        let made = world.run(&new_self_signed_certificate::VERB, &new).emitted().remove(0);
        std::fs::create_dir(folder.path().join("a.pfx")).unwrap();
        let file = folder.path().join("a.pfx");
        let parameters = [("Cert", made), ("FilePath", file.to_str().unwrap().into()), ("Password", "s3cret".into())];
        assert_eq!(world.run(&VERB, &parameters).error().id(), ErrorId::FileNotWritable);
        let lines = world.state.audit_after(0, 10).unwrap();
        assert!(lines.iter().all(|line| !line.line.contains("Export-PfxCertificate")), "{lines:?}");
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
