//! A topology as the document that `Get-CsTopology -AsXml` prints, which certlet reads back.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::topology_xml::{OWN, PRODUCT, SERVICE_ROLES, WEB_SITE};
use crate::model::{MissingNames, Pool, Role, SimpleUrlScope, SiteKind, Topology, WebPorts, WebServices};

/// The document. What the product keeps elsewhere (simple URLs), or says in a way that nobody has published (the external
/// names of an Edge pool, the site that a branch belongs to), stands in a namespace of its own. Rows of `[[use]]` are
/// not in it.
pub(crate) fn topology_to_xml(topology: &Topology) -> String {
    let mut xml = Xml::default();
    let (local, ad) = (topology.local_computer.as_ref(), topology.ad_domain.as_ref());
    let version = topology.product_version.map(|v| v.to_string());
    let root = [
        ("xmlns", Some(PRODUCT)),
        ("xmlns:certlet", Some(OWN)),
        ("certlet:AdDomain", ad.map(|n| n.as_str())),
        ("certlet:LocalComputer", local.map(|n| n.as_str())),
        ("certlet:ProductVersion", version.as_deref()),
    ];
    xml.open("Topology", &root);
    domains(&mut xml, topology);
    xml.open("Sites", &[]);
    for site in &topology.sites {
        let name = if site.kind == SiteKind::CentralSite { "CentralSite" } else { "BranchSite" };
        let (id, parent) = (site.id.to_string(), site.parent.map(|p| p.to_string()));
        xml.open(name, &[("SiteId", Some(&id)), ("certlet:ParentSiteId", parent.as_deref())]);
        xml.text("Name", &site.name);
        xml.empty("Location", &[]);
        xml.close(name);
    }
    xml.close("Sites");
    xml.open("Clusters", &[]);
    for (number, pool) in (1..).zip(&topology.pools) {
        cluster(&mut xml, number, pool);
    }
    xml.close("Clusters");
    xml.open("Services", &[]);
    for (number, pool) in (1..).zip(&topology.pools) {
        services(&mut xml, number, pool);
    }
    xml.close("Services");
    own(&mut xml, topology);
    xml.close("Topology");
    xml.text
}

fn domains(xml: &mut Xml, topology: &Topology) {
    let default = topology.default_sip_domain().map(|n| n.as_str());
    xml.open("InternalDomains", &[("AllowAllDomains", Some("false")), ("DefaultDomain", default)]);
    for domain in &topology.sip_domains {
        let name = Some(domain.name.as_str());
        let rest = [("Authoritative", Some("false")), ("AllowSubDomains", Some("false"))];
        xml.empty("InternalDomain", &[[("Name", name)].as_slice(), &rest].concat());
    }
    xml.close("InternalDomains");
}

fn cluster(xml: &mut Xml, number: u32, pool: &Pool) {
    let uses: Vec<&str> = pool.uses.iter().map(|u| u.as_str()).collect();
    let uses = if uses.is_empty() { None } else { Some(uses.join(",")) };
    let attributes = [
        ("RequiresReplication", Some("true")),
        ("RequiresSetup", Some("true")),
        ("Fqdn", Some(pool.fqdn.as_str())),
        ("certlet:Role", Some(pool.role.name())),
        ("certlet:Uses", uses.as_deref()),
    ];
    xml.open("Cluster", &attributes);
    cluster_id(xml, number, pool);
    for (ordinal, computer) in (1..).zip(&pool.computers) {
        let (ordinal, name): (String, _) = (i32::to_string(&ordinal), Some(computer.as_str()));
        xml.empty(
            "Machine",
            &[("OrdinalInCluster", Some(&ordinal)), ("Fqdn", name), ("FaultDomain", name), ("UpgradeDomain", name)],
        );
    }
    xml.close("Cluster");
}

fn cluster_id(xml: &mut Xml, number: u32, pool: &Pool) {
    let site = pool.site.map(|s| s.to_string());
    xml.empty("ClusterId", &[("SiteId", site.as_deref()), ("Number", Some(&number.to_string()))]);
}

/// The services by which the product knows what a pool is.
fn services(xml: &mut Xml, number: u32, pool: &Pool) {
    let names: &[&str] = match pool.role {
        Role::FrontEnd | Role::StandardEdition => &["UserServices", "Registrar"],
        Role::Director | Role::Sba => &["Registrar"],
        Role::Mediation => &["MediationServer"],
        Role::Edge => &["EdgeServer"],
        Role::PersistentChat => &["PersistentChatServer"],
        Role::TrustedApplication => &["ExternalServer"],
        Role::Vis => &["VideoInteropServer"],
        Role::Service => &[],
    };
    for name in names {
        service(xml, number, pool, name, |xml| {
            if *name == "Registrar" {
                let is_director = if pool.role == Role::Director { "true" } else { "false" };
                xml.empty("RegistrarService", &[("xmlns", Some(SERVICE_ROLES)), ("IsDirector", Some(is_director))]);
            }
            if let Some(edge) = &pool.edge
                && *name == "EdgeServer"
            {
                edge_names(xml, edge);
            }
        });
    }
    if let Some(edge) = &pool.edge
        && pool.role != Role::Edge
    {
        service(xml, number, pool, "certlet", |xml| edge_names(xml, edge));
    }
    if let Some(web) = &pool.web {
        service(xml, number, pool, "WebServices", |xml| web_services(xml, web));
    }
}

