//! `Get-TlsStatus`: what needs somebody, why, and by when, on one screen.

mod bindings;
mod certificates;
mod members;
mod standing;

use std::any::Any;

use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Verb, View,
};
use crate::error::{ErrorId, ExitCode, Result};
use crate::model::{Moment, Zone};

static PROBE: Param<Switch> =
    Param::named("Probe", "Prove the bindings now, instead of taking the last proof of each").default_text("nothing is connected to");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-TlsStatus",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Show what needs somebody, why, by when, and the command that mends it",
    description: "Looks at what is remembered and connects to nothing, so that it is quick: at the certificates in use and those \
                  that are to take over, at changes that were cut off, at the last proof of each binding, at what the other members \
                  of the pool have bound (sites of the built-in listener), at requests that wait, at certificates that were issued and not deployed, and at revocation lists. With -Probe the bindings \
                  are proven now.\n\nEmits one record for each finding, the gravest first: State is `Red` for what is broken or \
                  will be within days, `Amber` for what needs somebody, `Green` for each certificate that is well. By is the \
                  moment until which there is time; Remedy is the next line to type. The run ends with 1 when anything is Red.",
    sets: &[],
    parameters: &[&PROBE.spec],
    input: Input::None,
    emits: Some(&TLS_STATUS),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-TlsStatus", says: "Shows what needs somebody", expect: Expect::EmitsSome },
        Example {
            line: "Get-TlsStatus | Where-Object State -eq Red | Select-Object What, Why, Remedy",
            says: "Shows what is broken, for a monitor",
            expect: Expect::Emits(0),
        },
    ],
    related: &["Invoke-TlsRenewal", "Undo-TlsChange", "Test-TlsBinding", "about_renewal", "about_exit_codes"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let zone = session.zone();
    let looks = [
        ("changes", standing::open_changes(session)),
        ("certificates in use", certificates::in_use(session)),
        ("staged certificates", certificates::staged(session)),
        ("bindings", bindings::all(cx, args.on(&PROBE))),
        ("other members of the pool", members::behind(session)),
        ("requests", standing::requests(session)),
        ("issued certificates", certificates::not_deployed(session)),
        ("revocation lists", standing::revocation_lists(session)),
        ("authorities", standing::authorities(session)),
    ];
    let mut findings = Vec::new();
    for (what, look) in looks {
        match look {
            Ok(found) => findings.extend(found),
            Err(error) if error.exit() == ExitCode::Usage => return Err(error),
            Err(error) if matches!(error.id(), ErrorId::Interrupted | ErrorId::TimedOut) => return Err(error),
            // What cannot be looked at hides nothing of the rest.
            Err(error) => {
                let remedy = error.hints().into_iter().next();
                let finding = Finding::new(Light::Red, "NotLookedAt", what, error.to_string());
                findings.push(Finding { remedy, ..finding });
            }
        }
    }
    findings.sort_by_key(|f| f.light);
    if findings.iter().any(|f| f.light == Light::Red) {
        cx.note_exit(ExitCode::Failed);
    }
    for finding in findings {
        cx.emit(Value::object(TlsStatus::of(finding, &zone)))?;
    }
    Ok(())
}

/// How grave a finding is; the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Light {
    /// Broken, or will be within days.
    Red,
    /// Needs somebody.
    Amber,
    /// Well.
    Green,
}

impl Light {
    fn name(self) -> &'static str {
        match self {
            Self::Red => "Red",
            Self::Amber => "Amber",
            Self::Green => "Green",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug)]
struct Finding {
    light: Light,
    /// What was found, as one word for programs: `EndsSoon`, `ProofStale`.
    check: &'static str,
    /// The uses, the site, the request that it is about.
    what: String,
    why: String,
    by: Option<Moment>,
    remedy: Option<String>,
    thumbprint: Option<String>,
}

impl Finding {
    fn new(light: Light, check: &'static str, what: impl Into<String>, why: impl Into<String>) -> Self {
        let (what, why) = (what.into(), why.into());
        Self { light, check, what, why, by: None, remedy: None, thumbprint: None }
    }

    fn by(mut self, moment: impl Into<Option<Moment>>) -> Self {
        self.by = moment.into();
        self
    }

    fn remedy(mut self, line: impl Into<String>) -> Self {
        self.remedy = Some(line.into());
        self
    }

    fn about(mut self, thumbprint: impl Into<String>) -> Self {
        self.thumbprint = Some(thumbprint.into());
        self
    }
}

struct TlsStatus {
    finding: Finding,
    shown: String,
}

impl TlsStatus {
    fn of(finding: Finding, zone: &Zone) -> Self {
        let mut shown = format!("{:<6} {}: {}", finding.light.name(), finding.what, finding.why);
        let by = finding.by.map(|at| format!("by {}", at.in_zone(zone)));
        // Until when there is time is worth a line where there is something to do.
        let next = [by.filter(|_| finding.light != Light::Green), finding.remedy.clone()];
        let next = next.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if !next.is_empty() {
            shown = format!("{shown}\n       {next}");
        }
        Self { finding, shown }
    }
}

static TLS_STATUS: Kind = Kind::new(
    "TlsStatus",
    const {
        &[
            Property::new("State"),
            Property::new("What"),
            Property::new("Why"),
            Property::new("By"),
            Property::new("Remedy"),
            Property::new("Check"),
            Property::new("Thumbprint"),
        ]
    },
    View::Text,
);

impl Record for TlsStatus {
    fn kind(&self) -> &Kind {
        &TLS_STATUS
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => self.finding.light.name().into(),
            1 => Value::text(&self.finding.what),
            2 => Value::text(&self.finding.why),
            3 => self.finding.by.into(),
            4 => Value::optional_text(self.finding.remedy.as_ref()),
            5 => self.finding.check.into(),
            6 => Value::optional_text(self.finding.thumbprint.as_ref()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.shown.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests;
