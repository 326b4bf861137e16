//! Who serves the built-in listener's sites: this process when nobody else does.

use std::sync::{Arc, Mutex, PoisonError};

use super::listener::KeySource;
use super::{Image, Listener, ListenerBinding, ListenerServer, Material, ObjectId, ObjectState, Server};
use crate::error::{ErrorId, Result};
use crate::model::Endpoint;
use crate::state::{BindingKey, Row, State};

/// The listener of a home: started by whoever first needs it and finds `listener.lock` free.
pub struct Serving {
    state: Arc<dyn State>,
    keys: KeySource,
    bindings: Vec<ListenerBinding>,
    listener: Mutex<Option<Listener>>,
}

impl Serving {
    /// Takes the bindings that are to be served; nothing is started yet.
    pub(crate) fn new(state: Arc<dyn State>, keys: KeySource, bindings: Vec<ListenerBinding>) -> Self {
        Self { state, keys, bindings, listener: Mutex::new(None) }
    }

    /// Serves from this process when no other does; says at which addresses when it begins.
    ///
    /// # Errors
    /// `EndpointInUse` when another program holds a port.
    pub(crate) fn ensure(&self) -> Result<Option<String>> {
        let mut held = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() || self.bindings.is_empty() {
            return Ok(None);
        }
        let holder = format!("process {}", std::process::id());
        match Listener::start(Arc::clone(&self.state), Arc::clone(&self.keys), self.bindings.clone(), &holder) {
            Ok(listener) => {
                let addresses: Vec<String> =
                    listener.addresses().iter().flat_map(|(_, bound)| bound.iter().map(ToString::to_string)).collect();
                *held = Some(listener);
                Ok(Some(format!(
                    "nobody served the listener's sites: this process does until it exits, at {}",
                    addresses.join(", ")
                )))
            }
            Err(error) if error.id() == ErrorId::Busy => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Serves from this process, for `certlet serve`; the addresses of each binding.
    ///
    /// # Errors
    /// `Busy` when another process serves, `EndpointInUse`.
    pub(crate) fn start(&self) -> Result<Vec<(ListenerBinding, Vec<std::net::SocketAddr>)>> {
        let holder = format!("process {} (serve)", std::process::id());
        let listener =
            Listener::start(Arc::clone(&self.state), Arc::clone(&self.keys), self.bindings.clone(), &holder)?;
        let addresses = listener.addresses().to_vec();
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
        Ok(addresses)
    }

    /// Lets a listener of this process look at its rows now.
    ///
    /// # Errors
    /// `ReloadFailed`.
    pub(crate) fn wake(&self) -> Result<()> {
        match &*self.listener.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(listener) => listener.refresh(),
            None => Ok(()),
        }
    }

    /// Stops serving; connections get half a second to end.
    pub(crate) fn stop(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(listener);
    }

    /// The addresses at which a binding was last served; the declared ones where it never was.
    fn addresses(&self, key: &BindingKey, declared: &[Endpoint]) -> Result<Vec<String>> {
        let Some(binding) = self
            .bindings
            .iter()
            .find(|b| b.computer == key.computer && b.site == key.site && b.information == key.information)
        else {
            return Ok(declared.iter().map(ToString::to_string).collect());
        };
        match self.state.row(&binding.published())? {
            Some(Row::Setting(text)) if !text.is_empty() => Ok(text.split(' ').map(ToOwned::to_owned).collect()),
            _ => Ok(declared.iter().map(ToString::to_string).collect()),
        }
    }
}

/// A site of the built-in listener, together with whoever serves it.
pub struct ServedListener {
    server: ListenerServer,
    serving: Arc<Serving>,
}

impl ServedListener {
    /// Puts the two together.
    pub(crate) fn new(server: ListenerServer, serving: Arc<Serving>) -> Self {
        Self { server, serving }
    }
}

impl Server for ServedListener {
    fn images(&self, binding: &BindingKey, material: &Material<'_>) -> Result<Vec<(ObjectId, Image)>> {
        self.server.images(binding, material)
    }

    fn objects(&self, binding: &BindingKey) -> Vec<ObjectId> {
        self.server.objects(binding)
    }

    fn observe(&self, object: &ObjectId) -> Result<ObjectState> {
        self.server.observe(object)
    }

    fn read(&self, object: &ObjectId) -> Result<Option<Image>> {
        self.server.read(object)
    }

    fn put(&self, object: &ObjectId, image: Option<&Image>) -> Result<()> {
        self.server.put(object, image)
    }

    fn activation(&self) -> String {
        self.server.activation()
    }

    fn check(&self) -> Result<()> {
        self.server.check()
    }

    fn activate(&self) -> Result<()> {
        self.server.activate()
    }

    fn endpoints(&self, binding: &BindingKey, declared: &[Endpoint]) -> Result<Vec<String>> {
        self.serving.addresses(binding, declared)
    }

    fn ensure_running(&self) -> Result<Option<String>> {
        self.serving.ensure()
    }

    fn is_loopback_only(&self) -> bool {
        self.server.is_loopback_only()
    }
}
