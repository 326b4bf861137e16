//! What a server shows in a handshake, kept to be judged later; only the possession of the key is checked here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::KeyFamily;

/// Keeps what the server shows, checks that it holds the key, and judges nothing else.
#[derive(Debug)]
pub(super) struct Capture {
    algorithms: WebPkiSupportedAlgorithms,
    family: KeyFamily,
    seen: Mutex<Seen>,
}

/// What was kept: the certificates as served, leaf first.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) staple: Option<Vec<u8>>,
    pub(super) scheme: Option<SignatureScheme>,
    wrong_key: Option<String>,
}

impl Capture {
    /// Takes the family whose signatures are offered.
    pub(super) fn new(family: KeyFamily) -> Self {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        Self { algorithms, family, seen: Mutex::default() }
    }

    /// What was kept, once.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut *self.lock())
    }

    /// Why the signature did not hold, if so.
    pub(super) fn wrong_key(&self) -> Option<String> {
        self.lock().wrong_key.clone()
    }

    /// Whether the signature was checked and held.
    pub(super) fn has_verified(&self) -> bool {
        self.lock().scheme.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(
        &self,
        scheme: SignatureScheme,
        checked: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut seen = self.lock();
        match &checked {
            Ok(_) => seen.scheme = Some(scheme),
            Err(error) => seen.wrong_key = Some(error.to_string()),
        }
        checked
    }
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        staple: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut seen = self.lock();
        seen.chain = std::iter::once(leaf).chain(chain).map(|der| der.as_ref().to_vec()).collect();
        seen.staple = (!staple.is_empty()).then(|| staple.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.record(signed.scheme, verify_tls12_signature(message, leaf, signed, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.record(signed.scheme, verify_tls13_signature(message, leaf, signed, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes().into_iter().filter(|scheme| is_offered(*scheme, self.family)).collect()
    }
}

/// Whether a scheme belongs to a family.
pub(super) fn is_offered(scheme: SignatureScheme, family: KeyFamily) -> bool {
    use SignatureScheme as S;
    match family {
        KeyFamily::Any => true,
        KeyFamily::Ecdsa => {
            matches!(scheme, S::ECDSA_NISTP256_SHA256 | S::ECDSA_NISTP384_SHA384 | S::ECDSA_NISTP521_SHA512)
        }
        KeyFamily::Rsa => matches!(
            scheme,
            S::RSA_PKCS1_SHA256
                | S::RSA_PKCS1_SHA384
                | S::RSA_PKCS1_SHA512
                | S::RSA_PSS_SHA256
                | S::RSA_PSS_SHA384
                | S::RSA_PSS_SHA512
        ),
    }
}
