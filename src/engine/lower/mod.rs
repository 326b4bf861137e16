//! Source-to-source lowering of command lines to Rhai.
//!
//! ```text
//! Get-X -A b,c | Where-Object |c| c.z < 3 | Sort-Object z
//!   =>  __emit(__pipe(__pipe(__cmd("Get-X", 0, [], #{"A": ["b", "c"]}), "Where-Object", 1, [|c| c.z < 3], #{}),
//!              "Sort-Object", 2, ["z"], #{}));
//! ```
//!
//! One pass finds the commands and PowerShell's spellings in a script; everything else is copied byte for byte. The
//! lowered text has as many lines as the source, and [`ColumnMap`] leads its columns back. What can be known without
//! running (parameters, missing and stray values) is reported for the whole text, at the word; literals and their
//! places are in [`CommandUse`], for the checks that need the registry.
//!
//! # Functions that the lowered text calls
//!
//! The engine registers them; scripts cannot name them, since names that begin with `__` are refused.
//!
//! | call | meaning |
//! |---|---|
//! | `__cmd(verb, site, positional, named)` | builds a pipeline of one command and runs nothing. `site` indexes [`Lowered::commands`]; `positional` is an array; `named` maps canonical parameter names to values, a list being an array and a switch `true`; its key `"@"`, if there is one, holds an array of what is splatted: maps give names, arrays give positions |
//! | `__pipe(upstream, verb, site, positional, named)` | the same with something before the bar: a pipeline, or any value, whose elements are piped when it is an array |
//! | `__emit(p)` | runs a pipeline, its objects go to the stream as they come; a value that is no pipeline goes to the stream itself, and `()` is nothing. Inside of a stage's script block the stream is that stage's output |
//! | `__collect(p)` | runs a pipeline: `()` for no object, the object for one, an array for several |
//! | `__array(v)` | `@(…)` with one element: runs a pipeline or takes a value; always an array: none, one or many elements |
//! | `__concat(array)` | `@(…)` with several elements: each as `__array` takes it, one after the other |
//! | `__each(v)` | what a loop goes through: a pipeline, an array, a range, a text as one object, any other value as one, `()` as none |
//! | `__ok()` | `$?`: whether the last pipeline ended without an error |
//! | `__scope` | a variable that is asked for before `Get-Variable` runs: the engine notes what is in scope |
//! | `__true(v)` | PowerShell's truth: `false`, `()`, `0`, `""` and an empty array are not true, an array of one is as its element |
//! | `__expand(array)` | PowerShell's text: each element as PowerShell prints it inside of double quotes, put together |
//! | `__eq __ne __lt __le __gt __ge (a, b)` | comparisons without regard to case; `a` decides the conversion, and an array `a` is filtered |
//! | `__like __notlike __match __notmatch (a, b)` | wildcards and regular expressions, without regard to case |
//! | `__contains __notcontains (list, x)`, `__in __notin (x, list)` | membership by `__eq` |
//! | `__replace(text, [pattern, with])`, `__split(text, pattern)`, `__split(text)`, `__join(list, between)`, `__join(list)` | PowerShell's, by regular expression; `__replace` takes a pattern alone too, the one-argument forms split at blanks and join with nothing |
//! | `__ceq __cne __clt __cle __cgt __cge __clike __cnotlike __cmatch __cnotmatch __ccontains __cnotcontains __cin __cnotin __creplace __csplit` | the same with regard to case |
//!
//! `-and`, `-or` and `-not` become `&&`, `||` and `!` over `__true`, so they stop early as they should. The parameter of
//! a script block, and the error of a `catch` that names none, is the variable `__it` (`$_`). `$null = …` declares
//! `__null`; a variable whose name Rhai keeps for itself, `$default`, is `__v_default`. `.use` and its like become
//! `["use"]`. Arrays need getters `Count` and `Length`, and objects an indexer that ignores case.
//!
//! # Where a value goes
//!
//! A command that is a statement is emitted; as the last statement of a function, a closure, a script block, a value
//! block or the script it is collected, being the value. Loops, `try` and `catch` have no value, so theirs are emitted.
//! A statement that begins with `$`, `@`, a bracket, a quote or an operator and that holds a `$` or a command is
//! treated alike: `$x.Thumbprint` on a line of its own is shown.
//!
//! # Where PowerShell's spellings hold
//!
//! Inside of `@{…}`, `@(…)`, `$(…)`, `{ … }` after a command, `foreach ($x in …) { … }` and on the right of `$x =` quoting and
//! operators are PowerShell's, and `1..3` holds its end. Elsewhere Rhai's quoting holds, `$x` may stand for `x`, and a
//! PowerShell operator such as `-eq` is taken where Rhai could mean nothing by it; the condition of an `if` or `while`
//! that holds a `$` or a command is a truth in PowerShell's sense. A `#!` line becomes a comment.

