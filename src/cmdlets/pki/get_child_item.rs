//! `Get-ChildItem`: what stands below a place on the `Cert:` drive.

use crate::cmdlets::cert_drive::{DrivePath, Filter, STORE_ITEM, STORES, StoreFolder, StoreItem, StoreName, each_in, each_named, waiting};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Value, Verb};
use crate::error::{Error, ErrorId, Result};

static PATH: Param<String> = Param::named("Path", "The place, `Cert:\\LocalMachine\\My` for the personal store")
    .at(0)
    .aliases(&["PSPath", "LiteralPath"])
    .from_pipeline(Pipeline::Both)
    .default_text("Cert:\\LocalMachine\\My");
static RECURSE: Param<Switch> = Param::named("Recurse", "Go down into the stores");
static DNS_NAME: Param<String> = Param::named("DnsName", "Only those with this host name; `*` stands for any characters");
static EKU: Param<Vec<String>> =
    Param::named("Eku", "Only those made for one of these purposes: object identifiers or names").wildcards();
static EXPIRING: Param<i64> =
    Param::named("ExpiringInDays", "Only those that end within so many days; with 0, those that have ended");
static SERVER: Param<Switch> = Param::named("SSLServerAuthentication", "Only those that a TLS server may use");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-ChildItem",
    twin: None,
    aliases: &["gci", "dir", "ls"],
    functions: &[],
    synopsis: "List the certificates of a store",
    description: "Shows what stands at a place of the drive `Cert:`. Below `Cert:\\LocalMachine` are the stores My (certificates \
                  that can be assigned), CA (authorities), Root (roots that were met or imported; being there makes none of them \
                  trusted: `[trust] roots` in the configuration does) and REQUEST (what authorities have not answered). There are \
                  no stores of users, and no other drives.\n\nThe earliest end comes first. Names and ends are looked up in an \
                  index, also among 100,000 certificates; -Eku and -SSLServerAuthentication read each certificate.",
    sets: &[],
    parameters: &[&PATH.spec, &RECURSE.spec, &DNS_NAME.spec, &EKU.spec, &EXPIRING.spec, &SERVER.spec],
    input: Input::EachObject,
    emits: Some(&STORE_ITEM),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-ChildItem Cert:\\LocalMachine\\My",
            says: "Lists the personal store",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-ChildItem Cert:\\LocalMachine\\My -ExpiringInDays 30 | Sort-Object NotAfter",
            says: "Lists what ends within 30 days, the earliest first",
            expect: Expect::EmitsSome,
        },
        Example {
            line: "dir Cert:\\LocalMachine\\My -DnsName *.contoso.com",
            says: "Lists those with a name in a domain",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-ChildItem Cert:\\CurrentUser\\My",
            says: "Says that there are no stores of users",
            expect: Expect::Fails(ErrorId::PathNotFound),
        },
    ],
    related: &["Get-Item", "Remove-Item", "Find-TlsCertificate", "Get-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let path = args.get(&PATH, session)?.unwrap_or_else(|| r"Cert:\LocalMachine\My".to_owned());
    let filter = filter(cx, args)?;
    let is_filtered = args.has(&DNS_NAME) || args.has(&EKU) || args.has(&EXPIRING) || args.on(&SERVER);
    let recurse = args.on(&RECURSE);
    match DrivePath::parse(&path)? {
        DrivePath::Root if !recurse => cx.emit(Value::object(StoreFolder::MACHINE)),
        DrivePath::Machine if !recurse => {
            STORES.into_iter().try_for_each(|store| cx.emit(Value::object(StoreFolder::of(store))))
        }
        DrivePath::Root | DrivePath::Machine => {
            STORES.into_iter().try_for_each(|store| list(cx, store, &filter, is_filtered))
        }
        DrivePath::Store(store) => list(cx, store, &filter, is_filtered),
        DrivePath::Item(StoreName::Of(store), word) => {
            each_named(session, store, &word, &mut |item: StoreItem| cx.emit(Value::object(item)))
        }
        DrivePath::Item(StoreName::Request, word) => {
            waiting(session, Some(&word))?.into_iter().try_for_each(|request| cx.emit(Value::object(request)))
        }
    }
}

fn list(cx: &mut Invocation<'_>, store: StoreName, filter: &Filter, is_filtered: bool) -> Result<()> {
    let session = cx.session();
    let StoreName::Of(store) = store else {
        // What is asked of a certificate does not fit a request.
        let requests = if is_filtered { Vec::new() } else { waiting(session, None)? };
        return requests.into_iter().try_for_each(|request| cx.emit(Value::object(request)));
    };
    each_in(session, store, filter, &mut |item| {
        cx.check_cancelled()?;
        cx.emit(Value::object(item))
    })
}

