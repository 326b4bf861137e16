//! The variable names that are in scope, as far as the source shows them.

use std::collections::HashMap;

/// Names in the order of their declaration; a function sees only what stands above its floor.
pub(super) struct Names<'a> {
    declared: Vec<Name<'a>>,
    /// The last name with each hash.
    last: HashMap<u32, u32>,
    floor: u32,
}

struct Name<'a> {
    text: &'a str,
    hash: u32,
    /// The name before it with the same hash.
    before: Option<u32>,
}

impl<'a> Names<'a> {
    pub(super) fn new(known: &[&'a str]) -> Self {
        let mut names = Self { declared: Vec::new(), last: HashMap::new(), floor: 0 };
        for name in known {
            names.declare(name);
        }
        names
    }

    pub(super) fn declare(&mut self, text: &'a str) {
        let hash = hash(text);
        let before = self.last.insert(hash, self.len());
        self.declared.push(Name { text, hash, before });
    }

    pub(super) fn len(&self) -> u32 {
        self.declared.len() as u32
    }

    pub(super) fn truncate(&mut self, len: u32) {
        while self.len() > len {
            let Some(name) = self.declared.pop() else { return };
            match name.before {
                Some(before) => self.last.insert(name.hash, before),
                None => self.last.remove(&name.hash),
            };
        }
    }

    pub(super) fn floor(&self) -> u32 {
        self.floor
    }

    pub(super) fn set_floor(&mut self, floor: u32) {
        self.floor = floor;
    }

    /// Finds the declared spelling of a name: the same letters if there is such a one, else any case.
    pub(super) fn find(&self, name: &str) -> Option<&'a str> {
        let mut other_case = None;
        let mut next = self.last.get(&hash(name)).copied();
        while let Some(index) = next.filter(|index| *index >= self.floor) {
            let declared = self.declared.get(index as usize)?;
            if declared.text == name {
                return Some(declared.text);
            }
            if other_case.is_none() && declared.text.eq_ignore_ascii_case(name) {
                other_case = Some(declared.text);
            }
            next = declared.before;
        }
        other_case
    }
}

/// FNV-1a over lower-case bytes.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193))
}

/// Whether Rhai keeps this word for itself, so that no variable or property can bear it.
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "let"
            | "const"
            | "is"
            | "if"
            | "else"
            | "switch"
            | "do"
            | "while"
            | "until"
            | "loop"
            | "for"
            | "in"
            | "continue"
            | "break"
            | "fn"
            | "private"
            | "return"
            | "throw"
            | "try"
            | "catch"
            | "import"
            | "export"
            | "as"
            | "true"
            | "false"
            | "Fn"
            | "call"
            | "curry"
            | "type_of"
            | "print"
            | "debug"
            | "eval"
            | "is_def_var"
            | "is_def_fn"
            | "is_shared"
            | "var"
            | "static"
            | "shared"
            | "goto"
            | "exit"
            | "match"
            | "case"
            | "public"
            | "protected"
            | "new"
            | "use"
            | "with"
            | "module"
            | "package"
            | "super"
            | "thread"
            | "spawn"
            | "go"
            | "await"
            | "async"
            | "sync"
            | "yield"
            | "default"
            | "void"
            | "null"
            | "nil"
    )
}
