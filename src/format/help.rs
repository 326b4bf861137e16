//! Help of a verb, rendered from its declaration alone.

use std::fmt::Write;

use crate::command::{Expect, Impact, Input, ParamSpec, Spec};

use super::help_parameter::{self, type_text};
use super::text::{width, wrap};

/// How far the text of a section is indented.
const INDENT: usize = 4;

/// The narrowest help.
const LEAST_WIDTH: usize = 40;

/// How much of the help is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HelpView {
    /// Name, synopsis, syntax, description and links.
    #[default]
    Short,
    /// Name, synopsis and examples.
    Examples,
    /// The short view with parameters and examples.
    Detailed,
    /// Everything that is known.
    Full,
}

/// Renders the help of a verb under the name by which it was asked for, wrapped to a width
/// (79 is usual); examples are never wrapped, they are there to be copied.
pub fn render_help(spec: &Spec, name: &str, view: HelpView, width: usize) -> String {
    let mut page = Page { text: String::from("\n"), width: width.max(LEAST_WIDTH) };
    page.section("NAME", &[name.to_owned()]);
    page.prose("SYNOPSIS", spec.synopsis);
    if view == HelpView::Examples {
        page.examples(spec);
        return page.text;
    }
    page.syntax(spec, name);
    page.other_names(spec, name);
    page.prose("DESCRIPTION", spec.description);
    if view != HelpView::Short {
        page.parameters(spec, view == HelpView::Full);
    }
    if view == HelpView::Full {
        page.input_and_output(spec);
        page.notes(spec);
    }
    if view != HelpView::Short {
        page.examples(spec);
    }
    let related: Vec<String> = spec.related.iter().map(|r| (*r).to_owned()).collect();
    page.section("RELATED LINKS", &related);
    page.remarks(spec, name, view);
    page.text
}

/// The syntax of a verb, one entry for each parameter set, unwrapped:
/// `Set-CsCertificate -Type <CertType[]> [-Force] [-WhatIf] [-Confirm] [<CommonParameters>]`.
pub fn syntax(spec: &Spec, name: &str) -> Vec<String> {
    spec.parameter_sets().iter().map(|set| format!("{name} {}", words(spec, set).join(" "))).collect()
}

fn words(spec: &Spec, set: &str) -> Vec<String> {
    let mut parameters: Vec<&ParamSpec> = spec.parameters.iter().copied().filter(|p| p.in_set(set)).collect();
    parameters.sort_by_key(|p| match p.position {
        Some(position) => (0, position),
        None if p.mandatory_in(set) => (1, 0),
        None => (2, 0),
    });
    let mut words: Vec<String> = parameters.iter().map(|p| word(p, set)).collect();
    if spec.changes != Impact::Reads {
        words.extend(["[-WhatIf]".to_owned(), "[-Confirm]".to_owned()]);
    }
    words.push("[<CommonParameters>]".to_owned());
    words
}

