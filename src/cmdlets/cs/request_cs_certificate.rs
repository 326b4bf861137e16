//! `Request-CsCertificate`: compute the names, ask an authority, and say what came of it.

use crate::cmdlets::params::{CertTypes, FORCE, REPORT, report_unless_forced};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference, RequestRecord};
use crate::cmdlets::report::reported;
use crate::command::{
    Args, Cancel, CommaList, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Values, Verb,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::compute;
use crate::model::{
    AlternativeName, Certificate, ComputedNames, HostName, KeyAlgorithm, NameAttribute, NameQuery, Purpose, RelativeName,
    RequestedName, Secret, Topology, UseName, names,
};
use crate::session::{Artefact, Enrollment, Obtained, Session, Wish, wish_fitness};
use crate::state::{CertificateQuery, NameWishes, RequestRow, RequestStatus, Row, RowKey, Write};
use crate::x509::{RequestDetails, pem};

const NEW_SETS: &[&str] = &["ByNew"];
const OLD_SETS: &[&str] = &["ByList", "ByRetrieve", "ByClear"];

static NEW: Param<Switch> = Param::named("New", "Ask for a new certificate").at(0).sets(NEW_SETS).mandatory();
static LIST: Param<Switch> = Param::named("List", "List the requests made here").at(0).sets(&["ByList"]).mandatory();
static RETRIEVE: Param<Switch> =
    Param::named("Retrieve", "Ask again about pending requests").at(0).sets(&["ByRetrieve"]).mandatory();
static CLEAR: Param<Switch> = Param::named("Clear", "Drop pending requests").at(0).sets(&["ByClear"]).mandatory();
static REQUEST_ID: Param<i64> =
    Param::named("RequestId", "Only the request with this number, the authority's or the local one").sets(OLD_SETS).default_text("all");
static TYPE: Param<CertTypes> = Param::named("Type", "The uses it is for").sets(NEW_SETS).mandatory();
static CA: Param<String> = Param::named("CA", "The authority, as host\\instance")
    .values(Values::Authorities)
    .default_text("the only one that is configured");
static CA_ACCOUNT: Param<String> =
    Param::named("CaAccount", "Ask as this account, domain\\user").sets(NEW_SETS).default_text("who runs the command");
static CA_PASSWORD: Param<Secret> = Param::named("CaPassword", "The password of that account").sets(NEW_SETS).secret();
static CITY: Param<String> = Param::named("City", "The city in the subject (L)").sets(NEW_SETS);
static STATE: Param<String> = Param::named("State", "The state or province in the subject (S)").sets(NEW_SETS);
static COUNTRY: Param<String> = Param::named("Country", "The country in the subject (C): two letters").sets(NEW_SETS);
static ORGANIZATION: Param<String> = Param::named("Organization", "The organisation in the subject (O)").sets(NEW_SETS);
static OU: Param<String> = Param::named("OU", "The organisational unit in the subject (OU)").sets(NEW_SETS);
static CLIENT_EKU: Param<bool> =
    Param::named("ClientEKU", "Also ask for client authentication").sets(NEW_SETS).default_text("$false");
static COMPUTER_FQDN: Param<String> = Param::named("ComputerFqdn", "The computer of the topology that it is for")
    .sets(NEW_SETS)
    .values(Values::Computers)
    .default_text("the local computer");
static DOMAIN_NAME: Param<CommaList> =
    Param::named("DomainName", "Names to add to the computed ones, with commas between").sets(NEW_SETS);
static EXCLUDE: Param<CommaList> =
    Param::named("ExcludeComputedName", "Computed names to leave out, with commas between").sets(NEW_SETS);
static ALL_SIP_DOMAIN: Param<Switch> =
    Param::named("AllSipDomain", "Let every SIP domain contribute its names").sets(NEW_SETS);
static FRIENDLY_NAME: Param<String> = Param::named("FriendlyName", "A name for people; no two certificates have the same").sets(NEW_SETS);
static KEY_ALG: Param<String> = Param::named("KeyAlg", "The kind of key")
    .sets(NEW_SETS)
    .values(Values::Choice(&[
        "RSA", "ECDH_P256", "ECDH_P384", "ECDH_P521", "ECDSA_nistP256", "ECDSA_nistP384", "ECDSA_nistP521",
    ]))
    .default_text("RSA");
static KEY_SIZE: Param<i64> = Param::named("KeySize", "The bits of an RSA key").sets(NEW_SETS).default_text("2048");
static OUTPUT: Param<String> =
    Param::named("Output", "Write a request file (PKCS#10) instead of asking an authority").sets(NEW_SETS).values(Values::Files);
static EXPORTABLE: Param<bool> =
    Param::named("PrivateKeyExportable", "Whether the private key may leave the store").sets(NEW_SETS).default_text("$false");
static TEMPLATE: Param<String> =
    Param::named("Template", "The template's name, not its display name").sets(NEW_SETS).default_text("WebServer");
static GLOBAL_CATALOG: Param<String> =
    Param::named("GlobalCatalog", "Reserved").sets(NEW_SETS).compat("there is no global catalog here");
static SETTINGS_DC: Param<String> = Param::named("GlobalSettingsDomainController", "Reserved")
    .sets(NEW_SETS)
    .compat("there is no domain controller here");

pub(crate) static SPEC: Spec = Spec {
    name: "Request-CsCertificate",
    twin: Some("Request-TlsCertificate"),
    aliases: &[],
    functions: &["request_certificate"],
    synopsis: "Ask a certification authority for a certificate with the computed names",
    description: "Computes subject and alternative names from the topology, makes a key, asks the authority and stores what \
                  it issues. Nothing is assigned: `Set-CsCertificate` does that. Key and request are stored before an \
                  authority across the network is asked, so that no issued certificate is ever without its key.\n\nThe names \
                  that came back are compared with the computed ones: a warning lists each missing and each unexpected name \
                  with the rule that asks for it, and the verbose stream gives the whole computed list, ready to paste after \
                  `-DomainName`.\n\nWhat the uses need is checked before a key is made: its kind and size, wildcards, \
                  purposes, the roots of their clients.\n\n`-List` shows what was asked, `-Retrieve` asks again about what is \
                  pending, `-Clear` drops what is not issued. Its key is kept for 30 days, for the answer may still come; \
                  with `-Force` it is gone at once. A number that exists at two authorities needs `-CA`.",
    sets: &["ByNew", "ByList", "ByRetrieve", "ByClear"],
    parameters: &[
        &NEW.spec, &LIST.spec, &RETRIEVE.spec, &CLEAR.spec, &REQUEST_ID.spec, &TYPE.spec, &CA.spec, &CA_ACCOUNT.spec,
        &CA_PASSWORD.spec, &CITY.spec, &STATE.spec, &COUNTRY.spec, &ORGANIZATION.spec, &OU.spec, &CLIENT_EKU.spec,
        &COMPUTER_FQDN.spec, &DOMAIN_NAME.spec, &EXCLUDE.spec, &ALL_SIP_DOMAIN.spec, &FRIENDLY_NAME.spec, &KEY_ALG.spec,
        &KEY_SIZE.spec, &OUTPUT.spec, &EXPORTABLE.spec, &TEMPLATE.spec, &GLOBAL_CATALOG.spec, &SETTINGS_DC.spec, &FORCE.spec,
        &REPORT.spec,
    ],
    input: Input::None,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Request-CsCertificate -New -Type Default,WebServicesInternal,WebServicesExternal -CA \
                   dc01.contoso.net\\contoso-DC01-CA -Verbose -DomainName \
                   \"LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com\"",
            says: "Asks for one certificate for three uses, with two more names than computed",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Request-CsCertificate -New -Type WebServicesExternal -Output C:\\Certificates\\WebServicesExternal.csr",
            says: "Writes a request file for an authority that is not asked from here",
            expect: Expect::Changes(1),
        },
        Example { line: "Request-CsCertificate -List", says: "Lists the requests made here", expect: Expect::Emits(0) },
    ],
    related: &["Get-TlsName", "Set-CsCertificate", "Get-CATemplate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, |cx, args| match args.set {
        "ByList" => list(cx, args),
        "ByRetrieve" => retrieve(cx, args),
        "ByClear" => clear(cx, args),
        _ => new(cx, args),
    })
}

