//! The interactive session: reads entries of one line or several, runs each, and goes on after errors.

use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::{Behavior, DefaultEditor};

use crate::engine::{Completeness, Engine};
use crate::error::{Error, ErrorId, ExitCode, Result};

/// What shows an entry's outcome: `Some` is the error that ended it.
pub(crate) type Shown<'a> = &'a dyn Fn(&Engine, Option<&Error>);

/// Reads and runs entries until the end of input or `exit`; the exit code is 0.
///
/// `prompt` stands before each entry. Nothing typed is kept after the session.
///
/// # Errors
/// `NonInteractivePrompt` where the terminal cannot be read.
pub(crate) fn run(engine: &mut Engine, prompt: &str, before: &dyn Fn(), shown: Shown<'_>) -> Result<ExitCode> {
    let unreadable =
        |error: ReadlineError| Error::new(ErrorId::NonInteractivePrompt, "the terminal cannot be read").because(error);
    let mut editor =
        DefaultEditor::with_config(Config::builder().behavior(Behavior::PreferTerm).build()).map_err(unreadable)?;
    let mut entry = String::new();
    loop {
        let asked = if entry.is_empty() { prompt } else { ">> " };
        match editor.readline(asked) {
            Ok(line) => {
                let is_blank = line.trim().is_empty();
                entry.push_str(&line);
                entry.push('\n');
                // An empty line ends an entry that would go on, so that nobody is caught in an open bracket.
                if !is_blank && engine.is_complete(&entry) == Completeness::Incomplete {
                    continue;
                }
            }
            Err(ReadlineError::Interrupted) => {
                entry.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(ExitCode::Done),
            Err(error) => return Err(unreadable(error)),
        }
        let text = std::mem::take(&mut entry);
        match text.trim() {
            "" => continue,
            "exit" | "quit" => return Ok(ExitCode::Done),
            _ => {}
        }
        before();
        let error = engine.eval_line(&text).err();
        shown(engine, error.as_ref());
    }
}
