//! The parameters that every verb has, and what was given for them.

use crate::command::{Impact, Param, ParamSpec, Spec, Switch, Value, Values};

const ACTIONS: &[&str] = &["Continue", "Stop", "SilentlyContinue", "Ignore", "Inquire"];

static VERBOSE: Param<Switch> = Param::named("Verbose", "Say what happens").aliases(&["vb"]);
static DEBUG: Param<Switch> = Param::named("Debug", "Say what only a developer wants to know").aliases(&["db"]);
static ERROR_ACTION: Param<String> =
    Param::named("ErrorAction", "What an error does: end the script, or be reported and passed over")
        .aliases(&["ea"])
        .values(Values::Choice(ACTIONS));
static WARNING_ACTION: Param<String> =
    Param::named("WarningAction", "What a warning does").aliases(&["wa"]).values(Values::Choice(ACTIONS));
static ERROR_VARIABLE: Param<String> =
    Param::named("ErrorVariable", "Keep the errors in this variable; `+name` adds to it").aliases(&["ev"]);
static WARNING_VARIABLE: Param<String> =
    Param::named("WarningVariable", "Keep the warnings in this variable; `+name` adds to it").aliases(&["wv"]);
static OUT_VARIABLE: Param<String> =
    Param::named("OutVariable", "Keep the objects in this variable too; `+name` adds to it").aliases(&["ov"]);
static INFORMATION_ACTION: Param<String> = Param::named("InformationAction", "Accepted for compatibility")
    .aliases(&["infa"])
    .compat("there is no information stream");
static INFORMATION_VARIABLE: Param<String> = Param::named("InformationVariable", "Accepted for compatibility")
    .aliases(&["iv"])
    .compat("there is no information stream");
static OUT_BUFFER: Param<i64> =
    Param::named("OutBuffer", "Accepted for compatibility").aliases(&["ob"]).compat("objects are handed on one by one");
static PIPELINE_VARIABLE: Param<String> = Param::named("PipelineVariable", "Accepted for compatibility")
    .aliases(&["pv"])
    .compat("name the object in a script block: `|c| …`");
static WHAT_IF: Param<Switch> = Param::named("WhatIf", "Say what would be done, and do nothing").aliases(&["wi"]);
static CONFIRM: Param<Switch> =
    Param::named("Confirm", "Ask before each change; `-Confirm:$false` never asks").aliases(&["cf"]);

/// The common parameters of every verb.
static COMMON: [&ParamSpec; 11] = [
    &VERBOSE.spec,
    &DEBUG.spec,
    &ERROR_ACTION.spec,
    &WARNING_ACTION.spec,
    &ERROR_VARIABLE.spec,
    &WARNING_VARIABLE.spec,
    &OUT_VARIABLE.spec,
    &INFORMATION_ACTION.spec,
    &INFORMATION_VARIABLE.spec,
    &OUT_BUFFER.spec,
    &PIPELINE_VARIABLE.spec,
];

/// Those of changing verbs only.
static RISK: [&ParamSpec; 2] = [&WHAT_IF.spec, &CONFIRM.spec];

/// The common parameters of a verb.
pub(crate) fn common_parameters(spec: &Spec) -> impl Iterator<Item = &'static ParamSpec> + use<> {
    let risk: &[&'static ParamSpec] = if spec.changes == Impact::Reads { &[] } else { &RISK };
    COMMON.iter().chain(risk).copied()
}

/// The variables that a command leaves something in.
pub(crate) fn names_variable(parameter: &ParamSpec) -> bool {
    matches!(parameter.name, "ErrorVariable" | "WarningVariable" | "OutVariable" | "Variable")
}

/// What an error or a warning does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Shown; the run goes on.
    Continue,
    /// Thrown.
    Stop,
    /// Kept in `$Error` and not shown.
    SilentlyContinue,
    /// As if it had not been.
    Ignore,
    /// The operator is asked.
    Inquire,
}

impl Action {
    /// Reads the value of a preference; `None` where it is unset.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        Some(match text.to_ascii_lowercase().as_str() {
            "continue" => Self::Continue,
            "stop" => Self::Stop,
            "silentlycontinue" => Self::SilentlyContinue,
            "ignore" => Self::Ignore,
            "inquire" => Self::Inquire,
            _ => return None,
        })
    }
}

/// The common parameters of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Common {
    pub(crate) verbose: Option<bool>,
    pub(crate) debug: Option<bool>,
    pub(crate) error_action: Option<Action>,
    pub(crate) warning_action: Option<Action>,
    pub(crate) error_variable: Option<String>,
    pub(crate) warning_variable: Option<String>,
    pub(crate) out_variable: Option<String>,
    pub(crate) what_if: Option<bool>,
    pub(crate) confirm: Option<bool>,
    /// What was accepted without effect, and why.
    pub(crate) compat: Vec<(&'static str, &'static str)>,
}

impl Common {
    /// Takes a converted value.
    pub(crate) fn set(&mut self, parameter: &'static ParamSpec, value: &Value) {
        if let Some(reason) = parameter.compat {
            self.compat.push((parameter.name, reason));
            return;
        }
        let text = || match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        };
        match parameter.name {
            "Verbose" => self.verbose = Some(value.is_true()),
            "Debug" => self.debug = Some(value.is_true()),
            "ErrorAction" => self.error_action = Action::of(value),
            "WarningAction" => self.warning_action = Action::of(value),
            "ErrorVariable" => self.error_variable = text(),
            "WarningVariable" => self.warning_variable = text(),
            "OutVariable" => self.out_variable = text(),
            "WhatIf" => self.what_if = Some(value.is_true()),
            "Confirm" => self.confirm = Some(value.is_true()),
            _ => {}
        }
    }
}

/// Whether a parameter is one of the common ones.
pub(crate) fn is_common(parameter: &'static ParamSpec) -> bool {
    COMMON.iter().chain(&RISK).any(|p| std::ptr::eq(*p, parameter))
}
