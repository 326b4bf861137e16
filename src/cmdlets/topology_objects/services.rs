//! The services that pools have by their roles.

use std::any::Any;

use super::places::site_of;
use crate::command::{Kind, Property, Record, Value, View};
use crate::model::{HostName, Pool, Role, Topology};

/// A service of a pool, as far as a topology of certificates tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmdlets) enum ServiceRole {
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
    pub(in crate::cmdlets) fn name(self) -> &'static str {
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

    pub(super) fn identity(self, pool: &str) -> String {
        format!("{}:{pool}", self.name())
    }
}

/// The services that a pool of its role has for certain.
pub(super) fn services_of(pool: &Pool) -> Vec<ServiceRole> {
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
pub(in crate::cmdlets) struct Service {
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
    pub(in crate::cmdlets) const WEB: &'static Kind = &WEB_SERVER;

    /// Every service, pool by pool.
    pub(in crate::cmdlets) fn all(topology: &Topology) -> Vec<Self> {
        let of = |pool: &Pool| {
            let site = site_of(topology, pool.site);
            services_of(pool).into_iter().map(move |role| (role, site.clone())).collect::<Vec<_>>()
        };
        let services =
            topology.pools.iter().flat_map(|pool| of(pool).into_iter().map(move |(role, site)| (role, site, pool)));
        services.map(|(role, site, pool)| Self { role, pool: pool.clone(), site }).collect()
    }

    /// `WebServer:pool01.contoso.net`.
    pub(in crate::cmdlets) fn identity(&self) -> String {
        self.role.identity(self.pool.fqdn.as_str())
    }

    /// What it does.
    pub(in crate::cmdlets) fn role(&self) -> ServiceRole {
        self.role
    }

    /// The name of its pool.
    pub(in crate::cmdlets) fn pool(&self) -> &str {
        self.pool.fqdn.as_str()
    }

    fn web(&self, index: usize) -> Value {
        let Some(web) = &self.pool.web else { return Value::Null };
        let port = |port: u16| i64::from(port).into();
        match index {
            // Inside clients go to the pool's own name where there is no other.
            4 => Value::text(web.internal_fqdn.as_ref().unwrap_or(&self.pool.fqdn).as_str()),
            5 => Value::optional_text(web.external_fqdn.as_ref().map(HostName::as_str)),
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
