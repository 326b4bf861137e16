//! The authority against acme2certifier, a server with renewal information and profiles.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::testing::{free_ports, until_open};
use super::tests::{go, inquiry, issued, world};
use super::{Acme, AcmeLimits, AcmeMethod, AcmeSettings};
use crate::ca::Authority;
use crate::ca::testing::submission;
use crate::error::ErrorId;
use crate::model::{Certificate, Moment, Zone};
use crate::x509::testing::absent;

/// Serves the package over TLS at the given port.
const RUN: &str = r#"import importlib.util, os, socketserver, ssl, sys
from wsgiref.simple_server import WSGIServer, make_server
import acme2certifier
path = os.path.join(os.path.dirname(acme2certifier.__file__), "share", "acme2certifier_wsgi.py")
spec = importlib.util.spec_from_file_location("a2c_wsgi", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
class Threads(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
def app(environ, start):
    environ["wsgi.url_scheme"] = "https"
    environ["HTTPS"] = "on"
    return module.application(environ, start)
server = make_server("127.0.0.1", int(sys.argv[1]), app, server_class=Threads)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("srv.crt", "srv.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

/// What makes its authority, its own TLS and the revocation list that its handler insists on.
const MAKE: &str = r#"set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=A2C CA" -addext basicConstraints=critical,CA:TRUE \
  -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
openssl req -newkey rsa:2048 -nodes -keyout srv.key -out srv.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > ext
openssl x509 -req -in srv.csr -CA ca.crt -CAkey ca.key -days 30 -out srv.crt -extfile ext
: > index.txt; echo 01 > crlnumber
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n' > crl.cnf
openssl ca -gencrl -keyfile ca.key -cert ca.crt -out crl.pem -config crl.cnf
"#;

struct A2c {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl A2c {
    fn start(test: &str) -> Option<Self> {
        let python: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/bin/python");
        let is_here = Command::new(&python).args(["-c", "import acme2certifier"]).stderr(Stdio::null()).status();
        if !is_here.is_ok_and(|status| status.success()) {
            absent(test, "acme2certifier");
            return None;
        }
        crate::x509::testing::bench(test)?;
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("sh").args(["-c", MAKE]).current_dir(folder.path()).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::create_dir(folder.path().join("certs")).unwrap();
        let config = CONFIG.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(folder.path().join("acme_srv.cfg"), config).unwrap();
        std::fs::write(folder.path().join("run.py"), RUN).unwrap();
        let [port] = free_ports();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(python)
            .args(["run.py", &port.to_string()])
            .current_dir(folder.path())
            .env("ACME2CERTIFIER_I_KNOW_THE_RISK", "1")
            .env("ACME_SRV_CONFIGFILE", folder.path().join("acme_srv.cfg"))
            .env("ACME2CERTIFIER_BASE_DIR", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { folder, child, port };
        until_open(port);
        Some(server)
    }

    fn settings(&self) -> AcmeSettings {
        let root = std::fs::read(self.folder.path().join("ca.crt")).unwrap();
        let root: Vec<Certificate> = crate::x509::read_any(&root, None).unwrap().certificates().to_vec();
        AcmeSettings {
            config: r"a2c\acme".to_owned(),
            is_public: false,
            directory: format!("https://localhost:{}/directory", self.port),
            roots: Arc::new(move || Ok(root.clone())),
            contact: vec!["mailto:admin@example.com".to_owned()],
            // It believes every answer.
            challenge: AcmeMethod::HttpListen("127.0.0.1:0".to_owned()),
            external_account: None,
            preferred_chain: None,
            profile: None,
            limits: AcmeLimits::NONE,
            permissions: None,
        }
    }
}

impl Drop for A2c {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIG: &str = r#"[DEFAULT]
debug: False
[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: FOLDER/ca.key
issuing_ca_cert: FOLDER/ca.crt
issuing_ca_crl: FOLDER/crl.pem
ca_cert_chain_list: ["FOLDER/ca.crt"]
cert_validity_days: 30
cert_save_path: FOLDER/certs
[DBhandler]
handler_module: acme2certifier.dbhandlers.wsgi_handler
dbfile: FOLDER/acme.db
[Challenge]
challenge_validation_disable: True
dns_server_list: ["127.0.0.1"]
[Order]
profiles: {"short": "https://example.test/short", "long": "https://example.test/long"}
[Renewalinfo]
renewaltreshold_pctg: 85
retry_after_timeout: 86400
[Directory]
url_prefix:
"#;

#[test]
fn profiles_and_renewal_information() {
    let Some(server) = A2c::start("profiles_and_renewal_information") else { return };
    let world = world();
    let with = |profile: &str| Acme::new(AcmeSettings { profile: Some(profile.to_owned()), ..server.settings() });
    // A profile that is not advertised is refused before anything is made, with those that are.
    let error = with("tiny").preflight(&world.context(), &inquiry(&[])).unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::TemplateNotFound, Some("tiny")));
    assert!(error.message().contains("`long`") && error.message().contains("`short`"), "{error}");
    // A template is the name of a profile.
    let mut asked = inquiry(&[]);
    asked.template = "other";
    assert_eq!(with("short").preflight(&world.context(), &asked).unwrap_err().target(), Some("other"));
    asked.template = "long";
    with("short").preflight(&world.context(), &asked).unwrap();

    let acme = with("short");
    let answer = go(&world, &acme, &submission("WebServer", &["www.contoso.com"]));
    let leaf = issued(&answer)[0].clone();
    let window = acme.renewal_window(&world.context(), &leaf).unwrap().expect("a window");
    assert!(
        leaf.not_before() < window.start && window.start < window.end && window.end <= leaf.not_after(),
        "{window:?}"
    );
    assert!(window.ask_again.is_some_and(|at| at > world.now), "{window:?}");
    // Of a certificate that it did not issue it says nothing.
    let foreign = Certificate::clone(
        &crate::x509::read_any(&std::fs::read(server.folder.path().join("srv.crt")).unwrap(), None)
            .unwrap()
            .certificates()[0],
    );
    assert_eq!(acme.renewal_window(&world.context(), &foreign).unwrap(), None);

    // A renewal names the certificate whose place it takes; one that is not the server's is asked for all the same.
    for old in [leaf.clone(), foreign] {
        let renewal = crate::ca::Submission { replaces: Some(old), ..submission("", &["www.contoso.com"]) };
        let answer = go(&world, &acme, &renewal);
        assert_ne!(issued(&answer)[0], leaf);
    }
    assert!(Moment::parse("2030-01-01T00:00:00.123456+00:00", &Zone::utc()).is_ok());
}
