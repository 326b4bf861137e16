//! What the operator declares: `certlet.toml`, the topology, the sample worlds.

#[cfg(test)]
mod names_tests;
mod reader;
mod topology_toml;
mod uses;

pub use topology_toml::{read_topology, topology_of_text};
pub use uses::builtin_uses;
