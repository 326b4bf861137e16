//! Where entries end.

use super::Desk;
use crate::engine::{Completeness, Engine, Entry};
use crate::session::Session;

fn engine() -> Engine {
    Engine::new(Session::builder().build())
}

#[test]
fn a_text_is_complete_open_or_wrong() {
    let engine = engine();
    for text in [
        "",
        "1 + 1",
        "let x = 1",
        "Get-Date",
        "if true { 1 }",
        "fn f(x) { x }",
        "'x'",
        "# only this",
        "\u{feff}1",
        "return",
    ] {
        assert_eq!(engine.is_complete(text), Completeness::Complete, "{text}");
    }
    for text in [
        "1 +",
        "1 +\n",
        "x ==",
        "let y =",
        "let y = // why",
        "if true",
        "if true {",
        "if true { 1 } else",
        "while true\n",
        "for x in",
        "fn f(x)",
        "fn f(",
        "try",
        "try { 1 }",
        "switch 1",
        "switch 1 { 1 => ",
        "foo(1,",
        "[1, 2",
        "#{ a: 1",
        "Get-Date |",
        "Get-Date | ",
        "1 |",
        "Get-Date `",
        "Get-Date `\n",
        "Write-Output a,",
        "Write-Output 'a",
        "Write-Output \"a",
        "Write-Output (1",
        "Write-Output @(1",
        "1 | ForEach-Object {",
        "`open ${1}",
        "#\"raw",
        "/* open",
        "$x = @{ a = 1",
        "x.",
        "!",
    ] {
        assert_eq!(engine.is_complete(text), Completeness::Incomplete, "{text}");
    }
    for text in ["1 + )", "let 5 = x", "Get-Date -Foo 1", "}", "x y", "Get-Date | Get-Nothing-Here", "1 + * 2"] {
        assert_eq!(engine.is_complete(text), Completeness::Invalid, "{text}");
    }
}

/// The entries of a text, each run before the next is looked for; what is open at the end comes last, with `…`.
fn entries(engine: &mut Engine, text: &str) -> Vec<String> {
    split(engine, text, |engine, entry| {
        // An entry that fails is an entry all the same.
        let _ = engine.eval_line(entry);
    })
}

fn split(engine: &mut Engine, text: &str, run: impl Fn(&mut Engine, &str)) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = text.to_owned();
    loop {
        let (entry, rest) = match engine.next_entry(&left) {
            Entry::Nothing => return found,
            Entry::Open(text) => {
                found.push(format!("{}…", text.trim_end()));
                return found;
            }
            Entry::Exit => {
                found.push("exit".into());
                return found;
            }
            Entry::Whole { text, rest } => (text.to_owned(), rest.to_owned()),
        };
        run(engine, &entry);
        found.push(entry);
        left = rest;
    }
}

#[test]
fn a_pasted_text_falls_into_its_entries() {
    let mut engine = engine();
    let text = "\u{feff}$uses = @('Default',\r\n  'Other')\r\n\r\n# each of them\r\nforeach ($u in $uses) {\r\n\r\n    \
                Write-Output $u\r\n}\r\nGet-Date |\r\n  Out-Null\r\nGet-Date\r\n  | Out-Null\r\nWrite-Output `\r\n  a\r\n";
    assert_eq!(
        entries(&mut engine, text),
        [
            "$uses = @('Default',\r\n  'Other')",
            "# each of them\r\nforeach ($u in $uses) {\r\n\r\n    Write-Output $u\r\n}",
            "Get-Date |\r\n  Out-Null",
            "Get-Date\r\n  | Out-Null",
            "Write-Output `\r\n  a",
        ]
    );
    let text = "if 1 == 1 {\n  1\n}\nelse {\n  2\n}\nlet s = \"a\"\n  .len()\n  + 1;\ntry { 1 }\ncatch { 2 }\n";
    assert_eq!(
        entries(&mut engine, text),
        ["if 1 == 1 {\n  1\n}\nelse {\n  2\n}", "let s = \"a\"\n  .len()\n  + 1;", "try { 1 }\ncatch { 2 }"]
    );
    assert_eq!(entries(&mut engine, "1\n2; 3\n\n\n"), ["1", "2; 3"]);
    assert_eq!(entries(&mut engine, "\n # only\n\n"), Vec::<String>::new());
    assert_eq!(entries(&mut engine, "1\nfn f(x) {\n"), ["1", "fn f(x) {…"]);
    assert_eq!(entries(&mut engine, "1\nEXIT\n2"), ["1", "exit"]);
}

#[test]
fn a_fault_inside_of_a_block_does_not_cut_it() {
    let mut engine = engine();
    let text = "if true {\n  Get-Date -Foo 1\n  1\n}\n2\n";
    assert_eq!(entries(&mut engine, text), ["if true {\n  Get-Date -Foo 1\n  1\n}", "2"]);
    // Typed, a line that is wrong is said to be so at once.
    let typed = "if true {\n  Get-Date -Foo 1\n";
    assert!(matches!(engine.next_entry(typed), Entry::Whole { .. }));
}

#[test]
fn nothing_of_a_text_is_lost_or_twice() {
    let text = include_str!("../../../../scripts/configure-web-services.rhai");
    let body = text.split_once(");").map_or(text, |(_, body)| body);
    let found = split(&mut engine(), body, |_, _| {});
    let together: String = found.concat().chars().filter(|c| !c.is_whitespace() && *c != '…').collect();
    let mut whole: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    // A comment after the last entry is nothing to run.
    if !whole.ends_with(&together) {
        whole.truncate(together.len());
    }
    assert_eq!(together, whole);
}

#[test]
fn imports_functions_variables_and_closures_last() {
    let mut desk = Desk::contoso();
    let engine = &mut desk.engine;
    for line in ["import \"certs\" as certs;", "fn twice(x) { x * 2 }", "let f = |x| x + 1;", "$y = 20"] {
        engine.eval_line(line).unwrap();
    }
    let outcome = engine.eval_line("twice(f.call($y))").unwrap();
    assert_eq!(outcome.last.display(&crate::model::Zone::utc()), "42");
    let known = engine.eval_line("certs::is_combined([\"Default\"])").unwrap().last;
    assert_eq!(known.display(&crate::model::Zone::utc()), "True");
    // A function of a later entry sees what an earlier one has imported.
    engine.eval_line("fn combined(uses) { certs::is_combined(uses) }").unwrap();
    engine.eval_line("combined([\"Default\"])").unwrap();
    // A fresh run does not.
    assert!(engine.eval("certs::is_combined([\"Default\"])").is_err());
    // Importing again and again does not pile up.
    for _ in 0..300 {
        engine.eval_line("import \"certs\" as certs;").unwrap();
    }
}
