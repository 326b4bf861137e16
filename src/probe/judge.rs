//! The judgement over single handshakes: pure, without network and without time.

use super::EndpointTask;
use super::look::Kind;
use super::task::Expectation;
use crate::model::{AskedName, Certificate, Fingerprint, KeyFamily, Outcome, Remedy, Snapshot, TlsVersion};

/// What one kind of handshake must show.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// This leaf, byte for byte.
    Leaf(Certificate),
    /// No certificate: nothing is assigned to this family.
    Nothing,
    /// The same as before.
    Same(Outcome),
    /// Anything: it is looked at and compared as a whole afterwards.
    Watched,
}

/// What a handshake says about its goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Just what was to be seen.
    Match,
    /// Nothing is served where nothing is to be served.
    Quiet,
    /// The offer was refused where a leaf was to be seen: the version may be off.
    Refused,
    /// Something else was seen.
    Contradiction(Trouble),
    /// Nothing could be seen.
    Unseen(Trouble),
}

/// What is wrong, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) problem: String,
    pub(super) remedy: Remedy,
}

impl Trouble {
    pub(super) fn new(problem: impl Into<String>, remedy: Remedy) -> Self {
        Self { problem: problem.into(), remedy }
    }
}

/// The handshakes with one name, each with its goal.
pub(super) fn goals(task: &EndpointTask, name: &AskedName) -> Vec<(Kind, Goal)> {
    if let Expectation::AsBefore(before) = &task.expectation {
        let same = before.cells.iter().filter(|c| c.name == *name);
        let kind = |c: &crate::model::Cell| Kind { name: c.name.clone(), version: c.version, family: c.family };
        return same.map(|c| (kind(c), Goal::Same(c.outcome.clone()))).collect();
    }
    let is_published = *name == task.primary() || matches!(name, AskedName::Published(_));
    let mut goals = Vec::new();
    for version in task.versions() {
        for family in task.families() {
            let goal = match &task.expectation {
                _ if !is_published => Goal::Watched,
                Expectation::Serves => match task.assigned(family) {
                    Some(leaf) => Goal::Leaf(leaf.clone()),
                    // An offer of any family is answered by whichever there is.
                    None if family == KeyFamily::Any => continue,
                    None => Goal::Nothing,
                },
                Expectation::ServesNothing | Expectation::AsBefore(_) => Goal::Nothing,
            };
            goals.push((Kind { name: name.clone(), version, family }, goal));
        }
    }
    goals
}

/// Judges one handshake. `was_served` says whether a certificate was served to it before the change.
pub(super) fn judge(kind: &Kind, goal: &Goal, outcome: &Outcome, was_served: bool) -> Finding {
    let whose = format!("over {} with {}, for {}", kind.version, kind.family, kind.name);
    match (goal, outcome) {
        (Goal::Same(before), now) if before.is_same(now) => Finding::Match,
        (Goal::Same(before), now) => Finding::Contradiction(Trouble::new(
            format!("{whose}, it {now}; before the change it was otherwise: it {before}"),
            Remedy::Configure,
        )),
        (Goal::Nothing, Outcome::Served { .. }) => Finding::Contradiction(Trouble::new(
            format!("{whose}, it {outcome}, and no certificate is assigned for that"),
            Remedy::Configure,
        )),
        (Goal::Nothing | Goal::Watched, _) => Finding::Quiet,
        (Goal::Leaf(leaf), Outcome::Served { fingerprint, .. }) if *fingerprint == leaf.fingerprint() => Finding::Match,
        (Goal::Leaf(leaf), Outcome::Served { .. }) => Finding::Contradiction(Trouble::new(
            format!("{whose}, it {outcome}; assigned is `{}`", leaf.thumbprint()),
            Remedy::Bind,
        )),
        (Goal::Leaf(_), Outcome::Off(_)) => Finding::Refused,
        (Goal::Leaf(_), Outcome::WrongKey(_)) => {
            Finding::Contradiction(Trouble::new(format!("{whose}, it {outcome}"), Remedy::Bind))
        }
        (Goal::Leaf(_), Outcome::Down(_)) if was_served => Finding::Contradiction(Trouble::new(
            format!("{whose}, it {outcome}; before the change it answered"),
            Remedy::Start,
        )),
        (Goal::Leaf(_), Outcome::Broken(_)) if was_served => Finding::Contradiction(Trouble::new(
            format!("{whose}, it {outcome}; before the change it did not"),
            Remedy::Configure,
        )),
        (Goal::Leaf(_), Outcome::Down(_)) => {
            Finding::Unseen(Trouble::new(format!("{whose}, it {outcome}"), Remedy::Start))
        }
        (Goal::Leaf(_), Outcome::TooOldForProber) => {
            Finding::Unseen(Trouble::new(format!("TooOldForProber: the server {outcome}"), Remedy::Configure))
        }
        (Goal::Leaf(_), Outcome::Broken(_)) => {
            Finding::Unseen(Trouble::new(format!("{whose}, it {outcome}"), Remedy::Configure))
        }
    }
}

