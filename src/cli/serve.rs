//! `certlet serve`: the built-in listener in the foreground.

use std::sync::Arc;
use std::time::Duration;

use super::shell::Shell;
use crate::command::Value;
use crate::error::{Error, ErrorId, ExitCode, Result};

/// How often Ctrl-C and the time limit are looked at.
const SLICE: Duration = Duration::from_millis(50);

/// Serves the listener's sites until SIGTERM or SIGINT, which is how it ends well.
///
/// # Errors
/// `NoHome`, `Busy` when another process serves, `EndpointInUse`, `SiteNotFound`, `TimedOut`.
pub(super) fn serve(shell: &Shell) -> Result<ExitCode> {
    shell.session.policy()?.check_change()?;
    let home = shell.place.home()?;
    let served = home.start_serving()?;
    if served.is_empty() {
        return Err(Error::new(ErrorId::SiteNotFound, "no site of this home has `host = \"listener\"`")
            .hint("add such a `[[site]]` to `certlet.toml`"));
    }
    for (endpoint, site) in served {
        let entries: Arc<[(Arc<str>, Value)]> = [("Endpoint".into(), Value::text(endpoint)), ("Site".into(), Value::text(site))].into();
        shell.screen.object(&Value::Map(entries))?;
    }
    shell.end_objects()?;
    let ended = loop {
        match shell.cancel.check() {
            Ok(()) => std::thread::sleep(SLICE),
            Err(error) => break error,
        }
    };
    home.stop_serving();
    if ended.id() == ErrorId::Interrupted { Ok(ExitCode::Done) } else { Err(ended) }
}
