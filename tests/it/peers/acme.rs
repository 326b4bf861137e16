//! The program with an ACME authority: Pebble issues, the sites serve it, and what goes wrong costs no second order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certlet::{Engine, ErrorId};

use super::acme_crash::open;
use super::{BRIEF, PATIENT, Running, World, fails, free, has, until};
use crate::common::Ran;

/// Pebble and its name server; they end with the test.
pub(super) struct Pebble {
    _children: [Running; 2],
    pub(super) folder: PathBuf,
    api: String,
    management: String,
    pub(super) http: String,
    dns: String,
    challenges: String,
}

impl Pebble {
    /// Starts both, with their files in a folder of the world; `None`, said aloud, where Pebble is absent.
    pub(super) fn start(world: &World, test: &str, more: &str) -> Option<Self> {
        if !has("pebble", test) || !has("pebble-challtestsrv", test) || !has("openssl", test) {
            return None;
        }
        let folder = world.path().join("pebble");
        fs::create_dir(&folder).unwrap();
        front_certificate(&folder);
        let [api, management, http, tls, dns, challenges] = [(); 6].map(|()| free("127.0.0.1"));
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let config = format!(
            r#"{{"pebble":{{"listenAddress":"{api}","managementListenAddress":"{management}",
               "certificate":"{0}/front.pem","privateKey":"{0}/front.key","httpPort":{1},"tlsPort":{2},
               "ocspResponderURL":""{more}}}}}"#,
            folder.display(),
            port(&http),
            port(&tls)
        );
        fs::write(folder.join("pebble.json"), config).unwrap();
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-dns01", &dns, "-management", &challenges]);
        let names = spawn(names, &folder.join("names.log"));
        until("the name server is up", || std::net::TcpStream::connect(&challenges).is_ok());
        let mut server = Command::new("pebble");
        server.arg("-config").arg(folder.join("pebble.json")).args(["-dnsserver", &dns]);
        server.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        let server = spawn(server, &folder.join("pebble.log"));
        for address in [&api, &management] {
            until("pebble is up", || std::net::TcpStream::connect(address).is_ok());
        }
        Some(Self {
            _children: [names, server],
            folder,
            api: port(&api),
            management: port(&management),
            http,
            dns,
            challenges,
        })
    }

    /// Declares it as `pebble\acme`.
    pub(super) fn declare(&self, world: &World, challenge: &str, more: &str) {
        let file = world.path().join("certlet.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("\n# Pebble\n").next().unwrap();
        let ca = format!(
            "[[ca]]\nconfig = 'pebble\\acme'\nkind = \"acme\"\ndirectory = \"https://localhost:{}/dir\"\nroots = \
             [\"pebble/front.pem\"]\ncontact = [\"mailto:pki@contoso.com\"]\nchallenge = {challenge}\n{more}\n",
            self.api
        );
        fs::write(file, format!("{text}\n# Pebble\n{ca}")).unwrap();
    }

    /// `http-01` by a listener where Pebble looks.
    pub(super) fn listen(&self) -> String {
        format!("{{ kind = \"http-01\", listen = \"{}\" }}", self.http)
    }

    /// How many orders it was asked for.
    pub(super) fn orders(&self) -> usize {
        self.logged("Added order")
    }

    fn logged(&self, text: &str) -> usize {
        fs::read_to_string(self.folder.join("pebble.log")).unwrap().matches(text).count()
    }

    /// Fetches the root that it signs with into the home, and trusts it.
    pub(super) fn trust(&self, world: &World) {
        let url = format!("https://localhost:{}/roots/0", self.management);
        let ran =
            Command::new("python3").args(["-c", FETCH, &url]).arg(self.folder.join("front.pem")).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        fs::write(world.path().join("pebble-root.pem"), ran.stdout).unwrap();
        world.configure(&[("[proof]", "[trust]\nroots = [\"pebble-root.pem\"]\n\n[proof]")]);
    }
}

const FETCH: &str = "import ssl, sys, urllib.request as u\n\
                     c = ssl.create_default_context(cafile=sys.argv[2])\n\
                     o = u.build_opener(u.ProxyHandler({}), u.HTTPSHandler(context=c))\n\
                     sys.stdout.write(o.open(sys.argv[1]).read().decode())";

