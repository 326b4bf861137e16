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
    related: &["Revoke-Certificate", "Test-CertificationAuthority", "Invoke-TlsRenewal"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    session.policy()?.check_change()?;
    for authority in asked(session, args)? {
        let config = authority.config();
        let why = match session.list_of(&*authority)? {
            ListState::NoPublisher if args.has(&CA) => {
                return Err(Error::new(ErrorId::ConfigInvalid, format!("the authority `{config}` publishes no revocation list"))
                    .about(config)
                    .hint("add to its `[[ca]]` in `certlet.toml`: `crl = { url = \"http://…/ca.crl\", file = \"…/ca.crl\" }`"));
            }
            ListState::NoPublisher => continue,
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
        if let Some(list) = session.publish_list(&*authority, args.on(&FORCE))? {
            cx.emit(Value::object(Published(list)))?;
        }
    }
    Ok(())
}

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
