//! Killed at every step of a request to an ACME server: no key, no order and no certificate is lost, and one order is made.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use certlet::config::{Home, HomeOptions, SecretLookup};
use certlet::model::{Clock, Moment, Zone};
use certlet::session::{StepWatch, SystemClock};
use certlet::{Engine, Error, ErrorId, Session};
use zeroize::Zeroizing;

use super::acme::Pebble;
use super::{BRIEF, World};

const KILL_AT: &str = "CERTLET_TEST_ACME_KILL_AT";
const HOME: &str = "CERTLET_TEST_ACME_HOME";

struct NoSecrets;

impl SecretLookup for NoSecrets {
    fn file(&self, path: &Path) -> certlet::Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::FileNotFound, path.display().to_string()))
    }

    fn environment(&self, name: &str) -> certlet::Result<Zeroizing<String>> {
        Err(Error::new(ErrorId::ConfigInvalid, name))
    }
}

fn line(at: usize) -> String {
    format!(
        r"Request-CsCertificate -New -Type WebServicesExternal -CA pebble\acme -KeyAlg ECDH_P256 -DomainName n{at}.contoso.com"
    )
}

/// A clock that is ahead.
struct Ahead(SystemClock, i64);

impl Clock for Ahead {
    fn now(&self) -> Moment {
        self.0.now().plus_seconds(self.1)
    }

    fn zone(&self) -> Zone {
        self.0.zone()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

/// The home of a world in this process, by a clock that is so many seconds ahead.
pub(super) fn open(home: &Path, ahead: i64, on_step: Option<StepWatch>) -> Session {
    let clock: Arc<dyn Clock> = Arc::new(Ahead(SystemClock::default(), ahead));
    let options = HomeOptions {
        user: "operator".into(),
        owner: "operator".into(),
        machine: "here".into(),
        secrets: Arc::new(NoSecrets),
        lease_wait: Duration::from_secs(5),
        label: None,
        on_step,
    };
    Session::of(Arc::new(Home::new(home, options, Arc::clone(&clock))), clock)
}

/// The part that runs in the child: a request that is aborted at the given step.
#[test]
fn child_that_aborts() {
    let (Ok(home), Ok(at)) = (std::env::var(HOME), std::env::var(KILL_AT)) else { return };
    let at: usize = at.parse().unwrap();
    let count = AtomicUsize::new(0);
    let watch: StepWatch = Arc::new(move |_: &str| {
        if count.fetch_add(1, Ordering::SeqCst) == at {
            std::process::abort();
        }
    });
    let session = open(Path::new(&home), 0, Some(watch));
    // Inside a runtime, as a host may call it.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Engine::new(session).eval(&line(at)).map(|_| ()) }).unwrap();
}

#[test]
fn killed_at_every_step_nothing_is_lost_and_one_order_is_made() {
    let world = World::new(BRIEF);
    let Some(pebble) = Pebble::start(&world, "killed_at_every_step_nothing_is_lost_and_one_order_is_made", "") else {
        return;
    };
    pebble.declare(&world, &pebble.listen(), "class = \"private\"");
    for at in 0..60 {
        let came_through = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "peers::acme_crash::child_that_aborts", "--nocapture"])
            .env(HOME, world.path())
            .env(KILL_AT, at.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success();
        if !came_through {
            // The next run of the same line, or a look at what is open, goes on; before the key was stored nothing is.
            let is_open = world.run(r"Request-CsCertificate -List -CA pebble\acme").exits(0).objects().len() > at;
            let line = if at % 2 == 0 || !is_open { line(at) } else { "Request-CsCertificate -Retrieve".to_owned() };
            let ran = world.run(&format!("{line} | Select-Object HasPrivateKey")).exits(0);
            assert_eq!(ran.objects().len(), 1, "step {at}: {ran:#?}");
            assert_eq!(ran.objects()[0]["HasPrivateKey"], true, "step {at}: {ran:#?}");
        }
        let list = world.run(r"Request-CsCertificate -List -CA pebble\acme").exits(0).objects();
        assert!(list.iter().all(|r| r["Status"] == "Issued"), "step {at}: {list:#?}");
        assert_eq!((list.len(), pebble.orders()), (at + 1, at + 1), "step {at}");
        if came_through {
            assert!(at >= 8, "only {at} steps");
            return;
        }
    }
    panic!("the request never came to its end");
}
