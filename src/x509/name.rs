//! Names in DER: distinguished names and alternative names, read strictly and written.

use std::net::IpAddr;

use super::der::{self, Malformed, Reader, Tlv};
use crate::model::{AlternativeName, DistinguishedName, NameAttribute, NameValue, RelativeName};

const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";
const EMAIL: &str = "1.2.840.113549.1.9.1";
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

/// Reads an encoded `Name`; every string must be valid in its type.
pub(super) fn read_name(der: &[u8]) -> Result<DistinguishedName, Malformed> {
    let mut rdns = Vec::new();
    let mut steps = der::only(der, der::SEQUENCE)?.inside();
    while !steps.is_empty() {
        let mut attributes = steps.expect(der::SET)?.inside();
        let mut rdn = RelativeName::new();
        while !attributes.is_empty() {
            let mut pair = attributes.expect(der::SEQUENCE)?.inside();
            let kind =
                der::oid_text(pair.expect(der::OID)?.content).ok_or(Malformed("an attribute type is malformed"))?;
            let value = pair.any()?;
            pair.end()?;
            rdn.push(match string(value)? {
                Some(text) => NameAttribute::new(kind, text),
                None => NameAttribute::raw(kind, value.whole.to_vec()),
            });
        }
        if rdn.is_empty() {
            return Err(Malformed("a step of a name is empty"));
        }
        rdns.push(rdn);
    }
    Ok(DistinguishedName::from_parts(der, rdns))
}

/// Encodes steps, given most general first.
pub(crate) fn encode_name(rdns: &[RelativeName]) -> Option<DistinguishedName> {
    let mut steps = Vec::new();
    for rdn in rdns {
        let mut attributes = rdn.iter().map(encode_attribute).collect::<Option<Vec<_>>>()?;
        attributes.sort();
        steps.push(der::tlv(der::SET, &attributes.concat()));
    }
    read_name(&der::tlv(der::SEQUENCE, &steps.concat())).ok()
}

/// Reads an encoded `GeneralNames`.
pub(super) fn read_general_names(der: &[u8]) -> Result<Vec<AlternativeName>, Malformed> {
    let mut names = Vec::new();
    let mut reader = der::only(der, der::SEQUENCE)?.inside();
    while !reader.is_empty() {
        names.push(read_general_name(reader.any()?)?);
    }
    if names.is_empty() {
        return Err(Malformed("the list of alternative names is empty"));
    }
    Ok(names)
}

/// Encodes `GeneralNames`; `None` for a name that is no ASCII where ASCII is asked for.
pub(super) fn encode_general_names(names: &[AlternativeName]) -> Option<Vec<u8>> {
    let encoded = names.iter().map(encode_general_name).collect::<Option<Vec<_>>>()?;
    Some(der::tlv(der::SEQUENCE, &encoded.concat()))
}

fn read_general_name(tlv: Tlv<'_>) -> Result<AlternativeName, Malformed> {
    let ascii = || {
        if tlv.content.is_empty() || !tlv.content.iter().all(|b| (0x20..0x7f).contains(b)) {
            return Err(Malformed("an alternative name holds something else than printable ASCII"));
        }
        Ok(String::from_utf8_lossy(tlv.content).into_owned())
    };
    Ok(match tlv.tag {
        0x81 => AlternativeName::Email(ascii()?),
        0x82 => AlternativeName::Dns(ascii()?),
        0x86 => AlternativeName::Uri(ascii()?),
        0x87 => AlternativeName::Ip(address(tlv.content)?),
        0xa4 => AlternativeName::Directory(read_name(tlv.content)?),
        0xa0 => upn(tlv).map_or_else(|| AlternativeName::Other(tlv.whole.to_vec()), AlternativeName::Upn),
        0xa3 | 0xa5 | 0x88 => AlternativeName::Other(tlv.whole.to_vec()),
        _ => return Err(Malformed("an alternative name is of no known kind")),
    })
}

fn address(octets: &[u8]) -> Result<IpAddr, Malformed> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Ok(v4.into());
    }
    <[u8; 16]>::try_from(octets).map(Into::into).map_err(|_| Malformed("an address has neither 4 nor 16 octets"))
}

fn upn(tlv: Tlv<'_>) -> Option<String> {
    let mut reader = tlv.inside();
    let kind = der::oid_text(reader.expect(der::OID).ok()?.content)?;
    let mut value = reader.expect(0xa0).ok()?.inside();
    let text = string(value.any().ok()?).ok()??;
    (kind == UPN && value.is_empty() && reader.is_empty()).then_some(text)
}

fn encode_general_name(name: &AlternativeName) -> Option<Vec<u8>> {
    let ascii = |tag, text: &str| (!text.is_empty() && text.is_ascii()).then(|| der::tlv(tag, text.as_bytes()));
    match name {
        AlternativeName::Dns(text) => ascii(0x82, text),
        AlternativeName::Email(text) => ascii(0x81, text),
        AlternativeName::Uri(text) => ascii(0x86, text),
        AlternativeName::Ip(IpAddr::V4(a)) => Some(der::tlv(0x87, &a.octets())),
        AlternativeName::Ip(IpAddr::V6(a)) => Some(der::tlv(0x87, &a.octets())),
        AlternativeName::Directory(name) => Some(der::tlv(0xa4, name.der())),
        AlternativeName::Upn(text) => {
            let value = der::tlv(0xa0, &der::tlv(0x0c, text.as_bytes()));
            Some(der::constructed(0xa0, &[&der::oid(UPN)?, &value]))
        }
        AlternativeName::Other(der) => Some(der.clone()),
    }
}

