//! `Measure-Object`: counts objects and sums up a property.

use super::super::selected::Selected;
use crate::command::{Args, Example, Expect, Facts, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::engine::members::property;
use crate::engine::operators::order;
use crate::error::Result;

static PROPERTY: Param<String> =
    Param::named("Property", "The property to sum up; the object itself when absent").at(0);
static SUM: Param<Switch> = Param::named("Sum", "Add the values up");
static AVERAGE: Param<Switch> = Param::named("Average", "Their mean");
static MAXIMUM: Param<Switch> = Param::named("Maximum", "The greatest");
static MINIMUM: Param<Switch> = Param::named("Minimum", "The least");

static SPEC: Spec = Spec {
    name: "Measure-Object",
    twin: None,
    aliases: &["measure"],
    functions: &[],
    synopsis: "Count objects and sum up their properties",
    description: "Emits one record with `Count`, and with `Sum`, `Average`, `Maximum` and `Minimum` where they are asked for.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &SUM.spec, &AVERAGE.spec, &MAXIMUM.spec, &MINIMUM.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "1..=4 | Measure-Object -Sum", says: "Counts and adds up", expect: Expect::Emits(1) }],
    related: &["Group-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let zone = cx.zone();
    let name = args.get(&PROPERTY, cx)?;
    let (mut count, mut numbers, mut sum) = (0_i64, 0_i64, 0.0_f64);
    let (mut least, mut greatest) = (Value::Null, Value::Null);
    while let Some(item) = cx.next_input()? {
        cx.check_cancelled()?;
        let value = match &name {
            Some(name) => property(&item, name, &zone)?,
            None => item,
        };
        if value.is_null() {
            continue;
        }
        count += 1;
        if let Some(number) = number(&value) {
            numbers += 1;
            sum += number;
        } else if args.on(&SUM) || args.on(&AVERAGE) {
            return Err(crate::command::cannot_convert(&value, "Double"));
        }
        if args.on(&MINIMUM)
            && (least.is_null() || order(&value, &least, false, &zone)?.is_some_and(std::cmp::Ordering::is_lt))
        {
            least = value.clone();
        }
        if args.on(&MAXIMUM)
            && (greatest.is_null() || order(&value, &greatest, false, &zone)?.is_some_and(std::cmp::Ordering::is_gt))
        {
            greatest = value;
        }
    }
    let mut pairs = vec![("Count".to_owned(), Value::Int(count))];
    if args.on(&AVERAGE) {
        pairs.push(("Average".into(), if numbers == 0 { Value::Null } else { Value::Float(sum / numbers as f64) }));
    }
    if args.on(&SUM) {
        pairs.push(("Sum".into(), whole(sum)));
    }
    if args.on(&MAXIMUM) {
        pairs.push(("Maximum".into(), greatest));
    }
    if args.on(&MINIMUM) {
        pairs.push(("Minimum".into(), least));
    }
    if let Some(name) = name {
        pairs.push(("Property".into(), Value::from(name)));
    }
    cx.emit(Value::object(Selected::new("MeasureInfo", pairs)))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(i) | Value::Span(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Text(t) => t.trim().parse().ok(),
        _ => None,
    }
}

fn whole(sum: f64) -> Value {
    if sum.fract() == 0.0 && sum.abs() < 9.0e15 { Value::Int(sum as i64) } else { Value::Float(sum) }
}
