//! Files that cannot be written, a reader that goes away, a limit on file sizes: nothing is left half done.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{BRIEF, PATIENT, World, error, fails, set};
use crate::common::Ran;

/// A path that leads to `/dev/full` without endangering it.
fn full(folder: &Path) -> String {
    let path = folder.join("full.txt");
    let _ = std::os::unix::fs::symlink("/dev/full", &path);
    path.display().to_string()
}

#[test]
fn a_device_or_a_pipe_is_not_replaced_by_a_file() {
    let world = World::new(PATIENT);
    let fifo = world.path().join("fifo.html");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (old, new) = (world.assigned()[0].clone(), world.request());
    for path in [full(world.path()), fifo.display().to_string()] {
        for line in [
            format!("Request-CsCertificate -New -Type Default -Output '{path}'"),
            format!("Request-CsCertificate -New -Type Default -Report '{path}'"),
            format!("{} -Report '{path}'", set(&new)),
        ] {
            fails(world.run(&line), 1, "FileNotWritable");
        }
    }
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    assert!(fs::symlink_metadata(world.path().join("full.txt")).unwrap().file_type().is_symlink());
    world.is_wholly(&old);
    let list = world.run("Request-CsCertificate -List").exits(0).objects();
    assert_eq!(list.len(), 1, "the refused ones made no request: {list:#?}");
}

#[test]
fn a_device_is_not_read() {
    let world = World::new(PATIENT);
    let endless = world.path().join("endless.pfx");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let path = endless.display();
    for line in [
        format!("Get-PfxCertificate '{path}' -Password x"),
        format!("Import-PfxCertificate '{path}' -Password x"),
        format!("Import-Certificate '{path}'"),
        format!("Import-CsCertificate -Path '{path}'"),
    ] {
        fails(world.run(&line), 1, "FileNotFound");
    }
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_command_before_its_change() {
    let world = World::new(PATIENT);
    let (old, new) = (world.assigned()[0].clone(), world.request());
    // No folder is made below a file, by root neither.
    for path in ["certlet.toml/report.html", "/proc/report.html"] {
        let path = world.path().join(path).display().to_string();
        fails(world.run(&format!("{} -Report '{path}'", set(&new))), 1, "FileNotWritable");
        fails(world.run(&format!("Request-CsCertificate -New -Type Default -Output '{path}'")), 1, "FileNotWritable");
    }
    world.is_wholly(&old);
}

#[test]
fn standard_output_that_is_full_is_told() {
    let world = World::new(PATIENT);
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let done = world.shell("Get-CsCertificate").command().stdout(full()).output().unwrap();
    let ran = Ran::of(done);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
    // A change whose records nobody can read is a whole change nevertheless.
    let new = world.request();
    let ran = Ran::of(world.shell(&set(&new)).command().stdout(full()).output().unwrap());
    assert_eq!(ran.code, 1, "{ran:#?}");
    world.is_wholly(&new);
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_a_change() {
    let world = World::new(PATIENT);
    let new = world.request();
    for line in ["Get-CsCertificate".to_owned(), "1..100000 | ForEach-Object { $_ }".to_owned(), set(&new)] {
        let mut child = world.shell(&line).command().spawn().unwrap();
        drop(child.stdin.take());
        drop(child.stdout.take());
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert!(ran.code == 0 || ran.code == 1, "{line}: {ran:#?}");
        assert!(!ran.stderr.contains("panicked"), "{line}: {ran:#?}");
    }
    world.is_wholly(&new);
    // Neither is one that goes away from the messages.
    let mut child = world
        .shell("Set-CsCertificate -Type Default -Thumbprint 0000000000000000000000000000000000000000")
        .command()
        .spawn()
        .unwrap();
    drop((child.stdin.take(), child.stderr.take()));
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 1, "{ran:#?}");
}

#[test]
fn where_files_may_not_grow_nothing_is_left_half_done() {
    let world = World::new(BRIEF);
    let (old, new) = (world.assigned()[0].clone(), world.request());
    let (mut refused, mut done) = (0, 0);
    // In blocks of 512 octets: from nothing at all to enough for the whole change.
    for blocks in [0, 1, 16, 80, 160, 300, 350, 400, 100_000] {
        // Ignored, the signal becomes an error of the write.
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let plain = world.shell(&set(&new)).command();
        let words = plain.get_args().map(ToOwned::to_owned).collect::<Vec<_>>();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &limited, "sh"]).arg(plain.get_program()).args(words).env_clear();
        let ran = Ran::of(command.stdin(Stdio::null()).output().unwrap());
        assert!(!ran.stderr.contains("panicked"), "{blocks}: {ran:#?}");
        if ran.code == 0 {
            done += 1;
            world.is_wholly(&new);
            world.set(&old).exits(0);
            continue;
        }
        refused += 1;
        let id = error(&ran)["id"].as_str().unwrap().to_owned();
        // Where not even the journal can be closed, a person is called, for whom recovery then has work.
        let known = ["DiskFull", "StoreUnavailable", "FileNotWritable", "UndoFailed"];
        assert!(known.contains(&id.as_str()), "{blocks}: {ran:#?}");
        let mend = crate::common::Shell::new().arg("--home").arg(world.path()).args(["--json", "recover"]).run();
        assert_eq!(mend.code, 0, "{blocks}: {mend:#?}");
        // Finished where the last that was written is the new one, whole; else all of it put back.
        if mend.objects().iter().any(|o| o["Ending"] == "Done") {
            world.is_wholly(&new);
            world.set(&old).exits(0);
        }
        world.is_wholly(&old);
    }
    assert!(refused > 0 && done > 0, "{refused} {done}");
    let audit = fs::read_to_string(world.path().join("audit.jsonl")).unwrap();
    for line in audit.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}
