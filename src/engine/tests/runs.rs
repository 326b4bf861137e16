//! Files, modules, parameters, interactive sessions, limits, the wish to stop.

use std::path::PathBuf;
use std::time::Duration;

use super::world::{World, fails};
use crate::command::{Cancel, Stream, Value};
use crate::engine::{Completeness, Limits};
use crate::error::{Error, ErrorId, ExitCode};
use crate::model::Zone;

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(|v| v.display(&Zone::utc())).collect()
}

#[test]
fn each_limit_stops_a_script() {
    let limited = |limits: Limits, text: &str| {
        let world = World::with(&[], |builder| builder.limits(limits));
        let error = world.fails(&format!("try {{ {text} }} catch {{ Write-Host caught }}"));
        assert_eq!(error.id(), ErrorId::LimitExceeded, "{text}: {}", error.message());

        assert!(world.ear.texts(Stream::Host).is_empty(), "{text} was caught");
    };
    let few = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    limited(few(|l| l.operations = 1000), "loop { }");
    limited(few(|l| l.operations = 10_000), "loop { Get-X -Path a | ForEach-Object { 1 } }");
    limited(
        few(|l| l.call_levels = 3),
        "Get-X -Path a | % { Get-X | % { Get-X | % { Get-X | % { Get-X | % { 1 } } } } }",
    );
    limited(few(|l| l.string_size = 1000), "let s = \"a\"; loop { s += s; }");
    limited(few(|l| l.array_size = 100), "let a = []; loop { a.push(1); }");
    limited(few(|l| l.array_size = 100), "let a = [1]; loop { a = [a, a]; }");
    limited(few(|l| l.map_size = 100), "let m = #{}; let i = 0; loop { m[`k${i}`] = i; i += 1; }");
    let many = (0..30).map(|i| format!("let a{i} = [{i}].len();")).collect::<Vec<_>>().join(" ");
    limited(few(|l| l.variables = 20), &many);
    limited(few(|l| l.map_size = 100), "let m = #{ a: #{} }; let i = 0; loop { m.a[`k${i}`] = i; i += 1; }");
    limited(few(|l| l.array_size = 10), "Get-Many 100 | Sort-Object");
    limited(few(|l| l.array_size = 10), "let x = Get-Many 100; x");
    limited(few(|l| l.array_size = 10), "let x = @(Get-Many 100); x");
    limited(few(|l| l.array_size = 10), "Get-Many 100 | ConvertTo-Json");
    limited(few(|l| l.array_size = 10), "Get-Many 100 | Select-Object -Unique | Out-Null");
    limited(few(|l| l.array_size = 10), "Get-Many 100");
}

#[test]
fn modules_and_depth_have_limits() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..5 {
        std::fs::write(folder.path().join(format!("m{i}.rhai")), "1").unwrap();
    }
    let script = folder.path().join("main.rhai");
    let text = (0..5).map(|i| format!("import \"m{i}\" as m{i};")).collect::<Vec<_>>().join("\n");
    let world = World::with(&[], |b| b.limits(Limits { modules: 3, ..Limits::default() }));
    assert_eq!(world.engine.run_script(&text, &script, &[]).unwrap_err().id(), ErrorId::LimitExceeded);
    let world = World::new();
    world.engine.run_script(&text, &script, &[]).unwrap();

    let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
    let error = fails(&deep);
    assert_eq!(error.exit(), ExitCode::Usage);
    let stages = format!("1 {}", "| % { $_ + 1 } ".repeat(40));
    assert_eq!(World::new().out(&stages), ["41"]);
}

#[test]
fn recursion_through_pipelines_is_bounded() {
    let error = fails("fn f(n) { 1..2 | ForEach-Object { f(n + 1) } } f(0)");
    assert_eq!(error.id(), ErrorId::LimitExceeded);
    let error = fails("fn f(n) { f(n + 1) } f(0)");
    assert_eq!(error.id(), ErrorId::LimitExceeded);
}

#[test]
fn nobody_catches_the_end_of_the_run() {
    let cancel = Cancel::new();
    let world = World::with(&[], |b| b.cancel(cancel.clone()));
    let stopper = std::thread::spawn({
        let cancel = cancel.clone();
        move || {
            std::thread::sleep(Duration::from_millis(30));
            cancel.interrupt();
        }
    });
    let error = world.fails("while true { try { loop { } } catch { } }");
    stopper.join().unwrap();
    assert_eq!((error.id(), error.exit()), (ErrorId::Interrupted, ExitCode::Interrupted));
    assert_eq!(world.fails("1").id(), ErrorId::Interrupted);
    cancel.reset();
    assert_eq!(world.out("1"), ["1"]);

    for text in [
        "try { Wait-Long } catch { }",
        "Wait-Long -ErrorAction SilentlyContinue",
        "try { sleep(60) } catch { }",
        "try { Get-Many 1000000000 | Out-Null } catch { }",
    ] {
        let world = World::with(&[], |b| b.cancel(Cancel::after(Duration::from_millis(30))));
        let error = world.fails(text);
        assert_eq!((error.id(), error.exit()), (ErrorId::TimedOut, ExitCode::Failed), "{text}");
    }
}

