//! `Get-TlsServed`: what endpoints serve, by one handshake each.

use std::any::Any;
use std::net::IpAddr;
use std::time::Duration;

use crate::command::{
    Args, Column, CommaList, Example, Expect, Facts, FromValue, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record,
    Spec, Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Endpoint, HostName, KeyFamily, Moment, RequestedName};
use crate::probe::{Miss, Prober, Sighting, Target, TlsVersion, side_by_side};
use crate::x509::certificate_covers;

/// Within which a handshake must be over.
const TIMEOUT: Duration = Duration::from_secs(5);

static ENDPOINT: Param<Endpoints> = Param::named("Endpoint", "Where to connect: `host:port`; the port is 443 when it is left away")
    .at(0)
    .from_pipeline(Pipeline::Both);
static SERVER_NAME: Param<CommaList> =
    Param::named("ServerName", "The server names to send, each to every endpoint").default_text("the endpoint's host name");
static THROTTLE: Param<i64> =
    Param::named("ThrottleLimit", "How many handshakes are made side by side, 1 to 256").default_text("64");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-TlsServed",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show which certificates TLS servers serve, by one handshake each",
    description: "Connects to each endpoint, with each server name, and shows the certificate that is served, whoever runs the \
                  server. Trust is not judged; that the server holds the key is. One handshake is a sighting and no proof: \
                  another address, server name, TLS version or key family may be served something else. `Test-TlsBinding` \
                  makes the proof for the bindings of this home.\n\nTLS 1.3 is offered first, then TLS 1.2. Problem says why \
                  nothing was seen, or what is wrong with what was: it has ended, has not begun, or does not bear the server \
                  name. Needs no home.",
    sets: &[],
    parameters: &[&ENDPOINT.spec, &SERVER_NAME.spec, &THROTTLE.spec],
    input: Input::Whole,
    emits: Some(&TLS_SIGHTING),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-TlsServed 127.0.0.1:4443 -ServerName webpool01.contoso.com,meet.contoso.com",
            says: "Asks one server by two names",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-WebBinding -Protocol https | Get-TlsServed | Select-Object Endpoint, Thumbprint, NotAfter, Problem",
            says: "Shows what is served at every https binding",
            expect: Expect::Emits(2),
        },
        Example {
            line: "Get-TlsServed -Endpoint 127.0.0.1:70000",
            says: "Is refused: there is no such port",
            expect: Expect::Fails(ErrorId::CannotConvertArgument),
        },
    ],
    related: &["Test-TlsBinding", "Get-WebBinding", "about_proof"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let mut endpoints = args.get(&ENDPOINT, session)?.map(|e| e.0);
    while let Some(piped) = cx.next_input()? {
        endpoints.get_or_insert_default().extend(Endpoints::from_value(&piped, session)?.0);
    }
    let endpoints = endpoints.ok_or_else(|| {
        Error::new(ErrorId::MissingMandatoryParameter, "no endpoint is given").about("Endpoint").hint("write it as `-Endpoint host:443`")
    })?;
    let names = args.get(&SERVER_NAME, session)?.map(|list| server_names(&list.0)).transpose()?;
    let threads = args.get(&THROTTLE, session)?.unwrap_or(64);
    let threads = usize::try_from(threads).ok().filter(|n| (1..=256).contains(n)).ok_or_else(|| {
        Error::new(ErrorId::ParameterArgumentValidationError, format!("`-ThrottleLimit {threads}` is not between 1 and 256"))
            .about(threads.to_string())
    })?;
    let mut asked = Vec::new();
    for endpoint in &endpoints {
        match &names {
            Some(names) => asked.extend(names.iter().map(|name| (endpoint, Some(name.clone())))),
            None => asked.push((endpoint, endpoint.host.dns().map(ToString::to_string))),
        }
    }
    let (prober, cancel) = (session.prober(), cx.cancel());
    let cancelled = || cancel.is_cancelled();
    let seen = side_by_side(&asked, threads, |(endpoint, name)| look(&*prober, endpoint, name.as_deref(), &cancelled));
    cx.check_cancelled()?;
    for ((endpoint, name), seen) in asked.iter().zip(seen) {
        cx.emit(Value::object(TlsSighting::of((*endpoint).clone(), name.clone(), seen, session.now())))?;
    }
    Ok(())
}

