//! Other people's files: every one of the test vectors of Python's `cryptography` is read or refused with a reason.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::absent;

/// The passwords of the PKCS#12 files and encrypted keys among them.
const PASSWORDS: [&str; 7] = ["cryptography", "password", "123456", "foobar", "baz", "asdf", "nopassword"];
/// A file that takes longer would stop an operator's session.
const LONGEST_SECONDS: u64 = 20;

/// The folder of the vectors, where they are installed.
fn vectors(test: &str) -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/lib");
    let found = fs::read_dir(venv)
        .into_iter()
        .flatten()
        .flatten()
        .map(|python| python.path().join("site-packages/cryptography_vectors"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        absent(test, "no `cryptography_vectors` here");
    }
    found
}

/// Every file below a folder whose name ends so.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What came of reading files.
#[derive(Default)]
struct Tally {
    read: usize,
    held: BTreeMap<&'static str, usize>,
    refused: BTreeMap<String, Vec<String>>,
    broken: Vec<String>,
}

impl Tally {
    fn of(files: &[PathBuf], folder: &Path) -> Self {
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(Self::default()));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let shown = path.strip_prefix(folder).unwrap().display().to_string();
                        let bytes = fs::read(path).unwrap();
                        let begun = Instant::now();
                        let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
                        let taken = begun.elapsed();
                        let mut tally = tally.lock().unwrap();
                        if taken.as_secs() >= LONGEST_SECONDS {
                            tally.broken.push(format!("{shown}: took {taken:?}"));
                        }
                        match outcome {
                            Err(_) => tally.broken.push(format!("{shown}: panicked")),
                            Ok(Ok(held)) => {
                                tally.read += 1;
                                for one in held {
                                    *tally.held.entry(one).or_default() += 1;
                                }
                            }
                            Ok(Err(reason)) => tally.refused.entry(reason).or_default().push(shown),
                        }
                    }
                });
            }
        });
        tally.into_inner().unwrap()
    }

    /// Fails where a file broke the reader or was refused without a reason; tells the rest.
    #[track_caller]
    fn is_orderly(&self, what: &str) {
        let refused: usize = self.refused.values().map(Vec::len).sum();
        let lines =
            self.refused.iter().map(|(reason, files)| format!("  {:4} {reason}  ({})\n", files.len(), files[0]));
        let head = format!("{what}: {} read ({:?}), {refused} refused\n", self.read, self.held);
        let text: String = std::iter::once(head).chain(lines).collect();
        #[expect(clippy::print_stderr, reason = "a survey is to be seen")]
        {
            eprintln!("SURVEY {text}");
        }
        assert!(self.broken.is_empty(), "{:#?}", self.broken);
        let bare: Vec<_> = self.refused.keys().filter(|reason| reason.trim_end_matches(": ").len() < 12).collect();
        assert!(bare.is_empty(), "refused without a reason: {bare:?}");
    }
}

/// Reads without a password, and where one is asked for, with each of those that the vectors use.
fn read(bytes: &[u8]) -> Result<Vec<&'static str>, String> {
    certlet::fuzz::certificates(bytes);
    let mut outcome = certlet::fuzz::file(bytes, None);
    for password in PASSWORDS {
        match &outcome {
            Err(error) if error.id() == certlet::ErrorId::BadPassword => {
                outcome = certlet::fuzz::file(bytes, Some(password));
            }
            _ => break,
        }
    }
    outcome.map_err(|error| format!("{}: {}", error.id(), error.message()))
}

#[test]
fn certificates_requests_and_lists_are_read_or_refused_with_a_reason() {
    let Some(folder) = vectors("certificates_requests_and_lists_are_read_or_refused_with_a_reason") else { return };
    let mut all = files(&folder.join("x509"), &["pem", "der", "crt", "crl", "p7b"]);
    all.extend(files(&folder.join("pkcs7"), &["pem", "der", "p7b"]));
    let tally = Tally::of(&all, &folder);
    tally.is_orderly("X.509");
    assert!(all.len() > 750 && tally.read > 650, "{} of {}", tally.read, all.len());
    for (kind, least) in [("certificate", 500), ("request", 11), ("revocation list", 150)] {
        assert!(tally.held.get(kind).is_some_and(|count| *count >= least), "{kind}: {:?}", tally.held);
    }
}

#[test]
fn the_certificates_of_pkits_are_all_read() {
    let Some(folder) = vectors("the_certificates_of_pkits_are_all_read") else { return };
    let all = files(&folder.join("x509/PKITS_data/certs"), &["crt"]);
    let tally = Tally::of(&all, &folder);
    tally.is_orderly("PKITS");
    assert_eq!(all.len(), 405);
}

#[test]
fn pfx_files_are_opened_by_their_passwords() {
    let Some(folder) = vectors("pfx_files_are_opened_by_their_passwords") else { return };
    let own = files(&folder.join("pkcs12"), &["p12"]);
    let tally = Tally::of(&own, &folder);
    tally.is_orderly("PKCS#12");
    assert!(own.len() > 25 && tally.read > 20, "{} of {}", tally.read, own.len());
    let pkits = files(&folder.join("x509/PKITS_data/pkcs12"), &["p12"]);
    let tally = Tally::of(&pkits, &folder);
    tally.is_orderly("PKCS#12 of PKITS");
    assert!(pkits.len() == 405 && tally.held.get("key").is_some_and(|keys| *keys > 120), "{:?}", tally.held);
}

#[test]
fn keys_are_read_or_refused_with_a_reason() {
    let Some(folder) = vectors("keys_are_read_or_refused_with_a_reason") else { return };
    let all = files(&folder.join("asymmetric"), &["pem", "der", "key"]);
    let tally = Tally::of(&all, &folder);
    tally.is_orderly("keys");
    assert!(all.len() > 120 && tally.held.get("key").is_some_and(|keys| *keys > 12), "{:?}", tally.held);
}
