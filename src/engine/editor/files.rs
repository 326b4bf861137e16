//! Files and folders for a path that is being typed.

use std::path::Path;

use super::{Candidate, begins};
use crate::session::Session;

/// So many names of a folder are looked at.
const MOST_NAMES: usize = 10_000;

/// The files that a path may go on with; a folder ends with the separator that was typed.
pub(super) fn files(session: &Session, typed: &str) -> Vec<Candidate> {
    let cut = typed.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (folder, name) = typed.split_at(cut);
    let separator = folder.chars().next_back().unwrap_or('/');
    let shown = if folder.is_empty() { "." } else { folder };
    // A path that no verb may use is not offered either.
    let Ok(path) = session.resolve_path(shown) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(&path) else { return Vec::new() };
    let mut found: Vec<Candidate> = entries
        .take(MOST_NAMES)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let file = entry.file_name().into_string().ok()?;
            let hidden = file.starts_with('.') && !name.starts_with('.');
            if hidden || !begins(&file, name) || file.chars().any(char::is_control) {
                return None;
            }
            let is_folder = Path::new(&path).join(&file).is_dir();
            let text = if is_folder { format!("{folder}{file}{separator}") } else { format!("{folder}{file}") };
            Some(Candidate { text, shown: file, description: if is_folder { "folder" } else { "" }.to_owned() })
        })
        .collect();
    found.sort_by(|a, b| a.shown.cmp(&b.shown));
    found
}
