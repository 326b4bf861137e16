//! The proof: handshakes until an endpoint has settled, then one look at everything, then the verdict.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use super::chain::Uncovered;
use super::judge::{Finding, Goal, Round, Trouble};
use super::look::{Glance, Kind, glance, side_by_side};
use super::task::Expectation;
use super::{EndpointTask, Look, NAME_LIMIT, Prober, ProofSettings, Sighting, chain, judge};
use crate::model::{AskedName, Certificate, EndpointProof, Evidence, Fingerprint, Outcome, Remedy, Snapshot, Verdict};

const FIRST_BACKOFF: Duration = Duration::from_millis(20);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);

/// Proves what each endpoint serves; one proof for each task, in their order.
///
/// With `before`, what was observed before the change, a loss is a contradiction: a version that answered, an endpoint that
/// was up, the certificate of the default site. A cancelled run leaves what is not finished `Unproven`.
pub fn prove(
    prober: &dyn Prober,
    tasks: &[EndpointTask],
    before: Option<&[Snapshot]>,
    settings: &ProofSettings,
    look: &Look<'_>,
) -> Vec<EndpointProof> {
    side_by_side(tasks, look.threads, |task| {
        let before = before.and_then(|all| all.iter().find(|s| task.is_of(s)));
        let mut proof = Prover { prober, task, before, settings, look }.run();
        let elsewhere =
            |other: &EndpointTask| other.is_of_same_binding(task) && other.endpoint.is_some() && !other.is_loopback();
        if proof.verdict == Verdict::Proven && task.is_loopback_of_any() && !tasks.iter().any(elsewhere) {
            proof
                .not_covered
                .push(format!("loopback: the other addresses of `{}` were not looked at", task.information));
            proof.remedy = Some(Remedy::WidenEndpoints);
        }
        if proof.verdict == Verdict::Proven && !proof.not_covered.is_empty() {
            proof.verdict = Verdict::Partial;
            proof.problem = Some(format!("not covered: {}", proof.not_covered.join("; ")));
        }
        proof
    })
}

struct Prover<'a> {
    prober: &'a dyn Prober,
    task: &'a EndpointTask,
    before: Option<&'a Snapshot>,
    settings: &'a ProofSettings,
    look: &'a Look<'a>,
}

/// What one look at everything brought.
#[derive(Default)]
struct Sweep {
    evidence: Vec<Evidence>,
    /// Leaf, chain and staple of what was judged already.
    judged: Vec<(Fingerprint, Vec<Fingerprint>, bool)>,
    contradiction: Option<Trouble>,
    unseen: Option<Trouble>,
    unfit: Vec<Trouble>,
    uncovered: Vec<(AskedName, Uncovered)>,
    warnings: Vec<String>,
    not_covered: Vec<String>,
}

impl Sweep {
    fn unfit(&mut self, trouble: Trouble) {
        if !self.unfit.contains(&trouble) {
            self.unfit.push(trouble);
        }
    }
}

/// The end of looking: interrupted, or at the deadline with what was in the way.
enum End {
    Interrupted,
    Contradicted(Trouble),
    Unseen(Trouble),
}

