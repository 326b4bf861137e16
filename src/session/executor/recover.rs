//! What a crash left open: finished when the new can be proven, put back otherwise.

use std::sync::Arc;

use super::core::{Ending, Machine};
use super::drive::{Drive, lease, outcome, shown};
use super::operation::{Entry, Operation};
use crate::command::Cancel;
use crate::error::{Error, ErrorId, Result};
use crate::model::Moment;
use crate::probe::Expectation;
use crate::servers::ObjectId;
use crate::session::Session;
use crate::state::OpenOperation;

/// What to do with what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecoverOrder {
    /// Within the bounds: this machine, younger than an hour, as before or as after.
    Automatic,
    /// This operation whatever its age and machine.
    Force(u64),
    /// This operation: leave everything as it is and close it.
    Keep(u64),
}

/// What became of an operation that was open.
#[derive(Clone, Debug)]
pub(crate) struct Recovered {
    /// Its number.
    pub(crate) id: u64,
    /// The verb that had opened it.
    pub(crate) verb: String,
    /// When it was opened.
    pub(crate) opened: Moment,
    /// What became of it, or why nothing was done.
    pub(crate) what: String,
    /// Whether it is still open.
    pub(crate) is_open: bool,
    /// How it ended, when it did.
    pub(crate) ending: Option<&'static str>,
    /// Whether a person must look.
    pub(crate) needs_person: bool,
    /// The objects that it is about.
    pub(crate) objects: Vec<ObjectId>,
}

impl Session {
    /// Takes the lease and mends what a crash left open.
    ///
    /// # Errors
    /// `Busy` while somebody's change is under way, `NotAdministrator`, `StoreUnavailable`.
    pub(crate) fn recover(&self, order: RecoverOrder, cancel: &Cancel) -> Result<Vec<Recovered>> {
        self.policy()?.check_change()?;
        let holder = format!("process {} (recover) since {}", std::process::id(), self.now());
        let lease = lease(self, cancel, &holder)?;
        let recovered = self.recover_held(order, cancel)?;
        drop(lease);
        self.after_commit()?;
        Ok(recovered)
    }

    /// The same, for whoever holds the lease already.
    pub(super) fn recover_held(&self, order: RecoverOrder, cancel: &Cancel) -> Result<Vec<Recovered>> {
        let open = self.state()?.open_operations()?;
        open.into_iter().map(|operation| self.recover_one(&operation, order, cancel)).collect()
    }

    fn recover_one(&self, open: &OpenOperation, order: RecoverOrder, cancel: &Cancel) -> Result<Recovered> {
        let mut operation: Operation = serde_json::from_str(&open.body).map_err(|e| {
            Error::new(ErrorId::StoreUnavailable, format!("operation {} in the journal is damaged", open.id)).because(e)
        })?;
        let mut recovered = Recovered {
            id: open.id,
            verb: operation.verb.clone(),
            opened: open.opened,
            what: String::new(),
            is_open: true,
            ending: None,
            needs_person: true,
            objects: operation.objects.iter().map(|o| o.object.clone()).collect(),
        };
        let forced = order == RecoverOrder::Force(open.id);
        let (policy, age) = (self.policy()?, self.now().since(open.opened));
        if order == RecoverOrder::Keep(open.id) {
            let audit = self.audit_draft(
                &operation.verb,
                "Kept",
                serde_json::json!(recovered.objects),
                serde_json::json!(null),
            );
            self.state()?.close(open.id, &[], &audit)?;
            "everything was left as it is, and the operation is closed".clone_into(&mut recovered.what);
            (recovered.is_open, recovered.needs_person, recovered.ending) = (false, false, Some("Kept"));
            return Ok(recovered);
        }
        if open.machine != policy.machine && !forced {
            recovered.what = format!("it began on another machine (`{}`) and is left alone", open.machine);
            return Ok(recovered);
        }
        if age > self.world().recover_max_age().as_secs() as i64 && !forced {
            recovered.what = format!("it is {} minutes old and is left alone", age / 60);
            return Ok(recovered);
        }
        self.hold_what_is_unworthy(&mut operation)?;
        let (ending, faults) = match self.redo(open, &operation, cancel) {
            Ok(found) => found,
            Err(error) => {
                recovered.what = format!("it cannot be mended here: {error}");
                return Ok(recovered);
            }
        };
        recovered.is_open = false;
        recovered.needs_person = matches!(ending, Ending::Contested | Ending::UndoFailed | Ending::Held);
        recovered.ending = Some(outcome(ending));
        recovered.what = match ending {
            Ending::Done => "the new certificate is proven to be served: the change is finished".to_owned(),
            Ending::PutBack | Ending::Stale => "everything was put back, and that is proven".to_owned(),
            Ending::Held => "the new certificate stays, for the old one is not worth putting back".to_owned(),
            Ending::Contested => {
                format!("left alone, because another hand has written meanwhile: {}", faults.join("; "))
            }
            Ending::UndoFailed => format!("putting back failed: {}", faults.join("; ")),
        };
        Ok(recovered)
    }

