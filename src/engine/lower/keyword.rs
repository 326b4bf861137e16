//! Words outside of command arguments: commands, Rhai's keywords, names.

use super::frame::{Fresh, Header, Kind, NONE, Prev, Tail};
use super::names::is_reserved;
use super::scan::Lowerer;

impl Lowerer<'_> {
    pub(super) fn word(&mut self) {
        let at = self.pos;
        let end = self.word_end(at);
        let text = self.slice(at, end);
        if self.top.prev == Prev::Dot {
            self.property(at, end);
            return;
        }
        if self.top.expects_operand() && self.byte_at(end) == b'-' && self.command(at, end) {
            return;
        }
        if text.starts_with("__") {
            self.check_name(at, end);
        }
        if self.top.key && self.top.kind == Kind::Map {
            self.begin();
            self.operand(end);
            return;
        }
        if self.keyword(text, at, end) || (self.top.expects_operand() && self.alias_command(at, end)) {
            return;
        }
        self.begin();
        self.operand(end);
    }

    /// Runs a command if a registered verb stands at `at`; `end` is that of the word before its dash.
    fn command(&mut self, at: usize, end: usize) -> bool {
        let last = self.word_end(end + 1);
        let glued = at > 0 && self.byte_at(at - 1) == b'-';
        if glued || !self.byte_at(end + 1).is_ascii_alphabetic() || !self.ends_verb(last) {
            return false;
        }
        if self.top.key && matches!(self.top.kind, Kind::Map | Kind::Switch) {
            return false;
        }
        let words = self.words;
        let Some(verb) = words.verb(self.slice(at, last)) else {
            if end - at > 1 && last - end > 2 {
                self.unknown.push((at as u32, last as u32));
            }
            return false;
        };
        self.command_at(at, last, verb);
        true
    }

    /// Whether a verb may end at `index`: a blank, a bracket, a separator or the end of the text follows.
    pub(super) fn ends_verb(&self, index: usize) -> bool {
        match self.byte_at(index) {
            0 => index >= self.src.len(),
            b' ' | b'\t' | b'\r' | b'\n' | b';' | b')' | b']' | b'}' | b',' | b'|' | b'`' => true,
            0x80.. => matches!(self.char_at(index), Some('\u{a0}' | '\u{200e}')),
            _ => false,
        }
    }

    /// A name after `.`; one that Rhai keeps for itself is asked for by index.
    fn property(&mut self, at: usize, end: usize) {
        self.check_name(at, end);
        let name = self.slice(at, end);
        if is_reserved(name)
            && name != "call"
            && self.byte_at(self.after_blanks(end)) != b'('
            && self.byte_at(at - 1) == b'.'
        {
            let dot = at - 1;
            self.out.cut(dot, at);
            self.out.put("[\"");
            self.out.flush(end);
            self.out.put("\"]");
        }
        self.operand(end);
    }

    /// Refuses names that belong to the lowered text.
    pub(super) fn check_name(&mut self, at: usize, end: usize) {
        let name = self.slice(at, end);
        if name.starts_with("__") {
            self.refuse(
                at,
                end,
                format!("`{name}`: names that begin with `__` are reserved"),
                "choose a name without the two underscores",
            );
        }
    }

    /// Acts on a keyword; tells whether the word was one.
    fn keyword(&mut self, text: &str, at: usize, end: usize) -> bool {
        match text {
            "if" if self.top.kind == Kind::Switch && self.top.key => self.operator_word(end),
            "if" => self.header(Header::If, end),
            "while" | "until" if self.top.after_do && self.top.prev == Prev::Block => {
                self.top.after_do = false;
                self.operator_word(end);
                self.top.fresh = Fresh::Expression;
            }
            "while" => self.header(Header::While, end),
            "switch" => self.header(Header::Switch, end),
            "for" => self.for_loop(at, end),
            "loop" | "try" => self.header(Header::Emitting, end),
            "do" => self.header(Header::Do, end),
            "else" => {
                self.top.header = Header::Else;
                self.operator_word(end);
            }
            "elseif" if self.elseif_follows(end) => {
                self.out.cut(at, end);
                self.out.put("else if");
                self.top.header = Header::Else;
                self.header(Header::If, end);
                // Only PowerShell spells it so: the condition is a truth in its sense.
                self.top.dollar = true;
            }
            "catch" if self.top.prev == Prev::Block => self.catch(end),
            "finally" if self.top.prev == Prev::Block && self.byte_at(self.after_space(end)) == b'{' => {
                self.refuse(
                    at,
                    end,
                    "`finally` does not exist here",
                    "write the last steps after the `try { } catch { }`",
                );
                self.header(Header::Emitting, end);
            }
            "fn" => self.function(end),
            "foreach" if self.foreach_loop(at, end) => {}
            "let" | "const" => self.declaration(end),
            "return" | "throw" => {
                self.begin();
                self.operator_word(end);
                self.top.fresh = Fresh::Expression;
                let blank = matches!(self.byte_at(self.after_blanks(end)), b'\n' | b'\r');
                if blank && (self.top.ps || self.top.dollar) {
                    self.top.fresh = Fresh::No;
                    self.operand(end);
                }
            }
            "break" | "continue" => {
                self.begin();
                self.operator_word(end);
                self.top.fresh = Fresh::Expression;
            }
            "private" | "import" | "export" => {
                self.begin();
                self.operator_word(end);
            }
            "as" if self.top.prev == Prev::Operand => self.operator_word(end),
            "in" if self.top.prev == Prev::Operand => self.binary(110, 2),
            "eval" if self.byte_at(self.after_blanks(end)) == b'(' => {
                self.begin();
                self.refuse(at, end, "`eval` is switched off", "write the commands into the script itself");
                self.operand(end);
            }
            "exit" if self.exit_follows(end) => {
                self.begin();
                self.refuse(at, end, "`exit` is a function here", "write `exit(3)`");
                self.operand(end);
            }
            "function" | "filter" | "trap" | "workflow" | "class" => return self.refuse_declaration(text, at, end),
            _ => return false,
        }
        true
    }

    /// A word after which an operand stands.
    fn operator_word(&mut self, end: usize) {
        self.pos = end;
        self.top.prev = Prev::Start;
    }

    /// Whether `elseif`, which ends at `end`, goes on with a condition after an `if` block.
    fn elseif_follows(&self, end: usize) -> bool {
        let next = self.byte_at(self.after_space(end));
        !matches!(self.top.prev, Prev::Start | Prev::Closure | Prev::Dot)
            && (next.is_ascii_alphanumeric() || matches!(next, b'(' | b'$' | b'!' | b'_' | b'"' | b'\''))
    }

    /// Whether PowerShell's `exit 3` ends at `end`.
    fn exit_follows(&self, end: usize) -> bool {
        let next = self.after_blanks(end);
        self.top.expects_operand()
            && (next > end && (self.byte_at(next).is_ascii_digit() || self.byte_at(next) == b'$')
                || matches!(self.byte_at(next), b';' | b'\n' | b'\r' | b'}')
                || next >= self.src.len())
    }

    fn header(&mut self, header: Header, end: usize) {
        if self.top.header != Header::Else {
            self.begin();
            let first = self.top.statement && self.top.start.at as usize == self.pos;
            let inherits = first && (self.top.kind.has_statements() || self.top.kind == Kind::Switch);
            self.top.block_tail = if inherits { Tail::Inherit } else { Tail::Value };
            self.refuse_valueless(header, end);
        }
        self.pos = end;
        self.top.header = header;
        self.top.ps_block = false;
        self.top.header_names = NONE;
        self.top.prev = Prev::Start;
        self.top.fresh = Fresh::Expression;
        self.top.dollar = false;
        self.top.command = false;
    }

    /// A loop has no value, so that it can be no element of `@( … )`.
    fn refuse_valueless(&mut self, header: Header, end: usize) {
        if self.top.kind == Kind::Elements
            && matches!(header, Header::For | Header::While | Header::Do | Header::Emitting)
        {
            self.refuse(self.pos, end, "a loop has no value", "write `… | ForEach-Object { … }`");
        }
    }

    /// `for x in`, `for (x, i) in`: declares the names for the block.
    fn for_loop(&mut self, at: usize, end: usize) {
        let open = self.after_space(end);
        if self.byte_at(open) == b'(' && self.byte_at(self.after_space(open + 1)) == b'$' {
            self.refuse(at, end, "this is PowerShell's `for`", "write `for i in 0..10 { … }`");
        }
        self.header(Header::For, end);
        let before = self.names.len();
        let mut next = open;
        let pair = self.byte_at(next) == b'(';
        if pair {
            next += 1;
        }
        loop {
            next = self.after_space(next);
            let stop = self.word_end(next);
            if stop == next {
                break;
            }
            self.check_name(next, stop);
            self.names.declare(self.slice(next, stop));
            next = self.after_space(stop);
            if !pair || self.byte_at(next) != b',' {
                break;
            }
            next += 1;
        }
        if pair && self.byte_at(next) == b')' {
            next += 1;
        }
        next = self.after_space(next);
        let stop = self.word_end(next);
        self.top.header_names = before;
        if self.slice(next, stop) == "in" {
            self.pos = stop;
        }
    }

    /// `foreach ($x in …)`; tells whether it is one.
    fn foreach_loop(&mut self, at: usize, end: usize) -> bool {
        let open = self.after_space(end);
        let dollar = self.after_space(open + 1);
        if self.byte_at(open) != b'(' || self.byte_at(dollar) != b'$' {
            return false;
        }
        let name_end = self.word_end(dollar + 1);
        let keyword = self.after_space(name_end);
        let keyword_end = self.word_end(keyword);
        if name_end == dollar + 1 || !self.slice(keyword, keyword_end).eq_ignore_ascii_case("in") {
            return false;
        }
        self.header(Header::For, end);
        self.top.ps_block = true;
        self.top.header_names = self.names.len();
        self.check_name(dollar + 1, name_end);
        self.names.declare(self.slice(dollar + 1, name_end));
        self.out.cut(at, dollar + 1);
        self.out.put("for ");
        self.put_name(dollar + 1, name_end);
        self.out.put(" in __each");
        self.out.cut(name_end, keyword_end);
        self.out.put("(");
        self.begin();
        self.push(super::frame::Frame::new(Kind::Subject, true, open, b')'));
        self.pos = self.after_blanks(keyword_end);
        self.out.drop_to(self.pos);
        true
    }

    /// `catch (e) {`, or PowerShell's `catch {` in which `$_` is the error.
    fn catch(&mut self, end: usize) {
        self.top.header = Header::Else;
        self.header(Header::Emitting, end);
        let next = self.after_space(end);
        match self.byte_at(next) {
            b'(' => {
                let name = self.after_space(next + 1);
                let stop = self.word_end(name);
                let close = self.after_space(stop);
                if stop > name && self.byte_at(close) == b')' {
                    self.check_name(name, stop);
                    self.top.header_names = self.names.len();
                    self.names.declare(self.slice(name, stop));
                    self.pos = close + 1;
                }
            }
            b'{' => {
                self.out.flush(next);
                self.top.hole = self.out.hole();
                self.pos = next;
            }
            b'[' => {
                self.refuse(
                    next,
                    next + 1,
                    "`catch` takes no type here",
                    "write `catch (e) { if e.id == \"NoHome\" { … } else { throw e; } }`",
                );
                self.stop();
            }
            _ => {}
        }
    }

    /// `fn name(a, b) {`: its body sees nothing of the names outside.
    fn function(&mut self, end: usize) {
        self.header(Header::Fn, end);
        self.top.header_names = self.names.len();
        let bytes = self.src.as_bytes();
        let mut at = end;
        while bytes.get(at).is_some_and(|byte| !matches!(byte, b'(' | b'{' | b';' | b'\n')) {
            if self.byte_at(at) == b'_' || self.byte_at(at).is_ascii_alphabetic() {
                let stop = self.word_end(at);
                self.check_name(at, stop);
                at = stop;
            } else if self.byte_at(at) == b'"' {
                // The name of a type: `fn "My Type".show()`.
                at += 1 + self.slice(at + 1, self.src.len()).find(['"', '\n']).map_or(0, |length| length + 1);
            } else {
                at += 1;
            }
        }
        if self.byte_at(at) != b'(' {
            self.pos = at;
            return;
        }
        at = self.after_trivia(at + 1);
        loop {
            let stop = self.word_end(at);
            if stop == at {
                break;
            }
            self.check_name(at, stop);
            self.names.declare(self.slice(at, stop));
            at = self.after_trivia(stop);
            if self.byte_at(at) != b',' {
                break;
            }
            at = self.after_trivia(at + 1);
        }
        if self.byte_at(at) == b')' {
            at += 1;
        }
        self.pos = at;
    }

    /// `let x`, `const X`.
    fn declaration(&mut self, end: usize) {
        self.begin();
        let name = self.after_space(end);
        let stop = self.word_end(name);
        if stop == name {
            self.operator_word(end);
            return;
        }
        self.check_name(name, stop);
        self.names.declare(self.slice(name, stop));
        self.operand(stop);
    }

    fn refuse_declaration(&mut self, text: &str, at: usize, end: usize) -> bool {
        let next = self.after_blanks(end);
        let follows = if text == "trap" {
            self.byte_at(next) == b'{'
        } else {
            next > end && self.byte_at(next).is_ascii_alphabetic()
        };
        if !self.top.expects_operand() || !follows {
            return false;
        }
        let hint = match text {
            "trap" => "write `try { … } catch { … }`",
            "class" => "an object map holds named values: `#{ name: \"x\" }`",
            _ => "write `fn name(a, b) { … }`",
        };
        self.refuse(at, end, format!("`{text}` does not exist here"), hint);
        self.stop();
        true
    }
}
