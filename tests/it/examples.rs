//! Every example of every verb runs in a fresh sample world and comes to what it promises.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use certlet::command::{Example, Expect};
use certlet::{Engine, Session};

use crate::common::Ran;
use crate::world::World;

/// Verbs whose objects are what is shown: with `--json`, texts line by line.
const SHOWN_AS_TEXT: [&str; 3] = ["Format-List", "Format-Table", "Write-Host"];
/// Two processors have something to do while the third example waits for a handshake.
const AT_ONCE: usize = 3;

#[test]
fn every_example_comes_to_what_it_promises() {
    let engine = Engine::new(Session::builder().build());
    let verbs = engine.registry().verbs();
    let examples: Vec<(&str, &Example)> =
        verbs.iter().flat_map(|verb| verb.spec.examples.iter().map(|example| (verb.spec.name, example))).collect();
    assert!(examples.len() >= verbs.len());
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((verb, example)) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(fault) = fault(verb, example) {
                        faults.lock().unwrap().push(format!("{verb}: {}\n  {fault}", example.line));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} of {} examples:\n{}", faults.len(), examples.len(), faults.join("\n"));
}

/// What is wrong with an example.
fn fault(verb: &str, example: &Example) -> Option<String> {
    let world = World::new();
    let before = world.facts();
    let ran = world.run(example.line);
    let has_changed = world.facts() != before;
    let emitted = ran.objects().len();
    let is_so_many = |count: usize| if SHOWN_AS_TEXT.contains(&verb) { emitted > 0 } else { emitted == count };
    let errors: Vec<String> = errors(&ran);
    let is_right = match example.expect {
        Expect::Emits(count) => errors.is_empty() && is_so_many(count) && !has_changed,
        Expect::EmitsSome => errors.is_empty() && emitted > 0 && !has_changed,
        Expect::Changes(count) => errors.is_empty() && emitted == count && has_changed,
        Expect::Fails(id) => errors == [id.name()] && !has_changed,
    };
    (!is_right).then(|| {
        let changed = if has_changed { "changed" } else { "unchanged" };
        format!(
            "promises {:?}; {emitted} objects, errors {errors:?}, exit {}, state {changed}\n  {}",
            example.expect, ran.code, ran.stderr
        )
    })
}

fn errors(ran: &Ran) -> Vec<String> {
    let errors = ran.messages().into_iter().filter(|message| message["stream"] == "error");
    errors.map(|error| error["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// So many lines of what an example shows stand in its help.
const SHOWN_AT_MOST: usize = 14;

/// The file that the help takes them from.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format/help_outputs.txt");

/// The help shows what examples that only read come to. `CERTLET_RECORD_EXAMPLES=1` writes the file anew.
#[test]
fn the_help_shows_what_examples_show() {
    let engine = Engine::new(Session::builder().build());
    let mut lines: Vec<&str> = Vec::new();
    for verb in engine.registry().verbs().iter().filter(|v| v.spec.name != "Get-Help" && v.spec.name != "Start-Sleep") {
        for example in verb.spec.examples {
            let reads = matches!(example.expect, Expect::Emits(1..) | Expect::EmitsSome);
            if reads && !lines.contains(&example.line) {
                lines.push(example.line);
            }
        }
    }
    let world = World::new();
    let marked = |(i, line): (usize, &&str)| format!("Write-Host 'EXAMPLE {i}'\n{line}");
    let script: Vec<String> = lines.iter().enumerate().map(marked).collect();
    let ran = world.show(&format!("{}\n()", script.join("\n")));
    let home = world.file("").display().to_string();
    let stdout = ran.stdout.replace(home.trim_end_matches('/'), "/var/lib/certlet");
    let shown: Vec<String> = lines.iter().enumerate().map(|(i, _)| between(&stdout, i)).collect();
    let silent = shown.iter().filter(|text| text.is_empty()).count();
    assert!(silent * 10 < lines.len(), "{ran:#?}");
    if std::env::var_os("CERTLET_RECORD_EXAMPLES").is_some() {
        let entries = lines.iter().zip(&shown).filter(|(_, text)| !text.is_empty()).map(|(line, text)| {
            let text: String = text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect();
            format!("> {line}\n{text}")
        });
        std::fs::write(RECORDED, entries.collect::<String>()).unwrap();
        return;
    }
    let recorded = std::fs::read_to_string(RECORDED).unwrap();
    let faults: Vec<String> = lines
        .iter()
        .zip(&shown)
        .filter_map(|(line, text)| {
            let (_, rest) = recorded.split_once(&format!("> {line}\n"))?;
            let before = rest.lines().take_while(|l| !l.starts_with("> ")).map(|l| l.get(2..).unwrap_or(""));
            let before = before.collect::<Vec<_>>().join("\n");
            (shape(&before) != shape(text)).then(|| format!("{line}: {:?}, recorded {:?}", shape(text), shape(&before)))
        })
        .collect();
    assert!(faults.is_empty(), "run this test with CERTLET_RECORD_EXAMPLES=1\n{}", faults.join("\n"));
    assert!(recorded.matches("\n> ").count() >= 40, "too few examples are recorded");
}

/// What stands after the mark of an example, without blank lines around it and not too long.
fn between(stdout: &str, number: usize) -> String {
    let (_, rest) = stdout.split_once(&format!("EXAMPLE {number}\n")).unwrap_or_default();
    let mut lines: Vec<&str> = rest.lines().take_while(|line| !line.starts_with("EXAMPLE ")).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let mut lines = lines.split_off(first);
    if lines.len() > SHOWN_AT_MOST {
        lines.truncate(SHOWN_AT_MOST);
        lines.push("...");
    }
    lines.join("\n")
}

/// What does not change from day to day: the names of properties and columns.
fn shape(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &str| line.contains("--") && line.chars().all(|c| c == '-' || c == ' ');
    let heads = lines.windows(2).filter(|pair| is_rule(pair[1])).flat_map(|pair| pair[0].split_whitespace());
    let names =
        lines.iter().filter_map(|line| line.split_once(" : ").or_else(|| line.strip_suffix(" :").map(|n| (n, ""))));
    heads.chain(names.map(|(name, _)| name.trim())).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