impl Prover<'_> {
    fn run(&self) -> EndpointProof {
        let mut proof = self.blank();
        if let Some(why) = self.task.not_applicable() {
            proof.verdict = Verdict::NotApplicable;
            proof.problem = Some(why);
            return proof;
        }
        if self.task.stopped {
            proof.problem = Some("stopped: the site is declared as stopped, so it was not probed".to_owned());
            proof.warnings.push(format!("the site `{}` is stopped: nothing is proven there", self.task.site));
            return proof;
        }
        if self.task.endpoint.is_none() {
            proof.problem = Some("no endpoint declared".to_owned());
            proof.remedy = Some(Remedy::DeclareEndpoint);
            return proof;
        }
        if matches!(&self.task.expectation, Expectation::AsBefore(before) if before.cells.is_empty()) {
            proof.problem = Some("it was not looked at before, so there is nothing to compare with".to_owned());
            return proof;
        }
        match self.look_until_settled() {
            Ok(sweep) => self.conclude(&mut proof, sweep),
            Err((end, sweep)) => {
                let (verdict, trouble) = match end {
                    End::Interrupted => (Verdict::Unproven, Trouble::new("interrupted", Remedy::Retry)),
                    End::Contradicted(trouble) => (Verdict::Contradicted, trouble),
                    End::Unseen(trouble) => (Verdict::Unproven, trouble),
                };
                self.take_sweep(&mut proof, *sweep);
                spoil(&mut proof, verdict, trouble);
            }
        }
        proof.proven_at = self.look.clock.now();
        proof
    }

    /// Settles and sweeps until a sweep finds nothing else either, or the deadline.
    fn look_until_settled(&self) -> Result<Sweep, (End, Box<Sweep>)> {
        let deadline = self.look.clock.elapsed() + self.settings.deadline;
        let mut backoff = FIRST_BACKOFF;
        let mut last: Option<(Trouble, Box<Sweep>)> = None;
        loop {
            match (self.settle(deadline, &mut backoff), last) {
                (Ok(()), _) => {}
                // The deadline came while it settled again: what the last full look found still stands.
                (Err((End::Unseen(_), _)), Some((trouble, sweep))) => return Err((End::Contradicted(trouble), sweep)),
                (Err(end), _) => return Err(end),
            }
            let sweep = self.sweep().ok_or_else(|| (End::Interrupted, Box::default()))?;
            let Some(trouble) = sweep.contradiction.clone() else { return Ok(sweep) };
            if self.look.clock.elapsed() >= deadline {
                return Err((End::Contradicted(trouble), Box::new(sweep)));
            }
            last = Some((trouble, Box::new(sweep)));
            self.wait(&mut backoff);
        }
    }

    /// Shakes hands with the first name until so many in a row agree, over the window.
    fn settle(&self, deadline: Duration, backoff: &mut Duration) -> Result<(), (End, Box<Sweep>)> {
        let primary = self.first_name();
        let goals: Vec<(Kind, Goal)> = judge::goals(self.task, &primary)
            .into_iter()
            .filter(|(_, goal)| !self.is_left_for_the_sweep(goal))
            .collect();
        if goals.is_empty() {
            let problem = "what the binding declares to be proven leaves out every certificate that is assigned";
            return Err((End::Unseen(Trouble::new(problem, Remedy::Configure)), Box::default()));
        }
        let pause = self.settings.window / self.settings.matches.max(1);
        let (mut matches, mut since) = (0, self.look.clock.elapsed());
        loop {
            let interrupted = || (End::Interrupted, Box::default());
            let (round, evidence) = self.round(&primary, &goals, pause).ok_or_else(interrupted)?;
            let end = match round {
                // What is broken for good must not keep the rest from being proven; the sweep finds it again.
                Round::Agrees(count) | Round::Partly(count, _) => {
                    matches += count;
                    let settled = self.look.clock.elapsed().saturating_sub(since) >= self.settings.window;
                    if matches >= self.settings.matches && settled {
                        return Ok(());
                    }
                    if self.look.clock.elapsed() < deadline {
                        continue;
                    }
                    let so_far = format!("only {matches} matching handshakes in a row by the deadline");
                    End::Unseen(Trouble::new(so_far, Remedy::Retry))
                }
                Round::Contradicts(trouble) => End::Contradicted(trouble),
                Round::Unseen(trouble) => End::Unseen(trouble),
            };
            if self.look.clock.elapsed() >= deadline {
                return Err((end, Box::new(Sweep { evidence, ..Sweep::default() })));
            }
            self.wait(backoff);
            (matches, since) = (0, self.look.clock.elapsed());
        }
    }

    /// One handshake of each kind; `None` when the run is to end.
    fn round(&self, name: &AskedName, goals: &[(Kind, Goal)], pause: Duration) -> Option<(Round, Vec<Evidence>)> {
        let mut findings = Vec::new();
        let mut evidence = Vec::new();
        for (kind, goal) in goals {
            let begun = self.look.clock.elapsed();
            let seen = self.glance(kind)?;
            findings.push((kind.clone(), judge::judge(kind, goal, &seen.evidence.outcome, self.was_served(kind))));
            evidence.push(seen.evidence);
            // The window is spread over the handshakes, which take their own part of it.
            self.look.pause(pause.saturating_sub(self.look.clock.elapsed().saturating_sub(begun)));
        }
        Some((judge::join(self.task, name, &findings, self.before), evidence))
    }

    /// Looks at every name, version and family once; `None` when the run is to end.
    fn sweep(&self) -> Option<Sweep> {
        let mut sweep = Sweep::default();
        let deadline = self.look.clock.elapsed() + self.settings.deadline;
        let names = self.names();
        for (index, name) in names.iter().enumerate() {
            if self.look.clock.elapsed() >= deadline {
                sweep.not_covered.push(format!("{} server names: the deadline is over", names.len() - index));
                break;
            }
            let mut findings = Vec::new();
            let mut seen_leaves: Vec<Fingerprint> = Vec::new();
            for (kind, goal) in judge::goals(self.task, name) {
                let Glance { evidence, sighting } = self.glance(&kind)?;
                let finding = judge::judge(&kind, &goal, &evidence.outcome, self.was_served(&kind));
                seen_leaves.extend(evidence.outcome.fingerprint());
                let counts = index == 0 || !matches!(name, AskedName::Published(_));
                if counts || !matches!(evidence.outcome, Outcome::Off(_)) {
                    sweep.evidence.push(evidence);
                }
                if let (Some(sighting), Finding::Match, Goal::Leaf(_)) = (sighting, &finding, &goal) {
                    self.judge_sighting(name, &sighting, &mut sweep);
                }
                findings.push((kind, finding));
            }
            match judge::join(self.task, name, &findings, self.before) {
                Round::Agrees(_) => {}
                Round::Contradicts(trouble) => sweep.contradiction = sweep.contradiction.or(Some(trouble)),
                Round::Unseen(trouble) | Round::Partly(_, trouble) => sweep.unseen = sweep.unseen.or(Some(trouble)),
            }
            if let (1.., AskedName::Unknown | AskedName::Absent, Expectation::Serves, Some(before)) =
                (index, name, &self.task.expectation, self.before)
            {
                sweep.warnings.extend(judge::moved_default(before, name, &seen_leaves, &self.task.new_leaves()));
            }
        }
        let beyond = self.task.published_names.len().saturating_sub(NAME_LIMIT);
        if beyond > 0 {
            sweep.not_covered.push(format!("{beyond} published names beyond the first {NAME_LIMIT}"));
        }
        Some(sweep)
    }

    /// Judges what came with the right leaf, once for each leaf and chain, and whether it covers the name.
    fn judge_sighting(&self, name: &AskedName, sighting: &Sighting, sweep: &mut Sweep) {
        if let Some(how) = chain::uncovered(self.task, &sighting.leaf, name) {
            let failed = (name.clone(), how);
            if !sweep.uncovered.contains(&failed) {
                sweep.uncovered.push(failed);
            }
        }
        let chain = sighting.chain.iter().map(Certificate::fingerprint).collect();
        let shown = (sighting.leaf.fingerprint(), chain, sighting.staple.is_some());
        if sweep.judged.contains(&shown) {
            return;
        }
        sweep.judged.push(shown);
        let opinion = chain::judge(self.task, sighting, self.settings.skew.as_secs() as i64);
        for trouble in opinion.troubles {
            sweep.unfit(trouble);
        }
        for warning in opinion.warnings {
            if !sweep.warnings.contains(&warning) {
                sweep.warnings.push(warning);
            }
        }
    }

    fn conclude(&self, proof: &mut EndpointProof, mut sweep: Sweep) {
        let unseen = sweep.unseen.take();
        let mut unfit = std::mem::take(&mut sweep.unfit);
        unfit.extend(chain::names_trouble(&sweep.uncovered));
        self.take_sweep(proof, sweep);
        proof.verdict = Verdict::Proven;
        if let Some(trouble) = unseen {
            proof.not_covered.push(trouble.problem);
            proof.remedy = Some(trouble.remedy);
        }
        if let Some(first) = unfit.first() {
            let all: Vec<&str> = unfit.iter().map(|t| t.problem.as_str()).collect();
            spoil(proof, Verdict::Contradicted, Trouble::new(all.join("; "), first.remedy));
        }
    }

    fn take_sweep(&self, proof: &mut EndpointProof, sweep: Sweep) {
        let leaves = self.task.new_leaves();
        let other = |o: &&Evidence| o.outcome.fingerprint().is_some_and(|leaf| !leaves.contains(&leaf));
        let published = |e: &&Evidence| e.server_name.as_deref() != Some(super::task::UNKNOWN_NAME);
        let shown = sweep.evidence.iter().filter(published).find(other);
        let shown = shown.or_else(|| sweep.evidence.iter().find(|e| e.outcome.fingerprint().is_some()));
        if let Some(Evidence { outcome: Outcome::Served { thumbprint, .. }, .. }) = shown {
            proof.actual = Some(*thumbprint);
        }
        proof.warnings.extend(sweep.warnings);
        proof.not_covered.extend(sweep.not_covered);
        proof.evidence = sweep.evidence;
    }

    fn glance(&self, kind: &Kind) -> Option<Glance> {
        if (self.look.cancelled)() {
            return None;
        }
        glance(self.prober, self.task, kind, self.settings.probe_timeout, self.look)
    }

    /// Where a certificate is to be served, what must not answer is looked at once, in the sweep.
    fn is_left_for_the_sweep(&self, goal: &Goal) -> bool {
        matches!((goal, &self.task.expectation), (Goal::Nothing, Expectation::Serves))
    }

    fn first_name(&self) -> AskedName {
        self.names().into_iter().next().unwrap_or(AskedName::Absent)
    }

    fn names(&self) -> Vec<AskedName> {
        let Expectation::AsBefore(before) = &self.task.expectation else { return self.task.asked_names() };
        let mut names = Vec::new();
        for cell in &before.cells {
            if !names.contains(&cell.name) {
                names.push(cell.name.clone());
            }
        }
        names
    }

    fn was_served(&self, kind: &Kind) -> bool {
        self.before.is_some_and(|b| judge::was_on(b, &kind.name, kind.version))
    }

    /// Waits a little longer each time, by a random part more or less, so that many members are not asked in step.
    fn wait(&self, backoff: &mut Duration) {
        let random = RandomState::new().build_hasher().finish() % 1000;
        self.look.pause(*backoff / 2 + backoff.mul_f64(random as f64 / 1000.0));
        *backoff = (*backoff * 2).min(LONGEST_BACKOFF);
    }

    fn blank(&self) -> EndpointProof {
        EndpointProof {
            computer: self.task.computer.clone(),
            site: self.task.site.clone(),
            information: self.task.information.clone(),
            use_name: self.task.use_name.clone(),
            endpoint: self.task.endpoint.clone().unwrap_or_default(),
            server_name: self.task.server_name.clone(),
            verdict: Verdict::Unproven,
            problem: None,
            remedy: None,
            expected: self.task.slots.first().map(|(_, c)| c.thumbprint()),
            actual: None,
            not_covered: Vec::new(),
            warnings: Vec::new(),
            evidence: Vec::new(),
            proven_at: self.look.clock.now(),
        }
    }
}

fn spoil(proof: &mut EndpointProof, verdict: Verdict, trouble: Trouble) {
    proof.verdict = verdict;
    proof.problem = Some(trouble.problem);
    proof.remedy = Some(trouble.remedy);
}
