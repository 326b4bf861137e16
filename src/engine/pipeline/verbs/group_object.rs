//! `Group-Object`: puts objects with the same key together.

use std::collections::HashMap;

use super::super::keys::Key;
use super::super::run::{Down, Run, too_many};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;

static PROPERTY: Param<Vec<Value>> = Param::named("Property", "The properties that make a group").at(0);
static NO_ELEMENT: Param<Switch> = Param::named("NoElement", "Count only, without the objects themselves");

pub(super) static SPEC: Spec = Spec {
    name: "Group-Object",
    twin: None,
    aliases: &["group"],
    functions: &[],
    synopsis: "Put objects with the same properties together",
    description: "Each group has `Count`, `Name` and `Group`, its objects. Case does not count. Groups come in the order in which their first object came.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &NO_ELEMENT.spec],
    input: Input::Whole,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "'a', 'b', 'A' | Group-Object", says: "Two groups", expect: Expect::Emits(2) }],
    related: &["Sort-Object", "Measure-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct Group {
    keys: Vec<Key>,
    with_elements: bool,
    groups: Vec<(String, i64, Vec<Value>)>,
    places: HashMap<String, usize>,
    held: usize,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    Ok(Box::new(Group {
        keys: args.raw("Property").map_or(Ok(Vec::new()), Key::list)?,
        with_elements: !bound.is_on("NoElement"),
        groups: Vec::new(),
        places: HashMap::new(),
        held: 0,
    }))
}

impl Stage for Group {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        let limit = down.run.state.limits.array_size;
        self.held += 1;
        if limit > 0 && self.held > limit {
            return Err(too_many(limit));
        }
        let zone = down.run.state.zone();
        let mut names = Vec::new();
        for key in &self.keys {
            key.check(down.run, &value)?;
            names.push(key.value(down.run, &value)?.display(&zone));
        }
        let name = if self.keys.is_empty() { value.display(&zone) } else { names.join(", ") };
        let place = *self.places.entry(name.to_lowercase()).or_insert(self.groups.len());
        if place == self.groups.len() {
            self.groups.push((name, 0, Vec::new()));
        }
        if let Some((_, count, elements)) = self.groups.get_mut(place) {
            *count += 1;
            if self.with_elements {
                elements.push(value);
            }
        }
        Ok(())
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        for (name, count, elements) in std::mem::take(&mut self.groups) {
            let mut pairs = vec![("Count".to_owned(), Value::Int(count)), ("Name".to_owned(), Value::from(name))];
            if self.with_elements {
                pairs.push(("Group".to_owned(), Value::list(elements)));
            }
            down.emit(Value::object(Selected::new("GroupInfo", pairs)))?;
        }
        Ok(())
    }
}
