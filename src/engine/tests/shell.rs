//! Binding, pipelines and verbs of the engine as an operator types them.

use std::sync::atomic::Ordering;

use super::world::{OLD, World, fails, out};
use crate::command::{Stream, Value};
use crate::error::ErrorId;
use crate::model::Zone;

/// The id of a text's error, and its exit code.
fn id(text: &str) -> (&'static str, u8) {
    let error = fails(text);
    (error.id().name(), error.exit().code())
}

#[test]
fn faults_of_a_command_are_found_before_anything_runs() {
    for (line, wanted) in [
        ("Get-CsCertificate -Type Defualt", "CannotConvertArgument"),
        ("Get-CsCertificate -Foo 1", "NamedParameterNotFound"),
        ("Get-CsCertificat", "CommandNotFoundException"),
        ("Get-CsCertifcate -Type Default", "CommandNotFoundException"),
        ("Get-CsCertificate | Sort-Objct NotAfter", "CommandNotFoundException"),
        ("Request-CsCertificate -New -CA dc01.contoso.net\\contoso-DC01-CA", "MissingMandatoryParameter"),
        ("Request-CsCertificate -New -Type Default -CA", "MissingArgument"),
        ("Request-CsCertificate -CaAccount x -C y", "AmbiguousParameter"),
        ("Request-CsCertificate", "AmbiguousParameterSet"),
        ("Request-CsCertificate -New -List", "AmbiguousParameterSet"),
        ("Get-CsCertificate -Type Default -Type Default", "ParameterAlreadyBound"),
        ("Get-CsCertificate global stray", "PositionalParameterNotFound"),
        ("Get-X -Count many", "CannotConvertArgument"),
        ("Get-X -ErrorAction Suspend", "CannotConvertArgument"),
        ("Get-CsCertificate -WhatIf", "NamedParameterNotFound"),
        ("let = 5", "ParseError"),
        ("Get-X -Path 'open", "ParseError"),
    ] {
        let world = World::new();
        let error = world.fails(&format!("Write-Host started\n{line}"));
        assert_eq!((error.id().name(), error.exit().code()), (wanted, 2), "{line}: {}", error.message());
        assert_eq!(error.position().map(|p| p.line), Some(2), "{line}");
        assert!(world.ear.texts(Stream::Host).is_empty(), "{line} ran");
        let world = World::new();
        let caught = world.fails(&format!("try {{\n{line}\n}} catch {{ Write-Host caught }}"));
        assert_eq!(caught.exit().code(), 2, "{line}");
    }
}

#[test]
fn every_fault_is_reported_with_its_place() {
    let world = World::new();
    let text = "Get-CsCertificate -Type Defualt\nGet-X -Count many\nRequest-CsCertificate";
    let errors = world.engine.check(text, Some("a.rhai")).unwrap_err();
    let places: Vec<(u32, u32)> = errors.iter().map(|e| e.position().map(|p| (p.line, p.column)).unwrap()).collect();
    assert_eq!(places, [(1, 25), (2, 14), (3, 1)]);
    assert!(errors[0].message().contains("WebServicesInternal"), "{}", errors[0].message());
    assert!(world.engine.check("Get-X -Count 5", None).is_ok());
}

#[test]
fn near_names_are_offered() {
    assert!(fails("Get-CsCertificat").hints().iter().any(|h| h.contains("`Get-CsCertificate`")));
    assert!(
        fails("let x = 1;\nGet-CsCertifcate -Type Default").hints().iter().any(|h| h.contains("`Get-CsCertificate`"))
    );
    assert!(fails("Get-CsCertificate -Tipe Default").hints().iter().any(|h| h.contains("-Type")));
    let error = fails("(Get-CsCertificate -Type Default).Thumprint");
    assert_eq!(error.id(), ErrorId::PathNotFound);
    assert!(error.hints().iter().any(|h| h.contains("`Thumbprint`")), "{:?}", error.hints());
    assert_eq!(out("let Total = 5; let Count = 2; Total-Count"), ["3"]);
}

