//! Objects flow one by one: the first is out at once, few are alive at a time, and a wish to stop is heard.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::world::World;
use crate::command::{Cancel, Impact, Input, Kind, Property, Record, Registry, Spec, Value, Verb, View};
use crate::engine::{Engine, Limits, Output};
use crate::error::{ErrorId, Result};
use crate::session::Session;

const MANY: usize = 100_000;

/// How many objects were made, and how many there were at most at one time.
#[derive(Default)]
struct Count {
    made: AtomicUsize,
    alive: AtomicUsize,
    most: AtomicUsize,
}

struct Counted {
    index: usize,
    count: Arc<Count>,
}

impl Counted {
    fn new(index: usize, count: &Arc<Count>) -> Self {
        count.made.fetch_add(1, Ordering::SeqCst);
        let alive = count.alive.fetch_add(1, Ordering::SeqCst) + 1;
        count.most.fetch_max(alive, Ordering::SeqCst);
        Self { index, count: Arc::clone(count) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

const PROPERTIES: &[Property] = &[Property::new("Index"), Property::new("Name")];

static KIND: Kind = Kind::new("Counted", PROPERTIES, View::ByCount);

impl Record for Counted {
    fn kind(&self) -> &Kind {
        &KIND
    }

    fn value(&self, index: usize) -> Value {
        if index == 0 { Value::Int(self.index as i64) } else { Value::from(format!("host{}", self.index)) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

static SPEC: Spec = Spec {
    name: "Get-Counted",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "",
    description: "",
    sets: &[],
    parameters: &[],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[],
    related: &[],
};

/// Notes how many objects had been made when each one came out.
struct Listener {
    count: Arc<Count>,
    heard: Arc<Mutex<Vec<usize>>>,
    cancel: Cancel,
    enough: usize,
}

impl Output for Listener {
    fn object(&mut self, _: Value) -> Result<()> {
        let mut heard = self.heard.lock().unwrap();
        heard.push(self.count.made.load(Ordering::SeqCst));
        if heard.len() >= self.enough {
            self.cancel.interrupt();
        }
        Ok(())
    }
}

struct Flow {
    count: Arc<Count>,
    heard: Vec<usize>,
    error: Option<ErrorId>,
}

/// Runs a line over many objects; the run is interrupted when so many have come out.
fn flow(line: &str, enough: usize) -> Flow {
    let count = Arc::new(Count::default());
    let source = Arc::clone(&count);
    let many = Verb::with(&SPEC, move |cx, _| {
        (0..MANY).try_for_each(|index| cx.emit(Value::object(Counted::new(index, &source))))
    });
    let (heard, cancel) = (Arc::default(), Cancel::new());
    let listener = Listener { count: Arc::clone(&count), heard: Arc::clone(&heard), cancel: cancel.clone(), enough };
    let engine = Engine::builder(Session::builder().build())
        .registry(Registry::new([many]))
        .limits(Limits { operations: 0, ..Limits::default() })
        .cancel(cancel)
        .output(listener)
        .build();
    let error = engine.eval(line).err().map(|e| e.id());
    let heard = heard.lock().unwrap().clone();
    Flow { count, heard, error }
}

#[test]
fn the_first_object_is_out_before_the_second_is_made() {
    for line in [
        "Get-Counted",
        "Get-Counted | ? { $_.Index -ge 0 } | select Index, Name | % { $_ }",
        "Get-Counted | where Index -ge 0 | select Name | tee -Variable all",
        "Get-Counted | ConvertTo-Csv | select -Skip 1",
        "for c in [1] { Get-Counted | ft Index }",
    ] {
        let flow = flow(line, 50);
        assert_eq!(flow.error, Some(ErrorId::Interrupted), "{line}");
        assert_eq!(flow.heard, (1..=50).collect::<Vec<_>>(), "{line}");
        // The one that was being made is not handed on any more.
        assert!(flow.count.made.load(Ordering::SeqCst) <= 51, "{line}");
    }
}

#[test]
fn few_objects_are_alive_at_a_time() {
    for line in [
        "Get-Counted | where Index -ge 50 | select Index | Out-Null",
        "Get-Counted | measure Index -Sum -Maximum",
        "Get-Counted | % Name | select -First 2000 | Out-Null",
        "Get-Counted | ConvertTo-Csv | Out-Null",
    ] {
        let flow = flow(line, usize::MAX);
        assert_eq!(flow.error, None, "{line}");
        assert!(flow.count.most.load(Ordering::SeqCst) <= 2, "{line}: {:?}", flow.count.most);
        assert_eq!(flow.count.alive.load(Ordering::SeqCst), 0, "{line}");
    }
    let flow = flow("Get-Counted | select -Last 10 | % Index", usize::MAX);
    assert!(flow.heard.len() == 10 && flow.count.most.load(Ordering::SeqCst) <= 12, "{:?}", flow.count.most);
    // What sorts holds all, and says so in about_limits.
    let flow = self::flow("Get-Counted | sort Index | select -First 1 | Out-Null", usize::MAX);
    assert_eq!(flow.count.most.load(Ordering::SeqCst), MANY);
}

#[test]
fn a_range_is_counted_and_not_kept() {
    let world = World::new();
    assert_eq!(world.out("0..9000000000 | select -First 2"), ["0", "1"]);
    assert_eq!(world.out("1..=3 | % { $_ }"), ["1", "2", "3"]);
    assert_eq!(world.out("3..1 | measure | % Count"), ["0"]);
}

#[test]
fn the_wish_to_stop_is_heard_in_blocks_and_loops() {
    for line in [
        "Get-Counted | % { $_.Index; while $_.Index > 5 { } }",
        "for c in Get-Counted | select -First 20 { $c }\nloop { }",
        "try { Get-Counted | % { try { $_ } catch { } } } catch { Get-Counted }",
    ] {
        let flow = flow(line, 4);
        assert_eq!(flow.error, Some(ErrorId::Interrupted), "{line}");
        assert_eq!(flow.heard.len(), 4, "{line}");
    }
}
