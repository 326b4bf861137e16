//! Which parameter set a command means, and what it still lacks.

use crate::command::{ParamSpec, Pipeline, Spec};
use crate::error::{Error, ErrorId, Result};

/// What the given parameters come to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// This set.
    Set(&'static str),
    /// A mandatory parameter is absent.
    Missing(&'static ParamSpec),
}

/// The sets that are left once a parameter is given.
///
/// # Errors
/// `AmbiguousParameterSet` when none is.
pub(super) fn narrow(
    spec: &'static Spec,
    candidates: &[&'static str],
    parameter: &'static ParamSpec,
    given: &[&'static ParamSpec],
) -> Result<Vec<&'static str>> {
    let left: Vec<&'static str> = candidates.iter().copied().filter(|set| parameter.in_set(set)).collect();
    if !left.is_empty() {
        return Ok(left);
    }
    let others: Vec<String> = given
        .iter()
        .filter(|p| p.name != parameter.name && candidates.iter().any(|set| p.in_set(set)) && !p.sets.is_empty())
        .map(|p| format!("`-{}`", p.name))
        .collect();
    Err(Error::new(
        ErrorId::AmbiguousParameterSet,
        format!("`-{}` does not go together with {}", parameter.name, others.join(", ")),
    )
    .about(parameter.name)
    .hint(format!("`Get-Help {}` shows what goes together", spec.name))
    .in_verb(spec.name))
}

/// Chooses the set: the default one where it fits, else the only one that is complete.
///
/// With `input`, what can come by pipeline does not count as missing.
///
/// # Errors
/// `AmbiguousParameterSet`.
pub(super) fn choose(
    spec: &'static Spec,
    candidates: &[&'static str],
    given: &[&'static ParamSpec],
    input: bool,
) -> Result<Choice> {
    let complete: Vec<&'static str> =
        candidates.iter().copied().filter(|set| first_missing(spec, set, given, input).is_none()).collect();
    let default = spec.parameter_sets().first().copied().unwrap_or("");
    match complete.as_slice() {
        [one] => return Ok(Choice::Set(one)),
        [_, ..] if complete.contains(&default) => return Ok(Choice::Set(default)),
        [_, ..] if input => return Ok(Choice::Set(complete[0])),
        [_, ..] => return Err(ambiguous(spec, candidates, given)),
        [] => {}
    }
    let set = if candidates.contains(&default) { default } else { candidates.first().copied().unwrap_or(default) };
    match first_missing(spec, set, given, input) {
        // What tells the sets apart is a switch: nobody can be asked for it.
        Some(parameter) if candidates.len() > 1 && parameter.switch => Err(ambiguous(spec, candidates, given)),
        Some(parameter) => Ok(Choice::Missing(parameter)),
        None => Ok(Choice::Set(set)),
    }
}

/// Says that a mandatory parameter is absent.
pub(super) fn missing(spec: &'static Spec, parameter: &'static ParamSpec) -> Error {
    Error::new(ErrorId::MissingMandatoryParameter, format!("`{}` needs `-{}`", spec.name, parameter.name))
        .about(parameter.name)
        .hint(format!("`-{} <{}>`: {}", parameter.name, parameter.type_name, parameter.help))
        .in_verb(spec.name)
}

fn first_missing(
    spec: &'static Spec,
    set: &str,
    given: &[&'static ParamSpec],
    input: bool,
) -> Option<&'static ParamSpec> {
    spec.parameters.iter().copied().find(|p| {
        p.mandatory_in(set) && !(input && p.pipeline != Pipeline::No) && !given.iter().any(|g| std::ptr::eq(*g, *p))
    })
}

fn ambiguous(spec: &'static Spec, candidates: &[&'static str], given: &[&'static ParamSpec]) -> Error {
    let keys: Vec<String> = candidates
        .iter()
        .filter_map(|set| first_missing(spec, set, given, false).or_else(|| only_in(spec, set)))
        .map(|p| format!("`-{}`", p.name))
        .collect();
    let mut keys_once: Vec<String> = Vec::new();
    for key in keys {
        if !keys_once.contains(&key) {
            keys_once.push(key);
        }
    }
    Error::new(
        ErrorId::AmbiguousParameterSet,
        format!("it is not clear what `{}` is to do: give one of {}", spec.name, keys_once.join(", ")),
    )
    .hint(format!("`Get-Help {}` shows what goes together", spec.name))
    .in_verb(spec.name)
}

fn only_in(spec: &'static Spec, set: &str) -> Option<&'static ParamSpec> {
    spec.parameters.iter().copied().find(|p| p.sets.len() == 1 && p.in_set(set))
}
