//! `Get-TlsStatus` of whole homes: lists that end, files that are missing, and the exit code.

use certlet::ExitCode;

use super::{Later, text};

/// The checks that were found, with their states.
fn found(world: &Later) -> Vec<String> {
    let came = world.run("Get-TlsStatus");
    let shown: Vec<String> =
        came.objects.iter().map(|f| format!("{} {}", text(f, "State"), text(f, "Check"))).collect();
    let is_red = shown.iter().any(|f| f.starts_with("Red"));
    assert_eq!(came.exit, if is_red { ExitCode::Failed } else { ExitCode::Done }, "{shown:?}");
    shown
}

#[test]
fn from_amber_to_green_to_red() {
    let world = Later::new();
    // What is assigned already is proven, and served from here on.
    world.set(&world.only());
    assert_eq!(found(&world), ["Green Well"]);
    world.days(14);
    assert_eq!(found(&world), ["Amber EndsSoon", "Amber ProofStale", "Amber ProofStale", "Amber ProofStale"]);
    assert_eq!(text(&world.emits("Get-TlsStatus")[0], "Remedy"), "Invoke-TlsRenewal");
    world.days(3);
    assert_eq!(found(&world)[0], "Red EndsSoon");
    world.days(4);
    assert_eq!(found(&world)[0], "Red Expired");
    // The line that it names is the cure.
    world.emits(&text(&world.run("Get-TlsStatus").objects[0], "Remedy"));
    assert_eq!(found(&world), ["Green Well"]);
}

#[test]
fn a_list_that_cannot_be_read_hides_nothing_of_the_rest() {
    let world = Later::configured(&[("[proof]", "[trust]\ncrls = [\"topology.toml\"]\n\n[proof]")]);
    let shown = found(&world);
    assert!(shown.contains(&"Red NotLookedAt".to_owned()) && shown.contains(&"Green Well".to_owned()), "{shown:?}");
}

#[test]
fn the_list_of_an_embedded_authority_is_published_before_it_ends() {
    let world = Later::configured(&[(
        "next_request_id = 41",
        "next_request_id = 41\ncrl = { url = \"http://pki.contoso.net/ca.crl\", file = \"ca.crl\", days = 4 }",
    )]);
    // What is assigned already is proven, and served from here on.
    world.set(&world.only());
    assert_eq!(found(&world), ["Amber CrlDue", "Green Well"]);
    world.emits(&text(&world.emits("Get-TlsStatus")[0], "Remedy"));
    assert_eq!(found(&world), ["Green Well"]);
    world.days(5);
    assert_eq!(found(&world)[0], "Red CrlEnded");
    // The timer's line publishes it.
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert!(!found(&world).iter().any(|f| f.contains("Crl")));
    // A revocation is told at once.
    let spare = world.request("");
    world.emits(&format!("Revoke-Certificate -Thumbprint {spare} -Reason Superseded -Force"));
    assert!(!found(&world).iter().any(|f| f.contains("Crl")));
}
