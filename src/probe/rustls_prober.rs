//! The prober on rustls: one full handshake, the chain captured and the possession of the key checked.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, HandshakeKind, PeerIncompatible, ProtocolVersion, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion, version,
};

use super::capture::{Capture, is_offered};
use super::{KeyFamily, Miss, Prober, Sighting, Target, TlsVersion};
use crate::model::{Certificate, Clock};
use crate::x509::parse_certificate;

/// How long a wait may last before cancellation is looked at again.
const SLICE: Duration = Duration::from_millis(40);
/// How long the server's part of a clean close is waited for; ours has been written by then.
const CLOSING: Duration = Duration::from_millis(250);

/// Shakes hands by rustls with the algorithms of aws-lc.
///
/// A server that takes nothing but RSA key exchange or CBC suites is `Off`: rustls does not have them.
pub struct RustlsProber {
    clock: Arc<dyn Clock>,
}

impl RustlsProber {
    /// Takes the clock that dates its sightings.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl Prober for RustlsProber {
    fn handshake(&self, target: &Target, cancelled: &dyn Fn() -> bool) -> Result<Sighting, Miss> {
        let limit = Limit { deadline: Instant::now() + target.timeout, cancelled };
        let started = self.clock.now();
        let capture = Arc::new(Capture::new(target.family));
        let mut connection = connection(target, &capture)?;
        let mut stream = connect(&target.address, &limit)?;
        let local_address = stream.local_addr().map(|a| a.to_string()).unwrap_or_default();
        shake(&mut connection, &mut stream, &capture, &limit)?;

        match connection.handshake_kind() {
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) => {}
            _ => return Err(Miss::Broken("the session was resumed, though nothing was offered to resume".to_owned())),
        }
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            other => return Err(Miss::Broken(format!("the version agreed on is {other:?}"))),
        };
        let alpn = connection.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned());
        close(&mut connection, &mut stream, &limit)?;

        let seen = capture.take();
        let Some(scheme) = seen.scheme else {
            return Err(Miss::WrongKey("no signature was checked".to_owned()));
        };
        let mut certificates = seen.chain.iter().map(|der| {
            parse_certificate(der)
                .map_err(|e| Miss::Broken(format!("a certificate that it serves cannot be read: {}", e.message())))
        });
        let leaf = certificates.next().ok_or_else(|| Miss::Broken("no certificate was served".to_owned()))??;
        let chain = certificates.collect::<Result<Vec<Certificate>, Miss>>()?;
        Ok(Sighting {
            leaf,
            chain,
            version,
            scheme: scheme_name(scheme),
            alpn,
            staple: seen.staple,
            local_address,
            started,
            ended: self.clock.now(),
        })
    }
}

/// The time within which a handshake is over, and whether somebody wants it to end before.
struct Limit<'a> {
    deadline: Instant,
    cancelled: &'a dyn Fn() -> bool,
}

impl Limit<'_> {
    /// The next slice to wait; `Err` when there is none.
    fn slice(&self) -> Result<Duration, Miss> {
        if (self.cancelled)() {
            return Err(Miss::Cancelled);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(Miss::Down("the time for the handshake is over".to_owned()))
        } else {
            Ok(left.min(SLICE))
        }
    }
}

fn connection(target: &Target, capture: &Arc<Capture>) -> Result<ClientConnection, Miss> {
    let refused = |e: rustls::Error| Miss::Broken(format!("the offer cannot be made: {e}"));
    let versions: &[&SupportedProtocolVersion] = match target.version {
        TlsVersion::Tls12 => &[&version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    // A new configuration each time: nothing of an earlier session can be offered.
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider(target.family)))
        .with_protocol_versions(versions)
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(capture) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.alpn_protocols = target.alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = if let Some(name) = &target.server_name {
        ServerName::try_from(name.clone())
            .map_err(|_| Miss::Broken(format!("`{name}` cannot be sent as a server name")))?
    } else {
        config.enable_sni = false;
        ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into())
    };
    ClientConnection::new(Arc::new(config), name).map_err(refused)
}

