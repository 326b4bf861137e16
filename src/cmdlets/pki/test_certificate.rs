//! `Test-Certificate`: is this certificate good, as a peer would judge it?

use std::net::IpAddr;

use super::get_pfx_certificate::FileCertificate;
use crate::cmdlets::cert_drive::StoredCertificate;
use crate::command::{
    Args, CommaList, Example, Expect, Facts, FromValue, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Value, Values, Verb,
    choice,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ChainTo, Fingerprint, HostName, Purpose};
use crate::session::Session;
use crate::state::{CertificateRow, Store};
use crate::x509::{
    ChainProblem, ChainRemark, LintContext, Severity, Usage, build_chain, certificate_covers, lint, parse_crl, remarks, validate_authority,
    validate_path,
};

static CERT: Param<CertPath> = Param::named("Cert", "The certificate: its thumbprint, or a record of it")
    .at(0)
    .aliases(&["PsPath", "Thumbprint"])
    .mandatory()
    .from_pipeline(Pipeline::ByValue);
static POLICY: Param<String> = Param::named("Policy", "What it is to be good for: a TLS peer of either side, or a TLS server")
    .values(Values::Choice(POLICIES))
    .default_text("BASE; SSL with -DNSName");
static DNS_NAME: Param<CommaList> = Param::named("DNSName", "Host names that it must stand for");
static EKU: Param<CommaList> = Param::named("EKU", "Object identifiers of extended key usages that it must allow");
static ALLOW_UNTRUSTED: Param<Switch> =
    Param::named("AllowUntrustedRoot", "Take a root that is not trusted; revocation is not looked at then");

const POLICIES: &[&str] = &["BASE", "SSL"];

pub(crate) static SPEC: Spec = Spec {
    name: "Test-Certificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Test whether a certificate chains to a trusted root and fits its purpose",
    description: "Emits True or False, and on False a warning with every reason. The chain is built from the stored \
                  authorities, or those of the file that `Get-PfxCertificate` read, and must end at a root of `[trust]` or of an \
                  embedded authority. Only certificates for TLS are judged: SSL asks for one of a server, BASE takes a client's \
                  too.\n\nRevocation is judged by the configured lists and the database of an embedded authority; where neither \
                  knows the issuer, the verbose stream says so.\n\nWith -Verbose it also tells, for each certificate of the \
                  chain, every rule of RFC 5280 and its successors that is not kept, and those of public authorities where one \
                  issued it: severity, rule, where it is written, what was found. Peers may well take such a certificate, so \
                  True stays True. That a certificate names no revocation list (CDP) while a use that it is assigned to expects \
                  one is a warning.",
    sets: &[],
    parameters: &[&CERT.spec, &POLICY.spec, &DNS_NAME.spec, &EKU.spec, &ALLOW_UNTRUSTED.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-CsCertificate -Type Default | Test-Certificate -Policy SSL -DNSName sip.contoso.com -Verbose",
            says: "Tests the certificate of a use for a host name",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Test-Certificate 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
            says: "Is an error when no stored certificate has the thumbprint",
            expect: Expect::Fails(ErrorId::CertificateNotFound),
        },
    ],
    related: &["Get-PfxCertificate", "Find-TlsCertificate", "Test-TlsBinding"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

/// A certificate as `-Cert` takes it: a thumbprint, a path of the drive `Cert:`, or a record.
pub(super) enum CertPath {
    /// A stored one.
    Stored(StoredCertificate),
    /// One of a file: the certificate and those beside it.
    File(Certificate, Vec<Certificate>),
}

impl FromValue for CertPath {
    const TYPE: &'static str = "Certificate";
    const VALUES: Values = Values::Thumbprints;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        if let Value::Object(record) = value
            && let Some(file) = record.as_any().downcast_ref::<FileCertificate>()
        {
            return Ok(Self::File(file.certificate.clone(), file.others.clone()));
        }
        StoredCertificate::from_value(value, facts).map(Self::Stored)
    }
}

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let names = dns_names(session, args)?;
    let policy = match args.get(&POLICY, session)? {
        Some(word) => choice(&word, POLICIES, "policy")?,
        None if names.is_empty() => "BASE",
        None => "SSL",
    };
    let purposes = purposes(session, args)?;
    let subject = Subject::of(session, args.need(&CERT, session)?)?;
    let leaf = &subject.leaf;
    let mut reasons: Vec<String> = subject.banned.iter().map(|why| format!("it is banned: {why}")).collect();
    let usage = if policy == "BASE" && !leaf.allows(&Purpose::ServerAuth) { Usage::Client } else { Usage::Server };
    // An authority is no peer of a handshake, and may be good all the same.
    let is_authority = policy == "BASE" && leaf.is_ca();
    let is_open = args.on(&ALLOW_UNTRUSTED);
    match judged(session, &subject, Some(usage).filter(|_| !is_authority), is_open)? {
        Ok(path) => {
            for remark in remarks(&path, usage) {
                // The rest is said rule by rule.
                if matches!(remark, ChainRemark::OutlivesIssuer(..)) {
                    cx.verbose(remark.to_string())?;
                }
            }
            subject.say_rules(cx, &path)?;
            if !is_open {
                match revoked(session, &path)? {
                    Some(true) => reasons.push("it is revoked (0x800B010C)".to_owned()),
                    Some(false) => {}
                    None => cx.verbose("whether it is revoked is not known: no list of its issuer is at hand")?,
                }
            }
        }
        Err(problem) => {
            subject.say_rules(cx, std::slice::from_ref(leaf))?;
            reasons.push(problem.to_string());
        }
    }
    for purpose in purposes.iter().filter(|p| !leaf.allows(p)) {
        reasons.push(format!("it is not made for {purpose} ({})", purpose.oid()));
    }
    for name in names.iter().filter(|n| !certificate_covers(leaf, n)) {
        reasons.push(format!("it does not stand for `{name}` (0x800B010F)"));
    }
    if !reasons.is_empty() {
        cx.warn_as("CertificateNotGood", format!("certificate `{}`: {}", leaf.thumbprint(), reasons.join("; ")))?;
    }
    cx.emit(reasons.is_empty())
}

