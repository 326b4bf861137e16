//! A change as it is carried out: what is to be done, and how far it has come.

use serde::{Deserialize, Serialize};

use crate::model::{Fingerprint, Moment, Snapshot};
use crate::servers::{ObjectId, ObjectState};
use crate::state::{AssignmentKey, AssignmentRow, BindingKey, Write};

/// A change of objects outside the state, with the rows that go with it; the body of a journal entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Operation {
    /// The verb that asked for it.
    pub verb: String,
    /// The operating-system user.
    pub user: String,
    /// The principal that was asserted.
    pub principal: String,
    /// The process, for `Busy`.
    pub process: u32,
    /// When it was planned.
    pub planned: Moment,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// The objects, in the order in which they are written.
    pub objects: Vec<ObjectStep>,
    /// The programs that must take what was written, each once.
    pub activations: Vec<ActivationStep>,
    /// What each binding is to serve, for the proof.
    pub goals: Vec<Goal>,
    /// The rows, written together with the commit mark.
    pub rows: Vec<Write>,
    /// What is assigned by it, for the audit log and for whoever undoes it.
    pub assignments: Vec<AssignmentChange>,
    /// What the endpoints served before, so that putting back can be proven after a crash too.
    pub snapshots: Vec<Snapshot>,
}

/// One object outside the state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ObjectStep {
    /// The site that it belongs to: an index into `activations`.
    pub site: usize,
    /// Its name.
    pub object: ObjectId,
    /// What was there when the change was planned.
    pub before: ObjectState,
    /// What is to be there.
    pub after: ObjectState,
}

/// A server program that must take what was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ActivationStep {
    /// The computer of the site, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// The commands it comes to; sites with the same text are activated once.
    pub text: String,
    /// Why what was there before is not worth putting back (expired, banned, its key lost).
    pub hold: Option<String>,
}

/// What a binding is to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Goal {
    /// The binding and slot.
    pub binding: BindingKey,
    /// The use it is for.
    pub use_name: String,
    /// The certificate that is to be served; `None` for none.
    pub certificate: Option<Fingerprint>,
    /// The one that was bound before.
    pub before: Option<Fingerprint>,
}

/// An assignment that a change alters, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AssignmentChange {
    /// Scope, use and slot.
    #[serde(flatten)]
    pub(crate) key: AssignmentKey,
    /// The row before; `None` where nothing was assigned.
    pub(crate) before: Option<AssignmentRow>,
    /// The row after; `None` where the assignment was taken away.
    pub(crate) after: Option<AssignmentRow>,
}

/// What becomes of a change that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// Everything is put back.
    Undo,
    /// Everything stays as it is and a person decides.
    Hold,
}

/// An entry of the journal of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// The object's before-image is kept; it may have been written from here on.
    Saved(usize),
    /// The object is written.
    Applied(usize),
    /// The programs are being told.
    Activating,
    /// The change is being put back.
    PuttingBack,
}
