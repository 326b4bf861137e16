//! Whether a certificate fits a use: what stands against it, and what is only worth saying.

use super::Session;
use super::revocation::Standing;
use crate::error::{Error, ErrorId, Result};
use crate::model::names::{compute, difference};
use crate::model::{Certificate, HostName, NameDifference, NameQuery, Purpose, Use, UseName};
use crate::state::{CertificateQuery, CertificateRow, Store};
use crate::x509::{ChainProblem, Usage, validate_path};

/// One thing found about a certificate for a use.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The error that assigning it would be.
    pub(crate) error: Error,
    /// Whether it stands against the assignment, or is only worth saying.
    pub(crate) is_obstacle: bool,
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
    at: crate::model::Moment,
) -> Result<Vec<Finding>> {
    let topology = session.topology()?;
    let mut findings = Vec::new();
    let about = row.thumbprint.to_string();
    let mut add =
        |is_obstacle: bool, error: Error| findings.push(Finding { error: error.about(about.clone()), is_obstacle });
    if let Some(why) = &row.banned {
        add(true, Error::new(ErrorId::CertificateBanned, format!("certificate `{about}` is banned: {why}")));
    }
    if !session.has_key(row)? {
        add(true, Error::new(ErrorId::NoPrivateKey, format!("certificate `{about}` has no private key here")));
    }
    if at > certificate.not_after() {
        let end = certificate.not_after().in_zone(&session.zone());
        add(true, Error::new(ErrorId::CertificateExpired, format!("certificate `{about}` ended on {end}")));
    }
    if at < certificate.not_before() {
        let begin = certificate.not_before().in_zone(&session.zone());
        add(true, Error::new(ErrorId::CertificateNotYetValid, format!("certificate `{about}` begins on {begin}")));
    }
    let rows: Vec<&Use> = uses.iter().filter_map(|u| topology.uses.get(u)).collect();
    for use_row in &rows {
        for oid in &use_row.needs.eku {
            let purpose = Purpose::from_oid(oid);
            let id =
                if purpose == Purpose::ServerAuth { ErrorId::MissingServerAuthEku } else { ErrorId::UseNeedNotMet };
            match certificate.purposes() {
                None => add(
                    false,
                    Error::new(
                        id,
                        format!("certificate `{about}` names no purpose at all: `{}` needs {purpose}", use_row.name),
                    ),
                ),
                Some(_) if !certificate.allows(&purpose) => add(
                    true,
                    Error::new(
                        id,
                        format!("certificate `{about}` is not made for {purpose}, which `{}` needs", use_row.name),
                    ),
                ),
                Some(_) => {}
            }
        }
        needs(use_row, certificate, &about, topology.product_version, &mut add);
    }
    let wants_trust = rows.iter().any(|u| !u.needs.eku.is_empty());
    if wants_trust && at >= certificate.not_before() && at <= certificate.not_after() {
        let chain = session.chain_of(row)?;
        if let Standing::Revoked(at) = session.standing(certificate, &chain)? {
            let at = at.in_zone(&session.zone());
            add(
                true,
                Error::new(ErrorId::UntrustedChain, format!("certificate `{about}` was revoked on {at} (0x800B010C)")),
            );
        }
        let mut roots = Vec::new();
        for use_row in &rows {
            roots.extend(session.roots(&use_row.needs.chain_to)?);
        }
        if let Err(problem) = validate_path(certificate, &chain, &roots, at, Usage::Server)
            && !matches!(problem, ChainProblem::PurposeMissing(..))
        {
            add(true, Error::new(ErrorId::UntrustedChain, format!("certificate `{about}`: {problem}")));
        }
    }
    findings.sort_by_key(|f| !f.is_obstacle);
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
    /// The newest stored certificate that fits some uses and bears their names, if there is one.
    ///
    /// # Errors
    /// `TopologyInvalid`, `StoreUnavailable`.
    pub(crate) fn best_fit(&self, uses: &[UseName]) -> Result<Option<CertificateRow>> {
        let computer = self.topology()?.local_computer()?.clone();
        let query = CertificateQuery { store: Some(Store::My), ..CertificateQuery::default() };
        let mut best: Option<(bool, CertificateRow)> = None;
        for (_, row) in self.state()?.certificates(&query)? {
            if row.not_after <= self.now() {
                continue;
            }
            let certificate = self.certificate_of(&row)?;
            if fitness(self, &row, &certificate, uses, self.now())?.iter().any(|f| f.is_obstacle) {
                continue;
            }
            let complete = self.name_difference(&computer, uses, &certificate)?.missing.is_empty();
            // All names first, then the latest end.
            let is_better = best.as_ref().is_none_or(|(had, old)| (complete, row.not_after) >= (*had, old.not_after));
            if is_better {
                best = Some((complete, row));
            }
        }
        Ok(best.map(|(_, row)| row))
    }
}

/// The names of a certificate as texts, DNS and IP.
pub(crate) fn names_of(certificate: &Certificate) -> Vec<String> {
    certificate.alternative_names().iter().map(ToString::to_string).collect()
}

fn needs(
    use_row: &Use,
    certificate: &Certificate,
    about: &str,
    version: Option<u16>,
    add: &mut impl FnMut(bool, Error),
) {
    let unmet = |text: String| Error::new(ErrorId::UseNeedNotMet, format!("certificate `{about}` {text}"));
    let elliptic = certificate.key_algorithm().is_some_and(crate::model::KeyAlgorithm::is_elliptic);
    let bits = certificate.key_bits();
    let rules = &use_row.needs.keys;
    if !rules.is_empty() && !rules.iter().any(|r| r.allows(elliptic, bits)) {
        let wanted: Vec<String> = rules.iter().map(ToString::to_string).collect();
        let has = format!("{} {bits}", certificate.key_algorithm_name());
        add(true, unmet(format!("has a key ({has}) that `{}` does not take: {}", use_row.name, wanted.join(", "))));
    }
    if !elliptic && bits < 2048 && use_row.name.as_str() == "OAuthTokenIssuer" {
        let old = version == Some(2013);
        add(!old, unmet(format!("has an RSA key of {bits} bits; `OAuthTokenIssuer` needs 2048")));
    }
    if use_row.needs.no_pss && certificate.is_pss() {
        add(true, unmet(format!("is signed with RSASSA-PSS, which `{}` does not take", use_row.name)));
    }
    if use_row.needs.cdp && certificate.crl_urls().is_empty() {
        add(false, unmet(format!("names no CRL distribution point, which `{}` expects", use_row.name)));
    }
    let has_wildcard = certificate.dns_names().any(|n| n.starts_with("*."));
    if !use_row.is_builtin && !use_row.needs.wildcard && has_wildcard {
        add(true, unmet(format!("bears a wildcard name, which `{}` does not take", use_row.name)));
    }
}
