//! What is remembered, behind one contract.

mod rows;

use std::time::Duration;

pub use rows::{
    AssignmentKey, AssignmentRow, AuditDraft, AuditLine, AuthorityRow, BindingKey, BoundRow, CertificateQuery,
    CertificateRow, Expectation, KeyRow, OpenOperation, RequestRow, RequestStatus, Row, RowKey, Sealed, Store,
    SubmissionRow, Write,
};

use crate::error::Result;
use crate::model::{Fingerprint, Moment};

/// What is remembered: rows, the journal of changes under way, the log of closed ones, and the leases.
///
/// Contract, the same for every implementation (one suite of tests runs on all):
/// - Calls are short and thread-safe; no lock and no transaction outlives a call.
/// - `write` is atomic and durable when it returns: all writes of the batch, or none. A write whose
///   expectation does not hold fails the whole batch with `PlanStale`, naming the row.
/// - `journal` is durable when it returns. Entries come back in the order they were written.
/// - `close` writes rows, removes the operation and its before-images, and appends the audit line, in one
///   transaction. Audit lines are numbered from 1 without gaps; `previous` is the SHA-256 (lower-case hex)
///   of the previous line's bytes, 64 zeros at first. Lines are never changed or removed.
/// - Removed keys and before-images are overwritten on the medium.
/// - Several processes may use the same state at once; `data_version` differs after any of them wrote.
pub trait State: Send + Sync {
    /// One row.
    fn row(&self, key: &RowKey) -> Result<Option<Row>>;

    /// The certificates that a query asks for, ordered by (end of validity, fingerprint).
    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<(Fingerprint, CertificateRow)>>;

    /// All assignments, ordered by key.
    fn assignments(&self) -> Result<Vec<(AssignmentKey, AssignmentRow)>>;

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

    /// The next number of a counter, from 1; never given twice.
    fn next_number(&self, counter: &str) -> Result<u64>;

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

    /// Takes a lease, waiting up to `wait`; freed when the guard drops or the process dies.
    ///
    /// # Errors
    /// `Busy`, naming who holds it (`holder` of the other: pid, verb, since when).
    fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease>;

    /// Whether somebody else holds the lease, and who.
    fn lease_holder(&self, name: &str) -> Result<Option<String>>;
}

/// A lease that is held until this is dropped.
pub struct Lease(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send>);

impl Lease {
    /// Wraps whatever frees the lease when dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}
