//! The `Write-…` verbs: what a script says on the streams.

use crate::command::{
    Args, Example, Expect, Facts, Impact, Input, Invocation, Param, ParamSpec, Pipeline, Spec, Stream, Switch, Value,
    Verb,
};
use crate::error::{Error, ErrorId, Result};

static OBJECTS: Param<Vec<Value>> =
    Param::named("InputObject", "What to pass on").at(0).remaining().mandatory().from_pipeline(Pipeline::ByValue);
static NO_ENUMERATE: Param<Switch> = Param::named("NoEnumerate", "Pass a list on as one object");
static TEXTS: Param<Vec<Value>> = Param::named("Object", "What to write")
    .at(0)
    .remaining()
    .aliases(&["Message", "Msg"])
    .from_pipeline(Pipeline::ByValue);
static SEPARATOR: Param<String> = Param::named("Separator", "What stands between several").default_text("a blank");
static NO_NEWLINE: Param<Switch> =
    Param::named("NoNewline", "Accepted for compatibility").compat("each message is a line");
static COLOUR: Param<String> =
    Param::named("ForegroundColor", "Accepted for compatibility").compat("colours are the screen's affair");
static BACK: Param<String> =
    Param::named("BackgroundColor", "Accepted for compatibility").compat("colours are the screen's affair");
static MESSAGE: Param<String> =
    Param::named("Message", "What to say").at(0).aliases(&["Msg"]).mandatory().from_pipeline(Pipeline::ByValue);
static ERROR_ID: Param<String> = Param::named("ErrorId", "An id of the catalogue; `ScriptError` when absent");
static TARGET: Param<String> = Param::named("TargetObject", "What the error is about");
static ACTION: Param<String> = Param::named("RecommendedAction", "What would mend it");

const fn spec(
    name: &'static str,
    aliases: &'static [&'static str],
    synopsis: &'static str,
    parameters: &'static [&'static ParamSpec],
    examples: &'static [Example],
) -> Spec {
    Spec {
        name,
        twin: None,
        aliases,
        functions: &[],
        synopsis,
        description: "",
        sets: &[],
        parameters,
        input: Input::EachObject,
        emits: None,
        changes: Impact::Reads,
        examples,
        related: &[],
    }
}

static OUTPUT_SPEC: Spec = spec(
    "Write-Output",
    &["echo", "write"],
    "Pass objects on",
    &[&OBJECTS.spec, &NO_ENUMERATE.spec],
    &[Example { line: "Write-Output a,b", says: "Two objects", expect: Expect::Emits(2) }],
);
static HOST_SPEC: Spec = spec(
    "Write-Host",
    &[],
    "Write text to the screen",
    &[&TEXTS.spec, &SEPARATOR.spec, &NO_NEWLINE.spec, &COLOUR.spec, &BACK.spec],
    &[Example { line: "Write-Host 'Step 1'", says: "Writes a line; nothing is passed on", expect: Expect::Emits(0) }],
);
static WARNING_SPEC: Spec = spec(
    "Write-Warning",
    &[],
    "Warn",
    &[&MESSAGE.spec],
    &[Example { line: "Write-Warning 'Mind the gap'", says: "Warns on the warning stream", expect: Expect::Emits(0) }],
);
static VERBOSE_SPEC: Spec = spec(
    "Write-Verbose",
    &[],
    "Say what only `-Verbose` shows",
    &[&MESSAGE.spec],
    &[Example { line: "Write-Verbose 'Detail' -Verbose", says: "Shows the line", expect: Expect::Emits(0) }],
);
static DEBUG_SPEC: Spec = spec(
    "Write-Debug",
    &[],
    "Say what only `-Debug` shows",
    &[&MESSAGE.spec],
    &[Example { line: "Write-Debug 'Detail' -Debug", says: "Shows the line", expect: Expect::Emits(0) }],
);
static ERROR_SPEC: Spec = spec(
    "Write-Error",
    &[],
    "Report an error and go on",
    &[&MESSAGE.spec, &ERROR_ID.spec, &TARGET.spec, &ACTION.spec],
    &[Example {
        line: "Write-Error 'No such pool' -ErrorAction Stop",
        says: "Ends the script; without `-ErrorAction Stop` the script goes on and its exit code is 1",
        expect: Expect::Fails(ErrorId::ScriptError),
    }],
);

pub(super) const OUTPUT: Verb = Verb::new(&OUTPUT_SPEC, output);
pub(super) const HOST: Verb = Verb::new(&HOST_SPEC, host);
pub(super) const WARNING: Verb = Verb::new(&WARNING_SPEC, |cx, args| {
    let text = args.need(&MESSAGE, cx)?;
    cx.warn(text)
});
pub(super) const VERBOSE: Verb = Verb::new(&VERBOSE_SPEC, |cx, args| {
    let text = args.need(&MESSAGE, cx)?;
    cx.verbose(text)
});
pub(super) const DEBUG: Verb = Verb::new(&DEBUG_SPEC, |cx, args| {
    let text = args.need(&MESSAGE, cx)?;
    cx.say(Stream::Debug, None, text)
});
pub(super) const ERROR: Verb = Verb::new(&ERROR_SPEC, error);

fn output(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let value = args.raw("InputObject").cloned().unwrap_or_default();
    if args.on(&NO_ENUMERATE) {
        return cx.emit(value);
    }
    for item in value.items() {
        cx.emit(item.clone())?;
    }
    Ok(())
}

fn host(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let separator = args.get(&SEPARATOR, cx)?.unwrap_or_else(|| " ".into());
    let zone = cx.zone();
    let texts = args.get(&TEXTS, cx)?.unwrap_or_default();
    let text = texts.iter().map(|v| v.display(&zone)).collect::<Vec<_>>().join(&separator);
    cx.say(Stream::Host, None, text)
}

fn error(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let wanted = args.get(&ERROR_ID, cx)?;
    let id = wanted.as_deref().and_then(|name| ErrorId::ALL.iter().find(|id| id.name().eq_ignore_ascii_case(name)));
    let mut error = Error::new(id.copied().unwrap_or(ErrorId::ScriptError), args.need(&MESSAGE, cx)?);
    if let Some(target) = args.get(&TARGET, cx)? {
        error = error.about(target);
    }
    if let Some(action) = args.get(&ACTION, cx)? {
        error = error.hint(action);
    }
    cx.report_error(error)
}
