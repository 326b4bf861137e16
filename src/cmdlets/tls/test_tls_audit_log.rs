//! `Test-TlsAuditLog`: is the audit log the chain that it was written as?

use std::any::Any;

use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Values, Verb, View};
use crate::error::{ErrorId, Result};
use crate::state::{AuditVerdict, verify_audit, verify_audit_file};

static PATH: Param<String> = Param::named("Path", "A copy of the log to test instead of the one in the state")
    .at(0)
    .aliases(&["FilePath"])
    .values(Values::Files);

pub(crate) static SPEC: Spec = Spec {
    name: "Test-TlsAuditLog",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Test whether the audit log was altered",
    description: "Each line of the log names the digest of the line before. Emits Intact, with the number of lines and the digest \
                  of the last one, or Broken, with the number of the first line that does not fit, and a warning. A chain cannot \
                  show that its end was cut off or that all of it was written anew: keep Head elsewhere and compare.",
    sets: &[],
    parameters: &[&PATH.spec],
    input: Input::None,
    emits: Some(&AUDIT_VERDICT),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Test-TlsAuditLog", says: "Tests the log in the state", expect: Expect::Emits(1) },
        Example {
            line: "Test-TlsAuditLog C:\\Backup\\audit.jsonl",
            says: "Says so when there is no such copy",
            expect: Expect::Fails(ErrorId::FileNotFound),
        },
    ],
    related: &["Get-TlsAuditLog"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let (source, verdict) = match args.get(&PATH, session)? {
        Some(shown) => {
            let path = session.resolve_path(&shown)?;
            (shown, verify_audit_file(&path)?)
        }
        None => ("state".to_owned(), verify_audit(&*session.state()?)?),
    };
    if let AuditVerdict::Broken { at } = &verdict {
        cx.warn_as("AuditLogBroken", format!("the audit log does not fit from line {at} on: it was altered, or a line is missing"))?;
    }
    cx.emit(Value::object(Tested { source, verdict }))
}

/// What the test came to.
struct Tested {
    source: String,
    verdict: AuditVerdict,
}

static AUDIT_VERDICT: Kind = Kind::new(
    "AuditVerdict",
    const {
        &[
            Property::new("Verdict"),
            Property::new("Lines"),
            Property::new("BrokenAt"),
            Property::new("Head"),
            Property::new("Source"),
        ]
    },
    View::List,
);

impl Record for Tested {
    fn kind(&self) -> &Kind {
        &AUDIT_VERDICT
    }

    fn value(&self, index: usize) -> Value {
        let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        match (index, &self.verdict) {
            (0, AuditVerdict::Intact { .. }) => "Intact".into(),
            (0, AuditVerdict::Broken { .. }) => "Broken".into(),
            (1, AuditVerdict::Intact { lines, .. }) => number(*lines),
            (2, AuditVerdict::Broken { at }) => number(*at),
            (3, AuditVerdict::Intact { head, .. }) => Value::text(head),
            (4, _) => Value::text(&self.source),
            _ => Value::Null,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};
    use crate::command::Stream;
    use crate::state::State;

    #[test]
    fn an_altered_line_is_found() {
        let world = TestWorld::contoso();
        for number in 1..=3 {
            world.session().record("Test", "Done", serde_json::json!([number]), &[]).unwrap();
        }
        let found = world.run(&VERB, &[]).emitted();
        assert_eq!((texts(&found, "Verdict"), texts(&found, "Lines")), (vec!["Intact".into()], vec!["3".into()]));
        let lines: Vec<String> = world.state.audit_after(0, 10).unwrap().into_iter().map(|l| l.line + "\n").collect();
        let copy = tempfile::NamedTempFile::new().unwrap();
        let test = |text: String| {
            std::fs::write(copy.path(), text).unwrap();
            world.run(&VERB, &[("Path", copy.path().to_str().unwrap().into())])
        };
        let whole = test(lines.concat()).emitted();
        assert_eq!(texts(&whole, "Head"), texts(&found, "Head"));
        let done = test(lines.concat().replacen("[2]", "[9]", 1));
        assert_eq!(done.said(Stream::Warning).len(), 1);
        let broken = done.emitted();
        assert_eq!((texts(&broken, "Verdict"), texts(&broken, "BrokenAt")), (vec!["Broken".into()], vec!["3".into()]));
        assert_eq!(world.run(&VERB, &[("Path", "/nowhere/audit".into())]).error().id(), ErrorId::FileNotFound);
    }
}
