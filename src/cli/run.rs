//! Running texts: of `-c`, of standard input, of a runbook.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::arguments::Run;
use super::report::Source;
use super::runbook_help;
use super::shell::Shell;
use crate::engine::{Engine, Outcome};
use crate::error::{Error, ErrorId, ExitCode, Result};

/// How long a wait for standard input goes without a look at Ctrl-C and the time limit.
const SLICE: Duration = Duration::from_millis(50);

/// Runs a text that was typed.
pub(super) fn text(shell: &Shell, text: &str) -> ExitCode {
    shell.terminal.set_source(Source { file: None, text: text.into() });
    let engine = shell.engine(false, [PathBuf::from(".")]);
    let result = engine.eval(text);
    end(shell, &engine, result)
}

/// Runs the script that standard input holds.
///
/// # Errors
/// `Interrupted` and `TimedOut` while it is read, `ParseError` when it is no text.
pub(super) fn standard_input(shell: &Shell) -> Result<ExitCode> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        // Nobody waits any more when the run was interrupted.
        let _ = send.send(read.map(|_| bytes));
    });
    let read = loop {
        match receive.recv_timeout(SLICE) {
            Ok(read) => break read,
            Err(RecvTimeoutError::Timeout) => shell.cancel.check()?,
            Err(RecvTimeoutError::Disconnected) => break Ok(Vec::new()),
        }
    };
    let bytes = read.map_err(|e| {
        Error::new(ErrorId::FileNotFound, "standard input cannot be read").because(e).exits(ExitCode::Usage)
    })?;
    let script = text_of(bytes, "standard input")?;
    Ok(text(shell, &script))
}

/// `certlet run FILE`.
///
/// # Errors
/// `FileNotFound`, `ParseError` when the file is no text.
pub(super) fn runbook(shell: &Shell, run: &Run) -> Result<ExitCode> {
    let Some(path) = &run.file else { return Ok(ExitCode::Usage) };
    let script = read(path)?;
    let shown: Arc<str> = path.display().to_string().into();
    shell.terminal.set_source(Source { file: Some(shown), text: script.as_str().into() });
    let engine = shell.engine(run.whatif, []);
    if run.help {
        let parameters = match engine.params(&script) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(end(shell, &engine, Err(error))),
        };
        shell.screen.text(&runbook_help::render(path, &script, &parameters))?;
        return Ok(ExitCode::Done);
    }
    let result = engine.run_script(&script, path, &run.parameters);
    Ok(end(shell, &engine, result))
}

/// The exit code of what an engine has run; an error that ended it is shown.
pub(super) fn end(shell: &Shell, engine: &Engine, result: Result<Outcome>) -> ExitCode {
    match result {
        Ok(outcome) => outcome.exit,
        Err(error) => {
            // What standard output does not take is told on the way out.
            let _ = shell.end_objects();
            if !shell.screen.reader_is_gone() {
                shell.terminal.error(&error, engine.failure().as_ref());
            }
            error.exit()
        }
    }
}

/// Reads a file of text; one that is not there is a fault of usage.
///
/// # Errors
/// `FileNotFound`, `ParseError`.
pub(super) fn read(path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "is not there",
            std::io::ErrorKind::IsADirectory => "is a folder",
            _ => "cannot be read",
        };
        Error::new(ErrorId::FileNotFound, format!("`{shown}` {why}"))
            .about(&shown)
            .because(error)
            .exits(ExitCode::Usage)
    })?;
    text_of(bytes, &format!("`{shown}`"))
}

fn text_of(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorId::ParseError, format!("{what} is not UTF-8 text (at byte {at})")).exits(ExitCode::Usage)
    })
}
