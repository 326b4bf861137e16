//! The verbs that look at, compare, convert and keep objects.

use std::time::{Duration, Instant};

use super::world::{World, out};
use crate::command::{Cancel, Stream};
use crate::engine::{Engine, Limits};
use crate::error::ErrorId;
use crate::session::Session;

#[test]
fn a_kind_is_shown_once_with_its_hidden_properties() {
    let names = out("Get-CsCertificate | gm -MemberType Property | % Name");
    assert_eq!(names, ["Issuer", "NotAfter", "AlternativeNames", "Thumbprint", "Use", "Type"]);
    assert_eq!(out("Get-CsCertificate | gm NotAfter | % Definition"), ["DateTime NotAfter {get;}"]);
    assert_eq!(out("@(1, 'a', 2, 'b') | Get-Member ToString | % TypeName"), ["Int64", "String"]);
    assert_eq!(out("Get-Member -InputObject @(1, 2) -Type Properties | % Name"), ["Count", "Length"]);
    assert_eq!(
        out("Get-CsCertificate | select Use | gm | select -First 1 | % TypeName"),
        ["Selected.CertificateReference"]
    );
}

#[test]
fn nothing_to_look_at_is_reported() {
    let world = World::new();
    assert!(world.out("@() | Get-Member").is_empty());
    assert_eq!(world.ear.errors()[0].id(), ErrorId::MissingMandatoryParameter);
    assert_eq!(world.fails("1 | Get-Member -InputObject 2").id(), ErrorId::InputObjectNotBound);
}

#[test]
fn what_passes_is_kept_in_a_variable() {
    assert_eq!(out("1..=3 | Tee-Object -Variable all | Out-Null\n$all.Count"), ["3"]);
    assert_eq!(
        out("$all = 7\n1..=3 | tee -Variable all | % { $_ * 2 }\nWrite-Output $all"),
        ["2", "4", "6", "1", "2", "3"]
    );
    assert_eq!(out("Get-Many 10 | tee -Variable few | select -First 2 | Out-Null\n$few.Count"), ["2"]);
    assert_eq!(out("5 | tee -Variable one | Out-Null\n$one + 1"), ["6"]);
    let world = World::new();
    assert_eq!(world.fails("1 | Tee-Object -Variable 'a b'").id(), ErrorId::ParameterArgumentValidationError);
    assert_eq!(world.fails("1 | Tee-Object -Variable x -FilePath y").id(), ErrorId::AmbiguousParameterSet);
    assert_eq!(world.fails("1 | Tee-Object").id(), ErrorId::MissingMandatoryParameter);
    let small = World::with(&[], |builder| builder.limits(Limits { array_size: 10, ..Limits::default() }));
    assert_eq!(small.fails("Get-Many 100 | tee -Variable x | Out-Null").id(), ErrorId::LimitExceeded);
}

#[test]
fn what_is_written_to_a_file_is_what_the_screen_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/out.txt");
    let shown = path.display();
    let world = World::new();
    let read = || std::fs::read_to_string(&path).unwrap();
    assert!(world.out(&format!("@('a', 'b') | Out-File {shown} -WhatIf")).is_empty());
    assert_eq!(world.ear.texts(Stream::WhatIf).len(), 1);
    assert!(!path.parent().unwrap().exists());
    assert!(world.out(&format!("@('a', 'b') | Out-File {shown}")).is_empty());
    assert_eq!(read(), "a\nb\n");
    assert_eq!(world.fails(&format!("'c' | Out-File {shown} -NoClobber")).id(), ErrorId::FileNotWritable);
    world.run(&format!("'c' | Out-File -FilePath {shown} -Append"));
    assert_eq!(read(), "a\nb\nc\n");
    assert_eq!(world.out(&format!("Get-Many 10 | Tee-Object {shown} -Append | select -First 2")), ["0", "1"]);
    assert_eq!(read(), "a\nb\nc\n0\n1\n");
    world.fails(&format!("Get-Many 3 | tee {shown} | % {{ if $_ == 1 {{ throw 'no' }} }}"));
    world.fails(&format!("Get-Many 3 | % {{ if $_ == 1 {{ throw 'no' }}; $_ }} | Out-File {shown}"));
    assert_eq!(read(), "a\nb\nc\n0\n1\n");
    world.run(&format!("@() | Out-File {shown} -Encoding utf8"));
    assert_eq!(read(), "");
    assert_eq!(world.fails(&format!("1 | Out-File {}", folder.path().display())).id(), ErrorId::FileNotWritable);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    world.run(&format!("Get-CsCertificate | ft Use | Out-File {shown}"));
    assert!(read().lines().any(|l| l.trim() == "WebServicesInternal"), "{}", read());
}