#[test]
fn the_same_faults_in_values_of_a_run_are_thrown() {
    assert_eq!(id("$t = 'Defualt'\nGet-CsCertificate -Type $t"), ("CannotConvertArgument", 1));
    assert_eq!(id("$p = @{ Foo = 1 }; Get-CsCertificate @p"), ("NamedParameterNotFound", 1));
    assert_eq!(id("$p = @{ Type = 'Default' }; Get-CsCertificate @p -Type Default"), ("ParameterAlreadyBound", 1));
    assert_eq!(id("$p = @{ CA = 'x' }; Request-CsCertificate -New @p"), ("MissingMandatoryParameter", 1));
    assert_eq!(id("\"x\" | Get-CsCertificate"), ("InputObjectNotBound", 1));
    assert_eq!(id("5 | Set-CsCertificate -Type Default"), ("InputObjectNotBound", 1));
    assert_eq!(id("Set-CsCertificate -Type Default -Thumbprint 00 -EffectiveDate 13/1/2026"), ("InvalidDate", 1));
    let error = fails("let t = \"Defualt\";\nGet-CsCertificate -Type $t");
    assert_eq!(error.position().map(|p| (p.line, p.column)), Some((2, 25)));
    assert_eq!(error.fully_qualified_id(), "CannotConvertArgument,Get-CsCertificate");
}

#[test]
fn maps_and_lists_are_splatted() {
    let line = format!(
        "$p = @{{ Type = 'Default','WebServicesInternal'; Thumbprint = '{OLD}' }}; Set-CsCertificate @p | % Use"
    );
    assert_eq!(out(&line), ["Default", "WebServicesInternal"]);
    assert_eq!(out("$a = @('here'); Get-CsCertificate @a | select -First 1 | % Use"), ["Default"]);
    assert_eq!(out("$p = @{ Path = 'a' }; Get-X @p -Filter b"), ["Filter=b;Path=a"]);
}

#[test]
fn pipelines_bind_by_value_and_by_name() {
    assert_eq!(
        out("Get-CsCertificate -Type Default | Set-CsCertificate -Type WebServicesExternal | % Use"),
        ["WebServicesExternal"]
    );
    let line = format!("#{{ Thumbprint: \"{OLD}\" }} | Set-CsCertificate -Type Default | % Use");
    assert_eq!(out(&line), ["Default"]);
    assert_eq!(out("@(1, 2) | Get-X"), ["Type=1", "Type=2"]);
    assert_eq!(id("[1, 2] | Get-X -Type 5"), ("InputObjectNotBound", 1));
}

#[test]
fn switches_and_common_parameters() {
    assert_eq!(out("Get-X -Flag -Path a"), ["Flag=True;Path=a"]);
    assert_eq!(out("Get-X -Flag:$false -Path a"), ["Flag=False;Path=a"]);
    let world = World::new();
    assert_eq!(world.out("Get-X -Path a -OutBuffer 5 -NetportId z -Verbose"), ["Path=a;NetportId=z"]);
    let verbose = world.ear.texts(Stream::Verbose);
    assert!(
        verbose.iter().any(|v| v.contains("-OutBuffer")) && verbose.iter().any(|v| v.contains("-NetportId")),
        "{verbose:?}"
    );
    let world = World::new();
    world.run("Get-X -OutBuffer 5");
    assert!(world.ear.texts(Stream::Verbose).is_empty());
}

#[test]
fn variables_that_commands_fill() {
    assert_eq!(
        out("Get-CsCertificate -OutVariable all | Out-Null\nWrite-Output $all.Count\n$all[0].Use"),
        ["3", "Default"]
    );
    assert_eq!(out("Get-X -Path a -ov got | Out-Null\nWrite-Output $got"), ["Path=a"]);
    assert_eq!(
        out("$ev = $null\nTest-Failure -Reported -ErrorVariable ev -ErrorAction SilentlyContinue\n$ev.Count"),
        ["after", "1"]
    );
    assert_eq!(out("Get-X -Path a -ov got | Out-Null; Get-X -Path b -ov +got | Out-Null\n$got.Count"), ["2"]);
}

