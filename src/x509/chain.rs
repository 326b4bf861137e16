//! Validation: does a certificate lead to a trusted root as its peers will check it?

use std::cell::RefCell;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, VerifiedPath};

use super::extensions;
use super::path::build_chain;
use super::problem::{ChainProblem, ChainRemark};
use crate::model::{Certificate, ExtensionEntry, KeyAlgorithm, KeyUsage, Moment, Purpose};

/// What the peer of a handshake needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

impl Usage {
    fn purpose(self) -> Purpose {
        match self {
            Self::Server => Purpose::ServerAuth,
            Self::Client => Purpose::ClientAuth,
        }
    }
}

/// Checks a leaf as a peer would: signatures, validity, purposes, constraints up to a trusted root.
///
/// `intermediates` are those that were served; a leaf that is itself among the roots is trusted as it stands. Beside what
/// webpki checks: the root's own validity, path length, purposes; certificate signing in key usages; key identifiers;
/// the leaf's key usage. An absent extended key usage and `any` are taken; [`remarks`] tells of them.
///
/// # Errors
/// The first problem found, with the certificate at fault.
pub(crate) fn validate_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: Moment,
    usage: Usage,
) -> Result<Vec<Certificate>, ChainProblem> {
    if roots.contains(leaf) {
        check_leaf(leaf, at, usage)?;
        return Ok(vec![leaf.clone()]);
    }
    if leaf.is_ca() {
        return Err(ChainProblem::AuthorityAsLeaf(leaf.clone()));
    }
    check_leaf(leaf, at, usage)?;
    let leaf_der = CertificateDer::from(leaf.der());
    let end = EndEntityCert::try_from(&leaf_der).map_err(|e| explain(e, leaf, intermediates, roots, at, usage))?;
    let served: Vec<_> = intermediates.iter().map(|c| CertificateDer::from(c.der())).collect();
    let root_ders: Vec<_> = roots.iter().map(|c| CertificateDer::from(c.der())).collect();
    // An anchor that webpki cannot read is one that no path can end at.
    let (anchors, anchored): (Vec<_>, Vec<_>) = root_ders
        .iter()
        .zip(roots)
        .filter_map(|(der, root)| webpki::anchor_from_trusted_cert(der).ok().map(|anchor| (anchor, root)))
        .unzip();
    let found: RefCell<Option<Result<Vec<Certificate>, ChainProblem>>> = RefCell::new(None);
    let judge = |path: &VerifiedPath<'_>| {
        let root = anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor())).and_then(|i| anchored.get(i));
        let judged = match root {
            Some(root) => check_path(path, leaf, intermediates, root, at, usage),
            None => Err(ChainProblem::IssuerMissing(leaf.clone())),
        };
        let good = judged.is_ok();
        if good || found.borrow().is_none() {
            *found.borrow_mut() = Some(judged);
        }
        if good { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
    };
    let seconds = u64::try_from(at.unix()).unwrap_or(0);
    let verified = end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &served,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        AnyOr(usage),
        None,
        Some(&judge),
    );
    let refusal = verified.err();
    // `judge` saw every path that webpki likes, so it has the last word.
    found.into_inner().unwrap_or_else(|| {
        Err(explain(refusal.unwrap_or(webpki::Error::UnknownIssuer), leaf, intermediates, roots, at, usage))
    })
}

/// Checks the certificate of an authority for itself: signatures, validity and constraints up to a trusted root.
///
/// # Errors
/// The first problem found, with the certificate at fault.
pub(crate) fn validate_authority(
    authority: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: Moment,
) -> Result<Vec<Certificate>, ChainProblem> {
    let path = build_chain(authority, intermediates, roots);
    for certificate in &path.certificates {
        if at < certificate.not_before() {
            return Err(ChainProblem::NotYetValid(certificate.clone()));
        }
        if at > certificate.not_after() {
            return Err(ChainProblem::Expired(certificate.clone()));
        }
    }
    check_authorities(&path.certificates, None)?;
    match path.certificates.last().filter(|_| !path.complete) {
        None => Ok(path.certificates),
        Some(last) if last.is_self_issued() => Err(ChainProblem::RootNotTrusted(last.clone())),
        Some(last) => Err(ChainProblem::IssuerMissing(last.clone())),
    }
}

