//! The manager's side of an embedded authority: approve, deny, revoke, publish.

use super::policy::BACKDATED_SECONDS;
use super::rights::is_same;
use super::settings::{Publication, Right};
use super::{Embedded, disposition};
use crate::ca::{Authority, Context, Database, TemplateFacts};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Moment, SerialNumber};
use crate::state::{AuthorityRow, Row, SubmissionRow, Write};
use crate::x509::{Issuer, Revocation, build_crl, parse_crl, parse_request};

/// The reason `certificateHold` (RFC 5280 section 5.3.1), the only one that is not final.
const HOLD: u8 = 6;

impl Database for Embedded {
    fn templates(&self) -> Vec<TemplateFacts> {
        self.settings.templates.iter().map(super::Template::facts).collect()
    }

    fn may_enroll(&self, principal: &str, template: &str) -> bool {
        self.settings.may(principal, Right::Read)
            && self.settings.may(principal, Right::Enroll)
            && self.settings.template(template).is_ok_and(|template| template.admits(principal))
    }

    fn approve(&self, cx: &Context<'_>, principal: &str, request_id: u32) -> Result<Vec<Write>> {
        self.settings.check_issuer(principal)?;
        let pending = self.pending(cx, request_id)?;
        if is_same(principal, &pending.requester) {
            return Err(Error::new(
                ErrorId::PolicyRefused,
                format!("`{principal}` asked for request {request_id} and cannot approve it (0x80070005)"),
            )
            .about(request_id.to_string())
            .hint("somebody else with the right `Issue` runs `Approve-CertificateRequest`"));
        }
        let template = self.settings.template(&pending.template)?;
        let request = parse_request(&pending.csr)?;
        if let Some(algorithm) = request.key_algorithm() {
            self.settings.check_key(template, algorithm, false)?;
        }
        let standing = self.stand(cx)?;
        let (certificate, message) = self.issue(cx, &standing.ca, template, &request, &pending.computer)?;
        let mut issued = pending.clone();
        issued.settle_issued(&certificate, format!("{message}; approved by {principal}"), cx.now);
        Ok(vec![self.decided(request_id, pending, issued)])
    }

    fn deny(&self, cx: &Context<'_>, principal: &str, request_id: u32, reason: &str) -> Result<Vec<Write>> {
        self.settings.check_issuer(principal)?;
        let pending = self.pending(cx, request_id)?;
        let mut denied = pending.clone();
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        denied.settle(disposition::DENIED, format!("Denied by {principal}{reason} (0x80094014)"), cx.now);
        Ok(vec![self.decided(request_id, pending, denied)])
    }

    fn revoke(&self, cx: &Context<'_>, principal: &str, serial: &str, reason: u8) -> Result<Vec<Write>> {
        self.settings.check_issuer(principal)?;
        if reason > HOLD {
            return Err(Error::new(
                ErrorId::ParameterArgumentValidationError,
                format!("{reason} is no reason for which a certificate is revoked here"),
            )
            .about(reason.to_string())
            .hint("reasons are 0 to 6: `Unspecified` to `CertificateHold`"));
        }
        let unknown = || {
            Error::new(
                ErrorId::CertificateNotFound,
                format!(
                    "the authority `{}` issued no certificate with the serial number `{serial}` (0x80092004)",
                    self.settings.config
                ),
            )
            .about(serial)
        };
        let number: SerialNumber = serial.parse().map_err(|_| unknown())?;
        let found = cx.state.submissions(&self.row, Some(&number.to_string()))?;
        let (request_id, row) = found.into_iter().find(|(_, row)| !row.certificate.is_empty()).ok_or_else(unknown)?;
        let since = match row.revoked {
            None => cx.now,
            Some((_, known)) if known == reason => return Ok(Vec::new()),
            Some((_, known)) if reason == HOLD => {
                return Err(Error::new(
                    ErrorId::PolicyRefused,
                    format!("the certificate `{serial}` is revoked for good (reason {known}) and cannot be put on hold (0x80094003)"),
                )
                .about(serial));
            }
            Some((since, _)) => since,
        };
        let mut revoked = row.clone();
        revoked.disposition = disposition::REVOKED;
        revoked.message = format!("Revoked by {principal}");
        revoked.revoked = Some((since, reason));
        Ok(vec![self.decided(request_id, row, revoked)])
    }

