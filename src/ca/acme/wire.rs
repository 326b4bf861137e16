//! The conversation with an ACME server: directory, nonces, signed requests, problems (RFC 8555 section 6).

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jose::{AccountKey, From};
use crate::ca::Context;
use crate::ca::http::{Client, Reply, interrupted};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Zone};

/// How often a message is signed anew because the server did not like its nonce (RFC 8555 section 6.5).
///
/// A server that refuses every second nonce lets one message in 16,000 fail.
const NONCE_TRIES: u32 = 14;
/// How long a busy server is waited for within one call; what takes longer is for later.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a busy server is asked again within one call.
const BUSY_TRIES: u32 = 3;
/// The longest time for which a server's word to come back later is believed, in seconds.
const LONGEST: i64 = 7 * 24 * 3600;
/// How long one wait lasts before it is looked whether the run is to end.
const SLICE: Duration = Duration::from_millis(50);

/// What a server offers (RFC 8555 section 7.1.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    pub(super) revoke_cert: Option<String>,
    /// Renewal information (RFC 9773 section 3).
    pub(super) renewal_info: Option<String>,
    #[serde(default)]
    pub(super) meta: Meta,
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) terms_of_service: Option<String>,
    pub(super) external_account_required: bool,
    /// Profile names and what they mean (draft-ietf-acme-profiles).
    pub(super) profiles: std::collections::BTreeMap<String, Value>,
}

/// The word of a failure that is the server's own, or of somebody in between.
pub(super) const INTERNAL: &str = "serverInternal";

/// What a server complains of (RFC 7807, RFC 8555 section 6.7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) detail: String,
    pub(super) subproblems: Vec<Subproblem>,
    /// Where a person has to look.
    pub(super) instance: Option<String>,
}

/// One of several complaints, about one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Subproblem {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) detail: String,
    pub(super) identifier: Option<super::order::Identifier>,
}

impl Problem {
    /// `rateLimited` of `urn:ietf:params:acme:error:rateLimited`.
    pub(super) fn word(&self) -> &str {
        self.kind.rsplit(':').next().unwrap_or_default()
    }

    /// The complaint as one line without control characters: it comes from outside.
    pub(super) fn line(&self) -> String {
        let mut text = self.detail.clone();
        for sub in &self.subproblems {
            let name = sub.identifier.as_ref().map_or("", |i| i.value.as_str());
            let _ = write!(text, "; {name}: {}", sub.detail);
        }
        if text.is_empty() {
            self.word().clone_into(&mut text);
        } else if !self.word().is_empty() {
            let _ = write!(text, " ({})", self.word());
        }
        printable(&text)
    }
}

/// A text of the server's, fit to be shown: one line, at most 600 characters.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(600).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused, with its status code.
    Refused(u16, Problem),
    /// The server is busy and names a moment.
    Later(Moment, Problem),
    /// There was no answer, or none that can be read.
    Broken(Error),
}

impl std::convert::From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl Failure {
    /// The error for an operator; `doing` completes "… refused to".
    pub(super) fn error(self, authority: &str, doing: &str) -> Error {
        match self {
            Self::Broken(error) => error,
            Self::Later(at, problem) => Error::new(
                ErrorId::CaUnreachable,
                format!("`{authority}` takes no more requests before {at}: {}", problem.line()),
            )
            .about(authority),
            Self::Refused(500.., problem) => {
                let message = format!("`{authority}` failed to {doing}: {}", problem.line());
                Error::new(ErrorId::CaUnreachable, message).about(authority)
            }
            Self::Refused(_, problem) => refusal(authority, doing, &problem),
        }
    }
}

