//! What the operator declares: `certlet.toml`, the topology, the sample worlds.

mod authorities;
mod authorities_toml;
mod certlet_toml;
#[cfg(test)]
mod crash_tests;
mod files;
pub(crate) mod fuzz;
mod home;
#[cfg(test)]
mod home_tests;
#[cfg(test)]
mod names_tests;
mod reader;
pub mod sample;
mod sample_world;
mod secrets;
mod settings;
mod sites;
#[cfg(test)]
mod staging_tests;
#[cfg(test)]
mod tests;
mod topology_toml;
mod topology_xml;
#[cfg(test)]
mod topology_xml_tests;
mod topology_xml_tree;
mod topology_xml_write;
mod uses;
mod windows_paths;

pub use authorities::{
    AcmeAuthority, AcmeChallenge, AcmeLimitSettings, AdcsAuth, AdcsAuthority, AuthorityClass, AuthorityKind,
    AuthorityName, AuthoritySettings, CrlPublisher, EmbeddedAuthority, ExternalAccount, Permissions, Right,
    TemplateApproval, TemplateSettings, TemplateSubject,
};
pub use certlet_toml::{parse_duration, read_certlet_toml};
pub use home::{Home, HomeOptions};
pub use settings::{
    Configuration, ProofSettings, SecretLookup, SecretSource, StateSettings, StateStore, TrustSettings,
};
pub use topology_toml::{read_topology, topology_of_text, topology_of_xml};
pub(crate) use topology_xml_write::topology_to_xml;
pub use uses::builtin_uses;
pub use windows_paths::{OperatorPath, WindowsPaths};
