//! Whether a certificate, or one that is to be asked for, fits a use: what stands against it, and what is only worth saying.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::Session;
use super::revocation::Standing;
use crate::ca::{Authority, Context};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::{compute, difference};
use crate::model::{
    Certificate, ChainTo, ComputedNames, HostName, KeyAlgorithm, KeyFit, Moment, NameDifference, NameQuery, Purpose,
    Use, UseName,
};
use crate::state::{CertificateQuery, CertificateRow, KeyRow, Row, RowKey, Store};
use crate::x509::{ChainProblem, Usage, validate_path};

/// How many rows are read at a time where the first ones nearly always will do.
const FEW: usize = 50;

/// One thing found about a certificate for a use.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The error that assigning it would be.
    pub(crate) error: Error,
    /// Whether it stands against the assignment, or is only worth saying.
    pub(crate) is_obstacle: bool,
    /// Whether it is worth saying only to whoever asks what could be better: a missing CRL distribution point.
    pub(crate) is_remark: bool,
}

impl Finding {
    fn obstacle(error: Error) -> Self {
        Self { error, is_obstacle: true, is_remark: false }
    }

    fn warning(error: Error) -> Self {
        Self { error, is_obstacle: false, is_remark: false }
    }
}

/// A certificate that may be assigned, stored or about to be.
pub(crate) struct Candidate<'a> {
    /// Its row.
    pub(crate) row: &'a CertificateRow,
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    /// Its private key: `None` where it is not here, and whether it may leave.
    pub(crate) exportable: Option<bool>,
    /// The authorities above it, where they are not stored yet.
    pub(crate) chain: Option<Vec<Certificate>>,
}

/// What stands against a stored certificate for some uses, gravest first; empty when it fits.
///
/// # Errors
/// `NoHome`, `TopologyInvalid`, `StoreUnavailable`: the look itself failed.
pub(crate) fn fitness(
    session: &Session,
    row: &CertificateRow,
    certificate: &Certificate,
    uses: &[UseName],
    at: Moment,
) -> Result<Vec<Finding>> {
    let key: Option<KeyRow> = match session.state()?.row(&RowKey::Key(row.key))? {
        Some(Row::Key(key)) if key.quarantined_until.is_none() => Some(key),
        _ => None,
    };
    let exportable = key.map(|key| key.exportable);
    candidate_fitness(session, &Candidate { row, certificate, exportable, chain: None }, uses, at)
}

