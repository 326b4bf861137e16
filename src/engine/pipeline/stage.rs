//! The contract of a stage, and the stages that only the engine can run.

use super::host::VerbStage;
use super::run::{Down, Run};
use super::verbs;
use crate::command::Args;
use crate::command::{Invocation, Spec, Value, Verb};
use crate::engine::bind::Bound;
use crate::error::{Error, ErrorId, Result};

/// One stage of a running pipeline.
///
/// An error that it returns ends its command; `-ErrorAction` decides what then becomes of the run.
pub(super) trait Stage {
    /// Runs as the first stage of a pipeline, without input.
    fn head(&mut self, down: &mut Down<'_>) -> Result<()> {
        let _ = down;
        Ok(())
    }

    /// Takes one object.
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()>;

    /// No more objects come.
    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        let _ = down;
        Ok(())
    }
}

/// Makes a stage from its bound parameters.
pub(super) type Make = fn(&Bound, &Run<'_>) -> Result<Box<dyn Stage>>;

/// The stage of a verb: one of the engine's own, or the verb as it is.
pub(super) fn stage_of(verb: Verb, bound: Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    match verbs::INTERNAL.iter().find(|(spec, _)| std::ptr::eq(*spec, verb.spec)) {
        Some((_, make)) => make(&bound, run),
        None => Ok(Box::new(VerbStage::new(verb, bound))),
    }
}

/// Whether a verb is one of those that come with the engine.
pub(super) fn is_internal(spec: &'static Spec) -> bool {
    verbs::all().any(|verb| std::ptr::eq(verb.spec, spec))
}

/// What an engine-internal verb does where it is called without an engine.
pub(super) fn outside(invocation: &mut Invocation<'_>, _: &Args) -> Result<()> {
    Err(Error::new(
        ErrorId::ScriptError,
        format!("`{}` runs in a pipeline of the script engine only", invocation.spec().name),
    ))
}
