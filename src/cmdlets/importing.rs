//! A certificate on its way from a file into the store: what is in the file, and the rows that it comes to.

use serde_json::json;

use crate::command::Invocation;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, HostName, Secret};
use crate::session::{Candidate, Session, is_over, names_of, read_artefact};
use crate::state::{CertificateRow, KeyRow, RequestRow, RequestStatus, Row, RowKey, Store, Write};
use crate::x509::{Contents, PrivateKey, Signer, build_chain, read_any};

/// What a file brings, before anything is written.
pub(super) struct Import {
    shown: String,
    /// The certificate that the file is about.
    pub(super) leaf: Certificate,
    /// Its row: the stored one, or the one that is to be written.
    pub(super) row: CertificateRow,
    /// Whether it was stored before.
    pub(super) is_known: bool,
    /// Its private key: `None` where it is not here, and whether it may leave.
    exportable: Option<bool>,
    /// Whether the key is to be one that may leave.
    wants_export: bool,
    chain: Vec<Certificate>,
    /// The requests that it answers.
    answered: Vec<RequestRow>,
    /// How many certificates of the file have a key of their own beside them.
    identities: usize,
    writes: Vec<Write>,
}

impl Import {
    /// Reads a file and compares it with what is stored; writes nothing.
    ///
    /// # Errors
    /// `FileNotFound`, `PathNotAllowed`, `BadCertificateFile`, `BadPassword`; `KeyMismatch` for a key of another
    /// certificate, `NoPrivateKey` for a PFX without a key.
    pub(super) fn read(session: &Session, shown: String, password: Option<&Secret>, exportable: bool) -> Result<Self> {
        let bytes = read_artefact(&session.resolve_path(&shown)?, &shown)?;
        let contents = read_any(&bytes, password).map_err(|error| {
            let named = Error::new(error.id(), format!("`{shown}`: {}", error.message())).about(shown.clone());
            error.hints().into_iter().fold(named, Error::hint)
        })?;
        let Some(leaf) = leaf_of(session, &contents)? else {
            let error = Error::new(ErrorId::BadCertificateFile, format!("`{shown}` holds no certificate")).about(shown);
            return Err(match contents.requests() {
                [] => error,
                _ => error.hint("it holds a request: hand it to an authority, and import what that gives back"),
            });
        };
        let is_orphan = |key: &PrivateKey| !contents.certificates().iter().any(|c| c.key_id() == key.key_id());
        if contents.keys().iter().any(is_orphan) {
            let text = format!("`{shown}` holds a private key that belongs to none of its certificates");
            return Err(Error::new(ErrorId::KeyMismatch, text).about(shown));
        }
        let identities = contents.certificates().iter().filter(|c| contents.key_of(c).is_some()).count();
        let others: Vec<Certificate> = contents.certificates().iter().filter(|c| **c != leaf).cloned().collect();
        let chain: Vec<Certificate> = build_chain(&leaf, &others, &[]).certificates.into_iter().skip(1).collect();
        let (origin, fingerprint) = (format!("import of {shown}"), leaf.fingerprint());
        let known = session.stored(&fingerprint)?;
        let mut row = known.clone().unwrap_or_else(|| {
            let mut row = CertificateRow::of(&leaf, Store::My, &origin, session.now());
            contents.friendly_name(&leaf).unwrap_or_default().clone_into(&mut row.friendly_name);
            row.chain = chain.iter().map(Certificate::fingerprint).collect();
            row
        });
        let mut import = Self {
            is_known: known.is_some(),
            exportable: None,
            wants_export: exportable,
            answered: Vec::new(),
            identities,
            writes: Vec::new(),
            row: row.clone(),
            shown,
            leaf,
            chain,
        };
        import.take_key(session, contents.key_of(&import.leaf), exportable)?;
        if import.exportable.is_none() && is_pfx(&import.shown) {
            let text = format!("`{}` holds no private key", import.shown);
            return Err(Error::new(ErrorId::NoPrivateKey, text).about(import.shown));
        }
        import.answer(session)?;
        if let Some(request) = import.answered.first().filter(|_| row.friendly_name.is_empty()) {
            row.friendly_name.clone_from(&request.friendly_name);
        }
        if !import.is_known {
            import.writes.push(Write::insert(RowKey::Certificate(fingerprint), Row::Certificate(row.clone())));
        }
        import.row = row;
        for authority in &import.chain {
            import.writes.extend(session.store_authority(authority, &origin)?);
        }
        Ok(import)
    }

