//! The verbs that look at, compare, convert and keep objects.

use super::world::{World, out};
use crate::command::Stream;
use crate::engine::Limits;
use crate::error::ErrorId;

#[test]
fn a_kind_is_shown_once_with_its_hidden_properties() {
    let names = out("Get-CsCertificate | gm -MemberType Property | % Name");
    assert_eq!(names, ["Issuer", "NotAfter", "AlternativeNames", "Thumbprint", "Use", "Type"]);
    assert_eq!(out("Get-CsCertificate | gm NotAfter | % Definition"), ["DateTime NotAfter {get;}"]);
    assert_eq!(out("@(1, 'a', 2, 'b') | Get-Member ToString | % TypeName"), ["Int64", "String"]);
    assert_eq!(out("Get-Member -InputObject @(1, 2) -Type Properties | % Name"), ["Count", "Length"]);
    assert_eq!(out("Get-CsCertificate | select Use | gm | select -First 1 | % TypeName"), ["Selected.CertificateReference"]);
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
    assert_eq!(out("$all = 7\n1..=3 | tee -Variable all | % { $_ * 2 }\nWrite-Output $all"), ["2", "4", "6", "1", "2", "3"]);
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
    assert_eq!(out(&format!("{text} | ConvertFrom-Json | ConvertTo-Json -Compress")), [
        r#"{"b":1,"a":{"x":[1,2.5,null,true]},"when":"2026-12-31T18:00:00Z"}"#
    ]);
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
    assert_eq!(out("@('Name,Port', '\"a, b\",443', 'c') | ConvertFrom-Csv | % { \"$($_.name)|$($_.Port)\" }"), ["a, b|443", "c|"]);
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
    assert_eq!(world.out(&format!("@('{shown}', '{shown}') | Import-Csv | % Name")), ["pool01", "pool\n02", "pool01", "pool\n02"]);
    assert_eq!(world.out(&format!("Import-Csv {shown} -Header a,b | select -First 1 | % b")), ["Port"]);
    assert_eq!(world.fails("Import-Csv").id(), ErrorId::MissingMandatoryParameter);
    std::fs::write(&path, b"a\n\xff\xfe").unwrap();
    assert_eq!(world.fails(&format!("Import-Csv {shown}")).id(), ErrorId::CannotConvertArgument);
}
