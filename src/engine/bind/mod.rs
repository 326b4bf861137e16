//! From the words of a command to the parameters of its verb, as PowerShell binds them.

pub(crate) mod check;
pub(crate) mod common;
pub(crate) mod fuzz;
mod input;
pub(crate) mod names;
pub(crate) mod placeholder;
pub(crate) mod secrets;
mod sets;
pub(crate) mod words;

use self::common::{Common, is_common};
use crate::command::{Args, Block, Facts, ParamSpec, Pipeline, Spec, Value, Values, choice};
use crate::error::{Error, ErrorId, Result};
use crate::model::Position;

/// One argument of a command, as written or splatted.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// The parameter word; `None` for a positional one.
    pub(crate) name: Option<String>,
    /// Its value; `None` where only running can tell.
    pub(crate) value: Option<Value>,
    /// Where its value, or else its name, stands.
    pub(crate) place: Option<Position>,
}

/// The parameters of one command once names and positions are settled; what comes by pipeline is still open.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) spec: &'static Spec,
    pub(crate) common: Common,
    given: Vec<Given>,
    candidates: Vec<&'static str>,
    has_input: bool,
}

#[derive(Clone, Debug)]
struct Given {
    parameter: &'static ParamSpec,
    value: Option<Value>,
    /// A script block that gives the value for each piped object.
    delayed: Option<Block>,
}

