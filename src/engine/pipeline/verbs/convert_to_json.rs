//! `ConvertTo-Json`: objects as JSON text.

use serde_json::Value as Json;

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::format::{json_text, to_json};

static INPUT: Param<Value> = Param::named("InputObject", "The object to convert, where none is piped").at(0);
static DEPTH: Param<i64> = Param::named("Depth", "Accepted for compatibility").compat("objects are written whole");
static COMPRESS: Param<Switch> = Param::named("Compress", "On one line");
static AS_ARRAY: Param<Switch> = Param::named("AsArray", "An array even of one object");

static SPEC: Spec = Spec {
    name: "ConvertTo-Json",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn objects into JSON text",
    description: "One object becomes an object, several an array. Dates are RFC 3339 in UTC, lists are whole, secrets are null.",
    sets: &[],
    parameters: &[&INPUT.spec, &DEPTH.spec, &COMPRESS.spec, &AS_ARRAY.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "1..=3 | ConvertTo-Json -Compress", says: "`[1,2,3]`", expect: Expect::Emits(1) }],
    related: &["Out-String"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let mut items: Vec<Json> = args.raw("InputObject").map(to_json).into_iter().collect();
    while let Some(item) = cx.next_input()? {
        cx.check_cancelled()?;
        items.push(to_json(&item));
    }
    let json = match items.len() {
        1 if !args.on(&AS_ARRAY) => items.swap_remove(0),
        _ => Json::Array(items),
    };
    if args.on(&COMPRESS) {
        return cx.emit(json_text(&json));
    }
    let text = serde_json::to_string_pretty(&json)
        .map_err(|e| Error::new(ErrorId::ScriptError, "the objects cannot be written as JSON").because(e))?;
    cx.emit(text)
}
