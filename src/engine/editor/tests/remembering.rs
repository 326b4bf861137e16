//! What the history keeps.

use crate::engine::Engine;
use crate::session::Session;

#[test]
fn lines_that_may_name_a_secret_are_not_kept() {
    let engine = Engine::new(Session::builder().build());
    for line in [
        "Import-CsCertificate -Path a.pfx -Password hunter2",
        "import-cscertificate -path a.pfx -pass hunter2",
        "Import-CsCertificate -Path a.pfx -Pasword hunter2",
        "Get-Nothing -Passwrod hunter2",
        "Request-CsCertificate -New -CA a\\b -CaPassword hunter2",
        "Request-CsCertificate -New -CaPass hunter2",
        "Set-CsCertificate -Ca hunter2",
        "$password = 'hunter2'",
        "let pfx_password = \"hunter2\";",
        "import_cs_certificate(#{ Password: \"hunter2\" })",
        "@{ CaPassword = 'hunter2' }",
        "$x = ConvertTo-SecureString hunter2 -AsPlainText -Force",
        "convert_to_secure_string(\"hunter2\")",
        "Import-CsCertificate -Path a.pfx `\n  -Password hunter2",
    ] {
        assert!(!engine.may_be_remembered(line), "{line}");
    }
    for line in [
        "Request-CsCertificate -New -Type Default -CA dc01.contoso.net\\contoso-DC01-CA -Verbose",
        "Request-CsCertificate -New `\n  -CA dc01.contoso.net\\contoso-DC01-CA",
        "Get-CATemplate -CA dc01.contoso.net\\contoso-DC01-CA",
        "Import-CsCertificate -Path a.pfx",
        "Get-CsCertificate | Select-Object -Property Use",
        "# the password is on the note",
    ] {
        assert!(engine.may_be_remembered(line), "{line}");
    }
}

#[test]
fn the_session_lists_what_was_run() {
    let mut engine = Engine::new(Session::builder().build());
    engine.eval_line("1 + 1").unwrap();
    engine.eval_line("$password = 'hunter2'").unwrap();
    engine.eval_line("throw 'no'").unwrap_err();
    let history = engine.history();
    let lines: Vec<(&str, bool)> = history.iter().map(|entry| (&*entry.line, entry.completed)).collect();
    assert_eq!(lines, [("1 + 1", true), ("throw 'no'", false)]);
    let listed = engine.eval_line("Get-History | % CommandLine").unwrap().objects;
    assert_eq!(
        listed.iter().map(|v| v.display(&crate::model::Zone::utc())).collect::<Vec<_>>(),
        ["1 + 1", "throw 'no'"]
    );
    let last = engine.eval_line("(Get-History -Count 1).ExecutionStatus").unwrap().last;
    assert_eq!(last.display(&crate::model::Zone::utc()), "Completed");
    assert_eq!(engine.eval_line("Get-History -Id 99").unwrap().exit.code(), 1);
    // A script has none.
    assert!(Engine::new(Session::builder().build()).eval("Get-History").unwrap().objects.is_empty());
}
