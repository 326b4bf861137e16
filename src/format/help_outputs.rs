//! What the examples of the help show: recorded in the sample world, held by a test (`tests/it/examples.rs`).

/// Lines that begin so name an example; what it shows stands below, behind two blanks.
const LINE: &str = "> ";

/// What an example of this line shows; `None` where nothing is recorded.
pub(super) fn output_of(line: &str) -> Option<Vec<&'static str>> {
    let mut lines = include_str!("help_outputs.txt").lines();
    lines.find(|recorded| recorded.strip_prefix(LINE) == Some(line))?;
    let shown: Vec<&str> =
        lines.take_while(|shown| !shown.starts_with(LINE)).map(|shown| shown.get(2..).unwrap_or("")).collect();
    Some(shown)
}