/// What stands against a candidate for some uses, gravest first; empty when it fits.
///
/// # Errors
/// `NoHome`, `TopologyInvalid`, `StoreUnavailable`: the look itself failed.
pub(crate) fn candidate_fitness(
    session: &Session,
    candidate: &Candidate<'_>,
    uses: &[UseName],
    at: Moment,
) -> Result<Vec<Finding>> {
    let topology = session.topology()?;
    let (row, certificate) = (candidate.row, candidate.certificate);
    let mut findings = Vec::new();
    let about = row.thumbprint.to_string();
    let mut add = |mut finding: Finding| {
        finding.error = finding.error.about(about.clone());
        findings.push(finding);
    };
    let obstacle = |id: ErrorId, text: String| Finding::obstacle(Error::new(id, text));
    if let Some(why) = &row.banned {
        add(obstacle(ErrorId::CertificateBanned, format!("certificate `{about}` is banned: {why}")));
    }
    if candidate.exportable.is_none() {
        add(obstacle(ErrorId::NoPrivateKey, format!("certificate `{about}` has no private key here")));
    }
    if at > certificate.not_after() {
        let end = certificate.not_after().in_zone(&session.zone());
        add(obstacle(ErrorId::CertificateExpired, format!("certificate `{about}` ended on {end}")));
    }
    if at < certificate.not_before() {
        let begin = certificate.not_before().in_zone(&session.zone());
        add(obstacle(ErrorId::CertificateNotYetValid, format!("certificate `{about}` begins on {begin}")));
    }
    let rows: Vec<&Use> = uses.iter().filter_map(|u| topology.uses.get(u)).collect();
    for use_row in &rows {
        purposes(use_row, certificate, &about, &mut add);
        needs(use_row, candidate, &about, topology.product_version, &mut add);
    }
    let mut clients: Vec<&ChainTo> = Vec::new();
    for use_row in rows.iter().filter(|u| !u.needs.eku.is_empty()) {
        if !clients.contains(&&use_row.needs.chain_to) {
            clients.push(&use_row.needs.chain_to);
        }
    }
    if !clients.is_empty() && at >= certificate.not_before() && at <= certificate.not_after() {
        let chain = match &candidate.chain {
            Some(chain) => chain.clone(),
            None => session.chain_of(row)?,
        };
        if let Standing::Revoked(at) = session.standing(certificate, &chain)? {
            let at = at.in_zone(&session.zone());
            let named: Vec<&str> = uses.iter().map(UseName::as_str).collect();
            let text = format!("certificate `{about}` was revoked on {at} (0x800B010C)");
            add(Finding::obstacle(Error::new(ErrorId::UntrustedChain, text).hint(format!(
                "`Request-CsCertificate -New -Type {}` asks for another, `Set-CsCertificate` assigns it",
                named.join(",")
            ))));
        }
        for chain_to in clients {
            let roots = session.roots(chain_to)?;
            if let Err(problem) = validate_path(certificate, &chain, &roots, at, Usage::Server)
                && !matches!(problem, ChainProblem::PurposeMissing(..))
            {
                let error = Error::new(ErrorId::UntrustedChain, format!("certificate `{about}`: {problem}"));
                add(Finding::obstacle(match problem.remedy() {
                    Some(remedy) => error.hint(remedy),
                    None => error,
                }));
            }
        }
    }
    findings.sort_by_key(|f| !f.is_obstacle);
    Ok(findings)
}

/// What is to be asked of an authority for some uses.
pub(crate) struct Wish<'a> {
    /// The uses.
    pub(crate) uses: &'a [UseName],
    /// The key to make.
    pub(crate) key: KeyAlgorithm,
    /// Whether the key may leave the store.
    pub(crate) exportable: bool,
    /// The names.
    pub(crate) names: &'a ComputedNames,
    /// The purposes asked for.
    pub(crate) purposes: &'a [Purpose],
    /// Whom to ask; `None` for a request file.
    pub(crate) authority: Option<&'a dyn Authority>,
    /// The template, by name.
    pub(crate) template: &'a str,
}

/// What stands against a certificate before it is asked for, as far as can be known: keys, wildcards, purposes, roots.
///
/// # Errors
/// `NoHome`, `TopologyInvalid`, `StoreUnavailable`: the look itself failed.
pub(crate) fn wish_fitness(session: &Session, wish: &Wish<'_>) -> Result<Vec<Finding>> {
    let topology = session.topology()?;
    let mut findings = Vec::new();
    let unmet = |text: String, about: String| Error::new(ErrorId::UseNeedNotMet, text).about(about);
    let rows: Vec<&Use> = wish.uses.iter().filter_map(|u| topology.uses.get(u)).collect();
    let key = wish.key;
    for use_row in &rows {
        let (name, needs) = (&use_row.name, &use_row.needs);
        let rules = needs.key_rules();
        match needs.key_fit(key.is_elliptic(), key.bits(), topology.product_version) {
            KeyFit::Good => {}
            KeyFit::Tolerated => findings.push(Finding::warning(unmet(
                format!("`{name}` should have another key than {key}: {rules}"),
                key.to_string(),
            ))),
            KeyFit::Refused => findings.push(Finding::obstacle(
                unmet(format!("`{name}` does not take a key of {key}: {rules}"), key.to_string())
                    .hint("name another one with `-KeyAlg` and `-KeySize`"),
            )),
        }
        if needs.exportable && !wish.exportable {
            findings.push(Finding::warning(unmet(
                format!("all computers that serve `{name}` share its key: ask with `-PrivateKeyExportable $true`"),
                name.to_string(),
            )));
        }
        let wildcards = wish.names.names.iter().filter(|n| n.name.dns().is_some_and(HostName::is_wildcard));
        for wildcard in wildcards.filter(|_| !use_row.is_builtin && !needs.wildcard) {
            findings.push(Finding::obstacle(unmet(
                format!("`{name}` does not take the wildcard name `{}`", wildcard.name),
                wildcard.name.to_string(),
            )));
        }
    }
    let Some(authority) = wish.authority else { return Ok(findings) };
    if let Some(template) = authority.as_database().and_then(|d| known_template(d, wish.template)) {
        let lacking = wish.purposes.iter().filter(|p| !template.purposes.iter().any(|t| Purpose::from_oid(t) == **p));
        for purpose in lacking.filter(|p| rows.iter().any(|u| u.needs.eku.iter().any(|e| Purpose::from_oid(e) == **p)))
        {
            findings.push(Finding::warning(unmet(
                format!("the template `{}` does not grant {purpose}, which is needed", template.name),
                template.name.clone(),
            )));
        }
    }
    if authority.is_inside() {
        findings.extend(foreign_root(session, authority, &rows)?);
    }
    Ok(findings)
}

