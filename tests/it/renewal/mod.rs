//! What runs by itself, on a clock that the test moves: renewals, undoing, revoking, and the status between.

mod quarantine;
mod renew;
mod revoke;
mod staged;
mod status;
mod undo;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certlet::command::{Console, Message, Value};
use certlet::config::{Home, HomeOptions, SecretLookup};
use certlet::model::{Clock, Moment, Zone};
use certlet::session::SystemClock;
use certlet::{Engine, ErrorId, ExitCode, Result, Session};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::common::contoso;
use crate::world::THREE;

/// The operating system's clock, so many seconds ahead.
#[derive(Default)]
struct Ahead {
    system: SystemClock,
    seconds: AtomicI64,
}

impl Clock for Ahead {
    fn now(&self) -> Moment {
        self.system.now().plus_seconds(self.seconds.load(Ordering::SeqCst))
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    fn sleep(&self, time: Duration) {
        self.system.sleep(time);
    }
}

struct NoSecrets;

impl SecretLookup for NoSecrets {
    fn file(&self, _: &Path) -> Result<Zeroizing<String>> {
        Err(certlet::Error::new(ErrorId::FileNotFound, "there are no secrets here"))
    }

    fn environment(&self, _: &str) -> Result<Zeroizing<String>> {
        Err(certlet::Error::new(ErrorId::ConfigInvalid, "there are no secrets here"))
    }
}

/// Keeps what is said.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Message>>>);

impl Console for Ear {
    fn message(&self, message: &Message) {
        self.0.lock().unwrap().push(message.clone());
    }
}

/// The sample world in one process, whose sites are served as long as this lives.
struct Later {
    folder: TempDir,
    clock: Arc<Ahead>,
    session: Session,
    ear: Ear,
}

/// What a text came to.
struct Came {
    exit: ExitCode,
    objects: Vec<Value>,
    /// The id of the error that ended it, or of those that were reported.
    errors: Vec<ErrorId>,
    hints: Vec<String>,
}

impl Later {
    fn new() -> Self {
        Self::configured(&[])
    }

    /// With these replacements in `certlet.toml`.
    fn configured(replacements: &[(&str, &str)]) -> Self {
        Self::of(contoso(), replacements)
    }

    fn of(folder: TempDir, replacements: &[(&str, &str)]) -> Self {
        let path = folder.path().join("certlet.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        let short = [("matches = 20 ", "matches = 2 "), ("window = \"500ms\"", "window = \"20ms\"")];
        for (from, to) in short.iter().chain(replacements) {
            assert!(text.contains(from), "`{from}` is not there");
            text = text.replacen(from, &to.replace("{d}", &folder.path().display().to_string()), 1);
        }
        std::fs::write(path, text).unwrap();
        let clock = Arc::new(Ahead::default());
        let options = HomeOptions {
            user: "operator".into(),
            owner: "operator".into(),
            machine: "here".into(),
            secrets: Arc::new(NoSecrets),
            lease_wait: Duration::from_secs(5),
            label: None,
            on_step: None,
        };
        let home = Arc::new(Home::new(folder.path(), options, Arc::clone(&clock) as Arc<dyn Clock>));
        home.configuration().unwrap();
        let session = Session::of(home, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { folder, clock, session, ear: Ear::default() }
    }

    /// Whose external site is a program that reads files, and whose reload fails once for each file `broken`.
    fn with_files() -> Self {
        Self::with_files_and(&[])
    }

    /// The same with more replacements in `certlet.toml`.
    fn with_files_and(more: &[(&str, &str)]) -> Self {
        let files = [
            (
                "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"listener\"",
                "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"files\"\ncertificate = \"{d}/site.pem\"\n\
                 key = \"{d}/site.key\"\nreload = [\"/bin/sh\", \"-c\", \"if [ -e {d}/broken ]; then rm {d}/broken; exit 1; fi\"]",
            ),
            (
                "use = \"WebServicesExternal\"\nendpoint = [\"127.0.0.1:0\"]",
                "use = \"WebServicesExternal\"\nprove = []",
            ),
        ];
        Self::configured(&files.iter().chain(more).copied().collect::<Vec<_>>())
    }

