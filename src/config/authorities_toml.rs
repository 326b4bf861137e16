//! The authorities of `certlet.toml`: `[[ca]]`, read by kind.

use std::path::Path;
use std::time::Duration;

use super::authorities::{
    AcmeAuthority, AcmeChallenge, AcmeLimitSettings, AdcsAuth, AdcsAuthority, AuthorityClass, AuthorityKind,
    AuthorityName, AuthoritySettings, CrlPublisher, EmbeddedAuthority, ExternalAccount, Permissions, Right,
    TemplateApproval, TemplateSettings, TemplateSubject,
};
use super::certlet_toml::duration;
use super::files::{command, files};
use super::reader::{At, Table};
use super::secrets::read_secret;
use super::uses::read_eku;
use crate::ca::Publication;
use crate::model::{Endpoint, nearest};

/// How long name servers have to show a new record, where nothing else is said.
const DNS_WAIT: Duration = Duration::from_secs(120);

/// Reads one `[[ca]]`; `home` is the folder of relative paths.
pub(super) fn read_authority(table: Table<'_>, home: &Path) -> Option<AuthoritySettings> {
    const KINDS: [(&str, u8); 4] = [("embedded", 0), ("acme", 1), ("adcs", 2), ("down", 3)];
    let document = table.document;
    let name = table.required_parsed::<AuthorityName>("config");
    let kind = table.required("kind").and_then(|item| item.word(&KINDS));
    let classes = [("public", AuthorityClass::Public), ("private", AuthorityClass::Private)];
    let default = if kind == Some(1) { AuthorityClass::Public } else { AuthorityClass::Private };
    let class = table.word("class", &classes).unwrap_or(default);
    let permissions = read_permissions(&table);
    let kind = match kind {
        // Without a kind nobody knows which keys there may be.
        None => return None,
        Some(0) => read_embedded(&table, home).map(AuthorityKind::Embedded),
        Some(1) => read_acme(&table, home).map(AuthorityKind::Acme),
        Some(2) => read_adcs(&table, home).map(AuthorityKind::Adcs),
        Some(_) => Some(AuthorityKind::Down),
    };
    table.finish();
    let name = name?;
    let position = document.position(&name.span);
    Some(AuthoritySettings { name: name.value, class, permissions, kind: kind?, position })
}

const RIGHTS: [(&str, Right); 3] = [("Read", Right::Read), ("Enroll", Right::Enroll), ("Issue", Right::Issue)];

fn read_permissions(table: &Table<'_>) -> Option<Permissions> {
    let entries = table.table("permissions")?;
    let rights = entries.entries().into_iter().map(|(principal, item)| {
        let rights = item.list().into_iter().filter_map(|right| right.word(&RIGHTS)).collect();
        (principal.value.to_owned(), rights)
    });
    Some(rights.collect())
}

