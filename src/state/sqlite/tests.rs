//! The state in a file keeps the contract, and what only a file can get wrong.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::certificates::question;
use super::{SqliteOptions, SqliteState};
use crate::error::{Error, ErrorId};
use crate::model::{KeyId, Moment};
use crate::state::contract::{certificate, contract, draft, put_certificate, two_handles};
use crate::state::{CertificateQuery, KeyRow, Row, RowKey, Sealed, State, Store, Write};

#[test]
fn keeps_the_contract() {
    let homes = RefCell::new(Vec::new());
    let home = || {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        homes.borrow_mut().push(home);
        path
    };
    contract(|| Arc::new(open(&home())));
    two_handles(|| {
        let home = home();
        [Arc::new(open(&home)), Arc::new(open(&home))]
    });
}

#[test]
fn many_open_a_new_state_at_once() {
    let home = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let home = home.path();
            scope.spawn(move || open(home).write(&[put_certificate(n)]).unwrap());
        }
    });
    assert_eq!(open(home.path()).certificates(&CertificateQuery::default()).unwrap().len(), 8);
}

#[test]
fn what_was_written_is_there_after_a_drop_without_close() {
    let home = tempfile::tempdir().unwrap();
    let state = open(home.path());
    let id = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    state.journal(id, "intent").unwrap();
    let lease = state.lease("change", "pid 1", Duration::ZERO).unwrap();
    drop((lease, state));
    let state = open(home.path());
    assert_eq!(state.lease_holder("change").unwrap(), None);
    assert_eq!(state.open_operations().unwrap()[0].entries, ["intent"]);
    assert_eq!(state.open(Moment::from_unix(1), "m", "{}").unwrap(), id + 1);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let mode = |name: &str| fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777;
    let state = open(home.path());
    let lease = state.lease("change", "x", Duration::ZERO).unwrap();
    state.write(&[put_certificate(1)]).unwrap();
    for name in ["state.db", "state.db-wal", "state.db-shm", "change.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    drop((lease, state));
    fs::set_permissions(home.path().join("state.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let _state = open(home.path());
    assert_eq!(mode("state.db"), 0o600);
}

#[test]
fn a_newer_state_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()));
    let db = Connection::open(home.path().join("state.db")).unwrap();
    db.pragma_update(None, "user_version", super::schema::VERSION + 1).unwrap();
    drop(db);
    let before = fs::read(home.path().join("state.db")).unwrap();
    let error = refused(&home.path().join("state.db"));
    assert_eq!(error.id(), ErrorId::StoreTooNew);
    assert!(error.message().contains("version 2"), "{error}");
    assert_eq!(fs::read(home.path().join("state.db")).unwrap(), before);
}

#[test]
fn what_is_no_state_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let garbage = home.path().join("garbage.db");
    fs::write(&garbage, "not a database, but long enough to look at\n".repeat(200)).unwrap();
    assert_eq!(refused(&garbage).id(), ErrorId::StoreUnavailable);
    assert_eq!(fs::read(&garbage).unwrap(), "not a database, but long enough to look at\n".repeat(200).as_bytes());

    let foreign = home.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE meta (x); PRAGMA user_version = 1").unwrap();
    let error = refused(&foreign);
    assert_eq!(error.id(), ErrorId::StoreUnavailable);
    assert!(error.message().contains("another program"), "{error}");

    assert_eq!(refused(home.path()).id(), ErrorId::StoreUnavailable, "a folder");
    assert_eq!(refused(&home.path().join("no/such/folder.db")).id(), ErrorId::StoreUnavailable);
}

#[test]
fn a_damaged_state_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let state = open(home.path());
    state.write(&(0..200).map(put_certificate).collect::<Vec<_>>()).unwrap();
    drop(state);
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096..length].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    let error = SqliteState::open(&path, SqliteOptions::in_home(home.path()))
        .and_then(|state| state.certificates(&CertificateQuery::default()).map(drop))
        .unwrap_err();
    assert_eq!(error.id(), ErrorId::StoreUnavailable);
    assert!(error.message().contains("damaged"), "{error}");

    fs::write(&path, &bytes[..length / 2]).unwrap();
    let outcome = SqliteState::open(&path, SqliteOptions::in_home(home.path()))
        .and_then(|state| state.certificates(&CertificateQuery::default()).map(drop));
    assert_eq!(outcome.unwrap_err().id(), ErrorId::StoreUnavailable, "cut in half");
}

#[cfg(unix)]
#[test]
fn a_folder_without_rights_makes_the_state_unavailable() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&folder).is_ok() {
        // Whoever may read everything cannot be locked out.
        return;
    }
    assert_eq!(refused(&folder.join("state.db")).id(), ErrorId::StoreUnavailable);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_locked_state_is_unavailable_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    drop(open(home.path()));
    let options = SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::in_home(home.path()) };
    let state = SqliteState::open(&path, options).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = state.write(&[put_certificate(1)]).unwrap_err();
    assert_eq!(error.id(), ErrorId::StoreUnavailable);
    assert!(error.message().contains("locked by another process"), "{error}");
    assert_eq!(state.certificates(&CertificateQuery::default()).unwrap(), [], "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    state.write(&[put_certificate(1)]).unwrap();
}

