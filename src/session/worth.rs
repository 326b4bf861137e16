//! Which certificates are not worth going back to.

use super::Session;
use super::revocation::Standing;
use crate::error::{Error, ErrorId, Result};
use crate::model::Fingerprint;

/// A certificate that ends within a day is not worth going back to.
const WORTH_SECONDS: i64 = 86_400;

impl Session {
    /// Why no undo and no recovery goes back to a certificate: it is gone, banned or revoked, has lost its key, or has
    /// ended or ends within a day.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn unworthy(&self, fingerprint: &Fingerprint) -> Result<Option<Error>> {
        let Some(row) = self.stored(fingerprint)? else {
            let message = format!("the certificate `{fingerprint}` is not stored any more");
            return Ok(Some(Error::new(ErrorId::CertificateNotFound, message).about(fingerprint.to_string())));
        };
        let about = row.thumbprint.to_string();
        let because = |id: ErrorId, why: String| {
            Ok(Some(Error::new(id, format!("certificate `{about}` {why}")).about(about.clone())))
        };
        if let Some(why) = &row.banned {
            return because(ErrorId::CertificateBanned, format!("is banned: {why}"));
        }
        if !self.has_key(&row)? {
            return because(ErrorId::NoPrivateKey, "has lost its private key".to_owned());
        }
        let end = row.not_after.in_zone(&self.zone());
        if row.not_after < self.now() {
            return because(ErrorId::CertificateExpired, format!("ended on {end}"));
        }
        if row.not_after.since(self.now()) <= WORTH_SECONDS {
            return because(ErrorId::PolicyRefused, format!("ends on {end}, in less than 24 hours"));
        }
        let certificate = self.certificate_of(&row)?;
        // A list that cannot be read is no reason to stay with what does not work.
        if let Ok(Standing::Revoked(at)) = self.standing(&certificate, &self.chain_of(&row)?) {
            return because(ErrorId::PolicyRefused, format!("was revoked on {}", at.in_zone(&self.zone())));
        }
        Ok(None)
    }
}
