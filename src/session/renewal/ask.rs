//! What a renewal asks for: the same as the old certificate's request, with the names computed anew.

use std::sync::Arc;

use super::super::fitness::names_of;
use super::{Enrollment, RenewalGroup, Session};
use crate::ca::{Authority, Context};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::compute;
use crate::model::{
    AlternativeName, Certificate, ComputedNames, KeyAlgorithm, NameAttribute, NameQuery, Purpose, RelativeName,
    RequestedName,
};
use crate::state::{NameWishes, Row, RowKey};
use crate::x509::{CertificateRequest, RequestDetails, own_request};

/// The object identifier of the common name (X.520).
const COMMON_NAME: &str = "2.5.4.3";

impl Session {
    /// What is to be asked, and the names; the first is an error of its own where nobody knows whom to ask, for a
    /// certificate that was issued before needs nobody.
    pub(super) fn renewal_enrollment(
        &self,
        group: &RenewalGroup,
        ca: Option<&str>,
    ) -> Result<(Result<Enrollment>, ComputedNames)> {
        let (row, old) = group.old()?;
        let request = group.request.as_ref();
        let topology = self.topology()?;
        let computer = match request.map(|r| r.computer.as_str()).filter(|c| !c.is_empty()) {
            Some(computer) => computer.parse()?,
            None => topology.local_computer()?.clone(),
        };
        let mut query = NameQuery::new(computer, group.use_names()?);
        let wishes = match request {
            Some(request) => request.wishes.clone(),
            None => self.wishes_of(old, &query)?,
        };
        query.all_sip_domain = wishes.all_sip_domain;
        query.domain_name = RequestedName::all(wishes.added.iter().map(String::as_str))?;
        query.excluded = RequestedName::all(wishes.excluded.iter().map(String::as_str))?;
        let computed = compute(&topology, &query)?;
        let asked = request.and_then(|r| own_request(&r.csr).ok());
        let subject = asked.as_ref().map_or_else(|| old.subject(), CertificateRequest::subject);
        let purposes = asked.as_ref().and_then(|csr| csr.purposes()).or(old.purposes());
        let details = RequestDetails {
            subject: with_common_name(subject.rdns(), computed.subject.as_deref())?,
            alternative_names: computed.names.iter().map(|n| AlternativeName::host(&n.name.to_string())).collect(),
            purposes: purposes.map_or_else(|| vec![Purpose::ServerAuth], <[Purpose]>::to_vec),
            key_usage: None,
            must_staple: asked.as_ref().map_or_else(|| old.must_staple(), CertificateRequest::must_staple),
        };
        let exportable = match request {
            Some(request) => request.exportable,
            None => matches!(self.state()?.row(&RowKey::Key(row.key))?, Some(Row::Key(key)) if key.exportable),
        };
        let enrollment = |authority: Arc<dyn Authority>| -> Result<Enrollment> {
            let same = request.is_some_and(|r| r.ca.eq_ignore_ascii_case(authority.config()));
            let template = match request.filter(|_| same) {
                Some(request) => request.template.clone(),
                None => self.template_at(&*authority, old)?,
            };
            Ok(Enrollment {
                authority: Some(authority),
                details,
                key: old.key_algorithm().unwrap_or(KeyAlgorithm::Rsa(2048)),
                exportable,
                template,
                computer: computed.computer.to_string(),
                account: None,
                uses: group.uses(),
                names: computed.names.iter().map(|n| (n.name.to_string(), n.reason())).collect(),
                friendly_name: row.friendly_name.clone(),
                replaces: Some(old.clone()),
                wishes,
            })
        };
        let authority = match ca {
            Some(config) => self.authority(config),
            None => self.issuer_of(group)?.ok_or_else(|| nobody_to_ask(group)),
        };
        let enrollment = authority.and_then(enrollment);
        Ok((enrollment, computed))
    }

    /// The authority that issued a group's certificate: the one that was asked, else the embedded one that bears the
    /// issuer's name.
    ///
    /// # Errors
    /// `CaUnreachable` where it is not configured any more; those of the state.
    pub(crate) fn issuer_of(&self, group: &RenewalGroup) -> Result<Option<Arc<dyn Authority>>> {
        if let Some(request) = group.request.as_ref().filter(|r| !r.ca.is_empty()) {
            return self.authority(&request.ca).map(Some);
        }
        group.old.as_ref().map_or(Ok(None), |(_, old)| self.embedded_issuer(old))
    }

    /// The embedded authority whose name a certificate bears as its issuer.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, those of the state.
    pub(crate) fn embedded_issuer(&self, certificate: &Certificate) -> Result<Option<Arc<dyn Authority>>> {
        let (state, keys) = (self.state()?, self.keys()?);
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled: &|| false };
        for authority in self.authorities()?.into_iter().filter(|a| a.is_inside()) {
            let chain = authority.chain(&cx)?;
            if chain.first().is_some_and(|own| own.subject().der() == certificate.issuer().der()) {
                return Ok(Some(authority));
            }
        }
        Ok(None)
    }

    /// The template that a certificate came from, where the authority is an embedded one; empty for its own choice.
    fn template_at(&self, authority: &dyn Authority, old: &Certificate) -> Result<String> {
        if !authority.is_inside() {
            return Ok(String::new());
        }
        let name = authority.config().to_ascii_lowercase();
        let rows = self.state()?.submissions(&name, Some(&old.serial().to_string()))?;
        let found = rows.into_iter().find(|(_, row)| row.certificate == old.der());
        Ok(found.map_or_else(String::new, |(_, row)| row.template))
    }

    /// What must have been wished for where no request tells it: names that no rule asks for were added.
    fn wishes_of(&self, old: &Certificate, query: &NameQuery) -> Result<NameWishes> {
        let computed = compute(&*self.topology()?, query)?;
        let added = crate::model::names::difference(&computed, &names_of(old)).unexpected;
        Ok(NameWishes { added, ..NameWishes::default() })
    }
}

fn nobody_to_ask(group: &RenewalGroup) -> Error {
    let (uses, shown) = (group.uses().join(","), group.shown());
    let (why, hint) = if group.request.is_some() {
        (
            "was answered to a request file",
            format!("send a new one: `Request-CsCertificate -New -Type {uses} -Output FILE.csr`"),
        )
    } else {
        ("was not requested from here", format!("say whom to ask: `Invoke-TlsRenewal -Type {uses} -CA host\\instance`"))
    };
    Error::new(ErrorId::CaNotSpecified, format!("certificate `{shown}` {why}: nobody knows which authority to ask"))
        .about(shown)
        .hint(hint)
}

/// A subject with another common name; the rest is as it was.
fn with_common_name(rdns: &[RelativeName], name: Option<&str>) -> Result<Vec<RelativeName>> {
    let mut subject: Vec<RelativeName> = rdns
        .iter()
        .map(|rdn| rdn.iter().filter(|a| a.oid() != COMMON_NAME).cloned().collect::<RelativeName>())
        .filter(|rdn| !rdn.is_empty())
        .collect();
    if let Some(name) = name {
        subject.push(vec![NameAttribute::named("CN", name)?]);
    }
    Ok(subject)
}
