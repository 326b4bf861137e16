//! What the pages of web enrollment say; they are the protocol, and their language is that of the server.
//!
//! Every answer is a page with status 200. Safe in any language are the link to an issued certificate, the identifiers
//! of table cells (`locDispLabel`…), the numeric disposition of `ICertRequest::GetLastStatus` and HRESULTs.

use crate::error::{Error, ErrorId};

/// Longer words of a page are cut.
const MOST_WORDS: usize = 400;

/// What came of handing a request in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// The certificate of this request can be fetched.
    Issued(u32),
    /// A manager decides.
    Pending(u32),
    /// A manager decides, and the page does not tell about which request.
    Nameless,
    /// Refused, with the number where the page tells it.
    Denied(Option<u32>, String),
    /// A page in another language, or none of web enrollment; the number is the only one on it.
    Unclear(Option<u32>),
}

/// What stands in place of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotIssued {
    Pending,
    Denied(String),
    Revoked,
    /// The authority has no such request.
    Unknown,
    /// It says something else.
    Unclear(String),
}

/// Reads the page that answers `certfnsh.asp`.
pub(super) fn submitted(page: &str) -> Submitted {
    if let Some(id) = after(page, "certnew.cer?ReqID=").and_then(leading_number) {
        return Submitted::Issued(id);
    }
    let shown = shown(page);
    let id = after(&shown, "Request Id is ").and_then(leading_number);
    let is_pending =
        after(&shown, "Certificate Pending").is_some() || after(&shown, "must wait for an administrator").is_some();
    if is_pending {
        return id.map_or(Submitted::Nameless, Submitted::Pending);
    }
    // Quotes within the message are entities.
    if let Some(words) = after(page, "disposition message is \"") {
        let words = words.split('"').next().unwrap_or_default();
        return Submitted::Denied(id, cut(&unescape(words)));
    }
    if failure(&shown).is_some() {
        return Submitted::Denied(id.or_else(|| only_number(&shown)), cut(&shown));
    }
    Submitted::Unclear(id.or_else(|| only_number(&shown)))
}

/// Reads the page that comes instead of a certificate.
pub(super) fn not_issued(page: &str) -> NotIssued {
    let message = cell(page, "locDispMsgLabel", "Disposition message:").unwrap_or_default();
    let last = cell(page, "locLastStatLabel", "LastStatus:").unwrap_or_default();
    let words = match (message.as_str(), last.as_str()) {
        ("", last) => last.to_owned(),
        (message, last) if failure(last).is_some() => format!("{message} ({last})"),
        (message, _) => message.to_owned(),
    };
    let disposition = cell(page, "locDispLabel", "Disposition:").as_deref().and_then(leading_number);
    let is_empty = |code| code == EMPTY_PROPERTY;
    match disposition {
        Some(5) => return NotIssued::Pending,
        Some(2) => return NotIssued::Denied(words),
        Some(6) => return NotIssued::Revoked,
        _ => {}
    }
    if failure(&words).is_some_and(is_empty) || words.contains("requested property value is empty") {
        return NotIssued::Unknown;
    }
    if after(&message, "Taken Under Submission").is_some() {
        return NotIssued::Pending;
    }
    if after(&message, "Denied").is_some() || failure(&words).is_some_and(is_refusal) {
        return NotIssued::Denied(words);
    }
    let shown = shown(page);
    match failure(&shown) {
        Some(code) if is_empty(code) => NotIssued::Unknown,
        Some(code) if is_refusal(code) => NotIssued::Denied(cut(&shown)),
        _ => NotIssued::Unclear(if words.is_empty() { cut(&shown) } else { words }),
    }
}

/// How often the authority's own certificate has been renewed, from `certcarc.asp`.
pub(super) fn renewals(page: &str) -> Option<u32> {
    let rest = after(page, "nRenewals")?.trim_start().strip_prefix('=')?;
    leading_number(rest.trim_start())
}

/// The error that a refusal comes to. The numbers are HRESULTs of certificate services (`winerror.h`).
pub(super) fn refusal(authority: &str, request: Option<u32>, template: &str, words: &str) -> Error {
    let id = match failure(words) {
        Some(0x8009_4800..=0x8009_4802) => ErrorId::TemplateNotFound,
        Some(0x8009_4012) => ErrorId::TemplateAccessDenied,
        Some(0x8009_4811 | 0x8009_4016) => ErrorId::KeyTooSmall,
        Some(0x8009_4011 | 0x8007_0005) => ErrorId::CaAccessDenied,
        _ => ErrorId::RequestDenied,
    };
    let which = request.map_or_else(|| "the request".to_owned(), |id| format!("request {id}"));
    let words = if words.is_empty() { "it gives no reason" } else { words };
    let error = Error::new(id, format!("`{authority}` refused {which}: {words}"));
    match id {
        ErrorId::TemplateNotFound => {
            let hint = "`-Template` takes the template's name (`WebServer`), not what dialogs show (`Web Server`); it must be published at this authority";
            error.about(template).hint(hint)
        }
        ErrorId::TemplateAccessDenied => {
            error.about(template).hint(format!("ask for the rights Read and Enroll on the template `{template}`"))
        }
        ErrorId::KeyTooSmall => error.about(template).hint("ask for a larger key with `-KeySize`"),
        _ => error.about(request.map_or_else(|| authority.to_owned(), |id| id.to_string())),
    }
}

