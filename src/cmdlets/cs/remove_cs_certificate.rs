//! `Remove-CsCertificate`: take a certificate away from uses; it stays in the store.

use super::set_cs_certificate::say_proofs;
use crate::cmdlets::params::{CertTypes, FORCE, IDENTITY, NETPORT_ID, REPORT, Report, scope};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::UseName;
use crate::session::{Assigned, Deployment, Plan};
use crate::state::{AssignmentRow, Row, RowKey, Write};

static TYPE: Param<CertTypes> = Param::named("Type", "The uses that lose their certificate").default_text("all that are assigned");
static SCOPE: Param<String> = Param::named("Identity", IDENTITY.spec.help).at(0);
static PREVIOUS: Param<Switch> = Param::named("Previous", "Forget the previous certificate instead of the present one");

pub(crate) static SPEC: Spec = Spec {
    name: "Remove-CsCertificate",
    twin: Some("Remove-TlsCertificate"),
    aliases: &[],
    functions: &["remove_certificate"],
    synopsis: "Take a certificate away from uses",
    description: "Drops the assignment and takes the certificate off the bindings that serve the use. The certificate itself \
                  and its key stay in the store, so that `Set-CsCertificate` can bring it back.",
    sets: &[],
    parameters: &[&TYPE.spec, &SCOPE.spec, &PREVIOUS.spec, &NETPORT_ID.spec, &FORCE.spec, &REPORT.spec],
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
    let session = cx.session();
    let report = Report::open(session, args)?;
    let scope = scope(args.get(&SCOPE, session)?.as_deref())?;
    let types = args.get(&TYPE, session)?;
    let topology = session.topology()?;
    let computer = topology.local_computer()?.as_str().to_ascii_lowercase();
    let own_scope = scope.map_or(computer, ToOwned::to_owned);
    let assigned: Vec<Assigned> = session.assigned(Some(&own_scope))?;
    if let Some(types) = &types {
        for wanted in &types.0 {
            if !assigned.iter().any(|a| a.key.use_name == wanted.as_str()) {
                cx.report_error(
                    Error::new(ErrorId::NotAssigned, format!("nothing is assigned for `{wanted}`")).about(wanted.as_str()),
                )?;
            }
        }
    }
    let previous = args.on(&PREVIOUS);
    let mut plan = Plan::default();
    let mut lines = Vec::new();
    for one in assigned {
        let use_name: UseName = one.key.use_name.parse()?;
        if types.as_ref().is_some_and(|t| !t.0.contains(&use_name)) {
            continue;
        }
        let action = if previous { "Forget the previous certificate" } else { "Remove the certificate" };
        if !cx.what_if() && !args.on(&FORCE) && !cx.confirm(action, use_name.as_str())? {
            continue;
        }
        plan.line(action, use_name.as_str());
        lines.push(format!("{use_name}: {action}"));
        let key = RowKey::Assignment(one.key.clone());
        let old = Some(Row::Assignment(one.row.clone()));
        if previous {
            let row = AssignmentRow { previous: None, updated: session.now(), ..one.row };
            plan.rows.push(Write::replace(key, old, Some(Row::Assignment(row))));
            continue;
        }
        plan.rows.push(Write::replace(key, old, None));
        for place in session.places_of(&use_name)? {
            for slot in place.slots() {
                let binding = place.key(slot);
                plan.line("Take the certificate off", format!("{} {}", binding.site, binding.information));
                plan.deployments.push(Deployment { binding, use_name: use_name.as_str().to_owned(), certificate: None });
            }
        }
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
    report.finish(session, cx, SPEC.name, &lines)
}
