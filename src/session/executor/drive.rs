//! The loop that carries out what the machine decides.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::core::{Action, Ending, Event, Judgement, Machine, View};
use super::images;
use super::operation::{Entry, Operation};
use crate::ca::KeyStore;
use crate::command::Cancel;
use crate::error::{Error, ErrorId, Result};
use crate::model::{EndpointProof, Fingerprint, Snapshot, Verdict};
use crate::probe::{EndpointTask, Expectation, Look, Prober, ProofSettings, prove};
use crate::servers::{Image, ObjectId, ObjectState, Server};
use crate::session::Session;
use crate::state::State;

/// How many endpoints are looked at side by side.
pub(super) const THREADS: usize = 8;

/// One operation being carried out, with all that the steps need.
pub(super) struct Drive<'a> {
    pub(super) session: &'a Session,
    pub(super) state: Arc<dyn State>,
    pub(super) keys: Arc<dyn KeyStore>,
    pub(super) prober: Arc<dyn Prober>,
    pub(super) settings: ProofSettings,
    pub(super) operation: &'a Operation,
    /// The number in the journal; 0 before it is opened.
    pub(super) id: u64,
    /// The server of each activation.
    pub(super) servers: Vec<Arc<dyn Server>>,
    /// The content of each object after the change; empty when recovering.
    pub(super) images: Vec<Option<Image>>,
    /// What the endpoints must show after the change.
    pub(super) tasks: Vec<EndpointTask>,
    /// What each endpoint served before.
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) cancel: Cancel,
    /// The first failure: why the change did not come through.
    pub(super) cause: Option<Error>,
    /// What went wrong on the way back.
    pub(super) undo_faults: Vec<String>,
    pub(super) proofs: Vec<EndpointProof>,
    /// The commands that were run already in this direction.
    pub(super) told: Vec<String>,
    /// The activations that failed on the way back.
    pub(super) untold: Vec<usize>,
    /// Whether the way leads back.
    pub(super) is_returning: bool,
}

