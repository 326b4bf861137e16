//! Why a chain is not good: typed for those who decide, in words for those who read.

use std::fmt;

use crate::error::{Error, ErrorId};
use crate::model::{Certificate, Moment, Purpose};

/// Why a certificate does not chain to a trusted root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChainProblem {
    /// A certificate of the path has ended.
    Expired(Certificate),
    /// A certificate of the path has not begun.
    NotYetValid(Certificate),
    /// The trusted root at the end of the path is outside its own validity.
    RootNotValid(Certificate),
    /// Nobody at hand issued this certificate: an intermediate is missing, or the root is not trusted.
    IssuerMissing(Certificate),
    /// The path ends at a root that is not among the trusted ones.
    RootNotTrusted(Certificate),
    /// The certificate names an issuer that is at hand, and whose key did not sign it.
    WrongSignature(Certificate),
    /// A certificate signs others and may not.
    NotAnAuthority(Certificate),
    /// The certificate of a server is that of an authority.
    AuthorityAsLeaf(Certificate),
    /// More authorities stand below this one than it allows.
    PathTooLong(Certificate),
    /// A certificate of the path restricts its purposes and does not allow this one.
    PurposeMissing(Certificate, Purpose),
    /// The key usage of the leaf does not allow a TLS handshake.
    KeyUsageUnfit(Certificate),
    /// A name lies outside what an authority of the path may certify.
    NameNotPermitted(Certificate),
    /// A certificate was signed by an algorithm that is not accepted, such as SHA-1.
    AlgorithmRefused(Certificate),
    /// The authority key identifier is not the issuer's.
    KeyIdentifierMismatch(Certificate),
    /// A certificate has a critical extension that nobody here understands.
    CriticalExtension(Certificate, String),
    /// Anything else, in the words of the library that found it.
    Other(Certificate, String),
}

impl ChainProblem {
    /// The certificate that is at fault.
    pub(crate) fn certificate(&self) -> &Certificate {
        match self {
            Self::Expired(c)
            | Self::NotYetValid(c)
            | Self::RootNotValid(c)
            | Self::IssuerMissing(c)
            | Self::RootNotTrusted(c)
            | Self::WrongSignature(c)
            | Self::NotAnAuthority(c)
            | Self::AuthorityAsLeaf(c)
            | Self::PathTooLong(c)
            | Self::PurposeMissing(c, _)
            | Self::KeyUsageUnfit(c)
            | Self::NameNotPermitted(c)
            | Self::AlgorithmRefused(c)
            | Self::KeyIdentifierMismatch(c)
            | Self::CriticalExtension(c, _)
            | Self::Other(c, _) => c,
        }
    }

    /// The id of the error that it becomes.
    pub(crate) fn error_id(&self) -> ErrorId {
        match self {
            Self::Expired(_) => ErrorId::CertificateExpired,
            Self::NotYetValid(_) => ErrorId::CertificateNotYetValid,
            Self::PurposeMissing(_, Purpose::ServerAuth) => ErrorId::MissingServerAuthEku,
            _ => ErrorId::UntrustedChain,
        }
    }

    /// What would mend it, where trusting a root would not.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::RootNotTrusted(_) | Self::Other(..) => None,
            Self::IssuerMissing(_) => Some(
                "`Import-Certificate` stores the certificate that is missing; a root is trusted by `[trust] roots` in `certlet.toml`",
            ),
            Self::RootNotValid(_) => Some("name the root's newer certificate in `[trust] roots` in `certlet.toml`"),
            _ => Some("`Request-CsCertificate -New` asks for another, at an authority without this fault"),
        }
    }
}

