//! What the scanner knows about each open bracket and the expression in it.

use super::output::Mark;

/// What an open bracket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The whole text.
    Script,
    /// `{ … }` with statements.
    Block,
    /// The body of a function or of a closure.
    Function,
    /// `{ … }` as a value: a closure over `$_`.
    ScriptBlock,
    /// `$( … )`.
    Sub,
    /// `@( … )`.
    Elements,
    /// `@{ … }`.
    Entries,
    /// What stands right of `$x =`; ends with the line.
    Line,
    /// The body of `|c| …` after a command; ends with the line.
    Body,
    /// `( … )` around an expression.
    Group,
    /// The subject of `foreach ($x in …)`.
    Subject,
    /// `${ … }`.
    Braced,
    /// The arguments of a call.
    Call,
    /// `x[ … ]`.
    Index,
    /// `[ … ]`.
    Array,
    /// `#{ … }`.
    Map,
    /// The arms of `switch`.
    Switch,
    /// `${ … }` inside a backtick string.
    Interpolation,
}

impl Kind {
    /// Holds statements that `;` separates.
    pub(super) fn has_statements(self) -> bool {
        matches!(
            self,
            Self::Script | Self::Block | Self::Function | Self::ScriptBlock | Self::Sub | Self::Interpolation
        )
    }

    /// A comma and a blank end a command that stands directly in it.
    pub(super) fn comma_separates(self) -> bool {
        matches!(self, Self::Call | Self::Index | Self::Array | Self::Map | Self::Switch)
    }
}

/// What stood last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prev {
    /// Nothing, or something after which an operand stands.
    Start,
    /// A complete operand.
    Operand,
    /// `.`, `?.` or `::`.
    Dot,
    /// The block of a statement.
    Block,
    /// `|a, b|`.
    Closure,
}

/// Whose block the next `{` opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    None,
    If,
    While,
    For,
    Switch,
    /// `else`, whose block belongs to the statement as the `if` block does.
    Else,
    /// `loop`, `try`, `catch`.
    Emitting,
    Do,
    Fn,
}

/// What becomes of the last command of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It goes to the stream, as in loops, `try` and `catch`.
    Emit,
    /// It is the block's value.
    Value,
    /// As the statement that the block belongs to.
    Inherit,
}

/// What the next token begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    No,
    Expression,
    Statement,
    /// The value of a `switch` arm: like a statement, but of the same statement as the other arms.
    Arm,
}

/// Stands for "no such number" in a frame.
pub(super) const NONE: u32 = u32::MAX;

/// One open bracket.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the text, and they do not depend on one another"
)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// PowerShell's quoting and operators hold.
    pub(super) ps: bool,
    /// Where the bracket stands.
    pub(super) open: u32,
    /// The byte that closes it; 0 when the line does.
    pub(super) close: u8,
    pub(super) prev: Prev,
    pub(super) fresh: Fresh,
    /// The expression that began at `start` is a statement or the value of an arm.
    pub(super) statement: bool,
    pub(super) start: Mark,
    /// Where the last operand ended.
    pub(super) end: u32,
    /// How many operators are open outside.
    pub(super) operators: u32,
    pub(super) header: Header,
    /// How many names there were before the header declared its own.
    pub(super) header_names: u32,
    pub(super) tail: Tail,
    /// The tail of the blocks of the current statement.
    pub(super) block_tail: Tail,
    /// How many undecided pipelines there are outside.
    pub(super) pending: u32,
    pub(super) names: u32,
    pub(super) floor: u32,
    /// How many names there were before the first closure of the expression.
    pub(super) closure: u32,
    /// A `$` was seen in the statement or header.
    pub(super) dollar: bool,
    /// The statement began with `$`.
    pub(super) dollar_first: bool,
    /// A command was seen in the header.
    pub(super) command: bool,
    /// The last operator was `!`, `&&` or `||`.
    pub(super) logic: bool,
    /// At a key of a map or a pattern of a `switch`.
    pub(super) key: bool,
    /// A comma makes a list although this is Rhai's.
    pub(super) listing: bool,
    /// The last block was that of `do`.
    pub(super) after_do: bool,
    /// The piece to fill when it is known what the bracket holds.
    pub(super) hole: u32,
    /// How many operators of the expression enclose what stands left of them.
    pub(super) wraps: u32,
    /// The block of the header is PowerShell's: only its `foreach ($x in …)` is spelled so.
    pub(super) ps_block: bool,
    /// How many elements `@( … )` has so far.
    pub(super) elements: u32,
}

impl Frame {
    pub(super) fn new(kind: Kind, ps: bool, open: usize, close: u8) -> Self {
        let statements = kind.has_statements() || kind == Kind::Elements;
        Self {
            kind,
            ps,
            open: open as u32,
            close,
            prev: Prev::Start,
            fresh: if statements { Fresh::Statement } else { Fresh::Expression },
            statement: false,
            start: Mark::default(),
            end: open as u32,
            operators: 0,
            header: Header::None,
            header_names: NONE,
            tail: Tail::Value,
            block_tail: Tail::Value,
            pending: 0,
            names: 0,
            floor: NONE,
            closure: NONE,
            dollar: false,
            dollar_first: false,
            command: false,
            logic: false,
            key: matches!(kind, Kind::Map | Kind::Switch | Kind::Entries),
            listing: ps && matches!(kind, Kind::Group | Kind::Subject | Kind::Braced),
            after_do: false,
            hole: NONE,
            wraps: 0,
            ps_block: false,
            elements: 0,
        }
    }

    /// An operand may begin here.
    pub(super) fn expects_operand(&self) -> bool {
        matches!(self.prev, Prev::Start | Prev::Block | Prev::Closure)
    }
}
