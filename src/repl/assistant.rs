//! The engine's decisions in the words of the line editor.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::SearchDirection;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::engine::{Candidate, Engine, Style};
use crate::format::{visible, width};

/// Asks the engine on behalf of the line editor.
pub(super) struct Assistant {
    engine: Rc<RefCell<Engine>>,
    /// The lines of an entry that goes on, before the one that is typed.
    open: Rc<RefCell<String>>,
    /// What was typed when it was last shown.
    typed: RefCell<String>,
    color: bool,
}

impl Assistant {
    pub(super) fn new(engine: Rc<RefCell<Engine>>, open: Rc<RefCell<String>>, color: bool) -> Self {
        Self { engine, open, typed: RefCell::default(), color }
    }

    /// What was typed when it was last shown.
    pub(super) fn line(&self) -> String {
        self.typed.borrow().clone()
    }

    /// The whole entry with the line that is typed, and where that begins.
    fn entry(&self, line: &str) -> (String, usize) {
        let open = self.open.borrow();
        (format!("{open}{line}"), open.len())
    }
}

impl Helper for Assistant {}
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (entry, start) = self.entry(line);
        let Ok(engine) = self.engine.try_borrow() else { return Ok((pos, Vec::new())) };
        let found = engine.complete(&entry, start + pos);
        // Nothing before the line that is typed can be changed any more.
        let Some(from) = found.start.checked_sub(start) else { return Ok((pos, Vec::new())) };
        Ok((from, listed(found.candidates, engine.width())))
    }
}

/// Candidates with their descriptions, a line each where there are any.
fn listed(candidates: Vec<Candidate>, screen: usize) -> Vec<Pair> {
    let longest = candidates.iter().map(|c| width(&c.shown)).max().unwrap_or(0).min(screen / 2);
    let is_described = candidates.iter().any(|c| !c.description.is_empty());
    candidates
        .into_iter()
        .map(|candidate| {
            let shown = visible(&candidate.shown).into_owned();
            let display = if is_described {
                let gap = " ".repeat(longest.saturating_sub(width(&shown)) + 2);
                let first = candidate.description.lines().next().unwrap_or_default();
                cut(&format!("{shown}{gap}{}", visible(first)), screen.saturating_sub(3)).to_owned()
            } else {
                shown
            };
            Pair { display: display.trim_end().to_owned(), replacement: candidate.text }
        })
        .collect()
}

/// As much of a text as fits into so many cells.
fn cut(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += width(character.encode_utf8(&mut [0; 4]));
        if used > cells {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// A hint as the line editor shows and takes it.
pub(super) struct Guess(crate::engine::Hint);

impl Hint for Guess {
    fn display(&self) -> &str {
        &self.0.shown
    }

    fn completion(&self) -> Option<&str> {
        self.0.inserted.as_deref()
    }
}

impl Hinter for Assistant {
    type Hint = Guess;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Guess> {
        line.clone_into(&mut self.typed.borrow_mut());
        // Without colours nobody could tell a hint from what was typed.
        if !self.color || pos < line.len() || line.is_empty() {
            return None;
        }
        let (entry, start) = self.entry(line);
        let history = context.history();
        let last = history.len().checked_sub(1).filter(|_| start == 0);
        let remembered = last.and_then(|last| history.starts_with(line, last, SearchDirection::Reverse).ok().flatten());
        let remembered = remembered.map(|found| found.entry.into_owned()).filter(|entry| !entry.contains('\n'));
        let engine = self.engine.try_borrow().ok()?;
        let hint = engine.hint(&entry, start + pos, remembered.as_deref())?;
        Some(Guess(hint))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let (entry, start) = self.entry(line);
        let Ok(engine) = self.engine.try_borrow() else { return Cow::Borrowed(line) };
        let mut shown = String::with_capacity(line.len() + 64);
        let mut at = start;
        for part in engine.highlight(&entry) {
            let (from, to) = (part.range.start.max(at), part.range.end);
            if to <= from {
                continue;
            }
            shown.push_str(entry.get(at..from).unwrap_or_default());
            // A colour ends with its line, so that the editor may break there.
            for (index, piece) in entry.get(from..to).unwrap_or_default().split('\n').enumerate() {
                if index > 0 {
                    shown.push('\n');
                }
                if !piece.is_empty() {
                    shown.push_str(color(part.style));
                    shown.push_str(piece);
                    shown.push_str("\u{1b}[0m");
                }
            }
            at = to;
        }
        shown.push_str(entry.get(at..).unwrap_or_default());
        Cow::Owned(shown)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\u{1b}[90m{hint}\u{1b}[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

fn color(style: Style) -> &'static str {
    match style {
        Style::Verb => "\u{1b}[93m",
        Style::Unknown => "\u{1b}[91m",
        Style::Parameter => "\u{1b}[96m",
        Style::Text => "\u{1b}[36m",
        Style::Number => "\u{1b}[97m",
        Style::Variable => "\u{1b}[92m",
        Style::Keyword => "\u{1b}[94m",
        Style::Comment => "\u{1b}[32m",
    }
}
