//! `New-SelfSignedCertificate`: a stand-in for a server, signed by its own key.

use serde_json::json;

use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, CommaList, Example, Expect, Impact, Input, Invocation, Param, Spec, Value, Values, Verb, choice};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, HostName, KeyAlgorithm, KeyUsage, Moment, NameAttribute};
use crate::session::Session;
use crate::state::{CertificateRow, Row, RowKey, Store, Write};
use crate::x509::{PrivateKey, Profile, self_signed};

static DNS_NAME: Param<CommaList> = Param::named("DnsName", "The names; the first is the subject too").mandatory();
static KEY_ALGORITHM: Param<String> = Param::named("KeyAlgorithm", "The kind of key")
    .values(Values::Choice(KEYS))
    .default_text("RSA");
static KEY_LENGTH: Param<i64> = Param::named("KeyLength", "The bits of an RSA key").default_text("2048");
static NOT_AFTER: Param<Moment> = Param::named("NotAfter", "When it ends").default_text("in a year");
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
    description: "Makes a key and a certificate of a TLS server that nobody but itself vouches for, and stores both. No client \
                  trusts it, and `Set-CsCertificate` refuses it until it stands under `[trust] roots`: for real use ask an \
                  authority with `Request-CsCertificate`. It begins ten minutes ago. An elliptic key is for digital signatures \
                  only (RFC 8813).",
    sets: &[],
    parameters: &[
        &DNS_NAME.spec, &KEY_ALGORITHM.spec, &KEY_LENGTH.spec, &NOT_AFTER.spec, &FRIENDLY_NAME.spec, &EXPORT_POLICY.spec,
        &LOCATION.spec,
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
    let names = names(session, args)?;
    let Some(first) = names.first().map(ToString::to_string) else {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-DnsName` names nothing").about("DnsName"));
    };
    let algorithm = algorithm(session, args)?;
    let now = session.now();
    let end = args.get(&NOT_AFTER, session)?.unwrap_or_else(|| now.plus_days(365));
    if end <= now {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`-NotAfter` {end} is not in the future"))
            .about(end.to_string()));
    }
    let policy = choice(&args.get(&EXPORT_POLICY, session)?.unwrap_or_else(|| "ExportableEncrypted".into()), POLICIES, "policy")?;
    session.policy()?.check_change()?;
    let action = "Make a self-signed certificate";
    if cx.what_if() {
        return cx.tell_what_if(action, &first);
    }
    if !cx.confirm(action, &first)? {
        return Ok(());
    }
    let subject = vec![vec![NameAttribute::named("CN", first)?]];
    let key_usage = if algorithm.is_elliptic() { None } else { Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT) };
    let profile = Profile {
        subject: Some(subject),
        alternative_names: Some(names),
        key_usage,
        ..Profile::server(now.plus_seconds(-GRACE), end)
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

fn names(session: &Session, args: &Args) -> Result<Vec<AlternativeName>> {
    let mut names: Vec<AlternativeName> = Vec::new();
    for word in args.need(&DNS_NAME, session)?.0 {
        let name = match word.parse() {
            Ok(address) => AlternativeName::Ip(address),
            Err(_) => AlternativeName::Dns(word.parse::<HostName>()?.as_str().to_owned()),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
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
        assert!(world.state.audit_after(0, 10).unwrap().is_empty());
    }
}