fn new(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let output = args.get(&OUTPUT, session)?;
    if output.is_some() && args.has(&CA) {
        return Err(Error::new(ErrorId::CaAndOutput, "`-CA` and `-Output` exclude each other"));
    }
    if args.has(&CA_PASSWORD) && !args.has(&CA_ACCOUNT) {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-CaPassword` needs `-CaAccount`"));
    }
    if args.has(&CA_ACCOUNT) && (output.is_some() || !args.has(&CA)) {
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-CaAccount` needs `-CA`"));
    }
    session.policy()?.check_change()?;
    let topology = session.topology()?;
    let uses = args.need(&TYPE, session)?.0;
    let computer: HostName = match args.get(&COMPUTER_FQDN, session)? {
        Some(name) => name.parse()?,
        None => topology.local_computer()?.clone(),
    };
    let mut query = NameQuery::new(computer, uses.clone());
    query.all_sip_domain = args.on(&ALL_SIP_DOMAIN);
    query.domain_name = words(args.get(&DOMAIN_NAME, session)?)?;
    query.excluded = words(args.get(&EXCLUDE, session)?)?;
    let computed = compute(&topology, &query)?;
    say_computed(cx, &computed)?;
    let key = KeyAlgorithm::named(&args.get(&KEY_ALG, session)?.unwrap_or_else(|| "RSA".into()), key_size(args, session)?)?;
    let authority = match (&output, args.get(&CA, session)?) {
        (Some(_), _) => None,
        (None, Some(config)) => Some(session.authority(&config)?),
        (None, None) => Some(only_authority(session)?),
    };
    if let Some(authority) = &authority {
        cx.verbose(format!("Authority: {}", authority.config()))?;
        if authority.is_public() {
            let names = computed.comma_list();
            cx.warn_as("NamesPublished", format!("certificate transparency publishes the names {names} for everybody to read"))?;
        }
    }
    let template = args.get(&TEMPLATE, session)?.unwrap_or_else(|| "WebServer".into());
    let exportable = args.get(&EXPORTABLE, session)?.unwrap_or(false);
    let details = details(session, &topology, args, &computed)?;
    let wish = Wish {
        uses: &uses,
        key,
        exportable,
        names: &computed,
        purposes: &details.purposes,
        authority: authority.as_deref(),
        template: &template,
    };
    check_wish(cx, session, &wish)?;
    let friendly_name = friendly_name(cx, session, args)?;
    let names: Vec<(String, String)> = computed.names.iter().map(|n| (n.name.to_string(), n.reason())).collect();
    let enrollment = Enrollment {
        authority,
        details,
        key,
        exportable,
        template,
        computer: computed.computer.to_string(),
        account: account(session, args)?,
        uses: uses.iter().map(|u| u.as_str().to_owned()).collect(),
        names,
        friendly_name,
        replaces: None,
        wishes: NameWishes {
            all_sip_domain: query.all_sip_domain,
            added: query.domain_name.iter().map(ToString::to_string).collect(),
            excluded: query.excluded.iter().map(ToString::to_string).collect(),
        },
    };
    let target = match (&enrollment.authority, &output) {
        (Some(authority), _) => authority.config().to_owned(),
        (None, output) => output.clone().unwrap_or_default(),
    };
    let subject = computed.subject.clone().unwrap_or_default();
    let action = format!("Request a certificate for CN={subject} with the names {}", computed.comma_list());
    if cx.what_if() {
        return cx.tell_what_if(&action, &target);
    }
    if !cx.confirm(&action, &target)? {
        return Ok(());
    }
    let file = match &output {
        Some(shown) => Some(Artefact::create(&session.resolve_path(shown)?, shown)?),
        None => None,
    };
    let cancel = cx.cancel();
    let obtained = session.obtain(&enrollment, &|| cancel.is_cancelled()).map_err(|e| ended(e, &cancel))?;
    match obtained {
        Obtained::Issued(certificate, row) => issued(cx, &certificate, &row, &computed),
        Obtained::Pending(row) => {
            if let Some(file) = file {
                let text = pem::encode("CERTIFICATE REQUEST", &row.csr);
                let path = file.finish(text.as_bytes(), false)?;
                cx.verbose(format!("the request file is {}", path.display()))?;
            }
            pending(cx, &row)
        }
    }
}

