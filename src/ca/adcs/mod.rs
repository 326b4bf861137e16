//! AD CS web enrollment (`https://host/certsrv`): requests are handed in and fetched through its pages.

#[cfg(feature = "ntlm")]
mod ntlm;
mod pages;
#[cfg(test)]
mod tests;
mod ticket;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::pages::{NotIssued, Submitted};
use self::ticket::Ticket;
pub use self::wire::LogOn;
use self::wire::Wire;
use super::http::{Reply, interrupted};
use super::{Answer, Authority, Context, Finding, Inquiry, Progress, SecretResolver, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Moment, Secret};
use crate::x509;

/// The template that is asked for where the operator names none: an enterprise authority issues nothing without one.
const USUAL_TEMPLATE: &str = "WebServer";
/// A clock that is off by more makes certificates that are not valid yet.
const MOST_SKEW: i64 = 300;
/// Why a guessed number tells nothing.
const STRANGE_NUMBER: &str = "the only number on its page was not the request's";
/// Shorter secrets are not looked for in pages.
const SHORTEST: usize = 4;

/// An AD CS authority behind its web enrollment pages.
///
/// The protocol has no way to ask whether a request has arrived: when the connection or the program ends between
/// sending a request and storing the answer, nobody but the authority's own console knows its number. So the key, the
/// request and a ticket that says "being sent" are durable before; `advance` of that ticket is `SubmissionUnknown` and
/// says what a person can do. Nothing is ever sent twice by itself.
pub struct Adcs {
    settings: AdcsSettings,
    wire: OnceLock<Wire>,
    /// The accounts that requests of this process were handed in with, by the authority's number: they are never
    /// written down, and what was issued at once is fetched with them.
    given: Mutex<HashMap<u32, (String, Secret)>>,
}

/// Gives the certificates that are trusted for the TLS of the pages.
pub type AdcsRoots = Arc<dyn Fn() -> Result<Vec<Certificate>> + Send + Sync>;

/// What is to be known of an AD CS authority.
#[derive(Clone)]
pub struct AdcsSettings {
    /// `host\instance`.
    pub config: String,
    /// Whether its certificates are for everybody's clients.
    pub is_public: bool,
    /// `https://host/certsrv`.
    pub url: String,
    /// Trust for the TLS of the pages, asked for when they are first needed.
    pub roots: AdcsRoots,
    /// How one logs on.
    pub log_on: LogOn,
    /// Who logs on where a request names no account.
    pub account: Option<(String, SecretResolver)>,
    /// How long one request may take.
    pub limit: Duration,
}

impl Adcs {
    /// Takes the settings; nobody is asked yet.
    ///
    /// # Errors
    /// `ConfigInvalid` for an address without TLS.
    pub fn new(settings: AdcsSettings) -> Result<Self> {
        let is_protected = settings.url.get(..8).is_some_and(|p| p.eq_ignore_ascii_case("https://"));
        if !is_protected {
            let message = format!("`{}` does not start with `https://`: passwords are sent there", settings.url);
            return Err(Error::new(ErrorId::ConfigInvalid, message).about(settings.config));
        }
        Ok(Self { settings, wire: OnceLock::new(), given: Mutex::default() })
    }

    fn wire(&self) -> Result<&Wire> {
        if let Some(wire) = self.wire.get() {
            return Ok(wire);
        }
        let wire = Wire::new(&self.settings, &(self.settings.roots)()?);
        Ok(self.wire.get_or_init(|| wire))
    }

    /// Who is to log on: the account of the request, else the configured one.
    fn account(&self, given: Option<&(String, Secret)>) -> Result<(String, Secret)> {
        if let Some(account) = given {
            return Ok(account.clone());
        }
        if let Some((user, password)) = &self.settings.account {
            return Ok((user.clone(), password.resolve()?));
        }
        let message = format!("`{}` wants an account, and none is configured", self.settings.config);
        let hint = "give `-CaAccount` and `-CaPassword`, or add `account = { user = '…', password = { env = \"…\" } }` to its `[[ca]]`";
        Err(Error::new(ErrorId::CaAccessDenied, message).about(&self.settings.config).hint(hint))
    }

