//! A throw-away home of the sample world, for the program and in this process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use certlet::config::{Home, HomeOptions, SecretLookup};
use certlet::error::{Error, ErrorId};
use certlet::model::Clock;
use certlet::session::{StepWatch, SystemClock};
use certlet::{Engine, Session};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The uses of the sample that have endpoints.
pub(crate) const USES: &str = "Default,WebServicesInternal,WebServicesExternal";

/// A home folder with the sample world `contoso`.
pub(crate) struct World {
    folder: TempDir,
}

/// A sample world names no secrets.
struct NoSecrets;

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        ran(certlet().arg("--home").arg(world.path()).args(["init", "--sample", "contoso"]));
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program with a text to run.
    pub(crate) fn program(&self, text: &str) -> Command {
        let mut command = certlet();
        command.arg("--home").arg(self.path()).args(["-c", text]);
        command
    }

    pub(crate) fn home(&self) -> Arc<Home> {
        self.watched_home(None)
    }

    /// The home, with somebody who is told of each step.
    pub(crate) fn watched_home(&self, on_step: Option<StepWatch>) -> Arc<Home> {
        let options = HomeOptions {
            user: "bench".to_owned(),
            owner: "bench".to_owned(),
            machine: "bench".to_owned(),
            secrets: Arc::new(NoSecrets),
            lease_wait: Duration::from_secs(1),
            label: None,
            on_step,
        };
        Arc::new(Home::new(self.path(), options, clock()))
    }
}

impl SecretLookup for NoSecrets {
    fn file(&self, _: &Path) -> certlet::Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, "there are no secrets"))
    }

    fn environment(&self, _: &str) -> certlet::Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, "there are no secrets"))
    }
}

/// An engine over a home.
pub(crate) fn engine(home: &Arc<Home>) -> Engine {
    Engine::new(Session::of(Arc::clone(home) as Arc<dyn certlet::session::World>, clock()))
}

/// Requests a certificate with a P-256 key; its thumbprint.
pub(crate) fn request(engine: &Engine) -> String {
    let asked = engine.eval("let c = (Request-CsCertificate -New -Type Default,WebServicesInternal,WebServicesExternal -KeyAlg ECDH_P256); c.Thumbprint");
    asked.unwrap().last.display(&clock().zone())
}

/// The program in an empty environment.
pub(crate) fn certlet() -> Command {
    clean(env!("CARGO_BIN_EXE_certlet"))
}

/// Any program in an empty environment but for `PATH`.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a program that has to succeed.
pub(crate) fn ran(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}
