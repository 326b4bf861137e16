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
