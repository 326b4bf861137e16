//! The script engine: command lines and Rhai in one text; Rhai itself lives here only.

pub(crate) mod bind;
mod blocks;
mod civil;
mod compile;
pub(crate) mod editor;
mod errors;
mod functions;
mod limits;
pub(crate) mod lower;
mod members;
mod modules;
mod natives;
mod operators;
mod parameters;
mod pipeline;
mod preset;
mod show;
mod source;
mod state;
mod trace;
mod values;
mod variables;
mod wildcard;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rhai::{
    AST, Caches, Dynamic, Engine as Rhai, EvalAltResult, GlobalRuntimeState, ImmutableString, Module, Scope, Shared,
};

pub use editor::{Candidate, Completeness, Completions, Entry, Expiry, Hint, Painted, Prompt, Style};
#[allow(unused_imports, reason = "for the tables of verbs")]
pub(crate) use functions::function_names;
pub use limits::Limits;
pub use lower::{Literal, ScriptParameter};
pub use modules::Library;
pub use state::Output;

use self::compile::Compiler;
use self::lower::LowerFailure;
use self::state::{State, lock};
use self::values::{Streamed, enumerate, to_value};
use crate::command::{Cancel, Console, HistoryEntry, Quiet, Registry, Value};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::format::Frame;
use crate::session::Session;

/// Runs scripts and command lines against a session.
///
/// Cheap to make; opens nothing. Objects that a script emits go to its [`Output`], everything else
/// that it says to its console. An engine may be moved between threads and used by one at a time.
pub struct Engine {
    rhai: Rhai,
    state: Arc<State>,
    scope: Scope<'static>,
    /// What the entries of the interactive session have imported, the oldest first.
    imports: Vec<(ImmutableString, Shared<Module>)>,
    /// The functions that its entries have declared.
    functions: Vec<String>,
    collected: Option<Arc<Mutex<Vec<Value>>>>,
    failure: Mutex<Option<Failure>>,
}

/// The modules that come with the library, for `import "certs" as certs;`.
const STDLIB: Library = &[("certs", include_str!("../../stdlib/certs.rhai"))];

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How the process is to end: errors that were reported and passed over count, caught ones do not.
    pub exit: ExitCode,
    /// The script's own last value; it went to the output as well. `Null` where it came to more than
    /// a thousand objects, which went to the output one by one and are not kept.
    pub last: Value,
    /// What was emitted, when the engine has no [`Output`] of the host's.
    pub objects: Vec<Value>,
}

/// Where an error came from, beside its own position.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The text in which the error's position lies.
    pub text: Option<Arc<str>>,
    /// The calls around it, the innermost first.
    pub frames: Vec<Frame>,
}

impl Engine {
    /// An engine with the verbs that come with it alone, which shows nothing and collects what is emitted.
    pub fn new(session: Session) -> Self {
        Self::builder(session).build()
    }

    /// An engine put together by its host.
    pub fn builder(session: Session) -> EngineBuilder {
        EngineBuilder {
            session,
            registry: crate::cmdlets::registry(),
            limits: Limits::default(),
            console: Arc::new(Quiet),
            output: None,
            cancel: Cancel::new(),
            roots: Vec::new(),
            library: STDLIB,
            preferences: Vec::new(),
        }
    }

    /// Runs a text in a scope of its own.
    ///
    /// # Errors
    /// What was wrong with the text, before anything ran (exit code 2), or what ended the run. Of
    /// several faults in the text the others are shown on the console.
    pub fn eval(&self, text: &str) -> Result<Outcome> {
        let name = format!("<{}>", self.state.next_number());
        self.run(text, &name, None, &mut Scope::new())
    }

    /// Runs a script file with the values of the parameters that it declares.
    ///
    /// Its folder is one of those that modules are imported from.
    ///
    /// # Errors
    /// `FileNotFound`; those of the parameters' conversion; as [`Engine::eval`].
    pub fn run_file(&self, path: &Path, parameters: &[(String, String)]) -> Result<Outcome> {
        let text = read(path)?;
        self.run_script(&text, path, parameters)
    }

    /// Runs a script whose text was read before; `path` is its file.
    ///
    /// # Errors
    /// As [`Engine::run_file`].
    pub fn run_script(&self, text: &str, path: &Path, parameters: &[(String, String)]) -> Result<Outcome> {
        let file: Arc<str> = path.display().to_string().into();
        let declared = self.params_of(text, Some(Arc::clone(&file)))?;
        let values = parameters::bind(&declared, parameters, &self.state)?;
        let mut scope = Scope::new();
        for (name, value) in &values {
            scope.push_dynamic(name.clone(), values::to_dynamic(value));
        }
        let folder = path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
        let _roots = folder.map(|folder| self.state.lend_root(folder.to_path_buf()));
        self.run(text, &file, Some(Arc::clone(&file)), &mut scope)
    }

