//! The bindings of this computer: what is bound there, and when that was last proven.

use super::{Finding, Light};
use crate::cmdlets::lookup::{Wanted, assignments_on, bound_thumbprints, set_verb, wanted_at};
use crate::cmdlets::tls::test_tls_binding::proofs_of;
use crate::command::Invocation;
use crate::error::Result;
use crate::model::{ServerSettings, SiteState, UseName, Verdict};
use crate::probe::{EndpointTask, Expectation};
use crate::servers::LISTENER_LEASE;
use crate::session::{Assigned, LastProof, Place, Session};

/// Every binding that names a use, and every use that should have one; with `probe` they are proven first.
pub(super) fn all(cx: &mut Invocation<'_>, probe: bool) -> Result<Vec<Finding>> {
    let session = cx.session();
    let topology = session.topology()?;
    let local = topology.local_computer()?.clone();
    let assigned = assignments_on(session, &local)?;
    let mut places: Vec<(Place, UseName, Vec<Wanted>)> = Vec::new();
    for place in session.places()? {
        let Some(name) = place.binding().use_name.clone() else { continue };
        if place.site.website.computer == local && place.binding().protocol.is_secure() {
            let wanted = wanted_at(session, &place, &assigned)?;
            places.push((place, name, wanted));
        }
    }
    if probe {
        look(cx, &places)?;
    }
    let mut findings = Vec::new();
    for (place, name, wanted) in &places {
        findings.extend(one(session, place, name, wanted)?);
    }
    for name in unbound(&assigned, &places) {
        // A use that no site ever serves has nothing that could be proven.
        let Some(site) = topology.uses.iter().find(|u| u.name.as_str() == name).and_then(|u| u.web_site.as_ref()) else {
            continue;
        };
        let remedy = format!("add a `[[site.binding]]` with `use = \"{name}\"` to the site `{site}` in certlet.toml");
        let why = "it is assigned, and no binding in `certlet.toml` serves it";
        findings.push(Finding::new(Light::Amber, "NoBinding", name, why).remedy(remedy));
    }
    Ok(findings)
}

/// Proves what is to be served; what was seen is remembered, and read back as the last proof.
fn look(cx: &mut Invocation<'_>, places: &[(Place, UseName, Vec<Wanted>)]) -> Result<()> {
    let session = cx.session();
    let mut tasks: Vec<EndpointTask> = Vec::new();
    for (place, _, wanted) in places {
        let slots: Vec<_> = wanted.iter().filter_map(|w| w.stored.as_ref().map(|(_, c)| (w.slot, c.clone()))).collect();
        if !slots.is_empty() {
            tasks.extend(session.tasks_of(place, &slots, &Expectation::Serves)?);
        }
    }
    proofs_of(cx, session, &tasks).map(|_| ())
}

fn one(session: &Session, place: &Place, name: &UseName, wanted: &[Wanted]) -> Result<Option<Finding>> {
    let site = &place.site.website.name;
    let what = format!("{site} ({})", place.binding().information);
    let Some(first) = wanted.first() else {
        let why = format!("nothing is assigned for `{name}`, which this binding serves");
        let uses = std::slice::from_ref(name);
        let remedy = match session.best_fit(uses)? {
            Some(row) => format!("{} -Type {name} -Thumbprint {}", set_verb(&*session.topology()?, uses), row.thumbprint),
            None => format!("Request-CsCertificate -New -Type {name} | Set-CsCertificate -Type {name}"),
        };
        return Ok(Some(Finding::new(Light::Amber, "NothingAssigned", what, why).remedy(remedy)));
    };
    // A certificate that has vanished is told of at its uses.
    let Some((row, _)) = &first.stored else { return Ok(None) };
    let shown = row.thumbprint.to_string();
    let set = format!("Set-CsCertificate -Type {name} -Thumbprint {shown}");
    let found = |light, check, why: String| Some(Finding::new(light, check, what.clone(), why).about(&shown));
    let bound = bound_thumbprints(session, place)?;
    if bound.is_empty() {
        return Ok(found(Light::Red, "NotBound", format!("no certificate is bound; `{shown}` is assigned")).map(|f| f.remedy(set)));
    }
    if !bound.contains(&shown) {
        let why = format!("`{}` is bound; `{shown}` is assigned", bound.join("`, `"));
        return Ok(found(Light::Red, "OtherBound", why).map(|f| f.remedy(set)));
    }
    if place.site.website.state == SiteState::Stopped || place.binding().prove.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    if place.binding().endpoints.is_empty() {
        return Ok(found(Light::Amber, "NoEndpoint", "no endpoint is declared where it could be proven".to_owned())
            .map(|f| f.remedy("add `endpoint = [\"HOST:PORT\"]` to the binding in certlet.toml")));
    }
    let last = session.last_proof(place)?.filter(|last| last.expected == Some(row.thumbprint));
    let (light, check, why) = match &last {
        None => (Light::Amber, "NotProven", format!("it was never proven that `{shown}` is served")),
        Some(last) => match judged(session, last) {
            Some(judged) => judged,
            None => return Ok(None),
        },
    };
    let is_listener = place.site.website.server == ServerSettings::Listener;
    // What nobody serves proves nothing.
    let remedy = if is_listener && light != Light::Red && session.state()?.lease_holder(LISTENER_LEASE)?.is_none() {
        "certlet serve".to_owned()
    } else {
        format!("Test-TlsBinding -Name \"{site}\"")
    };
    Ok(found(light, check, why).map(|f| f.remedy(remedy)))
}

fn judged(session: &Session, last: &LastProof) -> Option<(Light, &'static str, String)> {
    let at = last.time.in_zone(&session.zone());
    let problem = last.problem.as_deref().unwrap_or("something else was seen");
    match last.verdict {
        Verdict::Contradicted => Some((Light::Red, "Contradicted", format!("{problem} ({at})"))),
        Verdict::Partial | Verdict::Unproven => {
            Some((Light::Amber, "NotProven", format!("{}: {problem} ({at})", last.verdict)))
        }
        Verdict::Proven | Verdict::NotApplicable => {
            let age = session.world().proof_max_age().as_secs() as i64;
            let is_old = session.now().since(last.time) > age;
            is_old.then(|| (Light::Amber, "ProofStale", format!("the last proof is of {at}, older than {} h", age / 3600)))
        }
    }
}

/// The uses that are assigned and that no binding names.
fn unbound(assigned: &[Assigned], places: &[(Place, UseName, Vec<Wanted>)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for one in assigned.iter().filter(|a| a.row.certificate.is_some()) {
        let name = &one.key.use_name;
        if !names.contains(name) && !places.iter().any(|(_, n, _)| n.as_str() == name) {
            names.push(name.clone());
        }
    }
    names
}
