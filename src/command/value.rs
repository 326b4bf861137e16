//! What flows between verbs, scripts and the screen.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::record::Record;
use crate::model::{Moment, Secret, Zone};

/// One value of the command language.
#[derive(Clone, Default)]
pub enum Value {
    /// `$null`.
    #[default]
    Null,
    /// `$true` or `$false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A point in time.
    Moment(Moment),
    /// A length of time, in seconds.
    Span(i64),
    /// A text that is never shown.
    Secret(Secret),
    /// An object with named properties.
    Object(Arc<dyn Record>),
    /// Several values.
    List(Arc<[Value]>),
    /// A hash table, in the order it was written.
    Map(Arc<[(Arc<str>, Value)]>),
    /// A script block that only the engine can call.
    Block(Block),
}

/// An opaque handle to a script block.
#[derive(Clone)]
pub struct Block(Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ … }")
    }
}

impl Block {
    /// Wraps what the engine knows of the block.
    pub fn new(inner: impl Any + Send + Sync) -> Self {
        Self(Arc::new(inner))
    }

    /// What the engine put in.
    pub fn inner<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl Value {
    /// Text from anything that is text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        Self::List(values.into_iter().collect())
    }

    /// An object.
    pub fn object(record: impl Record + 'static) -> Self {
        Self::Object(Arc::new(record))
    }

    /// Text, or `Null` for `None`.
    pub fn optional_text(text: Option<impl AsRef<str>>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Whether this is `$null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The values of a list, or this one value.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Null => &[],
            one => std::slice::from_ref(one),
        }
    }

    /// What PowerShell takes for true: everything but `$null`, `$false`, 0, empty text and the empty list.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Text(t) => !t.is_empty(),
            Self::List(items) if items.len() == 1 => items[0].is_true(),
            Self::List(items) => !items.is_empty(),
            _ => true,
        }
    }

    /// A property by its name without regard to case; `None` where the value has no such property.
    pub fn property(&self, name: &str) -> Option<Self> {
        match self {
            Self::Object(record) => record.kind().position(name).map(|i| record.value(i)),
            Self::Map(entries) => {
                entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
            }
            Self::List(_) | Self::Text(_) if name.eq_ignore_ascii_case("Length") => Some(Self::Int(self.length())),
            Self::List(_) if name.eq_ignore_ascii_case("Count") => Some(Self::Int(self.length())),
            _ => None,
        }
    }

    /// What the value is called in messages, in PowerShell's words.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "Null",
            Self::Bool(_) => "Boolean",
            Self::Int(_) => "Int64",
            Self::Float(_) => "Double",
            Self::Text(_) => "String",
            Self::Moment(_) => "DateTime",
            Self::Span(_) => "TimeSpan",
            Self::Secret(_) => "SecureString",
            Self::Object(record) => &record.kind().name,
            Self::List(_) => "Object[]",
            Self::Map(_) => "Hashtable",
            Self::Block(_) => "ScriptBlock",
        }
    }

    /// The value as text, as `"$x"` and table cells show it; dates in `zone`, secrets elided.
    pub fn display(&self, zone: &Zone) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => f.to_string(),
            Self::Text(t) => t.to_string(),
            Self::Moment(m) => m.in_zone(zone),
            Self::Span(s) => span_text(*s),
            Self::Secret(_) => "System.Security.SecureString".into(),
            Self::Object(record) => record.text().unwrap_or_else(|| self.bag_text(zone)),
            Self::List(items) => items.iter().map(|v| v.display(zone)).collect::<Vec<_>>().join(" "),
            Self::Map(_) => self.bag_text(zone),
            Self::Block(_) => "{ … }".into(),
        }
    }

    fn bag_text(&self, zone: &Zone) -> String {
        let entries: Vec<String> = match self {
            Self::Object(record) => record
                .kind()
                .properties
                .iter()
                .enumerate()
                .filter(|(_, p)| !p.hidden)
                .map(|(i, p)| format!("{}={}", p.name, record.value(i).display(zone)))
                .collect(),
            Self::Map(entries) => entries.iter().map(|(k, v)| format!("{k}={}", v.display(zone))).collect(),
            _ => Vec::new(),
        };
        format!("@{{{}}}", entries.join("; "))
    }

    fn length(&self) -> i64 {
        match self {
            Self::List(items) => items.len() as i64,
            Self::Text(text) => text.chars().count() as i64,
            _ => 1,
        }
    }
}

/// `d.hh:mm:ss`, as Windows PowerShell shows a `TimeSpan`.
fn span_text(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let s = seconds.unsigned_abs();
    let (days, hours, minutes, rest) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    if days > 0 {
        format!("{sign}{days}.{hours:02}:{minutes:02}:{rest:02}")
    } else {
        format!("{sign}{hours:02}:{minutes:02}:{rest:02}")
    }
}

/// The value as text, with dates in UTC; where a session's zone is known, [`Value::display`] is better.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display(&Zone::utc()))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Map(entries) => f.debug_map().entries(entries.iter().map(|(k, v)| (k, v))).finish(),
            other => f.write_str(&other.display(&Zone::utc())),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<Moment> for Value {
    fn from(value: Moment) -> Self {
        Self::Moment(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