    /// Runs one entry of an interactive session: variables, functions and imported modules live on.
    ///
    /// The entry goes into the history of the session ([`Engine::history`]) unless it may name a secret.
    ///
    /// # Errors
    /// As [`Engine::eval`]; the session goes on.
    pub fn eval_line(&mut self, text: &str) -> Result<Outcome> {
        let number = self.state.next_number();
        let name = format!("<{number}>");
        let started = self.state.session.now();
        let mut scope = std::mem::take(&mut self.scope);
        let result = self.begin(text, &name, None, &mut scope).and_then(|ast| {
            let outcome = self.finish_entry(&ast, &name, &mut scope);
            if ast.has_functions() {
                self.functions
                    .extend(ast.iter_functions().filter(|f| !f.name.contains('$')).map(|f| f.name.to_owned()));
                self.functions.sort_unstable();
                self.functions.dedup();
                // Each entry keeps a library of its own, so that errors name the entry.
                self.rhai.register_global_module(ast.shared_lib().clone());
            }
            outcome
        });
        self.scope = scope;
        if self.may_be_remembered(text) {
            let (line, ended) = (text.trim().into(), self.state.session.now());
            self.state.add_to_history(HistoryEntry { id: number, line, completed: result.is_ok(), started, ended });
        }
        result
    }

    /// The names of the variables of the interactive session.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scope.iter_raw().map(|(name, ..)| name.to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Lowers, checks and parses a text and runs nothing.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn check(&self, text: &str, file: Option<&str>) -> Result<(), Vec<Error>> {
        let name = format!("<{}>", self.state.next_number());
        Compiler::new(&self.rhai, &self.state).compile(text, &name, file.map(Into::into), &[]).map(|_| ())
    }

    /// The parameters that a script declares in its first statement.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn params(&self, text: &str) -> Result<Vec<ScriptParameter>> {
        self.params_of(text, None)
    }

    /// Where the last error came from.
    pub fn failure(&self) -> Option<Failure> {
        lock(&self.failure).clone()
    }

    /// The verbs that this engine knows, its own included.
    pub fn registry(&self) -> &Registry {
        &self.state.registry
    }

    /// The session that its verbs work on.
    pub fn session(&self) -> &Session {
        &self.state.session
    }

    fn params_of(&self, text: &str, file: Option<Arc<str>>) -> Result<Vec<ScriptParameter>> {
        match Compiler::new(&self.rhai, &self.state).lowered(text, file, &[]) {
            Ok(lowered) => Ok(lowered.params.map(|block| block.parameters).unwrap_or_default()),
            Err(LowerFailure::Incomplete(error)) => Err(error.exits(ExitCode::Usage)),
            Err(LowerFailure::Errors(errors)) => Err(self.first(errors, Some(text)).exits(ExitCode::Usage)),
        }
    }

    fn run(&self, text: &str, name: &str, file: Option<Arc<str>>, scope: &mut Scope<'_>) -> Result<Outcome> {
        let ast = self.begin(text, name, file, scope)?;
        self.finish(&ast, name, scope)
    }

    fn begin(&self, text: &str, name: &str, file: Option<Arc<str>>, scope: &mut Scope<'_>) -> Result<AST> {
        self.state.take_exit();
        *lock(&self.failure) = None;
        self.state.cancel.check()?;
        let known: Vec<String> = scope.iter_raw().map(|(name, ..)| name.to_owned()).collect();
        let ast = Compiler::new(&self.rhai, &self.state).compile(text, name, file, &known);
        let ast = ast.map_err(|errors| self.first(errors, Some(text)))?;
        self.state.fill_scope(scope);
        Ok(ast)
    }

    fn finish(&self, ast: &AST, name: &str, scope: &mut Scope<'_>) -> Result<Outcome> {
        self.outcome(self.rhai.eval_ast_with_scope::<Dynamic>(scope, ast), name)
    }

    /// As `finish`, with the modules that earlier entries have imported; those that this one imports are kept.
    fn finish_entry(&mut self, ast: &AST, name: &str, scope: &mut Scope<'_>) -> Result<Outcome> {
        let mut global: GlobalRuntimeState = self.rhai.new_global_runtime_state();
        for (name, module) in &self.imports {
            global.push_import(name.clone(), module.clone());
        }
        global.source = ast.source().map(Into::into);
        global.lib.push(ast.shared_lib().clone());
        #[allow(deprecated, reason = "Rhai marks volatile interfaces so; its version is pinned")]
        let result = self.rhai.eval_statements_raw(&mut global, &mut Caches::new(), scope, ast.statements());
        self.imports = global.scan_imports_raw().map(|(name, module)| (name.clone(), module.clone())).collect();
        // A name that is imported anew takes the place of the old one.
        let mut names: Vec<ImmutableString> = Vec::new();
        self.imports.reverse();
        self.imports.retain(|(name, _)| {
            !names.contains(name) && {
                names.push(name.clone());
                true
            }
        });
        self.imports.reverse();
        self.outcome(result, name)
    }

    fn outcome(&self, result: std::result::Result<Dynamic, Box<EvalAltResult>>, name: &str) -> Result<Outcome> {
        let last = result.map_err(|thrown| self.fail(&thrown, name)).and_then(|value| self.put_last(&value));
        let exit = self.state.take_exit();
        let objects = self.collected.as_ref().map_or_else(Vec::new, |objects| std::mem::take(&mut *lock(objects)));
        match last {
            Ok(last) => Ok(Outcome { exit, last, objects }),
            Err(error) => {
                let exit = error.exit().gravest(exit);
                Err(error.exits(exit))
            }
        }
    }

    fn put_last(&self, value: &Dynamic) -> Result<Value> {
        if let Some(streamed) = value.read_lock::<Streamed>() {
            return Ok(streamed.0.clone());
        }
        let last = to_value(value)?;
        for one in enumerate(last.clone()) {
            self.state.put(one)?;
        }
        Ok(last)
    }

    fn fail(&self, thrown: &EvalAltResult, name: &str) -> Error {
        let trace = trace::trace(&self.rhai, &self.state, name, thrown);
        let file = trace.error.position().and_then(|p| p.file.clone());
        let source = self.state.sources.get(file.as_deref().unwrap_or(name));
        *lock(&self.failure) = Some(Failure { text: source.map(|s| Arc::clone(&s.text)), frames: trace.frames });
        trace.error
    }

    /// The first of several errors; the others are shown.
    fn first(&self, errors: Vec<Error>, text: Option<&str>) -> Error {
        *lock(&self.failure) = Some(Failure { text: text.map(Into::into), frames: Vec::new() });
        let mut errors = errors.into_iter();
        let first = errors.next().unwrap_or_else(|| Error::new(ErrorId::ParseError, "the text cannot be compiled"));
        for error in errors {
            self.state.show_error(&error);
        }
        first
    }
}

