//! What a running verb may do: emit, say, ask, and reach the session.

use super::cancel::Cancel;
use super::console::{Message, Stream};
use super::convert::Facts;
use super::history::HistoryEntry;
use super::registry::Registry;
use super::spec::Spec;
use super::value::Value;
use crate::error::{Error, ExitCode, Result};
use crate::model::{Moment, Zone};
use crate::session::Session;

/// The engine's side of a running verb: it applies preferences and knows the pipeline.
pub trait Host {
    /// Hands an object to the next stage.
    ///
    /// # Errors
    /// What the next stage failed with, or the quiet stop of `Select-Object -First`.
    fn emit(&mut self, value: Value) -> Result<()>;

    /// The next object from the stage before, for verbs with [`super::Input::Whole`].
    ///
    /// # Errors
    /// What the stage before failed with.
    fn next_input(&mut self) -> Result<Option<Value>>;

    /// Says something on a stream; the preferences decide whether it is shown.
    ///
    /// # Errors
    /// The message itself as an error where a preference is `Stop`.
    fn say(&mut self, message: Message) -> Result<()>;

    /// Reports an error that does not end the command.
    ///
    /// # Errors
    /// The error itself where `-ErrorAction` is `Stop`.
    fn report(&mut self, error: Error) -> Result<()>;

    /// Notes how this run will have ended at best.
    fn note_exit(&mut self, exit: ExitCode);

    /// Whether `-WhatIf` or `$WhatIfPreference` is on.
    fn what_if(&self) -> bool;

    /// Asks whether to go on, by `-Confirm`, `$ConfirmPreference` and the verb's impact.
    ///
    /// # Errors
    /// `NonInteractivePrompt`, `Interrupted`.
    fn confirm(&mut self, action: &str, target: &str) -> Result<bool>;

    /// Whether `-Verbose` is on, for verbs whose verbose lines are costly.
    fn is_verbose(&self) -> bool;

    /// The run's wish to stop.
    fn cancel(&self) -> Cancel;

    /// Every verb that can be called in this run, the host's own included.
    fn registry(&self) -> Registry;

    /// What was run in this session before, the oldest first; nothing in a script.
    fn history(&self) -> Vec<HistoryEntry> {
        Vec::new()
    }
}

/// One call of a verb.
pub struct Invocation<'a> {
    spec: &'static Spec,
    session: &'a Session,
    host: &'a mut dyn Host,
}

impl<'a> Invocation<'a> {
    /// Puts a call together; the engine does, and hosts that call a verb directly.
    pub fn new(spec: &'static Spec, session: &'a Session, host: &'a mut dyn Host) -> Self {
        Self { spec, session, host }
    }

    /// The session: everything that a verb may touch.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The host, for a verb that puts one of its own before it.
    pub(crate) fn host(&mut self) -> &mut (dyn Host + 'a) {
        self.host
    }

    /// The verb's declaration.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Emits an object.
    ///
    /// # Errors
    /// What a later stage failed with.
    pub fn emit(&mut self, value: impl Into<Value>) -> Result<()> {
        self.host.emit(value.into())
    }

    /// The next piped object.
    ///
    /// # Errors
    /// What an earlier stage failed with.
    pub fn next_input(&mut self) -> Result<Option<Value>> {
        self.host.next_input()
    }

    /// Warns.
    ///
    /// # Errors
    /// Where `-WarningAction` is `Stop`.
    pub fn warn(&mut self, text: impl Into<String>) -> Result<()> {
        self.say(Stream::Warning, None, text.into())
    }

    /// Warns with a stable id for programs.
    ///
    /// # Errors
    /// Where `-WarningAction` is `Stop`.
    pub fn warn_as(&mut self, id: &'static str, text: impl Into<String>) -> Result<()> {
        self.say(Stream::Warning, Some(id), text.into())
    }

    /// Says what happens, for `-Verbose`.
    ///
    /// # Errors
    /// Never by itself.
    pub fn verbose(&mut self, text: impl Into<String>) -> Result<()> {
        self.say(Stream::Verbose, None, text.into())
    }

    /// Says what would happen under `-WhatIf`.
    ///
    /// # Errors
    /// Never by itself.
    pub fn tell_what_if(&mut self, action: &str, target: &str) -> Result<()> {
        let text = format!("Performing the operation \"{action}\" on target \"{target}\".");
        self.say(Stream::WhatIf, None, text)
    }

    /// Says how far a long command has come.
    ///
    /// # Errors
    /// Never by itself.
    pub fn progress(&mut self, text: impl Into<String>) -> Result<()> {
        self.say(Stream::Progress, None, text.into())
    }

    /// Reports an error that does not end the command.
    ///
    /// # Errors
    /// The error itself where `-ErrorAction` is `Stop`.
    pub fn report_error(&mut self, error: Error) -> Result<()> {
        self.host.report(error.in_verb(self.spec.name))
    }

    /// Notes how this run will have ended at best (6 for a proof that is only partial).
    pub fn note_exit(&mut self, exit: ExitCode) {
        self.host.note_exit(exit);
    }

    /// Whether nothing may be changed.
    pub fn what_if(&self) -> bool {
        self.host.what_if()
    }

    /// Whether verbose lines are wanted.
    pub fn is_verbose(&self) -> bool {
        self.host.is_verbose()
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// `NonInteractivePrompt`, `Interrupted`.
    pub fn confirm(&mut self, action: &str, target: &str) -> Result<bool> {
        self.host.confirm(action, target)
    }

    /// Ends the verb at a safe point when the run is to end.
    ///
    /// # Errors
    /// `Interrupted`, `TimedOut`.
    pub fn check_cancelled(&self) -> Result<()> {
        self.host.cancel().check()
    }

    /// The run's wish to stop.
    pub fn cancel(&self) -> Cancel {
        self.host.cancel()
    }

    /// Every verb that can be called in this run.
    pub fn registry(&self) -> Registry {
        self.host.registry()
    }

    /// What was run in this session before, the oldest first; nothing in a script.
    pub fn history(&self) -> Vec<HistoryEntry> {
        self.host.history()
    }

    /// Says something on a stream.
    ///
    /// # Errors
    /// Where the stream's preference is `Stop`.
    pub fn say(&mut self, stream: Stream, id: Option<&'static str>, text: String) -> Result<()> {
        self.host.say(Message { stream, id, text, verb: Some(self.spec.name), error: None })
    }
}

impl Facts for Invocation<'_> {
    fn now(&self) -> Moment {
        self.session.now()
    }

    fn zone(&self) -> Zone {
        self.session.zone()
    }

    fn uses(&self) -> Result<Vec<String>> {
        Facts::uses(self.session)
    }
}
