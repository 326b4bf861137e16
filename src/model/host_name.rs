//! Names that a certificate may bear: host names and IP addresses.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorId, Result};

/// A DNS name as it stands in a certificate: ASCII, at most 253 characters, no final dot.
///
/// An internationalised name is held as A-labels (UTS #46, non-transitional). The spelling is kept;
/// comparison, order and hash ignore the case of ASCII letters (RFC 4343). A wildcard is one whole
/// left-most label before at least two others (RFC 9525 §6.3). IP addresses are no host names.
#[derive(Clone)]
pub struct HostName(Box<str>);

impl HostName {
    /// Reads a host name in which labels may also hold underscores, as some computers' names do.
    ///
    /// # Errors
    /// `InvalidName` with the reason.
    pub fn with_underscores(text: &str) -> Result<Self> {
        read(text).map_err(|reason| invalid(&[(text, reason)]))
    }

    /// The name as it was written, A-labels in place of others.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the left-most label is `*`.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// Whether a label holds an underscore, which public authorities refuse.
    #[must_use]
    pub fn has_underscore(&self) -> bool {
        self.0.contains('_')
    }

    /// Whether it has no dot, like `fe01`.
    #[must_use]
    pub fn is_single_label(&self) -> bool {
        !self.0.contains('.')
    }

    /// The left-most label.
    #[must_use]
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// Whether a certificate with this name is good for `other`: equal, or a wildcard over one label.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let Some(suffix) = self.0.strip_prefix("*.") else { return false };
        !other.is_wildcard() && other.0.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(suffix))
    }

    /// Whether it is `domain` or a name below it.
    #[must_use]
    pub fn is_within(&self, domain: &Self) -> bool {
        let (own, parent) = (self.0.as_bytes(), domain.0.as_bytes());
        let Some(start) = own.len().checked_sub(parent.len()) else { return false };
        own[start..].eq_ignore_ascii_case(parent) && (start == 0 || own[start - 1] == b'.')
    }

    /// The name with one more label in front: `sip` before `contoso.com`.
    ///
    /// # Errors
    /// `InvalidName` when the whole is too long.
    pub fn below(&self, label: &str) -> Result<Self> {
        Self::with_underscores(&format!("{label}.{self}"))
    }
}

impl FromStr for HostName {
    type Err = Error;

    /// Reads a host name of letters, digits and hyphens.
    fn from_str(text: &str) -> Result<Self> {
        let name = Self::with_underscores(text)?;
        if name.has_underscore() {
            return Err(invalid(&[(text, "it holds an underscore")]));
        }
        Ok(name)
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HostName {}

impl Hash for HostName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl Ord for HostName {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |name: &Self| name.0.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<u8>>();
        lower(self).cmp(&lower(other))
    }
}

impl PartialOrd for HostName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for HostName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::with_underscores(&text).map_err(serde::de::Error::custom)
    }
}

/// A name that a certificate is asked to bear: dNSName or iPAddress (RFC 5280 §4.2.1.6).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestedName {
    /// A host name, possibly a wildcard.
    Dns(HostName),
    /// An IP address.
    Ip(IpAddr),
}

impl RequestedName {
    /// Reads a comma list with optional blanks, as `-DomainName` takes it; empty entries are skipped.
    ///
    /// # Errors
    /// `InvalidName` that names every bad entry with its reason.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        Self::all(text.split(','))
    }

    /// Reads several names; underscores are let pass, see [`HostName::has_underscore`].
    ///
    /// # Errors
    /// `InvalidName` that names every bad entry with its reason.
    pub fn all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>> {
        let mut names = Vec::new();
        let mut bad = Vec::new();
        for text in texts.into_iter().map(str::trim).filter(|t| !t.is_empty()) {
            match address(text) {
                Some(address) => names.push(Self::Ip(address)),
                None => match read(text) {
                    Ok(name) => names.push(Self::Dns(name)),
                    Err(reason) => bad.push((text, reason)),
                },
            }
        }
        if bad.is_empty() { Ok(names) } else { Err(invalid(&bad)) }
    }

    /// The host name, when it is one.
    #[must_use]
    pub fn dns(&self) -> Option<&HostName> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) => None,
        }
    }
}

impl FromStr for RequestedName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        match address(text) {
            Some(address) => Ok(Self::Ip(address)),
            None => HostName::with_underscores(text).map(Self::Dns),
        }
    }
}

impl From<HostName> for RequestedName {
    fn from(name: HostName) -> Self {
        Self::Dns(name)
    }
}

impl fmt::Display for RequestedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => fmt::Display::fmt(name, f),
            Self::Ip(address) => fmt::Display::fmt(address, f),
        }
    }
}

impl fmt::Debug for RequestedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

fn invalid(bad: &[(&str, &str)]) -> Error {
    let each: Vec<String> = bad.iter().map(|(text, reason)| format!("`{text}` ({reason})")).collect();
    let target = bad.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(",");
    let verb = if bad.len() == 1 { "is no host name" } else { "are no host names" };
    Error::new(ErrorId::InvalidName, format!("{} {verb}", each.join(", "))).about(target)
}

