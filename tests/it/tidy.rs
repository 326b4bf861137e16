//! The house rules that no compiler checks: which floor may use which, and what stands behind one door.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::{Found, Source, sources};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const FLOOR_0: &[&str] = &["model", "error"];
const FLOOR_1A: &[&str] = &["state", "x509"];
const FLOOR_1B: &[&str] = &["ca", "servers", "probe"];
const FLOOR_2A: &[&str] = &["session", "command", "format", "config"];
const FLOOR_4: &[&str] = &["cli", "repl", "main"];

/// What each unit below `src/` may use beside itself.
const FLOORS: &[(&[&str], &[&[&str]])] = &[
    (FLOOR_0, &[FLOOR_0]),
    // The two do not know one another, nor do authorities, servers and prober.
    (FLOOR_1A, &[FLOOR_0]),
    (FLOOR_1B, &[FLOOR_1A, FLOOR_0]),
    (FLOOR_2A, &[FLOOR_2A, FLOOR_1B, FLOOR_1A, FLOOR_0]),
    (&["cmdlets"], &[FLOOR_2A, FLOOR_1B, FLOOR_1A, FLOOR_0]),
    (&["engine"], &[&["cmdlets"], FLOOR_2A, FLOOR_1B, FLOOR_1A, FLOOR_0]),
    (FLOOR_4, &[FLOOR_4, &["engine", "cmdlets"], FLOOR_2A, FLOOR_1B, FLOOR_1A, FLOOR_0]),
];

