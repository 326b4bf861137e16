//! The driver: each stage hands its objects straight to the next, the first object is out at once.

use std::cell::{Cell, RefCell};
use std::ops::{Range, RangeInclusive};

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use super::speech::Speech;
use super::stage::{Stage, stage_of};
use super::{Command, Head, Pipeline};
use crate::command::{Block, Value};
use crate::engine::errors::{ends_run, thrown};
use crate::engine::state::State;
use crate::engine::values::{enumerate, to_dynamic, to_value};
use crate::error::{Error, ErrorId, Result};
use crate::model::Position;

type Thrown = Box<EvalAltResult>;

/// One pipeline while it runs, on the context of the call that runs it.
pub(super) struct Run<'a> {
    cx: &'a NativeCallContext<'a>,
    pub(super) state: &'a State,
    pipeline: &'a Pipeline,
    /// What is being thrown; once set, every stage only unwinds.
    failure: RefCell<Option<Thrown>>,
    /// The last stage that needs no more objects.
    stopped: Cell<Option<usize>>,
}

/// A stage with what is known of its command.
pub(super) struct Slot {
    pub(super) speech: Speech,
    stage: Box<dyn Stage>,
}

/// What a stage sees while it works: its own command, and the stages below it.
pub(super) struct Down<'d> {
    pub(super) run: &'d Run<'d>,
    pub(super) speech: &'d mut Speech,
    rest: &'d mut [Slot],
    sink: &'d mut dyn FnMut(Value) -> Result<()>,
    index: usize,
}

/// Runs a pipeline and hands each object that comes out of it to `sink`.
///
/// # Errors
/// What a command or a script block threw.
pub(in crate::engine) fn drive(
    cx: &NativeCallContext<'_>,
    state: &State,
    pipeline: &Pipeline,
    sink: &mut dyn FnMut(Value) -> Result<()>,
) -> Result<(), Thrown> {
    let faults = state.faults();
    let result = drive_on(cx, state, pipeline, sink);
    state.set_ok(result.is_ok() && state.faults() == faults);
    result
}

fn drive_on(
    cx: &NativeCallContext<'_>,
    state: &State,
    pipeline: &Pipeline,
    sink: &mut dyn FnMut(Value) -> Result<()>,
) -> Result<(), Thrown> {
    let run = Run { cx, state, pipeline, failure: RefCell::new(None), stopped: Cell::new(None) };
    let mut slots = Vec::with_capacity(pipeline.stages.len());
    for (index, command) in pipeline.stages.iter().enumerate() {
        let has_input = index > 0 || matches!(pipeline.head, Head::Value(_));
        match run.open(command, has_input) {
            Ok(slot) => slots.push(slot),
            Err(error) => return Err(run.failure.take().unwrap_or_else(|| run.raise_of(command, error))),
        }
    }
    let result = run.feed(pipeline, &mut slots, sink);
    for slot in &mut slots {
        slot.speech.leave(state);
    }
    if let Some(failure) = run.failure.take() {
        return Err(failure);
    }
    result.map_err(|error| {
        state.remember(&error);
        thrown(error)
    })
}

/// The values that a pipeline, or a value in its place, comes to.
///
/// # Errors
/// Those of [`drive`]; `LimitExceeded` when there are too many.
pub(in crate::engine) fn values_of(
    cx: &NativeCallContext<'_>,
    state: &State,
    value: &Dynamic,
) -> Result<Vec<Value>, Thrown> {
    let Some(pipeline) = value.read_lock::<Pipeline>() else {
        return to_value(value).map(enumerate).map_err(thrown);
    };
    let mut values = Vec::new();
    let limit = state.limits.array_size;
    drive(cx, state, &pipeline, &mut |value| {
        if limit > 0 && values.len() >= limit {
            return Err(too_many(limit));
        }
        values.push(value);
        Ok(())
    })?;
    Ok(values)
}

pub(super) fn too_many(limit: usize) -> Error {
    Error::new(ErrorId::LimitExceeded, format!("a pipeline holds more than {limit} objects at once"))
        .hint("let them flow: `… | ForEach-Object { … }` holds one at a time")
}

