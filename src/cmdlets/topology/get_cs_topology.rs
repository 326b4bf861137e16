//! `Get-CsTopology`: the topology as a whole, as an object or as XML.

use std::any::Any;
use std::sync::Arc;

use crate::cmdlets::topology_objects::{Cluster, Domain, LOCAL_STORE, Machine, Service, Site};
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Verb, View,
};
use crate::config::topology_to_xml;
use crate::error::Result;
use crate::model::Topology;

static AS_XML: Param<Switch> = Param::named("AsXml", "Emit the topology as the text of an XML document");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsTopology",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show the topology as a whole",
    description: "Emits one object with the SIP domains, sites, pools, computers and services; each of its properties can be \
                  expanded.\n\n-AsXml emits the text of a document of the product's own form, which `topology = \"topology.xml\"` in \
                  `certlet.toml` reads back: the same pools, computers, web services and ports. What that form has no place \
                  for (simple URLs, external names of an Edge pool, which computer is the local one) stands in a namespace of \
                  certlet's own; rows of `[[use]]` are left out. It is not meant to be published to a Central Management \
                  Store.",
    sets: &[],
    parameters: &[&AS_XML.spec, &LOCAL_STORE.spec],
    input: Input::None,
    emits: Some(&TOPOLOGY),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsTopology | Select-Object -ExpandProperty Machines",
            says: "Lists every computer with its pool",
            expect: Expect::Emits(7),
        },
        Example {
            line: "Get-CsTopology -AsXml | Out-File C:\\topology.xml",
            says: "Writes the topology to a file, which `topology` in `certlet.toml` may name",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-CsPool", "Get-CsComputer", "Get-CsSite", "Get-CsService", "Get-CsSipDomain"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let topology = cx.session().topology()?;
    if args.on(&AS_XML) {
        return cx.emit(Value::from(topology_to_xml(&topology)));
    }
    cx.emit(Value::object(Shown(topology)))
}

/// The topology as an object.
struct Shown(Arc<Topology>);

static TOPOLOGY: Kind = Kind::new(
    "DefaultTopology",
    const {
        &[
            Property::new("InternalDomains"),
            Property::new("Sites"),
            Property::new("Clusters"),
            Property::new("Machines"),
            Property::new("Services"),
        ]
    },
    View::List,
);

impl Record for Shown {
    fn kind(&self) -> &Kind {
        &TOPOLOGY
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::list(self.0.sip_domains.iter().map(|d| Value::object(Domain(d.clone())))),
            1 => Value::list(Site::all(&self.0).into_iter().map(Value::object)),
            2 => Value::list(Cluster::all(&self.0).into_iter().map(Value::object)),
            3 => Value::list(self.0.pools.iter().flat_map(Machine::of).map(Value::object)),
            4 => Value::list(Service::all(&self.0).into_iter().map(Value::object)),
            _ => Value::Null,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
