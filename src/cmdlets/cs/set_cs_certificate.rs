//! `Set-CsCertificate`: assign, put on the bindings, and prove it.

use crate::cmdlets::params::{CertTypes, FORCE, IDENTITY, NETPORT_ID, REPORT, Report, scope};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Value, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::check_uses;
use crate::model::{
    Certificate, CertificateSelector, Fingerprint, MissingNames, Moment, NameDifference, Slot, Topology, UseName, Verdict,
};
use crate::session::{Deployment, OnFailure, Plan, Receipt, Session, find_certificate, fitness};
use crate::state::{AssignmentKey, AssignmentRow, CertificateRow, Row, RowKey, Write};

static REFERENCE: Param<CertificateSelector> =
    Param::named("Reference", "The certificate, as Get- or Request-CsCertificate emitted it")
        .sets(&["CertificateReference"])
        .mandatory()
        .from_pipeline(Pipeline::ByValue)
        .typed("CertificateReference");
static THUMBPRINT: Param<CertificateSelector> =
    Param::named("Thumbprint", "The certificate's SHA-1 (40 hexadecimal digits) or SHA-256 (64)")
        .sets(&["Thumbprint"])
        .mandatory();
static TYPE: Param<CertTypes> = Param::named("Type", "The uses to assign it to");
static EFFECTIVE_DATE: Param<Moment> =
    Param::named("EffectiveDate", "When a staged certificate takes over").aliases(&["EffectiveTime"]);
static ROLL: Param<Switch> = Param::named("Roll", "Stage the certificate: it takes over at -EffectiveDate");
static ON_FAILURE: Param<String> =
    Param::named("OnFailure", "What becomes of a change whose proof fails: put back, or left for a person")
        .values(Values::Choice(&["Undo", "Hold"]))
        .default_text("Undo");
static REASON: Param<String> =
    Param::named("Reason", "Why the certificate is replaced; KeyCompromise bans the old one from every later use")
        .values(Values::Choice(&["Superseded", "KeyCompromise"]))
        .default_text("Superseded");

