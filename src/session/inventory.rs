//! The stored certificates as an inventory: brought in from files, listed page by page, taken out.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use serde_json::json;

use super::Session;
use super::executor::lease;
use super::is_over;
use crate::ca::Context;
use crate::command::Cancel;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, KeyId};
use crate::state::{
    CertificateQuery, CertificateRow, KeyRow, Listed, RequestRow, RequestStatus, Row, RowKey, Store, Write,
};
use crate::x509::{Contents, PrivateKey, Signer, build_chain};

/// How many rows are held at a time while a store is walked through.
const PAGE: usize = 1_000;

/// A certificate after it was brought in.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) row: CertificateRow,
    /// Whether it was not stored before.
    pub(crate) is_new: bool,
    /// Whether its private key is stored.
    pub(crate) has_key: bool,
}

/// Certificates that are brought in from one file, each batch in one transaction with one line in the audit log.
///
/// What is stored already is left as it is, so that a file that was taken in half is simply taken in again.
pub(crate) struct Intake<'a> {
    session: &'a Session,
    verb: &'static str,
    file: String,
    waiting: HashMap<KeyId, RequestRow>,
}

impl<'a> Intake<'a> {
    /// Begins to take in a file.
    ///
    /// # Errors
    /// `NotAdministrator`, `StoreUnavailable`.
    pub(crate) fn begin(session: &'a Session, verb: &'static str, file: &str) -> Result<Self> {
        session.policy()?.check_change()?;
        let waits = |r: &RequestRow| matches!(r.status, RequestStatus::Pending | RequestStatus::Submitting);
        let requests = session.state()?.requests()?.into_iter().filter(waits);
        let waiting = requests.map(|request| (request.key, request)).collect();
        Ok(Self { session, verb, file: file.to_owned(), waiting })
    }

    /// Stores a batch of certificates without keys of their own.
    ///
    /// # Errors
    /// `NotAdministrator`, `DiskFull`, `StoreUnavailable`, `PlanStale` when another process keeps changing the same rows.
    pub(crate) fn store(&mut self, rows: Vec<(Fingerprint, CertificateRow)>) -> Result<Vec<Taken>> {
        let parcels = rows.into_iter().map(|(fingerprint, row)| Parcel { fingerprint, row, known: None }).collect();
        self.put(parcels, &[], false)
    }

    /// Makes the row of a certificate that is to be stored, by whichever thread has read it.
    pub(crate) fn rows(&self, store: Store) -> impl Fn(&Certificate) -> (Fingerprint, CertificateRow) + Send + use<> {
        let (origin, now) = (self.origin(), self.session.now());
        move |certificate| (certificate.fingerprint(), CertificateRow::of(certificate, store, &origin, now))
    }

    fn origin(&self) -> String {
        format!("import of {}", self.file)
    }

    /// Stores what a PFX holds: certificates whose key is there, with it, and the others where they belong.
    ///
    /// A key that is stored already stays as it is, also in whether it may leave the store.
    ///
    /// # Errors
    /// As [`Intake::store`]; `BadCertificateFile` when there is no certificate.
    pub(crate) fn store_identities(&mut self, contents: &Contents, exportable: bool) -> Result<Vec<Taken>> {
        let all = contents.certificates();
        let mut parcels = Vec::new();
        let mut keys: Vec<&PrivateKey> = Vec::new();
        for certificate in all {
            let Some(key) = contents.key_of(certificate) else {
                let store = match (certificate.is_self_issued(), certificate.is_ca()) {
                    (true, _) => Store::Root,
                    (false, true) => Store::Ca,
                    (false, false) => Store::My,
                };
                parcels.push(self.parcel(certificate, store, "", Vec::new()));
                continue;
            };
            let others: Vec<Certificate> = all.iter().filter(|c| *c != certificate).cloned().collect();
            let path = build_chain(certificate, &others, &[]).certificates;
            let chain = path.iter().skip(1).map(Certificate::fingerprint).collect();
            let name = contents.friendly_name(certificate).unwrap_or_default();
            parcels.push(self.parcel(certificate, Store::My, name, chain));
            if !keys.iter().any(|known| known.key_id() == key.key_id()) {
                keys.push(key);
            }
        }
        if parcels.is_empty() {
            return Err(Error::new(ErrorId::BadCertificateFile, format!("`{}` holds no certificate", self.file))
                .about(self.file.clone()));
        }
        self.put(parcels, &keys, exportable)
    }

