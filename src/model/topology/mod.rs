//! The facts from which names are computed: domains, sites, pools, computers, web services.

mod faults;

use std::fmt;

pub use faults::{Fault, Place};

use super::{HostName, UseName, Uses, nearest};
use crate::error::{Error, ErrorId, Result};

/// A topology, Lync's or anybody's.
///
/// Plain data; [`Topology::faults`] says what is wrong with it, and whoever reads one from a file refuses it then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The Active Directory domain's DNS name.
    pub ad_domain: Option<HostName>,
    /// The product's version (2010, 2013, 2015, 2019), where it matters.
    pub product_version: Option<u16>,
    /// The computer that the operator works on.
    pub local_computer: Option<HostName>,
    /// SIP domains in their order; exactly one is the default where a pool has a Lync role.
    pub sip_domains: Vec<SipDomain>,
    /// What certlet is to do with certificates here.
    pub policy: CertificatePolicy,
    /// Places where pools stand.
    pub sites: Vec<TopologySite>,
    /// Simple URLs in their order.
    pub simple_urls: Vec<SimpleUrl>,
    /// Pools in their order.
    pub pools: Vec<Pool>,
    /// Every use that is valid here, the built-in ones first.
    pub uses: Uses,
}

/// A domain of SIP addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipDomain {
    /// `contoso.com`.
    pub name: HostName,
    /// Whether it is the primary one.
    pub is_default: bool,
}

/// What a topology decides about certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificatePolicy {
    /// Autodiscover names are asked for even when not all SIP domains are.
    pub autodiscover_by_default: bool,
    /// `sipinternal.` and `sipexternal.` names exist in DNS.
    pub sipinternal_dns: bool,
    /// What an assignment does when the certificate lacks names.
    pub missing_names: MissingNames,
}

/// What an assignment does when the certificate lacks names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingNames {
    /// Warn and go on.
    #[default]
    Warn,
    /// Refuse.
    Error,
}

/// A place where pools stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologySite {
    /// Its number.
    pub id: u32,
    /// Its display name.
    pub name: String,
    /// What kind of place it is.
    pub kind: SiteKind,
    /// The central site that a branch belongs to.
    pub parent: Option<u32>,
}

/// What kind of place a site is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SiteKind {
    /// A site with pools of its own.
    #[default]
    CentralSite,
    /// A site that depends on a central one.
    BranchSite,
}

/// A meeting, dial-in or administration address that people type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleUrl {
    /// For whom it holds.
    pub scope: SimpleUrlScope,
    /// What it leads to.
    pub component: SimpleUrlComponent,
    /// The SIP domain; `None` (written `*`) means all.
    pub domain: Option<HostName>,
    /// Every address that is answered.
    pub entries: Vec<String>,
    /// The one that is given out.
    pub active: String,
    /// The host of `active`.
    pub host: HostName,
}

/// Which pools a simple URL serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SimpleUrlScope {
    /// Pools of sites without simple URLs of their own.
    Global,
    /// Pools of the named site.
    Site(String),
}

/// What a simple URL leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimpleUrlComponent {
    /// Joining a meeting.
    Meet,
    /// Dial-in numbers and PINs.
    Dialin,
    /// The control panel; `Cscp` in some scripts.
    Admin,
    /// The web scheduler.
    WebScheduler,
}

impl SimpleUrlComponent {
    /// The word used in topologies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Meet => "Meet",
            Self::Dialin => "Dialin",
            Self::Admin => "Admin",
            Self::WebScheduler => "WebScheduler",
        }
    }
}