mod alias;
mod argument;
mod bracket;
mod code;
mod dollar;
mod fault;
mod frame;
pub(crate) mod fuzz;
mod keyword;
mod lines;
mod mask;
mod names;
mod operators;
mod output;
mod pipeline;
mod quoted;
mod report;
mod sample;
mod scan;
mod script_params;
mod stage;
pub(crate) mod text;
mod value;
mod words;

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::model::Position;

pub(crate) use mask::{Secrets, has_secret_word, secret_arguments};
pub(crate) use output::ColumnMap;
pub use report::Literal;
pub(crate) use report::{ArgumentUse, CommandUse};
pub(crate) use script_params::ParamBlock;
pub use script_params::ScriptParameter;
pub(crate) use words::{Parameter, ParameterLookup, Words};

use report::Places;
use scan::Lowerer;

/// A text after the lowering.
#[derive(Clone)]
pub(crate) struct Lowered {
    /// Rhai, with as many lines as the source.
    pub text: String,
    /// Leads positions in `text` back to the source.
    pub map: ColumnMap,
    /// The parameters that the text declares, if it begins with `param(…)`.
    pub params: Option<ParamBlock>,
    /// The commands in the order of their site numbers.
    pub commands: Vec<CommandUse>,
    /// The sites of the last commands of those pipelines that are the script's own value: they need not be kept.
    pub tails: Vec<usize>,
}

impl fmt::Debug for Lowered {
    /// Leaves the text out: a script may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lowered")
            .field("params", &self.params)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

/// Why a text could not be lowered.
#[derive(Clone, Debug)]
pub(crate) enum LowerFailure {
    /// More is needed: a bracket, a text, a bar or a line is open. A file ends with this as its error.
    Incomplete(Box<Error>),
    /// What is wrong, in the order of the text; never empty.
    Errors(Vec<Error>),
}

/// Lowers a text; `known` are the variables that are in scope before it, as in a session's next line.
///
/// Positions count lines and columns from 1, columns in characters. Fails with [`LowerFailure::Errors`] for a text that
/// is wrong and with [`LowerFailure::Incomplete`] for one that only ends too early.
pub(crate) fn lower(
    text: &str,
    file: Option<Arc<str>>,
    words: &dyn Words,
    known: &[&str],
) -> Result<Lowered, LowerFailure> {
    let mut lowerer = Lowerer::new(text, words, known);
    let declared = lowerer.script_parameters();
    lowerer.script();
    let mut places = Places::new(text, file);
    if !lowerer.faults.is_empty() {
        return Err(LowerFailure::Errors(lowerer.faults.into_iter().map(|fault| places.error(fault)).collect()));
    }
    if let Some(open) = lowerer.open {
        return Err(LowerFailure::Incomplete(Box::new(places.error(open))));
    }
    let commands = lowerer.commands.into_iter().map(|command| places.command(command)).collect();
    let params = declared.map(|declared| ParamBlock {
        parameters: declared.into_iter().map(|parameter| parameter.resolve(&mut places)).collect(),
    });
    let tails = lowerer.tails;
    let (text, map) = lowerer.out.compose();
    Ok(Lowered { text, map, params, commands, tails })
}

/// The commands of a text that [`lower`] refused, for what else can be told of them.
pub(crate) fn commands_of(text: &str, file: Option<Arc<str>>, words: &dyn Words, known: &[&str]) -> Vec<CommandUse> {
    let mut lowerer = Lowerer::new(text, words, known);
    lowerer.script_parameters();
    lowerer.script();
    let mut places = Places::new(text, file);
    lowerer.commands.into_iter().map(|command| places.command(command)).collect()
}

/// Finds, for a "did you mean" after an error of Rhai's, the words of the shape `Verb-Noun` at the start of an expression that are no registered verbs.
pub(crate) fn unknown_verbs(text: &str, file: Option<Arc<str>>, words: &dyn Words) -> Vec<(String, Position)> {
    let mut lowerer = Lowerer::new(text, words, &[]);
    lowerer.script_parameters();
    lowerer.script();
    let mut places = Places::new(text, file);
    let unknown = lowerer.unknown.into_iter();
    unknown
        .map(|span| (text.get(span.0 as usize..span.1 as usize).unwrap_or_default().to_owned(), places.position(span)))
        .collect()
}

#[cfg(test)]
mod tests;