/// The requested property value is empty: no such request.
const EMPTY_PROPERTY: u32 = 0x8009_4004;

fn is_refusal(code: u32) -> bool {
    matches!(code, 0x8009_4000..=0x8009_4FFF | 0x8007_0005)
}

/// The first failure code of a text, `0x8…` with eight digits.
fn failure(text: &str) -> Option<u32> {
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        rest = &rest[at + 2..];
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits == 8
            && let Ok(code) = u32::from_str_radix(&rest[..8], 16)
            && code >= 0x8000_0000
        {
            return Some(code);
        }
    }
    None
}

/// What follows a word, without regard to the case of ASCII letters.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (text_bytes, word_bytes) = (text.as_bytes(), word.as_bytes());
    let at = text_bytes.windows(word_bytes.len()).position(|w| w.eq_ignore_ascii_case(word_bytes))?;
    text.get(at + word_bytes.len()..)
}

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.trim_start().bytes().take_while(u8::is_ascii_digit).count();
    text.trim_start()[..digits].parse().ok().filter(|n| *n > 0 || digits == 1)
}

/// The cell after a label, found by the identifier that no translation touches, else by the English label.
fn cell(page: &str, id: &str, label: &str) -> Option<String> {
    let rest = after(page, &format!("ID={id}")).or_else(|| after(page, &format!("ID=\"{id}\"")));
    let rest = rest.or_else(|| after(page, label))?;
    let rest = after(rest, "<DD>")?;
    let end = rest.find('<').unwrap_or(rest.len());
    Some(cut(&unescape(&rest[..end])))
}

/// The text of a page: no scripts, no tags, entities resolved.
fn shown(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let closing = ["script", "style"]
            .iter()
            .find(|name| rest.get(1..=name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name)));
        let past = match closing {
            Some(name) => after(rest, &format!("</{name}")).unwrap_or(""),
            None => rest,
        };
        rest = past.find('>').map_or("", |end| &past[end + 1..]);
        text.push(' ');
    }
    text.push_str(rest);
    unescape(&text)
}

/// The five entities of XML, and characters by their number.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end <= 9).map(|end| (&rest[1..end], end + 1));
        let resolved = entity.and_then(|(name, length)| {
            let character = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => ' ',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((character, length))
        });
        let (character, length) = resolved.unwrap_or(('&', 1));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The only whole number of a text that stands by itself; `None` when there are several different ones.
fn only_number(text: &str) -> Option<u32> {
    let mut found = None;
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ':' | ';' | '(' | ')' | '"')) {
        let Some(number) = word.parse::<u32>().ok().filter(|n| *n > 0 && word.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        if found.is_some_and(|known| known != number) {
            return None;
        }
        found = Some(number);
    }
    found
}