/// What is odd in a path, leaf first.
pub(crate) fn remarks(path: &[Certificate], usage: Usage) -> Vec<ChainRemark> {
    let mut remarks = Vec::new();
    let lacks =
        |c: &Certificate, oid: &str| c.extensions().iter().any(|e: &ExtensionEntry| e.oid == oid && !e.critical);
    for (i, c) in path.iter().enumerate() {
        let one = || c.clone();
        if i == 0 && c.purposes().is_none_or(|list| !list.contains(&usage.purpose())) {
            remarks.push(ChainRemark::PurposeNotNamed(one()));
        }
        if i > 0 && lacks(c, extensions::BASIC_CONSTRAINTS) {
            remarks.push(ChainRemark::ConstraintsNotCritical(one()));
        }
        if lacks(c, extensions::NAME_CONSTRAINTS) {
            remarks.push(ChainRemark::NameConstraintsNotCritical(one()));
        }
        if c.subject().is_empty() && lacks(c, extensions::ALTERNATIVE_NAMES) {
            remarks.push(ChainRemark::NamesNotCritical(one()));
        }
        if c.is_ca() && c.subject_key_identifier().is_none() {
            remarks.push(ChainRemark::NoSubjectKeyIdentifier(one()));
        }
        if !c.is_self_issued() && c.authority_key_identifier().is_none() {
            remarks.push(ChainRemark::NoAuthorityKeyIdentifier(one()));
        }
        let serial = c.serial().as_bytes();
        let odd = serial.iter().all(|b| *b == 0) || serial.first().is_some_and(|b| b & 0x80 != 0);
        // Several good roots have the number 0, and nothing refers to a root's.
        if odd && !c.is_self_issued() {
            remarks.push(ChainRemark::OddSerialNumber(one()));
        }
        if let Some(issuer) = path.get(i + 1).filter(|issuer| c.not_after() > issuer.not_after()) {
            remarks.push(ChainRemark::OutlivesIssuer(one(), issuer.not_after()));
        }
        let elliptic = c.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic);
        if elliptic && c.key_usage().is_some_and(|u| u.contains(KeyUsage::KEY_ENCIPHERMENT)) {
            remarks.push(ChainRemark::EllipticEncipherment(one()));
        }
    }
    remarks
}

fn check_leaf(leaf: &Certificate, at: Moment, usage: Usage) -> Result<(), ChainProblem> {
    if at < leaf.not_before() {
        return Err(ChainProblem::NotYetValid(leaf.clone()));
    }
    if at > leaf.not_after() {
        return Err(ChainProblem::Expired(leaf.clone()));
    }
    if !leaf.allows(&usage.purpose()) {
        return Err(ChainProblem::PurposeMissing(leaf.clone(), usage.purpose()));
    }
    // TLS 1.2 key transport needs encipherment alone; everything else signs.
    let transport = leaf.key_algorithm().is_none_or(|a| !a.is_elliptic()) && usage == Usage::Server;
    let fits = leaf.key_usage().is_none_or(|u| {
        u.contains(KeyUsage::DIGITAL_SIGNATURE) || (transport && u.contains(KeyUsage::KEY_ENCIPHERMENT))
    });
    if fits { Ok(()) } else { Err(ChainProblem::KeyUsageUnfit(leaf.clone())) }
}

/// Finds webpki's path among our certificates and looks at what webpki does not.
fn check_path(
    path: &VerifiedPath<'_>,
    leaf: &Certificate,
    intermediates: &[Certificate],
    root: &Certificate,
    at: Moment,
    usage: Usage,
) -> Result<Vec<Certificate>, ChainProblem> {
    let mut certificates = vec![leaf.clone()];
    for one in path.intermediate_certificates() {
        certificates.extend(intermediates.iter().find(|c| c.der() == one.der().as_ref()).cloned());
    }
    certificates.push(root.clone());
    if !root.is_valid_at(at) {
        return Err(ChainProblem::RootNotValid(root.clone()));
    }
    check_authorities(&certificates, Some(usage.purpose()))?;
    Ok(certificates)
}

