//! What holds for every verb of the language: common parameters, help, refusals, diagnostics.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use certlet::command::{Expect, Impact, Spec, Value};
use certlet::model::Zone;
use certlet::{Engine, ErrorId, Session};

use crate::common::Shell;
use crate::world::{World, said, text};

/// The common parameters as operators type them: name, alias, a value where one is needed.
const COMMON: [(&str, &str, &str); 11] = [
    ("Verbose", "vb", ""),
    ("Debug", "db", ""),
    ("ErrorAction", "ea", "SilentlyContinue"),
    ("WarningAction", "wa", "Continue"),
    ("InformationAction", "infa", "Continue"),
    ("ErrorVariable", "ev", "errors"),
    ("WarningVariable", "wv", "+warnings"),
    ("InformationVariable", "iv", "told"),
    ("OutVariable", "ov", "objects"),
    ("OutBuffer", "ob", "5"),
    ("PipelineVariable", "pv", "one"),
];
const RISK: [(&str, &str); 2] = [("WhatIf", "wi"), ("Confirm", "cf")];

fn engine() -> Engine {
    Engine::new(Session::builder().build())
}

/// The faults of a line that are not about what it lacks.
fn faults(engine: &Engine, line: &str) -> Vec<String> {
    let errors = engine.check(line, None).err().unwrap_or_default();
    let lacks = |id| matches!(id, ErrorId::MissingMandatoryParameter | ErrorId::AmbiguousParameterSet);
    errors.iter().filter(|e| !lacks(e.id())).map(|e| format!("{line}: {e}")).collect()
}

