//! `Invoke-TlsRenewal`: renew what is due, by itself and without a question.

use std::any::Any;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::cmdlets::assigning::say_proofs;
use crate::cmdlets::lookup::thumbprint_of;
use crate::cmdlets::params::CertTypes;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Switch, Value, Values,
    Verb, View,
};
use crate::config::parse_duration;
use crate::error::{Error, ErrorId, Result};
use crate::model::Moment;
use crate::session::{ListState, RenewalGroup, Renewed, Session, Source};

static TYPE: Param<CertTypes> = Param::named("Type", "Renew the certificates of these uses, due or not")
    .default_text("every use, where it is due");
static DUE: Param<Switch> = Param::named("Due", "With -Type: only where it is due");
static CA: Param<String> = Param::named("CA", "Ask this authority, as host\\instance")
    .values(Values::Authorities)
    .default_text("the one that issued the old certificate");
static RANDOM_DELAY: Param<String> =
    Param::named("RandomDelay", "Wait a random time up to this long first: `30m`, for timers of many computers");

pub(crate) static SPEC: Spec = Spec {
    name: "Invoke-TlsRenewal",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Renew the certificates that are due, put them on their bindings and prove it",
    description: "A certificate is due when its authority says so (ACME renewal information), else when less than a third of its \
                  life is left; when it is banned or revoked or has lost its key; and when a renewal was begun and not ended. The uses that share a certificate are renewed \
                  together. Staged certificates that are due take over first, \
                  and revocation lists of embedded authorities that are about to end are published.\n\nA certificate that was issued before and is not deployed is taken first; a request that waits is \
                  asked about; only then is the authority that issued the old certificate asked for a new one, with the names \
                  computed anew and the same kind of key. It is assigned like with `Set-CsCertificate`: proven by handshakes, \
                  put back when the proof fails. Then it is kept, and the next run deploys it and asks nobody.\n\nA failure \
                  does not stop the others; the run ends with the gravest exit code. Where nothing is due it says nothing and \
                  ends with 0; -Verbose tells why. It never asks a question.",
    sets: &[],
    parameters: &[&TYPE.spec, &DUE.spec, &CA.spec, &RANDOM_DELAY.spec],
    input: Input::None,
    emits: Some(&TLS_RENEWAL),
    changes: Impact::Medium,
    examples: &[
        Example { line: "Invoke-TlsRenewal", says: "Renews what is due, as a timer does", expect: Expect::Emits(0) },
        Example {
            line: "Invoke-TlsRenewal -Type Default",
            says: "Renews the certificate of a use now, for all uses that share it",
            expect: Expect::Changes(1),
        },
        Example {
            line: "Invoke-TlsRenewal -Type Default -WhatIf",
            says: "Shows what would be requested and assigned",
            expect: Expect::Emits(0),
        },
        Example {
            line: "Invoke-TlsRenewal -Type Default -RandomDelay soon",
            says: "Is refused: that is no length of time",
            expect: Expect::Fails(ErrorId::CannotConvertArgument),
        },
    ],
    related: &["Get-TlsStatus", "Undo-TlsChange", "Set-CsCertificate", "Request-CsCertificate", "about_renewal", "about_exit_codes"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let delay = args.get(&RANDOM_DELAY, session)?.map(|text| delay(&text)).transpose()?;
    let uses = args.get(&TYPE, session)?.map(|types| types.0);
    let only_due = uses.is_none() || args.on(&DUE);
    let ca = args.get(&CA, session)?;
    if let Some(config) = &ca {
        session.authority(config)?;
    }
    if !cx.what_if() {
        session.policy()?.check_change()?;
        if let Some(limit) = delay {
            wait(cx, limit)?;
        }
    }
    promote(cx)?;
    publish(cx)?;
    if !cx.what_if()
        && let Err(error) = session.end_quarantines()
    {
        cx.report_error(error)?;
    }
    // Only now is looked at what is due: another process may be renewing just that.
    let _lease = if cx.what_if() { None } else { Some(session.renewal_lease(SPEC.name, &cx.cancel())?) };
    let groups = session.renewal_groups()?;
    if let Some(uses) = &uses {
        for name in uses.iter().filter(|u| !groups.iter().any(|g| g.uses().iter().any(|o| o == u.as_str()))) {
            let error = Error::new(ErrorId::NotAssigned, format!("nothing is assigned for `{name}`"));
            cx.report_error(error.about(name.as_str()))?;
        }
    }
    for group in groups {
        cx.check_cancelled()?;
        let is_meant = uses.as_ref().is_none_or(|uses| group.uses().iter().any(|u| uses.iter().any(|o| o.as_str() == u)));
        if !is_meant {
            continue;
        }
        match renew(cx, &group, only_due, ca.as_deref()) {
            Ok(()) => {}
            Err(error) if matches!(error.id(), ErrorId::Interrupted | ErrorId::TimedOut) => return Err(error),
            // One failure does not stop the others.
            Err(error) => cx.report_error(error)?,
        }
    }
    Ok(())
}

/// Revocation lists that end, or do not tell of a revocation.
fn publish(cx: &mut Invocation<'_>) -> Result<()> {
    if cx.what_if() {
        let session = cx.session();
        for authority in session.authorities()? {
            if let Ok(ListState::Due(_)) = session.list_of(&*authority) {
                cx.tell_what_if("Publish the revocation list", authority.config())?;
            }
        }
        return Ok(());
    }
    for list in cx.session().publish_due_lists() {
        match list {
            Ok(list) => cx.verbose(format!("revocation list {} is in {}", list.number, list.file.display()))?,
            Err(error) => cx.report_error(error)?,
        }
    }
    Ok(())
}

/// What was staged and is due takes over first: it may be the very successor.
fn promote(cx: &mut Invocation<'_>) -> Result<()> {
    let session = cx.session();
    for promotion in session.promote_due(cx)? {
        let uses: Vec<String> = promotion.uses.iter().map(|u| u.as_str().to_owned()).collect();
        let due = promotion.due.in_zone(&session.zone());
        let receipt = match promotion.outcome {
            Ok(receipt) => receipt,
            Err(error) => {
                let hint = format!("it stays staged for {}: the next run tries it again", uses.join(", "));
                cx.report_error(error.hint(hint))?;
                continue;
            }
        };
        if !receipt.done {
            continue;
        }
        say_proofs(cx, &receipt)?;
        cx.note_exit(receipt.exit());
        let (Some(row), key) = (session.stored(&promotion.certificate)?, promotion.certificate) else { continue };
        let now = session.assigned(Some(&promotion.scope))?;
        let before = now.iter().find(|a| a.row.certificate == Some(key)).and_then(|a| a.row.previous);
        cx.emit(Value::object(TlsRenewal {
            uses,
            outcome: "Promoted",
            old: before.map(|f| thumbprint_of(session, &f)).transpose()?.unwrap_or_default(),
            new: Some(row.thumbprint.to_string()),
            serial: Some(row.serial),
            not_after: Some(row.not_after),
            why: format!("staged, due {due}"),
            ca: String::new(),
        }))?;
    }
    Ok(())
}

fn renew(cx: &mut Invocation<'_>, group: &RenewalGroup, only_due: bool, ca: Option<&str>) -> Result<()> {
    let session = cx.session();
    let Some(why) = reason(cx, session, group, only_due)? else { return Ok(()) };
    let uses = group.uses();
    cx.verbose(format!("{}: {why}", uses.join(", ")))?;
    let mut record = TlsRenewal {
        uses,
        outcome: "Pending",
        old: group.shown(),
        new: None,
        serial: None,
        not_after: None,
        why,
        ca: String::new(),
    };
    match session.renew(group, ca, cx)? {
        Renewed::Not => Ok(()),
        Renewed::Pending(row) => {
            let number = row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string());
            let text = format!("request {number} is pending at `{}`: {}; the next run asks again", row.ca, row.message);
            cx.warn_as(ErrorId::RequestPending.name(), text)?;
            record.ca = row.ca;
            cx.emit(Value::object(record))
        }
        Renewed::Deployed(certificate, receipt, source) => {
            say_proofs(cx, &receipt)?;
            cx.note_exit(receipt.exit());
            record.outcome = if source == Source::IssuedBefore { "Deployed" } else { "Renewed" };
            record.new = Some(certificate.thumbprint().to_string());
            record.serial = Some(certificate.serial().to_string());
            record.not_after = Some(certificate.not_after());
            let requests = session.state()?.requests()?;
            let request = requests.into_iter().rfind(|r| r.certificate == Some(certificate.fingerprint()));
            record.ca = request.map_or_else(String::new, |r| r.ca);
            cx.emit(Value::object(record))
        }
    }
}

