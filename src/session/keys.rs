//! Private keys at rest: sealed under the store secret, opened when something must be signed or deployed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ca::KeyStore;
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyId, Moment, Secret};
use crate::state::{KeyRow, Row, RowKey, Sealed, State, Write};
use crate::x509::{PrivateKey, StoreSecret};

const SETTING: &str = "store-secret";

/// Gives the passphrase of the store when it is first needed; `None` where there is none (file mode).
pub type Passphrase = dyn Fn() -> Result<Option<Secret>> + Send + Sync;

/// The keys of one state, sealed under one random secret that the passphrase wraps.
pub struct Keys {
    state: Arc<dyn State>,
    passphrase: Box<Passphrase>,
    secret: Mutex<Option<Arc<StoreSecret>>>,
}

impl Keys {
    /// The keys of a state; nothing is derived or read before a key is needed.
    pub fn new(state: Arc<dyn State>, passphrase: Box<Passphrase>) -> Self {
        Self { state, passphrase, secret: Mutex::new(None) }
    }

    /// The store secret: made on first use, unwrapped once per process.
    fn secret(&self) -> Result<Arc<StoreSecret>> {
        if let Some(secret) = self.secret.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(secret);
        }
        let passphrase = (self.passphrase)()?;
        let secret = Arc::new(match self.setting()? {
            Some(wrapped) => StoreSecret::unwrap(&wrapped, passphrase.as_ref())?,
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

    fn make(&self, passphrase: Option<&Secret>) -> Result<StoreSecret> {
        let secret = StoreSecret::generate()?;
        let row = Row::Setting(secret.wrap(passphrase)?);
        match self.state.write(&[Write::insert(RowKey::Setting(SETTING.into()), row)]) {
            Ok(()) => Ok(secret),
            // Another process was first: its secret is the store's.
            Err(error) if error.id() == ErrorId::PlanStale => {
                let wrapped = self.setting()?.ok_or(error)?;
                StoreSecret::unwrap(&wrapped, passphrase)
            }
            Err(error) => Err(error),
        }
    }
}

impl KeyStore for Keys {
    fn open(&self, key: &KeyId) -> Result<PrivateKey> {
        let Some(Row::Key(row)) = self.state.row(&RowKey::Key(*key))? else {
            return Err(Error::new(ErrorId::NoPrivateKey, "the private key is not stored here").about(key.to_string()));
        };
        self.secret()?.open_key(&row.sealed.0, *key)
    }

    fn seal(&self, key: &PrivateKey, exportable: bool, now: Moment) -> Result<Write> {
        let row = KeyRow {
            sealed: Sealed(self.secret()?.seal_key(key)?),
            exportable,
            added: now,
            quarantined_until: None,
        };
        Ok(Write::put(RowKey::Key(key.key_id()), Row::Key(row)))
    }

    fn seal_bytes(&self, context: &str, bytes: &[u8]) -> Result<Sealed> {
        self.secret()?.seal_bytes(context, bytes).map(Sealed)
    }

    fn open_bytes(&self, context: &str, sealed: &Sealed) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        self.secret()?.open_bytes(context, &sealed.0)
    }
}