/// What the handshakes with one name say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// So many matches, and nothing against them.
    Agrees(u32),
    /// So many matches, nothing against them, and something that cannot be looked at.
    Partly(u32, Trouble),
    /// Something else was seen.
    Contradicts(Trouble),
    /// Nothing was seen.
    Unseen(Trouble),
}

/// Joins the findings of one name: a version may be off as a whole, but not half, not if it was on before, and not if it
/// is asked for by name.
pub(super) fn join(
    task: &EndpointTask,
    name: &AskedName,
    found: &[(Kind, Finding)],
    before: Option<&Snapshot>,
) -> Round {
    let mut unseen = None;
    let mut matches = 0;
    for (_, finding) in found {
        match finding {
            Finding::Contradiction(trouble) => return Round::Contradicts(trouble.clone()),
            Finding::Unseen(trouble) => unseen = unseen.or_else(|| Some(trouble.clone())),
            Finding::Match => matches += 1,
            Finding::Quiet | Finding::Refused => {}
        }
    }
    for version in TlsVersion::ALL {
        let is = |wanted: &Finding| found.iter().any(|(kind, finding)| kind.version == version && finding == wanted);
        if !is(&Finding::Refused) {
            continue;
        }
        let problem = if is(&Finding::Match) {
            let family = found.iter().find(|(kind, f)| kind.version == version && *f == Finding::Refused);
            let family = family.map_or(KeyFamily::Any, |(kind, _)| kind.family);
            format!("over {version}, for {name}, the certificate for {family} is not served")
        } else if task.demands(version) {
            format!("{version} is to be proven and is refused for {name}")
        } else if before.is_some_and(|b| was_on(b, name, version)) {
            format!("{version} answered before the change, for {name}, and is refused now")
        } else {
            continue;
        };
        return Round::Contradicts(Trouble::new(problem, Remedy::Configure));
    }
    if let Some(trouble) = unseen {
        // A server that does not answer may be starting again; one that breaks handshakes stays as it is.
        let lasts = matches > 0 && trouble.remedy != Remedy::Start;
        return if lasts { Round::Partly(matches, trouble) } else { Round::Unseen(trouble) };
    }
    let all_refused = matches == 0 && found.iter().any(|(_, finding)| *finding == Finding::Refused);
    if all_refused {
        return Round::Contradicts(Trouble::new(format!("no certificate is served for {name}"), Remedy::Bind));
    }
    // Where nothing is to be served, silence is the match.
    Round::Agrees(if matches == 0 { found.len() as u32 } else { matches })
}

/// Whether a certificate was served over a version to a name.
pub(super) fn was_on(before: &Snapshot, name: &AskedName, version: TlsVersion) -> bool {
    let served = |cell: &&crate::model::Cell| cell.version == version && cell.outcome.fingerprint().is_some();
    before.cells.iter().filter(served).any(|cell| cell.name == *name)
}

/// Whether another certificate than expected answers a name that is not published: the default site has moved.
///
/// What was served to published names may have been replaced there as well; anything else is a difference.
pub(super) fn moved_default(
    before: &Snapshot,
    name: &AskedName,
    now: &[Fingerprint],
    new: &[Fingerprint],
) -> Option<String> {
    let old = before.served();
    // Where nothing was served, there was no default site.
    if old.is_empty() && before.cells.iter().all(|c| c.outcome.fingerprint().is_none()) {
        return None;
    }
    let mut was = Vec::new();
    for cell in before.cells.iter().filter(|c| c.name == *name) {
        match cell.outcome.fingerprint() {
            Some(leaf) if old.contains(&leaf) => was.extend_from_slice(new),
            Some(leaf) => was.push(leaf),
            None => {}
        }
    }
    let same = was.iter().all(|leaf| now.contains(leaf)) && now.iter().all(|leaf| was.contains(leaf));
    (!same).then(|| {
        format!("for {name} another certificate is served than before the change: the default site may have moved")
    })
}
