//! An order from its making to its certificate: each step ends in a ticket from which the next one goes on, also after a
//! crash, and which may be taken twice (RFC 8555 section 7.1.6).

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::account::Account;
use super::challenge::{self, Chosen};
use super::jose::{From, base64url, sha256};
use super::ledger::{Known, Ledger};
use super::wire::{Call, Failure, Problem, Wire, json, links, printable, refusal, rest, retry_after, unreadable};
use super::{AcmeSettings, renewal};
use crate::ca::http::Reply;
use crate::ca::{Answer, Context, Progress, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, Certificate, hex};
use crate::x509;

/// How long the authority's look at the challenges is waited for in one step.
const VALIDATION: Duration = Duration::from_secs(120);
/// How long the other names are waited for when one has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(3);
/// The first and the longest wait between two looks, where the server names none.
const LOOKS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(3)];
/// How long an order that is at work is looked at in one step.
const MOMENTS: [Duration; 4] =
    [Duration::from_millis(60), Duration::from_millis(150), Duration::from_millis(400), Duration::from_millis(900)];
/// How many of an account's orders are looked through for one that a crash left.
const SEARCHED: usize = 50;

/// A name that is certified (RFC 8555 section 7.1.3, RFC 8738).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identifier {
    /// `dns` or `ip`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
struct Order {
    status: Status,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(default)]
    authorizations: Vec<String>,
    finalize: String,
    certificate: Option<String>,
    error: Option<Problem>,
}

/// The status of an order, an authorization or a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Ready,
    Processing,
    Valid,
    Invalid,
    /// `deactivated`, `expired`, `revoked`, and whatever comes.
    #[serde(other)]
    Ended,
}

#[derive(Debug, Deserialize)]
struct Authorization {
    identifier: Identifier,
    status: Status,
    #[serde(default)]
    challenges: Vec<Challenge>,
}

#[derive(Debug, Deserialize)]
struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    #[serde(default = "pending")]
    status: Status,
    token: Option<String>,
    error: Option<Problem>,
}

fn pending() -> Status {
    Status::Pending
}

/// All that is needed to go on with a request; it holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The PKCS#10 request, DER, hexadecimal.
    csr: String,
    names: Vec<Identifier>,
    profile: Option<String>,
    /// The identifier of the certificate to be replaced (RFC 9773 section 4.1).
    replaces: Option<String>,
    /// The order's address; none before the authority has given it.
    order: Option<String>,
    /// The challenges that are answered, or were when a crash came.
    #[serde(default)]
    challenges: Vec<Chosen>,
    /// Why the authority does not issue it.
    refused: Option<String>,
}

impl Ticket {
    /// The ticket of a request that nobody has heard of yet.
    ///
    /// # Errors
    /// `RequestDenied` for a name that is neither a host name nor an address.
    pub(super) fn new(submission: &Submission, profile: Option<String>, replaces: Option<String>) -> Result<Self> {
        Ok(Self {
            csr: hex::upper(&submission.csr),
            names: names_of(&submission.csr)?,
            profile,
            replaces,
            order: None,
            challenges: Vec::new(),
            refused: None,
        })
    }

    /// # Errors
    /// `StoreUnavailable` for a ticket that is not ours.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|e| Error::new(ErrorId::StoreUnavailable, "the ticket of the request is damaged").because(e))
    }

    /// Why the request has ended in a refusal, if it has.
    pub(super) fn refused(&self, settings: &AcmeSettings) -> Option<Error> {
        let why = self.refused.clone()?;
        Some(Error::new(ErrorId::RequestDenied, why).about(settings.config.clone()))
    }

    /// What names the request in the ledger.
    fn request(&self) -> String {
        hex::upper(&sha256(self.csr.as_bytes()))
    }

    fn values(&self) -> Vec<String> {
        self.names.iter().map(|n| n.value.clone()).collect()
    }

    fn answer(&self, progress: Progress, message: impl Into<String>) -> Answer {
        Answer {
            ticket: serde_json::to_string(self).unwrap_or_default(),
            request_id: None,
            progress,
            message: message.into(),
            writes: Vec::new(),
        }
    }

    /// Ends the request: from now on every step says the same.
    pub(super) fn denied(mut self, error: Error) -> Answer {
        self.refused = Some(error.message().to_owned());
        let message = error.message().to_owned();
        self.answer(Progress::Denied(error), message)
    }
}

