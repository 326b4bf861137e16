//! `Test-TlsBinding`: what is bound, compared with what is assigned, and proven by handshakes.

mod checks;
mod record;

use std::time::Duration;

use checks::{Examined, examine};
use record::{TLS_BINDING_TEST, TlsBindingTest};

use crate::cmdlets::lookup::{assignments_on, is_pattern, places_at, sites_named, thumbprint_of};
use crate::cmdlets::params::{CertTypes, warn_of_open_change};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Values, Verb};
use crate::error::{ErrorId, Result};
use crate::format::like;
use crate::model::{EndpointProof, SiteState, UseName, Verdict};
use crate::probe::{EndpointTask, Expectation, Look, ProofSettings, Prober, prove};
use crate::session::{Session, exit_of};

/// How many endpoints are looked at side by side.
const THREADS: usize = 8;

/// How long an endpoint that looks wrong may take to look right: nothing has just been changed.
const PATIENCE: Duration = Duration::from_secs(2);

static NAME: Param<String> = Param::named("Name", "The site").wildcards()
    .at(0)
    .aliases(&["Site"])
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Sites);
static TYPE: Param<CertTypes> =
    Param::named("Type", "Only the bindings of these uses").aliases(&["Use"]).from_pipeline(Pipeline::ByPropertyName);
static INFORMATION: Param<String> = Param::named("BindingInformation", "Only the binding with this `IP:port:host`")
    .from_pipeline(Pipeline::ByPropertyName);

pub(crate) static SPEC: Spec = Spec {
    name: "Test-TlsBinding",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Verify that the TLS bindings serve the certificates that are assigned",
    description: "Looks at every TLS binding and changes nothing: that it stands on the port that the topology names, that a \
                  certificate is bound, that it is the one assigned to the use, that it is stored with its key, in date, \
                  trusted and made for the use, that it bears the computed names, and, by handshakes with every endpoint, \
                  that it is what is served.\n\nEmits one record for each binding and endpoint. Verdict is `Proven`; \
                  `Partial`, when nothing is wrong and not everything could be looked at, or a name is missing; `Unproven`, \
                  when nobody answers; `Contradicted`, when something else is found; `NotApplicable` for a use that no \
                  binding names. Remedy is the line to type next.\n\nThe run ends with 3 when a verdict is `Contradicted`, \
                  else with 6 when one is `Partial` or `Unproven`. A warning names each missing name with the rule that \
                  asks for it.",
    sets: &[],
    parameters: &[&NAME.spec, &TYPE.spec, &INFORMATION.spec],
    input: Input::EachObject,
    emits: Some(&TLS_BINDING_TEST),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Test-TlsBinding \"Lync Server External Web Site\"",
            says: "Verifies that the external web site serves the certificate assigned to WebServicesExternal",
            expect: Expect::Emits(1),
        },
        Example { line: "Test-TlsBinding", says: "Verifies every TLS binding", expect: Expect::Emits(3) },
        Example {
            line: "Test-TlsBinding -Type WebServicesInternal,WebServicesExternal | Select-Object Site, Verdict, Problem, Remedy",
            says: "Shows for the web services what is wrong, and the line that would mend it",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Test-TlsBinding \"Lync Server Extrenal Web Site\"",
            says: "Names the nearest site when there is none of that name",
            expect: Expect::Fails(ErrorId::SiteNotFound),
        },
    ],
    related: &["Set-CsCertificate", "Get-WebBinding", "Get-TlsServed", "Compare-TlsName", "about_proof", "about_exit_codes"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let wanted = Selection {
        name: args.get(&NAME, session)?,
        uses: args.get(&TYPE, session)?.map(|t| t.0),
        information: args.get(&INFORMATION, session)?,
    };
    warn_of_open_change(session, cx)?;
    let examined = wanted.examine(session)?;
    for finding in &examined {
        for remark in &finding.remarks {
            cx.verbose(remark.clone())?;
        }
        if let Some(names) = &finding.missing_names {
            cx.warn_as("NamesMissing", names.clone())?;
        }
    }
    let mut tasks = Vec::new();
    let mut owners = Vec::new();
    for finding in &examined {
        for task in finding.tasks(session)? {
            tasks.push(task);
            owners.push(finding);
        }
    }
    let proofs = proofs_of(cx, session, &tasks)?;
    for finding in &examined {
        let own = owners.iter().zip(&proofs).filter(|(owner, _)| std::ptr::eq(**owner, finding)).map(|(_, proof)| proof);
        let own: Vec<&EndpointProof> = own.collect();
        for warning in own.iter().flat_map(|p| &p.warnings) {
            cx.warn_as("ProofRemark", format!("`{}`: {warning}", finding.site()))?;
        }
        for record in TlsBindingTest::of(finding, &own)? {
            say(cx, record)?;
        }
    }
    for record in wanted.unbound(session)? {
        say(cx, record)?;
    }
    Ok(())
}

fn say(cx: &mut Invocation<'_>, record: TlsBindingTest) -> Result<()> {
    cx.note_exit(exit_of(record.verdict));
    cx.emit(Value::object(record))
}

/// Which bindings are meant.
struct Selection {
    name: Option<String>,
    uses: Option<Vec<UseName>>,
    information: Option<String>,
}

