//! The parameters of a script: `NAME=VALUE` on a command line, converted by the type that the script declares.

use super::bind::check::literal;
use super::lower::ScriptParameter;
use super::members::nearest;
use super::state::State;
use crate::command::{Facts, FromValue, Value};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::{Moment, Secret};

/// The values of all declared parameters, in their order.
///
/// # Errors
/// `NamedParameterNotFound`, `ParameterAlreadyBound`, `MissingMandatoryParameter`, those of a conversion; exit code 2.
pub(super) fn bind(
    declared: &[ScriptParameter],
    given: &[(String, String)],
    state: &State,
) -> Result<Vec<(String, Value)>> {
    bind_all(declared, given, state).map_err(|e| e.exits(ExitCode::Usage))
}

fn bind_all(declared: &[ScriptParameter], given: &[(String, String)], state: &State) -> Result<Vec<(String, Value)>> {
    for (index, (name, _)) in given.iter().enumerate() {
        if !declared.iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
            return Err(unknown(declared, name));
        }
        if given.iter().take(index).any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(Error::new(ErrorId::ParameterAlreadyBound, format!("`{name}` is given twice")).about(name));
        }
    }
    declared
        .iter()
        .map(|parameter| {
            let given = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(&parameter.name));
            let value = match (given, &parameter.default) {
                (Some((_, text)), _) => convert(parameter, &Value::text(text), &state.session)?,
                (None, Some(default)) => convert(parameter, &literal(default), &state.session)?,
                (None, None) => convert(parameter, &ask(parameter, state)?, &state.session)?,
            };
            Ok((parameter.name.clone(), value))
        })
        .collect()
}

fn unknown(declared: &[ScriptParameter], name: &str) -> Error {
    let names: Vec<String> = declared.iter().map(|p| format!("`{}`", p.name)).collect();
    let error =
        Error::new(ErrorId::NamedParameterNotFound, format!("the script declares no parameter `{name}`")).about(name);
    let error = match nearest(name, declared.iter().map(|p| p.name.as_str())) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    if names.is_empty() {
        error.hint("a script declares its parameters first: `param(#{ name: #{ type: \"String\" } });`")
    } else {
        error.hint(format!("it declares {}", names.join(", ")))
    }
}

fn ask(parameter: &ScriptParameter, state: &State) -> Result<Value> {
    let console = &state.console;
    let prompt = format!("{}: ", parameter.name);
    if console.interactive() {
        if parameter.kind.eq_ignore_ascii_case("SecureString") {
            return console.read_secret(&prompt).map(Value::Secret);
        }
        return console.read_line(&prompt).map(Value::from);
    }
    let error = Error::new(ErrorId::MissingMandatoryParameter, format!("the script needs `{}`", parameter.name))
        .about(&parameter.name)
        .at(parameter.position.clone());
    let help = parameter.help.as_deref().unwrap_or(&parameter.kind);
    Err(error.hint(format!("give it as `{}=VALUE`: {help}", parameter.name)))
}

fn convert(parameter: &ScriptParameter, value: &Value, facts: &dyn Facts) -> Result<Value> {
    let convert: fn(&Value, &dyn Facts) -> Result<Value> = match parameter.kind.to_ascii_lowercase().as_str() {
        "string" => String::normalise,
        "int" | "int32" | "int64" | "integer" => i64::normalise,
        "double" | "float" => number,
        "bool" | "boolean" | "switch" => bool::normalise,
        "datetime" | "date" => Moment::normalise,
        "securestring" | "secret" => Secret::normalise,
        "string[]" => words,
        _ => {
            return Err(Error::new(
                ErrorId::ParseError,
                format!("`{}` is no type of a script's parameter", parameter.kind),
            )
            .about(&parameter.kind)
            .at(parameter.position.clone())
            .hint("the types are `String`, `String[]`, `Int32`, `Double`, `Boolean`, `DateTime`, `SecureString`"));
        }
    };
    convert(value, facts).map_err(|e| {
        let mut error = Error::new(e.id(), format!("`{}`: {}", parameter.name, e.message())).about(&parameter.name);
        for hint in e.hints() {
            error = error.hint(hint);
        }
        error
    })
}

fn number(value: &Value, _: &dyn Facts) -> Result<Value> {
    match value {
        Value::Float(_) => Ok(value.clone()),
        Value::Int(i) => Ok(Value::Float(*i as f64)),
        Value::Text(text) => {
            text.trim().parse().map(Value::Float).map_err(|_| crate::command::cannot_convert(value, "Double"))
        }
        other => Err(crate::command::cannot_convert(other, "Double")),
    }
}

/// `a,b` on a command line is a list.
fn words(value: &Value, facts: &dyn Facts) -> Result<Value> {
    match value {
        Value::Text(text) => Ok(Value::list(text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(Value::text))),
        other => Vec::<String>::normalise(other, facts),
    }
}
