//! Several processes on one state, and processes that die in the middle: tests that start this test program again.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{SqliteOptions, SqliteState};
use crate::error::ErrorId;
use crate::model::{KeyId, Moment};
use crate::state::contract::{draft, fingerprint, take_number};
use crate::state::{
    AuditVerdict, KeyRow, Row, RowKey, Sealed, State, Write, copy_audit, verify_audit, verify_audit_file,
};

const HOME: &str = "CERTLET_TEST_HOME";
const ROLE: &str = "CERTLET_TEST_ROLE";

/// What a child does; nothing when it is run as a test by hand.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn child() {
    let (Ok(home), Ok(role)) = (std::env::var(HOME), std::env::var(ROLE)) else { return };
    let home = PathBuf::from(home);
    let state = open(&home);
    let say = |text: &str| {
        let mut out = std::io::stdout();
        out.write_all(format!("\n>{text}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
    };
    match role.as_str() {
        "hold" => {
            let holder = format!("process {}, Set-CsCertificate", std::process::id());
            let _lease = state.lease("change", &holder, Duration::ZERO).unwrap();
            say("held");
            std::thread::sleep(Duration::from_secs(600));
        }
        "write" => {
            for n in 1_u64.. {
                let batch: Vec<Write> = (0..5).map(|part| number(part, n)).collect();
                state.write(&batch).unwrap();
                say(&n.to_string());
            }
        }
        "seal" => {
            for n in 0.. {
                let operation = state.open(Moment::from_unix(1), "m", "{}").unwrap();
                let image = RowKey::before_image(operation, "file");
                let sealed = Row::BeforeImage(Sealed(b"secret-before-image".repeat(50)));
                state.journal_with(operation, "intent", &[Write::put(image, sealed)]).unwrap();
                let key = RowKey::Key(KeyId::from_bytes(*fingerprint(n).as_bytes()));
                state.write(&[Write::put(key, key_row())]).unwrap();
                state.close(operation, &[], &draft("Set")).unwrap();
                say(&n.to_string());
            }
        }
        "log" => {
            for _ in 0..30 {
                take_number(&state, "n");
                state.record(&[], &draft("Set")).unwrap();
                copy_audit(&state, &home.join("audit.jsonl")).unwrap();
            }
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn a_lease_is_freed_when_its_process_dies() {
    let home = tempfile::tempdir().unwrap();
    let state = open(home.path());
    let mut holder = start(home.path(), "hold");
    assert_eq!(holder.line().as_deref(), Some("held"));
    let who = format!("process {}, Set-CsCertificate", holder.child.id());
    assert_eq!(state.lease_holder("change").unwrap().as_deref(), Some(who.as_str()));
    let error = state.lease("change", "me", Duration::from_millis(30)).map(drop).unwrap_err();
    assert_eq!(error.id(), ErrorId::Busy);
    assert!(error.message().contains(&who), "{error}");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| state.lease("change", "me", Duration::from_secs(30)).map(drop));
        std::thread::sleep(Duration::from_millis(100));
        holder.kill();
        waiting.join().unwrap()
    });
    waiting.unwrap();
    assert_eq!(state.lease_holder("change").unwrap(), None);
}

#[test]
fn what_a_killed_process_was_told_is_written_stands() {
    let home = tempfile::tempdir().unwrap();
    let mut sure = 0;
    for kills in 1..=8 {
        let mut writer = start(home.path(), "write");
        for _ in 0..kills * 3 {
            sure = writer.line().unwrap().parse().unwrap();
        }
        writer.kill();
        while let Some(line) = writer.line() {
            sure = line.parse().unwrap();
        }
        let state = open(home.path());
        let parts: Vec<_> = (0..5).map(|part| state.row(&number(part, 0).key).unwrap()).collect();
        assert!(parts.iter().all(|p| *p == parts[0]), "half a batch: {parts:?}");
        let Some(Row::Setting(found)) = &parts[0] else { panic!("nothing is there") };
        // The last batch may have been written without its process living to say so.
        assert!([sure, sure + 1].contains(&found.parse().unwrap()), "{found} for {sure}");
    }
}

#[test]
fn a_killed_process_leaves_no_closed_before_image_behind() {
    let home = tempfile::tempdir().unwrap();
    for kills in 1..=6 {
        let mut writer = start(home.path(), "seal");
        for _ in 0..kills {
            writer.line().unwrap();
        }
        writer.kill();
        let state = open(home.path());
        let open_operations = state.open_operations().unwrap();
        for operation in &open_operations {
            state.close(operation.id, &[], &draft("recover")).unwrap();
        }
        drop(state);
        for entry in std::fs::read_dir(home.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(19).any(|w| w == b"secret-before-image"));
        }
    }
    assert!(matches!(verify_audit(&open(home.path())).unwrap(), AuditVerdict::Intact { lines: 21.., .. }));
}

#[test]
fn processes_share_one_log_and_one_copy() {
    let home = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..3).map(|_| start(home.path(), "log")).collect();
    for mut one in children {
        assert!(one.child.wait().unwrap().success());
    }
    let state = open(home.path());
    assert_eq!(take_number(&state, "n"), 91);
    let verdict = verify_audit(&state).unwrap();
    assert!(matches!(verdict, AuditVerdict::Intact { lines: 90, .. }));
    assert_eq!(verify_audit_file(&home.path().join("audit.jsonl")).unwrap(), verdict);
}

struct Started {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Started {
    /// The next line that the child said itself; `None` at its end.
    fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            if let Some(said) = line.strip_suffix('\n')?.strip_prefix('>') {
                return Some(said.to_owned());
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(home: &Path, role: &str) -> Started {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "state::sqlite::processes::child", "--ignored", "--nocapture"])
        .env(HOME, home)
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    Started { child, lines }
}

fn open(home: &Path) -> SqliteState {
    SqliteState::open(&home.join("state.db"), SqliteOptions::in_home(home)).unwrap()
}

fn number(part: u32, n: u64) -> Write {
    Write::put(RowKey::Setting(format!("part {part}")), Row::Setting(n.to_string()))
}

fn key_row() -> Row {
    let sealed = Sealed(vec![7; 1200]);
    Row::Key(KeyRow { sealed, exportable: false, added: Moment::from_unix(1), quarantined_until: None })
}
