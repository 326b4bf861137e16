//! The one door to certificate libraries: reading, writing, signing, sealing.

mod ber;
mod bundle;
mod chain;
mod constraints;
mod contents;
mod crl;
mod der;
mod extensions;
pub(crate) mod fuzz;
mod host;
mod issue;
mod key;
mod lint;
mod name;
mod parse;
mod path;
mod pbe;
pub(crate) mod pem;
mod pfx;
mod pkcs7;
mod problem;
mod request;
mod seal;
mod signature;
mod spki;
mod template;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use bundle::{Bundle, Piece};
pub(crate) use chain::{Usage, remarks, validate_authority, validate_path};
pub(crate) use constraints::{NameSpace, name_space};
pub(crate) use contents::{Contents, read_any, read_request};
pub(crate) use crl::{Revocation, RevocationList, build_crl, parse_crl};
pub(crate) use host::{certificate_covers, is_wildcard};
#[cfg(feature = "acme")]
pub(crate) use issue::acme_challenge;
pub(crate) use issue::{AuthorityProfile, Issuer, NameConstraints, Profile, issue, self_signed};
pub use key::PrivateKey;
pub(crate) use key::{Signer, check_pair};
pub(crate) use lint::{LintContext, Severity, lint};
pub use parse::parse_certificate;
pub(crate) use parse::split_certificates;
pub(crate) use path::build_chain;
pub(crate) use pbe::PfxProtection;
pub(crate) use pfx::{PfxIdentity, write_pfx};
pub(crate) use pkcs7::encode_pkcs7;
pub(crate) use problem::{ChainProblem, ChainRemark};
pub(crate) use request::{
    CertificateRequest, RequestDetails, build_authority_request, build_request, own_request, parse_request,
};
pub(crate) use seal::StoreSecret;

use crate::error::{Error, ErrorId, Result};

/// Random octets from the operating system's generator.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets)
        .map_err(|e| Error::new(ErrorId::StoreUnavailable, "the system gives no random octets").because(e))?;
    Ok(octets)
}