/// The certificate with the authorities at hand.
struct Subject {
    leaf: Certificate,
    above: Vec<Certificate>,
    banned: Option<String>,
    context: LintContext,
}

impl Subject {
    fn of(session: &Session, cert: CertPath) -> Result<Self> {
        let (leaf, above, banned, context) = match cert {
            CertPath::File(leaf, others) => (leaf, others, None, LintContext::default()),
            CertPath::Stored(named) => {
                let (fingerprint, row) = named.find(session)?;
                let context = LintContext {
                    is_public: is_of_public_authority(session, &row)?,
                    wants_crl: is_expected_to_name_a_list(session, fingerprint)?,
                };
                (session.certificate_of(&row)?, session.chain_of(&row)?, row.banned, context)
            }
        };
        let above = session.with_issuers(&leaf, above, &[Store::Ca, Store::Root])?;
        Ok(Self { leaf, above, banned, context })
    }

    /// Says which rules the certificates of a path do not keep.
    fn say_rules(&self, cx: &mut Invocation<'_>, path: &[Certificate]) -> Result<()> {
        for certificate in path {
            let is_leaf = certificate == &self.leaf;
            let context = LintContext { wants_crl: is_leaf && self.context.wants_crl, ..self.context };
            for finding in lint(certificate, context) {
                let text = format!("`{}`: {finding}", certificate.short_name());
                if context.wants_crl && finding.rule == "crl-distribution-point" && finding.severity == Severity::Warning {
                    cx.warn_as("CrlDistributionPointMissing", text)?;
                } else {
                    cx.verbose(text)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a stored certificate came from a public authority of the configuration.
fn is_of_public_authority(session: &Session, row: &CertificateRow) -> Result<bool> {
    let is_its = |config: &str| row.origin.ends_with(&format!(" at {config}"));
    Ok(session.authorities()?.iter().any(|authority| authority.is_public() && is_its(authority.config())))
}

/// Whether a use that a certificate is assigned to expects it to say where the revocation list is.
fn is_expected_to_name_a_list(session: &Session, fingerprint: Fingerprint) -> Result<bool> {
    let Ok(topology) = session.topology() else { return Ok(false) };
    let assigned = session.state()?.assignments()?;
    let mut uses = assigned
        .iter()
        .filter(|(_, row)| row.certificate == Some(fingerprint) || row.staged.is_some_and(|(staged, _)| staged == fingerprint))
        .filter_map(|(key, _)| topology.uses.iter().find(|known| known.name.as_str().eq_ignore_ascii_case(&key.use_name)));
    Ok(uses.any(|known| known.needs.cdp))
}

/// The judgement of a peer; where any root will do, the top of what is at hand counts as one.
/// The path to a root, as a peer sees it; without a usage that of an authority.
fn judged(
    session: &Session,
    subject: &Subject,
    usage: Option<Usage>,
    is_open: bool,
) -> Result<Result<Vec<Certificate>, ChainProblem>> {
    let mut roots = session.roots(&ChainTo::Configured)?;
    if is_open {
        let path = build_chain(&subject.leaf, &subject.above, &roots);
        roots.extend(path.certificates.last().filter(|_| !path.complete).cloned());
    }
    Ok(match usage {
        Some(usage) => validate_path(&subject.leaf, &subject.above, &roots, session.now(), usage),
        None => validate_authority(&subject.leaf, &subject.above, &roots, session.now()),
    })
}

/// Whether any certificate of a path is revoked; `None` where nothing is known about the leaf.
fn revoked(session: &Session, path: &[Certificate]) -> Result<Option<bool>> {
    let mut lists = Vec::new();
    for der in session.world().crls()? {
        lists.push(parse_crl(&der)?);
    }
    let mut known = None;
    for (index, certificate) in path.iter().enumerate() {
        let Some(issuer) = path.get(index + 1).or(path.last()) else { continue };
        for list in lists.iter().filter(|l| l.check_signature(issuer).is_ok()) {
            if list.is_revoked(certificate.serial()).is_some() {
                return Ok(Some(true));
            }
            if index == 0 {
                known = Some(false);
            }
        }
        for authority in session.authorities()?.iter().filter(|a| a.as_database().is_some()) {
            let config = authority.config().to_ascii_lowercase();
            for (_, row) in session.state()?.submissions(&config, Some(&certificate.serial().to_string()))? {
                if row.certificate != certificate.der() {
                    continue;
                }
                if row.revoked.is_some() {
                    return Ok(Some(true));
                }
                if index == 0 {
                    known = Some(false);
                }
            }
        }
    }
    Ok(known)
}

/// The host names as certificates write them; `dns=` before one is dropped.
fn dns_names(session: &Session, args: &Args) -> Result<Vec<String>> {
    let words = args.get(&DNS_NAME, session)?.map_or_else(Vec::new, |list| list.0);
    let read = |word: String| {
        let name = match word.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("dns=") => &word[4..],
            _ => &word,
        };
        match name.parse::<IpAddr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => HostName::with_underscores(name).map(|n| n.as_str().to_owned()),
        }
    };
    words.into_iter().map(read).collect()
}

fn purposes(session: &Session, args: &Args) -> Result<Vec<Purpose>> {
    let words = args.get(&EKU, session)?.map_or_else(Vec::new, |list| list.0);
    let read = |word: &String| {
        let is_oid = word.contains('.') && word.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
        if is_oid {
            return Ok(Purpose::from_oid(word));
        }
        Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`{word}` is no object identifier"))
            .about(word.as_str())
            .hint("server authentication is 1.3.6.1.5.5.7.3.1, client authentication 1.3.6.1.5.5.7.3.2"))
    };
    words.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::Right;
    use crate::cmdlets::ca::approve_certificate_request::tests as manager;
    use crate::cmdlets::ca::revoke_certificate;
    use crate::cmdlets::testing::{Done, TestWorld};
    use crate::command::Stream;
    use crate::model::{AlternativeName, KeyAlgorithm};
    use crate::probe::testing::Oddities;
    use crate::state::State;
    use crate::x509::{PrivateKey, Profile, self_signed};

    /// The answer, and the warnings.
    #[track_caller]
    fn answer(done: Done) -> (bool, String) {
        let warnings = done.said(Stream::Warning).join("\n");
        match done.emitted().as_slice() {
            [Value::Bool(good)] => (*good, warnings),
            other => panic!("{} objects", other.len()),
        }
    }

    fn test(world: &TestWorld, name: &str, more: &[(&str, Value)]) -> (bool, String) {
        let mut parameters = vec![("Cert", Value::from(world.thumbprint(name)))];
        parameters.extend(more.iter().cloned());
        answer(world.run(&VERB, &parameters))
    }

    #[test]
    fn a_good_certificate_is_good_for_its_names_only() {
        let world = TestWorld::contoso();
        // Good, and yet its uses expect to be told where the revocation list is.
        let done = world.run(&VERB, &[("Cert", world.thumbprint("old").into())]);
        let warned: Vec<_> = done.messages.iter().filter(|m| m.stream == Stream::Warning).map(|m| m.id).collect();
        assert_eq!(warned, [Some("CrlDistributionPointMissing")]);
        assert!(answer(done).0);
        assert!(test(&world, "old", &[("DNSName", "dns=sip.contoso.com".into())]).0);
        let (good, why) = test(&world, "old", &[("DNSName", "sip.contoso.com,www.contoso.com".into())]);
        assert!(!good && why.contains("`www.contoso.com`") && !why.contains("`sip.contoso.com`"), "{why}");
        assert!(test(&world, "old", &[("EKU", "1.3.6.1.5.5.7.3.1".into())]).0);
        let (good, why) = test(&world, "old", &[("EKU", "1.3.6.1.5.5.7.3.3".into())]);
        assert!(!good && why.contains("Code Signing"), "{why}");
        let path = format!(r"cert:\localmachine\my\{}", world.thumbprint("old"));
        assert!(answer(world.run(&VERB, &[("Cert", path.into())])).0);
        assert_eq!(world.run(&VERB, &[("Cert", "0".repeat(40).into())]).error().id(), ErrorId::CertificateNotFound);
        let bad = world.run(&VERB, &[("Cert", world.thumbprint("old").into()), ("EKU", "server".into())]);
        assert_eq!(bad.error().id(), ErrorId::ParameterArgumentValidationError);
    }

    #[test]
    fn the_verbose_stream_tells_each_rule_that_is_not_kept() {
        let world = TestWorld::contoso();
        let now = world.session().now();
        let profile = Profile {
            alternative_names: Some(vec![AlternativeName::host("my_host.contoso.net")]),
            ..Profile::server(now.plus_days(-1), now.plus_days(900))
        };
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let own = record(&world, self_signed(&key, &profile).unwrap(), Vec::new());
        for open in [true, false] {
            let done = world.run(&VERB, &[("Cert", own.clone()), ("AllowUntrustedRoot", open.into())]);
            let said = done.said(Stream::Verbose).join("\n");
            for rule in ["san-underscore (RFC 1034 3.5)", "validity-length", "`my_host.contoso.net`: info"] {
                assert!(said.contains(rule), "{rule}: {said}");
            }
            assert_eq!(answer(done).0, open);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let world = TestWorld::contoso()
            .with_odd("ended", &["a.contoso.net"], &Oddities { ended: true, ..Oddities::default() });
        let (good, why) = test(&world, "ended", &[("AllowUntrustedRoot", true.into())]);
        assert!(!good && why.contains("ended"), "{why}");
    }

    fn record(world: &TestWorld, certificate: Certificate, others: Vec<Certificate>) -> Value {
        let now = world.session().now();
        let (friendly_name, file) = (String::new(), String::new());
        Value::object(FileCertificate { certificate, others, friendly_name, has_key: false, file, now })
    }

    #[test]
    fn a_clients_certificate_is_no_servers() {
        let world = TestWorld::contoso();
        let now = world.session().now();
        let profile = Profile {
            alternative_names: Some(vec![AlternativeName::host("a.contoso.net")]),
            purposes: vec![Purpose::ClientAuth],
            ..Profile::server(now.plus_days(-1), now.plus_days(30))
        };
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let client = record(&world, self_signed(&key, &profile).unwrap(), Vec::new());
        let test = |more: &[(&str, Value)]| {
            let mut parameters = vec![("Cert", client.clone()), ("AllowUntrustedRoot", true.into())];
            parameters.extend(more.iter().cloned());
            answer(world.run(&VERB, &parameters))
        };
        assert_eq!(test(&[]), (true, String::new()));
        assert!(!test(&[("Policy", "ssl".into())]).0);
        assert!(!test(&[("DNSName", "a.contoso.net".into())]).0);
        assert!(test(&[("DNSName", "a.contoso.net".into()), ("Policy", "BASE".into())]).0);
    }

    #[test]
    fn a_revoked_certificate_of_an_embedded_authority_is_not_good() {
        let (world, authority) = manager::world(&[Right::Issue]);
        let (_, serial) = manager::submit(&world, &authority, "WebServer", manager::OTHER);
        let config = manager::CONFIG.to_ascii_lowercase();
        let (_, row) = world.state.submissions(&config, Some(&serial)).unwrap().remove(0);
        let leaf = record(&world, crate::x509::parse_certificate(&row.certificate).unwrap(), Vec::new());
        assert_eq!(answer(world.run(&VERB, &[("Cert", leaf.clone())])), (true, String::new()));
        let revoke = [("SerialNumber", serial.into()), ("Reason", "Superseded".into())];
        world.run(&revoke_certificate::VERB, &revoke).emitted();
        let (good, why) = answer(world.run(&VERB, &[("Cert", leaf.clone())]));
        assert!(!good && why.contains("revoked"), "{why}");
        assert!(answer(world.run(&VERB, &[("Cert", leaf), ("AllowUntrustedRoot", true.into())])).0);
    }

    #[test]
    fn an_authority_is_judged_as_one() {
        let world = TestWorld::contoso();
        let ca = &world.authority.intermediate;
        for path in [ca.thumbprint().to_string(), format!(r"CERT:\LocalMachine\ca\{}", ca.thumbprint())] {
            assert_eq!(answer(world.run(&VERB, &[("Cert", path.as_str().into())])), (true, String::new()), "{path}");
            let (good, why) = answer(world.run(&VERB, &[("Cert", path.into()), ("Policy", "SSL".into())]));
            assert!(!good && !why.is_empty());
        }
        let elsewhere = format!(r"Cert:\LocalMachine\My\{}", ca.thumbprint());
        assert_eq!(world.run(&VERB, &[("Cert", elsewhere.into())]).error().id(), ErrorId::PathNotFound);
        let (now, stranger) = (world.session().now(), PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
        let authority = crate::x509::AuthorityProfile { path_len: None, constraints: None };
        let subject = Some(crate::model::parse_rdns("CN=Stranger").unwrap());
        let of = |begin, end| {
            let profile = Profile::authority(now.plus_days(begin), now.plus_days(end), authority.clone());
            record(&world, self_signed(&stranger, &Profile { subject: subject.clone(), ..profile }).unwrap(), Vec::new())
        };
        for (own, open, expected) in
            [(of(-1, 9), true, true), (of(-1, 9), false, false), (of(-9, -1), true, false), (of(1, 9), true, false)]
        {
            let (good, why) = answer(world.run(&VERB, &[("Cert", own), ("AllowUntrustedRoot", open.into())]));
            assert_eq!((good, why.is_empty()), (expected, expected), "{why}");
        }
    }

    #[test]
    fn an_untrusted_root_is_taken_when_that_is_asked_for() {
        let mut world = TestWorld::contoso();
        world.authority = crate::probe::testing::Authority::new("Stranger");
        let (good, why) = test(&world, "old", &[]);
        assert!(!good && !why.is_empty());
        assert!(test(&world, "old", &[("AllowUntrustedRoot", true.into())]).0);
    }
}
