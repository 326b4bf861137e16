//! Makes the authorities and their templates from what `certlet.toml` says of them.

use std::sync::Arc;
#[cfg(feature = "adcs")]
use std::time::Duration;

#[cfg(any(feature = "acme", feature = "adcs"))]
use super::trust::{certificates_in, configured_roots};
use super::{Home, fetch};
#[cfg(feature = "acme")]
use super::{sites::CHILD_LIMIT, trust::system_roots};
#[cfg(feature = "acme")]
use crate::ca::{Acme, AcmeLimits, AcmeMethod, AcmeSettings, DnsMethod};
#[cfg(feature = "adcs")]
use crate::ca::{Adcs, AdcsSettings, LogOn};
use crate::ca::{
    Approval, Authority, Down, Embedded, EmbeddedSettings, Parent, Permissions, Publication, Right, SecretResolver,
    SubjectSource, Template,
};
#[cfg(feature = "adcs")]
use crate::config::AdcsAuth;
#[cfg(feature = "acme")]
use crate::config::{AcmeAuthority, AcmeChallenge};
use crate::config::{
    AdcsAuthority, AuthorityClass, AuthorityKind, AuthoritySettings, Configuration, EmbeddedAuthority,
    TemplateApproval, TemplateSettings, TemplateSubject,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{KeyAlgorithm, Purpose};
#[cfg(feature = "acme")]
use crate::servers::Children;

/// How long one request to an authority across a wire may take.
#[cfg(feature = "adcs")]
const WIRE_LIMIT: Duration = Duration::from_secs(30);

impl Home {
    pub(super) fn make_authority(
        &self,
        settings: &AuthoritySettings,
        configuration: &Configuration,
    ) -> Result<Arc<dyn Authority>> {
        let config = settings.name.as_str().to_owned();
        Ok(match &settings.kind {
            AuthorityKind::Embedded(embedded) => {
                Arc::new(Embedded::new(self.embedded(config, settings, embedded, configuration)?)?)
            }
            AuthorityKind::Down => Arc::new(Down::new(config)),
            #[cfg(feature = "acme")]
            AuthorityKind::Acme(acme) => Arc::new(Acme::new(self.acme(config, settings, acme)?)),
            #[cfg(not(feature = "acme"))]
            AuthorityKind::Acme(_) => Arc::new(Down::because(config, "ACME authorities are not part of this build")),
            AuthorityKind::Adcs(adcs) => self.adcs(config, settings, adcs)?,
        })
    }

    #[cfg(feature = "adcs")]
    fn adcs(&self, config: String, settings: &AuthoritySettings, adcs: &AdcsAuthority) -> Result<Arc<dyn Authority>> {
        let log_on = match adcs.auth {
            AdcsAuth::Basic => LogOn::Basic,
            #[cfg(feature = "ntlm")]
            AdcsAuth::Ntlm => LogOn::Ntlm,
            #[cfg(not(feature = "ntlm"))]
            AdcsAuth::Ntlm => return Ok(Arc::new(Down::because(config, "NTLM is not part of this build"))),
        };
        let (configuration, own) = (self.configuration()?, adcs.roots.clone());
        let account = adcs.account.as_ref().map(|(user, source)| {
            let (source, secrets) = (source.clone(), Arc::clone(&self.options.secrets));
            (user.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
        });
        Ok(Arc::new(Adcs::new(AdcsSettings {
            config,
            is_public: settings.class == AuthorityClass::Public,
            url: adcs.url.clone(),
            roots: Arc::new(move || {
                let mut roots = configured_roots(&configuration)?;
                for path in &own {
                    roots.extend(certificates_in(path)?);
                }
                Ok(roots)
            }),
            log_on,
            account,
            limit: WIRE_LIMIT,
        })?))
    }

    #[cfg(not(feature = "adcs"))]
    #[expect(clippy::unused_self, reason = "the same call whether it is built in or not")]
    fn adcs(&self, config: String, _: &AuthoritySettings, _: &AdcsAuthority) -> Result<Arc<dyn Authority>> {
        Ok(Arc::new(Down::because(config, "AD CS authorities are not part of this build")))
    }

    #[cfg(feature = "acme")]
    fn acme(&self, config: String, settings: &AuthoritySettings, acme: &AcmeAuthority) -> Result<AcmeSettings> {
        let is_public = settings.class == AuthorityClass::Public;
        let (configuration, own) = (self.configuration()?, acme.roots.clone());
        let challenge = match &acme.challenge {
            AcmeChallenge::HttpListen(address) => AcmeMethod::HttpListen(address.clone()),
            AcmeChallenge::HttpWebroot(root) => AcmeMethod::HttpWebroot(root.clone()),
            AcmeChallenge::TlsAlpn(address) => AcmeMethod::TlsAlpn(address.clone()),
            AcmeChallenge::Dns { set, clear, resolver, wait } => {
                // A record that is being set is not cut short: the time limit bounds it.
                let children = Children::new(CHILD_LIMIT, Arc::new(|| false));
                AcmeMethod::Dns(DnsMethod {
                    set: set.clone(),
                    clear: clear.clone(),
                    run: Arc::new(move |words| children.run(words)),
                    resolver: *resolver,
                    wait: *wait,
                })
            }
        };
        let default = if is_public { AcmeLimits::PUBLIC } else { AcmeLimits::NONE };
        let limit = |own: Option<u32>, default| own.map_or(default, |n| Some(n).filter(|n| *n > 0));
        Ok(AcmeSettings {
            config,
            is_public,
            directory: acme.directory.clone(),
            roots: Arc::new(move || {
                let mut roots = configured_roots(&configuration)?;
                for path in &own {
                    roots.extend(certificates_in(path)?);
                }
                // Public authorities are trusted as the operating system trusts them, unless their roots are named.
                if is_public && own.is_empty() && !configuration.trust.system {
                    roots.extend(system_roots()?);
                }
                Ok(roots)
            }),
            contact: acme.contact.clone(),
            challenge,
            external_account: acme.external_account.as_ref().map(|account| {
                let (source, secrets) = (account.hmac.clone(), Arc::clone(&self.options.secrets));
                (account.key_id.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
            }),
            preferred_chain: acme.preferred_chain.clone(),
            profile: acme.profile.clone(),
            limits: AcmeLimits {
                duplicates_per_week: limit(acme.limits.duplicates_per_week, default.duplicates_per_week),
                failures_per_hour: limit(acme.limits.failures_per_hour, default.failures_per_hour),
                orders_per_3h: limit(acme.limits.orders_per_3h, default.orders_per_3h),
            },
            permissions: settings.permissions.as_ref().map(rights),
        })
    }

    /// The first embedded authority of the configuration.
    ///
    /// # Errors
    /// `ConfigInvalid` where there is none.
    pub(in crate::config) fn first_embedded(&self) -> Result<Embedded> {
        let configuration = self.configuration()?;
        for settings in &configuration.authorities {
            if let AuthorityKind::Embedded(embedded) = &settings.kind {
                let config = settings.name.as_str().to_owned();
                return Embedded::new(self.embedded(config, settings, embedded, &configuration)?);
            }
        }
        Err(Error::new(ErrorId::ConfigInvalid, "no embedded authority is declared"))
    }

    fn embedded(
        &self,
        config: String,
        settings: &AuthoritySettings,
        embedded: &EmbeddedAuthority,
        configuration: &Configuration,
    ) -> Result<EmbeddedSettings> {
        let suffixes = configuration.topology.suffixes();
        let mut permitted: Vec<String> = suffixes.iter().map(ToString::to_string).collect();
        permitted.extend(configuration.topology.computers().map(|c| c.first_label().to_owned()));
        let accounts = embedded.accounts.iter().map(|(name, source)| {
            let (source, secrets) = (source.clone(), Arc::clone(&self.options.secrets));
            (name.clone(), SecretResolver::new(move || fetch(&source, &*secrets)))
        });
        Ok(EmbeddedSettings {
            config,
            subject: embedded.subject.clone(),
            key: KeyAlgorithm::named(&embedded.key_algorithm, embedded.key_size)?,
            validity_days: embedded.validity_days,
            next_request_id: u32::try_from(embedded.next_request_id).unwrap_or(1),
            unconstrained: embedded.unconstrained || settings.class == AuthorityClass::Public,
            permitted,
            permissions: settings.permissions.as_ref().map(rights),
            administrators: self.administrators(configuration),
            accounts: accounts.collect(),
            templates: embedded.templates.iter().map(template).collect(),
            parent: if embedded.offline_parent { Parent::Offline } else { Parent::Itself },
            crl: embedded.crl.as_ref().map(|crl| Publication {
                url: crl.url.clone(),
                file: crl.file.clone(),
                days: crl.days,
                overlap_hours: crl.overlap_hours,
            }),
        })
    }
}

fn rights(settings: &crate::config::Permissions) -> Permissions {
    let right = |r: &crate::config::Right| match r {
        crate::config::Right::Read => Right::Read,
        crate::config::Right::Enroll => Right::Enroll,
        crate::config::Right::Issue => Right::Issue,
    };
    settings.iter().map(|(who, rights)| (who.clone(), rights.iter().map(right).collect())).collect()
}

fn template(settings: &TemplateSettings) -> Template {
    Template {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        minimum_key_size: settings.minimum_key_size,
        purposes: settings.eku.iter().map(|oid| Purpose::from_oid(oid)).collect(),
        subject: match settings.subject {
            TemplateSubject::Request => SubjectSource::Request,
            TemplateSubject::Directory => SubjectSource::Directory,
        },
        exportable: settings.exportable,
        deploy: settings.deploy,
        approval: match settings.approval {
            TemplateApproval::Automatic => Approval::Automatic,
            TemplateApproval::Manager => Approval::Manager,
        },
        validity_days: settings.validity_days,
        permissions: settings.permissions.as_ref().map(rights),
        authority: settings.authority,
    }
}
