//! What becomes of requests and certificates later: revoked, denied, dropped, asked about again.

use serde_json::json;

use crate::world::{CA, World, said, text, warning};

fn request(more: &str) -> String {
    format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -CA {CA} {more}")
}

#[test]
fn a_revoked_certificate_is_not_mended_by_trusting_a_root() {
    let world = World::new();
    let thumbprint = text(&world.emits(&request(""))[0], "Thumbprint");
    world.emits(&format!("Revoke-Certificate -Thumbprint {thumbprint} -Reason Superseded -Force"));
    world.emits("Request-CsCertificate -Clear -RequestId 41");
    let error =
        world.refuses(&format!("Set-CsCertificate -Type Default -Thumbprint {thumbprint}"), 1, "UntrustedChain");
    let hints = error["hints"].to_string();
    assert!(hints.contains("Request-CsCertificate -New -Type Default`") && !hints.contains("[trust]"), "{hints}");
}

#[test]
fn a_request_file_is_asked_about_at_nobody() {
    let world = World::new();
    let made = world.show(r"Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -Output C:\a.csr").exits(0);
    // The number that `-RequestId` takes is shown, for there is no other.
    assert!(made.stdout.lines().any(|line| line.split_whitespace().eq(["Id", ":", "1"])), "{made:#?}");
    for line in ["Request-CsCertificate -Retrieve", "Request-CsCertificate -Retrieve -RequestId 1 -WhatIf"] {
        let ran = world.run(line).exits(0);
        assert!(warning(&ran, "RequestPending").contains("import-cscertificate"), "{ran:#?}");
        assert_eq!(ran.objects()[0]["CA"], "(offline)");
        assert!(said(&ran, "whatif").is_empty(), "{ran:#?}");
    }
}

#[test]
fn a_denial_says_of_which_request_it_is() {
    let world = World::new();
    for _ in 0..2 {
        world.emits(&request("-Template WebServerApproval"));
    }
    world.emits("Deny-CertificateRequest -RequestId 42 -Reason 'not now'");
    // The first time the authority says so, the second time the list does.
    for line in ["Request-CsCertificate -Retrieve", "Request-CsCertificate -Retrieve -RequestId 42"] {
        let ran = world.run(line).exits(1);
        let error = &said(&ran, "error")[0];
        assert_eq!((&error["id"], &error["target"]), (&json!("RequestDenied"), &json!("42")), "{ran:#?}");
        assert!(error["hints"].to_string().contains("-Clear -RequestId 42"), "{ran:#?}");
    }
}

#[test]
fn one_authority_that_is_gone_does_not_keep_the_others() {
    let world = World::new();
    world.second_authority();
    world.emits(
        &request("-Template WebServerApproval")
            .replace(CA, r"ca2.contoso.net\Second")
            .replace("WebServerApproval", "Approval"),
    );
    world.emits(&request("-Template WebServerApproval"));
    world.as_manager(|| world.emits(&format!("Approve-CertificateRequest -RequestId 41 -CA {CA}")));
    world.edit("certlet.toml", r"config = 'ca2.contoso.net\Second'", r"config = 'ca2.contoso.net\Other'");
    let stored = world.stored().len();
    let ran = world.run("Request-CsCertificate -Retrieve").exits(1);
    assert_eq!(said(&ran, "error")[0]["id"], "CaUnreachable", "{ran:#?}");
    assert_eq!((world.stored().len(), ran.objects().len()), (stored + 1, 1));
    // Its request can still be ended.
    world.emits(r"Request-CsCertificate -Clear -CA ca2.contoso.net\Second");
    assert_eq!(world.emits("Request-CsCertificate -List").len(), 1);
}

#[test]
fn what_says_nothing_is_not_taken_for_something() {
    let world = World::new();
    for parameter in ["FriendlyName", "Output", "City", "OU"] {
        let line = format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -{parameter} ' '");
        assert_eq!(world.refuses(&line, 1, "ParameterArgumentValidationError")["target"], parameter);
    }
    let ran = world.run(&request("-ExcludeComputedName fe10.contoso.net,FE01.contoso.net -WhatIf")).exits(0);
    let missing = warning(&ran, "NameNotComputed");
    assert!(missing.contains("fe10.contoso.net") && !missing.contains("fe01"), "{missing}");
}

#[test]
fn an_answer_to_a_request_that_was_dropped_meanwhile() {
    let world = World::new();
    world.emits(&request("-Template WebServerApproval"));
    world.emits("Request-CsCertificate -Clear -RequestId 41");
    // The manager knows nothing of that.
    world.as_manager(|| world.emits("Approve-CertificateRequest -RequestId 41"));
    world.refuses("Request-CsCertificate -Retrieve -RequestId 41", 1, "RequestNotFound");
    let chain = r"Get-CertificateRequest -RequestId 41 | Select-Object -ExpandProperty CertificateChain";
    world.emits(&format!(r"{chain} | Out-File C:\answer.pem"));
    // Twice: the second time nothing is written.
    for _ in 0..2 {
        let thumbprint = text(&world.emits(r"Import-CsCertificate -Path C:\answer.pem")[0], "Thumbprint");
        assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    }
    assert!(world.emits("Request-CsCertificate -List").is_empty());
}

