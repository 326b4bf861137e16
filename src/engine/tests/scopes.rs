//! `$?`, `Get-Variable`, and what an error tells of itself.

use super::world::{World, fails, out};
use crate::command::Stream;
use crate::error::ErrorId;

#[test]
fn the_last_pipeline_went_well_or_not() {
    assert_eq!(out("Get-X -Path a | Out-Null\n$?"), ["True"]);
    assert_eq!(out("Test-Failure -Reported -ErrorAction SilentlyContinue | Out-Null\n$?"), ["False"]);
    assert_eq!(out("Test-Failure -Reported -ErrorAction Ignore | Out-Null\n$?"), ["False"]);
    assert_eq!(out("try { Test-Failure } catch { }\n$?"), ["False"]);
    assert_eq!(out("try { Test-Failure } catch { }\nGet-X | Out-Null\nif ($?) { 'well' } else { 'not' }"), ["well"]);
    assert_eq!(out("Get-X | Out-Null; Write-Output \"it is $?\" -ErrorAction Stop"), ["it is True"]);
}

#[test]
fn variables_are_shown_where_they_stand() {
    assert_eq!(
        out("$pool = 'pool01'; let count = 2; Get-Variable pool, COUNT | % { \"$($_.Name)=$($_.Value)\" }"),
        ["pool=pool01", "count=2"]
    );
    assert_eq!(out("let a = 1; { let a = 2; Get-Variable a -ValueOnly }"), ["2"]);
    assert_eq!(
        out("let a = 1; fn f(x) { Get-Variable a -ErrorAction SilentlyContinue; Get-Variable x -ValueOnly } f(7)"),
        ["7"]
    );
    assert_eq!(out("gv *Preference | measure | % Count"), ["8"]);
    assert_eq!(out("1..=2 | % { $b = $_ * 10; Get-Variable b -ValueOnly }"), ["10", "20"]);
    assert_eq!(out("get_variable('WhatIfPreference').Value"), ["False"]);
    let world = World::new();
    assert!(world.out("$pool = 1; Get-Variable poool").is_empty());
    assert_eq!(world.ear.errors()[0].id(), ErrorId::PathNotFound);
    assert!(world.ear.errors()[0].hints().iter().any(|h| h.contains("`pool`")));
    assert_eq!(fails("1 | Get-Variable").id(), ErrorId::InputObjectNotBound);
    assert_eq!(fails("let a = __scope;").exit().code(), 2);
    let text = out("$s = ConvertTo-SecureString hunter2 -AsPlainText -Force; Get-Variable s | Out-String");
    assert!(!text[0].contains("hunter2"), "{text:?}");
}

#[test]
fn what_a_caught_error_tells() {
    let text = "try {\n  Set-CsCertificate -Type Default -Thumbprint 00 -ErrorAction Stop\n} catch {\n";
    let of = |expression: &str| out(&format!("{text}  Write-Output {expression}\n}}"));
    assert_eq!(of("$_.FullyQualifiedErrorId"), ["InvalidThumbprint,Set-CsCertificate"]);
    assert_eq!(of("$_.CategoryInfo.Category"), ["InvalidArgument"]);
    assert_eq!(of("$_.CategoryInfo.TargetName"), ["00"]);
    assert_eq!(of("$_.TargetObject"), ["00"]);
    assert_eq!(of("$_.Exception.Message"), ["this is no thumbprint"]);
    assert_eq!(of("$_.id"), ["InvalidThumbprint"]);
    assert_eq!(of("$_.hints.Count"), ["1"]);
    assert_eq!(of("$_.InvocationInfo.MyCommand"), ["Set-CsCertificate"]);
    assert_eq!(of("$_.InvocationInfo.ScriptLineNumber"), ["2"]);
    assert_eq!(of("$Error[0].InvocationInfo.OffsetInLine"), ["3"]);
}

#[test]
fn what_a_developer_says_is_shown_when_asked_for() {
    let world = World::new();
    world.run("Write-Debug one; Write-Debug two -Debug; $DebugPreference = 'Continue'; Write-Debug three");
    assert_eq!(world.ear.texts(Stream::Debug), ["two", "three"]);
}

