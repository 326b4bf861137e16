//! The wish to stop: Ctrl-C and the time limit of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorId, Result};

/// A handle that host, engine, executor and probes share; clones are the same handle.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    interrupted: AtomicBool,
    deadline: Option<(Instant, Duration)>,
}

impl Cancel {
    /// A handle that nobody has pulled, without a time limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that pulls itself after a time.
    pub fn after(limit: Duration) -> Self {
        let deadline = Instant::now().checked_add(limit).map(|end| (end, limit));
        Self(Arc::new(Inner { interrupted: AtomicBool::new(false), deadline }))
    }

    /// Ctrl-C: the run ends at its next safe point.
    pub fn interrupt(&self) {
        self.0.interrupted.store(true, Ordering::SeqCst);
    }

    /// Forgets an interruption, so that the next line of a REPL runs.
    pub fn reset(&self) {
        self.0.interrupted.store(false, Ordering::SeqCst);
    }

    /// Whether the run is to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.interrupted.load(Ordering::SeqCst) || self.0.deadline.is_some_and(|(end, _)| Instant::now() >= end)
    }

    /// Ends whoever asks, when the run is to end.
    ///
    /// # Errors
    /// `Interrupted`, `TimedOut`.
    pub fn check(&self) -> Result<()> {
        if self.0.interrupted.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorId::Interrupted, "interrupted"));
        }
        match self.0.deadline {
            Some((end, limit)) if Instant::now() >= end => {
                Err(Error::new(ErrorId::TimedOut, format!("the time limit of {limit:?} is over")))
            }
            _ => Ok(()),
        }
    }
}
