//! Golden tests of the lowering: what each rule makes of a line.

mod golden;
mod identity;

use super::sample::Sample;
use super::{LowerFailure, Lowered, lower};

/// Lowers a text that must lower, and proves that Rhai takes the result.
pub(super) fn lowered(source: &str) -> Lowered {
    let lowered = match lower(source, None, &Sample, &[]) {
        Ok(lowered) => lowered,
        Err(failure) => panic!("{source}\n{failure:?}"),
    };
    assert_eq!(source.matches('\n').count(), lowered.text.matches('\n').count(), "{source}\n{}", lowered.text);
    if let Err(error) = engine().compile(&lowered.text) {
        panic!("{error}\n{source}\n{}", lowered.text);
    }
    lowered
}

/// The ids, columns and widths of a text's errors.
pub(super) fn errors(source: &str) -> Vec<String> {
    match lower(source, None, &Sample, &[]) {
        Err(LowerFailure::Errors(errors)) => errors
            .iter()
            .map(|error| {
                let position = error.position().expect("every error has a place");
                format!("{} {}:{}+{}", error.id(), position.line, position.column, position.width)
            })
            .collect(),
        other => panic!("{source}\n{other:?}"),
    }
}

pub(super) fn is_incomplete(source: &str) -> bool {
    matches!(lower(source, None, &Sample, &[]), Err(LowerFailure::Incomplete(_)))
}

pub(super) fn engine() -> rhai::Engine {
    let mut engine = rhai::Engine::new_raw();
    engine.set_max_expr_depths(256, 256);
    engine
}
