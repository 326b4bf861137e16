//! Whole processes: the shortest run, a listing, and one certificate beside what OpenSSL takes for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use divan::Bencher;
use tempfile::TempDir;

use super::world::{World, certlet, clean, ran};

/// Says how much memory a one-line run takes, where GNU time is installed.
pub(crate) fn tell_peak_memory() {
    const TIME: &str = "/usr/bin/time";
    if !Path::new(TIME).exists() {
        println!("peak memory of `-c '1+1'`: not measured, no `{TIME}` here");
        return;
    }
    let output = ran(Command::new(TIME).args(["-f", "%M", env!("CARGO_BIN_EXE_certlet"), "-c", "1+1"]));
    let kilobytes = String::from_utf8_lossy(&output.stderr);
    println!("peak memory of `-c '1+1'`: {} kB", kilobytes.trim());
}

/// A program that does nothing: what the system takes to start and end one.
#[divan::bench]
fn empty_program(bencher: Bencher) {
    static EMPTY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("empty.rs"), folder.path().join("empty"));
        std::fs::write(&source, "fn main() {}\n").unwrap();
        ran(Command::new("rustc").args(["--edition", "2024", "-O", "-o"]).arg(&program).arg(&source));
        (folder, program)
    });
    let program = &EMPTY.1;
    bencher.bench_local(|| ran(&mut clean(program)));
}

#[divan::bench]
fn one_plus_one(bencher: Bencher) {
    bencher.bench_local(|| ran(certlet().args(["-c", "1+1"])));
}

#[divan::bench]
fn get_cs_certificate(bencher: Bencher) {
    let world = World::new();
    bencher.bench_local(|| ran(&mut world.program("Get-CsCertificate")));
}

/// A P-256 key, its request, the certificate, all stored durably, and what was issued printed.
#[divan::bench]
fn request_cs_certificate(bencher: Bencher) {
    let world = World::new();
    bencher.bench_local(|| ran(&mut world.program("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256")));
}

/// The same key, request and certificate by `openssl req` and `openssl x509`; nothing is made durable.
#[divan::bench]
fn openssl_req_and_x509(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |words: &[&str]| ran(clean("openssl").args(words).current_dir(folder.path()));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(&[&["req", "-x509", "-subj", "/CN=root", "-keyout", "ca.key", "-out", "ca.pem"], &key[..]].concat());
    let names = "subjectAltName=DNS:pool01.contoso.net,DNS:fe01.contoso.net,DNS:sip.contoso.com";
    bencher.bench_local(|| {
        openssl(
            &[
                &[
                    "req",
                    "-new",
                    "-subj",
                    "/CN=pool01.contoso.net",
                    "-addext",
                    names,
                    "-keyout",
                    "a.key",
                    "-out",
                    "a.csr",
                ],
                &key[..],
            ]
            .concat(),
        );
        openssl(&[
            "x509",
            "-req",
            "-in",
            "a.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-copy_extensions",
            "copy",
            "-days",
            "90",
        ])
    });
}
