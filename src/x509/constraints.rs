//! Name constraints read back: which names an authority's certificate lets it certify (RFC 5280 section 4.2.1.10).

use std::fmt;
use std::net::IpAddr;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::NameConstraints;
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
    /// What constraints that are to be written will permit.
    ///
    /// # Errors
    /// `InvalidName` for a suffix that is not ASCII.
    pub(crate) fn of(constraints: &NameConstraints) -> Result<Self> {
        read(&encode(constraints))
            .map_err(|e| Error::new(ErrorId::InvalidName, format!("the name constraints cannot be written: {e}")))
    }

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

impl NameSpace {
    /// The same as constraints that can be written; `None` where it says what those cannot: a suffix that leaves itself
    /// out, a name of another kind, an exclusion of less than a whole kind of names.
    pub(crate) fn to_constraints(&self) -> Option<NameConstraints> {
        let mut constraints = NameConstraints::default();
        for tree in &self.permitted {
            match tree {
                Subtree::Dns(base) if !base.is_empty() && !base.starts_with('.') => constraints.dns.push(base.clone()),
                Subtree::Network(address, mask) => constraints.networks.push((ip(address)?, prefix(mask)?)),
                _ => return None,
            }
        }
        // What is excluded must be what no permitted network or suffix mentions: that is excluded in any case.
        let is_implied = |tree: &Subtree| match tree {
            Subtree::Dns(base) => base.is_empty() && constraints.dns.is_empty(),
            Subtree::Network(address, mask) => {
                let is_mentioned = |(known, _): &(IpAddr, u8)| octets(*known).len() == address.len();
                mask.iter().all(|octet| *octet == 0) && !constraints.networks.iter().any(is_mentioned)
            }
            Subtree::Other => false,
        };
        self.excluded.iter().all(is_implied).then_some(constraints)
    }

