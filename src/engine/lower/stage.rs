//! One command of a pipeline: its arguments judged together and put in the order that `__cmd` takes.

use super::fault::Fault;
use super::output::{Piece, count_lines};
use super::pipeline::Target;
use super::report::{Argument, Command, Literal, Value};
use super::scan::Lowerer;
use crate::error::ErrorId;

/// The key under which a command's named arguments hold what is splatted.
const SPLAT: &str = "@";

/// The verb that looks at the variables where it stands.
const SEES_SCOPE: &str = "Get-Variable";

/// One argument's pieces in the output.
pub(super) struct Emitted<'a> {
    parameter: Option<&'a str>,
    from: usize,
    to: usize,
}

/// A command while its arguments are read.
pub(super) struct Stage<'a> {
    pub(super) verb: &'a str,
    start: usize,
    site: usize,
    emitted: Vec<Emitted<'a>>,
    /// The line ends that were owed before the command.
    owed: u32,
    /// `<…>` words that the operator was to replace.
    pub(super) placeholders: Vec<(usize, usize)>,
    /// An argument was wrong, so that the others are not judged by their number.
    pub(super) faulty: bool,
}

impl Stage<'_> {
    /// Whether the parameter was given already.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.emitted.iter().any(|argument| argument.parameter == Some(parameter))
    }
}

impl<'a> Lowerer<'a> {
    /// A verb with its arguments: puts `"Verb", site, [positional], #{named})`; gives the site.
    pub(super) fn stage(&mut self, target: Target<'a>, piped: bool) -> usize {
        let (start, end, verb) = target.parts();
        let site = self.commands.len();
        let span = (start as u32, end as u32);
        self.commands.push(Command { verb, span, piped, splats: false, faulty: false, arguments: Vec::new() });
        let faults = self.faults.len();
        self.pos = end;
        self.out.drop_to(end);
        let base = self.out.len();
        let mut stage =
            Stage { verb, start, site, emitted: Vec::new(), owed: self.owed, placeholders: Vec::new(), faulty: false };
        while self.argument(&mut stage) {}
        self.report_placeholders(&stage);
        self.check_positions(&stage);
        if (self.faults.len() > faults || self.open.is_some())
            && let Some(command) = self.commands.get_mut(site)
        {
            command.faulty = true;
        }
        self.arrange(base, &stage);
        site
    }

