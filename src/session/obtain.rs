//! Certificates from authorities: no key and no issued certificate is ever lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Session;
use crate::ca::{Answer, Authority, Context, Inquiry, Progress, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, KeyAlgorithm, Secret};
use crate::state::{
    AuditDraft, CertificateRow, NameWishes, RequestRow, RequestStatus, Row, RowKey, Store, Write, next_number,
};
use crate::x509::{CertificateRequest, PrivateKey, RequestDetails, Signer, build_request, own_request};

/// What is to be asked of an authority.
pub(crate) struct Enrollment {
    /// Whom to ask; `None` for a request file.
    pub(crate) authority: Option<Arc<dyn Authority>>,
    /// Subject, names and usages.
    pub(crate) details: RequestDetails,
    /// The key to make.
    pub(crate) key: KeyAlgorithm,
    /// Whether the key may leave the store.
    pub(crate) exportable: bool,
    /// The template; empty for the authority's own choice.
    pub(crate) template: String,
    /// The computer it is for.
    pub(crate) computer: String,
    /// Another account to ask as.
    pub(crate) account: Option<(String, Secret)>,
    /// The uses it is for.
    pub(crate) uses: Vec<String>,
    /// The names computed, each with its reason.
    pub(crate) names: Vec<(String, String)>,
    /// The friendly name; empty for one of subject, uses and the local number, which no other certificate has.
    pub(crate) friendly_name: String,
    /// The certificate that the new one is to take the place of, where it is a renewal.
    pub(crate) replaces: Option<Certificate>,
    /// How the names were asked for beside the uses.
    pub(crate) wishes: NameWishes,
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Obtained {
    /// The certificate is stored with its key.
    Issued(Certificate, RequestRow),
    /// The authority has not decided, or a request file waits to be sent.
    Pending(RequestRow),
}

/// How long one wait for an authority may be, and all of them in one run; what takes longer is asked for again later.
const WAITS: [i64; 2] = [60, 300];
/// How often it is looked whether the run is to end.
const SLICE: Duration = Duration::from_millis(50);
/// For how long a request that was broken off is gone on with instead of a new one.
const RESUMED: i64 = 24 * 3600;

impl Session {
    /// Makes a key and a request, asks the authority, and stores what comes.
    ///
    /// # Errors
    /// What the authority refuses with; `RequestDenied` is recorded, so that the list shows it.
    pub(crate) fn obtain(&self, enrollment: &Enrollment, cancelled: &dyn Fn() -> bool) -> Result<Obtained> {
        let policy = self.policy()?;
        policy.check_change()?;
        let (state, keys) = (self.state()?, self.keys()?);
        let now = self.now();
        let cx = Context { state: &*state, keys: &*keys, now, cancelled };
        if let Some(authority) = &enrollment.authority {
            authority.preflight(
                &cx,
                &Inquiry {
                    template: &enrollment.template,
                    key: enrollment.key,
                    exportable: enrollment.exportable,
                    requester: &policy.principal,
                    account: enrollment.account.as_ref(),
                    names: &enrollment.names,
                },
            )?;
        }
        if let Some(row) = self.broken_off(enrollment, &policy.principal)? {
            return self.go_on(row, None, cancelled);
        }
        self.world().on_step("GenerateKey");
        let key = PrivateKey::generate(enrollment.key)?;
        self.world().on_step("KeyMade");
        let request = build_request(&key, &enrollment.details)?;
        let key_write = keys.seal(&key, enrollment.exportable, now)?;
        let subject = request.subject().common_name().unwrap_or_default();
        let row = RequestRow {
            // Given with the first commit, see `numbered`.
            id: 0,
            ca: enrollment.authority.as_ref().map_or_else(String::new, |a| a.config().to_owned()),
            request_id: None,
            status: RequestStatus::Submitting,
            ticket: enrollment.authority.as_ref().map_or_else(String::new, |a| a.first_ticket()),
            csr: request.der().to_vec(),
            key: key.key_id(),
            requester: enrollment.account.as_ref().map_or(&policy.principal, |(user, _)| user).clone(),
            template: enrollment.template.clone(),
            uses: enrollment.uses.clone(),
            subject: request.subject().to_string(),
            names: enrollment.names.clone(),
            friendly_name: enrollment.friendly_name.clone(),
            submitted: now,
            retry_at: None,
            message: String::new(),
            certificate: None,
            exportable: enrollment.exportable,
            computer: enrollment.computer.clone(),
            replaces: enrollment.replaces.as_ref().map(Certificate::fingerprint),
            wishes: enrollment.wishes.clone(),
        };
        let Some(authority) = &enrollment.authority else {
            let row = RequestRow {
                status: RequestStatus::Pending,
                message: "the request file waits for its answer".to_owned(),
                ..row
            };
            let row = self.numbered(&row, subject, |row, number| {
                let writes = [number, key_write.clone(), put_request(&row)];
                state.record(&writes, &self.audit_request("Request-CsCertificate", &row, "Pending"))?;
                Ok(row)
            })?;
            self.after_commit()?;
            return Ok(Obtained::Pending(row));
        };
        let submission = Submission {
            csr: row.csr.clone(),
            is_own: true,
            template: enrollment.template.clone(),
            exportable: enrollment.exportable,
            computer: enrollment.computer.clone(),
            requester: policy.principal.clone(),
            account: enrollment.account.clone(),
            replaces: enrollment.replaces.clone(),
        };
        if !authority.is_inside() {
            // Across a wire the key and the record are durable before anybody is asked.
            let mut row = self.numbered(&row, subject, |row, number| {
                let writes = [number, key_write.clone(), put_request(&row)];
                state.record(&writes, &self.audit_request("Request-CsCertificate", &row, "Submitting"))?;
                Ok(row)
            })?;
            self.world().on_step("request: stored");
            let answer = match authority.begin(&cx, &submission) {
                Ok(answer) => answer,
                Err(error) => {
                    if is_before_submission(&error) && !row.ticket.is_empty() {
                        // Nothing has arrived, so that the request may be handed in when it is asked for again.
                        row.ticket.clear();
                        self.keep(&*state, &row, false, Vec::new(), None)?;
                    }
                    return Err(kept(error, &row));
                }
            };
            return self.follow(&**authority, &cx, row, answer, &[]);
        }
        self.numbered(&row, subject, |row, number| {
            let answer = authority.begin(&cx, &submission)?;
            self.follow(&**authority, &cx, row, answer, &[number, key_write.clone()])
        })
    }

