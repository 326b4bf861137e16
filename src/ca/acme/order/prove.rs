//! How control over the names is shown: which challenges are answered, the authority's look at them, and its end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::objects::{Authorization, Order, Status};
use super::{Identifier, Step, Ticket};
use crate::ca::acme::challenge::{self, Chosen};
use crate::ca::acme::wire::{Failure, Problem, printable, rest, retry_after, unreadable};
use crate::ca::{Answer, Progress};
use crate::error::{Error, ErrorId, Result};

/// When an authority that has not looked yet is asked again, in seconds after it was left.
const LATER: i64 = 120;
/// How long the other names are waited for when one has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(3);
/// The first and the longest wait between two looks, where the server names none.
const LOOKS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(3)];

impl Step<'_> {
    /// Looks which challenges are to be answered; the ticket knows of them before anything is set.
    pub(super) fn choose(&self, mut ticket: Ticket, order: &Order) -> Result<Answer> {
        let wanted = self.settings.challenge.kind();
        if order.authorizations.len() > 2 * ticket.values().len() {
            return Err(unreadable(&order.finalize, "the order wants more to be shown than was asked for"));
        }
        for url in &order.authorizations {
            let (authorization, _) = match self.fetch::<Authorization>(url) {
                Ok(found) => found,
                Err(failure) => return self.later(ticket, failure, "say what is to be shown"),
            };
            match authorization.status {
                Status::Pending => {}
                // Nothing can come of the order any more, whether it knows that or not.
                Status::Invalid | Status::Ended => return Ok(self.invalid(ticket, order)),
                Status::Valid | Status::Ready | Status::Processing => continue,
            }
            if !ticket.may_need(&authorization.identifier) {
                // What is set in the DNS or in a web server is set for the names of the request alone.
                let name = printable(&authorization.identifier.value);
                return Err(unreadable(url, &format!("it is about `{name}`, which was not asked for")));
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
    pub(super) fn prove(&self, mut ticket: Ticket) -> Result<Answer> {
        let answers = challenge::answer(self.settings, &ticket.challenges, &self.account.key, self.cx)?;
        let (mut end, mut lost) = (Instant::now() + self.patience, None);
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
                let is_lost =
                    authorization.challenges.iter().any(|c| c.url == chosen.challenge && c.status == Status::Invalid);
                match authorization.status {
                    Status::Valid => {}
                    Status::Pending | Status::Processing | Status::Ready if is_lost => {
                        failed.push((chosen, why(&authorization)));
                    }
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
                // Not soon: each look costs the whole patience, and the answers have to be set again.
                let later = i64::try_from(self.patience.as_secs()).unwrap_or(LATER) + LATER;
                let at = self.cx.now.plus_seconds(later);
                return Ok(ticket.answer(Progress::Waiting(Some(at)), "the authority has not looked at the names yet"));
            }
            let wished = asked_for.map(|at| Duration::from_secs(at.since(self.cx.now).max(0).unsigned_abs()));
            // A server that wants no pause at all gets one.
            rest(
                wished.unwrap_or(pause).max(LOOKS[0]).min(end.saturating_duration_since(Instant::now())),
                self.cx.cancelled,
            )?;
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

    /// The order has ended without a certificate.
    pub(super) fn invalid(&self, ticket: Ticket, order: &Order) -> Answer {
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
}

fn why(authorization: &Authorization) -> String {
    let problems = authorization.challenges.iter().filter_map(|c| c.error.as_ref());
    let said: Vec<String> = problems.map(Problem::line).collect();
    if said.is_empty() { "it does not say why".to_owned() } else { said.join("; ") }
}
