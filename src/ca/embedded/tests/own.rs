//! Its own certificate: signed by a parent elsewhere, or renewed with the same key; three in a row against OpenSSL.

use super::*;
use crate::ca::Database;
use crate::x509::{Issuer, NameConstraints, Profile, issue, parse_request};

/// An authority whose parent is elsewhere.
fn below() -> EmbeddedSettings {
    EmbeddedSettings {
        config: r"fe01.contoso.net\contoso-Issuing-CA".into(),
        subject: "CN=contoso-Issuing-CA, DC=contoso, DC=net".into(),
        parent: Parent::Offline,
        ..settings()
    }
}

/// A root that makes authorities.
fn above(key: KeyAlgorithm) -> EmbeddedSettings {
    let authority = Template {
        name: "SubCA".into(),
        authority: true,
        validity_days: 1825,
        purposes: vec![Purpose::ServerAuth, Purpose::ClientAuth],
        ..Template::web_server()
    };
    let mut root = EmbeddedSettings {
        config: r"vault\contoso-Root-CA".into(),
        subject: "CN=contoso-Root-CA, O=Contoso".into(),
        key,
        ..settings()
    };
    root.templates.push(authority);
    root
}

fn submission_for(csr: Vec<u8>, template: &str) -> Submission {
    Submission { csr, template: template.into(), ..submission("", POOL) }
}

/// The request of an authority, its rows written.
fn asked(world: &World, authority: &Embedded) -> Vec<u8> {
    let (csr, writes) = authority.request_own(&world.context(), OPERATOR).unwrap();
    world.state.write(&writes).unwrap();
    csr
}

fn install(world: &World, authority: &Embedded, found: &[Certificate]) -> Result<Vec<Certificate>> {
    let (path, writes) = authority.install_own(&world.context(), OPERATOR, found, &[])?;
    world.state.write(&writes)?;
    Ok(path)
}

#[test]
fn a_chain_of_three_is_made_in_two_homes_and_verified() {
    let Some(bench) = testing::bench("a_chain_of_three_is_made_in_two_homes_and_verified") else { return };
    let keys = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521, KeyAlgorithm::Rsa(2048)];
    for (i, key) in keys.into_iter().enumerate() {
        let (vault, home) = (World::new(), World::new());
        let root = Embedded::new(above(keys[(i + 1) % keys.len()])).unwrap();
        let issuing = Embedded::new(EmbeddedSettings { key, ..below() }).unwrap();
        let csr = asked(&home, &issuing);
        let answer = vault.submit(&root, &submission_for(csr, "SubCA")).unwrap();
        let own = leaf(&answer);
        assert!(own.is_ca() && own.path_len() == Some(0) && own.key_usage().unwrap().contains(KeyUsage::CRL_SIGN));
        assert!(own.extensions().iter().any(|e| e.oid == "2.5.29.30" && e.critical));
        let mut answered = vec![own.clone()];
        answered.extend(root.chain(&vault.context()).unwrap());
        assert_eq!(install(&home, &issuing, &answered).unwrap(), answered);
        assert_eq!(issuing.chain(&home.context()).unwrap(), answered);

        let issued = home.submit(&issuing, &submission("WebServer", POOL)).unwrap();
        let Progress::Issued(served) = &issued.progress else { panic!("{issued:?}") };
        assert_eq!(served[1..], answered[..1], "the root is not served");
        bench.write("root.pem", pem::encode_certificates([&answered[1]]).as_bytes());
        bench.write("ca.pem", pem::encode_certificates([&own]).as_bytes());
        bench.write("leaf.pem", pem::encode_certificates([&served[0]]).as_bytes());
        let at = format!("-attime {}", home.now.unix());
        let verify = format!("verify -x509_strict -check_ss_sig -policy_check {at} -purpose sslserver");
        bench.run(&format!("{verify} -CAfile root.pem -untrusted ca.pem leaf.pem")).unwrap();
        assert!(bench.run(&format!("{verify} -CAfile root.pem leaf.pem")).is_err(), "without the one between");

        // Both lists: the whole chain is checked, and then the leaf is revoked.
        let serial = served[0].serial().to_string();
        bench.write("root.der", &root.revocation_list(&vault.context()).unwrap().0);
        for (revoked, word) in [(false, ""), (true, "revoked")] {
            if revoked {
                home.state.write(&issuing.revoke(&home.context(), OPERATOR, &serial, 1).unwrap()).unwrap();
            }
            bench.write("own.der", &issuing.revocation_list(&home.context()).unwrap().0);
            bench.run("crl -inform DER -in root.der -out root.crl").unwrap();
            bench.run("crl -inform DER -in own.der -out own.crl").unwrap();
            let lists = "-crl_check_all -CRLfile root.crl -CRLfile own.crl";
            let judged = bench.run(&format!("{verify} {lists} -CAfile root.pem -untrusted ca.pem leaf.pem"));
            match judged {
                Ok(_) => assert!(!revoked, "a revoked certificate passes"),
                Err(said) => assert!(revoked && said.contains(word), "{said}"),
            }
        }
    }
}

