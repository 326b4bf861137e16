//! `Invoke-TlsRenewal`: when, with what, and what becomes of it when it fails.

use certlet::command::Value;
use certlet::{ErrorId, ExitCode};

use super::{Later, text};
use crate::world::{CA, THREE, World};

#[test]
fn what_is_due_is_renewed_once_and_proven() {
    let world = Later::new();
    let old = world.only();
    let asked = world.requests();
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert_eq!((world.only(), world.requests()), (old.clone(), asked));
    // Of its 20 days, less than a third is left.
    world.days(14);
    assert!(world.emits("Invoke-TlsRenewal -WhatIf").is_empty());
    assert_eq!((world.only(), world.requests()), (old.clone(), asked));
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!(renewed.len(), 1);
    let new = world.only();
    assert_eq!(
        ["Outcome", "Thumbprint", "PreviousThumbprint", "CA"].map(|p| text(&renewed[0], p)),
        ["Renewed", new.as_str(), old.as_str(), CA]
    );
    assert_eq!(renewed[0].property("Uses").unwrap().items().len(), 3);
    assert_eq!(world.requests(), asked + 1);
    let same =
        "Find-TlsCertificate | Sort-Object AlternativeNames | Select-Object Thumbprint, KeyAlgorithm, KeySize, Subject";
    let both = world.emits(same);
    assert_eq!(both.len(), 2);
    for property in ["KeyAlgorithm", "KeySize", "Subject"] {
        assert_eq!(text(&both[0], property), text(&both[1], property));
    }
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert_eq!((world.only(), world.requests()), (new.clone(), asked + 1));
    let green = world.emits("Get-TlsStatus");
    assert_eq!((green.len(), text(&green[0], "State").as_str()), (1, "Green"));
    // And there is a way back as long as the old one is good.
    world.emits("Undo-TlsChange");
    assert_eq!(world.only(), old);
}

#[test]
fn it_asks_for_the_same_as_before() {
    let world = Later::new();
    let first = format!(
        "Request-CsCertificate -New -Type {THREE} -CA {CA} -Template jcila -PrivateKeyExportable $true -KeyAlg ECDH_P384 \
         -DomainName 'extra.contoso.com,lyncdiscover.contoso.com' -ExcludeComputedName admin.contoso.com -Organization Contoso \
         -FriendlyName 'For the pool'"
    );
    let first = text(&world.emits(&first)[0], "Thumbprint");
    world.set(&first);
    let renewed = world.emits("Invoke-TlsRenewal -Type Default");
    assert_eq!(text(&renewed[0], "PreviousThumbprint"), first);
    let all = world.emits("Get-CsCertificate -Type Default");
    let one = &all[0];
    assert_ne!(text(one, "Thumbprint"), first);
    let names: Vec<String> = one
        .property("AlternativeNames")
        .unwrap()
        .items()
        .iter()
        .map(|n| n.display(&certlet::model::Zone::utc()))
        .collect();
    assert!(names.contains(&"extra.contoso.com".to_owned()) && names.contains(&"lyncdiscover.contoso.com".to_owned()));
    assert!(!names.contains(&"admin.contoso.com".to_owned()), "{names:?}");
    assert_eq!(text(one, "KeySize"), "384");
    assert!(text(one, "Subject").contains("O=Contoso"), "{}", text(one, "Subject"));
    assert!(text(one, "FriendlyName").starts_with("For the pool"));
    let export = format!("Export-PfxCertificate -Cert {} -FilePath C:\\x.pfx -Password abc", text(one, "Thumbprint"));
    world.emits(&export);
    let rows = world.session.state().unwrap().requests().unwrap();
    assert_eq!(rows.last().unwrap().template, "jcila");
    assert!(rows.last().unwrap().replaces.is_some());
}