    /// The sample `web`: a pool of three whose sites are all served from here.
    fn web() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = crate::common::Shell::new().arg("--home").arg(folder.path());
        home.args(["init", "--sample", "web"]).run().exits(0);
        Self::of(folder, &[])
    }

    /// Makes the next reload fail.
    fn break_reload(&self) {
        std::fs::write(self.folder.path().join("broken"), "").unwrap();
    }

    fn days(&self, days: i64) {
        self.hours(days * 24);
    }

    fn hours(&self, hours: i64) {
        self.clock.seconds.fetch_add(hours * 3600, Ordering::SeqCst);
    }

    fn run(&self, text: &str) -> Came {
        self.ear.0.lock().unwrap().clear();
        let engine = Engine::builder(self.session.clone()).console(Arc::new(self.ear.clone())).build();
        let outcome = engine.eval(text);
        let said = self.ear.0.lock().unwrap();
        let reported = said.iter().filter_map(|m| m.error.as_ref());
        let mut errors: Vec<ErrorId> = reported.clone().map(certlet::Error::id).collect();
        let mut hints: Vec<String> = reported.flat_map(certlet::Error::hints).collect();
        let (exit, objects) = match outcome {
            Ok(outcome) => (outcome.exit, outcome.objects),
            Err(error) => {
                errors.push(error.id());
                hints.extend(error.hints());
                (error.exit(), Vec::new())
            }
        };
        Came { exit, objects, errors, hints }
    }

    /// What a text emits; it must end well.
    #[track_caller]
    fn emits(&self, text: &str) -> Vec<Value> {
        let came = self.run(text);
        assert_eq!((came.exit, &came.errors), (ExitCode::Done, &Vec::new()), "{text}: {:?}", self.said());
        came.objects
    }

    /// Fails unless a text ends with this error and code, and leaves the assignments as they were.
    #[track_caller]
    fn refuses(&self, text: &str, exit: ExitCode, id: ErrorId) -> Came {
        let before = self.assigned();
        let came = self.run(text);
        assert_eq!((came.exit, came.errors.as_slice()), (exit, &[id][..]), "{text}: {:?}", self.said());
        assert_eq!(self.assigned(), before, "{text}");
        came
    }

    fn said(&self) -> Vec<String> {
        self.ear.0.lock().unwrap().iter().map(|m| format!("{}: {}", m.stream.name(), m.text)).collect()
    }

    /// Whether the last run warned so.
    fn warned(&self, id: &str) -> bool {
        self.ear.0.lock().unwrap().iter().any(|m| m.id == Some(id))
    }

    /// Use and thumbprint of each assignment.
    #[track_caller]
    fn assigned(&self) -> Vec<(String, String)> {
        let found = self.run("Get-CsCertificate").objects;
        found.iter().map(|c| (text(c, "Use"), text(c, "Thumbprint"))).collect()
    }

    /// The one certificate of all three uses.
    #[track_caller]
    fn only(&self) -> String {
        let assigned = self.assigned();
        assert_eq!(assigned.len(), 3, "{assigned:?}");
        assert!(assigned.iter().all(|(_, t)| *t == assigned[0].1), "{assigned:?}");
        assigned[0].1.clone()
    }

    /// How many keys of dropped requests are kept.
    fn kept_keys(&self) -> usize {
        self.session.world().state().unwrap().quarantined().unwrap().len()
    }

    /// How many requests were ever made to the authority.
    fn requests(&self) -> usize {
        let state = self.session.world().state().unwrap();
        state.submissions(&crate::world::CA.to_ascii_lowercase(), None).unwrap().len()
    }

    /// A certificate for the three uses.
    #[track_caller]
    fn request(&self, more: &str) -> String {
        text(
            &self.emits(&format!("Request-CsCertificate -New -Type {THREE} -KeyAlg ECDH_P256 {more}"))[0],
            "Thumbprint",
        )
    }

    #[track_caller]
    fn set(&self, thumbprint: &str) {
        self.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}"));
    }
}

/// A property as text.
#[track_caller]
fn text(value: &Value, property: &str) -> String {
    value.property(property).unwrap_or_else(|| panic!("no `{property}`")).display(&Zone::utc())
}