fn read(text: &str) -> Result<HostName, &'static str> {
    let (wildcard, rest) = match text.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.contains('*') {
        return Err("a wildcard is one whole left-most label, like `*.contoso.com`");
    }
    // Before the Unicode tables, whose work grows with the text.
    if text.len() > 1024 {
        return Err("it is longer than 253 characters");
    }
    let ascii = to_ascii(rest)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    if wildcard && labels.len() < 2 {
        return Err("a wildcard stands for names of a domain, not of a single label");
    }
    for label in &labels {
        check_label(label)?;
    }
    if labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err("its last label is a number, as in an IP address");
    }
    let name = if wildcard { format!("*.{ascii}") } else { ascii };
    if name.len() > 253 {
        return Err("it is longer than 253 characters");
    }
    Ok(HostName(name.into_boxed_str()))
}

fn to_ascii(text: &str) -> Result<String, &'static str> {
    use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

    let has_a_label = text.split('.').any(|l| l.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("xn--")));
    if text.is_ascii() && !has_a_label {
        return Ok(text.to_owned());
    }
    let mapped =
        Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Ignore);
    match mapped {
        Ok(_) if text.is_ascii() => Ok(text.to_owned()),
        Ok(mapped) => Ok(mapped.into_owned()),
        Err(_) => Err("it is no internationalised name by UTS #46"),
    }
}

fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() {
        return Err("a label between its dots is empty");
    }
    if label.len() > 63 {
        return Err("a label is longer than 63 characters");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a label begins or ends with a hyphen");
    }
    if label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        Ok(())
    } else {
        Err("it holds something else than letters, digits, hyphens and dots")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    #[test]
    fn case_is_kept_and_ignored() {
        assert_eq!(name("Lyncdiscover.Contoso.com").as_str(), "Lyncdiscover.Contoso.com");
        assert_eq!(name("POOL01.contoso.net"), name("pool01.Contoso.NET"));
        let set: HashSet<HostName> = [name("a.B"), name("A.b")].into();
        assert_eq!(set.len(), 1);
        assert_eq!(name("A.b").cmp(&name("a.B")), Ordering::Equal);
    }

    #[test]
    fn idn_is_held_as_a_labels_without_transition() {
        assert_eq!(name("bücher.example").as_str(), "xn--bcher-kva.example");
        assert_eq!(name("faß.example").as_str(), "xn--fa-hia.example");
        assert_eq!(name("*.bücher.example").as_str(), "*.xn--bcher-kva.example");
        assert!("xn--a.example".parse::<HostName>().is_err(), "punycode that decodes to nothing valid");
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long = vec!["a".repeat(62); 5].join(".");
        for text in [
            "",
            ".",
            "a..b",
            "a.",
            ".a",
            "-a.com",
            "a-.com",
            "bad name!",
            "x_y..com",
            "*",
            "*.com",
            "*",
            "a.*.com",
            "f*.com",
            "**.a.com",
            "10.0.0.1",
            "1.2.3",
            "::1",
            "a/b",
            "a\0b",
            "a b",
            &long_label,
            &long,
            "x_y.com",
            "ö_.com",
            "a\u{200d}b.com",
        ] {
            assert_eq!(text.parse::<HostName>().unwrap_err().id(), ErrorId::InvalidName, "{text}");
        }
        assert!(HostName::with_underscores("x_y.com").unwrap().has_underscore());
    }

    #[test]
    fn the_longest_names_fit() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(longest.parse::<HostName>().is_ok());
        assert!(format!("{longest}b").parse::<HostName>().is_err());
    }

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        let wild = name("*.contoso.com");
        assert!(wild.covers(&name("Meet.Contoso.com")));
        for other in ["contoso.com", "a.b.contoso.com", "meet.fabrikam.com", "*.b.contoso.com"] {
            assert!(!wild.covers(&name(other)), "{other}");
        }
        assert!(wild.covers(&wild));
    }

    #[test]
    fn suffixes_end_at_dots() {
        assert!(name("fe01.contoso.net").is_within(&name("CONTOSO.net")));
        assert!(!name("fe01.notcontoso.net").is_within(&name("contoso.net")));
        assert!(!name("net").is_within(&name("contoso.net")));
    }

    #[test]
    fn a_list_names_every_bad_entry() {
        let error = RequestedName::list("bad name!, ok.contoso.com ,x_y..com").unwrap_err();
        assert_eq!(error.id(), ErrorId::InvalidName);
        assert_eq!(error.target(), Some("bad name!,x_y..com"));
        assert!(error.message().contains("`bad name!`") && error.message().contains("`x_y..com`"));
        let names = RequestedName::list(" a.contoso.com , 10.0.0.1,[2001:db8::1], fe01,").unwrap();
        assert_eq!(
            names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["a.contoso.com", "10.0.0.1", "2001:db8::1", "fe01"]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reading_is_idempotent_and_bounded(text in "\\PC{0,80}") {
            if let Ok(read) = HostName::with_underscores(&text) {
                prop_assert!(read.as_str().is_ascii() && read.as_str().len() <= 253);
                prop_assert_eq!(&HostName::with_underscores(read.as_str()).unwrap(), &read);
            }
        }

        #[test]
        fn letters_digits_and_hyphens_are_read_as_written(text in "[a-wA-W][a-z0-9]{0,20}(\\.[a-w]([a-z0-9]{0,10}[a-z])?){0,4}") {
            let read = text.parse::<HostName>().unwrap();
            prop_assert_eq!(read.as_str(), text.as_str());
        }
    }
}