/// What the uses need is looked at before a key is made.
fn check_wish(cx: &mut Invocation<'_>, session: &Session, wish: &Wish<'_>) -> Result<()> {
    let findings = wish_fitness(session, wish)?;
    if let Some(obstacle) = findings.iter().find(|f| f.is_obstacle) {
        return Err(obstacle.error.clone());
    }
    for finding in findings {
        cx.warn_as(finding.error.id().name(), finding.error.message())?;
    }
    Ok(())
}

/// Whether it was the operator or the time limit that ended the wait for an authority.
fn ended(error: Error, cancel: &Cancel) -> Error {
    if error.id() == ErrorId::Interrupted { cancel.check().err().unwrap_or(error) } else { error }
}

fn issued(cx: &mut Invocation<'_>, certificate: &Certificate, row: &RequestRow, computed: &ComputedNames) -> Result<()> {
    let session = cx.session();
    let number = row.request_id.map_or_else(String::new, |id| format!(" as request {id}"));
    cx.verbose(format!("Issued{number}: {}", certificate.thumbprint()))?;
    if !row.message.is_empty() {
        cx.verbose(format!("`{}` says: {}", row.ca, row.message))?;
    }
    compare(cx, certificate, computed)?;
    let missing_purpose = certificate.purposes().is_some_and(|p| !p.contains(&Purpose::ClientAuth));
    if missing_purpose && asked_for_client(row) {
        cx.warn_as(
            "ClientEkuMissing",
            format!("the certificate lacks client authentication: the template `{}` does not grant it", row.template),
        )?;
    }
    let fingerprint = certificate.fingerprint();
    if let Some(stored) = session.stored(&fingerprint)? {
        cx.emit(Value::object(CertificateReference::parsed(session, &stored, certificate)?))?;
    }
    Ok(())
}

