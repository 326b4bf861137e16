//! `certlet.toml`: the whole configuration of a home, read and checked with the place of every fault.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::authorities::AuthoritySettings;
use super::authorities_toml::read_authority;
use super::files::{existing, files};
use super::reader::{At, Document, Table, read_file};
use super::secrets::read_secret;
use super::settings::{Configuration, ProofSettings, StateSettings, StateStore, TrustSettings};
use super::sites::{check_sites, read_site};
use super::topology_toml::read_topology;
use super::windows_paths::WindowsPaths;
use crate::error::{ErrorId, Result};
use crate::model::{Topology, Website};

/// Reads `certlet.toml` and the topology that it names; relative paths are relative to its folder.
///
/// # Errors
/// `ConfigInvalid` or `TopologyInvalid` with file, line, column and the nearest right word; further
/// problems of the same file are hints.
pub fn read_certlet_toml(path: &Path) -> Result<Configuration> {
    let shown = path.display().to_string();
    let text = read_file(path, &shown, ErrorId::ConfigInvalid)?;
    configuration_of(path, &shown, text, &|files| read_topology(files))
}

/// Reads the text of a `certlet.toml`; the topology comes from a function.
pub(super) fn configuration_of(
    file: &Path,
    shown: &str,
    text: String,
    topology: &dyn Fn(&[PathBuf]) -> Result<Topology>,
) -> Result<Configuration> {
    let home = file.parent().unwrap_or(Path::new(""));
    let document = Document::new(shown, text, ErrorId::ConfigInvalid);
    let root = document.parse()?;
    let root = Table::root(&document, &root);

    let mut topology_files = files(&root, "topology", home);
    if root.item("topology").is_none() {
        let default = At { value: "topology.toml".to_owned(), span: 0..0 };
        topology_files = vec![existing(&document, &default, home)];
    }
    // A file that is missing is told here, with the place that names it.
    document.outcome(Some(()))?;
    let topology = topology(&topology_files)?;

    let text = |key| root.text(key).map(|t| t.value);
    let principal = text("principal");
    let trust_principal = root.flag("trust_principal", false);
    let administrators =
        root.item("administrators").map(|_| root.texts("administrators").into_iter().map(|t| t.value).collect());
    let state = read_state(root.table("state"), home);
    let trust = root.table("trust").map_or_else(TrustSettings::default, |t| read_trust(t, home));
    let proof = root.table("proof").map_or_else(ProofSettings::default, read_proof);
    let authorities = root.tables("ca").into_iter().filter_map(|t| read_authority(t, home)).collect::<Vec<_>>();
    check_authorities(&document, &authorities);
    let sites: Vec<Website> = root.tables("site").into_iter().filter_map(|t| read_site(t, home, &topology)).collect();
    check_sites(&document, &sites);
    let paths = root.table("paths").map(|t| read_paths(&t, home));
    root.finish();

    let configuration = Configuration {
        file: file.to_owned(),
        home: home.to_owned(),
        topology_files,
        topology,
        principal,
        trust_principal,
        administrators,
        state,
        trust,
        proof,
        authorities,
        sites,
        paths: WindowsPaths::new(paths.unwrap_or_else(|| vec![('C', home.join("drive_c"))])),
    };
    document.outcome(Some(configuration))
}

fn read_state(table: Option<Table<'_>>, home: &Path) -> StateSettings {
    let Some(table) = table else {
        return StateSettings { store: StateStore::Sqlite(home.join("state.db")), passphrase: None };
    };
    let memory = table.word("kind", &[("sqlite", false), ("memory", true)]).unwrap_or(false);
    let path = table.text("path");
    let store = match path {
        Some(path) if memory => {
            table.document.problem(&path.span, "`path` belongs to `kind = \"sqlite\"`", None);
            StateStore::Memory
        }
        None if memory => StateStore::Memory,
        path => StateStore::Sqlite(home.join(path.map_or_else(|| "state.db".to_owned(), |p| p.value))),
    };
    let passphrase = table.item("passphrase").and_then(|item| read_secret(item, home));
    table.finish();
    StateSettings { store, passphrase }
}

fn read_trust(table: Table<'_>, home: &Path) -> TrustSettings {
    let mut trust = TrustSettings { crls: files(&table, "crls", home), ..TrustSettings::default() };
    for text in table.texts("roots") {
        if text.value == "system" {
            trust.system = true;
        } else {
            trust.roots.push(existing(table.document, &text, home));
        }
    }
    table.finish();
    trust
}

/// A clock that is a day late is broken.
const MAX_SKEW: i64 = 86_400;

fn read_proof(table: Table<'_>) -> ProofSettings {
    let default = ProofSettings::default();
    let proof = ProofSettings {
        matches: table.number("matches", 1..=10_000).unwrap_or(default.matches),
        window: duration(&table, "window").unwrap_or(default.window),
        deadline: duration(&table, "deadline").unwrap_or(default.deadline),
        timeout: duration(&table, "timeout").unwrap_or(default.timeout),
        skew: table.number("skew", 0..=MAX_SKEW).map_or(default.skew, Duration::from_secs),
        max_age: duration(&table, "max_age").unwrap_or(default.max_age),
        recover_max_age: duration(&table, "recover_max_age").unwrap_or(default.recover_max_age),
    };
    if let Some(item) = table.item("window")
        && proof.window > proof.deadline
    {
        table.document.problem(
            &item.span(),
            "the window is longer than the deadline: no proof could ever be complete",
            None,
        );
    }
    table.finish();
    proof
}

pub(super) fn duration(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    let text = table.text(key)?;
    let read = parse_duration(&text.value);
    if read.is_none() {
        let message = format!("`{}` is no duration: write `500ms`, `15s`, `10m`, `24h` or `7d`", text.value);
        table.document.problem(&text.span, message, None);
    }
    read
}

/// Reads `500ms`, `15s`, `10m`, `24h`, `7d`: a whole number and a unit.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

fn check_authorities(document: &Document, authorities: &[AuthoritySettings]) {
    for (i, ca) in authorities.iter().enumerate() {
        if authorities.iter().take(i).any(|known| known.name == ca.name) {
            document.problem_at(&ca.position, format!("the authority `{}` is declared twice", ca.name));
        }
    }
}

fn read_paths(table: &Table<'_>, home: &Path) -> Vec<(char, PathBuf)> {
    let mut drives = Vec::new();
    for (key, item) in table.entries() {
        let letter = key.value.strip_suffix(':').filter(|l| l.len() == 1).and_then(|l| l.chars().next());
        let letter = letter.filter(char::is_ascii_alphabetic).map(|l| l.to_ascii_uppercase());
        let Some(letter) = letter else {
            let hint = Some("write `\"C:\" = \"drive_c\"`".to_owned());
            table.document.problem(&key.span, format!("`{}` is no drive", key.value), hint);
            continue;
        };
        if drives.iter().any(|(known, _)| *known == letter) {
            table.document.problem(&key.span, format!("the drive `{letter}:` is mapped twice"), None);
        }
        if let Some(folder) = item.text() {
            drives.push((letter, home.join(folder.value)));
        }
    }
    drives
}
