//! Renewal information: when the authority wants a certificate renewed (RFC 9773).

use serde::Deserialize;

use super::AcmeSettings;
use super::jose::base64url;
use super::wire::{Call, Wire, json, printable, retry_after, unreadable};
use crate::ca::{Context, RenewalWindow};
use crate::error::Result;
use crate::model::{Certificate, Moment, Zone};

/// Within which bounds a server's wish to be asked again is heard, in seconds (RFC 9773 section 4.3.3): one that says a
/// year would never be heard to call a certificate back.
const SOONEST: i64 = 60;
const LATEST: i64 = 24 * 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Information {
    suggested_window: Window,
    #[serde(rename = "explanationURL")]
    explanation_url: Option<String>,
}

#[derive(Deserialize)]
struct Window {
    start: String,
    end: String,
}

/// What names a certificate there: key identifier of its issuer and serial number (RFC 9773 section 4.1); `None` for a
/// certificate that does not say who issued it.
pub(super) fn identifier(certificate: &Certificate) -> Option<String> {
    let issuer = certificate.authority_key_identifier()?;
    Some(format!("{}.{}", base64url(issuer), base64url(certificate.serial().as_bytes())))
}

/// When the authority wants a certificate renewed; `None` where it does not say, or does not know the certificate.
///
/// # Errors
/// `CaUnreachable`, `Interrupted`.
pub(super) fn window(
    settings: &AcmeSettings,
    wire: &Wire,
    certificate: &Certificate,
    cx: &Context<'_>,
) -> Result<Option<RenewalWindow>> {
    let (Some(base), Some(identifier)) = (&wire.directory.renewal_info, identifier(certificate)) else {
        return Ok(None);
    };
    let url = format!("{}/{identifier}", base.trim_end_matches('/'));
    let reply = wire.get(&url, &Call::of(cx))?;
    match reply.status {
        200 => {}
        500.. => return Err(unreadable(&settings.directory, &format!("status {}", reply.status))),
        _ => return Ok(None),
    }
    let information: Information = json(&url, &reply)?;
    let moment = |text: &str| Moment::parse(text, &Zone::utc()).map_err(|e| unreadable(&url, e.message()));
    let (start, end) = (moment(&information.suggested_window.start)?, moment(&information.suggested_window.end)?);
    if start >= end {
        // RFC 9773 section 4.2: such a window says nothing.
        return Ok(None);
    }
    Ok(Some(RenewalWindow {
        start,
        end,
        explanation: information.explanation_url.as_deref().map(printable),
        ask_again: retry_after(&reply, cx.now)
            .map(|at| at.clamp(cx.now.plus_seconds(SOONEST), cx.now.plus_seconds(LATEST))),
    }))
}
