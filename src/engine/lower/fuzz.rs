//! The property that holds for every text, as a target for a fuzzer.

use super::sample::Sample;
use super::{LowerFailure, lower, unknown_verbs};
use crate::model::Position;

/// Lowers arbitrary bytes and asserts what holds for every text: no panic, as many lines as before,
/// and every position inside the source.
///
/// # Panics
///
/// When the property does not hold.
pub fn fuzz_one(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let lines: Vec<u32> = source.split('\n').map(|line| line.chars().count() as u32).collect();
    let inside = |line: u32, column: u32| {
        let length = lines.get((line as usize).wrapping_sub(1));
        assert!(
            column >= 1 && length.is_some_and(|length| column <= length + 1),
            "{line}:{column} lies outside of {source:?}"
        );
    };
    let place = |position: &Position| inside(position.line, position.column);
    match lower(&source, None, &Sample, &["known", "Cert"]) {
        Ok(lowered) => {
            assert_eq!(
                lowered.text.split('\n').count(),
                lines.len(),
                "{source:?} has other lines than {:?}",
                lowered.text
            );
            for (number, line) in lowered.text.split('\n').enumerate() {
                for column in 1..=line.chars().count() as u32 + 1 {
                    let (line, column) = lowered.map.original(number as u32 + 1, column);
                    inside(line, column);
                }
            }
            for command in &lowered.commands {
                place(&command.position);
                for argument in &command.arguments {
                    place(&argument.position);
                    for value in &argument.values {
                        place(&value.position);
                    }
                }
            }
        }
        Err(LowerFailure::Incomplete(error)) => place(error.position().expect("every error has a place")),
        Err(LowerFailure::Errors(errors)) => {
            assert!(!errors.is_empty());
            for error in &errors {
                place(error.position().expect("every error has a place"));
            }
        }
    }
    for (_, position) in unknown_verbs(&source, None, &Sample) {
        place(&position);
    }
}
