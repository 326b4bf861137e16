//! The copy of the audit log in the home, for eyes and for log shippers.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::AuditLine;
use crate::error::{Error, ErrorId, Result};
use crate::state::{State, files};

/// What copying did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditCopy {
    /// The copy had every line.
    UpToDate,
    /// So many lines were appended.
    Appended(u64),
    /// The copy was absent, short or torn and is made anew.
    Remade,
    /// The copy held something that the state does not know; it is made anew, and the old one is kept here.
    Replaced(PathBuf),
}

/// Lets the copy of the audit log catch up with the state.
///
/// Appends what is missing. The last 2,000 lines are compared with the state's, byte by byte; a copy that is
/// short, torn or different is made anew beside and renamed. The file is 0600 and durable when this returns.
/// Several processes may call it at once: they take turns by the lease `audit`.
///
/// # Errors
/// `Busy` after 10 s, `DiskFull`, `FileNotWritable`, or what the state raises. The log itself is not harmed.
pub fn copy_audit(state: &dyn State, path: &Path) -> Result<AuditCopy> {
    AuditCopier::new(path).copy(state)
}

/// The copy of a run of many changes: what this run has compared or written, and nobody has touched since, is not
/// compared again.
#[derive(Debug)]
pub struct AuditCopier {
    path: PathBuf,
    left: Mutex<Option<Left>>,
}

/// How the copy was left: the number of its last line, its length, and when it was written to.
#[derive(Clone, Copy, Debug)]
struct Left {
    seq: u64,
    length: u64,
    modified: SystemTime,
}

impl Left {
    fn of(seq: u64, facts: &Metadata) -> io::Result<Self> {
        Ok(Self { seq, length: facts.len(), modified: facts.modified()? })
    }

    fn is_still(&self, facts: &Metadata) -> bool {
        facts.len() == self.length && facts.modified().is_ok_and(|modified| modified == self.modified)
    }
}

impl AuditCopier {
    /// A copy in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), left: Mutex::new(None) }
    }

    /// Catches up; durable when this returns.
    ///
    /// # Errors
    /// As [`copy_audit`].
    pub fn copy(&self, state: &dyn State) -> Result<AuditCopy> {
        self.catch_up(state, true)
    }

    /// Catches up; what is appended becomes durable with a later copy, or when the system writes it.
    ///
    /// For a run of many changes: the log itself is durable, and a copy that lost its end is mended by the next one.
    ///
    /// # Errors
    /// As [`copy_audit`].
    pub fn copy_soon(&self, state: &dyn State) -> Result<AuditCopy> {
        self.catch_up(state, false)
    }

    fn catch_up(&self, state: &dyn State, is_durable: bool) -> Result<AuditCopy> {
        let path = self.path.as_path();
        let holder = format!("process {}, copying the audit log", std::process::id());
        let _turn = state.lease("audit", &holder, PATIENCE)?;
        let failed = |error: io::Error| {
            let id = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorId::DiskFull,
                _ => ErrorId::FileNotWritable,
            };
            Error::new(id, format!("cannot copy the audit log to `{}`: {error}", path.display()))
                .about(path.display().to_string())
                .because(error)
        };
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut file = match fs::symlink_metadata(path) {
            Ok(_) => files::private(path).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return remake(state, path, failed),
            Err(error) => return Err(failed(error)),
        };
        let facts = file.metadata().map_err(failed)?;
        let agreed = match left.filter(|left| left.is_still(&facts)) {
            Some(left) => Some(left.seq),
            None => agreed(state, &mut file, failed)?,
        };
        let Some(seq) = agreed else {
            return remake(state, path, failed);
        };
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let lines = append(state, seq, &file, is_durable, failed).inspect_err(|_| {
            // A torn line would be mended by the next call; a clean end is better for whoever reads meanwhile.
            let _ = file.set_len(facts.len());
        })?;
        let now = file.metadata().and_then(|facts| Left::of(seq + lines, &facts)).map_err(failed)?;
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(if lines == 0 { AuditCopy::UpToDate } else { AuditCopy::Appended(lines) })
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const PAGE: usize = 500;
const COMPARED: u64 = 2_000;
const BLOCK: usize = 64 << 10;

