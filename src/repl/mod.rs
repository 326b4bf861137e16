//! The interactive session: reads what is typed or pasted, runs it entry by entry, and goes on after errors.
//!
//! What an entry is, what may stand at the cursor and what the history keeps is decided in the engine; this is the loop
//! around it.
//!
//! A text of several entries, as a paste is one, is shown and waits for Enter; then its entries are run in their order,
//! each as if it had been typed alone. The first that fails or is interrupted ends the run, and what follows it is put
//! back at the prompt: nothing is lost, and nothing is run twice.

mod assistant;
mod remembered;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::config::{BellStyle, ColorMode, Config};
use rustyline::error::ReadlineError;
use rustyline::{
    Behavior, Cmd, CompletionType, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, KeyEvent,
    RepeatCount,
};

use self::assistant::Assistant;
use self::remembered::Remembered;
use crate::engine::{Engine, Entry};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::Zone;

/// The prompt of an entry that goes on.
const MORE: &str = ">> ";
/// So many entries does the history keep.
const MOST_REMEMBERED: usize = 5000;

/// What the program around the session does for it.
pub(crate) struct Surroundings<'a> {
    /// The file of the history; none without a home.
    pub(crate) history: Option<PathBuf>,
    /// The zone of dates.
    pub(crate) zone: Zone,
    /// The width of the screen in cells.
    pub(crate) width: &'a dyn Fn() -> usize,
    /// Called before what was typed is run.
    pub(crate) before: &'a dyn Fn(),
    /// Shows an entry's outcome: `Some` is the error that ended it.
    pub(crate) shown: &'a dyn Fn(&Engine, Option<&Error>),
    /// Shows a warning.
    pub(crate) warn: &'a dyn Fn(&str),
}

/// The keyboard with its line editor.
///
/// It takes SIGINT for itself where it is made, so that it is made before the program watches signals: whoever asks for
/// a signal later is told, and it is told as well.
pub(crate) struct Keyboard {
    editor: Editor<Assistant, Remembered>,
    /// Ctrl-C was typed, and no signal came late.
    asked: Arc<AtomicBool>,
    /// Somebody is waited for, and nothing runs.
    waits: Arc<AtomicBool>,
    color: bool,
}

/// What came from the keyboard.
enum Typed {
    Text(String),
    /// Ctrl-C: what was typed is forgotten.
    Cleared,
    /// Ctrl-D.
    Left,
}

/// Tells Ctrl-C that is typed from a signal that the editor remembers from the time before the prompt.
struct CtrlC(Arc<AtomicBool>);

impl ConditionalEventHandler for CtrlC {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::SeqCst);
        Some(Cmd::Interrupt)
    }
}

impl Keyboard {
    /// Opens the terminal.
    ///
    /// # Errors
    /// `NonInteractivePrompt` where it cannot be read.
    pub(crate) fn open(color: bool) -> Result<Self> {
        let config = Config::builder()
            .behavior(Behavior::PreferTerm)
            .color_mode(if color { ColorMode::Forced } else { ColorMode::Disabled })
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .history_ignore_dups(true)
            .and_then(|config| config.max_history_size(MOST_REMEMBERED))
            .map_err(unreadable)?
            .build();
        let history = Remembered::new(&config);
        let mut editor = Editor::with_history(config, history).map_err(unreadable)?;
        let asked = Arc::new(AtomicBool::new(false));
        let handler = EventHandler::Conditional(Box::new(CtrlC(Arc::clone(&asked))));
        editor.bind_sequence(KeyEvent::ctrl('C'), handler);
        Ok(Self { editor, asked, waits: Arc::default(), color })
    }

    /// Tells whether the prompt waits for somebody, and nothing runs.
    pub(crate) fn waits(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.waits)
    }

    /// Reads until Enter; `offered` stands at the prompt already.
    fn read(&mut self, prompt: &str, offered: &str) -> Result<Typed> {
        let mut offered = offered.to_owned();
        loop {
            self.asked.store(false, Ordering::SeqCst);
            self.waits.store(true, Ordering::SeqCst);
            let read = self.editor.readline_with_initial(prompt, (&offered, ""));
            self.waits.store(false, Ordering::SeqCst);
            match read {
                Ok(text) => return Ok(Typed::Text(text)),
                Err(ReadlineError::Eof) => return Ok(Typed::Left),
                Err(ReadlineError::Interrupted) if self.asked.load(Ordering::SeqCst) => return Ok(Typed::Cleared),
                // A Ctrl-C of long ago that a change of the window brings up: nothing is taken away for it.
                Err(ReadlineError::Interrupted) => {
                    offered = self.editor.helper().map_or_else(String::new, Assistant::line);
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    fn remember(&mut self, entry: &str, history: Option<&PathBuf>) -> bool {
        let added = self.editor.add_history_entry(entry).unwrap_or(false);
        match history {
            Some(path) if added => self.editor.append_history(path).is_ok(),
            _ => true,
        }
    }
}

fn unreadable(error: ReadlineError) -> Error {
    Error::new(ErrorId::NonInteractivePrompt, "the terminal cannot be read").because(error)
}

/// Reads and runs entries until Ctrl-D or `exit`; the exit code is 0.
///
/// # Errors
/// `NonInteractivePrompt` where the terminal cannot be read.
pub(crate) fn run(mut keyboard: Keyboard, engine: Engine, around: &Surroundings<'_>) -> Result<ExitCode> {
    let engine = Rc::new(RefCell::new(engine));
    let open = Rc::new(RefCell::new(String::new()));
    keyboard.editor.set_helper(Some(Assistant::new(Rc::clone(&engine), Rc::clone(&open), keyboard.color)));
    if let Some(path) = &around.history {
        // A history that is not there yet, or not readable, is an empty one.
        let _ = keyboard.editor.load_history(path);
    }
    let mut warned: Vec<String> = Vec::new();
    let mut offered = String::new();
    let mut may_write = true;
    loop {
        let prompt = if open.borrow().is_empty() {
            let prompt = engine.borrow().prompt();
            let warnings = prompt.warnings(&around.zone);
            for warning in warnings.iter().filter(|warning| !warned.contains(warning)) {
                (around.warn)(warning);
            }
            warned = warnings;
            prompt.text((around.width)())
        } else {
            MORE.to_owned()
        };
        match keyboard.read(&prompt, &std::mem::take(&mut offered))? {
            Typed::Text(text) => {
                let mut open = open.borrow_mut();
                open.push_str(&text);
                open.push('\n');
            }
            Typed::Cleared => {
                open.borrow_mut().clear();
                continue;
            }
            Typed::Left => return Ok(ExitCode::Done),
        }
        let mut left = open.take();
        // Once for all entries: Ctrl-C between two of them ends the run as well.
        (around.before)();
        loop {
            let (entry, rest) = match engine.borrow().next_entry(&left) {
                Entry::Nothing => break,
                Entry::Open(text) => {
                    open.replace(text.to_owned());
                    break;
                }
                Entry::Exit => return Ok(ExitCode::Done),
                Entry::Whole { text, rest } => (text.to_owned(), rest.to_owned()),
            };
            if engine.borrow().may_be_remembered(&entry)
                && !keyboard.remember(&entry, around.history.as_ref())
                && may_write
            {
                may_write = false;
                (around.warn)("the history cannot be written: this session is remembered until its end only");
            }
            let error = engine.borrow_mut().eval_line(&entry).err();
            (around.shown)(&engine.borrow(), error.as_ref());
            left = rest;
            if error.is_some() {
                left.trim().clone_into(&mut offered);
                break;
            }
        }
    }
}
