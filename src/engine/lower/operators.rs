//! Binary operators: precedence, and PowerShell's operators as calls.

use super::frame::{Header, Kind, Prev};
use super::output::Mark;
use super::scan::Lowerer;

/// An operator whose right operand is being scanned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    precedence: u8,
    /// What is put after the right operand.
    close: &'static str,
    logic: Option<Logic>,
    right: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logic {
    And,
    Or,
}

/// A list binds tighter than every other operator.
const LIST: u8 = 200;
const NOT: u8 = 195;
/// All comparisons bind alike, as Rhai's `==` does.
const COMPARISON: u8 = 90;
/// `-and` and `-or` bind alike, from left to right.
const LOGIC: u8 = 40;

/// How many operators may stand in one expression.
const MAX_WRAPS: u32 = 1000;

/// PowerShell's words after a dash, in lower case, and the functions that they become.
pub(super) const COMPARISONS: [(&str, &str); 48] = [
    ("eq", "__eq("),
    ("ne", "__ne("),
    ("lt", "__lt("),
    ("le", "__le("),
    ("gt", "__gt("),
    ("ge", "__ge("),
    ("like", "__like("),
    ("notlike", "__notlike("),
    ("match", "__match("),
    ("notmatch", "__notmatch("),
    ("contains", "__contains("),
    ("notcontains", "__notcontains("),
    ("in", "__in("),
    ("notin", "__notin("),
    ("replace", "__replace("),
    ("split", "__split("),
    ("ieq", "__eq("),
    ("ine", "__ne("),
    ("ilt", "__lt("),
    ("ile", "__le("),
    ("igt", "__gt("),
    ("ige", "__ge("),
    ("ilike", "__like("),
    ("inotlike", "__notlike("),
    ("imatch", "__match("),
    ("inotmatch", "__notmatch("),
    ("icontains", "__contains("),
    ("inotcontains", "__notcontains("),
    ("iin", "__in("),
    ("inotin", "__notin("),
    ("ireplace", "__replace("),
    ("ceq", "__ceq("),
    ("cne", "__cne("),
    ("clt", "__clt("),
    ("cle", "__cle("),
    ("cgt", "__cgt("),
    ("cge", "__cge("),
    ("clike", "__clike("),
    ("cnotlike", "__cnotlike("),
    ("cmatch", "__cmatch("),
    ("cnotmatch", "__cnotmatch("),
    ("ccontains", "__ccontains("),
    ("cnotcontains", "__cnotcontains("),
    ("cin", "__cin("),
    ("cnotin", "__cnotin("),
    ("creplace", "__creplace("),
    ("csplit", "__csplit("),
    ("join", "__join("),
];

/// Operators that are refused by name.
const REFUSED: [&str; 11] = ["f", "is", "isnot", "as", "xor", "band", "bor", "bxor", "bnot", "shl", "shr"];

