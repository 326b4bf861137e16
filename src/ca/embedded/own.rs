//! The authority's own certificate after its birth: asked for elsewhere, installed, renewed with the same key.

use super::settings::Parent;
use super::{Embedded, disposition, policy};
use crate::ca::Context;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, KeyUsage};
use crate::state::{AuthorityRow, CertificateRow, Row, RowKey, Store, Write};
use crate::x509::{
    self, PrivateKey, RequestDetails, Signer, build_authority_request, build_chain, parse_certificate,
    split_certificates,
};

/// The certificates above an authority, nearest first.
pub(super) fn above(row: &AuthorityRow) -> Result<Vec<Certificate>> {
    split_certificates(&row.above)?.into_iter().map(parse_certificate).collect()
}

impl Embedded {
    /// Fails while the authority waits for a certificate that is signed elsewhere.
    ///
    /// # Errors
    /// `CaUnreachable`.
    pub(super) fn check_certified(&self, cx: &Context<'_>) -> Result<()> {
        match self.stored(cx)? {
            Some(row) if row.certificate.is_empty() => Err(self.waits()),
            None if self.settings.parent == Parent::Offline => Err(self.waits()),
            _ => Ok(()),
        }
    }

    pub(super) fn waits(&self) -> Error {
        let config = &self.settings.config;
        Error::new(
            ErrorId::CaUnreachable,
            format!("the authority `{config}` issues nothing yet: it waits for its own certificate from its parent"),
        )
        .about(config)
        .hint(format!("write its request: `Request-CACertificate -CA '{config}' -Output ca.csr`"))
        .hint(format!("install what the parent signed: `Install-CACertificate -CA '{config}' -Path ca.cer`"))
    }

    /// What renews its certificate: the next command to type.
    pub(super) fn renewal(&self) -> String {
        let config = &self.settings.config;
        match self.settings.parent {
            Parent::Itself => format!("`Update-CACertificate -CA '{config}'` renews its certificate with the same key"),
            Parent::Offline => {
                format!("`Request-CACertificate -CA '{config}' -Output ca.csr` asks its parent for a new one")
            }
        }
    }

    pub(super) fn request_own(&self, cx: &Context<'_>, principal: &str) -> Result<(Vec<u8>, Vec<Write>)> {
        self.settings.check_issuer(principal)?;
        if self.settings.parent == Parent::Itself {
            return Err(self.refused("signs its own certificate").hint(self.renewal()).hint(
                "for one that is signed elsewhere say `parent = \"offline\"` in its `[[ca]]` of `certlet.toml`",
            ));
        }
        let mut writes = Vec::new();
        let key = if let Some(row) = self.stored(cx)? {
            cx.keys.open(&row.key)?
        } else {
            let key = PrivateKey::generate(self.settings.key)?;
            let row = AuthorityRow {
                certificate: Vec::new(),
                above: Vec::new(),
                key: key.key_id(),
                next_request_id: self.settings.next_request_id,
                next_crl: 1,
            };
            writes.push(cx.keys.seal(&key, false, cx.now)?);
            writes.push(Write::insert(self.row_key(), Row::Authority(row)));
            key
        };
        let details =
            RequestDetails { subject: self.subject.clone(), purposes: self.purposes(), ..RequestDetails::default() };
        Ok((build_authority_request(&key, &details, &self.limits())?.der().to_vec(), writes))
    }

    pub(super) fn install_own(
        &self,
        cx: &Context<'_>,
        principal: &str,
        found: &[Certificate],
        roots: &[Certificate],
    ) -> Result<(Vec<Certificate>, Vec<Write>)> {
        self.settings.check_issuer(principal)?;
        if self.settings.parent == Parent::Itself {
            return Err(self.refused("signs its own certificate").hint(self.renewal()));
        }
        let Some(old) = self.stored(cx)? else { return Err(self.waits()) };
        let mine = found.iter().filter(|c| c.key_id() == old.key).max_by_key(|c| c.not_before());
        let Some(certificate) = mine else {
            return Err(Error::new(
                ErrorId::KeyMismatch,
                format!(
                    "none of the {} certificates is for the key of the authority `{}`",
                    found.len(),
                    self.settings.config
                ),
            )
            .about(&self.settings.config)
            .hint(self.renewal()));
        };
        self.check_own(cx, certificate)?;
        let mut known = roots.to_vec();
        known.extend(found.iter().filter(|c| c.is_self_issued() && c.is_ca()).cloned());
        let path = build_chain(certificate, found, &known);
        if !path.complete {
            let last = path.certificates.last().unwrap_or(certificate);
            return Err(Error::new(
                ErrorId::UntrustedChain,
                format!("the issuer of `{}` is not at hand: `{}`", last.short_name(), last.issuer()),
            )
            .about(certificate.thumbprint().to_string())
            .hint("put the certificates above it into the same file, up to the root")
            .hint("or add the root to `[trust] roots` in `certlet.toml`"));
        }
        for (issuer, depth) in path.certificates.iter().skip(1).zip(0_u32..) {
            let signs = issuer.key_usage().is_none_or(|usage| usage.contains(KeyUsage::CERT_SIGN));
            if !issuer.is_ca() || !signs || issuer.path_len().is_some_and(|most| depth >= most) {
                let text = format!("`{}` may have no authority like this below it", issuer.short_name());
                return Err(Error::new(ErrorId::UntrustedChain, text).about(issuer.thumbprint().to_string()));
            }
            if !issuer.is_valid_at(cx.now) {
                let text = format!(
                    "`{}`, above the authority, is valid from {} to {} only",
                    issuer.short_name(),
                    issuer.not_before(),
                    issuer.not_after()
                );
                return Err(Error::new(ErrorId::UntrustedChain, text).about(issuer.thumbprint().to_string()));
            }
        }
        let origin = format!("authority {}", self.settings.config);
        let mut writes = Vec::new();
        for one in &path.certificates {
            let store = if one.is_self_issued() { Store::Root } else { Store::Ca };
            let row = CertificateRow::of(one, store, &origin, cx.now);
            let key = RowKey::Certificate(one.fingerprint());
            if cx.state.row(&key)?.is_none() {
                writes.push(Write::put(key, Row::Certificate(row)));
            }
        }
        let above: Vec<u8> = path.certificates[1..].iter().flat_map(|c| c.der().iter().copied()).collect();
        let row = AuthorityRow { certificate: certificate.der().to_vec(), above, ..old.clone() };
        if row != old {
            writes.push(Write::replace(self.row_key(), Some(Row::Authority(old)), Some(Row::Authority(row))));
        }
        Ok((path.certificates, writes))
    }

