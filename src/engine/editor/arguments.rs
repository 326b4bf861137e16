//! What a command was given so far, and which parameter the cursor stands at.

use super::Desk;
use super::lexer::{DASHES, Kind, Lexed, Token};
use crate::command::{ParamSpec, Spec};
use crate::engine::bind::common::common_parameters;
use crate::engine::bind::names::{Found, find};

/// The arguments of a command before the word at the cursor.
pub(super) struct Given {
    pub(super) spec: &'static Spec,
    /// The parameters that were named or have their value by position.
    pub(super) parameters: Vec<&'static ParamSpec>,
    /// The parameter whose value stands at the cursor.
    pub(super) wanted: Option<&'static ParamSpec>,
    /// That parameter was named, so that nothing but its value can follow.
    pub(super) must_have_value: bool,
    /// The values before a comma at the cursor.
    pub(super) listed: Vec<String>,
    /// The constant values of the named parameters.
    pub(super) values: Vec<(&'static str, String)>,
}

impl Given {
    /// Reads the arguments of a stage; `word` is the one at the cursor, which does not count.
    pub(super) fn read(desk: &Desk<'_>, text: &str, lexed: &Lexed, stage: usize, word: Option<&Token>) -> Option<Self> {
        let spec = desk.state.registry.verb(&lexed.stages.get(stage)?.verb)?.spec;
        let mut read = Self {
            spec,
            parameters: Vec::new(),
            wanted: None,
            must_have_value: false,
            listed: Vec::new(),
            values: Vec::new(),
        };
        let mut current: Option<&'static ParamSpec> = None;
        let mut waits = false;
        let mut comma = false;
        // The end of the value that stood last: what is glued to it belongs to it.
        let mut end = usize::MAX;
        let own = lexed.tokens.iter().filter(|t| t.stage == Some(stage) && t.kind != Kind::Comment);
        for token in own.filter(|t| word.is_none_or(|w| w.start != t.start)) {
            let typed = text.get(token.start..token.end).unwrap_or_default();
            match token.kind {
                Kind::Parameter => {
                    let name = typed.trim_start_matches(DASHES);
                    current = match find(spec, name.trim_end_matches(':')) {
                        Found::One(parameter) => Some(parameter),
                        Found::Several(_) | Found::Unknown(_) => None,
                    };
                    read.parameters.extend(current);
                    waits = current.is_some_and(|p| !p.switch || name.ends_with(':'));
                    comma = false;
                    end = usize::MAX;
                }
                Kind::Comma => {
                    comma = true;
                    end = usize::MAX;
                }
                // The dot and the name of `$x.Name`, the closing bracket, the rest of a quoted text.
                _ if token.start == end => end = token.end,
                Kind::Operator => {}
                Kind::Bracket if matches!(typed, ")" | "]" | "}") => end = token.end,
                _ => {
                    if !waits && !comma {
                        current = read.next_position();
                        read.parameters.extend(current);
                        read.listed.clear();
                    }
                    if waits {
                        read.listed.clear();
                    }
                    if let Some(parameter) = current {
                        read.values.push((parameter.name, unquoted(typed)));
                    }
                    read.listed.push(unquoted(typed));
                    waits = false;
                    comma = false;
                    end = token.end;
                }
            }
        }
        read.must_have_value = waits || comma;
        if waits || comma {
            read.wanted = current;
        } else {
            read.wanted = read.next_position();
        }
        if !comma {
            read.listed.clear();
        }
        Some(read)
    }

    /// The parameter that takes the next value by position.
    fn next_position(&self) -> Option<&'static ParamSpec> {
        let sets = self.sets();
        let taken = |position| self.parameters.iter().any(|g| g.position == position && !g.switch);
        let mut open: Vec<&'static ParamSpec> = self
            .spec
            .parameters
            .iter()
            .copied()
            .filter(|p| p.position.is_some() && !p.switch && !taken(p.position) && !self.has(p))
            .filter(|p| sets.iter().any(|set| p.in_set(set)))
            .collect();
        // Of several at one place, a script block is typed with its brace.
        open.sort_by_key(|p| (p.position, p.type_name.starts_with("ScriptBlock")));
        open.first().copied()
    }

    fn has(&self, parameter: &ParamSpec) -> bool {
        self.parameters.iter().any(|g| std::ptr::eq(*g, parameter))
    }

    /// The parameter sets that fit what was given.
    pub(super) fn sets(&self) -> Vec<&'static str> {
        let all = self.spec.parameter_sets();
        let fits: Vec<&'static str> =
            all.iter().copied().filter(|set| self.parameters.iter().all(|p| p.in_set(set))).collect();
        if fits.is_empty() { all.to_vec() } else { fits }
    }

    /// The parameters that may still be given: the verb's own, those that must be given first, then the common ones.
    pub(super) fn open(&self) -> Vec<&'static ParamSpec> {
        let sets = self.sets();
        let fits = |p: &&'static ParamSpec| !self.has(p) && sets.iter().any(|set| p.in_set(set));
        let mut own: Vec<&'static ParamSpec> = self.spec.parameters.iter().copied().filter(fits).collect();
        own.sort_by_key(|p| (p.compat.is_some(), !sets.iter().any(|set| p.mandatory_in(set))));
        own.extend(common_parameters(self.spec).filter(fits));
        own
    }

    /// The value that was given to a parameter as a constant.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}

/// A word without its quotes.
fn unquoted(typed: &str) -> String {
    for quote in ['\'', '"'] {
        if let Some(inner) = typed.strip_prefix(quote) {
            let inner = inner.strip_suffix(quote).unwrap_or(inner);
            return inner.replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    typed.to_owned()
}
