//! The functions that lowered text calls, and the operators of values that Rhai does not know.

use std::cmp::Ordering;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine as Rhai, EvalAltResult, INT, ImmutableString, Map, NativeCallContext};

use super::errors::thrown;
use super::members::{method, property};
use super::operators::{self, OPERATORS, Operator, apply, join, split_blanks};
use super::pipeline::{Pipeline, command, drive, values_of};
use super::state::State;
use super::values::{Object, Span, Streamed, collected, enumerate, to_dynamic, to_value};
use crate::command::Value;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Secret};

type Thrown = Box<EvalAltResult>;

/// So many objects of a script's last value are kept for the host.
const KEPT: usize = 1000;

/// Registers all of it.
pub(super) fn register(engine: &mut Rhai, state: &Arc<State>) {
    pipelines(engine, state);
    texts(engine, state);
    comparisons(engine, state);
    members(engine, state);
    time(engine, state);
    exit(engine, state);
}

fn pipelines(engine: &mut Rhai, state: &Arc<State>) {
    let host = Arc::clone(state);
    engine.register_fn(
        "__cmd",
        move |cx: NativeCallContext<'_>,
              name: &str,
              site: INT,
              positional: Array,
              named: Map|
              -> Result<Pipeline, Thrown> {
            command(&host.registry, &host.sources, cx.call_source(), name, site, positional, named)
                .map(Pipeline::of)
                .map_err(thrown)
        },
    );
    let host = Arc::clone(state);
    engine.register_fn(
        "__pipe",
        move |cx: NativeCallContext<'_>,
              upstream: Dynamic,
              name: &str,
              site: INT,
              positional: Array,
              named: Map|
              -> Result<Pipeline, Thrown> {
            command(&host.registry, &host.sources, cx.call_source(), name, site, positional, named)
                .map(|command| Pipeline::then(upstream.flatten(), command))
                .map_err(thrown)
        },
    );
    let host = Arc::clone(state);
    engine.register_fn("__emit", move |cx: NativeCallContext<'_>, value: Dynamic| -> Result<(), Thrown> {
        if let Some(pipeline) = value.read_lock::<Pipeline>() {
            return drive(&cx, &host, &pipeline, &mut |object| host.put(object));
        }
        for one in enumerate(to_value(&value).map_err(thrown)?) {
            host.put(one).map_err(thrown)?;
        }
        Ok(())
    });
    let host = Arc::clone(state);
    engine.register_fn("__collect", move |cx: NativeCallContext<'_>, value: Dynamic| -> Result<Dynamic, Thrown> {
        let Some(pipeline) = value.read_lock::<Pipeline>().map(|pipeline| pipeline.clone()) else {
            return Ok(value);
        };
        if pipeline.is_tail() {
            return stream(&cx, &host, &pipeline).map(Dynamic::from);
        }
        values_of(&cx, &host, &value).map(|values| to_dynamic(&collected(values)))
    });
    let host = Arc::clone(state);
    engine.register_fn("__each", move |cx: NativeCallContext<'_>, value: Dynamic| -> Result<Dynamic, Thrown> {
        let value = value.flatten();
        if value.is_array() || value.is::<std::ops::Range<INT>>() || value.is::<std::ops::RangeInclusive<INT>>() {
            return Ok(value);
        }
        array_of(&cx, &host, value).map(Dynamic::from_array)
    });
    let host = Arc::clone(state);
    engine.register_fn("__array", move |cx: NativeCallContext<'_>, value: Dynamic| -> Result<Array, Thrown> {
        array_of(&cx, &host, value)
    });
    let host = Arc::clone(state);
    engine.register_fn("__concat", move |cx: NativeCallContext<'_>, values: Array| -> Result<Array, Thrown> {
        let mut all = Array::new();
        for value in values {
            all.extend(array_of(&cx, &host, value)?);
        }
        Ok(all)
    });
}

/// Sends the script's own last value to the stream as it comes, and keeps what of it is few.
fn stream(cx: &NativeCallContext<'_>, state: &State, pipeline: &Pipeline) -> Result<Streamed, Thrown> {
    let (mut kept, mut count) = (Vec::new(), 0_usize);
    drive(cx, state, pipeline, &mut |object| {
        count += 1;
        match count {
            ..=KEPT => kept.push(object.clone()),
            _ => kept = Vec::new(),
        }
        state.put(object)
    })?;
    Ok(Streamed(collected(kept)))
}

/// The elements that a value comes to; what Rhai holds stays as it is.
fn array_of(cx: &NativeCallContext<'_>, state: &State, value: Dynamic) -> Result<Array, Thrown> {
    if value.is::<Pipeline>() {
        return Ok(values_of(cx, state, &value)?.iter().map(to_dynamic).collect());
    }
    if value.is_unit() {
        return Ok(Array::new());
    }
    match value.flatten().try_cast_result::<Array>() {
        Ok(array) => Ok(array),
        Err(one) => Ok(vec![one]),
    }
}

