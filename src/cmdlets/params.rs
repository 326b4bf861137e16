//! Parameters that several verbs share, and the types of this domain as parameters.

use crate::command::{Args, CommaList, Facts, FromValue, Invocation, Param, Switch, Value, Values, cannot_convert};
use crate::error::{Error, ErrorId, Result};
use crate::model::{UseName, nearest};
use crate::session::{Artefact, Session};

/// `-Report`: where the log of the command's steps goes.
pub(super) static REPORT: Param<String> =
    Param::named("Report", "Write a log of the steps to this file: HTML, or XML when it ends in .xml");

/// `-Force`.
pub(super) static FORCE: Param<Switch> = Param::named("Force", "Do not ask for confirmation");

/// `-NetportId`, of Lync Server 2010.
pub(super) static NETPORT_ID: Param<String> =
    Param::named("NetportId", "Reserved").compat("it is reserved in the original product and has no effect here");

/// `-Identity`: the scope.
pub(super) static IDENTITY: Param<String> =
    Param::named("Identity", "`global` for the assignments that all computers share");

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

/// The scope that `-Identity` means: `None` for the effective view of this computer.
///
/// # Errors
/// `ParameterArgumentValidationError` for anything but `global` and `local`.
pub(super) fn scope(identity: Option<&str>) -> Result<Option<&'static str>> {
    match identity {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("global") => Ok(Some("global")),
        Some(word) if word.eq_ignore_ascii_case("local") => Ok(None),
        Some(word) => Err(Error::new(
            ErrorId::ParameterArgumentValidationError,
            format!("`{word}` is no scope of certificates: it is `global`, or left away for this computer"),
        )
        .about(word)),
    }
}

/// The log that `-Report` asks for: opened before the first change, written at the end.
pub(super) struct Report(Option<(Artefact, bool)>);

impl Report {
    /// Opens the file, so that a folder that cannot be written stops the command and not its end.
    ///
    /// # Errors
    /// `FileNotWritable`, `PathNotAllowed`.
    pub(super) fn open(session: &Session, args: &Args) -> Result<Self> {
        let Some(shown) = args.get(&REPORT, session)? else { return Ok(Self(None)) };
        let path = session.resolve_path(&shown)?;
        let is_xml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
        Ok(Self(Some((Artefact::create(&path, &shown)?, is_xml))))
    }

    /// Writes it; nothing under `-WhatIf`.
    ///
    /// # Errors
    /// `FileNotWritable`, `DiskFull`.
    pub(super) fn finish(self, session: &Session, cx: &mut Invocation<'_>, verb: &str, lines: &[String]) -> Result<()> {
        let Some((artefact, is_xml)) = self.0 else { return Ok(()) };
        if cx.what_if() {
            return Ok(());
        }
        let steps: Vec<String> = lines.iter().map(|l| markup(l)).collect();
        let time = session.now();
        let text = if is_xml {
            let steps = steps.iter().fold(String::new(), |text, s| text + "  <Step>" + s.as_str() + "</Step>\n");
            format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Report Verb=\"{verb}\" Time=\"{time}\">\n{steps}</Report>\n"
            )
        } else {
            let steps = steps.iter().fold(String::new(), |text, s| text + "<li>" + s.as_str() + "</li>\n");
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{verb}</title></head>\n\
                 <body><h1>{verb}</h1><p>{time}</p>\n<ol>\n{steps}</ol></body></html>\n"
            )
        };
        let path = artefact.finish(text.as_bytes(), false)?;
        cx.verbose(format!("the report is in {}", path.display()))
    }
}

fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