/// The names of a request, as the authority will compare them: the alternative names, and a common name that is not among
/// them.
fn names_of(csr: &[u8]) -> Result<Vec<Identifier>> {
    let request = x509::parse_request(csr)?;
    let mut names = Vec::new();
    let mut add = |name: &AlternativeName| {
        let (kind, value) = match name {
            AlternativeName::Dns(host) => ("dns", host.to_ascii_lowercase()),
            AlternativeName::Ip(address) => ("ip", address.to_string()),
            other => {
                let message = format!("`{other}` is neither a host name nor an address: ACME certifies nothing else");
                return Err(Error::new(ErrorId::RequestDenied, message).about(other.to_string()));
            }
        };
        let name = Identifier { kind: kind.to_owned(), value };
        if !names.contains(&name) {
            names.push(name);
        }
        Ok(())
    };
    for name in request.alternative_names() {
        add(name)?;
    }
    if let Some(name) = request.subject().common_name() {
        add(&AlternativeName::host(name))?;
    }
    Ok(names)
}

/// One step of an order.
pub(super) struct Step<'a> {
    pub(super) settings: &'a AcmeSettings,
    pub(super) wire: &'a Wire,
    pub(super) account: Account,
    pub(super) cx: &'a Context<'a>,
}

impl Step<'_> {
    /// Goes on from a ticket.
    pub(super) fn take(mut self, mut ticket: Ticket) -> Result<Answer> {
        let Some(url) = ticket.order.clone() else { return self.submit(ticket) };
        let (order, reply): (Order, Reply) = match self.fetch(&url) {
            Ok(found) => found,
            Err(Failure::Refused(404 | 410, problem)) => {
                return Ok(ticket.denied(refusal(
                    &self.settings.config,
                    "go on with the order, which it has dropped",
                    &problem,
                )));
            }
            Err(failure) => return self.later(ticket, failure, "say how the order is"),
        };
        if order.status != Status::Pending && !ticket.challenges.is_empty() {
            // Left by a crash: what was set is taken away.
            challenge::clear(self.settings, &ticket.challenges, &self.account.key);
            ticket.challenges.clear();
        }
        match order.status {
            Status::Pending if ticket.challenges.is_empty() => self.choose(ticket, &order),
            Status::Pending => self.prove(ticket),
            Status::Ready => self.finalize(ticket, &order),
            Status::Processing => Ok(self.wait(&ticket, &reply)),
            Status::Valid => self.download(ticket, &order, &reply),
            Status::Invalid | Status::Ended => Ok(self.invalid(ticket, &order)),
        }
    }

    /// Makes the order, or finds the one that was made before a crash.
    fn submit(&mut self, mut ticket: Ticket) -> Result<Answer> {
        let (request, ledger) = (ticket.request(), self.ledger());
        if !ledger.knows(self.cx, &request)? {
            ledger.check(self.cx, &ticket.values(), ticket.replaces.is_some())?;
        }
        let found = match ledger.intend(self.cx, &request, &ticket.values(), ticket.replaces.is_some())? {
            Known::New => None,
            Known::Ordered(order) => Some(order),
            Known::Begun => self.find_order(&ticket)?,
        };
        let order = match found {
            Some(order) => order,
            None => match self.new_order(&mut ticket) {
                Ok(order) => order,
                Err(failure @ (Failure::Later(..) | Failure::Refused(..499, _))) => {
                    self.ledger().forget(self.cx, &request)?;
                    return self.later(ticket, failure, "take the order");
                }
                // Nobody knows whether there is an order now: the next attempt looks.
                Err(failure) => return self.later(ticket, failure, "take the order"),
            },
        };
        self.ledger().ordered(self.cx, &request, &order, ticket.replaces.is_some())?;
        ticket.order = Some(order);
        Ok(ticket.answer(Progress::Working, "ordered"))
    }

    fn new_order(&mut self, ticket: &mut Ticket) -> Result<String, Failure> {
        let url = self.wire.directory.new_order.clone();
        let mut is_registered_anew = false;
        loop {
            let mut payload = json!({"identifiers": ticket.names});
            if let Some(profile) = &ticket.profile {
                payload["profile"] = json!(profile);
            }
            if let Some(replaces) = &ticket.replaces {
                payload["replaces"] = json!(replaces);
            }
            let from = From::Account(&self.account.url);
            match self.wire.post(&self.account.key, from, &url, Some(&payload), &Call::of(self.cx)) {
                Ok(reply) => {
                    let order = reply.header("location").ok_or_else(|| unreadable(&url, "it names no order"))?;
                    return Ok(order.to_owned());
                }
                Err(Failure::Refused(_, problem)) if problem.word() == "accountDoesNotExist" && !is_registered_anew => {
                    is_registered_anew = true;
                    self.account.renew(self.settings, self.wire, self.cx)?;
                }
                // The old certificate is not this server's, or was replaced already: the new one is wanted all the same.
                Err(Failure::Refused(_, problem))
                    if ticket.replaces.is_some() && !is_about_the_names(problem.word()) =>
                {
                    ticket.replaces = None;
                    self.ledger().check(self.cx, &ticket.values(), false)?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// An open order of the account with just these names, which the ledger does not know (RFC 8555 section 7.1.2.1).
    ///
    /// Servers without a list of orders give the same order again for the same names, or another one that counts little.
    fn find_order(&self, ticket: &Ticket) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct AccountFacts {
            orders: Option<String>,
        }
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            orders: Vec<String>,
        }
        let from = From::Account(&self.account.url);
        let mut next = Some(self.account.url.clone());
        let (mut is_account, mut searched) = (true, 0);
        let known = self.ledger().orders(self.cx)?;
        let mut wanted = ticket.names.clone();
        wanted.sort_unstable();
        while let Some(url) = next {
            let reply = match self.wire.post(&self.account.key, from, &url, None, &Call::of(self.cx)) {
                Ok(reply) => reply,
                // Some servers name a list and do not have it.
                Err(Failure::Refused(..)) => return Ok(None),
                Err(failure) => return Err(failure.error(&self.settings.config, "list the orders of the account")),
            };
            if is_account {
                is_account = false;
                next = serde_json::from_slice::<AccountFacts>(&reply.body).ok().and_then(|facts| facts.orders);
                continue;
            }
            let Ok(list) = serde_json::from_slice::<List>(&reply.body) else { return Ok(None) };
            for order in list.orders.iter().filter(|o| !known.contains(o)) {
                searched += 1;
                if searched > SEARCHED {
                    return Ok(None);
                }
                let Ok((facts, _)) = self.fetch::<Order>(order) else { continue };
                let mut names = facts.identifiers;
                names.sort_unstable();
                if matches!(facts.status, Status::Pending | Status::Ready) && names == wanted {
                    return Ok(Some(order.clone()));
                }
            }
            next = links(&reply, "next").into_iter().next().filter(|n| *n != url);
        }
        Ok(None)
    }

    /// Looks which challenges are to be answered; the ticket knows of them before anything is set.
    fn choose(&self, mut ticket: Ticket, order: &Order) -> Result<Answer> {
        let wanted = self.settings.challenge.kind();
        for url in &order.authorizations {
            let (authorization, _) = match self.fetch::<Authorization>(url) {
                Ok(found) => found,
                Err(failure) => return self.later(ticket, failure, "say what is to be shown"),
            };
            if authorization.status != Status::Pending {
                continue;
            }
            let offered = authorization.challenges.iter().find(|c| c.kind == wanted);
            let Some((challenge, token)) = offered.and_then(|c| Some((c, c.token.clone()?))) else {
                let kinds: Vec<&str> = authorization.challenges.iter().map(|c| c.kind.as_str()).collect();
                let name = printable(&authorization.identifier.value);
                let message = format!(
                    "`{}` does not take {wanted} for `{name}`; it takes {}",
                    self.settings.config,
                    printable(&kinds.join(", "))
                );
                return Ok(ticket.denied(
                    Error::new(ErrorId::RequestDenied, message)
                        .about(name)
                        .hint("see `challenge` of its `[[ca]]` in `certlet.toml`"),
                ));
            };
            if !challenge::is_safe(&token) {
                return Err(unreadable(url, "its token is not base64url"));
            }
            ticket.challenges.push(Chosen {
                authorization: url.clone(),
                challenge: challenge.url.clone(),
                name: authorization.identifier,
                token,
            });
        }
        if ticket.challenges.is_empty() {
            // All is shown, and the order does not know it yet.
            return Ok(self.soon(&ticket, "the authority counts the names together"));
        }
        Ok(ticket.answer(Progress::Working, format!("{} names are to be shown by {wanted}", ticket.challenges.len())))
    }

    /// Answers the challenges, lets the authority look, and takes everything away again.
    fn prove(&self, mut ticket: Ticket) -> Result<Answer> {
        let answers = challenge::answer(self.settings, &ticket.challenges, &self.account.key, self.cx)?;
        let (mut end, mut lost) = (Instant::now() + VALIDATION, None);
        for chosen in &ticket.challenges {
            let (authorization, _) = match self.fetch::<Authorization>(&chosen.authorization) {
                Ok(found) => found,
                Err(failure) => return self.later(ticket.clone(), failure, "say what is to be shown"),
            };
            let is_open =
                authorization.challenges.iter().any(|c| c.url == chosen.challenge && c.status == Status::Pending);
            if authorization.status != Status::Pending || !is_open {
                continue;
            }
            match self.post(&chosen.challenge, &json!({})) {
                // Asked for before a crash, and decided since.
                Ok(_) | Err(Failure::Refused(..)) => {}
                Err(failure) => return self.later(ticket.clone(), failure, "look at a challenge"),
            }
        }
        let [mut pause, longest] = LOOKS;
        let mut open: Vec<&Chosen> = ticket.challenges.iter().collect();
        let mut failed: Vec<(&Chosen, String)> = Vec::new();
        while !open.is_empty() {
            let mut asked_for = None;
            let mut still = Vec::new();
            for chosen in open {
                let (authorization, reply) = match self.fetch::<Authorization>(&chosen.authorization) {
                    Ok(found) => found,
                    Err(failure) => return self.later(ticket.clone(), failure, "say what it saw"),
                };
                match authorization.status {
                    Status::Valid => {}
                    Status::Pending | Status::Processing | Status::Ready => {
                        asked_for = retry_after(&reply, self.cx.now).max(asked_for);
                        still.push(chosen);
                    }
                    Status::Invalid | Status::Ended => failed.push((chosen, why(&authorization))),
                }
            }
            open = still;
            if open.is_empty() {
                break;
            }
            if !failed.is_empty() {
                // The order is lost; a moment more tells of the other names that fail.
                end = end.min(*lost.get_or_insert_with(|| Instant::now() + AFTER_FAILURE));
                if Instant::now() >= end {
                    break;
                }
            }
            if Instant::now() >= end {
                drop(answers);
                return Ok(self.soon(&ticket, "the authority has not looked at the names yet"));
            }
            let wished = asked_for.map(|at| Duration::from_secs(at.since(self.cx.now).max(0).unsigned_abs()));
            rest(wished.unwrap_or(pause).min(end.saturating_duration_since(Instant::now())), self.cx.cancelled)?;
            pause = (pause * 2).min(longest);
        }
        drop(answers);
        if failed.is_empty() {
            ticket.challenges.clear();
            return Ok(ticket.answer(Progress::Working, "the authority has seen the names"));
        }
        let names: Vec<&Identifier> = failed.iter().map(|(chosen, _)| &chosen.name).collect();
        self.ledger().failed(self.cx, &names)?;
        let target = names.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(",");
        let reasons: Vec<String> = failed.iter().map(|(chosen, why)| format!("{}: {why}", chosen.name.value)).collect();
        ticket.challenges.clear();
        Ok(ticket.denied(self.not_shown(&reasons, &target)))
    }

    fn not_shown(&self, reasons: &[String], target: &str) -> Error {
        let kind = self.settings.challenge.kind();
        let message =
            format!("`{}` did not see by {kind} who controls the names: {}", self.settings.config, reasons.join("; "));
        Error::new(ErrorId::RequestDenied, message).about(target).hint(match kind {
            "http-01" => {
                "the authority asks at port 80 of each name: see that the names lead here and that the port is open"
            }
            "tls-alpn-01" => {
                "the authority asks at port 443 of each name: see that the names lead here and that the port is open"
            }
            _ => "see what the command `set` of `challenge` did in the DNS",
        })
    }

    fn finalize(&self, ticket: Ticket, order: &Order) -> Result<Answer> {
        let csr = hex::read(&ticket.csr).unwrap_or_default();
        let reply = match self.post(&order.finalize, &json!({"csr": base64url(&csr)})) {
            Ok(reply) => reply,
            // Another process was first, or the answer of the last time was lost.
            Err(Failure::Refused(_, problem)) if problem.word() == "orderNotReady" => {
                return Ok(self.soon(&ticket, "the authority is at work"));
            }
            Err(failure) => return self.later(ticket, failure, "issue the certificate"),
        };
        let order: Order = json(&order.finalize, &reply)?;
        let (order, reply) = match self.settle(&ticket, order, reply) {
            Ok(settled) => settled,
            Err(failure) => return self.later(ticket, failure, "say how the order is"),
        };
        match order.status {
            Status::Valid => self.download(ticket, &order, &reply),
            Status::Invalid | Status::Ended => Ok(self.invalid(ticket, &order)),
            Status::Pending | Status::Ready | Status::Processing => Ok(self.wait(&ticket, &reply)),
        }
    }

    /// Looks a few times more at an order that most servers have done in a moment, unless they name a later one.
    fn settle(&self, ticket: &Ticket, mut order: Order, mut reply: Reply) -> Result<(Order, Reply), Failure> {
        let Some(url) = &ticket.order else { return Ok((order, reply)) };
        for pause in MOMENTS {
            let is_later = retry_after(&reply, self.cx.now).is_some_and(|at| at.since(self.cx.now) > 1);
            if order.status != Status::Processing || is_later {
                break;
            }
            rest(pause, self.cx.cancelled)?;
            (order, reply) = self.fetch(url)?;
        }
        Ok((order, reply))
    }

    fn download(&self, ticket: Ticket, order: &Order, reply: &Reply) -> Result<Answer> {
        let Some(url) = &order.certificate else { return Ok(self.wait(&ticket, reply)) };
        let reply =
            match self.wire.post(&self.account.key, From::Account(&self.account.url), url, None, &Call::of(self.cx)) {
                Ok(reply) => reply,
                Err(failure) => return self.later(ticket, failure, "hand the certificate over"),
            };
        let mut chain = certificates(url, &reply)?;
        let mut message = "issued".to_owned();
        if let Some(wanted) = self.settings.preferred_chain.as_deref().filter(|w| !ends_at(&chain, w)) {
            match self.preferred(&reply, wanted)? {
                Some(other) => chain = other,
                None => message = format!("issued; no chain that the authority offers ends at `{wanted}`"),
            }
        }
        let leaf = chain.remove(0);
        // Roots are not sent: clients have them or do not trust them.
        chain.retain(|c| !c.is_self_issued());
        chain.insert(0, leaf);
        self.ledger().issued(self.cx, &ticket.request())?;
        Ok(ticket.answer(Progress::Issued(chain), message))
    }

    /// The alternate chain whose topmost issuer has this common name (RFC 8555 section 7.4.2).
    fn preferred(&self, reply: &Reply, wanted: &str) -> Result<Option<Vec<Certificate>>> {
        for url in links(reply, "alternate") {
            let from = From::Account(&self.account.url);
            let other = self
                .wire
                .post(&self.account.key, from, &url, None, &Call::of(self.cx))
                .map_err(|f| f.error(&self.settings.config, "hand another chain over"))?;
            let chain = certificates(&url, &other)?;
            if ends_at(&chain, wanted) {
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }

    /// The order has ended without a certificate.
    fn invalid(&self, ticket: Ticket, order: &Order) -> Answer {
        let mut reasons: Vec<String> = order.error.iter().map(Problem::line).collect();
        let mut names = Vec::new();
        for url in &order.authorizations {
            let Ok((authorization, _)) = self.fetch::<Authorization>(url) else { continue };
            if matches!(authorization.status, Status::Invalid | Status::Ended) {
                let name = printable(&authorization.identifier.value);
                reasons.push(format!("{name}: {}", why(&authorization)));
                names.push(name);
            }
        }
        if names.is_empty() {
            let said = if reasons.is_empty() { "it has run out".to_owned() } else { reasons.join("; ") };
            let message = format!("`{}` has ended the order: {said}", self.settings.config);
            return ticket.denied(Error::new(ErrorId::RequestDenied, message).about(self.settings.config.clone()));
        }
        let error = self.not_shown(&reasons, &names.join(","));
        ticket.denied(error)
    }

    /// A failed request: for later, refused for good, or an error.
    fn later(&self, ticket: Ticket, failure: Failure, doing: &str) -> Result<Answer> {
        match failure {
            Failure::Later(at, problem) => {
                let message = format!("the authority takes no more requests before {at}: {}", problem.line());
                Ok(ticket.answer(Progress::Waiting(Some(at)), message))
            }
            failure => {
                let error = failure.error(&self.settings.config, doing);
                if error.id() == ErrorId::RequestDenied { Ok(ticket.denied(error)) } else { Err(error) }
            }
        }
    }

    fn wait(&self, ticket: &Ticket, reply: &Reply) -> Answer {
        let at = retry_after(reply, self.cx.now).filter(|at| *at > self.cx.now);
        match at {
            Some(at) => ticket.answer(Progress::Waiting(Some(at)), "the authority is at work"),
            None => self.soon(ticket, "the authority is at work"),
        }
    }

    fn soon(&self, ticket: &Ticket, message: &str) -> Answer {
        ticket.answer(Progress::Waiting(Some(self.cx.now.plus_seconds(1))), message)
    }

    fn ledger(&self) -> Ledger<'_> {
        self.settings.ledger()
    }

    fn fetch<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<(T, Reply), Failure> {
        self.wire.fetch(&self.account.key, &self.account.url, url, &Call::of(self.cx))
    }

    fn post(&self, url: &str, payload: &serde_json::Value) -> Result<Reply, Failure> {
        self.wire.post(&self.account.key, From::Account(&self.account.url), url, Some(payload), &Call::of(self.cx))
    }
}

/// Refusals that another attempt without `replaces` would meet again.
fn is_about_the_names(word: &str) -> bool {
    ["rejectedIdentifier", "unsupportedIdentifier", "caa", "invalidProfile", "userActionRequired"].contains(&word)
}

fn why(authorization: &Authorization) -> String {
    let problems = authorization.challenges.iter().filter_map(|c| c.error.as_ref());
    let said: Vec<String> = problems.map(Problem::line).collect();
    if said.is_empty() { "it does not say why".to_owned() } else { said.join("; ") }
}

fn certificates(url: &str, reply: &Reply) -> Result<Vec<Certificate>> {
    let contents = x509::read_any(&reply.body, None).map_err(|e| unreadable(url, e.message()))?;
    let certificates = contents.certificates().to_vec();
    if certificates.is_empty() {
        return Err(unreadable(url, "it holds no certificate"));
    }
    Ok(certificates)
}

/// Whether the topmost issuer of a chain has this common name.
fn ends_at(chain: &[Certificate], name: &str) -> bool {
    chain.last().and_then(|c| c.issuer().common_name()) == Some(name)
}

/// The identifier of the certificate to be replaced, where the server knows what that means.
pub(super) fn replaces(wire: &Wire, submission: &Submission) -> Option<String> {
    wire.directory.renewal_info.as_ref()?;
    renewal::identifier(submission.replaces.as_ref()?)
}

/// When the whole of an order's life began: for tests of the search after a crash.
#[cfg(test)]
pub(super) fn order_behind_the_ledger(step: &mut Step<'_>, submission: &Submission) -> String {
    let mut ticket = Ticket::new(submission, None, None).unwrap();
    let request = ticket.request();
    step.ledger().intend(step.cx, &request, &ticket.values(), false).unwrap();
    step.new_order(&mut ticket).unwrap()
}

/// The order of a ticket, for tests.
#[cfg(test)]
pub(super) fn order_of(ticket: &str) -> Option<String> {
    Ticket::read(ticket).unwrap().order
}
