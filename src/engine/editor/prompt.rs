//! What the prompt tells: who works where, and which certificate in use ends soon.

use std::fmt::Write as _;

use crate::model::{Fingerprint, Moment, Zone};
use crate::session::Session;
use crate::state::{CertificateQuery, State};

/// Who works where, and what ends soon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// `[sample]` in a throw-away world.
    pub label: Option<String>,
    /// In whose name changes are made; `None` without a home.
    pub principal: Option<String>,
    /// The local computer of the topology.
    pub computer: Option<String>,
    /// The certificates in use that end within 30 days, or ended in the last ones, the first to end first.
    pub ending: Vec<Expiry>,
}

/// A certificate in use that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Its SHA-1 thumbprint.
    pub thumbprint: String,
    /// The uses that it is assigned to; where there are none, the sites that it is bound at.
    pub used_for: Vec<String>,
    /// When it ends.
    pub not_after: Moment,
    /// Whole days until then; negative afterwards.
    pub days: i64,
}

/// How long before its end a certificate is warned of.
const DAYS: i64 = 30;
/// So many certificates that end within that time are looked at.
const MOST: usize = 1000;

impl Prompt {
    /// One line, ended by `> `: `certlet contoso\kenmyer@fe01.contoso.net> `; where the screen is narrow, short names.
    pub fn text(&self, width: usize) -> String {
        let mut text = String::new();
        if let Some(label) = &self.label {
            // Writing to a String does not fail.
            let _ = write!(text, "{label} ");
        }
        text.push_str("certlet");
        let is_narrow = width < 100;
        match (&self.principal, &self.computer) {
            (None, None) => {}
            (principal, computer) => {
                let computer = computer.as_deref().unwrap_or_default();
                let computer = if is_narrow { computer.split('.').next().unwrap_or_default() } else { computer };
                let principal = principal.as_deref().unwrap_or_default();
                let between = if principal.is_empty() || computer.is_empty() { "" } else { "@" };
                let _ = write!(text, " {principal}{between}{computer}");
            }
        }
        if let Some(first) = self.ending.first() {
            let _ = match first.days {
                ..0 => write!(text, " !ended"),
                days => write!(text, " !{days}d"),
            };
        }
        text.push_str("> ");
        text
    }

    /// A line for each certificate that ends soon.
    pub fn warnings(&self, zone: &Zone) -> Vec<String> {
        self.ending
            .iter()
            .map(|expiry| {
                let uses = expiry.used_for.join(", ");
                let when = expiry.not_after.in_zone(zone);
                match expiry.days {
                    ..0 => format!("the certificate {} of {uses} ended on {when}", expiry.thumbprint),
                    0 => format!("the certificate {} of {uses} ends within a day: {when}", expiry.thumbprint),
                    days => format!("the certificate {} of {uses} ends in {days} days: {when}", expiry.thumbprint),
                }
            })
            .collect()
    }
}

/// Asks the session; what it cannot tell is left out.
pub(super) fn prompt(session: &Session) -> Prompt {
    let computer = session.topology().ok().and_then(|t| t.local_computer().ok().map(ToString::to_string));
    Prompt {
        label: session.world().label(),
        principal: session.policy().ok().map(|policy| policy.principal),
        computer,
        // A state that is not there yet has nothing in use.
        ending: session.world().existing_state().map_or_else(Vec::new, |state| ending(session, &*state)),
    }
}

fn ending(session: &Session, state: &dyn State) -> Vec<Expiry> {
    let now = session.now();
    let query = CertificateQuery {
        ends_by: Some(now.plus_days(DAYS)),
        after: Some((now.plus_days(-DAYS), Fingerprint::from_bytes([0; 32]))),
        limit: Some(MOST),
        ..CertificateQuery::default()
    };
    let rows = state.certificates(&query).unwrap_or_default();
    if rows.is_empty() {
        return Vec::new();
    }
    let assigned = session.assigned(None).unwrap_or_default();
    let bound = state.bound().unwrap_or_default();
    rows.into_iter()
        .filter_map(|(fingerprint, row)| {
            let uses = assigned.iter().filter(|a| a.row.certificate == Some(fingerprint));
            let mut used_for: Vec<String> = uses.map(|a| a.key.use_name.clone()).collect();
            if used_for.is_empty() {
                let sites = bound.iter().filter(|(_, b)| b.certificate == fingerprint);
                used_for = sites.map(|(key, _)| key.site.clone()).collect();
            }
            used_for.dedup();
            let days = row.not_after.since(now).div_euclid(86_400);
            (!used_for.is_empty()).then(|| Expiry {
                thumbprint: row.thumbprint.to_string(),
                used_for,
                not_after: row.not_after,
                days,
            })
        })
        .collect()
}