fn provider(family: KeyFamily) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| match suite {
        SupportedCipherSuite::Tls12(suite) => suite.sign.iter().any(|scheme| is_offered(*scheme, family)),
        SupportedCipherSuite::Tls13(_) => true,
    });
    provider
}

/// Connects on a thread of its own, for neither name resolution nor `connect` can be interrupted.
fn connect(address: &str, limit: &Limit<'_>) -> Result<TcpStream, Miss> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let (wanted, deadline) = (address.to_owned(), limit.deadline);
    thread::Builder::new()
        .name("probe-connect".to_owned())
        .spawn(move || {
            let _ = sender.send(connect_now(&wanted, deadline));
        })
        .map_err(|e| Miss::Down(format!("no thread to connect with: {e}")))?;
    loop {
        match receiver.recv_timeout(limit.slice()?) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => return Err(Miss::Down(reason(&error))),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Miss::Down("connecting came to nothing".to_owned()));
            }
        }
    }
}

fn connect_now(address: &str, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for candidate in address.to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&candidate, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SLICE))?;
                stream.set_write_timeout(Some(SLICE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn shake(
    connection: &mut ClientConnection,
    stream: &mut TcpStream,
    capture: &Capture,
    limit: &Limit<'_>,
) -> Result<(), Miss> {
    let mut answered = false;
    loop {
        flush(connection, stream, limit).map_err(|e| if answered { broken(e) } else { dropped(e) })?;
        if !connection.is_handshaking() {
            return Ok(());
        }
        match read(connection, stream, limit) {
            Ok(0) if answered => return Err(Miss::Broken("it closed the connection amid the handshake".to_owned())),
            Ok(0) => return Err(Miss::Off("it closes the connection at the offer".to_owned())),
            Ok(_) => {}
            Err(stop) if answered => return Err(broken(stop)),
            Err(stop) => return Err(dropped(stop)),
        }
        if let Err(error) = connection.process_new_packets() {
            let _ = connection.write_tls(stream);
            return Err(judge(&error, capture));
        }
        answered = true;
    }
}

/// Says good-bye and waits for a word of the server; a server that goes without one has taken ours.
fn close(connection: &mut ClientConnection, stream: &mut TcpStream, limit: &Limit<'_>) -> Result<(), Miss> {
    connection.send_close_notify();
    flush(connection, stream, limit).map_err(broken)?;
    let _ = stream.shutdown(Shutdown::Write);
    let closing = Limit { deadline: limit.deadline.min(Instant::now() + CLOSING), cancelled: limit.cancelled };
    loop {
        match read(connection, stream, &closing) {
            Ok(0) | Err(Stop::Io(_) | Stop::Miss(Miss::Down(_))) => return Ok(()),
            Ok(_) => {}
            Err(Stop::Miss(miss)) => return Err(miss),
        }
        match connection.process_new_packets() {
            Ok(state) if state.peer_has_closed() || state.plaintext_bytes_to_read() > 0 => return Ok(()),
            Ok(_) => {}
            Err(rustls::Error::AlertReceived(alert)) => {
                return Err(Miss::Broken(format!(
                    "it ends the finished handshake with the alert `{}`",
                    alert_name(alert)
                )));
            }
            Err(error) => return Err(Miss::Broken(error.to_string())),
        }
    }
}

/// Why reading or writing ended.
enum Stop {
    Io(io::Error),
    Miss(Miss),
}

fn flush(connection: &mut ClientConnection, stream: &mut TcpStream, limit: &Limit<'_>) -> Result<(), Stop> {
    while connection.wants_write() {
        limit.slice().map_err(Stop::Miss)?;
        match connection.write_tls(stream) {
            Ok(_) => {}
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(Stop::Io(error)),
        }
    }
    Ok(())
}

fn read(connection: &mut ClientConnection, stream: &mut TcpStream, limit: &Limit<'_>) -> Result<usize, Stop> {
    loop {
        limit.slice().map_err(Stop::Miss)?;
        match connection.read_tls(stream) {
            Ok(count) => return Ok(count),
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(Stop::Io(error)),
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn broken(stop: Stop) -> Miss {
    match stop {
        Stop::Io(error) => Miss::Broken(reason(&error)),
        Stop::Miss(miss) => miss,
    }
}

/// http.sys answers an offer that it does not share by a reset instead of an alert.
fn dropped(stop: Stop) -> Miss {
    match stop {
        Stop::Io(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            Miss::Off("it resets the connection at the offer".to_owned())
        }
        stop => broken(stop),
    }
}

fn judge(error: &rustls::Error, capture: &Capture) -> Miss {
    if let Some(why) = capture.wrong_key() {
        return Miss::WrongKey(why);
    }
    match error {
        rustls::Error::AlertReceived(alert) if capture.has_verified() => Miss::Broken(format!(
            "it showed its certificate and then refused with the alert `{}`; it may ask for a client certificate",
            alert_name(*alert)
        )),
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::AccessDenied
            | AlertDescription::UnrecognisedName
            | AlertDescription::InternalError
            | AlertDescription::NoApplicationProtocol
            | AlertDescription::MissingExtension
            | AlertDescription::IllegalParameter),
        ) => Miss::Off(format!("alert `{}`", alert_name(*alert))),
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => Miss::TooOld,
        rustls::Error::PeerIncompatible(why) => Miss::Off(format!("{why:?}")),
        other => Miss::Broken(other.to_string()),
    }
}

/// `handshake_failure`, as RFC 8446 section 6 writes alerts.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for (i, c) in format!("{alert:?}").chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn scheme_name(scheme: SignatureScheme) -> String {
    format!("{scheme:?}")
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "the connection is refused".to_owned(),
        ErrorKind::ConnectionReset => "the connection is reset".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "the time for connecting is over".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::probe::testing::{Authority, Issued, Oddities, TestServer, WallClock};

    fn look(address: &str, version: TlsVersion, family: KeyFamily) -> Result<Sighting, Miss> {
        let target = Target {
            address: address.to_owned(),
            server_name: Some("a.example".to_owned()),
            version,
            family,
            alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
            timeout: Duration::from_secs(3),
        };
        RustlsProber::new(Arc::new(WallClock::new())).handshake(&target, &|| false)
    }

    fn two_kinds() -> (Issued, Issued) {
        let authority = Authority::new("Two");
        let rsa = authority.issue_odd(&["a.example"], &Oddities { rsa: true, ..Oddities::default() });
        (authority.issue(&["a.example"]), rsa)
    }

    #[test]
    fn each_version_and_family_shows_its_certificate() {
        let (ecdsa, rsa) = two_kinds();
        let server = TestServer::start(vec![ecdsa.certified(), rsa.certified()]);
        let mut ports = Vec::new();
        for version in TlsVersion::ALL {
            for (family, issued) in [(KeyFamily::Ecdsa, &ecdsa), (KeyFamily::Rsa, &rsa), (KeyFamily::Any, &ecdsa)] {
                let seen = look(&server.address, version, family).unwrap();
                assert_eq!((&seen.leaf, &seen.chain, seen.version), (&issued.leaf, &issued.chain, version));
                let word = if issued.leaf == rsa.leaf { "RSA_PSS" } else { "ECDSA_NISTP256_SHA256" };
                assert!(seen.scheme.starts_with(word), "{}", seen.scheme);
                ports.push(seen.local_address);
            }
        }
        ports.sort();
        ports.dedup();
        assert_eq!(ports.len(), 6, "each handshake comes from its own port");
    }

    #[test]
    fn a_family_or_version_that_is_off_is_off() {
        let (ecdsa, _) = two_kinds();
        let server = TestServer::start_with(vec![ecdsa.certified()], &[&version::TLS12]);
        assert!(look(&server.address, TlsVersion::Tls12, KeyFamily::Ecdsa).is_ok());
        for (version, family) in [(TlsVersion::Tls13, KeyFamily::Ecdsa), (TlsVersion::Tls12, KeyFamily::Rsa)] {
            let miss = look(&server.address, version, family).unwrap_err();
            assert!(matches!(miss, Miss::Off(_)), "{miss:?}");
        }
        let empty = TestServer::start(Vec::new());
        let miss = look(&empty.address, TlsVersion::Tls13, KeyFamily::Any).unwrap_err();
        assert_eq!(miss, Miss::Off("alert `access_denied`".to_owned()));
    }

    #[test]
    fn the_right_certificate_with_another_key_is_found_out() {
        let (ecdsa, rsa) = two_kinds();
        let (stranger, other_rsa) = two_kinds();
        for version in TlsVersion::ALL {
            for served in [ecdsa.with_key_of(&stranger), rsa.with_key_of(&other_rsa)] {
                let server = TestServer::start(vec![served]);
                let miss = look(&server.address, version, KeyFamily::Any).unwrap_err();
                assert!(matches!(miss, Miss::WrongKey(_)), "{version}: {miss:?}");
            }
        }
    }

    #[test]
    fn silence_noise_and_nobody_are_told_apart() {
        let miss = look("127.0.0.1:1", TlsVersion::Tls13, KeyFamily::Any).unwrap_err();
        assert_eq!(miss, Miss::Down("the connection is refused".to_owned()));
        let noise = TestServer::blurting(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let miss = look(&noise.address, TlsVersion::Tls13, KeyFamily::Any).unwrap_err();
        assert!(matches!(miss, Miss::Broken(_)), "{miss:?}");
        // A ServerHello of TLS 1.0 with AES128-SHA.
        let old: &[u8] =
            b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00\x2f\x00";
        let old = TestServer::blurting(old);
        assert_eq!(look(&old.address, TlsVersion::Tls12, KeyFamily::Any).unwrap_err(), Miss::TooOld);
        assert_eq!(look(&old.address, TlsVersion::Tls13, KeyFamily::Any).unwrap_err(), Miss::TooOld);
    }

    #[test]
    fn time_and_cancellation_end_a_silent_peer() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            address: silent.local_addr().unwrap().to_string(),
            server_name: None,
            version: TlsVersion::Tls13,
            family: KeyFamily::Any,
            alpn: Vec::new(),
            timeout: Duration::from_millis(200),
        };
        let prober = RustlsProber::new(Arc::new(WallClock::new()));
        let start = Instant::now();
        assert!(matches!(prober.handshake(&target, &|| false), Err(Miss::Down(_))));
        assert!(start.elapsed() >= Duration::from_millis(200), "it waits as long as it was told");

        let start = Instant::now();
        let long = Target { timeout: Duration::from_secs(30), ..target };
        let soon = || start.elapsed() > Duration::from_millis(60);
        assert_eq!(prober.handshake(&long, &soon).unwrap_err(), Miss::Cancelled);
    }

    #[test]
    fn openssl_is_understood_as_a_peer() {
        let (_, rsa) = two_kinds();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, label: &str, der: &[u8]| {
            let path = dir.path().join(name);
            let mut command = Command::new("openssl");
            command.args(if label == "key" { ["pkcs8", "-nocrypt"].as_slice() } else { ["x509"].as_slice() });
            command.args(["-inform", "DER", "-in"]).arg(dir.path().join("in.der")).arg("-out").arg(&path);
            std::fs::write(dir.path().join("in.der"), der).unwrap();
            command.stderr(Stdio::null()).status().map(|done| (done.success(), path))
        };
        let Ok((true, certificate)) = write("c.pem", "certificate", rsa.leaf.der()) else {
            crate::x509::testing::absent("openssl_is_understood_as_a_peer", "openssl");
            return;
        };
        let (true, key) = write("k.pem", "key", &rsa.key.to_pkcs8_der().unwrap()).unwrap() else {
            panic!("openssl does not take the key")
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &address, "-tls1_2", "-cert"])
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _child = Ended(child);
        let start = Instant::now();
        let seen = loop {
            match look(&address, TlsVersion::Tls12, KeyFamily::Rsa) {
                Err(Miss::Down(_)) if start.elapsed() < Duration::from_secs(10) => thread::sleep(SLICE),
                other => break other.unwrap(),
            }
        };
        assert_eq!(seen.leaf, rsa.leaf);
        assert!(matches!(look(&address, TlsVersion::Tls13, KeyFamily::Any), Err(Miss::Off(_))));
        assert!(matches!(look(&address, TlsVersion::Tls12, KeyFamily::Ecdsa), Err(Miss::Off(_))));
    }

    struct Ended(Child);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
