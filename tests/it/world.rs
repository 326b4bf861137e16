//! The world in which the cases run: the sample home with short proofs, and what can be asked of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Ran, Shell, contoso};

/// The authority of the sample world.
pub(crate) const CA: &str = r"dc01.contoso.net\contoso-DC01-CA";
/// The three uses of a Front End.
pub(crate) const THREE: &str = "Default,WebServicesInternal,WebServicesExternal";
/// The names of [`World::full`] beside the computed ones.
pub(crate) const LYNCDISCOVER: [&str; 2] = ["lyncdiscoverinternal.contoso.com", "lyncdiscover.contoso.com"];
/// What is computed for the three uses of fe01.
pub(crate) const COMPUTED: [&str; 8] = [
    "pool01.contoso.net",
    "fe01.contoso.net",
    "sip.contoso.com",
    "webpool01.contoso.net",
    "webpool01.contoso.com",
    "meet.contoso.com",
    "dialin.contoso.com",
    "admin.contoso.com",
];
pub(crate) const INTERNAL_SITE: &str = "Lync Server Internal Web Site";
pub(crate) const EXTERNAL_SITE: &str = "Lync Server External Web Site";

/// A home folder of one's own.
pub(crate) struct World {
    home: TempDir,
}

/// All that a command may have changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    assigned: Vec<Value>,
    bound: Vec<Value>,
    stored: BTreeSet<String>,
    requests: Vec<Value>,
    keys: i64,
    audit: Vec<u8>,
}

impl World {
    /// The sample world `contoso`.
    pub(crate) fn new() -> Self {
        let world = Self { home: contoso() };
        world.edit("certlet.toml", "matches = 20", "matches = 3");
        world.edit("certlet.toml", "window = \"500ms\"", "window = \"50ms\"");
        world
    }

    /// The same with a second SIP domain, `fabrikam.com`, and its meetings; nothing is stored yet.
    pub(crate) fn with_fabrikam() -> Self {
        let world = Self::new();
        let path = world.file("topology.toml");
        let more = "\n[[sip_domain]]\nname = \"fabrikam.com\"\n\n[[simple_url]]\nscope = \"global\"\ncomponent = \"Meet\"\n\
                    domain = \"fabrikam.com\"\nentries = [\"https://meet.fabrikam.com\"]\nactive = \"https://meet.fabrikam.com\"\n";
        fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
        // An authority may certify what the topology held when it was born: it is born again at the first request.
        fs::remove_file(world.file("state.db")).unwrap();
        fs::remove_file(world.file("audit.jsonl")).unwrap();
        world
    }

