//! The state of the lexer: where it stands, what is open, what it found.

use super::{Kind, Place, Stage, Token, Upstream};
use crate::engine::lower::Words;

/// The quoted text that a bracket stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    Nothing,
    Backticks,
    DoubleQuotes,
}

/// What stood last in a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prev {
    Start,
    Operand,
    Dot,
}

/// One open bracket.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the text, and they do not depend on one another"
)]
pub(super) struct Frame {
    /// The byte that closes it; 0 for the text itself, `\n` for a closure's body.
    pub(super) close: u8,
    /// PowerShell's quoting holds.
    pub(super) ps: bool,
    /// PowerShell's quoting holds to the end of the line.
    pub(super) ps_line: bool,
    pub(super) prev: Prev,
    /// The command among whose arguments the scanner stands.
    pub(super) stage: Option<usize>,
    /// The last command, or the last token of the expression, for what a bar may follow.
    pub(super) last: Option<Upstream>,
    /// A bar was read, and no command yet.
    pub(super) after_bar: bool,
    /// The next `{` opens the block of `if`, `for`, `fn`.
    pub(super) header: bool,
    /// It opens the arms of a `switch`.
    pub(super) arms: bool,
    /// A comma and a blank end a command.
    pub(super) separates: bool,
    /// The quoted text that goes on when it is closed.
    pub(super) within: Within,
    /// It is a script block of a command, with what is piped into that.
    pub(super) piped: Option<Upstream>,
    pub(super) parameters: Vec<(usize, usize)>,
}

impl Frame {
    pub(super) fn new(close: u8, ps: bool) -> Self {
        Self {
            close,
            ps,
            ps_line: false,
            prev: Prev::Start,
            stage: None,
            last: None,
            after_bar: false,
            header: false,
            arms: false,
            separates: false,
            within: Within::Nothing,
            piped: None,
            parameters: Vec::new(),
        }
    }
}

/// A text on its way to its parts.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) words: &'a dyn Words,
    pub(super) pos: usize,
    pub(super) tokens: Vec<Token>,
    pub(super) stages: Vec<Stage>,
    pub(super) frames: Vec<Frame>,
    pub(super) place: Place,
    pub(super) declared: Vec<(usize, usize)>,
}

impl Lexer<'_> {
    pub(super) fn step(&mut self) {
        match self.top().stage {
            Some(stage) => self.argument(stage),
            None => self.expression(),
        }
    }

    pub(super) fn top(&self) -> &Frame {
        // The text's own frame is never taken away.
        &self.frames[self.frames.len() - 1]
    }

    pub(super) fn top_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    pub(super) fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The place of the scanner, as what stands next may be judged by it.
    pub(super) fn here(&self) -> Place {
        let top = self.top();
        match (top.stage, top.prev) {
            (Some(_), Prev::Dot) if self.last_is_dot() => Place::Dot,
            (Some(stage), _) => Place::Arguments(stage),
            (None, Prev::Dot) => Place::Dot,
            (None, _) if top.after_bar => Place::AfterBar(top.last.unwrap_or(Upstream::Nothing)),
            (None, Prev::Start) => Place::Start,
            (None, Prev::Operand) => Place::Operand,
        }
    }

    pub(super) fn last_is_dot(&self) -> bool {
        self.tokens.last().is_some_and(|t| t.kind == Kind::Operator && self.slice(t.start, t.end).ends_with('.'))
    }

    /// Whether the last token is one that typing goes on with.
    pub(super) fn ends_in_word(&self) -> bool {
        let Some(last) = self.tokens.last() else { return false };
        match last.kind {
            Kind::Text => last.open,
            Kind::Operator | Kind::Bracket | Kind::Comma | Kind::Comment => last.kind == Kind::Comment,
            Kind::Parameter => !self.slice(last.start, last.end).ends_with(':'),
            _ => true,
        }
    }

    pub(super) fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.put(kind, start, end, false);
    }

    pub(super) fn put(&mut self, kind: Kind, start: usize, end: usize, open: bool) {
        self.place = self.here();
        let stage = self.top().stage;
        self.tokens.push(Token { kind, start, end, stage, open });
        self.pos = end;
    }

    pub(super) fn operand(&mut self, kind: Kind, start: usize, end: usize) {
        self.push(kind, start, end);
        let index = self.tokens.len() - 1;
        let top = self.top_mut();
        top.prev = Prev::Operand;
        top.after_bar = false;
        top.last = Some(Upstream::Value(index));
    }

    pub(super) fn operator(&mut self, length: usize) {
        let start = self.pos;
        self.push(Kind::Operator, start, start + length);
        let top = self.top_mut();
        top.prev = Prev::Start;
        top.last = None;
    }

    pub(super) fn begin_statement(&mut self) {
        let top = self.top_mut();
        top.prev = Prev::Start;
        top.stage = None;
        top.last = None;
        top.after_bar = false;
        top.ps_line = false;
    }

    pub(super) fn open(&mut self, length: usize, mut frame: Frame) {
        let start = self.pos;
        self.push(Kind::Bracket, start, start + length);
        if self.top().header && frame.close == b'}' {
            let top = self.top_mut();
            top.header = false;
            frame.separates |= std::mem::take(&mut top.arms);
        }
        frame.ps |= self.top().ps || self.top().ps_line;
        self.frames.push(frame);
    }

    pub(super) fn close(&mut self, byte: u8) {
        let start = self.pos;
        // The body of a closure ends with the bracket around it.
        while self.top().close == b'\n' {
            self.frames.pop();
        }
        let within = self.top().within;
        let fits = self.frames.len() > 1 && self.top().close == byte;
        if fits {
            self.frames.pop();
        }
        let among_arguments = self.top().stage.is_some();
        self.push(Kind::Bracket, start, start + 1);
        let index = self.tokens.len() - 1;
        let top = self.top_mut();
        top.prev = Prev::Operand;
        top.after_bar = false;
        if !among_arguments {
            top.last = Some(Upstream::Value(index));
        }
        match within {
            Within::Backticks if fits => self.backtick_text(self.pos),
            Within::DoubleQuotes if fits => self.double_quoted_rest(self.pos, self.pos),
            _ => {}
        }
    }

    pub(super) fn begin_stage(&mut self, start: usize, end: usize, verb: String, upstream: Upstream) {
        self.push(Kind::Verb, start, end);
        let index = self.stages.len();
        self.stages.push(Stage { verb, upstream });
        let top = self.top_mut();
        top.stage = Some(index);
        top.last = Some(Upstream::Stage(index));
        top.after_bar = false;
        top.prev = Prev::Operand;
    }

    pub(super) fn pipe(&mut self, upstream: Upstream) {
        let at = self.pos;
        self.push(Kind::Operator, at, at + 1);
        let top = self.top_mut();
        top.stage = None;
        top.prev = Prev::Start;
        top.after_bar = true;
        top.last = Some(upstream);
    }

    /// A line end or `;` ends the body of a closure and the command around it.
    pub(super) fn leave_body(&mut self) {
        while self.top().close == b'\n' {
            self.frames.pop();
        }
    }
}
