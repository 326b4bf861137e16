//! `-Report`: a verb's steps as they happened, in a file that is written at its end: HTML, or XML.

use std::fmt::Write as _;

use super::params::REPORT;
use crate::command::{Args, Cancel, Host, Invocation, Message, Registry, Spec, Stream, Value};
use crate::error::{Error, ExitCode, Result};
use crate::model::Moment;
use crate::session::{Artefact, Session};

/// What is shown in place of a secret.
const MASK: &str = "********";

/// Runs a verb and writes the report that `-Report` asks for, also when the verb fails.
///
/// The file is opened before the verb begins, so that one that cannot be written stops it before its first change.
/// Under `-WhatIf` there is no report.
///
/// # Errors
/// `FileNotWritable`, `PathNotAllowed`, `DiskFull`; what the verb fails with.
pub(super) fn reported(
    cx: &mut Invocation<'_>,
    args: &Args,
    run: impl FnOnce(&mut Invocation<'_>, &Args) -> Result<()>,
) -> Result<()> {
    let (spec, session) = (cx.spec(), cx.session());
    let Some(shown) = args.get(&REPORT, session)? else { return run(cx, args) };
    let path = session.resolve_path(&shown)?;
    if cx.what_if() {
        cx.verbose(format!("no report is written to `{shown}`: nothing is done"))?;
        return run(cx, args);
    }
    let file = Artefact::create(&path, &shown)?;
    let is_xml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    let begun = session.now();
    let mut recorder = Recorder { session, host: cx.host(), steps: Vec::new(), objects: Vec::new() };
    let outcome = run(&mut Invocation::new(spec, session, &mut recorder), args);
    let Recorder { steps, objects, .. } = recorder;
    let log = Log { spec, session, args, begun, steps, objects, outcome: &outcome };
    let text = if is_xml { log.xml() } else { log.html() };
    let written = file.finish(text.as_bytes(), false);
    outcome?;
    cx.verbose(format!("the report is in {}", written?.display()))
}

/// One thing that a verb said.
struct Step {
    time: Moment,
    stream: &'static str,
    id: Option<&'static str>,
    text: String,
}

/// A host that hands everything on and remembers it.
struct Recorder<'h> {
    session: &'h Session,
    host: &'h mut dyn Host,
    steps: Vec<Step>,
    objects: Vec<Value>,
}

impl Host for Recorder<'_> {
    fn emit(&mut self, value: Value) -> Result<()> {
        self.objects.push(value.clone());
        self.host.emit(value)
    }

    fn next_input(&mut self) -> Result<Option<Value>> {
        self.host.next_input()
    }

    fn say(&mut self, message: Message) -> Result<()> {
        if message.stream != Stream::Progress {
            let (stream, text) = (message.stream.name(), message.text.clone());
            self.steps.push(Step { time: self.session.now(), stream, id: message.id, text });
        }
        self.host.say(message)
    }

    fn report(&mut self, error: Error) -> Result<()> {
        let (id, text) = (Some(error.id().name()), error.message().to_owned());
        self.steps.push(Step { time: self.session.now(), stream: Stream::Error.name(), id, text });
        self.host.report(error)
    }

    fn note_exit(&mut self, exit: ExitCode) {
        self.host.note_exit(exit);
    }

    fn what_if(&self) -> bool {
        self.host.what_if()
    }

    fn confirm(&mut self, action: &str, target: &str) -> Result<bool> {
        self.host.confirm(action, target)
    }

    fn is_verbose(&self) -> bool {
        self.host.is_verbose()
    }

    fn cancel(&self) -> Cancel {
        self.host.cancel()
    }

    fn registry(&self) -> Registry {
        self.host.registry()
    }
}

/// What the report holds.
struct Log<'a> {
    spec: &'static Spec,
    session: &'a Session,
    args: &'a Args,
    begun: Moment,
    steps: Vec<Step>,
    objects: Vec<Value>,
    outcome: &'a Result<()>,
}

