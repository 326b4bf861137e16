//! `certlet recover`: what a crash left open, and what became of it.

use std::any::Any;

use super::shell::Shell;
use crate::command::{Kind, Property, Record, Value, View};
use crate::error::{ExitCode, Result};
use crate::session::{RecoverOrder, Recovered};

/// Finishes or puts back what is open; exit code 4 where a person must look.
///
/// # Errors
/// `NoHome`, `Busy` while a change is under way, `NotAdministrator`, `StoreUnavailable`.
pub(super) fn recover(shell: &Shell, force: Option<u64>, keep: Option<u64>) -> Result<ExitCode> {
    let order = match (force, keep) {
        (Some(id), _) => RecoverOrder::Force(id),
        (None, Some(id)) => RecoverOrder::Keep(id),
        (None, None) => RecoverOrder::Automatic,
    };
    let recovered = shell.session.recover(order, &shell.cancel)?;
    if recovered.is_empty() {
        shell.terminal.note("nothing is open");
    }
    let mut exit = ExitCode::Done;
    for one in recovered {
        if one.needs_person {
            exit = ExitCode::Contested;
        }
        shell.screen.object(&Value::object(OpenOperation(one)))?;
    }
    Ok(exit)
}

/// An operation that a crash had left open.
struct OpenOperation(Recovered);

static KIND: Kind = Kind::new(
    "RecoveredOperation",
    const {
        &[
            Property::new("Id"),
            Property::new("Verb"),
            Property::new("Opened"),
            Property::new("Result"),
            Property::new("IsOpen"),
            Property::new("NeedsPerson"),
            Property::new("Objects"),
            Property::new("Ending"),
        ]
    },
    View::List,
);

impl Record for OpenOperation {
    fn kind(&self) -> &Kind {
        &KIND
    }

    fn value(&self, index: usize) -> Value {
        let one = &self.0;
        match index {
            0 => Value::Int(i64::try_from(one.id).unwrap_or(i64::MAX)),
            1 => Value::text(&one.verb),
            2 => Value::Moment(one.opened),
            3 => Value::text(&one.what),
            4 => Value::Bool(one.is_open),
            5 => Value::Bool(one.needs_person),
            6 => Value::list(one.objects.iter().map(|object| Value::text(&object.0))),
            7 => Value::optional_text(one.ending),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.what.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
