//! The authority against a server that is busy, forgetful, or no server of ACME at all.

use std::sync::Arc;

use serde_json::{Value, json};

use super::scripted::{Scripted, order, plain, problem};
use super::tests::{inquiry, world};
use super::{Acme, AcmeMethod, AcmeSettings, renewal};
use crate::ca::testing::submission;
use crate::ca::{Answer, Authority, Progress, Submission};
use crate::error::ErrorId;
use crate::model::{Certificate, KeyAlgorithm};
use crate::x509::PrivateKey;

fn good() -> Submission {
    submission("", &["www.contoso.com"])
}

fn order_in(answer: &Answer) -> Option<String> {
    super::order::order_of(&answer.ticket)
}

#[test]
fn a_busy_server_is_waited_for_or_asked_later() {
    let server = Scripted::start(|asked, _| match (asked.path, asked.before) {
        ("/new-order", 0) => Some((503, vec![("Retry-After", "1".to_owned())], String::new())),
        ("/new-order", 2) => Some((429, vec![("Retry-After", "3600".to_owned())], problem(429, "rateLimited").2)),
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    let first = acme.begin(&world.context(), &good()).unwrap();
    assert!(order_in(&first).is_some() && matches!(first.progress, Progress::Working));
    let other = submission("", &["a.contoso.com"]);
    let later = acme.begin(&world.context(), &other).unwrap();
    let Progress::Waiting(Some(at)) = later.progress else { panic!("{later:?}") };
    assert_eq!((at.since(world.now), order_in(&later)), (3600, None));
    let again = acme.advance(&world.context(), &later.ticket).unwrap();
    assert!(order_in(&again).is_some());
    assert_eq!(server.sent("/new-order").len(), 4);
}

#[test]
fn nonces_are_not_asked_for_for_ever() {
    let server = Scripted::start(|asked, _| (asked.path == "/new-order").then(|| problem(400, "badNonce")));
    let error = server.acme().begin(&world().context(), &good()).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaUnreachable);
    assert!((5..50).contains(&server.sent("/new-order").len()));
}

#[test]
fn a_renewal_names_what_it_replaces_and_is_wanted_all_the_same() {
    let server = Scripted::start(|asked, _| {
        let is_told = asked.path == "/new-order" && !asked.payload["replaces"].is_null();
        (is_told && asked.before == 1).then(|| problem(409, "alreadyReplaced"))
    });
    let world = world();
    let old = issued_by_somebody();
    let renewal = |name: &str| Submission { replaces: Some(old.clone()), ..submission("short", &[name]) };
    let acme = server.acme();
    assert!(order_in(&acme.begin(&world.context(), &renewal("www.contoso.com")).unwrap()).is_some());
    assert!(order_in(&acme.begin(&world.context(), &renewal("a.contoso.com")).unwrap()).is_some());
    let sent = server.sent("/new-order");
    let identifier = renewal::identifier(&old).unwrap();
    assert_eq!(sent[0]["replaces"], identifier.as_str());
    assert_eq!(
        (&sent[0]["profile"], &sent[0]["identifiers"]),
        (&"short".into(), &json!([{"type": "dns", "value": "www.contoso.com"}]))
    );
    assert_eq!(
        (&sent[1]["replaces"], &sent[2]["replaces"], sent.len()),
        (&identifier.as_str().into(), &Value::Null, 3)
    );
}

/// A certificate with an authority key identifier.
fn issued_by_somebody() -> Certificate {
    use crate::x509::{AuthorityProfile, Issuer, Profile, issue, parse_request, self_signed};
    let now = world().now;
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let authority = AuthorityProfile { path_len: None, constraints: None };
    let subject = Some(crate::model::parse_rdns("CN=CA").unwrap());
    let profile = Profile { subject, ..Profile::authority(now.plus_days(-1), now.plus_days(9), authority) };
    let root = self_signed(&key, &profile).unwrap();
    let request = parse_request(&good().csr).unwrap();
    let issuer = Issuer { certificate: &root, signer: &key };
    issue(&request, &issuer, &Profile::server(now.plus_days(-1), now.plus_days(1))).unwrap()
}

#[test]
fn renewal_information_that_says_nothing_is_none() {
    let server = Scripted::start(|asked, _| {
        let (start, end) = match asked.before {
            0 => ("2030-01-02T00:00:00Z", "2030-01-03T00:00:00.5+00:00"),
            1 => ("2030-01-03T00:00:00Z", "2030-01-02T00:00:00Z"),
            2 => return asked.path.starts_with("/info/").then(|| problem(404, "malformed")),
            _ => return asked.path.starts_with("/info/").then(|| problem(500, "serverInternal")),
        };
        let body = json!({"suggestedWindow": {"start": start, "end": end}, "explanationURL": "https://x.test/why"});
        let headers = vec![("Retry-After", "21600".to_owned())];
        asked.path.starts_with("/info/").then(|| (200, headers, body.to_string()))
    });
    let (world, acme, leaf) = (world(), server.acme(), issued_by_somebody());
    let window = acme.renewal_window(&world.context(), &leaf).unwrap().unwrap();
    assert_eq!((window.start.rfc3339().as_str(), window.end.since(window.start)), ("2030-01-02T00:00:00Z", 86400));
    assert_eq!(
        (window.explanation.as_deref(), window.ask_again),
        (Some("https://x.test/why"), Some(world.now.plus_seconds(21600)))
    );
    assert_eq!(acme.renewal_window(&world.context(), &leaf).unwrap(), None);
    assert_eq!(acme.renewal_window(&world.context(), &leaf).unwrap(), None);
    assert_eq!(acme.renewal_window(&world.context(), &leaf).unwrap_err().id(), ErrorId::CaUnreachable);
}

#[test]
fn a_token_that_is_a_path_is_refused() {
    let server = Scripted::start(|asked, base| {
        (asked.path == "/authorization/1").then(|| {
            let (status, headers, body) = plain(asked, base);
            (status, headers, body.replace("\"tok\"", "\"../../escaped\""))
        })
    });
    let root = tempfile::tempdir().unwrap();
    let challenge = AcmeMethod::HttpWebroot(root.path().join("a"));
    let (world, acme) = (world(), Acme::new(AcmeSettings { challenge, ..server.settings() }));
    let answer = acme.begin(&world.context(), &good()).unwrap();
    assert_eq!(acme.advance(&world.context(), &answer.ticket).unwrap_err().id(), ErrorId::CaUnreachable);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn an_order_at_work_is_looked_at_when_the_server_says() {
    let server = Scripted::start(|asked, base| match asked.path {
        "/order/1" => {
            Some((200, Vec::new(), order(base, if asked.before == 0 { "ready" } else { "processing" }).to_string()))
        }
        "/finalize/1" => Some((200, vec![("Retry-After", "120".to_owned())], order(base, "processing").to_string())),
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    let answer = acme.begin(&world.context(), &good()).unwrap();
    let answer = acme.advance(&world.context(), &answer.ticket).unwrap();
    let Progress::Waiting(Some(at)) = answer.progress else { panic!("{answer:?}") };
    assert_eq!(at.since(world.now), 120);
    assert_eq!(server.sent("/finalize/1").len(), 1);
}

#[test]
fn what_is_no_acme_server_is_told_so() {
    let server = Scripted::start(|asked, base| match asked.before {
        0 => Some((200, Vec::new(), "<html>".to_owned())),
        1 => Some((302, vec![("Location", format!("{base}/elsewhere"))], String::new())),
        2 => Some((200, Vec::new(), "x".repeat(6 << 20))),
        3 => Some((200, Vec::new(), "{}".to_owned())),
        _ => Some((500, Vec::new(), String::new())),
    });
    let world = world();
    for _ in 0..5 {
        let error = server.acme().preflight(&world.context(), &inquiry(&[])).unwrap_err();
        assert_eq!(error.id(), ErrorId::CaUnreachable, "{error}");
    }
    assert!(server.sent("/elsewhere").is_empty());
    // Whose TLS nobody vouches for is not spoken to.
    let stranger = Acme::new(AcmeSettings { roots: Arc::new(|| Ok(Vec::new())), ..server.settings() });
    let error = stranger.preflight(&world.context(), &inquiry(&[])).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaUnreachable);
    assert!(error.hints().iter().any(|h| h.contains("roots")), "{error:?}");
}
