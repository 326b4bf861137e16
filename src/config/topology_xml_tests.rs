//! Topologies as XML: what is written reads back as it was, the product's own form is understood, the rest is refused.

use std::path::Path;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

use super::sample::{Sample, files};
use super::{builtin_uses, read_topology, topology_of_text, topology_of_xml, topology_to_xml};
use crate::error::{Error, ErrorId};
use crate::model::{
    EdgeInterfaces, HostName, MissingNames, Pool, Role, SimpleUrl, SimpleUrlComponent, SimpleUrlScope, SipDomain,
    SiteKind, Topology, TopologySite, Uses, WebPorts, WebServices,
};

/// A document as the product publishes it: services of all kinds, a database cluster, comments, a namespace for each
/// part, computers out of their order.
pub(super) const PUBLISHED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<!-- as published -->
<Topology xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008" Signature="5c1f6e0c-7d61-4a0a-9f0d-0f6a5f1f8a01">
  <InternalDomains AllowAllDomains="false" DefaultDomain="contoso.com">
    <InternalDomain Name="fabrikam.com" Authoritative="false" AllowSubDomains="false" />
    <InternalDomain Name="contoso.com" Authoritative="false" AllowSubDomains="false" />
  </InternalDomains>
  <Sites>
    <CentralSite SiteId="1"><Name>Redmond &amp; more</Name><Location /></CentralSite>
    <CentralSite SiteId="2"><Name>&#68;ublin</Name><Location /></CentralSite>
  </Sites>
  <Clusters>
    <Cluster RequiresReplication="true" RequiresSetup="true" Fqdn="pool01.contoso.net">
      <ClusterId SiteId="1" Number="1" />
      <Machine OrdinalInCluster="2" Fqdn="fe02.contoso.net" FaultDomain="fe02.contoso.net" UpgradeDomain="fe02.contoso.net">
        <NetInterface InterfaceSide="Primary" InterfaceNumber="1" IPAddress="0.0.0.0" />
      </Machine>
      <Machine OrdinalInCluster="1" Fqdn="fe01.contoso.net"><NetInterface InterfaceSide="Primary" IPAddress="0.0.0.0" /></Machine>
    </Cluster>
    <Cluster Fqdn="se01.contoso.net"><ClusterId SiteId="2" Number="1" /><Machine OrdinalInCluster="1" Fqdn="se01.contoso.net" /></Cluster>
    <Cluster Fqdn="dirpool01.contoso.net"><ClusterId SiteId="1" Number="3" /><Machine OrdinalInCluster="1" Fqdn="dir01.contoso.net" /></Cluster>
    <Cluster Fqdn="sql01.contoso.net"><ClusterId SiteId="1" Number="4" /><Machine OrdinalInCluster="1" Fqdn="sql01.contoso.net" /></Cluster>
    <Cluster Fqdn="med01.contoso.net"><ClusterId SiteId="1" Number="5" /><Machine OrdinalInCluster="1" Fqdn="med01.contoso.net" /></Cluster>
  </Clusters>
  <SqlInstances><SqlInstance><SqlInstanceId Name="rtc"><ClusterId SiteId="1" Number="4" /></SqlInstanceId></SqlInstance></SqlInstances>
  <Services>
    <Service RoleVersion="2" ServiceVersion="6"><ServiceId SiteId="1" RoleName="UserServices" Instance="1" />
      <InstalledOn><ClusterId SiteId="1" Number="1" /></InstalledOn></Service>
    <Service Type="Microsoft.Rtc.Management.Deploy.Internal.ServiceRoles.RegistrarService">
      <ServiceId SiteId="1" RoleName="Registrar" Instance="1" />
      <DependsOn><Dependency Usage="Default"><ServiceId SiteId="1" RoleName="UserServices" Instance="1" /></Dependency></DependsOn>
      <InstalledOn><ClusterId SiteId="1" Number="1" /></InstalledOn>
      <RegistrarService xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008" IsDirector="false" />
    </Service>
    <Service><ServiceId SiteId="1" RoleName="WebServices" Instance="1" />
      <InstalledOn><ClusterId SiteId="1" Number="1" /></InstalledOn>
      <Ports xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008">
        <Port Owner="urn:component:OCSWebSite" Usage="WebSite" InterfaceSide="External" Port="8081" Protocol="Http" ConfiguredPort="80" />
        <Port Owner="urn:component:OCSWebSite" Usage="WebSite" InterfaceSide="External" Port="4444" Protocol="Https" ConfiguredPort="443" />
        <Port Owner="urn:component:OCSWebSite" Usage="WebSite" InterfaceSide="Primary" Port="80" Protocol="Http" />
        <Port Owner="urn:component:OCSWebSite" Usage="WebSite" InterfaceSide="Primary" Port="8443" Protocol="Https" />
        <Port Owner="urn:component:Reach" Usage="PsomServer" InterfaceSide="External" Port="8061" Protocol="Mtls" />
      </Ports>
      <WebService xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008">
        <ExternalSettings Host="webpool01.contoso.com"><OverrideUrls /></ExternalSettings>
        <w:WebComponents xmlns:w="urn:schema:Microsoft.Rtc.Management.Deploy.WebServices.2011"><w:Component ComponentName="Meet" /></w:WebComponents>
      </WebService>
    </Service>
    <Service><ServiceId SiteId="2" RoleName="Registrar" Instance="1" /><InstalledOn><ClusterId SiteId="2" Number="1" /></InstalledOn></Service>
    <Service><ServiceId SiteId="2" RoleName="UserServices" Instance="1" /><InstalledOn><ClusterId SiteId="2" Number="1" /></InstalledOn></Service>
    <Service><ServiceId SiteId="1" RoleName="Registrar" Instance="3" /><InstalledOn><ClusterId SiteId="1" Number="3" /></InstalledOn>
      <RegistrarService xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008" IsDirector="true" /></Service>
    <Service><ServiceId SiteId="1" RoleName="UserStore" Instance="1" />
      <InstalledOn><SqlInstanceId Name="rtc"><ClusterId SiteId="1" Number="4" /></SqlInstanceId></InstalledOn></Service>
    <Service><ServiceId SiteId="1" RoleName="MediationServer" Instance="1" /><InstalledOn><ClusterId SiteId="1" Number="5" /></InstalledOn></Service>
  </Services>
