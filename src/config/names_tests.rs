//! The worked examples of name computation, and what holds for every query.

use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::subsequence;

use super::topology_of_text;
use crate::error::ErrorId;
use crate::model::names::{compute, difference};
use crate::model::{ComputedNames, HostName, NameQuery, RequestedName, Topology, UseName};

const TOPOLOGY_A: &str = include_str!("sample/contoso.topology.toml");
const FABRIKAM: &str = r#"
[[sip_domain]]
name = "fabrikam.com"
[[simple_url]]
scope = "global"
component = "Meet"
domain = "fabrikam.com"
entries = ["https://meet.fabrikam.com"]
"#;
const ALL_THREE: &str = "Default,WebServicesInternal,WebServicesExternal";
const DISCOVER: &str = "LyncdiscoverInternal.Contoso.com,Lyncdiscover.Contoso.com";

fn topology_a() -> Topology {
    topology_of_text("topology.toml", TOPOLOGY_A).unwrap()
}

fn topology_b() -> Topology {
    topology_of_text("topology.toml", &format!("{TOPOLOGY_A}{FABRIKAM}")).unwrap()
}

fn host(text: &str) -> HostName {
    text.parse().unwrap()
}

fn query(topology: &Topology, computer: &str, uses: &str) -> NameQuery {
    NameQuery::new(host(computer), topology.uses.find_all([uses]).unwrap())
}

fn names_of(computed: &ComputedNames) -> Vec<String> {
    computed.names.iter().map(|n| n.name.to_string()).collect()
}

/// Subject and comma list, with the domains abbreviated: `.n` is contoso.net, `.c` contoso.com, `.f` fabrikam.com.
#[track_caller]
fn assert_names(
    topology: &Topology,
    computer: &str,
    uses: &str,
    all: bool,
    added: &str,
    subject: &str,
    expected: &str,
) {
    let long = |word: &str| match word.rsplit_once('.') {
        Some((host, "n")) => format!("{host}.contoso.net"),
        Some((host, "c")) => format!("{host}.contoso.com"),
        Some((host, "f")) => format!("{host}.fabrikam.com"),
        _ => word.to_owned(),
    };
    let mut asked = query(topology, &long(computer), uses);
    asked.all_sip_domain = all;
    asked.domain_name = RequestedName::list(added).unwrap();
    let found = compute(topology, &asked).unwrap();
    assert_eq!(found.subject.as_deref(), Some(long(subject).as_str()));
    let expected: Vec<String> = expected.split_whitespace().map(long).collect();
    assert_eq!(names_of(&found), expected);
    assert_eq!(found.comma_list(), expected.join(","));
}

#[test]
fn w1_the_seeds_request() {
    let expected = "pool01.n fe01.n sip.c webpool01.n webpool01.c meet.c dialin.c admin.c LyncdiscoverInternal.Contoso.com Lyncdiscover.Contoso.com";
    assert_names(&topology_a(), "fe01.n", ALL_THREE, false, DISCOVER, "pool01.n", expected);
}

#[test]
fn w2_without_additions() {
    let expected = "pool01.n fe01.n sip.c webpool01.n webpool01.c meet.c dialin.c admin.c";
    assert_names(&topology_a(), "fe01.n", ALL_THREE, false, "", "pool01.n", expected);
}

#[test]
fn w3_all_sip_domains() {
    let expected = "pool01.n fe02.n sip.c sip.f webpool01.n webpool01.c meet.c meet.f dialin.c admin.c \
                    lyncdiscoverinternal.c lyncdiscoverinternal.f lyncdiscover.c lyncdiscover.f";
    assert_names(&topology_b(), "fe02.n", ALL_THREE, true, "", "pool01.n", expected);
}

#[test]
fn w3b_every_meet_but_the_primary_domain_only() {
    let expected = "pool01.n fe02.n sip.c webpool01.n webpool01.c meet.c meet.f dialin.c admin.c";
    assert_names(&topology_b(), "fe02.n", ALL_THREE, false, "", "pool01.n", expected);
}

