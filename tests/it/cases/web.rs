//! The sample `web`: somebody who never heard of Lync requests, assigns and proves.

use std::path::Path;

use tempfile::TempDir;

use crate::common::{Ran, Shell};
use crate::world::{names, said, set, text};

fn run(home: &Path, line: &str) -> Ran {
    Shell::new().arg("--home").arg(home).args(["--no-input", "--json", "-c", line]).run()
}

fn web() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Shell::new().arg("--home").arg(folder.path()).args(["init", "--sample", "web"]).run().exits(0);
    let path = folder.path().join("certlet.toml");
    let short = std::fs::read_to_string(&path).unwrap().replacen("matches = 20", "matches = 3", 1);
    std::fs::write(path, short.replacen("window = \"500ms\"", "window = \"50ms\"", 1)).unwrap();
    folder
}

#[test]
fn a_shop_gets_its_certificate_by_four_plain_verbs() {
    let home = web();
    let run = |line: &str| run(home.path(), line);
    let computed = run("Get-TlsName -Type Shop | Select-Object -ExpandProperty Name").exits(0).objects();
    assert_eq!(computed, ["shop.example.com", "www.shop.example.com"]);
    let issued = run("Request-TlsCertificate -New -Type Shop").exits(0).objects();
    assert_eq!(names(&issued[0]["AlternativeNames"]), set(["shop.example.com", "www.shop.example.com"]));
    let thumbprint = text(&issued[0], "Thumbprint");
    // One process, which serves the shop's sites as long as it runs.
    let ran = run(&format!("Set-TlsCertificate -Type Shop -Thumbprint {thumbprint}; Test-TlsBinding")).exits(0);
    let objects = ran.objects();
    let (assigned, tested) = (&objects[0], &objects[1..]);
    assert_eq!((&assigned["Use"], &assigned["Thumbprint"]), (&"Shop".into(), &thumbprint.as_str().into()));
    assert_eq!(tested.len(), 3);
    assert!(tested.iter().all(|t| t["Verdict"] == "Proven"), "{tested:#?}");
    // The members that were not touched have their own certificate yet, and the lines for them are said.
    let own = tested.iter().filter(|t| t["ActualThumbprint"] == thumbprint.as_str()).count();
    assert_eq!(own, 1, "{tested:#?}");
    let lines: Vec<String> = said(&ran, "warning")
        .iter()
        .filter(|w| w["id"] == "OtherMembers")
        .map(|w| text(w, "message").rsplit('`').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(lines.len(), 2, "{ran:#?}");
    let ran = run(&format!("{}; {}; Test-TlsBinding", lines[0], lines[1])).exits(0);
    let whole = ran.objects().iter().filter(|t| t["ActualThumbprint"] == thumbprint.as_str()).count();
    assert_eq!(whole, 3, "{ran:#?}");
    assert_eq!(run("Get-TlsCertificate -Identity web2.example.net").exits(0).objects()[0]["Thumbprint"], thumbprint);
    // Nothing that was said needs a knowledge of Lync.
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!["Lync", "Skype", "SIP"].iter().any(|word| shown.contains(word)), "{shown}");
}

#[test]
fn what_the_shop_needs_is_asked_for_before_a_key_is_made() {
    let home = web();
    let refused = |more: &str| {
        let ran = run(home.path(), &format!("Request-TlsCertificate -New -Type Shop {more}")).exits(1);
        said(&ran, "error")[0].clone()
    };
    let error = refused("-DomainName '*.shop.example.com'");
    assert_eq!((&error["id"], &error["target"]), (&"UseNeedNotMet".into(), &"*.shop.example.com".into()));
    let listed = run(home.path(), "Request-TlsCertificate -List").exits(0).objects();
    assert!(listed.is_empty(), "{listed:#?}");
}
