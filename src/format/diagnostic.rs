//! An error as the operator reads it: what, where, under which call, and what to type next.

use std::error::Error as _;
use std::fmt::Write;
use std::ops::Range;

use crate::error::Error;
use crate::model::Position;

use super::message::{BOLD_RED, CYAN, RED, painted};
use super::snippet::{Snippet, find_line};
use super::text::{plain_lines, visible};

/// How many causes underneath an error are shown.
const CAUSES: usize = 8;

/// The text in which the position of an error lies.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    /// The file as the operator named it; `None` for a typed line.
    pub file: Option<&'a str>,
    /// The whole text, as it was read.
    pub text: &'a str,
}

/// One step of the way to the error, the innermost first.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What was running: `the block of ForEach-Object`, `function renew`.
    pub what: String,
    /// Where in it.
    pub position: Position,
    /// The source line, where it is to be shown.
    pub line: Option<String>,
}

/// How errors are shown.
#[derive(Clone, Copy)]
pub struct ErrorView<'a> {
    /// With terminal colours.
    pub color: bool,
    /// The width of the screen in cells: longer source lines are shown around the word.
    pub width: usize,
    /// The long form of Windows PowerShell, with `CategoryInfo` and `FullyQualifiedErrorId`.
    pub detailed: bool,
    /// The byte ranges of a text that must not be shown; it is given the whole source text, or a frame's line.
    pub secrets: &'a dyn Fn(&str) -> Vec<Range<usize>>,
}

/// Renders an error, its place, the calls around it and its hints; ends with a line end.
pub fn render_error(error: &Error, source: Option<&SourceText<'_>>, frames: &[Frame], view: &ErrorView<'_>) -> String {
    let mut report = Report { text: String::new(), view, error };
    if view.detailed {
        report.long_form(source, frames);
    } else {
        report.short_form(source, frames);
    }
    report.hints();
    report.text
}

struct Report<'a> {
    text: String,
    view: &'a ErrorView<'a>,
    error: &'a Error,
}

