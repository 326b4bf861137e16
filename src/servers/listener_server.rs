//! The built-in listener as a server program: what it is to serve are rows of the state.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::listener::{KeySource, load};
use super::{Image, Material, ObjectId, ObjectState, Server};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Clock, Fingerprint};
use crate::state::{BindingKey, BoundRow, Row, RowKey, Slot, State, Write};
use crate::x509::check_pair;

/// Asks the serving side of this process, if there is one, to look at the rows now.
pub type Wake = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// The sites of the built-in listener on one computer.
///
/// The object of a binding is its row; whoever serves (this process or another) notices that it changed.
pub struct ListenerServer {
    state: Arc<dyn State>,
    keys: KeySource,
    clock: Arc<dyn Clock>,
    bindings: Vec<BindingKey>,
    wake: Wake,
    loopback_only: bool,
}

impl ListenerServer {
    /// Takes the bindings that are declared, and whether all their endpoints are on loopback.
    pub(crate) fn new(
        state: Arc<dyn State>,
        keys: KeySource,
        clock: Arc<dyn Clock>,
        bindings: Vec<BindingKey>,
        loopback_only: bool,
        wake: Wake,
    ) -> Self {
        Self { state, keys, clock, bindings, wake, loopback_only }
    }

    fn binding(&self, wanted: &ObjectId) -> Result<&BindingKey> {
        self.bindings.iter().find(|binding| object(binding) == *wanted).ok_or_else(|| {
            Error::new(ErrorId::BindingNotFound, format!("`{}` is no binding of the built-in listener", wanted.0))
                .about(wanted.0.clone())
        })
    }

    fn bound(&self, binding: &BindingKey) -> Result<Option<BoundRow>> {
        Ok(match self.state.row(&RowKey::Listener(binding.clone()))? {
            Some(Row::Listener(row)) => Some(row),
            _ => None,
        })
    }
}

impl Server for ListenerServer {
    fn images(&self, binding: &BindingKey, material: &Material<'_>) -> Result<Vec<(ObjectId, Image)>> {
        check_pair(material.leaf, material.key)?;
        let object = object(binding);
        self.binding(&object)?;
        Ok(vec![(object, image(material.leaf.fingerprint()))])
    }

    fn objects(&self, binding: &BindingKey) -> Vec<ObjectId> {
        let object = object(binding);
        if self.binding(&object).is_ok() { vec![object] } else { Vec::new() }
    }

    fn observe(&self, object: &ObjectId) -> Result<ObjectState> {
        Ok(self.read(object)?.map_or(ObjectState::Absent, |image| image.state()))
    }

    fn read(&self, object: &ObjectId) -> Result<Option<Image>> {
        Ok(self.bound(self.binding(object)?)?.map(|row| image(row.certificate)))
    }

    fn put(&self, object: &ObjectId, wanted: Option<&Image>) -> Result<()> {
        let binding = self.binding(object)?;
        let key = RowKey::Listener(binding.clone());
        let Some(wanted) = wanted else {
            return self.state.write(&[Write::remove(key)]);
        };
        let text = std::str::from_utf8(&wanted.content).unwrap_or_default();
        let certificate: Fingerprint = text.parse().map_err(|_| {
            Error::new(ErrorId::StoreUnavailable, format!("what is to be put on `{}` names no certificate", object.0))
        })?;
        if self.bound(binding)?.is_some_and(|row| row.certificate == certificate) {
            return Ok(());
        }
        let row = BoundRow { certificate, since: self.clock.now() };
        self.state.write(&[Write::put(key, Row::Listener(row))])
    }

    fn activation(&self) -> String {
        "the built-in listener".to_owned()
    }

    fn check(&self) -> Result<()> {
        for binding in &self.bindings {
            if let Some(row) = self.bound(binding)? {
                load(&*self.state, &self.keys, row.certificate)?;
            }
        }
        Ok(())
    }

    fn activate(&self) -> Result<()> {
        (self.wake)()
    }

    fn is_loopback_only(&self) -> bool {
        self.loopback_only
    }
}

fn object(binding: &BindingKey) -> ObjectId {
    let slot = match binding.slot {
        Slot::Any => "",
        Slot::Rsa => "#RSA",
        Slot::Ecdsa => "#ECDSA",
    };
    ObjectId(format!("listener:{}/{}/{}{slot}", binding.computer, binding.site, binding.information))
}

fn image(certificate: Fingerprint) -> Image {
    let content = Zeroizing::new(certificate.to_string().into_bytes());
    Image { content, secret: false, mode: None, owner: None, target: None }
}
