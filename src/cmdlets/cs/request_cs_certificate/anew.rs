//! A request of its own: what is to be asked for, the question, and the certificate that comes.

use std::path::Path;
use std::sync::Arc;

use super::said::{compare, ended, pending, say_computed};
use super::{
    ALL_SIP_DOMAIN, CA, CITY, CLIENT_EKU, COMPUTER_FQDN, COUNTRY, DOMAIN_NAME, EXCLUDE, EXPORTABLE,
    FRIENDLY_NAME, KEY_ALG, KEY_SIZE, ORGANIZATION, OU, OUTPUT, STATE, TEMPLATE, TYPE, account,
};
use crate::ca::Authority;
use crate::cmdlets::lookup::request_number;
use crate::cmdlets::records::CertificateReference;
use crate::command::{Args, CommaList, Invocation, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::compute;
use crate::model::{
    AlternativeName, Certificate, ComputedNames, HostName, KeyAlgorithm, NameAttribute, NameQuery, Purpose, RelativeName,
    RequestedName, Topology, UseName,
};
use crate::session::{Artefact, Enrollment, Obtained, Session, Wish, read_artefact, wish_fitness};
use crate::state::{CertificateQuery, NameWishes, RequestRow, RequestStatus};
use crate::x509::{RequestDetails, own_request, pem, read_any};

pub(super) fn ask(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let output = filled(args.get(&OUTPUT, session)?, "Output")?;
    if output.is_some() && args.has(&CA) {
        return Err(Error::new(ErrorId::CaAndOutput, "`-CA` and `-Output` exclude each other"));
    }
    let account = account(session, args)?;
    if account.is_some() && (output.is_some() || !args.has(&CA)) {
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
    say_not_computed(cx, &topology, &query)?;
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
        account,
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
    let names = if computed.names.is_empty() { "no names".into() } else { format!("the names {}", computed.comma_list()) };
    let action = format!("Request a certificate for CN={subject} with {names}");
    if cx.what_if() {
        return cx.tell_what_if(&action, &target);
    }
    if !cx.confirm(&action, &target)? {
        return Ok(());
    }
    let file = match &output {
        Some(shown) => {
            let path = session.resolve_path(shown)?;
            // A file from here on: nothing else can be replaced.
            let file = Artefact::create(&path, shown)?;
            say_replaced(cx, &path, shown)?;
            Some(file)
        }
        None => None,
    };
    let cancel = cx.cancel();
    let obtained = session.obtain(&enrollment, &|| cancel.is_cancelled()).map_err(|e| ended(e, &cancel))?;
    match obtained {
        Obtained::Issued(certificate, row) => issued(cx, &certificate, &row, &computed),
        Obtained::Pending(row) => {
            if let Some(file) = file {
                let text = pem::encode(pem::REQUEST, &row.csr);
                let path = file.finish(text.as_bytes(), false).map_err(|e| e.hint(again(&row)))?;
                cx.verbose(format!("the request file is {}", path.display()))?;
            }
            pending(cx, &row)
        }
    }
}

/// The line that writes the file of a request again.
fn again(row: &RequestRow) -> String {
    let list = format!("Request-CsCertificate -List -RequestId {}", request_number(row));
    format!("`{list} | Select-Object -ExpandProperty Request | Out-File FILE` writes the request again")
}

/// Says which request waits for an answer to the file that is replaced.
fn say_replaced(cx: &mut Invocation<'_>, path: &Path, shown: &str) -> Result<()> {
    let Ok(old) = read_artefact(path, shown).and_then(|bytes| read_any(&bytes, None)) else { return Ok(()) };
    let waiting = cx.session().state()?.requests()?.into_iter().find(|row| {
        row.status == RequestStatus::Pending && old.requests().iter().any(|request| request.der() == row.csr)
    });
    let Some(row) = waiting else { return Ok(()) };
    let text = format!("`{shown}` held request {}, which still waits for its answer: {}", request_number(&row), again(&row));
    cx.warn_as("RequestFileReplaced", text)
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
    own_request(&row.csr)
        .is_ok_and(|r| r.purposes().is_some_and(|p| p.contains(&Purpose::ClientAuth)))
}

/// A text that says something; blanks are a variable that was never set, say.
fn filled(text: Option<String>, parameter: &str) -> Result<Option<String>> {
    if text.as_ref().is_some_and(|t| t.trim().is_empty()) {
        let text = format!("`-{parameter}` is empty: leave it out");
        return Err(Error::new(ErrorId::ParameterArgumentValidationError, text).about(parameter));
    }
    Ok(text)
}

/// A name that is to be left out and is not there was misspelt, or the topology has changed.
fn say_not_computed(cx: &mut Invocation<'_>, topology: &Topology, query: &NameQuery) -> Result<()> {
    if query.excluded.is_empty() {
        return Ok(());
    }
    let all = compute(topology, &NameQuery { excluded: Vec::new(), ..query.clone() })?;
    for name in query.excluded.iter().filter(|name| all.names.iter().all(|n| n.name != **name)) {
        let text = format!("`{name}` is not among the computed names, and so it is not left out");
        cx.warn_as("NameNotComputed", text)?;
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

fn only_authority(session: &Session) -> Result<Arc<dyn Authority>> {
    let known = session.authorities()?;
    let able: Vec<_> = known.iter().filter(|a| a.can_issue()).collect();
    if let [only] = able.as_slice() {
        return Ok(Arc::clone(only));
    }
    let names: Vec<String> = known.iter().map(|a| format!("`{}`", a.config())).collect();
    Err(Error::new(ErrorId::CaNotSpecified, "say which authority to ask: `-CA host\\instance`, or `-Output` for a request file")
        .hint(format!("the configured ones are {}", names.join(", "))))
}

fn friendly_name(cx: &mut Invocation<'_>, session: &Session, args: &Args) -> Result<String> {
    // Without one it is made of subject, uses and the local number.
    let Some(name) = filled(args.get(&FRIENDLY_NAME, session)?, "FriendlyName")? else { return Ok(String::new()) };
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
        if let Some(text) = filled(args.get(param, session)?, param.spec.name)? {
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