impl Drive<'_> {
    /// Runs the machine to its end.
    pub(super) fn run(&mut self, mut machine: Machine) -> Ending {
        let mut event = Event::Begin;
        loop {
            let action = machine.next(event);
            if let Action::End(ending) = action {
                return ending;
            }
            self.session.world().on_step(&format!("{action:?}"));
            let hears = machine.hears_cancellation();
            event = match self.perform(&action, hears) {
                Ok(event) => event,
                Err(error) => {
                    // A step that was cut short ends as the run does: interrupted, or out of time.
                    let error = match self.cancel.check() {
                        Err(wish) if hears && error.id() == ErrorId::Interrupted => wish,
                        _ => error,
                    };
                    self.note(&action, error);
                    Event::Failed
                }
            };
            if hears
                && matches!(event, Event::Done | Event::Judged(_))
                && let Err(wish) = self.cancel.check()
            {
                self.cause.get_or_insert(wish);
                event = Event::Cancelled;
            }
        }
    }

    fn perform(&mut self, action: &Action, hears: bool) -> Result<Event> {
        match action {
            Action::Open => {
                let body = serde_json::to_string(self.operation).map_err(not_written)?;
                let machine = self.session.policy()?.machine;
                self.id = self.state.open(self.session.now(), &machine, &body)?;
            }
            Action::Observe(i) => return Ok(Event::Saw(self.view(*i))),
            Action::Save(i) => self.save(*i)?,
            Action::Apply(i) => {
                let step = &self.operation.objects[*i];
                let image = self.images.get(*i).and_then(Option::as_ref);
                self.servers[step.site].put(&step.object, image)?;
                self.journal(&Entry::Applied(*i))?;
            }
            Action::Journal(entry) => {
                self.told.clear();
                self.is_returning = *entry == Entry::PuttingBack;
                self.journal(entry)?;
            }
            Action::Check(k) => self.servers[*k].check()?,
            Action::Activate(k) => self.activate(*k)?,
            Action::Prove => return Ok(Event::Judged(self.prove(hears))),
            Action::Commit(ending) => {
                let audit = self.audit(*ending);
                self.state.close(self.id, &self.operation.rows, &audit)?;
            }
            Action::PutBack(i) => self.put_back(*i)?,
            Action::ProveBack => return Ok(Event::Judged(self.prove_back())),
            Action::Close(ending) => {
                let audit = self.audit(*ending);
                self.state.close(self.id, &[], &audit)?;
            }
            Action::End(_) => {}
        }
        Ok(Event::Done)
    }

    fn note(&mut self, action: &Action, error: Error) {
        match action {
            Action::PutBack(i) => {
                let object = shown(&self.operation.objects[*i].object);
                self.undo_faults.push(format!("{object} could not be put back: {error}"));
            }
            Action::Activate(k) if self.is_returning => {
                self.untold.push(*k);
                self.undo_faults.push(error.to_string());
            }
            Action::Close(_) | Action::ProveBack => self.undo_faults.push(error.to_string()),
            _ if self.cause.is_some() => self.undo_faults.push(error.to_string()),
            _ => self.cause = Some(error),
        }
    }

    fn view(&mut self, i: usize) -> View {
        let step = &self.operation.objects[i];
        match self.servers[step.site].observe(&step.object) {
            Ok(state) if state == step.before => View::Before,
            Ok(state) if state == step.after => View::After,
            Ok(_) => {
                self.undo_faults.push(format!("{} was written by another hand", shown(&step.object)));
                View::Neither
            }
            Err(error) => {
                self.undo_faults.push(format!("{} cannot be looked at: {error}", shown(&step.object)));
                View::Neither
            }
        }
    }

    fn save(&self, i: usize) -> Result<()> {
        let step = &self.operation.objects[i];
        let image = self.servers[step.site].read(&step.object)?;
        let found = image.as_ref().map_or(ObjectState::Absent, Image::state);
        if found != step.before {
            return Err(Error::new(
                ErrorId::PlanStale,
                format!("{} was written by another hand meanwhile", shown(&step.object)),
            )
            .about(step.object.0.clone()));
        }
        let entry = entry_text(&Entry::Saved(i))?;
        let batch = match &image {
            Some(image) => vec![images::keep(&*self.keys, self.id, i, image)?],
            None => Vec::new(),
        };
        self.state.journal_with(self.id, &entry, &batch)
    }

    /// Programs with the same commands are told once.
    fn activate(&mut self, k: usize) -> Result<()> {
        let text = &self.operation.activations[k].text;
        if !text.is_empty() && self.told.contains(text) {
            return Ok(());
        }
        self.servers[k].activate()?;
        self.told.push(text.clone());
        Ok(())
    }

    fn put_back(&self, i: usize) -> Result<()> {
        let step = &self.operation.objects[i];
        let server = &self.servers[step.site];
        // Compare and swap: only what we wrote is replaced.
        if server.observe(&step.object)? != step.after {
            return Err(Error::new(ErrorId::Contested, "another hand has written it meanwhile"));
        }
        match (&step.before, images::recall(&*self.state, &*self.keys, self.id, i)?) {
            (ObjectState::Absent, _) => server.put(&step.object, None),
            (ObjectState::Present(_), Some(image)) => server.put(&step.object, Some(&image)),
            (ObjectState::Present(_), None) => {
                Err(Error::new(ErrorId::UndoFailed, "its before-image is not in the state"))
            }
        }
    }

    fn journal(&self, entry: &Entry) -> Result<()> {
        self.state.journal(self.id, &entry_text(entry)?)
    }

    fn prove(&mut self, hears: bool) -> Judgement {
        let cancel = self.cancel.clone();
        let heard = move || hears && cancel.is_cancelled();
        self.proofs = self.look(&self.tasks, Some(&self.snapshots), &heard);
        let Some(bad) = self.proofs.iter().find(|p| p.verdict == Verdict::Contradicted) else {
            return Judgement::Holds;
        };
        self.cause.get_or_insert(contradicted(bad));
        Judgement::Contradicted
    }

    fn prove_back(&mut self) -> Judgement {
        let tasks: Vec<EndpointTask> = self
            .tasks
            .iter()
            .filter_map(|task| {
                let before = self.snapshots.iter().find(|s| is_of(s, task))?;
                let expectation = Expectation::AsBefore(Box::new(before.clone()));
                Some(EndpointTask { expectation, ..task.clone() })
            })
            .collect();
        let proofs = self.look(&tasks, None, &|| false);
        let mut judgement = Judgement::Holds;
        for bad in proofs.iter().filter(|p| p.verdict == Verdict::Contradicted) {
            let problem = bad.problem.as_deref().unwrap_or("something else is served");
            self.undo_faults.push(format!("{} is not as before: {problem}", bad.endpoint));
            judgement = Judgement::Contradicted;
        }
        for k in &self.untold {
            let step = &self.operation.activations[*k];
            let is_seen = |p: &EndpointProof| matches!(p.verdict, Verdict::Proven | Verdict::Partial);
            let mut of_site = proofs.iter().filter(|p| p.computer == step.computer && p.site == step.site).peekable();
            if of_site.peek().is_none() || !of_site.all(is_seen) {
                self.undo_faults.push(format!("what `{}` serves now could not be seen", step.site));
                judgement = Judgement::Contradicted;
            }
        }
        judgement
    }

    fn look(
        &self,
        tasks: &[EndpointTask],
        before: Option<&[Snapshot]>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Vec<EndpointProof> {
        let host = self.session.policy().map_or_else(|_| String::new(), |p| p.machine);
        let look = Look { clock: &**self.session.clock(), cancelled, threads: THREADS, host: &host };
        prove(&*self.prober, tasks, before, &self.settings, &look)
    }

    fn audit(&self, ending: Ending) -> crate::state::AuditDraft {
        let changes: Vec<_> = self
            .operation
            .goals
            .iter()
            .map(|goal| {
                json!({
                    "computer": goal.binding.computer, "site": goal.binding.site, "binding": goal.binding.information,
                    "use": goal.use_name, "before": goal.before.map(text), "after": goal.certificate.map(text),
                })
            })
            .collect();
        let mut audit = self.session.audit_draft(
            &self.operation.verb,
            outcome(ending),
            json!(changes),
            serde_json::to_value(&self.proofs).unwrap_or_default(),
        );
        audit.user.clone_from(&self.operation.user);
        audit.principal.clone_from(&self.operation.principal);
        if let Some(cause) = &self.cause {
            audit.more.insert("cause".into(), json!({"id": cause.id().name(), "message": cause.message()}));
        }
        if !self.operation.assignments.is_empty() {
            audit.more.insert("assignments".into(), json!(self.operation.assignments));
        }
        audit
    }
}

