//! The last proof of each binding, remembered with its time: a proof goes stale.

use serde::{Deserialize, Serialize};

use super::Session;
use super::sites::Place;
use crate::error::Result;
use crate::model::{EndpointProof, Moment, Thumbprint, Verdict};
use crate::state::{Row, RowKey, Write};

/// What the last look at a binding came to, over all of its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastProof {
    /// When it was made.
    pub(crate) time: Moment,
    /// The gravest verdict.
    pub(crate) verdict: Verdict,
    /// What was wrong.
    pub(crate) problem: Option<String>,
    /// What was to be seen.
    pub(crate) expected: Option<Thumbprint>,
}

/// A proof of the same outcome is written down again only when the remembered one is older.
const REMEMBERED_SECONDS: i64 = 3600;

impl Session {
    /// Remembers what was seen. A look changes nothing, so that it is no failure when this cannot be written; what tells
    /// nothing new is not written.
    pub(crate) fn remember_proofs(&self, proofs: &[EndpointProof]) {
        let mut bindings: Vec<(String, LastProof)> = Vec::new();
        for proof in proofs.iter().filter(|p| p.verdict != Verdict::NotApplicable) {
            let name = setting(&proof.computer, &proof.site, &proof.information);
            let last = LastProof {
                time: proof.proven_at,
                verdict: proof.verdict,
                problem: proof.problem.clone(),
                expected: proof.expected,
            };
            match bindings.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if last.verdict > known.verdict => *known = last,
                Some(_) => {}
                None => bindings.push((name, last)),
            }
        }
        for (name, last) in bindings {
            let is_news = self.remembered::<LastProof>(&name).ok().flatten().is_none_or(|known| {
                known.verdict != last.verdict
                    || known.expected != last.expected
                    || last.time.since(known.time) > REMEMBERED_SECONDS
            });
            if is_news && let Ok(text) = serde_json::to_string(&last) {
                let _ = self.remember(&name, text);
            }
        }
    }

    /// What the last look at a binding came to, if anybody ever looked.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(crate) fn last_proof(&self, place: &Place) -> Result<Option<LastProof>> {
        let key = place.key(crate::model::Slot::Any);
        self.remembered(&setting(&key.computer, &key.site, &key.information))
    }

    /// Writes down an observation: something that was seen and changes nothing.
    ///
    /// # Errors
    /// `DiskFull`, `StoreUnavailable`.
    pub(super) fn remember(&self, name: &str, text: String) -> Result<()> {
        if self.policy()?.read_only {
            return Ok(());
        }
        self.state()?.write(&[Write::put(RowKey::Setting(name.to_owned()), Row::Setting(text))])
    }

    /// An observation as it was written down; `None` for one that cannot be read any more.
    pub(super) fn remembered<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        Ok(match self.state()?.row(&RowKey::Setting(name.to_owned()))? {
            Some(Row::Setting(text)) => serde_json::from_str(&text).ok(),
            _ => None,
        })
    }
}

fn setting(computer: &str, site: &str, information: &str) -> String {
    format!("proof:{computer}/{site}/{information}")
}
