//! Standard error and the keyboard: messages, notes, progress, errors and questions.

use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::arguments::{Color, Options};
use super::keyboard;
use super::report::{self, Source, Style};
use super::screen::Screen;
use super::system;
use crate::command::{Cancel, Console, Message, Question, Stream};
use crate::engine::Failure;
use crate::error::{Error, ErrorId, Result};
use crate::format::{message_json, render_message, visible};
use crate::model::Secret;

/// The byte ranges of a text that are not to be shown.
pub(super) type SecretRanges = fn(&str) -> Vec<Range<usize>>;

/// The console of the command line.
pub(super) struct Terminal {
    style: Style,
    /// The width of the screen, which an interactive session looks at anew before each entry.
    width: AtomicUsize,
    quiet: bool,
    interactive: bool,
    progress: bool,
    screen: Arc<Screen>,
    cancel: Cancel,
    secrets: SecretRanges,
    writing: Mutex<Writing>,
}

#[derive(Default)]
struct Writing {
    progress_shown: bool,
    source: Option<Source>,
}

impl Terminal {
    /// The console as the options and the terminals have it.
    pub(super) fn new(options: &Options, screen: Arc<Screen>, cancel: Cancel, secrets: SecretRanges) -> Arc<Self> {
        let (keyboard, errors) = (io::stdin().is_terminal(), io::stderr().is_terminal());
        let color = match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let dumb = system::variable("TERM").is_some_and(|term| term.as_os_str() == "dumb");
                errors && !dumb && system::variable("NO_COLOR").is_none()
            }
        };
        Arc::new(Self {
            style: Style { json: options.json, color, width: system::width() },
            width: AtomicUsize::new(system::width()),
            quiet: options.quiet,
            interactive: keyboard && errors && !options.no_input,
            progress: errors && !options.quiet && !options.json,
            screen,
            cancel,
            secrets,
            writing: Mutex::default(),
        })
    }

    /// Whether colours are shown.
    pub(super) fn has_color(&self) -> bool {
        self.style.color
    }

    /// Lays out what comes now for a screen of another width.
    pub(super) fn set_width(&self, width: usize) {
        self.width.store(width, Ordering::Relaxed);
    }

    fn style(&self) -> Style {
        Style { width: self.width.load(Ordering::Relaxed), ..self.style }
    }

    /// Says which text errors without a file of their own lie in.
    pub(super) fn set_source(&self, source: Source) {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).source = Some(source);
    }

    /// Says something that is good to know and no warning.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Says what was asked for, however quiet the run is.
    pub(super) fn tell(&self, text: &str) {
        let message = Message::new(Stream::Host, text);
        if self.style.json {
            self.write(&(message_json(&message) + "\n"));
        } else {
            self.write(&render_message(Stream::Host, &format!("note: {text}"), false));
        }
    }

    /// Shows an error; `failure` is where the engine says that it came from.
    pub(super) fn error(&self, error: &Error, failure: Option<&Failure>) {
        self.screen.catch_up();
        let failed = failure
            .and_then(|f| f.text.clone())
            .map(|text| Source { file: error.position().and_then(|p| p.file.clone()), text });
        let source = failed.or_else(|| self.writing.lock().unwrap_or_else(PoisonError::into_inner).source.clone());
        let frames = failure.map_or(&[][..], |f| &f.frames);
        self.write(&report::render(error, source.as_ref(), frames, self.style(), &self.secrets));
    }

    /// Takes a line of progress off the screen.
    pub(super) fn finish(&self) {
        self.write("");
    }

    fn write(&self, text: &str) {
        self.write_as(text, false);
    }

    fn write_as(&self, text: &str, progress: bool) {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut screen = io::stderr().lock();
        let erase = if std::mem::replace(&mut writing.progress_shown, progress) { "\r\u{1b}[K" } else { "" };
        // There is no further place to complain to.
        let _ = screen
            .write_all(erase.as_bytes())
            .and_then(|()| screen.write_all(text.as_bytes()))
            .and_then(|()| screen.flush());
    }

    fn show_progress(&self, text: &str) {
        if self.progress {
            let line: String = visible(text.lines().next().unwrap_or_default())
                .chars()
                .take(self.style().width.saturating_sub(1))
                .collect();
            self.write_as(&line, true);
        }
    }

    fn may_ask(&self, question: &str) -> Result<()> {
        if !self.interactive {
            return Err(Error::new(ErrorId::NonInteractivePrompt, format!("nobody can be asked: {question}")));
        }
        self.screen.catch_up();
        self.finish();
        Ok(())
    }
}

impl Console for Terminal {
    fn message(&self, message: &Message) {
        match message.stream {
            Stream::Progress => return self.show_progress(&message.text),
            Stream::Warning if self.quiet => return,
            // The end of the run tells what standard output did not take.
            Stream::Host => return drop(self.screen.text(&message.text)),
            _ => {}
        }
        if let Some(error) = &message.error {
            return self.error(error, None);
        }
        self.screen.catch_up();
        if self.style.json {
            self.write(&(message_json(message) + "\n"));
        } else {
            self.write(&render_message(message.stream, &message.text, self.style.color));
        }
    }

    fn interactive(&self) -> bool {
        self.interactive
    }

    fn choose(&self, question: &Question) -> Result<usize> {
        self.may_ask(&question.text)?;
        let text = format!("\n{}\n{}\n", question.title, question.text);
        self.write(&render_message(Stream::Host, &text, false));
        let prompt = choices(question);
        loop {
            let line = keyboard::read_line(&prompt, true, &self.cancel)?;
            if let Some(index) = chosen(question, line.expose()) {
                return Ok(index);
            }
        }
    }

    fn read_line(&self, prompt: &str) -> Result<String> {
        self.may_ask(prompt)?;
        keyboard::read_line(&visible(prompt), true, &self.cancel).map(|line| line.expose().to_owned())
    }

    fn read_secret(&self, prompt: &str) -> Result<Secret> {
        self.may_ask(prompt)?;
        keyboard::read_line(&visible(prompt), false, &self.cancel)
    }

    fn width(&self) -> usize {
        self.style().width
    }
}

/// `[Y] Yes  [A] Yes to All  [?] Help (default is "Y"): `
fn choices(question: &Question) -> String {
    let answers: Vec<String> = question.answers.iter().map(|(key, label)| format!("[{key}] {label}")).collect();
    let default = question.answers.first().map_or(String::new(), |(key, _)| format!(" (default is \"{key}\")"));
    format!("{}{default}: ", answers.join("  "))
}

fn chosen(question: &Question, line: &str) -> Option<usize> {
    let line = line.trim();
    if line.is_empty() {
        return Some(0);
    }
    let mut key = [0; 4];
    question.answers.iter().position(|(letter, label)| {
        line.eq_ignore_ascii_case(letter.encode_utf8(&mut key)) || line.eq_ignore_ascii_case(label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            title: "Confirm".into(),
            text: "Go on?".into(),
            answers: vec![('Y', "Yes"), ('A', "Yes to All"), ('N', "No"), ('?', "Help")],
        }
    }

    #[test]
    fn answers_are_keys_or_labels() {
        let question = question();
        assert_eq!(choices(&question), "[Y] Yes  [A] Yes to All  [N] No  [?] Help (default is \"Y\"): ");
        assert_eq!(chosen(&question, " "), Some(0));
        assert_eq!(chosen(&question, "n"), Some(2));
        assert_eq!(chosen(&question, "yes to all"), Some(1));
        assert_eq!(chosen(&question, "?"), Some(3));
        assert_eq!(chosen(&question, "x"), None);
    }
}
