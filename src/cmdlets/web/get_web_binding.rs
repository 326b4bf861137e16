//! `Get-WebBinding`: the bindings of the sites, and what is bound there.

use std::any::Any;

use crate::cmdlets::lookup::{bound_thumbprints, places_at, sites_named};
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values, Verb,
    View,
};
use crate::error::{Error, ErrorId, Result};
use crate::format::like;
use crate::model::{Binding, BindingAddress, ServerKind};
use crate::session::{Place, Session};

static NAME: Param<String> = Param::named("Name", "The site").wildcards()
    .at(0)
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Sites);
static PROTOCOL: Param<String> = Param::named("Protocol", "Only bindings of this protocol: http, https, tls")
    .from_pipeline(Pipeline::ByPropertyName);
static PORT: Param<String> = Param::named("Port", "Only bindings of this port").from_pipeline(Pipeline::ByPropertyName);
static ADDRESS: Param<String> =
    Param::named("IPAddress", "Only bindings of this address; `*` is the one that stands for all addresses")
        .from_pipeline(Pipeline::ByPropertyName);
static HOST_HEADER: Param<String> =
    Param::named("HostHeader", "Only bindings of this host name").wildcards().from_pipeline(Pipeline::ByPropertyName);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-WebBinding",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show the bindings of web sites and the certificates bound there",
    description: "Emits one record for each binding: the protocol, the address as `IP:port:host`, and the thumbprint of the \
                  certificate that is bound there. Endpoint tells where it is reached: for the built-in listener the port \
                  that it really got.\n\nWhat is bound is what was put there; `Test-TlsBinding` looks at what is served.",
    sets: &[],
    parameters: &[&NAME.spec, &PROTOCOL.spec, &PORT.spec, &ADDRESS.spec, &HOST_HEADER.spec],
    input: Input::EachObject,
    emits: Some(&WEB_BINDING),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-WebBinding -Name \"Lync Server External Web Site\" -Protocol https",
            says: "Shows which certificate the external web site has, to be compared with what Set-CsCertificate said",
            expect: Expect::Emits(1),
        },
        Example { line: "Get-WebBinding", says: "Shows every binding of every site", expect: Expect::Emits(6) },
        Example {
            line: "Get-WebBinding -Port 4443 | Select-Object Site, certificateHash, Endpoint",
            says: "Shows what is bound on a port, and where it is reached",
            expect: Expect::Emits(1),
        },
    ],
    related: &["Test-TlsBinding", "Get-Website", "Get-TlsServed", "Set-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let wanted = Filter {
        protocol: args.get(&PROTOCOL, session)?,
        port: args.get(&PORT, session)?.map(|text| port(&text)).transpose()?,
        address: args.get(&ADDRESS, session)?.map(|text| address(&text)).transpose()?,
        host: args.get(&HOST_HEADER, session)?,
    };
    let name = args.get(&NAME, session)?;
    for site in sites_named(session, name.as_deref())? {
        for place in places_at(&site) {
            if wanted.fits(place.binding()) {
                cx.emit(Value::object(WebBinding::of(session, &place)?))?;
            }
        }
    }
    Ok(())
}

struct Filter {
    protocol: Option<String>,
    port: Option<u16>,
    address: Option<BindingAddress>,
    host: Option<String>,
}

impl Filter {
    fn fits(&self, binding: &Binding) -> bool {
        let information = &binding.information;
        let host = information.host.as_ref().map_or("", |h| h.as_str());
        self.protocol.as_ref().is_none_or(|p| p.trim().eq_ignore_ascii_case(binding.protocol.name()))
            && self.port.is_none_or(|p| p == information.port)
            && self.address.is_none_or(|a| a == information.address)
            && self.host.as_ref().is_none_or(|h| like(host, h))
    }
}

fn port(text: &str) -> Result<u16> {
    text.trim().parse().ok().filter(|p| *p > 0).ok_or_else(|| {
        Error::new(ErrorId::CannotConvertArgument, format!("`{text}` is no port: 1 to 65535")).about(text)
    })
}

fn address(text: &str) -> Result<BindingAddress> {
    match text.trim().trim_start_matches('[').trim_end_matches(']') {
        "*" | "" => Ok(BindingAddress::Any),
        word => word.parse().map(BindingAddress::Ip).map_err(|_| {
            Error::new(ErrorId::CannotConvertArgument, format!("`{text}` is no IP address and not `*`")).about(text)
        }),
    }
}

/// A binding as it is shown.
pub(super) struct WebBinding {
    protocol: &'static str,
    information: String,
    flags: Option<i64>,
    bound: Vec<String>,
    site: String,
    use_name: Option<String>,
    endpoints: Vec<String>,
    computer: String,
}

