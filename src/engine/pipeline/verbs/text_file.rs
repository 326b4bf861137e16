//! A text file that a pipeline fills: shown and not written under `-WhatIf`, put in place whole or not at all.

use super::super::run::Down;
use crate::error::{Error, ErrorId, Result};
use crate::session::{Artefact, read_artefact};

/// So many bytes may a file have: it is held until it is whole.
const LIMIT: usize = 64 << 20;

/// The encodings that a runbook may name.
pub(super) const ENCODINGS: &[&str] = &["utf8", "utf8NoBOM"];

/// A file that is to be written.
pub(super) struct TextFile {
    shown: String,
    append: bool,
    no_clobber: bool,
    state: State,
}

enum State {
    Unopened,
    /// Nothing is written: `-WhatIf`, or somebody said no.
    Left,
    Open {
        file: Artefact,
        text: String,
    },
    Done,
}

impl TextFile {
    /// A file by the operator's own path.
    pub(super) fn new(shown: String, append: bool, no_clobber: bool) -> Self {
        Self { shown, append, no_clobber, state: State::Unopened }
    }

    /// Opens it, before the first object is written; what an appended file holds, where there is one.
    ///
    /// # Errors
    /// `PathNotAllowed`, `FileNotWritable`, `ReadOnlySession`; with `-Append` those of reading.
    pub(super) fn open(&mut self, down: &mut Down<'_>) -> Result<Option<String>> {
        if !matches!(self.state, State::Unopened) {
            return Ok(None);
        }
        let session = down.run.state.session.clone();
        if session.policy().is_ok_and(|policy| policy.read_only) {
            return Err(Error::new(ErrorId::ReadOnlySession, "this session writes no file").about(self.shown.clone()));
        }
        let path = session.resolve_path(&self.shown)?;
        let is_there = path.exists();
        if is_there && self.no_clobber && !self.append {
            return Err(Error::new(ErrorId::FileNotWritable, format!("`{}` is there already", self.shown))
                .about(self.shown.clone())
                .hint("leave `-NoClobber` away to replace it, or write `-Append`"));
        }
        let before = if self.append && is_there { Some(read_text(down, &self.shown)?) } else { None };
        let action = if self.append { "Append to File" } else { "Output to File" };
        if down.what_if() {
            self.state = State::Left;
            let text = format!("Performing the operation \"{action}\" on target \"{}\".", self.shown);
            down.say(crate::command::Message::new(crate::command::Stream::WhatIf, text))?;
            return Ok(before);
        }
        if !down.confirm(action, &self.shown)? {
            self.state = State::Left;
            return Ok(before);
        }
        let mut text = before.clone().unwrap_or_default();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.state = State::Open { file: Artefact::create(&path, &self.shown)?, text };
        Ok(before)
    }

    /// Writes to the open file by way of its text.
    ///
    /// # Errors
    /// `LimitExceeded`, and what `write` fails with.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut String) -> Result<()>) -> Result<()> {
        let State::Open { text, .. } = &mut self.state else { return Ok(()) };
        write(text)?;
        if text.len() > LIMIT {
            return Err(Error::new(ErrorId::LimitExceeded, format!("`{}` would be larger than 64 MiB", self.shown))
                .about(self.shown.clone()));
        }
        Ok(())
    }

    /// Puts it in place.
    ///
    /// # Errors
    /// `FileNotWritable`, `DiskFull`.
    pub(super) fn finish(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Open { file, text } => file.finish(text.as_bytes(), false).map(drop),
            _ => Ok(()),
        }
    }
}

/// The text of a file that the operator named, without its byte order mark.
///
/// # Errors
/// `FileNotFound`, `PathNotAllowed`, `LimitExceeded`; `CannotConvertArgument` for what is no UTF-8.
pub(super) fn read_text(down: &Down<'_>, shown: &str) -> Result<String> {
    let path = down.run.state.session.resolve_path(shown)?;
    let bytes = read_artefact(&path, shown)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorId::CannotConvertArgument, format!("`{shown}` is no text in UTF-8"))
            .about(shown)
            .hint("save it as UTF-8 first")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
