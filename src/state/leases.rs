//! Leases: at most one holder of each name, known to the others, and freed when its process dies.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Lease, files};
use crate::error::{Error, ErrorId, Result};

/// Leases between processes: an advisory lock on `FOLDER/NAME.lock`, which the system frees with the process.
///
/// The file stays when nobody holds it: a lock on a file that another process just removed guards nothing.
pub(super) struct FileLeases {
    folder: PathBuf,
}

impl FileLeases {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease> {
        let path = self.path(name)?;
        let mut file = files::private(&path).map_err(|e| unavailable(&path, e))?;
        patiently(wait, || take(&file).map_err(|e| unavailable(&path, e)))?
            .ok_or_else(|| busy(name, holder_in(&mut file).as_deref()))?;
        // The text serves those who wait; a disk too full for it is no reason to refuse the lease. It stays behind, for
        // it says nothing while nobody holds the lock, and a run that takes a lease a thousand times writes it once.
        if holder_in(&mut file).as_deref() != Some(holder) {
            let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        }
        Ok(Lease::new(HeldFile(file)))
    }

    pub(super) fn holder(&self, name: &str) -> Result<Option<String>> {
        let path = self.path(name)?;
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(&path, error)),
        };
        match file.try_lock_shared() {
            Ok(()) => {
                file.unlock().map_err(|e| unavailable(&path, e))?;
                Ok(None)
            }
            Err(TryLockError::WouldBlock) => Ok(Some(holder_in(&mut file).unwrap_or_else(|| NOBODY_KNOWN.to_owned()))),
            Err(TryLockError::Error(error)) => Err(unavailable(&path, error)),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        check(name)?;
        Ok(self.folder.join(format!("{name}.lock")))
    }
}

/// Leases within a process.
#[derive(Clone, Default)]
pub(super) struct LocalLeases(Arc<Mutex<BTreeMap<String, String>>>);

impl LocalLeases {
    pub(super) fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease> {
        check(name)?;
        let taken = patiently(wait, || {
            let mut held = self.held();
            if held.contains_key(name) {
                return Ok(None);
            }
            held.insert(name.to_owned(), holder.to_owned());
            Ok(Some(HeldName { leases: self.clone(), name: name.to_owned() }))
        })?;
        taken.map(Lease::new).ok_or_else(|| busy(name, self.held().get(name).map(String::as_str)))
    }

    pub(super) fn holder(&self, name: &str) -> Result<Option<String>> {
        check(name)?;
        Ok(self.held().get(name).cloned())
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct HeldFile(File);

impl Drop for HeldFile {
    fn drop(&mut self) {
        // Explicitly: a child that is just being started may hold a copy of the descriptor for a moment.
        let _ = self.0.unlock();
    }
}

struct HeldName {
    leases: LocalLeases,
    name: String,
}

impl Drop for HeldName {
    fn drop(&mut self) {
        self.leases.held().remove(&self.name);
    }
}

const NOBODY_KNOWN: &str = "a process that has not said its name";
const SLICE: Duration = Duration::from_millis(50);
const LOOKS: usize = 500;
const LONGEST_HOLDER: u64 = 1024;

/// Tries until the wait is over, in slices of at most 50 ms.
fn patiently<T>(wait: Duration, mut take: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let start = Instant::now();
    let mut slice = Duration::from_millis(1);
    loop {
        if let Some(taken) = take()? {
            return Ok(Some(taken));
        }
        let left = wait.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(slice.min(left));
        slice = (slice * 2).min(SLICE);
    }
}

/// Takes the lock of a file unless somebody holds it.
///
/// Who only looks for a holder shares the lock for some microseconds. A lock that can be shared has no holder, so
/// that is no answer yet.
fn take(file: &File) -> io::Result<Option<()>> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(Some(())),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(None)
}

/// What the holder wrote into its file, fit for a terminal.
fn holder_in(file: &mut File) -> Option<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(LONGEST_HOLDER).read_to_end(&mut bytes).ok()?;
    let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect();
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// Refuses a name that would be no plain file name.
fn check(name: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::new(ErrorId::InvalidName, format!("`{name}` is no name of a lease")).about(name))
}

fn busy(name: &str, holder: Option<&str>) -> Error {
    let holder = holder.unwrap_or(NOBODY_KNOWN);
    Error::new(ErrorId::Busy, format!("the lease `{name}` is held by {holder}"))
        .about(holder)
        .hint("wait until it is done, or wait longer with `--timeout`")
}

fn unavailable(path: &Path, error: io::Error) -> Error {
    let id = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorId::DiskFull,
        _ => ErrorId::StoreUnavailable,
    };
    Error::new(id, format!("cannot lock `{}`: {error}", path.display()))
        .about(path.display().to_string())
        .because(error)
}