#[test]
fn until_its_certificate_is_there_it_issues_nothing_and_says_what_to_do() {
    let (world, authority) = (World::new(), Embedded::new(below()).unwrap());
    let waits = |world: &World| {
        for error in [
            authority.preflight(&world.context(), &inquiry("", KeyAlgorithm::EcdsaP256)).unwrap_err(),
            authority.begin(&world.context(), &submission("", POOL)).unwrap_err(),
            authority.check_certified(&world.context()).unwrap_err(),
            authority.revocation_list(&world.context()).unwrap_err(),
        ] {
            assert_eq!(error.id(), ErrorId::CaUnreachable);
            assert!(error.hints().iter().any(|hint| hint.contains("Install-CACertificate")), "{:?}", error.hints());
        }
        assert!(authority.chain(&world.context()).unwrap().is_empty());
    };
    waits(&world);
    assert_eq!(install(&world, &authority, &[]).unwrap_err().id(), ErrorId::CaUnreachable);
    let first = asked(&world, &authority);
    waits(&world);
    // The key is made once; a second request is for the same.
    let before = world.version();
    let second = asked(&world, &authority);
    assert!(world.version() == before);
    let key = |csr: &[u8]| parse_request(csr).unwrap().key_id();
    assert_eq!(key(&first), key(&second));
    let request = parse_request(&first).unwrap();
    assert!(request.asks_for_ca() && request.subject().rdns() == authority.subject);
    assert_eq!(request.name_space().unwrap().unwrap().to_string(), "`fe01`, `contoso.net`, `contoso.com`");
    // A guest may not have it signed in the authority's name.
    for who in [GUEST, r"contoso\svc"] {
        assert_eq!(authority.request_own(&world.context(), who).unwrap_err().id(), ErrorId::CaAccessDenied);
    }
}

#[test]
fn what_the_parent_gave_is_looked_at_before_it_is_taken() {
    let (vault, home) = (World::new(), World::new());
    let issuing = Embedded::new(below()).unwrap();
    let request = parse_request(&asked(&home, &issuing)).unwrap();
    let root = Embedded::new(above(KeyAlgorithm::EcdsaP256)).unwrap();
    let csr = asked(&home, &issuing);
    let good = leaf(&vault.submit(&root, &submission_for(csr, "SubCA")).unwrap());
    let top = root.chain(&vault.context()).unwrap().remove(0);
    let signer = vault.keys.open(&top.key_id()).unwrap();
    let made = |change: &dyn Fn(&mut Profile)| {
        let limits = AuthorityProfile { path_len: Some(0), constraints: None };
        let mut profile = Profile::authority(home.now.plus_days(-1), home.now.plus_days(365), limits);
        profile.alternative_names = Some(Vec::new());
        change(&mut profile);
        issue(&request, &Issuer { certificate: &top, signer: &signer }, &profile).unwrap()
    };
    // Nothing of this is installed.
    let other = leaf(&home.submit(&authority(), &submission("", POOL)).unwrap());
    let refused = |own: Certificate, id: ErrorId| {
        assert_eq!(install(&home, &issuing, &[own, top.clone()]).unwrap_err().id(), id);
        assert!(issuing.chain(&home.context()).unwrap().is_empty());
    };
    refused(other, ErrorId::KeyMismatch);
    refused(
        made(&|profile| {
            profile.authority = None;
            profile.alternative_names = Some(vec![AlternativeName::host("fe01")]);
        }),
        ErrorId::BadCertificateFile,
    );
    refused(made(&|p| p.subject = Some(crate::model::parse_rdns("CN=Other").unwrap())), ErrorId::InvalidName);
    refused(
        made(&|p| (p.not_before, p.not_after) = (home.now.plus_days(1), home.now.plus_days(9))),
        ErrorId::CertificateNotYetValid,
    );
    let missing = install(&home, &issuing, std::slice::from_ref(&good)).unwrap_err();
    assert_eq!(missing.id(), ErrorId::UntrustedChain);
    let (path, _) = issuing
        .install_own(&home.context(), OPERATOR, std::slice::from_ref(&good), std::slice::from_ref(&top))
        .unwrap();
    assert_eq!(path, [good.clone(), top.clone()], "the root may be a trusted one");

    // A second time changes nothing; another home's clock finds it ended.
    install(&home, &issuing, &[top.clone(), good.clone()]).unwrap();
    let before = home.version();
    install(&home, &issuing, &[good.clone(), top.clone()]).unwrap();
    assert!(home.version() == before);
    let mut later = World::new();
    asked(&later, &issuing);
    later.now = good.not_after().plus_days(1);
    let error = issuing.install_own(&later.context(), OPERATOR, &[good, top], &[]).unwrap_err();
    assert_eq!(error.id(), ErrorId::KeyMismatch, "it is another key: {error}");
}

