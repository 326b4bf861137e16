//! The sites of `certlet.toml`: `[[site]]` with its server program and bindings, checked against the topology.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::files::{command, existing};
use super::reader::{At, Document, Table};
use crate::error::Error;
use crate::model::names::check_uses;
use crate::model::{
    Binding, BindingInformation, BindingProtocol, CaddyServer, CertificateFiles, CertificateSelector, Endpoint,
    FileServer, HaproxyServer, HostName, IisServer, Pool, ProofScope, ServerKind, ServerSettings, SiteState, Slot,
    SlotFiles, Topology, UseName, Website,
};

/// Reads one `[[site]]`; `home` is the folder of relative paths.
pub(super) fn read_site(table: Table<'_>, home: &Path, topology: &Topology) -> Option<Website> {
    let document = table.document;
    let name = table.required_text("name");
    let computer = read_computer(&table, topology);
    let id = table.number("id", 0..=i64::from(u32::MAX));
    let state =
        table.word("state", &[("Started", SiteState::Started), ("Stopped", SiteState::Stopped)]).unwrap_or_default();
    let kinds: Vec<(&str, ServerKind)> = ServerKind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kind = table.required("host").and_then(|item| item.word(&kinds));
    let pool = computer.as_ref().and_then(|c| topology.pool_of(c)).map(|(pool, _)| pool);
    let bindings = table.tables("binding").into_iter().filter_map(|t| read_binding(t, topology, pool)).collect();
    // Without a kind nobody knows which keys there may be.
    let server = read_server(&table, kind?, home);
    table.finish();
    let name = name?;
    let position = document.position(&name.span);
    Some(Website { computer: computer?, name: name.value, id, state, server: server?, bindings, position })
}

/// Notes sites that are named twice and bindings of one computer that take the same address.
pub(super) fn check_sites(document: &Document, sites: &[Website]) {
    for (i, site) in sites.iter().enumerate() {
        let before = sites.get(..i).unwrap_or_default();
        if before.iter().any(|other| other.computer == site.computer && other.name.eq_ignore_ascii_case(&site.name)) {
            document.problem_at(
                &site.position,
                format!("the site `{}` on `{}` is declared twice", site.name, site.computer),
            );
        }
        if site.state == SiteState::Stopped {
            continue;
        }
        for (j, binding) in site.bindings.iter().enumerate() {
            let takes = |b: &Binding| b.information == binding.information;
            let holds = |other: &Website| other.state == SiteState::Started && other.bindings.iter().any(takes);
            let other = before.iter().find(|other| other.computer == site.computer && holds(other));
            let other = if site.bindings.iter().take(j).any(takes) { Some(site) } else { other };
            if let Some(other) = other {
                let message = format!(
                    "`{}` on `{}` belongs to the site `{}` already",
                    binding.information, site.computer, other.name
                );
                document.problem_at(&binding.position, message);
            }
        }
    }
}

fn read_computer(table: &Table<'_>, topology: &Topology) -> Option<HostName> {
    let refuse = |span: &Range<usize>, error: &Error| table.document.refuse(span, error);
    match table.text("computer") {
        None => {
            let local = topology.local_computer.clone();
            if local.is_none() {
                let hint = "set it, or `local_computer` in `[forest]` of the topology".to_owned();
                table.document.problem(&table.span, "`computer` is missing here", Some(hint));
            }
            local
        }
        Some(text) => {
            let found = HostName::with_underscores(&text.value)
                .and_then(|c| topology.resolve_computer(&c).map(|(_, c)| c.clone()));
            found.map_err(|error| refuse(&text.span, &error)).ok()
        }
    }
}

fn read_binding(table: Table<'_>, topology: &Topology, pool: Option<&Pool>) -> Option<Binding> {
    let document = table.document;
    let protocols = [("http", BindingProtocol::Http), ("https", BindingProtocol::Https), ("tls", BindingProtocol::Tls)];
    let protocol = table.required("protocol").and_then(|item| item.word(&protocols));
    let information = table.required_parsed::<BindingInformation>("information");
    let use_name = read_binding_use(&table, topology, pool);
    let endpoints = table.item("endpoint").map_or_else(Vec::new, |item| item.list());
    let endpoints = endpoints.into_iter().filter_map(|i| i.parsed::<Endpoint>()).map(|e| e.value).collect();
    let server_name = table.parsed::<HostName>("server_name");
    if let Some(name) = server_name.as_ref().filter(|name| name.value.is_wildcard()) {
        document.problem(&name.span, format!("`{}` is a wildcard: a client asks for one name", name.value), None);
    }
    let scopes =
        |item: super::reader::Item<'_>| item.list().into_iter().filter_map(|i| i.word(&ProofScope::WORDS)).collect();
    let prove = table.item("prove").map(scopes);
    let certificate = table.parsed::<CertificateSelector>("certificate").map(|c| c.value);
    if protocol == Some(BindingProtocol::Http) {
        for key in ["use", "server_name", "prove", "certificate"] {
            if let Some(item) = table.item(key) {
                document.problem(
                    &item.span(),
                    format!("`{key}` belongs to `https` and `tls`: nothing is served under TLS here"),
                    None,
                );
            }
        }
    }
    table.finish();
    let information = information?;
    Some(Binding {
        protocol: protocol?,
        position: document.position(&information.span),
        information: information.value,
        use_name,
        endpoints,
        server_name: server_name.map(|n| n.value),
        prove,
        certificate,
    })
}

