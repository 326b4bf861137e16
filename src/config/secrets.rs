//! Where secrets are to be had: `{ file = "…" }` or `{ env = "NAME" }`, never the secret itself.

use std::path::Path;

use super::reader::Item;
use super::settings::SecretSource;

/// Reads a secret's source; `home` is the folder of relative paths.
pub(super) fn read_secret(item: Item<'_>, home: &Path) -> Option<SecretSource> {
    if !item.is_table() {
        // The value is not shown: it may be the secret.
        let hint = "write `{ file = \"…\" }` or `{ env = \"NAME\" }`".to_owned();
        item.document.problem(
            &item.span(),
            "a secret does not stand in this file, only where it is to be had",
            Some(hint),
        );
        return None;
    }
    let table = item.table()?;
    let source = match (table.text("file"), table.text("env")) {
        (Some(file), None) => Some(SecretSource::File(home.join(file.value))),
        (None, Some(name)) if !name.value.is_empty() && !name.value.contains(['=', '\0']) => {
            Some(SecretSource::Environment(name.value))
        }
        (None, Some(name)) => {
            table.document.problem(&name.span, "this is no name of an environment variable", None);
            None
        }
        (Some(_), Some(name)) => {
            table.document.problem(&name.span, "either `file` or `env`, not both", None);
            None
        }
        (None, None) => {
            table.missing("file");
            None
        }
    };
    table.finish();
    source
}
