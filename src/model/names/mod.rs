//! The subject and alternative names that uses ask for on a computer, each with the rule that asks.

mod difference;
mod pattern;

use std::collections::HashMap;
use std::fmt;

pub use difference::{MissingName, NameDifference, difference};
pub use pattern::{NamePattern, NameSource};

use super::{
    HostName, NameCondition, NameRule, NamesRow, Pool, RequestedName, SimpleUrl, SimpleUrlComponent, Topology, Use,
    UseName,
};
use crate::error::{Error, ErrorId, Result};

/// A common name has at most so many characters (`ub-common-name`, RFC 5280 appendix A.1).
const COMMON_NAME_LENGTH: usize = 64;

/// For what names are computed.
#[derive(Clone, Debug)]
pub struct NameQuery {
    /// The computer; a short name that fits one computer is enough.
    pub computer: HostName,
    /// The uses, in any order.
    pub uses: Vec<UseName>,
    /// Names for all SIP domains instead of the primary one, autodiscover names included.
    pub all_sip_domain: bool,
    /// Names to add (`-DomainName`).
    pub domain_name: Vec<RequestedName>,
    /// Computed names to leave out (`-ExcludeComputedName`).
    pub excluded: Vec<RequestedName>,
}

impl NameQuery {
    /// A query without additions.
    #[must_use]
    pub fn new(computer: HostName, uses: Vec<UseName>) -> Self {
        Self { computer, uses, all_sip_domain: false, domain_name: Vec::new(), excluded: Vec::new() }
    }
}

/// What a certificate should bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedNames {
    /// The canonical name of the computer.
    pub computer: HostName,
    /// The pool of the computer.
    pub pool: HostName,
    /// The uses, in the order of the table.
    pub uses: Vec<UseName>,
    /// The common name; `None` when the name for it is too long or left out.
    pub subject: Option<String>,
    /// The name that would be the common name if it had not more than 64 characters; then the
    /// alternative names are to be critical (RFC 5280 §4.2.1.6).
    pub too_long_for_subject: Option<HostName>,
    /// The alternative names in their order; no two are equal.
    pub names: Vec<ComputedName>,
    /// What was computed and left out as the query asked.
    pub excluded: Vec<ComputedName>,
    /// Names to leave out that nothing asks for.
    pub not_computed: Vec<RequestedName>,
}

impl ComputedNames {
    /// The alternative names as `-DomainName` takes them: `a,b,c`.
    #[must_use]
    pub fn comma_list(&self) -> String {
        self.names.iter().map(|n| n.name.to_string()).collect::<Vec<_>>().join(",")
    }
}

/// An alternative name and why it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedName {
    /// The name.
    pub name: RequestedName,
    /// Every rule that asks for it, none twice.
    pub rules: Vec<Rule>,
    /// Whether a wildcard in the certificate is as good: only if every rule says so.
    pub wildcard: bool,
}

