//! Each rule on a certificate that breaks it, and on one that keeps it.

use super::*;
use crate::model::{AlternativeName, KeyAlgorithm, KeyUsage, parse_rdns};
use crate::x509::issue::tests::{at, request, root};
use crate::x509::key::tests::{P256, RSA};
use crate::x509::{
    AuthorityProfile, Issuer, NameConstraints, PrivateKey, Profile, der, extensions as ids, issue, parse_certificate,
};

const PUBLIC: LintContext = LintContext { is_public: true, wants_crl: false };
const PRIVATE: LintContext = LintContext { is_public: false, wants_crl: false };

/// A certificate that keeps every rule, but for what is changed.
fn leaf(change: impl FnOnce(&mut Profile)) -> Certificate {
    leaf_of(&P256, change)
}

fn leaf_of(key: &PrivateKey, change: impl FnOnce(&mut Profile)) -> Certificate {
    let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
    let mut profile = Profile::server(at("2024-01-01"), at("2024-12-01"));
    profile.crl_urls = vec!["http://pki.contoso.net/ca.crl".into()];
    change(&mut profile);
    let asked = request(key, "CN=a.contoso.net", &["a.contoso.net"]);
    issue(&asked, &Issuer { certificate: &authority, signer: &*P256 }, &profile).unwrap()
}

/// The elements of a certificate's signed part, to be put together otherwise; signatures are not looked at.
struct Parts(Vec<Vec<u8>>, Vec<u8>);

const SERIAL: usize = 1;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const SPKI: usize = 6;
const EXTENSIONS: usize = 7;

impl Parts {
    fn of(certificate: &Certificate) -> Self {
        let mut outer = der::only(certificate.der(), der::SEQUENCE).unwrap().inside();
        let mut tbs = outer.any().unwrap().inside();
        let parts = std::iter::from_fn(|| tbs.any().ok().map(|part| part.whole.to_vec())).collect();
        Self(parts, [outer.any().unwrap().whole, outer.any().unwrap().whole].concat())
    }

    fn certificate(&self) -> Certificate {
        parse_certificate(&der::sequence(&[&der::tlv(der::SEQUENCE, &self.0.concat()), &self.1])).unwrap()
    }

    /// Each extension as encoded, without the brackets around the list.
    fn extensions(&self) -> Vec<Vec<u8>> {
        let mut list = der::only(&self.0[EXTENSIONS], 0xa3).unwrap().inside().any().unwrap().inside();
        std::iter::from_fn(|| list.any().ok().map(|one| one.whole.to_vec())).collect()
    }

    fn with_extensions(mut self, list: &[Vec<u8>]) -> Certificate {
        self.0[EXTENSIONS] = der::tlv(0xa3, &der::tlv(der::SEQUENCE, &list.concat()));
        self.certificate()
    }
}

fn extension(oid: &str, critical: Option<bool>, value: &[u8]) -> Vec<u8> {
    let flag = critical.map_or(Vec::new(), |critical| vec![1, 1, if critical { 0xff } else { 0 }]);
    der::sequence(&[&der::oid(oid).unwrap(), &flag, &der::tlv(der::OCTET_STRING, value)])
}

/// The certificate with one extension in place of another, or beside all; `None` takes it away.
fn with(certificate: &Certificate, oid: &str, other: Option<Vec<u8>>) -> Certificate {
    let parts = Parts::of(certificate);
    let encoded = der::oid(oid).unwrap();
    let mut list = parts.extensions();
    list.retain(|one| !one.windows(encoded.len()).any(|w| w == encoded));
    list.extend(other);
    parts.with_extensions(&list)
}

fn value_of(certificate: &Certificate, oid: &str) -> Vec<u8> {
    Raw::of(certificate.der()).unwrap().extension(oid).unwrap().value.to_vec()
}

fn changed(certificate: &Certificate, part: usize, encoded: Vec<u8>) -> Certificate {
    let mut parts = Parts::of(certificate);
    parts.0[part] = encoded;
    parts.certificate()
}