fn read(path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| {
        Error::new(ErrorId::FileNotFound, format!("`{shown}` cannot be read: {e}")).about(&shown).exits(ExitCode::Usage)
    })?;
    String::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorId::ParseError, format!("`{shown}` is not UTF-8 text")).about(&shown).exits(ExitCode::Usage)
    })
}

/// Puts an [`Engine`] together; every part has a default.
pub struct EngineBuilder {
    session: Session,
    registry: Registry,
    limits: Limits,
    console: Arc<dyn Console>,
    output: Option<Box<dyn Output>>,
    cancel: Cancel,
    roots: Vec<PathBuf>,
    library: Library,
    preferences: Vec<(String, Value)>,
}

impl EngineBuilder {
    /// The verbs, instead of the library's own; those of the pipeline are always there.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// How much a script may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Screen and keyboard; by default nothing is shown and nobody is asked.
    #[must_use]
    pub fn console(mut self, console: Arc<dyn Console>) -> Self {
        self.console = console;
        self
    }

    /// Where objects go; by default they are in [`Outcome::objects`].
    #[must_use]
    pub fn output(mut self, output: impl Output + 'static) -> Self {
        self.output = Some(Box::new(output));
        self
    }

    /// The handle that ends a run.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The folders that modules are imported from, beside that of a script's own file.
    #[must_use]
    pub fn module_roots(mut self, roots: impl IntoIterator<Item = PathBuf>) -> Self {
        self.roots = roots.into_iter().collect();
        self
    }

    /// Modules in the program itself, instead of the library's own: name, without extension, and text.
    #[must_use]
    pub fn library(mut self, library: Library) -> Self {
        self.library = library;
        self
    }

    /// A preference that holds from the start: `VerbosePreference`, `WhatIfPreference`.
    #[must_use]
    pub fn preference(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.preferences.push((name.to_owned(), value.into()));
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let collected = self.output.is_none().then(Arc::default);
        let output = match (self.output, &collected) {
            (Some(output), _) => output,
            (None, Some(objects)) => Box::new(Collect { objects: Arc::clone(objects), limit: self.limits.array_size }),
            (None, None) => Box::new(Collect { objects: Arc::default(), limit: 0 }),
        };
        let mut registry = self.registry;
        for verb in pipeline::verbs::all() {
            if registry.verb(verb.spec.name).is_none() {
                registry = registry.with(verb.clone());
            }
        }
        let state = State::new(self.session, registry, self.console, self.cancel, self.limits, output);
        for (name, value) in &self.preferences {
            state.set_cell(name, value);
        }
        state.set_roots(self.roots);
        let state = Arc::new(state);
        let rhai = preset::rhai(&state, self.library);
        Engine {
            rhai,
            state,
            scope: Scope::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            collected,
            failure: Mutex::new(None),
        }
    }
}

/// The default output: a list.
struct Collect {
    objects: Arc<Mutex<Vec<Value>>>,
    limit: usize,
}

impl Output for Collect {
    fn object(&mut self, value: Value) -> Result<()> {
        let mut objects = lock(&self.objects);
        if self.limit > 0 && objects.len() >= self.limit {
            return Err(Error::new(ErrorId::LimitExceeded, format!("more than {} objects were emitted", self.limit)));
        }
        objects.push(value);
        Ok(())
    }
}
