//! A source file as tokens, and the paths that stand in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file below `src/`, without comments, literals and (unless asked for) test code.
pub(crate) struct Source {
    /// Relative to `src/`, with forward slashes.
    pub(crate) file: String,
    module: Vec<String>,
    tokens: Vec<Token>,
}

/// A path as it is written, with `crate`, `self` and `super` resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) line: usize,
    /// From the crate's root, or from another crate's name.
    pub(crate) segments: Vec<String>,
    /// Whether it starts at this crate's root.
    pub(crate) own: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    word: String,
    line: usize,
}

/// Every file below `src/` that is compiled outside tests.
pub(crate) fn sources(src: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    walk(src, &mut files);
    let mut sources: Vec<Source> = files.iter().map(|path| Source::read(src, path)).collect();
    let mut tests = BTreeSet::new();
    for source in &mut sources {
        for name in source.drop_test_items() {
            let mut module = source.module.clone();
            module.push(name);
            tests.insert(module);
        }
    }
    sources.retain(|source| !(1..=source.module.len()).any(|n| tests.contains(&source.module[..n])));
    sources.sort_by(|a, b| a.file.cmp(&b.file));
    sources
}

impl Source {
    fn read(src: &Path, path: &Path) -> Self {
        let file = path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
        Self::of(file, &fs::read_to_string(path).unwrap())
    }

    pub(crate) fn of(file: String, text: &str) -> Self {
        let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        let tokens = tokens(text);
        Self { file, module, tokens }
    }

    /// The folder or file directly below `src/`: `engine`, `error`, `main`, `lib`.
    pub(crate) fn unit(&self) -> &str {
        self.file.split(['/', '.']).next().unwrap_or_default()
    }