/// The error of a refusal.
pub(super) fn refusal(authority: &str, doing: &str, problem: &Problem) -> Error {
    let id = match problem.word() {
        "unauthorized" | "externalAccountRequired" | "userActionRequired" | "accountDoesNotExist" => {
            ErrorId::CaAccessDenied
        }
        INTERNAL | "badNonce" => ErrorId::CaUnreachable,
        _ => ErrorId::RequestDenied,
    };
    let error =
        Error::new(id, format!("`{authority}` refused to {doing}: {}", problem.line())).about(authority.to_owned());
    match (problem.word(), &problem.instance) {
        ("externalAccountRequired", _) => {
            error.hint("give the key that the authority handed out: `external_account = { key_id = …, hmac = … }`")
        }
        ("userActionRequired", Some(page)) => error.hint(format!("a person has to look at {}", printable(page))),
        ("connection" | "dns" | "incorrectResponse" | "tls", _) => {
            error.hint("the authority looked from outside: see that the name leads here and that the port is open")
        }
        ("caa", _) => error.hint("the CAA records of the domain name other authorities"),
        _ => error,
    }
}

/// An open conversation with one server.
pub(super) struct Wire {
    client: Client,
    /// Scheme and host of the directory: some servers leave both out of their addresses.
    origin: String,
    pub(super) directory: Directory,
    /// Unused nonces, newest last.
    nonces: Mutex<Vec<String>>,
    /// What the server's clock said, and ours.
    pub(super) date: Option<Moment>,
    pub(super) since: Instant,
}

impl Wire {
    /// Reads the directory.
    ///
    /// # Errors
    /// `CaUnreachable`, `Interrupted`.
    pub(super) fn open(client: Client, url: &str, cancelled: &dyn Fn() -> bool) -> Result<Self> {
        let reply = client.get(url, &[], cancelled)?;
        let unfit = |why: String| {
            Error::new(ErrorId::CaUnreachable, format!("`{url}` is no directory of an ACME server: {why}"))
                .about(url.to_owned())
                .hint("see `directory` of its `[[ca]]` in `certlet.toml`")
        };
        if reply.status != 200 {
            return Err(unfit(format!("it answers with status {}", reply.status)));
        }
        let date = reply.header("date").and_then(http_date);
        let directory = serde_json::from_slice(&reply.body).map_err(|e| unfit(e.to_string()))?;
        let origin = origin(url).to_owned();
        Ok(Self { client, origin, directory, nonces: Mutex::default(), date, since: Instant::now() })
    }

    /// An address with scheme and host (RFC 3986 section 4.2).
    pub(super) fn whole(&self, address: &str) -> String {
        if address.starts_with('/') && !address.starts_with("//") {
            return format!("{}{address}", self.origin);
        }
        address.to_owned()
    }

    /// Asks for what is at an address, signed (RFC 8555 section 6.3).
    pub(super) fn fetch<T: DeserializeOwned>(
        &self,
        key: &AccountKey,
        account: &str,
        url: &str,
        call: &Call<'_>,
    ) -> Result<(T, Reply), Failure> {
        let reply = self.post(key, From::Account(account), url, None, call)?;
        Ok((json(url, &reply)?, reply))
    }

    /// Sends a signed message; `None` asks for what is there.
    pub(super) fn post(
        &self,
        key: &AccountKey,
        from: From<'_>,
        url: &str,
        payload: Option<&Value>,
        call: &Call<'_>,
    ) -> Result<Reply, Failure> {
        let url = &self.whole(url);
        let payload = payload.map_or_else(String::new, Value::to_string);
        let (mut nonce_tries, mut busy_tries) = (0, 0);
        loop {
            let nonce = self.nonce(call)?;
            let body = key.sign(from, &nonce, url, &payload)?;
            let headers = [("content-type", "application/jose+json")];
            let reply = self.client.post(url, &headers, body, call.cancelled)?;
            self.keep_nonce(&reply);
            if (200..300).contains(&reply.status) && !is_problem(&reply) {
                return Ok(reply);
            }
            let problem = problem(&reply);
            if problem.word() == "badNonce" && nonce_tries < NONCE_TRIES {
                nonce_tries += 1;
                continue;
            }
            if matches!(reply.status, 429 | 503) || problem.word() == "rateLimited" {
                // A moment that is over says nothing.
                let at = retry_after(&reply, call.now).filter(|at| *at > call.now);
                let wait = at.map_or(1, |at| at.since(call.now)).max(0).unsigned_abs();
                if busy_tries < BUSY_TRIES && Duration::from_secs(wait) <= PATIENCE {
                    busy_tries += 1;
                    rest(Duration::from_secs(wait.max(1)), call.cancelled)?;
                    continue;
                }
                let at = at.unwrap_or_else(|| call.now.plus_seconds(60)).min(call.now.plus_seconds(LONGEST));
                return Err(Failure::Later(at, problem));
            }
            return Err(Failure::Refused(reply.status, problem));
        }
    }

