//! The command line: options before the verb, the verbs and what each takes.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::completions::Target;
use crate::config::parse_duration;
use crate::config::sample::Sample;
use crate::error::{Error, ErrorId, ExitCode};
use crate::format::error_json;

/// PowerShell-like certificate operations that prove by TLS handshake what they changed.
///
/// Without a verb: the lines that are typed when standard input is a terminal, otherwise the script that
/// is read from it.
#[derive(Debug, Parser)]
#[command(name = "certlet", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done · 1 failed · 2 nothing was run (usage, syntax, configuration, no home) · \
    3 put back · 4 a person must look · 5 refused · 6 done but not fully proven · 130 interrupted")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,

    /// Run TEXT (command lines, Rhai or both) and print what it emits
    #[arg(short = 'c', value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) text: Option<String>,

    /// Run in a throw-away copy of a sample world: `contoso` (the default) or `web`
    #[arg(long, value_name = "WORLD", num_args = 0..=1, require_equals = true, default_missing_value = "contoso", conflicts_with = "home")]
    pub(super) sample: Option<Sample>,

    /// Keep the folder of the sample world at the end, and say where it is
    #[arg(long, requires = "sample")]
    pub(super) keep: bool,

    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// The options that every verb takes.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Options {
    /// The home folder; `$CERTLET_HOME`, else the XDG data folder, when absent
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) home: Option<PathBuf>,

    /// Write one JSON array of all objects to standard output, and messages as JSON lines to standard error
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// When to use colours: auto, always or never; `NO_COLOR` is honoured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, hide_possible_values = true, global = true)]
    pub(super) color: Color,

    /// Show errors and what-if lines only: no warnings, notes or progress
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,

    /// Show verbose lines, as `-Verbose` on each command does
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(super) verbose: bool,

    /// Never prompt
    #[arg(long, global = true)]
    pub(super) no_input: bool,

    /// End the run after so long (`30s`, `10m`); also how long a change waits for another one, 30s by default
    #[arg(long, value_name = "TIME", value_parser = duration, global = true)]
    pub(super) timeout: Option<Duration>,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run a runbook
    #[command(disable_help_flag = true)]
    Run(Run),

    /// Write a first configuration into the home folder; never overwrites
    Init {
        /// A sample world instead of a plain configuration: `contoso` or `web`
        #[arg(long, value_name = "WORLD")]
        sample: Option<Sample>,
    },

    /// Parse and lint runbooks and configuration, run nothing
    Check {
        /// Runbooks (`.rhai`), `certlet.toml`, topologies
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },

    /// Serve the sites whose host is `listener`, until stopped
    Serve,

    /// Finish or put back what a crash left open
    Recover {
        /// Mend this operation whatever its age and machine
        #[arg(long, value_name = "ID", conflicts_with = "keep_open")]
        force: Option<u64>,

        /// Leave everything as it is and close this operation
        #[arg(long = "keep", value_name = "ID")]
        keep_open: Option<u64>,
    },

    /// Write the completion script of a shell to standard output
    Completions {
        /// The shell: `bash`, `elvish`, `fish`, `powershell` or `zsh`
        #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
        shell: Target,
    },

    /// Write the manual page to standard output, in roff
    Man,
}

/// `certlet run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The runbook
    #[arg(value_name = "FILE", required_unless_present = "help")]
    pub(super) file: Option<PathBuf>,

    /// Values of the runbook's parameters
    #[arg(value_name = "NAME=VALUE", value_parser = assignment)]
    pub(super) parameters: Vec<(String, String)>,

    /// Change nothing and show what would be changed, as `$WhatIfPreference = $true` does: each command looks
    /// at what is there now, so a later line does not see what an earlier one would have changed
    #[arg(long)]
    pub(super) whatif: bool,

    /// With FILE the help of the runbook, otherwise this help
    #[arg(short = '?', long, short_alias = 'h')]
    pub(super) help: bool,
}