fn rules(certificate: &Certificate, context: LintContext) -> Vec<(&'static str, Severity)> {
    lint(certificate, context).into_iter().map(|lint| (lint.rule, lint.severity)).collect()
}

/// Fails unless exactly one rule is broken, with this severity.
#[track_caller]
fn breaks(certificate: &Certificate, context: LintContext, rule: &str, severity: Severity) {
    let found = lint(certificate, context);
    let of_rule: Vec<&Lint> = found.iter().filter(|lint| lint.rule == rule).collect();
    assert!(of_rule.len() == 1 && of_rule[0].severity == severity, "{rule}: {found:#?}");
    let others: Vec<&Lint> = found.iter().filter(|l| l.rule != rule && l.severity == Severity::Error).collect();
    assert!(others.is_empty(), "beside {rule}: {others:#?}");
}

use Severity::{Error, Info, Warning};

#[test]
fn what_is_issued_here_keeps_every_rule() {
    let limits = AuthorityProfile {
        path_len: Some(0),
        constraints: Some(NameConstraints { dns: vec!["contoso.net".into()], networks: Vec::new() }),
    };
    let mut profile = Profile::authority(at("2024-01-01"), at("2034-01-01"), limits);
    profile.subject = Some(parse_rdns("CN=contoso-CA, DC=contoso, DC=net").unwrap());
    for key in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521, KeyAlgorithm::Rsa(2048)] {
        let key = PrivateKey::generate(key).unwrap();
        let authority = crate::x509::self_signed(&key, &profile).unwrap();
        assert_eq!(rules(&authority, PRIVATE), []);
        assert_eq!(rules(&leaf_of(&key, |_| ()), PRIVATE), []);
    }
}

#[test]
fn fields() {
    let good = leaf(|_| ());
    breaks(&changed(&good, SERIAL, vec![2, 1, 0]), PRIVATE, "serial-positive", Error);
    breaks(&changed(&good, SERIAL, vec![2, 9, 0, 1, 1, 1, 1, 1, 1, 1, 1]), PRIVATE, "serial-encoding", Error);
    breaks(&changed(&good, SERIAL, [vec![2, 21, 0, 0x80], vec![1; 19]].concat()), PRIVATE, "serial-length", Error);
    breaks(&changed(&good, SERIAL, vec![2, 1, 7]), PRIVATE, "serial-entropy", Info);
    let own = root(&*P256, "CN=CA", AuthorityProfile::default());
    breaks(&changed(&own, SERIAL, vec![2, 1, 0x80]), PRIVATE, "serial-positive", Warning);
    breaks(&changed(&own, SERIAL, vec![2, 1, 0]), PRIVATE, "serial-positive", Warning);

    let mut parts = Parts::of(&good);
    parts.0.insert(EXTENSIONS, der::tlv(0x81, &[0, 1]));
    breaks(&parts.certificate(), PRIVATE, "unique-identifiers", Error);

    let mut old = Parts::of(&good);
    old.0.remove(EXTENSIONS);
    old.0.remove(0);
    let found = rules(&old.certificate(), PRIVATE);
    assert!(found.contains(&("version", Error)) && found.contains(&("san-present", Error)), "{found:?}");

    let mut parts = Parts::of(&good);
    let sha1 = der::sequence(&[&der::oid("1.2.840.10045.4.1").unwrap()]);
    parts.0[2].clone_from(&sha1);
    let rest = der::only(&der::sequence(&[&parts.1]), der::SEQUENCE).unwrap().inside().any().map(|a| a.whole.len());
    parts.1 = [&sha1, &parts.1[rest.unwrap()..]].concat();
    breaks(&parts.certificate(), PRIVATE, "signature-algorithm", Error);
}

