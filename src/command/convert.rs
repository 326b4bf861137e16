//! From loose values to a parameter's declared type.

use std::path::PathBuf;
use std::sync::Arc;

use super::param::Values;
use super::record::Record;
use super::value::{Block, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::{CertificateSelector, Moment, Secret, Zone};

/// What a conversion may ask of the session.
pub trait Facts {
    /// The present moment.
    fn now(&self) -> Moment;

    /// The zone in which dates are read.
    fn zone(&self) -> Zone;

    /// The canonical names of the uses that are valid here: built-in ones and the topology's own.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, `TopologyInvalid`.
    fn uses(&self) -> Result<Vec<String>>;
}

/// A type that a parameter can have.
pub trait FromValue: Sized {
    /// Its name in help and messages.
    const TYPE: &'static str;
    /// Whether a parameter of this type takes no value.
    const SWITCH: bool = false;
    /// Whether it takes several values.
    const LIST: bool = false;
    /// Whether its argument must never be seen.
    const SECRET: bool = false;
    /// Where its valid values come from unless the parameter says otherwise.
    const VALUES: Values = Values::Any;

    /// Converts a value.
    ///
    /// # Errors
    /// `CannotConvertArgument` or an error of the type's own (`InvalidDate`, `InvalidThumbprint`…).
    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self>;

    /// Checks a value and gives the form in which the verb will see it.
    ///
    /// # Errors
    /// As [`FromValue::from_value`].
    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|_| value.clone())
    }
}

/// Says that a value does not convert.
pub fn cannot_convert(value: &Value, wanted: &str) -> Error {
    let shown = match value {
        Value::Secret(_) => "a secret".to_owned(),
        Value::Text(text) => format!("`{text}`"),
        other => format!("`{}` ({})", other.display(&Zone::utc()), other.type_name()),
    };
    Error::new(ErrorId::CannotConvertArgument, format!("{shown} does not convert to `{wanted}`"))
        .about(if matches!(value, Value::Secret(_)) { String::new() } else { value.display(&Zone::utc()) })
}

/// A switch: given or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromValue for Switch {
    const TYPE: &'static str = "SwitchParameter";
    const SWITCH: bool = true;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        bool::from_value(value, facts).map(Self)
    }
}

impl FromValue for bool {
    const TYPE: &'static str = "Boolean";
    const VALUES: Values = Values::Any;

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        match value {
            Value::Bool(b) => Ok(*b),
            Value::Int(i) => Ok(*i != 0),
            Value::Text(t) if t.eq_ignore_ascii_case("true") || t.eq_ignore_ascii_case("$true") => Ok(true),
            Value::Text(t) if t.eq_ignore_ascii_case("false") || t.eq_ignore_ascii_case("$false") => Ok(false),
            other => Err(cannot_convert(other, Self::TYPE).hint("write `$true` or `$false`")),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(Value::Bool)
    }
}

impl FromValue for i64 {
    const TYPE: &'static str = "Int32";

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        match value {
            Value::Int(i) => Ok(*i),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => Ok(*f as Self),
            Value::Text(t) => t.trim().parse().map_err(|_| cannot_convert(value, Self::TYPE)),
            other => Err(cannot_convert(other, Self::TYPE)),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(Value::Int)
    }
}

impl FromValue for String {
    const TYPE: &'static str = "String";

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        match value {
            Value::Null => Err(Error::new(ErrorId::ParameterArgumentValidationError, "the value is `$null`")),
            Value::Secret(_) | Value::Block(_) | Value::Map(_) => Err(cannot_convert(value, Self::TYPE)),
            Value::List(items) if items.len() != 1 => {
                Err(cannot_convert(value, Self::TYPE)
                    .hint("put several values that are one text into quotes: `\"a,b\"`"))
            }
            Value::List(items) => Self::from_value(&items[0], facts),
            other => Ok(other.display(&facts.zone())),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(Value::from)
    }
}

impl FromValue for PathBuf {
    const TYPE: &'static str = "String";
    const VALUES: Values = Values::Files;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        let text = String::from_value(value, facts)?;
        if text.trim().is_empty() {
            return Err(Error::new(ErrorId::ParameterArgumentValidationError, "the path is empty"));
        }
        Ok(Self::from(text))
    }
}

impl FromValue for Moment {
    const TYPE: &'static str = "DateTime";

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        match value {
            Value::Moment(moment) => Ok(*moment),
            Value::Text(text) => Self::parse(text, &facts.zone()),
            other => Err(cannot_convert(other, Self::TYPE)),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(Value::Moment)
    }
}

impl FromValue for Secret {
    const TYPE: &'static str = "SecureString";
    const SECRET: bool = true;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        match value {
            Value::Secret(secret) => Ok(secret.clone()),
            Value::Null => Err(Error::new(ErrorId::ParameterArgumentValidationError, "the secret is `$null`")),
            Value::Text(_) | Value::Int(_) => String::from_value(value, facts).map(Self::new),
            _ => Err(Error::new(ErrorId::CannotConvertArgument, "the value given does not convert to `SecureString`")),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(Value::Secret)
    }
}

impl FromValue for CertificateSelector {
    const TYPE: &'static str = "String";
    const VALUES: Values = Values::Thumbprints;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        match value {
            Value::Object(record) if record.kind().position("Thumbprint").is_some() => {
                Self::from_value(&value.property("Thumbprint").unwrap_or_default(), facts)
            }
            other => String::from_value(other, facts)?.parse(),
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|s| Value::from(s.to_string()))
    }
}

impl FromValue for Value {
    const TYPE: &'static str = "Object";

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        Ok(value.clone())
    }
}

impl FromValue for Block {
    const TYPE: &'static str = "ScriptBlock";

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        match value {
            Value::Block(block) => Ok(block.clone()),
            other => Err(cannot_convert(other, Self::TYPE).hint("write a script block: `{ $_.Use -eq 'Default' }`")),
        }
    }
}

impl FromValue for Arc<dyn Record> {
    const TYPE: &'static str = "PSObject";

    fn from_value(value: &Value, _: &dyn Facts) -> Result<Self> {
        match value {
            Value::Object(record) => Ok(Self::clone(record)),
            other => Err(cannot_convert(other, Self::TYPE)),
        }
    }
}

/// A host name list that may come as one comma string or as an array: `-DomainName "a,b"` and `-DomainName a,b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommaList(pub Vec<String>);

impl FromValue for CommaList {
    const TYPE: &'static str = "String";

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        let mut words = Vec::new();
        for item in value.items() {
            let text = String::from_value(item, facts)?;
            words.extend(text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned));
        }
        Ok(Self(words))
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|list| Value::list(list.0.into_iter().map(Value::from)))
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    const TYPE: &'static str = T::TYPE;
    const LIST: bool = true;
    const SECRET: bool = T::SECRET;
    const VALUES: Values = T::VALUES;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        value.items().iter().map(|item| T::from_value(item, facts)).collect()
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        let items: Result<Vec<Value>> = value.items().iter().map(|item| T::normalise(item, facts)).collect();
        items.map(Value::list)
    }
}

/// One of a fixed set of words, in its declared spelling.
///
/// # Errors
/// `CannotConvertArgument` that lists the words.
pub fn choice(text: &str, words: &[&'static str], wanted: &str) -> Result<&'static str> {
    words.iter().find(|w| w.eq_ignore_ascii_case(text.trim())).copied().ok_or_else(|| {
        Error::new(
            ErrorId::CannotConvertArgument,
            format!("`{text}` is no {wanted}; the valid values are: {}", words.join(", ")),
        )
        .about(text)
    })
}