    /// Gives a new request its number, again when another process took that in between.
    fn numbered<T>(
        &self,
        row: &RequestRow,
        subject: &str,
        mut attempt: impl FnMut(RequestRow, Write) -> Result<T>,
    ) -> Result<T> {
        let state = self.state()?;
        for _ in 0..64 {
            let (id, write) = next_number(&*state, "request")?;
            let mut row = RequestRow { id, ..row.clone() };
            if row.friendly_name.is_empty() {
                row.friendly_name = format!("{subject} ({}) {id}", row.uses.join(", "));
            }
            match attempt(row, write) {
                Err(error) if error.id() == ErrorId::PlanStale => {}
                other => return other,
            }
        }
        Err(Error::new(ErrorId::Busy, "other processes make requests all the time").hint("run the command again"))
    }

    /// Asks on for a request that is not decided, in the name of another account where one is given.
    ///
    /// # Errors
    /// `CaUnreachable` when its authority is not configured any more; what the authority refuses with.
    pub(crate) fn retrieve(
        &self,
        row: RequestRow,
        account: Option<&(String, Secret)>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Obtained> {
        self.policy()?.check_change()?;
        if row.ca.is_empty() {
            return Ok(Obtained::Pending(row));
        }
        self.go_on(row, account, cancelled)
    }

    fn go_on(
        &self,
        row: RequestRow,
        account: Option<&(String, Secret)>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Obtained> {
        let authority = self.authority(&row.ca)?;
        let (state, keys) = (self.state()?, self.keys()?);
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled };
        let answer = if row.ticket.is_empty() {
            self.check_hands_in(&*authority, &row, account)?;
            let submission = Submission {
                csr: row.csr.clone(),
                is_own: true,
                template: row.template.clone(),
                exportable: row.exportable,
                computer: row.computer.clone(),
                requester: row.requester.clone(),
                account: account.cloned(),
                replaces: self.replaced(&row)?,
            };
            authority.begin(&cx, &submission).map_err(|e| kept(e, &row))?
        } else {
            let answer = match account {
                Some(account) => authority.advance_as(&cx, &row.ticket, account),
                None => authority.advance(&cx, &row.ticket),
            };
            answer.map_err(|e| kept(e, &row))?
        };
        self.follow(&*authority, &cx, row, answer, &[])
    }

    /// What was to be asked in the name of another account, and never arrived, is not handed in in another name.
    fn check_hands_in(
        &self,
        authority: &dyn Authority,
        row: &RequestRow,
        account: Option<&(String, Secret)>,
    ) -> Result<()> {
        let has_log_on = !authority.first_ticket().is_empty();
        let name = account.map_or(self.policy()?.principal.as_str(), |(user, _)| user.as_str()).to_owned();
        if !has_log_on || row.requester.eq_ignore_ascii_case(&name) {
            return Ok(());
        }
        let (id, who) = (row.request_id.map_or(row.id, u64::from), &row.requester);
        Err(Error::new(
            ErrorId::CaAccessDenied,
            format!("request {id} was to be asked for as `{who}`, has not arrived, and is not asked for as `{name}`"),
        )
        .about(who)
        .hint(format!(
            "`Request-CsCertificate -Retrieve -RequestId {id} -CaAccount '{who}' -CaPassword …` hands it in, `-Clear` drops it"
        )))
    }

    /// The same request to an authority across a wire, broken off by a crash or an error: its key is made and its order
    /// may be.
    fn broken_off(&self, enrollment: &Enrollment, requester: &str) -> Result<Option<RequestRow>> {
        let Some(authority) = enrollment.authority.as_ref().filter(|a| !a.is_inside()) else { return Ok(None) };
        if enrollment.account.is_some() {
            return Ok(None);
        }
        let now = self.now();
        let is_same = |row: &RequestRow| {
            row.status == RequestStatus::Submitting
                && row.ca.eq_ignore_ascii_case(authority.config())
                && row.requester.eq_ignore_ascii_case(requester)
                && (0..RESUMED).contains(&now.since(row.submitted))
                && (&row.uses, &row.names, &row.template) == (&enrollment.uses, &enrollment.names, &enrollment.template)
                && (row.exportable, &row.computer) == (enrollment.exportable, &enrollment.computer)
                && row.replaces == enrollment.replaces.as_ref().map(Certificate::fingerprint)
                && own_request(&row.csr).is_ok_and(|request| asks_for(&request, enrollment))
        };
        Ok(self.state()?.requests()?.into_iter().rfind(is_same))
    }

    /// The certificate that a request is to take the place of, where it is still stored.
    fn replaced(&self, row: &RequestRow) -> Result<Option<Certificate>> {
        let Some(fingerprint) = &row.replaces else { return Ok(None) };
        self.stored(fingerprint)?.map(|row| self.certificate_of(&row)).transpose()
    }

    fn follow(
        &self,
        authority: &dyn Authority,
        cx: &Context<'_>,
        mut row: RequestRow,
        mut answer: Answer,
        first: &[Write],
    ) -> Result<Obtained> {
        let mut waited = 0;
        let known = row.clone();
        let (mut is_new, mut first) = (!first.is_empty(), first.to_vec());
        loop {
            self.world().on_step("request: answered");
            row.ticket = std::mem::take(&mut answer.ticket);
            row.request_id = answer.request_id.or(row.request_id);
            row.message = std::mem::take(&mut answer.message);
            let mut writes = std::mem::take(&mut first);
            writes.append(&mut answer.writes);
            match answer.progress {
                Progress::Working => {
                    if let Some(decided) = self.keep(cx.state, &row, is_new, writes, None)? {
                        return self.as_decided(decided);
                    }
                    self.world().on_step("request: ticket stored");
                    is_new = false;
                    answer = authority.advance(&self.at_present(cx), &row.ticket).map_err(|e| kept(e, &row))?;
                }
                Progress::Waiting(Some(retry_at)) if is_soon(retry_at.since(self.now()), waited) => {
                    if let Some(decided) = self.keep(cx.state, &row, is_new, writes, None)? {
                        return self.as_decided(decided);
                    }
                    let seconds = retry_at.since(self.now()).max(1);
                    waited += seconds;
                    self.pause(seconds, cx.cancelled).map_err(|e| kept(e, &row))?;
                    is_new = false;
                    answer = authority.advance(&self.at_present(cx), &row.ticket).map_err(|e| kept(e, &row))?;
                }
                Progress::Waiting(retry_at) => {
                    row.status = RequestStatus::Pending;
                    row.retry_at = retry_at;
                    let is_news = RequestRow { retry_at: known.retry_at, ..row.clone() } != known;
                    // Asked on, and nothing has become of it: no line in the log for each time.
                    if let Some(decided) = self.keep(cx.state, &row, is_new, writes, is_news.then_some("Pending"))? {
                        return self.as_decided(decided);
                    }
                    return Ok(Obtained::Pending(row));
                }
                Progress::Issued(certificates) => {
                    let leaf = self.install(&certificates, &mut row, &mut writes)?;
                    self.keep(cx.state, &row, is_new, writes, Some("Issued"))?;
                    return Ok(Obtained::Issued(leaf, row));
                }
                Progress::Denied(error) => {
                    row.status = RequestStatus::Denied;
                    error.message().clone_into(&mut row.message);
                    // A refused request needs no key.
                    writes.retain(|w| !matches!(w.key, RowKey::Key(_)));
                    if let Some(decided) = self.keep(cx.state, &row, is_new, writes, Some("Denied"))? {
                        return self.as_decided(decided);
                    }
                    return Err(error);
                }
                Progress::Revoked => {
                    row.status = RequestStatus::Revoked;
                    self.keep(cx.state, &row, is_new, writes, Some("Revoked"))?;
                    return Err(Error::new(
                        ErrorId::RequestRevoked,
                        format!("request {} was revoked at `{}`", row.request_id.unwrap_or_default(), row.ca),
                    )
                    .about(row.request_id.map_or_else(String::new, |id| id.to_string())));
                }
            }
        }
    }

    /// What an authority may use now: time has passed since it was asked first.
    fn at_present<'a>(&self, cx: &Context<'a>) -> Context<'a> {
        Context { state: cx.state, keys: cx.keys, now: self.now(), cancelled: cx.cancelled }
    }

