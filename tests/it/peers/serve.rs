//! `certlet serve` as OpenSSL sees it: chain, live swap, requests under way, and a clean end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::openssl::{Authority, look};
use serde_json::Value;

use super::{EXTERNAL_BINDING, PATIENT, Running, TYPES, World, fails, free, has, until};
use crate::common::{Ran, Shell, signal};

/// `certlet serve`, as soon as it serves.
pub(super) fn start(world: &World) -> Running {
    let mut serve = Running::new(Shell::new().arg("--home").arg(world.path()).arg("serve").start());
    let mut first = String::new();
    let mut reader = BufReader::new(serve.child().stdout.as_mut().unwrap());
    // A table: its head is written when all rows are known, so the last line means that all are served.
    while !first.contains("127.0.0.1:") {
        first.clear();
        assert!(reader.read_line(&mut first).unwrap() > 0, "serve ended");
    }
    serve
}

#[test]
fn openssl_sees_and_verifies_what_is_assigned_and_a_swap_is_live() {
    if !has("openssl", "openssl_sees_and_verifies_what_is_assigned_and_a_swap_is_live") {
        return;
    }
    let world = World::new(PATIENT);
    let authority = Authority::new(&world.path().join("peers"));
    world.configure(&[("[proof]", "[trust]\nroots = [\"peers/root.pem\"]\n\n[proof]")]);
    let mut stored = Vec::new();
    for name in ["one", "two"] {
        let issued = authority.issue(name);
        let pfx = authority.pfx(name, "Passw0rd");
        world.run(&format!("Import-CsCertificate -Path '{}' -Password Passw0rd", pfx.display())).exits(0);
        stored.push(issued.thumbprint);
    }
    let serve = start(&world);
    let endpoint = world.endpoint("WebServicesExternal");

    for thumbprint in &stored {
        // A request of which half was sent before the swap.
        let mut client = Running::new(
            Command::new("openssl")
                .args(["s_client", "-quiet", "-connect", &endpoint, "-servername", "webpool01.contoso.com"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut input = client.child().stdin.take().unwrap();
        input.write_all(b"GET / HTTP/1.1\r\nHost: webpool01").unwrap();
        input.flush().unwrap();
        // Long enough for the handshake and the half to be over there.
        std::thread::sleep(Duration::from_millis(150));

        let ran = world.set(thumbprint).exits(0);
        assert_eq!(ran.objects().len(), 3);
        for use_name in ["Default", "WebServicesInternal", "WebServicesExternal"] {
            let seen = look(&world.endpoint(use_name), "webpool01.contoso.com").unwrap();
            assert_eq!(&seen.thumbprint(), thumbprint, "{use_name}");
            assert_eq!(authority.verify(&seen), Ok(()), "{use_name}");
            assert_eq!(seen.chain.len(), 2, "leaf and the authority in between, not the root");
        }
        world.is_wholly(thumbprint);

        input.write_all(b".contoso.com\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.child().stdout.as_mut().unwrap().read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(input);
    }
    // What openssl shows is what the program's own eyes see.
    let sight = world.run(&format!("Get-TlsServed {endpoint}")).exits(0).objects();
    assert_eq!(sight[0]["Thumbprint"], stored[1].as_str());

    let mut serve = serve;
    signal(serve.child(), "TERM");
    let ran = serve.ran().exits(0);
    assert_eq!(ran.stderr, "");
    until("nobody listens any more", || std::net::TcpStream::connect(&endpoint).is_err());
    world.is_wholly(&stored[1]);
}

#[test]
fn a_second_server_is_busy_and_says_whose_it_is() {
    let world = World::new(PATIENT);
    let mut serve = start(&world);
    let pid = serve.child().id().to_string();
    let second: Ran = Shell::new().arg("--home").arg(world.path()).args(["--json", "serve"]).run();
    let error = fails(second, 1, "Busy");
    assert!(error["message"].as_str().unwrap().contains(&pid), "{error}");
    // Killed, it frees the lease, and the next one takes the same ports.
    let endpoint = world.endpoint("Default");
    serve.child().kill().unwrap();
    serve.child().wait().unwrap();
    let serve = start(&world);
    assert_eq!(world.endpoint("Default"), endpoint);
    drop(serve);
}

#[test]
fn a_port_held_by_a_stranger_stops_a_change_before_it_begins() {
    let world = World::new(PATIENT);
    let stranger = std::net::TcpListener::bind(free("127.0.0.2")).unwrap();
    let address = stranger.local_addr().unwrap().to_string();
    let (new, old) = (world.request(), world.assigned()[0].clone());
    let endpoints = format!("endpoint = [\"127.0.0.1:0\", \"{address}\"]");
    world.configure(&[(EXTERNAL_BINDING, &EXTERNAL_BINDING.replace("endpoint = [\"127.0.0.1:0\"]", &endpoints))]);
    fails(world.set(&new), 1, "EndpointInUse");
    world.is_wholly(&old);
}

#[test]
fn what_is_staged_takes_over_while_it_serves() {
    let world = World::new(PATIENT);
    let (new, old) = (world.request(), world.assigned()[0].clone());
    let staged = format!("Set-CsCertificate -Type {TYPES} -Thumbprint {new} -EffectiveDate (Get-Date).AddSeconds(2)");
    world.run(&staged).exits(0);
    world.is_wholly(&old);
    let serve = start(&world);
    until("the staged certificate takes over", || world.assigned()[0] == new);
    // The three uses were staged together and change together.
    world.is_wholly(&new);
    let seen = world.run(&format!("Get-TlsServed {}", world.endpoint("WebServicesExternal"))).exits(0).objects();
    assert_eq!(seen[0]["Thumbprint"], new.as_str());
    let record = world.run("Get-CsCertificate -Type Default").exits(0).objects();
    assert_eq!((&record[0]["PreviousThumbprint"], &record[0]["EffectiveDate"]), (&old.into(), &Value::Null));
    // It is a change like any other, under the name of who made it.
    let log = std::fs::read_to_string(world.path().join("audit.jsonl")).unwrap();
    assert!(log.lines().any(|line| line.contains("\"verb\":\"certlet serve\"") && line.contains("Proven")), "{log}");
    let mut serve = serve;
    signal(serve.child(), "TERM");
    serve.ran().exits(0);
}

#[test]
fn a_takeover_that_fails_is_told_and_serving_goes_on() {
    let world = World::new(PATIENT);
    let (new, old) = (world.request(), world.assigned()[0].clone());
    let third = world.request();
    world.run(&format!("Set-CsCertificate -Type Default -Thumbprint {new}")).exits(0);
    let staged = "-Type WebServicesInternal,WebServicesExternal -EffectiveDate (Get-Date).AddSeconds(2)";
    world.run(&format!("Set-CsCertificate -Thumbprint {new} {staged}")).exits(0);
    // The key of what is staged turns out to be compromised.
    world.run(&format!("Set-CsCertificate -Type Default -Thumbprint {third} -Reason KeyCompromise")).exits(0);
    let mut serve = start(&world);
    let overdue = || {
        let ran = world.run("Get-CsCertificate -Type WebServicesExternal").exits(0);
        ran.messages().iter().any(|m| m["id"] == "StagedOverdue")
    };
    until("it is overdue", overdue);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(world.assigned(), [third, old.clone(), old]);
    signal(serve.child(), "TERM");
    let ran = serve.ran().exits(0);
    assert!(ran.stderr.contains("CertificateBanned") && ran.stderr.contains("stays staged"), "{ran:#?}");
    assert_eq!(ran.stderr.matches("CertificateBanned").count(), 1, "it is not tried every second: {ran:#?}");
}

#[test]
fn revocation_lists_are_published_while_it_serves() {
    let world = World::new(PATIENT);
    let crl = |folder: &str| format!("crl = {{ url = \"http://pki.contoso.net/ca.crl\", file = \"{folder}/ca.crl\" }}");
    let numbers = "next_request_id = 41";
    // A folder that is a file: it is told, and serving goes on.
    std::fs::write(world.path().join("blocked"), "").unwrap();
    world.configure(&[(numbers, &format!("{numbers}\n{}", crl("blocked")))]);
    let mut serve = start(&world);
    let endpoint = world.endpoint("Default");
    world.run(&format!("Get-TlsServed {endpoint}")).exits(0);
    signal(serve.child(), "TERM");
    let ran = serve.ran().exits(0);
    assert!(ran.stderr.contains("FileNotWritable"), "{ran:#?}");

    world.configure(&[(crl("blocked").as_str(), &crl("pub"))]);
    let mut serve = start(&world);
    let list = world.path().join("pub/ca.crl");
    until("the list is published", || list.is_file());
    signal(serve.child(), "TERM");
    let ran = serve.ran().exits(0);
    assert!(ran.stderr.contains("ca.crl"), "{ran:#?}");
    let log = std::fs::read_to_string(world.path().join("audit.jsonl")).unwrap();
    assert_eq!(log.matches("\"revocationList\":").count(), 1, "{log}");
}