/// The number of the copy's last line when its end is what the state has; `None` when it is not.
fn agreed(state: &dyn State, file: &mut File, failed: impl Fn(io::Error) -> Error + Copy) -> Result<Option<u64>> {
    let length = file.metadata().map_err(failed)?.len();
    if length == 0 {
        return Ok(Some(0));
    }
    let Some(seq) = last_seq(file, length).map_err(failed)? else {
        return Ok(None);
    };
    let first = seq.saturating_sub(COMPARED);
    let mut lines = Vec::new();
    let mut after = first;
    while after < seq {
        let page = state.audit_after(after, PAGE.min((seq - after) as usize))?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.seq;
        for AuditLine { line, .. } in page {
            lines.extend_from_slice(line.as_bytes());
            lines.push(b'\n');
        }
    }
    let begin = match length.checked_sub(lines.len() as u64) {
        Some(begin) if (begin == 0) == (first == 0) => begin,
        _ => return Ok(None),
    };
    file.seek(SeekFrom::Start(begin)).map_err(failed)?;
    let same = holds(&mut BufReader::with_capacity(BLOCK, file), &lines).map_err(failed)?;
    Ok(same.then_some(seq))
}

/// The number that the last line bears; `None` when it is torn or no line of ours.
fn last_seq(file: &mut File, length: u64) -> io::Result<Option<u64>> {
    let mut tail: Vec<u8> = Vec::new();
    let mut begin = length;
    loop {
        let step = begin.min(tail.len().max(BLOCK) as u64);
        begin -= step;
        let mut block = vec![0; step as usize];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut block)?;
        block.append(&mut tail);
        tail = block;
        let Some(whole) = tail.strip_suffix(b"\n") else { return Ok(None) };
        if let Some(newline) = whole.iter().rposition(|b| *b == b'\n') {
            return Ok(seq_of(&whole[newline + 1..]));
        }
        if begin == 0 {
            return Ok(seq_of(whole));
        }
        if tail.len() > LONGEST_LINE {
            return Ok(None);
        }
    }
}

const LONGEST_LINE: usize = 64 << 20;

fn seq_of(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(br#"{"seq":"#)?.split(|b| *b == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Writes the copy beside, makes it durable, and puts it in place; what is not a mere beginning of it is kept.
fn remake(state: &dyn State, path: &Path, failed: impl Fn(io::Error) -> Error + Copy) -> Result<AuditCopy> {
    let beside = path.with_extension("jsonl.new");
    let mut fresh = files::private(&beside).map_err(failed)?;
    fresh.set_len(0).map_err(failed)?;
    let kept = append(state, 0, &fresh, true, failed).and_then(|_| keep(path, &mut fresh).map_err(failed));
    if kept.is_err() {
        let _ = fs::remove_file(&beside);
    }
    let kept = kept?;
    fs::rename(&beside, path).and_then(|()| files::sync_folder(path)).map_err(failed)?;
    Ok(kept.map_or(AuditCopy::Remade, AuditCopy::Replaced))
}

/// Writes the state's lines after a number to the file; says how many.
fn append(
    state: &dyn State,
    after: u64,
    file: &File,
    is_durable: bool,
    failed: impl Fn(io::Error) -> Error + Copy,
) -> Result<u64> {
    let mut writer = BufWriter::new(file);
    let mut last = after;
    loop {
        let page = state.audit_after(last, PAGE)?;
        let is_last = page.len() < PAGE;
        for AuditLine { seq, line } in page {
            writer.write_all(line.as_bytes()).and_then(|()| writer.write_all(b"\n")).map_err(failed)?;
            last = seq;
        }
        if is_last {
            break;
        }
    }
    if last > after {
        writer.flush().and_then(|()| if is_durable { file.sync_data() } else { Ok(()) }).map_err(failed)?;
    }
    Ok(last - after)
}

/// Gives the old copy another name unless the fresh one begins with it.
fn keep(path: &Path, fresh: &mut File) -> io::Result<Option<PathBuf>> {
    let old = match File::open(path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    fresh.seek(SeekFrom::Start(0))?;
    if begins_with(fresh, old)? {
        return Ok(None);
    }
    for n in 1..1000 {
        let aside = path.with_extension(format!("jsonl.{n}"));
        match fs::hard_link(path, &aside) {
            Ok(()) => return Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("a thousand replaced copies lie beside it already"))
}

fn begins_with(whole: &mut File, beginning: File) -> io::Result<bool> {
    let mut whole = BufReader::with_capacity(BLOCK, whole);
    let mut beginning = BufReader::with_capacity(BLOCK, beginning);
    let mut block = vec![0; BLOCK];
    loop {
        let read = beginning.read(&mut block)?;
        if read == 0 {
            return Ok(true);
        }
        if !holds(&mut whole, block.get(..read).unwrap_or_default())? {
            return Ok(false);
        }
    }
}

/// Whether just these bytes come next.
fn holds(reader: &mut impl Read, expected: &[u8]) -> io::Result<bool> {
    let mut block = vec![0; BLOCK];
    for part in expected.chunks(BLOCK) {
        let found = &mut block[..part.len()];
        match reader.read_exact(found) {
            Ok(()) if found == part => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