    pub(super) fn record(
        &mut self,
        stage: &mut Stage<'a>,
        parameter: Option<&'a str>,
        from: usize,
        span: (u32, u32),
        mut values: Vec<Value>,
        secret: bool,
    ) {
        let to = self.out.len();
        stage.emitted.push(Emitted { parameter, from, to });
        if secret {
            for value in &mut values {
                value.literal = None;
            }
        }
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.arguments.push(Argument { parameter, span, values });
        }
    }

    pub(super) fn splat(&mut self, stage: &mut Stage<'a>) {
        let at = self.pos;
        let end = self.word_end(at + 1);
        let from = self.out.len();
        self.out.drop_to(at + 1);
        self.put_variable(at + 1, end);
        self.pos = end;
        let to = self.out.len();
        stage.emitted.push(Emitted { parameter: Some(SPLAT), from, to });
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.splats = true;
        }
    }

    /// `Cmd -?` asks for help on the command.
    pub(super) fn help(&mut self, stage: &mut Stage<'a>, at: usize, end: usize) {
        self.pos = end;
        let words = self.words;
        let Some(help) = words.verb("Get-Help") else {
            self.refuse(at, end, "there is no help here", "`Get-Command` lists the verbs");
            return;
        };
        let verb = std::mem::replace(&mut stage.verb, help);
        stage.emitted.clear();
        // What stood before goes, but for its line ends.
        self.owed = stage.owed + count_lines(self.slice(stage.start, end));
        let from = self.out.len();
        self.out.make(stage.start, |text| super::quoted::write_literal(text, verb));
        stage.emitted.push(Emitted { parameter: None, from, to: self.out.len() });
        let span = (stage.start as u32, (stage.start + verb.len()) as u32);
        let literal = Some(Literal::Text(verb.to_owned()));
        if let Some(command) = self.commands.get_mut(stage.site) {
            command.verb = help;
            command.arguments =
                vec![Argument { parameter: None, span, values: vec![Value { literal, block: false, span }] }];
        }
    }

    pub(super) fn report_placeholders(&mut self, stage: &Stage<'a>) {
        let Some((start, end)) = stage.placeholders.first().copied() else { return };
        let words: Vec<&str> = stage.placeholders.iter().map(|(start, end)| self.slice(*start, *end)).collect();
        let listed = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" and ");
        let (stand, values) = if words.len() == 1 { ("stands", "a value") } else { ("stand", "values") };
        let fault = Fault::new(
            ErrorId::PlaceholderNotReplaced,
            format!("{listed} {stand} for {values} of your own"),
            start,
            end,
        );
        let first = words.first().copied().unwrap_or_default();
        self.fault(fault.about(first).hint("replace each `<…>`, its angle brackets too"));
    }

    pub(super) fn check_positions(&mut self, stage: &Stage<'a>) {
        let Some(most) = self.words.positions(stage.verb) else { return };
        if stage.faulty || !stage.placeholders.is_empty() {
            return;
        }
        let Some(command) = self.commands.get(stage.site) else { return };
        let stray = command.arguments.iter().filter(|argument| argument.parameter.is_none()).nth(most);
        let Some(&Argument { span: (start, end), .. }) = stray else { return };
        let word = self.slice(start as usize, end as usize);
        let verb = stage.verb;
        let message = if most == 0 {
            format!("`{verb}` takes no value without a parameter's name: `{word}`")
        } else {
            format!("`{verb}` takes no further value: `{word}`")
        };
        let fault = Fault::new(ErrorId::PositionalParameterNotFound, message, start as usize, end as usize);
        self.fault(fault.about(word).hint(format!("name the parameter before it; `Get-Help {verb}` lists them")));
    }

    /// Puts the arguments in the order in which `__cmd` takes them: positional ones, then named ones.
    pub(super) fn arrange(&mut self, base: usize, stage: &Stage<'a>) {
        let pieces = self.out.take(base);
        let (verb, site) = (stage.verb, stage.site);
        self.out.make(stage.start, |text| {
            use std::fmt::Write as _;
            let _ = write!(text, "\"{verb}\", {site}, [");
        });
        self.put_arguments(&pieces, base, stage, |argument| argument.parameter.is_none());
        self.out.put("], #{");
        let mut comma =
            self.put_arguments(&pieces, base, stage, |argument| argument.parameter.is_some_and(|name| name != SPLAT));
        if verb == SEES_SCOPE {
            self.out.put(if comma { ", \"@scope\": __scope" } else { "\"@scope\": __scope" });
            comma = true;
        }
        if stage.emitted.iter().any(|argument| argument.parameter == Some(SPLAT)) {
            self.out.put(if std::mem::take(&mut comma) { ", \"@\": [" } else { "\"@\": [" });
            self.put_arguments(&pieces, base, stage, |argument| argument.parameter == Some(SPLAT));
            self.out.put("]");
        }
        let owed = std::mem::take(&mut self.owed);
        self.out.newlines(owed);
        self.out.put("})");
    }

    pub(super) fn put_arguments(
        &mut self,
        pieces: &[Piece],
        base: usize,
        stage: &Stage<'a>,
        wanted: impl Fn(&Emitted<'a>) -> bool,
    ) -> bool {
        let mut comma = false;
        for argument in stage.emitted.iter().filter(|argument| wanted(argument)) {
            let own = pieces.get(argument.from - base..argument.to - base).unwrap_or_default();
            let anchor = own.first().map_or(stage.start as u32, |piece| piece.anchor);
            if comma {
                self.out.put_for(anchor, ", ");
            }
            comma = true;
            if let Some(name) = argument.parameter.filter(|name| *name != SPLAT) {
                self.out.make(anchor as usize, |text| {
                    super::quoted::write_literal(text, name);
                    text.push_str(": ");
                });
            }
            self.out.put_back(own);
        }
        comma
    }
}
