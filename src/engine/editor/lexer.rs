//! The parts of a text that is still being typed, told apart whatever is wrong with it.
//!
//! The lowering decides what a text means; this follows its rules as far as colours and completion need them, goes on
//! after every fault, and knows at the end where the cursor stands.

use super::super::lower::Words;

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

/// The quoted text that a bracket stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Nothing,
    Backticks,
    DoubleQuotes,
}

/// What stood last in a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prev {
    Start,
    Operand,
    Dot,
}

/// One open bracket.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the text, and they do not depend on one another"
)]
struct Frame {
    /// The byte that closes it; 0 for the text itself, `\n` for a closure's body.
    close: u8,
    /// PowerShell's quoting holds.
    ps: bool,
    /// PowerShell's quoting holds to the end of the line.
    ps_line: bool,
    prev: Prev,
    /// The command among whose arguments the scanner stands.
    stage: Option<usize>,
    /// The last command, or the last token of the expression, for what a bar may follow.
    last: Option<Upstream>,
    /// A bar was read, and no command yet.
    after_bar: bool,
    /// The next `{` opens the block of `if`, `for`, `fn`.
    header: bool,
    /// It opens the arms of a `switch`.
    arms: bool,
    /// A comma and a blank end a command.
    separates: bool,
    /// The quoted text that goes on when it is closed.
    within: Within,
    /// It is a script block of a command, with what is piped into that.
    piped: Option<Upstream>,
    parameters: Vec<(usize, usize)>,
}

impl Frame {
    fn new(close: u8, ps: bool) -> Self {
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

const KEYWORDS: &[&str] = &[
    "let", "const", "if", "else", "elseif", "while", "until", "loop", "do", "for", "foreach", "in", "switch", "fn",
    "return", "throw", "try", "catch", "import", "export", "as", "break", "continue", "private", "true", "false",
];

struct Lexer<'a> {
    text: &'a str,
    words: &'a dyn Words,
    pos: usize,
    tokens: Vec<Token>,
    stages: Vec<Stage>,
    frames: Vec<Frame>,
    place: Place,
    declared: Vec<(usize, usize)>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        match self.top().stage {
            Some(stage) => self.argument(stage),
            None => self.expression(),
        }
    }

    fn top(&self) -> &Frame {
        // The text's own frame is never taken away.
        &self.frames[self.frames.len() - 1]
    }

