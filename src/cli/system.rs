//! What the operating system says about who runs this, where, and on which screen.

use std::io::IsTerminal;
use std::path::PathBuf;

use rustix::termios::tcgetwinsize;

use crate::model::HostName;

/// The width of text that no screen bounds.
const DEFAULT_WIDTH: usize = 120;

/// The number of the user whose rights the process has.
pub(super) fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The name of the user whose rights the process has; `uid:1000` where the system has no name for the number.
///
/// The environment is not asked: there everybody can write who they would like to be.
pub(super) fn user() -> String {
    let id = user_id();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_in(&accounts, id).unwrap_or_else(|| format!("uid:{id}"))
}

fn user_in(accounts: &str, id: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = fields.nth(1)?;
        (number.parse() == Ok(id)).then(|| name.to_owned())
    })
}

/// A name of this machine that stays the same over reboots: systemd's machine id, else the host's name.
pub(super) fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let id = id.trim();
    if id.is_empty() { host_name() } else { id.to_owned() }
}

/// The computer's name, for a first configuration; `localhost` where it is none that a certificate could bear.
pub(super) fn computer() -> Option<HostName> {
    host_name().parse().or_else(|_| "localhost".parse()).ok()
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The width of standard output in cells, where it is a terminal; else `$COLUMNS`, else 120.
pub(super) fn width() -> usize {
    let screen = std::io::stdout();
    if screen.is_terminal()
        && let Ok(size) = tcgetwinsize(&screen)
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.filter(|columns| (1..=10_000).contains(columns)).unwrap_or(DEFAULT_WIDTH)
}

/// A variable of the environment that is set to something.
pub(super) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7:7::/:\nken:x:1000:100:Ken:/home/ken:/bin/sh\n";
        assert_eq!(user_in(accounts, 0).as_deref(), Some("root"));
        assert_eq!(user_in(accounts, 1000).as_deref(), Some("ken"));
        assert_eq!(user_in(accounts, 100), None);
        assert_eq!(user_in(accounts, 7), None);
    }
}