#[test]
fn what_operators_type_every_day() {
    assert_eq!(out("1,2,3 | ForEach-Object { $_ * 2 }"), ["2", "4", "6"]);
    assert_eq!(
        out("foreach ($c in Get-CsCertificate) { \"$($c.Use): $(1 + 1)\" }"),
        ["Default: 2", "WebServicesInternal: 2", "WebServicesExternal: 2"]
    );
    assert_eq!(out("if (-not (Get-CsCertificate -Type OAuthTokenIssuer)) { 'none' }"), ["none"]);
    assert_eq!(out("if ((Get-CsCertificate).Count -eq 3 -and (Get-Date).Year -gt 2020) { 'both' }"), ["both"]);
    assert_eq!(out("Write-Output a b c"), ["a", "b", "c"]);
    assert_eq!(out("echo one 'two three' 4"), ["one", "two three", "4"]);
    let world = World::new();
    world.run("Write-Host 'a' \"b\" -ForegroundColor Green; Write-Host x,y z -Separator ';'");
    assert_eq!(world.ear.texts(Stream::Host), ["a b", "x;y;z"]);
    assert_eq!(out("$t = 'x'\n\"is $t\"\nWrite-Output after"), ["is x", "after"]);
    assert_eq!(out("try { throw 'bad' } catch { \"caught $_\" }"), ["caught bad"]);
    assert!(fails("let m = #{ a: 1 }; m.Keys").hints().iter().any(|h| h.contains("keys()")));
    assert_eq!(out("$x = 1,2 | Out-Host; Get-X -Path ($x ?? 'none')"), ["1", "2", "Path=none"]);
    assert_eq!(out("Get-CsCertificate | % Use | more"), ["Default", "WebServicesInternal", "WebServicesExternal"]);
    let error = fails("Read-Host Name");
    assert!(error.id() == ErrorId::NonInteractivePrompt && error.hints().iter().any(|h| h.contains("NAME=VALUE")));
    assert_eq!(out("$a = 1..5; $a.Count; $a[-1]; $a[1]"), ["5", "5", "2"]);
    assert_eq!(
        out(
            "try { Test-Failure } catch { }; $Error.Clear(); $Error.Count; try { Test-Failure NotAssigned } catch { }; $Error.Count; $Error[0].id"
        ),
        ["0", "1", "NotAssigned"]
    );
    assert!(fails("[pscustomobject]@{ a = 1 }").hints().iter().any(|h| h.contains("@{")));
    assert_eq!(out("(Get-CsCertificate -Type Default).AlternativeNames -join ','").len(), 1);
    assert_eq!(
        out("Get-CsCertificate | ? { $_.AlternativeNames -contains 'SIP.contoso.com' } | measure | % Count"),
        ["3"]
    );
    assert_eq!(out("$i = 0; while ($i -lt 3) { $i++; $i }"), ["1", "2", "3"]);
}

/// The place of an error, and of each call around it.
fn places(text: &str) -> Vec<String> {
    let world = World::new();
    let error = world.fails(text);
    let own = error.position().map(|p| format!("{}:{}+{}", p.line, p.column, p.width));
    let frames = world.engine.failure().unwrap().frames;
    own.into_iter()
        .chain(
            frames.iter().map(|f| format!("{} {}:{}+{}", f.what, f.position.line, f.position.column, f.position.width)),
        )
        .collect()
}

#[test]
fn an_error_in_a_script_block_names_the_stage() {
    assert_eq!(
        places("Get-CsCertificate |\n  select Use | ? { $_.Nope -eq 1 }"),
        ["2:23+4", "the script block of `Where-Object` 2:16+1"]
    );
    assert_eq!(places("1..3 | sort { $_ } | % { foo($_) }"), ["1:26+3", "the script block of `ForEach-Object` 1:22+1"]);
    assert_eq!(
        places("Get-CsCertificate | select @{n='Days';e={ $_.Nope }}"),
        ["1:46+4", "the script block of `Select-Object` 1:21+6"]
    );
    assert_eq!(
        places("Get-CsCertificate | % { Set-CsCertificate -Type Default -Thumbprint 00 }"),
        ["1:25+17", "the script block of `ForEach-Object` 1:21+1"]
    );
}

#[test]
fn the_marks_stand_under_the_very_word() {
    for (text, place) in [
        ("let a = 1;\n$a + $b", "2:6+2"),
        ("foo(1)", "1:1+3"),
        ("(Get-CsCertificate -Type Default).Thumprint", "1:35+9"),
        ("$c = Get-CsCertificate -Type Default\nWrite-Output $c.Nope", "2:17+4"),
        ("(Get-Date).Yeer", "1:12+4"),
    ] {
        assert_eq!(places(text)[0], place, "{text}");
    }
}
