//! What may stand at the cursor.

use super::{CA, Desk};
use crate::config::sample::Sample;

#[test]
fn verbs_in_any_case_wherever_a_command_may_begin() {
    let desk = Desk::contoso();
    assert_eq!(desk.completed("get-cscert"), "Get-CsCertificate");
    for text in [
        "let x = get-cscert^",
        "if (get-cscert^",
        "$x = get-cscert^",
        "1; get-cscert^",
        "Get-Website\nget-cscert^",
        "Set-CsCertificate -Thumbprint (get-cscert^)",
        "Get-Website | ForEach-Object { get-cscert^ }",
        "f(1, get-cscert^",
    ] {
        assert_eq!(desk.completed(text), text.replacen("get-cscert^", "Get-CsCertificate", 1), "{text}");
    }
    let offered = desk.offered("Get-Web");
    assert_eq!(offered, ["Get-WebBinding", "Get-Website"]);
    assert!(!desk.said("Get-Web", "Get-Website").is_empty());
    // Twins are verbs too.
    assert_eq!(desk.completed("Set-TlsCert"), "Set-TlsCertificate");
    for text in ["x-get-cscert", "'get-cscert", "# get-cscert", "x.get-cscert", "Get-Website -Name get-cscert"] {
        assert_eq!(desk.offered(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn after_a_bar_only_what_takes_objects() {
    let desk = Desk::contoso();
    let offered = desk.offered("Get-CsCertificate | ");
    assert!(offered.contains(&"Where-Object".to_owned()) && offered.contains(&"Set-CsCertificate".to_owned()));
    assert!(!offered.contains(&"Get-CsCertificate".to_owned()), "{offered:?}");
    assert_eq!(desk.completed("Get-CsCertificate | wher^"), "Get-CsCertificate | Where-Object");
    assert_eq!(desk.completed("Get-CsCertificate |\n  wher^"), "Get-CsCertificate |\n  Where-Object");
}

#[test]
fn parameters_that_may_still_be_given_with_their_types() {
    let desk = Desk::contoso();
    assert_eq!(desk.completed("Set-CsCertificate -thu"), "Set-CsCertificate -Thumbprint");
    let says = desk.said("Set-CsCertificate -", "-Type");
    assert!(says.starts_with("<CertType[]> "), "{says}");
    let says = desk.said("Set-CsCertificate -", "-WhatIf");
    assert!(says.starts_with("switch "), "{says}");
    let offered = desk.offered("Set-CsCertificate -Type Default -");
    assert!(!offered.contains(&"-Type".to_owned()) && offered.contains(&"-Thumbprint".to_owned()), "{offered:?}");
    // `-List` belongs to another set than `-New`.
    let offered = desk.offered("Request-CsCertificate -New -");
    assert!(!offered.contains(&"-List".to_owned()) && offered.contains(&"-CA".to_owned()), "{offered:?}");
    // A dash that a document made of a hyphen.
    assert_eq!(desk.completed("Set-CsCertificate \u{2013}thu"), "Set-CsCertificate -Thumbprint");
    // In a later line of the same command, and in a pipeline's second one.
    assert_eq!(desk.completed("Set-CsCertificate `\n  -thu^"), "Set-CsCertificate `\n  -Thumbprint");
    assert_eq!(desk.completed("Get-CsCertificate | Sort-Object -desc^"), "Get-CsCertificate | Sort-Object -Descending");
    // Without a word both values by position and parameters.
    let offered = desk.offered("Get-Help ");
    assert!(offered.contains(&"Get-CsCertificate".to_owned()) && offered.contains(&"-Full".to_owned()));
}

#[test]
fn values_that_the_session_knows() {
    let desk = Desk::contoso();
    assert_eq!(desk.completed("Get-CsCertificate -Type webservicesi"), "Get-CsCertificate -Type WebServicesInternal");
    let line = "Get-CsCertificate -Type Default,WebServicesInternal,webservices";
    assert_eq!(desk.completed(line), "Get-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal");
    assert_eq!(desk.completed("Get-CsCertificate -Type:def"), "Get-CsCertificate -Type:Default");
    assert!(!desk.said("Get-CsCertificate -Type ", "Default").is_empty());

    let offered = desk.offered("Set-CsCertificate -Type Default -Thumbprint ");
    let [thumbprint] = offered.as_slice() else { panic!("{offered:?}") };
    assert_eq!(thumbprint.len(), 40);
    let says = desk.said("Set-CsCertificate -Type Default -Thumbprint ", thumbprint);
    assert!(says.contains("CN=pool01.contoso.net until "), "{says}");
    let start = &thumbprint[..4].to_lowercase();
    assert_eq!(
        desk.completed(&format!("Set-CsCertificate -Thumbprint {start}^ -Type Default")),
        format!("Set-CsCertificate -Thumbprint {thumbprint} -Type Default")
    );

    assert!(desk.offered("Request-CsCertificate -New -CA ").contains(&CA.to_owned()));
    let line = format!("Request-CsCertificate -New -CA {CA} -Template jci");
    assert!(desk.completed(&line).ends_with(" -Template jcila"));
    assert_eq!(desk.completed("Get-Website 'Lync Server Int"), "Get-Website 'Lync Server Internal Web Site'");
}

#[test]
fn words_of_enumerations_and_truths() {
    let desk = Desk::contoso();
    assert_eq!(desk.completed("Get-CsCertificate -ErrorAction sil"), "Get-CsCertificate -ErrorAction SilentlyContinue");
    assert_eq!(desk.offered("Set-CsCertificate -Confirm:"), ["$true", "$false"]);
    let line = "Request-CsCertificate -New -PrivateKeyExportable ";
    assert_eq!(desk.offered(line), ["$true", "$false"]);
    // Secrets are nobody's to offer.
    assert!(desk.offered("Import-CsCertificate -Path a -Password ").is_empty());
}

#[test]
fn help_has_verbs_and_topics() {
    let desk = Desk::contoso();
    assert_eq!(desk.completed("Get-Help set-cscert"), "Get-Help Set-CsCertificate");
    assert_eq!(desk.completed("Get-Help about_proo"), "Get-Help about_proof");
    assert_eq!(desk.completed("Get-Command -Name get-cscert"), "Get-Command -Name Get-CsCertificate");
    assert!(desk.offered("Get-Command about_proo").is_empty());
}

#[test]
fn variables_of_the_session_and_of_the_text() {
    let mut desk = Desk::contoso();
    desk.run("$thumb = 'x'; let total = 5;");
    assert_eq!(desk.completed("Set-CsCertificate -Thumbprint $th"), "Set-CsCertificate -Thumbprint $thumb");
    assert_eq!(desk.completed("Write-Output \"it is $THU"), "Write-Output \"it is $thumb");
    assert_eq!(desk.completed("tota"), "total");
    assert_eq!(desk.said("$tot", "$total"), "Int64");
    assert_eq!(desk.completed("let fresh = 1; $fre"), "let fresh = 1; $fresh");
    assert_eq!(
        desk.completed("foreach ($certificate in 1..2) { $cert^ }"),
        "foreach ($certificate in 1..2) { $certificate }"
    );
    assert!(desk.offered("$ErrorAct").contains(&"$ErrorActionPreference".to_owned()));
    assert!(desk.offered("1 | ForEach-Object { $").contains(&"$_".to_owned()));
    desk.run("fn renew_all(x) { x }");
    assert_eq!(desk.completed("renew_"), "renew_all(");
    assert_eq!(desk.completed("get_cs_cert"), "get_cs_certificate(");
}

#[test]
fn properties_of_objects() {
    let mut desk = Desk::contoso();
    desk.run("$c = Get-CsCertificate -Type Default");
    desk.run("$m = #{ Alpha: 1, Beta: #{ Gamma: 2 } }");
    assert_eq!(desk.completed("$c.thumb"), "$c.Thumbprint");
    assert_eq!(desk.completed("c.notaf"), "c.NotAfter");
    assert_eq!(desk.completed("Set-CsCertificate -Thumbprint $c.thumb"), "Set-CsCertificate -Thumbprint $c.Thumbprint");
    assert_eq!(desk.completed("$c.NotAfter.ye"), "$c.NotAfter.Year");
    assert_eq!(desk.completed("$m.Beta.g"), "$m.Beta.Gamma");
    assert_eq!(
        desk.completed("(Get-CsCertificate -Type Default).thumb"),
        "(Get-CsCertificate -Type Default).Thumbprint"
    );
    assert_eq!(desk.completed("(Get-Date).ye"), "(Get-Date).Year");
    for text in [
        "Get-CsCertificate | Where-Object { $_.thumb^ }",
        "Get-CsCertificate | Where-Object |x| x.thumb^",
        "Get-CsCertificate | Sort-Object Use | % { $_.thumb^ }",
        "Get-CsCertificate | Select-Object thumb^",
        "Get-CsCertificate | Select-Object Use, thumb^",
        "Get-CsCertificate | Where-Object Use -eq Default | Sort-Object -Property thumb^",
        "Get-CsCertificate | Select-Object -ExpandProperty thumb^",
        "Get-CsCertificate | Where-Object thumb^",
        "$c | Select-Object thumb^",
        "$c | ft thumb^",
    ] {
        assert_eq!(desk.completed(text), text.replacen("thumb^", "Thumbprint", 1), "{text}");
    }
    assert!(desk.offered("$nothing.").is_empty());
}

#[test]
fn files_for_paths() {
    let desk = Desk::contoso();
    let folder = desk.home.path().join("files here");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.pfx"), "").unwrap();
    let home = desk.home.path().display();
    let line = format!("Import-CsCertificate -Path {home}/certlet.t");
    assert_eq!(desk.completed(&line), format!("Import-CsCertificate -Path {home}/certlet.toml"));
    // What needs quotes gets them; those of a folder stay open.
    let line = format!("Import-CsCertificate -Path {home}/fil");
    assert_eq!(desk.completed(&line), format!("Import-CsCertificate -Path '{home}/files here/"));
    let line = format!("Import-CsCertificate -Path '{home}/files here/");
    assert_eq!(desk.completed(&line), format!("Import-CsCertificate -Path '{home}/files here/a.pfx'"));
    assert!(desk.offered("Import-CsCertificate -Path /no/such/folder/").is_empty());
}

#[test]
fn nothing_is_made_and_nothing_fails() {
    let desk = Desk::of(&Sample::Contoso);
    let before = listing(desk.home.path());
    for text in [
        "Set-CsCertificate -Thumbprint ",
        "Get-Website ",
        "Request-CsCertificate -New -CA ",
        "Get-CsCertificate -Type ",
        "Get-TlsName -ComputerFqdn ",
        "Import-CsCertificate -Path ",
    ] {
        desk.offered(text);
        desk.engine.hint(text, text.len(), None);
        desk.engine.highlight(text);
    }
    desk.engine.prompt();
    assert_eq!(listing(desk.home.path()), before);
    assert_eq!(desk.completed("Get-CsCertificate -Type def"), "Get-CsCertificate -Type Default");

    // Without any home, and with every cut of a long text.
    let engine = crate::engine::Engine::new(crate::session::Session::builder().build());
    let text = "\u{feff}$c = Get-CsCertificate -Type Default,Web | ? { $_.NotAfter -lt \"é $x ${y} $(1)\" } | % |c| c.Use\n\
                let m = #{ a: [1, 'x', `b ${m.c}`] }; if m.a == #\"r\"# { foo(Get-Date, 2) } /* c */ <# d #> @{ a = 1; b = @(2) }";
    for cursor in 0..=text.len() + 1 {
        engine.complete(text, cursor);
        let start = text.get(..cursor).unwrap_or_default();
        engine.hint(start, start.len(), Some(text));
        for part in engine.highlight(start) {
            assert!(start.get(part.range).is_some());
        }
        engine.is_complete(start);
        engine.next_entry(start);
    }
}

fn listing(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    names
}
