//! The other rows of a state file: read, put and removed by key.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::certificates;
use super::failure::Failure;
use crate::error::{Error, ErrorId};
use crate::model::{Fingerprint, KeyId, Moment};
use crate::state::{
    AssignmentKey, AssignmentRow, BindingKey, BoundRow, Expectation, KeyRow, RequestRow, Row, RowKey, Sealed, Slot,
    SubmissionRow, Write,
};

/// Reads a row.
pub(super) fn read(db: &Connection, key: &RowKey) -> Result<Option<Row>, Failure> {
    Ok(match key {
        RowKey::Certificate(fingerprint) => certificates::read(db, fingerprint)?.map(Row::Certificate),
        RowKey::Key(key) => db
            .prepare_cached("SELECT sealed, exportable, added, quarantined_until FROM keys WHERE key = ?1")?
            .query_row([key.as_bytes()], private_key)
            .optional()?
            .map(Row::Key),
        RowKey::BeforeImage(object) => db
            .prepare_cached("SELECT sealed FROM before_images WHERE object = ?1")?
            .query_row([object], |row| Ok(Row::BeforeImage(Sealed(row.get(0)?))))
            .optional()?,
        RowKey::Request(id) => db
            .prepare_cached("SELECT body, csr FROM requests WHERE id = ?1")?
            .query_row([number(*id)?], |row| Ok(Row::Request(request(row)?)))
            .optional()?,
        RowKey::Assignment(key) => db
            .prepare_cached(&format!("{ASSIGNMENTS} WHERE scope = ?1 AND use_name = ?2 AND slot = ?3"))?
            .query_row(params![key.scope, key.use_name, slot_number(key.slot)], assignment)
            .optional()?
            .map(|(_, row)| Row::Assignment(row)),
        RowKey::Bound(key) => one_binding(db, "bound", key)?.map(Row::Bound),
        RowKey::Listener(key) => one_binding(db, "listener", key)?.map(Row::Listener),
        RowKey::Authority(name) => db
            .prepare_cached("SELECT body FROM authorities WHERE name = ?1")?
            .query_row([name], |row| Ok(Row::Authority(body(row, 0)?)))
            .optional()?,
        RowKey::Submission(authority, id) => db
            .prepare_cached("SELECT body, csr, certificate FROM submissions WHERE authority = ?1 AND number = ?2")?
            .query_row(params![authority, id], |row| Ok(Row::Submission(submission(row)?)))
            .optional()?,
        RowKey::Setting(name) => db
            .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
            .query_row([name], |row| Ok(Row::Setting(row.get(0)?)))
            .optional()?,
        RowKey::Counter(name) => db
            .prepare_cached("SELECT last FROM counters WHERE name = ?1")?
            .query_row([name], |row| Ok(Row::Counter(row.get::<_, i64>(0)?.unsigned_abs())))
            .optional()?,
    })
}

/// Carries out a write, or refuses it.
pub(super) fn apply(db: &Connection, write: &Write) -> Result<(), Failure> {
    write.check()?;
    if let (Expectation::Absent, RowKey::Certificate(fingerprint), Some(Row::Certificate(row))) =
        (&write.expect, &write.key, &write.row)
        && certificates::insert(db, fingerprint, row)?
    {
        return Ok(());
    }
    if write.expect != Expectation::Anything {
        write.admit(read(db, &write.key)?.as_ref())?;
    }
    match &write.row {
        Some(row) => put(db, &write.key, row),
        None => remove(db, &write.key),
    }
}

/// Removes the before-images of an operation.
pub(super) fn remove_before_images(db: &Connection, operation: u64) -> Result<(), Failure> {
    // `0` is the character behind `/`: the range holds just what begins with the operation and a slash.
    let range = [format!("{operation}/"), format!("{operation}0")];
    let removed = db.prepare_cached("DELETE FROM before_images WHERE object >= ?1 AND object < ?2")?.execute(range)?;
    mark_scrub(db, removed)
}

