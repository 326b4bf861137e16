//! From a plan to a change: observe, show, take the lease, carry out, prove.

use std::sync::Arc;

use super::core::{Ending, Machine};
use super::drive::{Drive, THREADS, contradicted, lease, shown};
use super::operation::{ActivationStep, AssignmentChange, Goal, ObjectStep, Operation};
use super::recover::{RecoverOrder, Recovered};
use crate::command::Invocation;
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::model::{Certificate, Fingerprint, Slot, Snapshot, Verdict};
use crate::probe::{Control, EndpointTask, Expectation, Look, check_begun, negative_control, observe, prove};
use crate::servers::{Image, Material, ObjectId, ObjectState, Server};
use crate::session::sites::Place;
use crate::session::{Deployment, Plan, Receipt, Session};
use crate::state::{BoundRow, Row, RowKey, Write};

/// One deployment with all that was looked up for it.
struct Prepared {
    deployment: Deployment,
    place: Place,
    before: Option<Fingerprint>,
    slots: Vec<(Slot, Certificate)>,
}

impl Session {
    /// Carries a plan out, all of it or nothing.
    ///
    /// Under `-WhatIf` it shows the plan's lines and stops. An empty plan is still proved. A certificate is
    /// not deployed before its begin of validity.
    ///
    /// # Errors
    /// `NotAdministrator`, `Busy`, `PlanStale`, `EndpointDown`, `EndpointInUse` before anything is changed;
    /// `ProofFailed`, `TestCommandFailed`, `ReloadFailed` (3) when everything was put back;
    /// `Contested`, `UndoFailed` (4) when a person must look.
    pub fn commit(&self, mut plan: Plan, cx: &mut Invocation<'_>) -> Result<Receipt> {
        if cx.what_if() {
            for (operation, target) in &plan.lines {
                cx.tell_what_if(operation, target)?;
            }
            return Ok(Receipt::default());
        }
        let policy = self.policy()?;
        policy.check_change()?;
        cx.check_cancelled()?;
        let cancel = cx.cancel();
        // Before anything is looked at: what was seen while another change was under way is not what will be changed.
        let holder = format!("process {} ({}) since {}", std::process::id(), cx.spec().name, self.now());
        let lease = lease(self, &cancel, &holder)?;
        let mended = self.recover_held(RecoverOrder::Automatic, &cancel)?;
        self.check_rows(&plan.rows)?;
        plan.rows.retain(|write| !write.changes_nothing());
        let prepared = self.prepare(&plan.deployments, cx)?;
        let mut tasks = Vec::new();
        for item in &prepared {
            let expectation = if item.slots.is_empty() { Expectation::ServesNothing } else { Expectation::Serves };
            tasks.extend(self.tasks_of(&item.place, &item.slots, &expectation)?);
        }
        let mut draft = self.draft(&plan, &prepared, cx)?;
        let prober = self.prober();
        let settings = self.world().proof()?;
        let cancelled = || cancel.is_cancelled();
        let look = Look { clock: &**self.clock(), cancelled: &cancelled, threads: THREADS, host: &policy.machine };
        let snapshots = observe(&*prober, &tasks, settings.probe_timeout, &look);
        cx.check_cancelled()?;
        say_mended(&mended, &draft.objects, cx)?;
        let drifts = self.control(&prepared, &draft, &tasks, &snapshots, settings.skew.as_secs() as i64)?;
        for drift in &drifts {
            cx.verbose(drift.clone())?;
        }
        // A program that still serves something else although the files are right was not told.
        for item in &prepared {
            let wanted: Vec<Fingerprint> = item.slots.iter().map(|(_, c)| c.fingerprint()).collect();
            let of_item = |s: &&Snapshot| {
                let key = item.place.key(item.deployment.binding.slot);
                s.computer == key.computer && s.site == key.site && s.information == key.information
            };
            if snapshots.iter().filter(of_item).any(|s| !s.cells.is_empty() && s.served() != wanted) {
                draft.activation_of(item);
            }
        }
        let operation = Operation {
            verb: cx.spec().name.to_owned(),
            user: policy.user.clone(),
            principal: policy.principal.clone(),
            process: std::process::id(),
            planned: self.now(),
            on_failure: plan.on_failure,
            objects: draft.objects,
            activations: draft.activations,
            goals: draft.goals,
            rows: draft.rows,
            assignments: draft.assignments,
            snapshots: snapshots.clone(),
        };
        if operation.objects.is_empty() && operation.activations.is_empty() && operation.rows.is_empty() {
            let proofs = prove(&*prober, &tasks, Some(&snapshots), &settings, &look);
            cx.check_cancelled()?;
            if let Some(bad) = proofs.iter().find(|p| p.verdict == Verdict::Contradicted) {
                self.remember_proofs(&proofs);
                return Err(contradicted(bad).hint("nothing was changed: everything was as planned already"));
            }
            self.remember_proofs(&proofs);
            return Ok(Receipt { done: true, changed: false, proofs });
        }
        let mut drive = Drive {
            session: self,
            state: self.state()?,
            keys: self.keys()?,
            prober,
            settings,
            operation: &operation,
            id: 0,
            servers: draft.servers,
            images: draft.images,
            tasks,
            snapshots,
            cancel: cancel.clone(),
            cause: None,
            undo_faults: Vec::new(),
            proofs: Vec::new(),
            told: Vec::new(),
            untold: Vec::new(),
            is_returning: false,
        };
        let ending = drive.run(Machine::new(&operation));
        drop(lease);
        let (cause, faults, proofs) = (drive.cause, drive.undo_faults, drive.proofs);
        self.after_commit()?;
        match ending {
            Ending::Done => {
                self.remember_proofs(&proofs);
                if cancel.is_cancelled() {
                    let text = "the interruption came too late to take anything back: the change is made and proven";
                    cx.warn_as("DoneNevertheless", text)?;
                }
                Ok(Receipt { done: true, changed: true, proofs })
            }
            other => Err(failure(other, cause, &faults)),
        }
    }

