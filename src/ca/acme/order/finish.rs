//! The end of an order: the request is handed over, the certificate fetched, its chain chosen.

use std::time::Duration;

use serde_json::json;

use super::objects::{Order, Status};
use super::{Step, Ticket};
use crate::ca::acme::jose::{From, base64url};
use crate::ca::acme::wire::{Call, Failure, json, links, rest, retry_after, unreadable};
use crate::ca::http::Reply;
use crate::ca::{Answer, Progress};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, KeyId, hex};
use crate::x509;

/// How long an order that is at work is looked at in one step.
const MOMENTS: [Duration; 4] =
    [Duration::from_millis(60), Duration::from_millis(150), Duration::from_millis(400), Duration::from_millis(900)];
/// How many chains of one certificate are looked at for the preferred one.
const ALTERNATES: usize = 10;

impl Step<'_> {
    pub(super) fn finalize(&self, ticket: Ticket, order: &Order) -> Result<Answer> {
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

    pub(super) fn download(&self, ticket: Ticket, order: &Order, reply: &Reply) -> Result<Answer> {
        let Some(url) = &order.certificate else {
            let mut answer = self.wait(&ticket, reply);
            "the authority says that the certificate is issued, and not yet where it is"
                .clone_into(&mut answer.message);
            return Ok(answer);
        };
        let key = x509::parse_request(&hex::read(&ticket.csr).unwrap_or_default())?.key_id();
        let reply =
            match self.wire.post(&self.account.key, From::Account(&self.account.url), url, None, &Call::of(self.cx)) {
                Ok(reply) => reply,
                Err(failure) => return self.later(ticket, failure, "hand the certificate over"),
            };
        let Some(mut chain) = chain_of(&certificates(url, &reply)?, &key) else {
            // It will never be ours: another attempt needs another order.
            let message =
                format!("the certificate that `{}` gave is for another key than the request's", self.settings.config);
            let error = Error::new(ErrorId::KeyMismatch, message).about(self.settings.config.clone());
            return Ok(ticket.denied(error));
        };
        let mut message = "issued".to_owned();
        if let Some(wanted) = self.settings.preferred_chain.as_deref().filter(|w| !ends_at(&chain, w)) {
            match self.preferred(&reply, wanted, &chain[0])? {
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

    /// The alternate chain of the same certificate whose topmost issuer has this common name (RFC 8555 section 7.4.2).
    ///
    /// One that cannot be had is no reason to lose the certificate, which is here.
    ///
    /// # Errors
    /// `Interrupted`.
    fn preferred(&self, reply: &Reply, wanted: &str, leaf: &Certificate) -> Result<Option<Vec<Certificate>>> {
        for url in links(reply, "alternate").into_iter().take(ALTERNATES) {
            let from = From::Account(&self.account.url);
            let other = match self.wire.post(&self.account.key, from, &url, None, &Call::of(self.cx)) {
                Ok(other) => other,
                Err(Failure::Broken(error)) if error.id() == ErrorId::Interrupted => return Err(error),
                Err(_) => continue,
            };
            let Some(chain) = certificates(&url, &other).ok().and_then(|known| chain_of(&known, &leaf.key_id())) else {
                continue;
            };
            if chain[0] == *leaf && ends_at(&chain, wanted) {
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }
}

fn certificates(url: &str, reply: &Reply) -> Result<Vec<Certificate>> {
    let contents = x509::read_any(&reply.body, None).map_err(|e| unreadable(url, e.message()))?;
    let certificates = contents.certificates().to_vec();
    if certificates.is_empty() {
        return Err(unreadable(url, "it holds no certificate"));
    }
    Ok(certificates)
}

/// The certificate of a key and those that lead upward from it, whatever the order was in which they came (the leaf
/// comes first, RFC 8555 section 9.1) and what else came along; `None` when there is none of the key.
fn chain_of(known: &[Certificate], key: &KeyId) -> Option<Vec<Certificate>> {
    let mut chain = vec![known.iter().find(|c| c.key_id() == *key)?.clone()];
    while let Some(last) = chain.last().filter(|c| !c.is_self_issued()) {
        let above = || known.iter().filter(|c| c.subject() == last.issuer() && !chain.contains(c));
        // Two authorities may have one name: the key tells them apart.
        let wanted = last.authority_key_identifier();
        let by_key = above().find(|c| wanted.is_some() && c.subject_key_identifier() == wanted);
        let Some(next) = by_key.or_else(|| above().next()).cloned() else { break };
        chain.push(next);
    }
    Some(chain)
}

/// Whether the topmost issuer of a chain has this common name.
fn ends_at(chain: &[Certificate], name: &str) -> bool {
    chain.last().and_then(|c| c.issuer().common_name()) == Some(name)
}
