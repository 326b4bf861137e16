//! Keys of requests that were dropped: kept for a while, for an answer may still come, and then gone.

use serde_json::json;

use super::Session;
use crate::error::{ErrorId, Result};
use crate::model::Moment;
use crate::state::{CertificateQuery, KeyRow, RequestRow, Row, RowKey, Write};

/// How many days the key of a request that was dropped is kept.
pub(crate) const QUARANTINE_DAYS: i64 = 30;

/// Whether a key has been kept for long enough, and its answer is not waited for any more.
pub(crate) fn is_over(key: &KeyRow, now: Moment) -> bool {
    key.quarantined_until.is_some_and(|end| end < now)
}

impl Session {
    /// What becomes of the key of a request that is dropped: into quarantine, or gone at once where it `is_final`;
    /// nothing where a stored certificate has it.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn key_let_go(&self, request: &RequestRow, is_final: bool) -> Result<Option<Write>> {
        let key = RowKey::Key(request.key);
        let Some(Row::Key(kept)) = self.state()?.row(&key)? else { return Ok(None) };
        if self.is_in_use(request.key)? {
            return Ok(None);
        }
        let until = Some(self.now().plus_days(QUARANTINE_DAYS));
        let new = (!is_final).then(|| Row::Key(KeyRow { quarantined_until: until, ..kept.clone() }));
        Ok(Some(Write::replace(key, Some(Row::Key(kept)), new)))
    }

    /// Removes the keys that have been kept for long enough; how many there were.
    ///
    /// To be called by whoever serves or renews, and when requests are dropped.
    ///
    /// # Errors
    /// `NotAdministrator`, `StoreUnavailable`.
    pub(crate) fn end_quarantines(&self) -> Result<usize> {
        let now = self.now();
        let mut gone = 0;
        for (id, row) in self.state()?.quarantined()? {
            if !is_over(&row, now) {
                continue;
            }
            // A certificate that has come by another way needs it.
            let is_needed = self.is_in_use(id)?;
            let new = is_needed.then(|| Row::Key(KeyRow { quarantined_until: None, ..row.clone() }));
            let write = Write::replace(RowKey::Key(id), Some(Row::Key(row)), new);
            let outcome = if is_needed { "KeyKept" } else { "KeyRemoved" };
            match self.record("Request-CsCertificate", outcome, json!([{"key": id.to_string()}]), &[write]) {
                Ok(()) => gone += usize::from(!is_needed),
                // Its answer has come just now, or another process was faster.
                Err(error) if error.id() == ErrorId::PlanStale => {}
                Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }

    fn is_in_use(&self, key: crate::model::KeyId) -> Result<bool> {
        let query = CertificateQuery { key: Some(key), limit: Some(1), ..CertificateQuery::default() };
        Ok(!self.state()?.certificates(&query)?.is_empty())
    }
}