fn word(parameter: &ParamSpec, set: &str) -> String {
    let name = match parameter.position {
        Some(_) => format!("[-{}]", parameter.name),
        None => format!("-{}", parameter.name),
    };
    let whole = if parameter.switch { name } else { format!("{name} <{}>", type_text(parameter)) };
    if parameter.mandatory_in(set) { whole } else { format!("[{whole}]") }
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn heading(&mut self, title: &str) {
        self.line(0, title);
    }

    fn line(&mut self, indent: usize, line: &str) {
        let line = format!("{:indent$}{line}", "");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.heading(title);
        for line in lines {
            self.line(INDENT, line);
        }
        self.text.push('\n');
    }

    fn prose(&mut self, title: &str, text: &str) {
        let lines = paragraphs(text, self.width - INDENT);
        self.section(title, &lines);
    }

    fn syntax(&mut self, spec: &Spec, name: &str) {
        self.heading("SYNTAX");
        for set in spec.parameter_sets() {
            let mut line = name.to_owned();
            let mut indent = INDENT;
            for word in words(spec, set) {
                if indent + width(&line) + 1 + width(&word) > self.width && !line.is_empty() {
                    self.line(indent, &line);
                    line.clear();
                    indent = 2 * INDENT;
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&word);
            }
            self.line(indent, &line);
            self.text.push('\n');
        }
    }

    fn other_names(&mut self, spec: &Spec, name: &str) {
        let mut names: Vec<&str> = spec.names().filter(|n| !n.eq_ignore_ascii_case(name)).collect();
        names.extend(spec.aliases);
        if names.is_empty() {
            return;
        }
        self.prose("ALIASES", &names.join(", "));
    }

    fn parameters(&mut self, spec: &Spec, full: bool) {
        self.heading("PARAMETERS");
        for parameter in spec.parameters {
            self.text.push_str(&help_parameter::entry(spec, parameter, full, self.width));
        }
        if spec.changes != Impact::Reads {
            for (name, help) in CHANGE_SWITCHES {
                self.line(INDENT, name);
                self.wrapped(2 * INDENT, help);
                self.text.push('\n');
            }
        }
        self.line(INDENT, "<CommonParameters>");
        self.wrapped(2 * INDENT, COMMON);
        self.text.push('\n');
    }

    fn input_and_output(&mut self, spec: &Spec) {
        let taking: Vec<String> = spec
            .parameters
            .iter()
            .filter_map(|p| help_parameter::pipeline_text(p).map(|how| format!("-{} <{}> {how}", p.name, type_text(p))))
            .collect();
        let inputs = match spec.input {
            Input::None if taking.is_empty() => vec!["None".to_owned()],
            _ if taking.is_empty() => vec!["Object".to_owned()],
            _ => taking,
        };
        self.section("INPUTS", &inputs);
        let passes = spec.examples.iter().any(|e| matches!(e.expect, Expect::Emits(1..) | Expect::EmitsSome));
        let outputs = match spec.emits {
            None if passes => vec!["Object".to_owned()],
            None => vec!["None".to_owned()],
            Some(kind) => vec![kind.name.to_string()],
        };
        self.section("OUTPUTS", &outputs);
    }

    fn notes(&mut self, spec: &Spec) {
        self.prose(
            "NOTES",
            match spec.changes {
                Impact::Reads => "It changes nothing, so that it has neither `-WhatIf` nor `-Confirm`.",
                Impact::Medium => "`-WhatIf` shows what it would do; it asks with `-Confirm` alone.",
                Impact::High => {
                    "`-WhatIf` shows what it would do; it asks first, unless `-Confirm:$false` or its `-Force` is given."
                }
            },
        );
    }

    fn examples(&mut self, spec: &Spec) {
        if spec.examples.is_empty() {
            return;
        }
        self.heading("EXAMPLES");
        for (index, example) in spec.examples.iter().enumerate() {
            let rule = "-".repeat(26);
            self.line(INDENT, &format!("{rule} EXAMPLE {} {rule}", index + 1));
            self.text.push('\n');
            for line in example.line.lines() {
                self.line(INDENT, line);
            }
            self.text.push('\n');
            self.wrapped(INDENT, example.says);
            self.text.push('\n');
            let shown = super::help_outputs::output_of(example.line).unwrap_or_default();
            for line in &shown {
                self.line(INDENT, line);
            }
            if !shown.is_empty() {
                self.text.push('\n');
            }
        }
    }

    fn remarks(&mut self, spec: &Spec, name: &str, view: HelpView) {
        self.heading("REMARKS");
        let mut lines = Vec::new();
        if view == HelpView::Short && !spec.examples.is_empty() {
            lines.push(format!("Examples: `Get-Help {name} -Examples`"));
        }
        if view != HelpView::Full {
            lines.push(format!("Each parameter: `Get-Help {name} -Full`"));
        }
        if let Some(function) = spec.functions.first() {
            lines.push(format!("Rhai function: `{function}`"));
        }
        if lines.is_empty() {
            lines.push("None".to_owned());
        }
        for line in lines {
            self.line(INDENT, &line);
        }
        self.text.push('\n');
    }

    fn wrapped(&mut self, indent: usize, text: &str) {
        for line in paragraphs(text, self.width - indent) {
            self.line(indent, &line);
        }
    }
}

