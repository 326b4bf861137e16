//! Verdicts over Contoso's sample, sound and broken in each way.

use super::VERB;
use super::record::TLS_BINDING_TEST;
use crate::cmdlets::testing::{Done, NAMES, TestWorld, texts};
use crate::command::{Stream, Value};
use crate::error::{ErrorId, ExitCode};
use crate::model::{MissingNames, ProofScope};
use crate::probe::Miss;
use crate::probe::testing::Oddities;

const EXTERNAL: (&str, &str) = ("Type", "WebServicesExternal");

fn external(world: &TestWorld) -> Done {
    world.run(&VERB, &[(EXTERNAL.0, EXTERNAL.1.into())])
}

/// Verdict, problem, remedy and exit code of the one record for the external site.
#[track_caller]
fn verdict(world: &TestWorld) -> (String, String, String, ExitCode) {
    let done = external(world);
    let exit = done.exit;
    let found = done.emitted();
    assert_eq!(found.len(), 1);
    let text = |property: &str| texts(&found, property).remove(0);
    (text("Verdict"), text("Problem"), text("Remedy"), exit)
}

#[test]
fn a_sound_world_is_proven() {
    let world = TestWorld::contoso();
    let done = world.run(&VERB, &[]);
    assert_eq!(done.exit, ExitCode::Done);
    assert_eq!(done.said(Stream::Warning), Vec::<&str>::new());
    let found = done.emitted();
    assert_eq!(texts(&found, "Use"), ["WebServicesInternal", "WebServicesExternal", "Default"]);
    assert_eq!(texts(&found, "Verdict"), ["Proven"; 3], "{:?}", texts(&found, "Problem"));
    assert_eq!(texts(&found, "ExpectedPort"), ["443", "4443", ""]);
    assert_eq!(texts(&found, "Port"), ["443", "4443", "5061"]);
    assert_eq!(texts(&found, "Endpoint"), ["127.0.0.1:443", "127.0.0.1:4443", "127.0.0.1:5061"]);
    assert_eq!(texts(&found, "Protocol"), ["https", "https", "tls"]);
    let old = world.thumbprint("old");
    assert_eq!(texts(&found, "ExpectedThumbprint"), vec![old.clone(); 3]);
    assert_eq!(texts(&found, "ActualThumbprint"), vec![old; 3]);
    let names: Vec<&str> = TLS_BINDING_TEST.properties.iter().filter(|p| !p.hidden).map(|p| p.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "Computer", "Site", "Use", "Protocol", "BindingInformation", "Endpoint", "ExpectedPort", "Port", "ExpectedThumbprint",
            "ActualThumbprint", "Verdict", "Problem", "Remedy",
        ]
    );
}

#[test]
fn another_certificate_that_is_bound_and_served_contradicts() {
    let world = TestWorld::contoso().with("part", &NAMES[..3]).bound("*:4443:", "part").serving("127.0.0.1:4443", "part");
    let (verdict, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict.as_str(), exit), ("Contradicted", ExitCode::PutBack));
    assert!(problem.contains(&format!("`{}` is bound, assigned is `{}`", world.thumbprint("part"), world.thumbprint("old"))), "{problem}");
    assert_eq!(remedy, format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {}", world.thumbprint("old")));
    assert_eq!(texts(&external(&world).emitted(), "ActualThumbprint"), [world.thumbprint("part")]);
}

#[test]
fn a_server_that_was_not_told_contradicts_although_the_books_agree() {
    let world = TestWorld::contoso().with("stale", &NAMES).serving("127.0.0.1:4443", "stale");
    let (verdict, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict.as_str(), exit), ("Contradicted", ExitCode::PutBack));
    assert!(problem.contains(&world.thumbprint("stale")), "{problem}");
    assert!(remedy.starts_with("Set-CsCertificate -Type WebServicesExternal"), "{remedy}");
}

