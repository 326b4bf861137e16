//! A Lync topology document (`Get-CsTopology -AsXml`) as rows of a topology.

use super::reader::{At, Document};
use super::topology_toml::Draft;
use super::topology_xml_tree::{Element, parse};
use crate::error::{ErrorId, Result};
use crate::model::{
    EdgeInterfaces, HostName, MissingNames, Place, Pool, Role, SimpleUrlComponent, SipDomain, SiteKind, TopologySite,
    UseName, WebPorts, WebServices,
};

/// The namespace of the product's own document.
pub(super) const PRODUCT: &str = "urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008";
/// The namespace of what a service says of its role.
pub(super) const SERVICE_ROLES: &str = "urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008";
/// The namespace of what the product keeps elsewhere, or says in a way that nobody has published.
pub(super) const OWN: &str = "urn:certlet:topology:1";
/// The component that owns the two web sites.
pub(super) const WEB_SITE: &str = "urn:component:OCSWebSite";

/// The words of simple URL components.
pub(super) const COMPONENTS: [(&str, SimpleUrlComponent); 5] = [
    ("Meet", SimpleUrlComponent::Meet),
    ("Dialin", SimpleUrlComponent::Dialin),
    ("Admin", SimpleUrlComponent::Admin),
    ("Cscp", SimpleUrlComponent::Admin),
    ("WebScheduler", SimpleUrlComponent::WebScheduler),
];

impl Draft {
    /// Reads a document: domains, sites, pools with their computers and web services, and what the namespace [`OWN`]
    /// adds. Clusters that hold no certificates of Lync (databases, file shares) are passed over.
    ///
    /// # Errors
    /// `TopologyInvalid` with line and column.
    pub(super) fn read_xml(&mut self, shown: &str, text: String) -> Result<()> {
        let document = Document::new(shown, text, ErrorId::TopologyInvalid);
        let root = parse(&document)?;
        self.begin(shown);
        if root.name != "Topology" || root.namespace != PRODUCT {
            let hint = "`Get-CsTopology -AsXml` writes the document that is meant, not the Topology Builder".to_owned();
            document.problem(&root.span, format!("`<{}>` is no published topology", root.name), Some(hint));
            return document.outcome(None);
        }
        self.xml_is_among_them = true;
        let xml = Xml(&document);
        self.xml_forest(&xml, &root);
        self.xml_domains(&xml, &root);
        for site in root.children("Sites").flat_map(Element::all) {
            self.xml_site(&xml, site);
        }
        let services: Vec<&Element> = root.children("Services").flat_map(|s| s.children("Service")).collect();
        for cluster in root.children("Clusters").flat_map(|c| c.children("Cluster")) {
            self.xml_cluster(&xml, cluster, &services);
        }
        for url in root.children("SimpleUrls").filter(|e| e.namespace == OWN).flat_map(|u| u.children("SimpleUrl")) {
            self.xml_simple_url(&xml, url);
        }
        document.outcome(Some(()))
    }

    fn xml_forest(&mut self, xml: &Xml<'_>, root: &Element) {
        if let Some(name) = root.attribute_in(OWN, "AdDomain").and_then(|a| xml.host(a)) {
            self.topology.ad_domain = Some(name.value);
        }
        if let Some(name) = root.attribute_in(OWN, "LocalComputer").and_then(|a| xml.host(a)) {
            self.place(Place::LocalComputer, xml.0, &name.span);
            self.topology.local_computer = Some(name.value);
        }
        if let Some(version) = root.attribute_in(OWN, "ProductVersion").and_then(|a| xml.number(a, 2010..=2100)) {
            self.topology.product_version = Some(version);
        }
        let Some(element) = root.child("Certificates").filter(|e| e.namespace == OWN) else { return };
        let policy = &mut self.topology.policy;
        let flag = |name, default| element.attribute(name).and_then(|a| xml.flag(a)).unwrap_or(default);
        policy.autodiscover_by_default = flag("AutodiscoverByDefault", policy.autodiscover_by_default);
        policy.sipinternal_dns = flag("SipInternalDns", policy.sipinternal_dns);
        let words = [("Warn", MissingNames::Warn), ("Error", MissingNames::Error)];
        if let Some(missing) = element.attribute("MissingNames").and_then(|a| xml.word(a, &words)) {
            policy.missing_names = missing;
        }
    }

    fn xml_domains(&mut self, xml: &Xml<'_>, root: &Element) {
        let Some(domains) = root.child("InternalDomains") else { return };
        let default = domains.attribute("DefaultDomain").and_then(|a| xml.host(a));
        let before = self.topology.sip_domains.len();
        for domain in domains.children("InternalDomain") {
            let Some(name) = xml.required(domain, "Name").and_then(|a| xml.host(a)) else { continue };
            let is_default = default.as_ref().is_some_and(|d| d.value == name.value);
            self.place(Place::SipDomain(self.topology.sip_domains.len()), xml.0, &name.span);
            self.topology.sip_domains.push(SipDomain { name: name.value, is_default });
        }
        if let Some(default) = default
            && !self.topology.sip_domains.iter().skip(before).any(|d| d.is_default)
        {
            xml.0.problem(&default.span, format!("`{}` is none of the internal domains", default.value), None);
        }
    }