/// What the computers of a pool do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the product's own role names")]
pub enum Role {
    StandardEdition,
    FrontEnd,
    Director,
    Mediation,
    Edge,
    Sba,
    PersistentChat,
    TrustedApplication,
    /// Video interop server.
    Vis,
    /// Anything that is no Lync role: a pool with uses of its own.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::StandardEdition,
        Self::FrontEnd,
        Self::Director,
        Self::Mediation,
        Self::Edge,
        Self::Sba,
        Self::PersistentChat,
        Self::TrustedApplication,
        Self::Vis,
        Self::Service,
    ];

    /// The word used in topologies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StandardEdition => "StandardEdition",
            Self::FrontEnd => "FrontEnd",
            Self::Director => "Director",
            Self::Mediation => "Mediation",
            Self::Edge => "Edge",
            Self::Sba => "SBA",
            Self::PersistentChat => "PersistentChat",
            Self::TrustedApplication => "TrustedApplication",
            Self::Vis => "VIS",
            Self::Service => "Service",
        }
    }

    /// Whether Lync's own rules hold for a pool of this role.
    #[must_use]
    pub fn is_lync(self) -> bool {
        self != Self::Service
    }

    /// Whether pools of this role run the Lync web services.
    #[must_use]
    pub fn has_web_services(self) -> bool {
        matches!(self, Self::StandardEdition | Self::FrontEnd | Self::Director)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Computers that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The name that clients know.
    pub fqdn: HostName,
    /// The number of its site.
    pub site: Option<u32>,
    /// What its computers do.
    pub role: Role,
    /// Its computers in their order.
    pub computers: Vec<HostName>,
    /// Uses beside those that the role has.
    pub uses: Vec<UseName>,
    /// Its web services.
    pub web: Option<WebServices>,
    /// Its Edge interfaces.
    pub edge: Option<EdgeInterfaces>,
}

/// The web services of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebServices {
    /// Where inside clients go; the pool's own name when absent.
    pub internal_fqdn: Option<HostName>,
    /// Where outside clients go, through a reverse proxy.
    pub external_fqdn: Option<HostName>,
    /// Ports of the internal web site.
    pub internal: WebPorts,
    /// Ports of the external web site.
    pub external: WebPorts,
}

/// The ports of a web site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebPorts {
    /// Where HTTP listens.
    pub http: u16,
    /// Where HTTPS listens.
    pub https: u16,
    /// Where clients reach HTTP.
    pub published_http: u16,
    /// Where clients reach HTTPS.
    pub published_https: u16,
}

impl WebPorts {
    /// What the product installs for the internal web site.
    pub const INTERNAL: Self = Self { http: 80, https: 443, published_http: 80, published_https: 443 };
    /// What the product installs for the external web site.
    pub const EXTERNAL: Self = Self { http: 8080, https: 4443, published_http: 80, published_https: 443 };
}

/// The external names of an Edge pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeInterfaces {
    /// Access Edge.
    pub access: HostName,
    /// Web Conferencing Edge.
    pub data: HostName,
    /// A/V Edge.
    pub av: HostName,
    /// Whether the three share one address.
    pub single_ip: bool,
}

impl Topology {
    /// The pool and canonical spelling of a computer's name.
    #[must_use]
    pub fn pool_of(&self, computer: &HostName) -> Option<(&Pool, &HostName)> {
        self.pools.iter().find_map(|pool| pool.computers.iter().find(|c| *c == computer).map(|c| (pool, c)))
    }

