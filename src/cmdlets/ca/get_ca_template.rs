//! `Get-CATemplate`: which templates may be asked for.

use std::any::Any;

use super::get_certification_authority::{CA, asked};
use crate::ca::TemplateFacts;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::model::Purpose;

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CATemplate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the certificate templates of an authority",
    description: "Emits one record for each template that an authority publishes. Name is what -Template of \
                  Request-CsCertificate takes; DisplayName is what dialogs show and requests do not take. MayEnroll tells \
                  whether the one who acts here may ask for it. An authority across a network does not tell its templates: \
                  for one that was named there is a warning.",
    sets: &[],
    parameters: &[&CA.spec],
    input: Input::EachObject,
    emits: Some(&CA_TEMPLATE),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-CATemplate", says: "Lists the templates of every authority", expect: Expect::Emits(6) },
        Example {
            line: "Get-CATemplate | Where-Object MayEnroll -eq $false | Select-Object Name",
            says: "Shows which templates are closed to whoever acts here",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CATemplate -CA dc01.contoso.net",
            says: "Is refused: an authority is host and instance",
            expect: Expect::Fails(ErrorId::CaConfigMalformed),
        },
    ],
    related: &["Get-CertificationAuthority", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let principal = session.policy()?.principal;
    for authority in asked(session, args)? {
        let Some(database) = authority.as_database() else {
            if args.has(&CA) {
                cx.warn_as("TemplatesUnknown", format!("`{}` does not tell its templates", authority.config()))?;
            }
            continue;
        };
        for facts in database.templates() {
            let may_enroll = database.may_enroll(&principal, &facts.name);
            cx.emit(Value::object(Template { facts, may_enroll, ca: authority.config().to_owned() }))?;
        }
    }
    Ok(())
}

/// A template with its authority.
struct Template {
    facts: TemplateFacts,
    may_enroll: bool,
    ca: String,
}

static CA_TEMPLATE: Kind = Kind::new(
    "CATemplate",
    const {
        &[
            Property::new("Name"),
            Property::new("DisplayName"),
            Property::new("MinimumKeySize"),
            Property::new("NeedsApproval"),
            Property::new("MayEnroll"),
            Property::new("CA"),
            Property::new("EnhancedKeyUsage"),
            Property::new("Exportable"),
            Property::new("SubjectFromDirectory"),
            Property::new("ValidityDays"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Name"),
                Column::of("DisplayName"),
                Column::of("MinimumKeySize"),
                Column::of("NeedsApproval"),
                Column::of("MayEnroll"),
                Column::of("CA"),
            ]
        },
    ),
);

impl Record for Template {
    fn kind(&self) -> &Kind {
        &CA_TEMPLATE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.facts.name),
            1 => Value::text(&self.facts.display_name),
            2 => i64::from(self.facts.minimum_key_size).into(),
            3 => self.facts.needs_approval.into(),
            4 => self.may_enroll.into(),
            5 => Value::text(&self.ca),
            6 => Value::list(self.facts.purposes.iter().map(|oid| Value::from(Purpose::from_oid(oid).to_string()))),
            7 => self.facts.exportable.into(),
            8 => self.facts.subject_from_directory.into(),
            9 => i64::from(self.facts.validity_days).into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.facts.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cmdlets::testing::{FakeAuthority, TestWorld, texts};
    use crate::command::Stream;

    #[test]
    fn templates_come_with_their_authority() {
        let world = TestWorld::contoso();
        let inside = FakeAuthority::inside(r"dc01.contoso.net\contoso-DC01-CA", &world.authority);
        let world = world.with_authority(Arc::new(inside)).with_authority(Arc::new(FakeAuthority::remote(r"acme\shop")));
        let done = world.run(&VERB, &[]);
        assert!(done.said(Stream::Warning).is_empty());
        let found = done.emitted();
        assert_eq!(texts(&found, "Name"), ["WebServer", "Approval"]);
        assert_eq!(texts(&found, "NeedsApproval"), ["False", "True"]);
        assert_eq!(texts(&found, "MayEnroll"), ["True", "False"]);
        assert!(texts(&found, "EnhancedKeyUsage")[0].starts_with("Server Authentication"));
        assert_eq!(texts(&found, "MinimumKeySize"), ["2048", "2048"]);
        let remote = world.run(&VERB, &[("CA", r"acme\shop".into())]);
        assert_eq!(remote.said(Stream::Warning), [r"`acme\shop` does not tell its templates"]);
        assert!(remote.emitted().is_empty());
    }
}
