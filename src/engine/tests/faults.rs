//! Errors, preferences, exit codes, traces.

use super::world::{World, fails, out};
use crate::command::Stream;
use crate::error::{ErrorId, ExitCode};

#[test]
fn an_error_ends_the_script_unless_caught() {
    let world = World::new();
    let error = world.fails("Write-Host one\nTest-Failure InvalidThumbprint\nWrite-Host two");
    assert_eq!((error.id(), error.exit()), (ErrorId::InvalidThumbprint, ExitCode::Failed));
    assert_eq!(error.verb(), Some("Test-Failure"));
    assert_eq!(error.position().map(|p| (p.line, p.column, p.width)), Some((2, 1, 12)));
    assert_eq!(world.ear.texts(Stream::Host), ["one"]);
    assert_eq!(
        out(
            "try { Set-CsCertificate -Type Default -Thumbprint 00 -ErrorAction Stop } catch { Write-Output $_.FullyQualifiedErrorId }"
        ),
        ["InvalidThumbprint,Set-CsCertificate"]
    );
}

#[test]
fn a_caught_error_tells_everything() {
    let text = "try { Test-Failure NotAssigned } catch (e) { [e.id, e.message, e.category, e.target, e.FullyQualifiedErrorId, e.Exception.Message, e.line, e.column, e.CategoryInfo.Activity, e.hints.len()] | Write-Output }";
    assert_eq!(
        out(text),
        [
            "NotAssigned",
            "it failed",
            "ObjectNotFound",
            "thing",
            "NotAssigned,Test-Failure",
            "it failed",
            "1",
            "7",
            "Test-Failure",
            "1"
        ]
    );
    assert_eq!(
        out("try { Test-Failure } catch (e) { if e.id == \"CertificateNotFound\" { Write-Output yes } }"),
        ["yes"]
    );
    assert_eq!(fails("try { Test-Failure NotAssigned } catch (e) { throw e; }").id(), ErrorId::NotAssigned);
    assert_eq!(fails("throw \"own words\"").message(), "own words");
    let error = fails("throw #{ id: \"PolicyRefused\", message: \"no\" }");
    assert_eq!((error.id(), error.exit()), (ErrorId::PolicyRefused, ExitCode::Refused));
}

#[test]
fn caught_errors_do_not_count_but_four_always_does() {
    let exit = |text: &str| World::new().run(text).exit.code();
    assert_eq!(exit("try { Test-Failure } catch { }"), 0);
    assert_eq!(exit("try { Test-Failure UndoFailed } catch { }"), 4);
    assert_eq!(exit("Test-Failure -Reported"), 1);
    assert_eq!(exit("Test-Failure -ErrorAction Continue"), 1);
    assert_eq!(exit("Test-Failure -ErrorAction SilentlyContinue"), 0);
    assert_eq!(exit("Test-Failure NotAdministrator -ErrorAction Continue"), 5);
    assert_eq!(exit("Test-Failure -Exit 6; Test-Failure -Reported"), 6);
    assert_eq!(exit("Test-Failure -Exit 3; Test-Failure -Exit 6"), 3);
    assert_eq!(exit("exit(5)"), 5);
    let world = World::new();
    assert_eq!(world.fails("Test-Failure -Exit 6; Test-Failure").exit().code(), 6);
    assert_eq!(world.run("1").exit.code(), 0);
}

#[test]
fn error_action_decides() {
    let world = World::new();
    assert_eq!(world.out("Test-Failure -ErrorAction Continue\nWrite-Output on"), ["on"]);
    assert_eq!(world.ear.errors().len(), 1);
    assert_eq!(world.out("Test-Failure -Reported"), ["after"]);
    assert_eq!(world.ear.errors().len(), 2);
    assert_eq!(world.out("Test-Failure -Reported -ea Ignore"), ["after"]);
    assert_eq!(world.ear.errors().len(), 2);
    assert_eq!(world.fails("Test-Failure -Reported -ErrorAction Stop").id(), ErrorId::CertificateNotFound);
    assert_eq!(
        world.fails("$ErrorActionPreference = 'Stop'\nTest-Failure -Reported").id(),
        ErrorId::CertificateNotFound
    );
    let world = World::new();
    assert_eq!(world.out("$ErrorActionPreference = 'Continue'\nTest-Failure\nWrite-Output on"), ["on"]);
    assert_eq!(world.out("@(1, 2) | Set-CsCertificate -Type Default -ErrorAction SilentlyContinue; 'x'"), ["x"]);
    assert_eq!(World::asked(&["Y"]).out("Test-Failure -ErrorAction Inquire\nWrite-Output on"), ["on"]);
    assert_eq!(
        World::asked(&["H"]).fails("Test-Failure -ErrorAction Inquire\nWrite-Output on").id(),
        ErrorId::CertificateNotFound
    );
}

