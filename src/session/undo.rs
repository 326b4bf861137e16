//! Back to what was assigned before a change, as a change of its own.

use super::changes::Change;
use super::{Deployment, Plan, Session};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, KeyAlgorithm, Slot, UseName};
use crate::state::{AssignmentKey, AssignmentRow, Row, RowKey, Write};

impl Session {
    /// The last change of assignments that came into force and touched one of these uses; any use with an empty list.
    ///
    /// # Errors
    /// `NotAssigned` where the log holds none, `StoreUnavailable`.
    pub(crate) fn last_change(&self, uses: &[String]) -> Result<Change> {
        let touches = |c: &Change| {
            uses.is_empty()
                || c.assignments.iter().any(|a| uses.iter().any(|u| u.eq_ignore_ascii_case(&a.key.use_name)))
        };
        let found = self.changes(1, |c| c.took_effect() && touches(c))?.pop();
        found.ok_or_else(|| {
            Error::new(ErrorId::NotAssigned, "the log holds no change of assignments that could be undone").hint(
                "`Get-TlsChange` lists the changes; `Set-CsCertificate -Type … -Thumbprint …` assigns another one",
            )
        })
    }

    /// The plan that puts every assignment of a change back to what it was before.
    ///
    /// # Errors
    /// `PolicyRefused` for a change that never came into force; `PlanStale` where a use was changed again since, naming
    /// the later change; what [`Session::unworthy`] says of a certificate that must not come back.
    pub(crate) fn plan_undo(&self, change: &Change) -> Result<Plan> {
        if !change.took_effect() {
            return Err(Error::new(
                ErrorId::PolicyRefused,
                format!("change {} ended as {}: there is nothing to undo", change.id, change.outcome),
            )
            .about(change.id.to_string())
            .hint("`Get-TlsChange` lists the changes"));
        }
        let state = self.state()?;
        let mut plan = Plan::default();
        for altered in &change.assignments {
            let row_key = RowKey::Assignment(altered.key.clone());
            let now = state.row(&row_key)?;
            let current = match &now {
                Some(Row::Assignment(row)) => Some(row),
                _ => None,
            };
            if !is_same(current, altered.after.as_ref()) {
                return Err(self.changed_since(change, &altered.key.use_name));
            }
            let old = altered.before.as_ref().and_then(|row| row.certificate);
            let certificate = match old {
                None => None,
                Some(fingerprint) => {
                    if let Some(why) = self.unworthy(&fingerprint)? {
                        return Err(why.hint(format!(
                            "request a new one instead: `Request-CsCertificate -New -Type {0} | Set-CsCertificate -Type {0}`",
                            altered.key.use_name
                        )));
                    }
                    self.stored(&fingerprint)?.map(|row| self.certificate_of(&row)).transpose()?
                }
            };
            // What was to take over meanwhile has had its moment.
            let staged = altered.before.as_ref().and_then(|row| row.staged).filter(|(_, at)| *at > self.now());
            let row = (old.is_some() || staged.is_some()).then(|| AssignmentRow {
                certificate: old,
                previous: match current {
                    // Only what was staged is taken back.
                    Some(row) if row.certificate == old => row.previous,
                    Some(row) => row.certificate,
                    None => altered.before.as_ref().and_then(|row| row.previous),
                },
                staged,
                updated: self.now(),
            });
            let name = &altered.key.use_name;
            match &certificate {
                Some(certificate) => plan.line(format!("Assign certificate {}", certificate.thumbprint()), name),
                None => plan.line("Remove the certificate", name),
            }
            plan.rows.push(Write::replace(row_key, now.clone(), row.map(Row::Assignment)));
            // Only what was staged was changed: what is bound stays as it is.
            if current.and_then(|row| row.certificate) == old && old.is_none() {
                continue;
            }
            let inherited = if old.is_none() { self.heir(&altered.key)? } else { None };
            for mut deployment in self.deployments_of(&altered.key, certificate.as_ref())? {
                let target = format!("{} {}", deployment.binding.site, deployment.binding.information);
                match &certificate {
                    Some(certificate) => plan.line(format!("Bind certificate {}", certificate.thumbprint()), target),
                    None if inherited.is_some() => plan.line("Bind the global certificate", target),
                    None => plan.line("Take the certificate off", target),
                }
                deployment.certificate = deployment.certificate.or(inherited);
                plan.deployments.push(deployment);
            }
        }
        Ok(plan)
    }

    /// What the bindings of a use, on the computer of the assignment's scope, are to serve when a certificate is assigned
    /// to it, or taken away.
    ///
    /// # Errors
    /// `NoTransport` for a computer whose sites are not served from here; `NoHome`, `ConfigInvalid`, `TopologyInvalid`.
    fn deployments_of(&self, key: &AssignmentKey, certificate: Option<&Certificate>) -> Result<Vec<Deployment>> {
        let use_name: UseName = key.use_name.parse()?;
        let mut deployments = Vec::new();
        if self.is_hidden(key)? {
            return Ok(deployments);
        }
        for place in self.reachable_places(&key.scope, &use_name)? {
            for slot in place.slots() {
                let is_meant = match certificate {
                    Some(certificate) => slot == Slot::Any || slot == family(certificate),
                    None => key.slot == Slot::Any || key.slot == slot,
                };
                if is_meant {
                    deployments.push(Deployment {
                        binding: place.key(slot),
                        use_name: key.use_name.clone(),
                        certificate: certificate.map(Certificate::fingerprint),
                    });
                }
            }
        }
        Ok(deployments)
    }

    fn changed_since(&self, change: &Change, use_name: &str) -> Error {
        let uses = [use_name.to_owned()];
        let later = self.last_change(&uses).ok().filter(|later| later.id > change.id);
        let by = later.as_ref().map_or_else(String::new, |l| format!(" by change {} ({})", l.id, l.verb));
        Error::new(ErrorId::PlanStale, format!("`{use_name}` was changed again since change {}{by}", change.id))
            .about(use_name)
            .hint(match later {
                Some(later) => format!("undo that one first: `Undo-TlsChange -Id {}`", later.id),
                None => format!("`Get-CsCertificate -Type {use_name}` shows what is assigned now"),
            })
    }
}

/// Whether a row still says what a change left there.
fn is_same(now: Option<&AssignmentRow>, then: Option<&AssignmentRow>) -> bool {
    now.map(|row| (row.certificate, row.staged)) == then.map(|row| (row.certificate, row.staged))
}

/// The slot of a certificate's kind of key, where a server has two.
fn family(certificate: &Certificate) -> Slot {
    if certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic) { Slot::Ecdsa } else { Slot::Rsa }
}
