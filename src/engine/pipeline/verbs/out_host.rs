//! `Out-Host`: shows objects at once, and hands none on.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Pipeline, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;

static INPUT: Param<Value> = Param::named("InputObject", "What is shown").from_pipeline(Pipeline::ByValue);
static PAGING: Param<Switch> =
    Param::named("Paging", "Accepted for compatibility").compat("the terminal, or `less`, turns the pages");

pub(super) static SPEC: Spec = Spec {
    name: "Out-Host",
    twin: None,
    aliases: &["oh", "more"],
    functions: &[],
    synopsis: "Show objects as the end of a pipeline shows them",
    description: "Nothing is handed on: `$x = … | Out-Host` shows the objects and leaves `$x` empty.",
    sets: &[],
    parameters: &[&INPUT.spec, &PAGING.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "$shown = 1..=3 | Out-Host",
        says: "Shows three numbers and keeps none",
        expect: Expect::Emits(3),
    }],
    related: &["Out-Null", "Out-String", "Out-File"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Show(Option<Value>);

#[expect(clippy::unnecessary_wraps, reason = "the signature of a stage's maker")]
pub(super) fn make(bound: &Bound, _: &Run<'_>) -> Result<Box<dyn Stage>> {
    Ok(Box::new(Show(bound.value("InputObject").cloned())))
}

impl Stage for Show {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        match self.0.take() {
            Some(value) => down.run.state.put(value),
            None => Ok(()),
        }
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.0.is_some() {
            return Err(super::input_twice());
        }
        down.run.state.put(value)
    }
}
