//! The authority against a server that errs or lies: nothing is lost, asked for twice, or taken for what it is not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::scripted::{Asked, Said, Scripted, order, plain, problem};
use super::tests::{issued, world};
use super::{Acme, AcmeLimits, AcmeMethod, AcmeSettings, DnsMethod};
use crate::ca::testing::{KEY, World, submission, submission_of};
use crate::ca::{Answer, Authority, Progress, Submission};
use crate::error::{Error, ErrorId};
use crate::model::{Certificate, KeyAlgorithm, Purpose, parse_rdns};
use crate::x509::{
    AuthorityProfile, CertificateRequest, Issuer, PrivateKey, Profile, issue, parse_request, pem, self_signed,
};

fn good() -> Submission {
    submission("", &["www.contoso.com"])
}

/// Authorities that issue what a test wants.
struct Hierarchy {
    root_key: PrivateKey,
    root: Certificate,
    key: PrivateKey,
    issuing: Certificate,
}

impl Hierarchy {
    fn new(name: &str) -> Self {
        let now = world().now;
        let profile = |subject: String| Profile {
            subject: Some(parse_rdns(&subject).unwrap()),
            ..Profile::authority(
                now.plus_days(-1),
                now.plus_days(9),
                AuthorityProfile { path_len: None, constraints: None },
            )
        };
        let (root_key, key) = (
            PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(),
            PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(),
        );
        let root = self_signed(&root_key, &profile(format!("CN={name} Root"))).unwrap();
        let request = request_of(&key);
        let issuer = Issuer { certificate: &root, signer: &root_key };
        let issuing = issue(&request, &issuer, &profile(format!("CN={name} Issuing"))).unwrap();
        Self { root_key, root, key, issuing }
    }

    /// The same issuing authority, certified by another root.
    fn crossed(&self, other: &Self) -> Certificate {
        let now = world().now;
        let request = request_of(&self.key);
        let profile = Profile {
            subject: Some(self.issuing.subject().rdns().to_vec()),
            ..Profile::authority(
                now.plus_days(-1),
                now.plus_days(9),
                AuthorityProfile { path_len: None, constraints: None },
            )
        };
        issue(&request, &Issuer { certificate: &other.root, signer: &other.root_key }, &profile).unwrap()
    }

    fn leaf(&self, key: &PrivateKey) -> Certificate {
        let now = world().now;
        let request = request_of(key);
        let issuer = Issuer { certificate: &self.issuing, signer: &self.key };
        issue(&request, &issuer, &Profile::server(now.plus_days(-1), now.plus_days(1))).unwrap()
    }
}

fn request_of(key: &PrivateKey) -> CertificateRequest {
    let name = "www.contoso.com";
    let asked = submission_of(key, "", &format!("CN={name}"), &[name], vec![Purpose::ServerAuth]);
    parse_request(&asked.csr).unwrap()
}

fn pem_of<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    pem::encode_certificates(certificates)
}

/// An order that is issued already.
fn valid(base: &str) -> String {
    let mut order = order(base, "valid");
    order["certificate"] = json!(format!("{base}/certificate/1"));
    order.to_string()
}

/// Goes on until it is decided, or is left for later.
fn follow(world: &World, acme: &Acme, submission: &Submission) -> Result<Answer, Error> {
    let mut answer = acme.begin(&world.context(), submission)?;
    while let Progress::Working = answer.progress {
        answer = acme.advance(&world.context(), &answer.ticket)?;
    }
    Ok(answer)
}

fn denied(answer: &Answer) -> &Error {
    let Progress::Denied(error) = &answer.progress else { panic!("{answer:?}") };
    error
}

/// What a proxy says by itself.
fn page(status: u16) -> Said {
    (status, vec![("Via", "1.1 proxy".to_owned())], "<html>Down for maintenance</html>".to_owned())
}

