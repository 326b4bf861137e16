//! Renewals: a certificate takes the place of one that is about to end, and is proven before anything else is believed.
//!
//! What a renewal begins, the next one ends: a certificate that was issued and could not be deployed is deployed then,
//! and a request that waits is asked about. Only after that is an authority asked for anything new.

mod ask;
mod due;

use super::executor::lease_of;
use super::fitness::{Wish, fitness, names_of, wish_fitness};
use super::{Assigned, Assigning, Enrollment, Obtained, Receipt, Session};
use crate::command::{Cancel, Invocation};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::difference;
use crate::model::{Certificate, ComputedNames, Fingerprint, UseName};
use crate::state::{CertificateRow, Lease, RequestRow, RequestStatus};

/// For how long a request that was cut off is gone on with.
const CUT_OFF_SECONDS: i64 = 24 * 3600;

/// The uses that share a certificate: they are renewed together.
#[derive(Clone, Debug)]
pub(crate) struct RenewalGroup {
    /// The certificate that they have.
    pub(crate) fingerprint: Fingerprint,
    /// It as it is stored; `None` where it has vanished.
    pub(crate) old: Option<(CertificateRow, Certificate)>,
    /// Their assignments.
    pub(crate) members: Vec<Assigned>,
    /// The request that it came from, where it was made here.
    pub(crate) request: Option<RequestRow>,
}

/// What came of a renewal.
#[derive(Debug)]
pub(crate) enum Renewed {
    /// The new certificate is deployed, with this receipt.
    Deployed(Certificate, Receipt, Source),
    /// The authority has not decided yet.
    Pending(Box<RequestRow>),
    /// Nothing was done, as the operator wished.
    Not,
}

/// Where a new certificate came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was requested now.
    Requested,
    /// A request that waited was decided.
    Retrieved,
    /// It was issued before and not deployed.
    IssuedBefore,
}

impl RenewalGroup {
    /// The uses, in their order.
    pub(crate) fn uses(&self) -> Vec<String> {
        let mut uses: Vec<String> = Vec::new();
        for member in &self.members {
            if !uses.contains(&member.key.use_name) {
                uses.push(member.key.use_name.clone());
            }
        }
        uses
    }

    /// The thumbprint of the certificate; its fingerprint where it has vanished.
    pub(crate) fn shown(&self) -> String {
        self.old.as_ref().map_or_else(|| self.fingerprint.to_string(), |(row, _)| row.thumbprint.to_string())
    }

    /// The certificate that is to be replaced.
    ///
    /// # Errors
    /// `CertificateNotFound` where it has vanished.
    fn old(&self) -> Result<&(CertificateRow, Certificate)> {
        self.old.as_ref().ok_or_else(|| {
            let uses = self.uses().join(",");
            let message = format!("the certificate `{}` of {uses} is not stored any more", self.fingerprint);
            Error::new(ErrorId::CertificateNotFound, message)
                .about(self.fingerprint.to_string())
                .hint(format!("`Request-CsCertificate -New -Type {uses} | Set-CsCertificate -Type {uses}`"))
        })
    }

    fn use_names(&self) -> Result<Vec<UseName>> {
        self.uses().iter().map(|name| name.parse()).collect()
    }

    /// Whether a request is for just these uses.
    fn is_for(&self, request: &RequestRow) -> bool {
        let uses = self.uses();
        request.uses.len() == uses.len() && request.uses.iter().all(|u| uses.iter().any(|o| o.eq_ignore_ascii_case(u)))
    }
}

/// The lease of whoever renews: two that saw the same certificate due would both order a new one.
const LEASE: &str = "renewal";

impl Session {
    /// Lets one process renew at a time; what is due is looked up after it is held.
    ///
    /// # Errors
    /// `Busy` naming who renews; `Interrupted`, `TimedOut`, `StoreUnavailable`.
    pub(crate) fn renewal_lease(&self, verb: &str, cancel: &Cancel) -> Result<Lease> {
        let holder = format!("process {} ({verb}) since {}", std::process::id(), self.now());
        lease_of(self, LEASE, cancel, &holder)
    }

