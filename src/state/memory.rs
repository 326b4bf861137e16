//! The state that lives as long as its process: for tests, samples and simulations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::audit::next_line;
use super::leases::LocalLeases;
use super::rows::{lowest_assignment, lowest_binding};
use super::{
    AssignmentKey, AssignmentRow, AuditDraft, AuditLine, BindingKey, BoundRow, CertificateQuery, CertificateRow,
    KeyRow, Lease, OpenOperation, RequestRow, Row, RowKey, State, SubmissionRow, Write,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Fingerprint, KeyId, Moment};

/// A state in memory; leases hold between its threads.
#[derive(Default)]
pub struct MemoryState {
    tables: Mutex<Tables>,
    leases: LocalLeases,
}

impl MemoryState {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State for MemoryState {
    fn row(&self, key: &RowKey) -> Result<Option<Row>> {
        Ok(self.tables().rows.get(key).cloned())
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<(Fingerprint, CertificateRow)>> {
        let tables = self.tables();
        let first = (Moment::from_unix(i64::MIN), Fingerprint::from_bytes([0; 32]));
        let last = (query.ends_by.unwrap_or(Moment::from_unix(i64::MAX)), Fingerprint::from_bytes([0xff; 32]));
        let (from, to) = match query.after {
            Some(after) if query.latest_first => (first, last.min(after)),
            Some(after) => (after, last),
            None => (first, last),
        };
        if from > to {
            return Ok(Vec::new());
        }
        let range = tables.by_end.range(from..=to);
        let ordered: Box<dyn Iterator<Item = _>> =
            if query.latest_first { Box::new(range.rev()) } else { Box::new(range) };
        let fitting =
            ordered.filter_map(|(_, fingerprint)| match tables.rows.get(&RowKey::Certificate(*fingerprint)) {
                Some(Row::Certificate(row)) if query.fits(fingerprint, row) && tables.has_key(query, row) => {
                    Some((*fingerprint, row.clone()))
                }
                _ => None,
            });
        Ok(fitting.take(query.limit.unwrap_or(usize::MAX)).collect())
    }

    fn assignments(&self) -> Result<Vec<(AssignmentKey, AssignmentRow)>> {
        Ok(self.tables().from(&RowKey::Assignment(lowest_assignment()), |key, row| match (key, row) {
            (RowKey::Assignment(key), Row::Assignment(row)) => Some((key.clone(), row.clone())),
            _ => None,
        }))
    }

    fn quarantined(&self) -> Result<Vec<(KeyId, KeyRow)>> {
        let mut keys = self.tables().from(&RowKey::Key(KeyId::from_bytes([0; 32])), |key, row| match (key, row) {
            (RowKey::Key(key), Row::Key(row)) => Some((*key, row.clone())),
            _ => None,
        });
        keys.retain(|(_, row)| row.quarantined_until.is_some());
        Ok(keys)
    }

    fn requests(&self) -> Result<Vec<RequestRow>> {
        Ok(self.tables().from(&RowKey::Request(0), |_, row| match row {
            Row::Request(row) => Some(row.clone()),
            _ => None,
        }))
    }

    fn bound(&self) -> Result<Vec<(BindingKey, BoundRow)>> {
        Ok(self.tables().from(&RowKey::Bound(lowest_binding()), |key, row| match (key, row) {
            (RowKey::Bound(key), Row::Bound(row)) => Some((key.clone(), row.clone())),
            _ => None,
        }))
    }

    fn listener(&self) -> Result<Vec<(BindingKey, BoundRow)>> {
        Ok(self.tables().from(&RowKey::Listener(lowest_binding()), |key, row| match (key, row) {
            (RowKey::Listener(key), Row::Listener(row)) => Some((key.clone(), row.clone())),
            _ => None,
        }))
    }

    fn submissions(&self, authority: &str, serial: Option<&str>) -> Result<Vec<(u32, SubmissionRow)>> {
        let mut rows = self.tables().from(&RowKey::Submission(authority.to_owned(), 0), |key, row| match (key, row) {
            (RowKey::Submission(at, id), Row::Submission(row)) if at == authority => Some((*id, row.clone())),
            _ => None,
        });
        rows.retain(|(_, row)| serial.is_none_or(|s| s == row.serial));
        Ok(rows)
    }

    fn write(&self, batch: &[Write]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut tables = self.tables();
        tables.apply(batch)?;
        tables.version += 1;
        Ok(())
    }

    fn open(&self, opened: Moment, machine: &str, body: &str) -> Result<u64> {
        let mut tables = self.tables();
        tables.version += 1;
        tables.last_operation += 1;
        let id = tables.last_operation;
        let (machine, body) = (machine.to_owned(), body.to_owned());
        tables.operations.insert(id, OpenOperation { id, opened, machine, body, entries: Vec::new() });
        Ok(id)
    }

    fn journal(&self, operation: u64, entry: &str) -> Result<()> {
        self.journal_with(operation, entry, &[])
    }

    fn journal_with(&self, operation: u64, entry: &str, batch: &[Write]) -> Result<()> {
        let mut tables = self.tables();
        tables.check_open(operation)?;
        tables.apply(batch)?;
        if let Some(open) = tables.operations.get_mut(&operation) {
            open.entries.push(entry.to_owned());
        }
        tables.version += 1;
        Ok(())
    }

    fn close(&self, operation: u64, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine> {
        let mut tables = self.tables();
        tables.check_open(operation)?;
        tables.apply(batch)?;
        let prefix = format!("{operation}/");
        let first = RowKey::BeforeImage(prefix.clone());
        let images = tables.from(&first, |key, _| match key {
            RowKey::BeforeImage(object) if object.starts_with(&prefix) => Some(key.clone()),
            _ => None,
        });
        for image in images {
            tables.rows.remove(&image);
        }
        tables.operations.remove(&operation);
        Ok(tables.append(audit))
    }

    fn record(&self, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine> {
        let mut tables = self.tables();
        tables.apply(batch)?;
        Ok(tables.append(audit))
    }

    fn open_operations(&self) -> Result<Vec<OpenOperation>> {
        Ok(self.tables().operations.values().cloned().collect())
    }

    fn audit_after(&self, seq: u64, limit: usize) -> Result<Vec<AuditLine>> {
        let begin = usize::try_from(seq).unwrap_or(usize::MAX);
        Ok(self.tables().audit.iter().skip(begin).take(limit).cloned().collect())
    }

    fn data_version(&self) -> Result<u64> {
        Ok(self.tables().version)
    }

    fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease> {
        self.leases.lease(name, holder, wait)
    }

    fn lease_holder(&self, name: &str) -> Result<Option<String>> {
        self.leases.holder(name)
    }
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<RowKey, Row>,
    by_end: BTreeSet<(Moment, Fingerprint)>,
    operations: BTreeMap<u64, OpenOperation>,
    last_operation: u64,
    audit: Vec<AuditLine>,
    version: u64,
}

impl Tables {
    /// The rows from a key on, as long as they are wanted.
    fn from<T>(&self, key: &RowKey, wanted: impl Fn(&RowKey, &Row) -> Option<T>) -> Vec<T> {
        self.rows.range(key..).map_while(|(key, row)| wanted(key, row)).collect()
    }

    /// Whether a certificate has its key, where a query asks for that.
    fn has_key(&self, query: &CertificateQuery, row: &CertificateRow) -> bool {
        let key = RowKey::Key(row.key);
        !query.with_key || matches!(self.rows.get(&key), Some(Row::Key(key)) if key.quarantined_until.is_none())
    }

    /// Writes all of the batch or none.
    fn apply(&mut self, batch: &[Write]) -> Result<()> {
        let mut before = Vec::with_capacity(batch.len());
        for write in batch {
            let checked = write.check().and_then(|()| write.admit(self.rows.get(&write.key)));
            if let Err(error) = checked {
                for (key, row) in before.into_iter().rev() {
                    self.set(key, row);
                }
                return Err(error);
            }
            before.push((&write.key, self.set(&write.key, write.row.clone())));
        }
        Ok(())
    }

    /// Puts or removes a row; gives what was there.
    fn set(&mut self, key: &RowKey, row: Option<Row>) -> Option<Row> {
        let new_end = end_of(key, row.as_ref());
        let old = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(key),
        };
        if let Some(end) = end_of(key, old.as_ref()) {
            self.by_end.remove(&end);
        }
        self.by_end.extend(new_end);
        old
    }

    fn check_open(&self, operation: u64) -> Result<()> {
        if self.operations.contains_key(&operation) { Ok(()) } else { Err(not_open(operation)) }
    }

    fn append(&mut self, draft: &AuditDraft) -> AuditLine {
        self.version += 1;
        let line = next_line(self.audit.last(), draft);
        self.audit.push(line.clone());
        line
    }
}

fn end_of(key: &RowKey, row: Option<&Row>) -> Option<(Moment, Fingerprint)> {
    match (key, row) {
        (RowKey::Certificate(fingerprint), Some(Row::Certificate(row))) => Some((row.not_after, *fingerprint)),
        _ => None,
    }
}

/// What an operation that was closed, or never was, is answered with.
pub(super) fn not_open(operation: u64) -> Error {
    Error::new(ErrorId::PlanStale, format!("operation {operation} is not open: another process has closed it"))
        .about(format!("operation {operation}"))
        .hint("`certlet recover` shows what is open")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryState;
    use crate::state::contract;

    #[test]
    fn keeps_the_contract() {
        contract::contract(|| Arc::new(MemoryState::new()));
    }
}
