//! C108–C113 and the inventory: the `Cert:` drive and bundles, at a size that a test can wait for.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::common::{Ran, signal};
use crate::world::{World, said, text};

const MY: &str = r"Cert:\LocalMachine\My";

#[test]
fn c108_a_self_signed_certificate_is_as_windows_makes_it() {
    let world = World::new();
    let made = world.emits(&format!(
        "New-SelfSignedCertificate -DnsName www.litwareinc.com,litwareinc.com -CertStoreLocation {MY}"
    ));
    let path = format!(r"{MY}\{}", text(&made[0], "Thumbprint"));
    let all = "Thumbprint, Subject, Issuer, DnsNameList, EnhancedKeyUsageList, KeyUsage, HasPrivateKey";
    let found = world.emits(&format!("Get-Item {path} | Select-Object {all}"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["Subject"], &found[0]["Issuer"]),
        (&found[0]["Issuer"], &Value::from("CN=www.litwareinc.com"))
    );
    assert_eq!(found[0]["DnsNameList"], serde_json::json!(["www.litwareinc.com", "litwareinc.com"]));
    let purposes = found[0]["EnhancedKeyUsageList"].as_array().unwrap();
    assert!(purposes.len() == 1 && purposes[0].as_str().unwrap().contains("1.3.6.1.5.5.7.3.1"), "{purposes:?}");
    assert_eq!(found[0]["HasPrivateKey"], true);
    let usage = text(&found[0], "KeyUsage");
    assert!(usage.contains("Digital Signature") && usage.contains("Key Encipherment"), "{usage}");
    // NotBefore ten minutes ago, NotAfter in a year.
    let spans = world.emits(&format!(
        "$c = Get-Item {path}; (New-TimeSpan -Start $c.NotBefore -End $c.NotAfter).TotalMinutes; (New-TimeSpan -Start $c.NotBefore).TotalMinutes"
    ));
    let spans: Vec<f64> = spans.iter().map(|span| span.as_f64().unwrap()).collect();
    assert!(spans.len() == 2 && (spans[0] - 525_610.0).abs() < 1.0 && (10.0..15.0).contains(&spans[1]), "{spans:?}");
}

#[test]
fn c110_a_self_signed_certificate_is_good_where_any_root_will_do() {
    let world = World::new();
    let made = world.emits("New-SelfSignedCertificate -DnsName www.contoso.com -KeyAlgorithm ECDSA_nistP256");
    let path = format!(r"{MY}\{}", text(&made[0], "Thumbprint"));
    assert_eq!(world.emits(&format!("Test-Certificate -Cert {path} -AllowUntrustedRoot")), [Value::from(true)]);
    assert_eq!(world.emits(&format!("Test-Certificate -Cert {path}")), [Value::from(false)]);
}

#[test]
fn c111_a_key_leaves_under_a_password_and_only_if_it_may() {
    let world = World::new();
    let old = text(&world.emits("Get-CsCertificate -Type Default")[0], "Thumbprint");
    let export = format!(r"Export-PfxCertificate -Cert {MY}\{old} -FilePath C:\o.pfx");
    world.refuses(&export, 2, "MissingMandatoryParameter");
    world.refuses(&format!("{export} -Password s3cret"), 1, "PrivateKeyNotExportable");
    assert!(!world.file("drive_c/o.pfx").exists());
}

#[test]
fn c113_what_is_not_on_the_drive_is_not_found() {
    let world = World::new();
    for path in [r"Cert:\LocalMachine\My\00", r"Cert:\CurrentUser\My", r"Cert:\LocalMachine\Nowhere", r"C:\a.pem"] {
        world.refuses(&format!("Get-Item {path}"), 1, "PathNotFound");
        world.refuses(&format!("Get-ChildItem {path}"), 1, "PathNotFound");
    }
    assert_eq!(world.emits(r"Test-Path Cert:\LocalMachine\My\00"), [Value::from(false)]);
}

#[test]
fn a_listing_bears_the_store_as_its_title() {
    let world = World::new();
    let shown = world.show(&format!("dir {MY}")).exits(0).stdout;
    let thumbprint = text(&world.emits("Get-CsCertificate -Type Default")[0], "Thumbprint");
    let lines: Vec<&str> = shown.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines[0], r"   PSParentPath: Microsoft.PowerShell.Security\Certificate::LocalMachine\My");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["Thumbprint", "Subject"]);
    assert!(lines[3].starts_with(&thumbprint), "{shown}");
}

#[test]
fn what_is_in_use_stays_and_what_is_not_goes() {
    let world = World::new();
    let old = text(&world.emits("Get-CsCertificate -Type Default")[0], "Thumbprint");
    for more in ["", " -DeleteKey", " -Force"] {
        world.refuses(&format!(r"Remove-Item {MY}\{old}{more}"), 1, "CertificateInUse");
    }
    let made = world.emits("New-SelfSignedCertificate -DnsName www.contoso.com -KeyAlgorithm ECDSA_nistP256");
    let path = format!(r"{MY}\{}", text(&made[0], "Thumbprint"));
    let before = world.facts();
    let ran = world.run(&format!("Remove-Item {path} -DeleteKey -WhatIf")).exits(0);
    assert_eq!(said(&ran, "whatif").len(), 1, "{ran:#?}");
    assert_eq!(world.facts(), before);
    let keys = world.keys();
    world.run(&format!("Get-ChildItem {path} | Remove-Item -DeleteKey")).exits(0);
    assert_eq!(world.keys(), keys - 1);
    assert_eq!(world.emits(&format!("Test-Path {path}")), [Value::from(false)]);
}

