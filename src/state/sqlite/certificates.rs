//! Certificates in a state file: typed columns, each question answered from an index.

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::tables::from_json;
use crate::model::{Fingerprint, KeyId, Moment, Thumbprint};
use crate::state::query::names_for;
use crate::state::{CertificateQuery, CertificateRow, Listed, Store};

/// Reads one.
pub(super) fn read(db: &Connection, fingerprint: &Fingerprint) -> rusqlite::Result<Option<CertificateRow>> {
    let sql = format!("SELECT {COLUMNS} FROM certificates WHERE fingerprint = ?1");
    db.prepare_cached(&sql)?.query_row([fingerprint.as_bytes()], row).optional().map(|found| found.map(|(_, row)| row))
}

/// Puts one in place of what was there.
pub(super) fn put(db: &Connection, fingerprint: &Fingerprint, row: &CertificateRow) -> rusqlite::Result<()> {
    if insert(db, fingerprint, row)? {
        return Ok(());
    }
    if let Some(id) = remove_names(db, fingerprint)? {
        write(db, UPDATE, fingerprint, row)?;
        put_names(db, id, row)?;
    }
    Ok(())
}

/// Puts one where none was; says whether there was none.
pub(super) fn insert(db: &Connection, fingerprint: &Fingerprint, row: &CertificateRow) -> rusqlite::Result<bool> {
    if write(db, INSERT, fingerprint, row)? == 0 {
        return Ok(false);
    }
    put_names(db, db.last_insert_rowid(), row)?;
    Ok(true)
}

fn write(db: &Connection, sql: &str, fingerprint: &Fingerprint, row: &CertificateRow) -> rusqlite::Result<usize> {
    let chain: Vec<u8> = row.chain.iter().flat_map(|f| *f.as_bytes()).collect();
    let names = serde_json::Value::from(row.names.clone()).to_string();
    db.prepare_cached(sql)?.execute(params![
        fingerprint.as_bytes(),
        row.thumbprint.as_bytes(),
        row.key.as_bytes(),
        row.serial,
        row.not_before.unix(),
        row.not_after.unix(),
        row.store.name(),
        row.friendly_name,
        row.subject,
        row.issuer,
        names,
        chain,
        row.origin,
        row.added.unix(),
        row.banned,
        row.der,
    ])
}

fn put_names(db: &Connection, id: i64, row: &CertificateRow) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO names VALUES (?1, ?2)")?;
    for name in &row.names {
        insert.execute(params![reversed(name), id])?;
    }
    Ok(())
}

/// Takes the names of one out of the index; its number, where it is there.
fn remove_names(db: &Connection, fingerprint: &Fingerprint) -> rusqlite::Result<Option<i64>> {
    let mut known = db.prepare_cached("SELECT id, names FROM certificates WHERE fingerprint = ?1")?;
    let found = known
        .query_row([fingerprint.as_bytes()], |row| Ok((row.get(0)?, from_json(1, row.get_ref(1)?.as_str()?)?)))
        .optional()?;
    let Some((id, names)) = found else { return Ok(None) };
    let names: Vec<String> = names;
    let mut remove = db.prepare_cached("DELETE FROM names WHERE reversed = ?1 AND certificate = ?2")?;
    for name in names {
        remove.execute(params![reversed(&name), id])?;
    }
    Ok(Some(id))
}

/// Removes one, with its names.
pub(super) fn remove(db: &Connection, fingerprint: &Fingerprint) -> rusqlite::Result<()> {
    remove_names(db, fingerprint)?;
    db.prepare_cached("DELETE FROM certificates WHERE fingerprint = ?1")?.execute([fingerprint.as_bytes()])?;
    Ok(())
}

/// Reads those that a query asks for.
pub(super) fn list(db: &Connection, query: &CertificateQuery) -> rusqlite::Result<Vec<(Fingerprint, CertificateRow)>> {
    walk(db, query, COLUMNS, row, |(fingerprint, row)| (row.not_after, *fingerprint))
}

/// Reads of those that a query asks for what the index of their store holds.
pub(super) fn listing(db: &Connection, query: &CertificateQuery) -> rusqlite::Result<Vec<Listed>> {
    walk(db, query, LISTED, listed, |listed| (listed.not_after, listed.fingerprint))
}

/// Reads in the order that is asked for.
///
/// The index of ends is that of a store: without one, each is asked and the answers are joined.
fn walk<T>(
    db: &Connection,
    query: &CertificateQuery,
    columns: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
    place: fn(&T) -> (Moment, Fingerprint),
) -> rusqlite::Result<Vec<T>> {
    let is_selected = query.thumbprint.is_some() || query.key.is_some() || query.friendly_name.is_some();
    if query.store.is_some() || is_selected {
        let (sql, values) = question(db, query, columns)?;
        let mut statement = db.prepare_cached(&sql)?;
        return statement.query_map(rusqlite::params_from_iter(values), read)?.collect();
    }
    // One snapshot, also where another process moves a certificate from one to the other.
    let db = &*db.unchecked_transaction()?;
    let mut all = Vec::new();
    for store in Store::ALL {
        let query = CertificateQuery { store: Some(store), ..query.clone() };
        all.append(&mut walk(db, &query, columns, read, place)?);
    }
    all.sort_by_key(place);
    if query.latest_first {
        all.reverse();
    }
    all.truncate(query.limit.unwrap_or(usize::MAX));
    Ok(all)
}

