//! The lines that must work.

use super::world::{OLD, World, fails, out};
use crate::command::Stream;
use crate::error::ErrorId;

#[test]
fn the_commands_of_the_manual() {
    let world = World::new();
    assert_eq!(world.out("Get-CsCertificate | % Use"), ["Default", "WebServicesInternal", "WebServicesExternal"]);
    let line = "Request-CsCertificate -New -Type Default,WebServicesInternal,WebServicesExternal -CA dc01.contoso.net\\contoso-DC01-CA -Verbose -DomainName \"LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com\"";
    assert_eq!(
        world.out(line),
        ["ByNew dc01.contoso.net\\contoso-DC01-CA [LyncdiscoverInternal.Contoso.com|Lyncdiscover.Contoso.com]"]
    );
    assert_eq!(world.ear.texts(Stream::Verbose), ["asked"]);
    let line = format!("Set-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal -Thumbprint {OLD}");
    assert_eq!(world.run(&line).objects.len(), 3);
}

#[test]
fn placeholders_of_the_manual_are_named() {
    let error = fails(
        "Request-CsCertificate -New -Type Default -CA <CA Server FQDN\\CA Instance> -Verbose -DomainName \"<FQDN entries to be added to the Subject Alternative Name>\"",
    );
    assert_eq!(error.id(), ErrorId::PlaceholderNotReplaced);
    assert!(error.message().contains("<CA Server FQDN\\CA Instance>"), "{}", error.message());
    assert_eq!(error.exit().code(), 2);
    let error = fails("$t = '<Thumbprint of certificate to use>'\nSet-CsCertificate -Type Default -Thumbprint $t");
    assert_eq!(error.id(), ErrorId::PlaceholderNotReplaced);
    assert_eq!((error.exit().code(), error.position().unwrap().line), (1, 2));
}

#[test]
fn names_in_any_case_prefixes_and_aliases() {
    assert_eq!(out("get-cscertificate -ty Default | % { $_.Type }"), ["Default"]);
    assert_eq!(
        out("GET-TLSCERTIFICATE -TYPE default,webservicesinternal | % { $_.use }"),
        ["Default", "WebServicesInternal"]
    );
    assert_eq!(out("Get-CsCertificate | select Use, Thumbprint -First 1 | % Use"), ["Default"]);
    assert_eq!(
        out("Set-CsCertificate -Type Default -Th 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D -E 2026-12-31 | % Use"),
        ["Default"]
    );
    assert_eq!(out("Request-CsCertificate -New -Type Default -P $true -Ca x\\y"), ["ByNew x\\y []"]);
}

#[test]
fn values_of_commands_in_expressions() {
    assert_eq!(
        out(&format!(
            "if (Get-CsCertificate -Type Default).Thumbprint == \"{OLD}\" {{ \"same\" }} else {{ \"other\" }}"
        )),
        ["same"]
    );
    assert_eq!(out("for c in Get-CsCertificate | Sort-Object NotAfter { Write-Output c.Use }").len(), 3);
    assert_eq!(
        out(
            "let c = Get-CsCertificate -Type Default; Set-CsCertificate -Type Default -Thumbprint $c.Thumbprint | % Use"
        ),
        ["Default"]
    );
    assert_eq!(
        out(
            "let c = Get-CsCertificate -Type Default; Set-CsCertificate -Type Default -Thumbprint (c.Thumbprint) | % Use"
        ),
        ["Default"]
    );
    assert_eq!(
        out(
            "let c = Get-CsCertificate -Type Default; Set-CsCertificate -Type Default -Thumbprint ${c.Thumbprint} | % Use"
        ),
        ["Default"]
    );
    assert_eq!(out("`c=${(Get-CsCertificate -Type Default).Use} ${`in ${Get-X -Path p}`}`"), ["c=Default in Path=p"]);
    assert_eq!(out("\"Get-CsCertificate -Type A\""), ["Get-CsCertificate -Type A"]);
    assert_eq!(out("/* Get-X /* nested */ */ 5"), ["5"]);
    assert_eq!(out("#\"Get-X \"quoted\"\"#"), ["Get-X \"quoted\""]);
}

