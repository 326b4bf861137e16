//! Something wrong in the text, before its place is turned into line and column.

use crate::error::ErrorId;

/// An error at a byte range of the source.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) id: ErrorId,
    pub(super) message: String,
    pub(super) target: Option<String>,
    pub(super) hints: Vec<String>,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Fault {
    pub(super) fn new(id: ErrorId, message: impl Into<String>, start: usize, end: usize) -> Self {
        Self { id, message: message.into(), target: None, hints: Vec::new(), start: start as u32, end: end as u32 }
    }

    pub(super) fn about(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
