//! Certificates out of PKCS#7 files (`.p7b`, `.p7c`; RFC 5652).

use super::der::{self, Malformed};
use crate::model::Certificate;

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

/// Certificates as a signed-data structure without content and signatures, DER (RFC 5652 section 5.1).
pub(crate) fn encode_pkcs7<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Vec<u8> {
    let oid = |dotted: &str| der::oid(dotted).unwrap_or_default();
    // A SET OF stands in the order of its encodings (X.690 section 11.6), which is not that of the path.
    let mut list: Vec<&[u8]> = certificates.into_iter().map(Certificate::der).collect();
    list.sort_unstable();
    let signed = der::sequence(&[
        &der::tlv(der::INTEGER, &[1]),
        &der::tlv(der::SET, &[]),
        &der::sequence(&[&oid("1.2.840.113549.1.7.1")]),
        &der::tlv(0xa0, &list.concat()),
        &der::tlv(der::SET, &[]),
    ]);
    der::sequence(&[&oid(SIGNED_DATA), &der::tlv(0xa0, &signed)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::tests::P256;
    use crate::x509::pfx::tests::materials;
    use crate::x509::testing;

    #[test]
    fn openssl_reads_what_is_written() {
        let Some(bench) = testing::bench("openssl_reads_what_is_written") else { return };
        let chain = materials(&bench, &P256);
        let file = encode_pkcs7(&chain);
        bench.write("own.p7b", &file);
        let text = bench.run("pkcs7 -inform DER -in own.p7b -print_certs").unwrap();
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
        let mut read = certificates(&file).unwrap();
        let mut whole: Vec<Vec<u8>> = chain.iter().map(|c| c.der().to_vec()).collect();
        read.sort();
        whole.sort();
        assert_eq!(read, whole);
    }
}