#[test]
fn a_certificate_is_not_lost_for_want_of_another_chain() {
    let (one, two, evil) = (Hierarchy::new("One"), Hierarchy::new("Two"), Hierarchy::new("Two"));
    let leaf = one.leaf(&KEY);
    let primary = pem_of([&leaf, &one.issuing]);
    let foreign = pem_of([&evil.leaf(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()), &evil.issuing]);
    let twin = pem_of([&two.leaf(&KEY), &two.issuing]);
    let crossed = pem_of([&leaf, &one.crossed(&two)]);
    let has_crossed = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&has_crossed);
    let server = Scripted::start(move |asked, base| {
        let link = |n: u32| ("Link", format!("</certificate/1/{n}>;rel=\"alternate\""));
        Some(match asked.path {
            "/order/1" => (200, Vec::new(), valid(base)),
            "/certificate/1" => (200, (1..=6).map(link).collect(), primary.clone()),
            "/certificate/1/1" => problem(404, "malformed"),
            "/certificate/1/2" => (200, Vec::new(), foreign.clone()),
            "/certificate/1/3" => (200, Vec::new(), twin.clone()),
            "/certificate/1/4" => (200, Vec::new(), "no certificate".to_owned()),
            "/certificate/1/5" => page(502),
            "/certificate/1/6" if *seen.lock().unwrap() => (200, Vec::new(), crossed.clone()),
            "/certificate/1/6" => problem(500, "serverInternal"),
            _ => return None,
        })
    });
    let world = world();
    let settings = AcmeSettings { preferred_chain: Some("Two Root".to_owned()), ..server.settings() };
    let answer = follow(&world, &Acme::new(settings.clone()), &good()).unwrap();
    assert_eq!(issued(&answer), [leaf.clone(), one.issuing.clone()]);
    assert!(answer.message.contains("Two Root"), "{}", answer.message);
    *has_crossed.lock().unwrap() = true;
    let answer = follow(&world, &Acme::new(settings), &good()).unwrap();
    assert_eq!(issued(&answer)[0], leaf);
    assert_eq!(issued(&answer)[1].issuer(), two.root.subject());
}

#[test]
fn a_chain_is_read_in_any_order_and_holds_nothing_foreign() {
    let (one, other) = (Hierarchy::new("One"), Hierarchy::new("Other"));
    let leaf = one.leaf(&KEY);
    let chain = pem_of([&one.root, &other.issuing, &one.issuing, &leaf, &leaf]);
    let server = Scripted::start(move |asked, base| match asked.path {
        "/order/1" => Some((200, Vec::new(), valid(base))),
        "/certificate/1" => Some((200, Vec::new(), chain.clone())),
        _ => None,
    });
    let answer = follow(&world(), &server.acme(), &good()).unwrap();
    assert_eq!(issued(&answer), [leaf, one.issuing]);
}

