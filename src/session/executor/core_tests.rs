//! The executor's decisions against a small world: killed, failing, interrupted and contested at every step.

use std::collections::BTreeSet;

use super::core::{Action, Ending, Event, Judgement, Machine, View};
use super::operation::{ActivationStep, Entry, ObjectStep, OnFailure, Operation};
use crate::model::{Fingerprint, Moment};
use crate::servers::{ObjectId, ObjectState, Stamp};

/// What lies on the disk for one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Old,
    New,
    Foreign,
}

#[derive(Clone, Debug)]
struct World {
    sites: Vec<usize>,
    disk: Vec<Content>,
    served: Vec<Content>,
    journal: Vec<Entry>,
    open: bool,
    committed: Option<Ending>,
    closed: Option<Ending>,
    steps: usize,
    trace: Vec<Action>,
}

/// What goes wrong, at which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Kill(usize),
    /// Killed after the effect of the step, before anybody was told of it.
    KillAfter(usize),
    Fail(usize),
    Cancel(usize),
    /// Somebody writes this object before this step.
    Foreign(usize, usize),
    /// The programs refuse to serve the new content: the proof contradicts.
    ServesOld,
}

fn operation(sites: &[usize], on_failure: OnFailure, hold: bool) -> Operation {
    let state = |byte: u8| {
        ObjectState::Present(Stamp {
            sha256: Fingerprint::from_bytes([byte; 32]),
            mode: None,
            owner: None,
            target: None,
        })
    };
    let count = sites.iter().max().map_or(0, |m| m + 1);
    Operation {
        verb: "Set-CsCertificate".into(),
        user: "u".into(),
        principal: "p".into(),
        process: 1,
        planned: Moment::from_unix(0),
        on_failure,
        objects: sites
            .iter()
            .enumerate()
            .map(|(i, site)| ObjectStep {
                site: *site,
                object: ObjectId(format!("file:{i}")),
                before: state(0),
                after: state(1),
            })
            .collect(),
        activations: (0..count)
            .map(|k| ActivationStep {
                computer: "c".into(),
                site: k.to_string(),
                text: k.to_string(),
                hold: hold.then(|| "expired".into()),
            })
            .collect(),
        goals: Vec::new(),
        rows: Vec::new(),
        assignments: Vec::new(),
        snapshots: Vec::new(),
    }
}

impl World {
    fn new(sites: &[usize]) -> Self {
        let count = sites.iter().max().map_or(0, |m| m + 1);
        Self {
            sites: sites.to_vec(),
            disk: vec![Content::Old; sites.len()],
            served: vec![Content::Old; count],
            journal: Vec::new(),
            open: false,
            committed: None,
            closed: None,
            steps: 0,
            trace: Vec::new(),
        }
    }

    /// Drives a machine until it ends or is killed.
    fn drive(&mut self, mut machine: Machine, troubles: &[Trouble]) -> Option<Ending> {
        let mut event = Event::Begin;
        loop {
            let action = machine.next(event);
            self.trace.push(action.clone());
            assert!(self.trace.len() < 500, "it never ends: {:?}", self.trace);
            if let Action::End(ending) = action {
                return Some(ending);
            }
            let step = self.steps;
            self.steps += 1;
            for trouble in troubles {
                if let Trouble::Foreign(at, object) = trouble
                    && *at == step
                {
                    self.disk[*object] = Content::Foreign;
                }
            }
            if troubles.contains(&Trouble::Kill(step)) {
                return None;
            }
            let failing = troubles.contains(&Trouble::Fail(step));
            let hears = machine.hears_cancellation();
            event = if failing { Event::Failed } else { self.perform(&action, troubles) };
            if troubles.contains(&Trouble::KillAfter(step)) {
                return None;
            }
            if troubles.contains(&Trouble::Cancel(step)) && hears && event == Event::Done {
                event = Event::Cancelled;
            }
        }
    }