    /// Asks without a signature.
    pub(super) fn get(&self, url: &str, call: &Call<'_>) -> Result<Reply> {
        self.client.get(url, &[], call.cancelled)
    }

    fn nonce(&self, call: &Call<'_>) -> Result<String, Failure> {
        let kept = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(nonce) = kept {
            return Ok(nonce);
        }
        let url = &self.directory.new_nonce;
        let reply = self.client.head(url, call.cancelled)?;
        reply.header("replay-nonce").map(ToOwned::to_owned).ok_or_else(|| unreadable(url, "it gives no nonce").into())
    }

    fn keep_nonce(&self, reply: &Reply) {
        if let Some(nonce) = reply.header("replay-nonce") {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            // Old ones run out at the server: a few are enough.
            if nonces.len() >= 4 {
                nonces.remove(0);
            }
            nonces.push(nonce.to_owned());
        }
    }
}

/// The moment of a call, and whether the run is to end.
pub(super) struct Call<'a> {
    pub(super) now: Moment,
    pub(super) cancelled: &'a dyn Fn() -> bool,
}

impl<'a> Call<'a> {
    pub(super) fn of(cx: &'a Context<'_>) -> Self {
        Self { now: cx.now, cancelled: cx.cancelled }
    }
}

/// Reads the JSON of an answer.
pub(super) fn json<T: DeserializeOwned>(url: &str, reply: &Reply) -> Result<T> {
    serde_json::from_slice(&reply.body).map_err(|e| unreadable(url, &e.to_string()))
}

/// An answer that makes no sense.
pub(super) fn unreadable(url: &str, why: &str) -> Error {
    Error::new(ErrorId::CaUnreachable, format!("the answer of `{url}` cannot be used: {why}")).about(url.to_owned())
}

/// Scheme and host of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

/// Whether an answer says of itself that it is a complaint (RFC 7807 section 3), whatever its status is.
fn is_problem(reply: &Reply) -> bool {
    let kind = reply.header("content-type").unwrap_or_default().trim_start().to_ascii_lowercase();
    kind.starts_with("application/problem+json")
}

/// What an answer complains of.
///
/// Servers of ACME send a nonce with each answer (RFC 8555 section 6.5). What has neither a nonce nor a problem is the page
/// of a proxy or of a server that is being moved: it says nothing of the order, and the server is asked again.
fn problem(reply: &Reply) -> Problem {
    let said = serde_json::from_slice::<Problem>(&reply.body).ok().or_else(|| {
        // One of its other members is not what it should be.
        let loose: Value = serde_json::from_slice(&reply.body).ok()?;
        let text = |name: &str| loose.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        loose.is_object().then(|| Problem { kind: text("type"), detail: text("detail"), ..Problem::default() })
    });
    let is_the_servers = reply.header("replay-nonce").is_some() && (400..500).contains(&reply.status);
    match said {
        Some(problem) if is_the_servers || !problem.kind.is_empty() => problem,
        _ => Problem {
            kind: if is_the_servers { String::new() } else { INTERNAL.to_owned() },
            detail: format!("status {}", reply.status),
            ..Problem::default()
        },
    }
}

/// When the server wants to be asked again (RFC 9110 section 10.2.3): seconds or a date.
pub(super) fn retry_after(reply: &Reply, now: Moment) -> Option<Moment> {
    let text = reply.header("retry-after")?.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(now.plus_seconds(i64::from(seconds))),
        Err(_) => http_date(text),
    }
}