pub(crate) static SPEC: Spec = Spec {
    name: "Set-CsCertificate",
    twin: Some("Set-TlsCertificate"),
    aliases: &[],
    functions: &["set_certificate"],
    synopsis: "Assign a certificate to uses, put it on their bindings and prove that it is served",
    description: "Assigns the certificate to each use, puts it on the TLS bindings of the sites that serve these uses, and \
                  proves by handshakes that it is served. When a step or the proof fails, everything is put back and that is \
                  proven too. A second identical call writes nothing and proves again; where a server serves something else \
                  it is mended.\n\nEmits one record for each use. A missing name is a warning that says which rule asks for \
                  it.",
    sets: &["Thumbprint", "CertificateReference"],
    parameters: &[
        &TYPE.spec, &REFERENCE.spec, &THUMBPRINT.spec, &IDENTITY.spec, &EFFECTIVE_DATE.spec, &ROLL.spec, &ON_FAILURE.spec,
        &REASON.spec, &NETPORT_ID.spec, &FORCE.spec, &REPORT.spec,
    ],
    input: Input::EachObject,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Request-CsCertificate -New -Type Default,WebServicesInternal,WebServicesExternal | \
                   Set-CsCertificate -Type Default,WebServicesInternal,WebServicesExternal",
            says: "Requests a certificate and assigns it to three uses",
            expect: Expect::Changes(3),
        },
        Example {
            line: "Get-CsCertificate -Type Default | Set-CsCertificate -Type WebServicesExternal",
            says: "Gives a use the certificate of another one",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
            says: "Is refused when no stored certificate has the thumbprint",
            expect: Expect::Fails(ErrorId::CertificateNotFound),
        },
    ],
    related: &["Get-CsCertificate", "Find-TlsCertificate", "Test-TlsBinding", "about_proof"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let report = Report::open(session, args)?;
    let scope = scope(args.get(&IDENTITY, session)?.as_deref())?;
    let uses = uses(session, args)?;
    let selector = match args.get(&THUMBPRINT, session)? {
        Some(selector) => selector,
        None => args.need(&REFERENCE, session)?,
    };
    check_staging(cx, args)?;
    let topology = session.topology()?;
    let computer = topology.local_computer()?.clone();
    let (pool, _) = topology.resolve_computer(&computer)?;
    check_uses(&topology, pool, &uses)?;
    let (fingerprint, row) =
        find_certificate(session, &selector).map_err(|e| with_next_line(session, &uses, e))?;
    let certificate = session.certificate_of(&row)?;
    check_fit(cx, session, &row, &certificate, &uses)?;
    warn_of_names(cx, session, &topology, &uses, &certificate)?;
    let scope_name = scope.map_or_else(|| computer.as_str().to_ascii_lowercase(), ToOwned::to_owned);
    if scope.is_some() {
        cx.verbose("a global assignment holds for every computer that shares this state: the private key goes there too")?;
    }
    let mut planned = Planned { session, certificate: &certificate, fingerprint, scope: &scope_name, plan: Plan::default(), unbound: Vec::new() };
    if args.get(&ON_FAILURE, session)?.is_some_and(|w| w.eq_ignore_ascii_case("Hold")) {
        planned.plan.on_failure = OnFailure::Hold;
    }
    let ban = args.get(&REASON, session)?.is_some_and(|w| w.eq_ignore_ascii_case("KeyCompromise"));
    let mut taken = Vec::new();
    for use_name in &uses {
        let target = format!("{use_name} on {computer}");
        if cx.what_if() || cx.confirm(&format!("Assign certificate {}", row.thumbprint), &target)? {
            planned.assign(use_name, ban)?;
            taken.push(use_name.clone());
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    warn_of_joining(cx, session, scope, &taken, fingerprint)?;
    let unbound = planned.unbound.clone();
    let receipt = session.commit(planned.plan, cx)?;
    if !receipt.done {
        return Ok(());
    }
    say_proofs(cx, &receipt)?;
    for use_name in unbound {
        warn_of_no_binding(cx, &topology, &use_name)?;
    }
    cx.note_exit(receipt.exit());
    for assigned in session.assigned(scope)? {
        if !taken.iter().any(|u| u.as_str() == assigned.key.use_name) {
            continue;
        }
        if let Some(reference) = CertificateReference::assigned(session, &assigned)? {
            cx.emit(Value::object(reference))?;
        }
    }
    report.finish(session, cx, "Set-CsCertificate", &taken_lines(&row, &taken, &receipt))
}

/// The uses: those of -Type, else the one that a piped record bears.
fn uses(session: &Session, args: &Args) -> Result<Vec<UseName>> {
    if let Some(types) = args.get(&TYPE, session)? {
        return Ok(types.0);
    }
    let own = args.raw("Reference").and_then(|r| r.property("Use")).filter(|u| !u.is_null());
    match own {
        Some(Value::Text(name)) => Ok(vec![name.parse()?]),
        _ => Err(Error::new(ErrorId::MissingMandatoryParameter, "the mandatory parameter `-Type` is missing")
            .about("Type")
            .hint("say which uses: `-Type Default,WebServicesInternal,WebServicesExternal`")),
    }
}

fn check_staging(cx: &Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    match (args.on(&ROLL), args.get(&EFFECTIVE_DATE, session)?) {
        (true, None) => Err(Error::new(
            ErrorId::RollNeedsEffectiveDate,
            "`-Roll` stages a certificate and needs the moment at which it takes over",
        )
        .about("-Roll")),
        (_, Some(date)) if date <= session.now() => Err(Error::new(
            ErrorId::EffectiveDateOutOfRange,
            format!("`-EffectiveDate` {} is not in the future", date.in_zone(&session.zone())),
        )
        .about(date.to_string())),
        (_, Some(_)) => Err(Error::new(
            ErrorId::PolicyRefused,
            "certificates cannot be staged for a later date: nothing here would promote them",
        )
        .about("-EffectiveDate")
        .hint("run the same line without `-EffectiveDate` at that moment")),
        (false, None) => Ok(()),
    }
}

/// `CertificateNotFound` ends with the line to type: the newest stored certificate that fits.
fn with_next_line(session: &Session, uses: &[UseName], error: Error) -> Error {
    if error.id() != ErrorId::CertificateNotFound {
        return error;
    }
    let names: Vec<&str> = uses.iter().map(UseName::as_str).collect();
    let types = names.join(",");
    match session.best_fit(uses) {
        Ok(Some(row)) => error.hint(format!("`Set-CsCertificate -Type {types} -Thumbprint {}`", row.thumbprint)),
        _ => error.hint(format!("no stored certificate fits; request one: `Request-CsCertificate -New -Type {types}`")),
    }
}

fn check_fit(
    cx: &mut Invocation<'_>,
    session: &Session,
    row: &CertificateRow,
    certificate: &Certificate,
    uses: &[UseName],
) -> Result<()> {
    let findings = fitness(session, row, certificate, uses, session.now())?;
    let mut obstacles = findings.iter().filter(|f| f.is_obstacle);
    if let Some(first) = obstacles.next() {
        return Err(obstacles.fold(first.error.clone(), |error, other| error.hint(format!("also: {}", other.error))));
    }
    for finding in findings.iter().filter(|f| f.error.id() == ErrorId::MissingServerAuthEku) {
        cx.warn(finding.error.message())?;
    }
    Ok(())
}

fn warn_of_names(
    cx: &mut Invocation<'_>,
    session: &Session,
    topology: &Topology,
    uses: &[UseName],
    certificate: &Certificate,
) -> Result<()> {
    let difference: NameDifference = session.name_difference(topology.local_computer()?, uses, certificate)?;
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

fn warn_of_joining(
    cx: &mut Invocation<'_>,
    session: &Session,
    scope: Option<&str>,
    uses: &[UseName],
    new: Fingerprint,
) -> Result<()> {
    let mut held: Vec<(Fingerprint, Vec<String>)> = Vec::new();
    for assigned in session.assigned(scope)? {
        let Some(old) = assigned.row.certificate else { continue };
        if !uses.iter().any(|u| u.as_str() == assigned.key.use_name) {
            continue;
        }
        match held.iter_mut().find(|(f, _)| *f == old) {
            Some((_, names)) => names.push(assigned.key.use_name),
            None => held.push((old, vec![assigned.key.use_name])),
        }
    }
    if held.len() < 2 {
        return Ok(());
    }
    let mut parts = Vec::new();
    for (old, names) in &held {
        let shown = session.stored(old)?.map_or_else(|| old.to_string(), |row| row.thumbprint.to_string());
        parts.push(format!("{shown} for {}", names.join(", ")));
    }
    let shown = session.stored(&new)?.map_or_else(|| new.to_string(), |row| row.thumbprint.to_string());
    cx.warn_as(
        "UsesJoined",
        format!("these uses held different certificates and are joined to {shown}: {}", parts.join("; ")),
    )
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

pub(in crate::cmdlets) fn say_proofs(cx: &mut Invocation<'_>, receipt: &Receipt) -> Result<()> {
    for proof in &receipt.proofs {
        let place = format!("`{}` at {}", proof.site, if proof.endpoint.is_empty() { "no endpoint" } else { &proof.endpoint });
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

fn taken_lines(row: &CertificateRow, uses: &[UseName], receipt: &Receipt) -> Vec<String> {
    let mut lines: Vec<String> = uses.iter().map(|u| format!("{u}: assigned {}", row.thumbprint)).collect();
    lines.extend(receipt.proofs.iter().map(|p| format!("{} {}: {}", p.site, p.endpoint, p.verdict)));
    lines
}

struct Planned<'a> {
    session: &'a Session,
    certificate: &'a Certificate,
    fingerprint: Fingerprint,
    scope: &'a str,
    plan: Plan,
    unbound: Vec<UseName>,
}

impl Planned<'_> {
    fn assign(&mut self, use_name: &UseName, ban: bool) -> Result<()> {
        let places = self.session.places_of(use_name)?;
        let family = if self.certificate.key_algorithm().is_some_and(crate::model::KeyAlgorithm::is_elliptic) {
            Slot::Ecdsa
        } else {
            Slot::Rsa
        };
        let slot_of = |slots: &[Slot]| if slots.contains(&Slot::Any) { Slot::Any } else { family };
        let slot = places.first().map_or(Slot::Any, |p| slot_of(&p.slots()));
        let key = AssignmentKey { scope: self.scope.to_owned(), use_name: use_name.as_str().to_owned(), slot };
        let row_key = RowKey::Assignment(key);
        let old = self.session.state()?.row(&row_key)?;
        let old_row = match &old {
            Some(Row::Assignment(row)) => Some(row.clone()),
            _ => None,
        };
        let before = old_row.as_ref().and_then(|r| r.certificate);
        let thumbprint = self.certificate.thumbprint();
        self.plan.line(format!("Assign certificate {thumbprint}"), use_name.as_str());
        if before == Some(self.fingerprint) {
            // Nothing to write; but what is bound below must not differ from what another change assigns meanwhile.
            self.plan.rows.push(Write::replace(row_key, old.clone(), old));
        } else {
            let row = AssignmentRow {
                certificate: Some(self.fingerprint),
                previous: before,
                staged: None,
                updated: self.session.now(),
            };
            self.plan.rows.push(Write::replace(row_key, old, Some(Row::Assignment(row))));
            if let Some(before) = before.filter(|_| ban) {
                self.ban(before)?;
            }
        }
        if places.is_empty() {
            self.unbound.push(use_name.clone());
        }
        for place in places {
            let binding = place.key(slot_of(&place.slots()));
            self.plan.line(
                format!("Bind certificate {thumbprint}"),
                format!("{} {}", binding.site, binding.information),
            );
            self.plan.deployments.push(Deployment {
                binding,
                use_name: use_name.as_str().to_owned(),
                certificate: Some(self.fingerprint),
            });
        }
        Ok(())
    }

    fn ban(&mut self, fingerprint: Fingerprint) -> Result<()> {
        let key = RowKey::Certificate(fingerprint);
        if self.plan.rows.iter().any(|w| w.key == key) {
            return Ok(());
        }
        if let Some(row) = self.session.stored(&fingerprint)? {
            let banned = CertificateRow { banned: Some("KeyCompromise".to_owned()), ..row.clone() };
            self.plan.line(format!("Ban certificate {}", row.thumbprint), "every later use");
            self.plan.rows.push(Write::replace(key, Some(Row::Certificate(row)), Some(Row::Certificate(banned))));
        }
        Ok(())
    }
}
