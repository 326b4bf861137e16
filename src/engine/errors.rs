//! Errors as scripts see them, and the way from Rhai's errors to the catalogue.

use std::any::Any;
use std::fmt::Display;
use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, Map, Position as RhaiPosition};

use super::values::Object;
use crate::command::{Kind, Property, Record, Value, View};
use crate::error::{Error, ErrorId, ExitCode};

/// An error as `catch (e)` and `$_` see it.
pub(super) struct ErrorRecord(pub(super) Error);

const PROPERTIES: &[Property] = &[
    Property::new("Message"),
    Property::new("Id"),
    Property::new("Category"),
    Property::new("Target"),
    Property::new("Hints"),
    Property::new("Cmdlet"),
    Property::new("File"),
    Property::new("Line"),
    Property::new("Column"),
    Property::new("FullyQualifiedErrorId"),
    Property::hidden("CategoryInfo"),
    Property::hidden("TargetObject"),
    Property::hidden("Exception"),
    Property::hidden("InvocationInfo"),
    // Rhai's own names of these two.
    Property::hidden("Error"),
    Property::hidden("Position"),
];

static KIND: Kind = Kind::new("ErrorRecord", PROPERTIES, View::List);

impl Record for ErrorRecord {
    fn kind(&self) -> &Kind {
        &KIND
    }

