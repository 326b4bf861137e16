//! The scanner's state: where it stands, what is open, what it found.

use std::cell::Cell;

use super::fault::Fault;
use super::frame::{Frame, Fresh, Header, Kind, NONE, Prev, Tail};
use super::names::Names;
use super::operators::Operator;
use super::output::{End, Output};
use super::report::Command;
use super::text;
use super::words::Words;
use crate::error::ErrorId;

/// How deep commands, blocks and strings may stand inside one another.
///
/// Brackets of plain Rhai do not count; Rhai itself bounds those.
const MAX_DEPTH: u32 = 64;

/// How many errors are reported of one text.
const MAX_FAULTS: usize = 100;

/// One pass over a text.
pub(super) struct Lowerer<'a> {
    pub(super) src: &'a str,
    pub(super) words: &'a dyn Words,
    pub(super) pos: usize,
    pub(super) out: Output<'a>,
    /// The innermost open bracket.
    pub(super) top: Frame,
    /// The brackets around it.
    pub(super) outer: Vec<Frame>,
    pub(super) operators: Vec<Operator>,
    /// Pipelines at the end of a block of which it is not yet known whether they are its value.
    pub(super) pending: Vec<u32>,
    /// Pipelines, and the site of the last command of each.
    pub(super) ends: Vec<(u32, usize)>,
    /// The sites of the last commands of the pipelines that are the script's own value.
    pub(super) tails: Vec<usize>,
    pub(super) names: Names<'a>,
    pub(super) commands: Vec<Command<'a>>,
    pub(super) faults: Vec<Fault>,
    /// Why the text is not complete.
    pub(super) open: Option<Fault>,
    /// Words of the shape `Verb-Noun` at the start of an expression that are no verbs.
    pub(super) unknown: Vec<(u32, u32)>,
    /// Line ends that a command swallowed and has yet to give back.
    pub(super) owed: u32,
    depth: u32,
    /// From here on no `#>` is left, so that it is not searched for again.
    no_angle_end_from: Cell<usize>,
    /// Up to here it is settled that no line end ends anything.
    pub(super) settled: usize,
}

