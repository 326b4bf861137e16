//! What a line editor asks while somebody types: completion, hints, colours, entries, the prompt.
//!
//! All of it is decided from a text, a cursor and what the session already knows: nothing here reads keys, writes to a
//! terminal or a file, asks the network, or fails.

mod arguments;
mod complete;
mod entries;
mod files;
mod highlight;
mod hint;
mod lexer;
mod prompt;
mod properties;
mod secrets;
#[cfg(test)]
mod tests;
mod values;

use super::Engine;
use super::state::State;
use super::values::to_value;
use crate::command::{HistoryEntry, Value};

pub use self::entries::{Completeness, Entry};
pub use self::highlight::{Painted, Style};
pub use self::hint::Hint;
pub use self::prompt::{Expiry, Prompt};

/// What may stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// The byte from which on to the cursor a candidate takes the place of what was typed.
    pub start: usize,
    /// The candidates, the likeliest first; never more than a thousand.
    pub candidates: Vec<Candidate>,
}

/// One thing that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// How it is listed: without quotes and dashes that only the text needs.
    pub shown: String,
    /// What it is, in a few words; may be empty.
    pub description: String,
}

impl Candidate {
    fn new(text: impl Into<String>, description: impl Into<String>) -> Self {
        let text = text.into();
        Self { shown: text.clone(), text, description: description.into() }
    }
}

/// So many candidates are offered at most.
const MOST_CANDIDATES: usize = 1000;

/// What the editor may know of its engine.
struct Desk<'a> {
    state: &'a State,
    engine: &'a Engine,
}

impl<'a> Desk<'a> {
    fn new(engine: &'a Engine) -> Self {
        Self { state: &engine.state, engine }
    }

    /// The value of a variable of the session, in any case.
    fn variable(&self, name: &str) -> Option<Value> {
        let scope = &self.engine.scope;
        let found = scope.get(name).cloned().or_else(|| {
            let other =
                scope.iter_raw().find(|(other, ..)| other.eq_ignore_ascii_case(name)).map(|(_, _, v)| v.clone());
            other.or_else(|| self.state.cell(name))
        })?;
        to_value(&found.flatten()).ok()
    }

    /// The names of all variables of the session, its preferences among them.
    fn variables(&self) -> Vec<String> {
        let mut names = self.engine.variables();
        names.extend(self.state.cell_names());
        names.sort_by_key(|name| name.to_ascii_lowercase());
        names.dedup();
        names
    }
}

impl Engine {
    /// What may stand at the cursor of a text that is being typed.
    ///
    /// `cursor` is a byte of the text; what stands after it is not looked at. Never fails: where the session does not
    /// know, there are no candidates. Nothing is written and nobody is asked over the network.
    pub fn complete(&self, text: &str, cursor: usize) -> Completions {
        complete::complete(&Desk::new(self), before(text, cursor))
    }

    /// What is likely to be typed next, when the cursor stands at the end of the text.
    ///
    /// `remembered` is the newest line of the history that begins with the text, if there is one.
    pub fn hint(&self, text: &str, cursor: usize, remembered: Option<&str>) -> Option<Hint> {
        if cursor < text.len() {
            return None;
        }
        hint::hint(&Desk::new(self), text, remembered)
    }

    /// The parts of a text that are shown in colours, in its order and without overlaps.
    pub fn highlight(&self, text: &str) -> Vec<Painted> {
        highlight::highlight(&Desk::new(self), text)
    }

    /// Whether a text can be run, or needs more lines.
    pub fn is_complete(&self, text: &str) -> Completeness {
        entries::is_complete(self, text)
    }

    /// The first entry of a text that was typed or pasted, and what follows it.
    ///
    /// A text of several commands is run entry by entry: what one entry declares is known to the next.
    pub fn next_entry<'t>(&self, text: &'t str) -> Entry<'t> {
        entries::next_entry(self, text)
    }

    /// Whether an entry may be remembered: none with a word that is, abbreviates or nearly matches a secret parameter
    /// of any verb, whatever else is wrong with it.
    pub fn may_be_remembered(&self, entry: &str) -> bool {
        secrets::may_be_remembered(&self.state.registry, entry)
    }

    /// Who works where, and what ends soon: read from the state as it is, and quick.
    pub fn prompt(&self) -> Prompt {
        prompt::prompt(&self.state.session)
    }

    /// The width of the console in cells.
    pub(crate) fn width(&self) -> usize {
        self.state.console.width()
    }

    /// The entries that were run one by one, the oldest first, without those that may not be remembered.
    pub fn history(&self) -> Vec<HistoryEntry> {
        self.state.history()
    }
}

fn before(text: &str, cursor: usize) -> &str {
    let mut end = cursor.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Whether a name begins with what was typed, in any case.
fn begins(name: &str, typed: &str) -> bool {
    name.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
}
