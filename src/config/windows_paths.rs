//! What `C:\` means where no Windows is.

use std::ffi::OsString;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorId, Result};

/// The folders that stand for Windows' drives; `C:` is `drive_c` in the home unless configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowsPaths {
    drives: Vec<(char, PathBuf)>,
}

/// A path as the operator wrote it and the one that it stands for; shown, it has both spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorPath {
    /// As it was written: `C:\Logs\a.html`.
    pub written: String,
    /// The file meant.
    pub path: PathBuf,
}

impl fmt::Display for OperatorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.to_string_lossy();
        if path == self.written { write!(f, "`{path}`") } else { write!(f, "`{}` ({path})", self.written) }
    }
}

impl WindowsPaths {
    /// Maps drive letters, in upper case, to folders.
    #[must_use]
    pub fn new(drives: Vec<(char, PathBuf)>) -> Self {
        Self { drives: drives.into_iter().map(|(letter, folder)| (letter.to_ascii_uppercase(), folder)).collect() }
    }

    /// The drives with their folders.
    pub fn drives(&self) -> impl Iterator<Item = (char, &Path)> {
        self.drives.iter().map(|(letter, folder)| (*letter, folder.as_path()))
    }

    /// Finds the file that an operator's path stands for; `base` is the folder of relative paths.
    ///
    /// Names below a drive are looked up without regard to case; what does not exist yet keeps its spelling.
    ///
    /// # Errors
    /// `PathNotAllowed`: `..` above a drive, a drive that has no folder, a path relative to a drive, a
    /// network path, or a character that no file name may have.
    pub fn resolve(&self, text: &str, base: &Path) -> Result<OperatorPath> {
        let found = |path: PathBuf| Ok(OperatorPath { written: text.to_owned(), path });
        if text.is_empty() || text.contains('\0') {
            return Err(refused(text, "it is empty or holds a NUL character"));
        }
        if cfg!(windows) {
            return found(base.join(text));
        }
        if text.starts_with(r"\\") || text.starts_with("//") {
            return Err(refused(text, "network paths are not available here"));
        }
        if let Some((letter, rest)) = drive(text) {
            let Some((_, folder)) = self.drives.iter().find(|(known, _)| *known == letter) else {
                return Err(refused(text, &format!("no folder is configured for the drive `{letter}:`"))
                    .hint(format!("add `\"{letter}:\" = \"FOLDER\"` to `[paths]` in `certlet.toml`")));
            };
            if !rest.is_empty() && !rest.starts_with(['\\', '/']) {
                return Err(refused(text, "a path relative to a drive has no meaning here")
                    .hint(format!("write `{letter}:\\{rest}`")));
            }
            return found(below(folder, &parts(text, rest)?));
        }
        if text.contains('\\') && !text.contains('/') {
            if text.starts_with('\\') {
                return Err(
                    refused(text, "it begins at a drive's root and names no drive").hint(format!("write `C:{text}`"))
                );
            }
            return found(below(base, &parts(text, text)?));
        }
        found(base.join(text))
    }
}

/// The letter of `C:…` in upper case, and the rest.
fn drive(text: &str) -> Option<(char, &str)> {
    let (letter, rest) = text.split_once(':')?;
    let mut letters = letter.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    letters.next().is_none().then_some((letter.to_ascii_uppercase(), rest))
}

/// The components, `.` and `..` resolved.
fn parts<'a>(text: &str, rest: &'a str) -> Result<Vec<&'a str>> {
    let mut parts = Vec::new();
    for part in rest.split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(refused(text, "`..` leads above its root"));
                }
            }
            part if part.contains(['<', '>', ':', '"', '|', '?', '*']) || part.chars().any(char::is_control) => {
                return Err(refused(text, &format!("`{part}` holds a character that no Windows file name may have")));
            }
            part => parts.push(part),
        }
    }
    Ok(parts)
}

/// Follows the components below a folder: each as it is spelt if that exists, else whatever case it exists in.
fn below(folder: &Path, parts: &[&str]) -> PathBuf {
    let mut path = folder.to_owned();
    for part in parts {
        let exact = path.join(part);
        path = if exact.symlink_metadata().is_ok() {
            exact
        } else {
            other_case(&path, part).map_or(exact, |name| path.join(name))
        };
    }
    path
}

fn other_case(folder: &Path, part: &str) -> Option<OsString> {
    let wanted = part.to_lowercase();
    let entries = std::fs::read_dir(folder).ok()?.filter_map(std::result::Result::ok).map(|entry| entry.file_name());
    let mut fits: Vec<OsString> =
        entries.filter(|name| name.to_str().is_some_and(|n| n.to_lowercase() == wanted)).collect();
    // Of several, always the same one.
    fits.sort();
    fits.into_iter().next().filter(|name| matches!(Path::new(name).components().next(), Some(Component::Normal(_))))
}

fn refused(text: &str, why: &str) -> Error {
    Error::new(ErrorId::PathNotAllowed, format!("`{text}` cannot be used as a path: {why}")).about(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (tempfile::TempDir, WindowsPaths) {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("drive_c/Logs")).unwrap();
        std::fs::write(home.path().join("drive_c/Logs/Certificates.html"), "x").unwrap();
        let paths = WindowsPaths::new(vec![('c', home.path().join("drive_c"))]);
        (home, paths)
    }

    #[test]
    fn drives_are_folders_and_case_is_ignored() {
        let (home, paths) = world();
        let file = home.path().join("drive_c/Logs/Certificates.html");
        for text in [r"C:\Logs\Certificates.html", r"c:\LOGS\certificates.HTML", "C:/logs/./x/../Certificates.html"] {
            assert_eq!(paths.resolve(text, home.path()).unwrap().path, file, "{text}");
        }
        let new = paths.resolve(r"C:\logs\New.cer", home.path()).unwrap();
        assert_eq!(new.path, home.path().join("drive_c/Logs/New.cer"));
        assert_eq!(new.to_string(), format!(r"`C:\logs\New.cer` ({})", new.path.display()));
        assert_eq!(paths.resolve("C:", home.path()).unwrap().path, home.path().join("drive_c"));
    }

    #[test]
    fn other_paths_are_relative_to_the_base_or_absolute() {
        let (home, paths) = world();
        assert_eq!(paths.resolve("a/b.cer", Path::new("/srv")).unwrap().path, Path::new("/srv/a/b.cer"));
        assert_eq!(paths.resolve(r"a\b.cer", Path::new("/srv")).unwrap().path, Path::new("/srv/a/b.cer"));
        let absolute = paths.resolve("/etc/x.pem", home.path()).unwrap();
        assert_eq!((absolute.path.as_path(), absolute.to_string().as_str()), (Path::new("/etc/x.pem"), "`/etc/x.pem`"));
    }

    #[test]
    fn ways_out_are_refused() {
        let (home, paths) = world();
        for text in [
            "",
            "a\0b",
            r"C:\..\x",
            r"C:\a\..\..\x",
            r"D:\x",
            r"C:x",
            r"\\server\share",
            "//server/share",
            r"\x",
            r"..\x",
            r"C:\a:b",
            r"C:\a*",
        ] {
            assert_eq!(paths.resolve(text, home.path()).unwrap_err().id(), ErrorId::PathNotAllowed, "{text}");
        }
        let error = paths.resolve(r"D:\x", home.path()).unwrap_err();
        assert!(error.hints()[0].contains("[paths]"));
    }
}
