//! C29–C44: what an authority answers.

use serde_json::json;

use crate::world::{CA, World, names, said, set, text, warning};

fn request(more: &str) -> String {
    format!("Request-CsCertificate -New -Type Default -CA {CA} {more}")
}

#[test]
fn c29_an_authority_that_nobody_knows() {
    let world = World::new();
    for config in [r"nohost.contoso.net\X", r"offline01.contoso.net\Old-CA"] {
        let error =
            world.refuses(&format!("Request-CsCertificate -New -Type Default -CA {config}"), 1, "CaUnreachable");
        assert_eq!(error["target"], config);
        assert!(text(&error, "message").contains("0x800706BA"), "{error:#?}");
    }
}

#[test]
fn c30_an_authority_without_its_instance() {
    let error =
        World::new().refuses("Request-CsCertificate -New -Type Default -CA dc01.contoso.net", 1, "CaConfigMalformed");
    assert_eq!(error["target"], "dc01.contoso.net");
}

#[test]
fn c32_the_display_name_of_a_template() {
    let error = World::new().refuses(&request("-Template \"Web Server\""), 1, "TemplateNotFound");
    assert!(text(&error, "message").contains("0x80094800"), "{error:#?}");
    assert!(error["hints"].to_string().contains("WebServer"), "{error:#?}");
}

#[test]
fn c34_a_key_below_the_templates_minimum() {
    let error = World::new().refuses(&request("-KeySize 1024"), 1, "KeyTooSmall");
    let message = text(&error, "message");
    assert!(message.contains("2048") && message.contains("0x80094811"), "{message}");
}

#[test]
fn c36_an_elliptic_key() {
    let world = World::new();
    let issued = world.request("-Type Default -KeyAlg ECDH_P256");
    let set = format!(
        "Set-CsCertificate -Type Default -Thumbprint {} | Select-Object KeyAlgorithm, KeySize",
        text(&issued, "Thumbprint")
    );
    assert_eq!(world.emits(&set), [json!({"KeyAlgorithm": "ECDSA P-256", "KeySize": 256})]);
}

#[test]
fn c37_c38_c39_a_manager_must_approve() {
    let world = World::new();
    let stored = world.stored();
    let ran = world.run(&request("-Template WebServerApproval")).exits(0);
    assert!(warning(&ran, "RequestPending").contains("41"), "{ran:#?}");
    assert_eq!(world.stored(), stored);

    let listed = world.emits("Request-CsCertificate -List");
    assert_eq!(listed.len(), 1);
    let seen = (&listed[0]["RequestId"], &listed[0]["CertificateUses"], &listed[0]["Status"], &listed[0]["CA"]);
    assert_eq!(seen, (&json!(41), &json!(["Default"]), &json!("Pending"), &json!(CA)));

    let ran = world.run("Request-CsCertificate -Retrieve -RequestId 41").exits(0);
    assert!(warning(&ran, "RequestPending").contains("41"), "{ran:#?}");
    assert_eq!(world.stored(), stored);
    assert_eq!(world.emits("Request-CsCertificate -List"), listed);

    // The requester cannot approve; somebody else with the right can, and the next look installs it.
    world.refuses("Get-CertificateRequest -Disposition Pending | Approve-CertificateRequest", 5, "PolicyRefused");
    let becomes = |from: &str, to: &str| {
        world.edit("certlet.toml", &format!("principal = '{from}'"), &format!("principal = '{to}'"));
        world.edit("certlet.toml", &format!("administrators = ['{from}']"), &format!("administrators = ['{to}']"));
    };
    becomes(r"contoso\kenmyer", r"contoso\caadmin");
    let ran = world.run("Wait-CertificateRequest -RequestId 41 -Timeout 0").exits(1);
    assert_eq!(said(&ran, "error")[0]["id"], "RequestPending", "{ran:#?}");
    assert_eq!(world.stored(), stored);
    world.run("Get-CertificateRequest -Disposition Pending | Approve-CertificateRequest").exits(0);
    becomes(r"contoso\caadmin", r"contoso\kenmyer");
    let installed = world.emits("Wait-CertificateRequest -RequestId 41 -Timeout 60");
    let thumbprint = text(&installed[0], "Thumbprint");
    assert_eq!(world.certificate(&thumbprint)["HasPrivateKey"], true);
    let mut more = stored;
    more.insert(thumbprint);
    assert_eq!(world.stored(), more);
    assert_eq!(world.emits("Request-CsCertificate -List")[0]["Status"], "Issued");
}

