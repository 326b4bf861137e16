//! The plan that assigns a certificate: rows of uses, and the bindings that are to serve it.

use super::Session;
use super::plan::{Deployment, Plan};
use super::sites::Place;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint, KeyAlgorithm, Moment, ServerSettings, Slot, UseName};
use crate::state::{AssignmentKey, AssignmentRow, CertificateRow, Row, RowKey, Write};

/// The scope of assignments that all computers share.
pub(crate) const GLOBAL: &str = "global";

/// The plan that assigns one certificate to one use after the other.
pub(crate) struct Assigning<'a> {
    session: &'a Session,
    certificate: &'a Certificate,
    fingerprint: Fingerprint,
    /// What has been planned so far.
    pub(crate) plan: Plan,
    /// Uses that no binding of this computer serves.
    pub(crate) unbound: Vec<UseName>,
    /// Uses whose global assignment is hidden here by one of the computer's own.
    pub(crate) hidden: Vec<UseName>,
    /// Staged certificates that the new assignment takes the place of.
    pub(crate) unstaged: Vec<(UseName, Fingerprint)>,
}

impl<'a> Assigning<'a> {
    /// A plan without any use yet.
    pub(crate) fn new(session: &'a Session, certificate: &'a Certificate) -> Self {
        Self {
            session,
            certificate,
            fingerprint: certificate.fingerprint(),
            plan: Plan::default(),
            unbound: Vec::new(),
            hidden: Vec::new(),
            unstaged: Vec::new(),
        }
    }

    /// The key of a use's assignment in a scope: its slot is that of the key's family where a server has two.
    ///
    /// # Errors
    /// `NoTransport` for a computer whose sites are not served from here; `NoHome`, `ConfigInvalid`, `TopologyInvalid`.
    pub(crate) fn key(&self, scope: &str, use_name: &UseName) -> Result<AssignmentKey> {
        let places = self.session.reachable_places(scope, use_name)?;
        let slot = places.first().map_or(Slot::Any, |p| slot_of(&p.slots(), self.certificate));
        Ok(AssignmentKey { scope: scope.to_owned(), use_name: use_name.as_str().to_owned(), slot })
    }

    /// Assigns the certificate at once and puts it on the bindings of the use; gives what was assigned before.
    ///
    /// Where it is assigned already nothing is written, and what is served is proven again.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, `TopologyInvalid`, `StoreUnavailable`.
    pub(crate) fn now(&mut self, key: AssignmentKey) -> Result<Option<Fingerprint>> {
        let use_name: UseName = key.use_name.parse()?;
        let hidden = self.session.is_hidden(&key)?;
        let scope = key.scope.clone();
        let row_key = RowKey::Assignment(key);
        let old = self.row(&row_key)?;
        let before = old.as_ref().and_then(|r| r.certificate);
        let staged = old.as_ref().and_then(|r| r.staged);
        let thumbprint = self.certificate.thumbprint();
        let is_assigned = before == Some(self.fingerprint);
        let line = if is_assigned { "Keep certificate" } else { "Assign certificate" };
        self.plan.line(format!("{line} {thumbprint}"), use_name.as_str());
        if is_assigned {
            // Nothing to write but that it waits no more; and what is bound below must not differ from what another
            // change assigns meanwhile.
            let new = old
                .clone()
                .map(|row| AssignmentRow { staged: row.staged.filter(|(f, _)| *f != self.fingerprint), ..row });
            self.plan.rows.push(Write::replace(row_key, old.map(Row::Assignment), new.map(Row::Assignment)));
        } else {
            let old = old.map(Row::Assignment);
            if let Some((other, _)) = staged.filter(|(f, _)| *f != self.fingerprint) {
                self.unstaged.push((use_name.clone(), other));
            }
            let row = AssignmentRow {
                certificate: Some(self.fingerprint),
                previous: before,
                staged: None,
                updated: self.session.now(),
            };
            self.plan.rows.push(Write::replace(row_key, old, Some(Row::Assignment(row))));
        }
        if hidden {
            self.hidden.push(use_name);
        } else {
            self.deploy(&scope, &use_name)?;
        }
        Ok(before)
    }

    /// Stages the certificate: it takes over at a moment, when somebody promotes it.
    ///
    /// # Errors
    /// `StoreUnavailable`, `CannotConvertArgument`.
    pub(crate) fn later(&mut self, key: AssignmentKey, at: Moment) -> Result<()> {
        let use_name: UseName = key.use_name.parse()?;
        let row_key = RowKey::Assignment(key);
        let old = self.row(&row_key)?;
        let (certificate, previous) = old.as_ref().map_or((None, None), |r| (r.certificate, r.previous));
        let staged = Some((self.fingerprint, at));
        let at = at.in_zone(&self.session.zone());
        self.plan.line(format!("Stage certificate {} for {at}", self.certificate.thumbprint()), use_name.as_str());
        if let Some((other, _)) = old.as_ref().and_then(|r| r.staged).filter(|(f, _)| *f != self.fingerprint) {
            self.unstaged.push((use_name, other));
        }
        let is_same = old.as_ref().is_some_and(|r| r.staged == staged);
        let row = AssignmentRow { certificate, previous, staged, updated: self.session.now() };
        let new = if is_same { old.clone() } else { Some(row) };
        self.plan.rows.push(Write::replace(row_key, old.map(Row::Assignment), new.map(Row::Assignment)));
        Ok(())
    }