#[test]
fn conditions_and_selections() {
    assert_eq!(out("Get-CsCertificate | where Use -eq default | % Use"), ["Default"]);
    assert_eq!(
        out("Get-CsCertificate | where Use -like \"*External\" | where Thumbprint -ne x | % Use"),
        ["WebServicesExternal"]
    );
    assert_eq!(out("Get-CsCertificate | ? { $_.Issuer -eq \"cn=CONTOSO-dc01-ca, dc=contoso, dc=net\" }").len(), 3);
    assert_eq!(out("Get-CsCertificate | ? { $_.Issuer -ceq \"cn=CONTOSO-dc01-ca, dc=contoso, dc=net\" }").len(), 0);
    assert_eq!(out("Get-CsCertificate -Type Default | Select-Object -ExpandProperty AlternativeNames").len(), 3);
    assert_eq!(out("(Get-CsCertificate | ? {$_.Use -eq \"Default\"})[0].Thumbprint"), [OLD]);
    assert_eq!(out("1..=5 | select -Skip 1 -First 2"), ["2", "3"]);
    assert_eq!(out("1..=5 | select -Last 2"), ["4", "5"]);
    assert_eq!(out("'a','b','a' | select -Unique"), ["a", "b"]);
    assert_eq!(out("'b','a','C' | Sort-Object"), ["a", "b", "C"]);
    assert_eq!(out("@(10, 9, 100) | sort -Descending"), ["100", "10", "9"]);
    assert_eq!(
        out("Get-CsCertificate | Sort-Object NotAfter, Use -Descending | % Use"),
        ["WebServicesInternal", "WebServicesExternal", "Default"]
    );
    assert_eq!(out("'a','bb','cc' | Group-Object Length | % Count"), ["1", "2"]);
    assert_eq!(out("1..=4 | Measure-Object -Sum -Average | % { `${$_.Sum} ${$_.Average} ${$_.Count}` }"), ["10 2.5 4"]);
    assert_eq!(id("Get-CsCertificate | where Tipe -eq x"), ("PathNotFound", 1));
    assert_eq!(id("Get-CsCertificate | sort Tipe"), ("PathNotFound", 1));
}

#[test]
fn selected_properties_keep_their_order() {
    let outcome = World::new().run("Get-CsCertificate -Type Default | Select-Object Use, thumbprint, *After, @{ Name = 'Days'; Expression = { ($_.NotAfter - (Get-Date)).Days } }");
    let Value::Object(record) = &outcome.objects[0] else { panic!() };
    let names: Vec<&str> = record.kind().properties.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["Use", "Thumbprint", "NotAfter", "Days"]);
    assert_eq!(record.value(3).display(&Zone::utc()), "37");
}

#[test]
fn the_first_object_is_out_at_once_and_first_stops_what_is_before() {
    let world = World::new();
    assert_eq!(world.out("Get-Many 1000000 | ? { $_ % 2 == 1 } | select -First 2"), ["1", "3"]);
    assert_eq!(world.made.load(Ordering::SeqCst), 4);
    assert_eq!(world.out("Get-Many 10 | select -First 2 | ForEach-Object { $_ * 10 }"), ["0", "10"]);
    assert_eq!(world.out("Get-Many 10 | select -First 3 | Sort-Object -Descending"), ["2", "1", "0"]);
    assert_eq!(world.out("Get-Many 10 | select -First 0"), Vec::<String>::new());
}

