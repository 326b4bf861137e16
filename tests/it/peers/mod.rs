//! The program against real peers: OpenSSL, nginx, signals, crashes, full disks, and servers that lie.

pub(crate) mod acme;
mod acme_caddy;
mod acme_crash;
pub(crate) mod adcs;
mod adcs_emulator;
#[cfg(feature = "ntlm")]
mod adcs_ntlm;
mod authority;
mod crash;
mod files;
mod home;
mod lease;
mod liar;
mod nginx;
mod openssl;
mod pfx;
mod renewal;
mod secrets;
mod serve;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Ran, Shell, contoso};

/// The three uses of the sample world that a site serves.
const TYPES: &str = "Default,WebServicesInternal,WebServicesExternal";
/// How the sample declares its external site.
const EXTERNAL: &str = "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"listener\"";
const EXTERNAL_BINDING: &str = "information = \"*:4443:\"\nuse = \"WebServicesExternal\"\nendpoint = [\"127.0.0.1:0\"]";
/// The deadline of a proof that is to hold, and of one that is not.
const PATIENT: &str = "15s";
const BRIEF: &str = "4s";

/// Whether a program that a test needs is here.
///
/// Without it the test is passed over, aloud; with `CERTLET_PEERS=required` it fails.
#[track_caller]
fn has(program: &str, test: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    if std::env::split_paths(&folders).chain(system).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    absent(test, &format!("no `{program}` here"));
    false
}

/// Passes a test over, aloud, or fails where peers are required.
#[track_caller]
fn absent(test: &str, why: &str) {
    assert!(std::env::var_os("CERTLET_PEERS").is_none_or(|wish| wish != "required"), "{test}: {why}");
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    {
        eprintln!("SKIPPED {test}: {why}");
    }
}

/// The sample world in a home of its own, with short proofs.
struct World {
    folder: TempDir,
}

