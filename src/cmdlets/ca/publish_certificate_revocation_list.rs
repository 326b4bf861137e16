//! `Publish-CertificateRevocationList`: write the list of what an embedded authority has revoked.

use std::any::Any;

use super::get_certification_authority::{CA, asked};
use crate::cmdlets::params::FORCE;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::session::{ListState, PublishedList};

pub(crate) static SPEC: Spec = Spec {
    name: "Publish-CertificateRevocationList",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write the revocation list of an embedded authority where clients fetch it",
    description: "Signs a list (CRL) of every certificate that was revoked and writes it, DER, to the file of `crl = { url, file }` \
                  of the authority; some web server offers the file at the address, which certificates carry. A list is good \
                  for `days` (7) and is published again `overlap_hours` before its end, by `certlet serve`, by \
                  `Invoke-TlsRenewal`, and after each revocation.\n\nWithout -Force nothing is written where the published list \
                  is good: it is the authority's own, tells of each revocation, and does not end soon.",
    sets: &[],
    parameters: &[&CA.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: Some(&REVOCATION_LIST),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Publish-CertificateRevocationList",
            says: "Publishes what is due, of every authority that has a publisher",
            expect: Expect::Emits(0),
        },
        Example {
            line: "Publish-CertificateRevocationList -CA dc01.contoso.net\\contoso-DC01-CA",
            says: "Is an error for an authority that has no publisher",
            expect: Expect::Fails(ErrorId::ConfigInvalid),
        },
    ],
    related: &["Revoke-Certificate", "Test-CertificationAuthority", "Get-CertificationAuthority"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    session.policy()?.check_change()?;
    let authorities = asked(session, args)?;
    let mut without = 0;
    for authority in &authorities {
        let config = authority.config();
        let why = match session.list_of(&**authority)? {
            ListState::NoPublisher if args.has(&CA) => {
                return Err(Error::new(ErrorId::ConfigInvalid, format!("the authority `{config}` publishes no revocation list"))
                    .about(config)
                    .hint(format!("add to its `[[ca]]` in `certlet.toml`: {PUBLISHER}")));
            }
            ListState::NoPublisher => {
                without += 1;
                continue;
            }
            ListState::Unborn => {
                cx.verbose(format!("`{config}` has no certificate yet, and so nothing to revoke"))?;
                continue;
            }
            ListState::Good(end) if !args.on(&FORCE) => {
                cx.verbose(format!("the list of `{config}` is good until {end}: nothing was written"))?;
                continue;
            }
            ListState::Good(end) => format!("good until {end}"),
            ListState::Due(error) => error.message().to_owned(),
        };
        cx.verbose(why)?;
        let file = authority.as_database().and_then(|d| d.publication()).map(|p| p.file.display().to_string());
        let target = format!("{config} in {}", file.unwrap_or_default());
        if cx.what_if() {
            cx.tell_what_if("Publish the revocation list", &target)?;
            continue;
        }
        if !cx.confirm("Publish the revocation list", &target)? {
            continue;
        }
        if let Some(list) = session.publish_list(&**authority, args.on(&FORCE))? {
            cx.emit(Value::object(Published(list)))?;
        }
    }
    if without == authorities.len() {
        let text = format!("no authority publishes a revocation list; in its `[[ca]]` in `certlet.toml`, {PUBLISHER} lets one do it");
        cx.warn_as("NothingPublished", text)?;
    }
    Ok(())
}

/// What lets an authority publish its list.
const PUBLISHER: &str = "`crl = { url = \"http://…/ca.crl\", file = \"…/ca.crl\" }`";

/// A list that was written.
struct Published(PublishedList);

static REVOCATION_LIST: Kind = Kind::new(
    "RevocationList",
    const {
        &[
            Property::new("CA"),
            Property::new("Number"),
            Property::new("Revoked"),
            Property::new("ThisUpdate"),
            Property::new("NextUpdate"),
            Property::new("Path"),
            Property::new("Url"),
        ]
    },
    View::List,
);

impl Record for Published {
    fn kind(&self) -> &Kind {
        &REVOCATION_LIST
    }

