//! From a certificate that is to serve some uses to the change that is carried out: what is checked, warned of and shown.

use super::lookup::set_verb;
use super::params::Scope;
use super::records::CertificateReference;
use crate::command::{Invocation, Value};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::check_uses;
use crate::model::{Certificate, Fingerprint, HostName, MissingNames, Moment, Topology, UseName, UseScope, Verdict};
use crate::session::{Assigned, Assigning, Candidate, GLOBAL, OnFailure, Receipt, Session, candidate_fitness};
use crate::state::{AssignmentKey, AssignmentRow, Row, RowKey};

const HOUR: i64 = 3600;

/// What an operator wants a certificate to do.
pub(super) struct Order {
    /// The uses, in the order in which they were named.
    pub(super) uses: Vec<UseName>,
    /// Where the assignments are kept.
    pub(super) scope: Scope,
    /// When it takes over, and whether it is to be staged until then.
    pub(super) staging: Staging,
    /// What becomes of a change whose proof fails.
    pub(super) on_failure: OnFailure,
    /// Whether what is assigned now is compromised.
    pub(super) ban: bool,
    /// What is done before, for `-WhatIf`.
    pub(super) first: Option<(&'static str, String)>,
}

/// `-EffectiveDate` and `-Roll`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Staging {
    date: Option<Moment>,
    roll: bool,
}

impl Staging {
    /// What the two parameters come to.
    ///
    /// # Errors
    /// `RollNeedsEffectiveDate`, `EffectiveDateOutOfRange` for a date in the past with `-Roll`.
    pub(super) fn of(session: &Session, date: Option<Moment>, roll: bool) -> Result<Self> {
        match (roll, date) {
            (true, None) => Err(Error::new(
                ErrorId::RollNeedsEffectiveDate,
                "`-Roll` stages a certificate and needs the moment at which it takes over",
            )
            .about("-Roll")),
            (true, Some(date)) if date <= session.now() => {
                Err(out_of_range(session, date, "is not in the future").hint("without `-Roll` it is assigned at once"))
            }
            _ => Ok(Self { date, roll }),
        }
    }

    /// When the certificate takes over; `None` for at once.
    pub(super) fn later(&self, session: &Session) -> Option<Moment> {
        self.date.filter(|date| *date > session.now())
    }

    /// Refuses a date outside the certificate's validity.
    ///
    /// # Errors
    /// `EffectiveDateOutOfRange`.
    pub(super) fn check(&self, session: &Session, certificate: &Certificate) -> Result<()> {
        let Some(date) = self.date else { return Ok(()) };
        let show = |moment: Moment| moment.in_zone(&session.zone());
        if date > certificate.not_after() {
            let end = show(certificate.not_after());
            return Err(out_of_range(session, date, &format!("comes after the end of the certificate, {end}")));
        }
        if date > session.now() && date < certificate.not_before() {
            let begin = show(certificate.not_before());
            return Err(out_of_range(session, date, &format!("comes before the certificate begins, {begin}")));
        }
        Ok(())
    }
}

fn out_of_range(session: &Session, date: Moment, why: &str) -> Error {
    let shown = date.in_zone(&session.zone());
    Error::new(ErrorId::EffectiveDateOutOfRange, format!("`-EffectiveDate` {shown} {why}")).about(date.to_string())
}

