//! C46–C51: request files, their answers, and certificates from elsewhere.

use super::foreign::{Foreign, openssl};
use crate::world::{World, names, said, set, text, warning};

const REQUEST: &str =
    r"Request-CsCertificate -New -Type WebServicesExternal -Output C:\Certificates\WebServicesExternal.cer";
const EXTERNAL: [&str; 4] = ["pool01.contoso.net", "webpool01.contoso.com", "meet.contoso.com", "dialin.contoso.com"];

#[test]
fn c46_a_request_file_asks_nobody() {
    let world = World::new();
    let kenmyer = r#"'contoso\kenmyer' = ["Read", "Enroll", "Issue"]"#;
    world.edit("certlet.toml", kenmyer, r"'contoso\kenmyer' = []");
    let (stored, keys) = (world.stored(), world.keys());
    let requested = &world.emits(REQUEST)[0];
    assert_eq!((&requested["RequestId"], &requested["Status"]), (&serde_json::Value::Null, &"Pending".into()));

    let folder = world.file("drive_c/Certificates");
    let file = std::fs::read_to_string(folder.join("WebServicesExternal.cer")).unwrap();
    assert!(file.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"), "{file}");
    let shown = openssl(&folder, "req -in WebServicesExternal.cer -noout -verify -subject -text -nameopt RFC2253");
    assert!(shown.contains("subject=CN=pool01.contoso.net\n"), "{shown}");
    let dns =
        shown.split_whitespace().filter_map(|word| word.strip_prefix("DNS:")).map(|name| name.trim_end_matches(','));
    assert_eq!(set(dns), set(EXTERNAL));

    assert_eq!((world.stored(), world.keys()), (stored, keys + 1));
    let listed = world.emits("Request-CsCertificate -List");
    assert_eq!((listed.len(), &listed[0]["Status"], &listed[0]["CA"]), (1, &"Pending".into(), &"(offline)".into()));
}

#[test]
fn c47_the_answer_is_joined_to_its_key() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    world.emits(REQUEST);
    let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
    world.lay("response.cer", foreign.answer(&request).as_bytes());
    let keys = world.keys();
    let ran = world.run(r"Import-CsCertificate -Path C:\Certificates\response.cer").exits(0);
    assert!(said(&ran, "warning").is_empty(), "{ran:#?}");
    let imported = &ran.objects()[0];
    assert_eq!(names(&imported["AlternativeNames"]), set(EXTERNAL));
    let thumbprint = text(imported, "Thumbprint");
    assert_eq!((&world.certificate(&thumbprint)["HasPrivateKey"], world.keys()), (&true.into(), keys));
    assert!(world.emits("Request-CsCertificate -List").iter().all(|r| r["Status"] == "Issued"));
    let set = world.emits(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {thumbprint}"));
    assert_eq!((set.len(), &set[0]["Thumbprint"]), (1, &thumbprint.into()));
}

#[test]
fn the_answer_to_a_cleared_request_finds_its_key_again() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    world.emits(REQUEST);
    let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
    world.lay("response.cer", foreign.answer(&request).as_bytes());
    world.run("Request-CsCertificate -Clear -Confirm:$false").exits(0);
    assert!(world.emits("Request-CsCertificate -List").is_empty());
    let ran = world.run(r"Import-CsCertificate -Path C:\Certificates\response.cer").exits(0);
    assert!(said(&ran, "warning").is_empty(), "{ran:#?}");
    let thumbprint = text(&ran.objects()[0], "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    assert_eq!(world.emits(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {thumbprint}")).len(), 1);
}