    /// The pool of this name.
    #[must_use]
    pub fn pool(&self, fqdn: &HostName) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.fqdn == *fqdn)
    }

    /// Every computer of every pool.
    pub fn computers(&self) -> impl Iterator<Item = &HostName> {
        self.pools.iter().flat_map(|pool| &pool.computers)
    }

    /// The pool and computer that an operator means; a short name that fits one computer is enough.
    ///
    /// # Errors
    /// `ComputerNotInTopology`: unknown, a pool's name (the hint lists its computers), or a short name of several.
    pub fn resolve_computer(&self, computer: &HostName) -> Result<(&Pool, &HostName)> {
        if let Some(found) = self.pool_of(computer) {
            return Ok(found);
        }
        let fail = |message: String| Error::new(ErrorId::ComputerNotInTopology, message).about(computer.as_str());
        let list = |names: Vec<&HostName>| {
            let shown: Vec<String> = names.iter().take(20).map(|n| format!("`{n}`")).collect();
            let more = if names.len() > 20 { format!(" and {} more", names.len() - 20) } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        if let Some(pool) = self.pool(computer) {
            return Err(fail(format!("`{computer}` is a pool, not a computer"))
                .hint(format!("name one of its computers: {}", list(pool.computers.iter().collect()))));
        }
        if computer.is_single_label() {
            let fits: Vec<&HostName> =
                self.computers().filter(|c| c.first_label().eq_ignore_ascii_case(computer.as_str())).collect();
            match fits.as_slice() {
                [] => {}
                [one] => return self.pool_of(one).ok_or_else(|| fail(format!("`{computer}` is in no pool"))),
                _ => {
                    return Err(fail(format!("`{computer}` fits several computers"))
                        .hint(format!("write the whole name: {}", list(fits))));
                }
            }
        }
        let known: Vec<&HostName> = self.computers().collect();
        let error = fail(format!("`{computer}` is no computer of the topology"));
        Err(match nearest(computer.as_str(), known.iter().map(|c| c.as_str())) {
            Some(name) => error.hint(format!("did you mean `{name}`?")),
            None => error.hint(format!("the topology has {}", list(known))),
        })
    }

    /// The computer that the operator works on.
    ///
    /// # Errors
    /// `ComputerNotInTopology` when the topology names none.
    pub fn local_computer(&self) -> Result<&HostName> {
        self.local_computer.as_ref().ok_or_else(|| {
            Error::new(ErrorId::ComputerNotInTopology, "the topology does not say which computer is the local one")
                .hint("set `local_computer` in `[forest]` of the topology, or name a computer with `-ComputerFqdn`")
        })
    }

    /// The primary SIP domain.
    #[must_use]
    pub fn default_sip_domain(&self) -> Option<&HostName> {
        self.sip_domains.iter().find(|d| d.is_default).map(|d| &d.name)
    }

    /// The simple URLs that hold for a pool: its site's own collection if there is one, else the global one.
    #[must_use]
    pub fn simple_urls_of(&self, pool: &Pool) -> Vec<&SimpleUrl> {
        let site = pool.site.and_then(|id| self.sites.iter().find(|s| s.id == id)).map(|s| s.name.as_str());
        let own = |url: &&SimpleUrl| match (&url.scope, site) {
            (SimpleUrlScope::Site(name), Some(site)) => name.eq_ignore_ascii_case(site),
            _ => false,
        };
        let collection: Vec<&SimpleUrl> = self.simple_urls.iter().filter(own).collect();
        if !collection.is_empty() {
            return collection;
        }
        self.simple_urls.iter().filter(|url| url.scope == SimpleUrlScope::Global).collect()
    }

    /// The uses that the computers of a pool may have, in the table's order.
    pub fn uses_of<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = &'a super::Use> {
        self.uses.iter().filter(|u| !u.online_only && (u.roles.contains(&pool.role) || pool.uses.contains(&u.name)))
    }

    /// The DNS suffixes that the topology speaks of, without repetition, in the order of first mention:
    /// what the name constraints of an own authority permit, beside the computers' short names.
    #[must_use]
    pub fn suffixes(&self) -> Vec<HostName> {
        let mut found: Vec<HostName> = Vec::new();
        let domains = self.ad_domain.iter().chain(self.sip_domains.iter().map(|d| &d.name));
        let listed = self.uses.iter().filter(|u| !u.is_builtin).flat_map(|u| &u.names).flat_map(|row| &row.names);
        let hosts = self.pools.iter().flat_map(|pool| {
            let web = pool.web.iter().flat_map(|w| w.internal_fqdn.iter().chain(&w.external_fqdn));
            let edge = pool.edge.iter().flat_map(|e| [&e.access, &e.data, &e.av]);
            std::iter::once(&pool.fqdn).chain(&pool.computers).chain(web).chain(edge)
        });
        let hosts = hosts.chain(self.simple_urls.iter().map(|u| &u.host));
        let hosts = hosts.chain(listed.filter_map(|rule| rule.pattern.literal()));
        let parents =
            hosts.filter_map(|name| name.as_str().split_once('.')).map(|(host, rest)| (host, rest.contains('.'), rest));
        // The parent of `example.com` would be a whole top-level domain.
        let parents =
            parents.map(|(host, has_dot, rest)| if has_dot { rest.to_owned() } else { format!("{host}.{rest}") });
        let parents: Vec<HostName> = parents.filter_map(|text| HostName::with_underscores(&text).ok()).collect();
        for suffix in domains.cloned().chain(parents) {
            if !found.iter().any(|known| suffix.is_within(known)) {
                found.retain(|known| !known.is_within(&suffix));
                found.push(suffix);
            }
        }
        found
    }
}
