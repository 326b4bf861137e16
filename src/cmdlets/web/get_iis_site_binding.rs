//! `Get-IISSiteBinding`: the bindings of one site, as the newer module shows them.

use std::any::Any;

use super::get_web_binding::WebBinding;
use crate::cmdlets::lookup::{places_at, sites_named};
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values,
    Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::format::like;

static NAME: Param<String> =
    Param::named("Name", "The site").at(0).mandatory().from_pipeline(Pipeline::Both).values(Values::Sites);
static INFORMATION: Param<String> =
    Param::named("BindingInformation", "Only this binding, as `IP:port:host`").wildcards().at(1);
static PROTOCOL: Param<String> = Param::named("Protocol", "Only bindings of this protocol: http, https, tls").at(2);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-IISSiteBinding",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show the bindings of a web site",
    description: "Emits one record for each binding of a site. sslFlags is a word: None, or Sni where the host name chooses the \
                  certificate. CertificateHash is the thumbprint of what was bound; `Test-TlsBinding` looks at what is served.",
    sets: &[],
    parameters: &[&NAME.spec, &INFORMATION.spec, &PROTOCOL.spec],
    input: Input::EachObject,
    emits: Some(&SITE_BINDING),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-IISSiteBinding \"Lync Server External Web Site\"",
            says: "Shows both bindings of the external web site",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-IISSiteBinding \"Lync Server External Web Site\" \"*:4443:\" https | Select-Object -ExpandProperty CertificateHash",
            says: "Shows which certificate is bound on the port",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-IISSiteBinding \"Default Web Syte\"",
            says: "Names the nearest site when there is none of that name",
            expect: Expect::Fails(ErrorId::SiteNotFound),
        },
    ],
    related: &["Get-WebBinding", "Get-IISSite", "Test-TlsBinding"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let name = args.need(&NAME, session)?;
    let (information, protocol) = (args.get(&INFORMATION, session)?, args.get(&PROTOCOL, session)?);
    for site in sites_named(session, Some(&name))? {
        for place in places_at(&site) {
            let binding = place.binding();
            // The star of a binding is every address, not a wildcard.
            let is_wanted = information.as_ref().is_none_or(|wanted| {
                let shown = binding.information.to_string();
                shown.eq_ignore_ascii_case(wanted.trim()) || like(&shown, wanted.trim())
            });
            if is_wanted && protocol.as_ref().is_none_or(|p| p.trim().eq_ignore_ascii_case(binding.protocol.name())) {
                cx.emit(Value::object(SiteBinding(WebBinding::of(session, &place)?)))?;
            }
        }
    }
    Ok(())
}

struct SiteBinding(WebBinding);

static SITE_BINDING: Kind = Kind::new(
    "SiteBinding",
    const {
        &[
            Property::new("protocol"),
            Property::new("bindingInformation"),
            Property::new("sslFlags"),
            Property::new("CertificateHash"),
            Property::new("CertificateStoreName"),
            Property::hidden("Site"),
            Property::hidden("Computer"),
        ]
    },
    View::Table(
        const { &[Column::of("protocol"), Column::of("bindingInformation"), Column::of("sslFlags")] },
    ),
);

impl Record for SiteBinding {
    fn kind(&self) -> &Kind {
        &SITE_BINDING
    }

    fn value(&self, index: usize) -> Value {
        match index {
            2 => match self.0.value(2) {
                Value::Int(0) => "None".into(),
                Value::Int(1) => "Sni".into(),
                unknown => unknown,
            },
            0 | 1 | 3 | 4 => self.0.value(index),
            5 => self.0.value(5),
            6 => self.0.value(8),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        self.0.text()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
