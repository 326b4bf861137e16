//! `import "certs"`: scripts from allowed folders and from the library, and from nowhere else.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use rhai::{
    Engine as Rhai, EvalAltResult, GlobalRuntimeState, Module, ModuleResolver, Position as RhaiPosition, Scope, Shared,
};

use super::compile::Compiler;
use super::errors::thrown;
use super::state::{State, lock};
use crate::error::{Error, ErrorId, Result};

/// Scripts in the program itself: name, without extension, and text.
pub type Library = &'static [(&'static str, &'static str)];

/// How large a module's file may be.
const MAX_BYTES: u64 = 4 << 20;

/// Finds, lowers and runs modules once each.
pub(super) struct Resolver {
    state: Arc<State>,
    library: Library,
    loaded: Mutex<HashMap<String, Shared<Module>>>,
    /// The modules that are being loaded, outermost first.
    loading: Mutex<Vec<String>>,
}

/// A module's text and the name that errors and traces call it.
struct Found {
    name: String,
    text: String,
}

impl Resolver {
    pub(super) fn new(state: Arc<State>, library: Library) -> Self {
        Self { state, library, loaded: Mutex::new(HashMap::new()), loading: Mutex::new(Vec::new()) }
    }

    fn find(&self, path: &str) -> Result<Found> {
        let relative = checked(path)?;
        let roots = self.state.roots();
        for root in &roots {
            let Ok(root) = root.canonicalize() else { continue };
            let wanted = root.join(&relative);
            let Ok(file) = wanted.canonicalize() else { continue };
            if !file.starts_with(&root) {
                return Err(refused(path, "it leads out of its folder by a link"));
            }
            return read(path, &file);
        }
        let plain = path.strip_suffix(".rhai").unwrap_or(path);
        if let Some((name, text)) = self.library.iter().find(|(name, _)| *name == plain) {
            return Ok(Found { name: format!("{name}.rhai"), text: (*text).to_owned() });
        }
        let places: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
        let error = Error::new(ErrorId::FileNotFound, format!("there is no module `{path}`")).about(path);
        Err(if places.is_empty() {
            error.hint("modules come from the folder of the script's file")
        } else {
            error.hint(format!("looked in {}", places.join(", ")))
        })
    }

    fn load(
        &self,
        engine: &Rhai,
        global: &mut GlobalRuntimeState,
        path: &str,
    ) -> std::result::Result<Shared<Module>, Box<EvalAltResult>> {
        let found = self.find(path).map_err(thrown)?;
        if let Some(module) = lock(&self.loaded).get(&found.name) {
            return Ok(Shared::clone(module));
        }
        let _loading = self.enter(&found.name).map_err(thrown)?;
        self.state.sources.add_module(path, &found.name);
        let ast =
            Compiler::new(engine, &self.state).compile(&found.text, &found.name, Some(found.name.as_str().into()), &[]);
        let ast = ast.map_err(|errors| thrown(first(errors)))?;
        let mut scope = Scope::new();
        let module = Module::eval_ast_as_new_raw(engine, &mut scope, global, &ast)?;
        let module = Shared::new(module);
        lock(&self.loaded).insert(found.name, Shared::clone(&module));
        Ok(module)
    }

    fn enter(&self, name: &str) -> Result<Loading<'_>> {
        let mut loading = lock(&self.loading);
        if loading.iter().any(|l| l == name) {
            let mut way: Vec<String> = loading.iter().map(|l| format!("`{l}`")).collect();
            way.push(format!("`{name}`"));
            return Err(Error::new(
                ErrorId::PathNotAllowed,
                format!("modules import one another in a circle: {}", way.join(" → ")),
            )
            .about(name));
        }
        loading.push(name.to_owned());
        Ok(Loading(&self.loading))
    }
}

/// A module that is being loaded; leaves the list when dropped.
struct Loading<'a>(&'a Mutex<Vec<String>>);

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        lock(self.0).pop();
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Rhai,
        _: Option<&str>,
        path: &str,
        position: RhaiPosition,
    ) -> std::result::Result<Shared<Module>, Box<EvalAltResult>> {
        let mut global = GlobalRuntimeState::clone(&engine.new_global_runtime_state());
        self.load(engine, &mut global, path)
            .map_err(|e| EvalAltResult::ErrorInModule(path.to_owned(), e, position).into())
    }

    fn resolve_raw(
        &self,
        engine: &Rhai,
        global: &mut GlobalRuntimeState,
        _: &mut Scope<'_>,
        path: &str,
        position: RhaiPosition,
    ) -> std::result::Result<Shared<Module>, Box<EvalAltResult>> {
        self.load(engine, global, path).map_err(|e| match *e {
            // The end of the whole run stays what it is, so that nobody catches it.
            EvalAltResult::ErrorTerminated(..) => e,
            _ => EvalAltResult::ErrorInModule(path.to_owned(), e, position).into(),
        })
    }
}

/// A path below a root: no drive, no root, no way up.
fn checked(path: &str) -> Result<PathBuf> {
    if path.is_empty() || path.contains('\0') {
        return Err(refused(path, "it is no name of a file"));
    }
    let normal = path.replace('\\', "/");
    let relative = Path::new(&normal);
    if relative.is_absolute() || normal.get(1..2) == Some(":") {
        return Err(refused(path, "it is an absolute path"));
    }
    if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(refused(path, "it leads upwards with `..`"));
    }
    let mut relative = relative.to_path_buf();
    if relative.extension().is_none_or(|e| e != "rhai") {
        let mut name = relative.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
        name.push(".rhai");
        relative.set_file_name(name);
    }
    Ok(relative)
}

fn read(path: &str, file: &Path) -> Result<Found> {
    let unreadable = |e: std::io::Error| {
        Error::new(ErrorId::FileNotFound, format!("the module `{path}` cannot be read: {e}")).about(path).because(e)
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refused(path, "it is no file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorId::LimitExceeded,
            format!("the module `{path}` is larger than {MAX_BYTES} bytes"),
        )
        .about(path));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Ok(Found { name: file.display().to_string(), text })
}

fn refused(path: &str, reason: &str) -> Error {
    Error::new(ErrorId::PathNotAllowed, format!("the module `{path}` is not loaded: {reason}"))
        .about(path)
        .hint("a module is a file in the script's own folder or below it, or in the home's `stdlib`")
}

fn first(errors: Vec<Error>) -> Error {
    errors.into_iter().next().unwrap_or_else(|| Error::new(ErrorId::ParseError, "the module cannot be compiled"))
}
