//! The declaration of a verb: binding, help, completion, tables and tests are derived from it.

use std::sync::Arc;

use super::args::Args;
use super::invocation::Invocation;
use super::param::ParamSpec;
use super::record::Kind;
use crate::error::{ErrorId, Result};

/// All that is known of a verb without running it.
#[derive(Debug)]
pub struct Spec {
    /// `Set-CsCertificate`.
    pub name: &'static str,
    /// The plain name of a `…-CsCertificate` verb: `Set-TlsCertificate`.
    pub twin: Option<&'static str>,
    /// Short names that operators type after a bar: `where`, `?`.
    pub aliases: &'static [&'static str],
    /// Further names of its Rhai function: `set_certificate`.
    pub functions: &'static [&'static str],
    /// One line, imperative, without a full stop.
    pub synopsis: &'static str,
    /// What it does, in full sentences; paragraphs parted by an empty line.
    pub description: &'static str,
    /// The parameter sets, the default one first; one unnamed set when empty.
    pub sets: &'static [&'static str],
    /// The parameters, in the order of the help.
    pub parameters: &'static [&'static ParamSpec],
    /// What it takes from the pipeline.
    pub input: Input,
    /// The kind of the objects that it emits.
    pub emits: Option<&'static Kind>,
    /// Whether it changes state, and how gravely.
    pub changes: Impact,
    /// Examples; each is run as a test in a fresh sample world.
    pub examples: &'static [Example],
    /// Verbs and topics to read next.
    pub related: &'static [&'static str],
}

/// What a verb takes from the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing: a piped object is `InputObjectNotBound`.
    None,
    /// It is run once for each object.
    EachObject,
    /// It is run once and reads the objects itself ([`Invocation::next_input`]).
    Whole,
}

/// How gravely a verb changes state; `$ConfirmPreference` is `High`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// It only reads: no `-WhatIf`, no `-Confirm`.
    Reads,
    /// Asked about with `-Confirm` only.
    Medium,
    /// Asked about unless `-Confirm:$false` or `-Force`.
    High,
}

/// One example of a verb.
#[derive(Debug)]
pub struct Example {
    /// The line to type.
    pub line: &'static str,
    /// What it shows, in one sentence.
    pub says: &'static str,
    /// What comes of it in a fresh sample world.
    pub expect: Expect,
}

/// What an example comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// So many objects on the stream.
    Emits(usize),
    /// At least one object, how many depends on the machine.
    EmitsSome,
    /// This error.
    Fails(ErrorId),
    /// So many objects, and state has changed.
    Changes(usize),
}

/// A verb: its declaration and what it does.
#[derive(Clone)]
pub struct Verb {
    /// The declaration.
    pub spec: &'static Spec,
    run: Run,
}

/// What a verb does, with whatever the closure of a host holds.
type Action = dyn Fn(&mut Invocation<'_>, &Args) -> Result<()> + Send + Sync;

#[derive(Clone)]
enum Run {
    Static(fn(&mut Invocation<'_>, &Args) -> Result<()>),
    Shared(Arc<Action>),
}

impl Verb {
    /// A verb of the library: `static VERB: Verb = Verb::new(&SPEC, run);`.
    pub const fn new(spec: &'static Spec, run: fn(&mut Invocation<'_>, &Args) -> Result<()>) -> Self {
        Self { spec, run: Run::Static(run) }
    }

    /// A verb of an embedding program, with whatever its closure holds.
    pub fn with(
        spec: &'static Spec,
        run: impl Fn(&mut Invocation<'_>, &Args) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { spec, run: Run::Shared(Arc::new(run)) }
    }

    /// Runs the verb once with bound parameters.
    ///
    /// # Errors
    /// Whatever the verb fails with.
    pub fn run(&self, invocation: &mut Invocation<'_>, args: &Args) -> Result<()> {
        match &self.run {
            Run::Static(run) => run(invocation, args),
            Run::Shared(run) => run(invocation, args),
        }
    }
}

impl Spec {
    /// The full names under which the verb is called.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.twin)
    }

    /// The parameter sets; one with an empty name where none is declared.
    pub fn parameter_sets(&self) -> &'static [&'static str] {
        if self.sets.is_empty() { &[""] } else { self.sets }
    }
}