fn server_names(words: &[String]) -> Result<Vec<String>> {
    words.iter().map(|word| HostName::with_underscores(word).map(|name| name.to_string())).collect()
}

/// Shakes hands; what was refused is offered otherwise: the older version, and without protocols for other than HTTP.
fn look(prober: &dyn Prober, endpoint: &Endpoint, name: Option<&str>, cancelled: &dyn Fn() -> bool) -> Result<Sighting, Miss> {
    if endpoint.port == 0 {
        return Err(Miss::Down("its port is chosen when the listener starts (`certlet serve`)".to_owned()));
    }
    let alpn = || vec!["h2".to_owned(), "http/1.1".to_owned()];
    let offers =
        [(TlsVersion::Tls13, alpn()), (TlsVersion::Tls12, alpn()), (TlsVersion::Tls13, Vec::new()), (TlsVersion::Tls12, Vec::new())];
    let mut last = Miss::Cancelled;
    for (version, alpn) in offers {
        let target = Target {
            address: endpoint.to_string(),
            server_name: name.map(ToOwned::to_owned),
            version,
            family: KeyFamily::Any,
            alpn,
            timeout: TIMEOUT,
        };
        match prober.handshake(&target, cancelled) {
            Err(miss @ Miss::Off(_)) => last = miss,
            other => return other,
        }
    }
    Err(last)
}

/// Endpoints as operators write them and as objects carry them.
#[derive(Clone, Debug)]
struct Endpoints(Vec<Endpoint>);

impl FromValue for Endpoints {
    const TYPE: &'static str = "String";
    const LIST: bool = true;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        let mut found = Vec::new();
        for item in value.items() {
            // A binding has its endpoints as a property; one that has none yields none.
            match item.property("Endpoint") {
                Some(inner) => found.extend(inner.items().iter().cloned()),
                None => found.push(item.clone()),
            }
        }
        let CommaList(words) = CommaList::from_value(&Value::list(found), facts)?;
        words.iter().map(|word| endpoint(word)).collect::<Result<Vec<Endpoint>>>().map(Self)
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|list| Value::list(list.0.iter().map(|e| Value::from(e.to_string()))))
    }
}

/// `host`, `host:port`, an address with or without port, or the beginning of an `https` URL.
fn endpoint(word: &str) -> Result<Endpoint> {
    let has_scheme = word.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let bare = if has_scheme { &word[8..] } else { word };
    let bare = bare.split(['/', '?', '#']).next().unwrap_or_default();
    if let Ok(address) = bare.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(Endpoint { host: RequestedName::Ip(address), port: 443 });
    }
    let whole = if bare.contains(':') { bare.to_owned() } else { format!("{bare}:443") };
    whole.parse()
}

/// What one handshake showed.
struct TlsSighting {
    endpoint: Endpoint,
    server_name: Option<String>,
    seen: Option<Sighting>,
    problem: Option<String>,
}

impl TlsSighting {
    fn of(endpoint: Endpoint, server_name: Option<String>, seen: Result<Sighting, Miss>, now: Moment) -> Self {
        let problem = match &seen {
            Ok(sighting) => problem(sighting, server_name.as_deref(), now),
            Err(miss) => Some(shown(miss)),
        };
        Self { endpoint, server_name, seen: seen.ok(), problem }
    }
}

