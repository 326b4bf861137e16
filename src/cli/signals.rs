//! Ctrl-C and SIGTERM: the first ends the run at its next safe point, a second one is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::terminal::Terminal;
use crate::command::Cancel;

/// A second Ctrl-C within this time is impatience and is answered.
const IMPATIENCE: Duration = Duration::from_secs(2);

/// Lets SIGINT and SIGTERM pull the handle; where the system refuses, they end the process as ever.
pub(super) fn watch(cancel: &Cancel, terminal: &Arc<Terminal>) {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let (cancel, terminal) = (cancel.clone(), Arc::clone(terminal));
    std::thread::spawn(move || {
        let mut last: Option<Instant> = None;
        for _ in signals.forever() {
            cancel.interrupt();
            if last.replace(Instant::now()).is_some_and(|last| last.elapsed() < IMPATIENCE) {
                terminal.note("ending: what was begun is being finished or put back, and proven");
            }
        }
    });
}