    /// Takes out what follows `#[cfg(test)]`; gives the names of modules that are tests in files of their own.
    pub(crate) fn drop_test_items(&mut self) -> Vec<String> {
        const GATE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut modules = Vec::new();
        let mut kept = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if !self.reads(at, &GATE) {
                kept.push(self.tokens[at].clone());
                at += 1;
                continue;
            }
            let end = self.end_of_item(at + GATE.len());
            let item = &self.tokens[at + GATE.len()..end];
            if let Some(i) = item.iter().position(|t| t.word == "mod")
                && item.get(i + 2).is_some_and(|t| t.word == ";")
            {
                modules.push(item[i + 1].word.clone());
            }
            at = end;
        }
        self.tokens = kept;
        modules
    }

    /// Whether these tokens stand anywhere outside tests, and on which lines.
    pub(crate) fn lines_with(&self, wanted: &[&str]) -> Vec<usize> {
        (0..self.tokens.len()).filter(|at| self.reads(*at, wanted)).map(|at| self.tokens[at].line).collect()
    }

    /// Every path that starts at `crate`, `self`, `super` or at one of these crates.
    pub(crate) fn paths(&self, crates: &BTreeSet<String>) -> Vec<Found> {
        let mut found = Vec::new();
        // The modules written inside this file, each with the depth of braces at which it ends.
        let mut inline: Vec<(String, usize)> = Vec::new();
        let mut depth = 0;
        let mut at = 0;
        while at < self.tokens.len() {
            let word = self.tokens[at].word.as_str();
            match word {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inline.retain(|(_, ends)| *ends <= depth);
                }
                "mod" if self.word(at + 2) == "{" => inline.push((self.word(at + 1).to_owned(), depth + 1)),
                "crate" | "self" | "super" if self.word(at + 1) == "::" && !self.continues(at) => {
                    let mut prefix = self.module.clone();
                    prefix.extend(inline.iter().map(|(name, _)| name.clone()));
                    at = self.tree(at, true, &prefix, &mut found);
                    continue;
                }
                name if crates.contains(name)
                    && !self.continues(at)
                    && (self.word(at + 1) == "::" || self.is_used(at)) =>
                {
                    at = self.tree(at, false, &[], &mut found);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// Reads one path, or a tree in braces, from `at`; gives where it ends.
    fn tree(&self, mut at: usize, own: bool, prefix: &[String], found: &mut Vec<Found>) -> usize {
        let mut segments = prefix.to_vec();
        let line = self.tokens[at].line;
        loop {
            match self.word(at) {
                "{" => {
                    at += 1;
                    while !matches!(self.word(at), "}" | "") {
                        at = self.tree(at, own, &segments, found);
                        at += usize::from(self.word(at) == ",");
                    }
                    return at + 1;
                }
                "crate" => segments.clear(),
                "self" => {}
                "super" => {
                    segments.pop();
                }
                other => segments.push(other.to_owned()),
            }
            at += 1;
            if self.word(at) == "as" {
                at += 2;
            }
            if self.word(at) != "::" || self.word(at + 1) == "<" {
                break;
            }
            at += 1;
        }
        found.push(Found { line, segments, own });
        at
    }

    fn end_of_item(&self, mut at: usize) -> usize {
        let mut depth = 0usize;
        while at < self.tokens.len() {
            match self.word(at) {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && self.word(at) == "}" {
                        return at + 1;
                    }
                }
                ";" | "," if depth == 0 => return at + 1,
                _ => {}
            }
            at += 1;
        }
        at
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    fn reads(&self, at: usize, wanted: &[&str]) -> bool {
        wanted.iter().enumerate().all(|(i, word)| self.word(at + i) == *word)
    }

    /// Whether the word at `at` is a later part of a longer path, or a member.
    fn continues(&self, at: usize) -> bool {
        let before = |n: usize| at.checked_sub(n).map_or("", |at| self.word(at));
        match before(1) {
            "." => true,
            // `use ::rhai::x` starts at a crate, `a::rhai::x` does not.
            "::" => {
                before(2) != "use"
                    && (before(2) == ">" || before(2).starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            }
            _ => false,
        }
    }

    fn is_used(&self, at: usize) -> bool {
        at > 0 && matches!(self.word(at - 1), "use" | "crate")
    }
}

/// Paths of all files below a folder that end in `.rs`.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Words, `::` and single signs; comments, texts, characters and numbers' suffixes are not kept apart further.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest, 0),
            'r' | 'b' | 'c' if literal_prefix(rest).is_some() => {
                literal_prefix(rest).map_or(1, |prefix| quoted(rest, prefix))
            }
            '\'' => character(rest),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(taken);
        let is_kept = first.is_alphanumeric()
            || first == '_'
            || (first.is_ascii_punctuation() && taken <= 2 && !"/'\"".contains(first));
        if is_kept && !word.contains('"') {
            tokens.push(Token { word: word.to_owned(), line });
        }
        line += word.matches('\n').count();
        rest = after;
    }
    tokens
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r`, `b`, `br`, `c` … and of the signs `#` before an opening quote.
fn literal_prefix(text: &str) -> Option<usize> {
    let letters = text.find(|c| !matches!(c, 'r' | 'b' | 'c'))?;
    let signs = text[letters..].find(|c| c != '#')?;
    let is_raw = text[..letters].contains('r');
    let is_literal = letters <= 2 && text[letters + signs..].starts_with('"') && (is_raw || signs == 0);
    is_literal.then_some(letters + signs)
}

/// The length of a text literal whose quote stands at `prefix`.
fn quoted(text: &str, prefix: usize) -> usize {
    let is_raw = text[..prefix].contains('r');
    let close = format!("\"{}", "#".repeat(text[..prefix].matches('#').count()));
    let mut at = prefix + 1;
    while at < text.len() {
        if !is_raw && text[at..].starts_with('\\') {
            at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
        } else if text[at..].starts_with(&close) {
            return at + close.len();
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a character literal, or 1 for the sign of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            text[after..].find('\'').map_or(1, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
