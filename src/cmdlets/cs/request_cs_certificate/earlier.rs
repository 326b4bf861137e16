//! Requests that were made before: listed, asked about again, dropped.

use super::said::{ended, pending};
use super::{CA, REQUEST_ID, SPEC, account};
use crate::cmdlets::lookup::{request_number, requests_named};
use crate::cmdlets::params::{FORCE, report_unless_forced};
use crate::cmdlets::records::{CertificateReference, RequestRecord};
use crate::command::{Args, Invocation, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;
use crate::session::{Obtained, QUARANTINE_DAYS, Session};
use crate::state::{RequestRow, RequestStatus, Row, RowKey, Write};

pub(super) fn list(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    for row in chosen(session, args)? {
        cx.check_cancelled()?;
        let row = as_of_now(session, row)?;
        if row.status == RequestStatus::Revoked {
            report_unless_forced(cx, args, revoked(&row))?;
        }
        cx.emit(Value::object(RequestRecord::of(&row)))?;
    }
    Ok(())
}

pub(super) fn retrieve(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let by_number = args.has(&REQUEST_ID);
    let account = account(session, args)?;
    if account.is_some() && !by_number && !args.has(&CA) {
        let text = "`-CaAccount` needs `-RequestId` or `-CA`: a password is shown to one authority only";
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, text));
    }
    let rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    for row in rows {
        cx.check_cancelled()?;
        let row = as_of_now(session, row)?;
        match row.status {
            RequestStatus::Pending | RequestStatus::Submitting if row.ca.is_empty() => offline(cx, &row)?,
            RequestStatus::Pending | RequestStatus::Submitting => match ask_again(cx, args, row, account.as_ref()) {
                // One authority that does not answer does not keep the others.
                Err(error) if !by_number && !is_end(&error) => cx.report_error(error)?,
                other => other?,
            },
            RequestStatus::Revoked => report_unless_forced(cx, args, revoked(&row))?,
            RequestStatus::Issued | RequestStatus::Denied if !by_number => {}
            RequestStatus::Denied => {
                report_unless_forced(cx, args, denied(&row, &row.message))?;
            }
            RequestStatus::Issued => {
                cx.verbose(format!("request {} is issued already", request_number(&row)))?;
                emit_stored(cx, &row)?;
            }
        }
    }
    Ok(())
}

/// Whether an error ends the whole run.
fn is_end(error: &Error) -> bool {
    matches!(error.id(), ErrorId::Interrupted | ErrorId::TimedOut)
}

/// Nobody can be asked about a request file.
fn offline(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    let id = request_number(row);
    cx.warn_as(
        ErrorId::RequestPending.name(),
        format!("request {id} is a file, and its answer comes in with `Import-CsCertificate -Path FILE`"),
    )?;
    cx.emit(Value::object(RequestRecord::of(row)))
}

/// Says that a request was denied, and what now.
fn denied(row: &RequestRow, words: &str) -> Error {
    let id = request_number(row);
    Error::new(ErrorId::RequestDenied, format!("request {id} at `{}`: {words}", row.ca))
        .about(id.clone())
        .hint(format!("`Request-CsCertificate -New` asks anew, `-Clear -RequestId {id}` drops this one"))
}

fn emit_stored(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    let session = cx.session();
    let Some(fingerprint) = row.certificate else { return Ok(()) };
    let Some(stored) = session.stored(&fingerprint)? else { return Ok(()) };
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &stored)?))
}

