//! `Get-Member`: what properties and methods objects have.

use std::collections::HashSet;

use super::super::run::{Down, Run, too_many};
use super::super::selected::Selected;
use super::super::stage::{Stage, outside};
use crate::command::{Example, Expect, Impact, Input, Param, Spec, Value, Values, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::{property, property_names};
use crate::engine::wildcard;
use crate::error::{Error, ErrorId, Result};

const TYPES: &[&str] = &["All", "Property", "Properties", "Method", "Methods"];

static NAME: Param<Vec<String>> = Param::named("Name", "Only members of these names").wildcards().at(0);
static MEMBER_TYPE: Param<Vec<String>> = Param::named("MemberType", "Only properties, or only methods")
    .aliases(&["Type"])
    .values(Values::Choice(TYPES))
    .default_text("All");
static INPUT: Param<Value> =
    Param::named("InputObject", "The object to look at, where none is piped; a list is one object");

pub(super) static SPEC: Spec = Spec {
    name: "Get-Member",
    twin: None,
    aliases: &["gm"],
    functions: &[],
    synopsis: "Show which properties and methods objects have",
    description: "Each kind of object is shown once, as soon as its first object comes: its properties in the order in which lists \
                  show them, those included that only `Format-List *` brings up, and then its methods.",
    sets: &[],
    parameters: &[&NAME.spec, &MEMBER_TYPE.spec, &INPUT.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Date | Get-Member Add*", says: "What can be added to a date", expect: Expect::Emits(6) },
        Example {
            line: "1..=3 | Measure-Object | gm -MemberType Property",
            says: "The one property of a count",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Format-List", "Select-Object", "Get-Help"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

/// The methods of every object: name and definition.
const OF_ALL: &[(&str, &str)] =
    &[("Equals", "Boolean Equals(Object value)"), ("GetType", "String GetType()"), ("ToString", "String ToString()")];

const OF_DATE: &[(&str, &str)] = &[
    ("AddDays", "DateTime AddDays(Double count)"),
    ("AddHours", "DateTime AddHours(Double count)"),
    ("AddMinutes", "DateTime AddMinutes(Double count)"),
    ("AddMonths", "DateTime AddMonths(Int64 count)"),
    ("AddSeconds", "DateTime AddSeconds(Double count)"),
    ("AddYears", "DateTime AddYears(Int64 count)"),
    ("Subtract", "TimeSpan Subtract(DateTime earlier)"),
    ("ToLocalTime", "DateTime ToLocalTime()"),
    ("ToShortDateString", "String ToShortDateString()"),
    ("ToUniversalTime", "DateTime ToUniversalTime()"),
];

const OF_TEXT: &[(&str, &str)] = &[
    ("Contains", "Boolean Contains(String part)"),
    ("EndsWith", "Boolean EndsWith(String part)"),
    ("IndexOf", "Int64 IndexOf(String part)"),
    ("PadLeft", "String PadLeft(Int64 width)"),
    ("PadRight", "String PadRight(Int64 width)"),
    ("Replace", "String Replace(String part, String by)"),
    ("Split", "Object[] Split(String letters)"),
    ("StartsWith", "Boolean StartsWith(String part)"),
    ("Substring", "String Substring(Int64 start)"),
    ("ToLower", "String ToLower()"),
    ("ToUpper", "String ToUpper()"),
    ("Trim", "String Trim()"),
    ("TrimEnd", "String TrimEnd()"),
    ("TrimStart", "String TrimStart()"),
];

struct Member {
    names: Vec<String>,
    properties: bool,
    methods: bool,
    given: Option<Value>,
    seen: HashSet<String>,
    any: bool,
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let session = &run.state.session;
    let types = args.get(&MEMBER_TYPE, session)?;
    let wants = |first: &str| types.as_ref().is_none_or(|t| t.iter().any(|t| t == "All" || t.starts_with(first)));
    Ok(Box::new(Member {
        names: args.get(&NAME, session)?.unwrap_or_default(),
        properties: wants("Propert"),
        methods: wants("Method"),
        given: args.raw("InputObject").cloned(),
        seen: HashSet::new(),
        any: false,
    }))
}

impl Stage for Member {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        match self.given.take() {
            Some(value) => self.look(&value, down),
            None => Ok(()),
        }
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        if self.given.is_some() {
            return Err(super::input_twice());
        }
        self.look(&value, down)
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        if self.any {
            return Ok(());
        }
        down.report(
            Error::new(ErrorId::MissingMandatoryParameter, "there is no object to look at").about("InputObject"),
        )
    }
}

impl Member {
    fn look(&mut self, value: &Value, down: &mut Down<'_>) -> Result<()> {
        self.any = true;
        let mut properties = property_names(value);
        if matches!(value, Value::List(_)) {
            properties.extend(["Count".to_owned(), "Length".to_owned()]);
        }
        let kind = format!("{}\0{}", value.type_name(), properties.join("\0"));
        if self.seen.contains(&kind) {
            return Ok(());
        }
        let limit = down.run.state.limits.array_size;
        if limit > 0 && self.seen.len() >= limit {
            return Err(too_many(limit));
        }
        self.seen.insert(kind);
        if self.properties {
            let zone = down.run.state.zone();
            for name in properties.iter().filter(|name| self.fits(name)) {
                let inner = property(value, name, &zone).unwrap_or_default();
                let definition = format!("{} {name} {{get;}}", type_word(&inner));
                down.emit(member(value, name, "Property", &definition))?;
            }
        }
        if self.methods {
            for (name, definition) in methods(value).into_iter().filter(|(name, _)| self.fits(name)) {
                down.emit(member(value, name, "Method", definition))?;
            }
        }
        Ok(())
    }

    fn fits(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|pattern| wildcard::fits(pattern, name, false))
    }
}

fn member(value: &Value, name: &str, member_type: &str, definition: &str) -> Value {
    let pairs = vec![
        ("TypeName".to_owned(), Value::text(value.type_name())),
        ("Name".to_owned(), Value::text(name)),
        ("MemberType".to_owned(), Value::text(member_type)),
        ("Definition".to_owned(), Value::text(definition)),
    ];
    Value::object(Selected::new("MemberDefinition", pairs))
}

/// What a property that has no value yet is of cannot be told.
fn type_word(value: &Value) -> &str {
    match value {
        Value::Null => "Object",
        other => other.type_name(),
    }
}

fn methods(value: &Value) -> Vec<(&'static str, &'static str)> {
    let own = match value {
        Value::Moment(_) => OF_DATE,
        Value::Text(_) => OF_TEXT,
        _ => &[],
    };
    let mut all = [own, OF_ALL].concat();
    all.sort_unstable_by_key(|(name, _)| *name);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::members::method;
    use crate::model::{Moment, Zone};

    #[test]
    fn every_method_that_is_shown_can_be_called() {
        let zone = Zone::utc();
        for value in [Value::Moment(Moment::from_unix(0)), Value::text("abc"), Value::Span(5), Value::Int(1)] {
            for (name, definition) in methods(&value) {
                let inner = definition.split_once('(').unwrap().1.trim_end_matches(')');
                let arguments: Vec<Value> = inner
                    .split(", ")
                    .filter(|a| !a.is_empty())
                    .map(|a| match a.split(' ').next().unwrap() {
                        "String" => Value::text("a"),
                        "DateTime" => Value::Moment(Moment::from_unix(5)),
                        _ => Value::Int(1),
                    })
                    .collect();
                let result = method(&value, name, &arguments, &zone);
                let result = result.unwrap_or_else(|| panic!("{} has no {name}", value.type_name()));
                assert_eq!(definition.split(' ').next().unwrap(), result.unwrap().type_name(), "{name}");
            }
        }
    }
}
