//! Values of the command language and Rhai's own, both ways.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use rhai::{Array, Dynamic, FnPtr, Map};

use crate::command::{Block, Record, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Secret};

/// Lists and maps may be nested so deep.
const MAX_DEPTH: usize = 100;

/// A range becomes a list of at most so many numbers.
const MAX_RANGE: i64 = 1_000_000;

/// An object with named properties, as scripts hold it.
#[derive(Clone)]
pub(super) struct Object(pub(super) Arc<dyn Record>);

/// A length of time in seconds, as scripts hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span(pub(super) i64);

/// A script's last value that went to the stream already.
#[derive(Clone)]
pub(super) struct Streamed(pub(super) Value);

/// A Rhai value that means nothing to verbs and passes through them unchanged.
struct Opaque(Dynamic);

/// A value as Rhai sees it.
pub(super) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Float(f) => (*f).into(),
        Value::Text(t) => Dynamic::from(rhai::ImmutableString::from(&**t)),
        Value::Moment(m) => Dynamic::from(*m),
        Value::Span(s) => Dynamic::from(Span(*s)),
        Value::Secret(s) => Dynamic::from(s.clone()),
        Value::Object(record) => Dynamic::from(Object(Arc::clone(record))),
        Value::List(items) => Dynamic::from_array(items.iter().map(to_dynamic).collect()),
        Value::Map(entries) => {
            let map: Map = entries.iter().map(|(k, v)| (k.as_ref().into(), to_dynamic(v))).collect();
            Dynamic::from_map(map)
        }
        Value::Block(block) => {
            if let Some(pointer) = block.inner::<FnPtr>() {
                return Dynamic::from(pointer.clone());
            }
            block.inner::<Opaque>().map_or(Dynamic::UNIT, |opaque| opaque.0.clone())
        }
    }
}

/// A Rhai value as verbs see it.
///
/// # Errors
/// `LimitExceeded` for lists nested beyond all reason and for endless ranges.
pub(super) fn to_value(dynamic: &Dynamic) -> Result<Value> {
    convert(dynamic, 0)
}

fn convert(dynamic: &Dynamic, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(Error::new(ErrorId::LimitExceeded, format!("lists are nested more than {MAX_DEPTH} deep")));
    }
    if dynamic.is_shared() {
        return convert(&dynamic.flatten_clone(), depth);
    }
    if dynamic.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(text) = dynamic.as_immutable_string_ref() {
        return Ok(Value::text(text.as_str()));
    }
    if let Ok(int) = dynamic.as_int() {
        return Ok(Value::Int(int));
    }
    if let Ok(truth) = dynamic.as_bool() {
        return Ok(Value::Bool(truth));
    }
    if let Ok(float) = dynamic.as_float() {
        return Ok(Value::Float(float));
    }
    if let Ok(letter) = dynamic.as_char() {
        return Ok(Value::from(letter.to_string()));
    }
    if let Ok(items) = dynamic.as_array_ref() {
        return list(&items, depth);
    }
    if let Ok(map) = dynamic.as_map_ref() {
        return entries(&map, depth);
    }
    if let Ok(bytes) = dynamic.as_blob_ref() {
        return Ok(Value::list(bytes.iter().map(|b| Value::Int(i64::from(*b)))));
    }
    custom(dynamic)
}

fn list(items: &Array, depth: usize) -> Result<Value> {
    let values: Result<Arc<[Value]>> = items.iter().map(|item| convert(item, depth + 1)).collect();
    values.map(Value::List)
}

fn entries(map: &Map, depth: usize) -> Result<Value> {
    let pairs = map.iter().map(|(key, value)| Ok((Arc::from(key.as_str()), convert(value, depth + 1)?)));
    pairs.collect::<Result<_>>().map(Value::Map)
}

fn custom(dynamic: &Dynamic) -> Result<Value> {
    if let Some(object) = dynamic.read_lock::<Object>() {
        return Ok(Value::Object(Arc::clone(&object.0)));
    }
    if let Some(moment) = dynamic.read_lock::<Moment>() {
        return Ok(Value::Moment(*moment));
    }
    if let Some(span) = dynamic.read_lock::<Span>() {
        return Ok(Value::Span(span.0));
    }
    if let Some(secret) = dynamic.read_lock::<Secret>() {
        return Ok(Value::Secret(secret.clone()));
    }
    if let Some(pointer) = dynamic.read_lock::<FnPtr>() {
        return Ok(Value::Block(Block::new(pointer.clone())));
    }
    if let Some(range) = dynamic.read_lock::<Range<i64>>() {
        return numbers(range.start, range.end);
    }
    if let Some(range) = dynamic.read_lock::<RangeInclusive<i64>>() {
        return numbers(*range.start(), range.end().saturating_add(1));
    }
    Ok(Value::Block(Block::new(Opaque(dynamic.clone()))))
}

fn numbers(start: i64, end: i64) -> Result<Value> {
    if end.saturating_sub(start) > MAX_RANGE {
        return Err(Error::new(
            ErrorId::LimitExceeded,
            format!("a range of more than {MAX_RANGE} numbers does not become a list"),
        ));
    }
    Ok(Value::list((start..end).map(Value::Int)))
}

/// The values that a pipeline's head sends down: the elements of a list, nothing for `$null`, else the value itself.
pub(super) fn enumerate(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::List(items) => items.to_vec(),
        one => vec![one],
    }
}

/// What a pipeline comes to as a value: nothing, the one object, or a list.
pub(super) fn collected(mut values: Vec<Value>) -> Value {
    match values.len() {
        0 => Value::Null,
        1 => values.swap_remove(0),
        _ => Value::list(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_to_rhai_and_back() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(-5),
            Value::Float(1.5),
            Value::text("é"),
            Value::Moment(Moment::from_unix(7)),
            Value::Span(90),
            Value::list([Value::Int(1), Value::text("b")]),
            Value::Map(Arc::from([(Arc::from("k"), Value::Int(1))])),
        ];
        for value in values {
            let back = to_value(&to_dynamic(&value)).unwrap();
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
            assert_eq!(back.type_name(), value.type_name());
        }
    }

    #[test]
    fn shared_values_and_ranges_are_plain_values() {
        let shared = Dynamic::from(5_i64).into_shared();
        assert!(matches!(to_value(&shared).unwrap(), Value::Int(5)));
        assert_eq!(to_value(&Dynamic::from(1_i64..4)).unwrap().items().len(), 3);
        assert_eq!(to_value(&Dynamic::from(1_i64..=4)).unwrap().items().len(), 4);
        assert_eq!(to_value(&Dynamic::from(0_i64..i64::MAX)).unwrap_err().id(), ErrorId::LimitExceeded);
    }

    #[test]
    fn bottomless_lists_are_refused() {
        let mut deep = Dynamic::from(1_i64);
        for _ in 0..200 {
            deep = Dynamic::from_array(vec![deep]);
        }
        assert_eq!(to_value(&deep).unwrap_err().id(), ErrorId::LimitExceeded);
    }
}
