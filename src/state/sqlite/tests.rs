//! The state in a file keeps the contract, and what only a file can get wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::certificates::{COLUMNS, LISTED, question};
use super::{SqliteOptions, SqliteState};
use crate::error::{Error, ErrorId};
use crate::model::{KeyId, Moment};
use crate::state::contract::{certificate, contract, draft, fingerprint, put_certificate, samples, two_handles};
use crate::state::{CertificateQuery, KeyRow, Row, RowKey, Sealed, State, Store, Write, next_number};

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
    assert!(error.message().contains(&format!("version {}", super::schema::VERSION + 1)), "{error}");
    assert_eq!(fs::read(home.path().join("state.db")).unwrap(), before);
}

#[test]
fn an_older_state_is_brought_forward_with_all_that_it_holds() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    // As the first version wrote it: octets in hexadecimal, names in a table of their own.
    let (fingerprint, row) = certificate(1);
    let all = samples();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(super::schema::STEPS[0]).unwrap();
    db.pragma_update(None, "application_id", super::schema::APPLICATION).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    db.execute(
        "INSERT INTO certificates VALUES (7, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, x'', ?12, ?13, NULL, ?14)",
        params![
            fingerprint.as_bytes(),
            row.thumbprint.as_bytes(),
            row.key.as_bytes(),
            row.serial,
            row.not_before.unix(),
            row.not_after.unix(),
            row.store.name(),
            row.friendly_name,
            row.subject,
            row.issuer,
            serde_json::to_string(&row.names).unwrap(),
            row.origin,
            row.added.unix(),
            row.der,
        ],
    )
    .unwrap();
    for name in &row.names {
        let reversed: String = name.chars().rev().collect();
        db.execute("INSERT INTO certificate_names VALUES (7, ?1, ?2)", [name, &reversed]).unwrap();
    }
    for (key, first, _) in &all {
        let body = match first {
            Row::Request(row) => serde_json::to_string(row),
            Row::Submission(row) => serde_json::to_string(row),
            _ => continue,
        };
        match key {
            RowKey::Request(id) => {
                db.execute("INSERT INTO requests VALUES (?1, ?2)", params![*id as i64, body.unwrap()])
            }
            RowKey::Submission(authority, number) => db.execute(
                "INSERT INTO submissions (authority, number, serial, body) VALUES (?1, ?2, '61', ?3)",
                params![authority, number, body.unwrap()],
            ),
            _ => unreachable!(),
        }
        .unwrap();
    }
    drop(db);

    let state = open(home.path());
    let version: i64 = state.connection().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, super::schema::VERSION);
    let mut known = row.clone();
    known.chain.clear();
    known.banned = None;
    for name in row.names.iter().map(String::as_str).chain(["*1.contoso.com"]) {
        let query = CertificateQuery { name: Some(name.to_owned()), ..CertificateQuery::default() };
        assert_eq!(state.certificates(&query).unwrap(), [(fingerprint, known.clone())], "{name}");
    }
    let moved = |row: &Row| matches!(row, Row::Request(_) | Row::Submission(_));
    let moved: Vec<_> = all.iter().filter(|(_, first, _)| moved(first)).collect();
    assert_eq!(moved.len(), 2);
    for (key, first, _) in moved {
        assert_eq!(state.row(key).unwrap().as_ref(), Some(first), "{key}");
    }
    let query =
        CertificateQuery { subject: Some("CN=x".to_owned()), store: Some(Store::Ca), ..CertificateQuery::default() };
    assert!(plan_of(&state, &query).contains("certificates_by_subject (subject=?)"), "{}", plan_of(&state, &query));
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
        state.write(&[next_number(&state, &big).unwrap().1]).unwrap_err(),
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
    let mut kept = BTreeSet::new();
    // Puts and removals in a jumble, so that pages are split, joined and packed while secrets stand in them.
    let mut random = 1_u32;
    for round in 0..120 {
        let mut batch = Vec::new();
        for _ in 0..10 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = (random >> 12) % 300;
            let wanted = random >> 31 == 0 && round < 100;
            batch.push(if wanted { Write::put(key(n), key_row(n)) } else { Write::remove(key(n)) });
            if wanted {
                kept.insert(n)
            } else {
                kept.remove(&n)
            };
        }
        state.write(&batch).unwrap();
    }
    let operation = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    let image = Write::put(RowKey::before_image(operation, "key file"), Row::BeforeImage(sealed(9001)));
    state.journal_with(operation, "intent", &[image]).unwrap();
    let secret = |n: u32| Write::put(RowKey::Setting("store-secret".into()), Row::Setting(marker(n)));
    state.write(&[secret(9002)]).unwrap();
    state.write(&[secret(9003)]).unwrap();
    state.close(operation, &[], &draft("Set")).unwrap();
    kept.insert(9003);
    assert!(kept.len() > 20);
    // Read in the end: closing such a file frees the locks that this process has on it.
    assert_eq!(markers_in(home.path()), kept);
}

