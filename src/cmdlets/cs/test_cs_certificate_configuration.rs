//! `Test-CsCertificateConfiguration`: which certificates are configured, and, with `-Detailed`, whether they will do.

use std::any::Any;

use crate::cmdlets::lookup::thumbprint_of;
use crate::cmdlets::params::{REPORT, warn_of_open_change};
use crate::cmdlets::report::reported;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Verb, View,
};
use crate::error::{Error, Result};
use crate::model::{Fingerprint, UseName};
use crate::session::{Assigned, Session, fitness};

static DETAILED: Param<Switch> =
    Param::named("Detailed", "Also say what is wrong: Status, Problems, MissingNames, DaysLeft, BindingOk");

pub(crate) static SPEC: Spec = Spec {
    name: "Test-CsCertificateConfiguration",
    twin: Some("Test-TlsCertificateConfiguration"),
    aliases: &[],
    functions: &[],
    synopsis: "List which certificate each use is configured with, and whether it will do",
    description: "Emits one record for each use that has a certificate: its Thumbprint and the Use. It reads the state alone \
                  and speaks to no server: `Test-TlsBinding` proves what is served.\n\nWith `-Detailed` each record has Status \
                  (`Ok`, `Warning` or `Error`), Problems, MissingNames, DaysLeft, and BindingOk: whether the bindings of the \
                  use are bound to this certificate, empty where the use has none.",
    sets: &[],
    parameters: &[&DETAILED.spec, &REPORT.spec],
    input: Input::None,
    emits: Some(&CERTIFICATE_EXISTS),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Test-CsCertificateConfiguration",
            says: "Lists thumbprint and use of what is configured",
            expect: Expect::Emits(3),
        },
        Example {
            line: "Test-CsCertificateConfiguration -Detailed | Where-Object Status -ne Ok",
            says: "Shows the uses whose certificate is not as it should be",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Get-CsCertificate", "Test-TlsBinding", "Find-TlsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, test)
}

fn test(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    warn_of_open_change(session, cx)?;
    let is_detailed = args.on(&DETAILED);
    for assigned in session.assigned(None)? {
        let Some(fingerprint) = assigned.row.certificate else { continue };
        let details = if is_detailed { Some(details(session, &assigned, fingerprint)?) } else { None };
        cx.emit(Value::object(CertificateExists {
            thumbprint: thumbprint_of(session, &fingerprint)?,
            use_name: assigned.key.use_name,
            details,
        }))?;
    }
    Ok(())
}

/// A use and the certificate that it is configured with.
struct CertificateExists {
    thumbprint: String,
    use_name: String,
    details: Option<Details>,
}

/// Whether it will do.
#[derive(Default)]
struct Details {
    problems: Vec<String>,
    /// Whether one of the problems stands against the assignment.
    is_error: bool,
    missing: Vec<String>,
    days_left: Option<i64>,
    binding_ok: Option<bool>,
}

static CERTIFICATE_EXISTS: Kind = Kind::new(
    "CertificateExists",
    const { &[Property::new("Thumbprint"), Property::new("Use")] },
    View::ByCount,
);

static CERTIFICATE_EXISTS_DETAILED: Kind = Kind::new(
    "CertificateExists",
    const {
        &[
            Property::new("Thumbprint"),
            Property::new("Use"),
            Property::new("Status"),
            Property::new("Problems"),
            Property::new("MissingNames"),
            Property::new("DaysLeft"),
            Property::new("BindingOk"),
        ]
    },
    View::ByCount,
);

impl Record for CertificateExists {
    fn kind(&self) -> &Kind {
        if self.details.is_some() { &CERTIFICATE_EXISTS_DETAILED } else { &CERTIFICATE_EXISTS }
    }

    fn value(&self, index: usize) -> Value {
        let texts = |list: &[String]| Value::list(list.iter().map(Value::text));
        match (index, &self.details) {
            (0, _) => Value::text(&self.thumbprint),
            (1, _) => Value::text(&self.use_name),
            (2, Some(details)) => details.status().into(),
            (3, Some(details)) => texts(&details.problems),
            (4, Some(details)) => texts(&details.missing),
            (5, Some(details)) => details.days_left.into(),
            (6, Some(details)) => details.binding_ok.into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.thumbprint.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Details {
    fn status(&self) -> &'static str {
        if self.is_error {
            "Error"
        } else if self.problems.is_empty() {
            "Ok"
        } else {
            "Warning"
        }
    }

    fn add(&mut self, is_error: bool, problem: String) {
        self.is_error |= is_error;
        self.problems.push(problem);
    }
}

fn details(session: &Session, assigned: &Assigned, fingerprint: Fingerprint) -> Result<Details> {
    let mut details = Details::default();
    let use_name: UseName = assigned.key.use_name.parse()?;
    check_bindings(session, assigned, &use_name, fingerprint, &mut details)?;
    let Some(row) = session.stored(&fingerprint)? else {
        details.add(true, "the certificate is not in the store any more".to_owned());
        return Ok(details);
    };
    let certificate = session.certificate_of(&row)?;
    details.days_left = Some(row.not_after.since(session.now()).div_euclid(86_400));
    for finding in fitness(session, &row, &certificate, std::slice::from_ref(&use_name), session.now())? {
        if !finding.is_remark {
            details.add(finding.is_obstacle, finding.error.message().to_owned());
        }
    }
    let computer = session.topology()?.local_computer()?.clone();
    match session.name_difference(&computer, std::slice::from_ref(&use_name), &certificate) {
        Ok(difference) => details.missing = difference.missing.iter().map(|m| m.name.to_string()).collect(),
        // A use that this computer does not have any more asks for no names.
        Err(error) => details.add(false, message_of(&error)),
    }
    if !details.missing.is_empty() {
        details.add(false, format!("it lacks {} of the computed names", details.missing.len()));
    }
    Ok(details)
}

fn check_bindings(
    session: &Session,
    assigned: &Assigned,
    use_name: &UseName,
    fingerprint: Fingerprint,
    details: &mut Details,
) -> Result<()> {
    for place in session.places_of(use_name)? {
        let slot = if place.slots().contains(&assigned.key.slot) { assigned.key.slot } else { crate::model::Slot::Any };
        let bound = session.bound_at(&place, slot)?;
        let is_ok = bound == Some(fingerprint);
        details.binding_ok = Some(details.binding_ok.unwrap_or(true) && is_ok);
        if !is_ok {
            let has = match bound {
                Some(other) => thumbprint_of(session, &other)?,
                None => "no certificate".to_owned(),
            };
            let (site, information) = (&place.site.website.name, &place.binding().information);
            details.add(true, format!("`{site}` {information} is bound to {has}"));
        }
    }
    Ok(())
}

fn message_of(error: &Error) -> String {
    error.message().to_owned()
}
