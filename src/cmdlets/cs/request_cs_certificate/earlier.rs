//! Requests that were made before: listed, asked about again, dropped.

use super::said::{ended, pending};
use super::{CA, REQUEST_ID, SPEC};
use crate::cmdlets::lookup::{request_number, requests_named};
use crate::cmdlets::params::{FORCE, report_unless_forced};
use crate::cmdlets::records::{CertificateReference, RequestRecord};
use crate::command::{Args, Invocation, Value};
use crate::error::{Error, ErrorId, Result};
use crate::session::{Obtained, Session};
use crate::state::{CertificateQuery, RequestRow, RequestStatus, Row, RowKey, Write};

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
    let rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    for row in rows {
        cx.check_cancelled()?;
        let row = as_of_now(session, row)?;
        match row.status {
            RequestStatus::Pending | RequestStatus::Submitting => ask_again(cx, args, row)?,
            RequestStatus::Revoked => report_unless_forced(cx, args, revoked(&row))?,
            RequestStatus::Issued | RequestStatus::Denied if !by_number => {}
            RequestStatus::Denied => {
                let text = format!("the request was denied: {}", row.message);
                report_unless_forced(cx, args, Error::new(ErrorId::RequestDenied, text).about(row.ca.clone()))?;
            }
            RequestStatus::Issued => {
                cx.verbose(format!("request {} is issued already", request_number(&row)))?;
                emit_stored(cx, &row)?;
            }
        }
    }
    Ok(())
}

fn emit_stored(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    let session = cx.session();
    let Some(fingerprint) = row.certificate else { return Ok(()) };
    let Some(stored) = session.stored(&fingerprint)? else { return Ok(()) };
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &stored)?))
}

fn ask_again(cx: &mut Invocation<'_>, args: &Args, row: RequestRow) -> Result<()> {
    let session = cx.session();
    let (action, target) = ("Ask again about the request", format!("{} ({})", request_number(&row), row.subject));
    if cx.what_if() {
        return cx.tell_what_if(action, &target);
    }
    if !cx.confirm(action, &target)? {
        return Ok(());
    }
    let (names, cancel) = (row.names.clone(), cx.cancel());
    match session.retrieve(row, &|| cancel.is_cancelled()).map_err(|e| ended(e, &cancel)) {
        Ok(Obtained::Issued(certificate, row)) => {
            let actual: Vec<String> =
                certificate.alternative_names().iter().map(|n| n.to_string().to_ascii_lowercase()).collect();
            for (name, reason) in names.iter().filter(|(n, _)| !actual.contains(&n.to_ascii_lowercase())) {
                cx.warn_as("NamesDiffer", format!("the certificate lacks {name} ({reason})"))?;
            }
            cx.verbose(format!("request {} is issued: {}", request_number(&row), certificate.thumbprint()))?;
            emit_stored(cx, &row)
        }
        Ok(Obtained::Pending(row)) => pending(cx, &row),
        Err(error) if matches!(error.id(), ErrorId::RequestDenied | ErrorId::RequestRevoked) => {
            report_unless_forced(cx, args, error)
        }
        Err(error) => Err(error),
    }
}

/// How long the key of a cleared request is kept: its answer may still come.
const QUARANTINE_DAYS: i64 = 30;

pub(super) fn clear(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let by_number = args.has(&REQUEST_ID);
    let mut rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    // Of what is issued only the record can go, and only when it is asked for by number.
    rows.retain(|r| by_number || r.status != RequestStatus::Issued);
    if rows.is_empty() {
        return cx.verbose("no request is pending");
    }
    for row in rows {
        let target = format!("{} ({})", request_number(&row), row.subject);
        if cx.what_if() {
            cx.tell_what_if("Drop the request", &target)?;
            continue;
        }
        if !cx.confirm("Drop the request", &target)? {
            continue;
        }
        let mut writes = vec![Write::remove(RowKey::Request(row.id))];
        if let Some(write) = orphan(cx, &row, args.on(&FORCE))? {
            writes.push(write);
        }
        let change = serde_json::json!([{"request": row.id, "ca": row.ca}]);
        session.record(SPEC.name, "Cleared", change, &writes)?;
    }
    Ok(())
}

/// What becomes of the key of a request that is dropped: nothing where a stored certificate has it.
fn orphan(cx: &mut Invocation<'_>, row: &RequestRow, is_final: bool) -> Result<Option<Write>> {
    let session = cx.session();
    let state = session.state()?;
    let query = CertificateQuery { key: Some(row.key), limit: Some(1), ..CertificateQuery::default() };
    let key = RowKey::Key(row.key);
    let Some(Row::Key(kept)) = state.row(&key)? else { return Ok(None) };
    if !state.certificates(&query)?.is_empty() {
        return Ok(None);
    }
    let old = Row::Key(kept.clone());
    if is_final {
        cx.verbose("the key is gone: an answer that still comes cannot be used")?;
        return Ok(Some(Write::replace(key, Some(old), None)));
    }
    let mut kept = kept;
    kept.quarantined_until = Some(session.now().plus_days(QUARANTINE_DAYS));
    cx.verbose(format!("the key is kept for {QUARANTINE_DAYS} days: the answer may still come"))?;
    Ok(Some(Write::replace(key, Some(old), Some(Row::Key(kept)))))
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