#[test]
fn a_root_signs_authorities_by_the_template_for_them_alone() {
    let (vault, home) = (World::new(), World::new());
    let root = Embedded::new(above(KeyAlgorithm::EcdsaP256)).unwrap();
    let issuing = Embedded::new(below()).unwrap();
    let csr = asked(&home, &issuing);
    let refused = reason(&vault.submit(&root, &submission_for(csr.clone(), "WebServer")).unwrap());
    assert!(refused.contains("`-Template SubCA`"), "{refused}");
    assert!(
        reason(&vault.submit(&authority(), &submission_for(csr.clone(), "WebServer")).unwrap()).contains("no template")
    );
    assert_eq!(root.chain(&vault.context()).unwrap()[0].path_len(), Some(1));
    assert_eq!(authority().chain(&vault.context()).unwrap()[0].path_len(), Some(0));

    // A topology here that does not hold the names wanted there.
    let mut narrow = above(KeyAlgorithm::EcdsaP256);
    narrow.permitted = vec!["contoso.net".into()];
    let narrow = Embedded::new(EmbeddedSettings { config: r"vault\narrow".into(), ..narrow }).unwrap();
    let refused = reason(&vault.submit(&narrow, &submission_for(csr, "SubCA")).unwrap());
    assert!(refused.contains("contoso.com") && refused.contains("fe01"), "{refused}");

    // A request that says nothing of names gets those of the topology here.
    let plain =
        RequestDetails { subject: crate::model::parse_rdns("CN=Appliance CA").unwrap(), ..RequestDetails::default() };
    let csr = build_request(&*KEY, &plain).unwrap().der().to_vec();
    let made = leaf(&vault.submit(&narrow, &submission_for(csr, "SubCA")).unwrap());
    assert!(made.is_ca() && made.alternative_names().is_empty());
    assert_eq!(crate::x509::name_space(&made).unwrap().unwrap().to_string(), "`contoso.net`");
    let wide = RequestDetails { subject: made.subject().rdns().to_vec(), ..RequestDetails::default() };
    let limits = AuthorityProfile {
        path_len: None,
        constraints: Some(NameConstraints { dns: vec!["net".into()], networks: Vec::new() }),
    };
    let csr = crate::x509::build_authority_request(&*KEY, &wide, &limits).unwrap().der().to_vec();
    assert!(reason(&vault.submit(&narrow, &submission_for(csr, "SubCA")).unwrap()).contains("name constraints"));
    let own = RequestDetails {
        subject: crate::model::parse_rdns("CN=contoso-Root-CA, O=Contoso").unwrap(),
        ..RequestDetails::default()
    };
    let csr = build_request(&*KEY, &own).unwrap().der().to_vec();
    assert!(reason(&vault.submit(&root, &submission_for(csr, "SubCA")).unwrap()).contains("has the name of"));
}

