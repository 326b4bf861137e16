//! From the arguments of `__cmd` to a command, and from there to bound parameters.

use rhai::{Array, Dynamic, Map};

use super::{Command, Site};
use crate::command::{Registry, Value};
use crate::engine::bind::{Argument, Bound, names, placeholder};
use crate::engine::source::Sources;
use crate::engine::values::to_value;
use crate::error::{Error, ErrorId, Result};

/// The key under which the lowering hands over what is splatted.
const SPLAT: &str = "@";

/// The key under which `Get-Variable` asks for what is in scope: the asking alone counts.
const SCOPE: &str = "@scope";

/// A command as the lowering calls for it.
///
/// # Errors
/// `CommandNotFoundException` when the registry lost the verb since.
pub(in crate::engine) fn command(
    registry: &Registry,
    sources: &Sources,
    source: Option<&str>,
    name: &str,
    site: i64,
    positional: Array,
    named: Map,
) -> Result<Command> {
    let mut command = bare_command(registry, name)?;
    command.positional = positional;
    for (key, value) in named {
        if key == SPLAT {
            command.splatted = value.into_array().unwrap_or_default();
        } else if key != SCOPE {
            command.named.push((key.to_string(), value));
        }
    }
    let site = source.and_then(|name| sources.get(name)).zip(usize::try_from(site).ok());
    command.site = site
        .map(|(source, index)| Site { source, index })
        .filter(|site| site.written().is_some_and(|written| written.verb.eq_ignore_ascii_case(name)));
    Ok(command)
}

/// A command without arguments and place.
///
/// # Errors
/// `CommandNotFoundException`.
pub(in crate::engine) fn bare_command(registry: &Registry, name: &str) -> Result<Command> {
    let verb = registry
        .verb(name)
        .ok_or_else(|| Error::new(ErrorId::CommandNotFoundException, format!("`{name}` is no command")).about(name))?;
    Ok(Command {
        verb: verb.clone(),
        spec: verb.spec,
        positional: Vec::new(),
        named: Vec::new(),
        splatted: Vec::new(),
        site: None,
    })
}

impl Command {
    /// Gives arguments that stand in no text.
    pub(in crate::engine) fn with(mut self, positional: Vec<Dynamic>, named: Option<Map>) -> Self {
        self.positional = positional;
        self.named = named.into_iter().flatten().map(|(key, value)| (key.to_string(), value)).collect();
        self
    }

    /// Binds by name and position; what is wrong with an argument stands beside what could be bound.
    ///
    /// # Errors
    /// Those of the arguments as a whole: a splat of nothing that can be splatted, a placeholder of a manual.
    pub(super) fn bind(&self, has_input: bool, facts: &dyn crate::command::Facts) -> Result<(Bound, Option<Error>)> {
        let arguments = self.arguments()?;
        let (bound, faults) = Bound::gather(self.spec, &arguments, has_input, facts);
        Ok((bound, faults.into_iter().next()))
    }

    fn arguments(&self) -> Result<Vec<Argument>> {
        let written = self.site.as_ref().and_then(Site::written);
        let mut arguments = Vec::new();
        for (name, value) in &self.named {
            let place = written.and_then(|w| {
                let argument = w.arguments.iter().find(|a| a.parameter.as_deref() == Some(name))?;
                Some(value_place(argument))
            });
            arguments.push(Argument { name: Some(name.clone()), value: Some(to_value(value)?), place });
        }
        // A map has the order of the alphabet; the first fault to be told is the first that was written.
        arguments.sort_by_key(|a: &Argument| a.place.as_ref().map(|p| (p.line, p.column)));
        let places: Vec<_> =
            written.into_iter().flat_map(|w| &w.arguments).filter(|a| a.parameter.is_none()).map(value_place).collect();
        for (index, value) in self.positional.iter().enumerate() {
            arguments.push(Argument { name: None, value: Some(to_value(value)?), place: places.get(index).cloned() });
        }
        for splatted in &self.splatted {
            splat(splatted, &mut arguments, self)?;
        }
        if !super::stage::is_internal(self.spec) {
            for argument in arguments.iter().filter(|a| !self.is_secret(a)) {
                refuse_placeholders(argument)?;
            }
        }
        Ok(arguments)
    }
}

impl Command {
    /// Whether an argument must not be shown, also where its name is only begun.
    fn is_secret(&self, argument: &Argument) -> bool {
        let Some(word) = &argument.name else { return false };
        matches!(names::find(self.spec, word), names::Found::One(parameter) if parameter.secret)
    }
}

/// `@p`: the entries of a map by name, the elements of a list by position.
fn splat(value: &Dynamic, arguments: &mut Vec<Argument>, command: &Command) -> Result<()> {
    let place = command.place();
    match to_value(value)? {
        Value::Map(entries) => {
            for (name, value) in entries.iter() {
                arguments.push(Argument {
                    name: Some(name.to_string()),
                    value: Some(value.clone()),
                    place: place.clone(),
                });
            }
        }
        Value::List(items) => {
            for value in items.iter() {
                arguments.push(Argument { name: None, value: Some(value.clone()), place: place.clone() });
            }
        }
        Value::Null => {}
        other => {
            let message = format!("only a map or a list can be splatted, not a `{}`", other.type_name());
            let error =
                Error::new(ErrorId::CannotConvertArgument, message).hint("write `$p = @{ Name = 'value' }` first");
            return Err(match place {
                Some(place) => error.at(place),
                None => error,
            });
        }
    }
    Ok(())
}

fn value_place(argument: &crate::engine::lower::ArgumentUse) -> crate::model::Position {
    match argument.values.as_slice() {
        [one] => one.position.clone(),
        _ => argument.position.clone(),
    }
}

fn refuse_placeholders(argument: &Argument) -> Result<()> {
    let Some(value) = &argument.value else { return Ok(()) };
    for item in value.items() {
        let Value::Text(text) = item else { continue };
        let words = placeholder::placeholders(text);
        if !words.is_empty() {
            let error = placeholder::not_replaced(&words);
            return Err(match &argument.place {
                Some(place) => error.at(place.clone()),
                None => error,
            });
        }
    }
    Ok(())
}