fn read_embedded(table: &Table<'_>, home: &Path) -> Option<EmbeddedAuthority> {
    let subject = table.required_text("subject");
    let key_algorithm = table.text("key_algorithm").map_or_else(
        || "ECDH_P256".to_owned(),
        |text| {
            const WORDS: [&str; 4] = ["RSA", "ECDH_P256", "ECDH_P384", "ECDH_P521"];
            if let Some(word) = WORDS.iter().find(|word| word.eq_ignore_ascii_case(&text.value)) {
                return (*word).to_owned();
            }
            let hint = nearest(&text.value, WORDS).map(|near| format!("did you mean `{near}`?"));
            let message = format!("`{}` is none of `RSA`, `ECDH_P256`, `ECDH_P384`, `ECDH_P521`", text.value);
            table.document.problem(&text.span, message, hint);
            text.value
        },
    );
    let key_size = table.number("key_size", 2048..=16384);
    if let Some(item) = table.item("key_size")
        && key_algorithm != "RSA"
    {
        table.document.problem(
            &item.span(),
            "`key_size` belongs to `key_algorithm = \"RSA\"`; a curve has its size",
            None,
        );
    }
    let accounts = table.table("accounts").map_or_else(Vec::new, |accounts| {
        let read = accounts
            .entries()
            .into_iter()
            .filter_map(|(name, item)| Some((name.value.to_owned(), read_secret(item, home)?)));
        read.collect()
    });
    let mut templates: Vec<TemplateSettings> = Vec::new();
    for At { value, span } in table.tables("template").into_iter().filter_map(read_template) {
        if templates.iter().any(|known| known.name.eq_ignore_ascii_case(&value.name)) {
            table.document.problem(&span, format!("the template `{}` is declared twice", value.name), None);
        }
        templates.push(value);
    }
    if templates.is_empty() {
        templates.push(TemplateSettings::web_server());
    }
    let crl = table.table("crl").and_then(|crl| {
        let (url, file) = (crl.required_text("url"), crl.required_text("file"));
        let days = crl.number("days", 1..=3650).unwrap_or(Publication::DAYS);
        let longest = i64::from(days) * 24 - 1;
        let overlap_hours = crl.number("overlap_hours", 0..=longest).unwrap_or(Publication::default_overlap(days));
        crl.finish();
        let url = url?;
        if !url.value.is_ascii() || !["http://", "ldap://"].iter().any(|scheme| url.value.starts_with(scheme)) {
            let message =
                format!("`{}` is no address of a list: `http://…` (a list bears its own signature)", url.value);
            table.document.problem(&url.span, message, None);
        }
        Some(CrlPublisher { url: url.value, file: home.join(file?.value), days, overlap_hours })
    });
    let offline_parent = table.word("parent", &[("offline", true), ("itself", false)]).unwrap_or(false);
    Some(EmbeddedAuthority {
        offline_parent,
        key_algorithm,
        key_size,
        validity_days: table.number("validity_days", 1..=36500).unwrap_or(3650),
        next_request_id: table.number("next_request_id", 1..=i64::from(u32::MAX)).unwrap_or(1),
        unconstrained: table.flag("unconstrained", false),
        crl,
        accounts,
        templates,
        subject: subject?.value,
    })
}

fn read_template(table: Table<'_>) -> Option<At<TemplateSettings>> {
    let default = TemplateSettings::web_server();
    let name = table.required_text("name");
    let display_name = table.text("display_name");
    let eku = table.item("eku").map(|item| item.list().into_iter().filter_map(read_eku).collect());
    let subjects = [("Request", TemplateSubject::Request), ("Directory", TemplateSubject::Directory)];
    let approvals = [("Automatic", TemplateApproval::Automatic), ("Manager", TemplateApproval::Manager)];
    let minimum_key_size = table.number("minimum_key_size", 1024..=16384).unwrap_or(default.minimum_key_size);
    let subject = table.word("subject", &subjects).unwrap_or(default.subject);
    let exportable = table.flag("exportable", default.exportable);
    let deploy = table.flag("deploy", default.deploy);
    let approval = table.word("approval", &approvals).unwrap_or(default.approval);
    let validity_days = table.number("validity_days", 1..=36500).unwrap_or(default.validity_days);
    let permissions = read_permissions(&table);
    let authority = table.flag("authority", default.authority);
    table.finish();
    let At { value: name, span } = name?;
    let value = TemplateSettings {
        display_name: display_name.map_or_else(|| name.clone(), |t| t.value),
        name,
        minimum_key_size,
        eku: eku.unwrap_or(default.eku),
        subject,
        exportable,
        deploy,
        approval,
        validity_days,
        permissions,
        authority,
    };
    Some(At { value, span })
}

