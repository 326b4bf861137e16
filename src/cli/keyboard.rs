//! One line from the terminal, shown or not, with Ctrl-C as an answer.

use std::io::{self, Stdin, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::command::Cancel;
use crate::error::{Error, ErrorId, Result};
use crate::format::width;
use crate::model::Secret;

/// No answer is longer; what is typed beyond is not taken.
const MOST_BYTES: usize = 4096;

/// Writes the prompt to standard error and reads a line from the terminal at standard input.
///
/// The line is taken key by key, so that Ctrl-C and the time limit end the wait at once.
///
/// # Errors
/// `Interrupted` (Ctrl-C, Ctrl-D), `TimedOut`, `NonInteractivePrompt` where standard input is no terminal.
pub(super) fn read_line(prompt: &str, shown: bool, cancel: &Cancel) -> Result<Secret> {
    let terminal = Raw::enter(io::stdin()).map_err(|e| no_terminal().because(io::Error::from(e)))?;
    let mut line = Line { bytes: Zeroizing::new(Vec::with_capacity(MOST_BYTES)), shown, escape: false };
    write(prompt);
    let ended = loop {
        if let Err(error) = cancel.check() {
            break Err(error);
        }
        match terminal.key() {
            Ok(None) => {}
            Ok(Some(key)) => match line.take(key) {
                Step::More => {}
                Step::Done => break Ok(()),
                Step::Stop => break Err(Error::new(ErrorId::Interrupted, "interrupted at a prompt")),
            },
            Err(error) => break Err(no_terminal().because(io::Error::from(error))),
        }
    };
    write("\n");
    ended?;
    line.into_text()
}

fn no_terminal() -> Error {
    Error::new(ErrorId::NonInteractivePrompt, "the terminal cannot be read")
}

fn write(text: &str) {
    let mut screen = io::stderr().lock();
    // A prompt that nobody sees is answered all the same.
    let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
}

/// How the terminal at standard input is set.
pub(super) struct Modes(Option<Termios>);

impl Modes {
    /// As it is now.
    pub(super) fn now() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// Sets it so again.
    pub(super) fn restore(&self) {
        if let Some(modes) = &self.0 {
            // Nothing better is left to do where even this fails.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
        }
    }
}

/// The terminal with its own line editing and echo off; restored when dropped.
struct Raw {
    terminal: Stdin,
    before: Termios,
}

impl Raw {
    fn enter(terminal: Stdin) -> rustix::io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        // A read waits a tenth of a second at most.
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 1;
        tcsetattr(&terminal, OptionalActions::Drain, &modes)?;
        Ok(Self { terminal, before })
    }

    /// The next byte, if one came in time.
    fn key(&self) -> rustix::io::Result<Option<u8>> {
        let mut byte = Zeroizing::new([0_u8]);
        match rustix::io::read(&self.terminal, byte.as_mut_slice()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => Ok(Some(byte[0])),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing better is left to do where even this fails.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

enum Step {
    More,
    Done,
    Stop,
}

struct Line {
    bytes: Zeroizing<Vec<u8>>,
    shown: bool,
    escape: bool,
}

impl Line {
    fn take(&mut self, key: u8) -> Step {
        if self.escape {
            // The sequence of an arrow or function key ends with a letter or a tilde.
            self.escape = !(key.is_ascii_alphabetic() && key != b'O' || key == b'~');
            return Step::More;
        }
        match key {
            b'\r' | b'\n' => return Step::Done,
            3 => return Step::Stop,
            4 if self.bytes.is_empty() => return Step::Stop,
            8 | 127 => self.erase_one(),
            21 => {
                while !self.bytes.is_empty() {
                    self.erase_one();
                }
            }
            27 => self.escape = true,
            0..32 => {}
            _ if self.bytes.len() < MOST_BYTES => {
                self.bytes.push(key);
                if self.shown {
                    let _ = io::stderr().lock().write_all(&[key]);
                }
            }
            _ => {}
        }
        Step::More
    }

    fn erase_one(&mut self) {
        let start = self.bytes.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        let Some(last) = self.bytes.get_mut(start..) else { return };
        if self.shown {
            let cells = std::str::from_utf8(last).map_or(1, width);
            write(&"\u{8} \u{8}".repeat(cells));
        }
        last.zeroize();
        self.bytes.truncate(start);
    }

    fn into_text(mut self) -> Result<Secret> {
        String::from_utf8(std::mem::take(&mut *self.bytes)).map(Secret::new).map_err(|error| {
            error.into_bytes().zeroize();
            Error::new(ErrorId::CannotConvertArgument, "what was typed is no UTF-8 text")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<String> {
        let mut line = Line { bytes: Zeroizing::new(Vec::new()), shown: false, escape: false };
        for key in keys {
            match line.take(*key) {
                Step::More => {}
                Step::Done => return line.into_text().ok().map(|text| text.expose().to_owned()),
                Step::Stop => return None,
            }
        }
        None
    }

    #[test]
    fn keys_edit_the_line() {
        assert_eq!(typed(b"abc\x7fd\r").as_deref(), Some("abd"));
        assert_eq!(typed("aä\x7f\x08\x08b\n".as_bytes()).as_deref(), Some("b"));
        assert_eq!(typed(b"lost\x15x\x1b[Ay\x1b[3~\n").as_deref(), Some("xy"));
        assert_eq!(typed(b"\n").as_deref(), Some(""));
    }

    #[test]
    fn interruptions_and_foreign_bytes() {
        assert_eq!(typed(b"ab\x03\n"), None);
        assert_eq!(typed(b"\x04\n"), None);
        assert_eq!(typed(b"a\x04\n").as_deref(), Some("a"));
        assert_eq!(typed(b"\xff\n"), None);
    }
}