/// Where each crate in `[dependencies]` may be named; `*` is everywhere.
const DOORS: &[(&str, &[&str])] = &[
    ("anyhow", &["cli", "main"]),
    ("aws_lc_rs", &["x509", "probe", "servers", "ca"]),
    ("cbc", &["x509"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("des", &["x509"]),
    ("idna", &["model"]),
    ("jiff", &["model"]),
    ("pkcs5", &["x509"]),
    ("pkcs8", &["x509"]),
    ("rc2", &["x509"]),
    ("rcgen", &["x509"]),
    ("quick_xml", &["config"]),
    ("regex_lite", &["engine"]),
    ("rhai", &["engine"]),
    ("rusqlite", &["state"]),
    ("rustix", &["cli"]),
    // The chain is judged by `webpki`, whose types are those of `rustls`.
    ("rustls", &["probe", "servers", "x509", "ca"]),
    ("rustls_native_certs", &["config"]),
    ("rustyline", &["repl"]),
    ("serde", &["*"]),
    ("serde_json", &["*"]),
    ("sha1", &["x509"]),
    ("sha2", &["*"]),
    ("signal_hook", &["cli"]),
    ("sspi", &["ca"]),
    ("tempfile", &["ca", "cli", "servers", "session"]),
    ("time", &["x509"]),
    ("toml", &["config"]),
    ("unicode_width", &["format"]),
    // HTTP is spoken by authorities across a wire, and by the Caddy server.
    ("ureq", &["ca", "servers"]),
    ("webpki", &["x509"]),
    ("x509_parser", &["x509"]),
    ("zeroize", &["*"]),
];

/// What touches the world outside the process, and the only files that may.
const EFFECTS: &[(&str, &[&str])] = &[
    // A new home; below the home's door nothing else makes files.
    ("fs::write", &["cli/place.rs"]),
    ("File::create", &[]),
    ("File::create_new", &[]),
    ("File::options", &[]),
    ("OpenOptions::new", &["state/files.rs"]),
    // Children are the server programs' own, without a shell.
    ("Command::new", &["servers/command.rs"]),
    ("std::env", &["cli/arguments.rs", "cli/secrets.rs", "cli/system.rs"]),
    ("process::exit", &["cli/", "repl/", "main.rs"]),
    ("process::abort", &[]),
    ("println!", &["cli/", "repl/", "main.rs"]),
    ("eprintln!", &["cli/", "repl/", "main.rs"]),
    ("print!", &["cli/", "repl/", "main.rs"]),
    ("eprint!", &["cli/", "repl/", "main.rs"]),
    ("dbg!", &[]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
];

#[test]
fn each_floor_uses_only_what_lies_below() {
    let reexports = root_names();
    let faults = faults(|source, fault| {
        for path in source.paths(&BTreeSet::new()) {
            let Some(unit) = unit_of(&path, &reexports) else { continue };
            if unit != source.unit() && !may_use(source.unit(), unit) {
                fault(path.line, format!("`{}` may not use `{unit}`: {}", source.unit(), path.segments.join("::")));
            }
        }
    });
    assert_none(&faults);
}

#[test]
fn each_unit_stands_on_a_floor() {
    let known: BTreeSet<&str> = FLOORS.iter().flat_map(|(units, _)| units.iter().copied()).chain(["lib"]).collect();
    let found: Vec<Source> = sources(&src());
    let units: BTreeSet<&str> = found.iter().map(Source::unit).collect();
    assert_eq!(units, known, "a folder below `src/` has no floor, or a floor has no folder");
}

#[test]
fn each_crate_is_named_behind_its_door() {
    let names: BTreeSet<String> = dependencies();
    let faults = faults(|source, fault| {
        for path in source.paths(&names).iter().filter(|path| !path.own) {
            let name = path.segments[0].as_str();
            let units = DOORS.iter().find(|(door, _)| *door == name).map_or(&[][..], |(_, units)| units);
            if units != ["*"] && !units.contains(&source.unit()) {
                fault(path.line, format!("`{name}` may only be named in {units:?}: {}", path.segments.join("::")));
            }
        }
    });
    assert_none(&faults);
}

#[test]
fn each_dependency_has_a_door() {
    let doors: BTreeSet<String> = DOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(dependencies(), doors, "`[dependencies]` and the table of doors differ");
}

#[test]
fn each_effect_stands_in_its_files() {
    let faults = faults(|source, fault| {
        for (effect, places) in EFFECTS {
            let is_listed = places
                .iter()
                .any(|place| source.file == *place || place.ends_with('/') && source.file.starts_with(place));
            for line in if is_listed { Vec::new() } else { lines_with(source, effect) } {
                fault(line, format!("`{effect}` may only stand in {places:?}"));
            }
        }
    });
    assert_none(&faults);
}

#[test]
fn plain_data_does_no_input_or_output() {
    let faults = faults(|source, fault| {
        if !FLOOR_0.contains(&source.unit()) {
            return;
        }
        for effect in
            ["std::fs", "std::io", "std::process", "std::thread", "TcpStream", "ToSocketAddrs", "SystemTime", "Instant"]
        {
            for line in lines_with(source, effect) {
                fault(line, format!("`{effect}` on the floor of plain data"));
            }
        }
    });
    assert_none(&faults);
}

#[test]
fn each_file_says_its_idea_first() {
    let mut faults = Vec::new();
    for file in repository().iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(file).unwrap();
        let first = text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") || first.len() < 10 {
            faults.push(format!("{}: the first line is no `//!`", shown(file)));
        }
    }
    assert_none(&faults);
}

#[test]
fn nothing_of_the_workshop_is_left_behind() {
    // Written in pieces, so that this file passes its own test.
    let mut words: Vec<String> =
        ["TO DO", "FIX ME", "X XX:", "/Us ers/", "C:\\Us ers", "/ro ot/.", "<<< <<<<", ">>> >>>>"]
            .iter()
            .map(|word| word.replace(' ', ""))
            .collect();
    words.push(ROOT.to_owned());
    let mut faults = Vec::new();
    for file in repository() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for (i, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                faults.push(format!("{}:{}: `{word}`", shown(&file), i + 1));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn every_way_of_writing_a_path_is_seen() {
    let text = r##"//! Line one.
use crate::{model::Name, engine::{self, lower}};
use super::super::cli as c;
use ::rhai::{Engine, plugin as p};
use anyhow;
/* crate::hidden::one */ const A: &str = "crate::hidden::two"; const B: &str = r#"crate::"hidden"::three"#;
fn f<'a>(x: &'a str) -> crate::state::Row { let q = '"'; $crate::cmdlets::list!(q); self::own::g(x.rhai::<u8>()) }
mod inner { fn g() { super::super::probe::look() } }
#[cfg(test)]
mod tests { use crate::hidden::four; fn h() {} }
#[derive(clap::Parser)]
struct S;
#[cfg(test)]
mod apart;
use std::{env, fs::{self, write}};
"##;
    let mut source = Source::of("session/plan.rs".to_owned(), text);
    assert_eq!(source.drop_test_items(), ["apart"]);
    let crates = ["rhai", "anyhow", "clap"].map(str::to_owned).into();
    let found: Vec<String> =
        source.paths(&crates).iter().map(|path| format!("{} {}", path.line, path.segments.join("::"))).collect();
    assert_eq!(
        found,
        [
            "2 model::Name",
            "2 engine",
            "2 engine::lower",
            "3 cli",
            "4 rhai::Engine",
            "4 rhai::plugin",
            "5 anyhow",
            "7 state::Row",
            "7 cmdlets::list",
            "7 session::plan::own::g",
            "8 session::probe::look",
            "11 clap::Parser",
        ]
    );
    assert_eq!(source.lines_with(&["Row"]), [7]);
    assert_eq!([lines_with(&source, "std::env"), lines_with(&source, "fs::write")], [[15], [15]]);
    assert!(lines_with(&source, "fs::read").is_empty());
}

fn src() -> PathBuf {
    Path::new(ROOT).join("src")
}

fn may_use(unit: &str, other: &str) -> bool {
    FLOORS
        .iter()
        .filter(|(units, _)| units.contains(&unit))
        .any(|(_, below)| below.iter().any(|floor| floor.contains(&other)))
}

/// The unit that a path of this crate leads to; a name that the root exports again leads to where it comes from.
fn unit_of<'a>(path: &'a Found, reexports: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let first = path.segments.first()?;
    Some(reexports.get(first).unwrap_or(first))
}

fn root_names() -> BTreeMap<String, String> {
    let text = fs::read_to_string(src().join("lib.rs")).unwrap();
    let mut names = BTreeMap::new();
    for statement in text.split(';') {
        let Some((unit, rest)) =
            statement.trim_start_matches('\n').strip_prefix("pub use ").and_then(|rest| rest.split_once("::"))
        else {
            continue;
        };
        for name in rest.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            names.insert(name.to_owned(), unit.to_owned());
        }
    }
    assert!(names.contains_key("Engine"), "`lib.rs` no longer reads as it did: {names:?}");
    names
}

