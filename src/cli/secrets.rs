//! Secrets that the configuration names by file or by variable of the environment.

use std::path::Path;

use zeroize::Zeroizing;

use crate::config::SecretLookup;
use crate::error::{Error, ErrorId, Result};

/// Looks secrets up in files and in the environment of the process.
///
/// Children never see the variables: they are started with an environment of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemSecrets;

impl SecretLookup for SystemSecrets {
    fn file(&self, path: &Path) -> Result<Zeroizing<String>> {
        let shown = path.display();
        let bytes = std::fs::read(path).map(Zeroizing::new).map_err(|error| {
            Error::new(ErrorId::FileNotFound, format!("the secret in `{shown}` cannot be read"))
                .about(shown.to_string())
                .because(error)
        })?;
        text_of(&bytes).ok_or_else(|| {
            Error::new(ErrorId::ConfigInvalid, format!("the secret in `{shown}` is no UTF-8 text"))
                .about(shown.to_string())
        })
    }

    fn environment(&self, name: &str) -> Result<Zeroizing<String>> {
        match std::env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(std::env::VarError::NotPresent) => Err(Error::new(
                ErrorId::ConfigInvalid,
                format!("`certlet.toml` takes a secret from the environment variable `{name}`, which is not set"),
            )
            .about(name)
            .hint(format!("set `{name}` and run the command again"))),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::new(ErrorId::ConfigInvalid, format!("the environment variable `{name}` is no UTF-8 text"))
                    .about(name))
            }
        }
    }
}

fn text_of(bytes: &[u8]) -> Option<Zeroizing<String>> {
    std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}
