//! The authority against Pebble: every challenge, refusals, renewals of accounts, and orders that a crash left.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::account::Account;
use super::order::{Step, order_behind_the_ledger, order_of};
use super::testing::Pebble;
use super::{Acme, AcmeLimits, AcmeMethod, AcmeSettings};
use crate::ca::contract::holds_for;
use crate::ca::testing::{KEY, OPERATOR, World, submission};
use crate::ca::{Answer, Authority, Inquiry, Progress, SecretResolver, Submission};
use crate::error::ErrorId;
use crate::model::{Certificate, KeyAlgorithm, Moment, Secret};
use crate::x509::Usage;

/// A world of the present, two minutes ahead: Pebble's certificates begin the second that they are issued.
pub(super) fn world() -> World {
    let mut world = World::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    world.now = Moment::from_unix(now.try_into().unwrap()).plus_seconds(120);
    world
}

/// Takes a request to its end, without storing the tickets.
pub(super) fn go(world: &World, acme: &dyn Authority, submission: &Submission) -> Answer {
    let answer = acme.begin(&world.context(), submission).unwrap();
    go_on(world, acme, answer)
}

fn go_on(world: &World, acme: &dyn Authority, mut answer: Answer) -> Answer {
    for _ in 0..60 {
        match answer.progress {
            Progress::Working => {}
            Progress::Waiting(Some(_)) => std::thread::sleep(std::time::Duration::from_millis(200)),
            _ => return answer,
        }
        answer = acme.advance(&world.context(), &answer.ticket).unwrap();
    }
    panic!("no end: {answer:?}");
}

#[track_caller]
pub(super) fn issued(answer: &Answer) -> &[Certificate] {
    let Progress::Issued(chain) = &answer.progress else { panic!("{answer:?}") };
    chain
}

fn names(certificate: &Certificate) -> Vec<String> {
    let mut names: Vec<String> = certificate.alternative_names().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names
}

pub(super) fn inquiry(names: &[(String, String)]) -> Inquiry<'_> {
    let key = KeyAlgorithm::EcdsaP256;
    Inquiry { template: "", key, exportable: false, requester: OPERATOR, account: None, names }
}

#[test]
fn it_is_an_authority_also_with_half_of_its_nonces_refused() {
    let test = "it_is_an_authority_also_with_half_of_its_nonces_refused";
    let Some(pebble) = Pebble::start(test, &[("PEBBLE_WFE_NONCEREJECT", "50")], "") else { return };
    let world = world();
    let good = submission("WebServer", &["www.contoso.com", "lync.contoso.com"]);
    let refused = submission("WebServer", &["blocked.example.test"]);
    holds_for(&world, &pebble.acme(), &*KEY, &good, &refused);
    assert!(pebble.logged("badNonce") > 0 || pebble.logged("nonce") > 0);
}

#[test]
fn every_way_of_showing_control_over_a_name() {
    let Some(pebble) = Pebble::start("every_way_of_showing_control_over_a_name", &[], "") else { return };
    let world = world();
    let go = |method: AcmeMethod, names: &[&str]| {
        let acme = Acme::new(pebble.settings(method));
        self::go(&world, &acme, &submission("WebServer", names))
    };

    let answer = go(pebble.listening(), &["a.contoso.com", "127.0.0.1"]);
    let chain = issued(&answer).to_vec();
    assert_eq!(names(&chain[0]), ["127.0.0.1", "a.contoso.com"]);
    crate::x509::validate_path(
        &chain[0],
        &chain[1..],
        &[pebble.root(0)],
        chain[0].not_before().plus_seconds(1),
        Usage::Server,
    )
    .unwrap();

    let answer = go(AcmeMethod::TlsAlpn(format!("127.0.0.1:{}", pebble.tls)), &["b.contoso.com", "127.0.0.1"]);
    assert_eq!(names(&issued(&answer)[0]), ["127.0.0.1", "b.contoso.com"]);

    let (dns, records) = pebble.dns();
    let answer = go(dns, &["*.d.contoso.com"]);
    assert_eq!(names(&issued(&answer)[0]), ["*.d.contoso.com"]);
    assert_eq!(records.load(Ordering::SeqCst), 0, "a record stayed behind");

    let root = tempfile::tempdir().unwrap();
    let _web = serve(pebble.http, root.path());
    let answer = go(AcmeMethod::HttpWebroot(root.path().to_owned()), &["e.contoso.com"]);
    assert_eq!(names(&issued(&answer)[0]), ["e.contoso.com"]);
    let folder = root.path().join(".well-known/acme-challenge");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "a file stayed behind");
    // All of it with one account.
    assert_eq!(pebble.logged("There are now 1 accounts"), 1);
    assert_eq!(pebble.logged("There are now 2 accounts"), 0);
}

