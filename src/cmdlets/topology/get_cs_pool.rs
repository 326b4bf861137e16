//! `Get-CsPool`: the pools of the topology.

use super::get_cs_site::FILTER;
use crate::cmdlets::topology_objects::{CLUSTER, Choice, Cluster, missing};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The pool, by its name").at(0).sets(&["Identity"]);
static SITE: Param<String> = Param::named("Site", "Only pools of this site, by its display name").sets(&["Identity"]);
pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsPool",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the pools of the topology",
    description: "Emits one record for each pool: its name, the services that its role stands for, its computers and its site. What a topology of \
                  certificates does not hold (backup pools, databases) is not shown.",
    sets: &["Identity", "Filter"],
    parameters: &[&IDENTITY.spec, &FILTER.spec, &SITE.spec],
    input: Input::None,
    emits: Some(&CLUSTER),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsPool -Identity pool01.contoso.net | Select-Object -ExpandProperty Computers",
            says: "Lists the computers of a pool",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-CsPool -Site Redmond | Measure-Object",
            says: "Counts the pools of a site",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsPool -Filter *edge*",
            says: "Finds pools by a part of their name",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsPool pool02.contoso.net",
            says: "Names the nearest pool when there is none of that name",
            expect: Expect::Fails(ErrorId::NotInTopology),
        },
    ],
    related: &["Get-CsComputer", "Get-CsSite", "Get-CsService"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let mut all = Cluster::all(&topology);
    if let Some(site) = args.get(&SITE, session)? {
        let sites: Vec<String> = topology.sites.iter().map(|s| s.name.clone()).collect();
        let wanted = site.trim();
        let wanted = wanted.get(..5).filter(|p| p.eq_ignore_ascii_case("site:")).map_or(wanted, |p| &wanted[p.len()..]);
        let Some(known) = sites.iter().find(|s| s.eq_ignore_ascii_case(wanted)) else {
            return Err(missing(ErrorId::NotInTopology, "site", &site, &sites));
        };
        let identity = format!("Site:{known}");
        all.retain(|cluster| cluster.site() == Some(&identity));
    }
    let chosen = choice.pick(all, |c| c.fqdn().to_owned(), "", (ErrorId::NotInTopology, "pool"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}
