//! Paths: which certificates lead from a leaf to a root, and which of them a server sends.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::{signature, spki};
use crate::model::Certificate;

/// Most authorities above a leaf that are looked for.
const MAX_DEPTH: usize = 8;
/// Most signatures that one search verifies.
const MAX_CHECKS: usize = 200;

/// A path from a leaf upward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Leaf first; the last is a root when the path is complete.
    pub(crate) certificates: Vec<Certificate>,
    /// Whether the last one is among the given roots.
    pub(crate) complete: bool,
}

impl Path {
    #[cfg(test)]
    /// What a server sends: everything but the root.
    pub(crate) fn served(&self) -> &[Certificate] {
        match self.certificates.split_last() {
            Some((_, rest)) if self.complete && !rest.is_empty() => rest,
            _ => &self.certificates,
        }
    }
}

/// Finds the way from a leaf to a root by names and signatures; validity and purposes are not looked at.
///
/// Where several ways lead upward, the one that reaches a root wins, then the longer one; certificates that last longer
/// are tried first.
pub(crate) fn build_chain(leaf: &Certificate, intermediates: &[Certificate], roots: &[Certificate]) -> Path {
    let mut search =
        Search { intermediates, roots, checks: 0, best: Path { certificates: vec![leaf.clone()], complete: false } };
    search.climb(&mut vec![leaf.clone()]);
    search.best
}

#[cfg(test)]
/// Whether a certificate was signed by another's key and names it as its issuer.
pub(crate) fn is_issued_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.issuer() == issuer.subject() && is_signed_by(certificate, issuer)
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    checks: usize,
    best: Path,
}

impl Search<'_> {
    /// Goes up from the last certificate; returns whether a root is reached. Depth is bounded by `MAX_DEPTH`.
    fn climb(&mut self, path: &mut Vec<Certificate>) -> bool {
        let Some(last) = path.last().cloned() else { return false };
        if path.len() > self.best.certificates.len() {
            self.best.certificates.clone_from(path);
        }
        if self.roots.contains(&last) {
            self.best = Path { certificates: path.clone(), complete: true };
            return true;
        }
        if path.len() > MAX_DEPTH || (last.is_self_issued() && is_signed_by(&last, &last)) {
            return false;
        }
        let mut above: Vec<&Certificate> = self.roots.iter().chain(self.intermediates).collect();
        above.retain(|c| c.subject() == last.issuer() && !path.contains(c));
        above.sort_by_key(|c| (!self.roots.contains(c), std::cmp::Reverse(c.not_after())));
        above.dedup();
        for candidate in above {
            self.checks += 1;
            if self.checks > MAX_CHECKS {
                return false;
            }
            if is_signed_by(&last, candidate) {
                path.push(candidate.clone());
                let reached = self.climb(path);
                path.pop();
                if reached {
                    return true;
                }
            }
        }
        false
    }
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let Ok(key) = spki::read(issuer.spki()) else { return false };
    let Ok((_, x509)) = X509Certificate::from_der(certificate.der()) else { return false };
    signature::verify(&key, &x509.signature_algorithm, x509.tbs_certificate.as_ref(), &x509.signature_value.data)
        .is_ok()
}
