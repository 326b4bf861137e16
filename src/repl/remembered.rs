//! The history of the line editor: rustyline's own file, searched without regard to case, as verbs are typed.

use std::borrow::Cow;
use std::path::Path;

use rustyline::Result;
use rustyline::config::Config;
use rustyline::history::{FileHistory, History, SearchDirection, SearchResult};

/// The entries of this session and of earlier ones.
pub(super) struct Remembered(FileHistory);

impl Remembered {
    pub(super) fn new(config: &Config) -> Self {
        Self(FileHistory::with_config(config))
    }
}

impl History for Remembered {
    fn get(&self, index: usize, direction: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        self.0.get(index, direction)
    }

    fn add(&mut self, line: &str) -> Result<bool> {
        self.0.add(line)
    }

    fn add_owned(&mut self, line: String) -> Result<bool> {
        self.0.add_owned(line)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn set_max_len(&mut self, len: usize) -> Result<()> {
        self.0.set_max_len(len)
    }

    fn ignore_dups(&mut self, yes: bool) -> Result<()> {
        self.0.ignore_dups(yes)
    }

    fn ignore_space(&mut self, yes: bool) {
        self.0.ignore_space(yes);
    }

    fn save(&mut self, path: &Path) -> Result<()> {
        self.0.save(path)
    }

    fn append(&mut self, path: &Path) -> Result<()> {
        self.0.append(path)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.0.load(path)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn search(&self, term: &str, start: usize, direction: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        if term.is_empty() || start >= self.len() {
            return Ok(None);
        }
        let mut indexes: Box<dyn Iterator<Item = usize>> = match direction {
            SearchDirection::Forward => Box::new(start..self.len()),
            SearchDirection::Reverse => Box::new((0..=start).rev()),
        };
        Ok(indexes.find_map(|idx| {
            let entry: Cow<'_, str> = self.0.get(idx, direction).ok().flatten()?.entry;
            let pos = find(&entry, term)?;
            Some(SearchResult { entry, idx, pos })
        }))
    }

    fn starts_with(&self, term: &str, start: usize, direction: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        self.0.starts_with(term, start, direction)
    }
}

/// Where a term stands in an entry, its ASCII letters in any case.
fn find(entry: &str, term: &str) -> Option<usize> {
    entry
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| entry.get(*at..at + term.len()).is_some_and(|part| part.eq_ignore_ascii_case(term)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_in_any_case() {
        let mut history = Remembered::new(&Config::default());
        for line in ["Get-Website", "1 + 1", "get-websites é"] {
            assert!(history.add(line).unwrap());
        }
        let found =
            |term: &str, start, direction| history.search(term, start, direction).unwrap().map(|f| (f.idx, f.pos));
        assert_eq!(found("WEBS", 2, SearchDirection::Reverse), Some((2, 4)));
        assert_eq!(found("webs", 1, SearchDirection::Reverse), Some((0, 4)));
        assert_eq!(found("webs", 1, SearchDirection::Forward), Some((2, 4)));
        assert_eq!(found("é", 2, SearchDirection::Reverse), Some((2, 13)));
        assert_eq!(found("none", 2, SearchDirection::Reverse), None);
        assert_eq!(found("", 2, SearchDirection::Reverse), None);
    }
}
