//! What a certificate serves, as rows of data: the built-in uses and those of a topology.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{NamePattern, Role, nearest};
use crate::error::{Error, ErrorId, Result};

/// The name of a use, `WebServicesInternal`; comparison and hash ignore the case of ASCII letters.
///
/// A name is only a word: [`Uses::find`] says whether it is known and gives the canonical spelling.
#[derive(Clone)]
pub struct UseName(Arc<str>);

impl UseName {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UseName {
    type Err = Error;

    /// Reads a word of letters, digits, `-` and `_`, at most 64 characters.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !word || text.is_empty() || text.len() > 64 {
            let message = format!("`{text}` is no name of a use: letters, digits, `-` and `_`, at most 64");
            return Err(Error::new(ErrorId::CannotConvertArgument, message).about(text));
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for UseName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for UseName {}

impl Hash for UseName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for UseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for UseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for UseName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UseName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A use: what a certificate serves, where it is valid, which names and properties it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The canonical spelling.
    pub name: UseName,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// Whether it is a row of the built-in table; otherwise the topology declares it.
    pub is_builtin: bool,
    /// The roles that have it; a pool may list further uses of its own.
    pub roles: Vec<Role>,
    /// Where its assignment is kept unless the operator says otherwise.
    pub scope: UseScope,
    /// Exists in the hosted product only.
    pub online_only: bool,
    /// Whether a new certificate may be staged beside the current one (`-Roll`).
    pub supports_roll: bool,
    /// Hours before the end of the current certificate at which a staged one must have taken over: what was
    /// signed with the old one lives so long.
    pub roll_lead_hours: u32,
    /// The web site that normally serves it: `Lync Server External Web Site`.
    pub web_site: Option<String>,
    /// Which names it asks for; the first row that fits the pool's role counts.
    pub names: Vec<NamesRow>,
    /// What a certificate must be like.
    pub needs: Needs,
}

impl Use {
    /// The names row for a role.
    #[must_use]
    pub fn names_for(&self, role: Role) -> Option<&NamesRow> {
        self.names.iter().find(|row| row.roles.is_empty() || row.roles.contains(&role))
    }
}

/// Where an assignment is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseScope {
    /// On each computer for itself.
    Local,
    /// Once for all computers: the key travels.
    Global,
}

/// The names that a use asks for on some roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesRow {
    /// The roles for which it holds; empty means all.
    pub roles: Vec<Role>,
    /// Where the common name comes from when the use is requested alone.
    pub subject: NamePattern,
    /// The same when it is requested with other uses; such a row has precedence over one without.
    pub joined_subject: Option<NamePattern>,
    /// Whether the subject stands among the alternative names too, as RFC 9525 clients need it.
    pub repeat_subject: bool,
    /// The alternative names.
    pub names: Vec<NameRule>,
}

/// One alternative name, or one for each SIP domain and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// Where it comes from.
    pub pattern: NamePattern,
    /// Asked for only under this condition.
    pub condition: Option<NameCondition>,
    /// Whether a wildcard in the certificate is as good.
    pub wildcard: bool,
}

/// When a name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameCondition {
    /// All SIP domains were asked for, or the topology has `autodiscover_by_default`.
    Autodiscover,
    /// The topology has `sipinternal_dns`.
    SipInternalDns,
}

/// What a certificate must be like to serve a use.
#[expect(clippy::struct_excessive_bools, reason = "each is a need of its own, named as in the file")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Extended key usages that must all be allowed, as dotted object identifiers.
    pub eku: Vec<String>,
    /// Keys that may be used: one of the rules must fit; empty means any.
    pub keys: Vec<KeyRule>,
    /// Further keys that one version of the product takes with a warning.
    pub tolerated_keys: Option<ToleratedKeys>,
    /// Whether a wildcard may cover a name that the use asks for.
    pub wildcard: bool,
    /// The roots that the clients of the use have.
    pub chain_to: ChainTo,
    /// Whether a CRL distribution point must be there.
    pub cdp: bool,
    /// Whether a signature or key of the kind RSASSA-PSS is refused.
    pub no_pss: bool,
    /// Whether the key must be exportable, because all members of a pool share it.
    pub exportable: bool,
}

/// Keys that are only warned of in one version of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToleratedKeys {
    /// The topology's version, 2013.
    pub version: u16,
    /// The rules: one of them must fit.
    pub keys: Vec<KeyRule>,
}

/// How a key fits the rules of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFit {
    /// A rule allows it.
    Good,
    /// It is tolerated in the topology's version.
    Tolerated,
    /// No rule allows it.
    Refused,
}

impl Needs {
    /// How a key of this family and size fits, in a topology of this version.
    #[must_use]
    pub fn key_fit(&self, is_elliptic: bool, bits: u32, version: Option<u16>) -> KeyFit {
        let allows = |rules: &[KeyRule]| rules.iter().any(|rule| rule.allows(is_elliptic, bits));
        if self.keys.is_empty() || allows(&self.keys) {
            return KeyFit::Good;
        }
        match &self.tolerated_keys {
            Some(old) if version == Some(old.version) && allows(&old.keys) => KeyFit::Tolerated,
            _ => KeyFit::Refused,
        }
    }

