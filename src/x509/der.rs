//! The little DER that certlet reads and writes itself (ITU-T X.690).

use std::fmt;

/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// SET.
pub(super) const SET: u8 = 0x31;
/// OBJECT IDENTIFIER.
pub(super) const OID: u8 = 0x06;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;

/// How deep a structure may nest; certificates need about 12.
const MAX_DEPTH: usize = 40;

/// Why bytes are no DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One element: tag octet, content, and all its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlv<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader over the content.
    pub(super) fn inside(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// Reads one element after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag octet of the next element.
    pub(super) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element.
    pub(super) fn any(&mut self) -> Result<Tlv<'a>, Malformed> {
        let (header, length) = header(self.0)?;
        let end = header.checked_add(length).ok_or(Malformed("a length is too large"))?;
        let whole = self.0.get(..end).ok_or(Malformed("it ends too early"))?;
        let tlv = Tlv { tag: whole[0], content: &whole[header..], whole };
        self.0 = &self.0[end..];
        Ok(tlv)
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, Malformed> {
        if self.peek() != Some(tag) {
            return Err(Malformed("an element is not of the expected type"));
        }
        self.any()
    }

    /// The next element when it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Refuses what is left over.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("bytes follow the end of a structure")) }
    }
}

/// Reads bytes that are exactly one element of this tag.
pub(super) fn only(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let tlv = reader.expect(tag)?;
    reader.end()?;
    Ok(tlv)
}

/// Checks that every constructed element, at every depth, is made of whole elements with minimal, definite lengths.
pub(super) fn well_formed(bytes: &[u8]) -> Result<(), Malformed> {
    let mut open = vec![Reader::new(bytes)];
    while let Some(reader) = open.last_mut() {
        if reader.is_empty() {
            open.pop();
            continue;
        }
        let tlv = reader.any()?;
        if tlv.tag & 0x20 != 0 {
            if open.len() >= MAX_DEPTH {
                return Err(Malformed("it nests too deeply"));
            }
            open.push(tlv.inside());
        }
    }
    Ok(())
}

/// Length of header and of content.
fn header(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    const SHORT: Malformed = Malformed("it ends too early");
    let tag = *bytes.first().ok_or(SHORT)?;
    if tag & 0x1f == 0x1f {
        return Err(Malformed("an element has a long tag"));
    }
    let first = *bytes.get(1).ok_or(SHORT)?;
    match first {
        0..=0x7f => Ok((2, usize::from(first))),
        0x80 => Err(Malformed("a length is indefinite: BER, not DER")),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let octets = bytes.get(2..2 + count).ok_or(SHORT)?;
            let length = octets.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            if octets[0] == 0 || length < 0x80 {
                return Err(Malformed("a length is not written in its shortest form"));
            }
            Ok((2 + count, length))
        }
        _ => Err(Malformed("a length is too large")),
    }
}

/// Writes an element.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    write_length(&mut out, content.len());
    out.extend_from_slice(content);
    out
}

/// Writes an element out of encoded parts.
pub(super) fn constructed(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

/// Writes a SEQUENCE of encoded parts.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    constructed(SEQUENCE, parts)
}

/// Writes a length in its shortest form.
pub(super) fn write_length(out: &mut Vec<u8>, length: usize) {
    if length < 0x80 {
        out.push(length as u8);
        return;
    }
    let octets = length.to_be_bytes();
    let start = octets.iter().position(|b| *b != 0).unwrap_or(octets.len() - 1);
    out.push(0x80 | (octets.len() - start) as u8);
    out.extend_from_slice(&octets[start..]);
}

/// Writes an object identifier from its dotted text; `None` when it is none.
pub(super) fn oid(dotted: &str) -> Option<Vec<u8>> {
    let arcs: Vec<u128> = dotted.split('.').map(|a| a.parse().ok()).collect::<Option<_>>()?;
    let [first, second, rest @ ..] = arcs.as_slice() else { return None };
    if *first > 2 || (*first < 2 && *second > 39) {
        return None;
    }
    let mut content = Vec::new();
    write_arc(&mut content, (first * 40).checked_add(*second)?);
    for arc in rest {
        write_arc(&mut content, *arc);
    }
    Some(tlv(OID, &content))
}

/// The dotted text of an object identifier's content.
pub(super) fn oid_text(content: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(32);
    let mut arc: u128 = 0;
    let mut started = false;
    for byte in content {
        if (!started && *byte == 0x80) || arc > u128::MAX >> 7 {
            return None;
        }
        arc = arc << 7 | u128::from(byte & 0x7f);
        started = true;
        if byte & 0x80 == 0 {
            if text.is_empty() {
                let first = (arc / 40).min(2);
                push_arc(&mut text, first);
                text.push('.');
                push_arc(&mut text, arc - first * 40);
            } else {
                text.push('.');
                push_arc(&mut text, arc);
            }
            arc = 0;
            started = false;
        }
    }
    (!started && !text.is_empty()).then_some(text)
}

/// Nearly every number of an identifier has few digits, and every certificate has dozens of them: the formatter of
/// 128-bit numbers is for the others.
fn push_arc(text: &mut String, arc: u128) {
    let Ok(mut rest) = u32::try_from(arc) else {
        text.push_str(&arc.to_string());
        return;
    };
    let mut digits = [b'0'; 10];
    let mut begin = digits.len() - 1;
    loop {
        digits[begin] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
        begin -= 1;
    }
    text.extend(digits[begin..].iter().map(|digit| char::from(*digit)));
}

fn write_arc(out: &mut Vec<u8>, arc: u128) {
    let mut shift = (128 - arc.leading_zeros()).div_ceil(7).max(1);
    while shift > 0 {
        shift -= 1;
        let octet = (arc >> (shift * 7)) as u8 & 0x7f;
        out.push(if shift == 0 { octet } else { octet | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back() {
        for dotted in
            ["2.5.4.3", "1.2.840.113549.1.1.11", "2.25.329800735698586629295641978511506172918", "0.9.2342", "2.999.1"]
        {
            let der = oid(dotted).unwrap();
            assert_eq!(oid_text(only(&der, OID).unwrap().content).unwrap(), dotted);
        }
        for bad in ["", "1", "3.1", "1.40", "1.x"] {
            assert!(oid(bad).is_none(), "{bad}");
        }
        assert!(oid_text(&[0x80, 1]).is_none());
        assert!(oid_text(&[0x81]).is_none());
    }

    #[test]
    fn only_shortest_definite_lengths_are_taken() {
        assert!(well_formed(&sequence(&[&tlv(INTEGER, &[0; 200])])).is_ok());
        for bad in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x30, 5, 1],
            &[0x30, 0x84, 255, 255, 255, 255],
        ] {
            assert!(well_formed(bad).is_err(), "{bad:?}");
        }
        let deep = (0..60).fold(Vec::new(), |inner, _| sequence(&[&inner]));
        assert_eq!(well_formed(&deep).unwrap_err().0, "it nests too deeply");
    }
}
