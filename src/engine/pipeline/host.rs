//! A verb in a pipeline: bound to each object or run over all of them, with the host that it talks to.

use std::collections::VecDeque;

use super::run::{Down, too_many};
use super::stage::Stage;
use crate::command::{
    Args, Block, Cancel, HistoryEntry, Host, Input, Invocation, Message, ParamSpec, Registry, Value, Verb,
};
use crate::engine::bind::Bound;
use crate::engine::state::State;
use crate::error::{Error, ErrorId, ExitCode, Result};

/// A verb as a stage.
pub(super) struct VerbStage {
    verb: Verb,
    bound: Bound,
    queue: VecDeque<Value>,
    ran: bool,
}

impl VerbStage {
    pub(super) fn new(verb: Verb, bound: Bound) -> Self {
        Self { verb, bound, queue: VecDeque::new(), ran: false }
    }

    fn run(&mut self, args: &Args, down: &mut Down<'_>) -> Result<()> {
        self.ran = true;
        let session = &down.run.state.session;
        let mut host = VerbHost { down, queue: &mut self.queue };
        let mut invocation = Invocation::new(self.verb.spec, session, &mut host);
        self.verb.run(&mut invocation, args)
    }
}

impl Stage for VerbStage {
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        let args = finish(&self.bound, down.run.state)?;
        self.run(&args, down)
    }

    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        let state = down.run.state;
        match self.verb.spec.input {
            Input::Whole => {
                let limit = state.limits.array_size;
                if limit > 0 && self.queue.len() >= limit {
                    return Err(too_many(limit));
                }
                self.queue.push_back(value);
                Ok(())
            }
            Input::EachObject => {
                let (ask, run) = (|parameter| ask(state, parameter), down.run);
                let call = |block: &Block, item: &Value| run.call_value(block, item);
                let args = self.bound.with_input(&value, &ask, &call, &state.session)?;
                self.run(&args, down)
            }
            Input::None => {
                let ask = |_: &'static ParamSpec| Ok(None);
                let call = |_: &Block, _: &Value| Ok(Value::Null);
                // Says which parameters there are; none of them takes the object.
                match self.bound.with_input(&value, &ask, &call, &state.session) {
                    Err(error) => Err(error),
                    Ok(_) => Err(Error::new(
                        ErrorId::InputObjectNotBound,
                        format!("`{}` takes nothing from the pipeline", self.verb.spec.name),
                    )),
                }
            }
        }
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        if self.verb.spec.input != Input::Whole || self.ran {
            return Ok(());
        }
        let args = finish(&self.bound, down.run.state)?;
        self.run(&args, down)
    }
}

/// Settles the parameters of a command that gets nothing by pipeline.
pub(super) fn finish(bound: &Bound, state: &State) -> Result<Args> {
    bound.finish(&|parameter| ask(state, parameter), &state.session)
}

/// Asks the operator for a mandatory value.
fn ask(state: &State, parameter: &'static ParamSpec) -> Result<Option<Value>> {
    let console = &state.console;
    if !console.interactive() {
        return Ok(None);
    }
    if parameter.secret {
        return console.read_secret(&format!("{}: ", parameter.name)).map(|s| Some(Value::Secret(s)));
    }
    let line = console.read_line(&format!("{}: ", parameter.name))?;
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    if !parameter.list {
        return Ok(Some(Value::text(line)));
    }
    Ok(Some(Value::list(line.split(',').map(str::trim).filter(|w| !w.is_empty()).map(Value::text))))
}

/// The engine's side of one run of a verb.
struct VerbHost<'h, 'd> {
    down: &'h mut Down<'d>,
    queue: &'h mut VecDeque<Value>,
}

impl Host for VerbHost<'_, '_> {
    fn emit(&mut self, value: Value) -> Result<()> {
        self.down.emit(value)
    }

    fn next_input(&mut self) -> Result<Option<Value>> {
        Ok(self.queue.pop_front())
    }

    fn say(&mut self, message: Message) -> Result<()> {
        self.down.say(message)
    }

    fn report(&mut self, error: Error) -> Result<()> {
        self.down.report(error)
    }

    fn note_exit(&mut self, exit: ExitCode) {
        self.down.run.state.note_exit(exit);
    }

    fn what_if(&self) -> bool {
        self.down.what_if()
    }

    fn confirm(&mut self, action: &str, target: &str) -> Result<bool> {
        self.down.confirm(action, target)
    }

    fn is_verbose(&self) -> bool {
        self.down.is_verbose()
    }

    fn registry(&self) -> Registry {
        self.down.run.state.registry.clone()
    }

    fn history(&self) -> Vec<HistoryEntry> {
        self.down.run.state.history()
    }

    fn cancel(&self) -> Cancel {
        self.down.run.state.cancel.clone()
    }
}
