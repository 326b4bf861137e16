//! Standard output: objects as tables and lists while they come, or as one JSON array.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::command::Value;
use crate::error::{Error, ErrorId, Result};
use crate::format::{Formatter, JsonArrayWriter};
use crate::model::Zone;

/// Standard output, shared between the objects of a run and what is printed beside them.
pub(super) struct Screen {
    page: Arc<Mutex<Page>>,
    terminal: bool,
    zone: Zone,
}

struct Page {
    shape: Shape,
    out: Box<dyn Write + Send>,
    /// Laid out and not written: thousands of rows in a pipe are not as many system calls.
    pending: String,
    written: Option<Instant>,
    /// How much may be held back, in octets: nothing from a terminal.
    hold: usize,
    /// A thread is about to write what is held back.
    watched: bool,
    /// What that thread failed with.
    failed: Option<Error>,
    reader_is_gone: bool,
    /// Nothing was written since the last end.
    ended: bool,
}

/// How much is held back from a pipe or a file, in octets, and how long.
const HELD_OCTETS: usize = 16 << 10;
const HELD_TIME: Duration = Duration::from_millis(100);

enum Shape {
    Text(Formatter),
    Json(JsonArrayWriter),
}

impl Screen {
    /// Standard output of the process.
    pub(super) fn new(json: bool, width: usize, zone: Zone) -> Arc<Self> {
        let out = io::stdout();
        let terminal = out.is_terminal();
        Arc::new(Self::over(json, width, zone, Box::new(out), terminal))
    }

    fn over(json: bool, width: usize, zone: Zone, out: Box<dyn Write + Send>, terminal: bool) -> Self {
        let shape = if json {
            Shape::Json(JsonArrayWriter::new(width, zone.clone()))
        } else {
            Shape::Text(Formatter::new(width, zone.clone()))
        };
        let page = Page {
            shape,
            out,
            pending: String::new(),
            written: None,
            hold: if terminal { 0 } else { HELD_OCTETS },
            watched: false,
            failed: None,
            reader_is_gone: false,
            ended: false,
        };
        Self { page: Arc::new(Mutex::new(page)), terminal, zone }
    }

    /// Lays out what comes now for a screen of another width.
    pub(super) fn set_width(&self, width: usize) {
        let mut page = self.page();
        if let Shape::Text(formatter) = &mut page.shape {
            *formatter = Formatter::new(width, self.zone.clone());
        }
    }

    /// Writes an object, or as much of it as can be written before the next ones are known.
    ///
    /// # Errors
    /// `Interrupted` when nobody reads any more ([`Screen::reader_is_gone`]), `DiskFull`, `FileNotWritable`.
    pub(super) fn object(&self, value: &Value) -> Result<()> {
        self.page().put(|shape, text| match shape {
            Shape::Text(formatter) => formatter.push(value, text),
            Shape::Json(array) => array.push(value, text),
        })?;
        self.watch();
        Ok(())
    }

    /// Sees to it that what is held back is written soon, also when no more comes for a long time.
    fn watch(&self) {
        let mut page = self.page();
        if page.pending.is_empty() || std::mem::replace(&mut page.watched, true) {
            return;
        }
        let page = Arc::downgrade(&self.page);
        std::thread::spawn(move || {
            std::thread::sleep(HELD_TIME);
            let Some(page) = page.upgrade() else { return };
            let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
            page.watched = false;
            page.failed = page.write().err();
        });
    }

    /// Writes what a script prints, a line or several; one string with `--json`.
    ///
    /// # Errors
    /// As [`Screen::object`].
    pub(super) fn text(&self, line: &str) -> Result<()> {
        self.page().put(|shape, text| match shape {
            Shape::Text(formatter) => formatter.push(&Value::text(line), text),
            Shape::Json(array) => array.text(line, text),
        })?;
        // It is meant to be seen now.
        self.page().write()
    }

