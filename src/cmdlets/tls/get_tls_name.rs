//! `Get-TlsName`: which names uses ask for, and why.

use std::any::Any;

use crate::cmdlets::params::CertTypes;
use crate::command::{
    Args, CommaList, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Values, Verb,
    View,
};
use crate::error::{ErrorId, Result};
use crate::model::names::compute;
use crate::model::{ComputedName, ComputedNames, HostName, NameQuery, RequestedName, UseName};
use crate::session::Session;

static TYPE: Param<CertTypes> = Param::named("Type", "The uses whose names are computed").at(0).mandatory();
/// `-ComputerFqdn`, for the verbs that compute names.
pub(super) static COMPUTER: Param<String> =
    Param::named("ComputerFqdn", "The computer; a short name that fits one computer is enough")
        .values(Values::Computers)
        .default_text("the local computer");
/// `-AllSipDomain`.
pub(super) static ALL_SIP_DOMAIN: Param<Switch> =
    Param::named("AllSipDomain", "Names for every SIP domain in place of the primary one, autodiscover names included");
/// `-DomainName`.
pub(super) static DOMAIN_NAME: Param<CommaList> =
    Param::named("DomainName", "Names to add, as one text with commas or as a list");
static EXCLUDE: Param<CommaList> = Param::named("ExcludeComputedName", "Computed names to leave out");
static AS_DOMAIN_NAME: Param<Switch> =
    Param::named("AsDomainName", "Give all names as one text, as -DomainName of Request-CsCertificate takes it");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-TlsName",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Compute the names that uses ask for, each with the rule that asks",
    description: "Computes the alternative names that a certificate for these uses should bear, from the topology alone: no \
                  key is made and no authority is asked. Request-CsCertificate computes the same names for the same \
                  parameters.\n\nEmits one record for each name, in the order in which they are requested. IsSubject (shown \
                  by `Format-List *`) marks the name that becomes the common name.",
    sets: &[],
    parameters: &[
        &TYPE.spec, &COMPUTER.spec, &ALL_SIP_DOMAIN.spec, &DOMAIN_NAME.spec, &EXCLUDE.spec, &AS_DOMAIN_NAME.spec,
    ],
    input: Input::None,
    emits: Some(&TLS_NAME),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-TlsName -Type Default,WebServicesInternal,WebServicesExternal",
            says: "Shows the names of a combined certificate for this computer, and why each is there",
            expect: Expect::Emits(8),
        },
        Example {
            line: "Get-TlsName Internal -ComputerFqdn edge01.contoso.net",
            says: "Computes for another computer: the inside of an Edge Server needs its pool's name alone",
            expect: Expect::EmitsSome,
        },
        Example {
            line: "Get-TlsName Default,WebServicesInternal -AllSipDomain -AsDomainName",
            says: "Gives the names as one text, to be pasted after -DomainName",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-TlsName Default -ComputerFqdn pool01.contoso.net",
            says: "Asks for a computer where a pool was named",
            expect: Expect::Fails(ErrorId::ComputerNotInTopology),
        },
    ],
    related: &["Compare-TlsName", "Request-CsCertificate", "about_uses"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let uses = args.need(&TYPE, session)?.0;
    let mut query = query(session, args, uses)?;
    query.excluded = names(args.get(&EXCLUDE, session)?.as_ref())?;
    let computed = compute(&*session.topology()?, &query)?;
    match (&computed.subject, &computed.too_long_for_subject) {
        (Some(name), _) => cx.verbose(format!("the subject is CN={name}"))?,
        (None, Some(long)) => cx.warn_as(
            "NoCommonName",
            format!("`{long}` has more than 64 characters: a certificate bears it as an alternative name and has no common name"),
        )?,
        (None, None) => cx.verbose("there is no subject")?,
    }
    for name in &computed.not_computed {
        cx.warn_as("NameNotComputed", format!("`{name}` is to be left out, and no rule asks for it"))?;
    }
    if computed.names.is_empty() {
        let uses: Vec<&str> = computed.uses.iter().map(UseName::as_str).collect();
        let text = if query.excluded.is_empty() {
            format!("no rule asks for a name: what {} needs is the certificate, whatever it is called", uses.join(", "))
        } else {
            "every computed name is left out".to_owned()
        };
        cx.warn_as("NoNames", text)?;
    }
    if args.on(&AS_DOMAIN_NAME) {
        return cx.emit(Value::from(computed.comma_list()));
    }
    for name in &computed.names {
        cx.emit(Value::object(TlsName::of(&computed, name)))?;
    }
    Ok(())
}

/// What `-ComputerFqdn`, `-AllSipDomain` and `-DomainName` ask for.
///
/// # Errors
/// `InvalidName`, `ComputerNotInTopology` where no local computer is declared.
pub(super) fn query(session: &Session, args: &Args, uses: Vec<UseName>) -> Result<NameQuery> {
    let mut query = NameQuery::new(computer(session, args)?, uses);
    query.all_sip_domain = args.on(&ALL_SIP_DOMAIN);
    query.domain_name = names(args.get(&DOMAIN_NAME, session)?.as_ref())?;
    Ok(query)
}

