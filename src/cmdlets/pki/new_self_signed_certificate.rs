//! `New-SelfSignedCertificate`: a stand-in for a server, signed by its own key.

use serde_json::json;

use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, CommaList, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Values, Verb, choice};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, HostName, KeyAlgorithm, KeyUsage, Moment, NameAttribute, NameValue, RelativeName, parse_rdns};
use crate::session::Session;
use crate::state::{CertificateRow, Row, RowKey, Store, Write};
use crate::x509::{PrivateKey, Profile, self_signed};

static DNS_NAME: Param<CommaList> = Param::named("DnsName", "The names; without -Subject the first is the subject too");
static SUBJECT: Param<String> =
    Param::named("Subject", "The subject: `CN=www.contoso.com,O=Contoso`, or its CN alone");
static KEY_ALGORITHM: Param<String> = Param::named("KeyAlgorithm", "The kind of key")
    .values(Values::Choice(KEYS))
    .default_text("RSA");
static KEY_LENGTH: Param<i64> = Param::named("KeyLength", "The bits of an RSA key").default_text("2048");
static NOT_BEFORE: Param<Moment> = Param::named("NotBefore", "When it begins").default_text("ten minutes ago");
static NOT_AFTER: Param<Moment> = Param::named("NotAfter", "When it ends").default_text("a year after it begins");
static FRIENDLY_NAME: Param<String> = Param::named("FriendlyName", "A name for people");
static EXPORT_POLICY: Param<String> = Param::named("KeyExportPolicy", "Whether the private key may leave the store")
    .values(Values::Choice(POLICIES))
    .default_text("ExportableEncrypted");
static LOCATION: Param<String> =
    Param::named("CertStoreLocation", "The store: `Cert:\\LocalMachine\\My` is the only one").default_text("Cert:\\LocalMachine\\My");

const KEYS: &[&str] = &["RSA", "ECDSA_nistP256", "ECDSA_nistP384", "ECDSA_nistP521"];
const POLICIES: &[&str] = &["NonExportable", "ExportableEncrypted", "Exportable"];
/// Clocks that are a little behind take it all the same.
const GRACE: i64 = 10 * 60;

