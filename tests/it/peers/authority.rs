//! Authorities of certlet against OpenSSL: an offline root and one below it, revocation lists, and a kill at any moment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{PATIENT, TYPES, World, fails, has, texts};

/// An authority in the sample world whose own certificate is signed elsewhere.
const ISSUING: &str = r"fe01.contoso.net\contoso-Issuing-CA";
/// The root in the other home.
const ROOT: &str = r"vault\contoso-Root-CA";

/// The sample world with one more authority.
fn with(authority: &str) -> World {
    let world = World::new(PATIENT);
    let path = world.path().join("certlet.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + authority).unwrap();
    world
}

fn vault() -> World {
    with(
        "\n[[ca]]\nconfig = 'vault\\contoso-Root-CA'\nkind = \"embedded\"\nsubject = \"CN=contoso-Root-CA, O=Contoso\"\n\
         key_algorithm = \"ECDH_P384\"\ncrl = { url = \"http://pki.contoso.net/root.crl\", file = \"pub/root.crl\", days = 180 }\n\
         [[ca.template]]\nname = \"SubCA\"\nauthority = true\nvalidity_days = 1825\n",
    )
}

fn home() -> World {
    with(
        "\n[[ca]]\nconfig = 'fe01.contoso.net\\contoso-Issuing-CA'\nkind = \"embedded\"\n\
         subject = \"CN=contoso-Issuing-CA, O=Contoso\"\nparent = \"offline\"\n\
         crl = { url = \"http://pki.contoso.net/issuing.crl\", file = \"pub/issuing.crl\" }\n",
    )
}

/// A file that both homes reach.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).unwrap();
    }

    /// Runs `openssl` here; `Err` holds what it said.
    fn openssl(&self, line: &str) -> Result<String, String> {
        let done = Command::new("openssl").args(line.split_whitespace()).current_dir(self.0.path()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() { Ok(said) } else { Err(format!("{said}{}", String::from_utf8_lossy(&done.stderr))) }
    }
}

/// The certificates of a bundle, PEM each.
fn split(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----\n";
    bundle.split_inclusive(END).filter(|one| one.contains("BEGIN")).map(str::to_owned).collect()
}

fn chain_of(world: &World, number: i64, ca: &str) -> Vec<String> {
    let line = format!(
        "Get-CertificateRequest -RequestId {number} -CA '{ca}' | Select-Object -ExpandProperty CertificateChain"
    );
    split(world.run(&line).exits(0).objects()[0].as_str().unwrap())
}

