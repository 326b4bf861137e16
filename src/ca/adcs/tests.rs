//! The authority against the emulator of its pages: the contract of all authorities, and what goes wrong on the way.

#[path = "../../../tests/it/peers/adcs_emulator.rs"]
mod adcs_emulator;

use std::sync::Arc;
use std::time::Duration;

use self::adcs_emulator::{Emulator, Mode, PASSWORD, USER};
use super::{Adcs, AdcsRoots, AdcsSettings, LogOn};
use crate::ca::contract::holds_for;
use crate::ca::testing::{KEY, RSA, World, inquiry, submission, submission_of};
use crate::ca::{Answer, Authority, Progress, SecretResolver};
use crate::error::{ErrorId, Result};
use crate::model::{Certificate, KeyAlgorithm, Moment, Purpose, Secret};
use crate::x509::{Signer, parse_certificate};

const CONFIG: &str = r"dc02.contoso.net\contoso-DC02-CA";

fn settings(emulator: &Emulator) -> AdcsSettings {
    AdcsSettings {
        config: CONFIG.to_owned(),
        is_public: false,
        url: emulator.url.clone(),
        roots: trusting(vec![parse_certificate(&emulator.root()).unwrap()]),
        log_on: LogOn::Basic,
        account: Some((USER.to_owned(), SecretResolver::new(|| Ok(Secret::from(PASSWORD))))),
        limit: Duration::from_secs(10),
    }
}

fn trusting(roots: Vec<Certificate>) -> AdcsRoots {
    Arc::new(move || Ok(roots.clone()))
}

fn adcs(emulator: &Emulator) -> Adcs {
    Adcs::new(settings(emulator)).unwrap()
}

/// Asks until it is decided, as a session does.
fn follow(world: &World, authority: &Adcs, answer: Result<Answer>) -> Result<Answer> {
    let mut answer = answer?;
    while let Progress::Working = answer.progress {
        answer = authority.advance(&world.context(), &answer.ticket)?;
    }
    Ok(answer)
}

#[test]
fn the_contract_holds() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let good = submission("WebServer", &["pool01.contoso.net", "fe01.contoso.net"]);
    holds_for(&world, &authority, &*KEY, &good, &submission("Forbidden", &["pool01.contoso.net"]));
    let rsa = submission_of(&RSA, "", "CN=a,O=Contoso", &["a.contoso.net"], vec![Purpose::ServerAuth]);
    holds_for(&world, &authority, &*RSA, &rsa, &submission("Nothing", &["pool01.contoso.net"]));
    let subjects: Vec<String> =
        authority.chain(&world.context()).unwrap().iter().map(|c| c.subject().to_string()).collect();
    assert_eq!(subjects, ["CN=Emulated Issuing CA", "CN=Emulated Root"]);
}

#[test]
fn a_manager_issues_or_denies() {
    for mode in [Mode::Well, Mode::German] {
        let (world, emulator) = (World::new(), Emulator::start());
        emulator.set(mode);
        let authority = adcs(&emulator);
        let manual = submission("Manual", &["pool01.contoso.net"]);
        let pending = follow(&world, &authority, authority.begin(&world.context(), &manual)).unwrap();
        assert!(matches!(pending.progress, Progress::Waiting(None)), "{pending:?}");
        assert_eq!(pending.request_id, Some(10));
        let still = authority.advance(&world.context(), &pending.ticket).unwrap();
        assert!(matches!(still.progress, Progress::Waiting(None)), "{still:?}");
        let issued = emulator.approve(10);
        let answer = authority.advance(&world.context(), &still.ticket).unwrap();
        let Progress::Issued(certificates) = &answer.progress else { panic!("{answer:?}") };
        let ders: Vec<&[u8]> = certificates.iter().map(Certificate::der).collect();
        assert_eq!(ders, [issued.as_slice(), &emulator.issuing()], "the root is not among them");

        let pending = authority.begin(&world.context(), &manual).unwrap();
        emulator.deny(pending.request_id.unwrap());
        let answer = authority.advance(&world.context(), &pending.ticket).unwrap();
        let Progress::Denied(error) = &answer.progress else { panic!("{answer:?}") };
        assert_eq!(error.id(), ErrorId::RequestDenied);
        assert!(error.message().contains("0x80094014"), "{error}");
        assert_eq!(emulator.submissions(), 2, "nothing is handed in twice");
    }
}

