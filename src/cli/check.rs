//! `certlet check`: what is wrong with runbooks, configurations and topologies, without running anything.

use std::path::{Path, PathBuf};

use super::report::Source;
use super::run::read;
use super::shell::Shell;
use crate::config::{read_certlet_toml, read_topology};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};

/// Checks each file and shows all faults of all files; with faults the exit code is 2.
pub(super) fn check(shell: &Shell, files: &[PathBuf]) -> ExitCode {
    let engine = shell.engine(false, []);
    let mut exit = ExitCode::Done;
    for path in files {
        let faults = faults(shell, &engine, path);
        if faults.is_empty() {
            shell.terminal.note(&format!("`{}` has no faults", path.display()));
            continue;
        }
        exit = ExitCode::Usage;
        for fault in faults {
            shell.terminal.error(&fault, None);
        }
    }
    exit
}

fn faults(shell: &Shell, engine: &Engine, path: &Path) -> Vec<Error> {
    match kind(path) {
        Kind::Configuration => read_certlet_toml(path).err().into_iter().collect(),
        Kind::Topology => read_topology(&[path.to_owned()]).err().into_iter().collect(),
        Kind::Runbook => match read(path) {
            Err(error) => vec![error],
            Ok(script) => {
                let shown = path.display().to_string();
                shell.terminal.set_source(Source { file: Some(shown.as_str().into()), text: script.as_str().into() });
                engine.check(&script, Some(&shown)).err().unwrap_or_default()
            }
        },
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Configuration,
    Topology,
    Runbook,
}

/// `certlet.toml` and `NAME.certlet.toml` are configurations, other TOML and XML files topologies.
fn kind(path: &Path) -> Kind {
    let lower =
        |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match (lower(path.file_stem()).as_str(), lower(path.extension()).as_str()) {
        (stem, "toml") if stem == "certlet" || stem.ends_with(".certlet") => Kind::Configuration,
        (_, "toml" | "xml") => Kind::Topology,
        _ => Kind::Runbook,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_name() {
        assert_eq!(kind(Path::new("/home/certlet.toml")), Kind::Configuration);
        assert_eq!(kind(Path::new("test.Certlet.toml")), Kind::Configuration);
        assert_eq!(kind(Path::new("topology.toml")), Kind::Topology);
        assert_eq!(kind(Path::new("lync.xml")), Kind::Topology);
        assert_eq!(kind(Path::new("renew.rhai")), Kind::Runbook);
        assert_eq!(kind(Path::new("/")), Kind::Runbook);
    }
}