    /// Bans a certificate from every later use.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn ban(&mut self, fingerprint: Fingerprint) -> Result<()> {
        let key = RowKey::Certificate(fingerprint);
        if fingerprint == self.fingerprint || self.plan.rows.iter().any(|w| w.key == key) {
            return Ok(());
        }
        if let Some(row) = self.session.stored(&fingerprint)? {
            let banned = CertificateRow { banned: Some("KeyCompromise".to_owned()), ..row.clone() };
            self.plan.line(format!("Ban certificate {}", row.thumbprint), "every later use");
            self.plan.rows.push(Write::replace(key, Some(Row::Certificate(row)), Some(Row::Certificate(banned))));
        }
        Ok(())
    }

    fn deploy(&mut self, scope: &str, use_name: &UseName) -> Result<()> {
        let places = self.session.reachable_places(scope, use_name)?;
        if places.is_empty() {
            self.unbound.push(use_name.clone());
        }
        for place in places {
            let binding = place.key(slot_of(&place.slots(), self.certificate));
            // What is bound already is proven once more.
            let is_bound = self.session.bound_at(&place, binding.slot)? == Some(self.fingerprint);
            self.plan.line(
                format!("{} certificate {}", if is_bound { "Prove" } else { "Bind" }, self.certificate.thumbprint()),
                format!("{} {}", binding.site, binding.information),
            );
            self.plan.deployments.push(Deployment {
                binding,
                use_name: use_name.as_str().to_owned(),
                certificate: Some(self.fingerprint),
            });
        }
        Ok(())
    }

    fn row(&self, key: &RowKey) -> Result<Option<AssignmentRow>> {
        Ok(match self.session.state()?.row(key)? {
            Some(Row::Assignment(row)) => Some(row),
            _ => None,
        })
    }
}

impl Session {
    /// Whether a global assignment has no effect on this computer, which has one of its own.
    ///
    /// # Errors
    /// `StoreUnavailable`, `TopologyInvalid`.
    pub(crate) fn is_hidden(&self, key: &AssignmentKey) -> Result<bool> {
        if key.scope != GLOBAL {
            return Ok(false);
        }
        let scope = self.local_scope()?;
        let own = RowKey::Assignment(AssignmentKey { scope, ..key.clone() });
        Ok(matches!(self.state()?.row(&own)?, Some(Row::Assignment(row)) if row.certificate.is_some()))
    }

    /// The global certificate that counts on a computer once its own assignment is gone.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn heir(&self, key: &AssignmentKey) -> Result<Option<Fingerprint>> {
        if key.scope == GLOBAL {
            return Ok(None);
        }
        let global = RowKey::Assignment(AssignmentKey { scope: GLOBAL.to_owned(), ..key.clone() });
        Ok(match self.state()?.row(&global)? {
            Some(Row::Assignment(row)) => row.certificate,
            _ => None,
        })
    }

    /// The TLS bindings that an assignment of a scope changes: those of the scope's computer; for a global one, those
    /// of this computer.
    ///
    /// # Errors
    /// `NoTransport` where another computer's site is no site of the built-in listener: its files are not here.
    pub(crate) fn reachable_places(&self, scope: &str, use_name: &UseName) -> Result<Vec<Place>> {
        let local = self.local_scope()?;
        let computer = if scope == GLOBAL { local.as_str() } else { scope };
        let places = self.places_on(&computer.parse()?, use_name)?;
        let is_foreign = |place: &&Place| place.site.website.server != ServerSettings::Listener;
        if let Some(place) = places.iter().find(is_foreign).filter(|_| computer != local) {
            let site = &place.site.website.name;
            let text = format!("the site `{site}` is on `{computer}`, whose files cannot be reached from here");
            let error = Error::new(ErrorId::NoTransport, text).about(computer);
            return Err(error.hint(format!("run the command on `{computer}` itself")));
        }
        Ok(places)
    }

    /// The scope of this computer's own assignments: its name in lower case.
    ///
    /// # Errors
    /// `NoHome`, `TopologyInvalid`.
    pub(crate) fn local_scope(&self) -> Result<String> {
        Ok(self.topology()?.local_computer()?.as_str().to_ascii_lowercase())
    }
}

/// The slot that a certificate has among those of a server.
fn slot_of(slots: &[Slot], certificate: &Certificate) -> Slot {
    if slots.contains(&Slot::Any) {
        Slot::Any
    } else if certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic) {
        Slot::Ecdsa
    } else {
        Slot::Rsa
    }
}
