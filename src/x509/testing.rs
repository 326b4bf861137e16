//! The `openssl` binary as a second opinion in tests.

use std::process::Command;

/// A private folder and the program; `None`, said aloud, where `openssl` is absent.
pub(crate) fn bench(test: &str) -> Option<Bench> {
    if Command::new("openssl").arg("version").output().is_err() {
        absent(test, "openssl");
        return None;
    }
    Some(Bench { dir: tempfile::tempdir().unwrap() })
}

/// Passes a test over, aloud, because a program is not here; with `CERTLET_PEERS=required` the test fails.
#[track_caller]
pub(crate) fn absent(test: &str, program: &str) {
    let is_required = std::env::var_os("CERTLET_PEERS").is_some_and(|wish| wish == "required");
    assert!(!is_required, "{test}: no `{program}` here");
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    {
        eprintln!("SKIPPED {test}: no `{program}` here");
    }
}

pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.dir.path().join(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join(name)).unwrap()
    }

    /// Runs `openssl` with blank-separated words in the folder; `Err` holds what it said.
    pub(crate) fn run(&self, line: &str) -> Result<String, String> {
        self.words(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn words(&self, words: &[&str]) -> Result<String, String> {
        let done = Command::new("openssl").args(words).current_dir(self.dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() {
            Ok(said)
        } else {
            Err(format!("openssl {words:?}: {said}{}", String::from_utf8_lossy(&done.stderr)))
        }
    }
}
