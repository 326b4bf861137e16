//! An emulator of AD CS web enrollment: the pages of `/certsrv` over TLS, with an authority of its own behind them.
//!
//! Its pages have the form that real servers give them; the client `certsrv` of `PyPI` drives it in the same suite.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Who may log on.
pub(crate) const USER: &str = r"CORP\svc";
/// With which password.
pub(crate) const PASSWORD: &str = "pass&+%word";

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "tests of the library and of the program use different ones")]
pub(crate) enum Mode {
    /// Its duty.
    Well,
    /// Answers in German.
    German,
    /// Answers every page with this status.
    Status(u16),
    /// Answers with bytes that are no page.
    Garbage,
    /// Answers with a body without end.
    Huge,
    /// Takes requests and never answers.
    Mute,
    /// Takes what is handed in, remembers it, and never answers; other pages are well.
    MuteAfterSubmission,
    /// Says that a manager decides, and not about which request.
    Nameless,
    /// Gives a certificate within a bundle in which it is not the first leaf.
    Bundle,
    /// Gives the certificate of another request.
    Foreign,
    /// Ends the connection with each challenge, as some proxies do.
    Closing,
    /// Shows what it was asked with, as pages for debugging do.
    Echo,
}

/// How a connection logs on: given the header `Authorization`, whether it is in, or what to answer with 401.
pub(crate) type Gate = Box<dyn FnMut(Option<&str>) -> Result<(), String> + Send>;

/// Makes a gate for each connection.
pub(crate) type Gates = dyn Fn() -> Gate + Send + Sync;

/// The emulator; it ends when it is dropped.
pub(crate) struct Emulator {
    /// `https://localhost:PORT/certsrv`.
    pub(crate) url: String,
    /// The port on loopback.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    requests: Mutex<BTreeMap<u32, Request>>,
    submitted: Condvar,
    authority: Authority,
    gates: Arc<Gates>,
    stop: AtomicBool,
}

/// A request in the authority's database.
struct Request {
    state: u8,
    csr: Vec<u8>,
    message: String,
    last: String,
    certificate: Option<Vec<u8>>,
}

impl Emulator {
    /// Starts with HTTP basic authentication.
    pub(crate) fn start() -> Self {
        let wanted = format!("Basic {}", base64(format!("{USER}:{PASSWORD}").as_bytes()));
        Self::with_gates(Arc::new(move || {
            let wanted = wanted.clone();
            Box::new(move |given| match given {
                Some(given) if given == wanted => Ok(()),
                _ => Err("Basic realm=\"localhost\"".to_owned()),
            })
        }))
    }

