//! Records whose properties are known only at run time: what `Select-Object` and its like emit.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use crate::command::{Kind, Property, Record, Value, View};

/// A record of chosen properties, in the order in which they were chosen.
pub(super) struct Selected {
    kind: Arc<Kind>,
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
        let kind = Kind { name: kind.into(), properties: Cow::Owned(properties), view: View::ByCount };
        Self { kind: Arc::new(kind), values }
    }

    /// A record of the kind of another one, where its properties are the same.
    pub(super) fn like(before: &Arc<Kind>, kind: &str, pairs: Vec<(String, Value)>) -> Self {
        let known = before.properties.len() == pairs.len()
            && before.name == kind
            && before.properties.iter().zip(&pairs).all(|(property, (name, _))| property.name == *name);
        if !known {
            return Self::new(kind.to_owned(), pairs);
        }
        Self { kind: Arc::clone(before), values: pairs.into_iter().map(|(_, value)| value).collect() }
    }

    /// Its kind, for the records that come after it.
    pub(super) fn shared_kind(&self) -> Arc<Kind> {
        Arc::clone(&self.kind)
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