#[test]
fn w4_to_w6_one_use_each() {
    let topology = topology_a();
    assert_names(&topology, "fe01.n", "Default", false, "", "pool01.n", "pool01.n fe01.n sip.c");
    let internal = "pool01.n fe01.n webpool01.n meet.c dialin.c admin.c";
    assert_names(&topology, "fe01.n", "WebServicesInternal", false, "", "pool01.n", internal);
    assert_names(
        &topology,
        "fe01.n",
        "WebServicesExternal",
        false,
        "",
        "pool01.n",
        "pool01.n webpool01.c meet.c dialin.c",
    );
}

#[test]
fn w7_standard_edition() {
    let expected = "se01.n sip.c seweb01.c meet.c meet.f dialin.c admin.c";
    assert_names(&topology_b(), "se01.n", ALL_THREE, false, "", "se01.n", expected);
}

#[test]
fn w8_director() {
    let expected = "dirpool01.n dir01.n sip.c dirweb01.c meet.c dialin.c admin.c LyncdiscoverInternal.Contoso.com Lyncdiscover.Contoso.com";
    assert_names(&topology_a(), "dir01.n", ALL_THREE, false, DISCOVER, "dirpool01.n", expected);
    let web = "WebServicesInternal,WebServicesExternal";
    let expected = "dir01.n dirpool01.n dirweb01.c meet.c dialin.c admin.c";
    assert_names(&topology_a(), "dir01.n", web, false, "", "dir01.n", expected);
}

#[test]
fn w9_and_w10_mediation_and_branch_appliance() {
    assert_names(&topology_a(), "med01.n", "Default", false, "", "medpool01.n", "medpool01.n med01.n");
    assert_names(&topology_b(), "sba01.n", "Default", false, "", "sba01.n", "sba01.n sip.c sip.f");
}

#[test]
fn w11_to_w13_edge() {
    assert_names(&topology_a(), "edge01.n", "Internal", false, "", "edgepool01.n", "edgepool01.n");
    let external = "AccessEdgeExternal,DataEdgeExternal,AudioVideoAuthentication";
    assert_names(&topology_b(), "edge01.n", external, true, "", "access.c", "access.c webcon.c sip.c sip.f");
    assert_names(&topology_b(), "edge01.n", "AudioVideoAuthentication", false, "", "av.c", "av.c");
    assert_names(&topology_b(), "edge01.n", "DataEdgeExternal", false, "", "webcon.c", "webcon.c");
    assert_names(&topology_b(), "edge01.n", "Internal,DataEdgeExternal", false, "", "access.c", "access.c webcon.c");
    let xmpp = "access.c contoso.com fabrikam.com";
    assert_names(&topology_b(), "edge01.n", "XMPPServer", true, "", "access.c", xmpp);
}

#[test]
fn w14_oauth_has_no_alternative_name() {
    assert_names(&topology_a(), "fe01.n", "OAuthTokenIssuer", false, "", "contoso.com", "");
    assert_names(&topology_a(), "fe01.n", "OAuthTokenIssuer,Default", false, "", "pool01.n", "pool01.n fe01.n sip.c");
}

#[test]
fn w15_and_w16_autodiscover_names() {
    let external = "pool01.n webpool01.c meet.c meet.f dialin.c lyncdiscover.c lyncdiscover.f";
    assert_names(&topology_b(), "fe01.n", "WebServicesExternal", true, "", "pool01.n", external);
    let internal =
        "pool01.n fe01.n webpool01.n meet.c meet.f dialin.c admin.c lyncdiscoverinternal.c lyncdiscoverinternal.f";
    assert_names(&topology_b(), "fe01.n", "WebServicesInternal", true, "", "pool01.n", internal);
}

#[test]
fn the_topology_switches_names_on() {
    let text = TOPOLOGY_A.replace("autodiscover_by_default = false", "autodiscover_by_default = true");
    let text = text.replace("sipinternal_dns = false", "sipinternal_dns = true");
    let topology = topology_of_text("topology.toml", &text).unwrap();
    let expected = "pool01.n fe01.n sip.c sipinternal.c sipexternal.c";
    assert_names(&topology, "fe01.n", "Default", false, "", "pool01.n", expected);
    let expected = "pool01.n webpool01.c meet.c dialin.c lyncdiscover.c";
    assert_names(&topology, "fe01.n", "WebServicesExternal", false, "", "pool01.n", expected);
}

