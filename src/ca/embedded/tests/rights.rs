//! Who may do what: every right, and every refusal with its code.

use super::*;

type Change = &'static dyn Fn(&mut Inquiry<'_>);

#[test]
fn rights_are_asked_before_a_key_is_made() {
    let (world, authority) = (World::new(), authority());
    let before = world.version();
    let ask = |change: &dyn Fn(&mut Inquiry<'_>)| {
        let mut asked = inquiry("WebServer", KeyAlgorithm::Rsa(2048));
        change(&mut asked);
        authority.preflight(&world.context(), &asked)
    };
    let account = |name: &str, password: &str| (name.to_owned(), Secret::from(password));
    ask(&|_| {}).unwrap();
    ask(&|i| i.requester = r"CONTOSO\KenMyer").unwrap();
    ask(&|i| i.template = "webserver").unwrap();
    ask(&|i| i.template = "").unwrap();
    ask(&|i| i.key = KeyAlgorithm::EcdsaP256).unwrap();
    ask(&|i| (i.template, i.exportable) = ("jcila", true)).unwrap();
    let svc = account(r"Contoso\SVC", "svc's");
    authority
        .preflight(
            &world.context(),
            &Inquiry { requester: r"contoso\nobody", account: Some(&svc), ..inquiry("", KeyAlgorithm::EcdsaP256) },
        )
        .unwrap();

    let refusals: [(Change, ErrorId, &str); 8] = [
        (&|i| i.requester = r"contoso\nobody", ErrorId::CaAccessDenied, "0x80070005"),
        (&|i| i.requester = r"contoso\administrator", ErrorId::CaAccessDenied, "0x80070005"),
        (&|i| i.requester = GUEST, ErrorId::CaAccessDenied, "0x80094011"),
        (&|i| i.template = "Web Server", ErrorId::TemplateNotFound, "0x80094800"),
        (&|i| i.template = "Restricted", ErrorId::TemplateAccessDenied, "0x80094012"),
        (&|i| i.key = KeyAlgorithm::Rsa(1024), ErrorId::KeyTooSmall, "0x80094811"),
        (&|i| i.exportable = true, ErrorId::RequestDenied, "exported"),
        (&|i| (i.requester, i.template) = (GUEST, "Restricted"), ErrorId::CaAccessDenied, "0x80094011"),
    ];
    for (change, id, code) in refusals {
        let error = ask(change).unwrap_err();
        assert_eq!(error.id(), id, "{error}");
        assert!(error.message().contains(code), "{error}");
        assert!(!error.hints().is_empty());
    }
    for (name, password, id) in [
        (r"contoso\svc", "SVC's", ErrorId::CaAccessDenied),
        (r"contoso\stranger", "svc's", ErrorId::CaAccessDenied),
        (r"contoso\blank", "", ErrorId::CaAccessDenied),
        (GUEST, "guest's", ErrorId::CaAccessDenied),
    ] {
        let given = account(name, password);
        let error = authority
            .preflight(&world.context(), &Inquiry { account: Some(&given), ..inquiry("", KeyAlgorithm::EcdsaP256) })
            .unwrap_err();
        assert_eq!(error.id(), id, "{name}");
        assert!(!format!("{error:?}").contains("svc's"), "{error:?}");
    }
    assert_eq!(world.version(), before);
}

#[test]
fn what_preflight_refuses_begin_refuses() {
    let (world, authority) = (World::new(), authority());
    let before = world.version();
    let good = submission("WebServer", POOL);
    let cases = [
        (Submission { requester: GUEST.into(), ..good.clone() }, ErrorId::CaAccessDenied),
        (Submission { template: "Web Server".into(), ..good.clone() }, ErrorId::TemplateNotFound),
        (Submission { template: "Restricted".into(), ..good.clone() }, ErrorId::TemplateAccessDenied),
        (Submission { exportable: true, ..good.clone() }, ErrorId::RequestDenied),
        (Submission { account: Some((r"contoso\svc".into(), "no".into())), ..good.clone() }, ErrorId::CaAccessDenied),
        (Submission { csr: good.csr[1..].to_vec(), ..good.clone() }, ErrorId::BadCertificateFile),
    ];
    for (case, id) in cases {
        assert_eq!(world.submit(&authority, &case).unwrap_err().id(), id);
    }
    let mut forged = good.clone();
    let last = forged.csr.len() - 1;
    forged.csr[last] ^= 1;
    assert_eq!(world.submit(&authority, &forged).unwrap_err().id(), ErrorId::BadCertificateFile);
    let strict = Embedded::new(EmbeddedSettings {
        templates: vec![Template { minimum_key_size: 4096, ..Template::web_server() }],
        ..settings()
    })
    .unwrap();
    let short = submission_of(&RSA, "", "CN=fe01", &["fe01"], Vec::new());
    assert_eq!(world.submit(&strict, &short).unwrap_err().id(), ErrorId::KeyTooSmall);
    assert_eq!(world.version(), before, "a request that was never decided took a number");
}

#[test]
fn an_asked_account_is_the_requester() {
    let (world, authority) = (World::new(), authority());
    let asked = Submission {
        requester: r"contoso\nobody".into(),
        account: Some((r"contoso\svc".into(), "svc's".into())),
        ..submission("", POOL)
    };
    let answer = world.submit(&authority, &asked).unwrap();
    let row = authority.submission(&world.context(), answer.request_id.unwrap()).unwrap().unwrap();
    assert_eq!(row.requester, r"contoso\svc");
    assert!(!format!("{asked:?} {authority:?}").contains("svc's"));
}

#[test]
fn a_misspelt_template_is_explained() {
    let authority = authority();
    let hints = |name: &str| authority.settings.template(name).unwrap_err().hints().join("\n");
    assert!(hints("jcila display").contains("its name is `jcila`"));
    assert!(hints("WebServr").contains("did you mean `WebServer`?"));
    assert!(hints("x").contains("published are `WebServer`, `jcila`"));
    let facts = authority.templates();
    assert_eq!(facts.len(), 7);
    assert!(facts[2].needs_approval && facts[1].exportable && facts[3].subject_from_directory);
    assert!(authority.may_enroll(OPERATOR, "jcila") && !authority.may_enroll(OPERATOR, "Restricted"));
    assert!(!authority.may_enroll(GUEST, "jcila") && !authority.may_enroll(OPERATOR, "none"));
}

#[test]
fn without_permissions_the_administrators_have_all() {
    let authority = Embedded::new(EmbeddedSettings { permissions: None, ..settings() }).unwrap();
    let world = World::new();
    let ask = |requester| {
        authority.preflight(&world.context(), &Inquiry { requester, ..inquiry("", KeyAlgorithm::EcdsaP256) })
    };
    ask(r"CONTOSO\Administrator").unwrap();
    assert_eq!(ask(OPERATOR).unwrap_err().id(), ErrorId::CaAccessDenied);
    authority.settings.check_issuer(r"contoso\administrator").unwrap();
}
