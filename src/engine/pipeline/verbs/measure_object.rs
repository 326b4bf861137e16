//! `Measure-Object`: counts objects and sums up a property.

use std::cmp::Ordering;

use super::super::run::{Down, Run};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::property;
use crate::engine::operators::order;
use crate::error::Result;

static PROPERTY: Param<String> =
    Param::named("Property", "The property to sum up; the object itself when absent").at(0);
static SUM: Param<Switch> = Param::named("Sum", "Add the values up");
static AVERAGE: Param<Switch> = Param::named("Average", "Their mean");
static MAXIMUM: Param<Switch> = Param::named("Maximum", "The greatest");
static MINIMUM: Param<Switch> = Param::named("Minimum", "The least");

pub(super) static SPEC: Spec = Spec {
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

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

/// What is known of the objects so far; they themselves are not kept.
#[allow(clippy::struct_excessive_bools, reason = "each is one switch of the verb")]
struct Measure {
    name: Option<String>,
    wants_sum: bool,
    wants_average: bool,
    wants_maximum: bool,
    wants_minimum: bool,
    count: i64,
    numbers: i64,
    sum: f64,
    least: Value,
    greatest: Value,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    Ok(Box::new(Measure {
        name: args.get(&PROPERTY, &run.state.session)?,
        wants_sum: args.on(&SUM),
        wants_average: args.on(&AVERAGE),
        wants_maximum: args.on(&MAXIMUM),
        wants_minimum: args.on(&MINIMUM),
        count: 0,
        numbers: 0,
        sum: 0.0,
        least: Value::Null,
        greatest: Value::Null,
    }))
}

impl Stage for Measure {
    fn object(&mut self, item: Value, down: &mut Down<'_>) -> Result<()> {
        let zone = down.run.state.zone();
        let value = match &self.name {
            Some(name) => property(&item, name, &zone)?,
            None => item,
        };
        if value.is_null() {
            return Ok(());
        }
        self.count += 1;
        if let Some(number) = number(&value) {
            self.numbers += 1;
            self.sum += number;
        } else if self.wants_sum || self.wants_average {
            return Err(crate::command::cannot_convert(&value, "Double"));
        }
        if self.wants_minimum
            && (self.least.is_null() || order(&value, &self.least, false, &zone)?.is_some_and(Ordering::is_lt))
        {
            self.least = value.clone();
        }
        if self.wants_maximum
            && (self.greatest.is_null() || order(&value, &self.greatest, false, &zone)?.is_some_and(Ordering::is_gt))
        {
            self.greatest = value;
        }
        Ok(())
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        let mut pairs = vec![("Count".to_owned(), Value::Int(self.count))];
        if self.wants_average {
            let mean = self.sum / self.numbers as f64;
            pairs.push(("Average".into(), if self.numbers == 0 { Value::Null } else { Value::Float(mean) }));
        }
        if self.wants_sum {
            pairs.push(("Sum".into(), whole(self.sum)));
        }
        if self.wants_maximum {
            pairs.push(("Maximum".into(), std::mem::take(&mut self.greatest)));
        }
        if self.wants_minimum {
            pairs.push(("Minimum".into(), std::mem::take(&mut self.least)));
        }
        if let Some(name) = self.name.take() {
            pairs.push(("Property".into(), Value::from(name)));
        }
        down.emit(Value::object(Selected::new("MeasureInfo", pairs)))
    }
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