#[test]
fn an_offline_root_signs_an_authority_and_openssl_verifies_the_chain_of_three() {
    if !has("openssl", "an_offline_root_signs_an_authority_and_openssl_verifies_the_chain_of_three") {
        return;
    }
    let (vault, home, desk) = (vault(), home(), Desk::new());
    let (csr, cer) = (desk.file("ca.csr"), desk.file("ca.cer"));
    let request = format!("Request-CsCertificate -New -Type Default -CA '{ISSUING}'");
    let refused = fails(home.run(&request), 1, "CaUnreachable");
    assert!(refused["hints"].to_string().contains("Request-CACertificate"), "{refused:#?}");
    let problem = format!("Get-CertificationAuthority '{ISSUING}' | Select-Object -ExpandProperty Problem");
    assert!(home.run(&problem).exits(0).objects()[0].as_str().unwrap().contains("waits"));
    fails(home.run(&format!("Test-CertificationAuthority '{ISSUING}'")), 1, "CaUnreachable");

    let ask = format!("Request-CACertificate -CA '{ISSUING}' -Output {}", csr.display());
    home.run(&format!("{ask} -WhatIf")).exits(0);
    assert!(!csr.exists());
    home.run(&ask).exits(0);
    let asked = desk.openssl("req -in ca.csr -noout -text -verify").unwrap();
    for words in ["CA:TRUE, pathlen:0", "X509v3 Name Constraints: critical", "DNS:contoso.com", "Certificate Sign"] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    fails(home.run(&request), 1, "CaUnreachable");
    // The root's home knows the template; by any other the request is denied.
    let submit = |template: &str| {
        let (csr, cer) = (csr.display(), cer.display());
        vault.run(&format!("Submit-CertificateRequest -Path {csr} -Template {template} -CA '{ROOT}' -Output {cer}"))
    };
    fails(submit("WebServer"), 1, "TemplateNotFound");
    let entry = submit("SubCA").exits(0).objects().remove(0);
    assert_eq!(
        (&entry["Disposition"], &entry["Subject"]),
        (&"Issued".into(), &"CN=contoso-Issuing-CA, O=Contoso".into())
    );
    let bundle = split(&fs::read_to_string(&cer).unwrap());
    assert_eq!(bundle.len(), 2);
    desk.write("alone.cer", &bundle[0]);
    let install = |file: &Path| home.run(&format!("Install-CACertificate -CA '{ISSUING}' -Path {}", file.display()));
    fails(install(&desk.file("alone.cer")), 1, "UntrustedChain");
    // The request itself is no answer to it.
    fails(install(&csr), 1, "BadCertificateFile");
    let shown = install(&cer).exits(0).objects().remove(0);
    assert!(shown["Problem"].is_null(), "{shown:#?}");

    let issued = home.run(&request).exits(0).objects().remove(0);
    assert_eq!(issued["Issuer"], "CN=contoso-Issuing-CA, O=Contoso");
    let chain = chain_of(&home, 1, ISSUING);
    assert_eq!(chain[1..], bundle[..]);
    for (name, pem) in ["leaf.pem", "ca.pem", "root.pem"].into_iter().zip(&chain) {
        desk.write(name, pem);
    }
    let verify = "verify -x509_strict -check_ss_sig -purpose sslserver -verify_hostname pool01.contoso.net";
    let all = "-CAfile root.pem -untrusted ca.pem leaf.pem";
    desk.openssl(&format!("{verify} {all}")).unwrap();

    // The listener serves the one between as well, or its own proof would not hold.
    let three =
        home.run(&format!("Request-CsCertificate -New -Type {TYPES} -CA '{ISSUING}'")).exits(0).objects().remove(0);
    home.set(three["Thumbprint"].as_str().unwrap()).exits(0);

    // Both lists lie where they are published, and a revocation is told at once.
    let publish = |world: &World, ca: &str| world.run(&format!("Publish-CertificateRevocationList -CA '{ca}'"));
    publish(&vault, ROOT).exits(0);
    let list = publish(&home, ISSUING).exits(0).objects().remove(0);
    assert_eq!((&list["Number"], &list["Revoked"]), (&1.into(), &0.into()));
    assert_eq!(publish(&home, ISSUING).exits(0).objects().len(), 0, "it is good for days");
    let of_root = vault.path().join("pub/root.crl");
    let own = home.path().join("pub/issuing.crl");
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o644);
    let judge = || {
        for (name, file) in [("root", &of_root), ("own", &own)] {
            desk.write(&format!("{name}.der"), fs::read(file).unwrap());
            desk.openssl(&format!("crl -inform DER -in {name}.der -out {name}.crl")).unwrap();
        }
        desk.openssl(&format!("{verify} -crl_check_all -CRLfile root.crl -CRLfile own.crl {all}"))
    };
    judge().unwrap();
    let thumbprint = issued["Thumbprint"].as_str().unwrap();
    let revoke = format!("Revoke-Certificate -Thumbprint {thumbprint} -CA '{ISSUING}' -Reason KeyCompromise -Force");
    home.run(&revoke).exits(0);
    let said = judge().unwrap_err();
    assert!(said.contains("certificate revoked"), "{said}");
    let text = desk.openssl("crl -in own.crl -noout -text").unwrap();
    assert!(text.contains("Key Compromise") && text.contains("CRL Number"), "{text}");
    assert_eq!(
        texts(&home.run("Get-CertificateRequest -Disposition Revoked").exits(0).objects(), "Thumbprint"),
        [thumbprint]
    );

    // Somebody lost the file: it is noticed, and published again with a number of its own.
    fs::remove_file(&own).unwrap();
    let missing = fails(home.run(&format!("Test-CertificationAuthority '{ISSUING}'")), 1, "FileNotFound");
    assert!(missing["hints"].to_string().contains("Publish-CertificateRevocationList"), "{missing:#?}");
    let list = publish(&home, ISSUING).exits(0).objects().remove(0);
    assert_eq!((&list["Number"], &list["Revoked"]), (&3.into(), &1.into()));
    home.run(&format!("Test-CertificationAuthority '{ISSUING}'")).exits(0);
}

