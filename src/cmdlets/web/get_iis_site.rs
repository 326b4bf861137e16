//! `Get-IISSite`: the sites of the server programs, under the newer module's name.

use super::get_website::{Shown, WEBSITE};
use crate::cmdlets::lookup::sites_named;
use crate::command::{
    Args, CommaList, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Values, Verb,
};
use crate::error::{ErrorId, Result};

static NAME: Param<CommaList> = Param::named("Name", "The sites").wildcards()
    .at(0)
    .from_pipeline(Pipeline::Both)
    .values(Values::Sites);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-IISSite",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the web sites and their bindings, several names at a time",
    description: "Emits what `Get-Website` emits, and takes several names. The sites are those of `certlet.toml`, of every server \
                  program and not of IIS alone.",
    sets: &[],
    parameters: &[&NAME.spec],
    input: Input::EachObject,
    emits: Some(&WEBSITE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-IISSite \"Lync Server Internal Web Site\", \"Lync Server External Web Site\"",
            says: "Shows two sites",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-IISSite \"Default Web Syte\"",
            says: "Names the nearest site when there is none of that name",
            expect: Expect::Fails(ErrorId::SiteNotFound),
        },
    ],
    related: &["Get-Website", "Get-IISSiteBinding"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let names = args.get(&NAME, session)?.map_or_else(Vec::new, |CommaList(names)| names);
    let sites = if names.is_empty() {
        sites_named(session, None)?
    } else {
        let mut sites = Vec::new();
        for name in &names {
            sites.extend(sites_named(session, Some(name))?);
        }
        sites
    };
    for site in sites {
        cx.emit(Value::object(Shown(site.website.clone())))?;
    }
    Ok(())
}
