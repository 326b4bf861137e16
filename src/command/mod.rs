//! Declaration of verbs, values and records, and what a running verb sees.

mod args;
mod cancel;
mod console;
mod convert;
mod history;
mod invocation;
mod param;
mod record;
mod registry;
mod spec;
mod value;

pub use args::Args;
pub use cancel::Cancel;
pub use console::{Console, Message, Question, Quiet, Stream};
pub use convert::{CommaList, Facts, FromValue, Switch, cannot_convert, choice};
pub use history::HistoryEntry;
pub use invocation::{Host, Invocation};
pub use param::{Mandatory, Param, ParamSpec, Pipeline, Values};
pub use record::{Column, Kind, Property, Record, View};
pub use registry::Registry;
pub use spec::{Example, Expect, Impact, Input, Spec, Verb};
pub use value::{Block, Value};
