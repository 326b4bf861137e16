//! What is said of a request: its names before it is made, those that came, and that it waits.

use crate::cmdlets::lookup::request_number;
use crate::cmdlets::records::RequestRecord;
use crate::command::{Cancel, Invocation, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ComputedNames, RequestedName, names};
use crate::state::RequestRow;

pub(super) fn say_computed(cx: &mut Invocation<'_>, computed: &ComputedNames) -> Result<()> {
    cx.verbose(match &computed.subject {
        Some(name) => format!("Computed subject: CN={name}"),
        None => "Computed subject: none".to_owned(),
    })?;
    cx.verbose(format!("Computed alternative names: {}", computed.comma_list()))?;
    if let Some(name) = &computed.too_long_for_subject {
        cx.warn(format!("`{name}` has more than 64 characters: the certificate has no common name"))?;
    }
    for name in &computed.names {
        if matches!(&name.name, RequestedName::Dns(host) if host.has_underscore()) {
            cx.warn(format!("`{}` has an underscore: only a private authority certifies such names", name.name))?;
        }
    }
    Ok(())
}

/// The seed's complaint: every missing and every unexpected name, with its reason.
pub(super) fn compare(cx: &mut Invocation<'_>, certificate: &Certificate, computed: &ComputedNames) -> Result<()> {
    let actual: Vec<String> = certificate.alternative_names().iter().map(ToString::to_string).collect();
    let difference = names::difference(computed, &actual);
    if difference.is_empty() {
        return Ok(());
    }
    cx.verbose("The computed and the actual alternative names differ")?;
    cx.verbose(format!("Computed alternative names: {}", computed.comma_list()))?;
    cx.verbose(format!("Actual alternative names: {}", actual.join(",")))?;
    let mut parts = Vec::new();
    if !difference.missing.is_empty() {
        let missing: Vec<String> = difference.missing.iter().map(|m| format!("{} ({})", m.name, m.reason)).collect();
        parts.push(format!("missing: {}", missing.join("; ")));
    }
    if !difference.unexpected.is_empty() {
        let unexpected: Vec<String> =
            difference.unexpected.iter().map(|name| format!("{name} (no rule of these uses asks for it)")).collect();
        parts.push(format!("unexpected: {}", unexpected.join("; ")));
    }
    cx.warn_as(
        "NamesDiffer",
        format!(
            "the certificate's names are not the computed ones; {}. When an authority ignores a request's names, its template \
             builds the subject",
            parts.join(". ")
        ),
    )
}

pub(super) fn pending(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    if !row.ca.is_empty() {
        let id = request_number(row);
        cx.warn_as(
            ErrorId::RequestPending.name(),
            format!("request {id} is pending at `{}`: {}; `Request-CsCertificate -Retrieve` asks again", row.ca, row.message),
        )?;
    }
    cx.emit(Value::object(RequestRecord::of(row)))
}

/// Whether it was the operator or the time limit that ended the wait for an authority.
pub(super) fn ended(error: Error, cancel: &Cancel) -> Error {
    if error.id() == ErrorId::Interrupted { cancel.check().err().unwrap_or(error) } else { error }
}