    /// The suffixes and networks of other constraints that do not lie inside.
    pub(crate) fn outside(&self, constraints: &NameConstraints) -> Vec<String> {
        let dns = constraints.dns.iter().filter(|d| !self.permits(&AlternativeName::Dns((*d).clone()))).cloned();
        let networks = constraints.networks.iter().filter(|(address, bits)| {
            let is_wider = |tree: &Subtree| match tree {
                Subtree::Network(known, mask) => {
                    known.len() == octets(*address).len() && prefix(mask).is_none_or(|prefix| prefix > *bits)
                }
                _ => false,
            };
            let holds = |tree: &&Subtree| tree.holds(&AlternativeName::Ip(*address));
            !self.permits(&AlternativeName::Ip(*address)) || self.permitted.iter().filter(holds).any(is_wider)
        });
        dns.chain(networks.map(|(address, bits)| format!("{address}/{bits}"))).collect()
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
                let bits: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
                match ip(address) {
                    Some(address) => write!(f, "`{address}/{bits}`"),
                    None => f.write_str("a network"),
                }
            }
            Self::Other => f.write_str("names of another kind"),
        }
    }
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// The length of a mask whose ones all stand before its zeros.
fn prefix(mask: &[u8]) -> Option<u8> {
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading = mask
        .iter()
        .position(|octet| *octet != 0xff)
        .map_or(mask.len() * 8, |at| at * 8 + mask.get(at).map_or(0, |octet| octet.leading_ones() as usize));
    (ones as usize == leading).then(|| u8::try_from(ones).ok()).flatten()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Encodes constraints (RFC 5280 section 4.2.1.10): a kind of name that nothing permitted mentions is excluded.
pub(super) fn encode(constraints: &NameConstraints) -> Vec<u8> {
    let subtree = |tag: u8, content: &[u8]| der::sequence(&[&der::tlv(tag, content)]);
    let mut permitted = Vec::new();
    for suffix in &constraints.dns {
        permitted.extend(subtree(DNS, suffix.trim_start_matches('.').to_ascii_lowercase().as_bytes()));
    }
    for (address, bits) in &constraints.networks {
        let address = octets(*address);
        let mask = (0..address.len()).map(|i| 0xff_u8.checked_shl(8 - covered(i, *bits)).unwrap_or(0));
        let network: Vec<u8> = address.iter().zip(mask.clone()).map(|(octet, mask)| octet & mask).chain(mask).collect();
        permitted.extend(subtree(NETWORK, &network));
    }
    let mut excluded = Vec::new();
    if constraints.dns.is_empty() {
        excluded.extend(subtree(DNS, b""));
    }
    for length in [4, 16] {
        if !constraints.networks.iter().any(|(address, _)| octets(*address).len() == length) {
            excluded.extend(subtree(NETWORK, &vec![0; 2 * length]));
        }
    }
    let mut content = Vec::new();
    for (tag, list) in [(0xa0, permitted), (0xa1, excluded)] {
        if !list.is_empty() {
            content.extend(der::tlv(tag, &list));
        }
    }
    der::tlv(der::SEQUENCE, &content)
}

/// How many bits of the octet at a place a prefix covers.
fn covered(place: usize, bits: u8) -> u32 {
    u32::from(bits).saturating_sub(8 * place as u32).min(8)
}

/// `dNSName` and `iPAddress` in `GeneralName`.
const DNS: u8 = 0x82;
const NETWORK: u8 = 0x87;

/// Reads the value of the extension.
pub(super) fn read(value: &[u8]) -> Result<NameSpace, Malformed> {
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
            DNS => {
                let text = std::str::from_utf8(base.content).map_err(|_| Malformed("a host name is not ASCII"))?;
                Subtree::Dns(text.to_ascii_lowercase())
            }
            NETWORK if matches!(base.content.len(), 8 | 32) => {
                let (address, mask) = base.content.split_at(base.content.len() / 2);
                Subtree::Network(address.to_vec(), mask.to_vec())
            }
            NETWORK => return Err(Malformed("a network has another length")),
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
    fn what_a_request_writes_is_what_a_certificate_writes() {
        for (dns, networks) in [
            (vec!["contoso.net", "fe01"], vec![("10.0.0.0", 8), ("2001:db8::", 33)]),
            (vec!["contoso.net"], Vec::new()),
            (Vec::new(), vec![("10.1.2.3", 32), ("10.128.0.0", 9)]),
            (Vec::new(), Vec::new()),
        ] {
            let issued = space(&dns, &networks);
            let written = NameConstraints {
                dns: dns.iter().map(|d| (*d).to_owned()).collect(),
                networks: networks.iter().map(|(a, p)| (a.parse().unwrap(), *p)).collect(),
            };
            let asked = read(&encode(&written)).unwrap();
            assert_eq!(format!("{asked:?}"), format!("{issued:?}"), "{written:?}");
            assert_eq!(format!("{:?}", asked.to_constraints().unwrap()), format!("{written:?}"));
        }
    }

    #[test]
    fn what_cannot_be_written_again_is_not() {
        for list in [
            // Permitted `.a`; permitted a mailbox; excluded `a`.
            &[0xa0, 6, 0x30, 4, 0x82, 2, b'.', b'a'][..],
            &[0xa0, 5, 0x30, 3, 0x81, 1, b'a'],
            &[0xa1, 5, 0x30, 3, 0x82, 1, b'a'],
        ] {
            let space = read(&der::tlv(der::SEQUENCE, list)).unwrap();
            assert!(space.to_constraints().is_none(), "{space:?}");
        }
        let space = space(&["contoso.net"], &[("10.0.0.0", 8)]);
        let wanted = |dns: &str, network: (&str, u8)| NameConstraints {
            dns: vec![dns.to_owned()],
            networks: vec![(network.0.parse().unwrap(), network.1)],
        };
        assert!(space.outside(&wanted("a.contoso.net", ("10.1.0.0", 16))).is_empty());
        assert_eq!(space.outside(&wanted("net", ("10.0.0.0", 7))), ["net", "10.0.0.0/7"]);
        assert_eq!(space.outside(&wanted("contoso.net", ("::", 8))), ["::/8"]);
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
