//! The making of an order, or the finding of one that was made before a crash.

use serde::Deserialize;
use serde_json::json;

use super::objects::{Order, Status};
use super::{Step, Ticket};
use crate::ca::acme::jose::From;
use crate::ca::acme::ledger::Known;
use crate::ca::acme::wire::{Call, Failure, links, unreadable};
use crate::ca::{Answer, Progress};
use crate::error::{Error, ErrorId, Result};

/// How many of an account's orders are looked through for one that a crash left.
const SEARCHED: usize = 50;
/// How many pages their list may have.
const PAGES: usize = 20;

impl Step<'_> {
    /// Makes the order, or finds the one that was made before a crash.
    pub(super) fn submit(&mut self, mut ticket: Ticket) -> Result<Answer> {
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

    pub(super) fn new_order(&mut self, ticket: &mut Ticket) -> Result<String, Failure> {
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
                    return Ok(self.wire.whole(order));
                }
                Err(Failure::Refused(_, problem)) if problem.word() == "accountDoesNotExist" && !is_registered_anew => {
                    is_registered_anew = true;
                    self.account.renew(self.settings, self.wire, self.cx)?;
                }
                Err(Failure::Refused(_, problem))
                    if problem.word() == "unauthorized"
                        && self.account.is_closed(self.settings, self.wire, self.cx)? =>
                {
                    let config = &self.settings.config;
                    self.ledger().forget(self.cx, &ticket.request())?;
                    let message = format!("`{config}` has closed the account of this computer: {}", problem.line());
                    let error = Error::new(ErrorId::CaAccessDenied, message).about(config.clone());
                    return Err(error.hint("the next request opens another account").into());
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
        for _ in 0..PAGES {
            let Some(url) = next else { break };
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
            for order in list.orders.iter().map(|o| self.wire.whole(o)).filter(|o| !known.contains(o)) {
                searched += 1;
                if searched > SEARCHED {
                    return Ok(None);
                }
                let Ok((facts, _)) = self.fetch::<Order>(&order) else { continue };
                let is_ours = !facts.identifiers.is_empty() && ticket.is_for(&facts.identifiers);
                if matches!(facts.status, Status::Pending | Status::Ready) && is_ours {
                    return Ok(Some(order));
                }
            }
            next = links(&reply, "next").into_iter().next().filter(|n| *n != url);
        }
        Ok(None)
    }
}

/// Refusals that another attempt without `replaces` would meet again.
fn is_about_the_names(word: &str) -> bool {
    ["rejectedIdentifier", "unsupportedIdentifier", "caa", "invalidProfile", "userActionRequired"].contains(&word)
}
