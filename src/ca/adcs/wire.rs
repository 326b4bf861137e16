//! How the pages are asked for: one form or address, one account, one reply.

use std::fmt;

use super::super::http::{Client, Reply};
use super::AdcsSettings;
use crate::error::Result;
use crate::model::{Certificate, Secret};

/// Web enrollment gives certificates the right content type only to what looks like a browser.
pub(super) const USER_AGENT: &str = concat!("Mozilla/5.0 (compatible; certlet/", env!("CARGO_PKG_VERSION"), ")");

/// How one logs on to the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOn {
    /// HTTP basic authentication, over TLS.
    Basic,
    /// NTLM, for each connection, bound to the server's certificate.
    #[cfg(feature = "ntlm")]
    Ntlm,
}

impl LogOn {
    /// The scheme as servers offer it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            #[cfg(feature = "ntlm")]
            Self::Ntlm => "NTLM",
        }
    }
}

/// Asks for pages below an address.
pub(super) struct Wire {
    url: String,
    speaker: Speaker,
}

enum Speaker {
    Basic(Client),
    #[cfg(feature = "ntlm")]
    Ntlm(super::ntlm::Ntlm),
}

impl Wire {
    pub(super) fn new(settings: &AdcsSettings, roots: &[Certificate]) -> Self {
        let speaker = match settings.log_on {
            LogOn::Basic => Speaker::Basic(Client::new(roots, settings.limit)),
            #[cfg(feature = "ntlm")]
            LogOn::Ntlm => Speaker::Ntlm(super::ntlm::Ntlm::new(roots, settings.limit)),
        };
        Self { url: settings.url.trim_end_matches('/').to_owned(), speaker }
    }

    /// Asks for a page, whatever its status is.
    ///
    /// # Errors
    /// `CaUnreachable`, `Interrupted`.
    pub(super) fn get(&self, account: &(String, Secret), page: &str, cancelled: &dyn Fn() -> bool) -> Result<Reply> {
        self.ask(account, page, None, cancelled)
    }

    /// Sends a form.
    ///
    /// # Errors
    /// As [`get`](Self::get); the form may have arrived all the same.
    pub(super) fn post(
        &self,
        account: &(String, Secret),
        page: &str,
        form: &[(&str, &str)],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        let fields: Vec<String> =
            form.iter().map(|(k, v)| format!("{}={}", form_encoded(k), form_encoded(v))).collect();
        self.ask(account, page, Some(fields.join("&")), cancelled)
    }

    fn ask(
        &self,
        account: &(String, Secret),
        page: &str,
        form: Option<String>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply> {
        let url = format!("{}/{page}", self.url);
        match &self.speaker {
            Speaker::Basic(client) => {
                let authorization = basic(account);
                let mut headers = vec![("User-Agent", USER_AGENT), ("Authorization", authorization.as_str())];
                match form {
                    None => client.get(&url, &headers, cancelled),
                    Some(form) => {
                        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
                        client.post(&url, &headers, form.into_bytes(), cancelled)
                    }
                }
            }
            #[cfg(feature = "ntlm")]
            Speaker::Ntlm(ntlm) => ntlm.ask(account, &url, form, cancelled),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The value of the header `Authorization` (RFC 7617); names and passwords in UTF-8.
fn basic((user, password): &(String, Secret)) -> zeroize::Zeroizing<String> {
    let plain = zeroize::Zeroizing::new(format!("{user}:{}", password.expose()));
    zeroize::Zeroizing::new(format!("Basic {}", base64(plain.as_bytes())))
}

/// Base64 with padding, in one line (RFC 4648 section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i)) as usize & 63];
            text.push(if i > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// As forms are sent: everything but letters, digits and `-._` by its number.
fn form_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            // Writing to a string never fails.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn texts_are_encoded() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("é:?~", "w6k6P34=")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(form_encoded("a b+c=\r\né"), "a%20b%2Bc%3D%0D%0A%C3%A9");
        let header = basic(&(r"CORP\svc".to_owned(), Secret::from("päss")));
        assert_eq!(*header, "Basic Q09SUFxzdmM6cMOkc3M=");
    }
}