    fn get(&self, account: &(String, Secret), page: &str, cancelled: &dyn Fn() -> bool) -> Result<Reply> {
        self.checked(self.wire()?.get(account, page, cancelled)?, &account.0)
    }

    /// A reply with the status of success.
    fn checked(&self, reply: Reply, user: &str) -> Result<Reply> {
        let config = &self.settings.config;
        match reply.status {
            200 => Ok(reply),
            401 => {
                let offered: Vec<&str> = reply
                    .headers
                    .iter()
                    .filter(|(name, _)| name == "www-authenticate")
                    .filter_map(|(_, value)| value.split_whitespace().next())
                    .collect();
                let error =
                    Error::new(ErrorId::CaAccessDenied, format!("`{config}` does not let `{user}` log on (401)"));
                let error = error.about(user).hint("check the account and its password");
                Err(match self.settings.log_on.word() {
                    word if offered.is_empty() || offered.iter().any(|o| o.eq_ignore_ascii_case(word)) => error,
                    word => error.hint(format!("the server offers {}, and `auth` asks for {word}", offered.join(", "))),
                })
            }
            403 => Err(Error::new(ErrorId::CaAccessDenied, format!("`{config}` refuses its pages to `{user}` (403)"))
                .about(user)),
            status @ 300..=399 => {
                // What follows a question mark may be what was sent.
                let place = reply.header("location").map(|to| to.split('?').next().unwrap_or(to));
                let to = place.map_or_else(String::new, |to| format!(" to `{to}`"));
                Err(self
                    .silence(&format!("it leads elsewhere{to} ({status})"))
                    .hint("write the address of the pages themselves as `url`"))
            }
            status => Err(self.silence(&format!("its pages answer with status {status}"))),
        }
    }

    fn silence(&self, why: &str) -> Error {
        Error::new(ErrorId::CaUnreachable, format!("`{}` cannot be asked: {why}", self.settings.config))
            .about(&self.settings.config)
            .hint("`Test-CertificationAuthority` looks at what is in the way")
    }