/// Decodes a string type; `None` for any other type.
fn string(tlv: Tlv<'_>) -> Result<Option<String>, Malformed> {
    let utf8 =
        || String::from_utf8(tlv.content.to_vec()).map_err(|_| Malformed("a string of a name is no valid UTF-8"));
    let text = match tlv.tag {
        // UTF8String; NumericString, PrintableString, IA5String and VisibleString, in which real authorities put UTF-8.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => utf8()?,
        // TeletexString is Latin-1 in practice.
        0x14 => tlv.content.iter().map(|b| char::from(*b)).collect(),
        0x1e => {
            let units = tlv.content.chunks_exact(2);
            if !units.remainder().is_empty() {
                return Err(Malformed("a BMPString has an odd length"));
            }
            let units: Vec<u16> = units.map(|u| u16::from_be_bytes([u[0], u[1]])).collect();
            String::from_utf16(&units).map_err(|_| Malformed("a BMPString is no valid UTF-16"))?
        }
        0x1c => {
            let units = tlv.content.chunks_exact(4);
            if !units.remainder().is_empty() {
                return Err(Malformed("a UniversalString has an odd length"));
            }
            units
                .map(|u| char::from_u32(u32::from_be_bytes([u[0], u[1], u[2], u[3]])))
                .collect::<Option<String>>()
                .ok_or(Malformed("a UniversalString holds no valid characters"))?
        }
        _ => return Ok(None),
    };
    Ok(Some(text))
}

/// `PrintableString` where RFC 5280 appendix A wants it and it fits, `IA5String` for `DC` and `E`, `UTF8String` else.
fn encode_attribute(attribute: &NameAttribute) -> Option<Vec<u8>> {
    let value = match attribute.value() {
        NameValue::Raw(der) => der.clone(),
        NameValue::Text(text) => {
            let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
            let tag = match attribute.oid() {
                DOMAIN_COMPONENT | EMAIL if text.is_ascii() => 0x16,
                "2.5.4.6" | "2.5.4.5" | "2.5.4.46" if text.bytes().all(printable) => 0x13,
                _ => 0x0c,
            };
            der::tlv(tag, text.as_bytes())
        }
    };
    Some(der::sequence(&[&der::oid(attribute.oid())?, &value]))
}

/// Reads the names inside a `DistributionPoint` list that are URIs (RFC 5280 section 4.2.1.13).
pub(super) fn read_distribution_points(der: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut urls = Vec::new();
    let mut points = der::only(der, der::SEQUENCE)?.inside();
    while !points.is_empty() {
        let mut point = points.expect(der::SEQUENCE)?.inside();
        let Some(name) = point.optional(0xa0)? else { continue };
        let mut name: Reader<'_> = name.inside();
        let Some(full) = name.optional(0xa0)? else { continue };
        let mut full = full.inside();
        while !full.is_empty() {
            if let AlternativeName::Uri(url) = read_general_name(full.any()?)? {
                urls.push(url);
            }
        }
    }
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::parse_rdns;

    #[test]
    fn names_read_back_from_der() {
        let text = "CN=pool01.contoso.net, OU=A + OU=B, OU=C, O=Contöso, DC=contoso, DC=net, C=US";
        let name = encode_name(&parse_rdns(text).unwrap()).unwrap();
        assert_eq!(name.to_string(), text);
        assert_eq!(name.common_name(), Some("pool01.contoso.net"));
    }

    #[test]
    fn bad_strings_are_refused() {
        let step = |value: &[u8]| {
            let pair = der::sequence(&[&der::oid("2.5.4.3").unwrap(), value]);
            der::sequence(&[&der::tlv(der::SET, &pair)])
        };
        assert!(read_name(&step(&der::tlv(0x0c, b"ok"))).is_ok());
        for bad in
            [der::tlv(0x0c, &[0xff]), der::tlv(0x1e, &[0]), der::tlv(0x1c, &[0, 1, 2]), der::tlv(0x1e, &[0xd8, 0])]
        {
            assert!(read_name(&step(&bad)).is_err(), "{bad:?}");
        }
        assert!(read_name(&der::sequence(&[&der::tlv(der::SET, &[])])).is_err());
    }

    #[test]
    fn general_names_read_back() {
        let names = vec![
            AlternativeName::Dns("a.example".into()),
            AlternativeName::host("192.0.2.1"),
            AlternativeName::host("2001:db8::1"),
            AlternativeName::Email("a@b".into()),
            AlternativeName::Uri("http://x/".into()),
            AlternativeName::Upn("üser@contoso.net".into()),
            AlternativeName::Directory(encode_name(&parse_rdns("CN=x").unwrap()).unwrap()),
            AlternativeName::Other(der::tlv(0x88, &[0x2a])),
        ];
        assert_eq!(read_general_names(&encode_general_names(&names).unwrap()).unwrap(), names);
        assert!(encode_general_names(&[AlternativeName::Dns("ü".into())]).is_none());
        for bad in [der::tlv(0x82, b"a\0b"), der::tlv(0x87, &[1, 2, 3]), der::tlv(0x82, b"")] {
            assert!(read_general_names(&der::sequence(&[&bad])).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_encoding(value in "\\PC{0,80}") {
            let rdns = vec![vec![NameAttribute::new("2.5.4.10", value)]];
            let name = encode_name(&rdns).unwrap();
            prop_assert_eq!(name.rdns(), &rdns[..]);
        }
    }
}