#[test]
fn json_becomes_objects_in_their_order() {
    let text = r#"'{ "b": 1, "a": { "x": [1, 2.5, null, true] }, "when": "2026-12-31T18:00:00Z" }'"#;
    assert_eq!(out(&format!("({text} | ConvertFrom-Json).A.x.Count")), ["4"]);
    assert_eq!(out(&format!("{text} | ConvertFrom-Json | gm -Type Property | % Name")), ["b", "a", "when"]);
    assert_eq!(
        out(&format!("{text} | ConvertFrom-Json | ConvertTo-Json -Compress")),
        [r#"{"b":1,"a":{"x":[1,2.5,null,true]},"when":"2026-12-31T18:00:00Z"}"#]
    );
    assert_eq!(out("@('[1,', '2]') | ConvertFrom-Json | % { $_ + 1 }"), ["2", "3"]);
    assert_eq!(out("(ConvertFrom-Json '[[1, 2], 3]' -NoEnumerate | Measure-Object).Count"), ["1"]);
    assert!(out("'' | ConvertFrom-Json").is_empty());
    let world = World::new();
    assert_eq!(world.fails("'{ \"a\": 1, \"A\": 2 }' | ConvertFrom-Json").id(), ErrorId::CannotConvertArgument);
    assert_eq!(world.fails("5 | ConvertFrom-Json").id(), ErrorId::CannotConvertArgument);
    assert_eq!(world.fails("('{ \"a\": 1 }' | ConvertFrom-Json).b").id(), ErrorId::PathNotFound);
    let deep = format!("'{}{}' | ConvertFrom-Json", "[".repeat(70), "]".repeat(70));
    assert_eq!(world.fails(&deep).id(), ErrorId::LimitExceeded);
    let deeper = format!("'{}' | ConvertFrom-Json", "[".repeat(100_000));
    assert_eq!(world.fails(&deeper).id(), ErrorId::CannotConvertArgument);
}

#[test]
fn csv_becomes_objects() {
    assert_eq!(
        out("@('Name,Port', '\"a, b\",443', 'c') | ConvertFrom-Csv | % { \"$($_.name)|$($_.Port)\" }"),
        ["a, b|443", "c|"]
    );
    assert_eq!(out("@('#TYPE X', 'a;;a1', '1;2;3;4') | ConvertFrom-Csv -Delimiter ';' | % H1"), ["2"]);
    assert_eq!(out("@('1,2') | ConvertFrom-Csv -Header x,y | % Y"), ["2"]);
    assert_eq!(out("ConvertFrom-Csv @('n', '\"two', 'lines\"') | % n"), ["two\nlines"]);
    assert_eq!(out("@('n', '1', '2', '\"open') | ConvertFrom-Csv | select -First 2 | % n"), ["1", "2"]);
    let world = World::new();
    assert_eq!(world.fails("@('a,A', '1,2') | ConvertFrom-Csv").id(), ErrorId::CannotConvertArgument);
    assert_eq!(world.fails("@('a', '\"1') | ConvertFrom-Csv").id(), ErrorId::CannotConvertArgument);
    assert_eq!(world.fails("'a' | ConvertFrom-Csv -Delimiter ab").id(), ErrorId::ParameterArgumentValidationError);
    assert_eq!(world.fails("Get-CsCertificate | ConvertFrom-Csv").id(), ErrorId::CannotConvertArgument);
}

#[test]
fn csv_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    std::fs::write(&path, "\u{feff}Name,Port\r\npool01,443\r\n\"pool\n02\",4443").unwrap();
    let shown = path.display();
    let world = World::new();
    assert_eq!(world.out(&format!("Import-Csv {shown} | % Port")), ["443", "4443"]);
    assert_eq!(
        world.out(&format!("@('{shown}', '{shown}') | Import-Csv | % Name")),
        ["pool01", "pool\n02", "pool01", "pool\n02"]
    );
    assert_eq!(world.out(&format!("Import-Csv {shown} -Header a,b | select -First 1 | % b")), ["Port"]);
    assert_eq!(world.fails("Import-Csv").id(), ErrorId::MissingMandatoryParameter);
    std::fs::write(&path, b"a\n\xff\xfe").unwrap();
    assert_eq!(world.fails(&format!("Import-Csv {shown}")).id(), ErrorId::CannotConvertArgument);
}

