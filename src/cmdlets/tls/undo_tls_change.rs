//! `Undo-TlsChange`: back to what was assigned before a change, proven like any other change.

use crate::cmdlets::assigning::say_proofs;
use crate::cmdlets::params::{CertTypes, FORCE};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::session::{Change, Session};

static ID: Param<i64> = Param::named("Id", "The number of the change, as `Get-TlsChange` shows it")
    .at(0)
    .sets(&["Id"])
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName);
static TYPE: Param<CertTypes> =
    Param::named("Type", "The last change that touched one of these uses").sets(&["Last"]).default_text("any use");

pub(crate) static SPEC: Spec = Spec {
    name: "Undo-TlsChange",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Put the assignments of a change back to what they were before it",
    description: "Takes the last change of assignments, or the one with the number of -Id, and assigns to each of its uses what \
                  it had before; a use that had nothing loses its certificate. It is a change like any other: it is proven \
                  by handshakes, put back when the proof fails, and stands in the log, so that it can be undone as well.\n\n\
                  It is refused when a certificate from before is expired or ends within 24 hours, is banned or revoked, \
                  is not stored any more or has lost its key, and when a use was changed again since.",
    sets: &["Last", "Id"],
    parameters: &[&ID.spec, &TYPE.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Remove-CsCertificate -Type WebServicesExternal -Force; Undo-TlsChange",
            says: "Brings a certificate back that was taken away by mistake",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Undo-TlsChange -Id 1",
            says: "Is refused for a line of the log that assigned nothing",
            expect: Expect::Fails(ErrorId::PathNotFound),
        },
        Example {
            line: "Get-TlsChange -Last 1 | Undo-TlsChange -WhatIf",
            says: "Shows what undoing the last change would do",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-TlsChange", "Set-CsCertificate", "Get-TlsStatus", "about_renewal"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let change = chosen(session, args)?;
    let plan = session.plan_undo(&change)?;
    let shown = format!("{} of {}", change.verb, change.time.in_zone(&session.zone()));
    cx.verbose(format!("undoes change {}: {shown} by {}", change.id, change.principal))?;
    if change.verb == SPEC.name && args.get(&ID, session)?.is_none() {
        let text = format!(
            "change {} is itself an undo: what it took back comes into force again; `Get-TlsChange` lists the changes, and \
             `Undo-TlsChange -Id …` undoes an earlier one",
            change.id
        );
        cx.warn_as("UndoOfUndo", text)?;
    }
    for altered in &change.assignments {
        if altered.before.as_ref().is_none_or(|row| row.certificate.is_none())
            && altered.after.as_ref().is_some_and(|row| row.certificate.is_some())
            && session.heir(&altered.key)?.is_none()
        {
            let name = &altered.key.use_name;
            cx.warn_as("UseLosesCertificate", format!("`{name}` had no certificate before that change: it loses what it has"))?;
        }
    }
    if !cx.what_if() && !cx.confirm(&format!("Undo change {}", change.id), &shown)? {
        return Ok(());
    }
    let receipt = session.commit(plan, cx)?;
    if !receipt.done {
        return Ok(());
    }
    say_proofs(cx, &receipt)?;
    cx.note_exit(receipt.exit());
    for altered in &change.assignments {
        for assigned in session.assigned(Some(&altered.key.scope))?.iter().filter(|a| a.key == altered.key) {
            if let Some(reference) = CertificateReference::assigned(session, assigned)? {
                cx.emit(Value::object(reference))?;
            }
        }
    }
    Ok(())
}

fn chosen(session: &Session, args: &Args) -> Result<Change> {
    if let Some(id) = args.get(&ID, session)? {
        let number = u64::try_from(id).ok().filter(|n| *n > 0).ok_or_else(|| {
            Error::new(ErrorId::ParameterArgumentValidationError, format!("`{id}` is no number of a change"))
                .about(id.to_string())
                .hint("`Get-TlsChange` lists the changes with their numbers")
        })?;
        return session.change(number);
    }
    let uses = args.get(&TYPE, session)?.map(|types| types.0).unwrap_or_default();
    session.last_change(&uses.iter().map(|u| u.as_str().to_owned()).collect::<Vec<_>>())
}