#[test]
fn a_request_for_another_computer_is_answered_where_it_was_made() {
    let (world, other) = (World::new(), World::new());
    world.emits(&request("-ComputerFqdn fe02.contoso.net -Template WebServerApproval"));
    world.as_manager(|| world.emits("Approve-CertificateRequest -RequestId 41"));
    let chain = r"Get-CertificateRequest -RequestId 41 | Select-Object -ExpandProperty CertificateChain";
    world.emits(&format!(r"{chain} | Out-File C:\answer.pem"));
    let answer = std::fs::read(world.file("drive_c/answer.pem")).unwrap();
    other.lay("answer.pem", &answer);
    // Elsewhere its key is not there, which is said.
    let ran = other.run(r"Import-CsCertificate -Path C:\Certificates\answer.pem").exits(0);
    warning(&ran, "NoPrivateKey");
    let thumbprint = text(&world.emits(r"Import-CsCertificate -Path C:\answer.pem")[0], "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    assert_eq!(world.emits("Request-CsCertificate -List")[0]["Status"], "Issued");
}

#[test]
fn who_waits_hears_that_the_request_was_dropped() {
    let world = World::new();
    world.emits(&request("-Template WebServerApproval"));
    let wait = world.shell().args(["--json", "-c", "Wait-CertificateRequest -RequestId 41 -Timeout 60"]).start();
    world.emits("Request-CsCertificate -Clear -RequestId 41 -Force");
    let ended = wait.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(1) && said.contains("\"RequestNotFound\""), "{said}");
    assert!(world.emits("Request-CsCertificate -List").is_empty(), "the dropped request is back");
}

#[test]
fn a_request_file_that_is_lost_is_written_again() {
    let world = World::new();
    let line = r"Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -Output C:\Certificates\a.csr";
    let path = world.file("drive_c/Certificates/a.csr");
    let first = {
        world.emits(line);
        std::fs::read_to_string(&path).unwrap()
    };
    let ran = world.run(line).exits(0);
    assert!(warning(&ran, "RequestFileReplaced").contains("request 1,"), "{ran:#?}");
    assert_ne!(std::fs::read_to_string(&path).unwrap(), first);
    let again = "Request-CsCertificate -List -RequestId 1 | Select-Object -ExpandProperty Request";
    world.emits(&format!(r"{again} | Out-File C:\Certificates\a.csr"));
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim_end(), first.trim_end());
    // It is no answer, and says what is to be done with it.
    let error = world.refuses(r"Import-CsCertificate -Path C:\Certificates\a.csr", 1, "BadCertificateFile");
    assert!(error["hints"].to_string().contains("authority"), "{error:#}");
}

#[test]
fn a_list_that_cannot_be_written_takes_no_revocation_back() {
    let world = World::new();
    warning(&world.run("Publish-CertificateRevocationList").exits(0), "NothingPublished");
    let thumbprint = text(&world.emits(&request(""))[0], "Thumbprint");
    let numbers = "next_request_id = 41";
    // A folder that is a file.
    let list =
        format!("{numbers}\ncrl = {{ url = \"http://pki.contoso.net/ca.crl\", file = \"topology.toml/ca.crl\" }}");
    world.edit("certlet.toml", numbers, &list);
    let ran = world.run(&format!("Revoke-Certificate -Thumbprint {thumbprint} -Reason Superseded -Force")).exits(1);
    let error = &said(&ran, "error")[0];
    assert_eq!(error["id"], "FileNotWritable");
    assert!(error["hints"].to_string().contains("stands"), "{error:#}");
    assert_eq!(world.emits("Get-CertificateRequest 41")[0]["Disposition"], "Revoked");
}

#[test]
fn an_authority_that_asks_an_authority_is_told_which_template_it_takes() {
    let world = World::new();
    let path = world.file("certlet.toml");
    let second = "\n[[ca]]\nconfig = 'ca2.contoso.net\\Issuing'\nkind = \"embedded\"\nsubject = \"CN=Issuing\"\n\
                  parent = \"offline\"\nkey_algorithm = \"ECDH_P256\"\n";
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + second).unwrap();
    world.emits(r"Request-CACertificate -CA ca2.contoso.net\Issuing -Output C:\Certificates\ca.csr");
    let line = format!(
        r"Submit-CertificateRequest -Path C:\Certificates\ca.csr -CA {CA} -Template WebServer -Output C:\a.cer"
    );
    let hints = |ran: &crate::common::Ran| said(ran, "error")[0]["hints"].to_string();
    let ran = world.run(&line).exits(1);
    assert_eq!(said(&ran, "error")[0]["id"], "RequestDenied");
    assert!(hints(&ran).contains("authority = true"), "{ran:#?}");
    let template = "[[ca.template]]\nname = \"jcila\"";
    world.edit("certlet.toml", template, &format!("[[ca.template]]\nname = \"SubCA\"\nauthority = true\n\n{template}"));
    let ran = world.run(&line).exits(1);
    assert!(hints(&ran).contains("-Template SubCA"), "{ran:#?}");
}