    /// Starts with another way to log on.
    pub(crate) fn with_gates(gates: Arc<Gates>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let authority = Authority::new();
        let config = authority.server();
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Well),
            requests: Mutex::default(),
            submitted: Condvar::new(),
            authority,
            gates,
            stop: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), server, config) = (stream, Arc::clone(&server), Arc::clone(&config)) else { continue };
                // A client that goes away ends its own connection only.
                thread::spawn(move || server.serve(stream, config));
            }
        });
        Self { url: format!("https://localhost:{port}/certsrv"), port, shared }
    }

    /// Changes what the server does.
    pub(crate) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// The root of the pages' TLS and of the authority, DER.
    pub(crate) fn root(&self) -> Vec<u8> {
        self.shared.authority.root.clone()
    }

    /// The same as PEM.
    #[allow(dead_code, reason = "only programs read files")]
    pub(crate) fn root_pem(&self) -> String {
        pem(&self.root(), "\n")
    }

    /// The certificate that issues, DER.
    #[allow(dead_code, reason = "only tests of the library compare chains")]
    pub(crate) fn issuing(&self) -> Vec<u8> {
        self.shared.authority.issuing.clone()
    }

    /// The certificate of the pages' TLS, DER.
    #[allow(dead_code, reason = "only channel bindings need it")]
    pub(crate) fn front(&self) -> Vec<u8> {
        self.shared.authority.front.0.clone()
    }

    /// How many requests were handed in.
    pub(crate) fn submissions(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }

    /// Waits until so many requests were handed in, and gives the number of the newest.
    #[allow(dead_code, reason = "only a killed program leaves requests that nobody knows")]
    pub(crate) fn wait_for_submissions(&self, count: usize) -> u32 {
        let requests = self.shared.requests.lock().unwrap();
        let (requests, late) = self
            .shared
            .submitted
            .wait_timeout_while(requests, Duration::from_secs(30), |requests| requests.len() < count)
            .unwrap();
        assert!(!late.timed_out(), "only {} requests came", requests.len());
        *requests.last_key_value().unwrap().0
    }

    /// A manager issues the request.
    pub(crate) fn approve(&self, id: u32) -> Vec<u8> {
        let mut requests = self.shared.requests.lock().unwrap();
        let request = requests.get_mut(&id).unwrap();
        let certificate = self.shared.authority.issue(&request.csr);
        (request.state, request.certificate) = (3, Some(certificate.clone()));
        certificate
    }

    /// A manager denies it.
    pub(crate) fn deny(&self, id: u32) {
        let mut requests = self.shared.requests.lock().unwrap();
        let request = requests.get_mut(&id).unwrap();
        request.state = 2;
        r"Denied by CORP\admin".clone_into(&mut request.message);
        "The request was denied by a certificate manager or CA administrator. 0x80094014 (-2146877420 CERTSRV_E_ADMIN_DENIED_REQUEST)"
            .clone_into(&mut request.last);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// What a client asked for.
struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    agent: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    kind: &'static str,
    challenge: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn page(title: &str, body: &str) -> Self {
        let page = format!(
            "<HTML>\r\n<Head>\r\n<Title>Microsoft Active Directory Certificate Services</Title>\r\n</Head>\r\n<Body>\r\n\
             <P ID=locPageTitle> <B> {title} </B>\r\n{body}\r\n</Body>\r\n</HTML>\r\n"
        );
        Self { status: 200, kind: "text/html", challenge: None, body: page.into_bytes() }
    }

    fn status(status: u16, body: &str) -> Self {
        Self { status, kind: "text/html", challenge: None, body: body.as_bytes().to_vec() }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
        let mut gate = (self.gates)();
        while let Some(asked) = read_request(&mut stream) {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let mode = *self.mode.lock().unwrap();
            if mode == Mode::Mute {
                let _ = stream.read(&mut [0]);
                return;
            }
            let answer = match mode {
                Mode::Status(status) => Answer::status(status, "<h2>not now</h2>"),
                Mode::Garbage => Answer {
                    kind: "text/html",
                    ..Answer::status(200, "\u{1}\u{2}<<&#;\u{fffd} 0x0 ID=locDispLabel<DD")
                },
                Mode::Huge => {
                    let _ = huge(stream.get_mut());
                    return;
                }
                Mode::Echo => Answer::page(
                    "Error",
                    &format!(
                        "{:?} {PASSWORD} 0x80094004 {}",
                        asked.authorization,
                        String::from_utf8_lossy(&asked.body)
                    ),
                ),
                _ => match gate(asked.authorization.as_deref()) {
                    Ok(()) => {
                        let Some(answer) = self.answer(&asked, mode) else {
                            let _ = stream.read(&mut [0]);
                            return;
                        };
                        answer
                    }
                    Err(challenge) => {
                        let text = "<h2>401 - Unauthorized: Access is denied due to invalid credentials.</h2>";
                        Answer { challenge: Some(challenge), ..Answer::status(401, text) }
                    }
                },
            };
            let is_last = mode == Mode::Closing && answer.challenge.is_some();
            if write_answer(stream.get_mut(), &answer, is_last).is_err() || is_last {
                return;
            }
        }
    }

    /// The page, or none where the server falls silent.
    fn answer(&self, asked: &Asked, mode: Mode) -> Option<Answer> {
        Some(match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/certsrv" | "/certsrv/" | "/certsrv/default.asp") => Answer::page("Welcome", ""),
            ("GET", "/certsrv/certcarc.asp") => Answer::page(
                "Download a CA Certificate, Certificate Chain, or CRL",
                "<Script Language=\"JavaScript\">\r\n\tvar nRenewals=0;\r\n</Script>",
            ),
            ("GET", "/certsrv/certnew.cer" | "/certsrv/certnew.p7b") => self.fetch(asked, mode),
            ("POST", "/certsrv/certfnsh.asp") => return self.submit(asked, mode),
            _ => Answer::status(404, "404"),
        })
    }

    fn fetch(&self, asked: &Asked, mode: Mode) -> Answer {
        let wanted = asked.query.get("reqid").map_or("", String::as_str);
        let authority = &self.authority;
        let bundle = if wanted == "CACert" {
            let is_known = asked.query.get("renewal").is_some_and(|r| r == "0" || r == "-1");
            if !is_known {
                return Answer::status(500, "no such renewal");
            }
            vec![authority.issuing.clone(), authority.root.clone()]
        } else {
            let requests = self.requests.lock().unwrap();
            let Some(request) = wanted.parse().ok().and_then(|id: u32| requests.get(&id)) else {
                let last = "The requested property value is empty. 0x80094004 (-2146877436 CERTSRV_E_PROPERTY_EMPTY)";
                return error_page(mode, 1, "", last);
            };
            let Some(certificate) = request.certificate.clone().filter(|_| request.state == 3) else {
                return error_page(mode, request.state, &request.message, &request.last);
            };
            vec![certificate, authority.issuing.clone(), authority.root.clone()]
        };
        let is_bundle = asked.path.ends_with("p7b") || mode == Mode::Bundle;
        let bundle = match mode {
            Mode::Foreign => [vec![authority.front.0.clone()], bundle].concat(),
            Mode::Bundle => [vec![authority.front.0.clone(), authority.root.clone()], bundle].concat(),
            _ => bundle,
        };
        let der = if is_bundle { pkcs7(&bundle) } else { bundle[0].clone() };
        let is_text = asked.query.get("enc").is_some_and(|e| e == "b64");
        // What does not look like a browser gets the wrong type.
        let kind = match (asked.agent.contains("Mozilla"), is_bundle) {
            (false, _) => "application/octet-stream",
            (true, false) => "application/pkix-cert",
            (true, true) => "application/x-pkcs7-certificates",
        };
        Answer { status: 200, kind, challenge: None, body: if is_text { pem(&der, "\r\n").into_bytes() } else { der } }
    }

    fn submit(&self, asked: &Asked, mode: Mode) -> Option<Answer> {
        let form = form(&String::from_utf8_lossy(&asked.body));
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        if field("mode") != "newreq" || field("targetstoreflags") != "0" || field("savecert") != "yes" {
            return Some(Answer::status(500, "a field is missing"));
        }
        let csr = request_of(&field("certrequest"));
        if CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr.clone())).is_err() {
            let text = "The disposition message is \"Error Parsing Request  ASN1 bad tag value met. 0x8009310b (ASN: 267 CRYPT_E_ASN1_BADTAG)\".";
            return Some(Answer::page("Certificate Request Denied", text));
        }
        let attributes = field("certattrib");
        let template =
            attributes.lines().find_map(|line| line.trim().strip_prefix("CertificateTemplate:")).unwrap_or("");
        let fine = "The operation completed successfully. 0x0 (WIN32: 0)".to_owned();
        let denied = |words: &str| (2, format!("Denied by Policy Module  {words}"), words.to_owned());
        let (state, message, last) = match template.trim() {
            "WebServer" | "User" => (3, "Issued".to_owned(), fine),
            "Manual" => (5, "Taken Under Submission".to_owned(), fine),
            "Forbidden" => denied(
                "0x80094012, The permissions on the certificate template do not allow the current user to enroll for this type of certificate.",
            ),
            "LargeKeys" => denied(
                "0x80094811, The public key does not meet the minimum size required by the specified certificate template.",
            ),
            "NoEnroll" => denied(
                "0x80094011, The permissions on this CA do not allow the current user to enroll for certificates.",
            ),
            other => denied(&format!(
                "0x80094800, The request was for a certificate template that is not supported by the Active Directory Certificate Services policy: {other}."
            )),
        };
        let certificate = (state == 3).then(|| self.authority.issue(&csr));
        let id = {
            let mut requests = self.requests.lock().unwrap();
            let id = requests.last_key_value().map_or(10, |(last, _)| last + 1);
            requests.insert(id, Request { state, csr, message: message.clone(), last, certificate });
            self.submitted.notify_all();
            id
        };
        if mode == Mode::MuteAfterSubmission {
            return None;
        }
        let is_german = mode == Mode::German;
        Some(match state {
            3 => Answer::page(
                if is_german { "Zertifikat wurde ausgestellt" } else { "Certificate Issued" },
                &format!(
                    "<A Href=\"certnew.cer?ReqID={id}&amp;Enc=b64\" ID=locDownloadCert3>Download certificate</A>\r\n\
                     <A Href=\"certnew.p7b?ReqID={id}&amp;Enc=b64\" ID=locDownloadCertChain3>Download certificate chain</A>\r\n\
                     <Script> location=\"certnew.cer?ReqID={id}&\" + getEncoding(); </Script>"
                ),
            ),
            5 if mode == Mode::Nameless => {
                Answer::page("Certificate Pending", "You must wait for an administrator to issue the certificate.")
            }
            5 if is_german => {
                Answer::page("Zertifikat ausstehend", &format!("<P>Ihre Anforderungs-ID lautet {id}.</P>"))
            }
            5 => Answer::page(
                "Certificate Pending",
                &format!(
                    "Your certificate request has been received. However, you must wait for an administrator to issue the \
                     certificate you requested.\r\n<P>Your Request Id is {id}.</P>"
                ),
            ),
            _ if is_german => Answer::page(
                "Anforderung abgelehnt",
                &format!("<P>Ihre Anforderungs-ID lautet {id}. Die Meldung ist \"{message}\".</P>"),
            ),
            _ => Answer::page(
                "Certificate Request Denied",
                &format!(
                    "Your certificate request was denied.<P>Your Request Id is {id}. The disposition message is \"{message}\".</P>"
                ),
            ),
        })
    }
}