fn known_template(database: &dyn crate::ca::Database, name: &str) -> Option<crate::ca::TemplateFacts> {
    database.templates().into_iter().find(|t| t.name.eq_ignore_ascii_case(name))
}

/// Clients that have other roots than the configured ones do not know an authority of our own.
fn foreign_root(session: &Session, authority: &dyn Authority, rows: &[&Use]) -> Result<Vec<Finding>> {
    let asked: Vec<&&Use> = rows.iter().filter(|u| u.needs.chain_to != ChainTo::Configured).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (state, keys) = (session.state()?, session.keys()?);
    let cx = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let own: HashSet<_> = authority.chain(&cx)?.iter().map(Certificate::fingerprint).collect();
    let mut findings = Vec::new();
    for use_row in asked {
        if !session.roots(&use_row.needs.chain_to)?.iter().any(|root| own.contains(&root.fingerprint())) {
            let text = format!("the clients of `{}` do not have the root of `{}`", use_row.name, authority.config());
            let error = Error::new(ErrorId::UntrustedChain, text).about(use_row.name.as_str());
            findings.push(Finding::warning(error));
        }
    }
    Ok(findings)
}

impl Session {
    /// The computed names of some uses on a computer, and how a certificate's names differ from them.
    ///
    /// # Errors
    /// `TopologyInvalid`, `ComputerNotInTopology`, `UseNotValidForRole`.
    pub(crate) fn name_difference(
        &self,
        computer: &HostName,
        uses: &[UseName],
        certificate: &Certificate,
    ) -> Result<NameDifference> {
        let topology = self.topology()?;
        let computed = compute(&topology, &NameQuery::new(computer.clone(), uses.to_vec()))?;
        Ok(difference(&computed, &names_of(certificate)))
    }
}