fn asked_for_client(row: &RequestRow) -> bool {
    crate::x509::own_request(&row.csr)
        .is_ok_and(|r| r.purposes().is_some_and(|p| p.contains(&Purpose::ClientAuth)))
}

fn pending(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    if !row.ca.is_empty() {
        let id = row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string());
        cx.warn_as(
            ErrorId::RequestPending.name(),
            format!("request {id} is pending at `{}`: {}; `Request-CsCertificate -Retrieve` asks again", row.ca, row.message),
        )?;
    }
    cx.emit(Value::object(RequestRecord::of(row)))
}

/// The seed's complaint: every missing and every unexpected name, with its reason.
fn compare(cx: &mut Invocation<'_>, certificate: &Certificate, computed: &ComputedNames) -> Result<()> {
    let actual: Vec<String> = certificate.alternative_names().iter().map(ToString::to_string).collect();
    let difference = names::difference(computed, &actual);
    if difference.is_empty() {
        return Ok(());
    }
    cx.verbose("The computed and the actual alternative names differ")?;
    cx.verbose(format!("Computed alternative names: {}", computed.comma_list()))?;
    cx.verbose(format!("Actual alternative names: {}", actual.join(",")))?;
    let mut parts = Vec::new();
    if !difference.missing.is_empty() {
        let missing: Vec<String> = difference.missing.iter().map(|m| format!("{} ({})", m.name, m.reason)).collect();
        parts.push(format!("missing: {}", missing.join("; ")));
    }
    if !difference.unexpected.is_empty() {
        let unexpected: Vec<String> =
            difference.unexpected.iter().map(|name| format!("{name} (no rule of these uses asks for it)")).collect();
        parts.push(format!("unexpected: {}", unexpected.join("; ")));
    }
    cx.warn_as(
        "NamesDiffer",
        format!(
            "the certificate's names are not the computed ones; {}. When an authority ignores a request's names, its template \
             builds the subject",
            parts.join(". ")
        ),
    )
}

fn say_computed(cx: &mut Invocation<'_>, computed: &ComputedNames) -> Result<()> {
    cx.verbose(match &computed.subject {
        Some(name) => format!("Computed subject: CN={name}"),
        None => "Computed subject: none".to_owned(),
    })?;
    cx.verbose(format!("Computed alternative names: {}", computed.comma_list()))?;
    if let Some(name) = &computed.too_long_for_subject {
        cx.warn(format!("`{name}` has more than 64 characters: the certificate has no common name"))?;
    }
    for name in &computed.names {
        if matches!(&name.name, RequestedName::Dns(host) if host.has_underscore()) {
            cx.warn(format!("`{}` has an underscore: only a private authority certifies such names", name.name))?;
        }
    }
    Ok(())
}

fn words(list: Option<CommaList>) -> Result<Vec<RequestedName>> {
    list.map_or_else(|| Ok(Vec::new()), |CommaList(words)| RequestedName::all(words.iter().map(String::as_str)))
}