impl Run<'_> {
    fn open(&self, command: &Command, has_input: bool) -> Result<Slot> {
        let (bound, fault) = command.bind(has_input, &self.state.session)?;
        let mut speech = Speech::new(command.spec, self.place(command), &bound);
        let Some(fault) = fault else {
            let stage = stage_of(command.verb.clone(), bound, self)?;
            return Ok(Slot { speech, stage });
        };
        if !is_of_catalogue(fault.id()) {
            return Err(fault);
        }
        // A value that its own type refuses is an error of the command, and `-ErrorAction` holds for it.
        let mut down = Down { run: self, speech: &mut speech, rest: &mut [], sink: &mut |_| Ok(()), index: 0 };
        let fault = super::speech::placed(fault, command.spec.name, self.place(command).as_ref());
        down.terminating(fault)?;
        Ok(Slot { speech, stage: Box::new(Ended) })
    }

    /// Where a command stands; one that was called as a function, where the call stands.
    fn place(&self, command: &Command) -> Option<Position> {
        command.place().or_else(|| self.state.sources.place(self.cx.call_source()?, self.cx.call_position()))
    }

    #[allow(clippy::unnecessary_box_returns, reason = "Rhai's results are boxed")]
    fn raise_of(&self, command: &Command, error: Error) -> Thrown {
        let error = super::speech::placed(error, command.spec.name, self.place(command).as_ref());
        self.state.remember(&error);
        thrown(error)
    }

    fn feed(&self, pipeline: &Pipeline, slots: &mut [Slot], sink: &mut dyn FnMut(Value) -> Result<()>) -> Result<()> {
        let mut result = self.begin(slots, sink);
        if result.is_ok() {
            result = match &pipeline.head {
                Head::Nothing => self.turn(slots, 0, sink, |stage, down| stage.head(down)),
                Head::Value(value) => self.feed_values(value, slots, sink),
            };
        }
        if self.has_failed() || (result.is_err() && self.stopped.get().is_none()) {
            return result;
        }
        for index in 0..slots.len() {
            if self.stopped.get().is_some_and(|last| index < last) {
                continue;
            }
            let ended = self.turn(slots, index, sink, |stage, down| stage.end(down));
            if ended.is_err() && (self.has_failed() || self.stopped.get().is_none_or(|last| index >= last)) {
                return ended;
            }
        }
        Ok(())
    }

    fn begin(&self, slots: &mut [Slot], sink: &mut dyn FnMut(Value) -> Result<()>) -> Result<()> {
        for index in 0..slots.len() {
            self.turn(slots, index, sink, |_, down| down.begin())?;
        }
        Ok(())
    }

    fn feed_values(&self, head: &Dynamic, slots: &mut [Slot], sink: &mut dyn FnMut(Value) -> Result<()>) -> Result<()> {
        let mut feed = |value: Value| -> Result<bool> {
            self.turn(slots, 0, sink, |stage, down| stage.object(value, down))?;
            Ok(self.stopped.get().is_none())
        };
        // A range is counted, not made a list of.
        if let Some(numbers) = numbers(head) {
            for number in numbers {
                self.state.cancel.check().map_err(|e| self.raise(e))?;
                if !feed(Value::Int(number))? {
                    break;
                }
            }
            return Ok(());
        }
        for value in enumerate(to_value(head)?) {
            if !feed(value)? {
                break;
            }
        }
        Ok(())
    }

    fn turn(
        &self,
        slots: &mut [Slot],
        index: usize,
        sink: &mut dyn FnMut(Value) -> Result<()>,
        act: impl FnOnce(&mut dyn Stage, &mut Down<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some((slot, rest)) = slots.get_mut(index..).and_then(<[Slot]>::split_first_mut) else { return Ok(()) };
        let mut down = Down { run: self, speech: &mut slot.speech, rest, sink, index };
        let result = act(slot.stage.as_mut(), &mut down);
        down.settle(result)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// Starts to unwind; the first failure is the one that counts.
    fn fail(&self, failure: Thrown) -> Error {
        let mut slot = self.failure.borrow_mut();
        slot.get_or_insert(failure);
        unwinding()
    }

    /// Throws an error of a command out of the whole pipeline.
    pub(super) fn raise(&self, error: Error) -> Error {
        self.fail(thrown(error.clone()));
        error
    }

    fn is_past(&self, index: usize) -> bool {
        self.stopped.get().is_some_and(|last| index < last)
    }

    /// Runs a script block on an object; its value, as Rhai has it.
    pub(super) fn call(&self, block: &Block, item: &Value) -> Result<Dynamic> {
        let Some(pointer) = block.inner::<FnPtr>() else {
            return Err(Error::new(ErrorId::CannotConvertArgument, "this is no script block"));
        };
        self.state.cancel.check().map_err(|e| self.raise(e))?;
        super::super::blocks::call(self.cx, self.state, pointer, to_dynamic(item)).map_err(|e| {
            self.name_stage(pointer);
            self.fail(e)
        })
    }

    /// Remembers whose script block has failed, for the way that leads to the error.
    fn name_stage(&self, block: &FnPtr) {
        let owner = self.pipeline.stages.iter().find(|command| command.holds(block));
        if let Some(command) = owner
            && let Some(place) = self.place(command)
        {
            self.state.sources.note_stage(block.fn_name(), command.spec.name, place);
        }
    }

    /// The value of a script block that is to be compared or shown; a failure becomes the run's.
    pub(super) fn call_value(&self, block: &Block, item: &Value) -> Result<Value> {
        let value = self.call(block, item)?;
        to_value(&value)
    }
}

impl Down<'_> {
    /// Hands an object to the next stage, or out.
    ///
    /// # Errors
    /// What a later stage failed with; the quiet end of a stage that needs no more.
    pub(super) fn emit(&mut self, value: Value) -> Result<()> {
        if self.run.has_failed() || self.run.is_past(self.index) {
            return Err(unwinding());
        }
        self.run.state.cancel.check().map_err(|e| self.run.raise(e))?;
        self.speech.capture(&value);
        match self.rest.split_first_mut() {
            None => (self.sink)(value).map_err(|e| self.run.raise(e))?,
            Some((slot, rest)) => {
                let mut down = Down {
                    run: self.run,
                    speech: &mut slot.speech,
                    rest,
                    sink: &mut *self.sink,
                    index: self.index + 1,
                };
                let result = slot.stage.object(value, &mut down);
                down.settle(result)?;
            }
        }
        if self.run.is_past(self.index) { Err(unwinding()) } else { Ok(()) }
    }

    /// Says that this stage needs no more objects.
    pub(super) fn stop(&mut self) {
        let last = self.run.stopped.get().map_or(self.index, |last| last.max(self.index));
        self.run.stopped.set(Some(last));
    }

    /// Decides what becomes of a stage's own error: thrown, or reported and passed over.
    fn settle(&mut self, result: Result<()>) -> Result<()> {
        let Err(error) = result else { return Ok(()) };
        if self.run.has_failed() || self.run.is_past(self.index) {
            return Err(error);
        }
        let error = super::speech::placed(error, self.speech.spec.name, self.speech.place.as_ref());
        if ends_run(&error) {
            return Err(self.run.raise(error));
        }
        self.terminating(error)
    }
}

/// A command that has failed before it began, and was passed over.
struct Ended;

impl Stage for Ended {
    fn object(&mut self, _: Value, _: &mut Down<'_>) -> Result<()> {
        Ok(())
    }
}

/// Whether an error is one of the product's own, and none of the binder's.
fn is_of_catalogue(id: ErrorId) -> bool {
    use ErrorId as I;
    !matches!(
        id,
        I::NamedParameterNotFound
            | I::AmbiguousParameter
            | I::AmbiguousParameterSet
            | I::MissingArgument
            | I::MissingMandatoryParameter
            | I::PositionalParameterNotFound
            | I::ParameterAlreadyBound
            | I::CannotConvertArgument
            | I::ParameterArgumentValidationError
    )
}

/// The numbers of a range.
fn numbers(head: &Dynamic) -> Option<Box<dyn Iterator<Item = i64>>> {
    if let Some(range) = head.read_lock::<Range<i64>>() {
        return Some(Box::new(range.clone()));
    }
    head.read_lock::<RangeInclusive<i64>>().map(|range| Box::new(range.clone()) as _)
}

fn unwinding() -> Error {
    Error::new(ErrorId::Interrupted, "the pipeline has ended")
}
