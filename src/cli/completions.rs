//! `certlet completions SHELL`: the completion script of a shell, from the declaration of the command line.

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::arguments::Arguments;

/// The shells that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// fish.
    Fish,
    /// `PowerShell`.
    #[value(name = "powershell")]
    PowerShell,
    /// zsh.
    Zsh,
}

/// The script, to be put where the shell looks for such.
pub(super) fn script(target: Target) -> Vec<u8> {
    let shell = match target {
        Target::Bash => Shell::Bash,
        Target::Elvish => Shell::Elvish,
        Target::Fish => Shell::Fish,
        Target::PowerShell => Shell::PowerShell,
        Target::Zsh => Shell::Zsh,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "certlet", &mut text);
    text
}
