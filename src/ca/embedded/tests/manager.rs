//! Approving, denying, revoking.

use super::*;

#[test]
fn a_request_waits_for_somebody_else() {
    let (mut world, authority) = (World::new(), authority());
    for template in ["WebServerApproval", "AdApproval"] {
        let answer = world.submit(&authority, &submission(template, POOL)).unwrap();
        assert!(matches!(answer.progress, Progress::Waiting(None)));
        assert_eq!(answer.message, "Taken Under Submission");
        let id = answer.request_id.unwrap();
        assert_eq!(authority.submission(&world.context(), id).unwrap().unwrap().disposition, 9);
        let by = |principal: &str| authority.approve(&world.context(), principal, id).map_err(|e| e.id());
        assert_eq!(by(GUEST).unwrap_err(), ErrorId::CaAccessDenied);
        assert_eq!(by(r"CONTOSO\KENMYER").unwrap_err(), ErrorId::PolicyRefused);
        assert!(matches!(
            authority.advance(&world.context(), &answer.ticket).unwrap().progress,
            Progress::Waiting(None)
        ));
        world.now = world.now.plus_days(3);

        let approved = authority.approve(&world.context(), MANAGER, id).unwrap();
        let denied = authority.deny(&world.context(), MANAGER, id, "late").unwrap();
        world.state.write(&approved).unwrap();
        assert_eq!(world.state.write(&denied).unwrap_err().id(), ErrorId::PlanStale);
        let issued = authority.advance(&world.context(), &answer.ticket).unwrap();
        let certificate = leaf(&issued);
        assert!(issued.message.contains("approved by contoso\\pki"), "{}", issued.message);
        assert_eq!(certificate.not_before(), world.now.plus_seconds(-600));
        assert_eq!(names(&certificate).len(), if template == "AdApproval" { 1 } else { 3 });
        let error = authority.approve(&world.context(), MANAGER, id).unwrap_err();
        assert_eq!(error.id(), ErrorId::RequestNotFound);
        assert!(error.message().contains("0x80094003"), "{error}");
    }
    let error = authority.deny(&world.context(), MANAGER, 4711, "").unwrap_err();
    assert!(error.id() == ErrorId::RequestNotFound && error.message().contains("0x80094004"), "{error}");
}

#[test]
fn a_request_is_denied_by_the_manager() {
    let (world, authority) = (World::new(), authority());
    let answer = world.submit(&authority, &submission("WebServerApproval", POOL)).unwrap();
    assert_eq!(authority.deny(&world.context(), GUEST, 41, "").unwrap_err().id(), ErrorId::CaAccessDenied);
    world.state.write(&authority.deny(&world.context(), MANAGER, 41, "not in this quarter").unwrap()).unwrap();
    let said = reason(&authority.advance(&world.context(), &answer.ticket).unwrap());
    assert!(said.contains("not in this quarter") && said.contains("0x80094014"), "{said}");
    // What can never be issued does not wait.
    assert!(
        reason(&world.submit(&authority, &submission("WebServerApproval", &["www.fabrikam.com"])).unwrap())
            .contains("fabrikam")
    );
}

#[test]
fn revoked_is_revoked() {
    let (mut world, authority) = (World::new(), authority());
    let answer = world.submit(&authority, &submission("", POOL)).unwrap();
    let kept = leaf(&world.submit(&authority, &submission("", POOL)).unwrap());
    let certificate = leaf(&answer);
    let serial = certificate.serial().to_string();
    let revoke = |world: &World, principal: &str, serial: &str, reason| {
        authority.revoke(&world.context(), principal, serial, reason)
    };
    assert_eq!(revoke(&world, GUEST, &serial, 1).unwrap_err().id(), ErrorId::CaAccessDenied);
    assert_eq!(revoke(&world, MANAGER, "F00D", 1).unwrap_err().id(), ErrorId::CertificateNotFound);
    assert_eq!(revoke(&world, MANAGER, "", 1).unwrap_err().id(), ErrorId::CertificateNotFound);
    assert_eq!(revoke(&world, MANAGER, &serial, 8).unwrap_err().id(), ErrorId::ParameterArgumentValidationError);

    let since = world.now;
    world.state.write(&revoke(&world, MANAGER, &serial.to_lowercase(), 6).unwrap()).unwrap();
    assert!(matches!(authority.advance(&world.context(), &answer.ticket).unwrap().progress, Progress::Revoked));
    world.now = world.now.plus_days(1);
    world.state.write(&revoke(&world, MANAGER, &serial, 1).unwrap()).unwrap();
    assert!(revoke(&world, MANAGER, &serial, 1).unwrap().is_empty());
    assert_eq!(revoke(&world, MANAGER, &serial, 6).unwrap_err().id(), ErrorId::PolicyRefused);

    let mut numbers = Vec::new();
    for _ in 0..2 {
        let before = authority.stored(&world.context()).unwrap().unwrap().next_crl;
        let (der, writes) = authority.revocation_list(&world.context()).unwrap();
        world.state.write(&writes).unwrap();
        assert_eq!(world.state.write(&writes).unwrap_err().id(), ErrorId::PlanStale);
        numbers.push(before);
        let list = parse_crl(&der).unwrap();
        list.check_signature(&authority.chain(&world.context()).unwrap()[0]).unwrap();
        assert_eq!(list.len(), 1);
        let entry = list.is_revoked(certificate.serial()).unwrap();
        assert_eq!((entry.at, entry.reason), (since, Some(1)));
        assert!(list.is_revoked(kept.serial()).is_none());
        assert_eq!(list.next_update(), Some(world.now.plus_days(7)));
    }
    assert_eq!(numbers, [1, 2]);
    // The list counts in the same row as requests do, and loses no number of either.
    assert_eq!(world.submit(&authority, &submission("", POOL)).unwrap().request_id, Some(43));
}

#[test]
fn a_list_and_a_request_never_lose_each_others_count() {
    let (world, authority) = (World::new(), authority());
    world.submit(&authority, &submission("", POOL)).unwrap();
    for list_first in [true, false] {
        let (_, list) = authority.revocation_list(&world.context()).unwrap();
        let request = authority.begin(&world.context(), &submission("", POOL)).unwrap().writes;
        let (first, second) = if list_first { (list, request) } else { (request, list) };
        world.state.write(&first).unwrap();
        assert_eq!(world.state.write(&second).unwrap_err().id(), ErrorId::PlanStale);
    }
    let row = authority.stored(&world.context()).unwrap().unwrap();
    assert_eq!((row.next_request_id, row.next_crl), (43, 2));
}
