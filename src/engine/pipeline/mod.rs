//! Pipelines: built by `__cmd` and `__pipe`, run by `__emit`, `__collect` and their like.

mod build;
mod host;
mod keys;
mod run;
mod selected;
mod speech;
mod stage;
pub(super) mod verbs;

use std::sync::Arc;

use rhai::{Dynamic, FnPtr};

pub(super) use build::{bare_command, command};
pub(super) use run::{drive, values_of};

use crate::command::{Spec, Verb};
use crate::model::Position;

/// A pipeline that nothing has run yet, as it stands between its brackets.
#[derive(Clone)]
pub(super) struct Pipeline {
    head: Head,
    stages: Vec<Arc<Command>>,
}

/// What flows into the first stage.
#[derive(Clone)]
enum Head {
    /// Nothing: the first stage is a command of its own.
    Nothing,
    /// The value of an expression.
    Value(Dynamic),
}

/// One command with its arguments as they came.
pub(super) struct Command {
    verb: Verb,
    spec: &'static Spec,
    positional: Vec<Dynamic>,
    named: Vec<(String, Dynamic)>,
    splatted: Vec<Dynamic>,
    site: Option<Site>,
}

/// Where a command stands in a text.
struct Site {
    source: Arc<super::source::Source>,
    index: usize,
}

impl Site {
    fn written(&self) -> Option<&super::lower::CommandUse> {
        self.source.lowered.commands.get(self.index)
    }
}

impl Command {
    /// Where the verb stands.
    fn place(&self) -> Option<Position> {
        self.site.as_ref()?.written().map(|written| written.position.clone())
    }
}

impl Command {
    /// Whether a script block is one of its arguments, or stands in one.
    fn holds(&self, block: &FnPtr) -> bool {
        let named = self.named.iter().map(|(_, value)| value);
        named.chain(&self.positional).chain(&self.splatted).any(|value| holds(value, block, 3))
    }
}

fn holds(value: &Dynamic, block: &FnPtr, depth: u8) -> bool {
    if let Some(pointer) = value.read_lock::<FnPtr>() {
        return pointer.fn_name() == block.fn_name();
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Ok(list) = value.as_array_ref() {
        return list.iter().any(|item| holds(item, block, depth));
    }
    value.as_map_ref().is_ok_and(|map| map.values().any(|item| holds(item, block, depth)))
}

impl Pipeline {
    /// A pipeline of one command.
    pub(super) fn of(command: Command) -> Self {
        Self { head: Head::Nothing, stages: vec![Arc::new(command)] }
    }

    /// Whether this is the script's own last value, which goes to the stream as it comes.
    pub(super) fn is_tail(&self) -> bool {
        let site = self.stages.last().and_then(|command| command.site.as_ref());
        site.is_some_and(|site| site.source.lowered.tails.contains(&site.index))
    }

    /// A pipeline that begins with a value, or one that goes on.
    pub(super) fn then(upstream: Dynamic, command: Command) -> Self {
        let mut pipeline = match upstream.try_cast_result::<Self>() {
            Ok(pipeline) => pipeline,
            Err(value) => Self { head: Head::Value(value), stages: Vec::new() },
        };
        pipeline.stages.push(Arc::new(command));
        pipeline
    }
}