/// The computer of `-ComputerFqdn`, else the local one.
///
/// # Errors
/// `InvalidName`, `ComputerNotInTopology`.
pub(super) fn computer(session: &Session, args: &Args) -> Result<HostName> {
    let topology = session.topology()?;
    match args.get(&COMPUTER, session)? {
        Some(text) => Ok(topology.resolve_computer(&text.parse()?)?.1.clone()),
        None => Ok(topology.local_computer()?.clone()),
    }
}

fn names(list: Option<&CommaList>) -> Result<Vec<RequestedName>> {
    RequestedName::all(list.into_iter().flat_map(|l| &l.0).map(String::as_str))
}

/// A computed name.
struct TlsName {
    name: String,
    reason: String,
    uses: Vec<String>,
    is_subject: bool,
    wildcard: bool,
    computer: String,
}

impl TlsName {
    fn of(computed: &ComputedNames, name: &ComputedName) -> Self {
        let text = name.name.to_string();
        let mut uses: Vec<String> = Vec::new();
        for use_name in name.rules.iter().flat_map(|r| &r.uses) {
            if !uses.iter().any(|u| u == use_name.as_str()) {
                uses.push(use_name.as_str().to_owned());
            }
        }
        Self {
            is_subject: computed.subject.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(&text)),
            name: text,
            reason: name.reason(),
            uses,
            wildcard: name.wildcard,
            computer: computed.computer.as_str().to_owned(),
        }
    }
}

static TLS_NAME: Kind = Kind::new(
    "TlsName",
    const {
        &[
            Property::new("Name"),
            Property::new("Reason"),
            Property::new("Uses"),
            Property::hidden("IsSubject"),
            Property::hidden("WildcardAllowed"),
            Property::hidden("Computer"),
        ]
    },
    View::ByCount,
);

impl Record for TlsName {
    fn kind(&self) -> &Kind {
        &TLS_NAME
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.name),
            1 => Value::text(&self.reason),
            2 => Value::list(self.uses.iter().map(Value::text)),
            3 => self.is_subject.into(),
            4 => self.wildcard.into(),
            5 => Value::text(&self.computer),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{NAMES, TestWorld, texts};
    use crate::command::Stream;

    const ALL: &str = "Default,WebServicesInternal,WebServicesExternal";

    #[test]
    fn a_combined_certificate_has_these_names() {
        let world = TestWorld::contoso();
        let found = world.run(&VERB, &[("Type", ALL.into())]).emitted();
        let mut names = texts(&found, "Name");
        let first = names[0].clone();
        names.sort();
        let mut wanted: Vec<String> = NAMES.iter().map(ToString::to_string).collect();
        wanted.sort();
        assert_eq!(names, wanted);
        assert_eq!((first.as_str(), texts(&found, "IsSubject")[0].as_str()), ("pool01.contoso.net", "True"));
        assert!(texts(&found, "Reason").iter().all(|r| !r.is_empty()));
        assert_eq!(texts(&found, "Uses")[0], "Default WebServicesInternal");
    }

    #[test]
    fn names_are_added_left_out_and_given_as_one_text() {
        let world = TestWorld::contoso();
        let run = |more: &[(&str, Value)]| {
            let mut parameters = vec![("Type", Value::from("Default")), ("AsDomainName", Value::Bool(true))];
            parameters.extend(more.iter().cloned());
            world.run(&VERB, &parameters)
        };
        let text = |values: Vec<Value>| values[0].display(&crate::model::Zone::utc());
        assert_eq!(text(run(&[]).emitted()), "pool01.contoso.net,fe01.contoso.net,sip.contoso.com");
        assert_eq!(
            text(run(&[("DomainName", "a.contoso.com, POOL01.contoso.net".into())]).emitted()),
            "pool01.contoso.net,fe01.contoso.net,sip.contoso.com,a.contoso.com"
        );
        let done = run(&[("ExcludeComputedName", "sip.contoso.com,x.contoso.com".into())]);
        assert!(done.said(Stream::Warning)[0].contains("x.contoso.com"));
        assert_eq!(text(done.emitted()), "pool01.contoso.net,fe01.contoso.net");
        assert_eq!(run(&[("DomainName", "bad name!".into())]).error().id(), ErrorId::InvalidName);
    }

    #[test]
    fn another_computer_and_its_mistakes() {
        let world = TestWorld::contoso();
        let run = |uses: &str, computer: &str| world.run(&VERB, &[("Type", uses.into()), ("ComputerFqdn", computer.into())]);
        assert_eq!(texts(&run("Default", "med01").emitted(), "Computer")[0], "med01.contoso.net");
        let pool = run("Default", "pool01.contoso.net").error();
        assert_eq!(pool.id(), ErrorId::ComputerNotInTopology);
        assert!(pool.hints()[0].contains("fe02.contoso.net"), "{:?}", pool.hints());
        assert_eq!(run("WebServicesInternal", "med01").error().id(), ErrorId::UseNotValidForRole);
        assert_eq!(run("Defualt", "med01").error().id(), ErrorId::CannotConvertArgument);
    }
}
