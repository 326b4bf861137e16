//! Homes that are not as they should be: misspelt, garbled, newer, open to all, or somebody else's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::{PATIENT, World, absent, fails};
use crate::common::{Ran, Shell};

/// Fails unless the fault is found before anything runs, with its place and the right word.
#[track_caller]
fn is_invalid(ran: Ran, id: &str, words: &[&str]) {
    let text = format!("{}{}", ran.stdout, ran.stderr);
    let error = fails(ran, 2, id);
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is not in {text}");
    }
}

#[test]
fn a_fault_in_the_configuration_is_told_with_line_column_and_nearest_word() {
    for (old, new, words) in [
        ("matches = 20 ", "matchs = 20 ", &["certlet.toml:15:1:", "matchs", "matches"][..]),
        ("host = \"listener\"", "host = \"listner\"", &["certlet.toml:79:8:", "listner", "listener"]),
        (
            "use = \"WebServicesInternal\"",
            "use = \"WebServiceInternal\"",
            &["WebServiceInternal", "WebServicesInternal"],
        ),
        ("topology = \"topology.toml\"", "topology = \"topologie.toml\"", &["topologie.toml"]),
        ("name = \"Default Web Site\"", "name = \"Lync Server External Web Site\"", &["Lync Server External Web Site"]),
        ("matches = 20 ", "matches = \"many\" ", &["certlet.toml:15:11:", "number"]),
        ("kind = \"sqlite\"", "kind = \"sqlit", &["certlet.toml:10:"]),
    ] {
        let world = World { folder: crate::common::contoso() };
        world.configure(&[(old, new)]);
        let ran = world.run("Get-CsCertificate");
        let id = super::error(&ran)["id"].as_str().unwrap().to_owned();
        assert!(id == "ConfigInvalid" || id == "TopologyInvalid", "{ran:#?}");
        is_invalid(ran, &id, words);
    }
}

#[test]
fn a_fault_in_the_topology_is_told_with_its_place() {
    let world = World { folder: crate::common::contoso() };
    let path = world.path().join("topology.toml");
    let whole = fs::read_to_string(&path).unwrap();
    for (old, new, words) in [
        ("[[sip_domain]]", "[[sip_domian]]", &["topology.toml:8:3:", "sip_domian", "sip_domain"][..]),
        ("role = \"", "role = \"x", &["topology.toml"]),
        ("local_computer = \"", "local_computer = \"nobody.", &["topology.toml", "nobody."]),
    ] {
        assert!(whole.contains(old), "`{old}` is not in {whole}");
        fs::write(&path, whole.replacen(old, new, 1)).unwrap();
        is_invalid(world.run("Get-CsCertificate"), "TopologyInvalid", words);
    }
}

#[test]
fn a_state_that_is_none_is_refused_and_left_as_it_is() {
    let world = World::new(PATIENT);
    let path = world.path().join("state.db");
    for garbage in [
        &b"this is no database at all, but a long enough text of some hundred octets"[..],
        &[0xff; 9000],
        b"SQLite format 3\0rubbish",
    ] {
        fs::write(&path, garbage).unwrap();
        let _ = fs::remove_file(world.path().join("state.db-wal"));
        let _ = fs::remove_file(world.path().join("state.db-shm"));
        for line in ["Get-CsCertificate", "Request-CsCertificate -New -Type Default"] {
            fails(world.run(line), 1, "StoreUnavailable");
        }
        assert_eq!(fs::read(&path).unwrap(), garbage, "it is left for whoever looks at it");
    }
}

#[test]
fn a_state_of_a_newer_version_is_refused_and_left_as_it_is() {
    let world = World::new(PATIENT);
    let path = world.path().join("state.db");
    // The version that SQLite keeps for its user: four octets at 60, big-endian (file format, section 1.3).
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&9999u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    fails(world.run("Get-CsCertificate"), 2, "StoreTooNew");
    fails(world.run("Request-CsCertificate -New -Type Default"), 2, "StoreTooNew");
    assert_eq!(fs::read(&path).unwrap()[60..64], 9999u32.to_be_bytes());
}

#[test]
fn a_home_open_to_all_is_closed_with_a_note() {
    let world = World::new(PATIENT);
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = Shell::new().arg("--home").arg(world.path()).args(["-c", "Get-CsCertificate"]).run().exits(0);
    assert!(ran.stderr.contains("0777"), "{ran:#?}");
    assert_eq!(fs::metadata(world.path()).unwrap().mode() & 0o777, 0o700);
    let again = Shell::new().arg("--home").arg(world.path()).args(["-c", "Get-CsCertificate"]).run().exits(0);
    assert_eq!(again.stderr, "");
}

#[test]
fn the_home_of_somebody_else_is_not_used() {
    let world = World::new(PATIENT);
    if fs::metadata(world.path()).unwrap().uid() != 0 {
        absent("the_home_of_somebody_else_is_not_used", "only root can give a folder away");
        return;
    }
    std::os::unix::fs::chown(world.path(), Some(65534), None).unwrap();
    for line in ["Get-CsCertificate", "Request-CsCertificate -New -Type Default"] {
        fails(world.run(line), 2, "HomeNotPrivate");
    }
    for verb in ["serve", "recover"] {
        let ran = Shell::new().arg("--home").arg(world.path()).args(["--json", verb]).run();
        fails(ran, 2, "HomeNotPrivate");
    }
    // What needs no home does not look at it.
    Shell::new().arg("--home").arg(world.path()).args(["-c", "1 + 1"]).run().exits(0);
}