impl fmt::Display for ChainProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = self.certificate();
        let name = certificate.short_name();
        match self {
            Self::Expired(c) => write!(f, "`{name}` ended at {}", c.not_after()),
            Self::NotYetValid(c) => write!(f, "`{name}` begins at {}", c.not_before()),
            Self::RootNotValid(c) => {
                write!(f, "the root `{name}` is valid from {} to {} only", c.not_before(), c.not_after())
            }
            Self::IssuerMissing(c) => write!(f, "the issuer of `{name}` is missing: `{}`", c.issuer()),
            Self::RootNotTrusted(_) => write!(f, "the root `{name}` is not trusted"),
            Self::WrongSignature(c) => write!(f, "`{name}` was not signed by the key of its issuer `{}`", c.issuer()),
            Self::NotAnAuthority(_) => write!(f, "`{name}` signs certificates and may not"),
            Self::AuthorityAsLeaf(_) => write!(f, "`{name}` is an authority's certificate, no server's"),
            Self::PathTooLong(_) => write!(f, "`{name}` allows fewer authorities below itself than there are"),
            Self::PurposeMissing(_, purpose) => write!(f, "`{name}` is not meant for {purpose}"),
            Self::KeyUsageUnfit(_) => write!(f, "the key usage of `{name}` does not allow TLS handshakes"),
            Self::NameNotPermitted(_) => {
                write!(f, "`{name}` holds a name that an authority above it may not certify")
            }
            Self::AlgorithmRefused(c) => {
                write!(f, "`{name}` is signed by `{}`, which is not accepted", c.signature_algorithm())
            }
            Self::KeyIdentifierMismatch(_) => {
                write!(f, "the authority key identifier of `{name}` is not that of its issuer's key")
            }
            Self::CriticalExtension(_, oid) => {
                write!(f, "`{name}` has the critical extension `{oid}`, which is not understood here")
            }
            Self::Other(_, reason) => write!(f, "`{name}` does not chain to a trusted root: {reason}"),
        }
    }
}

impl std::error::Error for ChainProblem {}

impl From<ChainProblem> for Error {
    fn from(problem: ChainProblem) -> Self {
        Self::new(problem.error_id(), problem.to_string()).about(problem.certificate().thumbprint().to_string())
    }
}

/// What is odd in a good path, and breaks stricter programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChainRemark {
    /// No extended key usage, or `any`: some clients and every public authority ask for the purpose by name.
    PurposeNotNamed(Certificate),
    /// The basic constraints of an authority are not critical (RFC 5280 section 4.2.1.9).
    ConstraintsNotCritical(Certificate),
    /// The name constraints are not critical (RFC 5280 section 4.2.1.10).
    NameConstraintsNotCritical(Certificate),
    /// The subject is empty and the alternative names are not critical (RFC 5280 section 4.2.1.6).
    NamesNotCritical(Certificate),
    /// An authority without subject key identifier (RFC 5280 section 4.2.1.2).
    NoSubjectKeyIdentifier(Certificate),
    /// An issued certificate without authority key identifier (RFC 5280 section 4.2.1.1).
    NoAuthorityKeyIdentifier(Certificate),
    /// The serial number is zero or negative.
    OddSerialNumber(Certificate),
    /// It outlives its issuer, which ends at this moment.
    OutlivesIssuer(Certificate, Moment),
    /// An elliptic key whose usage allows key encipherment (RFC 8813 section 3).
    EllipticEncipherment(Certificate),
}

impl fmt::Display for ChainRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PurposeNotNamed(c) => write!(f, "`{}` does not name the purpose it serves", c.short_name()),
            Self::ConstraintsNotCritical(c) => {
                write!(f, "the basic constraints of `{}` are not critical", c.short_name())
            }
            Self::NameConstraintsNotCritical(c) => {
                write!(f, "the name constraints of `{}` are not critical", c.short_name())
            }
            Self::NamesNotCritical(c) => {
                write!(f, "`{}` has no subject, and its alternative names are not critical", c.short_name())
            }
            Self::NoSubjectKeyIdentifier(c) => write!(f, "`{}` has no subject key identifier", c.short_name()),
            Self::NoAuthorityKeyIdentifier(c) => write!(f, "`{}` has no authority key identifier", c.short_name()),
            Self::OddSerialNumber(c) => write!(f, "the serial number of `{}` is not positive", c.short_name()),
            Self::OutlivesIssuer(c, end) => write!(f, "`{}` outlives its issuer, which ends at {end}", c.short_name()),
            Self::EllipticEncipherment(c) => {
                write!(f, "`{}` has an elliptic key, and its usage says key encipherment", c.short_name())
            }
        }
    }
}
