//! `Format-List` and `Format-Table`: say how objects are to be shown.

use std::sync::Arc;

use super::super::keys::{Key, Source};
use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::Result;
use crate::format::{Directive, Formatted, Pick, Shape};

static PROPERTY: Param<Vec<Value>> =
    Param::named("Property", "The properties to show; `*` shows hidden ones too").wildcards().at(0);
static GROUP_BY: Param<Value> = Param::named("GroupBy", "Begin anew, with a title, wherever this property changes");
static AUTO_SIZE: Param<Switch> = Param::named("AutoSize", "Make columns as wide as their widest value");
static WRAP: Param<Switch> = Param::named("Wrap", "Break long values into lines where they would be cut");

pub(super) static LIST: Spec = Spec {
    name: "Format-List",
    twin: None,
    aliases: &["fl"],
    functions: &[],
    synopsis: "Show objects as lists, one property a line",
    description: "What it emits is for the screen: with `--json` the objects are written as they are.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &GROUP_BY.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "Get-Date | Format-List", says: "Shows a date as a list", expect: Expect::Emits(1) }],
    related: &["Format-Table", "Select-Object"],
};

pub(super) static TABLE: Spec = Spec {
    name: "Format-Table",
    twin: None,
    aliases: &["ft"],
    functions: &[],
    synopsis: "Show objects as a table",
    description: "What it emits is for the screen: with `--json` the objects are written as they are.",
    sets: &[],
    parameters: &[&PROPERTY.spec, &GROUP_BY.spec, &AUTO_SIZE.spec, &WRAP.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "'a', 'bb' | Select-Object Length | Format-Table -AutoSize",
        says: "Shows a table of one column",
        expect: Expect::Emits(2),
    }],
    related: &["Format-List", "Select-Object"],
};

pub(super) const LIST_VERB: Verb = Verb::new(&LIST, outside);
pub(super) const TABLE_VERB: Verb = Verb::new(&TABLE, outside);

struct Format {
    directive: Arc<Directive>,
    computed: Vec<Key>,
}

pub(super) fn make_list(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    make(bound, run, Shape::List)
}

pub(super) fn make_table(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    make(bound, run, Shape::Table { autosize: bound.is_on("AutoSize"), wrap: bound.is_on("Wrap") })
}

fn make(bound: &Bound, run: &Run<'_>, shape: Shape) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let mut computed = Vec::new();
    let mut picks = |value: Option<&Value>| -> Result<Vec<Pick>> {
        let keys = value.map_or(Ok(Vec::new()), Key::list)?;
        Ok(keys
            .into_iter()
            .map(|key| match &key.source {
                Source::Property(name) if key.name == *name => Pick::Property(name.clone()),
                _ => {
                    let heading = key.name.clone();
                    computed.push(key);
                    Pick::Computed { heading, index: computed.len() - 1 }
                }
            })
            .collect())
    };
    let properties = picks(args.raw("Property"))?;
    let group_by = picks(args.raw("GroupBy"))?.into_iter().next();
    let directive = Arc::new(Directive { shape, properties, group_by });
    Ok(Box::new(Format { directive, computed }))
}

impl Stage for Format {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        let mut computed = Vec::with_capacity(self.computed.len());
        for key in &self.computed {
            computed.push(key.value(down.run, &value)?);
        }
        down.emit(Value::object(Formatted { value, computed: computed.into(), directive: Arc::clone(&self.directive) }))
    }
}
