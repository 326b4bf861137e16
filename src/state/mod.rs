//! What is remembered, behind one contract.

mod audit;
#[cfg(test)]
pub(crate) mod contract;
mod files;
mod leases;
mod memory;
mod query;
mod rows;
mod sqlite;

use std::time::Duration;

pub use audit::{
    AuditCopier, AuditCopy, AuditDraft, AuditLine, AuditVerdict, copy_audit, verify_audit, verify_audit_file,
};
pub use memory::MemoryState;
pub use query::{CertificateQuery, Listed};
pub use rows::{
    AssignmentKey, AssignmentRow, AuthorityRow, BindingKey, BoundRow, CertificateRow, Expectation, KeyRow, NameWishes,
    OpenOperation, RequestRow, RequestStatus, Row, RowKey, Sealed, Store, SubmissionRow, Write,
};
pub use sqlite::{SqliteOptions, SqliteState};

pub use crate::model::Slot;

use crate::error::Result;
use crate::model::{Fingerprint, KeyId, Moment};

/// What is remembered: rows, the journal of changes under way, the log of closed ones, and the leases.
///
/// Contract, the same for every implementation (one suite of tests runs on all):
/// - Calls are short and thread-safe; no lock and no transaction outlives a call.
/// - `write` is atomic and durable when it returns: all writes of the batch, in their order, or none. A write
///   whose expectation does not hold fails the whole batch with `PlanStale`, naming the row.
/// - `journal` is durable when it returns. Entries come back in the order they were written. Numbers of
///   operations are never given twice; [`next_number`] gives those of other things.
/// - `close` writes rows, removes the operation and its before-images, and appends the audit line, in one
///   transaction. An operation that is not open (closed by another process, say) is `PlanStale`. Audit lines are
///   numbered from 1 without gaps; `previous` is the SHA-256 (lower-case hex) of the previous line's bytes,
///   64 zeros at first. Lines are never changed or removed.
/// - Removed or replaced keys, before-images and settings leave no bytes in the files of the state.
/// - Several processes may use the same state at once; `data_version` differs after any of them wrote.
pub trait State: Send + Sync {
    /// One row.
    fn row(&self, key: &RowKey) -> Result<Option<Row>>;

    /// The certificates that a query asks for, ordered by (end of validity, fingerprint).
    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<(Fingerprint, CertificateRow)>>;

    /// The same, of each what a list shows.
    fn listing(&self, query: &CertificateQuery) -> Result<Vec<Listed>> {
        Ok(self.certificates(query)?.into_iter().map(|(fingerprint, row)| Listed::of(fingerprint, &row)).collect())
    }

    /// All assignments, ordered by key.
    fn assignments(&self) -> Result<Vec<(AssignmentKey, AssignmentRow)>>;

    /// The private keys that are kept although their requests were dropped, ordered by key.
    fn quarantined(&self) -> Result<Vec<(KeyId, KeyRow)>>;

    /// All requests, ordered by local id.
    fn requests(&self) -> Result<Vec<RequestRow>>;

    /// What is bound, ordered by key.
    fn bound(&self) -> Result<Vec<(BindingKey, BoundRow)>>;

    /// What the built-in listener is to serve, ordered by key.
    fn listener(&self) -> Result<Vec<(BindingKey, BoundRow)>>;

    /// The requests in the database of an embedded authority, ordered by number; one, with a serial number.
    fn submissions(&self, authority: &str, serial: Option<&str>) -> Result<Vec<(u32, SubmissionRow)>>;

    /// Writes a batch.
    ///
    /// # Errors
    /// `PlanStale` where an expectation does not hold, `DiskFull`, `StoreUnavailable`.
    fn write(&self, batch: &[Write]) -> Result<()>;

    /// Opens an operation in the journal.
    fn open(&self, opened: Moment, machine: &str, body: &str) -> Result<u64>;

    /// Adds an entry to an open operation.
    fn journal(&self, operation: u64, entry: &str) -> Result<()>;

    /// Adds an entry and writes a batch (before-images), together.
    fn journal_with(&self, operation: u64, entry: &str, batch: &[Write]) -> Result<()>;

    /// Closes an operation: rows, audit line, end of the journal entry, all at once.
    fn close(&self, operation: u64, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine>;

    /// Appends an audit line that belongs to no operation, with rows (requests take no lease).
    fn record(&self, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine>;

    /// The operations under way, ordered by number.
    fn open_operations(&self) -> Result<Vec<OpenOperation>>;

    /// The audit lines after a number, at most so many.
    fn audit_after(&self, seq: u64, limit: usize) -> Result<Vec<AuditLine>>;

    /// A number that differs after any process wrote.
    fn data_version(&self) -> Result<u64>;

    /// Takes a lease, waiting up to `wait` in slices of at most 50 ms; freed when the guard drops or the process dies.
    ///
    /// `name` is lower-case ASCII letters, digits and hyphens; `holder` is one line for other processes: pid, verb,
    /// since when.
    ///
    /// # Errors
    /// `Busy`, naming who holds it (`holder` of the other).
    fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease>;

    /// Who holds the lease, if anybody (this process included).
    fn lease_holder(&self, name: &str) -> Result<Option<String>>;
}

/// The next number of a counter, from 1, with the write that takes it: `PlanStale` where somebody took it meanwhile.
///
/// The write belongs into the batch of what bears the number, so that both are durable at once.
///
/// # Errors
/// `StoreUnavailable`.
pub fn next_number(state: &dyn State, counter: &str) -> Result<(u64, Write)> {
    let key = RowKey::Counter(counter.to_owned());
    let last = state.row(&key)?;
    let number = if let Some(Row::Counter(last)) = last { last + 1 } else { 1 };
    Ok((number, Write::replace(key, last, Some(Row::Counter(number)))))
}

/// A lease that is held until this is dropped.
pub struct Lease(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send>);

impl Lease {
    /// Wraps whatever frees the lease when dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}