/// Whether each certificate above the first may sign the one below, and allows the purpose where there is one.
fn check_authorities(path: &[Certificate], purpose: Option<Purpose>) -> Result<(), ChainProblem> {
    for (i, issuer) in path.iter().enumerate().skip(1) {
        let below = &path[i - 1];
        let old_root = issuer.version() < 3 && i + 1 == path.len();
        if !issuer.is_ca() && !old_root {
            return Err(ChainProblem::NotAnAuthority(issuer.clone()));
        }
        if issuer.key_usage().is_some_and(|u| !u.contains(KeyUsage::CERT_SIGN)) {
            return Err(ChainProblem::NotAnAuthority(issuer.clone()));
        }
        // Self-issued authorities do not count (RFC 5280 section 4.2.1.9).
        let authorities = path[1..i].iter().filter(|c| !c.is_self_issued()).count();
        if issuer.path_len().is_some_and(|most| authorities > most as usize) {
            return Err(ChainProblem::PathTooLong(issuer.clone()));
        }
        if let Some(purpose) = purpose.as_ref().filter(|p| !issuer.allows(p)) {
            return Err(ChainProblem::PurposeMissing(issuer.clone(), purpose.clone()));
        }
        if let (Some(wanted), Some(own)) = (below.authority_key_identifier(), issuer.subject_key_identifier())
            && wanted != own
        {
            return Err(ChainProblem::KeyIdentifierMismatch(below.clone()));
        }
    }
    Ok(())
}

/// Puts webpki's refusal into our words, and names the certificate at fault.
fn explain(
    error: webpki::Error,
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: Moment,
    usage: Usage,
) -> ChainProblem {
    use webpki::Error as E;
    let path = build_chain(leaf, intermediates, roots);
    let last = path.certificates.last().unwrap_or(leaf).clone();
    // webpki looks upward even from a root; what stands above the root was not meant.
    let above: &[Certificate] = &path.certificates[1..];
    let find = |f: &dyn Fn(&Certificate) -> bool| path.certificates.iter().find(|c| f(c)).unwrap_or(leaf).clone();
    match error {
        E::CertExpired { .. } => ChainProblem::Expired(find(&|c| at > c.not_after())),
        E::CertNotValidYet { .. } => ChainProblem::NotYetValid(find(&|c| at < c.not_before())),
        E::CaUsedAsEndEntity => ChainProblem::AuthorityAsLeaf(leaf.clone()),
        E::EndEntityUsedAsCa => {
            ChainProblem::NotAnAuthority(above.iter().find(|c| !c.is_ca()).unwrap_or(&last).clone())
        }
        E::PathLenConstraintViolated => {
            let at_fault = check_authorities(&path.certificates, Some(usage.purpose())).err();
            match at_fault {
                Some(problem @ ChainProblem::PathTooLong(_)) => problem,
                _ => ChainProblem::PathTooLong(last),
            }
        }
        E::RequiredEkuNotFoundContext(_) => {
            ChainProblem::PurposeMissing(find(&|c| !c.allows(&usage.purpose())), usage.purpose())
        }
        E::NameConstraintViolation => ChainProblem::NameNotPermitted(leaf.clone()),
        E::UnsupportedCriticalExtension => {
            let known = [
                extensions::KEY_USAGE,
                extensions::ALTERNATIVE_NAMES,
                extensions::BASIC_CONSTRAINTS,
                extensions::NAME_CONSTRAINTS,
                extensions::EXTENDED_KEY_USAGE,
            ];
            let unknown = path.certificates.iter().find_map(|c| {
                let entry = c.extensions().iter().find(|e| e.critical && !known.contains(&e.oid.as_str()))?;
                Some(ChainProblem::CriticalExtension(c.clone(), entry.oid.clone()))
            });
            unknown
                .unwrap_or_else(|| ChainProblem::Other(leaf.clone(), "a critical extension is not understood".into()))
        }
        E::UnsupportedSignatureAlgorithmContext(_) | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            ChainProblem::AlgorithmRefused(find(&|c| !is_modern(c)))
        }
        E::UnknownIssuer | E::InvalidSignatureForPublicKey if !path.complete => {
            if last.is_self_issued() {
                return ChainProblem::RootNotTrusted(last);
            }
            let named = intermediates.iter().chain(roots).any(|c| c.subject() == last.issuer());
            if named { ChainProblem::WrongSignature(last) } else { ChainProblem::IssuerMissing(last) }
        }
        E::UnknownIssuer | E::InvalidSignatureForPublicKey => {
            // A way exists, and webpki did not go it: what it dislikes is one of these.
            match path.certificates.iter().find(|c| !is_modern(c) && !roots.contains(c)) {
                Some(old) => ChainProblem::AlgorithmRefused(old.clone()),
                None => check_authorities(&path.certificates, Some(usage.purpose()))
                    .err()
                    .unwrap_or_else(|| ChainProblem::Other(leaf.clone(), "no path satisfies every rule".into())),
            }
        }
        other => ChainProblem::Other(leaf.clone(), format!("{other:?}")),
    }
}