#[test]
fn refusals_are_known_by_their_numbers() {
    for mode in [Mode::Well, Mode::German] {
        let (world, emulator) = (World::new(), Emulator::start());
        emulator.set(mode);
        let authority = adcs(&emulator);
        for (template, id) in [
            ("Web Server", ErrorId::TemplateNotFound),
            ("Forbidden", ErrorId::TemplateAccessDenied),
            ("LargeKeys", ErrorId::KeyTooSmall),
            ("NoEnroll", ErrorId::CaAccessDenied),
        ] {
            let answer = authority.begin(&world.context(), &submission(template, &["a.contoso.net"])).unwrap();
            let Progress::Denied(error) = &answer.progress else { panic!("{answer:?}") };
            assert_eq!(error.id(), id, "{template} {mode:?}: {error}");
            assert!(answer.request_id.is_some());
        }
    }
}

#[test]
fn an_attribute_cannot_be_slipped_in() {
    let (world, emulator) = (World::new(), Emulator::start());
    let sly = submission("WebServer\r\nSAN:dns=evil.example.com", &["a.contoso.net"]);
    let error = adcs(&emulator).begin(&world.context(), &sly).unwrap_err();
    assert_eq!(error.id(), ErrorId::ParameterArgumentValidationError);
    assert_eq!(emulator.submissions(), 0);
}

#[test]
fn accounts() {
    let (world, emulator) = (World::new(), Emulator::start());
    let other = Some((r"CORP\guest".to_owned(), Secret::from("hunter2-guest")));
    let authority = adcs(&emulator);
    let mut asked = inquiry("WebServer", KeyAlgorithm::EcdsaP256);
    asked.account = other.as_ref();
    let error = authority.preflight(&world.context(), &asked).unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::CaAccessDenied, Some(r"CORP\guest")));
    assert!(!format!("{error:?} {error} {:?} {authority:?}", error.hints()).contains("hunter2"));

    // The account of the request is asked for before the configured one, and needs no other.
    let nobody = Adcs::new(AdcsSettings { account: None, ..settings(&emulator) }).unwrap();
    let mut good = submission("WebServer", &["a.contoso.net"]);
    assert_eq!(nobody.begin(&world.context(), &good).unwrap_err().id(), ErrorId::CaAccessDenied);
    good.account = Some((USER.to_owned(), Secret::from(PASSWORD)));
    let answer = nobody.begin(&world.context(), &good).unwrap();
    assert!(!answer.ticket.contains(PASSWORD) && answer.ticket.contains("svc"));
    let issued = nobody.advance(&world.context(), &answer.ticket).unwrap();
    assert!(matches!(issued.progress, Progress::Issued(_)), "fetched as it was handed in");
    let later = Adcs::new(AdcsSettings { account: None, ..settings(&emulator) }).unwrap();
    assert_eq!(later.advance(&world.context(), &answer.ticket).unwrap_err().id(), ErrorId::CaAccessDenied);

    let plain = AdcsSettings { url: "http://localhost/certsrv".to_owned(), ..settings(&emulator) };
    assert_eq!(Adcs::new(plain).unwrap_err().id(), ErrorId::ConfigInvalid);
    let strangers = AdcsSettings { roots: trusting(Vec::new()), ..settings(&emulator) };
    let error =
        Adcs::new(strangers).unwrap().preflight(&world.context(), &inquiry("", KeyAlgorithm::EcdsaP256)).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaUnreachable);
    assert!(error.hints().iter().any(|h| h.contains("roots")), "{:?}", error.hints());
}

