//! Accounts: made at first use, key stored before the server is asked, found again afterwards (RFC 8555 section 7.3).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::jose::{AccountKey, From, read_base64url};
use super::wire::{Call, Failure, Wire, unreadable};
use super::{AcmeSettings, memory};
use crate::ca::Context;
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyAlgorithm, KeyId};
use crate::x509::{PrivateKey, Signer};

/// An account that can be used.
pub(super) struct Account {
    pub(super) key: AccountKey,
    /// Its address, which names it in messages.
    pub(super) url: String,
}

/// What is remembered of an account.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The key, which lies sealed among the others.
    pub(super) key: Option<KeyId>,
    /// The address; none before the server has answered.
    pub(super) url: Option<String>,
    /// The contacts that the server was last told.
    #[serde(default)]
    contact: Vec<String>,
    /// Where accounts were opened then: a server that has moved gives its accounts other addresses.
    #[serde(default)]
    opened_at: Option<String>,
}

impl Remembered {
    /// What is remembered of the account that these settings mean.
    ///
    /// # Errors
    /// Those of the state.
    pub(super) fn of(settings: &AcmeSettings, cx: &Context<'_>) -> Result<Self> {
        memory::read(cx.state, &setting(settings))
    }
}

/// Another directory, or another key from the authority's operator, is another account.
fn setting(settings: &AcmeSettings) -> String {
    let binding = settings.external_account.as_ref().map_or("", |(key_id, _)| key_id.as_str());
    format!("acme-account:{}|{}|{binding}", settings.config.to_ascii_lowercase(), settings.directory)
}

impl Account {
    /// The account of these settings; it is made where there is none, and told of new contacts.
    ///
    /// The key is durable before the server hears of it; a crash in between makes no second account, because the server
    /// answers the same key with the same account (RFC 8555 section 7.3).
    ///
    /// # Errors
    /// `CaAccessDenied` when the server wants no such account, `CaUnreachable`, `StoreLocked`.
    pub(super) fn open(settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>) -> Result<Self> {
        let remembered = Remembered::of(settings, cx)?;
        let id = match remembered.key {
            Some(id) => id,
            None => make_key(settings, cx)?,
        };
        let key = AccountKey::of(&cx.keys.open(&id)?)?;
        let has_moved = remembered.opened_at.as_ref().is_some_and(|at| *at != wire.directory.new_account);
        let Some(url) = remembered.url.filter(|_| !has_moved) else {
            // The same key is answered with the same account.
            return Ok(Self { url: register(settings, wire, cx, &key)?, key });
        };
        let account = Self { key, url };
        if remembered.contact != settings.contact {
            account.tell_contact(settings, wire, cx)?;
        }
        Ok(account)
    }

    /// Whether the server has closed the account (RFC 8555 section 7.3.6); it is forgotten then, so that the next request
    /// opens another one.
    ///
    /// # Errors
    /// Those of the state, and of a server that does not say.
    pub(super) fn is_closed(&self, settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>) -> Result<bool, Failure> {
        match existing(wire, cx, &self.key) {
            Ok(()) => return Ok(false),
            Err(Failure::Refused(_, problem)) if problem.word() == "unauthorized" => {}
            Err(failure) => return Err(failure),
        }
        memory::change(cx.state, &setting(settings), |remembered: &mut Remembered| {
            *remembered = Remembered::default();
            Ok(((), Vec::new()))
        })?;
        Ok(true)
    }

    /// Registers the remembered key anew, because the server has forgotten it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub(super) fn renew(&mut self, settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>) -> Result<()> {
        self.url = register(settings, wire, cx, &self.key)?;
        Ok(())
    }

    fn tell_contact(&self, settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>) -> Result<()> {
        let payload = json!({"contact": settings.contact});
        wire.post(&self.key, From::Account(&self.url), &self.url, Some(&payload), &Call::of(cx))
            .map_err(|e| e.error(&settings.config, "take the contacts of the account"))?;
        remember(settings, wire, cx, &self.url)
    }
}

