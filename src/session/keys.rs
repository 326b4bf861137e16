//! Private keys at rest: sealed under the store secret, opened when something must be signed or deployed.

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::ca::KeyStore;
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyId, Moment, Secret, hex};
use crate::state::{KeyRow, Row, RowKey, Sealed, State, Write};
use crate::x509::{PrivateKey, Signer, StoreSecret};

const SETTING: &str = "store-secret";
/// Before the hexadecimal digits of a secret that a passphrase wraps.
const WRAPPED: &str = "wrapped:";
/// Before those of one that only the file's mode protects.
const PLAIN: &str = "plain:";

/// Gives the passphrase of the store when it is first needed; `None` where there is none (file mode).
pub(super) type Passphrase = dyn Fn() -> Result<Option<Secret>> + Send + Sync;

/// The keys of one state, sealed under one random secret that the passphrase wraps.
pub(crate) struct Keys {
    state: Arc<dyn State>,
    passphrase: Box<Passphrase>,
    secret: Mutex<Option<Arc<StoreSecret>>>,
}

impl Keys {
    /// The keys of a state; nothing is derived or read before a key is needed.
    pub(crate) fn new(state: Arc<dyn State>, passphrase: Box<Passphrase>) -> Self {
        Self { state, passphrase, secret: Mutex::new(None) }
    }

    /// The store secret: made on first use, unwrapped once per process.
    fn secret(&self) -> Result<Arc<StoreSecret>> {
        if let Some(secret) = self.secret.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(secret);
        }
        let passphrase = (self.passphrase)()?;
        let secret = Arc::new(match self.setting()? {
            Some(kept) => {
                let secret = unwrap(&kept, passphrase.as_ref())?;
                if let (true, Some(passphrase)) = (kept.starts_with(PLAIN), &passphrase) {
                    self.wrap_at_last(kept, &secret, passphrase)?;
                }
                secret
            }
            None => self.make(passphrase.as_ref())?,
        });
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&secret));
        Ok(secret)
    }

    fn setting(&self) -> Result<Option<String>> {
        match self.state.row(&RowKey::Setting(SETTING.into()))? {
            Some(Row::Setting(text)) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// A passphrase was configured after the secret was made: from now on it is needed.
    fn wrap_at_last(&self, kept: String, secret: &StoreSecret, passphrase: &Secret) -> Result<()> {
        let wrapped = Row::Setting(format!("{WRAPPED}{}", hex::upper(&secret.wrap(passphrase)?)));
        let write = Write::replace(RowKey::Setting(SETTING.into()), Some(Row::Setting(kept)), Some(wrapped));
        match self.state.write(&[write]) {
            // Another process was first.
            Err(error) if error.id() == ErrorId::PlanStale => Ok(()),
            other => other,
        }
    }

    fn make(&self, passphrase: Option<&Secret>) -> Result<StoreSecret> {
        let secret = StoreSecret::generate()?;
        let row = Row::Setting(match passphrase {
            Some(passphrase) => format!("{WRAPPED}{}", hex::upper(&secret.wrap(passphrase)?)),
            None => format!("{PLAIN}{}", hex::upper(secret.as_bytes())),
        });
        match self.state.write(&[Write::insert(RowKey::Setting(SETTING.into()), row)]) {
            Ok(()) => Ok(secret),
            // Another process was first: its secret is the store's.
            Err(error) if error.id() == ErrorId::PlanStale => {
                let kept = self.setting()?.ok_or(error)?;
                unwrap(&kept, passphrase)
            }
            Err(error) => Err(error),
        }
    }
}

fn unwrap(kept: &str, passphrase: Option<&Secret>) -> Result<StoreSecret> {
    let damaged = || Error::new(ErrorId::StoreLocked, "the store secret in the state is damaged");
    if let Some(plain) = kept.strip_prefix(PLAIN) {
        return StoreSecret::from_bytes(&Zeroizing::new(hex::read(plain).ok_or_else(damaged)?));
    }
    let wrapped = kept.strip_prefix(WRAPPED).and_then(hex::read).ok_or_else(damaged)?;
    let passphrase = passphrase.ok_or_else(|| {
        Error::new(ErrorId::StoreLocked, "the private keys are sealed with a passphrase, and none is configured")
    })?;
    StoreSecret::unwrap(&wrapped, passphrase)
}

impl KeyStore for Keys {
    fn open(&self, key: &KeyId) -> Result<PrivateKey> {
        let Some(Row::Key(row)) = self.state.row(&RowKey::Key(*key))? else {
            return Err(Error::new(ErrorId::NoPrivateKey, "the private key is not stored here").about(key.to_string()));
        };
        self.secret()?.open_key(&row.sealed.0, *key)
    }

    fn seal(&self, key: &PrivateKey, exportable: bool, now: Moment) -> Result<Write> {
        let row =
            KeyRow { sealed: Sealed(self.secret()?.seal_key(key)?), exportable, added: now, quarantined_until: None };
        Ok(Write::put(RowKey::Key(key.key_id()), Row::Key(row)))
    }

    fn seal_bytes(&self, context: &str, bytes: &[u8]) -> Result<Sealed> {
        self.secret()?.seal_bytes(context, bytes).map(Sealed)
    }

    fn open_bytes(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
        self.secret()?.open_bytes(context, &sealed.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyAlgorithm;
    use crate::state::MemoryState;

    fn keys(state: &Arc<dyn State>, passphrase: Option<&'static str>) -> Keys {
        Keys::new(Arc::clone(state), Box::new(move || Ok(passphrase.map(Secret::from))))
    }

    #[test]
    fn a_passphrase_that_comes_later_is_needed_from_then_on() {
        let state: Arc<dyn State> = Arc::new(MemoryState::new());
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let write = keys(&state, None).seal(&key, false, Moment::from_unix(0)).unwrap();
        state.write(&[write]).unwrap();
        assert!(keys(&state, Some("sesame")).open(&key.key_id()).is_ok());
        for wrong in [None, Some("simsim")] {
            assert_eq!(keys(&state, wrong).open(&key.key_id()).unwrap_err().id(), ErrorId::StoreLocked);
        }
        assert!(keys(&state, Some("sesame")).open(&key.key_id()).is_ok());
    }
}