fn is_modern(certificate: &Certificate) -> bool {
    !["md", "sha1"].iter().any(|old| certificate.signature_algorithm().starts_with(old))
}

/// Takes the wanted purpose, `any`, and an absent extension.
struct AnyOr(Usage);

impl ExtendedKeyUsageValidator for AnyOr {
    fn validate(&self, listed: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        const SERVER: KeyPurposeId<'_> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 1]);
        const CLIENT: KeyPurposeId<'_> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 2]);
        const ANY: KeyPurposeId<'_> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0]);
        let (wanted, known) = match self.0 {
            Usage::Server => (SERVER, webpki::KeyUsage::server_auth()),
            Usage::Client => (CLIENT, webpki::KeyUsage::client_auth()),
        };
        let mut present = Vec::new();
        for id in listed {
            let id = id?;
            if id == wanted || id == ANY {
                return Ok(());
            }
            present.push(id.to_decoded_oid());
        }
        if present.is_empty() {
            return Ok(());
        }
        Err(webpki::Error::RequiredEkuNotFoundContext(webpki::RequiredEkuNotFoundContext { required: known, present }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_rdns;
    use crate::x509::issue::tests::{at, request, root, server};
    use crate::x509::key::PrivateKey;
    use crate::x509::key::tests::{P256, P384, P521, RSA};
    use crate::x509::path::is_issued_by;
    use crate::x509::{AuthorityProfile, Issuer, NameConstraints, Profile, issue};

    fn authority(
        key: &PrivateKey,
        subject: &str,
        (above, signer): (&Certificate, &PrivateKey),
        change: impl FnOnce(&mut Profile),
    ) -> Certificate {
        let mut profile = Profile::authority(at("2022-01-01"), at("2036-01-01"), AuthorityProfile::default());
        profile.purposes = Vec::new();
        change(&mut profile);
        let issuer = Issuer { certificate: above, signer };
        issue(&request(key, subject, &[]), &issuer, &profile).unwrap()
    }

    fn leaf((above, signer): (&Certificate, &PrivateKey), change: impl FnOnce(&mut Profile)) -> Certificate {
        let mut profile = server();
        change(&mut profile);
        issue(&request(&RSA, "CN=a.contoso.net", &["a.contoso.net"]), &Issuer { certificate: above, signer }, &profile)
            .unwrap()
    }

    fn check(
        leaf: &Certificate,
        between: &[Certificate],
        roots: &[Certificate],
    ) -> Result<Vec<Certificate>, ChainProblem> {
        validate_path(leaf, between, roots, at("2026-06-01"), Usage::Server)
    }

    #[test]
    fn a_good_path_is_found_whatever_the_order() {
        let top = root(&*P256, "CN=Root, DC=contoso, DC=net", AuthorityProfile::default());
        let a = authority(&P384, "CN=A", (&top, &P256), |_| ());
        let b = authority(&P521, "CN=B", (&a, &P384), |_| ());
        let end = leaf((&b, &P521), |_| ());
        let expected = [end.clone(), b.clone(), a.clone(), top.clone()];
        for between in [vec![b.clone(), a.clone()], vec![a.clone(), top.clone(), b.clone(), end.clone()]] {
            assert_eq!(check(&end, &between, std::slice::from_ref(&top)).unwrap(), expected);
            let path = build_chain(&end, &between, std::slice::from_ref(&top));
            assert_eq!((path.certificates.as_slice(), path.complete), (&expected[..], true));
            assert_eq!(path.served(), &expected[..3]);
        }
        let path = build_chain(&end, std::slice::from_ref(&b), std::slice::from_ref(&top));
        assert_eq!((path.served(), path.complete), (&expected[..2], false));
        assert!(is_issued_by(&b, &a) && !is_issued_by(&a, &b));
        assert!(remarks(&expected, Usage::Server).is_empty());
        assert_eq!(remarks(&expected, Usage::Client), [ChainRemark::PurposeNotNamed(end)]);
    }

    #[test]
    fn each_fault_is_named_with_its_certificate() {
        use ChainProblem as P;
        let top = root(&*P256, "CN=Root", AuthorityProfile::default());
        let a = authority(&P384, "CN=A", (&top, &P256), |_| ());
        let good = leaf((&a, &P384), |_| ());
        let tops = std::slice::from_ref(&top);
        let with_a = std::slice::from_ref(&a);
        check(&good, with_a, tops).unwrap();

        assert_eq!(check(&good, &[], tops).unwrap_err(), P::IssuerMissing(good.clone()));
        assert_eq!(check(&good, &[a.clone(), top.clone()], &[]).unwrap_err(), P::RootNotTrusted(top.clone()));
        assert_eq!(check(&good, with_a, &[]).unwrap_err(), P::IssuerMissing(a.clone()));
        let impostor = root(&*P521, "CN=Root", AuthorityProfile::default());
        assert_eq!(check(&good, with_a, &[impostor]).unwrap_err(), P::WrongSignature(a.clone()));

        let old = leaf((&a, &P384), |p| p.not_after = at("2025-01-01"));
        assert_eq!(check(&old, with_a, tops).unwrap_err(), P::Expired(old.clone()));
        let young = leaf((&a, &P384), |p| p.not_before = at("2030-01-01"));
        assert_eq!(check(&young, with_a, tops).unwrap_err(), P::NotYetValid(young.clone()));
        let old_a = authority(&P384, "CN=A", (&top, &P256), |p| p.not_after = at("2025-01-01"));
        assert_eq!(check(&good, std::slice::from_ref(&old_a), tops).unwrap_err(), P::Expired(old_a.clone()));
        check(&good, &[old_a, a.clone()], tops).unwrap();

        let client = leaf((&a, &P384), |p| p.purposes = vec![Purpose::ClientAuth]);
        assert_eq!(check(&client, with_a, tops).unwrap_err(), P::PurposeMissing(client.clone(), Purpose::ServerAuth));
        validate_path(&client, with_a, tops, at("2026-06-01"), Usage::Client).unwrap();
        for purposes in [Vec::new(), vec![Purpose::Any]] {
            let loose = leaf((&a, &P384), |p| p.purposes = purposes);
            let path = check(&loose, with_a, tops).unwrap();
            assert_eq!(remarks(&path, Usage::Server), [ChainRemark::PurposeNotNamed(loose)]);
        }
        let narrow = authority(&P384, "CN=A", (&top, &P256), |p| p.purposes = vec![Purpose::ClientAuth]);
        let problem = check(&leaf((&narrow, &P384), |_| ()), std::slice::from_ref(&narrow), tops).unwrap_err();
        assert_eq!(problem, P::PurposeMissing(narrow, Purpose::ServerAuth));

        let signing = leaf((&a, &P384), |p| p.key_usage = Some(KeyUsage::CERT_SIGN));
        assert_eq!(check(&signing, with_a, tops).unwrap_err(), P::KeyUsageUnfit(signing.clone()));
        let mute = authority(&P384, "CN=A", (&top, &P256), |p| p.key_usage = Some(KeyUsage::CRL_SIGN));
        assert_eq!(check(&good, std::slice::from_ref(&mute), tops).unwrap_err(), P::NotAnAuthority(mute.clone()));
        assert_eq!(check(&a, &[], tops).unwrap_err(), P::AuthorityAsLeaf(a.clone()));
    }

    #[test]
    fn constraints_of_authorities_count() {
        let constraints = NameConstraints { dns: vec!["fabrikam.com".into()], networks: Vec::new() };
        let top = root(&*P256, "CN=Root", AuthorityProfile { path_len: Some(1), constraints: Some(constraints) });
        let tops = std::slice::from_ref(&top);
        let a = authority(&P384, "CN=A", (&top, &P256), |_| ());
        assert!(a.path_len().is_none());
        let outside = leaf((&a, &P384), |_| ());
        let problem = check(&outside, std::slice::from_ref(&a), tops).unwrap_err();
        assert_eq!(problem, ChainProblem::NameNotPermitted(outside));

        let top = root(&*P256, "CN=Root", AuthorityProfile { path_len: Some(1), constraints: None });
        let a = authority(&P384, "CN=A", (&top, &P256), |_| ());
        let b = authority(&P521, "CN=B", (&a, &P384), |_| ());
        let deep = leaf((&b, &P521), |_| ());
        let problem = check(&deep, &[a, b], std::slice::from_ref(&top)).unwrap_err();
        assert_eq!(problem, ChainProblem::PathTooLong(top));
    }

    #[test]
    fn roots_are_looked_at_too() {
        let mut profile = Profile::authority(at("2010-01-01"), at("2020-01-01"), AuthorityProfile::default());
        profile.purposes = Vec::new();
        profile.subject = Some(parse_rdns("CN=Root").unwrap());
        let ended = crate::x509::self_signed(&*P256, &profile).unwrap();
        let renewed = root(&*P256, "CN=Root", AuthorityProfile::default());
        let end = leaf((&renewed, &P256), |_| ());
        assert_eq!(
            check(&end, &[], std::slice::from_ref(&ended)).unwrap_err(),
            ChainProblem::RootNotValid(ended.clone())
        );
        let path = check(&end, &[], &[ended, renewed.clone()]).unwrap();
        assert_eq!(path, [end, renewed]);
    }

    #[test]
    fn a_trusted_leaf_stands_for_itself() {
        let mut profile = server();
        profile.subject = Some(parse_rdns("CN=a").unwrap());
        let own = crate::x509::self_signed(&*P256, &profile).unwrap();
        assert_eq!(check(&own, &[], std::slice::from_ref(&own)).unwrap(), std::slice::from_ref(&own));
        assert_eq!(check(&own, &[], &[]).unwrap_err(), ChainProblem::RootNotTrusted(own));
    }

    #[test]
    fn circles_end() {
        let x = root(&*P256, "CN=X", AuthorityProfile::default());
        let y = root(&*P384, "CN=Y", AuthorityProfile::default());
        let x_by_y = authority(&P256, "CN=X", (&y, &P384), |_| ());
        let y_by_x = authority(&P384, "CN=Y", (&x, &P256), |_| ());
        let end = leaf((&x, &P256), |_| ());
        let path = build_chain(&end, &[x_by_y.clone(), y_by_x.clone()], &[]);
        assert!(!path.complete && path.certificates.len() == 3);
        assert!(check(&end, &[x_by_y, y_by_x], &[]).is_err());
    }
}
