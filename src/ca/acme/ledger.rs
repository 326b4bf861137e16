//! The ledger of orders and failures: it refuses before the authority would, and finds an order that a crash left.

use serde::{Deserialize, Serialize};

use super::memory;
use super::order::Identifier;
use crate::ca::Context;
use crate::error::{Error, ErrorId, Result};
use crate::model::Moment;

/// How many requests an authority takes before it refuses for a while; `None` counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcmeLimits {
    /// Certificates with the same set of names in seven days.
    pub duplicates_per_week: Option<u32>,
    /// Validations of one name that failed in an hour.
    pub failures_per_hour: Option<u32>,
    /// Orders in three hours.
    pub orders_per_3h: Option<u32>,
}

impl AcmeLimits {
    /// Those that Let's Encrypt publishes (letsencrypt.org/docs/rate-limits, 2025); for others `limits` says them.
    pub const PUBLIC: Self =
        Self { duplicates_per_week: Some(5), failures_per_hour: Some(5), orders_per_3h: Some(300) };
    /// No limits.
    pub const NONE: Self = Self { duplicates_per_week: None, failures_per_hour: None, orders_per_3h: None };
}

const HOUR: i64 = 3600;
const WEEK: i64 = 7 * 24 * HOUR;
/// How long an order is remembered: authorities let an open one run out in a week.
const KEPT: i64 = WEEK + 24 * HOUR;

/// The ledger of one authority.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    orders: Vec<Entry>,
    failures: Vec<Failed>,
}

/// An order, noted before it is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// SHA-256 of the request, hexadecimal.
    request: String,
    /// The names in lower case, sorted.
    names: Vec<String>,
    at: Moment,
    /// Its address, once the authority has given it.
    order: Option<String>,
    /// When the certificate came.
    issued: Option<Moment>,
    /// Whether it counts as a renewal that the authority was told of (RFC 9773 section 5), which no limit holds back.
    renewal: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Failed {
    name: String,
    at: Moment,
}

/// What the ledger knows of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it was noted just now.
    New,
    /// It was to be ordered, and nobody knows whether it was.
    Begun,
    /// This is its order.
    Ordered(String),
}

/// The ledger of an authority in the state.
pub(super) struct Ledger<'a> {
    pub(super) authority: &'a str,
    pub(super) limits: AcmeLimits,
}

