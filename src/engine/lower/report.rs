//! What the engine learns about the commands of a text, and errors with their places.

use std::sync::Arc;

use super::fault::Fault;
use super::output::Cursor;
use crate::error::Error;
use crate::model::Position;

/// One command as it stands in the text; `__cmd` and `__pipe` carry its index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommandUse {
    /// The verb in canonical spelling.
    pub verb: String,
    /// Where the verb stands.
    pub position: Position,
    /// What is piped into it comes from a stage or an expression before it.
    pub piped: bool,
    /// `@p` hands over names that only a run shows.
    pub splats: bool,
    /// The lowering has refused something in it, so that what it lacks cannot be told.
    pub faulty: bool,
    /// The arguments in the order in which they stand.
    pub arguments: Vec<ArgumentUse>,
}

/// One argument: a parameter with its values, or a positional value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArgumentUse {
    /// Canonical name without its dash; `None` for a positional value.
    pub parameter: Option<String>,
    /// Where the parameter's word stands, with its dash; for a positional value, where that stands.
    pub position: Position,
    /// The values; a switch without one has `true` at its own position.
    pub values: Vec<ValueUse>,
}

/// One value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueUse {
    /// The value, if it is constant and not secret.
    pub literal: Option<Literal>,
    /// It is a script block.
    pub block: bool,
    /// Where it stands.
    pub position: Position,
}

/// A constant of the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text, quoted or not.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `$null`, `()`.
    Null,
    /// `[ … ]` in a parameter declaration.
    List(Vec<Self>),
}

/// A command before its places are known.
pub(super) struct Command<'a> {
    pub(super) verb: &'a str,
    pub(super) span: (u32, u32),
    pub(super) piped: bool,
    pub(super) splats: bool,
    pub(super) faulty: bool,
    pub(super) arguments: Vec<Argument<'a>>,
}

pub(super) struct Argument<'a> {
    pub(super) parameter: Option<&'a str>,
    pub(super) span: (u32, u32),
    pub(super) values: Vec<Value>,
}

pub(super) struct Value {
    pub(super) literal: Option<Literal>,
    pub(super) block: bool,
    pub(super) span: (u32, u32),
}

/// Turns byte ranges into positions; asked mostly in the order of the text.
pub(super) struct Places<'a> {
    source: &'a str,
    cursor: Cursor<'a>,
    file: Option<Arc<str>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(source: &'a str, file: Option<Arc<str>>) -> Self {
        Self { source, cursor: Cursor::new(source), file }
    }

    pub(super) fn position(&mut self, (start, end): (u32, u32)) -> Position {
        let place = self.cursor.seek(start as usize);
        let word = self.source.get(start as usize..(end as usize).min(self.source.len())).unwrap_or_default();
        let width = word.split('\n').next().unwrap_or_default().trim_end_matches('\r').chars().count() as u32;
        Position::new(self.file.clone(), place.line, place.column, width)
    }

    pub(super) fn command(&mut self, command: Command<'_>) -> CommandUse {
        CommandUse {
            verb: command.verb.to_owned(),
            position: self.position(command.span),
            piped: command.piped,
            splats: command.splats,
            faulty: command.faulty,
            arguments: command.arguments.into_iter().map(|argument| self.argument(argument)).collect(),
        }
    }

    fn argument(&mut self, argument: Argument<'_>) -> ArgumentUse {
        ArgumentUse {
            parameter: argument.parameter.map(str::to_owned),
            position: self.position(argument.span),
            values: argument
                .values
                .into_iter()
                .map(|value| ValueUse {
                    literal: value.literal,
                    block: value.block,
                    position: self.position(value.span),
                })
                .collect(),
        }
    }

    pub(super) fn error(&mut self, fault: Fault) -> Error {
        let position = self.position((fault.start, fault.end));
        let mut error = Error::new(fault.id, fault.message).at(position);
        if let Some(target) = fault.target {
            error = error.about(target);
        }
        fault.hints.into_iter().fold(error, Error::hint)
    }
}
