//! The negative control before a change: does the probe look at what is going to be changed?

use super::EndpointTask;
use super::task::Expectation;
use crate::error::{Error, ErrorId, Result};
use crate::model::{AskedName, Certificate, Drift, Fingerprint, Moment, Snapshot};

/// An endpoint before its change.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// What is to be proven afterwards.
    pub task: &'a EndpointTask,
    /// What was observed.
    pub before: &'a Snapshot,
    /// What state says is served there; empty when nothing is bound yet.
    pub recorded: &'a [Fingerprint],
}

/// Compares what was observed with what state says; differences are returned as drift.
///
/// Sites that are stopped and bindings of which nothing is to be proven are passed over. Where nothing is bound yet, an
/// endpoint that does not answer serves nothing.
///
/// # Errors
/// `EndpointDown` where nobody answers, `PlanStale` where the new certificate is served already although state says
/// otherwise: then the probe does not look at what will be changed.
pub fn negative_control(controls: &[Control<'_>]) -> Result<Vec<Drift>> {
    let mut drift = Vec::new();
    for Control { task, before, recorded } in controls {
        if task.stopped || before.cells.is_empty() {
            continue;
        }
        if before.is_down() {
            if recorded.is_empty() {
                continue;
            }
            let outcome = before.cells.first().map(|c| c.outcome.to_string()).unwrap_or_default();
            let message = format!("the endpoint `{}` of the site `{}` {outcome}", before.endpoint, task.site);
            return Err(Error::new(ErrorId::EndpointDown, message).about(before.endpoint.clone()));
        }
        let seen = served_first(task, before);
        let is_change = matches!(task.expectation, Expectation::Serves);
        let early = task
            .slots
            .iter()
            .map(|(_, c)| c)
            .find(|c| is_change && !recorded.contains(&c.fingerprint()) && seen.contains(&c.fingerprint()));
        if let Some(early) = early {
            let message = format!(
                "the endpoint `{}` of the site `{}` already serves `{}`, which is not bound there: the probe does not look at \
                 what is going to be changed",
                before.endpoint,
                task.site,
                early.thumbprint()
            );
            return Err(Error::new(ErrorId::PlanStale, message).about(before.endpoint.clone()).hint(
                "`Test-TlsBinding` shows what each endpoint serves; check `endpoint` of the binding in `certlet.toml`",
            ));
        }
        let same = seen.iter().all(|leaf| recorded.contains(leaf)) && recorded.iter().all(|leaf| seen.contains(leaf));
        if !same {
            drift.push(Drift {
                computer: task.computer.clone(),
                site: task.site.clone(),
                information: task.information.clone(),
                endpoint: before.endpoint.clone(),
                recorded: recorded.to_vec(),
                seen,
            });
        }
    }
    Ok(drift)
}

/// The leaves served to the first name, each once.
fn served_first(task: &EndpointTask, before: &Snapshot) -> Vec<Fingerprint> {
    let primary: AskedName = task.primary();
    let mut found = Vec::new();
    for cell in before.cells.iter().filter(|c| c.name == primary) {
        if let Some(leaf) = cell.outcome.fingerprint().filter(|leaf| !found.contains(leaf)) {
            found.push(leaf);
        }
    }
    found
}

/// Checks that a certificate has begun, for clocks that are late by so many seconds too.
///
/// # Errors
/// `CertificateNotYetValid`.
pub fn check_begun(certificate: &Certificate, now: Moment, skew: i64) -> Result<()> {
    let ripe = certificate.not_before().plus_seconds(skew);
    if now >= ripe {
        return Ok(());
    }
    let message = format!(
        "the certificate `{}` begins at {}: with {skew} s for clocks that are late it may be deployed from {ripe} on",
        certificate.thumbprint(),
        certificate.not_before()
    );
    let wait = ripe.since(now);
    Err(Error::new(ErrorId::CertificateNotYetValid, message).about(certificate.thumbprint().to_string()).hint(format!(
        "wait and run the same again: `Start-Sleep -Seconds {wait}`; an authority that dates its certificates back spares \
         the waiting, and so does `skew = 0` under `[proof]` in certlet.toml, where no client's clock is late"
    )))
}
