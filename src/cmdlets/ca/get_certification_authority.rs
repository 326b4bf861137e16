//! `Get-CertificationAuthority`: which authorities can be asked.

use std::any::Any;
use std::sync::Arc;

use crate::ca::{Authority, Context};
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values, Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::model::Certificate;
use crate::session::Session;

/// `-CA`, for the verbs that look at authorities.
pub(super) static CA: Param<String> = Param::named("CA", "The authority as `host\\instance`; a short host name is enough")
    .at(0)
    .aliases(&["Config"])
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Authorities)
    .default_text("every configured one");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CertificationAuthority",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List the certification authorities that can be asked",
    description: "Emits one record for each authority of `certlet.toml`, in its order. Of an authority that certlet itself is, \
                  it shows the certificate and the templates too; one across a network is not asked, and one of the kind `down` \
                  is known and never answers.\n\nThe permissions of an authority in this home are guard rails against \
                  mistakes, no boundary: whoever can read the home folder, and its passphrase where it has one, can sign with \
                  the authority's key whatever `permissions` say. What keeps others away is the operating system (the home \
                  belongs to one user), or an authority on another machine: an offline root signs an authority here with \
                  `Submit-CertificateRequest`, and limits it by name constraints.",
    sets: &[],
    parameters: &[&CA.spec],
    input: Input::EachObject,
    emits: Some(&CERTIFICATION_AUTHORITY),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-CertificationAuthority", says: "Lists what may stand after -CA", expect: Expect::Emits(2) },
        Example {
            line: "Get-CertificationAuthority dc01\\contoso-DC01-CA | Select-Object Subject, NotAfter, Thumbprint",
            says: "Shows the certificate of one authority",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CertificationAuthority dc09\\Nobody",
            says: "Lists the configured ones when there is none of that name",
            expect: Expect::Fails(ErrorId::CaUnreachable),
        },
    ],
    related: &["Get-CATemplate", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    for authority in asked(session, args)? {
        cx.emit(Value::object(Shown::of(session, &*authority)?))?;
    }
    Ok(())
}

/// The authority of -CA, else all of them.
///
/// # Errors
/// `CaConfigMalformed`, `CaUnreachable`.
pub(super) fn asked(session: &Session, args: &Args) -> Result<Vec<Arc<dyn Authority>>> {
    match args.get(&CA, session)? {
        Some(config) => Ok(vec![session.authority(&config)?]),
        None => session.authorities(),
    }
}

/// An authority as it is shown.
pub(super) struct Shown {
    config: String,
    class: &'static str,
    kind: &'static str,
    certificate: Option<Certificate>,
    templates: Vec<String>,
    problem: Option<String>,
}

impl Shown {
    /// An authority as it stands now.
    ///
    /// # Errors
    /// `StoreUnavailable`, `StoreLocked`.
    pub(super) fn of(session: &Session, authority: &dyn Authority) -> Result<Self> {
        let mut shown = Self {
            config: authority.config().to_owned(),
            class: if authority.is_public() { "public" } else { "private" },
            kind: match (authority.is_inside(), authority.can_issue()) {
                (true, _) => "embedded",
                (false, true) => "remote",
                (false, false) => "down",
            },
            certificate: None,
            templates: authority.as_database().map_or_else(Vec::new, |d| d.templates().into_iter().map(|t| t.name).collect()),
            problem: None,
        };
        if authority.is_inside() {
            let (state, keys) = (session.state()?, session.keys()?);
            let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
            match authority.chain(&context) {
                Ok(chain) => {
                    if let Some(database) = authority.as_database().filter(|_| chain.is_empty()) {
                        shown.problem = database.check_certified(&context).err().map(|error| error.message().to_owned());
                    }
                    shown.certificate = chain.into_iter().next();
                }
                Err(error) => shown.problem = Some(error.message().to_owned()),
            }
        }
        if shown.certificate.as_ref().is_some_and(|c| !c.is_valid_at(session.now())) {
            shown.problem = Some("its certificate is not in date".to_owned());
        }
        Ok(shown)
    }
}

/// The kind of [`Shown`].
pub(super) static CERTIFICATION_AUTHORITY: Kind = Kind::new(
    "CertificationAuthority",
    const {
        &[
            Property::new("CA"),
            Property::new("Kind"),
            Property::new("Class"),
            Property::new("Subject"),
            Property::new("NotAfter"),
            Property::new("Thumbprint"),
            Property::new("Templates"),
            Property::new("Problem"),
        ]
    },
    View::Table(
        const { &[Column::of("CA"), Column::of("Kind"), Column::of("Class"), Column::of("NotAfter"), Column::of("Problem")] },
    ),
);

impl Record for Shown {
    fn kind(&self) -> &Kind {
        &CERTIFICATION_AUTHORITY
    }

    fn value(&self, index: usize) -> Value {
        let certificate = self.certificate.as_ref();
        match index {
            0 => Value::text(&self.config),
            1 => self.kind.into(),
            2 => self.class.into(),
            3 => Value::optional_text(certificate.map(|c| c.subject().to_string())),
            4 => certificate.map(Certificate::not_after).into(),
            5 => Value::optional_text(certificate.map(|c| c.thumbprint().to_string())),
            6 => Value::list(self.templates.iter().map(Value::text)),
            7 => Value::optional_text(self.problem.as_ref()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.config.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{FakeAuthority, TestWorld, texts};

    #[test]
    fn authorities_are_listed_and_remote_ones_are_not_asked() {
        let world = TestWorld::contoso();
        let inside = FakeAuthority::inside(r"dc01.contoso.net\contoso-DC01-CA", &world.authority);
        let world = world.with_authority(Arc::new(inside)).with_authority(Arc::new(FakeAuthority::remote(r"acme\shop")));
        let found = world.run(&VERB, &[]).emitted();
        assert_eq!(texts(&found, "CA"), [r"dc01.contoso.net\contoso-DC01-CA", r"acme\shop"]);
        assert_eq!(texts(&found, "Kind"), ["embedded", "remote"]);
        assert_eq!(texts(&found, "Class"), ["private", "public"]);
        assert_eq!(texts(&found, "Thumbprint"), [world.authority.intermediate.thumbprint().to_string(), String::new()]);
        assert_eq!(texts(&found, "Templates"), ["WebServer Approval", ""]);
        assert_eq!(texts(&found, "Problem"), ["", ""]);
        assert_eq!(world.run(&VERB, &[("CA", r"DC01\contoso-dc01-ca".into())]).emitted().len(), 1);
        assert_eq!(world.run(&VERB, &[("CA", r"dc09\x".into())]).error().id(), ErrorId::CaUnreachable);
        assert_eq!(world.run(&VERB, &[("CA", "dc09".into())]).error().id(), ErrorId::CaConfigMalformed);
    }
}
