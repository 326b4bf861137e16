//! What becomes of a request: names, usages, validity.

use super::*;

#[test]
fn certificates_keep_manners() {
    let (world, authority) = (
        World::new(),
        Embedded::new(EmbeddedSettings { crl: Some(publication("ca.crl".into())), ..settings() }).unwrap(),
    );
    let answer = world.submit(&authority, &submission("WebServer", POOL)).unwrap();
    let certificate = leaf(&answer);
    assert_eq!(answer.message, "Issued");
    assert_eq!(names(&certificate), POOL);
    assert_eq!(certificate.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE));
    assert_eq!(certificate.serial().as_bytes().len(), 16);
    assert_eq!(certificate.not_before(), world.now.plus_seconds(-600));
    assert_eq!(certificate.not_after(), world.now.plus_days(730));
    assert_eq!(certificate.crl_urls(), ["http://pki.contoso.net/ca.crl"]);
    let rsa = world.submit(&authority, &submission_of(&RSA, "", "CN=fe01", &["fe01"], Vec::new())).unwrap();
    assert!(leaf(&rsa).key_usage().unwrap().contains(KeyUsage::KEY_ENCIPHERMENT));
}

#[test]
fn the_validity_ends_with_the_authority() {
    let (mut world, authority) =
        (World::new(), Embedded::new(EmbeddedSettings { validity_days: 100, ..settings() }).unwrap());
    let certificate = leaf(&world.submit(&authority, &submission("", POOL)).unwrap());
    let root = authority.chain(&world.context()).unwrap().remove(0);
    assert_eq!(certificate.not_after(), root.not_after());
    world.now = world.now.plus_days(101);
    let error = world.submit(&authority, &submission("", POOL)).unwrap_err();
    assert_eq!(error.id(), ErrorId::CertificateExpired);
}

#[test]
fn the_directory_builds_the_subject() {
    let (world, authority) = (World::new(), authority());
    let certificate = leaf(&world.submit(&authority, &submission("AdComputer", POOL)).unwrap());
    assert_eq!(certificate.subject().to_string(), "CN=fe01.contoso.net");
    assert_eq!(names(&certificate), ["fe01.contoso.net"]);
    for (computer, said) in
        [("", "no computer"), ("*.contoso.net", "no computer"), ("fe01.fabrikam.com", "`fe01.fabrikam.com`")]
    {
        let asked = Submission { computer: computer.into(), ..submission("AdComputer", POOL) };
        let refused = reason(&world.submit(&authority, &asked).unwrap());
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn usages_are_the_templates() {
    let (world, authority) = (World::new(), authority());
    let both = vec![Purpose::ServerAuth, Purpose::ClientAuth];
    let ask = |template: &str, purposes: Vec<Purpose>| {
        world.submit(&authority, &submission_of(&KEY, template, "CN=fe01", &["fe01"], purposes)).unwrap()
    };
    let web = ask("WebServer", both.clone());
    assert_eq!(leaf(&web).purposes(), Some(&[Purpose::ServerAuth][..]));
    assert!(web.message.contains("not granted: Client Authentication"), "{}", web.message);
    assert_eq!(leaf(&ask("ClientServer", both.clone())).purposes(), Some(&both[..]));
    assert_eq!(leaf(&ask("ClientServer", Vec::new())).purposes(), Some(&both[..]));

    // A template that came after the authority's birth and grants what its certificate does not allow.
    let mut later = settings();
    later.templates.push(Template {
        name: "Code".into(),
        purposes: vec![Purpose::CodeSigning],
        ..Template::web_server()
    });
    let later = Embedded::new(later).unwrap();
    let refused = reason(&world.submit(&later, &submission("Code", &["fe01"])).unwrap());
    assert!(refused.contains("Code Signing"), "{refused}");
}

#[test]
fn names_outside_the_constraints_are_listed() {
    let (world, authority) = (World::new(), authority());
    let asked = submission("", &["fe01.contoso.net", "www.fabrikam.com", "10.0.0.1", "fe02", "*.net.contoso.net"]);
    let answer = world.submit(&authority, &asked).unwrap();
    let refused = reason(&answer);
    for name in ["`www.fabrikam.com`", "`10.0.0.1`", "`fe02`", "`contoso.net`", "0x80094001"] {
        assert!(refused.contains(name), "{name}: {refused}");
    }
    assert!(!refused.contains("`fe01.contoso.net`") && !refused.contains("`*.net"), "{refused}");
    let row = authority.submission(&world.context(), 41).unwrap().unwrap();
    assert_eq!((row.disposition, row.certificate.len(), row.resolved), (31, 0, Some(world.now)));

    let ask = |subject: &str, names: &[&str]| {
        world.submit(&authority, &submission_of(&KEY, "", subject, names, Vec::new())).unwrap()
    };
    // A common name counts as well, wherever it stands; an organisation's name in its place does not.
    assert!(reason(&ask("CN=www.fabrikam.com", &["fe01"])).contains("fabrikam"));
    assert!(reason(&ask("CN=fe01, CN=www.fabrikam.com", &["fe01"])).contains("fabrikam"));
    assert!(reason(&ask("CN=www.fabrikam.com", &[])).contains("fabrikam"));
    assert!(reason(&ask("O=Contoso", &[])).contains("names no host"));
    leaf(&ask("CN=Contoso", &["fe01"]));
    leaf(&ask("CN=fe01", &[]));
}

#[test]
fn only_hosts_are_certified() {
    let world = World::new();
    let free = Embedded::new(EmbeddedSettings { unconstrained: true, permitted: Vec::new(), ..settings() }).unwrap();
    for name in [
        AlternativeName::Email("ken@contoso.net".into()),
        AlternativeName::Upn("administrator@contoso.net".into()),
        AlternativeName::Uri("https://contoso.net".into()),
        AlternativeName::Dns("a..b".into()),
        AlternativeName::Dns("contoso.net.".into()),
        AlternativeName::Dns("f*.contoso.net".into()),
    ] {
        let details = RequestDetails {
            alternative_names: vec![AlternativeName::host("fe01"), name.clone()],
            ..RequestDetails::default()
        };
        let csr = build_request(&*KEY, &details).unwrap().der().to_vec();
        let answer = world.submit(&free, &Submission { csr, ..submission("", POOL) }).unwrap();
        assert!(reason(&answer).contains(&format!("`{name}`")), "{name}");
    }
    leaf(&world.submit(&free, &submission("", &["www.fabrikam.com", "10.0.0.1", "my_host.lan"])).unwrap());
    let warned = free.warnings(&world.context()).unwrap().remove(0);
    assert!(warned.contains("no name constraints"), "{warned}");
}

#[test]
fn a_topology_that_has_grown_is_warned_of() {
    let (world, authority) = (World::new(), authority());
    assert!(authority.warnings(&world.context()).unwrap().is_empty());
    world.submit(&authority, &submission("", POOL)).unwrap();
    assert!(authority.warnings(&world.context()).unwrap().is_empty());
    let mut grown = settings();
    grown.permitted.push("fabrikam.com".into());
    let grown = Embedded::new(grown).unwrap();
    assert!(grown.warnings(&world.context()).unwrap().remove(0).contains("`fabrikam.com`"));
    // The certificate binds, not the wish.
    assert!(reason(&world.submit(&grown, &submission("", &["www.fabrikam.com"])).unwrap()).contains("fabrikam"));
    let wished = Embedded::new(EmbeddedSettings { unconstrained: true, ..settings() }).unwrap();
    assert!(wished.warnings(&world.context()).unwrap().remove(0).contains("no effect"));
}