#[test]
fn secrets_that_a_reader_kept_in_the_log_go_with_the_next_write() {
    let home = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::in_home(home.path()) };
    let state = SqliteState::open(&home.path().join("state.db"), options).unwrap();
    state.write(&[Write::put(key(1), key_row(1))]).unwrap();
    let reader = Connection::open(home.path().join("state.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM keys").unwrap();
    reader.query_row("SELECT count(*) FROM keys", [], |row| row.get::<_, i64>(0)).unwrap();
    state.write(&[Write::remove(key(1))]).unwrap();
    assert!(state.connection().query_row("SELECT scrub <> 0 FROM meta", [], |row| row.get::<_, bool>(0)).unwrap());
    reader.execute_batch("COMMIT").unwrap();
    state.write(&[put_certificate(1)]).unwrap();
    assert!(state.connection().query_row("SELECT scrub = 0 FROM meta", [], |row| row.get::<_, bool>(0)).unwrap());
    assert_eq!(markers_in(home.path()), BTreeSet::new());
}

#[test]
fn thousands_of_certificates_are_answered_from_an_index() {
    let home = tempfile::tempdir().unwrap();
    let state = open(home.path());
    for part in (0..6000).collect::<Vec<u32>>().chunks(1000) {
        state.write(&part.iter().map(|n| put_certificate(*n)).collect::<Vec<_>>()).unwrap();
    }
    let (_, row) = certificate(4321);
    let any = CertificateQuery::default;
    let after = Some((row.not_after, fingerprint(4321)));
    let any = || CertificateQuery { store: Some(Store::My), ..any() };
    let named = |name: &str| CertificateQuery { name: Some(name.to_owned()), ..any() };
    // In the order of the index, page by page; or few, and then sorted.
    let in_order = [
        (any(), "certificates_by_store (store=?)"),
        (CertificateQuery { after, ..any() }, "certificates_by_store (store=? AND (not_after,fingerprint)>(?,?))"),
        (CertificateQuery { ends_by: Some(row.not_after), ..any() }, "certificates_by_store (store=? AND not_after<?)"),
        (
            CertificateQuery { store: Some(Store::My), after, latest_first: true, ..any() },
            "certificates_by_store (store=? AND (not_after,",
        ),
        (named("*.contoso.com"), "certificates_by_store (store=?)"),
        (named("host*"), "certificates_by_store (store=?)"),
        (CertificateQuery { serial: Some(row.serial.clone()), ..any() }, "certificates_by_store (store=?)"),
        (
            CertificateQuery { subject: Some(row.subject.clone()), store: Some(Store::Ca), ..any() },
            "certificates_by_subject (subject=?)",
        ),
        (
            CertificateQuery { with_key: true, store: Some(Store::My), latest_first: true, ..any() },
            "certificates_by_store (store=?)",
        ),
    ];
    let few = [
        (
            CertificateQuery { thumbprint: Some(row.thumbprint), store: Some(Store::My), ..any() },
            "certificates_by_thumbprint (thumbprint=?)",
        ),
        (CertificateQuery { key: Some(row.key), ..any() }, "certificates_by_key (key=?)"),
        (CertificateQuery { friendly_name: Some("x".to_owned()), ..any() }, "_by_friendly_name (friendly_name=?)"),
        (named("host4321.contoso.com"), "SEARCH names USING PRIMARY KEY (reversed=?)"),
        (named("*4321.contoso.com"), "SEARCH names USING PRIMARY KEY (reversed>? AND reversed<?)"),
        (named("host4321.*"), "SCAN names"),
        (
            CertificateQuery { host: Some("host4321.contoso.com".to_owned()), ..any() },
            "SEARCH names USING PRIMARY KEY (reversed=?)",
        ),
    ];
    // A list reads nothing but the index.
    let (sql, values) = question(&state.connection(), &CertificateQuery { after, ..any() }, LISTED).unwrap();
    let plan = plan(&state, &sql, &values);
    assert!(plan.contains("USING COVERING INDEX certificates_by_store"), "{plan}");
    let sorted_by_index = in_order.len();
    for (n, (query, index)) in in_order.into_iter().chain(few).enumerate() {
        let query = CertificateQuery { limit: Some(10), ..query };
        let plan = plan_of(&state, &query);
        assert!(plan.contains(index), "{query:?}: {plan}");
        assert!(n >= sorted_by_index || !plan.contains("TEMP B-TREE"), "a page must not sort the rest: {plan}");
        assert!(!plan.contains("SCAN certificates"), "{plan}");
        let found = state.certificates(&query).unwrap();
        let is_none = query.friendly_name.is_some() || query.subject.is_some() || query.with_key;
        assert_eq!(found.is_empty(), is_none, "{query:?}");
    }
}