#[test]
fn commands_wherever_a_value_stands() {
    assert_eq!(out("fn f(a, b) { `${a} ${b}` } f(Get-X -Type A,B, 2)"), ["Type=A B 2"]);
    assert_eq!(out("let m = #{ a: Get-X -Path 1 }; m.a"), ["Path=1"]);
    assert_eq!(out("let m = [Get-X -Path 1, Get-X -Path 2]; m[1]"), ["Path=2"]);
    assert_eq!(out("let f = || Get-X -Path q; f.call()"), ["Path=q"]);
    assert_eq!(out("fn f() { return Get-X -Path r; } f()"), ["Path=r"]);
    assert_eq!(out("fn f() { Get-X -Path last } f()"), ["Path=last"]);
    assert_eq!(out("switch 1 { 1 => Get-X -Path s, _ => 0 }"), ["Path=s"]);
    assert_eq!(out("let y = true; if y && (Get-X -Path t) == \"Path=t\" { 1 } else { 2 }"), ["1"]);
    assert_eq!(out("if !(Get-CsCertificate -Type OAuthTokenIssuer) { 1 } else { 2 }"), ["1"]);
    assert_eq!(out("let n = 0; while (Get-Many 2).len() == 2 && n < 2 { n += 1; } n"), ["2"]);
    assert_eq!(out("try { Get-X -Path tried } catch { 0 }"), ["Path=tried"]);
    assert_eq!(out("let x = 5; x | ForEach-Object |v| v * 2"), ["10"]);
    assert_eq!(
        out("let p = 7; Get-X -Path C:\\x\\$p.pem -Filter \"$p`t $($p + 1)\""),
        ["Path=C:\\x\\7.pem;Filter=7\t 8"]
    );
    assert_eq!(out("Get-X -Type [a-z]*"), ["Type=[a-z]*"]);
    assert_eq!(out("Get-X -Type @(\"A\",\"B\")"), ["Type=A B"]);
    assert_eq!(out("Get-X -Type (\"A\",\"B\")"), ["Type=A B"]);
}

#[test]
fn files_of_other_systems() {
    assert_eq!(out("\u{feff}Get-X -Path a\r\nGet-X -Path é\r\n"), ["Path=a", "Path=é"]);
    assert_eq!(out("Get-X `\n  -Path a `\n  -Flag"), ["Path=a;Flag=True"]);
    let error = fails("Get-X ` \n -Path a");
    assert_eq!((error.id(), error.exit().code()), (ErrorId::ParseError, 2));
    assert_eq!(error.position().unwrap().line, 1);
    assert_eq!(out("Get-X \u{2013}Path \u{201c}a b\u{201d}"), ["Path=a b"]);
}

#[test]
fn powershell_in_a_runbook() {
    let text = "\
$uses = @('Default', 'WebServicesInternal')
foreach ($u in $uses) {
    $c = Get-CsCertificate -Type $u
    if ($c.Thumbprint -eq '466d9bb0e8b928b65af38fa2d9f41e1b301ece9d') {
        Write-Output \"$u is $($c.Use)\"
    } else {
        Write-Output 'different'
    }
}
$when = (Get-Date).AddDays(30)
Write-Output $when
Write-Output \"$(1 + 1) $true $null.\"
";
    assert_eq!(
        out(text),
        ["Default is Default", "WebServicesInternal is WebServicesInternal", "12/23/2026 8:50:00 PM", "2 True ."]
    );
}

#[test]
fn dates_compare_with_text() {
    assert_eq!(out("Get-CsCertificate | Where-Object {$_.NotAfter -lt \"9/1/2018\"}").len(), 0);
    assert_eq!(out("Get-CsCertificate | Where-Object {$_.NotAfter -gt \"9/1/2018\"}").len(), 3);
    assert_eq!(out("Get-CsCertificate | Where-Object |c| c.NotAfter > \"9/1/2018\"").len(), 3);
    assert_eq!(out("let c = Get-CsCertificate -Type Default; (c.NotAfter - (Get-Date)).Days"), ["37"]);
    assert_eq!(out("(Get-Date).Date < (Get-Date) && (Get-Date).Year == 2026"), ["True"]);
    assert_eq!(fails("Get-CsCertificate | ? { $_.NotAfter -lt 'soon' }").id(), ErrorId::InvalidDate);
}
