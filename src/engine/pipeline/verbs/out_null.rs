//! `Out-Null`: takes objects and shows nothing.

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Verb};
use crate::error::Result;

static INPUT: Param<Value> = Param::named("InputObject", "What is not shown").from_pipeline(Pipeline::ByValue);

static SPEC: Spec = Spec {
    name: "Out-Null",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Take objects and show nothing",
    description: "The command before it runs as ever; only its objects are dropped.",
    sets: &[],
    parameters: &[&INPUT.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "Get-Date | Out-Null", says: "Shows nothing", expect: Expect::Emits(0) }],
    related: &[],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, |_: &mut Invocation<'_>, _: &Args| -> Result<()> { Ok(()) });