impl Lowerer<'_> {
    /// Closes the operators that bind at least as tightly as `precedence`.
    pub(super) fn reduce(&mut self, precedence: u8) {
        while let Some(operator) = self.innermost_operator() {
            if operator.precedence < precedence {
                return;
            }
            self.operators.pop();
            if !operator.close.is_empty() {
                self.put_at_end(operator.close);
            }
        }
    }

    /// An operator of `length` bytes that stands between two operands, or before one.
    pub(super) fn binary(&mut self, precedence: u8, length: usize) {
        if self.top.prev == Prev::Operand {
            // Only `**` binds to the right: an equal one on its left stays open.
            self.reduce(if precedence == 190 { 191 } else { precedence });
            self.step_over(length);
            let right = self.out.mark(self.pos);
            self.operators.push(Operator { precedence, close: "", logic: None, right });
        } else {
            self.step_over(length);
        }
        self.top.prev = Prev::Start;
        self.top.logic = false;
    }

    /// `&&`, `||`: a command after it is a truth.
    pub(super) fn binary_logic(&mut self, precedence: u8) {
        self.binary(precedence, 2);
        self.top.logic = true;
    }

    /// `!` before an operand.
    pub(super) fn bang(&mut self) {
        if self.top.ps || self.byte(1) == b'$' {
            let end = self.pos + 1;
            self.not(end);
            return;
        }
        self.step_over(1);
        self.top.prev = Prev::Start;
        self.top.logic = true;
    }

    /// A comma that makes a list of what stands around it.
    pub(super) fn list_comma(&mut self) {
        if self.top.prev == Prev::Operand {
            self.reduce(LIST + 1);
            if self.innermost_operator().is_none_or(|operator| operator.precedence != LIST) {
                let left = self.left_operand();
                self.out.insert(left, "[");
                let right = self.out.mark(self.pos);
                self.operators.push(Operator { precedence: LIST, close: "]", logic: None, right });
            }
        }
        self.pos += 1;
        self.top.prev = Prev::Start;
    }

    /// A `-` or another dash of `length` bytes; a PowerShell operator if a word follows.
    pub(super) fn dash(&mut self, length: usize) {
        let at = self.pos;
        let start = at + length;
        if self.byte_at(start).is_ascii_alphabetic() {
            let end = self.word_end(start);
            if self.worded_operator(at, start, end) {
                return;
            }
        }
        if length > 1 {
            self.out.cut(at, start);
            self.out.put("-");
        }
        match self.byte_at(start) {
            b'=' => self.assign(length + 1),
            b'-' | b'>' => self.step_over(length + 1),
            _ => self.binary(150, length),
        }
    }

    /// Lowers `-eq` and its like; tells whether the word was one.
    fn worded_operator(&mut self, at: usize, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if word.len() > 12 {
            return false;
        }
        let is = |name: &str| name.eq_ignore_ascii_case(word);
        if self.top.prev == Prev::Operand {
            let comparison = COMPARISONS.iter().find(|(name, _)| is(name)).map(|(_, function)| *function);
            let logic =
                [("and", Logic::And), ("or", Logic::Or)].into_iter().find(|(name, _)| is(name)).map(|(_, logic)| logic);
            let refused = REFUSED.into_iter().find(|name| is(name));
            if (comparison.is_none() && logic.is_none() && refused.is_none()) || !self.is_powershell(at, end) {
                return false;
            }
            match (comparison, logic) {
                (Some(function), _) => self.comparison(function, end),
                (None, Some(logic)) => self.logic(logic, end),
                (None, None) => {
                    self.refuse_operator(at, end, refused.unwrap_or_default());
                    self.step_over(end - at);
                    self.top.prev = Prev::Start;
                }
            }
            return true;
        }
        let prefix = ["not", "join", "split"].into_iter().find(|name| is(name));
        let Some(prefix) = prefix.filter(|_| self.is_powershell(at, end)) else { return false };
        match prefix {
            "not" => self.not(end),
            "join" => self.prefix("__join(", COMPARISON, end),
            _ => self.prefix("__split(", COMPARISON, end),
        }
        true
    }

    /// Outside PowerShell's own brackets a word after a dash is an operator only where Rhai could not mean anything by it.
    fn is_powershell(&self, at: usize, end: usize) -> bool {
        if self.top.ps || self.top.dollar {
            return true;
        }
        let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let before = at.checked_sub(1).map_or(b' ', |i| self.byte_at(i));
        let opens = self.top.prev != Prev::Operand && matches!(before, b'(' | b'{' | b'=' | b',' | b'!' | b'|');
        if !(blank(before) || opens) || !blank(self.byte_at(end)) {
            return false;
        }
        let next = self.after_space(end);
        let word = self.slice(next, self.word_end(next));
        match self.byte_at(next) {
            b'"' | b'\'' | b'$' | b'@' | b'(' => true,
            _ => !word.is_empty() && !matches!(word, "in" | "is" | "as" | "if"),
        }
    }

    fn comparison(&mut self, function: &'static str, end: usize) {
        self.reduce(COMPARISON);
        let left = self.left_operand();
        self.wrap(left, function);
        self.put_at_end(", ");
        self.right_operand(COMPARISON, ")", None, end);
    }

    fn logic(&mut self, logic: Logic, end: usize) {
        let mut last = None;
        while let Some(operator) = self.innermost_operator().filter(|operator| operator.precedence >= LOGIC) {
            self.operators.pop();
            if !operator.close.is_empty() {
                self.put_at_end(operator.close);
            }
            last = operator.logic;
        }
        // `a -and b -and c` stays flat; `a -or b -and c` is one truth from the left.
        if last != Some(logic) {
            let left = self.left_operand();
            self.wrap(left, "__true(");
            self.put_at_end(")");
        }
        self.put_at_end(if logic == Logic::And { " && __true(" } else { " || __true(" });
        self.right_operand(LOGIC, ")", Some(logic), end);
    }

    /// Puts the call around the left operand; each one nests, so that their number is bounded.
    fn wrap(&mut self, left: Mark, function: &'static str) {
        self.top.wraps += 1;
        if self.top.wraps > MAX_WRAPS {
            let message = format!("an expression has more than {MAX_WRAPS} operators");
            self.refuse(self.pos, self.pos + 1, message, "put a part of it into a variable");
            self.stop();
            return;
        }
        self.out.insert(left, function);
    }

    fn not(&mut self, end: usize) {
        self.prefix("!__true(", NOT, end);
    }

    fn prefix(&mut self, function: &'static str, precedence: u8, end: usize) {
        let at = self.pos;
        self.out.cut(at, at);
        self.out.put(function);
        self.skip_operator(at, end);
        let right = self.out.mark(self.pos);
        self.operators.push(Operator { precedence, close: ")", logic: None, right });
        self.top.prev = Prev::Start;
        self.top.end = self.pos as u32;
    }

    fn right_operand(&mut self, precedence: u8, close: &'static str, logic: Option<Logic>, end: usize) {
        self.skip_operator(self.top.end as usize, end);
        let right = self.out.mark(self.pos);
        self.operators.push(Operator { precedence, close, logic, right });
        self.top.prev = Prev::Start;
        self.top.logic = false;
    }

    /// Leaves out the operator and the blanks around it.
    fn skip_operator(&mut self, from: usize, end: usize) {
        let next = self.after_blanks(end);
        self.out.cut(from, next);
        self.pos = next;
    }

    fn step_over(&mut self, length: usize) {
        self.pos = self.after_blanks(self.pos + length);
    }

    /// Where the left operand of the next operator begins.
    fn left_operand(&self) -> Mark {
        self.innermost_operator().map_or(self.top.start, |operator| operator.right)
    }

    /// Whether what stands here is the right operand of one of PowerShell's operators.
    pub(super) fn follows_powershell_operator(&self) -> bool {
        self.top.prev == Prev::Start && self.innermost_operator().is_some_and(|operator| operator.close == ")")
    }

    fn innermost_operator(&self) -> Option<Operator> {
        let inside = self.operators.get(self.top.operators as usize..).unwrap_or_default();
        inside.last().copied()
    }

    fn refuse_operator(&mut self, at: usize, end: usize, name: &str) {
        let hint = match name {
            "f" => "write the values into the text: `\"$a of $b\"`",
            "is" | "isnot" => "ask for the type: `type_of(x) == \"string\"`",
            "as" => "a parameter converts its value by itself",
            "xor" => "write `a != b`",
            _ => "Rhai has `&`, `|`, `^`, `<<` and `>>`",
        };
        self.refuse(at, end, format!("the operator `-{name}` does not exist here"), hint);
    }

    /// `=` or `+=` of `length` bytes: what follows is an expression of its own.
    pub(super) fn assign(&mut self, length: usize) {
        let powershell = self.top.dollar_first && self.top.statement && self.top.kind.has_statements();
        self.pos += length;
        self.next_expression();
        if powershell {
            self.push_line();
        }
    }

    /// Whether a comma here makes a list.
    pub(super) fn comma_lists(&self) -> bool {
        if self.top.kind.comma_separates() {
            return false;
        }
        // At a statement's head a list of numbers or variables means nothing in Rhai: `1,2,3 | ForEach-Object { … }`.
        let head = self.byte_at(self.top.start.at as usize);
        if self.top.statement
            && self.top.kind.has_statements()
            && self.top.header == Header::None
            && (head.is_ascii_digit() || head == b'$')
        {
            return true;
        }
        self.top.ps || self.top.listing || self.top.kind == Kind::Elements
    }
}
