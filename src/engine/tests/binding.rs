//! All that is wrong with a command is told at once, and script blocks wait for the object that they are asked about.

use super::world::{OLD, World, fails, out};
use crate::error::{Error, ErrorId};

/// The faults of a text: id, line and column of each.
fn faults(text: &str) -> Vec<String> {
    let errors = World::new().engine.check(text, None).unwrap_err();
    errors
        .iter()
        .map(|e: &Error| {
            e.position().map_or_else(|| e.id().to_string(), |p| format!("{} {}:{}", e.id(), p.line, p.column))
        })
        .collect()
}

#[test]
fn each_fault_of_a_command_is_told() {
    assert_eq!(
        faults("Get-X -Count many -ErrorAction Sometimes -Flag:$false"),
        ["CannotConvertArgument 1:14", "CannotConvertArgument 1:32"]
    );
    assert_eq!(
        faults("Get-CsCertificate -Foo 1 -Type Defualt -Bar 2"),
        ["NamedParameterNotFound 1:19", "CannotConvertArgument 1:32", "NamedParameterNotFound 1:40"]
    );
    // A value that is wrong is not missing too, and what is missing is told beside it.
    assert_eq!(faults("Request-CsCertificate -New -Type Defualt"), ["CannotConvertArgument 1:34"]);
    assert_eq!(
        faults("Request-CsCertificate -New -PrivateKeyExportable maybe"),
        ["MissingMandatoryParameter 1:1", "CannotConvertArgument 1:50"]
    );
    assert_eq!(
        faults("Request-CsCertificate -New -List\nGet-X -Count many\nGet-CsCertificate -Tpye A"),
        ["AmbiguousParameterSet 1:28", "CannotConvertArgument 2:14", "NamedParameterNotFound 3:19"]
    );
    // A command that the lowering could not read to its end is judged by its named values alone.
    assert_eq!(faults("Get-X -Count many > out.txt"), ["CannotConvertArgument 1:14", "ParseError 1:19"]);
    assert_eq!(
        faults("Get-X -Count 1 -Count 2 stray -Foo"),
        ["ParameterAlreadyBound 1:16", "NamedParameterNotFound 1:31"]
    );
}

#[test]
fn values_of_a_splat_are_told_when_it_runs() {
    let error = fails("$p = @{ Count = 'many' }; Get-X @p");
    assert_eq!((error.id(), error.exit().code()), (ErrorId::CannotConvertArgument, 1));
}

#[test]
fn a_block_gives_the_value_for_each_object() {
    assert_eq!(
        out("Get-CsCertificate | Get-X -Type x -Path { $_.Use.ToLower() } | select -First 2"),
        ["Type=x;Path=default", "Type=x;Path=webservicesinternal"]
    );
    assert_eq!(
        out("@('a', 'b') | Get-X -Path { \"$_.pem\" } -Count 5"),
        ["Path=a.pem;Count=5;Type=a", "Path=b.pem;Count=5;Type=b"]
    );
    let line = format!("@(1) | Set-CsCertificate -Type Default -Thumbprint {{ '{OLD}' }} | % Use");
    assert_eq!(out(&line), ["Default"]);
    assert_eq!(out("$b = { 'x' }; 1 | Get-X -Path $b"), ["Path=x;Type=1"]);
    assert_eq!(fails("1 | Get-X -Path { throw 'mine' }").message(), "mine");
    // What a block gives is converted and checked as a written value is.
    assert_eq!(fails("1 | Set-CsCertificate -Type Default -Thumbprint { 'short' }").id(), ErrorId::InvalidThumbprint);
}

#[test]
fn other_parameters_refuse_a_block() {
    for line in [
        "Get-CsCertificate -Type { 'Default' }",
        "Get-X -Path { 1 }",
        "1 | Get-X -Filter { $_ }",
        "Get-X -Count { 5 }",
        "Get-X -OutVariable { x }",
    ] {
        let error = fails(&format!("Write-Host ran\n{line}"));
        assert_eq!((error.id(), error.exit().code()), (ErrorId::CannotConvertArgument, 2), "{line}");
        assert!(error.hints().iter().any(|h| h.contains("ForEach-Object")), "{line}: {:?}", error.hints());
    }
    // The same in a value of a run.
    assert_eq!(fails("$b = { 1 }; Get-X -Count $b").exit().code(), 1);
}

#[test]
fn a_value_that_its_type_refuses_is_the_commands_own_error() {
    let world = World::new();
    let line = "Set-CsCertificate -Type Default -Thumbprint 00 -EffectiveDate 13/1/2026";
    assert_eq!(
        world.out(&format!("{line} -ErrorAction SilentlyContinue -ErrorVariable e | Out-Null\n$e[0].id; $?; $e.Count")),
        ["InvalidDate", "False", "1"]
    );
    assert!(world.ear.errors().is_empty());
    assert_eq!(world.out(&format!("{line} -ErrorAction Continue | measure | % Count")), ["0"]);
    assert_eq!(world.ear.errors().len(), 1);
    assert_eq!(world.fails(line).id(), ErrorId::InvalidDate);
    assert_eq!(world.out(&format!("try {{ {line} }} catch {{ Write-Output $_.id }}")), ["InvalidDate"]);
    // What the binder itself refuses is not silenced.
    assert_eq!(world.fails("$n = 'many'; Get-X -Count $n -ErrorAction Ignore").id(), ErrorId::CannotConvertArgument);
}

#[test]
fn sets_arrays_and_switches() {
    assert_eq!(out("Get-X -Flag:$true -Type a,b , c"), ["Flag=True;Type=a b c"]);
    assert_eq!(out("$on = $false; Get-X -Flag:$on"), ["Flag=False"]);
    assert_eq!(fails("Get-X -Flag:maybe").id(), ErrorId::CannotConvertArgument);
    assert_eq!(fails("Request-CsCertificate -New:$false -List:$false").id(), ErrorId::AmbiguousParameterSet);
    assert_eq!(out("Request-CsCertificate -New:$false -List"), ["ByList  []"]);
    assert_eq!(
        out("Get-CsCertificate -Type 'Default, WebServicesInternal' | % Use"),
        ["Default", "WebServicesInternal"]
    );
    assert_eq!(out("Get-X -Count '7'"), ["Count=7"]);
    assert_eq!(
        out(&format!("Set-CsCertificate -Type Default -Thumbprint {OLD} -EffectiveDate '12/31/2026 6:00 PM' | % Use")),
        ["Default"]
    );
}

#[test]
fn the_pipeline_gives_by_value_first_and_then_by_name() {
    let record = "('{ \"Path\": \"p1\", \"Other\": 1 }' | ConvertFrom-Json)";
    assert_eq!(out(&format!("{record} | Get-X | % {{ $_ -like '*Type=*' }}")), ["True"]);
    assert_eq!(out(&format!("{record} | Get-X -Type fixed")), ["Type=fixed;Path=p1"]);
    assert_eq!(fails("1 | Get-X -Type fixed").id(), ErrorId::InputObjectNotBound);
}