    fn perform(&mut self, action: &Action, troubles: &[Trouble]) -> Event {
        match action {
            Action::Open => self.open = true,
            Action::Observe(i) => {
                return Event::Saw(match self.disk[*i] {
                    Content::Old => View::Before,
                    Content::New => View::After,
                    Content::Foreign => View::Neither,
                });
            }
            Action::Save(i) => {
                if self.disk[*i] != Content::Old {
                    return Event::Failed;
                }
                self.journal.push(Entry::Saved(*i));
            }
            Action::Apply(i) => {
                self.disk[*i] = Content::New;
                self.journal.push(Entry::Applied(*i));
            }
            Action::Journal(entry) => self.journal.push(entry.clone()),
            Action::Check(_) => {}
            Action::Activate(k) => {
                let contents: BTreeSet<_> =
                    (0..self.sites.len()).filter(|i| self.sites[*i] == *k).map(|i| self.disk[i] as u8).collect();
                assert_eq!(contents.len(), 1, "site {k} was told to serve half a change: {:?}", self.trace);
                let content = self.disk[self.sites.iter().position(|s| s == k).unwrap()];
                if !(troubles.contains(&Trouble::ServesOld) && content == Content::New) {
                    self.served[*k] = content;
                }
            }
            Action::Prove => {
                let all_new = self.served.iter().all(|s| *s == Content::New);
                return Event::Judged(if all_new { Judgement::Holds } else { Judgement::Contradicted });
            }
            Action::ProveBack => {
                let all_old = self.served.iter().all(|s| *s == Content::Old);
                return Event::Judged(if all_old { Judgement::Holds } else { Judgement::Contradicted });
            }
            Action::PutBack(i) => {
                assert_eq!(self.disk[*i], Content::New, "only what we wrote is put back: {:?}", self.trace);
                self.disk[*i] = Content::Old;
            }
            Action::Commit(ending) => {
                self.committed = Some(*ending);
                self.open = false;
            }
            Action::Close(ending) => {
                self.closed = Some(*ending);
                self.open = false;
            }
            Action::End(_) => unreachable!(),
        }
        Event::Done
    }

    /// Recovers until the operation is closed, killed again at the given steps.
    fn recover(&mut self, operation: &Operation, kills: &[usize]) -> Option<Ending> {
        for kill in kills {
            if !self.open {
                return None;
            }
            self.steps = 0;
            let entries = self.journal.clone();
            if let Some(ending) = self.drive(Machine::recover(operation, &entries), &[Trouble::KillAfter(*kill)]) {
                return Some(ending);
            }
        }
        if !self.open {
            return None;
        }
        self.steps = usize::MAX / 2;
        let entries = self.journal.clone();
        self.drive(Machine::recover(operation, &entries), &[])
    }

    fn assert_all_old_or_all_new(&self) {
        let new = self.committed == Some(Ending::Done);
        let wanted = if new { Content::New } else { Content::Old };
        assert!(self.disk.iter().all(|d| *d == wanted), "{:?} after {:?}", self.disk, self.trace);
        assert!(self.served.iter().all(|d| *d == wanted), "{:?} after {:?}", self.served, self.trace);
        assert!(!self.open);
    }
}

const SHAPES: &[&[usize]] = &[&[0], &[0, 0], &[0, 0, 1, 1], &[0, 1, 2]];

#[test]
fn undisturbed_everything_is_new() {
    for sites in SHAPES {
        let operation = operation(sites, OnFailure::Undo, false);
        let mut world = World::new(sites);
        assert_eq!(world.drive(Machine::new(&operation), &[]), Some(Ending::Done));
        world.assert_all_old_or_all_new();
        assert_eq!(world.committed, Some(Ending::Done));
    }
}

#[test]
fn a_failure_at_any_step_puts_everything_back() {
    for sites in SHAPES {
        let operation = operation(sites, OnFailure::Undo, false);
        let mut calm = World::new(sites);
        calm.drive(Machine::new(&operation), &[]);
        for step in 0..calm.steps {
            for trouble in [Trouble::Fail(step), Trouble::Cancel(step)] {
                let mut world = World::new(sites);
                let ending = world.drive(Machine::new(&operation), &[trouble]).unwrap();
                world.assert_all_old_or_all_new();
                assert!(matches!(ending, Ending::PutBack | Ending::Done), "{trouble:?}: {ending:?}");
                if trouble == Trouble::Fail(step) {
                    assert_eq!(ending, Ending::PutBack, "{trouble:?}");
                }
            }
        }
        let mut world = World::new(sites);
        assert_eq!(world.drive(Machine::new(&operation), &[Trouble::ServesOld]), Some(Ending::PutBack));
        world.assert_all_old_or_all_new();
    }
}

