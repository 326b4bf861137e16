//! `Set-CsCertificate`: assign, put on the bindings, and prove it.

use crate::cmdlets::assigning::{Order, Staging, assign};
use crate::cmdlets::importing::Import;
use crate::cmdlets::params::{CertTypes, FORCE, IDENTITY, REPORT, scope};
use crate::cmdlets::records::CERTIFICATE_REFERENCE;
use crate::cmdlets::report::reported;
use crate::command::{
    Args, Example, Expect, Facts, FromValue, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Value, Values, Verb,
};
use crate::error::{Error, ErrorId, Result};
use crate::model::{CertificateSelector, Moment, Secret, UseName};
use crate::session::{Candidate, OnFailure, Session, find_certificate};
use crate::state::{Row, RowKey};

static REFERENCE: Param<Reference> =
    Param::named("Reference", "The certificate, as Get- or Request-CsCertificate emitted it")
        .sets(&["CertificateReference"])
        .mandatory()
        .from_pipeline(Pipeline::ByValue);
static THUMBPRINT: Param<CertificateSelector> =
    Param::named("Thumbprint", "The certificate's SHA-1 (40 hexadecimal digits) or SHA-256 (64)")
        .sets(&["Thumbprint"])
        .mandatory();
static PATH: Param<String> = Param::named("Path", "A PFX file: its certificate is imported and assigned in one change")
    .sets(&["Path"])
    .mandatory()
    .values(Values::Files);
static PASSWORD: Param<Secret> = Param::named("Password", "The password of the file").sets(&["Path"]).secret();
static TYPE: Param<CertTypes> = Param::named("Type", "The uses to assign it to").mandatory_in(&["Path"]);
static SCOPE: Param<String> = Param::named("Identity", IDENTITY.spec.help).mandatory_in(&["Path"]);
static EFFECTIVE_DATE: Param<Moment> =
    Param::named("EffectiveDate", "When it takes over; a later one stages it").aliases(&["EffectiveTime"]);
static ROLL: Param<Switch> =
    Param::named("Roll", "Stage it beside the current one, with lead time; needs -EffectiveDate");
static ON_FAILURE: Param<String> =
    Param::named("OnFailure", "What becomes of a change whose proof fails: put back, or left for a person")
        .values(Values::Choice(&["Undo", "Hold"]))
        .default_text("Undo");
static REASON: Param<String> =
    Param::named("Reason", "Why the certificate is replaced; KeyCompromise bans the old one from every later use")
        .values(Values::Choice(&["Superseded", "KeyCompromise"]))
        .default_text("Superseded");
static NETPORT: Param<String> = Param::named("NetportId", "Reserved")
    .sets(&["Thumbprint", "CertificateReference"])
    .compat("the original product reserves it");

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
                  it.\n\nWith `-Path` the certificate of a PFX file is imported first; everything is checked before that. When \
                  the change fails it stays stored, with its key, and is assigned to nothing.\n\nWith `-EffectiveDate` in the \
                  future the certificate is staged and the current one goes on serving. It takes over when `certlet serve` or \
                  the renewal timer next looks after that moment, with the same proof. `-Roll` warns when the current \
                  certificate ends too soon after it: what AudioVideoAuthentication signed lives 8 hours, what \
                  OAuthTokenIssuer signed 24.\n\nA use whose certificate all servers share (OAuthTokenIssuer) is assigned \
                  globally unless `-Identity local` is given. With `-Identity COMPUTER` the certificate is for another member \
                  of a pool, as far as its sites are served from here; elsewhere it is `NoTransport`.",
    sets: &["Thumbprint", "CertificateReference", "Path"],
    parameters: &[
        &TYPE.spec, &REFERENCE.spec, &THUMBPRINT.spec, &PATH.spec, &PASSWORD.spec, &SCOPE.spec, &EFFECTIVE_DATE.spec,
        &ROLL.spec, &ON_FAILURE.spec, &REASON.spec, &NETPORT.spec, &FORCE.spec, &REPORT.spec,
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
        Example {
            line: "Request-CsCertificate -New -Type Default | Set-CsCertificate -Type Default -Roll -EffectiveDate \
                   (Get-Date).AddDays(7)",
            says: "Stages a certificate that takes over in a week",
            expect: Expect::Changes(1),
        },
    ],
    related: &["Get-CsCertificate", "Find-TlsCertificate", "Test-TlsBinding", "about_proof", "about_staging"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, set)
}

fn set(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let says = |param: &Param<String>, word: &str| -> Result<bool> {
        Ok(args.get(param, session)?.is_some_and(|w| w.eq_ignore_ascii_case(word)))
    };
    let ban = says(&REASON, "KeyCompromise")?;
    let mut order = Order {
        uses: uses(args, session)?,
        scope: scope(session, args.get(&SCOPE, session)?.as_deref())?,
        staging: Staging::of(session, args.get(&EFFECTIVE_DATE, session)?, args.on(&ROLL))?,
        on_failure: if says(&ON_FAILURE, "Hold")? { OnFailure::Hold } else { OnFailure::Undo },
        ban,
        first: None,
    };
    if ban && order.staging.later(session).is_some() {
        return Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            "a certificate whose key is compromised is replaced at once: `-Reason KeyCompromise` and a later `-EffectiveDate` \
             exclude each other",
        )
        .about("-EffectiveDate"));
    }
    if let Some(shown) = args.get(&PATH, session)? {
        session.policy()?.check_change()?;
        let import = Import::read(session, shown, args.get(&PASSWORD, session)?.as_ref(), false)?;
        import.say(cx)?;
        order.first = Some(import.line());
        return assign(cx, &import.candidate(), &order, || import.write(session, SPEC.name));
    }
    let selector = match args.get(&THUMBPRINT, session)? {
        Some(selector) => selector,
        None => args.need(&REFERENCE, session)?.selector,
    };
    let (_, row) = find_certificate(session, &selector).map_err(|e| with_next_line(session, &order.uses, e))?;
    let certificate = session.certificate_of(&row)?;
    let exportable = match session.state()?.row(&RowKey::Key(row.key))? {
        Some(Row::Key(key)) if key.quarantined_until.is_none() => Some(key.exportable),
        _ => None,
    };
    let candidate = Candidate { row: &row, certificate: &certificate, exportable, chain: None };
    assign(cx, &candidate, &order, || Ok(()))
}