pub(crate) static SPEC: Spec = Spec {
    name: "New-SelfSignedCertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Make a certificate that its own key signs, for tests",
    description: "Makes a key and a certificate of a TLS server that nobody but itself vouches for, and stores both; `-DnsName`, \
                  `-Subject` or both name it, and the CN of a subject stands for its name where there is no `-DnsName`. A `;` parts the steps of a \
                  subject whose values hold commas. No client \
                  trusts it, and `Set-CsCertificate` refuses it until it stands under `[trust] roots`: for real use ask an \
                  authority with `Request-CsCertificate`. It begins ten minutes ago. An elliptic key is for digital signatures \
                  only (RFC 8813).",
    sets: &[],
    parameters: &[
        &DNS_NAME.spec, &SUBJECT.spec, &KEY_ALGORITHM.spec, &KEY_LENGTH.spec, &NOT_BEFORE.spec, &NOT_AFTER.spec,
        &FRIENDLY_NAME.spec, &EXPORT_POLICY.spec, &LOCATION.spec,
    ],
    input: Input::None,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "New-SelfSignedCertificate -DnsName www.litwareinc.com,litwareinc.com -CertStoreLocation Cert:\\LocalMachine\\My",
            says: "Makes a certificate for two names",
            expect: Expect::Changes(1),
        },
        Example {
            line: "New-SelfSignedCertificate -DnsName www.contoso.com | Test-Certificate -AllowUntrustedRoot",
            says: "Makes one and tests all of it but its root",
            expect: Expect::Changes(1),
        },
    ],
    related: &["Request-CsCertificate", "Test-Certificate", "Export-PfxCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    check_location(session, args)?;
    let (subject, names) = identity(session, args)?;
    let algorithm = algorithm(session, args)?;
    let now = session.now();
    let begin = args.get(&NOT_BEFORE, session)?.unwrap_or_else(|| now.plus_seconds(-GRACE));
    let end = args.get(&NOT_AFTER, session)?.unwrap_or_else(|| begin.max(now).plus_days(365));
    if end <= begin {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("`-NotAfter` {end} is not later than `-NotBefore` {begin}"),
        )
        .about(end.to_string()));
    }
    if end <= now {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`-NotAfter` {end} is not in the future"))
            .about(end.to_string()));
    }
    let policy = choice(&args.get(&EXPORT_POLICY, session)?.unwrap_or_else(|| "ExportableEncrypted".into()), POLICIES, "policy")?;
    session.policy()?.check_change()?;
    let action = "Make a self-signed certificate";
    if cx.what_if() {
        return cx.tell_what_if(action, &shown(&subject, &names));
    }
    if !cx.confirm(action, &shown(&subject, &names))? {
        return Ok(());
    }
    let key_usage = if algorithm.is_elliptic() { None } else { Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT) };
    let profile = Profile {
        subject: Some(subject),
        alternative_names: Some(names),
        key_usage,
        ..Profile::server(begin, end)
    };
    let key = PrivateKey::generate(algorithm)?;
    let certificate = self_signed(&key, &profile)?;
    let fingerprint = certificate.fingerprint();
    let mut row = CertificateRow::of(&certificate, Store::My, "self-signed", now);
    row.friendly_name = args.get(&FRIENDLY_NAME, session)?.unwrap_or_default();
    let writes = [
        session.keys()?.seal(&key, policy != "NonExportable", now)?,
        Write::insert(RowKey::Certificate(fingerprint), Row::Certificate(row.clone())),
    ];
    let change = json!([{"selfSigned": fingerprint.to_string(), "subject": row.subject}]);
    session.record(SPEC.name, "Done", change, &writes)?;
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &row)?))
}

