//! `Get-CsSite`: the sites of the topology.

use crate::cmdlets::topology_objects::{Choice, SITE, Site};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The site: `Site:Redmond` or `Redmond`").at(0).sets(&["Identity"]);
/// What the verbs that list objects of the topology take to choose among them.
pub(super) static FILTER: Param<String> =
    Param::named("Filter", "Only those whose identity is like this").wildcards().sets(&["Filter"]).mandatory();

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsSite",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the sites of the topology",
    description: "Emits one record for each place where pools stand. The identity is `Site:` and the display name; the prefix may be left out.",
    sets: &["Identity", "Filter"],
    parameters: &[&IDENTITY.spec, &FILTER.spec],
    input: Input::None,
    emits: Some(&SITE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsSite",
            says: "Lists every site",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsSite Redmond | Select-Object -ExpandProperty Pools",
            says: "Lists the pools of a site",
            expect: Expect::Emits(6),
        },
        Example {
            line: "Get-CsSite -Filter Site:R*",
            says: "Finds sites by a part of their identity",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Get-CsPool", "Get-CsTopology"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let all = Site::all(&topology);
    let chosen = choice.pick(all, Site::identity, "Site:", (ErrorId::NotInTopology, "site"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}
