//! The bound parameters of one call.

use super::convert::{Facts, FromValue, Switch};
use super::param::Param;
use super::value::Value;
use crate::error::{Error, ErrorId, Result};

/// The bound parameters of one call, already checked against their types.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// The parameter set that was chosen.
    pub set: &'static str,
    bound: Vec<(&'static str, Value)>,
}

impl Args {
    /// No parameters yet.
    pub fn new(set: &'static str) -> Self {
        Self { set, bound: Vec::new() }
    }

    /// Binds a normalised value; a later one replaces an earlier one (pipeline binding).
    pub fn bind(&mut self, name: &'static str, value: Value) {
        match self.bound.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value,
            None => self.bound.push((name, value)),
        }
    }

    /// Whether the parameter was given.
    pub fn has<T>(&self, param: &Param<T>) -> bool {
        self.raw(param.spec.name).is_some()
    }

    /// The bound value as it came.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.bound.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// All bound parameters, in the order of binding.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.bound.iter().map(|(n, v)| (*n, v))
    }

    /// The parameter's value, or `None` when it was not given.
    ///
    /// # Errors
    /// Those of the type's conversion.
    pub fn get<T: FromValue>(&self, param: &Param<T>, facts: &dyn Facts) -> Result<Option<T>> {
        self.raw(param.spec.name).map(|value| T::from_value(value, facts)).transpose()
    }

    /// The value of a parameter that the set makes mandatory.
    ///
    /// # Errors
    /// `MissingMandatoryParameter` when it is absent all the same; those of the conversion.
    pub fn need<T: FromValue>(&self, param: &Param<T>, facts: &dyn Facts) -> Result<T> {
        self.get(param, facts)?.ok_or_else(|| {
            Error::new(
                ErrorId::MissingMandatoryParameter,
                format!("the mandatory parameter `-{}` is missing", param.spec.name),
            )
            .about(param.spec.name)
        })
    }

    /// Whether a switch is on.
    pub fn on(&self, param: &Param<Switch>) -> bool {
        self.raw(param.spec.name).is_some_and(Value::is_true)
    }
}