    fn top_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The place of the scanner, as what stands next may be judged by it.
    fn here(&self) -> Place {
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

    fn last_is_dot(&self) -> bool {
        self.tokens.last().is_some_and(|t| t.kind == Kind::Operator && self.slice(t.start, t.end).ends_with('.'))
    }

    /// Whether the last token is one that typing goes on with.
    fn ends_in_word(&self) -> bool {
        let Some(last) = self.tokens.last() else { return false };
        match last.kind {
            Kind::Text => last.open,
            Kind::Operator | Kind::Bracket | Kind::Comma | Kind::Comment => last.kind == Kind::Comment,
            Kind::Parameter => !self.slice(last.start, last.end).ends_with(':'),
            _ => true,
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.put(kind, start, end, false);
    }

    fn put(&mut self, kind: Kind, start: usize, end: usize, open: bool) {
        self.place = self.here();
        let stage = self.top().stage;
        self.tokens.push(Token { kind, start, end, stage, open });
        self.pos = end;
    }

    fn operand(&mut self, kind: Kind, start: usize, end: usize) {
        self.push(kind, start, end);
        let index = self.tokens.len() - 1;
        let top = self.top_mut();
        top.prev = Prev::Operand;
        top.after_bar = false;
        top.last = Some(Upstream::Value(index));
    }

    fn operator(&mut self, length: usize) {
        let start = self.pos;
        self.push(Kind::Operator, start, start + length);
        let top = self.top_mut();
        top.prev = Prev::Start;
        top.last = None;
    }

    fn begin_statement(&mut self) {
        let top = self.top_mut();
        top.prev = Prev::Start;
        top.stage = None;
        top.last = None;
        top.after_bar = false;
        top.ps_line = false;
    }

    fn open(&mut self, length: usize, mut frame: Frame) {
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

    fn close(&mut self, byte: u8) {
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

    fn word_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut end = start;
        while bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            end += 1;
        }
        end
    }

    /// The end of a word that may be a verb: names around single dashes; a dash at the end of the text belongs to it.
    fn verb_end(&self, start: usize) -> usize {
        let mut end = self.word_end(start);
        while self.byte(end) == b'-' && (self.byte(end + 1).is_ascii_alphabetic() || end + 1 == self.text.len()) {
            end = self.word_end(end + 1);
        }
        end
    }

    fn after_blanks(&self, mut at: usize) -> usize {
        while let Some(blank) = self.char_at(at).filter(|c| is_blank(*c)) {
            at += blank.len_utf8();
        }
        at
    }

    /// The next place that is neither blank, line end nor comment.
    fn after_trivia(&self, mut at: usize) -> usize {
        loop {
            at = self.after_blanks(at);
            if matches!(self.byte(at), b'\n' | b'\r') {
                at += 1;
                continue;
            }
            match self.comment_end(at) {
                Some(end) if end > at => at = end,
                _ => return at,
            }
        }
    }

    fn comment_end(&self, at: usize) -> Option<usize> {
        let line_end = || self.text.get(at..).and_then(|t| t.find(['\n', '\r'])).map_or(self.text.len(), |n| at + n);
        let until = |closing: &str| {
            self.text
                .get(at + 2..)
                .and_then(|t| t.find(closing))
                .map_or(self.text.len(), |n| at + 2 + n + closing.len())
        };
        match (self.byte(at), self.byte(at + 1)) {
            (b'/', b'/') => Some(line_end()),
            (b'/', b'*') => Some(until("*/")),
            (b'<', b'#') if !matches!(self.byte(at + 2), b'"' | b'{') => Some(until("#>")),
            (b'#', next) if next != b'{' && !self.opens_raw_text(at) => Some(line_end()),
            _ => None,
        }
    }

    fn opens_raw_text(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.trim_start_matches('#').starts_with('"')
    }

    fn comment(&mut self) -> bool {
        let start = self.pos;
        let Some(end) = self.comment_end(start).filter(|end| *end > start) else { return false };
        self.push(Kind::Comment, start, end);
        true
    }

    /// Whether a verb may end at `at`.
    fn ends_verb(&self, at: usize) -> bool {
        match self.char_at(at) {
            None => true,
            Some(c) => is_blank(c) || matches!(c, '\r' | '\n' | ';' | ')' | ']' | '}' | ',' | '|' | '`'),
        }
    }

    fn ends_argument(&self, at: usize) -> bool {
        match self.char_at(at) {
            None => true,
            Some('`') => matches!(self.byte(at + 1), b'\n' | b'\r'),
            Some(c) => is_blank(c) || matches!(c, '\r' | '\n' | ';' | ')' | ']' | '}' | ',' | '|' | '(' | '{'),
        }
    }

    fn dash(&self, at: usize) -> Option<usize> {
        match self.char_at(at) {
            Some(c @ ('-' | '\u{2013}'..='\u{2015}')) => Some(c.len_utf8()),
            _ => None,
        }
    }

    fn begin_stage(&mut self, start: usize, end: usize, verb: String, upstream: Upstream) {
        self.push(Kind::Verb, start, end);
        let index = self.stages.len();
        self.stages.push(Stage { verb, upstream });
        let top = self.top_mut();
        top.stage = Some(index);
        top.last = Some(Upstream::Stage(index));
        top.after_bar = false;
        top.prev = Prev::Operand;
    }

    // ---- among the arguments of a command

    fn argument(&mut self, stage: usize) {
        let at = self.pos;
        let Some(character) = self.char_at(at) else { return };
        match character {
            c if is_blank(c) => self.pos += c.len_utf8(),
            '\r' => self.pos += 1,
            '`' if matches!(self.byte(at + 1), b'\n' | b'\r' | 0) => {
                self.pos = at + 1;
                if self.byte(self.pos) == b'\r' {
                    self.pos += 1;
                }
                if self.byte(self.pos) == b'\n' {
                    self.pos += 1;
                }
            }
            '\n' => {
                let goes_on = self.tokens.last().is_some_and(|t| t.kind == Kind::Comma)
                    || (self.byte(self.after_trivia(at)) == b'|');
                self.pos += 1;
                if !goes_on {
                    self.leave_body();
                    self.begin_statement();
                }
            }
            ';' => {
                self.leave_body();
                self.begin_statement();
                self.pos += 1;
            }
            ')' | ']' | '}' => {
                self.top_mut().stage = None;
                self.close(character as u8);
            }
            '#' | '/' | '<' if self.comment() => {}
            '|' => self.bar_after(stage),
            ',' => {
                let ends = self.top().separates && self.byte(at + 1) != 0 && self.char_at(at + 1).is_some_and(is_blank);
                self.push(Kind::Comma, at, at + 1);
                if ends {
                    self.begin_statement();
                }
            }
            '(' => self.open(1, Frame::new(b')', false)),
            '{' if self.top().header => {
                self.top_mut().stage = None;
                self.expression();
            }
            '{' => {
                let mut frame = Frame::new(b'}', true);
                frame.piped = Some(self.stages.get(stage).map_or(Upstream::Nothing, |s| s.upstream));
                self.open(1, frame);
            }
            '@' if matches!(self.byte(at + 1), b'(' | b'{') => self.open_at_sign(),
            '#' if self.byte(at + 1) == b'{' => self.open(2, Frame::new(b'}', false)),
            '$' => self.dollar(),
            '"' | '\u{201c}'..='\u{201e}' => self.double_quoted(at),
            '\'' | '\u{2018}'..='\u{201b}' => self.single_quoted(at),
            '.' if self.top().prev == Prev::Operand && self.glued_to_operand(at) => self.dot(),
            _ => self.word_of_arguments(at),
        }
    }

    /// Whether a dot at `at` asks for a property of what ends there: `$x.`, `(…).`.
    fn glued_to_operand(&self, at: usize) -> bool {
        self.tokens.last().is_some_and(|t| {
            t.end == at
                && (matches!(t.kind, Kind::Variable | Kind::Property)
                    || (t.kind == Kind::Bracket && matches!(self.byte(t.start), b')' | b']')))
        })
    }

    fn word_of_arguments(&mut self, at: usize) {
        if self.top().prev == Prev::Dot && self.tokens.last().is_some_and(|t| t.end == at) {
            let end = self.word_end(at);
            if end > at {
                self.push(Kind::Property, at, end);
                self.top_mut().prev = Prev::Operand;
                return;
            }
        }
        if let Some(length) = self.dash(at) {
            let name = at + length;
            let first = self.char_at(name);
            if first.is_none_or(|c| c.is_ascii_alphabetic() || c == '_' || c == '?') {
                let mut end = self.word_end(name);
                if self.byte(end) == b':' {
                    end += 1;
                } else {
                    while !self.ends_argument(end) {
                        end += self.char_at(end).map_or(1, char::len_utf8);
                    }
                }
                self.push(Kind::Parameter, at, end);
                return;
            }
        }
        let mut end = at + self.char_at(at).map_or(1, char::len_utf8);
        while !self.ends_argument(end) {
            end += self.char_at(end).map_or(1, char::len_utf8);
        }
        let word = self.slice(at, end);
        let kind = if word.parse::<f64>().is_ok() && word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            Kind::Number
        } else {
            Kind::Bareword
        };
        self.push(kind, at, end);
        self.top_mut().prev = Prev::Operand;
    }

    /// A bar after a command: "or", a closure, or the way to the next command.
    fn bar_after(&mut self, stage: usize) {
        let at = self.pos;
        if self.byte(at + 1) == b'|' {
            self.top_mut().stage = None;
            self.operator(2);
            return;
        }
        if let Some(names) = self.closure(stage, at) {
            let end = names.last().map_or(at + 1, |last| last.1);
            let close = self.after_blanks(end);
            self.push(Kind::Operator, at, at + 1);
            for (start, end) in &names {
                self.push(Kind::Name, *start, *end);
            }
            self.push(Kind::Operator, close, close + 1);
            self.declared.extend(names.iter().copied());
            let mut frame = Frame::new(b'\n', self.top().ps);
            frame.piped = Some(self.stages.get(stage).map_or(Upstream::Nothing, |s| s.upstream));
            frame.parameters = names;
            self.frames.push(frame);
            return;
        }
        self.pipe(Upstream::Stage(stage));
    }

    /// The names between two bars, if a command's closure begins at `at`.
    fn closure(&self, stage: usize, at: usize) -> Option<Vec<(usize, usize)>> {
        let verb = &self.stages.get(stage)?.verb;
        if !self.words.takes_block(verb) {
            return None;
        }
        let mut names = Vec::new();
        let mut next = at + 1;
        loop {
            next = self.after_blanks(next);
            let end = self.word_end(next);
            if end == next || self.words.alias(self.slice(next, end)).is_some() {
                return None;
            }
            names.push((next, end));
            next = self.after_blanks(end);
            match self.byte(next) {
                b',' => next += 1,
                b'|' if self.byte(next + 1) != b'|' => return Some(names),
                _ => return None,
            }
        }
    }

    fn pipe(&mut self, upstream: Upstream) {
        let at = self.pos;
        self.push(Kind::Operator, at, at + 1);
        let top = self.top_mut();
        top.stage = None;
        top.prev = Prev::Start;
        top.after_bar = true;
        top.last = Some(upstream);
    }

    /// A line end or `;` ends the body of a closure and the command around it.
    fn leave_body(&mut self) {
        while self.top().close == b'\n' {
            self.frames.pop();
        }
    }

    // ---- everywhere else

    fn expression(&mut self) {
        let at = self.pos;
        let Some(character) = self.char_at(at) else { return };
        match character {
            c if is_blank(c) => self.pos += c.len_utf8(),
            '\r' => self.pos += 1,
            '\n' => self.line_end(),
            '#' | '/' | '<' if self.comment() => {}
            c if c.is_ascii_alphabetic() || c == '_' => self.word(at),
            '%' | '?' if self.top().after_bar => self.aliased_symbol(at),
            c if c.is_ascii_digit() => self.number(at),
            '"' => {
                let ps = self.ps() || (self.top().prev == Prev::Start && self.top().last.is_none());
                if ps { self.double_quoted(at) } else { self.rhai_text(at) }
            }
            '\u{201c}'..='\u{201e}' => self.double_quoted(at),
            '\'' | '\u{2018}'..='\u{201b}' => self.single_quoted(at),
            '`' if self.ps() => self.pos += 1,
            '`' => {
                self.put(Kind::Text, at, at + 1, true);
                self.backtick_text(at + 1);
            }
            '$' => self.dollar(),
            '@' if matches!(self.byte(at + 1), b'(' | b'{') => self.open_at_sign(),
            '#' if self.byte(at + 1) == b'{' => {
                let mut frame = Frame::new(b'}', false);
                frame.separates = true;
                self.open(2, frame);
            }
            '#' => self.raw_text(at),
            '(' | '[' => {
                let mut frame = Frame::new(if character == '(' { b')' } else { b']' }, false);
                // A call, an index and an array part their elements with commas.
                frame.separates = character == '[' || self.top().prev == Prev::Operand;
                self.open(1, frame);
            }
            '{' => {
                let mut frame = Frame::new(b'}', false);
                let top = self.top();
                if top.after_bar || top.ps {
                    frame.ps = true;
                }
                self.open(1, frame);
            }
            ')' | ']' | '}' => self.close(character as u8),
            ';' => {
                self.leave_body();
                self.begin_statement();
                self.pos += 1;
            }
            ',' => {
                if self.top().close == b'\n' {
                    self.leave_body();
                    self.step();
                    return;
                }
                self.push(Kind::Comma, at, at + 1);
                let top = self.top_mut();
                top.prev = Prev::Start;
                top.last = None;
            }
            '|' => self.bar(at),
            '.' => self.dot(),
            ':' if self.byte(at + 1) == b':' => {
                self.operator(2);
                self.top_mut().prev = Prev::Dot;
            }
            '-' | '\u{2013}'..='\u{2015}' => self.dash_operator(at, character.len_utf8()),
            '=' if self.byte(at + 1) != b'=' && self.byte(at + 1) != b'>' => {
                let ps = self.tokens.last().is_some_and(|t| t.kind == Kind::Variable);
                if let Some(last) = self.tokens.last().filter(|_| ps).copied() {
                    self.declared.push((last.start + 1, last.end));
                }
                self.operator(1);
                self.top_mut().ps_line |= ps;
            }
            _ => self.operator(character.len_utf8()),
        }
    }

    fn ps(&self) -> bool {
        self.top().ps || self.top().ps_line
    }

    fn line_end(&mut self) {
        let next = self.after_trivia(self.pos);
        self.pos += 1;
        if self.top().after_bar {
            return;
        }
        // A line that begins with a bar or a dot goes on with the one before it.
        if matches!(self.byte(next), b'|' | b'.') && self.top().prev == Prev::Operand {
            return;
        }
        if self.top().close == b'\n' {
            self.leave_body();
        }
        if self.top().prev == Prev::Operand || self.top().stage.is_some() {
            self.begin_statement();
        }
    }

    fn word(&mut self, at: usize) {
        if self.top().prev == Prev::Dot {
            let end = self.word_end(at);
            self.operand(Kind::Property, at, end);
            return;
        }
        let end = self.verb_end(at);
        let word = self.slice(at, end).to_owned();
        let last = self.tokens.last().copied();
        let declares =
            last.is_some_and(|t| t.kind == Kind::Keyword && matches!(self.slice(t.start, t.end), "let" | "const"));
        if self.top().prev == Prev::Start && !declares {
            let upstream = match (self.top().after_bar, self.top().last) {
                (true, Some(upstream)) => upstream,
                _ => Upstream::Nothing,
            };
            let found = match self.words.verb(&word) {
                Some(verb) => Some(verb.to_owned()),
                None if self.top().after_bar => self.words.alias(&word).map(str::to_owned),
                None => None,
            };
            if let Some(verb) = found
                && (self.ends_verb(end) || self.byte(end) == b'{')
            {
                self.begin_stage(at, end, verb, upstream);
                return;
            }
            if word.contains('-') || self.top().after_bar {
                let after_bar = self.top().after_bar;
                let kind = if word.contains('-') { Kind::Unregistered } else { Kind::Name };
                let upstream = self.top().last;
                self.operand(kind, at, end);
                if after_bar {
                    // What may still become a command keeps what is piped into it.
                    self.top_mut().last = upstream;
                }
                return;
            }
        }
        let end = self.word_end(at);
        let word = self.slice(at, end).to_owned();
        if KEYWORDS.contains(&word.as_str()) {
            self.keyword(&word, at, end);
            return;
        }
        if declares {
            self.declared.push((at, end));
        }
        self.operand(Kind::Name, at, end);
    }

    fn keyword(&mut self, word: &str, at: usize, end: usize) {
        self.push(Kind::Keyword, at, end);
        let top = self.top_mut();
        top.last = None;
        top.after_bar = false;
        top.prev = Prev::Start;
        match word {
            "true" | "false" | "break" | "continue" => top.prev = Prev::Operand,
            "if" | "elseif" | "while" | "until" | "catch" => top.header = true,
            "switch" => {
                top.header = true;
                top.arms = true;
            }
            "for" | "foreach" | "fn" => {
                top.header = true;
                self.header_names(word == "fn", end);
            }
            _ => {}
        }
    }

    /// Remembers the names that `for x in`, `foreach ($x in` and `fn f(a, b)` declare.
    fn header_names(&mut self, function: bool, end: usize) {
        let line = self.text.get(end..).and_then(|t| t.find(['{', '\n'])).map_or(self.text.len(), |n| end + n);
        let mut at = end;
        while at < line {
            let Some(c) = self.char_at(at) else { return };
            if !(c.is_ascii_alphabetic() || c == '_') {
                at += c.len_utf8();
                continue;
            }
            let stop = self.word_end(at);
            if self.slice(at, stop) == "in" && !function {
                return;
            }
            self.declared.push((at, stop));
            at = stop;
        }
    }

    fn aliased_symbol(&mut self, at: usize) {
        let upstream = self.top().last.unwrap_or(Upstream::Nothing);
        match self.words.alias(self.slice(at, at + 1)).map(str::to_owned) {
            Some(verb) => self.begin_stage(at, at + 1, verb, upstream),
            None => self.operator(1),
        }
    }

    fn number(&mut self, at: usize) {
        let mut end = self.word_end(at);
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = self.word_end(end + 1);
        }
        self.operand(Kind::Number, at, end);
    }

