//! `Undo-TlsChange`: back, proven, or refused with the reason.

use certlet::state::{Row, RowKey, Store, Write};
use certlet::{ErrorId, ExitCode};

use super::{Later, text};
use crate::world::THREE;

#[test]
fn a_set_is_undone_and_the_undo_as_well() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    world.set(&new);
    assert_eq!(world.only(), new);
    let undone = world.emits("Undo-TlsChange");
    assert_eq!(undone.len(), 3);
    assert!(undone.iter().all(|c| text(c, "Thumbprint") == old && text(c, "PreviousThumbprint") == new));
    assert_eq!(world.only(), old);
    // It was proven, as any change is.
    let state = world.emits("Get-TlsStatus | Where-Object State -eq Green | Select-Object -ExpandProperty Check");
    assert_eq!(state.len(), 1);
    assert!(world.emits("Get-TlsStatus | Where-Object Check -like '*Prove*'").is_empty());
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
    world.emits("Undo-TlsChange");
    assert_eq!(world.only(), new);
}

#[test]
fn a_removal_is_undone() {
    let world = Later::new();
    let old = world.only();
    world.emits("Remove-CsCertificate -Type WebServicesExternal,Default -Force");
    assert_eq!(world.assigned().len(), 1);
    assert_eq!(world.emits("Undo-TlsChange").len(), 2);
    assert_eq!(world.only(), old);
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
    // What had nothing before has nothing afterwards.
    world.emits("Remove-CsCertificate -Type Default -Force");
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {old}"));
    assert!(world.emits("Undo-TlsChange").is_empty());
    assert_eq!(world.assigned().len(), 2);
}

#[test]
fn an_earlier_change_is_undone_by_its_number_unless_the_use_was_changed_again() {
    let world = Later::new();
    let (old, one) = (world.only(), world.request(""));
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {one}"));
    world.emits(&format!("Set-CsCertificate -Type WebServicesInternal -Thumbprint {one}"));
    let changes = world.emits("Get-TlsChange");
    let (last, first) = (text(&changes[0], "Id"), text(&changes[1], "Id"));
    assert!(last.parse::<u64>().unwrap() > first.parse::<u64>().unwrap());
    assert_eq!((text(&changes[1], "Before"), text(&changes[1], "After")), (old.clone(), one.clone()));
    // Another use: the later change does not stand in the way.
    world.emits(&format!("Undo-TlsChange -Id {first}"));
    assert_eq!(world.assigned()[0].1, old);
    assert_eq!(world.assigned()[1].1, one);
    let came = world.refuses(&format!("Undo-TlsChange {first}"), ExitCode::Refused, ErrorId::PlanStale);
    assert!(came.hints.iter().any(|h| h.contains("Undo-TlsChange -Id")), "{:?}", came.hints);
    let shown = world.emits(&format!("Get-TlsChange | Where-Object Id -eq {first}"));
    assert_eq!(text(&shown[0], "CanUndo"), "False");
    // By use: the last one that touched it.
    world.emits("Undo-TlsChange -Type WebServicesInternal");
    assert_eq!(world.only(), old);
    for id in ["0", "-1", "999", "1"] {
        let came = world.run(&format!("Undo-TlsChange -Id {id}"));
        assert_eq!(came.exit, ExitCode::Failed, "{id}");
    }
}

#[test]
fn there_is_no_way_back_to_what_ends_or_has_ended() {
    let world = Later::new();
    world.set(&world.request(""));
    // The first certificate ends in 20 days.
    world.hours(19 * 24 - 1);
    assert!(world.emits("Undo-TlsChange -WhatIf").is_empty());
    world.hours(2);
    world.refuses("Undo-TlsChange", ExitCode::Refused, ErrorId::PolicyRefused);
    world.refuses("Undo-TlsChange -WhatIf", ExitCode::Refused, ErrorId::PolicyRefused);
    world.days(2);
    world.refuses("Undo-TlsChange", ExitCode::Failed, ErrorId::CertificateExpired);
}

#[test]
fn there_is_no_way_back_to_what_is_banned() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    world.emits(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {new} -Reason KeyCompromise"));
    world.refuses("Undo-TlsChange", ExitCode::Refused, ErrorId::CertificateBanned);
    let set = format!("Set-CsCertificate -Type {THREE} -Thumbprint {old}");
    world.refuses(&set, ExitCode::Refused, ErrorId::CertificateBanned);
}

#[test]
fn there_is_no_way_back_to_what_has_lost_its_key_or_itself() {
    let world = Later::new();
    let old = world.only();
    world.set(&world.request(""));
    let state = world.session.state().unwrap();
    let query = certlet::state::CertificateQuery { store: Some(Store::My), ..Default::default() };
    let rows = state.certificates(&query).unwrap();
    let (fingerprint, row) = rows.into_iter().find(|(_, row)| row.thumbprint.to_string() == old).unwrap();
    let key = RowKey::Key(row.key);
    let kept = state.row(&key).unwrap().unwrap();
    state.write(&[Write::remove(key.clone())]).unwrap();
    world.refuses("Undo-TlsChange", ExitCode::Failed, ErrorId::NoPrivateKey);
    state.write(&[Write::put(key, kept), Write::remove(RowKey::Certificate(fingerprint))]).unwrap();
    world.refuses("Undo-TlsChange", ExitCode::Failed, ErrorId::CertificateNotFound);
    state.write(&[Write::put(RowKey::Certificate(fingerprint), Row::Certificate(row))]).unwrap();
    world.emits("Undo-TlsChange");
    assert_eq!(world.only(), old);
}

