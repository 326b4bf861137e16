//! A server that says what a test wants: busy, forgetful, hostile.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::jose::read_base64url;
use super::testing::front_certificate;
use super::{Acme, AcmeLimits, AcmeMethod, AcmeSettings};
use crate::model::{Certificate, KeyAlgorithm};
use crate::x509::PrivateKey;

/// What was asked: path, the payload of the signed message, and how often that path was asked for before.
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    pub(super) payload: Value,
    pub(super) before: usize,
}

/// Status, headers, body.
pub(super) type Said = (u16, Vec<(&'static str, String)>, String);

pub(super) struct Scripted {
    port: u16,
    root: Certificate,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Answers by the script; what it leaves open is answered as a plain server would.
    pub(super) fn start(script: impl Fn(&Asked<'_>, &str) -> Option<Said> + Send + 'static) -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let root = front_certificate(&key);
        let pkcs8 = PrivatePkcs8KeyDer::from(key.to_pkcs8_der().unwrap().to_vec());
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![CertificateDer::from(root.der().to_vec())], PrivateKeyDer::Pkcs8(pkcs8))
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, stop) = (Arc::<Mutex<Vec<(String, Value)>>>::default(), Arc::new(AtomicBool::new(false)));
        let (config, noted, stopped) = (Arc::new(config), Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let base = format!("https://localhost:{port}");
            while !stopped.load(Ordering::SeqCst) {
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream);
                let Some((path, payload)) = read(&mut stream) else { continue };
                let before = noted.lock().unwrap().iter().filter(|(p, _)| *p == path).count();
                noted.lock().unwrap().push((path.clone(), payload.clone()));
                let asked = Asked { path: &path, payload, before };
                let (status, headers, body) = script(&asked, &base).unwrap_or_else(|| plain(&asked, &base));
                write(&mut stream, status, &headers, &body);
            }
        });
        Self { port, root, seen, stop, thread: Some(thread) }
    }

    pub(super) fn settings(&self) -> AcmeSettings {
        let root = self.root.clone();
        AcmeSettings {
            config: r"scripted\acme".to_owned(),
            is_public: false,
            directory: format!("https://localhost:{}/dir", self.port),
            roots: Arc::new(move || Ok(vec![root.clone()])),
            contact: Vec::new(),
            challenge: AcmeMethod::HttpListen("127.0.0.1:0".to_owned()),
            external_account: None,
            preferred_chain: None,
            profile: None,
            limits: AcmeLimits::NONE,
            permissions: None,
        }
    }

    pub(super) fn acme(&self) -> Acme {
        Acme::new(self.settings())
    }

    /// The payloads that a path was sent.
    pub(super) fn sent(&self, path: &str) -> Vec<Value> {
        self.seen.lock().unwrap().iter().filter(|(p, _)| p == path).map(|(_, payload)| payload.clone()).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read(stream: &mut rustls::StreamOwned<rustls::ServerConnection, TcpStream>) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let (head, length) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            break (head.to_owned(), length.unwrap_or(0));
        }
        let count = stream.read(&mut chunk).ok().filter(|c| *c > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    while bytes.len() < head.len() + 4 + length {
        let count = stream.read(&mut chunk).ok().filter(|c| *c > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    }
    let signed: Value = serde_json::from_slice(&bytes[head.len() + 4..]).unwrap_or_default();
    let payload = read_base64url(signed["payload"].as_str().unwrap_or_default()).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    Some((path, serde_json::from_slice(&payload).unwrap_or_default()))
}

fn write(stream: &mut impl Write, status: u16, headers: &[(&'static str, String)], body: &str) {
    let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    // A proxy answers by itself, and knows no nonces.
    if !headers.iter().any(|(name, _)| *name == "Via") {
        text.push_str("Replay-Nonce: n\r\n");
    }
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    let _ = stream.write_all(format!("{text}\r\n{body}").as_bytes()).and_then(|()| stream.flush());
}

/// A server of few words: one order, whose name is still to be shown.
pub(super) fn plain(asked: &Asked<'_>, base: &str) -> Said {
    let body = match asked.path {
        "/dir" => json!({
            "newNonce": format!("{base}/nonce"), "newAccount": format!("{base}/new-account"),
            "newOrder": format!("{base}/new-order"), "renewalInfo": format!("{base}/info"),
            "meta": {"profiles": {"short": "https://x.test/"}},
        }),
        "/new-account" => return (201, vec![("Location", format!("{base}/account/1"))], "{}".to_owned()),
        "/account/1" => json!({"status": "valid"}),
        "/new-order" => {
            return (201, vec![("Location", format!("{base}/order/1"))], order(base, "pending").to_string());
        }
        "/order/1" => order(base, "pending"),
        "/authorization/1" => json!({
            "status": "pending", "identifier": {"type": "dns", "value": "www.contoso.com"},
            "challenges": [{"type": "http-01", "url": format!("{base}/challenge/1"), "status": "pending", "token": "tok"}],
        }),
        _ => json!({}),
    };
    (200, Vec::new(), body.to_string())
}

pub(super) fn order(base: &str, status: &str) -> Value {
    json!({
        "status": status, "identifiers": [{"type": "dns", "value": "www.contoso.com"}],
        "authorizations": [format!("{base}/authorization/1")], "finalize": format!("{base}/finalize/1"),
    })
}

pub(super) fn problem(status: u16, word: &str) -> Said {
    (
        status,
        Vec::new(),
        json!({"type": format!("urn:ietf:params:acme:error:{word}"), "detail": "so it is"}).to_string(),
    )
}
