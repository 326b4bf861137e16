//! `dns-01`: a TXT record, set and cleared by the operator's commands (RFC 8555 section 8.4).

use std::time::{Duration, Instant};

use super::resolver::Resolver;
use super::{Chosen, DnsMethod};
use crate::ca::Context;
use crate::ca::acme::jose::{AccountKey, base64url, sha256};
use crate::ca::acme::wire::rest;
use crate::error::{Error, ErrorId, ExitCode, Result};

/// The first and the longest wait between two looks at the name servers.
const LOOKS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// A record that shows control over a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextRecord {
    /// `_acme-challenge.…` without a final dot.
    pub(super) name: String,
    pub(super) value: String,
}

impl TextRecord {
    pub(super) fn of(chosen: &Chosen, key: &AccountKey) -> Self {
        let name = chosen.name.value.strip_prefix("*.").unwrap_or(&chosen.name.value);
        Self {
            name: format!("_acme-challenge.{name}"),
            value: base64url(&sha256(key.key_authorization(&chosen.token).as_bytes())),
        }
    }

    /// # Errors
    /// `StepFailed` with the command's last words.
    pub(super) fn set(&self, method: &DnsMethod) -> Result<()> {
        (method.run)(&self.filled(&method.set)).map_err(|why| {
            Error::new(ErrorId::StepFailed, format!("the TXT record of `{}` was not set: {why}", self.name))
                .about(self.name.clone())
                .hint("see the command `set` of `challenge` in `certlet.toml`")
                .exits(ExitCode::Failed)
        })
    }

    /// A record that stays behind harms nobody: its value is good for one order.
    pub(super) fn clear(&self, method: &DnsMethod) {
        let _ = (method.run)(&self.filled(&method.clear));
    }

    fn filled(&self, words: &[String]) -> Vec<String> {
        words.iter().map(|w| w.replace("{name}", &self.name).replace("{value}", &self.value)).collect()
    }
}

/// Waits until the name servers answer with every record: an authority that looks too early counts a failure.
///
/// # Errors
/// `StepFailed`, `Interrupted`.
pub(super) fn wait(method: &DnsMethod, records: &[TextRecord], cx: &Context<'_>) -> Result<()> {
    let resolver = Resolver::new(method.resolver);
    let end = Instant::now() + method.wait;
    let [mut pause, longest] = LOOKS;
    let mut open: Vec<&TextRecord> = records.iter().collect();
    loop {
        let mut last = String::new();
        open.retain(|record| match resolver.has_text(&record.name, &record.value, cx.cancelled) {
            Ok(()) => false,
            Err(why) => {
                last = why;
                true
            }
        });
        let Some(record) = open.first() else { return Ok(()) };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let seconds = method.wait.as_secs();
            let message = format!("after {seconds} s `{}` does not show the record that was set: {last}", record.name);
            let error = Error::new(ErrorId::StepFailed, message).about(record.name.clone()).exits(ExitCode::Failed);
            // A wildcard and the name that it stands below are shown under one name.
            let error = match records.iter().filter(|r| r.name == record.name).count() {
                0 | 1 => error,
                many => {
                    error.hint(format!("{many} values stand under that name: `set` has to add one, not to replace it"))
                }
            };
            return Err(error.hint("see the command `set` of `challenge`, and give it more time with `wait = \"10m\"`"));
        }
        rest(pause.min(left), cx.cancelled)?;
        pause = (pause * 2).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::acme::order::Identifier;
    use crate::model::KeyAlgorithm;
    use crate::x509::PrivateKey;

    #[test]
    fn words_are_filled_in_and_no_shell_sees_them() {
        let key = AccountKey::of(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).unwrap();
        let chosen = Chosen {
            authorization: String::new(),
            challenge: String::new(),
            name: Identifier { kind: "dns".into(), value: "*.shop.test".into() },
            token: "tok".into(),
        };
        let record = TextRecord::of(&chosen, &key);
        assert_eq!(record.name, "_acme-challenge.shop.test");
        assert_eq!(record.value.len(), 43);
        let words = ["./set".to_owned(), "--{name}={value}; rm".to_owned()];
        let expected = ["./set".to_owned(), format!("--{}={}; rm", record.name, record.value)];
        assert_eq!(record.filled(&words), expected);
    }
}