/// The page in place of a certificate; clients count on the two tabs.
fn error_page(mode: Mode, state: u8, message: &str, last: &str) -> Answer {
    let [disposition, words, status] = if mode == Mode::German {
        ["Disposition:", "Dispositionsmeldung:", "Letzter Status:"]
    } else {
        ["Disposition:", "Disposition message:", "LastStatus:"]
    };
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let body = format!(
        "<DT ID=locDispLabel><Font Size=-1><B>{disposition}</B></Font></DT><DD>\n\t\t{state} <LocID ID=locDispSpacer>-</LocID>\n</DD>\n\
         <DT ID=locDispMsgLabel><Font Size=-1><B>{words}</B></Font></DT><DD>\n\t\t{}\n\t</DD>\n\
         <DT ID=locLastStatLabel><Font Size=-1><B>{status}</B></Font></DT><DD>\n\t\t{}\n\t</DD>",
        escaped(message),
        escaped(last)
    );
    Answer { kind: "text/html; Charset=UTF-8", ..Answer::page("Error", &body) }
}

/// Root, issuing authority, and the certificate of the pages.
struct Authority {
    root: Vec<u8>,
    issuing: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    front: (Vec<u8>, Vec<u8>),
}

impl Authority {
    fn new() -> Self {
        let (root_key, issuing_key, front_key) = (key(), key(), key());
        let root_params = authority("Emulated Root");
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);
        let issuing_params = authority("Emulated Issuing CA");
        let issuing = issuing_params.signed_by(&issuing_key, &root_issuer).unwrap();
        let mut front = params("localhost", vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
        front.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        front.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        front.use_authority_key_identifier_extension = true;
        let front = front.signed_by(&front_key, &root_issuer).unwrap();
        Self {
            root: root.der().to_vec(),
            issuing: issuing.der().to_vec(),
            issuer: Issuer::new(issuing_params, issuing_key),
            front: (front.der().to_vec(), front_key.serialize_der()),
        }
    }

