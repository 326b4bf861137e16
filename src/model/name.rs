//! Distinguished names: the DER that counts, and the Windows text that people read.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::hex;
use crate::error::{Error, ErrorId, Result};

/// An X.501 name as a certificate carries it (RFC 5280 section 4.1.2.4).
///
/// Two names are the same when their DER is; the text is for people.
#[derive(Clone)]
pub struct DistinguishedName {
    der: Arc<[u8]>,
    rdns: Arc<[RelativeName]>,
}

/// One step of a name: one attribute, rarely several (`OU=IT + CN=x`).
pub type RelativeName = Vec<NameAttribute>;

/// An attribute of a name: `O=Contoso`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAttribute {
    oid: String,
    value: NameValue,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameValue {
    /// One of the string types, decoded.
    Text(String),
    /// Anything else, as DER.
    Raw(Vec<u8>),
}

/// Windows' short names of attribute types, and the object identifiers behind them.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("T", "2.5.4.12"),
    ("Description", "2.5.4.13"),
    ("PostalCode", "2.5.4.17"),
    ("Phone", "2.5.4.20"),
    ("G", "2.5.4.42"),
    ("I", "2.5.4.43"),
    ("dnQualifier", "2.5.4.46"),
    ("OrganizationIdentifier", "2.5.4.97"),
    ("E", "1.2.840.113549.1.9.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    // Read, never written: other programs' words for the same types.
    ("ST", "2.5.4.8"),
    ("SP", "2.5.4.8"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("Email", "1.2.840.113549.1.9.1"),
    ("GN", "2.5.4.42"),
];

/// The object identifier of the common name.
pub const COMMON_NAME: &str = "2.5.4.3";

impl DistinguishedName {
    /// Joins the DER and what was decoded from it, in the order of the DER (root first).
    pub(crate) fn from_parts(der: &[u8], rdns: Vec<RelativeName>) -> Self {
        Self { der: der.into(), rdns: rdns.into() }
    }

    /// The encoded `Name`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The steps in the order of the encoding: the most general first.
    #[must_use]
    pub fn rdns(&self) -> &[RelativeName] {
        &self.rdns
    }

    /// Whether the name has no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The most specific common name.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.texts(COMMON_NAME).last()
    }

    /// Every text of one attribute type, by its object identifier, in the order of the encoding.
    pub fn texts<'a>(&'a self, oid: &'a str) -> impl Iterator<Item = &'a str> {
        self.rdns.iter().flatten().filter(move |a| a.oid == oid).filter_map(|a| match &a.value {
            NameValue::Text(text) => Some(text.as_str()),
            NameValue::Raw(_) => None,
        })
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for DistinguishedName {}

impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Display for DistinguishedName {
    /// Windows style: most specific first, `CN=pool01.contoso.net, O="Contoso, Ltd.", C=US`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rdns(f, self.rdns.iter().rev())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

impl NameAttribute {
    /// An attribute by its object identifier and text.
    #[must_use]
    pub fn new(oid: impl Into<String>, text: impl Into<String>) -> Self {
        Self { oid: oid.into(), value: NameValue::Text(text.into()) }
    }

    /// An attribute whose value is no string.
    pub(crate) fn raw(oid: String, der: Vec<u8>) -> Self {
        Self { oid, value: NameValue::Raw(der) }
    }

    /// An attribute by its short name (`CN`, `OU`, `S`, …) or dotted object identifier.
    ///
    /// # Errors
    /// `InvalidName` when the type is unknown.
    pub fn named(kind: &str, text: impl Into<String>) -> Result<Self> {
        let dotted = kind.strip_prefix("OID.").or_else(|| kind.strip_prefix("oid.")).unwrap_or(kind);
        let oid = SHORT_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, oid)| *oid);
        let oid = oid.or_else(|| is_oid(dotted).then_some(dotted)).ok_or_else(|| {
            Error::new(ErrorId::InvalidName, format!("`{kind}` is no attribute of a distinguished name"))
                .about(kind)
                .hint("known are `CN`, `OU`, `O`, `L`, `S`, `C`, `DC`, `E`, and object identifiers such as `OID.2.5.4.17`")
        })?;
        Ok(Self::new(oid, text))
    }

    /// The attribute type as a dotted object identifier.
    #[must_use]
    pub fn oid(&self) -> &str {
        &self.oid
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &NameValue {
        &self.value
    }

    /// The short name (`CN`), or `OID.1.2.3`.
    #[must_use]
    pub fn kind(&self) -> String {
        SHORT_NAMES
            .iter()
            .find(|(_, oid)| *oid == self.oid)
            .map_or_else(|| format!("OID.{}", self.oid), |(name, _)| (*name).to_owned())
    }
}

impl fmt::Display for NameAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.kind())?;
        match &self.value {
            NameValue::Text(text) => write_quoted(f, text),
            NameValue::Raw(der) => write!(f, "#{}", hex::upper(der)),
        }
    }
}

/// Reads a name as people write it, most specific first; returns the steps in the order of the encoding.
///
/// Takes `,` or `;` between steps, `+` inside one, `"…"` with doubled quotes, and backslash escapes
/// (RFC 4514) outside quotes. `CN=pool01.contoso.net, O="Contoso, Ltd."`.
///
/// # Errors
/// `InvalidName` for an unknown attribute, a missing `=` or an open quote.
pub fn parse_rdns(text: &str) -> Result<Vec<RelativeName>> {
    let mut rdns = Vec::new();
    let mut rest = text.trim_start();
    let mut rdn = Vec::new();
    while !rest.is_empty() {
        let (kind, value) = rest.split_once('=').ok_or_else(|| malformed(text, &format!("`{rest}` has no `=`")))?;
        let (value, after) = read_value(value).ok_or_else(|| malformed(text, "a quote or an escape is not closed"))?;
        rdn.push(NameAttribute::named(kind.trim(), value)?);
        let mut left = after.chars();
        match left.next() {
            Some('+') => {}
            Some(_) => rdns.push(std::mem::take(&mut rdn)),
            None => {
                rdns.push(std::mem::take(&mut rdn));
                break;
            }
        }
        rest = left.as_str().trim_start();
        if rest.is_empty() {
            return Err(malformed(text, "it ends with a separator"));
        }
    }
    rdns.reverse();
    Ok(rdns)
}