    fn xml_site(&mut self, xml: &Xml<'_>, element: &Element) {
        let kind = match element.name.as_str() {
            "CentralSite" => SiteKind::CentralSite,
            "BranchSite" | "RemoteSite" => SiteKind::BranchSite,
            _ => return,
        };
        let id = xml.required(element, "SiteId").and_then(|a| xml.number(a, 0..=i64::from(u32::MAX)));
        let name = element.child("Name").map(|n| n.text.trim()).filter(|n| !n.is_empty());
        if name.is_none() {
            xml.0.problem(&element.span, "the site has no `<Name>`", None);
        }
        let parent = element.attribute_in(OWN, "ParentSiteId").and_then(|a| xml.number(a, 0..=i64::from(u32::MAX)));
        if let (Some(id), Some(name)) = (id, name) {
            self.place(Place::Site(self.topology.sites.len()), xml.0, &element.span);
            self.topology.sites.push(TopologySite { id, name: name.to_owned(), kind, parent });
        }
    }

    fn xml_cluster(&mut self, xml: &Xml<'_>, cluster: &Element, services: &[&Element]) {
        let Some(id) = cluster.child("ClusterId") else {
            xml.0.problem(&cluster.span, "the cluster has no `<ClusterId>`", None);
            return;
        };
        let is_here = |service: &&&Element| {
            let places = service.children("InstalledOn").flat_map(|i| i.children("ClusterId"));
            places.into_iter().any(|other| {
                let same =
                    |name| other.attribute(name).map(|a| a.value.trim()) == id.attribute(name).map(|a| a.value.trim());
                same("SiteId") && same("Number")
            })
        };
        let here: Vec<&Element> = services.iter().filter(is_here).copied().collect();
        let fqdn = xml.required(cluster, "Fqdn").and_then(|a| xml.host(a));
        let Some(fqdn) = fqdn else { return };
        let mut machines: Vec<(u32, At<HostName>)> = Vec::new();
        for machine in cluster.children("Machine") {
            let ordinal = machine.attribute("OrdinalInCluster").and_then(|a| xml.number(a, 0..=i64::from(u32::MAX)));
            if let Some(name) = xml.required(machine, "Fqdn").and_then(|a| xml.host(a)) {
                machines.push((ordinal.unwrap_or(u32::MAX), name));
            }
        }
        machines.sort_by_key(|(ordinal, _)| *ordinal);
        let is_one_server = machines.len() == 1 && machines[0].1.value == fqdn.value;
        let roles: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.name(), *role)).collect();
        let role = match cluster.attribute_in(OWN, "Role") {
            Some(word) => xml.word(word, &roles),
            None => role_of(&here, is_one_server),
        };
        let Some(role) = role else { return };
        let site = id.attribute("SiteId").and_then(|a| xml.number(a, 0..=i64::from(u32::MAX)));

        let index = self.topology.pools.len();
        self.place(Place::Pool(index), xml.0, &fqdn.span);
        for (j, (_, name)) in machines.iter().enumerate() {
            self.place(Place::Computer(index, j), xml.0, &name.span);
        }
        let mut uses = Vec::new();
        if let Some(list) = cluster.attribute_in(OWN, "Uses") {
            for word in list.value.split(',').map(str::trim).filter(|w| !w.is_empty()) {
                match word.parse::<UseName>() {
                    Ok(name) => {
                        self.place(Place::PoolUse(index, uses.len()), xml.0, &list.span);
                        uses.push(name);
                    }
                    Err(error) => xml.0.refuse(&list.span, &error),
                }
            }
        }
        let web = here.iter().find(|s| role_name(s) == "WebServices");
        if let Some(service) = web {
            self.place(Place::Web(index), xml.0, &service.span);
        }
        let web = web.map(|service| xml.web(service));
        let edge = here.iter().find_map(|s| s.child("Edge").filter(|e| e.namespace == OWN)).and_then(|e| xml.edge(e));
        self.xml_pools.push(index);
        let computers = machines.into_iter().map(|(_, name)| name.value).collect();
        self.topology.pools.push(Pool { fqdn: fqdn.value, site, role, computers, uses, web, edge });
    }

    fn xml_simple_url(&mut self, xml: &Xml<'_>, element: &Element) {
        let scope = xml.required(element, "Scope");
        let component = xml.required(element, "Component").and_then(|a| xml.word(a, &COMPONENTS));
        let domain = match xml.required(element, "Domain") {
            Some(all) if all.value == "*" => Some(None),
            Some(name) => xml.host(name).map(|h| Some(h.value)),
            None => None,
        };
        let active = xml.required(element, "Active");
        let entries = element.children("Entry").filter_map(|e| xml.required(e, "Url")).cloned().collect();
        if let (Some(scope), Some(component), Some(domain), Some(active)) = (scope, component, domain, active) {
            self.add_simple_url(xml.0, scope, component, domain, entries, active);
        }
    }
}

