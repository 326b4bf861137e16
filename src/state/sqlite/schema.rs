//! The tables of a state file, as the steps that made them.

use rusqlite::{Connection, TransactionBehavior};

/// What a state file says it is, in its header (`crlt`).
pub(super) const APPLICATION: i64 = 0x6372_6C74;

/// Each step brings a file one version further; a step that was released is never changed.
pub(super) const STEPS: &[&str] = &[FIRST, ISSUERS, LEAN];

/// The version that this program writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// What a file is before it is used.
pub(super) enum Found {
    /// Ready for use.
    Current,
    /// New, or of an older version.
    Older,
    /// Written by a newer certlet: its version.
    Newer(i64),
    /// A database of another program.
    Foreign,
}

/// Looks at the header, in one snapshot: another process may be making the tables just now.
pub(super) fn found(db: &Connection) -> rusqlite::Result<Found> {
    let db = &*db.unchecked_transaction()?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(match version {
        VERSION if application == APPLICATION => Found::Current,
        newer if application == APPLICATION && newer > VERSION => Found::Newer(newer),
        1.. if application == APPLICATION => Found::Older,
        0 if application == 0 && is_empty(db)? => Found::Older,
        _ => Found::Foreign,
    })
}

/// Brings a file to this version, or leaves it as it was.
pub(super) fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again: another process may have done it since.
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in STEPS.iter().skip(version.try_into().unwrap_or(usize::MAX)) {
        tx.execute_batch(step)?;
    }
    if version < VERSION {
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", VERSION)?;
    }
    tx.commit()
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

const FIRST: &str = "
    -- `version` counts the writes of all processes. `scrub`: the version that removed sealed bytes which may
    -- still stand in the write-ahead log; 0 when there are none
    CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, scrub INTEGER NOT NULL)
        STRICT;
    INSERT INTO meta VALUES (1, 1, 0);

    CREATE TABLE certificates (
        id INTEGER PRIMARY KEY,
        fingerprint BLOB NOT NULL UNIQUE,
        thumbprint BLOB NOT NULL,
        key BLOB NOT NULL,
        serial TEXT NOT NULL,
        not_before INTEGER NOT NULL,
        not_after INTEGER NOT NULL,
        store TEXT NOT NULL,
        friendly_name TEXT NOT NULL,
        subject TEXT NOT NULL,
        issuer TEXT NOT NULL,
        names TEXT NOT NULL,
        chain BLOB NOT NULL,
        origin TEXT NOT NULL,
        added INTEGER NOT NULL,
        banned TEXT,
        der BLOB NOT NULL
    ) STRICT;
    CREATE INDEX certificates_by_end ON certificates (not_after, fingerprint);
    CREATE INDEX certificates_by_store ON certificates (store, not_after, fingerprint);
    CREATE INDEX certificates_by_thumbprint ON certificates (thumbprint);
    CREATE INDEX certificates_by_key ON certificates (key);
    CREATE INDEX certificates_by_serial ON certificates (serial);
    CREATE INDEX certificates_by_friendly_name ON certificates (friendly_name) WHERE friendly_name <> '';

    -- `reversed` is the name from its end, so that an ending is a beginning
    CREATE TABLE certificate_names (
        certificate INTEGER NOT NULL REFERENCES certificates (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        reversed TEXT NOT NULL,
        PRIMARY KEY (certificate, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX certificate_names_by_name ON certificate_names (name);
    CREATE INDEX certificate_names_by_reversed ON certificate_names (reversed, name);

    CREATE TABLE keys (
        key BLOB PRIMARY KEY NOT NULL,
        sealed BLOB NOT NULL,
        exportable INTEGER NOT NULL,
        added INTEGER NOT NULL,
        quarantined_until INTEGER
    ) STRICT;
    CREATE TABLE before_images (object TEXT PRIMARY KEY NOT NULL, sealed BLOB NOT NULL) STRICT;
    CREATE TABLE requests (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE assignments (
        scope TEXT NOT NULL,
        use_name TEXT NOT NULL,
        slot INTEGER NOT NULL,
        certificate BLOB,
        previous BLOB,
        staged BLOB,
        staged_at INTEGER,
        updated INTEGER NOT NULL,
        PRIMARY KEY (scope, use_name, slot),
        CHECK ((staged IS NULL) = (staged_at IS NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE bound (
        computer TEXT NOT NULL,
        site TEXT NOT NULL,
        information TEXT NOT NULL,
        slot INTEGER NOT NULL,
        certificate BLOB NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (computer, site, information, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE listener (
        computer TEXT NOT NULL,
        site TEXT NOT NULL,
        information TEXT NOT NULL,
        slot INTEGER NOT NULL,
        certificate BLOB NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (computer, site, information, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE authorities (name TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE submissions (
        id INTEGER PRIMARY KEY,
        authority TEXT NOT NULL,
        number INTEGER NOT NULL,
        serial TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (authority, number)
    ) STRICT;
    CREATE INDEX submissions_by_serial ON submissions (authority, serial, number);
    CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;
    CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE operations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        opened INTEGER NOT NULL,
        machine TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE operation_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        operation INTEGER NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
        entry TEXT NOT NULL
    ) STRICT;
    CREATE INDEX operation_entries_by_operation ON operation_entries (operation, id);

    CREATE TABLE audit (seq INTEGER PRIMARY KEY NOT NULL, line TEXT NOT NULL) STRICT;
    CREATE TRIGGER audit_is_append_only BEFORE INSERT ON audit
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
        BEGIN SELECT raise(ABORT, 'the audit log is numbered without gaps'); END;
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is append only'); END;
    CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is append only'); END;
";

/// Who issued a certificate is looked up by name, among authorities alone: the many certificates of servers pay nothing.
const ISSUERS: &str = "
    CREATE INDEX certificates_by_subject ON certificates (subject, not_after, fingerprint) WHERE store <> 'My';
";

/// Fewer pages for each certificate and each request: what is waited for is the disk.
///
/// One index of a store instead of two by end, with what a list shows of each certificate, so that a list reads nothing
/// else; names once, from their ends; no index for what is rarely asked for; octets as octets beside the JSON.
const LEAN: &str = "
    DROP INDEX certificates_by_end;
    DROP INDEX certificates_by_serial;
    DROP INDEX certificates_by_store;
    CREATE INDEX certificates_by_store ON certificates (store, not_after, fingerprint, thumbprint, subject);

    -- `reversed` is the name from its end, so that an ending is a beginning
    CREATE TABLE names (reversed TEXT NOT NULL, certificate INTEGER NOT NULL, PRIMARY KEY (reversed, certificate))
        STRICT, WITHOUT ROWID;
    INSERT INTO names SELECT reversed, certificate FROM certificate_names ORDER BY reversed, certificate;
    DROP TABLE certificate_names;

    ALTER TABLE requests ADD COLUMN csr BLOB NOT NULL DEFAULT x'';
    UPDATE requests SET csr = unhex(body ->> '$.csr'), body = json_set(body, '$.csr', '');
    ALTER TABLE submissions ADD COLUMN csr BLOB NOT NULL DEFAULT x'';
    ALTER TABLE submissions ADD COLUMN certificate BLOB NOT NULL DEFAULT x'';
    UPDATE submissions SET csr = unhex(body ->> '$.csr'), certificate = unhex(body ->> '$.certificate'),
        body = json_set(body, '$.csr', '', '$.certificate', '');
";
