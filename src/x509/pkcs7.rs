//! Certificates out of PKCS#7 files (`.p7b`, `.p7c`; RFC 5652).

use super::der::{self, Malformed};

/// The content type of signed data.
pub(super) const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";

/// The encoded certificates of a signed-data structure, in the order of the file; its signatures mean nothing here.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let normal = super::ber::to_der(bytes)?;
    let mut info = der::only(&normal, der::SEQUENCE)?.inside();
    let kind = der::oid_text(info.expect(der::OID)?.content);
    if kind.as_deref() != Some(SIGNED_DATA) {
        return Err(Malformed("it is a PKCS#7 file, and yet no list of certificates"));
    }
    let mut signed = info.expect(0xa0)?.inside();
    let mut signed = signed.expect(der::SEQUENCE)?.inside();
    signed.expect(der::INTEGER)?;
    signed.expect(der::SET)?;
    signed.expect(der::SEQUENCE)?;
    let mut found = Vec::new();
    if let Some(list) = signed.optional(0xa0)? {
        let mut list = list.inside();
        while !list.is_empty() {
            // Attribute certificates and the like have context tags.
            let one = list.any()?;
            if one.tag == der::SEQUENCE {
                found.push(one.whole.to_vec());
            }
        }
    }
    if found.is_empty() {
        return Err(Malformed("it is a PKCS#7 file without certificates"));
    }
    Ok(found)
}