    fn issue(&self, csr: &[u8]) -> Vec<u8> {
        let mut request =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr.to_vec())).unwrap();
        request.params.not_before = date_time_ymd(2020, 1, 1);
        request.params.not_after = date_time_ymd(2045, 1, 1);
        request.params.serial_number = Some(serial());
        request.params.use_authority_key_identifier_extension = true;
        request.params.is_ca = IsCa::ExplicitNoCa;
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    fn server(&self) -> Arc<ServerConfig> {
        let (certificate, key) = self.front.clone();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(certificate)], PrivateKeyDer::try_from(key).unwrap())
            .unwrap();
        Arc::new(config)
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn params(name: &str, names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params.serial_number = Some(serial());
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name, Vec::new());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Serials count up from an odd start, so that no two authorities of a run give the same one.
fn serial() -> SerialNumber {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0x5A11_0000_0000_0001);
    SerialNumber::from_slice(&NEXT.fetch_add(1, Ordering::SeqCst).to_be_bytes())
}

fn read_request(stream: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut agent, mut authorization) = (0, String::new(), None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "user-agent" => agent = value,
            "authorization" => authorization = Some(value),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked { method, path: path.to_ascii_lowercase(), query: form(query), agent, authorization, body })
}

fn write_answer(stream: &mut impl Write, answer: &Answer, is_last: bool) -> std::io::Result<()> {
    let connection = if is_last { "Connection: close\r\n" } else { "" };
    let challenge = answer.challenge.as_ref().map_or_else(String::new, |c| format!("WWW-Authenticate: {c}\r\n"));
    let location = if (300..400).contains(&answer.status) { "Location: https://elsewhere.invalid/\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {} .\r\nDate: Sun, 17 Mar 2030 17:46:40 GMT\r\nContent-Type: {}\r\nContent-Length: {}\r\n{challenge}{location}{connection}\r\n",
        answer.status,
        answer.kind,
        answer.body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&answer.body)?;
    stream.flush()
}