/// Asks somebody for the value of a mandatory parameter; `None` where nobody can be asked.
pub(crate) type Ask<'a> = &'a dyn Fn(&'static ParamSpec) -> Result<Option<Value>>;

/// Runs a script block on an object.
pub(crate) type Call<'a> = &'a dyn Fn(&Block, &Value) -> Result<Value>;

impl Bound {
    /// Binds by name and position, and converts.
    ///
    /// # Errors
    /// Those of PowerShell's binder, each at the place of its word.
    pub(crate) fn new(spec: &'static Spec, arguments: &[Argument], has_input: bool, facts: &dyn Facts) -> Result<Self> {
        let (bound, faults) = Self::gather(spec, arguments, has_input, facts);
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(bound),
        }
    }

    /// Binds what can be bound, and tells all that is wrong with the rest: names first, then positions.
    pub(crate) fn gather(
        spec: &'static Spec,
        arguments: &[Argument],
        has_input: bool,
        facts: &dyn Facts,
    ) -> (Self, Vec<Error>) {
        let mut faults = Vec::new();
        let mut bound = Self {
            spec,
            common: Common::default(),
            given: Vec::new(),
            candidates: spec.parameter_sets().to_vec(),
            has_input,
        };
        for argument in arguments {
            if let Some(word) = &argument.name {
                let result = names::resolve(spec, word).and_then(|p| bound.give(p, argument.value.as_ref(), facts));
                faults.extend(result.err().map(|e| at(e, argument.place.as_ref())));
            }
        }
        for argument in arguments.iter().filter(|a| a.name.is_none()) {
            let value = argument.value.as_ref();
            let result = match bound.position(value) {
                Ok(parameter) => bound.give(parameter, value, facts),
                Err(none) => bound.give_more(value, none, facts),
            };
            faults.extend(result.err().map(|e| at(e, argument.place.as_ref())));
        }
        (bound, faults)
    }

    /// Takes a value for a parameter.
    fn give(&mut self, parameter: &'static ParamSpec, value: Option<&Value>, facts: &dyn Facts) -> Result<()> {
        if self.given.iter().any(|g| std::ptr::eq(g.parameter, parameter)) {
            return Err(Error::new(ErrorId::ParameterAlreadyBound, format!("`-{}` is given twice", parameter.name))
                .about(parameter.name)
                .in_verb(self.spec.name));
        }
        let delayed = match value {
            Some(Value::Block(block)) if !takes_blocks(parameter) => Some(block.clone()),
            _ => None,
        };
        let converted = match (&delayed, value) {
            (Some(_), _) => self.may_delay(parameter).map(|()| None),
            (None, value) => value.map(|v| convert(parameter, v, facts)).transpose(),
        };
        // A parameter whose value is wrong is given all the same: it is not missing too.
        let (converted, failed) = match converted {
            Ok(converted) => (converted, None),
            Err(error) => (None, Some(error.in_verb(self.spec.name))),
        };
        self.given.push(Given { parameter, value: converted.clone(), delayed });
        self.weigh(parameter, converted.as_ref())?;
        failed.map_or(Ok(()), Err)
    }

    /// Adds a value to the parameter that takes all further ones; `none` where no parameter does.
    fn give_more(&mut self, value: Option<&Value>, none: Error, facts: &dyn Facts) -> Result<()> {
        let Some(given) = self.given.iter_mut().find(|g| g.parameter.remaining) else { return Err(none) };
        let more = value.map(|v| convert(given.parameter, v, facts)).transpose();
        let more = more.map_err(|e| e.in_verb(self.spec.name))?;
        given.value = match (given.value.take(), more) {
            (Some(before), Some(more)) => Some(Value::list(before.items().iter().chain(more.items()).cloned())),
            _ => None,
        };
        Ok(())
    }

    /// A script block in a value's place stands for a value of each object: only what the pipeline gives can wait for one.
    fn may_delay(&self, parameter: &'static ParamSpec) -> Result<()> {
        if self.has_input && parameter.pipeline != Pipeline::No {
            return Ok(());
        }
        let (verb, name) = (self.spec.name, parameter.name);
        Err(Error::new(ErrorId::CannotConvertArgument, format!("`-{name}` takes no script block"))
            .about(name)
            .hint(format!("to run the command for each object: `… | ForEach-Object {{ {verb} -{name} $_.… }}`")))
    }

    /// What a parameter that was given says of the sets and of the common parameters.
    fn weigh(&mut self, parameter: &'static ParamSpec, converted: Option<&Value>) -> Result<()> {
        if is_common(parameter) {
            if let Some(value) = converted {
                self.common.set(parameter, value);
            }
            return Ok(());
        }
        // `-Switch:$false` is as good as not given.
        if parameter.switch && converted.is_some_and(|v| !v.is_true()) {
            return Ok(());
        }
        if let (Some(reason), true) = (parameter.compat, converted.is_some()) {
            self.common.compat.push((parameter.name, reason));
        }
        self.candidates = sets::narrow(self.spec, &self.candidates, parameter, &self.own())?;
        Ok(())
    }

    /// The verb's own parameters that were given and count for the choice of a set.
    fn own(&self) -> Vec<&'static ParamSpec> {
        self.given
            .iter()
            .filter(|g| !is_common(g.parameter))
            .filter(|g| !(g.parameter.switch && g.value.as_ref().is_some_and(|v| !v.is_true())))
            .map(|g| g.parameter)
            .collect()
    }

    /// The parameter that takes the next positional value.
    fn position(&self, value: Option<&Value>) -> Result<&'static ParamSpec> {
        let mut open: Vec<&'static ParamSpec> = self
            .spec
            .parameters
            .iter()
            .copied()
            .filter(|p| p.position.is_some() && !p.switch)
            .filter(|p| !self.given.iter().any(|g| std::ptr::eq(g.parameter, *p)))
            .filter(|p| self.candidates.iter().any(|set| p.in_set(set)))
            .filter(|p| {
                !self.given.iter().any(|g| {
                    g.parameter.position == p.position && !g.parameter.switch && g.parameter.position.is_some()
                })
            })
            .collect();
        open.sort_by_key(|p| (p.position, self.candidates.iter().position(|set| p.in_set(set))));
        let Some(first) = open.first().copied() else {
            let word = value.map_or_else(String::new, |v| v.display(&crate::model::Zone::utc()));
            let message = format!("`{}` takes no further value by position: `{word}`", self.spec.name);
            return Err(Error::new(ErrorId::PositionalParameterNotFound, message)
                .about(word)
                .hint(format!("`Get-Help {}` shows the names of its parameters", self.spec.name))
                .in_verb(self.spec.name));
        };
        let is_block = matches!(value, Some(Value::Block(_)));
        let fits = |p: &&&'static ParamSpec| {
            p.position == first.position && (value.is_none() || is_block == p.type_name.starts_with("ScriptBlock"))
        };
        Ok(open.iter().find(fits).copied().unwrap_or(first))
    }

    /// Settles the set and the mandatory parameters of a command that gets nothing (more) by pipeline.
    ///
    /// # Errors
    /// `AmbiguousParameterSet`, `MissingMandatoryParameter`, those of a conversion of an answer.
    pub(crate) fn finish(&self, ask: Ask<'_>, facts: &dyn Facts) -> Result<Args> {
        let mut bound = self.clone();
        loop {
            match sets::choose(bound.spec, &bound.candidates, &bound.own(), false)? {
                sets::Choice::Set(set) => return Ok(bound.args(set)),
                sets::Choice::Missing(parameter) => {
                    let Some(answer) = ask(parameter)? else { return Err(sets::missing(bound.spec, parameter)) };
                    bound.give(parameter, Some(&answer), facts)?;
                }
            }
        }
    }

    /// Whether this command could run, as far as can be known before.
    ///
    /// # Errors
    /// `AmbiguousParameterSet`, `MissingMandatoryParameter`.
    pub(crate) fn check_sets(&self, interactive: bool) -> Result<()> {
        match sets::choose(self.spec, &self.candidates, &self.own(), self.has_input)? {
            sets::Choice::Missing(parameter) if !interactive => Err(sets::missing(self.spec, parameter)),
            _ => Ok(()),
        }
    }

    /// Whether a switch of the verb's own is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(Value::is_true)
    }

    /// The value of a parameter of the verb's own.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|g| g.parameter.name == name).and_then(|g| g.value.as_ref())
    }

    fn args(&self, set: &'static str) -> Args {
        let mut args = Args::new(set);
        for given in self.given.iter().filter(|g| !is_common(g.parameter)) {
            if let Some(value) = &given.value {
                args.bind(given.parameter.name, value.clone());
            }
        }
        args
    }
}

