//! `ConvertTo-SecureString`: a plain text as a secret.

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;

static STRING: Param<Secret> =
    Param::named("String", "The plain text").at(0).mandatory().from_pipeline(Pipeline::ByValue);
static PLAIN: Param<Switch> = Param::named("AsPlainText", "The text is plain, not an encrypted one of Windows");
static FORCE: Param<Switch> =
    Param::named("Force", "Accepted for compatibility").compat("a plain text is taken without it");

static SPEC: Spec = Spec {
    name: "ConvertTo-SecureString",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn a plain text into a secret that is never shown",
    description: "",
    sets: &[],
    parameters: &[&STRING.spec, &PLAIN.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "ConvertTo-SecureString -String P@ss -AsPlainText -Force",
        says: "A secret for `-Password`",
        expect: Expect::Emits(1),
    }],
    related: &["Read-Host"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    if !args.on(&PLAIN) {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "only plain text can be made a secret here")
            .hint("add `-AsPlainText`; texts that Windows encrypted cannot be read elsewhere"));
    }
    let secret = args.need(&STRING, cx)?;
    cx.emit(Value::Secret(secret))
}
