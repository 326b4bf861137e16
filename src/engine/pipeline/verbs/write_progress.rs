//! `Write-Progress`: says how far a script has come.

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Verb};
use crate::error::{Error, ErrorId, Result};

static ACTIVITY: Param<String> = Param::named("Activity", "What is being done").at(0).mandatory();
static STATUS: Param<String> = Param::named("Status", "How it stands").at(1);
static OPERATION: Param<String> = Param::named("CurrentOperation", "Its present step");
static PERCENT: Param<i64> =
    Param::named("PercentComplete", "How much of it is done, 0 to 100; -1 where that is not known");
static SECONDS: Param<i64> =
    Param::named("SecondsRemaining", "How long it will still take; -1 where that is not known");
static COMPLETED: Param<Switch> = Param::named("Completed", "It is done: nothing more is shown");
static ID: Param<i64> = Param::named("Id", "Accepted for compatibility").at(2).compat("each call is a line of its own");
static PARENT: Param<i64> =
    Param::named("ParentId", "Accepted for compatibility").compat("each call is a line of its own");

static SPEC: Spec = Spec {
    name: "Write-Progress",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Say how far a script has come",
    description: "Goes to the progress stream, which `$ProgressPreference = 'SilentlyContinue'` silences.",
    sets: &[],
    parameters: &[
        &ACTIVITY.spec,
        &STATUS.spec,
        &OPERATION.spec,
        &PERCENT.spec,
        &SECONDS.spec,
        &COMPLETED.spec,
        &ID.spec,
        &PARENT.spec,
    ],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "Write-Progress -Activity 'Checking pools' -Status pool01 -PercentComplete 50",
        says: "Says `Checking pools: pool01 (50 %)`",
        expect: Expect::Emits(0),
    }],
    related: &["Write-Host", "Write-Verbose"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let mut text = args.need(&ACTIVITY, cx)?;
    let percent = args.get(&PERCENT, cx)?;
    if percent.is_some_and(|percent| !(-1..=100).contains(&percent)) {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            "`-PercentComplete` lies between 0 and 100, or is -1",
        ));
    }
    if args.on(&COMPLETED) {
        return Ok(());
    }
    for more in [args.get(&STATUS, cx)?, args.get(&OPERATION, cx)?].into_iter().flatten() {
        text.push_str(": ");
        text.push_str(&more);
    }
    let percent = percent.filter(|percent| *percent >= 0).map(|percent| format!("{percent} %"));
    let left = args.get(&SECONDS, cx)?.filter(|seconds| *seconds >= 0).map(|seconds| format!("{seconds} s left"));
    let notes: Vec<String> = percent.into_iter().chain(left).collect();
    if !notes.is_empty() {
        text = format!("{text} ({})", notes.join(", "));
    }
    cx.progress(text)
}
