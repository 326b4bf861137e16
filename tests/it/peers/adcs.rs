//! Requests to AD CS through its web enrollment pages: the program, a real client, and a program that is killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::adcs_emulator::{Emulator, Mode, PASSWORD, USER, pem};
use super::{BRIEF, Running, World, absent, error, fails, texts};
use crate::common::Ran;

const CA: &str = r"dc02.contoso.net\contoso-DC02-CA";

/// The Python of the folder in which `tests/run` installs peers.
pub(super) fn python(test: &str) -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/bin/python");
    if python.is_file() {
        return Some(python);
    }
    absent(test, "no Python with the peers: `tests/run` installs them");
    None
}

/// The sample world with an AD CS authority.
pub(super) fn world(emulator: &Emulator, more: &str) -> World {
    let world = World::new(BRIEF);
    std::fs::write(world.path().join("adcs-root.pem"), emulator.root_pem()).unwrap();
    std::fs::write(world.path().join("adcs-password"), PASSWORD).unwrap();
    let path = world.path().join("certlet.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let authority = format!(
        "\n[[ca]]\nconfig = '{CA}'\nkind = \"adcs\"\nurl = \"{}\"\nroots = [\"adcs-root.pem\"]\n{more}\n\
         account = {{ user = '{USER}', password = {{ file = \"adcs-password\" }} }}\n",
        emulator.url
    );
    std::fs::write(path, text + authority.as_str()).unwrap();
    world
}

pub(super) fn request(more: &str) -> String {
    format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -CA {CA} {more}")
}

#[test]
fn a_certificate_is_issued_to_its_key() {
    let emulator = Emulator::start();
    let world = world(&emulator, "");
    let issued = world.run(&request("")).exits(0).objects();
    assert_eq!(issued[0]["Issuer"], "CN=Emulated Issuing CA");
    let names: Vec<String> = serde_json::from_value(issued[0]["AlternativeNames"].clone()).unwrap();
    assert!(names.contains(&"sip.contoso.com".to_owned()), "{names:?}");
    let thumbprint = issued[0]["Thumbprint"].as_str().unwrap();
    let held = world
        .run(&format!("Find-TlsCertificate | Where-Object Thumbprint -eq {thumbprint} | Select-Object HasPrivateKey"));
    assert_eq!(held.exits(0).objects(), [json!({"HasPrivateKey": true})]);
    assert_eq!(emulator.submissions(), 1);
    // Nothing that lies in the home knows the password.
    for entry in std::fs::read_dir(world.path()).unwrap().flatten().filter(|e| e.file_name() != "adcs-password") {
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        assert!(!bytes.windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes()), "{:?}", entry.path());
    }
}

#[test]
fn a_request_waits_for_its_manager() {
    let emulator = Emulator::start();
    let world = world(&emulator, "");
    let list =
        |world: &World| world.run("Request-CsCertificate -List | Select-Object RequestId, Status").exits(0).objects();
    world.run(&request("-Template Manual")).exits(0);
    assert_eq!(list(&world), [json!({"RequestId": 10, "Status": "Pending"})]);
    world.run("Request-CsCertificate -Retrieve").exits(0);
    assert_eq!(list(&world), [json!({"RequestId": 10, "Status": "Pending"})]);
    emulator.approve(10);
    let issued = world.run("Request-CsCertificate -Retrieve -RequestId 10").exits(0).objects();
    assert_eq!(texts(&issued, "Issuer"), ["CN=Emulated Issuing CA"]);

    world.run(&request("-Template Manual")).exits(0);
    emulator.deny(11);
    let denied = fails(world.run("Request-CsCertificate -Retrieve -RequestId 11"), 1, "RequestDenied");
    assert!(denied["message"].as_str().unwrap().contains("0x80094014"), "{denied:#?}");
    assert_eq!(emulator.submissions(), 2);
}

