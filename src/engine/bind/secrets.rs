//! The secrets that the verbs of a registry take.

use super::super::lower::Secrets;
use super::names;
use crate::command::{ParamSpec, Registry};

/// Keys of the configuration whose values may be secrets that somebody wrote there by mistake.
const CONFIGURATION: &[&str] = &["passphrase", "password", "hmac"];

/// The secret parameters of a registry.
pub(crate) struct RegistrySecrets<'a> {
    registry: &'a Registry,
    names: Vec<&'static str>,
}

impl<'a> RegistrySecrets<'a> {
    /// Gathers the secret parameters of all verbs, their other names too.
    pub(crate) fn of(registry: &'a Registry) -> Self {
        let parameters = registry.verbs().iter().flat_map(|verb| verb.spec.parameters.iter());
        let secret = parameters.filter(|parameter| parameter.secret);
        let mut names: Vec<&'static str> =
            secret.flat_map(|parameter| std::iter::once(&parameter.name).chain(parameter.aliases)).copied().collect();
        names.extend(CONFIGURATION);
        names.sort_unstable();
        names.dedup();
        Self { registry, names }
    }
}

impl Secrets for RegistrySecrets<'_> {
    fn names(&self) -> &[&str] {
        &self.names
    }

    fn is_verb(&self, word: &str) -> bool {
        self.registry.verb(word).is_some()
    }

    fn is_open(&self, verb: &str, word: &str) -> bool {
        let Some(verb) = self.registry.verb(verb) else { return false };
        matches!(names::exact(verb.spec, word), Some(ParamSpec { secret: false, .. }))
    }
}
