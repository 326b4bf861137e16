//! The extensions that certlet understands, in certificates and in requests.

use std::collections::HashSet;

use x509_parser::extensions::{ParsedExtension, X509Extension};

use super::der::{self, Malformed};
use super::name;
use crate::model::{AlternativeName, ExtensionEntry, KeyUsage, Purpose};

pub(super) const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
pub(super) const KEY_USAGE: &str = "2.5.29.15";
pub(super) const ALTERNATIVE_NAMES: &str = "2.5.29.17";
pub(super) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(super) const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub(super) const CRL_POINTS: &str = "2.5.29.31";
pub(super) const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
pub(super) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub(super) const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
pub(super) const ACME_IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";

/// What the known extensions say.
#[derive(Clone, Debug, Default)]
pub(super) struct ExtensionFacts {
    pub(super) alternative_names: Vec<AlternativeName>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) purposes: Option<Vec<Purpose>>,
    pub(super) is_ca: bool,
    pub(super) path_len: Option<u32>,
    pub(super) crl_urls: Vec<String>,
    pub(super) must_staple: bool,
    pub(super) has_acme_identifier: bool,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    /// The value as encoded.
    pub(super) name_constraints: Option<Vec<u8>>,
    pub(super) entries: Vec<ExtensionEntry>,
}

/// Reads a list of extensions; duplicates and malformed known ones are refused, with the reason.
pub(super) fn read(extensions: &[X509Extension<'_>]) -> Result<ExtensionFacts, String> {
    let mut facts = ExtensionFacts::default();
    let mut seen = HashSet::new();
    for extension in extensions {
        let oid = extension.oid.to_id_string();
        if !seen.insert(oid.clone()) {
            return Err(format!("it holds the extension `{oid}` twice"));
        }
        take(&mut facts, &oid, extension).map_err(|e| format!("its extension `{oid}` is malformed: {e}"))?;
        facts.entries.push(ExtensionEntry { oid, critical: extension.critical });
    }
    Ok(facts)
}

fn take(facts: &mut ExtensionFacts, oid: &str, extension: &X509Extension<'_>) -> Result<(), Malformed> {
    let value = extension.value;
    match oid {
        ALTERNATIVE_NAMES => facts.alternative_names = name::read_general_names(value)?,
        CRL_POINTS => facts.crl_urls = name::read_distribution_points(value)?,
        EXTENDED_KEY_USAGE => facts.purposes = Some(read_purposes(value)?),
        SUBJECT_KEY_IDENTIFIER => {
            facts.subject_key_identifier = Some(der::only(value, der::OCTET_STRING)?.content.to_vec());
        }
        TLS_FEATURE => facts.must_staple = read_features(value)?,
        ACME_IDENTIFIER => facts.has_acme_identifier = true,
        KEY_USAGE => {
            der::only(value, der::BIT_STRING)?;
            let ParsedExtension::KeyUsage(usage) = extension.parsed_extension() else { return Err(UNREADABLE) };
            facts.key_usage = Some(KeyUsage::from_bits(usage.flags));
        }
        BASIC_CONSTRAINTS => {
            der::only(value, der::SEQUENCE)?;
            let ParsedExtension::BasicConstraints(constraints) = extension.parsed_extension() else {
                return Err(UNREADABLE);
            };
            (facts.is_ca, facts.path_len) = (constraints.ca, constraints.path_len_constraint);
        }
        AUTHORITY_KEY_IDENTIFIER => {
            der::only(value, der::SEQUENCE)?;
            let ParsedExtension::AuthorityKeyIdentifier(identifier) = extension.parsed_extension() else {
                return Err(UNREADABLE);
            };
            facts.authority_key_identifier = identifier.key_identifier.as_ref().map(|k| k.0.to_vec());
        }
        NAME_CONSTRAINTS => {
            der::only(value, der::SEQUENCE)?;
            if !matches!(extension.parsed_extension(), ParsedExtension::NameConstraints(_)) {
                return Err(UNREADABLE);
            }
            facts.name_constraints = Some(value.to_vec());
        }
        _ => {}
    }
    Ok(())
}

const UNREADABLE: Malformed = Malformed("its content cannot be read");

fn read_purposes(value: &[u8]) -> Result<Vec<Purpose>, Malformed> {
    let mut purposes = Vec::new();
    let mut reader = der::only(value, der::SEQUENCE)?.inside();
    while !reader.is_empty() {
        let oid = der::oid_text(reader.expect(der::OID)?.content).ok_or(Malformed("a purpose is malformed"))?;
        purposes.push(Purpose::from_oid(&oid));
    }
    if purposes.is_empty() {
        return Err(Malformed("the list of purposes is empty"));
    }
    Ok(purposes)
}

/// Whether feature 5, `status_request`, is asked for (RFC 7633).
fn read_features(value: &[u8]) -> Result<bool, Malformed> {
    let mut reader = der::only(value, der::SEQUENCE)?.inside();
    let mut staple = false;
    while !reader.is_empty() {
        staple |= reader.expect(der::INTEGER)?.content == [5];
    }
    Ok(staple)
}