/// Checks a candidate, asks, carries the assignment out, and emits one record for each use.
///
/// `before` is done when everything is checked and nobody said no, right before the change.
///
/// # Errors
/// What stands against the certificate; those of [`Session::commit`].
pub(super) fn assign(
    cx: &mut Invocation<'_>,
    candidate: &Candidate<'_>,
    order: &Order,
    before: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let session = cx.session();
    let topology = session.topology()?;
    let computer = match &order.scope {
        Scope::Computer(computer) => computer.clone(),
        Scope::Unsaid | Scope::Global => topology.local_computer()?.clone(),
    };
    let (pool, _) = topology.resolve_computer(&computer)?;
    check_uses(&topology, pool, &order.uses)?;
    order.staging.check(session, candidate.certificate)?;
    let later = order.staging.later(session);
    check_fit(cx, session, candidate, &order.uses, later.unwrap_or(session.now()))?;
    warn_of_names(cx, session, &topology, &computer, &order.uses, candidate.certificate)?;
    if let Some(date) = order.staging.date.filter(|_| later.is_none()) {
        let date = date.in_zone(&session.zone());
        cx.warn_as(
            "EffectiveDatePast",
            format!("`-EffectiveDate` {date} is past: the certificate takes over at once"),
        )?;
    }
    let mut assigning = Assigning::new(session, candidate.certificate);
    assigning.plan.on_failure = order.on_failure;
    if let Some((action, target)) = &order.first {
        assigning.plan.line(*action, target.clone());
    }
    let verb = if later.is_some() { "Stage" } else { "Assign" };
    let mut taken: Vec<(UseName, AssignmentKey)> = Vec::new();
    for use_name in &order.uses {
        let key = assigning.key(&scope_name(session, &topology, &order.scope, use_name)?, use_name)?;
        let target = format!("{use_name} on {}", if key.scope == GLOBAL { GLOBAL } else { computer.as_str() });
        let action = format!("{verb} certificate {}", candidate.row.thumbprint);
        if !cx.what_if() && !cx.confirm(&action, &target)? {
            continue;
        }
        match later {
            Some(at) => assigning.later(key.clone(), at)?,
            None => {
                if let Some(old) = assigning.now(key.clone())?.filter(|_| order.ban) {
                    assigning.ban(old)?;
                }
            }
        }
        taken.push((use_name.clone(), key));
    }
    if taken.is_empty() {
        return Ok(());
    }
    warn_of_scope(cx, session, &assigning, &taken)?;
    warn_of_joining(cx, session, &taken, candidate.certificate.fingerprint())?;
    if order.ban && later.is_none() {
        warn_of_banned(cx, session, &taken, candidate.certificate.fingerprint())?;
    }
    if let Some(at) = later {
        warn_of_staging(cx, session, &topology, &taken, order.staging.roll, at)?;
        warn_of_no_change(cx, session, &taken, candidate)?;
    }
    if !cx.what_if() {
        before()?;
    }
    let receipt = session.commit(assigning.plan, cx)?;
    if !receipt.done {
        return Ok(());
    }
    say_proofs(cx, &receipt)?;
    for use_name in &assigning.unbound {
        warn_of_no_binding(cx, &topology, use_name)?;
    }
    if later.is_none() {
        let uses: Vec<UseName> = taken.iter().map(|(use_name, _)| use_name.clone()).collect();
        warn_of_other_members(cx, session, &topology, &computer, &uses, candidate)?;
    }
    cx.note_exit(receipt.exit());
    for (_, key) in taken {
        if let Some(row) = assignment(session, &key)?
            && let Some(reference) = CertificateReference::assigned(session, &Assigned { key, row })?
        {
            cx.emit(Value::object(reference))?;
        }
    }
    Ok(())
}

/// Where a use's assignment is kept: as said; else where it is now; else where the use's assignments belong.
fn scope_name(session: &Session, topology: &Topology, scope: &Scope, use_name: &UseName) -> Result<String> {
    Ok(match scope {
        Scope::Global => GLOBAL.to_owned(),
        Scope::Computer(computer) => computer.as_str().to_ascii_lowercase(),
        Scope::Unsaid => {
            let local = session.local_scope()?;
            let is_global = topology.uses.get(use_name).is_some_and(|u| u.scope == UseScope::Global);
            let has_own = session.assigned(Some(&local))?.iter().any(|a| a.key.use_name == use_name.as_str());
            if is_global && !has_own { GLOBAL.to_owned() } else { local }
        }
    })
}

fn assignment(session: &Session, key: &AssignmentKey) -> Result<Option<AssignmentRow>> {
    Ok(match session.state()?.row(&RowKey::Assignment(key.clone()))? {
        Some(Row::Assignment(row)) => Some(row),
        _ => None,
    })
}

fn check_fit(
    cx: &mut Invocation<'_>,
    session: &Session,
    candidate: &Candidate<'_>,
    uses: &[UseName],
    at: Moment,
) -> Result<()> {
    let findings = candidate_fitness(session, candidate, uses, at)?;
    let mut obstacles = findings.iter().filter(|f| f.is_obstacle);
    if let Some(first) = obstacles.next() {
        return Err(obstacles.fold(first.error.clone(), |error, other| error.hint(format!("also: {}", other.error))));
    }
    for finding in findings.iter().filter(|f| !f.is_remark) {
        cx.warn_as(finding.error.id().name(), finding.error.message())?;
    }
    Ok(())
}

fn warn_of_names(
    cx: &mut Invocation<'_>,
    session: &Session,
    topology: &Topology,
    computer: &HostName,
    uses: &[UseName],
    certificate: &Certificate,
) -> Result<()> {
    let difference = session.name_difference(computer, uses, certificate)?;
    if difference.missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = difference.missing.iter().map(|m| format!("{} ({})", m.name, m.reason)).collect();
    let text = format!(
        "certificate `{}` lacks {} of the computed names: {}",
        certificate.thumbprint(),
        missing.len(),
        missing.join("; ")
    );
    if topology.policy.missing_names == MissingNames::Error {
        return Err(Error::new(ErrorId::PolicyRefused, text).about(certificate.thumbprint().to_string()));
    }
    cx.warn_as("NamesMissing", text)
}

