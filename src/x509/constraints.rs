//! Name constraints read back: which names an authority's certificate lets it certify (RFC 5280 section 4.2.1.10).

use std::fmt;
use std::net::IpAddr;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::der::{self, Malformed, Reader};
use super::extensions::NAME_CONSTRAINTS;
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, Certificate};

/// What an authority may certify, as its certificate says.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameSpace {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

impl NameSpace {
    /// Whether a name of the kinds host name and address lies inside; other kinds are not judged here and never do.
    pub(crate) fn permits(&self, name: &AlternativeName) -> bool {
        let same_kind = |tree: &&Subtree| match (tree, name) {
            (Subtree::Dns(_), AlternativeName::Dns(_)) => true,
            (Subtree::Network(address, _), AlternativeName::Ip(ip)) => octets(*ip).len() == address.len(),
            _ => false,
        };
        if !matches!(name, AlternativeName::Dns(_) | AlternativeName::Ip(_)) {
            return false;
        }
        if self.excluded.iter().any(|tree| tree.holds(name)) {
            return false;
        }
        let mut permitted = self.permitted.iter().filter(same_kind).peekable();
        permitted.peek().is_none() || permitted.any(|tree| tree.holds(name))
    }
}

impl fmt::Display for NameSpace {
    /// What is permitted, most useful first: `contoso.net`, `fe01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.permitted.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// Reads the constraints of an authority's certificate; `None` where it has none.
///
/// # Errors
/// `BadCertificateFile` when the extension is malformed, or gives the distances that RFC 5280 forbids.
pub(crate) fn name_space(certificate: &Certificate) -> Result<Option<NameSpace>> {
    let refused = |reason: &str| {
        let name = certificate.short_name();
        Error::new(ErrorId::BadCertificateFile, format!("the name constraints of `{name}` cannot be read: {reason}"))
            .about(certificate.thumbprint().to_string())
    };
    let (_, parsed) = X509Certificate::from_der(certificate.der()).map_err(|e| refused(&super::parse::plain(&e)))?;
    let Some(extension) = parsed.extensions().iter().find(|e| e.oid.to_id_string() == NAME_CONSTRAINTS) else {
        return Ok(None);
    };
    read(extension.value).map(Some).map_err(|e| refused(&e.to_string()))
}

#[derive(Clone, Debug)]
enum Subtree {
    /// Lower case; the empty one holds every name, one with a leading dot only what is below.
    Dns(String),
    /// Address and mask.
    Network(Vec<u8>, Vec<u8>),
    /// A kind of name that is not certified here.
    Other,
}

impl Subtree {
    fn holds(&self, name: &AlternativeName) -> bool {
        match (self, name) {
            (Self::Dns(base), AlternativeName::Dns(name)) => {
                let name = name.to_ascii_lowercase();
                let Some(before) = name.strip_suffix(base.as_str()) else { return false };
                base.is_empty() || base.starts_with('.') || before.is_empty() || before.ends_with('.')
            }
            (Self::Network(address, mask), AlternativeName::Ip(ip)) => {
                let ip = octets(*ip);
                ip.len() == address.len()
                    && ip.iter().zip(address).zip(mask).all(|((ip, address), mask)| ip & mask == address & mask)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(base) => write!(f, "`{base}`"),
            Self::Network(address, mask) => {
                let prefix: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
                match (<[u8; 4]>::try_from(address.as_slice()), <[u8; 16]>::try_from(address.as_slice())) {
                    (Ok(v4), _) => write!(f, "`{}/{prefix}`", IpAddr::from(v4)),
                    (_, Ok(v6)) => write!(f, "`{}/{prefix}`", IpAddr::from(v6)),
                    _ => f.write_str("a network"),
                }
            }
            Self::Other => f.write_str("names of another kind"),
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn read(value: &[u8]) -> Result<NameSpace, Malformed> {
    let mut reader = der::only(value, der::SEQUENCE)?.inside();
    let permitted = reader.optional(0xa0)?;
    let excluded = reader.optional(0xa1)?;
    reader.end()?;
    let list = |part: Option<der::Tlv<'_>>| part.map_or_else(|| Ok(Vec::new()), |tlv| subtrees(tlv.inside()));
    Ok(NameSpace { permitted: list(permitted)?, excluded: list(excluded)? })
}

fn subtrees(mut reader: Reader<'_>) -> Result<Vec<Subtree>, Malformed> {
    let mut trees = Vec::new();
    while !reader.is_empty() {
        let mut subtree = reader.expect(der::SEQUENCE)?.inside();
        let base = subtree.any()?;
        subtree.end()?;
        trees.push(match base.tag {
            0x82 => {
                let text = std::str::from_utf8(base.content).map_err(|_| Malformed("a host name is not ASCII"))?;
                Subtree::Dns(text.to_ascii_lowercase())
            }
            0x87 if matches!(base.content.len(), 8 | 32) => {
                let (address, mask) = base.content.split_at(base.content.len() / 2);
                Subtree::Network(address.to_vec(), mask.to_vec())
            }
            0x87 => return Err(Malformed("a network has another length")),
            _ => Subtree::Other,
        });
    }
    Ok(trees)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::issue::tests::root;
    use crate::x509::key::tests::P256;
    use crate::x509::{AuthorityProfile, NameConstraints};

    fn space(dns: &[&str], networks: &[(&str, u8)]) -> NameSpace {
        let constraints = NameConstraints {
            dns: dns.iter().map(|d| (*d).to_owned()).collect(),
            networks: networks.iter().map(|(a, p)| (a.parse().unwrap(), *p)).collect(),
        };
        let profile = AuthorityProfile { path_len: Some(0), constraints: Some(constraints) };
        name_space(&root(&*P256, "CN=CA", profile)).unwrap().unwrap()
    }

    #[test]
    fn what_was_written_is_read_back() {
        let space = space(&["contoso.net", "fe01"], &[("10.0.0.0", 8)]);
        let inside = ["contoso.net", "A.Contoso.NET", "*.contoso.net", "fe01", "10.1.2.3"];
        let outside = ["net", "xcontoso.net", "*.net", "fe02", "fe011", "11.0.0.1", "::1", ""];
        for name in inside {
            assert!(space.permits(&AlternativeName::host(name)), "{name}");
        }
        for name in outside {
            assert!(!space.permits(&AlternativeName::host(name)), "{name}");
        }
        assert!(!space.permits(&AlternativeName::Email("a@contoso.net".into())));
        assert_eq!(space.to_string(), "`contoso.net`, `fe01`, `10.0.0.0/8`");
    }

    #[test]
    fn no_suffix_permits_no_name() {
        let space = space(&[], &[]);
        for name in ["contoso.net", "fe01", "10.0.0.1", "::1"] {
            assert!(!space.permits(&AlternativeName::host(name)), "{name}");
        }
        assert!(name_space(&root(&*P256, "CN=CA", AuthorityProfile::default())).unwrap().is_none());
    }

    #[test]
    fn malformed_constraints_are_refused() {
        for value in
            [&[0x30, 0x05][..], &[0x30, 4, 0xa0, 2, 0x30, 0], &[0x30, 7, 0xa0, 5, 0x30, 3, 0x87, 1, 0], &[0x31, 0]]
        {
            assert!(read(value).is_err(), "{value:?}");
        }
    }
}