/// Reads all assignments.
pub(super) fn assignments(db: &Connection) -> rusqlite::Result<Vec<(AssignmentKey, AssignmentRow)>> {
    db.prepare_cached(&format!("{ASSIGNMENTS} ORDER BY scope, use_name, slot"))?.query_map([], assignment)?.collect()
}

/// Reads a private key: `sealed, exportable, added, quarantined_until`.
fn private_key(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        sealed: Sealed(row.get(0)?),
        exportable: row.get(1)?,
        added: Moment::from_unix(row.get(2)?),
        quarantined_until: row.get::<_, Option<i64>>(3)?.map(Moment::from_unix),
    })
}

/// Reads the private keys in quarantine.
pub(super) fn quarantined(db: &Connection) -> rusqlite::Result<Vec<(KeyId, KeyRow)>> {
    db.prepare_cached(
        "SELECT sealed, exportable, added, quarantined_until, key FROM keys
         WHERE quarantined_until IS NOT NULL ORDER BY key",
    )?
    .query_map([], |row| Ok((KeyId::from_bytes(row.get(4)?), private_key(row)?)))?
    .collect()
}

/// Reads all requests.
pub(super) fn requests(db: &Connection) -> rusqlite::Result<Vec<RequestRow>> {
    db.prepare_cached("SELECT body, csr FROM requests ORDER BY id")?.query_map([], request)?.collect()
}

/// Reads a request: `body, csr`.
fn request(row: &rusqlite::Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow { csr: row.get(1)?, ..body(row, 0)? })
}

/// Reads a submission: `body, csr, certificate`.
fn submission(row: &rusqlite::Row<'_>) -> rusqlite::Result<SubmissionRow> {
    Ok(SubmissionRow { csr: row.get(1)?, certificate: row.get(2)?, ..body(row, 0)? })
}

/// Reads all rows of `bound` or `listener`.
pub(super) fn bindings(db: &Connection, table: &str) -> rusqlite::Result<Vec<(BindingKey, BoundRow)>> {
    let sql = format!(
        "SELECT computer, site, information, slot, certificate, since FROM {table}
         ORDER BY computer, site, information, slot"
    );
    db.prepare_cached(&sql)?
        .query_map([], |row| {
            let key = BindingKey {
                computer: row.get(0)?,
                site: row.get(1)?,
                information: row.get(2)?,
                slot: slot(3, row.get(3)?)?,
            };
            let certificate = Fingerprint::from_bytes(row.get(4)?);
            Ok((key, BoundRow { certificate, since: Moment::from_unix(row.get(5)?) }))
        })?
        .collect()
}

/// Reads the submissions at an authority.
pub(super) fn submissions(
    db: &Connection,
    authority: &str,
    serial: Option<&str>,
) -> rusqlite::Result<Vec<(u32, SubmissionRow)>> {
    let which = match serial {
        Some(_) => "authority = ?1 AND serial = ?2",
        None => "authority = ?1 AND ?2 IS NULL",
    };
    let sql = format!("SELECT body, csr, certificate, number FROM submissions WHERE {which} ORDER BY number");
    db.prepare_cached(&sql)?.query_map(params![authority, serial], |row| Ok((row.get(3)?, submission(row)?)))?.collect()
}

/// A number of ours as the database holds it.
pub(super) fn number(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| {
        let message = format!("the number {number} is beyond what the state can hold");
        Failure::Refused(Error::new(ErrorId::LimitExceeded, message))
    })
}

/// Reads JSON from a column.
pub(super) fn from_json<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

const ASSIGNMENTS: &str =
    "SELECT scope, use_name, slot, certificate, previous, staged, staged_at, updated FROM assignments";

