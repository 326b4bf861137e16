//! The topology: one file or several, TOML or XML, merged in order and checked as a whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reader::{At, Document, Item, Problem, Table, raise, read_file, read_unicode_file};
use super::topology_xml::COMPONENTS;
use super::uses::{builtin_uses, read_use};
use crate::error::{ErrorId, Result};
use crate::model::{
    EdgeInterfaces, Fault, HostName, MissingNames, Place, Pool, Position, Role, SimpleUrl, SimpleUrlComponent,
    SimpleUrlScope, SipDomain, SiteKind, Topology, TopologySite, Use, UseName, Uses, WebPorts, WebServices,
};

/// Reads topology files and merges them: lists are joined, single values of a later file replace earlier ones, and a
/// pool of a TOML file takes the place of the one of the same name that an XML file gave. A file whose name ends in
/// `.xml` is a Lync topology document.
///
/// # Errors
/// `TopologyInvalid` with file, line and column of the first problem; the others are hints.
pub fn read_topology(paths: &[PathBuf]) -> Result<Topology> {
    let mut draft = Draft::default();
    for path in paths {
        let shown = path.display().to_string();
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
            draft.read_xml(&shown, read_unicode_file(path, &shown, ErrorId::TopologyInvalid)?)?;
            continue;
        }
        let text = read_file(path, &shown, ErrorId::TopologyInvalid)?;
        draft.read(&shown, text, path.parent().unwrap_or(Path::new("")))?;
    }
    draft.finish()
}

/// Reads the text of one topology file; `shown` names it in errors.
///
/// # Errors
/// As [`read_topology`].
pub fn topology_of_text(shown: &str, text: &str) -> Result<Topology> {
    let mut draft = Draft::default();
    draft.read(shown, text.to_owned(), Path::new(""))?;
    draft.finish()
}

/// Reads the text of one topology document in XML; `shown` names it in errors.
///
/// # Errors
/// As [`read_topology`].
pub fn topology_of_xml(shown: &str, text: &str) -> Result<Topology> {
    let mut draft = Draft::default();
    draft.read_xml(shown, text.to_owned())?;
    draft.finish()
}

/// What was read so far, with the place of each row.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) topology: Topology,
    own_uses: Vec<(Use, Position)>,
    places: HashMap<Place, Position>,
    first: Option<Arc<str>>,
    /// Whether one of the files is XML, which gives no simple URLs.
    pub(super) xml_is_among_them: bool,
    /// The pools that XML gave, by their index, as long as no TOML file has replaced them.
    pub(super) xml_pools: Vec<usize>,
}

impl Draft {
    /// Notes the name of a file: a fault of the whole is shown at the first one.
    pub(super) fn begin(&mut self, shown: &str) {
        self.first.get_or_insert_with(|| shown.into());
    }

    fn read(&mut self, shown: &str, text: String, base: &Path) -> Result<()> {
        let document = Document::new(shown, text, ErrorId::TopologyInvalid);
        let root = document.parse()?;
        let root = Table::root(&document, &root);
        self.begin(shown);
        if root.number::<u32>("version", 1..=1).is_none() && root.item("version").is_none() {
            root.missing("version");
        }
        if let Some(forest) = root.table("forest") {
            self.read_forest(forest);
        }
        for table in root.tables("sip_domain") {
            self.read_sip_domain(table);
        }
        if let Some(table) = root.table("certificates") {
            let policy = &mut self.topology.policy;
            policy.autodiscover_by_default = table.flag("autodiscover_by_default", policy.autodiscover_by_default);
            policy.sipinternal_dns = table.flag("sipinternal_dns", policy.sipinternal_dns);
            let words = [("Warn", MissingNames::Warn), ("Error", MissingNames::Error)];
            policy.missing_names = table.word("missing_names", &words).unwrap_or(policy.missing_names);
            table.finish();
        }
        for table in root.tables("site") {
            self.read_site(table);
        }
        for table in root.tables("simple_url") {
            self.read_simple_url(table);
        }
        for table in root.tables("pool") {
            self.read_pool(table);
        }
        for table in root.tables("use") {
            if let Some(At { value, span }) = read_use(table, false, base) {
                self.own_uses.push((value, document.position(&span)));
            }
        }
        root.finish();
        document.outcome(Some(()))
    }

    pub(super) fn place(&mut self, place: Place, document: &Document, span: &std::ops::Range<usize>) {
        self.places.insert(place, document.position(span));
    }

    fn read_forest(&mut self, table: Table<'_>) {
        let topology = &mut self.topology;
        topology.ad_domain = host(&table, "ad_domain").map(|h| h.value).or(topology.ad_domain.take());
        topology.product_version = table.number("product_version", 2010..=2100).or(topology.product_version);
        if let Some(local) = host(&table, "local_computer") {
            topology.local_computer = Some(local.value);
            self.place(Place::LocalComputer, table.document, &local.span);
        }
        table.finish();
    }