impl Log<'_> {
    /// The parameters as they were given, secrets masked.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let zone = self.session.zone();
        let is_secret = |name: &str| self.spec.parameters.iter().any(|p| p.name == name && p.secret);
        let shown = |name: &str, value: &Value| match value {
            _ if is_secret(name) => MASK.to_owned(),
            Value::Secret(_) => MASK.to_owned(),
            Value::List(items) => items.iter().map(|v| v.display(&zone)).collect::<Vec<_>>().join(", "),
            one => one.display(&zone),
        };
        self.args.iter().map(|(name, value)| (name, shown(name, value))).collect()
    }

    /// What is said above the steps.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let (zone, ended) = (self.session.zone(), self.session.now());
        let moment = |m: Moment| format!("{} ({m})", m.in_zone(&zone));
        let computer = self.session.local_scope().unwrap_or_default();
        let (user, principal) = self.session.policy().map(|p| (p.user, p.principal)).unwrap_or_default();
        let outcome = match self.outcome {
            Ok(()) => "Done".to_owned(),
            Err(error) => format!("Failed: {}: {}", error.id(), error.message()),
        };
        vec![
            ("Command", self.spec.name.to_owned()),
            ("Begun", moment(self.begun)),
            ("Ended", moment(ended)),
            ("Computer", computer),
            ("User", user),
            ("Principal", principal),
            ("Outcome", outcome),
        ]
    }

    /// The visible properties of an object, lists whole.
    fn properties(&self, object: &Value) -> Vec<(String, String)> {
        let zone = self.session.zone();
        let shown = |value: &Value| match value {
            Value::List(items) => items.iter().map(|v| v.display(&zone)).collect::<Vec<_>>().join(", "),
            one => one.display(&zone),
        };
        let Value::Object(record) = object else { return vec![("Value".to_owned(), shown(object))] };
        let visible = record.kind().properties.iter().enumerate().filter(|(_, p)| !p.hidden);
        visible.map(|(i, p)| (p.name.to_string(), shown(&record.value(i)))).collect()
    }

    fn html(&self) -> String {
        let mut page = String::with_capacity(4096);
        let title = markup(self.spec.name);
        page.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        let _ = writeln!(page, "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>");
        table(&mut page, &self.facts());
        if self.args.iter().next().is_some() {
            page.push_str("<h2>Parameters</h2>\n");
            table(&mut page, &self.parameters());
        }
        page.push_str("<h2>Steps</h2>\n<ol>\n");
        for step in &self.steps {
            let id = step.id.map_or_else(String::new, |id| format!(" <code>{}</code>", markup(id)));
            let _ = writeln!(
                page,
                "<li class=\"{0}\"><time>{1}</time> <b>{0}</b>{id} {2}</li>",
                step.stream,
                step.time,
                markup(&step.text)
            );
        }
        page.push_str("</ol>\n");
        if !self.objects.is_empty() {
            page.push_str("<h2>Results</h2>\n");
        }
        for object in &self.objects {
            table(&mut page, &self.properties(object));
        }
        page.push_str("</body>\n</html>\n");
        page
    }

    fn xml(&self) -> String {
        let mut text = String::with_capacity(4096);
        text.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Report>\n");
        for (name, value) in self.facts() {
            let _ = writeln!(text, "  <{name}>{}</{name}>", markup(&value));
        }
        text.push_str("  <Parameters>\n");
        for (name, value) in self.parameters() {
            let _ = writeln!(text, "    <Parameter Name=\"{name}\">{}</Parameter>", markup(&value));
        }
        text.push_str("  </Parameters>\n  <Steps>\n");
        for step in &self.steps {
            let id = step.id.map_or_else(String::new, |id| format!(" Id=\"{}\"", markup(id)));
            let _ = writeln!(
                text,
                "    <Step Time=\"{}\" Stream=\"{}\"{id}>{}</Step>",
                step.time,
                step.stream,
                markup(&step.text)
            );
        }
        text.push_str("  </Steps>\n  <Results>\n");
        for object in &self.objects {
            let _ = writeln!(text, "    <Object Kind=\"{}\">", markup(object.type_name()));
            for (name, value) in self.properties(object) {
                let _ = writeln!(text, "      <Property Name=\"{}\">{}</Property>", markup(&name), markup(&value));
            }
            text.push_str("    </Object>\n");
        }
        text.push_str("  </Results>\n</Report>\n");
        text
    }
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
                     table{border-collapse:collapse;margin:0 0 1.5em}th,td{text-align:left;vertical-align:top;\
                     padding:.2em .8em .2em 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}\
                     th{white-space:nowrap}time{color:#666}.warning b{color:#a60}.error b{color:#b00}";

fn table(page: &mut String, rows: &[(impl AsRef<str>, String)]) {
    page.push_str("<table>\n");
    for (name, value) in rows {
        let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", markup(name.as_ref()), markup(value));
    }
    page.push_str("</table>\n");
}

/// Text as it stands in HTML and XML 1.0, which has no place for control characters (XML 1.0 section 2.2).
fn markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::markup;

    #[test]
    fn nothing_of_a_text_is_taken_for_markup() {
        assert_eq!(markup("<b a='\"'>&\u{7}\n"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\n");
    }
}
