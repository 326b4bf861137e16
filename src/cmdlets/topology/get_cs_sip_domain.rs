//! `Get-CsSipDomain`: the SIP domains of the topology.

use super::get_cs_site::FILTER;
use crate::cmdlets::topology_objects::{Choice, Domain, LOCAL_STORE, SIP_DOMAIN};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The domain, by its name").at(0).sets(&["Identity"]);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsSipDomain",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the SIP domains of the topology",
    description: "Emits one record for each SIP domain; IsDefault marks the primary one.",
    sets: &["Identity", "Filter"],
    parameters: &[&IDENTITY.spec, &FILTER.spec, &LOCAL_STORE.spec],
    input: Input::None,
    emits: Some(&SIP_DOMAIN),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsSipDomain",
            says: "Lists every SIP domain",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsSipDomain | Where-Object IsDefault | Select-Object -ExpandProperty Name",
            says: "Shows the primary one",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsSipDomain -Filter *.net",
            says: "Finds domains by a part of their name",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-CsTopology", "Get-CsSimpleUrlConfiguration"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let all: Vec<Domain> = topology.sip_domains.iter().cloned().map(Domain).collect();
    let chosen = choice.pick(all, |d| d.0.name.as_str().to_owned(), "", (ErrorId::NotInTopology, "SIP domain"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}