    fn parcel(&self, certificate: &Certificate, store: Store, name: &str, chain: Vec<Fingerprint>) -> Parcel {
        let mut row = CertificateRow::of(certificate, store, &self.origin(), self.session.now());
        name.clone_into(&mut row.friendly_name);
        row.chain = chain;
        Parcel { fingerprint: certificate.fingerprint(), row, known: None }
    }

    fn put(&mut self, mut parcels: Vec<Parcel>, keys: &[&PrivateKey], exportable: bool) -> Result<Vec<Taken>> {
        let mut seen = HashSet::with_capacity(parcels.len());
        parcels.retain(|parcel| seen.insert(parcel.fingerprint));
        let (key_writes, stored_keys) = self.key_writes(&parcels, keys, exportable)?;
        // Nearly always all are new or all are known: what is there is only looked up when the first try fails.
        for attempt in 0..3 {
            if attempt > 0 {
                for parcel in &mut parcels {
                    parcel.known = self.session.stored(&parcel.fingerprint)?;
                }
            }
            match self.write(&parcels, &key_writes) {
                Err(error) if error.id() == ErrorId::PlanStale && attempt < 2 => {}
                other => {
                    other?;
                    break;
                }
            }
        }
        Ok(parcels
            .into_iter()
            .map(|parcel| Taken {
                fingerprint: parcel.fingerprint,
                is_new: parcel.known.is_none(),
                has_key: stored_keys.contains(&parcel.row.key),
                row: parcel.known.unwrap_or(parcel.row),
            })
            .collect())
    }

