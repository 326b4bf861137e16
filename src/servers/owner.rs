//! Who is to own a file: names of users and groups as numbers.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::error::{Error, ErrorId, Result};

/// Reads `user`, `user:group`, `:group`, by name (`/etc/passwd`, `/etc/group`) or number; a part not given is `None`.
///
/// # Errors
/// `ConfigInvalid` for a name that this system does not know.
pub(super) fn resolve(text: &str) -> Result<(Option<u32>, Option<u32>)> {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    Ok((number(user, "/etc/passwd", "user")?, number(group, "/etc/group", "group")?))
}

/// The user and group that new files get.
pub(super) fn of_this_process() -> Result<(u32, u32)> {
    let metadata = fs::metadata("/proc/self").map_err(|e| {
        Error::new(ErrorId::StoreUnavailable, "the system does not say which user certlet runs as").because(e)
    })?;
    Ok((metadata.uid(), metadata.gid()))
}

fn number(name: &str, table: &str, what: &str) -> Result<Option<u32>> {
    if name.is_empty() {
        return Ok(None);
    }
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let rows = fs::read_to_string(table).unwrap_or_default();
    let found = rows.lines().find_map(|row| {
        let mut fields = row.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    found.map(Some).ok_or_else(|| {
        let message = format!("`owner` names the {what} `{name}`, which is not in `{table}`");
        Error::new(ErrorId::ConfigInvalid, message).about(name).hint("a number is taken as well: `owner = \"0:0\"`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        assert_eq!(resolve("root:root").unwrap(), (Some(0), Some(0)));
        assert_eq!(resolve("12").unwrap(), (Some(12), None));
        assert_eq!(resolve(":34").unwrap(), (None, Some(34)));
        assert_eq!(resolve("no-such-user").unwrap_err().id(), ErrorId::ConfigInvalid);
    }
}
