//! Who may do what: accounts, rights at the authority, rights at a template.

use sha2::{Digest, Sha256};

use super::settings::{Approval, DEFAULT_TEMPLATE, EmbeddedSettings, Permissions, Right, SubjectSource, Template};
use crate::ca::TemplateFacts;
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyAlgorithm, Secret, nearest};

impl EmbeddedSettings {
    /// Who asks: the account, once its password is right, else the requester; then its rights to read and to enroll.
    pub(super) fn admit(&self, requester: &str, account: Option<&(String, Secret)>) -> Result<String> {
        let principal = match account {
            None => requester,
            Some((account, password)) => {
                self.check_password(account, password)?;
                account
            }
        };
        if !self.may(principal, Right::Read) {
            return Err(self.denied(principal, "may not even see", "0x80070005"));
        }
        if !self.may(principal, Right::Enroll) {
            return Err(self.denied(principal, "may not request certificates at", "0x80094011"));
        }
        Ok(principal.to_owned())
    }

    /// Whether a principal has a right at the authority itself.
    pub(super) fn may(&self, principal: &str, right: Right) -> bool {
        match &self.permissions {
            Some(permissions) => holds(permissions, principal, right),
            None => self.administrators.iter().any(|name| is_same(name, principal)),
        }
    }

    /// Checks the right to see the authority and its database.
    pub(super) fn check_reader(&self, principal: &str) -> Result<()> {
        if self.may(principal, Right::Read) {
            return Ok(());
        }
        Err(self
            .denied(principal, "may not even see", "0x80070005")
            .hint("`permissions` of the authority in `certlet.toml` gives the right `Read`"))
    }

    /// Checks the right to decide about requests.
    pub(super) fn check_issuer(&self, principal: &str) -> Result<()> {
        if self.may(principal, Right::Issue) {
            return Ok(());
        }
        Err(self
            .denied(principal, "may not issue and manage certificates at", "0x80070005")
            .hint("`permissions` of the authority in `certlet.toml` gives the right `Issue`"))
    }

    /// The template of a request, which the principal may enroll for; an empty name is the authority's choice.
    pub(super) fn template_for(&self, principal: &str, name: &str) -> Result<&Template> {
        let template = self.template(name)?;
        if template.admits(principal) {
            return Ok(template);
        }
        Err(Error::new(
            ErrorId::TemplateAccessDenied,
            format!("`{principal}` may not enroll for the template `{}` (0x80094012)", template.name),
        )
        .about(&template.name)
        .hint(
            self.offer("`Read` and `Enroll` at the template are needed; you may use", |other| other.admits(principal)),
        ))
    }

    /// A published template by its name.
    pub(super) fn template(&self, name: &str) -> Result<&Template> {
        let find = |name: &str| self.templates.iter().find(|t| is_same(&t.name, name));
        let found = match name {
            "" => find(DEFAULT_TEMPLATE).or_else(|| self.templates.first()),
            name => find(name),
        };
        found.ok_or_else(|| {
            let error = Error::new(
                ErrorId::TemplateNotFound,
                format!("the authority `{}` does not publish a template `{name}` (0x80094800)", self.config),
            )
            .about(name);
            if let Some(shown) = self.templates.iter().find(|t| is_same(&t.display_name, name)) {
                return error.hint(format!("that is what dialogs show: its name is `{}`", shown.name));
            }
            let error = match nearest(name, self.templates.iter().map(|t| t.name.as_str())) {
                Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                None => error,
            };
            error.hint(self.offer("published are", |_| true))
        })
    }

    /// Checks what a template demands of a key.
    pub(super) fn check_key(&self, template: &Template, key: KeyAlgorithm, exportable: bool) -> Result<()> {
        if let KeyAlgorithm::Rsa(bits) = key
            && bits < template.minimum_key_size
        {
            let least = template.minimum_key_size;
            return Err(Error::new(
                ErrorId::KeyTooSmall,
                format!(
                    "the template `{}` wants at least {least} bits, the key has {bits} (0x80094811)",
                    template.name
                ),
            )
            .about(bits.to_string())
            .hint(format!("give `-KeySize {least}`, or an elliptic key: `-KeyAlg ECDH_P256`")));
        }
        if exportable && !template.exportable {
            return Err(Error::new(
                ErrorId::RequestDenied,
                format!("the template `{}` does not let the private key be exported (0x80094802)", template.name),
            )
            .about(&template.name)
            .hint(self.offer("leave out `-PrivateKeyExportable`; templates that allow it", |other| other.exportable)));
        }
        Ok(())
    }

    fn check_password(&self, account: &str, password: &Secret) -> Result<()> {
        // One text for both faults, so that nobody learns which accounts there are.
        let wrong = || {
            Error::new(
                ErrorId::CaAccessDenied,
                format!("the authority `{}` knows no account `{account}` with this password (0x80070005)", self.config),
            )
            .about(account)
            .hint(
                "`accounts` of the authority in `certlet.toml` names the accounts for `-CaAccount` and their passwords",
            )
        };
        let (_, resolver) = self.accounts.iter().find(|(name, _)| is_same(name, account)).ok_or_else(wrong)?;
        let known = resolver.resolve()?;
        // Digests are compared, so that the time taken tells nothing about the password.
        let same = Sha256::digest(known.expose().as_bytes()) == Sha256::digest(password.expose().as_bytes());
        if same && !known.is_empty() { Ok(()) } else { Err(wrong()) }
    }

    fn denied(&self, principal: &str, verb: &str, code: &str) -> Error {
        Error::new(ErrorId::CaAccessDenied, format!("`{principal}` {verb} the authority `{}` ({code})", self.config))
            .about(&self.config)
    }

    fn offer(&self, words: &str, fits: impl Fn(&Template) -> bool) -> String {
        let names: Vec<String> = self.templates.iter().filter(|t| fits(t)).map(|t| format!("`{}`", t.name)).collect();
        if names.is_empty() { format!("{words} none") } else { format!("{words} {}", names.join(", ")) }
    }
}

impl Template {
    /// Whether a principal that may enroll at the authority may enroll for this.
    pub(super) fn admits(&self, principal: &str) -> bool {
        let holds = |given: &Permissions, right| holds(given, principal, right);
        self.permissions.as_ref().is_none_or(|given| holds(given, Right::Read) && holds(given, Right::Enroll))
    }

    /// What operators see of it.
    pub(super) fn facts(&self) -> TemplateFacts {
        TemplateFacts {
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            minimum_key_size: self.minimum_key_size,
            purposes: self.purposes.iter().map(|purpose| purpose.oid().to_owned()).collect(),
            subject_from_directory: self.subject == SubjectSource::Directory,
            exportable: self.exportable,
            deploy: self.deploy,
            needs_approval: self.approval == Approval::Manager,
            validity_days: self.validity_days,
            authority: self.authority,
        }
    }
}

/// Windows compares principals and template names without case.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn holds(permissions: &Permissions, principal: &str, right: Right) -> bool {
    permissions.iter().any(|(name, rights)| is_same(name, principal) && rights.contains(&right))
}
