//! Every parameter of the certificate verbs, set by set: a case that shows its effect, its refusal or its compatibility.

use std::collections::BTreeSet;

use certlet::{Engine, Session};
use serde_json::{Value, json};

use crate::cases::foreign::{Foreign, openssl};
use crate::common::Ran;
use crate::world::{CA, THREE, World, names, said, set, text, warning};

/// The verbs that are looked at, by the name that has a twin.
const VERBS: [&str; 6] = [
    "Get-CsCertificate",
    "Request-CsCertificate",
    "Set-CsCertificate",
    "Import-CsCertificate",
    "Remove-CsCertificate",
    "Test-CsCertificateConfiguration",
];

/// A case and the parameters that it is about: its name, and for each verb and set the parameters.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Declares the cases: each is a test, and a row of the table for each parameter that it covers.
macro_rules! cases {
    ($( $name:ident [$( $verb:literal $set:literal : $($parameter:literal),+ );+] $body:block )*) => {
        const ROWS: &[Row] = &[$( $( (stringify!($name), $verb, $set, &[$($parameter),+]), )+ )*];
        $( #[test] fn $name() $body )*
    };
}

#[test]
fn every_declared_parameter_has_a_case_and_no_case_is_left_over() {
    let engine = Engine::new(Session::builder().build());
    let mut declared = BTreeSet::new();
    for name in VERBS {
        let spec = engine.registry().verb(name).unwrap().spec;
        for set in spec.parameter_sets() {
            let of_set = spec.parameters.iter().filter(|p| p.in_set(set));
            declared.extend(of_set.map(|p| (spec.name, *set, p.name)));
        }
    }
    let covered: BTreeSet<(&str, &str, &str)> =
        ROWS.iter().flat_map(|(_, verb, set, names)| names.iter().map(|name| (*verb, *set, *name))).collect();
    let without: Vec<_> = declared.difference(&covered).collect();
    let left: Vec<_> = covered.difference(&declared).collect();
    assert!(without.is_empty() && left.is_empty(), "without a case: {without:#?}\nnot declared: {left:#?}");
}

#[test]
fn the_plain_twins_are_the_same_declarations() {
    let engine = Engine::new(Session::builder().build());
    for name in VERBS {
        let twin = name.replace("-CsCertificate", "-TlsCertificate");
        let (one, other) = (engine.registry().verb(name).unwrap().spec, engine.registry().verb(&twin).unwrap().spec);
        assert!(std::ptr::eq(one, other), "{name} and {twin}");
    }
}

fn request(more: &str) -> String {
    format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -CA {CA} {more}")
}

/// A request that nobody has decided.
fn pending(more: &str) -> String {
    request(&format!("-Template WebServerApproval {more}"))
}

/// A verbose line says that the parameter has no effect.
#[track_caller]
fn is_compatible(ran: &Ran, parameter: &str) {
    let word = format!("-{parameter}");
    assert!(said(ran, "verbose").iter().any(|m| text(m, "message").contains(&word)), "{ran:#?}");
}

/// With a preference that asks about every change, the line is refused, and with `-Force` it is not.
#[track_caller]
fn force_does_not_ask(world: &World, line: &str) {
    let asking = "$ConfirmPreference = 'Medium'; ";
    world.refuses(&format!("{asking}{line}"), 1, "NonInteractivePrompt");
    world.run(&format!("{asking}{line} -Force")).exits(0);
}

/// The report is written and tells of some words; the one that cannot be written stops the verb before it begins.
#[track_caller]
fn reports(world: &World, line: &str, words: &[&str]) {
    world.run(&format!(r"{line} -Report C:\Logs\report.html")).exits(0);
    let report = std::fs::read_to_string(world.file("drive_c/Logs/report.html")).unwrap();
    for word in words {
        assert!(report.contains(word), "{word}: {report}");
    }
}

/// A PFX of another authority, which is trusted, as `C:\Certificates\WebServer.pfx` with the password `P@ss`.
fn pfx(world: &World) {
    let foreign = Foreign::new();
    world.trust(&foreign.root);
    world.lay("leaf.pem", &foreign.server().both());
    world.lay("root.pem", foreign.root.as_bytes());
    let folder = world.file("drive_c/Certificates");
    openssl(
        &folder,
        "pkcs12 -export -in leaf.pem -certfile root.pem -name Foreign -passout pass:P@ss -out WebServer.pfx",
    );
}

const PFX: &str = r"-Path C:\Certificates\WebServer.pfx -Password P@ss";

/// The staged certificate and its moment, for a use.
#[track_caller]
fn staged(world: &World, use_name: &str) -> (Value, Value) {
    let found =
        world.emits(&format!("Get-CsCertificate -Type {use_name} | Select-Object StagedThumbprint, EffectiveDate"));
    assert_eq!(found.len(), 1, "{found:#?}");
    (found[0]["StagedThumbprint"].clone(), found[0]["EffectiveDate"].clone())
}

const WEEK: &str = "(Get-Date).AddDays(7)";

cases! {
    get_some_uses_and_one_scope ["Get-CsCertificate" "": "Type", "Identity"] {
        let world = World::new();
        let uses = world.emits("Get-CsCertificate -Type WebServicesExternal,Default | Select-Object -ExpandProperty Use");
        assert_eq!(uses, ["Default", "WebServicesExternal"]);
        assert!(world.emits("Get-CsCertificate GLOBAL").is_empty());
        assert_eq!(world.emits("Get-CsCertificate -Identity local").len(), 3);
        world.refuses("Get-CsCertificate -Identity site:Redmond", 1, "ParameterArgumentValidationError");
    }

    get_reserved_and_reported ["Get-CsCertificate" "": "NetportId", "Report"] {
        let world = World::new();
        is_compatible(&world.run("Get-CsCertificate -NetportId x -Verbose").exits(0), "NetportId");
        reports(&world, "Get-CsCertificate", &["WebServicesInternal", &world.old()]);
    }

    test_two_columns_details_and_report ["Test-CsCertificateConfiguration" "": "Detailed", "Report"] {
        let world = World::new();
        let old = world.old();
        let rows = world.emits("Test-CsCertificateConfiguration");
        let expected: Vec<Value> = THREE.split(',').map(|u| json!({"Thumbprint": old, "Use": u})).collect();
        assert_eq!(rows, expected);
        let detailed = world.emits("Test-TlsCertificateConfiguration -Detailed");
        for row in &detailed {
            let seen = (&row["Status"], &row["Problems"], &row["MissingNames"], &row["BindingOk"]);
            assert_eq!(seen, (&json!("Ok"), &json!([]), &json!([]), &json!(true)), "{row:#?}");
            assert!((19..=20).contains(&row["DaysLeft"].as_i64().unwrap()), "{row:#?}");
        }
        let part = world.part();
        world.run(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {part}")).exits(0);
        let row = &world.emits("Test-CsCertificateConfiguration -Detailed")[2];
        assert_eq!((&row["Status"], &row["BindingOk"]), (&json!("Warning"), &json!(true)), "{row:#?}");
        let missing = set(["webpool01.contoso.com", "meet.contoso.com", "dialin.contoso.com"]);
        assert_eq!(names(&row["MissingNames"]), missing);
        reports(&world, "Test-CsCertificateConfiguration", &["WebServicesInternal", &part]);
    }

    request_the_subject ["Request-CsCertificate" "ByNew": "New", "Type", "City", "State", "Country", "Organization", "OU"] {
        let world = World::new();
        let issued = world.emits(&request("-City Redmond -State WA -Country us -Organization 'Contoso & Co' -OU IT"));
        let subject = text(&issued[0], "Subject");
        let parts = set(subject.split(", "));
        assert_eq!(parts, set(["CN=pool01.contoso.net", "OU=IT", "O=Contoso & Co", "L=Redmond", "S=WA", "C=US"]));
        for country in ["USA", "U1", "\"\""] {
            world.run(&request(&format!("-Country {country}"))).exits(1);
        }
        world.refuses(&request("-Country USA"), 1, "ParameterArgumentValidationError");
        world.refuses(&request("-City \"\""), 1, "ParameterArgumentValidationError");
        world.refuses("Request-CsCertificate -Verbose", 2, "AmbiguousParameterSet");
        world.refuses("Request-CsCertificate -New", 2, "MissingMandatoryParameter");
    }

    request_the_names ["Request-CsCertificate" "ByNew": "ComputerFqdn", "DomainName", "ExcludeComputedName", "AllSipDomain"] {
        let world = World::new();
        let asked = |more: &str| names(&world.emits(&request(more))[0]["AlternativeNames"]);
        let three = |computer: &str| set(["pool01.contoso.net", computer, "sip.contoso.com"]);
        assert_eq!(asked("-ComputerFqdn FE02"), three("fe02.contoso.net"));
        let more = asked("-DomainName 'a.contoso.com, b.contoso.com' -ExcludeComputedName fe01.contoso.net");
        assert_eq!(more, set(["pool01.contoso.net", "sip.contoso.com", "a.contoso.com", "b.contoso.com"]));
        let all = names(&world.request("-Type WebServicesExternal -KeyAlg ECDH_P256 -AllSipDomain")["AlternativeNames"]);
        assert!(all.contains("lyncdiscover.contoso.com"), "{all:?}");
        world.refuses(&request("-ComputerFqdn nobody.contoso.net"), 1, "ComputerNotInTopology");
        world.refuses(&request("-ExcludeComputedName 'no name'"), 1, "InvalidName");
    }

    request_the_key ["Request-CsCertificate" "ByNew": "KeyAlg", "KeySize"] {
        let world = World::new();
        let key = |more: &str| {
            let issued = world.request(&format!("-Type Default {more} | Select-Object KeyAlgorithm, KeySize"));
            (text(&issued, "KeyAlgorithm"), issued["KeySize"].as_i64().unwrap())
        };
        assert_eq!(key("-KeyAlg ECDSA_nistP256"), ("ECDSA P-256".to_owned(), 256));
        assert_eq!(key("-KeyAlg ecdh_p384 -KeySize 384"), ("ECDSA P-384".to_owned(), 384));
        assert_eq!(key("-KeyAlg RSA -KeySize 2048"), ("RSA".to_owned(), 2048));
        let line = |more: &str| format!("Request-CsCertificate -New -Type Default -CA {CA} {more}");
        world.refuses(&line("-KeyAlg DSA"), 2, "CannotConvertArgument");
        world.refuses(&line("-KeySize 1000"), 1, "ParameterArgumentValidationError");
        world.refuses(&line("-KeyAlg ECDH_P256 -KeySize 2048"), 1, "ParameterArgumentValidationError");
        // No Lync use takes a key of 3072 bits; nothing is made for it.
        assert_eq!(world.refuses(&line("-KeySize 3072"), 1, "UseNeedNotMet")["target"], "RSA 3072");
    }

    request_whom_to_ask ["Request-CsCertificate" "ByNew": "CA", "CaAccount", "CaPassword", "Output", "Template"] {
        let world = World::new();
        assert_eq!(world.emits(&request("").replace(CA, r"DC01\CONTOSO-dc01-CA")).len(), 1);
        let line = "Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256";
        world.refuses(&format!("{line} -Output C:\\a.csr -CA {CA}"), 1, "CaAndOutput");
        world.refuses(&format!("{line} -CaAccount contoso\\guest"), 1, "ParameterArgumentValidationError");
        world.refuses(&format!("{line} -CA {CA} -CaPassword x"), 1, "ParameterArgumentValidationError");
        world.refuses(&format!("{line} -Output C:\\a.csr -CaAccount contoso\\guest"), 1, "ParameterArgumentValidationError");
        world.emits(&format!("{line} -Output C:\\Certificates\\a.req"));
        let file = std::fs::read_to_string(world.file("drive_c/Certificates/a.req")).unwrap();
        assert!(file.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{file}");
        world.refuses(&request("-Template NoSuch"), 1, "TemplateNotFound");

        world.edit("certlet.toml", "next_request_id = 41\n", "next_request_id = 41\naccounts = { 'contoso\\guest' = { file = \"guest\" } }\n");
        std::fs::write(world.file("guest"), "Secret1").unwrap();
        world.edit("certlet.toml", r#"'contoso\guest' = ["Read"]"#, r#"'contoso\guest' = ["Read", "Enroll"]"#);
        let error = world.refuses(&request(r"-CaAccount contoso\guest -CaPassword Wrong1"), 5, "CaAccessDenied");
        assert!(!error.to_string().contains("Wrong1"), "{error}");
        let asked = request(r"-CaAccount contoso\guest -CaPassword Secret1 -Report C:\Logs\a.xml");
        world.emits(&asked);
        let listed = world.emits("Request-CsCertificate -List | Select-Object RequestId, Requester");
        assert!(listed.iter().any(|r| r["Requester"] == r"contoso\guest"), "{listed:#?}");
        let report = std::fs::read_to_string(world.file("drive_c/Logs/a.xml")).unwrap();
        assert!(report.contains("CaPassword") && !report.contains("Secret1"), "{report}");
    }

    request_what_it_may_do ["Request-CsCertificate" "ByNew": "ClientEKU", "PrivateKeyExportable", "FriendlyName"] {
        let world = World::new();
        let issued = |more: &str| world.request(&format!("-Type Default -KeyAlg ECDH_P256 {more} | Select-Object *"));
        let client = issued("-Template ClientServer -ClientEKU $true");
        assert!(client["EnhancedKeyUsage"].to_string().contains("1.3.6.1.5.5.7.3.2"), "{client:#?}");
        let keys = world.exportable_keys();
        world.refuses(&request("-PrivateKeyExportable $true"), 1, "RequestDenied");
        world.refuses(&request("-PrivateKeyExportable"), 2, "MissingArgument");
        let named = issued("-Template jcila -PrivateKeyExportable $true -FriendlyName 'Front End'");
        assert_eq!((world.exportable_keys(), text(&named, "FriendlyName").as_str()), (keys + 1, "Front End"));
        let ran = world.run(&request("-FriendlyName 'Front End'")).exits(0);
        warning(&ran, "FriendlyNameInUse");
        world.run(&format!("{0}; {0}; {0}", request("-FriendlyName 'Front End' -WarningAction SilentlyContinue"))).exits(0);
        world.run(&format!("{0}; {0}", request(""))).exits(0);
        let all = world.emits("Find-TlsCertificate | Select-Object -ExpandProperty FriendlyName");
        let different: BTreeSet<String> = all.iter().map(Value::to_string).collect();
        assert_eq!(different.len(), all.len(), "{all:#?}");
    }

    request_compatible_forced_reported ["Request-CsCertificate" "ByNew": "GlobalCatalog", "GlobalSettingsDomainController", "Force", "Report"] {
        let world = World::new();
        let ran = world.run(&request("-GlobalCatalog gc.contoso.net -GlobalSettingsDomainController dc.contoso.net -Verbose -WhatIf"));
        is_compatible(&ran, "GlobalCatalog");
        is_compatible(&ran.exits(0), "GlobalSettingsDomainController");
        force_does_not_ask(&world, &request(""));
        reports(&world, &request(""), &["Request-CsCertificate", "pool01.contoso.net", "sip.contoso.com"]);
    }

    request_list ["Request-CsCertificate" "ByList": "List", "RequestId", "CA", "Force", "Report"] {
        let world = World::new();
        world.second_authority();
        world.emits(&pending(""));
        world.emits(&pending("").replace(CA, r"ca2.contoso.net\Second").replace("WebServerApproval", "Approval"));
        let listed = |more: &str| world.emits(&format!("Request-CsCertificate -List {more}"));
        assert_eq!(listed("").len(), 2);
        let error = world.refuses("Request-CsCertificate -List -RequestId 41", 1, "AmbiguousRequest");
        let hints = error["hints"].to_string();
        assert!(hints.contains("contoso-DC01-CA") && hints.contains("Second"), "{hints}");
        let one = listed(r"-RequestId 41 -CA ca2\second");
        assert_eq!((one.len(), &one[0]["CA"]), (1, &json!(r"ca2.contoso.net\Second")));
        assert_eq!(listed(&format!("-CA {CA}")).len(), 1);
        world.refuses(r"Request-CsCertificate -List -CA nobody.contoso.net\X", 1, "CaUnreachable");
        world.refuses("Request-CsCertificate -List -RequestId 99", 1, "RequestNotFound");
        // By its local number each is found.
        assert_eq!(listed("-RequestId 2")[0]["CA"], r"ca2.contoso.net\Second");
        reports(&world, "Request-CsCertificate -List", &["Pending", "Second"]);

        // A revoked one is an error that names the cure; with -Force it is listed in silence.
        let issued = world.request("-Type Default -KeyAlg ECDH_P256");
        world.run(&format!("Revoke-Certificate -CA {CA} -Thumbprint {} -Reason Superseded -Force", text(&issued, "Thumbprint"))).exits(0);
        let ran = world.run(&format!("Request-CsCertificate -List -CA {CA}")).exits(1);
        let error = &said(&ran, "error")[0];
        assert_eq!((&error["id"], ran.objects().len()), (&json!("RequestRevoked"), 2), "{ran:#?}");
        assert!(error["hints"].to_string().contains("-Clear -RequestId 42"), "{error}");
        assert_eq!(listed(&format!("-Force -CA {CA}")).last().unwrap()["Status"], "Revoked");
    }

    request_retrieve ["Request-CsCertificate" "ByRetrieve": "Retrieve", "RequestId", "CA", "CaAccount", "CaPassword", "Force", "Report"] {
        let world = World::new();
        world.second_authority();
        world.emits(&pending(""));
        world.emits(&pending("").replace(CA, r"ca2.contoso.net\Second").replace("WebServerApproval", "Approval"));
        world.as_manager(|| world.run(&format!("Approve-CertificateRequest -RequestId 41 -CA {CA} -Confirm:$false")).exits(0));
        world.refuses("Request-CsCertificate -Retrieve -RequestId 41", 1, "AmbiguousRequest");
        // A password is for one authority, and that looks at it.
        let account = r"-CaAccount contoso\guest -CaPassword Secret1";
        world.refuses(&format!("Request-CsCertificate -Retrieve {account}"), 1, "ParameterArgumentValidationError");
        world.refuses("Request-CsCertificate -Retrieve -RequestId 41 -CaPassword x", 1, "ParameterArgumentValidationError");
        let named = format!("Request-CsCertificate -Retrieve -RequestId 41 -CA {CA} {account}");
        assert!(!world.refuses(&named, 5, "CaAccessDenied").to_string().contains("Secret1"));
        let ran = world.run("Request-CsCertificate -Retrieve -RequestId 41 -CA ca2.contoso.net\\Second").exits(0);
        assert_eq!((said(&ran, "warning").len(), &ran.objects()[0]["Status"]), (1, &json!("Pending")), "{ran:#?}");
        let line = format!("Request-CsCertificate -Retrieve -RequestId 41 -CA {CA}");
        world.refuses(&format!("$ConfirmPreference = 'Medium'; {line}"), 1, "NonInteractivePrompt");
        let ran = world.run(&format!("$ConfirmPreference = 'Medium'; {line} -Force")).exits(0);
        let thumbprint = text(&ran.objects()[0], "Thumbprint");
        assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
        // Once more it is only shown.
        let before = world.facts();
        assert_eq!(text(&world.emits(&line)[0], "Thumbprint"), thumbprint);
        assert_eq!(world.facts(), before);
        reports(&world, "Request-CsCertificate -Retrieve", &["Pending"]);

        world.as_manager(|| world.run("Deny-CertificateRequest -RequestId 41 -CA ca2.contoso.net\\Second -Confirm:$false").exits(0));
        let ran = world.run("Request-CsCertificate -Retrieve").exits(1);
        assert_eq!(said(&ran, "error")[0]["id"], "RequestDenied");
        let ran = world.run("Request-CsCertificate -Retrieve -RequestId 41 -CA ca2.contoso.net\\Second -Force").exits(0);
        assert!(said(&ran, "error").is_empty(), "{ran:#?}");
    }

    request_clear ["Request-CsCertificate" "ByClear": "Clear", "RequestId", "CA", "Force", "Report"] {
        let world = World::new();
        let keys = world.keys();
        for _ in 0..3 {
            world.emits(&pending(""));
        }
        let ids = || world.emits("Request-CsCertificate -List | Select-Object -ExpandProperty RequestId");
        let file = r"C:\Logs\report.html";
        world.run(&format!("Request-CsCertificate -Clear -RequestId 42 -CA {CA} -Report {file}")).exits(0);
        assert!(world.file("drive_c/Logs/report.html").is_file());
        assert_eq!((ids(), world.keys()), (vec![json!(41), json!(43)], keys + 3), "the key is in quarantine");
        world.run("Request-CsCertificate -Clear -RequestId 41 -Force").exits(0);
        assert_eq!((ids(), world.keys()), (vec![json!(43)], keys + 2), "the key is gone");
        world.refuses("Request-CsCertificate -Clear -RequestId 41", 1, "RequestNotFound");
        let ran = world.run("Request-CsCertificate -Clear -CA '(offline)'").exits(0);
        assert!(ran.objects().is_empty(), "{ran:#?}");
        assert_eq!(ids(), [json!(43)]);

        // The key of a stored certificate stays, whatever becomes of its request.
        let issued = world.request("-Type Default -KeyAlg ECDH_P256");
        world.run("Request-CsCertificate -Clear -RequestId 44 -Force").exits(0);
        assert_eq!(world.certificate(&text(&issued, "Thumbprint"))["HasPrivateKey"], true);
    }

    set_which_certificate ["Set-CsCertificate" "Thumbprint": "Type", "Thumbprint"; "Set-CsCertificate" "CertificateReference": "Type", "Reference"] {
        let world = World::new();
        let full = world.full();
        // Blanks, colons and the sign that Windows copies along.
        let pairs: Vec<String> = full.as_bytes().chunks(2).map(|c| String::from_utf8_lossy(c).to_ascii_lowercase()).collect();
        let ran = world.run(&format!("Set-CsCertificate -Type WebServicesInternal,Default -Thumbprint \"\u{200e}{}\"", pairs.join(":")));
        let uses: Vec<String> = ran.exits(0).objects().iter().map(|r| text(r, "Use")).collect();
        assert_eq!(uses, ["WebServicesInternal", "Default"], "in the order of -Type");
        world.refuses(&format!("Set-CsCertificate -Thumbprint {full}"), 1, "MissingMandatoryParameter");
        world.refuses(&format!("Set-CsCertificate -Type Internal -Thumbprint {full}"), 1, "UseNotValidForRole");
        world.refuses(&format!("Set-CsCertificate -Type TenantAdmin -Thumbprint {full}"), 1, "OnlineOnlyUse");
        let records = world.emits("$c = Get-CsCertificate -Type Default; Set-CsCertificate -Reference $c -Type WebServicesExternal");
        assert_eq!((records.len(), &records[0]["Thumbprint"]), (1, &json!(full)));
        // Without -Type it is the use of the record.
        assert_eq!(world.emits("Get-CsCertificate -Type Default | Set-CsCertificate")[0]["Use"], "Default");
    }

    set_from_a_pfx ["Set-CsCertificate" "Path": "Path", "Password", "Identity", "Type", "Force", "Report"] {
        let world = World::new();
        pfx(&world);
        let line = format!("Set-CsCertificate {PFX} -Identity local -Type {THREE}");
        let (stored, keys) = (world.stored(), world.keys());
        world.refuses(&line.replace("P@ss", "wrong"), 1, "BadPassword");
        world.refuses(&line.replace("WebServer", "Nobody"), 1, "FileNotFound");
        world.refuses(&format!("Set-CsCertificate {PFX} -Type Default"), 2, "MissingMandatoryParameter");
        world.refuses(&format!("Set-CsCertificate {PFX} -Identity local"), 2, "MissingMandatoryParameter");
        world.refuses(&format!("{} -Type Internal", line.replace(&format!("-Type {THREE}"), "")), 1, "UseNotValidForRole");
        assert_eq!((world.stored(), world.keys()), (stored, keys), "nothing is imported");
        let before = world.facts();
        let ran = world.run(&format!("{line} -WhatIf")).exits(0);
        assert_eq!((world.facts(), said(&ran, "whatif").len()), (before, 7), "{ran:#?}");
        world.refuses(&format!("$ConfirmPreference = 'Medium'; {line}"), 1, "NonInteractivePrompt");
        let ran = world.run(&format!(r"$ConfirmPreference = 'Medium'; {line} -Force -Report C:\Logs\set.html")).exits(0);
        let thumbprint = text(&ran.objects()[0], "Thumbprint");
        assert_eq!(world.assigned(), THREE.split(',').map(|u| (u.to_owned(), thumbprint.clone())).collect::<Vec<_>>());
        assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
        let report = std::fs::read_to_string(world.file("drive_c/Logs/set.html")).unwrap();
        assert!(report.contains(&thumbprint) && !report.contains("P@ss"), "{report}");
        // The same once more writes nothing.
        let before = world.facts();
        world.run(&line).exits(0);
        assert_eq!(world.facts(), before);
    }

    set_global ["Set-CsCertificate" "Thumbprint": "Identity"; "Set-CsCertificate" "CertificateReference": "Identity"] {
        let world = World::new();
        let full = world.full();
        let ran = world.run(&format!("Set-CsCertificate -Identity Global -Type Default -Thumbprint {full}")).exits(0);
        warning(&ran, "KeyTravels");
        warning(&ran, "HiddenByLocal");
        assert_eq!((&ran.objects()[0]["SourceScope"], &ran.objects()[0]["Thumbprint"]), (&json!("Global"), &json!(full)));
        // What the computer has of its own stays in force, also at its binding.
        assert_ne!(world.emits("Get-CsCertificate -Type Default")[0]["Thumbprint"], json!(full));
        world.run("Remove-CsCertificate -Type Default -Force").exits(0);
        let now = &world.emits("Get-CsCertificate -Type Default")[0];
        assert_eq!((&now["Thumbprint"], &now["SourceScope"]), (&json!(full), &json!("Global")));
        assert_eq!(world.bound_tls("Lync Server Front-End"), Some(full.clone()), "the binding is given to the global one");
        assert_eq!(world.emits("Get-CsCertificate -Identity global | Set-CsCertificate -Identity global").len(), 1);
        world.refuses(&format!("Set-CsCertificate -Identity site:1 -Type Default -Thumbprint {full}"), 1, "ParameterArgumentValidationError");
    }

    set_staged [
        "Set-CsCertificate" "Thumbprint": "EffectiveDate", "Roll";
        "Set-CsCertificate" "CertificateReference": "EffectiveDate", "Roll";
        "Set-CsCertificate" "Path": "EffectiveDate", "Roll"
    ] {
        let world = World::new();
        let (old, full) = (world.old(), world.full());
        let line = format!("Set-CsCertificate -Type Default -Thumbprint {full}");
        world.refuses(&format!("{line} -Roll"), 1, "RollNeedsEffectiveDate");
        world.refuses(&format!("{line} -Roll -EffectiveDate 1/1/2020"), 1, "EffectiveDateOutOfRange");
        world.refuses(&format!("{line} -EffectiveDate 1/1/2100"), 1, "EffectiveDateOutOfRange");
        world.refuses(&format!("{line} -EffectiveDate 13/1/2030"), 1, "InvalidDate");
        let bound = world.bound_tls("Lync Server Front-End");
        let ran = world.run(&format!("{line} -Roll -EffectiveTime {WEEK}")).exits(0);
        warning(&ran, "NobodyPromotes");
        warning(&ran, "NoOverlap");
        assert_eq!((staged(&world, "Default").0, world.bound_tls("Lync Server Front-End")), (json!(full), bound));
        assert_eq!(world.emits("Get-CsCertificate -Type Default")[0]["Thumbprint"], json!(old));
        let shown = world.show("Get-CsCertificate -Type Default").exits(0).stdout;
        assert!(shown.contains("staged, due"), "{shown}");
        world.run(&format!("Request-CsCertificate -New -Type WebServicesInternal -KeyAlg ECDH_P256 | Set-CsCertificate -Type WebServicesInternal -EffectiveDate {WEEK}")).exits(0);
        assert_ne!(staged(&world, "WebServicesInternal").0, Value::Null);
        pfx(&world);
        world.run(&format!("Set-CsCertificate {PFX} -Identity local -Type WebServicesExternal -Roll -EffectiveDate {WEEK}")).exits(0);
        assert_ne!(staged(&world, "WebServicesExternal").0, Value::Null);
        // In the past and without -Roll it is assigned at once.
        world.run(&format!("{line} -EffectiveDate 1/1/2020")).exits(0);
        assert_eq!((world.emits("Get-CsCertificate -Type Default")[0]["Thumbprint"].clone(), staged(&world, "Default").0), (json!(full), Value::Null));
    }

    set_what_becomes_of_the_old_one [
        "Set-CsCertificate" "Thumbprint": "OnFailure", "Reason";
        "Set-CsCertificate" "CertificateReference": "OnFailure", "Reason";
        "Set-CsCertificate" "Path": "OnFailure", "Reason"
    ] {
        let world = World::new();
        let (old, full) = (world.old(), world.full());
        let line = |thumbprint: &str| format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}");
        world.refuses(&format!("{} -OnFailure Continue", line(&full)), 2, "CannotConvertArgument");
        world.refuses(&format!("{} -Reason KeyCompromise -EffectiveDate {WEEK}", line(&full)), 1, "ParameterArgumentValidationError");
        world.run(&format!("{} -OnFailure Hold -Reason Superseded", line(&full))).exits(0);
        world.run(&line(&old)).exits(0);
        world.run(&format!("Get-CsCertificate -Type Default | Out-Null; {} -Reason KeyCompromise", line(&full))).exits(0);
        world.refuses(&line(&old), 5, "CertificateBanned");
        pfx(&world);
        world.run(&format!("Set-CsCertificate {PFX} -Identity local -Type Default -OnFailure Undo -Reason KeyCompromise")).exits(0);
        world.refuses(&line(&full), 5, "CertificateBanned");
        world.refuses("Get-CsCertificate -Type WebServicesInternal | Set-CsCertificate -OnFailure Hold -Reason Superseded", 5, "CertificateBanned");
    }

    set_compatible_forced_reported [
        "Set-CsCertificate" "Thumbprint": "NetportId", "Force", "Report";
        "Set-CsCertificate" "CertificateReference": "NetportId", "Force", "Report"
    ] {
        let world = World::new();
        let full = world.full();
        let line = format!("Set-CsCertificate -Type Default -Thumbprint {full}");
        is_compatible(&world.run(&format!("{line} -NetportId 1 -Verbose -WhatIf")).exits(0), "NetportId");
        is_compatible(&world.run("Get-CsCertificate -Type Default | Set-CsCertificate -NetportId 1 -Verbose -WhatIf").exits(0), "NetportId");
        // Where no folder can be made, nothing is changed.
        world.lay("file", b"");
        world.refuses(&format!(r"{line} -Report C:\Certificates\file\report.html"), 1, "FileNotWritable");
        force_does_not_ask(&world, &line);
        reports(&world, &line, &["Set-CsCertificate", &full, "kenmyer"]);
        reports(&world, "Get-CsCertificate -Type Default | Set-CsCertificate -Force", &[&full]);
        // What fails is reported too.
        world.run(r"Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D -Report C:\Logs\no.xml").exits(1);
        let report = std::fs::read_to_string(world.file("drive_c/Logs/no.xml")).unwrap();
        assert!(report.contains("CertificateNotFound"), "{report}");
    }

    import_local ["Import-CsCertificate" "Local": "Path", "Password", "PrivateKeyExportable", "Force", "Report"] {
        let world = World::new();
        pfx(&world);
        let line = format!("Import-CsCertificate {PFX} -PrivateKeyExportable $true");
        let exportable = world.exportable_keys();
        world.refuses(&line.replace("P@ss", "wrong"), 1, "BadPassword");
        world.refuses(r"Import-CsCertificate -Path C:\Certificates\no.pfx", 1, "FileNotFound");
        world.refuses(&format!("{line} -Type Default"), 2, "AmbiguousParameterSet");
        let before = world.facts();
        world.run(&format!(r"{line} -WhatIf -Report C:\Logs\no.html")).exits(0);
        assert_eq!((world.facts(), world.file("drive_c/Logs").exists()), (before, false));
        world.refuses(&format!("$ConfirmPreference = 'Medium'; {line}"), 1, "NonInteractivePrompt");
        let ran = world.run(&format!(r"$ConfirmPreference = 'Medium'; {line} -Force -Report C:\Logs\import.xml")).exits(0);
        let thumbprint = text(&ran.objects()[0], "Thumbprint");
        assert_eq!(world.exportable_keys(), exportable + 1);
        let report = std::fs::read_to_string(world.file("drive_c/Logs/import.xml")).unwrap();
        let read: Vec<quick_xml::events::Event<'_>> = {
            let mut reader = quick_xml::Reader::from_str(&report);
            std::iter::from_fn(|| reader.read_event().ok().filter(|e| *e != quick_xml::events::Event::Eof)).collect()
        };
        assert!(read.len() > 20 && report.contains(&thumbprint) && !report.contains("P@ss"), "{report}");
        // A second time nothing is written.
        let before = world.facts();
        assert_eq!(text(&world.emits(&line)[0], "Thumbprint"), thumbprint);
        assert_eq!(world.facts(), before);
    }

    import_and_assign ["Import-CsCertificate" "CMS": "Path", "Password", "Identity", "Type", "Force", "Report"] {
        let world = World::new();
        pfx(&world);
        world.run("Remove-CsCertificate -Type Default -Force").exits(0);
        let line = format!("Import-CsCertificate {PFX} -Identity Global -Type Default");
        let before = world.facts();
        world.refuses(&line.replace("P@ss", "wrong"), 1, "BadPassword");
        world.refuses(&format!("Import-CsCertificate {PFX} -Identity Global"), 2, "MissingMandatoryParameter");
        world.refuses(&format!("{line} -PrivateKeyExportable $true"), 2, "AmbiguousParameterSet");
        world.refuses(&line.replace("Default", "Internal"), 1, "UseNotValidForRole");
        assert_eq!(world.facts(), before);
        world.refuses(&format!("$ConfirmPreference = 'Medium'; {line}"), 1, "NonInteractivePrompt");
        let ran = world.run(&format!(r"$ConfirmPreference = 'Medium'; {line} -Force -Report C:\Logs\import.html")).exits(0);
        let record = &ran.objects()[0];
        assert_eq!((&record["Use"], &record["SourceScope"]), (&json!("Default"), &json!("Global")));
        assert_eq!(world.bound_tls("Lync Server Front-End"), Some(text(record, "Thumbprint")));
        assert!(world.file("drive_c/Logs/import.html").is_file());
    }

    import_staged ["Import-CsCertificate" "Local": "EffectiveDate", "Roll"; "Import-CsCertificate" "CMS": "EffectiveDate", "Roll"] {
        let world = World::new();
        pfx(&world);
        let local = format!("Import-CsCertificate {PFX}");
        world.refuses(&format!("{local} -Roll"), 1, "RollNeedsEffectiveDate");
        world.refuses(&format!("{local} -EffectiveTime 1/1/2100"), 1, "EffectiveDateOutOfRange");
        let global = format!("{local} -Identity global -Type OAuthTokenIssuer");
        world.refuses(&format!("{global} -Roll"), 1, "RollNeedsEffectiveDate");
        world.refuses(&format!("{global} -EffectiveDate 1/1/2100"), 1, "EffectiveDateOutOfRange");
        let ran = world.run(&format!("{global} -Roll -EffectiveTime {WEEK}")).exits(0);
        let record = &ran.objects()[0];
        assert_eq!((&record["Use"], &record["SourceScope"]), (&json!("OAuthTokenIssuer"), &json!("Global")));
        assert_eq!(staged(&world, "OAuthTokenIssuer").0, record["Thumbprint"]);
        // No use is named: there is nothing to stage, and that is said.
        let ran = world.run(&format!("{local} -Roll -EffectiveDate {WEEK}")).exits(0);
        warning(&ran, "NothingStaged");
    }

    remove_what ["Remove-CsCertificate" "": "Type", "Identity", "Previous", "Staged"] {
        let world = World::new();
        let (old, full) = (world.old(), world.full());
        world.run(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {full}")).exits(0);
        world.run(&format!("Set-CsCertificate -Type Default -Thumbprint {old} -EffectiveDate {WEEK}")).exits(0);
        let previous = || world.emits("Get-CsCertificate -Type Default")[0]["PreviousThumbprint"].clone();
        assert_eq!((previous(), staged(&world, "Default").0), (json!(old), json!(old)));
        let bound = world.bound_tls("Lync Server Front-End");
        world.run("Remove-CsCertificate -Type Default -Previous -Confirm:$false").exits(0);
        world.run("Remove-CsCertificate -Type Default -Staged -Confirm:$false").exits(0);
        assert_eq!((previous(), staged(&world, "Default").0), (Value::Null, Value::Null));
        assert_eq!(world.bound_tls("Lync Server Front-End"), bound);
        for switch in ["-Previous", "-Staged", "-Identity global"] {
            let ran = world.run(&format!("Remove-CsCertificate -Type Default {switch} -Confirm:$false")).exits(1);
            assert_eq!(said(&ran, "error")[0]["id"], "NotAssigned", "{switch}");
        }
        world.refuses("Remove-CsCertificate -Type Default -Previous -Staged -Force", 1, "ParameterArgumentValidationError");
        world.refuses("Remove-CsCertificate site:1", 1, "ParameterArgumentValidationError");
        // One of two is not assigned: an error, and the other one goes.
        let ran = world.run("Remove-CsCertificate -Type OAuthTokenIssuer,WebServicesExternal -Confirm:$false").exits(1);
        assert_eq!(said(&ran, "error").len(), 1, "{ran:#?}");
        assert_eq!(world.assigned().len(), 2);
        // Without -Type it is all that is left, after one question.
        world.refuses("Remove-CsCertificate", 1, "NonInteractivePrompt");
        world.run("Remove-CsCertificate -Confirm:$false").exits(0);
        assert!(world.assigned().is_empty());
    }

    remove_compatible_forced_reported ["Remove-CsCertificate" "": "NetportId", "Force", "Report"] {
        let world = World::new();
        is_compatible(&world.run("Remove-CsCertificate -Type Default -NetportId 1 -Verbose -WhatIf").exits(0), "NetportId");
        world.refuses("Remove-CsCertificate -Type Default", 1, "NonInteractivePrompt");
        reports(&world, "Remove-CsCertificate -Type Default -Force", &["Remove-CsCertificate", "Default"]);
        // What is not an end of it is silent with -Force.
        let ran = world.run("Remove-CsCertificate -Type Default -Force").exits(0);
        assert!(said(&ran, "error").is_empty(), "{ran:#?}");
    }
}
