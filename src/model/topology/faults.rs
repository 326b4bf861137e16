//! What is wrong with a topology, each fault with the place it concerns.

use super::{Pool, Role, SimpleUrlComponent, SimpleUrlScope, Topology};
use crate::model::{HostName, nearest};

/// A rule that a topology breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it concerns.
    pub place: Place,
    /// A sentence for the operator.
    pub message: String,
    /// What would mend it.
    pub hint: Option<String>,
}

/// A place in a topology, by the index of the row in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The document as a whole.
    Whole,
    /// `local_computer`.
    LocalComputer,
    /// A SIP domain.
    SipDomain(usize),
    /// A site.
    Site(usize),
    /// A simple URL.
    SimpleUrl(usize),
    /// A pool.
    Pool(usize),
    /// A computer of a pool.
    Computer(usize, usize),
    /// A use named by a pool.
    PoolUse(usize, usize),
    /// The web services of a pool.
    Web(usize),
}

impl Topology {
    /// Every rule that the topology breaks; Lync's own rules hold only where a pool has a Lync role.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        self.check_names_are_plain(&mut faults);
        self.check_sites(&mut faults);
        self.check_pools(&mut faults);
        if let Some(local) = &self.local_computer
            && self.pool_of(local).is_none()
        {
            let hint = nearest(local.as_str(), self.computers().map(HostName::as_str));
            let hint = hint.map(|name| format!("did you mean `{name}`?"));
            faults.push(Place::LocalComputer, format!("the local computer `{local}` is in no pool"), hint);
        }
        if self.pools.iter().any(|pool| pool.role.is_lync()) {
            self.check_sip_domains(&mut faults);
            self.check_simple_urls(&mut faults);
            self.check_lync_pools(&mut faults);
        }
        faults.0
    }

    fn check_names_are_plain(&self, faults: &mut Faults) {
        let mut check = |place: Place, name: &HostName| {
            if name.is_wildcard() {
                faults.push(place, format!("`{name}` is a wildcard, which no computer, pool or domain may be"), None);
            }
        };
        if let Some(name) = &self.ad_domain {
            check(Place::Whole, name);
        }
        for (i, domain) in self.sip_domains.iter().enumerate() {
            check(Place::SipDomain(i), &domain.name);
        }
        for (i, url) in self.simple_urls.iter().enumerate() {
            check(Place::SimpleUrl(i), &url.host);
        }
        for (i, pool) in self.pools.iter().enumerate() {
            check(Place::Pool(i), &pool.fqdn);
            for (j, computer) in pool.computers.iter().enumerate() {
                check(Place::Computer(i, j), computer);
            }
            for name in pool.web.iter().flat_map(|w| w.internal_fqdn.iter().chain(&w.external_fqdn)) {
                check(Place::Web(i), name);
            }
            for name in pool.edge.iter().flat_map(|e| [&e.access, &e.data, &e.av]) {
                check(Place::Pool(i), name);
            }
        }
    }

    fn check_sites(&self, faults: &mut Faults) {
        for (i, site) in self.sites.iter().enumerate() {
            let before = self.sites.get(..i).unwrap_or_default();
            if before.iter().any(|s| s.id == site.id) {
                faults.push(Place::Site(i), format!("two sites have the id {}", site.id), None);
            }
            if before.iter().any(|s| s.name.eq_ignore_ascii_case(&site.name)) {
                faults.push(Place::Site(i), format!("two sites are named `{}`", site.name), None);
            }
            if let Some(parent) = site.parent
                && (parent == site.id || !self.sites.iter().any(|s| s.id == parent))
            {
                faults.push(
                    Place::Site(i),
                    format!("the parent {parent} of site `{}` is no other site", site.name),
                    None,
                );
            }
        }
    }

    fn check_pools(&self, faults: &mut Faults) {
        for (i, pool) in self.pools.iter().enumerate() {
            let before = self.pools.get(..i).unwrap_or_default();
            if before.iter().any(|p| p.fqdn == pool.fqdn) {
                faults.push(Place::Pool(i), format!("two pools are named `{}`", pool.fqdn), None);
            }
            if pool.computers.is_empty() {
                faults.push(Place::Pool(i), format!("pool `{}` has no computer", pool.fqdn), None);
            }
            if let Some(site) = pool.site
                && !self.sites.iter().any(|s| s.id == site)
            {
                let known: Vec<String> = self.sites.iter().map(|s| s.id.to_string()).collect();
                let hint = if known.is_empty() { None } else { Some(format!("the sites are {}", known.join(", "))) };
                faults.push(
                    Place::Pool(i),
                    format!("pool `{}` stands at site {site}, which does not exist", pool.fqdn),
                    hint,
                );
            }
            for (j, computer) in pool.computers.iter().enumerate() {
                let twice = pool.computers.iter().take(j).any(|c| c == computer);
                if twice {
                    faults.push(
                        Place::Computer(i, j),
                        format!("`{computer}` stands twice in pool `{}`", pool.fqdn),
                        None,
                    );
                } else if let Some(other) = before.iter().find(|p| p.computers.contains(computer)) {
                    let message = format!("`{computer}` is in two pools, `{}` and `{}`", other.fqdn, pool.fqdn);
                    faults.push(Place::Computer(i, j), message, None);
                }
            }
            self.check_pool_uses(i, pool, faults);
        }
    }

    fn check_pool_uses(&self, i: usize, pool: &Pool, faults: &mut Faults) {
        if pool.role == Role::Service && pool.uses.is_empty() {
            let hint = "add `uses = [\"…\"]` with the name of a `[[use]]`".to_owned();
            faults.push(Place::Pool(i), format!("pool `{}` of the role Service has no use", pool.fqdn), Some(hint));
        }
        for (j, name) in pool.uses.iter().enumerate() {
            match self.uses.get(name) {
                None => {
                    let hint = nearest(name.as_str(), self.uses.iter().map(|u| u.name.as_str()));
                    let hint = hint.map(|near| format!("did you mean `{near}`?"));
                    faults.push(Place::PoolUse(i, j), format!("`{name}` is no use that is declared or built in"), hint);
                }
                Some(known) if known.names_for(pool.role).is_none() => {
                    let message =
                        format!("the use `{}` asks for no names on a pool of the role {}", known.name, pool.role);
                    faults.push(Place::PoolUse(i, j), message, None);
                }
                Some(_) => {}
            }
        }
    }

    fn check_sip_domains(&self, faults: &mut Faults) {
        let defaults: Vec<usize> = (0..self.sip_domains.len()).filter(|i| self.sip_domains[*i].is_default).collect();
        match defaults.as_slice() {
            [_] => {}
            [] => faults.push(
                Place::Whole,
                "no SIP domain is the default one".to_owned(),
                Some("add `default = true` to one `[[sip_domain]]`".to_owned()),
            ),
            [first, more @ ..] => {
                let name = &self.sip_domains[*first].name;
                for i in more {
                    faults.push(Place::SipDomain(*i), format!("`{name}` is the default SIP domain already"), None);
                }
            }
        }
        for (i, domain) in self.sip_domains.iter().enumerate() {
            if self.sip_domains.iter().take(i).any(|d| d.name == domain.name) {
                faults.push(Place::SipDomain(i), format!("SIP domain `{}` is declared twice", domain.name), None);
            }
        }
    }

    fn check_simple_urls(&self, faults: &mut Faults) {
        for (i, url) in self.simple_urls.iter().enumerate() {
            if let SimpleUrlScope::Site(name) = &url.scope
                && !self.sites.iter().any(|s| s.name.eq_ignore_ascii_case(name))
            {
                let hint = nearest(name, self.sites.iter().map(|s| s.name.as_str()));
                let hint = hint.map(|near| format!("did you mean `site:{near}`?"));
                faults.push(Place::SimpleUrl(i), format!("the scope `site:{name}` names no site"), hint);
            }
            if let Some(domain) = &url.domain
                && !self.sip_domains.iter().any(|d| d.name == *domain)
            {
                let hint = nearest(domain.as_str(), self.sip_domains.iter().map(|d| d.name.as_str()));
                let hint = hint.map(|near| format!("did you mean `{near}`?"));
                faults.push(Place::SimpleUrl(i), format!("`{domain}` is no SIP domain"), hint);
            }
        }
        if !self.pools.iter().any(|pool| pool.role.has_web_services()) {
            return;
        }
        let mut scopes: Vec<&SimpleUrlScope> = vec![&SimpleUrlScope::Global];
        for url in &self.simple_urls {
            if !scopes.contains(&&url.scope) {
                scopes.push(&url.scope);
            }
        }
        for scope in scopes {
            for (i, domain) in self.sip_domains.iter().enumerate() {
                let mut meets =
                    self.simple_urls.iter().filter(|u| u.scope == *scope && u.component == SimpleUrlComponent::Meet);
                if !meets.any(|u| u.domain.as_ref().is_none_or(|d| *d == domain.name)) {
                    let of = match scope {
                        SimpleUrlScope::Global => "global".to_owned(),
                        SimpleUrlScope::Site(name) => format!("site:{name}"),
                    };
                    let message = format!("SIP domain `{}` has no Meet simple URL in the scope `{of}`", domain.name);
                    let hint = format!(
                        "add a `[[simple_url]]` with `component = \"Meet\"` and `domain = \"{}\"`",
                        domain.name
                    );
                    faults.push(Place::SipDomain(i), message, Some(hint));
                }
            }
        }
    }

    fn check_lync_pools(&self, faults: &mut Faults) {
        let external = |pool: &Pool| pool.web.as_ref().and_then(|w| w.external_fqdn.clone());
        for (i, pool) in self.pools.iter().enumerate() {
            match pool.role {
                Role::StandardEdition | Role::Sba if pool.computers.as_slice() != [pool.fqdn.clone()] => {
                    let message =
                        format!("`{}` is a {} server: its one computer has the pool's own name", pool.fqdn, pool.role);
                    faults.push(Place::Pool(i), message, Some(format!("write `computers = [\"{}\"]`", pool.fqdn)));
                }
                Role::Edge if pool.edge.is_none() => {
                    let hint = "add `[pool.edge]` with `access`, `data` and `av`".to_owned();
                    faults.push(Place::Pool(i), format!("Edge pool `{}` has no external names", pool.fqdn), Some(hint));
                }
                _ => {}
            }
            let internal = pool.web.as_ref().and_then(|w| w.internal_fqdn.as_ref());
            if pool.role == Role::StandardEdition
                && let Some(name) = internal.filter(|name| **name != pool.fqdn)
            {
                let message = format!("the internal web name of a StandardEdition server is its own, not `{name}`");
                faults.push(Place::Web(i), message, Some("leave `internal_fqdn` out".to_owned()));
            }
            if pool.role == Role::Director
                && let Some(name) = external(pool)
                && let Some(other) =
                    self.pools.iter().find(|p| p.role == Role::FrontEnd && external(p).as_ref() == Some(&name))
            {
                let message = format!(
                    "the Director's external web name `{name}` is that of the Front End pool `{}` too",
                    other.fqdn
                );
                faults.push(Place::Web(i), message, None);
            }
        }
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn push(&mut self, place: Place, message: String, hint: Option<String>) {
        self.0.push(Fault { place, message, hint });
    }
}
