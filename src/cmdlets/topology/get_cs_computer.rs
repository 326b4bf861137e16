//! `Get-CsComputer`: the computers of the topology.

use super::get_cs_site::FILTER;
use crate::cmdlets::topology_objects::{Choice, MACHINE, Machine, missing};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::error::{ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The computer, by its name").at(0).sets(&["Identity"]);
static POOL: Param<String> = Param::named("Pool", "Only computers of this pool").sets(&["Identity"]);
static LOCAL: Param<Switch> = Param::named("Local", "Only the computer that you work on").sets(&["Identity"]);
pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsComputer",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the computers of the topology",
    description: "Emits one record for each computer with the pool that it is in.",
    sets: &["Identity", "Filter"],
    parameters: &[&IDENTITY.spec, &FILTER.spec, &POOL.spec, &LOCAL.spec],
    input: Input::None,
    emits: Some(&MACHINE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsComputer -Local",
            says: "Shows the computer that you work on",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsComputer -Pool pool01.contoso.net",
            says: "Lists the computers of a pool",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-CsComputer -Filter fe*.contoso.net | Select-Object -ExpandProperty Identity",
            says: "Lists the names that begin so",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-CsComputer fe03.contoso.net",
            says: "Names the nearest computer when there is none of that name",
            expect: Expect::Fails(ErrorId::ComputerNotInTopology),
        },
    ],
    related: &["Get-CsPool", "Get-CsSite"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let mut all: Vec<Machine> = Vec::new();
    if let Some(wanted) = args.get(&POOL, session)? {
        let wanted = wanted.trim();
        let Some(pool) = topology.pools.iter().find(|p| p.fqdn.as_str().eq_ignore_ascii_case(wanted)) else {
            let known: Vec<String> = topology.pools.iter().map(|p| p.fqdn.as_str().to_owned()).collect();
            return Err(missing(ErrorId::NotInTopology, "pool", wanted, &known));
        };
        all.extend(Machine::of(pool));
    } else {
        all.extend(topology.pools.iter().flat_map(Machine::of));
    }
    if args.on(&LOCAL) {
        let local = topology.local_computer()?;
        all.retain(|machine| machine.fqdn().eq_ignore_ascii_case(local.as_str()));
    }
    let chosen = choice.pick(all, |m| m.fqdn().to_owned(), "", (ErrorId::ComputerNotInTopology, "computer"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}
