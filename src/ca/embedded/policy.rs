//! What a template makes of a request: the names and usages of the certificate to be, or the reason against it.

use super::Opened;
use super::settings::{EmbeddedSettings, SubjectSource, Template};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, COMMON_NAME, Certificate, HostName, Moment, NameAttribute, Purpose};
use crate::x509::{AuthorityProfile, CertificateRequest, NameConstraints, Profile};

/// How far back a certificate begins, for clocks that are slow.
pub(super) const BACKDATED_SECONDS: i64 = 600;

/// Most characters of a common name (RFC 5280 appendix A, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// The certificate to be.
pub(super) struct Grant {
    /// What it is to say.
    pub(super) profile: Profile,
    /// What was asked for and is not granted.
    pub(super) dropped: Vec<String>,
}

impl Grant {
    /// The disposition message of an issued request.
    pub(super) fn message(&self) -> String {
        if self.dropped.is_empty() {
            return "Issued".to_owned();
        }
        format!("Issued; asked for and not granted: {}", self.dropped.join(", "))
    }
}

/// Judges a request.
///
/// # Errors
/// `RequestDenied` with every name at fault.
pub(super) fn judge(
    settings: &EmbeddedSettings,
    template: &Template,
    request: &CertificateRequest,
    computer: &str,
    ca: &Opened,
    now: Moment,
) -> Result<Grant> {
    if template.authority {
        return judge_authority(settings, template, request, ca, now);
    }
    if request.asks_for_ca() {
        let names: Vec<&str> = settings.templates.iter().filter(|t| t.authority).map(|t| t.name.as_str()).collect();
        let offer = match names.as_slice() {
            [] => "which no template here grants".to_owned(),
            names => format!("which only `-Template {}` grants", names.join("` or `")),
        };
        let error = denied(format!("the request asks for an authority's certificate, {offer} (0x80094802)"));
        return Err(match names.first() {
            Some(name) => error.hint(format!("hand it in with `-Template {name}`")),
            None => error.hint("add a `[[ca.template]]` with `authority = true` to its `[[ca]]` in `certlet.toml`"),
        });
    }
    let mut profile =
        Profile::server(now.plus_seconds(-BACKDATED_SECONDS), now.plus_days(template.validity_days.into()));
    profile.crl_urls.extend(settings.crl.as_ref().map(|crl| crl.url.clone()));
    profile.purposes.clone_from(&template.purposes);
    match template.subject {
        SubjectSource::Request => {
            let common_names: Vec<&str> = request.subject().texts(COMMON_NAME).collect();
            check_names(request.alternative_names(), &common_names, ca)?;
        }
        SubjectSource::Directory => {
            let computer = known_computer(template, computer)?;
            let names = vec![AlternativeName::Dns(computer.to_string())];
            check_names(&names, &[], ca)?;
            profile.subject = Some(vec![vec![NameAttribute::new(COMMON_NAME, computer.as_str())]]);
            profile.alternative_names = Some(names);
        }
    }
    check_purposes(template, ca)?;
    Ok(Grant { profile, dropped: dropped(template, request) })
}

/// Judges a request for an authority's certificate: nobody below it, its names inside the issuer's.
///
/// The request says which names the authority wants to certify; where it does not, those of this home's topology are
/// written, so that no authority is made without limits by default.
fn judge_authority(
    settings: &EmbeddedSettings,
    template: &Template,
    request: &CertificateRequest,
    ca: &Opened,
    now: Moment,
) -> Result<Grant> {
    if request.subject().is_empty() {
        return Err(denied("the request has no subject, and an authority needs a name (0x80094001)"));
    }
    if request.subject() == ca.certificate.subject() {
        return Err(denied("the request has the name of the authority that is asked (0x80094001)"));
    }
    if ca.certificate.path_len() == Some(0) {
        return Err(denied(format!(
            "`{}` may have no authority below it: its path length is 0 (0x80094802)",
            ca.certificate.short_name()
        ))
        .hint(format!(
            "`Update-CACertificate -CA '{}'` renews its certificate with what the templates need",
            settings.config
        )));
    }
    let wanted = request.name_space().map_err(|e| denied(e.message()))?;
    let constraints = match wanted {
        Some(space) => Some(space.to_constraints().ok_or_else(|| {
            denied("the request asks for name constraints that are not certified here: only suffixes and networks are (0x80094001)")
        })?),
        None if settings.unconstrained => None,
        None => Some(NameConstraints { dns: settings.permitted.clone(), networks: Vec::new() }),
    };
    if let Some(constraints) = &constraints {
        let outside: Vec<String> = ca.spaces.iter().flat_map(|space| space.outside(constraints)).collect();
        if !outside.is_empty() {
            return Err(denied(format!(
                "names outside the name constraints of `{}`: {} (0x80094001)",
                ca.certificate.short_name(),
                outside.join(", ")
            ))
            .hint("put the domains into the topology here, then `Update-CACertificate`"));
        }
    }
    check_purposes(template, ca)?;
    let limits = AuthorityProfile { path_len: Some(0), constraints };
    let mut profile =
        Profile::authority(now.plus_seconds(-BACKDATED_SECONDS), now.plus_days(template.validity_days.into()), limits);
    profile.alternative_names = Some(Vec::new());
    profile.purposes.clone_from(&template.purposes);
    profile.crl_urls.extend(settings.crl.as_ref().map(|crl| crl.url.clone()));
    Ok(Grant { profile, dropped: dropped(template, request) })
}

