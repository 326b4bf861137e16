//! Staged certificates that are due take over: an ordinary change, proven as any other.

use super::assign::Assigning;
use super::{Receipt, Session, fitness};
use crate::command::Invocation;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Fingerprint, Moment, UseName};
use crate::session::Assigned;
use crate::state::{Row, RowKey, Write};

/// The setting that remembers when somebody last looked for what is due.
const LAST_LOOK: &str = "promotion-looked";

/// How often that is remembered at most: whoever looks every second need not write every second.
const LOOK_SECONDS: i64 = 3600;

const DAY: i64 = 86_400;

/// Uses that were staged together, and what became of them when they were due.
#[derive(Debug)]
pub(crate) struct Promotion {
    /// The uses that change together.
    pub(crate) uses: Vec<UseName>,
    /// Where the assignments are kept: `global`, or the computer.
    pub(crate) scope: String,
    /// The certificate that was staged.
    pub(crate) certificate: Fingerprint,
    /// When it was due.
    pub(crate) due: Moment,
    /// The receipt of the change; the error that stopped it, and then the certificate stays staged.
    pub(crate) outcome: Result<Receipt>,
}

impl Session {
    /// The staged assignments that are due, the longest due first.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`.
    pub(crate) fn due(&self) -> Result<Vec<Assigned>> {
        let now = self.now();
        let mut due = self.staged()?;
        due.retain(|a| a.row.staged.is_some_and(|(_, at)| at <= now));
        Ok(due)
    }

    /// The staged assignments of every scope in this state, the earliest due first.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`.
    pub(crate) fn staged(&self) -> Result<Vec<Assigned>> {
        let all = self.state()?.assignments()?.into_iter().map(|(key, row)| Assigned { key, row });
        let mut staged: Vec<Assigned> = all.filter(|a| a.row.staged.is_some()).collect();
        staged.sort_by_key(|a| a.row.staged.map(|(_, at)| at));
        Ok(staged)
    }

    /// When somebody last looked for what is due; `None` where nobody ever did.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`.
    fn last_promotion_look(&self) -> Result<Option<Moment>> {
        Ok(match self.state()?.row(&RowKey::Setting(LAST_LOOK.to_owned()))? {
            Some(Row::Setting(text)) => text.parse().ok().map(Moment::from_unix),
            _ => None,
        })
    }

    /// Whether somebody has looked for what is due within a day.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`.
    pub(crate) fn has_promoter(&self) -> Result<bool> {
        // A look of a later day is one of a day that a wrong clock told.
        Ok(self.last_promotion_look()?.is_some_and(|last| self.now().since(last).abs() <= DAY))
    }

    /// Lets every staged certificate that is due take over, each set that was staged together as one proven change.
    ///
    /// One that does not come through stays staged, and its [`Promotion`] says why; the others go on. That
    /// somebody looked is remembered, also when nothing is due. Under `-WhatIf` it only shows.
    ///
    /// # Errors
    /// `NoHome`, `StoreUnavailable`, `NotAdministrator`, `ReadOnlySession`; `Interrupted` and `TimedOut` end it in between.
    pub(crate) fn promote_due(&self, cx: &mut Invocation<'_>) -> Result<Vec<Promotion>> {
        self.policy()?.check_change()?;
        if !cx.what_if() {
            self.remember_look()?;
        }
        let mut groups: Vec<Vec<Assigned>> = Vec::new();
        for one in self.due()? {
            let alike = |other: &Assigned| other.key.scope == one.key.scope && other.row.staged == one.row.staged;
            match groups.iter_mut().find(|group| group.first().is_some_and(alike)) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        let mut promotions = Vec::new();
        for group in groups {
            cx.check_cancelled()?;
            let Some(first) = group.first() else { continue };
            let Some((certificate, due)) = first.row.staged else { continue };
            let scope = first.key.scope.clone();
            let uses = group.iter().map(|a| a.key.use_name.parse()).collect::<Result<Vec<UseName>>>()?;
            let outcome = self.promote(cx, &group, certificate, &uses);
            match outcome.as_ref().err().map(Error::id) {
                Some(ErrorId::Interrupted | ErrorId::TimedOut) => return outcome.map(|_| promotions),
                // Somebody else was faster: what is promoted already has not failed.
                Some(ErrorId::PlanStale) if !self.is_still_staged(&group)? => continue,
                _ => {}
            }
            promotions.push(Promotion { uses, scope, certificate, due, outcome });
        }
        Ok(promotions)
    }

    fn promote(
        &self,
        cx: &mut Invocation<'_>,
        group: &[Assigned],
        fingerprint: Fingerprint,
        uses: &[UseName],
    ) -> Result<Receipt> {
        let Some(row) = self.stored(&fingerprint)? else {
            let message = format!("the staged certificate `{fingerprint}` is not stored any more");
            return Err(Error::new(ErrorId::CertificateNotFound, message).about(fingerprint.to_string()));
        };
        let certificate = self.certificate_of(&row)?;
        if let Some(obstacle) = fitness(self, &row, &certificate, uses, self.now())?.into_iter().find(|f| f.is_obstacle)
        {
            return Err(obstacle.error);
        }
        let mut assigning = Assigning::new(self, &certificate);
        for one in group {
            assigning.now(one.key.clone())?;
        }
        self.commit(assigning.plan, cx)
    }

    fn is_still_staged(&self, group: &[Assigned]) -> Result<bool> {
        let staged = self.staged()?;
        Ok(group.iter().any(|one| staged.iter().any(|s| s.key == one.key && s.row.staged == one.row.staged)))
    }

    /// Bookkeeping, no change: it needs no line in the audit log.
    fn remember_look(&self) -> Result<()> {
        let now = self.now();
        if self.last_promotion_look()?.is_some_and(|last| (0..LOOK_SECONDS).contains(&now.since(last))) {
            return Ok(());
        }
        let key = RowKey::Setting(LAST_LOOK.to_owned());
        self.state()?.write(&[Write::put(key, Row::Setting(now.unix().to_string()))])
    }
}