    /// What was worth putting back when the change began may have been banned, or have ended, since.
    fn hold_what_is_unworthy(&self, operation: &mut Operation) -> Result<()> {
        for goal in &operation.goals {
            let Some(why) = goal.before.map(|old| self.unworthy(&old)).transpose()?.flatten() else { continue };
            let (computer, site) = (&goal.binding.computer, &goal.binding.site);
            for step in operation.activations.iter_mut().filter(|a| a.computer == *computer && a.site == *site) {
                step.hold.get_or_insert_with(|| why.to_string());
            }
        }
        Ok(())
    }

    /// Whether a change would put a certificate in place that was banned since it began.
    fn leads_to_banned(&self, operation: &Operation) -> Result<bool> {
        for fingerprint in operation.goals.iter().filter_map(|g| g.certificate) {
            if self.stored(&fingerprint)?.is_some_and(|row| row.banned.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn redo(&self, open: &OpenOperation, operation: &Operation, cancel: &Cancel) -> Result<(Ending, Vec<String>)> {
        let mut entries: Vec<Entry> = open.entries.iter().filter_map(|e| serde_json::from_str(e).ok()).collect();
        if self.leads_to_banned(operation)? {
            entries.push(Entry::PuttingBack);
        }
        let sites = self.sites()?;
        let mut servers = Vec::new();
        for step in &operation.activations {
            let site = sites
                .iter()
                .find(|s| {
                    s.website.computer.as_str().eq_ignore_ascii_case(&step.computer) && s.website.name == step.site
                })
                .ok_or_else(|| {
                    Error::new(ErrorId::SiteNotFound, format!("the site `{}` is not declared any more", step.site))
                })?;
            site.server.ensure_running()?;
            servers.push(Arc::clone(&site.server));
        }
        if let Some(lost) = operation.objects.iter().find(|o| o.site >= servers.len()) {
            return Err(Error::new(
                ErrorId::StoreUnavailable,
                format!("{} has no site in the journal", shown(&lost.object)),
            ));
        }
        let mut tasks = Vec::new();
        for goal in &operation.goals {
            let Some(place) = self.place(&goal.binding)? else { continue };
            let mut slots = Vec::new();
            if let Some(fingerprint) = goal.certificate
                && let Some(row) = self.stored(&fingerprint)?
            {
                slots.push((goal.binding.slot, self.certificate_of(&row)?));
            }
            let expectation = if slots.is_empty() { Expectation::ServesNothing } else { Expectation::Serves };
            tasks.extend(self.tasks_of(&place, &slots, &expectation)?);
        }
        let world = self.world();
        let mut drive = Drive {
            session: self,
            state: self.state()?,
            keys: self.keys()?,
            prober: self.prober(),
            settings: world.proof()?,
            operation,
            id: open.id,
            servers,
            images: Vec::new(),
            tasks,
            snapshots: operation.snapshots.clone(),
            cancel: cancel.clone(),
            cause: None,
            undo_faults: Vec::new(),
            proofs: Vec::new(),
            told: Vec::new(),
            untold: Vec::new(),
            is_returning: false,
        };
        let ending = drive.run(Machine::recover(operation, &entries));
        Ok((ending, drive.undo_faults))
    }
}
