//! `Import-CsCertificate`: certificates that did not come by an online request.

use serde_json::json;

use crate::cmdlets::params::{FORCE, REPORT, Report};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Secret};
use crate::session::read_artefact;
use crate::state::{CertificateRow, KeyRow, RequestStatus, Row, RowKey, Store, Write};
use crate::x509::{Contents, build_chain, read_any};

static PATH: Param<String> =
    Param::named("Path", "The file: PFX, PEM, DER or P7B").mandatory().values(crate::command::Values::Files);
static PASSWORD: Param<Secret> = Param::named("Password", "The password of the file").secret();
static EXPORTABLE: Param<bool> =
    Param::named("PrivateKeyExportable", "Whether the private key may leave the store again").default_text("$false");

pub(crate) static SPEC: Spec = Spec {
    name: "Import-CsCertificate",
    twin: Some("Import-TlsCertificate"),
    aliases: &[],
    functions: &[],
    synopsis: "Bring a certificate from a file into the store",
    description: "Takes a PFX with its key, or the answer to a request file: a certificate whose key was made here is joined \
                  to it. Authorities that come along are kept beside it. Nothing is assigned: `Set-CsCertificate` does that. \
                  A certificate that is stored already is left as it is.",
    sets: &[],
    parameters: &[&PATH.spec, &PASSWORD.spec, &EXPORTABLE.spec, &FORCE.spec, &REPORT.spec],
    input: Input::None,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Import-CsCertificate -Path C:\\Certificates\\WebServer.pfx -PrivateKeyExportable $True",
        says: "Says so when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Set-CsCertificate", "Find-TlsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let report = Report::open(session, args)?;
    let shown = args.need(&PATH, session)?;
    let path = session.resolve_path(&shown)?;
    let password = args.get(&PASSWORD, session)?;
    let exportable = args.get(&EXPORTABLE, session)?.unwrap_or(false);
    session.policy()?.check_change()?;
    let bytes = read_artefact(&path, &shown)?;
    let contents = read_any(&bytes, password.as_ref()).map_err(|e| e.about(shown.clone()))?;
    let Some(leaf) = leaf_of(&contents) else {
        return Err(Error::new(ErrorId::BadCertificateFile, format!("`{shown}` holds no certificate")).about(shown));
    };
    let state = session.state()?;
    let now = session.now();
    let origin = format!("import of {shown}");
    let fingerprint = leaf.fingerprint();
    let mut writes = Vec::new();
    let known = session.stored(&fingerprint)?;
    let key = contents.key_of(&leaf);
    let key_row = RowKey::Key(leaf.key_id());
    let kept = state.row(&key_row)?;
    let has_key = key.is_some() || kept.is_some();
    if cx.what_if() {
        return cx.tell_what_if("Import certificate", &format!("{} ({})", leaf.thumbprint(), leaf.subject()));
    }
    match (key, kept) {
        (Some(key), None) => writes.push(session.keys()?.seal(key, exportable, now)?),
        // The answer to a request that was cleared: its key comes out of quarantine.
        (_, Some(Row::Key(kept))) if kept.quarantined_until.is_some() => {
            let freed = KeyRow { quarantined_until: None, ..kept.clone() };
            writes.push(Write::replace(key_row, Some(Row::Key(kept)), Some(Row::Key(freed))));
        }
        _ => {}
    }
    let others: Vec<Certificate> = contents.certificates().iter().filter(|c| **c != leaf).cloned().collect();
    let above: Vec<Certificate> = build_chain(&leaf, &others, &[]).certificates.into_iter().skip(1).collect();
    if let Some(row) = &known {
        cx.verbose(format!("certificate {} is stored already", row.thumbprint))?;
    } else {
        let mut row = CertificateRow::of(&leaf, Store::My, &origin, now);
        contents.friendly_name(&leaf).unwrap_or_default().clone_into(&mut row.friendly_name);
        row.chain = above.iter().map(Certificate::fingerprint).collect();
        writes.push(Write::put(RowKey::Certificate(fingerprint), Row::Certificate(row)));
    }
    for authority in &above {
        writes.extend(session.store_authority(authority, &origin)?);
    }
    for mut request in state.requests()? {
        let waits = matches!(request.status, RequestStatus::Pending | RequestStatus::Submitting);
        if request.key == leaf.key_id() && waits {
            let old = Row::Request(request.clone());
            request.status = RequestStatus::Issued;
            request.certificate = Some(fingerprint);
            "answered by an imported file".clone_into(&mut request.message);
            writes.push(Write::replace(RowKey::Request(request.id), Some(old), Some(Row::Request(request))));
        }
    }
    if !writes.is_empty() {
        let change = json!([{"import": shown, "certificate": fingerprint.to_string(), "subject": leaf.subject().to_string()}]);
        session.record(SPEC.name, "Done", change, &writes)?;
    }
    if !has_key {
        cx.warn_as(
            "NoPrivateKey",
            format!("certificate {} came without its private key and cannot be assigned", leaf.thumbprint()),
        )?;
    }
    cx.verbose(format!("imported {} ({})", leaf.thumbprint(), leaf.subject()))?;
    let Some(row) = session.stored(&fingerprint)? else { return Ok(()) };
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &row)?))?;
    report.finish(session, cx, SPEC.name, &[format!("imported {} from {shown}", leaf.thumbprint())])
}

/// The certificate that the file is about: the one with a key, else the one that issued no other.
fn leaf_of(contents: &Contents) -> Option<Certificate> {
    if let Some((leaf, _)) = contents.identity() {
        return Some(leaf.clone());
    }
    let all = contents.certificates();
    all.iter().find(|c| !all.iter().any(|o| o != *c && o.issuer().der() == c.subject().der())).or(all.first()).cloned()
}