fn make_key(settings: &AcmeSettings, cx: &Context<'_>) -> Result<KeyId> {
    memory::change(cx.state, &setting(settings), |remembered: &mut Remembered| {
        if let Some(id) = remembered.key {
            return Ok((id, Vec::new()));
        }
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        remembered.key = Some(key.key_id());
        Ok((key.key_id(), vec![cx.keys.seal(&key, false, cx.now)?]))
    })
}

fn register(settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>, key: &AccountKey) -> Result<String> {
    let url = &wire.directory.new_account;
    // Who declares the authority agrees to its terms; `Test-CertificationAuthority` shows where they are.
    let mut payload = json!({"termsOfServiceAgreed": true});
    if !settings.contact.is_empty() {
        payload["contact"] = json!(settings.contact);
    }
    if let Some((key_id, secret)) = &settings.external_account {
        let secret = secret.resolve()?;
        let secret = read_base64url(secret.expose()).filter(|s| !s.is_empty()).ok_or_else(|| {
            Error::new(ErrorId::ConfigInvalid, "the `hmac` of `external_account` is not base64url")
                .about(settings.config.clone())
        })?;
        payload["externalAccountBinding"] = key.bind(url, key_id, &secret);
    } else if wire.directory.meta.external_account_required {
        return Err(needs_binding(settings));
    }
    let reply = match wire.post(key, From::Key, url, Some(&payload), &Call::of(cx)) {
        Ok(reply) => reply,
        Err(failure) => {
            let error = failure.error(&settings.config, "open an account");
            // Whatever is wrong with an account, nobody gets in.
            return Err(match error.id() {
                ErrorId::RequestDenied => Error::new(ErrorId::CaAccessDenied, error.message())
                    .about(settings.config.clone())
                    .hint("see `contact` and `external_account` of its `[[ca]]` in `certlet.toml`"),
                _ => error,
            });
        }
    };
    let address = wire.whole(reply.header("location").ok_or_else(|| unreadable(url, "it names no account"))?);
    remember(settings, wire, cx, &address)?;
    Ok(address)
}

/// The server opens accounts only for those whom it knows from elsewhere.
pub(super) fn needs_binding(settings: &AcmeSettings) -> Error {
    Error::new(ErrorId::CaAccessDenied, format!("`{}` wants accounts to be bound to one of its own", settings.config))
        .about(settings.config.clone())
        .hint("give the key that the authority handed out: `external_account = { key_id = …, hmac = … }`")
}

fn remember(settings: &AcmeSettings, wire: &Wire, cx: &Context<'_>, url: &str) -> Result<()> {
    memory::change(cx.state, &setting(settings), |remembered: &mut Remembered| {
        remembered.url = Some(url.to_owned());
        remembered.opened_at = Some(wire.directory.new_account.clone());
        remembered.contact.clone_from(&settings.contact);
        Ok(((), Vec::new()))
    })
}

/// Whether the server still knows the remembered account; asks, and makes nothing (RFC 8555 section 7.3.1).
///
/// # Errors
/// `CaUnreachable`, `StoreLocked`.
pub(super) fn is_known(wire: &Wire, cx: &Context<'_>, id: &KeyId) -> Result<bool, Failure> {
    match existing(wire, cx, &AccountKey::of(&cx.keys.open(id)?)?) {
        Ok(()) => Ok(true),
        Err(Failure::Refused(_, problem)) if problem.word() == "accountDoesNotExist" => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn existing(wire: &Wire, cx: &Context<'_>, key: &AccountKey) -> Result<(), Failure> {
    let payload = json!({"onlyReturnExisting": true});
    wire.post(key, From::Key, &wire.directory.new_account, Some(&payload), &Call::of(cx)).map(drop)
}

/// Loses the address, as a crash after the server's answer does.
#[cfg(test)]
pub(super) fn forget_address(settings: &AcmeSettings, cx: &Context<'_>) {
    let forget = |remembered: &mut Remembered| {
        remembered.url = None;
        Ok(((), Vec::new()))
    };
    memory::change(cx.state, &setting(settings), forget).unwrap();
}
