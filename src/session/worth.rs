//! Which bindings go with an assignment, and which certificates are not worth going back to.

use super::revocation::Standing;
use super::{Deployment, Session};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, KeyAlgorithm, Slot, UseName};
use crate::state::AssignmentKey;

/// A certificate that ends within a day is not worth going back to.
const WORTH_SECONDS: i64 = 86_400;

impl Session {
    /// What the bindings of a use are to serve when a certificate is assigned to it, or taken away.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, `TopologyInvalid`.
    pub(crate) fn deployments_of(
        &self,
        key: &AssignmentKey,
        certificate: Option<&Certificate>,
    ) -> Result<Vec<Deployment>> {
        let use_name: UseName = key.use_name.parse()?;
        let mut deployments = Vec::new();
        for place in self.places_of(&use_name)? {
            for slot in place.slots() {
                let is_meant = match certificate {
                    Some(certificate) => slot == Slot::Any || slot == family(certificate),
                    None => key.slot == Slot::Any || key.slot == slot,
                };
                if is_meant {
                    deployments.push(Deployment {
                        binding: place.key(slot),
                        use_name: key.use_name.clone(),
                        certificate: certificate.map(Certificate::fingerprint),
                    });
                }
            }
        }
        Ok(deployments)
    }

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

/// The slot of a certificate's kind of key, where a server has two.
fn family(certificate: &Certificate) -> Slot {
    if certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic) { Slot::Ecdsa } else { Slot::Rsa }
}
