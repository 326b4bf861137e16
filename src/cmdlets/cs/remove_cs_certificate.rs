//! `Remove-CsCertificate`: take a certificate away from uses; it stays in the store.

use crate::cmdlets::assigning::say_proofs;
use crate::cmdlets::params::{CertTypes, FORCE, IDENTITY, NETPORT_ID, REPORT, Scope, report_unless_forced, scope};
use crate::cmdlets::report::reported;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Fingerprint, Slot, UseName, UseScope};
use crate::session::{Assigned, Deployment, GLOBAL, Plan, Session};
use crate::state::{AssignmentRow, Row, RowKey, Write};

static TYPE: Param<CertTypes> = Param::named("Type", "The uses that lose their certificate").default_text("all that are assigned");
static SCOPE: Param<String> = Param::named("Identity", IDENTITY.spec.help).at(0);
static PREVIOUS: Param<Switch> = Param::named("Previous", "Forget the previous certificate instead of the present one");
static STAGED: Param<Switch> = Param::named("Staged", "Forget the staged certificate instead of the present one");

pub(crate) static SPEC: Spec = Spec {
    name: "Remove-CsCertificate",
    twin: Some("Remove-TlsCertificate"),
    aliases: &[],
    functions: &["remove_certificate"],
    synopsis: "Take a certificate away from uses",
    description: "Drops the assignment and takes the certificate off the bindings that serve the use. The certificate itself \
                  and its key stay in the store, so that `Set-CsCertificate` can bring it back. Where a global assignment \
                  was hidden by the one taken away, its certificate takes over.\n\nIt asks before it takes a certificate away, \
                  once for all where no `-Type` is given. `-Previous` forgets the certificate before the present one, \
                  `-Staged` the one that was to take over; both change no binding.",
    sets: &[],
    parameters: &[&TYPE.spec, &SCOPE.spec, &PREVIOUS.spec, &STAGED.spec, &NETPORT_ID.spec, &FORCE.spec, &REPORT.spec],
    input: Input::None,
    emits: None,
    changes: Impact::High,
    examples: &[
        Example {
            line: "Remove-CsCertificate -Type WebServicesExternal -Force",
            says: "Takes the certificate off the external web site without asking",
            expect: Expect::Changes(0),
        },
        Example {
            line: "Remove-CsCertificate -Type WebServicesExternal -WhatIf",
            says: "Shows what would be taken away",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-CsCertificate", "Set-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, remove)
}

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Present,
    Previous,
    Staged,
}

impl What {
    fn action(self) -> &'static str {
        match self {
            Self::Present => "Remove the certificate",
            Self::Previous => "Forget the previous certificate",
            Self::Staged => "Forget the staged certificate",
        }
    }

    fn of(self, row: &AssignmentRow) -> Option<Fingerprint> {
        match self {
            Self::Present => row.certificate.or(row.staged.map(|(f, _)| f)),
            Self::Previous => row.previous,
            Self::Staged => row.staged.map(|(f, _)| f),
        }
    }
}

fn remove(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let what = match (args.on(&PREVIOUS), args.on(&STAGED)) {
        (true, true) => {
            let text = "`-Previous` and `-Staged` exclude each other";
            return Err(Error::new(ErrorId::ParameterArgumentValidationError, text).about("-Staged"));
        }
        (true, false) => What::Previous,
        (false, true) => What::Staged,
        (false, false) => What::Present,
    };
    let scope = scope(session, args.get(&SCOPE, session)?.as_deref())?;
    let types = args.get(&TYPE, session)?.map(|t| t.0);
    session.policy()?.check_change()?;
    let mut chosen = in_scope(session, scope)?;
    chosen.retain(|a| what.of(&a.row).is_some());
    if let Some(types) = &types {
        for wanted in types.iter().filter(|t| !chosen.iter().any(|a| a.key.use_name == t.as_str())) {
            report_unless_forced(cx, args, not_assigned(session, what, wanted)?)?;
        }
        chosen.retain(|a| types.iter().any(|t| a.key.use_name == t.as_str()));
    } else if chosen.is_empty() {
        let text = match what {
            What::Present => "no use has a certificate to be taken away",
            What::Previous => "no previous certificate is known for any use",
            What::Staged => "no certificate is staged for any use",
        };
        let error = Error::new(ErrorId::NotAssigned, text);
        report_unless_forced(cx, args, error)?;
    }
    if chosen.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = chosen.iter().map(|a| a.key.use_name.clone()).collect();
    if !cx.what_if() && types.is_none() {
        // All of them are one question.
        if !cx.confirm(what.action(), &names.join(", "))? {
            return Ok(());
        }
    }
    let mut plan = Plan::default();
    for one in chosen {
        if types.is_some() && !cx.what_if() && !cx.confirm(what.action(), &one.key.use_name)? {
            continue;
        }
        plan_one(session, what, &one, &mut plan)?;
    }
    if plan.lines.is_empty() {
        return Ok(());
    }
    let receipt = session.commit(plan, cx)?;
    if !receipt.done {
        return Ok(());
    }
    say_proofs(cx, &receipt)?;
    cx.note_exit(receipt.exit());
    Ok(())
}

