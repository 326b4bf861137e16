//! From the word after a dash to the parameter that is meant.

use super::common::common_parameters;
use crate::command::{ParamSpec, Spec};
use crate::error::{Error, ErrorId, Result};

/// What a parameter word means.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// This parameter.
    One(&'static ParamSpec),
    /// None; the nearest ones, best first.
    Unknown(Vec<&'static str>),
    /// Several.
    Several(Vec<&'static str>),
}

/// Finds a parameter of a verb by exact name or alias, else by unique prefix, without regard to case.
///
/// Where a prefix fits several, one that the verb itself declares beats the common ones.
pub(crate) fn find(spec: &'static Spec, word: &str) -> Found {
    let own = || spec.parameters.iter().copied();
    let common = || common_parameters(spec);
    if let Some(found) = exact(spec, word) {
        return Found::One(found);
    }
    if word.is_empty() {
        return Found::Unknown(Vec::new());
    }
    let by_name = |p: &&'static ParamSpec| begins(p.name, word);
    let by_alias = |p: &&'static ParamSpec| p.aliases.iter().any(|a| begins(a, word));
    for candidates in [
        own().filter(by_name).collect::<Vec<_>>(),
        own().filter(by_alias).collect(),
        common().filter(by_name).collect(),
    ] {
        match candidates.as_slice() {
            [] => {}
            [one] => return Found::One(one),
            several => return Found::Several(several.iter().map(|p| p.name).collect()),
        }
    }
    let names: Vec<&'static str> = own().chain(common()).map(|p| p.name).collect();
    Found::Unknown(super::super::members::nearest(word, names).into_iter().collect())
}

/// Finds a parameter by its full name or alias, in any case.
pub(crate) fn exact(spec: &'static Spec, word: &str) -> Option<&'static ParamSpec> {
    let fits = |p: &&'static ParamSpec| {
        p.name.eq_ignore_ascii_case(word) || p.aliases.iter().any(|a| a.eq_ignore_ascii_case(word))
    };
    spec.parameters.iter().copied().find(fits).or_else(|| common_parameters(spec).find(fits))
}

/// Finds a parameter or says why there is none.
///
/// # Errors
/// `NamedParameterNotFound`, `AmbiguousParameter`.
pub(crate) fn resolve(spec: &'static Spec, word: &str) -> Result<&'static ParamSpec> {
    match find(spec, word) {
        Found::One(parameter) => Ok(parameter),
        Found::Several(names) => {
            let names: Vec<String> = names.iter().map(|n| format!("`-{n}`")).collect();
            Err(Error::new(
                ErrorId::AmbiguousParameter,
                format!("`-{word}` is ambiguous: it may be {}", names.join(", ")),
            )
            .about(word)
            .in_verb(spec.name))
        }
        Found::Unknown(near) => {
            let error =
                Error::new(ErrorId::NamedParameterNotFound, format!("`{}` has no parameter `-{word}`", spec.name))
                    .about(word)
                    .in_verb(spec.name);
            Err(match near.first() {
                Some(near) => error.hint(format!("did you mean `-{near}`?")),
                None => error.hint(format!("`Get-Help {}` lists its parameters", spec.name)),
            })
        }
    }
}

fn begins(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}
