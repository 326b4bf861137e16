//! When a certificate is to be renewed: when its authority says so (RFC 9773), else in the last third of its life.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{RenewalGroup, Session};
use crate::ca::{Context, RenewalWindow};
use crate::error::{ErrorId, Result};
use crate::model::{Certificate, Fingerprint, Moment};

/// When a certificate is to be renewed, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// From this moment on.
    pub(crate) at: Moment,
    /// Why then, in a few words.
    pub(crate) why: String,
    /// Why the authority could not be asked, where it could not.
    pub(crate) unasked: Option<String>,
}

/// What an authority said, and the moment that was picked in its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    start: Moment,
    end: Moment,
    at: Moment,
    ask_again: Moment,
    explanation: Option<String>,
}

/// How long an answer holds where the authority does not say (RFC 9773 section 4.3.3: once in six hours or so).
const ASK_AGAIN_SECONDS: i64 = 6 * 3600;

/// However long it says that its answer holds.
const ASK_AGAIN_AT_LAST: i64 = 24 * 3600;

/// The moment from which two thirds of a certificate's life are over.
pub(crate) fn by_life(certificate: &Certificate) -> Moment {
    let life = certificate.not_after().since(certificate.not_before());
    certificate.not_before().plus_seconds(life - life / 3)
}

impl Session {
    /// When the certificate of a group is to be renewed; `None` for one that has vanished.
    ///
    /// With `ask` its authority is asked where the last answer is old; without, what it said last is taken.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Interrupted`. That the authority does not answer is none: its last word holds, else a third of
    /// the life.
    pub(crate) fn renewal_due(
        &self,
        group: &RenewalGroup,
        ask: bool,
        keep: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Due>> {
        let Some((_, old)) = &group.old else { return Ok(None) };
        let name = format!("renewal:{}", group.fingerprint);
        let mut said: Option<Said> = self.remembered(&name)?;
        let mut unasked = None;
        // An answer from a day that a wrong clock told is not waited for.
        let is_old = |s: &Said| !(1..=ASK_AGAIN_AT_LAST).contains(&s.ask_again.since(self.now()));
        if ask && said.as_ref().is_none_or(is_old) {
            match self.ask_window(group, old, cancelled) {
                Ok(Some(window)) => {
                    let picked = said.filter(|s| (s.start, s.end) == (window.start, window.end)).map(|s| s.at);
                    let fresh = Said {
                        at: picked.unwrap_or_else(|| moment_in(&window, &group.fingerprint)),
                        start: window.start,
                        end: window.end,
                        ask_again: window.ask_again.unwrap_or(self.now().plus_seconds(ASK_AGAIN_SECONDS)),
                        explanation: window.explanation,
                    };
                    if keep && let Ok(text) = serde_json::to_string(&fresh) {
                        self.remember(&name, text)?;
                    }
                    said = Some(fresh);
                }
                Ok(None) => said = None,
                Err(error) if matches!(error.id(), ErrorId::Interrupted | ErrorId::TimedOut) => return Err(error),
                Err(error) => unasked = Some(error.to_string()),
            }
        }
        let Some(said) = said else {
            let why = "less than a third of its life is left then".to_owned();
            return Ok(Some(Due { at: by_life(old), why, unasked }));
        };
        let why = match &said.explanation {
            Some(url) => format!("its authority wants it renewed then: {url}"),
            None => "its authority wants it renewed then".to_owned(),
        };
        // Whatever the authority says: the last sixth of the life is for mending what went wrong.
        let latest = old.not_after().plus_seconds(-(old.not_after().since(old.not_before()) / 6));
        Ok(Some(Due { at: said.at.min(latest), why, unasked }))
    }

    fn ask_window(
        &self,
        group: &RenewalGroup,
        old: &Certificate,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<RenewalWindow>> {
        let authority = match self.issuer_of(group) {
            Ok(Some(authority)) => authority,
            Ok(None) => return Ok(None),
            Err(error) if error.id() == ErrorId::CaUnreachable => return Ok(None),
            Err(error) => return Err(error),
        };
        let (state, keys) = (self.state()?, self.keys()?);
        let cx = Context { state: &*state, keys: &*keys, now: self.now(), cancelled };
        authority.renewal_window(&cx, old)
    }
}

/// A moment of the window that is as good as random and the same at every look: picked by the certificate's own hash, so
/// that the certificates of one day do not come back on one day (RFC 9773 section 4.2).
fn moment_in(window: &RenewalWindow, fingerprint: &Fingerprint) -> Moment {
    let span = window.end.since(window.start).max(0) as u64;
    let mut hash = Sha256::new();
    hash.update(fingerprint.as_bytes());
    hash.update(window.start.unix().to_be_bytes());
    hash.update(window.end.unix().to_be_bytes());
    let head = hash.finalize().iter().take(8).fold(0_u64, |n, b| n << 8 | u64::from(*b));
    window.start.plus_seconds((head % (span + 1)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_lies_in_the_window_and_differs_between_certificates() {
        let window = |start, end| RenewalWindow {
            start: Moment::from_unix(start),
            end: Moment::from_unix(end),
            explanation: None,
            ask_again: None,
        };
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..50_u8 {
            let at = moment_in(&window(1000, 100_000), &Fingerprint::from_bytes([n; 32]));
            assert!((1000..=100_000).contains(&at.unix()));
            assert_eq!(at, moment_in(&window(1000, 100_000), &Fingerprint::from_bytes([n; 32])));
            seen.insert(at);
        }
        assert!(seen.len() > 45, "{seen:?}");
        // A window without length, and one that is upside down.
        assert_eq!(moment_in(&window(7, 7), &Fingerprint::from_bytes([1; 32])), Moment::from_unix(7));
        assert_eq!(moment_in(&window(7, 3), &Fingerprint::from_bytes([1; 32])), Moment::from_unix(7));
    }
}
