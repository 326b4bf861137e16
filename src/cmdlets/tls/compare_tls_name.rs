//! `Compare-TlsName`: the names that uses ask for against those that a certificate bears.

use std::any::Any;

use super::get_tls_name::{ALL_SIP_DOMAIN, COMPUTER, DOMAIN_NAME, computer, query};
use crate::cmdlets::lookup::{assignments_on, uses_in_service};
use crate::cmdlets::params::CertTypes;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::{compute, difference};
use crate::model::{CertificateSelector, Fingerprint, NameQuery, RequestedName, UseName};
use crate::session::{Session, find_certificate};
use crate::state::CertificateRow;

static TYPE: Param<CertTypes> = Param::named("Type", "The uses whose names are computed")
    .at(0)
    .aliases(&["Use"])
    .from_pipeline(Pipeline::ByPropertyName)
    .default_text("what the certificate is assigned to");
static THUMBPRINT: Param<CertificateSelector> =
    Param::named("Thumbprint", "The certificate to compare with").from_pipeline(Pipeline::ByPropertyName).default_text("the assigned one");

pub(crate) static SPEC: Spec = Spec {
    name: "Compare-TlsName",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Compare the names that uses ask for with those of a certificate",
    description: "Emits one record for each name: `Present` when the certificate bears or covers it, `Missing` when it does \
                  not, `Unexpected` when no rule of these uses asks for it. Reason says which rule asks. Names are compared with the \
                  certificate of -Thumbprint, else with what is assigned for the uses; where these are several certificates, \
                  each is compared for its own uses.\n\nA warning gives the line that requests a certificate with all the \
                  names.",
    sets: &[],
    parameters: &[&TYPE.spec, &THUMBPRINT.spec, &COMPUTER.spec, &ALL_SIP_DOMAIN.spec, &DOMAIN_NAME.spec],
    input: Input::EachObject,
    emits: Some(&NAME_COMPARISON),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Compare-TlsName -Type WebServicesInternal | Where-Object State -ne Unexpected",
            says: "Shows whether the assigned certificate bears every name that the internal web site is reached by",
            expect: Expect::EmitsSome,
        },
        Example {
            line: "Compare-TlsName | Where-Object State -eq Missing",
            says: "Shows the names that the assigned certificates lack, and the rule that asks for each",
            expect: Expect::Emits(0),
        },
        Example {
            line: "Compare-TlsName Default -AllSipDomain -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
            says: "Fails when no stored certificate has the thumbprint",
            expect: Expect::Fails(ErrorId::CertificateNotFound),
        },
    ],
    related: &["Get-TlsName", "Find-TlsCertificate", "Test-TlsBinding", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let types = args.get(&TYPE, session)?.map(|t| t.0);
    let groups = match args.get(&THUMBPRINT, session)? {
        Some(selector) => {
            let (fingerprint, row) = find_certificate(session, &selector)?;
            let uses = match types {
                Some(types) => types,
                None => uses_of(session, args, fingerprint)?,
            };
            vec![(row, uses)]
        }
        None => assigned_groups(session, args, types.as_deref())?,
    };
    for (row, uses) in groups {
        compare(cx, session, args, &row, uses)?;
    }
    Ok(())
}

