//! Pebble and its name server as children of a test, with certificates of their own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Acme, AcmeLimits, AcmeMethod, AcmeSettings, DnsMethod};
use crate::ca::http::Client;
use crate::model::{AlternativeName, Certificate, KeyAlgorithm, Moment, parse_rdns};
use crate::x509::{PrivateKey, Profile, self_signed, testing::absent};

/// Pebble with its challenge test server; both end with this.
pub(super) struct Pebble {
    folder: tempfile::TempDir,
    children: Vec<Child>,
    environment: Vec<(&'static str, &'static str)>,
    api: u16,
    management: u16,
    pub(super) http: u16,
    pub(super) tls: u16,
    dns: u16,
    challenges: u16,
    front: Certificate,
}

impl Pebble {
    /// Starts both; `None`, said aloud, where Pebble is absent. `more` is JSON that goes into Pebble's configuration.
    pub(super) fn start(test: &str, environment: &[(&'static str, &'static str)], more: &str) -> Option<Self> {
        if Command::new("pebble-challtestsrv").arg("-help").stderr(Stdio::null()).status().is_err() {
            absent(test, "pebble");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let front = front_certificate(&key);
        std::fs::write(folder.path().join("front.pem"), crate::x509::pem::encode_certificates([&front])).unwrap();
        std::fs::write(folder.path().join("front.key"), key.to_pem().unwrap().as_bytes()).unwrap();
        let [api, management, http, tls, dns, challenges] = free_ports();
        let config = format!(
            r#"{{"pebble":{{"listenAddress":"127.0.0.1:{api}","managementListenAddress":"127.0.0.1:{management}",
               "certificate":"{0}/front.pem","privateKey":"{0}/front.key","httpPort":{http},"tlsPort":{tls},
               "ocspResponderURL":"","domainBlocklist":["blocked.example.test"]{more}}}}}"#,
            folder.path().display()
        );
        std::fs::write(folder.path().join("pebble.json"), config).unwrap();
        let mut pebble = Self {
            folder,
            children: Vec::new(),
            environment: environment.to_vec(),
            api,
            management,
            http,
            tls,
            dns,
            challenges,
            front,
        };
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{challenges}")]);
        pebble.spawn(names, "names.log");
        until_open(challenges);
        pebble.run();
        Some(pebble)
    }

    fn run(&mut self) {
        let mut server = Command::new("pebble");
        server.arg("-config").arg(self.folder.path().join("pebble.json"));
        server.args(["-dnsserver", &format!("127.0.0.1:{}", self.dns)]);
        server.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0").envs(self.environment.iter().copied());
        self.spawn(server, "pebble.log");
        until_open(self.api);
        until_open(self.management);
    }

    fn spawn(&mut self, mut command: Command, log: &str) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join(log)).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.children.push(command.spawn().unwrap());
    }

    /// Ends Pebble and starts it again: it has forgotten everything.
    pub(super) fn forget(&mut self) {
        end(&mut self.children.pop().unwrap());
        self.run();
    }

    /// How often its log says something.
    pub(super) fn logged(&self, text: &str) -> usize {
        std::fs::read_to_string(self.folder.path().join("pebble.log")).unwrap().matches(text).count()
    }

    /// How many orders it was asked for.
    pub(super) fn orders(&self) -> usize {
        self.logged("Added order")
    }

    pub(super) fn settings(&self, challenge: AcmeMethod) -> AcmeSettings {
        let front = self.front.clone();
        AcmeSettings {
            config: r"pebble\acme".to_owned(),
            is_public: false,
            directory: format!("https://localhost:{}/dir", self.api),
            roots: Arc::new(move || Ok(vec![front.clone()])),
            contact: vec!["mailto:pki@contoso.com".to_owned()],
            challenge,
            external_account: None,
            preferred_chain: None,
            profile: None,
            limits: AcmeLimits::NONE,
            permissions: None,
        }
    }

    /// `http-01` where Pebble looks.
    pub(super) fn listening(&self) -> AcmeMethod {
        AcmeMethod::HttpListen(format!("127.0.0.1:{}", self.http))
    }

    pub(super) fn acme(&self) -> Acme {
        Acme::new(self.settings(self.listening()))
    }

    /// `dns-01` at the challenge test server, and how many records are set.
    pub(super) fn dns(&self) -> (AcmeMethod, Arc<AtomicUsize>) {
        let (challenges, records) = (self.challenges, Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&records);
        let words = |verb: &str| vec![verb.to_owned(), "{name}".to_owned(), "{value}".to_owned()];
        let method = DnsMethod {
            set: words("set-txt"),
            clear: words("clear-txt"),
            run: Arc::new(move |words| {
                let change = if words[0] == "set-txt" { 1 } else { usize::MAX };
                count.fetch_add(change, Ordering::SeqCst);
                tell(challenges, &words[0], &format!(r#"{{"host":"{}.","value":"{}"}}"#, words[1], words[2]))
            }),
            resolver: Some(([127, 0, 0, 1], self.dns).into()),
            wait: Duration::from_secs(5),
        };
        (AcmeMethod::Dns(method), records)
    }

    /// What the management side answers.
    pub(super) fn managed(&self, path: &str) -> String {
        let client = Client::new(std::slice::from_ref(&self.front), Duration::from_secs(10));
        let reply = client.get(&format!("https://localhost:{}/{path}", self.management), &[], &|| false).unwrap();
        String::from_utf8(reply.body).unwrap()
    }

    /// A root that it signs with, by number.
    pub(super) fn root(&self, number: u8) -> Certificate {
        let pem = self.managed(&format!("roots/{number}"));
        crate::x509::read_any(pem.as_bytes(), None).unwrap().certificates()[0].clone()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(end);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

pub(super) fn front_certificate(key: &PrivateKey) -> Certificate {
    let now = Moment::from_unix(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap(),
    );
    let profile = Profile {
        subject: Some(parse_rdns("CN=localhost").unwrap()),
        alternative_names: Some(vec![AlternativeName::host("localhost"), AlternativeName::host("127.0.0.1")]),
        ..Profile::server(now.plus_days(-1), now.plus_days(2))
    };
    self_signed(key, &profile).unwrap()
}

/// Ports that were free a moment ago, all different.
pub(super) fn free_ports<const N: usize>() -> [u16; N] {
    let sockets: Vec<TcpListener> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    std::array::from_fn(|i| sockets[i].local_addr().unwrap().port())
}

pub(super) fn until_open(port: u16) {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody listens at port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Tells the challenge test server something by plain HTTP.
fn tell(port: u16, verb: &str, body: &str) -> Result<(), String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    let request = format!(
        "POST /{verb} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).map_err(|e| e.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|e| e.to_string())?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer) }
}
