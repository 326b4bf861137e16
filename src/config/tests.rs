//! Configurations read from folders: the samples, every kind of authority and site, and what is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sample::{Sample, files};
use super::{
    AcmeChallenge, AuthorityClass, AuthorityKind, Configuration, Right, SecretSource, StateStore, TemplateApproval,
    TemplateSubject, parse_duration, read_certlet_toml, read_topology, topology_of_text,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{ChainTo, MissingNames, ProofScope, Role, ServerKind, ServerSettings, SiteState, Slot, UseName};

const PLAIN: &str = "[[site]]\nname = \"web\"\nhost = \"listener\"\n";

fn home(certlet: &str, topology: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("certlet.toml"), certlet).unwrap();
    std::fs::write(home.path().join("topology.toml"), topology).unwrap();
    home
}

fn read(certlet: &str) -> Result<Configuration> {
    let topology = &files(&Sample::Contoso)[1].1;
    let home = home(certlet, topology);
    read_certlet_toml(&home.path().join("certlet.toml"))
}

/// Line, column and the whole of what is said.
fn said(error: &Error) -> (u32, u32, String) {
    let position = error.position().unwrap_or_else(|| panic!("no position: {error}"));
    (position.line, position.column, format!("{error} | {}", error.hints().join(" | ")))
}