fn key_size(args: &Args, session: &Session) -> Result<Option<u32>> {
    let Some(size) = args.get(&KEY_SIZE, session)? else { return Ok(None) };
    let is_rsa = args.get(&KEY_ALG, session)?.is_none_or(|a| a.eq_ignore_ascii_case("RSA"));
    if is_rsa && ![1024, 2048, 3072, 4096].contains(&size) {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("`{size}` is no size of an RSA key here; the valid ones are 2048, 3072 and 4096"),
        )
        .about(size.to_string()));
    }
    Ok(u32::try_from(size).ok())
}

fn only_authority(session: &Session) -> Result<std::sync::Arc<dyn crate::ca::Authority>> {
    let known = session.authorities()?;
    let able: Vec<_> = known.iter().filter(|a| a.can_issue()).collect();
    if let [only] = able.as_slice() {
        return Ok(std::sync::Arc::clone(only));
    }
    let names: Vec<String> = known.iter().map(|a| format!("`{}`", a.config())).collect();
    Err(Error::new(ErrorId::CaNotSpecified, "say which authority to ask: `-CA host\\instance`, or `-Output` for a request file")
        .hint(format!("the configured ones are {}", names.join(", "))))
}

fn friendly_name(cx: &mut Invocation<'_>, session: &Session, args: &Args) -> Result<String> {
    // Without one it is made of subject, uses and the local number.
    let Some(name) = args.get(&FRIENDLY_NAME, session)? else { return Ok(String::new()) };
    let is_free = |name: &str| -> Result<bool> {
        let query =
            CertificateQuery { friendly_name: Some(name.to_owned()), limit: Some(1), ..CertificateQuery::default() };
        Ok(session.state()?.certificates(&query)?.is_empty())
    };
    if is_free(&name)? {
        return Ok(name);
    }
    let mut other = format!("{name} ({})", session.now());
    for number in 2_u32.. {
        if is_free(&other)? {
            break;
        }
        other = format!("{name} ({} {number})", session.now());
    }
    cx.warn_as(
        ErrorId::FriendlyNameInUse.name(),
        format!("the friendly name `{name}` is in use already; this certificate is called `{other}`"),
    )?;
    Ok(other)
}

fn account(session: &Session, args: &Args) -> Result<Option<(String, Secret)>> {
    let Some(user) = args.get(&CA_ACCOUNT, session)? else { return Ok(None) };
    let password = args.get(&CA_PASSWORD, session)?.unwrap_or_else(|| Secret::new(String::new()));
    Ok(Some((user, password)))
}

fn details(session: &Session, topology: &Topology, args: &Args, computed: &ComputedNames) -> Result<RequestDetails> {
    let mut subject: Vec<RelativeName> = Vec::new();
    if let Some(country) = args.get(&COUNTRY, session)? {
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(Error::new(
                ErrorId::ParameterArgumentValidationError,
                format!("`{country}` is no country: write its two letters (ISO 3166), such as `US`"),
            )
            .about(country));
        }
        subject.push(vec![NameAttribute::named("C", country.to_ascii_uppercase())?]);
    }
    // Encoded most general first, shown most specific first.
    for (kind, param) in [("S", &STATE), ("L", &CITY), ("O", &ORGANIZATION), ("OU", &OU)] {
        if let Some(text) = args.get(param, session)? {
            if text.trim().is_empty() {
                let text = format!("`-{}` is empty: leave it out", param.spec.name);
                return Err(Error::new(ErrorId::ParameterArgumentValidationError, text).about(param.spec.name));
            }
            subject.push(vec![NameAttribute::named(kind, text)?]);
        }
    }
    if let Some(name) = &computed.subject {
        subject.push(vec![NameAttribute::named("CN", name.clone())?]);
    }
    let mut purposes = purposes_of(topology, &computed.uses);
    if args.get(&CLIENT_EKU, session)?.unwrap_or(false) && !purposes.contains(&Purpose::ClientAuth) {
        purposes.push(Purpose::ClientAuth);
    }
    Ok(RequestDetails {
        subject,
        alternative_names: computed.names.iter().map(|n| AlternativeName::host(&n.name.to_string())).collect(),
        purposes,
        key_usage: None,
        must_staple: false,
    })
}

