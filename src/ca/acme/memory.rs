//! What an ACME authority remembers by itself: a setting of the state in JSON, changed by compare-and-swap.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorId, Result};
use crate::state::{Row, RowKey, State, Write};

/// How often another process may come first.
const TRIES: u32 = 64;

/// Reads a setting; the default where there is none.
///
/// # Errors
/// `StoreUnavailable`, also for a content that is not ours.
pub(super) fn read<T: DeserializeOwned + Default>(state: &dyn State, name: &str) -> Result<T> {
    text(state, name)?.map_or_else(|| Ok(T::default()), |text| parse(name, &text))
}

/// Changes a setting, together with other rows that the change makes; the answer of `change` is handed on.
///
/// `change` runs again when another process was first.
///
/// # Errors
/// Those of `change` and of the state.
pub(super) fn change<T, A>(
    state: &dyn State,
    name: &str,
    mut change: impl FnMut(&mut T) -> Result<(A, Vec<Write>)>,
) -> Result<A>
where
    T: DeserializeOwned + Default + Serialize,
{
    for _ in 0..TRIES {
        let old = text(state, name)?;
        let mut value: T = old.as_deref().map_or_else(|| Ok(T::default()), |text| parse(name, text))?;
        let (answer, mut writes) = change(&mut value)?;
        let new = serde_json::to_string(&value).map_err(|e| damaged(name).because(e))?;
        if old.as_deref() != Some(new.as_str()) {
            writes.push(Write::replace(
                RowKey::Setting(name.to_owned()),
                old.map(Row::Setting),
                Some(Row::Setting(new)),
            ));
        }
        match state.write(&writes) {
            Ok(()) => return Ok(answer),
            Err(error) if error.id() == ErrorId::PlanStale => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorId::Busy, format!("the setting `{name}` is changed by others all the time")))
}

fn text(state: &dyn State, name: &str) -> Result<Option<String>> {
    match state.row(&RowKey::Setting(name.to_owned()))? {
        Some(Row::Setting(text)) => Ok(Some(text)),
        _ => Ok(None),
    }
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| damaged(name).because(e))
}

fn damaged(name: &str) -> Error {
    Error::new(ErrorId::StoreUnavailable, format!("the setting `{name}` of the state is damaged"))
        .about(name.to_owned())
}
