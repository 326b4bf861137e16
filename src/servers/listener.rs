//! The built-in listener at work: it serves what the rows of the state say and follows them while it runs.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

use super::connection::{Connections, Talk};
use crate::error::{Error, ErrorId, Result};
use crate::model::{BindingProtocol, Certificate, Endpoint, Fingerprint, KeyId};
use crate::state::{BindingKey, Lease, Row, RowKey, Slot, State, Write};
use crate::x509::{PrivateKey, check_pair, parse_certificate};

/// Opens a private key of the state.
pub(crate) type KeySource = Arc<dyn Fn(&KeyId) -> Result<PrivateKey> + Send + Sync>;

/// How often the state is asked whether it changed.
const POLL: Duration = Duration::from_millis(40);
/// How long connections may end by themselves when the listener stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// A binding that the built-in listener serves.
#[derive(Clone, Debug)]
pub struct ListenerBinding {
    /// Computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// What is spoken there.
    pub protocol: BindingProtocol,
    /// Where it listens; port 0 picks a free one, the one of the last time when it is still free.
    pub endpoints: Vec<Endpoint>,
}

impl ListenerBinding {
    /// The key of the setting that publishes the addresses at which a binding is really served, separated by blanks.
    pub fn published(&self) -> RowKey {
        RowKey::Setting(format!("endpoint:{}/{}/{}", self.computer, self.site, self.information))
    }
}

/// The lease of whoever serves the sites of the built-in listener.
pub(crate) const LISTENER_LEASE: &str = "listener";

/// The serving side: holds the lease `listener`, the ports, and a thread for each until it is dropped.
pub struct Listener {
    shared: Arc<Shared>,
    addresses: Vec<(ListenerBinding, Vec<SocketAddr>)>,
    threads: Vec<JoinHandle<()>>,
    /// In a mutex only to be shared between threads.
    _lease: Mutex<Lease>,
}

struct Shared {
    state: Arc<dyn State>,
    keys: KeySource,
    served: Vec<Arc<Served>>,
    connections: Connections,
    stop: AtomicBool,
    /// Taken while rows are read, so that an older reading never replaces a newer one.
    reading: Mutex<Option<u64>>,
    problem: Mutex<Option<Error>>,
}

impl Listener {
    /// Takes the lease, binds every endpoint, publishes the real addresses and serves.
    ///
    /// # Errors
    /// `Busy` when another process serves; `EndpointInUse` when a port is held by another program, before anything is
    /// changed; `ConfigInvalid` for an endpoint that is no address of this computer.
    pub(crate) fn start(
        state: Arc<dyn State>,
        keys: KeySource,
        bindings: Vec<ListenerBinding>,
        holder: &str,
    ) -> Result<Self> {
        let lease = state.lease(LISTENER_LEASE, holder, Duration::ZERO)?;
        let mut sockets = Vec::new();
        let mut served = Vec::new();
        let mut addresses = Vec::new();
        let mut batch = Vec::new();
        for binding in bindings {
            let here = Arc::new(Served::new(&binding)?);
            let last = published_addresses(&*state, &binding)?;
            let mut bound = Vec::new();
            for (index, endpoint) in binding.endpoints.iter().enumerate() {
                let (socket, address) = bind(endpoint, last.get(index).copied())?;
                bound.push(address);
                sockets.push((socket, Arc::clone(&here)));
            }
            if bound != last {
                batch.push(Write::put(binding.published(), Row::Setting(join(&bound))));
            }
            served.push(here);
            addresses.push((binding, bound));
        }
        if !batch.is_empty() {
            state.write(&batch)?;
        }
        let shared = Arc::new(Shared {
            state,
            keys,
            served,
            connections: Connections::default(),
            stop: AtomicBool::new(false),
            reading: Mutex::default(),
            problem: Mutex::default(),
        });
        let mut listener = Self { shared, addresses, threads: Vec::new(), _lease: Mutex::new(lease) };
        // A certificate that cannot be loaded must not keep the others from being served.
        let _ = listener.refresh();
        for (socket, here) in sockets {
            let shared = Arc::clone(&listener.shared);
            listener.spawn("listener-accept", move || shared.accept(&socket, &here))?;
        }
        let shared = Arc::clone(&listener.shared);
        listener.spawn("listener-poll", move || shared.follow())?;
        Ok(listener)
    }