    fn read_sip_domain(&mut self, table: Table<'_>) {
        let is_default = table.flag("default", false);
        if let Some(name) = required_host(&table, "name") {
            self.place(Place::SipDomain(self.topology.sip_domains.len()), table.document, &name.span);
            self.topology.sip_domains.push(SipDomain { name: name.value, is_default });
        }
        table.finish();
    }

    fn read_site(&mut self, table: Table<'_>) {
        let id = table.number("id", 0..=i64::from(u32::MAX));
        if table.item("id").is_none() {
            table.missing("id");
        }
        let name = table.required_text("name");
        let kinds = [("CentralSite", SiteKind::CentralSite), ("BranchSite", SiteKind::BranchSite)];
        let kind = table.word("type", &kinds).unwrap_or_default();
        let parent = table.number("parent", 0..=i64::from(u32::MAX));
        if let (Some(id), Some(name)) = (id, name) {
            self.place(Place::Site(self.topology.sites.len()), table.document, &name.span);
            self.topology.sites.push(TopologySite { id, name: name.value, kind, parent });
        }
        table.finish();
    }

    fn read_simple_url(&mut self, table: Table<'_>) {
        let scope = table.required_text("scope");
        let component = table.required("component").and_then(|item| item.word(&COMPONENTS));
        let domain = match table.required("domain") {
            Some(item) if item.as_text() == Some("*") => Some(None),
            Some(item) => read_host(item).map(|h| Some(h.value)),
            None => None,
        };
        let entries = table.texts("entries");
        let active = table.text("active").or_else(|| entries.first().cloned());
        if entries.is_empty() {
            table.missing("entries");
        }
        if let (Some(scope), Some(component), Some(domain), Some(active)) = (scope, component, domain, active) {
            self.add_simple_url(table.document, &scope, component, domain, entries, &active);
        }
        table.finish();
    }

    /// Adds a simple URL, or says what is wrong with it.
    pub(super) fn add_simple_url(
        &mut self,
        document: &Document,
        scope: &At<String>,
        component: SimpleUrlComponent,
        domain: Option<HostName>,
        entries: Vec<At<String>>,
        active: &At<String>,
    ) {
        let hosts: Vec<Option<HostName>> = entries.iter().map(|entry| url_host(document, entry)).collect();
        let place = entries.iter().position(|entry| entry.value.eq_ignore_ascii_case(&active.value));
        if place.is_none() {
            let message = format!("`{}` is active and not among the entries", active.value);
            document.problem(&active.span, message, None);
        }
        let Some(scope) = simple_url_scope(document, scope) else { return };
        if let Some(host) = place.and_then(|i| hosts.get(i).cloned().flatten()) {
            self.place(Place::SimpleUrl(self.topology.simple_urls.len()), document, &active.span);
            let entries = entries.into_iter().map(|e| e.value).collect();
            let active = active.value.clone();
            self.topology.simple_urls.push(SimpleUrl { scope, component, domain, entries, active, host });
        }
    }

    fn read_pool(&mut self, table: Table<'_>) {
        let roles: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.name(), *role)).collect();
        let fqdn = required_host(&table, "fqdn");
        let role = table.required("role").and_then(|item| item.word(&roles));
        let site = table.number("site", 0..=i64::from(u32::MAX));
        let list = |item: Option<Item<'_>>| {
            item.map_or_else(Vec::new, |item| item.list().into_iter().filter_map(|i| read_host(i)).collect::<Vec<_>>())
        };
        let computers = list(table.required("computers"));
        let uses: Vec<At<UseName>> = table
            .item("uses")
            .map_or_else(Vec::new, |item| item.list().into_iter().filter_map(|i| i.parsed::<UseName>()).collect());
        let web = table.table("web").map(|t| (t.span.clone(), read_web(t)));
        let edge = table.table("edge").map(read_edge);
        if let (Some(fqdn), Some(role)) = (fqdn, role) {
            let replaced = self.xml_pools.iter().position(|i| self.topology.pools[*i].fqdn == fqdn.value);
            let replaced = replaced.map(|known| self.xml_pools.swap_remove(known));
            let index = replaced.unwrap_or(self.topology.pools.len());
            self.place(Place::Pool(index), table.document, &fqdn.span);
            for (j, computer) in computers.iter().enumerate() {
                self.place(Place::Computer(index, j), table.document, &computer.span);
            }
            for (j, name) in uses.iter().enumerate() {
                self.place(Place::PoolUse(index, j), table.document, &name.span);
            }
            if let Some((span, _)) = &web {
                self.place(Place::Web(index), table.document, span);
            }
            let pool = Pool {
                fqdn: fqdn.value,
                site,
                role,
                computers: computers.into_iter().map(|c| c.value).collect(),
                uses: uses.into_iter().map(|u| u.value).collect(),
                web: web.map(|(_, web)| web),
                edge: edge.flatten(),
            };
            match replaced {
                Some(index) => self.topology.pools[index] = pool,
                None => self.topology.pools.push(pool),
            }
        }
        table.finish();
    }

    fn finish(mut self) -> Result<Topology> {
        let mut problems = Vec::new();
        let mut rows = builtin_uses().to_vec();
        for (row, position) in std::mem::take(&mut self.own_uses) {
            if let Some(known) = rows.iter().find(|u| u.name == row.name) {
                let what = if known.is_builtin { "built in" } else { "declared" };
                problems.push(Problem {
                    position,
                    message: format!("the use `{}` is {what} already", row.name),
                    hint: None,
                });
            } else {
                rows.push(row);
            }
        }
        self.topology.uses = Uses::new(rows);
        // Spelling as the table has it, whatever the pool's row says.
        let uses = &self.topology.uses;
        for name in self.topology.pools.iter_mut().flat_map(|pool| &mut pool.uses) {
            if let Some(known) = uses.get(name) {
                *name = known.name.clone();
            }
        }
        let start = Position::new(self.first.take(), 1, 1, 1);
        for Fault { place, message, hint } in self.topology.faults() {
            let hint = self.hint_beside_xml(place).or(hint);
            let position = self.places.get(&place).cloned().unwrap_or_else(|| start.clone());
            problems.push(Problem { position, message, hint });
        }
        match raise(ErrorId::TopologyInvalid, problems) {
            Some(error) => Err(error),
            None => Ok(self.topology),
        }
    }
}

