//! Authorities that speak ACME (RFC 8555), with renewal information (RFC 9773) and profiles.

#[cfg(test)]
mod a2c_tests;
mod account;
mod challenge;
mod examine;
#[cfg(test)]
mod hostile_tests;
mod jose;
mod ledger;
mod memory;
mod order;
mod public;
mod renewal;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod scripted_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use challenge::{AcmeMethod, DnsMethod, RunCommand};
pub use ledger::AcmeLimits;

use self::account::Account;
use self::jose::{From, base64url};
use self::ledger::Ledger;
use self::order::{Step, Ticket};
use self::wire::{Call, Failure, Wire};
use super::http::{Client, interrupted};
use super::{
    Answer, Authority, Context, Finding, Inquiry, Permissions, RenewalWindow, Right, SecretResolver, Submission,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;
use serde_json::json;

/// How long one request to the server may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How long a directory is believed.
const DIRECTORY_AGE: Duration = Duration::from_secs(600);
/// How long the authority's look at the challenges is waited for in one step.
const PATIENCE: Duration = Duration::from_secs(240);
/// The template that requests name when the operator names none: it means no profile.
const NO_TEMPLATE: &str = "WebServer";

/// Gives the roots of the server's own TLS when they are first needed.
pub type RootSource = Arc<dyn Fn() -> Result<Vec<Certificate>> + Send + Sync>;

/// What an ACME authority is told.
#[derive(Clone)]
pub struct AcmeSettings {
    /// `host\instance`.
    pub config: String,
    /// Whether its certificates are for everybody's clients.
    pub is_public: bool,
    /// The directory's address, `https://…`.
    pub directory: String,
    /// Whom the server's own TLS may end at.
    pub roots: RootSource,
    /// Contact addresses, `mailto:…`.
    pub contact: Vec<String>,
    /// How control over a name is shown.
    pub challenge: AcmeMethod,
    /// The account elsewhere that the ACME account belongs to: the key's id, and the key in base64url.
    pub external_account: Option<(String, SecretResolver)>,
    /// The common name of the topmost issuer of the chain that is preferred.
    pub preferred_chain: Option<String>,
    /// The certificate profile, among those that the server advertises.
    pub profile: Option<String>,
    /// How many requests it takes before it would refuse.
    pub limits: AcmeLimits,
    /// Who may ask there; absent: whoever may change this computer.
    pub permissions: Option<Permissions>,
}

impl AcmeSettings {
    fn ledger(&self) -> Ledger<'_> {
        Ledger { authority: &self.config, limits: self.limits }
    }
}

/// An authority that speaks ACME.
///
/// Every answer comes from blocking sockets and threads: it can be asked inside any host's runtime.
pub struct Acme {
    settings: AcmeSettings,
    wire: Mutex<Option<Arc<Wire>>>,
    patience: Duration,
}

impl Acme {
    /// Takes the settings; nothing is asked or read.
    pub fn new(settings: AcmeSettings) -> Self {
        Self { settings, wire: Mutex::new(None), patience: PATIENCE }
    }

    /// The conversation with the server, opened when it is first needed and again after a while.
    fn wire(&self, cx: &Context<'_>) -> Result<Arc<Wire>> {
        if (cx.cancelled)() {
            return Err(interrupted());
        }
        let kept = self.wire.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wire) = kept.filter(|w| w.since.elapsed() < DIRECTORY_AGE) {
            return Ok(wire);
        }
        let client = Client::new(&(self.settings.roots)()?, REQUEST_LIMIT);
        let wire = Arc::new(Wire::open(client, &self.settings.directory, cx.cancelled)?);
        *self.wire.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&wire));
        Ok(wire)
    }

    fn step(&self, cx: &Context<'_>, wire: &Wire, ticket: Ticket) -> Result<Answer> {
        let account = Account::open(&self.settings, wire, cx)?;
        Step { settings: &self.settings, wire, account, cx, patience: self.patience }.take(ticket)
    }

    /// The profile that a template or the settings ask for.
    ///
    /// # Errors
    /// `TemplateNotFound` with the profiles that the server advertises.
    fn profile(&self, wire: &Wire, template: &str) -> Result<Option<String>> {
        let asked = !template.is_empty() && !template.eq_ignore_ascii_case(NO_TEMPLATE);
        let wanted = if asked { Some(template) } else { self.settings.profile.as_deref() };
        let Some(wanted) = wanted else { return Ok(None) };
        let known = &wire.directory.meta.profiles;
        if known.contains_key(wanted) {
            return Ok(Some(wanted.to_owned()));
        }
        let names: Vec<String> = known.keys().map(|n| format!("`{}`", wire::printable(n))).collect();
        let offer = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        let message = format!("`{}` has no profile `{wanted}`: {offer}", self.settings.config);
        let error = Error::new(ErrorId::TemplateNotFound, message).about(wanted);
        Err(if asked {
            error.hint("leave `-Template` out, or give it the name of a profile")
        } else {
            error.hint("see `profile` of its `[[ca]]` in `certlet.toml`")
        })
    }

    /// The rights are certlet's own: the server knows the account only.
    fn check_right(&self, requester: &str) -> Result<()> {
        let Some(permissions) = &self.settings.permissions else { return Ok(()) };
        let rights = permissions.iter().filter(|(who, _)| who.eq_ignore_ascii_case(requester)).flat_map(|(_, r)| r);
        if rights.into_iter().any(|right| *right == Right::Enroll) {
            return Ok(());
        }
        let message = format!("`{requester}` has no right `Enroll` at `{}`", self.settings.config);
        Err(Error::new(ErrorId::CaAccessDenied, message).about(self.settings.config.clone()))
    }

    /// Refuses the names that this authority cannot certify, as far as can be known without asking.
    fn check_names(&self, names: &[(String, String)]) -> Result<()> {
        if self.settings.is_public {
            public::check(&self.settings.config, names)?;
        }
        let kind = self.settings.challenge.kind();
        let unfit = |(name, _): &&(String, String)| match kind {
            "dns-01" => name.parse::<std::net::IpAddr>().is_ok(),
            _ => name.starts_with("*."),
        };
        let Some((name, rule)) = names.iter().find(unfit) else { return Ok(()) };
        let message = if kind == "dns-01" {
            format!("nobody can show by dns-01 who controls the address `{name}` ({rule})")
        } else {
            format!("the wildcard `{name}` ({rule}) can only be shown by dns-01, not by {kind}")
        };
        Err(Error::new(ErrorId::RequestDenied, message)
            .about(name.clone())
            .hint("see `challenge` of its `[[ca]]` in `certlet.toml`")
            .hint(format!("`-ExcludeComputedName \"{name}\"` takes it out")))
    }
}