fn put(db: &Connection, key: &RowKey, row: &Row) -> Result<(), Failure> {
    match (key, row) {
        (RowKey::Certificate(fingerprint), Row::Certificate(row)) => certificates::put(db, fingerprint, row)?,
        (RowKey::Key(id), Row::Key(row)) => {
            remove(db, key)?;
            let until = row.quarantined_until.map(Moment::unix);
            db.prepare_cached(
                "INSERT INTO keys (key, sealed, exportable, added, quarantined_until) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id.as_bytes(), row.sealed.0, row.exportable, row.added.unix(), until])?;
        }
        (RowKey::BeforeImage(object), Row::BeforeImage(sealed)) => {
            remove(db, key)?;
            db.prepare_cached("INSERT INTO before_images (object, sealed) VALUES (?1, ?2)")?
                .execute(params![object, sealed.0])?;
        }
        (RowKey::Request(id), Row::Request(row)) => {
            let body = RequestRow { csr: Vec::new(), ..row.clone() };
            db.prepare_cached("INSERT OR REPLACE INTO requests (id, body, csr) VALUES (?1, ?2, ?3)")?
                .execute(params![number(*id)?, json(&body)?, row.csr])?;
        }
        (RowKey::Assignment(key), Row::Assignment(row)) => {
            db.prepare_cached("INSERT OR REPLACE INTO assignments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(
                params![
                    key.scope,
                    key.use_name,
                    slot_number(key.slot),
                    row.certificate.as_ref().map(Fingerprint::as_bytes),
                    row.previous.as_ref().map(Fingerprint::as_bytes),
                    row.staged.as_ref().map(|(certificate, _)| certificate.as_bytes()),
                    row.staged.map(|(_, at)| at.unix()),
                    row.updated.unix(),
                ],
            )?;
        }
        (RowKey::Bound(key), Row::Bound(row)) => put_binding(db, "bound", key, row)?,
        (RowKey::Listener(key), Row::Listener(row)) => put_binding(db, "listener", key, row)?,
        (RowKey::Authority(name), Row::Authority(row)) => {
            db.prepare_cached(
                "INSERT INTO authorities (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![name, json(row)?])?;
        }
        (RowKey::Submission(authority, id), Row::Submission(row)) => {
            let body = SubmissionRow { csr: Vec::new(), certificate: Vec::new(), ..row.clone() };
            db.prepare_cached(
                "INSERT INTO submissions (authority, number, serial, body, csr, certificate)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (authority, number) DO UPDATE SET serial = excluded.serial, body = excluded.body,
                     csr = excluded.csr, certificate = excluded.certificate",
            )?
            .execute(params![authority, id, row.serial, json(&body)?, row.csr, row.certificate])?;
        }
        (RowKey::Setting(name), Row::Setting(value)) => {
            remove(db, key)?;
            db.prepare_cached("INSERT INTO settings (name, value) VALUES (?1, ?2)")?.execute(params![name, value])?;
        }
        (RowKey::Counter(name), Row::Counter(last)) => {
            db.prepare_cached("INSERT OR REPLACE INTO counters (name, last) VALUES (?1, ?2)")?
                .execute(params![name, number(*last)?])?;
        }
        // `Write::check` has refused any other pair.
        _ => {}
    }
    Ok(())
}

fn remove(db: &Connection, key: &RowKey) -> Result<(), Failure> {
    match key {
        RowKey::Certificate(fingerprint) => certificates::remove(db, fingerprint)?,
        RowKey::Key(key) => {
            let removed = db.prepare_cached("DELETE FROM keys WHERE key = ?1")?.execute([key.as_bytes()])?;
            mark_scrub(db, removed)?;
        }
        RowKey::BeforeImage(object) => {
            let removed = db.prepare_cached("DELETE FROM before_images WHERE object = ?1")?.execute([object])?;
            mark_scrub(db, removed)?;
        }
        RowKey::Setting(name) => {
            let removed = db.prepare_cached("DELETE FROM settings WHERE name = ?1")?.execute([name])?;
            mark_scrub(db, removed)?;
        }
        RowKey::Request(id) => {
            db.prepare_cached("DELETE FROM requests WHERE id = ?1")?.execute([number(*id)?])?;
        }
        RowKey::Assignment(key) => {
            db.prepare_cached("DELETE FROM assignments WHERE scope = ?1 AND use_name = ?2 AND slot = ?3")?
                .execute(params![key.scope, key.use_name, slot_number(key.slot)])?;
        }
        RowKey::Bound(key) => remove_binding(db, "bound", key)?,
        RowKey::Listener(key) => remove_binding(db, "listener", key)?,
        RowKey::Authority(name) => {
            db.prepare_cached("DELETE FROM authorities WHERE name = ?1")?.execute([name])?;
        }
        RowKey::Counter(name) => {
            db.prepare_cached("DELETE FROM counters WHERE name = ?1")?.execute([name])?;
        }
        RowKey::Submission(authority, id) => {
            db.prepare_cached("DELETE FROM submissions WHERE authority = ?1 AND number = ?2")?
                .execute(params![authority, id])?;
        }
    }
    Ok(())
}

/// Notes in the same transaction that the log holds bytes that must go.
fn mark_scrub(db: &Connection, removed: usize) -> Result<(), Failure> {
    if removed > 0 {
        db.prepare_cached("UPDATE meta SET scrub = version + 1")?.execute([])?;
    }
    Ok(())
}

const THIS_BINDING: &str = "computer = ?1 AND site = ?2 AND information = ?3 AND slot = ?4";

fn one_binding(db: &Connection, table: &str, key: &BindingKey) -> rusqlite::Result<Option<BoundRow>> {
    db.prepare_cached(&format!("SELECT certificate, since FROM {table} WHERE {THIS_BINDING}"))?
        .query_row(params![key.computer, key.site, key.information, slot_number(key.slot)], |row| {
            let certificate = Fingerprint::from_bytes(row.get(0)?);
            Ok(BoundRow { certificate, since: Moment::from_unix(row.get(1)?) })
        })
        .optional()
}

fn put_binding(db: &Connection, table: &str, key: &BindingKey, row: &BoundRow) -> rusqlite::Result<()> {
    db.prepare_cached(&format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?.execute(params![
        key.computer,
        key.site,
        key.information,
        slot_number(key.slot),
        row.certificate.as_bytes(),
        row.since.unix(),
    ])?;
    Ok(())
}

fn remove_binding(db: &Connection, table: &str, key: &BindingKey) -> rusqlite::Result<()> {
    db.prepare_cached(&format!("DELETE FROM {table} WHERE {THIS_BINDING}"))?.execute(params![
        key.computer,
        key.site,
        key.information,
        slot_number(key.slot)
    ])?;
    Ok(())
}

fn assignment(row: &rusqlite::Row<'_>) -> rusqlite::Result<(AssignmentKey, AssignmentRow)> {
    let key = AssignmentKey { scope: row.get(0)?, use_name: row.get(1)?, slot: slot(2, row.get(2)?)? };
    let fingerprint =
        |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 32]>>(column)?.map(Fingerprint::from_bytes));
    let staged_at = row.get::<_, Option<i64>>(6)?.map(Moment::from_unix);
    let found = AssignmentRow {
        certificate: fingerprint(3)?,
        previous: fingerprint(4)?,
        staged: fingerprint(5)?.zip(staged_at),
        updated: Moment::from_unix(row.get(7)?),
    };
    Ok((key, found))
}

fn slot_number(slot: Slot) -> i64 {
    match slot {
        Slot::Any => 0,
        Slot::Rsa => 1,
        Slot::Ecdsa => 2,
    }
}

fn slot(column: usize, number: i64) -> rusqlite::Result<Slot> {
    match number {
        0 => Ok(Slot::Any),
        1 => Ok(Slot::Rsa),
        2 => Ok(Slot::Ecdsa),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(column, number)),
    }
}

fn body<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    from_json(column, &row.get::<_, String>(column)?)
}

fn json(row: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(row).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
