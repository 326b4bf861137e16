//! Server programs that hold certificates: one contract for files, reloads and the built-in listener.

mod command;
mod connection;
#[cfg(test)]
mod contract_tests;
mod files;
mod http;
mod listener;
mod listener_server;
#[cfg(test)]
mod listener_tests;
#[cfg(test)]
mod nginx_tests;
mod owner;
mod serving;
mod unbuilt;

pub use command::Children;
pub use files::FilesServer;
pub(crate) use listener::{KeySource, LISTENER_LEASE};
pub use listener::{Listener, ListenerBinding};
pub use listener_server::{ListenerServer, Wake};
pub use serving::{ServedListener, Serving};
pub use unbuilt::Unbuilt;

use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::{Certificate, Endpoint, Fingerprint};
use crate::state::BindingKey;
use crate::x509::PrivateKey;

/// What a site of a server program can do for the executor of changes.
///
/// Contract, the same for every implementation (one suite of tests runs on all):
/// - `observe`, `read` and `images` change nothing.
/// - `put` is absolute and idempotent ("make it this"), atomic for each object and durable when it
///   returns; `None` removes the object. It keeps owner, mode and symlink target of what it replaces
///   unless the image says otherwise.
/// - `check` asks the program whether it would take what is there, and compares key and certificate as
///   they lie there; it changes nothing. `activate` makes the program serve it; repeating it is harmless.
/// - Two sites with the same `activation` text are activated once; each is checked, for its own pair of key and
///   certificate.
pub trait Server: Send + Sync {
    /// The objects that make a binding serve a certificate, with the content each is to have, in the
    /// order in which they are to be written.
    fn images(&self, binding: &BindingKey, material: &Material<'_>) -> Result<Vec<(ObjectId, Image)>>;

    /// The objects of a binding, whatever they hold now.
    fn objects(&self, binding: &BindingKey) -> Vec<ObjectId>;

    /// What is there, without its content.
    fn observe(&self, object: &ObjectId) -> Result<ObjectState>;

    /// What is there, with its content, to be kept sealed as the before-image.
    fn read(&self, object: &ObjectId) -> Result<Option<Image>>;

    /// Makes the object what the image says.
    fn put(&self, object: &ObjectId, image: Option<&Image>) -> Result<()>;

    /// What `check` and `activate` would run; empty where neither is needed.
    fn activation(&self) -> String;

    /// Whether the program would take what is there.
    ///
    /// # Errors
    /// `TestCommandFailed` with the end of the program's own words, `KeyMismatch`.
    fn check(&self) -> Result<()>;

    /// Makes the program serve what is there.
    ///
    /// # Errors
    /// `ReloadFailed` with the end of the program's own words.
    fn activate(&self) -> Result<()>;

    /// `host:port` of every endpoint of a binding as it really is; the declared ones where they say it all.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    fn endpoints(&self, _binding: &BindingKey, declared: &[Endpoint]) -> Result<Vec<String>> {
        Ok(declared.iter().map(ToString::to_string).collect())
    }

    /// Makes sure that a program which certlet itself is runs, before a change looks at it; a note for the
    /// operator when this process starts to serve.
    ///
    /// # Errors
    /// `EndpointInUse`.
    fn ensure_running(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether the program listens on loopback by nature, so that a loopback probe is the whole proof.
    fn is_loopback_only(&self) -> bool {
        false
    }
}

/// What is put on a binding.
pub struct Material<'a> {
    /// The certificate.
    pub leaf: &'a Certificate,
    /// The authorities above it, nearest first, without the root.
    pub chain: &'a [Certificate],
    /// Its private key.
    pub key: &'a PrivateKey,
}

/// The name of something a server reads: `file:/etc/nginx/tls/site.pem`, `listener:fe01…/Site/*:443:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ObjectId(pub String);

/// The content of an object and what surrounds it.
#[derive(Clone)]
pub struct Image {
    /// The bytes; wiped when dropped, for they may hold a key.
    pub content: Zeroizing<Vec<u8>>,
    /// Whether the bytes hold a private key.
    pub secret: bool,
    /// Permission bits, for files.
    pub mode: Option<u32>,
    /// User and group id, for files.
    pub owner: Option<(u32, u32)>,
    /// Where the symlink points, for files that are reached through one.
    pub target: Option<String>,
}

impl Image {
    /// What `observe` will say of an object with this content.
    pub fn state(&self) -> ObjectState {
        ObjectState::Present(Stamp {
            sha256: Fingerprint::of(&self.content),
            mode: self.mode,
            owner: self.owner,
            target: self.target.clone(),
        })
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} bytes, secret: {})", self.content.len(), self.secret)
    }
}

/// What is there, to be compared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ObjectState {
    /// Nothing.
    Absent,
    /// Something with these marks.
    Present(Stamp),
}

/// The marks by which an object's content is recognised.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// SHA-256 of the content.
    pub sha256: Fingerprint,
    /// Permission bits, for files.
    pub mode: Option<u32>,
    /// User and group id, for files.
    pub owner: Option<(u32, u32)>,
    /// Where the symlink points.
    pub target: Option<String>,
}
