//! What is likely to be typed next: a line of the history, the rest of a word, the next parameter.

use super::arguments::Given;
use super::lexer::{Kind, Place, lex};
use super::{Desk, begins};
use crate::command::ParamSpec;
use crate::engine::bind::words::RegistryWords;

/// What is shown behind the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What is shown.
    pub shown: String,
    /// What is put in when the operator takes it; `None` where it only tells something.
    pub inserted: Option<String>,
}

impl Hint {
    fn rest(text: &str) -> Self {
        Self { shown: text.to_owned(), inserted: Some(text.to_owned()) }
    }
}

/// The shortest word whose rest is guessed.
const SHORTEST: usize = 3;

pub(super) fn hint(desk: &Desk<'_>, text: &str, remembered: Option<&str>) -> Option<Hint> {
    if text.trim().is_empty() {
        return None;
    }
    if let Some(rest) = remembered.and_then(|line| line.strip_prefix(text)).filter(|rest| !rest.is_empty()) {
        return Some(Hint::rest(rest));
    }
    let lexed = lex(text, &RegistryWords(&desk.state.registry));
    let word = lexed.tokens.last().filter(|last| last.end == text.len());
    let typed = word.map_or("", |w| text.get(w.start..w.end).unwrap_or_default());
    match (lexed.place, word.map(|w| w.kind)) {
        (Place::Start | Place::AfterBar(_), Some(Kind::Unregistered | Kind::Name)) if typed.len() >= SHORTEST => {
            let mut names = desk.state.registry.names().filter(|name| begins(name, typed));
            let first = names.next()?;
            // Several that go on alike are one guess as far as they do.
            let rest = names.fold(first.get(typed.len()..)?, |rest, name| {
                common(rest, name.get(typed.len()..).unwrap_or_default())
            });
            (!rest.is_empty()).then(|| Hint::rest(rest))
        }
        (Place::Arguments(stage), Some(Kind::Parameter)) => {
            let given = Given::read(desk, text, &lexed, stage, word)?;
            let name = typed.trim_start_matches('-');
            let mut fits = given.open().into_iter().filter(|p| !name.is_empty() && begins(p.name, name));
            let (first, more) = (fits.next()?, fits.next().is_some());
            let rest = first.name.get(name.len()..)?;
            if more || rest.is_empty() {
                return None;
            }
            Some(Hint { shown: format!("{rest}{}", type_of(first)), inserted: Some(rest.to_owned()) })
        }
        (Place::Arguments(stage), None) if text.ends_with([' ', '\t', ',']) => {
            let given = Given::read(desk, text, &lexed, stage, None)?;
            if given.must_have_value {
                let wanted = given.wanted?;
                return Some(Hint { shown: format!("<{}>", wanted.type_name), inserted: None });
            }
            let sets = given.sets();
            let set = sets.first()?;
            let next = given.open().into_iter().find(|p| p.mandatory_in(set))?;
            Some(Hint { shown: format!("-{}{}", next.name, type_of(next)), inserted: Some(format!("-{} ", next.name)) })
        }
        _ => None,
    }
}

fn type_of(parameter: &ParamSpec) -> String {
    if parameter.switch { String::new() } else { format!(" <{}>", parameter.type_name) }
}

/// As much of a text as another begins with.
fn common<'t>(a: &'t str, b: &str) -> &'t str {
    let end =
        a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map_or(a.len().min(b.len()), |((at, _), _)| at);
    a.get(..end).unwrap_or_default()
}