/// Who it stands for: the subject, and the alternative names, which clients look at.
fn identity(session: &Session, args: &Args) -> Result<(Vec<RelativeName>, Vec<AlternativeName>)> {
    let mut names: Vec<AlternativeName> = Vec::new();
    let given = args.get(&DNS_NAME, session)?.map(|list| list.0);
    for word in given.iter().flatten() {
        let name = name(word)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if given.is_some() && names.is_empty() {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-DnsName` names nothing").about("DnsName"));
    }
    let Some(text) = args.get(&SUBJECT, session)? else {
        let Some(first) = names.first().map(ToString::to_string) else {
            return Err(Error::new(ErrorId::MissingMandatoryParameter, "neither `-DnsName` nor `-Subject` is given")
                .about("DnsName")
                .hint("name it as `-DnsName www.contoso.com`"));
        };
        return Ok((vec![vec![NameAttribute::named("CN", first)?]], names));
    };
    let subject = subject(&text)?;
    if names.is_empty() {
        // One that is no host name names a person or a thing.
        names.extend(subject.iter().flatten().filter(|a| a.kind() == "CN").find_map(|a| match a.value() {
            NameValue::Text(text) => name(text).ok(),
            NameValue::Raw(_) => None,
        }));
    }
    Ok((subject, names))
}

fn name(word: &str) -> Result<AlternativeName> {
    Ok(match word.parse() {
        Ok(address) => AlternativeName::Ip(address),
        Err(_) => AlternativeName::Dns(word.parse::<HostName>()?.as_str().to_owned()),
    })
}

/// Reads a subject as `New-SelfSignedCertificate` of Windows takes it: a word without `=` is the common name, and with
/// a `;` outside quotes commas belong to the values.
fn subject(text: &str) -> Result<Vec<RelativeName>> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-Subject` names nothing").about("Subject"));
    }
    if !text.contains('=') {
        return Ok(vec![vec![NameAttribute::named("CN", text.to_owned())?]]);
    }
    if !text.contains(';') || text.contains('"') {
        return parse_rdns(text);
    }
    let mut steps = Vec::new();
    for step in text.split(';').map(str::trim).filter(|step| !step.is_empty()) {
        let (kind, value) = step.split_once('=').unwrap_or(("", step));
        steps.push(vec![NameAttribute::named(kind.trim(), value.trim().to_owned())?]);
    }
    // Written most specific first, and encoded the other way round.
    steps.reverse();
    Ok(steps)
}

fn shown(subject: &[RelativeName], names: &[AlternativeName]) -> String {
    let of_subject = || subject.iter().rev().flatten().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    names.first().map_or_else(of_subject, ToString::to_string)
}

fn algorithm(session: &Session, args: &Args) -> Result<KeyAlgorithm> {
    let word = choice(&args.get(&KEY_ALGORITHM, session)?.unwrap_or_else(|| "RSA".into()), KEYS, "kind of key")?;
    let length = args.get(&KEY_LENGTH, session)?;
    let length = length.map(|bits| u32::try_from(bits).unwrap_or(0));
    KeyAlgorithm::named(word.strip_prefix("ECDSA_").unwrap_or(word), length)
}

fn check_location(session: &Session, args: &Args) -> Result<()> {
    let Some(given) = args.get(&LOCATION, session)? else { return Ok(()) };
    let plain = given.trim().replace('/', "\\");
    if plain.trim_end_matches('\\').eq_ignore_ascii_case(r"Cert:\LocalMachine\My") {
        return Ok(());
    }
    Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`{given}` is no store that a certificate can be made in"))
        .about(given)
        .hint("leave it away, or write `Cert:\\LocalMachine\\My`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::pki::test_certificate;
    use crate::cmdlets::testing::TestWorld;
    use crate::model::Purpose;
    use crate::session::find_certificate;
    use crate::state::State;

    #[test]
    fn it_is_as_windows_makes_it() {
        let world = TestWorld::contoso();
        let made = world.run(
            &VERB,
            &[
                ("DnsName", "www.litwareinc.com,litwareinc.com".into()),
                ("CertStoreLocation", r"Cert:\LocalMachine\My".into()),
                ("FriendlyName", "Litware".into()),
            ],
        );
        let record = made.emitted().remove(0);
        let session = world.session();
        let selector = record.property("Thumbprint").unwrap().display(&session.zone()).parse().unwrap();
        let (_, row) = find_certificate(&session, &selector).unwrap();
        let certificate = session.certificate_of(&row).unwrap();
        assert_eq!(certificate.subject().to_string(), "CN=www.litwareinc.com");
        assert_eq!(certificate.issuer().to_string(), "CN=www.litwareinc.com");
        assert_eq!(certificate.dns_names().collect::<Vec<_>>(), ["www.litwareinc.com", "litwareinc.com"]);
        assert_eq!(certificate.not_before().since(session.now()), -600);
        assert_eq!(certificate.not_after().since(session.now()), 365 * 86_400);
        assert_eq!(certificate.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT));
        assert_eq!(certificate.purposes(), Some(&[Purpose::ServerAuth][..]));
        assert_eq!((row.friendly_name.as_str(), session.has_key(&row).unwrap()), ("Litware", true));
        assert_eq!(world.state.audit_after(0, 10).unwrap().len(), 1);
        let test = |more: bool| {
            let parameters = [("Cert", record.clone()), ("AllowUntrustedRoot", more.into())];
            matches!(world.run(&test_certificate::VERB, &parameters).emitted().as_slice(), [Value::Bool(true)])
        };
        assert!(test(true) && !test(false));
    }

    #[test]
    fn an_elliptic_key_is_for_signatures_only() {
        let world = TestWorld::contoso();
        let new = [("DnsName", "a.contoso.com".into()), ("KeyAlgorithm", "ecdsa_nistp384".into())];
        world.run(&VERB, &new).emitted();
        let query = crate::state::CertificateQuery { name: Some("a.contoso.com".into()), ..Default::default() };
        let (_, row) = world.state.certificates(&query).unwrap().remove(0);
        let certificate = world.session().certificate_of(&row).unwrap();
        assert_eq!(certificate.key_algorithm(), Some(KeyAlgorithm::EcdsaP384));
        assert_eq!(certificate.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE));
    }

    #[test]
    fn a_subject_is_read_as_windows_reads_it() {
        let world = TestWorld::contoso();
        for (text, subject, names) in [
            ("www.contoso.com", "CN=www.contoso.com", vec!["www.contoso.com"]),
            ("CN=a.contoso.com,O=Contoso", "CN=a.contoso.com, O=Contoso", vec!["a.contoso.com"]),
            ("CN=b.contoso.com;O=Contoso, Ltd.", "CN=b.contoso.com, O=\"Contoso, Ltd.\"", vec!["b.contoso.com"]),
            ("Test signer of mine", "CN=Test signer of mine", vec![]),
            ("O=Contoso", "O=Contoso", vec![]),
        ] {
            let new = [("Subject", text.into()), ("KeyAlgorithm", "ECDSA_nistP256".into())];
            let made = world.run(&VERB, &new).emitted().remove(0);
            let session = world.session();
            let selector = made.property("Thumbprint").unwrap().display(&session.zone()).parse().unwrap();
            let certificate = session.certificate_of(&find_certificate(&session, &selector).unwrap().1).unwrap();
            assert_eq!(certificate.subject().to_string(), subject);
            assert_eq!(certificate.dns_names().collect::<Vec<_>>(), names, "{text}");
        }
        let new = [
            ("Subject", "O=Contoso".into()),
            ("DnsName", "c.contoso.com".into()),
            ("KeyAlgorithm", "ECDSA_nistP256".into()),
            ("NotBefore", "2040-01-01".into()),
        ];
        let made = world.run(&VERB, &new).emitted().remove(0);
        let shown = |name: &str| made.property(name).unwrap().display(&world.session().zone());
        assert_eq!((shown("Subject"), shown("AlternativeNames")), ("O=Contoso".to_owned(), "c.contoso.com".to_owned()));
        assert!(shown("NotBefore").contains("2040") && shown("NotAfter").contains("2040"), "{}", shown("NotAfter"));
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let world = TestWorld::contoso();
        let refused = |more: &[(&str, Value)]| {
            let mut parameters = vec![("DnsName", Value::from("a.contoso.com"))];
            parameters.extend(more.iter().cloned());
            world.run(&VERB, &parameters).error().id()
        };
        assert_eq!(refused(&[("DnsName", "a..b".into())]), ErrorId::InvalidName);
        assert_eq!(refused(&[("KeyAlgorithm", "DSA".into())]), ErrorId::CannotConvertArgument);
        assert_eq!(refused(&[("KeyLength", 1000.into())]), ErrorId::ParameterArgumentValidationError);
        assert_eq!(refused(&[("NotAfter", "2001-01-01".into())]), ErrorId::ParameterArgumentValidationError);
        assert_eq!(refused(&[("CertStoreLocation", r"Cert:\CurrentUser\My".into())]), ErrorId::ParameterArgumentValidationError);
        for bad in ["", "CN", "NO=such", "CN=a,", "CN=a;O"] {
            let error = world.run(&VERB, &[("Subject", bad.into()), ("KeyAlgorithm", "ECDSA_nistP256".into())]);
            assert!(bad == "CN" || !error.error().message().is_empty(), "{bad}");
        }
        assert_eq!(world.run(&VERB, &[]).error().id(), ErrorId::MissingMandatoryParameter);
        let reversed = [("NotBefore", "2031-01-01".into()), ("NotAfter", "2030-12-31".into())];
        assert_eq!(refused(&reversed), ErrorId::ParameterArgumentValidationError);
        let lines = world.state.audit_after(0, 10).unwrap();
        assert_eq!(lines.len(), 1, "only the one with the plain word `CN` is made");
    }
}