/// One line of bounded length, without control characters.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(MOST_WORDS + 1).collect();
    if line.chars().count() <= MOST_WORDS { line } else { line.chars().take(MOST_WORDS).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    #[test]
    fn answers_to_a_request() {
        let cases: [(&str, Submitted); 10] = [
            ("<A Href=\"certnew.cer?ReqID=17&amp;Enc=b64\" ID=locDownloadCert3>", Submitted::Issued(17)),
            ("<Script> location=\"CERTNEW.CER?reqid=17&\" + enc(); </Script>", Submitted::Issued(17)),
            ("<P ID=locPageTitle> <B> Certificate Pending </B><P>Your Request Id is 42.</P>", Submitted::Pending(42)),
            ("<B> Certificate Pending </B><P>Come back in 10 days.</P>", Submitted::Nameless),
            (
                "denied.<P>Your Request Id is 43. The disposition message is \"Denied by Policy Module 0x80094800, The \
                 template &quot;X&quot;.\".</P>",
                Submitted::Denied(Some(43), "Denied by Policy Module 0x80094800, The template \"X\".".to_owned()),
            ),
            (
                "The disposition message is \"Error Parsing Request  ASN1 bad tag value met. 0x8009310b (ASN: 267)\".",
                Submitted::Denied(
                    None,
                    "Error Parsing Request ASN1 bad tag value met. 0x8009310b (ASN: 267)".to_owned(),
                ),
            ),
            // In another language only numbers speak.
            ("<B>Zertifikat ausstehend</B><P>Ihre Anforderungs-ID lautet 44.</P>", Submitted::Unclear(Some(44))),
            ("<P>Anforderung 45, am 3. Mai</P>", Submitted::Unclear(None)),
            (
                "<P>Abgelehnt: 46. Keine Berechtigung. 0x80094012 (-2146877422)</P>",
                Submitted::Denied(Some(46), "Abgelehnt: 46. Keine Berechtigung. 0x80094012 (-2146877422)".to_owned()),
            ),
            ("<html>It works!</html>", Submitted::Unclear(None)),
        ];
        for (page, expected) in cases {
            assert_eq!(submitted(page), expected, "{page}");
        }
    }

    fn error_page(disposition: &str, message: &str, last: &str, labels: [&str; 3]) -> String {
        let [first, second, third] = labels;
        format!(
            "<DT ID=locDispLabel><B>{first}</B></DT><DD>\n\t\t{disposition} <LocID ID=locDispSpacer>-</LocID>\n</DD>\n\
             <DT ID=locDispMsgLabel><Font><B>{second}</B></Font></DT><DD>\n\t\t{message}\n\t</DD>\n\
             <DT ID=locLastStatLabel><Font><B>{third}</B></Font></DT><DD>\n\t\t{last}\n\t</DD>"
        )
    }

    #[test]
    fn answers_in_place_of_a_certificate() {
        const ENGLISH: [&str; 3] = ["Disposition:", "Disposition message:", "LastStatus:"];
        const GERMAN: [&str; 3] = ["Disposition:", "Dispositionsmeldung:", "Letzter Status:"];
        let manager = "Denied by CORP\\admin";
        let code = "0x80094014 (-2146877420 CERTSRV_E_ADMIN_DENIED_REQUEST)";
        for labels in [ENGLISH, GERMAN] {
            let page = |disposition: &str, message: &str, last: &str| {
                not_issued(&error_page(disposition, message, last, labels))
            };
            assert_eq!(page("5", "Taken Under Submission", "0x0 (WIN32: 0)"), NotIssued::Pending);
            assert_eq!(page("2", manager, code), NotIssued::Denied(format!("{manager} ({code})")));
            assert_eq!(page("1", "", "leer 0x80094004 (-2146877436)"), NotIssued::Unknown);
            assert_eq!(page("6", "", ""), NotIssued::Revoked);
        }
        let plain = |message: &str| format!("<B>Disposition message:</B></Font></DT><DD>\n\t\t{message}\n");
        assert_eq!(not_issued(&plain("Taken Under Submission")), NotIssued::Pending);
        assert_eq!(not_issued(&plain(manager)), NotIssued::Denied(manager.to_owned()));
        assert_eq!(not_issued(&plain("The requested property value is empty")), NotIssued::Unknown);
        assert_eq!(
            not_issued("<html>Down for maintenance</html>"),
            NotIssued::Unclear("Down for maintenance".to_owned())
        );
    }

    #[test]
    fn codes_become_errors() {
        for (code, id) in [
            ("0x80094800", ErrorId::TemplateNotFound),
            ("0x80094801", ErrorId::TemplateNotFound),
            ("0x80094012", ErrorId::TemplateAccessDenied),
            ("0x80094811", ErrorId::KeyTooSmall),
            ("0x80094011", ErrorId::CaAccessDenied),
            ("0x80070005", ErrorId::CaAccessDenied),
            ("0x80094014", ErrorId::RequestDenied),
            ("0x8009310b", ErrorId::RequestDenied),
            ("", ErrorId::RequestDenied),
        ] {
            let error = refusal(r"dc\CA", Some(7), "Web", &format!("Denied by Policy Module 0x0 {code}"));
            assert_eq!(error.id(), id, "{code}");
            assert!(error.message().contains(code), "{error}");
        }
        assert_eq!(renewals("<Script>\nvar nRenewals=3;\n"), Some(3));
        assert_eq!(renewals("var nRenewals = 0;"), Some(0));
        assert_eq!(renewals("none"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_page_is_read(
            pieces in proptest::collection::vec("[\\PC\\n]{0,6}|<|>|&#?x?|;|<script>|</|0x8009|ID=locDisp(Msg)?Label|<DD>|disposition message is \"|certnew.cer\\?ReqID=|[0-9]{1,12}|nRenewals", 0..12),
            end in any::<usize>(),
        ) {
            let page: String = pieces.concat();
            let page: String = page.chars().take(end % (page.len() + 1)).collect();
            let _ = (submitted(&page), not_issued(&page), renewals(&page));
        }
    }
}
