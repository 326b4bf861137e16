//! Plain data: what certlet talks about, without I/O.

mod algorithm;
mod certificate;
pub mod hex;
mod host_name;
mod key_usage;
mod moment;
mod name;
pub mod names;
mod nearest;
mod position;
mod proof;
mod secret;
mod server;
mod thumbprint;
mod topology;
mod uses;
mod website;

pub use algorithm::KeyAlgorithm;
pub(crate) use certificate::CertificateFacts;
pub use certificate::{AlternativeName, Certificate, ExtensionEntry, KeyId, SerialNumber};
pub use host_name::{HostName, RequestedName};
pub use key_usage::{KeyUsage, Purpose};
pub use moment::{Clock, Moment, Zone};
pub use name::{COMMON_NAME, DistinguishedName, NameAttribute, NameValue, RelativeName, parse_rdns};
pub use names::{ComputedName, ComputedNames, NameDifference, NamePattern, NameQuery, NameSource};
pub use nearest::nearest;
pub use position::Position;
pub use proof::{
    AskedName, Cell, Drift, EndpointProof, Evidence, KeyFamily, Outcome, Remedy, Snapshot, TlsVersion, Verdict,
};
pub use secret::Secret;
pub use server::{
    CaddyServer, CertificateFiles, FileServer, HaproxyServer, IisServer, ServerKind, ServerSettings, Slot, SlotFiles,
};
pub use thumbprint::{CertificateSelector, Fingerprint, Thumbprint};
pub use topology::{
    CertificatePolicy, EdgeInterfaces, Fault, MissingNames, Place, Pool, Role, SimpleUrl, SimpleUrlComponent,
    SimpleUrlScope, SipDomain, SiteKind, Topology, TopologySite, WebPorts, WebServices,
};
pub use uses::{
    ChainTo, KeyFit, KeyRule, NameCondition, NameRule, NamesRow, Needs, ToleratedKeys, Use, UseName, UseScope, Uses,
};
pub use website::{
    Binding, BindingAddress, BindingInformation, BindingProtocol, Endpoint, ProofScope, SiteState, Website,
};
