//! The example lines of the certificate verbs' manual pages, typed as they are printed, and the rest of G8: C104, C106.

use crate::world::{CA, COMPUTED, LYNCDISCOVER, THREE, World, names, said, set, text};

#[test]
fn get_as_the_manual_prints_it() {
    let world = World::new();
    let old = world.old();
    let all = world.emits("Get-CsCertificate");
    assert_eq!(all.len(), 3);
    assert_eq!(world.emits("Get-CsCertificate -Type WebServicesInternal").len(), 1);
    assert!(world.emits(r#"Get-CsCertificate | Where-Object {$_.NotAfter -lt "9/1/2018"}"#).is_empty());
    assert!(world.emits(r#"Get-CsCertificate | Where-Object {$_.Issuer -eq "Cn=MyCa"}"#).is_empty());
    assert!(
        world.emits(r#"Get-CsCertificate | Where-Object {$_.Subject -eq "CN=atl-cs-001.litwareinc.com"}"#).is_empty()
    );
    assert_eq!(world.emits(r#"Get-CsCertificate | Where-Object {$_.Subject -eq "cn=POOL01.contoso.net"}"#).len(), 3);
    let soon = r"Get-CsCertificate | Where-Object {$_.NotAfter -lt (Get-Date).AddDays(30)} | Select-Object Use, SerialNumber, NotAfter | Sort-Object NotAfter";
    let soon = world.emits(soon);
    assert_eq!(soon.iter().map(|c| text(c, "Use")).collect::<Vec<_>>().join(","), THREE);
    assert_eq!(soon[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["Use", "SerialNumber", "NotAfter"]);
    assert!(world.emits("Get-CsCertificate | Where-Object {$_.NotAfter -lt (Get-Date).AddDays(3)}").is_empty());

    let serial = text(&all[0], "SerialNumber");
    let line = format!(
        "Get-CsCertificate -Type Default | Where-Object {{$_.SerialNumber -eq \"{serial}\"}} | Select-Object -ExpandProperty AlternativeNames"
    );
    assert_eq!(world.emits(&line), COMPUTED);
    assert_eq!(world.emits(r#"Get-CsCertificate | where Use -like "*External" | % Thumbprint"#), [old.as_str()]);
    let line = format!(r#"$t = "{old}"; Get-CsCertificate | where Use -like "*External" | where Thumbprint -ne $t"#);
    assert!(world.emits(&line).is_empty());
    assert_eq!(
        world.emits(r#"(Get-CsCertificate | ? {$_.Use -eq "WebServicesExternal"})[0].Thumbprint"#),
        [old.as_str()]
    );
    assert_eq!(world.emits("Get-CsCertificate -Identity GLOBAL | measure | % Count"), [0]);
    assert_eq!(world.run("Get-CsCertificate -Identity site:Redmond").code, 1);
}

#[test]
fn the_views_that_the_manual_prints() {
    let world = World::new();
    let table = world.show("Get-CsCertificate | Select-Object Issuer, Thumbprint").exits(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[6]), (7, "", ""), "{table}");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["Issuer", "Thumbprint"]);
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["------", "----------"]);
    let whole = world.show("Get-CsCertificate -Type Default | fl -property *").exits(0).stdout;
    let names: Vec<&str> = whole.lines().filter_map(|l| l.split_once(':')).map(|(name, _)| name.trim()).collect();
    let order = ["Issuer", "NotAfter", "NotBefore", "SerialNumber", "Subject", "AlternativeNames", "Thumbprint", "Use"];
    let places: Vec<usize> = order.iter().map(|name| names.iter().position(|n| n == name).unwrap()).collect();
    assert!(places.is_sorted() && names.contains(&"FriendlyName") && names.contains(&"HasPrivateKey"), "{names:?}");
    let list = world.show("Get-CsCertificate").exits(0).stdout;
    assert_eq!(list.matches("SourceScope").count(), 3);
    assert!(!list.contains("FriendlyName") && list.contains("webpool01.contoso.net...}"), "{list}");
    // Twelve properties are a list, three a table, whatever the screen.
    assert!(list.lines().filter(|l| l.starts_with("Use ")).all(|l| l.contains(" : ")));
}

#[test]
fn request_as_the_manual_prints_it() {
    let world = World::new();
    let asked = |line: &str| {
        let issued = world.emits(line);
        assert_eq!(issued.len(), 1, "{line}");
        names(&issued[0]["AlternativeNames"])
    };
    let external = asked(&format!("Request-CsCertificate -New -Type WebServicesExternal -CA \"{CA}\""));
    assert!(external.contains("webpool01.contoso.com"), "{external:?}");
    let standard = asked(&format!(
        "Request-CsCertificate -New -Type {THREE} -ComputerFqdn \"se01.contoso.net\" -CA \"{CA}\" -FriendlyName \"Standard Edition Certificate\" -Template jcila -PrivateKeyExportable $True -DomainName \"se01.contoso.net,se-ext.contoso.com\""
    ));
    assert!(standard.contains("se01.contoso.net") && standard.contains("se-ext.contoso.com"), "{standard:?}");
    let pool = asked(&format!(
        "Request-CsCertificate -New -Type {THREE} -CA \"{CA}\" -FriendlyName \"Pool Certificate\" -Template jcila -PrivateKeyExportable $True -DomainName \"pool1.contoso.com,pool1int.contoso.com,pool1ext.contoso.com\""
    ));
    assert_eq!(pool.len(), COMPUTED.len() + 3);
    let internal = asked(&format!(
        "Request-CsCertificate -New -Type Internal -ComputerFqdn \"edge01\" -CA \"{CA}\" -FriendlyName \"Internal Edge\" -Template jcila -PrivateKeyExportable $True -DomainName \"edge01.contoso.net, ap.contoso.com\""
    ));
    assert!(internal.contains("edge01.contoso.net") && internal.contains("ap.contoso.com"), "{internal:?}");
    let edge = asked(&format!(
        "Request-CsCertificate -New -Type AccessEdgeExternal,DataEdgeExternal,AudioVideoAuthentication -ComputerFqdn \"edge01.contoso.net\" -CA \"{CA}\" -Template jcila -PrivateKeyExportable $True -DomainName \"edge01.contoso.net,ap.contoso.com,dp.contoso.com,edge01\""
    ));
    assert!(edge.contains("edge01") && edge.contains("dp.contoso.com"), "{edge:?}");
    let mobile = asked(&format!("Request-CsCertificate -New -Type {THREE} -Ca {CA} -AllSipDomain -verbose"));
    assert!(LYNCDISCOVER.iter().all(|name| mobile.contains(*name)), "{mobile:?}");
    assert!(world.emits("Request-CsCertificate -List").iter().all(|r| r["Status"] != "Pending"));
    world.refuses("Request-CsCertificate -Clear -RequestID 224", 1, "RequestNotFound");
    let file = r"Request-CsCertificate -New -Type WebServicesExternal -Output C:\Certificates\WebServicesExternal.cer";
    assert_eq!(world.emits(file)[0]["Status"], "Pending");
    let client = r"Request-CsCertificate -New -Type AccessEdgeExternal -ComputerFqdn edge01 -Output C:\c.csr -ClientEku $true -Template ClientServer";
    assert_eq!(world.emits(client)[0]["CA"], "(offline)");
    assert_eq!(world.emits("Request-CsCertificate -List | where Status -eq Pending").len(), 2);
    // As pasted from a document, with its dashes and quotes.
    let pasted = format!(
        "Request-CsCertificate \u{2013}New \u{2013}Type Default \u{2013}CA {CA} \u{2013}Verbose \u{2013}DomainName \u{201c}a.contoso.com,b.contoso.com\u{201d}"
    );
    assert_eq!(asked(&pasted).len(), 5);
}

#[test]
fn set_import_and_remove_as_the_manual_prints_them() {
    let world = World::new();
    let full = world.full();
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint \"{full}\""));
    let line = format!(
        "$x = Get-CsCertificate | Where-Object {{$_.Thumbprint -eq \"{full}\"}}; Set-CsCertificate -Reference $x -Type WebServicesExternal"
    );
    let records = world.emits(&line);
    assert_eq!(
        (records.len(), text(&records[0], "Use"), text(&records[0], "Thumbprint")),
        (1, "WebServicesExternal".to_owned(), full.clone())
    );
    world.refuses(
        "Set-CsCertificate -Type WebServicesExternal -Thumbprint \"B142918E463981A76503828BB1278391B716280987B\"",
        1,
        "InvalidThumbprint",
    );
    let roll = format!("Set-CsCertificate -Type AudioVideoAuthentication -Thumbprint {full} -Roll");
    world.refuses(&roll, 1, "RollNeedsEffectiveDate");
    let past = format!("{roll} -EffectiveDate \"7/22/2012 6:00:00 AM\"");
    let alias = format!("{roll} -EffectiveTime \"7/22/2012 6:00:00 AM\"");
    let id = |line: &str| text(&world.refuses_somehow(line, 1), "id");
    assert_eq!(id(&past), id(&alias));
    world.refuses(&format!("{roll} -EffectiveDate 13/1/2026"), 1, "InvalidDate");
    world.refuses(
        r#"Import-CsCertificate -Path "C:\Certificates\WebServer.pfx" -PrivateKeyExportable $True"#,
        1,
        "FileNotFound",
    );
    assert!(world.emits("Remove-CsCertificate -Type WebServicesExternal -Force").is_empty());
    world.refuses("Remove-CsCertificate -Type WebServicesExternal -Confirm:$false", 1, "NotAssigned");
    assert!(world.emits("Remove-CsCertificate -Type WebServicesExternal -Force").is_empty(), "it silences that");
    world.refuses("Remove-CsCertificate -Type Default", 1, "NonInteractivePrompt");
    assert_eq!(world.assigned().len(), 2);
}

#[test]
fn the_lines_of_the_seed() {
    let world = World::new();
    assert_eq!(world.emits("Get-CsCertificate").len(), 3);
    let request = r#"Request-CsCertificate -New -Type Default,WebServicesInternal,WebServicesExternal -CA dc01.contoso.net\contoso-DC01-CA -Verbose -DomainName "LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com""#;
    let full = text(&world.emits(request)[0], "Thumbprint");
    let manual = "Set-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
    let error = world.refuses(manual, 1, "CertificateNotFound");
    let hint =
        error["hints"].as_array().unwrap().iter().filter_map(|h| h.as_str()).find(|h| h.contains("Set-CsCertificate"));
    assert!(hint.unwrap().contains(&full), "{error:#?}");
    for (line, word) in [
        (
            r#"Request-CsCertificate -New -Type Default -CA <CA Server FQDN\CA Instance> -Verbose -DomainName "<FQDN entries to be added to the Subject Alternative Name>""#,
            r"<CA Server FQDN\CA Instance>",
        ),
        (
            "Set-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal -Thumbprint <Thumbprint of certificate to use>",
            "<Thumbprint of certificate to use>",
        ),
    ] {
        let error = world.refuses(line, 2, "PlaceholderNotReplaced");
        assert!(text(&error, "message").contains(word), "{error:#?}");
    }
    let uses = world.emits(&manual.replace("466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D", &full));
    assert_eq!(uses.iter().map(|c| text(c, "Use")).collect::<Vec<_>>().join(","), THREE);
}

#[test]
fn c104_the_help_of_set() {
    let world = World::new();
    let page = world.show("Get-Help Set-CsCertificate").exits(0).stdout;
    let headings = ["NAME", "SYNOPSIS", "SYNTAX", "DESCRIPTION", "RELATED LINKS", "REMARKS"];
    let places: Vec<Option<usize>> = headings.iter().map(|h| page.lines().position(|l| l == *h)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}");
    let sets =
        page.lines().filter(|l| l.starts_with("    Set-CsCertificate [") || l.starts_with("    Set-CsCertificate -"));
    let shown = sets.count();
    let declared = world.emits("Get-Command Set-CsCertificate -Syntax")[0].as_str().unwrap().lines().count();
    assert!(shown == declared && shown >= 2, "{page}");
    assert!(page.contains("[<CommonParameters>]"));
    let roll = world.show("Get-Help Set-CsCertificate -Parameter Roll").exits(0).stdout;
    assert!(roll.contains("EffectiveDate") && roll.contains("-Roll [<SwitchParameter>]"), "{roll}");
    assert_eq!(world.show("Set-CsCertificate -?").exits(0).stdout, page);
    assert_eq!(world.show("man set_cs_certificate").exits(0).stdout, page);
}

#[test]
fn c106_the_seeds_line_over_three_lines() {
    let world = World::new();
    let line = format!(
        "Request-CsCertificate -New -Type {THREE} `\n  -CA {CA} -Verbose `\r\n  -DomainName \"LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com\""
    );
    let ran = world.run(&line).exits(0);
    let issued = &ran.objects()[0];
    assert_eq!(names(&issued["AlternativeNames"]), set(COMPUTED.into_iter().chain(LYNCDISCOVER)));
    assert!(
        said(&ran, "verbose").iter().any(|m| text(m, "message").to_lowercase().contains("lyncdiscover.contoso.com"))
    );
    assert_eq!(world.assigned().len(), 3);
}
