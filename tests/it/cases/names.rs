//! C10–C28, C121: subject and names as they are computed from the topology.

use serde_json::Value;

use crate::world::{CA, COMPUTED, THREE, World, names, set, text};

/// Asks for a certificate and compares what comes back with a common name and a set of names.
#[track_caller]
fn computes(world: &World, arguments: &str, common_name: &str, expected: &[&str]) -> Value {
    let issued = world.request(arguments);
    assert_eq!(issued["Subject"], format!("CN={common_name}"));
    assert_eq!(names(&issued["AlternativeNames"]), set(expected.iter().copied()));
    issued
}

#[test]
fn c10_default() {
    let expected = ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"];
    computes(&World::new(), "-Type Default", "pool01.contoso.net", &expected);
}

#[test]
fn c11_internal_web_services() {
    let expected = [
        "pool01.contoso.net",
        "fe01.contoso.net",
        "webpool01.contoso.net",
        "meet.contoso.com",
        "dialin.contoso.com",
        "admin.contoso.com",
    ];
    computes(&World::new(), "-Type WebServicesInternal", "pool01.contoso.net", &expected);
}

#[test]
fn c13_every_sip_domain_for_another_computer() {
    let expected = [
        "pool01.contoso.net",
        "fe02.contoso.net",
        "sip.contoso.com",
        "sip.fabrikam.com",
        "webpool01.contoso.net",
        "webpool01.contoso.com",
        "meet.contoso.com",
        "meet.fabrikam.com",
        "dialin.contoso.com",
        "admin.contoso.com",
        "lyncdiscoverinternal.contoso.com",
        "lyncdiscoverinternal.fabrikam.com",
        "lyncdiscover.contoso.com",
        "lyncdiscover.fabrikam.com",
    ];
    let arguments = format!("-Type {THREE} -AllSipDomain -verbose -ComputerFqdn fe02.contoso.net");
    computes(&World::with_fabrikam(), &arguments, "pool01.contoso.net", &expected);
}

#[test]
fn c15_every_sip_domain_inside() {
    let expected = [
        "pool01.contoso.net",
        "fe01.contoso.net",
        "webpool01.contoso.net",
        "meet.contoso.com",
        "meet.fabrikam.com",
        "dialin.contoso.com",
        "admin.contoso.com",
        "lyncdiscoverinternal.contoso.com",
        "lyncdiscoverinternal.fabrikam.com",
    ];
    computes(&World::with_fabrikam(), "-Type WebServicesInternal -AllSipDomain", "pool01.contoso.net", &expected);
}

#[test]
fn c18_a_standard_edition_server() {
    let expected = [
        "se01.contoso.net",
        "sip.contoso.com",
        "seweb01.contoso.com",
        "meet.contoso.com",
        "meet.fabrikam.com",
        "dialin.contoso.com",
        "admin.contoso.com",
    ];
    let arguments = format!("-ComputerFqdn se01.contoso.net -Type {THREE}");
    computes(&World::with_fabrikam(), &arguments, "se01.contoso.net", &expected);
}

#[test]
fn c19_a_mediation_server() {
    let expected = ["medpool01.contoso.net", "med01.contoso.net"];
    computes(&World::new(), "-ComputerFqdn med01.contoso.net -Type Default", "medpool01.contoso.net", &expected);
}

#[test]
fn c21_the_inside_of_an_edge_server() {
    let expected = ["edgepool01.contoso.net"];
    computes(&World::new(), "-ComputerFqdn edge01.contoso.net -Type Internal", "edgepool01.contoso.net", &expected);
}

#[test]
fn c22_a_name_that_is_computed_already() {
    let arguments = format!("-Type {THREE} -DomainName \"fe01.contoso.net,POOL01.contoso.net\"");
    computes(&World::new(), &arguments, "pool01.contoso.net", &COMPUTED);
}

#[test]
fn c24_no_host_names() {
    let world = World::new();
    let line = format!(
        "Request-CsCertificate -New -Type Default -CA {CA} -DomainName \"bad name!,x_y..com,good.contoso.com\""
    );
    let error = world.refuses(&line, 1, "InvalidName");
    let target = text(&error, "target");
    assert_eq!(target.split(',').collect::<Vec<_>>(), ["bad name!", "x_y..com"]);
}

#[test]
fn c26_a_use_of_the_hosted_product() {
    let error =
        World::new().refuses(&format!("Request-CsCertificate -New -Type PICWebService -CA {CA}"), 1, "OnlineOnlyUse");
    assert_eq!(error["target"], "PICWebService");
}

#[test]
fn c27_a_pool_is_no_computer() {
    let line = format!("Request-CsCertificate -New -Type Default -CA {CA} -ComputerFqdn pool01.contoso.net");
    let error = World::new().refuses(&line, 1, "ComputerNotInTopology");
    let hints = error["hints"].to_string();
    assert!(hints.contains("fe01.contoso.net") && hints.contains("fe02.contoso.net"), "{hints}");
}

#[test]
fn c28_the_rest_of_the_subject() {
    let world = World::new();
    let issued = world.request("-Type Default -City Redmond -State WA -Country US -Organization Contoso -OU IT");
    let subject = text(&issued, "Subject");
    let parts = set(subject.split(", "));
    assert_eq!(parts, set(["CN=pool01.contoso.net", "OU=IT", "O=Contoso", "L=Redmond", "S=WA", "C=US"]), "{subject}");
    assert_eq!(names(&issued["AlternativeNames"]), set(["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com"]));
}

#[test]
fn c121_more_names_without_quotes() {
    let expected = ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com", "a.contoso.com", "b.contoso.com"];
    computes(&World::new(), "-Type Default -DomainName a.contoso.com,b.contoso.com", "pool01.contoso.net", &expected);
}
