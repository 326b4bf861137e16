//! C01–C07: the operator's procedure from start to end.

use serde_json::json;

use crate::world::{CA, COMPUTED, EXTERNAL_SITE, INTERNAL_SITE, LYNCDISCOVER, THREE, World, names, said, set, text};

/// The order in which the properties of an assigned certificate are printed.
const LAYOUT: [&str; 8] =
    ["Issuer", "NotAfter", "NotBefore", "SerialNumber", "Subject", "AlternativeNames", "Thumbprint", "Use"];

fn request_of_the_procedure() -> String {
    format!(
        "Request-CsCertificate -New -Type {THREE} -CA {CA} -Verbose -DomainName \"LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com\""
    )
}

#[test]
fn c01_what_is_assigned() {
    let world = World::new();
    world.full();
    let old = world.old();
    let uses: Vec<&str> = THREE.split(',').collect();
    let expected: Vec<(String, String)> = uses.iter().map(|u| ((*u).to_owned(), old.clone())).collect();
    assert_eq!(world.assigned(), expected);

    let shown = world.show("Get-CsCertificate").exits(0).stdout;
    for block in shown.trim().split("\n\n") {
        let labels: Vec<&str> =
            block.lines().filter_map(|line| line.split_once(" : ").map(|(label, _)| label.trim())).collect();
        let places: Vec<usize> = LAYOUT.iter().map(|name| labels.iter().position(|l| l == name).expect(name)).collect();
        assert!(places.is_sorted(), "{block}");
    }
    assert_eq!(shown.matches("\nUse ").count(), 3, "{shown}");
    let flat: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat.matches(&format!("{{{}...}}", COMPUTED[..4].join(", "))).count(), 3, "{shown}");
}

#[test]
fn c02_a_certificate_for_three_uses() {
    let world = World::new();
    let before = world.facts();
    let (assigned, bound) = (world.assigned(), world.bound(EXTERNAL_SITE));
    let ran = world.run(&request_of_the_procedure()).exits(0);
    let issued = &ran.objects()[0];
    assert_eq!(issued["Subject"], "CN=pool01.contoso.net");
    let expected = set(COMPUTED.into_iter().chain(LYNCDISCOVER));
    assert_eq!(names(&issued["AlternativeNames"]), expected);
    let thumbprint = text(issued, "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    assert_eq!(world.emits("Request-CsCertificate -List")[0]["RequestId"], 41);

    let verbose: Vec<String> = said(&ran, "verbose").iter().map(|m| text(m, "message")).collect();
    let pasteable = |line: &String| line.rsplit_once(": ").is_some_and(|(_, list)| set(list.split(',')) == expected);
    assert_eq!(verbose.iter().filter(|line| pasteable(line)).count(), 1, "{verbose:#?}");
    assert!(verbose.iter().any(|line| line.contains(CA)), "{verbose:#?}");
    assert!(verbose.iter().any(|line| line.contains(&thumbprint)), "{verbose:#?}");
    assert!(said(&ran, "warning").is_empty(), "{ran:#?}");

    assert_eq!((world.assigned(), world.bound(EXTERNAL_SITE)), (assigned, bound));
    assert_ne!(world.facts(), before);
}

#[test]
fn c03_assigned_and_bound() {
    let world = World::new();
    let (old, full) = (world.old(), world.full());
    let all = |world: &World| {
        world.emits("Get-WebBinding | Select-Object Site, protocol, bindingInformation, certificateHash")
    };
    let before = all(&world);
    let records = world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {full}"));
    let uses: Vec<String> = records.iter().map(|r| text(r, "Use")).collect();
    assert_eq!(uses, THREE.split(',').collect::<Vec<_>>());
    for record in &records {
        assert_eq!((&record["Thumbprint"], &record["PreviousThumbprint"]), (&json!(full), &json!(old)));
    }
    let mut expected = before;
    for binding in &mut expected {
        if binding["protocol"] != "http" {
            assert_eq!(binding["certificateHash"], json!(old));
            binding["certificateHash"] = json!(full);
        }
    }
    assert_eq!(all(&world), expected);
    assert_eq!((world.bound(INTERNAL_SITE), world.bound(EXTERNAL_SITE)), (Some(full.clone()), Some(full)));
    let default = world.emits("Get-WebBinding -Name 'Default Web Site'");
    assert_eq!(
        (default.len(), &default[0]["bindingInformation"], &default[0]["certificateHash"]),
        (1, &json!("*:8081:"), &json!(null))
    );
}

#[test]
fn c04_one_thumbprint_in_a_table() {
    let world = World::new();
    let full = world.full();
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {full}"));
    let rows = world.emits("Get-CsCertificate | Select-Object Use, Thumbprint");
    let expected: Vec<_> = THREE.split(',').map(|u| json!({"Use": u, "Thumbprint": full})).collect();
    assert_eq!(rows, expected);
    let shown = world.show("Get-CsCertificate | Select-Object Use, Thumbprint").exits(0).stdout;
    let lines: Vec<Vec<&str>> =
        shown.lines().map(|l| l.split_whitespace().collect()).filter(|l: &Vec<_>| !l.is_empty()).collect();
    assert_eq!(lines[0], ["Use", "Thumbprint"]);
    assert_eq!(lines[2..].iter().map(|l| l[0]).collect::<Vec<_>>(), THREE.split(',').collect::<Vec<_>>());
    assert!(lines[2..].iter().all(|l| l[1] == full), "{shown}");
}

#[test]
fn c05_the_binding_of_the_external_site() {
    let world = World::new();
    let full = world.full();
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {full}"));
    let bindings = world.emits("Get-WebBinding -Name \"Lync Server External Web Site\" -Protocol https");
    assert_eq!(bindings.len(), 1);
    assert_eq!(bindings[0]["bindingInformation"], "*:4443:");
    assert_eq!(text(&bindings[0], "certificateHash").to_ascii_uppercase(), full);
    assert_eq!(bindings[0]["certificateStoreName"], "My");
}

#[test]
fn c07_the_template_that_builds_the_subject() {
    let world = World::new();
    let ran =
        world.run(&format!("Request-CsCertificate -New -Type {THREE} -CA {CA} -Template AdComputer -Verbose")).exits(0);
    assert_eq!(names(&ran.objects()[0]["AlternativeNames"]), set(["fe01.contoso.net"]));
    let verbose: Vec<String> = said(&ran, "verbose").iter().map(|m| text(m, "message")).collect();
    // The whole computed list, once when it is computed and once more because the names differ.
    let pasteable =
        |line: &&String| line.rsplit_once(": ").is_some_and(|(_, list)| set(list.split(',')) == set(COMPUTED));
    assert_eq!(verbose.iter().filter(pasteable).count(), 2, "{verbose:#?}");
    let warning = crate::world::warning(&ran, "NamesDiffer");
    for name in COMPUTED {
        assert_eq!(warning.contains(name), name != "fe01.contoso.net", "{name}: {warning}");
    }
}

#[test]
fn c106_the_request_over_three_lines() {
    let world = World::new();
    let lines = request_of_the_procedure().replace(" -CA", " `\n  -CA").replace(" -Verbose", " `\n  -Verbose");
    assert_eq!(lines.lines().count(), 3);
    let issued = world.emits(&lines);
    assert_eq!(issued.len(), 1);
    assert_eq!(names(&issued[0]["AlternativeNames"]), set(COMPUTED.into_iter().chain(LYNCDISCOVER)));
    assert_eq!(world.emits("Request-CsCertificate -List")[0]["RequestId"], 41);
}