    /// The rules for keys as they are written: `RSA>=2048, ECDSA`.
    #[must_use]
    pub fn key_rules(&self) -> String {
        self.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Against which roots a chain is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChainTo {
    /// Those of `[trust]` in the configuration.
    #[default]
    Configured,
    /// Those of the operating system.
    System,
    /// Those in a PEM file.
    File(std::path::PathBuf),
}

/// A kind of key that a use accepts: `RSA>=2048`, `RSA=1024`, `ECDSA`, `ECDSA=384`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRule {
    /// An elliptic-curve key of any size.
    AnyEcdsa,
    /// An elliptic-curve key of so many bits.
    Ecdsa(u32),
    /// An RSA key of any size.
    AnyRsa,
    /// An RSA key of exactly so many bits.
    Rsa(u32),
    /// An RSA key of at least so many bits.
    RsaAtLeast(u32),
}

impl KeyRule {
    /// Whether a key of this family and size is accepted.
    #[must_use]
    pub fn allows(self, is_elliptic: bool, bits: u32) -> bool {
        match self {
            Self::AnyEcdsa => is_elliptic,
            Self::Ecdsa(size) => is_elliptic && bits == size,
            Self::AnyRsa => !is_elliptic,
            Self::Rsa(size) => !is_elliptic && bits == size,
            Self::RsaAtLeast(size) => !is_elliptic && bits >= size,
        }
    }
}

impl FromStr for KeyRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let size = |prefix: &str| word.strip_prefix(prefix).and_then(|bits| bits.parse::<u32>().ok());
        let rule = match word.as_str() {
            "ECDSA" => Some(Self::AnyEcdsa),
            "RSA" => Some(Self::AnyRsa),
            _ => {
                size("RSA>=").map(Self::RsaAtLeast).or(size("RSA=").map(Self::Rsa)).or(size("ECDSA=").map(Self::Ecdsa))
            }
        };
        rule.ok_or_else(|| {
            let message =
                format!("`{text}` is no rule for keys: write `ECDSA`, `ECDSA=384`, `RSA`, `RSA>=2048` or `RSA=4096`");
            Error::new(ErrorId::CannotConvertArgument, message).about(text)
        })
    }
}

impl fmt::Display for KeyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyEcdsa => f.write_str("ECDSA"),
            Self::Ecdsa(bits) => write!(f, "ECDSA={bits}"),
            Self::AnyRsa => f.write_str("RSA"),
            Self::Rsa(bits) => write!(f, "RSA={bits}"),
            Self::RsaAtLeast(bits) => write!(f, "RSA>={bits}"),
        }
    }
}

/// All uses that are valid here: the built-in table, then the topology's own, each in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses(Vec<Use>);

impl Uses {
    /// Takes the rows in their order; of two with one name the first counts.
    #[must_use]
    pub fn new(rows: Vec<Use>) -> Self {
        let mut kept: Vec<Use> = Vec::with_capacity(rows.len());
        for row in rows {
            if !kept.iter().any(|u| u.name == row.name) {
                kept.push(row);
            }
        }
        Self(kept)
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Use> {
        self.0.iter()
    }

    /// The row of a name.
    #[must_use]
    pub fn get(&self, name: &UseName) -> Option<&Use> {
        self.0.iter().find(|u| u.name == *name)
    }

    /// The row of a word that an operator wrote, letters' case aside.
    ///
    /// # Errors
    /// `CannotConvertArgument` that lists the valid names, the topology's own apart, and the nearest one.
    pub fn find(&self, word: &str) -> Result<&Use> {
        let word = word.trim();
        if let Some(known) = self.0.iter().find(|u| u.name.as_str().eq_ignore_ascii_case(word)) {
            return Ok(known);
        }
        let list = |builtin: bool| {
            let names: Vec<String> =
                self.0.iter().filter(|u| u.is_builtin == builtin).map(|u| format!("`{}`", u.name)).collect();
            names.join(", ")
        };
        let own = match list(false) {
            own if own.is_empty() => "the topology declares none of its own".to_owned(),
            own => format!("declared by the topology: {own}"),
        };
        let message = format!("`{word}` is no use; built in: {}; {own}", list(true));
        let error = Error::new(ErrorId::CannotConvertArgument, message).about(word);
        Err(match nearest(word, self.0.iter().map(|u| u.name.as_str())) {
            Some(name) => error.hint(format!("did you mean `{name}`?")),
            None => error,
        })
    }

    /// Reads words that may each be a comma list, drops repetitions and brings them into the table's order.
    ///
    /// # Errors
    /// As [`Uses::find`].
    pub fn find_all<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Vec<UseName>> {
        let mut found: Vec<UseName> = Vec::new();
        for word in words.into_iter().flat_map(|w| w.split(',')) {
            let name = &self.find(word)?.name;
            if !found.contains(name) {
                found.push(name.clone());
            }
        }
        found.sort_by_key(|name| self.position(name));
        Ok(found)
    }

    /// The place of a use in the order of records; unknown ones come last.
    #[must_use]
    pub fn position(&self, name: &UseName) -> usize {
        self.0.iter().position(|u| u.name == *name).unwrap_or(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_rules_read_back() {
        for text in ["ECDSA", "ECDSA=384", "RSA", "RSA=1024", "RSA>=2048"] {
            assert_eq!(text.parse::<KeyRule>().unwrap().to_string(), text);
        }
        for text in ["", "DSA", "RSA>2048", "RSA>=", "RSA>=99999999999"] {
            assert!(text.parse::<KeyRule>().is_err(), "{text}");
        }
        assert!("rsa >= 2048".parse::<KeyRule>().unwrap().allows(false, 3072));
        assert!(!KeyRule::RsaAtLeast(2048).allows(true, 4096));
        assert!(KeyRule::Ecdsa(384).allows(true, 384) && !KeyRule::Ecdsa(384).allows(true, 256));
    }
}
