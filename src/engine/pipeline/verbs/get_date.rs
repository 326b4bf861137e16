//! `Get-Date`: the present moment, or one that is given.

use crate::command::{Args, Example, Expect, Facts, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Verb};
use crate::engine::civil::Civil;
use crate::error::Result;
use crate::model::Moment;

static DATE: Param<Moment> =
    Param::named("Date", "A date to take in place of now").at(0).from_pipeline(Pipeline::ByValue);
static FORMAT: Param<String> =
    Param::named("Format", "Give text in this form: `yyyy-MM-dd HH:mm:ss`, or `o` for ISO 8601");

static SPEC: Spec = Spec {
    name: "Get-Date",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Get the present moment",
    description: "The moment has `.AddDays(30)`, `.AddHours(1)`, `.Date`, `.Year` and their like, and compares with dates in text.",
    sets: &[],
    parameters: &[&DATE.spec, &FORMAT.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Date", says: "The present moment", expect: Expect::Emits(1) },
        Example { line: "(Get-Date).AddDays(30)", says: "In 30 days", expect: Expect::Emits(1) },
    ],
    related: &[],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let moment = args.get(&DATE, cx)?.unwrap_or_else(|| cx.now());
    let Some(format) = args.get(&FORMAT, cx)? else { return cx.emit(moment) };
    let text = match (format.as_str(), Civil::of(moment, &cx.zone())) {
        ("o" | "O" | "s" | "u", _) | (_, None) => moment.rfc3339(),
        (format, Some(civil)) => civil.format(format),
    };
    cx.emit(Value::from(text))
}
