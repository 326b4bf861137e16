//! NTLM over HTTP/1.1: a connection of its own for each request, logged on and bound to the server's certificate.
//!
//! NTLM logs a connection on, not a request ([MS-NTHT] section 3.1), so the three messages and the request itself must
//! share one connection; a client that pools connections cannot promise that. The log-on carries the hash of the
//! server's certificate (`tls-server-end-point`, RFC 5929 section 4), as Extended Protection asks for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256, Sha384, Sha512};
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, SecurityBuffer, Sspi, SspiImpl,
    Username,
};

use super::super::http::{MAX_BODY, Reply, watched};
use super::wire::{USER_AGENT, base64};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Secret};
use crate::x509;

/// More lines before a body than this are no answer of web enrollment.
const MOST_HEAD: u64 = 64 << 10;

/// Asks for pages with NTLM.
pub(super) struct Ntlm {
    config: Arc<ClientConfig>,
    limit: Duration,
}

impl Ntlm {
    pub(super) fn new(roots: &[Certificate], limit: Duration) -> Self {
        let mut store = RootCertStore::empty();
        // A root that cannot be an anchor makes the server unknown, which the handshake says.
        store.add_parsable_certificates(roots.iter().map(|r| CertificateDer::from(r.der().to_vec())));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        // The provider has both versions.
        let config = builder.map(|b| b.with_root_certificates(store).with_no_client_auth());
        Self { config: Arc::new(config.unwrap_or_else(|_| unreachable!("the provider has TLS 1.2 and 1.3"))), limit }
    }

    /// Asks for a page, or sends a form.
    ///
    /// # Errors
    /// `CaUnreachable`, `CaAccessDenied` for an account that cannot be one, `Interrupted`.
    pub(super) fn ask(
        &self,
        (user, password): &(String, Secret),
        url: &str,
        form: Option<String>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        let username = Username::parse(user).map_err(|e| {
            Error::new(ErrorId::CaAccessDenied, format!("`{user}` is no account: {e}"))
                .about(user)
                .hint("write it as `DOMAIN\\user`")
        })?;
        let identity = AuthIdentity { username, password: password.expose().to_owned().into() };
        let (config, deadline, place) = (Arc::clone(&self.config), Instant::now() + self.limit, url.to_owned());
        let talk = move || conversation(&config, &identity, &place, form.as_deref(), deadline);
        watched(url, cancelled, talk)
    }
}

/// Logs a connection on and asks for one page; what went wrong in words.
fn conversation(
    config: &Arc<ClientConfig>,
    identity: &AuthIdentity,
    url: &str,
    form: Option<&str>,
    deadline: Instant,
) -> std::result::Result<Reply, String> {
    let place = Place::of(url).ok_or("the address cannot be read")?;
    let mut stream = place.connect(config, deadline)?;
    let front =
        stream.get_ref().conn.peer_certificates().and_then(<[_]>::first).ok_or("the server showed no certificate")?;
    let mut context = sspi::Ntlm::new();
    context.set_channel_bindings(&end_point(front));
    let mut log_on = LogOn::new(&mut context, identity)?;

    let method = if form.is_some() { "POST" } else { "GET" };
    let first = log_on.step(&[])?;
    // Nothing of the form is sent before the server has answered: it would be sent twice.
    place.send(&mut stream, method, Some(&first), form.map(|_| ""))?;
    let reply = receive(&mut stream)?;
    let challenge = reply.headers.iter().filter(|(name, _)| name == "www-authenticate").find_map(|(_, value)| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("NTLM").then(|| decoded(token.trim()))?
    });
    let (true, Some(challenge)) = (reply.status == 401, challenge) else {
        if form.is_some() && reply.status == 200 {
            return Err("it takes forms from anybody, and was to ask for NTLM".to_owned());
        }
        return Ok(reply);
    };
    if closes(&reply) {
        // The next message would be the first one on another connection.
        return Err(
            "the connection is closed between the messages of NTLM: whatever stands in between has to keep it open, \
                    or let this computer through to the server itself"
                .to_owned(),
        );
    }
    let second = log_on.step(&challenge)?;
    place.send(&mut stream, method, Some(&second), form)?;
    receive(&mut stream)
}

/// Whether a server, or a proxy before it, says that it ends the connection with this answer (RFC 9112 section 9.6).
fn closes(reply: &Reply) -> bool {
    let ends = |value: &str| value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close"));
    reply.headers.iter().any(|(name, value)| matches!(name.as_str(), "connection" | "proxy-connection") && ends(value))
}

/// The client's side of the three messages.
struct LogOn<'a> {
    context: &'a mut sspi::Ntlm,
    credentials: <sspi::Ntlm as SspiImpl>::CredentialsHandle,
}

impl<'a> LogOn<'a> {
    fn new(context: &'a mut sspi::Ntlm, identity: &AuthIdentity) -> std::result::Result<Self, String> {
        let acquired = context
            .acquire_credentials_handle()
            .with_credential_use(CredentialUse::Outbound)
            .with_auth_data(identity)
            .execute(context)
            .map_err(|e| format!("NTLM: {}", e.description))?;
        Ok(Self { context, credentials: acquired.credentials_handle })
    }

    /// The next message, from the server's last one.
    fn step(&mut self, token: &[u8]) -> std::result::Result<String, String> {
        let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let mut builder = self
            .context
            .initialize_security_context()
            .with_credentials_handle(&mut self.credentials)
            .with_context_requirements(ClientRequestFlags::INTEGRITY)
            .with_target_data_representation(DataRepresentation::Native)
            .with_input(&mut input)
            .with_output(&mut output);
        let fault = |e: sspi::Error| format!("NTLM: {}", e.description);
        self.context
            .initialize_security_context_impl(&mut builder)
            .map_err(fault)?
            .resolve_to_result()
            .map_err(fault)?;
        let [output] = output;
        Ok(format!("NTLM {}", base64(&output.buffer)))
    }
}

