//! Challenges: how control over a name is shown, set before the authority looks and taken away afterwards.

mod dns;
mod dns_01;
mod http_01;
mod resolver;
mod responder;
mod tls_alpn_01;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::AcmeSettings;
use super::jose::AccountKey;
use super::order::Identifier;
use crate::ca::Context;
use crate::error::Result;

/// How control over a name is shown (RFC 8555 section 8, RFC 8737).
#[derive(Clone)]
pub enum AcmeMethod {
    /// `http-01` by a server of our own at this address, `host:port`.
    HttpListen(String),
    /// `http-01` by a file below the root of a server that runs already.
    HttpWebroot(PathBuf),
    /// `tls-alpn-01` by a server of our own at this address, `host:port`.
    TlsAlpn(String),
    /// `dns-01` by commands.
    Dns(DnsMethod),
}

/// Runs a program with its arguments; `Err` says in words why it did not succeed.
pub type RunCommand = Arc<dyn Fn(&[String]) -> Result<(), String> + Send + Sync>;

/// `dns-01` by commands whose words may hold `{name}` and `{value}`.
#[derive(Clone)]
pub struct DnsMethod {
    /// Sets a record.
    pub set: Vec<String>,
    /// Clears it.
    pub clear: Vec<String>,
    /// Runs them: without a shell, in a clean environment, within a time limit.
    pub run: RunCommand,
    /// The one name server to be asked instead of the authoritative ones.
    pub resolver: Option<SocketAddr>,
    /// How long it is waited until the name servers answer with the record.
    pub wait: Duration,
}

impl AcmeMethod {
    /// The challenge's name.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::HttpListen(_) | Self::HttpWebroot(_) => "http-01",
            Self::TlsAlpn(_) => "tls-alpn-01",
            Self::Dns(_) => "dns-01",
        }
    }
}

impl fmt::Debug for AcmeMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// A challenge that is to be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) authorization: String,
    pub(super) challenge: String,
    /// The name without `*.`.
    pub(super) name: Identifier,
    /// What the authority drew: base64url.
    pub(super) token: String,
}

/// Whether a token is what it must be (RFC 8555 section 8.3): it becomes the name of a file.
pub(super) fn is_safe(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= 512
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What shows control over names, until it is dropped.
pub(super) struct Answers {
    responders: Vec<responder::Responder>,
    undo: Vec<Box<dyn Fn()>>,
}

impl Drop for Answers {
    fn drop(&mut self) {
        for undo in &self.undo {
            undo();
        }
    }
}

/// Sets what shows control over the names; it is taken away when the answer is dropped, also when this fails half-way.
///
/// # Errors
/// `EndpointInUse`, `FileNotWritable`, `StepFailed` for a command or when the name servers do not show a record,
/// `Interrupted`.
pub(super) fn answer(
    settings: &AcmeSettings,
    chosen: &[Chosen],
    key: &AccountKey,
    cx: &Context<'_>,
) -> Result<Answers> {
    let mut answers = Answers { responders: Vec::new(), undo: Vec::new() };
    match &settings.challenge {
        AcmeMethod::HttpListen(address) => {
            answers.responders.push(http_01::listen(address, chosen, key, cx)?);
        }
        AcmeMethod::TlsAlpn(address) => {
            answers.responders.push(tls_alpn_01::listen(address, chosen, key, cx)?);
        }
        AcmeMethod::HttpWebroot(root) => {
            for one in chosen {
                let file = http_01::file(root, &one.token);
                http_01::write(root, &file, &key.key_authorization(&one.token))?;
                answers.undo.push(Box::new(move || drop(std::fs::remove_file(&file))));
            }
        }
        AcmeMethod::Dns(method) => {
            let records: Vec<dns_01::TextRecord> = chosen.iter().map(|one| dns_01::TextRecord::of(one, key)).collect();
            for record in &records {
                // Also a command that failed may have set something.
                let (own, set) = (method.clone(), record.clone());
                answers.undo.push(Box::new(move || set.clear(&own)));
                record.set(method)?;
            }
            dns_01::wait(method, &records, cx)?;
        }
    }
    Ok(answers)
}

/// Takes away what an earlier process may have left.
pub(super) fn clear(settings: &AcmeSettings, chosen: &[Chosen], key: &AccountKey) {
    match &settings.challenge {
        AcmeMethod::HttpListen(_) | AcmeMethod::TlsAlpn(_) => {}
        AcmeMethod::HttpWebroot(root) => {
            for one in chosen.iter().filter(|c| is_safe(&c.token)) {
                let _ = std::fs::remove_file(http_01::file(root, &one.token));
            }
        }
        AcmeMethod::Dns(method) => {
            for one in chosen {
                dns_01::TextRecord::of(one, key).clear(method);
            }
        }
    }
}
