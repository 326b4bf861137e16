//! `certlet serve`: the built-in listener in the foreground.

use std::any::Any;
use std::time::Duration;

use super::shell::Shell;
use crate::command::{Kind, Property, Record, Value, View};
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
        shell.screen.object(&Value::object(ServedEndpoint { endpoint, site }))?;
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

/// One address at which the built-in listener answers.
struct ServedEndpoint {
    endpoint: String,
    site: String,
}

static KIND: Kind =
    Kind::new("ServedEndpoint", const { &[Property::new("Endpoint"), Property::new("Site")] }, View::ByCount);

impl Record for ServedEndpoint {
    fn kind(&self) -> &Kind {
        &KIND
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.endpoint),
            1 => Value::text(&self.site),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.endpoint.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
