//! What the lowering asks about verbs and their parameters.

/// The verbs that exist, their aliases and their parameters, as the registry declares them.
///
/// Every name is looked up without regard to case, and answers are in canonical spelling.
pub(crate) trait Words {
    /// Finds a verb by its full name: `get-cscertificate` is `Get-CsCertificate`.
    fn verb(&self, word: &str) -> Option<&str>;

    /// Finds the verb behind an alias that may stand after a bar, or at the begin of a command: `dir`, `%`, `?`, `where`, `select`, `sort`, `ft`, `fl`.
    fn alias(&self, word: &str) -> Option<&str>;

    /// Finds a parameter by exact name, alias or unique prefix; `name` comes without its dash.
    fn parameter(&self, verb: &str, name: &str) -> ParameterLookup<'_>;

    /// How many positional values the verb declares; `None` is any number.
    fn positions(&self, verb: &str) -> Option<usize>;

    /// Whether the verb takes a script block, as `Where-Object` and `ForEach-Object` do.
    fn takes_block(&self, verb: &str) -> bool;
}

/// The answer to a parameter word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParameterLookup<'a> {
    /// Exactly one parameter is meant.
    Found(Parameter<'a>),
    /// None is; `near` are the ones to offer.
    Unknown {
        /// Names without their dash, best first.
        near: Vec<&'a str>,
    },
    /// The abbreviation fits several.
    Ambiguous {
        /// Names without their dash.
        candidates: Vec<&'a str>,
    },
}

/// One parameter of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'a> {
    /// Canonical name without its dash.
    pub name: &'a str,
    /// Takes no value: `-Verbose`, or `-Verbose:$false`.
    pub switch: bool,
    /// Its value must never be shown.
    pub secret: bool,
}
