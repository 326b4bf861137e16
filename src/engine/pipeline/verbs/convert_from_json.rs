//! `ConvertFrom-Json`: JSON text as objects.

use serde_json::Value as Json;

use super::row::{Row, kind};
use crate::command::{Args, Example, Expect, Facts, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};

/// So deep may objects and lists lie in one another.
const DEPTH: usize = 64;

/// So many bytes may a text have.
const LIMIT: usize = 64 << 20;

static INPUT: Param<Vec<String>> = Param::named("InputObject", "The text, where none is piped").at(0);
static NO_ENUMERATE: Param<Switch> = Param::named("NoEnumerate", "Emit an array as one object");
static DEPTH_GIVEN: Param<i64> = Param::named("Depth", "Accepted for compatibility").compat("64 levels are read");

static SPEC: Spec = Spec {
    name: "ConvertFrom-Json",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn JSON text into objects",
    description: "Piped lines are one text. The elements of an array are emitted one by one. Dates stay text; they compare with dates \
                  all the same. Two names of one object that differ only in case are an error.",
    sets: &[],
    parameters: &[&INPUT.spec, &NO_ENUMERATE.spec, &DEPTH_GIVEN.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example {
            line: r#"('{ "pool": "pool01.contoso.net", "ports": [443, 4443] }' | ConvertFrom-Json).ports"#,
            says: "The ports of one object",
            expect: Expect::Emits(2),
        },
        Example {
            line: "ConvertFrom-Json '[1, 2,'",
            says: "What is no JSON is an error that tells the place",
            expect: Expect::Fails(ErrorId::CannotConvertArgument),
        },
    ],
    related: &["ConvertTo-Json", "ConvertFrom-Csv"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let zone = cx.zone();
    let mut text = args.get(&INPUT, cx)?.unwrap_or_default().join("\n");
    while let Some(item) = cx.next_input()? {
        cx.check_cancelled()?;
        let Value::Text(_) = item else {
            return Err(crate::command::cannot_convert(&item, "String")
                .hint("pipe JSON text: `Get-X | ConvertTo-Json` makes some"));
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&item.display(&zone));
        if text.len() > LIMIT {
            return Err(Error::new(ErrorId::LimitExceeded, "the JSON text is larger than 64 MiB"));
        }
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let json: Json = serde_json::from_str(&text)
        .map_err(|e| Error::new(ErrorId::CannotConvertArgument, format!("the text is no JSON: {e}")))?;
    match value(json, DEPTH)? {
        Value::List(items) if !args.on(&NO_ENUMERATE) => items.iter().try_for_each(|item| cx.emit(item.clone())),
        one => cx.emit(one),
    }
}

fn value(json: Json, depth: usize) -> Result<Value> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::new(ErrorId::LimitExceeded, format!("the JSON text is nested more than {DEPTH} deep")));
    };
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(fraction)) => Value::Float(fraction),
            (None, None) => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => {
            let items: Result<Vec<Value>> = items.into_iter().map(|item| value(item, depth)).collect();
            Value::list(items?)
        }
        Json::Object(entries) => {
            let (mut names, mut values) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
            for (name, inner) in entries {
                names.push(name);
                values.push(value(inner, depth)?);
            }
            Value::object(Row::new(kind(names)?, values))
        }
    })
}
