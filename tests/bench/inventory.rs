//! A hundred thousand certificates: taken in from one file, and asked about afterwards, each as a whole process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::world::{World, certlet, clean, ran};

const MANY: usize = 100_000;
/// The last of them ends so many days from now.
const DAYS: usize = 730;
const MY: &str = r"Cert:\LocalMachine\My";

/// A bundle of certificates of one key that differ in serial number, names and end.
static BUNDLE: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let key = KeyPair::generate().unwrap();
    let now = OffsetDateTime::now_utc();
    let mut text = String::new();
    for index in 0..MANY {
        let names = [format!("host{index}.example.com"), format!("www{index}.example.net")];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("host{index}.example.com"));
        params.serial_number = Some(SerialNumber::from(index as u64 + 1));
        params.not_before = now - Duration::DAY;
        // Neighbours in the file do not end one after the other.
        params.not_after = now + Duration::minutes(((index * 7919 % MANY) * DAYS * 24 * 60 / MANY) as i64 + 60);
        let _ = write!(text, "{}", params.self_signed(&key).unwrap().pem());
    }
    std::fs::write(&path, text).unwrap();
    (folder, path)
});

/// A home in which all of them are stored.
static STORED: LazyLock<World> = LazyLock::new(|| {
    let world = World::new();
    ran(&mut world.program(&import()));
    world
});

fn import() -> String {
    format!("Import-Certificate '{}' | Out-Null", BUNDLE.1.display())
}

/// Into an empty home, all durable, with names and ends indexed.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn import_all(bencher: Bencher) {
    LazyLock::force(&BUNDLE);
    tell_peak_memory("the import", &World::new(), &import());
    bencher
        .counter(ItemsCount::new(MANY))
        .with_inputs(World::new)
        .bench_local_refs(|world| ran(&mut world.program(&import())));
}

/// The same file once more: everything is stored already.
#[divan::bench(sample_count = 2, sample_size = 1)]
fn import_all_again(bencher: Bencher) {
    bencher.counter(ItemsCount::new(MANY)).bench_local(|| ran(&mut STORED.program(&import())));
}

/// What OpenSSL takes to read the same file and print nothing.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn openssl_storeutl(bencher: Bencher) {
    let file = &BUNDLE.1;
    bencher
        .counter(ItemsCount::new(MANY))
        .bench_local(|| ran(clean("openssl").args(["storeutl", "-noout", "-certs"]).arg(file)));
}

/// Four of a hundred end within 30 days; all of them are printed.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn list_what_ends_within_30_days(bencher: Bencher) {
    let text = format!("Get-ChildItem {MY} -ExpiringInDays 30 | Sort-Object NotAfter");
    tell_peak_memory("the listing", &STORED, &text);
    let shown = ran(&mut STORED.program(&text));
    let lines = String::from_utf8_lossy(&shown.stdout).lines().filter(|line| line.contains("CN=host")).count();
    assert!((MANY / DAYS * 29..=MANY / DAYS * 31).contains(&lines), "{lines}");
    bencher.counter(ItemsCount::new(lines)).bench_local(|| ran(&mut STORED.program(&text)));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn find_one_by_name(bencher: Bencher) {
    bencher.bench_local(|| ran(&mut STORED.program(&format!("Get-ChildItem {MY} -DnsName host777.example.com"))));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn count_all(bencher: Bencher) {
    let text = format!("Get-ChildItem {MY} | Measure-Object");
    tell_peak_memory("the count", &STORED, &text);
    bencher.counter(ItemsCount::new(MANY)).bench_local(|| ran(&mut STORED.program(&text)));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn find_tls_certificate(bencher: Bencher) {
    let text = "Find-TlsCertificate | Select-Object -First 5";
    tell_peak_memory("the search", &STORED, text);
    bencher.bench_local(|| ran(&mut STORED.program(text)));
}

/// Says how much memory a run takes, where GNU time is installed.
fn tell_peak_memory(what: &str, world: &World, text: &str) -> Option<Output> {
    const TIME: &str = "/usr/bin/time";
    if !Path::new(TIME).exists() {
        println!("peak memory of {what}: not measured, no `{TIME}` here");
        return None;
    }
    let program = certlet();
    let mut timed = Command::new(TIME);
    timed.args(["-f", "%M"]).arg(program.get_program()).arg("--home").arg(world.path()).args(["-c", text]);
    let output = ran(&mut timed);
    let kilobytes = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    println!("peak memory of {what}: {kilobytes} kB");
    Some(output)
}