#[track_caller]
fn assert_refused(error: &Error, id: ErrorId, line: u32, column: u32, words: &[&str]) {
    let (at, from, text) = said(error);
    assert_eq!((error.id(), at, from), (id, line, column), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn the_samples_read_back() {
    let plain = Sample::Plain { computer: "build-7.local".parse().unwrap() };
    for kind in [Sample::Contoso, Sample::Web, plain] {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files(&kind) {
            assert!(!text.contains("{{"), "{name} of {kind:?} has an empty place");
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let configuration = read_certlet_toml(&folder.path().join("certlet.toml"))
            .unwrap_or_else(|e| panic!("{kind:?}: {:?}", said(&e)));
        assert_eq!(configuration.topology_files, [folder.path().join("topology.toml")]);
        assert!(!configuration.sites.is_empty());
        let contoso = configuration.authorities.iter().any(|ca| ca.name.as_str().contains("contoso"));
        assert_eq!(contoso, kind == Sample::Contoso, "only the sample bears Contoso's name");
        assert!(contoso || configuration.authorities.iter().all(|ca| ca.name.as_str().ends_with("(certlet)")));
    }
    assert_eq!("CONTOSO".parse::<Sample>().unwrap(), Sample::Contoso);
    assert_eq!("contosso".parse::<Sample>().unwrap_err().hints(), ["did you mean `contoso`?"]);
}

#[test]
fn the_contoso_sample_is_the_fixture_of_the_cases() {
    let configuration = read(&files(&Sample::Contoso)[0].1).unwrap();
    assert_eq!(configuration.principal.as_deref(), Some(r"contoso\kenmyer"));
    let [ca, old] = configuration.authorities.as_slice() else { panic!("two authorities") };
    let AuthorityKind::Embedded(embedded) = &ca.kind else { panic!("embedded") };
    assert_eq!((embedded.next_request_id, embedded.subject.as_str()), (41, "CN=contoso-DC01-CA, DC=contoso, DC=net"));
    assert!(matches!(old.kind, AuthorityKind::Down) && old.class == AuthorityClass::Private);
    let guest = ca.permissions.as_ref().unwrap().iter().find(|(who, _)| who == r"contoso\guest").unwrap();
    assert_eq!(guest.1, [Right::Read]);
    let names: Vec<&str> = embedded.templates.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["WebServer", "jcila", "WebServerApproval", "AdComputer", "ClientServer", "Restricted"]);
    assert!(embedded.templates[1].exportable && !embedded.templates[0].exportable);
    assert_eq!(embedded.templates[2].approval, TemplateApproval::Manager);
    assert_eq!(embedded.templates[3].subject, TemplateSubject::Directory);
    assert_eq!(embedded.templates[4].eku.len(), 2);
    let shown: Vec<String> = configuration
        .sites
        .iter()
        .flat_map(|site| {
            site.bindings.iter().map(|b| {
                format!(
                    "{} {} {} {}",
                    site.name,
                    b.protocol,
                    b.information,
                    b.use_name.as_ref().map_or("-", UseName::as_str)
                )
            })
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Lync Server Internal Web Site http *:80: -",
            "Lync Server Internal Web Site https *:443: WebServicesInternal",
            "Lync Server External Web Site http *:8080: -",
            "Lync Server External Web Site https *:4443: WebServicesExternal",
            "Default Web Site http *:8081: -",
            "Lync Server Front-End tls *:5061: Default",
        ]
    );
    let suffixes: Vec<String> = configuration.topology.suffixes().iter().map(ToString::to_string).collect();
    assert_eq!(suffixes, ["contoso.net", "contoso.com"]);
    assert_eq!(
        configuration.topology.pools.iter().map(|p| p.role).collect::<Vec<_>>(),
        [Role::FrontEnd, Role::Director, Role::Mediation, Role::StandardEdition, Role::Sba, Role::Edge]
    );
}

#[test]
fn every_key_is_read() {
    let text = r#"
topology = ["topology.toml"]
principal = 'contoso\x'
trust_principal = true
administrators = ["a", "b"]
[state]
path = "s.db"
passphrase = { env = "P" }
[trust]
roots = ["topology.toml", "system"]
crls = ["topology.toml"]
[proof]
matches = 3
window = "1s"
deadline = "1m"
timeout = "2s"
skew = 0
max_age = "2d"
recover_max_age = "30m"
[paths]
"c:" = "/c"
"D:" = "d"
[[ca]]
config = 'pebble\acme'
kind = "acme"
directory = "https://localhost:14000/dir"
roots = ["topology.toml"]
contact = ["mailto:pki@contoso.com"]
challenge = { kind = "dns-01", set = ["./set-txt", "{name}", "{value}"], clear = ["clear-txt"], resolver = "192.0.2.53:53", wait = "10m" }
limits = { duplicates_per_week = 0, orders_per_3h = 20 }
external_account = { key_id = "kid-1", hmac = { file = "hmac" } }
preferred_chain = "Root CN"
profile = "shortlived"
[[ca]]
config = 'dc02\x'
kind = "adcs"
class = "private"
url = "https://localhost:8443/certsrv"
auth = "ntlm"
account = { user = 'CORP\svc', password = { env = "A" } }
[[ca]]
config = 'dc03\x'
kind = "embedded"
subject = "CN=x"
key_algorithm = "rsa"
key_size = 3072
validity_days = 100
unconstrained = true
crl = { url = "http://pki.contoso.net/x.crl", file = "x.crl" }
accounts = { 'contoso\guest' = { env = "G" } }
[[ca.template]]
name = "T"
eku = ["1.2.3.4"]
deploy = false
validity_days = 5
permissions = { a = ["read"] }
[[site]]
name = "n"
computer = "FE02"
id = 2
state = "Stopped"
host = "nginx"
owner = "www-data"
mode = "0640"
certificates = [{ slot = "ECDSA", certificate = "e.pem", key = "e.key" }, { slot = "RSA", certificate = "r.pem", chain = "c.pem" }]
test = ["./test"]
reload = []
[[site.binding]]
protocol = "https"
information = "[::1]:4443:a.contoso.com"
use = "webservicesexternal"
endpoint = ["127.0.0.1:4443", "[::1]:4443"]
server_name = "webpool01.contoso.com"
prove = ["tls1.3", "loopback"]
certificate = "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D"
[[site]]
name = "h"
host = "haproxy"
certificate = "h.pem"
socket = "/run/haproxy.sock"
[[site]]
name = "c"
host = "caddy"
certificate = "c.pem"
admin = "http://127.0.0.1:2020"
mode = 0o600
[[site]]
name = "i"
host = "iis"
configuration = "topology.toml"
sslcert = "topology.toml"
[[site]]
name = "s"
host = "stunnel"
certificate = "s.pem"
reload = ["kill", "-HUP"]
[[site.binding]]
protocol = "tls"
information = "*:5061:"
use = "Default"
prove = []
"#;
    let c = read(text).unwrap_or_else(|e| panic!("{:?}", said(&e)));
    assert_eq!(c.administrators.as_deref(), Some(["a".to_owned(), "b".to_owned()].as_slice()));
    assert_eq!(c.state.store, StateStore::Sqlite(c.home.join("s.db")));
    assert!(matches!(&c.state.passphrase, Some(SecretSource::Environment(name)) if name == "P"));
    assert!(c.trust.system && c.trust.roots.len() == 1 && c.trust.crls.len() == 1);
    assert_eq!(
        (c.proof.matches, c.proof.window, c.proof.skew, c.proof.max_age),
        (3, Duration::from_secs(1), Duration::ZERO, Duration::from_secs(172_800))
    );
    assert_eq!(c.paths.drives().collect::<Vec<_>>(), [('C', Path::new("/c")), ('D', c.home.join("d").as_path())]);

    let AuthorityKind::Acme(acme) = &c.authorities[0].kind else { panic!("acme") };
    assert_eq!(c.authorities[0].class, AuthorityClass::Public);
    let AcmeChallenge::Dns { set, clear, resolver, wait } = &acme.challenge else { panic!("dns-01") };
    assert_eq!((*resolver, *wait), (Some(([192, 0, 2, 53], 53).into()), Duration::from_secs(600)));
    let limits = acme.limits;
    assert_eq!((limits.duplicates_per_week, limits.failures_per_hour, limits.orders_per_3h), (Some(0), None, Some(20)));
    assert_eq!((PathBuf::from(&set[0]), clear[0].as_str()), (c.home.join("./set-txt"), "clear-txt"));
    assert!(
        matches!(&acme.external_account.as_ref().unwrap().hmac, SecretSource::File(path) if *path == c.home.join("hmac"))
    );
    let AuthorityKind::Embedded(embedded) = &c.authorities[2].kind else { panic!("embedded") };
    assert_eq!((embedded.key_algorithm.as_str(), embedded.key_size, embedded.templates.len()), ("RSA", Some(3072), 1));
    assert_eq!((embedded.templates[0].display_name.as_str(), embedded.templates[0].deploy), ("T", false));

    let site = &c.sites[0];
    assert_eq!((site.computer.as_str(), site.state, site.id), ("fe02.contoso.net", SiteState::Stopped, Some(2)));
    let ServerSettings::Files(nginx) = &site.server else { panic!("files") };
    assert_eq!(site.server.slots(), [Slot::Ecdsa, Slot::Rsa]);
    assert_eq!((nginx.mode, nginx.owner.as_deref(), nginx.reload.len()), (Some(0o640), Some("www-data"), 0));
    assert_eq!(PathBuf::from(&nginx.test[0]), c.home.join("./test"));
    let binding = &site.bindings[0];
    assert_eq!(binding.use_name.as_ref().unwrap().as_str(), "WebServicesExternal", "spelt as the table spells it");
    assert_eq!(binding.prove.as_deref(), Some([ProofScope::Tls13, ProofScope::Loopback].as_slice()));
    assert_eq!(binding.endpoints.len(), 2);
    let ServerSettings::Haproxy(haproxy) = &c.sites[1].server else { panic!("haproxy") };
    assert_eq!((haproxy.socket.as_deref(), haproxy.files.reload.len()), (Some(Path::new("/run/haproxy.sock")), 3));
    assert_eq!(
        c.sites.iter().map(|s| s.server.kind()).collect::<Vec<_>>()[1..],
        [ServerKind::Haproxy, ServerKind::Caddy, ServerKind::Iis, ServerKind::Stunnel]
    );
    assert_eq!(c.sites[4].bindings[0].prove.as_deref(), Some([].as_slice()));
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one() {
    let error = read(&format!(
        "{PLAIN}[[site.binding]]\nprotocol = \"https\"\ninformation = \"*:443:\"\nendpiont = [\"127.0.0.1:0\"]\n"
    ))
    .unwrap_err();
    assert_refused(
        &error,
        ErrorId::ConfigInvalid,
        7,
        1,
        &["`endpiont` is no key here", "did you mean `endpoint`?", "certlet.toml:7:1"],
    );
    let error = read("topologie = \"x\"\n").unwrap_err();
    assert_refused(&error, ErrorId::ConfigInvalid, 1, 1, &["did you mean `topology`?"]);
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = "administrators = 3\n[proof]\nmatches = 0\nwindow = \"soon\"\n[[ca]]\nconfig = 'dc01'\nkind = \"embeded\"\n[[site]]\nnme = \"x\"\nhost = \"listener\"\n";
    let error = read(text).unwrap_err();
    let expected = [
        ":3:11: a whole number from 1",
        ":4:10: `soon` is no duration",
        ":6:10: `dc01` is not of the form",
        "did you mean `embedded`?",
        ":9:1: `nme` is no key here",
        "did you mean `name`?",
    ];
    assert_refused(&error, ErrorId::ConfigInvalid, 1, 18, &expected);
    assert!(!said(&error).2.contains("`name` is missing"), "a misspelt key is not missing as well");
}

#[test]
fn what_certlet_toml_may_not_say() {
    let site = |more: &str| format!("{PLAIN}{more}");
    let binding =
        |more: &str| site(&format!("[[site.binding]]\nprotocol = \"https\"\ninformation = \"*:443:\"\n{more}"));
    let cases: [(String, u32, u32, &str); 26] = [
        ("x = [".into(), 1, 6, "no TOML"),
        ("topology = \"none.toml\"".into(), 1, 12, "there is no file `none.toml`"),
        ("[trust]\nroots = [\"none.pem\"]".into(), 2, 10, "there is no file `none.pem`"),
        ("[state]\nkind = \"postgres\"".into(), 2, 8, "none of `sqlite`, `memory`"),
        ("[state]\npassphrase = \"hunter2\"".into(), 2, 14, "`{ file = \"…\" }`"),
        ("[proof]\nwindow = \"20s\"".into(), 2, 10, "longer than the deadline"),
        ("[proof]\nskew = -1".into(), 2, 8, "a whole number from 0 to 86400"),
        ("[proof]\nskew = \"5m\"".into(), 2, 8, "a whole number from 0 to 86400"),
        ("[paths]\nCC = \"x\"".into(), 2, 1, "`CC` is no drive"),
        (
            "[[ca]]\nconfig = 'a\\b'\nkind = \"down\"\n[[ca]]\nconfig = 'A\\B'\nkind = \"down\"".into(),
            5,
            10,
            "declared twice",
        ),
        ("[[ca]]\nconfig = 'a\\b'\nkind = \"adcs\"\nurl = \"http://x\"".into(), 4, 7, "`https://`"),
        (
            "[[ca]]\nconfig = 'a\\b'\nkind = \"embedded\"\nsubject = \"CN=x\"\nkey_size = 2048".into(),
            5,
            12,
            "`key_size` belongs to",
        ),
        ("[[ca]]\nconfig = 'a\\b'\nkind = \"down\"\nsubject = \"CN=x\"".into(), 4, 1, "`subject` is no key here"),
        (site("[[site]]\nname = \"WEB\"\nhost = \"listener\""), 5, 8, "declared twice"),
        (site("computer = \"fe03.contoso.net\""), 4, 12, "did you mean `fe01.contoso.net`?"),
        (site("computer = \"pool01.contoso.net\""), 4, 12, "`pool01.contoso.net` is a pool"),
        (site("certificate = \"x.pem\""), 4, 1, "`certificate` is no key here"),
        (binding("use = \"WebServiceExternal\""), 7, 7, "did you mean `WebServicesExternal`?"),
        (binding("use = \"Internal\""), 7, 7, "is no use of `pool01.contoso.net`"),
        (binding("endpoint = [\"127.0.0.1\"]"), 7, 13, "`127.0.0.1` is no endpoint"),
        (binding("certificate = \"00\""), 7, 15, "`00` is no thumbprint"),
        (binding("prove = [\"tls1.1\"]"), 7, 10, "did you mean `tls1."),
        (binding("server_name = \"*.contoso.com\""), 7, 15, "is a wildcard"),
        (
            binding("[[site.binding]]\nprotocol = \"http\"\ninformation = \"*:443:\""),
            9,
            15,
            "belongs to the site `web` already",
        ),
        ("[[site]]\nname = \"x\"\nhost = \"nginx\"".into(), 1, 1, "`certificate` is missing here"),
        (
            "[[site]]\nname = \"x\"\nhost = \"nginx\"\ncertificate = \"c\"\nreload = \"nginx -s reload\"".into(),
            5,
            10,
            "without a shell",
        ),
    ];
    for (text, line, column, words) in cases {
        let error = read(&text).expect_err(&text);
        assert_refused(&error, ErrorId::ConfigInvalid, line, column, &[words]);
        assert!(!said(&error).2.contains("hunter2"), "a secret is shown");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read_certlet_toml(&folder.path().join("certlet.toml")).unwrap_err();
    assert_eq!(missing.id(), ErrorId::ConfigInvalid);
    assert!(missing.message().contains("there is no such file"));
    assert_eq!(read_topology(&[folder.path().to_owned()]).unwrap_err().id(), ErrorId::TopologyInvalid);
    assert_eq!(read_topology(&[folder.path().join("t.xml")]).unwrap_err().id(), ErrorId::TopologyInvalid);
    let home = home("", "version = 2\n");
    let error = read_certlet_toml(&home.path().join("certlet.toml")).unwrap_err();
    assert_refused(&error, ErrorId::TopologyInvalid, 1, 11, &["topology.toml:1:11"]);
}

#[test]
fn topologies_are_merged_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
    std::fs::write(&first, &files(&Sample::Contoso)[1].1).unwrap();
    std::fs::write(
        &second,
        "version = 1\n[forest]\nlocal_computer = \"fe02.contoso.net\"\n[certificates]\nmissing_names = \"error\"\n",
    )
    .unwrap();
    let merged = read_topology(&[first.clone(), second.clone()]).unwrap();
    assert_eq!(merged.local_computer.unwrap().as_str(), "fe02.contoso.net");
    assert_eq!((merged.policy.missing_names, merged.pools.len()), (MissingNames::Error, 6));
    std::fs::write(&second, "version = 1\n[[pool]]\nfqdn = \"other.contoso.net\"\nrole = \"Mediation\"\ncomputers = [\"FE01.contoso.net\"]\n").unwrap();
    let error = read_topology(&[first, second]).unwrap_err();
    assert_refused(
        &error,
        ErrorId::TopologyInvalid,
        5,
        14,
        &["b.toml:5:14", "is in two pools, `pool01.contoso.net` and `other.contoso.net`"],
    );
}

#[test]
fn what_a_topology_may_not_say() {
    let contoso = &files(&Sample::Contoso)[1].1;
    let cases: [(&str, &str, &str); 22] = [
        ("version = 1", "", "`version` is missing"),
        ("default = true", "default = false", "no SIP domain is the default one"),
        (
            "default = true",
            "default = true\n[[sip_domain]]\nname = \"x.com\"\ndefault = true",
            "is the default SIP domain already",
        ),
        ("default = true", "default = true\n[[sip_domain]]\nname = \"x.com\"", "`x.com` has no Meet simple URL"),
        ("active = \"https://meet.contoso.com\"", "active = \"https://other.contoso.com\"", "not among the entries"),
        (
            "entries = [\"https://meet.contoso.com\"]",
            "entries = [\"http://meet.contoso.com\"]",
            "does not start with `https://`",
        ),
        ("entries = [\"https://meet.contoso.com\"]", "entries = [\"https://a b/\"]", "is no host name"),
        ("component = \"Meet\"", "component = \"Meat\"", "did you mean `Meet`?"),
        ("scope = \"global\"                        #", "scope = \"site:Redmont\" #", "did you mean `site:Redmond`?"),
        (
            "local_computer = \"fe01.contoso.net\"",
            "local_computer = \"fe1.contoso.net\"",
            "did you mean `fe01.contoso.net`?",
        ),
        ("id = 1\nname", "id = 2\nname", "stands at site 1, which does not exist"),
        (
            "computers = [\"fe01.contoso.net\", \"fe02.contoso.net\"]",
            "computers = [\"fe01.contoso.net\", \"dir01.contoso.net\"]",
            "is in two pools",
        ),
        (
            "computers = [\"fe01.contoso.net\", \"fe02.contoso.net\"]",
            "computers = [\"fe01.contoso.net\", \"*.contoso.net\"]",
            "is a wildcard",
        ),
        (
            "computers = [\"se01.contoso.net\"]",
            "computers = [\"se02.contoso.net\"]",
            "write `computers = [\"se01.contoso.net\"]`",
        ),
        (
            "external_fqdn = \"dirweb01.contoso.com\"",
            "external_fqdn = \"webpool01.contoso.com\"",
            "that of the Front End pool",
        ),
        ("external_fqdn = \"seweb01.contoso.com\"", "internal_fqdn = \"x.contoso.com\"", "leave `internal_fqdn` out"),
        ("[pool.edge]", "[pool.egde]", "did you mean `edge`?"),
        ("role = \"Director\"", "role = \"Directer\"", "did you mean `Director`?"),
        ("role = \"Mediation\"", "role = \"Service\"", "of the role Service has no use"),
        (
            "role = \"Mediation\"",
            "role = \"Mediation\"\nuses = [\"Shop\"]",
            "`Shop` is no use that is declared or built in",
        ),
        (
            "[[pool]]\nfqdn = \"pool01",
            "[[use]]\nname = \"default\"\nnames = [\"x.y\"]\n[[pool]]\nfqdn = \"pool01",
            "the use `default` is built in already",
        ),
        (
            "[[pool]]\nfqdn = \"pool01",
            "[[use]]\nname = \"Own\"\nnames = [\"*.x.y\"]\n[[pool]]\nfqdn = \"pool01",
            "add `wildcard = true`",
        ),
    ];
    for (from, to, words) in cases {
        assert!(contoso.contains(from), "{from}");
        let error = topology_of_text("topology.toml", &contoso.replacen(from, to, 1)).expect_err(to);
        let (_, _, text) = said(&error);
        assert!(error.id() == ErrorId::TopologyInvalid && text.contains(words), "`{words}` is not in: {text}");
    }
}

#[test]
fn lync_rules_do_not_hold_for_others() {
    let topology = topology_of_text("t", &files(&Sample::Web)[1].1).unwrap();
    assert!(topology.sip_domains.is_empty() && topology.default_sip_domain().is_none());
    let text = "version = 1\n[[use]]\nname = \"A\"\nnames = [\"a.b\"]\nneeds = { chain_to = \"system\" }\n";
    let topology = topology_of_text("t", text).unwrap();
    assert_eq!(topology.uses.find("a").unwrap().needs.chain_to, ChainTo::System);
}

#[test]
fn durations_have_a_unit() {
    assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(parse_duration("7 d"), Some(Duration::from_secs(604_800)));
    for text in ["", "5", "s", "-1s", "1.5s", "5 weeks", "99999999999999999999s", "18446744073709551615d"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn an_embedded_authority_may_have_a_parent_make_authorities_and_publish_its_list() {
    let text = |more: &str| {
        format!(
            "topology = \"topology.toml\"\n[[ca]]\nconfig = 'a\\b'\nkind = \"embedded\"\nsubject = \"CN=b\"\n{more}"
        )
    };
    let embedded = |more: &str| {
        let mut configuration = read(&text(more)).unwrap();
        let AuthorityKind::Embedded(embedded) = configuration.authorities.remove(0).kind else { panic!("embedded") };
        embedded
    };
    let plain = embedded("");
    assert!(!plain.offline_parent && plain.crl.is_none() && !plain.templates[0].authority);
    let full = embedded(
        "parent = \"offline\"\ncrl = { url = \"http://pki/b.crl\", file = \"pub/b.crl\", days = 30, overlap_hours = 5 }\n\
         [[ca.template]]\nname = \"SubCA\"\nauthority = true\n",
    );
    let crl = full.crl.unwrap();
    assert!(full.offline_parent && full.templates[0].authority && crl.file.is_absolute());
    assert_eq!((crl.days, crl.overlap_hours), (30, 5));
    let crl = embedded("crl = { url = \"http://pki/b.crl\", file = \"b.crl\" }\n").crl.unwrap();
    assert_eq!((crl.days, crl.overlap_hours), (7, 56));
    for wrong in [
        "parent = \"else\"",
        "crl = { url = \"https://pki/b.crl\", file = \"b.crl\" }",
        "crl = { url = \"http://pki/b.crl\", file = \"b.crl\", days = 1, overlap_hours = 24 }",
        "crl = { url = \"http://pki/b.crl\" }",
    ] {
        assert_eq!(read(&text(wrong)).unwrap_err().id(), ErrorId::ConfigInvalid, "{wrong}");
    }
}
