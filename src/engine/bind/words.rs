//! The registry as the lowering asks for it.

use super::super::lower::{Parameter, ParameterLookup, Words};
use super::names::{Found, find};
use crate::command::Registry;

/// Verbs, aliases and parameters of a registry, common parameters included.
pub(crate) struct RegistryWords<'a>(pub(crate) &'a Registry);

impl Words for RegistryWords<'_> {
    fn verb(&self, word: &str) -> Option<&str> {
        self.0.spelling(word)
    }

    fn alias(&self, word: &str) -> Option<&str> {
        self.0.alias(word).map(|verb| verb.spec.name)
    }

    fn parameter(&self, verb: &str, name: &str) -> ParameterLookup<'_> {
        let Some(verb) = self.0.verb(verb) else {
            return ParameterLookup::Unknown { near: Vec::new() };
        };
        match find(verb.spec, name) {
            Found::One(p) => ParameterLookup::Found(Parameter { name: p.name, switch: p.switch, secret: p.secret }),
            Found::Unknown(near) => ParameterLookup::Unknown { near },
            Found::Several(candidates) => ParameterLookup::Ambiguous { candidates },
        }
    }

    fn positions(&self, verb: &str) -> Option<usize> {
        let Some(verb) = self.0.verb(verb) else { return Some(0) };
        if verb.spec.parameters.iter().any(|p| p.remaining) {
            return None;
        }
        let mut positions: Vec<u8> =
            verb.spec.parameters.iter().filter(|p| !p.switch).filter_map(|p| p.position).collect();
        positions.sort_unstable();
        positions.dedup();
        Some(positions.len())
    }

    fn takes_block(&self, verb: &str) -> bool {
        self.0.verb(verb).is_some_and(|v| v.spec.parameters.iter().any(|p| p.type_name.starts_with("ScriptBlock")))
    }
}
