//! Renewals and the way back on a real nginx whose reload breaks.

use certlet::command::Value;
use certlet::model::Zone;
use certlet::{Engine, ErrorId, ExitCode};

use super::acme::Pebble;
use super::acme_crash::open;
use super::crash::recover;
use super::nginx::{Otherwise, Site};
use super::openssl::served;
use super::{BRIEF, Gate, Running, TYPES, fails, set};

#[test]
fn a_renewal_that_nginx_did_not_take_is_deployed_by_the_next_run() {
    let Some(site) = Site::start("a_renewal_that_nginx_did_not_take_is_deployed_by_the_next_run") else { return };
    let before = site.world.run("Request-CsCertificate -List").exits(0).objects().len();
    // What lies there unused would be taken before anybody is asked.
    site.world.set(&site.new).exits(0);
    site.declare(&Otherwise { reload: Some("[\"/bin/false\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    let files = site.files();
    fails(site.world.run(&format!("Invoke-TlsRenewal -Type {TYPES}")), 3, "ReloadFailed");
    assert_eq!(site.files(), files);
    site.is_wholly(&site.new);
    let status = site.world.run("Get-TlsStatus | Where-Object Check -eq NotDeployed").exits(0).objects();
    assert_eq!(status.len(), 1, "{status:#?}");
    let kept = status[0]["Thumbprint"].as_str().unwrap().to_owned();
    site.declare(&Otherwise::default());
    let renewed = site.world.run("Invoke-TlsRenewal").exits(0).objects();
    assert_eq!((&renewed[0]["Outcome"], &renewed[0]["Thumbprint"]), (&"Deployed".into(), &kept.as_str().into()));
    site.is_wholly(&kept);
    assert_eq!(site.world.run("Request-CsCertificate -List").exits(0).objects().len(), before + 1);
    assert!(site.world.run("Invoke-TlsRenewal").exits(0).objects().is_empty());
}

#[test]
fn nginx_serves_the_previous_certificate_after_an_undo() {
    let Some(site) = Site::start("nginx_serves_the_previous_certificate_after_an_undo") else { return };
    site.world.set(&site.new).exits(0);
    assert_eq!(served(&site.endpoint), site.new);
    site.world.run("Undo-TlsChange").exits(0);
    site.is_wholly(&site.old);
    // The way back is proven as well: one that is not taken is put back.
    site.declare(&Otherwise { reload: Some("[\"/bin/true\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    fails(site.world.run("Undo-TlsChange"), 3, "ProofFailed");
    site.is_wholly(&site.old);
}

#[test]
fn a_renewal_that_nginx_did_not_take_costs_one_order() {
    let test = "a_renewal_that_nginx_did_not_take_costs_one_order";
    let Some(site) = Site::start(test) else { return };
    let Some(pebble) = Pebble::start(&site.world, test, "") else { return };
    pebble.declare(&site.world, &pebble.listen(), "class = \"private\"");
    pebble.trust(&site.world);
    // Pebble dates its certificates from this second, and nobody deploys one whose begin a late clock has not seen.
    let run = |line: &str| Engine::new(open(site.world.path(), 600, None)).eval(line);
    let shown = |value: &Value, property: &str| value.property(property).unwrap().display(&Zone::utc());
    let request = r"Request-CsCertificate -New -Type WebServicesExternal -CA pebble\acme -KeyAlg ECDH_P256";
    run(&format!("{request} | Set-CsCertificate -Type WebServicesExternal")).unwrap();
    let first = served(&site.endpoint);
    assert!(first != site.old && pebble.orders() == 1);

    site.declare(&Otherwise { reload: Some("[\"/bin/false\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    let files = site.files();
    for _ in 0..2 {
        let failed = run("Invoke-TlsRenewal -Type WebServicesExternal").unwrap();
        assert_eq!((failed.exit, failed.objects.len()), (ExitCode::PutBack, 0));
        assert_eq!((served(&site.endpoint), site.files(), pebble.orders()), (first.clone(), files.clone(), 2));
    }
    let waits = run("Get-TlsStatus | Where-Object Check -eq NotDeployed | Where-Object What -eq WebServicesExternal")
        .unwrap()
        .objects;
    assert_eq!(waits.len(), 1);

    site.declare(&Otherwise::default());
    let renewed = run("Invoke-TlsRenewal").unwrap();
    assert_eq!((renewed.exit, renewed.objects.len()), (ExitCode::Done, 1));
    let second = served(&site.endpoint);
    assert_eq!(
        (shown(&renewed.objects[0], "Outcome").as_str(), &shown(&renewed.objects[0], "Thumbprint")),
        ("Deployed", &second)
    );
    assert_eq!(shown(&waits[0], "Thumbprint"), second);
    assert_eq!(pebble.orders(), 2);

    // Replaced, proven, revoked where it was issued, and never assigned again.
    let revoke = format!("Revoke-Certificate -Thumbprint {second} -Reason KeyCompromise -Confirm:$false");
    assert_eq!(run(&revoke).unwrap_err().id(), ErrorId::PolicyRefused);
    run(&format!("{revoke} -Replace")).unwrap();
    let third = served(&site.endpoint);
    assert!(third != second && third != first && pebble.orders() == 3);
    let again = run(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {second}"));
    assert_eq!(again.unwrap_err().id(), ErrorId::CertificateBanned);
    assert_eq!(run("Undo-TlsChange").unwrap_err().id(), ErrorId::CertificateBanned);
    let list = run(r"Request-CsCertificate -List -CA pebble\acme -ErrorAction SilentlyContinue").unwrap().objects;
    let states: Vec<String> = list.iter().map(|r| shown(r, "Status")).collect();
    assert_eq!(states, ["Issued", "Revoked", "Issued"]);
}

#[test]
fn recovery_assigns_nothing_that_was_banned_meanwhile() {
    let test = "recovery_assigns_nothing_that_was_banned_meanwhile";
    for is_old_banned in [false, true] {
        let Some(site) = Site::start(test) else { return };
        let gate = Gate::new(&site.folder.join("gate"));
        site.declare(&Otherwise { test: Some(&gate.command()), ..Otherwise::default() });
        let mut change = Running::new(site.world.shell(&set(&site.new)).start());
        gate.wait();
        change.child().kill().unwrap();
        change.child().wait().unwrap();
        gate.open();
        let banned = if is_old_banned { &site.old } else { &site.new };
        let line = format!("Revoke-Certificate -Thumbprint {banned} -Reason KeyCompromise -Force");
        site.world.run(&line).exits(0);
        let red = site.world.run("Get-TlsStatus | Where-Object Check -eq OpenChange").exits(1).objects();
        assert_eq!(red[0]["Remedy"], "certlet recover");
        if is_old_banned {
            // The new one does not pass, and there is no way back: it stays, and a person must look.
            site.declare(&Otherwise { test: Some("[\"/bin/false\"]"), ..Otherwise::default() });
            let ran = recover(&site.world).exits(4);
            assert_eq!(ran.objects()[0]["Ending"], "Held", "{ran:#?}");
            assert_eq!(site.world.assigned(), vec![site.new.clone(); 3]);
        } else {
            // It would pass.
            site.declare(&Otherwise::default());
            let ran = recover(&site.world).exits(0);
            assert_eq!(ran.objects()[0]["Ending"], "PutBack", "{ran:#?}");
            site.is_wholly(&site.old);
        }
    }
}
