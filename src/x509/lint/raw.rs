//! The elements of a certificate as they are encoded, where the parsed facts say too little.

use crate::x509::der::{self, Malformed, Reader};

/// The fields of the signed part.
pub(super) struct Raw<'a> {
    /// Content of the INTEGER.
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) not_before: Time<'a>,
    pub(super) not_after: Time<'a>,
    pub(super) subject: &'a [u8],
    pub(super) spki: &'a [u8],
    pub(super) has_unique_ids: bool,
    pub(super) extensions: Vec<Extension<'a>>,
}

/// A moment as encoded.
pub(super) struct Time<'a> {
    /// Whether it is a `UTCTime`, with two digits for the year.
    pub(super) is_utc: bool,
    pub(super) content: &'a [u8],
}

/// An extension as encoded.
pub(super) struct Extension<'a> {
    pub(super) oid: String,
    pub(super) critical: bool,
    /// Whether `FALSE` was written, which is the default and must be left away.
    pub(super) writes_default: bool,
    pub(super) value: &'a [u8],
}

const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;

impl<'a> Raw<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut tbs = der::only(bytes, der::SEQUENCE)?.inside().expect(der::SEQUENCE)?.inside();
        tbs.optional(0xa0)?;
        let serial = tbs.expect(der::INTEGER)?.content;
        tbs.expect(der::SEQUENCE)?;
        let issuer = tbs.expect(der::SEQUENCE)?.whole;
        let mut validity = tbs.expect(der::SEQUENCE)?.inside();
        let (not_before, not_after) = (Time::of(&mut validity)?, Time::of(&mut validity)?);
        let subject = tbs.expect(der::SEQUENCE)?.whole;
        let spki = tbs.expect(der::SEQUENCE)?.whole;
        let mut raw = Self {
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            has_unique_ids: false,
            extensions: Vec::new(),
        };
        while !tbs.is_empty() {
            let part = tbs.any()?;
            match part.tag {
                0xa3 => raw.extensions = extensions(part.inside())?,
                _ => raw.has_unique_ids = true,
            }
        }
        Ok(raw)
    }

    pub(super) fn extension(&self, oid: &str) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }
}

impl<'a> Time<'a> {
    fn of(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let time = reader.any()?;
        Ok(Self { is_utc: time.tag == UTC_TIME, content: time.content })
    }
}

fn extensions(mut outer: Reader<'_>) -> Result<Vec<Extension<'_>>, Malformed> {
    let mut list = outer.expect(der::SEQUENCE)?.inside();
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut one = list.expect(der::SEQUENCE)?.inside();
        let oid = der::oid_text(one.expect(der::OID)?.content).ok_or(Malformed("an identifier is malformed"))?;
        let flag = one.optional(BOOLEAN)?.map(|flag| flag.content != [0]);
        let value = one.expect(der::OCTET_STRING)?.content;
        found.push(Extension { oid, critical: flag == Some(true), writes_default: flag == Some(false), value });
    }
    Ok(found)
}
