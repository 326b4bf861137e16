//! BER to DER, as far as PKCS#7 and PKCS#12 files of other programs need it.

use super::der::{self, Malformed};

/// How deep a structure may nest.
const MAX_DEPTH: usize = 32;

/// Rewrites one BER element in DER: lengths become definite and minimal, constructed OCTET STRINGs become one.
///
/// What stands inside primitive elements is left as it is. Bytes after the element are refused.
pub(super) fn to_der(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (element, rest) = element(bytes, 0)?;
    if rest.is_empty() { Ok(element) } else { Err(Malformed("bytes follow the end of a structure")) }
}

fn element(bytes: &[u8], depth: usize) -> Result<(Vec<u8>, &[u8]), Malformed> {
    const SHORT: Malformed = Malformed("it ends too early");
    if depth > MAX_DEPTH {
        return Err(Malformed("it nests too deeply"));
    }
    let [tag, first, rest @ ..] = bytes else { return Err(SHORT) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed("an element has a long tag"));
    }
    let constructed = tag & 0x20 != 0;
    let mut parts = Vec::new();
    let after = if *first == 0x80 {
        if !constructed {
            return Err(Malformed("a simple element has an indefinite length"));
        }
        let mut left = rest;
        loop {
            if let [0, 0, after @ ..] = left {
                break after;
            }
            let (part, next) = element(left, depth + 1)?;
            parts.push(part);
            left = next;
        }
    } else {
        let count = usize::from(first & 0x7f);
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            _ if count <= 8 => {
                let octets = rest.get(..count).ok_or(SHORT)?;
                let length = octets.iter().try_fold(0usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)));
                (length.ok_or(SHORT)?, &rest[count..])
            }
            _ => return Err(Malformed("a length is too large")),
        };
        let content = rest.get(..length).ok_or(SHORT)?;
        let after = &rest[length..];
        if !constructed {
            return Ok((der::tlv(*tag, content), after));
        }
        let mut left = content;
        while !left.is_empty() {
            let (part, next) = element(left, depth + 1)?;
            parts.push(part);
            left = next;
        }
        after
    };
    if *tag != der::OCTET_STRING | 0x20 {
        return Ok((der::tlv(*tag, &parts.concat()), after));
    }
    let mut joined = Vec::new();
    for part in &parts {
        joined.extend_from_slice(der::only(part, der::OCTET_STRING)?.content);
    }
    Ok((der::tlv(der::OCTET_STRING, &joined), after))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes every constructed element with an indefinite length, and long OCTET STRINGs in pieces.
    pub(in crate::x509) fn to_ber(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reader = der::Reader::new(bytes);
        while !reader.is_empty() {
            let tlv = reader.any().unwrap();
            if tlv.tag & 0x20 != 0 {
                out.extend([tlv.tag, 0x80]);
                out.extend(to_ber(tlv.content));
                out.extend([0, 0]);
            } else if tlv.tag == der::OCTET_STRING && tlv.content.len() > 20 {
                out.extend([0x24, 0x80]);
                for piece in tlv.content.chunks(13) {
                    out.extend(der::tlv(der::OCTET_STRING, piece));
                }
                out.extend([0, 0]);
            } else {
                out.extend(tlv.whole);
            }
        }
        out
    }

    #[test]
    fn indefinite_lengths_become_definite() {
        let plain = der::sequence(&[&der::tlv(der::OCTET_STRING, &[7; 100]), &der::tlv(der::INTEGER, &[1])]);
        let ber = to_ber(&plain);
        assert!(der::well_formed(&ber).is_err());
        assert_eq!(to_der(&ber).unwrap(), plain);
        assert_eq!(to_der(&[0x30, 0x81, 1, 5]).unwrap_err().0, "it ends too early");
        assert_eq!(to_der(&[0x30; 200]).unwrap_err(), to_der(&[0x30; 200]).unwrap_err());
        let deep: Vec<u8> = [0x30, 0x80].repeat(100_000);
        assert_eq!(to_der(&deep).unwrap_err().0, "it nests too deeply");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(der) = to_der(&bytes) {
                prop_assert!(der::well_formed(&der).is_ok());
            }
        }
    }
}
