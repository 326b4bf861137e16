//! Plain data: what certlet talks about, without I/O.

pub mod hex;
mod host_name;
mod moment;
pub mod names;
mod nearest;
mod position;
mod server;
mod thumbprint;
mod topology;
mod uses;
mod website;

pub use host_name::{HostName, RequestedName};
pub use moment::{Clock, Moment, Zone};
pub use names::{ComputedName, ComputedNames, NameDifference, NamePattern, NameQuery, NameSource};
pub use nearest::nearest;
pub use position::Position;
pub use server::{
    CaddyServer, CertificateFiles, FileServer, HaproxyServer, IisServer, ServerKind, ServerSettings, Slot, SlotFiles,
};
pub use thumbprint::{CertificateSelector, Fingerprint, Thumbprint};
pub use topology::{
    CertificatePolicy, EdgeInterfaces, Fault, MissingNames, Place, Pool, Role, SimpleUrl, SimpleUrlComponent, SimpleUrlScope,
    SipDomain, SiteKind, Topology, TopologySite, WebPorts, WebServices,
};
pub use uses::{ChainTo, KeyRule, NameCondition, NameRule, NamesRow, Needs, Use, UseName, UseScope, Uses};
pub use website::{Binding, BindingAddress, BindingInformation, BindingProtocol, Endpoint, ProofScope, SiteState, Website};