#[test]
fn objects_become_csv() {
    assert_eq!(
        out("Get-CsCertificate | select Use, AlternativeNames | ConvertTo-Csv -NTI | select -First 2"),
        ["\"Use\",\"AlternativeNames\"", "\"Default\",\"pool01.contoso.net; fe01.contoso.net; sip.contoso.com\"",]
    );
    assert_eq!(
        out(
            "Get-CsCertificate -Type Default | fl | ConvertTo-Csv -Delimiter ';' | select -First 1 | % { $_.Split(';').Count }"
        ),
        ["5"]
    );
    assert_eq!(out("ConvertTo-Csv @(1, 2)"), ["\"Value\"", "\"1\"", "\"2\""]);
    assert_eq!(
        out("Get-CsCertificate | select Use | ConvertTo-Csv | ConvertFrom-Csv | % Use"),
        ["Default", "WebServicesInternal", "WebServicesExternal"]
    );
    let world = World::new();
    assert_eq!(world.out("Get-Many 1000000 | ConvertTo-Csv | select -First 2"), ["\"Value\"", "\"0\""]);
    assert!(world.made.load(std::sync::atomic::Ordering::SeqCst) < 5);
    assert_eq!(world.fails("1 | ConvertTo-Csv 2").id(), ErrorId::InputObjectNotBound);
}

