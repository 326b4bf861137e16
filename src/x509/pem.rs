//! PEM as people paste it, and PEM as certlet writes it (RFC 7468).

use std::fmt::Write;

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
        if rest.split("-----").next().is_none_or(|l| l.trim() != label) {
            return Err(format!("the block `{label}` ends with another label"));
        }
        let (has_headers, body) = without_headers(body);
        let der = decode_base64(&body).ok_or_else(|| format!("the block `{label}` is no base64"))?;
        blocks.push(Block { label: label.to_owned(), der, has_headers });
    }
    Ok(blocks)
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

    proptest! {
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