#[test]
fn a_reload_that_fails_costs_one_certificate_and_the_next_run_deploys_it() {
    let world = Later::with_files();
    let old = world.only();
    world.set(&old);
    let asked = world.requests();
    world.days(14);
    world.break_reload();
    let came = world.refuses("Invoke-TlsRenewal", ExitCode::PutBack, ErrorId::ReloadFailed);
    assert!(came.objects.is_empty());
    assert!(came.hints.iter().any(|h| h.contains("Invoke-TlsRenewal")), "{:?}", came.hints);
    assert_eq!((world.only(), world.requests()), (old.clone(), asked + 1));
    let waits = world.emits("Get-TlsStatus | Where-Object Check -eq NotDeployed");
    assert_eq!(waits.len(), 1);
    let kept = text(&waits[0], "Thumbprint");
    // Broken again: nobody is asked again.
    world.break_reload();
    world.refuses("Invoke-TlsRenewal", ExitCode::PutBack, ErrorId::ReloadFailed);
    assert_eq!(world.requests(), asked + 1);
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!((text(&renewed[0], "Outcome").as_str(), text(&renewed[0], "Thumbprint")), ("Deployed", kept.clone()));
    assert_eq!((world.only(), world.requests()), (kept, asked + 1));
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
}

#[test]
fn what_was_begun_is_ended_due_or_not() {
    let world = Later::with_files();
    world.set(&world.only());
    let asked = world.requests();
    world.break_reload();
    world.refuses("Invoke-TlsRenewal -Type Default", ExitCode::PutBack, ErrorId::ReloadFailed);
    let ended = world.emits("Invoke-TlsRenewal");
    assert_eq!(text(&ended[0], "Outcome"), "Deployed");
    assert_eq!(world.requests(), asked + 1);
    // What an operator undoes was ended, and is not begun.
    world.emits("Undo-TlsChange");
    let old = world.only();
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert_eq!(world.only(), old);
}

#[test]
fn one_that_was_requested_by_hand_is_taken() {
    let world = Later::new();
    let by_hand = world.request("");
    let asked = world.requests();
    world.days(14);
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!((text(&renewed[0], "Outcome").as_str(), text(&renewed[0], "Thumbprint")), ("Deployed", by_hand.clone()));
    assert_eq!((world.only(), world.requests()), (by_hand, asked));
}

