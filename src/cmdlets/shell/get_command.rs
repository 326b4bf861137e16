//! `Get-Command`: which verbs there are.

use std::any::Any;

use super::get_help::names;
use crate::cmdlets::lookup::is_pattern;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Registry, Spec, Switch, Value,
    Values, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::format::{like, syntax};
use crate::model::nearest;

static NAME: Param<Vec<String>> = Param::named("Name", "Verbs or aliases").wildcards()
    .at(0)
    .from_pipeline(Pipeline::ByValue)
    .values(Values::Verbs);
static VERB_WORD: Param<Vec<String>> =
    Param::named("Verb", "Only names with one of these before the hyphen").wildcards();
static NOUN: Param<Vec<String>> =
    Param::named("Noun", "Only names with one of these after the hyphen").wildcards();
static SYNTAX: Param<Switch> = Param::named("Syntax", "Show how each is called, one line a parameter set");

pub(crate) static SPEC: Spec = Spec {
    name: "Get-Command",
    twin: None,
    aliases: &["gcm"],
    functions: &[],
    synopsis: "List the verbs that can be called",
    description: "Lists verbs with what they do, sorted by name: those of certlet and those that the embedding program adds. A \
                  verb with two names is listed under both. An alias is listed when it is asked for by its name.",
    sets: &[],
    parameters: &[&NAME.spec, &VERB_WORD.spec, &NOUN.spec, &SYNTAX.spec],
    input: Input::EachObject,
    emits: Some(&COMMAND_INFO),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Command -Noun TlsName", says: "Lists the verbs about names", expect: Expect::Emits(2) },
        Example {
            line: "Get-Command Test-TlsBinding -Syntax",
            says: "Shows how a verb is called",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Get-Command -Verb Get,Test -Noun *Binding",
            says: "Lists the verbs that show bindings",
            expect: Expect::EmitsSome,
        },
    ],
    related: &["Get-Help", "about_command_mode"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let registry = cx.registry();
    let verbs = args.get(&VERB_WORD, cx)?;
    let nouns = args.get(&NOUN, cx)?;
    let fits = |name: &str| {
        let (verb, noun) = name.split_once('-').unwrap_or((name, ""));
        let any = |patterns: &Option<Vec<String>>, word: &str| patterns.as_ref().is_none_or(|all| all.iter().any(|p| like(word, p)));
        any(&verbs, verb) && any(&nouns, noun)
    };
    let asked = args.get(&NAME, cx)?.unwrap_or_else(|| vec!["*".to_owned()]);
    let mut found: Vec<CommandInfo> = Vec::new();
    for word in &asked {
        let matching = matching(&registry, word.trim());
        if matching.is_empty() && !is_pattern(word) {
            cx.report_error(unknown(&registry, word))?;
        }
        for command in matching {
            if fits(command.name) && !found.iter().any(|known| known.name == command.name) {
                found.push(command);
            }
        }
    }
    for command in found {
        if args.on(&SYNTAX) {
            cx.emit(Value::from(syntax(command.spec, command.called()).join("\n")))?;
        } else {
            cx.emit(Value::object(command))?;
        }
    }
    Ok(())
}

fn matching(registry: &Registry, word: &str) -> Vec<CommandInfo> {
    let mut found: Vec<CommandInfo> =
        names(registry).into_iter().filter(|(name, _)| like(name, word)).map(|(name, spec)| CommandInfo { name, spec }).collect();
    if found.is_empty()
        && let Some(verb) = registry.alias(word)
        && let Some(name) = verb.spec.aliases.iter().find(|a| a.eq_ignore_ascii_case(word))
    {
        found.push(CommandInfo { name, spec: verb.spec });
    }
    found
}