</Topology>
"#;

const MORE: &str = r#"
version = 1
[forest]
local_computer = "fe01.contoso.net"
[[simple_url]]
scope = "global"
component = "Meet"
domain = "*"
entries = ["https://meet.contoso.com"]
"#;

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_published_document_and_the_rest_in_toml() {
    let folder = tempfile::tempdir().unwrap();
    let more = write(folder.path(), "more.toml", MORE);
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(PUBLISHED.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{feff}{PUBLISHED}");
    for bytes in [PUBLISHED.as_bytes(), marked.as_bytes(), &wide] {
        let xml = write(folder.path(), "Topology.XML", bytes);
        let topology = read_topology(&[xml, more.clone()]).unwrap();
        let shown: Vec<(&str, Role, Option<u32>, Vec<&str>)> = topology
            .pools
            .iter()
            .map(|p| (p.fqdn.as_str(), p.role, p.site, p.computers.iter().map(HostName::as_str).collect()))
            .collect();
        assert_eq!(
            shown,
            [
                ("pool01.contoso.net", Role::FrontEnd, Some(1), vec!["fe01.contoso.net", "fe02.contoso.net"]),
                ("se01.contoso.net", Role::StandardEdition, Some(2), vec!["se01.contoso.net"]),
                ("dirpool01.contoso.net", Role::Director, Some(1), vec!["dir01.contoso.net"]),
                ("med01.contoso.net", Role::Mediation, Some(1), vec!["med01.contoso.net"]),
            ]
        );
        assert_eq!(topology.default_sip_domain().unwrap().as_str(), "contoso.com");
        assert_eq!(topology.sip_domains.len(), 2);
        let sites: Vec<&str> = topology.sites.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(sites, ["Redmond & more", "Dublin"]);
        let web = topology.pools[0].web.as_ref().unwrap();
        assert_eq!(web.external_fqdn.as_ref().unwrap().as_str(), "webpool01.contoso.com");
        assert_eq!(web.internal_fqdn, None);
        assert_eq!((web.internal.http, web.internal.https, web.internal.published_https), (80, 8443, 8443));
        assert_eq!((web.external.http, web.external.https), (8081, 4444));
        assert_eq!((web.external.published_http, web.external.published_https), (80, 443));
        assert_eq!(topology.local_computer().unwrap().as_str(), "fe01.contoso.net");
    }
}

#[test]
fn what_the_document_lacks_is_asked_for() {
    let error = topology_of_xml("topology.xml", PUBLISHED).unwrap_err();
    assert_eq!(error.id(), ErrorId::TopologyInvalid);
    assert!(error.hints().iter().any(|h| h.contains("more.toml")), "{:?}", error.hints());

    let edge = PUBLISHED.replace("RoleName=\"MediationServer\"", "RoleName=\"EdgeServer\"");
    let folder = tempfile::tempdir().unwrap();
    let xml = write(folder.path(), "t.xml", edge);
    let names = "[pool.edge]\naccess = \"a.contoso.com\"\ndata = \"d.contoso.com\"\nav = \"v.contoso.com\"\n";
    let pool =
        "[[pool]]\nfqdn = \"MED01.contoso.net\"\nsite = 1\nrole = \"Edge\"\ncomputers = [\"med01.contoso.net\"]\n";
    let plain = write(folder.path(), "plain.toml", MORE);
    let error = read_topology(&[xml.clone(), plain]).unwrap_err();
    assert!(error.hints()[0].contains("[pool.edge]"), "{:?}", error.hints());
    let more = write(folder.path(), "more.toml", format!("{MORE}{pool}{names}"));
    let topology = read_topology(&[xml.clone(), more.clone()]).unwrap();
    assert_eq!(topology.pools.len(), 4);
    assert_eq!(topology.pools[3].edge.as_ref().unwrap().access.as_str(), "a.contoso.com");
    // Once is to complete it, twice is a mistake.
    let twice = write(folder.path(), "twice.toml", format!("version = 1\n{pool}{names}"));
    let error = read_topology(&[xml, more, twice]).unwrap_err();
    assert!(error.message().contains("two pools"), "{error}");
}

#[track_caller]
fn refused(text: &str) -> Error {
    let error = topology_of_xml("t.xml", text).expect_err(text);
    assert_eq!(error.id(), ErrorId::TopologyInvalid, "{error}");
    assert!(error.position().is_some(), "{error}");
    error
}

#[test]
fn what_is_wrong_is_shown_with_its_place() {
    let from = |wrong: &str, right: &str| {
        assert!(PUBLISHED.contains(right), "{right}");
        refused(&PUBLISHED.replacen(right, wrong, 1))
    };
    let place = |error: &Error| error.position().map(|p| (p.line, p.column)).unwrap();
    assert_eq!(place(&from("DefaultDomain=\"nwtraders.msft\"", "DefaultDomain=\"contoso.com\"")), (4, 59));
    assert_eq!(place(&from("Name=\"*?\"", "Name=\"fabrikam.com\"")), (5, 27));
    assert_eq!(place(&from("SiteId=\"one\"", "SiteId=\"1\"")), (9, 26));
    let line = PUBLISHED.lines().position(|l| l.contains("Port=\"8081\"")).unwrap() as u32 + 1;
    assert_eq!(place(&from("Port=\"70000\"", "Port=\"8081\"")).0, line);
    for text in [
        "",
        "not xml",
        "<Topology",
        "<Topology>",
        "<a/><b/>",
        "<a>&nothing;</a>",
        "<a b='&nothing;'/>",
        "<a b='1' b='2'/>",
        "<p:a/>",
        "<a p:b='1'/>",
        "<a></b>",
        "<a/>text",
        "<TopologyBuilder xmlns=\"urn:schema:Microsoft.Rtc.Management.Deploy.TopologyBuilder.2008\"/>",
        "<Topology/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
    ] {
        refused(text);
    }
    assert!(refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").message().contains("document type"));
}

#[test]
fn a_document_is_bounded() {
    assert!(refused(&"<a>".repeat(100_000)).message().contains("deeply"));
    assert!(refused(&format!("<a>{}</a>", "<b/>".repeat(600_000))).message().contains("too many"));
    let attributes: String = (0..1_000).map(|i| format!(" a{i}=''")).collect();
    assert!(refused(&format!("<a{attributes}/>")).message().contains("attributes"));
}

#[test]
fn the_sample_reads_back() {
    let topology = topology_of_text("topology.toml", &files(&Sample::Contoso)[1].1).unwrap();
    let xml = topology_to_xml(&topology);
    assert_eq!(topology_of_xml("t.xml", &xml).unwrap(), topology);
    // Without what certlet adds, the roles are known from the services alone.
    let plain = xml.replace("certlet:Role=", "certlet:Was=");
    assert_eq!(topology_of_xml("t.xml", &plain).unwrap(), topology);
}

fn host(name: &str) -> HostName {
    HostName::with_underscores(name).unwrap()
}

fn ports() -> impl Strategy<Value = WebPorts> {
    prop::array::uniform4(1..=65535_u16).prop_map(|[http, https, published_http, published_https]| WebPorts {
        http,
        https,
        published_http,
        published_https,
    })
}

fn web() -> impl Strategy<Value = WebServices> {
    (any::<bool>(), any::<bool>(), ports(), ports()).prop_map(|(inner, outer, internal, external)| WebServices {
        internal_fqdn: inner.then(|| host("inside.contoso.net")),
        external_fqdn: outer.then(|| host("outside.contoso.com")),
        internal,
        external,
    })
}

/// A pool of any Lync role; its number makes its names its own.
fn pool() -> impl Strategy<Value = (Role, u32, usize, Option<WebServices>, bool)> {
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|r| r.is_lync()).collect();
    (prop::sample::select(roles), 0..4_u32, 1..4_usize, prop::option::of(web()), any::<bool>())
}

fn topology() -> impl Strategy<Value = Topology> {
    let names = prop::collection::vec("[A-Za-z0-9&<>\"'é\t\u{a0}-]{1,10}", 3);
    let policy = (any::<bool>(), any::<bool>(), prop_oneof![Just(MissingNames::Warn), Just(MissingNames::Error)]);
    (names, prop::collection::vec(pool(), 0..6), policy, prop::option::of(2010..=2100_u16)).prop_map(
        |(names, pools, (autodiscover, sipinternal, missing), version)| {
            let mut topology = Topology { uses: Uses::new(builtin_uses().to_vec()), ..Topology::default() };
            topology.product_version = version;
            topology.policy.autodiscover_by_default = autodiscover;
            topology.policy.sipinternal_dns = sipinternal;
            topology.policy.missing_names = missing;
            topology.ad_domain = version.map(|_| host("contoso.net"));
            for (id, name) in (1..).zip(names) {
                let (kind, parent) =
                    if id == 3 { (SiteKind::BranchSite, Some(1)) } else { (SiteKind::CentralSite, None) };
                topology.sites.push(TopologySite { id, name: format!("S{id} {name}E"), kind, parent });
            }
            for (i, domain) in ["contoso.com", "fabrikam.com"].into_iter().enumerate() {
                topology.sip_domains.push(SipDomain { name: host(domain), is_default: i == 1 });
            }
            for scope in [SimpleUrlScope::Global, SimpleUrlScope::Site(topology.sites[0].name.clone())] {
                topology.simple_urls.push(SimpleUrl {
                    scope,
                    component: SimpleUrlComponent::Meet,
                    domain: None,
                    entries: vec!["https://meet.contoso.com/a?b=1&c=\"2\"".into(), "https://x.contoso.com".into()],
                    active: "https://x.contoso.com".into(),
                    host: host("x.contoso.com"),
                });
            }
            for (i, (role, site, computers, web, single_ip)) in pools.into_iter().enumerate() {
                let fqdn = host(&format!("pool{i}.contoso.net"));
                let alone = matches!(role, Role::StandardEdition | Role::Sba);
                let many = (0..computers).map(|j| host(&format!("c{i}-{j}.contoso.net"))).collect();
                let mut web = web.filter(|_| role.has_web_services());
                if let Some(web) = &mut web {
                    // A Standard Edition server has no name of its own inside, a Director another one outside.
                    web.internal_fqdn = web.internal_fqdn.take().filter(|_| role != Role::StandardEdition);
                    web.external_fqdn = web.external_fqdn.take().filter(|_| role != Role::Director);
                }
                topology.pools.push(Pool {
                    computers: if alone { vec![fqdn.clone()] } else { many },
                    fqdn,
                    site: (site > 0).then_some(site),
                    role,
                    uses: Vec::new(),
                    web,
                    edge: (role == Role::Edge).then(|| EdgeInterfaces {
                        access: host("access.contoso.com"),
                        data: host("data.contoso.com"),
                        av: host("av.contoso.com"),
                        single_ip,
                    }),
                });
            }
            let local = topology.computers().next().cloned();
            topology.local_computer = local;
            topology
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_as_it_was(topology in topology()) {
        let xml = topology_to_xml(&topology);
        let read = topology_of_xml("t.xml", &xml).unwrap_or_else(|e| panic!("{e} {:?}\n{xml}", e.hints()));
        assert_eq!(read, topology, "{xml}");
        assert_eq!(topology_to_xml(&read), xml);
    }
}
