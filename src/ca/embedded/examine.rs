//! Whether a request could be handed in now: each thing is looked at by itself, and nothing is asked for.

use super::{Embedded, disposition};
use crate::ca::{Authority, Context, Finding, Inquiry};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, Certificate};
use crate::state::AuthorityRow;

/// A certificate of the authority that ends so soon is worth a word: leaves are cut to its end.
const SOON_DAYS: i64 = 90;
/// How far the clock may go back, in seconds, before somebody must look: it was set, or another machine wrote.
const CLOCK_SLACK: i64 = 300;
/// So few request numbers left are worth a word.
const FEW_NUMBERS: u32 = 1000;

impl Embedded {
    /// The findings, each with what was seen.
    pub(super) fn look(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
        let stored = self.stored(cx).and_then(|row| Ok((row, self.chain(cx)?)));
        let (row, chain) = match stored {
            Ok(found) => found,
            Err(error) => return vec![finding("Reachable", Err(error))],
        };
        let own = chain.first();
        let mut findings = vec![finding("Reachable", self.is_there(cx, own))];
        if let Some(row) = &row {
            findings.push(finding("Key", cx.keys.open(&row.key).map(|_| "it can be opened".to_owned())));
        }
        findings.push(finding("Clock", self.is_in_time(cx, row.as_ref(), own)));
        let principal = self.settings.admit(inquiry.requester, inquiry.account);
        let template = match &principal {
            Ok(principal) => self.settings.template_for(principal, inquiry.template),
            Err(_) => self.settings.template(inquiry.template),
        };
        findings.push(finding("Right", principal.map(|who| format!("`{who}` may read and enroll"))));
        let Ok(template) = template.as_ref() else {
            findings.push(finding("Template", template.map(|_| String::new())));
            return findings;
        };
        let waits = if template.approval == super::Approval::Manager { ", each waits for approval" } else { "" };
        let seen = format!("`{}`, {} days{waits}", template.name, template.validity_days);
        findings.push(finding("Template", Ok(seen)));
        let seen = format!("{}, at least {} bits of RSA", inquiry.key, template.minimum_key_size);
        let checked = self.settings.check_key(template, inquiry.key, inquiry.exportable);
        findings.push(finding("KeySize", checked.map(|()| seen)));
        findings.push(finding("Names", self.are_permitted(cx, inquiry)));
        findings.push(finding("Limits", self.has_left(cx, row.as_ref(), own, template.validity_days)));
        findings
    }

    fn is_there(&self, cx: &Context<'_>, own: Option<&Certificate>) -> Result<String> {
        self.check_certified(cx)?;
        let Some(own) = own else { return Ok("it is made with its first request".to_owned()) };
        if !own.is_valid_at(cx.now) {
            let (begin, end) = (own.not_before(), own.not_after());
            return Err(Error::new(
                ErrorId::CertificateExpired,
                format!("the authority's own certificate is valid from {begin} to {end} only"),
            )
            .about(&self.settings.config)
            .hint(self.renewal()));
        }
        Ok(format!("in this home, its certificate ends at {}", own.not_after()))
    }

    /// A clock that stands before what was written last gives certificates that begin too early, or none.
    fn is_in_time(&self, cx: &Context<'_>, row: Option<&AuthorityRow>, own: Option<&Certificate>) -> Result<String> {
        let last = row.and_then(|row| row.next_request_id.checked_sub(1));
        let last = last.map(|number| self.submission(cx, number)).transpose()?.flatten().map(|s| s.submitted);
        let begun = own.map(Certificate::not_before);
        match last.max(begun) {
            Some(latest) if latest > cx.now.plus_seconds(CLOCK_SLACK) => Err(Error::new(
                ErrorId::CertificateNotYetValid,
                format!("the clock says {}, and the authority did something at {latest} already", cx.now),
            )
            .about(&self.settings.config)
            .hint("set the clock of this computer right")),
            _ => Ok(cx.now.to_string()),
        }
    }

    fn are_permitted(&self, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Result<String> {
        let spaces = self.spaces(cx)?;
        let is_outside = |name: &AlternativeName| !spaces.iter().all(|space| space.permits(name));
        let outside: Vec<String> = inquiry
            .names
            .iter()
            .filter(|(name, _)| is_outside(&AlternativeName::host(name)))
            .map(|(name, reason)| format!("`{name}` ({reason})"))
            .collect();
        if !outside.is_empty() {
            return Err(Error::new(
                ErrorId::RequestDenied,
                format!("names outside the authority's name constraints: {} (0x80094001)", outside.join(", ")),
            )
            .about(&self.settings.config)
            .hint("leave them out with `-ExcludeComputedName`")
            .hint(self.renewal()));
        }
        let cautions = self.cautions(cx)?;
        if !cautions.is_empty() {
            return Ok(cautions.join("; "));
        }
        let inside: Vec<String> = spaces.iter().map(ToString::to_string).collect();
        Ok(if inside.is_empty() { "no constraints yet".to_owned() } else { inside.join("; ") })
    }

    fn has_left(
        &self,
        cx: &Context<'_>,
        row: Option<&AuthorityRow>,
        own: Option<&Certificate>,
        days: u32,
    ) -> Result<String> {
        let numbers = row.map_or(u32::MAX, |row| u32::MAX - row.next_request_id);
        if numbers == 0 {
            return Err(Error::new(
                ErrorId::LimitExceeded,
                format!("the authority `{}` has used up its request numbers", self.settings.config),
            )
            .about(&self.settings.config)
            .hint("declare a new `[[ca]]` under another `config` in `certlet.toml`"));
        }
        let mut notes = Vec::new();
        if numbers < FEW_NUMBERS {
            notes.push(format!("{numbers} request numbers are left"));
        }
        if let Some(own) = own {
            let left = own.not_after().since(cx.now).div_euclid(86_400);
            if left < i64::from(days).max(SOON_DAYS) {
                notes.push(format!(
                    "certificates are cut to {left} days, when the authority's own ends; {}",
                    self.renewal()
                ));
            }
        }
        let waiting = cx.state.submissions(&self.row, None)?;
        let waiting = waiting.iter().filter(|(_, row)| row.disposition == disposition::PENDING).count();
        if waiting > 0 {
            notes.push(format!("{waiting} requests wait for approval"));
        }
        Ok(if notes.is_empty() { "none is near".to_owned() } else { notes.join("; ") })
    }
}

fn finding(subject: &'static str, seen: Result<String>) -> Finding {
    match seen {
        Ok(note) => Finding { subject, fault: None, note },
        Err(error) => Finding { subject, fault: Some(error), note: String::new() },
    }
}
