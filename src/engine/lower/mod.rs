//! Source-to-source lowering of command lines to Rhai.

mod argument;
mod code;
mod dollar;
mod fault;
mod frame;
mod keyword;
mod names;
mod operators;
mod output;
mod pipeline;
mod quoted;
mod report;
mod scan;
mod script_params;
mod value;
mod words;

use std::sync::Arc;

use crate::error::Error;
use crate::model::Position;

pub use output::ColumnMap;
pub use report::{ArgumentUse, CommandUse, Literal, ValueUse};
pub use script_params::{ParamBlock, ScriptParameter};
pub use words::{Parameter, ParameterLookup, Words};

use report::Places;
use scan::Lowerer;

/// A text after the lowering.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// Rhai, with as many lines as the source.
    pub text: String,
    /// Leads positions in `text` back to the source.
    pub map: ColumnMap,
    /// The parameters that the text declares, if it begins with `param(…)`.
    pub params: Option<ParamBlock>,
    /// The commands in the order of their site numbers.
    pub commands: Vec<CommandUse>,
}

/// Why a text could not be lowered.
#[derive(Clone, Debug)]
pub enum LowerFailure {
    /// More is needed: a bracket, a text, a bar or a line is open. A file ends with this as its error.
    Incomplete(Box<Error>),
    /// What is wrong, in the order of the text; never empty.
    Errors(Vec<Error>),
}

/// Lowers a text; `known` are the variables that are in scope before it.
pub fn lower(text: &str, file: Option<Arc<str>>, words: &dyn Words, known: &[&str]) -> Result<Lowered, LowerFailure> {
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
    let (text, map) = lowerer.out.compose();
    Ok(Lowered { text, map, params, commands })
}

/// Finds the words of the shape `Verb-Noun` at the start of an expression that are no registered verbs.
pub fn unknown_verbs(text: &str, file: Option<Arc<str>>, words: &dyn Words) -> Vec<(String, Position)> {
    let mut lowerer = Lowerer::new(text, words, &[]);
    lowerer.script_parameters();
    lowerer.script();
    let mut places = Places::new(text, file);
    let unknown = lowerer.unknown.into_iter();
    unknown.map(|span| (text.get(span.0 as usize..span.1 as usize).unwrap_or_default().to_owned(), places.position(span))).collect()
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
