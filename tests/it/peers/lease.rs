//! Two writers and a reader at once: one waits, and nobody sees half a change.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::openssl::lies_in;
use super::{Gate, PATIENT, Running, World, fails, has, set, until_it_waits};

/// A home whose external site is a program that reads files and serves nothing, and whose test command waits.
pub(super) struct Slow {
    pub(super) world: World,
    pub(super) gate: Gate,
    pub(super) old: String,
    pub(super) one: String,
    pub(super) two: String,
}

impl Slow {
    /// `None`, said aloud, where OpenSSL is missing.
    pub(super) fn new(test: &str) -> Option<Self> {
        if !has("openssl", test) {
            return None;
        }
        let world = World::new(PATIENT);
        let gate = Gate::new(&world.path().join("gate"));
        let (old, one, two) = (world.request(), world.request(), world.request());
        std::fs::create_dir(world.path().join("tls")).unwrap();
        let site = "host = \"files\"\ncertificate = \"tls/site.pem\"\nkey = \"tls/site.key\"\nreload = [\"/bin/true\"]";
        world.external(&format!("{site}\ntest = [\"/bin/true\"]"), "prove = []");
        world.set(&old).exits(0);
        world.configure(&[("test = [\"/bin/true\"]", &format!("test = {}", gate.command()))]);
        let slow = Self { world, gate, old, one, two };
        slow.is_wholly(&slow.old);
        Some(slow)
    }

    /// A change that is in the middle: its files are written and the test command has not ended.
    pub(super) fn begin(&self, thumbprint: &str) -> Running {
        let running = Running::new(self.world.shell(&set(thumbprint)).start());
        self.gate.wait();
        lies_in(&self.world.path().join("tls"), thumbprint);
        running
    }

    #[track_caller]
    pub(super) fn is_wholly(&self, thumbprint: &str) {
        self.world.is_wholly(thumbprint);
        lies_in(&self.world.path().join("tls"), thumbprint);
    }
}

/// Every file below a folder with its time and content, but for what `SQLite` makes to read together.
pub(super) fn everything(folder: &Path) -> BTreeMap<String, (std::time::SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().ends_with(".db-shm") {
                let time = path.metadata().unwrap().modified().unwrap();
                found.insert(path.display().to_string(), (time, std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn a_writer_that_may_not_wait_is_told_who_is_at_work() {
    let Some(slow) = Slow::new("a_writer_that_may_not_wait_is_told_who_is_at_work") else { return };
    let mut first = slow.begin(&slow.one);
    let begin = Instant::now();
    let second = slow.world.shell(&set(&slow.two)).args(["--timeout", "1s"]).run();
    let error = fails(second, 1, "Busy");
    assert!(begin.elapsed() < Duration::from_secs(5));
    let (message, pid) = (error["message"].as_str().unwrap(), first.child().id().to_string());
    assert!(message.contains(&pid) && message.contains("Set-CsCertificate"), "{message}");
    // Who would mend waits as well: this is somebody's work and no crash.
    let recover = crate::common::Shell::new()
        .arg("--home")
        .arg(slow.world.path())
        .args(["--json", "--timeout", "300ms", "recover"])
        .run();
    fails(recover, 1, "Busy");
    slow.gate.open();
    first.ran().exits(0);
    slow.is_wholly(&slow.one);
}

#[test]
fn a_writer_that_waited_finds_its_plan_stale_or_carries_it_out() {
    let Some(slow) = Slow::new("a_writer_that_waited_finds_its_plan_stale_or_carries_it_out") else { return };
    let first = slow.begin(&slow.one);
    let mut second = Running::new(slow.world.shell(&set(&slow.two)).start());
    until_it_waits(&mut second);
    slow.gate.open();
    first.ran().exits(0);
    let second = second.ran();
    if second.code == 0 {
        slow.is_wholly(&slow.two);
    } else {
        fails(second, 5, "PlanStale");
        slow.is_wholly(&slow.one);
    }
    // Again, it fits what is there.
    slow.world.set(&slow.two).exits(0);
    slow.is_wholly(&slow.two);
}

#[test]
fn a_writer_that_found_its_certificate_assigned_does_not_bind_it_against_the_first() {
    let test = "a_writer_that_found_its_certificate_assigned_does_not_bind_it_against_the_first";
    let Some(slow) = Slow::new(test) else { return };
    let first = slow.begin(&slow.one);
    // As far as it can see, the old one is assigned and has only to be proven.
    let mut second = Running::new(slow.world.shell(&set(&slow.old)).start());
    until_it_waits(&mut second);
    slow.gate.open();
    first.ran().exits(0);
    fails(second.ran(), 5, "PlanStale");
    slow.is_wholly(&slow.one);
}

#[test]
fn a_reader_beside_a_writer_sees_the_old_and_writes_nothing() {
    let Some(slow) = Slow::new("a_reader_beside_a_writer_sees_the_old_and_writes_nothing") else { return };
    let first = slow.begin(&slow.one);
    let before = everything(slow.world.path());
    slow.is_read_as(&slow.old);
    let after = everything(slow.world.path());
    let changed: Vec<&String> = before.keys().chain(after.keys()).filter(|k| before.get(*k) != after.get(*k)).collect();
    assert!(changed.is_empty(), "{changed:?}");
    slow.gate.open();
    first.ran().exits(0);
    slow.is_wholly(&slow.one);
}

impl Slow {
    /// Reads with every verb that reads, without a warning of a change that was cut off.
    #[track_caller]
    fn is_read_as(&self, thumbprint: &str) {
        let ran =
            self.world.run("Get-CsCertificate; Get-Website; Find-TlsCertificate; Request-CsCertificate -List").exits(0);
        assert!(!ran.stderr.contains("OpenChange"), "{ran:#?}");
        assert_eq!(self.world.assigned(), vec![thumbprint.to_owned(); 3]);
        assert_eq!(self.world.bound(), vec![thumbprint.to_owned(); 3]);
    }
}
