//! What a running command says and asks, as its common parameters and the preferences have it.

use super::run::Down;
use crate::command::{Impact, Message, Question, Spec, Stream, Value};
use crate::engine::bind::Bound;
use crate::engine::bind::common::{Action, Common};
use crate::engine::errors::ErrorRecord;
use crate::engine::state::State;
use crate::error::{Error, ErrorId, Result};
use crate::model::Position;

/// The side of a command that is not its objects.
pub(super) struct Speech {
    pub(super) spec: &'static Spec,
    pub(super) place: Option<Position>,
    common: Common,
    /// `-Force` was given.
    force: bool,
    /// "Yes to all" or "No to all".
    answer: Option<bool>,
    objects: Vec<Value>,
    errors: Vec<Value>,
    warnings: Vec<Value>,
}

impl Speech {
    pub(super) fn new(spec: &'static Spec, place: Option<Position>, bound: &Bound) -> Self {
        Self {
            spec,
            place,
            common: bound.common.clone(),
            force: bound.is_on("Force"),
            answer: None,
            objects: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Keeps an object for `-OutVariable`.
    pub(super) fn capture(&mut self, value: &Value) {
        if self.common.out_variable.is_some() {
            self.objects.push(value.clone());
        }
    }

    /// Leaves what was kept in the variables that the command named.
    pub(super) fn leave(&mut self, state: &State) {
        for (name, values) in [
            (&self.common.out_variable, std::mem::take(&mut self.objects)),
            (&self.common.error_variable, std::mem::take(&mut self.errors)),
            (&self.common.warning_variable, std::mem::take(&mut self.warnings)),
        ] {
            let Some(name) = name else { continue };
            let (name, before) = match name.strip_prefix('+') {
                Some(name) => (name, state.preference(name).items().to_vec()),
                None => (name.as_str(), Vec::new()),
            };
            state.set_cell(name, &Value::list(before.into_iter().chain(values)));
        }
    }
}

impl Down<'_> {
    /// Says which parameters have no effect.
    pub(super) fn begin(&mut self) -> Result<()> {
        for (name, reason) in self.speech.common.compat.clone() {
            self.say(Message::new(Stream::Verbose, format!("`-{name}` has no effect: {reason}")))?;
        }
        Ok(())
    }

    /// Whether verbose lines are shown.
    pub(super) fn is_verbose(&self) -> bool {
        self.shows(self.speech.common.verbose, "VerbosePreference")
    }

    fn shows(&self, switch: Option<bool>, preference: &str) -> bool {
        switch.unwrap_or_else(|| {
            matches!(
                Action::of(&self.run.state.preference(preference)),
                Some(Action::Continue | Action::Inquire | Action::Stop)
            )
        })
    }

    /// Whether nothing may be changed.
    pub(super) fn what_if(&self) -> bool {
        self.speech.common.what_if.unwrap_or_else(|| is_on(&self.run.state.preference("WhatIfPreference")))
    }

    /// Says something on a stream.
    pub(super) fn say(&mut self, mut message: Message) -> Result<()> {
        message.verb.get_or_insert(self.speech.spec.name);
        let state = self.run.state;
        let shown = match message.stream {
            Stream::Verbose => self.is_verbose(),
            Stream::Debug => self.shows(self.speech.common.debug, "DebugPreference"),
            Stream::Progress => !matches!(
                Action::of(&state.preference("ProgressPreference")),
                Some(Action::SilentlyContinue | Action::Ignore)
            ),
            Stream::Warning => return self.warn(&message),
            Stream::WhatIf | Stream::Error | Stream::Host => true,
        };
        if shown {
            state.show(&message);
        }
        Ok(())
    }

    fn warn(&mut self, message: &Message) -> Result<()> {
        let state = self.run.state;
        if self.speech.common.warning_variable.is_some() {
            self.speech.warnings.push(Value::text(&message.text));
        }
        let action = self.speech.common.warning_action.or_else(|| Action::of(&state.preference("WarningPreference")));
        match action.unwrap_or(Action::Continue) {
            Action::SilentlyContinue | Action::Ignore => {}
            Action::Continue => state.show(message),
            Action::Stop => {
                state.show(message);
                let text = format!("the command is told to stop at a warning: {}", message.text);
                return Err(Error::new(ErrorId::ScriptError, text));
            }
            Action::Inquire => {
                state.show(message);
                if !self.go_on(&message.text)? {
                    return Err(Error::new(ErrorId::Interrupted, "ended at a warning by the operator"));
                }
            }
        }
        Ok(())
    }

    /// Reports an error that does not end its command.
    pub(super) fn report(&mut self, error: Error) -> Result<()> {
        if self.run.has_failed() {
            return Err(error);
        }
        let error = placed(error, self.speech.spec.name, self.speech.place.as_ref());
        match self.error_action().unwrap_or(Action::Continue) {
            Action::Stop => Err(self.throw(error)),
            action => self.pass_over(action, error),
        }
    }

    /// Deals with an error that ends its command.
    pub(super) fn terminating(&mut self, error: Error) -> Result<()> {
        match self.error_action() {
            None | Some(Action::Stop) => Err(self.throw(error)),
            Some(action) => self.pass_over(action, error),
        }
    }

    fn error_action(&self) -> Option<Action> {
        self.speech.common.error_action.or_else(|| Action::of(&self.run.state.preference("ErrorActionPreference")))
    }

    fn throw(&mut self, error: Error) -> Error {
        self.keep(&error);
        self.run.state.remember(&error);
        self.run.raise(error)
    }

    fn pass_over(&mut self, action: Action, error: Error) -> Result<()> {
        let state = self.run.state;
        if action == Action::Ignore {
            state.count_fault();
            return Ok(());
        }
        state.remember(&error);
        self.keep(&error);
        if action == Action::SilentlyContinue {
            return Ok(());
        }
        state.show_error(&error);
        if action == Action::Inquire && !self.go_on(error.message())? {
            return Err(self.run.raise(error));
        }
        state.note_exit(error.exit());
        Ok(())
    }

    fn keep(&mut self, error: &Error) {
        if self.speech.common.error_variable.is_some() {
            self.speech.errors.push(Value::object(ErrorRecord(error.clone())));
        }
    }

    fn go_on(&self, text: &str) -> Result<bool> {
        let question = Question {
            title: "Confirm".into(),
            text: format!("{text}\nGo on with this run?"),
            answers: vec![('Y', "Yes"), ('H', "Halt")],
        };
        self.run.state.console.choose(&question).map(|index| index == 0)
    }

    /// Whether a change may be made, by `-Confirm`, `$ConfirmPreference` and the verb's impact.
    pub(super) fn confirm(&mut self, action: &str, target: &str) -> Result<bool> {
        let asked = match self.speech.common.confirm {
            Some(asked) => asked,
            None => !self.speech.force && self.impact_is_asked_about(),
        };
        if !asked {
            return Ok(true);
        }
        if let Some(answer) = self.speech.answer {
            return Ok(answer);
        }
        let console = &self.run.state.console;
        let text = format!(
            "Are you sure you want to perform this action?\nPerforming the operation \"{action}\" on target \"{target}\"."
        );
        let mut question = Question {
            title: "Confirm".into(),
            text: text.clone(),
            answers: vec![('Y', "Yes"), ('A', "Yes to All"), ('N', "No"), ('L', "No to All"), ('?', "Help")],
        };
        loop {
            match console.choose(&question)? {
                0 => return Ok(true),
                1 => return Ok(*self.speech.answer.insert(true)),
                2 => return Ok(false),
                3 => return Ok(*self.speech.answer.insert(false)),
                // Asked again with the help in the question, so that it stands where the question does.
                _ => question.text = format!("{CONFIRM_HELP}\n\n{text}"),
            }
            self.run.state.cancel.check()?;
        }
    }

    fn impact_is_asked_about(&self) -> bool {
        let impact = self.speech.spec.changes;
        let preference = self.run.state.preference("ConfirmPreference");
        let Value::Text(preference) = &preference else { return impact == Impact::High };
        match preference.to_ascii_lowercase().as_str() {
            "none" => false,
            "low" | "medium" => impact >= Impact::Medium,
            _ => impact == Impact::High,
        }
    }
}

const CONFIRM_HELP: &str = "\
Y - Continue with only the next step of the operation.
A - Continue with all the steps of the operation.
N - Skip this step and proceed with the next step.
L - Skip this step and all the steps after it.";

/// An error with its command's name and place, where it has none.
pub(super) fn placed(error: Error, verb: &'static str, place: Option<&Position>) -> Error {
    let error = error.in_verb(verb);
    match place {
        Some(place) if error.position().is_none() => error.at(place.clone()),
        _ => error,
    }
}

/// `$WhatIfPreference` may be a truth or a word.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Text(text) => !text.eq_ignore_ascii_case("false") && !text.is_empty(),
        other => other.is_true(),
    }
}