#[test]
fn a_root_is_renewed_with_the_names_of_today() {
    let Some(bench) = testing::bench("a_root_is_renewed_with_the_names_of_today") else { return };
    let (world, first) = (World::new(), authority());
    let old = leaf(&world.submit(&first, &submission("", POOL)).unwrap());
    let before = first.chain(&world.context()).unwrap().remove(0);
    let mut grown = above(KeyAlgorithm::EcdsaP256);
    (grown.config, grown.subject) = (settings().config, settings().subject);
    grown.permitted.push("fabrikam.com".into());
    let grown = Embedded::new(grown).unwrap();
    let fabrikam = submission("", &["www.fabrikam.com"]);
    assert!(reason(&world.submit(&grown, &fabrikam).unwrap()).contains("fabrikam"));
    assert_eq!(grown.warnings(&world.context()).unwrap().len(), 2, "names and path length");
    assert_eq!(grown.renew_own(&world.context(), r"contoso\svc", false).unwrap_err().id(), ErrorId::CaAccessDenied);
    let (renewed, writes) = grown.renew_own(&world.context(), OPERATOR, false).unwrap();
    world.state.write(&writes).unwrap();
    assert_eq!((renewed.key_id(), renewed.subject()), (before.key_id(), before.subject()));
    assert_eq!(renewed.path_len(), Some(1));
    assert!(grown.warnings(&world.context()).unwrap().is_empty());
    let new = leaf(&world.submit(&grown, &fabrikam).unwrap());
    let at = format!("-attime {}", world.now.unix());
    for (certificate, root, good) in
        [(&old, &renewed, true), (&new, &renewed, true), (&old, &before, true), (&new, &before, false)]
    {
        bench.write("ca.pem", pem::encode_certificates([root]).as_bytes());
        bench.write("leaf.pem", pem::encode_certificates([certificate]).as_bytes());
        assert_eq!(bench.run(&format!("verify -x509_strict {at} -CAfile ca.pem leaf.pem")).is_ok(), good);
    }

    // Taking the domain away would break what runs: only when that is wanted.
    let back = authority();
    let error = back.renew_own(&world.context(), OPERATOR, false).unwrap_err();
    assert!(error.id() == ErrorId::PolicyRefused && error.message().contains("www.fabrikam.com"), "{error}");
    back.renew_own(&world.context(), OPERATOR, true).unwrap();
    let serial = new.serial().to_string();
    world.state.write(&back.revoke(&world.context(), OPERATOR, &serial, 5).unwrap()).unwrap();
    back.renew_own(&world.context(), OPERATOR, false).unwrap();
    let other = Embedded::new(below()).unwrap();
    assert_eq!(other.renew_own(&world.context(), OPERATOR, true).unwrap_err().id(), ErrorId::PolicyRefused);
    assert_eq!(back.request_own(&world.context(), OPERATOR).unwrap_err().id(), ErrorId::PolicyRefused);
}

#[test]
fn a_published_list_is_judged() {
    let file = std::path::PathBuf::from("ca.crl");
    let world = World::new();
    let authority = Embedded::new(EmbeddedSettings { crl: Some(publication(file)), ..settings() }).unwrap();
    assert!(authority.check_list(&world.context(), &[]).is_err());
    let issued = leaf(&world.submit(&authority, &submission("", POOL)).unwrap());
    assert_eq!(issued.crl_urls(), ["http://pki.contoso.net/ca.crl"]);
    let list = |world: &World| {
        let (list, writes) = authority.revocation_list(&world.context()).unwrap();
        world.state.write(&writes).unwrap();
        list
    };
    let first = list(&world);
    let parsed = parse_crl(&first).unwrap();
    assert_eq!((parsed.number(), parsed.len()), (Some(1), 0));
    assert!(parsed.this_update() < world.now, "backdated for clocks that are late");
    assert_eq!(authority.check_list(&world.context(), &first).unwrap(), world.now.plus_days(7));
    let serial = issued.serial().to_string();
    let mut told = Vec::new();
    for reason in [6, 1] {
        // Each change of mind makes the list an old one, the reason as well.
        world.state.write(&authority.revoke(&world.context(), OPERATOR, &serial, reason).unwrap()).unwrap();
        for old in std::iter::once(&first).chain(&told) {
            let error = authority.check_list(&world.context(), old).unwrap_err();
            assert!(error.message().contains(&serial), "{error}");
        }
        told.push(list(&world));
        authority.check_list(&world.context(), told.last().unwrap()).unwrap();
    }
    let another = World::new();
    another.submit(&authority, &submission("", POOL)).unwrap();
    assert!(authority.check_list(&another.context(), &told[1]).unwrap_err().message().contains("not its own"));
    let mut late = world.context();
    late.now = world.now.plus_days(7);
    assert!(authority.check_list(&late, &told[1]).unwrap_err().message().contains("out of date"));
}