fn plan_of(state: &SqliteState, query: &CertificateQuery) -> String {
    let db = state.connection();
    let (sql, values) = question(&db, query, COLUMNS).unwrap();
    drop(db);
    plan(state, &sql, &values)
}

fn plan(state: &SqliteState, sql: &str, values: &[Value]) -> String {
    let db = state.connection();
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let lines = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    lines.map(|line| line.unwrap() + "\n").collect()
}

fn marker(n: u32) -> String {
    format!("sealed-bytes-number-{n:04}")
}

fn key(n: u32) -> RowKey {
    RowKey::Key(KeyId::from_bytes(*fingerprint(n).as_bytes()))
}

/// Of sizes from an elliptic key to a big RSA one, and beyond a page.
fn sealed(n: u32) -> Sealed {
    let size = [138, 1250, 2400, 700, 6000][n as usize % 5];
    Sealed(marker(n).into_bytes().into_iter().cycle().take(size).collect())
}

fn key_row(n: u32) -> Row {
    let (sealed, added) = (sealed(n), Moment::from_unix(1));
    Row::Key(KeyRow { sealed, exportable: false, added, quarantined_until: None })
}

/// The numbers of the markers that stand anywhere in the files of a folder.
fn markers_in(folder: &Path) -> BTreeSet<u32> {
    let begin = b"sealed-bytes-number-";
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for at in bytes.windows(begin.len()).enumerate().filter(|(_, w)| w == begin).map(|(at, _)| at) {
            let digits = bytes.get(at + begin.len()..at + begin.len() + 4);
            found.extend(digits.and_then(|d| std::str::from_utf8(d).ok()?.parse::<u32>().ok()));
        }
    }
    found
}

fn open(home: &Path) -> SqliteState {
    SqliteState::open(&home.join("state.db"), SqliteOptions::in_home(home)).unwrap()
}

fn refused(path: &Path) -> Error {
    let home: PathBuf = path.parent().unwrap().to_owned();
    SqliteState::open(path, SqliteOptions::in_home(home)).map(drop).unwrap_err()
}
