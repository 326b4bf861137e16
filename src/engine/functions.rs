//! Each verb as a function of the script language: `get_cs_certificate("Default")`, `set_certificate(#{ Type: … })`.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Dynamic, Engine as Rhai, Map};

use super::errors::thrown;
use super::pipeline::{Pipeline, bare_command, values_of};
use super::state::State;
use super::values::{collected, to_dynamic};
use crate::command::Spec;

/// Positional arguments at most; a map of named ones may follow them.
const MAX_POSITIONAL: usize = 4;

/// Registers the functions of all verbs.
pub(super) fn register(engine: &mut Rhai, state: &Arc<State>) {
    for verb in state.registry.verbs() {
        for name in function_names(verb.spec) {
            for count in 0..=MAX_POSITIONAL + 1 {
                let state = Arc::clone(state);
                let verb = verb.spec.name;
                let types = [TypeId::of::<Dynamic>(); MAX_POSITIONAL + 1];
                let types = types.get(..count).unwrap_or_default();
                engine.register_raw_fn(&name, types, move |cx, args| {
                    let mut positional: Vec<Dynamic> =
                        args.iter_mut().map(|arg| std::mem::take(*arg).flatten()).collect();
                    let named = match positional.pop().map(Dynamic::try_cast_result::<Map>) {
                        Some(Ok(map)) => Some(map),
                        Some(Err(other)) => {
                            positional.push(other);
                            None
                        }
                        None => None,
                    };
                    let command = bare_command(&state.registry, verb).map_err(thrown)?.with(positional, named);
                    let pipeline = Dynamic::from(Pipeline::of(command));
                    values_of(&cx, &state, &pipeline).map(|values| to_dynamic(&collected(values)))
                });
            }
        }
    }
}

/// The names of a verb's function: full name and twin in snake case, and the declared ones.
pub(crate) fn function_names(spec: &'static Spec) -> Vec<String> {
    let declared = spec.functions.iter().map(|name| (*name).to_owned());
    spec.names().map(snake_case).chain(declared).collect()
}

/// `Get-CsCertificate` is `get_cs_certificate`; capitals in a row stay together, as in `get_ca_template`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (i, &letter) in letters.iter().enumerate() {
        if letter == '-' {
            snake.push('_');
            continue;
        }
        let after_small = i > 0 && letters.get(i - 1).is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
        let before_small = letters.get(i + 1).is_some_and(|c| c.is_lowercase());
        let in_capitals = i > 0 && letters.get(i - 1).is_some_and(|c| c.is_uppercase());
        if letter.is_uppercase() && (after_small || (in_capitals && before_small)) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_become_snakes() {
        for (name, snake) in [
            ("Get-CsCertificate", "get_cs_certificate"),
            ("Get-CATemplate", "get_ca_template"),
            ("Test-TlsBinding", "test_tls_binding"),
            ("Get-IISSiteBinding", "get_iis_site_binding"),
            ("New-SelfSignedCertificate", "new_self_signed_certificate"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }
}
