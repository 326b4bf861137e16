//! The parts of a text that is still being typed, told apart whatever is wrong with it.
//!
//! The lowering decides what a text means; this follows its rules as far as colours and completion need them, goes on
//! after every fault, and knows at the end where the cursor stands.
//!
//! # Why there are two scanners
//!
//! They read the same text for different ends. The lowering copies, cuts and inserts as it goes, looks ahead to know how
//! an expression will end, and stops at the first thing that is open, since nothing after it can be run. The editor
//! sees little else than texts that are open: it never looks back, gives every part a kind, and keeps its brackets
//! open at the end, where they are the answer. One scanner for both would carry each one's state through every rule of
//! the other. What a word, a comment and an operator are both take from [`text`](crate::engine::lower::text), and a
//! test holds the commands and parameters that they find together.

mod argument;
mod expression;
mod quoted;
mod scan;
mod text;

use self::scan::{Frame, Lexer};
pub(super) use self::text::DASHES;
use crate::engine::lower::Words;

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A registered verb, or an alias after a bar.
    Verb,
    /// A word of the shape `Verb-Noun` that is not registered: a slip, a verb half typed, or a subtraction.
    Unregistered,
    /// `-Name`, or a dash alone.
    Parameter,
    /// Quoted text, with its quotes.
    Text,
    /// A number.
    Number,
    /// `$name`.
    Variable,
    /// A comment.
    Comment,
    /// A word of the script language.
    Keyword,
    /// An operator, the bar of a pipeline, a dot.
    Operator,
    /// An opening or closing bracket.
    Bracket,
    /// Any other name.
    Name,
    /// A name after a dot.
    Property,
    /// A value without quotes.
    Bareword,
    /// A comma.
    Comma,
}

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The command among whose arguments it stands.
    pub(super) stage: Option<usize>,
    /// A quoted text that is not closed.
    pub(super) open: bool,
}

/// One command of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// The verb in canonical spelling.
    pub(super) verb: String,
    /// What is piped into it.
    pub(super) upstream: Upstream,
}

/// What stands before a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// Nothing: the command begins its pipeline.
    Nothing,
    /// Another command.
    Stage(usize),
    /// An expression, whose last token this is.
    Value(usize),
}

/// Where the end of the text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the arguments of a command.
    Arguments(usize),
    /// Where an expression, and so a command, may begin.
    Start,
    /// After a bar, where a command must stand.
    AfterBar(Upstream),
    /// After an operand.
    Operand,
    /// After a dot.
    Dot,
}

/// A text and its parts.
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) stages: Vec<Stage>,
    /// Where the last token stood before it was read: what it may become.
    pub(super) place: Place,
    /// What is piped into the innermost script block at the end of the text.
    pub(super) piped: Upstream,
    /// The names of the innermost closure's parameters at the end.
    pub(super) parameters: Vec<(usize, usize)>,
    /// The names that the text declares, in its order.
    pub(super) declared: Vec<(usize, usize)>,
    /// A bracket or a quoted text is open at the end.
    pub(super) is_open: bool,
}

/// Reads a text; `words` are the verbs that there are.
pub(super) fn lex(text: &str, words: &dyn Words) -> Lexed {
    let mut lexer = Lexer {
        text,
        words,
        pos: 0,
        tokens: Vec::new(),
        stages: Vec::new(),
        frames: vec![Frame::new(0, false)],
        place: Place::Start,
        declared: Vec::new(),
    };
    while lexer.pos < text.len() {
        let before = lexer.pos;
        lexer.step();
        if lexer.pos == before {
            lexer.pos += lexer.char_at(before).map_or(1, char::len_utf8);
        }
    }
    if lexer.tokens.last().is_none_or(|last| last.end < text.len()) || !lexer.ends_in_word() {
        lexer.place = lexer.here();
    }
    let block = lexer.frames.iter().rev().find(|frame| frame.piped.is_some());
    let piped = block.and_then(|frame| frame.piped).unwrap_or(Upstream::Nothing);
    let parameters = block.map(|frame| frame.parameters.clone()).unwrap_or_default();
    let is_open = lexer.frames.iter().any(|frame| !matches!(frame.close, 0 | b'\n'))
        || lexer.tokens.last().is_some_and(|last| last.open);
    Lexed {
        is_open,
        tokens: lexer.tokens,
        stages: lexer.stages,
        place: lexer.place,
        piped,
        parameters,
        declared: lexer.declared,
    }
}
