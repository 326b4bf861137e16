//! OpenSSL as the other side: what it sees at an address, what it verifies, and an authority made with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Running;

/// What one handshake of `openssl s_client` showed: the certificates in PEM, the leaf first.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) chain: Vec<String>,
}

impl Seen {
    pub(super) fn thumbprint(&self) -> String {
        thumbprint(&self.chain[0])
    }
}

/// Shakes hands; `None` where nobody answers or nothing is served.
pub(super) fn look(endpoint: &str, name: &str) -> Option<Seen> {
    let done = Command::new("openssl")
        .args(["s_client", "-connect", endpoint, "-servername", name, "-showcerts"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let chain = certificates(&text);
    (!chain.is_empty()).then_some(Seen { chain })
}

/// The thumbprint that is served, after a pause in which a reload may still be under way.
#[track_caller]
pub(super) fn served(endpoint: &str) -> String {
    look(endpoint, "webpool01.contoso.com").unwrap_or_else(|| panic!("nothing is served at {endpoint}")).thumbprint()
}

/// SHA-1 of a certificate in PEM, as operators write it.
pub(super) fn thumbprint(pem: &str) -> String {
    let text = openssl(&["x509", "-noout", "-fingerprint", "-sha1"], pem);
    text.rsplit('=').next().unwrap().trim().replace(':', "")
}

/// The public key of a certificate or of a private key, both in PEM.
pub(super) fn public_key(pem: &str) -> String {
    let words: &[&str] =
        if pem.contains("PRIVATE KEY") { &["pkey", "-pubout"] } else { &["x509", "-noout", "-pubkey"] };
    openssl(words, pem)
}

/// Fails unless `site.pem` and `site.key` of a folder are a pair, of this certificate, and nothing was left beside them.
#[track_caller]
pub(super) fn lies_in(folder: &Path, thumb: &str) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (certificate, key) = (read("site.pem"), read("site.key"));
    assert_eq!(thumbprint(&certificate), thumb);
    assert_eq!(public_key(&certificate), public_key(&key));
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".certlet-")), "{left:?}");
}

pub(super) fn certificates(text: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    text.match_indices("-----BEGIN CERTIFICATE-----")
        .map(|(at, _)| text[at..=at + text[at..].find(END).unwrap() + END.len()].to_owned())
        .collect()
}

#[track_caller]
fn openssl(words: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("openssl")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What `openssl ca` must be told.
const CONFIGURATION: &str = "[ca]\ndefault_ca = here\n[here]\ndatabase = index.txt\nnew_certs_dir = .\ndefault_md = sha256\n\
    unique_subject = no\nrand_serial = yes\npolicy = any\n[any]\ncommonName = supplied\n";

/// A root and an authority below it, made with OpenSSL.
pub(super) struct Authority {
    folder: PathBuf,
}

/// A certificate of it, which lies with its key in files of its name.
pub(super) struct Issued {
    pub(super) thumbprint: String,
}

impl Authority {
    pub(super) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let authority = Self { folder: folder.to_owned() };
        std::fs::write(folder.join("ca.cnf"), CONFIGURATION).unwrap();
        std::fs::write(folder.join("index.txt"), "").unwrap();
        authority.sign(
            "root",
            "Peers-Root",
            None,
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
        );
        authority.sign(
            "middle",
            "Peers-Issuer",
            Some("root"),
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
        );
        authority
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// A certificate for all names of the sample world, but for those left away.
    pub(super) fn issue(&self, name: &str) -> Issued {
        let names = [
            "pool01.contoso.net",
            "fe01.contoso.net",
            "sip.contoso.com",
            "webpool01.contoso.net",
            "webpool01.contoso.com",
            "meet.contoso.com",
            "dialin.contoso.com",
            "admin.contoso.com",
        ];
        let names = names.map(|n| format!("DNS:{n}")).join(",");
        let extensions =
            format!("subjectAltName={names}\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n");
        self.sign(name, "pool01.contoso.net", Some("middle"), &extensions);
        let certificate = self.folder.join(format!("{name}.pem"));
        let thumbprint = thumbprint(&std::fs::read_to_string(&certificate).unwrap());
        Issued { thumbprint }
    }

    /// A PFX with key, certificate and the authority in between.
    pub(super) fn pfx(&self, name: &str, password: &str) -> PathBuf {
        self.run(&format!(
            "pkcs12 -export -inkey {name}.key -in {name}.pem -certfile middle.pem -out {name}.pfx -passout pass:{password}"
        ));
        self.folder.join(format!("{name}.pfx"))
    }

    /// Verifies a chain as it was served, from the root alone.
    pub(super) fn verify(&self, seen: &Seen) -> Result<(), String> {
        let (leaf, others) = (self.folder.join("seen.pem"), self.folder.join("others.pem"));
        std::fs::write(&leaf, &seen.chain[0]).unwrap();
        std::fs::write(&others, seen.chain[1..].concat()).unwrap();
        let done = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath", "-no-CAstore", "-CAfile"])
            .arg(self.root())
            .arg("-untrusted")
            .args([&others, &leaf])
            .output()
            .unwrap();
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }

    fn sign(&self, name: &str, common_name: &str, issuer: Option<&str>, extensions: &str) {
        let both = if issuer.is_some() {
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        } else {
            "subjectKeyIdentifier=hash\n"
        };
        std::fs::write(self.folder.join("extensions"), format!("{extensions}{both}")).unwrap();
        self.run(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}"
        ));
        // An hour old: one that has just begun is refused, for clients whose clocks are late.
        let begin = Command::new("date").args(["-u", "-d", "1 hour ago", "+%Y%m%d%H%M%SZ"]).output().unwrap();
        let begin = String::from_utf8(begin.stdout).unwrap();
        let by = match issuer {
            Some(issuer) => format!("-cert {issuer}.pem -keyfile {issuer}.key"),
            None => format!("-selfsign -keyfile {name}.key"),
        };
        self.run(&format!(
            "ca -batch -notext -config ca.cnf -in {name}.csr {by} \
             -startdate {begin} -days 60 -out {name}.pem -extfile extensions"
        ));
    }

    #[track_caller]
    fn run(&self, line: &str) {
        let done = Command::new("openssl").args(line.split_whitespace()).current_dir(&self.folder).output().unwrap();
        assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Serves one certificate at an address, whatever happens elsewhere.
pub(super) fn serve(endpoint: &str, certificate: &Path, key: &Path) -> Running {
    let child = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", endpoint, "-cert"])
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running::new(child);
    super::until("openssl s_server listens", || std::net::TcpStream::connect(endpoint).is_ok());
    running
}
