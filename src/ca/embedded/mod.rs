//! The authority that certlet itself is: its key, its certificate and its database stand in the session's state.

mod birth;
mod database;
mod examine;
mod own;
mod policy;
mod rights;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

pub use settings::{
    Approval, EmbeddedSettings, Parent, Permissions, Publication, Right, SecretResolver, SubjectSource, Template,
};

use super::{Answer, Authority, Context, Database, Finding, Inquiry, Progress, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, RelativeName, Secret, parse_rdns};
use crate::state::{AuthorityRow, Row, RowKey, SubmissionRow, Write};
use crate::x509::{
    self, CertificateRequest, Issuer, NameSpace, PrivateKey, own_request, parse_certificate, parse_request,
};

/// An authority inside the session's state.
///
/// It is born with its first request: key, certificate and database row come back among that answer's writes. Nothing
/// is cached that another process could change; what is kept is the opened key, by the bytes of the certificate.
#[derive(Debug)]
pub struct Embedded {
    settings: EmbeddedSettings,
    subject: Vec<RelativeName>,
    /// The key of its rows: `host\instance` in lower case.
    row: String,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// The authority's certificate with its key.
#[derive(Debug)]
struct Opened {
    certificate: Certificate,
    /// The authorities above, nearest first.
    above: Vec<Certificate>,
    key: PrivateKey,
    /// What it and those above may certify; a name must lie inside each. None is everything.
    spaces: Vec<NameSpace>,
}

impl Opened {
    fn of(certificate: Certificate, above: Vec<Certificate>, key: PrivateKey) -> Result<Self> {
        let spaces = std::iter::once(&certificate).chain(&above).map(x509::name_space).collect::<Result<Vec<_>>>()?;
        Ok(Self { spaces: spaces.into_iter().flatten().collect(), certificate, above, key })
    }
}

/// The authority as it stands in the state, or as it is about to be born.
struct Standing {
    /// What is in the state; `None` before birth.
    old: Option<AuthorityRow>,
    /// What follows from it.
    row: AuthorityRow,
    ca: Arc<Opened>,
    /// The rows beside the authority's own, at birth.
    birth: Vec<Write>,
}

/// The dispositions of the authority's database, as AD CS numbers them.
mod disposition {
    pub(super) const PENDING: u8 = 9;
    pub(super) const ISSUED: u8 = 20;
    pub(super) const REVOKED: u8 = 21;
    pub(super) const DENIED: u8 = 31;
}

/// What AD CS says of a request that waits for a person.
const UNDER_SUBMISSION: &str = "Taken Under Submission";

impl Embedded {
    /// Takes what the configuration declares.
    ///
    /// # Errors
    /// `InvalidName` for a subject that is no distinguished name, `ConfigInvalid` without templates, or where neither
    /// suffixes are given nor the constraints are lifted.
    pub fn new(settings: EmbeddedSettings) -> Result<Self> {
        let subject = parse_rdns(&settings.subject)?;
        let invalid = |reason: &str| {
            Error::new(ErrorId::ConfigInvalid, format!("the authority `{}` {reason}", settings.config))
                .about(&settings.config)
        };
        if subject.is_empty() {
            return Err(invalid("has no subject"));
        }
        if settings.templates.is_empty() {
            return Err(invalid("publishes no template"));
        }
        if settings.permitted.is_empty() && !settings.unconstrained {
            return Err(invalid("may certify nothing: the topology names neither a domain nor a computer")
                .hint("complete the topology, or lift the name constraints: `unconstrained = true`"));
        }
        let row = settings.config.to_lowercase();
        Ok(Self { settings, subject, row, opened: Mutex::new(None) })
    }

    fn row_key(&self) -> RowKey {
        RowKey::Authority(self.row.clone())
    }

    fn stored(&self, cx: &Context<'_>) -> Result<Option<AuthorityRow>> {
        Ok(match cx.state.row(&self.row_key())? {
            Some(Row::Authority(row)) => Some(row),
            _ => None,
        })
    }

    fn submission(&self, cx: &Context<'_>, request_id: u32) -> Result<Option<SubmissionRow>> {
        Ok(match cx.state.row(&self.submission_key(request_id))? {
            Some(Row::Submission(row)) => Some(row),
            _ => None,
        })
    }

    fn submission_key(&self, request_id: u32) -> RowKey {
        RowKey::Submission(self.row.clone(), request_id)
    }

