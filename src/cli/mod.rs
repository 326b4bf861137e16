//! The command line: the only place, with the REPL, that prints, exits and reads the environment.

mod arguments;
mod check;
mod completions;
mod init;
mod keyboard;
mod man;
mod place;
mod recover;
mod report;
mod run;
mod runbook_help;
mod screen;
mod secret_ranges;
mod secrets;
mod serve;
mod shell;
mod signals;
mod system;
mod terminal;

use std::io::IsTerminal;
use std::path::Path;

use self::arguments::{Arguments, Verb};
use self::shell::Shell;
use self::signals::Idle;
use crate::command::{Console, Message, Stream};
use crate::engine::Engine;
use crate::error::{Error, ExitCode, Result};
use crate::repl::{self, Keyboard, Surroundings};

/// Runs the program with the command line, environment and streams of the process.
pub fn main() -> std::process::ExitCode {
    let exit = match Arguments::read() {
        Ok(arguments) => whole_run(arguments),
        Err(exit) => exit,
    };
    exit.code().into()
}

fn whole_run(arguments: Arguments) -> ExitCode {
    let Arguments { options, text, sample, keep, verb } = arguments;
    let is_init = matches!(verb, Some(Verb::Init { .. }));
    // `init` writes the sample into the home, which lasts.
    let (throw_away, lasting) = if is_init { (None, sample) } else { (sample, None) };
    let is_interactive = verb.is_none() && text.is_none() && std::io::stdin().is_terminal();
    let shell = match Shell::new(options, throw_away, keep) {
        Ok(shell) => shell,
        Err(exit) => return exit,
    };
    if !is_interactive {
        signals::watch(&shell.cancel, &shell.terminal, None);
    }
    let outcome = match verb {
        None if is_interactive => interactive(&shell),
        None => without_verb(&shell, text.as_deref()),
        Some(Verb::Run(run)) => run::runbook(&shell, &run),
        Some(Verb::Init { sample }) => init::init(&shell, sample.or(lasting)),
        Some(Verb::Check { files }) => Ok(check::check(&shell, &files)),
        Some(Verb::Serve) => serve::serve(&shell),
        Some(Verb::Recover { force, keep_open }) => recover::recover(&shell, force, keep_open),
        Some(Verb::Completions { shell: target }) => write_text(&shell, &completions::script(target)),
        Some(Verb::Man) => man::page().and_then(|page| write_text(&shell, &page)),
    };
    let exit = outcome.unwrap_or_else(|error| {
        shell.report(&error);
        error.exit()
    });
    shell.finish(exit)
}

/// Writes a text that is made for another program: as it is, or as the one string of `--json`.
fn write_text(shell: &Shell, text: &[u8]) -> Result<ExitCode> {
    shell.screen.text(String::from_utf8_lossy(text).trim_end())?;
    Ok(ExitCode::Done)
}

fn without_verb(shell: &Shell, text: Option<&str>) -> Result<ExitCode> {
    match text {
        Some(text) => Ok(run::text(shell, text)),
        None => run::standard_input(shell),
    }
}

fn interactive(shell: &Shell) -> Result<ExitCode> {
    // The line editor takes SIGINT for itself; whoever asks for it afterwards gets it too.
    let (modes, folder) = (keyboard::Modes::now(), shell.throw_away());
    let keyboard = Keyboard::open(shell.terminal.has_color())?;
    let leave = Box::new(move || leave(&modes, folder.as_deref()));
    signals::watch(&shell.cancel, &shell.terminal, Some(Idle { waits: keyboard.waits(), leave }));
    let before = || {
        shell.cancel.reset();
        shell.set_width(system::width());
    };
    let shown = |engine: &Engine, error: Option<&Error>| {
        // What standard output does not take is told on the way out.
        let _ = shell.end_objects();
        if let Some(error) = error {
            shell.terminal.error(error, engine.failure().as_ref());
        }
    };
    let around = Surroundings {
        history: shell.place.home().is_ok().then(|| shell.place.dir().ok().map(|dir| dir.join("history"))).flatten(),
        zone: shell.session.zone(),
        width: &system::width,
        before: &before,
        shown: &shown,
        warn: &|text| shell.terminal.message(&Message::new(Stream::Warning, text)),
    };
    repl::run(keyboard, shell.engine(false, [".".into()]), &around)
}

/// Ends the process from beside the prompt: the terminal is as it was, and a throw-away world is gone.
#[expect(clippy::exit, reason = "the thread that reads the keyboard cannot be told")]
fn leave(modes: &keyboard::Modes, folder: Option<&Path>) {
    modes.restore();
    if let Some(folder) = folder {
        // What cannot be removed is left to the system's own broom.
        let _ = std::fs::remove_dir_all(folder);
    }
    std::process::exit(ExitCode::Interrupted.code().into());
}