impl WebBinding {
    pub(super) fn of(session: &Session, place: &Place) -> Result<Self> {
        let (website, binding) = (&place.site.website, place.binding());
        let has_name = binding.information.host.is_some();
        let flags = match website.server.kind() {
            // A host name there may or may not be an SNI binding: its own configuration alone knows.
            ServerKind::Iis if has_name => None,
            _ => Some(i64::from(has_name && binding.protocol.is_secure())),
        };
        Ok(Self {
            protocol: binding.protocol.name(),
            information: binding.information.to_string(),
            flags,
            bound: if binding.protocol.is_secure() { bound_thumbprints(session, place)? } else { Vec::new() },
            site: website.name.clone(),
            use_name: binding.use_name.as_ref().map(|u| u.as_str().to_owned()),
            endpoints: place.endpoints()?,
            computer: website.computer.as_str().to_owned(),
        })
    }
}

static WEB_BINDING: Kind = Kind::new(
    "WebBinding",
    const {
        &[
            Property::new("protocol"),
            Property::new("bindingInformation"),
            Property::new("sslFlags"),
            Property::new("certificateHash"),
            Property::new("certificateStoreName"),
            Property::new("Site"),
            Property::new("Use"),
            Property::new("Endpoint"),
            Property::hidden("Computer"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("protocol"),
                Column::of("bindingInformation"),
                Column::of("sslFlags"),
                Column::of("certificateHash"),
                Column::of("Site"),
            ]
        },
    ),
);

impl Record for WebBinding {
    fn kind(&self) -> &Kind {
        &WEB_BINDING
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => self.protocol.into(),
            1 => Value::text(&self.information),
            2 => self.flags.into(),
            3 => match self.bound.as_slice() {
                [] => Value::Null,
                [one] => Value::text(one),
                several => Value::list(several.iter().map(Value::text)),
            },
            4 => if self.bound.is_empty() { Value::Null } else { "My".into() },
            5 => Value::text(&self.site),
            6 => Value::optional_text(self.use_name.as_ref()),
            7 => Value::list(self.endpoints.iter().map(Value::text)),
            8 => Value::text(&self.computer),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(format!("{} {}", self.protocol, self.information))
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
    fn the_external_site_shows_what_is_bound() {
        let world = TestWorld::contoso();
        let args = [("Name", "lync server external web site".into()), ("Protocol", "HTTPS".into())];
        let found = world.run(&VERB, &args).emitted();
        assert_eq!(texts(&found, "bindingInformation"), ["*:4443:"]);
        assert_eq!(texts(&found, "CertificateHash"), [world.thumbprint("old")]);
        assert_eq!(texts(&found, "certificateStoreName"), ["My"]);
        assert_eq!(texts(&found, "Use"), ["WebServicesExternal"]);
        assert_eq!(texts(&found, "Endpoint"), ["127.0.0.1:4443"]);
        assert_eq!(texts(&found, "sslFlags"), ["0"]);
    }

    #[test]
    fn http_bindings_have_no_certificate_and_filters_narrow() {
        let world = TestWorld::contoso();
        let all = world.run(&VERB, &[]).emitted();
        assert_eq!(all.len(), 6);
        let plain: Vec<&Value> = all.iter().filter(|v| v.property("protocol").unwrap().display(&crate::model::Zone::utc()) == "http").collect();
        assert_eq!(plain.len(), 3);
        assert!(plain.iter().all(|v| v.property("certificateHash").unwrap().is_null()));
        for (filter, value, count) in
            [("Port", "443", 1), ("IPAddress", "*", 6), ("IPAddress", "10.0.0.1", 0), ("HostHeader", "www.*", 0), ("HostHeader", "", 6)]
        {
            assert_eq!(world.run(&VERB, &[(filter, value.into())]).emitted().len(), count, "{filter} {value}");
        }
        for (filter, value) in [("Port", "0"), ("Port", "https"), ("IPAddress", "localhost")] {
            assert_eq!(world.run(&VERB, &[(filter, value.into())]).error().id(), ErrorId::CannotConvertArgument, "{filter} {value}");
        }
    }

    #[test]
    fn an_unbound_binding_says_so() {
        let world = TestWorld::contoso().unbound("*:4443:");
        let found = world.run(&VERB, &[("Port", "4443".into())]).emitted();
        assert!(found[0].property("certificateHash").unwrap().is_null() && found[0].property("certificateStoreName").unwrap().is_null());
        assert_eq!(world.run(&VERB, &[("Name", "Lync Server Extrenal Web Site".into())]).error().id(), ErrorId::SiteNotFound);
    }
}