fn compare(cx: &mut Invocation<'_>, session: &Session, args: &Args, row: &CertificateRow, uses: Vec<UseName>) -> Result<()> {
    let query = query(session, args, uses)?;
    let computed = compute(&*session.topology()?, &query)?;
    let actual: Vec<String> =
        session.certificate_of(row)?.alternative_names().iter().map(ToString::to_string).collect();
    let difference = difference(&computed, &actual);
    let others = if difference.unexpected.is_empty() { Vec::new() } else { others_of(session, &query, row)? };
    let uses: Vec<String> = computed.uses.iter().map(|u| u.as_str().to_owned()).collect();
    let is_missing = |name: &RequestedName| difference.missing.iter().any(|m| m.name == *name);
    let mut emit = |name: String, state, reason: String| {
        cx.emit(Value::object(NameComparison { name, state, reason, thumbprint: row.thumbprint.to_string(), uses: uses.clone() }))
    };
    for name in &computed.names {
        let state = if is_missing(&name.name) { "Missing" } else { "Present" };
        emit(name.name.to_string(), state, name.reason())?;
    }
    for name in &difference.unexpected {
        let reason = match others.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(name))) {
            Some((other, _)) => format!("`{other}`, which has this certificate too, asks for it"),
            None => "no rule of these uses asks for it".to_owned(),
        };
        emit(name.clone(), "Unexpected", reason)?;
    }
    if difference.missing.is_empty() {
        return Ok(());
    }
    let mut line = format!("Request-CsCertificate -New -Type {}", uses.join(","));
    if query.all_sip_domain {
        line.push_str(" -AllSipDomain");
    }
    if !query.domain_name.is_empty() {
        let names: Vec<String> = query.domain_name.iter().map(ToString::to_string).collect();
        line = format!("{line} -DomainName \"{}\"", names.join(","));
    }
    cx.warn_as(
        "NamesMissing",
        format!(
            "certificate `{}` lacks {} of {} computed names; `{line}` asks for all of them",
            row.thumbprint,
            difference.missing.len(),
            computed.names.len()
        ),
    )
}

/// The other uses that have the same certificate, each with the names that it asks for.
fn others_of(session: &Session, query: &NameQuery, row: &CertificateRow) -> Result<Vec<(UseName, Vec<String>)>> {
    let topology = session.topology()?;
    let mut others = Vec::new();
    for assigned in assignments_on(session, &query.computer)? {
        let name: UseName = assigned.key.use_name.parse()?;
        let is_same = assigned.row.certificate == Some(Fingerprint::of(&row.der));
        if !is_same || query.uses.contains(&name) {
            continue;
        }
        // A use that this computer does not have any more asks for nothing.
        if let Ok(computed) = compute(&topology, &NameQuery { uses: vec![name.clone()], ..query.clone() }) {
            others.push((name, computed.names.iter().map(|n| n.name.to_string()).collect()));
        }
    }
    Ok(others)
}

/// The uses that a certificate is assigned to; where it is to none, those that this computer serves.
fn uses_of(session: &Session, args: &Args, fingerprint: Fingerprint) -> Result<Vec<UseName>> {
    let assigned = assignments_on(session, &computer(session, args)?)?;
    let own = assigned.iter().filter(|a| a.row.certificate == Some(fingerprint));
    let own = own.map(|a| a.key.use_name.parse()).collect::<Result<Vec<UseName>>>()?;
    if own.is_empty() { uses_in_service(session) } else { Ok(own) }
}

/// The assigned certificates, each with those of the uses that it serves.
fn assigned_groups(session: &Session, args: &Args, types: Option<&[UseName]>) -> Result<Vec<(CertificateRow, Vec<UseName>)>> {
    let assigned = assignments_on(session, &computer(session, args)?)?;
    let mut groups: Vec<(Fingerprint, Vec<UseName>)> = Vec::new();
    for assignment in &assigned {
        let name: UseName = assignment.key.use_name.parse()?;
        let Some(fingerprint) = assignment.row.certificate else { continue };
        if types.is_some_and(|t| !t.contains(&name)) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == fingerprint) {
            Some((_, uses)) => uses.push(name),
            None => groups.push((fingerprint, vec![name])),
        }
    }
    let has = |name: &UseName| groups.iter().any(|(_, uses)| uses.contains(name));
    if let Some(name) = types.unwrap_or_default().iter().find(|name| !has(name)) {
        return Err(Error::new(ErrorId::NotAssigned, format!("nothing is assigned for `{name}`")).about(name.as_str()));
    }
    let mut rows = Vec::new();
    for (fingerprint, uses) in groups {
        let row = session.stored(&fingerprint)?.ok_or_else(|| {
            let message = format!("the certificate assigned to `{}` is not in the store any more: {fingerprint}", uses[0]);
            Error::new(ErrorId::CertificateNotFound, message).about(fingerprint.to_string())
        })?;
        rows.push((row, uses));
    }
    Ok(rows)
}