/// The assignments that `-Identity` means; without it, this computer's own and those of uses that are global by nature.
fn in_scope(session: &Session, scope: Scope) -> Result<Vec<Assigned>> {
    match scope {
        Scope::Global => session.assigned(Some(GLOBAL)),
        Scope::Computer(computer) => session.assigned(Some(&computer.as_str().to_ascii_lowercase())),
        Scope::Unsaid => {
            let local = session.local_scope()?;
            let topology = session.topology()?;
            let mut found = session.assigned(None)?;
            found.retain(|a| {
                let is_global =
                    topology.uses.iter().any(|u| u.name.as_str() == a.key.use_name && u.scope == UseScope::Global);
                a.key.scope == local || is_global
            });
            Ok(found)
        }
    }
}

fn not_assigned(session: &Session, what: What, wanted: &UseName) -> Result<Error> {
    let text = match what {
        What::Present => format!("nothing is assigned for `{wanted}`"),
        What::Previous => format!("no previous certificate is known for `{wanted}`"),
        What::Staged => format!("no certificate is staged for `{wanted}`"),
    };
    let error = Error::new(ErrorId::NotAssigned, text).about(wanted.as_str());
    let has = |found: Vec<Assigned>| found.iter().any(|a| a.key.use_name == wanted.as_str() && what.of(&a.row).is_some());
    let scopes = [(GLOBAL.to_owned(), GLOBAL), (session.local_scope()?, "local")];
    for (scope, word) in scopes {
        if has(session.assigned(Some(&scope))?) {
            let switch = match what {
                What::Present => "",
                What::Previous => " -Previous",
                What::Staged => " -Staged",
            };
            let line = format!("Remove-CsCertificate -Type {wanted}{switch} -Identity {word}");
            return Ok(error.hint(format!("there is one of the scope `{word}`: `{line}`")));
        }
    }
    Ok(error)
}

fn plan_one(session: &Session, what: What, one: &Assigned, plan: &mut Plan) -> Result<()> {
    let use_name: UseName = one.key.use_name.parse()?;
    plan.line(what.action(), use_name.as_str());
    let key = RowKey::Assignment(one.key.clone());
    let old = Some(Row::Assignment(one.row.clone()));
    let changed = AssignmentRow { updated: session.now(), ..one.row.clone() };
    let new = match what {
        What::Present => None,
        What::Previous => Some(AssignmentRow { previous: None, ..changed }),
        What::Staged => Some(AssignmentRow { staged: None, ..changed }),
    };
    // A row without any certificate says nothing.
    let new = new.filter(|row| row.certificate.is_some() || row.staged.is_some());
    plan.rows.push(Write::replace(key, old, new.map(Row::Assignment)));
    if what != What::Present || session.is_hidden(&one.key)? {
        return Ok(());
    }
    let heir = session.heir(&one.key)?;
    for place in session.reachable_places(&one.key.scope, &use_name)? {
        for slot in place.slots().into_iter().filter(|s| one.key.slot == Slot::Any || *s == one.key.slot) {
            let binding = place.key(slot);
            let target = format!("{} {}", binding.site, binding.information);
            plan.line(if heir.is_some() { "Bind the global certificate" } else { "Take the certificate off" }, target);
            plan.deployments.push(Deployment { binding, use_name: use_name.as_str().to_owned(), certificate: heir });
        }
    }
    Ok(())
}