    fn pause(&self, seconds: i64, cancelled: &dyn Fn() -> bool) -> Result<()> {
        let slices = Duration::from_secs(seconds.unsigned_abs()).as_millis() / SLICE.as_millis();
        for _ in 0..slices {
            if cancelled() {
                return Err(Error::new(ErrorId::Interrupted, "the run was ended while the authority was at work"));
            }
            self.clock().sleep(SLICE);
        }
        Ok(())
    }

    fn install(
        &self,
        certificates: &[Certificate],
        row: &mut RequestRow,
        writes: &mut Vec<Write>,
    ) -> Result<Certificate> {
        let Some((leaf, above)) = certificates.split_first() else {
            return Err(Error::new(
                ErrorId::RequestDenied,
                format!("`{}` says issued and gives no certificate", row.ca),
            ));
        };
        if leaf.key_id() != row.key {
            return Err(Error::new(
                ErrorId::KeyMismatch,
                format!("the certificate that `{}` gave is for another key than the request's", row.ca),
            ));
        }
        let now = self.now();
        let origin = match row.request_id {
            Some(id) => format!("request {id} at {}", row.ca),
            None => format!("request at {}", row.ca),
        };
        let mut stored = CertificateRow::of(leaf, Store::My, &origin, now);
        stored.friendly_name.clone_from(&row.friendly_name);
        stored.chain = above.iter().map(Certificate::fingerprint).collect();
        writes.push(Write::put(RowKey::Certificate(leaf.fingerprint()), Row::Certificate(stored)));
        for authority in above {
            writes.extend(self.store_authority(authority, &origin)?);
        }
        row.status = RequestStatus::Issued;
        row.certificate = Some(leaf.fingerprint());
        Ok(leaf.clone())
    }

