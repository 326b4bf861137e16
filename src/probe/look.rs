//! Looking: one handshake turned into an outcome and its evidence, and many endpoints side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::task::sent_name;
use super::{EndpointTask, Look, Miss, Prober, Sighting, Target};
use crate::model::{AskedName, Cell, Evidence, KeyFamily, Outcome, Snapshot, TlsVersion};

/// What a handshake came to.
pub(super) struct Glance {
    pub(super) evidence: Evidence,
    pub(super) sighting: Option<Sighting>,
}

/// One kind of handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: AskedName,
    pub(super) version: TlsVersion,
    pub(super) family: KeyFamily,
}

/// Shakes hands once; `None` when the run is to end.
pub(super) fn glance(
    prober: &dyn Prober,
    task: &EndpointTask,
    kind: &Kind,
    timeout: Duration,
    look: &Look<'_>,
) -> Option<Glance> {
    let target = Target {
        address: task.endpoint.clone().unwrap_or_default(),
        server_name: sent_name(&kind.name),
        version: kind.version,
        family: kind.family,
        alpn: task.alpn(),
        timeout,
    };
    let started = look.clock.now();
    let (outcome, sighting) = match prober.handshake(&target, look.cancelled) {
        Ok(sighting) => (served(&sighting), Some(sighting)),
        Err(Miss::Cancelled) => return None,
        Err(Miss::Off(why)) => (Outcome::Off(why), None),
        Err(Miss::Down(why)) => (Outcome::Down(why), None),
        Err(Miss::TooOld) => (Outcome::TooOldForProber, None),
        Err(Miss::WrongKey(why)) => (Outcome::WrongKey(why), None),
        Err(Miss::Broken(why)) => (Outcome::Broken(why), None),
    };
    let seen = sighting.as_ref();
    let evidence = Evidence {
        address: target.address,
        server_name: target.server_name,
        version: kind.version,
        family: kind.family,
        outcome,
        alpn: seen.and_then(|s| s.alpn.clone()),
        scheme: seen.map(|s| s.scheme.clone()),
        chain: seen.map(|s| s.chain.iter().map(crate::model::Certificate::fingerprint).collect()).unwrap_or_default(),
        stapled: seen.is_some_and(|s| s.staple.is_some()),
        local_address: seen.map(|s| s.local_address.clone()).unwrap_or_default(),
        started: seen.map_or(started, |s| s.started),
        ended: seen.map_or_else(|| look.clock.now(), |s| s.ended),
        host: look.host.to_owned(),
    };
    Some(Glance { evidence, sighting })
}

fn served(sighting: &Sighting) -> Outcome {
    Outcome::Served {
        fingerprint: sighting.leaf.fingerprint(),
        thumbprint: sighting.leaf.thumbprint(),
        not_after: sighting.leaf.not_after(),
        name: sighting.leaf.short_name(),
    }
}

/// Looks at what each endpoint serves now, to be compared with later.
///
/// A site that is stopped, a binding without endpoint and one of which nothing is to be proven have no cells.
/// An endpoint that refuses the connection twice is not asked for all its names.
pub fn observe(prober: &dyn Prober, tasks: &[EndpointTask], timeout: Duration, look: &Look<'_>) -> Vec<Snapshot> {
    side_by_side(tasks, look.threads, |task| observe_one(prober, task, timeout, look))
}

fn observe_one(prober: &dyn Prober, task: &EndpointTask, timeout: Duration, look: &Look<'_>) -> Snapshot {
    let mut snapshot = Snapshot {
        computer: task.computer.clone(),
        site: task.site.clone(),
        information: task.information.clone(),
        endpoint: task.endpoint.clone().unwrap_or_default(),
        taken: look.clock.now(),
        cells: Vec::new(),
    };
    let nothing_to_prove = !task.protocol.is_secure() || task.scope.as_ref().is_some_and(Vec::is_empty);
    if task.stopped || task.endpoint.is_none() || nothing_to_prove {
        return snapshot;
    }
    for name in task.asked_names() {
        for version in task.versions() {
            for family in task.families() {
                let kind = Kind { name: name.clone(), version, family };
                let mut seen = glance(prober, task, &kind, timeout, look);
                if matches!(&seen, Some(g) if matches!(g.evidence.outcome, Outcome::Down(_))) {
                    look.pause(Duration::from_millis(100));
                    seen = glance(prober, task, &kind, timeout, look);
                }
                let Some(seen) = seen else { return snapshot };
                let Kind { name, version, family } = kind;
                let is_down = matches!(seen.evidence.outcome, Outcome::Down(_));
                snapshot.cells.push(Cell { name, version, family, outcome: seen.evidence.outcome });
                if is_down && snapshot.cells.len() == 1 {
                    return snapshot;
                }
            }
        }
    }
    snapshot
}

/// Runs over the items on a bounded number of threads; results come in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    if items.len() > 1 && threads > 1 {
        thread::scope(|scope| {
            for _ in 0..threads.min(items.len()) {
                scope.spawn(run);
            }
        });
    } else {
        run();
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
