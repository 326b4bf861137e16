//! `certlet serve`: the built-in listener in the foreground, and what is due meanwhile: takeovers, revocation lists.

use std::any::Any;
use std::time::{Duration, Instant};

use super::shell::Shell;
use crate::cmdlets;
use crate::command::{
    Cancel, Console, Host, Impact, Input, Invocation, Kind, Message, Property, Record, Registry, Spec, Stream, Value,
    View,
};
use crate::error::{Error, ErrorId, ExitCode, Result};
use crate::session::{GLOBAL, Promotion};

/// How often Ctrl-C and the time limit are looked at.
const SLICE: Duration = Duration::from_millis(50);
/// How often it is looked for certificates that are to take over.
const LOOK: Duration = Duration::from_secs(1);
/// How often the revocation lists and the keys of dropped requests are looked after.
const UPKEEP: Duration = Duration::from_secs(60);
/// How long what failed waits for the next attempt: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

/// Serves the listener's sites until SIGTERM or SIGINT, which is how it ends well, lets staged certificates take over
/// when they are due, publishes the revocation lists that are due, and removes keys that have been kept long enough.
///
/// # Errors
/// `NoHome`, `Busy` when another process serves, `EndpointInUse`, `SiteNotFound` in a home without sites, `TimedOut`.
pub(super) fn serve(shell: &Shell) -> Result<ExitCode> {
    shell.session.policy()?.check_change()?;
    let home = shell.place.home()?;
    let served = home.start_serving()?;
    if served.is_empty() {
        if shell.session.sites()?.is_empty() {
            return Err(Error::new(ErrorId::SiteNotFound, "this home has no site")
                .hint("add a `[[site]]` with `host = \"listener\"` to `certlet.toml`"));
        }
        shell.terminal.note("no site has `host = \"listener\"`: only what is due is looked after");
    }
    for (endpoint, site) in served {
        shell.screen.object(&Value::object(ServedEndpoint { endpoint, site }))?;
    }
    shell.end_objects()?;
    let (mut takeovers, mut upkeep) = (Round::every(LOOK), Round::every(UPKEEP));
    let ended = loop {
        if let Err(error) = shell.cancel.check() {
            break error;
        }
        takeovers.turn(|| promote(shell));
        upkeep.turn(|| keep_up(shell));
        std::thread::sleep(SLICE);
    };
    home.stop_serving();
    if ended.id() == ErrorId::Interrupted { Ok(ExitCode::Done) } else { Err(ended) }
}

/// Work that is done at intervals, and less often while it fails.
struct Round {
    every: Duration,
    next: Instant,
    /// How long the last failure makes it wait.
    pause: Option<Duration>,
}

impl Round {
    fn every(every: Duration) -> Self {
        Self { every, next: Instant::now(), pause: None }
    }

    /// Does the work when it is time; the work says whether it came through.
    fn turn(&mut self, work: impl FnOnce() -> bool) {
        if Instant::now() < self.next {
            return;
        }
        self.pause = (!work()).then(|| self.pause.map_or(PAUSES.0, |pause| (pause * 2).min(PAUSES.1)));
        self.next = Instant::now() + self.pause.unwrap_or(self.every);
    }
}

/// Under this name a takeover stands in the log.
static PROMOTION: Spec = Spec {
    name: "certlet serve",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Let staged certificates take over when they are due",
    description: "",
    sets: &[],
    parameters: &[],
    input: Input::None,
    emits: None,
    changes: Impact::Medium,
    examples: &[],
    related: &[],
};

/// Lets take over what is due; a failure is told and tried again later, for serving goes on.
fn promote(shell: &Shell) -> bool {
    let mut host = Foreground { shell };
    match shell.session.promote_due(&mut Invocation::new(&PROMOTION, &shell.session, &mut host)) {
        // Each is told, whatever became of the others.
        Ok(promotions) => promotions.into_iter().filter(|p| !tell(shell, p)).count() == 0,
        Err(error) => {
            // Who stops the program has been heard already.
            if shell.cancel.check().is_ok() {
                shell.terminal.error(&error, None);
            }
            false
        }
    }
}

/// Publishes the revocation lists that are due, and removes the keys that have been kept long enough.
fn keep_up(shell: &Shell) -> bool {
    let mut is_well = true;
    for list in shell.session.publish_due_lists() {
        match list {
            Ok(list) => shell.terminal.note(&format!(
                "revocation list {} of `{}` is in {}, good until {}",
                list.number,
                list.authority,
                list.file.display(),
                list.ends.in_zone(&shell.session.zone())
            )),
            Err(error) => {
                shell.terminal.error(&error, None);
                is_well = false;
            }
        }
    }
    match shell.session.end_quarantines() {
        Ok(0) => {}
        Ok(gone) => shell.terminal.note(&format!("removed {gone} keys of requests that were dropped long ago")),
        Err(error) => {
            shell.terminal.error(&error, None);
            is_well = false;
        }
    }
    is_well
}

/// Says what became of a takeover; whether it came through.
fn tell(shell: &Shell, promotion: &Promotion) -> bool {
    let uses: Vec<&str> = promotion.uses.iter().map(crate::model::UseName::as_str).collect();
    let (uses, due) = (uses.join(", "), promotion.due.in_zone(&shell.session.zone()));
    let place = if promotion.scope == GLOBAL { " for all computers" } else { "" };
    match &promotion.outcome {
        Ok(_) => shell.terminal.note(&format!("the certificate staged for {uses}{place}, due {due}, has taken over")),
        Err(error) => {
            let stored = shell.session.stored(&promotion.certificate).ok().flatten();
            let shown = stored.map_or_else(|| promotion.certificate.to_string(), |row| row.thumbprint.to_string());
            let stays = format!("the certificate {shown} stays staged for {uses}, due {due}");
            shell.terminal.error(&error.clone().hint(stays), None);
        }
    }
    promotion.outcome.is_ok()
}

/// The host of a change that nobody typed: it says what is worth a warning and asks nobody.
struct Foreground<'a> {
    shell: &'a Shell,
}

impl Host for Foreground<'_> {
    fn emit(&mut self, _: Value) -> Result<()> {
        Ok(())
    }

    fn next_input(&mut self) -> Result<Option<Value>> {
        Ok(None)
    }

    fn say(&mut self, message: Message) -> Result<()> {
        let is_shown = match message.stream {
            Stream::Verbose => self.is_verbose(),
            Stream::Debug | Stream::Progress => false,
            _ => true,
        };
        if is_shown {
            self.shell.terminal.message(&message);
        }
        Ok(())
    }

    fn report(&mut self, error: Error) -> Result<()> {
        self.shell.terminal.error(&error, None);
        Ok(())
    }

    fn note_exit(&mut self, _: ExitCode) {}

    fn what_if(&self) -> bool {
        false
    }

    fn confirm(&mut self, _: &str, _: &str) -> Result<bool> {
        Ok(true)
    }

    fn is_verbose(&self) -> bool {
        self.shell.options.verbose
    }

    fn cancel(&self) -> Cancel {
        self.shell.cancel.clone()
    }

    fn registry(&self) -> Registry {
        cmdlets::registry()
    }
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