#[test]
fn the_port_of_the_topology_counts() {
    let world = TestWorld::contoso().topology(|t| t.pools[0].web.as_mut().unwrap().external.https = 4444);
    let (verdict, problem, remedy, _) = verdict(&world);
    assert_eq!((verdict.as_str(), problem.as_str()), ("Contradicted", "https is on port 4443, the topology says 4444"));
    assert!(remedy.contains("information = \"*:4444:\""), "{remedy}");
    assert_eq!(texts(&external(&world).emitted(), "ExpectedPort"), ["4444"]);
}

#[test]
fn a_binding_without_a_certificate_is_a_fault() {
    let world = TestWorld::contoso().unbound("*:4443:").failing("127.0.0.1:4443", Miss::Off("alert `handshake_failure`".into()));
    let (verdict_, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict_.as_str(), exit), ("Contradicted", ExitCode::PutBack));
    assert!(problem.starts_with("the binding has no certificate"), "{problem}");
    assert_eq!(remedy, format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {}", world.thumbprint("old")));
    let (verdict_, problem, remedy, _) = verdict(&world.unassigned("WebServicesExternal"));
    assert_eq!(verdict_, "Contradicted");
    assert_eq!(problem, "the binding has no certificate, and none is assigned for `WebServicesExternal`");
    assert!(remedy.starts_with("Request-CsCertificate -New -Type WebServicesExternal"), "{remedy}");
}

#[test]
fn what_is_bound_without_being_assigned_is_a_fault() {
    let world = TestWorld::contoso().unassigned("WebServicesExternal");
    let (verdict, problem, remedy, _) = verdict(&world);
    assert_eq!(verdict, "Contradicted");
    assert!(problem.contains("nothing is assigned"), "{problem}");
    assert_eq!(remedy, format!("Set-CsCertificate -Type WebServicesExternal -Thumbprint {}", world.thumbprint("old")));
}

#[test]
fn a_server_that_is_down_leaves_it_unproven() {
    let world = TestWorld::contoso().failing("127.0.0.1:4443", Miss::Down("the connection is refused".into()));
    let (verdict, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict.as_str(), exit), ("Unproven", ExitCode::Unproven));
    assert_eq!(problem, "it does not answer: the connection is refused");
    assert_eq!(remedy, "certlet serve");
}

#[test]
fn sites_that_are_stopped_and_bindings_without_endpoint_are_unproven() {
    let world = TestWorld::contoso().stopped("Lync Server External Web Site");
    let (verdict_, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict_.as_str(), exit), ("Unproven", ExitCode::Unproven));
    assert!(problem.contains("stopped") && remedy.contains("Started"), "{problem} {remedy}");
    let world = TestWorld::contoso().binding("*:4443:", |b| b.endpoints.clear());
    let (verdict_, problem, remedy, _) = verdict(&world);
    assert_eq!((verdict_.as_str(), problem.as_str()), ("Unproven", "no endpoint declared"));
    assert!(remedy.contains("endpoint ="), "{remedy}");
}

#[test]
fn a_smaller_scope_is_honoured() {
    let world = TestWorld::contoso().binding("*:4443:", |b| b.prove = Some(Vec::new()));
    assert_eq!((verdict(&world).0.as_str(), verdict(&world).3), ("NotApplicable", ExitCode::Done));
    let world = TestWorld::contoso().binding("*:4443:", |b| b.prove = Some(vec![ProofScope::Tls13]));
    assert_eq!(verdict(&world).0, "Proven");
    // What the books say is a fault all the same.
    let world = TestWorld::contoso().binding("*:4443:", |b| b.prove = Some(Vec::new())).unbound("*:4443:");
    assert_eq!(verdict(&world).0, "Contradicted");
}