impl Selection {
    fn examine(&self, session: &Session) -> Result<Vec<Examined>> {
        let mut examined = Vec::new();
        let sites = match sites_named(session, self.name.as_deref()) {
            // A use that no site serves may be asked for by the name of the site that would.
            Err(error) if error.id() == ErrorId::SiteNotFound && self.is_site_of_a_use(session)? => Vec::new(),
            other => other?,
        };
        for site in sites {
            let assigned = assignments_on(session, &site.website.computer)?;
            for place in places_at(&site) {
                let binding = place.binding();
                let of_use = |uses: &Vec<UseName>| binding.use_name.as_ref().is_some_and(|u| uses.contains(u));
                let is_meant = binding.protocol.is_secure()
                    && self.uses.as_ref().is_none_or(of_use)
                    && self.information.as_ref().is_none_or(|i| *i == binding.information.to_string());
                if is_meant {
                    examined.push(examine(session, &place, &assigned)?);
                }
            }
        }
        Ok(examined)
    }

    fn is_site_of_a_use(&self, session: &Session) -> Result<bool> {
        let Some(name) = &self.name else { return Ok(false) };
        let topology = session.topology()?;
        let local = topology.local_computer()?.clone();
        Ok(assignments_on(session, &local)?.iter().any(|a| {
            let site = topology.uses.iter().find(|u| u.name.as_str() == a.key.use_name).and_then(|u| u.web_site.as_ref());
            site.is_some_and(|s| s.eq_ignore_ascii_case(name))
        }))
    }

    /// The uses of this computer that no TLS binding names.
    fn unbound(&self, session: &Session) -> Result<Vec<TlsBindingTest>> {
        if self.information.is_some() {
            return Ok(Vec::new());
        }
        let topology = session.topology()?;
        let computer = topology.local_computer()?.clone();
        let assigned = assignments_on(session, &computer)?;
        let mut uses: Vec<UseName> = self.uses.clone().unwrap_or_default();
        for assignment in &assigned {
            let name: UseName = assignment.key.use_name.parse()?;
            if self.uses.is_none() && !uses.contains(&name) {
                uses.push(name);
            }
        }
        let mut records = Vec::new();
        for name in uses {
            let site = topology.uses.get(&name).and_then(|u| u.web_site.clone());
            let of_name = self.name.as_ref().is_none_or(|n| site.as_ref().is_some_and(|s| like(s, n)));
            if !of_name || !session.places_of(&name)?.is_empty() {
                continue;
            }
            let certificates = assigned.iter().filter(|a| a.key.use_name == name.as_str()).filter_map(|a| a.row.certificate);
            let expected = certificates.map(|f| thumbprint_of(session, &f)).collect::<Result<Vec<String>>>()?;
            // A pattern names sites; a use that no site of them serves is not meant by it.
            if expected.is_empty() && (self.uses.is_none() || self.name.as_deref().is_some_and(is_pattern)) {
                continue;
            }
            records.push(TlsBindingTest::unbound(&computer, &name, site, expected, checks::expected_port(&topology, &computer, &name)));
        }
        Ok(records)
    }
}

/// The proof of each task, remembered with its time.
pub(in crate::cmdlets) fn proofs_of(cx: &Invocation<'_>, session: &Session, tasks: &[EndpointTask]) -> Result<Vec<EndpointProof>> {
    let settings = session.world().proof()?;
    let host = session.policy().map_or_else(|_| String::new(), |p| p.machine);
    let cancel = cx.cancel();
    let cancelled = || cancel.is_cancelled();
    let look = Look { clock: &**session.clock(), cancelled: &cancelled, threads: THREADS, host: &host };
    let proofs = short_then_long(&*session.prober(), tasks, &settings, &look);
    cx.check_cancelled()?;
    session.remember_proofs(&proofs);
    Ok(proofs)
}

/// Looks briefly at everything, and long enough for a proof only at what looks right: waiting does not mend the rest.
fn short_then_long(prober: &dyn Prober, tasks: &[EndpointTask], settings: &ProofSettings, look: &Look<'_>) -> Vec<EndpointProof> {
    let brief = ProofSettings { matches: 1, window: Duration::ZERO, deadline: settings.deadline.min(PATIENCE), ..*settings };
    let short: Vec<EndpointTask> = tasks.iter().map(|t| EndpointTask { published_names: Vec::new(), ..t.clone() }).collect();
    let mut proofs = prove(prober, &short, None, &brief, look);
    let looks_right = |p: &EndpointProof| matches!(p.verdict, Verdict::Proven | Verdict::Partial);
    let good: Vec<usize> = (0..proofs.len()).filter(|i| looks_right(&proofs[*i])).collect();
    let worth: Vec<EndpointTask> = good.iter().map(|i| tasks[*i].clone()).collect();
    for (index, proof) in good.into_iter().zip(prove(prober, &worth, None, settings, look)) {
        proofs[index] = proof;
    }
    proofs
}

impl Examined {
    /// What handshakes must show; nothing where nothing is to be served.
    fn tasks(&self, session: &Session) -> Result<Vec<EndpointTask>> {
        let slots: Vec<_> = self.slots();
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        session.tasks_of(&self.place, &slots, &Expectation::Serves)
    }

    fn is_stopped(&self) -> bool {
        self.place.site.website.state == SiteState::Stopped
    }
}

#[cfg(test)]
mod tests;
