//! `Get-CertificateRequest`: what an embedded authority was asked for, from its own database.

use std::any::Any;

use super::approve_certificate_request::{CA, one_database};
use crate::ca::{Authority, Context};
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Spec, Value, Values, Verb, View,
    choice,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;
use crate::session::Session;
use crate::state::SubmissionRow;
use crate::x509::{parse_certificate, parse_request, pem};

static REQUEST_ID: Param<i64> = Param::named("RequestId", "The authority's number of the request")
    .at(0)
    .from_pipeline(Pipeline::ByPropertyName)
    .default_text("all");
static DISPOSITION: Param<String> = Param::named("Disposition", "Only the requests that stand so")
    .aliases(&["Status"])
    .values(Values::Choice(DISPOSITIONS))
    .default_text("all");

const DISPOSITIONS: &[&str] = &["Pending", "Issued", "Revoked", "Failed", "Denied"];

pub(crate) static SPEC: Spec = Spec {
    name: "Get-CertificateRequest",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "List what an embedded authority was asked for",
    description: "Reads the authority's own database, whoever asked; it needs the right `Read` there. Pipe what is pending to \
                  `Approve-CertificateRequest` or `Deny-CertificateRequest`. The requests that were made from this computer, to \
                  any authority, are those of `Request-CsCertificate -List`.\n\nCertificate and CertificateChain hold the \
                  certificate as PEM, the latter with every authority above it.",
    sets: &[],
    parameters: &[&REQUEST_ID.spec, &DISPOSITION.spec, &CA.spec],
    input: Input::EachObject,
    emits: Some(&SUBMITTED_REQUEST),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-CertificateRequest", says: "Lists every request", expect: Expect::Emits(1) },
        Example {
            line: "Get-CertificateRequest -Disposition Pending | Approve-CertificateRequest",
            says: "Approves what waits: nothing does",
            expect: Expect::Emits(0),
        },
        Example {
            line: "Get-CertificateRequest -RequestId 40 | Select-Object -ExpandProperty CertificateChain",
            says: "Shows the certificate of a request and those above it, as PEM",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-CertificateRequest 4711",
            says: "Is an error for a number that was never given",
            expect: Expect::Fails(ErrorId::RequestNotFound),
        },
    ],
    related: &["Approve-CertificateRequest", "Deny-CertificateRequest", "Submit-CertificateRequest"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let wanted = args.get(&DISPOSITION, session)?.map(|word| choice(&word, DISPOSITIONS, "disposition")).transpose()?;
    let number = args.get(&REQUEST_ID, session)?;
    let authorities = if args.has(&CA) {
        vec![one_database(session, args)?]
    } else {
        session.authorities()?.into_iter().filter(|authority| authority.as_database().is_some()).collect()
    };
    if authorities.is_empty() {
        // Says why, and what to do.
        one_database(session, args)?;
    }
    let mut found = 0;
    for authority in authorities {
        for submitted in Submitted::of(session, &*authority, number)? {
            found += 1;
            if wanted.is_none_or(|word| word == submitted.disposition()) {
                cx.emit(Value::object(submitted))?;
            }
        }
    }
    match number {
        Some(number) if found == 0 => {
            Err(Error::new(ErrorId::RequestNotFound, format!("no request has the number {number} (0x80094004)"))
                .about(number.to_string())
                .hint("`Get-CertificateRequest` lists the requests of every embedded authority"))
        }
        _ => Ok(()),
    }
}

/// A request in the database of an authority.
pub(super) struct Submitted {
    ca: String,
    number: u32,
    row: SubmissionRow,
    subject: String,
    certificate: Option<Certificate>,
    /// What stands above its certificates.
    chain: Vec<Certificate>,
}

impl Submitted {
    /// The requests of an authority; one, with a number.
    ///
    /// # Errors
    /// `CaAccessDenied`; `RequestNotFound` for a number that cannot be one.
    pub(super) fn of(session: &Session, authority: &dyn Authority, number: Option<i64>) -> Result<Vec<Self>> {
        let Some(database) = authority.as_database() else { return Ok(Vec::new()) };
        let number = match number.map(u32::try_from) {
            None => None,
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => return Ok(Vec::new()),
        };
        let (state, keys) = (session.state()?, session.keys()?);
        let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
        let chain = authority.chain(&context)?;
        let rows = database.requests(&context, &session.policy()?.principal, number)?;
        let made = |(number, row): (u32, SubmissionRow)| {
            let certificate = (!row.certificate.is_empty()).then(|| parse_certificate(&row.certificate)).transpose()?;
            let subject = match &certificate {
                Some(certificate) => certificate.subject().to_string(),
                None => parse_request(&row.csr)?.subject().to_string(),
            };
            Ok(Self { ca: authority.config().to_owned(), number, row, subject, certificate, chain: chain.clone() })
        };
        rows.into_iter().map(made).collect()
    }

