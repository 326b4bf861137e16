//! `Get-CsSimpleUrlConfiguration`: the addresses of meetings, dial-in and administration.

use super::get_cs_site::FILTER;
use crate::cmdlets::topology_objects::{Choice, LOCAL_STORE, SIMPLE_URL_CONFIGURATION, SimpleUrlConfiguration};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The collection: `global` or `site:NAME`").at(0).sets(&["Identity"]);
static TENANT: Param<String> =
    Param::named("Tenant", "A tenant of the hosted product").compat("tenants are of the hosted product alone");
pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsSimpleUrlConfiguration",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the collections of simple URLs",
    description: "Emits one record for each collection: the global one, which always is, and those of sites. Pools of a site with a \
                  collection of its own do not use the global one. SimpleUrl holds one object for each component and domain, with \
                  SimpleUrlEntry, every address that is answered, and ActiveUrl, the one that is given out.",
    sets: &["Identity", "Filter"],
    parameters: &[&IDENTITY.spec, &FILTER.spec, &LOCAL_STORE.spec, &TENANT.spec],
    input: Input::None,
    emits: Some(&SIMPLE_URL_CONFIGURATION),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsSimpleUrlConfiguration -Identity global | Select-Object -ExpandProperty SimpleUrl",
            says: "Lists the simple URLs that hold everywhere",
            expect: Expect::Emits(3),
        },
        Example {
            line: "(Get-CsSimpleUrlConfiguration).SimpleUrl | Select-Object Component, ActiveUrl",
            says: "Shows the addresses that are given out",
            expect: Expect::Emits(3),
        },
        Example {
            line: "Get-CsSimpleUrlConfiguration -Filter \"site:*\"",
            says: "Lists the collections of sites",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-CsSipDomain", "Get-TlsName"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let all = SimpleUrlConfiguration::all(&topology);
    let chosen = choice.pick(all, SimpleUrlConfiguration::identity, "", (ErrorId::NotInTopology, "collection of simple URLs"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}