impl<'a> Lowerer<'a> {
    pub(super) fn new(src: &'a str, words: &'a dyn Words, known: &[&'a str]) -> Self {
        Self {
            src,
            words,
            pos: 0,
            out: Output::new(src),
            top: Frame::new(Kind::Script, false, 0, 0),
            outer: Vec::new(),
            operators: Vec::new(),
            pending: Vec::new(),
            ends: Vec::new(),
            tails: Vec::new(),
            names: Names::new(known),
            commands: Vec::new(),
            faults: Vec::new(),
            open: None,
            unknown: Vec::new(),
            owed: 0,
            depth: 0,
            no_angle_end_from: Cell::new(usize::MAX),
            settled: 0,
        }
    }

    /// Scans to the end of the text.
    pub(super) fn script(&mut self) {
        while self.pos < self.src.len() {
            self.token();
        }
        while !self.outer.is_empty() {
            self.unwind();
        }
        self.offer_value();
        self.end_expression();
        for id in self.pending.drain(..) {
            self.out.collect(id);
            self.tails.extend(self.ends.iter().filter(|(end, _)| *end == id).map(|(_, site)| *site));
        }
    }

    /// Opens a bracket and scans until it is closed.
    pub(super) fn run(&mut self, frame: Frame) {
        if self.depth >= MAX_DEPTH {
            let message = format!("commands and blocks stand more than {MAX_DEPTH} deep in one another");
            self.fault(Fault::new(ErrorId::ParseError, message, frame.open as usize, frame.open as usize + 1));
            self.stop();
            return;
        }
        self.depth += 1;
        self.push(frame);
        let base = self.outer.len();
        while self.outer.len() >= base && self.pos < self.src.len() {
            self.token();
        }
        while self.outer.len() >= base {
            self.unwind();
        }
        self.depth -= 1;
    }

    pub(super) fn push(&mut self, mut frame: Frame) {
        frame.start = self.out.mark(self.pos);
        frame.operators = self.operators.len() as u32;
        frame.pending = self.pending.len() as u32;
        frame.names = self.names.len();
        self.outer.push(std::mem::replace(&mut self.top, frame));
    }

    /// Leaves the innermost bracket; what follows its closing byte is the caller's.
    pub(super) fn pop(&mut self) {
        self.offer_value();
        self.end_expression();
        let Some(outer) = self.outer.pop() else { return };
        let frame = std::mem::replace(&mut self.top, outer);
        self.operators.truncate(frame.operators as usize);
        self.names.truncate(frame.names);
        if frame.floor != NONE {
            self.names.set_floor(frame.floor);
        }
        match frame.tail {
            Tail::Inherit => {}
            Tail::Emit => self.pending.truncate(frame.pending as usize),
            Tail::Value => {
                for id in self.pending.drain((frame.pending as usize).min(self.pending.len())..) {
                    self.out.collect(id);
                }
            }
        }
        self.top.dollar |= frame.dollar;
        self.top.command |= frame.command;
    }

    /// Leaves a bracket that the end of the text left open.
    fn unwind(&mut self) {
        if self.top.close == 0 {
            self.end_line();
            return;
        }
        if !self.stopped() {
            let at = self.top.open as usize;
            let opener = self.src.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('{');
            self.incomplete(format!("`{opener}` is never closed"), at, at + opener.len_utf8());
        }
        self.pop();
    }

    /// Begins the token at `pos`; tells whether it is the first of its expression.
    pub(super) fn begin(&mut self) -> bool {
        if self.top.prev == Prev::Block {
            self.next_after_block();
        }
        let fresh = self.top.fresh;
        if fresh == Fresh::No {
            return false;
        }
        self.top.fresh = Fresh::No;
        self.top.wraps = 0;
        self.top.start = self.out.mark(self.pos);
        self.top.statement = fresh != Fresh::Expression;
        if fresh == Fresh::Statement {
            self.pending.truncate(self.top.pending as usize);
            self.top.dollar = false;
            self.top.dollar_first = false;
            self.top.command = false;
            self.top.after_do = false;
            self.top.elements += 1;
        }
        true
    }

    /// A block of a statement is over and something else than `else` or `catch` follows.
    fn next_after_block(&mut self) {
        if self.top.kind == Kind::Switch {
            self.top.key = true;
        }
        self.next_statement();
    }

    pub(super) fn next_statement(&mut self) {
        self.offer_value();
        self.end_expression();
        self.top.prev = Prev::Start;
        self.top.header = Header::None;
        let statements = self.top.kind.has_statements() || self.top.kind == Kind::Elements;
        self.top.fresh = if statements { Fresh::Statement } else { Fresh::Expression };
    }

    /// Emits a statement that is an expression of PowerShell's, as a command is: `$x`, `"$a $b"`, `(Get-X).Name`.
    pub(super) fn offer_value(&mut self) {
        let top = &self.top;
        if !top.kind.has_statements() || !top.statement || top.fresh != Fresh::No || top.prev != Prev::Operand {
            return;
        }
        let quoted = match self.byte_at(top.start.at as usize) {
            b'$' | b'(' | b'@' | b'-' | b'!' | b'[' => false,
            b'"' | b'\'' => true,
            _ => return,
        };
        if !(top.dollar || top.command || (quoted && top.ps)) {
            return;
        }
        self.reduce(0);
        let start = self.top.start;
        self.out.flush(self.top.end as usize);
        let id = self.out.enclose(start, 0, End::Offer);
        self.pending.push(id);
        self.top.statement = false;
    }

    /// The next token begins an expression of its own inside the statement.
    pub(super) fn next_expression(&mut self) {
        self.end_expression();
        self.top.prev = Prev::Start;
        self.top.fresh = Fresh::Expression;
    }

    pub(super) fn end_expression(&mut self) {
        self.reduce(0);
        if self.top.closure != NONE {
            self.names.truncate(self.top.closure);
            self.top.closure = NONE;
        }
    }

    /// An operand ends at `end`, and the scanner goes on there.
    pub(super) fn operand(&mut self, end: usize) {
        self.pos = end;
        self.top.prev = Prev::Operand;
        self.top.end = end as u32;
        self.top.logic = false;
    }

    /// Something of the operand's end, `)` or `]`, is put where the last operand ended.
    pub(super) fn put_at_end(&mut self, text: &'static str) {
        self.out.flush(self.top.end as usize);
        self.out.put(text);
    }

    /// The byte `ahead` of the position; 0 after the end.
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.byte_at(self.pos + ahead)
    }