    fn disposition(&self) -> &'static str {
        match self.row.disposition {
            9 => "Pending",
            20 => "Issued",
            21 => "Revoked",
            31 => "Denied",
            _ => "Failed",
        }
    }

    /// The certificate and what stands above it, as PEM.
    pub(super) fn bundle(&self) -> Option<String> {
        self.certificate.as_ref().map(|own| pem::encode_certificates(std::iter::once(own).chain(&self.chain)))
    }
}

/// The kind of [`Submitted`].
pub(super) static SUBMITTED_REQUEST: Kind = Kind::new(
    "SubmittedRequest",
    const {
        &[
            Property::new("RequestId"),
            Property::new("CA"),
            Property::new("Disposition"),
            Property::new("Requester"),
            Property::new("Subject"),
            Property::new("Template"),
            Property::new("SubmittedAt"),
            Property::new("ResolvedAt"),
            Property::new("Message"),
            Property::new("SerialNumber"),
            Property::new("NotAfter"),
            Property::new("Thumbprint"),
            Property::hidden("RevokedAt"),
            Property::hidden("RevocationReason"),
            Property::hidden("Computer"),
            Property::hidden("Request"),
            Property::hidden("Certificate"),
            Property::hidden("CertificateChain"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("RequestId"),
                Column::of("Disposition"),
                Column::of("Requester"),
                Column::of("Template"),
                Column::of("Subject"),
                Column::of("SubmittedAt"),
            ]
        },
    ),
);

impl Record for Submitted {
    fn kind(&self) -> &Kind {
        &SUBMITTED_REQUEST
    }

    fn value(&self, index: usize) -> Value {
        let row = &self.row;
        let certificate = self.certificate.as_ref();
        match index {
            0 => i64::from(self.number).into(),
            1 => Value::text(&self.ca),
            2 => self.disposition().into(),
            3 => Value::text(&row.requester),
            4 => Value::text(&self.subject),
            5 => Value::text(&row.template),
            6 => row.submitted.into(),
            7 => row.resolved.into(),
            8 => Value::text(&row.message),
            9 => Value::optional_text((!row.serial.is_empty()).then_some(&row.serial)),
            10 => certificate.map(Certificate::not_after).into(),
            11 => Value::optional_text(certificate.map(|c| c.thumbprint().to_string())),
            12 => row.revoked.map(|(at, _)| at).into(),
            13 => row.revoked.map(|(_, reason)| i64::from(reason)).into(),
            14 => Value::text(&row.computer),
            15 => Value::text(pem::encode(pem::REQUEST, &row.csr)),
            16 => Value::optional_text(certificate.map(|c| pem::encode_certificates([c]))),
            17 => Value::optional_text(self.bundle()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.number.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::Right;
    use crate::cmdlets::ca::approve_certificate_request::tests::{OPERATOR, OTHER, submit, world};
    use crate::cmdlets::testing::texts;

    #[test]
    fn the_database_is_listed_by_number_and_disposition() {
        let (world, authority) = world(&[Right::Read, Right::Issue]);
        submit(&world, &authority, "Approval", OTHER);
        let (issued, serial) = submit(&world, &authority, "WebServer", OTHER);
        let all = world.run(&VERB, &[]).emitted();
        assert_eq!(texts(&all, "RequestId"), ["41", "42"]);
        assert_eq!(texts(&all, "Disposition"), ["Pending", "Issued"]);
        assert_eq!(texts(&all, "Requester"), [OTHER, OTHER]);
        assert_eq!(texts(&all, "Subject"), ["CN=a.contoso.net", "CN=a.contoso.net"]);
        assert_eq!(texts(&all, "SerialNumber"), [String::new(), serial]);
        let pending = world.run(&VERB, &[("Disposition", "pending".into())]).emitted();
        assert_eq!(texts(&pending, "RequestId"), ["41"]);
        let one = world.run(&VERB, &[("RequestId", issued.into())]).emitted();
        assert_eq!(texts(&one, "CertificateChain")[0].matches("BEGIN CERTIFICATE").count(), 2);
        for number in [1, -1, i64::MAX] {
            assert_eq!(world.run(&VERB, &[("RequestId", number.into())]).error().id(), ErrorId::RequestNotFound);
        }
        assert_eq!(world.run(&VERB, &[("Disposition", "Lost".into())]).error().id(), ErrorId::CannotConvertArgument);
    }

    #[test]
    fn without_the_right_to_read_nothing_is_shown() {
        let (world, authority) = world(&[Right::Issue]);
        submit(&world, &authority, "WebServer", OTHER);
        let error = world.run(&VERB, &[]).error();
        assert_eq!(error.id(), ErrorId::CaAccessDenied);
        assert!(error.message().contains(OPERATOR), "{error}");
    }
}