    /// The sample world as its Edge server sees it; the sites stay those of the Front End server.
    pub(crate) fn edge() -> Self {
        let world = Self::new();
        let path = world.file("certlet.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("host = \"listener\"", "host = \"listener\"\ncomputer = \"fe01.contoso.net\""))
            .unwrap();
        let (front, edge) = ("local_computer = \"fe01.contoso.net\"", "local_computer = \"edge01.contoso.net\"");
        world.edit("topology.toml", front, edge);
        world
    }

    /// A file of the home folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Replaces a text that must be there in a file of the home folder.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.file(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Runs a text with `--json`.
    pub(crate) fn run(&self, text: &str) -> Ran {
        self.shell().args(["--json", "-c", text]).run()
    }

    /// Runs a text as an operator sees it.
    pub(crate) fn show(&self, text: &str) -> Ran {
        self.shell().args(["-c", text]).run()
    }

    /// What a text emits; it must end well.
    #[track_caller]
    pub(crate) fn emits(&self, text: &str) -> Vec<Value> {
        self.run(text).exits(0).objects()
    }

    /// The error that ends a text, which emits nothing and changes nothing.
    #[track_caller]
    pub(crate) fn refuses(&self, text: &str, code: i32, id: &str) -> Value {
        let before = self.facts();
        let ran = self.run(text).exits(code);
        assert!(ran.objects().is_empty(), "{ran:#?}");
        let errors = said(&ran, "error");
        assert_eq!(errors.len(), 1, "{ran:#?}");
        assert_eq!(errors[0]["id"], id, "{ran:#?}");
        assert_eq!(self.facts(), before, "{text}");
        errors[0].clone()
    }

    /// As [`World::refuses`], whatever the error's id.
    #[track_caller]
    pub(crate) fn refuses_somehow(&self, text: &str, code: i32) -> Value {
        let before = self.facts();
        let ran = self.run(text).exits(code);
        assert_eq!(self.facts(), before, "{text}");
        said(&ran, "error").remove(0)
    }

    /// All that a command may have changed.
    #[track_caller]
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            assigned: self.emits("Get-CsCertificate"),
            bound: self.emits("Get-WebBinding | Select-Object Site, bindingInformation, certificateHash"),
            stored: self.stored(),
            requests: self.emits("Request-CsCertificate -List"),
            keys: self.keys(),
            audit: fs::read(self.file("audit.jsonl")).unwrap(),
        }
    }

    /// The thumbprints of the personal store.
    #[track_caller]
    pub(crate) fn stored(&self) -> BTreeSet<String> {
        self.emits("Find-TlsCertificate").iter().map(|c| text(c, "Thumbprint")).collect()
    }

    /// What the personal store says of a certificate.
    #[track_caller]
    pub(crate) fn certificate(&self, thumbprint: &str) -> Value {
        let found = self.emits(&format!("Find-TlsCertificate | Where-Object {{ $_.Thumbprint -eq '{thumbprint}' }}"));
        assert_eq!(found.len(), 1, "{thumbprint}: {found:#?}");
        found[0].clone()
    }

    /// How many private keys are held; no command tells it.
    pub(crate) fn keys(&self) -> i64 {
        self.count("SELECT count(*) FROM keys")
    }

    /// How many of them may leave.
    pub(crate) fn exportable_keys(&self) -> i64 {
        self.count("SELECT count(*) FROM keys WHERE exportable")
    }

    fn count(&self, query: &str) -> i64 {
        let state = rusqlite::Connection::open(self.file("state.db")).unwrap();
        state.query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Asks the authority for a certificate.
    #[track_caller]
    pub(crate) fn request(&self, more: &str) -> Value {
        let issued = self.emits(&format!("Request-CsCertificate -New -CA {CA} {more}"));
        assert_eq!(issued.len(), 1, "{issued:#?}");
        issued[0].clone()
    }

    /// The certificate that is assigned when the world is made: OLD.
    #[track_caller]
    pub(crate) fn old(&self) -> String {
        text(&self.emits("Get-CsCertificate -Type Default")[0], "Thumbprint")
    }

    /// A certificate with every computed name and two more: FULL.
    #[track_caller]
    pub(crate) fn full(&self) -> String {
        text(&self.request(&format!("-Type {THREE} -DomainName '{}'", LYNCDISCOVER.join(","))), "Thumbprint")
    }

    /// A certificate with the names of the pool, the computer and SIP alone: PART.
    #[track_caller]
    pub(crate) fn part(&self) -> String {
        text(&self.request("-Type Default"), "Thumbprint")
    }

    /// The thumbprint on a site's https binding.
    #[track_caller]
    pub(crate) fn bound(&self, site: &str) -> Option<String> {
        let bindings = self.emits(&format!("Get-WebBinding -Name '{site}' -Protocol https"));
        assert_eq!(bindings.len(), 1, "{bindings:#?}");
        bindings[0]["certificateHash"].as_str().map(str::to_ascii_uppercase)
    }

    /// The thumbprint on a site's `tls` binding.
    #[track_caller]
    pub(crate) fn bound_tls(&self, site: &str) -> Option<String> {
        let bindings = self.emits(&format!("Get-WebBinding -Name '{site}' -Protocol tls"));
        assert_eq!(bindings.len(), 1, "{bindings:#?}");
        bindings[0]["certificateHash"].as_str().map(str::to_ascii_uppercase)
    }

    /// Declares a second authority, which counts its requests from 41 too.
    pub(crate) fn second_authority(&self) {
        let path = self.file("certlet.toml");
        let second = "\n[[ca]]\nconfig = 'ca2.contoso.net\\Second'\nkind = \"embedded\"\nsubject = \"CN=Second\"\n\
                      next_request_id = 41\n[[ca.template]]\nname = \"Approval\"\ndisplay_name = \"Approval\"\n\
                      eku = [\"ServerAuth\"]\napproval = \"Manager\"\n";
        fs::write(&path, fs::read_to_string(&path).unwrap() + second).unwrap();
    }

    /// Does something as the manager of the authorities, who is an administrator here for that long.
    pub(crate) fn as_manager<T>(&self, work: impl FnOnce() -> T) -> T {
        let path = self.file("certlet.toml");
        let text = fs::read_to_string(&path).unwrap();
        let manager = r"'contoso\caadmin'";
        let changed = text.replacen(r"principal = 'contoso\kenmyer'", &format!("principal = {manager}"), 1).replacen(
            r"administrators = ['contoso\kenmyer']",
            &format!("administrators = ['contoso\\kenmyer', {manager}]"),
            1,
        );
        assert_ne!(changed, text);
        fs::write(&path, changed).unwrap();
        let done = work();
        fs::write(&path, text).unwrap();
        done
    }

    /// Imports a file of another authority, laid where `C:\` is; gives the thumbprint.
    #[track_caller]
    pub(crate) fn import(&self, name: &str, bytes: &[u8]) -> String {
        self.lay(name, bytes);
        text(&self.emits(&format!("Import-CsCertificate -Path C:\\Certificates\\{name}"))[0], "Thumbprint")
    }

    /// Writes a file into `C:\Certificates`.
    pub(crate) fn lay(&self, name: &str, bytes: &[u8]) {
        let folder = self.file("drive_c/Certificates");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }

    /// Trusts another authority, beside those of the configuration.
    pub(crate) fn trust(&self, root: &str) {
        fs::write(self.file("roots.pem"), root).unwrap();
        let path = self.file("certlet.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + "\n[trust]\nroots = [\"roots.pem\"]\n").unwrap();
    }

    /// Which certificate each use has.
    #[track_caller]
    pub(crate) fn assigned(&self) -> Vec<(String, String)> {
        self.emits("Get-CsCertificate").iter().map(|c| (text(c, "Use"), text(c, "Thumbprint"))).collect()
    }

    /// The program in this home, which asks nobody.
    pub(crate) fn shell(&self) -> Shell {
        Shell::new().arg("--home").arg(self.home.path()).arg("--no-input")
    }
}

/// A property that is a text.
#[track_caller]
pub(crate) fn text(object: &Value, property: &str) -> String {
    object[property].as_str().unwrap_or_else(|| panic!("{property}: {object:#?}")).to_owned()
}

/// A list of names as a set, without regard to case.
#[track_caller]
pub(crate) fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let names: BTreeSet<String> = list.iter().map(|name| name.as_str().unwrap().to_ascii_lowercase()).collect();
    assert_eq!(names.len(), list.len(), "a name stands twice: {list:?}");
    names
}

/// Names as a set, without regard to case.
pub(crate) fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_ascii_lowercase).collect()
}

/// The messages of a stream.
#[track_caller]
pub(crate) fn said(ran: &Ran, stream: &str) -> Vec<Value> {
    ran.messages().into_iter().filter(|message| message["stream"] == stream).collect()
}

/// The warning of this id; there must be exactly one.
#[track_caller]
pub(crate) fn warning(ran: &Ran, id: &str) -> String {
    let found: Vec<Value> = said(ran, "warning").into_iter().filter(|message| message["id"] == id).collect();
    assert_eq!(found.len(), 1, "{id}: {ran:#?}");
    text(&found[0], "message").to_ascii_lowercase()
}