fn huge(stream: &mut impl Write) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 .\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")?;
    for _ in 0..8192 {
        stream.write_all(&[b'x'; 8192])?;
    }
    stream.flush()
}

/// Fields of a form, names in lower case.
fn form(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|f| f.split_once('='))
        .map(|(k, v)| (decoded(k).to_ascii_lowercase(), decoded(v)))
        .collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap_or("0"), 16).unwrap_or(0)
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The DER of a request: PEM with either label, with or without line ends, or base64 alone.
fn request_of(text: &str) -> Vec<u8> {
    let body = text.split("REQUEST-----").nth(1).map_or(text, |rest| rest.split("-----END").next().unwrap_or(rest));
    // A client that does not encode `+` sends blanks.
    let body = if text.contains("-----") { body.to_owned() } else { body.replace(' ', "+") };
    let mut bits = 0_u32;
    let mut bytes = Vec::new();
    let mut count = 0;
    for c in body.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        (bits, count) = (bits << 6 | u32::from(digit), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            text.push(if i > chunk.len() { '=' } else { char::from(ALPHABET[(word >> (18 - 6 * i)) as usize & 63]) });
        }
    }
    text
}

/// PEM; bundles bear the label of certificates too.
pub(crate) fn pem(der: &[u8], end: &str) -> String {
    let text = base64(der);
    let mut lines = vec!["-----BEGIN CERTIFICATE-----".to_owned()];
    lines.extend(text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push("-----END CERTIFICATE-----".to_owned());
    lines.join(end) + end
}

/// Certificates as PKCS#7 without signers (RFC 2315 section 9.1).
fn pkcs7(certificates: &[Vec<u8>]) -> Vec<u8> {
    let data = der(0x30, &der(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]));
    let signed =
        [vec![0x02, 0x01, 0x01], der(0x31, &[]), data, der(0xA0, &certificates.concat()), der(0x31, &[])].concat();
    let kind = der(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
    der(0x30, &[kind, der(0xA0, &der(0x30, &signed))].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    if length < 128 {
        bytes.push(length as u8);
    } else {
        let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        bytes.push(0x80 | octets.len() as u8);
        bytes.extend(octets);
    }
    bytes.extend_from_slice(content);
    bytes
}
