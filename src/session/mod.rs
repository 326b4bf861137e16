//! Everything that a verb may touch, and the executor of changes.

mod executor;

use crate::command::Facts;
use crate::error::Result;
use crate::model::{Moment, Zone};

/// Everything that a verb may touch; a cheap clone.
#[derive(Clone)]
pub struct Session {}

impl Session {
    /// The present moment of the session's clock.
    pub fn now(&self) -> Moment {
        Moment::from_unix(0)
    }

    /// The zone of dates on screen and on the command line.
    pub fn zone(&self) -> Zone {
        Zone::utc()
    }
}

impl Facts for Session {
    fn now(&self) -> Moment {
        Self::now(self)
    }

    fn zone(&self) -> Zone {
        Self::zone(self)
    }

    fn uses(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
