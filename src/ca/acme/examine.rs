//! Whether an ACME server could be asked now; nothing is made there.

use super::Acme;
use super::account::{Remembered, is_known, needs_binding};
use super::wire::printable;
use crate::ca::{Context, Finding, Inquiry};
use crate::error::{Error, ErrorId, Result};

/// How far the clocks may be apart: authorities date certificates an hour back, clients do not.
const SKEW: i64 = 300;

pub(super) fn all(acme: &Acme, cx: &Context<'_>, inquiry: &Inquiry<'_>) -> Vec<Finding> {
    let settings = &acme.settings;
    let names: Vec<String> = inquiry.names.iter().map(|(name, _)| name.clone()).collect();
    let mut findings = vec![
        finding(
            "Names",
            acme.check_names(inquiry.names)
                .map(|()| format!("control over them is shown by {}", settings.challenge.kind())),
        ),
        finding("Limits", settings.ledger().check(cx, &names, false).and_then(|()| settings.ledger().left(cx, &names))),
    ];
    let wire = match acme.wire(cx) {
        Ok(wire) => wire,
        Err(error) => {
            findings.insert(0, finding("Reachable", Err(error)));
            return findings;
        }
    };
    let meta = &wire.directory.meta;
    findings.insert(0, finding("Reachable", Ok(settings.directory.clone())));
    findings.insert(1, finding("Clock", clock(wire.date.map(|d| cx.now.since(d)))));
    findings.push(finding("Account", account(acme, &wire, cx)));
    findings.push(finding(
        "Template",
        acme.profile(&wire, inquiry.template).map(|profile| {
            let known: Vec<String> = meta.profiles.keys().map(|n| printable(n)).collect();
            match profile {
                Some(profile) => format!("the profile is `{profile}`"),
                None if known.is_empty() => "it has no profiles".to_owned(),
                None => format!("no profile is asked for; it has {}", known.join(", ")),
            }
        }),
    ));
    if let Some(terms) = &meta.terms_of_service {
        findings.push(finding("Terms", Ok(printable(terms))));
    }
    findings
}

fn finding(subject: &'static str, seen: Result<String>) -> Finding {
    match seen {
        Ok(note) => Finding { subject, fault: None, note },
        Err(fault) => Finding { subject, fault: Some(fault), note: String::new() },
    }
}

fn clock(ahead: Option<i64>) -> Result<String> {
    match ahead {
        None => Ok("the server does not tell its time".to_owned()),
        Some(seconds) if seconds.abs() <= SKEW => Ok(format!("{} s apart", seconds.abs())),
        Some(seconds) => {
            let which = if seconds > 0 { "ahead of" } else { "behind" };
            Err(Error::new(
                ErrorId::CertificateNotYetValid,
                format!("the clock here is {} s {which} the server's", seconds.abs()),
            )
            .hint("set the clock: new certificates would not be in date here"))
        }
    }
}

fn account(acme: &Acme, wire: &super::wire::Wire, cx: &Context<'_>) -> Result<String> {
    let settings = &acme.settings;
    let remembered = Remembered::of(settings, cx)?;
    let (Some(key), Some(url)) = (remembered.key, remembered.url) else {
        if wire.directory.meta.external_account_required && settings.external_account.is_none() {
            return Err(needs_binding(settings));
        }
        return Ok("it is made at the first request".to_owned());
    };
    match is_known(wire, cx, &key) {
        Ok(true) => Ok(printable(&url)),
        Ok(false) => Ok("the server has forgotten it: it is made again at the next request".to_owned()),
        Err(failure) => Err(failure.error(&settings.config, "say whether it knows the account")),
    }
}