    /// The addresses at which each binding is really served, in the order of its endpoints.
    pub fn addresses(&self) -> &[(ListenerBinding, Vec<SocketAddr>)] {
        &self.addresses
    }

    /// Looks at the rows now and serves what they say; connections that are open stay as they are.
    ///
    /// # Errors
    /// `ReloadFailed` when a certificate or its key cannot be loaded; what was served before is served on.
    pub fn refresh(&self) -> Result<()> {
        self.shared.refresh(true)
    }

    /// Why the rows could not be followed the last time, if so.
    pub fn problem(&self) -> Option<Error> {
        lock(&self.shared.problem).clone()
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|e| {
            Error::new(ErrorId::StoreUnavailable, "the built-in listener gets no thread from the system").because(e)
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for address in self.addresses.iter().flat_map(|(_, all)| all) {
            let _ = TcpStream::connect_timeout(&reachable(*address), FAREWELL);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.shared.connections.end(FAREWELL);
    }
}

impl Shared {
    fn accept(&self, socket: &TcpListener, here: &Arc<Served>) {
        for stream in socket.incoming() {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            match stream {
                Ok(stream) => self.connections.take(stream, Arc::clone(&here.talk)),
                // Out of file descriptors, most likely: give the others time to end.
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    fn follow(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            let _ = self.refresh(false);
            thread::sleep(POLL);
        }
    }

    fn refresh(&self, always: bool) -> Result<()> {
        let mut reading = lock(&self.reading);
        let version = self.state.data_version()?;
        if !always && *reading == Some(version) {
            return Ok(());
        }
        let result = self.load_all();
        // A failed reading is repeated at the next look.
        *reading = result.is_ok().then_some(version);
        *lock(&self.problem) = result.as_ref().err().cloned();
        result
    }

    fn load_all(&self) -> Result<()> {
        let rows = self.state.listener()?;
        let mut failed = None;
        for here in &self.served {
            let wanted: Vec<(Slot, Fingerprint)> =
                rows.iter().filter(|(key, _)| here.is_of(key)).map(|(key, row)| (key.slot, row.certificate)).collect();
            if let Err(error) =
                here.certificates.follow(&wanted, |fingerprint| load(&*self.state, &self.keys, fingerprint))
            {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), |error| {
            let message = format!("the built-in listener cannot serve what is bound: {}", error.message());
            Err(Error::new(ErrorId::ReloadFailed, message).because(error))
        })
    }
}

/// A binding with what it serves now.
struct Served {
    binding: ListenerBinding,
    certificates: Arc<Certificates>,
    talk: Arc<Talk>,
}

impl Served {
    fn new(binding: &ListenerBinding) -> Result<Self> {
        let certificates = Arc::new(Certificates::default());
        let text = format!("{} on {} is served by certlet\n", binding.site, binding.computer);
        let talk = match binding.protocol {
            BindingProtocol::Http => Talk::Http(text),
            BindingProtocol::Https => Talk::Https(tls(&certificates, &["http/1.1"])?, text),
            BindingProtocol::Tls => Talk::Tls(tls(&certificates, &[])?),
        };
        Ok(Self { binding: binding.clone(), certificates, talk: Arc::new(talk) })
    }

    fn is_of(&self, key: &BindingKey) -> bool {
        (&key.computer, &key.site, &key.information)
            == (&self.binding.computer, &self.binding.site, &self.binding.information)
    }
}

/// Without resumption: a session of before would show the certificate of before.
fn tls(certificates: &Arc<Certificates>, alpn: &[&str]) -> Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(|e| Error::new(ErrorId::StoreUnavailable, "the TLS library cannot be set up").because(e))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}

/// What a binding serves; swapped while handshakes go on.
#[derive(Debug, Default)]
struct Certificates(RwLock<Vec<Loaded>>);

#[derive(Clone, Debug)]
struct Loaded {
    slot: Slot,
    fingerprint: Fingerprint,
    key: Arc<CertifiedKey>,
}

impl Certificates {
    fn follow(&self, wanted: &[(Slot, Fingerprint)], load: impl Fn(Fingerprint) -> Result<CertifiedKey>) -> Result<()> {
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut next = Vec::with_capacity(wanted.len());
        let mut failed = None;
        for (slot, fingerprint) in wanted {
            let loaded = now.iter().find(|l| (l.slot, l.fingerprint) == (*slot, *fingerprint)).cloned();
            match loaded.map_or_else(|| load(*fingerprint).map(Arc::new), |l| Ok(l.key)) {
                Ok(key) => next.push(Loaded { slot: *slot, fingerprint: *fingerprint, key }),
                Err(error) => {
                    next.extend(now.iter().find(|l| l.slot == *slot).cloned());
                    failed.get_or_insert(error);
                }
            }
        }
        // A slot of its own goes before the one for all.
        next.sort_by_key(|l| l.slot == Slot::Any);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        failed.map_or(Ok(()), Err)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        loaded.iter().find(|l| l.key.key.choose_scheme(hello.signature_schemes()).is_some()).map(|l| Arc::clone(&l.key))
    }
}

/// Loads a stored certificate with its chain and key.
///
/// # Errors
/// `CertificateNotFound`, `KeyMismatch`, and whatever the source of keys says.
pub(super) fn load(state: &dyn State, keys: &KeySource, fingerprint: Fingerprint) -> Result<CertifiedKey> {
    let stored = |fingerprint: Fingerprint| match state.row(&RowKey::Certificate(fingerprint))? {
        Some(Row::Certificate(row)) => Ok(row),
        _ => Err(Error::new(
            ErrorId::CertificateNotFound,
            format!("the certificate `{fingerprint}` is not stored any more"),
        )
        .about(fingerprint.to_string())),
    };
    let row = stored(fingerprint)?;
    let leaf: Certificate = parse_certificate(&row.der)?;
    let key = keys(&row.key)?;
    check_pair(&leaf, &key)?;
    let mut chain = vec![CertificateDer::from(row.der)];
    for above in &row.chain {
        chain.push(CertificateDer::from(stored(*above)?.der));
    }
    let pkcs8 = key.to_pkcs8_der()?;
    let signing =
        aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_slice())))
            .map_err(|e| Error::new(ErrorId::KeyMismatch, "the private key cannot be used for TLS").because(e))?;
    Ok(CertifiedKey::new(chain, signing))
}

