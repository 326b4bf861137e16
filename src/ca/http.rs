//! HTTPS for authorities across a wire: each request ends within its time, in an answer of bounded size or an error.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ureq::http::{Method, Request};
use ureq::tls::{RootCerts, TlsConfig};

use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;

/// The largest body that is read: chains, revocation lists and pages are far below.
pub(in crate::ca) const MAX_BODY: u64 = 4 << 20;
/// How often it is looked whether the run is to end.
const SLICE: Duration = Duration::from_millis(50);
const USER_AGENT: &str = concat!("certlet/", env!("CARGO_PKG_VERSION"));

/// A client that trusts given roots only, speaks `https` only, follows no redirects and knows no proxy or cookie.
#[derive(Clone)]
pub(in crate::ca) struct Client {
    agent: ureq::Agent,
}

/// What a server answered, whatever its status.
#[derive(Debug)]
pub(in crate::ca) struct Reply {
    /// The status code.
    pub(in crate::ca) status: u16,
    /// The headers in their order, names in lower case.
    pub(in crate::ca) headers: Vec<(String, String)>,
    /// The body.
    pub(in crate::ca) body: Vec<u8>,
}

impl Reply {
    /// The first header of a name, which is in lower case.
    pub(in crate::ca) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// Takes the roots of the server's own TLS, and how long one request may take in all.
    pub(in crate::ca) fn new(roots: &[Certificate], limit: Duration) -> Self {
        let roots: Vec<_> = roots.iter().map(|r| ureq::tls::Certificate::from_der(r.der()).to_owned()).collect();
        // ureq without a provider of its own: ours, as everywhere in this program.
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .timeout_global(Some(limit))
            .build();
        Self { agent: config.new_agent() }
    }

    /// `GET`.
    ///
    /// # Errors
    /// `CaUnreachable` when there is no answer; `Interrupted` when the run is to end.
    pub(in crate::ca) fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        self.send(Method::GET, url, headers, None, cancelled)
    }

    /// `HEAD`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    #[cfg_attr(not(feature = "acme"), expect(dead_code, reason = "only ACME asks for a nonce"))]
    pub(in crate::ca) fn head(&self, url: &str, cancelled: &dyn Fn() -> bool) -> Result<Reply> {
        self.send(Method::HEAD, url, &[], None, cancelled)
    }

    /// `POST`; the content type is among the headers.
    ///
    /// # Errors
    /// Those of [`get`](Self::get). An interrupted request may still be answered at the server.
    pub(in crate::ca) fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        self.send(Method::POST, url, headers, Some(body), cancelled)
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        let mut builder = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let agent = self.agent.clone();
        let talk = move || {
            let outcome = match body {
                Some(body) => builder.body(body).map_err(ureq::Error::from).and_then(|r| read(agent.run(r)?)),
                None => builder.body(()).map_err(ureq::Error::from).and_then(|r| read(agent.run(r)?)),
            };
            outcome.map_err(|e| e.to_string())
        };
        watched(url, cancelled, talk)
    }
}

/// Runs what talks to a server on a thread of its own: a blocking socket does not look whether the run is to end; its
/// time limit ends it.
///
/// # Errors
/// `CaUnreachable` with the words of what went wrong; `Interrupted`.
pub(in crate::ca) fn watched(
    url: &str,
    cancelled: &dyn Fn() -> bool,
    talk: impl FnOnce() -> std::result::Result<Reply, String> + Send + 'static,
) -> Result<Reply> {
    if cancelled() {
        return Err(interrupted());
    }
    let (sender, receiver) = mpsc::channel();
    let run = move || {
        let _ = sender.send(talk());
    };
    thread::Builder::new().name("certlet-http".into()).spawn(run).map_err(|e| silence(url, &e.to_string()))?;
    loop {
        match receiver.recv_timeout(SLICE) {
            Ok(outcome) => return outcome.map_err(|why| silence(url, &why)),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(silence(url, "the request ended early")),
            Err(mpsc::RecvTimeoutError::Timeout) if cancelled() => return Err(interrupted()),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

fn read(response: ureq::http::Response<ureq::Body>) -> Result<Reply, ureq::Error> {
    let (parts, body) = response.into_parts();
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Reply {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.into_with_config().limit(MAX_BODY).read_to_vec()?,
    })
}

/// The end of the run, as every authority across a wire reports it.
pub(in crate::ca) fn interrupted() -> Error {
    Error::new(ErrorId::Interrupted, "the run was ended while the authority was asked")
}

/// No answer; the address is shown without what follows a question mark.
fn silence(url: &str, why: &str) -> Error {
    let shown = url.split('?').next().unwrap_or(url);
    let error = Error::new(ErrorId::CaUnreachable, format!("`{shown}` does not answer: {why}")).about(shown);
    if why.contains("UnknownIssuer") {
        return error.hint("name the file with the root of the server's own TLS in `roots` of its `[[ca]]`");
    }
    error.hint("`Test-CertificationAuthority` looks at what is in the way")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_is_spoken_and_a_silent_server_ends() {
        let client = Client::new(&[], Duration::from_millis(200));
        let plain = client.get("http://127.0.0.1:9/dir", &[], &|| false).unwrap_err();
        assert_eq!(plain.id(), ErrorId::CaUnreachable);
        // Accepts and says nothing.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/dir?secret=1", mute.local_addr().unwrap());
        let error = client.post(&url, &[], b"{}".to_vec(), &|| false).unwrap_err();
        assert_eq!(error.id(), ErrorId::CaUnreachable);
        assert!(!error.message().contains("secret"));
    }

    #[test]
    fn the_end_of_the_run_is_seen_while_a_server_is_silent() {
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/dir", mute.local_addr().unwrap());
        let asked = std::cell::Cell::new(0);
        let cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        let client = Client::new(&[], Duration::from_secs(600));
        assert_eq!(client.get(&url, &[], &cancelled).unwrap_err().id(), ErrorId::Interrupted);
    }
}
