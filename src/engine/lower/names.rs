//! The variable names that are in scope, as far as the source shows them.

/// Names in the order of their declaration; a function sees only what stands above its floor.
pub(super) struct Names<'a> {
    names: Vec<(u32, &'a str)>,
    floor: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(known: &[&'a str]) -> Self {
        Self { names: known.iter().map(|name| (hash(name), *name)).collect(), floor: 0 }
    }

    pub(super) fn declare(&mut self, name: &'a str) {
        self.names.push((hash(name), name));
    }

    pub(super) fn len(&self) -> u32 {
        self.names.len() as u32
    }

    pub(super) fn truncate(&mut self, len: u32) {
        self.names.truncate(len as usize);
    }

    pub(super) fn floor(&self) -> u32 {
        self.floor as u32
    }

    pub(super) fn set_floor(&mut self, floor: u32) {
        self.floor = floor as usize;
    }

    /// Finds the declared spelling of a name: the same letters if there is such a one, else any case.
    pub(super) fn find(&self, name: &str) -> Option<&'a str> {
        let wanted = hash(name);
        let mut other_case = None;
        let visible = self.names.get(self.floor..).unwrap_or_default();
        for (hash, declared) in visible.iter().rev() {
            if *hash != wanted {
                continue;
            }
            if *declared == name {
                return Some(declared);
            }
            if other_case.is_none() && declared.eq_ignore_ascii_case(name) {
                other_case = Some(*declared);
            }
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