    pub(super) fn byte_at(&self, index: usize) -> u8 {
        self.src.as_bytes().get(index).copied().unwrap_or(0)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.src.get(start..end).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.src.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn char_at(&self, index: usize) -> Option<char> {
        self.src.get(index..).and_then(|rest| rest.chars().next())
    }

    /// The end of the identifier at `start`.
    pub(super) fn word_end(&self, start: usize) -> usize {
        text::word_end(self.src, start)
    }

    /// The next place from `index` on that is no blank and no line end; comments are not skipped.
    pub(super) fn after_space(&self, mut index: usize) -> usize {
        while matches!(self.byte_at(index), b' ' | b'\t' | b'\r' | b'\n') {
            index += 1;
        }
        index
    }

    /// The next place from `index` on that is no blank.
    pub(super) fn after_blanks(&self, mut index: usize) -> usize {
        while matches!(self.byte_at(index), b' ' | b'\t') {
            index += 1;
        }
        index
    }

    /// The next place from `index` on that is neither blank, line end nor comment.
    pub(super) fn after_trivia(&self, mut index: usize) -> usize {
        loop {
            index = self.after_space(index);
            match self.comment_end(index) {
                Some(end) if end > index => index = end,
                _ => return index,
            }
        }
    }

    /// Where the comment at `index` ends, if there is one; the end of the text when it is not closed.
    pub(super) fn comment_end(&self, index: usize) -> Option<usize> {
        match (self.byte_at(index), self.byte_at(index + 1)) {
            (b'/', b'/') => Some(text::line_end(self.src, index)),
            (b'/', b'*') => Some(text::block_comment_end(self.src, index)),
            (b'<', b'#') if !matches!(self.byte_at(index + 2), b'"' | b'{') => self.angle_comment_end(index),
            (b'#', next) if next != b'{' && text::raw_quote(self.src, index).is_none() => {
                Some(text::line_end(self.src, index))
            }
            _ => None,
        }
    }

    fn angle_comment_end(&self, index: usize) -> Option<usize> {
        if index >= self.no_angle_end_from.get() {
            return None;
        }
        let end = self.src.get(index..)?.find("#>").map(|length| index + length + 2);
        if end.is_none() {
            self.no_angle_end_from.set(index);
        }
        end
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
        if self.faults.len() >= MAX_FAULTS {
            self.stop();
        }
    }

    /// Refuses what begins at `start`, with the form to use instead.
    pub(super) fn refuse(&mut self, start: usize, end: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.fault(Fault::new(ErrorId::ParseError, message, start, end).hint(hint));
    }

    /// The text ends where more is needed.
    pub(super) fn incomplete(&mut self, message: impl Into<String>, start: usize, end: usize) {
        if self.open.is_none() {
            self.open = Some(Fault::new(ErrorId::ParseError, message, start, end));
        }
        self.stop();
    }

    /// Ends the scan; everything that is open is left.
    pub(super) fn stop(&mut self) {
        self.pos = self.src.len();
        self.out.drop_to(self.pos);
    }

    fn stopped(&self) -> bool {
        self.open.is_some() || !self.faults.is_empty()
    }
}