/// A name, and what became of it.
struct NameComparison {
    name: String,
    state: &'static str,
    reason: String,
    thumbprint: String,
    uses: Vec<String>,
}

static NAME_COMPARISON: Kind = Kind::new(
    "NameComparison",
    const {
        &[
            Property::new("Name"),
            Property::new("State"),
            Property::new("Reason"),
            Property::new("Thumbprint"),
            Property::hidden("Uses"),
        ]
    },
    View::ByCount,
);

impl Record for NameComparison {
    fn kind(&self) -> &Kind {
        &NAME_COMPARISON
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.name),
            1 => self.state.into(),
            2 => Value::text(&self.reason),
            3 => Value::text(&self.thumbprint),
            4 => Value::list(self.uses.iter().map(Value::text)),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(format!("{} {}", self.state, self.name))
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

    #[test]
    fn a_whole_certificate_lacks_nothing() {
        let done = TestWorld::contoso().run(&VERB, &[]);
        assert!(done.said(Stream::Warning).is_empty());
        let found = done.emitted();
        assert_eq!(texts(&found, "State"), ["Present"; 8]);
        assert_eq!(texts(&found, "Uses")[0], "Default WebServicesInternal WebServicesExternal");
    }

    #[test]
    fn each_missing_and_each_foreign_name_is_named() {
        let world = TestWorld::contoso().with("part", &["pool01.contoso.net", "*.contoso.com", "other.example.com"]);
        let parameters = [("Type", "Default,WebServicesExternal".into()), ("Thumbprint", world.thumbprint("part").into())];
        let done = world.run(&VERB, &parameters);
        let warning = done.said(Stream::Warning).join("");
        assert!(warning.contains("`Request-CsCertificate -New -Type Default,WebServicesExternal`"), "{warning}");
        let found = done.emitted();
        let of = |state: &str| -> Vec<String> {
            let wanted = texts(&found, "State").into_iter().zip(texts(&found, "Name"));
            wanted.filter(|(s, _)| s == state).map(|(_, name)| name).collect()
        };
        // A wildcard is as good for simple URLs alone.
        assert_eq!(of("Missing"), ["fe01.contoso.net", "sip.contoso.com", "webpool01.contoso.com"]);
        assert_eq!(of("Unexpected"), ["other.example.com"]);
        assert_eq!(of("Present"), ["pool01.contoso.net", "meet.contoso.com", "dialin.contoso.com"]);
        assert!(texts(&found, "Reason").iter().all(|r| !r.is_empty()));
    }

    #[test]
    fn several_certificates_are_compared_each_for_its_own_uses() {
        let world = TestWorld::contoso().with("ext", &NAMES[3..]).assigned("WebServicesExternal", "ext");
        let found = world.run(&VERB, &[]).emitted();
        let of_ext: Vec<String> = found
            .iter()
            .filter(|v| v.property("Thumbprint").unwrap().display(&crate::model::Zone::utc()) == world.thumbprint("ext"))
            .map(|v| v.property("Uses").unwrap().display(&crate::model::Zone::utc()))
            .collect();
        assert!(!of_ext.is_empty() && of_ext.iter().all(|u| u == "WebServicesExternal"), "{of_ext:?}");
        let added = world.run(&VERB, &[("Type", "Default".into()), ("DomainName", "new.contoso.com".into())]);
        assert!(added.said(Stream::Warning)[0].contains("-DomainName \"new.contoso.com\""));
    }

    #[test]
    fn what_is_not_assigned_or_stored_is_said() {
        let world = TestWorld::contoso().unassigned("Default");
        assert_eq!(world.run(&VERB, &[("Type", "Default".into())]).error().id(), ErrorId::NotAssigned);
        let unknown = "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
        assert_eq!(world.run(&VERB, &[("Thumbprint", unknown.into())]).error().id(), ErrorId::CertificateNotFound);
        assert_eq!(TestWorld::contoso().vanished("old").run(&VERB, &[]).error().id(), ErrorId::CertificateNotFound);
    }
}