#[test]
fn refusals_and_accounts() {
    let emulator = Emulator::start();
    let world = world(&emulator, "");
    for (template, code, id) in [
        ("'Web Server'", 1, "TemplateNotFound"),
        ("Forbidden", 5, "TemplateAccessDenied"),
        ("LargeKeys", 1, "KeyTooSmall"),
        ("NoEnroll", 5, "CaAccessDenied"),
    ] {
        fails(world.run(&request(&format!("-Template {template}"))), code, id);
    }
    let count = emulator.submissions();
    let ran = world.run(&request(r"-CaAccount CORP\guest -CaPassword hunter2-guest"));
    assert!(!format!("{ran:?}").contains("hunter2"));
    let refused = fails(ran, 5, "CaAccessDenied");
    assert_eq!(refused["target"], r"CORP\guest");
    assert_eq!(emulator.submissions(), count);
    // The account of the line takes the place of the configured one, for fetching too.
    std::fs::write(world.path().join("adcs-password"), "wrong").unwrap();
    fails(world.run(&request("")), 5, "CaAccessDenied");
    let account = format!("-CaAccount {USER} -CaPassword '{PASSWORD}'");
    world.run(&request(&account)).exits(0);
    world.run(&request(&format!("{account} -Template Manual"))).exits(0);
    assert_eq!(emulator.submissions(), count + 2);
    emulator.approve(10 + u32::try_from(count).unwrap() + 1);
    // Asking on later is the configured account's part, or that of the account that is given again.
    let refused = world.run("Request-CsCertificate -Retrieve").exits(5);
    assert!(error(&refused)["hints"].to_string().contains("-Retrieve"), "{refused:#?}");
    let wrong = format!("Request-CsCertificate -Retrieve -CA {CA} -CaAccount {USER} -CaPassword hunter2-wrong");
    let ran = world.run(&wrong);
    assert!(!format!("{ran:?}").contains("hunter2"));
    ran.exits(5);
    let again = world.run(&format!("Request-CsCertificate -Retrieve -CA {CA} {account}")).exits(0);
    assert_eq!(texts(&again.objects(), "Issuer"), ["CN=Emulated Issuing CA"]);
    std::fs::write(world.path().join("adcs-password"), PASSWORD).unwrap();
    world.run(&request(&format!("{account} -Template Manual"))).exits(0);
    emulator.approve(10 + u32::try_from(count).unwrap() + 2);
    assert_eq!(world.run("Request-CsCertificate -Retrieve").exits(0).objects().len(), 1);

    emulator.set(Mode::Status(503));
    fails(world.run(&request("")), 1, "CaUnreachable");
}

/// A request of which nobody here knows whether it has arrived, and its number at the authority.
fn cut_off() -> (Emulator, World, u32) {
    let emulator = Emulator::start();
    let world = world(&emulator, "");
    emulator.set(Mode::MuteAfterSubmission);
    let mut running = Running::new(world.shell(&request("")).start());
    let id = emulator.wait_for_submissions(1);
    running.child().kill().unwrap();
    running.child().wait().unwrap();
    drop(running);
    emulator.set(Mode::Well);
    (emulator, world, id)
}

/// What is said of a request that was cut off.
pub(crate) fn asked_again_after_a_cut() -> Ran {
    let (_emulator, world, _) = cut_off();
    world.run("Request-CsCertificate -Retrieve")
}

#[test]
fn killed_while_it_waits_for_the_answer() {
    let (emulator, world, id) = cut_off();
    let list = world.run("Request-CsCertificate -List").exits(0).objects();
    assert_eq!((list.len(), &list[0]["RequestId"], &list[0]["Status"]), (1, &json!(null), &json!("Pending")));
    // Neither asking on nor asking again hands it in a second time.
    for line in ["Request-CsCertificate -Retrieve".to_owned(), request("")] {
        let ran = world.run(&line).exits(1);
        let error = error(&ran);
        assert_eq!(error["id"], "SubmissionUnknown", "{ran:#?}");
        assert!(error["hints"].to_string().contains("Import-CsCertificate"), "{error:#?}");
    }
    assert_eq!(emulator.submissions(), 1);
    // The certificate that the authority issued meets its key.
    std::fs::write(world.path().join("issued.cer"), pem(&emulator.approve(id), "\r\n")).unwrap();
    let imported =
        world.run(&format!("Import-CsCertificate -Path '{}/issued.cer'", world.path().display())).exits(0).objects();
    let thumbprint = imported[0]["Thumbprint"].as_str().unwrap();
    let held = world
        .run(&format!("Find-TlsCertificate | Where-Object Thumbprint -eq {thumbprint} | Select-Object HasPrivateKey"));
    assert_eq!(held.exits(0).objects(), [json!({"HasPrivateKey": true})]);
    let list = world.run("Request-CsCertificate -List").exits(0).objects();
    assert!(list.iter().all(|r| r["Status"] != "Pending"), "{list:#?}");
    // What is done is done: the next one is a new request.
    world.run(&request("")).exits(0);
    assert_eq!(emulator.submissions(), 2);
}

