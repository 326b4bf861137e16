//! `Sort-Object`: orders objects by properties or by what script blocks say.

use std::cmp::Ordering;

use super::super::keys::Key;
use super::super::run::{Down, Run, too_many};
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;
use crate::model::Zone;

static PROPERTY: Param<Vec<Value>> =
    Param::named("Property", "The properties to order by, the first one first; the object itself when absent").at(0);
static DESCENDING: Param<Switch> = Param::named("Descending", "The greatest first");
static UNIQUE: Param<Switch> = Param::named("Unique", "Of objects that are equal in the order, only the first");
static CASE: Param<Switch> = Param::named("CaseSensitive", "Capital letters are not small ones");

pub(super) static SPEC: Spec = Spec {
    name: "Sort-Object",
    twin: None,
    aliases: &["sort"],
    functions: &[],
    synopsis: "Put objects in order",
    description: "Numbers, dates and texts have their own order; `$null` comes first. Equal objects keep the order in which they came.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &DESCENDING.spec, &UNIQUE.spec, &CASE.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "@(3, 1, 2) | Sort-Object -Descending",
        says: "The greatest first",
        expect: Expect::Emits(3),
    }],
    related: &["Group-Object", "Select-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Sort {
    keys: Vec<Key>,
    descending: bool,
    unique: bool,
    match_case: bool,
    rows: Vec<(Vec<Rank>, Value)>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    Ok(Box::new(Sort {
        keys: args.raw("Property").map_or(Ok(Vec::new()), Key::list)?,
        descending: bound.is_on("Descending"),
        unique: bound.is_on("Unique"),
        match_case: bound.is_on("CaseSensitive"),
        rows: Vec::new(),
    }))
}

impl Stage for Sort {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        let limit = down.run.state.limits.array_size;
        if limit > 0 && self.rows.len() >= limit {
            return Err(too_many(limit));
        }
        let zone = down.run.state.zone();
        let mut ranks = Vec::with_capacity(self.keys.len().max(1));
        for key in &self.keys {
            key.check(down.run, &value)?;
            ranks.push(Rank::of(&key.value(down.run, &value)?, self.match_case, &zone));
        }
        if self.keys.is_empty() {
            ranks.push(Rank::of(&value, self.match_case, &zone));
        }
        self.rows.push((ranks, value));
        Ok(())
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by(|(a, _), (b, _)| self.order(a, b));
        if self.unique {
            rows.dedup_by(|(b, _), (a, _)| self.order(a, b) == Ordering::Equal);
        }
        for (_, value) in rows {
            down.emit(value)?;
        }
        Ok(())
    }
}

impl Sort {
    fn order(&self, a: &[Rank], b: &[Rank]) -> Ordering {
        for (index, (x, y)) in a.iter().zip(b).enumerate() {
            let descending = self.keys.get(index).and_then(|key| key.descending).unwrap_or(self.descending);
            let order = if descending { y.order(x) } else { x.order(y) };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// A value in a total order: values of unlike types are ordered by type, so that sorting never contradicts itself.
enum Rank {
    Null,
    Bool(bool),
    Number(f64),
    Time(i64),
    Text(String),
}

impl Rank {
    fn of(value: &Value, match_case: bool, zone: &Zone) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Number(*i as f64),
            Value::Float(f) => Self::Number(*f),
            Value::Span(s) => Self::Number(*s as f64),
            Value::Moment(m) => Self::Time(m.unix()),
            Value::Secret(_) => Self::Text(String::new()),
            other if match_case => Self::Text(other.display(zone)),
            other => Self::Text(other.display(zone).to_lowercase()),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Time(_) => 3,
            Self::Text(_) => 4,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.class().cmp(&other.class()),
        }
    }
}