impl Ledger<'_> {
    fn setting(&self) -> String {
        format!("acme-ledger:{}", self.authority.to_ascii_lowercase())
    }

    /// Refuses what the authority would refuse.
    ///
    /// # Errors
    /// `PolicyRefused`, saying when it is possible again.
    pub(super) fn check(&self, cx: &Context<'_>, names: &[String], renewal: bool) -> Result<()> {
        let book: Book = memory::read(cx.state, &self.setting())?;
        let names = canonical(names);
        let mine = |e: &&Entry| e.names == names && !e.renewal;
        if let (Some(limit), false) = (self.limits.duplicates_per_week, renewal) {
            let issued = recent(book.orders.iter().filter(mine).filter_map(|e| e.issued), cx.now, WEEK);
            if let Some(again) = full(&issued, limit, WEEK) {
                return Err(self
                    .refused(
                        &format!("{} certificates with these {} names in seven days", issued.len(), names.len()),
                        again,
                    )
                    .about(names.join(","))
                    .hint("`Find-TlsCertificate` shows the stored ones: one of them can be assigned instead"));
            }
        }
        if let Some(limit) = self.limits.failures_per_hour {
            for name in &names {
                // A wildcard is shown, and fails, under the name that it stands below (RFC 8555 section 7.1.3).
                let shown = name.strip_prefix("*.").unwrap_or(name);
                let failures = recent(book.failures.iter().filter(|f| f.name == shown).map(|f| f.at), cx.now, HOUR);
                if let Some(again) = full(&failures, limit, HOUR) {
                    return Err(self
                        .refused(&format!("{} failed validations of `{name}` in an hour", failures.len()), again)
                        .about(name.clone())
                        .hint("mend what made them fail first: `Request-CsCertificate -List` shows the reasons"));
                }
            }
        }
        if let (Some(limit), false) = (self.limits.orders_per_3h, renewal) {
            let orders = recent(book.orders.iter().map(|e| e.at), cx.now, 3 * HOUR);
            if let Some(again) = full(&orders, limit, 3 * HOUR) {
                return Err(self.refused(&format!("{} orders in three hours", orders.len()), again));
            }
        }
        Ok(())
    }

    fn refused(&self, what: &str, again: Moment) -> Error {
        let message = format!("`{}` would refuse: there were {what}; it is possible again at {again}", self.authority);
        Error::new(ErrorId::PolicyRefused, message)
            .hint("`limits` of its `[[ca]]` in `certlet.toml` holds what the authority allows")
    }

    /// Notes that a request is about to be ordered; durable when it returns.
    pub(super) fn intend(&self, cx: &Context<'_>, request: &str, names: &[String], renewal: bool) -> Result<Known> {
        memory::change(cx.state, &self.setting(), |book: &mut Book| {
            book.orders.retain(|e| cx.now.since(e.at) < KEPT);
            book.failures.retain(|f| cx.now.since(f.at) < 2 * HOUR);
            let known = book.orders.iter().find(|e| e.request == request).map(|e| e.order.clone());
            let known = match known {
                Some(Some(order)) => Known::Ordered(order),
                Some(None) => Known::Begun,
                None => {
                    let (request, names) = (request.to_owned(), canonical(names));
                    book.orders.push(Entry { request, names, at: cx.now, order: None, issued: None, renewal });
                    Known::New
                }
            };
            Ok((known, Vec::new()))
        })
    }

    /// Whether a request was noted before.
    pub(super) fn knows(&self, cx: &Context<'_>, request: &str) -> Result<bool> {
        let book: Book = memory::read(cx.state, &self.setting())?;
        Ok(book.orders.iter().any(|e| e.request == request))
    }

    /// Notes the order of a request, and whether the authority took it as a renewal.
    pub(super) fn ordered(&self, cx: &Context<'_>, request: &str, order: &str, renewal: bool) -> Result<()> {
        memory::change(cx.state, &self.setting(), |book: &mut Book| {
            if let Some(entry) = book.orders.iter_mut().find(|e| e.request == request) {
                entry.order = Some(order.to_owned());
                entry.renewal = renewal;
            }
            Ok(((), Vec::new()))
        })
    }

    /// Forgets a request that the authority did not take: it does not count.
    pub(super) fn forget(&self, cx: &Context<'_>, request: &str) -> Result<()> {
        memory::change(cx.state, &self.setting(), |book: &mut Book| {
            book.orders.retain(|e| e.request != request);
            Ok(((), Vec::new()))
        })
    }

    /// Notes that the certificate came; only the first time counts.
    pub(super) fn issued(&self, cx: &Context<'_>, request: &str) -> Result<()> {
        memory::change(cx.state, &self.setting(), |book: &mut Book| {
            if let Some(entry) = book.orders.iter_mut().find(|e| e.request == request) {
                entry.issued.get_or_insert(cx.now);
            }
            Ok(((), Vec::new()))
        })
    }

    /// Notes validations that failed.
    pub(super) fn failed(&self, cx: &Context<'_>, names: &[&Identifier]) -> Result<()> {
        memory::change(cx.state, &self.setting(), |book: &mut Book| {
            book.failures.extend(names.iter().map(|n| Failed { name: n.value.to_ascii_lowercase(), at: cx.now }));
            Ok(((), Vec::new()))
        })
    }

    /// The addresses of all orders that are remembered.
    pub(super) fn orders(&self, cx: &Context<'_>) -> Result<Vec<String>> {
        let book: Book = memory::read(cx.state, &self.setting())?;
        Ok(book.orders.into_iter().filter_map(|e| e.order).collect())
    }

    /// What is left of the limits for these names, in words.
    pub(super) fn left(&self, cx: &Context<'_>, names: &[String]) -> Result<String> {
        let book: Book = memory::read(cx.state, &self.setting())?;
        let names = canonical(names);
        let mut parts = Vec::new();
        if let Some(limit) = self.limits.orders_per_3h {
            let used = recent(book.orders.iter().map(|e| e.at), cx.now, 3 * HOUR).len();
            parts.push(format!("{} of {limit} orders in three hours", left(limit, used)));
        }
        if let (Some(limit), false) = (self.limits.duplicates_per_week, names.is_empty()) {
            let mine = book.orders.iter().filter(|e| e.names == names && !e.renewal).filter_map(|e| e.issued);
            let used = recent(mine, cx.now, WEEK).len();
            parts.push(format!("{} of {limit} certificates with these names in seven days", left(limit, used)));
        }
        Ok(if parts.is_empty() { "none are counted".to_owned() } else { format!("left: {}", parts.join(", ")) })
    }
}

fn left(limit: u32, used: usize) -> usize {
    (limit as usize).saturating_sub(used)
}

