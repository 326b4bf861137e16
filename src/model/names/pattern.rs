//! Where a computed name comes from: `{pool}`, `sip.{domain}`, `{meet}`, or a name written out.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorId, Result};
use crate::model::HostName;

/// A pattern of names, as the rows of uses write it: an optional label, then `{source}`; or a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// `sip` of `sip.{domain}`.
    pub label: Option<String>,
    /// What stands in the braces.
    pub source: NameSource,
}

/// From which fact of the topology a name is taken; the order is that of computed names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameSource {
    /// A host name written out in the row.
    Literal(HostName),
    /// The pool's name.
    Pool,
    /// The computer's name.
    Computer,
    /// The Access Edge service's external name.
    EdgeAccess,
    /// The Web Conferencing Edge service's external name.
    EdgeData,
    /// The A/V Edge service's external name.
    EdgeAv,
    /// The SIP domains of the query: the primary one, or all.
    Domain,
    /// All SIP domains, whatever the query says.
    EveryDomain,
    /// The primary SIP domain.
    DefaultDomain,
    /// The internal web services' name; the pool's when it has no other.
    WebInternal,
    /// The external web services' name.
    WebExternal,
    /// The host of every Meet simple URL.
    Meet,
    /// The host of the Dialin simple URL.
    Dialin,
    /// The host of the Admin simple URL.
    Admin,
    /// The host of the web scheduler's simple URL.
    WebScheduler,
}

/// The words in braces.
const SOURCES: [(&str, NameSource); 14] = [
    ("pool", NameSource::Pool),
    ("computer", NameSource::Computer),
    ("edge.access", NameSource::EdgeAccess),
    ("edge.data", NameSource::EdgeData),
    ("edge.av", NameSource::EdgeAv),
    ("domain", NameSource::Domain),
    ("every_domain", NameSource::EveryDomain),
    ("default_domain", NameSource::DefaultDomain),
    ("web.internal", NameSource::WebInternal),
    ("web.external", NameSource::WebExternal),
    ("meet", NameSource::Meet),
    ("dialin", NameSource::Dialin),
    ("admin", NameSource::Admin),
    ("web_scheduler", NameSource::WebScheduler),
];

impl NamePattern {
    /// The host name, when it is written out.
    #[must_use]
    pub fn literal(&self) -> Option<&HostName> {
        match &self.source {
            NameSource::Literal(name) => Some(name),
            _ => None,
        }
    }
}

impl From<HostName> for NamePattern {
    fn from(name: HostName) -> Self {
        Self { label: None, source: NameSource::Literal(name) }
    }
}

impl FromStr for NamePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((before, rest)) = text.split_once('{') else {
            return HostName::with_underscores(text).map(Self::from);
        };
        let fail = |message: String| Error::new(ErrorId::InvalidName, message).about(text);
        let Some(word) = rest.strip_suffix('}') else {
            return Err(fail(format!("`{text}` is no pattern of names: the braces stand at its end")));
        };
        let source = SOURCES.iter().find(|(known, _)| *known == word).map(|(_, source)| source.clone());
        let source = source.ok_or_else(|| {
            let words: Vec<String> = SOURCES.iter().map(|(known, _)| format!("`{{{known}}}`")).collect();
            fail(format!("`{{{word}}}` is no source of names: there are {}", words.join(", ")))
        })?;
        let label = match before.strip_suffix('.') {
            Some(label) => Some(label.to_owned()),
            None if before.is_empty() => None,
            None => return Err(fail(format!("`{text}` is no pattern of names: a dot stands before the braces"))),
        };
        if let Some(label) = &label {
            // Checked once here, so that only the length of a whole name can fail later.
            HostName::with_underscores(&format!("{label}.a.b"))?;
        }
        Ok(Self { label, source })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            write!(f, "{label}.")?;
        }
        match &self.source {
            NameSource::Literal(name) => fmt::Display::fmt(name, f),
            source => {
                let word = SOURCES.iter().find(|(_, known)| known == source).map_or("", |(word, _)| *word);
                write!(f, "{{{word}}}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_back() {
        for (word, _) in SOURCES {
            for text in [format!("{{{word}}}"), format!("sip.{{{word}}}")] {
                assert_eq!(text.parse::<NamePattern>().unwrap().to_string(), text);
            }
        }
        assert_eq!("shop.example.com".parse::<NamePattern>().unwrap().to_string(), "shop.example.com");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in
            ["", "{", "{pool", "{pond}", "sip{domain}", "{pool}.x", "-.{pool}", ".{pool}", "a b.{pool}", "{pool}}"]
        {
            assert_eq!(text.parse::<NamePattern>().unwrap_err().id(), ErrorId::InvalidName, "{text}");
        }
    }
}