#[test]
fn servers_that_fail() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let good = submission("WebServer", &["a.contoso.net"]);
    let answer = authority.begin(&world.context(), &good).unwrap();
    for mode in [Mode::Status(500), Mode::Status(503), Mode::Status(302), Mode::Garbage, Mode::Huge] {
        emulator.set(mode);
        let errors = [
            authority.begin(&world.context(), &good).map(drop),
            authority.advance(&world.context(), &answer.ticket).map(drop),
            authority.chain(&world.context()).map(drop),
        ];
        let ids = errors.map(|e| e.err().map(|e| e.id()));
        assert_eq!(ids, [Some(ErrorId::CaUnreachable); 3], "{mode:?}");
    }
    emulator.set(Mode::Status(403));
    assert_eq!(authority.begin(&world.context(), &good).unwrap_err().id(), ErrorId::CaAccessDenied);
    emulator.set(Mode::Mute);
    let hasty = Adcs::new(AdcsSettings { limit: Duration::from_millis(300), ..settings(&emulator) }).unwrap();
    assert_eq!(hasty.begin(&world.context(), &good).unwrap_err().id(), ErrorId::CaUnreachable);
    let asked = std::cell::Cell::new(0);
    let mut context = world.context();
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    context.cancelled = &cancelled;
    assert_eq!(authority.begin(&context, &good).unwrap_err().id(), ErrorId::Interrupted);
    emulator.set(Mode::Well);
    let done = follow(&world, &authority, authority.advance(&world.context(), &answer.ticket)).unwrap();
    assert!(matches!(done.progress, Progress::Issued(_)), "the same ticket is as good as before");
    drop(emulator);
    let error = authority.preflight(&world.context(), &inquiry("", KeyAlgorithm::EcdsaP256)).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaUnreachable);
}

#[test]
fn a_request_that_was_cut_off_is_not_sent_again() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let error = authority.advance(&world.context(), &authority.first_ticket()).unwrap_err();
    assert_eq!(error.id(), ErrorId::SubmissionUnknown);
    assert!(error.hints().iter().any(|h| h.contains("Import-CsCertificate")), "{:?}", error.hints());
    assert_eq!(emulator.submissions(), 0);
    for text in ["", "{}", "[]", "{\"stage\":\"Gone\"}"] {
        assert_eq!(authority.advance(&world.context(), text).unwrap_err().id(), ErrorId::StoreUnavailable);
    }
}

#[test]
fn a_number_in_another_language_is_kept_whatever_comes_then() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    emulator.set(Mode::German);
    let answer = authority.begin(&world.context(), &submission("Manual", &["a.contoso.net"])).unwrap();
    assert_eq!(answer.request_id, Some(10));
    emulator.set(Mode::Status(403));
    let error = authority.advance(&world.context(), &answer.ticket).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaAccessDenied);
    emulator.set(Mode::German);
    let waiting = follow(&world, &authority, authority.advance(&world.context(), &answer.ticket)).unwrap();
    assert!(matches!(waiting.progress, Progress::Waiting(None)), "{waiting:?}");
    // A number that was none of a request: nobody knows what became of it.
    let ticket = answer.ticket.replace("\"id\":10", "\"id\":99");
    assert_eq!(authority.advance(&world.context(), &ticket).unwrap_err().id(), ErrorId::SubmissionUnknown);
    emulator.approve(10);
    emulator.set(Mode::Foreign);
    assert_eq!(authority.advance(&world.context(), &answer.ticket).unwrap_err().id(), ErrorId::SubmissionUnknown);
    assert_eq!(emulator.submissions(), 1);
}

#[test]
fn a_page_without_a_number_is_not_handed_in_again() {
    let (world, emulator) = (World::new(), Emulator::start());
    emulator.set(Mode::Nameless);
    let error = adcs(&emulator).begin(&world.context(), &submission("Manual", &["a.contoso.net"])).unwrap_err();
    assert_eq!(error.id(), ErrorId::SubmissionUnknown);
}

