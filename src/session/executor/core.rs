//! The decisions of the executor, without I/O: what to do next, given what has happened.
//!
//! The same machine drives a change from its begin, and one that a crash left open. Whoever drives it
//! performs the [`Action`] and answers with an [`Event`]; between the two the process may die at any
//! moment, and the journal entries written so far are all that a later [`Machine::recover`] knows.

use super::operation::{Entry, OnFailure, Operation};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Open the operation in the journal.
    Open,
    /// Look at the object and say which of its two states it is in.
    Observe(usize),
    /// Keep the object's before-image and journal `Saved`.
    Save(usize),
    /// Write the object, then journal `Applied`.
    Apply(usize),
    /// Journal an entry.
    Journal(Entry),
    /// Let the program check what is there.
    Check(usize),
    /// Let the program take what is there.
    Activate(usize),
    /// Prove that the goals are served.
    Prove,
    /// Write the rows, the commit mark and the audit row, together.
    Commit(Ending),
    /// Put the object's before-image back.
    PutBack(usize),
    /// Prove that what was served before is served again; of a program that could not be told, this must have been seen.
    ProveBack,
    /// Close the operation without its rows.
    Close(Ending),
    /// Nothing more: the change has ended.
    End(Ending),
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The machine was just made.
    Begin,
    /// The action succeeded.
    Done,
    /// The action failed.
    Failed,
    /// `Observe` saw this.
    Saw(View),
    /// `Prove` or `ProveBack` came to this.
    Judged(Judgement),
    /// The action succeeded, and the operator wants to stop.
    Cancelled,
}

/// Which of its two states an object is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As before the change.
    Before,
    /// As after the change.
    After,
    /// Somebody else has written it.
    Neither,
}

/// What a proof came to, for the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing speaks against the change: proven, partial or not to be had.
    Holds,
    /// Something else was seen.
    Contradicted,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is new.
    Done,
    /// Everything is as before, and that is proven.
    PutBack,
    /// What was found is not what the plan expects: nothing was written.
    Stale,
    /// It failed, and what is new stays because the old is not worth putting back, or was asked to stay.
    Held,
    /// Something was written by another hand and is left alone.
    Contested,
    /// Putting back failed, or what was served before is not served again.
    UndoFailed,
}

/// One change under way.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of the past that the journal holds too")]
pub(super) struct Machine {
    sites: Vec<usize>,
    activations: usize,
    keeps: bool,
    saved: Vec<bool>,
    views: Vec<Option<View>>,
    activating: bool,
    recovering: bool,
    failed: bool,
    stuck: Vec<bool>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Opening,
    Fresh(usize),
    Saving(usize),
    Applying(usize),
    NotingActivation,
    Checking(usize),
    Activating(usize),
    Proving,
    Committing(Ending),
    Surveying(usize),
    NotingUndo,
    PuttingBack(usize),
    Reactivating(usize),
    ProvingBack,
    Closing(Ending),
    Ended(Ending),
}

impl Machine {
    /// A change that is about to begin.
    pub(super) fn new(operation: &Operation) -> Self {
        let count = operation.objects.len();
        Self {
            sites: operation.objects.iter().map(|o| o.site).collect(),
            activations: operation.activations.len(),
            keeps: operation.on_failure == OnFailure::Hold || operation.activations.iter().any(|a| a.hold.is_some()),
            saved: vec![false; count],
            views: vec![None; count],
            activating: false,
            recovering: false,
            failed: false,
            stuck: vec![false; operation.activations.len()],
            phase: Phase::Start,
        }
    }

    /// A change that a crash left open, with what its journal says.
    pub(super) fn recover(operation: &Operation, entries: &[Entry]) -> Self {
        let mut machine = Self::new(operation);
        machine.recovering = true;
        for entry in entries {
            match entry {
                Entry::Saved(i) | Entry::Applied(i) => {
                    if let Some(saved) = machine.saved.get_mut(*i) {
                        *saved = true;
                    }
                }
                Entry::Activating => machine.activating = true,
                Entry::PuttingBack => machine.failed = true,
            }
        }
        machine
    }

    /// Whether the machine is past the point from which a cancellation is not heard any more.
    pub(super) fn hears_cancellation(&self) -> bool {
        !self.recovering
            && !self.failed
            && matches!(
                self.phase,
                Phase::Opening
                    | Phase::Fresh(_)
                    | Phase::Saving(_)
                    | Phase::Applying(_)
                    | Phase::NotingActivation
                    | Phase::Checking(_)
                    | Phase::Activating(_)
                    | Phase::Proving
            )
    }