/// Why a certificate is renewed now; `None`, said aloud, where it is not.
fn reason(cx: &mut Invocation<'_>, session: &Session, group: &RenewalGroup, only_due: bool) -> Result<Option<String>> {
    if !only_due {
        return Ok(Some(session.renewal_begun(group)?.unwrap_or_else(|| "as asked for".to_owned())));
    }
    let uses = group.uses().join(", ");
    if let Some(at) = successor(session, group)? {
        let at = at.in_zone(&session.zone());
        cx.verbose(format!("{uses}: what is staged takes over on {at}, before {} ends", group.shown()))?;
        return Ok(None);
    }
    check_clock(session, group)?;
    if let Some(begun) = session.renewal_begun(group)? {
        return Ok(Some(begun));
    }
    if let Some(error) = session.spoiled(&group.fingerprint)?.filter(|_| group.old.is_some()) {
        return Ok(Some(error.message().to_owned()));
    }
    let cancel = cx.cancel();
    let keep = !cx.what_if();
    // One that has vanished cannot wait: the renewal says what is to be done.
    let Some(due) = session.renewal_due(group, true, keep, &|| cancel.is_cancelled())? else {
        return Ok(Some("its certificate has vanished".to_owned()));
    };
    if let Some(why) = &due.unasked {
        cx.warn_as("AuthorityNotAsked", format!("{uses}: when to renew could not be asked: {why}"))?;
    }
    let at = due.at.in_zone(&session.zone());
    if due.at <= session.now() {
        return Ok(Some(format!("due since {at}: {}", due.why)));
    }
    cx.verbose(format!("{uses}: {} is not due before {at}: {}", group.shown(), due.why))?;
    Ok(None)
}

