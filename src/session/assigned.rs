//! What is assigned and what is stored, as verbs read it.

use super::Session;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, CertificateSelector, Fingerprint, Slot};
use crate::state::{AssignmentKey, AssignmentRow, CertificateQuery, CertificateRow, Row, RowKey, Store};

/// An assignment that is in force on the local computer.
#[derive(Clone, Debug)]
pub(crate) struct Assigned {
    /// Scope, use and slot.
    pub(crate) key: AssignmentKey,
    /// The row.
    pub(crate) row: AssignmentRow,
}

impl Session {
    /// The assignments of a scope, in the order of the uses: `Some("global")`, one computer, or, with
    /// `None`, the effective view of the local computer: its own and the inherited global ones.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`, `TopologyInvalid`.
    pub(crate) fn assigned(&self, scope: Option<&str>) -> Result<Vec<Assigned>> {
        let topology = self.topology()?;
        let local = topology.local_computer()?.as_str().to_ascii_lowercase();
        let mut found: Vec<Assigned> = Vec::new();
        for (key, row) in self.state()?.assignments()? {
            let in_scope = match scope {
                Some(scope) => key.scope.eq_ignore_ascii_case(scope),
                None => key.scope == local || key.scope == "global",
            };
            if in_scope {
                found.push(Assigned { key, row });
            }
        }
        if scope.is_none() {
            // What the computer has of its own hides the global assignment of the same use; what is only staged does not.
            let is_own = |a: &&Assigned| a.key.scope == local && a.row.certificate.is_some();
            let own: Vec<(String, Slot)> =
                found.iter().filter(is_own).map(|a| (a.key.use_name.clone(), a.key.slot)).collect();
            found.retain(|a| a.key.scope == local || !own.contains(&(a.key.use_name.clone(), a.key.slot)));
        }
        let order: Vec<&str> = topology.uses.iter().map(|u| u.name.as_str()).collect();
        let place = |name: &str| order.iter().position(|u| u.eq_ignore_ascii_case(name)).unwrap_or(usize::MAX);
        found.sort_by_key(|a| (place(&a.key.use_name), a.key.slot));
        Ok(found)
    }

    /// The stored certificate with this fingerprint.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn stored(&self, fingerprint: &Fingerprint) -> Result<Option<CertificateRow>> {
        match self.state()?.row(&RowKey::Certificate(*fingerprint))? {
            Some(Row::Certificate(row)) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// The parsed certificate of a row.
    ///
    /// # Errors
    /// `BadCertificateFile` where the state is damaged.
    #[expect(clippy::unused_self, reason = "verbs ask the session: they do not know the certificate library")]
    pub(crate) fn certificate_of(&self, row: &CertificateRow) -> Result<Certificate> {
        crate::x509::parse_certificate(&row.der)
    }

    /// The authorities above a stored certificate, nearest first, without the root.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn chain_of(&self, row: &CertificateRow) -> Result<Vec<Certificate>> {
        let mut pool = Vec::new();
        for fingerprint in &row.chain {
            if let Some(row) = self.stored(fingerprint)? {
                pool.push(self.certificate_of(&row)?);
            }
        }
        let leaf = self.certificate_of(row)?;
        let pool = self.with_issuers(&leaf, pool, &[Store::Ca])?;
        let path = crate::x509::build_chain(&leaf, &pool, &[]);
        Ok(path.certificates.into_iter().skip(1).filter(|c| !c.is_self_issued()).collect())
    }

    /// Some certificates, and behind them the stored ones that, by their names, may have issued a leaf, one of them, or
    /// one another: all that can be on a way upward, and nothing of the rest of a big store.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn with_issuers(
        &self,
        leaf: &Certificate,
        mut pool: Vec<Certificate>,
        stores: &[Store],
    ) -> Result<Vec<Certificate>> {
        let state = self.state()?;
        let mut names = vec![leaf.issuer().to_string()];
        let add = |names: &mut Vec<String>, issuer: String| {
            if !names.contains(&issuer) {
                names.push(issuer);
            }
        };
        for certificate in &pool {
            add(&mut names, certificate.issuer().to_string());
        }
        let mut asked = 0;
        while let Some(subject) = names.get(asked).cloned() {
            asked += 1;
            for store in stores {
                let query = CertificateQuery {
                    store: Some(*store),
                    subject: Some(subject.clone()),
                    ..CertificateQuery::default()
                };
                for (_, row) in state.certificates(&query)? {
                    add(&mut names, row.issuer.clone());
                    pool.push(self.certificate_of(&row)?);
                }
            }
        }
        Ok(pool)
    }

    /// Whether the private key of a stored certificate is here.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn has_key(&self, row: &CertificateRow) -> Result<bool> {
        Ok(matches!(
            self.state()?.row(&RowKey::Key(row.key))?,
            Some(Row::Key(key)) if key.quarantined_until.is_none()
        ))
    }
}

/// The stored certificate that a thumbprint names.
///
/// # Errors
/// `CertificateNotFound`, `AmbiguousThumbprint`.
pub(crate) fn find_certificate(
    session: &Session,
    selector: &CertificateSelector,
) -> Result<(Fingerprint, CertificateRow)> {
    let state = session.state()?;
    match selector {
        CertificateSelector::Fingerprint(fingerprint) => match state.row(&RowKey::Certificate(*fingerprint))? {
            Some(Row::Certificate(row)) => Ok((*fingerprint, row)),
            _ => Err(not_found(&selector.to_string())),
        },
        CertificateSelector::Thumbprint(thumbprint) => {
            let query =
                CertificateQuery { thumbprint: Some(*thumbprint), limit: Some(2), ..CertificateQuery::default() };
            let mut found = state.certificates(&query)?;
            match found.len() {
                0 => Err(not_found(&selector.to_string())),
                1 => Ok(found.remove(0)),
                _ => {
                    let names: Vec<String> = found.iter().map(|(f, _)| f.to_string()).collect();
                    Err(Error::new(
                        ErrorId::AmbiguousThumbprint,
                        format!("two stored certificates have the SHA-1 thumbprint `{thumbprint}`"),
                    )
                    .about(thumbprint.to_string())
                    .hint(format!("name one by its SHA-256: {}", names.join(" or "))))
                }
            }
        }
    }
}

fn not_found(name: &str) -> Error {
    Error::new(ErrorId::CertificateNotFound, format!("no stored certificate has the thumbprint `{name}`")).about(name)
}
