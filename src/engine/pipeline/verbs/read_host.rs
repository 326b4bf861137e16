//! `Read-Host`: asks the operator for a line.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};

static PROMPT: Param<String> = Param::named("Prompt", "What to ask").at(0);
static SECRET: Param<Switch> = Param::named("AsSecureString", "Do not show what is typed, and give a secret");

pub(super) static SPEC: Spec = Spec {
    name: "Read-Host",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Ask the operator for a line",
    description: "Where nobody can be asked it is `NonInteractivePrompt`.",
    sets: &[],
    parameters: &[&PROMPT.spec, &SECRET.spec],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "Read-Host 'Password' -AsSecureString",
        says: "Asks without showing what is typed",
        expect: Expect::Fails(ErrorId::NonInteractivePrompt),
    }],
    related: &["ConvertTo-SecureString"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct ReadHost {
    prompt: String,
    secret: bool,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let prompt = args.raw("Prompt").map_or_else(String::new, |p| format!("{}: ", p.display(&run.state.zone())));
    Ok(Box::new(ReadHost { prompt, secret: bound.is_on("AsSecureString") }))
}

impl Stage for ReadHost {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        let console = &down.run.state.console;
        let answer = if self.secret {
            console.read_secret(&self.prompt).map(Value::Secret)
        } else {
            console.read_line(&self.prompt).map(Value::from)
        };
        let answer = answer.map_err(|error| match error.id() {
            ErrorId::NonInteractivePrompt => {
                error.hint("take the value as a parameter of the script: `certlet run FILE NAME=VALUE`")
            }
            _ => error,
        })?;
        down.emit(answer)
    }

    fn object(&mut self, value: Value, _: &mut Down<'_>) -> Result<()> {
        Err(Error::new(
            ErrorId::InputObjectNotBound,
            format!("`Read-Host` takes nothing from the pipeline, and here comes a `{}`", value.type_name()),
        ))
    }
}