#[test]
fn validity() {
    let utc = |text: &str| der::tlv(0x17, text.as_bytes());
    let general = |text: &str| der::tlv(0x18, text.as_bytes());
    let good = leaf(|_| ());
    let between = |a: Vec<u8>, b: Vec<u8>| changed(&good, VALIDITY, der::sequence(&[&a, &b]));
    breaks(&between(general("20240101000000Z"), utc("241201000000Z")), PRIVATE, "time-encoding", Error);
    breaks(&between(utc("241201000000Z"), utc("240101000000Z")), PRIVATE, "validity-order", Error);
    assert_eq!(rules(&between(utc("490101000000Z"), general("20500101000000Z")), PRIVATE), []);
    assert!(rules(&between(utc("240101000000Z"), general("99991231235959Z")), PRIVATE).contains(&("no-end", Info)));

    let lives = |from: &str, days: i64| {
        leaf(|profile| {
            profile.not_before = at(from);
            profile.not_after = at(from).plus_days(days).plus_seconds(-1);
        })
    };
    let length = |certificate: &Certificate, context: LintContext| {
        rules(certificate, context).into_iter().find(|(rule, _)| *rule == "validity-length").map(|(_, s)| s)
    };
    assert_eq!(length(&lives("2024-01-01", 398), PRIVATE), None);
    assert_eq!(length(&lives("2024-01-01", 399), PRIVATE), Some(Info));
    assert_eq!(length(&lives("2024-01-01", 826), PRIVATE), Some(Info));
    for (from, most) in [("2024-01-01", 398), ("2026-03-15", 200), ("2027-03-15", 100), ("2029-03-15", 47)] {
        assert_eq!(length(&lives(from, most), PUBLIC), None, "{from}");
        assert_eq!(length(&lives(from, most + 1), PUBLIC), Some(Error), "{from}");
    }
}

#[test]
fn keys() {
    let good = leaf_of(&RSA, |_| ());
    // The exponent 65537 stands at the very end.
    let spki = Parts::of(&good).0[SPKI].clone();
    assert!(spki.ends_with(&[2, 3, 1, 0, 1]));
    let key = |octets: usize, exponent: &[u8]| {
        let mut outer = der::only(&spki, der::SEQUENCE).unwrap().inside();
        let algorithm = outer.any().unwrap().whole;
        let modulus = der::tlv(der::INTEGER, &[&[0, 0xc5][..], &vec![0x35; octets - 1]].concat());
        let key = der::sequence(&[&modulus, &der::tlv(der::INTEGER, exponent)]);
        let bits = [&[0][..], &key].concat();
        changed(&good, SPKI, der::sequence(&[algorithm, &der::tlv(der::BIT_STRING, &bits)]))
    };
    assert_eq!(rules(&key(256, &[1, 0, 1]), PRIVATE), []);
    breaks(&key(128, &[1, 0, 1]), PRIVATE, "key-strength", Error);
    let odd = |exponent: &[u8]| key(256, exponent);
    breaks(&odd(&[1, 0, 2]), PRIVATE, "key-exponent", Error);
    breaks(&odd(&[1]), PRIVATE, "key-exponent", Error);
    breaks(&odd(&[3]), PRIVATE, "key-exponent", Warning);
}

