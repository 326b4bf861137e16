//! `Start-Sleep`: waits, and wakes at once when the run is to end.

use std::time::Duration;

use crate::command::{
    Args, Example, Expect, Facts, FromValue, Impact, Input, Invocation, Param, Spec, Value, Verb, cannot_convert,
};
use crate::error::{Error, ErrorId, Result};

/// The wish to stop is looked at so often.
const SLICE: Duration = Duration::from_millis(50);

/// PowerShell's own longest sleep.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

static SECONDS: Param<Seconds> =
    Param::named("Seconds", "So many seconds; a fraction is taken").at(0).sets(&["Seconds"]).mandatory();
static MILLISECONDS: Param<i64> = Param::named("Milliseconds", "So many thousandths of a second")
    .aliases(&["ms"])
    .sets(&["Milliseconds"])
    .mandatory();

static SPEC: Spec = Spec {
    name: "Start-Sleep",
    twin: None,
    aliases: &["sleep"],
    functions: &[],
    synopsis: "Wait",
    description: "Ctrl-C and the time limit of the run end it within a twentieth of a second.",
    sets: &["Seconds", "Milliseconds"],
    parameters: &[&SECONDS.spec, &MILLISECONDS.spec],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "Start-Sleep -Milliseconds 20",
        says: "Waits a fiftieth of a second",
        expect: Expect::Emits(0),
    }],
    related: &["New-TimeSpan"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let wanted = match args.get(&SECONDS, cx)? {
        Some(Seconds(seconds)) => Duration::try_from_secs_f64(seconds).map_err(|_| out_of_range())?,
        None => Duration::from_millis(u64::try_from(args.need(&MILLISECONDS, cx)?).map_err(|_| out_of_range())?),
    };
    if wanted > LONGEST {
        return Err(out_of_range());
    }
    let clock = cx.session().clock().clone();
    let mut left = wanted;
    while !left.is_zero() {
        cx.check_cancelled()?;
        let (slice, before) = (left.min(SLICE), clock.elapsed());
        clock.sleep(slice);
        left = left.saturating_sub(slice.max(clock.elapsed().saturating_sub(before)));
    }
    cx.check_cancelled()
}

fn out_of_range() -> Error {
    Error::new(ErrorId::ParameterArgumentValidationError, "a sleep lasts between 0 seconds and 24 days")
}

/// A number of seconds.
struct Seconds(f64);

impl FromValue for Seconds {
    const TYPE: &'static str = "Double";

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        match value {
            Value::Int(whole) => Ok(Self(*whole as f64)),
            Value::Float(fraction) => Ok(Self(*fraction)),
            Value::Span(seconds) => Ok(Self(*seconds as f64)),
            Value::Text(text) => text.trim().parse().map(Self).map_err(|_| cannot_convert(value, Self::TYPE)),
            other => Err(cannot_convert(other, Self::TYPE)),
        }
    }
}
