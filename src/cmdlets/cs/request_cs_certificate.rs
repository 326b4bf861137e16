//! `Request-CsCertificate`: compute the names, ask an authority, and say what came of it.

mod anew;
mod earlier;
mod said;

use crate::cmdlets::params::{CertTypes, FORCE, REPORT};
use crate::cmdlets::records::CERTIFICATE_REFERENCE;
use crate::cmdlets::report::reported;
use crate::command::{
    Args, CommaList, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Values, Verb,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::Secret;
use crate::session::Session;

const NEW_SETS: &[&str] = &["ByNew"];
/// Where an authority may be asked in the name of another account.
const ASKING_SETS: &[&str] = &["ByNew", "ByRetrieve"];
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
    Param::named("CaAccount", "Ask as this account, domain\\user").sets(ASKING_SETS).default_text("who runs the command");
static CA_PASSWORD: Param<Secret> = Param::named("CaPassword", "The password of that account").sets(ASKING_SETS).secret();
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
                  pending, `-Clear` drops what is not issued. Its key is kept for 30 days, for the answer may still come: \
                  `Import-CsCertificate` joins the two. After that `certlet serve`, `Invoke-TlsRenewal` or the next \
                  `-Clear` removes the key; with `-Force` it is gone at once. A number that exists at two authorities \
                  needs `-CA`.\n\nPasswords are never written down: what was asked with `-CaAccount` and is pending is \
                  asked about as the authority's configured account, or with `-Retrieve -RequestId N -CaAccount … \
                  -CaPassword …` in that name again.",
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
        "ByList" => earlier::list(cx, args),
        "ByRetrieve" => earlier::retrieve(cx, args),
        "ByClear" => earlier::clear(cx, args),
        _ => anew::ask(cx, args),
    })
}

/// The account of `-CaAccount`, with its password.
fn account(session: &Session, args: &Args) -> Result<Option<(String, Secret)>> {
    let Some(user) = args.get(&CA_ACCOUNT, session)? else {
        if args.has(&CA_PASSWORD) {
            return Err(Error::new(ErrorId::ParameterArgumentValidationError, "`-CaPassword` needs `-CaAccount`"));
        }
        return Ok(None);
    };
    let password = args.get(&CA_PASSWORD, session)?.unwrap_or_else(|| Secret::new(String::new()));
    Ok(Some((user, password)))
}