    /// The action that follows an event.
    pub(super) fn next(&mut self, event: Event) -> Action {
        let stop = matches!(event, Event::Failed | Event::Cancelled | Event::Judged(Judgement::Contradicted));
        self.phase = match self.phase {
            Phase::Start if self.recovering => self.survey(0),
            Phase::Start => Phase::Opening,
            Phase::Opening if event == Event::Failed => Phase::Ended(Ending::PutBack),
            Phase::Opening if stop => Phase::Closing(Ending::PutBack),
            Phase::Opening => self.fresh(0),
            Phase::Fresh(i) => match event {
                Event::Saw(View::Before) => self.fresh(i + 1),
                Event::Saw(_) => Phase::Closing(Ending::Stale),
                _ => Phase::Closing(Ending::PutBack),
            },
            Phase::Saving(_)
            | Phase::Applying(_)
            | Phase::NotingActivation
            | Phase::Checking(_)
            | Phase::Activating(_)
            | Phase::Proving
                if stop =>
            {
                self.fail()
            }
            Phase::Saving(i) => {
                self.saved[i] = true;
                Phase::Applying(i)
            }
            Phase::Applying(i) => self.save(i + 1),
            Phase::NotingActivation => {
                self.activating = true;
                self.check(0)
            }
            Phase::Checking(k) => self.check(k + 1),
            Phase::Activating(k) => self.activate(k + 1),
            Phase::Proving => Phase::Committing(Ending::Done),
            // The rows could not be written: what is outside must not stay new without them.
            Phase::Committing(Ending::Done) if stop => self.fail(),
            Phase::Surveying(i) => {
                self.views[i] = Some(match event {
                    Event::Saw(view) => view,
                    _ => View::Neither,
                });
                self.survey(i + 1)
            }
            Phase::NotingUndo => self.put_back(self.sites.len()),
            Phase::PuttingBack(i) => {
                self.stuck[self.sites[i]] |= stop;
                self.put_back(i)
            }
            // Whoever could not be told may serve the old one all the same: the proof says.
            Phase::Reactivating(k) => self.reactivate(k + 1),
            Phase::ProvingBack => Phase::Closing(match self.undone() {
                Ending::PutBack if stop || self.stuck.contains(&true) => Ending::UndoFailed,
                ending => ending,
            }),
            Phase::Committing(_) | Phase::Closing(_) if stop => Phase::Ended(Ending::UndoFailed),
            Phase::Committing(ending) | Phase::Closing(ending) | Phase::Ended(ending) => Phase::Ended(ending),
        };
        self.action()
    }

    fn action(&self) -> Action {
        match self.phase {
            Phase::Start | Phase::Opening => Action::Open,
            Phase::Fresh(i) | Phase::Surveying(i) => Action::Observe(i),
            Phase::Saving(i) => Action::Save(i),
            Phase::Applying(i) => Action::Apply(i),
            Phase::NotingActivation => Action::Journal(Entry::Activating),
            Phase::Checking(k) => Action::Check(k),
            Phase::Activating(k) | Phase::Reactivating(k) => Action::Activate(k),
            Phase::Proving => Action::Prove,
            Phase::Committing(ending) => Action::Commit(ending),
            Phase::NotingUndo => Action::Journal(Entry::PuttingBack),
            Phase::PuttingBack(i) => Action::PutBack(i),
            Phase::ProvingBack => Action::ProveBack,
            Phase::Closing(ending) => Action::Close(ending),
            Phase::Ended(ending) => Action::End(ending),
        }
    }

    /// Every object is looked at before the first is written.
    fn fresh(&self, i: usize) -> Phase {
        if i < self.sites.len() { Phase::Fresh(i) } else { self.save(0) }
    }

    fn save(&self, i: usize) -> Phase {
        if i < self.sites.len() { Phase::Saving(i) } else { Phase::NotingActivation }
    }

    fn check(&self, k: usize) -> Phase {
        if k < self.activations { Phase::Checking(k) } else { self.activate(0) }
    }

    fn activate(&self, k: usize) -> Phase {
        if k < self.activations { Phase::Activating(k) } else { Phase::Proving }
    }

    /// The way back begins with a look at every object that may have been written.
    fn fail(&mut self) -> Phase {
        self.failed = true;
        self.survey(0)
    }

    fn survey(&mut self, from: usize) -> Phase {
        if let Some(i) = (from..self.sites.len()).find(|i| self.saved[*i]) {
            return Phase::Surveying(i);
        }
        let all_new = self.saved.iter().all(|s| *s) && self.views.iter().all(|v| *v == Some(View::After));
        if self.recovering && !self.failed && all_new {
            // The crash came after the last write: finish if it can be proven, put back otherwise.
            self.recovering = false;
            return Phase::NotingActivation;
        }
        self.failed = true;
        // Once a program was told, new and whole may be better than old (expired, banned, key lost).
        if all_new && self.activating && self.keeps {
            return Phase::Committing(Ending::Held);
        }
        Phase::NotingUndo
    }

    fn put_back(&self, above: usize) -> Phase {
        let next = (0..above)
            .rev()
            .find(|i| self.saved[*i] && self.views[*i] == Some(View::After) && !self.is_contested(self.sites[*i]));
        next.map_or_else(|| self.reactivate(0), Phase::PuttingBack)
    }

    fn reactivate(&self, from: usize) -> Phase {
        // Half a pair is never served: a site where something could not be put back is not told.
        let next = (from..self.activations).find(|k| self.activating && !self.is_contested(*k) && !self.stuck[*k]);
        match next {
            Some(k) => Phase::Reactivating(k),
            None => Phase::ProvingBack,
        }
    }

    fn undone(&self) -> Ending {
        if self.views.contains(&Some(View::Neither)) { Ending::Contested } else { Ending::PutBack }
    }

    /// A site with one foreign object is left alone whole: half a pair put back is worse than none.
    fn is_contested(&self, site: usize) -> bool {
        (0..self.sites.len()).any(|i| self.sites[i] == site && self.views[i] == Some(View::Neither))
    }
}
