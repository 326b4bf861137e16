//! The README is true: its tour runs, its table of verbs is the registry's, its files exist.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use certlet::command::Impact;
use certlet::{Engine, Session};

const README: &str = include_str!("../../README.md");

#[test]
fn the_tour_runs_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for block in README.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for step in block.split("$ ").skip(1) {
            let (line, wanted) = step.split_once('\n').unwrap();
            let output = run(folder.path(), line);
            let mut rest = output.as_str();
            for pattern in wanted.lines().filter(|l| !l.is_empty()) {
                let found = rest.lines().position(|l| fits(l.trim(), pattern.trim()));
                let Some(at) = found else { panic!("`{line}` did not print `{pattern}`, but:\n{output}") };
                let used: usize = rest.split_inclusive('\n').take(at + 1).map(str::len).sum();
                rest = &rest[used..];
            }
            count += 1;
        }
    }
    assert!(count >= 8, "the tour has {count} lines");
}

/// Runs a line as a shell would, standard error and output in one stream, in a fresh environment.
fn run(folder: &Path, line: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_certlet"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("( {line} ) 2>&1")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "`{line}`: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a line is the pattern, `…` standing for anything; columns may be padded differently.
fn fits(line: &str, pattern: &str) -> bool {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let pattern = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = line.as_str();
    for (index, part) in pattern.split('…').enumerate() {
        let Some(at) = rest.find(part) else { return false };
        if index == 0 && at != 0 {
            return false;
        }
        rest = &rest[at + part.len()..];
    }
    true
}

#[test]
fn the_table_of_verbs_is_the_registry() {
    let engine = Engine::new(Session::builder().build());
    let mut verbs: Vec<_> = engine.registry().verbs().iter().map(|v| v.spec).collect();
    verbs.sort_by_key(|s| s.name);
    let mut table = String::from("| verb | what it does |\n|---|---|\n");
    for spec in verbs {
        let mark = if spec.changes == Impact::Reads { "" } else { " (changes)" };
        writeln!(table, "| `{}` | {}{mark} |", spec.name, spec.synopsis).unwrap();
    }
    let start = README.find("registry by a test -->\n").unwrap() + "registry by a test -->\n".len();
    let end = README.find("<!-- end of verbs -->").unwrap();
    assert_eq!(README[start..end].trim(), table.trim(), "put this into the README:\n{table}");
}

#[test]
fn what_it_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [
        "scripts/configure-web-services.rhai",
        "tests/run",
        ".cargo/config.toml",
        "tests/it/embed.rs",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ] {
        assert!(README.contains(file) || file.starts_with("LICENSE"), "{file}");
        assert!(root.join(file).exists(), "{file} is not there");
    }
}