/// Checks the names before the issue: a certificate with a name outside the constraints fails at every client.
fn check_names(names: &[AlternativeName], common_names: &[&str], ca: &Opened) -> Result<()> {
    let mut unfit = Vec::new();
    for name in names {
        match name {
            AlternativeName::Ip(_) => {}
            AlternativeName::Dns(text) if is_host_name(text) => {}
            AlternativeName::Dns(text) => unfit.push(format!("`{text}` (no host name)")),
            other => unfit.push(format!("`{other}` (neither host name nor address)")),
        }
    }
    // An overlong common name goes into the alternative names.
    let overlong = common_names.iter().filter(|name| name.chars().count() > MAX_COMMON_NAME && !is_host_name(name));
    unfit.extend(overlong.map(|name| format!("`{name}` (no host name, and too long for a common name)")));
    if !unfit.is_empty() {
        return Err(denied(format!("names that are not certified here: {} (0x80094001)", unfit.join(", "))));
    }
    // Clients without alternative names fall back on the common name, and so do name constraints.
    let hosts: Vec<AlternativeName> = common_names
        .iter()
        .filter(|name| is_host_name(name) && (name.contains('.') || names.is_empty()))
        .map(|name| AlternativeName::host(name))
        .collect();
    if names.is_empty() && hosts.is_empty() {
        return Err(denied(
            "the request names no host: it has neither alternative names nor a host as common name (0x80094001)",
        ));
    }
    let mut outside: Vec<String> = Vec::new();
    for name in names.iter().chain(&hosts).filter(|name| !ca.spaces.iter().all(|space| space.permits(name))) {
        let shown = format!("`{name}`");
        if !outside.contains(&shown) {
            outside.push(shown);
        }
    }
    let Some(space) = ca.spaces.first().filter(|_| !outside.is_empty()) else { return Ok(()) };
    Err(denied(format!(
        "names outside the name constraints of `{}`: {}; it may certify {space} and what is below (0x80094001)",
        ca.certificate.short_name(),
        outside.join(", "),
    ))
    .hint("leave them out with `-ExcludeComputedName`")
    .hint(
        "or put the domains into the topology and renew the authority's own certificate: `Update-CACertificate`, or \
           `Request-CACertificate` where it is signed elsewhere",
    ))
}

/// The names that a certificate stands for, as name constraints judge them.
pub(super) fn certified_names(certificate: &Certificate) -> Vec<AlternativeName> {
    let mut names: Vec<AlternativeName> = certificate
        .alternative_names()
        .iter()
        .filter(|name| matches!(name, AlternativeName::Dns(_) | AlternativeName::Ip(_)))
        .cloned()
        .collect();
    let is_counted = |name: &&str| is_host_name(name) && (name.contains('.') || names.is_empty());
    let hosts: Vec<AlternativeName> =
        certificate.subject().texts(COMMON_NAME).filter(is_counted).map(AlternativeName::host).collect();
    names.extend(hosts);
    names
}

/// Checks that the authority's own certificate allows what the template grants.
fn check_purposes(template: &Template, ca: &Opened) -> Result<()> {
    let missing: Vec<String> =
        template.purposes.iter().filter(|p| !ca.certificate.allows(p)).map(ToString::to_string).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(denied(format!(
        "the template `{}` grants what the certificate of `{}` does not allow below it: {} (0x80094802)",
        template.name,
        ca.certificate.short_name(),
        missing.join(", "),
    )))
}

fn known_computer(template: &Template, computer: &str) -> Result<HostName> {
    HostName::with_underscores(computer).ok().filter(|name| !name.is_wildcard()).ok_or_else(|| {
        denied(format!(
            "the template `{}` builds the subject from the directory, and `{computer}` is no computer there (0x80094001)",
            template.name
        ))
    })
}

/// What was asked for and the template does not grant.
fn dropped(template: &Template, request: &CertificateRequest) -> Vec<String> {
    let asked = request.purposes().unwrap_or_default();
    let mut dropped: Vec<String> = asked
        .iter()
        .filter(|p| !template.purposes.contains(p) && !template.purposes.contains(&Purpose::Any))
        .map(ToString::to_string)
        .collect();
    if request.must_staple() {
        // Nobody here answers OCSP: a certificate that insists on it would be refused by every client.
        dropped.push("TLS feature status_request".to_owned());
    }
    dropped
}

/// Whether a text is a host name in just this spelling, wildcards and underscores included.
fn is_host_name(text: &str) -> bool {
    HostName::with_underscores(text).is_ok_and(|name| name.as_str() == text)
}

/// A refusal of the policy.
pub(super) fn denied(reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorId::RequestDenied, format!("Denied by policy: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::embedded::tests::authority;
    use crate::ca::testing::World;

    #[test]
    fn an_overlong_common_name_must_be_a_host() {
        let (world, authority) = (World::new(), authority());
        let ca = authority.stand(&world.context()).unwrap().ca;
        let names = [AlternativeName::host("fe01")];
        let check = |common_name: String| check_names(&names, &[&common_name], &ca).map_err(|e| e.message().to_owned());
        check(format!("{}.contoso.net", "a".repeat(60))).unwrap();
        check("Contoso's voice servers".into()).unwrap();
        assert!(check(format!("{}.fabrikam.com", "a".repeat(60))).unwrap_err().contains("fabrikam.com"));
        assert!(check("a/".repeat(40)).unwrap_err().contains("too long for a common name"));
    }
}