impl Report<'_> {
    fn short_form(&mut self, source: Option<&SourceText<'_>>, frames: &[Frame]) {
        let title = format!("{} [{}]", self.title(": "), self.error.id());
        self.painted_line(&title, BOLD_RED);
        let Some(position) = self.error.position() else { return self.short_frames(frames) };
        let gutter = frames.iter().map(|f| f.position.line).chain([position.line]).max().unwrap_or(1);
        let gutter = gutter.to_string().len() + 1;
        let place = place(position, source);
        self.line(&format!("{:gutter$}--> {place}", ""));
        let found = source.and_then(|s| find_line(s.text, position.line).map(|(start, line)| (s.text, start, line)));
        if let Some((text, start, line)) = found {
            let secrets = within(&(self.view.secrets)(text), start, line.len());
            self.numbered(line, position, &secrets, gutter);
        }
        for frame in frames {
            self.line(&format!(
                "{:gutter$} = in {}, {}",
                "",
                visible(&frame.what),
                visible(&frame.position.to_string())
            ));
            if let Some(line) = &frame.line {
                let secrets = (self.view.secrets)(line);
                self.numbered(line, &frame.position, &secrets, gutter);
            }
        }
    }

    fn short_frames(&mut self, frames: &[Frame]) {
        for frame in frames {
            self.line(&format!("  in {}, {}", visible(&frame.what), visible(&frame.position.to_string())));
        }
    }

    fn numbered(&mut self, line: &str, position: &Position, secrets: &[Range<usize>], gutter: usize) {
        let room = self.view.width.saturating_sub(gutter + 3);
        let snippet = Snippet::new(line, position.column, position.width, secrets, '^', room);
        let bar = painted("|", CYAN, self.view.color);
        let number = position.line;
        let shown = format!("{number:>gutter$} {bar} {}", snippet.line);
        self.line(shown.trim_end());
        let marks = painted(&snippet.marks, RED, self.view.color);
        self.line(&format!("{:gutter$} {bar} {marks}", ""));
    }

    fn long_form(&mut self, source: Option<&SourceText<'_>>, frames: &[Frame]) {
        let error = self.error;
        self.painted_line(&self.title(" : "), RED);
        if let Some(position) = error.position() {
            let file = position.file.as_deref().or(source.and_then(|s| s.file));
            let at = match file {
                Some(file) => format!("At {}:{} char:{}", visible(file), position.line, position.column),
                None => format!("At line:{} char:{}", position.line, position.column),
            };
            self.painted_line(&at, RED);
            let found = source.and_then(|s| find_line(s.text, position.line).map(|found| (s.text, found)));
            if let Some((text, (start, line))) = found {
                let secrets = within(&(self.view.secrets)(text), start, line.len());
                let room = self.view.width.saturating_sub(2);
                let snippet = Snippet::new(line, position.column, position.width, &secrets, '~', room);
                self.painted_line(format!("+ {}", snippet.line).trim_end(), RED);
                self.painted_line(&format!("+ {}", snippet.marks), RED);
            }
        }
        let target = error.target().map_or_else(|| "(:) ".into(), |t| format!("({}:String) ", visible(t)));
        let verb = error.verb().map_or_else(|| "[], ".into(), |verb| format!("[{verb}], "));
        let category = error.id().category();
        self.painted_line(&format!("    + CategoryInfo          : {category}: {target}{verb}{}", error.id()), RED);
        self.painted_line(&format!("    + FullyQualifiedErrorId : {}", error.fully_qualified_id()), RED);
        let causes: Vec<String> = std::iter::successors(error.source(), |cause| (*cause).source())
            .take(CAUSES)
            .map(ToString::to_string)
            .collect();
        for cause in causes {
            self.painted_line(&format!("    + Cause                 : {}", visible(&cause)), RED);
        }
        for frame in frames {
            let at = frame.position.to_string();
            self.painted_line(
                &format!("    + In                    : {}, {}", visible(&frame.what), visible(&at)),
                RED,
            );
        }
    }

    /// `Set-CsCertificate: message`.
    fn title(&self, colon: &str) -> String {
        let shown = plain_lines(self.error.message());
        let message = shown.trim_end_matches('\n');
        match self.error.verb() {
            Some(verb) => format!("{verb}{colon}{message}"),
            None => format!("error{colon}{message}"),
        }
    }

    fn hints(&mut self) {
        for (index, hint) in self.error.hints().iter().enumerate() {
            if index == 0 {
                self.text.push('\n');
            }
            let word = painted("Hint:", CYAN, self.view.color);
            let shown = plain_lines(hint);
            self.line(&format!("{word} {}", shown.trim_end_matches('\n')));
        }
    }

    fn painted_line(&mut self, line: &str, paint: &str) {
        let painted = painted(line, paint, self.view.color);
        self.line(&painted);
    }

    fn line(&mut self, line: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// `renew.rhai:3:41`, or `line 1, column 40` of a typed line.
fn place(position: &Position, source: Option<&SourceText<'_>>) -> String {
    match (&position.file, source.and_then(|s| s.file)) {
        (None, Some(file)) => visible(&format!("{file}:{}:{}", position.line, position.column)).into_owned(),
        _ => visible(&position.to_string()).into_owned(),
    }
}

/// The ranges of a text that touch one of its lines, counted from the line's first byte.
fn within(ranges: &[Range<usize>], start: usize, length: usize) -> Vec<Range<usize>> {
    let touching = ranges.iter().filter(|r| r.start < start + length && start < r.end);
    touching.map(|r| r.start.saturating_sub(start)..(r.end - start).min(length)).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorId;

    fn view(detailed: bool) -> ErrorView<'static> {
        ErrorView {
            color: false,
            width: 80,
            detailed,
            secrets: &|text| text.match_indices("hunter2").map(|(i, s)| i..i + s.len()).collect(),
        }
    }

    fn bad_thumbprint(position: Position) -> Error {
        Error::new(ErrorId::InvalidThumbprint, "`00` is neither 40 nor 64 hexadecimal digits")
            .about("00")
            .in_verb("Set-CsCertificate")
            .at(position)
    }

    const LINE: &str = "Set-CsCertificate -Type Default -Thumbprint 00";

    #[test]
    fn a_typed_line() {
        let error = bad_thumbprint(Position::new(None, 1, 45, 2));
        let source = SourceText { file: None, text: LINE };
        assert_snapshot!(render_error(&error, Some(&source), &[], &view(false)), @r#"
        Set-CsCertificate: `00` is neither 40 nor 64 hexadecimal digits [InvalidThumbprint]
          --> line 1, column 45
         1 | Set-CsCertificate -Type Default -Thumbprint 00
           |                                             ^^

        Hint: a thumbprint is 40 hexadecimal digits (SHA-1) or 64 (SHA-256): `Get-CsCertificate` shows those in use
        "#);
    }

    #[test]
    fn a_file_with_frames() {
        let text = format!("let x = 1;\r\n\tImport-X -Password hunter2; {LINE}\r\n");
        let error = bad_thumbprint(Position::new(Some("renew.rhai".into()), 2, 74, 2));
        let frame = Frame {
            what: "the block of `ForEach-Object`".into(),
            position: Position::new(Some("main.rhai".into()), 12, 5, 3),
            line: Some("1 | % { Import-X hunter2 }".into()),
        };
        let source = SourceText { file: Some("renew.rhai"), text: &text };
        assert_snapshot!(render_error(&error, Some(&source), &[frame], &view(false)), @r#"
        Set-CsCertificate: `00` is neither 40 nor 64 hexadecimal digits [InvalidThumbprint]
           --> renew.rhai:2:74
          2 |     Import-X -Password ***; Set-CsCertificate -Type Default -Thumbprint 00
            |                                                                         ^^
            = in the block of `ForEach-Object`, main.rhai:12:5
         12 | 1 | % { Import-X *** }
            |     ^^^

        Hint: a thumbprint is 40 hexadecimal digits (SHA-1) or 64 (SHA-256): `Get-CsCertificate` shows those in use
        "#);
    }

    #[test]
    fn without_a_place() {
        let error = Error::new(ErrorId::NoHome, "no home here\nlooked at `/a`").hint("one").hint("two");
        assert_snapshot!(render_error(&error, None, &[], &view(false)), @r#"
        error: no home here
        looked at `/a` [NoHome]

        Hint: one
        Hint: two
        "#);
    }

    #[test]
    fn the_long_form() {
        let error = bad_thumbprint(Position::new(None, 1, 45, 2)).because(std::fmt::Error);
        let source = SourceText { file: None, text: LINE };
        assert_snapshot!(render_error(&error, Some(&source), &[], &view(true)), @r#"
        Set-CsCertificate : `00` is neither 40 nor 64 hexadecimal digits
        At line:1 char:45
        + Set-CsCertificate -Type Default -Thumbprint 00
        +                                             ~~
            + CategoryInfo          : InvalidArgument: (00:String) [Set-CsCertificate], InvalidThumbprint
            + FullyQualifiedErrorId : InvalidThumbprint,Set-CsCertificate
            + Cause                 : an error occurred when formatting an argument

        Hint: a thumbprint is 40 hexadecimal digits (SHA-1) or 64 (SHA-256): `Get-CsCertificate` shows those in use
        "#);
    }

    #[test]
    fn foreign_text_does_not_drive_the_terminal() {
        let error = Error::new(ErrorId::Busy, "held by \u{1b}[2J").about("\u{9b}").hint("\u{202e}");
        for detailed in [false, true] {
            let text = render_error(&error, None, &[], &view(detailed));
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
        }
        let painted = render_error(&error, None, &[], &ErrorView { color: true, ..view(false) });
        assert!(painted.starts_with(BOLD_RED));
    }

    #[test]
    fn a_place_outside_the_text_is_named_only() {
        let error = bad_thumbprint(Position::new(None, 9, 1, 1));
        let text = render_error(&error, Some(&SourceText { file: None, text: LINE }), &[], &view(false));
        assert!(text.contains("--> line 9, column 1") && !text.contains('^'));
    }

    proptest! {
        #[test]
        fn no_place_panics_and_no_secret_is_shown(
            before in "[a-z東\\t\\r\\n\u{1b} ]{0,120}",
            after in "[a-z東\\t\\r\\n ]{0,120}",
            line in 0_u32..6,
            column in prop_oneof![0_u32..200, Just(u32::MAX)],
            length in prop_oneof![0_u32..50, Just(u32::MAX)],
            width in 0_usize..120,
            detailed in any::<bool>(),
        ) {
            let text = format!("{before}hunter2{after}");
            let error = bad_thumbprint(Position { file: None, line, column, width: length });
            let source = SourceText { file: Some("a.rhai"), text: &text };
            let shown = render_error(&error, Some(&source), &[], &ErrorView { width, ..view(detailed) });
            let safe = !shown.contains("hunter2") && !shown.contains(['\u{1b}', '\r']);
            prop_assert!(safe, "{shown:?}");
            let excerpt = shown.lines().filter(|l| l.contains(" | ") || l.starts_with("+ "));
            for line in excerpt {
                prop_assert!(crate::format::width(line) <= width.max(24 + 6), "{line:?}");
            }
        }
    }
}
