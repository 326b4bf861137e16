//! `Find-TlsCertificate`: which stored certificates could serve these uses, best first.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::get_tls_name::{COMPUTER, computer};
use crate::cmdlets::lookup::{assignments_on, uses_in_service};
use crate::cmdlets::params::CertTypes;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::model::names::{compute, difference};
use crate::model::{ComputedNames, Fingerprint, NameQuery, UseName};
use crate::session::{Assigned, Session, fitness, rarest_host};
use crate::state::{CertificateQuery, CertificateRow, Store};

static TYPE: Param<CertTypes> =
    Param::named("Type", "The uses that the certificate is to serve").at(0).default_text("every use that this computer serves");

pub(crate) static SPEC: Spec = Spec {
    name: "Find-TlsCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Find the stored certificates that could serve some uses",
    description: "Looks at every stored certificate of the personal store, before a new one is requested: whether it is in \
                  date, has its private key, is trusted and made for the uses, and bears the computed names. Emits one \
                  record for each, those that fit first, the latest end before the others.\n\nProblems says what stands \
                  against it; Remarks holds what is worth knowing and no obstacle, such as that it names no revocation \
                  list.\n\nThose that fit are found in an index of names, the others are judged when they are shown: among \
                  100,000 certificates let `Select-Object -First` end the listing, or `Where-Object Fits`.",
    sets: &[],
    parameters: &[&TYPE.spec, &COMPUTER.spec],
    input: Input::None,
    emits: Some(&STORED_CERTIFICATE),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Find-TlsCertificate -Type WebServicesExternal",
            says: "Shows whether a stored certificate meets the needs of the external web site and can be used again",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Find-TlsCertificate | Select-Object Thumbprint, Fits, Problems, MissingNames",
            says: "Shows what each stored certificate lacks for this computer's uses",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Find-TlsCertificate -Type Defualt",
            says: "Lists the uses when there is none of that name",
            expect: Expect::Fails(ErrorId::CannotConvertArgument),
        },
    ],
    related: &["Set-CsCertificate", "Get-CsCertificate", "Compare-TlsName", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let computer = computer(session, args)?;
    let topology = session.topology()?;
    let given = args.get(&TYPE, session)?.map(|t| t.0);
    let asked = match &given {
        Some(uses) => Some(compute(&topology, &NameQuery::new(computer.clone(), uses.clone()))?),
        // What is served here may be of a kind that asks for no names on this computer.
        None => compute(&topology, &NameQuery::new(computer.clone(), uses_in_service(session)?)).ok(),
    };
    let uses = match given {
        Some(uses) => uses,
        None => uses_in_service(session)?,
    };
    let assigned = assignments_on(session, &computer)?;
    let look = Arc::new(Look { session: session.clone(), uses, asked, assigned });
    let mut fitting = Vec::new();
    session.each_certificate(&look.candidates(), &mut |fingerprint, row| {
        cx.check_cancelled()?;
        let found = StoredCertificate::of(&look, fingerprint, row);
        if found.findings().problems.is_empty() {
            fitting.push(found);
        }
        Ok(())
    })?;
    fitting.sort_by_key(|c| Reverse((c.row.not_after, c.fingerprint)));
    let fits: HashSet<Fingerprint> = fitting.iter().map(|c| c.fingerprint).collect();
    for certificate in fitting {
        cx.emit(Value::object(certificate))?;
    }
    let all = CertificateQuery { store: Some(Store::My), latest_first: true, ..CertificateQuery::default() };
    session.each_certificate(&all, &mut |fingerprint, row| {
        cx.check_cancelled()?;
        if fits.contains(&fingerprint) {
            return Ok(());
        }
        cx.emit(Value::object(StoredCertificate::of(&look, fingerprint, row)))
    })
}

/// What certificates are judged by.
struct Look {
    session: Session,
    uses: Vec<UseName>,
    asked: Option<ComputedNames>,
    assigned: Vec<Assigned>,
}

impl Look {
    /// A query whose answer holds every certificate that can fit: it bears all names that are asked for, and so the one
    /// that is looked up in the index.
    fn candidates(&self) -> CertificateQuery {
        let host = self.asked.as_ref().and_then(rarest_host);
        CertificateQuery { store: Some(Store::My), host, with_key: true, ..CertificateQuery::default() }
    }

    fn findings(&self, row: &CertificateRow) -> Result<Findings> {
        let certificate = self.session.certificate_of(row)?;
        let names: Vec<String> = certificate.alternative_names().iter().map(ToString::to_string).collect();
        let (mut problems, mut remarks) = (Vec::new(), Vec::new());
        for finding in fitness(&self.session, row, &certificate, &self.uses, self.session.now())? {
            if finding.is_obstacle { &mut problems } else { &mut remarks }.push(finding.error.message().to_owned());
        }
        let difference = self.asked.as_ref().map(|c| difference(c, &names)).unwrap_or_default();
        let missing: Vec<String> = difference.missing.iter().map(|m| m.name.to_string()).collect();
        if !missing.is_empty() {
            problems.push(format!("certificate `{}` lacks {} of the computed names: {}", row.thumbprint, missing.len(), missing.join(", ")));
        }
        let has_key = self.session.has_key(row)?;
        Ok(Findings { problems, remarks, missing, unexpected: difference.unexpected, names, has_key })
    }
}

/// A stored certificate; what it lacks is found out when that is asked for.
struct StoredCertificate {
    look: Arc<Look>,
    fingerprint: Fingerprint,
    row: CertificateRow,
    findings: OnceLock<Findings>,
}

/// What was found out about a certificate.
#[derive(Default)]
struct Findings {
    problems: Vec<String>,
    remarks: Vec<String>,
    missing: Vec<String>,
    unexpected: Vec<String>,
    names: Vec<String>,
    has_key: bool,
}