const CHANGE_SWITCHES: [(&str, &str); 2] = [
    ("-WhatIf [<SwitchParameter>]", "Shows what would be changed and changes nothing."),
    ("-Confirm [<SwitchParameter>]", "Asks before anything is changed; `-Confirm:$false` never asks."),
];

const COMMON: &str = "The common parameters: -Verbose, -Debug, -ErrorAction, -WarningAction, -InformationAction, \
    -ErrorVariable, -WarningVariable, -InformationVariable, -OutVariable, -OutBuffer, -PipelineVariable.";

/// Prose as wrapped lines: single line ends are blanks, an empty line parts paragraphs.
pub(super) fn paragraphs(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    for line in text.lines().map(str::trim).chain([""]) {
        if !line.is_empty() {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        } else if !paragraph.is_empty() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(wrap(&paragraph, limit));
            paragraph.clear();
        }
    }
    lines
}

/// Writes a line of a table of facts, its value wrapped under itself.
pub(super) fn fact(text: &mut String, indent: usize, label: &str, value: &str, limit: usize) {
    const LABEL: usize = 28;
    let room = limit.saturating_sub(indent + LABEL + 1).max(20);
    for (index, line) in wrap(value, room).iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        let line = format!("{:indent$}{label:LABEL$} {line}", "");
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::format::help_parameter::tests::SPEC;

    #[test]
    fn syntax_has_a_line_for_each_set() {
        assert_eq!(
            syntax(&SPEC, "Set-TlsCertificate"),
            [
                "Set-TlsCertificate [-Name] <String> [[-Computer] <String>] -Type <CertType[]> -Thumbprint <String> \
                 [-Force] [-WhatIf] [-Confirm] [<CommonParameters>]",
                "Set-TlsCertificate [-Name] <String> [[-Computer] <String>] -Type <CertType[]> -Path <String> \
                 [-Password <SecureString>] [-Force] [-WhatIf] [-Confirm] [<CommonParameters>]",
            ]
        );
    }

    #[test]
    fn the_short_help() {
        assert_snapshot!(render_help(&SPEC, "Set-CsCertificate", HelpView::Short, 79), @r#"

        NAME
            Set-CsCertificate

        SYNOPSIS
            Assign a certificate to uses

        SYNTAX
            Set-CsCertificate [-Name] <String> [[-Computer] <String>]
                -Type <CertType[]> -Thumbprint <String> [-Force] [-WhatIf] [-Confirm]
                [<CommonParameters>]

            Set-CsCertificate [-Name] <String> [[-Computer] <String>]
                -Type <CertType[]> -Path <String> [-Password <SecureString>] [-Force]
                [-WhatIf] [-Confirm] [<CommonParameters>]

        ALIASES
            Set-TlsCertificate, scc

        DESCRIPTION
            Assigns a stored certificate to one or several uses, binds it at the sites
            that serve them, and proves it by handshakes.

            A second run with the same values writes nothing and proves again.

        RELATED LINKS
            Get-CsCertificate
            Request-CsCertificate

        REMARKS
            Examples: `Get-Help Set-CsCertificate -Examples`
            Each parameter: `Get-Help Set-CsCertificate -Full`
            Rhai function: `set_certificate`
        "#);
    }

    #[test]
    fn the_full_help() {
        assert_snapshot!(render_help(&SPEC, "Set-CsCertificate", HelpView::Full, 79), @r#"

        NAME
            Set-CsCertificate

        SYNOPSIS
            Assign a certificate to uses

        SYNTAX
            Set-CsCertificate [-Name] <String> [[-Computer] <String>]
                -Type <CertType[]> -Thumbprint <String> [-Force] [-WhatIf] [-Confirm]
                [<CommonParameters>]

            Set-CsCertificate [-Name] <String> [[-Computer] <String>]
                -Type <CertType[]> -Path <String> [-Password <SecureString>] [-Force]
                [-WhatIf] [-Confirm] [<CommonParameters>]

        ALIASES
            Set-TlsCertificate, scc

        DESCRIPTION
            Assigns a stored certificate to one or several uses, binds it at the sites
            that serve them, and proves it by handshakes.

            A second run with the same values writes nothing and proves again.

        PARAMETERS
            -Type <CertType[]>
                Choose the uses that the certificate is to serve, several with commas
                between them

                Required?                    true
                Position?                    named
                Default value
                Accept pipeline input?       true (ByPropertyName)
                Accept wildcard characters?  false
                Aliases                      CertType
                Valid values                 Default, WebServicesInternal,
                                             WebServicesExternal, AccessEdgeExternal

            -Name <String>
                Name the site

                Required?                    true
                Position?                    0
                Default value
                Accept pipeline input?       false
                Accept wildcard characters?  false

            -Computer <String>
                Name the computer
                Accepted for compatibility: there is one computer

                Required?                    false
                Position?                    1
                Default value
                Accept pipeline input?       false
                Accept wildcard characters?  false

            -Thumbprint <String>
                Name the certificate

                Required?                    true in Stored; false elsewhere
                Position?                    named
                Default value
                Accept pipeline input?       false
                Accept wildcard characters?  false
                Parameter sets               Stored

            -Path <String>
                Read the certificate from a file

                Required?                    true
                Position?                    named
                Default value
                Accept pipeline input?       false
                Accept wildcard characters?  false
                Parameter sets               File

            -Password <SecureString>
                Open the file

                Required?                    false
                Position?                    named
                Default value                none
                Accept pipeline input?       false
                Accept wildcard characters?  false
                Parameter sets               File
                Secret                       its value is never shown, logged or kept
                                             in the history

            -Force [<SwitchParameter>]
                Do not ask

                Required?                    false
                Position?                    named
                Default value
                Accept pipeline input?       false
                Accept wildcard characters?  false
                Confirmation                 answers the question that the verb asks by
                                             itself

            -WhatIf [<SwitchParameter>]
                Shows what would be changed and changes nothing.

            -Confirm [<SwitchParameter>]
                Asks before anything is changed; `-Confirm:$false` never asks.

            <CommonParameters>
                The common parameters: -Verbose, -Debug, -ErrorAction, -WarningAction,
                -InformationAction, -ErrorVariable, -WarningVariable,
                -InformationVariable, -OutVariable, -OutBuffer, -PipelineVariable.

        INPUTS
            -Type <CertType[]> (ByPropertyName)

        OUTPUTS
            CertificateReference

        NOTES
            `-WhatIf` shows what it would do; it asks first, unless `-Confirm:$false`
            or its `-Force` is given.

        EXAMPLES
            -------------------------- EXAMPLE 1 --------------------------

            Set-CsCertificate -Type Default,WebServicesInternal -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D

            Assigns one certificate to two uses.

            -------------------------- EXAMPLE 2 --------------------------

            Set-CsCertificate -Type Default -Thumbprint 00

            Fails.

        RELATED LINKS
            Get-CsCertificate
            Request-CsCertificate

        REMARKS
            Rhai function: `set_certificate`
        "#);
    }

    #[test]
    fn examples_and_widths() {
        assert_snapshot!(render_help(&SPEC, "Set-CsCertificate", HelpView::Examples, 79), @r#"

        NAME
            Set-CsCertificate

        SYNOPSIS
            Assign a certificate to uses

        EXAMPLES
            -------------------------- EXAMPLE 1 --------------------------

            Set-CsCertificate -Type Default,WebServicesInternal -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D

            Assigns one certificate to two uses.

            -------------------------- EXAMPLE 2 --------------------------

            Set-CsCertificate -Type Default -Thumbprint 00

            Fails.
        "#);
        for limit in [40, 60, 79, 120] {
            let page = render_help(&SPEC, "Set-CsCertificate", HelpView::Detailed, limit);
            let long: Vec<&str> = page
                .lines()
                .filter(|l| {
                    width(l) > limit && !l.contains("-----") && !l.contains("-Type Default") && !l.contains('`')
                })
                .collect();
            assert!(long.is_empty(), "{limit}: {long:?}");
        }
    }
}
