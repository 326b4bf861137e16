//! Which fields of an object are shown, under which headings, as list, table or text.

use std::sync::Arc;

use crate::command::{Kind, Record, Value, View};

use super::directive::{Directive, Pick, Shape, is_pattern, like};

/// The hidden property by which a table view is cut into titled parts, as the original cuts `Cert:` listings.
const PARENT: &str = "PSParentPath";

/// How objects of one kind are shown.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) shape: PlanShape,
    pub(super) fields: Vec<Field>,
    pub(super) group: Option<Field>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanShape {
    List,
    Table { autosize: bool, wrap: bool },
    Text,
}

/// One shown field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) heading: String,
    pub(super) source: Source,
    /// A fixed width in cells, or 0.
    pub(super) width: usize,
}

/// Where the value of a field comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Property(String),
    Computed(usize),
}

/// An object, a hash table, or one entry of a hash table, as a row of fields.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Object(&'a dyn Record),
    Map(&'a [(Arc<str>, Value)]),
    Entry(&'a str, &'a Value),
}

impl Plan {
    /// The plan for the objects of a kind.
    pub(super) fn of_kind(kind: &Kind, directive: Option<&Directive>) -> Self {
        let visible = || kind.properties.iter().filter(|p| !p.hidden).map(|p| Field::property(&p.name));
        let Some(directive) = directive else {
            let (shape, fields) = match &kind.view {
                View::Table(columns) => (PLAIN_TABLE, columns.iter().map(Field::column).collect()),
                View::List => (PlanShape::List, visible().collect()),
                View::Text => (PlanShape::Text, Vec::new()),
                View::ByCount => match visible().count() {
                    0 => (PlanShape::Text, Vec::new()),
                    1..=4 => (PLAIN_TABLE, visible().collect()),
                    _ => (PlanShape::List, visible().collect()),
                },
            };
            let by_parent = matches!(shape, PlanShape::Table { .. }) && kind.position(PARENT).is_some();
            return Self { shape, fields, group: by_parent.then(|| Field::property(PARENT)) };
        };
        let names: Vec<&str> = kind.properties.iter().map(|p| &*p.name).collect();
        let own = match (&directive.shape, &kind.view) {
            (Shape::Table { .. }, View::Table(columns)) => columns.iter().map(Field::column).collect(),
            _ => visible().collect(),
        };
        Self::directed(directive, &names, own)
    }

    /// The plan for hash tables; without chosen properties each entry is a row.
    pub(super) fn of_map(entries: &[(Arc<str>, Value)], directive: Option<&Directive>) -> Self {
        let own = vec![Field::property("Name"), Field::property("Value")];
        let Some(directive) = directive else {
            return Self { shape: PLAIN_TABLE, fields: own, group: None };
        };
        let names: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
        Self::directed(directive, &names, own)
    }

    /// Whether rows of the other plan fit under this one's headings.
    pub(super) fn takes(&self, other: &Self) -> bool {
        let groups = match (&self.group, &other.group) {
            (Some(mine), Some(theirs)) => mine.is(theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        let fields =
            self.fields.len() == other.fields.len() && self.fields.iter().zip(&other.fields).all(|(a, b)| a.is(b));
        groups && fields && self.shape == other.shape
    }

    fn directed(directive: &Directive, names: &[&str], own: Vec<Field>) -> Self {
        let table = matches!(directive.shape, Shape::Table { .. });
        let fields = if directive.properties.is_empty() { own } else { picked(&directive.properties, names, table) };
        let shape = match directive.shape {
            _ if fields.is_empty() => PlanShape::Text,
            Shape::List => PlanShape::List,
            Shape::Table { autosize, wrap } => PlanShape::Table { autosize, wrap },
        };
        let group = directive.group_by.as_ref().and_then(|pick| picked(std::slice::from_ref(pick), names, true).pop());
        Self { shape, fields, group }
    }
}

const PLAIN_TABLE: PlanShape = PlanShape::Table { autosize: false, wrap: false };

/// A name that the object lacks is an empty column of a table and nothing in a list.
fn picked(picks: &[Pick], names: &[&str], keep_missing: bool) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for pick in picks {
        match pick {
            Pick::Computed { heading, index } => {
                fields.push(Field { heading: heading.clone(), source: Source::Computed(*index), width: 0 });
            }
            Pick::Property(pattern) if is_pattern(pattern) => {
                for name in names.iter().filter(|name| like(name, pattern)) {
                    let field = Field::property(name);
                    if !fields.iter().any(|known| known.is(&field)) {
                        fields.push(field);
                    }
                }
            }
            Pick::Property(name) => match names.iter().find(|n| n.eq_ignore_ascii_case(name)) {
                Some(declared) => fields.push(Field::property(declared)),
                None if keep_missing => fields.push(Field::property(name)),
                None => {}
            },
        }
    }
    fields
}

impl Field {
    fn is(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Property(mine), Source::Property(theirs)) => mine.eq_ignore_ascii_case(theirs),
            (Source::Computed(mine), Source::Computed(theirs)) => mine == theirs,
            _ => false,
        }
    }

    fn property(name: &str) -> Self {
        Self { heading: name.to_owned(), source: Source::Property(name.to_owned()), width: 0 }
    }

    fn column(column: &crate::command::Column) -> Self {
        let heading = if column.heading.is_empty() { column.property } else { column.heading };
        Self { heading: heading.to_owned(), source: Source::Property(column.property.to_owned()), width: column.width }
    }
}

impl Row<'_> {
    /// The value of a field; `Null` where the row has none.
    pub(super) fn value(self, field: &Field, computed: &[Value]) -> Value {
        let name = match &field.source {
            Source::Computed(index) => return computed.get(*index).cloned().unwrap_or_default(),
            Source::Property(name) => name,
        };
        match self {
            Row::Object(record) => record.kind().position(name).map(|i| record.value(i)).unwrap_or_default(),
            Row::Map(entries) => {
                entries.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone()).unwrap_or_default()
            }
            Row::Entry(key, _) if name == "Name" => Value::text(key),
            Row::Entry(_, value) if name == "Value" => value.clone(),
            Row::Entry(..) => Value::Null,
        }
    }
}
