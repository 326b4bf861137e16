//! Records whose properties are known only at run time: what `Select-Object` and its like emit.

use std::any::Any;
use std::borrow::Cow;

use crate::command::{Kind, Property, Record, Value, View};

/// A record of chosen properties, in the order in which they were chosen.
pub(super) struct Selected {
    kind: Kind,
    values: Vec<Value>,
}

impl Selected {
    /// A record of these properties; of two with one name the first counts.
    pub(super) fn new(kind: impl Into<Cow<'static, str>>, pairs: Vec<(String, Value)>) -> Self {
        let mut properties: Vec<Property> = Vec::with_capacity(pairs.len());
        let mut values = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            if properties.iter().any(|p| p.name.eq_ignore_ascii_case(&name)) {
                continue;
            }
            properties.push(Property { name: Cow::Owned(name), hidden: false });
            values.push(value);
        }
        Self { kind: Kind { name: kind.into(), properties: Cow::Owned(properties), view: View::ByCount }, values }
    }
}

impl Record for Selected {
    fn kind(&self) -> &Kind {
        &self.kind
    }

    fn value(&self, index: usize) -> Value {
        self.values.get(index).cloned().unwrap_or_default()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