#[test]
fn a_second_failure_on_the_way_back_is_said_and_nothing_else_is_touched() {
    let sites = &[0, 0, 1];
    let operation = operation(sites, OnFailure::Undo, false);
    let mut calm = World::new(sites);
    calm.drive(Machine::new(&operation), &[Trouble::ServesOld]);
    for step in 0..calm.steps {
        let mut world = World::new(sites);
        let ending = world.drive(Machine::new(&operation), &[Trouble::ServesOld, Trouble::Fail(step)]).unwrap();
        if world.disk.contains(&Content::New) {
            assert!(
                matches!(ending, Ending::UndoFailed | Ending::Contested),
                "step {step}: {ending:?} {:?}",
                world.disk
            );
        }
    }
}

#[test]
fn killed_anywhere_and_again_while_recovering_it_is_all_old_or_all_new() {
    for sites in SHAPES {
        for serves_old in [false, true] {
            let extra: &[Trouble] = if serves_old { &[Trouble::ServesOld] } else { &[] };
            let operation = operation(sites, OnFailure::Undo, false);
            let mut calm = World::new(sites);
            calm.drive(Machine::new(&operation), extra);
            for step in 0..calm.steps {
                for kill in [Trouble::Kill(step), Trouble::KillAfter(step)] {
                    for again in 0..12 {
                        let mut world = World::new(sites);
                        let mut troubles = extra.to_vec();
                        troubles.push(kill);
                        world.drive(Machine::new(&operation), &troubles);
                        if !world.open {
                            continue;
                        }
                        let ending = world.recover(&operation, &[again, again + 1]);
                        assert!(
                            matches!(ending, None | Some(Ending::Done | Ending::PutBack)),
                            "{kill:?} {again}: {ending:?} {:?}",
                            world.trace
                        );
                        world.assert_all_old_or_all_new();
                    }
                }
            }
        }
    }
}

#[test]
fn what_another_hand_wrote_is_left_alone() {
    for sites in SHAPES {
        let operation = operation(sites, OnFailure::Undo, false);
        let mut calm = World::new(sites);
        calm.drive(Machine::new(&operation), &[]);
        for object in 0..sites.len() {
            for kill in 0..calm.steps {
                let mut world = World::new(sites);
                world.drive(Machine::new(&operation), &[Trouble::Kill(kill)]);
                if !world.open {
                    continue;
                }
                world.disk[object] = Content::Foreign;
                let ending = world.recover(&operation, &[]);
                assert_eq!(world.disk[object], Content::Foreign, "killed at {kill}, {:?}", world.trace);
                if world.journal.contains(&Entry::Saved(object)) {
                    assert_eq!(ending, Some(Ending::Contested), "killed at {kill}, {:?}", world.trace);
                }
            }
        }
    }
}

#[test]
fn a_plan_that_no_longer_fits_writes_nothing() {
    let sites = &[0, 0, 1];
    let operation = operation(sites, OnFailure::Undo, false);
    for object in 0..sites.len() {
        let mut world = World::new(sites);
        let ending = world.drive(Machine::new(&operation), &[Trouble::Foreign(0, object)]);
        assert_eq!(ending, Some(Ending::Stale));
        assert!(world.journal.is_empty());
        assert_eq!(world.disk.iter().filter(|d| **d == Content::Foreign).count(), 1);
        assert!(world.disk.iter().all(|d| *d != Content::New));
    }
}

#[test]
fn what_is_not_worth_putting_back_stays_new_once_the_program_was_told() {
    let sites = &[0, 0];
    for operation in [operation(sites, OnFailure::Hold, false), operation(sites, OnFailure::Undo, true)] {
        let mut world = World::new(sites);
        assert_eq!(world.drive(Machine::new(&operation), &[Trouble::ServesOld]), Some(Ending::Held));
        assert_eq!(world.committed, Some(Ending::Held));
        assert!(world.disk.iter().all(|d| *d == Content::New));
        // Before the program was told, the old pair is put back: half a pair is worth nothing.
        let mut world = World::new(sites);
        let failing = (0..20)
            .find(|step| {
                let mut probe = World::new(sites);
                probe.drive(Machine::new(&operation), &[Trouble::Fail(*step)]);
                probe.trace.get(*step) == Some(&Action::Apply(1))
            })
            .unwrap();
        assert_eq!(world.drive(Machine::new(&operation), &[Trouble::Fail(failing)]), Some(Ending::PutBack));
        world.assert_all_old_or_all_new();
    }
}