/// A web server that shows a folder until it is dropped.
fn serve(port: u16, root: &std::path::Path) -> impl Drop {
    struct Web(Arc<std::sync::atomic::AtomicBool>, Option<std::thread::JoinHandle<()>>);
    impl Drop for Web {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
            self.1.take().unwrap().join().unwrap();
        }
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (stop, root) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), root.to_owned());
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        while !stopped.load(Ordering::SeqCst) {
            let Ok((mut stream, _)) = listener.accept() else {
                std::thread::sleep(std::time::Duration::from_millis(5));
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or_default();
            let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let body = std::fs::read(root.join(path)).unwrap_or_default();
            let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    Web(stop, Some(thread))
}

#[test]
fn accounts_that_are_bound_elsewhere_need_the_key() {
    const SECRET: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let more = format!(r#","externalAccountBindingRequired":true,"externalAccountMACKeys":{{"kid-1":"{SECRET}"}}"#);
    let Some(pebble) = Pebble::start("accounts_that_are_bound_elsewhere_need_the_key", &[], &more) else { return };
    let world = world();
    let good = submission("", &["www.contoso.com"]);
    let with = |key_id: &str, secret: &str| {
        let secret = secret.to_owned();
        let resolver = SecretResolver::new(move || Ok(Secret::new(secret.clone())));
        let external_account = Some((key_id.to_owned(), resolver));
        Acme::new(AcmeSettings { external_account, ..pebble.settings(pebble.listening()) })
    };
    let error = pebble.acme().preflight(&world.context(), &inquiry(&[])).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaAccessDenied);
    assert_eq!(pebble.acme().begin(&world.context(), &good).unwrap_err().id(), ErrorId::CaAccessDenied);
    let error = with("kid-1", "c29tZSBvdGhlciBrZXkgb2Ygc29tZSBsZW5ndGg").begin(&world.context(), &good).unwrap_err();
    assert_eq!(error.id(), ErrorId::CaAccessDenied);
    let error = with("kid-1", "no base64url!").begin(&world.context(), &good).unwrap_err();
    assert_eq!(error.id(), ErrorId::ConfigInvalid);
    assert_eq!(pebble.orders(), 0);
    // Padding is tolerated.
    let answer = go(&world, &with("kid-1", &format!("{SECRET}==")), &good);
    issued(&answer);
    assert!(!format!("{answer:?} {error:?}").contains(SECRET));
}

#[test]
fn the_chain_that_ends_at_the_preferred_root() {
    let environment = [("PEBBLE_ALTERNATE_ROOTS", "2"), ("PEBBLE_CHAIN_LENGTH", "2")];
    let more = r#","certificateValidityPeriod":600"#;
    let Some(pebble) = Pebble::start("the_chain_that_ends_at_the_preferred_root", &environment, more) else { return };
    let world = world();
    let good = submission("", &["www.contoso.com"]);
    let roots: Vec<Certificate> = (0..3).map(|i| pebble.root(i)).collect();
    for root in &roots {
        let name = root.subject().common_name().unwrap();
        let settings = pebble.settings(pebble.listening());
        let acme = Acme::new(AcmeSettings { preferred_chain: Some(name.to_owned()), ..settings });
        let answer = go(&world, &acme, &good);
        let chain = issued(&answer);
        assert_eq!(chain.last().unwrap().issuer(), root.subject());
        assert_eq!(chain.len(), 3);
        assert!(chain[0].not_after().since(chain[0].not_before()) <= 660);
        let at = chain[0].not_before().plus_seconds(1);
        crate::x509::validate_path(&chain[0], &chain[1..], std::slice::from_ref(root), at, Usage::Server).unwrap();
    }
    let settings = pebble.settings(pebble.listening());
    let acme = Acme::new(AcmeSettings { preferred_chain: Some("No Such Root".into()), ..settings });
    let answer = go(&world, &acme, &good);
    assert_eq!(issued(&answer).last().unwrap().issuer(), roots[0].subject());
    assert!(answer.message.contains("No Such Root"), "{}", answer.message);
}

#[test]
fn what_is_not_seen_is_refused_and_counted() {
    let Some(pebble) = Pebble::start("what_is_not_seen_is_refused_and_counted", &[], "") else { return };
    let world = world();
    let root = tempfile::tempdir().unwrap();
    // Nobody serves the folder.
    let limits = AcmeLimits { failures_per_hour: Some(2), ..AcmeLimits::NONE };
    let acme = Acme::new(AcmeSettings { limits, ..pebble.settings(AcmeMethod::HttpWebroot(root.path().to_owned())) });
    for i in 0..2 {
        let other = format!("n{i}.contoso.com");
        let answer = go(&world, &acme, &submission("", &["www.contoso.com", &other]));
        let Progress::Denied(error) = &answer.progress else { panic!("{answer:?}") };
        assert_eq!(error.id(), ErrorId::RequestDenied);
        assert!(error.message().contains("www.contoso.com") && error.message().contains(&other), "{error}");
        // The same again, also from the server's own word.
        let again = acme.advance(&world.context(), &answer.ticket).unwrap();
        assert!(matches!(&again.progress, Progress::Denied(e) if e.message() == error.message()));
    }
    let names = [("www.contoso.com".to_owned(), "rule".to_owned())];
    let error = acme.preflight(&world.context(), &inquiry(&names)).unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::PolicyRefused, Some("www.contoso.com")));
    let third = acme.begin(&world.context(), &submission("", &["www.contoso.com"])).unwrap_err();
    assert_eq!((third.id(), pebble.orders()), (ErrorId::PolicyRefused, 2));
    let limits = acme.examine(&world.context(), &inquiry(&names)).into_iter().find(|f| f.subject == "Limits").unwrap();
    assert_eq!(limits.fault.unwrap().id(), ErrorId::PolicyRefused);

    // A wildcard cannot be shown by http-01, and a record that nobody sees is not shown to the authority.
    let wild = [("*.contoso.com".to_owned(), "rule".to_owned())];
    let error = pebble.acme().preflight(&world.context(), &inquiry(&wild)).unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::RequestDenied, Some("*.contoso.com")));
    let AcmeMethod::Dns(mut dns) = pebble.dns().0 else { unreachable!() };
    dns.run = Arc::new(|_: &[String]| Ok(()));
    dns.wait = std::time::Duration::from_millis(300);
    let acme = Acme::new(pebble.settings(AcmeMethod::Dns(dns)));
    let mut answer = acme.begin(&world.context(), &submission("", &["x.contoso.com"])).unwrap();
    let error = loop {
        match acme.advance(&world.context(), &answer.ticket) {
            Ok(next) => answer = next,
            Err(error) => break error,
        }
    };
    assert_eq!(error.id(), ErrorId::StepFailed);
    // A command that fails is told, and cleared after.
    let cleared = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let AcmeMethod::Dns(mut dns) = pebble.dns().0 else { unreachable!() };
    let count = Arc::clone(&cleared);
    dns.run = Arc::new(move |words: &[String]| {
        count.fetch_add(usize::from(words[0] == "clear-txt"), Ordering::SeqCst);
        Err("no such zone".to_owned())
    });
    let acme = Acme::new(pebble.settings(AcmeMethod::Dns(dns)));
    let error = acme.advance(&world.context(), &answer.ticket).unwrap_err();
    assert_eq!((error.id(), cleared.load(Ordering::SeqCst)), (ErrorId::StepFailed, 1));
    // The order is still open, and nothing failed at the authority: the next attempt goes on.
    let acme = Acme::new(pebble.settings(pebble.dns().0));
    issued(&go_on(&world, &acme, acme.advance(&world.context(), &answer.ticket).unwrap()));
}

