//! The certificates of a PEM file of any length, one after another.

use std::io::BufRead;

use super::contents::take;
use super::pem::{Cut, Stream};
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;

/// Reads a bundle without holding more than a block of it.
pub(crate) struct Bundle<R> {
    stream: Stream<R>,
    waiting: std::collections::VecDeque<(u64, Piece)>,
}

/// What one block of a bundle is.
#[derive(Debug)]
pub(crate) enum Piece {
    /// One certificate, or those of a PKCS#7.
    Certificates(Vec<Certificate>),
    /// A certificate that is refused; those behind it can be read.
    Refused(Error),
    /// A private key, which is not looked at.
    Key,
    /// Something else: its label.
    Other(String),
}

impl<R: BufRead> Bundle<R> {
    /// Reads from a text.
    pub(crate) fn new(input: R) -> Self {
        Self { stream: Stream::new(input), waiting: std::collections::VecDeque::new() }
    }

    /// How many octets of the text were read.
    pub(crate) fn octets(&self) -> u64 {
        self.stream.octets()
    }

    /// The next block, with the line on which it begins; `None` at the end.
    ///
    /// # Errors
    /// `BadCertificateFile` where the text is cut or no PEM: nothing behind that can be read; `FileNotFound` when the
    /// file cannot be read on.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Piece)>> {
        while self.waiting.is_empty() {
            let (line, blocks) = match self.stream.next() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(None),
                Err(Cut::Text(line, reason)) => {
                    return Err(Error::new(ErrorId::BadCertificateFile, format!("line {line}: {reason}")));
                }
                Err(Cut::Input(error)) => {
                    return Err(
                        Error::new(ErrorId::FileNotFound, format!("it cannot be read on: {error}")).because(error)
                    );
                }
            };
            self.waiting.extend(blocks.into_iter().map(|block| (line, piece(&block.label, &block.der))));
        }
        Ok(self.waiting.pop_front())
    }
}

fn piece(label: &str, der: &[u8]) -> Piece {
    if label.ends_with("PRIVATE KEY") {
        return Piece::Key;
    }
    if !label.contains("CERTIFICATE") && !label.contains("PKCS7") && !label.contains("CMS") || label.contains("REQUEST")
    {
        return Piece::Other(label.to_owned());
    }
    match take(label, der) {
        Ok(contents) if contents.certificates().is_empty() => Piece::Other(label.to_owned()),
        Ok(contents) => Piece::Certificates(contents.into_certificates()),
        Err(error) => Piece::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::issue::tests::server;
    use crate::x509::key::tests::P256;
    use crate::x509::{Profile, pem, self_signed};

    #[test]
    fn a_bad_certificate_does_not_hide_the_others() {
        let names = Some(vec![crate::model::AlternativeName::host("a.b")]);
        let certificate = self_signed(&*P256, &Profile { alternative_names: names, ..server() }).unwrap();
        let good = pem::encode("CERTIFICATE", certificate.der());
        let text = format!(
            "{}{}{}{}{}",
            *good,
            pem::encode("CERTIFICATE", &certificate.der()[..40]).as_str(),
            P256.to_pem().unwrap().as_str(),
            pem::encode("DH PARAMETERS", b"x").as_str(),
            *good
        );
        let mut bundle = Bundle::new(text.as_bytes());
        let mut seen = Vec::new();
        while let Some((line, piece)) = bundle.next().unwrap() {
            seen.push(match piece {
                Piece::Certificates(found) => (line, found == std::slice::from_ref(&certificate), "certificate"),
                Piece::Refused(error) => (line, error.id() == ErrorId::BadCertificateFile, "refused"),
                Piece::Key => (line, true, "key"),
                Piece::Other(label) => (line, label == "DH PARAMETERS", "other"),
            });
        }
        let lines = good.lines().count() as u64;
        assert_eq!(
            seen.iter().map(|s| s.2).collect::<Vec<_>>(),
            ["certificate", "refused", "key", "other", "certificate"]
        );
        assert!(seen.iter().all(|s| s.1) && (seen[0].0, seen[1].0) == (1, lines + 1), "{seen:?}");
        let cut = &good[..good.len() - 10];
        assert_eq!(Bundle::new(cut.as_bytes()).next().unwrap_err().id(), ErrorId::BadCertificateFile);
    }
}
