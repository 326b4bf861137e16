//! The objects that the readers of the topology emit, and how one of them is chosen.

use std::any::Any;

use crate::command::{Column, Kind, Param, Property, Record, Switch, Value, View};
use crate::error::{Error, ErrorId, Result};
use crate::format::like;
use crate::model::{Pool, Role, SimpleUrl, SimpleUrlScope, SipDomain, SiteKind, Topology, TopologySite, nearest};

/// `-LocalStore`, of all readers that have it.
pub(super) static LOCAL_STORE: Param<Switch> =
    Param::named("LocalStore", "Read the local copy of the topology").compat("the topology is always the local one");

/// Which objects a reader is to emit.
pub(super) enum Choice {
    /// All.
    All,
    /// The one of this identity.
    Identity(String),
    /// Those whose identity is like this.
    Filter(String),
}

impl Choice {
    /// What `-Identity` and `-Filter` ask for.
    pub(super) fn of(identity: Option<String>, filter: Option<String>) -> Self {
        match (identity, filter) {
            (Some(identity), _) => Self::Identity(identity.trim().to_owned()),
            (None, Some(filter)) => Self::Filter(filter.trim().to_owned()),
            (None, None) => Self::All,
        }
    }

    /// The chosen ones of all objects; `prefix` (`Site:`) may be left out of an identity. A filter may fit none.
    ///
    /// # Errors
    /// `id` when there is no object of the identity, with the nearest one.
    pub(super) fn pick<T>(
        &self,
        all: Vec<T>,
        identity: impl Fn(&T) -> String,
        prefix: &str,
        (id, what): (ErrorId, &str),
    ) -> Result<Vec<T>> {
        match self {
            Self::All => Ok(all),
            Self::Filter(pattern) => Ok(all.into_iter().filter(|item| like(&identity(item), pattern)).collect()),
            Self::Identity(wanted) => {
                let names: Vec<String> = all.iter().map(&identity).collect();
                let fits = |name: &String| {
                    let rest = name.get(..prefix.len()).filter(|p| p.eq_ignore_ascii_case(prefix));
                    name.eq_ignore_ascii_case(wanted)
                        || rest.is_some_and(|_| name[prefix.len()..].eq_ignore_ascii_case(wanted))
                };
                let found: Vec<T> =
                    all.into_iter().zip(&names).filter(|(_, name)| fits(name)).map(|(item, _)| item).collect();
                if found.is_empty() { Err(missing(id, what, wanted, &names)) } else { Ok(found) }
            }
        }
    }
}

/// That the topology has no such object, with the nearest name or all of them.
pub(super) fn missing(id: ErrorId, what: &str, wanted: &str, known: &[String]) -> Error {
    let error = Error::new(id, format!("the topology has no {what} `{wanted}`")).about(wanted);
    if wanted.contains(['*', '?']) {
        return error.hint(format!("wildcards belong to `-Filter`: `-Filter \"{wanted}\"`"));
    }
    match nearest(wanted, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => error,
        None => {
            let shown: Vec<String> = known.iter().take(20).map(|name| format!("`{name}`")).collect();
            error.hint(format!("it has {}", shown.join(", ")))
        }
    }
}

/// `Site:Redmond`.
pub(super) fn site_identity(site: &TopologySite) -> String {
    format!("Site:{}", site.name)
}

/// The identity of the site with this number.
pub(super) fn site_of(topology: &Topology, id: Option<u32>) -> Option<String> {
    topology.sites.iter().find(|s| Some(s.id) == id).map(site_identity)
}

/// A computer.
pub(super) struct Machine {
    fqdn: String,
    pool: String,
}

pub(super) static MACHINE: Kind = Kind::new(
    "Machine",
    const { &[Property::new("Identity"), Property::new("Pool"), Property::new("Fqdn")] },
    View::Table(const { &[Column::of("Identity"), Column::of("Pool"), Column::of("Fqdn")] }),
);

impl Machine {
    /// The computers of a pool in their order.
    pub(super) fn of(pool: &Pool) -> impl Iterator<Item = Self> {
        pool.computers.iter().map(|c| Self { fqdn: c.as_str().to_owned(), pool: pool.fqdn.as_str().to_owned() })
    }

