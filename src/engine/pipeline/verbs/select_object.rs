//! `Select-Object`: chooses properties, and the first, last or distinct objects.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::super::keys::Key;
use super::super::run::{Down, Run, too_many};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Kind, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::property;
use crate::engine::values::enumerate;
use crate::error::{Error, ErrorId, Result};
use crate::format::{json_text, to_json_whole};

static PROPERTY: Param<Vec<Value>> =
    Param::named("Property", "The properties to keep; `@{ Name = …; Expression = { … } }` is calculated")
        .wildcards()
        .at(0);
static EXPAND: Param<String> = Param::named("ExpandProperty", "The property whose values are passed on by themselves");
static FIRST: Param<i64> = Param::named("First", "How many objects to pass on; the rest is not even asked for");
static LAST: Param<i64> = Param::named("Last", "How many objects at the end to pass on");
static SKIP: Param<i64> = Param::named("Skip", "How many objects to leave out first");
static UNIQUE: Param<Switch> = Param::named("Unique", "Leave out what was passed on before");

pub(super) static SPEC: Spec = Spec {
    name: "Select-Object",
    twin: None,
    aliases: &["select"],
    functions: &[],
    synopsis: "Choose properties, and the first, last or distinct objects",
    description: "With `-First` the commands before are stopped as soon as enough objects have come.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &EXPAND.spec, &FIRST.spec, &LAST.spec, &SKIP.spec, &UNIQUE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "1..=100 | Select-Object -First 3", says: "Passes on three objects", expect: Expect::Emits(3) },
        Example {
            line: "'a', 'bb' | Select-Object Length",
            says: "Keeps one property of each object",
            expect: Expect::Emits(2),
        },
    ],
    related: &["Where-Object", "Sort-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Select {
    keys: Vec<Key>,
    expand: Option<String>,
    first: Option<usize>,
    last: Option<usize>,
    skip: usize,
    seen: Option<HashSet<String>>,
    held: VecDeque<Value>,
    passed: usize,
    /// The kind of the record before.
    kind: Option<Arc<Kind>>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let count = |name: &str| match args.raw(name) {
        Some(Value::Int(n)) => usize::try_from(*n).map(Some).map_err(|_| {
            Error::new(ErrorId::ParameterArgumentValidationError, format!("`-{name}` takes no negative number"))
        }),
        _ => Ok(None),
    };
    Ok(Box::new(Select {
        keys: args.raw("Property").map_or(Ok(Vec::new()), Key::list)?,
        expand: args.raw("ExpandProperty").map(|v| v.display(&run.state.zone())),
        first: count("First")?,
        last: count("Last")?,
        skip: count("Skip")?.unwrap_or(0),
        seen: bound.is_on("Unique").then(HashSet::new),
        held: VecDeque::new(),
        passed: 0,
        kind: None,
    }))
}

impl Select {
    fn pass(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        for chosen in self.choose(value, down.run)? {
            if let Some(seen) = &mut self.seen {
                let limit = down.run.state.limits.array_size;
                if limit > 0 && seen.len() >= limit {
                    return Err(too_many(limit));
                }
                if !seen.insert(json_text(&to_json_whole(&chosen))) {
                    continue;
                }
            }
            self.passed += 1;
            down.emit(chosen)?;
            if self.first.is_some_and(|first| self.passed >= first) && self.last.is_none() {
                down.stop();
                return Ok(());
            }
        }
        Ok(())
    }

    fn choose(&mut self, value: Value, run: &Run<'_>) -> Result<Vec<Value>> {
        let zone = run.state.zone();
        if let Some(name) = &self.expand {
            return property(&value, name, &zone).map(enumerate);
        }
        if self.keys.is_empty() {
            return Ok(vec![value]);
        }
        let mut pairs = Vec::new();
        for key in &self.keys {
            pairs.extend(key.pairs(run, &value)?);
        }
        let kind = format!("Selected.{}", value.type_name());
        let record = match &self.kind {
            Some(before) => Selected::like(before, &kind, pairs),
            None => Selected::new(kind, pairs),
        };
        self.kind = Some(record.shared_kind());
        Ok(vec![Value::object(record)])
    }
}

impl Stage for Select {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.first == Some(0) && self.last.is_none() {
            down.stop();
            return Ok(());
        }
        if let Some(last) = self.last {
            // With -Last, -Skip counts from the end.
            self.held.push_back(value);
            if self.first.is_some_and(|first| self.passed < first)
                && let Some(value) = self.held.pop_back()
            {
                return self.pass(value, down);
            }
            if self.held.len() > last.saturating_add(self.skip) {
                self.held.pop_front();
            }
            return Ok(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.pass(value, down)
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        let Some(last) = self.last else { return Ok(()) };
        self.held.truncate(self.held.len().saturating_sub(self.skip));
        while self.held.len() > last {
            self.held.pop_front();
        }
        while let Some(value) = self.held.pop_front() {
            self.pass(value, down)?;
        }
        Ok(())
    }
}
