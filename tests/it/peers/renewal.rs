//! Renewals and the way back on a real nginx whose reload breaks.

use super::nginx::{Otherwise, Site};
use super::openssl::served;
use super::{BRIEF, TYPES, fails};

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
