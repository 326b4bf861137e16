//! The properties of what stands before a dot, or flows into a command.

use super::Desk;
use super::lexer::{Kind, Lexed, Upstream};
use crate::command::Value;
use crate::engine::civil;
use crate::engine::members::property_names;

/// The names of properties, in their order.
type Names = Vec<String>;

/// The properties of the value that ends before the dot with this token's number.
pub(super) fn before_dot(desk: &Desk<'_>, text: &str, lexed: &Lexed, dot: usize) -> Names {
    // `a.b.c.` is read from its first name on.
    let mut path: Vec<&str> = Vec::new();
    let mut at = dot;
    let base = loop {
        let Some(before) = at.checked_sub(1) else { return Vec::new() };
        let Some(token) = lexed.tokens.get(before) else { return Vec::new() };
        let word = text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Property => {
                path.push(word);
                let Some(previous) = before.checked_sub(1) else { return Vec::new() };
                at = previous;
            }
            Kind::Variable => break Base::Name(word.trim_start_matches('$')),
            Kind::Name => break Base::Name(word),
            Kind::Text => break Base::Value(Value::text("")),
            Kind::Bracket if word == ")" => break Base::Bracket(before),
            _ => return Vec::new(),
        }
    };
    path.reverse();
    match base {
        Base::Name(name) if is_piped(text, lexed, name) => {
            if path.is_empty() {
                of_upstream(desk, text, lexed, lexed.piped)
            } else {
                Vec::new()
            }
        }
        Base::Name(name) => desk.variable(name).map_or_else(Vec::new, |value| of_path(value, &path)),
        Base::Value(value) => of_path(value, &path),
        Base::Bracket(close) if path.is_empty() => of_bracket(desk, text, lexed, close),
        Base::Bracket(_) => Vec::new(),
    }
}

enum Base<'a> {
    Name(&'a str),
    Value(Value),
    /// The closing bracket of an expression.
    Bracket(usize),
}

/// Whether a name stands for the object that flows by.
fn is_piped(text: &str, lexed: &Lexed, name: &str) -> bool {
    if lexed.piped == Upstream::Nothing {
        return false;
    }
    name == "_" || lexed.parameters.first().is_some_and(|(start, end)| text.get(*start..*end) == Some(name))
}

/// The properties of what comes out of a bracket: of the last command in it.
fn of_bracket(desk: &Desk<'_>, text: &str, lexed: &Lexed, close: usize) -> Names {
    let mut depth = 0_usize;
    let mut last = None;
    for token in lexed.tokens.get(..=close).unwrap_or_default().iter().rev() {
        let word = text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Bracket if matches!(word, ")" | "]" | "}") => depth += 1,
            Kind::Bracket => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            Kind::Verb if depth == 1 && last.is_none() => last = Some(token.start),
            _ => {}
        }
    }
    let Some(start) = last else { return Vec::new() };
    let verbs = lexed.tokens.iter().filter(|t| t.kind == Kind::Verb);
    let Some(stage) = verbs.enumerate().find(|(_, t)| t.start == start).map(|(index, _)| index) else {
        return Vec::new();
    };
    of_upstream(desk, text, lexed, Upstream::Stage(stage))
}

/// The properties of the objects that flow from somewhere.
pub(super) fn of_upstream(desk: &Desk<'_>, text: &str, lexed: &Lexed, upstream: Upstream) -> Names {
    let mut upstream = upstream;
    loop {
        match upstream {
            Upstream::Nothing => return Vec::new(),
            Upstream::Value(token) => {
                let Some(token) = lexed.tokens.get(token) else { return Vec::new() };
                let word = text.get(token.start..token.end).unwrap_or_default();
                return match token.kind {
                    Kind::Variable | Kind::Name => {
                        desk.variable(word.trim_start_matches('$')).map_or_else(Vec::new, |value| of_value(&value))
                    }
                    Kind::Text => of_value(&Value::text("")),
                    _ => Vec::new(),
                };
            }
            Upstream::Stage(index) => {
                let Some(stage) = lexed.stages.get(index) else { return Vec::new() };
                match stage.verb.as_str() {
                    // These pass on what they get.
                    "Where-Object" | "Sort-Object" | "Select-Object" | "Tee-Object" => upstream = stage.upstream,
                    "Get-Date" => return plain(civil::PROPERTIES),
                    "Group-Object" => return plain(&["Count", "Name", "Group"]),
                    verb => {
                        let emits = desk.state.registry.verb(verb).and_then(|verb| verb.spec.emits);
                        return emits.map_or_else(Vec::new, of_kind);
                    }
                }
            }
        }
    }
}

fn of_path(value: Value, path: &[&str]) -> Names {
    let mut value = value;
    for name in path {
        let next = match &value {
            Value::List(items) => items.iter().find_map(|item| item.property(name)),
            one => one.property(name),
        };
        let Some(next) = next else { return Vec::new() };
        value = next;
    }
    of_value(&value)
}

fn of_value(value: &Value) -> Names {
    match value {
        Value::Object(record) => of_kind(record.kind()),
        Value::List(items) => {
            let mut names = items.first().map_or_else(Vec::new, of_value);
            names.push("Count".to_owned());
            names
        }
        other => property_names(other),
    }
}

fn of_kind(kind: &crate::command::Kind) -> Names {
    let (shown, hidden): (Vec<_>, Vec<_>) = kind.properties.iter().partition(|property| !property.hidden);
    shown.into_iter().chain(hidden).map(|property| property.name.to_string()).collect()
}

fn plain(names: &[&str]) -> Names {
    names.iter().map(|name| (*name).to_owned()).collect()
}
