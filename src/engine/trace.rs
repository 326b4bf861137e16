//! From what Rhai throws to an error with its place and the calls around it.

use rhai::{Engine as Rhai, EvalAltResult, Position as RhaiPosition};

use super::errors::of_rhai;
use super::members::nearest;
use super::show::type_name;
use super::source::Sources;
use super::state::State;
use crate::engine::bind::words::RegistryWords;
use crate::engine::lower::unknown_verbs;
use crate::error::{Error, ErrorId};
use crate::format::Frame;
use crate::model::Position;

/// An error and the calls around it, the innermost first.
pub(super) struct Trace {
    pub(super) error: Error,
    pub(super) frames: Vec<Frame>,
}

/// How many calls are remembered.
const MAX_FRAMES: usize = 32;

/// Reads what was thrown while the text called `source` ran.
pub(super) fn trace(engine: &Rhai, state: &State, source: &str, thrown: &EvalAltResult) -> Trace {
    let sources = &state.sources;
    let mut frames = Vec::new();
    let mut here = source.to_owned();
    let mut inner = thrown;
    loop {
        match inner {
            EvalAltResult::ErrorInFunctionCall(name, callee, next, position) => {
                push_frame(&mut frames, sources, &here, *position, "called here", state);
                let home = sources.of_closure(name);
                let what = if home.is_some() { "in a script block".to_owned() } else { format!("in the function `{name}`") };
                if let Some(frame) = frames.last_mut() {
                    frame.what = what;
                }
                if let Some(next_source) = home.or_else(|| (!callee.is_empty()).then(|| callee.clone())) {
                    here = next_source;
                }
                inner = next;
            }
            EvalAltResult::ErrorInModule(name, next, position) => {
                push_frame(&mut frames, sources, &here, *position, &format!("in the module `{name}`"), state);
                here = state.sources.module(name).unwrap_or_else(|| name.clone());
                inner = next;
            }
            _ => break,
        }
    }
    frames.reverse();
    let place = sources.place(&here, inner.position());
    let mut error = of_rhai(inner, |name| type_name(engine, name));
    if let (Some(place), true) = (&place, error.position().is_none()) {
        error = error.at(place.clone());
    }
    if let Some(better) = unknown_verb(state, &here, inner, place.as_ref()) {
        error = better;
    }
    Trace { error, frames }
}

fn push_frame(frames: &mut Vec<Frame>, sources: &Sources, source: &str, position: RhaiPosition, what: &str, state: &State) {
    let _ = state;
    if frames.len() >= MAX_FRAMES {
        frames.remove(0);
    }
    let Some(place) = sources.place(source, position) else { return };
    let line = sources.get(source).and_then(|s| {
        let index = usize::try_from(place.line).ok()?.checked_sub(1)?;
        s.text.lines().nth(index).map(str::to_owned)
    });
    frames.push(Frame { what: what.to_owned(), position: place, line });
}

/// Where a misspelt verb became arithmetic: the error that says so.
fn unknown_verb(state: &State, source: &str, thrown: &EvalAltResult, place: Option<&Position>) -> Option<Error> {
    if !matches!(
        thrown,
        EvalAltResult::ErrorVariableNotFound(..) | EvalAltResult::ErrorParsing(..) | EvalAltResult::ErrorFunctionNotFound(..)
    ) {
        return None;
    }
    let source = state.sources.get(source)?;
    not_a_command(state, &source.text, source.file.clone(), place?.line)
}

/// The error for a word of the shape `Verb-Noun` on a line that is no verb.
pub(super) fn not_a_command(state: &State, text: &str, file: Option<std::sync::Arc<str>>, line: u32) -> Option<Error> {
    let words = RegistryWords(&state.registry);
    let (word, position) = unknown_verbs(text, file, &words).into_iter().find(|(_, position)| position.line == line)?;
    Some(command_not_found(state, &word, position))
}

/// Says that a word is no command, and which one is near.
pub(super) fn command_not_found(state: &State, word: &str, position: Position) -> Error {
    let error =
        Error::new(ErrorId::CommandNotFoundException, format!("`{word}` is no command")).about(word).at(position);
    match nearest(word, state.registry.names()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

