//! First configurations: the sample worlds and the plain one, as texts to be written into a home.

use std::str::FromStr;

use crate::error::{Error, ErrorId, Result};
use crate::model::{HostName, nearest};

/// A first configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Contoso's Lync deployment.
    Contoso,
    /// A web shop on three servers.
    Web,
    /// This computer alone, with an authority of its own.
    Plain {
        /// The computer's name.
        computer: HostName,
    },
}

impl FromStr for Sample {
    type Err = Error;

    /// Reads the name of a sample world: `contoso` or `web`.
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "contoso" => Ok(Self::Contoso),
            "web" => Ok(Self::Web),
            _ => {
                let error = Error::new(
                    ErrorId::CannotConvertArgument,
                    format!("`{text}` is no sample world: there are `contoso` and `web`"),
                );
                let error = error.about(text);
                Err(match nearest(text, ["contoso", "web"]) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
        }
    }
}

/// The files of a first configuration: name inside the home, and text.
///
/// Each text can be read back by [`super::read_certlet_toml`] and [`super::read_topology`].
#[must_use]
pub fn files(kind: &Sample) -> Vec<(&'static str, String)> {
    let (certlet, topology) = match kind {
        Sample::Contoso => (include_str!("sample/contoso.certlet.toml"), include_str!("sample/contoso.topology.toml")),
        Sample::Web => (include_str!("sample/web.certlet.toml"), include_str!("sample/web.topology.toml")),
        Sample::Plain { .. } => (include_str!("sample/plain.certlet.toml"), include_str!("sample/plain.topology.toml")),
    };
    let filled = |text: &str| match kind {
        // A host name holds nothing that TOML would have to escape.
        Sample::Plain { computer } => text.replace("{{computer}}", computer.as_str()),
        Sample::Contoso | Sample::Web => text.to_owned(),
    };
    vec![("certlet.toml", filled(certlet)), ("topology.toml", filled(topology))]
}