fn problem(sighting: &Sighting, server_name: Option<&str>, now: Moment) -> Option<String> {
    let leaf = &sighting.leaf;
    let mut problems = Vec::new();
    if now > leaf.not_after() {
        problems.push("the certificate has ended".to_owned());
    }
    if now < leaf.not_before() {
        problems.push("the certificate has not begun".to_owned());
    }
    if let Some(name) = server_name.filter(|name| !certificate_covers(leaf, name)) {
        problems.push(format!("the certificate does not bear `{name}`"));
    }
    if problems.is_empty() { None } else { Some(problems.join("; ")) }
}

fn shown(miss: &Miss) -> String {
    match miss {
        Miss::Down(why) => format!("it does not answer: {why}"),
        Miss::Off(why) => format!("it refuses the handshake: {why}"),
        Miss::TooOld => "it speaks TLS 1.0 or 1.1 only".to_owned(),
        Miss::WrongKey(why) => format!("it signs with another key than its certificate's: {why}"),
        Miss::Broken(why) => format!("it breaks the handshake: {why}"),
        Miss::Cancelled => "interrupted".to_owned(),
    }
}

static TLS_SIGHTING: Kind = Kind::new(
    "TlsSighting",
    const {
        &[
            Property::new("Endpoint"),
            Property::new("ServerName"),
            Property::new("Thumbprint"),
            Property::new("Subject"),
            Property::new("Issuer"),
            Property::new("NotBefore"),
            Property::new("NotAfter"),
            Property::new("AlternativeNames"),
            Property::new("Version"),
            Property::new("Scheme"),
            Property::new("Alpn"),
            Property::new("Chain"),
            Property::new("Problem"),
            Property::hidden("SerialNumber"),
            Property::hidden("Fingerprint"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Endpoint"),
                Column::of("ServerName"),
                Column::of("Thumbprint"),
                Column::of("NotAfter"),
                Column::of("Problem"),
            ]
        },
    ),
);

impl Record for TlsSighting {
    fn kind(&self) -> &Kind {
        &TLS_SIGHTING
    }