#[test]
fn every_verb_takes_every_common_parameter() {
    let engine = engine();
    let mut wrong = Vec::new();
    for verb in engine.registry().verbs() {
        let (name, changes) = (verb.spec.name, verb.spec.changes != Impact::Reads);
        for (parameter, alias, value) in COMMON {
            wrong.extend(faults(&engine, &format!("{name} -{parameter} {value}")));
            wrong.extend(faults(&engine, &format!("{name} -{} {value}", alias.to_uppercase())));
            let twice = faults(&engine, &format!("{name} -{parameter} {value} -{alias} {value}"));
            if twice.len() != 1 {
                wrong.push(format!("{name} -{parameter} twice: {twice:?}"));
            }
        }
        for (parameter, alias) in RISK {
            for word in [parameter, alias] {
                let found = faults(&engine, &format!("{name} -{word}:$false"));
                if found.is_empty() != changes {
                    wrong.push(format!("{name} -{word}, which changes: {changes}: {found:?}"));
                }
            }
        }
        if faults(&engine, &format!("{name} -ErrorAction Sometimes")).len() != 1 {
            wrong.push(format!("{name} takes any -ErrorAction"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The examples that are a single command of their verb.
fn single(spec: &'static Spec) -> impl Iterator<Item = (&'static str, Expect)> {
    let own = |line: &&str| {
        spec.names().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
    };
    let plain = |line: &str| !line.contains(['|', ';', '\n', '`']) && !line.contains(" #");
    spec.examples.iter().map(|e| (e.line, e.expect)).filter(move |(line, _)| own(line) && plain(line))
}

/// Verbs whose objects only the screen sees.
const FOR_THE_SCREEN: [&str; 2] = ["Format-List", "Format-Table"];

#[test]
fn out_variable_and_error_variable_hold_for_every_verb() {
    let (engine, world) = (engine(), World::new());
    let (mut script, mut wanted): (Vec<String>, _) = (Vec::new(), Vec::new());
    for verb in engine.registry().verbs().iter().filter(|v| !FOR_THE_SCREEN.contains(&v.spec.name)) {
        for (line, expect) in single(verb.spec) {
            let number = wanted.len();
            match expect {
                Expect::Emits(count) => {
                    script.push(format!(
                        "try {{ {line} -OutVariable o{number} | Out-Null }} catch {{ Write-Host $_.message }}\nWrite-Output \"{number} $($o{number}.Count)\""
                    ));
                    wanted.push((line, format!("{number} {count}")));
                }
                Expect::Fails(id)
                    if engine.check(line, None).is_ok()
                        && !line.contains("-ErrorAction")
                        && id != ErrorId::CannotConvertArgument =>
                {
                    script.push(format!(
                        "{line} -ErrorAction SilentlyContinue -ErrorVariable e{number} | Out-Null\nWrite-Output \"{number} $($e{number}[0].id) $?\""
                    ));
                    wanted.push((line, format!("{number} {} False", id.name())));
                }
                _ => {}
            }
        }
    }
    assert!(wanted.len() >= 40, "{}", wanted.len());
    let ran = world.run(&script.join("\n"));
    // A proof among them is partial.
    assert!(matches!(ran.code, 0 | 6), "{ran:#?}");
    let got: Vec<String> = ran.objects().iter().filter_map(|o| o.as_str().map(str::to_owned)).collect();
    let wrong: Vec<String> = wanted
        .iter()
        .filter(|(_, wanted)| !got.contains(wanted))
        .map(|(line, wanted)| {
            let number = wanted.split(' ').next().unwrap_or_default();
            format!("{line}: {wanted}, not {:?}", got.iter().find(|g| g.split(' ').next() == Some(number)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), ran.stderr);
}

#[test]
fn what_if_changes_nothing_whatever_the_verb() {
    let engine = engine();
    let lines: Vec<&str> = engine
        .registry()
        .verbs()
        .iter()
        .filter(|verb| verb.spec.changes != Impact::Reads)
        .flat_map(|verb| single(verb.spec).filter(|(_, expect)| matches!(expect, Expect::Changes(_))))
        .map(|(line, _)| line)
        .filter(|line| !line.contains("-WhatIf"))
        .collect();
    assert!(lines.len() >= 4, "{lines:?}");
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let world = World::new();
                    let before = world.facts();
                    let ran = world.run(&format!("{line} -WhatIf"));
                    let told = said(&ran, "whatif").len();
                    if ran.code != 0 || told == 0 || world.facts() != before {
                        wrong.lock().unwrap().push(format!("{line}: {ran:#?}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a line shows.
fn shown(engine: &Engine, line: &str) -> String {
    let outcome = engine.eval(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    outcome.objects.iter().map(|v| v.property("Text").unwrap_or_default().display(&Zone::utc())).collect()
}

/// Whether these headings stand in a page, in this order.
fn has_sections(page: &str, headings: &[&str]) -> bool {
    let places: Vec<Option<usize>> = headings.iter().map(|h| page.lines().position(|line| line == *h)).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[test]
fn every_verb_has_all_its_help() {
    let engine = engine();
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    for verb in engine.registry().verbs() {
        let spec = verb.spec;
        let name = spec.name;
        let short = shown(&engine, &format!("Get-Help {name}"));
        check(has_sections(&short, &["NAME", "SYNOPSIS", "SYNTAX", "REMARKS"]), format!("{name}: {short}"));
        check(shown(&engine, &format!("{name} -?")) == short, format!("{name} -?"));
        let full = shown(&engine, &format!("Get-Help {name} -Full"));
        check(
            has_sections(
                &full,
                &["NAME", "SYNOPSIS", "SYNTAX", "PARAMETERS", "INPUTS", "OUTPUTS", "NOTES", "EXAMPLES", "REMARKS"],
            ),
            format!("{name} -Full: {full}"),
        );
        for fact in ["Required?", "Position?", "Default value", "Accept pipeline input?", "Accept wildcard characters?"]
        {
            check(full.matches(fact).count() == spec.parameters.len(), format!("{name} -Full: {fact}"));
        }
        let detailed = shown(&engine, &format!("Get-Help {name} -Detailed"));
        check(detailed.contains("PARAMETERS") && !detailed.contains("Required?"), format!("{name} -Detailed"));
        let examples = shown(&engine, &format!("Get-Help {name} -Examples"));
        for (index, example) in spec.examples.iter().enumerate() {
            let first = example.line.lines().next().unwrap_or_default();
            check(
                examples.contains(first) && examples.contains(&format!("EXAMPLE {}", index + 1)),
                format!("{name} -Examples: {first}"),
            );
        }
        for parameter in spec.parameters {
            let page = shown(&engine, &format!("Get-Help {name} -Parameter {}", parameter.name));
            check(page.contains(&format!("-{} ", parameter.name)), format!("{name} -Parameter {}", parameter.name));
        }
        let online = shown(&engine, &format!("Get-Help {name} -Online"));
        check(online.contains(&format!("Get-Help {name} -Full")), format!("{name} -Online"));
        let syntax = engine.eval(&format!("Get-Command {name} -Syntax")).unwrap().last.display(&Zone::utc());
        let sets = syntax.lines().filter(|line| line.starts_with(name)).count();
        check(sets == spec.parameter_sets().len(), format!("{name}: {syntax}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn topics_and_lists() {
    let engine = engine();
    for topic in ["command_mode", "functions", "uses", "proof", "sites", "exit_codes", "limits"] {
        let page = shown(&engine, &format!("Get-Help about_{topic}"));
        assert!(page.lines().count() > 15 && page.contains("SEE ALSO"), "{topic}");
    }
    let limits = shown(&engine, "Get-Help about_limits");
    for heading in ["THE ENGINE", "MEMORY", "THE LANGUAGE", "PROOFS"] {
        assert!(limits.contains(heading), "{heading}");
    }
    let names = |line: &str| -> Vec<String> {
        let found = engine.eval(line).unwrap().objects;
        found.iter().map(|v| v.property("Name").unwrap_or_default().display(&Zone::utc())).collect()
    };
    assert!(names("Get-Command -Verb Get -Noun CsCertificate") == ["Get-CsCertificate"]);
    assert!(names("gcm -Noun *Object").contains(&"Where-Object".to_owned()));
    assert_eq!(names("help *-TlsName"), ["Compare-TlsName", "Get-TlsName"]);
    assert_eq!(
        names("gcm '?','%',where,select,sort,fl,ft,gm,gcm,echo"),
        ["?", "%", "where", "select", "sort", "fl", "ft", "gm", "gcm", "echo"]
    );
}

#[test]
fn what_is_refused_is_named_with_the_form_to_use() {
    let engine = engine();
    for (text, form) in [
        ("function Foo { 1 }", "fn name(a, b)"),
        ("filter Foo { 1 }", "fn name(a, b)"),
        ("switch ($x) { 'a' { 1 } }", "=>"),
        ("[int]$x = 5", "parse_int"),
        ("$d = [datetime]'2026-01-01'", "Get-Date"),
        ("\"{0}\" -f 5", "$a of $b"),
        ("$x = @\"\nabc\n\"@", "between backticks"),
        ("try { 1 } finally { 2 }", "after the `try"),
        ("trap { 1 }", "try {"),
        ("class Foo { }", "#{"),
        ("& Get-Date", "f(x)"),
        ("Get-Date 2>&1", "-ErrorAction SilentlyContinue"),
        ("Get-Date 2>$null", "-ErrorAction SilentlyContinue"),
        ("Get-Date > out.txt", "Out-File"),
        ("Get-Date >> out.txt", "Out-File"),
        ("for ($i = 0; $i -lt 3; $i++) { }", "for i in"),
        ("$x -is [int]", "type_of"),
        ("$x -as [int]", "converts"),
        ("$true -xor $false", "!="),
        ("$env:PATH", "NAME=VALUE"),
        ("$global:x", "without it"),
        ("try { 1 } catch [System.Exception] { 2 }", "e.id"),
        ("eval(\"1\")", "into the script"),
        ("let __x = 1;", "without the two underscores"),
        ("exit 3", "exit(3)"),
        ("Get-Date == 5", "parentheses"),
    ] {
        let Err(errors) = engine.check(&format!("Write-Host ran\n{text}"), None) else { panic!("{text}") };
        let error = &errors[0];
        assert_eq!(error.id(), ErrorId::ParseError, "{text}: {error}");
        assert_eq!(error.position().map(|p| p.line >= 2), Some(true), "{text}");
        assert!(error.hints().iter().any(|hint| hint.contains(form)), "{text}: {:?}", error.hints());
    }
    // Only the first statement declares parameters.
    let errors = engine.check("param([string]$x)", None).unwrap_err();
    assert!(errors[0].hints().iter().any(|hint| hint.contains("param(#{")), "{errors:?}");
}

#[test]
fn a_secret_is_masked_however_its_parameter_is_typed() {
    for line in [
        "Import-CsCertificate -Path x.pfx -Pasword hunter2",
        "Import-CsCertificate -Path x.pfx -Pass hunter2",
        "Import-CsCertificate -Path x.pfx -Password:hunter2 -Frobnicate",
        "Import-CsCertificate -Passwort 'hunter2' -Path",
        "1 | % { Import-CsCertificate -Password hunter2 -Path x.pfx -Foo }",
        "Request-CsCertificate -New -Type Default -CaAccount a -CaPasword hunter2",
    ] {
        for json in [false, true] {
            let shell = if json { Shell::new().arg("--json") } else { Shell::new() };
            let ran = shell.args(["--no-input", "-c", line]).run();
            assert!(ran.code != 0 && !ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"), "{ran:#?}");
        }
    }
}

#[test]
fn the_place_of_each_fault_is_shown() {
    let text = "Get-Date | Out-Null\nGet-CsCertificate -Foo 1 -ErrorAction Sometimes\n  Sort-Objct x";
    let ran = Shell::new().args(["-c", text]).run().exits(2);
    for (place, marks) in [
        ("line 2, column 19", "|                   ^^^^\n"),
        ("line 2, column 39", "|                                       ^^^^^^^^^\n"),
    ] {
        assert!(ran.stderr.contains(place) && ran.stderr.contains(marks), "{place}: {}", ran.stderr);
    }
    let ran = Shell::new().args(["-c", "1..5 |\n  Where-Object { $_ -gt 2 } |\n  % { $_.Nope }"]).run().exits(1);
    assert!(ran.stderr.contains("in the script block of `ForEach-Object`, line 3, column 3"), "{}", ran.stderr);
    let ran = Shell::new().args(["--json", "-c", "$c = 1\n$c.Nope"]).run().exits(1);
    let error = &ran.messages()[0];
    assert_eq!((&error["line"], &error["id"]), (&2.into(), &"PathNotFound".into()), "{error:#}");
}

#[test]
fn the_way_to_an_error_leads_through_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "pools.rhai",
        "fn renew(pool) {\n  @(pool) | ForEach-Object {\n    Set-CsCertificate -Type Default -Thumbprint $_\n  }\n}\n",
    );
    write(
        "all.rhai",
        "import \"pools\" as pools;\nfn each(names) {\n  for name in names { pools::renew(name); }\n}\neach([\"00\"]);\n",
    );
    let ran = Shell::in_folder(folder.path()).args(["--sample", "run", "all.rhai"]).run().exits(1);
    let places = ["pools.rhai:3:49", "pools.rhai:2:13", "all.rhai:3:30", "all.rhai:5:1"];
    let found: Vec<Option<usize>> = places.iter().map(|place| ran.stderr.find(place)).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{}", ran.stderr);
    assert!(ran.stderr.contains("the script block of `ForEach-Object`") && ran.stderr.contains("the function `renew`"));
    assert!(ran.stderr.contains("[InvalidThumbprint]"));
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let world = World::new();
    let error = world.refuses("Remove-CsCertificate -Type Default", 1, "NonInteractivePrompt");
    assert!(error["hints"].to_string().contains("-Confirm:$false"), "{error:#}");
    let ran = world.run("Remove-CsCertificate -Type Default -Confirm").exits(1);
    assert!(ran.objects().is_empty(), "{ran:#?}");
    let ran = world.run("$ConfirmPreference = 'None'; Remove-CsCertificate -Type Default -WhatIf").exits(0);
    assert!(ran.objects().is_empty() && !said(&ran, "whatif").is_empty(), "{ran:#?}");
    let ran = world
        .run("Write-Error careful\n$ErrorActionPreference = 'Stop'\nWrite-Error enough\nWrite-Output never")
        .exits(1);
    let errors = said(&ran, "error");
    assert_eq!(errors.iter().map(|e| text(e, "message")).collect::<Vec<_>>(), ["careful", "enough"]);
    assert!(ran.objects().is_empty());
}

#[test]
fn an_alias_of_a_verb_that_a_host_adds_works() {
    static OWN: Spec = Spec {
        name: "Get-ChildItemOfMine",
        twin: None,
        aliases: &["gcim"],
        functions: &[],
        synopsis: "List",
        description: "",
        sets: &[],
        parameters: &[],
        input: certlet::command::Input::EachObject,
        emits: None,
        changes: Impact::Reads,
        examples: &[],
        related: &[],
    };
    let verb = certlet::command::Verb::new(&OWN, |cx, _| cx.emit(7));
    let registry = certlet::command::Registry::new([verb]);
    let engine = Engine::builder(Session::builder().build()).registry(registry).build();
    for line in ["gcim", "gcim | % { $_ }", "$x = gcim; $x", "(gcim) + 0"] {
        let last = engine.eval(line).unwrap_or_else(|e| panic!("{line}: {e}")).last;
        assert!(matches!(last, Value::Int(7)), "{line}: {last:?}");
    }
    assert!(matches!(engine.eval("let gcim = 5; gcim").unwrap().last, Value::Int(5)));
}
