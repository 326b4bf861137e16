//! The one door for files that the operator named: requests, reports, exports.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorId, Result};

/// A file that is to be written, opened before the first change so that a folder that cannot be written
/// stops the command and not its end.
pub(crate) struct Artefact {
    file: tempfile::NamedTempFile,
    path: PathBuf,
    shown: String,
}

impl Artefact {
    /// Opens a temporary file beside the target; folders below an allowed root are made.
    ///
    /// # Errors
    /// `FileNotWritable`.
    pub(crate) fn create(path: &Path, shown: &str) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| refused(shown, &e))?;
        // It would be replaced: `/dev/null` must stay what it is.
        let kind = std::fs::metadata(path).map(|found| found.file_type());
        if kind.as_ref().is_ok_and(|kind| !kind.is_file()) {
            let what = if path.is_dir() { "a folder" } else { "no regular file, and is not replaced" };
            return Err(Error::new(ErrorId::FileNotWritable, format!("`{shown}` is {what}")).about(shown));
        }
        let file = tempfile::Builder::new().prefix(".certlet-").tempfile_in(folder).map_err(|e| refused(shown, &e))?;
        Ok(Self { file, path: path.to_owned(), shown: shown.to_owned() })
    }

    /// Writes the content and puts it in place: file and folder are on the medium when it returns.
    ///
    /// # Errors
    /// `FileNotWritable`, `DiskFull`.
    pub(crate) fn finish(self, content: &[u8], secret: bool) -> Result<PathBuf> {
        self.stage(content, secret)?.place()
    }

    /// Writes the content where nobody looks for it yet: all that is likely to fail has been done when it returns.
    ///
    /// # Errors
    /// `FileNotWritable`, `DiskFull`.
    pub(crate) fn stage(mut self, content: &[u8], secret: bool) -> Result<Staged> {
        let fail = |e: std::io::Error| refused(&self.shown, &e);
        self.file.write_all(content).map_err(fail)?;
        set_mode(self.file.as_file(), if secret { 0o600 } else { 0o644 }).map_err(fail)?;
        self.file.as_file().sync_all().map_err(fail)?;
        Ok(Staged(self))
    }
}

/// A file that is written whole and has not got its name; dropped, it is gone.
pub(crate) struct Staged(Artefact);

impl Staged {
    /// Gives the file its name: file and folder are on the medium when it returns.
    ///
    /// # Errors
    /// `FileNotWritable`.
    pub(crate) fn place(self) -> Result<PathBuf> {
        let Artefact { file, path, shown } = self.0;
        file.persist(&path).map_err(|e| refused(&shown, &e.error))?;
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(folder).and_then(|f| f.sync_all()).map_err(|e| refused(&shown, &e))?;
        }
        Ok(path)
    }
}

/// Reads a file that the operator named.
///
/// # Errors
/// `FileNotFound`, `PathNotAllowed` for one that may not be read, `LimitExceeded` above 512 MiB.
pub(crate) fn read(path: &Path, shown: &str) -> Result<Vec<u8>> {
    const LIMIT: u64 = 512 << 20;
    let metadata = metadata(path, shown)?;
    if metadata.len() > LIMIT {
        return Err(Error::new(ErrorId::LimitExceeded, format!("`{shown}` is larger than 512 MiB")).about(shown));
    }
    std::fs::read(path).map_err(|e| not_read(shown, &e))
}

/// Opens a file that the operator named, to be read piece by piece; gives its length too, in octets.
///
/// # Errors
/// `FileNotFound`, `PathNotAllowed` for one that may not be read.
pub(crate) fn open(path: &Path, shown: &str) -> Result<(BufReader<File>, u64)> {
    let length = metadata(path, shown)?.len();
    let file = File::open(path).map_err(|e| not_read(shown, &e))?;
    Ok((BufReader::with_capacity(1 << 16, file), length))
}

fn metadata(path: &Path, shown: &str) -> Result<std::fs::Metadata> {
    let metadata = std::fs::metadata(path).map_err(|e| not_read(shown, &e))?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorId::FileNotFound, format!("`{shown}` is a folder, not a file")).about(shown));
    }
    if is_device(&metadata) {
        // Some have no end; a pipe has one, and shells give what a command writes as a pipe: `<(command)`.
        return Err(Error::new(ErrorId::FileNotFound, format!("`{shown}` is a device, not a file")).about(shown));
    }
    Ok(metadata)
}

#[cfg(unix)]
fn is_device(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}

fn not_read(shown: &str, error: &std::io::Error) -> Error {
    let (id, why) = match error.kind() {
        std::io::ErrorKind::NotFound => (ErrorId::FileNotFound, "is not there".to_owned()),
        std::io::ErrorKind::PermissionDenied => (ErrorId::PathNotAllowed, "may not be read".to_owned()),
        _ => (ErrorId::FileNotFound, format!("cannot be read: {error}")),
    };
    Error::new(id, format!("`{shown}` {why}")).about(shown)
}

fn refused(shown: &str, error: &std::io::Error) -> Error {
    let id = if error.kind() == std::io::ErrorKind::StorageFull { ErrorId::DiskFull } else { ErrorId::FileNotWritable };
    Error::new(id, format!("`{shown}` cannot be written: {error}")).about(shown)
}

#[cfg(unix)]
fn set_mode(file: &std::fs::File, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &std::fs::File, _: u32) -> std::io::Result<()> {
    Ok(())
}
