//! Files and commands that a configuration names.

use std::path::{Path, PathBuf};

use super::reader::{At, Document, Table};

/// Files that must be there.
pub(super) fn files(table: &Table<'_>, key: &'static str, home: &Path) -> Vec<PathBuf> {
    table.texts(key).into_iter().map(|text| existing(table.document, &text, home)).collect()
}

/// A file that must be there; a problem otherwise.
pub(super) fn existing(document: &Document, text: &At<String>, home: &Path) -> PathBuf {
    let path = home.join(&text.value);
    if !path.is_file() {
        document.problem(
            &text.span,
            format!("there is no file `{}`", text.value),
            Some(format!("looked for `{}`", path.display())),
        );
    }
    path
}

/// An argument vector; a program written with a slash is relative to the home.
pub(super) fn command(table: &Table<'_>, key: &'static str, home: &Path) -> Option<Vec<String>> {
    let item = table.item(key)?;
    if item.as_text().is_some() {
        let hint = "write it as a list of words: `[\"/usr/sbin/nginx\", \"-t\"]`".to_owned();
        table.document.problem(&item.span(), "commands are run without a shell", Some(hint));
        return None;
    }
    let mut words: Vec<String> = item.list().into_iter().filter_map(|i| i.text()).map(|t| t.value).collect();
    if let Some(program) = words.first_mut()
        && program.contains('/')
    {
        *program = home.join(&*program).to_string_lossy().into_owned();
    }
    Some(words)
}