#[test]
fn blocks_run_commands_three_deep() {
    let line = "1..=2 | ForEach-Object { $a = $_; 1..=2 | ForEach-Object { $b = $_; Get-CsCertificate -Type Default | ForEach-Object { \"$a$b $($_.Use)\" } } }";
    assert_eq!(out(line), ["11 Default", "12 Default", "21 Default", "22 Default"]);
    let line = "Get-CsCertificate | ForEach-Object { Set-CsCertificate -Type $_.Use -Thumbprint $_.Thumbprint | ForEach-Object { Get-CsCertificate -Type $_.Use | ForEach-Object { Write-Output $_.Use } } }";
    assert_eq!(out(line), ["Default", "WebServicesInternal", "WebServicesExternal"]);
}

#[test]
fn member_enumeration_and_methods() {
    assert_eq!(
        out("let certs = Get-CsCertificate; certs.Use"),
        ["Default", "WebServicesInternal", "WebServicesExternal"]
    );
    assert_eq!(out("$certs = Get-CsCertificate\n$certs.thumbprint.Count"), ["3"]);
    assert_eq!(out("(Get-CsCertificate -Type OAuthTokenIssuer).Thumbprint | % { 1 }"), Vec::<String>::new());
    assert_eq!(out("(Get-CsCertificate -Type Default).Thumbprint.ToLower().Substring(0, 4)"), ["466d"]);
    assert_eq!(out("(Get-CsCertificate).Count"), ["3"]);
    assert_eq!(out("(Get-CsCertificate -Type Default).Count"), ["1"]);
    assert_eq!(out("(Get-Date).ToString('yyyy-MM-dd')"), ["2026-11-23"]);
    assert_eq!(out("'pool01' | % ToUpper"), ["POOL01"]);
}

#[test]
fn verbs_are_functions_too() {
    assert_eq!(out("get_cs_certificate(#{ Type: \"Default\" }).Use"), ["Default"]);
    assert_eq!(out("get_tls_certificate(\"global\").len()"), ["3"]);
    assert_eq!(out("get_certificate().len()"), ["3"]);
    assert_eq!(out("get_x([1, 2], #{ Path: \"p\" })"), ["Path=p;Type=1 2"]);
    assert_eq!(out("get_cs_certificate(); ()"), Vec::<String>::new());
    let error = fails("let x = 1;\n  get_cs_certificate(#{ Tipe: 1 })");
    assert_eq!(error.id(), ErrorId::NamedParameterNotFound);
    assert_eq!(error.position().map(|p| (p.line, p.column)), Some((2, 3)));
}

#[test]
fn texts_of_values_show_no_rust() {
    assert_eq!(out("let c = Get-CsCertificate -Type Default; `${c.NotAfter}`"), ["12/31/2026 6:00:00 PM"]);
    let world = World::new();
    world.run("print(Get-CsCertificate -Type Default); print(get_date()); print([get_date()]); print(|x| x); debug(get_cs_certificate(#{Type: \"Default\"}))");
    for text in world.ear.texts(Stream::Host).into_iter().chain(world.ear.texts(Stream::Debug)) {
        assert!(!text.contains("::") && !text.contains("certlet"), "{text}");
    }
    for text in [
        "let c = Get-CsCertificate -Type Default; c + 1",
        "(Get-Date) * 2",
        "foo(get_date(), 1, \"a\", [], #{})",
        "[1] + get_date().x",
        "let d = get_date(); d.foo = 5",
        "5.foo()",
        "for x in get_date() { }",
        "let a = 5; a[0] = get_date()",
    ] {
        let message = fails(text).message().to_owned();
        assert!(
            !message.contains("::") && !message.contains("i64") && !message.contains("certlet"),
            "{text}: {message}"
        );
    }
    assert_eq!(out("#{ a: get_date(), b: [1] }.to_json()"), ["{\"a\":\"2026-11-23T20:50:00Z\",\"b\":[1]}"]);
}