/// How many certificates the tests of the inventory take; the benches take a hundred thousand.
const MANY: usize = 2_000;

/// A bundle of certificates that differ in serial number, name and end: number `i` ends in `i + 1` days.
fn bundle(count: usize) -> String {
    let key = KeyPair::generate().unwrap();
    let now = OffsetDateTime::now_utc();
    let mut text = String::new();
    for index in 0..count {
        let mut params = CertificateParams::new([format!("host{index}.example.com")]).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("host{index}"));
        params.serial_number = Some(SerialNumber::from(index as u64 + 1));
        params.not_before = now - Duration::DAY;
        params.not_after = now + Duration::days(index as i64 + 1) - Duration::HOUR;
        text += &params.self_signed(&key).unwrap().pem();
    }
    text
}

#[test]
fn a_bundle_is_taken_in_once_and_found_by_name_and_end() {
    let world = World::new();
    let file = world.file("bundle.pem");
    fs::write(&file, bundle(MANY)).unwrap();
    let import =
        format!("Import-Certificate '{}' | Measure-Object | Select-Object -ExpandProperty Count", file.display());
    let own = world.emits(&format!("Get-ChildItem {MY}")).len();
    assert_eq!(world.emits(&import), [Value::from(MANY)]);
    let count = |more: &str| {
        let found =
            world.emits(&format!("Get-ChildItem {MY} {more} | Measure-Object | Select-Object -ExpandProperty Count"));
        found[0].as_u64().unwrap() as usize
    };
    assert_eq!(count(""), own + MANY);
    // Taken in again, nothing changes.
    let audit = fs::read(world.file("audit.jsonl")).unwrap();
    assert_eq!(world.emits(&import), [Value::from(MANY)]);
    assert_eq!(count(""), own + MANY);
    assert_eq!(fs::read(world.file("audit.jsonl")).unwrap(), audit);
    assert_eq!(count("-DnsName host7.example.com"), 1);
    assert_eq!(count("-DnsName host7*.example.com"), 111);
    let ending =
        world.emits(&format!("Get-ChildItem {MY} -ExpiringInDays 30 -DnsName *.example.com | Sort-Object NotAfter"));
    let subjects: Vec<String> = ending.iter().map(|c| text(c, "Subject")).collect();
    let wanted: Vec<String> = (0..30).map(|index| format!("CN=host{index}")).collect();
    assert_eq!(subjects, wanted);
    assert!(ending.iter().all(|c| c["HasPrivateKey"] == false));
}

#[test]
fn a_bundle_with_faults_is_taken_in_but_for_them() {
    let world = World::new();
    let file = world.file("bundle.pem");
    let good = bundle(20);
    let mut text = good.clone();
    let _ = write!(text, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{}", bundle(1));
    fs::write(&file, &text).unwrap();
    let ran = world.run(&format!("Import-Certificate '{}'", file.display())).exits(1);
    assert_eq!(ran.objects().len(), 21);
    let errors = said(&ran, "error");
    assert_eq!((errors.len(), &errors[0]["id"]), (1, &Value::from("BadCertificateFile")), "{ran:#?}");
    // A text that was cut: what stands before the cut is stored, the rest is an error.
    fs::write(&file, &good[..good.len() - 30]).unwrap();
    let ran = world.run(&format!("Import-Certificate '{}' -CertStoreLocation Cert:\\LocalMachine\\CA", file.display()));
    assert_eq!(said(&ran.exits(1), "error")[0]["id"], "BadCertificateFile");
}

#[test]
fn an_interrupted_import_is_whole_batches_and_goes_on() {
    let world = World::new();
    let file = world.file("bundle.pem");
    // A pipe that is never closed: the program waits for more in the middle of its work.
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    let text = bundle(MANY);
    let child =
        world.shell().args(["--json", "-c", &format!("Import-Certificate '{}' | Out-Null", file.display())]).start();
    let mut pipe = fs::OpenOptions::new().write(true).open(&file).unwrap();
    std::io::Write::write_all(&mut pipe, text.as_bytes()).unwrap();
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(pipe);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(130);
    assert_eq!(said(&ran, "error")[0]["id"], "Interrupted", "{ran:#?}");
    let count = || {
        let found = world.emits(&format!(
            "Get-ChildItem {MY} -DnsName *.example.com | Measure-Object | Select-Object -ExpandProperty Count"
        ));
        found[0].as_u64().unwrap() as usize
    };
    assert_eq!(count(), 0, "no batch was begun");
    fs::remove_file(&file).unwrap();
    fs::write(&file, &text).unwrap();
    world.run(&format!("Import-Certificate '{}' | Out-Null", file.display())).exits(0);
    assert_eq!(count(), MANY);
}