fn texts(engine: &mut Rhai, state: &Arc<State>) {
    // What a pipeline came to is no truth of Rhai's, but `!(Get-X …)` asks for one.
    engine.register_fn("!", |(): ()| true);
    engine.register_fn("!", |_: Object| false);
    engine.register_fn("!", |list: Array| list.is_empty());
    engine.register_fn("!", |text: &str| text.is_empty());
    let host = Arc::clone(state);
    engine.register_fn("__ok", move || host.is_ok());
    engine.register_fn("__true", |value: Dynamic| -> Result<bool, Thrown> {
        to_value(&value).map(|v| v.is_true()).map_err(thrown)
    });
    let host = Arc::clone(state);
    engine.register_fn("__expand", move |parts: Array| -> Result<ImmutableString, Thrown> {
        let zone = host.zone();
        let mut text = String::new();
        for part in &parts {
            text.push_str(&to_value(part).map_err(thrown)?.display(&zone));
        }
        Ok(text.into())
    });
    let host = Arc::clone(state);
    engine.register_fn("__join", move |list: Dynamic| -> Result<ImmutableString, Thrown> {
        let list = to_value(&list).map_err(thrown)?;
        Ok(join(&list, "", &host.zone()).into())
    });
    let host = Arc::clone(state);
    engine.register_fn("__split", move |text: Dynamic| -> Result<Dynamic, Thrown> {
        let text = to_value(&text).map_err(thrown)?;
        Ok(to_dynamic(&split_blanks(&text, &host.zone())))
    });
}

fn comparisons(engine: &mut Rhai, state: &Arc<State>) {
    for (name, operator) in OPERATORS {
        for match_case in [false, true] {
            if match_case && *operator == Operator::Join {
                continue;
            }
            let name = format!("__{}{name}", if match_case { "c" } else { "" });
            let host = Arc::clone(state);
            let operator = *operator;
            engine.register_fn(
                name,
                move |cx: NativeCallContext<'_>, left: Dynamic, right: Dynamic| -> Result<Dynamic, Thrown> {
                    operate(&host, operator, &left, &right, match_case).map_err(|e| thrown_at(&cx, &host, e))
                },
            );
        }
    }
    // Operators of Rhai's own spelling between values that it does not know.
    for (name, wanted) in [
        ("==", &[Ordering::Equal][..]),
        ("!=", &[Ordering::Less, Ordering::Greater]),
        ("<", &[Ordering::Less]),
        ("<=", &[Ordering::Less, Ordering::Equal]),
        (">", &[Ordering::Greater]),
        (">=", &[Ordering::Greater, Ordering::Equal]),
    ] {
        engine.register_fn(name, move |a: Moment, b: Moment| wanted.contains(&a.cmp(&b)));
        engine.register_fn(name, move |a: Span, b: Span| wanted.contains(&a.cmp(&b)));
        let host = Arc::clone(state);
        engine.register_fn(name, move |a: Moment, b: &str| -> Result<bool, Thrown> {
            Moment::parse(b, &host.zone()).map(|b| wanted.contains(&a.cmp(&b))).map_err(thrown)
        });
        let host = Arc::clone(state);
        engine.register_fn(name, move |a: &str, b: Moment| -> Result<bool, Thrown> {
            Moment::parse(a, &host.zone()).map(|a| wanted.contains(&a.cmp(&b))).map_err(thrown)
        });
    }
    for (name, truth) in [("==", true), ("!=", false)] {
        let host = Arc::clone(state);
        engine.register_fn(name, move |a: Object, b: Object| {
            operators::equal(&Value::Object(a.0), &Value::Object(b.0), true, &host.zone()) == truth
        });
        let host = Arc::clone(state);
        engine.register_fn(name, move |a: Object, b: &str| {
            operators::equal(&Value::Object(a.0), &Value::text(b), true, &host.zone()) == truth
        });
        engine.register_fn(name, move |_: Secret, _: Secret| !truth);
    }
}

/// Throws an error that a script can ask for its place.
#[allow(clippy::unnecessary_box_returns, reason = "Rhai's results are boxed")]
fn thrown_at(cx: &NativeCallContext<'_>, state: &State, error: Error) -> Thrown {
    let place = cx.call_source().and_then(|source| state.sources.place(source, cx.call_position()));
    thrown(match place {
        Some(place) if error.position().is_none() => error.at(place),
        _ => error,
    })
}