    fn prepare(&self, deployments: &[Deployment], cx: &mut Invocation<'_>) -> Result<Vec<Prepared>> {
        let mut prepared = Vec::new();
        for deployment in deployments {
            let Some(place) = self.place(&deployment.binding)? else {
                return Err(Error::new(
                    ErrorId::BindingNotFound,
                    format!("`{}` has no binding `{}`", deployment.binding.site, deployment.binding.information),
                ));
            };
            if let Some(note) = place.site.server.ensure_running()? {
                cx.warn_as("ServingHere", note)?;
            }
            let before = self.bound_at(&place, deployment.binding.slot)?;
            let mut slots = Vec::new();
            for slot in place.slots() {
                let wanted = match deployments.iter().find(|d| d.binding == place.key(slot)) {
                    Some(same) => same.certificate,
                    None => self.bound_at(&place, slot)?,
                };
                let Some(fingerprint) = wanted else { continue };
                if let Some(row) = self.stored(&fingerprint)? {
                    slots.push((slot, self.certificate_of(&row)?));
                }
            }
            prepared.push(Prepared { deployment: deployment.clone(), place, before, slots });
        }
        Ok(prepared)
    }

    fn draft(&self, plan: &Plan, prepared: &[Prepared], cx: &mut Invocation<'_>) -> Result<Draft> {
        let mut draft = Draft { rows: plan.rows.clone(), ..Draft::default() };
        for write in &plan.rows {
            if let RowKey::Assignment(key) = &write.key {
                let row = |row: &Row| match row {
                    Row::Assignment(row) => Some(row.clone()),
                    _ => None,
                };
                let before = match &write.expect {
                    crate::state::Expectation::Exactly(found) => row(found),
                    _ => None,
                };
                let after = write.row.as_ref().and_then(row);
                draft.assignments.push(AssignmentChange { key: key.clone(), before, after });
            }
        }
        for item in prepared {
            let key = &item.deployment.binding;
            draft.goals.push(Goal {
                binding: key.clone(),
                use_name: item.deployment.use_name.clone(),
                certificate: item.deployment.certificate,
                before: item.before,
            });
            self.draft_objects(&mut draft, item, cx)?;
            if item.before != item.deployment.certificate {
                let old = self.state()?.row(&RowKey::Bound(key.clone()))?;
                let new = item
                    .deployment
                    .certificate
                    .map(|certificate| Row::Bound(BoundRow { certificate, since: self.now() }));
                if old.is_some() || new.is_some() {
                    draft.rows.push(Write::replace(RowKey::Bound(key.clone()), old, new));
                }
            }
        }
        Ok(draft)
    }

