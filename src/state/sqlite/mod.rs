//! The state in a file: `SQLite`, durable with each call, shared by processes.

mod certificates;
mod failure;
#[cfg(test)]
mod processes;
mod schema;
mod tables;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use self::failure::Failure;
use self::schema::Found;
use super::audit::next_line;
use super::leases::FileLeases;
use super::memory::not_open;
use super::{
    AssignmentKey, AssignmentRow, AuditDraft, AuditLine, BindingKey, BoundRow, CertificateQuery, CertificateRow,
    KeyRow, Lease, Listed, OpenOperation, RequestRow, Row, RowKey, State, SubmissionRow, Write, files,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Fingerprint, KeyId, Moment};

/// How a state file is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The folder of the leases: `change` is `change.lock` in it.
    pub home: PathBuf,
    /// How long a call waits for another process's call.
    pub busy_timeout: Duration,
    /// The most pages of 4 KiB that the file may have; for tests of a full disk.
    pub max_pages: Option<u32>,
}

impl SqliteOptions {
    /// The usual ones: 10 s, no bound.
    pub fn in_home(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), busy_timeout: Duration::from_secs(10), max_pages: None }
    }
}

/// A state in an `SQLite` file (write-ahead log, `synchronous=FULL`).
///
/// The file is 0600. It must lie on a local file system: `SQLite`'s log and the leases need its locks.
pub struct SqliteState {
    path: PathBuf,
    db: Mutex<Connection>,
    leases: FileLeases,
    busy_timeout: Duration,
}

