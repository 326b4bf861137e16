//! `Test-CertificationAuthority`: could an authority be asked now?

use std::any::Any;

use super::get_certification_authority::{CA, asked};
use crate::ca::{Context, Finding, Inquiry};
use crate::command::{
    Args, Column, CommaList, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Values, Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::model::KeyAlgorithm;
use crate::session::ListState;

static TEMPLATE: Param<String> =
    Param::named("Template", "The template's name, not its display name").default_text("WebServer");
static KEY_ALG: Param<String> = Param::named("KeyAlg", "The kind of key that a request would have")
    .values(Values::Choice(&["RSA", "ECDH_P256", "ECDH_P384", "ECDH_P521"]))
    .default_text("RSA");
static KEY_SIZE: Param<i64> = Param::named("KeySize", "The bits of an RSA key").default_text("2048");
static DOMAIN_NAME: Param<CommaList> =
    Param::named("DomainName", "Names that a request would hold, with commas between");

pub(crate) static SPEC: Spec = Spec {
    name: "Test-CertificationAuthority",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Look whether an authority could be asked now, and ask for nothing",
    description: "Emits one record for each thing looked at: whether the authority answers, its clock, the right of whoever acts, \
                  the template, the key, the names of -DomainName, limits that are near, and its revocation list where it \
                  publishes one. What is wrong is an error as well, one for each; the exit code is that of the gravest. No \
                  request is made, no number is used up.",
    sets: &[],
    parameters: &[&CA.spec, &TEMPLATE.spec, &KEY_ALG.spec, &KEY_SIZE.spec, &DOMAIN_NAME.spec],
    input: Input::EachObject,
    emits: Some(&AUTHORITY_FINDING),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Test-CertificationAuthority -CA dc01.contoso.net\\contoso-DC01-CA",
            says: "Looks at one authority",
            expect: Expect::Emits(8),
        },
        Example {
            line: "Test-CertificationAuthority dc01\\contoso-DC01-CA -DomainName pool01.contoso.net | Where-Object Result -eq Fail",
            says: "Shows what stands against a request for a name: nothing",
            expect: Expect::Emits(0),
        },
        Example {
            line: "Test-CertificationAuthority dc09\\Nobody",
            says: "Is an error for an authority that is not configured",
            expect: Expect::Fails(ErrorId::CaUnreachable),
        },
    ],
    related: &["Get-CertificationAuthority", "Get-CATemplate", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let bits = args.get(&KEY_SIZE, session)?.map(|bits| u32::try_from(bits).unwrap_or(0));
    let key = KeyAlgorithm::named(&args.get(&KEY_ALG, session)?.unwrap_or_else(|| "RSA".into()), bits)?;
    let template = args.get(&TEMPLATE, session)?.unwrap_or_else(|| "WebServer".into());
    let names = args.get(&DOMAIN_NAME, session)?.map_or_else(Vec::new, |list| list.0);
    let names: Vec<(String, String)> = names.into_iter().map(|name| (name, "-DomainName".to_owned())).collect();
    let policy = session.policy()?;
    let (state, keys) = (session.state()?, session.keys()?);
    for authority in asked(session, args)? {
        cx.check_cancelled()?;
        let cancel = cx.cancel();
        let cancelled = || cancel.is_cancelled();
        let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &cancelled };
        let inquiry = Inquiry {
            template: &template,
            key,
            exportable: false,
            requester: &policy.principal,
            account: None,
            names: &names,
        };
        let mut findings = authority.examine(&context, &inquiry);
        for caution in authority.warnings(&context)? {
            cx.warn(caution)?;
        }
        match session.list_of(&*authority)? {
            ListState::NoPublisher | ListState::Unborn => {}
            ListState::Good(end) => {
                findings.push(Finding { subject: "RevocationList", fault: None, note: format!("published until {end}") });
            }
            ListState::Due(error) => {
                findings.push(Finding { subject: "RevocationList", fault: Some(error), note: String::new() });
            }
        }
        for finding in findings {
            let ca = authority.config().to_owned();
            let remedy = finding.fault.as_ref().map_or_else(String::new, |fault| fault.hints().join("; "));
            let problem = finding.fault.as_ref().map(|fault| fault.message().to_owned());
            cx.emit(Value::object(Seen { ca, check: finding.subject, problem, note: finding.note, remedy }))?;
            if let Some(fault) = finding.fault {
                cx.report_error(fault)?;
            }
        }
    }
    Ok(())
}

/// One thing that was looked at.
struct Seen {
    ca: String,
    check: &'static str,
    problem: Option<String>,
    note: String,
    remedy: String,
}

static AUTHORITY_FINDING: Kind = Kind::new(
    "AuthorityFinding",
    const {
        &[
            Property::new("CA"),
            Property::new("Check"),
            Property::new("Result"),
            Property::new("Note"),
            Property::new("Problem"),
            Property::new("Remedy"),
        ]
    },
    View::Table(const { &[Column::of("CA"), Column::of("Check"), Column::of("Result"), Column::of("Note"), Column::of("Problem")] }),
);

impl Record for Seen {
    fn kind(&self) -> &Kind {
        &AUTHORITY_FINDING
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.ca),
            1 => self.check.into(),
            2 => if self.problem.is_some() { "Fail" } else { "Pass" }.into(),
            3 => Value::text(&self.note),
            4 => Value::optional_text(self.problem.as_ref()),
            5 => Value::text(&self.remedy),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(format!("{} {}", self.ca, self.check))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ca::{Down, Right};
    use crate::cmdlets::ca::approve_certificate_request::tests::{CONFIG, OTHER, submit, world};
    use crate::cmdlets::testing::texts;
    use crate::state::State;

    #[test]
    fn each_thing_is_looked_at_and_nothing_is_changed() {
        let (world, authority) = world(&[Right::Read, Right::Enroll]);
        submit(&world, &authority, "Approval", OTHER);
        let before = world.state.data_version().unwrap();
        let done = world.run(&VERB, &[("CA", CONFIG.into()), ("DomainName", "a.contoso.net".into())]);
        let found = done.emitted();
        let checks = ["Reachable", "Key", "Clock", "Right", "Template", "KeySize", "Names", "Limits"];
        assert_eq!(texts(&found, "Check"), checks);
        assert!(texts(&found, "Result").iter().all(|result| result == "Pass"), "{:?}", texts(&found, "Problem"));
        assert!(texts(&found, "Note").last().unwrap().contains("1 requests wait"));
        assert_eq!(world.state.data_version().unwrap(), before);
    }

    #[test]
    fn each_fault_is_an_error_and_the_others_are_told_too() {
        let (world, _) = world(&[Right::Read]);
        let world = world.with_authority(Arc::new(Down::new(r"old.contoso.net\Old-CA")));
        let asked = [
            ("KeySize", 1024.into()),
            ("Template", "WebServer".into()),
            ("DomainName", "a.contoso.net,www.fabrikam.com".into()),
        ];
        let done = world.run(&VERB, &asked);
        let ids: Vec<ErrorId> = done.errors().iter().map(|error| error.id()).collect();
        let expected =
            [ErrorId::CaAccessDenied, ErrorId::KeyTooSmall, ErrorId::RequestDenied, ErrorId::CaUnreachable];
        assert_eq!(ids, expected);
        let found = done.emitted();
        assert_eq!(texts(&found, "Result").iter().filter(|result| *result == "Fail").count(), 4);
        assert_eq!(texts(&found, "Check").last().unwrap(), "Request");
    }
}
