//! `Out-Null`: takes objects and shows nothing.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Pipeline, Spec, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;

static INPUT: Param<Value> = Param::named("InputObject", "What is not shown").from_pipeline(Pipeline::ByValue);

pub(super) static SPEC: Spec = Spec {
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

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Drop;

#[expect(clippy::unnecessary_wraps, reason = "the signature of a stage's maker")]
pub(super) fn make(_: &Bound, _: &Run<'_>) -> Result<Box<dyn Stage>> {
    Ok(Box::new(Drop))
}

impl Stage for Drop {
    fn object(&mut self, _: Value, _: &mut Down<'_>) -> Result<()> {
        Ok(())
    }
}