fn warn_of_scope(
    cx: &mut Invocation<'_>,
    session: &Session,
    assigning: &Assigning<'_>,
    taken: &[(UseName, AssignmentKey)],
) -> Result<()> {
    let global: Vec<&str> = taken.iter().filter(|(_, k)| k.scope == GLOBAL).map(|(u, _)| u.as_str()).collect();
    if !global.is_empty() {
        cx.warn_as(
            "KeyTravels",
            format!(
                "the assignment of {} is global: it holds for every computer that shares this state, and the private key \
                 goes there too",
                global.join(", ")
            ),
        )?;
    }
    for use_name in &assigning.hidden {
        cx.warn_as(
            "HiddenByLocal",
            format!(
                "this computer has an assignment of its own for `{use_name}`, which stays in force here; \
                 `Remove-CsCertificate -Type {use_name} -Identity local` takes it away"
            ),
        )?;
    }
    for (use_name, old) in &assigning.unstaged {
        let shown = thumbprint(session, *old)?;
        cx.warn_as("StagedReplaced", format!("certificate {shown}, which was staged for `{use_name}`, is so no more"))?;
    }
    Ok(())
}

fn warn_of_joining(
    cx: &mut Invocation<'_>,
    session: &Session,
    taken: &[(UseName, AssignmentKey)],
    new: Fingerprint,
) -> Result<()> {
    let mut held: Vec<(Fingerprint, Vec<&str>)> = Vec::new();
    for (use_name, key) in taken {
        let Some(old) = assignment(session, key)?.and_then(|row| row.certificate) else { continue };
        match held.iter_mut().find(|(f, _)| *f == old) {
            Some((_, names)) => names.push(use_name.as_str()),
            None => held.push((old, vec![use_name.as_str()])),
        }
    }
    if held.len() < 2 {
        return Ok(());
    }
    let mut parts = Vec::new();
    for (old, names) in &held {
        parts.push(format!("{} for {}", thumbprint(session, *old)?, names.join(", ")));
    }
    let shown = thumbprint(session, new)?;
    cx.warn_as(
        "UsesJoined",
        format!("these uses held different certificates and are joined to {shown}: {}", parts.join("; ")),
    )
}

/// Uses that go on with a certificate which is banned from now on.
fn warn_of_banned(
    cx: &mut Invocation<'_>,
    session: &Session,
    taken: &[(UseName, AssignmentKey)],
    new: Fingerprint,
) -> Result<()> {
    let all = session.state()?.assignments()?;
    let is_taken = |key: &AssignmentKey| taken.iter().any(|(_, k)| k == key);
    let banned: Vec<Fingerprint> = all
        .iter()
        .filter(|(key, _)| is_taken(key))
        .filter_map(|(_, row)| row.certificate)
        .filter(|f| *f != new)
        .collect();
    for (key, row) in all.iter().filter(|(key, _)| !is_taken(key)) {
        let Some(old) = row.certificate.filter(|f| banned.contains(f)) else { continue };
        let (shown, use_name) = (thumbprint(session, old)?, &key.use_name);
        let text = format!(
            "`{use_name}` ({}) goes on with {shown}, which is banned: `Invoke-TlsRenewal -Type {use_name}`, or assign another one",
            key.scope
        );
        cx.warn_as("BannedInUse", text)?;
    }
    Ok(())
}

