//! Real crashes: a child process aborts at each step of a change, and what it left is mended afterwards.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::home_tests::{call, open, sample_session};
use crate::command::{Cancel, Value};
use crate::model::{Certificate, Fingerprint};
use crate::session::{RecoverOrder, Session};
use crate::state::{CertificateQuery, Row, RowKey, State, Store};
use crate::x509::{PrivateKey, check_pair, read_any};

const TYPES: &str = "Default,WebServicesInternal,WebServicesExternal";
const KILL_AT: &str = "CERTLET_TEST_KILL_AT";
const HOME: &str = "CERTLET_TEST_HOME";

/// A home whose external web site is a program that reads files: certificate and key in two.
fn prepare(dir: &Path) -> (Session, Fingerprint, Fingerprint) {
    let (_home, session) = sample_session(dir);
    let (requested, outcome) =
        call(&session, "Request-CsCertificate", "ByNew", &[("New", Value::Bool(true)), ("Type", Value::text(TYPES))]);
    outcome.unwrap();
    let new = requested.emitted[0].property("Fingerprint").unwrap().display(&session.zone()).parse().unwrap();
    let old = session.assigned(None).unwrap()[0].row.certificate.unwrap();
    let file = dir.join("certlet.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let listener = "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"listener\"";
    assert!(text.contains(listener));
    let folder = dir.join("tls");
    std::fs::create_dir(&folder).unwrap();
    let files = format!(
        "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"files\"\ncertificate = \"{0}/site.pem\"\n\
         key = \"{0}/site.key\"\ntest = [\"/bin/true\"]\nreload = [\"/bin/true\"]",
        folder.display()
    );
    let binding = "information = \"*:4443:\"\nuse = \"WebServicesExternal\"\nendpoint = [\"127.0.0.1:0\"]";
    assert!(text.contains(binding));
    let text = text
        .replace(listener, &files)
        .replace(binding, "information = \"*:4443:\"\nuse = \"WebServicesExternal\"\nprove = []")
        .replace("matches = 20 ", "matches = 2 ")
        .replace("window = \"500ms\"", "window = \"20ms\"");
    std::fs::write(&file, text).unwrap();
    // What stands there before is the old pair, as its program would have it.
    let row = session.stored(&old).unwrap().unwrap();
    let leaf = session.certificate_of(&row).unwrap();
    let key = session.keys().unwrap().open(&row.key).unwrap();
    std::fs::write(folder.join("site.pem"), crate::x509::pem::encode_certificates([&leaf])).unwrap();
    std::fs::write(folder.join("site.key"), key.to_pem().unwrap().as_bytes()).unwrap();
    (session, old, new)
}

/// The part that runs in the child: a change that is aborted at the given step.
#[test]
fn child_that_aborts() {
    let (Ok(home), Ok(at)) = (std::env::var(HOME), std::env::var(KILL_AT)) else { return };
    let at: usize = at.parse().unwrap();
    let count = AtomicUsize::new(0);
    let (_home, session) = open(
        Path::new(&home),
        Some(Arc::new(move |_step: &str| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                std::process::abort();
            }
        })),
    );
    let new = newest(&session);
    let (_, outcome) = call(
        &session,
        "Set-CsCertificate",
        "Thumbprint",
        &[("Type", Value::text(TYPES)), ("Thumbprint", Value::from(new.to_string()))],
    );
    outcome.unwrap();
}

fn newest(session: &Session) -> Fingerprint {
    let query = CertificateQuery { store: Some(Store::My), ..CertificateQuery::default() };
    session.state().unwrap().certificates(&query).unwrap().last().unwrap().0
}