    fn bar(&mut self, at: usize) {
        if self.byte(at + 1) == b'|' {
            self.operator(2);
            return;
        }
        if self.top().prev == Prev::Operand {
            let next = self.after_trivia(at + 1);
            let end = self.verb_end(next);
            let word = self.slice(next, end);
            let command = self.words.verb(word).is_some()
                || self.words.alias(word).is_some()
                || matches!(self.byte(next), b'%' | b'?')
                || end == self.text.len();
            if !command {
                self.operator(1);
                return;
            }
            let upstream = self.top().last.unwrap_or(Upstream::Nothing);
            self.leave_closure_for_pipe();
            let upstream = match self.top().stage {
                Some(stage) => Upstream::Stage(stage),
                None => upstream,
            };
            self.pipe(upstream);
            return;
        }
        // The parameters of a closure.
        self.operator(1);
        let mut names = Vec::new();
        let mut next = self.after_blanks(self.pos);
        while self.word_end(next) > next {
            let end = self.word_end(next);
            self.push(Kind::Name, next, end);
            names.push((next, end));
            next = self.after_blanks(end);
            if self.byte(next) != b',' {
                break;
            }
            next = self.after_blanks(next + 1);
        }
        if self.byte(next) == b'|' {
            self.push(Kind::Operator, next, next + 1);
        }
        self.declared.extend(names);
        self.top_mut().prev = Prev::Start;
    }