fn operate(state: &State, operator: Operator, left: &Dynamic, right: &Dynamic, match_case: bool) -> Result<Dynamic> {
    // Numbers need no conversion.
    if let (Ok(a), Ok(b)) = (left.as_int(), right.as_int()) {
        match operator {
            Operator::Eq => return Ok((a == b).into()),
            Operator::Ne => return Ok((a != b).into()),
            Operator::Lt => return Ok((a < b).into()),
            Operator::Le => return Ok((a <= b).into()),
            Operator::Gt => return Ok((a > b).into()),
            Operator::Ge => return Ok((a >= b).into()),
            _ => {}
        }
    }
    let (left, right) = (to_value(left)?, to_value(right)?);
    let outcome = apply(operator, &left, &right, match_case, &state.zone())?;
    if let Some(groups) = outcome.groups {
        state.set_cell("Matches", &Value::list(groups));
    }
    Ok(to_dynamic(&outcome.value))
}

fn members(engine: &mut Rhai, state: &Arc<State>) {
    let host = Arc::clone(state);
    engine.register_indexer_get(
        move |cx: NativeCallContext<'_>, object: &mut Dynamic, name: &str| -> Result<Dynamic, Thrown> {
            let value = to_value(object).map_err(thrown)?;
            property(&value, name, &host.zone()).map(|v| to_dynamic(&v)).map_err(|e| thrown_at(&cx, &host, e))
        },
    );
    engine.register_indexer_get(|range: &mut std::ops::Range<INT>, index: INT| nth(range.start, range.end, index));
    engine.register_indexer_get(|range: &mut std::ops::RangeInclusive<INT>, index: INT| {
        nth(*range.start(), range.end().saturating_add(1), index)
    });
    // `$Error.Clear()`.
    engine.register_fn("Clear", |list: &mut Array| list.clear());
    engine.register_indexer_get(|object: &mut Object, index: INT| -> Result<Dynamic, Thrown> {
        match index {
            // A single object answers like a list of one, as pipelines that find one object are asked.
            0 | -1 => Ok(Dynamic::from(object.clone())),
            _ => Err(thrown(Error::new(
                ErrorId::PathNotFound,
                format!("this is one object, and there is none at {index}"),
            ))),
        }
    });
    let host = Arc::clone(state);
    #[allow(deprecated, reason = "Rhai marks volatile interfaces so; its version is pinned")]
    engine.on_missing_function(move |name, args, is_method, _| {
        if !is_method {
            return Ok(None);
        }
        let Some((object, rest)) = args.split_first() else { return Ok(None) };
        let object = to_value(object).map_err(thrown)?;
        let arguments: Result<Vec<Value>> = rest.iter().map(|a| to_value(a)).collect();
        match method(&object, name, &arguments.map_err(thrown)?, &host.zone()) {
            Some(result) => result.map(|v| Some(to_dynamic(&v))).map_err(thrown),
            None => Ok(None),
        }
    });
}

/// The number at a place of a range, counted from its end where the place is negative.
fn nth(start: INT, end: INT, index: INT) -> Result<INT, Thrown> {
    let length = end.saturating_sub(start).max(0);
    let place = if index < 0 { length.saturating_add(index) } else { index };
    if (0..length).contains(&place) {
        return Ok(start.saturating_add(place));
    }
    Err(thrown(Error::new(ErrorId::PathNotFound, format!("the range has {length} numbers and none at {index}"))))
}

fn time(engine: &mut Rhai, state: &Arc<State>) {
    let host = Arc::clone(state);
    engine.register_fn("-", |a: Moment, b: Moment| Span(a.since(b)));
    engine.register_fn("-", move |a: Moment, b: &str| -> Result<Span, Thrown> {
        Moment::parse(b, &host.zone()).map(|b| Span(a.since(b))).map_err(thrown)
    });
    engine.register_fn("+", |a: Moment, b: Span| a.plus_seconds(b.0));
    engine.register_fn("+", |a: Span, b: Moment| b.plus_seconds(a.0));
    engine.register_fn("-", |a: Moment, b: Span| a.plus_seconds(b.0.saturating_neg()));
    engine.register_fn("+", |a: Span, b: Span| Span(a.0.saturating_add(b.0)));
    engine.register_fn("-", |a: Span, b: Span| Span(a.0.saturating_sub(b.0)));
    engine.register_fn("*", |a: Span, b: INT| Span(a.0.saturating_mul(b)));
    engine.register_fn("-", |a: Span| Span(a.0.saturating_neg()));
}

/// `exit(3)`: ends the script with an exit code of the product's own.
fn exit(engine: &mut Rhai, state: &Arc<State>) {
    use crate::error::ExitCode as E;
    let host = Arc::clone(state);
    engine.register_fn("exit", move |code: INT| -> Result<(), Thrown> {
        host.note_exit(match code {
            0 => E::Done,
            2 => E::Usage,
            3 => E::PutBack,
            4 => E::Contested,
            5 => E::Refused,
            6 => E::Unproven,
            130 => E::Interrupted,
            _ => E::Failed,
        });
        Err(EvalAltResult::Exit(Dynamic::UNIT, rhai::Position::NONE).into())
    });
}