fn filter(cx: &Invocation<'_>, args: &Args) -> Result<Filter> {
    let session = cx.session();
    let days = args.get(&EXPIRING, session)?;
    if let Some(wrong) = days.filter(|days| !(0..=36_500).contains(days)) {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`-ExpiringInDays {wrong}` is not between 0 and 36500"))
            .about(wrong.to_string()));
    }
    Ok(Filter {
        name: args.get(&DNS_NAME, session)?.map(|name| name.trim().to_lowercase()),
        purposes: args.get(&EKU, session)?.unwrap_or_default(),
        ends_by: days.map(|days| session.now().plus_seconds(days * 86_400)),
        for_servers: args.on(&SERVER),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{NAMES, TestWorld, texts};
    use crate::probe::testing::Oddities;

    fn world() -> TestWorld {
        TestWorld::contoso()
            .with("shop", &["shop.example.com", "*.example.com"])
            .with_odd("ended", &["old.example.com"], &Oddities { ended: true, ..Oddities::default() })
            .with_odd("client", &NAMES[..1], &Oddities { client_only: true, ..Oddities::default() })
    }

    #[track_caller]
    fn found(world: &TestWorld, path: &str, more: &[(&str, Value)]) -> Vec<String> {
        let mut parameters = vec![("Path", Value::from(path))];
        parameters.extend(more.iter().cloned());
        texts(&world.run(&VERB, &parameters).emitted(), "Thumbprint")
    }

    #[track_caller]
    fn is(mut found: Vec<String>, world: &TestWorld, names: &[&str]) {
        let mut wanted: Vec<String> = names.iter().map(|name| world.thumbprint(name)).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{names:?}");
    }

    #[test]
    fn stores_are_listed_and_narrowed() {
        let world = world();
        let my = r"cert:\localmachine\my";
        is(found(&world, my, &[]), &world, &["old", "shop", "ended", "client"]);
        assert_eq!(found(&world, my, &[])[0], world.thumbprint("ended"), "the earliest end comes first");
        is(found(&world, my, &[("ExpiringInDays", 0.into())]), &world, &["ended"]);
        is(found(&world, my, &[("DnsName", "SHOP.example.com".into())]), &world, &["shop"]);
        is(found(&world, my, &[("DnsName", "*.example.com".into())]), &world, &["shop", "ended"]);
        is(found(&world, my, &[("Eku", "client authentication".into())]), &world, &["client"]);
        is(found(&world, my, &[("Eku", "1.3.6.1.5.5.7.3.1".into()), ("DnsName", "shop*".into())]), &world, &["shop"]);
        is(found(&world, my, &[("SSLServerAuthentication", true.into())]), &world, &["old", "shop", "ended"]);
        let all = found(&world, "Cert:", &[("Recurse", true.into())]);
        assert_eq!(all.len(), 5, "with the authority");
        assert!(all.contains(&world.authority.intermediate.thumbprint().to_string()));
        is(found(&world, &format!(r"{my}\{}", world.thumbprint("shop")), &[]), &world, &["shop"]);
        is(found(&world, &format!(r"{my}\{}*", &world.thumbprint("shop")[..12]), &[]), &world, &["shop"]);
    }

    #[test]
    fn folders_are_listed() {
        let world = world();
        let names = |path: &str| texts(&world.run(&VERB, &[("Path", path.into())]).emitted(), "Name");
        assert_eq!(names("Cert:"), ["LocalMachine"]);
        assert_eq!(names(r"Cert:\LocalMachine"), ["My", "CA", "Root", "REQUEST"]);
    }

    #[test]
    fn a_certificate_is_read_only_when_a_property_asks_for_that() {
        let world = world();
        let path = format!(r"Cert:\LocalMachine\My\{}", world.thumbprint("shop"));
        let item = world.run(&VERB, &[("Path", path.into())]).emitted().remove(0);
        let leaf = world.leaf("shop");
        let of = |property: &str| texts(std::slice::from_ref(&item), property).remove(0);
        assert_eq!(of("EnhancedKeyUsageList"), "Server Authentication (1.3.6.1.5.5.7.3.1)");
        assert_eq!(of("DnsNameList"), "shop.example.com *.example.com");
        assert_eq!((of("HasPrivateKey"), of("Store")), ("True".to_owned(), "My".to_owned()));
        assert_eq!(of("KeyAlgorithm"), leaf.key_algorithm_name());
        assert_eq!(of("Fingerprint"), leaf.fingerprint().to_string());
        // Its path leads back to it.
        is(found(&world, &of("PSPath"), &[]), &world, &["shop"]);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let world = world();
        let error = |path: &str| world.run(&VERB, &[("Path", path.into())]).error().id();
        for path in [r"Cert:\CurrentUser\My", r"Cert:\LocalMachine\Nowhere", r"C:\x", r"Cert:\LocalMachine\My\00"] {
            assert_eq!(error(path), ErrorId::PathNotFound, "{path}");
        }
        let days = [("Path", Value::from("Cert:")), ("ExpiringInDays", (-1).into())];
        assert_eq!(world.run(&VERB, &days).error().id(), ErrorId::ParameterArgumentValidationError);
    }
}
