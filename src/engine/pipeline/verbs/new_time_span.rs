//! `New-TimeSpan`: a length of time, given or between two dates.

use crate::command::{Args, Example, Expect, Facts, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Verb};
use crate::error::Result;
use crate::model::Moment;

static START: Param<Moment> =
    Param::named("Start", "When it begins").at(0).sets(&["Date"]).default_text("now").from_pipeline(Pipeline::ByValue);
static END: Param<Moment> = Param::named("End", "When it ends").at(1).sets(&["Date"]).default_text("now");
static DAYS: Param<i64> = Param::named("Days", "So many days").sets(&["Time"]);
static HOURS: Param<i64> = Param::named("Hours", "So many hours").sets(&["Time"]);
static MINUTES: Param<i64> = Param::named("Minutes", "So many minutes").sets(&["Time"]);
static SECONDS: Param<i64> = Param::named("Seconds", "So many seconds").sets(&["Time"]);

static SPEC: Spec = Spec {
    name: "New-TimeSpan",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Make a length of time, or tell the one between two dates",
    description: "It has `.Days`, `.Hours`, `.TotalDays` and their like, and can be added to a date.",
    sets: &["Date", "Time"],
    parameters: &[&START.spec, &END.spec, &DAYS.spec, &HOURS.spec, &MINUTES.spec, &SECONDS.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "(New-TimeSpan -Start 2026-12-01 -End 2026-12-31).Days", says: "30", expect: Expect::Emits(1) },
        Example {
            line: "(Get-Date) + (New-TimeSpan -Days 30 -Hours 12)",
            says: "The moment in 30 and a half days",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Get-Date"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let mut seconds: i64 = 0;
    for (parameter, length) in [(&DAYS, 86_400), (&HOURS, 3600), (&MINUTES, 60), (&SECONDS, 1)] {
        let count = args.get(parameter, cx)?.unwrap_or(0);
        seconds = seconds.saturating_add(count.saturating_mul(length));
    }
    if args.set == "Date" {
        let now = cx.now();
        seconds = args.get(&END, cx)?.unwrap_or(now).since(args.get(&START, cx)?.unwrap_or(now));
    }
    cx.emit(Value::Span(seconds))
}