    /// The certificates in use on the local computer, each with the uses that share it.
    ///
    /// # Errors
    /// `NoHome`, `TopologyInvalid`, `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn renewal_groups(&self) -> Result<Vec<RenewalGroup>> {
        let requests = self.state()?.requests()?;
        let mut groups: Vec<RenewalGroup> = Vec::new();
        for member in self.assigned(None)? {
            let Some(fingerprint) = member.row.certificate else { continue };
            let same = |g: &&mut RenewalGroup| {
                g.fingerprint == fingerprint && g.members.iter().all(|m| m.key.scope == member.key.scope)
            };
            if let Some(group) = groups.iter_mut().find(same) {
                group.members.push(member);
                continue;
            }
            let old = match self.stored(&fingerprint)? {
                Some(row) => Some((row.clone(), self.certificate_of(&row)?)),
                None => None,
            };
            let request = requests.iter().rfind(|r| r.certificate == Some(fingerprint)).cloned();
            groups.push(RenewalGroup { fingerprint, old, members: vec![member], request });
        }
        Ok(groups)
    }

    /// Why a renewal that was begun before is to be ended now, if one was: its certificate waits to be deployed, or its
    /// request to be decided.
    ///
    /// # Errors
    /// `StoreUnavailable`, `BadCertificateFile`.
    pub(crate) fn renewal_begun(&self, group: &RenewalGroup) -> Result<Option<String>> {
        if let Some(open) = self.open_renewal(group)? {
            return Ok(Some(format!("its renewal is request {}, which is not decided yet", open.id)));
        }
        let Some((_, old)) = &group.old else { return Ok(None) };
        // What an operator has taken away again is not begun: it was ended, and undone.
        let was_deployed = |f: Fingerprint| group.members.iter().any(|m| m.row.previous == Some(f));
        for request in self.renewals_of(group)? {
            let Some(fingerprint) = request.certificate.filter(|f| !was_deployed(*f)) else { continue };
            let Some(row) = self.stored(&fingerprint)? else { continue };
            // One that is staged takes over when the operator wants it to.
            let is_staged = group.members.iter().any(|m| m.row.staged.is_some_and(|(f, _)| f == fingerprint));
            // An authority that is about to end itself gives no later end, however often it is asked.
            if row.banned.is_none() && !is_staged && row.not_after >= old.not_after() {
                return Ok(Some(format!("its renewal `{}` was issued and is not deployed", row.thumbprint)));
            }
        }
        Ok(None)
    }

    /// Renews the certificate of a group: takes what was issued before, or asks, assigns it and proves that it is served.
    ///
    /// Asks the authority that issued the old one, or `ca`. Under `-WhatIf` it says what it would do.
    ///
    /// # Errors
    /// What the authority refuses with; those of [`Session::commit`], after which the certificate stays issued and is
    /// deployed by the next renewal; `PolicyRefused` where the new certificate lacks names that the old one has.
    pub(crate) fn renew(&self, group: &RenewalGroup, ca: Option<&str>, cx: &mut Invocation<'_>) -> Result<Renewed> {
        let (row, _) = group.old()?;
        let uses = group.uses().join(", ");
        let (enrollment, computed) = self.renewal_enrollment(group, ca)?;
        if !cx.what_if() && !cx.confirm(&format!("Renew certificate {}", row.thumbprint), &uses)? {
            return Ok(Renewed::Not);
        }
        if let Some(certificate) = self.issued_before(group, &computed)? {
            cx.verbose(format!(
                "{uses}: {} was issued before and is deployed now; no authority is asked",
                certificate.thumbprint()
            ))?;
            return self.replace(group, certificate, Source::IssuedBefore, cx);
        }
        let cancel = cx.cancel();
        let cancelled = || cancel.is_cancelled();
        if let Some(open) = self.open_renewal(group)? {
            if cx.what_if() {
                cx.tell_what_if(&format!("Ask again about request {}", open.id), &open.ca)?;
                return Ok(Renewed::Not);
            }
            match self.retrieve(open, None, &cancelled) {
                Ok(Obtained::Issued(certificate, _)) => {
                    check_names(group, &certificate, &computed)?;
                    return self.replace(group, certificate, Source::Retrieved, cx);
                }
                Ok(Obtained::Pending(row)) => return Ok(Renewed::Pending(Box::new(row))),
                // An authority that has forgotten is asked anew.
                Err(error) if error.id() == ErrorId::RequestNotFound => cx.verbose(format!("{uses}: {error}"))?,
                Err(error) => return Err(error),
            }
        }
        let enrollment = enrollment?;
        let authority = enrollment.authority.as_ref().map_or_else(String::new, |a| a.config().to_owned());
        self.check_no_unfit(group, &computed, &authority)?;
        self.check_wish(group, &enrollment, &computed)?;
        if cx.what_if() {
            let subject = computed.subject.clone().unwrap_or_default();
            let names = computed.comma_list();
            cx.tell_what_if(&format!("Request a certificate for CN={subject} with the names {names}"), &authority)?;
            for member in &group.members {
                cx.tell_what_if("Assign the new certificate", &member.key.use_name)?;
            }
            return Ok(Renewed::Not);
        }
        cx.verbose(format!("{uses}: asks `{authority}` for {}", computed.comma_list()))?;
        match self.obtain(&enrollment, &cancelled)? {
            Obtained::Issued(certificate, _) => {
                cx.verbose(format!("{uses}: issued {}", certificate.thumbprint()))?;
                check_names(group, &certificate, &computed)?;
                self.replace(group, certificate, Source::Requested, cx)
            }
            Obtained::Pending(row) => Ok(Renewed::Pending(Box::new(row))),
        }
    }

    /// Puts a certificate in the place of a group's, as one change that is proven.
    fn replace(
        &self,
        group: &RenewalGroup,
        certificate: Certificate,
        source: Source,
        cx: &mut Invocation<'_>,
    ) -> Result<Renewed> {
        let new = certificate.fingerprint();
        if let Some(row) = self.stored(&new)? {
            let findings = fitness(self, &row, &certificate, &group.use_names()?, self.now())?;
            if let Some(obstacle) = findings.into_iter().find(|f| f.is_obstacle) {
                return Err(kept(&certificate, obstacle.error));
            }
        }
        let mut assigning = Assigning::new(self, &certificate);
        for member in &group.members {
            assigning.now(member.key.clone())?;
        }
        for (use_name, staged) in &assigning.unstaged {
            let staged = self.stored(staged)?.map_or_else(|| staged.to_string(), |row| row.thumbprint.to_string());
            cx.warn_as("Unstaged", format!("`{staged}` was staged for `{use_name}` and is staged no more"))?;
        }
        let plan = std::mem::take(&mut assigning.plan);
        let receipt = self.commit(plan, cx).map_err(|error| kept(&certificate, error))?;
        if !receipt.done {
            return Ok(Renewed::Not);
        }
        Ok(Renewed::Deployed(certificate, receipt, source))
    }

    /// The newest certificate that was issued for the same uses since the old one was stored, bears their names, fits, ends
    /// later or was asked for as the renewal, and is not itself due.
    fn issued_before(&self, group: &RenewalGroup, computed: &ComputedNames) -> Result<Option<Certificate>> {
        let (old_row, old) = group.old()?;
        for request in self.state()?.requests()?.iter().rev() {
            let Some(fingerprint) = request.certificate.filter(|f| *f != group.fingerprint) else { continue };
            if request.status != RequestStatus::Issued || !group.is_for(request) {
                continue;
            }
            let Some(row) = self.stored(&fingerprint)? else { continue };
            let certificate = self.certificate_of(&row)?;
            // A renewal is a new key, too.
            let is_rekeyed = certificate.key_id() != old.key_id();
            let ends_later = certificate.not_after() > old.not_after() || request.replaces == Some(group.fingerprint);
            // What was there before the old one was is not what follows it.
            let is_newer = request.replaces == Some(group.fingerprint) || row.added >= old_row.added;
            if !is_rekeyed || !ends_later || !is_newer || due::by_life(&certificate) <= self.now() {
                continue;
            }
            let findings = fitness(self, &row, &certificate, &group.use_names()?, self.now())?;
            let bears_all = difference(computed, &names_of(&certificate)).missing.is_empty();
            // What the authority gave when it was asked for just that is what it gives, also where it lacks what the old
            // certificate lacks.
            let is_the_answer = request.replaces == Some(group.fingerprint)
                && asked_for(request, computed)
                && check_names(group, &certificate, computed).is_ok();
            if (bears_all || is_the_answer) && !findings.iter().any(|f| f.is_obstacle) {
                return Ok(Some(certificate));
            }
        }
        Ok(None)
    }

    /// The requests that were to renew a group's certificate and were answered with one, the newest first.
    fn renewals_of(&self, group: &RenewalGroup) -> Result<Vec<RequestRow>> {
        let mut rows = self.state()?.requests()?;
        rows.retain(|r| r.status == RequestStatus::Issued && r.replaces == Some(group.fingerprint) && group.is_for(r));
        rows.reverse();
        Ok(rows)
    }

    /// The request that was to renew a group's certificate and is not decided.
    fn open_renewal(&self, group: &RenewalGroup) -> Result<Option<RequestRow>> {
        let is_open = |r: &RequestRow| match r.status {
            RequestStatus::Pending => true,
            // One that was cut off long ago is not gone on with; nor one from a day that a wrong clock told.
            RequestStatus::Submitting => self.now().since(r.submitted).abs() < CUT_OFF_SECONDS,
            RequestStatus::Issued | RequestStatus::Denied | RequestStatus::Revoked => false,
        };
        let mut rows = self.state()?.requests()?;
        rows.retain(|r| is_open(r) && !r.ca.is_empty() && r.replaces == Some(group.fingerprint) && group.is_for(r));
        Ok(rows.pop())
    }

    /// What the uses would refuse is not asked for.
    fn check_wish(&self, group: &RenewalGroup, enrollment: &Enrollment, computed: &ComputedNames) -> Result<()> {
        let uses = group.use_names()?;
        let wish = Wish {
            uses: &uses,
            key: enrollment.key,
            exportable: enrollment.exportable,
            names: computed,
            purposes: &enrollment.details.purposes,
            authority: enrollment.authority.as_deref(),
            template: &enrollment.template,
        };
        let Some(obstacle) = wish_fitness(self, &wish)?.into_iter().find(|f| f.is_obstacle) else { return Ok(()) };
        let types = group.uses().join(",");
        Err(obstacle.error.hint(format!(
            "a renewal asks for the same kind of key: `Request-CsCertificate -New -Type {types} | Set-CsCertificate -Type {types}`"
        )))
    }

    /// An authority that has answered the same question with what does not serve is not asked again: it lacks names, its
    /// root is not trusted, it does not begin yet.
    fn check_no_unfit(&self, group: &RenewalGroup, computed: &ComputedNames, authority: &str) -> Result<()> {
        for request in self.renewals_of(group)? {
            if !asked_for(&request, computed) || !request.ca.eq_ignore_ascii_case(authority) {
                continue;
            }
            let Some(row) = request.certificate.map(|f| self.stored(&f)).transpose()?.flatten() else { continue };
            let certificate = self.certificate_of(&row)?;
            // What was banned or revoked, lost its key, or is due itself is mended by a new one.
            if due::by_life(&certificate) <= self.now() || self.spoiled(&certificate.fingerprint())?.is_some() {
                continue;
            }
            check_names(group, &certificate, computed)?;
            let findings = fitness(self, &row, &certificate, &group.use_names()?, self.now())?;
            if let Some(obstacle) = findings.into_iter().find(|f| f.is_obstacle) {
                return Err(kept(&certificate, obstacle.error).hint(format!(
                    "`{authority}` issued it and is not asked again for the same before that is mended"
                )));
            }
        }
        Ok(())
    }
}