#[test]
fn key_usages() {
    let good = leaf(|_| ());
    // BIT STRING: unused bits, then the bits from the left.
    let usage = |bits: u8, unused: u8| {
        with(&good, ids::KEY_USAGE, Some(extension(ids::KEY_USAGE, Some(true), &[3, 2, unused, bits])))
    };
    breaks(&usage(0x84, 2), PRIVATE, "key-usage-ca", Error);
    breaks(&usage(0x82, 1), PRIVATE, "key-usage-crl", Warning);
    breaks(&usage(0xa0, 5), PRIVATE, "key-usage-elliptic", Error);
    breaks(&usage(0x81, 0), PRIVATE, "key-usage-agreement", Warning);
    breaks(&usage(0x08, 3), PRIVATE, "key-usage-server", Error);
    let empty = with(&good, ids::KEY_USAGE, Some(extension(ids::KEY_USAGE, Some(true), &[3, 1, 0])));
    assert!(rules(&empty, PRIVATE).contains(&("key-usage-empty", Error)));
    let lax = with(&good, ids::KEY_USAGE, Some(extension(ids::KEY_USAGE, None, &[3, 2, 7, 0x80])));
    breaks(&lax, PRIVATE, "key-usage-critical", Warning);
    let rsa = leaf_of(&RSA, |profile| {
        profile.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT);
    });
    breaks(&rsa, PRIVATE, "key-usage-rsa", Warning);

    let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
    breaks(&with(&authority, ids::KEY_USAGE, None), PRIVATE, "key-usage-present", Warning);
    let weak = with(&authority, ids::KEY_USAGE, Some(extension(ids::KEY_USAGE, Some(true), &[3, 2, 7, 0x80])));
    let found = rules(&weak, PRIVATE);
    assert!(found.contains(&("key-usage-ca", Error)) && found.contains(&("path-length", Error)), "{found:?}");
}

#[test]
fn alternative_names() {
    let named = |names: &[&str]| {
        leaf(|profile| {
            profile.alternative_names = Some(names.iter().map(|n| AlternativeName::Dns((*n).into())).collect());
        })
    };
    let cn = "a.contoso.net";
    for (name, rule, severity) in [
        ("10.0.0.1", "san-host", Error),
        ("a..b", "san-host", Error),
        ("bad name", "san-host", Error),
        (" ", "san-host", Error),
        ("f*.contoso.net", "san-wildcard", Error),
        ("*.*.contoso.net", "san-wildcard", Error),
        ("*.net", "san-wildcard", Warning),
        ("my_host.contoso.net", "san-underscore", Warning),
        (cn, "san-duplicate", Info),
    ] {
        breaks(&named(&[cn, name]), PRIVATE, rule, severity);
    }
    let long = format!("{}.contoso.net", "a".repeat(64));
    breaks(&named(&[cn, &long]), PRIVATE, "san-host", Error);
    assert_eq!(rules(&named(&[cn, "*.contoso.net", "fe01", "xn--bcher-kva.example"]), PRIVATE), []);
    breaks(&named(&["b.contoso.net"]), PRIVATE, "cn-in-san", Warning);

    let good = leaf(|_| ());
    breaks(&with(&good, ids::ALTERNATIVE_NAMES, None), PRIVATE, "san-present", Error);
    let value = value_of(&good, ids::ALTERNATIVE_NAMES);
    let critical = extension(ids::ALTERNATIVE_NAMES, Some(true), &value);
    breaks(&with(&good, ids::ALTERNATIVE_NAMES, Some(critical)), PRIVATE, "san-critical", Info);
    let nameless = changed(&good, SUBJECT, vec![0x30, 0]);
    breaks(&nameless, PRIVATE, "san-critical", Error);
    breaks(&with(&nameless, ids::ALTERNATIVE_NAMES, None), PRIVATE, "san-present", Error);
}

#[test]
fn subjects() {
    let good = leaf(|_| ());
    let attribute = |oid: &str, tag: u8, value: &[u8]| {
        der::constructed(der::SET, &[&der::sequence(&[&der::oid(oid).unwrap(), &der::tlv(tag, value)])])
    };
    let cn = attribute("2.5.4.3", 0x0c, b"a.contoso.net");
    let subject = |more: &[u8]| changed(&good, SUBJECT, der::sequence(&[more, &cn]));
    breaks(&subject(&attribute("2.5.4.10", 0x0c, &[b'x'; 65])), PRIVATE, "name-length", Error);
    assert_eq!(rules(&subject(&attribute("2.5.4.10", 0x0c, "ö".repeat(64).as_bytes())), PRIVATE), []);
    breaks(&subject(&attribute("2.5.4.6", 0x13, b"USA")), PRIVATE, "name-country", Error);
    breaks(&subject(&attribute("2.5.4.6", 0x0c, b"US")), PRIVATE, "name-country", Error);
    breaks(&subject(&attribute("2.5.4.10", 0x0c, b"")), PRIVATE, "name-empty", Warning);
    breaks(&subject(&attribute("2.5.4.10", 0x14, b"Contoso")), PRIVATE, "name-string", Warning);
    breaks(&subject(&cn), PRIVATE, "cn-single", Warning);
    let authority = root(&*P256, "CN=CA", AuthorityProfile::default());
    let found = rules(&changed(&authority, SUBJECT, vec![0x30, 0]), PRIVATE);
    assert!(found.contains(&("subject-ca", Error)), "{found:?}");
}