    /// Its name.
    pub(super) fn fqdn(&self) -> &str {
        &self.fqdn
    }
}

impl Record for Machine {
    fn kind(&self) -> &Kind {
        &MACHINE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 | 2 => Value::text(&self.fqdn),
            1 => Value::text(&self.pool),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.fqdn.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A pool.
pub(super) struct Cluster {
    pool: Pool,
    site: Option<String>,
}

pub(super) static CLUSTER: Kind = Kind::new(
    "Cluster",
    const {
        &[
            Property::new("Identity"),
            Property::new("Services"),
            Property::new("Computers"),
            Property::new("Fqdn"),
            Property::new("Site"),
            Property::hidden("Role"),
        ]
    },
    View::List,
);

impl Cluster {
    /// Every pool in its order.
    pub(super) fn all(topology: &Topology) -> Vec<Self> {
        topology.pools.iter().map(|pool| Self { pool: pool.clone(), site: site_of(topology, pool.site) }).collect()
    }

    /// Its name.
    pub(super) fn fqdn(&self) -> &str {
        self.pool.fqdn.as_str()
    }

    /// The identity of its site.
    pub(super) fn site(&self) -> Option<&str> {
        self.site.as_deref()
    }
}

impl Record for Cluster {
    fn kind(&self) -> &Kind {
        &CLUSTER
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 | 3 => Value::text(self.fqdn()),
            1 => Value::list(services_of(&self.pool).iter().map(|role| Value::from(role.identity(self.fqdn())))),
            2 => Value::list(self.pool.computers.iter().map(|c| Value::text(c.as_str()))),
            4 => Value::optional_text(self.site()),
            5 => self.pool.role.name().into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.fqdn().to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A place where pools stand.
pub(super) struct Site {
    site: TopologySite,
    pools: Vec<String>,
    parent: Option<String>,
}

pub(super) static SITE: Kind = Kind::new(
    "Site",
    const {
        &[
            Property::new("Identity"),
            Property::new("SiteId"),
            Property::new("Pools"),
            Property::new("DisplayName"),
            Property::new("SiteType"),
            Property::new("ParentSite"),
        ]
    },
    View::List,
);

impl Site {
    /// Every site in its order.
    pub(super) fn all(topology: &Topology) -> Vec<Self> {
        let of = |site: &TopologySite| {
            let here = topology.pools.iter().filter(|p| p.site == Some(site.id));
            Self {
                site: site.clone(),
                pools: here.map(|p| p.fqdn.as_str().to_owned()).collect(),
                parent: site_of(topology, site.parent),
            }
        };
        topology.sites.iter().map(of).collect()
    }

    /// `Site:Redmond`.
    pub(super) fn identity(&self) -> String {
        site_identity(&self.site)
    }
}

impl Record for Site {
    fn kind(&self) -> &Kind {
        &SITE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.identity()),
            1 => i64::from(self.site.id).into(),
            2 => Value::list(self.pools.iter().map(Value::text)),
            3 => Value::text(&self.site.name),
            4 => match self.site.kind {
                SiteKind::CentralSite => "CentralSite".into(),
                SiteKind::BranchSite => "BranchSite".into(),
            },
            5 => Value::optional_text(self.parent.as_ref()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.identity())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A domain of SIP addresses.
pub(super) struct Domain(pub(super) SipDomain);

pub(super) static SIP_DOMAIN: Kind = Kind::new(
    "SipDomain",
    const { &[Property::new("Identity"), Property::new("Name"), Property::new("IsDefault")] },
    View::List,
);

impl Record for Domain {
    fn kind(&self) -> &Kind {
        &SIP_DOMAIN
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 | 1 => Value::text(self.0.name.as_str()),
            2 => self.0.is_default.into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.name.as_str().to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A service of a pool, as far as a topology of certificates tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceRole {
    UserServer,
    Registrar,
    Director,
    WebServer,
    EdgeServer,
    MediationServer,
    PersistentChatServer,
    VideoInteropServer,
    ExternalServer,
}

impl ServiceRole {
    /// The word before the pool's name in an identity.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UserServer => "UserServer",
            Self::Registrar => "Registrar",
            Self::Director => "Director",
            Self::WebServer => "WebServer",
            Self::EdgeServer => "EdgeServer",
            Self::MediationServer => "MediationServer",
            Self::PersistentChatServer => "PersistentChatServer",
            Self::VideoInteropServer => "VideoInteropServer",
            Self::ExternalServer => "ExternalServer",
        }
    }

    fn identity(self, pool: &str) -> String {
        format!("{}:{pool}", self.name())
    }
}

/// The services that a pool of its role has for certain.
fn services_of(pool: &Pool) -> Vec<ServiceRole> {
    let mut services = match pool.role {
        Role::FrontEnd | Role::StandardEdition => vec![ServiceRole::UserServer, ServiceRole::Registrar],
        Role::Director => vec![ServiceRole::Director],
        Role::Sba => vec![ServiceRole::Registrar],
        Role::Mediation => vec![ServiceRole::MediationServer],
        Role::Edge => vec![ServiceRole::EdgeServer],
        Role::PersistentChat => vec![ServiceRole::PersistentChatServer],
        Role::TrustedApplication => vec![ServiceRole::ExternalServer],
        Role::Vis => vec![ServiceRole::VideoInteropServer],
        Role::Service => Vec::new(),
    };
    if pool.web.is_some() || pool.role.has_web_services() {
        services.push(ServiceRole::WebServer);
    }
    services
}

/// A service with its pool.
pub(super) struct Service {
    role: ServiceRole,
    pool: Pool,
    site: Option<String>,
}

macro_rules! service_kind {
    ($name:ident, $title:literal, $($property:literal)*) => {
        static $name: Kind = Kind::new(
            $title,
            const {
                &[
                    Property::new("Identity"),
                    Property::new("SiteId"),
                    Property::new("PoolFqdn"),
                    Property::new("Role"),
                    $( Property::new($property), )*
                ]
            },
            View::List,
        );
    };
}

service_kind!(SERVICE, "Service",);
service_kind!(EDGE_SERVER, "EdgeServer", "AccessEdgeExternalFqdn" "DataEdgeExternalFqdn" "AVEdgeExternalFqdn" "SingleIp");
service_kind!(
    WEB_SERVER, "WebServer",
    "InternalFqdn" "ExternalFqdn" "PrimaryHttpPort" "PrimaryHttpsPort" "ExternalHttpPort" "ExternalHttpsPort"
    "PublishedPrimaryHttpPort" "PublishedPrimaryHttpsPort" "PublishedExternalHttpPort" "PublishedExternalHttpsPort"
);

impl Service {
    /// The kind of a web service, the one with the most to tell.
    pub(super) const WEB: &'static Kind = &WEB_SERVER;

    /// Every service, pool by pool.
    pub(super) fn all(topology: &Topology) -> Vec<Self> {
        let of = |pool: &Pool| {
            let site = site_of(topology, pool.site);
            services_of(pool).into_iter().map(move |role| (role, site.clone())).collect::<Vec<_>>()
        };
        let services =
            topology.pools.iter().flat_map(|pool| of(pool).into_iter().map(move |(role, site)| (role, site, pool)));
        services.map(|(role, site, pool)| Self { role, pool: pool.clone(), site }).collect()
    }

    /// `WebServer:pool01.contoso.net`.
    pub(super) fn identity(&self) -> String {
        self.role.identity(self.pool.fqdn.as_str())
    }

    /// What it does.
    pub(super) fn role(&self) -> ServiceRole {
        self.role
    }

    /// The name of its pool.
    pub(super) fn pool(&self) -> &str {
        self.pool.fqdn.as_str()
    }

    fn web(&self, index: usize) -> Value {
        let Some(web) = &self.pool.web else { return Value::Null };
        let port = |port: u16| i64::from(port).into();
        match index {
            // Inside clients go to the pool's own name where there is no other.
            4 => Value::text(web.internal_fqdn.as_ref().unwrap_or(&self.pool.fqdn).as_str()),
            5 => Value::optional_text(web.external_fqdn.as_ref().map(|n| n.as_str())),
            6 => port(web.internal.http),
            7 => port(web.internal.https),
            8 => port(web.external.http),
            9 => port(web.external.https),
            10 => port(web.internal.published_http),
            11 => port(web.internal.published_https),
            12 => port(web.external.published_http),
            13 => port(web.external.published_https),
            _ => Value::Null,
        }
    }

    fn edge(&self, index: usize) -> Value {
        let Some(edge) = &self.pool.edge else { return Value::Null };
        match index {
            4 => Value::text(edge.access.as_str()),
            5 => Value::text(edge.data.as_str()),
            6 => Value::text(edge.av.as_str()),
            7 => edge.single_ip.into(),
            _ => Value::Null,
        }
    }
}

impl Record for Service {
    fn kind(&self) -> &Kind {
        match self.role {
            ServiceRole::WebServer => &WEB_SERVER,
            ServiceRole::EdgeServer => &EDGE_SERVER,
            _ => &SERVICE,
        }
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.identity()),
            1 => Value::optional_text(self.site.as_ref()),
            2 => Value::text(self.pool()),
            3 => self.role.name().into(),
            _ if self.role == ServiceRole::WebServer => self.web(index),
            _ if self.role == ServiceRole::EdgeServer => self.edge(index),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.identity())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The simple URLs of a scope.
pub(super) struct SimpleUrlConfiguration {
    scope: SimpleUrlScope,
    urls: Vec<SimpleUrl>,
}

pub(super) static SIMPLE_URL_CONFIGURATION: Kind =
    Kind::new("SimpleUrlConfiguration", const { &[Property::new("Identity"), Property::new("SimpleUrl")] }, View::List);

static SIMPLE_URL: Kind = Kind::new(
    "SimpleUrl",
    const {
        &[
            Property::new("SimpleUrlEntry"),
            Property::new("Component"),
            Property::new("Domain"),
            Property::new("ActiveUrl"),
        ]
    },
    View::List,
);

static SIMPLE_URL_ENTRY: Kind = Kind::new("SimpleUrlEntry", const { &[Property::new("Url")] }, View::List);

impl SimpleUrlConfiguration {
    /// The global collection first, then those of sites in the order of their first URL.
    pub(super) fn all(topology: &Topology) -> Vec<Self> {
        let mut all: Vec<Self> = vec![Self { scope: SimpleUrlScope::Global, urls: Vec::new() }];
        for url in &topology.simple_urls {
            match all.iter_mut().find(|c| same_scope(&c.scope, &url.scope)) {
                Some(known) => known.urls.push(url.clone()),
                None => all.push(Self { scope: url.scope.clone(), urls: vec![url.clone()] }),
            }
        }
        all
    }

    /// `Global` or `Site:Redmond`.
    pub(super) fn identity(&self) -> String {
        match &self.scope {
            SimpleUrlScope::Global => "Global".to_owned(),
            SimpleUrlScope::Site(name) => format!("Site:{name}"),
        }
    }
}

fn same_scope(a: &SimpleUrlScope, b: &SimpleUrlScope) -> bool {
    match (a, b) {
        (SimpleUrlScope::Site(a), SimpleUrlScope::Site(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

impl Record for SimpleUrlConfiguration {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL_CONFIGURATION
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.identity()),
            1 => Value::list(self.urls.iter().map(|url| Value::object(ShownUrl(url.clone())))),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.identity())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ShownUrl(SimpleUrl);

impl Record for ShownUrl {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::list(self.0.entries.iter().map(|url| Value::object(ShownEntry(url.clone())))),
            1 => self.0.component.name().into(),
            2 => Value::text(self.0.domain.as_ref().map_or("*", |d| d.as_str())),
            3 => Value::text(&self.0.active),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        let domain = self.0.domain.as_ref().map_or("*", |d| d.as_str());
        Some(format!("Component={};Domain={domain};ActiveUrl={}", self.0.component.name(), self.0.active))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ShownEntry(String);

impl Record for ShownEntry {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL_ENTRY
    }

    fn value(&self, index: usize) -> Value {
        if index == 0 { Value::text(&self.0) } else { Value::Null }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
