//! How an embedded authority comes into being: constrained from the first day, its key sealed.

use std::sync::Arc;

use super::policy::BACKDATED_SECONDS;
use super::{Embedded, Opened, Standing};
use crate::ca::Context;
use crate::error::Result;
use crate::model::{AlternativeName, Purpose};
use crate::state::{AuthorityRow, CertificateRow, Row, RowKey, Store, Write};
use crate::x509::{self, AuthorityProfile, NameConstraints, PrivateKey, Profile, Signer};

impl Embedded {
    /// The rows of the authority before its first request, for whoever wants it to exist at once; none where it does.
    ///
    /// Key and certificate are new: path length 0, the usages of the templates, and critical name constraints unless
    /// they are lifted. The certificate also goes among the trusted roots of this state, never into the operating
    /// system's.
    ///
    /// # Errors
    /// Those of the key store; `ParameterArgumentValidationError` for a size of key that cannot be made.
    pub fn create(&self, cx: &Context<'_>) -> Result<Vec<Write>> {
        if self.stored(cx)?.is_some() {
            return Ok(Vec::new());
        }
        let Standing { row, mut birth, .. } = self.bear(cx)?;
        birth.push(Write::insert(self.row_key(), Row::Authority(row)));
        Ok(birth)
    }

    pub(super) fn bear(&self, cx: &Context<'_>) -> Result<Standing> {
        let key = PrivateKey::generate(self.settings.key)?;
        let constraints =
            (!self.settings.unconstrained).then(|| NameConstraints { dns: self.suffixes(), networks: Vec::new() });
        let mut profile = Profile::authority(
            cx.now.plus_seconds(-BACKDATED_SECONDS),
            cx.now.plus_days(self.settings.validity_days.into()),
            AuthorityProfile { path_len: Some(0), constraints },
        );
        profile.subject = Some(self.subject.clone());
        profile.purposes = self.purposes();
        let certificate = x509::self_signed(&key, &profile)?;

        let origin = format!("authority {}", self.settings.config);
        let root = CertificateRow::of(&certificate, Store::Root, &origin, cx.now);
        let birth = vec![
            cx.keys.seal(&key, false, cx.now)?,
            Write::put(RowKey::Certificate(certificate.fingerprint()), Row::Certificate(root)),
        ];
        let row = AuthorityRow {
            certificate: certificate.der().to_vec(),
            key: key.key_id(),
            next_request_id: self.settings.next_request_id,
            next_crl: 1,
        };
        let space = x509::name_space(&certificate)?;
        Ok(Standing { old: None, row, ca: Arc::new(Opened { certificate, key, space }), birth })
    }

    /// What an operator is to be warned of at each use: no constraints, or names of the topology outside them.
    pub(super) fn cautions(&self, cx: &Context<'_>) -> Result<Vec<String>> {
        let config = &self.settings.config;
        let unconstrained =
            format!("the authority `{config}` has no name constraints: whoever trusts it trusts it for every name");
        let Some(certificate) = self.stored(cx)?.map(|row| x509::parse_certificate(&row.certificate)).transpose()?
        else {
            return Ok(if self.settings.unconstrained { vec![unconstrained] } else { Vec::new() });
        };
        let Some(space) = x509::name_space(&certificate)? else { return Ok(vec![unconstrained]) };
        if self.settings.unconstrained {
            return Ok(vec![format!(
                "`unconstrained = true` has no effect on the authority `{config}`: it was born constrained to {space}"
            )]);
        }
        let outside: Vec<String> = self
            .suffixes()
            .into_iter()
            .filter(|suffix| !space.permits(&AlternativeName::Dns(suffix.clone())))
            .map(|suffix| format!("`{suffix}`"))
            .collect();
        if outside.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "the authority `{config}` was born before the topology named {}: it cannot certify them; declare a new authority under another `config`",
            outside.join(", ")
        )])
    }

    /// The permitted suffixes in lower case, without those that another one covers.
    fn suffixes(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.settings.permitted.iter().map(|s| s.trim_start_matches('.').to_ascii_lowercase()).collect();
        all.sort_by_key(String::len);
        let mut kept: Vec<String> = Vec::new();
        for suffix in all {
            let is_below =
                |above: &String| suffix.strip_suffix(above.as_str()).is_some_and(|s| s.is_empty() || s.ends_with('.'));
            if !suffix.is_empty() && !kept.iter().any(is_below) {
                kept.push(suffix);
            }
        }
        kept
    }

    /// Every usage that a template grants.
    fn purposes(&self) -> Vec<Purpose> {
        let mut purposes = Vec::new();
        for purpose in self.settings.templates.iter().flat_map(|t| &t.purposes) {
            if !purposes.contains(purpose) {
                purposes.push(purpose.clone());
            }
        }
        purposes
    }
}