#[test]
fn a_full_disk_leaves_nothing_half_done() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    drop(open(home.path()));
    let options = SqliteOptions { max_pages: Some(60), ..SqliteOptions::in_home(home.path()) };
    let state = SqliteState::open(&path, options).unwrap();
    let operation = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    let batch: Vec<Write> = (0..300).map(put_certificate).collect();
    let big = "x".repeat(1 << 20);
    for error in [
        state.write(&batch).unwrap_err(),
        state.journal(operation, &big).unwrap_err(),
        state.close(operation, &batch, &draft("Set")).unwrap_err(),
        state.record(&batch, &draft("Set")).unwrap_err(),
        state.open(Moment::from_unix(1), "m", &big).unwrap_err(),
        state.next_number(&big).unwrap_err(),
    ] {
        assert_eq!(error.id(), ErrorId::DiskFull, "{error}");
    }
    assert_eq!(state.certificates(&CertificateQuery::default()).unwrap(), []);
    assert_eq!(state.open_operations().unwrap()[0].entries, Vec::<String>::new());
    assert_eq!(state.audit_after(0, 9).unwrap(), []);
    state.write(&batch[..1]).unwrap();
    state.close(operation, &[], &draft("recover")).unwrap();
    drop(state);
    assert_eq!(open(home.path()).certificates(&CertificateQuery::default()).unwrap(), [certificate(0)]);
}

#[test]
fn the_audit_table_takes_no_change() {
    let home = tempfile::tempdir().unwrap();
    let state = open(home.path());
    for _ in 0..3 {
        state.record(&[], &draft("Set")).unwrap();
    }
    drop(state);
    let db = Connection::open(home.path().join("state.db")).unwrap();
    for sql in [
        "UPDATE audit SET line = 'x' WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit VALUES (2, 'x')",
        "INSERT INTO audit VALUES (9, 'x')",
    ] {
        assert!(db.execute_batch(sql).is_err(), "{sql}");
    }
}

#[test]
fn removed_secrets_leave_no_bytes() {
    let home = tempfile::tempdir().unwrap();
    let state = open(home.path());
    let marker = |n: u32| format!("sealed-bytes-number-{n:04}-").into_bytes();
    let key = |n: u32| RowKey::Key(KeyId::from_bytes(*crate::state::contract::fingerprint(n).as_bytes()));
    let sealed = |n: u32| {
        // Sizes from an elliptic key to a big RSA one, and beyond a page.
        let size = [138, 1250, 2400, 700, 6000][n as usize % 5];
        Sealed(marker(n).into_iter().cycle().take(size).collect())
    };
    let row = |n: u32| {
        let (sealed, added) = (sealed(n), Moment::from_unix(1));
        Row::Key(KeyRow { sealed, exportable: false, added, quarantined_until: None })
    };
    const KEYS: u32 = 400;
    for part in (0..KEYS).collect::<Vec<_>>().chunks(20) {
        state.write(&part.iter().map(|n| Write::put(key(*n), row(*n))).collect::<Vec<_>>()).unwrap();
    }
    let operation = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    let image = Write::put(RowKey::before_image(operation, "key file"), Row::BeforeImage(sealed(9001)));
    state.journal_with(operation, "intent", &[image]).unwrap();
    let secret = |text: &str| Write::put(RowKey::Setting("store-secret".into()), Row::Setting(text.into()));
    state.write(&[secret("sealed-bytes-number-9002-")]).unwrap();
    state.write(&[secret("sealed-bytes-number-9003-")]).unwrap();
    state.close(operation, &[], &draft("Set")).unwrap();
    let left = |n: u32| !n.is_multiple_of(7);
    let mut order: Vec<u32> = (0..KEYS).filter(|n| !left(*n)).collect();
    order.extend((0..KEYS).filter(|n| left(*n) && n % 2 == 0).rev());
    order.extend((0..KEYS).filter(|n| left(*n) && n % 2 == 1 && n % 3 != 0));
    for part in order.chunks(5) {
        state.write(&part.iter().map(|n| Write::remove(key(*n))).collect::<Vec<_>>()).unwrap();
    }
    // Read last, and in the end: closing such a file frees the locks that this process has on it.
    let bytes = all_bytes(home.path());
    let stands = |n: u32| bytes.windows(25).any(|w| w == marker(n));
    let residue: Vec<u32> = order.iter().copied().chain([9001, 9002]).filter(|n| stands(*n)).collect();
    assert_eq!(residue, Vec::<u32>::new());
    assert!(stands(3) && stands(9003), "what was kept is there, so the search can find");
}

fn all_bytes(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.flatten().collect()
}

fn open(home: &Path) -> SqliteState {
    SqliteState::open(&home.join("state.db"), SqliteOptions::in_home(home)).unwrap()
}

fn refused(path: &Path) -> Error {
    let home: PathBuf = path.parent().unwrap().to_owned();
    SqliteState::open(path, SqliteOptions::in_home(home)).map(drop).unwrap_err()
}
