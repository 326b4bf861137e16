//! A small world for tests: an authority, its certificates, and TLS servers that obey or misbehave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::model::{AlternativeName, Certificate, Clock, KeyAlgorithm, Moment, Purpose, Zone, parse_rdns};
use crate::x509::{
    AuthorityProfile, CertificateRequest, Issuer, PrivateKey, Profile, RequestDetails, build_request, issue,
    self_signed,
};

/// The wall clock.
pub(crate) struct WallClock(Instant);

impl WallClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Moment::from_unix(since.as_secs() as i64)
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// A clock that only its own `sleep` moves on.
pub(crate) struct FakeClock {
    start: Moment,
    passed: Mutex<Duration>,
}

impl FakeClock {
    pub(crate) fn at(start: Moment) -> Self {
        Self { start, passed: Mutex::default() }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Moment {
        self.start.plus_seconds(self.elapsed().as_secs() as i64)
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.passed.lock().unwrap() += time;
    }
}

/// A root with an intermediate authority below.
pub(crate) struct Authority {
    pub(crate) root: Certificate,
    pub(crate) intermediate: Certificate,
    key: PrivateKey,
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) leaf: Certificate,
    pub(crate) chain: Vec<Certificate>,
    pub(crate) key: PrivateKey,
}

/// What is out of the ordinary in a certificate.
#[expect(clippy::struct_excessive_bools, reason = "each is one oddity")]
#[derive(Clone, Default)]
pub(crate) struct Oddities {
    pub(crate) rsa: bool,
    pub(crate) client_only: bool,
    pub(crate) must_staple: bool,
    pub(crate) ended: bool,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let (root_key, key) = (ecdsa(), ecdsa());
        let profile = |name: &str| Profile {
            subject: Some(parse_rdns(&format!("CN={name}")).unwrap()),
            ..Profile::authority(now().plus_days(-400), now().plus_days(400), AuthorityProfile::default())
        };
        let root = self_signed(&root_key, &profile(&format!("{name} Root"))).unwrap();
        let request = request(&key, &[]);
        let issuer = Issuer { certificate: &root, signer: &root_key };
        let intermediate = issue(&request, &issuer, &profile(&format!("{name} CA"))).unwrap();
        Self { root, intermediate, key }
    }

    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_odd(names, &Oddities::default())
    }

    pub(crate) fn issue_odd(&self, names: &[&str], odd: &Oddities) -> Issued {
        let key = if odd.rsa { PrivateKey::generate(KeyAlgorithm::Rsa(2048)).unwrap() } else { ecdsa() };
        let (start, end) = if odd.ended { (-30, -1) } else { (-1, 90) };
        let profile = Profile {
            purposes: vec![if odd.client_only { Purpose::ClientAuth } else { Purpose::ServerAuth }],
            must_staple: odd.must_staple,
            ..Profile::server(now().plus_days(start), now().plus_days(end))
        };
        let issuer = Issuer { certificate: &self.intermediate, signer: &self.key };
        let leaf = issue(&request(&key, names), &issuer, &profile).unwrap();
        Issued { leaf, chain: vec![self.intermediate.clone()], key }
    }
}

fn request(key: &PrivateKey, names: &[&str]) -> CertificateRequest {
    let details = RequestDetails {
        subject: parse_rdns(&format!("CN={}", names.first().unwrap_or(&"CA"))).unwrap(),
        alternative_names: names.iter().map(|name| AlternativeName::host(name)).collect(),
        ..RequestDetails::default()
    };
    build_request(key, &details).unwrap()
}

fn ecdsa() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn now() -> Moment {
    WallClock::new().now()
}

impl Issued {
    pub(crate) fn certified(&self) -> CertifiedKey {
        let key = PrivateKeyDer::try_from(self.key.to_pkcs8_der().unwrap().to_vec()).unwrap();
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        CertifiedKey::new(self.served(), key)
    }

    /// Its certificate and chain, with another's key.
    pub(crate) fn with_key_of(&self, other: &Self) -> CertifiedKey {
        CertifiedKey { cert: self.served(), ..other.certified() }
    }

    fn served(&self) -> Vec<CertificateDer<'static>> {
        std::iter::once(&self.leaf).chain(&self.chain).map(|c| CertificateDer::from(c.der().to_vec())).collect()
    }
}

impl Authority {
    /// A connection whose certificate is verified up to this authority's root.
    pub(crate) fn connect(&self, address: &str) -> rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.root.der().to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from("a.example").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        rustls::StreamOwned::new(connection, std::net::TcpStream::connect(address).unwrap())
    }
}

/// Serves the first of these keys that fits the offer.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.iter().find(|k| k.key.choose_scheme(hello.signature_schemes()).is_some()).cloned()
    }
}

/// A TLS server on a free loopback port that ends with its value.
pub(crate) struct TestServer {
    pub(crate) address: String,
    stop: Arc<AtomicBool>,
}

impl TestServer {
    pub(crate) fn start(keys: Vec<CertifiedKey>) -> Self {
        Self::start_with(keys, rustls::ALL_VERSIONS)
    }

    pub(crate) fn start_with(keys: Vec<CertifiedKey>, versions: &[&'static rustls::SupportedProtocolVersion]) -> Self {
        let resolver = Arc::new(Keys(keys.into_iter().map(Arc::new).collect()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let config = Arc::new(config);
        Self::run(move |mut stream| {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let _ = tls.read(&mut [0; 512]);
            tls.conn.send_close_notify();
            let _ = tls.flush();
        })
    }

    /// A server that answers each connection with these bytes and closes it.
    pub(crate) fn blurting(bytes: &'static [u8]) -> Self {
        Self::run(move |mut stream| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(bytes);
        })
    }

    fn run(serve: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let (serve, stopped) = (Arc::new(serve), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, stop }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = std::net::TcpStream::connect(&self.address);
    }
}
