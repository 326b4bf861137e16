//! The changes of assignments that the log holds, the newest first.

use serde_json::Value;

use super::Session;
use super::executor::AssignmentChange;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Zone};
use crate::state::{AuditLine, State};

/// A closed change of assignments, whatever came of it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its number in the log.
    pub(crate) id: u64,
    /// When it ended.
    pub(crate) time: Moment,
    /// Who asked for it.
    pub(crate) principal: String,
    /// The verb.
    pub(crate) verb: String,
    /// `Done`, `PutBack`, `Held`, …
    pub(crate) outcome: String,
    /// What it altered, or would have.
    pub(crate) assignments: Vec<AssignmentChange>,
}

impl Change {
    /// Whether its assignments came into force.
    pub(crate) fn took_effect(&self) -> bool {
        matches!(self.outcome.as_str(), "Done" | "Held")
    }

    /// The change that a line of the log tells of; `None` for a line about anything else.
    fn of(line: &AuditLine) -> Option<Self> {
        let read: Value = serde_json::from_str(&line.line).ok()?;
        let assignments: Vec<AssignmentChange> = serde_json::from_value(read.get("assignments")?.clone()).ok()?;
        let word = |name: &str| read.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            id: line.seq,
            time: Moment::parse(&word("time"), &Zone::utc()).ok()?,
            principal: word("principal"),
            verb: word("verb"),
            outcome: word("outcome"),
            assignments,
        })
    }
}

/// How many lines of the log are read at a time.
const PAGE: u64 = 100;

impl Session {
    /// The changes of assignments that are wanted, the newest first, at most so many.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn changes(&self, limit: usize, wanted: impl Fn(&Change) -> bool) -> Result<Vec<Change>> {
        let state = self.state()?;
        let mut found = Vec::new();
        let mut end = newest_line(&*state)?;
        while end > 0 && found.len() < limit {
            let begin = end.saturating_sub(PAGE);
            let page = state.audit_after(begin, (end - begin) as usize)?;
            found.extend(page.iter().rev().filter_map(Change::of).filter(|c| wanted(c)).take(limit - found.len()));
            end = begin;
        }
        Ok(found)
    }

    /// The change with this number in the log.
    ///
    /// # Errors
    /// `PathNotFound` where there is none, or the line is about something else; `StoreUnavailable`.
    pub(crate) fn change(&self, id: u64) -> Result<Change> {
        let line = self.state()?.audit_after(id.saturating_sub(1), 1)?.into_iter().find(|line| line.seq == id);
        line.as_ref().and_then(Change::of).ok_or_else(|| {
            let what = if line.is_some() { "is no change of assignments" } else { "is not there" };
            Error::new(ErrorId::PathNotFound, format!("line {id} of the log {what}"))
                .about(id.to_string())
                .hint("`Get-TlsChange` lists the changes with their numbers")
        })
    }
}

/// The number of the last line: lines have no gaps, so that halving finds it without reading the log.
fn newest_line(state: &dyn State) -> Result<u64> {
    let is_there = |seq: u64| state.audit_after(seq - 1, 1).map(|lines| !lines.is_empty());
    let mut above = 1;
    while is_there(above)? {
        above *= 2;
    }
    let mut below = above / 2;
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if is_there(middle)? {
            below = middle;
        } else {
            above = middle;
        }
    }
    Ok(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{AuditDraft, MemoryState};

    fn state(lines: u64) -> MemoryState {
        let state = MemoryState::new();
        for _ in 0..lines {
            let draft = AuditDraft {
                time: Moment::from_unix(0),
                user: String::new(),
                principal: String::new(),
                verb: "Test".into(),
                outcome: "Done".into(),
                changes: Value::Null,
                proof: Value::Null,
                more: std::collections::BTreeMap::new(),
            };
            state.record(&[], &draft).unwrap();
        }
        state
    }

    #[test]
    fn the_end_of_a_log_of_any_length_is_found() {
        for lines in [0, 1, 2, 3, 4, 7, 8, 9, 250] {
            assert_eq!(newest_line(&state(lines)).unwrap(), lines);
        }
    }
}
