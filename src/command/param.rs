//! Typed parameters: one constant per parameter says all that binding, help and completion need.

use std::marker::PhantomData;

use super::convert::{Facts, FromValue};
use super::value::Value;
use crate::error::Result;

/// A parameter whose argument is a `T`.
pub struct Param<T> {
    /// What is known of it without its type.
    pub spec: ParamSpec,
    of: PhantomData<fn() -> T>,
}

/// A parameter as binder, help and completion see it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of a parameter")]
pub struct ParamSpec {
    /// Its name without the dash.
    pub name: &'static str,
    /// Other exact names.
    pub aliases: &'static [&'static str],
    /// One line for the help, imperative, without a full stop.
    pub help: &'static str,
    /// The type as help shows it: `String`, `CertType[]`, `SwitchParameter`.
    pub type_name: &'static str,
    /// Whether it takes no value.
    pub switch: bool,
    /// Whether it takes several values.
    pub list: bool,
    /// Its position among the positional ones, from 0.
    pub position: Option<u8>,
    /// The sets it belongs to; empty means all.
    pub sets: &'static [&'static str],
    /// The sets in which it must be given.
    pub mandatory: Mandatory,
    /// How it takes its value from the pipeline.
    pub pipeline: Pipeline,
    /// Whether its argument must never be seen.
    pub secret: bool,
    /// Takes every further value without a name: `Write-Host a b c`.
    pub remaining: bool,
    /// The value when absent, for the help.
    pub default: &'static str,
    /// Where completion and errors find the valid values.
    pub values: Values,
    /// Its argument may hold `*` and `?`.
    pub wildcards: bool,
    /// Accepted and without effect, for compatibility; the reason is a verbose line.
    pub compat: Option<&'static str>,
    /// Checks and normalises an argument.
    pub check: fn(&Value, &dyn Facts) -> Result<Value>,
}

/// In which sets a parameter must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mandatory {
    /// In none.
    No,
    /// Wherever it belongs.
    Yes,
    /// In these sets only.
    In(&'static [&'static str]),
}

/// How a parameter takes its value from the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// Not at all.
    No,
    /// The object itself.
    ByValue,
    /// The property of the same name.
    ByPropertyName,
    /// The object itself, or the property of the same name.
    Both,
}

/// Where the valid values of a parameter come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Anything that converts.
    Any,
    /// These words, without regard to case; another word is an error that lists them.
    Choice(&'static [&'static str]),
    /// The uses of the topology.
    Uses,
    /// Thumbprints of stored certificates (completion only).
    Thumbprints,
    /// Configured authorities (completion only).
    Authorities,
    /// Sites of the configuration (completion only).
    Sites,
    /// Computers of the topology (completion only).
    Computers,
    /// Names of verbs (completion only).
    Verbs,
    /// Files (completion only).
    Files,
}

impl<T: FromValue> Param<T> {
    /// An optional parameter that is given by name.
    pub const fn named(name: &'static str, help: &'static str) -> Self {
        Self {
            spec: ParamSpec {
                name,
                aliases: &[],
                help,
                type_name: T::TYPE,
                switch: T::SWITCH,
                list: T::LIST,
                position: None,
                sets: &[],
                mandatory: Mandatory::No,
                pipeline: Pipeline::No,
                secret: T::SECRET,
                remaining: false,
                default: "",
                values: T::VALUES,
                wildcards: false,
                compat: None,
                check: check::<T>,
            },
            of: PhantomData,
        }
    }

    /// Also by position, from 0.
    #[must_use]
    pub const fn at(mut self, position: u8) -> Self {
        self.spec.position = Some(position);
        self
    }

    /// Belongs to these sets only.
    #[must_use]
    pub const fn sets(mut self, sets: &'static [&'static str]) -> Self {
        self.spec.sets = sets;
        self
    }

    /// Must be given wherever it belongs.
    #[must_use]
    pub const fn mandatory(mut self) -> Self {
        self.spec.mandatory = Mandatory::Yes;
        self
    }

    /// Must be given in these sets.
    #[must_use]
    pub const fn mandatory_in(mut self, sets: &'static [&'static str]) -> Self {
        self.spec.mandatory = Mandatory::In(sets);
        self
    }

    /// Other exact names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.spec.aliases = aliases;
        self
    }

    /// Shows another type in the help.
    #[must_use]
    pub const fn typed(mut self, name: &'static str) -> Self {
        self.spec.type_name = name;
        self
    }

    /// Takes its value from the pipeline.
    #[must_use]
    pub const fn from_pipeline(mut self, pipeline: Pipeline) -> Self {
        self.spec.pipeline = pipeline;
        self
    }

    /// Its argument must never be seen.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.spec.secret = true;
        self
    }

    /// Takes every further value without a name; for lists.
    #[must_use]
    pub const fn remaining(mut self) -> Self {
        self.spec.remaining = true;
        self
    }

    /// The value when absent, for the help.
    #[must_use]
    pub const fn default_text(mut self, text: &'static str) -> Self {
        self.spec.default = text;
        self
    }

    /// The valid values.
    #[must_use]
    pub const fn values(mut self, values: Values) -> Self {
        self.spec.values = values;
        self
    }

    /// Its argument may hold `*` and `?`.
    #[must_use]
    pub const fn wildcards(mut self) -> Self {
        self.spec.wildcards = true;
        self
    }

    /// Accepted for compatibility; the reason becomes a verbose line.
    #[must_use]
    pub const fn compat(mut self, reason: &'static str) -> Self {
        self.spec.compat = Some(reason);
        self
    }
}

impl ParamSpec {
    /// Whether the parameter belongs to a set.
    pub fn in_set(&self, set: &str) -> bool {
        self.sets.is_empty() || self.sets.iter().any(|s| s.eq_ignore_ascii_case(set))
    }

    /// Whether the parameter must be given in a set.
    pub fn mandatory_in(&self, set: &str) -> bool {
        match self.mandatory {
            Mandatory::No => false,
            Mandatory::Yes => self.in_set(set),
            Mandatory::In(sets) => sets.iter().any(|s| s.eq_ignore_ascii_case(set)),
        }
    }
}

fn check<T: FromValue>(value: &Value, facts: &dyn Facts) -> Result<Value> {
    T::normalise(value, facts)
}
