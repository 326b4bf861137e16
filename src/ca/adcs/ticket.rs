//! What is remembered of a request at AD CS: its number there, who asked, and how far it is.

use serde::{Deserialize, Serialize};

use crate::model::KeyId;

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// It may or may not have arrived.
    BeingSent,
    Pending,
    Issued,
    Denied,
}

/// The authority's number and the stage; never a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ticket {
    stage: Stage,
    /// The authority's number; 0 where it has none.
    pub(super) id: u32,
    /// Who handed it in.
    pub(super) user: String,
    /// For which template.
    pub(super) template: String,
    /// The words of a refusal.
    pub(super) denied: Option<String>,
    /// SHA-256 of the request's public key; none in tickets of earlier versions.
    #[serde(default)]
    pub(super) key: Option<KeyId>,
    /// Whether the number was read from a page that is not understood otherwise.
    #[serde(default)]
    pub(super) is_guessed: bool,
}

impl Ticket {
    /// The ticket of a request that is handed in next.
    pub(super) fn being_sent() -> String {
        Self::of("", "", None).to_text()
    }

    /// The ticket of a request that has been handed in.
    pub(super) fn of(user: &str, template: &str, key: Option<KeyId>) -> Self {
        let (user, template) = (user.to_owned(), template.to_owned());
        Self { stage: Stage::BeingSent, id: 0, user, template, denied: None, key, is_guessed: false }
    }

    pub(super) fn is_being_sent(&self) -> bool {
        self.stage == Stage::BeingSent
    }

    pub(super) fn issued(&mut self, id: u32) {
        (self.stage, self.id) = (Stage::Issued, id);
    }

    pub(super) fn pending(&mut self, id: u32) {
        (self.stage, self.id) = (Stage::Pending, id);
    }

    /// A number that is likely the request's: what is found under it tells.
    pub(super) fn guessed(&mut self, id: u32) {
        self.pending(id);
        self.is_guessed = true;
    }

    pub(super) fn denied(&mut self, id: Option<u32>, words: &str) {
        (self.stage, self.id, self.denied) = (Stage::Denied, id.unwrap_or_default(), Some(words.to_owned()));
    }

    pub(super) fn to_text(&self) -> String {
        // Serialising plain fields cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
