//! Computed and actual alternative names compared, one by one.

use super::{ComputedName, ComputedNames};
use crate::model::{HostName, RequestedName};

/// What a certificate lacks and what nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameDifference {
    /// Computed names that the certificate does not cover, in the computed order.
    pub missing: Vec<MissingName>,
    /// Names of the certificate that no rule asks for and that cover nothing computed.
    pub unexpected: Vec<String>,
}

impl NameDifference {
    /// Whether computed and actual are the same, wildcards where they may be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

/// A name that a certificate lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingName {
    /// The name.
    pub name: RequestedName,
    /// The rules that ask for it, in words.
    pub reason: String,
}

/// Compares what was computed with the alternative names of a certificate, given as host names and addresses in text.
///
/// A wildcard counts only for names whose every rule allows it: simple URLs and autodiscover names of the
/// built-in uses, and the names of a topology's own use that says so. An entry that is no host name is unexpected.
pub fn difference<S: AsRef<str>>(computed: &ComputedNames, actual: &[S]) -> NameDifference {
    let actual: Vec<(&str, Option<RequestedName>)> =
        actual.iter().map(|text| (text.as_ref(), text.as_ref().parse().ok())).collect();
    let covered = |wanted: &ComputedName| actual.iter().flat_map(|(_, name)| name).any(|name| covers(name, wanted));
    let missing = computed.names.iter().filter(|wanted| !covered(wanted));
    let missing = missing.map(|wanted| MissingName { name: wanted.name.clone(), reason: wanted.reason() }).collect();
    let expected = |name: &Option<RequestedName>| {
        name.as_ref().is_some_and(|n| computed.names.iter().any(|wanted| covers(n, wanted)))
    };
    let unexpected = actual.iter().filter(|(_, name)| !expected(name)).map(|(text, _)| (*text).to_owned()).collect();
    NameDifference { missing, unexpected }
}

fn covers(actual: &RequestedName, wanted: &ComputedName) -> bool {
    if *actual == wanted.name {
        return true;
    }
    let names: Option<(&HostName, &HostName)> = actual.dns().zip(wanted.name.dns());
    wanted.wildcard && names.is_some_and(|(actual, wanted)| actual.covers(wanted))
}