    fn submit(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer> {
        let template = if submission.template.is_empty() { USUAL_TEMPLATE } else { &submission.template };
        if template.chars().any(char::is_control) {
            // A line of its own would be another attribute of the request.
            let message = "the name of a template is one line".to_owned();
            return Err(Error::new(ErrorId::ParameterArgumentValidationError, message).about("Template"));
        }
        let account = self.account(submission.account.as_ref())?;
        let parsed = x509::parse_request(&submission.csr)?;
        let request = parsed.to_pem();
        let form = [
            ("Mode", "newreq"),
            ("CertRequest", &request),
            ("CertAttrib", &format!("CertificateTemplate:{template}\r\n")),
            ("FriendlyType", "Saved-Request Certificate"),
            ("TargetStoreFlags", "0"),
            ("SaveCert", "yes"),
        ];
        let reply = self.wire()?.post(&account, "certfnsh.asp", &form, cx.cancelled)?;
        let page = page(&self.checked(reply, &account.0)?, &account);
        let mut ticket = Ticket::of(&account.0, template, Some(parsed.key_id()));
        let outcome = pages::submitted(&page);
        if let (Submitted::Issued(id) | Submitted::Pending(id) | Submitted::Unclear(Some(id)), Some(account)) =
            (&outcome, &submission.account)
        {
            self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(*id, account.clone());
        }
        match outcome {
            Submitted::Issued(id) => {
                ticket.issued(id);
                Ok(self.answer(&ticket, Progress::Working, "the certificate is issued and is being fetched"))
            }
            Submitted::Pending(id) => {
                ticket.pending(id);
                Ok(self.waiting(&ticket))
            }
            Submitted::Denied(id, words) => Ok(self.denied(ticket, id, &words)),
            Submitted::Unclear(Some(id)) => {
                // Its language is not ours: what the request itself says is in numbers. The number is kept before anything
                // else is asked, so that whatever fails then the request is not handed in again.
                ticket.guessed(id);
                Ok(self.answer(&ticket, Progress::Working, "the authority has the request and is asked how it is"))
            }
            Submitted::Nameless => Err(self.unknown("it waits there, and its page gives no number")),
            Submitted::Unclear(None) => Err(self.silence("its answer is not understood")),
        }
    }

    /// Asks for the certificate of a request that has a number.
    fn fetch(&self, cx: &Context<'_>, mut ticket: Ticket, account: &(String, Secret)) -> Result<Answer> {
        let id = ticket.id;
        let reply = self.get(account, &format!("certnew.cer?ReqID={id}&Enc=b64"), cx.cancelled)?;
        if is_certificate(&reply) {
            let found = self.certificates(&reply)?;
            let Some(first) = found.first() else {
                return Err(self.silence(&format!("what it gives for request {id} is no certificate")));
            };
            // A bundle has no order.
            let is_ours = |c: &&Certificate| ticket.key.is_none_or(|key| c.key_id() == key);
            let Some(leaf) = found.iter().find(is_ours) else {
                if ticket.is_guessed {
                    return Err(self.unknown(STRANGE_NUMBER));
                }
                let message = format!(
                    "what `{}` gives for request {id} is for another key: `{}`",
                    self.settings.config,
                    first.subject()
                );
                return Err(Error::new(ErrorId::KeyMismatch, message).about(id.to_string()));
            };
            let mut issued = vec![leaf.clone()];
            issued.extend(self.above(cx, account, leaf, id)?);
            ticket.issued(id);
            return Ok(self.answer(&ticket, Progress::Issued(issued), "Issued"));
        }
        match pages::not_issued(&page(&reply, account)) {
            NotIssued::Pending => {
                ticket.pending(id);
                Ok(self.waiting(&ticket))
            }
            NotIssued::Denied(words) => Ok(self.denied(ticket, Some(id), &words)),
            NotIssued::Revoked => Ok(self.answer(&ticket, Progress::Revoked, "Revoked")),
            NotIssued::Unknown if ticket.is_guessed => Err(self.unknown(STRANGE_NUMBER)),
            NotIssued::Unknown => {
                let message = format!("`{}` has no request {id}", self.settings.config);
                Err(Error::new(ErrorId::RequestNotFound, message).about(id.to_string()).hint(format!(
                    "the number belongs to the authority that was asked; it was asked as `{}`",
                    ticket.user
                )))
            }
            NotIssued::Unclear(words) => Err(self.silence(&format!("its answer is not understood: {words}"))),
        }
    }

    fn waiting(&self, ticket: &Ticket) -> Answer {
        self.answer(ticket, Progress::Waiting(None), "Taken Under Submission")
    }

    fn denied(&self, mut ticket: Ticket, id: Option<u32>, words: &str) -> Answer {
        let error = pages::refusal(&self.settings.config, id, &ticket.template, words);
        ticket.denied(id, words);
        let words = if words.is_empty() { error.message().to_owned() } else { words.to_owned() };
        let mut answer = self.answer(&ticket, Progress::Denied(error), &words);
        answer.request_id = id;
        answer
    }

    #[expect(clippy::unused_self, reason = "an answer is the authority's")]
    fn answer(&self, ticket: &Ticket, progress: Progress, message: &str) -> Answer {
        let request_id = Some(ticket.id).filter(|id| *id > 0);
        Answer { ticket: ticket.to_text(), request_id, progress, message: message.to_owned(), writes: Vec::new() }
    }

    /// The authorities above an issued certificate, nearest first, without the root.
    fn above(
        &self,
        cx: &Context<'_>,
        account: &(String, Secret),
        leaf: &Certificate,
        id: u32,
    ) -> Result<Vec<Certificate>> {
        let reply = self.get(account, &format!("certnew.p7b?ReqID={id}&Enc=bin"), cx.cancelled)?;
        let known = if is_certificate(&reply) { self.certificates(&reply)? } else { self.own(cx, account)? };
        Ok(path(leaf, &known).into_iter().filter(|c| !c.is_self_issued()).collect())
    }

    /// The authority's own certificates in no order: those of its newest renewal.
    fn own(&self, cx: &Context<'_>, account: &(String, Secret)) -> Result<Vec<Certificate>> {
        let index = self.get(account, "certcarc.asp", cx.cancelled)?;
        // The newest by its number; web enrollment takes -1 for it too.
        let newest = pages::renewals(&page(&index, account)).map_or_else(|| "-1".to_owned(), |n| n.to_string());
        let reply = self.get(account, &format!("certnew.p7b?ReqID=CACert&Enc=bin&Renewal={newest}"), cx.cancelled)?;
        if !is_certificate(&reply) {
            return Err(self.silence("it does not give its own certificates"));
        }
        self.certificates(&reply)
    }

    fn certificates(&self, reply: &Reply) -> Result<Vec<Certificate>> {
        let found = x509::read_any(&reply.body, None)
            .map_err(|e| self.silence(&format!("it gives what is no certificate: {}", e.message())))?;
        Ok(found.certificates().to_vec())
    }
}

impl Authority for Adcs {
    fn config(&self) -> &str {
        &self.settings.config
    }

