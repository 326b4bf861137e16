//! Which objects a reader of the topology emits: all, one, or those that a pattern fits.

use crate::command::{Param, Switch};
use crate::error::{Error, ErrorId, Result};
use crate::format::like;
use crate::model::nearest;

/// `-LocalStore`, of all readers that have it.
pub(in crate::cmdlets) static LOCAL_STORE: Param<Switch> =
    Param::named("LocalStore", "Read the local copy of the topology").compat("the topology is always the local one");

/// Which objects a reader is to emit.
pub(in crate::cmdlets) enum Choice {
    /// All.
    All,
    /// The one of this identity.
    Identity(String),
    /// Those whose identity is like this.
    Filter(String),
}

impl Choice {
    /// What `-Identity` and `-Filter` ask for.
    pub(in crate::cmdlets) fn of(identity: Option<String>, filter: Option<String>) -> Self {
        match (identity, filter) {
            (Some(identity), _) => Self::Identity(identity.trim().to_owned()),
            (None, Some(filter)) => Self::Filter(filter.trim().to_owned()),
            (None, None) => Self::All,
        }
    }

    /// The chosen ones of all objects; `prefix` (`Site:`) may be left out of an identity. A filter may fit none.
    ///
    /// # Errors
    /// `id` when there is no object of the identity, with the nearest one.
    pub(in crate::cmdlets) fn pick<T>(
        &self,
        all: Vec<T>,
        identity: impl Fn(&T) -> String,
        prefix: &str,
        (id, what): (ErrorId, &str),
    ) -> Result<Vec<T>> {
        match self {
            Self::All => Ok(all),
            Self::Filter(pattern) => Ok(all.into_iter().filter(|item| like(&identity(item), pattern)).collect()),
            Self::Identity(wanted) => {
                let names: Vec<String> = all.iter().map(&identity).collect();
                let fits = |name: &String| {
                    let rest = name.get(..prefix.len()).filter(|p| p.eq_ignore_ascii_case(prefix));
                    name.eq_ignore_ascii_case(wanted)
                        || rest.is_some_and(|_| name[prefix.len()..].eq_ignore_ascii_case(wanted))
                };
                let found: Vec<T> =
                    all.into_iter().zip(&names).filter(|(_, name)| fits(name)).map(|(item, _)| item).collect();
                if found.is_empty() { Err(missing(id, what, wanted, &names)) } else { Ok(found) }
            }
        }
    }
}

/// That the topology has no such object, with the nearest name or all of them.
pub(in crate::cmdlets) fn missing(id: ErrorId, what: &str, wanted: &str, known: &[String]) -> Error {
    let error = Error::new(id, format!("the topology has no {what} `{wanted}`")).about(wanted);
    if wanted.contains(['*', '?']) {
        return error.hint(format!("wildcards belong to `-Filter`: `-Filter \"{wanted}\"`"));
    }
    match nearest(wanted, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => error,
        None => {
            let shown: Vec<String> = known.iter().take(20).map(|name| format!("`{name}`")).collect();
            error.hint(format!("it has {}", shown.join(", ")))
        }
    }
}
