//! Where an entry ends: whether a text can be run, and how a pasted one falls into entries.

use rhai::{ParseError, ParseErrorType, Position};

use super::lexer::lex;
use crate::engine::Engine;
use crate::engine::bind::words::RegistryWords;
use crate::engine::compile::Compiler;
use crate::engine::lower::LowerFailure;

/// Whether a text is one that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It can be run.
    Complete,
    /// More is needed: a bracket, a text, a bar, a list or an expression is open.
    Incomplete,
    /// It is wrong, whatever may follow.
    Invalid,
}

/// The first entry of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'t> {
    /// There is nothing but blanks and comments.
    Nothing,
    /// This is to be run, and `rest` comes after it.
    Whole {
        /// The entry, without the blank lines around it.
        text: &'t str,
        /// What follows it.
        rest: &'t str,
    },
    /// The text ends before the entry does.
    Open(&'t str),
    /// `exit` or `quit`: the session ends, and nothing after it is run.
    Exit,
}

pub(super) fn is_complete(engine: &Engine, text: &str) -> Completeness {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let known = engine.variables();
    match Compiler::new(&engine.rhai, &engine.state).lowered(text, None, &known) {
        Err(LowerFailure::Incomplete(_)) => Completeness::Incomplete,
        Err(LowerFailure::Errors(_)) => Completeness::Invalid,
        Ok(lowered) => match engine.rhai.compile(&lowered.text) {
            Ok(_) => Completeness::Complete,
            Err(error) if is_at_end(&error, &lowered.text) => Completeness::Incomplete,
            Err(_) => Completeness::Invalid,
        },
    }
}

/// Whether a text is wrong only where it ends, so that more lines may mend it.
fn is_at_end(error: &ParseError, lowered: &str) -> bool {
    if matches!(error.err_type(), ParseErrorType::UnexpectedEOF) {
        return true;
    }
    let Some(at) = offset(lowered, error.position()) else { return false };
    let rest = lowered.get(at..).unwrap_or_default();
    rest.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("//"))
}

/// The byte of a position that Rhai reports.
fn offset(text: &str, position: Position) -> Option<usize> {
    let line = position.line()?;
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let column = position.position().unwrap_or(0).max(1);
    let rest = text.get(start..)?;
    Some(start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at))
}

pub(super) fn next_entry<'t>(engine: &Engine, text: &'t str) -> Entry<'t> {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let words = RegistryWords(&engine.state.registry);
    let mut end = 0;
    let mut has_begun = false;
    for line in text.split_inclusive('\n') {
        end += line.len();
        let entry = text.get(..end).unwrap_or_default();
        if !has_begun {
            has_begun = !is_blank(entry, &words);
            if !has_begun {
                continue;
            }
        }
        let rest = text.get(end..).unwrap_or_default();
        if is_complete(engine, entry) == Completeness::Incomplete {
            continue;
        }
        // A fault inside of a block does not end the block.
        if lex(entry, &words).is_open && !rest.is_empty() {
            continue;
        }
        if goes_on(rest, &words) {
            continue;
        }
        let entry = entry.trim_end();
        return if is_exit(entry) { Entry::Exit } else { Entry::Whole { text: entry, rest } };
    }
    if has_begun { Entry::Open(text) } else { Entry::Nothing }
}

/// Whether a text has nothing but blanks and comments.
fn is_blank(text: &str, words: &RegistryWords<'_>) -> bool {
    lex(text, words).tokens.iter().all(|token| token.kind == super::lexer::Kind::Comment)
}

/// Whether the next line that says something goes on with the entry before it.
fn goes_on(rest: &str, words: &RegistryWords<'_>) -> bool {
    let lexed = lex(rest, words);
    let first = lexed.tokens.iter().find(|token| token.kind != super::lexer::Kind::Comment);
    let Some(first) = first else { return false };
    let next = rest.get(first.start..).unwrap_or_default();
    let word = rest.get(first.start..first.end).unwrap_or_default();
    if matches!(word, "else" | "elseif" | "catch") {
        return true;
    }
    match next.chars().next() {
        Some('|' | ')' | ']' | '}' | ',' | ';' | '=' | '+' | '*' | '/' | '%' | '^' | '<' | '>' | '&') => true,
        Some('.') => {
            !next.starts_with("..")
                && next.get(1..2).is_some_and(|c| c.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        }
        Some('?') => next.starts_with("?.") || next.starts_with("??"),
        Some('-') => next.get(1..2).is_some_and(|c| c.trim().is_empty()),
        _ => false,
    }
}

fn is_exit(entry: &str) -> bool {
    let word = entry.trim_end_matches(';').trim();
    word.eq_ignore_ascii_case("exit") || word.eq_ignore_ascii_case("quit")
}
