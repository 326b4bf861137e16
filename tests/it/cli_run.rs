//! `certlet run` and `certlet check`: runbooks with parameters and help.

use std::fs;
use std::path::Path;

use crate::common::{Shell, contoso};
use crate::world::{World, names};

const RUNBOOK: &str = r#"// Greets somebody.
//
// Politely.
param(#{ name: #{ type: "String", help: "Whom" }, times: #{ type: "Int32", default: 1, help: "How often" } });
for i in 0..times { print("Hello, " + name); }
"#;

#[test]
fn parameters_come_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("greet.rhai"), RUNBOOK).unwrap();
    let run = |words: &[&str]| {
        words.iter().fold(Shell::in_folder(folder.path()).args(["run", "greet.rhai"]), Shell::arg).run()
    };
    assert_eq!(run(&["name=Ken=Myer", "times=2"]).exits(0).stdout, "Hello, Ken=Myer\nHello, Ken=Myer\n");
    assert!(run(&[]).exits(2).stderr.contains("[MissingMandatoryParameter]"));
    assert!(run(&["name=Ken", "times=often"]).exits(2).stderr.contains("[CannotConvertArgument]"));
    assert!(run(&["name=Ken", "nmae=Ken"]).exits(2).stderr.contains("[NamedParameterNotFound]"));
    assert!(
        Shell::in_folder(folder.path()).args(["run", "absent.rhai"]).run().exits(2).stderr.contains("[FileNotFound]")
    );
}

#[test]
fn a_runbook_has_help() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("greet.rhai"), RUNBOOK).unwrap();
    let ran = Shell::in_folder(folder.path()).args(["run", "greet.rhai", "-?"]).run().exits(0);
    for text in ["Greets somebody.", "certlet run greet.rhai name=<String> [times=<Int32>]", "Whom", "Default value  1"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    let ran = Shell::new().args(["run", "-?"]).run().exits(0);
    assert!(ran.stdout.contains("NAME=VALUE"), "{}", ran.stdout);
}

#[test]
fn an_error_in_a_runbook_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.rhai"), "fn f(x) { throw \"no\" }\nf(1);\n").unwrap();
    let ran = Shell::in_folder(folder.path()).args(["run", "bad.rhai"]).run().exits(1);
    assert!(ran.stderr.contains("bad.rhai:1:11") && ran.stderr.contains("bad.rhai:2:1"), "{}", ran.stderr);
}

#[test]
fn what_if_changes_nothing() {
    let home = contoso();
    let folder = tempfile::tempdir().unwrap();
    let request = r"Request-CsCertificate -New -Type Default -CA dc01.contoso.net\contoso-DC01-CA";
    fs::write(folder.path().join("renew.rhai"), request).unwrap();
    let all = || {
        let ran =
            Shell::new().arg("--home").arg(home.path()).args(["--json", "-c", "Get-CsCertificate"]).run().exits(0);
        (ran.objects(), fs::read(home.path().join("audit.jsonl")).unwrap())
    };
    let before = all();
    let ran = Shell::in_folder(folder.path())
        .arg("--home")
        .arg(home.path())
        .args(["run", "renew.rhai", "--whatif"])
        .run()
        .exits(0);
    assert!(ran.stderr.contains("What if: "), "{}", ran.stderr);
    assert_eq!(all(), before);
}

#[test]
fn check_finds_all_faults_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.rhai"), "print(\"ran\");\n").unwrap();
    fs::write(folder.path().join("bad.rhai"), "Get-CsCertificate -Typ\nGet-CsCertificate -Frob x\n").unwrap();
    let ran = Shell::in_folder(folder.path()).args(["check", "good.rhai"]).run().exits(0);
    assert_eq!(ran.stdout, "");
    let ran = Shell::in_folder(folder.path()).args(["check", "bad.rhai", "good.rhai", "absent.rhai"]).run().exits(2);
    for text in
        ["[MissingArgument]", "[NamedParameterNotFound]", "bad.rhai:2:", "`good.rhai` has no faults", "[FileNotFound]"]
    {
        assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr);
    }
}

#[test]
fn the_runbook_asks_for_added_names_once() {
    let world = World::new();
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/configure-web-services.rhai");
    let run = |domain_name: &str| {
        world.shell().arg("run").arg(&runbook).arg(format!("domain_name={domain_name}")).run().exits(0);
        world.assigned()
    };
    // A certificate that fits without the added name is not enough; one that bears it is used again.
    let (plain, added) = (run(""), run("shop.contoso.com"));
    assert_ne!(plain, added);
    for (used_for, thumbprint) in &added {
        assert!(names(&world.certificate(thumbprint)["AlternativeNames"]).contains("shop.contoso.com"), "{used_for}");
    }
    assert_eq!(run("Shop.Contoso.com, pool01.contoso.net"), added);
}
