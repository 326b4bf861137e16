//! Servers that lie: one that stays at the old certificate, and one that shows the new and signs with the old key.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::nginx::{Otherwise, Site};
use super::openssl::{self, served};
use super::{BRIEF, fails, free};

#[test]
fn a_member_that_stays_at_the_old_certificate_takes_all_of_it_back() {
    let Some(site) = Site::start("a_member_that_stays_at_the_old_certificate_takes_all_of_it_back") else { return };
    let member = free("127.0.0.2");
    let (certificate, key) = (site.folder.join("member.pem"), site.folder.join("member.key"));
    std::fs::copy(site.certificate(), &certificate).unwrap();
    std::fs::copy(site.folder.join("site.key"), &key).unwrap();
    let liar = openssl::serve(&member, &certificate, &key);
    assert_eq!(served(&member), site.old);
    site.declare(&Otherwise { endpoint: Some(&member), deadline: Some(BRIEF), ..Otherwise::default() });

    let _serve = super::serve::start(&site.world);
    let error = fails(site.world.set(&site.new), 3, "ProofFailed");
    assert_eq!(error["target"], member.as_str());
    assert!(error["message"].as_str().unwrap().contains(&site.old), "it says what is served: {error}");
    site.is_wholly(&site.old);
    assert_eq!(served(&site.world.endpoint("Default")), site.old);
    // The built-in listener's sites went with it and came back.
    let ran = site.world.run("Test-TlsBinding").exits(0);
    assert!(
        ran.objects().iter().all(|p| p["Verdict"] == "Proven" && p["ActualThumbprint"] == site.old.as_str()),
        "{ran:#?}"
    );
    assert_eq!(ran.objects().len(), 4, "two endpoints for one binding: {ran:#?}");

    // A member that does not answer at all is not left out of the proof either.
    drop(liar);
    fails(site.world.set(&site.new), 1, "EndpointDown");
    site.is_wholly(&site.old);
}

#[test]
fn a_member_that_serves_the_new_one_before_the_change_is_not_what_is_changed() {
    let test = "a_member_that_serves_the_new_one_before_the_change_is_not_what_is_changed";
    let Some(site) = Site::start(test) else { return };
    let (certificate, key) = (site.folder.join("member.pem"), site.folder.join("member.key"));
    site.world.set(&site.new).exits(0);
    std::fs::copy(site.certificate(), &certificate).unwrap();
    std::fs::copy(site.folder.join("site.key"), &key).unwrap();
    site.world.set(&site.old).exits(0);
    let member = free("127.0.0.2");
    let _early = openssl::serve(&member, &certificate, &key);
    site.declare(&Otherwise { endpoint: Some(&member), ..Otherwise::default() });
    fails(site.world.set(&site.new), 5, "PlanStale");
    site.is_wholly(&site.old);
}

#[test]
fn a_member_with_the_right_certificate_and_another_key_takes_all_of_it_back() {
    let test = "a_member_with_the_right_certificate_and_another_key_takes_all_of_it_back";
    let Some(site) = Site::start(test) else { return };
    let liar = KeyLiar::start(&site.certificate(), &site.folder.join("site.key"));
    site.declare(&Otherwise { endpoint: Some(&liar.address), deadline: Some(BRIEF), ..Otherwise::default() });
    // As long as certificate and key are those of before, nobody could tell.
    let ran = site.world.run("Test-TlsBinding -Type WebServicesExternal").exits(0);
    assert!(ran.objects().iter().all(|p| p["Verdict"] == "Proven"), "{ran:#?}");

    let error = fails(site.world.set(&site.new), 3, "ProofFailed");
    assert_eq!(error["target"], liar.address.as_str());
    assert!(liar.has_lied.load(Ordering::SeqCst), "it showed the new certificate");
    site.is_wholly(&site.old);
}

/// A server that reads its certificate for each connection and keeps the key that it began with.
struct KeyLiar {
    address: String,
    has_lied: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KeyLiar {
    fn start(certificate: &Path, key: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (has_lied, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let key =
            rustls::crypto::aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::from_pem_file(key).unwrap()).unwrap();
        let certificates = Certificates {
            path: certificate.to_owned(),
            first: std::fs::read(certificate).unwrap(),
            key,
            has_lied: Arc::clone(&has_lied),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        let (config, is_over) = (Arc::new(config), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), config) = (stream, Arc::clone(&config)) else { continue };
                std::thread::spawn(move || {
                    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    let _ = tls.read(&mut [0; 1024]);
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                });
            }
        });
        Self { address, has_lied, stop, thread: Some(thread) }
    }
}

impl Drop for KeyLiar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = std::net::TcpStream::connect(&self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

#[derive(Debug)]
struct Certificates {
    path: PathBuf,
    first: Vec<u8>,
    key: Arc<dyn SigningKey>,
    has_lied: Arc<AtomicBool>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pem = std::fs::read(&self.path).ok()?;
        if pem != self.first {
            self.has_lied.store(true, Ordering::SeqCst);
        }
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().ok()?;
        Some(Arc::new(CertifiedKey::new(chain, Arc::clone(&self.key))))
    }
}