/// In the order in which [`row`] reads them and [`write`] binds them.
pub(super) const COLUMNS: &str = "fingerprint, thumbprint, key, serial, not_before, not_after, store, friendly_name, subject, \
                       issuer, names, chain, origin, added, banned, der";

/// In the order in which [`listed`] reads them: the index of the store has them all.
pub(super) const LISTED: &str = "fingerprint, thumbprint, subject, not_after, store";

const INSERT: &str = "
    INSERT INTO certificates (fingerprint, thumbprint, key, serial, not_before, not_after, store, friendly_name,
                              subject, issuer, names, chain, origin, added, banned, der)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT (fingerprint) DO NOTHING";

const UPDATE: &str = "
    UPDATE certificates SET
        thumbprint = ?2, key = ?3, serial = ?4, not_before = ?5, not_after = ?6, store = ?7, friendly_name = ?8,
        subject = ?9, issuer = ?10, names = ?11, chain = ?12, origin = ?13, added = ?14, banned = ?15, der = ?16
    WHERE fingerprint = ?1";

/// What fits this many names or more is looked for along the ends of validity, page by page, instead of being
/// collected and sorted for each page.
const MANY: i64 = 2_000;

/// The SQL of a query. The index is named, for without statistics the planner takes the one that sorts
/// before the one that selects.
pub(super) fn question(
    db: &Connection,
    query: &CertificateQuery,
    columns: &str,
) -> rusqlite::Result<(String, Vec<Value>)> {
    let mut asked = Question::default();
    let mut access = None;
    if let Some(thumbprint) = &query.thumbprint {
        asked.equal("thumbprint", thumbprint.as_bytes().to_vec().into());
        access.get_or_insert("INDEXED BY certificates_by_thumbprint");
    }
    if let Some(serial) = &query.serial {
        // Rarely asked for: no index.
        asked.equal("serial", serial.clone().into());
    }
    if let Some(key) = &query.key {
        asked.equal("key", key.as_bytes().to_vec().into());
        access.get_or_insert("INDEXED BY certificates_by_key");
    }
    if let Some(subject) = &query.subject {
        asked.equal("subject", subject.clone().into());
        if query.store.is_some_and(|store| store != Store::My) {
            asked.conditions.push("store <> 'My'".to_owned());
            access.get_or_insert("INDEXED BY certificates_by_subject");
        }
    }
    if let Some(name) = &query.friendly_name {
        asked.equal("friendly_name", name.clone().into());
        if !name.is_empty() {
            asked.conditions.push("friendly_name <> ''".to_owned());
            access.get_or_insert("INDEXED BY certificates_by_friendly_name");
        }
    }
    if let Some(name) = &query.name {
        let names = Names::of(name);
        if access.is_none() && names.is_selective(db, query.limit)? {
            let among = names.condition(&mut asked);
            asked.conditions.push(format!("id IN (SELECT certificate FROM names WHERE {among})"));
            access = Some("NOT INDEXED");
        } else {
            let fits = asked.bind(names.glob.into());
            asked
                .conditions
                .push(format!("EXISTS (SELECT 1 FROM json_each(certificates.names) WHERE value GLOB {fits})"));
        }
    }
    if let Some(host) = &query.host {
        let names = names_for(host).into_iter();
        if access.is_none() && (query.limit.is_none() || is_rare(db, host)?) {
            let names: Vec<String> = names.map(|name| asked.bind(reversed(&name).into())).collect();
            let names = names.join(", ");
            asked.conditions.push(format!("id IN (SELECT certificate FROM names WHERE reversed IN ({names}))"));
            access = Some("NOT INDEXED");
        } else {
            let names: Vec<String> = names.map(|name| asked.bind(name.into())).collect();
            let names = names.join(", ");
            asked
                .conditions
                .push(format!("EXISTS (SELECT 1 FROM json_each(certificates.names) WHERE value IN ({names}))"));
        }
    }
    if query.with_key {
        let held = "EXISTS (SELECT 1 FROM keys WHERE key = certificates.key AND quarantined_until IS NULL)";
        asked.conditions.push(held.to_owned());
    }
    if let Some(store) = query.store {
        asked.equal("store", store.name().to_owned().into());
        access.get_or_insert("INDEXED BY certificates_by_store");
    }
    if let Some(end) = query.ends_by {
        let end = asked.bind(end.unix().into());
        asked.conditions.push(format!("not_after <= {end}"));
    }
    if let Some((end, fingerprint)) = query.after {
        let end = asked.bind(end.unix().into());
        let fingerprint = asked.bind(fingerprint.as_bytes().to_vec().into());
        let behind = if query.latest_first { "<" } else { ">" };
        asked.conditions.push(format!("(not_after, fingerprint) {behind} ({end}, {fingerprint})"));
    }
    let access = access.unwrap_or_default();
    let limit = asked.bind(query.limit.map_or(-1, |l| i64::try_from(l).unwrap_or(i64::MAX)).into());
    let conditions = asked.conditions.join(" AND ");
    let conditions = if conditions.is_empty() { String::new() } else { format!("WHERE {conditions}") };
    let order = if query.latest_first { "not_after DESC, fingerprint DESC" } else { "not_after, fingerprint" };
    let sql = format!("SELECT {columns} FROM certificates {access} {conditions} ORDER BY {order} LIMIT {limit}");
    Ok((sql, asked.values))
}