    fn value(&self, index: usize) -> Value {
        let list = &self.0;
        match index {
            0 => Value::text(&list.authority),
            1 => i64::try_from(list.number).unwrap_or(i64::MAX).into(),
            2 => i64::try_from(list.revoked).unwrap_or(i64::MAX).into(),
            3 => list.begins.into(),
            4 => list.ends.into(),
            5 => Value::text(list.file.display().to_string()),
            6 => Value::text(&list.url),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.file.display().to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ca::{Publication, Right};
    use crate::cmdlets::ca::approve_certificate_request::tests::{OTHER, submit, world, world_with};
    use crate::cmdlets::ca::revoke_certificate;
    use crate::cmdlets::testing::texts;
    use crate::command::Stream;
    use crate::state::State;
    use crate::x509::parse_crl;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_list_is_published_when_it_is_due_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pub/ca.crl");
        let (world, authority) = world_with(&[Right::Read, Right::Issue], |settings| {
            let url = "http://pki.contoso.net/ca.crl".to_owned();
            settings.crl = Some(Publication { url, file: file.clone(), days: 7, overlap_hours: 48 });
        });
        assert!(world.run(&VERB, &[]).emitted().is_empty() && !file.exists(), "nobody is there yet");
        let (_, serial) = submit(&world, &authority, "WebServer", OTHER);
        let session = world.session();
        let numbers = || -> Vec<u64> {
            session.publish_due_lists().into_iter().map(|list| list.unwrap().number).collect()
        };
        assert_eq!(numbers(), [1]);
        assert!(numbers().is_empty());
        // Five days are over: within two days of its end a new one comes.
        session.clock().sleep(119 * HOUR);
        assert!(numbers().is_empty());
        session.clock().sleep(HOUR);
        assert_eq!(numbers(), [2]);
        let done = world.run(&VERB, &[]);
        assert!(done.said(Stream::Verbose).join("").contains("good until"));
        assert_eq!(texts(&world.run(&VERB, &[("Force", true.into())]).emitted(), "Number"), ["3"]);

        // A revocation is told at once, by whoever made it.
        let reason = [("SerialNumber", serial.as_str().into()), ("Reason", "Superseded".into())];
        world.run(&revoke_certificate::VERB, &reason).emitted();
        let list = parse_crl(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((list.number(), list.len()), (Some(4), 1));
        assert!(numbers().is_empty());
        // What is not a list, or somebody else's, is replaced.
        std::fs::write(&file, b"<html>").unwrap();
        assert_eq!(numbers(), [5]);
        let lines = world.state.audit_after(0, 20).unwrap();
        let published = lines.iter().filter(|l| l.line.contains("Publish-CertificateRevocationList")).count();
        assert_eq!(published, 5);
    }

    #[test]
    fn a_file_that_cannot_be_written_uses_up_no_number_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.crl");
        std::fs::create_dir(&file).unwrap();
        let (world, authority) = world_with(&[Right::Read, Right::Issue], |settings| {
            let url = "http://pki.contoso.net/ca.crl".to_owned();
            settings.crl = Some(Publication { url, file: file.clone(), days: 7, overlap_hours: 0 });
        });
        let (_, serial) = submit(&world, &authority, "WebServer", OTHER);
        assert_eq!(world.run(&VERB, &[]).error().id(), ErrorId::FileNotWritable);
        // The revocation stands all the same.
        let reason = [("SerialNumber", serial.as_str().into()), ("Reason", "Superseded".into())];
        let done = world.run(&revoke_certificate::VERB, &reason);
        assert_eq!(done.errors()[0].id(), ErrorId::FileNotWritable);
        std::fs::remove_dir(&file).unwrap();
        let list = world.run(&VERB, &[]).emitted();
        assert_eq!((texts(&list, "Number"), texts(&list, "Revoked")), (vec!["1".to_owned()], vec!["1".to_owned()]));
    }

    #[test]
    fn an_authority_without_publisher_is_passed_over_unless_it_is_named() {
        let (world, authority) = world(&[Right::Issue]);
        submit(&world, &authority, "WebServer", OTHER);
        assert!(world.run(&VERB, &[]).emitted().is_empty());
        let named = [("CA", crate::ca::Authority::config(&*authority).into())];
        assert_eq!(world.run(&VERB, &named).error().id(), ErrorId::ConfigInvalid);
    }
}