#[test]
fn a_revoked_certificate_is_revoked_at_the_server() {
    let Some(pebble) = Pebble::start("a_revoked_certificate_is_revoked_at_the_server", &[], "") else { return };
    let world = world();
    let acme = pebble.acme();
    let answer = go(&world, &acme, &submission("", &["www.contoso.com"]));
    let leaf = &issued(&answer)[0];
    let status =
        || pebble.managed(&format!("cert-status-by-serial/{}", leaf.serial().to_string().to_ascii_lowercase()));
    assert!(status().contains("Valid"), "{}", status());
    assert!(acme.can_revoke());
    acme.revoke_certificate(&world.context(), leaf, 4).unwrap();
    assert!(status().contains("Revoked"), "{}", status());
    acme.revoke_certificate(&world.context(), leaf, 4).unwrap();
    let foreign = pebble.root(0);
    assert!(acme.revoke_certificate(&world.context(), &foreign, 4).is_err());
    // This server has no renewal information.
    assert_eq!(acme.renewal_window(&world.context(), leaf).unwrap(), None);
}

#[test]
fn an_order_is_made_once_whatever_is_lost() {
    let Some(mut pebble) = Pebble::start("an_order_is_made_once_whatever_is_lost", &[], "") else { return };
    let world = world();
    let acme = pebble.acme();
    let good = submission("", &["www.contoso.com", "a.contoso.com"]);
    // The crash came after the server's answer, before anything was noted.
    let cx = world.context();
    let wire = acme.wire(&cx).unwrap();
    // And before that one after the account was made: its key was stored, its address was not.
    let made = Account::open(&acme.settings, &wire, &cx).unwrap().url;
    super::account::forget_address(&acme.settings, &cx);
    let account = Account::open(&acme.settings, &wire, &cx).unwrap();
    assert_eq!(account.url, made);
    let mut step = Step { settings: &acme.settings, wire: &wire, account, cx: &cx, patience: acme.patience };
    let lost = order_behind_the_ledger(&mut step, &good);
    let first = acme.begin(&cx, &good).unwrap();
    assert_eq!(order_of(&first.ticket).as_deref(), Some(lost.as_str()));
    // It came before the ticket was stored: with another instance, as after a start of the program.
    let second = pebble.acme().begin(&cx, &good).unwrap();
    assert_eq!(order_of(&second.ticket), order_of(&first.ticket));
    assert_eq!(pebble.orders(), 1);

    // Every ticket is taken twice, in every order, and leads to the same certificate.
    let mut tickets = vec![first.ticket.clone()];
    let mut answer = first;
    while !matches!(answer.progress, Progress::Issued(_)) {
        answer = acme.advance(&cx, &answer.ticket).unwrap();
        tickets.push(answer.ticket.clone());
        assert!(tickets.len() < 60);
    }
    let chain = issued(&answer).to_vec();
    for ticket in tickets {
        let again = go_on(&world, &acme, acme.advance(&cx, &ticket).unwrap());
        assert_eq!(issued(&again), chain);
    }
    assert_eq!(pebble.orders(), 1);

    // The server forgets the account: the same key opens it again.
    let accounts = || pebble.logged("There are now 1 accounts");
    assert_eq!(accounts(), 1);
    pebble.forget();
    issued(&go(&world, &pebble.acme(), &submission("", &["b.contoso.com"])));
    assert_eq!(pebble.logged("There are now 1 accounts"), 2);
    // What it has forgotten is refused, not asked for for ever.
    let gone = go_on(&world, &acme, acme.advance(&cx, &answer.ticket).unwrap());
    assert!(matches!(gone.progress, Progress::Denied(_)), "{gone:?}");
}