#[test]
fn csv_files_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uses.csv");
    let shown = path.display();
    let world = World::new();
    let read = || std::fs::read_to_string(&path).unwrap();
    assert!(world.out(&format!("Get-CsCertificate | Export-Csv {shown} -WhatIf")).is_empty());
    assert!(!path.exists() && world.ear.texts(Stream::WhatIf).len() == 1);
    world.run(&format!(
        "Get-CsCertificate -Type Default | select Use, NotAfter | Export-Csv {shown} -NoTypeInformation"
    ));
    assert_eq!(read(), "\"Use\",\"NotAfter\"\n\"Default\",\"12/31/2026 6:00:00 PM\"\n");
    world.run(&format!(
        "Get-CsCertificate -Type WebServicesInternal | select NotAfter, Use | Export-Csv {shown} -Append"
    ));
    assert_eq!(read().lines().nth(2), Some("\"WebServicesInternal\",\"12/31/2026 6:00:00 PM\""));
    let before = read();
    assert_eq!(
        world.fails(&format!("Get-CsCertificate | select Use | Export-Csv {shown} -Append")).id(),
        ErrorId::CannotConvertArgument
    );
    assert_eq!(world.fails(&format!("1 | Export-Csv {shown} -NoClobber")).id(), ErrorId::FileNotWritable);
    assert_eq!(read(), before);
    world.run(&format!(
        "'x' | % {{ Get-CsCertificate -Type Default }} | select Use | Export-Csv {shown} -Append -Force"
    ));
    assert_eq!(read().lines().nth(3), Some("\"Default\","));
    assert_eq!(world.out(&format!("Import-Csv {shown} | % Use")), ["Default", "WebServicesInternal", "Default"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn sets_of_objects_are_compared() {
    let show = |line: &str| out(&format!("{line} | % {{ \"$($_.InputObject)$($_.SideIndicator)\" }}"));
    assert_eq!(show("Compare-Object @('a', 'b') @('B', 'c')"), ["c=>", "a<="]);
    assert_eq!(show("@('b', 'c') | compare @('a', 'b') -IncludeEqual"), ["b==", "c=>", "a<="]);
    assert_eq!(show("Compare-Object a,b B,c -CaseSensitive"), ["B=>", "c=>", "a<=", "b<="]);
    assert_eq!(show("Compare-Object @('a', 'a') @('a')"), ["a<="]);
    assert_eq!(show("Compare-Object @(1, 2) @('2') -ExcludeDifferent"), ["2=="]);
    assert_eq!(show("Compare-Object @() @('a')"), ["a=>"]);
    assert_eq!(show("@() | compare @('a')"), ["a<="]);
    let rows = "$a = @('n,p', 'x,1', 'y,2') | ConvertFrom-Csv\n$b = @('n,p', 'x,1', 'y,3') | ConvertFrom-Csv\n";
    let show = "% { \"$($_.n) $($_.p) $($_.SideIndicator)\" }";
    assert_eq!(out(&format!("{rows}Compare-Object $a $b -Property n, p | {show}")), ["y 3 =>", "y 2 <="]);
    assert_eq!(out(&format!("{rows}(Compare-Object $a $b).Count")), ["2"]);
    assert!(out(&format!("{rows}Compare-Object $a $b -Property n")).is_empty());
    let world = World::new();
    assert_eq!(world.fails("Compare-Object a").id(), ErrorId::MissingMandatoryParameter);
    assert_eq!(world.fails("1 | Compare-Object a b").id(), ErrorId::InputObjectNotBound);
    assert_eq!(world.fails(&format!("{rows}Compare-Object $a $b -Property q")).id(), ErrorId::PathNotFound);
    let small = World::with(&[], |builder| builder.limits(Limits { array_size: 10, ..Limits::default() }));
    assert_eq!(small.fails("Get-Many 100 | Compare-Object 1").id(), ErrorId::LimitExceeded);
}

#[test]
fn lengths_of_time_are_made_and_told() {
    assert_eq!(out("(New-TimeSpan -End 2026-12-31T20:50:00Z).TotalDays"), ["38"]);
    assert_eq!(out("New-TimeSpan 2026-12-31 2026-12-30T23:00:00"), ["-01:00:00"]);
    assert_eq!(out("New-TimeSpan -Days 1 -Hours 25 -Minutes 1 -Seconds 2"), ["2.01:01:02"]);
    assert_eq!(
        out("Get-CsCertificate -Type Default | % NotAfter | New-TimeSpan -End 2027-01-01T18:00:00Z | % Days"),
        ["1"]
    );
    assert_eq!(out("New-TimeSpan"), ["00:00:00"]);
    assert_eq!(World::new().fails("New-TimeSpan -Days 1 -End 2026-12-31").id(), ErrorId::AmbiguousParameterSet);
}

#[test]
fn a_sleep_lasts_and_ends_with_the_run() {
    let run = |line: &str, limit: u64| {
        let cancel = Cancel::after(Duration::from_millis(limit));
        let engine = Engine::builder(Session::builder().build()).cancel(cancel).build();
        let begun = Instant::now();
        (engine.eval(line).map_err(|e| e.id()).err(), begun.elapsed())
    };
    let (error, time) = run("Start-Sleep -Milliseconds 120; Start-Sleep 0.03", 60_000);
    assert!(error.is_none() && time >= Duration::from_millis(150), "{error:?} {time:?}");
    let (error, time) = run("Start-Sleep 60", 200);
    assert!(error == Some(ErrorId::TimedOut) && time < Duration::from_secs(20), "{error:?} {time:?}");
    let world = World::new();
    for line in [
        "Start-Sleep -1",
        "Start-Sleep -Milliseconds:-5",
        "Start-Sleep 1e300",
        "Start-Sleep NaN",
        "Start-Sleep 99999999",
    ] {
        assert_eq!(world.fails(line).id(), ErrorId::ParameterArgumentValidationError, "{line}");
    }
    assert_eq!(world.fails("Start-Sleep soon").id(), ErrorId::CannotConvertArgument);
}

#[test]
fn progress_is_told_on_its_stream() {
    let world = World::new();
    let lines = "Write-Progress Checking -Status pool01 -PercentComplete 50 -SecondsRemaining 9\nWrite-Progress Checking -Completed\n";
    assert!(world.out(lines).is_empty());
    assert_eq!(world.ear.texts(Stream::Progress), ["Checking: pool01 (50 %, 9 s left)"]);
    world.run("$ProgressPreference = 'SilentlyContinue'\nWrite-Progress again");
    assert_eq!(world.ear.texts(Stream::Progress).len(), 1);
    assert_eq!(world.fails("Write-Progress a -PercentComplete 101").id(), ErrorId::ParameterArgumentValidationError);
}

#[test]
fn what_operators_type_after_a_bar_is_known() {
    let line =
        "1..=3 | ? { $_ -gt 1 } | where { $_ -gt 1 } | % { $_ } | sort | tee -Variable t | select -First 1 | measure";
    assert_eq!(out(&format!("({line}).Count")), ["1"]);
    assert_eq!(
        out("(Get-CsCertificate | select @{n='Days';e={5}}, @{l='U';e='Use'} | group U, Days | % Name)[0]"),
        ["Default, 5"]
    );
    assert_eq!(out("Get-CsCertificate | gm Use | % MemberType"), ["Property"]);
    let shown = |line: &str| out(&format!("{line} | Out-String"))[0].clone();
    let table = shown("Get-CsCertificate | ft Thumbprint -GroupBy Use");
    assert!(table.contains("Use: WebServicesInternal") && table.matches("Thumbprint").count() == 3, "{table}");
    assert!(shown("Get-CsCertificate | fl Use, @{n='Days';e={5}}").contains("Days : 5"));
}
