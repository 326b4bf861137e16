//! `Out-String`: the text that the screen would show, as one value.

use crate::command::{Args, Example, Expect, Facts, Impact, Input, Invocation, Param, Spec, Switch, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::format::Formatter;

static WIDTH: Param<i64> = Param::named("Width", "The width in characters").default_text("120");
static STREAM: Param<Switch> = Param::named("Stream", "One value for each line");

static SPEC: Spec = Spec {
    name: "Out-String",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Turn objects into the text that the screen would show",
    description: "",
    sets: &[],
    parameters: &[&WIDTH.spec, &STREAM.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "1..=3 | Out-String", says: "One text of three lines.", expect: Expect::Emits(1) }],
    related: &["ConvertTo-Json"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let width = args.get(&WIDTH, cx)?.unwrap_or(120).clamp(20, 10_000) as usize;
    let mut formatter = Formatter::new(width, cx.zone());
    let mut text = String::new();
    let full = |_| Error::new(ErrorId::LimitExceeded, "the text cannot be put together");
    while let Some(item) = cx.next_input()? {
        cx.check_cancelled()?;
        formatter.push(&item, &mut text).map_err(full)?;
    }
    formatter.finish(&mut text).map_err(full)?;
    if !args.on(&STREAM) {
        return cx.emit(text);
    }
    for line in text.lines() {
        cx.emit(line)?;
    }
    Ok(())
}
