//! What may stand at the cursor: verbs, parameters, values, variables, properties.

use super::arguments::Given;
use super::lexer::{DASHES, Kind, Lexed, Place, Token, Upstream, lex};
use super::values::Written;
use super::{Candidate, Completions, Desk, MOST_CANDIDATES, begins, properties, values};
use crate::command::{Input, ParamSpec};
use crate::engine::bind::words::RegistryWords;
use crate::engine::functions::function_names;

impl Completions {
    fn at(start: usize, candidates: Vec<Candidate>) -> Self {
        Self { start, candidates }
    }
}

/// Completes the end of a text.
pub(super) fn complete(desk: &Desk<'_>, text: &str) -> Completions {
    let words = RegistryWords(&desk.state.registry);
    let lexed = lex(text, &words);
    let mut found = At { desk, text, lexed: &lexed }.candidates();
    found.candidates.truncate(MOST_CANDIDATES);
    found
}

struct At<'a> {
    desk: &'a Desk<'a>,
    text: &'a str,
    lexed: &'a Lexed,
}

impl At<'_> {
    fn candidates(&self) -> Completions {
        let last = self.lexed.tokens.last().filter(|last| last.end == self.text.len());
        // What is not gone on with letter by letter leaves the cursor at a place of its own.
        let word = last.filter(|last| match last.kind {
            Kind::Operator | Kind::Bracket | Kind::Comma => false,
            Kind::Parameter => !self.text.ends_with(':'),
            _ => true,
        });
        if last.is_some_and(|last| last.kind == Kind::Bracket && matches!(self.typed(last), ")" | "]" | "}")) {
            return Completions::default();
        }
        if let Some(word) = word {
            match word.kind {
                Kind::Comment => return Completions::default(),
                Kind::Variable => {
                    return Completions::at(word.start, self.variables(self.typed(word).trim_start_matches('$'), "$"));
                }
                Kind::Property => return self.properties(word.start, self.typed(word)),
                _ => {}
            }
        }
        match self.lexed.place {
            Place::Dot => self.properties(self.text.len(), ""),
            Place::Arguments(stage) if word.is_none_or(is_value) => self.argument(stage, word),
            Place::Start if word.is_none_or(is_word) => self.start(word, None),
            Place::AfterBar(upstream) if word.is_none_or(is_word) => self.start(word, Some(upstream)),
            _ => Completions::default(),
        }
    }

    fn typed(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Verbs, and where no bar stands before, plain variables and functions.
    fn start(&self, word: Option<&Token>, after_bar: Option<Upstream>) -> Completions {
        let typed = word.map_or("", |word| self.typed(word));
        let start = word.map_or(self.text.len(), |word| word.start);
        let mut found = self.verbs(typed, after_bar.is_some());
        if after_bar.is_none() && !typed.is_empty() {
            found.extend(self.variables(typed, ""));
            found.extend(self.functions(typed));
        }
        Completions::at(start, found)
    }

    fn verbs(&self, typed: &str, after_bar: bool) -> Vec<Candidate> {
        let registry = &self.desk.state.registry;
        let mut found: Vec<Candidate> = Vec::new();
        for verb in registry.verbs() {
            if after_bar && verb.spec.input == Input::None {
                continue;
            }
            for name in verb.spec.names().filter(|name| begins(name, typed)) {
                found.push(Candidate::new(name, verb.spec.synopsis));
            }
        }
        found.sort_by_key(|candidate| candidate.text.to_ascii_lowercase());
        found.dedup_by(|a, b| a.text == b.text);
        found
    }

    /// The functions of the session, and those of the verbs once the word cannot be anything else.
    fn functions(&self, typed: &str) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = self
            .desk
            .engine
            .functions
            .iter()
            .filter(|name| begins(name, typed))
            .map(|name| Candidate::new(format!("{name}("), "function of this session"))
            .collect();
        if typed.contains('_') {
            for verb in self.desk.state.registry.verbs() {
                let names = function_names(verb.spec).into_iter().filter(|name| begins(name, typed));
                found.extend(names.map(|name| Candidate::new(format!("{name}("), verb.spec.synopsis)));
            }
        }
        found
    }

    fn variables(&self, typed: &str, sigil: &str) -> Vec<Candidate> {
        let mut names = self.desk.variables();
        for (start, end) in &self.lexed.declared {
            let name = self.text.get(*start..*end).unwrap_or_default();
            // The name that is being typed is no candidate for itself.
            if *end < self.text.len() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.to_owned());
            }
        }
        if !sigil.is_empty() && self.lexed.piped != Upstream::Nothing {
            names.insert(0, "_".to_owned());
        }
        let fits = names.into_iter().filter(|name| begins(name, typed) && !name.starts_with("__"));
        fits.map(|name| {
            let type_name = self.desk.variable(&name).map_or_else(String::new, |value| value.type_name().to_string());
            Candidate::new(format!("{sigil}{name}"), type_name)
        })
        .collect()
    }

    fn properties(&self, start: usize, typed: &str) -> Completions {
        let dot = self.lexed.tokens.iter().rposition(|t| {
            t.kind == Kind::Operator
                && t.end == start
                && self.text.get(t.start..t.end).is_some_and(|s| s.ends_with('.'))
        });
        let names = dot.map_or_else(Vec::new, |dot| properties::before_dot(self.desk, self.text, self.lexed, dot));
        Completions::at(start, named(names, typed))
    }

    /// Parameters and values of a command.
    fn argument(&self, stage: usize, word: Option<&Token>) -> Completions {
        let Some(given) = Given::read(self.desk, self.text, self.lexed, stage, word) else {
            return Completions::default();
        };
        let typed = word.map_or("", |word| self.typed(word));
        let start = word.map_or(self.text.len(), |word| word.start);
        if word.is_some_and(|word| word.kind == Kind::Parameter) {
            let typed = typed.trim_start_matches(DASHES);
            return Completions::at(start, parameters(&given, typed));
        }
        let mut found = Vec::new();
        if let Some(parameter) = given.wanted {
            let written = Written::of(typed);
            found = values::values(self.desk, self.text, self.lexed, &given, parameter, &written);
        }
        // Nothing is typed, and no parameter waits for its value: the next one is offered as well.
        if word.is_none() && !given.must_have_value {
            found.extend(parameters(&given, ""));
        }
        Completions::at(start, found)
    }
}

/// The parameters that a command may still be given.
fn parameters(given: &Given, typed: &str) -> Vec<Candidate> {
    let fits = |p: &&'static ParamSpec| {
        begins(p.name, typed) || (!typed.is_empty() && p.aliases.iter().any(|a| begins(a, typed)))
    };
    given
        .open()
        .into_iter()
        .filter(fits)
        .map(|p| {
            let kind = if p.switch { "switch".to_owned() } else { format!("<{}>", p.type_name) };
            Candidate::new(format!("-{}", p.name), format!("{kind} {}", p.help))
        })
        .collect()
}

/// Candidates for the names of properties, in their order.
pub(super) fn named(names: Vec<String>, typed: &str) -> Vec<Candidate> {
    names.into_iter().filter(|name| begins(name, typed)).map(|name| Candidate::new(name, "")).collect()
}

fn is_word(token: &Token) -> bool {
    matches!(token.kind, Kind::Verb | Kind::Unregistered | Kind::Name | Kind::Keyword)
}

fn is_value(token: &Token) -> bool {
    match token.kind {
        Kind::Bareword | Kind::Number | Kind::Parameter => true,
        Kind::Text => token.open,
        _ => false,
    }
}
