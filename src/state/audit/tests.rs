//! The lines, their chain and its copy, under damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    AuditCopier, AuditCopy, AuditDraft, AuditVerdict, NO_PREVIOUS, copy_audit, digest, next_line, verify_audit_file,
};
use crate::error::ErrorId;
use crate::model::Moment;
use crate::state::contract::draft;
use crate::state::{MemoryState, State, verify_audit};

#[test]
fn a_line_says_its_facts_in_order_and_nothing_twice() {
    let draft = AuditDraft {
        time: Moment::from_unix(0),
        user: "root".to_owned(),
        principal: "contoso\\kenmyer".to_owned(),
        verb: "Set-CsCertificate".to_owned(),
        outcome: "Done".to_owned(),
        changes: json!([]),
        proof: json!(null),
        more: BTreeMap::from([("seq".to_owned(), json!(9)), ("host".to_owned(), json!("a\nb"))]),
    };
    let first = next_line(None, &draft);
    assert_eq!(
        first.line,
        format!(
            r#"{{"seq":1,"time":"1970-01-01T00:00:00Z","user":"root","principal":"contoso\\kenmyer","verb":"Set-CsCertificate","outcome":"Done","changes":[],"proof":null,"previous":"{NO_PREVIOUS}","host":"a\nb","_seq":9}}"#
        )
    );
    let second = next_line(Some(&first), &draft);
    assert_eq!(second.seq, 2);
    assert!(second.line.contains(&format!(r#""previous":"{}""#, digest(&first.line))));
}

#[test]
fn the_copy_catches_up() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(0), home.path().join("audit.jsonl"));
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Remade);
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::UpToDate);
    add(&state, 3);
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Appended(3));
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::UpToDate);
    add(&state, 1200);
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Appended(1200));
    add(&state, 1200);
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Appended(1200));
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::UpToDate);
    assert_eq!(fs::read(&path).unwrap(), whole(&state));
    assert_eq!(verify_audit_file(&path).unwrap(), verify_audit(&state).unwrap());
    assert_eq!(names(home.path()), ["audit.jsonl"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_short_or_torn_copy_is_made_anew() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(5), home.path().join("audit.jsonl"));
    copy_audit(&state, &path).unwrap();
    let good = fs::read(&path).unwrap();
    for cut in 1..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        let done = copy_audit(&state, &path).unwrap();
        assert!(matches!(done, AuditCopy::Remade | AuditCopy::Appended(1..=4)), "{cut}: {done:?}");
        assert_eq!(fs::read(&path).unwrap(), good, "{cut}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Remade);
    fs::write(&path, "").unwrap();
    assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Appended(5));
    assert_eq!(fs::read(&path).unwrap(), good);
    assert_eq!(names(home.path()), ["audit.jsonl"]);
}

#[test]
fn a_copy_that_says_something_else_is_made_anew_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(5), home.path().join("audit.jsonl"));
    copy_audit(&state, &path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let bad = [
        good.replacen("root", "mary", 1),
        good.replace("Done", "Undo"),
        lines[1..].join("\n") + "\n",
        format!("{good}{{\"seq\":6}}\n"),
        format!("{good}{{\"seq\":99999999999999999999999}}\n"),
        format!("{good}\n"),
        format!("\n{good}"),
        "\n".to_owned(),
        "\0".repeat(100_000),
        "x".repeat(200_000),
    ];
    for (n, bad) in bad.iter().enumerate() {
        fs::write(&path, bad).unwrap();
        let aside = home.path().join(format!("audit.jsonl.{}", n + 1));
        assert_eq!(copy_audit(&state, &path).unwrap(), AuditCopy::Replaced(aside.clone()), "{bad:.60}");
        assert_eq!(fs::read_to_string(&path).unwrap(), good);
        assert_eq!(fs::read_to_string(&aside).unwrap(), *bad);
    }
    // A state that was put back to an older one must not take the later lines with it.
    copy_audit(&logged(2), &path).unwrap();
    let kept = home.path().join(format!("audit.jsonl.{}", bad.len() + 1));
    assert_eq!(fs::read_to_string(kept).unwrap(), good);
}