    fn value(&self, index: usize) -> Value {
        let error = &self.0;
        let place = error.position();
        match index {
            0 => error.message().into(),
            1 | 14 => error.id().name().into(),
            2 => error.id().category().to_string().into(),
            3 | 11 => Value::optional_text(error.target()),
            4 => Value::list(error.hints().into_iter().map(Value::from)),
            5 => Value::optional_text(error.verb()),
            6 => Value::optional_text(place.and_then(|p| p.file.as_deref())),
            7 => place.map(|p| i64::from(p.line)).into(),
            8 | 15 => place.map(|p| i64::from(p.column)).into(),
            9 => error.fully_qualified_id().into(),
            10 => Value::object(CategoryInfo(error.clone())),
            12 => Value::object(Exception(error.clone())),
            13 => Value::object(InvocationInfo(error.clone())),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.message().to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `$_.Exception`.
struct Exception(Error);

const EXCEPTION_PROPERTIES: &[Property] = &[Property::new("Message")];

static EXCEPTION: Kind = Kind::new("Exception", EXCEPTION_PROPERTIES, View::List);

impl Record for Exception {
    fn kind(&self) -> &Kind {
        &EXCEPTION
    }

    fn value(&self, _: usize) -> Value {
        self.0.message().into()
    }

    fn text(&self) -> Option<String> {
        Some(self.0.message().to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `$_.InvocationInfo`: which command failed, and where it stands.
struct InvocationInfo(Error);

const INVOCATION_PROPERTIES: &[Property] = &[
    Property::new("MyCommand"),
    Property::new("ScriptName"),
    Property::new("ScriptLineNumber"),
    Property::new("OffsetInLine"),
    Property::new("PositionMessage"),
];

static INVOCATION: Kind = Kind::new("InvocationInfo", INVOCATION_PROPERTIES, View::List);

impl Record for InvocationInfo {
    fn kind(&self) -> &Kind {
        &INVOCATION
    }

    fn value(&self, index: usize) -> Value {
        let place = self.0.position();
        match index {
            0 => Value::optional_text(self.0.verb()),
            1 => Value::optional_text(place.and_then(|p| p.file.as_deref())),
            2 => place.map(|p| i64::from(p.line)).into(),
            3 => place.map(|p| i64::from(p.column)).into(),
            _ => Value::optional_text(place.map(|p| format!("at {p}"))),
        }
    }

    fn text(&self) -> Option<String> {
        self.0.verb().map(str::to_owned)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `$_.CategoryInfo`.
struct CategoryInfo(Error);

const CATEGORY_PROPERTIES: &[Property] = &[
    Property::new("Category"),
    Property::new("Activity"),
    Property::new("Reason"),
    Property::new("TargetName"),
    Property::new("TargetType"),
];

static CATEGORY: Kind = Kind::new("ErrorCategoryInfo", CATEGORY_PROPERTIES, View::List);

impl Record for CategoryInfo {
    fn kind(&self) -> &Kind {
        &CATEGORY
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => self.0.id().category().to_string().into(),
            1 => Value::optional_text(self.0.verb()),
            2 => self.0.id().name().into(),
            3 => Value::optional_text(self.0.target()),
            _ => Value::optional_text(self.0.target().map(|_| "String")),
        }
    }

    fn text(&self) -> Option<String> {
        let error = &self.0;
        Some(format!(
            "{}: ({}) [{}], {}",
            error.id().category(),
            error.target().map_or(":", |t| t),
            error.verb().unwrap_or_default(),
            error.id()
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An error as the value that a script catches.
pub(super) fn caught(error: Error) -> Dynamic {
    Dynamic::from(Object(Arc::new(ErrorRecord(error))))
}

/// An error as Rhai throws it: catchable, but for the end of the whole run.
#[allow(clippy::unnecessary_box_returns, reason = "Rhai's results are boxed")]
pub(super) fn thrown(error: Error) -> Box<EvalAltResult> {
    if ends_run(&error) {
        return EvalAltResult::ErrorTerminated(caught(error), RhaiPosition::NONE).into();
    }
    EvalAltResult::ErrorRuntime(caught(error), RhaiPosition::NONE).into()
}

/// Whether an error is none that a script may catch or silence.
pub(super) fn ends_run(error: &Error) -> bool {
    matches!(error.id(), ErrorId::Interrupted | ErrorId::TimedOut | ErrorId::LimitExceeded)
}

/// The error inside a value that was thrown or caught, when it is one of ours.
pub(super) fn of_value(value: &Dynamic) -> Option<Error> {
    let object = value.read_lock::<Object>()?;
    object.0.as_any().downcast_ref::<ErrorRecord>().map(|record| record.0.clone())
}

/// The error that a thrown value stands for: ours as it was, a text or a map of the script's own as `ScriptError`.
pub(super) fn of_thrown(value: &Dynamic) -> Error {
    if let Some(error) = of_value(value) {
        return error;
    }
    if let Ok(map) = value.as_map_ref() {
        return of_map(&map);
    }
    let text = super::values::to_value(value)
        .map_or_else(|e| e.message().to_owned(), |v| v.display(&crate::model::Zone::utc()));
    Error::new(ErrorId::ScriptError, if text.is_empty() { "the script raised an error".to_owned() } else { text })
}

fn of_map(map: &Map) -> Error {
    let field = |name: &str| map.get(name).and_then(|v| v.clone().into_string().ok());
    let message = field("message").unwrap_or_else(|| "the script raised an error".to_owned());
    let id = field("id").and_then(|name| ErrorId::ALL.iter().find(|id| id.name().eq_ignore_ascii_case(&name)).copied());
    let error = Error::new(id.unwrap_or(ErrorId::ScriptError), message);
    match field("target") {
        Some(target) => error.about(target),
        None => error,
    }
}

/// One of Rhai's own errors from the map that `catch` is given: its kind, its message and its fields.
pub(super) fn of_caught(kind: &str, message: &str, fields: &Map) -> Error {
    let field = |name: &str| fields.get(name).map(ToString::to_string);
    match (kind, field("variable"), field("function")) {
        ("ErrorVariableNotFound", Some(name), _) => {
            Error::new(ErrorId::ScriptError, format!("there is no variable `{name}`")).about(name)
        }
        ("ErrorPropertyNotFound", Some(name), _) => no_entry(&name),
        ("ErrorFunctionNotFound", _, Some(signature)) => no_function(&signature, plain_type),
        ("ErrorArrayBounds", ..) => bounds("list", "elements", field("length"), field("index")),
        ("ErrorStringBounds", ..) => bounds("text", "characters", field("length"), field("index")),
        _ => {
            let message = message.split(" (line ").next().unwrap_or(message);
            let id = match kind {
                "ErrorIndexNotFound" | "ErrorDotExpr" => ErrorId::PathNotFound,
                "ErrorModuleNotFound" => ErrorId::FileNotFound,
                _ => ErrorId::ScriptError,
            };
            Error::new(id, lower_first(&plain(message, plain_type)))
        }
    }
}

fn plain_type(rust: &str) -> String {
    super::show::plain_name(rust.rsplit("::").next().unwrap_or(rust))
}

/// One of Rhai's own errors in the words of the catalogue, without its position.
pub(super) fn of_rhai(error: &EvalAltResult, type_name: impl Fn(&str) -> String) -> Error {
    use EvalAltResult as E;
    let script = |text: String| Error::new(ErrorId::ScriptError, text);
    let limit = |text: &str| Error::new(ErrorId::LimitExceeded, text);
    match error {
        E::ErrorRuntime(value, _) => of_thrown(value),
        E::ErrorTerminated(token, _) => {
            of_value(token).unwrap_or_else(|| Error::new(ErrorId::Interrupted, "the run was interrupted"))
        }
        E::ErrorInFunctionCall(_, _, inner, _) | E::ErrorInModule(_, inner, _) => of_rhai(inner, type_name),
        E::ErrorParsing(kind, _) => {
            Error::new(ErrorId::ParseError, lower_first(&kind.to_string())).exits(ExitCode::Usage)
        }
        E::ErrorVariableNotFound(name, _) => script(format!("there is no variable `{name}`")).about(name.clone()),
        E::ErrorPropertyNotFound(name, _) => no_entry(name),
        E::ErrorIndexNotFound(index, _) => {
            Error::new(ErrorId::PathNotFound, format!("there is no entry `{}`", of_thrown(index).message()))
        }
        E::ErrorFunctionNotFound(signature, _) => no_function(signature, type_name),
        E::ErrorModuleNotFound(name, _) => {
            Error::new(ErrorId::FileNotFound, format!("there is no module `{name}`")).about(name.clone())
        }
        E::ErrorTooManyOperations(_) => limit("the script takes more operations than its limit"),
        E::ErrorTooManyVariables(_) => limit("the script has more variables than its limit"),
        E::ErrorTooManyModules(_) => limit("the script imports more modules than its limit"),
        E::ErrorStackOverflow(_) => limit("functions call one another deeper than the limit"),
        E::ErrorDataTooLarge(what, _) => limit(&format!("{} is larger than the limit", data_name(what))),
        E::ErrorDotExpr(text, _) => no_property(text, type_name),
        E::ErrorMismatchDataType(wanted, actual, _) | E::ErrorMismatchOutputType(wanted, actual, _) => {
            script(format!("a value of type `{}` is wanted here, not `{}`", type_name(wanted), type_name(actual)))
        }
        E::ErrorIndexingType(what, _) => script(format!("this cannot be indexed: {}", plain(what, type_name))),
        E::ErrorFor(_) => script("`for` needs something to go through: a list, a range, a text".into()),
        E::ErrorArrayBounds(len, index, _) => bounds("list", "elements", Some(len), Some(index)),
        E::ErrorStringBounds(len, index, _) => bounds("text", "characters", Some(len), Some(index)),
        E::ErrorAssignmentToConstant(name, _) => script(format!("`{name}` cannot be assigned to")),
        other => {
            let mut text = other.to_string();
            if let Some(end) = text.find(" (line ") {
                text.truncate(end);
            }
            script(lower_first(&plain(&text, type_name)))
        }
    }
}

fn no_entry(name: &str) -> Error {
    let error = Error::new(ErrorId::PathNotFound, format!("the map has no entry `{name}`")).about(name);
    // What PowerShell asks a table for, and Rhai calls otherwise.
    match name.to_ascii_lowercase().as_str() {
        "keys" => error.hint("its names are `m.keys()`"),
        "values" => error.hint("its values are `m.values()`"),
        "count" | "length" => error.hint("their number is `m.len()`"),
        _ => error,
    }
}

fn bounds(what: &str, parts: &str, length: Option<impl Display>, index: Option<impl Display>) -> Error {
    let message = match (length, index) {
        (Some(length), Some(index)) => format!("the {what} has {length} {parts} and none at {index}"),
        _ => format!("the {what} ends before"),
    };
    Error::new(ErrorId::PathNotFound, message)
}

fn data_name(what: &str) -> String {
    match what {
        "Length of string" => "a text".into(),
        "Size of array" | "Size of array/BLOB" => "a list".into(),
        "Size of object map" => "a map".into(),
        "Size of BLOB" => "a block of bytes".into(),
        other => lower_first(other),
    }
}

fn no_function(signature: &str, type_name: impl Fn(&str) -> String) -> Error {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ")"));
    let arguments: Vec<String> = arguments
        .strip_suffix(')')
        .unwrap_or(arguments)
        .split(", ")
        .filter(|a| !a.is_empty())
        .map(|a| if a.contains("ImmutableString") { "String".to_owned() } else { type_name(a) })
        .collect();
    let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let error = match (operator, arguments.as_slice()) {
        (true, [left, right]) => {
            Error::new(ErrorId::ScriptError, format!("`{name}` does not work between `{left}` and `{right}`"))
        }
        (true, [one]) => Error::new(ErrorId::ScriptError, format!("`{name}` does not work on `{one}`")),
        (_, []) => Error::new(ErrorId::ScriptError, format!("there is no function `{name}` without arguments")),
        _ => Error::new(
            ErrorId::ScriptError,
            format!("there is no function `{name}` for arguments of the types `{}`", arguments.join("`, `")),
        ),
    };
    error.about(name)
}

/// `… property 'x' - a setter is not registered for type 'T' …`
fn no_property(text: &str, type_name: impl Fn(&str) -> String) -> Error {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(name), Some(what)) if text.contains("writable") || text.contains("setter") => {
            Error::new(ErrorId::ScriptError, format!("`{name}` of a `{}` cannot be set", type_name(what))).about(name)
        }
        (Some(name), Some(what)) => {
            Error::new(ErrorId::PathNotFound, format!("`{}` has no property `{name}`", type_name(what))).about(name)
        }
        _ => Error::new(ErrorId::PathNotFound, lower_first(&plain(text, type_name))),
    }
}

fn plain(text: &str, type_name: impl Fn(&str) -> String) -> String {
    text.split(' ')
        .map(|word| {
            let bare = word.trim_matches(|c: char| matches!(c, '\'' | '(' | ')' | ',' | '`'));
            if bare.contains("::") { word.replace(bare, &type_name(bare)) } else { word.to_owned() }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_names_everything_a_script_asks_for() {
        let error = Error::new(ErrorId::InvalidThumbprint, "too short").about("00").in_verb("Set-X");
        let record = Value::object(ErrorRecord(error));
        let text = |name: &str| record.property(name).unwrap().display(&crate::model::Zone::utc());
        assert_eq!(text("id"), "InvalidThumbprint");
        assert_eq!(text("message"), "too short");
        assert_eq!(text("category"), "InvalidArgument");
        assert_eq!(text("target"), "00");
        assert_eq!(text("targetobject"), "00");
        assert_eq!(text("fullyqualifiederrorid"), "InvalidThumbprint,Set-X");
        assert_eq!(
            record.property("Exception").unwrap().property("Message").unwrap().display(&crate::model::Zone::utc()),
            "too short"
        );
        assert!(!record.property("hints").unwrap().items().is_empty());
    }

    #[test]
    fn missing_functions_are_named_without_rust_types() {
        let error = EvalAltResult::ErrorFunctionNotFound(
            "foo (i64, &str | ImmutableString | String)".into(),
            RhaiPosition::NONE,
        );
        let error = of_rhai(&error, |name| if name == "i64" { "Int64".into() } else { name.into() });
        assert_eq!(error.message(), "there is no function `foo` for arguments of the types `Int64`, `String`");
        let error = EvalAltResult::ErrorFunctionNotFound("+ (i64, ())".into(), RhaiPosition::NONE);
        assert_eq!(of_rhai(&error, str::to_owned).message(), "`+` does not work between `i64` and `()`");
    }
}
