//! The home folder: made, kept private, thrown away, served from.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{Ran, Shell, contoso, signal};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_writes_a_home_that_can_be_used_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("deep/home");
    let ran = Shell::new().arg("--home").arg(&home).arg("init").run().exits(0);
    assert!(ran.stdout.lines().last().unwrap().starts_with("next: certlet --home "), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    assert_eq!(
        (mode(&home), mode(&home.join("certlet.toml")), mode(&home.join("topology.toml"))),
        (0o700, 0o600, 0o600)
    );
    let text = fs::read_to_string(home.join("certlet.toml")).unwrap();
    assert!(text.contains("(certlet)'"), "{text}");
    Shell::new().arg("check").arg(home.join("certlet.toml")).run().exits(0);
    Shell::new().arg("--home").arg(&home).args(["-c", "Get-CsCertificate"]).run().exits(0);

    let ran = Shell::new().arg("--home").arg(&home).args(["init", "--sample", "web"]).run().exits(1);
    assert!(ran.stderr.contains("certlet.toml` is there already"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(home.join("certlet.toml")).unwrap(), text);
    fs::remove_file(home.join("certlet.toml")).unwrap();
    fs::write(home.join("topology.toml"), "mine").unwrap();
    Shell::new().arg("--home").arg(&home).arg("init").run().exits(1);
    assert_eq!(fs::read_to_string(home.join("topology.toml")).unwrap(), "mine");
    assert!(!home.join("certlet.toml").exists());
}

#[test]
fn init_leaves_shared_folders_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ran = Shell::new().env("HOME", folder.path()).arg("--home").arg(folder.path()).arg("init").run().exits(2);
    assert!(ran.stderr.contains("[HomeNotPrivate]"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_open_home_is_closed_with_a_note() {
    let home = contoso();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ran =
        Shell::new().env("CERTLET_HOME", home.path()).args(["-c", "Get-CsCertificate -Type Default"]).run().exits(0);
    assert!(ran.stderr.contains("had mode 0755"), "{}", ran.stderr);
    assert_eq!(mode(home.path()), 0o700);
}

#[test]
fn a_fault_of_the_configuration_is_shown_with_its_line() {
    let home = contoso();
    let path = home.path().join("certlet.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[state]", "[stat]") + "passphrase = \"hunter2\"\n").unwrap();
    for shell in [
        Shell::new().arg("check").arg(&path),
        Shell::new().arg("--home").arg(home.path()).args(["-c", "Get-CsCertificate"]),
    ] {
        let ran = shell.run().exits(2);
        assert!(ran.stderr.contains("[ConfigInvalid]") && ran.stderr.contains("[stat]"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
}

#[test]
fn a_sample_is_thrown_away_unless_kept() {
    let folder = tempfile::tempdir().unwrap();
    let left = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let sample = |options: &[&str]| {
        let shell = Shell::new().env("TMPDIR", folder.path()).args(["--sample", "--json"]);
        let shell = options.iter().fold(shell, Shell::arg);
        shell.args(["-c", "Get-CsCertificate | Select-Object Use, Thumbprint"]).run().exits(0)
    };
    assert_eq!(sample(&[]).objects().len(), 3);
    assert!(left().is_empty(), "{:?}", left());
    let ran = sample(&["--keep"]);
    let kept = left();
    assert_eq!(kept.len(), 1);
    assert!(ran.stderr.contains(kept[0].to_str().unwrap()), "{}", ran.stderr);
    let again = Shell::new().arg("--home").arg(&kept[0]).args([
        "--json",
        "-c",
        "Get-CsCertificate | Select-Object Use, Thumbprint",
    ]);
    assert_eq!(again.run().exits(0).objects(), ran.objects());
}

#[test]
fn nothing_open_is_nothing_to_recover() {
    let home = contoso();
    let ran = Shell::new().arg("--home").arg(home.path()).args(["--json", "recover"]).run().exits(0);
    assert!(ran.objects().is_empty());
    assert!(ran.stderr.contains("nothing is open"), "{}", ran.stderr);
}

#[test]
fn serve_says_where_and_ends_well() {
    let home = contoso();
    let serve = || Shell::new().arg("--home").arg(home.path()).arg("serve");
    let mut child = serve().start();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = out.by_ref().map(Result::unwrap).find(|line| line.starts_with("127.0.0.1:")).unwrap();
    let endpoint = first.split_whitespace().next().unwrap();
    std::net::TcpStream::connect(endpoint).unwrap();
    let ran = serve().run().exits(1);
    assert!(ran.stderr.contains("[Busy]"), "{}", ran.stderr);
    signal(&child, "TERM");
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(ran.stderr, "");
}
