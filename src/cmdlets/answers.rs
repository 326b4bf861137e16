//! The answer to a request, held against what was asked for: which names it lacks, and which nobody asked for.

use super::lookup::request_number;
use crate::command::Invocation;
use crate::error::Result;
use crate::model::{Certificate, HostName};
use crate::session::names_of;
use crate::state::RequestRow;

/// Warns of an answer that is for other names than were asked for.
///
/// # Errors
/// Where `-WarningAction` is `Stop`.
pub(super) fn warn_of_names(cx: &mut Invocation<'_>, request: &RequestRow, answer: &Certificate) -> Result<()> {
    let actual = names_of(answer);
    let missing: Vec<String> = request
        .names
        .iter()
        .filter(|(name, _)| !actual.iter().any(|a| stands_for(a, name)))
        .map(|(name, reason)| format!("{name} ({reason})"))
        .collect();
    let unexpected: Vec<&str> = actual
        .iter()
        .map(String::as_str)
        .filter(|a| !request.names.iter().any(|(name, _)| stands_for(a, name)))
        .collect();
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("missing: {}", missing.join("; ")));
    }
    if !unexpected.is_empty() {
        parts.push(format!("unexpected: {}", unexpected.join("; ")));
    }
    if parts.is_empty() {
        return Ok(());
    }
    let (id, parts) = (request_number(request), parts.join(". "));
    cx.warn_as("NamesDiffer", format!("the answer to request {id} is not for the names that were asked for; {parts}"))
}

/// Whether a name of a certificate is the one asked for, or a wildcard over it.
fn stands_for(actual: &str, asked: &str) -> bool {
    if actual.eq_ignore_ascii_case(asked) {
        return true;
    }
    let parsed = |text: &str| HostName::with_underscores(text).ok();
    parsed(actual).zip(parsed(asked)).is_some_and(|(actual, asked)| actual.covers(&asked))
}
