//! Reads the certificates that the configuration trusts: files, and the operating system's.

use std::path::Path;

use crate::config::Configuration;
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;
use crate::x509;

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    crate::session::read_artefact(path, &path.display().to_string())
}

pub(super) fn certificates_in(path: &Path) -> Result<Vec<Certificate>> {
    let shown = path.display().to_string();
    let contents = x509::read_any(&read(path)?, None).map_err(|e| e.about(shown))?;
    Ok(contents.certificates().to_vec())
}

/// The roots of `[trust]`.
pub(super) fn configured_roots(configuration: &Configuration) -> Result<Vec<Certificate>> {
    let mut roots = Vec::new();
    for path in &configuration.trust.roots {
        roots.extend(certificates_in(path)?);
    }
    if configuration.trust.system {
        roots.extend(system_roots()?);
    }
    Ok(roots)
}

/// The roots of the operating system; those that our strict reader refuses are left out.
pub(super) fn system_roots() -> Result<Vec<Certificate>> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Error::new(ErrorId::ConfigInvalid, "the operating system's root certificates were not found"));
    }
    Ok(found.certs.iter().filter_map(|der| x509::parse_certificate(der).ok()).collect())
}
