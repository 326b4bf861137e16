//! PEM as people paste it, and PEM as certlet writes it (RFC 7468).

use std::fmt::Write;
use std::io::{self, BufRead, Read};

use zeroize::{Zeroize, Zeroizing};

use crate::model::Certificate;

/// The label of a certificate.
pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a certificate request as it is written; `NEW CERTIFICATE REQUEST` is read.
pub(crate) const REQUEST: &str = "CERTIFICATE REQUEST";

/// One block of a text.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Zeroizing<Vec<u8>>,
    /// A header such as `Proc-Type: 4,ENCRYPTED` stood in the block.
    pub(super) has_headers: bool,
}

/// Writes one block: 64 characters a line, `\n` at each end.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(der.len() * 3 / 2 + 80));
    let _ = writeln!(text, "-----BEGIN {label}-----");
    for line in der.chunks(48) {
        write_base64(&mut text, line);
        text.push('\n');
    }
    let _ = writeln!(text, "-----END {label}-----");
    text
}

/// Writes certificates one after another, without anything between them.
pub(crate) fn encode_certificates<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(|c| encode(CERTIFICATE, c.der()).to_string()).collect()
}

/// Finds the blocks of a text, whatever stands around them: mail quotes' blanks, `Bag Attributes`, CRLF, a BOM.
///
/// `Err` names the block that cannot be decoded.
pub(super) fn decode(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("-----BEGIN ") {
        rest = &rest[start + "-----BEGIN ".len()..];
        let Some(label_end) = rest.find("-----").filter(|end| *end <= 64 && !rest[..*end].contains('\n')) else {
            return Err("a `-----BEGIN` line is not finished".to_owned());
        };
        let label = rest[..label_end].trim();
        rest = &rest[label_end + 5..];
        let Some(end) = rest.find("-----END ") else {
            return Err(format!("the block `{label}` has no `-----END` line: the text was cut"));
        };
        let body = &rest[..end];
        rest = &rest[end + "-----END ".len()..];
        let end_label = rest.split("-----").next().filter(|end| !end.contains('\n'));
        if end_label.is_none_or(|end| end.trim() != label) {
            return Err(format!("the block `{label}` ends with another label"));
        }
        let (has_headers, body) = without_headers(body);
        let der = decode_base64(&body).ok_or_else(|| format!("the block `{label}` is no base64"))?;
        blocks.push(Block { label: label.to_owned(), der, has_headers });
    }
    Ok(blocks)
}

/// Longest block, or piece of text between blocks without a line end, in octets.
const MAX_BLOCK: u64 = 16 << 20;

/// Reads the blocks of a text of any length, a few at a time, as [`decode`] finds them in the whole.
pub(super) struct Stream<R> {
    input: R,
    /// Lines read so far.
    line: u64,
    octets: u64,
}

/// Why a stream cannot be read on.
#[derive(Debug)]
pub(super) enum Cut {
    /// The input failed.
    Input(io::Error),
    /// The text is not what it should be, about this line.
    Text(u64, String),
}

impl<R: BufRead> Stream<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, octets: 0 }
    }

    /// How many octets of the input were read.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// The next blocks with the line on which they begin; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Vec<Block>)>, Cut> {
        let mut text = Zeroizing::new(Vec::new());
        let mut first = 0;
        loop {
            let before = text.len();
            let room = MAX_BLOCK.saturating_sub(before as u64);
            let read = self.input.by_ref().take(room).read_until(b'\n', &mut text).map_err(Cut::Input)?;
            let is_end = read == 0;
            if is_end && room == 0 {
                return Err(Cut::Text(first.max(1), "a block or a line is longer than 16 MiB".to_owned()));
            }
            self.line += u64::from(!is_end);
            self.octets += read as u64;
            let line = &text[before..];
            if first == 0 {
                if is_end {
                    return Ok(None);
                }
                if !holds(line, BEGIN) {
                    text.clear();
                    continue;
                }
                first = self.line;
            }
            if is_end || holds(line, END) {
                let whole = String::from_utf8_lossy(&text);
                if is_end || is_complete(&whole) {
                    return decode(&whole)
                        .map(|blocks| Some((first, blocks)))
                        .map_err(|reason| Cut::Text(first, reason));
                }
            }
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// Whether [`decode`] would find no open block at the end of a text of whole lines.
fn is_complete(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let Some((_, body)) = block.split_once("-----") else { return true };
        let Some((_, behind)) = body.split_once("-----END ") else { return false };
        rest = behind;
    }
    true
}

fn holds(line: &[u8], word: &[u8]) -> bool {
    // Base64 holds no hyphen: most lines are done with one look.
    line.contains(&b'-') && line.windows(word.len()).any(|window| window == word)
}

