//! `Compare-Object`: what two sets of objects have in common, and what only one has.

use std::collections::HashMap;

use super::super::keys::Key;
use super::super::run::{Down, Run, too_many};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};
use crate::format::{json_text, to_json_whole};

static REFERENCE: Param<Vec<Value>> = Param::named("ReferenceObject", "The objects to compare with").at(0).mandatory();
static DIFFERENCE: Param<Vec<Value>> =
    Param::named("DifferenceObject", "The objects to compare, where none are piped").at(1);
static PROPERTY: Param<Vec<Value>> =
    Param::named("Property", "The properties that count; the whole object when absent").at(2);
static INCLUDE_EQUAL: Param<Switch> = Param::named("IncludeEqual", "Show also what both have");
static EXCLUDE_DIFFERENT: Param<Switch> = Param::named("ExcludeDifferent", "Show only what both have");
static CASE: Param<Switch> = Param::named("CaseSensitive", "Let case count");
static SYNC: Param<i64> =
    Param::named("SyncWindow", "Accepted for compatibility").compat("an object is found wherever it stands");

pub(super) static SPEC: Spec = Spec {
    name: "Compare-Object",
    twin: None,
    aliases: &["compare"],
    functions: &[],
    synopsis: "Compare two sets of objects",
    description: "`SideIndicator` is `<=` for what only the reference has, `=>` for what only the other has, and `==` for what both have. \
                  The order does not count; an object that stands twice is to be there twice. With `-Property` the records have those \
                  properties, else the whole object as `InputObject`.",
    sets: &[],
    parameters: &[
        &REFERENCE.spec,
        &DIFFERENCE.spec,
        &PROPERTY.spec,
        &INCLUDE_EQUAL.spec,
        &EXCLUDE_DIFFERENT.spec,
        &CASE.spec,
        &SYNC.spec,
    ],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Compare-Object -ReferenceObject sip,meet,dialin -DifferenceObject meet,admin",
            says: "Three names are on one side only",
            expect: Expect::Emits(3),
        },
        Example {
            line: "@('sip', 'meet') | Compare-Object @('SIP', 'meet') -IncludeEqual",
            says: "Both names are on both sides",
            expect: Expect::Emits(2),
        },
    ],
    related: &["Compare-TlsName", "Group-Object", "Where-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

/// An object as it is compared and as it is shown.
struct Side {
    key: String,
    pairs: Vec<(String, Value)>,
}

struct Compare {
    keys: Vec<Key>,
    match_case: bool,
    include_equal: bool,
    include_different: bool,
    reference: Vec<Value>,
    given: Option<Vec<Value>>,
    piped: Vec<Side>,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    let exclude = args.on(&EXCLUDE_DIFFERENT);
    Ok(Box::new(Compare {
        keys: args.raw("Property").map_or(Ok(Vec::new()), Key::list)?,
        match_case: args.on(&CASE),
        include_equal: args.on(&INCLUDE_EQUAL) || exclude,
        include_different: !exclude,
        reference: args.need(&REFERENCE, session)?,
        given: args.get(&DIFFERENCE, session)?,
        piped: Vec::new(),
    }))
}

impl Stage for Compare {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        let Some(given) = self.given.take() else {
            let message = "the mandatory parameter `-DifferenceObject` is missing";
            return Err(Error::new(ErrorId::MissingMandatoryParameter, message).about("DifferenceObject"));
        };
        given.iter().try_for_each(|value| self.take(value, down))
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.given.is_some() {
            return Err(super::input_twice());
        }
        self.take(&value, down)
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        let mut reference = Vec::with_capacity(self.reference.len());
        for value in std::mem::take(&mut self.reference) {
            reference.push(Some(self.side(&value, down.run)?));
        }
        // The places at which each key stands, the first one last.
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, side) in reference.iter().enumerate().rev() {
            let Some(side) = side else { continue };
            places.entry(side.key.clone()).or_default().push(place);
        }
        let mut only_here = Vec::new();
        for side in std::mem::take(&mut self.piped) {
            let Some(place) = places.get_mut(&side.key).and_then(Vec::pop) else {
                only_here.push(side);
                continue;
            };
            let same = reference.get_mut(place).and_then(Option::take);
            if let (true, Some(same)) = (self.include_equal, same) {
                down.emit(shown(same, "=="))?;
            }
        }
        if !self.include_different {
            return Ok(());
        }
        only_here.into_iter().try_for_each(|side| down.emit(shown(side, "=>")))?;
        reference.into_iter().flatten().try_for_each(|side| down.emit(shown(side, "<=")))
    }
}

impl Compare {
    fn take(&mut self, value: &Value, down: &Down<'_>) -> Result<()> {
        let limit = down.run.state.limits.array_size;
        if limit > 0 && self.piped.len() >= limit {
            return Err(too_many(limit));
        }
        let side = self.side(value, down.run)?;
        self.piped.push(side);
        Ok(())
    }

    fn side(&self, value: &Value, run: &Run<'_>) -> Result<Side> {
        if self.keys.is_empty() {
            return Ok(Side { key: self.text(value, run)?, pairs: vec![("InputObject".to_owned(), value.clone())] });
        }
        let mut pairs = Vec::new();
        for key in &self.keys {
            key.check(run, value)?;
            pairs.extend(key.pairs(run, value)?);
        }
        let texts: Result<Vec<String>> = pairs.iter().map(|(_, value)| self.text(value, run)).collect();
        Ok(Side { key: texts?.join("\0"), pairs })
    }

    /// Numbers and dates are equal to the texts that show them, objects when all their properties are.
    fn text(&self, value: &Value, run: &Run<'_>) -> Result<String> {
        let text = match value {
            Value::Secret(_) => {
                return Err(Error::new(ErrorId::CannotConvertArgument, "secrets are not compared"));
            }
            Value::Object(_) | Value::Map(_) | Value::List(_) => json_text(&to_json_whole(value)),
            plain => plain.display(&run.state.zone()),
        };
        Ok(if self.match_case { text } else { text.to_lowercase() })
    }
}

fn shown(side: Side, indicator: &str) -> Value {
    let mut pairs = side.pairs;
    pairs.push(("SideIndicator".to_owned(), Value::text(indicator)));
    Value::object(Selected::new("Comparison", pairs))
}