impl StoredCertificate {
    fn of(look: &Arc<Look>, fingerprint: Fingerprint, row: CertificateRow) -> Self {
        Self { look: Arc::clone(look), fingerprint, row, findings: OnceLock::new() }
    }

    fn findings(&self) -> &Findings {
        self.findings.get_or_init(|| {
            let failed = |error: crate::error::Error| Findings { problems: vec![error.message().to_owned()], ..Findings::default() };
            self.look.findings(&self.row).unwrap_or_else(failed)
        })
    }
}

static STORED_CERTIFICATE: Kind = Kind::new(
    "StoredCertificate",
    const {
        &[
            Property::new("Fits"),
            Property::new("Thumbprint"),
            Property::new("NotAfter"),
            Property::new("Subject"),
            Property::new("Problems"),
            Property::new("MissingNames"),
            Property::new("UnexpectedNames"),
            Property::new("Remarks"),
            Property::new("HasPrivateKey"),
            Property::new("AssignedTo"),
            Property::new("FriendlyName"),
            Property::new("Issuer"),
            Property::new("NotBefore"),
            Property::new("SerialNumber"),
            Property::new("AlternativeNames"),
            Property::hidden("TestedFor"),
            Property::hidden("Origin"),
            Property::hidden("DaysLeft"),
            Property::hidden("Fingerprint"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Fits"),
                Column::of("Thumbprint"),
                Column::of("NotAfter"),
                Column::of("Subject"),
                Column::of("Problems"),
            ]
        },
    ),
);

impl Record for StoredCertificate {
    fn kind(&self) -> &Kind {
        &STORED_CERTIFICATE
    }

    fn value(&self, index: usize) -> Value {
        let list = |texts: &[String]| Value::list(texts.iter().map(Value::text));
        let (look, row) = (&self.look, &self.row);
        match index {
            0 => self.findings().problems.is_empty().into(),
            1 => Value::from(row.thumbprint.to_string()),
            2 => row.not_after.into(),
            3 => Value::text(&row.subject),
            4 => list(&self.findings().problems),
            5 => list(&self.findings().missing),
            6 => list(&self.findings().unexpected),
            7 => list(&self.findings().remarks),
            8 => self.findings().has_key.into(),
            9 => {
                let of_this = look.assigned.iter().filter(|a| a.row.certificate == Some(self.fingerprint));
                Value::list(of_this.map(|a| Value::text(&a.key.use_name)))
            }
            10 => Value::text(&row.friendly_name),
            11 => Value::text(&row.issuer),
            12 => row.not_before.into(),
            13 => Value::text(&row.serial),
            14 => list(&self.findings().names),
            15 => Value::list(look.uses.iter().map(|u| Value::text(u.as_str()))),
            16 => Value::text(&row.origin),
            17 => row.not_after.since(look.session.now()).div_euclid(86_400).into(),
            18 => Value::from(self.fingerprint.to_string()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.row.thumbprint.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{NAMES, TestWorld, texts};
    use crate::probe::testing::Oddities;

    #[test]
    fn what_fits_comes_first_and_the_rest_says_why_not() {
        let world = TestWorld::contoso()
            .with("part", &NAMES[..3])
            .with_odd("expired", &NAMES, &Oddities { ended: true, ..Oddities::default() })
            .with_odd("client", &NAMES, &Oddities { client_only: true, ..Oddities::default() })
            .with("keyless", &NAMES)
            .without_key("keyless");
        let found = world.run(&VERB, &[]).emitted();
        assert_eq!(texts(&found, "Fits"), ["True", "False", "False", "False", "False"]);
        assert_eq!(texts(&found, "Thumbprint")[0], world.thumbprint("old"));
        assert_eq!(texts(&found, "AssignedTo")[0], "Default WebServicesInternal WebServicesExternal");
        assert_eq!(texts(&found, "Problems")[0], "");
        assert!(texts(&found, "Remarks")[0].contains("CRL"), "a missing CRL distribution point is a remark");
        assert_eq!(texts(&found, "Thumbprint")[4], world.thumbprint("expired"), "the earliest end comes last");
        let problem = |name: &str| {
            let index = texts(&found, "Thumbprint").iter().position(|t| *t == world.thumbprint(name)).unwrap();
            (texts(&found, "Problems")[index].clone(), texts(&found, "MissingNames")[index].clone(), texts(&found, "HasPrivateKey")[index].clone())
        };
        assert!(problem("part").0.contains("lacks 5"), "{:?}", problem("part"));
        assert!(problem("part").1.contains("meet.contoso.com"));
        assert!(problem("expired").0.contains("ended on"));
        assert!(problem("client").0.contains("not made for"));
        assert!(problem("keyless").0.contains("no private key") && problem("keyless").2 == "False");
    }

    #[test]
    fn the_same_certificate_fits_one_use_and_not_another() {
        let world = TestWorld::contoso().with("part", &["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com", "x.example.com"]);
        let of = |uses: &str| {
            let found = world.run(&VERB, &[("Type", uses.into())]).emitted();
            let index = texts(&found, "Thumbprint").iter().position(|t| *t == world.thumbprint("part")).unwrap();
            (texts(&found, "Fits")[index].clone(), texts(&found, "UnexpectedNames")[index].clone())
        };
        assert_eq!(of("Default"), ("True".to_owned(), "x.example.com".to_owned()));
        assert_eq!(of("WebServicesExternal").0, "False");
    }

    #[test]
    fn authorities_are_no_candidates() {
        let found = TestWorld::contoso().run(&VERB, &[]).emitted();
        assert_eq!(found.len(), 1, "the intermediate authority is stored too");
    }
}
