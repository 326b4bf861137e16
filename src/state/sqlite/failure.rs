//! What went wrong in a state file, in the words of the catalogue.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorId};

/// A failure inside a call: of the database, or an answer of ours.
pub(super) enum Failure {
    /// The database's.
    Sql(rusqlite::Error),
    /// Ours.
    Refused(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// The catalogue's error.
    pub(super) fn of(self, path: &Path) -> Error {
        match self {
            Self::Sql(error) => sql(path, error),
            Self::Refused(error) => error,
        }
    }
}

/// `SQLITE_IOERR_SHMSIZE`: the index of the log could not grow (sqlite3.h).
const NO_ROOM_FOR_INDEX: i32 = 0x130A;

/// The catalogue's error for one of `SQLite`'s.
pub(super) fn sql(path: &Path, error: rusqlite::Error) -> Error {
    let shown = path.display();
    let code = error.sqlite_error();
    let extended = code.map_or(0, |c| c.extended_code);
    let made = match code.map(|c| c.code) {
        Some(ErrorCode::DiskFull) => {
            Error::new(ErrorId::DiskFull, format!("no space is left for the state `{shown}`; nothing was written"))
        }
        Some(_) if extended == NO_ROOM_FOR_INDEX => {
            Error::new(ErrorId::DiskFull, format!("no space is left beside the state `{shown}`; nothing was written"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::new(ErrorId::StoreUnavailable, format!("the state `{shown}` is locked by another process"))
                .hint("look for a program that holds it open (`lsof`), then run the command again")
        }
        Some(ErrorCode::NotADatabase) => {
            Error::new(ErrorId::StoreUnavailable, format!("`{shown}` is no state file of certlet"))
                .hint("check `[state] path` in `certlet.toml`, or put the file back from a backup")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            Error::new(ErrorId::StoreUnavailable, format!("the state `{shown}` cannot be opened for writing: {error}"))
                .hint("check owner and mode of the file and its folder; both must be writable")
        }
        // Without a code the database has answered, with a row that is none of ours.
        Some(ErrorCode::DatabaseCorrupt) | None => damaged(path, &error),
        Some(_) => Error::new(ErrorId::StoreUnavailable, format!("the state `{shown}` failed: {error}")),
    };
    made.about(shown.to_string()).because(error)
}

/// A file system's error on the way to the state.
pub(super) fn file(path: &Path, error: std::io::Error) -> Error {
    let id = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorId::DiskFull,
        _ => ErrorId::StoreUnavailable,
    };
    Error::new(id, format!("the state `{}` cannot be opened: {error}", path.display()))
        .about(path.display().to_string())
        .because(error)
}

fn damaged(path: &Path, error: &rusqlite::Error) -> Error {
    Error::new(ErrorId::StoreUnavailable, format!("the state `{}` is damaged: {error}", path.display()))
        .hint("put the file back from a backup; `audit.jsonl` beside it still says what was changed")
}
