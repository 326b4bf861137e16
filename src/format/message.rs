//! Messages of the streams beside the objects, as the operator reads them.

use crate::command::Stream;

use super::text::plain_lines;

pub(super) const RED: &str = "\u{1b}[31m";
pub(super) const BOLD_RED: &str = "\u{1b}[1;31m";
pub(super) const CYAN: &str = "\u{1b}[36m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

/// A message with the prefix of its stream, ended by a line end: `WARNING: …`, `VERBOSE: …`,
/// `DEBUG: …`, `What if: …`; the other streams have no prefix.
pub fn render_message(stream: Stream, text: &str, color: bool) -> String {
    let (prefix, paint) = match stream {
        Stream::Warning => ("WARNING: ", YELLOW),
        Stream::Verbose => ("VERBOSE: ", YELLOW),
        Stream::Debug => ("DEBUG: ", YELLOW),
        Stream::WhatIf => ("What if: ", ""),
        Stream::Error => ("", RED),
        Stream::Progress | Stream::Host => ("", ""),
    };
    let shown = plain_lines(text);
    let lines = shown.strip_suffix('\n').unwrap_or(&shown);
    format!("{}\n", painted(&format!("{prefix}{lines}"), paint, color))
}

/// The text in a colour, where colours are wanted.
pub(super) fn painted(text: &str, paint: &str, color: bool) -> String {
    if color && !paint.is_empty() && !text.is_empty() { format!("{paint}{text}{PLAIN}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(render_message(Stream::Warning, "a\nb", false), "WARNING: a\nb\n");
        assert_eq!(render_message(Stream::Verbose, "a", true), "\u{1b}[33mVERBOSE: a\u{1b}[0m\n");
        assert_eq!(
            render_message(Stream::WhatIf, "Performing the operation \"x\" on target \"y\".", true),
            "What if: Performing the operation \"x\" on target \"y\".\n"
        );
        assert_eq!(render_message(Stream::Debug, "\u{1b}[2J", false), "DEBUG: \\u{1b}[2J\n");
        assert_eq!(render_message(Stream::Progress, "1 of 3", false), "1 of 3\n");
    }
}
