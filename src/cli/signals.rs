//! Ctrl-C and SIGTERM: the first ends the run at its next safe point, a second one is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::terminal::Terminal;
use crate::command::Cancel;

/// A second Ctrl-C within this time is impatience and is answered.
const IMPATIENCE: Duration = Duration::from_secs(2);

/// What SIGTERM does while a prompt waits and nothing runs that could hear it.
pub(super) struct Idle {
    /// Whether a prompt waits.
    pub(super) waits: Arc<AtomicBool>,
    /// Ends the process.
    pub(super) leave: Box<dyn Fn() + Send>,
}

/// Lets SIGINT and SIGTERM pull the handle; where the system refuses, they end the process as ever.
pub(super) fn watch(cancel: &Cancel, terminal: &Arc<Terminal>, idle: Option<Idle>) {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let (cancel, terminal) = (cancel.clone(), Arc::clone(terminal));
    std::thread::spawn(move || {
        let mut last: Option<Instant> = None;
        for signal in signals.forever() {
            cancel.interrupt();
            if let Some(idle) = idle.as_ref().filter(|idle| signal == SIGTERM && idle.waits.load(Ordering::SeqCst)) {
                (idle.leave)();
            }
            if last.replace(Instant::now()).is_some_and(|last| last.elapsed() < IMPATIENCE) {
                terminal.note("ending: what was begun is being finished or put back, and proven");
            }
        }
    });
}
