//! Where things stand: sites, their pools, and the computers in them.

use std::any::Any;

use super::services::services_of;
use crate::command::{Column, Kind, Property, Record, Value, View};
use crate::model::{Pool, SiteKind, Topology, TopologySite};

/// A computer.
pub(in crate::cmdlets) struct Machine {
    fqdn: String,
    pool: String,
}

pub(in crate::cmdlets) static MACHINE: Kind = Kind::new(
    "Machine",
    const { &[Property::new("Identity"), Property::new("Pool"), Property::new("Fqdn")] },
    View::Table(const { &[Column::of("Identity"), Column::of("Pool"), Column::of("Fqdn")] }),
);

impl Machine {
    /// The computers of a pool in their order.
    pub(in crate::cmdlets) fn of(pool: &Pool) -> impl Iterator<Item = Self> {
        pool.computers.iter().map(|c| Self { fqdn: c.as_str().to_owned(), pool: pool.fqdn.as_str().to_owned() })
    }

    /// Its name.
    pub(in crate::cmdlets) fn fqdn(&self) -> &str {
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
pub(in crate::cmdlets) struct Cluster {
    pool: Pool,
    site: Option<String>,
}

pub(in crate::cmdlets) static CLUSTER: Kind = Kind::new(
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
    pub(in crate::cmdlets) fn all(topology: &Topology) -> Vec<Self> {
        topology.pools.iter().map(|pool| Self { pool: pool.clone(), site: site_of(topology, pool.site) }).collect()
    }

    /// Its name.
    pub(in crate::cmdlets) fn fqdn(&self) -> &str {
        self.pool.fqdn.as_str()
    }

    /// The identity of its site.
    pub(in crate::cmdlets) fn site(&self) -> Option<&str> {
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
pub(in crate::cmdlets) struct Site {
    row: TopologySite,
    pools: Vec<String>,
    parent: Option<String>,
}

pub(in crate::cmdlets) static SITE: Kind = Kind::new(
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
    pub(in crate::cmdlets) fn all(topology: &Topology) -> Vec<Self> {
        let of = |site: &TopologySite| {
            let here = topology.pools.iter().filter(|p| p.site == Some(site.id));
            Self {
                row: site.clone(),
                pools: here.map(|p| p.fqdn.as_str().to_owned()).collect(),
                parent: site_of(topology, site.parent),
            }
        };
        topology.sites.iter().map(of).collect()
    }

    /// `Site:Redmond`.
    pub(in crate::cmdlets) fn identity(&self) -> String {
        site_identity(&self.row)
    }
}

impl Record for Site {
    fn kind(&self) -> &Kind {
        &SITE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.identity()),
            1 => i64::from(self.row.id).into(),
            2 => Value::list(self.pools.iter().map(Value::text)),
            3 => Value::text(&self.row.name),
            4 => match self.row.kind {
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

/// `Site:Redmond`.
fn site_identity(site: &TopologySite) -> String {
    format!("Site:{}", site.name)
}

/// The identity of the site with this number.
pub(super) fn site_of(topology: &Topology, id: Option<u32>) -> Option<String> {
    topology.sites.iter().find(|s| Some(s.id) == id).map(site_identity)
}