/// What the uses need the certificate for; a TLS server where they do not say.
fn purposes_of(topology: &Topology, uses: &[UseName]) -> Vec<Purpose> {
    let mut purposes: Vec<Purpose> = Vec::new();
    for oid in uses.iter().filter_map(|u| topology.uses.get(u)).flat_map(|u| &u.needs.eku) {
        let purpose = Purpose::from_oid(oid);
        if !purposes.contains(&purpose) {
            purposes.push(purpose);
        }
    }
    if purposes.is_empty() { vec![Purpose::ServerAuth] } else { purposes }
}

/// The requests that `-RequestId` and `-CA` name; a number may exist at two authorities.
fn chosen(session: &Session, args: &Args) -> Result<Vec<RequestRow>> {
    let mut rows = session.state()?.requests()?;
    if let Some(ca) = args.get(&CA, session)? {
        let is_offline = ca.eq_ignore_ascii_case("(offline)");
        rows.retain(|r| if is_offline { r.ca.is_empty() } else { is_same_authority(&r.ca, &ca) });
        if rows.is_empty() && !is_offline {
            // An authority that is known has no request; any other is a mistake.
            session.authority(&ca)?;
        }
    }
    let Some(id) = args.get(&REQUEST_ID, session)? else { return Ok(rows) };
    let number = u32::try_from(id).ok();
    let mut found: Vec<RequestRow> = rows.iter().filter(|r| number.is_some() && r.request_id == number).cloned().collect();
    if found.is_empty() {
        found = rows.into_iter().filter(|r| i64::try_from(r.id) == Ok(id)).collect();
    }
    match found.len() {
        0 => Err(Error::new(ErrorId::RequestNotFound, format!("no request has the number {id}")).about(id.to_string())),
        1 => Ok(found),
        _ => {
            let places: Vec<String> = found.iter().map(|r| format!("`-CA {}`", r.ca)).collect();
            let names: Vec<String> = found.iter().map(|r| format!("`{}`", r.ca)).collect();
            let text = format!("request {id} exists at {}", names.join(" and "));
            Err(Error::new(ErrorId::AmbiguousRequest, text)
                .about(id.to_string())
                .hint(format!("add {}", places.join(" or "))))
        }
    }
}

/// Whether two spellings mean one authority: the host may be given by its short name.
fn is_same_authority(known: &str, given: &str) -> bool {
    let Some((host, instance)) = known.split_once('\\') else { return false };
    let Some((wanted, of)) = given.split_once('\\') else { return false };
    let short = host.split('.').next().unwrap_or(host);
    instance.eq_ignore_ascii_case(of) && (host.eq_ignore_ascii_case(wanted) || short.eq_ignore_ascii_case(wanted))
}

/// The number that an operator knows the request by.
fn shown_id(row: &RequestRow) -> String {
    row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string())
}

/// Says that a request was revoked, and what clears it.
fn revoked(row: &RequestRow) -> Error {
    let id = shown_id(row);
    Error::new(ErrorId::RequestRevoked, format!("request {id} was revoked at `{}`", row.ca))
        .about(id.clone())
        .hint(format!("`Request-CsCertificate -Clear -RequestId {id}` drops it"))
}

/// The row as it stands today: an issued certificate may have been revoked since.
fn as_of_now(session: &Session, mut row: RequestRow) -> Result<RequestRow> {
    if row.status != RequestStatus::Issued || row.ca.is_empty() {
        return Ok(row);
    }
    let Some(stored) = row.certificate.map(|f| session.stored(&f)).transpose()?.flatten() else { return Ok(row) };
    let certificate = session.certificate_of(&stored)?;
    if session.is_revoked(&certificate, &stored)? {
        row.status = RequestStatus::Revoked;
    }
    Ok(row)
}

fn list(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    for row in chosen(session, args)? {
        cx.check_cancelled()?;
        let row = as_of_now(session, row)?;
        if row.status == RequestStatus::Revoked {
            report_unless_forced(cx, args, revoked(&row))?;
        }
        cx.emit(Value::object(RequestRecord::of(&row)))?;
    }
    Ok(())
}

fn retrieve(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let by_number = args.has(&REQUEST_ID);
    let rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    for row in rows {
        cx.check_cancelled()?;
        let row = as_of_now(session, row)?;
        match row.status {
            RequestStatus::Pending | RequestStatus::Submitting => ask_again(cx, args, row)?,
            RequestStatus::Revoked => report_unless_forced(cx, args, revoked(&row))?,
            RequestStatus::Issued | RequestStatus::Denied if !by_number => {}
            RequestStatus::Denied => {
                let text = format!("the request was denied: {}", row.message);
                report_unless_forced(cx, args, Error::new(ErrorId::RequestDenied, text).about(row.ca.clone()))?;
            }
            RequestStatus::Issued => {
                cx.verbose(format!("request {} is issued already", shown_id(&row)))?;
                emit_stored(cx, &row)?;
            }
        }
    }
    Ok(())
}