    fn value(&self, index: usize) -> Value {
        let of = |read: fn(&Sighting) -> Value| self.seen.as_ref().map_or(Value::Null, read);
        match index {
            0 => Value::from(self.endpoint.to_string()),
            1 => Value::optional_text(self.server_name.as_ref()),
            2 => of(|s| Value::from(s.leaf.thumbprint().to_string())),
            3 => of(|s| Value::from(s.leaf.subject().to_string())),
            4 => of(|s| Value::from(s.leaf.issuer().to_string())),
            5 => of(|s| s.leaf.not_before().into()),
            6 => of(|s| s.leaf.not_after().into()),
            7 => of(|s| Value::list(s.leaf.alternative_names().iter().map(|n| Value::from(n.to_string())))),
            8 => of(|s| Value::from(s.version.to_string())),
            9 => of(|s| Value::text(&s.scheme)),
            10 => of(|s| Value::optional_text(s.alpn.as_ref())),
            11 => of(|s| Value::list(s.chain.iter().map(|c| Value::from(c.subject().to_string())))),
            12 => Value::optional_text(self.problem.as_ref()),
            13 => of(|s| Value::from(s.leaf.serial().to_string())),
            14 => of(|s| Value::from(s.leaf.fingerprint().to_string())),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.endpoint.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, run as run_in, texts};
    use crate::cmdlets::web::get_web_binding;
    use crate::probe::testing::{Authority, Oddities, TestServer};
    use crate::session::Session;

    #[test]
    fn a_real_server_is_seen_without_a_home() {
        let issued = Authority::new("Elsewhere").issue(&["www.example.com"]);
        let server = TestServer::start(vec![issued.certified()]);
        let session = Session::builder().build();
        let parameters = [("Endpoint", server.address.clone().into()), ("ServerName", "www.example.com,other.example.com".into())];
        let found = run_in(&session, &crate::cmdlets::registry(), &VERB, &parameters, Vec::new()).emitted();
        assert_eq!(texts(&found, "Thumbprint"), vec![issued.leaf.thumbprint().to_string(); 2]);
        assert_eq!(texts(&found, "ServerName"), ["www.example.com", "other.example.com"]);
        assert_eq!(texts(&found, "Problem"), ["", "the certificate does not bear `other.example.com`"]);
        assert_eq!(texts(&found, "Version"), ["TLS 1.3"; 2]);
        assert_eq!(texts(&found, "Chain"), ["CN=Elsewhere CA"; 2]);
        assert!(texts(&found, "Scheme")[0].starts_with("ECDSA"));
    }

    #[test]
    fn an_older_server_is_offered_the_older_version() {
        let issued = Authority::new("Elsewhere").issue(&["www.example.com"]);
        let server = TestServer::start_with(vec![issued.certified()], &[&rustls::version::TLS12]);
        let session = Session::builder().build();
        let parameters = [("Endpoint", server.address.clone().into())];
        let found = run_in(&session, &crate::cmdlets::registry(), &VERB, &parameters, Vec::new()).emitted();
        assert_eq!((texts(&found, "Version"), texts(&found, "ServerName")), (vec!["TLS 1.2".to_owned()], vec![String::new()]));
    }

    #[test]
    fn bindings_are_taken_from_the_pipeline() {
        let world = TestWorld::contoso().failing("127.0.0.1:4443", Miss::Down("the connection is refused".into()));
        let bindings = world.run(&get_web_binding::VERB, &[]).emitted();
        let found = world.run_with(&VERB, &[("ThrottleLimit", Value::Int(2))], bindings).emitted();
        assert_eq!(texts(&found, "Endpoint"), ["127.0.0.1:443", "127.0.0.1:4443", "127.0.0.1:5061"]);
        assert_eq!(texts(&found, "Problem"), ["", "it does not answer: the connection is refused", ""]);
        assert_eq!(texts(&found, "Thumbprint")[1], "");
    }

    #[test]
    fn what_has_ended_is_said() {
        let world = TestWorld::contoso()
            .with_odd("ended", &["meet.contoso.com"], &Oddities { ended: true, ..Oddities::default() })
            .serving("meet.contoso.com:443", "ended");
        let found = world.run(&VERB, &[("Endpoint", "https://meet.contoso.com/join?x".into())]).emitted();
        assert_eq!(texts(&found, "ServerName"), ["meet.contoso.com"]);
        assert_eq!(texts(&found, "Problem"), ["the certificate has ended"]);
        let waiting = world.run(&VERB, &[("Endpoint", "127.0.0.1:0".into())]).emitted();
        assert!(texts(&waiting, "Problem")[0].contains("certlet serve"), "{:?}", texts(&waiting, "Problem"));
    }

    #[test]
    fn endpoints_are_read_as_operators_write_them() {
        for (word, read) in [
            ("meet.contoso.com", "meet.contoso.com:443"),
            ("10.0.0.5", "10.0.0.5:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("2001:db8::1", "[2001:db8::1]:443"),
            ("[2001:db8::1]:5061", "[2001:db8::1]:5061"),
            ("HTTPS://a.example.com:8443/x", "a.example.com:8443"),
        ] {
            assert_eq!(endpoint(word).unwrap().to_string(), read);
        }
        for word in ["", ":", "a:70000", "*.contoso.com", "a b", "https://", "é:https://"] {
            assert_eq!(endpoint(word).unwrap_err().id(), ErrorId::CannotConvertArgument, "{word}");
        }
        let world = TestWorld::contoso();
        assert_eq!(world.run(&VERB, &[]).error().id(), ErrorId::MissingMandatoryParameter);
        for limit in [0, 257, -1] {
            let parameters = [("Endpoint", "a".into()), ("ThrottleLimit", Value::Int(limit))];
            assert_eq!(world.run(&VERB, &parameters).error().id(), ErrorId::ParameterArgumentValidationError);
        }
        let parameters = [("Endpoint", "a".into()), ("ServerName", "b c".into())];
        assert_eq!(world.run(&VERB, &parameters).error().id(), ErrorId::InvalidName);
    }
}