#[test]
fn a_request_that_was_cleared_for_good_has_no_answer_any_more() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    world.emits(REQUEST);
    let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
    world.lay("response.cer", foreign.answer(&request).as_bytes());
    world.run("Request-CsCertificate -Clear -Force").exits(0);
    let ran = world.run(r"Import-CsCertificate -Path C:\Certificates\response.cer").exits(0);
    warning(&ran, "NoPrivateKey");
    let thumbprint = text(&ran.objects()[0], "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], false);
    world.refuses(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {thumbprint}"), 1, "NoPrivateKey");
}

#[test]
fn an_answer_for_other_names_says_which() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    world.emits(REQUEST);
    let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
    let answer = foreign.answer_for(&request, &["pool01.contoso.net", "meet.contoso.com", "other.contoso.com"]);
    world.lay("response.cer", answer.as_bytes());
    let ran = world.run(r"Import-CsCertificate -Path C:\Certificates\response.cer").exits(0);
    let said = warning(&ran, "NamesDiffer");
    let words = set(said.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-'));
    for (name, is_said) in [
        ("webpool01.contoso.com", true),
        ("dialin.contoso.com", true),
        ("other.contoso.com", true),
        ("meet.contoso.com", false),
    ] {
        assert_eq!(words.contains(name), is_said, "{name}: {said}");
    }
    assert_eq!(world.certificate(&text(&ran.objects()[0], "Thumbprint"))["HasPrivateKey"], true);
}

#[test]
fn a_chain_in_any_order_and_as_pkcs7() {
    let (world, foreign) = (World::new(), Foreign::new());
    world.trust(&foreign.root);
    world.emits(REQUEST);
    let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
    let answer = foreign.answer(&request);
    // The root first, the answer last.
    world.lay("chain.pem", format!("{}{answer}", foreign.root).as_bytes());
    let folder = world.file("drive_c/Certificates");
    openssl(&folder, "crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out chain.p7b");
    let ran = world.run(r"Import-CsCertificate -Path C:\Certificates\chain.p7b").exits(0);
    assert!(said(&ran, "warning").is_empty(), "{ran:#?}");
    let thumbprint = text(&ran.objects()[0], "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    assert_eq!(world.emits("Request-CsCertificate -List")[0]["Status"], "Issued");
    // The same certificate once more, as PEM: nothing is written.
    let before = world.facts();
    let again = world.run(r"Import-CsCertificate -Path C:\Certificates\chain.pem -Verbose").exits(0);
    assert_eq!((text(&again.objects()[0], "Thumbprint"), world.facts()), (thumbprint, before));
    assert!(said(&again, "verbose").iter().any(|m| text(m, "message").contains("stored already")));
}

#[test]
fn files_that_are_no_certificates() {
    let world = World::new();
    world.lay("text.cer", b"not a certificate");
    world.refuses(r"Import-CsCertificate -Path C:\Certificates\text.cer", 1, "BadCertificateFile");
    let foreign = Foreign::new();
    world.lay("bare.pem", foreign.server().certificate.as_bytes());
    let folder = world.file("drive_c/Certificates");
    openssl(&folder, "pkcs12 -export -nokeys -in bare.pem -passout pass: -out bare.pfx");
    world.refuses(r"Import-CsCertificate -Path C:\Certificates\bare.pfx", 1, "NoPrivateKey");
}

#[test]
fn import_certificate_joins_an_answer_to_its_key_too() {
    let (world, foreign) = (World::new(), Foreign::new());
    let requests = || world.emits(r"Get-ChildItem Cert:\LocalMachine\REQUEST | Select-Object Id");
    for is_cleared in [false, true] {
        world.emits(REQUEST);
        let id = requests()[0]["Id"].clone();
        assert_eq!(world.emits(&format!(r"Test-Path Cert:\LocalMachine\REQUEST\{id}")), [true]);
        let request = std::fs::read_to_string(world.file("drive_c/Certificates/WebServicesExternal.cer")).unwrap();
        world.lay("response.cer", foreign.answer(&request).as_bytes());
        if is_cleared {
            world.run("Request-CsCertificate -Clear -Confirm:$false").exits(0);
        }
        let ran = world.run(r"Import-Certificate C:\Certificates\response.cer").exits(0);
        assert!(said(&ran, "warning").is_empty(), "{ran:#?}");
        assert_eq!(ran.objects()[0]["HasPrivateKey"], true);
        assert!(requests().is_empty());
    }
}

#[test]
fn c50_c51_a_pfx_and_its_password() {
    let (world, foreign) = (World::new(), Foreign::new());
    let made = foreign.server();
    world.lay("leaf.pem", &made.both());
    world.lay("root.pem", foreign.root.as_bytes());
    let folder = world.file("drive_c/Certificates");
    openssl(
        &folder,
        "pkcs12 -export -in leaf.pem -certfile root.pem -name Foreign -passout pass:P@ss -out WebServer.pfx",
    );

    let import = |password: &str| {
        format!(
            r"Import-CsCertificate -Path C:\Certificates\WebServer.pfx -Password {password} -PrivateKeyExportable $True"
        )
    };
    let error = world.refuses(&import("wrong"), 1, "BadPassword");
    assert!(!error.to_string().contains("wrong"), "{error:#?}");

    let (assigned, exportable) = (world.assigned(), world.exportable_keys());
    let thumbprint = text(&world.emits(&import("P@ss"))[0], "Thumbprint");
    let stored = world.certificate(&thumbprint);
    assert_eq!((&stored["HasPrivateKey"], &stored["AssignedTo"]), (&true.into(), &serde_json::json!([])));
    assert_eq!((world.assigned(), world.exportable_keys()), (assigned, exportable + 1));
    let audit = std::fs::read_to_string(world.file("audit.jsonl")).unwrap();
    assert!(!audit.contains("P@ss"), "{audit}");
}
