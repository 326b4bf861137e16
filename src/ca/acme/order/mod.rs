//! An order from its making to its certificate: each step ends in a ticket from which the next one goes on, also after a
//! crash, and which may be taken twice (RFC 8555 section 7.1.6).

mod finish;
mod objects;
mod prove;
mod submit;
mod ticket;

use std::time::Duration;

pub(super) use objects::Identifier;
pub(super) use ticket::Ticket;

use self::objects::{Order, Status};
use super::account::Account;
use super::challenge;
use super::jose::From;
use super::ledger::Ledger;
use super::wire::{Call, Failure, INTERNAL, Wire, printable, refusal, retry_after};
use super::{AcmeSettings, renewal};
use crate::ca::http::Reply;
use crate::ca::{Answer, Context, Progress, Submission};
use crate::error::{Error, ErrorId, Result};

/// One step of an order.
pub(super) struct Step<'a> {
    pub(super) settings: &'a AcmeSettings,
    pub(super) wire: &'a Wire,
    pub(super) account: Account,
    pub(super) cx: &'a Context<'a>,
    /// How long the authority's look at the challenges is waited for.
    pub(super) patience: Duration,
}

/// The longest time for which an order at work is left alone, in seconds.
const LONGEST: i64 = 24 * 3600;

impl Step<'_> {
    /// Goes on from a ticket.
    pub(super) fn take(mut self, mut ticket: Ticket) -> Result<Answer> {
        let Some(url) = ticket.order.clone() else { return self.submit(ticket) };
        let mut found: Result<(Order, Reply), Failure> = self.fetch(&url);
        let mut is_registered_anew = false;
        if matches!(&found, Err(Failure::Refused(_, problem)) if problem.word() == "accountDoesNotExist") {
            is_registered_anew = true;
            if let Err(error) = self.account.renew(self.settings, self.wire, self.cx) {
                return self.later(ticket, error.into(), "open the account again");
            }
            found = self.fetch(&url);
        }
        let (order, reply) = match found {
            Ok(found) => found,
            Err(Failure::Refused(status @ ..499, problem))
                if problem.word() != INTERNAL && (matches!(status, 404 | 410) || is_registered_anew) =>
            {
                return Ok(ticket.denied(refusal(
                    &self.settings.config,
                    "go on with the order, which it has dropped",
                    &problem,
                )));
            }
            Err(failure) => return self.later(ticket, failure, "say how the order is"),
        };
        if !ticket.is_for(&order.identifiers) {
            // The server began to count anew, or takes one order for another: what was asked for is not there.
            let message = format!("`{}` has another order at `{}`", self.settings.config, printable(&url));
            return Ok(ticket.denied(Error::new(ErrorId::RequestDenied, message).about(self.settings.config.clone())));
        }
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
            Some(at) => {
                let at = at.min(self.cx.now.plus_seconds(LONGEST));
                ticket.answer(Progress::Waiting(Some(at)), "the authority is at work")
            }
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