impl ComputedName {
    /// The rules in one sentence: "pool FQDN; asked for by `-DomainName`".
    #[must_use]
    pub fn reason(&self) -> String {
        self.rules.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Why a name is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The reason: "pool FQDN", "`sip.` name of SIP domain contoso.com".
    pub text: String,
    /// The uses that have the rule; none for `-DomainName`.
    pub uses: Vec<UseName>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Computes subject and alternative names.
///
/// The subject comes from the first use in the table's order, or from one that has a rule of its own for
/// being combined. Names that differ in case only are one; the first spelling is kept. A left-out subject
/// is replaced by the first host name that remains.
///
/// # Errors
/// `ComputerNotInTopology`, `OnlineOnlyUse`, `UseNotValidForRole`, `CannotConvertArgument` for an unknown
/// use, `InvalidName` for a name that grows too long, `MissingMandatoryParameter` without any use.
pub fn compute(topology: &Topology, query: &NameQuery) -> Result<ComputedNames> {
    let (pool, computer) = topology.resolve_computer(&query.computer)?;
    let rows = valid_rows(topology, pool, &query.uses)?;
    let facts = Facts { topology, pool, computer, all: query.all_sip_domain, urls: topology.simple_urls_of(pool) };

    let mut found = Found::default();
    let subject = facts.subject(&rows, &mut found)?;
    let mut ordered: Vec<(&Use, &NameRule)> =
        rows.iter().flat_map(|(u, row)| row.names.iter().map(move |rule| (*u, rule))).collect();
    ordered
        .sort_by_key(|(_, rule)| (rule.condition == Some(NameCondition::Autodiscover), order_of(&rule.pattern.source)));
    for (r#use, rule) in ordered {
        if facts.holds(rule.condition) {
            for (name, text) in facts.expand(&rule.pattern, &r#use.name)? {
                found.add(name.into(), text, Some(&r#use.name), rule.wildcard);
            }
        }
    }
    for name in &query.domain_name {
        let wildcard = name.dns().is_some_and(|name| facts.may_be_wildcard(&rows, name));
        found.add(name.clone(), "asked for by `-DomainName`".to_owned(), None, wildcard);
    }

    let not_computed = query.excluded.iter().filter(|e| !found.names.iter().any(|n| n.name == **e)).cloned().collect();
    let (excluded, names): (Vec<_>, Vec<_>) = found.names.into_iter().partition(|n| query.excluded.contains(&n.name));
    let subject = match subject {
        Some(name) if excluded.iter().any(|n| n.name.dns() == Some(&name)) => {
            names.iter().find_map(|n| n.name.dns().filter(|d| !d.is_wildcard())).cloned()
        }
        subject => subject,
    };
    let (fits, too_long): (Option<HostName>, Option<HostName>) = match subject {
        Some(name) if name.as_str().len() > COMMON_NAME_LENGTH => (None, Some(name)),
        fits => (fits, None),
    };
    Ok(ComputedNames {
        computer: computer.clone(),
        pool: pool.fqdn.clone(),
        uses: rows.iter().map(|(u, _)| u.name.clone()).collect(),
        subject: fits.map(|name| name.as_str().to_owned()),
        too_long_for_subject: too_long,
        names,
        excluded,
        not_computed,
    })
}

/// Checks that uses may be had by the computers of a pool, whatever names they ask for.
///
/// # Errors
/// `CannotConvertArgument` for an unknown use, `OnlineOnlyUse`, `UseNotValidForRole`.
pub fn check_uses(topology: &Topology, pool: &Pool, uses: &[UseName]) -> Result<()> {
    for name in uses {
        valid_use(topology, pool, name)?;
    }
    Ok(())
}

type UseRow<'a> = (&'a Use, &'a NamesRow);

fn valid_rows<'a>(topology: &'a Topology, pool: &Pool, names: &[UseName]) -> Result<Vec<UseRow<'a>>> {
    let mut rows: Vec<UseRow<'a>> = Vec::new();
    for name in names {
        let r#use = valid_use(topology, pool, name)?;
        if rows.iter().any(|(known, _)| known.name == *name) {
            continue;
        }
        let row = r#use.names_for(pool.role).ok_or_else(|| not_valid(topology, r#use, pool))?;
        rows.push((r#use, row));
    }
    if rows.is_empty() {
        return Err(
            Error::new(ErrorId::MissingMandatoryParameter, "names are computed for at least one use").about("Type")
        );
    }
    rows.sort_by_key(|(u, _)| topology.uses.position(&u.name));
    Ok(rows)
}

fn valid_use<'a>(topology: &'a Topology, pool: &Pool, name: &UseName) -> Result<&'a Use> {
    let r#use = topology.uses.find(name.as_str())?;
    if r#use.online_only {
        let message = format!("`{}` exists in the hosted product only", r#use.name);
        return Err(Error::new(ErrorId::OnlineOnlyUse, message).about(r#use.name.as_str()));
    }
    if r#use.roles.contains(&pool.role) || pool.uses.contains(&r#use.name) {
        return Ok(r#use);
    }
    Err(not_valid(topology, r#use, pool))
}

fn not_valid(topology: &Topology, r#use: &Use, pool: &Pool) -> Error {
    let message = format!("`{}` is no use of `{}`, whose role is {}", r#use.name, pool.fqdn, pool.role);
    let valid: Vec<String> = topology.uses_of(pool).map(|u| format!("`{}`", u.name)).collect();
    let error = Error::new(ErrorId::UseNotValidForRole, message).about(r#use.name.as_str());
    if valid.is_empty() { error } else { error.hint(format!("its uses are {}", valid.join(", "))) }
}

/// Written-out names come last among a use's own, all others in the order of their sources.
fn order_of(source: &NameSource) -> (bool, Option<&NameSource>) {
    match source {
        NameSource::Literal(_) => (true, None),
        source => (false, Some(source)),
    }
}

/// Names in their order, each with all its rules.
#[derive(Default)]
struct Found {
    names: Vec<ComputedName>,
    places: HashMap<RequestedName, usize>,
}

impl Found {
    fn add(&mut self, name: RequestedName, text: String, r#use: Option<&UseName>, wildcard: bool) {
        let place = *self.places.entry(name.clone()).or_insert(self.names.len());
        let Some(known) = self.names.get_mut(place) else {
            let rule = Rule { text, uses: r#use.cloned().into_iter().collect() };
            self.names.push(ComputedName { name, rules: vec![rule], wildcard });
            return;
        };
        known.wildcard &= wildcard;
        match known.rules.iter_mut().find(|rule| rule.text == text) {
            Some(rule) => {
                if let Some(name) = r#use.filter(|name| !rule.uses.contains(name)) {
                    rule.uses.push(name.clone());
                }
            }
            None => known.rules.push(Rule { text, uses: r#use.cloned().into_iter().collect() }),
        }
    }
}

/// The facts from which patterns are expanded.
struct Facts<'a> {
    topology: &'a Topology,
    pool: &'a Pool,
    computer: &'a HostName,
    all: bool,
    urls: Vec<&'a SimpleUrl>,
}

impl Facts<'_> {
    /// Chooses the subject and puts it first among the names, unless no row wants it there.
    fn subject(&self, rows: &[UseRow<'_>], found: &mut Found) -> Result<Option<HostName>> {
        let combined = rows.len() > 1;
        let own = |row: &NamesRow| row.joined_subject.is_some();
        let chosen = rows.iter().find(|(_, row)| combined && own(row)).or(rows.first());
        let Some((r#use, row)) = chosen else { return Ok(None) };
        let pattern = if combined { row.joined_subject.as_ref().unwrap_or(&row.subject) } else { &row.subject };
        let Some((name, text)) = self.expand(pattern, &r#use.name)?.into_iter().next() else { return Ok(None) };
        if rows.iter().any(|(_, row)| row.repeat_subject) {
            let wildcard = pattern.literal().is_some() && r#use.needs.wildcard;
            found.add(name.clone().into(), text, Some(&r#use.name), wildcard);
        }
        Ok(Some(name))
    }

    fn holds(&self, condition: Option<NameCondition>) -> bool {
        let policy = &self.topology.policy;
        match condition {
            None => true,
            Some(NameCondition::Autodiscover) => self.all || policy.autodiscover_by_default,
            Some(NameCondition::SipInternalDns) => policy.sipinternal_dns,
        }
    }

    /// Whether a wildcard may stand for a name that an operator wrote: if the uses could ask for it that way.
    fn may_be_wildcard(&self, rows: &[UseRow<'_>], name: &HostName) -> bool {
        if rows.iter().all(|(u, _)| !u.is_builtin && u.needs.wildcard) {
            return true;
        }
        let everything = Facts { all: true, urls: self.urls.clone(), ..*self };
        rows.iter()
            .flat_map(|(u, row)| row.names.iter().map(move |rule| (u, rule)))
            .filter(|(_, rule)| rule.wildcard)
            .any(|(u, rule)| {
                everything.expand(&rule.pattern, &u.name).is_ok_and(|names| names.iter().any(|(n, _)| n == name))
            })
    }

    /// The names that a pattern stands for here, each with its reason; none where the fact is absent.
    fn expand(&self, pattern: &NamePattern, r#use: &UseName) -> Result<Vec<(HostName, String)>> {
        let mut names = self.facts_of(&pattern.source, r#use);
        if let Some(label) = &pattern.label {
            for (name, text) in &mut names {
                *name = name.below(label)?;
                *text = format!("`{label}.` name of {text}");
            }
        }
        Ok(names)
    }

    fn facts_of(&self, source: &NameSource, r#use: &UseName) -> Vec<(HostName, String)> {
        let topology = self.topology;
        let one =
            |name: Option<&HostName>, text: &str| name.map(|n| (n.clone(), text.to_owned())).into_iter().collect();
        let domain = |name: &HostName| (name.clone(), format!("SIP domain {name}"));
        let (web, edge) = (self.pool.web.as_ref(), self.pool.edge.as_ref());
        match source {
            NameSource::Literal(name) => vec![(name.clone(), format!("name of use {use}"))],
            NameSource::Pool => one(Some(&self.pool.fqdn), "pool FQDN"),
            NameSource::Computer => one(Some(self.computer), "server FQDN"),
            NameSource::EdgeAccess => one(edge.map(|e| &e.access), "Access Edge external FQDN"),
            NameSource::EdgeData => one(edge.map(|e| &e.data), "Web Conferencing Edge external FQDN"),
            NameSource::EdgeAv => one(edge.map(|e| &e.av), "A/V Edge external FQDN"),
            NameSource::Domain if !self.all => topology.default_sip_domain().map(domain).into_iter().collect(),
            NameSource::Domain | NameSource::EveryDomain => {
                topology.sip_domains.iter().map(|d| domain(&d.name)).collect()
            }
            NameSource::DefaultDomain => one(topology.default_sip_domain(), "default SIP domain"),
            NameSource::WebInternal => match web.and_then(|w| w.internal_fqdn.as_ref()) {
                Some(name) => one(Some(name), "internal web services FQDN"),
                None => one(Some(&self.pool.fqdn), "internal web services FQDN"),
            },
            NameSource::WebExternal => one(web.and_then(|w| w.external_fqdn.as_ref()), "external web services FQDN"),
            NameSource::Meet => self.urls(SimpleUrlComponent::Meet),
            NameSource::Dialin => self.urls(SimpleUrlComponent::Dialin),
            NameSource::Admin => self.urls(SimpleUrlComponent::Admin),
            NameSource::WebScheduler => self.urls(SimpleUrlComponent::WebScheduler),
        }
    }

    fn urls(&self, component: SimpleUrlComponent) -> Vec<(HostName, String)> {
        let of_component = self.urls.iter().filter(|url| url.component == component);
        of_component.map(|url| (url.host.clone(), format!("{} simple URL", component.name()))).collect()
    }
}
