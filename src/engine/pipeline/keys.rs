//! What objects are sorted, grouped and shown by: a property, or what a script block says.

use super::run::Run;
use crate::command::{Block, Value};
use crate::engine::members::property;
use crate::engine::wildcard;
use crate::error::{Error, ErrorId, Result};

/// One key.
#[derive(Clone)]
pub(super) struct Key {
    /// What a column of it is called.
    pub(super) name: String,
    /// How its value is found.
    pub(super) source: Source,
    /// The other way round, where the order is asked for.
    pub(super) descending: Option<bool>,
}

/// How a key's value is found.
#[derive(Clone)]
pub(super) enum Source {
    /// The property of this name; it may be a wildcard.
    Property(String),
    /// The value of a script block.
    Block(Block),
}

impl Key {
    /// Reads `Name`, `{ $_.Name }` and `@{ Name = 'x'; Expression = { … } }`, one or a list of them.
    pub(super) fn list(value: &Value) -> Result<Vec<Self>> {
        value.items().iter().map(Self::of).collect()
    }

    fn of(value: &Value) -> Result<Self> {
        match value {
            Value::Block(block) => {
                Ok(Self { name: "{ … }".into(), source: Source::Block(block.clone()), descending: None })
            }
            Value::Map(entries) => Self::calculated(entries),
            Value::Text(name) => {
                Ok(Self { name: name.to_string(), source: Source::Property(name.to_string()), descending: None })
            }
            other => {
                Err(Error::new(ErrorId::CannotConvertArgument, format!("a `{}` names no property", other.type_name()))
                    .hint("write the property's name, or `@{ Name = 'Days'; Expression = { … } }`"))
            }
        }
    }

    fn calculated(entries: &[(std::sync::Arc<str>, Value)]) -> Result<Self> {
        let mut name = None;
        let mut source = None;
        let mut descending = None;
        for (key, value) in entries {
            match key.to_ascii_lowercase().as_str() {
                "n" | "name" | "l" | "label" => name = Some(value.display(&crate::model::Zone::utc())),
                "e" | "expression" => source = Some(Self::of(value)?.source),
                "descending" => descending = Some(value.is_true()),
                "ascending" => descending = Some(!value.is_true()),
                _ => {
                    return Err(Error::new(
                        ErrorId::CannotConvertArgument,
                        format!("a calculated property has no entry `{key}`"),
                    )
                    .about(&**key)
                    .hint("it has `Name` and `Expression`"));
                }
            }
        }
        let source = source
            .ok_or_else(|| Error::new(ErrorId::CannotConvertArgument, "the calculated property has no `Expression`"))?;
        let name = name.unwrap_or_else(|| match &source {
            Source::Property(name) => name.clone(),
            Source::Block(_) => "{ … }".into(),
        });
        Ok(Self { name, source, descending })
    }

    /// The key's value for an object; an absent property is `$null`.
    pub(super) fn value(&self, run: &Run<'_>, item: &Value) -> Result<Value> {
        match &self.source {
            Source::Property(name) => Ok(property(item, name, &run.state.zone()).unwrap_or_default()),
            Source::Block(block) => run.call_value(block, item),
        }
    }

    /// The names and values that the key stands for: several for a wildcard.
    pub(super) fn pairs(&self, run: &Run<'_>, item: &Value) -> Result<Vec<(String, Value)>> {
        match &self.source {
            Source::Property(pattern) if wildcard::is_pattern(pattern) => {
                let names = crate::engine::members::property_names(item).into_iter();
                let fitting = names.filter(|name| wildcard::fits(pattern, name, false));
                Ok(fitting.filter_map(|name| item.property(&name).map(|value| (name, value))).collect())
            }
            Source::Property(name) => {
                // The property's own spelling, unless the column was given a name.
                let spelled = if self.name == *name { spelling(item, name) } else { None };
                Ok(vec![(spelled.unwrap_or_else(|| self.name.clone()), self.value(run, item)?)])
            }
            Source::Block(_) => Ok(vec![(self.name.clone(), self.value(run, item)?)]),
        }
    }

    /// An error for a property that the object lacks, where that is surely a misspelling.
    pub(super) fn check(&self, run: &Run<'_>, item: &Value) -> Result<()> {
        match (&self.source, item) {
            (Source::Property(name), Value::Object(_)) if !wildcard::is_pattern(name) => {
                property(item, name, &run.state.zone()).map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

/// How an object spells the name of one of its properties.
fn spelling(item: &Value, name: &str) -> Option<String> {
    if let Value::Object(record) = item {
        let kind = record.kind();
        return kind.position(name).and_then(|index| kind.properties.get(index)).map(|p| p.name.to_string());
    }
    crate::engine::members::property_names(item).into_iter().find(|n| n.eq_ignore_ascii_case(name))
}