impl Authority for Acme {
    fn config(&self) -> &str {
        &self.settings.config
    }

    fn is_public(&self) -> bool {
        self.settings.is_public
    }

    fn preflight(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Result<()> {
        self.check_right(inquiry.requester)?;
        self.check_names(inquiry.names)?;
        if inquiry.account.is_some() {
            return Err(Error::new(
                ErrorId::CaAccessDenied,
                format!("`{}` knows ACME accounts only: `-CaAccount` means nothing there", self.settings.config),
            )
            .hint("leave `-CaAccount` and `-CaPassword` out"));
        }
        let wire = self.wire(cx)?;
        self.profile(&wire, inquiry.template)?;
        if wire.directory.meta.external_account_required
            && self.settings.external_account.is_none()
            && account::Remembered::of(&self.settings, cx)?.url.is_none()
        {
            return Err(account::needs_binding(&self.settings));
        }
        let names: Vec<String> = inquiry.names.iter().map(|(name, _)| name.clone()).collect();
        self.settings.ledger().check(cx, &names, false)
    }

    fn begin(&self, cx: &Context<'_>, submission: &Submission) -> Result<Answer> {
        let wire = self.wire(cx)?;
        let profile = self.profile(&wire, &submission.template)?;
        let ticket = Ticket::new(submission, profile, order::replaces(&wire, submission))?;
        self.step(cx, &wire, ticket)
    }

    fn advance(&self, cx: &Context<'_>, ticket: &str) -> Result<Answer> {
        let ticket = Ticket::read(ticket)?;
        if let Some(refused) = ticket.refused(&self.settings) {
            return Ok(ticket.denied(refused));
        }
        let wire = self.wire(cx)?;
        self.step(cx, &wire, ticket)
    }

    fn chain(&self, _cx: &Context<'_>) -> Result<Vec<Certificate>> {
        // ACME tells no chain before there is a certificate; each certificate brings its own.
        Ok(Vec::new())
    }

    fn can_revoke(&self) -> bool {
        true
    }

    fn revoke_certificate(&self, cx: &Context<'_>, certificate: &Certificate, reason: u8) -> Result<()> {
        let wire = self.wire(cx)?;
        let Some(url) = &wire.directory.revoke_cert else {
            return Err(Error::new(
                ErrorId::PolicyRefused,
                format!("`{}` revokes nothing by ACME", self.settings.config),
            ));
        };
        let account = Account::open(&self.settings, &wire, cx)?;
        let payload = json!({"certificate": base64url(certificate.der()), "reason": reason});
        match wire.post(&account.key, From::Account(&account.url), url, Some(&payload), &Call::of(cx)) {
            Ok(_) => Ok(()),
            Err(Failure::Refused(_, problem)) if problem.word() == "alreadyRevoked" => Ok(()),
            Err(failure) => Err(failure
                .error(&self.settings.config, "revoke the certificate")
                .about(certificate.thumbprint().to_string())),
        }
    }

    fn renewal_window(&self, cx: &Context<'_>, certificate: &Certificate) -> Result<Option<RenewalWindow>> {
        renewal::window(&self.settings, &*self.wire(cx)?, certificate, cx)
    }

    fn examine(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
        examine::all(self, cx, inquiry)
    }
}
