//! Keys of dropped requests: kept for thirty days, and then really gone.

use certlet::ErrorId;

use super::{Later, text};

const ASK: &str = "Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -Template WebServerApproval";

/// The outcomes in the log that have to do with keys.
fn logged(world: &Later, outcome: &str) -> usize {
    world.emits("Get-TlsAuditLog").iter().filter(|line| text(line, "Outcome") == outcome).count()
}

#[test]
fn the_key_of_a_dropped_request_goes_when_its_time_is_over() {
    let world = Later::new();
    for _ in 0..2 {
        world.emits(ASK);
    }
    world.emits("Request-CsCertificate -Clear -RequestId 41");
    world.days(29);
    world.emits("Request-CsCertificate -Clear -RequestId 42");
    assert_eq!((world.kept_keys(), logged(&world, "KeyRemoved")), (2, 0));
    world.days(2);
    world.run("Invoke-TlsRenewal");
    assert_eq!((world.kept_keys(), logged(&world, "KeyRemoved")), (1, 1));
    world.days(31);
    // Without a timer the next one that drops requests does it; `-WhatIf` does not.
    world.emits("Request-CsCertificate -Clear -WhatIf");
    assert_eq!(world.kept_keys(), 1);
    world.emits("Request-CsCertificate -Clear");
    assert_eq!((world.kept_keys(), logged(&world, "KeyRemoved")), (0, 2));
}

#[test]
fn what_is_over_is_over_for_both_ways_in() {
    for verb in ["Import-CsCertificate -Path", "Import-Certificate"] {
        let world = Later::new();
        let file = |name: &str| world.folder.path().join(name).display().to_string();
        let (request, answer) = (file("a.csr"), file("a.cer"));
        world.emits(&format!("Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 -Output {request}"));
        world.emits("Request-CsCertificate -Clear");
        world.emits(&format!("Submit-CertificateRequest -Path {request} -Template WebServer -Output {answer}"));
        world.days(31);
        let came = world.run(&format!("{verb} {answer}"));
        assert_eq!(text(&came.objects[0], "HasPrivateKey"), "False", "{verb}");
        assert_eq!(world.kept_keys(), 0, "{verb}");
        let set = format!("Set-CsCertificate -Type Default -Thumbprint {}", text(&came.objects[0], "Thumbprint"));
        world.refuses(&set, certlet::ExitCode::Failed, ErrorId::NoPrivateKey);
    }
}