/// The addresses of `Link` headers with a relation (RFC 8288); ACME servers write one link in each header or several.
pub(super) fn links(reply: &Reply, relation: &str) -> Vec<String> {
    let values = reply.headers.iter().filter(|(name, _)| name == "link").map(|(_, value)| value);
    let mut found = Vec::new();
    for link in values.flat_map(|value| value.split(',')) {
        let Some((address, parameters)) = link.trim().strip_prefix('<').and_then(|l| l.split_once('>')) else {
            continue;
        };
        let fits = |p: &str| {
            p.trim().split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case(relation)
            })
        };
        if parameters.split(';').any(fits) {
            found.push(address.to_owned());
        }
    }
    found
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
pub(super) fn http_date(text: &str) -> Option<Moment> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|m| m == month)? + 1;
    Moment::parse(&format!("{year}-{month:02}-{day}T{time}Z"), &Zone::utc()).ok()
}

/// Waits, and looks in between whether the run is to end.
///
/// # Errors
/// `Interrupted`.
pub(super) fn rest(time: Duration, cancelled: &dyn Fn() -> bool) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        if cancelled() {
            return Err(interrupted());
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&str, &str)]) -> Reply {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Reply { status: 200, headers, body: Vec::new() }
    }

    #[test]
    fn moments_of_headers() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().unix(), 784_111_777);
        for bad in
            ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"]
        {
            assert!(http_date(bad).is_none(), "{bad}");
        }
        let now = Moment::from_unix(1000);
        assert_eq!(retry_after(&reply(&[("retry-after", " 30 ")]), now), Some(Moment::from_unix(1030)));
        assert_eq!(retry_after(&reply(&[("retry-after", "-3")]), now), None);
        assert_eq!(retry_after(&reply(&[]), now), None);
    }

    #[test]
    fn only_the_server_itself_refuses() {
        let said = |status, headers: &[(&str, &str)], body: &str| {
            problem(&Reply { status, body: body.as_bytes().to_vec(), ..reply(headers) }).word().to_owned()
        };
        let nonce = [("replay-nonce", "n")];
        let dropped = r#"{"type":"urn:ietf:params:acme:error:malformed","detail":"gone"}"#;
        assert_eq!(said(404, &[], dropped), "malformed");
        assert_eq!(said(404, &nonce, ""), "");
        assert_eq!(said(400, &nonce, r#"{"detail":"so"}"#), "");
        let odd = r#"{"type":"urn:ietf:params:acme:error:caa","subproblems":null,"instance":7}"#;
        assert_eq!(said(403, &nonce, odd), "caa");
        for (status, headers, body) in [
            (404, &[][..], "<html>no such page</html>"),
            (403, &[], ""),
            (403, &[], "{}"),
            (302, &nonce, ""),
            (502, &nonce, "<html>"),
        ] {
            assert_eq!(said(status, headers, body), INTERNAL, "{status} {body}");
        }
    }

    #[test]
    fn an_origin_is_scheme_and_host() {
        for (url, expected) in [
            ("https://ca.test/dir", "https://ca.test"),
            ("https://ca.test:14000/a/b?c=/d", "https://ca.test:14000"),
            ("https://[::1]:14000/dir", "https://[::1]:14000"),
            ("https://ca.test", "https://ca.test"),
            ("", ""),
        ] {
            assert_eq!(origin(url), expected);
        }
    }

    #[test]
    fn links_by_relation() {
        let reply = reply(&[
            ("link", "<https://ca.test/dir>;rel=\"index\""),
            ("link", "<https://ca.test/1>; rel=\"alternate\", <https://ca.test/2>;title=x;REL=alternate"),
            ("link", "nonsense, <broken"),
        ]);
        assert_eq!(links(&reply, "alternate"), ["https://ca.test/1", "https://ca.test/2"]);
        assert!(links(&reply, "next").is_empty());
    }

    #[test]
    fn what_a_server_says_is_one_line() {
        let problem = Problem {
            kind: "urn:ietf:params:acme:error:dns".into(),
            detail: "a\n\x1b[31mb".into(),
            ..Problem::default()
        };
        assert_eq!(problem.line(), "a  [31mb (dns)");
        assert_eq!(refusal("x\\y", "validate", &problem).id(), ErrorId::RequestDenied);
    }
}