/// Writes steps, given most specific first, as Windows does.
pub(crate) fn write_rdns<'a>(f: &mut fmt::Formatter<'_>, rdns: impl Iterator<Item = &'a RelativeName>) -> fmt::Result {
    for (i, rdn) in rdns.enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        for (j, attribute) in rdn.iter().enumerate() {
            if j > 0 {
                f.write_str(" + ")?;
            }
            fmt::Display::fmt(attribute, f)?;
        }
    }
    Ok(())
}

fn read_value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let mut value = String::new();
    if let Some(quoted) = text.strip_prefix('"') {
        let mut chars = quoted.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    chars.next();
                    value.push('"');
                }
                '"' => {
                    let after = quoted[i + 1..].trim_start();
                    return (after.is_empty() || after.starts_with([',', ';', '+'])).then_some((value, after));
                }
                c => value.push(c),
            }
        }
        return None;
    }
    let mut bytes = Vec::new();
    let mut kept = 0;
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        let mut buffer = [0; 4];
        match c {
            ',' | ';' | '+' => {
                bytes.truncate(trimmed(&bytes, kept));
                return Some((String::from_utf8(bytes).ok()?, &text[i..]));
            }
            '\\' => {
                let pair = text.get(i + 1..i + 3).and_then(hex::read);
                if let Some(pair) = pair {
                    bytes.extend(pair);
                    chars.next();
                    chars.next();
                } else {
                    bytes.extend(chars.next()?.1.encode_utf8(&mut buffer).as_bytes());
                }
                kept = bytes.len();
            }
            c => bytes.extend(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes.truncate(trimmed(&bytes, kept));
    Some((String::from_utf8(bytes).ok()?, ""))
}

/// Length without trailing blanks, but never less than what was written with an escape.
fn trimmed(bytes: &[u8], kept: usize) -> usize {
    let end = bytes.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |i| i + 1);
    end.max(kept)
}

/// Quotes as Windows does; control and direction characters become `\uXXXX`, lest a name drive a terminal.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let special = |c: char| matches!(c, ',' | '+' | '=' | '"' | '\n' | '\r' | '<' | '>' | '#' | ';' | '\\');
    let quote = text.is_empty()
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.contains(special);
    if quote {
        f.write_str("\"")?;
    }
    for c in text.chars() {
        match c {
            '"' => f.write_str("\"\"")?,
            c if is_unsafe(c) => write!(f, "\\u{:04X}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    if quote { f.write_str("\"") } else { Ok(()) }
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_oid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() >= 2 && parts.iter().all(|p| !p.is_empty() && p.len() < 16 && p.bytes().all(|b| b.is_ascii_digit()))
}

fn malformed(text: &str, reason: &str) -> Error {
    Error::new(ErrorId::InvalidName, format!("`{text}` is no distinguished name: {reason}"))
        .about(text)
        .hint("write it as `CN=pool01.contoso.net, OU=IT, O=\"Contoso, Ltd.\"`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Shown<'a>(&'a [RelativeName]);

    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_rdns(f, self.0.iter().rev())
        }
    }

    #[test]
    fn windows_and_rfc_4514_texts_are_read() {
        let rdns =
            parse_rdns(r#"CN=pool01.contoso.net, OU=IT + OU=Voice; O="Contoso, ""The"" Ltd.", ST=WA,C=US"#).unwrap();
        assert_eq!(rdns.len(), 5);
        assert_eq!(
            Shown(&rdns).to_string(),
            r#"CN=pool01.contoso.net, OU=IT + OU=Voice, O="Contoso, ""The"" Ltd.", S=WA, C=US"#
        );
        let rdns = parse_rdns(r"CN=a\, b\C3\BC\ ").unwrap();
        assert_eq!(rdns[0][0], NameAttribute::new(COMMON_NAME, "a, bü "));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["pool01", "CN=\"open", "CN=a,", "XX=a", "CN=a, b", "=a", "CN=\"a\"b", r"CN=\"] {
            assert_eq!(parse_rdns(text).unwrap_err().id(), ErrorId::InvalidName, "{text}");
        }
        assert!(parse_rdns(" ").unwrap().is_empty());
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        let shown = NameAttribute::new(COMMON_NAME, "a\u{1b}[2J\u{202e}b").to_string();
        assert_eq!(shown, "CN=a\\u001B[2J\\u202Eb");
    }

    proptest! {
        #[test]
        fn shown_names_read_back(values in prop::collection::vec("[ -~äöü€]{0,12}", 1..6), split in any::<u8>()) {
            let kinds = ["CN", "OU", "O", "L", "S", "C"];
            let mut rdns: Vec<RelativeName> = Vec::new();
            for (i, value) in values.iter().enumerate() {
                let attribute = NameAttribute::named(kinds[i], value.as_str()).unwrap();
                match rdns.last_mut() {
                    Some(last) if split >> i & 1 == 1 => last.push(attribute),
                    _ => rdns.push(vec![attribute]),
                }
            }
            prop_assert_eq!(parse_rdns(&Shown(&rdns).to_string()).unwrap(), rdns);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = parse_rdns(&text);
        }
    }
}
