//! Which text a position belongs to, and the way from lowered columns back to the operator's own.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rhai::Position as RhaiPosition;

use super::lower::Lowered;
use super::state::lock;
use crate::model::Position;

/// One text that was lowered.
pub(super) struct Source {
    /// The file as the operator named it; `None` for a typed line.
    pub(super) file: Option<Arc<str>>,
    /// The operator's text.
    pub(super) text: Arc<str>,
    /// What became of it.
    pub(super) lowered: Lowered,
}

/// The texts of one engine, by the name that Rhai knows them by.
#[derive(Default)]
pub(super) struct Sources {
    texts: Mutex<HashMap<String, Arc<Source>>>,
    closures: Mutex<HashMap<String, Arc<str>>>,
    modules: Mutex<HashMap<String, String>>,
    /// The command whose script block failed last, by the block's name.
    stages: Mutex<HashMap<String, (&'static str, Position)>>,
    /// The names that errors are caught under, and a mask of their first letters that spares most look-ups.
    catches: RwLock<HashSet<String>>,
    letters: AtomicU64,
}

impl Sources {
    pub(super) fn add(&self, name: &str, source: Arc<Source>) {
        lock(&self.texts).insert(name.to_owned(), source);
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Source>> {
        lock(&self.texts).get(name).cloned()
    }

    /// Remembers in which text a closure stands: Rhai itself only knows who calls it.
    pub(super) fn add_closure(&self, closure: &str, source: &str) {
        lock(&self.closures).insert(closure.to_owned(), source.into());
    }

    /// The text in which a closure stands.
    pub(super) fn of_closure(&self, closure: &str) -> Option<Arc<str>> {
        lock(&self.closures).get(closure).cloned()
    }

    /// Remembers whose script block has failed.
    pub(super) fn note_stage(&self, closure: &str, verb: &'static str, place: Position) {
        lock(&self.stages).insert(closure.to_owned(), (verb, place));
    }

    /// The command whose script block this is, and where it stands, if the block has failed.
    pub(super) fn stage_of(&self, closure: &str) -> Option<(&'static str, Position)> {
        lock(&self.stages).get(closure).cloned()
    }

    /// Remembers the names under which a lowered text catches errors.
    pub(super) fn add_catch_variables(&self, lowered: &str) {
        for (at, word) in lowered.match_indices("catch") {
            let rest = lowered.get(at + word.len()..).unwrap_or_default().trim_start();
            let Some(inner) = rest.strip_prefix('(') else { continue };
            let inner = inner.trim_start();
            let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
            let Some(name) = inner.get(..end).filter(|name| !name.is_empty()) else { continue };
            self.letters.fetch_or(letter(name), Ordering::Relaxed);
            self.catches.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
    }

    /// Whether an error may be caught under this name.
    pub(super) fn is_catch_variable(&self, name: &str) -> bool {
        self.letters.load(Ordering::Relaxed) & letter(name) != 0
            && self.catches.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Remembers which text `import "path"` names.
    pub(super) fn add_module(&self, path: &str, source: &str) {
        lock(&self.modules).insert(path.to_owned(), source.to_owned());
    }

    /// The text that `import "path"` names.
    pub(super) fn module(&self, path: &str) -> Option<String> {
        lock(&self.modules).get(path).cloned()
    }

    /// The place in the operator's text of a position that Rhai reports.
    pub(super) fn place(&self, name: &str, position: RhaiPosition) -> Option<Position> {
        let source = self.get(name)?;
        let line = u32::try_from(position.line()?).ok()?;
        let column = u32::try_from(position.position().unwrap_or(1)).ok()?;
        let (line, column) = source.lowered.map.original(line, column);
        Some(Position::new(source.file.clone(), line, column, 1))
    }
}

fn letter(name: &str) -> u64 {
    1 << (name.as_bytes().first().copied().unwrap_or(0) & 63)
}