/// Whether a request was for just these names.
fn asked_for(request: &RequestRow, computed: &ComputedNames) -> bool {
    let asked = |name: &str| request.names.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    request.names.len() == computed.names.len() && computed.names.iter().all(|n| asked(&n.name.to_string()))
}

/// What becomes of a certificate that could not be deployed.
fn kept(certificate: &Certificate, error: Error) -> Error {
    error.hint(format!(
        "the certificate `{}` is kept, issued and not deployed: the next `Invoke-TlsRenewal` deploys it",
        certificate.thumbprint()
    ))
}

/// A renewal never serves less than before.
fn check_names(group: &RenewalGroup, new: &Certificate, computed: &ComputedNames) -> Result<()> {
    let (_, old) = group.old()?;
    let had = difference(computed, &names_of(old)).missing;
    let lost: Vec<String> = difference(computed, &names_of(new))
        .missing
        .into_iter()
        .filter(|m| !had.iter().any(|h| h.name == m.name))
        .map(|m| format!("{} ({})", m.name, m.reason))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorId::PolicyRefused,
        format!("the new certificate `{}` lacks names that the old one has: {}", new.thumbprint(), lost.join("; ")),
    )
    .about(new.thumbprint().to_string())
    .hint("when an authority ignores a request's names, its template builds the subject: ask with another `-Template`")
    .hint(format!(
        "to deploy it all the same: `Set-CsCertificate -Type {} -Thumbprint {}`",
        group.uses().join(","),
        new.thumbprint()
    )))
}
