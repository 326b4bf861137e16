//! The log of closed changes: a chain of lines, each naming the digest of the one before.

mod copy;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::{Moment, hex};

pub use copy::{AuditCopier, AuditCopy, copy_audit};
pub use verify::{AuditVerdict, verify_audit, verify_audit_file};

/// A closed change: a line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// One JSON object, without newline.
    pub line: String,
}

/// What a closed change is recorded with; `seq` and `previous` are filled in by the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditDraft {
    /// When it ended.
    pub time: Moment,
    /// The operating-system user.
    pub user: String,
    /// The principal that was asserted.
    pub principal: String,
    /// The verb.
    pub verb: String,
    /// `Done`, `Undone`, `Contested`, …
    pub outcome: String,
    /// What was changed, with before and after.
    pub changes: Value,
    /// The proof and its evidence.
    pub proof: Value,
    /// Anything else, by name.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// What `previous` says in the first line.
const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The line after `previous`.
///
/// The time is RFC 3339 in UTC. A further fact whose name is taken gets an underscore before it, so that no
/// line says one thing twice.
pub(super) fn next_line(previous: Option<&AuditLine>, draft: &AuditDraft) -> AuditLine {
    let seq = previous.map_or(0, |line| line.seq) + 1;
    let mut object = Map::new();
    object.insert("seq".to_owned(), seq.into());
    object.insert("time".to_owned(), draft.time.rfc3339().into());
    object.insert("user".to_owned(), draft.user.as_str().into());
    object.insert("principal".to_owned(), draft.principal.as_str().into());
    object.insert("verb".to_owned(), draft.verb.as_str().into());
    object.insert("outcome".to_owned(), draft.outcome.as_str().into());
    object.insert("changes".to_owned(), draft.changes.clone());
    object.insert("proof".to_owned(), draft.proof.clone());
    object.insert("previous".to_owned(), previous.map_or(NO_PREVIOUS.to_owned(), |line| digest(&line.line)).into());
    for (name, value) in &draft.more {
        let mut name = name.clone();
        while object.contains_key(&name) {
            name.insert(0, '_');
        }
        object.insert(name, value.clone());
    }
    AuditLine { seq, line: Value::Object(object).to_string() }
}

/// The SHA-256 of a line, lower-case hexadecimal.
fn digest(line: &str) -> String {
    hex::upper(&Sha256::digest(line.as_bytes())).to_ascii_lowercase()
}
