//! What was run one by one in an interactive session.

use std::sync::Arc;

use crate::model::Moment;

/// One entry that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub id: u64,
    /// What was typed, in one line or several.
    pub line: Arc<str>,
    /// Whether it came to its end: `false` when an error or an interruption ended it.
    pub completed: bool,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Moment,
}