fn canonical(names: &[String]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Those within a span before now, oldest first.
fn recent(moments: impl Iterator<Item = Moment>, now: Moment, span: i64) -> Vec<Moment> {
    let mut recent: Vec<Moment> = moments.filter(|at| now.since(*at) < span).collect();
    recent.sort_unstable();
    recent
}

/// When there is room again, if there is none.
fn full(moments: &[Moment], limit: u32, span: i64) -> Option<Moment> {
    let over = moments.len().checked_sub(limit as usize)?;
    // With a limit of nothing there is never room; a span later it is looked at again.
    moments.get(over).map(|at| at.plus_seconds(span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::testing::World;

    const LEDGER: Ledger<'static> = Ledger { authority: r"acme\shop", limits: AcmeLimits::PUBLIC };

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn the_sixth_certificate_of_a_week_waits_for_the_first_to_be_a_week_old() {
        let mut world = World::new();
        let begin = world.now;
        let set = names(&["www.shop.test", "Shop.test"]);
        for i in 0..5 {
            world.now = begin.plus_seconds(i * HOUR);
            let cx = world.context();
            LEDGER.check(&cx, &set, false).unwrap();
            assert_eq!(LEDGER.intend(&cx, &i.to_string(), &set, false).unwrap(), Known::New);
            LEDGER.issued(&cx, &i.to_string()).unwrap();
            LEDGER.issued(&cx, &i.to_string()).unwrap();
        }
        let cx = world.context();
        let other_spelling = names(&["SHOP.test", "www.shop.test"]);
        let error = LEDGER.check(&cx, &other_spelling, false).unwrap_err();
        assert_eq!(error.id(), ErrorId::PolicyRefused);
        assert!(error.message().contains(&begin.plus_seconds(WEEK).to_string()), "{error}");
        LEDGER.check(&cx, &names(&["shop.test"]), false).unwrap();
        LEDGER.check(&cx, &set, true).unwrap();
        Ledger { limits: AcmeLimits::NONE, ..LEDGER }.check(&cx, &set, false).unwrap();
        Ledger { authority: r"other\ca", ..LEDGER }.check(&cx, &set, false).unwrap();
        world.now = begin.plus_seconds(WEEK);
        LEDGER.check(&world.context(), &set, false).unwrap();
    }

    #[test]
    fn five_failures_of_a_name_hold_every_set_with_it_back_for_an_hour() {
        let mut world = World::new();
        let name = Identifier { kind: "dns".into(), value: "bad.shop.test".into() };
        for _ in 0..5 {
            LEDGER.check(&world.context(), &names(&["bad.shop.test"]), false).unwrap();
            LEDGER.failed(&world.context(), &[&name]).unwrap();
        }
        let set = names(&["good.shop.test", "BAD.shop.test"]);
        assert_eq!(LEDGER.check(&world.context(), &set, true).unwrap_err().target(), Some("bad.shop.test"));
        let wildcard = names(&["*.bad.shop.test"]);
        assert_eq!(LEDGER.check(&world.context(), &wildcard, false).unwrap_err().target(), Some("*.bad.shop.test"));
        LEDGER.check(&world.context(), &names(&["good.shop.test"]), false).unwrap();
        world.now = world.now.plus_seconds(HOUR);
        LEDGER.check(&world.context(), &set, false).unwrap();
    }

    #[test]
    fn orders_are_found_again_and_refused_ones_do_not_count() {
        let world = World::new();
        let cx = world.context();
        let set = names(&["shop.test"]);
        assert_eq!(LEDGER.intend(&cx, "a", &set, false).unwrap(), Known::New);
        assert_eq!(LEDGER.intend(&cx, "a", &set, false).unwrap(), Known::Begun);
        LEDGER.ordered(&cx, "a", "https://ca.test/1", false).unwrap();
        assert_eq!(LEDGER.intend(&cx, "a", &set, false).unwrap(), Known::Ordered("https://ca.test/1".into()));
        assert_eq!(LEDGER.orders(&cx).unwrap(), ["https://ca.test/1"]);
        LEDGER.intend(&cx, "b", &set, false).unwrap();
        LEDGER.forget(&cx, "b").unwrap();
        let one = Ledger { limits: AcmeLimits { orders_per_3h: Some(2), ..AcmeLimits::NONE }, ..LEDGER };
        one.check(&cx, &set, false).unwrap();
        LEDGER.intend(&cx, "c", &set, false).unwrap();
        assert_eq!(one.check(&cx, &set, false).unwrap_err().id(), ErrorId::PolicyRefused);
    }
}
