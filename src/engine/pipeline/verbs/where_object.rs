//! `Where-Object`: passes on the objects for which a script block or a comparison holds.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Block, Example, Expect, Impact, Input, Param, ParamSpec, Spec, Switch, Value, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::property;
use crate::engine::operators::{OPERATORS, Operator, Test};
use crate::error::{Error, ErrorId, Result};

static FILTER: Param<Block> =
    Param::named("FilterScript", "The script block that decides").at(0).sets(&["ScriptBlock"]).mandatory();
static PROPERTY: Param<String> =
    Param::named("Property", "The property to compare").at(0).sets(&["Property"]).mandatory();
static VALUE: Param<Value> = Param::named("Value", "What to compare it with").at(1).sets(&["Property"]);

macro_rules! comparisons {
    ($($constant:ident $name:literal $help:literal;)*) => {
        $(static $constant: Param<Switch> = Param::named($name, $help).sets(&["Property"]);)*
        static PARAMETERS: &[&ParamSpec] = &[&FILTER.spec, &PROPERTY.spec, &VALUE.spec, $(&$constant.spec),*];
        static COMPARISONS: &[&str] = &[$($name),*];
    };
}

comparisons! {
    EQ "EQ" "Equal";
    NE "NE" "Not equal";
    LT "LT" "Less";
    LE "LE" "Less or equal";
    GT "GT" "Greater";
    GE "GE" "Greater or equal";
    LIKE "Like" "Fits a wildcard";
    NOT_LIKE "NotLike" "Fits no wildcard";
    MATCH "Match" "Fits a regular expression";
    NOT_MATCH "NotMatch" "Fits no regular expression";
    CONTAINS "Contains" "The list has this element";
    NOT_CONTAINS "NotContains" "The list lacks this element";
    IN "In" "Is one of these";
    NOT_IN "NotIn" "Is none of these";
    CEQ "CEQ" "Equal, case counts";
    CNE "CNE" "Not equal, case counts";
    CLT "CLT" "Less, case counts";
    CLE "CLE" "Less or equal, case counts";
    CGT "CGT" "Greater, case counts";
    CGE "CGE" "Greater or equal, case counts";
    CLIKE "CLike" "Fits a wildcard, case counts";
    CNOT_LIKE "CNotLike" "Fits no wildcard, case counts";
    CMATCH "CMatch" "Fits a regular expression, case counts";
    CNOT_MATCH "CNotMatch" "Fits no regular expression, case counts";
    CCONTAINS "CContains" "The list has this element, case counts";
    CNOT_CONTAINS "CNotContains" "The list lacks this element, case counts";
    CIN "CIn" "Is one of these, case counts";
    CNOT_IN "CNotIn" "Is none of these, case counts";
    NOT "Not" "The property is empty or false";
}

pub(super) static SPEC: Spec = Spec {
    name: "Where-Object",
    twin: None,
    aliases: &["where", "?"],
    functions: &[],
    synopsis: "Pass on the objects that meet a condition",
    description: "The condition is a script block in which `$_` is the object, or a property, an operator and a value.",
    sets: &["ScriptBlock", "Property"],
    parameters: PARAMETERS,
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "1..=5 | Where-Object { $_ -gt 3 }",
            says: "Passes on the numbers above 3",
            expect: Expect::Emits(2),
        },
        Example {
            line: "'a', 'bb' | where Length -eq 2",
            says: "Compares a property without a script block",
            expect: Expect::Emits(1),
        },
    ],
    related: &["ForEach-Object", "Select-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

enum Condition {
    Block(Block),
    Property { name: String, test: Option<Box<Test>>, negate: bool },
}

struct Where(Condition);

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    if let Some(Value::Block(block)) = bound.value("FilterScript") {
        return Ok(Box::new(Where(Condition::Block(block.clone()))));
    }
    let mut given = COMPARISONS.iter().filter(|name| bound.is_on(name));
    let compare = given.next().copied();
    if let (Some(first), Some(second)) = (compare, given.next()) {
        return Err(Error::new(
            ErrorId::AmbiguousParameterSet,
            format!("`-{second}` does not go together with `-{first}`"),
        ));
    }
    let compare = compare.filter(|name| *name != "Not").and_then(operator);
    let value = args.raw("Value").cloned();
    if compare.is_some() && value.is_none() {
        return Err(Error::new(ErrorId::MissingMandatoryParameter, "the comparison has no value on its right"));
    }
    let compare = compare.or(value.is_some().then_some((Operator::Eq, false)));
    let zone = run.state.zone();
    let test = compare.map(|(operator, case)| Test::new(operator, &value.unwrap_or_default(), case, &zone));
    Ok(Box::new(Where(Condition::Property {
        name: args.raw("Property").map_or_else(String::new, |v| v.display(&run.state.zone())),
        test: test.transpose()?.map(Box::new),
        negate: bound.is_on("Not"),
    })))
}

fn operator(name: &str) -> Option<(Operator, bool)> {
    let lower = name.to_ascii_lowercase();
    let find = |name: &str| OPERATORS.iter().find(|(n, _)| *n == name).map(|(_, operator)| *operator);
    find(&lower).map(|o| (o, false)).or_else(|| lower.strip_prefix('c').and_then(find).map(|o| (o, true)))
}

impl Stage for Where {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        let passes = match &self.0 {
            Condition::Block(block) => down.run.call_value(block, &value)?.is_true(),
            Condition::Property { name, test, negate } => {
                let zone = down.run.state.zone();
                let left = property(&value, name, &zone)?;
                match test {
                    None => left.is_true() != *negate,
                    Some(test) => test.holds(&left, &zone)?,
                }
            }
        };
        if passes { down.emit(value) } else { Ok(()) }
    }
}
