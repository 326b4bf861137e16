//! How an embedded authority comes into being: constrained from the first day, its key sealed.

use std::sync::Arc;

use super::policy::BACKDATED_SECONDS;
use super::{Embedded, Opened, Standing};
use crate::ca::{Authority, Context};
use crate::error::Result;
use crate::model::{AlternativeName, Purpose};
use crate::state::{AuthorityRow, CertificateRow, Row, RowKey, Store, Write};
use crate::x509::{self, AuthorityProfile, NameConstraints, NameSpace, PrivateKey, Profile, Signer};

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
        let certificate = x509::self_signed(&key, &self.profile(cx))?;

        let origin = format!("authority {}", self.settings.config);
        let root = CertificateRow::of(&certificate, Store::Root, &origin, cx.now);
        let birth = vec![
            cx.keys.seal(&key, false, cx.now)?,
            Write::put(RowKey::Certificate(certificate.fingerprint()), Row::Certificate(root)),
        ];
        let row = AuthorityRow {
            certificate: certificate.der().to_vec(),
            above: Vec::new(),
            key: key.key_id(),
            next_request_id: self.settings.next_request_id,
            next_crl: 1,
        };
        let ca = Arc::new(Opened::of(certificate, Vec::new(), key)?);
        Ok(Standing { old: None, row, ca, birth })
    }

    /// What a root of this declaration says of itself.
    pub(super) fn profile(&self, cx: &Context<'_>) -> Profile {
        let mut profile = Profile::authority(
            cx.now.plus_seconds(-BACKDATED_SECONDS),
            cx.now.plus_days(self.settings.validity_days.into()),
            self.limits(),
        );
        profile.subject = Some(self.subject.clone());
        profile.purposes = self.purposes();
        profile
    }

    /// What it limits itself to: the topology's names, and no authority below unless a template makes such.
    pub(super) fn limits(&self) -> AuthorityProfile {
        let path_len = Some(u8::from(self.settings.templates.iter().any(|template| template.authority)));
        let constraints =
            (!self.settings.unconstrained).then(|| NameConstraints { dns: self.suffixes(), networks: Vec::new() });
        AuthorityProfile { path_len, constraints }
    }

    /// What an operator is to be warned of at each use: no constraints, or names of the topology outside them.
    pub(super) fn cautions(&self, cx: &Context<'_>) -> Result<Vec<String>> {
        let config = &self.settings.config;
        let unconstrained =
            format!("the authority `{config}` has no name constraints: whoever trusts it trusts it for every name");
        let chain = self.chain(cx)?;
        let Some(certificate) = chain.first() else {
            return Ok(if self.settings.unconstrained { vec![unconstrained] } else { Vec::new() });
        };
        let spaces = self.spaces(cx)?;
        let Some(space) = spaces.first() else { return Ok(vec![unconstrained]) };
        let mut cautions = Vec::new();
        if self.settings.unconstrained {
            cautions.push(format!(
                "`unconstrained = true` has no effect on the authority `{config}`: it was born constrained to {space}; {}",
                self.renewal()
            ));
        }
        let mut outside: Vec<String> = if self.settings.unconstrained { Vec::new() } else { self.suffixes() };
        outside.retain(|suffix| !spaces.iter().all(|space| space.permits(&AlternativeName::Dns(suffix.clone()))));
        if !outside.is_empty() {
            let names: Vec<String> = outside.iter().map(|suffix| format!("`{suffix}`")).collect();
            cautions.push(format!(
                "the authority `{config}` was made before the topology named {}: it cannot certify them; {}",
                names.join(", "),
                self.renewal()
            ));
        }
        let is_narrow = |t: &&super::Template| t.authority && certificate.path_len() == Some(0);
        if let Some(template) = self.settings.templates.iter().find(is_narrow) {
            cautions.push(format!(
                "the authority `{config}` may have no authority below it, and the template `{}` makes such; {}",
                template.name,
                self.renewal()
            ));
        }
        Ok(cautions)
    }

    /// What the authority and those above it may certify, or will when it is born; a name must lie inside each.
    pub(super) fn spaces(&self, cx: &Context<'_>) -> Result<Vec<NameSpace>> {
        let chain = self.chain(cx)?;
        if chain.is_empty() {
            return self.limits().constraints.iter().map(NameSpace::of).collect();
        }
        let spaces = chain.iter().map(x509::name_space).collect::<Result<Vec<_>>>()?;
        Ok(spaces.into_iter().flatten().collect())
    }

    /// The permitted suffixes in lower case, without those that another one covers.
    pub(super) fn suffixes(&self) -> Vec<String> {
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
    pub(super) fn purposes(&self) -> Vec<Purpose> {
        let mut purposes = Vec::new();
        for purpose in self.settings.templates.iter().flat_map(|t| &t.purposes) {
            if !purposes.contains(purpose) {
                purposes.push(purpose.clone());
            }
        }
        purposes
    }
}
