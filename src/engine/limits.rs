//! How much a script may use before it is stopped.

use rhai::Engine as Rhai;

/// The bounds of one run; reaching one is `LimitExceeded`, which no script can catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Script operations; 0 is without limit. They also bound the memory of maps that grow unseen.
    pub operations: u64,
    /// Nested function calls, script blocks included.
    pub call_levels: usize,
    /// Bytes of one text.
    pub string_size: usize,
    /// Elements of one list, those of lists in it included; also what a pipeline stage may hold back.
    pub array_size: usize,
    /// Entries of one map.
    pub map_size: usize,
    /// Modules that one run imports.
    pub modules: usize,
    /// Variables in scope at one time.
    pub variables: usize,
    /// Nested brackets and operators of one expression.
    pub expression_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 25_000_000,
            call_levels: 48,
            string_size: 16 << 20,
            array_size: 1_000_000,
            map_size: 100_000,
            modules: 256,
            variables: 4096,
            expression_depth: 256,
        }
    }
}

impl Limits {
    /// Lays the limits on a Rhai engine.
    pub(super) fn apply(&self, engine: &mut Rhai) {
        engine
            .set_max_operations(self.operations)
            .set_max_call_levels(self.call_levels)
            .set_max_string_size(self.string_size)
            .set_max_array_size(self.array_size)
            .set_max_map_size(self.map_size)
            .set_max_modules(self.modules)
            .set_max_variables(self.variables)
            .set_max_expr_depths(self.expression_depth, self.expression_depth);
    }
}
