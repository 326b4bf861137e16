//! Parameters that several verbs share, and the types of this domain as parameters.

use crate::command::{Args, CommaList, Facts, FromValue, Invocation, Param, Switch, Value, Values, cannot_convert};
use crate::error::{Error, ErrorId, Result};
use crate::model::{HostName, UseName, nearest};
use crate::session::Session;

/// `-Report`: where the log of the command's steps goes.
pub(super) static REPORT: Param<String> =
    Param::named("Report", "Write a log of the steps to this file: HTML, or XML when it ends in .xml");

/// `-Force`.
pub(super) static FORCE: Param<Switch> =
    Param::named("Force", "Do not ask, and pass over errors that do not end the command");

/// `-NetportId`, of Lync Server 2010.
pub(super) static NETPORT_ID: Param<String> =
    Param::named("NetportId", "Reserved").compat("the original product reserves it");

/// `-Identity`: the scope.
pub(super) static IDENTITY: Param<String> = Param::named(
    "Identity",
    "`global` for what all computers share, `local` for this computer's own, or another computer",
);

/// A use in its canonical spelling; one comma string counts as several.
#[derive(Clone, Debug)]
pub(super) struct CertTypes(pub(super) Vec<UseName>);

impl FromValue for CertTypes {
    const TYPE: &'static str = "CertType[]";
    const LIST: bool = true;
    const VALUES: Values = Values::Uses;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        let CommaList(words) = CommaList::from_value(value, facts)?;
        if words.is_empty() {
            return Err(cannot_convert(value, Self::TYPE));
        }
        let valid = facts.uses()?;
        let mut uses: Vec<UseName> = Vec::new();
        for word in &words {
            let known = valid.iter().find(|u| u.eq_ignore_ascii_case(word) || is_alias(u, word));
            let Some(name) = known else { return Err(unknown_use(word, &valid)) };
            let name: UseName = name.parse()?;
            if !uses.contains(&name) {
                uses.push(name);
            }
        }
        Ok(Self(uses))
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|uses| Value::list(uses.0.iter().map(|u| Value::from(u.as_str()))))
    }
}

fn is_alias(name: &str, word: &str) -> bool {
    name == "XMPPServer" && word.eq_ignore_ascii_case("XmppServer")
}

fn unknown_use(word: &str, valid: &[String]) -> Error {
    let error = Error::new(
        ErrorId::CannotConvertArgument,
        format!("`{word}` is no use of a certificate; the valid ones are: {}", valid.join(", ")),
    )
    .about(word);
    match nearest(word, valid.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// What `-Identity` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing: the effective view of this computer when reading, each use's own scope when assigning.
    Unsaid,
    /// This computer, or another one of the topology.
    Computer(HostName),
    /// What all computers share.
    Global,
}

/// The scope that `-Identity` means.
///
/// # Errors
/// `ParameterArgumentValidationError` for anything but `global`, `local` and the computers of the topology.
pub(super) fn scope(session: &Session, identity: Option<&str>) -> Result<Scope> {
    let Some(word) = identity else { return Ok(Scope::Unsaid) };
    if word.eq_ignore_ascii_case("global") {
        return Ok(Scope::Global);
    }
    let topology = session.topology()?;
    if word.eq_ignore_ascii_case("local") {
        return Ok(Scope::Computer(topology.local_computer()?.clone()));
    }
    let known = word.parse::<HostName>().and_then(|name| topology.resolve_computer(&name).map(|(_, c)| c.clone()));
    known.map(Scope::Computer).map_err(|_| {
        let error = Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("`{word}` is no scope of certificates: it is `global`, `local`, or a computer of the topology"),
        );
        let named = |name: &str| name.eq_ignore_ascii_case(word);
        let computers = topology.pools.iter().find(|p| named(p.fqdn.as_str())).map(|p| &p.computers);
        let error = match (topology.uses.iter().find(|u| named(u.name.as_str())), computers) {
            (Some(u), _) => error.hint(format!("a use is named by `-Type {}`", u.name)),
            (None, Some(computers)) => {
                let names: Vec<String> = computers.iter().map(|c| format!("`{c}`")).collect();
                error.hint(format!("that is a pool; its computers are {}", names.join(", ")))
            }
            (None, None) => error,
        };
        error.about(word)
    })
}

/// Reports an error that does not end the command; with `-Force` it is only a verbose line.
///
/// # Errors
/// The error itself where `-ErrorAction` is `Stop`.
pub(super) fn report_unless_forced(cx: &mut Invocation<'_>, args: &Args, error: Error) -> Result<()> {
    if args.on(&FORCE) { cx.verbose(error.message()) } else { cx.report_error(error) }
}

/// Warns a reader that a change was cut off; reading never mends it.
///
/// # Errors
/// `StoreUnavailable`, or the warning itself where `-WarningAction` is `Stop`.
pub(super) fn warn_of_open_change(session: &Session, cx: &mut Invocation<'_>) -> Result<()> {
    let state = session.state()?;
    let open = state.open_operations()?;
    if open.is_empty() || state.lease_holder("change")?.is_some() {
        return Ok(());
    }
    cx.warn_as(
        "OpenChange",
        format!("{} change was cut off before its end; `certlet recover` finishes it or puts it back", open.len()),
    )
}
