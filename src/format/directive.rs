//! What `Format-List` and `Format-Table` ask of the formatter.

use std::any::Any;
use std::sync::Arc;

use crate::command::{Kind, Record, Value, View};

/// A layout that replaces the one of the objects' kind.
#[derive(Clone, Debug)]
pub struct Directive {
    /// List or table.
    pub shape: Shape,
    /// What is shown, in order; empty takes what the kind shows by itself.
    pub properties: Vec<Pick>,
    /// Starts a new list or table with a title line wherever this value changes.
    pub group_by: Option<Pick>,
}

/// List or table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One property a line.
    List,
    /// One object a line.
    Table {
        /// Sizes the columns by all rows, not by the first hundred; nothing is written before the last row.
        autosize: bool,
        /// Breaks long cells into lines where they would be cut.
        wrap: bool,
    },
}

/// One property or column that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The properties whose names match; `*` and `?` are wildcards, which also bring up hidden ones.
    Property(String),
    /// A calculated one: its heading, and its index in [`Formatted::computed`].
    Computed {
        /// The heading.
        heading: String,
        /// Where the value stands in each [`Formatted`].
        index: usize,
    },
}

/// What `Format-…` emits for each object: the object, and how it is to be shown.
///
/// One `Arc` of the directive is shared by all objects of a command: it marks what belongs together.
pub struct Formatted {
    /// The object.
    pub value: Value,
    /// The values of the calculated properties.
    pub computed: Arc<[Value]>,
    /// The layout.
    pub directive: Arc<Directive>,
}

static KIND: Kind = Kind::new("Formatted", &[], View::Text);

impl Record for Formatted {
    fn kind(&self) -> &Kind {
        &KIND
    }

    fn value(&self, _: usize) -> Value {
        Value::Null
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Whether a name matches a pattern with `*` (any run) and `?` (one character), without regard to case.
pub fn like(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let (mut n, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((n, p + 1));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == c => {
                n += 1;
                p += 1;
            }
            _ => {
                let Some((from, after)) = retry else { return false };
                retry = Some((from + 1, after));
                n = from + 1;
                p = after;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (name, pattern) in [("Use", "*"), ("NotAfter", "not*"), ("NotAfter", "*aft??"), ("", "*"), ("aab", "*ab")] {
            assert!(like(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [("Use", "Us"), ("Use", "U?"), ("", "?"), ("NotAfter", "*before")] {
            assert!(!like(name, pattern), "{name} {pattern}");
        }
    }
}