#[test]
fn simple_urls_of_a_site_replace_the_global_ones() {
    let own = r#"
[[simple_url]]
scope = "site:Redmond"
component = "Meet"
domain = "contoso.com"
entries = ["https://WEBPOOL01.contoso.com/meet"]
"#;
    let topology = topology_of_text("topology.toml", &format!("{TOPOLOGY_A}{own}")).unwrap();
    assert_names(&topology, "fe01.n", "WebServicesExternal", false, "", "pool01.n", "pool01.n webpool01.c");
}

#[test]
fn c22_additions_that_are_there_already_change_nothing() {
    let expected = "pool01.n fe01.n sip.c webpool01.n webpool01.c meet.c dialin.c admin.c";
    assert_names(
        &topology_a(),
        "fe01.n",
        ALL_THREE,
        false,
        "fe01.contoso.net,POOL01.contoso.net",
        "pool01.n",
        expected,
    );
}

#[test]
fn every_name_says_who_asks_for_it() {
    let topology = topology_a();
    let mut query = query(&topology, "fe01", ALL_THREE);
    query.domain_name = RequestedName::list("MEET.contoso.com,10.0.0.1").unwrap();
    let computed = compute(&topology, &query).unwrap();
    let reason = |name: &str| computed.names.iter().find(|n| n.name.to_string() == name).unwrap().reason();
    assert_eq!(computed.computer, host("fe01.contoso.net"), "a short name that fits one computer is enough");
    assert_eq!(reason("pool01.contoso.net"), "pool FQDN");
    assert_eq!(reason("sip.contoso.com"), "`sip.` name of SIP domain contoso.com");
    assert_eq!(reason("meet.contoso.com"), "Meet simple URL; asked for by `-DomainName`");
    assert_eq!(reason("10.0.0.1"), "asked for by `-DomainName`");
    let meet = computed.names.iter().find(|n| n.name.to_string() == "meet.contoso.com").unwrap();
    assert_eq!(
        meet.rules[0].uses.iter().map(UseName::as_str).collect::<Vec<_>>(),
        ["WebServicesInternal", "WebServicesExternal"]
    );
}

#[test]
fn c24_to_c27_what_is_refused() {
    let topology = topology_a();
    let error = RequestedName::list("bad name!,x_y..com").unwrap_err();
    assert_eq!((error.id(), error.target()), (ErrorId::InvalidName, Some("bad name!,x_y..com")));

    let fails = |computer: &str, uses: &str| compute(&topology, &query(&topology, computer, uses)).unwrap_err();
    assert_eq!(fails("fe01.contoso.net", "PICWebService").id(), ErrorId::OnlineOnlyUse);
    let pool = fails("pool01.contoso.net", "Default");
    assert_eq!(pool.id(), ErrorId::ComputerNotInTopology);
    assert!(pool.hints()[0].contains("`fe01.contoso.net`, `fe02.contoso.net`"));
    let near = fails("fe0l.contoso.net", "Default");
    assert_eq!(
        (near.id(), near.hints()),
        (ErrorId::ComputerNotInTopology, vec!["did you mean `fe01.contoso.net`?".to_owned()])
    );
    let role = fails("fe01.contoso.net", "Internal");
    assert_eq!(role.id(), ErrorId::UseNotValidForRole);
    assert!(role.hints()[0].contains("`WebServicesExternal`"));
    assert_eq!(
        compute(&topology, &NameQuery::new(host("fe01"), Vec::new())).unwrap_err().id(),
        ErrorId::MissingMandatoryParameter
    );
}