    fn revocation_list(&self, cx: &Context<'_>) -> Result<(Vec<u8>, Vec<Write>)> {
        let standing = self.stand(cx)?;
        let revoked = self.revoked(cx)?;
        let number = standing.row.next_crl;
        let days = self.settings.crl.as_ref().map_or(Publication::DAYS, |crl| crl.days.max(1));
        // Backdated as certificates are: a client whose clock is late takes a list that begins in its future for none.
        let begin = cx.now.plus_seconds(-BACKDATED_SECONDS).max(standing.ca.certificate.not_before());
        let issuer = Issuer { certificate: &standing.ca.certificate, signer: &standing.ca.key };
        let list = build_crl(&issuer, number, (begin, cx.now.plus_days(days.into())), &revoked)?;
        let mut writes = standing.birth;
        let counted = AuthorityRow { next_crl: number.saturating_add(1), ..standing.row };
        writes.push(Write::replace(self.row_key(), standing.old.map(Row::Authority), Some(Row::Authority(counted))));
        Ok((list.der().to_vec(), writes))
    }

    fn publication(&self) -> Option<&Publication> {
        self.settings.crl.as_ref()
    }

    fn check_list(&self, cx: &Context<'_>, published: &[u8]) -> Result<Moment> {
        let outdated = |why: String| {
            let config = &self.settings.config;
            Error::new(ErrorId::BadCertificateFile, format!("the published revocation list of `{config}` {why}"))
                .about(config)
                .hint(format!("`Publish-CertificateRevocationList -CA '{config}'` publishes a new one"))
        };
        let chain = self.chain(cx)?;
        let Some(own) = chain.first() else { return Err(self.waits()) };
        let list = parse_crl(published).map_err(|e| outdated(format!("cannot be read: {e}")))?;
        list.check_signature(own).map_err(|e| outdated(format!("is not its own: {e}")))?;
        let Some(end) = list.next_update() else { return Err(outdated("does not say when the next one comes".into())) };
        if end <= cx.now {
            return Err(outdated(format!("has been out of date since {end}")));
        }
        if let Some((serial, _)) =
            self.revoked(cx)?.iter().find(|(serial, now)| list.is_revoked(serial) != Some(told(*now)))
        {
            return Err(outdated(format!("does not tell what has become of serial number {serial}")));
        }
        Ok(end)
    }

    fn requests(&self, cx: &Context<'_>, principal: &str, number: Option<u32>) -> Result<Vec<(u32, SubmissionRow)>> {
        self.settings.check_reader(principal)?;
        match number {
            Some(number) => Ok(self.submission(cx, number)?.map(|row| (number, row)).into_iter().collect()),
            None => cx.state.submissions(&self.row, None),
        }
    }

    fn check_certified(&self, cx: &Context<'_>) -> Result<()> {
        Self::check_certified(self, cx)
    }

    fn request_own(&self, cx: &Context<'_>, principal: &str) -> Result<(Vec<u8>, Vec<Write>)> {
        Self::request_own(self, cx, principal)
    }

    fn install_own(
        &self,
        cx: &Context<'_>,
        principal: &str,
        found: &[Certificate],
        roots: &[Certificate],
    ) -> Result<(Vec<Certificate>, Vec<Write>)> {
        Self::install_own(self, cx, principal, found, roots)
    }

    fn renew_own(&self, cx: &Context<'_>, principal: &str, force: bool) -> Result<(Certificate, Vec<Write>)> {
        Self::renew_own(self, cx, principal, force)
    }
}

/// A revocation as a list tells it: 0, unspecified, is left out (RFC 5280 section 5.3.1).
fn told(revocation: Revocation) -> Revocation {
    Revocation { reason: revocation.reason.filter(|code| *code != 0), ..revocation }
}

impl Embedded {
    fn revoked(&self, cx: &Context<'_>) -> Result<Vec<(SerialNumber, Revocation)>> {
        let mut revoked = Vec::new();
        for (_, row) in cx.state.submissions(&self.row, None)? {
            if let Some((at, reason)) = row.revoked {
                revoked.push((row.serial.parse::<SerialNumber>()?, Revocation { at, reason: Some(reason) }));
            }
        }
        Ok(revoked)
    }

    fn pending(&self, cx: &Context<'_>, request_id: u32) -> Result<SubmissionRow> {
        let error = |state: String, code: &str| {
            Error::new(
                ErrorId::RequestNotFound,
                format!(
                    "no request {request_id} is pending at the authority `{}`: {state} ({code})",
                    self.settings.config
                ),
            )
            .about(request_id.to_string())
            .hint("`Get-CertificateRequest -Disposition Pending` lists what waits at the authority")
        };
        match self.submission(cx, request_id)? {
            None => Err(error("there is none".to_owned(), "0x80094004")),
            Some(row) if row.disposition == disposition::PENDING => Ok(row),
            Some(row) => Err(error(format!("its state is `{}`", row.message), "0x80094003")),
        }
    }

    /// Expects the row as it was read, so that of two decisions the second fails.
    fn decided(&self, request_id: u32, old: SubmissionRow, new: SubmissionRow) -> Write {
        Write::replace(self.submission_key(request_id), Some(Row::Submission(old)), Some(Row::Submission(new)))
    }
}
