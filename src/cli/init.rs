//! `certlet init`: a first configuration, and what to type next.

use super::place::resolve;
use super::shell::Shell;
use super::system;
use crate::config::sample::Sample;
use crate::error::{Error, ErrorId, ExitCode, Result};

/// Writes a first configuration into the home folder.
///
/// # Errors
/// `NoHome` where no place for a home is known, `FileNotWritable` where there is one already, `HomeNotPrivate`.
pub(super) fn init(shell: &Shell, sample: Option<Sample>) -> Result<ExitCode> {
    let kind = match sample {
        Some(sample) => sample,
        None => Sample::Plain {
            computer: system::computer().ok_or_else(|| {
                Error::new(ErrorId::InvalidName, "this computer has no name that a certificate could bear")
            })?,
        },
    };
    let written = shell.place.init(&kind)?;
    let dir = shell.place.dir()?;
    for name in written {
        shell.screen.text(&format!("wrote {}", dir.join(name).display()))?;
    }
    let home = if resolve(None).as_deref() == Some(dir) {
        String::new()
    } else {
        format!(" --home {}", quoted(&dir.display().to_string()))
    };
    let next = match kind {
        Sample::Plain { .. } => {
            format!("certlet{home} check {}", quoted(&dir.join("certlet.toml").display().to_string()))
        }
        Sample::Contoso => format!("certlet{home} -c Get-CsCertificate"),
        Sample::Web => format!("certlet{home} -c Get-TlsCertificate"),
    };
    shell.screen.text(&format!("next: {next}"))?;
    Ok(ExitCode::Done)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("/home/ken/.local"), "/home/ken/.local");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