#[test]
fn extensions() {
    let good = leaf(|_| ());
    let authority = root(&*P256, "CN=CA", AuthorityProfile { path_len: Some(0), constraints: None });
    let basic = value_of(&authority, ids::BASIC_CONSTRAINTS);
    let lax = extension(ids::BASIC_CONSTRAINTS, None, &basic);
    breaks(&with(&authority, ids::BASIC_CONSTRAINTS, Some(lax)), PRIVATE, "basic-constraints-critical", Error);
    let path = extension(ids::BASIC_CONSTRAINTS, Some(true), &[0x30, 3, 2, 1, 0]);
    breaks(&with(&good, ids::BASIC_CONSTRAINTS, Some(path)), PRIVATE, "path-length", Error);
    let default = extension(ids::BASIC_CONSTRAINTS, Some(true), &[0x30, 3, 1, 1, 0]);
    breaks(&with(&good, ids::BASIC_CONSTRAINTS, Some(default)), PRIVATE, "default-written", Warning);
    let space = value_of(
        &root(&*P256, "CN=CA", AuthorityProfile { path_len: None, constraints: Some(NameConstraints::default()) }),
        ids::NAME_CONSTRAINTS,
    );
    let stray = extension(ids::NAME_CONSTRAINTS, Some(true), &space);
    breaks(&with(&good, ids::NAME_CONSTRAINTS, Some(stray)), PRIVATE, "name-constraints", Error);
    let lax = extension(ids::NAME_CONSTRAINTS, None, &space);
    breaks(&with(&authority, ids::NAME_CONSTRAINTS, Some(lax)), PRIVATE, "extension-critical", Error);

    breaks(&with(&good, ids::SUBJECT_KEY_IDENTIFIER, None), PRIVATE, "subject-key-identifier", Info);
    breaks(&with(&authority, ids::SUBJECT_KEY_IDENTIFIER, None), PRIVATE, "subject-key-identifier", Error);
    breaks(&with(&good, ids::AUTHORITY_KEY_IDENTIFIER, None), PRIVATE, "authority-key-identifier", Error);
    for oid in [ids::SUBJECT_KEY_IDENTIFIER, ids::AUTHORITY_KEY_IDENTIFIER] {
        let strict = extension(oid, Some(true), &value_of(&good, oid));
        breaks(&with(&good, oid, Some(strict)), PRIVATE, "extension-not-critical", Error);
        let written = extension(oid, Some(false), &value_of(&good, oid));
        breaks(&with(&good, oid, Some(written)), PRIVATE, "default-written", Warning);
    }
    let strict = extension(ids::CRL_POINTS, Some(true), &value_of(&good, ids::CRL_POINTS));
    breaks(&with(&good, ids::CRL_POINTS, Some(strict)), PRIVATE, "extension-not-critical", Warning);
    let unknown = extension("1.2.3.4", Some(true), &[5, 0]);
    breaks(&with(&good, "1.2.3.4", Some(unknown)), PRIVATE, "unknown-critical", Warning);
    let poison = extension("1.3.6.1.4.1.11129.2.4.3", Some(true), &[5, 0]);
    breaks(&with(&good, "1.3.6.1.4.1.11129.2.4.3", Some(poison)), PRIVATE, "precertificate", Error);
}

