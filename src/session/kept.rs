//! What became of a request is kept, whatever other processes have made of the request meanwhile.

use super::Session;
use super::obtain::Obtained;
use crate::error::{Error, ErrorId, Result};
use crate::state::{KeyRow, RequestRow, RequestStatus, Row, RowKey, State, Write};

impl Session {
    /// Writes what became of a request, with what belongs to it; with a line in the log, where an outcome is given.
    ///
    /// While it was asked about, somebody else may have dropped it: then only an issued certificate is kept, if its key
    /// still is. Or its answer came in by another way: then that stands, and is given back.
    ///
    /// # Errors
    /// `RequestNotFound` where it was dropped; those of the state.
    pub(super) fn keep(
        &self,
        state: &dyn State,
        row: &RequestRow,
        is_new: bool,
        mut writes: Vec<Write>,
        outcome: Option<&str>,
    ) -> Result<Option<RequestRow>> {
        let key = RowKey::Request(row.id);
        let count = writes.len();
        for _ in 0..16 {
            writes.truncate(count);
            let old = if is_new { None } else { state.row(&key)? };
            match &old {
                Some(Row::Request(now)) if is_decided(now) && !is_decided(row) => return Ok(Some(now.clone())),
                None if !is_new => writes.push(key_of_dropped(state, row)?),
                _ => {}
            }
            writes.push(Write::replace(key.clone(), old, Some(Row::Request(row.clone()))));
            let done = match outcome {
                Some(outcome) => {
                    state.record(&writes, &self.audit_request("Request-CsCertificate", row, outcome)).map(drop)
                }
                None => state.write(&writes),
            };
            match done {
                // Another process has asked on, too.
                Err(error) if error.id() == ErrorId::PlanStale && !is_new => {}
                Err(error) => return Err(error),
                Ok(()) if outcome.is_some() => return self.after_commit().map(|()| None),
                Ok(()) => return Ok(None),
            }
        }
        Err(Error::new(ErrorId::Busy, format!("request {} is asked about by other processes", row.id)))
    }

    /// What somebody else has made of a request meanwhile.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(super) fn as_decided(&self, row: RequestRow) -> Result<Obtained> {
        let stored = row.certificate.map(|f| self.stored(&f)).transpose()?.flatten();
        match stored {
            Some(stored) => Ok(Obtained::Issued(self.certificate_of(&stored)?, row)),
            None => Ok(Obtained::Pending(row)),
        }
    }
}

/// What takes the key of a request out of quarantine, that was dropped while its certificate was on its way.
fn key_of_dropped(state: &dyn State, row: &RequestRow) -> Result<Write> {
    let id = row.request_id.map_or(row.id, u64::from);
    let dropped = |text: String| Error::new(ErrorId::RequestNotFound, text).about(id.to_string());
    let key = RowKey::Key(row.key);
    match state.row(&key)? {
        Some(Row::Key(kept)) if is_decided(row) => {
            let freed = KeyRow { quarantined_until: None, ..kept.clone() };
            Ok(Write::replace(key, Some(Row::Key(kept)), Some(Row::Key(freed))))
        }
        Some(_) => Err(dropped(format!("request {id} was dropped while it was asked about"))
            .hint("its key is kept for 30 days: `Import-CsCertificate -Path FILE` joins an answer to it")),
        None => Err(dropped(format!("request {id} was dropped with its key while it was asked about"))
            .hint("`Request-CsCertificate -New` asks anew")),
    }
}

/// Whether its certificate is here.
fn is_decided(row: &RequestRow) -> bool {
    row.status == RequestStatus::Issued
}