    /// The certificate as one that may be assigned.
    pub(super) fn candidate(&self) -> Candidate<'_> {
        let chain = self.chain.iter().filter(|c| !c.is_self_issued()).cloned().collect();
        // What is stored already may have more above it than the file has.
        let chain = if self.is_known || self.chain.is_empty() { None } else { Some(chain) };
        Candidate { row: &self.row, certificate: &self.leaf, exportable: self.exportable, chain }
    }

    /// Says what is worth knowing of the file.
    ///
    /// # Errors
    /// Where `-WarningAction` is `Stop`.
    pub(super) fn say(&self, cx: &mut Invocation<'_>) -> Result<()> {
        let thumbprint = self.row.thumbprint;
        if self.is_known {
            cx.verbose(format!("certificate {thumbprint} is stored already"))?;
        }
        if self.wants_export && self.exportable == Some(false) {
            let text = format!(
                "the private key of certificate {thumbprint} is stored already and may not leave the store: that stays so"
            );
            cx.warn_as("KeyStaysAsItIs", text)?;
        }
        if self.identities > 1 {
            let text = format!(
                "`{}` holds {} certificates with their keys; only {thumbprint} ({}) is imported",
                self.shown, self.identities, self.row.subject
            );
            cx.warn_as("SeveralIdentities", text)?;
        }
        if self.exportable.is_none() {
            let text = format!(
                "certificate {thumbprint} came without its private key, none here fits it, and it cannot be assigned: the \
                 answer to a request file is imported where that was written"
            );
            cx.warn_as("NoPrivateKey", text)?;
        }
        for request in &self.answered {
            self.compare(cx, request)?;
        }
        Ok(())
    }

    /// Writes what the file brings; nothing where all of it is stored.
    ///
    /// # Errors
    /// `NotAdministrator`, `PlanStale`, `DiskFull`, `StoreUnavailable`.
    pub(super) fn write(&self, session: &Session, verb: &str) -> Result<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let change = json!([{
            "import": self.shown, "certificate": self.leaf.fingerprint().to_string(), "subject": self.row.subject,
            "requests": self.answered.iter().map(|r| r.id).collect::<Vec<_>>(),
        }]);
        session.record(verb, "Imported", change, &self.writes)
    }

    /// What `-WhatIf` and `-Confirm` show.
    pub(super) fn line(&self) -> (&'static str, String) {
        ("Import certificate", format!("{} ({}) from {}", self.row.thumbprint, self.row.subject, self.shown))
    }

    /// Joins the certificate to its key: the file's own, or one that waits here for this answer.
    fn take_key(&mut self, session: &Session, own: Option<&PrivateKey>, exportable: bool) -> Result<()> {
        let key = RowKey::Key(self.leaf.key_id());
        let kept = match session.state()?.row(&key)? {
            Some(Row::Key(row)) => Some(row),
            _ => None,
        };
        match (own, kept) {
            (_, Some(row)) if row.quarantined_until.is_none() => self.exportable = Some(row.exportable),
            (Some(own), _) => {
                self.writes.push(session.keys()?.seal(own, exportable, session.now())?);
                self.exportable = Some(exportable);
            }
            // Nobody waits for this answer any more: the key that was kept for it goes.
            (None, Some(row)) if is_over(&row, session.now()) => {
                self.writes.push(Write::replace(key, Some(Row::Key(row)), None));
            }
            // The answer to a request that was cleared: its key comes out of quarantine.
            (None, Some(row)) => {
                self.exportable = Some(row.exportable);
                let freed = KeyRow { quarantined_until: None, ..row.clone() };
                self.writes.push(Write::replace(key, Some(Row::Key(row)), Some(Row::Key(freed))));
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Marks the requests that wait for this certificate as answered.
    fn answer(&mut self, session: &Session) -> Result<()> {
        for mut request in session.state()?.requests()? {
            let waits = matches!(request.status, RequestStatus::Pending | RequestStatus::Submitting);
            if request.key != self.leaf.key_id() || !waits {
                continue;
            }
            let old = Row::Request(request.clone());
            request.status = RequestStatus::Issued;
            request.certificate = Some(self.leaf.fingerprint());
            "answered by an imported file".clone_into(&mut request.message);
            self.answered.push(request.clone());
            self.writes.push(Write::replace(RowKey::Request(request.id), Some(old), Some(Row::Request(request))));
        }
        Ok(())
    }

    /// An answer for other names than were asked for says which.
    fn compare(&self, cx: &mut Invocation<'_>, request: &RequestRow) -> Result<()> {
        let actual = names_of(&self.leaf);
        let missing: Vec<String> = request
            .names
            .iter()
            .filter(|(name, _)| !actual.iter().any(|a| stands_for(a, name)))
            .map(|(name, reason)| format!("{name} ({reason})"))
            .collect();
        let unexpected: Vec<&str> = actual
            .iter()
            .map(String::as_str)
            .filter(|a| !request.names.iter().any(|(name, _)| stands_for(a, name)))
            .collect();
        let mut parts = Vec::new();
        if !missing.is_empty() {
            parts.push(format!("missing: {}", missing.join("; ")));
        }
        if !unexpected.is_empty() {
            parts.push(format!("unexpected: {}", unexpected.join("; ")));
        }
        if parts.is_empty() {
            return Ok(());
        }
        cx.warn_as(
            "NamesDiffer",
            format!(
                "the answer to request {} is not for the names that were asked for; {}",
                request.id,
                parts.join(". ")
            ),
        )
    }
}

/// Whether a name of a certificate is the one asked for, or a wildcard over it.
fn stands_for(actual: &str, asked: &str) -> bool {
    if actual.eq_ignore_ascii_case(asked) {
        return true;
    }
    let parsed = |text: &str| HostName::with_underscores(text).ok();
    parsed(actual).zip(parsed(asked)).is_some_and(|(actual, asked)| actual.covers(&asked))
}

/// Whether a file ought to hold a key, by its name.
fn is_pfx(shown: &str) -> bool {
    shown.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("pfx") || end.eq_ignore_ascii_case("p12"))
}

/// The certificate that the file is about: one with a key beside it, else one whose key waits here, else the one that
/// issued no other.
fn leaf_of(session: &Session, contents: &Contents) -> Result<Option<Certificate>> {
    if let Some((leaf, _)) = contents.identity() {
        return Ok(Some(leaf.clone()));
    }
    let all = contents.certificates();
    for certificate in all {
        if matches!(session.state()?.row(&RowKey::Key(certificate.key_id()))?, Some(Row::Key(_))) {
            return Ok(Some(certificate.clone()));
        }
    }
    let issued_none = |c: &&Certificate| !all.iter().any(|o| o != *c && o.issuer().der() == c.subject().der());
    Ok(all.iter().find(issued_none).or(all.first()).cloned())
}
