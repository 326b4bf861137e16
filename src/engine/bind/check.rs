//! What can be said of the commands of a text before anything runs.

use super::super::lower::{ArgumentUse, CommandUse, Literal};
use super::common::names_variable;
use super::{Argument, Bound, names};
use crate::command::{Block, Facts, Registry, Spec, Value};
use crate::error::{Error, ErrorId, ExitCode};

/// Finds the binding errors of the commands of a text, in its order, each with its place.
///
/// Where the session cannot tell which values are valid (no home), nothing is said of them.
pub(crate) fn check(commands: &[CommandUse], registry: &Registry, facts: &dyn Facts, interactive: bool) -> Vec<Error> {
    let mut errors = Vec::new();
    for command in commands {
        let Some(verb) = registry.verb(&command.verb) else { continue };
        for error in check_command(command, verb.spec, facts, interactive) {
            let error = if error.position().is_none() { error.at(command.position.clone()) } else { error };
            errors.push(error.exits(ExitCode::Usage));
        }
    }
    errors
}

/// All that is wrong with a command.
fn check_command(command: &CommandUse, spec: &'static Spec, facts: &dyn Facts, interactive: bool) -> Vec<Error> {
    let arguments = command.arguments.iter();
    // Of a command that the lowering refused, only what stands under a name is surely an argument.
    let arguments: Vec<Argument> = arguments.filter(|a| !command.faulty || is_named_value(a)).map(argument).collect();
    let (bound, mut faults) = Bound::gather(spec, &arguments, command.piped, facts);
    // What the session cannot tell yet shows when the command runs.
    faults.retain(|fault| is_of_binder(fault.id()));
    if command.faulty {
        // The lowering has told the others.
        faults.retain(|fault| is_of_value(fault.id()));
        return faults;
    }
    // A splat may bring what is missing, and a name that is wrong may be the one that is missing.
    if !command.splats && faults.iter().all(|fault| is_of_value(fault.id())) {
        faults.extend(bound.check_sets(interactive).err());
    }
    faults
}

fn is_named_value(written: &ArgumentUse) -> bool {
    written.parameter.is_some() && !written.values.is_empty()
}

/// Whether a fault is one of a value alone.
fn is_of_value(id: ErrorId) -> bool {
    matches!(id, ErrorId::CannotConvertArgument | ErrorId::ParameterArgumentValidationError | ErrorId::InvalidName)
}

/// An argument as the text shows it, without its value where that is not constant.
pub(crate) fn argument(written: &ArgumentUse) -> Argument {
    let literals: Option<Vec<Value>> = written.values.iter().map(|v| v.literal.as_ref().map(literal)).collect();
    let value = match written.values.as_slice() {
        // Which block it is makes no difference to whether one may stand here.
        [one] if one.block => Some(Value::Block(Block::new(()))),
        _ => literals.map(|mut values| if values.len() == 1 { values.swap_remove(0) } else { Value::list(values) }),
    };
    let place = match written.values.as_slice() {
        [one] => one.position.clone(),
        _ => written.position.clone(),
    };
    Argument { name: written.parameter.clone(), value, place: Some(place) }
}

/// A constant of a text as a value.
pub(crate) fn literal(literal: &Literal) -> Value {
    match literal {
        Literal::Text(text) => Value::text(text),
        Literal::Int(int) => Value::Int(*int),
        Literal::Float(float) => Value::Float(*float),
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Null => Value::Null,
        Literal::List(items) => Value::list(items.iter().map(self::literal)),
    }
}

/// The variables that the commands of a text leave something in: `-OutVariable x`.
pub(crate) fn captured_variables(commands: &[CommandUse], registry: &Registry) -> Vec<String> {
    let mut found = Vec::new();
    for command in commands {
        let Some(verb) = registry.verb(&command.verb) else { continue };
        for written in &command.arguments {
            let Some(word) = &written.parameter else { continue };
            let names::Found::One(parameter) = names::find(verb.spec, word) else { continue };
            if !names_variable(parameter) {
                continue;
            }
            if let Some(Value::Text(name)) = argument(written).value {
                let name = name.trim_start_matches('+').to_owned();
                let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if is_name && !found.contains(&name) {
                    found.push(name);
                }
            }
        }
    }
    found
}

fn is_of_binder(id: ErrorId) -> bool {
    !matches!(
        id,
        ErrorId::NoHome
            | ErrorId::HomeNotPrivate
            | ErrorId::ConfigInvalid
            | ErrorId::TopologyInvalid
            | ErrorId::StoreUnavailable
            | ErrorId::StoreLocked
            | ErrorId::StoreTooNew
            // A value that its own type refuses is thrown when the command runs, so that a script can catch it.
            | ErrorId::InvalidThumbprint
            | ErrorId::InvalidDate
    )
}
