//! Objects with named properties, and how their kind wants to be shown.

use std::any::Any;
use std::borrow::Cow;

use super::value::Value;

/// An object that verbs emit: immutable, read by property index.
pub trait Record: Send + Sync {
    /// Its kind: name, properties in order, view.
    fn kind(&self) -> &Kind;

    /// The value of the property with this index in `kind().properties`.
    fn value(&self, index: usize) -> Value;

    /// The object as one piece of text, where it has a natural one (a thumbprint, a path).
    fn text(&self) -> Option<String> {
        None
    }

    /// Itself, so that a verb that takes such objects gets the typed one back.
    fn as_any(&self) -> &dyn Any;
}

/// The kind of a record: from it tables, lists, JSON, CSV and completion are derived.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The kind's name, `CertificateReference`.
    pub name: Cow<'static, str>,
    /// The properties in the order of lists and JSON.
    pub properties: Cow<'static, [Property]>,
    /// How the objects are shown when nothing else is asked for.
    pub view: View,
}

impl Kind {
    /// A kind known at compile time.
    pub const fn new(name: &'static str, properties: &'static [Property], view: View) -> Self {
        Self { name: Cow::Borrowed(name), properties: Cow::Borrowed(properties), view }
    }

    /// The index of a property, without regard to case.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.properties.iter().position(|p| p.name.eq_ignore_ascii_case(name))
    }
}

/// One property of a kind.
#[derive(Clone, Debug)]
pub struct Property {
    /// The name that operators see and `--json` writes.
    pub name: Cow<'static, str>,
    /// Shown only when asked for by name or with `*`.
    pub hidden: bool,
}

impl Property {
    /// A property of the ordinary views.
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), hidden: false }
    }

    /// A property that only `Format-List *` and a name bring up.
    pub const fn hidden(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), hidden: true }
    }
}

/// How the objects of a kind are shown.
#[derive(Clone, Debug)]
pub enum View {
    /// By the number of visible properties: up to four a table, five and more a list.
    ByCount,
    /// Always a list.
    List,
    /// A table of these columns.
    Table(&'static [Column]),
    /// Each object is its [`Record::text`], one line or more.
    Text,
}

/// A column of a table view.
#[derive(Clone, Debug)]
pub struct Column {
    /// The property it shows.
    pub property: &'static str,
    /// The heading; the property's name when empty.
    pub heading: &'static str,
    /// Its width in characters; 0 takes what the values need.
    pub width: usize,
}

impl Column {
    /// A column as wide as its values.
    pub const fn of(property: &'static str) -> Self {
        Self { property, heading: "", width: 0 }
    }

    /// With another heading than the property's name.
    pub const fn titled(property: &'static str, heading: &'static str) -> Self {
        Self { property, heading, width: 0 }
    }
}