/// What the client `certsrv` of `PyPI` makes of the emulator: one line for each step.
const CLIENT: &str = r#"
import sys, certsrv
server, user, password, cafile, method, csr = sys.argv[1:7]
csr = open(csr).read()
client = certsrv.Certsrv(server, user, password, auth_method=method, cafile=cafile, timeout=10)
def step(name, call):
    try:
        found = call()
        print(name, found if isinstance(found, bool) else found[:27].decode("latin-1").strip())
    except certsrv.CertificatePendingException as error:
        print(name, "pending", error.req_id)
    except certsrv.RequestDeniedException as error:
        print(name, "denied", str(error)[:24])
    except certsrv.CouldNotRetrieveCertificateException as error:
        print(name, "not retrieved", str(error)[:30])
step("credentials", client.check_credentials)
step("issued", lambda: client.get_cert(csr, "WebServer"))
step("pending", lambda: client.get_cert(csr, "Manual"))
step("denied", lambda: client.get_cert(csr, "Forbidden"))
step("unknown", lambda: client.get_cert(csr, "Web Server"))
step("garbage", lambda: client.get_cert("bm90IGEgcmVxdWVzdA==", "WebServer"))
step("existing", lambda: client.get_existing_cert(10))
step("still", lambda: client.get_existing_cert(11))
step("authority", client.get_ca_cert)
chain = client.get_chain()
print("chain", len(chain) > 500 and chain[0] == 0x30)
certsrv.Certsrv(server, user, "wrong", auth_method=method, cafile=cafile).check_credentials() and print("anybody")
"#;

/// Runs the client, and gives what each of its steps came to.
pub(super) fn client(python: &Path, emulator: &Emulator, method: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(BRIEF);
    let csr = folder.path().join("request.pem");
    world
        .run(&format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -Output '{}'", csr.display()))
        .exits(0);
    std::fs::write(folder.path().join("root.pem"), emulator.root_pem()).unwrap();
    let output = Command::new(python)
        .args(["-c", CLIENT, &format!("localhost:{}", emulator.port), USER, PASSWORD])
        .arg(folder.path().join("root.pem"))
        .arg(method)
        .arg(&csr)
        // These would take the place of the root that is named.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .env_remove("SSL_CERT_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().filter_map(|l| l.split_once(' ')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// What the real client makes of a server that keeps to the form of the pages.
#[track_caller]
pub(super) fn is_faithful(steps: &BTreeMap<String, String>) {
    let expected = [
        ("credentials", "True"),
        ("issued", "-----BEGIN CERTIFICATE-----"),
        ("pending", "pending 11"),
        ("denied", "denied Denied by Policy Module "),
        ("unknown", "denied Denied by Policy Module "),
        ("garbage", "denied Error Parsing Request  A"),
        ("existing", "-----BEGIN CERTIFICATE-----"),
        ("still", "not retrieved Taken Under Submission"),
        ("authority", "-----BEGIN CERTIFICATE-----"),
        ("chain", "True"),
    ];
    for (step, outcome) in expected {
        let found = steps.get(step).map_or("", String::as_str);
        assert!(
            found.starts_with(outcome.trim_end()) || outcome.starts_with(found) && !found.is_empty(),
            "{step}: `{found}`, not `{outcome}`\n{steps:#?}"
        );
    }
    assert!(!steps.contains_key("anybody"), "a wrong password is as good: {steps:#?}");
}

#[test]
fn a_real_client_takes_the_emulator_for_a_server() {
    let Some(python) = python("a_real_client_takes_the_emulator_for_a_server") else { return };
    let emulator = Emulator::start();
    is_faithful(&client(&python, &emulator, "basic"));
    assert_eq!(emulator.submissions(), 4, "what cannot be read is no request");
}