impl World {
    fn new(deadline: &str) -> Self {
        let world = Self { folder: contoso() };
        world.configure(&[
            ("matches = 20 ", "matches = 3 "),
            ("window = \"500ms\"", "window = \"50ms\""),
            ("deadline = \"15s\"", &format!("deadline = \"{deadline}\"")),
        ]);
        world
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces pieces of the configuration, each of which must be there.
    #[track_caller]
    fn configure(&self, replacements: &[(&str, &str)]) {
        let path = self.path().join("certlet.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (old, new) in replacements {
            assert!(text.contains(old), "`{old}` is not in {text}");
            text = text.replacen(old, new, 1);
        }
        std::fs::write(path, text).unwrap();
    }

    /// The external site is the program that is described, and what else the binding says.
    fn external(&self, site: &str, binding: &str) {
        let site = format!("name = \"Lync Server External Web Site\"\nid = 34578\n{site}");
        // One address: of `*` a look at the loopback interface alone is no whole proof.
        let binding = format!("information = \"127.0.0.1:4443:\"\nuse = \"WebServicesExternal\"\n{binding}");
        self.configure(&[(EXTERNAL, &site), (EXTERNAL_BINDING, &binding)]);
    }

    /// A command line of the program in this home, with messages and objects as JSON.
    fn shell(&self, line: &str) -> Shell {
        Shell::in_folder(self.path()).arg("--home").arg(self.path()).args(["--json", "-c", line])
    }

    fn run(&self, line: &str) -> Ran {
        self.shell(line).run()
    }

    /// A new certificate of the sample's authority for all three uses.
    fn request(&self) -> String {
        let ran = self.run(&format!("Request-CsCertificate -New -Type {TYPES}")).exits(0);
        ran.objects()[0]["Thumbprint"].as_str().unwrap().to_owned()
    }

    fn set(&self, thumbprint: &str) -> Ran {
        self.run(&set(thumbprint))
    }

    /// The thumbprint of each assignment, in the order of the uses.
    fn assigned(&self) -> Vec<String> {
        texts(&self.run("Get-CsCertificate").exits(0).objects(), "Thumbprint")
    }

    /// The thumbprint that is bound at each of the three bindings with TLS.
    fn bound(&self) -> Vec<String> {
        let all = self.run("Get-WebBinding").exits(0).objects();
        texts(&all.into_iter().filter(|b| !b["Use"].is_null()).collect::<Vec<_>>(), "certificateHash")
    }

    /// The address at which the listener really serves a use.
    fn endpoint(&self, use_name: &str) -> String {
        let all = self.run("Get-WebBinding").exits(0).objects();
        let binding = all.iter().find(|b| b["Use"] == use_name).unwrap();
        binding["Endpoint"][0].as_str().unwrap().to_owned()
    }

    /// Fails unless everything that state says is about one certificate, no change is open, and the log is whole.
    #[track_caller]
    fn is_wholly(&self, thumbprint: &str) {
        let read = self.run("Get-CsCertificate").exits(0);
        assert!(read.messages().iter().all(|m| m["id"] != "OpenChange"), "{read:#?}");
        let expected = vec![thumbprint.to_owned(); 3];
        assert_eq!(self.assigned(), expected);
        assert_eq!(self.bound(), expected);
    }
}

fn set(thumbprint: &str) -> String {
    format!("Set-CsCertificate -Type {TYPES} -Thumbprint {thumbprint}")
}

fn texts(objects: &[Value], property: &str) -> Vec<String> {
    objects.iter().map(|o| o[property].as_str().unwrap_or("nothing").to_owned()).collect()
}

/// The error that a run with `--json` ended with.
#[track_caller]
fn error(ran: &Ran) -> Value {
    ran.messages().into_iter().rfind(|m| m["stream"] == "error").unwrap_or_else(|| panic!("no error: {ran:#?}"))
}

/// Fails unless a run ended with this exit code and error.
#[track_caller]
fn fails(ran: Ran, code: i32, id: &str) -> Value {
    let ran = ran.exits(code);
    let error = error(&ran);
    assert_eq!(error["id"], id, "{ran:#?}");
    error
}

/// Waits until something holds.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// A program that is ended with the test, by TERM, so that its own children end as well.
struct Running(Option<Child>);

impl Running {
    fn new(child: Child) -> Self {
        Self(Some(child))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Waits for the end of a run of the program.
    fn ran(mut self) -> Ran {
        Ran::of(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        let _ =
            std::process::Command::new("kill").arg(child.id().to_string()).stderr(std::process::Stdio::null()).status();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(3) {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Waits until a run of the program stands before the change lease, its plan made.
#[track_caller]
fn until_it_waits(running: &mut Running) {
    let folder = format!("/proc/{}/fd", running.child().id());
    until("the second writer waits for the lease", || {
        let open = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path.ends_with("change.lock"))
    });
}

/// An address of the loopback interface that was free a moment ago.
fn free(host: &str) -> String {
    std::net::TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().to_string()
}

/// A command that says that it has begun, and ends when it is told to; after ten seconds in any case.
struct Gate {
    folder: PathBuf,
}

impl Gate {
    fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self { folder: folder.to_owned() }
    }

    /// The setting of `certlet.toml`.
    fn command(&self) -> String {
        let folder = self.folder.display();
        format!(
            "[\"/bin/sh\", \"-c\", \"touch {folder}/reached; n=0; while [ ! -e {folder}/open ] && [ $n -lt 400 ]; do \
             sleep 0.025; n=$((n+1)); done\"]"
        )
    }

    #[track_caller]
    fn wait(&self) {
        until("the test command is run", || self.folder.join("reached").exists());
    }

    fn open(&self) {
        std::fs::write(self.folder.join("open"), "").unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Also when the test fails: nothing is left waiting.
        let _ = std::fs::write(self.folder.join("open"), "");
    }
}