fn run_child(home: &Path, at: usize) -> bool {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "config::crash_tests::child_that_aborts", "--nocapture"])
        .env(HOME, home)
        .env(KILL_AT, at.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// All of the change or nothing of it: rows, listener and files agree.
fn assert_whole(dir: &Path, session: &Session, old: Fingerprint, new: Fingerprint, at: usize) {
    let state = session.state().unwrap();
    let assigned: Vec<Fingerprint> =
        session.assigned(None).unwrap().iter().map(|a| a.row.certificate.unwrap()).collect();
    let one = assigned[0];
    assert!(one == old || one == new);
    assert!(assigned.iter().all(|a| *a == one), "step {at}: {assigned:?}");
    for (key, row) in state.listener().unwrap() {
        if key.site != "Lync Server External Web Site" {
            assert_eq!(row.certificate, one, "step {at}: {key:?}");
        }
    }
    for (key, row) in state.bound().unwrap() {
        assert_eq!(row.certificate, one, "step {at}: {key:?}");
    }
    let leaf: Certificate =
        read_any(&std::fs::read(dir.join("tls/site.pem")).unwrap(), None).unwrap().certificates()[0].clone();
    let key: PrivateKey = read_any(&std::fs::read(dir.join("tls/site.key")).unwrap(), None).unwrap().keys()[0].clone();
    assert_eq!(leaf.fingerprint(), one, "step {at}: the file");
    check_pair(&leaf, &key).unwrap();
    assert!(state.open_operations().unwrap().is_empty(), "step {at}");
}

#[test]
fn killed_at_every_step_it_is_all_old_or_all_new() {
    let (mut saw_old, mut saw_new) = (false, false);
    for at in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let (_, old, new) = prepare(dir.path());
        let came_through = run_child(dir.path(), at);
        // A reader changes nothing and warns.
        let (_home, session) = open(dir.path(), None);
        let state = session.state().unwrap();
        let version = state.data_version().unwrap();
        let is_open = !state.open_operations().unwrap().is_empty();
        let (read, outcome) = call(&session, "Get-CsCertificate", "", &[]);
        outcome.unwrap();
        assert_eq!(read.said.iter().any(|s| s.contains("certlet recover")), is_open, "step {at}: {:?}", read.said);
        assert_eq!(state.data_version().unwrap(), version, "step {at}: a reader wrote");
        let recovered = session.recover(RecoverOrder::Automatic, &Cancel::new()).unwrap();
        assert!(recovered.iter().all(|r| !r.is_open && !r.needs_person), "step {at}: {recovered:?}");
        assert_whole(dir.path(), &session, old, new, at);
        let now = session.assigned(None).unwrap()[0].row.certificate.unwrap();
        (saw_old, saw_new) = (saw_old || now == old, saw_new || now == new);
        assert_no_key_outside(dir.path(), &session);
        if came_through {
            assert_eq!(now, new);
            assert!(saw_old && saw_new);
            return;
        }
    }
    panic!("the change never came to its end");
}

#[test]
fn what_a_person_mended_meanwhile_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (_, old, _) = prepare(dir.path());
    // Some step after the certificate file was written and before the commit.
    let mut at = 4;
    let pem = dir.path().join("tls/site.pem");
    let before = std::fs::read(&pem).unwrap();
    while std::fs::read(&pem).unwrap() == before {
        assert!(!run_child(dir.path(), at), "the change came through at {at}");
        at += 1;
        let (_home, session) = open(dir.path(), None);
        if std::fs::read(&pem).unwrap() == before {
            session.recover(RecoverOrder::Automatic, &Cancel::new()).unwrap();
        }
    }
    let mended = "# mended by hand\n";
    std::fs::write(&pem, mended).unwrap();
    let (_home, session) = open(dir.path(), None);
    let recovered = session.recover(RecoverOrder::Automatic, &Cancel::new()).unwrap();
    assert_eq!(recovered.len(), 1);
    assert!(recovered[0].needs_person, "{recovered:?}");
    assert_eq!(std::fs::read_to_string(&pem).unwrap(), mended);
    assert_eq!(session.assigned(None).unwrap()[0].row.certificate, Some(old));
}

/// No private key lies anywhere in the home but sealed, and in the files that were asked for.
fn assert_no_key_outside(dir: &Path, session: &Session) {
    let keys = session.keys().unwrap();
    let state: Arc<dyn State> = session.state().unwrap();
    let mut needles: Vec<Vec<u8>> = Vec::new();
    let query = CertificateQuery { store: Some(Store::My), ..CertificateQuery::default() };
    for (_, row) in state.certificates(&query).unwrap() {
        if let Some(Row::Key(_)) = state.row(&RowKey::Key(row.key)).unwrap() {
            let der = keys.open(&row.key).unwrap().to_pkcs8_der().unwrap();
            // P-256: the scalar begins at octet 36. RSA: the middle is the private exponent or a prime.
            let at = if der.len() < 300 { 36 } else { der.len() / 2 };
            needles.push(der[at..at + 24].to_vec());
        }
    }
    assert!(!needles.is_empty());
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            // A copy: opening the file itself would free the locks that this process holds on it.
            let copy = tempfile::NamedTempFile::new().unwrap();
            assert!(Command::new("cp").arg(&path).arg(copy.path()).status().unwrap().success());
            let bytes = std::fs::read(copy.path()).unwrap();
            for needle in &needles {
                assert!(!bytes.windows(needle.len()).any(|w| w == needle), "a key lies in {}", path.display());
            }
        }
    }
}
