//! The other members of the pool: whether what their sites have bound is what this computer has.

use super::{Finding, Light};
use crate::cmdlets::lookup::{set_verb, thumbprint_of};
use crate::error::Result;
use crate::model::UseName;
use crate::session::Session;

/// Each member on which a use has another certificate, with the line that makes them the same: the one that ends last
/// is the one to have.
pub(super) fn behind(session: &Session) -> Result<Vec<Finding>> {
    let topology = session.topology()?;
    let local = topology.local_computer()?;
    let zone = session.zone();
    let mut findings = Vec::new();
    for group in session.renewal_groups()? {
        let Some((ours, _)) = &group.old else { continue };
        // What is wrong with it is told of by itself, and is not to be spread.
        if ours.not_after <= session.now() || session.spoiled(&group.fingerprint)?.is_some() {
            continue;
        }
        let uses = group.uses().iter().map(|name| name.parse()).collect::<Result<Vec<UseName>>>()?;
        for member in session.differing_members(local, &uses, group.fingerprint)? {
            let names: Vec<&str> = member.uses.iter().map(UseName::as_str).collect();
            let (types, other) = (names.join(","), &member.computer);
            let what = format!("{other} ({})", names.join(", "));
            let set = format!("{} -Type {types} -Thumbprint", set_verb(&topology, &member.uses));
            let mine = ours.thumbprint;
            let ahead = format!("{set} {mine} -Identity {other}");
            let Some(theirs) = member.bound.first() else {
                let why = format!("no certificate is bound on this member of the pool; this computer has `{mine}`");
                findings.push(Finding::new(Light::Amber, "MemberBehind", what, why).remedy(ahead));
                continue;
            };
            let shown = thumbprint_of(session, theirs)?;
            let end = session.stored(theirs)?.map(|row| row.not_after);
            let finding = if let Some(error) = session.unworthy(theirs)? {
                let why = format!("this member of the pool is behind: {error}; this computer has `{mine}`");
                Finding::new(Light::Red, "MemberBehind", what, why).by(end).remedy(ahead)
            } else if let Some(end) = end.filter(|end| *end > ours.not_after) {
                let end = end.in_zone(&zone);
                let why = format!("this member of the pool has `{shown}`, good until {end}; this computer is behind with `{mine}`");
                Finding::new(Light::Amber, "MemberAhead", what, why).by(ours.not_after).remedy(format!("{set} {shown}"))
            } else {
                let why = format!("this member of the pool is behind with `{shown}`; this computer has `{mine}`");
                Finding::new(Light::Amber, "MemberBehind", what, why).by(end).remedy(ahead)
            };
            findings.push(finding.about(shown));
        }
    }
    Ok(findings)
}
