//! Commands and the bars between them: `Get-X … | Where-Object … | Sort-Object …`.

use super::fault::Fault;
use super::frame::{Header, Kind, Prev};
use super::output::{End, Mark};
use super::scan::Lowerer;
use crate::error::ErrorId;

/// A verb after a bar.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    start: usize,
    end: usize,
    verb: &'a str,
}

impl<'a> Lowerer<'a> {
    /// The command at `start`, whose verb ends at `end`.
    pub(super) fn command_at(&mut self, start: usize, end: usize, verb: &'a str) {
        self.begin();
        self.out.flush(start);
        let head = self.out.mark(start);
        let statement = self.top.statement && self.top.start.at as usize == start;
        self.out.put("__cmd(");
        let site = self.stage(Target { start, end, verb }, false);
        self.pipeline(head, statement, 0, site);
    }

    /// `expression | Command`: the whole expression before the bar is piped.
    pub(super) fn pipe_into(&mut self, target: Target<'a>) {
        self.end_expression();
        let head = self.top.start;
        let statement = self.top.statement;
        self.out.flush(self.top.end as usize);
        self.out.put(", ");
        self.out.cut(self.top.end as usize, target.start);
        let site = self.stage(target, true);
        self.pipeline(head, statement, 1, site);
    }

    /// Goes on with the stages after the first and closes the pipeline that begins at `head`.
    fn pipeline(&mut self, head: Mark, statement: bool, mut pipes: u32, mut site: usize) {
        while let Some(target) = self.next_stage() {
            pipes += 1;
            self.out.put(", ");
            self.out.cut(self.pos, target.start);
            site = self.stage(target, true);
        }
        let next = self.after_blanks(self.pos);
        let end = self.pipeline_end(head, statement, next);
        let id = self.out.enclose(head, pipes, end);
        if end == End::Emit {
            self.pending.push(id);
            self.ends.push((id, site));
        }
        self.top.prev = Prev::Operand;
        self.top.end = self.pos as u32;
        self.top.logic = false;
        self.top.command = true;
        if statement {
            self.top.statement = self.top.kind == Kind::Switch;
        }
        let line_ends = matches!(self.byte_at(next), b'\n' | b'\r' | b'#' | b'/');
        if line_ends {
            self.end_statement_at_line();
        }
    }

    fn pipeline_end(&self, head: Mark, statement: bool, next: usize) -> End {
        let closes = next >= self.src.len() || matches!(self.byte_at(next), b'\n' | b'\r' | b'#' | b'/' | b';' | b'}');
        let whole = self.top.start.at == head.at;
        match self.top.kind {
            Kind::Elements if statement && (closes || self.byte_at(next) == b')') => return End::Raw,
            Kind::Subject if whole && self.byte_at(next) == b')' => return End::Raw,
            Kind::Sub if statement && self.byte_at(next) == b')' => return End::Emit,
            Kind::Switch if statement && !self.top.key && (closes || self.byte_at(next) == b',') => return End::Emit,
            _ => {}
        }
        if self.top.header == Header::For && whole && self.byte_at(next) == b'{' {
            return End::Raw;
        }
        if statement && closes && self.top.kind.has_statements() && self.top.header == Header::None {
            return End::Emit;
        }
        if self.top.logic || self.slice(next, next + 2) == "||" {
            return End::Truth;
        }
        End::Collect
    }

    /// The verb after the bar at `at`, which may stand on a later line; none if what follows is no command.
    pub(super) fn pipe_target(&self, at: usize) -> Option<Target<'a>> {
        if self.byte_at(at + 1) == b'|' {
            return None;
        }
        let start = self.after_pasted_blanks(self.after_trivia(at + 1));
        let first = self.byte_at(start);
        let end = match first {
            b'%' | b'?' => start + 1,
            b'a'..=b'z' | b'A'..=b'Z' => self.verb_end(start),
            _ => return None,
        };
        let glued_block = matches!(first, b'%' | b'?') && self.byte_at(end) == b'{';
        if !glued_block && !self.ends_verb(end) && self.byte_at(end) != b'{' {
            return None;
        }
        let word = self.slice(start, end);
        let words = self.words;
        let verb = match words.verb(word) {
            Some(verb) => verb,
            None if self.names.find(word) == Some(word) => return None,
            None => words.alias(word)?,
        };
        Some(Target { start, end, verb })
    }

    /// The end of a word that may be a verb: letters and digits around single dashes.
    pub(super) fn verb_end(&self, start: usize) -> usize {
        let mut end = self.word_end(start);
        while self.byte_at(end) == b'-' && self.byte_at(end + 1).is_ascii_alphabetic() {
            end = self.word_end(end + 1);
        }
        end
    }

    fn after_pasted_blanks(&self, mut index: usize) -> usize {
        while let Some(character @ ('\u{a0}' | '\u{200e}' | ' ')) = self.char_at(index) {
            index += character.len_utf8();
        }
        index
    }

    /// The stage after the next bar, if this pipeline goes on.
    fn next_stage(&mut self) -> Option<Target<'a>> {
        let here = self.after_pasted_blanks(self.pos);
        let next = self.after_trivia(here);
        if self.byte_at(next) != b'|' || self.byte_at(next + 1) == b'|' {
            return None;
        }
        let later = self.slice(here, next).contains('\n');
        if later && self.pipe_target(next).is_none() {
            return None;
        }
        self.out.cut(self.pos, next);
        self.pos = next;
        let target = self.pipe_target(self.pos);
        if target.is_none() {
            self.no_target();
        }
        target
    }

    /// A bar after a command leads to nothing that is a command.
    fn no_target(&mut self) {
        let bar = self.pos;
        let start = self.after_trivia(bar + 1);
        if start >= self.src.len() {
            self.incomplete("a command is expected after `|`", bar, bar + 1);
            return;
        }
        let end = self.verb_end(start);
        let word = self.slice(start, end);
        let is_word = self.byte_at(start).is_ascii_alphabetic() && self.ends_verb(end);
        if is_word && self.names.find(word).is_none() {
            self.unknown_command(start, end);
        }
    }

    pub(super) fn unknown_command(&mut self, start: usize, end: usize) {
        let word = self.slice(start, end);
        self.fault(
            Fault::new(ErrorId::CommandNotFoundException, format!("`{word}` is no command"), start, end).about(word),
        );
        self.stop();
    }
}

impl<'a> Target<'a> {
    pub(super) fn parts(self) -> (usize, usize, &'a str) {
        (self.start, self.end, self.verb)
    }
}