impl SqliteState {
    /// Opens a state file; makes it where there is none, and brings an older one to this version.
    ///
    /// # Errors
    /// `StoreTooNew`; `StoreUnavailable` when it cannot be read, is damaged, locked, or another program's;
    /// `DiskFull`.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        prepare_file(path).map_err(|e| failure::file(path, e))?;
        let db = connect(path, &options).map_err(|f| f.of(path))?;
        let (path, leases) = (path.to_owned(), FileLeases::new(options.home));
        Ok(Self { path, db: Mutex::new(db), leases, busy_timeout: options.busy_timeout })
    }

    /// Answers from one snapshot.
    fn read<T>(&self, answer: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T> {
        answer(&self.connection()).map_err(|f| f.of(&self.path))
    }

    /// Changes in one durable transaction, or not at all.
    fn change<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T> {
        let db = &mut *self.connection();
        let changed = (|| {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&tx)?;
            let mark: i64 = tx
                .prepare_cached("UPDATE meta SET version = version + 1 RETURNING scrub")?
                .query_row([], |row| row.get(0))?;
            tx.commit()?;
            Ok((value, mark))
        })();
        let (value, mark) = changed.map_err(|f: Failure| f.of(&self.path))?;
        if mark != 0 {
            scrub(db, mark, self.busy_timeout);
        }
        Ok(value)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // After a panic inside a call its transaction is rolled back: the connection is as good as before.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State for SqliteState {
    fn row(&self, key: &RowKey) -> Result<Option<Row>> {
        self.read(|db| tables::read(db, key))
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<(Fingerprint, CertificateRow)>> {
        self.read(|db| Ok(certificates::list(db, query)?))
    }

    fn listing(&self, query: &CertificateQuery) -> Result<Vec<Listed>> {
        self.read(|db| Ok(certificates::listing(db, query)?))
    }

    fn assignments(&self) -> Result<Vec<(AssignmentKey, AssignmentRow)>> {
        self.read(|db| Ok(tables::assignments(db)?))
    }

    fn quarantined(&self) -> Result<Vec<(KeyId, KeyRow)>> {
        self.read(|db| Ok(tables::quarantined(db)?))
    }

    fn requests(&self) -> Result<Vec<RequestRow>> {
        self.read(|db| Ok(tables::requests(db)?))
    }

    fn bound(&self) -> Result<Vec<(BindingKey, BoundRow)>> {
        self.read(|db| Ok(tables::bindings(db, "bound")?))
    }

    fn listener(&self) -> Result<Vec<(BindingKey, BoundRow)>> {
        self.read(|db| Ok(tables::bindings(db, "listener")?))
    }

    fn submissions(&self, authority: &str, serial: Option<&str>) -> Result<Vec<(u32, SubmissionRow)>> {
        self.read(|db| Ok(tables::submissions(db, authority, serial)?))
    }

    fn write(&self, batch: &[Write]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.change(|tx| apply(tx, batch))
    }

    fn open(&self, opened: Moment, machine: &str, body: &str) -> Result<u64> {
        self.change(|tx| {
            tx.prepare_cached("INSERT INTO operations (opened, machine, body) VALUES (?1, ?2, ?3)")?
                .execute(params![opened.unix(), machine, body])?;
            Ok(tx.last_insert_rowid().unsigned_abs())
        })
    }

    fn journal(&self, operation: u64, entry: &str) -> Result<()> {
        self.journal_with(operation, entry, &[])
    }

    fn journal_with(&self, operation: u64, entry: &str, batch: &[Write]) -> Result<()> {
        self.change(|tx| {
            let added = tx
                .prepare_cached(
                    "INSERT INTO operation_entries (operation, entry) SELECT id, ?2 FROM operations WHERE id = ?1",
                )?
                .execute(params![tables::number(operation)?, entry])?;
            if added == 0 {
                return Err(not_open(operation).into());
            }
            apply(tx, batch)
        })
    }

    fn close(&self, operation: u64, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine> {
        self.change(|tx| {
            let closed =
                tx.prepare_cached("DELETE FROM operations WHERE id = ?1")?.execute([tables::number(operation)?])?;
            if closed == 0 {
                return Err(not_open(operation).into());
            }
            apply(tx, batch)?;
            tables::remove_before_images(tx, operation)?;
            append(tx, audit)
        })
    }

    fn record(&self, batch: &[Write], audit: &AuditDraft) -> Result<AuditLine> {
        self.change(|tx| {
            apply(tx, batch)?;
            append(tx, audit)
        })
    }

    fn open_operations(&self) -> Result<Vec<OpenOperation>> {
        self.read(|db| {
            let tx = db.unchecked_transaction()?;
            let operations = tx
                .prepare_cached("SELECT id, opened, machine, body FROM operations ORDER BY id")?
                .query_map([], |row| {
                    Ok(OpenOperation {
                        id: row.get::<_, i64>(0)?.unsigned_abs(),
                        opened: Moment::from_unix(row.get(1)?),
                        machine: row.get(2)?,
                        body: row.get(3)?,
                        entries: Vec::new(),
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut entries =
                tx.prepare_cached("SELECT entry FROM operation_entries WHERE operation = ?1 ORDER BY id")?;
            let mut whole = Vec::with_capacity(operations.len());
            for operation in operations {
                let found = entries.query_map([operation.id as i64], |row| row.get(0))?;
                whole.push(OpenOperation { entries: found.collect::<rusqlite::Result<_>>()?, ..operation });
            }
            Ok(whole)
        })
    }

    fn audit_after(&self, seq: u64, limit: usize) -> Result<Vec<AuditLine>> {
        let after = i64::try_from(seq).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT seq, line FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            let lines = statement.query_map([after, limit], audit_line)?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn data_version(&self) -> Result<u64> {
        self.read(|db| {
            let version: i64 = db.prepare_cached("SELECT version FROM meta")?.query_row([], |row| row.get(0))?;
            Ok(version.unsigned_abs())
        })
    }

    fn lease(&self, name: &str, holder: &str, wait: Duration) -> Result<Lease> {
        self.leases.lease(name, holder, wait)
    }

    fn lease_holder(&self, name: &str) -> Result<Option<String>> {
        self.leases.holder(name)
    }
}

/// How long a scrub waits for readers in other processes; it is tried again after each later write.
const SCRUB_PATIENCE: Duration = Duration::from_millis(500);

/// Makes the file before `SQLite` does, which would let others read it; the log inherits its mode.
///
/// A file that is there is never opened here: closing any descriptor of a file frees all POSIX locks that the
/// process has on it, those of another `SqliteState` too (sqlite.org/howtocorrupt.html §2.2).
fn prepare_file(path: &Path) -> std::io::Result<()> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.try_exists()? {
        return files::make_private(path);
    }
    files::private(path)?;
    files::sync_folder(path)
}

fn connect(path: &Path, options: &SqliteOptions) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.set_prepared_statement_cache_capacity(64);
    // Otherwise each new value of a range makes SQLite prepare the statement again, in search of a better plan.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(options.busy_timeout)?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    db.execute_batch(&format!("PRAGMA wal_autocheckpoint = {LOG_PAGES}"))?;
    if let Some(pages) = options.max_pages {
        db.execute_batch(&format!("PRAGMA max_page_count = {pages}"))?;
    }
    let found = schema::found(&db)?;
    if matches!(found, Found::Current | Found::Older) {
        write_ahead(&db, options.busy_timeout)?;
    }
    match found {
        Found::Current => {}
        Found::Older => schema::migrate(&mut db)?,
        Found::Newer(version) => return Err(too_new(path, version).into()),
        Found::Foreign => return Err(foreign(path).into()),
    }
    let mark: i64 = db.query_row("SELECT scrub FROM meta", [], |row| row.get(0))?;
    if mark != 0 {
        scrub(&db, mark, options.busy_timeout);
    }
    Ok(db)
}

/// Turns the write-ahead log on. `SQLite` needs the file alone for a moment and may say busy without having waited,
/// so that two processes that make a state at once need this.
fn write_ahead(db: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match db.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if is_busy(&error) && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// Moves the log into the file and cuts it off, so that removed sealed bytes stand nowhere; then takes the mark back.
///
/// A failure is no failure of the call before: that is committed, and the mark stays for the next. A mark that
/// another process has set meanwhile is another number and stays too.
fn scrub(db: &Connection, mark: i64, patience: Duration) {
    let scrubbed = (|| {
        db.busy_timeout(patience.min(SCRUB_PATIENCE))?;
        let is_busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !is_busy {
            db.prepare_cached("UPDATE meta SET scrub = 0 WHERE scrub = ?1")?.execute([mark])?;
        }
        db.busy_timeout(patience)
    })();
    if scrubbed.is_err() {
        let _ = db.busy_timeout(patience);
    }
}

/// From how many pages of 4 KiB on the write-ahead log is moved into the file: a certificate touches some thirty, and
/// each move waits for the disk three times.
const LOG_PAGES: u32 = 4_000;

/// From so many writes on a batch is given memory for the pages of all indexes, which it touches in no order.
const BULK: usize = 1_000;

fn apply(tx: &Transaction<'_>, batch: &[Write]) -> Result<(), Failure> {
    if batch.len() >= BULK {
        tx.execute_batch("PRAGMA cache_size = -65536")?;
    }
    batch.iter().try_for_each(|write| tables::apply(tx, write))
}

fn append(tx: &Transaction<'_>, draft: &AuditDraft) -> Result<AuditLine, Failure> {
    let last = tx
        .prepare_cached("SELECT seq, line FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], audit_line)
        .optional()?;
    let line = next_line(last.as_ref(), draft);
    tx.prepare_cached("INSERT INTO audit (seq, line) VALUES (?1, ?2)")?
        .execute(params![tables::number(line.seq)?, line.line])?;
    Ok(line)
}

fn audit_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditLine> {
    Ok(AuditLine { seq: row.get::<_, i64>(0)?.unsigned_abs(), line: row.get(1)? })
}

fn too_new(path: &Path, version: i64) -> Error {
    let message = format!(
        "the state `{}` has version {version}; this certlet knows versions up to {}",
        path.display(),
        schema::VERSION
    );
    Error::new(ErrorId::StoreTooNew, message)
        .about(path.display().to_string())
        .hint("use the newer certlet that wrote it, or put the state back from a backup of before")
}

fn foreign(path: &Path) -> Error {
    Error::new(ErrorId::StoreUnavailable, format!("`{}` is the database of another program", path.display()))
        .about(path.display().to_string())
        .hint("check `[state] path` in `certlet.toml`")
}