fn read_binding_use(table: &Table<'_>, topology: &Topology, pool: Option<&Pool>) -> Option<UseName> {
    let text = table.text("use")?;
    let known = topology.uses.find(&text.value).and_then(|known| {
        let name = known.name.clone();
        pool.map_or(Ok(()), |pool| check_uses(topology, pool, std::slice::from_ref(&name))).map(|()| name)
    });
    known.map_err(|error| table.document.refuse(&text.span, &error)).ok()
}

fn read_server(table: &Table<'_>, kind: ServerKind, home: &Path) -> Option<ServerSettings> {
    match kind {
        ServerKind::Listener => Some(ServerSettings::Listener),
        ServerKind::Iis => {
            let file = |key| table.text(key).map(|text| existing(table.document, &text, home));
            Some(ServerSettings::Iis(IisServer { configuration: file("configuration"), sslcert: file("sslcert") }))
        }
        ServerKind::Caddy => {
            let admin = table.text("admin").map_or_else(|| "http://127.0.0.1:2019".to_owned(), |t| t.value);
            let (owner, mode) = (table.text("owner").map(|t| t.value), read_mode(table));
            let files = read_files(table, home);
            Some(ServerSettings::Caddy(CaddyServer { admin, files: files?, owner, mode }))
        }
        ServerKind::Haproxy => {
            let socket = table.text("socket").map(|t| home.join(t.value));
            Some(ServerSettings::Haproxy(HaproxyServer { files: read_file_server(table, kind, home)?, socket }))
        }
        _ => read_file_server(table, kind, home).map(ServerSettings::Files),
    }
}

fn read_file_server(table: &Table<'_>, preset: ServerKind, home: &Path) -> Option<FileServer> {
    let slots = match table.item("certificates") {
        None => vec![SlotFiles { slot: Slot::Any, files: read_files(table, home)? }],
        Some(item) => {
            for key in ["certificate", "key", "chain"] {
                if let Some(other) = table.item(key) {
                    table.document.problem(&other.span(), format!("either `certificates` or `{key}`, not both"), None);
                }
            }
            let slots: Vec<SlotFiles> =
                item.list().into_iter().filter_map(|i| i.table()).filter_map(|t| read_slot(t, home)).collect();
            let twice = slots.iter().enumerate().any(|(i, s)| slots.iter().take(i).any(|t| t.slot == s.slot));
            if slots.is_empty() || twice {
                table.document.problem(&item.span(), "`certificates` has one entry for each slot, at least one", None);
            }
            slots
        }
    };
    let (test, reload) = preset_commands(preset);
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    if preset == ServerKind::Stunnel && table.item("reload").is_none() {
        // Its service has another name on each system, and a wrong guess leaves the old certificate served.
        table.missing("reload");
    }
    Some(FileServer {
        preset,
        slots,
        owner: table.text("owner").map(|t| t.value),
        mode: read_mode(table),
        test: command(table, "test", home).unwrap_or_else(|| words(test)),
        reload: command(table, "reload", home).unwrap_or_else(|| words(reload)),
    })
}

/// What tests and reloads a program as Debian installs it; `test` and `reload` of the site replace it.
fn preset_commands(kind: ServerKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        ServerKind::Nginx => (&["/usr/sbin/nginx", "-t"], &["/usr/sbin/nginx", "-s", "reload"]),
        ServerKind::Apache => (&["/usr/sbin/apachectl", "-t"], &["/usr/sbin/apachectl", "-k", "graceful"]),
        ServerKind::Haproxy => (
            &["/usr/sbin/haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"],
            &["/usr/bin/systemctl", "reload", "haproxy"],
        ),
        ServerKind::Hitch => (
            &["/usr/sbin/hitch", "--test", "--config=/etc/hitch/hitch.conf"],
            &["/usr/bin/systemctl", "reload", "hitch"],
        ),
        _ => (&[], &[]),
    }
}

fn read_slot(table: Table<'_>, home: &Path) -> Option<SlotFiles> {
    let slots = [("RSA", Slot::Rsa), ("ECDSA", Slot::Ecdsa), ("Any", Slot::Any)];
    let slot = table.required("slot").and_then(|item| item.word(&slots));
    let files = read_files(&table, home);
    table.finish();
    Some(SlotFiles { slot: slot?, files: files? })
}

/// The files may be absent until the first assignment writes them.
fn read_files(table: &Table<'_>, home: &Path) -> Option<CertificateFiles> {
    let path = |text: At<String>| -> PathBuf { home.join(text.value) };
    let certificate = table.required_text("certificate").map(path);
    let (key, chain) = (table.text("key").map(path), table.text("chain").map(path));
    Some(CertificateFiles { certificate: certificate?, key, chain })
}

/// `"0640"`, or `0o640` as a number.
fn read_mode(table: &Table<'_>) -> Option<u32> {
    let item = table.item("mode")?;
    let Some(text) = item.as_text() else { return table.number("mode", 0..=0o777) };
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && !text.starts_with('+'));
    if mode.is_none() {
        table.document.problem(&item.span(), format!("`{text}` is no mode of a file: write it as `\"0640\"`"), None);
    }
    mode
}
