//! A world for tests of authorities: rows in memory, keys kept openly, a fixed clock.

use std::sync::{Arc, LazyLock};

use super::{Answer, Authority, Context, Inquiry, KeyStore, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, KeyAlgorithm, KeyId, Moment, Purpose, parse_rdns};
use crate::state::{KeyRow, MemoryState, Row, RowKey, Sealed, State, Write};
use crate::x509::{PrivateKey, RequestDetails, Signer, build_request};

/// State, keys and clock.
pub(super) struct World {
    pub(super) state: Arc<MemoryState>,
    pub(super) keys: OpenKeys,
    pub(super) now: Moment,
}

impl World {
    pub(super) fn new() -> Self {
        let state = Arc::new(MemoryState::new());
        Self { keys: OpenKeys(Arc::clone(&state)), state, now: Moment::from_unix(1_900_000_000) }
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context { state: &*self.state, keys: &self.keys, now: self.now, cancelled: &|| false }
    }

    /// Differs after anything was written.
    pub(super) fn version(&self) -> u64 {
        self.state.data_version().unwrap()
    }

    /// Hands a request in and writes what comes back.
    pub(super) fn submit(&self, authority: &dyn Authority, submission: &Submission) -> Result<Answer> {
        let answer = authority.begin(&self.context(), submission)?;
        self.state.write(&answer.writes)?;
        Ok(answer)
    }
}

/// Who asks in the tests unless they say otherwise.
pub(super) const OPERATOR: &str = r"contoso\kenmyer";

/// The key of the requests.
pub(super) static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());

/// An RSA key of 2048 bits.
pub(super) static RSA: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::Rsa(2048)).unwrap());

pub(super) fn inquiry(template: &str, key: KeyAlgorithm) -> Inquiry<'_> {
    Inquiry { template, key, exportable: false, requester: OPERATOR, account: None, names: &[] }
}

pub(super) fn submission(template: &str, names: &[&str]) -> Submission {
    submission_of(&KEY, template, &format!("CN={}", names[0]), names, vec![Purpose::ServerAuth])
}

pub(super) fn submission_of(
    key: &PrivateKey,
    template: &str,
    subject: &str,
    names: &[&str],
    purposes: Vec<Purpose>,
) -> Submission {
    let details = RequestDetails {
        subject: parse_rdns(subject).unwrap(),
        alternative_names: names.iter().map(|n| AlternativeName::host(n)).collect(),
        purposes,
        ..RequestDetails::default()
    };
    Submission {
        csr: build_request(key, &details).unwrap().der().to_vec(),
        is_own: false,
        template: template.to_owned(),
        exportable: false,
        computer: "fe01.contoso.net".to_owned(),
        requester: OPERATOR.to_owned(),
        account: None,
        replaces: None,
    }
}

/// A key store without seal.
pub(super) struct OpenKeys(Arc<MemoryState>);

impl KeyStore for OpenKeys {
    fn open(&self, key: &KeyId) -> Result<PrivateKey> {
        match self.0.row(&RowKey::Key(*key))? {
            Some(Row::Key(row)) => PrivateKey::from_der(&row.sealed.0),
            _ => Err(Error::new(ErrorId::NoPrivateKey, format!("there is no key {key}"))),
        }
    }

    fn seal(&self, key: &PrivateKey, exportable: bool, now: Moment) -> Result<Write> {
        let sealed = Sealed(key.to_pkcs8_der()?.to_vec());
        let row = KeyRow { sealed, exportable, added: now, quarantined_until: None };
        Ok(Write::insert(RowKey::Key(key.key_id()), Row::Key(row)))
    }

    fn seal_bytes(&self, _: &str, _: &[u8]) -> Result<Sealed> {
        foreign()
    }

    fn open_bytes(&self, _: &str, _: &Sealed) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        foreign()
    }
}

fn foreign<T>() -> Result<T> {
    Err(Error::new(ErrorId::StoreUnavailable, "an authority has no business with files"))
}
