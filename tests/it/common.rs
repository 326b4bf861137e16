//! A run of the program with an environment of its own, and what came of it.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A command line to be run; nothing of the tester's own environment is seen by it.
pub(crate) struct Shell {
    folder: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(String, OsString)>,
    input: Vec<u8>,
    _own: Option<TempDir>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shell {
    /// Runs in an empty folder, without a home.
    pub(crate) fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        Self {
            folder: own.path().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            input: Vec::new(),
            _own: Some(own),
        }
    }

    /// Runs in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), arguments: Vec::new(), variables: Vec::new(), input: Vec::new(), _own: None }
    }

    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.arguments.push(word.as_ref().to_owned());
        self
    }

    pub(crate) fn args<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.arguments.extend(words.map(OsString::from));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.input = text.as_ref().to_vec();
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certlet"));
        command.env_clear().current_dir(&self.folder).args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the program and gives it its whole standard input.
    pub(crate) fn start(&self) -> Child {
        let mut child = self.command().spawn().unwrap();
        // A program that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        child
    }

    pub(crate) fn run(self) -> Ran {
        Ran::of(self.start().wait_with_output().unwrap())
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails unless the run ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The array of `--json`.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// The messages of `--json`.
    #[track_caller]
    pub(crate) fn messages(&self) -> Vec<serde_json::Value> {
        self.stderr
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:#?}")))
            .collect()
    }
}

/// A home folder with the sample world `contoso`.
pub(crate) fn contoso() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Shell::new().arg("--home").arg(folder.path()).args(["init", "--sample", "contoso"]).run().exits(0);
    folder
}

/// Sends a signal to a program that was started here.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
