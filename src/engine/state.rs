//! What one engine knows while it runs: session, preferences, streams, outcome.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{Dynamic, Scope};

use super::limits::Limits;
use super::source::Sources;
use super::values::{to_dynamic, to_value};
use crate::command::{Cancel, Console, HistoryEntry, Message, Registry, Stream, Value};
use crate::error::{Error, ExitCode, Result};
use crate::model::Zone;
use crate::session::Session;

/// Where the objects of a run go.
///
/// Called in the order in which objects are emitted, from the thread that runs the script. It must
/// not call the engine again.
pub trait Output: Send {
    /// Takes one object.
    ///
    /// # Errors
    /// Ends the run: a full disk, a closed pipe.
    fn object(&mut self, value: Value) -> Result<()>;
}

/// So many errors does `$Error` remember.
const MAX_ERRORS: usize = 256;

/// So many entries does the history of a session hold.
const MAX_HISTORY: usize = 4096;

/// The state that everything in an engine shares.
pub(super) struct State {
    pub(super) session: Session,
    pub(super) registry: Registry,
    pub(super) console: Arc<dyn Console>,
    pub(super) cancel: Cancel,
    pub(super) limits: Limits,
    pub(super) sources: Sources,
    output: Mutex<Box<dyn Output>>,
    cells: Mutex<BTreeMap<String, Dynamic>>,
    errors: Mutex<VecDeque<Error>>,
    exit: Mutex<ExitCode>,
    texts: AtomicU64,
    /// How many errors there were, silenced ones included.
    faults: AtomicU64,
    /// Whether the last pipeline ended without an error: `$?`.
    ok: AtomicBool,
    /// What was in scope where `Get-Variable` was called.
    seen: Mutex<Vec<(String, Value)>>,
    history: Mutex<VecDeque<HistoryEntry>>,
    roots: Mutex<Vec<PathBuf>>,
}

/// The preference variables and their values in a new engine.
///
/// `$ErrorActionPreference` is `$null` at first: an error of a command is thrown, and one that does
/// not end its command is only reported.
const PREFERENCES: &[(&str, Option<&str>)] = &[
    ("VerbosePreference", Some("SilentlyContinue")),
    ("DebugPreference", Some("SilentlyContinue")),
    ("WarningPreference", Some("Continue")),
    ("InformationPreference", Some("SilentlyContinue")),
    ("ProgressPreference", Some("Continue")),
    ("ConfirmPreference", Some("High")),
    ("ErrorActionPreference", None),
];

