//! `Get-CsService`: the services of the pools.

use super::get_cs_site::FILTER;
use crate::cmdlets::topology_objects::{Choice, Service, ServiceRole, missing};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};

static IDENTITY: Param<String> = Param::named("Identity", "The service: `WebServer:pool01.contoso.net`").at(0).sets(&["Identity"]);
static POOL_FQDN: Param<String> = Param::named("PoolFqdn", "Only services of this pool").sets(&["Identity", "Role"]);
static WEB_SERVER: Param<Switch> = Param::named("WebServer", "Only web services").sets(&["Role"]);
static REGISTRAR: Param<Switch> = Param::named("Registrar", "Only Registrars").sets(&["Role"]);
static DIRECTOR: Param<Switch> = Param::named("Director", "Only Directors").sets(&["Role"]);
static EDGE_SERVER: Param<Switch> = Param::named("EdgeServer", "Only Edge Servers").sets(&["Role"]);
static MEDIATION_SERVER: Param<Switch> = Param::named("MediationServer", "Only Mediation Servers").sets(&["Role"]);
static USER_SERVER: Param<Switch> = Param::named("UserServer", "Only user services").sets(&["Role"]);
static PERSISTENT_CHAT_SERVER: Param<Switch> = Param::named("PersistentChatServer", "Only Persistent Chat Servers").sets(&["Role"]);
static VIDEO_INTEROP_SERVER: Param<Switch> = Param::named("VideoInteropServer", "Only Video Interop Servers").sets(&["Role"]);
static EXTERNAL_SERVER: Param<Switch> = Param::named("ExternalServer", "Only trusted applications").sets(&["Role"]);
pub(crate) static SPEC: Spec = Spec {
    name: "Get-CsService",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the services of the pools",
    description: "Emits one record for each service that the role of a pool stands for. A web service tells its names and ports, an Edge \
                  Server its external names. Services that a topology of certificates does not hold (conferencing, stores, central \
                  management) are not shown. The identity is the role and the pool: `WebServer:pool01.contoso.net`.",
    sets: &["Identity", "Filter", "Role"],
    parameters: &[&IDENTITY.spec, &FILTER.spec, &POOL_FQDN.spec, &WEB_SERVER.spec, &REGISTRAR.spec, &DIRECTOR.spec, &EDGE_SERVER.spec, &MEDIATION_SERVER.spec, &USER_SERVER.spec, &PERSISTENT_CHAT_SERVER.spec, &VIDEO_INTEROP_SERVER.spec, &EXTERNAL_SERVER.spec],
    input: Input::None,
    emits: Some(Service::WEB),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsService -WebServer | Select-Object Identity, ExternalFqdn, ExternalHttpsPort",
            says: "Shows where the external web sites are reached",
            expect: Expect::Emits(3),
        },
        Example {
            line: "Get-CsService -PoolFqdn pool01.contoso.net",
            says: "Lists the services of a pool",
            expect: Expect::Emits(3),
        },
        Example {
            line: "Get-CsService -Filter EdgeServer:*",
            says: "Finds services by a part of their identity",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CsService -WebServer -Registrar",
            says: "Is refused: one role at a time",
            expect: Expect::Fails(ErrorId::AmbiguousParameterSet),
        },
    ],
    related: &["Get-CsPool", "Get-CsTopology"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let choice = Choice::of(args.get(&IDENTITY, session)?, args.get(&FILTER, session)?);
    let topology = session.topology()?;
    let mut all = Service::all(&topology);
    if let Some(pool) = args.get(&POOL_FQDN, session)? {
        let pool = pool.trim();
        if !topology.pools.iter().any(|p| p.fqdn.as_str().eq_ignore_ascii_case(pool)) {
            let known: Vec<String> = topology.pools.iter().map(|p| p.fqdn.as_str().to_owned()).collect();
            return Err(missing(ErrorId::NotInTopology, "pool", pool, &known));
        }
        all.retain(|service| service.pool().eq_ignore_ascii_case(pool));
    }
    if let Some(role) = role(args)? {
        all.retain(|service| service.role() == role);
    }
    let chosen = choice.pick(all, Service::identity, "", (ErrorId::NotInTopology, "service"))?;
    for object in chosen {
        cx.emit(Value::object(object))?;
    }
    Ok(())
}

/// The role that a switch asks for.
fn role(args: &Args) -> Result<Option<ServiceRole>> {
    let switches = [
        (&WEB_SERVER, ServiceRole::WebServer),
        (&REGISTRAR, ServiceRole::Registrar),
        (&DIRECTOR, ServiceRole::Director),
        (&EDGE_SERVER, ServiceRole::EdgeServer),
        (&MEDIATION_SERVER, ServiceRole::MediationServer),
        (&USER_SERVER, ServiceRole::UserServer),
        (&PERSISTENT_CHAT_SERVER, ServiceRole::PersistentChatServer),
        (&VIDEO_INTEROP_SERVER, ServiceRole::VideoInteropServer),
        (&EXTERNAL_SERVER, ServiceRole::ExternalServer),
    ];
    let given: Vec<ServiceRole> = switches.iter().filter(|(switch, _)| args.on(switch)).map(|(_, role)| *role).collect();
    if given.len() > 1 {
        let words: Vec<String> = given.iter().map(|role| format!("`-{}`", role.name())).collect();
        let message = format!("{} do not go together: one role at a time", words.join(" and "));
        return Err(Error::new(ErrorId::AmbiguousParameterSet, message).hint("`-Filter` finds services of several roles"));
    }
    Ok(given.first().copied())
}