/// The word for an ending in the audit log.
pub(super) fn outcome(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "Done",
        Ending::PutBack => "PutBack",
        Ending::Stale => "Stale",
        Ending::Held => "Held",
        Ending::Contested => "Contested",
        Ending::UndoFailed => "UndoFailed",
    }
}

/// Whether a snapshot is of the task's endpoint.
pub(super) fn is_of(snapshot: &Snapshot, task: &EndpointTask) -> bool {
    snapshot.computer == task.computer
        && snapshot.site == task.site
        && snapshot.information == task.information
        && snapshot.endpoint == task.endpoint.clone().unwrap_or_default()
}

/// The failure that a contradicted proof is.
pub(super) fn contradicted(proof: &EndpointProof) -> Error {
    let problem = proof.problem.as_deref().unwrap_or("something else is served");
    Error::new(ErrorId::ProofFailed, format!("`{}` at {}: {problem}", proof.site, proof.endpoint))
        .about(proof.endpoint.clone())
}

/// An object as the operator knows it.
pub(super) fn shown(object: &ObjectId) -> String {
    match object.0.split_once(':') {
        Some((_, name)) => format!("`{name}`"),
        None => format!("`{}`", object.0),
    }
}

fn text(fingerprint: Fingerprint) -> String {
    fingerprint.to_string()
}

fn entry_text(entry: &Entry) -> Result<String> {
    serde_json::to_string(entry).map_err(not_written)
}

fn not_written(error: serde_json::Error) -> Error {
    Error::new(ErrorId::StoreUnavailable, "the journal cannot be written").because(error)
}

/// How long one attempt at the lease waits, so that an interruption is heard.
const SLICE: Duration = Duration::from_millis(50);

/// The lease of whoever changes something.
pub(super) const LEASE: &str = "change";

/// Waits in short slices, so that a run can be interrupted while it waits for the lease.
pub(in crate::session) fn lease(session: &Session, cancel: &Cancel, holder: &str) -> Result<crate::state::Lease> {
    lease_of(session, LEASE, cancel, holder)
}

/// The same for any lease.
pub(in crate::session) fn lease_of(
    session: &Session,
    name: &str,
    cancel: &Cancel,
    holder: &str,
) -> Result<crate::state::Lease> {
    let (state, limit) = (session.state()?, session.world().lease_wait());
    let mut waited = Duration::ZERO;
    cancel.check()?;
    loop {
        let busy = match state.lease(name, holder, SLICE) {
            Err(error) if error.id() == ErrorId::Busy && waited < limit => error,
            other => return other,
        };
        waited += SLICE;
        if let Err(wish) = cancel.check() {
            // Who is at work says more than that the time is over.
            return Err(if wish.id() == ErrorId::TimedOut { busy } else { wish });
        }
    }
}
