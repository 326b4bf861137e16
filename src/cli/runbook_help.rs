//! `certlet run FILE -?`: what a runbook does and takes, from its first comment and its parameters.

use std::fmt::Write;
use std::path::Path;

use crate::engine::{Literal, ScriptParameter};

/// The help of a runbook, without a last line end.
pub(super) fn render(path: &Path, script: &str, parameters: &[ScriptParameter]) -> String {
    let shown = path.display();
    let mut help = format!("NAME\n    {shown}\n");
    let about = header_comment(script);
    if !about.is_empty() {
        help.push_str("\nDESCRIPTION\n");
        for line in &about {
            push_line(&mut help, line);
        }
    }
    help.push_str("\nSYNTAX\n");
    let words: Vec<String> = parameters
        .iter()
        .map(|p| {
            let word = format!("{}=<{}>", p.name, p.kind);
            if p.default.is_some() { format!("[{word}]") } else { word }
        })
        .collect();
    push_line(&mut help, &format!("certlet run {shown} {}", words.join(" ")));
    if !parameters.is_empty() {
        help.push_str("\nPARAMETERS\n");
    }
    for (index, parameter) in parameters.iter().enumerate() {
        if index > 0 {
            help.push('\n');
        }
        push_line(&mut help, &format!("{}=<{}>", parameter.name, parameter.kind));
        for line in parameter.help.iter().flat_map(|text| text.lines()) {
            push_line(&mut help, &format!("    {line}"));
        }
        let default = match &parameter.default {
            Some(default) => format!("    Default value  {}", literal(default)),
            None => "    Must be given".to_owned(),
        };
        push_line(&mut help, &default);
    }
    help.truncate(help.trim_end().len());
    help
}

fn push_line(help: &mut String, line: &str) {
    let line = line.trim_end();
    if line.is_empty() {
        help.push('\n');
    } else {
        // Writing to a String does not fail.
        let _ = writeln!(help, "    {line}");
    }
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Literal::Text(text) => text.clone(),
        Literal::Int(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Null => "none".to_owned(),
        Literal::List(items) => items.iter().map(literal).collect::<Vec<_>>().join(","),
    }
}

/// The lines of the comment with which a script begins, without its marks.
fn header_comment(script: &str) -> Vec<String> {
    let script = script.strip_prefix('\u{feff}').unwrap_or(script);
    let script = if script.starts_with("#!") { script.split_once('\n').map_or("", |(_, rest)| rest) } else { script };
    let script = script.trim_start();
    for (open, close) in [("/*", "*/"), ("<#", "#>")] {
        if let Some(rest) = script.strip_prefix(open) {
            let body = rest.split_once(close).map_or(rest, |(body, _)| body);
            let body = body.trim_start_matches('*').trim();
            return body.lines().map(|line| line.trim().trim_start_matches("* ").to_owned()).collect();
        }
    }
    script.lines().map_while(|line| comment_line(line.trim())).collect()
}

fn comment_line(line: &str) -> Option<String> {
    let text = match line.strip_prefix("//") {
        Some(text) => text.trim_start_matches(['/', '!']),
        // `#{` begins a map and `#"` a text.
        None => line.strip_prefix('#').filter(|rest| !rest.starts_with(['{', '"', '#']))?,
    };
    Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::Position;

    fn parameter(name: &str, kind: &str, default: Option<Literal>, help: Option<&str>) -> ScriptParameter {
        ScriptParameter {
            name: name.into(),
            kind: kind.into(),
            default,
            help: help.map(Into::into),
            position: Position::new(None, 1, 1, 1),
        }
    }

    #[test]
    fn a_runbook_describes_itself() {
        let script =
            "#!/usr/bin/env -S certlet run\n// Renews what ends soon.\n//\n// Run it daily.\nparam(#{});\n// not this";
        let parameters = [
            parameter("ca", "String", None, Some("The authority to ask")),
            parameter("days", "Int32", Some(Literal::Int(30)), None),
            parameter(
                "uses",
                "String[]",
                Some(Literal::List(vec![Literal::Text("A".into()), Literal::Text("B".into())])),
                None,
            ),
        ];
        assert_snapshot!(render(Path::new("renew.rhai"), script, &parameters), @r"
        NAME
            renew.rhai

        DESCRIPTION
            Renews what ends soon.

            Run it daily.

        SYNTAX
            certlet run renew.rhai ca=<String> [days=<Int32>] [uses=<String[]>]

        PARAMETERS
            ca=<String>
                The authority to ask
                Must be given

            days=<Int32>
                Default value  30

            uses=<String[]>
                Default value  A,B
        ");
    }

    #[test]
    fn comments_of_every_kind_are_read() {
        for script in [
            "\u{feff}\n/** One.\n * Two. */ 1",
            "<# One.\n   Two. #>\n1",
            "# One.\n# Two.\nGet-X # three",
            "//! One.\n//! Two.\n",
        ] {
            assert_eq!(header_comment(script), ["One.", "Two."], "{script}");
        }
        assert!(header_comment("#{ a: 1 }").is_empty());
        assert!(header_comment("").is_empty());
    }
}
