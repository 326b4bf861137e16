//! C53–C74, C124: assigning, what is refused, and taking away.

use serde_json::json;

use super::foreign::{Foreign, self_signed};
use crate::world::{CA, EXTERNAL_SITE, INTERNAL_SITE, THREE, World, said, set, text, warning};

fn assign(uses: &str, thumbprint: &str) -> String {
    format!("Set-CsCertificate -Type {uses} -Thumbprint {thumbprint}")
}

#[test]
fn c53_a_thumbprint_that_is_not_stored() {
    let thumbprint = "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
    let error = World::new().refuses(&assign("Default", thumbprint), 1, "CertificateNotFound");
    assert_eq!((&error["target"], &error["category"]), (&json!(thumbprint), &json!("ObjectNotFound")));
}

#[test]
fn c54_a_thumbprint_of_43_digits() {
    let thumbprint = "B142918E463981A76503828BB1278391B716280987B";
    let error =
        World::new().refuses(&assign("WebServicesExternal", &format!("\"{thumbprint}\"")), 1, "InvalidThumbprint");
    assert_eq!(error["target"], thumbprint);
}

#[test]
fn c56_a_certificate_that_has_ended() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    let thumbprint = world.import("expired.pem", &foreign.expired().both());
    world.refuses(&assign("Default", &thumbprint), 1, "CertificateExpired");
}

#[test]
fn c58_a_certificate_for_clients() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    let thumbprint = world.import("client.pem", &foreign.client().both());
    world.refuses(&assign("Default", &thumbprint), 1, "MissingServerAuthEku");
}

#[test]
fn a_certificate_without_its_key() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    let thumbprint = world.import("nokey.cer", foreign.server().certificate.as_bytes());
    world.refuses(&assign("Default", &thumbprint), 1, "NoPrivateKey");
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let world = World::new();
    let thumbprint = world.import("self.pem", &self_signed().both());
    world.refuses(&assign(THREE, &thumbprint), 1, "UntrustedChain");
    // The root that is not configured makes the same difference.
    let foreign = Foreign::new();
    let thumbprint = world.import("server.pem", &foreign.server().both());
    world.refuses(&assign(THREE, &thumbprint), 1, "UntrustedChain");
    world.trust(&foreign.root);
    assert_eq!(world.emits(&assign(THREE, &thumbprint)).len(), 3);
}

#[test]
fn c60_names_that_are_missing() {
    let world = World::new();
    let part = world.part();
    let ran = world.run(&assign(THREE, &part)).exits(0);
    assert_eq!(ran.objects().len(), 3);
    let warnings: String = said(&ran, "warning")
        .iter()
        .filter(|w| w["id"] != "ServingHere")
        .map(|w| text(w, "message").to_ascii_lowercase())
        .collect();
    let words = set(warnings.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-'));
    for name in [
        "webpool01.contoso.net",
        "webpool01.contoso.com",
        "meet.contoso.com",
        "dialin.contoso.com",
        "admin.contoso.com",
    ] {
        assert!(words.contains(name), "{name}: {warnings}");
    }
    for name in ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"] {
        assert!(!words.contains(name), "{name}: {warnings}");
    }
    assert_eq!(world.bound(EXTERNAL_SITE), Some(part));
}

#[test]
fn c62_the_certificate_comes_by_pipeline() {
    let world = World::new();
    let full = world.full();
    world.emits(&assign("Default", &full));
    let records = world.emits("Get-CsCertificate -Type Default | Set-CsCertificate -Type WebServicesExternal");
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["Use"], &records[0]["Thumbprint"]), (&json!("WebServicesExternal"), &json!(full)));
    assert_eq!(world.bound(EXTERNAL_SITE), Some(full));
}

#[test]
fn c63_staging_needs_its_moment() {
    let world = World::new();
    let full = world.full();
    world.refuses(&format!("{} -Roll", assign("AudioVideoAuthentication", &full)), 1, "RollNeedsEffectiveDate");
}

#[test]
fn c64_c65_a_certificate_is_staged_with_its_lead() {
    let world = World::edge();
    let request = || {
        let more = "-Type AudioVideoAuthentication -Template jcila -PrivateKeyExportable $true";
        text(&world.request(more), "Thumbprint")
    };
    let (one, two) = (request(), request());
    world.run(&assign("AudioVideoAuthentication", &one)).exits(0);
    let staged = |hours: &str| {
        let line = format!(
            "$c = Get-CsCertificate -Type AudioVideoAuthentication; {} -Roll -EffectiveTime $c.NotAfter.AddHours({hours})",
            assign("AudioVideoAuthentication", &two)
        );
        let ran = world.run(&line).exits(0);
        let late = said(&ran, "warning").iter().any(|w| w["id"] == "RollLeadTooShort");
        let record = ran.objects()[0].clone();
        assert_eq!((&record["Thumbprint"], &record["StagedThumbprint"]), (&json!(one), &json!(two)));
        late
    };
    // What the old certificate signed lives for 8 hours.
    assert_eq!((staged("-9"), staged("-8"), staged("-7")), (false, false, true));
}