#[test]
fn it_is_examined_without_anything_being_made() {
    let Some(pebble) = Pebble::start("it_is_examined_without_anything_being_made", &[], "") else { return };
    let mut world = world();
    let acme = pebble.acme();
    let before = world.version();
    let names = [("www.contoso.com".to_owned(), "rule".to_owned())];
    let findings = acme.examine(&world.context(), &inquiry(&names));
    for subject in ["Reachable", "Clock", "Names", "Limits", "Account", "Template"] {
        let finding = findings.iter().find(|f| f.subject == subject).unwrap_or_else(|| panic!("{subject}"));
        assert!(finding.fault.is_none(), "{finding:?}");
    }
    assert!(world.version() == before && pebble.logged("There are now 1 accounts") == 0);
    // A profile that it does not have; a clock that is wrong; a server that is not there.
    let profile = Acme::new(AcmeSettings { profile: Some("short".into()), ..pebble.settings(pebble.listening()) });
    let error = profile.preflight(&world.context(), &inquiry(&names)).unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::TemplateNotFound, Some("short")));
    world.now = world.now.plus_seconds(-4000);
    let clock =
        pebble.acme().examine(&world.context(), &inquiry(&names)).into_iter().find(|f| f.subject == "Clock").unwrap();
    assert!(clock.fault.is_some());
    let directory = "https://localhost:1/dir".to_owned();
    let down = Acme::new(AcmeSettings { directory, ..pebble.settings(pebble.listening()) });
    assert_eq!(
        down.examine(&world.context(), &inquiry(&names))[0].fault.as_ref().unwrap().id(),
        ErrorId::CaUnreachable
    );
    // Rights are certlet's own.
    let permissions = Some(vec![(r"contoso\guest".to_owned(), vec![crate::ca::Right::Read])]);
    let closed = Acme::new(AcmeSettings { permissions, ..pebble.settings(pebble.listening()) });
    assert_eq!(closed.preflight(&world.context(), &inquiry(&names)).unwrap_err().id(), ErrorId::CaAccessDenied);
}

#[test]
fn the_end_of_the_run_takes_the_answers_away() {
    let Some(pebble) = Pebble::start(
        "the_end_of_the_run_takes_the_answers_away",
        &[("PEBBLE_VA_NOSLEEP", "0"), ("PEBBLE_VA_SLEEPTIME", "60")],
        "",
    ) else {
        return;
    };
    let world = world();
    let (dns, records) = pebble.dns();
    let acme = Acme::new(pebble.settings(dns));
    let answer = acme.begin(&world.context(), &submission("", &["www.contoso.com"])).unwrap();
    let answer = acme.advance(&world.context(), &answer.ticket).unwrap();
    let asked = std::cell::Cell::new(0);
    let was_set = std::cell::Cell::new(false);
    let cancelled = || {
        was_set.set(was_set.get() || records.load(Ordering::SeqCst) == 1);
        asked.set(asked.get() + u32::from(was_set.get()));
        asked.get() > 12
    };
    let mut context = world.context();
    context.cancelled = &cancelled;
    assert_eq!(acme.advance(&context, &answer.ticket).unwrap_err().id(), ErrorId::Interrupted);
    assert!(was_set.get());
    assert_eq!(records.load(Ordering::SeqCst), 0);
}