fn read_acme(table: &Table<'_>, home: &Path) -> Option<AcmeAuthority> {
    let directory = required_https(table, "directory");
    let roots = files(table, "roots", home);
    let contact = table.texts("contact").into_iter().map(|t| t.value).collect();
    let challenge = table.required("challenge").and_then(|item| item.table()).and_then(|t| read_challenge(t, home));
    let external_account = table.table("external_account").and_then(|account| {
        let key_id = account.required_text("key_id");
        let hmac = account.required("hmac").and_then(|item| read_secret(item, home));
        account.finish();
        Some(ExternalAccount { key_id: key_id?.value, hmac: hmac? })
    });
    let preferred_chain = table.text("preferred_chain").map(|t| t.value);
    let profile = table.text("profile").map(|t| t.value);
    let limits = table.table("limits").map_or_else(AcmeLimitSettings::default, |limits| {
        let number = |key| limits.number(key, 0..=1_000_000);
        let read = AcmeLimitSettings {
            duplicates_per_week: number("duplicates_per_week"),
            failures_per_hour: number("failures_per_hour"),
            orders_per_3h: number("orders_per_3h"),
        };
        limits.finish();
        read
    });
    Some(AcmeAuthority {
        limits,
        directory: directory?,
        roots,
        contact,
        challenge: challenge?,
        external_account,
        preferred_chain,
        profile,
    })
}

fn read_challenge(table: Table<'_>, home: &Path) -> Option<AcmeChallenge> {
    const KINDS: [(&str, u8); 3] = [("http-01", 0), ("tls-alpn-01", 1), ("dns-01", 2)];
    let challenge = match table.required("kind").and_then(|item| item.word(&KINDS))? {
        0 => match (table.parsed::<Endpoint>("listen"), table.text("webroot")) {
            (Some(listen), None) => Some(AcmeChallenge::HttpListen(listen.value.to_string())),
            (None, Some(webroot)) => Some(AcmeChallenge::HttpWebroot(home.join(webroot.value))),
            (Some(_), Some(webroot)) => {
                table.document.problem(&webroot.span, "either `listen` or `webroot`, not both", None);
                None
            }
            (None, None) => {
                table.missing("listen");
                None
            }
        },
        1 => table.required_parsed::<Endpoint>("listen").map(|l| AcmeChallenge::TlsAlpn(l.value.to_string())),
        _ => {
            let (set, clear) = (required_command(&table, "set", home), required_command(&table, "clear", home));
            let resolver = table.parsed::<Endpoint>("resolver").and_then(|server| {
                let address = server.value.socket_address();
                if address.is_none() {
                    let hint = Some("write `192.0.2.53:53`".to_owned());
                    table.document.problem(&server.span, "the name server is given by its address", hint);
                }
                address
            });
            let wait = duration(&table, "wait").unwrap_or(DNS_WAIT);
            Some(AcmeChallenge::Dns { set: set?, clear: clear?, resolver, wait })
        }
    };
    table.finish();
    challenge
}

fn read_adcs(table: &Table<'_>, home: &Path) -> Option<AdcsAuthority> {
    let url = required_https(table, "url");
    let roots = files(table, "roots", home);
    let auth = table.word("auth", &[("basic", AdcsAuth::Basic), ("ntlm", AdcsAuth::Ntlm)]).unwrap_or(AdcsAuth::Basic);
    let account = table.table("account").and_then(|account| {
        let user = account.required_text("user");
        let password = account.required("password").and_then(|item| read_secret(item, home));
        account.finish();
        Some((user?.value, password?))
    });
    Some(AdcsAuthority { url: url?, roots, auth, account })
}

fn required_https(table: &Table<'_>, key: &'static str) -> Option<String> {
    let text = table.required_text(key)?;
    if text.value.get(..8).is_some_and(|p| p.eq_ignore_ascii_case("https://")) && text.value.len() > 8 {
        return Some(text.value);
    }
    let message = format!("`{}` does not start with `https://`: what is sent there must be protected", text.value);
    table.document.problem(&text.span, message, None);
    None
}

fn required_command(table: &Table<'_>, key: &'static str, home: &Path) -> Option<Vec<String>> {
    let words = command(table, key, home);
    match table.item(key) {
        None => table.missing(key),
        Some(item) if words.as_ref().is_some_and(Vec::is_empty) => {
            table.document.problem(&item.span(), format!("`{key}` names no program"), None);
        }
        Some(_) => {}
    }
    words
}
