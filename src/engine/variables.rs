//! What happens when a script reads a variable: shared ones are found, caught errors get their names, sizes are watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rhai::{Dynamic, Engine as Rhai, EvalAltResult, Map, Position as RhaiPosition, Scope};

use super::errors::{caught, of_caught, thrown};
use super::state::State;
use super::trace::not_a_command;
use super::values::to_value;
use crate::command::Value;
use crate::error::{Error, ErrorId};

/// Lists and maps may be nested so deep; Rhai itself copies and drops them by recursion.
const MAX_NESTING: u32 = 100;

/// Every so many accesses the variables' own sizes are looked at, and every so many all that is in them.
const GLANCE: u32 = 64;
const LOOK: u32 = 16_384;

/// Registers the callback.
///
/// Functions and modules see no variables of the script, but the preferences and `$Error`.
pub(super) fn register(engine: &mut Rhai, state: &Arc<State>) {
    let state = Arc::clone(state);
    let seen = AtomicU32::new(0);
    #[allow(deprecated, reason = "Rhai marks volatile interfaces so; its version is pinned")]
    engine.on_var(move |name, _, context| {
        let seen = seen.fetch_add(1, Ordering::Relaxed);
        if seen.is_multiple_of(GLANCE) {
            watch(&state, context.scope(), seen.is_multiple_of(LOOK))?;
        }
        if name == "__scope" {
            state.note_scope(in_scope(context.scope()));
            return Ok(Some(Dynamic::UNIT));
        }
        let Some(value) = context.scope().get(name) else {
            return Ok(state.cell(name).map(Dynamic::flatten));
        };
        if is_nested_too_deep(value) {
            let error = Error::new(ErrorId::LimitExceeded, format!("lists are nested more than {MAX_NESTING} deep"));
            return Err(thrown(error));
        }
        if !state.sources.is_catch_variable(name) {
            return Ok(None);
        }
        let Ok(map) = value.as_map_ref() else { return Ok(None) };
        Ok(named(&state, &map))
    });
}

/// The variables of a scope that a script can name; of two with one name the inner one, which comes first.
fn in_scope(scope: &Scope<'_>) -> Vec<(String, Value)> {
    let mut seen: Vec<(String, Value)> = Vec::new();
    for (name, _, value) in scope.iter_raw().filter(|(name, ..)| !name.starts_with("__")) {
        if !seen.iter().any(|(known, _)| known == name) {
            seen.push((name.to_owned(), to_value(value).unwrap_or_default()));
        }
    }
    seen
}

/// An error of Rhai's own arrives in `catch (e)` as a map: gives it the names that all errors have.
fn named(state: &State, map: &Map) -> Option<Dynamic> {
    let text = |name: &str| map.get(name).and_then(|v| v.clone().into_immutable_string().ok());
    let kind = text("error").filter(|kind| kind.starts_with("Error"))?;
    let message = text("message")?;
    let error = of_caught(&kind, &message, map);
    let number = |name: &str| map.get(name).and_then(|v| v.as_int().ok()).and_then(|n| u16::try_from(n).ok());
    let source = text("source").and_then(|name| state.sources.get(&name).map(|source| (name, source)));
    let Some((name, source)) = source else { return Some(caught(error)) };
    let place = number("line").map(|line| RhaiPosition::new(line.max(1), number("position").unwrap_or(1)));
    let Some(place) = place.and_then(|place| state.sources.place(&name, place)) else { return Some(caught(error)) };
    if kind == "ErrorVariableNotFound"
        && let Some(better) = not_a_command(state, &source.text, source.file.clone(), place.line)
    {
        return Some(caught(better));
    }
    Some(caught(error.at(place)))
}

/// An entry that is assigned to a map grows it behind the back of Rhai's own limit, so that the
/// sizes are looked at here too, now and then.
fn watch(state: &State, scope: &Scope<'_>, thoroughly: bool) -> Result<(), Box<EvalAltResult>> {
    let limit = state.limits.map_size;
    if limit == 0 {
        return Ok(());
    }
    let depth = if thoroughly { 16 } else { 0 };
    let entries: usize = scope.iter_raw().map(|(_, _, value)| count_entries(value, depth)).sum();
    if entries > limit {
        return Err(thrown(Error::new(ErrorId::LimitExceeded, "maps are larger than the limit")));
    }
    Ok(())
}

/// The entries of the maps in a value.
fn count_entries(value: &Dynamic, depth: usize) -> usize {
    if let Ok(map) = value.as_map_ref() {
        let inner = if depth == 0 { 0 } else { map.values().map(|v| count_entries(v, depth - 1)).sum() };
        return map.len() + inner;
    }
    match value.as_array_ref() {
        Ok(list) if depth > 0 => list.iter().map(|v| count_entries(v, depth - 1)).sum(),
        _ => 0,
    }
}

/// Whether a value is nested deeper than it may be: looks at all of small lists, at both ends of large ones.
fn is_nested_too_deep(value: &Dynamic) -> bool {
    if !value.is_array() && !value.is_map() {
        return false;
    }
    let mut budget = 4 * MAX_NESTING;
    nests(value, MAX_NESTING, &mut budget)
}

fn nests(value: &Dynamic, left: u32, budget: &mut u32) -> bool {
    const SMALL: usize = 8;
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    if let Ok(list) = value.as_array_ref() {
        if left == 0 {
            return true;
        }
        if list.len() <= SMALL {
            return list.iter().any(|v| nests(v, left - 1, budget));
        }
        let ends = [list.last(), list.first()];
        return ends.into_iter().flatten().any(|v| nests(v, left - 1, budget));
    }
    match value.as_map_ref() {
        Ok(_) if left == 0 => true,
        Ok(map) => map.values().take(SMALL).any(|v| nests(v, left - 1, budget)),
        Err(_) => false,
    }
}