/// A certificate as a verb emitted it, with the use that it is assigned to.
struct Reference {
    selector: CertificateSelector,
    use_name: Option<UseName>,
}

impl FromValue for Reference {
    const TYPE: &'static str = "CertificateReference";
    const VALUES: Values = Values::Thumbprints;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        // SHA-256 where the record has it: two certificates may share a SHA-1.
        let fingerprint = value.property("Fingerprint").filter(|f| !f.is_null());
        let selector = CertificateSelector::from_value(fingerprint.as_ref().unwrap_or(value), facts)?;
        let use_name = match value.property("Use") {
            Some(Value::Text(name)) => Some(name.parse()?),
            _ => None,
        };
        Ok(Self { selector, use_name })
    }
}

/// The uses: those of -Type, else the one that a piped record bears.
fn uses(args: &Args, session: &Session) -> Result<Vec<UseName>> {
    if let Some(types) = args.get(&TYPE, session)? {
        return Ok(types.0);
    }
    match args.get(&REFERENCE, session)?.and_then(|r| r.use_name) {
        Some(own) => Ok(vec![own]),
        None => Err(Error::new(ErrorId::MissingMandatoryParameter, "the mandatory parameter `-Type` is missing")
            .about("Type")
            .hint("say which uses: `-Type Default,WebServicesInternal,WebServicesExternal`")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{NAMES, TestWorld};
    use crate::model::{Fingerprint, Moment};
    use crate::probe::testing::Oddities;
    use crate::session::fitness;
    use crate::state::{CertificateQuery, CertificateRow, State, Store, Write};

    /// The plain way: every certificate is judged; all names first, then the latest end.
    fn best_of_all(session: &Session, uses: &[UseName]) -> Option<Fingerprint> {
        let query = CertificateQuery { store: Some(Store::My), ..CertificateQuery::default() };
        let computer = session.topology().unwrap().local_computer().unwrap().clone();
        let mut best: Option<(bool, Moment, Fingerprint)> = None;
        for (fingerprint, row) in session.state().unwrap().certificates(&query).unwrap() {
            let certificate = session.certificate_of(&row).unwrap();
            let findings = fitness(session, &row, &certificate, uses, session.now()).unwrap();
            if row.not_after > session.now() && !findings.iter().any(|f| f.is_obstacle) {
                let complete = session.name_difference(&computer, uses, &certificate).unwrap().missing.is_empty();
                best = best.max(Some((complete, row.not_after, fingerprint)));
            }
        }
        best.map(|(_, _, fingerprint)| fingerprint)
    }

    #[test]
    fn the_best_fit_is_the_one_that_a_look_at_all_would_find() {
        let wild = ["pool01.contoso.net", "webpool01.contoso.net", "webpool01.contoso.com", "*.contoso.com"];
        let odd = Oddities { client_only: true, ..Oddities::default() };
        let world = TestWorld::contoso()
            .with("full", &NAMES)
            .with("again", &NAMES)
            .with("part", &NAMES[..3])
            .with("other", &["www.contoso.com"])
            .with("wild", &wild)
            .with_odd("client", &NAMES, &odd);
        let session = world.session();
        let all = session.state().unwrap().certificates(&CertificateQuery::default()).unwrap();
        let all: Vec<(Fingerprint, CertificateRow)> = all.into_iter().filter(|(_, row)| row.store == Store::My).collect();
        let keys: Vec<Row> =
            all.iter().map(|(_, row)| world.state.row(&RowKey::Key(row.key)).unwrap().unwrap()).collect();
        let mut random = 7_u32;
        let mut pick = move |n: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 16) % n
        };
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..120 {
            let mut batch = Vec::new();
            for ((fingerprint, row), key) in all.iter().zip(&keys) {
                let mut row = row.clone();
                row.not_after = session.now().plus_days(i64::from(pick(4)) - 1);
                row.banned = (pick(4) == 0).then(|| "a test".to_owned());
                row.store = if pick(6) == 0 { Store::Ca } else { Store::My };
                let mut key = key.clone();
                if let Row::Key(key) = &mut key {
                    key.quarantined_until = (pick(6) == 0).then(|| session.now());
                }
                let key_id = RowKey::Key(row.key);
                batch.push(if pick(5) == 0 { Write::remove(key_id) } else { Write::put(key_id, key) });
                batch.push(Write::put(RowKey::Certificate(*fingerprint), Row::Certificate(row)));
            }
            world.state.write(&batch).unwrap();
            for uses in ["Default", "WebServicesExternal", "WebServicesInternal"] {
                let uses = [uses.parse().unwrap()];
                let found = session.best_fit(&uses).unwrap().map(|row| Fingerprint::of(&row.der));
                assert_eq!(found, best_of_all(&session, &uses), "{uses:?}");
                kinds.insert(found);
            }
        }
        // None, and several of them, were the best.
        assert!(kinds.len() > 4 && kinds.contains(&None), "{kinds:?}");
    }
}