#[test]
fn one_failure_does_not_stop_the_others() {
    let world = Later::with_files();
    let old = world.only();
    world.set(&old);
    let own =
        text(&world.emits("Request-CsCertificate -New -Type WebServicesExternal -KeyAlg ECDH_P256")[0], "Thumbprint");
    world.emits(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {own}"));
    world.break_reload();
    let came = world.run(&format!("Invoke-TlsRenewal -Type {THREE}"));
    assert_eq!((came.exit, came.errors.as_slice()), (ExitCode::PutBack, &[ErrorId::ReloadFailed][..]));
    assert_eq!(came.objects.len(), 1);
    let assigned = world.assigned();
    assert!(assigned[0].1 != old && assigned[1].1 == assigned[0].1 && assigned[2].1 == own, "{assigned:?}");
    // With the error as the end, it is the end.
    world.break_reload();
    let came = world.run("Invoke-TlsRenewal -Type WebServicesExternal -ErrorAction Stop");
    assert_eq!(came.exit, ExitCode::PutBack);
}

#[test]
fn nobody_knows_whom_to_ask_for_a_foreign_certificate() {
    let (world, foreign) = (World::new(), crate::cases::foreign::Foreign::new());
    world.trust(&foreign.root);
    let own = world.import("server.pem", &foreign.server().both());
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {own}"));
    let error = world.refuses("Invoke-TlsRenewal -Type Default", 1, "CaNotSpecified");
    assert!(error["hints"].to_string().contains("-CA"), "{error}");
    let renewed = world.emits(&format!("Invoke-TlsRenewal -Type Default -CA {CA}"));
    assert_eq!(renewed[0]["PreviousThumbprint"], own.as_str());
    assert_eq!(renewed[0]["CA"], CA);
    world.refuses("Invoke-TlsRenewal -Type Default -CA nohost\\x", 1, "CaUnreachable");
    world.refuses("Invoke-TlsRenewal -Type AudioVideoAuthentication", 1, "NotAssigned");
}

#[test]
fn one_that_waits_for_a_manager_is_asked_about_and_not_asked_for_again() {
    let world = World::new();
    let becomes = |from: &str, to: &str| {
        world.edit("certlet.toml", &format!("principal = 'contoso\\{from}'"), &format!("principal = 'contoso\\{to}'"));
    };
    let approve = |number: &str| {
        becomes("kenmyer", "caadmin");
        world.edit("certlet.toml", "administrators = ['contoso\\kenmyer']", "administrators = ['contoso\\caadmin']");
        world.emits(&format!("Approve-CertificateRequest -RequestId {number}"));
        world.edit("certlet.toml", "administrators = ['contoso\\caadmin']", "administrators = ['contoso\\kenmyer']");
        becomes("caadmin", "kenmyer");
    };
    world.request(&format!("-Type {THREE} -Template WebServerApproval -KeyAlg ECDH_P256"));
    approve("41");
    let first = world.emits("Request-CsCertificate -Retrieve")[0]["Thumbprint"].as_str().unwrap().to_owned();
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {first}"));
    let pending = world.emits("Invoke-TlsRenewal -Type Default");
    assert_eq!(pending[0]["Outcome"], "Pending");
    // Due or not: what was begun is asked about.
    let pending = world.emits("Invoke-TlsRenewal");
    assert_eq!(pending[0]["Outcome"], "Pending");
    assert_eq!(world.emits("Request-CsCertificate -List").len(), 2);
    let waits = world.emits("Get-TlsStatus | Where-Object Check -eq RequestPending");
    assert_eq!(waits[0]["Remedy"], "Request-CsCertificate -Retrieve -RequestId 42");
    approve("42");
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!(
        (&renewed[0]["Outcome"], &renewed[0]["PreviousThumbprint"]),
        (&"Renewed".into(), &first.as_str().into())
    );
    assert_eq!(world.emits("Request-CsCertificate -List").len(), 2);
    assert!(world.assigned().iter().all(|(_, t)| renewed[0]["Thumbprint"] == t.as_str()));
}

#[test]
fn a_renewal_never_serves_less_than_before_and_asks_once() {
    let world = Later::new();
    // The authority answers with the computer's own name alone.
    let from = "name = \"WebServer\"                      # requests name it so, not by its display name\n";
    let full = world.request("");
    world.set(&full);
    let path = world.folder.path().join("certlet.toml");
    let changed = std::fs::read_to_string(&path).unwrap();
    assert!(changed.contains(from));
    std::fs::write(&path, changed.replace(from, "name = \"WebServer\"\nsubject = \"Directory\"\n")).unwrap();
    let run = |line: &str| {
        let shell = crate::common::Shell::new().arg("--home").arg(world.folder.path());
        shell.args(["--json", "-c", line]).run()
    };
    let asked = world.requests();
    for _ in 0..2 {
        let ran = run("Invoke-TlsRenewal -Type Default").exits(5);
        assert_eq!(crate::world::said(&ran, "error")[0]["id"], "PolicyRefused");
        assert_eq!(world.requests(), asked + 1);
    }
    assert_eq!(world.only(), full);
}

#[test]
fn a_random_delay_is_a_length_of_time() {
    let world = Later::new();
    assert!(world.emits("Invoke-TlsRenewal -RandomDelay 5ms").is_empty());
    world.refuses("Invoke-TlsRenewal -RandomDelay soon", ExitCode::Failed, ErrorId::CannotConvertArgument);
    let none: Vec<Value> = world.emits("Invoke-TlsRenewal -RandomDelay 10h -WhatIf");
    assert!(none.is_empty());
}

#[test]
fn what_lacks_what_the_old_one_lacks_is_deployed_and_not_ordered_again() {
    // The authority answers with the computer's own name alone, and always did.
    let from = "name = \"WebServer\"                      # requests name it so, not by its display name\n";
    let world = Later::with_files_and(&[(from, "name = \"WebServer\"\nsubject = \"Directory\"\n")]);
    let poor = world.request("");
    world.set(&poor);
    world.break_reload();
    world.refuses("Invoke-TlsRenewal -Type Default", ExitCode::PutBack, ErrorId::ReloadFailed);
    let asked = world.requests();
    world.break_reload();
    world.refuses("Invoke-TlsRenewal", ExitCode::PutBack, ErrorId::ReloadFailed);
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!((text(&renewed[0], "Outcome").as_str(), world.requests()), ("Deployed", asked));
    assert_ne!(world.only(), poor);
}

#[test]
fn what_the_clients_do_not_trust_is_ordered_once() {
    let world = Later::web();
    let home = world.folder.path();
    std::fs::write(home.join("clients.pem"), crate::cases::foreign::Foreign::new().root).unwrap();
    let path = home.join("topology.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("wildcard = false }"));
    std::fs::write(path, text.replace("wildcard = false }", "wildcard = false, chain_to = \"clients.pem\" }")).unwrap();
    let run = |line: &str| {
        let shell = crate::common::Shell::new().arg("--home").arg(home);
        shell.args(["--json", "-c", line]).run()
    };
    let asked = |run: &dyn Fn(&str) -> crate::common::Ran| run("Request-TlsCertificate -List").exits(0).objects().len();
    let before = asked(&run);
    for _ in 0..3 {
        let ran = run("Invoke-TlsRenewal -Type Shop").exits(1);
        assert_eq!(crate::world::said(&ran, "error")[0]["id"], "UntrustedChain");
        assert_eq!(asked(&run), before + 1);
    }
    // What was mended is taken up.
    let path = home.join("topology.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace(", chain_to = \"clients.pem\" }", " }")).unwrap();
    assert_eq!(run("Invoke-TlsRenewal").exits(0).objects()[0]["Outcome"], "Deployed");
    assert_eq!(asked(&run), before + 1);
}