#[derive(Default)]
struct Question {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Question {
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn equal(&mut self, column: &str, value: Value) {
        let value = self.bind(value);
        self.conditions.push(format!("{column} = {value}"));
    }
}

/// Whether few certificates are good for a host.
fn is_rare(db: &Connection, host: &str) -> rusqlite::Result<bool> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM names WHERE reversed IN (?1, ?2) LIMIT {MANY})");
    let names: Vec<String> = names_for(host).iter().map(|name| reversed(name)).collect();
    let found: i64 = db.prepare_cached(&sql)?.query_row([names.first(), names.last()], |row| row.get(0))?;
    Ok(found < MANY)
}

/// A name that is asked for, or a wildcard, as the index has them: from their ends.
struct Names {
    exact: Option<String>,
    /// The pattern as it is matched with names.
    glob: String,
    /// The pattern as it is matched with reversed names.
    reversed: String,
    /// What the reversed names begin with.
    begin: String,
}

impl Names {
    fn of(pattern: &str) -> Self {
        // In GLOB `?` and `[` mean something too; for us only the star does.
        let glob = |text: &str| text.replace('[', "[[]").replace('?', "[?]");
        let backwards = reversed(pattern);
        Self {
            exact: (!pattern.contains('*')).then(|| backwards.clone()),
            glob: glob(pattern),
            begin: backwards.split('*').next().unwrap_or_default().to_owned(),
            reversed: glob(&backwards),
        }
    }

    /// Whether it is better to collect the names first: always when everything is asked for at once.
    ///
    /// A wildcard with an open end reads all of the index, but that is small beside the certificates.
    fn is_selective(&self, db: &Connection, limit: Option<usize>) -> rusqlite::Result<bool> {
        if self.exact.is_some() || limit.is_none() {
            return Ok(true);
        }
        let mut asked = Question::default();
        let condition = self.condition(&mut asked);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM names WHERE {condition} LIMIT {MANY})");
        let found: i64 =
            db.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(asked.values), |row| row.get(0))?;
        Ok(found < MANY)
    }

    fn condition(&self, asked: &mut Question) -> String {
        if let Some(name) = &self.exact {
            return format!("reversed = {}", asked.bind(name.clone().into()));
        }
        let fits = format!("reversed GLOB {}", asked.bind(self.reversed.clone().into()));
        if self.begin.is_empty() {
            return fits;
        }
        let begin = asked.bind(self.begin.clone().into());
        let behind = asked.bind(behind(&self.begin).into());
        format!("reversed >= {begin} AND reversed < {behind} AND {fits}")
    }
}

/// A text behind all that begin so.
fn behind(begin: &str) -> String {
    format!("{begin}{}", char::MAX)
}

fn reversed(name: &str) -> String {
    name.chars().rev().collect()
}

fn row(row: &Row<'_>) -> rusqlite::Result<(Fingerprint, CertificateRow)> {
    let found = CertificateRow {
        thumbprint: Thumbprint::from_bytes(row.get(1)?),
        key: KeyId::from_bytes(row.get(2)?),
        serial: row.get(3)?,
        not_before: Moment::from_unix(row.get(4)?),
        not_after: Moment::from_unix(row.get(5)?),
        store: store(6, row.get_ref(6)?.as_str()?)?,
        friendly_name: row.get(7)?,
        subject: row.get(8)?,
        issuer: row.get(9)?,
        names: from_json(10, row.get_ref(10)?.as_str()?)?,
        chain: digests(11, row.get_ref(11)?.as_blob()?)?,
        origin: row.get(12)?,
        added: Moment::from_unix(row.get(13)?),
        banned: row.get(14)?,
        der: row.get(15)?,
    };
    Ok((Fingerprint::from_bytes(row.get(0)?), found))
}

fn digests(column: usize, bytes: &[u8]) -> rusqlite::Result<Vec<Fingerprint>> {
    let (digests, []) = bytes.as_chunks::<32>() else {
        return Err(rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, "not a list of digests".into()));
    };
    Ok(digests.iter().map(|d| Fingerprint::from_bytes(*d)).collect())
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed {
        fingerprint: Fingerprint::from_bytes(row.get(0)?),
        thumbprint: Thumbprint::from_bytes(row.get(1)?),
        subject: row.get(2)?,
        not_after: Moment::from_unix(row.get(3)?),
        store: store(4, row.get_ref(4)?.as_str()?)?,
    })
}

fn store(column: usize, name: &str) -> rusqlite::Result<Store> {
    let store = Store::ALL.into_iter().find(|s| s.name() == name);
    store.ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "not a certificate store".into()))
}