fn service(xml: &mut Xml, number: u32, pool: &Pool, role: &str, inner: impl FnOnce(&mut Xml)) {
    let site = pool.site.map(|s| s.to_string());
    xml.open("Service", &[]);
    // One service of a role stands on a cluster, so that the cluster's number tells it from the others of its role.
    let instance = number.to_string();
    xml.empty("ServiceId", &[("SiteId", site.as_deref()), ("RoleName", Some(role)), ("Instance", Some(&instance))]);
    xml.open("InstalledOn", &[]);
    cluster_id(xml, number, pool);
    xml.close("InstalledOn");
    inner(xml);
    xml.close("Service");
}

fn edge_names(xml: &mut Xml, edge: &crate::model::EdgeInterfaces) {
    let single_ip = if edge.single_ip { "true" } else { "false" };
    let names =
        [("Access", Some(edge.access.as_str())), ("Data", Some(edge.data.as_str())), ("Av", Some(edge.av.as_str()))];
    xml.empty("certlet:Edge", &[names.as_slice(), &[("SingleIp", Some(single_ip))]].concat());
}

fn web_services(xml: &mut Xml, web: &WebServices) {
    xml.open("Ports", &[("xmlns", Some(SERVICE_ROLES))]);
    let mut side = |side: &str, ports: WebPorts| {
        let both = [("Http", ports.http, ports.published_http), ("Https", ports.https, ports.published_https)];
        for (protocol, port, published) in both {
            let (port_text, published_text) = (port.to_string(), published.to_string());
            // The product names the published port of the external site alone.
            let published = (side == "External" || published != port).then_some(published_text.as_str());
            let attributes = [
                ("Owner", Some(WEB_SITE)),
                ("Usage", Some("WebSite")),
                ("InterfaceSide", Some(side)),
                ("Port", Some(port_text.as_str())),
                ("Protocol", Some(protocol)),
                ("ConfiguredPort", published),
            ];
            xml.empty("Port", &attributes);
        }
    };
    side("Primary", web.internal);
    side("External", web.external);
    xml.close("Ports");
    xml.open("WebService", &[("xmlns", Some(SERVICE_ROLES))]);
    for (name, host) in [("InternalSettings", &web.internal_fqdn), ("ExternalSettings", &web.external_fqdn)] {
        if let Some(host) = host {
            xml.empty(name, &[("Host", Some(host.as_str()))]);
        }
    }
    xml.close("WebService");
}

/// What the product keeps in documents of its own.
fn own(xml: &mut Xml, topology: &Topology) {
    let policy = topology.policy;
    let flag = |is: bool| Some(if is { "true" } else { "false" });
    let missing = match policy.missing_names {
        MissingNames::Warn => "Warn",
        MissingNames::Error => "Error",
    };
    let attributes = [
        ("AutodiscoverByDefault", flag(policy.autodiscover_by_default)),
        ("SipInternalDns", flag(policy.sipinternal_dns)),
        ("MissingNames", Some(missing)),
    ];
    xml.empty("certlet:Certificates", &attributes);
    xml.open("certlet:SimpleUrls", &[]);
    for url in &topology.simple_urls {
        let scope = match &url.scope {
            SimpleUrlScope::Global => "global".to_owned(),
            SimpleUrlScope::Site(name) => format!("site:{name}"),
        };
        let attributes = [
            ("Scope", Some(scope.as_str())),
            ("Component", Some(url.component.name())),
            ("Domain", Some(url.domain.as_ref().map_or("*", |d| d.as_str()))),
            ("Active", Some(url.active.as_str())),
        ];
        xml.open("certlet:SimpleUrl", &attributes);
        for entry in &url.entries {
            xml.empty("certlet:Entry", &[("Url", Some(entry))]);
        }
        xml.close("certlet:SimpleUrl");
    }
    xml.close("certlet:SimpleUrls");
}

/// The text that grows, two columns further in with each open element.
#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn open(&mut self, name: &str, attributes: &[(&str, Option<&str>)]) {
        self.tag(name, attributes, ">");
        self.depth += 1;
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, Option<&str>)]) {
        self.tag(name, attributes, " />");
    }

    fn text(&mut self, name: &str, text: &str) {
        let indent = self.depth * 2;
        // Writing to a string never fails.
        let _ = writeln!(self.text, "{:indent$}<{name}>{}</{name}>", "", escaped(text));
    }

    fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        let indent = self.depth * 2;
        let _ = writeln!(self.text, "{:indent$}</{name}>", "");
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, Option<&str>)], end: &str) {
        let indent = self.depth * 2;
        let _ = write!(self.text, "{:indent$}<{name}", "");
        for (key, value) in attributes {
            if let Some(value) = value {
                let _ = write!(self.text, " {key}=\"{}\"", escaped(value));
            }
        }
        let _ = writeln!(self.text, "{end}");
    }
}

/// Line ends and tabs as references: a reader makes blanks of them otherwise.
fn escaped(text: &str) -> String {
    escape(text).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;")
}