#[test]
fn the_error_of_a_later_stage_is_not_the_earlier_ones() {
    let error = fails("Get-Many 3 -ErrorAction SilentlyContinue | ForEach-Object { throw \"mine\" }");
    assert_eq!(error.message(), "mine");
    let error = fails("Get-Many 3 -ErrorAction SilentlyContinue | Set-CsCertificate -Type Default");
    assert_eq!(error.id(), ErrorId::InputObjectNotBound);
}

#[test]
fn errors_are_remembered() {
    assert_eq!(out("try { Test-Failure NotAssigned } catch { }\nWrite-Output $Error[0].Id"), ["NotAssigned"]);
    assert_eq!(
        out("Test-Failure -ea SilentlyContinue\nTest-Failure NotAssigned -ea SilentlyContinue\nWrite-Output $Error.Id"),
        ["NotAssigned", "CertificateNotFound"]
    );
}

#[test]
fn preferences_are_heard() {
    let world = World::new();
    world.run(&format!(
        "$VerbosePreference = 'Continue'\nSet-CsCertificate -Type Default -Thumbprint {}",
        super::world::OLD
    ));
    assert_eq!(world.ear.texts(Stream::Verbose), ["assigned to Default"]);
    let line = format!("Set-CsCertificate -Type Default -Thumbprint {}", super::world::OLD);
    let world = World::new();
    assert_eq!(world.out(&format!("$WhatIfPreference = $true\n{line}")), Vec::<String>::new());
    assert_eq!(world.ear.texts(Stream::WhatIf).len(), 1);
    let world = World::new();
    assert_eq!(world.out(&format!("{line} -WhatIf")), Vec::<String>::new());
    assert_eq!(world.out(&format!("{line} -WhatIf:$false | % Use")), ["Default"]);
    let world = World::new();
    world.run("$WarningPreference = 'SilentlyContinue'\nTest-Warning");
    assert!(world.ear.texts(Stream::Warning).is_empty());
    let world = World::new();
    assert_eq!(
        world.out("Test-Warning -WarningVariable w -WarningAction SilentlyContinue\nWrite-Output $w"),
        ["mind the gap"]
    );
    assert!(World::new().fails("Test-Warning -WarningAction Stop").message().contains("mind the gap"));
    assert_eq!(World::with(&[], |b| b.preference("WhatIfPreference", true)).out(&line), Vec::<String>::new());
    assert_eq!(out("fn f() { $VerbosePreference } f()"), ["SilentlyContinue"]);
}

#[test]
fn changes_are_confirmed() {
    let line = format!(
        "Set-CsCertificate -Type Default,WebServicesInternal -Thumbprint {} -Confirm | % Use",
        super::world::OLD
    );
    assert_eq!(World::asked(&["Y", "N"]).out(&line), ["Default"]);
    assert_eq!(World::asked(&["A"]).out(&line), ["Default", "WebServicesInternal"]);
    assert_eq!(World::asked(&["L"]).out(&line), Vec::<String>::new());
    let world = World::asked(&["?", "A"]);
    assert_eq!(world.out(&line).len(), 2);
    // The help is part of the next question, never of the output.
    assert!(world.ear.texts(Stream::Host).is_empty() && world.ear.asked()[1].contains("Skip this step"));
    assert_eq!(fails("Remove-X").id(), ErrorId::NonInteractivePrompt);
    assert_eq!(out("Remove-X -Confirm:$false"), ["True"]);
    assert_eq!(out("Remove-X -Force"), ["True"]);
    assert_eq!(out("$ConfirmPreference = 'None'\nRemove-X"), ["True"]);
    assert_eq!(
        fails(&format!("$ConfirmPreference = 'Medium'\n{}", line.replace(" -Confirm", ""))).id(),
        ErrorId::NonInteractivePrompt
    );
}

