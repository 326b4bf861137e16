//! `Get-Variable`: the variables that are in scope where it stands.

use super::super::run::{Down, Run};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::nearest;
use crate::engine::wildcard;
use crate::error::{Error, ErrorId, Result};

static NAME: Param<Vec<String>> = Param::named("Name", "Only variables of these names, without `$`").wildcards().at(0);
static VALUE_ONLY: Param<Switch> = Param::named("ValueOnly", "Give the values alone");
static SCOPE: Param<String> =
    Param::named("Scope", "Accepted for compatibility").compat("what is in scope where the command stands is shown");

pub(super) static SPEC: Spec = Spec {
    name: "Get-Variable",
    twin: None,
    aliases: &["gv"],
    functions: &[],
    synopsis: "Show the variables that are in scope",
    description: "Shows the script's own variables, the preferences and `$Error`, sorted by name. A function sees its own \
                  variables and the shared ones alone.",
    sets: &[],
    parameters: &[&NAME.spec, &VALUE_ONLY.spec, &SCOPE.spec],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Variable *Preference", says: "Shows the preferences", expect: Expect::EmitsSome },
        Example {
            line: "$pool = 'pool01'; Get-Variable pool -ValueOnly",
            says: "Gives the value of one variable",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Get-Member", "about_command_mode"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Variables {
    names: Vec<String>,
    value_only: bool,
    seen: Vec<(String, Value)>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let mut seen = run.state.take_scope();
    seen.sort_by_key(|(name, _)| name.to_lowercase());
    Ok(Box::new(Variables {
        names: args.get(&NAME, &run.state.session)?.unwrap_or_else(|| vec!["*".to_owned()]),
        value_only: args.on(&VALUE_ONLY),
        seen,
    }))
}

impl Stage for Variables {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        for wanted in &self.names {
            let wanted = wanted.strip_prefix('$').unwrap_or(wanted);
            let mut found = self.seen.iter().filter(|(name, _)| wildcard::fits(wanted, name, false)).peekable();
            if found.peek().is_none() && !wildcard::is_pattern(wanted) {
                let error = Error::new(ErrorId::PathNotFound, format!("there is no variable `{wanted}`")).about(wanted);
                down.report(match nearest(wanted, self.seen.iter().map(|(name, _)| name.as_str())) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                })?;
            }
            for (name, value) in found {
                if self.value_only {
                    down.emit(value.clone())?;
                    continue;
                }
                let pairs = vec![("Name".to_owned(), Value::text(name)), ("Value".to_owned(), value.clone())];
                down.emit(Value::object(Selected::new("PSVariable", pairs)))?;
            }
        }
        Ok(())
    }

    fn object(&mut self, value: Value, _: &mut Down<'_>) -> Result<()> {
        Err(Error::new(
            ErrorId::InputObjectNotBound,
            format!("`Get-Variable` takes nothing from the pipeline, and here comes a `{}`", value.type_name()),
        ))
    }
}