#[test]
fn a_domain_that_came_later_is_certified_after_the_authority_was_renewed() {
    if !has("openssl", "a_domain_that_came_later_is_certified_after_the_authority_was_renewed") {
        return;
    }
    let (world, desk) = (World::new(PATIENT), Desk::new());
    let path = world.path().join("topology.toml");
    let more = "\n[[sip_domain]]\nname = \"fabrikam.com\"\n\n[[simple_url]]\nscope = \"global\"\ncomponent = \"Meet\"\n\
                domain = \"fabrikam.com\"\nentries = [\"https://meet.fabrikam.com\"]\nactive = \"https://meet.fabrikam.com\"\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
    let ca = r"dc01.contoso.net\contoso-DC01-CA";
    let request = format!("Request-CsCertificate -New -Type Default -CA '{ca}' -DomainName sip.fabrikam.com");
    let denied = fails(world.run(&request), 1, "RequestDenied");
    assert!(denied["hints"].to_string().contains("Update-CACertificate"), "{denied:#?}");
    let before = world.run(&format!("Get-CertificationAuthority '{ca}'")).exits(0).objects().remove(0);
    let after = world.run(&format!("Update-CACertificate -CA '{ca}' -Force")).exits(0).objects().remove(0);
    assert_eq!(before["Subject"], after["Subject"]);
    assert_ne!(before["Thumbprint"], after["Thumbprint"]);
    let issued = world.run(&request).exits(0).objects().remove(0);
    let chain = chain_of(&world, 42, ca);
    desk.write("leaf.pem", &chain[0]);
    desk.write("ca.pem", &chain[1]);
    desk.openssl("verify -x509_strict -check_ss_sig -verify_hostname sip.fabrikam.com -CAfile ca.pem leaf.pem")
        .unwrap();
    // What was issued before is as good as it was.
    desk.write("old.pem", &chain_of(&world, 40, ca)[0]);
    desk.openssl("verify -x509_strict -CAfile ca.pem old.pem").unwrap();
    let good = format!("Test-Certificate {} -DNSName sip.fabrikam.com", issued["Thumbprint"].as_str().unwrap());
    assert_eq!(world.run(&good).exits(0).objects(), [true]);
}

#[test]
fn killed_at_any_moment_no_issued_certificate_is_without_its_key() {
    let world = World::new(PATIENT);
    let mut issued = 0;
    for round in 0..10_u32 {
        let mut child = world.shell("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256").start();
        std::thread::sleep(Duration::from_millis(u64::from(20 + 25 * round)));
        let _ = child.kill();
        child.wait().unwrap();
        // Everything or nothing: the authority's database, the store and the list of requests say the same.
        let at_authority =
            texts(&world.run("Get-CertificateRequest -Disposition Issued").exits(0).objects(), "Thumbprint");
        let stored = world.run("Find-TlsCertificate").exits(0).objects();
        let mut with_key: Vec<String> = texts(&stored, "Thumbprint");
        assert!(stored.iter().all(|c| c["HasPrivateKey"] == true), "{stored:#?}");
        let mut known = at_authority.clone();
        with_key.sort();
        known.sort();
        assert_eq!(with_key, known);
        let listed = world.run("Request-CsCertificate -List").exits(0).objects();
        assert_eq!(listed.len() + 1, at_authority.len(), "the first one came with the sample");
        issued = listed.len();
    }
    // And it goes on as if nothing had been.
    world.run("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256").exits(0);
    assert_eq!(world.run("Request-CsCertificate -List").exits(0).objects().len(), issued + 1);
}
