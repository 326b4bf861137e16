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
    assert_eq!(world.fails("1 | Tee-Object").id(), ErrorId::AmbiguousParameterSet);
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
