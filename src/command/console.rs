//! What verbs say beside their objects, and how they ask; the host decides what becomes of it.

use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;

/// The streams beside the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `WARNING:`.
    Warning,
    /// `VERBOSE:`, shown with `-Verbose`.
    Verbose,
    /// `DEBUG:`, shown with `-Debug`.
    Debug,
    /// `What if:`.
    WhatIf,
    /// Errors that did not end the command.
    Error,
    /// How far a long command has come.
    Progress,
    /// What `Write-Host` and `print` write.
    Host,
}

impl Stream {
    /// The name on the wire of `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Verbose => "verbose",
            Self::Debug => "debug",
            Self::WhatIf => "whatif",
            Self::Error => "error",
            Self::Progress => "progress",
            Self::Host => "host",
        }
    }
}

/// One message of a stream.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it belongs.
    pub stream: Stream,
    /// A stable id for programs, where there is one (`NamesDiffer`).
    pub id: Option<&'static str>,
    /// The text, without prefix.
    pub text: String,
    /// The verb that said it.
    pub verb: Option<&'static str>,
    /// The whole error of a message of the error stream.
    pub error: Option<Error>,
}

impl Message {
    /// A message of a stream.
    pub fn new(stream: Stream, text: impl Into<String>) -> Self {
        Self { stream, id: None, text: text.into(), verb: None, error: None }
    }
}

/// A question with a fixed set of answers.
#[derive(Clone, Debug)]
pub struct Question {
    /// The title line.
    pub title: String,
    /// The question.
    pub text: String,
    /// The answers: key and label, `('Y', "Yes")`; the first is the default.
    pub answers: Vec<(char, &'static str)>,
}

/// The host's screen and keyboard.
///
/// The library never prints and never prompts by itself: everything goes through here. Methods are
/// called from the thread that runs the script, never while a lock is held.
pub trait Console: Send + Sync {
    /// Shows a message that the preferences let through.
    fn message(&self, message: &Message);

    /// Whether somebody can be asked.
    fn interactive(&self) -> bool {
        false
    }

    /// Asks; the index of the chosen answer.
    ///
    /// # Errors
    /// `NonInteractivePrompt` where nobody can be asked, `Interrupted` when the answer is Ctrl-C.
    fn choose(&self, question: &Question) -> Result<usize> {
        Err(nobody(&question.text))
    }

    /// Reads one line.
    ///
    /// # Errors
    /// As [`Console::choose`].
    fn read_line(&self, prompt: &str) -> Result<String> {
        Err(nobody(prompt))
    }

    /// Reads a line without showing it.
    ///
    /// # Errors
    /// As [`Console::choose`].
    fn read_secret(&self, prompt: &str) -> Result<Secret> {
        Err(nobody(prompt))
    }

    /// The width of the screen in characters.
    fn width(&self) -> usize {
        120
    }
}

/// A console that shows nothing and never prompts: the default of an embedding host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Console for Quiet {
    fn message(&self, _: &Message) {}
}

fn nobody(question: &str) -> Error {
    Error::new(ErrorId::NonInteractivePrompt, format!("nobody can be asked: {question}"))
}