/// What is in use has begun; where it has not, the clock is not what it was, and nothing is ordered by it.
fn check_clock(session: &Session, group: &RenewalGroup) -> Result<()> {
    let Some((row, _)) = group.old.as_ref().filter(|(row, _)| row.not_before > session.now()) else { return Ok(()) };
    let (shown, begin) = (row.thumbprint, row.not_before.in_zone(&session.zone()));
    let uses = group.uses().join(",");
    let text = format!("certificate `{shown}`, which {uses} has, begins on {begin}: the clock of this computer has gone back");
    Err(Error::new(ErrorId::CertificateNotYetValid, text)
        .about(shown.to_string())
        .hint(format!("set the clock; where it is right now and was wrong before: `Invoke-TlsRenewal -Type {uses}`")))
}

/// When a certificate that is staged for all uses of a group takes over, where that is in time and it is fit to.
fn successor(session: &Session, group: &RenewalGroup) -> Result<Option<Moment>> {
    let Some((row, _)) = &group.old else { return Ok(None) };
    let mut last = None;
    for member in &group.members {
        let Some((fingerprint, at)) = member.row.staged else { return Ok(None) };
        if at >= row.not_after || session.unworthy(&fingerprint)?.is_some() {
            return Ok(None);
        }
        last = last.max(Some(at));
    }
    Ok(last)
}

fn delay(text: &str) -> Result<Duration> {
    parse_duration(text).ok_or_else(|| {
        Error::new(ErrorId::CannotConvertArgument, format!("`{text}` is no length of time"))
            .about(text)
            .hint("write `90s`, `30m` or `2h`")
    })
}

/// How long a wait goes without a look at Ctrl-C and the time limit.
const SLICE: Duration = Duration::from_millis(50);

fn wait(cx: &mut Invocation<'_>, limit: Duration) -> Result<()> {
    // Keyed anew by the operating system's generator in every process.
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let most = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let clock = cx.session().clock();
    let end = clock.elapsed() + Duration::from_millis(random % most);
    cx.verbose(format!("waits {} s first", end.saturating_sub(clock.elapsed()).as_secs()))?;
    while clock.elapsed() < end {
        cx.check_cancelled()?;
        clock.sleep(SLICE.min(end.saturating_sub(clock.elapsed())));
    }
    Ok(())
}

struct TlsRenewal {
    uses: Vec<String>,
    outcome: &'static str,
    old: String,
    new: Option<String>,
    serial: Option<String>,
    not_after: Option<Moment>,
    why: String,
    ca: String,
}

static TLS_RENEWAL: Kind = Kind::new(
    "TlsRenewal",
    const {
        &[
            Property::new("Uses"),
            Property::new("Outcome"),
            Property::new("Thumbprint"),
            Property::new("SerialNumber"),
            Property::new("NotAfter"),
            Property::new("PreviousThumbprint"),
            Property::new("CA"),
            Property::new("Why"),
        ]
    },
    View::Table(
        const {
            &[
                Column::of("Outcome"),
                Column::of("Uses"),
                Column::of("Thumbprint"),
                Column::of("NotAfter"),
                Column::of("Why"),
            ]
        },
    ),
);

impl Record for TlsRenewal {
    fn kind(&self) -> &Kind {
        &TLS_RENEWAL
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::list(self.uses.iter().map(Value::text)),
            1 => self.outcome.into(),
            2 => Value::optional_text(self.new.as_ref()),
            3 => Value::optional_text(self.serial.as_ref()),
            4 => self.not_after.into(),
            5 => Value::text(&self.old),
            6 => Value::text(&self.ca),
            7 => Value::text(&self.why),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        self.new.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests;
