//! `Get-TlsChange`: the changes of assignments, newest first, and whether each can be undone.

use std::any::Any;

use crate::cmdlets::lookup::thumbprint_of;
use crate::cmdlets::params::{CertTypes, warn_of_open_change};
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::Fingerprint;
use crate::session::{Change, Session};

static LAST: Param<i64> = Param::named("Last", "How many of the newest ones").at(0).default_text("10");
static TYPE: Param<CertTypes> = Param::named("Type", "Only those that touched one of these uses").default_text("any use");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-TlsChange",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the changes of assignments, newest first",
    description: "Emits one record for each change that assigned or took away certificates, or tried to: its number in the log, \
                  when, the verb, the uses, the certificate of the first of them before and after, and how it ended. CanUndo \
                  tells whether `Undo-TlsChange -Id` would go back behind it now; Obstacle says why not.",
    sets: &[],
    parameters: &[&LAST.spec, &TYPE.spec],
    input: Input::None,
    emits: Some(&TLS_CHANGE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Remove-CsCertificate -Type WebServicesExternal -Force; Get-TlsChange",
            says: "Shows the change that was made just now",
            expect: Expect::Changes(1),
        },
        Example { line: "Get-TlsChange -Type Default", says: "Shows the changes of one use", expect: Expect::Emits(0) },
        Example {
            line: "Get-TlsChange -Last 0",
            says: "Is refused: there is no such number of changes",
            expect: Expect::Fails(ErrorId::ParameterArgumentValidationError),
        },
    ],
    related: &["Undo-TlsChange", "Get-TlsAuditLog"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let last = args.get(&LAST, session)?.unwrap_or(10);
    let limit = usize::try_from(last).ok().filter(|n| *n > 0).ok_or_else(|| {
        Error::new(ErrorId::ParameterArgumentValidationError, format!("`{last}` is no number of changes: 1 or more"))
            .about(last.to_string())
    })?;
    let uses = args.get(&TYPE, session)?.map(|types| types.0).unwrap_or_default();
    warn_of_open_change(session, cx)?;
    let touches = |c: &Change| {
        uses.is_empty() || c.assignments.iter().any(|a| uses.iter().any(|u| u.as_str() == a.key.use_name))
    };
    for change in session.changes(limit, touches)? {
        cx.check_cancelled()?;
        cx.emit(Value::object(TlsChange::of(session, change)?))?;
    }
    Ok(())
}

struct TlsChange {
    change: Change,
    before: Vec<String>,
    after: Vec<String>,
    obstacle: Option<String>,
}

impl TlsChange {
    fn of(session: &Session, change: Change) -> Result<Self> {
        let obstacle = session.plan_undo(&change).err().map(|error| error.to_string());
        let shown = |found: Vec<Option<Fingerprint>>| -> Result<Vec<String>> {
            let mut shown: Vec<String> = Vec::new();
            for fingerprint in found.iter().flatten() {
                let text = thumbprint_of(session, fingerprint)?;
                if !shown.contains(&text) {
                    shown.push(text);
                }
            }
            Ok(shown)
        };
        let rows = || change.assignments.iter();
        let before = shown(rows().map(|a| a.before.as_ref().and_then(|r| r.certificate)).collect())?;
        let after = shown(rows().map(|a| a.after.as_ref().and_then(|r| r.certificate)).collect())?;
        Ok(Self { change, before, after, obstacle })
    }
}

static TLS_CHANGE: Kind = Kind::new(
    "TlsChange",
    const {
        &[
            Property::new("Id"),
            Property::new("Time"),
            Property::new("Verb"),
            Property::new("Uses"),
            Property::new("Before"),
            Property::new("After"),
            Property::new("Outcome"),
            Property::new("CanUndo"),
            Property::hidden("Obstacle"),
            Property::hidden("Principal"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Id"),
                Column::of("Time"),
                Column::of("Verb"),
                Column::of("Uses"),
                Column::of("Before"),
                Column::of("After"),
                Column::of("Outcome"),
                Column::of("CanUndo"),
            ]
        },
    ),
);

impl Record for TlsChange {
    fn kind(&self) -> &Kind {
        &TLS_CHANGE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::Int(i64::try_from(self.change.id).unwrap_or(i64::MAX)),
            1 => self.change.time.into(),
            2 => Value::text(&self.change.verb),
            3 => Value::list(self.change.assignments.iter().map(|a| Value::text(&a.key.use_name))),
            4 => Value::list(self.before.iter().map(Value::text)),
            5 => Value::list(self.after.iter().map(Value::text)),
            6 => Value::text(&self.change.outcome),
            7 => self.obstacle.is_none().into(),
            8 => Value::optional_text(self.obstacle.as_ref()),
            9 => Value::text(&self.change.principal),
            _ => Value::Null,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
