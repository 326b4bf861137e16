//! `http-01`: the key authorization at a well-known address (RFC 8555 section 8.3), from a listener or a web server's root.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Chosen;
use super::responder::{Responder, Talk};
use crate::ca::Context;
use crate::ca::acme::jose::AccountKey;
use crate::error::{Error, ErrorId, Result};

const FOLDER: &str = ".well-known/acme-challenge";
/// Longest request head, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Answers for the chosen challenges, and for nothing else.
pub(super) fn listen(address: &str, chosen: &[Chosen], key: &AccountKey, cx: &Context<'_>) -> Result<Responder> {
    let known: Vec<(String, String)> =
        chosen.iter().map(|c| (format!("/{FOLDER}/{}", c.token), key.key_authorization(&c.token))).collect();
    let talk: Talk = Arc::new(move |stream| converse(stream, &known));
    Responder::start(address, &talk, cx.cancelled)
}

fn converse(stream: &mut TcpStream, known: &[(String, String)]) {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(count) if count > 0 && head.len() < MAX_HEAD => {
                head.extend_from_slice(chunk.get(..count).unwrap_or_default());
            }
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let found = known.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str());
    let (status, body) = match (method, found) {
        ("GET" | "HEAD", Some(text)) => ("200 OK", text),
        _ => ("404 Not Found", "not found\n"),
    };
    let shown = if method == "HEAD" { "" } else { body };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{shown}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
}

/// The file of a token below a web server's root.
pub(super) fn file(root: &Path, token: &str) -> PathBuf {
    root.join(FOLDER).join(token)
}

/// Writes what the web server is to show.
///
/// # Errors
/// `FileNotWritable`; the root itself must be there.
pub(super) fn write(root: &Path, file: &Path, text: &str) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::new(ErrorId::FileNotWritable, format!("`{}` cannot be written: {e}", file.display()))
            .about(file.display().to_string())
            .hint("see `webroot` of `challenge` in `certlet.toml`, and who may write there")
    };
    if !root.is_dir() {
        return Err(failed(std::io::ErrorKind::NotFound.into()));
    }
    let folder = file.parent().unwrap_or(root);
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Another user serves it: all may read it. It appears whole, or not at all.
    let mut temporary = tempfile::Builder::new().prefix(".certlet-").tempfile_in(folder).map_err(failed)?;
    temporary.write_all(text.as_bytes()).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(failed)?;
    }
    temporary.persist(file).map_err(|e| failed(e.error))?;
    Ok(())
}
