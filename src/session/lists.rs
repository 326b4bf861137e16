//! Revocation lists of embedded authorities: written where they are published, before the last one ends.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{Artefact, Session, read_artefact};
use crate::ca::{Authority, Context, Database, Publication};
use crate::error::{Error, ErrorId, Result};
use crate::model::Moment;
use crate::x509::parse_crl;

/// One list is written at a time, so that an older one never takes the place of a newer.
const LEASE: &str = "revocation-list";
/// How long another process may take to write its list.
const WAIT: Duration = Duration::from_secs(10);

/// A revocation list that was published.
#[derive(Clone, Debug)]
pub(crate) struct PublishedList {
    /// Whose it is.
    pub(crate) authority: String,
    /// The address that its certificates carry.
    pub(crate) url: String,
    /// The file.
    pub(crate) file: PathBuf,
    /// The list's number.
    pub(crate) number: u64,
    /// How many certificates it names.
    pub(crate) revoked: usize,
    /// When it begins.
    pub(crate) begins: Moment,
    /// When it ends: the next one must be there before.
    pub(crate) ends: Moment,
}

impl Session {
    /// Publishes the list of every embedded authority that has a publisher and whose published list is absent, ends
    /// within its overlap, or does not tell of a revocation; nothing where all are good.
    ///
    /// To be called after each revocation, and every few minutes by whoever serves or renews. One that fails does not
    /// keep the others; each failure stands for itself.
    pub(crate) fn publish_due_lists(&self) -> Vec<Result<PublishedList>> {
        let authorities = match self.authorities() {
            Ok(authorities) => authorities,
            Err(error) => return vec![Err(error)],
        };
        let published = authorities.iter().map(|authority| match self.list_of(&**authority) {
            Ok(ListState::Due(_)) => self.publish_list(&**authority, false),
            Ok(ListState::Good(_) | ListState::NoPublisher | ListState::Unborn) => Ok(None),
            Err(error) => Err(error),
        });
        published.filter_map(Result::transpose).collect()
    }

    /// Publishes an authority's list; where it is not forced, only when it is due. `None` when there is nothing to do.
    ///
    /// # Errors
    /// `Busy`, `FileNotWritable`, `DiskFull`, `StoreLocked`, `NotAdministrator`.
    pub(crate) fn publish_list(&self, authority: &dyn Authority, is_forced: bool) -> Result<Option<PublishedList>> {
        let Some((database, publication)) = publisher(authority) else { return Ok(None) };
        self.policy()?.check_change()?;
        let (state, keys) = (self.state()?, self.keys()?);
        let holder = format!("pid {}, publishing the list of {}", std::process::id(), authority.config());
        let _lease = state.lease(LEASE, &holder, WAIT)?;
        match self.list_of(authority)? {
            ListState::Due(_) => {}
            ListState::Good(_) if is_forced => {}
            _ => return Ok(None),
        }
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled: &|| false };
        let shown = publication.file.display().to_string();
        // A folder that cannot be written is found before the number is used up.
        let file = Artefact::create(&publication.file, &shown)?;
        let mut tries = 0;
        let list = loop {
            let (der, writes) = database.revocation_list(&cx)?;
            let list = parse_crl(&der)?;
            let change = json!([{
                "revocationList": list.number(), "authority": authority.config(), "file": shown, "revoked": list.len(),
            }]);
            match self.record("Publish-CertificateRevocationList", "Done", change, &writes) {
                Ok(()) => break list,
                // A request took the row in between.
                Err(error) if error.id() == ErrorId::PlanStale && tries < 64 => tries += 1,
                Err(error) => return Err(error),
            }
        };
        file.finish(list.der(), false)?;
        Ok(Some(PublishedList {
            authority: authority.config().to_owned(),
            url: publication.url.clone(),
            file: publication.file.clone(),
            number: list.number().unwrap_or_default(),
            revoked: list.len(),
            begins: list.this_update(),
            ends: list.next_update().unwrap_or(list.this_update()),
        }))
    }

    /// How an authority's published list stands.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn list_of(&self, authority: &dyn Authority) -> Result<ListState> {
        let Some((database, publication)) = publisher(authority) else { return Ok(ListState::NoPublisher) };
        let (state, keys) = (self.state()?, self.keys()?);
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled: &|| false };
        if authority.chain(&cx)?.is_empty() {
            return Ok(ListState::Unborn);
        }
        let config = authority.config();
        let remedy = format!("`Publish-CertificateRevocationList -CA '{config}'` publishes a new one");
        let shown = publication.file.display().to_string();
        let judged = read_artefact(&publication.file, &shown).and_then(|der| database.check_list(&cx, &der));
        let end = match judged {
            Ok(end) => end,
            Err(error) if matches!(error.id(), ErrorId::StoreUnavailable | ErrorId::StoreLocked) => return Err(error),
            Err(error) if error.hints().is_empty() => return Ok(ListState::Due(error.hint(remedy))),
            Err(error) => return Ok(ListState::Due(error)),
        };
        if end.plus_seconds(-i64::from(publication.overlap_hours) * 3600) > cx.now {
            return Ok(ListState::Good(end));
        }
        let error = Error::new(ErrorId::BadCertificateFile, format!("the revocation list of `{config}` ends at {end}"));
        Ok(ListState::Due(error.about(config).hint(remedy)))
    }
}

/// How a published list stands.
#[derive(Debug)]
pub(crate) enum ListState {
    /// The authority publishes none.
    NoPublisher,
    /// The authority has no certificate yet, and so nothing to revoke.
    Unborn,
    /// Good until then.
    Good(Moment),
    /// A new one is to be published, and why.
    Due(Error),
}

fn publisher(authority: &dyn Authority) -> Option<(&dyn Database, &Publication)> {
    let database = authority.as_database()?;
    Some((database, database.publication()?))
}