/// What is worth knowing before a certificate takes over by itself.
fn warn_of_staging(
    cx: &mut Invocation<'_>,
    session: &Session,
    topology: &Topology,
    taken: &[(UseName, AssignmentKey)],
    roll: bool,
    at: Moment,
) -> Result<()> {
    let show = |moment: Moment| moment.in_zone(&session.zone());
    cx.verbose(format!("the certificate takes over at {at} ({})", show(at)))?;
    let uses: Vec<_> = taken.iter().filter_map(|(u, key)| topology.uses.get(u).map(|row| (row, key))).collect();
    let without: Vec<&str> = uses.iter().filter(|(u, _)| !u.supports_roll).map(|(u, _)| u.name.as_str()).collect();
    if roll && !without.is_empty() {
        let text =
            format!("{} may be staged and gains no overlap: the old certificate counts no more", without.join(", "));
        cx.warn_as("NoOverlap", text)?;
    }
    let hours = uses.iter().map(|(u, _)| u.roll_lead_hours).max().unwrap_or(0);
    let mut ends: Vec<Moment> = Vec::new();
    for (_, key) in uses.iter().filter(|(u, _)| u.supports_roll) {
        let Some(old) = assignment(session, key)?.and_then(|row| row.certificate) else { continue };
        if let Some(row) = session.stored(&old)?
            && !ends.contains(&row.not_after)
        {
            ends.push(row.not_after);
        }
    }
    for end in ends.into_iter().filter(|end| end.since(at) < i64::from(hours) * HOUR) {
        let latest = end.plus_seconds(-i64::from(hours) * HOUR);
        cx.warn_as(
            "RollLeadTooShort",
            format!(
                "the current certificate ends on {}: the new one should take over {hours} hours before, by {}, for what was \
                 signed with the old one lives so long",
                show(end),
                show(latest)
            ),
        )?;
    }
    if session.has_promoter()? {
        return Ok(());
    }
    cx.warn_as(
        "NobodyPromotes",
        "nobody has looked for staged certificates for a day, and none takes over by itself: run `certlet serve`, or \
         `Invoke-TlsRenewal` by a timer",
    )
}

/// A certificate that is to take over from itself.
fn warn_of_no_change(
    cx: &mut Invocation<'_>,
    session: &Session,
    taken: &[(UseName, AssignmentKey)],
    candidate: &Candidate<'_>,
) -> Result<()> {
    let new = candidate.certificate.fingerprint();
    let mut same: Vec<&str> = Vec::new();
    for (use_name, key) in taken {
        if assignment(session, key)?.is_some_and(|row| row.certificate == Some(new)) {
            same.push(use_name.as_str());
        }
    }
    if same.is_empty() {
        return Ok(());
    }
    let (thumbprint, uses) = (candidate.row.thumbprint, same.join(", "));
    let text = format!("certificate {thumbprint} is assigned to {uses} already: nothing will change on that day");
    cx.warn_as("AssignedAlready", text)
}

/// Other members of the pool whose sites are served from here and still have another certificate.
fn warn_of_other_members(
    cx: &mut Invocation<'_>,
    session: &Session,
    topology: &Topology,
    computer: &HostName,
    uses: &[UseName],
    candidate: &Candidate<'_>,
) -> Result<()> {
    for member in session.differing_members(computer, uses, candidate.certificate.fingerprint())? {
        let types: Vec<&str> = member.uses.iter().map(UseName::as_str).collect();
        let (verb, types) = (set_verb(topology, uses), types.join(","));
        let (other, thumbprint) = (member.computer, candidate.row.thumbprint);
        cx.warn_as(
            "OtherMembers",
            format!(
                "`{other}` of the same pool has another certificate: `{verb} -Type {types} -Thumbprint {thumbprint} -Identity \
                 {other}`"
            ),
        )?;
    }
    Ok(())
}

fn warn_of_no_binding(cx: &mut Invocation<'_>, topology: &Topology, use_name: &UseName) -> Result<()> {
    let site = topology.uses.get(use_name).and_then(|u| u.web_site.clone());
    match site {
        Some(site) => cx.warn_as(
            "NoBinding",
            format!(
                "`{use_name}` is assigned and no binding in `certlet.toml` serves it: NotApplicable. Under the site `{site}` add: \
                 [[site.binding]] protocol = \"https\", information = \"*:443:\", use = \"{use_name}\", endpoint = [\"…\"]"
            ),
        ),
        None => cx.verbose(format!("`{use_name}` has no binding to prove: NotApplicable")),
    }
}

/// Says what the handshakes showed.
///
/// # Errors
/// Where `-WarningAction` is `Stop`.
pub(super) fn say_proofs(cx: &mut Invocation<'_>, receipt: &Receipt) -> Result<()> {
    for proof in &receipt.proofs {
        let place =
            format!("`{}` at {}", proof.site, if proof.endpoint.is_empty() { "no endpoint" } else { &proof.endpoint });
        match proof.verdict {
            Verdict::Proven => cx.verbose(format!("{place}: Proven by {} handshakes", proof.evidence.len()))?,
            Verdict::NotApplicable => cx.verbose(format!("{place}: NotApplicable"))?,
            verdict => {
                let why = proof.problem.clone().unwrap_or_default();
                cx.warn_as("ProofIncomplete", format!("{place}: {verdict}: {why}"))?;
            }
        }
        for warning in &proof.warnings {
            cx.warn_as("ProofRemark", format!("{place}: {warning}"))?;
        }
    }
    Ok(())
}

fn thumbprint(session: &Session, fingerprint: Fingerprint) -> Result<String> {
    super::lookup::thumbprint_of(session, &fingerprint)
}