    /// The authority as it stands; where there is none yet, the one that is to be born.
    ///
    /// # Errors
    /// `CaUnreachable` while it waits for a certificate that is signed elsewhere.
    fn stand(&self, cx: &Context<'_>) -> Result<Standing> {
        match self.stored(cx)? {
            Some(row) if row.certificate.is_empty() => Err(self.waits()),
            None if self.settings.parent == Parent::Offline => Err(self.waits()),
            Some(row) => Ok(Standing { ca: self.open(cx, &row)?, old: Some(row.clone()), row, birth: Vec::new() }),
            None => self.bear(cx),
        }
    }

    /// Opens certificate and key of a row; the lock is held neither while a key is opened nor while one signs.
    fn open(&self, cx: &Context<'_>, row: &AuthorityRow) -> Result<Arc<Opened>> {
        let kept = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_same = |opened: &Arc<Opened>| {
            opened.certificate.der() == row.certificate
                && opened.above.iter().map(Certificate::der).collect::<Vec<_>>().concat() == row.above
        };
        if let Some(opened) = kept.filter(is_same) {
            return Ok(opened);
        }
        let certificate = parse_certificate(&row.certificate)?;
        let opened = Arc::new(Opened::of(certificate, own::above(row)?, cx.keys.open(&row.key)?)?);
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// The certificate of a request that the policy grants, with the disposition message.
    fn issue(
        &self,
        cx: &Context<'_>,
        ca: &Opened,
        template: &Template,
        request: &CertificateRequest,
        computer: &str,
    ) -> Result<(Certificate, String)> {
        if !ca.certificate.is_valid_at(cx.now) {
            let name = ca.certificate.short_name();
            return Err(Error::new(
                ErrorId::CertificateExpired,
                format!(
                    "the authority `{name}` issues nothing: its own certificate is valid from {} to {}",
                    ca.certificate.not_before(),
                    ca.certificate.not_after()
                ),
            )
            .about(&self.settings.config)
            .hint(self.renewal()));
        }
        let grant = policy::judge(&self.settings, template, request, computer, ca, cx.now)?;
        let issuer = Issuer { certificate: &ca.certificate, signer: &ca.key };
        match x509::issue(request, &issuer, &grant.profile) {
            Ok(certificate) => Ok((certificate, grant.message())),
            Err(error) if matches!(error.id(), ErrorId::InvalidName | ErrorId::PolicyRefused) => {
                Err(policy::denied(format!("{error} (0x80094001)")))
            }
            Err(error) => Err(error),
        }
    }

    /// What a decision comes to; `issued` gives the certificate and those above it.
    fn answer(
        &self,
        request_id: u32,
        row: &SubmissionRow,
        issued: impl FnOnce() -> Result<(Certificate, Vec<Certificate>)>,
        writes: Vec<Write>,
    ) -> Result<Answer> {
        let progress = match row.disposition {
            disposition::ISSUED => {
                let (leaf, above) = issued()?;
                // Clients have the root; what stands between is served with the certificate.
                let between = above.into_iter().filter(|above| !above.is_self_issued());
                Progress::Issued(std::iter::once(leaf).chain(between).collect())
            }
            disposition::REVOKED => Progress::Revoked,
            disposition::PENDING => Progress::Waiting(None),
            _ => Progress::Denied(
                Error::new(ErrorId::RequestDenied, row.message.clone())
                    .about(format!("request {request_id} at {}", self.settings.config)),
            ),
        };
        Ok(Answer {
            ticket: request_id.to_string(),
            request_id: Some(request_id),
            progress,
            message: row.message.clone(),
            writes,
        })
    }
}

impl Authority for Embedded {
    fn config(&self) -> &str {
        &self.settings.config
    }

    fn is_inside(&self) -> bool {
        true
    }