    fn draft_objects(&self, draft: &mut Draft, item: &Prepared, cx: &mut Invocation<'_>) -> Result<()> {
        let key = &item.deployment.binding;
        let server = &item.place.site.server;
        let wanted: Vec<(ObjectId, Option<Image>)> = match item.deployment.certificate {
            None => server.objects(key).into_iter().map(|o| (o, None)).collect(),
            Some(fingerprint) => {
                let row = self.stored(&fingerprint)?.ok_or_else(|| {
                    Error::new(ErrorId::CertificateNotFound, format!("certificate `{fingerprint}` is not stored"))
                        .about(fingerprint.to_string())
                })?;
                let leaf = self.certificate_of(&row)?;
                let chain = self.chain_of(&row)?;
                let private = self.keys()?.open(&row.key)?;
                // Compared before anything is written: Apache's own test says OK for a mismatched pair.
                crate::x509::check_pair(&leaf, &private)?;
                if !server.is_loopback_only() && !self.is_exportable(&row)? {
                    cx.verbose(format!(
                        "the private key of `{}` leaves the store: `{}` reads it from a file",
                        row.thumbprint, item.place.site.website.name
                    ))?;
                }
                let material = Material { leaf: &leaf, chain: &chain, key: &private };
                server.images(key, &material)?.into_iter().map(|(o, i)| (o, Some(i))).collect()
            }
        };
        for (object, image) in wanted {
            if draft.objects.iter().any(|o| o.object == object) {
                continue;
            }
            let before = server.observe(&object)?;
            let after = image.as_ref().map_or(ObjectState::Absent, Image::state);
            if before == after {
                continue;
            }
            let site = draft.activation(item, self.hold_reason(item)?);
            draft.objects.push(ObjectStep { site, object, before, after });
            draft.images.push(image);
        }
        Ok(())
    }

    fn is_exportable(&self, row: &crate::state::CertificateRow) -> Result<bool> {
        Ok(matches!(self.state()?.row(&RowKey::Key(row.key))?, Some(Row::Key(key)) if key.exportable))
    }

    /// Why what was bound before must not come back, where it must not.
    fn hold_reason(&self, item: &Prepared) -> Result<Option<String>> {
        let Some(fingerprint) = item.before else { return Ok(None) };
        Ok(self.unworthy(&fingerprint)?.map(|why| format!("what was bound before must not come back: {why}")))
    }

    /// The negative control: what will be changed must be what the probe looks at.
    fn control(
        &self,
        prepared: &[Prepared],
        draft: &Draft,
        tasks: &[EndpointTask],
        snapshots: &[Snapshot],
        skew: i64,
    ) -> Result<Vec<String>> {
        let mut drifts = Vec::new();
        for item in prepared {
            for (_, certificate) in &item.slots {
                check_begun(certificate, self.now(), skew)?;
            }
            // Where nothing is written, nothing can be mistaken: what is served is proven below.
            if !draft.sites.iter().any(|s| Arc::ptr_eq(s, &item.place.site)) {
                continue;
            }
            let key = &item.deployment.binding;
            let recorded = self.bound_now(item)?;
            let controls: Vec<Control<'_>> = tasks
                .iter()
                .zip(snapshots)
                .filter(|(t, _)| t.computer == key.computer && t.site == key.site && t.information == key.information)
                .map(|(task, before)| Control { task, before, recorded: &recorded })
                .collect();
            for drift in negative_control(&controls)? {
                let seen: Vec<String> = drift.seen.iter().map(ToString::to_string).collect();
                let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
                drifts.push(format!("drift at {}: it served {seen}, not what is bound there", drift.endpoint));
            }
        }
        Ok(drifts)
    }

    fn bound_now(&self, item: &Prepared) -> Result<Vec<Fingerprint>> {
        let mut bound = Vec::new();
        for slot in item.place.slots() {
            bound.extend(self.bound_at(&item.place, slot)?);
        }
        Ok(bound)
    }