impl Arguments {
    /// Reads the command line of the process; whoever asked for help or wrote nonsense is answered here.
    pub(super) fn read() -> Result<Self, ExitCode> {
        let arguments = match Self::try_parse() {
            Ok(arguments) => arguments,
            Err(error) => return Err(answer(&error)),
        };
        match &arguments.verb {
            Some(_) if arguments.text.is_some() => Err(answer(&clap::Error::raw(
                ErrorKind::ArgumentConflict,
                "give either `-c TEXT` or a verb, not both\n",
            ))),
            Some(Verb::Run(run)) if run.help && run.file.is_none() => Err(run_help()),
            _ => Ok(arguments),
        }
    }
}

fn answer(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody can be told when standard output is closed.
        let _ = error.print();
        return ExitCode::Done;
    }
    let json = std::env::args_os().skip(1).take_while(|a| a != "--").any(|a| a == "--json");
    if json {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let line =
            error_json(&Error::new(usage_id(error.kind()), message).hint("`certlet --help` shows the command line"));
        let _ = writeln!(std::io::stderr(), "{line}");
        let _ = writeln!(std::io::stdout(), "[]");
    } else {
        let _ = error.print();
    }
    ExitCode::Usage
}

fn usage_id(kind: ErrorKind) -> ErrorId {
    match kind {
        ErrorKind::UnknownArgument => ErrorId::NamedParameterNotFound,
        ErrorKind::InvalidSubcommand => ErrorId::PositionalParameterNotFound,
        ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => ErrorId::MissingMandatoryParameter,
        ErrorKind::ArgumentConflict => ErrorId::AmbiguousParameterSet,
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => ErrorId::MissingArgument,
        _ => ErrorId::CannotConvertArgument,
    }
}

fn run_help() -> ExitCode {
    let mut command = <Arguments as clap::CommandFactory>::command();
    command.build();
    if let Some(run) = command.find_subcommand_mut("run") {
        let help = run.render_long_help();
        let text = if std::io::stdout().is_terminal() { help.ansi().to_string() } else { help.to_string() };
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    ExitCode::Done
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write `500ms`, `30s`, `10m` or `2h`".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE; `certlet run FILE -?` shows the runbook's parameters".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("certlet").chain(words.iter().copied()))
    }

    #[test]
    fn the_declaration_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn text_may_begin_with_a_dash() {
        assert_eq!(read(&["-c", "-5 + 1"]).unwrap().text.as_deref(), Some("-5 + 1"));
    }

    #[test]
    fn options_stand_before_or_after_the_verb() {
        for words in [&["--json", "--timeout", "30s", "recover"][..], &["recover", "--json", "--timeout=30s"]] {
            let arguments = read(words).unwrap();
            assert!(arguments.options.json);
            assert_eq!(arguments.options.timeout, Some(Duration::from_secs(30)));
        }
        assert!(read(&["--timeout", "soon", "recover"]).is_err());
    }

    #[test]
    fn keep_means_the_sample_or_an_operation() {
        assert!(read(&["--sample", "--keep", "-c", "1"]).unwrap().keep);
        assert!(read(&["--keep", "-c", "1"]).is_err());
        let arguments = read(&["recover", "--keep", "7"]).unwrap();
        assert!(matches!(arguments.verb, Some(Verb::Recover { keep_open: Some(7), force: None })));
        assert!(read(&["recover", "--keep", "7", "--force", "8"]).is_err());
    }

    #[test]
    fn the_sample_has_a_default() {
        assert_eq!(read(&["--sample", "-c", "1"]).unwrap().sample, Some(Sample::Contoso));
        assert_eq!(read(&["--sample=web", "recover"]).unwrap().sample, Some(Sample::Web));
        assert!(read(&["--sample=lync"]).is_err());
        assert!(read(&["--sample", "--home", "x"]).is_err());
    }

    #[test]
    fn a_runbook_has_parameters_and_help() {
        let arguments = read(&["run", "a.rhai", "ca=x=y", "--whatif", "-?"]).unwrap();
        let Some(Verb::Run(run)) = arguments.verb else { panic!("not run") };
        assert_eq!(run.parameters, [("ca".to_owned(), "x=y".to_owned())]);
        assert!(run.whatif && run.help);
        assert!(read(&["run", "a.rhai", "ca"]).is_err());
        assert!(read(&["run"]).is_err());
    }
}