    /// Writes the rows that are held back, so that what follows on the same terminal stands below them.
    pub(super) fn catch_up(&self) {
        let mut page = self.page();
        if page.ended {
            return;
        }
        if !self.terminal {
            let _ = page.write();
            return;
        }
        // What cannot be written now is told by the next object or by the end.
        let _ = page.put(|shape, text| match shape {
            Shape::Text(formatter) => formatter.flush(text),
            Shape::Json(_) => Ok(()),
        });
    }

    /// Ends the last table or the array, once; what comes later begins a new one. The headings of columns for which there was no room.
    ///
    /// # Errors
    /// As [`Screen::object`].
    pub(super) fn finish(&self) -> Result<Vec<String>> {
        let mut page = self.page();
        if page.ended {
            return Ok(Vec::new());
        }
        page.put(|shape, text| match shape {
            Shape::Text(formatter) => formatter.finish(text),
            Shape::Json(array) => array.finish(text),
        })?;
        page.write()?;
        page.ended = true;
        Ok(match &mut page.shape {
            Shape::Text(formatter) => formatter.take_dropped_columns(),
            Shape::Json(_) => Vec::new(),
        })
    }

    /// Whether the reader of a pipe has closed it, as `head` does when it has enough.
    pub(super) fn reader_is_gone(&self) -> bool {
        self.page().reader_is_gone
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn put(&mut self, lay_out: impl FnOnce(&mut Shape, &mut String) -> fmt::Result) -> Result<()> {
        self.ended = false;
        // Laying out into a String does not fail.
        let _ = lay_out(&mut self.shape, &mut self.pending);
        let is_due = self.written.is_none_or(|last| last.elapsed() >= HELD_TIME);
        if self.reader_is_gone || is_due || self.pending.len() >= self.hold {
            return self.write();
        }
        Ok(())
    }

    /// Writes what was held back.
    fn write(&mut self) -> Result<()> {
        let text = std::mem::take(&mut self.pending);
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if self.reader_is_gone {
            return Err(nobody_reads());
        }
        if text.is_empty() {
            return Ok(());
        }
        self.written = Some(Instant::now());
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => {
                self.reader_is_gone = true;
                nobody_reads()
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Error::new(ErrorId::DiskFull, "no space left for standard output")
                    .hint("free some space")
                    .because(error)
            }
            _ => Error::new(ErrorId::FileNotWritable, "standard output cannot be written").because(error),
        })
    }
}

/// No `catch` of a script may go on after it.
fn nobody_reads() -> Error {
    Error::new(ErrorId::Interrupted, "nobody reads standard output any more")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn broken(kind: ErrorKind) -> Screen {
        Screen::over(false, 80, Zone::utc(), Box::new(Broken(kind)), false)
    }

    #[test]
    fn a_closed_pipe_ends_the_run_and_is_remembered() {
        let screen = broken(ErrorKind::BrokenPipe);
        assert!(!screen.reader_is_gone());
        assert_eq!(screen.object(&Value::Int(1)).unwrap_err().id(), ErrorId::Interrupted);
        assert!(screen.reader_is_gone());
        assert!(screen.finish().is_err());
    }

    /// What was written, and how often.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn many_objects_are_few_writes_and_none_waits_for_long() {
        let kept = Kept::default();
        let screen = Screen::over(false, 80, Zone::utc(), Box::new(kept.clone()), false);
        for number in 0..5000 {
            screen.object(&Value::Int(number)).unwrap();
        }
        let begin = Instant::now();
        while !kept.0.lock().unwrap().concat().ends_with(b"4999\n") {
            assert!(begin.elapsed() < Duration::from_secs(10), "it is never written");
            std::thread::sleep(Duration::from_millis(10));
        }
        let writes = kept.0.lock().unwrap();
        assert_eq!(writes[0], b"0\n", "the first is out at once");
        assert!(writes.len() < 1000, "{}", writes.len());
        assert_eq!(writes.concat().split(|b| *b == b'\n').count(), 5001);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let screen = broken(ErrorKind::StorageFull);
        assert_eq!(screen.text("x").unwrap_err().id(), ErrorId::DiskFull);
        assert!(!screen.reader_is_gone());
    }
}