impl Session {
    /// The stored certificate that fits some uses best, if one fits: one that bears all their names before one that does
    /// not, then the one that ends last.
    ///
    /// # Errors
    /// `TopologyInvalid`, `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn best_fit(&self, uses: &[UseName]) -> Result<Option<CertificateRow>> {
        let topology = self.topology()?;
        let asked = compute(&topology, &NameQuery::new(topology.local_computer()?.clone(), uses.to_vec()))?;
        let all = CertificateQuery {
            store: Some(Store::My),
            with_key: true,
            latest_first: true,
            ..CertificateQuery::default()
        };
        let named = CertificateQuery { host: rarest_host(&asked), ..all.clone() };
        let bears_all = |c: &Certificate| difference(&asked, &names_of(c)).missing.is_empty();
        match self.first_fit(&named, uses, &bears_all)? {
            Some(complete) => Ok(Some(complete)),
            None => self.first_fit(&all, uses, &|_| true),
        }
    }

    /// The first certificate of a query, the latest end first, that is wanted and fits some uses.
    fn first_fit(
        &self,
        query: &CertificateQuery,
        uses: &[UseName],
        is_wanted: &dyn Fn(&Certificate) -> bool,
    ) -> Result<Option<CertificateRow>> {
        let mut found = None;
        let now = self.now();
        self.walk(query, FEW, &mut |_, row| {
            // Whatever comes behind it has ended too.
            if row.not_after <= now {
                return Ok(ControlFlow::Break(()));
            }
            let certificate = self.certificate_of(&row)?;
            if !is_wanted(&certificate) || fitness(self, &row, &certificate, uses, now)?.iter().any(|f| f.is_obstacle) {
                return Ok(ControlFlow::Continue(()));
            }
            found = Some(row);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }
}

/// The computed name by which certificates that bear all of them are looked up: one that no wildcard may stand for,
/// where there is one, tells the most.
pub(crate) fn rarest_host(asked: &ComputedNames) -> Option<String> {
    let hosts = asked.names.iter().filter_map(|n| n.name.dns().map(|host| (n.wildcard, host)));
    hosts.min_by_key(|(by_wildcard, _)| *by_wildcard).map(|(_, host)| host.as_str().to_ascii_lowercase())
}

/// The names of a certificate as texts, DNS and IP.
pub(crate) fn names_of(certificate: &Certificate) -> Vec<String> {
    certificate.alternative_names().iter().map(ToString::to_string).collect()
}

fn purposes(use_row: &Use, certificate: &Certificate, about: &str, add: &mut impl FnMut(Finding)) {
    for oid in &use_row.needs.eku {
        let purpose = Purpose::from_oid(oid);
        let id = if purpose == Purpose::ServerAuth { ErrorId::MissingServerAuthEku } else { ErrorId::UseNeedNotMet };
        if certificate.purposes().is_none() {
            let text = format!("certificate `{about}` names no purpose at all: `{}` needs {purpose}", use_row.name);
            add(Finding::warning(Error::new(id, text)));
        } else if !certificate.allows(&purpose) {
            let text = format!("certificate `{about}` is not made for {purpose}, which `{}` needs", use_row.name);
            add(Finding::obstacle(Error::new(id, text)));
        }
    }
}

fn needs(use_row: &Use, candidate: &Candidate<'_>, about: &str, version: Option<u16>, add: &mut impl FnMut(Finding)) {
    let (certificate, name, needs) = (candidate.certificate, &use_row.name, &use_row.needs);
    let unmet = |text: String| Error::new(ErrorId::UseNeedNotMet, format!("certificate `{about}` {text}"));
    let elliptic = certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic);
    let has = format!("{} {}", certificate.key_algorithm_name(), certificate.key_bits());
    let rules = needs.key_rules();
    match needs.key_fit(elliptic, certificate.key_bits(), version) {
        KeyFit::Good => {}
        KeyFit::Tolerated => {
            add(Finding::warning(unmet(format!("has a key ({has}) that `{name}` should not have: {rules}"))));
        }
        KeyFit::Refused => {
            add(Finding::obstacle(unmet(format!("has a key ({has}) that `{name}` does not take: {rules}"))));
        }
    }
    if needs.no_pss && certificate.is_pss() {
        add(Finding::obstacle(unmet(format!("is signed with RSASSA-PSS, which `{name}` does not take"))));
    }
    if needs.cdp && certificate.crl_urls().is_empty() {
        let error = unmet(format!("names no CRL distribution point, which `{name}` expects"));
        add(Finding { is_remark: true, ..Finding::warning(error) });
    }
    let has_wildcard = certificate.dns_names().any(|n| n.starts_with("*."));
    if !use_row.is_builtin && !needs.wildcard && has_wildcard {
        add(Finding::obstacle(unmet(format!("bears a wildcard name, which `{name}` does not take"))));
    }
    if use_row.is_builtin && certificate.subject().common_name().is_some_and(|name| name.starts_with("*.")) {
        add(Finding::warning(unmet(format!("has a wildcard for its subject, which `{name}` does not take"))));
    }
    if needs.exportable && candidate.exportable == Some(false) {
        add(Finding::warning(unmet(format!("has a key that may not leave, and all that serve `{name}` share it"))));
    }
}