fn unknown(registry: &Registry, word: &str) -> Error {
    let error = Error::new(ErrorId::CommandNotFoundException, format!("`{word}` is no verb")).about(word);
    match nearest(word, registry.names()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// A verb under one of its names.
struct CommandInfo {
    name: &'static str,
    spec: &'static Spec,
}

impl CommandInfo {
    fn is_alias(&self) -> bool {
        !self.spec.names().any(|n| n == self.name)
    }

    /// The full name that it is called by.
    fn called(&self) -> &'static str {
        if self.is_alias() { self.spec.name } else { self.name }
    }
}

static COMMAND_INFO: Kind = Kind::new(
    "CommandInfo",
    const {
        &[
            Property::new("CommandType"),
            Property::new("Name"),
            Property::new("Synopsis"),
            Property::hidden("Definition"),
            Property::hidden("Verb"),
            Property::hidden("Noun"),
            Property::hidden("Aliases"),
            Property::hidden("Parameters"),
            Property::hidden("OutputType"),
        ]
    },
    View::Table(const { &[Column::of("CommandType"), Column::of("Name"), Column::of("Synopsis")] }),
);

impl Record for CommandInfo {
    fn kind(&self) -> &Kind {
        &COMMAND_INFO
    }

    fn value(&self, index: usize) -> Value {
        let (verb, noun) = self.called().split_once('-').unwrap_or((self.name, ""));
        match index {
            0 => if self.is_alias() { "Alias" } else { "Cmdlet" }.into(),
            1 => self.name.into(),
            2 => self.spec.synopsis.into(),
            3 if self.is_alias() => self.spec.name.into(),
            3 => Value::from(syntax(self.spec, self.name).join("\n")),
            4 => verb.into(),
            5 => noun.into(),
            6 => Value::list(self.spec.names().chain(self.spec.aliases.iter().copied()).filter(|n| *n != self.name).map(Value::from)),
            7 => Value::list(self.spec.parameters.iter().map(|p| Value::from(p.name))),
            8 => Value::optional_text(self.spec.emits.map(|kind| kind.name.as_ref())),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.name.to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{Done, run as run_in, texts};
    use crate::command::Stream;
    use crate::model::Zone;
    use crate::session::Session;

    fn command(parameters: &[(&str, Value)]) -> Done {
        run_in(&Session::builder().build(), &crate::cmdlets::registry(), &VERB, parameters, Vec::new())
    }

    fn listed(parameters: &[(&str, Value)]) -> Vec<String> {
        texts(&command(parameters).emitted(), "Name")
    }

    #[test]
    fn verbs_are_chosen_by_name_verb_and_noun() {
        let all = listed(&[]);
        assert!(all.is_sorted() && all.contains(&"Get-CsCertificate".to_owned()) && all.contains(&"Get-TlsCertificate".to_owned()));
        assert_eq!(listed(&[("Noun", "tlsname".into())]), ["Compare-TlsName", "Get-TlsName"]);
        assert_eq!(listed(&[("Verb", "Find".into())]), ["Find-TlsCertificate"]);
        let both = [("Verb", Value::list(["test".into(), "compare".into()])), ("Noun", "Tls?a*".into())];
        assert_eq!(listed(&both), ["Compare-TlsName"]);
        assert_eq!(listed(&[("Name", "*-Web*".into())]), ["Get-WebBinding", "Get-Website"]);
        assert!(listed(&[("Name", "No*".into())]).is_empty());
    }

    #[test]
    fn an_alias_is_listed_when_asked_for() {
        let found = command(&[("Name", "GCM".into())]).emitted();
        assert_eq!(texts(&found, "CommandType"), ["Alias"]);
        assert_eq!(texts(&found, "Definition"), ["Get-Command"]);
        assert!(!listed(&[]).contains(&"gcm".to_owned()));
    }

    #[test]
    fn syntax_has_a_line_for_each_set() {
        let found = command(&[("Name", "Get-Help".into()), ("Syntax", Value::Bool(true))]).emitted();
        assert_eq!(found.len(), 1);
        let text = found[0].display(&Zone::utc());
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.starts_with("Get-Help [[-Name] <String>] [<CommonParameters>]"), "{text}");
    }

    #[test]
    fn an_unknown_one_is_said_and_the_others_are_listed() {
        let done = command(&[("Name", Value::list(["Get-WebBindign".into(), "Get-Website".into()]))]);
        let error = done.messages.iter().find(|m| m.stream == Stream::Error).and_then(|m| m.error.clone()).unwrap();
        assert_eq!((error.id(), error.hints()), (ErrorId::CommandNotFoundException, vec!["did you mean `Get-WebBinding`?".to_owned()]));
        assert_eq!(texts(&done.emitted(), "Name"), ["Get-Website"]);
    }
}
