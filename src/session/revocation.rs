//! Whether a certificate was revoked: by the lists that are configured, and by the embedded authority's own database.

use super::Session;
use crate::error::Result;
use crate::model::{Certificate, Moment};
use crate::x509::parse_crl;

/// Database code of a revoked certificate, as AD CS counts.
const REVOKED: u8 = 21;

/// What is known of a certificate's revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was revoked then.
    Revoked(Moment),
    /// A list or database that covers it does not name it.
    Good,
    /// Nobody here can say.
    Unknown,
}

impl Session {
    /// Judges by current revocation lists, signed by the certificate's issuer, and by the embedded authorities.
    ///
    /// # Errors
    /// `StoreUnavailable`, `FileNotFound` for a list that is configured, `BadCertificateFile`.
    pub(crate) fn standing(&self, certificate: &Certificate, chain: &[Certificate]) -> Result<Standing> {
        let mut standing = Standing::Unknown;
        let issuer = certificate.issuer().der();
        for der in self.world().crls()? {
            let list = parse_crl(&der)?;
            let signer = chain.iter().chain(&self.configured_roots()?).find(|c| c.subject().der() == issuer).cloned();
            let Some(signer) = signer.filter(|_| list.issuer().der() == issuer) else { continue };
            let now = self.now();
            let is_current = list.this_update() <= now && list.next_update().is_none_or(|end| end >= now);
            if !is_current || list.check_signature(&signer).is_err() {
                continue;
            }
            match list.is_revoked(certificate.serial()) {
                Some(revocation) => return Ok(Standing::Revoked(revocation.at)),
                None => standing = Standing::Good,
            }
        }
        let serial = certificate.serial().to_string();
        for authority in self.authorities()?.iter().filter(|a| a.is_inside()) {
            let name = authority.config().to_ascii_lowercase();
            for (_, row) in self.state()?.submissions(&name, Some(&serial))? {
                if row.certificate != certificate.der() {
                    continue;
                }
                match row.revoked {
                    Some((at, _)) if row.disposition == REVOKED => return Ok(Standing::Revoked(at)),
                    _ => standing = Standing::Good,
                }
            }
        }
        Ok(standing)
    }

    /// Whether a stored certificate is known to be revoked.
    ///
    /// # Errors
    /// As [`Session::standing`].
    pub(crate) fn is_revoked(&self, certificate: &Certificate, row: &crate::state::CertificateRow) -> Result<bool> {
        let chain = self.chain_of(row)?;
        Ok(matches!(self.standing(certificate, &chain)?, Standing::Revoked(_)))
    }

    fn configured_roots(&self) -> Result<Vec<Certificate>> {
        self.roots(&crate::model::ChainTo::Configured)
    }
}