    /// A bar and a command after a closure's body pipe the command that the closure belongs to.
    fn leave_closure_for_pipe(&mut self) {
        if self.top().close == b'\n' {
            self.frames.pop();
        }
    }

    fn dot(&mut self) {
        if self.byte(self.pos + 1) == b'.' {
            self.operator(2);
            return;
        }
        let operand = self.top().prev == Prev::Operand;
        let last = self.top().last;
        let start = self.pos;
        self.push(Kind::Operator, start, start + 1);
        let top = self.top_mut();
        top.prev = if operand { Prev::Dot } else { Prev::Start };
        top.last = last;
    }

    fn dash_operator(&mut self, at: usize, length: usize) {
        let end = self.word_end(at + length);
        let named = end > at + length && (self.ps() || self.top().prev == Prev::Operand);
        let operator = named && is_operator(self.slice(at + length, end));
        self.operator(if operator { end - at } else { length });
    }

    fn open_at_sign(&mut self) {
        let close = if self.byte(self.pos + 1) == b'(' { b')' } else { b'}' };
        self.open(2, Frame::new(close, true));
    }

    fn dollar(&mut self) {
        let at = self.pos;
        match self.byte(at + 1) {
            b'(' => self.open(2, Frame::new(b')', true)),
            b'{' => self.open(2, Frame::new(b'}', false)),
            _ => {
                let end = self.word_end(at + 1);
                if self.top().stage.is_some() {
                    self.push(Kind::Variable, at, end);
                    self.top_mut().prev = Prev::Operand;
                } else {
                    self.operand(Kind::Variable, at, end);
                }
            }
        }
    }

