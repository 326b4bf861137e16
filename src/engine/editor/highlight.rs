//! Which parts of a text are shown in colours.

use std::ops::Range;

use super::lexer::{DASHES, Kind, Lexed, Token, lex};
use super::{Desk, begins};
use crate::engine::bind::names::{Found, find};
use crate::engine::bind::words::RegistryWords;

/// One part of a text and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Painted {
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub style: Style,
}

/// What a part of a text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// A verb, or an alias after a bar.
    Verb,
    /// A word that can only be a verb or a parameter, and is none.
    Unknown,
    /// A parameter.
    Parameter,
    /// Quoted text.
    Text,
    /// A number.
    Number,
    /// A variable with its `$`, or a plain name that the session knows.
    Variable,
    /// A word of the script language.
    Keyword,
    /// A comment.
    Comment,
}

pub(super) fn highlight(desk: &Desk<'_>, text: &str) -> Vec<Painted> {
    let lexed = lex(text, &RegistryWords(&desk.state.registry));
    let known = desk.variables();
    let style = |token: &Token| {
        let word = text.get(token.start..token.end).unwrap_or_default();
        Some(match token.kind {
            Kind::Verb => Style::Verb,
            Kind::Unregistered => return is_unknown(desk, text, &lexed, token, &known).then_some(Style::Unknown),
            Kind::Parameter => {
                if is_unknown_parameter(desk, text, &lexed, token) {
                    Style::Unknown
                } else {
                    Style::Parameter
                }
            }
            Kind::Text => Style::Text,
            Kind::Number => Style::Number,
            Kind::Variable => Style::Variable,
            Kind::Name if known.iter().any(|name| name == word) => Style::Variable,
            Kind::Keyword => Style::Keyword,
            Kind::Comment => Style::Comment,
            _ => return None,
        })
    };
    let mut painted: Vec<Painted> = lexed
        .tokens
        .iter()
        .filter_map(|token| style(token).map(|style| Painted { range: token.start..token.end, style }))
        .collect();
    painted.sort_by_key(|p| p.range.start);
    painted
}

/// Whether a word of the shape `Verb-Noun` can only be a verb and is none; one that is still being typed may become it.
fn is_unknown(desk: &Desk<'_>, text: &str, lexed: &Lexed, token: &Token, known: &[String]) -> bool {
    let word = text.get(token.start..token.end).unwrap_or_default();
    let first = word.split('-').next().unwrap_or_default();
    let is_name = known.iter().any(|name| name == first)
        || lexed.declared.iter().any(|(start, end)| text.get(*start..*end) == Some(first));
    let registry = &desk.state.registry;
    let is_verb_word =
        registry.names().any(|name| name.split('-').next().is_some_and(|v| v.eq_ignore_ascii_case(first)));
    let may_become = token.end == text.len() && registry.names().any(|name| begins(name, word));
    is_verb_word && !is_name && !may_become
}

fn is_unknown_parameter(desk: &Desk<'_>, text: &str, lexed: &Lexed, token: &Token) -> bool {
    let Some(stage) = token.stage.and_then(|stage| lexed.stages.get(stage)) else { return false };
    let Some(verb) = desk.state.registry.verb(&stage.verb) else { return false };
    let word = text.get(token.start..token.end).unwrap_or_default();
    let name = word.trim_start_matches(DASHES).trim_end_matches(':');
    !matches!(name, "" | "?") && matches!(find(verb.spec, name), Found::Unknown(_))
}