fn spawn(mut command: Command, log: &Path) -> Running {
    let log = fs::File::create(log).unwrap();
    Running::new(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
}

/// A certificate for the server's own TLS, which is its own root.
pub(super) fn front_certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "front.key", "-out", "front.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

const REQUEST: &str = r"Request-CsCertificate -New -Type WebServicesExternal -CA pebble\acme -KeyAlg ECDH_P256";

fn thumbprint(ran: &Ran) -> String {
    ran.objects()[0]["Thumbprint"].as_str().unwrap().to_owned()
}

/// The open and closed requests at Pebble: status of each.
fn statuses(world: &World) -> Vec<String> {
    let list = world.run(r"Request-CsCertificate -List -CA pebble\acme").exits(0).objects();
    super::texts(&list, "Status")
}

fn warned(ran: &Ran, id: &str) -> bool {
    ran.messages().iter().any(|m| m["stream"] == "warning" && m["id"] == id)
}

#[test]
fn a_certificate_is_issued_and_served_and_a_failed_deployment_costs_no_second_order() {
    let test = "a_certificate_is_issued_and_served_and_a_failed_deployment_costs_no_second_order";
    let world = World::new(PATIENT);
    let Some(pebble) = Pebble::start(&world, test, "") else { return };
    pebble.declare(&world, &pebble.listen(), "class = \"private\"");
    let ran = world.run(REQUEST).exits(0);
    assert!(!warned(&ran, "NamesPublished"), "{ran:#?}");
    let names: Vec<String> = ran.objects()[0]["AlternativeNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap().to_owned())
        .collect();
    assert!(names.iter().any(|n| n == "webpool01.contoso.com"), "{names:?}");
    let new = thumbprint(&ran);
    let set = format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {new}");
    // Ten minutes later, as Pebble dates its certificates from this second; nobody trusts its root yet.
    let later = || Engine::new(open(world.path(), 600, None));
    assert_eq!(later().eval(&set).unwrap_err().id(), ErrorId::UntrustedChain);
    pebble.trust(&world);
    later().eval(&set).unwrap();
    assert_eq!(world.bound().iter().filter(|b| **b == new).count(), 1);
    assert_eq!((statuses(&world), pebble.orders()), (vec!["Issued".to_owned()], 1));
}

#[test]
fn a_public_authority_is_never_asked_for_a_name_that_is_not_public() {
    let test = "a_public_authority_is_never_asked_for_a_name_that_is_not_public";
    let world = World::new(BRIEF);
    let Some(pebble) = Pebble::start(&world, test, "") else { return };
    pebble.declare(&world, &pebble.listen(), "class = \"public\"");
    let line =
        format!("{REQUEST} -DomainName \"fe01,pool01.contoso.local,lync_1.contoso.com,www.contoso.com,10.0.0.5\"");
    let error = fails(world.run(&line), 1, "NameNotPublic");
    let bad = ["fe01", "pool01.contoso.local", "lync_1.contoso.com", "10.0.0.5"];
    let target = error["target"].as_str().unwrap();
    assert_eq!(target.split(',').collect::<std::collections::BTreeSet<_>>(), bad.into_iter().collect());
    assert!(error["message"].as_str().unwrap().contains("-DomainName"), "{error}");
    assert!(statuses(&world).is_empty());
    assert_eq!((pebble.orders(), pebble.logged("There are now 1 accounts")), (0, 0));
    let good =
        world.run(&format!("{REQUEST} -DomainName www.contoso.com -ExcludeComputedName dialin.contoso.com")).exits(0);
    let told = good.messages().into_iter().find(|m| m["id"] == "NamesPublished").unwrap_or_else(|| panic!("{good:#?}"));
    let text = told["message"].as_str().unwrap();
    assert!(
        text.contains("www.contoso.com") && text.contains("webpool01.contoso.com") && !text.contains("dialin"),
        "{text}"
    );
}

#[test]
fn what_was_broken_off_is_gone_on_with() {
    let world = World::new(BRIEF);
    let Some(pebble) = Pebble::start(&world, "what_was_broken_off_is_gone_on_with", "") else { return };
    pebble.declare(&world, &pebble.listen(), "class = \"private\"");
    // Another program holds the port at which the challenge is answered.
    let taken = std::net::TcpListener::bind(&pebble.http).unwrap();
    fails(world.run(REQUEST), 1, "EndpointInUse");
    assert_eq!((statuses(&world), pebble.orders()), (vec!["Pending".to_owned()], 1));
    drop(taken);
    world.run(REQUEST).exits(0);
    assert_eq!((statuses(&world), pebble.orders()), (vec!["Issued".to_owned()], 1));
    // The same by `-Retrieve`; another request with the same names is another order.
    pebble.declare(&world, "{ kind = \"http-01\", webroot = \"nowhere\" }", "class = \"private\"");
    fails(world.run(REQUEST), 1, "FileNotWritable");
    pebble.declare(&world, &pebble.listen(), "class = \"private\"");
    let ran = world.run("Request-CsCertificate -Retrieve").exits(0);
    assert_eq!(ran.objects().len(), 1);
    assert_eq!((statuses(&world), pebble.orders()), (vec!["Issued".to_owned(); 2], 2));
}

#[test]
fn a_server_that_is_down_takes_no_key_and_what_it_denies_is_listed() {
    let test = "a_server_that_is_down_takes_no_key_and_what_it_denies_is_listed";
    let world = World::new(BRIEF);
    let Some(pebble) = Pebble::start(&world, test, r#","domainBlocklist":["contoso.org"]"#) else { return };
    pebble.declare(&world, &pebble.listen(), "class = \"private\"");
    fails(world.run(&format!("{REQUEST} -DomainName www.contoso.org")), 1, "RequestDenied");
    assert_eq!((statuses(&world), pebble.orders()), (vec!["Denied".to_owned()], 0));
    let error = fails(world.run(&format!("{REQUEST} -Template shortlived")), 1, "TemplateNotFound");
    assert_eq!(error["target"], "shortlived");
    world.configure(&[(&format!("https://localhost:{}/dir", pebble.api), "https://localhost:1/dir")]);
    fails(world.run(REQUEST), 1, "CaUnreachable");
    assert_eq!(statuses(&world).len(), 1);
}

#[test]
fn a_silent_server_is_left_at_the_end_of_the_time() {
    let world = World::new(BRIEF);
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = world.path().join("certlet.toml");
    let ca = format!(
        "\n[[ca]]\nconfig = 'pebble\\acme'\nkind = \"acme\"\nclass = \"private\"\ndirectory = \"https://{}/dir\"\n\
         challenge = {{ kind = \"http-01\", listen = \"127.0.0.1:0\" }}\n",
        mute.local_addr().unwrap()
    );
    fs::write(&file, fs::read_to_string(&file).unwrap() + ca.as_str()).unwrap();
    fails(world.shell(REQUEST).args(["--timeout", "1s"]).run(), 1, "TimedOut");
    assert!(statuses(&world).is_empty());
}

/// A command that shows control over a name, and fails.
pub(crate) fn record_that_is_not_set() -> Option<Ran> {
    let world = World::new(BRIEF);
    let pebble = Pebble::start(&world, "record_that_is_not_set", "")?;
    let challenge = "{ kind = \"dns-01\", set = [\"/bin/false\"], clear = [\"/bin/true\"] }";
    pebble.declare(&world, challenge, "class = \"private\"");
    Some(world.run(REQUEST))
}

#[test]
fn records_are_set_and_cleared_by_commands_and_no_secret_is_seen() {
    const SECRET: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let test = "records_are_set_and_cleared_by_commands_and_no_secret_is_seen";
    let world = World::new(BRIEF);
    let more = format!(r#","externalAccountBindingRequired":true,"externalAccountMACKeys":{{"kid-1":"{SECRET}"}}"#);
    let Some(pebble) = Pebble::start(&world, test, &more) else { return };
    if !has("python3", test) {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let (secret, log) = (outside.path().join("hmac"), outside.path().join("log"));
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let program = outside.path().join("records.py");
    fs::write(&program, RECORDS).unwrap();
    let command = |verb: &str| {
        format!(
            "[\"python3\", \"{}\", \"http://{}/{verb}\", \"{{name}}\", \"{{value}}\", \"{}\"]",
            program.display(),
            pebble.challenges,
            log.display()
        )
    };
    let challenge = format!(
        "{{ kind = \"dns-01\", set = {}, clear = {}, resolver = \"{}\", wait = \"5s\" }}",
        command("set-txt"),
        command("clear-txt"),
        pebble.dns
    );
    let account = |key_id: &str| {
        format!(
            "class = \"private\"\nexternal_account = {{ key_id = \"{key_id}\", hmac = {{ file = \"{}\" }} }}",
            secret.display()
        )
    };
    pebble.declare(&world, &challenge, &account("kid-2"));
    let line = format!("{REQUEST} -DomainName \"*.contoso.com\" -Verbose");
    let denied = world.run(&line).exits(5);
    assert_eq!(super::error(&denied)["id"], "CaAccessDenied");
    pebble.declare(&world, &challenge, &account("kid-1"));
    let issued = world.run(&line).exits(0);
    assert!(issued.objects()[0]["AlternativeNames"].as_array().unwrap().iter().any(|n| n == "*.contoso.com"));
    // Each record was set once and cleared once, by a program that sees nothing of our environment.
    let said = fs::read_to_string(&log).unwrap();
    let lines = |verb: &str| {
        said.lines().filter(|l| l.starts_with(verb)).map(|l| l[verb.len()..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines("set-txt"), lines("clear-txt"));
    assert!(said.contains(" _acme-challenge.contoso.com ") && !said.contains("HOME"), "{said}");
    for text in [&denied.stdout, &denied.stderr, &issued.stdout, &issued.stderr, &said] {
        assert!(!text.contains(SECRET));
    }
    // Neither that secret nor a private key lies open in the home: not the account's, not the certificate's.
    let p256 = b"\x30\x6b\x02\x01\x01\x04\x20";
    for name in ["state.db", "state.db-wal", "audit.jsonl"] {
        let Ok(bytes) = fs::read(world.path().join(name)) else { continue };
        for open in [SECRET.as_bytes(), &p256[..], b"306B0201010420", b"306b0201010420"] {
            assert!(!bytes.windows(open.len()).any(|w| w == open), "{name}");
        }
    }
}

/// Tells the challenge test server, and writes down what it was told itself.
const RECORDS: &str = r#"import json, os, sys, urllib.request as u
url, name, value, log = sys.argv[1:]
with open(log, "a") as f: f.write(" ".join([url.rsplit("/", 1)[1], name, value, *sorted(os.environ)]) + "\n")
body = json.dumps({"host": name + ".", "value": value}).encode()
u.build_opener(u.ProxyHandler({})).open(url, body)
"#;
