//! The parameters that a runbook declares in its first statement, read without running it.

use super::report::{Literal, Places};
use super::scan::Lowerer;
use crate::model::Position;

/// What `param(#{ … });` declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParamBlock {
    /// The parameters in the order of their declaration.
    pub parameters: Vec<ScriptParameter>,
}

/// One parameter of a runbook, given as `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptParameter {
    /// The name, a variable of the script.
    pub name: String,
    /// The type's name as declared; `String` when none is.
    pub kind: String,
    /// The value when none is given; without one the parameter is mandatory.
    pub default: Option<Literal>,
    /// A sentence for the operator.
    pub help: Option<String>,
    /// Where the name stands.
    pub position: Position,
}

/// A declaration before its place is known.
pub(super) struct Declared<'a> {
    name: &'a str,
    span: (u32, u32),
    kind: Option<String>,
    default: Option<Literal>,
    help: Option<String>,
}

impl Declared<'_> {
    pub(super) fn resolve(self, places: &mut Places<'_>) -> ScriptParameter {
        ScriptParameter {
            name: self.name.to_owned(),
            kind: self.kind.unwrap_or_else(|| "String".to_owned()),
            default: self.default,
            help: self.help,
            position: places.position(self.span),
        }
    }
}

/// What stands where something else is expected.
struct Unexpected {
    at: usize,
    message: &'static str,
}

type Read<T> = Result<T, Unexpected>;

const SHAPE: &str =
    "write `param(#{ name: #{ type: \"String\", default: \"x\", help: \"…\" } });` with constant values";