fn ask_again(
    cx: &mut Invocation<'_>,
    args: &Args,
    row: RequestRow,
    account: Option<&(String, Secret)>,
) -> Result<()> {
    let session = cx.session();
    let (action, target) = ("Ask again about the request", format!("{} ({})", request_number(&row), row.subject));
    if cx.what_if() {
        return cx.tell_what_if(action, &target);
    }
    if !cx.confirm(action, &target)? {
        return Ok(());
    }
    let (asked, cancel) = (row.clone(), cx.cancel());
    match session.retrieve(row, account, &|| cancel.is_cancelled()).map_err(|e| ended(e, &cancel)) {
        Ok(Obtained::Issued(certificate, row)) => {
            let actual: Vec<String> =
                certificate.alternative_names().iter().map(|n| n.to_string().to_ascii_lowercase()).collect();
            for (name, reason) in asked.names.iter().filter(|(n, _)| !actual.contains(&n.to_ascii_lowercase())) {
                cx.warn_as("NamesDiffer", format!("the certificate lacks {name} ({reason})"))?;
            }
            cx.verbose(format!("request {} is issued: {}", request_number(&row), certificate.thumbprint()))?;
            emit_stored(cx, &row)
        }
        Ok(Obtained::Pending(row)) => pending(cx, &row),
        Err(error) if error.id() == ErrorId::RequestDenied => {
            report_unless_forced(cx, args, denied(&asked, error.message()))
        }
        Err(error) if error.id() == ErrorId::RequestRevoked => report_unless_forced(cx, args, revoked(&asked)),
        Err(error) => Err(error),
    }
}

pub(super) fn clear(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let by_number = args.has(&REQUEST_ID);
    let mut rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    // Of what is issued only the record can go, and only when it is asked for by number.
    rows.retain(|r| by_number || r.status != RequestStatus::Issued);
    if rows.is_empty() {
        cx.verbose("no request is pending")?;
    }
    for row in rows {
        let target = format!("{} ({})", request_number(&row), row.subject);
        if cx.what_if() {
            cx.tell_what_if("Drop the request", &target)?;
        } else if cx.confirm("Drop the request", &target)? {
            match drop_request(cx, row, args.on(&FORCE)) {
                // It was decided just now: what is issued is not thrown away unseen.
                Err(error) if error.id() == ErrorId::PlanStale => cx.report_error(error)?,
                other => other?,
            }
        }
    }
    if cx.what_if() {
        return Ok(());
    }
    match session.end_quarantines()? {
        0 => Ok(()),
        gone => cx.verbose(format!("removed {gone} keys that had been kept for {QUARANTINE_DAYS} days")),
    }
}

/// Drops the record of a request, and lets its key go.
fn drop_request(cx: &mut Invocation<'_>, row: RequestRow, is_final: bool) -> Result<()> {
    let session = cx.session();
    let id = request_number(&row);
    let change = serde_json::json!([{"request": row.id, "ca": row.ca}]);
    let key = session.key_let_go(&row, is_final)?;
    let has_key = key.is_some();
    let mut writes = vec![Write::replace(RowKey::Request(row.id), Some(Row::Request(row)), None)];
    writes.extend(key);
    session.record(SPEC.name, "Cleared", change, &writes)?;
    cx.verbose(format!("request {id} is dropped"))?;
    if !has_key {
        return Ok(());
    }
    cx.verbose(if is_final {
        "the key is gone: an answer that still comes cannot be used".to_owned()
    } else {
        format!("the key is kept for {QUARANTINE_DAYS} days: `Import-CsCertificate` joins an answer that still comes to it")
    })
}

/// The requests that `-RequestId` and `-CA` name.
fn chosen(session: &Session, args: &Args) -> Result<Vec<RequestRow>> {
    requests_named(session, args.get(&CA, session)?.as_deref(), args.get(&REQUEST_ID, session)?)
}

/// Says that a request was revoked, and what clears it.
fn revoked(row: &RequestRow) -> Error {
    let id = request_number(row);
    Error::new(ErrorId::RequestRevoked, format!("request {id} was revoked at `{}`", row.ca))
        .about(id.clone())
        .hint(format!("`Request-CsCertificate -Clear -RequestId {id}` drops it"))
}

/// The row as it stands today: an issued certificate may have been revoked since.
fn as_of_now(session: &Session, mut row: RequestRow) -> Result<RequestRow> {
    if row.status != RequestStatus::Issued || row.ca.is_empty() {
        return Ok(row);
    }
    let Some(stored) = row.certificate.map(|f| session.stored(&f)).transpose()?.flatten() else { return Ok(row) };
    let certificate = session.certificate_of(&stored)?;
    if session.is_revoked(&certificate, &stored)? {
        row.status = RequestStatus::Revoked;
    }
    Ok(row)
}