/// Decodes base64 whatever blanks stand in it; padding may be absent; anything else is refused.
pub(super) fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let (mut bits, mut count, mut padding) = (0u32, 0u32, 0u32);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = (bits << 6 | u32::from(value)) & 0x00ff_ffff;
        count += 1;
        if count.is_multiple_of(4) {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
    }
    match (count % 4, padding) {
        (0, 0) => {}
        (2, 0 | 2) => out.push((bits >> 4) as u8),
        (3, 0 | 1) => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return None,
    }
    bits.zeroize();
    Some(out)
}

/// Drops RFC 1421 headers (`Name: value` lines) at the start of a block.
fn without_headers(body: &str) -> (bool, Zeroizing<String>) {
    let mut has_headers = false;
    let mut kept = Zeroizing::new(String::with_capacity(body.len()));
    let mut continued = false;
    for line in body.lines() {
        let is_header = line.contains(':') || (continued && line.starts_with([' ', '\t']));
        continued = is_header && line.trim_end().ends_with(',');
        has_headers |= is_header;
        if !is_header {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    (has_headers, kept)
}

fn write_base64(out: &mut String, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i)) as usize & 0x3f;
            out.push(if i <= group.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pasted_texts_are_read() {
        let block = encode("X", b"hello, world");
        let crlf = format!("\u{feff}\r\n  Bag Attributes\r\n    friendlyName: x\r\n{}", block.replace('\n', "\r\n   "));
        let glued = block.replace('\n', " ");
        for text in [block.as_str(), &crlf, &glued, &format!("{}{}", *block, *block)] {
            let blocks = decode(text).unwrap();
            assert_eq!((blocks[0].label.as_str(), blocks[0].der.as_slice()), ("X", &b"hello, world"[..]), "{text}");
        }
    }

    #[test]
    fn cut_texts_are_named() {
        for (text, reason) in [
            ("-----BEGIN A-----\nAAAA", "no `-----END`"),
            ("-----BEGIN A-----\nAAAA\n-----END B-----", "another label"),
            ("-----BEGIN A-----\nA*AA\n-----END A-----", "no base64"),
            ("-----BEGIN A\nAAAA", "not finished"),
        ] {
            assert!(decode(text).err().unwrap().contains(reason), "{text}");
        }
    }

    /// What a stream finds in a text that comes in pieces of so many octets.
    fn streamed(text: &str, piece: usize) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut stream = Stream::new(io::BufReader::with_capacity(piece, text.as_bytes()));
        let mut found = Vec::new();
        loop {
            match stream.next() {
                Ok(None) => return Ok(found),
                Ok(Some((_, blocks))) => found.extend(blocks.into_iter().map(|b| (b.label, b.der.to_vec()))),
                Err(Cut::Text(_, reason)) => return Err(reason),
                Err(Cut::Input(error)) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn a_stream_tells_the_line() {
        let block = encode("X", b"hello, world");
        let text = format!("# one\n# two\n{}{}-----BEGIN X-----\n*\n-----END X-----\n", *block, *block);
        let mut stream = Stream::new(text.as_bytes());
        assert_eq!(stream.next().unwrap().unwrap().0, 3);
        assert_eq!(stream.next().unwrap().unwrap().0, 6);
        assert!(matches!(stream.next(), Err(Cut::Text(9, reason)) if reason.contains("no base64")));
        let endless = io::Read::chain(&b"-----BEGIN X-----\n"[..], io::repeat(b'A'));
        assert!(
            matches!(Stream::new(io::BufReader::new(endless)).next(), Err(Cut::Text(1, reason)) if reason.contains("16 MiB"))
        );
    }

    proptest! {
        #[test]
        fn a_stream_finds_what_the_whole_text_holds(
            text in "((-----BEGIN |-----END |-----|A|B|=|AAAA|:|\n|\\PC){0,12}|-----BEGIN A-----(\n| )AAAA(\n|\r\n|)-----END A-----(\n|)){0,4}",
            piece in 1usize..40,
        ) {
            match (decode(&text), streamed(&text, piece)) {
                (Ok(whole), Ok(found)) => {
                    let whole: Vec<_> = whole.into_iter().map(|b| (b.label, b.der.to_vec())).collect();
                    prop_assert_eq!(whole, found);
                }
                (Err(_), Err(_)) => {}
                (whole, found) => prop_assert!(false, "{:?} and {:?}", whole.map(|b| b.len()), found),
            }
        }

        #[test]
        fn blocks_read_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let blocks = decode(&encode("THING", &bytes)).unwrap();
            prop_assert_eq!(blocks[0].der.as_slice(), bytes.as_slice());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(-----BEGIN |-----END |-----|A|=|:|\\n|\\PC){0,30}") {
            let _ = decode(&text);
        }
    }
}