    fn preflight(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Result<()> {
        let principal = self.settings.admit(inquiry.requester, inquiry.account)?;
        let template = self.settings.template_for(&principal, inquiry.template)?;
        self.settings.check_key(template, inquiry.key, inquiry.exportable)?;
        self.check_certified(cx)
    }

    fn begin(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer> {
        if (cx.cancelled)() {
            return Err(Error::new(ErrorId::Interrupted, "interrupted before the request was handed in"));
        }
        let principal = self.settings.admit(&submission.requester, submission.account.as_ref())?;
        let template = self.settings.template_for(&principal, &submission.template)?;
        let read = if submission.is_own { own_request } else { parse_request };
        let request = read(&submission.csr)?;
        let algorithm = request.key_algorithm().ok_or_else(|| {
            let name = request.key_algorithm_name();
            Error::new(ErrorId::ParameterArgumentValidationError, format!("a key `{name}` is not certified here"))
                .about(name)
                .hint("give `-KeyAlg RSA`, `ECDH_P256`, `ECDH_P384` or `ECDH_P521`")
        })?;
        self.settings.check_key(template, algorithm, submission.exportable)?;

        let Standing { old, row, ca, birth } = self.stand(cx)?;
        let request_id = row.next_request_id;
        let next_request_id = request_id.checked_add(1).ok_or_else(|| {
            Error::new(
                ErrorId::LimitExceeded,
                format!("the authority `{}` has used up its request numbers", self.settings.config),
            )
        })?;
        let mut entry = SubmissionRow {
            requester: principal,
            computer: submission.computer.clone(),
            template: template.name.clone(),
            csr: submission.csr.clone(),
            disposition: disposition::PENDING,
            message: UNDER_SUBMISSION.to_owned(),
            certificate: Vec::new(),
            serial: String::new(),
            submitted: cx.now,
            resolved: None,
            revoked: None,
        };
        // What waits is judged as well, so that nobody approves what can never be issued.
        let judged = match template.approval {
            Approval::Automatic => self.issue(cx, &ca, template, &request, &submission.computer).map(Some),
            Approval::Manager => {
                policy::judge(&self.settings, template, &request, &submission.computer, &ca, cx.now).map(|_| None)
            }
        };
        let (mut refusal, mut issued) = (None, None);
        match judged {
            Ok(Some((certificate, message))) => {
                entry.settle_issued(&certificate, message, cx.now);
                issued = Some(certificate);
            }
            Ok(None) => {}
            Err(error) if error.id() == ErrorId::RequestDenied => {
                entry.settle(disposition::DENIED, error.message().to_owned(), cx.now);
                refusal = Some(error);
            }
            Err(error) => return Err(error),
        }

        let mut writes = birth;
        let counted = AuthorityRow { next_request_id, ..row };
        writes.push(Write::replace(self.row_key(), old.map(Row::Authority), Some(Row::Authority(counted))));
        writes.push(Write::insert(self.submission_key(request_id), Row::Submission(entry.clone())));
        let leaf = || issued.map_or_else(|| parse_certificate(&entry.certificate), Ok);
        let above = || std::iter::once(&ca.certificate).chain(&ca.above).cloned().collect();
        let mut answer = self.answer(request_id, &entry, || Ok((leaf()?, above())), writes)?;
        if let Some(error) = refusal {
            // The row keeps the reason; who asks now is also told what to do.
            answer.progress =
                Progress::Denied(error.about(format!("request {request_id} at {}", self.settings.config)));
        }
        Ok(answer)
    }

    fn advance(&self, cx: &Context<'_>, ticket: &str) -> Result<Answer> {
        let unknown = || {
            Error::new(
                ErrorId::RequestNotFound,
                format!("the authority `{}` has no request `{ticket}` (0x80094004)", self.settings.config),
            )
            .about(ticket)
        };
        let request_id: u32 = ticket.parse().map_err(|_| unknown())?;
        let row = self.submission(cx, request_id)?.ok_or_else(unknown)?;
        let issued = || Ok((parse_certificate(&row.certificate)?, self.chain(cx)?));
        self.answer(request_id, &row, issued, Vec::new())
    }

    fn advance_as(&self, cx: &Context<'_>, ticket: &str, account: &(String, Secret)) -> Result<Answer> {
        self.settings.admit("", Some(account))?;
        self.advance(cx, ticket)
    }

    fn chain(&self, cx: &Context<'_>) -> Result<Vec<Certificate>> {
        match self.stored(cx)? {
            Some(row) if !row.certificate.is_empty() => {
                let mut chain = vec![parse_certificate(&row.certificate)?];
                chain.extend(own::above(&row)?);
                Ok(chain)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn warnings(&self, cx: &Context<'_>) -> Result<Vec<String>> {
        self.cautions(cx)
    }

    fn examine(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
        self.look(cx, inquiry)
    }

    fn as_database(&self) -> Option<&dyn Database> {
        Some(self)
    }
}

impl SubmissionRow {
    /// Records a decision.
    fn settle(&mut self, disposition: u8, message: String, now: crate::model::Moment) {
        self.disposition = disposition;
        self.message = message;
        self.resolved = Some(now);
    }

    /// Records the certificate.
    fn settle_issued(&mut self, certificate: &Certificate, message: String, now: crate::model::Moment) {
        self.certificate = certificate.der().to_vec();
        self.serial = certificate.serial().to_string();
        self.settle(disposition::ISSUED, message, now);
    }
}
