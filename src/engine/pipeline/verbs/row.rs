//! Records that are read from text: many rows share one kind.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::command::{Kind, Property, Record, Value, View};
use crate::error::{Error, ErrorId, Result};

/// So many properties may a record have that is read from text.
const MAX_PROPERTIES: usize = 4096;

/// A record whose properties a text named.
pub(super) struct Row {
    kind: Arc<Kind>,
    values: Vec<Value>,
}

impl Row {
    /// A record of a kind; values that are absent are `$null`, those beyond the kind are dropped.
    pub(super) fn new(kind: Arc<Kind>, mut values: Vec<Value>) -> Self {
        values.truncate(kind.properties.len());
        Self { kind, values }
    }
}

/// A kind with these properties.
///
/// # Errors
/// `CannotConvertArgument` for two properties of one name, whatever their case; `LimitExceeded` for too many.
pub(super) fn kind(names: Vec<String>) -> Result<Arc<Kind>> {
    if names.len() > MAX_PROPERTIES {
        return Err(Error::new(ErrorId::LimitExceeded, format!("a record has more than {MAX_PROPERTIES} properties")));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.to_lowercase())) {
        let message = format!("there are two properties `{twice}`; case does not count");
        return Err(Error::new(ErrorId::CannotConvertArgument, message).about(twice.clone()));
    }
    let properties: Vec<Property> =
        names.into_iter().map(|name| Property { name: Cow::Owned(name), hidden: false }).collect();
    Ok(Arc::new(Kind {
        name: Cow::Borrowed("PSCustomObject"),
        properties: Cow::Owned(properties),
        view: View::ByCount,
    }))
}

impl Record for Row {
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
