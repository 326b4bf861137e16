//! Which certificates are not worth going back to.

use super::Session;
use super::revocation::Standing;
use crate::error::{Error, ErrorId, Result};
use crate::model::Fingerprint;
use crate::state::CertificateRow;

/// A certificate that ends within a day is not worth going back to.
const WORTH_SECONDS: i64 = 86_400;

impl Session {
    /// Why no undo and no recovery goes back to a certificate: it is gone, banned or revoked, has lost its key, or has
    /// ended or ends within a day.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn unworthy(&self, fingerprint: &Fingerprint) -> Result<Option<Error>> {
        if let Some(why) = self.spoiled(fingerprint)? {
            return Ok(Some(why));
        }
        let Some(row) = self.stored(fingerprint)? else { return Ok(None) };
        let end = row.not_after.in_zone(&self.zone());
        if row.not_after < self.now() {
            return Ok(Some(because(&row, ErrorId::CertificateExpired, &format!("ended on {end}"))));
        }
        if row.not_after.since(self.now()) <= WORTH_SECONDS {
            let why = format!("ends on {end}, in less than 24 hours");
            return Ok(Some(because(&row, ErrorId::PolicyRefused, &why)));
        }
        Ok(None)
    }

    /// Why a certificate will not do any more, whatever its dates say: it is gone, banned or revoked, or has lost its key.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn spoiled(&self, fingerprint: &Fingerprint) -> Result<Option<Error>> {
        let Some(row) = self.stored(fingerprint)? else {
            let message = format!("the certificate `{fingerprint}` is not stored any more");
            return Ok(Some(Error::new(ErrorId::CertificateNotFound, message).about(fingerprint.to_string())));
        };
        if let Some(why) = &row.banned {
            return Ok(Some(because(&row, ErrorId::CertificateBanned, &format!("is banned: {why}"))));
        }
        if !self.has_key(&row)? {
            return Ok(Some(because(&row, ErrorId::NoPrivateKey, "has lost its private key")));
        }
        let certificate = self.certificate_of(&row)?;
        // A list that cannot be read is no reason to stay with what does not work.
        if let Ok(Standing::Revoked(at)) = self.standing(&certificate, &self.chain_of(&row)?) {
            let why = format!("was revoked on {}", at.in_zone(&self.zone()));
            return Ok(Some(because(&row, ErrorId::PolicyRefused, &why)));
        }
        Ok(None)
    }
}

fn because(row: &CertificateRow, id: ErrorId, why: &str) -> Error {
    let about = row.thumbprint.to_string();
    Error::new(id, format!("certificate `{about}` {why}")).about(about)
}