/// What a cluster is, from the services that are installed on it; `None` for one that bears no Lync certificate.
///
/// A Director has a Registrar that says so; a Standard Edition server is a pool that has the name of its one computer;
/// a Registrar without web services is that of a survivable branch appliance.
fn role_of(services: &[&Element], is_one_server: bool) -> Option<Role> {
    let service = |names: &[&str]| services.iter().find(|s| names.contains(&role_name(s)));
    let is_director = |registrar: &&&Element| {
        let settings = registrar.child("RegistrarService").and_then(|r| r.attribute("IsDirector"));
        settings.is_some_and(|a| a.value.trim().eq_ignore_ascii_case("true"))
    };
    if service(&["EdgeServer"]).is_some() {
        return Some(Role::Edge);
    }
    if let Some(registrar) = service(&["Registrar"]) {
        let is_full = service(&["WebServices", "UserServices"]).is_some();
        return Some(match registrar {
            registrar if is_director(&registrar) => Role::Director,
            _ if !is_full => Role::Sba,
            _ if is_one_server => Role::StandardEdition,
            _ => Role::FrontEnd,
        });
    }
    let others: [(&[&str], Role); 4] = [
        (&["PersistentChatServer", "PersistentChatService"], Role::PersistentChat),
        (&["VideoInteropServer"], Role::Vis),
        (&["MediationServer"], Role::Mediation),
        (&["ExternalServer", "TrustedApplicationServer"], Role::TrustedApplication),
    ];
    others.into_iter().find(|(names, _)| service(names).is_some()).map(|(_, role)| role)
}

fn role_name(service: &Element) -> &str {
    service.child("ServiceId").and_then(|id| id.attribute("RoleName")).map_or("", |a| a.value.trim())
}

/// Reads values of attributes, and says of the document what is wrong with them.
struct Xml<'a>(&'a Document);

impl Xml<'_> {
    fn required<'e>(&self, element: &'e Element, name: &str) -> Option<&'e At<String>> {
        let found = element.attribute(name);
        if found.is_none() {
            self.0.problem(&element.span, format!("`<{}>` has no `{name}`", element.name), None);
        }
        found
    }

    fn host(&self, text: &At<String>) -> Option<At<HostName>> {
        match HostName::with_underscores(text.value.trim()) {
            Ok(value) => Some(At { value, span: text.span.clone() }),
            Err(error) => {
                self.0.refuse(&text.span, &error);
                None
            }
        }
    }

    fn number<T: TryFrom<i64>>(&self, text: &At<String>, range: std::ops::RangeInclusive<i64>) -> Option<T> {
        let number = text.value.trim().parse().ok().filter(|n| range.contains(n)).and_then(|n| T::try_from(n).ok());
        if number.is_none() {
            let expected = format!("`{}` is no whole number from {} to {}", text.value, range.start(), range.end());
            self.0.problem(&text.span, expected, None);
        }
        number
    }

    fn flag(&self, text: &At<String>) -> Option<bool> {
        self.word(text, &[("true", true), ("false", false)])
    }

    fn word<T: Copy>(&self, text: &At<String>, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value.trim()));
        if found.is_none() {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.0.problem(&text.span, format!("`{}` is none of {}", text.value, all.join(", ")), None);
        }
        found.map(|(_, value)| *value)
    }

    fn web(&self, service: &Element) -> WebServices {
        let settings = service.child("WebService");
        let host = |name| {
            let text = settings?.child(name)?.attribute("Host").filter(|a| !a.value.trim().is_empty())?;
            self.host(text).map(|h| h.value)
        };
        let mut web = WebServices {
            internal_fqdn: host("InternalSettings"),
            external_fqdn: host("ExternalSettings"),
            internal: WebPorts::INTERNAL,
            external: WebPorts::EXTERNAL,
        };
        for port in service.children("Ports").flat_map(|p| p.children("Port")) {
            let is = |name, word: &str| port.attribute(name).is_some_and(|a| a.value.eq_ignore_ascii_case(word));
            if !is("Owner", WEB_SITE) || !is("Usage", "WebSite") {
                continue;
            }
            let Some(listens) = self.required(port, "Port").and_then(|a| self.number(a, 1..=65535)) else { continue };
            // Where nothing is in between, clients reach the port that listens.
            let published = port.attribute("ConfiguredPort").and_then(|a| self.number(a, 1..=65535)).unwrap_or(listens);
            let ports = if is("InterfaceSide", "External") { &mut web.external } else { &mut web.internal };
            if is("Protocol", "Http") {
                (ports.http, ports.published_http) = (listens, published);
            } else if is("Protocol", "Https") {
                (ports.https, ports.published_https) = (listens, published);
            }
        }
        web
    }

    fn edge(&self, element: &Element) -> Option<EdgeInterfaces> {
        let name = |name| self.required(element, name).and_then(|a| self.host(a)).map(|h| h.value);
        let (access, data, av) = (name("Access"), name("Data"), name("Av"));
        let single_ip = element.attribute("SingleIp").and_then(|a| self.flag(a)).unwrap_or(false);
        Some(EdgeInterfaces { access: access?, data: data?, av: av?, single_ip })
    }
}
