//! NTLM at the pages of web enrollment; the server's side of it is `pyspnego`, which checks the channel bindings too.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::adcs::{client, is_faithful, python, request, world};
use super::adcs_emulator::{Emulator, Gates, Mode, PASSWORD, USER};
use super::{error, fails};

/// Judges the messages of each connection: `done`, `go TOKEN` or `no`.
const ACCEPTOR: &str = r#"
import sys, base64, spnego
from spnego.channel_bindings import GssChannelBindings
contexts = {}
for line in sys.stdin:
    words = line.split()
    if words[0] == "bind":
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + bytes.fromhex(words[1])) if words[1] != "none" else None
        print("bound", flush=True)
        continue
    try:
        if words[0] not in contexts:
            contexts[words[0]] = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm, channel_bindings=bindings)
        context = contexts[words[0]]
        out = context.step(base64.b64decode(words[1]))
        print("done" if context.complete else "go " + base64.b64encode(out).decode(), flush=True)
    except Exception as error:
        print("no", type(error).__name__, flush=True)
"#;

/// The Python process; it ends when its input does.
struct Acceptor {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Mutex<Child>,
    folder: tempfile::TempDir,
}

impl Acceptor {
    fn start(python: &Path) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        let (domain, user) = USER.split_once('\\').unwrap();
        std::fs::write(&users, format!("{domain}:{user}:{PASSWORD}\n")).unwrap();
        let mut child = Command::new(python)
            .args(["-c", ACCEPTOR])
            .env("NTLM_USER_FILE", users)
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Arc::new(Self { pipes: Mutex::new(pipes), child: Mutex::new(child), folder })
    }

    fn ask(&self, line: &str) -> String {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{line}").unwrap();
        pipes.0.flush().unwrap();
        let mut answer = String::new();
        pipes.1.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    /// From now on connections must be bound to this certificate.
    fn bind(&self, certificate: &[u8]) {
        let hash = certlet::model::hex::upper(&Sha256::digest(certificate)).to_ascii_lowercase();
        assert_eq!(self.ask(&format!("bind {hash}")), "bound");
    }

    fn gates(self: &Arc<Self>) -> Arc<Gates> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let acceptor = Arc::clone(self);
        Arc::new(move || {
            let (acceptor, connection) = (Arc::clone(&acceptor), NEXT.fetch_add(1, Ordering::SeqCst));
            let (mut round, mut is_in) = (0, false);
            Box::new(move |given| {
                if is_in && given.is_none() {
                    return Ok(());
                }
                let Some(token) = given.and_then(|g| g.strip_prefix("NTLM ")) else { return Err("NTLM".to_owned()) };
                // The first message begins anew, as clients do that log on again.
                if token.starts_with("TlRMTVNTUAAB") {
                    round += 1;
                }
                let answer = acceptor.ask(&format!("{connection}-{round} {token}"));
                match answer.split_once(' ') {
                    None if answer == "done" => {
                        is_in = true;
                        Ok(())
                    }
                    Some(("go", token)) => Err(format!("NTLM {token}")),
                    _ => Err("NTLM".to_owned()),
                }
            })
        })
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
        assert!(self.folder.path().exists());
    }
}

#[test]
fn ntlm_logs_on_and_is_bound_to_the_server() {
    let Some(python) = python("ntlm_logs_on_and_is_bound_to_the_server") else { return };
    let acceptor = Acceptor::start(&python);
    let emulator = Emulator::with_gates(acceptor.gates());
    acceptor.bind(&emulator.front());
    let world = world(&emulator, "auth = \"ntlm\"");
    let issued = world.run(&request("")).exits(0).objects();
    assert_eq!(issued[0]["Issuer"], "CN=Emulated Issuing CA");
    assert_eq!(emulator.submissions(), 1, "the form is sent once");
    world.run(&request("-Template Manual")).exits(0);
    emulator.approve(11);
    assert_eq!(world.run("Request-CsCertificate -Retrieve").exits(0).objects().len(), 1);

    fails(world.run(&request(&format!("-CaAccount {USER} -CaPassword wrong"))), 5, "CaAccessDenied");
    // A log-on that somebody in between passes on is bound to another certificate.
    acceptor.bind(b"the certificate of somebody in between");
    fails(world.run(&request("-Template Manual")), 5, "CaAccessDenied");
    assert_eq!(emulator.submissions(), 2);
}

#[test]
fn a_proxy_that_closes_connections_is_named() {
    let Some(python) = python("a_proxy_that_closes_connections_is_named") else { return };
    let acceptor = Acceptor::start(&python);
    let emulator = Emulator::with_gates(acceptor.gates());
    acceptor.bind(&emulator.front());
    let world = world(&emulator, "auth = \"ntlm\"");
    emulator.set(Mode::Closing);
    let ran = world.run(&request(""));
    let error = error(&ran);
    assert_eq!(error["id"], "CaUnreachable");
    assert!(error["message"].as_str().unwrap().contains("closed"), "{error}");
    assert_eq!(emulator.submissions(), 0);
}

#[test]
fn ntlm_of_the_emulator_is_that_of_real_clients() {
    let Some(python) = python("ntlm_of_the_emulator_is_that_of_real_clients") else { return };
    let acceptor = Acceptor::start(&python);
    let emulator = Emulator::with_gates(acceptor.gates());
    acceptor.bind(&emulator.front());
    is_faithful(&client(&python, &emulator, "ntlm"));
}