#[test]
fn a_copy_that_others_touched_is_looked_at_again() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(3), home.path().join("audit.jsonl"));
    let (one, other) = (AuditCopier::new(&path), AuditCopier::new(&path));
    assert_eq!(one.copy_soon(&state).unwrap(), AuditCopy::Remade);
    for lines in 1..4 {
        add(&state, lines);
        assert_eq!(one.copy_soon(&state).unwrap(), AuditCopy::Appended(lines as u64));
        add(&state, lines);
        assert_eq!(other.copy(&state).unwrap(), AuditCopy::Appended(lines as u64));
        assert_eq!(one.copy(&state).unwrap(), AuditCopy::UpToDate);
    }
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert_eq!(one.copy_soon(&state).unwrap(), AuditCopy::Remade);
    fs::remove_file(&path).unwrap();
    assert_eq!(one.copy_soon(&state).unwrap(), AuditCopy::Remade);
    // Of the same length, and another: its time tells.
    let mut changed = good.clone();
    changed[10] ^= 1;
    fs::write(&path, &changed).unwrap();
    let later = fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert!(matches!(one.copy_soon(&state).unwrap(), AuditCopy::Replaced(_)));
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[test]
fn the_copy_waits_its_turn_and_says_where_it_failed() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(40), home.path().join("audit.jsonl"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    add(&state, 1);
                    copy_audit(&state, &path).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read(&path).unwrap(), whole(&state));
    let error = copy_audit(&state, &home.path().join("no/audit.jsonl")).unwrap_err();
    assert_eq!(error.id(), ErrorId::FileNotWritable);
    assert!(error.message().contains("no/audit.jsonl"), "{error}");
}

#[test]
fn any_change_of_a_line_breaks_the_chain() {
    let home = tempfile::tempdir().unwrap();
    let (state, path) = (logged(6), home.path().join("audit.jsonl"));
    copy_audit(&state, &path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let verdict = |text: String| {
        fs::write(&path, text).unwrap();
        verify_audit_file(&path).unwrap()
    };
    for n in 0..5 {
        let mut changed: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        changed[n] = changed[n].replace("root", "mary");
        // The line itself is well-formed: the one after it shows the change.
        assert_eq!(verdict(changed.join("\n") + "\n"), AuditVerdict::Broken { at: n as u64 + 2 });
        let mut without = lines.clone();
        without.remove(n);
        assert_eq!(verdict(without.join("\n") + "\n"), AuditVerdict::Broken { at: n as u64 + 1 });
        let mut swapped = lines.clone();
        swapped.swap(n, n + 1);
        assert_eq!(verdict(swapped.join("\n") + "\n"), AuditVerdict::Broken { at: n as u64 + 1 });
    }
    let changed_end = good.replacen("\"seq\":6", "\"seq\":6,\"seq\":6", 1);
    assert_eq!(verdict(changed_end), AuditVerdict::Broken { at: 6 }, "a key twice");
    assert_eq!(verdict(good[..good.len() - 1].to_owned()), AuditVerdict::Broken { at: 6 }, "torn");
    assert_eq!(verdict(format!("{good}\n")), AuditVerdict::Broken { at: 7 });
    assert_eq!(verdict(format!("{good}{}\n", "[".repeat(100_000))), AuditVerdict::Broken { at: 7 });
    let AuditVerdict::Intact { lines: 6, head } = verdict(good.clone()) else { panic!("it is good") };
    assert_eq!(head, digest(lines[5]));
    let cut = lines[..5].join("\n") + "\n";
    let AuditVerdict::Intact { lines: 5, head: earlier } = verdict(cut) else { panic!("a chain without its end") };
    assert_ne!(head, earlier, "the head tells what the chain alone cannot");
    assert!(matches!(verdict(String::new()), AuditVerdict::Intact { lines: 0, .. }));
    fs::remove_file(&path).unwrap();
    assert_eq!(verify_audit_file(&path).unwrap_err().id(), ErrorId::FileNotFound);
}

fn logged(lines: usize) -> MemoryState {
    let state = MemoryState::new();
    add(&state, lines);
    state
}

fn add(state: &MemoryState, lines: usize) {
    for _ in 0..lines {
        state.record(&[], &draft("Set-CsCertificate")).unwrap();
    }
}

fn whole(state: &MemoryState) -> Vec<u8> {
    let lines = state.audit_after(0, usize::MAX).unwrap();
    lines.into_iter().flat_map(|l| (l.line + "\n").into_bytes()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| name(e.unwrap().path())).collect();
    names.sort();
    names
}
