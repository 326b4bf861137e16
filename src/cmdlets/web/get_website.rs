//! `Get-Website`: the sites of the server programs.

use std::any::Any;

use crate::cmdlets::lookup::sites_named;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values, Verb,
    View,
};
use crate::error::{ErrorId, Result};
use crate::model::Website;

static NAME: Param<String> =
    Param::named("Name", "The site").wildcards().at(0).from_pipeline(Pipeline::Both).values(Values::Sites);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-Website",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the web sites and their bindings",
    description: "Emits one record for each site of `certlet.toml`, in its order: name, number, whether it is meant to run, the \
                  server program, and its bindings. The physical path is known to the server program alone and stays empty.\n\n\
                  `Get-WebBinding` shows each binding with the certificate that is bound there.",
    sets: &[],
    parameters: &[&NAME.spec],
    input: Input::EachObject,
    emits: Some(&WEBSITE),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Website", says: "Lists every site", expect: Expect::Emits(4) },
        Example {
            line: "Get-Website -Name \"Lync Server*\" | Get-WebBinding -Protocol https",
            says: "Shows the https bindings of the sites whose names begin so",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-Website \"Lync Server Extrenal Web Site\"",
            says: "Names the nearest site when there is none of that name",
            expect: Expect::Fails(ErrorId::SiteNotFound),
        },
    ],
    related: &["Get-WebBinding", "Test-TlsBinding", "about_sites"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let name = args.get(&NAME, session)?;
    for site in sites_named(session, name.as_deref())? {
        cx.emit(Value::object(Shown(site.website.clone())))?;
    }
    Ok(())
}

/// A site as it is shown.
pub(super) struct Shown(pub(super) Website);

pub(super) static WEBSITE: Kind = Kind::new(
    "Website",
    const {
        &[
            Property::new("Name"),
            Property::new("ID"),
            Property::new("State"),
            Property::new("Host"),
            Property::new("PhysicalPath"),
            Property::new("Bindings"),
            Property::hidden("Computer"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Name"),
                Column::of("ID"),
                Column::of("State"),
                Column::of("Host"),
                Column::titled("PhysicalPath", "Physical Path"),
                Column::of("Bindings"),
            ]
        },
    ),
);

impl Record for Shown {
    fn kind(&self) -> &Kind {
        &WEBSITE
    }

    fn value(&self, index: usize) -> Value {
        let site = &self.0;
        match index {
            0 => Value::text(&site.name),
            1 => site.id.map(i64::from).into(),
            2 => Value::from(site.state.to_string()),
            3 => site.server.kind().name().into(),
            5 => Value::list(site.bindings.iter().map(|b| Value::from(format!("{} {}", b.protocol, b.information)))),
            6 => Value::text(site.computer.as_str()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};

    #[test]
    fn sites_come_with_their_bindings() {
        let world = TestWorld::contoso();
        let all = world.run(&VERB, &[]).emitted();
        assert_eq!(
            texts(&all, "Name"),
            ["Lync Server Internal Web Site", "Lync Server External Web Site", "Default Web Site", "Lync Server Front-End"]
        );
        assert_eq!(texts(&all, "Bindings")[1], "http *:8080: https *:4443:");
        assert_eq!(texts(&all, "ID"), ["34577", "34578", "1", ""]);
        assert_eq!(texts(&all, "Host")[0], "listener");
        assert!(all[0].property("PhysicalPath").unwrap().is_null());
    }

    #[test]
    fn an_unknown_site_is_answered_with_the_nearest() {
        let world = TestWorld::contoso();
        let error = world.run(&VERB, &[("Name", "Defualt Web Site".into())]).error();
        assert_eq!(error.id(), ErrorId::SiteNotFound);
        assert_eq!(error.hints(), ["did you mean `Default Web Site`?"]);
        assert!(world.run(&VERB, &[("Name", "No*".into())]).emitted().is_empty(), "a wildcard may fit none");
    }
}