#[test]
fn rhais_own_errors_speak_the_same_language() {
    for (text, id, place) in [
        ("let a = 1;\n  nothing + a", ErrorId::ScriptError, (2, 3)),
        ("let a = [1]; a[5]", ErrorId::PathNotFound, (1, 16)),
        ("let m = #{ a: 1 }; m.b", ErrorId::PathNotFound, (1, 22)),
        ("import \"gone\" as g;", ErrorId::FileNotFound, (1, 8)),
        ("Get-X -Path (nothing)", ErrorId::ScriptError, (1, 14)),
    ] {
        let error = fails(text);
        assert_eq!(error.id(), id, "{text}: {}", error.message());
        assert_eq!(error.position().map(|p| (p.line, p.column)), Some(place), "{text}: {}", error.message());
    }
    for (text, id, message, place) in [
        ("nothing", "ScriptError", "there is no variable `nothing`", "2 3"),
        (
            "foo(1, \"a\")",
            "ScriptError",
            "there is no function `foo` for arguments of the types `Int64`, `String`",
            "2 3",
        ),
        ("[1][5]", "PathNotFound", "the list has 1 elements and none at 5", "2 7"),
        ("#{}.x", "PathNotFound", "the map has no entry `x`", "2 7"),
        ("Get-CsCertificate -Type Default | % { nothing }", "ScriptError", "there is no variable `nothing`", "2 41"),
        ("get_date().Yeer", "PathNotFound", "`DateTime` has no property `Yeer`", "2 13"),
    ] {
        let script = format!("try {{\n  {text}\n}} catch (e) {{ Write-Output e.id e.message }}");
        let script = script.replace(
            "Write-Output e.id e.message",
            "Write-Output $e.id, $e.message, \"$($e.line) $($e.column)\", $e.Exception.Message",
        );
        assert_eq!(out(&script), [id, message, place, message], "{text}");
    }
    assert_eq!(out("try { throw 'own' } catch { Write-Output $_.Exception.Message }"), ["own"]);
    assert_eq!(fails("try { nothing } catch (e) { throw e; }").message(), "there is no variable `nothing`");
    assert_eq!(out("try { nothing } catch (e) { Write-Output (e.message.len()) } ").len(), 1);
}

#[test]
fn traces_lead_through_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("certs.rhai"), "// a module\nfn each(block) {\n  1..2 | ForEach-Object { block.call($_) }\n}\nfn fail() {\n  Get-X -Path a | ForEach-Object { Test-Failure NotAssigned }\n}\n").unwrap();
    let script = folder.path().join("main.rhai");
    std::fs::write(&script, "import \"certs\" as certs;\nfn start() {\n  certs::fail();\n}\nstart();\n").unwrap();
    let world = World::new();
    let error = world.engine.run_file(&script, &[]).unwrap_err();
    let place = error.position().unwrap();
    assert_eq!(error.id(), ErrorId::NotAssigned, "{} {place}", error.message());
    assert!(place.file.as_deref().unwrap().ends_with("certs.rhai"), "{place}");
    assert_eq!((place.line, place.column), (6, 36));
    let failure = world.engine.failure().unwrap();
    assert!(failure.text.unwrap().contains("a module"));
    let frames: Vec<(String, u32, bool)> = failure
        .frames
        .iter()
        .map(|f| (f.what.clone(), f.position.line, f.position.file.as_deref().unwrap().ends_with("main.rhai")))
        .collect();
    assert_eq!(
        frames,
        [
            ("the script block of `ForEach-Object`".to_owned(), 6, false),
            ("the function `fail`".to_owned(), 3, true),
            ("the function `start`".to_owned(), 5, true),
        ]
    );

    std::fs::write(&script, "import \"certs\" as certs;\nlet a = 1;\ncerts::each(|x| {\n  a = nothing;\n});\n")
        .unwrap();
    let error = world.engine.run_file(&script, &[]).unwrap_err();
    let place = error.position().unwrap();
    assert!(place.file.as_deref().unwrap().ends_with("main.rhai"), "{place}");
    assert_eq!(place.line, 4);
}