    // ---- quoted text

    fn end_text(&mut self) {
        let index = self.tokens.len().saturating_sub(1);
        let among_arguments = self.top().stage.is_some();
        let top = self.top_mut();
        top.prev = Prev::Operand;
        top.after_bar = false;
        if !among_arguments {
            top.last = Some(Upstream::Value(index));
        }
    }

    /// PowerShell's `"…"`: backtick escapes, doubled quotes, `$x` inside.
    fn double_quoted(&mut self, at: usize) {
        self.double_quoted_rest(at, at + self.char_at(at).map_or(1, char::len_utf8));
    }

    /// The rest of such a text from `next` on, to its end or to the next `$(`; what is not yet a part begins at `start`.
    fn double_quoted_rest(&mut self, mut start: usize, mut next: usize) {
        let place = self.here();
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            match c {
                '`' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '"' | '\u{201c}'..='\u{201e}' => {
                    next += c.len_utf8();
                    if self.byte(next) == b'"' {
                        next += 1;
                        continue;
                    }
                    open = false;
                    break;
                }
                '$' if self.byte(next + 1) == b'(' => {
                    if next > start {
                        self.put(Kind::Text, start, next, true);
                    }
                    self.pos = next;
                    let mut frame = Frame::new(b')', true);
                    frame.within = Within::DoubleQuotes;
                    self.open(2, frame);
                    return;
                }
                '$' if self.byte(next + 1) == b'_' || self.byte(next + 1).is_ascii_alphabetic() => {
                    let end = self.word_end(next + 1);
                    if next > start {
                        self.push(Kind::Text, start, next);
                    }
                    self.push(Kind::Variable, next, end);
                    start = end;
                    next = end;
                }
                _ => next += c.len_utf8(),
            }
        }
        if next > start {
            self.put(Kind::Text, start, next, open);
        }
        self.place = place;
        self.end_text();
    }

    /// `'…'` with doubled quotes, or Rhai's `'\''`.
    fn single_quoted(&mut self, at: usize) {
        let place = self.here();
        let rhai = !self.ps() && self.top().stage.is_none();
        let mut next = at + self.char_at(at).map_or(1, char::len_utf8);
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            next += c.len_utf8();
            match c {
                '\\' if rhai => next += self.char_at(next).map_or(0, char::len_utf8),
                '\'' | '\u{2018}'..='\u{201b}' if self.byte(next) == b'\'' => next += 1,
                '\'' | '\u{2018}'..='\u{201b}' => {
                    open = false;
                    break;
                }
                _ => {}
            }
        }
        self.put(Kind::Text, at, next, open);
        self.place = place;
        self.end_text();
    }

    /// Rhai's `"…"`, which ends with its line.
    fn rhai_text(&mut self, at: usize) {
        let place = self.here();
        let mut next = at + 1;
        let mut open = true;
        while let Some(c) = self.char_at(next) {
            match c {
                '\\' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '\n' => break,
                '"' => {
                    next += 1;
                    open = false;
                    break;
                }
                _ => next += c.len_utf8(),
            }
        }
        let next = next.min(self.text.len());
        self.put(Kind::Text, at, next, open);
        self.place = place;
        self.end_text();
    }

    fn raw_text(&mut self, at: usize) {
        let rest = self.text.get(at..).unwrap_or_default();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let closing = format!("\"{}", "#".repeat(hashes));
        let body = at + hashes + 1;
        let end = self.text.get(body..).and_then(|t| t.find(&closing)).map(|n| body + n + closing.len());
        let place = self.here();
        self.put(Kind::Text, at, end.unwrap_or(self.text.len()), end.is_none());
        self.place = place;
        self.end_text();
    }

    /// A string between backticks from `from` on, to its end or to the next `${`.
    fn backtick_text(&mut self, from: usize) {
        let place = self.here();
        let mut next = from;
        while let Some(c) = self.char_at(next) {
            match c {
                '\\' => next += 1 + self.char_at(next + 1).map_or(0, char::len_utf8),
                '`' => {
                    self.put(Kind::Text, from, next + 1, false);
                    self.place = place;
                    self.end_text();
                    return;
                }
                '$' if self.byte(next + 1) == b'{' => {
                    if next > from {
                        self.put(Kind::Text, from, next, true);
                    }
                    self.pos = next;
                    let mut frame = Frame::new(b'}', false);
                    frame.within = Within::Backticks;
                    self.open(2, frame);
                    return;
                }
                _ => next += c.len_utf8(),
            }
        }
        let next = next.min(self.text.len());
        self.put(Kind::Text, from, next, true);
        self.place = place;
        self.end_text();
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Whether a word after a dash is one of PowerShell's operators.
fn is_operator(word: &str) -> bool {
    const OPERATORS: &[&str] = &[
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "like",
        "notlike",
        "match",
        "notmatch",
        "contains",
        "notcontains",
        "in",
        "notin",
        "replace",
        "split",
        "join",
        "and",
        "or",
        "not",
    ];
    let word = word.to_ascii_lowercase();
    OPERATORS.iter().any(|o| *o == word || word.strip_prefix('c').is_some_and(|rest| rest == *o))
}