#[test]
fn a_long_pool_name_gives_no_common_name() {
    let long = format!("{}.contoso.net", "p".repeat(60));
    let topology = topology_of_text(
        "topology.toml",
        &TOPOLOGY_A.replace(
            "pool01.contoso.net\"\nsite = 1\nrole = \"FrontEnd\"",
            &format!("{long}\"\nsite = 1\nrole = \"FrontEnd\""),
        ),
    )
    .unwrap();
    let computed = compute(&topology, &query(&topology, "fe01", "Default")).unwrap();
    assert_eq!((computed.subject.as_deref(), computed.too_long_for_subject.as_ref()), (None, Some(&host(&long))));
    assert_eq!(names_of(&computed)[0], long);
}

#[test]
fn names_can_be_left_out() {
    let topology = topology_a();
    let mut query = query(&topology, "fe01", ALL_THREE);
    query.excluded =
        RequestedName::list("POOL01.contoso.net,fe01.contoso.net,webpool01.contoso.net,nobody.contoso.net").unwrap();
    let computed = compute(&topology, &query).unwrap();
    assert_eq!(
        computed.comma_list(),
        "sip.contoso.com,webpool01.contoso.com,meet.contoso.com,dialin.contoso.com,admin.contoso.com"
    );
    assert_eq!(computed.subject.as_deref(), Some("sip.contoso.com"), "a left-out name is no subject either");
    assert_eq!(computed.excluded.len(), 3);
    assert_eq!(computed.not_computed, RequestedName::list("nobody.contoso.net").unwrap());
}

#[test]
fn differences_name_each_name_and_rule() {
    let topology = topology_a();
    let computed = compute(&topology, &query(&topology, "fe01", ALL_THREE)).unwrap();
    let part = difference(
        &computed,
        &["POOL01.contoso.net", "fe01.contoso.net", "sip.contoso.com", "old.contoso.net", "not a name"],
    );
    let missing: Vec<String> = part.missing.iter().map(|m| format!("{}: {}", m.name, m.reason)).collect();
    assert_eq!(
        missing,
        [
            "webpool01.contoso.net: internal web services FQDN",
            "webpool01.contoso.com: external web services FQDN",
            "meet.contoso.com: Meet simple URL",
            "dialin.contoso.com: Dialin simple URL",
            "admin.contoso.com: Admin simple URL",
        ]
    );
    assert_eq!(part.unexpected, ["old.contoso.net", "not a name"]);
    assert!(!part.is_empty() && difference(&computed, &names_of(&computed)).is_empty());
}

#[test]
fn a_wildcard_stands_for_simple_urls_and_autodiscover_names_only() {
    let topology = topology_a();
    let mut query = query(&topology, "fe01", ALL_THREE);
    query.domain_name = RequestedName::list(&format!("{DISCOVER},shop.contoso.com")).unwrap();
    let computed = compute(&topology, &query).unwrap();
    let wild = ["pool01.contoso.net", "fe01.contoso.net", "webpool01.contoso.net", "*.contoso.com"];
    let found = difference(&computed, &wild);
    let missing: Vec<String> = found.missing.iter().map(|m| m.name.to_string()).collect();
    assert_eq!(missing, ["sip.contoso.com", "webpool01.contoso.com", "shop.contoso.com"]);
    assert!(found.unexpected.is_empty());
}

#[test]
fn a_pool_that_never_heard_of_lync() {
    let text = r#"
version = 1
[[use]]
name = "Shop"
names = ["shop.example.com", "www.shop.example.com"]
needs = { eku = ["ServerAuth"], key = ["ECDSA", "RSA>=2048"], wildcard = true }
[[use]]
name = "Metrics"
names = ["metrics.{computer}", "{pool}"]
[[pool]]
fqdn = "shop.example.com"
role = "Service"
uses = ["shop", "Metrics"]
computers = ["web1.example.net", "web2.example.net"]
"#;
    let topology = topology_of_text("topology.toml", text).unwrap();
    let computed = compute(&topology, &query(&topology, "web2", "SHOP")).unwrap();
    assert_eq!(
        (computed.subject.as_deref(), computed.comma_list().as_str()),
        (Some("shop.example.com"), "shop.example.com,www.shop.example.com")
    );
    assert_eq!(computed.names[1].reason(), "name of use Shop");
    let wild = difference(&computed, &["shop.example.com", "*.shop.example.com"]);
    assert!(wild.is_empty(), "{wild:?}");
    let metrics = compute(&topology, &query(&topology, "web2", "Metrics")).unwrap();
    assert_eq!(metrics.comma_list(), "metrics.web2.example.net,shop.example.com");
    let refused = compute(&topology, &query(&topology, "web1", "Default")).unwrap_err();
    assert_eq!(
        (refused.id(), refused.hints()),
        (ErrorId::UseNotValidForRole, vec!["its uses are `Shop`, `Metrics`".to_owned()])
    );
    let unknown = topology.uses.find("Shp").unwrap_err();
    assert!(unknown.message().contains("declared by the topology: `Shop`, `Metrics`"));
    assert_eq!(topology.suffixes(), [host("example.com"), host("example.net")]);
}

