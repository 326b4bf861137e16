//! What the verbs of the command line share: streams, session, engine and the way out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::arguments::Options;
use super::place::{Place, resolve};
use super::screen::Screen;
use super::secret_ranges::secret_ranges;
use super::system;
use super::terminal::Terminal;
use crate::cmdlets;
use crate::command::{Cancel, Console, Message, Stream, Value};
use crate::config::sample::Sample;
use crate::engine::{Engine, Output};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::Clock;
use crate::session::{Session, SystemClock, World};

/// How long a change waits for another one when `--timeout` is not given.
const LEASE_WAIT: Duration = Duration::from_secs(30);

/// One run of the program.
pub(super) struct Shell {
    pub(super) options: Options,
    pub(super) screen: Arc<Screen>,
    pub(super) terminal: Arc<Terminal>,
    pub(super) cancel: Cancel,
    pub(super) place: Arc<Place>,
    pub(super) session: Session,
    sample: Option<(TempDir, bool)>,
}

impl Shell {
    /// Puts the streams and the session together; opens nothing but the folder of a sample world.
    pub(super) fn new(options: Options, sample: Option<Sample>, keep: bool) -> Result<Self, ExitCode> {
        let cancel = options.timeout.map_or_else(Cancel::new, Cancel::after);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let screen = Screen::new(options.json, system::width(), clock.zone());
        let terminal = Terminal::new(&options, Arc::clone(&screen), cancel.clone(), secret_ranges);
        let folder = sample.is_some().then(|| {
            tempfile::Builder::new().prefix("certlet-sample-").tempdir().map_err(|e| {
                Error::new(ErrorId::FileNotWritable, "no temporary folder for the sample world can be made").because(e)
            })
        });
        let folder = match folder.transpose() {
            Ok(folder) => folder.map(|folder| (folder, keep)),
            Err(error) => {
                terminal.error(&error, None);
                return Err(error.exit());
            }
        };
        let dir =
            folder.as_ref().map(|(folder, _)| folder.path().to_owned()).or_else(|| resolve(options.home.as_deref()));
        let lease_wait = options.timeout.unwrap_or(LEASE_WAIT);
        let place =
            Arc::new(Place::new(dir, sample, lease_wait, Arc::clone(&clock), Arc::clone(&terminal), cancel.clone()));
        let session = Session::of(Arc::clone(&place) as Arc<dyn World>, clock);
        Ok(Self { options, screen, terminal, cancel, place, session, sample: folder })
    }

    /// An engine over the session that writes to the screen.
    pub(super) fn engine(&self, what_if: bool, module_roots: impl IntoIterator<Item = PathBuf>) -> Engine {
        let mut engine = Engine::builder(self.session.clone())
            .registry(cmdlets::registry())
            .console(Arc::clone(&self.terminal) as Arc<dyn Console>)
            .output(Objects(Arc::clone(&self.screen)))
            .cancel(self.cancel.clone())
            .module_roots(module_roots);
        if self.options.verbose {
            engine = engine.preference("VerbosePreference", Value::text("Continue"));
        }
        if what_if {
            engine = engine.preference("WhatIfPreference", true);
        }
        engine.build()
    }

    /// The folder of a sample world that goes with this run.
    pub(super) fn throw_away(&self) -> Option<PathBuf> {
        self.sample.as_ref().filter(|(_, keep)| !keep).map(|(folder, _)| folder.path().to_owned())
    }

    /// Lays out what comes now for a screen of another width.
    pub(super) fn set_width(&self, width: usize) {
        self.screen.set_width(width);
        self.terminal.set_width(width);
    }

    /// Shows an error that ended something.
    pub(super) fn report(&self, error: &Error) {
        // What standard output does not take is told on the way out.
        let _ = self.end_objects();
        self.terminal.error(error, None);
    }

    /// Ends the last table or the array, and warns of columns for which there was no room.
    ///
    /// # Errors
    /// Those of standard output.
    pub(super) fn end_objects(&self) -> Result<()> {
        let dropped: Vec<String> = self.screen.finish()?.iter().map(|column| format!("`{column}`")).collect();
        if !dropped.is_empty() {
            let text = format!("the screen has no room for {}: `… | Format-List` shows all", dropped.join(", "));
            self.terminal.message(&Message::new(Stream::Warning, text));
        }
        Ok(())
    }

    /// The way out: ends the streams and removes the sample world.
    pub(super) fn finish(self, exit: ExitCode) -> ExitCode {
        let mut exit = exit;
        if let Err(error) = self.end_objects()
            && !self.screen.reader_is_gone()
        {
            self.terminal.error(&error, None);
            exit = exit.gravest(error.exit());
        }
        // Whoever takes the first ten lines has all that they wanted.
        if self.screen.reader_is_gone() && exit == ExitCode::Interrupted && self.cancel.check().is_ok() {
            exit = ExitCode::Done;
        }
        self.terminal.finish();
        if let Some((folder, true)) = self.sample {
            self.terminal.tell(&format!("the sample world is kept in `{}`", folder.keep().display()));
        }
        exit
    }
}

/// Standard output as the engine sees it.
struct Objects(Arc<Screen>);

impl Output for Objects {
    fn object(&mut self, value: Value) -> Result<()> {
        self.0.object(&value)
    }
}
