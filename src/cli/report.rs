//! Errors on standard error: with their line of source and hints, or as JSON.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::format::{ErrorView, Frame, SourceText, error_json, render_error};

/// A text in which errors may lie.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file as the operator named it; `None` for a typed line.
    pub(super) file: Option<Arc<str>>,
    /// What stands in it.
    pub(super) text: Arc<str>,
}

/// How errors are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) json: bool,
    pub(super) color: bool,
    pub(super) width: usize,
}

/// An error as it is written to standard error, ended by a line end.
///
/// `secrets` gives the byte ranges of a source line that are not to be shown.
pub(super) fn render(
    error: &Error,
    source: Option<&Source>,
    frames: &[Frame],
    style: Style,
    secrets: &dyn Fn(&str) -> Vec<Range<usize>>,
) -> String {
    if style.json {
        return error_json(error) + "\n";
    }
    let file = error.position().and_then(|p| p.file.as_deref());
    let known = source.filter(|s| s.file.as_deref() == file).cloned();
    let source = known.or_else(|| configuration(file?));
    let shown = source.as_ref().map(|s| SourceText { file: s.file.as_deref(), text: &s.text });
    let view = ErrorView { color: style.color, width: style.width, detailed: false, secrets };
    render_error(error, shown.as_ref(), frames, &view)
}

/// The text of a configuration file that an error points into; other files may have changed since they were read.
fn configuration(file: &str) -> Option<Source> {
    if Path::new(file).extension().is_none_or(|e| e != "toml") {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    Some(Source { file: Some(file.into()), text: text.into() })
}