/// The names of `[dependencies]` as code writes them.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let table = rest.split("\n[").next().unwrap_or_default();
    let package = |line: &str| line.split([' ', '=']).next().map(|name| name.replace('-', "_"));
    let names: BTreeSet<String> =
        table.lines().filter_map(package).filter(|name| !name.is_empty() && !name.starts_with('#')).collect();
    names.into_iter().map(|name| if name == "rustls_webpki" { "webpki".to_owned() } else { name }).collect()
}

/// The lines on which an effect is named, whether in one piece or through a tree of `use`.
fn lines_with(source: &Source, effect: &str) -> Vec<usize> {
    let words = words(effect);
    let mut lines = source.lines_with(&words);
    let segments: Vec<&str> = words.iter().copied().filter(|word| *word != "::").collect();
    let std = BTreeSet::from(["std".to_owned()]);
    lines.extend(
        source
            .paths(&std)
            .iter()
            .filter(|path| path.segments.windows(segments.len()).any(|w| w == segments))
            .map(|path| path.line),
    );
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// `a::b!` as the tokens of a source.
fn words(text: &str) -> Vec<&str> {
    let (path, is_macro) = text.strip_suffix('!').map_or((text, false), |path| (path, true));
    let mut words: Vec<&str> = path.split("::").flat_map(|word| ["::", word]).skip(1).collect();
    words.extend(is_macro.then_some("!"));
    words
}

fn faults(check: impl Fn(&Source, &mut dyn FnMut(usize, String))) -> Vec<String> {
    let mut faults = Vec::new();
    let sources = sources(&src());
    assert!(sources.len() > 100, "only {} files found", sources.len());
    for source in sources.iter().filter(|source| source.unit() != "lib") {
        check(source, &mut |line, text| faults.push(format!("src/{}:{line}: {text}", source.file)));
    }
    faults
}

/// Every file of the repository but `Cargo.lock`.
fn repository() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match name.as_ref() {
                ".git" | "target" | "corpus" | "artifacts" | "seeds" | "Cargo.lock" => {}
                _ if path.is_dir() => folders.push(path),
                _ => files.push(path),
            }
        }
    }
    files.sort();
    files
}

fn shown(file: &Path) -> String {
    file.strip_prefix(ROOT).unwrap_or(file).display().to_string()
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
