//! The handle with which a host ends a running script.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorId, Result};

/// A flag and a deadline, shared between the host, the script engine and running verbs; cheap to clone.
///
/// Scripts cannot catch what it raises: `Interrupted` and `TimedOut` end the whole run.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    interrupted: AtomicBool,
    born: Instant,
    /// Milliseconds after `born`; `u64::MAX` is never.
    deadline: AtomicU64,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// Nothing is cancelled and there is no deadline.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            interrupted: AtomicBool::new(false),
            born: Instant::now(),
            deadline: AtomicU64::new(u64::MAX),
        }))
    }

    /// Ends the run at its next safe point, as Ctrl-C does; may be called from a signal thread.
    pub fn interrupt(&self) {
        self.0.interrupted.store(true, Ordering::Relaxed);
    }

    /// Sets the time that is left from now on; a later call replaces an earlier one.
    pub fn time_out_after(&self, time: Duration) {
        let end = self.0.born.elapsed().saturating_add(time);
        self.0.deadline.store(end.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Forgets an interruption and the deadline, before the next line of an interactive session.
    pub fn reset(&self) {
        self.0.interrupted.store(false, Ordering::Relaxed);
        self.0.deadline.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether somebody interrupted the run; does not look at the deadline.
    pub fn is_interrupted(&self) -> bool {
        self.0.interrupted.load(Ordering::Relaxed)
    }

    /// The time that is left; `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        match self.0.deadline.load(Ordering::Relaxed) {
            u64::MAX => None,
            end => Some(Duration::from_millis(end).saturating_sub(self.0.born.elapsed())),
        }
    }

    /// Whether the run may go on.
    ///
    /// # Errors
    /// `Interrupted`, `TimedOut`.
    pub fn check(&self) -> Result<()> {
        if self.is_interrupted() {
            return Err(Error::new(ErrorId::Interrupted, "the run was interrupted"));
        }
        if self.remaining().is_some_and(|left| left.is_zero()) {
            return Err(Error::new(ErrorId::TimedOut, "the time limit of the run is over"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_flag_and_deadline() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        assert!(cancel.check().is_ok());
        other.interrupt();
        assert_eq!(cancel.check().unwrap_err().id(), ErrorId::Interrupted);
        other.reset();
        assert!(cancel.check().is_ok());
        other.time_out_after(Duration::ZERO);
        assert_eq!(cancel.check().unwrap_err().id(), ErrorId::TimedOut);
        other.time_out_after(Duration::from_secs(60));
        assert!(cancel.check().is_ok());
    }
}