fn emit_stored(cx: &mut Invocation<'_>, row: &RequestRow) -> Result<()> {
    let session = cx.session();
    let Some(fingerprint) = row.certificate else { return Ok(()) };
    let Some(stored) = session.stored(&fingerprint)? else { return Ok(()) };
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &stored)?))
}

fn ask_again(cx: &mut Invocation<'_>, args: &Args, row: RequestRow) -> Result<()> {
    let session = cx.session();
    let (action, target) = ("Ask again about the request", format!("{} ({})", shown_id(&row), row.subject));
    if cx.what_if() {
        return cx.tell_what_if(action, &target);
    }
    if !cx.confirm(action, &target)? {
        return Ok(());
    }
    let (names, cancel) = (row.names.clone(), cx.cancel());
    match session.retrieve(row, &|| cancel.is_cancelled()).map_err(|e| ended(e, &cancel)) {
        Ok(Obtained::Issued(certificate, row)) => {
            let actual: Vec<String> =
                certificate.alternative_names().iter().map(|n| n.to_string().to_ascii_lowercase()).collect();
            for (name, reason) in names.iter().filter(|(n, _)| !actual.contains(&n.to_ascii_lowercase())) {
                cx.warn_as("NamesDiffer", format!("the certificate lacks {name} ({reason})"))?;
            }
            cx.verbose(format!("request {} is issued: {}", shown_id(&row), certificate.thumbprint()))?;
            emit_stored(cx, &row)
        }
        Ok(Obtained::Pending(row)) => pending(cx, &row),
        Err(error) if matches!(error.id(), ErrorId::RequestDenied | ErrorId::RequestRevoked) => {
            report_unless_forced(cx, args, error)
        }
        Err(error) => Err(error),
    }
}

/// How long the key of a cleared request is kept: its answer may still come.
const QUARANTINE_DAYS: i64 = 30;

fn clear(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let by_number = args.has(&REQUEST_ID);
    let mut rows = chosen(session, args)?;
    session.policy()?.check_change()?;
    // Of what is issued only the record can go, and only when it is asked for by number.
    rows.retain(|r| by_number || r.status != RequestStatus::Issued);
    if rows.is_empty() {
        return cx.verbose("no request is pending");
    }
    for row in rows {
        let target = format!("{} ({})", shown_id(&row), row.subject);
        if cx.what_if() {
            cx.tell_what_if("Drop the request", &target)?;
            continue;
        }
        if !cx.confirm("Drop the request", &target)? {
            continue;
        }
        let mut writes = vec![Write::remove(RowKey::Request(row.id))];
        if let Some(write) = orphan(cx, &row, args.on(&FORCE))? {
            writes.push(write);
        }
        let change = serde_json::json!([{"request": row.id, "ca": row.ca}]);
        session.record(SPEC.name, "Cleared", change, &writes)?;
    }
    Ok(())
}

/// What becomes of the key of a request that is dropped: nothing where a stored certificate has it.
fn orphan(cx: &mut Invocation<'_>, row: &RequestRow, is_final: bool) -> Result<Option<Write>> {
    let session = cx.session();
    let state = session.state()?;
    let query = CertificateQuery { key: Some(row.key), limit: Some(1), ..CertificateQuery::default() };
    let key = RowKey::Key(row.key);
    let Some(Row::Key(kept)) = state.row(&key)? else { return Ok(None) };
    if !state.certificates(&query)?.is_empty() {
        return Ok(None);
    }
    let old = Row::Key(kept.clone());
    if is_final {
        cx.verbose("the key is gone: an answer that still comes cannot be used")?;
        return Ok(Some(Write::replace(key, Some(old), None)));
    }
    let mut kept = kept;
    kept.quarantined_until = Some(session.now().plus_days(QUARANTINE_DAYS));
    cx.verbose(format!("the key is kept for {QUARANTINE_DAYS} days: the answer may still come"))?;
    Ok(Some(Write::replace(key, Some(old), Some(Row::Key(kept)))))
}
