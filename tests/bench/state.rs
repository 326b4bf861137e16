//! A thousand certificates in one run, each with its key durable before it is used, beside what they cost at least.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use certlet::session::StepWatch;
use divan::Bencher;
use divan::counter::ItemsCount;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rusqlite::types::Value;

use super::world::{World, engine};

const THOUSAND: &str = "for i in 0..1000 { Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 | Out-Null }";

/// How many requests of an RSA key are measured.
const RSA_REQUESTS: usize = 30;

/// The least that a thousand certificates cost: for each a key, the signatures of request and certificate, and one
/// durable commit of what came of it, in a table without any index.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_thousand_commits_and_signatures(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let state = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
    state.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (body BLOB)").unwrap();
    let root = KeyPair::generate().unwrap();
    let issuer = Issuer::new(CertificateParams::new(Vec::new()).unwrap(), root);
    let names = ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"].map(str::to_owned).to_vec();
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| {
        for _ in 0..1000 {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(names.clone()).unwrap();
            let request = params.serialize_request(&key).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            let body = [key.serialize_der().as_slice(), request.der(), certificate.der()].concat();
            state.execute("INSERT INTO rows VALUES (?1)", [body]).unwrap();
        }
    });
}

/// The same with the rows that certlet keeps of each certificate, in its tables and with its indexes, put there by plain
/// `SQLite`: what any program would pay that keeps as much.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_thousand_records_and_signatures(bencher: Bencher) {
    let world = World::new();
    engine(&world.home()).eval(THOUSAND).unwrap();
    let kept = rusqlite::Connection::open(world.path().join("state.db")).unwrap();
    let tables = ["certificates", "names", "keys", "requests", "submissions", "audit"];
    let rows: Vec<Vec<Vec<Value>>> = tables.iter().map(|table| all_of(&kept, table)).collect();
    let folder = tempfile::tempdir().unwrap();
    let state = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
    // A table's rows are taken one after the other: names may come before the authority's own certificate.
    state.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF").unwrap();
    let mut schema =
        kept.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").unwrap();
    for sql in schema.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        state.execute_batch(&sql.unwrap()).unwrap();
    }
    for table in ["meta", "counters", "authorities"] {
        for row in all_of(&kept, table) {
            put(&state, table, &row);
        }
    }
    let issuer = Issuer::new(CertificateParams::new(Vec::new()).unwrap(), KeyPair::generate().unwrap());
    let names = ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"].map(str::to_owned).to_vec();
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| {
        for index in 0..1000 {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(names.clone()).unwrap();
            params.serialize_request(&key).unwrap();
            params.signed_by(&key, &issuer).unwrap();
            state.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
            for (table, rows) in tables.iter().zip(&rows) {
                let each = rows.len() / 1000;
                rows[index * each..][..each].iter().for_each(|row| put(&state, table, row));
            }
            for sql in [
                "UPDATE meta SET version = version + 1",
                "UPDATE counters SET last = last + 1",
                "UPDATE authorities SET body = body || ''",
            ] {
                state.prepare_cached(sql).unwrap().execute([]).unwrap();
            }
            state.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
        }
    });
}

fn all_of(db: &rusqlite::Connection, table: &str) -> Vec<Vec<Value>> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn put(db: &rusqlite::Connection, table: &str, row: &[Value]) {
    let marks = vec!["?"; row.len()].join(", ");
    let sql = format!("INSERT INTO {table} VALUES ({marks})");
    db.prepare_cached(&sql).unwrap().execute(rusqlite::params_from_iter(row)).unwrap();
}

/// Says what the request of an RSA key takes above making the key: the median of thirty.
pub(crate) fn tell_rsa_overhead() {
    let world = World::new();
    let marks: Arc<Mutex<Vec<(String, Instant)>>> = Arc::default();
    let seen = Arc::clone(&marks);
    let watch: StepWatch = Arc::new(move |step| seen.lock().unwrap().push((step.to_owned(), Instant::now())));
    let engine = engine(&world.watched_home(Some(watch)));
    let mut above: Vec<Duration> = (0..RSA_REQUESTS)
        .map(|_| {
            marks.lock().unwrap().clear();
            let begin = Instant::now();
            engine.eval("Request-CsCertificate -New -Type Default -KeyAlg RSA -KeySize 2048 | Out-Null").unwrap();
            let whole = begin.elapsed();
            let marks = marks.lock().unwrap();
            let at = |name: &str| marks.iter().find(|(step, _)| step == name).unwrap().1;
            whole.checked_sub(at("KeyMade") - at("GenerateKey")).unwrap()
        })
        .collect();
    above.sort();
    println!("an RSA 2048 request above its own key: median {:?} of {RSA_REQUESTS}", above[RSA_REQUESTS / 2]);
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_thousand_requests(bencher: Bencher) {
    let world = World::new();
    let engine = engine(&world.home());
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| engine.eval(THOUSAND).unwrap());
}

/// Listing a store of a thousand certificates.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn find_among_a_thousand(bencher: Bencher) {
    let world = World::new();
    let engine = engine(&world.home());
    engine.eval(THOUSAND).unwrap();
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| engine.eval("Find-TlsCertificate").unwrap());
}
