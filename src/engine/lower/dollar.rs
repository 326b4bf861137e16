//! PowerShell's variables and brackets: `$x`, `$_`, `$( … )`, `@( … )`, `@{ … }`.

use super::frame::{Frame, Kind, NONE};
use super::names::is_reserved;
use super::scan::Lowerer;

/// A variable that is no plain name.
pub(super) enum Special {
    /// `$true`, `$false`, `$null`: a constant of Rhai.
    Constant(&'static str),
    /// `$_`, `$PSItem`.
    It,
    /// A name.
    No,
}

pub(super) fn special(name: &str) -> Special {
    if name == "_" || name.eq_ignore_ascii_case("psitem") {
        Special::It
    } else if name.eq_ignore_ascii_case("true") {
        Special::Constant("true")
    } else if name.eq_ignore_ascii_case("false") {
        Special::Constant("false")
    } else if name.eq_ignore_ascii_case("null") {
        Special::Constant("()")
    } else {
        Special::No
    }
}

impl Lowerer<'_> {
    /// `$` outside of command arguments and texts.
    pub(super) fn dollar(&mut self) {
        let at = self.pos;
        self.top.dollar = true;
        self.top.dollar_first |= self.top.start.at as usize == at;
        match self.byte(1) {
            b'(' => {
                self.open_instead(at, at + 2, "{", Frame::new(Kind::Sub, true, at, b')'));
            }
            b'{' => {
                let end = self.word_end(at + 2);
                if end > at + 2 && self.byte_at(end) == b'}' {
                    self.out.cut(at, at + 2);
                    self.put_name(at + 2, end);
                    self.out.cut(end, end + 1);
                    self.operand(end + 1);
                } else {
                    let ps = self.top.ps;
                    self.open_instead(at, at + 2, "(", Frame::new(Kind::Braced, ps, at, b'}'));
                }
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.dollar_name(at),
            b'?' => {
                self.out.cut(at, at + 2);
                self.out.put("__ok()");
                self.operand(at + 2);
            }
            _ => {
                let end = at + 1 + self.char_at(at + 1).map_or(0, char::len_utf8);
                let name = self.slice(at, end);
                self.refuse(
                    at,
                    end,
                    format!("`{}` is no variable", name.trim_end()),
                    "a variable is `$` and a name; an error is caught with `try { … } catch { $_ }`",
                );
                self.operand(end);
            }
        }
    }

    fn dollar_name(&mut self, at: usize) {
        let end = self.word_end(at + 1);
        let next = self.after_blanks(end);
        let statement = self.top.statement && self.top.start.at as usize == at && self.top.kind.has_statements();
        let assigns = self.byte_at(next) == b'=' && !matches!(self.byte_at(next + 1), b'=' | b'>');
        if statement && assigns {
            self.assigned_name(at, end);
        } else {
            self.out.cut(at, at + 1);
            self.put_variable(at + 1, end);
        }
        self.operand(end);
        let step = match self.slice(end, end + 2) {
            "++" => " += 1",
            "--" => " -= 1",
            _ => return,
        };
        if statement {
            self.out.cut(end, end + 2);
            self.out.put(step);
            self.top.statement = false;
            self.operand(end + 2);
        }
    }

    /// `$x =`: assigns to a name in scope, declares one that is not.
    fn assigned_name(&mut self, at: usize, end: usize) {
        let name = self.slice(at + 1, end);
        self.check_name(at + 1, end);
        self.out.cut(at, at + 1);
        match special(name) {
            Special::Constant("()") => {
                self.out.put("let __null");
                self.out.cut(at + 1, end);
            }
            Special::Constant(_) | Special::It => {
                self.refuse(at, end, format!("`${name}` cannot be assigned to"), "choose another name");
                self.out.cut(at + 1, end);
            }
            Special::No => {
                if self.names.find(name).is_none() {
                    self.out.put("let ");
                    self.names.declare(name);
                }
                self.put_name(at + 1, end);
            }
        }
    }

    /// Puts what the variable named by `start..end` (without its `$`) is in Rhai.
    pub(super) fn put_variable(&mut self, start: usize, end: usize) {
        let name = self.slice(start, end);
        if self.byte_at(end) == b':' && self.byte_at(end + 1).is_ascii_alphabetic() {
            let (message, hint) = if name.eq_ignore_ascii_case("env") {
                (
                    "a script does not read the environment".to_owned(),
                    "pass the value as a parameter of the script: `certlet run FILE NAME=VALUE`",
                )
            } else {
                (format!("`${name}:` does not exist here"), "write the variable without it")
            };
            self.refuse(start.saturating_sub(1), end + 1, message, hint);
        }
        match special(name) {
            Special::Constant(constant) => {
                self.out.put(constant);
                self.out.cut(start, end);
            }
            Special::It => {
                self.it(start, end);
                self.out.cut(start, end);
            }
            Special::No => {
                self.check_name(start, end);
                self.put_name(start, end);
            }
        }
    }

    /// Puts a variable's name in the spelling in which it was declared.
    pub(super) fn put_name(&mut self, start: usize, end: usize) {
        let name = self.slice(start, end);
        let declared = self.names.find(name).unwrap_or(name);
        self.out.drop_to(start);
        if declared == name && !is_reserved(name) {
            self.out.flush(end);
            return;
        }
        self.out.make(start, |text| {
            if is_reserved(declared) {
                text.push_str("__v_");
            }
            text.push_str(declared);
        });
        self.out.drop_to(end);
    }

    /// Puts `$_`: the parameter of the script block, or the error of the `catch`, that is innermost.
    fn it(&mut self, start: usize, end: usize) {
        let frames = std::iter::once(&self.top).chain(self.outer.iter().rev());
        for frame in frames {
            match frame.kind {
                Kind::ScriptBlock => {
                    self.out.put("__it");
                    return;
                }
                Kind::Block if frame.hole != NONE => {
                    let hole = frame.hole;
                    self.out.fill(hole, "(__it) ");
                    self.out.put("__it");
                    return;
                }
                Kind::Function if frame.floor != NONE => break,
                _ => {}
            }
        }
        let hint = "it is the object in `… | Where-Object { $_.Name }` and the error in `catch { $_ }`";
        self.refuse(start.saturating_sub(1), end, "`$_` stands outside of a script block", hint);
        self.out.put("__it");
    }

    /// `@( … )` and `@{ … }` outside of command arguments.
    pub(super) fn at_sign(&mut self) {
        let at = self.pos;
        match self.byte(1) {
            b'(' => {
                let frame = self.elements(at);
                self.push(frame);
            }
            b'{' => {
                self.out.cut(at, at + 1);
                self.out.put("#");
                self.pos += 2;
                self.push(Frame::new(Kind::Entries, true, at, b'}'));
            }
            b'"' | b'\'' => self.refuse_here_string(at),
            _ => {
                let end = self.word_end(at + 1).max(at + 1);
                self.refuse(
                    at,
                    end,
                    format!("`{}` stands outside of a command", self.slice(at, end)),
                    "`@name` hands a map's entries to a command: `Set-CsCertificate @name`",
                );
                self.operand(end);
            }
        }
    }

    /// Leaves the opening of `@(` out and returns its frame.
    pub(super) fn elements(&mut self, at: usize) -> Frame {
        self.out.cut(at, at + 2);
        let hole = self.out.hole();
        self.pos = at + 2;
        let mut frame = Frame::new(Kind::Elements, true, at, b')');
        frame.hole = hole;
        frame
    }

    pub(super) fn refuse_here_string(&mut self, at: usize) {
        self.refuse(
            at,
            at + 2,
            "here-strings do not exist here",
            "text of several lines stands between backticks: `` `line 1 …` ``",
        );
        self.stop();
    }

    /// Opens a bracket that is spelled otherwise in Rhai.
    fn open_instead(&mut self, at: usize, end: usize, text: &'static str, frame: Frame) {
        self.out.cut(at, end);
        self.out.put(text);
        self.pos = end;
        self.push(frame);
    }

    /// The key of an entry of `@{ … }`, with its `=`.
    pub(super) fn entry_key(&mut self) {
        self.begin();
        let at = self.pos;
        let key_end = if matches!(self.byte(0), b'"' | b'\'') || self.quote_at(at).is_some() {
            self.literal_key(at)
        } else {
            self.bare_key(at)
        };
        let Some(key_end) = key_end else {
            self.refuse(at, at + 1, "a name is expected here", "write `@{ Name = 'value'; Other = 2 }`");
            self.stop();
            return;
        };
        let equals = self.after_blanks(key_end);
        if self.byte_at(equals) != b'=' {
            if equals >= self.src.len() {
                self.incomplete("the entry has no value", at, key_end);
                return;
            }
            self.refuse(
                at,
                key_end,
                "`=` and a value are expected after the name",
                "write `@{ Name = 'value'; Other = 2 }`",
            );
            self.stop();
            return;
        }
        self.out.put(":");
        self.out.cut(key_end, equals + 1);
        self.pos = equals + 1;
        self.next_expression();
        self.top.key = false;
    }

    fn bare_key(&mut self, at: usize) -> Option<usize> {
        let mut end = at;
        while matches!(self.byte_at(end), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.') {
            end += 1;
        }
        if end == at {
            return None;
        }
        self.out.cut(at, at);
        let name = self.slice(at, end);
        self.out.make(at, |text| {
            text.push('"');
            text.push_str(name);
            text.push('"');
        });
        self.out.drop_to(end);
        Some(end)
    }

    fn literal_key(&mut self, at: usize) -> Option<usize> {
        self.out.cut(at, at);
        let (text, end) = self.constant_quoted(at)?;
        self.out.make(at, |made| super::quoted::write_literal(made, &text));
        self.out.cut(at, end);
        Some(end)
    }

    /// `$name`, with what hangs on it, as the value of an argument; `pos` is at the `$`.
    pub(super) fn dollar_value(&mut self) {
        let at = self.pos;
        self.top.dollar = true;
        match self.byte(1) {
            b'(' => self.nested(at, at + 2, "{", Frame::new(Kind::Sub, true, at, b')')),
            b'{' => {
                let end = self.word_end(at + 2);
                if end > at + 2 && self.byte_at(end) == b'}' {
                    self.put_variable(at + 2, end);
                    self.pos = end + 1;
                } else {
                    let ps = self.top.ps;
                    self.nested(at, at + 2, "(", Frame::new(Kind::Braced, ps, at, b'}'));
                }
            }
            b'?' => {
                self.out.put("__ok()");
                self.pos = at + 2;
            }
            _ => {
                let end = self.word_end(at + 1);
                self.out.drop_to(at + 1);
                self.put_variable(at + 1, end);
                self.pos = end;
            }
        }
        self.out.drop_to(self.pos);
    }

    /// Scans a bracket whose opening `start..end` is replaced by `text`.
    pub(super) fn nested(&mut self, start: usize, end: usize, text: &'static str, frame: Frame) {
        self.out.drop_to(start);
        self.out.put(text);
        self.out.drop_to(end);
        self.pos = end;
        self.run(frame);
        self.out.flush(self.pos);
    }

    /// `.Name`, `[0]` and `(…)` glued to a value of an argument.
    pub(super) fn postfix(&mut self) {
        loop {
            let at = self.pos;
            self.out.drop_to(at);
            match self.byte(0) {
                b'.' if self.byte(1) == b'_' || self.byte(1).is_ascii_alphabetic() => {
                    let end = self.word_end(at + 1);
                    self.check_name(at + 1, end);
                    let name = self.slice(at + 1, end);
                    if is_reserved(name) && self.byte_at(end) != b'(' {
                        self.out.put("[\"");
                        self.out.drop_to(at + 1);
                        self.out.flush(end);
                        self.out.put("\"]");
                    } else {
                        self.out.flush(end);
                    }
                    self.pos = end;
                }
                b'[' | b'(' => {
                    let (kind, close) = if self.byte(0) == b'[' { (Kind::Index, b']') } else { (Kind::Call, b')') };
                    let frame = Frame::new(kind, self.top.ps, at, close);
                    self.pos += 1;
                    self.run(frame);
                    self.out.flush(self.pos);
                }
                _ => return,
            }
        }
    }

    /// Whether the token at the `$` at `at` is a variable with its properties and nothing more.
    pub(super) fn is_plain_variable(&self, at: usize) -> bool {
        let mut end = self.word_end(at + 1);
        if end == at + 1 {
            return false;
        }
        loop {
            match self.byte_at(end) {
                b'.' if self.byte_at(end + 1) == b'_' || self.byte_at(end + 1).is_ascii_alphabetic() => {
                    end = self.word_end(end + 1);
                }
                b'[' | b'(' => return true,
                _ => break,
            }
        }
        self.ends_argument(end)
    }
}