#[test]
fn nothing_is_ordered_by_a_clock_that_went_back() {
    let world = Later::new();
    world.days(14);
    world.emits("Invoke-TlsRenewal");
    let (ahead, asked) = (world.only(), world.requests());
    world.days(-14);
    world.refuses("Invoke-TlsRenewal", ExitCode::Failed, ErrorId::CertificateNotYetValid);
    assert_eq!(world.requests(), asked);
    let status = world.run("Get-TlsStatus | Where-Object Check -eq NotYetValid");
    assert_eq!(text(&status.objects[0], "State"), "Red");
    // Whoever knows that it is right now says so.
    let renewed = world.emits("Invoke-TlsRenewal -Type Default");
    assert_eq!(text(&renewed[0], "PreviousThumbprint"), ahead);
    assert_eq!(world.requests(), asked + 1);
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
}

#[test]
fn two_that_renew_at_once_order_one_certificate() {
    let world = Later::new();
    world.days(14);
    let asked = world.requests();
    let start = std::sync::Barrier::new(3);
    let renewed: usize = std::thread::scope(|scope| {
        let one = || {
            start.wait();
            certlet::Engine::new(world.session.clone()).eval("Invoke-TlsRenewal").unwrap().objects.len()
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((renewed, world.requests()), (1, asked + 1));
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
}

#[test]
fn what_is_banned_is_due_at_once() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {new} -Reason KeyCompromise"));
    assert!(world.warned("BannedInUse"), "{:?}", world.said());
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!(text(&renewed[0], "PreviousThumbprint"), old);
    assert!(world.assigned().iter().all(|(_, t)| *t != old));
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
}

#[test]
fn what_was_there_before_the_old_one_does_not_come_back() {
    let world = Later::configured(&[("name = \"jcila\"", "name = \"jcila\"\nvalidity_days = 90")]);
    let long = world.request("");
    world.set(&long);
    let short = world.request("-Template jcila");
    world.set(&short);
    let asked = world.requests();
    world.days(61);
    let renewed = world.emits("Invoke-TlsRenewal");
    assert_eq!((text(&renewed[0], "Outcome").as_str(), world.requests()), ("Renewed", asked + 1));
    assert!(![long, short].contains(&world.only()));
}