    /// Compares the rows with what the plan was made for.
    fn check_rows(&self, rows: &[Write]) -> Result<()> {
        let state = self.state()?;
        rows.iter().try_for_each(|write| write.admit(state.row(&write.key)?.as_ref()))
    }
}

/// Tells what became of a change that a crash had left open.
///
/// # Errors
/// `Contested` when it is still open and is about an object that is to be changed now.
fn say_mended(mended: &[Recovered], objects: &[ObjectStep], cx: &mut Invocation<'_>) -> Result<()> {
    for recovered in mended {
        let touches = objects.iter().any(|o| recovered.objects.contains(&o.object));
        if recovered.is_open && touches {
            return Err(Error::new(
                ErrorId::Contested,
                format!(
                    "an earlier change ({}, {}) is still open on {}: {}",
                    recovered.verb,
                    recovered.opened,
                    recovered.objects.first().map_or_else(String::new, shown),
                    recovered.what
                ),
            )
            .hint("`certlet recover` shows it and asks what to do"));
        }
        cx.warn_as("Recovered", format!("{} of {}: {}", recovered.verb, recovered.opened, recovered.what))?;
    }
    Ok(())
}

/// An operation in the making.
#[derive(Default)]
struct Draft {
    objects: Vec<ObjectStep>,
    images: Vec<Option<Image>>,
    activations: Vec<ActivationStep>,
    servers: Vec<Arc<dyn Server>>,
    sites: Vec<Arc<crate::session::Site>>,
    goals: Vec<Goal>,
    rows: Vec<Write>,
    assignments: Vec<AssignmentChange>,
}

impl Draft {
    /// The activation of a site: each is checked; programs with the same commands are told once.
    fn activation(&mut self, item: &Prepared, hold: Option<String>) -> usize {
        let site = &item.place.site;
        if !self.sites.iter().any(|s| Arc::ptr_eq(s, site)) {
            self.sites.push(Arc::clone(site));
        }
        let text = site.server.activation();
        let name = site.website.name.clone();
        let computer = site.website.computer.as_str().to_ascii_lowercase();
        let same = |a: &ActivationStep| a.computer == computer && a.site == name;
        if let Some(index) = self.activations.iter().position(same) {
            if self.activations[index].hold.is_none() {
                self.activations[index].hold = hold;
            }
            return index;
        }
        self.activations.push(ActivationStep { computer, site: name, text, hold });
        self.servers.push(Arc::clone(&site.server));
        self.activations.len() - 1
    }

    fn activation_of(&mut self, item: &Prepared) {
        self.activation(item, None);
    }
}

/// The error that a change ends with when it did not come through.
fn failure(ending: Ending, cause: Option<Error>, faults: &[String]) -> Error {
    let cause = cause.unwrap_or_else(|| Error::new(ErrorId::ProofFailed, "the change did not come through"));
    let with_faults = |mut error: Error| {
        for fault in faults {
            error = error.hint(fault.clone());
        }
        error
    };
    match ending {
        Ending::PutBack if cause.exit() == ExitCode::Interrupted || cause.id() == ErrorId::TimedOut => {
            cause.hint("everything was put back, and that is proven")
        }
        Ending::PutBack | Ending::Done => {
            let error = if cause.exit() == ExitCode::PutBack { cause } else { cause.exits(ExitCode::PutBack) };
            with_faults(error.hint("everything was put back, and that is proven"))
        }
        Ending::Stale => with_faults(Error::new(
            ErrorId::PlanStale,
            "what is there is not what the plan was made for: nothing was changed",
        )),
        Ending::Held => {
            let message =
                format!("{}; the new certificate stays, for the old one is not worth putting back", cause.message());
            with_faults(Error::new(cause.id(), message).exits(ExitCode::Contested).because(cause))
        }
        Ending::Contested => {
            let message =
                format!("{}; something was written by another hand meanwhile and is left alone", cause.message());
            with_faults(Error::new(ErrorId::Contested, message).because(cause))
        }
        Ending::UndoFailed => {
            let message = format!("{}; and putting everything back failed", cause.message());
            with_faults(Error::new(ErrorId::UndoFailed, message).because(cause))
        }
    }
}
