//! `tls-alpn-01`: a certificate with the key authorization's digest, shown to those who offer `acme-tls/1` (RFC 8737).

use std::fmt;
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, ServerConnection};
use rustls::sign::CertifiedKey;

use super::Chosen;
use super::responder::{Responder, Talk};
use crate::ca::Context;
use crate::ca::acme::jose::{AccountKey, sha256};
use crate::error::{Error, ErrorId, Result};
use crate::model::{AlternativeName, KeyAlgorithm};
use crate::x509::{self, PrivateKey};

/// The protocol's name.
const ALPN: &[u8] = b"acme-tls/1";

/// The certificates by the server name that the authority asks for.
struct Shown(Vec<(String, Arc<CertifiedKey>)>);

/// Answers for the chosen challenges.
pub(super) fn listen(address: &str, chosen: &[Chosen], key: &AccountKey, cx: &Context<'_>) -> Result<Responder> {
    let signer = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
    let pkcs8 = signer.to_pkcs8_der()?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
    let failed =
        |e: rustls::Error| Error::new(ErrorId::StepFailed, "the answer to tls-alpn-01 cannot be made").because(e);
    let loaded = aws_lc_rs::sign::any_supported_type(&der).map_err(failed)?;
    let mut shown = Vec::new();
    for one in chosen {
        let name = AlternativeName::host(&one.name.value);
        let digest = sha256(key.key_authorization(&one.token).as_bytes());
        let certificate = x509::acme_challenge(&signer, &name, digest, cx.now)?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        shown.push((server_name(&name), Arc::new(CertifiedKey::new(chain, Arc::clone(&loaded)))));
    }
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shown(shown)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    let config = Arc::new(config);
    let talk: Talk = Arc::new(move |stream| shake(&config, stream));
    Responder::start(address, &talk, cx.cancelled)
}

/// Shakes hands and says goodbye: nothing else is spoken.
fn shake(config: &Arc<ServerConfig>, stream: &mut TcpStream) {
    let Ok(mut connection) = ServerConnection::new(Arc::clone(config)) else { return };
    while connection.is_handshaking() {
        if connection.complete_io(stream).is_err() {
            return;
        }
    }
    connection.send_close_notify();
    while connection.wants_write() {
        if connection.write_tls(stream).is_err() {
            return;
        }
    }
}

/// The server name under which the authority asks: for an address that of its reverse zone (RFC 8738 section 6).
fn server_name(name: &AlternativeName) -> String {
    match name {
        AlternativeName::Ip(IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        AlternativeName::Ip(IpAddr::V6(v6)) => {
            let digits: Vec<String> =
                v6.octets().iter().rev().flat_map(|o| [o & 15, o >> 4]).map(|d| format!("{d:x}.")).collect();
            format!("{}ip6.arpa", digits.concat())
        }
        other => other.to_string().to_ascii_lowercase(),
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever does not ask for the challenge gets nothing: this is no web server.
        if !hello.alpn()?.any(|protocol| protocol == ALPN) {
            return None;
        }
        let asked = hello.server_name()?.to_ascii_lowercase();
        self.0.iter().find(|(name, _)| *name == asked).map(|(_, certified)| Arc::clone(certified))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_by_their_reverse_names() {
        assert_eq!(server_name(&AlternativeName::host("192.0.2.7")), "7.2.0.192.in-addr.arpa");
        let v6 = server_name(&AlternativeName::host("2001:db8::567:89ab"));
        assert_eq!(v6, "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
        assert_eq!(server_name(&AlternativeName::host("WWW.shop.test")), "www.shop.test");
    }
}
