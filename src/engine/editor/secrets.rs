//! Which entries the history may keep.

use crate::command::Registry;
use crate::engine::bind::secrets::RegistrySecrets;
use crate::engine::lower::has_secret_word;

/// A verb that is given a secret as plain text, which no parameter of its is.
const PLAIN: &str = "ConvertTo-SecureString";

/// Whether no word of an entry is, abbreviates or nearly matches a secret parameter, and no verb in it takes a secret
/// without its name.
pub(super) fn may_be_remembered(registry: &Registry, entry: &str) -> bool {
    if has_secret_word(entry, &RegistrySecrets::of(registry)) {
        return false;
    }
    let entry = entry.to_ascii_lowercase().replace('_', "");
    let takes_it_plain = registry.verbs().iter().filter(|verb| {
        verb.spec.name == PLAIN || verb.spec.parameters.iter().any(|p| p.secret && p.position.is_some())
    });
    !takes_it_plain.flat_map(|verb| verb.spec.names()).any(|name| {
        let name = name.to_ascii_lowercase();
        // As a command, and as a function in snake case.
        entry.contains(&name) || entry.contains(&name.replace('-', ""))
    })
}