    /// One transaction; nothing at all where nothing is new.
    fn write(&mut self, parcels: &[Parcel], key_writes: &[Write]) -> Result<()> {
        let mut writes = key_writes.to_vec();
        let mut new = Vec::new();
        let mut answered = Vec::new();
        for parcel in parcels {
            if parcel.known.is_none() {
                let key = RowKey::Certificate(parcel.fingerprint);
                writes.push(Write::insert(key, Row::Certificate(parcel.row.clone())));
                new.push(parcel.fingerprint.to_string());
            }
            if let Some(request) = self.waiting.get(&parcel.row.key) {
                let mut answer = request.clone();
                answer.status = RequestStatus::Issued;
                answer.certificate = Some(parcel.fingerprint);
                "answered by an imported file".clone_into(&mut answer.message);
                let old = Some(Row::Request(request.clone()));
                writes.push(Write::replace(RowKey::Request(request.id), old, Some(Row::Request(answer))));
                answered.push(parcel.row.key);
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        let store = parcels.first().map_or("", |parcel| parcel.row.store.name());
        let keys = key_writes.len();
        let changes = json!([{"import": self.file, "store": store, "certificates": new, "privateKeys": keys}]);
        self.session.record(self.verb, "Done", changes, &writes)?;
        for key in answered {
            self.waiting.remove(&key);
        }
        Ok(())
    }

    /// The keys that are to be written, and those that will be stored then.
    fn key_writes(
        &self,
        parcels: &[Parcel],
        keys: &[&PrivateKey],
        exportable: bool,
    ) -> Result<(Vec<Write>, HashSet<KeyId>)> {
        let state = self.session.state()?;
        let mut writes = Vec::new();
        let mut stored = HashSet::new();
        let mut asked = HashSet::new();
        for parcel in parcels {
            let id = parcel.row.key;
            if !asked.insert(id) {
                continue;
            }
            let row_key = RowKey::Key(id);
            match state.row(&row_key)? {
                // Nobody waits for this answer any more: the key that was kept for it goes.
                Some(Row::Key(kept)) if is_over(&kept, self.session.now()) => {
                    writes.push(Write::replace(row_key, Some(Row::Key(kept)), None));
                    match keys.iter().find(|key| key.key_id() == id) {
                        Some(key) => writes.push(self.session.keys()?.seal(key, exportable, self.session.now())?),
                        None => continue,
                    }
                }
                // The answer to a request that was cleared: its key comes out of quarantine.
                Some(Row::Key(kept)) if kept.quarantined_until.is_some() => {
                    let freed = KeyRow { quarantined_until: None, ..kept.clone() };
                    writes.push(Write::replace(row_key, Some(Row::Key(kept)), Some(Row::Key(freed))));
                }
                Some(_) => {}
                None => match keys.iter().find(|key| key.key_id() == id) {
                    Some(key) => writes.push(self.session.keys()?.seal(key, exportable, self.session.now())?),
                    None => continue,
                },
            }
            stored.insert(id);
        }
        Ok((writes, stored))
    }
}

struct Parcel {
    fingerprint: Fingerprint,
    row: CertificateRow,
    /// The row as it is stored already.
    known: Option<CertificateRow>,
}

impl Session {
    /// Walks through the certificates that a query asks for, in the order of their ends, a page at a time.
    ///
    /// # Errors
    /// `StoreUnavailable`, and those of `each`.
    pub(crate) fn each_certificate(
        &self,
        query: &CertificateQuery,
        each: &mut dyn FnMut(Fingerprint, CertificateRow) -> Result<()>,
    ) -> Result<()> {
        self.walk(query, PAGE, &mut |fingerprint, row| {
            each(fingerprint, row)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Walks through what lists show of the certificates that a query asks for, in the order of their ends.
    ///
    /// # Errors
    /// `StoreUnavailable`, and those of `each`.
    pub(crate) fn each_listed(
        &self,
        query: &CertificateQuery,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let state = self.state()?;
        let mut query = CertificateQuery { limit: Some(PAGE), ..query.clone() };
        loop {
            let page = state.listing(&query)?;
            query.after = page.last().map(|last| (last.not_after, last.fingerprint));
            let is_last = page.len() < PAGE;
            page.into_iter().try_for_each(&mut *each)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Walks through the certificates that a query asks for until `each` has seen enough, `page` of them at a time.
    ///
    /// # Errors
    /// `StoreUnavailable`, and those of `each`.
    pub(crate) fn walk(
        &self,
        query: &CertificateQuery,
        page: usize,
        each: &mut dyn FnMut(Fingerprint, CertificateRow) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let state = self.state()?;
        let mut query = CertificateQuery { limit: Some(page), ..query.clone() };
        loop {
            let rows = state.certificates(&query)?;
            let Some(last) = rows.last().map(|(fingerprint, row)| (row.not_after, *fingerprint)) else { return Ok(()) };
            let is_last = rows.len() < page;
            for (fingerprint, row) in rows {
                if each(fingerprint, row)?.is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
            query.after = Some(last);
        }
    }

    /// Takes a certificate out of the store, with its key where that is asked for.
    ///
    /// Nothing else changes while it is looked at who needs it: the change lease is held.
    ///
    /// # Errors
    /// `CertificateInUse` naming what needs it; `Busy`, `NotAdministrator`, `PlanStale`, `StoreUnavailable`.
    pub(crate) fn remove_certificate(
        &self,
        verb: &'static str,
        fingerprint: Fingerprint,
        row: &CertificateRow,
        with_key: bool,
        cancel: &Cancel,
    ) -> Result<()> {
        self.policy()?.check_change()?;
        let holder = format!("process {} ({verb}) since {}", std::process::id(), self.now());
        let _lease = lease(self, cancel, &holder)?;
        let needs = self.needs_of(fingerprint, row)?;
        if !needs.is_empty() {
            return Err(Error::new(
                ErrorId::CertificateInUse,
                format!("certificate `{}` is needed: {}", row.thumbprint, needs.join("; ")),
            )
            .about(row.thumbprint.to_string()));
        }
        let old = Some(Row::Certificate(row.clone()));
        let mut writes = vec![Write::replace(RowKey::Certificate(fingerprint), old, None)];
        let mut with_key = with_key;
        if with_key {
            if let Some(other) = self.other_user_of_key(fingerprint, row)? {
                return Err(Error::new(
                    ErrorId::CertificateInUse,
                    format!("the private key of certificate `{}` is needed: {other}", row.thumbprint),
                )
                .about(row.thumbprint.to_string())
                .hint("leave `-DeleteKey` away to remove the certificate alone"));
            }
            let key = RowKey::Key(row.key);
            with_key = self.state()?.row(&key)?.is_some();
            writes.push(Write::remove(key));
        }
        let changes = json!([{
            "remove": fingerprint.to_string(), "thumbprint": row.thumbprint.to_string(), "subject": row.subject,
            "store": row.store.name(), "privateKey": with_key,
        }]);
        self.record(verb, "Done", changes, &writes)
    }

    /// What a certificate is needed for, in words.
    fn needs_of(&self, fingerprint: Fingerprint, row: &CertificateRow) -> Result<Vec<String>> {
        let state = self.state()?;
        let mut needs = Vec::new();
        let mut served = HashSet::new();
        for (key, assignment) in state.assignments()? {
            let staged = assignment.staged.map(|(certificate, _)| certificate);
            if assignment.certificate == Some(fingerprint) {
                needs.push(format!("it is assigned to `{}` ({})", key.use_name, key.scope));
            } else if staged == Some(fingerprint) {
                needs.push(format!("it is staged for `{}` ({})", key.use_name, key.scope));
            }
            served.extend(assignment.certificate.into_iter().chain(staged));
        }
        for (key, bound) in state.bound()?.into_iter().chain(state.listener()?) {
            let need = format!("it is bound to `{}` {}", key.site, key.information);
            if bound.certificate == fingerprint && !needs.contains(&need) {
                needs.push(need);
            }
            served.insert(bound.certificate);
        }
        if row.store != Store::My {
            for leaf in served {
                let Some(leaf) = self.stored(&leaf)? else { continue };
                if self.chain_of(&leaf)?.iter().any(|above| above.fingerprint() == fingerprint) {
                    needs.push(format!("certificate `{}`, which is in use, was issued under it", leaf.thumbprint));
                }
            }
        }
        Ok(needs)
    }

    /// Who else needs the private key of a certificate, in words.
    fn other_user_of_key(&self, fingerprint: Fingerprint, row: &CertificateRow) -> Result<Option<String>> {
        let state = self.state()?;
        let query = CertificateQuery { key: Some(row.key), limit: Some(2), ..CertificateQuery::default() };
        if let Some((_, other)) = state.certificates(&query)?.into_iter().find(|(f, _)| *f != fingerprint) {
            return Ok(Some(format!("certificate `{}` has the same one", other.thumbprint)));
        }
        let waits = |r: &RequestRow| matches!(r.status, RequestStatus::Pending | RequestStatus::Submitting);
        if let Some(request) = state.requests()?.iter().find(|r| r.key == row.key && waits(r)) {
            return Ok(Some(format!("request {} waits for its answer", request.id)));
        }
        let keys = self.keys()?;
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled: &|| false };
        for authority in self.authorities()?.iter().filter(|a| a.is_inside()) {
            if authority.chain(&cx)?.iter().any(|c| c.key_id() == row.key) {
                return Ok(Some(format!("it is that of the authority `{}`", authority.config())));
            }
        }
        Ok(None)
    }
}
