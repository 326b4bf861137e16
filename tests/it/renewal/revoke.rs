//! `Revoke-Certificate`: what is in use is replaced and proven first.

use certlet::{ErrorId, ExitCode};

use super::{Later, text};
use crate::world::THREE;

/// How many certificates the authority has revoked, with their reasons.
fn revoked(world: &Later) -> Vec<u8> {
    let state = world.session.state().unwrap();
    let rows = state.submissions(&crate::world::CA.to_ascii_lowercase(), None).unwrap();
    rows.into_iter().filter_map(|(_, row)| row.revoked.map(|(_, reason)| reason)).collect()
}

#[test]
fn what_is_in_use_is_refused() {
    let world = Later::new();
    let old = world.only();
    let line = format!("Revoke-Certificate -Thumbprint {old} -Reason Superseded -Confirm:$false");
    let came = world.refuses(&line, ExitCode::Refused, ErrorId::PolicyRefused);
    assert!(came.hints.iter().any(|h| h.contains("-Replace")), "{:?}", came.hints);
    world.refuses(&format!("{line} -WhatIf"), ExitCode::Refused, ErrorId::PolicyRefused);
    // Its serial number is the same certificate.
    let serial = text(&world.emits("Get-CsCertificate -Type Default")[0], "SerialNumber");
    let by_serial = format!("Revoke-Certificate -SerialNumber {serial} -Reason Superseded -Confirm:$false");
    world.refuses(&by_serial, ExitCode::Refused, ErrorId::PolicyRefused);
    assert!(revoked(&world).is_empty());
    world.emits(&format!("Revoke-Certificate -Thumbprint {old} -Reason Superseded -Force"));
    assert_eq!(revoked(&world), [4]);
    assert_eq!(world.only(), old);
    let red = world.run("Get-TlsStatus");
    assert_eq!(red.exit, ExitCode::Failed);
    assert_eq!(text(&red.objects[0], "Check"), "Revoked");
    assert_eq!(text(&red.objects[0], "Remedy"), format!("Invoke-TlsRenewal -Type {THREE}"));
}

#[test]
fn replaced_and_proven_it_is_revoked_and_banned() {
    let world = Later::new();
    let old = world.only();
    let line = format!("Revoke-Certificate -Thumbprint {old} -Reason KeyCompromise -Replace -Confirm:$false");
    assert!(world.emits(&format!("{line} -WhatIf")).is_empty());
    assert_eq!((world.only(), revoked(&world)), (old.clone(), Vec::new()));
    world.emits(&line);
    let new = world.only();
    assert_ne!(new, old);
    assert_eq!(revoked(&world), [1]);
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
    // No command, undo or renewal goes back to it.
    let set = format!("Set-CsCertificate -Type {THREE} -Thumbprint {old}");
    world.refuses(&set, ExitCode::Refused, ErrorId::CertificateBanned);
    world.refuses("Undo-TlsChange", ExitCode::Refused, ErrorId::CertificateBanned);
    let again = world.emits("Invoke-TlsRenewal -Type Default");
    assert_ne!(text(&again[0], "Thumbprint"), old);
    // Once more changes nothing.
    let lines = world.emits("Get-TlsAuditLog").len();
    world.emits(&line);
    assert_eq!((revoked(&world), world.emits("Get-TlsAuditLog").len()), (vec![1], lines));
}

#[test]
fn a_replacement_that_fails_revokes_nothing() {
    let world = Later::with_files();
    let old = world.only();
    world.set(&old);
    world.break_reload();
    let line = format!("Revoke-Certificate -Thumbprint {old} -Reason KeyCompromise -Replace -Force");
    world.refuses(&line, ExitCode::PutBack, ErrorId::ReloadFailed);
    assert!(revoked(&world).is_empty());
    let asked = world.requests();
    world.emits(&line);
    assert_eq!((revoked(&world), world.requests()), (vec![1], asked));
    assert_ne!(world.only(), old);
}

#[test]
fn one_that_is_not_in_use_is_revoked_at_once() {
    let world = Later::new();
    let spare = world.request("");
    world.emits(&format!("Revoke-Certificate -Thumbprint {spare} -Reason CertificateHold -Confirm:$false"));
    assert_eq!(revoked(&world), [6]);
    world.emits(&format!("Revoke-Certificate -Thumbprint {spare} -Reason KeyCompromise -Replace -Confirm:$false"));
    assert_eq!(revoked(&world), [1]);
    let set = format!("Set-CsCertificate -Type Default -Thumbprint {spare}");
    world.refuses(&set, ExitCode::Refused, ErrorId::CertificateBanned);
}
