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

#[test]
fn members_of_the_pool_that_are_behind_are_told_with_the_line_that_mends_it() {
    let world = Later::web();
    let first = text(&world.emits("Get-TlsCertificate")[0], "Thumbprint");
    let members = |world: &Later| {
        let found = world.run("Get-TlsStatus | Where-Object Check -like 'Member*'").objects;
        found.iter().map(|f| ["State", "Check", "What", "Remedy"].map(|p| text(f, p))).collect::<Vec<_>>()
    };
    assert!(members(&world).is_empty());
    let new = text(&world.emits("Request-TlsCertificate -New -Type Shop")[0], "Thumbprint");
    world.emits(&format!("Set-TlsCertificate -Type Shop -Thumbprint {new} -Identity web2"));
    // The certificate that ends last is the one to have.
    let ahead = members(&world);
    assert_eq!(ahead.len(), 1, "{ahead:?}");
    assert_eq!(ahead[0][..2], ["Amber", "MemberAhead"]);
    assert_eq!(ahead[0][3], format!("Set-TlsCertificate -Type Shop -Thumbprint {new}"));
    world.emits(&ahead[0][3]);
    let behind = members(&world);
    assert_eq!(behind.len(), 1, "{behind:?}");
    assert_eq!(behind[0][..2], ["Amber", "MemberBehind"]);
    assert!(
        behind[0][2].starts_with("web3.example.net") && behind[0][3].ends_with("-Identity web3.example.net"),
        "{behind:?}"
    );
    // What a member serves that ends tomorrow wakes somebody.
    world.days(20);
    assert_eq!(members(&world)[0][0], "Red");
    world.emits(&behind[0][3]);
    assert!(members(&world).is_empty());
    assert_ne!(first, new);
}

#[test]
fn a_site_that_lost_its_certificate_is_told_which_stored_one_to_take() {
    let world = Later::new();
    let old = world.only();
    world.emits("Remove-CsCertificate -Type WebServicesExternal -Force");
    let found = world.emits("Get-TlsStatus | Where-Object Check -eq NothingAssigned");
    assert_eq!(text(&found[0], "Remedy"), format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {old}"));
}