#[test]
fn the_verbs_of_the_engine() {
    assert_eq!(out("Get-CsCertificate | Out-Null"), Vec::<String>::new());
    assert_eq!(out("Get-CsCertificate | ConvertTo-Json -Compress | % { $_.Length -gt 100 }"), ["True"]);
    assert_eq!(out("1..=3 | ConvertTo-Json -Compress"), ["[1,2,3]"]);
    assert_eq!(out("Write-Output a, b | Out-String").len(), 1);
    assert_eq!(out("Get-Date -Format 'yyyy'"), ["2026"]);
    let world = World::new();
    world.run("Write-Host a");
    world.run("Write-Warning w; Write-Verbose v; Write-Verbose shown -Verbose");
    assert_eq!(world.ear.texts(Stream::Host), ["a"]);
    assert_eq!(world.ear.texts(Stream::Warning), ["w"]);
    assert_eq!(world.ear.texts(Stream::Verbose), ["shown"]);
    let outcome = world.run("ConvertTo-SecureString -String P@ss -AsPlainText -Force");
    assert!(matches!(&outcome.objects[0], Value::Secret(s) if s.expose() == "P@ss"));
    assert_eq!(id("Read-Host Name"), ("NonInteractivePrompt", 1));
    assert_eq!(World::asked(&["kenmyer"]).out("Read-Host Name"), ["kenmyer"]);
    let outcome = world.run("Get-CsCertificate -Type Default | fl Use, @{n='Days';e={1}}");
    let Value::Object(record) = &outcome.objects[0] else { panic!() };
    let formatted = record.as_any().downcast_ref::<crate::format::Formatted>().unwrap();
    assert_eq!((formatted.directive.properties.len(), formatted.computed.len()), (2, 1));
}

#[test]
fn every_example_of_the_engines_verbs_does_what_it_says() {
    use crate::command::Expect;
    for verb in crate::engine::pipeline::verbs::all() {
        for example in verb.spec.examples {
            let world = World::new();
            match (world.engine.eval(example.line), example.expect) {
                (Ok(outcome), Expect::Emits(n) | Expect::Changes(n)) => {
                    assert_eq!(outcome.objects.len(), n, "{}", example.line);
                }
                (Ok(outcome), Expect::EmitsSome) => assert!(!outcome.objects.is_empty(), "{}", example.line),
                (Err(error), Expect::Fails(id)) => assert_eq!(error.id(), id, "{}", example.line),
                (result, expected) => panic!("{}: {result:?}, not {expected:?}", example.line),
            }
        }
    }
}

#[test]
fn secrets_stay_out_of_messages() {
    let world = World::new();
    for text in [
        "$s = ConvertTo-SecureString 'hunter<two>' -AsPlainText -Force\nGet-X -Count $s",
        "$s = ConvertTo-SecureString 'hunter<two>' -AsPlainText -Force\n$s.Foo",
        "$s = ConvertTo-SecureString 'hunter<two>' -AsPlainText -Force\n$s + 1",
        "$p = @{ String = 'hunter<two>' }\nConvertTo-SecureString @p",
        "$s = ConvertTo-SecureString 'hunter<two>' -AsPlainText -Force\nthrow $s",
    ] {
        let error = world.fails(text);
        let said = format!("{error:?} {:?} {:?}", world.ear.errors(), world.engine.failure().map(|f| f.frames));
        assert!(!said.contains("hunter"), "{text}: {said}");
    }
    assert_eq!(
        world.out("$s = ConvertTo-SecureString x -AsPlainText; Write-Output \"$s\""),
        ["System.Security.SecureString"]
    );
    assert_eq!(world.out("ConvertTo-SecureString x -AsPlainText | ConvertTo-Json"), ["null"]);
}

#[test]
fn somebody_is_asked_for_what_is_missing() {
    let world = World::asked(&["Default,WebServicesInternal"]);
    assert_eq!(world.out("Request-CsCertificate -New -CA x\\y"), ["ByNew x\\y []"]);
}