    /// The write that keeps an authority's certificate, where it is not kept yet.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn store_authority(&self, certificate: &Certificate, origin: &str) -> Result<Option<Write>> {
        let key = RowKey::Certificate(certificate.fingerprint());
        if self.state()?.row(&key)?.is_some() {
            return Ok(None);
        }
        let store = if certificate.is_self_issued() { Store::Root } else { Store::Ca };
        Ok(Some(Write::put(key, Row::Certificate(CertificateRow::of(certificate, store, origin, self.now())))))
    }

    /// The line in the log for what became of a request.
    pub(super) fn audit_request(&self, verb: &str, row: &RequestRow, outcome: &str) -> AuditDraft {
        self.audit_draft(
            verb,
            outcome,
            json!([{
                "request": row.id, "requestId": row.request_id, "ca": row.ca, "uses": row.uses, "subject": row.subject,
                "certificate": row.certificate.map(|f: Fingerprint| f.to_string()),
            }]),
            json!(null),
        )
    }
}

/// Whether a wait of so many seconds is worth it, after those that were.
fn is_soon(seconds: i64, waited: i64) -> bool {
    let [one, all] = WAITS;
    seconds <= one && waited + seconds.max(1) <= all
}

/// Whether an error of `begin` says that the authority has not even looked at the request.
fn is_before_submission(error: &Error) -> bool {
    matches!(error.id(), ErrorId::CaAccessDenied | ErrorId::ParameterArgumentValidationError)
}

/// Whether a request asks for the same subject, names, purposes and kind of key.
fn asks_for(request: &CertificateRequest, enrollment: &Enrollment) -> bool {
    let details = &enrollment.details;
    request.key_algorithm() == Some(enrollment.key)
        && request.subject().rdns() == details.subject
        && request.alternative_names() == details.alternative_names
        && request.purposes().unwrap_or_default() == details.purposes
        && request.must_staple() == details.must_staple
}

/// An error that ends this attempt and not the request.
fn kept(error: Error, row: &RequestRow) -> Error {
    if error.id() == ErrorId::SubmissionUnknown {
        // Asking on finds nothing out, and its own hints say what does.
        return error;
    }
    let id = row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string());
    let own = error.id().default_hint();
    // The first hint of its own takes the place of the catalogue's.
    let error = if error.hints() == [own] { error.hint(own) } else { error };
    error.hint(format!(
        "the key and the request are kept: `Request-CsCertificate -Retrieve -RequestId {id}` goes on, `-Clear` drops it"
    ))
}

fn put_request(row: &RequestRow) -> Write {
    Write::put(RowKey::Request(row.id), Row::Request(row.clone()))
}
