//! From a text to what Rhai runs: lowering, the check of its commands, parsing.

use std::sync::Arc;

use rhai::{AST, Engine as Rhai, EvalAltResult, Scope};

use super::bind::check::{captured_variables, check};
use super::bind::words::RegistryWords;
use super::errors::{lower_first, of_rhai};
use super::lower::{LowerFailure, Lowered, commands_of, lower};
use super::show::type_name;
use super::source::Source;
use super::state::State;
use super::trace::{command_not_found, not_a_command, surely_commands};
use crate::error::{Error, ErrorId, ExitCode};

/// Compiles texts against an engine.
pub(super) struct Compiler<'a> {
    engine: &'a Rhai,
    state: &'a State,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(engine: &'a Rhai, state: &'a State) -> Self {
        Self { engine, state }
    }

    /// Lowers, checks and parses a text, and remembers it under `name`; `known` are further variables in scope.
    ///
    /// # Errors
    /// All that is wrong with it, in its order, each of exit code 2.
    pub(super) fn compile(
        &self,
        text: &str,
        name: &str,
        file: Option<Arc<str>>,
        known: &[String],
    ) -> Result<AST, Vec<Error>> {
        // A byte order mark is no character of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lowered = self.lowered(text, file.clone(), known).map_err(|failure| match failure {
            LowerFailure::Incomplete(error) => vec![error.exits(ExitCode::Usage)],
            LowerFailure::Errors(errors) => {
                let mut errors: Vec<Error> =
                    errors.into_iter().map(|e| self.suggest(e).exits(ExitCode::Usage)).collect();
                errors.extend(self.check_what_is_left(text, file.clone(), known));
                in_order(errors)
            }
        })?;
        let interactive = self.state.console.interactive();
        let mut errors = check(&lowered.commands, &self.state.registry, &self.state.session, interactive);
        errors.extend(
            surely_commands(self.state, text, file.clone(), known).into_iter().map(|e| e.exits(ExitCode::Usage)),
        );
        let source = Arc::new(Source { file, text: text.into(), lowered });
        self.state.sources.add(name, Arc::clone(&source));
        let mut ast = match self.engine.compile_with_scope(&Scope::new(), &source.lowered.text) {
            Ok(ast) => ast,
            Err(parse) => {
                let error = self.parse_error(&parse.into(), name, &source);
                // A misspelt verb is what spoils its line.
                let said = errors.iter().any(|e| e.position().map(|p| p.line) == error.position().map(|p| p.line));
                if !said {
                    errors.push(error);
                }
                return Err(in_order(errors));
            }
        };
        if !errors.is_empty() {
            return Err(in_order(errors));
        }
        ast.set_source(name);
        self.state.sources.add_catch_variables(&source.lowered.text);
        for function in ast.iter_functions() {
            if function.name.starts_with("anon$") {
                self.state.sources.add_closure(function.name, name);
            }
        }
        Ok(ast)
    }

    /// Lowers a text; what its commands leave in variables counts as declared.
    pub(super) fn lowered(
        &self,
        text: &str,
        file: Option<Arc<str>>,
        known: &[String],
    ) -> Result<Lowered, LowerFailure> {
        let words = RegistryWords(&self.state.registry);
        let cells = self.state.cell_names();
        let mut names: Vec<&str> = cells.iter().chain(known).map(String::as_str).collect();
        let lowered = lower(text, file.clone(), &words, &names)?;
        let captured = captured_variables(&lowered.commands, &self.state.registry);
        let fresh: Vec<&String> =
            captured.iter().filter(|c| !names.iter().any(|n| n.eq_ignore_ascii_case(c))).collect();
        if fresh.is_empty() {
            return Ok(lowered);
        }
        for name in &fresh {
            self.state.declare_cell(name);
        }
        names.extend(fresh.iter().map(|name| name.as_str()));
        lower(text, file, &words, &names)
    }

    /// What can be told of the commands of a text that the lowering has refused.
    fn check_what_is_left(&self, text: &str, file: Option<Arc<str>>, known: &[String]) -> Vec<Error> {
        let cells = self.state.cell_names();
        let names: Vec<&str> = cells.iter().chain(known).map(String::as_str).collect();
        let commands = commands_of(text, file, &RegistryWords(&self.state.registry), &names);
        check(&commands, &self.state.registry, &self.state.session, self.state.console.interactive())
    }

    fn suggest(&self, error: Error) -> Error {
        match (error.id(), error.target(), error.position()) {
            (ErrorId::CommandNotFoundException, Some(word), Some(position)) => {
                command_not_found(self.state, word, position.clone())
            }
            _ => error,
        }
    }

    fn parse_error(&self, error: &EvalAltResult, name: &str, source: &Source) -> Error {
        let place = self.state.sources.place(name, error.position());
        if let Some(place) = &place
            && let Some(better) = not_a_command(self.state, &source.text, source.file.clone(), place.line)
        {
            return better.exits(ExitCode::Usage);
        }
        let plain = of_rhai(error, |name| type_name(self.engine, name));
        let plain = Error::new(plain.id(), lower_first(plain.message()));
        match place {
            Some(place) => plain.at(place),
            None => plain,
        }
        .exits(ExitCode::Usage)
    }
}

/// Faults in the order of the text; of two at one place the first counts.
fn in_order(mut errors: Vec<Error>) -> Vec<Error> {
    let place = |error: &Error| error.position().map(|p| (p.line, p.column));
    errors.sort_by_key(place);
    errors.dedup_by(|b, a| place(a).is_some() && place(a) == place(b) && a.id() == b.id());
    errors
}