    /// What the authority's own certificate must be, whoever signed it.
    fn check_own(&self, cx: &Context<'_>, certificate: &Certificate) -> Result<()> {
        let thumbprint = certificate.thumbprint().to_string();
        let refused = |id: ErrorId, text: String| {
            Err(Error::new(id, format!("the certificate `{thumbprint}` is not installed: {text}")).about(&thumbprint))
        };
        if !certificate.is_ca() || certificate.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::CERT_SIGN)) {
            return refused(ErrorId::BadCertificateFile, "it may not sign certificates".to_owned());
        }
        if self.settings.crl.is_some() && certificate.key_usage().is_some_and(|u| !u.contains(KeyUsage::CRL_SIGN)) {
            return refused(
                ErrorId::BadCertificateFile,
                "it may not sign revocation lists, and this authority publishes such".to_owned(),
            );
        }
        if certificate.subject().rdns() != self.subject {
            let wanted = &self.settings.subject;
            return refused(
                ErrorId::InvalidName,
                format!("it is for `{}`, and the authority's subject is `{wanted}`", certificate.subject()),
            );
        }
        if certificate.not_before() > cx.now {
            return refused(ErrorId::CertificateNotYetValid, format!("it begins at {}", certificate.not_before()));
        }
        if certificate.not_after() < cx.now {
            return refused(ErrorId::CertificateExpired, format!("it ended at {}", certificate.not_after()));
        }
        Ok(())
    }

    pub(super) fn renew_own(
        &self,
        cx: &Context<'_>,
        principal: &str,
        force: bool,
    ) -> Result<(Certificate, Vec<Write>)> {
        self.settings.check_issuer(principal)?;
        if self.settings.parent == Parent::Offline {
            return Err(self.refused("has its certificate signed elsewhere").hint(self.renewal()));
        }
        let standing = self.stand(cx)?;
        let certificate = x509::self_signed(&standing.ca.key, &self.profile(cx))?;
        if !force {
            self.check_still_covered(cx, &certificate)?;
        }
        let origin = format!("authority {}", self.settings.config);
        let root = CertificateRow::of(&certificate, Store::Root, &origin, cx.now);
        let mut writes = standing.birth;
        writes.push(Write::put(RowKey::Certificate(certificate.fingerprint()), Row::Certificate(root)));
        let row = AuthorityRow { certificate: certificate.der().to_vec(), ..standing.row };
        writes.push(Write::replace(self.row_key(), standing.old.map(Row::Authority), Some(Row::Authority(row))));
        Ok((certificate, writes))
    }

    /// Refuses constraints that would make certificates fail which are out there and good.
    fn check_still_covered(&self, cx: &Context<'_>, renewed: &Certificate) -> Result<()> {
        let Some(space) = x509::name_space(renewed)? else { return Ok(()) };
        let mut outside: Vec<String> = Vec::new();
        for (_, row) in cx.state.submissions(&self.row, None)? {
            if row.disposition != disposition::ISSUED {
                continue;
            }
            let certificate = parse_certificate(&row.certificate)?;
            if certificate.not_after() < cx.now || certificate.is_ca() {
                continue;
            }
            for name in policy::certified_names(&certificate).iter().filter(|name| !space.permits(name)) {
                let name = format!("`{name}`");
                if !outside.contains(&name) {
                    outside.push(name);
                }
            }
        }
        if outside.is_empty() {
            return Ok(());
        }
        Err(self
            .refused(&format!(
                "has issued certificates that still run for names that the topology no longer holds: {}",
                outside.join(", ")
            ))
            .hint("put the domains back into the topology until those certificates have ended")
            .hint("or revoke them (`Revoke-Certificate`); `-Force` renews all the same, and they fail at every client"))
    }

    fn refused(&self, why: &str) -> Error {
        let config = &self.settings.config;
        Error::new(ErrorId::PolicyRefused, format!("the authority `{config}` {why}")).about(config)
    }
}