fn bind(endpoint: &Endpoint, last: Option<SocketAddr>) -> Result<(TcpListener, SocketAddr)> {
    let shown = endpoint.to_string();
    let Some(wanted) = endpoint.socket_address().or_else(|| localhost(endpoint)) else {
        let message = format!("the built-in listener cannot listen at `{shown}`: it is no address");
        return Err(Error::new(ErrorId::ConfigInvalid, message)
            .about(shown)
            .hint("write `127.0.0.1:0`, or an address of this computer"));
    };
    // The port of the last time, so that what was shown then still holds.
    let again = last
        .filter(|last| wanted.port() == 0 && last.ip() == wanted.ip())
        .and_then(|last| TcpListener::bind(last).ok());
    let socket = match again {
        Some(socket) => socket,
        None => TcpListener::bind(wanted).map_err(|e| {
            let what = match e.kind() {
                std::io::ErrorKind::AddrInUse => "is held by another program".to_owned(),
                _ => format!("cannot be listened at: {e}"),
            };
            Error::new(ErrorId::EndpointInUse, format!("the endpoint `{shown}` {what}")).about(shown.clone()).because(e)
        })?,
    };
    let address = socket
        .local_addr()
        .map_err(|e| Error::new(ErrorId::EndpointInUse, format!("the endpoint `{shown}` has no address")).because(e))?;
    Ok((socket, address))
}

fn localhost(endpoint: &Endpoint) -> Option<SocketAddr> {
    endpoint.is_loopback().then(|| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), endpoint.port))
}

/// An address by which a listener at any address is reached.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn published_addresses(state: &dyn State, binding: &ListenerBinding) -> Result<Vec<SocketAddr>> {
    Ok(match state.row(&binding.published())? {
        Some(Row::Setting(text)) => text.split_whitespace().filter_map(|a| a.parse().ok()).collect(),
        _ => Vec::new(),
    })
}

fn join(addresses: &[SocketAddr]) -> String {
    let mut text = String::new();
    for address in addresses {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{address}");
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