    fn is_public(&self) -> bool {
        self.settings.is_public
    }

    fn first_ticket(&self) -> String {
        Ticket::being_sent()
    }

    /// Whether the pages are there and let one in; which templates there are and who may enroll they do not tell.
    fn preflight(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Result<()> {
        let account = self.account(inquiry.account)?;
        self.get(&account, "", cx.cancelled).map(drop)
    }

    fn begin(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer> {
        if (cx.cancelled)() {
            return Err(interrupted());
        }
        self.submit(cx, submission)
    }

    fn advance(&self, cx: &Context<'_>, ticket: &str) -> Result<Answer> {
        let Some(ticket) = Ticket::from_text(ticket) else {
            let message = format!("what is remembered of a request at `{}` cannot be read", self.settings.config);
            return Err(Error::new(ErrorId::StoreUnavailable, message));
        };
        if ticket.is_being_sent() {
            return Err(self.unknown("it was cut off while it was sent"));
        }
        if let Some(words) = &ticket.denied {
            let (id, words) = (Some(ticket.id).filter(|id| *id > 0), words.clone());
            return Ok(self.denied(ticket, id, &words));
        }
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).get(&ticket.id).cloned();
        let account = self.account(given.as_ref())?;
        let user = ticket.user.clone();
        self.fetch(cx, ticket, &account).map_err(|error| {
            if error.id() == ErrorId::CaAccessDenied && !user.eq_ignore_ascii_case(&account.0) {
                return error.hint(format!(
                    "the request was handed in as `{user}`: `-CaAccount` and `-CaPassword` ask in that name"
                ));
            }
            error
        })
    }

    fn advance_as(&self, cx: &Context<'_>, ticket: &str, account: &(String, Secret)) -> Result<Answer> {
        if let Some(Ticket { id, .. }) = Ticket::from_text(ticket).filter(|t| t.id > 0) {
            self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(id, account.clone());
        }
        self.advance(cx, ticket)
    }

    fn chain(&self, cx: &Context<'_>) -> Result<Vec<Certificate>> {
        let account = self.account(None)?;
        let known = self.own(cx, &account)?;
        // The issuing one issued none of the others.
        let lowest = known.iter().find(|c| !known.iter().any(|other| other != *c && other.issuer() == c.subject()));
        let Some(lowest) = lowest.or(known.first()) else { return Ok(Vec::new()) };
        let mut chain = vec![lowest.clone()];
        chain.extend(path(lowest, &known));
        Ok(chain)
    }

    fn examine(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
        let finding = |subject, fault, note: &str| Finding { subject, fault, note: note.to_owned() };
        let account = match self.account(inquiry.account) {
            Ok(account) => account,
            Err(error) => return vec![finding("Right", Some(error), "")],
        };
        let reply = match self.wire().and_then(|wire| wire.get(&account, "", cx.cancelled)) {
            Ok(reply) => reply,
            Err(error) => return vec![finding("Reachable", Some(error), "")],
        };
        let date = reply.header("date").and_then(http_date);
        let mut findings = Vec::new();
        let status = reply.status;
        match self.checked(reply, &account.0) {
            Ok(_) => {
                findings.push(finding("Reachable", None, &format!("`{}` answers", self.settings.url)));
                findings.push(finding("Right", None, &format!("logged on as `{}`", account.0)));
            }
            Err(error) if matches!(status, 401 | 403) => {
                findings.push(finding("Reachable", None, &format!("`{}` answers", self.settings.url)));
                findings.push(finding("Right", Some(error), ""));
            }
            Err(error) => findings.push(finding("Reachable", Some(error), "")),
        }
        findings.push(match date {
            None => finding("Clock", None, "the server does not tell the time"),
            Some(theirs) => {
                let ahead = theirs.since(cx.now);
                let fault = (ahead.abs() > MOST_SKEW).then(|| {
                    let message =
                        format!("the clocks of this computer and of the authority are {} s apart", ahead.abs());
                    Error::new(ErrorId::CertificateNotYetValid, message)
                        .about(&self.settings.config)
                        .hint("set the clocks")
                });
                finding("Clock", fault, &format!("{ahead} s ahead of this computer's"))
            }
        });
        let template = if inquiry.template.is_empty() { USUAL_TEMPLATE } else { inquiry.template };
        findings.push(finding(
            "Template",
            None,
            &format!("`{template}` is known to the authority alone: its pages do not tell"),
        ));
        findings
    }
}

impl Adcs {
    /// What can be done about a request of which nobody here knows whether it has arrived.
    fn unknown(&self, why: &str) -> Error {
        let config = &self.settings.config;
        let message = format!("it is not known what became of the request at `{config}`: {why}");
        Error::new(ErrorId::SubmissionUnknown, message)
            .about(config)
            .hint("look at the authority's console for a request of that time; issue it there if it waits")
            .hint("the key is kept: `Import-CsCertificate -Path FILE.cer` joins the issued certificate to it")
            .hint("if it never arrived: `Request-CsCertificate -Clear` drops it, then ask again")
    }
}

impl fmt::Debug for Adcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adcs")
            .field("config", &self.settings.config)
            .field("url", &self.settings.url)
            .finish_non_exhaustive()
    }
}