#[test]
fn a_denied_request_ends_the_waiting_with_its_reason() {
    let world = World::new();
    world.emits(&request("-Template WebServerApproval"));
    world.emits("Deny-CertificateRequest -RequestId 41 -Reason 'the name is another department`s'");
    let ran = world.run("Wait-CertificateRequest -RequestId 41").exits(1);
    let error = &said(&ran, "error")[0];
    assert_eq!(error["id"], "RequestDenied", "{ran:#?}");
    assert!(text(error, "message").contains("another department"), "{error:#?}");
    let entry = &world.emits("Get-CertificateRequest 41")[0];
    assert_eq!((&entry["Disposition"], &entry["Thumbprint"]), (&json!("Denied"), &json!(null)));
}

#[test]
fn an_authority_is_tested_without_asking_it() {
    let world = World::new();
    let before = world.facts();
    let all = world.run("Test-CertificationAuthority").exits(1);
    assert_eq!(said(&all, "error").iter().map(|e| text(e, "id")).collect::<Vec<_>>(), ["CaUnreachable"]);
    let failed = all.objects().into_iter().filter(|finding| finding["Result"] == "Fail").count();
    assert_eq!(failed, 1, "{all:#?}");
    let one =
        format!("Test-CertificationAuthority '{CA}' -KeySize 1024 -Template Restricted -DomainName a.fabrikam.com");
    let ran = world.run(&one).exits(5);
    let ids: Vec<_> = said(&ran, "error").iter().map(|e| text(e, "id")).collect();
    assert_eq!(ids, ["TemplateAccessDenied"]);
    let ran = world.run(&one.replace(" -Template Restricted", "")).exits(1);
    let ids: Vec<_> = said(&ran, "error").iter().map(|e| text(e, "id")).collect();
    assert_eq!(ids, ["KeyTooSmall", "RequestDenied"]);
    assert_eq!(world.facts(), before);
}

#[test]
fn c42_pending_requests_are_dropped() {
    let world = World::new();
    for _ in 0..2 {
        world.emits(&request("-Template WebServerApproval"));
    }
    let ids = |world: &World| world.emits("Request-CsCertificate -List | Select-Object -ExpandProperty RequestId");
    assert_eq!(ids(&world), [41, 42]);
    assert!(world.emits("Request-CsCertificate -Clear -Confirm:$false").is_empty());
    assert!(ids(&world).is_empty());
}

#[test]
fn c44_client_authentication() {
    let world = World::new();
    let purposes = |more: &str| {
        let ran = world
            .run(&format!("{} -ClientEKU $true | Select-Object Thumbprint, EnhancedKeyUsage", request(more)))
            .exits(0);
        let both = names(&ran.objects()[0]["EnhancedKeyUsage"]);
        let has = |oid: &str| both.iter().any(|purpose| purpose.contains(oid));
        (
            has("1.3.6.1.5.5.7.3.1"),
            has("1.3.6.1.5.5.7.3.2"),
            said(&ran, "warning").iter().map(|w| text(w, "id")).collect::<Vec<_>>(),
        )
    };
    assert_eq!(purposes(""), (true, false, vec!["ClientEkuMissing".to_owned()]));
    assert_eq!(purposes("-Template ClientServer"), (true, true, vec![]));
    assert_eq!(
        names(&world.request("-Type Default")["AlternativeNames"]),
        set(["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"])
    );
}

#[test]
fn a_guest_may_look_and_not_enroll() {
    let world = World::new();
    world.edit("certlet.toml", r"principal = 'contoso\kenmyer'", r"principal = 'contoso\guest'");
    world.edit("certlet.toml", r"administrators = ['contoso\kenmyer']", r"administrators = ['contoso\guest']");
    world.refuses(&request(""), 5, "CaAccessDenied");
    world.edit("certlet.toml", r"principal = 'contoso\guest'", r"principal = 'contoso\kenmyer'");
    world.edit("certlet.toml", r"administrators = ['contoso\guest']", r"administrators = ['contoso\kenmyer']");
    world.refuses(&request("-Template Restricted"), 5, "TemplateAccessDenied");
}