impl State {
    pub(super) fn new(
        session: Session,
        registry: Registry,
        console: Arc<dyn Console>,
        cancel: Cancel,
        limits: Limits,
        output: Box<dyn Output>,
    ) -> Self {
        let mut cells: BTreeMap<String, Dynamic> = PREFERENCES
            .iter()
            .map(|(name, value)| {
                let value = value.map_or(Dynamic::UNIT, |v| Dynamic::from(rhai::ImmutableString::from(v)));
                ((*name).to_owned(), value.into_shared())
            })
            .collect();
        cells.insert("WhatIfPreference".into(), Dynamic::FALSE.into_shared());
        cells.insert("Matches".into(), Dynamic::UNIT.into_shared());
        cells.insert("Error".into(), Dynamic::from_array(Vec::new()).into_shared());
        Self {
            session,
            registry,
            console,
            cancel,
            limits,
            sources: Sources::default(),
            output: Mutex::new(output),
            cells: Mutex::new(cells),
            errors: Mutex::new(VecDeque::new()),
            exit: Mutex::new(ExitCode::Done),
            texts: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            ok: AtomicBool::new(true),
            seen: Mutex::default(),
            history: Mutex::new(VecDeque::new()),
            roots: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn zone(&self) -> Zone {
        self.session.zone()
    }

    /// Sends an object to the host.
    pub(super) fn put(&self, value: Value) -> Result<()> {
        lock(&self.output).object(value)
    }

    /// Shows a message.
    pub(super) fn show(&self, message: &Message) {
        self.console.message(message);
    }

    /// Shows an error that does not end the run, and counts it.
    pub(super) fn show_error(&self, error: &Error) {
        let mut message = Message::new(Stream::Error, error.message());
        message.id = Some(error.id().name());
        message.verb = error.verb();
        message.error = Some(error.clone());
        self.show(&message);
    }

    /// Notes how the run will have ended at best.
    pub(super) fn note_exit(&self, exit: ExitCode) {
        let mut noted = lock(&self.exit);
        *noted = noted.gravest(exit);
    }

    /// What was noted since the last call.
    pub(super) fn take_exit(&self) -> ExitCode {
        std::mem::replace(&mut *lock(&self.exit), ExitCode::Done)
    }

    /// Remembers an error for `$Error`, and its exit code if no `catch` may hide it.
    pub(super) fn remember(&self, error: &Error) {
        self.count_fault();
        if error.exit() == ExitCode::Contested {
            self.note_exit(ExitCode::Contested);
        }
        let cleared = self.has_cleared_errors();
        let mut errors = lock(&self.errors);
        if cleared {
            errors.clear();
        }
        errors.push_front(error.clone());
        errors.truncate(MAX_ERRORS);
        let list = errors.iter().map(|e| super::errors::caught(e.clone())).collect();
        drop(errors);
        self.set_dynamic("Error", Dynamic::from_array(list));
    }

    /// Whether a script has emptied `$Error`.
    fn has_cleared_errors(&self) -> bool {
        let cell = lock(&self.cells).get("Error").cloned();
        cell.is_some_and(|cell| !cell.is_locked() && cell.as_array_ref().is_ok_and(|list| list.is_empty()))
    }

    /// Counts an error for `$?`.
    pub(super) fn count_fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// How many errors there were until now.
    pub(super) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Notes how a pipeline has ended.
    pub(super) fn set_ok(&self, ok: bool) {
        self.ok.store(ok, Ordering::Relaxed);
    }

    /// `$?`.
    pub(super) fn is_ok(&self) -> bool {
        self.ok.load(Ordering::Relaxed)
    }

    /// Notes what is in scope, for the `Get-Variable` that asks.
    pub(super) fn note_scope(&self, seen: Vec<(String, Value)>) {
        *lock(&self.seen) = seen;
    }

    /// What was noted; without a note, the variables that every text sees.
    pub(super) fn take_scope(&self) -> Vec<(String, Value)> {
        let mut seen = std::mem::take(&mut *lock(&self.seen));
        for (name, cell) in lock(&self.cells).iter() {
            if !seen.iter().any(|(known, _)| known == name) {
                seen.push((name.clone(), to_value(cell).unwrap_or_default()));
            }
        }
        seen
    }

    /// Adds an entry to the history of the session.
    pub(super) fn add_to_history(&self, entry: HistoryEntry) {
        let mut history = lock(&self.history);
        history.push_back(entry);
        if history.len() > MAX_HISTORY {
            history.pop_front();
        }
    }

    /// The entries that were run one by one, the oldest first.
    pub(super) fn history(&self) -> Vec<HistoryEntry> {
        lock(&self.history).iter().cloned().collect()
    }

    /// A number that no earlier text of this engine has.
    pub(super) fn next_number(&self) -> u64 {
        self.texts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The value of a preference or captured variable, in any case.
    pub(super) fn cell(&self, name: &str) -> Option<Dynamic> {
        let cells = lock(&self.cells);
        let found =
            cells.get(name).or_else(|| cells.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        found.cloned()
    }

    /// The value of a preference as the command language sees it.
    pub(super) fn preference(&self, name: &str) -> Value {
        self.cell(name).and_then(|cell| to_value(&cell).ok()).unwrap_or_default()
    }

    /// Sets a preference or captured variable; scripts see it at once.
    pub(super) fn set_cell(&self, name: &str, value: &Value) {
        self.set_dynamic(name, to_dynamic(value));
    }

    fn set_dynamic(&self, name: &str, value: Dynamic) {
        let mut cells = lock(&self.cells);
        let known = cells.keys().find(|n| n.eq_ignore_ascii_case(name)).cloned();
        let cell = cells.entry(known.unwrap_or_else(|| name.to_owned())).or_insert_with(|| Dynamic::UNIT.into_shared());
        // A script that holds the value at this moment keeps it: waiting for it would be waiting for oneself.
        if cell.is_locked() {
            return;
        }
        if let Some(mut inner) = cell.write_lock::<Dynamic>() {
            *inner = value;
        }
    }

    /// Makes sure that a variable exists in which a command leaves something.
    pub(super) fn declare_cell(&self, name: &str) {
        if self.cell(name).is_none() {
            self.set_dynamic(name, Dynamic::UNIT);
        }
    }

    /// Puts the variables that the engine and scripts share into a scope that lacks them.
    pub(super) fn fill_scope(&self, scope: &mut Scope<'_>) {
        for (name, cell) in lock(&self.cells).iter() {
            if !scope.contains(name) {
                scope.push_dynamic(name.clone(), cell.clone());
            }
        }
    }

    /// The folders that modules come from.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        lock(&self.roots).clone()
    }

    pub(super) fn set_roots(&self, roots: Vec<PathBuf>) {
        *lock(&self.roots) = roots;
    }

    /// Lets modules come from one more folder, before the others, until the guard is dropped.
    pub(super) fn lend_root(&self, root: PathBuf) -> LentRoot<'_> {
        lock(&self.roots).insert(0, root);
        LentRoot(self)
    }

    /// The names of those variables.
    pub(super) fn cell_names(&self) -> Vec<String> {
        lock(&self.cells).keys().cloned().collect()
    }
}

/// A folder that modules may come from for the time of one run.
pub(super) struct LentRoot<'a>(&'a State);

impl Drop for LentRoot<'_> {
    fn drop(&mut self) {
        let mut roots = lock(&self.0.roots);
        if !roots.is_empty() {
            roots.remove(0);
        }
    }
}

/// Takes a lock whose holder may have panicked: the data behind it are single values that are never half written.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
