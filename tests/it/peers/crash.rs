//! Killed and interrupted in the middle of a change: all of it is old again afterwards, or all of it new.

use super::lease::{Slow, everything};
use super::nginx::{Otherwise, Site};
use super::openssl::served;
use super::{Gate, Running, World, set, until_it_waits};
use crate::common::{Ran, Shell, signal};

pub(super) fn recover(world: &World) -> Ran {
    Shell::new().arg("--home").arg(world.path()).args(["--json", "recover"]).run()
}

#[test]
fn killed_when_all_is_written_it_is_finished_by_recovery_and_left_alone_by_readers() {
    let Some(slow) = Slow::new("killed_when_all_is_written_it_is_finished_by_recovery_and_left_alone_by_readers")
    else {
        return;
    };
    let mut change = slow.begin(&slow.one);
    change.child().kill().unwrap();
    change.child().wait().unwrap();
    slow.gate.open();

    // A reader warns and changes nothing, neither in the home nor outside.
    let read = || slow.world.run("Get-CsCertificate").exits(0);
    let outside = everything(&slow.world.path().join("tls"));
    read();
    assert!(everything(&slow.world.path().join("tls")) == outside);
    let before = everything(slow.world.path());
    let ran = read();
    assert!(ran.messages().iter().any(|m| m["stream"] == "warning" && m["id"] == "OpenChange"), "{ran:#?}");
    assert!(ran.objects().iter().all(|o| o["Thumbprint"] == slow.old.as_str()), "{ran:#?}");
    let after = everything(slow.world.path());
    let changed: Vec<&String> = before.keys().chain(after.keys()).filter(|k| before.get(*k) != after.get(*k)).collect();
    assert!(changed.is_empty(), "{changed:?}");

    let ran = recover(&slow.world).exits(0);
    let found = ran.objects();
    assert_eq!((found.len(), &found[0]["Ending"], &found[0]["IsOpen"]), (1, &"Done".into(), &false.into()), "{ran:#?}");
    slow.is_wholly(&slow.one);
    let again = recover(&slow.world).exits(0);
    assert_eq!(again.objects().len(), 0);
}

#[test]
fn killed_before_nginx_was_told_it_is_all_old_when_the_new_does_not_pass() {
    let test = "killed_before_nginx_was_told_it_is_all_old_when_the_new_does_not_pass";
    let Some(site) = Site::start(test) else { return };
    let gate = Gate::new(&site.folder.join("gate"));
    site.declare(&Otherwise { test: Some(&gate.command()), ..Otherwise::default() });
    let mut change = Running::new(site.world.shell(&set(&site.new)).start());
    gate.wait();
    change.child().kill().unwrap();
    change.child().wait().unwrap();
    gate.open();
    // The new files lie there and nginx was not told: clients are served the old one all the time.
    assert_eq!(served(&site.endpoint), site.old);
    site.declare(&Otherwise { test: Some("[\"/bin/false\"]"), ..Otherwise::default() });
    let ran = recover(&site.world).exits(0);
    assert_eq!(ran.objects()[0]["Ending"], "PutBack", "{ran:#?}");
    site.is_wholly(&site.old);
    site.declare(&Otherwise::default());
    site.world.set(&site.new).exits(0);
    site.is_wholly(&site.new);
}

#[test]
fn the_next_change_mends_what_a_crash_left() {
    let Some(slow) = Slow::new("the_next_change_mends_what_a_crash_left") else { return };
    let mut change = slow.begin(&slow.one);
    change.child().kill().unwrap();
    change.child().wait().unwrap();
    slow.gate.open();
    let ran = slow.world.set(&slow.two);
    // The plan was made for what the crash had left; mended, that is another.
    if ran.code != 0 {
        super::fails(ran, 5, "PlanStale");
        slow.world.set(&slow.two).exits(0);
    }
    slow.is_wholly(&slow.two);
}

#[test]
fn ctrl_c_during_the_test_command_puts_everything_back() {
    let Some(site) = Site::start("ctrl_c_during_the_test_command_puts_everything_back") else { return };
    let gate = Gate::new(&site.folder.join("gate"));
    site.declare(&Otherwise { test: Some(&gate.command()), ..Otherwise::default() });
    let before = site.files();
    let mut change = Running::new(site.world.shell(&set(&site.new)).start());
    gate.wait();
    assert_ne!(site.files(), before);
    signal(change.child(), "INT");
    gate.open();
    let ran = change.ran().exits(130);
    assert_eq!(super::error(&ran)["id"], "Interrupted", "{ran:#?}");
    assert_eq!(site.files(), before);
    site.is_wholly(&site.old);
    assert_eq!(recover(&site.world).exits(0).objects().len(), 0);
}

#[test]
fn a_time_limit_in_the_middle_puts_everything_back() {
    let Some(slow) = Slow::new("a_time_limit_in_the_middle_puts_everything_back") else { return };
    let change = Running::new(slow.world.shell(&set(&slow.one)).args(["--timeout", "3s"]).start());
    slow.gate.wait();
    std::thread::sleep(std::time::Duration::from_secs(3));
    slow.gate.open();
    super::fails(change.ran(), 1, "TimedOut");
    slow.is_wholly(&slow.old);
}

#[test]
fn interrupted_while_it_waits_for_the_lease_it_ends_at_once() {
    let Some(slow) = Slow::new("interrupted_while_it_waits_for_the_lease_it_ends_at_once") else { return };
    let first = slow.begin(&slow.one);
    let mut second = Running::new(slow.world.shell(&set(&slow.two)).start());
    until_it_waits(&mut second);
    signal(second.child(), "INT");
    second.ran().exits(130);
    slow.gate.open();
    first.ran().exits(0);
    slow.is_wholly(&slow.one);
}