/// A certificate or a bundle, and not a page that says why there is none.
fn is_certificate(reply: &Reply) -> bool {
    let kind = reply.header("content-type").unwrap_or_default().to_ascii_lowercase();
    kind.starts_with("application/pkix-cert") || kind.starts_with("application/x-pkcs7-certificates")
}

/// The text of a page without the secrets of the account: some servers show what they were asked with, and what a page
/// says goes into errors and into the log.
fn page(reply: &Reply, (user, password): &(String, Secret)) -> String {
    let mut text = String::from_utf8_lossy(&reply.body).into_owned();
    let token = wire::base64(format!("{user}:{}", password.expose()).as_bytes());
    for secret in [password.expose(), token.as_str()] {
        // A shorter one stands in every page by chance.
        if secret.len() >= SHORTEST {
            text = text.replace(secret, "***");
        }
    }
    text
}

/// The authorities above a certificate among the known ones, nearest first; the root is the last where it is known.
fn path(leaf: &Certificate, known: &[Certificate]) -> Vec<Certificate> {
    let mut above: Vec<Certificate> = Vec::new();
    let mut below = leaf.clone();
    while !below.is_self_issued() {
        let issuer = known.iter().find(|c| c.subject() == below.issuer() && **c != below && !above.contains(c));
        let Some(issuer) = issuer else { break };
        above.push(issuer.clone());
        below = issuer.clone();
    }
    above
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<Moment> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|m| m == month)? + 1;
    let day: u32 = day.parse().ok()?;
    let year: u32 = year.parse().ok()?;
    Moment::parse(&format!("{year:04}-{month:02}-{day:02}T{time}Z"), &crate::model::Zone::utc()).ok()
}
