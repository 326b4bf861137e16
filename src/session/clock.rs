//! The clock of the operating system.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Clock, Moment, Zone};

/// The clock and time zone of the operating system.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs() as i64,
            Err(before) => -(before.duration().as_secs() as i64),
        };
        Moment::from_unix(seconds)
    }

    fn zone(&self) -> Zone {
        Zone::system()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