#[test]
fn ctrl_c_ends_loops_and_pipelines() {
    for text in [
        "1..1000000000 | ForEach-Object { $_ } | Out-Null",
        "1..1000000000 | ForEach-Object { } ",
        "1..1000000000 | Out-Null",
        "for i in 1..1000000000 { i | ForEach-Object |x| x * 2 | Out-Null }",
        "foreach ($i in 1..1000000) { 1..1000000 | Where-Object { $_ -lt 0 } }",
        "try { while ($true) { $x = 1 } } catch { }",
        "Get-Many 1000000000 | Sort-Object | Out-Null",
    ] {
        let cancel = Cancel::new();
        let (send, receive) = std::sync::mpsc::channel();
        let runner = std::thread::spawn({
            let cancel = cancel.clone();
            move || {
                let limits = Limits { operations: 0, array_size: 0, ..Limits::default() };
                let world = World::with(&[], |b| b.cancel(cancel).limits(limits));
                send.send(world.fails(text).id()).unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(30));
        cancel.interrupt();
        let id = receive.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{text} goes on"));
        assert_eq!(id, ErrorId::Interrupted, "{text}");
        runner.join().unwrap();
    }
}

#[test]
fn eval_and_reserved_names_are_refused() {
    assert_eq!(fails("eval(\"1\")").exit(), ExitCode::Usage);
    assert_eq!(fails("let f = Fn(\"eval\"); f.call(\"Get-X\")").exit(), ExitCode::Usage);
    assert_eq!(fails("let __x = 1;").exit(), ExitCode::Usage);
    assert_eq!(fails("__cmd(\"Get-X\", 0, [], #{})").exit(), ExitCode::Usage);
}

#[test]
fn a_runbook_has_parameters() {
    let text = "param(#{ ca: #{ type: \"String\", default: \"x\\\\y\", help: \"the authority\" }, days: #{ type: \"Int32\" }, when: #{ type: \"DateTime\", default: \"2026-12-31\" }, uses: #{ type: \"String[]\", default: [\"a\"] } });\nWrite-Output \"$ca $($days + 1) $($when.Year) $($uses.Count)\"";
    let world = World::new();
    assert_eq!(world.engine.params(text).unwrap().len(), 4);
    let path = PathBuf::from("book.rhai");
    let run = |given: &[(&str, &str)]| {
        let given: Vec<(String, String)> = given.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        world.engine.run_script(text, &path, &given).map(|o| texts(&o.objects))
    };
    assert_eq!(run(&[("days", "5")]).unwrap(), ["x\\y 6 2026 1"]);
    assert_eq!(run(&[("DAYS", "5"), ("when", "1/2/2027"), ("uses", "a,b")]).unwrap(), ["x\\y 6 2027 2"]);
    let id = |given: &[(&str, &str)]| run(given).map_err(|e| (e.id(), e.exit())).unwrap_err();
    assert_eq!(id(&[]), (ErrorId::MissingMandatoryParameter, ExitCode::Usage));
    assert_eq!(id(&[("days", "many")]), (ErrorId::CannotConvertArgument, ExitCode::Usage));
    assert_eq!(id(&[("days", "1"), ("dais", "1")]), (ErrorId::NamedParameterNotFound, ExitCode::Usage));
    assert_eq!(id(&[("days", "1"), ("Days", "1")]), (ErrorId::ParameterAlreadyBound, ExitCode::Usage));
}

#[test]
fn an_interactive_session_remembers() {
    let mut world = World::new();
    let mut line = |text: &str| world.engine.eval_line(text).map(|o| texts(&o.objects));
    assert_eq!(line("$x = 5").unwrap(), Vec::<String>::new());
    assert_eq!(line("$x + 1").unwrap(), ["6"]);
    assert_eq!(line("fn twice(n) { n * 2 }").unwrap(), Vec::<String>::new());
    assert_eq!(line("twice($x)").unwrap(), ["10"]);
    assert_eq!(line("let add = |n| n + x;").unwrap(), Vec::<String>::new());
    assert_eq!(line("add.call(1)").unwrap(), ["6"]);
    assert_eq!(line("1..3 | ForEach-Object add").unwrap_err().id(), ErrorId::PathNotFound);
    assert_eq!(line("1..3 | ForEach-Object $add").unwrap(), ["6", "7"]);
    assert_eq!(line("Test-Failure").unwrap_err().id(), ErrorId::CertificateNotFound);
    assert_eq!(line("fn twice(n) { n * 3 }").unwrap(), Vec::<String>::new());
    assert_eq!(line("twice($x)").unwrap(), ["15"]);
    assert_eq!(line("fn broken() {\n  let a = 1;\n  Test-Failure\n}").unwrap(), Vec::<String>::new());
    let error = line("\n\n\nbroken()").unwrap_err();
    assert_eq!(error.position().map(|p| (p.line, p.column)), Some((3, 3)));
    assert_eq!(line("$VerbosePreference = 'Continue'").unwrap(), Vec::<String>::new());
    assert_eq!(line("$VerbosePreference").unwrap(), ["Continue"]);
    assert!(world.engine.variables().contains(&"x".to_owned()));
}

#[test]
fn a_text_is_complete_or_not() {
    let world = World::new();
    for (text, wanted) in [
        ("1 + 1", Completeness::Complete),
        ("Get-X |", Completeness::Incomplete),
        ("if true {", Completeness::Incomplete),
        ("Get-X -Path \"a", Completeness::Incomplete),
        ("Get-X `", Completeness::Incomplete),
        ("Get-X -Foo", Completeness::Invalid),
        ("let = 1", Completeness::Invalid),
    ] {
        assert_eq!(world.engine.is_complete(text), wanted, "{text}");
    }
}

/// Runs a script in a folder with these files.
fn in_folder(files: &[(&str, &str)], main: &str) -> Result<Vec<String>, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outside.rhai"), "fn x() { 1 }").unwrap();
    let inside = folder.path().join("scripts");
    std::fs::create_dir_all(inside.join("sub")).unwrap();
    for (name, text) in files {
        std::fs::write(inside.join(name), text).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("outside.rhai"), inside.join("link.rhai")).unwrap();
    let world = World::with(&[], |b| b.library(&[("std", "fn hello() { \"hello\" }")]));
    world.engine.run_script(main, &inside.join("main.rhai"), &[]).map(|o| texts(&o.objects))
}

#[test]
fn modules_come_from_allowed_folders_only() {
    assert_eq!(in_folder(&[("a.rhai", "fn x() { Get-X -Path a }")], "import \"a\" as a; a::x()").unwrap(), ["Path=a"]);
    assert_eq!(in_folder(&[("sub/a.rhai", "fn x() { 7 }")], "import \"sub/a\" as a; a::x()").unwrap(), ["7"]);
    assert_eq!(in_folder(&[], "import \"std\" as s; s::hello()").unwrap(), ["hello"]);
    for path in ["../outside", "/etc/passwd", "sub/../../outside", "C:/x", "link", ""] {
        let error = in_folder(&[], &format!("import \"{path}\" as a; a::x()")).unwrap_err();
        assert_eq!(error.id(), ErrorId::PathNotAllowed, "{path}: {}", error.message());
    }
    let error = in_folder(&[("a.rhai", "import \"b\" as b;"), ("b.rhai", "import \"a\" as a;")], "import \"a\" as a;")
        .unwrap_err();
    assert!(error.message().contains("circle"), "{}", error.message());
    let error = in_folder(&[("a.rhai", "let x = 1;\nGet-X -Foo 1")], "import \"a\" as a;").unwrap_err();
    assert_eq!(error.id(), ErrorId::NamedParameterNotFound);
    assert_eq!(error.position().map(|p| p.line), Some(2));
    let counted = [("a.rhai", "Write-Output loaded; fn x() { 1 }")];
    assert_eq!(in_folder(&counted, "import \"a\" as a; import \"a\" as b; a::x() + b::x()").unwrap(), ["loaded", "2"]);
}

#[test]
fn scripts_without_commands_are_rhai() {
    let text = "\
fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
let list = [];
for i in 0..8 { list.push(fib(i)); }
let map = #{ a: 1, \"b c\": [1, 2] };
list.filter(|x| x % 2 == 0).map(|x| x * map.a)
";
    assert_eq!(World::new().out(text), ["0", "2", "8"]);
}

#[test]
fn deep_lists_do_not_overflow_the_stack() {
    for text in [
        "let a = []; for i in 0..100000 { a = [a]; } a.len()",
        "let a = []; for i in 0..100000 { a = [0, a, 0]; } a.len()",
        "let m = #{}; for i in 0..100000 { m = #{ a: 1, m: m }; } m.len()",
        "let a = []; loop { let b = []; b.push(a); a = b; }",
    ] {
        assert_eq!(fails(text).id(), ErrorId::LimitExceeded, "{text}");
    }
}