#[test]
fn missing_names_make_it_partial_and_are_named_with_their_rules() {
    let world = TestWorld::contoso()
        .with("part", &["pool01.contoso.net", "webpool01.contoso.com"])
        .assigned("WebServicesExternal", "part")
        .bound("*:4443:", "part")
        .serving("127.0.0.1:4443", "part");
    let done = external(&world);
    let warning = done.said(Stream::Warning).join(" ");
    assert!(warning.contains("`meet.contoso.com` (") && warning.contains("`dialin.contoso.com` ("), "{warning}");
    assert!(!warning.contains("webpool01.contoso.net"), "the external site does not need it: {warning}");
    let (verdict_, problem, remedy, exit) = verdict(&world);
    assert_eq!((verdict_.as_str(), exit), ("Partial", ExitCode::Unproven));
    assert!(problem.contains("lacks `") && problem.contains("`meet.contoso.com`"), "{problem}");
    assert!(remedy.starts_with("Request-CsCertificate -New -Type WebServicesExternal"), "{remedy}");
    let strict = world.topology(|t| t.policy.missing_names = MissingNames::Error);
    assert_eq!((verdict(&strict).0.as_str(), verdict(&strict).3), ("Contradicted", ExitCode::PutBack));
}

#[test]
fn unfit_certificates_are_faults() {
    let ended = Oddities { ended: true, ..Oddities::default() };
    let client = Oddities { client_only: true, ..Oddities::default() };
    for (odd, word) in [(ended, "ended"), (client, "Server Authentication")] {
        let world = TestWorld::contoso()
            .with_odd("odd", &NAMES, &odd)
            .assigned("WebServicesExternal", "odd")
            .bound("*:4443:", "odd")
            .serving("127.0.0.1:4443", "odd");
        let (verdict, problem, remedy, _) = verdict(&world);
        assert_eq!(verdict, "Contradicted");
        assert!(problem.contains(word), "{problem}");
        assert!(remedy.starts_with("Request-CsCertificate"), "{remedy}");
    }
    let (verdict_, problem, remedy, _) = verdict(&TestWorld::contoso().without_key("old"));
    assert_eq!(verdict_, "Contradicted");
    assert!(problem.contains("no private key") && remedy.contains("import"), "{problem} {remedy}");
    let (verdict_, problem, _, _) = verdict(&TestWorld::contoso().vanished("old"));
    assert_eq!(verdict_, "Contradicted");
    assert!(problem.contains("not in the store"), "{problem}");
}

#[test]
fn a_use_without_a_binding_is_not_applicable() {
    let world = TestWorld::contoso().without_site("Lync Server External Web Site").without_site("Lync Server Front-End");
    let done = world.run(&VERB, &[]);
    assert_eq!(done.exit, ExitCode::Done);
    let found = done.emitted();
    assert_eq!(texts(&found, "Use"), ["WebServicesInternal", "Default", "WebServicesExternal"]);
    assert_eq!(texts(&found, "Verdict"), ["Proven", "NotApplicable", "NotApplicable"]);
    let remedies = texts(&found, "Remedy");
    assert_eq!(remedies[1], "");
    assert!(remedies[2].contains("use = \"WebServicesExternal\"") && remedies[2].contains("*:4443:"), "{remedies:?}");
    let named = world.run(&VERB, &[("Name", "Lync Server External Web Site".into())]).emitted();
    assert_eq!(texts(&named, "Verdict"), ["NotApplicable"]);
    let never = world.run(&VERB, &[("Type", "OAuthTokenIssuer".into())]).emitted();
    assert_eq!(texts(&never, "Problem"), ["nothing is assigned for `OAuthTokenIssuer`, and no binding names it"]);
}

#[test]
fn names_and_bindings_narrow_the_test() {
    let world = TestWorld::contoso();
    let count = |parameters: &[(&str, Value)]| world.run(&VERB, parameters).emitted().len();
    assert_eq!(count(&[("Name", "Default Web Site".into())]), 0, "it speaks no TLS");
    assert_eq!(count(&[("Name", "lync server*web site".into())]), 2);
    assert_eq!(count(&[("BindingInformation", "*:5061:".into())]), 1);
    assert_eq!(count(&[("BindingInformation", "*:80:".into())]), 0);
    let error = world.run(&VERB, &[("Name", "Lync Server Extrenal Web Site".into())]).error();
    assert_eq!((error.id(), error.hints()), (ErrorId::SiteNotFound, vec!["did you mean `Lync Server External Web Site`?".to_owned()]));
}