#[test]
fn a_certificate_for_another_key_is_none_of_ours() {
    let one = Hierarchy::new("One");
    let chain = pem_of([&one.leaf(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()), &one.issuing]);
    let server = Scripted::start(move |asked, base| match asked.path {
        "/order/1" => Some((200, Vec::new(), valid(base))),
        "/certificate/1" => Some((200, Vec::new(), chain.clone())),
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    let answer = follow(&world, &acme, &good()).unwrap();
    assert_eq!(denied(&answer).id(), ErrorId::KeyMismatch);
    let again = acme.advance(&world.context(), &answer.ticket).unwrap();
    assert_eq!(denied(&again).message(), denied(&answer).message());
    assert_eq!(server.sent("/new-order").len(), 1);
}

#[test]
fn an_issued_order_without_a_certificate_is_no_success() {
    let server = Scripted::start(|asked, base| {
        (asked.path == "/order/1").then(|| (200, Vec::new(), order(base, "valid").to_string()))
    });
    let answer = follow(&world(), &server.acme(), &good()).unwrap();
    assert!(matches!(answer.progress, Progress::Waiting(Some(_))), "{answer:?}");
}

#[test]
fn the_page_of_a_proxy_ends_no_order() {
    let one = Hierarchy::new("One");
    let leaf = one.leaf(&KEY);
    let chain = pem_of([&leaf, &one.issuing]);
    let server = Scripted::start(move |asked, base| match (asked.path, asked.before) {
        ("/order/1", 0) => Some(page(404)),
        ("/order/1", 1) => Some(page(403)),
        ("/order/1", 2) => Some((302, vec![("Location", format!("{base}/elsewhere"))], String::new())),
        ("/order/1", 3) => Some(page(200)),
        ("/order/1", _) => Some((200, Vec::new(), valid(base))),
        ("/certificate/1", 0) => Some(page(410)),
        ("/certificate/1", _) => Some((200, Vec::new(), chain.clone())),
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    let first = acme.begin(&world.context(), &good()).unwrap();
    for _ in 0..5 {
        let error = acme.advance(&world.context(), &first.ticket).unwrap_err();
        assert_eq!(error.id(), ErrorId::CaUnreachable, "{error}");
    }
    let answer = acme.advance(&world.context(), &first.ticket).unwrap();
    assert_eq!(issued(&answer)[0], leaf);
    assert_eq!((server.sent("/new-order").len(), server.sent("/elsewhere").len()), (1, 0));
}

#[test]
fn a_problem_is_no_success_whatever_its_status() {
    let told = |asked: &Asked<'_>| {
        let (_, _, body) = problem(200, "serverInternal");
        let said = Some((200, vec![("Content-Type", "application/problem+json; charset=utf-8".to_owned())], body));
        said.filter(|_| matches!(asked.path, "/revoke" | "/new-order") && asked.before == 0)
    };
    let server = Scripted::start(move |asked, base| {
        if asked.path == "/dir" {
            let (status, headers, body) = plain(asked, base);
            return Some((
                status,
                headers,
                body.replace("\"newNonce\"", &format!("\"revokeCert\":\"{base}/revoke\",\"newNonce\"")),
            ));
        }
        told(asked)
    });
    let (world, acme) = (world(), server.acme());
    let leaf = Hierarchy::new("One").leaf(&KEY);
    assert_eq!(acme.revoke_certificate(&world.context(), &leaf, 4).unwrap_err().id(), ErrorId::CaUnreachable);
    acme.revoke_certificate(&world.context(), &leaf, 4).unwrap();
    assert_eq!(acme.begin(&world.context(), &good()).unwrap_err().id(), ErrorId::CaUnreachable);
    assert!(matches!(acme.begin(&world.context(), &good()).unwrap().progress, Progress::Working));
}

/// Counts the commands that are run.
fn dns() -> (AcmeMethod, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let method = DnsMethod {
        set: vec!["set".to_owned(), "{name}".to_owned()],
        clear: vec!["clear".to_owned(), "{name}".to_owned()],
        run: Arc::new(move |_: &[String]| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }),
        resolver: Some(([127, 0, 0, 1], 9).into()),
        wait: Duration::ZERO,
    };
    (AcmeMethod::Dns(method), runs)
}

#[test]
fn only_the_names_of_the_request_are_shown() {
    for name in ["bank.example.org", "-rf", "com", "x.www.contoso.com"] {
        let server = Scripted::start(move |asked, base| {
            (asked.path == "/authorization/1").then(|| {
                let (status, headers, body) = plain(asked, base);
                (status, headers, body.replace("www.contoso.com", name).replace("http-01", "dns-01"))
            })
        });
        let (challenge, runs) = dns();
        let (world, acme) = (world(), Acme::new(AcmeSettings { challenge, ..server.settings() }));
        let error = follow(&world, &acme, &good()).unwrap_err();
        assert_eq!((error.id(), runs.load(Ordering::SeqCst)), (ErrorId::CaUnreachable, 0), "{name}: {error}");
    }
}

#[test]
fn an_order_of_other_names_is_not_ours() {
    let server = Scripted::start(|asked, base| {
        (asked.path == "/order/1").then(|| {
            let mut order = order(base, "ready");
            order["identifiers"] = json!([{"type": "dns", "value": "mail.contoso.com"}]);
            (200, Vec::new(), order.to_string())
        })
    });
    let answer = follow(&world(), &server.acme(), &good()).unwrap();
    assert_eq!(denied(&answer).id(), ErrorId::RequestDenied);
    assert!(server.sent("/finalize/1").is_empty());
}

#[test]
fn an_authorization_that_has_ended_ends_its_order() {
    for status in ["deactivated", "expired", "revoked", "invalid", "something new"] {
        let server = Scripted::start(move |asked, base| {
            (asked.path == "/authorization/1").then(|| {
                let (code, headers, body) = plain(asked, base);
                let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
                body["status"] = json!(status);
                (code, headers, body.to_string())
            })
        });
        let answer = follow(&world(), &server.acme(), &good()).unwrap();
        let error = denied(&answer);
        assert_eq!((error.id(), error.target()), (ErrorId::RequestDenied, Some("www.contoso.com")), "{status}");
    }
}

#[test]
fn a_challenge_that_failed_fails_also_when_its_authorization_does_not_say_so() {
    let server = Scripted::start(|asked, base| {
        (asked.path == "/authorization/1" && asked.before > 1).then(|| {
            let (code, headers, body) = plain(asked, base);
            let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
            body["challenges"][0]["status"] = json!("invalid");
            body["challenges"][0]["error"] = json!({"type": "urn:ietf:params:acme:error:dns", "detail": "NXDOMAIN"});
            (code, headers, body.to_string())
        })
    });
    let answer = follow(&world(), &server.acme(), &good()).unwrap();
    assert!(denied(&answer).message().contains("NXDOMAIN"), "{answer:?}");
}

#[test]
fn an_authority_that_never_looks_is_left_for_later() {
    let server = Scripted::start(|asked, base| {
        (asked.path == "/authorization/1").then(|| {
            let (status, mut headers, body) = plain(asked, base);
            headers.push(("Retry-After", "0".to_owned()));
            (status, headers, body)
        })
    });
    let (world, mut acme) = (world(), server.acme());
    acme.patience = Duration::from_millis(700);
    let answer = follow(&world, &acme, &good()).unwrap();
    let Progress::Waiting(Some(at)) = answer.progress else { panic!("{answer:?}") };
    // A session waits for what takes a minute at most.
    assert!(at.since(world.now) > 60);
    let looks = server.sent("/authorization/1").len();
    assert!(looks < 12, "{looks} looks without a pause");
}

#[test]
fn a_limit_is_heard_whatever_its_status_and_its_moment() {
    let server = Scripted::start(|asked, _| {
        let after = match asked.before {
            0 => "Fri, 01 Jan 2100 00:00:00 GMT",
            1 => "4294967295",
            _ => return None,
        };
        let (status, _, body) = problem(403, "rateLimited");
        (asked.path == "/new-order").then(|| (status, vec![("Retry-After", after.to_owned())], body))
    });
    let (world, acme) = (world(), server.acme());
    for _ in 0..2 {
        let answer = follow(&world, &acme, &good()).unwrap();
        let Progress::Waiting(Some(at)) = answer.progress else { panic!("{answer:?}") };
        let seconds = at.since(world.now);
        assert!(seconds > 3600 && seconds <= 7 * 24 * 3600, "{seconds}");
    }
    assert!(matches!(acme.begin(&world.context(), &good()).unwrap().progress, Progress::Working));
}

#[test]
fn a_list_without_end_is_left() {
    let server = Scripted::start(|asked, base| match (asked.path, asked.before) {
        ("/new-order", 0) => Some(problem(500, "serverInternal")),
        ("/account/1", _) => Some((200, Vec::new(), json!({"orders": format!("{base}/orders/0")}).to_string())),
        (path, _) if path.starts_with("/orders/") => {
            let page: u32 = path.rsplit('/').next().unwrap().parse().unwrap();
            let next = ("Link", format!("<{base}/orders/{}>;rel=\"next\"", page + 1));
            Some((200, vec![next], json!({"orders": []}).to_string()))
        }
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    assert_eq!(acme.begin(&world.context(), &good()).unwrap_err().id(), ErrorId::CaUnreachable);
    assert!(matches!(acme.begin(&world.context(), &good()).unwrap().progress, Progress::Working));
    assert_eq!(server.sent("/new-order").len(), 2);
}

#[test]
fn a_server_that_has_moved_gives_the_account_its_new_address() {
    let moved = Arc::new(Mutex::new(false));
    let has_moved = Arc::clone(&moved);
    let server = Scripted::start(move |asked, base| match asked.path {
        "/dir" if *has_moved.lock().unwrap() => {
            let (status, headers, body) = plain(asked, base);
            Some((status, headers, body.replace("/new-account", "/v2/new-account")))
        }
        "/v2/new-account" => Some((200, vec![("Location", "/v2/account/1".to_owned())], "{}".to_owned())),
        _ => None,
    });
    let world = world();
    server.acme().begin(&world.context(), &good()).unwrap();
    *moved.lock().unwrap() = true;
    for name in ["a.contoso.com", "b.contoso.com"] {
        server.acme().begin(&world.context(), &submission("", &[name])).unwrap();
    }
    assert_eq!((server.sent("/new-account").len(), server.sent("/v2/new-account").len()), (1, 1));
}

#[test]
fn an_open_order_outlives_a_forgotten_account() {
    let one = Hierarchy::new("One");
    let (leaf, chain) = (one.leaf(&KEY), pem_of([&one.leaf(&KEY), &one.issuing]));
    let server = Scripted::start(move |asked, base| match (asked.path, asked.before) {
        ("/order/1", 0 | 2) => Some(problem(400, "accountDoesNotExist")),
        ("/order/1", 1) => Some((200, Vec::new(), valid(base))),
        ("/order/1", _) => Some(problem(401, "unauthorized")),
        ("/certificate/1", _) => Some((200, Vec::new(), chain.clone())),
        _ => None,
    });
    let (world, acme) = (world(), server.acme());
    let first = acme.begin(&world.context(), &good()).unwrap();
    let answer = acme.advance(&world.context(), &first.ticket).unwrap();
    assert_eq!(issued(&answer)[0].key_id(), leaf.key_id());
    // The order has gone with the account: it is not asked for without end.
    denied(&acme.advance(&world.context(), &first.ticket).unwrap());
    assert_eq!((server.sent("/new-account").len(), server.sent("/new-order").len()), (3, 1));
}

#[test]
fn a_closed_account_is_replaced_by_the_next_request() {
    let server = Scripted::start(|asked, _| match (asked.path, asked.before) {
        ("/new-order", 0) | ("/new-account", 1) => Some(problem(403, "unauthorized")),
        _ => None,
    });
    let world = world();
    let limits = AcmeLimits { orders_per_3h: Some(1), ..AcmeLimits::NONE };
    let acme = Acme::new(AcmeSettings { limits, ..server.settings() });
    let error = acme.begin(&world.context(), &good()).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaAccessDenied);
    assert!(matches!(acme.begin(&world.context(), &good()).unwrap().progress, Progress::Working));
    let asked = server.sent("/new-account");
    assert_eq!((asked.len(), &asked[1]), (3, &json!({"onlyReturnExisting": true})));
}

#[test]
fn addresses_without_a_host_are_the_servers_own() {
    let one = Hierarchy::new("One");
    let leaf = one.leaf(&KEY);
    let chain = pem_of([&leaf, &one.issuing]);
    let server = Scripted::start(move |asked, base| match asked.path {
        "/new-account" => Some((201, vec![("Location", "/account/1".to_owned())], "{}".to_owned())),
        "/new-order" => Some((201, vec![("Location", "/order/1".to_owned())], "{}".to_owned())),
        "/order/1" => Some((200, Vec::new(), valid(base).replace(base, ""))),
        "/certificate/1" => Some((200, Vec::new(), chain.clone())),
        _ => None,
    });
    let answer = follow(&world(), &server.acme(), &good()).unwrap();
    assert_eq!(issued(&answer)[0], leaf);
}

#[test]
fn a_year_is_too_long_to_hear_nothing_of_renewals() {
    let server = Scripted::start(|asked, _| {
        let body = json!({"suggestedWindow": {"start": "2030-01-02T00:00:00Z", "end": "2030-01-03T00:00:00Z"}});
        let after = if asked.before == 0 { "31536000" } else { "0" };
        asked.path.starts_with("/info/").then(|| (200, vec![("Retry-After", after.to_owned())], body.to_string()))
    });
    let (world, acme, leaf) = (world(), server.acme(), Hierarchy::new("One").leaf(&KEY));
    for seconds in [24 * 3600, 60] {
        let window = acme.renewal_window(&world.context(), &leaf).unwrap().unwrap();
        assert_eq!(window.ask_again, Some(world.now.plus_seconds(seconds)));
    }
}
