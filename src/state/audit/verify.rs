//! Whether the audit log is the chain that it was written as.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;

use super::{NO_PREVIOUS, digest};
use crate::error::{Error, ErrorId, Result};
use crate::state::State;

/// What the lines of an audit log show.
///
/// A chain alone cannot show that its last lines were cut off or that all of it was written anew: compare
/// `head` with one that was kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every line follows from the one before.
    Intact {
        /// How many lines there are.
        lines: u64,
        /// The SHA-256 of the last line, lower-case hexadecimal; 64 zeros when there is none.
        head: String,
    },
    /// The chain breaks.
    Broken {
        /// The number of the first line that does not fit.
        at: u64,
    },
}

/// Checks the audit lines in a state.
pub fn verify_audit(state: &dyn State) -> Result<AuditVerdict> {
    let mut chain = Chain::default();
    loop {
        let lines = state.audit_after(chain.lines, PAGE)?;
        if lines.is_empty() {
            return Ok(chain.intact());
        }
        for line in lines {
            if line.seq != chain.lines + 1 || !chain.takes(&line.line) {
                return Ok(chain.broken());
            }
        }
    }
}

/// Checks a copy of the audit log.
///
/// # Errors
/// `FileNotFound` where there is none, `StoreUnavailable` where it cannot be read.
pub fn verify_audit_file(path: &Path) -> Result<AuditVerdict> {
    let failed = |error: std::io::Error| {
        let id = if error.kind() == ErrorKind::NotFound { ErrorId::FileNotFound } else { ErrorId::StoreUnavailable };
        Error::new(id, format!("cannot read the audit log `{}`: {error}", path.display()))
            .about(path.display().to_string())
            .because(error)
    };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut chain = Chain::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            return Ok(chain.intact());
        }
        let whole = line.strip_suffix(b"\n").and_then(|l| std::str::from_utf8(l).ok());
        if !whole.is_some_and(|l| chain.takes(l)) {
            return Ok(chain.broken());
        }
    }
}

const PAGE: usize = 500;
const LONGEST_LINE: u64 = 64 << 20;

#[derive(Deserialize)]
struct Link {
    seq: u64,
    previous: String,
}

/// The chain so far.
#[derive(Default)]
struct Chain {
    lines: u64,
    head: Option<String>,
}

impl Chain {
    /// Adds a line where it fits.
    fn takes(&mut self, line: &str) -> bool {
        // A derived reader refuses a key that stands twice, so that one line cannot name two numbers.
        let fits = serde_json::from_str::<Link>(line).is_ok_and(|link| {
            link.seq == self.lines + 1 && link.previous == self.head.as_deref().unwrap_or(NO_PREVIOUS)
        });
        if fits {
            self.lines += 1;
            self.head = Some(digest(line));
        }
        fits
    }

    fn intact(self) -> AuditVerdict {
        AuditVerdict::Intact { lines: self.lines, head: self.head.unwrap_or_else(|| NO_PREVIOUS.to_owned()) }
    }

    fn broken(&self) -> AuditVerdict {
        AuditVerdict::Broken { at: self.lines + 1 }
    }
}