impl Draft {
    /// How what XML does not give is added to it.
    fn hint_beside_xml(&self, place: Place) -> Option<String> {
        let beside = "a TOML file named after it, `topology = [\"topology.xml\", \"more.toml\"]`";
        match place {
            Place::SipDomain(_) if self.xml_is_among_them && self.topology.simple_urls.is_empty() => Some(format!(
                "a Lync topology document holds no simple URLs: put each as `[[simple_url]]` into {beside}"
            )),
            Place::Pool(i) if self.xml_pools.contains(&i) && self.topology.pools[i].role == Role::Edge => {
                Some(format!(
                    "put the pool once more as `[[pool]]`, with `[pool.edge]`, into {beside}: it takes this one's place"
                ))
            }
            _ => None,
        }
    }
}

fn simple_url_scope(document: &Document, text: &At<String>) -> Option<SimpleUrlScope> {
    let scope = match text.value.split_once(':') {
        None if text.value.eq_ignore_ascii_case("global") => Some(SimpleUrlScope::Global),
        Some((word, name)) if word.eq_ignore_ascii_case("site") && !name.is_empty() => {
            Some(SimpleUrlScope::Site(name.to_owned()))
        }
        _ => None,
    };
    if scope.is_none() {
        document.problem(&text.span, format!("`{}` is no scope: write `global` or `site:NAME`", text.value), None);
    }
    scope
}

fn read_web(table: Table<'_>) -> WebServices {
    let web = WebServices {
        internal_fqdn: host(&table, "internal_fqdn").map(|h| h.value),
        external_fqdn: host(&table, "external_fqdn").map(|h| h.value),
        internal: read_ports(table.table("internal"), WebPorts::INTERNAL),
        external: read_ports(table.table("external"), WebPorts::EXTERNAL),
    };
    table.finish();
    web
}

fn read_ports(table: Option<Table<'_>>, default: WebPorts) -> WebPorts {
    let Some(table) = table else { return default };
    let port = |key: &'static str, default: u16| table.number(key, 1..=65535).unwrap_or(default);
    let ports = WebPorts {
        http: port("http", default.http),
        https: port("https", default.https),
        published_http: port("published_http", default.published_http),
        published_https: port("published_https", default.published_https),
    };
    table.finish();
    ports
}

fn read_edge(table: Table<'_>) -> Option<EdgeInterfaces> {
    let (access, data, av) =
        (required_host(&table, "access"), required_host(&table, "data"), required_host(&table, "av"));
    let single_ip = table.flag("single_ip", false);
    table.finish();
    Some(EdgeInterfaces { access: access?.value, data: data?.value, av: av?.value, single_ip })
}

fn host(table: &Table<'_>, key: &'static str) -> Option<At<HostName>> {
    read_host(table.item(key)?)
}

fn required_host(table: &Table<'_>, key: &'static str) -> Option<At<HostName>> {
    read_host(table.required(key)?)
}

/// Computers may have underscores in their names, so all names of a topology may.
fn read_host(item: Item<'_>) -> Option<At<HostName>> {
    let text = item.text()?;
    match HostName::with_underscores(&text.value) {
        Ok(value) => Some(At { value, span: text.span }),
        Err(error) => {
            item.document.refuse(&text.span, &error);
            None
        }
    }
}

/// The host of `https://host[:port][/path]`.
fn url_host(document: &Document, url: &At<String>) -> Option<HostName> {
    let rest = url.value.get(..8).filter(|p| p.eq_ignore_ascii_case("https://")).and(url.value.get(8..));
    let Some(rest) = rest else {
        document.problem(&url.span, format!("`{}` does not start with `https://`", url.value), None);
        return None;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    match HostName::with_underscores(host) {
        Ok(name) => Some(name),
        Err(error) => {
            document.refuse(&url.span, &error);
            None
        }
    }
}