fn any_query() -> impl Strategy<Value = (bool, &'static str, Vec<&'static str>, bool, Vec<String>)> {
    let front_end = subsequence(
        vec!["Default", "WebServicesInternal", "WebServicesExternal", "OAuthTokenIssuer", "XMPPServer"],
        1..=5,
    );
    let edge = subsequence(
        vec![
            "Internal",
            "External",
            "AccessEdgeExternal",
            "DataEdgeExternal",
            "AudioVideoAuthentication",
            "XMPPServer",
        ],
        1..=6,
    );
    let place = prop_oneof![
        (prop_oneof![Just("fe01"), Just("FE02.contoso.net"), Just("se01")], front_end),
        (Just("edge01"), edge),
    ];
    let added = proptest::collection::vec(
        "([a-z]{1,3}\\.)?(contoso\\.com|CONTOSO\\.net|a\\.b)|\\*\\.contoso\\.com|10\\.0\\.0\\.[1-3]",
        0..6,
    );
    (proptest::bool::ANY, place, proptest::bool::ANY, added)
        .prop_map(|(b, (computer, uses), all, added)| (b, computer, uses, all, added))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_holds_for_every_query((b, computer, uses, all, added) in any_query()) {
        let topology = if b { topology_b() } else { topology_a() };
        let mut query = query(&topology, computer, &uses.join(","));
        query.all_sip_domain = all;
        query.domain_name = RequestedName::list(&added.join(",")).unwrap();
        let computed = compute(&topology, &query).unwrap();

        // Order of the uses asked for changes nothing.
        let mut reversed = query.clone();
        reversed.uses.reverse();
        prop_assert_eq!(&compute(&topology, &reversed).unwrap(), &computed);

        // No name twice, whatever its case; each has a reason.
        let mut lower: Vec<String> = names_of(&computed).iter().map(|n| n.to_lowercase()).collect();
        lower.sort();
        lower.dedup();
        prop_assert_eq!(lower.len(), computed.names.len());
        prop_assert!(computed.names.iter().all(|n| !n.rules.is_empty()));

        // Pasting the comma list behind -DomainName gives the same names in the same order.
        let mut pasted = query.clone();
        pasted.domain_name = RequestedName::list(&computed.comma_list()).unwrap();
        prop_assert_eq!(names_of(&compute(&topology, &pasted).unwrap()), names_of(&computed));

        // A certificate with exactly these names differs in nothing; one without any lacks all.
        prop_assert!(difference(&computed, &names_of(&computed)).is_empty());
        prop_assert_eq!(difference::<&str>(&computed, &[]).missing.len(), computed.names.len());

        // A wildcard never takes the place of what must be named.
        let bare = difference(&computed, &["*.contoso.com", "*.contoso.net"]);
        let fixed = ["pool01.contoso.net", "sip.contoso.com", "access.contoso.com", "webpool01.contoso.com"];
        for name in computed.names.iter().filter(|n| fixed.iter().any(|f| n.name.to_string().eq_ignore_ascii_case(f))) {
            let asked_by_hand_only = name.rules.iter().all(|r| r.uses.is_empty());
            prop_assert!(asked_by_hand_only || bare.missing.iter().any(|m| m.name == name.name), "{}", name.name);
        }
    }
}
