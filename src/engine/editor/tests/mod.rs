//! The decisions of the editor, as functions of a text and a sample home.

mod colours;
mod completion;
mod entries;
mod guesses;
mod lexer;
mod remembering;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::config::{Home, HomeOptions, SecretLookup, sample};
use crate::engine::Engine;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Clock, Moment, Zone};
use crate::session::{Session, World};

/// The authority of the sample.
const CA: &str = r"dc01.contoso.net\contoso-DC01-CA";

struct NoSecrets;

impl SecretLookup for NoSecrets {
    fn file(&self, _: &Path) -> Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, "there are no secrets"))
    }

    fn environment(&self, _: &str) -> Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, "there are no secrets"))
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment::from_unix(1_795_000_000)
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) {}
}

/// An engine over a sample home that is gone with it.
struct Desk {
    engine: Engine,
    home: TempDir,
}

impl Desk {
    /// The sample world with its first certificate.
    fn contoso() -> Self {
        let desk = Self::of(&sample::Sample::Contoso);
        let clock: Arc<dyn Clock> = Arc::new(Fixed);
        home(desk.home.path()).populate_sample(&clock).unwrap();
        desk
    }

    /// A configuration without a state.
    fn of(sample: &sample::Sample) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in sample::files(sample) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let session = Session::of(home(folder.path()) as Arc<dyn World>, Arc::new(Fixed));
        Self { engine: Engine::new(session), home: folder }
    }

    fn run(&mut self, line: &str) {
        self.engine.eval_line(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }

    /// What is offered at the `^` of a text; the whole text without one.
    fn offered(&self, text: &str) -> Vec<String> {
        self.engine.complete(&text.replacen('^', "", 1), cursor(text)).candidates.into_iter().map(|c| c.text).collect()
    }

    /// The text with its only candidate put in.
    #[track_caller]
    fn completed(&self, text: &str) -> String {
        let plain = text.replacen('^', "", 1);
        let found = self.engine.complete(&plain, cursor(text));
        let [only] = found.candidates.as_slice() else { panic!("{text}: {:?}", found.candidates) };
        format!("{}{}{}", &plain[..found.start], only.text, &plain[cursor(text)..])
    }

    fn said(&self, text: &str, candidate: &str) -> String {
        let found = self.engine.complete(text, text.len()).candidates.into_iter().find(|c| c.text == candidate);
        found.unwrap_or_else(|| panic!("`{candidate}` is not offered at {text}")).description
    }
}

fn cursor(text: &str) -> usize {
    text.find('^').unwrap_or(text.len())
}

fn home(folder: &Path) -> Arc<Home> {
    let options = HomeOptions {
        user: "operator".into(),
        owner: "operator".into(),
        machine: "here".into(),
        secrets: Arc::new(NoSecrets),
        lease_wait: Duration::from_secs(1),
        label: Some("[sample]".into()),
        on_step: None,
    };
    Arc::new(Home::new(folder, options, Arc::new(Fixed)))
}
