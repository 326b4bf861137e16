//! Binding of a piped object: by value, then by property name, first without and then with conversion.

use super::{Ask, Bound, Call, convert};
use crate::command::{Args, Facts, ParamSpec, Pipeline, Value};
use crate::error::{Error, ErrorId, Result};

impl Bound {
    /// Binds one object from the pipeline and settles the rest.
    ///
    /// # Errors
    /// `InputObjectNotBound`, `AmbiguousParameterSet`, `MissingMandatoryParameter`, those of a conversion.
    pub(crate) fn with_input(&self, input: &Value, ask: Ask<'_>, call: Call<'_>, facts: &dyn Facts) -> Result<Args> {
        let mut bound = self.clone();
        let delayed = bound.resolve_delayed(input, call, facts)?;
        let by_value = bound.by_value(input, facts, exact)?;
        let by_name = bound.by_property_name(input, facts)?;
        if !delayed && !by_value && !by_name && !bound.by_value(input, facts, convertible)? {
            return Err(self.not_bound(input));
        }
        bound.finish(ask, facts).map_err(|e| match e.id() {
            ErrorId::MissingMandatoryParameter | ErrorId::AmbiguousParameterSet => {
                e.hint(format!("the piped object is of type `{}`", input.type_name()))
            }
            _ => e,
        })
    }

    /// Asks the script blocks that stand in the place of values; tells whether there were any.
    fn resolve_delayed(&mut self, input: &Value, call: Call<'_>, facts: &dyn Facts) -> Result<bool> {
        let mut any = false;
        for given in &mut self.given {
            let Some(block) = given.delayed.take() else { continue };
            let value = call(&block, input)?;
            given.value = Some(convert(given.parameter, &value, facts).map_err(|e| e.in_verb(self.spec.name))?);
            any = true;
        }
        Ok(any)
    }

    fn by_value(&mut self, input: &Value, facts: &dyn Facts, fits: fn(&ParamSpec, &Value) -> bool) -> Result<bool> {
        let candidates: Vec<&'static ParamSpec> = self
            .ordered()
            .filter(|p| matches!(p.pipeline, Pipeline::ByValue | Pipeline::Both) && fits(p, input))
            .collect();
        for parameter in candidates {
            if !self.is_open(parameter) {
                continue;
            }
            if convert(parameter, input, facts).is_ok() {
                self.give(parameter, Some(input), facts)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn by_property_name(&mut self, input: &Value, facts: &dyn Facts) -> Result<bool> {
        if !matches!(input, Value::Object(_) | Value::Map(_)) {
            return Ok(false);
        }
        let candidates: Vec<&'static ParamSpec> =
            self.ordered().filter(|p| matches!(p.pipeline, Pipeline::ByPropertyName | Pipeline::Both)).collect();
        let mut any = false;
        for parameter in candidates {
            if !self.is_open(parameter) {
                continue;
            }
            let names = std::iter::once(parameter.name).chain(parameter.aliases.iter().copied());
            let found = names.filter_map(|name| input.property(name)).find(|v| !v.is_null());
            if let Some(value) = found {
                self.give(parameter, Some(&value), facts)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// The verb's parameters, those of the first candidate set before the others.
    fn ordered(&self) -> impl Iterator<Item = &'static ParamSpec> + use<> {
        let mut all: Vec<&'static ParamSpec> = self.spec.parameters.to_vec();
        let candidates = self.candidates.clone();
        all.sort_by_key(|p| candidates.iter().position(|set| p.in_set(set)).unwrap_or(usize::MAX));
        all.into_iter()
    }

    fn is_open(&self, parameter: &'static ParamSpec) -> bool {
        !self.given.iter().any(|g| std::ptr::eq(g.parameter, parameter))
            && self.candidates.iter().any(|set| parameter.in_set(set))
    }

    fn not_bound(&self, input: &Value) -> Error {
        let takers: Vec<String> = self
            .spec
            .parameters
            .iter()
            .filter(|p| p.pipeline != Pipeline::No)
            .map(|p| format!("`-{}`", p.name))
            .collect();
        let error = Error::new(
            ErrorId::InputObjectNotBound,
            format!("no parameter of `{}` takes the piped `{}`", self.spec.name, input.type_name()),
        )
        .about(input.display(&crate::model::Zone::utc()))
        .in_verb(self.spec.name);
        if takers.is_empty() {
            error.hint(format!("`{}` takes nothing from the pipeline", self.spec.name))
        } else {
            error.hint(format!("by pipeline come {}", takers.join(", ")))
        }
    }
}

fn exact(parameter: &ParamSpec, value: &Value) -> bool {
    match (parameter.type_name.trim_end_matches("[]"), value) {
        ("String", Value::Text(_))
        | ("Int32" | "Int64", Value::Int(_))
        | ("Boolean", Value::Bool(_))
        | ("DateTime", Value::Moment(_))
        | ("SecureString", Value::Secret(_))
        | ("Object", _)
        | ("PSObject", Value::Object(_)) => true,
        (name, Value::Object(record)) => record.kind().name == name,
        _ => false,
    }
}

/// A bag of properties does not become text by itself: that would hide every mistake.
fn convertible(parameter: &ParamSpec, value: &Value) -> bool {
    match value {
        Value::Object(record) => {
            !parameter.type_name.starts_with("String")
                || record.text().is_some()
                || record.kind().position("Thumbprint").is_some()
        }
        Value::Map(_) | Value::Block(_) | Value::Null => false,
        _ => true,
    }
}