#[test]
fn purposes_and_revocation() {
    let for_what = |purposes: Vec<Purpose>| leaf(|profile| profile.purposes = purposes);
    breaks(&for_what(Vec::new()), PRIVATE, "purpose-present", Warning);
    breaks(&for_what(vec![Purpose::Any]), PRIVATE, "purpose-any", Warning);
    breaks(&for_what(vec![Purpose::ServerAuth; 2]), PRIVATE, "purpose-duplicate", Info);
    let urls = |urls: &[&str]| leaf(|profile| profile.crl_urls = urls.iter().map(|u| (*u).to_owned()).collect());
    assert_eq!(rules(&urls(&[]), PRIVATE), []);
    breaks(&urls(&[]), LintContext { wants_crl: true, ..PRIVATE }, "crl-distribution-point", Warning);
    breaks(&urls(&["https://pki.contoso.net/a.crl"]), PRIVATE, "crl-distribution-point", Warning);
    breaks(&leaf(|profile| profile.must_staple = true), PRIVATE, "must-staple", Warning);
    let answer = extension(ids::ACME_IDENTIFIER, Some(true), &der::tlv(der::OCTET_STRING, &[7; 32]));
    let found = rules(&with(&leaf(|_| ()), ids::ACME_IDENTIFIER, Some(answer)), PRIVATE);
    assert!(found.contains(&("acme-challenge", Error)), "{found:?}");
}

#[test]
fn public_authorities_are_held_to_more() {
    let policies = extension("2.5.29.32", None, &[0x30, 10, 0x30, 8, 6, 6, 0x67, 0x81, 0x0c, 1, 2, 1]);
    let good = with(&leaf(|_| ()), "2.5.29.32", Some(policies));
    assert_eq!(rules(&good, PUBLIC), []);
    breaks(&with(&good, "2.5.29.32", None), PUBLIC, "policies", Error);
    breaks(&with(&good, ids::CRL_POINTS, None), PUBLIC, "revocation-source", Error);
    breaks(&changed(&good, SERIAL, vec![2, 1, 7]), PUBLIC, "serial-entropy", Error);
    for name in ["fe01", "fe01.local", "my_host.contoso.net"] {
        let value = der::sequence(&[&der::tlv(0x82, b"a.contoso.net"), &der::tlv(0x82, name.as_bytes())]);
        let names = extension(ids::ALTERNATIVE_NAMES, None, &value);
        let rule = if name.contains('_') { "san-underscore" } else { "san-internal" };
        breaks(&with(&good, ids::ALTERNATIVE_NAMES, Some(names)), PUBLIC, rule, Error);
    }
    let value = der::sequence(&[&der::tlv(0x82, b"a.contoso.net"), &[0x87, 4, 10, 0, 0, 1]]);
    let names = extension(ids::ALTERNATIVE_NAMES, None, &value);
    breaks(&with(&good, ids::ALTERNATIVE_NAMES, Some(names)), PUBLIC, "san-internal", Error);
    let value = der::sequence(&[&der::tlv(0x82, b"a.contoso.net"), &der::tlv(0x81, b"ken@contoso.net")]);
    let names = extension(ids::ALTERNATIVE_NAMES, None, &value);
    breaks(&with(&good, ids::ALTERNATIVE_NAMES, Some(names)), PUBLIC, "san-kind", Error);
}

#[test]
fn the_gravest_comes_first_and_says_where_it_is_written() {
    let certificate = with(&leaf(|profile| profile.purposes = Vec::new()), ids::AUTHORITY_KEY_IDENTIFIER, None);
    let found = lint(&certificate, PRIVATE);
    assert!(found.is_sorted_by(|a, b| a.severity >= b.severity) && found.len() >= 2, "{found:#?}");
    assert!(found[0].to_string().starts_with("error: authority-key-identifier (RFC 5280 4.2.1.1): "), "{}", found[0]);
}