#[test]
fn a_change_that_was_put_back_is_not_undone() {
    let world = Later::with_files();
    let (old, new) = (world.only(), world.request(""));
    let set = format!("Set-CsCertificate -Type {THREE} -Thumbprint {new}");
    world.break_reload();
    world.refuses(&set, ExitCode::PutBack, ErrorId::ReloadFailed);
    world.refuses("Undo-TlsChange", ExitCode::Failed, ErrorId::NotAssigned);
    let failed = world.emits("Get-TlsChange");
    assert_eq!((text(&failed[0], "Outcome").as_str(), text(&failed[0], "CanUndo").as_str()), ("PutBack", "False"));
    let id = text(&failed[0], "Id");
    world.refuses(&format!("Undo-TlsChange -Id {id}"), ExitCode::Refused, ErrorId::PolicyRefused);
    // An undo whose own reload fails is put back like any other change.
    world.set(&new);
    world.break_reload();
    world.refuses("Undo-TlsChange", ExitCode::PutBack, ErrorId::ReloadFailed);
    assert_eq!(world.only(), new);
    world.emits("Undo-TlsChange");
    assert_eq!(world.only(), old);
    let lies = std::fs::read_to_string(world.folder.path().join("site.pem")).unwrap();
    assert!(lies.contains("BEGIN CERTIFICATE"));
}

#[test]
fn it_needs_an_administrator_and_shows_first() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request(""));
    world.set(&new);
    assert!(world.emits("Undo-TlsChange -WhatIf").is_empty());
    assert!(world.said().iter().any(|s| s.contains(&old)), "{:?}", world.said());
    assert_eq!(world.only(), new);
    let others =
        Later::configured(&[("administrators = ['contoso\\kenmyer']", "administrators = ['contoso\\caadmin']")]);
    others.refuses("Undo-TlsChange", ExitCode::Failed, ErrorId::NotAssigned);
    let mine = std::fs::read_to_string(world.folder.path().join("certlet.toml")).unwrap();
    let theirs = mine.replace("administrators = ['contoso\\kenmyer']", "administrators = ['contoso\\caadmin']");
    std::fs::write(world.folder.path().join("certlet.toml"), theirs).unwrap();
    let ran =
        crate::common::Shell::new().arg("--home").arg(world.folder.path()).args(["--json", "-c", "Undo-TlsChange"]);
    let ran = ran.run().exits(5);
    assert_eq!(crate::world::said(&ran, "error")[0]["id"], "NotAdministrator");
    assert_eq!(world.only(), new);
}

#[test]
fn a_change_of_another_member_is_undone_there() {
    let world = Later::web();
    let bound = || -> Vec<String> {
        world.emits("Get-WebBinding").iter().map(|b| text(b, "certificateHash").to_ascii_uppercase()).collect()
    };
    let before = bound();
    let new = text(&world.emits("Request-TlsCertificate -New -Type Shop")[0], "Thumbprint");
    world.emits(&format!("Set-TlsCertificate -Type Shop -Thumbprint {new} -Identity web2"));
    assert_eq!(bound(), [before[0].clone(), new, before[2].clone()]);
    let undone = world.emits("Undo-TlsChange");
    assert_eq!(text(&undone[0], "Thumbprint"), before[1]);
    assert_eq!(bound(), before);
    assert_eq!(world.emits("Test-TlsBinding | Where-Object Verdict -eq Proven").len(), 3);
}

#[test]
fn what_takes_an_own_certificate_back_leaves_the_global_one_in_force() {
    let world = Later::new();
    let (old, new) = (world.only(), world.request("-PrivateKeyExportable $true -Template jcila"));
    world.emits("Remove-CsCertificate -Type Default -Force");
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {new} -Identity global"));
    world.emits(&format!("Set-CsCertificate -Type Default -Thumbprint {old} -Identity local"));
    world.emits("Undo-TlsChange");
    assert_eq!(world.assigned()[0], ("Default".to_owned(), new));
    let proven = world.emits("Test-TlsBinding -Type Default");
    assert_eq!(text(&proven[0], "Verdict"), "Proven");
}

#[test]
fn a_staging_that_is_undone_keeps_what_was_there_before() {
    let world = Later::new();
    let (first, second) = (world.only(), world.request(""));
    world.set(&second);
    let stage = format!("Set-CsCertificate -Type {THREE} -Thumbprint {first} -EffectiveDate (Get-Date).AddDays(2)");
    world.emits(&stage);
    let undone = world.emits("Undo-TlsChange");
    assert!(undone.iter().all(|c| text(c, "Thumbprint") == second && text(c, "PreviousThumbprint") == first));
}