#[test]
fn what_is_global_by_nature_is_staged_a_day_ahead() {
    let world = World::new();
    let request = || {
        let more = "-Type OAuthTokenIssuer -Template jcila -PrivateKeyExportable $true";
        text(&world.request(more), "Thumbprint")
    };
    let (one, two) = (request(), request());
    let ran = world.run(&assign("OAuthTokenIssuer", &one)).exits(0);
    assert_eq!(ran.objects()[0]["SourceScope"], "Global");
    warning(&ran, "KeyTravels");
    let late = |hours: &str| {
        let line = format!(
            "$c = Get-CsCertificate -Type OAuthTokenIssuer; {} -Roll -EffectiveDate $c.NotAfter.AddHours({hours})",
            assign("OAuthTokenIssuer", &two)
        );
        said(&world.run(&line).exits(0), "warning").iter().any(|w| w["id"] == "RollLeadTooShort")
    };
    assert_eq!((late("-25"), late("-20")), (false, true));
    assert!(world.emits("Remove-CsCertificate -Type OAuthTokenIssuer -Force").is_empty());
    assert!(world.emits("Get-CsCertificate -Identity global").is_empty());
}

#[test]
fn c67_what_if_changes_nothing() {
    let world = World::new();
    let full = world.full();
    let before = world.facts();
    let ran = world.run(&format!(r"{} -Report C:\Logs\set.html -WhatIf", assign(THREE, &full))).exits(0);
    let lines: Vec<String> = said(&ran, "whatif").iter().map(|m| text(m, "message")).collect();
    for word in THREE.split(',').chain([INTERNAL_SITE, EXTERNAL_SITE]) {
        assert!(lines.iter().any(|line| line.contains(word)), "{word}: {lines:#?}");
    }
    assert_eq!(world.facts(), before);
    assert!(!world.file("drive_c/Logs/set.html").exists());
}

#[test]
fn c68_the_same_once_more() {
    let world = World::new();
    let full = world.full();
    let first = world.emits(&assign(THREE, &full));
    let before = world.facts();
    let ran = world.run(&assign(THREE, &full)).exits(0);
    assert_eq!(ran.objects(), first);
    assert_eq!(world.facts(), before);
    // It serves the sites in order to prove them again.
    warning(&ran, "ServingHere");
}

#[test]
fn c70_who_is_no_administrator() {
    let world = World::new();
    let full = world.full();
    world.edit("certlet.toml", r"administrators = ['contoso\kenmyer']", r"administrators = ['contoso\other']");
    world.refuses(&assign(THREE, &full), 5, "NotAdministrator");
    assert_eq!(world.emits("Get-CsCertificate").len(), 3);
}

#[test]
fn c71_c74_taken_away_and_brought_back() {
    let world = World::new();
    let (old, keys) = (world.old(), world.keys());
    assert!(world.emits("Remove-CsCertificate -Type WebServicesExternal -Force").is_empty());
    let both = |uses: &[&str]| uses.iter().map(|u| ((*u).to_owned(), old.clone())).collect::<Vec<_>>();
    assert_eq!(world.assigned(), both(&["Default", "WebServicesInternal"]));
    assert_eq!((world.bound(EXTERNAL_SITE), world.bound(INTERNAL_SITE)), (None, Some(old.clone())));
    assert_eq!((&world.certificate(&old)["HasPrivateKey"], world.keys()), (&json!(true), keys));

    let records = world.emits(&assign("WebServicesExternal", &old));
    assert_eq!((records.len(), &records[0]["Thumbprint"]), (1, &json!(old)));
    assert_eq!(world.assigned(), both(&["Default", "WebServicesInternal", "WebServicesExternal"]));
    assert_eq!(world.bound(EXTERNAL_SITE), Some(old.clone()));
}

#[test]
fn removing_is_never_done_unasked() {
    World::new().refuses("Remove-CsCertificate -Type WebServicesExternal", 1, "NonInteractivePrompt");
}

#[test]
fn c124_different_certificates_are_joined() {
    let world = World::new();
    let (old, full) = (world.old(), world.full());
    world.emits(&assign("WebServicesInternal,WebServicesExternal", &full));
    let ran = world.run(&assign(THREE, &full)).exits(0);
    assert_eq!(ran.objects().len(), 3);
    let message = warning(&ran, "UsesJoined").to_ascii_uppercase();
    assert!(message.contains(&old) && message.contains(&full), "{message}");
    assert!(world.assigned().iter().all(|(_, thumbprint)| *thumbprint == full));
    // One certificate for all is no joining.
    let ran = world.run(&assign(THREE, &old)).exits(0);
    assert!(said(&ran, "warning").iter().all(|w| w["id"] != "UsesJoined"), "{ran:#?}");
}

#[test]
fn a_request_and_its_assignment_in_one_line() {
    let world = World::new();
    let records =
        world.emits(&format!("Request-CsCertificate -New -Type {THREE} -CA {CA} | Set-CsCertificate -Type {THREE}"));
    assert_eq!(records.len(), 3);
    assert_eq!(world.bound(INTERNAL_SITE), Some(text(&records[0], "Thumbprint")));
}

#[test]
fn what_its_authority_does_not_date_back_is_deployed_when_the_skew_allows_it() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    let young = foreign.made(|params| params.not_before = time::OffsetDateTime::now_utc() - time::Duration::seconds(2));
    let thumbprint = world.import("young.pem", &young.both());
    let set = format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}");
    let error = world.refuses(&set, 1, "CertificateNotYetValid");
    assert!(error["hints"].to_string().contains("skew"), "{error}");
    world.edit("certlet.toml", "[proof]", "[proof]\nskew = 1");
    world.emits(&set);
    world.edit("certlet.toml", "skew = 1", "skew = 0");
    let younger = foreign.made(|params| params.not_before = time::OffsetDateTime::now_utc());
    let thumbprint = world.import("younger.pem", &younger.both());
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}"));
    assert!(world.assigned().iter().all(|(_, t)| *t == thumbprint));
}
