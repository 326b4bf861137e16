//! What a command costs above a plain call, and pipelines over many objects.

use std::any::Any;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use certlet::command::{
    Args, Impact, Input, Invocation, Kind, Param, Property, Record, Registry, Spec, Value, Verb, View,
};
use certlet::{Engine, Limits, Session};
use divan::Bencher;
use divan::counter::ItemsCount;

const CALLS: usize = 10_000;
const OBJECTS: usize = 100_000;

#[divan::bench(args = ["abs(i)", "own(i)", "Get-Nothing", "Get-Nothing -Name a", "get_nothing()"])]
fn ten_thousand_calls(bencher: Bencher, call: &str) {
    let engine = engine();
    let text = format!("fn own(x) {{ x }}\nfor i in 0..{CALLS} {{\n{call}\n}}\n()");
    engine.eval(&text).unwrap();
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| engine.eval(&text).unwrap());
}

#[divan::bench(sample_count = 10, args = [
    "Get-Many | Where-Object { $_.Index -ge 50000 } | Sort-Object Name | Select-Object -First 10",
    "Get-Many | Where-Object |c| c.Index >= 50000 | Sort-Object Name | Select-Object -First 10",
    "Get-Many | Sort-Object Name | Select-Object -First 10",
    "Get-Many | Out-Null",
])]
fn a_hundred_thousand_objects(bencher: Bencher, text: &str) {
    let engine = engine();
    bencher.counter(ItemsCount::new(OBJECTS)).bench_local(|| engine.eval(text).unwrap());
}

/// Says what a pipeline costs beside a loop over dictionaries in Python, and what one stage costs an object.
///
/// Both make their objects anew in each run. Every figure is processor time, the median of nine runs, so that a busy
/// machine does not count.
pub(crate) fn tell_pipelines() {
    let engine = engine();
    let time = |text: &str| {
        engine.eval(text).unwrap();
        let mut runs: Vec<Duration> = (0..9)
            .map(|_| {
                let begun = processor_time();
                engine.eval(text).unwrap();
                processor_time().saturating_sub(begun)
            })
            .collect();
        runs.sort_unstable();
        runs[4].as_secs_f64()
    };
    let whole = time(
        "Get-Many | Where-Object { $_.Index -ge 50000 } | Sort-Object Name | Select-Object Index, Name | Out-Null",
    );
    println!("where, sort, select over {OBJECTS} objects: {:.0} ms", whole * 1e3);
    match python() {
        Some(python) => {
            println!("  a list of dictionaries in Python: {:.0} ms, ratio {:.2}", python * 1e3, whole / python);
        }
        None => println!("  SKIPPED: there is no python3 to compare with"),
    }
    let none = time("Get-Many | Out-Null");
    for stage in [
        "Where-Object { $_.Index -ge 50000 }",
        "Where-Object |c| c.Index >= 50000",
        "ForEach-Object { $_.Name }",
        "Where-Object Index -ge 50000",
        "Where-Object Name -like host5*",
        "Select-Object Index, Name",
        "Sort-Object Name",
    ] {
        let cost = time(&format!("Get-Many | {stage} | Out-Null")) - none;
        println!("  {stage}: {:.2} us an object", cost * 1e6 / OBJECTS as f64);
    }
}

/// What this thread has had of the processor; where the system does not tell it, the time of day.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = told.and_then(|text| text.split(' ').next()?.parse().ok());
    spent.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The seconds that Python takes for the same.
fn python() -> Option<f64> {
    let script = format!(
        "import time
runs = []
for run in range(9):
    begun = time.process_time()
    rows = [{{'Index': i, 'Name': 'host%d.contoso.com' % (i * 7919 % {OBJECTS})}} for i in range({OBJECTS})]
    kept = sorted((r for r in rows if r['Index'] >= 50000), key=lambda r: r['Name'].lower())
    chosen = [{{'Index': r['Index'], 'Name': r['Name']}} for r in kept]
    runs.append(time.process_time() - begun)
print(sorted(runs)[4])"
    );
    let ran = std::process::Command::new("python3").args(["-c", &script]).output().ok()?;
    String::from_utf8(ran.stdout).ok()?.trim().parse().ok()
}

static NAME: Param<String> = Param::named("Name", "A name").at(0);
static NOTHING: Spec = Spec { parameters: &[&NAME.spec], functions: &["get_nothing"], ..plain("Get-Nothing") };
static MANY: Spec = plain("Get-Many");

const fn plain(name: &'static str) -> Spec {
    Spec {
        name,
        twin: None,
        aliases: &[],
        functions: &[],
        synopsis: "Measure",
        description: "",
        sets: &[],
        parameters: &[],
        input: Input::None,
        emits: None,
        changes: Impact::Reads,
        examples: &[],
        related: &[],
    }
}

fn engine() -> Engine {
    let registry = Registry::new([Verb::new(&NOTHING, nothing), Verb::new(&MANY, many)]);
    let limits = Limits { operations: 0, ..Limits::default() };
    Engine::builder(Session::builder().build()).registry(registry).limits(limits).build()
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a verb")]
fn nothing(_: &mut Invocation<'_>, _: &Args) -> certlet::Result<()> {
    Ok(())
}

fn many(cx: &mut Invocation<'_>, _: &Args) -> certlet::Result<()> {
    for index in 0..OBJECTS {
        // Neither in order nor at random: every run sorts the same objects.
        let name = format!("host{}.contoso.com", index * 7919 % OBJECTS);
        cx.emit(Value::object(Row { index, name }))?;
    }
    Ok(())
}

struct Row {
    index: usize,
    name: String,
}

const PROPERTIES: &[Property] = &[Property::new("Index"), Property::new("Name")];

static ROW: Kind = Kind::new("Row", PROPERTIES, View::ByCount);

impl Record for Row {
    fn kind(&self) -> &Kind {
        &ROW
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::Int(self.index as i64),
            _ => Value::text(&self.name),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