/// `tls-server-end-point`: the certificate under the hash of its own signature, at least SHA-256 (RFC 5929 section 4.1).
fn end_point(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let algorithm =
        x509::parse_certificate(certificate).map_or_else(|_| String::new(), |c| c.signature_algorithm().to_owned());
    let hash = match algorithm {
        name if name.contains("384") => Sha384::digest(certificate).to_vec(),
        name if name.contains("512") => Sha512::digest(certificate).to_vec(),
        _ => Sha256::digest(certificate).to_vec(),
    };
    [b"tls-server-end-point:".as_slice(), &hash].concat()
}

type Stream = BufReader<StreamOwned<ClientConnection, Timed>>;

/// Where an address leads.
struct Place {
    host: String,
    port: u16,
    path: String,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let rest = url.get(8..).filter(|_| url[..8].eq_ignore_ascii_case("https://"))?;
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, 443),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        (is_plain(host) && is_plain(path) && !host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }

    fn connect(&self, config: &Arc<ClientConfig>, deadline: Instant) -> std::result::Result<Stream, String> {
        let name = ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        let addresses = (self.host.as_str(), self.port).to_socket_addrs().map_err(|e| e.to_string())?;
        let mut last = "the name has no address".to_owned();
        for address in addresses {
            let left = left(deadline).map_err(|e| e.to_string())?;
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => {
                    let mut connection = ClientConnection::new(Arc::clone(config), name).map_err(|e| e.to_string())?;
                    let mut timed = Timed { stream, deadline };
                    connection.complete_io(&mut timed).map_err(|e| e.to_string())?;
                    return Ok(BufReader::new(StreamOwned::new(connection, timed)));
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }

    fn send(
        &self,
        stream: &mut Stream,
        method: &str,
        authorization: Option<&str>,
        form: Option<&str>,
    ) -> std::result::Result<(), String> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {host}:{}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n",
            self.path, self.port
        );
        if let Some(value) = authorization {
            head.extend(["Authorization: ", value, "\r\n"]);
        }
        if let Some(form) = form {
            head.push_str("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ");
            head.extend([form.len().to_string().as_str(), "\r\n"]);
        }
        let text = head + "\r\n" + form.unwrap_or_default();
        let stream = stream.get_mut();
        stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).map_err(|e| e.to_string())
    }
}

/// Reads one answer to its end, so that the next one can follow on the same connection.
fn receive(stream: &mut Stream) -> std::result::Result<Reply, String> {
    let fault = |e: std::io::Error| e.to_string();
    loop {
        let mut head = stream.by_ref().take(MOST_HEAD);
        let mut line = String::new();
        if head.read_line(&mut line).map_err(fault)? == 0 {
            return Err("the connection was closed before there was an answer".to_owned());
        }
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u16>().ok());
        let status = status.ok_or("it does not speak HTTP/1.1")?;
        let mut headers: Vec<(String, String)> = Vec::new();
        loop {
            let mut line = String::new();
            if head.read_line(&mut line).map_err(fault)? == 0 {
                return Err("the answer ends within its head".to_owned());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or("a header cannot be read")?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        if (100..200).contains(&status) {
            continue;
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let is_chunked = reply.header("transfer-encoding").is_some_and(|t| t.to_ascii_lowercase().contains("chunked"));
        reply.body = if matches!(status, 204 | 304) {
            Vec::new()
        } else if is_chunked {
            chunks(stream)?
        } else if let Some(length) = reply.header("content-length") {
            let length: u64 = length.parse().map_err(|_| "the length of the answer cannot be read")?;
            exactly(stream, length, 0)?
        } else {
            let mut body = Vec::new();
            // A server that closes without saying so has still said all.
            match stream.take(MAX_BODY + 1).read_to_end(&mut body) {
                Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error.to_string()),
                _ => {}
            }
            if body.len() as u64 > MAX_BODY {
                return Err("the answer is too large".to_owned());
            }
            body
        };
        return Ok(reply);
    }
}

fn exactly(stream: &mut Stream, length: u64, before: u64) -> std::result::Result<Vec<u8>, String> {
    if length.saturating_add(before) > MAX_BODY {
        return Err("the answer is too large".to_owned());
    }
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).map_err(|e| e.to_string())?;
    if body.len() as u64 == length { Ok(body) } else { Err("the answer ends too early".to_owned()) }
}

fn chunks(stream: &mut Stream) -> std::result::Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.take(1024).read_line(&mut line).map_err(|e| e.to_string())?;
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size.trim(), 16).map_err(|_| "a piece of the answer has no length")?;
        if size == 0 {
            break;
        }
        body.extend(exactly(stream, size, body.len() as u64)?);
        exactly(stream, 2, 0)?;
    }
    // What may follow the last piece, and an empty line.
    loop {
        let mut line = String::new();
        let read = stream.take(1024).read_line(&mut line).map_err(|e| e.to_string())?;
        if read == 0 || line.trim().is_empty() {
            return Ok(body);
        }
    }
}

/// Base64 with padding; `None` for anything else.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len() * 3 / 4));
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(digit), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

/// A socket whose every wait ends at the deadline of the whole.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(bytes).map_err(late)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

fn left(deadline: Instant) -> std::io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(std::io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn late(error: std::io::Error) -> std::io::Error {
    if error.kind() == std::io::ErrorKind::WouldBlock { std::io::ErrorKind::TimedOut.into() } else { error }
}
