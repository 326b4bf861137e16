//! Help of single parameters.

use crate::command::{Impact, Mandatory, ParamSpec, Pipeline, Spec, Values};

use super::directive::like;
use super::help::{fact, paragraphs};

/// Renders the full help of the parameters whose names or aliases match a name or wildcard;
/// `None` where none does.
pub fn render_parameters(spec: &Spec, pattern: &str, width: usize) -> Option<String> {
    let pattern = pattern.trim_start_matches('-');
    let matching = spec
        .parameters
        .iter()
        .filter(|p| like(p.name, pattern) || p.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(pattern)));
    let text: String = matching.map(|p| entry(spec, p, true, width)).collect();
    if text.is_empty() { None } else { Some(format!("\n{text}")) }
}

/// One entry of the section PARAMETERS.
pub(super) fn entry(spec: &Spec, parameter: &ParamSpec, full: bool, width: usize) -> String {
    let shown_type = format!("<{}>", type_text(parameter));
    let shown_type = if parameter.switch { format!("[{shown_type}]") } else { shown_type };
    let mut text = format!("    -{} {shown_type}\n", parameter.name);
    let mut prose = paragraphs(parameter.help, width.saturating_sub(8).max(20));
    if let Some(reason) = parameter.compat {
        prose.extend(paragraphs(&format!("Accepted for compatibility: {reason}"), width.saturating_sub(8).max(20)));
    }
    for line in prose {
        text.push_str("        ");
        text.push_str(&line);
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.push('\n');
    if full {
        facts(spec, parameter, width, &mut text);
        text.push('\n');
    }
    text
}

/// `CertType[]`.
pub(super) fn type_text(parameter: &ParamSpec) -> String {
    if parameter.list && !parameter.type_name.ends_with("[]") {
        return format!("{}[]", parameter.type_name);
    }
    parameter.type_name.to_owned()
}

/// `true (ByValue, ByPropertyName)`; `None` where the pipeline gives it nothing.
pub(super) fn pipeline_text(parameter: &ParamSpec) -> Option<&'static str> {
    match parameter.pipeline {
        Pipeline::No => None,
        Pipeline::ByValue => Some("(ByValue)"),
        Pipeline::ByPropertyName => Some("(ByPropertyName)"),
        Pipeline::Both => Some("(ByValue, ByPropertyName)"),
    }
}

fn facts(spec: &Spec, parameter: &ParamSpec, width: usize, text: &mut String) {
    let mut say = |label: &str, value: &str| fact(text, 8, label, value, width);
    let required = match parameter.mandatory {
        Mandatory::No => "false".to_owned(),
        Mandatory::Yes => "true".to_owned(),
        Mandatory::In(sets) => format!("true in {}; false elsewhere", sets.join(", ")),
    };
    say("Required?", &required);
    say("Position?", &parameter.position.map_or_else(|| "named".to_owned(), |p| p.to_string()));
    say("Default value", parameter.default);
    let pipeline = pipeline_text(parameter).map_or_else(|| "false".to_owned(), |how| format!("true {how}"));
    say("Accept pipeline input?", &pipeline);
    say("Accept wildcard characters?", if parameter.wildcards { "true" } else { "false" });
    if !parameter.aliases.is_empty() {
        say("Aliases", &parameter.aliases.join(", "));
    }
    if let Some(values) = values_text(parameter) {
        say("Valid values", &values);
    }
    if !parameter.sets.is_empty() && spec.sets.len() > 1 {
        say("Parameter sets", &parameter.sets.join(", "));
    }
    if parameter.secret {
        say("Secret", "its value is never shown, logged or kept in the history");
    }
    if spec.changes == Impact::High && parameter.name.eq_ignore_ascii_case("Force") {
        say("Confirmation", "answers the question that the verb asks by itself");
    }
}

fn values_text(parameter: &ParamSpec) -> Option<String> {
    let words = match parameter.values {
        Values::Choice(words) => return Some(words.join(", ")),
        Values::Uses => "the uses of the topology: `Get-TlsName` lists them",
        Values::Any
        | Values::Thumbprints
        | Values::Authorities
        | Values::Sites
        | Values::Computers
        | Values::Verbs
        | Values::Files => return None,
    };
    Some(words.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::command::{Example, Expect, Input, Kind, Param, Switch, View};
    use crate::error::ErrorId;
    use crate::model::Secret;

    static NAME: Param<String> = Param::named("Name", "Name the site").at(0).mandatory();
    static COMPUTER: Param<String> =
        Param::named("Computer", "Name the computer").at(1).compat("there is one computer");
    static FORCE: Param<Switch> = Param::named("Force", "Do not ask");
    static THUMBPRINT: Param<String> =
        Param::named("Thumbprint", "Name the certificate").sets(&["Stored"]).mandatory_in(&["Stored"]);
    static PATH: Param<String> = Param::named("Path", "Read the certificate from a file").sets(&["File"]).mandatory();
    static PASSWORD: Param<Secret> = Param::named("Password", "Open the file").sets(&["File"]).default_text("none");

    static TYPED: crate::command::ParamSpec = {
        let mut spec = TYPE_SPEC.spec;
        spec.type_name = "CertType";
        spec
    };
    const TYPE_SPEC: Param<Vec<String>> =
        Param::named("Type", "Choose the uses that the certificate is to serve, several with commas between them")
            .mandatory()
            .aliases(&["CertType"])
            .from_pipeline(Pipeline::ByPropertyName)
            .values(Values::Choice(&["Default", "WebServicesInternal", "WebServicesExternal", "AccessEdgeExternal"]));

    static KIND: Kind = Kind::new("CertificateReference", &[], View::ByCount);

    pub(in crate::format) static SPEC: Spec = Spec {
        name: "Set-CsCertificate",
        twin: Some("Set-TlsCertificate"),
        aliases: &["scc"],
        functions: &["set_certificate"],
        synopsis: "Assign a certificate to uses",
        description: "Assigns a stored certificate to one or several uses, binds it at the sites that serve them, and proves it by handshakes.\n\nA second run with the same values writes nothing and proves again.",
        sets: &["Stored", "File"],
        parameters: &[&TYPED, &NAME.spec, &COMPUTER.spec, &THUMBPRINT.spec, &PATH.spec, &PASSWORD.spec, &FORCE.spec],
        input: Input::EachObject,
        emits: Some(&KIND),
        changes: Impact::High,
        examples: &[
            Example {
                line: "Set-CsCertificate -Type Default,WebServicesInternal -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
                says: "Assigns one certificate to two uses.",
                expect: Expect::Changes(2),
            },
            Example {
                line: "Set-CsCertificate -Type Default -Thumbprint 00",
                says: "Fails.",
                expect: Expect::Fails(ErrorId::InvalidThumbprint),
            },
        ],
        related: &["Get-CsCertificate", "Request-CsCertificate"],
    };

    #[test]
    fn parameters_by_name_wildcard_and_alias() {
        assert_snapshot!(render_parameters(&SPEC, "-Type", 79).unwrap(), @r#"

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
        "#);
        let path_and_password = render_parameters(&SPEC, "pa*", 79).unwrap();
        assert!(path_and_password.contains("-Path <String>") && path_and_password.contains("-Password <SecureString>"));
        assert!(render_parameters(&SPEC, "certtype", 79).unwrap().contains("-Type <CertType[]>"));
        assert!(render_parameters(&SPEC, "Nope", 79).is_none());
    }
}
