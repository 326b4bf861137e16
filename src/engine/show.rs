//! How scripts turn values into text: `print`, `to_string`, `to_json`, interpolation, never a Rust type's name.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine as Rhai, EvalAltResult, FnPtr, ImmutableString, Map};

use super::errors::thrown;
use super::pipeline::Pipeline;
use super::state::State;
use super::values::{Object, Span, to_value};
use crate::command::{Message, Stream};
use crate::format::{json_text, to_json};
use crate::model::{Moment, Secret};

type Answer = Result<ImmutableString, Box<EvalAltResult>>;

/// Registers the text forms of the values that Rhai does not know.
pub(super) fn register(engine: &mut Rhai, state: &Arc<State>) {
    engine
        .register_type_with_name::<Object>("PSObject")
        .register_type_with_name::<Moment>("DateTime")
        .register_type_with_name::<Span>("TimeSpan")
        .register_type_with_name::<Secret>("SecureString")
        .register_type_with_name::<Pipeline>("Pipeline");
    for name in ["to_string", "to_debug"] {
        text_of::<Object>(engine, state, name);
        text_of::<Moment>(engine, state, name);
        text_of::<Span>(engine, state, name);
        text_of::<Secret>(engine, state, name);
        engine.register_fn(name, |_: &mut FnPtr| ImmutableString::from("{ … }"));
        engine.register_fn(name, |_: &mut Pipeline| ImmutableString::from("Pipeline"));
    }
    engine.register_fn("to_json", |value: &mut Map| json(&Dynamic::from_map(value.clone())));
    engine.register_fn("to_json", |value: &mut Array| json(&Dynamic::from_array(value.clone())));
    engine.register_fn("to_json", |value: &mut Object| json(&Dynamic::from(value.clone())));
    engine.register_fn("to_json", |value: &mut Moment| json(&Dynamic::from(*value)));
    let host = Arc::clone(state);
    engine.on_print(move |text| host.show(&Message::new(Stream::Host, text)));
    let host = Arc::clone(state);
    engine.on_debug(move |text, _, _| host.show(&Message::new(Stream::Debug, text)));
}

fn text_of<T: Clone + Send + Sync + 'static>(engine: &mut Rhai, state: &Arc<State>, name: &str) {
    let state = Arc::clone(state);
    engine.register_fn(name, move |value: &mut T| -> Answer { text(&state, &Dynamic::from(value.clone())) });
}

fn text(state: &State, value: &Dynamic) -> Answer {
    to_value(value).map(|v| v.display(&state.zone()).into()).map_err(thrown)
}

fn json(value: &Dynamic) -> Answer {
    to_value(value).map(|v| json_text(&to_json(&v)).into()).map_err(thrown)
}

/// The name of a type as messages show it.
pub(super) fn type_name(engine: &Rhai, rust: &str) -> String {
    let name = engine.map_type_name(rust.trim_start_matches("&mut ").trim_start_matches('&'));
    plain_name(name.rsplit("::").next().unwrap_or(name))
}

/// The name of one of Rhai's own types as messages show it.
pub(super) fn plain_name(name: &str) -> String {
    match name {
        "i64" | "int" => "Int64",
        "f64" | "float" => "Double",
        "bool" => "Boolean",
        "()" => "$null",
        "array" => "Object[]",
        "map" => "Hashtable",
        "Fn" => "ScriptBlock",
        "char" => "Char",
        "string" | "ImmutableString" | "str" | "String" => "String",
        "Moment" => "DateTime",
        "Object" => "PSObject",
        "Span" => "TimeSpan",
        "Secret" => "SecureString",
        other => other,
    }
    .to_owned()
}
