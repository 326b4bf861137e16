//! The verbs that a session knows, by name, twin, alias and function.

use std::collections::HashMap;
use std::sync::Arc;

use super::spec::Verb;

/// The verbs that an engine knows; cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    inner: Arc<Tables>,
}

#[derive(Clone, Default)]
struct Tables {
    verbs: Vec<Verb>,
    names: HashMap<String, (usize, &'static str)>,
    aliases: HashMap<String, usize>,
}

impl Registry {
    /// A registry of these verbs; a later verb takes the name of an earlier one.
    pub fn new(verbs: impl IntoIterator<Item = Verb>) -> Self {
        let mut tables = Tables::default();
        for verb in verbs {
            tables.add(verb);
        }
        Self { inner: Arc::new(tables) }
    }

    /// The registry with one more verb.
    #[must_use]
    pub fn with(&self, verb: Verb) -> Self {
        let mut tables = Tables::clone(&self.inner);
        tables.add(verb);
        Self { inner: Arc::new(tables) }
    }

    /// A verb by full name or twin, in any case.
    pub fn verb(&self, name: &str) -> Option<&Verb> {
        self.inner.names.get(&name.to_ascii_lowercase()).map(|(i, _)| &self.inner.verbs[*i])
    }

    /// The declared spelling of a full name or twin.
    pub fn spelling(&self, name: &str) -> Option<&'static str> {
        self.inner.names.get(&name.to_ascii_lowercase()).map(|(_, spelling)| *spelling)
    }

    /// A verb by one of its aliases.
    pub fn alias(&self, name: &str) -> Option<&Verb> {
        self.inner.aliases.get(&name.to_ascii_lowercase()).map(|i| &self.inner.verbs[*i])
    }

    /// Every verb, in the order of registration.
    pub fn verbs(&self) -> &[Verb] {
        &self.inner.verbs
    }

    /// Every full name and twin.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.inner.verbs.iter().flat_map(|v| v.spec.names())
    }
}

impl Tables {
    fn add(&mut self, verb: Verb) {
        let index = self.verbs.len();
        for name in verb.spec.names() {
            self.names.insert(name.to_ascii_lowercase(), (index, name));
        }
        for alias in verb.spec.aliases {
            self.aliases.insert(alias.to_ascii_lowercase(), index);
        }
        self.verbs.push(verb);
    }
}
