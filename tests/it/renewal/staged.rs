//! Renewals and what is staged: it takes over first, and is no reason to ask for another one.

use certlet::{ErrorId, ExitCode};

use super::{Later, text};
use crate::world::THREE;

#[test]
fn what_was_staged_takes_over_when_it_is_due() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    let asked = world.requests();
    let date = "(Get-Date).AddDays(15)";
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {new} -Roll -EffectiveDate {date}"));
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    // Due by its age; but the successor takes over before it ends.
    world.days(14);
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert_eq!((world.only(), world.requests()), (old.clone(), asked));
    world.hours(25);
    assert!(world.emits("Invoke-TlsRenewal -WhatIf").is_empty());
    assert_eq!(world.only(), old);
    let overdue = world.emits("Get-TlsStatus | Where-Object Check -eq StagedOverdue");
    assert_eq!(overdue.len(), 3);
    let promoted = world.emits("Invoke-TlsRenewal");
    assert_eq!(promoted.len(), 1);
    assert_eq!(
        ["Outcome", "Thumbprint", "PreviousThumbprint"].map(|p| text(&promoted[0], p)),
        ["Promoted".to_owned(), new.clone(), old.clone()]
    );
    assert_eq!((world.only(), world.requests()), (new.clone(), asked));
    // Undone, it is not staged again: the moment is over.
    world.emits("Undo-TlsChange");
    assert_eq!(world.only(), old);
    assert!(world.emits("Get-TlsStatus | Where-Object Check -like 'Staged*'").is_empty());
}

#[test]
fn staging_is_undone() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    let date = "(Get-Date).AddDays(15)";
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {new} -Roll -EffectiveDate {date}"));
    assert_eq!(world.emits("Get-TlsStatus | Where-Object Check -eq Staged").len(), 3);
    world.emits("Undo-TlsChange");
    assert!(world.emits("Get-TlsStatus | Where-Object Check -eq Staged").is_empty());
    assert_eq!(world.only(), old);
}

#[test]
fn a_takeover_that_fails_does_not_stop_the_renewals() {
    let world = Later::with_files();
    let old = world.only();
    world.set(&old);
    let own =
        text(&world.emits("Request-CsCertificate -New -Type WebServicesExternal -KeyAlg ECDH_P256")[0], "Thumbprint");
    let date = "(Get-Date).AddDays(1)";
    world.emits(&format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {own} -Roll -EffectiveDate {date}"));
    world.hours(25);
    world.break_reload();
    let came = world.run("Invoke-TlsRenewal");
    assert_eq!((came.exit, came.errors.as_slice()), (ExitCode::PutBack, &[ErrorId::ReloadFailed][..]));
    assert_eq!(world.only(), old);
    let promoted = world.emits("Invoke-TlsRenewal");
    assert_eq!((promoted.len(), text(&promoted[0], "Outcome").as_str()), (1, "Promoted"));
    assert_eq!(world.assigned()[2].1, own);
}

#[test]
fn what_is_staged_for_itself_does_not_wait_for_ever() {
    let world = Later::new();
    let old = world.only();
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {old} -EffectiveDate (Get-Date).AddHours(2)"));
    assert!(world.warned("AssignedAlready"), "{:?}", world.said());
    world.hours(3);
    world.emits("Invoke-TlsRenewal");
    assert!(world.emits("Get-TlsStatus | Where-Object Check -like 'Staged*'").is_empty());
    assert!(world.emits("Invoke-TlsRenewal").is_empty());
    assert_eq!(world.only(), old);
}

#[test]
fn a_renewal_that_an_operator_has_staged_waits_for_its_moment() {
    let world = Later::with_files();
    let old = world.only();
    world.set(&old);
    world.break_reload();
    world.refuses("Invoke-TlsRenewal -Type Default", ExitCode::PutBack, ErrorId::ReloadFailed);
    let asked = world.requests();
    let new = text(&world.emits("Get-TlsStatus | Where-Object Check -eq NotDeployed")[0], "Thumbprint");
    let stage =
        |uses: &str| format!("Set-CsCertificate -Type {uses} -Thumbprint {new} -EffectiveDate (Get-Date).AddDays(3)");
    for uses in ["Default", THREE] {
        world.emits(&stage(uses));
        assert!(world.emits("Invoke-TlsRenewal").is_empty());
        assert_eq!(world.only(), old);
    }
    // Staged no more, it is a renewal that was begun.
    world.emits(&format!("Remove-CsCertificate -Type {THREE} -Staged -Force"));
    world.emits("Undo-TlsChange");
    world.days(4);
    assert_eq!(text(&world.emits("Invoke-TlsRenewal")[0], "Outcome"), "Promoted");
    assert_eq!((world.only(), world.requests()), (new, asked));
}

#[test]
fn a_date_that_is_past_is_warned_of() {
    let world = Later::new();
    let new = world.request("");
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {new} -EffectiveDate 1/1/2020"));
    assert!(world.warned("EffectiveDatePast"), "{:?}", world.said());
    assert_eq!(world.only(), new);
}