#[test]
fn the_certificate_is_that_of_the_key_wherever_it_stands() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let good = submission("WebServer", &["a.contoso.net"]);
    let answer = authority.begin(&world.context(), &good).unwrap();
    emulator.set(Mode::Foreign);
    let error = authority.advance(&world.context(), &answer.ticket).unwrap_err();
    assert_eq!(error.id(), ErrorId::KeyMismatch);
    emulator.set(Mode::Bundle);
    let answer = authority.advance(&world.context(), &answer.ticket).unwrap();
    let Progress::Issued(certificates) = &answer.progress else { panic!("{answer:?}") };
    assert_eq!((certificates[0].key_id(), certificates.len()), (KEY.key_id(), 2));
}

#[test]
fn what_a_page_shows_of_the_account_is_not_told() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let good = submission("WebServer", &["a.contoso.net"]);
    let issued = authority.begin(&world.context(), &good).unwrap();
    emulator.set(Mode::Echo);
    let answer = authority.begin(&world.context(), &good).unwrap();
    assert!(matches!(answer.progress, Progress::Denied(_)), "{answer:?}");
    let error = authority.advance(&world.context(), &issued.ticket).unwrap_err();
    let told = format!("{answer:?} {error:?} {error} {:?}", error.hints());
    let token = super::wire::base64(format!("{USER}:{PASSWORD}").as_bytes());
    assert!(!told.contains(PASSWORD) && !told.contains(&token), "{told}");
}

#[test]
fn a_number_that_the_authority_does_not_have() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let answer = authority.begin(&world.context(), &submission("Manual", &["a.contoso.net"])).unwrap();
    // Another database under the same address.
    let ticket = answer.ticket.replace("\"id\":10", "\"id\":99");
    assert_ne!(ticket, answer.ticket);
    assert_eq!(authority.advance(&world.context(), &ticket).unwrap_err().id(), ErrorId::RequestNotFound);
}

#[test]
fn an_examination_asks_for_nothing() {
    let (mut world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let of = |world: &World, authority: &Adcs| -> Vec<(&'static str, Option<ErrorId>)> {
        let findings = authority.examine(&world.context(), &inquiry("WebServer", KeyAlgorithm::EcdsaP256));
        findings.iter().map(|f| (f.subject, f.fault.as_ref().map(crate::error::Error::id))).collect()
    };
    // The emulator's clock stands at the world's moment.
    let well = [("Reachable", None), ("Right", None), ("Clock", None), ("Template", None)];
    assert_eq!(of(&world, &authority), well);
    world.now = Moment::from_unix(world.now.unix() + 3600);
    assert_eq!(of(&world, &authority)[2], ("Clock", Some(ErrorId::CertificateNotYetValid)));
    let wrong = Some((USER.to_owned(), SecretResolver::new(|| Ok(Secret::from("wrong")))));
    let stranger = Adcs::new(AdcsSettings { account: wrong, ..settings(&emulator) }).unwrap();
    assert_eq!(of(&world, &stranger)[..2], [("Reachable", None), ("Right", Some(ErrorId::CaAccessDenied))]);
    emulator.set(Mode::Status(500));
    assert_eq!(of(&world, &authority)[0], ("Reachable", Some(ErrorId::CaUnreachable)));
    assert_eq!(emulator.submissions(), 0);
}

#[test]
fn a_key_of_the_request_is_the_key_of_the_certificate() {
    let (world, emulator) = (World::new(), Emulator::start());
    let authority = adcs(&emulator);
    let good = submission("WebServer", &["a.contoso.net"]);
    let done = follow(&world, &authority, authority.begin(&world.context(), &good)).unwrap();
    let Progress::Issued(issued) = &done.progress else { panic!("{done:?}") };
    assert_eq!(issued[0].key_id(), KEY.key_id());
}
