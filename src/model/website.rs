//! TLS endpoints of server programs, as `certlet.toml` declares them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CertificateSelector, HostName, Position, RequestedName, ServerSettings, UseName};
use crate::error::{Error, ErrorId, Result};

/// A site of a server program on one computer; it is named by computer and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Website {
    /// The computer it stands on.
    pub computer: HostName,
    /// Its name: `Lync Server External Web Site`.
    pub name: String,
    /// Its number, as IIS counts sites.
    pub id: Option<u32>,
    /// Whether it is meant to run.
    pub state: SiteState,
    /// The program that serves it.
    pub server: ServerSettings,
    /// Its bindings in their order.
    pub bindings: Vec<Binding>,
    /// Where it is declared.
    pub position: Position,
}

/// Whether a site is meant to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SiteState {
    /// It runs and is probed.
    #[default]
    Started,
    /// It is not probed, and no change is proven there.
    Stopped,
}

impl fmt::Display for SiteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An address under which a site answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What is spoken there.
    pub protocol: BindingProtocol,
    /// `IP:port:host`.
    pub information: BindingInformation,
    /// The use whose certificate belongs here.
    pub use_name: Option<UseName>,
    /// Where the probe connects, each of them; where a listener listens. Empty means that none is declared.
    pub endpoints: Vec<Endpoint>,
    /// The server name of the probe; the first name computed for the use when absent.
    pub server_name: Option<HostName>,
    /// What is to be proven; `None` is everything, an empty list nothing (`NotApplicable`).
    pub prove: Option<Vec<ProofScope>>,
    /// What is bound when a home is first used.
    pub certificate: Option<CertificateSelector>,
    /// Where it is declared.
    pub position: Position,
}

/// What is spoken at a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BindingProtocol {
    /// HTTP without TLS.
    Http,
    /// HTTP over TLS.
    Https,
    /// Anything else over TLS from the first byte, such as SIP.
    Tls,
}

impl BindingProtocol {
    /// The word as bindings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
        }
    }

    /// Whether a certificate is served there.
    #[must_use]
    pub fn is_secure(self) -> bool {
        self != Self::Http
    }
}

impl fmt::Display for BindingProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A smaller thing to prove than everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofScope {
    /// Handshakes of TLS 1.2 (`tls1.2`).
    Tls12,
    /// Handshakes of TLS 1.3 (`tls1.3`).
    Tls13,
    /// The ECDSA certificate (`ecdsa`).
    Ecdsa,
    /// The RSA certificate (`rsa`).
    Rsa,
    /// Endpoints on the loopback interface stand for the whole binding (`loopback`).
    Loopback,
}

impl ProofScope {
    /// Every scope with its word.
    pub const WORDS: [(&str, Self); 5] = [
        ("tls1.2", Self::Tls12),
        ("tls1.3", Self::Tls13),
        ("ecdsa", Self::Ecdsa),
        ("rsa", Self::Rsa),
        ("loopback", Self::Loopback),
    ];
}

/// `IP:port:host` as IIS writes bindings: `*:443:`, `10.0.0.5:443:www.contoso.com`, `[::]:443:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BindingInformation {
    /// The address.
    pub address: BindingAddress,
    /// The port.
    pub port: u16,
    /// The host name; absent means any.
    pub host: Option<HostName>,
}

/// The address of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindingAddress {
    /// `*`, or nothing: every address.
    Any,
    /// One address.
    Ip(IpAddr),
}

impl FromStr for BindingInformation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = |why: &str| {
            let message = format!("`{text}` is no binding: {why}; write `IP:port:host`, for example `*:443:`");
            Error::new(ErrorId::CannotConvertArgument, message).about(text)
        };
        let (address, rest) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or_else(|| fail("the bracket of an IPv6 address is not closed"))?,
            None => text.split_once(':').ok_or_else(|| fail("it has no colon"))?,
        };
        let (port, host) = rest.split_once(':').ok_or_else(|| fail("it has two colons at least"))?;
        let address = match address {
            "*" | "" if !text.starts_with('[') => BindingAddress::Any,
            address => {
                BindingAddress::Ip(address.parse().map_err(|_| fail("its first part is no IP address and not `*`"))?)
            }
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| fail("its second part is no port"))?;
        let host = match host {
            "" => None,
            host => Some(HostName::with_underscores(host).map_err(|_| fail("its third part is no host name"))?),
        };
        Ok(Self { address, port, host })
    }
}

impl fmt::Display for BindingInformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            BindingAddress::Any => f.write_str("*")?,
            BindingAddress::Ip(IpAddr::V4(address)) => write!(f, "{address}")?,
            BindingAddress::Ip(IpAddr::V6(address)) => write!(f, "[{address}]")?,
        }
        write!(f, ":{}:", self.port)?;
        self.host.as_ref().map_or(Ok(()), |host| fmt::Display::fmt(host, f))
    }
}

/// `host:port` where a probe connects; an IPv6 address stands in brackets. Port 0 lets a listener choose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A host name or an address.
    pub host: RequestedName,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// The socket address, when the host is an address.
    #[must_use]
    pub fn socket_address(&self) -> Option<SocketAddr> {
        match self.host {
            RequestedName::Ip(address) => Some(SocketAddr::new(address, self.port)),
            RequestedName::Dns(_) => None,
        }
    }

    /// Whether it can only be reached from this computer.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            RequestedName::Ip(address) => address.is_loopback(),
            RequestedName::Dns(name) => name.as_str().eq_ignore_ascii_case("localhost"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || {
            let message = format!("`{text}` is no endpoint: write `host:port`, `10.0.0.5:443` or `[2001:db8::1]:443`");
            Error::new(ErrorId::CannotConvertArgument, message).about(text)
        };
        let text = text.trim();
        let (host, port) = text.rsplit_once(':').ok_or_else(fail)?;
        let port = port.parse().map_err(|_| fail())?;
        let host = match host.strip_prefix('[') {
            Some(rest) => RequestedName::Ip(rest.strip_suffix(']').and_then(|a| a.parse().ok()).ok_or_else(fail)?),
            None if host.contains(':') => return Err(fail()),
            None => host.parse().map_err(|_| fail())?,
        };
        if host.dns().is_some_and(HostName::is_wildcard) {
            return Err(fail());
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            RequestedName::Ip(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_read_back() {
        for text in ["*:443:", "10.0.0.5:4443:www.contoso.com", "[::]:443:", "*:80:*.contoso.com"] {
            assert_eq!(text.parse::<BindingInformation>().unwrap().to_string(), text);
        }
        assert_eq!(":443:".parse::<BindingInformation>().unwrap().to_string(), "*:443:");
        for text in [
            "",
            "443",
            "*:443",
            "*:0:",
            "*:70000:",
            "a:443:",
            "[::1:443:",
            "[]:443:",
            "[*]:443:",
            "*:443:a b",
            "*:443:x:y",
        ] {
            assert!(text.parse::<BindingInformation>().is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints_read_back() {
        for text in ["127.0.0.1:0", "[2001:db8::1]:443", "fe01.contoso.net:4443", "localhost:1"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for text in ["", ":", "a:", "2001:db8::1:443", "*.contoso.com:443", "[10.0.0.1]x:1", "a:99999", "a b:1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        assert!("[::1]:0".parse::<Endpoint>().unwrap().is_loopback());
    }
}