/// Converts a value to what a parameter takes.
///
/// # Errors
/// `CannotConvertArgument` that lists the valid words, and those of the type.
pub(crate) fn convert(parameter: &'static ParamSpec, value: &Value, facts: &dyn Facts) -> Result<Value> {
    let spelled = match parameter.values {
        Values::Choice(words) => {
            Some(spell(parameter, value, |text| choice(text, words, &kind_of(parameter)).map(Value::text))?)
        }
        Values::Uses => {
            let uses = facts.uses()?;
            Some(spell(parameter, value, |text| use_named(text, &uses).map(Value::text))?)
        }
        _ => None,
    };
    (parameter.check)(spelled.as_ref().unwrap_or(value), facts)
}

/// Whether a script block is itself a value of the parameter.
fn takes_blocks(parameter: &ParamSpec) -> bool {
    matches!(parameter.type_name.trim_end_matches("[]"), "ScriptBlock" | "Object" | "PSObject")
}

fn spell(parameter: &'static ParamSpec, value: &Value, word: impl Fn(&str) -> Result<Value>) -> Result<Value> {
    let utc = crate::model::Zone::utc();
    if !parameter.list {
        return match value {
            Value::List(items) if items.len() != 1 => Ok(value.clone()),
            Value::Null => Ok(Value::Null),
            one => word(&one.display(&utc)),
        };
    }
    let mut words = Vec::new();
    for item in value.items() {
        let text = item.display(&utc);
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            words.push(word(part)?);
        }
    }
    Ok(Value::list(words))
}

fn use_named(text: &str, uses: &[String]) -> Result<String> {
    if let Some(found) = uses.iter().find(|u| u.eq_ignore_ascii_case(text)) {
        return Ok(found.clone());
    }
    let error = Error::new(
        ErrorId::CannotConvertArgument,
        format!("`{text}` is no use of a certificate; the valid ones are: {}", uses.join(", ")),
    )
    .about(text);
    Err(match super::members::nearest(text, uses.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

fn at(error: Error, place: Option<&Position>) -> Error {
    match place {
        Some(place) if error.position().is_none() => error.at(place.clone()),
        _ => error,
    }
}

/// What a word of a parameter is called: its type where that says something, else the parameter.
fn kind_of(parameter: &ParamSpec) -> String {
    match parameter.type_name.trim_end_matches("[]") {
        "String" => format!("value of `-{}`", parameter.name),
        kind => kind.to_owned(),
    }
}
