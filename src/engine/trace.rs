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
                let home = sources.of_closure(name);
                match (home.is_some(), sources.stage_of(name)) {
                    (true, Some((verb, place))) => {
                        push_at(&mut frames, sources, &here, place, format!("the script block of `{verb}`"));
                    }
                    (true, None) => push_frame(&mut frames, sources, &here, *position, "a script block".to_owned()),
                    (false, _) => {
                        push_frame(&mut frames, sources, &here, *position, format!("the function `{name}`"));
                    }
                }
                if let Some(next_source) =
                    home.map(|home| home.to_string()).or_else(|| (!callee.is_empty()).then(|| callee.clone()))
                {
                    here = next_source;
                }
                inner = next;
            }
            EvalAltResult::ErrorInModule(name, next, position) => {
                push_frame(&mut frames, sources, &here, *position, format!("the module `{name}`"));
                here = state.sources.module(name).unwrap_or_else(|| name.clone());
                inner = next;
            }
            _ => break,
        }
    }
    frames.reverse();
    let place = match sources.place(&here, inner.position()) {
        Some(place) => Some(place),
        // The innermost call knows better than nobody.
        None if frames.is_empty() => None,
        None => Some(frames.remove(0).position),
    };
    let mut error = of_rhai(inner, |name| type_name(engine, name));
    if let (Some(place), true) = (&place, error.position().is_none()) {
        error = error.at(place.clone());
    }
    let word = error.target().map(str::to_owned);
    if let (Some(place), Some(word)) = (error.position().filter(|place| place.width <= 1).cloned(), word)
        && let Some(source) = sources.get(&here).filter(|source| source.file == place.file)
    {
        error = error.at(at_word(&source.text, &place, &word));
    }
    if let Some(better) = unknown_verb(state, &here, inner, place.as_ref()) {
        error = better;
    }
    Trace { error, frames }
}

/// The place of the very word that an error is about, where it stands at a place or right after its dot.
fn at_word(text: &str, place: &Position, word: &str) -> Position {
    let line = usize::try_from(place.line).ok().and_then(|n| text.lines().nth(n.checked_sub(1)?)).unwrap_or_default();
    let letters: Vec<char> = line.chars().collect();
    let at = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
    let wanted: Vec<char> = word.chars().collect();
    let stands = |from: usize| {
        letters
            .get(from..from + wanted.len())
            .is_some_and(|part| part.iter().zip(&wanted).all(|(a, b)| a.eq_ignore_ascii_case(b)))
    };
    let Some(from) = [at, at + 1].into_iter().find(|from| !wanted.is_empty() && stands(*from)) else {
        return place.clone();
    };
    // A variable is named with its `$`.
    let dollar = from.checked_sub(1).is_some_and(|before| letters.get(before) == Some(&'$'));
    let from = from - usize::from(dollar);
    let width = wanted.len() + usize::from(dollar);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position::new(place.file.clone(), place.line, number(from + 1), number(width))
}

fn push_frame(frames: &mut Vec<Frame>, sources: &Sources, source: &str, position: RhaiPosition, what: String) {
    if let Some(place) = sources.place(source, position) {
        push_at(frames, sources, source, place, what);
    }
}

fn push_at(frames: &mut Vec<Frame>, sources: &Sources, source: &str, place: Position, what: String) {
    if frames.len() >= MAX_FRAMES {
        frames.remove(0);
    }
    let line = sources.get(source).and_then(|s| {
        let index = usize::try_from(place.line).ok()?.checked_sub(1)?;
        s.text.lines().nth(index).map(str::to_owned)
    });
    frames.push(Frame { what, position: place, line });
}

/// Where a misspelt verb became arithmetic: the error that says so.
fn unknown_verb(state: &State, source: &str, thrown: &EvalAltResult, place: Option<&Position>) -> Option<Error> {
    if !matches!(
        thrown,
        EvalAltResult::ErrorVariableNotFound(..)
            | EvalAltResult::ErrorParsing(..)
            | EvalAltResult::ErrorFunctionNotFound(..)
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

/// The errors for words that can mean nothing but a verb, and are none.
///
/// `Get-Foo` may be a subtraction: only where no other `Get` stands in the text, and there are verbs
/// that begin so, is it surely a command.
pub(super) fn surely_commands(
    state: &State,
    text: &str,
    file: Option<std::sync::Arc<str>>,
    known: &[String],
) -> Vec<Error> {
    let words = RegistryWords(&state.registry);
    let mut errors = Vec::new();
    for (word, position) in unknown_verbs(text, file, &words) {
        let Some((verb, _)) = word.split_once('-') else { continue };
        let begins = |name: &str| name.split_once('-').is_some_and(|(v, _)| v.eq_ignore_ascii_case(verb));
        if state.registry.names().any(begins)
            && !known.iter().any(|k| k.eq_ignore_ascii_case(verb))
            && !stands_alone(text, verb)
        {
            errors.push(command_not_found(state, &word, position));
        }
    }
    errors
}

/// Whether a word stands somewhere in a text other than before a dash and a letter.
fn stands_alone(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let mut after = text.get(at + word.len()..).unwrap_or_default().chars();
        let next = after.next();
        if before.is_some_and(part) || next.is_some_and(part) {
            return false;
        }
        !(next == Some('-') && after.next().is_some_and(char::is_alphabetic))
    })
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