impl<'a> Lowerer<'a> {
    /// Reads the block if the text begins with one, and leaves it out of the lowered text.
    pub(super) fn script_parameters(&mut self) -> Option<Vec<Declared<'a>>> {
        let start = self.after_head();
        let word_end = self.word_end(start);
        if !self.slice(start, word_end).eq_ignore_ascii_case("param") {
            return None;
        }
        let open = self.after_trivia(word_end);
        let inner = self.after_trivia(open + 1);
        if self.byte_at(open) != b'(' {
            return None;
        }
        if matches!(self.byte_at(inner), b'[' | b'$') {
            self.refuse(start, word_end, "this is PowerShell's `param(…)`", SHAPE);
            self.stop();
            return None;
        }
        if self.slice(inner, inner + 2) != "#{" {
            return None;
        }
        while self.pos < start {
            self.token();
        }
        self.out.flush(start);
        self.pos = inner;
        match self.block() {
            Ok(declared) => {
                self.out.drop_to(start);
                self.out.cut(start, self.pos);
                for parameter in &declared {
                    self.names.declare(parameter.name);
                }
                Some(declared)
            }
            Err(Unexpected { at, message }) => {
                if at >= self.src.len() {
                    self.incomplete("the `param(…)` that opens here is never closed", start, word_end);
                } else {
                    let end = at + self.char_at(at).map_or(1, char::len_utf8);
                    self.refuse(at, self.word_end(at).max(end), message, SHAPE);
                    self.stop();
                }
                None
            }
        }
    }

    /// The first place after a byte-order mark, a `#!` line and comments.
    fn after_head(&self) -> usize {
        let start = if self.src.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.after_trivia(start)
    }

    fn block(&mut self) -> Read<Vec<Declared<'a>>> {
        let mut declared: Vec<Declared<'a>> = Vec::new();
        self.pos += 2;
        while !self.closes() {
            let at = self.next();
            let end = self.word_end(at);
            let name = self.slice(at, end);
            if end == at || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(Unexpected { at, message: "a parameter's name is expected here" });
            }
            if name.starts_with("__") || super::names::is_reserved(name) {
                return Err(Unexpected { at, message: "this name is reserved" });
            }
            if declared.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
                return Err(Unexpected { at, message: "this parameter is declared twice" });
            }
            self.pos = end;
            self.expect(":", "`:` is expected after the name")?;
            let span = (at as u32, end as u32);
            declared.push(self.fields(Declared { name, span, kind: None, default: None, help: None })?);
            self.comma_or_close()?;
        }
        self.pos += 1;
        self.expect(")", "`)` is expected here")?;
        let semicolon = self.after_blanks(self.pos);
        if self.byte_at(semicolon) == b';' {
            self.pos = semicolon + 1;
        }
        Ok(declared)
    }

    fn fields(&mut self, mut declared: Declared<'a>) -> Read<Declared<'a>> {
        self.expect("#{", "`#{ type: …, default: …, help: … }` is expected here")?;
        while !self.closes() {
            let at = self.next();
            let end = self.word_end(at);
            self.pos = end;
            let field = self.slice(at, end);
            self.expect(":", "`:` is expected after the name")?;
            let value_at = self.next();
            let value = self.constant(0)?;
            match (field, value) {
                ("type", Literal::Text(text)) => declared.kind = Some(text),
                ("help", Literal::Text(text)) => declared.help = Some(text),
                ("default", value) => declared.default = Some(value),
                ("type" | "help", _) => return Err(Unexpected { at: value_at, message: "a text is expected here" }),
                _ => {
                    return Err(Unexpected {
                        at,
                        message: "a parameter has `type`, `default` and `help`, nothing else",
                    });
                }
            }
            self.comma_or_close()?;
        }
        self.pos += 1;
        Ok(declared)
    }

    fn constant(&mut self, depth: u32) -> Read<Literal> {
        let at = self.next();
        self.pos = at;
        match self.byte(0) {
            b'"' => self.text_constant(),
            b'\'' => match self.constant_quoted(at) {
                Some((text, end)) => {
                    self.pos = end;
                    Ok(Literal::Text(text))
                }
                None => Err(Unexpected { at, message: "this text is never closed" }),
            },
            b'[' if depth < 8 => {
                self.pos += 1;
                let mut items = Vec::new();
                while self.byte_at(self.next()) != b']' {
                    items.push(self.constant(depth + 1)?);
                    let next = self.next();
                    match self.byte_at(next) {
                        b',' => self.pos = next + 1,
                        b']' => {}
                        _ => return Err(Unexpected { at: next, message: "`,` or `]` is expected here" }),
                    }
                }
                self.pos = self.next() + 1;
                Ok(Literal::List(items))
            }
            b'(' if self.byte(1) == b')' => {
                self.pos += 2;
                Ok(Literal::Null)
            }
            b'-' | b'0'..=b'9' => self.number_constant(),
            _ => {
                let end = self.word_end(at);
                self.pos = end;
                match self.slice(at, end) {
                    "true" => Ok(Literal::Bool(true)),
                    "false" => Ok(Literal::Bool(false)),
                    _ => Err(Unexpected {
                        at,
                        message: "a constant is expected here: it is read without running the script",
                    }),
                }
            }
        }
    }

    fn number_constant(&mut self) -> Read<Literal> {
        let at = self.pos;
        let mut end = self.word_end(at + usize::from(self.byte(0) == b'-'));
        if self.byte_at(end) == b'.' && self.byte_at(end + 1).is_ascii_digit() {
            end = self.word_end(end + 1);
        }
        self.pos = end;
        let digits: String = self.slice(at, end).chars().filter(|c| *c != '_').collect();
        if let Ok(int) = digits.parse() {
            return Ok(Literal::Int(int));
        }
        digits.parse().map(Literal::Float).map_err(|_| Unexpected { at, message: "this is no number" })
    }

    /// A string of Rhai's, with its escapes.
    fn text_constant(&mut self) -> Read<Literal> {
        let open = self.pos;
        let malformed =
            |at| Unexpected { at, message: "this text has an escape that does not exist, or is never closed" };
        let mut text = String::new();
        let mut at = open + 1;
        loop {
            let character = self.char_at(at).ok_or_else(|| malformed(open))?;
            at += character.len_utf8();
            match character {
                '"' if self.byte_at(at) == b'"' => {
                    text.push('"');
                    at += 1;
                }
                '"' => break,
                '\n' => return Err(malformed(open)),
                '\\' => {
                    let escape = self.byte_at(at);
                    let digits = match escape {
                        b'x' => 2,
                        b'u' => 4,
                        b'U' => 8,
                        _ => 0,
                    };
                    at += 1;
                    text.push(match escape {
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'\\' => '\\',
                        b'"' => '"',
                        _ if digits > 0 => {
                            let number = u32::from_str_radix(self.slice(at, at + digits), 16).ok();
                            at += digits;
                            number.and_then(char::from_u32).ok_or_else(|| malformed(open))?
                        }
                        _ => return Err(malformed(at - 1)),
                    });
                }
                other => text.push(other),
            }
        }
        self.pos = at;
        Ok(Literal::Text(text))
    }

    fn next(&self) -> usize {
        self.after_trivia(self.pos)
    }

    /// Whether the map is closed next; stands at its `}` then.
    fn closes(&mut self) -> bool {
        self.pos = self.next();
        self.byte(0) == b'}'
    }

    fn comma_or_close(&mut self) -> Read<()> {
        let at = self.next();
        match self.byte_at(at) {
            b',' => self.pos = at + 1,
            b'}' => {}
            _ => return Err(Unexpected { at, message: "`,` or `}` is expected here" }),
        }
        Ok(())
    }

    fn expect(&mut self, text: &str, message: &'static str) -> Read<()> {
        let at = self.next();
        if !self.src.get(at..).is_some_and(|rest| rest.starts_with(text)) {
            return Err(Unexpected { at, message });
        }
        self.pos = at + text.len();
        Ok(())
    }
}
